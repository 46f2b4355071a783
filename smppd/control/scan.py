"""Looking through the journal without holding the event loop: in slices of measured time."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from smppd.observe.journal import Journal, JournalEntry

SLICE: Final = 0.001
"""Seconds of work between two turns of the event loop: half of the 2 ms for which responses may wait for somebody's
question at the most, because what is begun last can take as long again."""

BLOCK: Final = 16
"""Frames between two looks at the clock: decoding and judging one takes 5 to 20 microseconds. A regular expression may
take longer, and then there are fewer."""

READ: Final = 128
"""Frames taken from the journal at once, in a tenth of a millisecond: finding the place costs as much as judging two
frames."""

Numbered = tuple[int, "JournalEntry"]


class Turns:
    """Who works for long takes turns with others who do: one slice in each turn of the event loop, however many ask."""

    __slots__ = ("_queue", "_scheduled")

    def __init__(self) -> None:
        self._queue: deque[Callable[[], None]] = deque()
        self._scheduled = False

    def ask(self, work: Callable[[], None]) -> None:
        """Have a slice of work done when it is its turn."""
        self._queue.append(work)
        self._schedule()

    async def wait(self) -> None:
        """Come back when it is our turn."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def begin() -> None:
            if not turn.done():
                turn.set_result(None)

        self.ask(begin)
        await turn

    def _schedule(self) -> None:
        if self._queue and not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self._scheduled = False
        work = self._queue.popleft()
        self._schedule()
        work()


class Pace:
    """Gives others their turn whenever a slice of time is over."""

    __slots__ = ("_monotonic", "_slice", "_turns", "_until")

    def __init__(self, monotonic: Callable[[], float], turns: Turns, seconds: float = SLICE) -> None:
        """`monotonic` is the clock slices of so many `seconds` are measured by; a first slice begins now."""
        self._monotonic = monotonic
        self._slice = seconds
        self._turns = turns
        self._until = monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Whether it is time to let others work."""
        return self._monotonic() >= self._until

    @property
    def is_late(self) -> bool:
        """Whether it was time to let others work a whole slice ago."""
        return self._monotonic() >= self._until + self._slice

    async def begin(self) -> None:
        """Wait for the turn to begin a slice."""
        await self._turns.wait()
        self._until = self._monotonic() + self._slice

    async def breathe(self) -> None:
        """Let others work if it is time to."""
        if self.is_over:
            await self.begin()


class Scan:
    """One walk through the journal. `missed` counts frames that were forgotten before they were looked at."""

    def __init__(self, journal: Journal, pace: Pace) -> None:
        self._journal = journal
        self.pace = pace
        self.missed = 0
        self._size = BLOCK

    async def forward(self, start: int, stop: int) -> AsyncIterator[list[Numbered]]:
        """The frames from number `start` up to `stop`, which is not included, oldest first, in blocks."""
        await self.pace.begin()
        while start < stop:
            page = self._journal.read(start, min(READ, stop - start))
            self.missed += min(page.missed, stop - start)
            frames = [one for one in page.frames if one[0] < stop]
            async for block in self._blocks(frames):
                yield block
            if not frames:
                return
            start = page.next

    async def backward(self, start: int, stop: int) -> AsyncIterator[list[Numbered]]:
        """The same frames, newest first."""
        await self.pace.begin()
        self.missed += max(0, min(self._journal.oldest, stop) - start)
        while stop > max(start, self._journal.oldest):
            first = max(start, stop - READ)
            frames = [one for one in self._journal.read(first, stop - first).frames if one[0] < stop]
            frames.reverse()
            async for block in self._blocks(frames):
                yield block
            stop = first

    async def _blocks(self, frames: list[Numbered]) -> AsyncIterator[list[Numbered]]:
        """Blocks, with a turn for others between them. What takes long makes blocks smaller for a while."""
        place = 0
        while place < len(frames):
            size = self._size
            yield frames[place : place + size]
            place += size
            if self.pace.is_late:
                self._size = max(1, size // 2)
            elif not self.pace.is_over:
                self._size = min(BLOCK, size * 2)
            await self.pace.breathe()
