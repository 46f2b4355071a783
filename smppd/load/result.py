"""What a load test found: the report of each worker, the result of all of them, and what is shown meanwhile.

Everything here adds up. Two intervals, two reports or two results of parts of the same test make one by addition, in
any order and grouping. No phone number and no text of a message enters any of it: offenders are named by bind,
sequence number and message id.

Names of counters are the attributes of :class:`Counters`; names of metrics for thresholds are those of :data:`METRICS`.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from smppd.load.histogram import Histogram, HistogramState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

FORMAT: Final = 1
"""The version of ``Result.as_json``: it grows when a key changes its meaning or goes, not when one is added."""

MOST_OFFENDERS: Final = 100
"""Offenders of a kind that are listed; more are of no help to whoever looks for the cause. Their number is exact."""

MOST_ERRORS: Final = 100
"""Errors of a worker that are listed in words."""

MOST_INTERVALS: Final = 3600
"""Points of a time series before it becomes coarser: an hour of seconds, and twice as many as a wide screen shows."""

PERCENTILES: Final = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99)
"""Percentiles that a report states."""

PRIVATE: Final = frozenset({"password", "text", "to", "from", "sender", "source", "destination", "source_addr"})
"""Keys of the configuration that a report does not repeat."""

Phase = Literal["connecting", "warm-up", "measuring", "draining", "done"]

Latency = Literal["submit_response", "service", "receipt", "mo_answer", "send_lag"]

LATENCIES: Final[tuple[Latency, ...]] = ("submit_response", "service", "receipt", "mo_answer", "send_lag")
"""The histograms. submit_response: from the intended send time to the submit_sm_resp. service: the same from the actual
send, which leaves out what waited on our side. receipt: from the intended send time to the final receipt. mo_answer:
from an MO message to the submit_sm_resp of our answer to it. send_lag: from the intended time to the actual send, of
what found room in a window, in open loop: how late the generator itself was."""


@dataclass(slots=True)
class Counters:
    """How many of what. All of them add up over workers.

    Each submit_sm is in exactly one of ok, throttled, errors, unanswered (or still in flight). Each accepted one that
    asked for a receipt is in exactly one of receipts, missing_receipts (or still awaited).
    """

    offered: int = 0
    """Arrivals that the schedule intended; in closed loop the same as sent."""
    sent: int = 0
    """submit_sm written to a socket."""
    late: int = 0
    """Of those, written more than 1 ms after the intended time."""
    ok: int = 0
    """Answered ESME_ROK."""
    throttled: int = 0
    """Answered ESME_RTHROTTLED or ESME_RMSGQFUL."""
    errors: int = 0
    """Answered with any other status."""
    timed_out: int = 0
    """Not answered within the response timeout."""
    connection_lost: int = 0
    """Not answered when their connection ended."""
    late_answers: int = 0
    """Answered after they had been counted in timed_out, from which they are taken out again."""
    doubled_answers: int = 0
    """Further responses to what was answered."""
    unknown_answers: int = 0
    """Responses with a sequence number of no submit_sm."""
    wanted_receipts: int = 0
    """Accepted messages that asked for a receipt."""
    receipts: int = 0
    """First final receipts of those."""
    missing_receipts: int = 0
    """Receipts that had not come at the end, or were given up when too many were awaited."""
    doubled_receipts: int = 0
    """Further final receipts for a message that had one."""
    unknown_receipts: int = 0
    """Receipts for no message of ours."""
    early_receipts: int = 0
    """Of the receipts, those that came before their submit_sm_resp."""
    respelled_receipts: int = 0
    """Of the receipts, those that spell the message id otherwise than the response (hexadecimal, decimal, zeros)."""
    late_receipts: int = 0
    """Of the receipts, those that came after they had been given up."""
    intermediate: int = 0
    """Intermediate notifications and receipts whose state is not final."""
    duplicate_ids: int = 0
    """Accepted messages with the id of another one."""
    missing_ids: int = 0
    """Accepted messages without an id."""
    unsent: int = 0
    """Arrivals that were offered and never sent: the backlog was full, or the run ended."""
    repeated: int = 0
    """Of those sent, messages that were throttled before and are sent again."""
    mo: int = 0
    """Messages from subscribers."""
    mo_ignored: int = 0
    """Of those, the ones that stayed unanswered because too many answers waited to be sent."""
    mo_answers: int = 0
    """Of those, the ones that we answered and whose answer was accepted."""

    @property
    def answered(self) -> int:
        """Messages with an answer, whatever its status."""
        return self.ok + self.throttled + self.errors

    @property
    def unanswered(self) -> int:
        """Messages without one."""
        return self.timed_out + self.connection_lost

    @property
    def in_flight(self) -> int:
        """Messages that are sent, and neither answered nor given up."""
        return self.sent - self.answered - self.unanswered

    @property
    def awaited_receipts(self) -> int:
        """Receipts that are still to come."""
        return self.wanted_receipts - self.receipts - self.missing_receipts

    @property
    def lost(self) -> int:
        """Messages without an answer and receipts that did not come."""
        return self.unanswered + self.missing_receipts

    def __add__(self, other: Self) -> Self:
        """Both together."""
        return self._combine(other, int.__add__)

    def __sub__(self, other: Self) -> Self:
        """What came since ``other`` was copied."""
        return self._combine(other, int.__sub__)

    def copy(self) -> Self:
        """The same numbers, standing still."""
        return self._combine(type(self)(), int.__add__)

    def _combine(self, other: Self, operation: Callable[[int, int], int]) -> Self:
        return type(self)(*(operation(getattr(self, name), getattr(other, name)) for name in COUNTERS))


COUNTERS: Final = tuple(each.name for each in fields(Counters))
"""The names of all counters."""


@dataclass(frozen=True, slots=True)
class Interval:
    """One point of the time series: what happened in one second.

    t: where it begins, in seconds since the start of measuring (negative in the warm-up). seconds: its length, 1.0
    until the series became too long, then 2.0, 4.0 and so on. submitted: submit_sm sent. offered: arrivals intended.
    in_flight: messages without an answer at the end of a second, the mean of its seconds. behind: arrivals that were
    due and not sent, likewise. latency: the times from intended send to response of what was answered in it.
    """

    t: float
    seconds: float = 1.0
    offered: int = 0
    submitted: int = 0
    ok: int = 0
    throttled: int = 0
    errors: int = 0
    receipts: int = 0
    mo_answers: int = 0
    in_flight: float = 0.0
    behind: float = 0.0
    latency: HistogramState = field(default_factory=HistogramState)

    @property
    def answered(self) -> int:
        """Responses of any status."""
        return self.ok + self.throttled + self.errors

    def percentiles(self, *ps: float) -> list[float]:
        """Percentiles (0 to 100) of ``latency`` in seconds; 0.0 each when nothing was answered."""
        return Histogram.of(self.latency).percentiles(ps)

    def beside(self, other: Interval) -> Interval:
        """The same seconds elsewhere added: those of another worker, or of another part of a longer interval."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in _ADDITIVE}
        return replace(self, latency=self.latency + other.latency, **sums)

    def widened(self, t: float, seconds: float) -> Interval:
        """The same as a part of a longer interval, whose mean of ``in_flight`` and ``behind`` it shares in."""
        part = self.seconds / seconds
        return replace(self, t=t, seconds=seconds, in_flight=self.in_flight * part, behind=self.behind * part)


