"""Whether a document can be rendered by a model: what the document's own schema cannot know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from server.documents import Document, LayersByAttribute
from server.engine.interface import ModelDescription
from server.problems import Problem


def check_fit(document: Document, model: ModelDescription) -> None:
    """Raises Problem document_does_not_fit, not_editable, not_measurable where the model lacks something."""
    for source in (document.base, *(part.source for part in document.mix)):
        if source.truncation_cutoff is not None and source.truncation_cutoff > model.num_ws:
            raise _misfit(f"truncation_cutoff is at most {model.num_ws}.")
    _check_layers(model, *(part.layers for part in document.mix))
    _check_layers(model, *(move.layers for move in document.directions if move.layers is not None))
    check_noise_layers(model, *document.noise.layers, *document.noise.frozen)
    light = document.light is not None and document.light.moves
    if document.attributes or document.base_attributes or document.locks or document.layers or light:
        check_editable(model)
        check_attributes(document.base_attributes, model)
        check_attributes(document.attributes, model)
        _check_names(document.locks, model)
        check_layer_rules(document.layers, model)
    if document.locks or document.calibrated:
        check_measurable(model)


def check_attributes(values: Mapping[str, float], model: ModelDescription) -> None:
    """Raises Problem document_does_not_fit for an attribute that is not there or cannot be that."""
    _check_names(values, model)
    for attribute in model.attributes:
        value = values.get(attribute.name)
        # A photo may lie beyond what the sliders offer, but not in another world.
        span = attribute.maximum - attribute.minimum
        low, high = attribute.minimum - span, attribute.maximum + span
        if value is not None and not low <= value <= high:
            raise _misfit(f"{attribute.name} must lie in {low:g} to {high:g}.")


def check_layer_rules(layers: LayersByAttribute, model: ModelDescription) -> None:
    """Raises Problem document_does_not_fit, not_editable for rules that no edit of this model could have."""
    check_editable(model)
    _check_names(layers, model)
    _check_layers(model, *layers.values())


def check_noise_layers(model: ModelDescription, *layers: int) -> None:
    """Raises Problem document_does_not_fit for a layer without a noise map: each 3x3 convolution has one."""
    if any(layer >= model.num_ws - 1 for layer in layers):
        raise _misfit(f"layers with noise are counted from 0 to {model.num_ws - 2}.")


def check_resolution(resolution: int | None, model: ModelDescription) -> None:
    """Raises Problem document_does_not_fit for a size that the model has no level for."""
    if resolution is not None and resolution not in model.resolutions:
        raise _misfit(f"the resolution is one of {', '.join(map(str, model.resolutions))}.")


def check_editable(model: ModelDescription) -> None:
    """Raises Problem not_editable for a model whose attributes cannot be changed."""
    if not model.attributes:
        raise Problem("not_editable", f"The model {model.name} comes without a flow.")


def check_measurable(model: ModelDescription) -> None:
    """Raises Problem not_measurable for a model in which nothing reads the attributes of a picture."""
    if not model.measurable:
        detail = f"The model {model.name} comes without a network that reads attributes on pictures."
        hint = "Unlock everything and do without calibration."
        raise Problem("not_measurable", detail, hint)


def check_projectable(model: ModelDescription) -> None:
    """Raises Problem not_projectable for a model in which no photo can be looked for."""
    if model.img_channels != 3:
        raise Problem(
            "not_projectable", f"The pictures of the model {model.name} are grey, so no photo is found in it."
        )


def _check_names(names: Iterable[str], model: ModelDescription) -> None:
    known = [attribute.name for attribute in model.attributes]
    if not set(names) <= set(known):
        raise _misfit(f"the attributes are: {', '.join(known)}.")


def _check_layers(model: ModelDescription, *sets: tuple[int, ...]) -> None:
    if any(layer >= model.num_ws for layers in sets for layer in layers):
        raise _misfit(f"layers are counted from 0 to {model.num_ws - 1}.")


def _misfit(text: str) -> Problem:
    return Problem("document_does_not_fit", f"This does not fit the model: {text}")
