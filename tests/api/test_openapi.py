"""The OpenAPI document: valid, complete, and true to the route table."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct
from openapi_spec_validator import OpenAPIV31SpecValidator

from smppd.api.endpoint import Endpoint
from smppd.api.endpoints import all_endpoints
from smppd.api.openapi import document, problems_of
from smppd.settings.faults import AnyFault
from smppd.settings.root import Settings
from smppd.settings.rules import Rule

ENDPOINTS = all_endpoints()
DOCUMENT = document(ENDPOINTS)


class Query(Struct, frozen=True, forbid_unknown_fields=True):
    number: int
    limit: Annotated[int, Meta(ge=1, le=9, description="How many.")] = 5
    tag: list[str] = []


class Thing(Struct, frozen=True, forbid_unknown_fields=True):
    name: str


def row(method: str, path: str, **options: Any) -> Endpoint:
    async def handle(_call: object) -> None: ...

    operation = f"{method}_{path}".lower()
    return Endpoint(method=method, path=path, operation=operation, tag="x", summary="x", handle=handle, **options)  # type: ignore[arg-type]


def check(endpoints: list[Endpoint]) -> dict[str, Any]:
    made = document(endpoints)
    assert list(OpenAPIV31SpecValidator(made).iter_errors()) == []
    assert json.loads(json.dumps(made)) == made
    return made


def test_it_is_valid() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.operation)
def test_every_endpoint_is_there(endpoint: Endpoint) -> None:
    operation = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]
    assert operation["operationId"] == endpoint.operation
    assert str(int(endpoint.success)) in operation["responses"]
    assert {"400", "401", "403", "422", "429", "500", "503"} <= operation["responses"].keys()


def test_nothing_else_is_there() -> None:
    count = sum(len(operations) for operations in DOCUMENT["paths"].values())
    assert count == len(ENDPOINTS)


def test_the_settings_can_be_described() -> None:
    made = check([row("PUT", f"/{n}", body=body, result=body) for n, body in enumerate([Rule, AnyFault, Settings])])
    schemas = made["components"]["schemas"]
    assert schemas["When"]["properties"].keys() - {"fields"} == schemas["WhenInput"]["properties"].keys()


def test_parameters() -> None:
    made = check([row("GET", "/a/{b}", parameters={"b": "Which."}, query=Query, result=Thing)])
    parameters = {each["name"]: each for each in made["paths"]["/a/{b}"]["get"]["parameters"]}
    assert parameters["b"] == {
        "name": "b",
        "in": "path",
        "required": True,
        "description": "Which.",
        "schema": {"type": "string", "minLength": 1},
    }
    assert parameters["number"]["required"]
    assert not parameters["limit"]["required"]
    assert parameters["limit"]["description"] == "How many."
    assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 9, "default": 5}
    assert parameters["tag"]["schema"]["type"] == "array"


def test_bodies_and_answers() -> None:
    made = check(
        [
            row("POST", "/a", body=Thing, body_optional=True, upload="text/csv", result=Thing, status=201),
            row("POST", "/b"),
            row("GET", "/c", media="text/event-stream", patient=True),
        ]
    )
    post = made["paths"]["/a"]["post"]
    assert post["requestBody"]["required"] is False
    assert post["requestBody"]["content"].keys() == {"application/json", "text/csv"}
    assert post["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ThingInput"}
    assert post["responses"]["201"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Thing"}
    assert {"408", "413", "415"} <= post["responses"].keys()
    nothing = made["paths"]["/b"]["post"]
    assert "content" not in nothing["responses"]["204"]
    assert "requestBody" not in nothing
    assert "text/event-stream" in made["paths"]["/c"]["get"]["responses"]["200"]["content"]
    assert "304" not in made["paths"]["/c"]["get"]["responses"]


def test_entity_tags() -> None:
    made = check(
        [
            row("GET", "/a", result=Thing),
            row("PUT", "/a", result=Thing),
            row("GET", "/b", result=Thing, version=lambda it: it),
            row("DELETE", "/c"),
        ]
    )
    paths = made["paths"]
    assert "304" in paths["/a"]["get"]["responses"]
    assert "304" not in paths["/b"]["get"]["responses"]
    assert "412" in paths["/a"]["put"]["responses"]
    assert [each["name"] for each in paths["/a"]["put"]["parameters"]] == ["If-Match"]
    assert "412" not in paths["/c"]["delete"]["responses"]


def test_problems() -> None:
    usual = {400, 401, 403, 422, 429, 500, 503}
    assert set(problems_of(row("GET", "/a"), [])) == usual
    assert set(problems_of(row("GET", "/a/{b}", problems=(409,)), [])) == {*usual, 404, 409}
    assert set(problems_of(row("PUT", "/a", body=Thing), ["/a"])) == {*usual, 408, 412, 413, 415}
