"""What faults wait for on the engine's clock, real or virtual: whoever drives the engine drives this with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from smppd.engine.scheduler import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable


class Wait(NamedTuple):
    """Something that is to be called; see `Waits.cancel`."""

    due: float
    ticket: int


class Waits:
    """Calls at times of one clock."""

    __slots__ = ("_calls", "_wake", "now")

    def __init__(self, now: Callable[[], float], wake: Callable[[], None]) -> None:
        """Wait on the clock that ``now`` reads; ``wake`` is called when `run` is needed earlier than it has said."""
        self.now = now
        self._wake = wake
        self._calls: Schedule[Callable[[], None]] = Schedule()

    def call_at(self, due: float, callback: Callable[[], None]) -> Wait:
        """Have something called once the clock reaches ``due``."""
        wait = Wait(due, self._calls.add(due, callback))
        self._wake()
        return wait

    def cancel(self, wait: Wait) -> None:
        """Call it no more; it must not have been called yet."""
        self._calls.forsake(*wait)

    def next_due(self) -> float | None:
        """When the next call is due, on the clock; None when nothing waits."""
        return self._calls.next_due(exact=True)

    def run(self) -> float | None:
        """Call what is due; returns the seconds until it is needed again, None for not until woken."""
        # One at a time: what is called may cancel what is due at the same time.
        while due := self._calls.pop_due(self.now(), 1):
            due[0]()
        coming = self.next_due()
        return None if coming is None else max(0.0, coming - self.now())
