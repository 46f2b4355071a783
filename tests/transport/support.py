"""What tests of the transport share: octets written by hand, a server in a thread, and time that needs no waiting."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import json
import os
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

from smppd.app import SmscServer
from smppd.settings import Account, Delay, Journal, Network, Server, Settings, Timers

T = TypeVar("T")

BIND_RX, BIND_TX, QUERY, SUBMIT, DELIVER, UNBIND, REPLACE, CANCEL, BIND_TRX = range(1, 10)
OUTBIND, ENQUIRE_LINK, SUBMIT_MULTI, ALERT, DATA = 0x0B, 0x15, 0x21, 0x102, 0x103
RESP = 0x80000000
NACK = 0x80000000

PATIENCE = 10.0
"""Seconds until a test gives up: far more than anything here takes, so that a busy machine fails nothing."""

OFF = Timers(session_init=0, enquire_link=0, inactivity=0, response=0)
AT_ONCE = {"default": Network(delay=Delay(distribution="fixed", value=0.0))}


# A mistake of ours.

BROKEN = RuntimeError("a mistake of ours")


def fail(*_: object, **__: object) -> Any:
    raise BROKEN


# Octets.


def pdu(command_id: int, status: int, sequence: int, body: bytes = b"") -> bytes:
    return struct.pack(">IIII", 16 + len(body), command_id, status, sequence) + body


def request(command_id: int, sequence: int = 1, body: bytes = b"") -> bytes:
    return pdu(command_id, 0, sequence, body)


def answer(command_id: int, status: int = 0, sequence: int = 1, body: bytes = b"") -> bytes:
    return pdu(command_id | RESP, status, sequence, body)


def c(text: str | bytes) -> bytes:
    """A C-octet string."""
    return (text.encode() if isinstance(text, str) else text) + b"\0"


def tlv(tag: int, value: bytes) -> bytes:
    return struct.pack(">HH", tag, len(value)) + value


def bind_body(
    system_id: str | bytes = "smppclient1",
    password: str | bytes = "password",
    *,
    system_type: str | bytes = "",
    version: int = 0x34,
    ton: int = 0,
    npi: int = 0,
    address_range: str | bytes = "",
) -> bytes:
    return c(system_id) + c(password) + c(system_type) + bytes((version, ton, npi)) + c(address_range)


def bind_resp(command_id: int = BIND_TRX, sequence: int = 1, version: int = 0x34, *, told: bool = True) -> bytes:
    return answer(command_id, 0, sequence, c("smppd") + (tlv(0x0210, bytes((version,))) if told else b""))


def submit_body(
    *,
    service_type: bytes = b"",
    source: tuple[int, int, bytes] = (5, 0, b"smppd"),
    to: tuple[int, int, bytes] = (1, 1, b"447700900123"),
    esm_class: int = 0,
    protocol_id: int = 0,
    priority: int = 0,
    schedule: bytes = b"",
    validity: bytes = b"",
    registered: int = 0,
    replace: int = 0,
    data_coding: int = 0,
    default_msg: int = 0,
    length: int | None = None,
    text: bytes = b"Hello",
    tail: bytes = b"",
) -> bytes:
    return b"".join(
        (
            c(service_type),
            bytes(source[:2]) + c(source[2]),
            bytes(to[:2]) + c(to[2]),
            bytes((esm_class, protocol_id, priority)),
            c(schedule),
            c(validity),
            bytes((registered, replace, data_coding, default_msg, len(text) if length is None else length)),
            text,
            tail,
        )
    )


def field(frame: bytes, command_id: int, status: int = 0) -> bytes:
    """The message_id of a response, which must be of this command and status."""
    length, got_id, got_status, _ = struct.unpack_from(">IIII", frame)
    assert (length, got_id, got_status) == (len(frame), command_id | RESP, status), frame.hex()
    assert frame.endswith(b"\0")
    return frame[16:-1]


def delivered(frame: bytes) -> tuple[int, int, bytes, bytes]:
    """(sequence_number, esm_class, text, TLVs) of a deliver_sm, taken apart by hand."""
    command_id, _, sequence = struct.unpack_from(">III", frame, 4)
    assert command_id == DELIVER, frame.hex()
    rest = frame[16:]
    _, _, rest = rest.partition(b"\0")  # service_type
    for _ in range(2):
        _, _, rest = rest[2:].partition(b"\0")
    esm_class = rest[0]
    rest = rest[3:]
    for _ in range(2):
        _, _, rest = rest.partition(b"\0")
    length = rest[4]
    return sequence, esm_class, rest[5 : 5 + length], rest[5 + length :]


def split_frames(octets: bytes) -> list[bytes]:
    frames = []
    while octets:
        length = int.from_bytes(octets[:4], "big")
        frames.append(octets[:length])
        octets = octets[length:]
    return frames


# A client of one socket.


class Raw:
    """A blocking client that knows nothing of SMPP but the length of a PDU."""

    def __init__(self, address: str, *, receive_buffer: int = 0) -> None:
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.connect((host, int(port)))
        except OSError:
            self.socket.close()
            raise
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *frames: bytes) -> None:
        self.socket.sendall(b"".join(frames))

    def read(self, count: int) -> bytes:
        while len(self._buffer) < count:
            octets = self.socket.recv(1 << 20)
            if not octets:
                raise EOFError(f"closed after {bytes(self._buffer).hex()!r}")
            self._buffer += octets
        octets = bytes(self._buffer[:count])
        del self._buffer[:count]
        return octets

    def frame(self) -> bytes:
        """The next PDU."""
        head = self.read(4)
        return head + self.read(int.from_bytes(head, "big") - 4)

    def frames(self, count: int) -> list[bytes]:
        return [self.frame() for _ in range(count)]

    def expect(self, *frames: bytes) -> None:
        """The next PDUs are these, octet for octet."""
        for expected in frames:
            got = self.frame()
            assert got.hex(" ", 4) == expected.hex(" ", 4)

    def ask(self, frame: bytes, *expected: bytes) -> None:
        """Send a PDU; the answers are these."""
        self.send(frame)
        self.expect(*expected)

    def bind(self, command_id: int = BIND_TRX, sequence: int = 1, **fields: Any) -> bytes:
        """Bind successfully; returns the response."""
        self.send(request(command_id, sequence, bind_body(**fields)))
        frame = self.frame()
        assert frame[4:16] == struct.pack(">III", command_id | RESP, 0, sequence), frame.hex()
        return frame

    def lives(self, sequence: int = 0x5E55) -> None:
        """The session answers, and nothing else is on its way before the answer."""
        self.ask(request(ENQUIRE_LINK, sequence), answer(ENQUIRE_LINK, 0, sequence))

    def ended(self) -> None:
        """The other side has closed, and said nothing more."""
        try:
            rest = bytes(self._buffer) or self.socket.recv(65536)
        except ConnectionResetError:
            return
        assert rest == b"", rest.hex()


# A server in a thread.


class Live:
    """A server on its own loop in a thread, so that blocking clients can talk to it. Leaves no mistake unnoticed."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
        internal_errors: int = 0,
        send_buffer: int = 0,
    ) -> None:
        self._settings = settings or live_settings()
        self._loop_factory = loop_factory
        self._internal_errors = internal_errors
        self._send_buffer = send_buffer
        self._log = io.StringIO()
        self._failure: BaseException | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(PATIENCE)
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        if kind is None:
            assert self._failure is None, self._failure
            assert self.unexpected == []
            assert len(self.events("internal error")) == self._internal_errors, self.log
            assert self.server.counters.protocol_errors["internal"] == self._internal_errors

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=self._loop_factory) as runner:
                runner.run(self._serve())
        except BaseException as error:  # noqa: BLE001  # handed to the test
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.unexpected: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _loop, what: self.unexpected.append(what))
        self._stopping = asyncio.Event()
        self.server = SmscServer(self._settings, log_stream=self._log, environ={})
        self.context = self.server._context
        async with self.server:
            if self._send_buffer:
                self._limit_send_buffer(self._send_buffer)
            self.address = self.server.smpp_addresses[0]
            self._started.set()
            await self._stopping.wait()

    def _limit_send_buffer(self, octets: int) -> None:
        """Sessions get a small send buffer from the system (they inherit it), so that little fills it."""
        with socket.socket(fileno=os.dup(self.server._listeners[0].sockets[0].fileno())) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, octets)

    def client(self, **options: Any) -> Raw:
        return Raw(self.address, **options)

    def call(self, function: Callable[[], T]) -> T:
        """Call a function in the server's thread."""

        async def run() -> T:
            return function()

        return self.run(run())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE)

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.getvalue().splitlines()]

    @property
    def log_text(self) -> str:
        return self._log.getvalue()

    def events(self, name: str, **context: Any) -> list[dict[str, Any]]:
        """The lines of the log of this event and context."""
        return [
            line
            for line in self.log
            if line["event"] == name and all(line.get(key) == value for key, value in context.items())
        ]

    def until(self, condition: Callable[[], T]) -> T:
        """Wait until a condition holds in the server's thread; returns what it gave."""
        return wait_until(lambda: self.call(condition))

    def errors(self, kind: str) -> int:
        return self.server.counters.protocol_errors[kind]


