"""Was it the SMSC that was measured, or the generator? A result does not say so by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.load import figures

if TYPE_CHECKING:
    from smppd.load.result import Result

BUSY: Final = 0.9
"""Share of a core from which on a worker counts as the bottleneck: what is left goes to interrupts and neighbours."""

LATE: Final = 0.01
"""Share of the messages sent late from which on the generator counts as the bottleneck, windows permitting."""

FULL: Final = 0.9
"""Share of all windows in use from which on they were what kept messages waiting: then the SMSC was slow, not we."""


def bottleneck(result: Result) -> str:
    """Say why the generator limited what was measured; "" when it did not."""
    report, measured = result.report, result.report.measured
    if not report.workers or not report.seconds:
        return ""
    busy = report.cpu_seconds / report.workers / (report.seconds + _number(result, "warm_up"))
    if busy >= BUSY:
        return f"each worker process was busy for {figures.share(min(busy, 1), 1)} of the time"
    if measured.late > LATE * measured.sent and _most_in_flight(result) < FULL * _windows(result):
        late = figures.share(measured.late, measured.sent)
        return f"{late} of the messages were sent late although the windows had room"
    return ""


def _most_in_flight(result: Result) -> float:
    return max((interval.in_flight for interval in result.report.intervals), default=0)


def _windows(result: Result) -> float:
    """How many messages may be in flight on all binds that submit."""
    binds = result.configuration.get("binds")
    receivers = binds.get("rx", 0) if isinstance(binds, dict) else 0
    return (result.report.binds - receivers) * _number(result, "window")


def _number(result: Result, key: str) -> float:
    value = result.configuration.get(key)
    return value if isinstance(value, int | float) else 0
