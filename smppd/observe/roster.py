"""The roster: which connections there are and were, and who was bound on each of them, when.

Frames of the journal name a session; the roster says who that was, long after the session has ended.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from smppd.observe.session_counters import SessionCounters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smppd.settings import BindType

MAX_ENDED: Final = 10_000
"""Connections remembered after their end, about 1,000 octets each: more than the journal usually has frames of."""

MAX_BINDS: Final = 100
"""Binds remembered of one connection: a peer that binds and unbinds for ever on the same one must not fill memory."""


@dataclass(slots=True)
class BindRecord:
    """One bind of a connection. Times are Unix time in seconds."""

    system_id: str
    bind_type: BindType
    interface_version: int
    """What the ESME said (SMPP 3.4 section 5.2.4)."""
    version: int
    """What the session speaks: 0x33 stands for 3.3 or earlier."""
    system_type: str
    address_range: str
    default_alphabet: str
    """What data_coding 0 stands for in the account's dialect."""
    bound_at: float
    unbound_at: float | None = None


@dataclass(slots=True)
class RefusedBind:
    """One bind that was refused. `at` is Unix time in seconds."""

    system_id: str
    """Who wanted to bind, as the peer said it."""
    bind_type: BindType
    command_status: int
    at: float


@dataclass(slots=True)
class ConnectionRecord:
    """One connection; `session` is its number in logs and in the journal. Times are Unix time in seconds."""

    session: str
    peer: str
    """Address and port, as in logs."""
    opened_at: float
    closed_at: float | None = None
    binds: list[BindRecord] = field(default_factory=list)
    """The binds, oldest first, at most MAX_BINDS."""
    refused: list[RefusedBind] = field(default_factory=list)
    """The binds that were refused, oldest first, at most MAX_BINDS."""
    counters: SessionCounters = field(default_factory=SessionCounters)
    """What the session counts, and has counted when it has ended."""
    reason: str = ""
    """Why it ended, once it has: one of `smppd.transport.connection.REASONS`."""

    @property
    def bind(self) -> BindRecord | None:
        """The latest bind, whether it still stands or not."""
        return self.binds[-1] if self.binds else None

    def bind_at(self, moment: float) -> BindRecord | None:
        """The bind that a PDU of this moment belongs to: the latest that began before; None before the first."""
        for bind in reversed(self.binds):
            if bind.bound_at <= moment:
                return bind
        return None


class Roster:
    """All open connections, and the latest of those that have ended."""

    def __init__(self, max_ended: int = MAX_ENDED) -> None:
        """Remember at most `max_ended` connections after their end."""
        self._open: dict[str, ConnectionRecord] = {}
        self._ended: dict[str, ConnectionRecord] = {}
        self._order: deque[str] = deque()
        self._max_ended = max_ended

    def opened(self, session: str, peer: str, at: float, counters: SessionCounters | None = None) -> None:
        """A connection stands; `counters` are what it goes on adding to."""
        self._open[session] = ConnectionRecord(session, peer, at, counters=counters or SessionCounters())

    def bound(self, session: str, bind: BindRecord) -> None:
        """An ESME is bound on a connection."""
        record = self._open.get(session)
        if record is not None:
            if len(record.binds) >= MAX_BINDS:
                del record.binds[0]
            record.binds.append(bind)

    def refused(self, session: str, bind: RefusedBind) -> None:
        """A bind on a connection was refused."""
        record = self._open.get(session)
        if record is not None and len(record.refused) < MAX_BINDS:
            record.refused.append(bind)

    def unbound(self, session: str, at: float) -> None:
        """The latest bind of a connection has ended."""
        record = self.find(session)
        if record is not None and record.bind is not None and record.bind.unbound_at is None:
            record.bind.unbound_at = at

    def closed(self, session: str, at: float, reason: str = "") -> None:
        """A connection has ended; one that never stood may say so too."""
        record = self._open.pop(session, None)
        if record is None:
            return
        record.closed_at = at
        record.reason = reason
        self._ended[session] = record
        self._order.append(session)
        while len(self._order) > self._max_ended:
            del self._ended[self._order.popleft()]

    def rename(self, before: str, now: str) -> None:
        """An open connection has another name from now on."""
        record = self._open.pop(before, None)
        if record is not None:
            record.session = now
            self._open[now] = record

    def take_over(self, ended: Iterable[ConnectionRecord]) -> None:
        """Remember these, the oldest first, in the place of all that have ended; open ones go before them."""
        self._ended = {record.session: record for record in ended if record.session not in self._open}
        self._order = deque(self._ended)
        while len(self._order) > self._max_ended:
            del self._ended[self._order.popleft()]

    def find(self, session: str) -> ConnectionRecord | None:
        """What is known of a connection; None when it never was, or was too long ago."""
        return self._open.get(session) or self._ended.get(session)

    def sessions(self, *, still_open: bool, ended: bool) -> list[str]:
        """The numbers of those connections that are open, or have ended and are remembered, or both."""
        return [*(self._open if still_open else ()), *(self._ended if ended else ())]

    def ended(self) -> Iterator[ConnectionRecord]:
        """The connections that have ended and are remembered, the latest first."""
        return (self._ended[session] for session in reversed(self._order))

    def __iter__(self) -> Iterator[ConnectionRecord]:
        """The open connections, oldest first."""
        return iter(list(self._open.values()))

    def __len__(self) -> int:
        return len(self._open)
