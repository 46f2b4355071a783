"""Requests that any endpoint must survive: minimal ones by its own description, and nonsense of every kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from smppd.api.endpoint import Endpoint
from smppd.api.openapi import document


class Try(NamedTuple):
    """A request; `what` says what is peculiar about it."""

    what: str
    path: str
    body: bytes | None
    media: str = "application/json"


DEPTH = 6  # of what is made up for a schema that refers to itself
TEXTS = ["", "x", "0", "*", "../../etc/passwd", "%", "ü\0\n", "a" * 300, "💣", "(", "[", "-1", "nan"]
JUNK: list[Any] = [None, True, -1, 0, 1.5, 10**30, "", "x", "\0", "(((", [], [None], [[]], {}, {"": None}, {"x": {}}]


class Describer:
    """Makes up values that a schema of the OpenAPI document accepts."""

    def __init__(self, endpoints: tuple[Endpoint, ...]) -> None:
        self.document = document(endpoints)
        self._schemas = self.document["components"]["schemas"]

    def operation(self, endpoint: Endpoint) -> dict[str, Any]:
        return dict(self.document["paths"][endpoint.path][endpoint.method.lower()])

    def body_schema(self, endpoint: Endpoint) -> dict[str, Any] | None:
        content = self.operation(endpoint).get("requestBody", {}).get("content", {})
        return content.get("application/json", {}).get("schema")

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        return schema

    def least(self, schema: dict[str, Any], depth: int = 0) -> Any:
        """A value with nothing that may be left out."""
        schema = self.resolved(schema)
        if "default" in schema:
            return schema["default"]
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        if "anyOf" in schema:
            return self.least(schema["anyOf"][0], depth)
        if "allOf" in schema:
            parts = [self.least(part, depth) for part in schema["allOf"]]
            return {name: value for part in parts if isinstance(part, dict) for name, value in part.items()}
        kind = schema.get("type", "object" if "properties" in schema else None)
        if kind == "object":
            names = schema.get("required", []) if depth < DEPTH else []
            return {name: self.least(schema["properties"][name], depth + 1) for name in names}
        if kind == "array":
            return [self.least(schema["items"], depth + 1) for _ in range(schema.get("minItems", 0))]
        if kind in {"integer", "number"}:
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        return {"string": "x" * max(1, schema.get("minLength", 1)), "boolean": True}.get(kind or "")

    def names(self, schema: dict[str, Any]) -> list[str]:
        """The keys of an object."""
        schema = self.resolved(schema)
        parts = [*schema.get("anyOf", []), *schema.get("allOf", [])]
        return [*schema.get("properties", {}), *(name for part in parts for name in self.names(part))]


def filled(endpoint: Endpoint, value: str = "x") -> str:
    """The path with this in the place of each variable."""
    path = endpoint.path
    for name in endpoint.variables:
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return path


def tries(endpoint: Endpoint, describer: Describer) -> Iterator[Try]:
    """Requests for one endpoint."""
    schema = describer.body_schema(endpoint)
    least = None if schema is None else json.dumps(describer.least(schema)).encode()
    path = filled(endpoint)
    yield Try("the least", path, least)
    yield from _paths(endpoint, least)
    yield from _queries(endpoint, describer, path, least)
    if schema is None:
        yield Try("a body where none is taken", path, b"{}")
        return
    yield Try("no body", path, None)
    yield Try("no JSON", path, b"{")
    yield Try("no UTF-8", path, b'"\xff"')
    yield Try("another media type", path, least, "text/csv")
    yield Try("nested deeply", path, b"[" * 5000)
    yield from (Try(f"the body {junk!r}", path, json.dumps(junk).encode()) for junk in JUNK)
    for name in dict.fromkeys(describer.names(schema)):
        base = describer.least(schema)
        for junk in JUNK:
            if isinstance(base, dict):
                yield Try(f"{name} = {junk!r}", path, json.dumps({**base, name: junk}).encode())


def _paths(endpoint: Endpoint, least: bytes | None) -> Iterator[Try]:
    if endpoint.variables:
        yield from (Try(f"the path of {text[:20]!r}", filled(endpoint, text), least) for text in TEXTS if text)


def _queries(endpoint: Endpoint, describer: Describer, path: str, least: bytes | None) -> Iterator[Try]:
    yield Try("an unknown name", f"{path}?no-such-name=1", least)
    yield Try("no UTF-8 in the query string", f"{path}?%ff=%fe", least)
    for parameter in describer.operation(endpoint).get("parameters", []):
        if parameter["in"] != "query":
            continue
        yield Try("twice", f"{path}?{parameter['name']}=1&{parameter['name']}=2", least)
        for text in TEXTS:
            yield Try(f"{parameter['name']}={text[:20]!r}", f"{path}?{urlencode({parameter['name']: text})}", least)
