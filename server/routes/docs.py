"""The API's own documentation: one plain page made from the OpenAPI document, without scripts."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)


@router.get("/api/docs")
def docs(request: Request) -> HTMLResponse:
    """Every operation with what it takes and gives."""
    return HTMLResponse(docs_page(request.app.openapi()))


def docs_page(openapi: dict[str, Any]) -> str:
    """The page as HTML."""
    title = escape(f"{openapi['info']['title']} {openapi['info']['version']}: HTTP API")
    operations = [
        _operation(method, path, operation)
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = [
        f"<details><summary><code>{escape(name)}</code></summary>{_listing(schema)}</details>"
        for name, schema in openapi.get("components", {}).get("schemas", {}).items()
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>'
        '<p>The same for programs: <a href="/api/openapi.json">openapi.json</a></p>'
        f"<h2>Operations</h2>{''.join(operations)}<h2>Schemas</h2>{''.join(schemas)}</html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    shown = {key: operation[key] for key in ("parameters", "requestBody", "responses") if key in operation}
    text = escape(operation.get("description", operation.get("summary", "")))
    heading = f"<strong><code>{escape(method.upper())} {escape(path)}</code></strong>"
    return f"<details><summary>{heading} {text}</summary>{_listing(shown)}</details>"


def _listing(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2))}</pre>"
