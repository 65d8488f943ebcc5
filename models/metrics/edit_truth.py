"""Edit truth: how far an edited picture is from the render of the face with that factor changed.

Only a model of rendered faces has this truth: the face of z with, say, another age is the face of another
z, whose picture can be rendered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.editing.attribute_edit import edit_attributes
from models.editing.layer_rules import LayerRules
from models.faces.edited import EDITED_COORDINATES, edited_z
from models.faces.factors import Z_DIM, face_factors
from models.faces.light import attribute_vectors
from models.faces.render import render_faces
from models.styleflow.attributes import ATTRIBUTE_INDEX
from models.styleflow.flow import ConditionalFlow
from models.stylegan2.generator import Generator

Distance = Callable[[Tensor, Tensor], Tensor]
"""Pictures [N, 3, h, w] of 0..255, twice -> [N]."""

_POOL = 8  # faces tried for each one wanted: where a factor shows (no beard on a child) differs by face
_VISIBLE = 0.5  # a change of the attribute below so many of its standard deviations is none


@dataclass(frozen=True)
class EditTruth:
    """Mean distances from the render of the changed face, over `faces` faces."""

    attribute: str
    faces: int
    edited: float  # of the picture that the flow's edit gives
    unedited: float  # of the picture before the edit: what doing nothing costs
    own: float  # of the generator's own picture of the changed z: the best that edits can reach
    share: float  # of the way from doing nothing to the generator's own picture that the edit goes; 1: all


@dataclass(frozen=True)
class FlowEdits:
    """What edits a generator's faces: a flow, and the rows of ws that each attribute may change."""

    flow: ConditionalFlow
    rules: LayerRules


@torch.no_grad()
def edit_truth(
    generator: Generator,
    edits: FlowEdits,
    distance: Distance,
    count: int,
    *,
    seed: int = 0,
    batch: int = 16,
    report: Callable[[int, int], None] = lambda _done, _of: None,
) -> list[EditTruth]:
    """Every factor of EDITED_COORDINATES changed on `count` faces (or as many of the pool as show it).

    The flow goes from the true attributes of z to those of the changed z. report gets the edits
    done and their number.
    """
    pool = np.random.RandomState(seed).randn(_POOL * count, Z_DIM)
    before = attribute_vectors(face_factors(pool))
    deviation = before.std(axis=0)
    results = []
    for done, attribute in enumerate(EDITED_COORDINATES, start=1):
        changed = edited_z(pool, attribute)
        after = attribute_vectors(face_factors(changed))
        column = ATTRIBUTE_INDEX[attribute]
        visible = np.abs(after - before)[:, column] > _VISIBLE * deviation[column]
        chosen = np.flatnonzero(visible)[:count]
        if not len(chosen):
            raise ValueError(f"of {len(pool)} faces none shows a change of {attribute}; take more")
        sums = np.zeros(3)
        for rows in np.array_split(chosen, -(-len(chosen) // batch)):
            sums += _distances(
                generator, edits, distance, pool[rows], changed[rows], before[rows], after[rows]
            )
        edited, unedited, own = (float(value) for value in sums / len(chosen))
        share = (unedited - edited) / (unedited - own)
        results.append(EditTruth(attribute, len(chosen), edited, unedited, own, share))
        report(done, len(EDITED_COORDINATES))
    return results


def _distances(
    generator: Generator,
    edits: FlowEdits,
    distance: Distance,
    z: NDArray[np.float64],
    changed: NDArray[np.float64],
    base: NDArray[np.float64],
    target: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sums of the distances edited, unedited and own over a few faces."""
    device = generator.w_avg.device
    old, new = (torch.from_numpy(x).float().to(device) for x in (base, target))
    ws, ws_changed = (generator.mapping(torch.from_numpy(x).to(device)) for x in (z, changed))
    rendered = torch.from_numpy(render_faces(changed, generator.img_resolution))
    truth = rendered.to(device).permute(0, 3, 1, 2).float()
    edited = edit_attributes(edits.flow, ws, old, new, edits.rules)
    pictures = [generator.synthesis(x) for x in (edited, ws, ws_changed)]
    sums = [float(distance((x.clamp(-1, 1) + 1) * 127.5, truth).sum()) for x in pictures]
    return np.array(sums)
