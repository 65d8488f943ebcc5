"""Mixing and attribute edits as pure functions of ws."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.editing.attribute_edit import apply_edit, edit_attributes, start_edit
from models.editing.mixing import mix
from models.editing.styleflow_sequence import move_attribute, pick
from models.styleflow.checkpoint import FlowConfig
from models.styleflow.flow import ConditionalFlow
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig


@pytest.fixture(scope="module")
def flow() -> ConditionalFlow:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return ConditionalFlow(FlowConfig(16, (24,))).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def generator() -> Generator:
    with torch.random.fork_rng():
        torch.manual_seed(6)
        config = GeneratorConfig(z_dim=16, w_dim=16, img_resolution=16, channel_base=64, channel_max=8)
        return Generator(config).eval().requires_grad_(False)


def drawn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_an_edit_to_the_base_attributes_is_the_same_tensor(flow: ConditionalFlow) -> None:
    ws, base = drawn(1, 6, 16), drawn(1, 17, seed=2)
    assert edit_attributes(flow, ws, base, base.clone()) is ws
    assert apply_edit(flow, start_edit(flow, ws, base), base.clone()) is ws


def test_an_edit_is_the_difference_of_two_decodings(flow: ConditionalFlow) -> None:
    ws, base, target = drawn(1, 6, 16), drawn(1, 17, seed=2), drawn(1, 17, seed=3)
    u = flow.encode(ws, base)
    expected = ws + flow.decode(u, target) - flow.decode(u, base)
    edited = edit_attributes(flow, ws, base, target)
    torch.testing.assert_close(edited, expected, rtol=0, atol=1e-4)
    torch.testing.assert_close(edited, flow.decode(u, target), rtol=0, atol=1e-4)
    assert (edited - ws).abs().max() > 0.1


def test_edits_from_one_start_do_not_depend_on_each_other(flow: ConditionalFlow) -> None:
    start = start_edit(flow, drawn(1, 6, 16), drawn(1, 17, seed=2))
    first = apply_edit(flow, start, drawn(1, 17, seed=3))
    apply_edit(flow, start, drawn(1, 17, seed=4))
    assert torch.equal(apply_edit(flow, start, drawn(1, 17, seed=3)), first)


def test_equal_rows_are_worked_on_once_and_stay_equal(flow: ConditionalFlow) -> None:
    first, second = drawn(1, 1, 16), drawn(1, 1, 16, seed=9)
    ws = torch.cat([first.expand(1, 4, 16), second.expand(1, 3, 16)], dim=1)
    start = start_edit(flow, ws, drawn(1, 17, seed=2))
    assert start.u.shape == (1, 2, 16)
    edited = apply_edit(flow, start, drawn(1, 17, seed=3))
    assert torch.equal(edited[:, :4], edited[:, :1].expand(1, 4, 16))
    alone = edit_attributes(flow, second, drawn(1, 17, seed=2), drawn(1, 17, seed=3))
    torch.testing.assert_close(edited[:, 4:5], alone, rtol=0, atol=1e-4)


def test_an_edit_keeps_no_graph(flow: ConditionalFlow) -> None:
    trainable = ConditionalFlow(flow.config)
    assert not edit_attributes(trainable, drawn(1, 2, 16), drawn(1, 17), drawn(1, 17, seed=3)).requires_grad


def test_styleflows_sequence_keeps_to_the_rows_that_a_smaller_model_has(flow: ConditionalFlow) -> None:
    state = pick(flow, drawn(1, 8, 16), drawn(1, 17))
    moved = move_attribute(flow, state, "beard", 1.0)
    changed = (moved.ws != state.ws).any(dim=2)[0].nonzero().flatten().tolist()
    assert changed == [5, 6, 7]


def test_mixing_takes_the_named_rows_and_leaves_the_others() -> None:
    ws, source = drawn(1, 6, 4), drawn(1, 6, 4, seed=2)
    mixed = mix(ws, source, [2, 5], 1.0)
    assert torch.equal(mixed[:, [2, 5]], source[:, [2, 5]])
    assert torch.equal(mixed[:, [0, 1, 3, 4]], ws[:, [0, 1, 3, 4]])
    assert torch.equal(ws, drawn(1, 6, 4))


def test_mixing_at_half_strength_is_the_middle() -> None:
    ws, source = drawn(1, 6, 4), drawn(1, 6, 4, seed=2)
    torch.testing.assert_close(mix(ws, source, [1], 0.5)[:, 1], (ws + source)[:, 1] / 2)


def test_each_layer_can_have_a_strength_of_its_own() -> None:
    ws, source = drawn(1, 6, 4), drawn(1, 6, 4, seed=2)
    mixed = mix(ws, source, [1, 4, 5], [1.0, 0.0, 0.25])
    assert torch.equal(mixed[:, 1], source[:, 1])
    assert torch.equal(mixed[:, 4], ws[:, 4])
    assert torch.equal(mixed[:, 5], mix(ws, source, [5], 0.25)[:, 5])
    assert torch.equal(mix(ws, source, [2, 3], [0.3, 0.3]), mix(ws, source, [2, 3], 0.3))


def test_strengths_are_as_many_as_the_layers() -> None:
    with pytest.raises(ValueError, match="2 layers need as many strengths, not 1"):
        mix(drawn(1, 6, 4), drawn(1, 6, 4), [0, 1], [0.5])


def test_mixing_nothing_is_the_same_tensor() -> None:
    ws, source = drawn(1, 6, 4), drawn(1, 6, 4, seed=2)
    assert mix(ws, source, [], 1.0) is ws
    assert mix(ws, source, [1], 0.0) is ws
    assert mix(ws, source, [1, 2], [0.0, 0.0]) is ws


@pytest.mark.parametrize("layers", [[6], [-1]])
def test_mixing_refuses_rows_that_are_not_there(layers: list[int]) -> None:
    with pytest.raises(ValueError, match=r"0\.\.5"):
        mix(drawn(1, 6, 4), drawn(1, 6, 4), layers, 1.0)


def test_mixing_refuses_another_models_ws() -> None:
    with pytest.raises(ValueError, match="shapes"):
        mix(drawn(1, 6, 4), drawn(1, 8, 4), [0], 1.0)
