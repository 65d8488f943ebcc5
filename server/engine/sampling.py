"""Faces with asked attributes, one by one, so that pictures are rendered between them."""

from __future__ import annotations

import torch
from torch import Tensor

from models.bundle import Bundle
from models.editing.conditional_sampling import complete_attributes, corrected_samples, sample_faces
from models.editing.layer_rules import layer_rules
from models.editing.locks import PictureReader
from models.editing.population import draw_w
from models.editing.targets import attribute_columns, target_attributes
from server.documents import Light
from server.engine.asked_attributes import LIGHT_NAMES, lamp_coefficients
from server.engine.edit_reading import by_name
from server.engine.editing_interface import SampledFace, SampleRequest
from server.engine.latents import Latent, latent_file
from server.problems import Problem

POPULATION = 512  # faces whose attributes are read, to know what goes together
READ_TOGETHER = 8


def picture_reader(bundle: Bundle) -> PictureReader:
    """Raises Problem not_measurable."""
    if bundle.estimator is None:
        hint = "Take a model with one, such as the demo model."
        detail = "The model comes without a network that reads attributes."
        raise Problem("not_measurable", detail, hint)
    return PictureReader(bundle.generator, bundle.estimator)


class PopulationReading:
    """Attributes [POPULATION, 17] of fresh faces, a few pictures a step. Runs on the compute thread."""

    def __init__(self, bundle: Bundle) -> None:
        self._reader = picture_reader(bundle)
        self._w = draw_w(bundle.generator, POPULATION)
        self._parts: list[Tensor] = []

    @property
    def done(self) -> int:
        """Faces read so far."""
        return sum(map(len, self._parts))

    @torch.no_grad()
    def step(self) -> None:
        """Read some more."""
        generator = self._reader.generator
        ws = self._w[self.done : self.done + READ_TOGETHER, None].expand(-1, generator.num_ws, -1)
        self._parts.append(self._reader.possible(self._reader(ws)))

    def attributes(self) -> Tensor:
        """Of all faces."""
        return torch.cat(self._parts)


class Sampling:
    """The faces of one request. Runs on the compute thread."""

    @torch.no_grad()
    def __init__(self, bundle: Bundle, request: SampleRequest, population: Tensor) -> None:
        """Draws them all. Raises EditError, IntegrationError, Problem not_editable."""
        if bundle.flow is None:
            raise Problem("not_editable", "The model comes without a flow.")
        self._bundle, self._flow, self._corrects = bundle, bundle.flow, request.corrected
        self._reader = picture_reader(bundle)
        moves_light = request.light is not None and request.light.moves
        self._names = (*request.attributes, *(LIGHT_NAMES if moves_light else ()))
        attribute_columns(self._names)
        attributes = complete_attributes(population, request.attributes, request.count, request.seed)
        if request.light is not None and moves_light:
            rows = [_lit(row[None], request.light, request) for row in attributes]
            attributes = torch.cat(rows)
        self._attributes = attributes
        num_ws = bundle.generator.num_ws
        self._ws = sample_faces(bundle.flow, attributes, num_ws, request.seed, request.psi)

    @torch.no_grad()
    def face(self, index: int) -> SampledFace:
        """One of them, corrected if that was asked for, and read."""
        ws, asked = self._ws[index : index + 1], self._attributes[index : index + 1]
        if self._corrects and self._names:
            rules = layer_rules(self._bundle.generator.num_ws, self._bundle.manifest.layers)
            ws = corrected_samples(self._flow, ws, asked, self._names, self._reader, rules)
        reached = self._reader.possible(self._reader(ws))
        latent = Latent(ws[0].cpu().numpy(), (), self._bundle.manifest.generator.sha256)
        return SampledFace(latent_file(latent), by_name(asked), by_name(reached))


def _lit(row: Tensor, light: Light, request: SampleRequest) -> Tensor:
    """The attributes [1, 17] with the asked lamp in their own ambient light."""
    return target_attributes(row, {**lamp_coefficients(light, row), **request.attributes})
