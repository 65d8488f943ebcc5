"""Attributes found from a latent alone, by the flow's likelihood."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models.faces.factors import face_factors
from models.faces.light import attribute_vectors
from models.styleflow.attributes import ATTRIBUTE_INDEX, ATTRIBUTES
from models.styleflow.checkpoint import FlowConfig
from models.styleflow.flow import ConditionalFlow, basis_probes, load_flow
from models.styleflow.likelihood import estimate_attributes
from models.stylegan2.checkpoint import load_generator

DEMO = Path(__file__).parents[2] / "checkpoints" / "demo"


@pytest.fixture(scope="module")
def flow() -> ConditionalFlow:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        flow = ConditionalFlow(FlowConfig(12, (8,), attribute_mean=(0.0,) * 17, attribute_std=(1.0,) * 17))
        for value in flow.parameters():
            value.data.mul_(1.5)
    return flow.eval().requires_grad_(False)


def test_the_attributes_of_demo_faces_are_found_without_their_pictures() -> None:
    z = np.random.RandomState(78).randn(2, 512)
    truth = torch.from_numpy(attribute_vectors(face_factors(z))).float()
    ws = load_generator(DEMO / "generator.safetensors").mapping(torch.from_numpy(z).float()).detach()
    found = estimate_attributes(load_flow(DEMO / "flow.safetensors"), ws).attributes
    error = (found - truth).abs()
    assert error[:, ATTRIBUTE_INDEX["gender"]].max() < 0.15
    assert error[:, ATTRIBUTE_INDEX["yaw"]].max() < 6
    assert error[:, ATTRIBUTE_INDEX["age"]].max() < 12
    assert error[:, ATTRIBUTE_INDEX["light_3"]].max() < 0.3


def test_what_is_found_is_more_likely_than_what_is_near_it(flow: ConditionalFlow) -> None:
    ws = flow.decode(torch.randn(1, 2, 12, generator=torch.Generator().manual_seed(2)), torch.zeros(1, 17))
    wide = torch.full((17,), 3.0)
    found = estimate_attributes(flow, ws, low=-wide, high=wide).attributes
    random = torch.Generator().manual_seed(3)
    with torch.no_grad():
        probes = basis_probes(ws)
        best = flow.log_likelihood(ws, found, probes).mean()
        start = flow.log_likelihood(ws, torch.zeros(1, 17), probes).mean()
        for _ in range(8):
            other = (found + 0.7 * torch.randn(1, 17, generator=random)).clamp(-3, 3)
            assert flow.log_likelihood(ws, other, probes).mean() < best + 0.05
    assert best > start


def test_the_estimate_stays_inside_the_ranges_and_repeats(flow: ConditionalFlow) -> None:
    ws = torch.randn(2, 1, 12, generator=torch.Generator().manual_seed(4))
    told: list[tuple[int, int]] = []
    first = estimate_attributes(flow, ws, progress=lambda done, of: told.append((done, of)))
    low = torch.tensor([a.minimum for a in ATTRIBUTES])
    high = torch.tensor([a.maximum for a in ATTRIBUTES])
    assert ((first.attributes >= low) & (first.attributes <= high)).all()
    assert torch.equal(first.attributes, estimate_attributes(flow, ws).attributes)
    assert told == [(1, 2), (2, 2)]
    assert first.log_likelihood.shape == (2,)


def test_an_empty_range_is_refused(flow: ConditionalFlow) -> None:
    with pytest.raises(ValueError, match="low < high"):
        estimate_attributes(flow, torch.zeros(1, 1, 12), low=torch.zeros(17), high=torch.zeros(17))
