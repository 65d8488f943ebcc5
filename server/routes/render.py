"""Pictures and attribute readings by request and answer, for exports and scripts."""

from __future__ import annotations

from fastapi import APIRouter, Response

from server.edit_answers import attributes_answer
from server.edit_messages import Attributes
from server.engine.interface import RenderRequest
from server.messages import AttributesBody, RenderBody
from server.services import ServicesDep
from server.strict_json import StrictJsonRoute

router = APIRouter(prefix="/api/v1", tags=["pictures"], route_class=StrictJsonRoute)


@router.post("/render", response_class=Response)
async def render(body: RenderBody, services: ServicesDep) -> Response:
    """The picture of a document."""
    request = RenderRequest(body.document, body.resolution, body.format)
    picture = await services.engine.render(request)
    name = f"{body.document.model}.{'jpg' if body.format == 'jpeg' else 'png'}"
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'inline; filename="{name}"'}
    return Response(picture.data, media_type=f"image/{body.format}", headers=headers)


@router.post("/attributes")
async def attributes(body: AttributesBody, services: ServicesDep) -> Attributes:
    """What an edit was asked for and what it did; waits for an estimate of the base where one is needed."""
    return await attributes_answer(services.engine.editing, body.document)
