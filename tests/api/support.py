"""A server with its API on a free port, and a client of it."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from smppd.settings import Api, Settings
from tests.transport.support import PATIENCE, Live, live_settings

ROOT = "/api/v1"
PROBLEM = "application/problem+json"


@dataclass
class Answer:
    """What came back; `json` is the body read as JSON, None without one."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    @property
    def media(self) -> str:
        return str(self.headers.get_content_type())

    @property
    def problem(self) -> dict[str, Any]:
        """The document of an error, checked for what RFC 9457 asks of each."""
        assert self.media == PROBLEM, (self.status, self.media, self.body[:500])
        document = self.json
        assert document["status"] == self.status
        assert document["title"]
        assert document["type"] == "about:blank"
        return dict(document)

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong, by path."""
        return {each["path"]: each["message"] for each in self.problem["errors"]}


class Client:
    """Asks one server, over one connection. Paths are relative to /api/v1 unless they begin with `/api` or `//`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._connection = http.client.HTTPConnection(address, timeout=PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """`body`: octets as they are, anything else as JSON. An underscore in a header's name stands for a dash."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        octets = body
        if body is not None and not isinstance(body, bytes):
            octets = json.dumps(body).encode()
        if body is not None:
            given.setdefault("Content-Type", "application/json")
        where = path if path.startswith(("/api", "/metrics", "/healthz", "/readyz")) else ROOT + path
        try:
            self._connection.request(method, where, octets, given)
            response = self._connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            if method == "HEAD":
                self._connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.ask("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.ask("PUT", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.ask("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Answer:
        return self.ask("DELETE", path, **headers)


def with_http(settings: Settings | None = None, **sections: Any) -> Settings:
    """Settings whose HTTP is on a free port; `api` may be a table."""
    if settings is not None:
        return settings
    if isinstance(sections.get("api"), dict):
        sections["api"] = Api(**sections["api"])
    server = {"http": "127.0.0.1:0", **sections.pop("server", {})}
    return live_settings(server=server, **sections)


@contextlib.contextmanager
def serving(settings: Settings | None = None, **sections: Any) -> Iterator[tuple[Live, Client]]:
    """A running server (in a thread of its own) and a client of its API."""
    with Live(with_http(settings, **sections)) as live, Client(live.server.http_address) as client:
        yield live, client
