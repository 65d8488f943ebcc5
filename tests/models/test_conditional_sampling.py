"""New faces with asked attributes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from models.bundle import load_bundle
from models.editing.conditional_sampling import (
    complete_attributes,
    corrected_samples,
    read_population,
    sample_faces,
)
from models.editing.errors import UnknownAttribute, ValueOutOfRange
from models.editing.locks import PictureReader
from models.styleflow.attributes import ATTRIBUTE_INDEX
from models.styleflow.checkpoint import FlowConfig
from models.styleflow.flow import ConditionalFlow

DEMO = Path(__file__).parents[2] / "checkpoints" / "demo"
GENDER, GLASSES, BEARD, AGE = (ATTRIBUTE_INDEX[n] for n in ("gender", "glasses", "beard", "age"))


@pytest.fixture(scope="module")
def flow() -> ConditionalFlow:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return ConditionalFlow(FlowConfig(16, (24,))).eval().requires_grad_(False)


def population() -> Tensor:
    """Men have beards, women have none; everything else is noise."""
    rows = torch.randn(400, 17, generator=torch.Generator().manual_seed(1)) * 0.1 + 0.5
    rows[:, GENDER] = (torch.arange(400) % 2).float()
    rows[:, BEARD] = 1 - rows[:, GENDER]
    return rows


def test_asked_values_are_taken_and_the_others_come_from_faces_like_them() -> None:
    attributes = complete_attributes(population(), {"gender": 0.0, "age": 0.6}, 20)
    assert (attributes[:, GENDER] == 0).all()
    assert (attributes[:, AGE] == torch.tensor(0.6)).all()
    assert (attributes[:, BEARD] == 1).all()
    assert attributes[:, GLASSES].std() > 0.01


def test_the_same_seed_completes_the_same() -> None:
    rows = population()
    first, again, other = (complete_attributes(rows, {"gender": 1}, 5, seed) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_nothing_asked_is_a_draw_from_the_population() -> None:
    rows = population()
    drawn = complete_attributes(rows, {}, 50)
    assert all((rows == row).all(dim=1).any() for row in drawn)


def test_what_cannot_be_asked_is_refused(flow: ConditionalFlow) -> None:
    with pytest.raises(UnknownAttribute):
        complete_attributes(population(), {"hat": 1}, 1)
    with pytest.raises(ValueOutOfRange):
        complete_attributes(population(), {"age": float("nan")}, 1)
    with pytest.raises(ValueOutOfRange, match=r"0\.\.1"):
        sample_faces(flow, torch.zeros(1, 17), 4, psi=1.5)


def test_sampled_rows_are_equal_and_repeat_with_the_seed(flow: ConditionalFlow) -> None:
    attributes = torch.zeros(3, 17)
    ws = sample_faces(flow, attributes, 5, seed=1)
    assert ws.shape == (3, 5, 16)
    assert torch.equal(ws, ws[:, :1].expand(3, 5, 16))
    assert torch.equal(ws, sample_faces(flow, attributes, 5, seed=1))
    assert not torch.equal(ws, sample_faces(flow, attributes, 5, seed=2))


def test_encoding_a_sample_gives_a_draw_of_the_truncated_prior(flow: ConditionalFlow) -> None:
    attributes = torch.zeros(200, 17)
    u = flow.encode(sample_faces(flow, attributes, 1, psi=0.5), attributes)
    assert float(u.std()) == pytest.approx(0.5, rel=0.05)
    still = sample_faces(flow, attributes[:2], 1, psi=0.0)
    assert torch.equal(still[0], still[1])


def test_faces_of_the_demo_model_are_as_asked() -> None:
    bundle = load_bundle(DEMO)
    assert bundle.flow is not None and bundle.estimator is not None
    reader = PictureReader(bundle.generator, bundle.estimator)
    told: list[tuple[int, int]] = []
    w, readings = read_population(reader, 24, progress=lambda done, of: told.append((done, of)))
    assert w.shape == (24, 512) and readings.shape == (24, 17) and told == [(24, 24)]
    wishes = {"gender": 0.0, "age": 65.0}
    attributes = complete_attributes(readings, wishes, 2)
    ws = sample_faces(bundle.flow, attributes, bundle.generator.num_ws, seed=1)
    plain = reader(ws)
    assert (plain[:, AGE] > 48).all() and (plain[:, GENDER] < 0.4).all()
    corrected = reader(corrected_samples(bundle.flow, ws, attributes, wishes, reader))
    assert (corrected[:, AGE] - 65).abs().mean() <= (plain[:, AGE] - 65).abs().mean() + 0.5
