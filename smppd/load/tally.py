"""What a worker has counted and timed so far: the sums behind a :class:`~smppd.load.ledger.Ledger`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from smppd.load.histogram import Histogram
from smppd.load.result import MOST_INTERVALS, MOST_OFFENDERS, Counters, Interval, WorkerReport, coarsen
from smppwire.constants import CommandStatus, state_name, status_name

if TYPE_CHECKING:
    from collections.abc import Sequence

LATE_AFTER: Final = 0.001
"""Seconds after its intended time from which on a message counts as sent late: a tick of an event loop."""

THROTTLED: Final = frozenset({CommandStatus.ESME_RTHROTTLED, CommandStatus.ESME_RMSGQFUL})
"""The statuses with which a message centre asks to be spared."""

_FEW: Final = 4
"""Durations are grouped before they are recorded when there are at least this many of each."""


class Tally:
    """Counters, histograms and the time series of one worker.

    since: what was intended earlier is in no histogram; it is the start of measuring, and until then of the warm-up.
    """

    __slots__ = (
        "_at_roll",
        "_at_start",
        "_interval",
        "_intervals",
        "_measured",
        "_offenders",
        "_origin",
        "_seconds",
        "_slot",
        "_submit_response",
        "_width",
        "counters",
        "mo_answer",
        "receipt",
        "service",
        "since",
        "states",
        "statuses",
    )

    def __init__(self) -> None:
        self.counters = Counters()
        self.statuses: dict[int, int] = {}
        self.states: dict[int | str, int] = {}
        self.since = self._origin = float("-inf")
        self.service = Histogram()
        self.receipt = Histogram()
        self.mo_answer = Histogram()
        self._submit_response = Histogram()
        self._interval = Histogram()
        self._intervals: list[Interval] = []
        self._offenders: dict[str, list[str]] = {}
        self._at_start = self.counters.copy()
        self._at_roll = self.counters.copy()
        self._measured: Counters | None = None
        self._seconds = 0.0
        self._slot = 0
        self._width = 1.0

    def note(self, kind: str, what: str) -> None:
        """Remember an offender, if it is one of the first of its kind."""
        offenders = self._offenders.setdefault(kind, [])
        if len(offenders) < MOST_OFFENDERS:
            offenders.append(what)

    def responded(self, intended: Sequence[float], written: Sequence[float], now: float) -> None:
        """Time the responses to messages that were intended and written at these times."""
        since = self.since
        if min(intended) < since:
            pairs = [pair for pair in zip(intended, written, strict=True) if pair[0] >= since]
            if not pairs:
                return
            intended, written = zip(*pairs, strict=True)
        record(self._interval, intended, now)
        record(self.service, written, now)

    def refused(self, status: int) -> None:
        """Count an answer with a status other than ESME_ROK."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status in THROTTLED:
            self.counters.throttled += 1
        else:
            self.counters.errors += 1

    def start_measuring(self, now: float) -> None:
        """The warm-up is over: histograms and the time series begin anew, counters go on."""
        self.since = self._origin = now
        for histogram in (self._interval, self._submit_response, self.service, self.receipt, self.mo_answer):
            histogram.clear()
        self._intervals.clear()
        self._at_start = self.counters.copy()
        self._at_roll = self.counters.copy()
        self._slot = 0
        self._width = 1.0

    def stop_measuring(self, now: float) -> None:
        """What comes from now on is drained; it belongs into histograms, and not into rates."""
        self._measured = self.counters - self._at_start
        self._seconds = now - self._origin

    def roll(self, now: float, behind: int) -> Interval:
        """Close the current interval of the time series."""
        counters = self.counters
        new = counters - self._at_roll
        interval = Interval(
            t=float(self._slot),
            offered=new.offered,
            submitted=new.sent,
            ok=new.ok,
            throttled=new.throttled,
            errors=new.errors,
            receipts=new.receipts,
            mo_answers=new.mo_answers,
            in_flight=counters.in_flight,
            behind=behind,
            latency=self._interval.snapshot(),
        )
        self._submit_response.add(interval.latency)
        self._interval.clear()
        self._at_roll = counters.copy()
        self._slot += 1
        if self._origin > float("-inf"):  # a timer may fire a little early, or much too late
            self._slot = max(self._slot, int(now - self._origin))
        self._keep(interval)
        return interval

    def report(self) -> WorkerReport:
        """Everything so far. What happened since the last ``roll`` is in the sums, and not yet in the time series."""
        response = Histogram()
        response.merge(self._submit_response)
        response.merge(self._interval)
        statuses = self.statuses | ({int(CommandStatus.ESME_ROK): self.counters.ok} if self.counters.ok else {})
        states: Counter[str] = Counter()
        for state, count in self.states.items():
            states[state if isinstance(state, str) else state_name(state)] += count
        return WorkerReport(
            counters=self.counters.copy(),
            measured=self._measured or self.counters - self._at_start,
            statuses={status_name(status): count for status, count in sorted(statuses.items())},
            receipt_states=dict(sorted(states.items())),
            submit_response=response.snapshot(),
            service=self.service.snapshot(),
            receipt=self.receipt.snapshot(),
            mo_answer=self.mo_answer.snapshot(),
            intervals=list(self._intervals),
            offenders={kind: list(items) for kind, items in self._offenders.items()},
            seconds=self._seconds,
        )

    def _keep(self, interval: Interval) -> None:
        """Add to the time series; when it is too long, it becomes half as long and twice as coarse."""
        intervals = self._intervals
        wide = interval.widened(interval.t // self._width * self._width, self._width)
        if intervals and intervals[-1].t == wide.t:
            intervals[-1] = intervals[-1].beside(wide)
        else:
            intervals.append(wide)
        if len(intervals) > MOST_INTERVALS:
            self._width *= 2
            self._intervals = coarsen(intervals, self._width)


def record(histogram: Histogram, starts: Sequence[float], now: float) -> None:
    """Time what began at ``starts`` and ends now; what was written together is counted together."""
    first = starts[0]
    if starts[-1] == first and starts.count(first) == len(starts):
        histogram.record_many(now - first, len(starts))
    elif _FEW * len(set(starts)) <= len(starts):
        for start, n in Counter(starts).items():
            histogram.record_many(now - start, n)
    else:
        histogram.record_since(now, starts)
