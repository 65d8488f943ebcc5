"""What routes ask of whoever calls: who it is, that what they name is theirs, and room in their quota."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import HTTPConnection, Request

from server.access.tokens import Quotas, User
from server.problems import Problem
from server.services import ServicesDep
from server.storage.database import Database
from server.storage.owners import count_of_photos, count_of_queued, count_of_sessions


def caller_of(connection: HTTPConnection) -> User:
    """The user whom the gate let in. Raises Problem token_needed where it let in a stranger."""
    user: User | None = connection.scope["state"]["user"]
    if user is None:
        raise Problem("token_needed", "This needs an access token.")
    return user


CallerDep = Annotated[User, Depends(caller_of)]


async def only_own(connection: HTTPConnection, services: ServicesDep) -> None:
    """Of every HTTP route: what its path, query and JSON body name is the caller's. A socket checks that
    itself after it opened, because a page learns nothing from one that never did.
    """
    if connection.scope["type"] == "websocket":
        return
    named: list[Any] = [dict(connection.path_params), dict(connection.query_params)]
    if isinstance(connection, Request) and "json" in connection.headers.get("content-type", ""):
        named.append(await connection.json())
    await services.ownership.check_within(connection.scope["state"]["user"], named)


@dataclass(frozen=True)
class Quota:
    """One of a user's limits: what it counts, for people, how, and which of User.quotas it is."""

    what: str
    count: Callable[[Database, str], int]
    limit: Callable[[Quotas], int | None]

    def __call__(self, user: CallerDep, services: ServicesDep) -> None:
        """A dependency of routes that make one more. Raises Problem quota_reached."""
        limit = self.limit(user.quotas)
        if limit is not None and self.count(services.database, user.name) >= limit:
            hint = "Whoever runs this server can raise it in the token file."
            raise Problem("quota_reached", f"You have {limit} {self.what}, which is your limit.", hint)


SESSIONS = Quota("sessions", count_of_sessions, lambda quotas: quotas.max_sessions)
PHOTOS = Quota("photos", count_of_photos, lambda quotas: quotas.max_photos)
QUEUED = Quota("projections waiting", count_of_queued, lambda quotas: quotas.max_queued)
