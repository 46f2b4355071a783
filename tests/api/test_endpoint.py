"""What a row of the route table says of itself, and that all of them are well-formed."""

from __future__ import annotations

import re

import msgspec
import pytest

from smppd.api.endpoint import Endpoint
from smppd.api.endpoints import all_endpoints

ENDPOINTS = all_endpoints()


def row(**options: object) -> Endpoint:
    async def handle(_call: object) -> None: ...

    usual = {"method": "GET", "path": "/", "operation": "x", "tag": "x", "summary": "x", "handle": handle}
    return Endpoint(**{**usual, **options})  # type: ignore[arg-type]


def test_paths() -> None:
    assert row().full_path == "/api/v1"
    assert row(path="/a/{one}/{two}").full_path == "/api/v1/a/{one}/{two}"
    assert row(path="/a/{one}/{two}").variables == ["one", "two"]
    assert row().variables == []


def test_answers() -> None:
    assert (row(result=dict).success, row().success, row(status=202).success) == (200, 204, 202)
    assert row(media="text/event-stream").success == 200
    assert not row(media="text/event-stream").answers_nothing
    assert row(result=dict).has_tag
    assert not row(result=dict, patient=True).has_tag
    assert not row(result=dict, method="POST").has_tag
    assert not row(result=dict, media="text/csv").has_tag


def test_bodies() -> None:
    assert not row().takes_body
    assert row(upload="text/csv").takes_body
    assert row(body=dict).takes_body
    assert [row(method=method).is_guarded for method in ("GET", "POST", "PUT")] == [False, False, True]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.operation)
class TestTable:
    def test_it_is_well_formed(self, endpoint: Endpoint) -> None:
        assert re.fullmatch(r"/|(/([a-z0-9-]+|\{[a-z_]+\}))+", endpoint.path)
        assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", endpoint.operation)
        assert re.fullmatch(r"[a-z-]+", endpoint.tag)
        assert endpoint.summary
        assert not endpoint.summary.endswith(".")
        assert "\n" not in endpoint.summary
        assert not endpoint.description or endpoint.description.endswith(".")

    def test_variables_are_explained(self, endpoint: Endpoint) -> None:
        assert set(endpoint.parameters) == set(endpoint.variables)
        assert all(endpoint.parameters.values())

    def test_what_changes_anything_needs_the_role(self, endpoint: Endpoint) -> None:
        if endpoint.role == "read" and endpoint.method != "GET":
            assert endpoint.method == "POST"
            assert re.search("search|verif|find|count|wait|order|match", endpoint.path + endpoint.operation)

    def test_queries_and_bodies_are_strict(self, endpoint: Endpoint) -> None:
        for kind in (endpoint.query, endpoint.body):
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
                assert kind.__struct_config__.forbid_unknown_fields, kind
        assert endpoint.method != "GET" or not endpoint.takes_body

    def test_a_version_is_of_something_that_can_be_changed(self, endpoint: Endpoint) -> None:
        if endpoint.version is not None:
            assert endpoint.has_tag
            assert any(each.path == endpoint.path and each.is_guarded for each in ENDPOINTS)


def test_operations_are_unique() -> None:
    names = [endpoint.operation for endpoint in ENDPOINTS]
    assert sorted(set(names)) == sorted(names)
    places = [(endpoint.method, re.sub(r"\{\w+\}", "{}", endpoint.path)) for endpoint in ENDPOINTS]
    assert sorted(set(places)) == sorted(places)


def test_what_belongs_together_stands_together() -> None:
    tags = [endpoint.tag for endpoint in ENDPOINTS]
    changes = [tag for before, tag in zip(["", *tags], tags, strict=False) if tag != before]
    assert len(set(changes)) == len(changes)
