"""From a recipe of any server to a document of this one: its model found, all that it brings checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from server.documents import Base, Document
from server.engine.editing_interface import DirectionUpload, FoundDirection
from server.engine.exporting_interface import WeightsOf
from server.engine.fit import check_fit
from server.engine.interface import Engine
from server.export_messages import Note
from server.problems import Problem
from server.recipes.recipe import DirectionPart, Recipe
from server.services import Services
from server.storage import directions, latents
from server.storage.tables import DirectionRow


@dataclass(frozen=True)
class FoundModel:
    """The model of this server that a recipe is for. notes: what about it is not as in the recipe."""

    name: str
    weights: WeightsOf
    notes: tuple[Note, ...]


async def found_model(engine: Engine, name: str, generator: str) -> FoundModel:
    """The one of that name if it has that generator, else any loaded one that has.

    Raises Problem made_with_another_model.
    """
    await engine.rescan()
    loaded = [model.name for model in engine.listing() if model.loaded]
    known = [model.name for model in engine.models()]
    for candidate in dict.fromkeys([*(each for each in known if each == name), *loaded]):
        weights = await engine.exporting.weights(candidate)
        if weights.generator == generator:
            return FoundModel(candidate, weights, () if candidate == name else ("another_name",))
    there = f"The model {name} of this server is another one" if name in known else "That model is not here"
    raise Problem(
        "made_with_another_model",
        f"This was made with the model {name} (generator {generator[:12]}…). {there}.",
        "Put that model into the checkpoints folder, choose it once, and try again.",
    )


async def restored_document(
    services: Services, session_id: UUID, owner: str, recipe: Recipe
) -> tuple[Document, list[Note]]:
    """The recipe's document with latents and directions of this server in the place of those it brought.

    Nothing is stored before everything has been checked. Raises Problem made_with_another_model, bad_latent,
    bad_direction, and what check_fit does.
    """
    model = await found_model(services.engine, recipe.document.model, recipe.weights.generator)
    faces = {
        name: (await services.engine.exporting.read_latent(model.name, data)).data
        for name, data in recipe.latents.items()
    }
    moves = {
        name: await services.engine.editing.read_direction(
            DirectionUpload(model.name, part.name, None, None), part.file
        )
        for name, part in recipe.directions.items()
    }
    document = recipe.document.model_copy(update={"model": model.name})
    check_fit(document, services.engine.model(model.name))

    def store() -> Document:
        latent_ids = {
            name: _stored_latent(services, session_id, model.name, data) for name, data in faces.items()
        }
        direction_ids = {
            name: _stored_direction(services, owner, model.weights.generator, found, recipe.directions[name])
            for name, found in moves.items()
        }
        return renamed(document, latent_ids, direction_ids)

    notes: list[Note] = list(model.notes)
    edits = document.edits_attributes or document.is_corrected
    if edits and (model.weights.flow, model.weights.attributes) != (
        recipe.weights.flow,
        recipe.weights.attributes,
    ):
        notes.append("another_flow")
    return await run_in_threadpool(store), notes


def renamed(document: Document, latent_ids: dict[UUID, UUID], direction_ids: dict[UUID, UUID]) -> Document:
    """The document with other ids of the same latents and directions."""

    def source(base: Base) -> Base:
        return base if base.kind == "seed" else base.model_copy(update={"latent": latent_ids[base.latent]})

    changes: dict[str, Any] = {
        "base": source(document.base),
        "mix": tuple(part.model_copy(update={"source": source(part.source)}) for part in document.mix),
        "directions": tuple(
            move.model_copy(update={"direction": direction_ids[move.direction]})
            for move in document.directions
        ),
    }
    return document.model_copy(update=changes)


def _stored_latent(services: Services, session_id: UUID, model: str, data: bytes) -> UUID:
    blob = services.blobs.put(data)
    return latents.find_or_create(services.database, session_id, model, blob).id


def _stored_direction(
    services: Services, owner: str, generator: str, found: FoundDirection, part: DirectionPart
) -> UUID:
    """The one that is there already, if it is the same; else a new one, whose name may need a number."""
    blob = services.blobs.put(found.data)
    own: list[DirectionRow] = directions.of_generator(services.database, generator, owner)
    known = next((row for row in own if row.blob == blob), None)
    if known is not None:
        return known.id
    directions.check_range(part.minimum, part.maximum)
    row = directions.new_row(
        generator=generator,
        owner=owner,
        name=_free_name(part.name, {row.name for row in own}),
        method=found.method,
        layers=list(found.layers),
        scale=found.scale,
        strengths=(part.minimum, part.maximum),
        explained=found.explained,
        blob=blob,
    )
    return directions.create(services.database, row).id


def _free_name(name: str, taken: set[str]) -> str:
    numbered = (f"{name[:74]} ({number})" for number in range(2, len(taken) + 3))
    return next(each for each in [name, *numbered] if each not in taken)
