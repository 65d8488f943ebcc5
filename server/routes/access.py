"""Coming in with a token, going out again, and who one is here."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from server.access.admission import COOKIE_AGE_S, Admission, cookie_name
from server.access.caller import PHOTOS, QUEUED, SESSIONS, CallerDep, Quota
from server.access.tokens import User
from server.documents import STRICT
from server.problems import Problem
from server.services import Services, ServicesDep
from server.strict_json import StrictJsonRoute

router = APIRouter(prefix="/api/v1", tags=["access"], route_class=StrictJsonRoute)

ANSWER = ConfigDict(frozen=True)


class Login(BaseModel):
    model_config = STRICT
    token: Annotated[str, Field(min_length=1, max_length=512)]


class Use(BaseModel):
    """How many there are, and how many there may be (null: any number)."""

    model_config = ANSWER
    used: int
    limit: int | None


class Me(BaseModel):
    """name: empty where this server has one user only. signed_in: whether a token was needed to come in."""

    model_config = ANSWER
    name: str
    signed_in: bool
    sessions: Use
    photos: Use
    queued: Use


@router.post("/login", status_code=204)
async def login(body: Login, request: Request) -> Response:
    """Exchange an access token for a cookie, which scripts cannot read and other sites cannot send. A server
    that asks for no token gives none.
    """
    admission: Admission = request.app.state.admission
    if admission.is_open:
        return Response(status_code=204)
    if admission.user_with(body.token) is None:
        client = request.client.host if request.client else ""
        request.app.state.clients.check_wrong_token(client)
        raise Problem(
            "wrong_token", "This token opens nothing here.", "Ask whoever runs this server for one."
        )
    response = Response(status_code=204)
    response.set_cookie(
        cookie_name(request.scope["headers"]),
        body.token,
        max_age=COOKIE_AGE_S,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


@router.post("/logout", status_code=204)
def logout(request: Request) -> Response:
    """Forget the cookie."""
    response = Response(status_code=204)
    response.delete_cookie(cookie_name(request.scope["headers"]), httponly=True, samesite="lax")
    return response


@router.get("/me")
async def me(user: CallerDep, request: Request, services: ServicesDep) -> Me:
    """Who the caller is, and how much is theirs."""
    admission: Admission = request.app.state.admission
    return await run_in_threadpool(_me, services, user, not admission.is_open)


def _me(services: Services, user: User, signed_in: bool) -> Me:
    def use(quota: Quota) -> Use:
        return Use(used=quota.count(services.database, user.name), limit=quota.limit(user.quotas))

    return Me(
        name=user.name,
        signed_in=signed_in,
        sessions=use(SESSIONS),
        photos=use(PHOTOS),
        queued=use(QUEUED),
    )
