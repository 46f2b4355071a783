"""When messages are meant to be sent (open loop).

A rate is a line of pieces, each level or a slope. Its integral N(t) is the number of arrivals until t, and arrival
number i (from 0) is due when N(t) reaches i: the first one at once, and of a slope exactly as many as lie under it.
Poisson arrivals are a Poisson process of rate 1 whose time is bent in the same way, so their rate follows steps and
slopes too.

Several workers share a schedule without talking: worker k of n takes every n-th arrival from the k-th on, so together
they are the whole, evenly spread. Of Poisson arrivals each worker draws its own at the n-th part of the rate; the sum
of independent Poisson processes is one.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol

from smppd.errors import UserError
from smppd.load.units import parse_amount, parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random

MOST_PER_SECOND: Final = 10_000_000.0
"""The highest rate that is accepted: many times what a process can send. What is above it is a slip of the hand."""

MOST_AT_ONCE: Final = 100_000
"""Arrivals that one ``take`` returns at most, so that a worker that was held up does not stop for long."""

_EPSILON: Final = 1e-9
"""By how much (relatively) a number of arrivals may miss a whole one and still be it: 0.1/s in 30 s are 3."""

GRAMMAR: Final = (
    "a rate is 500 (per second), 100..1000/60s (a ramp), 100x30s,200x30s (steps), or pieces of these kinds with commas "
    "between them, of which only the last may be without its time"
)

_STEP: Final = re.compile(r"([^x*]+?)\s*[x*]\s*(.+)")
_RAMP: Final = re.compile(r"(.+?)\s*\.\.\s*([^/]+?)\s*/\s*(.+)")
_PER_SECOND: Final = re.compile(r"\s*/\s*s\s*$")

Arrivals = Literal["constant", "poisson"]


class Schedule(Protocol):
    """Arrivals in time. ``elapsed`` is in seconds since the start, and does not go back."""

    @property
    def duration(self) -> float | None:
        """Seconds until it ends; None when it does not."""

    def due(self, elapsed: float) -> int:
        """How many arrivals are intended until ``elapsed``, those that have been taken included."""

    def take(self, elapsed: float) -> list[float]:
        """The intended times, ascending, of the arrivals until ``elapsed`` that have not been taken yet.

        Not more than ``MOST_AT_ONCE`` of them; the next call returns the others.
        """

    def next_at(self) -> float | None:
        """When the first arrival that has not been taken is due; None when there is none."""

    def rate_at(self, elapsed: float) -> float:
        """Arrivals per second that are intended at this time; 0.0 after the end."""


class Piece(NamedTuple):
    """A stretch of time in which the rate goes evenly from ``start`` to ``end`` (per second)."""

    start: float
    end: float
    seconds: float


class Rate:
    """A rate over time: pieces, one after the other. The last one may last for ever (``math.inf``) if it is level.

    Raises UserError for what is none: no pieces, negative or too high rates, durations that are not positive, or no
    arrival in all of it.
    """

    def __init__(self, pieces: Iterable[Piece | tuple[float, float, float]]) -> None:
        self.pieces = tuple(Piece(*piece) for piece in pieces)
        self._starts = [0.0]
        self._counts = [0.0]
        for piece in self.pieces:
            _check(piece)
            mean = (piece.start + piece.end) / 2
            self._starts.append(self._starts[-1] + piece.seconds)
            self._counts.append(_whole(self._counts[-1] + mean * piece.seconds) if mean else self._counts[-1])
        if not self._counts[-1]:
            raise UserError(f"this rate sends nothing; {GRAMMAR}")

    @property
    def seconds(self) -> float:
        """How long it lasts; infinity when it does not end."""
        return self._starts[-1]

    @property
    def total(self) -> float:
        """Its integral: arrivals in all, infinity when it does not end."""
        return self._counts[-1]

    def at(self, elapsed: float) -> float:
        """The rate per second at a time; 0.0 outside."""
        if not 0 <= elapsed < self.seconds:
            return 0.0
        index = bisect_right(self._starts, elapsed) - 1
        start, end, seconds = self.pieces[index]
        return start if start == end else start + (end - start) * (elapsed - self._starts[index]) / seconds

    def count(self, elapsed: float) -> float:
        """The integral up to a time."""
        if elapsed <= 0:
            return 0.0
        if elapsed >= self.seconds:
            return self.total
        index = bisect_right(self._starts, elapsed) - 1
        within = elapsed - self._starts[index]
        return self._counts[index] + within * (self.pieces[index].start + self.at(elapsed)) / 2

    def time_of(self, count: float) -> float:
        """When the integral goes beyond ``count`` (0 to below ``total``)."""
        index = bisect_right(self._counts, count) - 1
        return self._times_in(index, (count,))[0]

    def times_of(self, counts: range) -> list[float]:
        """``time_of`` each, ascending."""
        times: list[float] = []
        while counts:
            index = bisect_right(self._counts, counts[0]) - 1
            within = bisect_left(counts, self._counts[index + 1])
            times += self._times_in(index, counts[:within])
            counts = counts[within:]
        return times

    def _times_in(self, index: int, counts: Sequence[float]) -> list[float]:
        """``time_of`` each of some that fall into one piece."""
        start, end, seconds = self.pieces[index]
        began, before = self._starts[index], self._counts[index]
        if start == end:
            return [began + (count - before) / start for count in counts]
        # The root of start * t + slope / 2 * t**2 = count - before, in the form that does not cancel.
        square, double_slope, sqrt = start * start, 2 * (end - start) / seconds, math.sqrt
        return [
            began + 2 * (count - before) / (start + sqrt(max(0.0, square + double_slope * (count - before))))
            if count > before
            else began
            for count in counts
        ]


class Even:
    """Arrivals as even as the rate allows: number i is due when the integral of the rate reaches i.

    worker, workers: of several workers, take every n-th arrival from number ``worker`` on.
    """

    def __init__(self, rate: Rate, worker: int = 0, workers: int = 1) -> None:
        self._rate = rate
        self._next = worker
        self._workers = workers
        self._taken = 0
        self._end = math.ceil(rate.total) if rate.total < math.inf else math.inf

    @property
    def duration(self) -> float | None:
        """Seconds until it ends; None when it does not."""
        return self._rate.seconds if self._rate.seconds < math.inf else None

    def due(self, elapsed: float) -> int:
        """How many arrivals are intended until ``elapsed``, those that have been taken included."""
        return self._taken + len(self._numbers(elapsed))

    def take(self, elapsed: float) -> list[float]:
        """The intended times of the arrivals until ``elapsed`` that have not been taken yet, ascending."""
        numbers = self._numbers(elapsed)[:MOST_AT_ONCE]
        self._taken += len(numbers)
        self._next += len(numbers) * self._workers
        return self._rate.times_of(numbers)

    def next_at(self) -> float | None:
        """When the first arrival that has not been taken is due; None when there is none."""
        return self._rate.time_of(self._next) if self._next < self._end else None

    def rate_at(self, elapsed: float) -> float:
        """This worker's arrivals per second at this time."""
        return self._rate.at(elapsed) / self._workers

    def _numbers(self, elapsed: float) -> range:
        """The arrivals that are due and not taken."""
        rate, end, step = self._rate, self._end, self._workers
        stop = int(min(rate.count(elapsed) + 1, end)) if elapsed >= 0 else 0
        # The estimate may be off by one, as the times are rounded; the times decide.
        while stop < end and rate.time_of(stop) <= elapsed:
            stop += 1
        while stop > self._next and rate.time_of(stop - 1) > elapsed:
            stop -= 1
        return range(self._next, stop, step)


