"""What is a document and what is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from server.documents import Document
from server.strict_json import parse_strict_json
from tests.server.harness import seed_document

LATENT = "5c0ffee0-0000-4000-8000-000000000001"


def test_a_document_comes_back_from_json_as_it_was() -> None:
    source = {"kind": "latent", "latent": LATENT, "truncation_psi": 1.0, "truncation_cutoff": 3}
    written = seed_document(
        mix=[
            {"source": source, "layers": [4, 5], "strength": 0.5},
            {"source": source, "layers": [6, 7], "strength": [0.25, 1.0]},
        ],
        base_attributes={"yaw": -3.0},
        attributes={"age": 60.0},
        light={"azimuth": 30.0, "elevation": 10.0, "strength": 0.5, "brightness": None},
        locks=["glasses"],
        calibrated=True,
        layers={"age": [4, 5]},
        directions=[{"direction": LATENT, "strength": 1.5, "layers": None}],
        noise={
            "seed": 3,
            "strength": 0.5,
            "layers": {"4": {"seed": None, "strength": 2.0}},
            "frozen": [4],
        },
    )
    assert Document.model_validate(written).model_dump(mode="json") == written


def test_what_is_left_out_takes_its_neutral_value() -> None:
    base = {"kind": "seed", "seed": 1, "truncation_psi": 0.7}
    document = Document.model_validate({"model": "tiny", "base": base})
    assert document == Document.model_validate(seed_document())


@pytest.mark.parametrize(
    "changes",
    [
        {"extra": 1},
        {"model": "../tiny"},
        {"model": "Tiny"},
        {"base": {"kind": "seed", "seed": -1, "truncation_psi": 1}},
        {"base": {"kind": "seed", "seed": 2**31, "truncation_psi": 1}},
        {"base": {"kind": "seed", "seed": 1, "truncation_psi": float("nan")}},
        {"base": {"kind": "seed", "seed": 1, "truncation_psi": 1e308}},
        {"base": {"kind": "latent", "latent": "../../etc/passwd"}},
        {"base": {"kind": "latent", "latent": LATENT, "seed": 1}},
        {"base": {"kind": "file", "path": "/etc/passwd"}},
        {"attributes": {"age": float("inf")}},
        {"attributes": {"age": "old"}},
        {"attributes": {"__class__": 1.0}},
        {"attributes": {f"a{i}": 0.0 for i in range(65)}},
        {"base_attributes": {"age": float("nan")}},
        {"light": {"azimuth": 0.0}},
        {"light": {"azimuth": 0.0, "elevation": 91.0}},
        {"light": {"strength": 1.1}},
        {"light": {"brightness": float("nan")}},
        {"locks": ["Age"]},
        {"layers": {"age": []}},
        {"layers": {"age": [64]}},
        {"directions": [{"direction": LATENT, "strength": float("nan")}]},
        {"directions": [{"direction": LATENT, "strength": 21.0}]},
        {"directions": [{"direction": "sefa 1", "strength": 1.0}]},
        {"directions": [{"direction": LATENT, "strength": 1.0}] * 33},
        {"mix": [{"source": seed_document()["base"], "layers": [-1], "strength": 1}]},
        {"mix": [{"source": seed_document()["base"], "layers": [0] * 10**6, "strength": 1}]},
        {"mix": [{"source": seed_document()["base"], "layers": [0], "strength": 1}] * 17},
        {"mix": [{"source": seed_document()["base"], "layers": [0, 1], "strength": [1.0]}]},
        {"mix": [{"source": seed_document()["base"], "layers": [0], "strength": [1.5]}]},
        {"noise": {"seed": None, "strength": -1}},
        {"noise": {"layers": {"64": {"seed": 1}}}},
        {"noise": {"layers": {"one": {"seed": 1}}}},
        {"noise": {"layers": {"1": {"strength": 5}}}},
        {"noise": {"frozen": [-1]}},
    ],
    ids=lambda changes: str(changes)[:60],
)
def test_a_value_out_of_its_range_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Document.model_validate(seed_document(**changes))


def test_a_document_cannot_be_changed() -> None:
    document = Document.model_validate(seed_document())
    with pytest.raises(ValidationError):
        document.model = "other"


@pytest.mark.parametrize(
    "text",
    ['{"a": NaN}', '{"a": Infinity}', '{"a": 1, "a": 2}', "[" * 100_000, "{", "", b"\xff\xfe\xff"],
    ids=["nan", "infinity", "key twice", "deep", "cut off", "empty", "not text"],
)
def test_what_is_not_strictly_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        parse_strict_json(text)


def test_strict_json_is_json() -> None:
    value = {"a": [1, 2.5, None, True, "ü"], "b": {"a": 1}}
    assert parse_strict_json(json.dumps(value)) == value
