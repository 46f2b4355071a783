"""The one timer that drives the engine: coarse while idle, a millisecond while something is due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

SOON: Final = 0.001
"""Seconds between new work and the run that does it: what arrives within a millisecond is done together."""

AFTER_FAILURE: Final = 0.05
"""Seconds before the next run when one failed; twice as many after each further failure in a row."""

AFTER_FAILURES: Final = 1.6
"""Seconds between runs that keep failing: a broken part must not spin, nor fill the log."""


class Ticker:
    """Calls `run` when it is woken, and again when `run` says so."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        run: Callable[[], float | None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Drive `run` (it returns the seconds until it wants to be called again, None for not until woken)."""
        self._loop = loop
        self._run = run
        self._failed = failed
        self._handle: asyncio.Handle | None = None
        self._soon = False
        self._stopped = False
        self._pause = AFTER_FAILURE

    def wake(self) -> None:
        """There is work: run within a millisecond."""
        if self._soon or self._stopped:
            return
        self._soon = True
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._loop.call_later(SOON, self._fire)

    def stop(self) -> None:
        """Run no more."""
        self._stopped = True
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _fire(self) -> None:
        self._handle = None
        self._soon = False
        try:
            delay = self._run()
        except Exception as error:  # noqa: BLE001  # whatever it is, the messages that it did not concern go on
            self._failed(error)
            self._try_again_later()
            return
        self._pause = AFTER_FAILURE
        if delay is None or self._stopped or self._soon:
            return
        if delay <= 0:
            # The loop looks at its sockets first: responses never wait behind a flood of receipts.
            self._soon = True
            self._handle = self._loop.call_soon(self._fire)
        else:
            self._handle = self._loop.call_later(max(delay, SOON), self._fire)

    def _try_again_later(self) -> None:
        """Run again after a pause that no new work cuts short."""
        if self._handle is not None:
            self._handle.cancel()
        if self._stopped:
            return
        self._soon = True
        self._handle = self._loop.call_later(self._pause, self._fire)
        self._pause = min(AFTER_FAILURES, 2 * self._pause)
