"""The commands' way to the HTTP API, against servers that answer well, badly, or not at all."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import click
import pytest

from smppd.cli.remote import PAGE, Remote, RemoteError, as_json_text, print_json, remote_command, segment

Answer = tuple[int, str, bytes]
Script = Callable[[BaseHTTPRequestHandler], Answer]

JSON = "application/json"
PROBLEM = "application/problem+json"


class Stub:
    """An HTTP server that answers as its test says, and notes what it was asked."""

    def __init__(self) -> None:
        self.script: Script = lambda _request: (200, JSON, b"{}")
        self.asked: list[tuple[str, str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                stub.asked.append((self.command, self.path, body))
                stub.headers.append(dict(self.headers.items()))
                status, kind, octets = stub.script(self)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(octets)))
                self.end_headers()
                self.wfile.write(octets)

            do_GET = do_POST = do_DELETE = do_PATCH = answer  # noqa: N815  # the names are those of http.server

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def says(self, status: int, document: Any, kind: str = JSON) -> None:
        octets = json.dumps(document).encode()
        self.script = lambda _request: (status, kind, octets)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def stub() -> Iterator[Stub]:
    server = Stub()
    yield server
    server.close()


def test_a_get_with_a_query(stub: Stub) -> None:
    stub.says(200, {"answer": 42})
    query = {"account": "a&b", "limit": 3, "whole": True, "cursor": None, "kind": ["pdu", "session"]}
    assert Remote(stub.url).get("/messages", query) == {"answer": 42}
    assert stub.asked == [("GET", "/api/v1/messages?account=a%26b&limit=3&whole=true&kind=pdu&kind=session", b"")]
    assert stub.headers[0]["Accept"] == JSON
    assert "Authorization" not in stub.headers[0]


def test_a_post_with_a_body_and_a_token(stub: Stub) -> None:
    stub.script = lambda _request: (204, JSON, b"")
    assert Remote(stub.url, "secret").post("/reset", {"namespace": "né"}) is None
    assert stub.asked == [("POST", "/api/v1/reset", json.dumps({"namespace": "né"}).encode())]
    assert stub.headers[0]["Authorization"] == "Bearer secret"
    assert stub.headers[0]["Content-Type"] == JSON


def test_documents_beside_the_api_and_urls_with_a_path(stub: Stub) -> None:
    Remote(stub.url + "/smppd/api/v1/").get("/api/openapi.json")
    Remote(stub.url.removeprefix("http://")).get("/clock")
    assert [path for _, path, _ in stub.asked] == ["/smppd/api/openapi.json", "/api/v1/clock"]


def test_what_is_no_json_comes_as_octets(stub: Stub) -> None:
    stub.script = lambda _request: (200, "application/gzip", b"\x1f\x8b\xff")
    assert Remote(stub.url).get("/snapshot") == b"\x1f\x8b\xff"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"title": "Not Found", "status": 404, "detail": "there is no session '9'"}, "there is no session '9'"),
        ({"title": "Not Found", "status": 404}, "Not Found"),
        (
            {"title": "x", "detail": "2 mistakes", "errors": [{"path": "when.to", "message": "unknown"}, {"path": ""}]},
            "2 mistakes\n  when.to: unknown",
        ),
        ({"detail": "no", "errors": [{"message": "all wrong"}]}, "no\n  request: all wrong"),
        (["nonsense"], "Not Found"),
    ],
)
def test_problem_documents_are_told_in_words(stub: Stub, document: Any, said: str) -> None:
    stub.says(404, document, PROBLEM)
    with pytest.raises(RemoteError) as caught:
        Remote(stub.url).get("/sessions/9")
    assert str(caught.value) == said
    assert caught.value.status == 404


def test_who_needs_a_token_is_told_how_to_give_it(stub: Stub) -> None:
    stub.says(401, {"title": "Unauthorized"}, PROBLEM)
    with pytest.raises(RemoteError, match=r"Unauthorized \(give a token with --token or SMPPD_TOKEN\)"):
        Remote(stub.url).get("/clock")


@pytest.mark.parametrize("octets", [b"<html>", b"\xff\xfe"])
def test_a_server_that_is_none_of_ours(stub: Stub, octets: bytes) -> None:
    stub.script = lambda _request: (200, JSON, octets)
    with pytest.raises(RemoteError, match="is it another server"):
        Remote(stub.url).get("/clock")


@pytest.mark.parametrize("document", [[], {"items": 3}, {}])
def test_a_list_that_is_none(stub: Stub, document: Any) -> None:
    stub.says(200, document)
    with pytest.raises(RemoteError, match="is it another server"):
        list(Remote(stub.url).items("/messages", {}))


def test_nobody_there() -> None:
    stub = Stub()
    url = stub.url
    stub.close()
    with pytest.raises(RemoteError, match=r"(?s)no smppd answers at .*connection refused.*smppd serve"):
        Remote(url).get("/clock")


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://x:port", "http://x:99999"])
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(click.BadParameter):
        Remote(url)


def pages(count: int) -> Script:
    """Items 0 to count - 1, in pages of what is asked for."""

    def script(request: BaseHTTPRequestHandler) -> Answer:
        query = dict(pair.split("=") for pair in request.path.partition("?")[2].split("&"))
        start, size = int(query.get("cursor", 0)), int(query["limit"])
        end = min(start + size, count)
        items = [{"n": n} for n in range(start, end)]
        return 200, JSON, json.dumps({"items": items, "next": str(end) if end < count else None}).encode()

    return script


@pytest.mark.parametrize(("count", "limit", "requests"), [(0, None, 1), (5, 3, 1), (2500, None, 3), (2500, 1500, 2)])
def test_lists_are_fetched_page_by_page(stub: Stub, count: int, limit: int | None, requests: int) -> None:
    stub.script = pages(count)
    items = list(Remote(stub.url).items("/messages", {}, limit))
    assert [item["n"] for item in items] == list(range(min(count, limit or count)))
    assert len(stub.asked) == requests
    assert f"limit={min(limit or PAGE, PAGE)}" in stub.asked[0][1]


def test_events_are_told_apart(stub: Stub) -> None:
    text = (
        ': hello\n\nid: 1\nevent: pdu\ndata: {"a": 1}\n\nevent: dropped\ndata: {"b":\ndata:  2}\n\ndata: {"c": 3}\n\n'
    )
    stub.script = lambda _request: (200, "text/event-stream", text.encode())
    events = list(Remote(stub.url).events("/events", {"kind": "pdu"}))
    assert events == [("pdu", {"a": 1}), ("dropped", {"b": 2}), ("", {"c": 3})]


def test_a_stream_that_is_refused_or_broken(stub: Stub) -> None:
    stub.says(403, {"title": "Forbidden", "detail": "not you"}, PROBLEM)
    with pytest.raises(RemoteError, match="not you"):
        list(Remote(stub.url).events("/events", {}))
    stub.script = lambda _request: (200, "text/event-stream", b"data: {\n\n")
    with pytest.raises(RemoteError, match=r"the stream from .* broke"):
        list(Remote(stub.url).events("/events", {}))


def test_a_segment_holds_whatever_a_name_holds() -> None:
    assert segment("a/b c?#%é") == "a%2Fb%20c%3F%23%25%C3%A9"


def test_commands_get_their_server_from_options_and_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    @click.command()
    @remote_command
    def command(as_json: bool, remote: Remote) -> None:
        seen.append((remote.url, remote._headers.get("Authorization"), as_json))

    command.main([], standalone_mode=False)
    monkeypatch.setenv("SMPPD_URL", "https://example.test:1")
    monkeypatch.setenv("SMPPD_TOKEN", "t")
    command.main(["--json"], standalone_mode=False)
    assert seen == [("http://127.0.0.1:8775", None, False), ("https://example.test:1", "Bearer t", True)]


def test_json_is_one_line_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"text": "é\n"})
    assert capsys.readouterr().out == '{"text": "é\\n"}\n'


def test_what_speaks_no_http_is_told_apart_and_not_quoted() -> None:
    """As when somebody names the port of SMPP."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"\x1b[31m\0\0\0 no HTTP\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(RemoteError, match="is it another server") as refused:
            Remote(f"127.0.0.1:{listener.getsockname()[1]}").get("/")
        thread.join()
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize("text", ["é 😀\n", "\u202eevil\x9b31m", "half of it: \ud83d", "\x1b[0m"])
def test_json_commands_no_terminal(text: str) -> None:
    printed = as_json_text({"text": text})
    assert json.loads(printed) == {"text": text}
    printed.encode()
    assert all(one.isprintable() for one in printed)
