"""New faces with asked attributes: the prior of the flow decoded under them (StyleFlow, section 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import torch
from torch import Tensor

from models.editing.attribute_edit import start_edit
from models.editing.errors import ValueOutOfRange
from models.editing.layer_rules import LayerRules
from models.editing.locks import PictureReader, edit_with_locks, measure_response
from models.editing.population import draw_w
from models.editing.targets import attribute_columns, target_attributes
from models.styleflow.fixed_steps import fixed_step_flow
from models.styleflow.flow import ConditionalFlow

_KERNEL_WIDTH = 0.3  # deviations: how near to what is asked a face must be to lend the other values


@torch.no_grad()
def read_population(
    reader: PictureReader,
    count: int,
    seed: int = 0,
    psi: float = 1.0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Tensor, Tensor]:
    """w [count, C] of fresh faces and their attributes [count, 17], as read on their pictures."""
    w = draw_w(reader.generator, count, seed, psi)
    readings = []
    for part in w.split(64):
        readings.append(reader.possible(reader(part[:, None].expand(-1, reader.generator.num_ws, -1))))
        if progress:
            progress(min(64 * len(readings), count), count)
    return w, torch.cat(readings)


def complete_attributes(population: Tensor, asked: Mapping[str, float], count: int, seed: int = 0) -> Tensor:
    """Whole attribute vectors [count, 17] with the asked values; the others are those of real neighbours.

    'A bald man of 60' leaves beard, pose and light open. They are taken from faces of the population [K,
    17] drawn with a probability that falls with their distance from what is asked (a Gaussian kernel), so
    that they go together with it and with one another. Raises UnknownAttribute, ValueOutOfRange.
    """
    columns = list(attribute_columns(asked))
    wanted = target_attributes(population[:1], asked)[0]
    deviation = population.std(dim=0).clamp(min=1e-6)
    distance = ((population - wanted) / deviation)[:, columns].square().sum(dim=1)
    weight = torch.exp(-0.5 * (distance - distance.min()) / _KERNEL_WIDTH**2).double().cpu().numpy()
    random = np.random.RandomState(seed)
    chosen = random.choice(len(population), size=count, p=weight / weight.sum())
    return target_attributes(population[torch.from_numpy(chosen).to(population.device)], asked)


@torch.no_grad()
def sample_faces(
    flow: ConditionalFlow, attributes: Tensor, num_ws: int, seed: int = 0, psi: float = 0.8
) -> Tensor:
    """ws [N, num_ws, C], rows equal: u drawn from the prior, scaled by psi 0..1, decoded under attributes
    [N, 17].

    psi truncates the prior and so everything that is not an attribute. The same seed draws the same faces on
    every device. Raises ValueOutOfRange for another psi, IntegrationError where the flow diverges.
    """
    if not 0 <= psi <= 1:
        raise ValueOutOfRange(f"The truncation must lie in 0..1, not at {psi:g}.")
    u = np.random.RandomState(seed).randn(len(attributes), flow.config.dim)
    rows = fixed_step_flow(flow).decode(psi * torch.from_numpy(u).to(attributes), attributes)
    return rows[:, None].repeat(1, num_ws, 1)


@torch.no_grad()
def corrected_samples(
    flow: ConditionalFlow,
    ws: Tensor,
    attributes: Tensor,
    names: Iterable[str],
    reader: PictureReader,
    rules: LayerRules | None = None,
) -> Tensor:
    """The sampled ws [N, L, C], edited until the asked attributes (names) read as asked; see
    models.editing.locks.

    Costs about 5 pictures and one for each asked attribute more, for each face.
    """
    columns = attribute_columns(names)
    base = reader.possible(reader(ws))
    start = start_edit(flow, ws, base)
    response = measure_response(flow, start, reader, columns, rules)
    target = base.clone()
    target[:, list(columns)] = attributes[:, list(columns)]
    corrected = edit_with_locks(flow, start, target, reader, response, calibrated=columns, rules=rules)
    return corrected.ws
