"""What every connection of one server shares. The composition root fills it; nobody else makes one."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from smppd.observe.events import Events
from smppd.observe.roster import Roster

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from smppd.accounts import AccountBook
    from smppd.engine.core import Engine
    from smppd.engine.ports import Behaviour, SessionFaults
    from smppd.observe.counters import Counters
    from smppd.observe.journal import Journal
    from smppd.observe.logs import LoggerFactory, Privacy, ProtocolErrorLog
    from smppd.settings import Settings
    from smppd.transport.connection import Connection

VERIFIERS: Final = 2
"""Threads that verify password hashes: each takes 16 MiB and a processor while it works, and a flood of wrong passwords
must leave something of both to the sessions that are bound. Binds beyond that wait, as long as session_init allows."""


class Faults(Protocol):
    """What may lie between a connection and its transport."""

    def wrap(self, connection: Connection) -> asyncio.Protocol:
        """What asyncio is to talk to: the connection, or a layer beneath it."""

    def bound(self, connection: Connection, account: str) -> None:
        """An ESME is about to be told that it is bound; whatever was said before has been written."""


def _verifiers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(VERIFIERS, thread_name_prefix="scrypt")


@dataclass(slots=True)
class Context:
    """The server as its connections see it."""

    settings: Settings
    accounts: AccountBook
    engine: Engine
    counters: Counters
    journal: Journal
    privacy: Privacy
    log: FilteringBoundLogger
    logger: LoggerFactory
    error_log: ProtocolErrorLog
    monotonic: Callable[[], float]
    """Real time in seconds: session timers always run on it, whatever clock the engine has."""
    wall: Callable[[], float]
    """Unix time in seconds, for the journal."""
    behaviour: Behaviour | None = None
    """The rules; None where there never were any."""
    connections: set[Connection] = field(default_factory=set)
    roster: Roster = field(default_factory=Roster)
    """Who is and was connected."""
    bound_once: set[tuple[str, str]] = field(default_factory=set)
    """(system_id, bind type) of all sessions there have been: from then on their number is a figure, if only 0."""
    unbound: int = 0
    """Connections that have not bound (yet, or any more)."""
    opened: int = 0
    """Connections accepted so far; the next one gets this number as its name."""
    listens: bool = True
    """Whether anything is read from ESMEs; see `smppd.transport.standstill`."""
    is_still: bool = False
    """Whether the engine stands still."""
    draining: bool = False
    """The server is shutting down: no new binds."""
    faults: Faults | None = None
    """Set by whoever wires faults."""
    session_faults: SessionFaults | None = None
    """What goes wrong with sessions; None while nothing does."""
    verifiers: ThreadPoolExecutor = field(default_factory=_verifiers)
    """Where password hashes are verified; its threads start when there is something to do."""
    deserted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while there is no connection, once there has been one."""
    events: Events = field(init=False)
    """What happens, for those who look."""

    def __post_init__(self) -> None:
        """Watch the journal."""
        self.events = Events(self.journal, self.wall)

    def wrapped(self, connection: Connection) -> asyncio.Protocol:
        """What asyncio is to talk to in the place of a new connection."""
        return connection if self.faults is None else self.faults.wrap(connection)

    def join(self, connection: Connection) -> str:
        """Count a new connection, which is not bound; returns its name."""
        self.connections.add(connection)
        self.deserted.clear()
        self.unbound += 1
        self.opened += 1
        return str(self.opened)

    def rename(self, connection: Connection) -> None:
        """Give a connection the next name: the one it has is that of another, which somebody has brought."""
        self.opened += 1
        connection.rename(str(self.opened))

    def leave(self, connection: Connection) -> None:
        """A connection has ended (one that never joined may say so too)."""
        self.connections.discard(connection)
        if not self.connections:
            self.deserted.set()

    def refusal(self) -> str:
        """Why no further connection is welcome, as a kind of protocol error; "" when one is."""
        limits = self.settings.server
        if self.draining:
            return "draining"
        if len(self.connections) >= limits.max_connections:
            return "max_connections"
        return "max_unbound" if self.unbound >= limits.max_unbound else ""
