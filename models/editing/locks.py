"""Edits that hold locked attributes, and edits that reach the asked value.

The flow moves a face to the condition it is given, but its conditions are not quite what the attribute
network reads on the picture: asked for +20 years it may reach +16, and a smile may come along. So the
condition c itself is what is solved for. Let r(c) be the reading of the picture edited to c. On the columns
S that matter, which are the locked attributes and, for a calibrated edit, the edited ones, find c_S with

    r_S(c) = goal_S,

where the goal is the reading of the unedited picture for a locked attribute and the asked value for an edited
one; the other conditions stay at the target. Each step solves the damped least squares problem

    min |V (J d - (goal - r))|^2 + damping |d|^2,   c_S <- c_S + d,

in units of each attribute's deviation, V counting a lock three times as much as an asked value (what cannot
be had must not cost what was to be held), J being dr_S / dc_S: measured once at the base by finite
differences, then corrected by every step taken (Broyden, "A class of methods for solving nonlinear
simultaneous equations", 1965). The number of steps is fixed and of all conditions tried the best is taken,
the uncorrected one among them. So the result is a function of base, target and locks alone, and a
correction can never make things worse as it is read.

The correction moves along the flow's own conditions and not along the gradient of the attribute network:
the face stays one the flow can make, where a gradient step finds patterns that fool the network and that
nobody sees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.attributes.estimator import AttributeEstimator
from models.editing.attribute_edit import EditStart, apply_edit
from models.editing.layer_rules import LayerRules
from models.editing.targets import bounds
from models.styleflow.flow import ConditionalFlow
from models.stylegan2.generator import Generator
from models.stylegan2.native.memory import SynthesisMemory

CORRECTIONS = 3  # readings beyond the first: more gain little (docs/editing.md)
_DAMPING = 0.03  # of the squared response of an attribute that does exactly what its condition says
_LOCK_WEIGHT = 3.0  # of a locked attribute against an edited one
_LARGEST_STEP = 1.5  # deviations
_PROBE = 0.25  # deviations: far enough above the noise of the reading, near enough to be a slope
_READ_TOGETHER = 8  # pictures


@dataclass(frozen=True)
class PictureReader:
    """Reads the 17 attributes on the picture of ws, with the generator's own noise.

    memory: activations of the last picture, where one picture is read at a time.
    """

    generator: Generator
    estimator: AttributeEstimator
    memory: SynthesisMemory | None = None

    @torch.no_grad()
    def __call__(self, ws: Tensor) -> Tensor:
        """ws [N, L, C] -> [N, 17] in raw units, not cut off at what is possible: a cut has no slope."""
        scale, mean = self.estimator.deviation, self.estimator.mean
        pictures = (self.generator.synthesis(part, memory=self.memory) for part in ws.split(_READ_TOGETHER))
        parts = [self.estimator.standardized(img.expand(-1, 3, -1, -1)) for img in pictures]  # grey: thrice
        return torch.cat(parts) * scale + mean

    def possible(self, reading: Tensor) -> Tensor:
        """The reading cut off at what is possible, as people see it."""
        return torch.minimum(torch.maximum(reading, self.estimator.minimum), self.estimator.maximum)


@dataclass(frozen=True)
class Response:
    """How the readings of one base follow the conditions; belongs to an EditStart and is cached with it."""

    columns: tuple[int, ...]  # the conditions that were moved
    reading: Tensor  # [N, 17] of the unedited picture, raw units, not cut off
    slope: Tensor  # [N, 17, K] deviations of reading j a deviation of condition columns[k]


@dataclass(frozen=True)
class CorrectedEdit:
    """The result of edit_with_locks."""

    ws: Tensor  # [N, L, C]
    condition: Tensor  # [N, 17] what the flow was given
    reached: Tensor  # [N, 17] read on the edited picture, raw units, not cut off
    uncorrected: Tensor  # [N, 17] the same for the plain edit to the target


def measure_response(
    flow: ConditionalFlow,
    start: EditStart,
    reader: PictureReader,
    columns: Sequence[int],
    rules: LayerRules | None = None,
    reading: Tensor | None = None,
) -> Response:
    """Move each of the conditions a quarter of a deviation, towards the middle of its range, and read.

    reading [N, 17]: reader's of start.ws, where it is known. Costs one picture for each column and sample,
    and one for an unknown reading. Raises as apply_edit does.
    """
    deviation = reader.estimator.deviation
    reading = reader(start.ws) if reading is None else reading
    slopes = []
    for column in columns:
        step = _PROBE * deviation[column] * torch.sign(reader.estimator.mean[column] - start.base[:, column])
        step = torch.where(step == 0, _PROBE * deviation[column], step)
        moved = start.base.clone()
        moved[:, column] += step
        change = (reader(apply_edit(flow, start, moved, rules)) - reading) / deviation
        slopes.append(change / (step / deviation[column])[:, None])
    return Response(tuple(columns), reading, torch.stack(slopes, dim=2))


def joined_responses(responses: Sequence[Response]) -> Response:
    """Responses of one base, measured column by column, as one. Raises ValueError where there is none."""
    if not responses:
        raise ValueError("there is no response to join")
    columns = tuple(column for response in responses for column in response.columns)
    return Response(columns, responses[0].reading, torch.cat([r.slope for r in responses], dim=2))


@torch.no_grad()
def edit_with_locks(
    flow: ConditionalFlow,
    start: EditStart,
    target: Tensor,
    reader: PictureReader,
    response: Response,
    *,
    locked: Sequence[int] = (),
    calibrated: Sequence[int] = (),
    rules: LayerRules | None = None,
    corrections: int = CORRECTIONS,
    afterwards: Callable[[Tensor], Tensor] | None = None,
) -> CorrectedEdit:
    """The edit of start to target [N, 17] such that locked columns read as before and calibrated ones as
    asked.

    response must have been measured for all of these columns. afterwards is what happens to the edited ws
    before the picture, such as directions: locks hold against it too, and the result has it. Without it a
    target equal to the base gives start.ws itself. Costs 1 + corrections decodings and pictures. Where the
    base was corrected by hand, "as asked" means the same distance from the reading of the unedited picture
    as the target has from the base. Raises ValueError for columns without a response; else as apply_edit
    does.
    """
    columns = tuple(sorted({*locked, *calibrated}))
    if not set(columns) <= set(response.columns):
        raise ValueError("the response was not measured for all of these attributes")
    if afterwards is None and torch.equal(target, start.base):
        return CorrectedEdit(start.ws, target, response.reading, response.reading)
    finished = afterwards or _as_it_is
    ws = finished(apply_edit(flow, start, target, rules))
    reached = reader(ws)
    if not columns:
        return CorrectedEdit(ws, target, reached, reached)
    search = _Search(start, target, reader, response, columns, frozenset(calibrated))
    search.keep_better(ws, target, reached)
    for _ in range(corrections):
        condition = search.next_condition()
        ws = finished(apply_edit(flow, start, condition, rules))
        search.learn(condition, reader(ws))
        search.keep_better(ws, condition, search.reading)
    return CorrectedEdit(search.best_ws, search.best_condition, search.best_reading, reached)


def _as_it_is(ws: Tensor) -> Tensor:
    return ws


class _Search:
    """Broyden's method for all samples at once, in deviations on the columns that matter."""

    def __init__(
        self,
        start: EditStart,
        target: Tensor,
        reader: PictureReader,
        response: Response,
        columns: tuple[int, ...],
        calibrated: frozenset[int],
    ) -> None:
        self.columns = list(columns)
        self.deviation = reader.estimator.deviation[self.columns]
        picks = [response.columns.index(column) for column in columns]
        self.jacobian = response.slope[:, self.columns][:, :, picks].clone()  # [N, S, S]
        corrected_by_hand = start.base - reader.possible(response.reading)
        asked = target - torch.where(corrected_by_hand.abs() > 1e-6, corrected_by_hand, 0.0)
        wanted = [asked if column in calibrated else response.reading for column in columns]
        weights = [1.0 if column in calibrated else _LOCK_WEIGHT for column in columns]
        self.weight = start.base.new_tensor(weights)
        self.goal = torch.stack([w[:, c] for w, c in zip(wanted, columns, strict=True)], dim=1)
        self.low, self.high = (limit[self.columns] for limit in bounds(start.base))
        self.condition, self.reading = target, response.reading
        self.error = torch.full_like(target[:, 0], torch.inf)
        self.best_ws, self.best_condition, self.best_reading = start.ws, target, response.reading

    def keep_better(self, ws: Tensor, condition: Tensor, reading: Tensor) -> None:
        """Remember, sample by sample, what misses the goal least."""
        self.condition, self.reading = condition, reading
        error = (self.weight * self._missing(reading)).square().sum(dim=1)
        better = error < self.error
        self.error = torch.where(better, error, self.error)
        self.best_ws = torch.where(better[:, None, None], ws, self.best_ws)
        self.best_condition = torch.where(better[:, None], condition, self.best_condition)
        self.best_reading = torch.where(better[:, None], reading, self.best_reading)

    def next_condition(self) -> Tensor:
        """One damped step from the last condition, inside what may be asked for."""
        j = self.weight[:, None] * self.jacobian
        missing = self.weight * self._missing(self.reading)
        normal = j.mT @ j + _DAMPING * torch.eye(j.shape[2], dtype=j.dtype, device=j.device)
        step = torch.linalg.solve(normal, (j.mT @ missing[..., None])).squeeze(-1)
        step = step.clamp(-_LARGEST_STEP, _LARGEST_STEP)
        condition = self.condition.clone()
        moved = condition[:, self.columns] + step * self.deviation
        condition[:, self.columns] = torch.minimum(torch.maximum(moved, self.low), self.high)
        return condition

    def learn(self, condition: Tensor, reading: Tensor) -> None:
        """Broyden's rank-one update with what the step from the last condition did."""
        d = ((condition - self.condition)[:, self.columns]) / self.deviation
        observed = (reading - self.reading)[:, self.columns] / self.deviation
        surprise = observed - (self.jacobian @ d[..., None]).squeeze(-1)
        length = d.square().sum(dim=1, keepdim=True).clamp(min=1e-4)
        self.jacobian = self.jacobian + surprise[..., None] * (d / length)[:, None]
        self.condition, self.reading = condition, reading

    def _missing(self, reading: Tensor) -> Tensor:
        return (self.goal - reading[:, self.columns]) / self.deviation
