"""One row of the API's route table: where it is, what it takes and gives, and who answers.

The table is the one source of the handlers, the OpenAPI document, the documentation and what clients know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aiohttp import web
    from msgspec import Struct

    from smppd.control.panel import Control

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Role = Literal["read", "control"]

ROOT: Final = "/api/v1"
"""What the paths of endpoints are relative to."""

JSON: Final = "application/json"

_VARIABLE: Final = re.compile(r"\{(\w+)\}")


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
    media: str = JSON
    """What is answered, where it is not JSON: then the handler returns a web.StreamResponse of its own."""
    problems: tuple[int, ...] = ()
    """The statuses of problem documents, beyond those that any operation may have (400, 401, 403, 422, 429, 500, 503;
    404 where the path has variables; 408, 413 and 415 where there is a body; 412 where the same path can be read)."""
    patient: bool = False
    """Whether it may take longer than other requests: it waits for something, or streams."""
    version: Callable[[Any], Any] | None = None
    """Of a GET: what of its result makes the entity tag, where counts and ages in it change all the time. Such a tag
    guards changes (If-Match on PUT, PATCH and DELETE of the same path); nobody is spared the answer by it."""
    handle: Callable[[Call], Awaitable[Any]]

    @property
    def full_path(self) -> str:
        """The path from the root of the server."""
        return ROOT + self.path.rstrip("/")

    @property
    def variables(self) -> list[str]:
        """The names of the variables of the path."""
        return _VARIABLE.findall(self.path)

    @property
    def takes_body(self) -> bool:
        """Whether a body may be sent."""
        return self.body is not None or bool(self.upload)

    @property
    def answers_nothing(self) -> bool:
        """Whether the answer has no body."""
        return self.result is None and self.media == JSON

    @property
    def success(self) -> int:
        """The status when all is well."""
        return HTTPStatus.NO_CONTENT if self.answers_nothing and self.status == HTTPStatus.OK else self.status

    @property
    def has_tag(self) -> bool:
        """Whether the answer has an entity tag: it is the state of something, and has come to its end."""
        return self.method == "GET" and self.result is not None and self.media == JSON and not self.patient

    @property
    def is_guarded(self) -> bool:
        """Whether If-Match and `If-None-Match: *` keep it from overwriting what others have changed, where the same
        path can be read."""
        return self.method in {"PUT", "PATCH", "DELETE"}
