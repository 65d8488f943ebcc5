"""Whether the server lives, and whether it can do its work."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import text

from server.problems import Problem
from server.services import ServicesDep

router = APIRouter(tags=["health"])


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(services: ServicesDep) -> dict[str, str]:
    """There is a model, and the database answers."""
    if not services.engine.models():
        raise Problem("not_ready", "No model could be loaded.", "See GET /api/v1/about for the reasons.")
    with services.database.read() as transaction:
        transaction.execute(text("SELECT 1"))
    return {"status": "ready"}
