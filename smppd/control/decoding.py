"""How much of the server's time goes into decoding events for those who look.

All viewers share it: they take turns, a slice each, and between two slices the message centre has its turn. While it is
busy they get a small share of the time it has, else more; what they cannot look at then, they lose (and are told).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

PERIOD: Final = 0.1
"""Seconds after which the time is dealt out anew."""

SLICE: Final = 0.0015
"""Seconds of one slice: nothing may hold the event loop for more than two milliseconds."""

BUSY_SHARE: Final = 0.015
"""Of the processor time that the server has used in the last period, what all viewers may use in the next, while it is
busy. Writing down and sending what was decoded takes as much again."""

QUIET_SECONDS: Final = 0.03
"""Seconds of each period for all viewers while the server is not busy: nobody else needs the time."""

BUSY_PDUS: Final = 500
"""PDUs of the last period from which on the server is busy: about a twentieth of what it can do."""

T = TypeVar("T")


class Decoding:
    """Deals out the time."""

    def __init__(self, monotonic: Callable[[], float], *, worked: Callable[[], float], pdus: Callable[[], int]) -> None:
        """Deal it out from now on.

        Args:
            monotonic: real time in seconds.
            worked: the processor time that the server has used so far, in seconds: on a machine that others use too,
                that is what it has to share out.
            pdus: how many PDUs have been recorded so far.
        """
        self._monotonic = monotonic
        self._worked = worked
        self._pdus = pdus
        self._line = asyncio.Lock()
        self._began = monotonic()
        self._before = (worked(), pdus())
        self._left = QUIET_SECONDS
        self.period = 0
        """Counts the periods: whoever has a quota of their own deals it out anew with each."""

    async def slice(self, work: Callable[[Callable[[], bool]], T]) -> T:
        """Do some work when there is time for it. It is given whether time is up, and asks often."""
        async with self._line:
            await self._time_to_spend()
            began = self._monotonic()
            end = began + min(SLICE, self._left)
            try:
                return work(lambda: self._monotonic() >= end)
            finally:
                self._left -= self._monotonic() - began
                await asyncio.sleep(0)

    async def next_period(self) -> None:
        """Wait until time is dealt out anew."""
        await asyncio.sleep(max(0.0, self._began + PERIOD - self._monotonic()))
        self.look()

    def look(self) -> None:
        """Deal out anew if it is time."""
        now = self._monotonic()
        if now < self._began + PERIOD:
            return
        worked, pdus = self._worked(), self._pdus()
        # After a pause of several periods, what came meanwhile says nothing about the last of them.
        periods = max(1.0, (now - self._began) / PERIOD)
        is_busy = pdus - self._before[1] >= BUSY_PDUS * periods
        share = BUSY_SHARE * (worked - self._before[0]) / periods if is_busy else QUIET_SECONDS
        self._left = min(0.0, self._left) + share  # what was overdrawn is made good
        self._began, self._before = now, (worked, pdus)
        self.period += 1

    async def _time_to_spend(self) -> None:
        self.look()
        while self._left <= 0:
            await self.next_period()
