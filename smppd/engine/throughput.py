"""Throughput windows: the generic cell rate algorithm, admitting n of m at once.

One number is all the state: the theoretical arrival time (TAT) of the next message. A message conforms while the TAT
is no further ahead of now than the burst allows; admitting it moves the TAT on by one interval.
"""

from __future__ import annotations

from typing import Final

LONGEST_ROUNDING: Final = 1e-6
"""Seconds a message may be early because of rounding: an uptime of years leaves the clock a grain of about 1e-8. The
TAT moves on by whole intervals all the same, so the sustained rate stays exact."""

ROUNDING_SHARE: Final = 1e-3
"""The same as a share of the interval: at rates so high that a microsecond is an interval, bursts stay exact too."""


class Throughput:
    """Sustained `limit` per `per` seconds, at most `burst` at once."""

    __slots__ = ("_arrival", "_interval", "_rounding", "_tolerance")

    def __init__(self, limit: float, per: float = 1.0, burst: int = 1) -> None:
        """Open a window.

        Args:
            limit: messages (or parts) per `per`, > 0.
            per: seconds, > 0.
            burst: how many may pass at the same instant after a pause, >= 1.

        Raises:
            ValueError: a value is out of its range.
        """
        if limit <= 0 or per <= 0 or burst < 1:
            raise ValueError(f"limit {limit} and per {per} must be above 0, burst {burst} at least 1")
        self._interval = per / limit
        self._tolerance = self._interval * (burst - 1)
        self._rounding = min(LONGEST_ROUNDING, self._interval * ROUNDING_SHARE)
        self._arrival = float("-inf")

    @property
    def arrival(self) -> float:
        """The theoretical arrival time of the next message, in seconds of the clock: all that the window remembers."""
        return self._arrival

    def go_on_from(self, arrival: float) -> None:
        """Be as full as a window whose `arrival` this is."""
        self._arrival = arrival

    def admit(self, count: int, now: float) -> int:
        """Admit as many as conform now, at most `count`; returns how many."""
        arrival = max(self._arrival, now)
        slack = now + self._tolerance - arrival + self._rounding
        if slack < 0 or count <= 0:
            return 0
        admitted = min(count, int(slack / self._interval) + 1)
        self._arrival = arrival + admitted * self._interval
        return admitted

    def admit_weight(self, weight: int, now: float) -> bool:
        """Admit one message that costs `weight` parts, or none of it.

        A message of more parts than the burst passes when the window is wholly open, and is paid for afterwards:
        otherwise it could never pass.
        """
        if now < self._opens_for(weight) - self._rounding:
            return False
        self._arrival = max(self._arrival, now) + weight * self._interval
        return True

    def fullness(self, now: float) -> float:
        """How much of the burst is used up now: from 0 to 1, where nothing more conforms."""
        return min(1.0, max(0.0, self._arrival - now) / (self._tolerance + self._interval))

    def next_at(self, now: float, weight: int = 1) -> float:
        """When a message of `weight` parts conforms, as seconds of the same clock; `now` when it does already."""
        return max(now, self._opens_for(weight))

    def _opens_for(self, weight: int) -> float:
        return self._arrival + min(0.0, (weight - 1) * self._interval - self._tolerance)
