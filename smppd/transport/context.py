"""What every connection of one server shares. The composition root fills it; nobody else makes one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from smppd.accounts import AccountBook
    from smppd.engine.core import Engine
    from smppd.observe.counters import Counters
    from smppd.observe.journal import Journal
    from smppd.observe.logs import LoggerFactory, Privacy, ProtocolErrorLog
    from smppd.settings import Settings
    from smppd.transport.smsc import SmscConnection


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
    connections: set[SmscConnection] = field(default_factory=set)
    unbound: int = 0
    """Connections that have not bound (yet, or any more)."""
    opened: int = 0
    """Connections accepted so far; the next one gets this number as its name."""
    draining: bool = False
    """The server is shutting down: no new binds."""
