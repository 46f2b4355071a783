"""Long work on the event loop, in slices by measured time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

HOLD: Final = 0.001
"""Seconds of work after which others have a turn."""


class Pace:
    """Measures how long a piece of work has held the loop, and lets others have a turn in time."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Begin a slice; `monotonic` reads real time in seconds."""
        self._monotonic = monotonic
        self.longest = 0.0
        """The longest slice so far, in seconds."""
        self._began = monotonic()

    @property
    def is_up(self) -> bool:
        """Whether it is time for the others."""
        return self._monotonic() - self._began >= HOLD

    async def rest(self) -> None:
        """Let others have a turn."""
        self.pause()
        await asyncio.sleep(0)
        self.go_on()

    def pause(self) -> None:
        """The slice is over: the loop is somebody else's until `go_on`."""
        self.longest = max(self.longest, self._monotonic() - self._began)

    def go_on(self) -> None:
        """Another slice begins."""
        self._began = self._monotonic()
