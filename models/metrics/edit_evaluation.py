"""Everything `latentloom evaluate edits` measures, put together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.editing.attribute_edit import apply_edit
from models.editing.conditional_sampling import complete_attributes, corrected_samples, sample_faces
from models.editing.layer_rules import LayerRules
from models.editing.light import angles_of, direction_of, move_light, split_light
from models.editing.locks import PictureReader
from models.editing.styleflow_sequence import move_attribute, pick
from models.metrics.edit_agreement import Agreement, agreement
from models.metrics.edits import AttributeEdits, EditBench, EditPlan, Report
from models.metrics.face_likeness import FaceLikeness
from models.projection.perceptual import PerceptualDistance
from models.styleflow.attributes import ATTRIBUTE_INDEX, ATTRIBUTES, LIGHT_COLUMNS
from models.styleflow.fixed_steps import fixed_step_flow
from models.styleflow.flow import ConditionalFlow
from models.stylegan2.generator import to_uint8

RGB = NDArray[np.uint8]
_ASKED_OF_SAMPLES = ("gender", "age", "glasses", "expression", "yaw")
_SAMPLING_PSI = 0.8
_SHEET_FACES = 2


@dataclass(frozen=True)
class LightAgreement:
    """A lamp moved to directions drawn from those of the rendered faces, degrees."""

    azimuth: Agreement
    elevation: Agreement


@dataclass(frozen=True)
class ThereAndBack:
    """Every face slider moved away and back, in StyleFlow's way; a document gives the first picture
    exactly.
    """

    faces: int
    likeness: float  # distance from the first picture over the distance between two different faces
    drift: float  # mean |change of the reading|, in deviations of the population


@dataclass(frozen=True)
class SampledAttribute:
    """One attribute of faces made on request."""

    attribute: str
    sampled: Agreement
    corrected: Agreement


@dataclass(frozen=True)
class EditEvaluation:
    """The whole measurement."""

    plan: EditPlan
    steps: int  # of the flow's solver
    layers: dict[str, list[int]]
    likeness: str
    attributes: tuple[AttributeEdits, ...]
    light: LightAgreement
    there_and_back: ThereAndBack
    sampling: tuple[SampledAttribute, ...]


@dataclass(frozen=True)
class EditSheet:
    """Pictures of one attribute: a row for each face, the base first, then one column for each method."""

    attribute: str
    columns: tuple[str, ...]
    picture: RGB


def evaluate_edits(
    reader: PictureReader,
    flow: ConditionalFlow,
    rules: LayerRules,
    distance: PerceptualDistance,
    plan: EditPlan,
    report: Report,
) -> tuple[EditEvaluation, list[EditSheet]]:
    """Measure, and draw a few faces of each attribute.

    Raises EditError for too few faces or a flow that does not fit, IntegrationError where it diverges.
    """
    bench = EditBench(reader, flow, rules, FaceLikeness(distance), plan, report)
    attributes, sheets = [], []
    for i, column in enumerate(plan.columns):
        report("editing", i, len(plan.columns))
        result, measured = bench.edit(column)
        attributes.append(result)
        pictures = [bench.ws, *(m.ws for m in measured)]
        sheets.append(
            EditSheet(
                ATTRIBUTES[column].name,
                ("base", *(m.method for m in measured)),
                sheet_of(reader, [ws[:_SHEET_FACES] for ws in pictures]),
            )
        )
    report("editing", len(plan.columns), len(plan.columns))
    evaluation = EditEvaluation(
        plan=plan,
        steps=fixed_step_flow(flow).steps,
        layers=rules.named(),
        likeness=bench.likeness.name,
        attributes=tuple(attributes),
        light=_light(bench, report),
        there_and_back=_there_and_back(bench, report),
        sampling=_sampling(bench, report),
    )
    return evaluation, sheets


@torch.no_grad()
def sheet_of(reader: PictureReader, columns: list[Tensor]) -> RGB:
    """Pictures [rows * R, columns * R, 3] of the ws [rows, L, C] of each column."""
    drawn = [to_uint8(reader.generator.synthesis(ws).expand(-1, 3, -1, -1)) for ws in columns]
    rows: RGB = torch.cat([torch.cat(list(column), dim=0) for column in drawn], dim=1).cpu().numpy()
    return rows


@torch.no_grad()
def _light(bench: EditBench, report: Report) -> LightAgreement:
    random = np.random.RandomState(bench.plan.seed + 7)
    asked, reached = [], []
    for start in bench.starts:
        angles = random.uniform((-75, 5), (75, 60), (len(start.ws), 2))
        target = start.base.clone()
        for i, (azimuth, elevation) in enumerate(angles):
            light = target[i, LIGHT_COLUMNS].double().cpu().numpy()
            moved = move_light(light, direction=direction_of(azimuth, elevation))
            target[i, LIGHT_COLUMNS] = torch.from_numpy(moved).to(target)
        reading = bench.reader.possible(bench.reader(apply_edit(bench.flow, start, target, bench.rules)))
        lights = reading[:, LIGHT_COLUMNS].double().cpu().numpy()
        asked.append(angles)
        reached.append(np.array([angles_of(split_light(light).direction) for light in lights]))
        report("moving the light", len(asked), len(bench.starts))
    x, y = (torch.from_numpy(np.concatenate(values)) for values in (asked, reached))
    return LightAgreement(agreement(x[:, 0], y[:, 0]), agreement(x[:, 1], y[:, 1]))


@torch.no_grad()
def _there_and_back(bench: EditBench, report: Report) -> ThereAndBack:
    start, response = bench.starts[0], bench.responses[0]
    random = np.random.RandomState(bench.plan.seed + 8)
    state = pick(bench.flow, start.ws, start.base, bench.rules)
    moved = [a for a in ATTRIBUTES if a.group == "face"]
    for done, attribute in enumerate(moved):
        there = random.uniform(attribute.minimum, attribute.maximum, len(start.ws))
        state = move_attribute(bench.flow, state, attribute.name, torch.from_numpy(there).to(start.ws))
        back = start.base[:, ATTRIBUTE_INDEX[attribute.name]]
        state = move_attribute(bench.flow, state, attribute.name, back)
        report("there and back", done + 1, len(moved))
    generator, faces = bench.reader.generator, len(start.ws)
    features = bench.likeness.features(generator, state.ws)
    distance = bench.likeness.between(features, bench.features[:faces]).mean()
    drift = ((bench.reader(state.ws) - response.reading).abs() / bench.deviation).mean()
    return ThereAndBack(faces, float(distance / bench.stranger), float(drift))


@torch.no_grad()
def _sampling(bench: EditBench, report: Report) -> tuple[SampledAttribute, ...]:
    """Faces asked for by five attributes drawn evenly, gender and glasses as yes or no."""
    random = np.random.RandomState(bench.plan.seed + 9)
    wishes, sampled, corrected = [], [], []
    for first in range(0, bench.plan.samples, bench.plan.batch):
        size = min(bench.plan.batch, bench.plan.samples - first)
        rows = []
        for _ in range(size):
            wish = {name: _wish(name, random) for name in _ASKED_OF_SAMPLES}
            rows.append(complete_attributes(bench.population, wish, 1, int(random.randint(2**31))))
        attributes = torch.cat(rows)
        seed = bench.plan.seed + first
        ws = sample_faces(bench.flow, attributes, bench.reader.generator.num_ws, seed, _SAMPLING_PSI)
        wishes.append(attributes)
        sampled.append(bench.reader.possible(bench.reader(ws)))
        better = corrected_samples(bench.flow, ws, attributes, _ASKED_OF_SAMPLES, bench.reader, bench.rules)
        corrected.append(bench.reader.possible(bench.reader(better)))
        report("faces on request", first + size, bench.plan.samples)
    x, y, z = torch.cat(wishes), torch.cat(sampled), torch.cat(corrected)
    found = []
    for name in _ASKED_OF_SAMPLES:
        i = ATTRIBUTE_INDEX[name]
        middle = (ATTRIBUTES[i].minimum + ATTRIBUTES[i].maximum) / 2
        found.append(
            SampledAttribute(name, agreement(x[:, i], y[:, i], middle), agreement(x[:, i], z[:, i], middle))
        )
    return tuple(found)


def _wish(name: str, random: np.random.RandomState) -> float:
    attribute = ATTRIBUTES[ATTRIBUTE_INDEX[name]]
    if name in ("gender", "glasses"):
        return float(random.randint(2))
    return float(random.uniform(attribute.minimum, attribute.maximum))
