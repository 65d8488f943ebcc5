"""JSON without what JSON does not have: no NaN, no infinity, no key twice, no endless nesting."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute


def parse_strict_json(text: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError for anything that is not strictly JSON."""
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    except (RecursionError, UnicodeDecodeError) as error:
        raise ValueError("not readable as JSON") from error


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("an object has a key twice")
    return value


def _no_constant(_name: str) -> Any:
    raise ValueError("NaN and infinity are not JSON")


class _StrictRequest(Request):
    async def json(self) -> Any:
        try:
            return parse_strict_json(await self.body())
        except ValueError as error:
            # The one exception that FastAPI takes for a body that is not valid, and answers with 422.
            raise json.JSONDecodeError("not strictly JSON", "", 0) from error


class StrictJsonRoute(APIRoute):
    """A route that reads JSON bodies strictly; FastAPI's way to change how a body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return handle_strictly
