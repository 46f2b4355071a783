"""Looking through the journal without holding the event loop: in slices of measured time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from smppd.observe.journal import Journal, JournalEntry

SLICE: Final = 0.002
"""Seconds of work between two turns of the event loop: responses may not wait longer for somebody's question."""

BLOCK: Final = 32
"""Frames between two looks at the clock: decoding and judging one takes 5 to 20 microseconds."""

READ: Final = 512
"""Frames taken from the journal at once, uncut: finding the place costs as much as judging two frames."""

Numbered = tuple[int, "JournalEntry"]


class Pace:
    """Gives others their turn whenever a slice of time is over."""

    __slots__ = ("_monotonic", "_slice", "_until")

    def __init__(self, monotonic: Callable[[], float], seconds: float = SLICE) -> None:
        """`monotonic` is the clock slices are measured by; each takes so many `seconds`, and its last step more."""
        self._monotonic = monotonic
        self._slice = seconds
        self._until = monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Whether it is time to let others work."""
        return self._monotonic() >= self._until

    def restart(self) -> None:
        """A slice begins."""
        self._until = self._monotonic() + self._slice

    async def breathe(self) -> None:
        """Let others work if it is time to."""
        if self.is_over:
            await asyncio.sleep(0)
            self.restart()


class Scan:
    """One walk through the journal. `missed` counts frames that were forgotten before they were looked at."""

    def __init__(self, journal: Journal, monotonic: Callable[[], float]) -> None:
        self._journal = journal
        self.pace = Pace(monotonic)
        self.missed = 0

    async def forward(self, start: int, stop: int) -> AsyncIterator[list[Numbered]]:
        """The frames from number `start` up to `stop`, which is not included, oldest first, in blocks."""
        while start < stop:
            page = self._journal.read(start, min(READ, stop - start))
            self.missed += min(page.missed, stop - start)
            frames = [one for one in page.frames if one[0] < stop]
            for place in range(0, len(frames), BLOCK):
                yield frames[place : place + BLOCK]
                await self.pace.breathe()
            if not frames:
                return
            start = page.next

    async def backward(self, start: int, stop: int) -> AsyncIterator[list[Numbered]]:
        """The same frames, newest first."""
        self.missed += max(0, min(self._journal.oldest, stop) - start)
        while stop > max(start, self._journal.oldest):
            first = max(start, stop - READ)
            frames = [one for one in self._journal.read(first, stop - first).frames if one[0] < stop]
            frames.reverse()
            for place in range(0, len(frames), BLOCK):
                yield frames[place : place + BLOCK]
                await self.pace.breathe()
            stop = first
