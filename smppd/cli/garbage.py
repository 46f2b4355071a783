"""How `smppd serve` uses Python's garbage collector: no pause while messages flow, no leak over the weeks.

Nothing on the way of a message is a cycle: a message goes the moment the last reference to it does. What leaves cycles
behind is a closed connection (asyncio's transports refer to themselves) and an HTTP request, most of all one that was
refused. To find those, Python's own policy looks through the retained messages again and again, which takes a third of
a second per million objects. So the automatic collections are off, and once a second it is seen what there is to do:

* While messages flow, what is new is frozen, which takes a microsecond: no later collection of the youngest generation
  will look at it.
* In a quiet second the youngest generation is collected: there is next to nothing in it.
* What was frozen and became a cycle without owners is found by a full collection. It is held when enough has been left
  behind to be worth it, in a quiet second if one comes in time.

All this concerns the whole process, so an application that embeds the server is left alone. `bench/e2e/stalls.py`
measures the pauses; docs/speed.md has the figures.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_SECONDS: Final = 1.0
"""How often `look` is to be called."""

QUIET_PDUS: Final = 20
"""PDUs between two looks up to which the server is quiet: hundreds of sessions may send their enquire_link."""

SOME_LEFTOVERS: Final = 1_000
"""Kilobytes worth a full collection in a quiet second."""

MANY_LEFTOVERS: Final = 10_000
"""Kilobytes worth a full collection at any time: ten thousand sessions that came and went. To free what they have left
takes as long again as to look through 100,000 messages: with more to free, the pause would grow."""

QUIET_LOOKS: Final = 3_600
"""Looks after which a quiet second is used whatever has been left: an hour."""

ALL_LOOKS: Final = 24 * 3_600
"""Looks after which a full collection is held in any case: a day. It finds what nobody thought of."""


class GarbagePolicy:
    """The collector of this process, from `start` to its end."""

    def __init__(self, traffic: Callable[[], int], leftovers: Callable[[], int]) -> None:
        """Set up, changing nothing yet.

        Args:
            traffic: PDUs received so far.
            leftovers: kilobytes that ended connections and HTTP requests have left behind so far, roughly.
        """
        self._traffic = traffic
        self._leftovers = leftovers
        self._traffic_before = 0
        self._leftovers_before = 0
        self._looks = 0

    def start(self) -> None:
        """Take over. Everything loaded so far lives as long as the process: it is frozen."""
        gc.disable()
        gc.collect()
        gc.freeze()

    def look(self) -> bool:
        """Do what there is to do; whether it was a full collection."""
        self._looks += 1
        traffic = self._traffic()
        is_quiet = traffic - self._traffic_before <= QUIET_PDUS
        self._traffic_before = traffic
        leftovers = self._leftovers()
        is_full = self._is_due(leftovers - self._leftovers_before, is_quiet=is_quiet)
        if is_full:
            self._leftovers_before = leftovers
            self._looks = 0
            gc.unfreeze()
            gc.collect()
        elif is_quiet:
            gc.collect(0)
        gc.freeze()
        return is_full

    def _is_due(self, leftovers: int, *, is_quiet: bool) -> bool:
        """Whether a full collection is."""
        if leftovers >= MANY_LEFTOVERS or self._looks >= ALL_LOOKS:
            return True
        return is_quiet and (leftovers >= SOME_LEFTOVERS or self._looks >= QUIET_LOOKS)
