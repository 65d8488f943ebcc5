"""Every failure as RFC 9457 problem details, without a word of what the client sent."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse

from server.full_disk import is_full_disk
from server.problems import Problem

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
MAX_LISTED_ERRORS = 20
# pydantic's messages of these kinds name only what our own models ask for. Others may quote the input.
QUOTABLE_ERRORS = (
    "missing", "extra_forbidden", "finite_number", "literal_error", "too_long", "too_short",
    "greater_than", "greater_than_equal", "less_than", "less_than_equal", "string_too_long",
)  # fmt: skip
QUOTABLE_SUFFIXES = ("_type", "_parsing")
UNQUOTABLE = ("uuid_parsing",)
FREE_NAMES = {"attributes", "base_attributes", "layers"}  # fields whose keys are the client's
INTERNAL_DETAIL = "The server met an unexpected error; its log has the details under this request id."


def request_id_of(connection: HTTPConnection) -> str:
    """The id that the gate gave this request."""
    return str(connection.scope.get("state", {}).get("request_id", ""))


def problem_body(problem: Problem, request_id: str) -> dict[str, Any]:
    """The JSON body of a problem."""
    body = {
        "type": f"about:blank#{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request_id,
    }
    return body | ({"hint": problem.hint} if problem.hint else {})


def problem_response(
    problem: Problem, request_id: str, further: dict[str, Any] | None = None
) -> JSONResponse:
    """The HTTP answer of a problem."""
    headers = {} if problem.retry_after_s is None else {"Retry-After": str(problem.retry_after_s)}
    body = problem_body(problem, request_id) | (further or {})
    return JSONResponse(body, status_code=problem.status, headers=headers, media_type=MEDIA_TYPE)


def validation_errors(error: RequestValidationError | ValidationError) -> list[dict[str, Any]]:
    """Where a value is wrong and why, without values, unknown names or texts that quote them."""
    listed = []
    for item in list(error.errors())[:MAX_LISTED_ERRORS]:
        kind = str(item["type"])
        quotable = (kind in QUOTABLE_ERRORS or kind.endswith(QUOTABLE_SUFFIXES)) and kind not in UNQUOTABLE
        listed.append(
            {
                "loc": _place(item["loc"], kind),
                "type": kind,
                "message": item["msg"] if quotable else "not valid",
            }
        )
    return listed


def _place(location: tuple[int | str, ...], kind: str) -> list[int | str]:
    """Where in the input, without names that the client made up."""
    place = list(location)
    free = [i for i, name in enumerate(place) if name in FREE_NAMES]
    if free:
        return place[: free[0] + 1]
    return [*place[:-1], "(unknown)"] if kind == "extra_forbidden" else place


def internal_problem() -> Problem:
    """What a client learns of an exception that nobody expected: nothing."""
    return Problem("internal_error", INTERNAL_DETAIL)


def full_disk(error: BaseException | None) -> Problem | None:
    """What a client learns of a disk that is full, be it that of temporary files; None for other errors."""
    if is_full_disk(error):
        return Problem("storage_full", "The disk of the server is full: nothing more can be kept.")
    return None


def install_error_handlers(app: FastAPI) -> None:
    """Register the handlers; exceptions that reach none of them are the gate's."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid)


async def _on_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return problem_response(error, request_id_of(request))


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problem = Problem("invalid_request", "A field is missing, unknown or out of range.")
    return problem_response(problem, request_id_of(request), {"errors": validation_errors(error)})


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    # A form that could not be spooled is called unreadable; what was in the way is its cause.
    problem = full_disk(error.__cause__)
    if problem is not None:
        log.error("an upload found no room in the folder of temporary files")
    elif error.status_code == 404:
        problem = Problem("not_found", "There is nothing at this address.")
    elif error.status_code == 405:
        problem = Problem("method_not_allowed", "This address does not answer that method.")
    else:
        problem = Problem("bad_request", "The request cannot be read.")
    answer = problem_response(problem, request_id_of(request))
    answer.headers.update(error.headers or {})
    return answer
