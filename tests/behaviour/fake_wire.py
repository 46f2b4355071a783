"""What tests of faults share: a loop whose time is told, a transport and a session that keep what they get."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import struct
from collections.abc import Callable, Iterable
from typing import Any, cast

from smppd.behaviour.faults import FaultBook
from smppd.behaviour.layer import FaultLayer
from smppd.behaviour.waits import Waits
from smppd.settings.faults import Fault

RESP = 0x80000000
BIND_TRX, SUBMIT, DELIVER, ENQUIRE_LINK, UNBIND = 0x09, 0x04, 0x05, 0x15, 0x06


def pdu(command_id: int, sequence: int = 1, body: bytes = b"", status: int = 0) -> bytes:
    return struct.pack(">IIII", 16 + len(body), command_id, status, sequence) + body


def submit_response(sequence: int = 1, message_id: bytes = b"17") -> bytes:
    return pdu(SUBMIT | RESP, sequence, message_id + b"\0")


class FakeHandle:
    def __init__(self, callback: Callable[[], Any]) -> None:
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeLoop:
    """An event loop whose clock moves in `pass_time` alone, and which turns when it is told to."""

    def __init__(self) -> None:
        self.now = 500.0
        self._soon: list[FakeHandle] = []
        self._later: list[tuple[float, int, FakeHandle]] = []
        self._count = 0

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[[], Any], /) -> FakeHandle:
        handle = FakeHandle(callback)
        self._soon.append(handle)
        return handle

    def call_at(self, when: float, callback: Callable[[], Any], /) -> FakeHandle:
        handle = FakeHandle(callback)
        self._count += 1
        heapq.heappush(self._later, (when, self._count, handle))
        return handle

    def turn(self) -> None:
        """One turn: what was due before it began."""
        due, self._soon = self._soon, []
        while self._later and self._later[0][0] <= self.now:
            due.append(heapq.heappop(self._later)[2])
        for handle in due:
            if not handle.cancelled:
                handle.callback()

    def settle(self, limit: int = 100_000) -> None:
        """Turn until nothing is due."""
        while self._soon or (self._later and self._later[0][0] <= self.now):
            self.turn()
            limit -= 1
            assert limit, "the loop spins"

    def pass_time(self, seconds: float) -> None:
        """Let time pass, from timer to timer."""
        self.settle()
        end = self.now + seconds
        while self._later and self._later[0][0] <= end:
            self.now = max(self.now, self._later[0][0])
            self.settle()
        self.now = end

    @property
    def waits(self) -> int:
        """How many calls are planned."""
        return sum(not handle.cancelled for handle in [*self._soon, *(entry[2] for entry in self._later)])


class EngineTime:
    """The engine's clock, told as well."""

    def __init__(self) -> None:
        self.now = 100.0
        self.woken = 0
        self.waits = Waits(lambda: self.now, self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := self.waits.next_due()) is not None and due <= end:
            self.now = max(self.now, due)
            self.waits.run()
        self.now = end


class FakeTransport(asyncio.Transport):
    """A transport in memory. writes: what was written, by call. unsent: octets that it says wait in it."""

    def __init__(self, loop: FakeLoop, *, half_closes: bool = True) -> None:
        super().__init__({"peername": ("192.0.2.1", 40000)})
        self._loop = loop
        self._half_closes = half_closes
        self.protocol: asyncio.BaseProtocol | None = None
        self.writes: list[bytes] = []
        self.reading = True
        self.eof = False
        self.closed = False
        self.aborted = False
        self.unsent = 0

    @property
    def written(self) -> bytes:
        return b"".join(self.writes)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        assert self.protocol is not None
        return self.protocol

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        assert not self.eof, "written after our end of the stream"
        assert not self.closed, "written after the end of the connection"
        assert data, "nothing was written"
        self.writes.append(bytes(data))

    def write_eof(self) -> None:
        self.eof = True

    def can_write_eof(self) -> bool:
        return self._half_closes

    def is_reading(self) -> bool:
        return self.reading

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.limits = (low or 0, high or 0)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self.limits

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._loop.call_soon(lambda: cast("asyncio.Protocol", self.protocol).connection_lost(None))

    def abort(self) -> None:
        self.aborted = True
        self.close()


class FakeSession(asyncio.Protocol):
    """A session that keeps what it is told, and answers what it is told to answer.

    chunks: what it received, by call. answers: what it writes for the command_id of a PDU in what it receives.
    """

    def __init__(self, name: str = "1") -> None:
        self._name = name
        self.name = ""
        self.bound_as: tuple[str, str] | None = None
        self.bound_at: float | None = None
        self.writable = True
        self.beginning = b""
        self.transport: asyncio.Transport | None = None
        self.chunks: list[bytes] = []
        self.says_first = b""
        self.on_bind: Callable[[], None] | None = None
        self.eof = False
        self.lost: list[Exception | None] = []
        self.flow: list[str] = []

    @property
    def received(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def is_open(self) -> bool:
        return self.transport is not None

    def move(self, transport: asyncio.Transport) -> asyncio.Transport:
        before, self.transport = self.transport, transport
        assert before is not None
        return before

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.name = self._name
        if self.says_first:
            self.transport.write(self.says_first)

    def data_received(self, data: bytes) -> None:
        assert not self.lost
        self.chunks.append(data)
        if self.on_bind is not None and struct.pack(">I", BIND_TRX) + bytes(4) in data:
            self.on_bind()

    def eof_received(self) -> bool:
        self.eof = True
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.append(exc)
        self.transport = None

    def pause_writing(self) -> None:
        self.writable = False
        self.flow.append("pause")

    def resume_writing(self) -> None:
        self.writable = True
        self.flow.append("resume")

    def write(self, *pdus: bytes) -> None:
        assert self.transport is not None
        self.transport.write(b"".join(pdus))


class World:
    """A book of faults, and connections that go through it."""

    def __init__(self, *faults: Fault, seed: int = 7) -> None:
        self.loop = FakeLoop()
        self.engine = EngineTime()
        self.sessions: list[FakeSession] = []
        self.book = FaultBook(
            faults, waits=self.engine.waits, seed=seed, connections=lambda: self.sessions, loop=lambda: self.loop
        )

    def connect(
        self, account: str = "", *, says_first: bytes = b"", half_closes: bool = True
    ) -> tuple[FakeSession, FakeTransport]:
        """A connection; with an account, one that binds at once, the response being all that it says."""
        session = FakeSession(str(len(self.sessions) + 1))
        session.says_first = says_first
        self.sessions.append(session)
        transport = FakeTransport(self.loop, half_closes=half_closes)
        transport.protocol = self.book.wrap(session)
        cast("asyncio.Protocol", transport.protocol).connection_made(transport)
        if account:
            self.bind(session, account)
        return session, transport

    def bind(self, session: FakeSession, account: str) -> None:
        session.bound_as = (account, "transceiver")
        session.bound_at = self.engine.now
        self.book.bound(session, account)

    def layered(self, transport: FakeTransport) -> bool:
        return isinstance(transport.protocol, FaultLayer)


def receive(transport: FakeTransport, *chunks: bytes) -> None:
    """The ESME has sent these, each in a segment of its own."""
    for chunk in chunks:
        cast("asyncio.Protocol", transport.protocol).data_received(chunk)


def sliced(octets: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The octets, cut at these places."""
    places = [0, *sorted({cut % (len(octets) + 1) for cut in cuts}), len(octets)]
    return [octets[a:b] for a, b in itertools.pairwise(places) if a != b]
