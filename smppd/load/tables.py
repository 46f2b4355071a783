"""What a result says, as tables: the terminal's summary and the HTML report show the same ones.

Cells are plain text, not escaped: names of statuses aside, they may hold what an SMSC sent (system_id, message ids).
Whoever shows them makes them safe for where they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from smppd.load import figures
from smppd.load.bottleneck import bottleneck
from smppd.load.result import LATENCIES, MOST_OFFENDERS, Latency
from smppd.load.thresholds import format_metric

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from smppd.load.adaptive import Outcome
    from smppd.load.histogram import Histogram
    from smppd.load.result import Counters, Result, Target
    from smppd.load.thresholds import Threshold

Mood = Literal["", "good", "bad"]

SHOWN_PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9, 99.99)

NAMES: Final[Mapping[Latency, str]] = {
    "submit_response": "submit response",
    "service": "service time",
    "receipt": "receipt",
    "mo_answer": "MO answer",
    "send_lag": "lag of the generator",
}

ROK: Final = "ESME_ROK"


@dataclass(frozen=True, slots=True)
class Row:
    """Cells of a table; `mood` says whether it is good news or bad."""

    cells: tuple[str, ...]
    mood: Mood = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a heading. Columns named in `words` hold text, all others but the first hold numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""
    words: frozenset[str] = field(default_factory=frozenset)
    wide: bool = False

    def is_text(self, column: int) -> bool:
        """Whether a column holds words (left) or numbers (right)."""
        return column == 0 or self.columns[column] in self.words


@dataclass(frozen=True, slots=True)
class Check:
    """A threshold of the user and what became of it."""

    text: str
    """As the user wrote it: ``p99 > 50ms``."""
    measured: str
    violated: bool

    @classmethod
    def of(cls, threshold: Threshold, result: Result) -> Check:
        """Measure a result against a threshold."""
        measured = format_metric(threshold.metric, result.metric(threshold.metric))
        return cls(threshold.text, measured, threshold.fails(result))


def tables(
    result: Result, checks: Sequence[Check] = (), outcome: Outcome | None = None, most_offenders: int = MOST_OFFENDERS
) -> list[Table]:
    """Everything a result says, the most important first; tables without rows are left out.

    most_offenders: how many of each kind to list.
    """
    found = [
        thresholds(checks),
        trials(outcome),
        latencies(result),
        rates(result),
        accounting(result),
        statuses(result),
        receipt_states(result),
        offenders(result, most_offenders),
        errors(result),
    ]
    return [table for table in found if table is not None and table.rows]


def thresholds(checks: Sequence[Check]) -> Table:
    """What was asked for with --fail-if."""
    rows = (
        Row((check.text, check.measured, "failed" if check.violated else "passed"), "bad" if check.violated else "good")
        for check in checks
    )
    columns = ("fail if", "measured", "result")
    return Table("Thresholds", columns, tuple(rows), words=frozenset({"result"}), wide=True)


def trials(outcome: Outcome | None) -> Table | None:
    """The table of the search for the highest rate."""
    if outcome is None:
        return None
    rows = (
        Row(
            (
                row.trial.stage + (", again" if row.trial.repeated else ""),
                figures.rate(row.probe.rate),
                figures.rate(row.probe.achieved),
                figures.latency(row.probe.p99),
                figures.share(row.probe.error_rate, 1),
                "; ".join(row.failures) or "passed",
            ),
            "good" if row.passed else "",
        )
        for row in outcome.rows
    )
    columns = ("trial", "offered", "achieved", "p99", "errors", "result")
    return Table("Search for the highest rate", columns, tuple(rows), outcome.note, frozenset({"result"}), wide=True)


def latencies(result: Result) -> Table:
    """Percentiles of each kind of latency that was measured."""
    names = [name for name in LATENCIES if result.histogram(name).count]
    rows = tuple(Row((NAMES[name], *_percentiles(result.histogram(name)))) for name in names)
    note = "From the intended send time; service time from the actual one."
    if "mo_answer" in names:
        note += " MO answer: from the MO message to the response to our answer."
    if any(figures.NOTHING in row.cells for row in rows):
        note += f" {figures.NOTHING}: too few messages for this percentile."
    columns = ("latency", "messages", *(f"p{p:g}" for p in SHOWN_PERCENTILES), "max")
    return Table("Latency", columns, rows, note, wide=True)


def _percentiles(histogram: Histogram) -> Iterator[str]:
    count = histogram.count
    yield figures.count(count)
    for p, seconds in zip(SHOWN_PERCENTILES, histogram.percentiles(SHOWN_PERCENTILES), strict=True):
        # p99.99 of fewer than 10,000 messages would be the maximum under another name.
        yield figures.latency(seconds) if count * (100 - p) >= 100 - 1e-6 else figures.NOTHING
    yield figures.latency(histogram.max)


def rates(result: Result) -> Table:
    """Messages and messages per second of the measured time."""
    measured = result.report.measured
    rows = [
        ("offered", measured.offered),
        ("submitted", measured.sent),
        ("answered", measured.answered),
        ("accepted", measured.ok),
    ]
    if measured.receipts or measured.wanted_receipts:
        rows.append(("receipts", measured.receipts))
    if measured.mo:
        rows += [("MO messages", measured.mo), ("MO answers", measured.mo_answers)]
    seconds = result.seconds
    return Table(
        "Rates",
        ("", "messages", "per second"),
        tuple(Row((name, figures.count(n), figures.rate(n / seconds if seconds else 0))) for name, n in rows),
        f"Of the {seconds:,.1f} s that were measured, without warm-up and drain.",
    )


_PROBLEMS: Final = (
    ("unsent", "due and never sent"),
    ("timed_out", "timed out"),
    ("connection_lost", "connection lost"),
    ("missing_receipts", "receipts missing"),
    ("doubled_answers", "answered twice"),
    ("doubled_receipts", "receipts doubled"),
    ("unknown_answers", "answers to nothing"),
    ("unknown_receipts", "receipts for nothing"),
    ("duplicate_ids", "message_id given twice"),
    ("missing_ids", "no message_id"),
)
"""What must not happen: counters and their names."""
_REMARKS: Final = (
    ("late_answers", "answers after their timeout"),
    ("early_receipts", "receipts before the response"),
    ("late_receipts", "receipts after they were given up"),
    ("respelled_receipts", "receipts with the id respelled"),
    ("intermediate", "intermediate notifications"),
    ("repeated", "sent again after throttling"),
    ("mo_ignored", "MO messages left unanswered"),
)
"""What is worth knowing and no fault by itself."""


def accounting(result: Result) -> Table:
    """What became of every message of the run."""
    counters = result.report.counters
    rows = [
        Row(("submitted", figures.count(counters.sent))),
        Row(("answered", figures.count(counters.answered))),
    ]
    if counters.wanted_receipts:
        rows += [
            Row(("receipts wanted", figures.count(counters.wanted_receipts))),
            Row(("receipts received", figures.count(counters.receipts))),
        ]
    rows += [Row((name, figures.count(n))) for name, n in _present(counters, _REMARKS)]
    rows += [Row((name, figures.count(n)), "bad") for name, n in _present(counters, _PROBLEMS)]
    rows.append(Row(("lost", figures.count(counters.lost)), "bad" if counters.lost else "good"))
    return Table(
        "Account of every message",
        ("", "messages"),
        tuple(rows),
        "Of the whole run, warm-up included. Lost: not answered, or without the receipt that was asked for.",
    )


def _present(counters: Counters, names: Sequence[tuple[str, str]]) -> Iterator[tuple[str, int]]:
    for attribute, name in names:
        if n := getattr(counters, attribute):
            yield name, n


def statuses(result: Result) -> Table:
    """Answers by command_status."""
    return _shares("Answers", "command_status", result.report.statuses, good=ROK)


def receipt_states(result: Result) -> Table:
    """Final receipts by state."""
    return _shares("Receipts", "state", result.report.receipt_states)


def _shares(title: str, what: str, counts: Mapping[str, int], good: str = "") -> Table:
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = (
        Row((name, figures.count(n), figures.share(n, total)), "bad" if good and name != good else "")
        for name, n in ordered
    )
    return Table(title, (what, "messages", "share"), tuple(rows))


def offenders(result: Result, most: int = MOST_OFFENDERS) -> Table:
    """The first `most` messages of each kind of problem, in words."""
    listed = sorted(result.report.offenders.items())
    rows = (Row((kind.replace("_", " "), item)) for kind, items in listed for item in items[:most])
    return Table(
        "Offenders",
        ("kind", "message"),
        tuple(rows),
        f"At most {most} of each kind are listed; the exact numbers are in the account.",
        frozenset({"message"}),
        wide=True,
    )


def errors(result: Result) -> Table:
    """What went wrong with connections and binds."""
    rows = tuple(Row((error,), "bad") for error in result.report.errors)
    return Table("Errors", ("what happened",), rows, wide=True)


def warnings(result: Result) -> list[str]:
    """What makes the figures doubtful, as sentences."""
    found = []
    if not result.finished:
        found.append("The test was interrupted: the figures are of what was sent until then.")
    if result.report.counters.wanted_receipts and set(result.configuration.get("binds", ())) == {"tx"}:
        found.append("Receipts were asked for, and transmitters get none: use --binds tx=1,rx=1, or trx.")
    reason = bottleneck(result)
    if reason:
        found.append(
            f"The generator was the bottleneck: {reason}. The SMSC may be faster than this; try more --workers."
        )
    return found


def facts(result: Result, outcome: Outcome | None = None) -> str:
    """What was loaded, with what and for how long, on one line; `outcome` of the search that `result` belongs to."""
    report, target, asked = result.report, result.target, result.configuration
    smsc = [target.system_id or "no system_id", _version(target.interface_version), *(["TLS"] if target.tls else [])]
    rate, window = asked.get("rate"), asked.get("window")
    loop = f"closed loop, window {window}" if rate is None else f"open loop, rate {rate}"
    if outcome is not None:
        loop = f"{figures.rate(result.metric('offered_rate'))} in a search for the highest rate"
    binds = f"{report.binds:,} bind{'s' * (report.binds != 1)}"
    workers = f"{report.workers} worker process{'es' * (report.workers != 1)}"
    return f"{', '.join(smsc)}; {result.seconds:,.1f} s, {loop}, {binds}, {workers}"


def address(target: Target) -> str:
    """HOST:PORT, with brackets around an IPv6 host."""
    return f"[{target.host}]:{target.port}" if ":" in target.host else f"{target.host}:{target.port}"


def _version(interface_version: int | None) -> str:
    """0x34 is 3.4, 0x50 is 5.0."""
    if interface_version is None:
        return "version not told"
    return f"SMPP {interface_version >> 4}.{interface_version & 15}"
