"""What holds for every conditional flow, and which files are refused."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from models.styleflow.attributes import ATTRIBUTES, STYLEFLOW_RULES, take_layers
from models.styleflow.checkpoint import FlowConfig
from models.styleflow.flow import ConditionalFlow, basis_probes, gaussian_probes, load_flow, save_flow
from models.styleflow.network import IntegrationError, Whitening
from models.weights import CheckpointError, write_weights

SMALL_PT = Path(__file__).parents[1] / "fixtures" / "styleflow" / "cnf_small_d64.pt"
MEAN = tuple(float(i) for i in range(17))
STD = tuple(0.5 + i for i in range(17))


def random_flow(config: FlowConfig) -> ConditionalFlow:
    """A flow that is far from the identity and from its own defaults."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        flow = ConditionalFlow(config)
        with torch.no_grad():
            for name, value in flow.state_dict().items():
                if name.endswith("running_var"):
                    value.copy_(0.5 + torch.rand_like(value))
                elif name.startswith("chain.") and value.ndim == 1 and ".layers." not in name:
                    value.normal_(std=0.3)
        if flow.whitening is not None:
            flow.whitening.basis.copy_(torch.linalg.qr(torch.randn(config.dim, config.dim))[0])
            flow.whitening.scale.copy_(0.2 + torch.rand(config.dim))
            flow.whitening.mean.normal_()
    return flow.eval().requires_grad_(False)


@pytest.fixture
def flow() -> ConditionalFlow:
    config = FlowConfig(8, (12, 10), num_blocks=2, whitened=True, attribute_mean=MEAN, attribute_std=STD)
    return random_flow(config)


def rows(count: int = 2, layers: int = 3, dim: int = 8) -> Tensor:
    return torch.randn(count, layers, dim, generator=torch.Generator().manual_seed(1))


def attributes_like(count: int = 2) -> Tensor:
    noise = torch.randn(count, 17, generator=torch.Generator().manual_seed(2))
    return torch.tensor(MEAN) + torch.tensor(STD) * noise


def test_decoding_undoes_encoding(flow: ConditionalFlow) -> None:
    ws, attributes = rows(), attributes_like()
    z = flow.encode(ws, attributes)
    assert (z - ws).abs().max() > 0.5
    torch.testing.assert_close(flow.decode(z, attributes), ws, rtol=0, atol=1e-4)


def test_other_attributes_decode_to_other_rows(flow: ConditionalFlow) -> None:
    z = flow.encode(rows(), attributes_like())
    moved = flow.decode(z, attributes_like() + torch.tensor(STD))
    assert (moved - rows()).abs().max() > 0.05


def test_every_row_is_transformed_by_itself(flow: ConditionalFlow) -> None:
    ws, attributes = rows(), attributes_like()
    alone = flow.encode(ws[1:, 2:], attributes[1:])
    torch.testing.assert_close(flow.encode(ws, attributes)[1:, 2:], alone, rtol=0, atol=1e-4)


def test_attributes_are_standardised_by_the_flow_itself(flow: ConditionalFlow) -> None:
    raw = random_flow(FlowConfig(8, (12, 10), num_blocks=2, whitened=True))
    raw.load_state_dict(flow.state_dict())
    attributes = attributes_like()
    standardised = (attributes - torch.tensor(MEAN)) / torch.tensor(STD)
    torch.testing.assert_close(
        flow.encode(rows(), attributes), raw.encode(rows(), standardised), rtol=0, atol=1e-5
    )
    assert (raw.encode(rows(), attributes) - raw.encode(rows(), standardised)).abs().max() > 0.01


def test_the_log_density_is_that_of_the_jacobian(flow: ConditionalFlow) -> None:
    double = flow.double()
    w, attributes = rows(1, 1).double(), attributes_like(1).double()
    double.solver = double.editing_solver = type(flow.solver)(tolerance=1e-9)
    jacobian = torch.autograd.functional.jacobian(
        lambda row: double(row.reshape(1, 1, 8), attributes).flatten(), w.flatten()
    )
    with torch.no_grad():
        z, dlogp = double.forward_with_log_density(w, attributes, basis_probes(w))
        _, back = double.reverse_with_log_density(z, attributes, basis_probes(w))
    expected = -torch.linalg.slogdet(jacobian).logabsdet
    assert float(dlogp) == pytest.approx(float(expected), abs=1e-6)
    assert float(back) == pytest.approx(-float(expected), abs=1e-6)


def test_hutchinsons_estimate_averages_to_the_exact_trace(flow: ConditionalFlow) -> None:
    ws, attributes = rows(1, 1), attributes_like(1)
    random = torch.Generator().manual_seed(0)
    many = torch.cat([gaussian_probes(ws, random) for _ in range(4000)])
    with torch.no_grad():
        _, exact = flow.forward_with_log_density(ws, attributes, basis_probes(ws))
        _, estimate = flow.forward_with_log_density(ws, attributes, many)
    assert float(estimate) == pytest.approx(float(exact), abs=0.05)


