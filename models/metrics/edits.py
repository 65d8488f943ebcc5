"""How well attribute edits work: asked against reached, what else moves, what identity costs, on many faces.

Everything is read by the bundle's own attribute network on the edited pictures. Other methods are compared at
the same change of the attribute, face by face, so that an edit does not look clean for having done little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.editing.attribute_edit import EditStart, start_edit
from models.editing.conditional_sampling import read_population
from models.editing.directions import Direction
from models.editing.layer_rules import LayerRules
from models.editing.linear_attributes import joint_regression, regression_normals
from models.editing.locks import (
    CorrectedEdit,
    PictureReader,
    Response,
    edit_with_locks,
    measure_response,
)
from models.editing.population import draw_w
from models.metrics.edit_agreement import Agreement, agreement, share_switched
from models.metrics.edit_methods import (
    MatchedEdit,
    flow_edit,
    is_near,
    linear_edit,
    match_change,
    styleflow_edit,
)
from models.metrics.face_likeness import FaceLikeness
from models.metrics.strangeness import measure_strangeness
from models.styleflow.attributes import ATTRIBUTES, STYLEFLOW_RULES
from models.styleflow.flow import ConditionalFlow

Report = Callable[[str, int, int], None]
"""label, done, of."""

_FACE_COLUMNS = tuple(i for i, a in enumerate(ATTRIBUTES) if a.group == "face")


@dataclass(frozen=True)
class EditPlan:
    """What to measure."""

    samples: int = 500
    population: int = 4000  # faces for the regressions and the deviations
    psi: float = 0.7  # truncation of the faces that are edited
    seed: int = 0
    columns: tuple[int, ...] = tuple(range(len(ATTRIBUTES)))
    batch: int = 50


@dataclass(frozen=True)
class SideEffects:
    """What an edit does besides what it should."""

    method: str
    leakage: float  # mean over the other 16 of |change of the reading|, in deviations of the population
    face_leakage: float  # the same over the face attributes among them
    worst: str  # the other attribute that moves most
    worst_leakage: float
    likeness: float  # distance from the unedited face over the distance between two different faces
    strangeness: float  # Mahalanobis distance of the latent from drawn ones over that before the edit


@dataclass(frozen=True)
class AttributeEdits:
    """One attribute, set to values drawn evenly from its slider's range."""

    attribute: str
    plain: Agreement  # of the reading with what was asked, for the flow's edit as it is
    calibrated: Agreement  # corrected by what is read
    switched: float  # share of the faces that, set to the range's other end, read in its other half
    matched: float  # share of the faces on which all methods made the same change
    same_change: tuple[SideEffects, ...]  # over those faces
    calibrated_effects: SideEffects  # over all faces, at its own, larger change


@dataclass(frozen=True)
class Measured:
    """The edited latents of one method on all faces, for tables and pictures."""

    method: str
    ws: Tensor
    reading: Tensor  # [N, 17] cut off at what is possible


