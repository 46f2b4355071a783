"""A clock that stands still until it is told to move, so that a day of validity passes in no time.

It is one of the two things that can stand behind the engine's `Clock`; the other is the real time of the machine.
"""

from __future__ import annotations

from typing import Final

LATEST_WALL: Final = 2_145_916_799.0
"""The last second of 2037, Unix time: the years of SMPP have two digits, and 38 is 1938 (SMPP 3.4 appendix C)."""


class VirtualClock:
    """Time that moves in `advance_to` alone, and only forward."""

    __slots__ = ("_now", "_start")

    def __init__(self, start: float) -> None:
        """Begin at `start`, Unix time in seconds. Raises ValueError when it is after the year 2037."""
        if start > LATEST_WALL:
            raise ValueError(f"a clock that begins at {start} is beyond the calendar of SMPP, which ends with 2037")
        self._start = start
        self._now = 0.0

    def now(self) -> float:
        """Seconds since the beginning."""
        return self._now

    def wall(self) -> float:
        """Unix time in seconds."""
        return self._start + self._now

    @property
    def left(self) -> float:
        """Seconds until the calendar of SMPP ends."""
        return LATEST_WALL - self.wall()

    def advance_to(self, moment: float) -> None:
        """Make it `moment`, in seconds since the beginning. Raises ValueError when that lies in the past."""
        if moment < self._now:
            raise ValueError(f"time does not go back from {self._now} to {moment}")
        self._now = moment
