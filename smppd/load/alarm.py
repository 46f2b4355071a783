"""Waking up on time: the timers of event loops are exact to a millisecond, arrivals at a high rate are closer.

epoll, which asyncio and uvloop wait with, counts in milliseconds; `call_later` is therefore up to one late, and that
would be in every latency of an open loop. Linux has timers that are files (timerfd_create(2)), exact to some
microseconds; where there are none, `call_later` must do.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_CLOCK_MONOTONIC: Final = 1
_SHORTEST: Final = 1_000
"""Nanoseconds; 0 would switch the timer off."""


class Alarm(Protocol):
    """Calls back once, some time after it was set; setting it again replaces that time."""

    def set(self, delay: float) -> None:
        """Call back in so many seconds; at once when `delay` is not positive."""

    def stop(self) -> None:
        """Call back no more."""

    def close(self) -> None:
        """Give back what it holds of the system."""


def make_alarm(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> Alarm:
    """The most exact alarm that this system has."""
    if sys.platform == "linux":
        try:
            return FileAlarm(loop, callback)
        except (OSError, AttributeError):  # a C library or a sandbox without it
            pass
    return LoopAlarm(loop, callback)


class LoopAlarm:
    """A timer of the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._handle: asyncio.TimerHandle | None = None

    def set(self, delay: float) -> None:
        """Call back in so many seconds."""
        self.stop()
        self._handle = self._loop.call_later(max(0.0, delay), self._callback)

    def stop(self) -> None:
        """Call back no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def close(self) -> None:
        """As `stop`."""
        self.stop()


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    """struct itimerspec of timerfd_settime(2)."""

    _fields_ = (("interval", _Timespec), ("first", _Timespec))


class FileAlarm:
    """A timer that is a file. Raises OSError or AttributeError where there are none."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._library = ctypes.CDLL(None, use_errno=True)
        self._file: int = self._library.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        self._setting = _Setting()
        loop.add_reader(self._file, self._ring)

    def set(self, delay: float) -> None:
        """Call back in so many seconds."""
        self._arm(max(_SHORTEST, int(delay * 1e9)))

    def stop(self) -> None:
        """Call back no more."""
        self._arm(0)

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            self._loop.remove_reader(self._file)
            os.close(self._file)
            self._file = -1

    def _arm(self, nanoseconds: int) -> None:
        if self._file < 0:
            return
        first = self._setting.first
        first.seconds, first.nanoseconds = divmod(nanoseconds, 1_000_000_000)
        self._library.timerfd_settime(self._file, 0, ctypes.byref(self._setting), None)

    def _ring(self) -> None:
        try:
            os.read(self._file, 8)
        except BlockingIOError:  # it was set anew after it had rung
            return
        self._callback()
