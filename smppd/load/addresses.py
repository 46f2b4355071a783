"""Who messages go to and come from: ranges of numbers, lists of them, and their types (TON, NPI).

Destinations are dealt, so that workers never meet at one: with n workers, each takes the numbers that leave its own
rest when divided by n. So it does not matter which kind of traffic names a number. Where that would leave a worker with
nothing (a list of even numbers), each takes every n-th one; only fewer numbers than workers are used by all.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from smppwire.constants import Npi, Ton

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from random import Random

MAX_ADDRESS: Final = 20
"""Characters of an address in submit_sm (SMPP 3.4, 5.2.8 and 5.2.9)."""

MAX_RANGE: Final = 10**12
"""Most numbers of one range: every number of any country's plan; more is a slip of the finger."""

MAX_SHORT_CODE: Final = 6
"""Digits up to which a sender is taken for a short code; the shortest international numbers have seven."""

MAX_ALPHANUMERIC: Final = 11
"""Characters of an alphanumeric sender on the air interface (3GPP TS 23.040, 9.1.2.5)."""

_SPAN: Final = re.compile(r"\+?(\d{1,20})\s*-\s*\+?(\d{1,20})", re.ASCII)
_COUNTED: Final = re.compile(r"\+?(\d{1,20})\s*\*\s*(\d{1,15})", re.ASCII)
_PATTERN: Final = re.compile(r"\+?(\d{0,19})(x{0,12})", re.ASCII)


class Range(NamedTuple):
    """Numbers: ``size`` of them from ``first`` on, ``step`` apart, each of ``width`` digits."""

    first: int
    size: int
    width: int
    step: int = 1

    @property
    def last(self) -> int:
        """The last number."""
        return self.first + self.step * (self.size - 1)


def parse_range(text: str) -> Range:
    """Read a number, or numbers in one of three forms; raises ValueError with the reason.

    ``447700900000-447700900999`` from the first to the last; ``447700900xxx`` with any digits in place of the letters;
    ``447700900000*1000`` this many from the first one on. A plus in front is left out.
    """
    text = text.strip()
    if span := _SPAN.fullmatch(text):
        low, high = span.groups()
        if len(low) != len(high):
            raise ValueError("both ends need the same number of digits")
        return _checked(int(low), int(high) - int(low) + 1, len(low))
    if counted := _COUNTED.fullmatch(text):
        return _checked(int(counted[1]), int(counted[2]), len(counted[1]))
    pattern = _PATTERN.fullmatch(text)
    if pattern is None or not pattern[1] + pattern[2]:
        raise ValueError("")
    prefix, free = pattern.groups()
    return _checked(int(prefix or "0") * 10 ** len(free), 10 ** len(free), len(prefix) + len(free))


def _checked(first: int, count: int, width: int) -> Range:
    if count < 1:
        raise ValueError("the range runs backwards" if count < 0 else "the range is empty")
    if count > MAX_RANGE:
        raise ValueError(f"more than {MAX_RANGE} numbers")
    if first + count > 10**width:
        raise ValueError("the last number has more digits than the first")
    if width > MAX_ADDRESS:
        raise ValueError(f"more than {MAX_ADDRESS} digits")
    return Range(first, count, width)


def octets_of(ranges: Iterable[Range]) -> Iterator[bytes]:
    """Every number of some ranges as it stands in a PDU."""
    for first, size, width, step in ranges:
        for number in range(first, first + size * step, step):
            yield b"%0*d" % (width, number)


def source_type(address: str) -> tuple[int, int]:
    """TON and NPI of a sender as people mean it: a number, a short code, or letters; nothing is left to the SMSC."""
    digits = address.removeprefix("+")
    if not address:
        return Ton.UNKNOWN, Npi.UNKNOWN
    if not (digits.isascii() and digits.isdigit()):
        return Ton.ALPHANUMERIC, Npi.UNKNOWN
    if digits == address and len(digits) <= MAX_SHORT_CODE:
        return Ton.NETWORK_SPECIFIC, Npi.UNKNOWN
    return Ton.INTERNATIONAL, Npi.ISDN


