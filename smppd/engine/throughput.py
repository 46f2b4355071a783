"""Throughput windows: the generic cell rate algorithm, admitting n of m at once.

One number is all the state: the theoretical arrival time (TAT) of the next message. A message conforms while the TAT
is no further ahead of now than the burst allows; admitting it moves the TAT on by one interval.
"""

from __future__ import annotations

from typing import Final

EPSILON: Final = 1e-9
"""Seconds of rounding that a chain of float additions may have gathered; far below any interval anyone configures."""


class Throughput:
    """Sustained `limit` per `per` seconds, at most `burst` at once."""

    __slots__ = ("_arrival", "_interval", "_tolerance")

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
        self._arrival = float("-inf")

    def admit(self, count: int, now: float) -> int:
        """Admit as many as conform now, at most `count`; returns how many."""
        arrival = self._arrival if self._arrival > now else now
        slack = now + self._tolerance - arrival + EPSILON
        if slack < 0:
            return 0
        admitted = min(count, int(slack / self._interval) + 1)
        self._arrival = arrival + admitted * self._interval
        return admitted

    def admit_weight(self, weight: int, now: float) -> bool:
        """Admit one message that costs `weight` parts, or none of it.

        A message of more parts than the burst passes when the window is wholly open, and is paid for afterwards:
        otherwise it could never pass.
        """
        arrival = self._arrival if self._arrival > now else now
        slack = now + self._tolerance - arrival + EPSILON
        if slack < 0:
            return False
        whole = arrival <= now
        if not whole and int(slack / self._interval) + 1 < weight:
            return False
        self._arrival = arrival + weight * self._interval
        return True

    def next_at(self, now: float) -> float:
        """When the next message conforms (seconds of the same clock); not later than `now` when it does already."""
        return max(now, self._arrival - self._tolerance)
