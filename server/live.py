"""One live socket: edits come in and the newest wins, pictures and progress go out."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from server.access.caller import caller_of
from server.edit_answers import ESTIMATING, attributes_answer
from server.edit_messages import Attributes
from server.engine.frames import live_frame, projection_frame
from server.engine.interface import RenderRequest
from server.errors import internal_problem, problem_body, request_id_of
from server.flow_control import FrameCredits, Mailbox, RateLimit
from server.messages import CLIENT_MESSAGE, Ack, Edit
from server.problems import Problem
from server.progress import Feed
from server.projection_messages import job_answer
from server.services import Services
from server.storage import history, jobs, queue, sessions
from server.strict_json import parse_strict_json

log = logging.getLogger(__name__)

PROGRESS_INTERVAL_S = 0.2
# An edit costs little until it is rendered, and only the newest is; this is against floods that never end.
EDITS_PER_SECOND, EDITS_AT_ONCE = 120.0, 12_000.0
# The tenth bad message within ten seconds closes the socket.
BAD_PER_SECOND, BAD_AT_ONCE = 0.9, 9.0
CLOSE_BAD_MESSAGES, CLOSE_UNKNOWN_SESSION, CLOSE_TAKES_NOTHING, CLOSE_TOO_FAST = 4400, 4404, 4408, 4429
CLOSE_TRY_AGAIN = 1013  # RFC 6455 section 7.4 and IANA's registry: "try again later"


class LiveSocket:
    """Serves one connection from its hello until either side closes it."""

    def __init__(self, websocket: WebSocket, session_id: UUID, services: Services) -> None:
        self._websocket, self._session_id, self._services = websocket, session_id, services
        self._user = caller_of(websocket)
        self._mailbox: Mailbox[Edit] = Mailbox()
        self._unread: Mailbox[Edit] = Mailbox()  # rendered, but what it did is not said yet
        self._credits = FrameCredits()
        self._sending = asyncio.Lock()
        self._edit_limit = RateLimit(EDITS_PER_SECOND, EDITS_AT_ONCE)
        self._bad_limit = RateLimit(BAD_PER_SECOND, BAD_AT_ONCE)

    async def serve(self) -> None:
        """Returns when the socket is closed; nothing that it started goes on, except jobs."""
        with self._services.hub.watch(self._session_id) as feed:
            try:
                await self._send_json(await self._hello())
            except WebSocketDisconnect:  # gone before it was greeted
                return
            except Problem as problem:
                await close_for(self._websocket, problem)
                return
            works = (self._read(), self._render(), self._read_edits(), self._report(feed))
            tasks = [asyncio.create_task(work) for work in works]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception) and not isinstance(end, WebSocketDisconnect):
                log.error("a live socket ended", exc_info=end)

    async def _hello(self) -> dict[str, Any]:
        database = self._services.database
        await run_in_threadpool(sessions.seen, database, self._session_id)
        standing = await run_in_threadpool(history.standing, database, self._session_id)
        rows = await run_in_threadpool(jobs.of_session, database, self._session_id)
        positions = await run_in_threadpool(queue.positions, database)
        return {
            "type": "hello",
            "session": str(self._session_id),
            "node": str(standing.id),
            "document": standing.document,
            "jobs": [job_answer(row, positions.get(row.id)).model_dump(mode="json") for row in rows],
        }

    async def _read(self) -> None:
        while True:
            event = await self._websocket.receive()
            await asyncio.sleep(0)  # a flood of messages must not keep everything else from running
            if event["type"] == "websocket.disconnect":
                return
            try:
                message = _parse(event.get("text"))
            except ValueError:
                if not await self._answer_bad_message(event.get("text")):
                    return
                continue
            if isinstance(message, Ack):
                self._credits.acknowledge(message.seq)
            elif self._edit_limit.allows():
                self._mailbox.put(message)
            else:
                await self._websocket.close(CLOSE_TOO_FAST, "too many edits")
                return

    async def _answer_bad_message(self, text: str | None) -> bool:
        """Say what is wrong; false where it was one too many and the socket is closed."""
        if not self._bad_limit.allows():
            await self._websocket.close(CLOSE_BAD_MESSAGES, "too many bad messages")
            return False
        detail = "The message is not an edit or an ack in the form that the API describes."
        await self._send_problem(_sequence_number(text), Problem("bad_message", detail))
        return True

    async def _render(self) -> None:
        while True:
            await self._mailbox.filled()
            if not await self._has_credit():
                return
            edit = await self._mailbox.take()
            try:
                await self._answer_edit(edit)
            except Problem as problem:
                await self._send_problem(edit.seq, problem)
            except WebSocketDisconnect:
                raise
            except Exception:
                log.exception("an edit could not be rendered")
                await self._send_problem(edit.seq, internal_problem())

    async def _has_credit(self) -> bool:
        """Wait until the client took a picture; false where it takes none and the socket is closed."""
        try:
            async with asyncio.timeout(self._services.settings.ack_timeout_s):
                await self._credits.available()
        except TimeoutError:
            await self._websocket.close(CLOSE_TAKES_NOTHING, "pictures were not acknowledged")
            return False
        return True

    async def _answer_edit(self, edit: Edit) -> None:
        engine = self._services.engine
        await self._services.ownership.check_within(self._user, edit.document.model_dump(mode="json"))
        rendered = await engine.render(RenderRequest(edit.document, quality=edit.quality))
        self._credits.spend(edit.seq)
        await self._send_bytes(live_frame(edit.quality, edit.seq, rendered))
        editable = any(model.name == edit.document.model and model.attributes for model in engine.models())
        if edit.quality == "final" and editable:
            self._unread.put(edit)

    async def _read_edits(self) -> None:
        """Say what the newest final edit did. Other edits are rendered meanwhile."""
        while True:
            edit = await self._unread.take()
            try:
                editing = self._services.engine.editing
                if not await editing.knows_base(edit.document):
                    await self._send_attributes(edit.seq, ESTIMATING)
                await self._send_attributes(edit.seq, await attributes_answer(editing, edit.document))
            except Problem as problem:
                await self._send_problem(edit.seq, problem)
            except WebSocketDisconnect:
                raise
            except Exception:
                log.exception("an edit could not be read")
                await self._send_problem(edit.seq, internal_problem())

    async def _send_attributes(self, seq: int, values: Attributes) -> None:
        await self._send_json({"type": "attributes", "seq": seq} | values.model_dump(mode="json"))

    async def _report(self, feed: Feed) -> None:
        while True:
            changed, pictures = await feed.take()
            for picture in pictures:
                await self._send_bytes(
                    projection_frame(picture.job, picture.step, picture.width, picture.height, picture.jpeg)
                )
            for job in changed:
                await self._send_json({"type": "job", "job": job.model_dump(mode="json")})
            await asyncio.sleep(PROGRESS_INTERVAL_S)

    async def _send_problem(self, seq: int | None, problem: Problem) -> None:
        body = problem_body(problem, request_id_of(self._websocket))
        await self._send_json({"type": "error", "seq": seq, "problem": body})

    async def _send_json(self, message: dict[str, Any]) -> None:
        async with self._sending:
            await self._websocket.send_json(message)

    async def _send_bytes(self, frame: bytes) -> None:
        async with self._sending:
            await self._websocket.send_bytes(frame)


async def close_for(websocket: WebSocket, problem: Problem) -> None:
    """Close a socket that cannot be served. Only a session that is not there is said to be unknown: a page
    forgets that, and must not because of a database that is busy.
    """
    unknown = problem.code == "unknown_session"
    await websocket.close(CLOSE_UNKNOWN_SESSION if unknown else CLOSE_TRY_AGAIN, problem.code)


def _parse(text: str | None) -> Edit | Ack:
    """Raises ValueError, of which pydantic's ValidationError is one."""
    if text is None:
        raise ValueError("binary messages mean nothing here")
    return CLIENT_MESSAGE.validate_python(parse_strict_json(text))


def _sequence_number(text: str | None) -> int | None:
    """The seq of a message that is otherwise wrong, so that its sender knows which one."""
    try:
        message = parse_strict_json(text or "")
        return Ack.model_validate({"type": "ack", "seq": message.get("seq")}).seq
    except (ValueError, ValidationError, AttributeError):
        return None
