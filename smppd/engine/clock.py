"""The engine's clock: it runs as the machine's does, faster or slower, stands still, or is moved.

`[clock] mode = "real"` begins with a clock that runs, `"virtual"` with one that stands still. From there both can do
the same. Nobody but `smppd.transport.timelapse` moves a clock: whatever is due on the way has to happen.

Two readings: `now` is what delays are measured by, and never goes back. `wall` is the calendar, which receipts are
dated by; a reset may set it anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

LATEST_WALL: Final = 2_145_916_799.0
"""The last second of 2037, Unix time: the years of SMPP have two digits, and 38 is 1938 (SMPP 3.4 appendix C)."""

SLOWEST: Final = 0.001
"""Seconds that pass in a second at least: three and a half hours for the usual ten seconds of a response."""

FASTEST: Final = 1000.0
"""Seconds that pass in a second at most: a day and a night in a minute and a half. The engine is looked at every
millisecond, so that at this speed everything happens within a second of its time."""


class EngineClock:
    """Time that runs at some speed, or stands still."""

    __slots__ = ("_base", "_date", "_monotonic", "_pace", "_since", "_wall", "is_running", "speed")

    def __init__(self, monotonic: Callable[[], float], wall: Callable[[], float], start: float | None = None) -> None:
        """Begin.

        Args:
            monotonic: real time in seconds.
            wall: real Unix time in seconds.
            start: None: run exactly as the machine does. Else stand still at this Unix time.

        Raises ValueError when it is to begin after the year 2037.
        """
        if start is not None and start > LATEST_WALL:
            raise ValueError(f"a clock that begins at {start} is beyond the calendar of SMPP, which ends with 2037")
        self._monotonic = monotonic
        self._wall = wall
        # One sum serves all ways to go. Untouched it is 0 + (monotonic - 0) * 1, which is exact.
        self._base = 0.0
        self._since = 0.0
        self._pace = 1.0 if start is None else 0.0
        self._date = start
        """What the calendar said when `now` was 0; None: it is the machine's."""
        self.is_running = start is None
        """Whether time passes by itself."""
        self.speed = 1.0
        """Seconds that pass in a second of real time, while it runs."""

    def now(self) -> float:
        """Seconds since some moment, never going back."""
        return self._base + (self._monotonic() - self._since) * self._pace

    def wall(self) -> float:
        """Unix time in seconds. It stops with the calendar of SMPP."""
        if self._date is None:
            return self._wall()
        return min(self._date + self.now(), LATEST_WALL)

    @property
    def left(self) -> float:
        """Seconds until the calendar of SMPP ends."""
        return LATEST_WALL - self.wall()

    @property
    def is_real(self) -> bool:
        """Whether it is the machine's time: nobody has touched it, or `keep_time` gave it back."""
        return self._date is None and self._pace == 1.0

    def _hold(self) -> None:
        """Begin a new stretch here, with the calendar of now."""
        if self._date is None:
            self._date = self._wall() - self.now()
        self._base = self.now()
        self._since = self._monotonic()

    def freeze(self) -> None:
        """Let time stand still."""
        self._hold()
        self._pace = 0.0
        self.is_running = False

    def resume(self) -> None:
        """Let time pass by itself again, at the `speed` it has."""
        if self.is_running:
            return
        self._hold()
        self._pace = self.speed
        self.is_running = True

    def set_speed(self, speed: float) -> None:
        """Have time pass so much faster than real time; a clock that stands still goes on standing still.

        Raises ValueError outside of SLOWEST to FASTEST.
        """
        if not SLOWEST <= speed <= FASTEST:
            raise ValueError(f"a speed of {speed}: expected a number from {SLOWEST} to {FASTEST:g}")
        if self.is_running and speed != self.speed:
            self._hold()
            self._pace = speed
        self.speed = speed

    def advance_to(self, moment: float) -> None:
        """Make it `moment`, on the scale of `now`. Raises ValueError when that lies in the past."""
        self._hold()
        if moment < self._base:
            raise ValueError(f"time does not go back from {self._base} to {moment}")
        self._base = moment

    def set_calendar(self, wall: float) -> None:
        """Have the calendar say this Unix time now; `now` goes on as before. Raises ValueError after 2037."""
        if wall > LATEST_WALL:
            raise ValueError(f"{wall} is beyond the calendar of SMPP, which ends with 2037")
        self._hold()
        self._date = wall - self._base

    def keep_time(self) -> None:
        """Go on as the machine does: at its speed, with its calendar. `now` does not go back, and does not jump."""
        self._hold()
        self._pace = self.speed = 1.0
        self.is_running = True
        self._date = None
