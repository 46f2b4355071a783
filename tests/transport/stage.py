"""A server without sockets whose time passes when told: sessions on fake transports, settings written as TOML."""

from __future__ import annotations

import asyncio
import io
import json
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from smppd.app import SmscServer
from smppd.engine.clock import EngineClock
from smppd.settings import Settings, load_settings
from smppd.transport.smsc import SmscConnection
from smppwire.codec import decode
from smppwire.pdus import DeliverSm, EnquireLink, Pdu, SubmitSm, Unbind
from tests.transport.support import BIND_TRX, DELIVER, FakeTransport, answer, bind_body, request, run_virtually

BASE = """
[clock]
mode = "virtual"
start = "2026-01-01T12:00:00Z"

[timers]
session_init = 0
enquire_link = 0
inactivity = 0
response = 0
"""

PATIENCE = 100_000
"""Turns of the engine at one instant after which it is found to spin."""

STARTED = 1_767_268_800.0
"""When the clock begins, Unix time."""


def read(text: str, *overrides: str, base: str = BASE) -> Settings:
    """The settings that a text describes, on top of a virtual clock and timers that are off."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "smppd.toml"
        file.write_text(base + text)
        return load_settings(file, {}, ["server.smpp=127.0.0.1:0", "server.http=", *overrides])


class Esme:
    """One connection: what is sent by hand, and what came back."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.transport = FakeTransport()
        self.connection = SmscConnection(stage.server._context)
        self.transport.protocol = self.connection
        self.connection.connection_made(self.transport)
        self.octets = bytearray()
        """All that was written."""
        self._read = 0
        self._seen = 0
        self.acknowledges = True
        self.sequence = 0

    def feed(self, *frames: bytes) -> None:
        self.connection.data_received(b"".join(frames))
        self.take()

    def take(self) -> None:
        self.octets += self.transport.written
        self.transport.written.clear()

    def settle(self) -> bool:
        """Acknowledge what was delivered since the last time; whether there was anything."""
        self.take()
        answers = []
        for frame in frames_of(bytes(self.octets[self._seen :])):
            self._seen += len(frame)
            if int.from_bytes(frame[4:8], "big") == DELIVER and self.acknowledges:
                answers.append(answer(DELIVER, 0, int.from_bytes(frame[12:16], "big"), b"\0"))
        if answers and self.is_open:
            self.feed(*answers)
        return bool(answers)

    def received(self) -> list[Pdu]:
        """What has come since the last time."""
        self.take()
        frames = frames_of(bytes(self.octets[self._read :]))
        self._read = len(self.octets)
        return [decode(frame) for frame in frames]

    def bind(self, command_id: int = BIND_TRX, **fields: Any) -> Esme:
        """Bind; the response is taken."""
        self.sequence += 1
        self.feed(request(command_id, self.sequence, bind_body(**fields)))
        (response,) = self.received()
        assert response.command_status == 0
        return self

    def send(self, *pdus: Pdu) -> list[int]:
        """Send requests under the next numbers, in one chunk; returns the numbers."""
        from smppwire.codec import encode

        frames, numbers = [], []
        for pdu in pdus:
            self.sequence += 1
            pdu.sequence_number = self.sequence
            numbers.append(self.sequence)
            frames.append(encode(pdu))
        self.feed(*frames)
        return numbers

    def submit(self, destination: str = "447700900123", text: str = "Hello", **fields: Any) -> int:
        """Send one submit_sm that asks for a receipt; returns its number."""
        return self.send(sms(destination, text, **fields))[0]

    def ask(self, pdu: Pdu) -> list[Pdu]:
        """Send a request; returns what comes at once."""
        self.received()
        self.send(pdu)
        return self.received()

    def statuses(self) -> list[int]:
        """The command_statuses of what has come since the last time."""
        return [pdu.command_status for pdu in self.received()]

    def texts(self) -> list[str]:
        """The texts of the deliver_sm that have come since the last time."""
        return [pdu.short_message.decode("latin-1") for pdu in self.received() if isinstance(pdu, DeliverSm)]

    @property
    def is_open(self) -> bool:
        return self.connection.is_open and not self.transport.eof and self.transport.closed_at is None


class Stage:
    """A server and its time."""

    def __init__(self, settings: Settings) -> None:
        self.stream = io.StringIO()
        self.server = SmscServer(settings, log_stream=self.stream, environ={})
        clock = self.server.clock
        assert isinstance(clock, EngineClock)
        self.clock = clock
        self.esmes: list[Esme] = []

    def connect(self) -> Esme:
        esme = Esme(self)
        self.esmes.append(esme)
        return esme

    def bound(self, command_id: int = BIND_TRX, **fields: Any) -> Esme:
        return self.connect().bind(command_id, **fields)

    def settle(self) -> None:
        """Do everything that is due at this instant."""
        for _ in range(PATIENCE):
            more = self.server._work.run() == 0.0
            for esme in self.esmes:
                more |= esme.settle()
            if not more:
                return
        raise AssertionError("the engine spins")

    def advance(self, seconds: float) -> None:
        """Let so much time pass, stopping wherever something is due."""
        target = self.clock.now() + seconds
        self.settle()
        while (due := self.server._work.next_due()) is not None and due <= target:
            self.clock.advance_to(max(due, self.clock.now()))
            self.settle()
        self.clock.advance_to(target)

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [line for line in lines if line["event"] == name]

    def close(self) -> None:
        for esme in self.esmes:
            esme.transport.abort()


def on_stage(text: str, act: Callable[[Stage], Coroutine[Any, Any, None]], *overrides: str) -> None:
    """Run a coroutine function with a server of these settings."""

    async def run() -> None:
        stage = Stage(read(text, *overrides))
        try:
            await act(stage)
        finally:
            stage.close()
            await asyncio.sleep(0)
        assert stage.events("internal error") == []
        assert stage.server.counters.protocol_errors["internal"] == 0

    run_virtually(run())


def frames_of(octets: bytes) -> list[bytes]:
    frames = []
    while octets:
        length = int.from_bytes(octets[:4], "big")
        frames.append(octets[:length])
        octets = octets[length:]
    return frames


def sms(destination: str = "447700900123", text: str = "Hello", **fields: Any) -> SubmitSm:
    return SubmitSm(
        source_addr_ton=5,
        source_addr=fields.pop("source_addr", b"smppd"),
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=destination.encode(),
        registered_delivery=fields.pop("registered_delivery", 1),
        short_message=fields.pop("short_message", text.encode("latin-1")),
        **fields,
    )


__all__ = ["EnquireLink", "Esme", "Stage", "SubmitSm", "Unbind", "frames_of", "on_stage", "read", "sms"]
