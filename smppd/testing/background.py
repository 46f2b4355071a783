"""An event loop in a thread of its own, and how callers of every kind wait for what happens in it.

A test may block, or run under asyncio or trio; the server's loop goes on in any case. So a client that blocks, and an
event loop of the test's own that stands still, never stop the server.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Final, TypeVar

from smppd.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from concurrent.futures import Future

__tracebackhide__ = True
__unittest = True  # pytest and unittest leave the frames of such modules out: what failed is in the test

T = TypeVar("T")

STOP_TIMEOUT: Final = 5.0
"""Seconds that the thread gets to end; it has nothing to wait for, so this is far more than it needs."""


class BackgroundLoop:
    """An event loop that runs in a thread from `start` to `stop`.

    `failures` collects what went wrong in it without anybody waiting for it.
    """

    def __init__(self, name: str) -> None:
        """`name` is that of the thread, as debuggers show it."""
        self.failures: list[str] = []
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._process = 0
        """The process that has the thread: one that was forked from it has not."""

    def start(self) -> None:
        """Start the thread."""
        # Whatever policy or uvloop the tests have set up concerns their loops, not this one.
        self._loop = asyncio.SelectorEventLoop()
        self._loop.set_exception_handler(self._note)
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._main, args=(self._loop,), name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Cancel what still runs, and end the thread. Does nothing when it is stopped."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._loop = self._thread = None
        if self._process == os.getpid():
            loop.call_soon_threadsafe(loop.stop)
            thread.join(STOP_TIMEOUT)

    @property
    def is_running(self) -> bool:
        """Whether it is between `start` and `stop`."""
        return self._loop is not None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and block until it is done. Raises what it raises, and RuntimeError when stopped.

        Ctrl-C in the meantime cancels it.
        """
        future = self._submit(work)
        try:
            return _result(future)
        finally:
            future.cancel()

    async def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """The same for a caller under asyncio or trio: its own loop goes on meanwhile."""
        future = self._submit(work)
        try:
            await _until_done(future)
            return _result(future)
        finally:
            future.cancel()

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        reason = ""
        if self._loop is None:
            reason = f"{self._name} is not running: use it inside of its with statement or fixture"
        elif self._thread is threading.current_thread():
            reason = f"this is the thread of {self._name} itself, which cannot wait for itself"
        elif self._process != os.getpid():
            reason = f"{self._name} runs in the process that this one was forked from: only its port can be used here"
        if reason or self._loop is None:
            work.close()
            raise RuntimeError(reason)
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _note(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Keep what the loop would log."""
        error = context.get("exception")
        self.failures.append(f"{context.get('message', '')}{'' if error is None else f': {error!r}'}")

    @staticmethod
    def _main(loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.run_forever()
            loop.run_until_complete(_cancel_all(asyncio.all_tasks(loop)))
        finally:
            loop.close()


async def _cancel_all(tasks: set[asyncio.Task[Any]]) -> None:
    """End what still runs."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _result(future: Future[T]) -> T:
    """The result; what was raised comes without the frames of the other thread, which say nothing to a caller."""
    error = future.exception()
    if isinstance(error, UserError):
        raise error.with_traceback(None) from None  # its words say everything
    if error is not None:
        raise error.with_traceback(None)
    return future.result()


async def _until_done(future: Future[Any]) -> None:
    """Wait under whichever event loop the caller has."""
    if in_asyncio():
        waited = asyncio.wrap_future(future)
        await asyncio.wait([waited])
        waited.exception()  # whoever looks at an error keeps asyncio from speaking of it
        return
    trio = sys.modules.get("trio")
    if trio is None or not trio.lowlevel.in_trio_run():
        raise RuntimeError("neither asyncio nor trio runs here: use the methods that block")
    await trio.to_thread.run_sync(future.exception, abandon_on_cancel=True)


def in_asyncio() -> bool:
    """Whether the caller runs in an event loop of asyncio."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def in_event_loop() -> bool:
    """Whether the caller runs in any event loop, and so stops it by blocking."""
    trio = sys.modules.get("trio")
    return in_asyncio() or (trio is not None and bool(trio.lowlevel.in_trio_run()))
