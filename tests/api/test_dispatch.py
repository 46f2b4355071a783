"""From a request to a call, and from its result to an answer: over real sockets, with a route table of the test's."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from smppd.api import http as http_module
from smppd.api import reading
from smppd.api.endpoint import Call, Endpoint
from smppd.control.failures import ConflictError, InvalidError, NotFoundError, TooBusyError
from smppd.errors import UserError
from smppd.settings.rules import When
from smppd.settings.types import Table
from tests.api.support import Client, serving
from tests.transport.support import PATIENCE, Live, wait_until


class Query(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    state: Literal["open", "ended"] = "open"
    limit: Annotated[int, Meta(ge=1, le=10)] = 5
    since: float | None = None
    name: str | None = None
    deep: bool = False
    tag: list[str] = []
    number: list[int] = []


class Body(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: str
    kind: Literal["a", "b"]
    count: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 0
    note: str | UnsetType | None = UNSET


class Search(Table, frozen=True):
    when: When = When()
    within: Annotated[float, Meta(ge=0, le=60)] = 0.0


class Judged(Struct, frozen=True, forbid_unknown_fields=True):
    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


async def echo(call: Call) -> Any:
    found = {"path": dict(call.path), "query": call.query, "body": call.body}
    return {name: value for name, value in found.items() if value}


FAILURES = {
    "missing": NotFoundError("session", "17"),
    "conflict": ConflictError("it is final already"),
    "invalid": InvalidError([("when.text", "no"), ("", "all of it")]),
    "busy": TooBusyError("come again"),
    "user": UserError("server.http is wrong"),
    "bug": RuntimeError("secret internals"),
}


async def fail(call: Call) -> Any:
    raise FAILURES[call.path["how"]]


async def nothing(_call: Call) -> None:
    return None


async def upload(call: Call) -> Any:
    if call.body is not None:
        return {"body": call.body}
    return {"octets": len(await call.request.content.read())}


async def wait(call: Call) -> Any:
    waiting.append(call)
    try:
        await asyncio.Event().wait()
    finally:
        waiting.remove(call)


async def slow(_call: Call) -> Any:
    await asyncio.Event().wait()


async def stream(call: Call) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(call.request)
    await response.write(b"data: 1\n\n")
    if call.path["end"] == "fails":
        raise RuntimeError("in the middle")
    if call.path["end"] == "is-refused":
        raise ConflictError("in the middle")
    if call.path["end"] == "waits":
        await wait(call)
    return response


THINGS: dict[str, dict[str, int]] = {}
waiting: list[Call] = []


async def get_thing(call: Call) -> dict[str, int]:
    if call.path["name"] not in THINGS:
        raise NotFoundError("thing", call.path["name"])
    return THINGS[call.path["name"]]


async def put_thing(call: Call) -> dict[str, int]:
    THINGS[call.path["name"]] = call.body
    return THINGS[call.path["name"]]


async def delete_thing(call: Call) -> None:
    del THINGS[call.path["name"]]


def row(method: Any, path: str, handle: Any, **options: Any) -> Endpoint:
    operation = f"{method.lower()}{path}".translate(str.maketrans("/-{}", "____"))
    return Endpoint(
        method=method, path=path, operation=operation, tag="test", summary="A test", handle=handle, **options
    )


TABLE = (
    row("GET", "/", echo, result=dict),
    row("GET", "/list", echo, query=Query, result=dict),
    row("GET", "/fail/{how}", fail, result=dict),
    row("POST", "/body", echo, body=Body, result=dict),
    row("POST", "/judged", echo, body=Judged, result=dict),
    row("POST", "/maybe", echo, body=Body, body_optional=True, result=dict),
    row("POST", "/search", echo, body=Search, result=dict),
    row("POST", "/several", echo, body=list[Body], result=dict),
    row("POST", "/nothing", nothing),
    row("POST", "/accepted", nothing, status=202),
    row("POST", "/created", echo, status=201, result=dict),
    row("POST", "/upload", upload, body=Body, upload="application/x-ndjson", result=dict),
    row("GET", "/a/{one}/b/{two}", echo, result=dict),
    row("GET", "/slow", slow, result=dict),
    row("POST", "/wait", wait, patient=True, result=dict),
    row("GET", "/stream/{end}", stream, patient=True, media="text/event-stream"),
    row("GET", "/things/{name}", get_thing, result=dict),
    row("PUT", "/things/{name}", put_thing, body=dict[str, int], result=dict),
    row("DELETE", "/things/{name}", delete_thing),
    row("GET", "/counted/{name}", get_thing, result=dict, version=lambda thing: thing["version"]),
    row("PUT", "/counted/{name}", put_thing, body=dict[str, int], result=dict),
)


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Live, Client]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http_module, "all_endpoints", lambda: TABLE)
        with serving(api={"max_body": 100_000}) as (live, client):
            yield live, client


@pytest.fixture
def client(world: tuple[Live, Client]) -> Client:
    return world[1]


@pytest.fixture
def live(world: tuple[Live, Client]) -> Live:
    return world[0]


class TestPaths:
    @pytest.mark.parametrize("path", ["", "/"])
    def test_the_root_has_two_spellings(self, client: Client, path: str) -> None:
        assert client.get(path).json == {}

    def test_variables_are_decoded(self, client: Client) -> None:
        answer = client.get("/a/x%2Fy%20z/b/%C3%BC%00?")
        assert answer.json == {"path": {"one": "x/y z", "two": "ü\0"}}

    @pytest.mark.parametrize("path", ["/a/%ff/b/%ed%a0%80", "/a/x/b/%C3"])
    def test_octets_that_are_no_text(self, client: Client, path: str) -> None:
        assert client.get(path).status in {200, 400, 404}

    @pytest.mark.parametrize("path", ["/unknown", "/list/", "/a/x/b", "/a//b/y", "//", "/things/"])
    def test_404(self, client: Client, path: str) -> None:
        told = client.get(path).problem
        assert (told["status"], told["detail"]) == (
            404,
            "There is no such path. /api/openapi.json lists those of the API.",
        )

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
    def test_405_says_what_is_allowed(self, client: Client, method: str) -> None:
        answer = client.ask(method, "/list")
        assert answer.problem["status"] == 405
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}

    def test_options(self, client: Client) -> None:
        answer = client.ask("OPTIONS", "/things/x")
        assert (answer.status, answer.headers["Allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PUT")

    def test_head_is_get_without_the_body(self, client: Client) -> None:
        answer, full = client.ask("HEAD", "/list"), client.get("/list")
        assert (answer.status, answer.body) == (200, b"")
        assert answer.headers["Content-Length"] == full.headers["Content-Length"]
        assert answer.headers["ETag"] == full.headers["ETag"]
        assert client.ask("HEAD", "/stream/ends").status == 405


class TestQuery:
    def test_values_of_every_kind(self, client: Client) -> None:
        answer = client.get(
            "/list?state=ended&limit=7&since=-1.5e3&name=%22x%22%20%2B1&deep=true&tag=a,b&tag=&number=1&number=-2"
        )
        assert answer.json["query"] == {
            "state": "ended",
            "limit": 7,
            "since": -1500.0,
            "name": '"x" +1',
            "deep": True,
            "tag": ["a,b", ""],
            "number": [1, -2],
        }

    def test_nothing_given(self, client: Client) -> None:
        assert client.get("/list?").json["query"]["limit"] == 5

    @pytest.mark.parametrize(
        ("query", "errors"),
        [
            ("limit=0", {"limit": "expected an integer from 1 to 10, got 0"}),
            ("limit=1.5", {"limit": 'expected an integer from 1 to 10, got "1.5"'}),
            ("limit=%D9%A1", {"limit": 'expected an integer from 1 to 10, got "\\u0661"'}),
            ("limit=" + "9" * 4000, {"limit": "expected an integer from 1 to 10, got"}),
            ("limit=", {"limit": 'expected an integer from 1 to 10, got ""'}),
            ("limit=1&limit=2", {"limit": "given 2 times, expected once"}),
            ("since=nan", {"since": 'expected a number, got "nan"'}),
            ("since=1e999", {"since": "expected a number, got Infinity"}),
            ("deep=yes", {"deep": 'expected true or false, got "yes"'}),
            ("state=opne", {"state": 'expected "open" or "ended", got "opne" (did you mean "open"?)'}),
            ("number=1&number=x", {"number[1]": 'expected an integer, got "x"'}),
            ("limt=1", {"limt": 'unknown key (did you mean "limit"?)'}),
            ("%00", {'"\\u0000"': "unknown key (known here:"}),
            ("x=1&limit=0", {"x": "unknown key", "limit": "expected an integer"}),
        ],
    )
    def test_what_is_not_taken_is_told(self, client: Client, query: str, errors: dict[str, str]) -> None:
        found = client.get(f"/list?{query}").errors
        assert found.keys() == errors.keys()
        assert all(found[path].startswith(message) for path, message in errors.items()), found

    @pytest.mark.parametrize("query", ["name=%ff", "%ff=1", "name=%ed%a0%80", "&".join(["tag=x"] * 201)])
    def test_malformed(self, client: Client, query: str) -> None:
        assert client.get(f"/list?{query}").problem["status"] == 400

    def test_none_is_taken(self, client: Client) -> None:
        assert client.get("?verbose=1").errors == {"verbose": "nothing is taken in the query string here"}


GOOD = {"text": "x", "kind": "a"}


class TestBody:
    def test_a_struct(self, client: Client) -> None:
        assert client.post("/body", GOOD).json["body"] == {**GOOD, "count": 0}
        assert client.post("/body", {**GOOD, "note": None}).json["body"]["note"] is None
        assert client.post("/body", GOOD, Content_Type="Application/JSON; charset=UTF-8").status == 200

    def test_a_table_of_the_settings(self, client: Client) -> None:
        answer = client.post("/search", {"when": {"destination_addr": "336*", "esm_class": 0}, "within": 5})
        when = answer.json["body"]["when"]
        assert when["destination_addr"]["glob"] == "336*"
        assert when["fields"]["esm_class"]["equals"] == 0

    def test_a_list(self, client: Client) -> None:
        assert len(client.post("/several", [GOOD, GOOD]).json["body"]) == 2
        assert client.post("/several", [GOOD, {**GOOD, "count": -1}]).errors.keys() == {"[1].count"}

    def test_large_ones_are_read_in_a_thread(self, client: Client) -> None:
        text = "x" * 2 * reading.LARGE
        assert client.post("/body", {**GOOD, "text": text}).json["body"]["text"] == text

    @pytest.mark.parametrize(
        ("path", "body", "errors"),
        [
            (
                "/body",
                {"text": 1, "kind": "c", "count": 2**32, "x": 0},
                {
                    "text": "expected text, got 1",
                    "kind": 'expected "a" or "b", got "c"',
                    "count": "expected an integer from 0 to 4294967295, got 4294967296",
                    "x": "unknown key",
                },
            ),
            ("/body", {}, {"text": "missing; expected text", "kind": 'missing; expected "a" or "b"'}),
            ("/body", {**GOOD, "count": 10**30}, {"count": "expected an integer"}),
            ("/body", {**GOOD, "count": True}, {"count": "expected an integer"}),
            ("/body", {**GOOD, "count": None}, {"count": "expected an integer"}),
            ("/body", {**GOOD, "txet": 1}, {"txet": 'unknown key (did you mean "text"?)'}),
            ("/body", [], {"": "expected a table, got []"}),
            ("/body", "x", {"": 'expected a table, got "x"'}),
            ("/body", b"null", {"": "expected a table"}),
            ("/several", {}, {"": "expected a list"}),
            ("/judged", {"low": 2, "high": 1}, {"": "low is above high"}),
            ("/judged", {"low": 2, "high": "x"}, {"high": "expected an integer"}),
            (
                "/search",
                {"when": {"text": {"regex": "("}, "dest_addr": "1"}, "within": -1},
                {"when.text.regex": "expected", "when.dest_addr": "unknown key", "within": "expected a number"},
            ),
            ("/search", {"when": {"password": "x"}}, {"when.password": "unknown key"}),
        ],
    )
    def test_all_mistakes_at_once(self, client: Client, path: str, body: Any, errors: dict[str, str]) -> None:
        answer = client.post(path, body)
        assert answer.status == 422
        assert answer.errors.keys() == errors.keys()
        assert all(answer.errors[path].startswith(message) for path, message in errors.items()), answer.errors

    def test_enough_mistakes_are_enough(self, client: Client) -> None:
        many = {f"key{number}": 0 for number in range(5_000)}
        assert len(client.post("/body", many).problem["errors"]) == 100

    @pytest.mark.parametrize(
        ("body", "detail"),
        [
            (b"", "A JSON body is missing."),
            (b"{", "ends too early"),
            (b"{} x", "trailing characters"),
            (b"nonsense", "not JSON"),
            (b'{"count": NaN}', "not JSON"),
            (b'{"count": 01}', "not JSON"),
            (b'{"text": "\\ud800"}', "not JSON"),
            (b'{"text": "\xff"}', "not UTF-8"),
            (b"\xef\xbb\xbf{}", "not JSON"),
            ("{}".encode("utf-16"), "not UTF-8"),
            (b"[" * 50_000, "nested too deeply"),
            (b'{"x":' * 10_000 + b"1" + b"}" * 10_000, "nested too deeply"),
            (b'{"text": "a", "kind": "a", "text": "b"}', 'names "text" twice'),
            (b'{"count": 1e400}', "not JSON"),
            (b'{"count": ' + b"9" * 5_000 + b"}", "not JSON"),
        ],
        ids=lambda value: value[:20] if isinstance(value, bytes) else "",
    )
    def test_what_is_no_json(self, client: Client, body: bytes, detail: str) -> None:
        answer = client.post("/body", body)
        assert answer.problem["status"] == 400
        assert detail in answer.problem["detail"]

    @pytest.mark.parametrize(
        "headers",
        [
            {"Content_Type": "text/plain"},
            {"Content_Type": "application/x-www-form-urlencoded"},
            {"Content_Type": "application/json; charset=latin-1"},
            {"Content_Type": "nonsense"},
            {"Content_Type": ""},
            {"Content_Encoding": "br-x"},
        ],
    )
    def test_415(self, client: Client, headers: dict[str, str]) -> None:
        assert client.post("/body", GOOD, **headers).problem["status"] == 415

    def test_a_compressed_bomb_is_not_opened(self, client: Client) -> None:
        assert client.post("/body", b"\x1f\x8b" + b"\0" * 100, Content_Encoding="gzip").status == 415

    def test_413_by_the_announced_length_and_by_the_real_one(self, client: Client) -> None:
        assert client.post("/body", b" " * 100_001).problem["status"] == 413
        with socket.create_connection(client.address.split(":"), PATIENCE) as raw:  # type: ignore[arg-type]
            raw.sendall(
                b"POST /api/v1/body HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n"
            )
            for _ in range(101):
                raw.sendall(b"3e8\r\n" + b" " * 1000 + b"\r\n")
            assert raw.recv(12) == b"HTTP/1.1 413"

    def test_a_body_that_never_comes(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reading, "BODY_SECONDS", 0.5)
        with socket.create_connection(client.address.split(":"), PATIENCE) as raw:  # type: ignore[arg-type]
            raw.sendall(
                b"POST /api/v1/body HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: 10\r\n\r\n{"
            )
            assert raw.recv(12) == b"HTTP/1.1 408"

    @pytest.mark.parametrize(
        ("head", "rest", "status"),
        [
            (b"Transfer-Encoding: chunked", b"zz\r\n{}\r\n0\r\n\r\n", b"400 408"),  # as the segments arrive
            (b"Transfer-Encoding: chunked", b"2\r\n{}XX\r\n0\r\n\r\n", b"400 408"),  # as the segments arrive
            (b"Content-Length: 10", b"{", b""),
            (b"Transfer-Encoding: chunked", b"2\r\n{", b""),
        ],
        ids=["chunk size", "chunk end", "hung up", "hung up in a chunk"],
    )
    def test_a_body_that_breaks_off(
        self,
        client: Client,
        live: Live,
        head: bytes,
        rest: bytes,
        status: bytes,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(reading, "BODY_SECONDS", 0.5)
        before = len(live.events("http request failed"))
        with socket.create_connection(client.address.split(":"), PATIENCE) as raw:  # type: ignore[arg-type]
            raw.sendall(
                b"POST /api/v1/body HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + head
                + b"\r\n\r\n"
            )
            raw.sendall(rest)
            if status:
                assert raw.recv(12).split()[1] in status.split()
        assert client.get("").status == 200
        assert live.events("http request failed")[before:] == []

    def test_an_upload_that_breaks_off(self, client: Client, live: Live) -> None:
        before = len(live.events("http request failed"))
        with socket.create_connection(client.address.split(":"), PATIENCE) as raw:  # type: ignore[arg-type]
            raw.sendall(b"POST /api/v1/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n")
            raw.sendall(b"Content-Length: 10\r\n\r\nx")
        assert client.get("").status == 200
        assert live.events("http request failed")[before:] == []

    def test_where_none_is_taken(self, client: Client) -> None:
        assert client.post("/nothing", {}).problem["status"] == 400
        assert client.post("/nothing").status == 204
        assert client.post("/maybe").json == {}
        assert client.post("/maybe", GOOD).json["body"]["text"] == "x"

    def test_an_upload_is_read_by_its_handler(self, client: Client) -> None:
        big = b"x" * 200_000
        assert client.post("/upload", big, Content_Type="application/x-ndjson").json == {"octets": len(big)}
        assert client.post("/upload", GOOD).json["body"]["text"] == "x"
        answer = client.post("/upload", b"x", Content_Type="text/plain")
        assert (answer.status, answer.headers["Accept"]) == (415, "application/json, application/x-ndjson")


class TestAnswers:
    def test_statuses(self, client: Client) -> None:
        assert client.post("/accepted").status == 202
        assert client.post("/created").status == 201

    @pytest.mark.parametrize(
        ("how", "status", "detail"),
        [
            ("missing", 404, 'There is no session "17".'),
            ("conflict", 409, "It is final already."),
            ("invalid", 422, "2 problems in what was sent."),
            ("busy", 429, "Come again."),
            ("user", 422, "server.http is wrong."),
        ],
    )
    def test_failures_are_problems(self, client: Client, how: str, status: int, detail: str) -> None:
        problem = client.get(f"/fail/{how}").problem
        assert (problem["status"], problem["detail"]) == (status, detail)

    def test_errors_have_paths(self, client: Client) -> None:
        assert client.get("/fail/invalid").errors == {"when.text": "no", "": "all of it"}

    def test_who_is_too_early_hears_when_to_come_again(self, client: Client) -> None:
        assert client.get("/fail/busy").headers["Retry-After"] == "1"

    def test_our_own_mistakes_stay_here(self, client: Client, live: Live) -> None:
        answer = client.get("/fail/bug")
        assert answer.problem == {"type": "about:blank", "title": "Internal Server Error", "status": 500}
        assert live.events("http request failed")[-1]["path"] == "/api/v1/fail/bug"


class TestTags:
    @pytest.fixture(autouse=True)
    def things(self) -> Iterator[None]:
        THINGS.clear()
        THINGS["x"] = {"version": 1, "hits": 0}
        yield
        THINGS.clear()

    def test_the_same_answer_is_not_sent_again(self, client: Client) -> None:
        tag = client.get("/things/x").headers["ETag"]
        answer = client.get("/things/x", If_None_Match=tag)
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", tag)
        assert client.get("/things/x", If_None_Match=f'"other", W/{tag}').status == 304
        THINGS["x"]["hits"] += 1
        assert client.get("/things/x", If_None_Match=tag).status == 200

    def test_nobody_overwrites_what_others_have_changed(self, client: Client) -> None:
        tag = client.get("/things/x").headers["ETag"]
        assert client.put("/things/x", {"version": 2}, If_Match=tag).status == 200
        answer = client.put("/things/x", {"version": 3}, If_Match=tag)
        assert answer.problem["status"] == 412
        assert answer.headers["ETag"] == client.get("/things/x").headers["ETag"]
        assert client.delete("/things/x", If_Match=tag).status == 412
        assert client.delete("/things/x", If_Match=f"W/{answer.headers['ETag']}").status == 412
        assert client.delete("/things/x", If_Match="*").status == 204
        assert client.put("/things/x", {"version": 3}, If_Match="*").problem["status"] == 412
        assert THINGS == {}

    def test_create_only(self, client: Client) -> None:
        refused = client.put("/things/x", {}, If_None_Match="*").problem
        assert (refused["status"], "exists already" in refused["detail"]) == (412, True)
        assert client.put("/things/y", {}, If_None_Match="*").status == 200

    def test_counts_are_no_change(self, client: Client) -> None:
        tag = client.get("/counted/x").headers["ETag"]
        THINGS["x"]["hits"] += 1
        assert client.get("/counted/x", If_None_Match=tag).json["hits"] == 1
        assert client.put("/counted/x", {"version": 2}, If_Match=tag).status == 200
        assert client.put("/counted/x", {"version": 3}, If_Match=tag).status == 412


class TestPatience:
    def test_others_are_cut_off(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http_module, "HANDLER_TIMEOUT", 0.05)
        with socket.create_connection(client.address.split(":"), PATIENCE) as raw:  # type: ignore[arg-type]
            raw.sendall(b"POST /api/v1/wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
            wait_until(lambda: waiting)
            answer = client.get("/slow")
            assert (answer.problem["status"], answer.problem["detail"][-13:]) == (503, "0.05 seconds.")
            assert waiting, "this one began before"
        wait_until(lambda: not waiting)

    def test_who_hangs_up_waits_no_longer(self, client: Client) -> None:
        with socket.create_connection(client.address.split(":"), PATIENCE) as raw:  # type: ignore[arg-type]
            raw.sendall(b"POST /api/v1/wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
            wait_until(lambda: waiting)
        wait_until(lambda: not waiting)

    def test_a_stream_that_fails_breaks_off(self, client: Client, live: Live) -> None:
        for end in ("fails", "is-refused"):
            with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
                client.get(f"/stream/{end}")
            client._connection.close()
        assert [line["path"][-5:] for line in live.events("http stream failed")] == ["fails", "fused"]
        assert client.get("/stream/ends").body == b"data: 1\n\n"

    def test_a_stop_ends_what_waits_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http_module, "all_endpoints", lambda: TABLE)
        answers: list[bytes] = []

        def read(request: bytes, address: str) -> None:
            with socket.create_connection(address.split(":"), PATIENCE) as raw:  # type: ignore[arg-type]
                raw.sendall(request)
                while octets := raw.recv(65536):
                    answers.append(octets)

        with serving() as (_live, client):
            requests = (
                b"POST /api/v1/wait HTTP/1.1\r\nHost: localhost\r\n\r\n",
                b"GET /api/v1/stream/waits HTTP/1.1\r\nHost: localhost\r\n\r\n",
            )
            threads = [threading.Thread(target=read, args=(each, client.address), daemon=True) for each in requests]
            for thread in threads:
                thread.start()
            wait_until(lambda: len(waiting) == 2)
            began = time.monotonic()
        assert time.monotonic() - began < http_module.STOP_GRACE
        for thread in threads:
            thread.join(PATIENCE)
        assert waiting == []
        texts = b"".join(answers)
        assert texts.count(b"HTTP/1.1 ") == 2, "a stream that has begun gets no second answer"
        assert b"HTTP/1.1 503" in texts
        assert json.loads(texts[texts.index(b"{") : texts.index(b"}") + 1])["detail"] == "The server is stopping."

    def test_only_so_many_may_wait(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http_module, "all_endpoints", lambda: TABLE)
        with serving(api={"max_streams": 1}) as (_, client):
            with socket.create_connection(client.address.split(":"), PATIENCE) as raw:  # type: ignore[arg-type]
                raw.sendall(b"POST /api/v1/wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
                wait_until(lambda: waiting)
                answer = client.post("/wait")
                assert (answer.problem["status"], answer.headers["Retry-After"]) == (429, "1")
                assert client.get("").status == 200
            wait_until(lambda: not waiting)
            assert client.get("/stream/ends").status == 200


def test_the_openapi_document(client: Client) -> None:
    answer = client.get("/api/openapi.json")
    assert answer.json["openapi"] == "3.1.0"
    assert "/things/{name}" in answer.json["paths"]
    assert client.get("/api/openapi.json", If_None_Match=answer.headers["ETag"]).status == 304
