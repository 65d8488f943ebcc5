"""The flow agrees with numbers made by StyleFlow's own code (tests/fixtures/styleflow)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.editing.styleflow_sequence import StyleFlowState, move_attribute, move_light, pick
from models.styleflow.attributes import ATTRIBUTES, STYLEFLOW_RULES
from models.styleflow.fixed_steps import AGREEMENT, fixed_step_flow
from models.styleflow.flow import ConditionalFlow, basis_probes, load_flow
from models.styleflow.network import CNF, MovingBatchNorm1d

FIXTURES = Path(__file__).parents[1] / "fixtures" / "styleflow"
FACE_NAMES = [attribute.name for attribute in ATTRIBUTES if attribute.group == "face"]


class Golden:
    """Arrays of one fixture as tensors; contexts [N, 17, 1, 1] become [N, 17]."""

    def __init__(self, name: str) -> None:
        with np.load(FIXTURES / f"{name}.npz") as arrays:
            self.arrays: dict[str, NDArray[np.generic]] = {key: arrays[key] for key in arrays.files}

    def __getitem__(self, name: str) -> Tensor:
        value = torch.from_numpy(self.arrays[name])
        return value.flatten(1) if name.endswith(("context", "context_edit")) else value


@pytest.fixture(scope="module")
def small() -> ConditionalFlow:
    return load_flow(FIXTURES / "cnf_small_d64.pt")


@pytest.fixture(scope="module")
def golden() -> Golden:
    return Golden("cnf_small_d64")


@pytest.fixture(scope="module")
def full() -> ConditionalFlow:
    return build_full_flow()


def build_full_flow() -> ConditionalFlow:
    """The flow of the official size from its recipe, written as a state dict and read back."""
    recipe = json.loads((FIXTURES / "cnf_full_d512_recipe.json").read_text())
    p, random = recipe["params"], np.random.RandomState(recipe["seed"])
    column = np.array(recipe["context_column_scale"])
    state: dict[str, Tensor] = {}
    for name, (_, shape) in recipe["state"].items():
        value = _recipe_value(name, shape, p, column, random).astype(np.float32)
        assert np.abs(value.astype(np.float64)).sum() == pytest.approx(recipe["abs_sum_check"][name])
        state[name] = torch.from_numpy(value)
    metadata = {
        "format": "latentloom-flow",
        "version": "1",
        "config": json.dumps(
            {"dim": 512, "hidden": [512] * 5, "context_dim": 17, "num_blocks": 1, "whitened": False}
            | {"attribute_mean": None, "attribute_std": None}
        ),
    }
    return load_flow(safetensors.torch.save(state, metadata))


def _recipe_value(
    name: str,
    shape: list[int],
    p: dict[str, float],
    column: NDArray[np.float64],
    random: np.random.RandomState,
) -> NDArray[np.float64]:
    constants = {".step": 10000.0, "sqrt_end_time": p["sqrt_end_time"], "_num_evals": 26.0}
    for ending, constant in constants.items():
        if name.endswith(ending):
            return np.full(shape, constant)
    n = np.asarray(random.randn(*shape))
    scales: dict[str, float | NDArray[np.float64]] = {
        "running_mean": p["mean"],
        "_layer.weight": p["layer"] / np.sqrt(shape[-1]),
        "_layer.bias": p["bias"],
        "_hyper_bias.weight": p["hbias"] * column,
        "_hyper_gate.weight": p["hgate"] * column,
        "_hyper_gate.bias": p["hgate"],
    }
    if name.endswith("running_var"):
        return np.exp(p["lvar"] * n)
    scale = next((value for ending, value in scales.items() if name.endswith(ending)), p["bn"])
    return np.asarray(n * scale)


def assert_close(actual: Tensor, expected: Tensor, tolerance: float) -> None:
    torch.testing.assert_close(
        actual, expected.to(actual.dtype).reshape(actual.shape), rtol=0, atol=tolerance
    )


def vector_field(flow: ConditionalFlow, t: Tensor, x: Tensor, context: Tensor) -> Tensor:
    block = flow.chain[1]
    assert isinstance(block, CNF)
    net = block.odefunc.diffeq
    with torch.no_grad():
        velocity: Tensor = net(t, x, net.conditions(context))
    return velocity


def test_the_vector_field_is_styleflows(small: ConditionalFlow, golden: Golden) -> None:
    for i in (0, 1):
        velocity = vector_field(small, golden[f"diffeq_t{i}"], golden["w"], golden["context"])
        assert_close(velocity, golden[f"diffeq_out{i}"], 1e-5)


def test_batch_norm_is_styleflows_both_ways(small: ConditionalFlow, golden: Golden) -> None:
    first, last = small.chain[0], small.chain[2]
    assert isinstance(first, MovingBatchNorm1d) and isinstance(last, MovingBatchNorm1d)
    assert_close(first(golden["w"], "forward"), golden["bn0_forward"], 1e-5)
    assert_close(last(golden["w"], "reverse"), golden["bnlast_reverse"], 1e-5)
    assert_close(-first.log_determinant().expand(18), golden["bn0_forward_dlogp"], 1e-5)
    assert_close(last.log_determinant().expand(18), golden["bnlast_reverse_dlogp"], 1e-5)


def test_encoding_and_editing_agree(small: ConditionalFlow, golden: Golden) -> None:
    z = small.encode(golden["w"], golden["context"])
    assert_close(z, golden["z"], 5e-4)
    assert_close(small.decode(z, golden["context"]), golden["w_roundtrip"], 5e-4)
    assert_close(small.decode(golden["z"], golden["context_edit"]), golden["w_edit"], 5e-4)
    assert_close(small.decode(golden["z"], golden["context_edit"]), golden["w_edit_f64"], 5e-4)
    batch = small.encode(golden["batch_w"], golden["batch_context"])
    assert_close(batch, golden["batch_z"], 5e-4)


def test_the_log_density_agrees_under_the_same_probe(small: ConditionalFlow, golden: Golden) -> None:
    with torch.no_grad():
        z, dlogp = small.forward_with_log_density(golden["w"], golden["context"], golden["e_0"][None])
        assert_close(z, golden["z"], 5e-4)
        assert_close(dlogp, golden["dlogp_e"], 1e-2)
        assert_close(dlogp, golden["dlogp_e_f64"], 1e-2)
        w, back = small.reverse_with_log_density(golden["z"], golden["context"], golden["e_reverse_0"][None])
        assert_close(w, golden["w_roundtrip"], 5e-4)
        assert_close(back, golden["dlogp_roundtrip_e"], 1e-2)
        _, dlogp = small.forward_with_log_density(
            golden["batch_w"], golden["batch_context"], golden["batch_e_0"][None]
        )
        assert_close(dlogp, golden["batch_dlogp_e"], 1e-2)


def test_the_exact_log_density_agrees(small: ConditionalFlow, golden: Golden) -> None:
    w, z = golden["w"][:, :4], golden["z"][:, :4]
    with torch.no_grad():
        _, dlogp = small.forward_with_log_density(w, golden["context"], basis_probes(w))
        _, back = small.reverse_with_log_density(z, golden["context"], basis_probes(z))
    assert_close(dlogp, golden["dlogp_exact_f64"][:, :4], 1e-2)
    assert_close(back, golden["dlogp_exact_reverse_f64"][:, :4], 1e-2)


def test_in_float64_the_exact_log_density_agrees_to_five_digits(golden: Golden) -> None:
    flow = load_flow(FIXTURES / "cnf_small_d64.pt").double()
    flow.solver = type(flow.solver)(tolerance=1e-9)
    w, context = golden["w"][:, :2].double(), golden["context"].double()
    with torch.no_grad():
        z, dlogp = flow.forward_with_log_density(w, context, basis_probes(w))
    assert_close(z, golden["z_f64"][:, :2], 1e-7)
    assert_close(dlogp, golden["dlogp_exact_f64"][:, :2], 1e-5)


def test_the_official_size_agrees(full: ConditionalFlow) -> None:
    expected = Golden("cnf_full_d512")
    field = vector_field(full, expected["diffeq_t1"], expected["w"], expected["context"])
    assert_close(field, expected["diffeq_out1"], 1e-5)
    with torch.no_grad():
        z, dlogp = full.forward_with_log_density(expected["w"], expected["context"], expected["e_0"][None])
    assert_close(z, expected["z"], 5e-4)
    assert_close(dlogp, expected["dlogp_e"], 1e-2)
    assert_close(full.encode(expected["w"], expected["context"]), expected["z_f64"], 5e-4)
    assert_close(full.decode(expected["z"], expected["context_edit"]), expected["w_edit"], 5e-4)


def test_decoding_in_fixed_steps_agrees_with_styleflows_edits(
    small: ConditionalFlow, golden: Golden, full: ConditionalFlow
) -> None:
    for flow, expected in ((small, golden), (full, Golden("cnf_full_d512"))):
        u = flow.encode(expected["w"], expected["context"])[0]
        attributes = expected["context_edit"].expand(len(u), -1)
        assert_close(fixed_step_flow(flow).decode(u, attributes), expected["w_edit"][0], AGREEMENT)


def test_slider_positions_and_values_are_styleflows() -> None:
    ui = Golden("cnf_small_d64_ui").arrays
    for i, name in enumerate(FACE_NAMES):
        rule = STYLEFLOW_RULES[name]
        values = [rule.value(int(position)) for position in ui["slider_values"]]
        assert values == ui["slider_to_real"][i].tolist()
        assert [rule.position(float(v)) for v in ui["real_values"]] == ui["real_to_slider"][i].tolist()


def test_the_sequence_of_edits_of_styleflows_window_is_reproduced(small: ConditionalFlow) -> None:
    ui = Golden("cnf_small_d64_ui")
    attributes = torch.cat([ui["light0"].flatten(1), ui["attr0"].flatten(1)], dim=1)
    state = pick(small, ui["w0"], attributes)
    assert_close(state.z, ui["z0"], 2e-3)
    for k in range(len(ui["edit_w"])):
        name = FACE_NAMES[int(ui["edit_attr_index"][k])]
        value = STYLEFLOW_RULES[name].value(int(ui["edit_slider_value"][k]))
        state = move_attribute(small, state, name, value)
        assert_state(state, ui["edit_target"][k], ui["edit_w"][k], ui["edit_z"][k])
    weights = torch.zeros(6)
    for k in range(len(ui["light_w"])):
        weights[int(ui["light_index"][k])] = float(ui["light_slider_value"][k]) / 80
        state = move_light(small, state, ui["light_presets"].flatten(1), weights)
        assert_state(state, ui["light_target"][k], ui["light_w"][k], ui["light_z"][k])


def assert_state(state: StyleFlowState, target: Tensor, ws: Tensor, z: Tensor) -> None:
    assert_close(state.target, target, 1e-5)
    assert_close(state.ws, ws, 2e-3)
    assert_close(state.z, z, 2e-3)
