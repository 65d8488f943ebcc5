"""Tasks: how searches for directions and requests for faces go."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from server.access.caller import CallerDep
from server.edit_answers import task_answer
from server.edit_messages import Task
from server.services import ServicesDep

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])


@router.get("/{task_id}")
async def get_task(task_id: UUID, services: ServicesDep, user: CallerDep) -> Task:
    """The task as it stands."""
    return task_answer(services.tasks.get(task_id, user.name))


@router.post("/{task_id}/cancel", status_code=202)
async def cancel_task(task_id: UUID, services: ServicesDep, user: CallerDep) -> Task:
    """End it, and keep nothing of it. One that has finished stays as it is."""
    task = services.tasks.get(task_id, user.name)
    services.tasks.cancel(task)
    return task_answer(task)