class Constant(Even):
    """``rate`` arrivals per second, evenly; for ever without a duration."""

    def __init__(self, rate: float, duration: float | None = None, worker: int = 0, workers: int = 1) -> None:
        super().__init__(Rate([(rate, rate, math.inf if duration is None else duration)]), worker, workers)


class Ramp(Even):
    """From ``start`` to ``end`` arrivals per second in ``duration`` seconds, the rate growing (or falling) evenly."""

    def __init__(self, start: float, end: float, duration: float, worker: int = 0, workers: int = 1) -> None:
        super().__init__(Rate([(start, end, duration)]), worker, workers)


class Steps(Even):
    """One level after the other: pairs of arrivals per second and seconds."""

    def __init__(self, levels: Iterable[tuple[float, float]], worker: int = 0, workers: int = 1) -> None:
        super().__init__(Rate((rate, rate, seconds) for rate, seconds in levels), worker, workers)


class Poisson:
    """Arrivals at random: their mean number in any time is the integral of the rate, their distribution Poisson's.

    random: this worker's own generator; two workers with equally seeded ones would send at the same moments. workers:
    how many share the rate.
    """

    def __init__(self, rate: Rate, random: Random, workers: int = 1) -> None:
        self._rate = rate
        self._workers = workers
        self._random = random
        self._taken = 0
        self._mark = 0.0
        self._pending: list[float] = []
        self._draw()

    @property
    def duration(self) -> float | None:
        """Seconds until it ends; None when it does not."""
        return self._rate.seconds if self._rate.seconds < math.inf else None

    def due(self, elapsed: float) -> int:
        """How many arrivals are intended until ``elapsed``, those that have been taken included."""
        return self._taken + self._ready(elapsed)

    def take(self, elapsed: float) -> list[float]:
        """The intended times of the arrivals until ``elapsed`` that have not been taken yet, ascending."""
        n = min(self._ready(elapsed), MOST_AT_ONCE)
        taken, self._pending = self._pending[:n], self._pending[n:]
        self._taken += n
        return taken

    def next_at(self) -> float | None:
        """When the first arrival that has not been taken is due; None when there is none."""
        return self._pending[0] if self._pending else None

    def rate_at(self, elapsed: float) -> float:
        """This worker's mean arrivals per second at this time."""
        return self._rate.at(elapsed) / self._workers

    def _ready(self, elapsed: float) -> int:
        """How many of the pending arrivals are due, after drawing one beyond them."""
        while self._pending and self._pending[-1] <= elapsed and self._draw():
            pass
        return bisect_right(self._pending, elapsed)

    def _draw(self) -> bool:
        """One more arrival; False at the end."""
        self._mark += self._random.expovariate(1.0) * self._workers
        if self._mark >= self._rate.total:
            return False
        self._pending.append(self._rate.time_of(self._mark))
        return True


