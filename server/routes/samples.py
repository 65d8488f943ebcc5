"""New faces with asked attributes, and pictures of stored latents."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from starlette.concurrency import run_in_threadpool

from server.access.caller import CallerDep
from server.access.session_room import ROOM_FOR_LATENTS
from server.documents import Document, LatentBase
from server.edit_answers import task_answer
from server.edit_messages import NewSamples, Task
from server.engine.editing_interface import Report, SampledFace, SampleRequest
from server.engine.fit import check_attributes, check_editable, check_measurable
from server.engine.interface import RenderRequest
from server.services import Services, ServicesDep
from server.storage import latents, sessions
from server.strict_json import StrictJsonRoute
from server.tasks import KeptSample, RunningTask

router = APIRouter(prefix="/api/v1", tags=["samples"], route_class=StrictJsonRoute)

IMMUTABLE = "private, max-age=31536000, immutable"


@router.post("/sessions/{session_id}/samples", status_code=202)
async def create_samples(session_id: UUID, body: NewSamples, services: ServicesDep, user: CallerDep) -> Task:
    """Draw faces with these attributes. The first request for a model reads its population first."""
    await run_in_threadpool(sessions.get, services.database, session_id)
    await run_in_threadpool(ROOM_FOR_LATENTS.check, services, session_id, body.count)
    model = services.engine.model(body.model)
    check_editable(model)
    check_measurable(model)
    check_attributes(body.attributes, model)
    request = SampleRequest(
        body.model, body.attributes, body.light, body.count, body.seed, body.psi, body.corrected
    )

    async def work(report: Report) -> tuple[KeptSample, ...]:
        faces = await services.engine.editing.sample(request, report)
        return await run_in_threadpool(_keep, services, session_id, body.model, faces)

    return task_answer(services.tasks.begin(RunningTask("samples", body.model, user.name), work))


@router.get("/latents/{latent_id}/picture", response_class=Response)
async def latent_picture(
    latent_id: UUID,
    services: ServicesDep,
    resolution: Annotated[int | None, Query(ge=4, le=4096)] = None,
) -> Response:
    """The picture of a latent as it is, a JPEG."""
    model = await run_in_threadpool(latents.model_of, services.database, latent_id)
    document = Document(model=model, base=LatentBase(kind="latent", latent=latent_id))
    picture = await services.engine.render(RenderRequest(document, resolution))
    headers = {"Cache-Control": IMMUTABLE, "Content-Disposition": f'inline; filename="{latent_id}.jpg"'}
    return Response(picture.data, media_type="image/jpeg", headers=headers)


def _keep(
    services: Services, session_id: UUID, model: str, faces: tuple[SampledFace, ...]
) -> tuple[KeptSample, ...]:
    kept = []
    for face in faces:
        blob = services.blobs.put(face.latent)
        row = latents.create(services.database, session_id, model, blob)
        kept.append(KeptSample(row.id, face.asked, face.reached))
    return tuple(kept)
