"""Durations in HdrHistogram's layout: log-linear buckets, a resolution of 0.1 % over the whole range.

The buckets are those of ``HdrHistogram(lowest=1, highest=3_600_000_000, significant_figures=3)`` in microseconds:
2,048 buckets of 1 us, then 1,024 for each further power of two. Counts are a plain list, because incrementing an
element of a list is the cheapest way to count that CPython has. Nothing else is kept: count, least, greatest and mean
are read from the buckets when somebody asks, which costs about a millisecond.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

HIGHEST_US: Final = 3_600_000_000
"""The longest duration that is told apart: an hour. A longer one counts as an hour."""

LINEAR_BITS: Final = 11
"""2,048 buckets of 1 us come first: the power of two from which on three significant digits fit."""

LINEAR: Final = 1 << LINEAR_BITS
_HALF_BITS: Final = LINEAR_BITS - 1
_HALF: Final = 1 << _HALF_BITS

DOUBLINGS: Final = (HIGHEST_US >> LINEAR_BITS).bit_length() + 1
"""How many times the range doubles until it holds ``HIGHEST_US``; HdrHistogram calls it the bucket count."""

LENGTH: Final = (DOUBLINGS + 1) << _HALF_BITS
"""How many buckets there are."""

HGRM_STEP: Final = 10
"""Rows of ``hgrm``: each percentile is a tenth of the rest closer to 100 (five ticks per half distance)."""


@dataclass(frozen=True, slots=True)
class HistogramState:
    """A histogram as it travels between processes: only the buckets that hold something.

    indices: ascending bucket indices. counts: as many counts, all positive. clamped: how many of them were longer than
    ``HIGHEST_US``.
    """

    indices: array[int] = field(default_factory=lambda: array("H"))
    counts: array[int] = field(default_factory=lambda: array("Q"))
    clamped: int = 0

    def __add__(self, other: HistogramState) -> HistogramState:
        """Both together."""
        merged = Histogram.of(self)
        merged.add(other)
        return merged.snapshot()

    @property
    def count(self) -> int:
        """How many durations it holds."""
        return sum(self.counts)


def index_of(us: int) -> int:
    """The bucket of a duration of 0 to ``HIGHEST_US`` microseconds."""
    if us < LINEAR:
        return us
    shift = us.bit_length() - LINEAR_BITS
    return (shift << _HALF_BITS) + (us >> shift)


def lowest_of(index: int) -> int:
    """The shortest duration in a bucket, in microseconds."""
    if index < LINEAR:
        return index
    shift = (index >> _HALF_BITS) - 1
    return ((index & (_HALF - 1)) + _HALF) << shift


def highest_of(index: int) -> int:
    """The longest duration in a bucket, in microseconds."""
    return lowest_of(index + 1) - 1


class Histogram:
    """Counts of durations.

    counts: by bucket; a hot loop may do ``counts[index_of(us)] += n`` itself when 0 <= us <= ``HIGHEST_US``. clamped:
    how many durations were longer than ``HIGHEST_US`` and count as that.
    """

    __slots__ = ("clamped", "counts")

    def __init__(self) -> None:
        self.counts: list[int] = [0] * LENGTH
        self.clamped = 0

    @classmethod
    def of(cls, state: HistogramState) -> Histogram:
        """The histogram that ``snapshot`` took ``state`` of."""
        histogram = cls()
        histogram.add(state)
        return histogram

    def record(self, seconds: float) -> None:
        """Count one duration, rounded to microseconds. A negative one, which a clock may cause, counts as 0."""
        us = int(seconds * 1e6 + 0.5)
        if 0 <= us < LINEAR:
            self.counts[us] += 1
        elif us < 0:
            self.counts[0] += 1
        elif us <= HIGHEST_US:
            shift = us.bit_length() - LINEAR_BITS
            self.counts[(shift << _HALF_BITS) + (us >> shift)] += 1
        else:
            self.record_many(seconds, 1)

    def record_many(self, seconds: float, n: int) -> None:
        """Count the same duration ``n`` times."""
        us = int(seconds * 1e6 + 0.5)
        if us > HIGHEST_US:
            self.clamped += n
            us = HIGHEST_US
        self.counts[index_of(max(us, 0))] += n

    def record_since(self, now: float, starts: Iterable[float]) -> None:
        """Count what began at each of ``starts`` and ends ``now``: the bulk form of ``record``."""
        counts = self.counts
        for start in starts:
            us = int((now - start) * 1e6 + 0.5)
            if 0 <= us < LINEAR:
                counts[us] += 1
            elif 0 < us <= HIGHEST_US:
                shift = us.bit_length() - LINEAR_BITS
                counts[(shift << _HALF_BITS) + (us >> shift)] += 1
            else:
                self.record_many(now - start, 1)

    def merge(self, other: Histogram) -> None:
        """Add what ``other`` holds."""
        counts = self.counts
        for index, count in enumerate(other.counts):
            if count:
                counts[index] += count
        self.clamped += other.clamped

    def add(self, state: HistogramState) -> None:
        """Add what ``state`` holds."""
        counts = self.counts
        for index, count in zip(state.indices, state.counts, strict=True):
            counts[index] += count
        self.clamped += state.clamped

    def clear(self) -> None:
        """Forget everything."""
        self.counts[:] = [0] * LENGTH
        self.clamped = 0

    def snapshot(self) -> HistogramState:
        """What it holds now, small and picklable."""
        filled = [(index, count) for index, count in enumerate(self.counts) if count]
        return HistogramState(
            array("H", [index for index, _ in filled]), array("Q", [count for _, count in filled]), self.clamped
        )

    @property
    def count(self) -> int:
        """How many durations were recorded."""
        return sum(self.counts)

    @property
    def min(self) -> float:
        """The shortest duration in seconds, rounded down to its bucket; 0.0 when there is none."""
        return next((lowest_of(index) / 1e6 for index, count in enumerate(self.counts) if count), 0.0)

    @property
    def max(self) -> float:
        """The longest duration in seconds, rounded up to its bucket; 0.0 when there is none.

        Buckets hold the limit of 0.1 %, so 0.0 is also the maximum of durations below half a microsecond.
        """
        last = next((index for index in range(LENGTH - 1, -1, -1) if self.counts[index]), 0)
        return highest_of(last) / 1e6

    @property
    def mean(self) -> float:
        """The arithmetic mean in seconds, each duration taken as the middle of its bucket; 0.0 when empty."""
        count = self.count
        return sum(middle * n for middle, n in self._middles()) / count / 1e6 if count else 0.0

    @property
    def stdev(self) -> float:
        """The standard deviation of the whole (divided by n) in seconds; 0.0 when empty."""
        count = self.count
        if not count:
            return 0.0
        mean = self.mean * 1e6
        return math.sqrt(sum((middle - mean) ** 2 * n for middle, n in self._middles()) / count) / 1e6

    def percentile(self, p: float) -> float:
        """The duration in seconds that ``p`` percent (0 to 100) of all did not exceed; 0.0 when empty."""
        return self.percentiles([p])[0]

    def percentiles(self, ps: Sequence[float]) -> list[float]:
        """``percentile`` of each of ``ps``, for the price of one."""
        sums = list(accumulate(self.counts))
        total = sums[-1]
        if not total:
            return [0.0] * len(ps)
        return [_value_at(sums, total, p) / 1e6 for p in ps]

    def buckets(self) -> Iterator[tuple[float, int]]:
        """The buckets that hold something, ascending: longest duration in seconds, count."""
        return ((highest_of(index) / 1e6, count) for index, count in enumerate(self.counts) if count)

    def hgrm(self, scale: float = 1000.0) -> str:
        """The percentile distribution as HdrHistogram's tools read and plot it (``.hgrm``).

        scale: microseconds in a unit of the output; 1000 writes milliseconds. The last lines, which begin with ``#``,
        give mean, standard deviation, greatest value and count in the same unit.
        """
        lines = [f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}", ""]
        for us, level, total in self._levels():
            row = f"{us / scale:12.3f} {level / 100:2.12f} {total:10d}"
            lines.append(row if level == 100 else f"{row} {1 / (1 - level / 100):14.2f}")
        mean, stdev, greatest = (value * 1e6 / scale for value in (self.mean, self.stdev, self.max))
        lines += [
            f"#[Mean    = {mean:12.3f}, StdDeviation   = {stdev:12.3f}]",
            f"#[Max     = {greatest:12.3f}, TotalCount     = {self.count:12.3f}]",
            f"#[Buckets = {DOUBLINGS:12d}, SubBuckets     = {LINEAR:12d}]",
        ]
        return "\n".join(lines) + "\n"

    def _levels(self) -> Iterator[tuple[int, float, int]]:
        """The rows of ``hgrm``: microseconds, percentile (0 to 100), how many durations are not longer."""
        total, so_far, level, us = self.count, 0, 0.0, 0
        for index, count in enumerate(self.counts):
            if not count:
                continue
            so_far += count
            us = highest_of(index)
            while 100.0 * so_far / total >= level:
                yield us, level, so_far
                level += (100.0 - level) / HGRM_STEP
                if so_far == total:
                    break
        if total:
            yield us, 100.0, total

    def _middles(self) -> Iterator[tuple[float, int]]:
        """The buckets that hold something: HdrHistogram's middle in microseconds, count."""
        for index, count in enumerate(self.counts):
            if count:
                lowest = lowest_of(index)
                yield lowest + ((lowest_of(index + 1) - lowest) >> 1), count


def _value_at(sums: list[int], total: int, p: float) -> int:
    """Microseconds at a percentile, as HdrHistogram has it: at least one duration, the nearest rank."""
    rank = max(int(min(p, 100.0) * total / 100 + 0.5), 1)
    index = bisect_left(sums, rank)
    return highest_of(index) if p else lowest_of(index)
