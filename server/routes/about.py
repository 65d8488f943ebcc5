"""What this server is and what it works with."""

from __future__ import annotations

from fastapi import APIRouter

from server.engine.interface import Engine
from server.messages import About, Perceptual, Refused
from server.problems import Problem
from server.services import ServicesDep
from server.version import product_version

router = APIRouter(prefix="/api/v1", tags=["server"])


@router.get("/about")
async def about(services: ServicesDep) -> About:
    """Version, device, how pictures are computed, the perceptual distance in use; models, usable or not."""
    engine = services.engine
    return About(
        version=product_version(),
        device=engine.device,
        synthesis=engine.synthesis,
        perceptual=await _perceptual(engine),
        models=[model.name for model in engine.models()],
        refused=[
            Refused(name=model.name, reason=model.reason)
            for model in engine.listing()
            if model.state == "refused"
        ],
    )


async def _perceptual(engine: Engine) -> Perceptual:
    try:
        used = await engine.perceptual()
    except Problem as problem:
        return Perceptual(name="none", is_lpips=False, note=problem.detail)
    return Perceptual(name=used.name, is_lpips=used.is_lpips, note=used.note)