def source_octets(address: str) -> bytes:
    """A sender as source_addr: digits without the plus, letters as they are."""
    digits = address.removeprefix("+")
    return (digits if digits.isdigit() else address).encode("latin-1")


def dealt(ranges: Sequence[Range], worker: int, workers: int) -> list[Range]:
    """The part of ``ranges`` (steps of 1) that is worker number ``worker``'s (from 0)."""
    places = accumulate((one.size for one in ranges), initial=0)
    for starts in ([one.first for one in ranges], list(places)[:-1]):
        if _reaches_all(ranges, starts, workers):
            shares = (
                _every(one, (worker - start) % workers, workers) for one, start in zip(ranges, starts, strict=True)
            )
            return [share for share in shares if share.size > 0]
    return list(ranges)


def _reaches_all(ranges: Sequence[Range], starts: Sequence[int], workers: int) -> bool:
    """Whether every worker gets something when the numbers of each range are counted on from its start."""
    rests = {
        (start + index) % workers
        for one, start in zip(ranges, starts, strict=True)
        for index in range(min(one.size, workers))
    }
    return len(rests) == workers


def _every(one: Range, offset: int, step: int) -> Range:
    """Every ``step``-th number of a range, the first one ``offset`` numbers from its beginning."""
    return Range(one.first + offset, (one.size - offset + step - 1) // step, one.width, step)


def dealt_rows(destinations: Sequence[str], worker: int, workers: int) -> list[int]:
    """The indices of the rows that are worker number ``worker``'s: all rows of one number go to the same worker."""
    keys = [int(number) for number in destinations]
    if len({key % workers for key in keys}) < workers:
        places: dict[str, int] = {}
        keys = [places.setdefault(number, len(places)) for number in destinations]
        if len(places) < workers:
            return list(range(len(keys)))
    return [index for index, key in enumerate(keys) if key % workers == worker]


class Turn:
    """Which of ``size`` things is next: one after the other, or with ``random`` at random with repetition."""

    __slots__ = ("_next", "_random", "size")

    def __init__(self, size: int, random: Random | None) -> None:
        self.size = size
        self._random = random.random if random is not None else None
        self._next = 0

    def take(self) -> int:
        """The index of the next thing."""
        if self._random is not None:
            return int(self._random() * self.size)
        index = self._next
        self._next = index + 1 if index + 1 < self.size else 0
        return index


class Numbers:
    """Destinations from ranges. ``draw`` gives the next one."""

    __slots__ = ("_ends", "_forms", "_ranges", "_turn", "size")

    def __init__(self, ranges: Sequence[Range], random: Random | None) -> None:
        """Go through ``ranges`` one number after the other, or with ``random`` in any order."""
        self._ranges = ranges
        self._ends = list(accumulate(one.size for one in ranges))
        self._forms = [b"%%0%dd" % one.width for one in ranges]
        self.size = self._ends[-1]
        """How many numbers there are."""
        self._turn = Turn(self.size, random)

    def draw(self) -> tuple[bytes, int]:
        """The next number, and the row of the CSV file that it is from: none, so 0."""
        index = self._turn.take()
        at = bisect_right(self._ends, index)
        first, _, _, step = self._ranges[at]
        return self._forms[at] % (first + step * (index - self._ends[at - 1] if at else index)), 0


class Rows:
    """Destinations from the rows of a CSV file. ``draw`` gives the next one."""

    __slots__ = ("_destinations", "_turn", "size")

    def __init__(self, destinations: Sequence[str], random: Random | None) -> None:
        """Go through the rows one after the other, or with ``random`` in any order."""
        self._destinations = [address.encode() for address in destinations]
        self.size = len(destinations)
        """How many rows there are."""
        self._turn = Turn(self.size, random)

    def draw(self) -> tuple[bytes, int]:
        """The next destination and its row."""
        index = self._turn.take()
        return self._destinations[index], index
