"""One row of the API's route table: where it is, what it takes and gives, and who answers.

The table is the one source of the handlers, the OpenAPI document, the documentation and what clients know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aiohttp import web
    from msgspec import Struct

    from smppd.control.panel import Control

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Role = Literal["read", "control"]


@dataclass(slots=True)
class Call:
    """One request that has been judged: everything in it is of the types that its endpoint names."""

    control: Control
    path: Mapping[str, str]
    """The variables of the path, decoded."""
    query: Any
    """An instance of `Endpoint.query`; None when it takes none."""
    body: Any
    """An instance of `Endpoint.body`; None when it takes none."""
    request: web.Request
    """For streams, and headers; others have no use for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One operation. Paths are relative to /api/v1; `{name}` stands for one segment."""

    method: Method
    path: str
    operation: str
    """The operationId, snake_case and unique: `list_sessions`."""
    tag: str
    summary: str
    """One line, without a full stop."""
    description: str = ""
    role: Role = "read"
    """What a token must allow: `read`, or `control` for whatever changes anything."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What each variable of the path is."""
    query: type[Struct] | None = None
    """A msgspec.Struct, forbid_unknown_fields: the query string, strictly. Lists are given by repeating a name."""
    body: Any = None
    """The type of the JSON body, read strictly: a Struct with forbid_unknown_fields, or a settings Table."""
    body_optional: bool = False
    """Whether the body may be left out; `Call.body` is None then."""
    upload: str = ""
    """A media type that the body may be of instead of JSON: the handler reads it from `Call.request` then, within
    bounds of its own, and `Call.body` is None."""
    result: Any = None
    """The type of what is answered as JSON; None: nothing (204), or a stream of `media`."""
    status: int = 200
    media: str = "application/json"
    """What is answered, where it is not JSON: then the handler returns a web.StreamResponse of its own."""
    problems: tuple[int, ...] = ()
    """The statuses of problem documents, beyond those that any operation may have (400, 401, 403, 413, 422, 429, 500,
    503; 404 where the path has variables)."""
    patient: bool = False
    """Whether it may take longer than other requests: it waits for something, or streams."""
    version: Callable[[Any], Any] | None = None
    """Of a GET: what of its result makes the entity tag, where counts and ages in it change all the time. Such a tag
    guards changes (If-Match on PUT, PATCH and DELETE of the same path); nobody is spared the answer by it."""
    handle: Callable[[Call], Awaitable[Any]]
