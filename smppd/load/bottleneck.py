"""Was it the SMSC that was measured, or the generator? A result does not say so by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.load import figures

if TYPE_CHECKING:
    from smppd.load.result import Result

BUSY: Final = 0.9
"""Share of a core from which on a worker counts as the bottleneck: what is left goes to interrupts and neighbours."""

LAG: Final = 0.010
"""Seconds that 1 % of the messages may be sent late although a window had room; a scheduler of an idle machine stays
well below it."""


def bottleneck(result: Result) -> str:
    """Say why the generator limited what was measured; "" when it did not."""
    report = result.report
    if not report.workers or not report.seconds:
        return ""
    busy = report.cpu_seconds / report.workers / (report.seconds + _number(result, "warm_up"))
    if busy >= BUSY:
        return f"each worker process was busy for {figures.share(min(busy, 1), 1)} of the time"
    lag = result.metric("lag_p99")
    if lag > LAG:
        return f"1 % of the messages were sent {figures.latency(lag)} late or more although the windows had room"
    return ""


def _number(result: Result, key: str) -> float:
    value = result.configuration.get(key)
    return value if isinstance(value, int | float) else 0
