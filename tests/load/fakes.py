"""What the tests of a running load share: message centres of a few lines, and connections in memory on virtual time."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

from smppd.load.alarm import LoopAlarm
from smppd.load.driver import Driver
from smppd.load.messages import Answer, Command, Failed, Finish, Go, Ready, Report, Run, Snapshot
from smppd.load.options import LoadOptions
from smppd.load.profile import Override, Profile, load_profile
from smppd.load.worker import Worker
from tests.transport.support import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    DELIVER,
    ENQUIRE_LINK,
    RESP,
    SUBMIT,
    UNBIND,
    VirtualLoop,
    answer,
    bind_resp,
    c,
    request,
    split_frames,
    tlv,
)


class Link(asyncio.Transport):
    """One end of a connection in memory: what is written arrives in the next turn of the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__({"peername": ("192.0.2.1", 2775)})
        self._loop = loop
        self.protocol: Any = None
        self.peer: Link | None = None
        self.writes = 0
        self._gone = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def write(self, data: Any) -> None:
        if not self._gone and self.peer is not None:
            self.writes += 1
            self._loop.call_soon(self.peer._arrive, bytes(data))

    def _arrive(self, data: bytes) -> None:
        if not self._gone:
            self.protocol.data_received(data)

    def is_closing(self) -> bool:
        return self._gone

    def close(self) -> None:
        if self.peer is not None and not self._gone:
            # After what was written before.
            self._loop.call_soon(self.peer._end)
        self._end()

    def abort(self) -> None:
        self.close()

    def _end(self) -> None:
        if not self._gone:
            self._gone = True
            self._loop.call_soon(self.protocol.connection_lost, None)


class Smsc(asyncio.Protocol):
    """A message centre that accepts everything: one connection of it. Others override what they do otherwise."""

    def __init__(self) -> None:
        self.submitted: list[tuple[int, bytes]] = []
        self.others: list[bytes] = []
        self.kind = 0
        self.last_id = 0
        """The last message_id; they are unique as long as there are fewer than a hundred connections."""
        self.link: Any = None
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.link = transport
        self.last_id = 1_000_000 * len(getattr(asyncio.get_running_loop(), "connections", []))

    def data_received(self, data: bytes) -> None:
        data = self.rest + data
        whole = 0
        while len(data) - whole >= 4 and whole + int.from_bytes(data[whole : whole + 4], "big") <= len(data):
            whole += int.from_bytes(data[whole : whole + 4], "big")
        self.rest = data[whole:]
        for frame in split_frames(data[:whole]):
            command_id, sequence = int.from_bytes(frame[4:8], "big"), int.from_bytes(frame[12:16], "big")
            if octets := b"".join(self.take(command_id, sequence, frame)):
                self.link.write(octets)

    def take(self, command_id: int, sequence: int, frame: bytes) -> list[bytes]:
        """One PDU; returns what is answered."""
        if command_id in (BIND_RX, BIND_TX, BIND_TRX):
            self.kind = command_id
            return self.bind(command_id, sequence)
        if command_id == SUBMIT:
            self.submitted.append((sequence, frame[16:]))
            return self.submit(sequence, frame[16:])
        self.others.append(frame)
        if command_id in (UNBIND, ENQUIRE_LINK):
            return [answer(command_id, 0, sequence)]
        return []

    def bind(self, command_id: int, sequence: int) -> list[bytes]:
        return [bind_resp(command_id, sequence)]

    def submit(self, sequence: int, body: bytes) -> list[bytes]:
        return [self.accept(sequence)]

    def accept(self, sequence: int) -> bytes:
        self.last_id += 1
        return answer(SUBMIT, 0, sequence, c(str(self.last_id)))

    def acknowledged(self, command_id: int = DELIVER) -> list[bytes]:
        """The responses to deliver_sm that came."""
        return [frame for frame in self.others if int.from_bytes(frame[4:8], "big") == command_id | RESP]


def receipt(
    message_id: str, sequence: int = 1, *, state: str = "DELIVRD", with_tlv: bool = True, esm: int = 4
) -> bytes:
    """A deliver_sm with a receipt of appendix B."""
    text = f"id:{message_id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:{state} err:000 text:Hi"
    tail = tlv(0x001E, c(message_id)) + tlv(0x0427, b"\2") if with_tlv else b""
    return request(DELIVER, sequence, deliver_body(text.encode(), esm=esm, tail=tail))


