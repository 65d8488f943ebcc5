"""Figures for Prometheus: what is counted as it happens, and what is read when somebody asks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from server.engine.measures import BOUNDS, Distribution, EngineMeasures

# Resident pages of this process are the second number in it; there is none outside of Linux.
PROCESS_MEMORY = Path("/proc/self/statm")


@dataclass(frozen=True, eq=False)
class Reading(Collector):
    """The server at one moment. jobs: by state; sockets: live ones that are open."""

    engine: EngineMeasures
    jobs: Mapping[str, int]
    sockets: int

    def collect(self) -> Iterator[Metric]:
        """As Prometheus' metrics."""
        engine = self.engine
        yield _stage_times(engine.times)
        yield _by("waiting_work", "Work items that wait for the device, by kind.", "kind", engine.waiting)
        yield _by("jobs", "Jobs in the database, by state.", "state", self.jobs)
        yield _gauge("live_sockets", "Live sockets that are open.", self.sockets)
        yield _gauge("models_loaded", "Models in memory.", engine.models)
        yield _gauge("model_cache_bytes", "Weights in memory.", engine.model_bytes)
        yield _gauge("model_cache_budget_bytes", "Weights that may be in memory.", engine.model_budget_bytes)
        yield _gauge("frame_cache_bytes", "Finished pictures in memory.", engine.frame_bytes)
        yield _counter("frame_cache_hits", "Pictures that were in memory already.", engine.frame_hits)
        yield _counter("frame_cache_misses", "Pictures that had to be computed.", engine.frame_misses)
        if (memory := _resident_bytes()) is not None:
            yield _gauge("resident_memory_bytes", "Memory of the server's process.", memory)


class Telemetry:
    """The counters of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "latentloom_http_request_seconds",
            "Time to answer a request, by route.",
            ("method", "route", "status"),
            buckets=BOUNDS,
            registry=self._registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(method, route, str(status)).observe(seconds)

    def exposition(self, reading: Reading) -> bytes:
        """Everything in Prometheus' text format."""
        now = CollectorRegistry()
        now.register(reading)
        return generate_latest(self._registry) + generate_latest(now)


def _stage_times(times: Mapping[tuple[str, str], Distribution]) -> Metric:
    family = HistogramMetricFamily(
        "latentloom_stage_seconds",
        "Time that work waits for the device (queued), runs on it (run), or is spent on encoding (encode).",
        labels=("stage", "kind"),
    )
    for labels, distribution in sorted(times.items()):
        bounds = [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]
        buckets = list(zip(bounds, accumulate(distribution.counts), strict=True))
        family.add_metric(labels, buckets, distribution.total)
    return family


def _by(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(f"latentloom_{name}", text, labels=(label,))
    for key, value in sorted(values.items()):
        family.add_metric((key,), value)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"latentloom_{name}", text, value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"latentloom_{name}", text, value)


def _resident_bytes() -> int | None:
    try:
        return int(PROCESS_MEMORY.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None
