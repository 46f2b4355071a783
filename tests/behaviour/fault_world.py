"""A world in which things go wrong: an engine, a book of faults, and a desk that puts them to work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smppd.behaviour.fault_desk import FaultDesk
from smppd.behaviour.faults import FaultBook
from smppd.behaviour.waits import Waits
from smppd.engine.esmes import Bind
from smppd.engine.ports import SessionFaults
from smppd.settings.faults import Fault
from smppwire.validation import ValidationPolicy
from tests.behaviour.fake_wire import FakeLoop
from tests.engine.world import ALICE, PATIENCE, Line, Phone, World

STARTED = 1000.0
"""When a world begins, on the engine's clock."""


class LoopOfDelays:
    """An event loop that knows `call_later` alone; its time is told."""

    def __init__(self) -> None:
        self.real = FakeLoop()

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Any:
        return self.real.call_at(self.real.now + delay, callback)


class FakeSession:
    """A connection, as faults of sessions see it: it keeps what it is told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.bind: Bind | None = None
        self.unanswered = 0
        self.did: list[str] = []

    def enquire_link(self) -> None:
        self.did.append("enquire_link")

    def unbind(self) -> None:
        self.did.append("unbind")

    def close(self) -> None:
        self.did.append("close")


class FaultyWorld(World):
    """An engine and its faults; sessions are numbered from 1 on."""

    def __init__(self, *faults: Fault, seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.loop = LoopOfDelays()
        self.waits = Waits(self.clock.now, self._wake)
        self.sessions: list[FakeSession] = []
        self.attached: SessionFaults | None = None
        self.book = FaultBook(faults, waits=self.waits, seed=seed)
        self.desk = FaultDesk(
            self.book,
            self.engine,
            self.waits,
            sessions=lambda: self.sessions,
            attach=self._attach,
            loop=lambda: self.loop,
        )

    def _attach(self, faults: SessionFaults | None) -> None:
        self.attached = faults

    def bind(self, system_id: str = ALICE, kind: str = "transceiver", **options: Any) -> Phone:
        """A bound session, with `session` as faults see it."""
        phone = Phone(self.engine, options.pop("window", 1_000_000))
        session = FakeSession(str(len(self.sessions) + 1))
        version = options.pop("version", 0x34)
        phone.bind = session.bind = Bind(
            session.name,
            self.engine.esmes[system_id],
            Line(phone),
            receives=kind != "transmitter",
            tlvs=version >= 0x34,
            policy=ValidationPolicy(interface_version=version),
            bound_at=self.clock.now(),
        )
        self.sessions.append(session)
        self.engine.open_bind(phone.bind)
        if self.attached is not None:
            self.attached.bound(session, phone.bind)
        return phone

    def session(self, phone: Phone) -> FakeSession:
        return next(session for session in self.sessions if session.name == phone.bind.bind_id)

    def settle(self) -> float | None:
        for _ in range(PATIENCE):
            wakes = self.wakes
            delays = [delay for delay in (self.engine.run(), self.waits.run()) if delay is not None]
            if wakes == self.wakes and (not delays or min(delays) > 0):
                return min(delays, default=None)
        raise AssertionError("the world spins")

    def hits(self, name: str) -> int:
        return self.book.hits()[name].fired

    def replace(self, *faults: Fault) -> None:
        self.book.replace(faults)
