"""Events over real sockets: Server-Sent Events and WebSockets, slow viewers, those that vanish, and the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Self

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from smppd.api.endpoints import events as module
from smppd.api.endpoints.events import MAX_MESSAGE, UNREAD
from smppd.control import events as desks
from smppd.control.events import BACKLOG
from smppd.settings import Journal
from tests.api.support import Client, serving
from tests.transport.support import BIND_TRX, PATIENCE, SUBMIT, Live, bind_body, request, submit_body


class Stream:
    """Reads Server-Sent Events from a socket."""

    def __init__(self, client: Client, query: str = "", receive_buffer: int = 0, **headers: str) -> None:
        host, _, port = client.address.rpartition(":")
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect((host, int(port)))
        given = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        head = f"GET /api/v1/events{query} HTTP/1.1\r\nHost: localhost\r\n{given}\r\n"
        self.socket.sendall(head.encode())
        self._file = self.socket.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        self.headers = dict(iter(self._header, None))
        self._chunk = b""

    def _header(self) -> tuple[str, str] | None:
        name, _, value = self._file.readline().decode().partition(":")
        return (name.lower(), value.strip()) if value else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.socket.close()

    def line(self) -> str | None:
        """The next line of the body; None at its end."""
        while b"\n" not in self._chunk:
            length = int(self._file.readline() or b"0", 16)
            self._chunk += self._file.read(length)
            self._file.readline()
            if not length:
                return None
        line, _, self._chunk = self._chunk.partition(b"\n")
        return line.decode()

    def block(self) -> dict[str, str] | None:
        """The next event as its fields; comments under ""; None at the end."""
        fields: dict[str, str] = {}
        while line := self.line():
            name, _, value = line.partition(": ")
            fields[name.rstrip(":")] = value
        return fields if line is not None else None

    def event(self) -> dict[str, Any]:
        """The next event that is one."""
        while True:
            fields = self.block()
            assert fields is not None
            if "data" in fields:
                event = dict(json.loads(fields["data"]))
                assert (fields["id"], fields["event"]) == (event["id"], event["kind"])
                return event

    def until(self, kind: str, event: str) -> dict[str, Any]:
        """The next event of this name; those before are passed over."""
        while True:
            found = self.event()
            if (found["kind"], found["event"]) == (kind, event):
                return found


def viewers(live: Live) -> int:
    return live.call(lambda: live.server.control.events.viewers)


def record(live: Live, count: int) -> None:
    """Have PDUs pass by."""

    def run() -> None:
        journal = live.context.journal
        for _ in range(count):
            journal.record(live.context.wall(), "1", "in", request(SUBMIT, journal.total + 1, submit_body()))

    live.call(run)


@pytest.fixture
def world() -> Iterator[tuple[Live, Client]]:
    with serving() as (live, client):
        yield live, client


# Server-Sent Events.


def test_a_stream_of_what_happens(world: tuple[Live, Client]) -> None:
    live, client = world
    with Stream(client) as stream:
        assert stream.status == 200
        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.headers["cache-control"] == "no-store"
        assert stream.block() == {"retry": "2000"}
        opened = stream.event()
        assert (opened["kind"], opened["event"]) == ("viewer", "opened")
        with live.client() as esme:
            esme.bind()
            assert stream.until("session", "bound")["account"] == "smppclient1"
            assert stream.until("pdu", "sent")["command"] == "bind_transceiver_resp"
            esme.send(request(SUBMIT, 2, submit_body(registered=1)))
            accepted = stream.until("message", "accepted")
            assert stream.until("pdu", "sent")["message_id"] == accepted["message_id"]
            assert stream.until("receipt", "sent")["message_id"] == accepted["message_id"]
        assert stream.until("session", "closed")["session"] == "1"


def test_conditions_of_the_query_string(world: tuple[Live, Client]) -> None:
    live, client = world
    with Stream(client, "?kind=pdu&command=submit_sm&destination_addr=4477*&destination_addr=336*") as stream:
        with live.client() as esme:
            esme.bind()
            esme.send(
                request(SUBMIT, 2, submit_body(to=(1, 1, b"999"))), request(SUBMIT, 3, submit_body(to=(1, 1, b"33612")))
            )
            shown = stream.until("pdu", "received")
        assert (shown["sequence_number"], shown["destination_addr"]) == (3, "33612")


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("?kind=pdus", "kind"),
        ("?kinds=pdu", "kinds"),
        ("?sample=0", "sample"),
        ("?since=yesterday", "since"),
        ("?account=[", "account"),
        ("?enquire_link=maybe", "enquire_link"),
    ],
)
def test_conditions_that_are_wrong(world: tuple[Live, Client], query: str, path: str) -> None:
    live, client = world
    for endpoint in ("/events", "/events/ws"):
        upgrade = {} if endpoint == "/events" else _upgrade()
        answer = client.get(endpoint + query, **upgrade)
        assert answer.status == 422
        assert answer.errors.keys() == {path}
    assert viewers(live) == 0


def test_a_browser_goes_on_where_it_was(world: tuple[Live, Client]) -> None:
    live, client = world
    with Stream(client, "?kind=session") as stream, live.client() as esme:
        last = stream.until("session", "opened")["id"]
        esme.bind()
    live.until(lambda: not live.context.connections)
    with Stream(client, "?kind=session", Last_Event_ID=last) as stream:
        opened = stream.event()
        assert opened["id"] == last
        assert "gap" not in opened
        assert [stream.event()["event"] for _ in range(3)] == ["bound", "unbound", "closed"]


def test_an_id_that_nobody_knows_begins_now(world: tuple[Live, Client]) -> None:
    _, client = world
    for last in ("nonsense", "e0-1-1", "1"):
        with Stream(client, Last_Event_ID=last) as stream:
            assert stream.event()["gap"] is True


def test_silence_is_told(world: tuple[Live, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT", 0.05)
    with Stream(world[1], "?kind=clock") as stream:
        stream.event()
        assert stream.block() == {"": "still here"}
        assert stream.block() == {"": "still here"}


def test_viewers_that_vanish_are_forgotten(world: tuple[Live, Client]) -> None:
    live, client = world
    streams = [Stream(client) for _ in range(5)]
    assert viewers(live) == 5
    for stream in streams[:4]:
        stream.__exit__()
    streams[4].socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    streams[4].__exit__()
    live.until(lambda: not live.server.control.events.viewers)


def test_too_many_viewers(world: tuple[Live, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    live, client = world
    monkeypatch.setattr(desks, "MAX_VIEWERS", 2)
    with Stream(client), Stream(client):
        answer = client.get("/events")
        assert answer.status == 429
        assert "2 viewers" in answer.problem["detail"]
        assert client.get("/events/ws", **_upgrade()).status == 429
    live.until(lambda: not live.server.control.events.viewers)
    with Stream(client) as stream:
        assert stream.status == 200


def test_the_end_of_the_server_ends_streams_in_order() -> None:
    with serving() as (live, client), Stream(client) as stream, Stream(client) as idle:
        stream.event()
        live.loop.call_soon_threadsafe(live._stopping.set)
        while stream.block() is not None:
            pass
        while idle.block() is not None:
            pass


def test_one_that_reads_nothing_takes_no_memory_and_is_told_what_it_lost() -> None:
    count = BACKLOG + 20_000
    with (
        serving(journal=Journal(pdus=100_000)) as (live, client),
        Stream(client, "?kind=pdu", receive_buffer=4096) as stream,
    ):
        stream.event()
        lost = seen = 0
        for _ in range(10):
            record(live, count // 10)
        # It is not read: the server stops decoding for it, with no more than this in its hands.
        live.until(lambda: live.context.journal.total == count)
        viewing = live.call(lambda: next(iter(live.server.control.events._viewings)))
        before = -1
        while before != viewing._pdu:
            before = live.call(lambda: viewing._pdu)
            record(live, 1)
            count += 1
            live.run(_turns(50))
        assert live.call(lambda: _unsent(live)) <= 3 * UNREAD
        while seen + lost < count:
            event = stream.event()
            seen += event["kind"] == "pdu"
            lost += event.get("counts", {}).get("pdu", 0)
        assert seen + lost == count
        assert lost > 0


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def _unsent(live: Live) -> int:
    """Octets that wait to be sent, of all HTTP connections."""
    http: Any = live.server._http
    handlers = http._server._runner.server.connections
    return sum(handler.transport.get_write_buffer_size() for handler in handlers if handler.transport is not None)


def test_one_that_never_reads_is_dropped(world: tuple[Live, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    live, client = world
    monkeypatch.setattr(module, "STALLED", 0.1)
    with Stream(client, "?kind=pdu", receive_buffer=4096):
        while viewers(live):
            record(live, 2000)
    assert live.events("http stream failed") == []


# WebSockets.


def _upgrade(**headers: str) -> dict[str, str]:
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    return {**upgrade, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **headers}


@contextlib.asynccontextmanager
async def talking(client: Client, query: str = "", **options: Any) -> AsyncIterator[ClientWebSocketResponse]:
    async with (
        ClientSession() as session,
        session.ws_connect(f"http://{client.address}/api/v1/events/ws{query}", **options) as talk,
    ):
        yield talk


def talk(scenario: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(PATIENCE):
            await scenario()

    asyncio.run(run())


async def heard(socket: ClientWebSocketResponse, kind: str, event: str) -> dict[str, Any]:
    """The next event of this name."""
    while True:
        found = await socket.receive_json()
        if (found["kind"], found["event"]) == (kind, event):
            return dict(found)


def test_each_message_is_an_event(world: tuple[Live, Client]) -> None:
    live, client = world

    async def scenario() -> None:
        async with talking(client, "?kind=session&kind=message") as talk:
            await heard(talk, "viewer", "opened")
            await asyncio.to_thread(_submit, live)
            assert (await heard(talk, "session", "bound"))["account"] == "smppclient1"
            assert (await heard(talk, "message", "accepted"))["destination_addr"] == "447700900123"

    talk(scenario)
    live.until(lambda: not live.server.control.events.viewers)


def _submit(live: Live, *, message: bytes = b"", count: int = 1) -> None:
    body = submit_body(text=b"") + b"\x04\x24" + len(message).to_bytes(2, "big") + message if message else submit_body()
    with live.client() as esme:
        esme.send(request(BIND_TRX, 1, bind_body()), *(request(SUBMIT, 2 + n, body) for n in range(count)))
        esme.frames(1 + count)


def test_the_filter_changes(world: tuple[Live, Client]) -> None:
    live, client = world

    async def scenario() -> None:
        async with talking(client, "?kind=session") as talk:
            await talk.send_json({"filter": {"kind": ["pdu"], "command": "submit_sm"}})
            await heard(talk, "viewer", "filtered")
            await asyncio.to_thread(_submit, live)
            event = await talk.receive_json()
            assert (event["kind"], event["command"]) == ("pdu", "submit_sm")

    talk(scenario)


@pytest.mark.parametrize("length", [1, 60, 40_000])
def test_messages_of_every_length(world: tuple[Live, Client], length: int) -> None:
    live, client = world
    text = '"' * length  # twice as long as JSON

    async def scenario() -> None:
        async with talking(client, "?kind=message&event=accepted") as talk:
            await heard(talk, "viewer", "opened")
            await asyncio.to_thread(_submit, live, message=text.encode(), count=3)
            for _ in range(3):
                assert (await heard(talk, "message", "accepted"))["text"] == text

    talk(scenario)


def test_a_socket_that_is_never_read_is_dropped(world: tuple[Live, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    live, client = world
    monkeypatch.setattr(module, "STALLED", 0.1)
    host, _, port = client.address.rpartition(":")
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect((host, int(port)))
        head = "".join(f"{name}: {value}\r\n" for name, value in _upgrade(Host="localhost").items())
        deaf.sendall(f"GET /api/v1/events/ws?kind=pdu HTTP/1.1\r\n{head}\r\n".encode())
        deaf.settimeout(PATIENCE)
        assert deaf.recv(12) == b"HTTP/1.1 101"
        live.until(lambda: live.server.control.events.viewers == 1)
        while viewers(live):
            record(live, 2000)
    assert live.events("http stream failed") == []


def test_a_ping_is_answered(world: tuple[Live, Client]) -> None:
    async def scenario() -> None:
        async with talking(world[1], "?kind=clock") as talk:
            await talk.send_json({"ping": "hello"})
            assert (await heard(talk, "viewer", "pong"))["detail"] == "hello"
            await talk.ping(b"x")
            await talk.send_json({"ping": ""})
            await heard(talk, "viewer", "pong")

    talk(scenario)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"x",
        b"[]",
        b"{",
        b'{"filter": []}',
        b'{"filter": {"kind": "pdus"}}',
        b'{"filters": {}}',
        b"{}",
        b'{"filter": null}',
        b'{"filter": {}, "ping": "a"}',
        b'{"ping": 7}',
        b'{"ping": "a", "ping": "b"}',
        b"\xff\xfe",
        b"[" * 5000,
    ],
)
@pytest.mark.parametrize("binary", [False, True])
def test_what_is_not_understood_is_answered(world: tuple[Live, Client], said: bytes, binary: bool) -> None:
    async def scenario() -> None:
        async with talking(world[1], "?kind=clock") as talk:
            if binary or said.startswith(b"\xff"):
                await talk.send_bytes(said)
            else:
                await talk.send_str(said.decode())
            error = await heard(talk, "viewer", "error")
            assert error["detail"]
            await talk.send_json({"ping": "still there"})
            await heard(talk, "viewer", "pong")

    talk(scenario)


def test_what_is_too_long_ends_it(world: tuple[Live, Client]) -> None:
    live, client = world

    async def scenario() -> None:
        async with talking(client, "?kind=clock") as talk:
            await heard(talk, "viewer", "opened")
            await talk.send_str("x" * (MAX_MESSAGE + 1))
            message = await talk.receive()
            assert (message.type, message.data) == (WSMsgType.CLOSE, 1009)

    talk(scenario)
    live.until(lambda: not live.server.control.events.viewers)


def test_the_server_says_goodbye() -> None:
    async def scenario(live: Live, client: Client) -> None:
        async with talking(client, "?kind=clock") as talk:
            await heard(talk, "viewer", "opened")
            live.loop.call_soon_threadsafe(live._stopping.set)
            message = await talk.receive()
            assert (message.type, message.data) == (WSMsgType.CLOSE, 1001)

    with serving() as (live, client):
        talk(lambda: scenario(live, client))


def test_sockets_that_vanish_are_forgotten(world: tuple[Live, Client]) -> None:
    live, client = world

    async def scenario() -> None:
        async with talking(client) as talk:
            await heard(talk, "viewer", "opened")
            transport = talk.get_extra_info("socket")
            assert transport is not None
            talk._writer.transport.abort()

    talk(scenario)
    live.until(lambda: not live.server.control.events.viewers)
    assert live.events("http stream failed") == []


def test_one_that_asks_for_no_websocket(world: tuple[Live, Client]) -> None:
    live, client = world
    answer = client.get("/events/ws")
    assert answer.status == 426
    assert answer.headers["Upgrade"] == "websocket"
    assert answer.problem["detail"].startswith("This is for WebSockets")
    assert viewers(live) == 0


def test_strangers_are_kept_out(world: tuple[Live, Client]) -> None:
    async def scenario() -> None:
        with pytest.raises(WSServerHandshakeError) as caught:
            async with talking(world[1], origin="http://evil.example"):
                pass
        assert caught.value.status == 403

    talk(scenario)