def wait_until(condition: Callable[[], T]) -> T:
    """Ask again and again, a few milliseconds apart, until it holds."""
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not (result := condition()):
        assert time.monotonic() < deadline, "it never came true"
        pause.wait(0.003)
    return result


def live_settings(**tables: Any) -> Settings:
    """Settings on free ports without HTTP, with outcomes at once, except where a test says otherwise."""
    server = tables.pop("server", {})
    if isinstance(server, dict):
        server = Server(**{"smpp": ["127.0.0.1:0"], "http": "", "shutdown_grace": 0.2, **server})
    return Settings(server=server, **{"network": AT_ONCE, **tables})


def account(system_id: str = "smppclient1", password: str | None = "password", **fields: Any) -> Account:
    return Account(system_id=system_id, password=password, **fields)


# Time that needs no waiting.


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer whenever there is nothing to do."""

    def __init__(self) -> None:
        super().__init__(_JumpingSelector(self))
        self._now = 1000.0

    def time(self) -> float:
        return self._now

    def jump(self, seconds: float) -> None:
        self._now += seconds


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or not timeout:
            return ready
        self._loop.jump(timeout)
        return []


async def elapse(seconds: float) -> None:
    """Let so many seconds pass, which takes none: the clock jumps over them from timer to timer."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    passed = loop.create_future()
    loop.call_later(seconds, passed.set_result, None)
    await passed


