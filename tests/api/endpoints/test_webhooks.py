"""Webhooks through the API: added, looked at, tested, called, taken away."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from queue import Queue
from typing import Any

import pytest

from smppd.control.signatures import is_genuine
from tests.api.support import Client, serving
from tests.transport.support import PATIENCE, Live


class Receiver(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server: Any = self.server
        server.posted.put((dict(self.headers), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[tuple[str, Queue[tuple[dict[str, str], bytes]]]]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        posted: Queue[tuple[dict[str, str], bytes]] = Queue()
        server.posted = posted  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", posted
        server.shutdown()
        thread.join(PATIENCE)


@pytest.fixture
def world() -> Iterator[tuple[Live, Client]]:
    with serving() as (live, client):
        yield live, client


def test_from_the_beginning_to_the_end(
    world: tuple[Live, Client], receiver: tuple[str, Queue[tuple[dict[str, str], bytes]]]
) -> None:
    live, client = world
    url, posted = receiver
    assert client.get("/webhooks").json == {"items": [], "next": None}
    body = {"name": "bound", "url": url, "secret": "hush hush", "kind": "session", "event": ["bound"]}
    added = client.post("/webhooks", body)
    assert added.status == 201
    assert (added.json["signed"], added.json["state"], added.json["event"]) == (True, "active", ["bound"])
    assert b"hush" not in added.body
    tested = client.post("/webhooks/bound/test")
    assert tested.json == {"accepted": True, "status": 204, "error": ""}
    headers, octets = posted.get(timeout=PATIENCE)
    assert json.loads(octets)["test"] is True
    with live.client() as esme:
        esme.bind()
    headers, octets = posted.get(timeout=PATIENCE)
    (event,) = json.loads(octets)["events"]
    assert (event["event"], event["account"]) == ("bound", "smppclient1")
    assert is_genuine("hush hush", octets, headers["Smppd-Signature"], live.context.wall())
    live.until(lambda: live.server.control.webhooks.get("bound").delivered)
    shown = client.get("/webhooks/bound")
    assert (shown.json["delivered"], shown.json["failed"], shown.json["dropped"]) == (1, 0, {})
    assert client.get("/webhooks").json["items"] == [shown.json]
    assert b"hush" not in shown.body
    assert client.post("/webhooks", body).status == 409
    assert client.delete("/webhooks/bound").status == 204
    assert client.delete("/webhooks/bound").status == 404
    assert "hush" not in live.log_text


def test_what_is_wrong_is_told(world: tuple[Live, Client]) -> None:
    _, client = world
    answer = client.post("/webhooks", {"name": "x y", "url": "ftp://x", "kinds": [], "secret": "\u00e4"})
    assert answer.status == 422
    assert answer.errors.keys() == {"name", "url", "kinds", "secret"}
    assert client.get("/webhooks/nobody").status == 404
    assert client.post("/webhooks/nobody/test").status == 404


def test_a_test_that_is_not_accepted(world: tuple[Live, Client]) -> None:
    _, client = world
    client.post("/webhooks", {"name": "dead", "url": "http://127.0.0.1:1/x"})
    tested = client.post("/webhooks/dead/test").json
    assert (tested["accepted"], tested["status"]) == (False, None)
    assert tested["error"].startswith("ClientConnectorError")
    assert client.get("/webhooks/dead").json["last_error"] == tested["error"]
