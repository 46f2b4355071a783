"""What the coordinator and its worker processes say to each other over a pipe. Everything here can be pickled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smppd.load.receipts import Stray
    from smppd.load.result import Counters, Interval, Phase, WorkerReport


@dataclass(frozen=True, slots=True)
class Run:
    """Get ready for one run: bind if not bound yet, and answer with `Ready`. Times in seconds."""

    rate: str | None = None
    """Messages per second of all workers, as `parse_schedule` reads it; None: closed loop."""
    duration: float | None = None
    count: int | None = None
    """submit_sm of all workers."""
    warm_up: float = 0.0
    drain: float = 20.0
    flush: bool = True
    """Whether messages that are due and unsent at the end of measuring are still sent."""


@dataclass(frozen=True, slots=True)
class Go:
    """Begin at this moment of the system's monotonic clock, which all processes share."""

    start: float


@dataclass(frozen=True, slots=True)
class Release:
    """Nobody waits for anything any more: the drain is over."""


@dataclass(frozen=True, slots=True)
class Strays:
    """Receipts that came to a worker which does not know their messages; the coordinator hands them to the next."""

    receipts: list[Stray]


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run early and report."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Unbind and end."""


@dataclass(frozen=True, slots=True)
class Ready:
    """All binds of this worker stand."""

    binds: int
    system_id: str
    """What the SMSC calls itself."""
    interface_version: int | None
    """sc_interface_version of the bind response."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The worker could not bind: why, in words. It ends."""

    reason: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How it goes, a few times a second."""

    phase: Phase
    counters: Counters
    behind: int
    bound: int
    intervals: list[Interval] = field(default_factory=list)
    """Those that ended since the last snapshot."""
    note: str = ""
    at: float = 0.0
    """When this was so, by the clock that all workers share."""
    idle: bool = False
    """Everything has come; the worker waits for `Release` or the end of the drain."""


@dataclass(frozen=True, slots=True)
class Report:
    """The end of a run. `failure` says why it ended early, "" when it did not."""

    report: WorkerReport
    failure: str = ""


Command = Run | Go | Strays | Release | Stop | Finish
Answer = Ready | Failed | Snapshot | Strays | Report