def parse_schedule(
    text: str,
    *,
    duration: float | None,
    arrivals: Arrivals,
    random: Random,
    worker: int = 0,
    workers: int = 1,
) -> Schedule:
    """What ``--rate`` says, as the part of worker ``worker`` (from 0) of ``workers``.

    duration: of the whole, in seconds; pieces beyond it are cut off, and when they end before it the last rate is kept
    up. None: as long as the pieces last, without an end when the last one has no time of its own. Raises UserError.
    """
    rate = Rate(_fit(parse_rate(text), duration))
    return Even(rate, worker, workers) if arrivals == "constant" else Poisson(rate, random, workers)


def parse_rate(text: str) -> list[Piece]:
    """The pieces of a rate. Raises UserError."""
    words = [_PER_SECOND.sub("", word).strip() for word in text.split(",")]
    pieces = [_piece(word) for word in words]
    for word, piece in zip(words[:-1], pieces, strict=False):
        if piece.seconds == math.inf:
            raise UserError(f"{word!r} is not the last piece of the rate and has no time; {GRAMMAR}")
    return pieces


def _piece(word: str) -> Piece:
    """One piece of a rate."""
    try:
        if found := _RAMP.fullmatch(word):
            return Piece(parse_amount(found[1]), parse_amount(found[2]), parse_duration(found[3]))
        if found := _STEP.fullmatch(word):
            return Piece(parse_amount(found[1]), parse_amount(found[1]), parse_duration(found[2]))
        return Piece(parse_amount(word), parse_amount(word), math.inf)
    except UserError as error:
        raise UserError(f"{error}; {GRAMMAR}") from error


def _fit(pieces: Sequence[Piece], duration: float | None) -> list[Piece]:
    """The pieces cut or extended to a duration."""
    if duration is None:
        return list(pieces)
    fitted: list[Piece] = []
    left = duration
    for start, end, seconds in pieces:
        if left <= 0:
            break
        part = min(seconds, left)
        fitted.append(Piece(start, start + (end - start) * part / seconds if start != end else end, part))
        left -= part
    if left > 0:
        fitted.append(Piece(fitted[-1].end, fitted[-1].end, left))
    return fitted


def _check(piece: Piece) -> None:
    """Raise UserError for a piece that is none."""
    for rate in (piece.start, piece.end):
        if not 0 <= rate <= MOST_PER_SECOND:
            raise UserError(f"a rate of {rate:g}/s is not between 0 and {MOST_PER_SECOND:g}; {GRAMMAR}")
    if not piece.seconds > 0:
        raise UserError(f"a piece of a rate lasts {piece.seconds:g} s, which is not more than 0; {GRAMMAR}")


def _whole(count: float) -> float:
    """A count of arrivals, without the errors of rounding that would make it one more."""
    nearest = float(round(count)) if count < math.inf else count
    return nearest if abs(count - nearest) <= _EPSILON * max(1.0, nearest) else count
