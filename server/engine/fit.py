"""Whether a document can be rendered by a model: what the document's own schema cannot know."""

from __future__ import annotations

from server.documents import Document
from server.engine.interface import ModelDescription
from server.problems import Problem


def check_fit(document: Document, model: ModelDescription) -> None:
    """Raises Problem document_does_not_fit, not_editable where the model has no such layer or attribute."""
    for source in (document.base, *(part.source for part in document.mix)):
        if source.truncation_cutoff is not None and source.truncation_cutoff > model.num_ws:
            raise _misfit(f"truncation_cutoff is at most {model.num_ws}.")
    if any(layer >= model.num_ws for part in document.mix for layer in part.layers):
        raise _misfit(f"layers are counted from 0 to {model.num_ws - 1}.")
    if not document.attributes:
        return
    check_editable(model)
    known = {attribute.name: attribute for attribute in model.attributes}
    for name, value in document.attributes.items():
        attribute = known.get(name)
        if attribute is None:
            raise _misfit(f"the attributes are: {', '.join(known)}.")
        # A photo may lie beyond what the sliders offer, but not in another world.
        span = attribute.maximum - attribute.minimum
        if not attribute.minimum - span <= value <= attribute.maximum + span:
            raise _misfit(f"{name} must lie near {attribute.minimum} to {attribute.maximum}.")


def check_resolution(resolution: int | None, model: ModelDescription) -> None:
    """Raises Problem document_does_not_fit for a size that the model has no level for."""
    if resolution is not None and resolution not in model.resolutions:
        raise _misfit(f"the resolution is one of {', '.join(map(str, model.resolutions))}.")


def check_editable(model: ModelDescription) -> None:
    """Raises Problem not_editable for a model whose attributes can neither be read nor changed."""
    if not model.attributes:
        raise Problem("not_editable", f"The model {model.name} comes without a flow and attribute estimator.")


def check_projectable(model: ModelDescription) -> None:
    """Raises Problem not_projectable for a model in which no photo can be looked for."""
    if model.img_channels != 3:
        raise Problem(
            "not_projectable", f"The pictures of the model {model.name} are grey, so no photo is found in it."
        )


def _misfit(text: str) -> Problem:
    return Problem("document_does_not_fit", f"This does not fit the model: {text}")
