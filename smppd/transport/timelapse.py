"""Time lapse: how the time of the engine's clock passes in a leap, while sessions go on in real time.

The engine is taken from one due event to the next: each is executed at its own time, what becomes due by it leaves, and
the ESMEs get a little real time to acknowledge, because a window that is full holds back what comes next. So it makes
no difference to what is sent whether an hour passes at once or in many small steps, and hours in which nothing happens
cost nothing. A clock that runs stands still meanwhile, and goes on afterwards.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from smppd.engine.clock import LATEST_WALL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from smppd.engine.clock import EngineClock
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

    def calm(self, is_calm: bool) -> None:
        """Have turns stay short however much is due, so that sessions and others have theirs; or not."""


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
    """The clock of one server and the engine on it: what the ticker drives, and what `advance` takes through time."""

    def __init__(
        self,
        clock: EngineClock,
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
        self._leaping = False
        self._runs_afterwards = False
        """Whether the clock is to run once the leap under way is over."""

    @property
    def turns(self) -> asyncio.Lock:
        """Whoever holds this keeps the engine from running and the clock from leaping."""
        return self._turns

    @property
    def is_running(self) -> bool:
        """Whether time passes by itself, between leaps."""
        return self._runs_afterwards if self._leaping else self._clock.is_running

    def set_running(self, running: bool) -> None:
        """Let time pass by itself, or stand still: at once, or when the leap under way is over."""
        if self._leaping:
            self._runs_afterwards = running
        elif running:
            self._clock.resume()
        else:
            self._clock.freeze()

    def stir(self) -> None:
        """Something happened that the engine should look at."""
        if self._turns.locked():
            self._stirred.set()

    def run(self) -> float | None:
        """What the ticker calls: do what is due now.

        Returns after how many seconds of real time to call again: 0 for at once, None for not until woken.
        """
        if self._turns.locked():
            return None  # the lapse under way runs the engine itself
        wait = self._engine.run()
        if not wait:
            return wait
        clock = self._clock
        return wait / clock.speed if clock.is_running else None

    @asynccontextmanager
    async def standstill(self) -> AsyncIterator[None]:
        """Keep the engine from running for a while, and time from leaping; waits for a leap that is under way."""
        async with self._turns:
            yield

    async def advance(self, seconds: float) -> Lapse:
        """Let so much time pass. Several calls take turns.

        Who is cancelled on the way leaves the clock at the moment that was reached. Raises ValueError when `seconds` is
        negative, or reaches beyond the calendar of SMPP (2037).
        """
        async with self._turns:
            left = self._clock.left
            if not 0 <= seconds <= left:
                raise ValueError(f"{seconds} seconds: 0 to {left:.0f} can pass until the end of 2037")
            return await self._leap(seconds)

    async def advance_to(self, wall: float) -> Lapse:
        """Let time pass until the calendar says this Unix time; else as `advance`.

        Where the time is, is looked at when it is this call's turn. Raises ValueError for a moment in the past, or
        after 2037.
        """
        async with self._turns:
            now = self._clock.wall()
            if wall < now:
                raise ValueError(f"it lies {now - wall:g} seconds in the past")
            if wall > LATEST_WALL:
                raise ValueError("the calendar of SMPP ends with 2037")
            return await self._leap(wall - now)

    async def _leap(self, seconds: float) -> Lapse:
        clock = self._clock
        self._runs_afterwards = clock.is_running
        clock.freeze()
        seconds = min(seconds, clock.left)  # while it ran, a few microseconds of that have passed
        self._leaping = True
        self._engine.calm(True)
        try:
            steps = await self._pass(clock.now() + seconds)
        finally:
            self._engine.calm(False)
            self._leaping = False
            if self._runs_afterwards:
                clock.resume()
        owing = sum(connection.owes_until(PATIENCE) is not None for connection in self._connections)
        return Lapse(seconds, clock.wall(), steps, owing)

    async def _pass(self, target: float) -> int:
        """Go from one due event to the next until `target`; returns how many there were."""
        clock, engine = self._clock, self._engine
        steps = 0
        await self._settle()
        while (due := engine.next_due()) is not None and due <= target:
            clock.advance_to(max(due, clock.now()))
            steps += 1
            await self._settle()
        clock.advance_to(target)
        return steps

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