_ADDITIVE: Final = (
    "offered", "submitted", "ok", "throttled", "errors", "receipts", "mo_answers", "in_flight", "behind",
)  # fmt: skip


@dataclass(slots=True)
class WorkerReport:
    """What one worker found; picklable, and additive with ``+``.

    counters: of the whole run, warm-up included. measured: the same between the start and the end of measuring.
    statuses: answers by name of their command_status, ESME_ROK included. receipt_states: final receipts by state as
    appendix B spells it. The histograms leave out what was intended before measuring began. offenders: the first of
    each kind in words; the exact numbers are in the counters. seconds: how long was measured. binds: that were bound.
    reconnects: binds that were made anew. cpu_seconds: processor time of the worker's process.
    """

    counters: Counters = field(default_factory=Counters)
    measured: Counters = field(default_factory=Counters)
    statuses: dict[str, int] = field(default_factory=dict)
    receipt_states: dict[str, int] = field(default_factory=dict)
    submit_response: HistogramState = field(default_factory=HistogramState)
    service: HistogramState = field(default_factory=HistogramState)
    receipt: HistogramState = field(default_factory=HistogramState)
    mo_answer: HistogramState = field(default_factory=HistogramState)
    send_lag: HistogramState = field(default_factory=HistogramState)
    intervals: list[Interval] = field(default_factory=list)
    offenders: dict[str, list[str]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    workers: int = 1
    binds: int = 0
    reconnects: int = 0
    cpu_seconds: float = 0.0

    def __add__(self, other: WorkerReport) -> WorkerReport:
        """Both together; the lists of offenders and errors keep the first of each."""
        return WorkerReport(
            counters=self.counters + other.counters,
            measured=self.measured + other.measured,
            statuses=add_counts(self.statuses, other.statuses),
            receipt_states=add_counts(self.receipt_states, other.receipt_states),
            submit_response=self.submit_response + other.submit_response,
            service=self.service + other.service,
            receipt=self.receipt + other.receipt,
            mo_answer=self.mo_answer + other.mo_answer,
            send_lag=self.send_lag + other.send_lag,
            intervals=side_by_side(self.intervals, other.intervals),
            offenders={
                kind: (self.offenders.get(kind, []) + other.offenders.get(kind, []))[:MOST_OFFENDERS]
                for kind in sorted({*self.offenders, *other.offenders})
            },
            errors=(self.errors + other.errors)[:MOST_ERRORS],
            seconds=max(self.seconds, other.seconds),
            workers=self.workers + other.workers,
            binds=self.binds + other.binds,
            reconnects=self.reconnects + other.reconnects,
            cpu_seconds=self.cpu_seconds + other.cpu_seconds,
        )


NOTHING: Final = WorkerReport(workers=0)
"""The report of no worker at all: what a sum starts with."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What is shown while the test runs; all workers together.

    elapsed: seconds since the start of the phase before measuring (connecting included). ends: elapsed at the expected
    end of measuring; None when the end is not a matter of time. Rates are per second over the last second: offered
    (intended arrivals), sent, answered, ok, receipts. behind: arrivals that are due and not sent. p50 and p99: response
    times of the last second, in seconds from the intended send; overall_p50 and overall_p99: since measuring began.
    bound: binds that stand now, of ``binds``. note: one line to show, "" for none.
    """

    elapsed: float
    phase: Phase
    counters: Counters = field(default_factory=Counters)
    ends: float | None = None
    offered_rate: float = 0.0
    sent_rate: float = 0.0
    answered_rate: float = 0.0
    ok_rate: float = 0.0
    throttled_rate: float = 0.0
    receipts_rate: float = 0.0
    in_flight: int = 0
    behind: int = 0
    p50: float = 0.0
    p99: float = 0.0
    overall_p50: float = 0.0
    overall_p99: float = 0.0
    bound: int = 0
    binds: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """The SMSC that was loaded. interface_version: of the bind response (0x34, 0x50), None when it told none."""

    host: str
    port: int
    tls: bool = False
    system_id: str = ""
    interface_version: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a load test found.

    report: the sum of all workers. configuration: what was asked for, as plain JSON values (the keys of ``PRIVATE`` are
    left out of reports). started_at: when the test began, with a time zone. finished: False when it was interrupted.
    """

    report: WorkerReport
    target: Target
    configuration: Mapping[str, Any]
    started_at: datetime
    finished: bool = True

    @property
    def seconds(self) -> float:
        """How long was measured, without warm-up and drain."""
        return self.report.seconds

    def histogram(self, name: Latency) -> Histogram:
        """One of the histograms."""
        state: HistogramState = getattr(self.report, name)
        return Histogram.of(state)

    def metric(self, name: str) -> float:
        """A metric by name (``find_metric``): seconds, messages, messages per second, or percent.

        Raises KeyError for a name that is none; a latency of which nothing was measured is nan. Latencies and rates are
        those of the measured time; counts are of the
        whole run, so that nothing that was lost in warm-up or drain goes unseen.
        """
        metric = find_metric(name)
        if metric is None:
            raise KeyError(name)
        return metric.of(self)

    def as_json(self) -> dict[str, Any]:
        """The report for machines; docs/load.md lists the keys.

        Times are seconds, latencies milliseconds. Neither phone numbers nor texts nor passwords are in it.
        """
        report = self.report
        counters = report.counters
        return {
            "format": FORMAT,
            "started_at": self.started_at.isoformat(),
            "finished": self.finished,
            "seconds": round(self.seconds, 6),
            "target": asdict(self.target),
            "configuration": public(self.configuration),
            "workers": report.workers,
            "binds": report.binds,
            "reconnects": report.reconnects,
            "cpu_seconds": round(report.cpu_seconds, 3),
            "rates": {name: round(self.metric(name), 3) for name, metric in METRICS.items() if metric.unit == "/s"},
            "counters": asdict(counters) | {name: getattr(counters, name) for name in _DERIVED},
            "measured": asdict(report.measured),
            "statuses": dict(sorted(report.statuses.items())),
            "receipt_states": dict(sorted(report.receipt_states.items())),
            "latency_ms": {name: latency_json(self.histogram(name)) for name in LATENCIES},
            "intervals": [interval_json(interval) for interval in report.intervals],
            "offenders": {kind: list(items) for kind, items in sorted(report.offenders.items())},
            "errors": list(report.errors),
        }


_DERIVED: Final = ("answered", "unanswered", "in_flight", "awaited_receipts", "lost")
"""What a report states besides the plain counters."""


@dataclass(frozen=True, slots=True)
class Metric:
    """Something that can be measured against a threshold.

    unit: "s" (seconds), "/s" (per second), "%" (percent) or "" (a count).
    """

    unit: Literal["s", "/s", "%", ""]
    meaning: str
    of: Callable[[Result], float]


def merge(reports: Iterable[WorkerReport]) -> WorkerReport:
    """The sum of the reports of all workers."""
    total = NOTHING
    for report in reports:
        total = total + report
    return total


def add_counts(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Two tables of counts in one."""
    return {key: one.get(key, 0) + other.get(key, 0) for key in sorted({*one, *other})}


def side_by_side(one: Sequence[Interval], other: Sequence[Interval]) -> list[Interval]:
    """The time series of two workers in one; the finer one is made as coarse as the other."""
    if not one or not other:
        return list(one or other)
    width = max(widest(one), widest(other))
    merged: dict[float, Interval] = {}
    for interval in (*coarsen(one, width), *coarsen(other, width)):
        present = merged.get(interval.t)
        merged[interval.t] = present.beside(interval) if present else interval
    return [merged[t] for t in sorted(merged)]


def widest(intervals: Sequence[Interval]) -> float:
    """The longest interval of a series, in seconds."""
    return max(interval.seconds for interval in intervals)


def coarsen(intervals: Sequence[Interval], width: float) -> list[Interval]:
    """The same series in intervals of ``width`` seconds, a power of two; their borders are multiples of it."""
    joined: dict[float, Interval] = {}
    for interval in intervals:
        t = interval.t // width * width
        wide = interval.widened(t, width)
        joined[t] = joined[t].beside(wide) if t in joined else wide
    return list(joined.values())


def public(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without the keys of ``PRIVATE``, on every level."""
    shown = {key: value for key, value in configuration.items() if key.rstrip("_") not in PRIVATE}
    return {key: public(value) if isinstance(value, dict) else value for key, value in shown.items()}


def latency_json(histogram: Histogram) -> dict[str, float]:
    """A histogram as a report states it: count, and milliseconds for the rest."""
    values = histogram.percentiles(PERCENTILES)
    named = {"min": histogram.min, "mean": histogram.mean, "stdev": histogram.stdev}
    named |= {percentile_name(p): value for p, value in zip(PERCENTILES, values, strict=True)}
    named["max"] = histogram.max
    return {"count": histogram.count} | {name: _ms(seconds) for name, seconds in named.items()}


def interval_json(interval: Interval) -> dict[str, float]:
    """A point of the time series as a report states it: rates per second, and milliseconds."""
    p50, p99, most = interval.percentiles(50.0, 99.0, 100.0)
    point = {"t": interval.t, "seconds": interval.seconds}
    for name in ("offered", "submitted", "answered", "ok", "throttled", "errors", "receipts", "mo_answers"):
        point[name] = round(getattr(interval, name) / interval.seconds, 3)
    point |= {"in_flight": round(interval.in_flight, 3), "behind": round(interval.behind, 3)}
    return point | {"p50_ms": _ms(p50), "p99_ms": _ms(p99), "max_ms": _ms(most)}


def percentile_name(p: float) -> str:
    """``p50``, ``p99.99``."""
    return f"p{p:g}"


def _ms(seconds: float) -> float:
    """Milliseconds to a microsecond."""
    return round(seconds * 1e3, 3)


def _share(part: int, whole: int) -> float:
    """Percent; 0.0 of nothing."""
    return 100.0 * part / whole if whole else 0.0


def find_metric(name: str) -> Metric | None:
    """The metric of a name: one of ``METRICS``, or any percentile (``p98``, ``receipt_p99.5``). None: no such."""
    found = _ANY_PERCENTILE.fullmatch(name)
    if name in METRICS or found is None:
        return METRICS.get(name)
    p = float(found[2])
    return Metric("s", f"{p:g} % of {_TIMED[found[1]][1]} were not slower", _percentile(_TIMED[found[1]][0], p))


def _latency_metrics(prefix: str) -> dict[str, Metric]:
    """Percentiles, maximum and mean of a histogram."""
    name, what = _TIMED[prefix]
    metrics = {
        prefix + percentile_name(p): Metric("s", f"{p:g} % of {what} were not slower", _percentile(name, p))
        for p in PERCENTILES
    }
    metrics[prefix + "max"] = Metric("s", f"the slowest of {what}", _timed(name, lambda times: times.max))
    metrics[prefix + "mean"] = Metric("s", f"the mean of {what}", _timed(name, lambda times: times.mean))
    return metrics


def _percentile(name: Latency, p: float) -> Callable[[Result], float]:
    return _timed(name, lambda times: times.percentile(p))


def _timed(name: Latency, of: Callable[[Histogram], float]) -> Callable[[Result], float]:
    """Something of a histogram; nan when nothing is in it. In closed loop nothing lags: that is 0."""
    nothing = 0.0 if name == "send_lag" else math.nan

    def value(result: Result) -> float:
        times = result.histogram(name)
        return of(times) if times.count else nothing

    return value


def _count(name: str, meaning: str) -> Metric:
    """A counter of the whole run."""
    return Metric("", meaning, lambda result: getattr(result.report.counters, name))


def _rate(name: str, meaning: str) -> Metric:
    """A counter of the measured time, per second."""
    return Metric(
        "/s", meaning, lambda result: getattr(result.report.measured, name) / result.seconds if result.seconds else 0.0
    )


def _error_rate(result: Result) -> float:
    counters = result.report.counters
    return _share(counters.errors + counters.throttled + counters.unanswered, counters.answered + counters.unanswered)


def _throttled_rate(result: Result) -> float:
    return _share(result.report.counters.throttled, result.report.counters.answered)


_TIMED: Final[dict[str, tuple[Latency, str]]] = {
    "": ("submit_response", "the responses, from the intended send time,"),
    "service_": ("service", "the responses, from the actual send,"),
    "receipt_": ("receipt", "the receipts, from the intended send time,"),
    "mo_": ("mo_answer", "the answers to MO messages, from their arrival,"),
    "lag_": ("send_lag", "the sends, from the intended time,"),
}
"""What stands before the name of a metric that is a time, its histogram, and what that is of."""

_ANY_PERCENTILE: Final = re.compile(rf"({'|'.join(_TIMED)})p(\d\d?(?:\.\d{{1,4}})?)", re.ASCII)

METRICS: Final[dict[str, Metric]] = {
    **{name: metric for prefix in _TIMED for name, metric in _latency_metrics(prefix).items()},
    "rate": _rate("answered", "responses of any status per second"),
    "ok_rate": _rate("ok", "accepted messages per second"),
    "sent_rate": _rate("sent", "messages sent per second"),
    "offered_rate": _rate("offered", "messages intended per second"),
    "receipts_rate": _rate("receipts", "receipts per second"),
    "error_rate": Metric("%", "messages that were refused, throttled or not answered", _error_rate),
    "throttled_rate": Metric("%", "answers that were ESME_RTHROTTLED or ESME_RMSGQFUL", _throttled_rate),
    "sent": _count("sent", "messages sent"),
    "ok": _count("ok", "accepted messages"),
    "errors": _count("errors", "messages refused with any status but ESME_RTHROTTLED and ESME_RMSGQFUL"),
    "throttled": _count("throttled", "messages refused with ESME_RTHROTTLED or ESME_RMSGQFUL"),
    "unsent": _count("unsent", "messages that were due and never sent"),
    "late": _count("late", "messages sent more than 1 ms after the intended time"),
    "lost": _count("lost", "unanswered messages and missing receipts"),
    "unanswered": _count("unanswered", "messages without a response"),
    "timed_out": _count("timed_out", "messages without a response within the response timeout"),
    "connection_lost": _count("connection_lost", "messages whose connection ended before the response"),
    "receipts": _count("receipts", "final receipts, each message counted once"),
    "missing_receipts": _count("missing_receipts", "receipts that were asked for and did not come"),
    "doubled": Metric("", "doubled responses and receipts", lambda result: _doubled(result.report.counters)),
    "doubled_answers": _count("doubled_answers", "further responses to an answered message"),
    "doubled_receipts": _count("doubled_receipts", "further final receipts of a message"),
    "unknown": Metric(
        "", "responses and receipts for nothing of ours", lambda result: _unknown(result.report.counters)
    ),
    "unknown_answers": _count("unknown_answers", "responses with a sequence number of no message"),
    "unknown_receipts": _count("unknown_receipts", "receipts with the id of no message"),
    "duplicate_ids": _count("duplicate_ids", "accepted messages with the id of another one"),
    "missing_ids": _count("missing_ids", "accepted messages without an id"),
    "reconnects": Metric("", "binds that had to be made anew", lambda result: result.report.reconnects),
}
"""What thresholds can name; any other percentile is found by ``find_metric``."""


def _doubled(counters: Counters) -> int:
    return counters.doubled_answers + counters.doubled_receipts


def _unknown(counters: Counters) -> int:
    return counters.unknown_answers + counters.unknown_receipts