def test_the_likelihood_integrates_to_one() -> None:
    flow = random_flow(FlowConfig(1, (6,)))
    grid = torch.linspace(-15, 15, 3001)[None, :, None]
    with torch.no_grad():
        density = flow.log_likelihood(grid, torch.ones(1, 17), basis_probes(grid)).exp()
    assert float(density.sum() * 0.01) == pytest.approx(1.0, abs=1e-3)


def test_wrong_shapes_are_named(flow: ConditionalFlow) -> None:
    with pytest.raises(ValueError, match=r"rows must be \[N, L, 8\]"):
        flow.encode(rows(dim=9), attributes_like())
    with pytest.raises(ValueError, match=r"attributes must be \[2, 17\]"):
        flow.encode(rows(), attributes_like(3))


def test_a_row_that_is_not_finite_is_an_integration_error(flow: ConditionalFlow) -> None:
    with pytest.raises(IntegrationError):
        flow.encode(torch.full((1, 1, 8), float("nan")), attributes_like(1))


def test_a_saved_flow_comes_back_the_same(flow: ConditionalFlow, tmp_path: Path) -> None:
    save_flow(flow, tmp_path / "flow.safetensors")
    loaded = load_flow(tmp_path / "flow.safetensors")
    assert loaded.config == flow.config
    assert torch.equal(loaded.encode(rows(), attributes_like()), flow.encode(rows(), attributes_like()))
    assert not any(value.requires_grad for value in loaded.parameters())


def test_a_flow_saved_in_half_precision_edits_almost_the_same(flow: ConditionalFlow, tmp_path: Path) -> None:
    save_flow(flow, tmp_path / "flow.safetensors", torch.float16)
    loaded = load_flow((tmp_path / "flow.safetensors").read_bytes())
    assert {value.dtype for value in loaded.state_dict().values()} == {torch.float32}
    expected = flow.encode(rows(), attributes_like())
    torch.testing.assert_close(loaded.encode(rows(), attributes_like()), expected, rtol=0, atol=0.05)


def test_loading_draws_no_random_numbers() -> None:
    before = torch.random.get_rng_state()
    load_flow(SMALL_PT)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_safetensors_file_that_begins_like_a_pickle_is_read(flow: ConditionalFlow, tmp_path: Path) -> None:
    save_flow(flow, tmp_path / "flow.safetensors")
    with safetensors.safe_open(tmp_path / "flow.safetensors", "pt") as file:
        metadata = file.metadata()
    for padding in range(256):
        data = safetensors.torch.save(flow.state_dict(), metadata | {"padding": "x" * padding})
        if data[0] == 0x80:
            break
    assert data[0] == 0x80
    assert load_flow(data).config == flow.config


@pytest.mark.parametrize(
    "change",
    [
        {"num_blocks": 10**9},
        {"num_blocks": 2.5},
        {"dim": -1},
        {"hidden": [8] * 1000},
        {"hidden": None},
        {"attribute_mean": [10**400] * 17},
        {"attribute_std": [0.0] * 17},
        {"attribute_std": None},
        {"attribute_mean": [0.0] * 16},
        {"whitened": False},
    ],
)
def test_a_config_that_lies_is_refused(
    flow: ConditionalFlow, tmp_path: Path, change: dict[str, object]
) -> None:
    config = asdict(flow.config) | change
    write_weights(tmp_path / "flow.safetensors", "latentloom-flow", config, flow.state_dict())
    with pytest.raises(CheckpointError):
        load_flow(tmp_path / "flow.safetensors")


def test_the_attributes_are_in_styleflows_order() -> None:
    light = [f"light_{i}" for i in range(9)]
    face = ["gender", "glasses", "yaw", "pitch", "baldness", "beard", "age", "expression"]
    assert [attribute.name for attribute in ATTRIBUTES] == light + face
    assert list(STYLEFLOW_RULES) == face
    assert all(attribute.minimum < attribute.maximum for attribute in ATTRIBUTES)


def test_taking_layers_leaves_the_other_rows_as_they_were() -> None:
    current, edited = torch.zeros(1, 18, 4), torch.ones(1, 18, 4)
    mixed = take_layers(edited, current, STYLEFLOW_RULES["glasses"].layers)
    assert mixed[0, :, 0].nonzero().flatten().tolist() == [2, 3]
    with pytest.raises(ValueError, match=r"0\.\.5"):
        take_layers(edited[:, :6], current[:, :6], (5, 6))


def test_whitening_is_undone_in_reverse() -> None:
    flow = random_flow(FlowConfig(8, (4,), whitened=True))
    assert isinstance(flow.whitening, Whitening)
    back = flow.whitening(flow.whitening(rows(), "forward"), "reverse")
    torch.testing.assert_close(back, rows(), rtol=0, atol=1e-5)
