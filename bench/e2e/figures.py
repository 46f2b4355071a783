"""The arithmetic of the comparison: quartiles, pairwise ratios, and the tables that show them."""

import statistics
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from bench.e2e.meter import Run


class Quartiles(NamedTuple):
    """A median with the quartiles around it."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Quartiles":
        """Of one value or more; of one value all three are that value."""
        ordered = sorted(values)
        if len(ordered) == 1:
            return cls(ordered[0], ordered[0], ordered[0])
        return cls(*statistics.quantiles(ordered, n=4, method="inclusive"))

    def __str__(self) -> str:
        return f"{self.median:.3f} [{self.low:.3f} .. {self.high:.3f}]"


class Pair(NamedTuple):
    """Two runs made one right after the other, so that both met the same machine."""

    yardstick: Run
    target: Run

    @property
    def ratio(self) -> float:
        """Above 1: the target is faster."""
        return self.target.rate / self.yardstick.rate

    @property
    def p99_ratio(self) -> float:
        """Of the times that one response in a hundred exceeds; above 1: the target is slower."""
        return self.target.p99_ms / self.yardstick.p99_ms

    @property
    def p999_ratio(self) -> float:
        """The same of one response in a thousand."""
        return self.target.p999_ms / self.yardstick.p999_ms

    @property
    def cpu_ratio(self) -> float | None:
        """The same in processor time: above 1, the target needs less. None for a run too short to have used any."""
        if not self.target.cpu_us_per_message:
            return None
        return self.yardstick.cpu_us_per_message / self.target.cpu_us_per_message


def cpu_quartiles(pairs: Sequence[Pair]) -> Quartiles | None:
    """Of the ratios in processor time; they hold on a machine that others use too."""
    ratios = [pair.cpu_ratio for pair in pairs if pair.cpu_ratio is not None]
    return Quartiles.of(ratios) if ratios else None


class Summary(NamedTuple):
    """The medians of several runs of one server under one profile."""

    server: str
    rate: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    cpu_share: float
    meter_cpu_share: float
    cpu_us_per_message: float
    start_seconds: float
    idle_rss_mib: float
    peak_rss_mib: float

    @classmethod
    def of(cls, runs: Sequence[Run]) -> "Summary":
        """Field by field; all runs are of the same server."""
        return cls(runs[0].server, *(statistics.median(getattr(run, name) for run in runs) for name in cls._fields[1:]))


HEADINGS = (
    f"{'server':<12} {'msgs/s':>9} {'p50 ms':>8} {'p99 ms':>8} {'p999 ms':>8} {'CPU':>5} {'meter':>6} "
    f"{'us/msg':>7} {'MiB':>6} {'peak':>6}"
)


def row(summary: Summary) -> str:
    """One line of the table under HEADINGS."""
    return (
        f"{summary.server:<12} {summary.rate:>9,.0f} {summary.p50_ms:>8.3f} {summary.p99_ms:>8.2f} "
        f"{summary.p999_ms:>8.2f} {summary.cpu_share:>5.0%} {summary.meter_cpu_share:>6.0%} "
        f"{summary.cpu_us_per_message:>7.1f} {summary.idle_rss_mib:>6.0f} {summary.peak_rss_mib:>6.0f}"
    )


def invalid(runs: Iterable[Run]) -> list[str]:
    """One line for every run that is a bug and not a result."""
    return [f"INVALID: {run.server}: {'; '.join(run.faults)}" for run in runs if run.faults]


def profile_result(pairs: Sequence[Pair], beside: Sequence[Run]) -> dict[str, Any]:
    """What the results file keeps of one profile: the ratio first, the runs last."""
    ratios = [pair.ratio for pair in pairs]
    cpu = cpu_quartiles(pairs)
    sides = [[pair.yardstick for pair in pairs], [pair.target for pair in pairs], list(beside)]
    return {
        "ratio": Quartiles.of(ratios)._asdict(),
        "cpu_ratio": cpu and cpu._asdict(),
        "p99_ratio": Quartiles.of(pair.p99_ratio for pair in pairs)._asdict(),
        "p999_ratio": Quartiles.of(pair.p999_ratio for pair in pairs)._asdict(),
        "ratios": [round(ratio, 4) for ratio in ratios],
        "servers": [Summary.of(runs)._asdict() for runs in sides if runs],
        "runs": [run.as_dict() for runs in sides for run in runs],
    }
