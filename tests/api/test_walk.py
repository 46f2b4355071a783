"""Every endpoint, over a real socket: with the least that it takes, and with nonsense of every kind."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest

from smppd.api.endpoint import JSON, Endpoint
from smppd.api.endpoints import all_endpoints
from tests.api.nonsense import Describer, Try, tries
from tests.api.support import PROBLEM, Client, serving
from tests.transport.support import Live

ENDPOINTS = all_endpoints()
DESCRIBER = Describer(ENDPOINTS)
SHORT = 0.3  # seconds after which a stream counts as begun


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Live, Client]]:
    with serving(api={"rate": 0.0}) as (live, client):
        yield live, client


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.operation)
def test_nothing_brings_it_down(endpoint: Endpoint, world: tuple[Live, Client]) -> None:
    live, client = world
    for attempt in tries(endpoint, DESCRIBER):
        if endpoint.patient:
            _look(endpoint, attempt, client)
        else:
            _judge(endpoint, attempt, client)
    assert live.events("http request failed") == []
    assert live.events("http stream failed") == []
    assert client.get("/healthz").status == 200
    with live.client() as esme:
        esme.bind()


def _judge(endpoint: Endpoint, attempt: Try, client: Client) -> None:
    headers = {} if attempt.body is None else {"Content_Type": attempt.media}
    answer = client.ask(endpoint.method, attempt.path, attempt.body, **headers)
    said = (attempt.what, answer.status, answer.body[:300])
    assert answer.status < 500, said
    if answer.status >= 400:
        assert answer.problem["status"] == answer.status
        assert answer.status in {404, 405} or str(answer.status) in DESCRIBER.operation(endpoint)["responses"], said
    elif answer.status in {204, 304}:
        assert answer.body == b"", said
    else:
        assert answer.status == endpoint.success, said
        assert answer.media == endpoint.media, said
        assert endpoint.media != JSON or answer.json is not None, said


def _look(endpoint: Endpoint, attempt: Try, client: Client) -> None:
    """Only the first line of the answer: the rest may take its time."""
    body = attempt.body or b""
    host, _, port = client.address.rpartition(":")
    with socket.create_connection((host, int(port)), SHORT) as raw:
        head = (
            f"{endpoint.method} /api/v1{attempt.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {attempt.media}\r\n"
        )
        raw.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        try:
            answer = raw.recv(65_536)
        except TimeoutError:
            return  # it waits, as it was asked to
        status = int(answer.split(maxsplit=2)[1])
        assert status < 500, (attempt.what, answer)
        assert status < 400 or PROBLEM.encode() in answer, (attempt.what, answer)


def _takes(endpoint: Endpoint, path: str) -> bool:
    return bool(re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", endpoint.path), path))


@pytest.mark.parametrize("path", sorted({endpoint.path for endpoint in ENDPOINTS}))
def test_other_methods_are_refused(path: str, world: tuple[Live, Client]) -> None:
    client = world[1]
    path = path.replace("{", "").replace("}", "")
    answer = client.ask("OPTIONS", path)
    assert answer.status == 204
    assert set(answer.headers["Allow"].split(", ")) >= {"OPTIONS"}
    taken = {endpoint.method for endpoint in ENDPOINTS if _takes(endpoint, path)}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - taken:
        refused = client.ask(method, path)
        assert refused.problem["status"] == 405
        assert taken <= set(refused.headers["Allow"].split(", "))
