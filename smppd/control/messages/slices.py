"""Long work in slices: others get their turn of the loop often enough that nobody notices."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SLICE_SECONDS: Final = 0.001
"""Work between two turns of the loop: half of the 2 ms that nothing may hold it, because a step can take that long."""


class Slicer:
    """Counts the time of one piece of long work. `is_over` says that others should have a turn; then await `pause`."""

    __slots__ = ("_end", "_monotonic")

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Begin the first slice; `monotonic` is real time in seconds."""
        self._monotonic = monotonic
        self._end = monotonic() + SLICE_SECONDS

    @property
    def is_over(self) -> bool:
        """Whether the slice is used up."""
        return self._monotonic() >= self._end

    async def pause(self) -> None:
        """Let the others have their turn, and begin the next slice."""
        await asyncio.sleep(0)
        self._end = self._monotonic() + SLICE_SECONDS

    async def drive(self, steps: Iterator[None]) -> None:
        """Do all steps of some work."""
        for _ in steps:
            if self._monotonic() >= self._end:
                await self.pause()
