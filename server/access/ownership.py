"""What one user has, another does not see: to them it is not there at all."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, get_args
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from server.access.tokens import User
from server.problems import Problem
from server.storage.database import Database
from server.storage.owners import Kind, owner_of

NOT_THERE: dict[Kind, tuple[str, str]] = {
    "session": ("There is no such session.", "Reload the page to start a new one."),
    "photo": ("There is no such photo.", ""),
    "job": ("There is no such job.", ""),
    "latent": ("There is no such latent: it was deleted, or made by another server.", ""),
    "direction": ("There is no such direction: it was deleted, or made by another server.", ""),
}
# Under these names stand ids of what somebody owns, in paths ("photo_id") and in JSON ("photo", "photo_id").
OWNED: dict[str, Kind] = {name: kind for kind in get_args(Kind) for name in (kind, f"{kind}_id")}
STRANGER = User("(stranger)")
REMEMBERED = 4096  # latents whose owners are known without asking the database


class Ownership:
    """Answers whose things are. The owner of a latent never changes, and every edit may name one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._latents: OrderedDict[UUID, str] = OrderedDict()

    async def check(self, user: User, kind: Kind, identifier: UUID) -> None:
        """Raises Problem unknown_session, _photo, _job or _latent where it is not theirs, or not there."""
        if await self._owner_of(kind, identifier) != user.name:
            raise Problem(f"unknown_{kind}", *NOT_THERE[kind])

    async def check_within(self, user: User | None, value: Any) -> None:
        """The same for all ids that a JSON value names, a document's for example. A stranger owns nothing."""
        for kind, identifier in set(owned_ids(value)):
            await self.check(user or STRANGER, kind, identifier)

    async def _owner_of(self, kind: Kind, identifier: UUID) -> str | None:
        if kind == "latent" and identifier in self._latents:
            return self._latents[identifier]
        owner = await run_in_threadpool(owner_of, self._database, kind, identifier)
        if kind == "latent" and owner is not None:
            self._latents[identifier] = owner
            if len(self._latents) > REMEMBERED:
                self._latents.popitem(last=False)
        return owner


def owned_ids(value: Any) -> Iterator[tuple[Kind, UUID]]:
    """Wherever in a JSON value they stand. What is no id under such a name is left to validation."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
            for name, kind in OWNED.items():
                if (identifier := _as_uuid(part.get(name))) is not None:
                    yield kind, identifier


def _as_uuid(text: object) -> UUID | None:
    """The id that a text is, if it is one; validation may have made it one already."""
    try:
        return text if isinstance(text, UUID) else UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
