"""How close each rung of the ladder comes, and what edits do after it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from benchmarks.terminal import say
from models.bundle import Bundle
from models.editing.attribute_edit import edit_attributes
from models.editing.layer_rules import layer_rules
from models.projection.encoder import first_guess
from models.projection.ladder import Plan
from models.projection.measures import measure
from models.projection.perceptual import efficientnet_distance
from models.projection.projector import Found, ProjectionStep, project, w_statistics
from models.projection.settings import RungSettings
from models.projection.steps import rendered
from models.styleflow.attributes import ATTRIBUTE_INDEX

# Attribute and how far it is moved, in its own unit.
EDITS = {"age": 20.0, "expression": 0.5, "yaw": 12.0, "beard": 0.5}


@dataclass(frozen=True)
class RungResult:
    """One target on one rung. edits: by attribute, (share of the wanted change, leakage) of an edit there."""

    target: str
    rung: str
    distance: float
    l1: float
    psnr: float | None
    steps: int
    edits: dict[str, tuple[float, float]]


def quality(
    bundle: Bundle, targets: Mapping[str, Tensor], plans: Sequence[Plan], edits: bool
) -> list[RungResult]:
    """Every target guessed, and at the end of every plan; what plans have in common is computed once."""
    perceptual = efficientnet_distance(torch.device("cpu"), "")
    generator = bundle.generator
    statistics = w_statistics(generator)
    results = []
    for name, target in targets.items():
        guess = first_guess(generator, target, bundle.encoder)
        descend = partial(project, generator, target, perceptual=perceptual, statistics=statistics)
        ends: dict[str, tuple[int, Found]] = {"start": (0, guess)}
        known: dict[tuple[RungSettings, ...], Found] = {}
        for plan in plans:
            found = guess if plan.from_guess else None
            for count, settings in enumerate(plan.rungs, start=1):
                way = plan.rungs[:count]
                if way not in known:
                    known[way] = _last(descend(settings=settings, start=found))
                found = known[way]
            assert found is not None
            ends[plan.rungs[-1].rung] = (plan.steps, found)
        for rung, (steps, found) in ends.items():
            measures = measure(generator, target, found, perceptual, seconds=0, steps=steps)
            moved = edited(bundle, found) if edits else {}
            results.append(
                RungResult(name, rung, measures.distance, measures.l1, measures.psnr, steps, moved)
            )
            say(f"{name:8} {rung:6} distance {measures.distance:.4f}")
    return results


def _last(steps: Iterable[ProjectionStep]) -> Found:
    (last,) = deque(steps, maxlen=1)
    return last.found


@torch.no_grad()
def edited(bundle: Bundle, found: Found) -> dict[str, tuple[float, float]]:
    """What edits of what was found do, as the bundle's estimator reads it: for each of EDITS the share of
    the wanted change that was reached, and the leakage: by how much the other attributes move on average, in
    standard deviations of the estimator's training faces.
    """
    flow, estimator = bundle.flow, bundle.estimator
    if flow is None or estimator is None:
        raise SystemExit("This model comes without a flow or an estimator, so it has no edits to measure.")
    rules = layer_rules(bundle.generator.num_ws, bundle.manifest.layers)
    before = estimator(rendered(bundle.generator, found))
    moved = {}
    for attribute, change in EDITS.items():
        column = ATTRIBUTE_INDEX[attribute]
        target = before.clone()
        target[0, column] += change
        ws = edit_attributes(flow, found.ws, before, target, rules)
        after = estimator(rendered(bundle.generator, replace(found, ws=ws)))
        others = ((after - before) / estimator.deviation)[0].abs()
        others = torch.cat([others[:column], others[column + 1 :]])
        moved[attribute] = (float((after - before)[0, column] / change), float(others.mean()))
    return moved


def table(results: list[RungResult]) -> str:
    """Markdown: the rungs with medians over the targets."""
    lines = ["| rung | steps | distance (median, quartiles) | PSNR dB | edit reached | leakage |"]
    lines.append("|---|---|---|---|---|---|")
    for rung in dict.fromkeys(result.rung for result in results):
        rows = [result for result in results if result.rung == rung]
        low, middle, high = np.percentile([row.distance for row in rows], [25, 50, 75])
        psnr = np.median([np.inf if row.psnr is None else row.psnr for row in rows])
        pairs = [pair for row in rows for pair in row.edits.values()]
        reached, leaked = (f"{np.median(v):.2f}" for v in zip(*pairs, strict=True)) if pairs else ("", "")
        lines.append(
            f"| {rung} | {rows[0].steps} | {middle:.3f} ({low:.3f} to {high:.3f}) | {psnr:.1f} |"
            f" {reached} | {leaked} |"
        )
    return "\n".join(lines)
