"""Decoding in equal steps agrees with the adaptive solution."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from models.editing.attribute_edit import start_edit
from models.styleflow.attributes import ATTRIBUTES
from models.styleflow.checkpoint import FlowConfig
from models.styleflow.fixed_steps import (
    AGREEMENT,
    FixedStepFlow,
    FlowTooSteep,
    fewest_steps,
    fixed_step_flow,
)
from models.styleflow.flow import ConditionalFlow, load_flow
from models.styleflow.network import CNF, IntegrationError

DEMO = Path(__file__).parents[2] / "checkpoints" / "demo" / "flow.safetensors"


def small_flow(num_blocks: int = 2) -> ConditionalFlow:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        flow = ConditionalFlow(FlowConfig(12, (20, 16), num_blocks=num_blocks, whitened=True))
    return flow.eval().requires_grad_(False)


def drawn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def attributes_in_range(count: int) -> Tensor:
    share = torch.rand(count, len(ATTRIBUTES), generator=torch.Generator().manual_seed(11))
    low = torch.tensor([a.minimum for a in ATTRIBUTES])
    return low + share * (torch.tensor([a.maximum for a in ATTRIBUTES]) - low)


def test_every_row_is_decoded_under_its_own_attributes() -> None:
    flow, u, attributes = small_flow(), drawn(5, 12), attributes_in_range(5)
    together = FixedStepFlow(flow, 16).decode(u, attributes)
    for i in range(5):
        exact = flow.decode(u[i : i + 1, None], attributes[i : i + 1])[:, 0]
        torch.testing.assert_close(together[i : i + 1], exact, rtol=0, atol=1e-4)


def test_the_steps_found_agree_with_the_adaptive_solution_on_rows_not_tried() -> None:
    for flow in (small_flow(), load_flow(DEMO)):
        u, attributes = drawn(16, flow.config.dim, seed=77), attributes_in_range(16)
        exact = flow.decode(u[:, None], attributes)[:, 0]
        error = (fixed_step_flow(flow).decode(u, attributes) - exact).abs().max()
        assert 0 < error < AGREEMENT


def test_fewer_steps_than_those_found_are_not_enough() -> None:
    flow = load_flow(DEMO)
    steps = fewest_steps(flow)
    u, attributes = drawn(64, flow.config.dim, seed=0), attributes_in_range(64)
    exact = flow.decode(u[:, None], attributes)[:, 0]
    assert steps > 1
    assert (FixedStepFlow(flow, steps - 1).decode(u, attributes) - exact).abs().max() > AGREEMENT / 2


def test_the_order_of_the_method_is_five() -> None:
    flow = small_flow(num_blocks=1).double()
    block = flow.chain[1]
    assert isinstance(block, CNF)
    with torch.no_grad():
        for layer in block.odefunc.diffeq.squash_layers():
            layer.weight.mul_(2)
    flow.editing_solver = type(flow.editing_solver)(tolerance=1e-11)
    u, attributes = drawn(4, 12).double(), drawn(4, 17, seed=2).double()
    exact = flow.decode(u[:, None], attributes)[:, 0]
    coarse, fine = (
        float((FixedStepFlow(flow, steps).decode(u, attributes) - exact).abs().max()) for steps in (4, 8)
    )
    assert 2**4.3 < coarse / fine < 2**5.8


def test_the_steps_are_found_once_for_a_flow_that_is_not_trained() -> None:
    flow = small_flow()
    assert flow.editing_steps is None
    start_edit(flow, drawn(1, 2, 12), attributes_in_range(1))
    assert flow.editing_steps == fewest_steps(flow)


def test_a_flow_that_is_being_trained_is_tried_again() -> None:
    flow = small_flow().requires_grad_(True)
    flow.editing_steps = 50
    assert fixed_step_flow(flow).steps == fewest_steps(flow) < 50


def test_a_flow_too_steep_for_editing_is_refused() -> None:
    flow = small_flow(num_blocks=1)
    block = flow.chain[1]
    assert isinstance(block, CNF)
    with torch.no_grad():
        for layer in block.odefunc.diffeq.squash_layers():
            layer.weight.mul_(12)
    with pytest.raises(FlowTooSteep):
        fewest_steps(flow)


def test_a_decoding_that_leaves_the_numbers_is_an_integration_error() -> None:
    flow = small_flow()
    with pytest.raises(IntegrationError, match="not finite"):
        FixedStepFlow(flow, 1).decode(torch.full((1, 12), torch.nan), attributes_in_range(1))


def test_wrong_shapes_are_named() -> None:
    flow = small_flow()
    with pytest.raises(ValueError, match=r"rows must be \[N, L, 12\]"):
        FixedStepFlow(flow, 1).decode(drawn(2, 13), attributes_in_range(2))
    with pytest.raises(ValueError, match=r"attributes must be \[2, 17\]"):
        FixedStepFlow(flow, 1).decode(drawn(2, 12), attributes_in_range(3))
    with pytest.raises(ValueError, match="at least one step"):
        FixedStepFlow(flow, 0)
