"""Schemathesis against a running server: what it makes up is answered as the OpenAPI document says."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

from smppd.api.endpoints import all_endpoints
from smppd.api.openapi import document
from tests.api.support import ROOT, serving
from tests.transport.support import Live

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 4  # of each kind, for each operation: enough to see that the description is true
LONG_EXAMPLES = 400
# What waits or streams is walked in test_walk.py: here one would wait for it.
ENDPOINTS = tuple(endpoint for endpoint in all_endpoints() if not endpoint.patient)
SCHEMA = schemathesis.openapi.from_dict(document(ENDPOINTS))
FOUND = [found.ok() for found in SCHEMA.get_all_operations()]
OPERATIONS = {operation.definition.raw["operationId"]: operation for operation in FOUND}
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with serving(api={"rate": 0.0}) as (live, _):
        yield live


def attack(live: Live, operation: Any, mode: GenerationMode, examples: int) -> None:
    url = f"http://{live.server.http_address}{ROOT}"

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        response = case.call(base_url=url, timeout=20)
        case.validate_response(response, checks=CHECKS)

    try:
        run()
    except Unsatisfiable:
        # Where any text is accepted and there is nothing else, nothing can be wrong.
        assert mode is GenerationMode.NEGATIVE
    assert live.events("http request failed") == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_is_made_up_is_answered_as_described(live: Live, name: str) -> None:
    for mode in MODES:
        attack(live, OPERATIONS[name], mode, EXAMPLES)


@pytest.mark.long
@pytest.mark.parametrize("name", OPERATIONS)
def test_the_same_for_longer(live: Live, name: str) -> None:
    for mode in MODES:
        attack(live, OPERATIONS[name], mode, LONG_EXAMPLES)


def test_all_endpoints_are_attacked() -> None:
    assert set(OPERATIONS) == {endpoint.operation for endpoint in ENDPOINTS}
