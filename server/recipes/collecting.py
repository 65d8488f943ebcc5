"""From a document of this server to a recipe that another server can follow."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool

from server.documents import Document
from server.recipes.containers import with_recipe
from server.recipes.recipe import DirectionPart, Recipe, Weights, named_directions, named_latents, pack
from server.services import Services
from server.storage import directions, latents
from server.version import product_version


async def collected_recipe(services: Services, document: Document) -> Recipe:
    """With all that the document names. Raises Problem unknown_latent, unknown_direction."""
    weights = await services.engine.exporting.weights(document.model)

    def collect() -> Recipe:
        database, blobs = services.database, services.blobs
        moves = {}
        for direction in named_directions(document):
            row = directions.get(database, direction)
            moves[direction] = DirectionPart(row.name, row.minimum, row.maximum, blobs.read(row.blob))
        return Recipe(
            program=f"Latent Loom {product_version()}",
            weights=Weights(**vars(weights)),
            document=document,
            latents={latent: latents.read(database, blobs, latent) for latent in named_latents(document)},
            directions=moves,
        )

    return await run_in_threadpool(collect)


async def picture_with_recipe(services: Services, document: Document, picture: bytes) -> bytes:
    """The picture's file with the document's recipe in it. Raises Problem recipe_too_large."""
    recipe = await collected_recipe(services, document)
    return await run_in_threadpool(lambda: with_recipe(picture, pack(recipe)))
