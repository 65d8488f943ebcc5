"""The live socket of a session."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.websockets import WebSocket

from server.access.caller import caller_of
from server.live import CLOSE_UNKNOWN_SESSION, LiveSocket, close_for
from server.problems import Problem
from server.services import ServicesDep

router = APIRouter(prefix="/api/v1")


@router.websocket("/sessions/{session_id}/live")
async def live(websocket: WebSocket, session_id: str, services: ServicesDep) -> None:
    """Edits in, pictures and progress out; see the live protocol in docs/architecture.md."""
    await websocket.accept()
    try:
        identifier = UUID(session_id)
        await services.ownership.check(caller_of(websocket), "session", identifier)
    except ValueError:
        await websocket.close(CLOSE_UNKNOWN_SESSION, "unknown_session")
        return
    except Problem as problem:
        await close_for(websocket, problem)
        return
    await LiveSocket(websocket, identifier, services).serve()
