"""Pictures of what happens inside a network: the activations of a layer, and what its noise does."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from server.engine.inspection_interface import ActivationRequest, Look
from server.inspection_messages import (
    ActivationsBody,
    EffectDescription,
    NoiseEffectBody,
    SheetDescription,
    effect_description,
    sheet_description,
)
from server.services import ServicesDep
from server.strict_json import StrictJsonRoute

router = APIRouter(prefix="/api/v1", tags=["layers"], route_class=StrictJsonRoute)

SHEET_HEADER, EFFECT_HEADER = "X-Activations", "X-Noise-Effect"


def _png_with(header: str, description: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: a PNG, and a header of JSON."""
    said = {"description": description.__doc__, "schema": description.model_json_schema()}
    return {200: {"content": {"image/png": {}}, "headers": {header: said}}}


@router.post("/activations", response_class=Response, responses=_png_with(SHEET_HEADER, SheetDescription))
async def activations(body: ActivationsBody, services: ServicesDep) -> Response:
    """What channels of a layer compute for a document's final picture, on one sheet."""
    look = Look(body.shown, body.scope, body.spread, body.deviations)
    sheet = await services.engine.inspection.activations(
        ActivationRequest(body.document, body.layer, body.first, body.count, body.order, look, body.side)
    )
    return _png(sheet.png, SHEET_HEADER, sheet_description(sheet))


@router.post("/noise-effect", response_class=Response, responses=_png_with(EFFECT_HEADER, EffectDescription))
async def noise_effect(body: NoiseEffectBody, services: ServicesDep) -> Response:
    """Where the noise of a layer changes a document's final picture: black nowhere, white most."""
    effect = await services.engine.inspection.noise_effect(body.document, body.layer)
    return _png(effect.png, EFFECT_HEADER, effect_description(effect))


def _png(data: bytes, header: str, description: str) -> Response:
    return Response(data, media_type="image/png", headers={"Cache-Control": "no-store", header: description})