def deliver_body(text: bytes, *, esm: int = 0, tail: bytes = b"", source: str = "447700900000") -> bytes:
    return b"".join(
        (
            b"\0\1\1",
            c(source),
            b"\5\0",
            c("12345"),
            bytes((esm, 0, 0)),
            b"\0\0",
            bytes((0, 0, 0, 0, len(text))),
            text,
            tail,
        )
    )


class NetLoop(VirtualLoop):
    """A virtual loop whose connections are made in memory, to what `accept` returns."""

    accept: Callable[[], asyncio.Protocol]

    def __init__(self) -> None:
        super().__init__()
        self.connections: list[Any] = []

    async def create_connection(self, factory: Any, *_: Any, **__: Any) -> Any:
        theirs = self.accept()
        protocol = factory()
        ours, other = Link(self), Link(self)
        ours.peer, other.peer = other, ours
        ours.protocol, other.protocol = protocol, theirs
        self.connections.append(theirs)
        theirs.connection_made(other)
        protocol.connection_made(ours)
        return ours, protocol


def networked(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Make an ordinary test of a coroutine function: it runs on a virtual loop with a network in memory."""

    @functools.wraps(test)
    def run(*args: Any, **fixtures: Any) -> None:
        with asyncio.Runner(loop_factory=NetLoop) as runner:
            runner.run(test(*args, **fixtures))

    return run


def fixed(*, receipts: bool = False, **keys: Any) -> Profile:
    """The profile of one fixed text."""
    changes = {"registered_delivery": int(receipts), **keys}
    return load_profile("fixed", [Override("test", key, value) for key, value in changes.items()])


class Harness:
    """A worker on the loop of the test, and the coordinator's side of it."""

    def __init__(
        self,
        accept: Callable[[], asyncio.Protocol] = Smsc,
        profile: Profile | None = None,
        **options: Any,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        assert isinstance(self.loop, NetLoop)
        self.loop.accept = accept
        self.options = LoadOptions(**{"duration": None, **options})
        self.told: list[Answer] = []
        self.commands: asyncio.Queue[Command] = asyncio.Queue()
        self.worker = Worker(
            self.options,
            profile or fixed(),
            0,
            self.told.append,
            clock=self.loop.time,
            cpu=lambda: 0.0,
            alarm=LoopAlarm,
        )
        self.serving = asyncio.ensure_future(self.worker.serve(self.commands))

    @property
    def smscs(self) -> list[Any]:
        """The other ends of the connections, in the order in which they were opened."""
        return self.loop.connections  # type: ignore[attr-defined, no-any-return]

    @property
    def driver(self) -> Driver:
        driver = self.worker._driver
        assert driver is not None
        return driver

    async def until(self, condition: Callable[[], object]) -> None:
        """Give the loop its turns until a condition holds; virtual time passes when nothing else is to do."""
        deadline = self.loop.time() + 3600
        while not condition():
            assert self.loop.time() < deadline, "it never came true"
            assert not self.serving.done() or condition(), "the worker has ended"
            passed = self.loop.create_future()
            self.loop.call_later(0.0005, passed.set_result, None)
            await passed

    def last(self, kind: type[Any]) -> Any:
        return next((message for message in reversed(self.told) if isinstance(message, kind)), None)

    async def begin(self, **run: Any) -> float:
        """Bind and start a run; returns its start."""
        options = self.options
        keys = {"rate": options.rate, "duration": options.duration, "count": options.count}
        keys |= {"warm_up": options.warm_up, "drain": options.drain}
        ready = sum(isinstance(message, Ready) for message in self.told)
        self.commands.put_nowait(Run(**{**keys, **run}))
        await self.until(lambda: sum(isinstance(message, Ready) for message in self.told) > ready)
        start = self.loop.time() + 0.05
        self.commands.put_nowait(Go(start))
        return start

    async def report(self) -> Report:
        """Wait for the end of the run."""
        before = sum(isinstance(message, Report) for message in self.told)
        await self.until(lambda: sum(isinstance(message, Report) for message in self.told) > before)
        found: Report = self.last(Report)
        return found

    async def run(self, **run: Any) -> Report:
        """A whole run, and the end of the worker."""
        await self.begin(**run)
        report = await self.report()
        await self.finish()
        return report

    async def failure(self) -> str:
        """Bind in vain: the reason."""
        self.commands.put_nowait(Run())
        await self.serving
        failed = self.last(Failed)
        assert failed is not None, self.told
        reason: str = failed.reason
        return reason

    async def finish(self) -> None:
        self.commands.put_nowait(Finish())
        await self.serving

    @property
    def snapshots(self) -> list[Snapshot]:
        return [message for message in self.told if isinstance(message, Snapshot)]
