"""Requests made up from the API's own description: whatever comes, the answer is one that it describes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.server.harness import RunningServer

FEW = settings(
    max_examples=6,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def operations(server: RunningServer) -> list[Any]:
    schema = schemathesis.openapi.from_dict(server.app.openapi())
    schema.config.update(base_url=server.origin)
    return [operation.ok() for operation in cast(Iterable[Any], schema.get_all_operations())]


def test_every_operation_answers_made_up_requests_as_it_says(operations: list[Any]) -> None:
    assert len(operations) > 10
    for operation in operations:

        @FEW
        @given(case=operation.as_strategy())
        def answers_as_described(case: Any) -> None:
            case.call_and_validate(checks=CHECKS)

        answers_as_described()