class VirtualClock:
    """The engine's clock on the time of a virtual loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.now = loop.time

    def wall(self) -> float:
        return 1_800_000_000.0 + self.now()


class FakeTransport(asyncio.Transport):
    """A transport in memory: keeps what is written, and says what it was told."""

    def __init__(self, peer: object = ("192.0.2.1", 40000)) -> None:
        super().__init__({"peername": peer})
        self.written = bytearray()
        self.writes = 0
        self.reading = True
        self.eof = False
        self.closed_at: float | None = None
        self.aborted = False
        self.high: int | None = None
        self.protocol: asyncio.Protocol | None = None

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high = high

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        assert not self.eof, "written after our end of the stream"
        if self.closed_at is None:
            self.written += data
            self.writes += 1

    def write_eof(self) -> None:
        self.eof = True

    def can_write_eof(self) -> bool:
        return True

    def is_reading(self) -> bool:
        return self.reading

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed_at is not None

    def close(self) -> None:
        if self.closed_at is None:
            loop = asyncio.get_running_loop()
            self.closed_at = loop.time()
            if self.protocol is not None:
                loop.call_soon(self.protocol.connection_lost, None)

    def abort(self) -> None:
        self.aborted = True
        self.close()

    def taken(self) -> list[bytes]:
        """The PDUs written since the last time."""
        frames = split_frames(bytes(self.written))
        self.written.clear()
        return frames


def run_virtually(test: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a virtual loop."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(test)


def virtually(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Make an ordinary test of a coroutine function: it runs on a virtual loop."""

    @functools.wraps(test)
    def run(*args: Any, **fixtures: Any) -> None:
        run_virtually(test(*args, **fixtures))

    return run


class Bench:
    """A server without sockets on a virtual loop: sessions on fake transports, time by `asyncio.sleep`."""

    def __init__(self, settings: Settings | None = None) -> None:
        from smppd.transport.ticker import Ticker

        loop = asyncio.get_running_loop()
        self.stream = io.StringIO()
        self.server = SmscServer(
            settings or live_settings(), clock=VirtualClock(loop), log_stream=self.stream, environ={}
        )
        self.context = self.server._context
        self.context.monotonic = loop.time
        self.ticker = self.server._ticker = Ticker(loop, self.server._work.run, self.server._failed)
        self.transports: deque[FakeTransport] = deque()

    def connect(self) -> tuple[Any, FakeTransport]:
        from smppd.transport.smsc import SmscConnection

        transport = FakeTransport()
        connection = SmscConnection(self.context)
        transport.protocol = connection
        connection.connection_made(transport)
        self.transports.append(transport)
        return connection, transport

    def bound(self, command_id: int = BIND_TRX, **fields: Any) -> tuple[Any, FakeTransport]:
        """A connection that is bound; its response has been read."""
        connection, transport = self.connect()
        connection.data_received(request(command_id, 1, bind_body(**fields)))
        (response,) = transport.taken()
        assert response[8:12] == bytes(4), response.hex()
        return connection, transport

    def events(self, name: str, **context: Any) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [
            line
            for line in lines
            if line["event"] == name and all(line.get(key) == value for key, value in context.items())
        ]

    def errors(self, kind: str) -> int:
        return self.context.counters.protocol_errors[kind]

    def close(self) -> None:
        for transport in self.transports:
            transport.abort()
        self.ticker.stop()


@contextlib.asynccontextmanager
async def bench(**tables: Any) -> Any:
    it = Bench(live_settings(**tables))
    try:
        yield it
    finally:
        it.close()
        await asyncio.sleep(0)


JOURNAL_OFF = Journal(pdus=0)
