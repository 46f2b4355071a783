"""One message centre that runs in a background loop, for those who drive it from a test."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final, TypeVar

from smppd.app import SmscServer
from smppd.testing.background import BackgroundLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from smppd.control.panel import Control
    from smppd.settings import Settings

__tracebackhide__ = True
__unittest = True  # pytest and unittest leave the frames of such modules out: what failed is in the test

T = TypeVar("T")

INTERNAL: Final = "internal"
"""The kind under which a server counts its own mistakes."""

NAME: Final = "smppd.Smsc"


class Host:
    """A server and the loop it runs in. Everything but `run` and `wait` belongs to the thread of that loop."""

    def __init__(self, settings: Settings) -> None:
        """Set up a server with these settings; nothing is opened before `start`."""
        self.settings = settings
        self.loop = BackgroundLoop(NAME)
        self._log = io.StringIO()
        self._server: SmscServer | None = None
        self.smpp_address = self.http_address = ""
        """Where it listens, or did; http_address is "" when the API is not served."""
        self._told = 0
        """Mistakes of the server that have been told of."""

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the listeners. Raises smppd.errors.UserError when that cannot be."""
        if self._server is not None:
            raise RuntimeError(f"this {NAME} has been started before: make another one")
        self.loop.start()
        try:
            self.loop.run(self._start())
        except BaseException:
            self.loop.stop()
            raise

    def stop(self) -> None:
        """Cut all connections off and end the thread; does nothing when it is stopped. The log can still be read."""
        if self.loop.is_running:
            try:
                # A test is over: no ESME is left that would answer an unbind.
                self.loop.run(self.server.stop(grace=0.0))
            finally:
                self.loop.stop()

    async def _start(self) -> None:
        self._server = SmscServer(self.settings, log_stream=self._log, environ={})
        await self._server.start()
        self.smpp_address, self.http_address = self._server.smpp_addresses[0], self._server.http_address

    # -- work in the loop ---------------------------------------------------------------------------------------------

    @property
    def server(self) -> SmscServer:
        """The server. Raises RuntimeError before it was started."""
        if self._server is None:
            raise RuntimeError(f"{NAME} is not running: use it inside of its with statement or fixture")
        return self._server

    @property
    def control(self) -> Control:
        """What may be asked of the server and done to it, by code that runs in its loop."""
        return self.server.control

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the server's loop, and block until it is done."""
        return self.loop.run(work)

    async def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the server's loop, and let the caller's loop go on until it is done."""
        return await self.loop.wait(work)

    def call(self, function: Callable[[], T]) -> T:
        """Call a quick function in the server's loop."""
        return self.loop.run(_called(function))

    # -- health -------------------------------------------------------------------------------------------------------

    @property
    def log(self) -> str:
        """What the server has logged so far; addresses are masked and texts left out."""
        return self._log.getvalue()

    def new_mistakes(self) -> str:
        """What went wrong within the server itself since this was last asked; "" for nothing."""
        counted = 0 if self._server is None else self._server.counters.protocol_errors[INTERNAL]
        told, self._told = self._told, counted
        lines = list(self.loop.failures)
        self.loop.failures.clear()
        if counted > told:
            lines.append(self.log)
        return "\n".join(lines)


async def _called(function: Callable[[], T]) -> T:
    return function()
