"""What is seen from outside: figures, log lines, and the dashboard that shows them."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from server.engine.measures import BOUNDS, StageTimes
from server.logs import REQUEST_ID, HumanFormatter, JsonFormatter
from tests.server.harness import Json, seed_document

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(client: httpx.Client) -> Samples:
    text = client.get("/metrics").text
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in found}


def of(found: Samples, name: str, **labels: str) -> float:
    return found.get((f"latentloom_{name}", frozenset(labels.items())), 0.0)


def test_a_picture_is_counted_where_it_waited_ran_and_was_encoded(client: httpx.Client) -> None:
    before = samples(client)
    document = seed_document(seed=987_654)
    for _ in range(2):
        client.post("/api/v1/render", json={"document": document, "format": "jpeg"})
    client.post("/api/v1/render", json={"document": document, "format": "png"})
    after = samples(client)

    def more(name: str, **labels: str) -> float:
        return of(after, name, **labels) - of(before, name, **labels)

    assert more("stage_seconds_count", stage="queued", kind="final") == 3
    assert more("stage_seconds_count", stage="run", kind="final") == 3
    assert more("stage_seconds_count", stage="encode", kind="jpeg") == 1
    assert more("stage_seconds_count", stage="encode", kind="png") == 1
    assert (more("frame_cache_hits_total"), more("frame_cache_misses_total")) == (1, 1)
    answered = {"method": "POST", "route": "/api/v1/render", "status": "200"}
    assert more("http_request_seconds_count", **answered) == 3


def test_queues_caches_jobs_and_memory_can_be_read(client: httpx.Client, session: Json) -> None:
    assert session["id"]
    found = samples(client)
    assert of(found, "model_cache_bytes") > 0
    assert of(found, "models_loaded") >= 1
    assert of(found, "resident_memory_bytes") > 10**7
    for state in ("queued", "running", "succeeded", "failed", "cancelled"):
        assert ("latentloom_jobs", frozenset({("state", state)})) in found
    for kind in ("live", "final", "projection"):
        assert ("latentloom_waiting_work", frozenset({("kind", kind)})) in found


def test_addresses_that_do_not_exist_make_no_new_figures(client: httpx.Client) -> None:
    for i in range(20):
        client.get(f"/nowhere/{i}")
    routes = {dict(labels).get("route") for _, labels in samples(client)}
    assert not [route for route in routes if route and "nowhere" in route]


def test_times_fall_into_the_right_buckets() -> None:
    times = StageTimes()
    for seconds in (0.0005, BOUNDS[0], 0.003, 1000.0):
        times.add("run", "live", seconds)
    distribution = times.distributions()["run", "live"]
    assert (distribution.counts[0], distribution.counts[2], distribution.counts[-1]) == (2, 1, 1)
    assert distribution.total == pytest.approx(1000.0045)


def test_the_dashboard_shows_only_figures_that_there_are(client: httpx.Client, repository: Path) -> None:
    client.post("/api/v1/render", json={"document": seed_document()})
    there = {name for name, _ in samples(client)}
    text = (repository / "deploy" / "grafana" / "latentloom.json").read_text("utf-8")
    shown = set(re.findall(r"latentloom_\w+", " ".join(expressions(json.loads(text)))))
    assert shown
    assert shown <= there
    assert yaml.safe_load((repository / "deploy" / "prometheus" / "prometheus.yml").read_text("utf-8"))


def expressions(dashboard: Json) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def record(message: str, error: BaseException | None = None, **fields: object) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("server.x", logging.INFO, "x.py", 1, message, None, info)
    made.__dict__["fields"] = fields
    return made


def test_case_44_no_message_can_begin_a_line_of_its_own() -> None:
    forged = record("a\r\n00:00:00 error forged\x1b[31m\u2028b")
    human = HumanFormatter().format(forged)
    assert "\x1b" not in human
    assert "\r" not in human
    assert all(line.startswith("    ") for line in human.split("\n")[1:])
    assert len(human.splitlines()) == len(human.split("\n"))
    assert len(JsonFormatter().format(forged).splitlines()) == 1


def test_a_json_line_has_what_a_search_needs() -> None:
    token = REQUEST_ID.set("a" * 32)
    try:
        line = json.loads(JsonFormatter().format(record("said", ValueError("why"), status=200)))
        short = HumanFormatter().format(record("said"))
    finally:
        REQUEST_ID.reset(token)
    assert (line["level"], line["logger"], line["message"]) == ("info", "server.x", "said")
    assert (line["request_id"], line["status"]) == ("a" * 32, 200)
    assert "ValueError: why" in line["traceback"]
    assert line["time"].endswith("+00:00")
    assert short.endswith("said [aaaaaaaa]")
