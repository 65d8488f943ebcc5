"""A part of the engine as others see it, each method of which is computed on some replica."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any, Protocol

from server.cluster.replica import Returned, Told
from server.documents import Document
from server.problems import Problem


class Calls(Protocol):
    """Reaches replicas; what cannot be reached is a Problem."""

    async def call(self, key: str, part: str, method: str, values: Mapping[str, Any]) -> Returned | Problem:
        """See EngineReplica.call. key: calls of one key go to one replica, which remembers what they need."""
        ...

    def stream(
        self, key: str, remote: str, part: str, method: str, values: Mapping[str, Any]
    ) -> AsyncGenerator[Returned | Told | Problem, None]:
        """See EngineReplica.stream and call_with_reports, which `remote` says."""
        ...


def remote_part(protocol: type, name: str, calls: Calls) -> Any:
    """An object with the methods of the protocol, whose parameters' names cross with their values."""
    methods = {
        method: _remote_method(function, name, method, calls)
        for method, function in vars(protocol).items()
        if inspect.isfunction(function) and not method.startswith("_")
    }
    return SimpleNamespace(**methods)


def _remote_method(function: Any, part: str, method: str, calls: Calls) -> Callable[..., Any]:
    signature = inspect.signature(function)

    def values_of(args: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
        bound = signature.bind(None, *args, **named)
        bound.apply_defaults()
        return {name: value for name, value in bound.arguments.items() if name != "self"}

    def call(*args: Any, **named: Any) -> Awaitable[Any]:
        values = values_of(args, named)
        return returned(calls.call(routing_key(values), part, method, values))

    def call_with_reports(*args: Any, **named: Any) -> Awaitable[Any]:
        values = values_of(args, named)
        report = values.pop("report")
        news = calls.stream(routing_key(values), "call_with_reports", part, method, values)
        return _reported(news, report)

    def stream(*args: Any, **named: Any) -> AsyncIterator[Any]:
        values = values_of(args, named)
        return each(calls.stream(routing_key(values), "stream", part, method, values))

    if not inspect.iscoroutinefunction(function):
        return stream
    return call_with_reports if "report" in signature.parameters else call


async def returned(outcome: Awaitable[Returned | Problem]) -> Any:
    """The value. Raises the Problem."""
    found = await outcome
    if isinstance(found, Problem):
        raise found
    return found.value


async def each(news: AsyncGenerator[Returned | Told | Problem, None]) -> AsyncGenerator[Any, None]:
    """The values of a stream. Raises the Problem that ends it."""
    async with aclosing(news) as found:
        async for item in found:
            if isinstance(item, Problem):
                raise item
            if isinstance(item, Returned):
                yield item.value


async def _reported(
    news: AsyncGenerator[Returned | Told | Problem, None], report: Callable[[str, int, int], None]
) -> Any:
    result = None
    async with aclosing(news) as found:
        async for item in found:
            if isinstance(item, Problem):
                raise item
            if isinstance(item, Told):
                report(item.stage, item.done, item.total)
            else:
                result = item.value
    return result


def routing_key(values: Mapping[str, Any]) -> str:
    """What calls have in common that should share a replica's memories: the face, else the model."""
    for value in values.values():
        document = value if isinstance(value, Document) else getattr(value, "document", None)
        if isinstance(document, Document):
            return f"{document.model} {document.base.model_dump_json()}"
    for value in values.values():
        model = getattr(value, "model", None)
        if isinstance(model, str):
            return model
    model = values.get("model")
    return model if isinstance(model, str) else ""