class EditBench:
    """The faces to edit, what is known of them, and the linear directions they are compared with."""

    def __init__(
        self,
        reader: PictureReader,
        flow: ConditionalFlow,
        rules: LayerRules,
        likeness: FaceLikeness,
        plan: EditPlan,
        report: Report,
    ) -> None:
        self.reader, self.flow, self.rules, self.plan = reader, flow, rules, plan
        generator = reader.generator
        w, self.population = read_population(
            reader,
            plan.population,
            plan.seed + 1,
            progress=lambda done, of: report("reading the population", done, of),
        )
        self.deviation = self.population.std(dim=0).clamp(min=1e-6)
        layers = rules.layers
        self.normals = [_on(d, layers[i]) for i, d in enumerate(self._normals(w))]
        self.joint = [_on(d, layers[i]) for i, d in enumerate(self._joint(w))]
        faces = draw_w(generator, plan.samples, plan.seed, plan.psi)
        self.ws = faces[:, None].repeat(1, generator.num_ws, 1)
        self.starts, self.responses = self._prepare(report)
        self.base = torch.cat([start.base for start in self.starts])
        self.strangeness = measure_strangeness(generator, plan.seed + 2)
        self.likeness = likeness
        self.features = likeness.features(generator, self.ws)
        self.stranger = likeness.between(self.features, self.features.roll(1, dims=0)).mean()

    def _normals(self, w: Tensor) -> list[Direction]:
        return regression_normals(w, self.population, self.reader.generator.num_ws)

    def _joint(self, w: Tensor) -> list[Direction]:
        return joint_regression(w, self.population, self.reader.generator.num_ws)

    def _prepare(self, report: Report) -> tuple[list[EditStart], list[Response]]:
        """Encodings and responses of all faces, in batches."""
        starts, responses = [], []
        columns = range(len(ATTRIBUTES))
        for ws in self.ws.split(self.plan.batch):
            base = self.reader.possible(self.reader(ws))
            start = start_edit(self.flow, ws, base)
            starts.append(start)
            responses.append(measure_response(self.flow, start, self.reader, columns, self.rules))
            done = min(len(starts) * self.plan.batch, self.plan.samples)
            report("measuring responses", done, self.plan.samples)
        return starts, responses

    @torch.no_grad()
    def edit(self, column: int) -> tuple[AttributeEdits, list[Measured]]:
        """Set one attribute on all faces by all methods."""
        attribute = ATTRIBUTES[column]
        random = np.random.RandomState(self.plan.seed + 100 + column)
        drawn = random.uniform(attribute.minimum, attribute.maximum, self.plan.samples)
        asked = torch.from_numpy(drawn).to(self.base)
        parts = [
            self._edit_batch(start, response, column, part)
            for start, response, part in zip(
                self.starts, self.responses, asked.split(self.plan.batch), strict=True
            )
        ]
        matched = torch.cat([flags for _, flags in parts])
        measured = [_joined(same) for same in zip(*(results for results, _ in parts), strict=True)]
        plain, calibrated = measured[0], measured[-1]
        return (
            AttributeEdits(
                attribute.name,
                agreement(asked, plain.reading[:, column]),
                agreement(asked, calibrated.reading[:, column]),
                self._share_switched(column),
                float(matched.float().mean()),
                tuple(self._side_effects(m, column, matched) for m in measured[:-1]),
                self._side_effects(calibrated, column, torch.ones_like(matched)),
            ),
            measured,
        )

    def _edit_batch(
        self, start: EditStart, response: Response, column: int, asked: Tensor
    ) -> tuple[list[Measured], Tensor]:
        """All methods on one batch, and on which faces they all made the flow's change."""
        ws = flow_edit(self.flow, start, column, asked, self.rules)
        reading = self.reader(ws)
        wanted = (reading - response.reading)[:, column]
        edits = {"flow": MatchedEdit(ws, reading, torch.ones_like(asked, dtype=torch.bool))}
        for direction in (self.normals[column], self.joint[column]):
            edits[direction.method] = self._match_linear(start, response, direction, column, wanted)
        if column in _FACE_COLUMNS:
            edits["StyleFlow's re-encoding"] = self._match_styleflow(start, response, column, asked, wanted)
        edits["flow, others locked"] = self._lock_others(start, response, column, reading)
        results = [Measured(m, e.ws, self.reader.possible(e.reading)) for m, e in edits.items()]
        matched = torch.stack([edit.matched for edit in edits.values()]).all(dim=0)
        calibrated = self._corrected(start, response, column, asked, [])
        results.append(Measured("calibrated", calibrated.ws, self.reader.possible(calibrated.reached)))
        return results, matched

    def _share_switched(self, column: int) -> float:
        """By the flow's edit as it is: glasses put on whoever has none, and taken off whoever has."""
        attribute = ATTRIBUTES[column]
        middle = (attribute.minimum + attribute.maximum) / 2
        read = []
        for start in self.starts:
            above = start.base[:, column] > middle
            end = torch.where(above, attribute.minimum, attribute.maximum).to(start.base)
            read.append(self.reader(flow_edit(self.flow, start, column, end, self.rules))[:, column])
        return share_switched(self.base[:, column], torch.cat(read), middle)

    def _corrected(
        self, start: EditStart, response: Response, column: int, goal: Tensor, locked: Sequence[int]
    ) -> CorrectedEdit:
        target = start.base.clone()
        target[:, column] = goal
        return edit_with_locks(
            self.flow,
            start,
            target,
            self.reader,
            response,
            locked=locked,
            calibrated=(column,),
            rules=self.rules,
        )

    def _lock_others(self, start: EditStart, response: Response, column: int, reading: Tensor) -> MatchedEdit:
        """The flow's edit to the same reading with everything else locked that can be: under a light that
        moves, the face.
        """
        others = range(len(ATTRIBUTES)) if column in _FACE_COLUMNS else _FACE_COLUMNS
        locked = [other for other in others if other != column]
        edit = self._corrected(start, response, column, reading[:, column], locked)
        missed = (edit.reached - reading)[:, column].abs()
        return MatchedEdit(edit.ws, edit.reached, is_near(missed, float(self.deviation[column])))

    def _match_styleflow(
        self, start: EditStart, response: Response, column: int, asked: Tensor, wanted: Tensor
    ) -> MatchedEdit:
        base = start.base[:, column]
        return match_change(
            lambda amount: styleflow_edit(self.flow, start, column, base + amount, self.rules),
            self.reader,
            column,
            (asked - base) / STYLEFLOW_RULES[ATTRIBUTES[column].name].gain,
            response.reading,
            wanted,
            float(self.deviation[column]),
        )

    def _match_linear(
        self, start: EditStart, response: Response, direction: Direction, column: int, wanted: Tensor
    ) -> MatchedEdit:
        deviation = float(self.deviation[column])
        return match_change(
            lambda amount: linear_edit(start.ws, direction, amount),
            self.reader,
            column,
            wanted / deviation,
            response.reading,
            wanted,
            deviation,
        )

    def _side_effects(self, measured: Measured, column: int, faces: Tensor) -> SideEffects:
        if not bool(faces.any()):
            nothing = float("nan")
            return SideEffects(measured.method, nothing, nothing, "", nothing, nothing, nothing)
        moved = ((measured.reading - self.base).abs() / self.deviation)[faces].mean(dim=0)
        moved[column] = 0
        features = self.likeness.features(self.reader.generator, measured.ws[faces])
        distance = self.likeness.between(features, self.features[faces]).mean()
        return SideEffects(
            measured.method,
            float(moved.sum()) / (len(ATTRIBUTES) - 1),
            float(moved[list(_FACE_COLUMNS)].sum()) / len(set(_FACE_COLUMNS) - {column}),
            ATTRIBUTES[int(moved.argmax())].name,
            float(moved.max()),
            float(distance / self.stranger),
            float(self.strangeness(measured.ws[faces]).mean() / self.strangeness(self.ws[faces]).mean()),
        )


def _on(direction: Direction, layers: tuple[int, ...]) -> Direction:
    """The direction on the layers that the attribute may change, as the flow is held to them too."""
    return Direction(direction.name, direction.vector, layers, direction.method, direction.scale)


def _joined(parts: Sequence[Measured]) -> Measured:
    return Measured(
        parts[0].method,
        torch.cat([part.ws for part in parts]),
        torch.cat([part.reading for part in parts]),
    )
