"""Standstill: the engine stands still for a while, so that its state can be read in several turns of the loop.

Nothing that is due is done, nothing is read from sessions, and no session comes or goes, as far as the engine knows.
Connections stay; what ESMEs send waits in the buffers of the system and is served afterwards, answers to enquire_link
included. Real time goes on, and so does the engine's clock, if it runs.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from smppd.transport.context import Context
    from smppd.transport.timelapse import TimeLapse

LONGEST_REQUEST: Final = 10.0
"""Seconds that requests in work (submit_multi to a long distribution list, among others) get to come to their end."""


class Standstill:
    """Has the engine of one server stand still."""

    def __init__(self, context: Context, lapse: TimeLapse | None, wake: Callable[[], None]) -> None:
        """Set up; `wake` has the ticker look at the engine again."""
        self._context = context
        self._lapse = lapse
        self._wake = wake
        self._over = asyncio.Event()
        self._over.set()

    async def over(self) -> None:
        """Wait until nothing stands still: for whoever is about to change something."""
        await self._over.wait()

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Stand still while the context lasts; for one at a time.

        Raises TimeoutError when requests that take many turns do not come to an end.
        """
        context = self._context
        context.listens = False
        self._over.clear()
        for connection in list(context.connections):
            connection.stop_listening()
        try:
            await self._finish_requests()
            if self._lapse is None:
                async with self._still():
                    yield
            else:
                async with self._lapse.turns, self._still():
                    yield
        finally:
            context.listens = True
            self._over.set()
            for connection in list(context.connections):
                connection.listen_again()
            self._wake()

    @asynccontextmanager
    async def _still(self) -> AsyncIterator[None]:
        self._context.is_still = True
        self._context.engine.hold()
        try:
            yield
        finally:
            self._context.is_still = False
            self._context.engine.go_on()

    async def _finish_requests(self) -> None:
        """Let requests come to their end that are carried out in many turns: they cannot be interrupted."""
        slices = self._context.engine.slices
        async with asyncio.timeout(LONGEST_REQUEST):
            while len(slices):  # noqa: ASYNC110  # each turn of the loop does a slice of them
                await asyncio.sleep(0)
