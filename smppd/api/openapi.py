"""The OpenAPI 3.1 document, made of the route table."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import msgspec

from smppd import __version__
from smppd.api.endpoint import JSON, ROOT
from smppd.kinds import fields_of
from smppd.strict_schema import REFERENCE, InputSchemas

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from smppd.api.endpoint import Endpoint

PROBLEM_JSON: Final = "application/problem+json"

USUAL: Final = (400, 401, 403, 422, 429, 500, 503)
"""The statuses of problem documents that any operation may have."""

WITH_BODY: Final = (408, 413, 415)
"""The statuses of those that take a body, beyond these."""

MEANING: Final = {
    304: "What If-None-Match names is still what would be answered.",
    400: "The request is malformed: not JSON, not UTF-8, a name twice.",
    401: "A token is needed.",
    403: "The API is closed, the token may only look, or Host or Origin is foreign.",
    404: "There is no such thing.",
    408: "The body did not arrive in time.",
    409: "The state of things is against it.",
    412: "It is not what If-Match names any more, or exists against If-None-Match.",
    413: "The body is too long.",
    415: "The body is not of a media type that is taken here.",
    422: "Something in the request is not accepted; `errors` lists all of it.",
    429: "A limit is reached; Retry-After says when to come again.",
    500: "A mistake of the server; its log has more.",
    503: "The server is stopping, or the request took too long.",
}

PROBLEM: Final = {
    "title": "Problem",
    "description": "A problem document (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {
                    "path": {
                        "type": "string",
                        "description": 'Where it is wrong: `when.text.regex`; "" stands for the whole.',
                    },
                    "message": {"type": "string"},
                },
            },
        },
    },
}

DESCRIPTION: Final = """\
Drives a running smppd and asks it what happened. docs/api.md tells how it all hangs together.

Times are ISO 8601 in UTC with microseconds. Durations are seconds. Lists come in pages: `next` of one is the `cursor` \
of the following."""

_TAG: Final = {"ETag": {"description": "Stands for exactly this answer.", "schema": {"type": "string"}}}


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The document of these endpoints, as plain data."""
    results = [endpoint.result for endpoint in endpoints if endpoint.result is not None]
    schemas, components = msgspec.json.schema_components(results, ref_template=REFERENCE + "{name}")
    inputs = InputSchemas(taken={*components, "Problem"})
    answers = iter(schemas)
    readable = {endpoint.path for endpoint in endpoints if endpoint.has_tag}
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        answer = next(answers) if endpoint.result is not None else None
        operation = _operation(endpoint, inputs, answer, guarded=endpoint.path in readable)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    used = sorted({status for endpoint in endpoints for status in problems_of(endpoint, readable)})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "smppd",
            "version": __version__,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": ROOT}],
        "security": [{}, {"token": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(endpoint.tag for endpoint in endpoints)],
        "paths": paths,
        "components": {
            "schemas": {"Problem": PROBLEM, **components, **inputs.components},
            "responses": {_response_name(status): _problem_response(status) for status in used},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "One of [[api.token]]. What changes anything needs the role control.",
                }
            },
        },
    }


def problems_of(endpoint: Endpoint, readable: Iterable[str]) -> list[int]:
    """The statuses of the problem documents that an endpoint may answer with; `readable` are the paths of GETs."""
    statuses = {*USUAL, *endpoint.problems}
    if endpoint.variables:
        statuses.add(404)
    if endpoint.takes_body:
        statuses.update(WITH_BODY)
    if endpoint.is_guarded and endpoint.path in readable:
        statuses.add(412)
    return sorted(statuses)


def _operation(endpoint: Endpoint, inputs: InputSchemas, answer: Any, *, guarded: bool) -> dict[str, Any]:
    readable = [endpoint.path] if guarded else []
    responses: dict[str, Any] = {str(int(endpoint.success)): _success(endpoint, answer)}
    if endpoint.has_tag and endpoint.version is None:
        responses["304"] = {"description": MEANING[304], "headers": _TAG}
    for status in problems_of(endpoint, readable):
        responses[str(status)] = {"$ref": f"#/components/responses/{_response_name(status)}"}
    operation = {
        "operationId": endpoint.operation,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "description": endpoint.description,
        "parameters": _parameters(endpoint, inputs, guarded=guarded and endpoint.is_guarded),
        "requestBody": _request_body(endpoint, inputs),
        "responses": responses,
        "security": [{}, {"token": [endpoint.role]}],
    }
    return {name: value for name, value in operation.items() if value}


def _parameters(endpoint: Endpoint, inputs: InputSchemas, *, guarded: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in endpoint.variables:
        meaning = endpoint.parameters.get(name, "")
        schema: dict[str, Any] = {"type": "string", "minLength": 1}
        found.append({"name": name, "in": "path", "required": True, "description": meaning, "schema": schema})
    for name, field in fields_of(endpoint.query).items() if endpoint.query is not None else ():
        schema = inputs.property_of(field)
        meaning = schema.pop("description", "")
        found.append(
            {"name": name, "in": "query", "required": field.required, "description": meaning, "schema": schema}
        )
    if guarded:
        meaning = "Only if it is still the one with this ETag."
        found.append({"name": "If-Match", "in": "header", "description": meaning, "schema": {"type": "string"}})
    return found


def _request_body(endpoint: Endpoint, inputs: InputSchemas) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if endpoint.body is not None:
        content[JSON] = {"schema": inputs.of(endpoint.body)}
    if endpoint.upload:
        content[endpoint.upload] = {"schema": {}}
    return {"required": not endpoint.body_optional, "content": content} if content else {}


def _success(endpoint: Endpoint, answer: Any) -> dict[str, Any]:
    response: dict[str, Any] = {"description": endpoint.summary}
    if endpoint.result is not None:
        response["content"] = {endpoint.media: {"schema": answer}}
    elif endpoint.media != JSON:
        response["content"] = {endpoint.media: {"schema": {"type": "string"}}}
    if endpoint.has_tag:
        response["headers"] = _TAG
    return response


def _response_name(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")


def _problem_response(status: int) -> dict[str, Any]:
    meaning = MEANING.get(status, HTTPStatus(status).phrase)
    return {"description": meaning, "content": {PROBLEM_JSON: {"schema": {"$ref": f"{REFERENCE}Problem"}}}}
