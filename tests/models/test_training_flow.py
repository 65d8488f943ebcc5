"""The flow learns what its data says, a run resumes to the same result, and the measures measure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from models.faces.factors import face_factors
from models.styleflow.attributes import ATTRIBUTE_INDEX
from models.styleflow.flow import load_flow
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from models.training.flow import latent_pairs, train_flow
from models.training.flow_evaluation import evaluate_flow, fit_probe
from models.training.flow_trainer import FlowData, FlowTrainer, FlowTraining, learning_rate
from models.training.watch import Watch

AGE = ATTRIBUTE_INDEX["age"]
TOY = FlowTraining(
    steps=90, batch=128, hidden=(16,), learning_rate=0.02, warmup=5, solver_steps=3, ema_decay=0.9
)


def toy_pairs(count: int = 3000) -> tuple[Tensor, Tensor]:
    """Rows of 8 dimensions, rotated: one grows with age, one is two clusters, one hardly varies."""
    random = torch.Generator().manual_seed(0)
    attributes = torch.randn(count, 17, generator=random)
    attributes[:, AGE] = 40 + 15 * attributes[:, AGE]
    w = torch.randn(count, 8, generator=random) * torch.tensor([0.3, 0.1, 1, 1, 1, 1, 1, 1e-4])
    w[:, 0] += 0.05 * (attributes[:, AGE] - 40)
    w[:, 1] += torch.where(torch.rand(count, generator=random) < 0.5, -1.0, 1.0)
    rotation = torch.linalg.qr(torch.randn(8, 8, generator=random))[0]
    return w @ rotation, attributes


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks of this size only lose time to more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flow")
    train_flow(*toy_pairs(), TOY, folder, Watch(log_every=0))
    return folder


def log_of(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_age_moves_the_mean_of_w_as_in_the_data(trained: Path) -> None:
    flow, data = load_flow(trained / "flow.safetensors"), FlowData.split(*toy_pairs(), 0.05)
    report = evaluate_flow(flow, data.w, data.attributes, data.held_out_w, data.held_out_attributes)
    age = next(edit for edit in report.edits if edit.name == "age")
    assert age.probe_r2 > 0.8
    assert age.moved / (age.asked * age.probe_r2) == pytest.approx(1.0, abs=0.15)
    assert age.change_of_w > 0.1
    # Everything else is independent of w in this data, so its edits must leave w nearly alone.
    assert max(edit.change_of_w for edit in report.edits if edit.name != "age") < 0.25 * age.change_of_w
    assert report.round_trip < 2e-3


def test_the_likelihood_of_held_out_rows_grows(trained: Path) -> None:
    lines = log_of(trained)
    losses = [line["train_nll"] for line in lines if "train_nll" in line]
    assert [line["step"] for line in lines if "train_nll" in line] == list(range(1, TOY.steps + 1))
    held_out = [line["held_out_nll"] for line in lines if "held_out_nll" in line]
    assert len(held_out) == 1 and held_out[0] < losses[0] - 0.05


def test_an_interrupted_run_ends_with_the_same_weights(tmp_path: Path) -> None:
    settings, pairs = replace(TOY, steps=12), toy_pairs(400)
    whole = train_flow(*pairs, settings, tmp_path / "whole", Watch())
    for stop_at in (3, 4):
        steps = iter(range(100))
        stopped = Watch(should_stop=lambda steps=steps, end=stop_at: next(steps) >= end)  # type: ignore[misc]
        assert train_flow(*pairs, settings, tmp_path / "parts", stopped) is None
    parts = train_flow(*pairs, settings, tmp_path / "parts", Watch())
    assert whole is not None and parts is not None
    for name, value in whole.state_dict().items():
        assert torch.equal(parts.state_dict()[name], value), name


def test_a_run_is_not_resumed_with_other_settings_or_data(tmp_path: Path) -> None:
    settings = replace(TOY, steps=1)
    train_flow(*toy_pairs(100), settings, tmp_path, Watch())
    for other, pairs in ((replace(settings, steps=2), toy_pairs(100)), (settings, toy_pairs(101))):
        with pytest.raises(ValueError, match="other settings or data"):
            train_flow(*pairs, other, tmp_path, Watch())


def test_training_leaves_the_callers_random_numbers_alone(tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    train_flow(*toy_pairs(100), replace(TOY, steps=1), tmp_path, Watch())
    assert torch.equal(torch.random.get_rng_state(), before)


def test_directions_without_variance_do_not_hurt(tmp_path: Path) -> None:
    w, attributes = toy_pairs(300)
    w, attributes = w.clone(), attributes.clone()
    w[:, 3] = 2.5
    attributes[:, 2] = 7.0
    flow = train_flow(w, attributes, replace(TOY, steps=5), tmp_path, Watch())
    assert flow is not None
    assert all(value.isfinite().all() for value in flow.state_dict().values())
    z = flow.encode(w[:50, None], attributes[:50])
    assert z.abs().max() < 10


@pytest.mark.parametrize(
    ("w", "attributes", "message"),
    [
        (torch.zeros(10, 8), torch.zeros(9, 17), "pairs of rows"),
        (torch.zeros(10, 3, 8), torch.zeros(10, 17), "pairs of rows"),
        (torch.full((10, 8), math.nan), torch.zeros(10, 17), "finite"),
        (torch.zeros(2, 8), torch.zeros(2, 17), "too few"),
    ],
)
def test_data_that_cannot_be_trained_on_is_refused(w: Tensor, attributes: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FlowData.split(w, attributes, 0.05)


def test_a_loss_that_is_not_finite_stops_the_run() -> None:
    trainer = FlowTrainer(FlowData.split(*toy_pairs(100), 0.05), TOY)
    with torch.no_grad():
        next(trainer.flow.parameters()).fill_(math.nan)
    with pytest.raises(FloatingPointError, match="step 0"):
        trainer.train_step()


def test_the_learning_rate_warms_up_and_ends_at_its_final_value() -> None:
    settings = FlowTraining(steps=100, warmup=10, learning_rate=1e-3, final_learning_rate=1e-5)
    rates = [learning_rate(settings, step) for step in range(101)]
    assert rates[0] == pytest.approx(1e-4) and rates[10] == pytest.approx(1e-3)
    assert rates[100] == pytest.approx(1e-5)
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_the_probe_finds_a_linear_relation() -> None:
    w, weight = toy_pairs()[0], torch.randn(8, 17, generator=torch.Generator().manual_seed(4))
    probe = fit_probe(w, w @ weight + 3, ridge=1e-9)
    torch.testing.assert_close(probe(w), w @ weight + 3, rtol=0, atol=1e-3)


def test_the_pairs_are_the_w_and_the_attributes_that_z_means() -> None:
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(512, 8, 16, mapping_layers=1, channel_base=128, channel_max=8))
    w, attributes = latent_pairs(generator, 5, seed=3)
    z = np.random.RandomState(3).randn(5, 512).astype(np.float32)
    torch.testing.assert_close(w, generator.mapping(torch.from_numpy(z))[:, 0].detach())
    np.testing.assert_allclose(attributes[:, AGE], face_factors(z).age, rtol=1e-6)
