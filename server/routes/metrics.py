"""Figures for monitoring."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.concurrency import run_in_threadpool

from server.access.clients import Clients
from server.services import ServicesDep
from server.storage.job_counts import jobs_by_state
from server.telemetry import Reading, Telemetry

router = APIRouter(tags=["server"])


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request, services: ServicesDep) -> PlainTextResponse:
    """Latencies, queues, jobs, caches and memory, in Prometheus' text format."""
    telemetry: Telemetry = request.app.state.telemetry
    clients: Clients = request.app.state.clients
    jobs = await run_in_threadpool(jobs_by_state, services.database)
    reading = Reading(services.engine.measures(), jobs, clients.sockets)
    return PlainTextResponse(telemetry.exposition(reading), media_type=CONTENT_TYPE_LATEST)
