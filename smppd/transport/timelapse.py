"""Time lapse: how the time of a virtual clock passes, while sessions go on in real time.

The engine is taken from one due event to the next: each is executed at its own time, what becomes due by it leaves, and
the ESMEs get a little real time to acknowledge, because a window that is full holds back what comes next. So it makes
no difference to what is sent whether an hour passes at once or in many small steps, and hours in which nothing happens
cost nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from smppd.engine.clock import VirtualClock
    from smppd.transport.connection import Connection

PATIENCE: Final = 0.25
"""Real seconds an ESME gets to acknowledge what left, before time goes on without it: a test bench may be slow, and an
ESME that never answers must not stop time. Whoever owes an acknowledgement for longer is not waited for."""


class Work(Protocol):
    """What is due on a clock: the engine's, and that of whoever else goes by it."""

    def run(self) -> float | None:
        """Do what is due; returns the seconds until there is more, 0 for more at once, None for not until woken."""

    def next_due(self) -> float | None:
        """When something is due next, None when nothing is."""


class Lapse(NamedTuple):
    """What came of an `advance`."""

    seconds: float
    """How much time passed."""
    wall: float
    """What time it is now, Unix time."""
    steps: int
    """At how many moments something was due."""
    owing: int
    """Sessions that were not waited for any longer: they have not acknowledged what left."""


class TimeLapse:
    """Moves the virtual clock of one server. Outside of `advance` time stands still, and only what is due is done."""

    def __init__(
        self,
        clock: VirtualClock,
        engine: Work,
        connections: Iterable[Connection],
        monotonic: Callable[[], float],
    ) -> None:
        """Set up.

        Args:
            clock: the engine's clock, which nobody else moves.
            engine: what to take through time.
            connections: the open ones, looked at anew each time.
            monotonic: real time in seconds, by which sessions go on.
        """
        self._clock = clock
        self._engine = engine
        self._connections = connections
        self._monotonic = monotonic
        self._stirred = asyncio.Event()
        """Set when there is something for the engine to look at: an acknowledgement, among others."""
        self._turns = asyncio.Lock()

    def stir(self) -> None:
        """Something happened that the engine should look at."""
        self._stirred.set()

    def run(self) -> float | None:
        """What the ticker calls: do what is due now; 0 for again at once, None for not until woken."""
        if self._turns.locked():
            return None  # the lapse under way runs the engine itself
        return 0.0 if self._engine.run() == 0.0 else None

    async def advance(self, seconds: float) -> Lapse:
        """Let so much time pass. Several calls take turns.

        Raises ValueError when it is negative, or reaches beyond the calendar of SMPP (2037).
        """
        async with self._turns:
            clock, engine = self._clock, self._engine
            if not 0 <= seconds <= clock.left:
                raise ValueError(f"{seconds} seconds: 0 to {clock.left:.0f} can pass until the end of 2037")
            target = clock.now() + seconds
            steps = 0
            await self._settle()
            while (due := engine.next_due()) is not None and due <= target:
                clock.advance_to(max(due, clock.now()))
                steps += 1
                await self._settle()
            clock.advance_to(target)
            owing = sum(connection.owes_until(PATIENCE) is not None for connection in self._connections)
            return Lapse(seconds, clock.wall(), steps, owing)

    async def _settle(self) -> None:
        """Do everything that is due at this instant, what acknowledgements make room for included."""
        while True:
            self._stirred.clear()
            more = self._engine.run() == 0.0
            await asyncio.sleep(0)
            if not more and not self._stirred.is_set() and not await self._is_stirred():
                return

    async def _is_stirred(self) -> bool:
        """Wait for the sessions that owe acknowledgements and have not let their time pass; whether one did."""
        while True:
            now = self._monotonic()
            patience = [until for connection in self._connections if (until := connection.owes_until(PATIENCE))]
            wait = max(patience, default=now) - now
            if wait <= 0:
                return False
            try:
                async with asyncio.timeout(wait):
                    return await self._stirred.wait()
            except TimeoutError:
                continue  # something may have left in the meantime
