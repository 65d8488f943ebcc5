"""The models in the checkpoints folder."""

from __future__ import annotations

from fastapi import APIRouter

from server.messages import AnyModel, model_answer
from server.services import Services, ServicesDep

router = APIRouter(prefix="/api/v1", tags=["models"])


@router.get("/models")
async def models(services: ServicesDep) -> list[AnyModel]:
    """Usable models, of which the first one is the default, then those being prepared, then those refused.

    Files that were added, replaced or deleted since the last look are noticed.
    """
    await services.engine.rescan()
    return _answer(services)


@router.post("/models/refresh")
async def refresh_models(services: ServicesDep) -> list[AnyModel]:
    """Look at everything again: refused models get another chance, and replaced files are loaded anew."""
    await services.engine.refresh()
    return _answer(services)


def _answer(services: Services) -> list[AnyModel]:
    return [model_answer(model) for model in services.engine.listing()]
