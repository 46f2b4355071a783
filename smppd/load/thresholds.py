"""Limits that a load test must keep (``--fail-if 'p99 > 50ms'``): what they say, and which of them are violated."""

from __future__ import annotations

import difflib
import math
import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smppd.errors import UserError
from smppd.load.result import METRICS, find_metric
from smppd.load.units import SECONDS, parse_amount, parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from smppd.load.result import Metric, Result

OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
"""How a metric may be compared; the longer ones first."""

_EXPRESSION: Final = re.compile(rf"\s*([A-Za-z][\w.]*)\s*({'|'.join(OPERATORS)})\s*(.+?)\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A condition under which the test has failed. limit: seconds, messages, messages per second, or percent."""

    text: str
    metric: str
    operator: str
    limit: float

    def fails(self, result: Result) -> bool:
        """Whether the condition holds, which is bad.

        It also does when nothing was measured: an SMSC that never answers must not pass for a fast one.
        """
        value = result.metric(self.metric)
        return math.isnan(value) or OPERATORS[self.operator](value, self.limit)


def parse_threshold(text: str) -> Threshold:
    """What ``--fail-if`` says: a metric, a comparison, a number with its unit.

    Latencies take us, ms or s (without a unit: seconds), shares take %, counts and rates may take k or M and "/s".
    Raises UserError.
    """
    found = _EXPRESSION.fullmatch(text)
    if found is None:
        raise UserError(
            f"{text!r} is no threshold: write a metric, one of {' '.join(sorted(OPERATORS))} and a number, "
            f"as in 'p99 > 50ms' or 'lost > 0'; {_metrics()}"
        )
    name, comparison, value = found.groups()
    metric = find_metric(name)
    if metric is None:
        near = difflib.get_close_matches(name, METRICS, 1)
        raise UserError(f"there is no metric {name!r}{f' (did you mean {near[0]!r}?)' if near else ''}; {_metrics()}")
    return Threshold(text.strip(), name, comparison, _limit(name, metric, value))


def violations(result: Result, thresholds: Iterable[Threshold]) -> list[str]:
    """The thresholds that were violated, each in words with what was measured; empty when the test has passed."""
    return [
        f"{threshold.text}: {threshold.metric} is {format_metric(threshold.metric, result.metric(threshold.metric))}"
        for threshold in thresholds
        if threshold.fails(result)
    ]


def format_metric(name: str, value: float) -> str:
    """The value of a metric with its unit, for people. Raises KeyError for a name that is none."""
    metric = find_metric(name)
    if metric is None:
        raise KeyError(name)
    if math.isnan(value):
        return "nothing"
    unit = metric.unit
    if unit == "s":
        return f"{value * 1e3:.3f} ms" if value < 1 else f"{value:.3f} s"
    if unit == "%":
        return f"{value:.3f} %"
    return f"{value:,.1f}/s" if unit == "/s" else f"{value:,.0f}"


def _limit(name: str, metric: Metric, value: str) -> float:
    """The number behind the comparison, in the unit of the metric."""
    unit = metric.unit
    try:
        if unit == "s":
            return parse_duration(value)
        return parse_amount(value.removesuffix(unit) if unit else value)
    except UserError as error:
        expected = {"s": f"a time ({', '.join(SECONDS)})", "%": "percent", "/s": "a rate", "": "a count"}[unit]
        raise UserError(f"{name} is compared with {expected}: {error}") from error


def _metrics() -> str:
    """All there is, the times in short."""
    others = ", ".join(name for name, metric in METRICS.items() if metric.unit != "s")
    return (
        "the metrics are: p50 or any other percentile, max and mean of the response time, the same of other times with "
        f"service_, receipt_, mo_ or lag_ in front, {others}"
    )
