"""Octets on their way in one direction of one connection: a queue whose head leaves when its time has come.

The order of octets never changes. Nothing is cut before it leaves, so that what waits takes no more memory than its
octets. Time is that of the event loop, which is handed in.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence


class Handle(Protocol):
    """A call that may be cancelled."""

    def cancel(self) -> None:
        """Do not call."""


class Loop(Protocol):
    """What is needed of an event loop."""

    def time(self) -> float:
        """Its clock, in seconds."""

    def call_soon(self, callback: Callable[[], Any], /) -> Handle:
        """Call in the next turn."""

    def call_at(self, when: float, callback: Callable[[], Any], /) -> Handle:
        """Call at a time of its clock."""


class Pacer:
    """Lets so many octets through every so many seconds."""

    __slots__ = ("_interval", "_left", "_next", "_octets")

    def __init__(self, octets: int, interval: float) -> None:
        self._octets = octets
        self._interval = interval
        self._left = octets
        self._next = float("-inf")
        """When the next interval begins: not before the one at hand has been used."""

    def allowance(self, now: float) -> int:
        """How many octets may leave now."""
        if now >= self._next:
            self._left = self._octets
        return self._left

    def ready_at(self) -> float:
        """When octets may leave that may not now."""
        return self._next

    def spend(self, octets: int, now: float) -> None:
        """So many octets leave: no more than `allowance` has just said."""
        if now >= self._next:
            # A loop that is a little late does not make the whole slower; a pause does not make what follows faster.
            begin = self._next if now - self._next < self._interval else now
            self._next = begin + self._interval
        self._left -= octets


class Cutter:
    """Cuts a stream after every so many octets."""

    __slots__ = ("_octets", "_size")

    def __init__(self, size: int) -> None:
        self._size = size
        self._octets = 0

    def room(self) -> int:
        """How many octets there are until the next cut, never 0."""
        return self._size - self._octets

    def advance(self, octets: int) -> bool:
        """So many octets leave: no more than there is room for. Whether the cut is reached."""
        self._octets = (self._octets + octets) % self._size
        return self._octets == 0


class Parcel:
    """Octets that leave together unless something cuts them; or, without octets, something to be done in its turn.

    * ready: not before this time. pacers: may let go of it in parts only. cutters: cut it into segments.
    * action: called, in a turn of its own, when all that was before it has left.
    * by: whose doing it is, see `Line.release`.
    """

    __slots__ = ("action", "by", "cutters", "octets", "pacers", "ready")

    def __init__(
        self,
        octets: bytes = b"",
        *,
        ready: float = 0.0,
        pacers: Sequence[Pacer] = (),
        cutters: Sequence[Cutter] = (),
        action: Callable[[], None] | None = None,
        by: Collection[object] = (),
    ) -> None:
        self.octets = octets
        self.ready = ready
        self.pacers = pacers
        self.cutters = cutters
        self.action = action
        self.by = by


class Line:
    """One direction. ``held`` is how many octets wait; ``frozen`` says that nothing leaves for the time being."""

    __slots__ = (
        "_acting",
        "_again",
        "_at_work",
        "_handle",
        "_loop",
        "_moved",
        "_offset",
        "_queue",
        "_sink",
        "frozen",
        "held",
    )

    def __init__(self, loop: Loop, sink: Callable[[bytes], None], moved: Callable[[], None]) -> None:
        """Begin empty. sink: where octets go, a segment with each call. moved: called after `run` has done its work."""
        self._loop = loop
        self._sink = sink
        self._moved = moved
        self._queue: deque[Parcel] = deque()
        self._offset = 0
        """How many octets of the first parcel have left."""
        self._handle: Handle | None = None
        self._again = False
        self._at_work = False
        self._acting = False
        self.frozen = False
        self.held = 0

    def __len__(self) -> int:
        return len(self._queue) + self._acting

    def put(self, parcel: Parcel) -> None:
        """Append a parcel. It moves with the next `run`."""
        self._queue.append(parcel)
        self.held += len(parcel.octets)

    def freeze(self) -> None:
        """Let nothing leave for the time being."""
        self.frozen = True

    def thaw(self) -> None:
        """Let parcels leave again, in the next turn of the loop."""
        if self.frozen:
            self.frozen = False
            self._plan(None)

    def release(self, gone: Collection[object]) -> None:
        """Whatever these have held back may leave in the next turn, as far as nobody else holds it back."""
        found = False
        for parcel in self._queue:
            if not gone or not any(one in gone for one in parcel.by):
                continue
            found = True
            parcel.ready = 0.0
            parcel.pacers = ()
            parcel.cutters = ()
        if found:
            self._plan(None)

    def rush(self) -> None:
        """Let everything leave at once, whoever holds it back; actions follow in turns of their own."""
        for parcel in self._queue:
            parcel.ready = 0.0
            parcel.pacers = ()
            parcel.cutters = ()
        self.frozen = False
        self._unplan()
        self.run()

    def clear(self) -> None:
        """Forget everything, actions included."""
        self._queue.clear()
        self._offset = 0
        self.held = 0
        self._acting = False
        self._unplan()

    def run(self) -> None:
        """Let leave what may leave now; the rest leaves by itself when its time has come, or in the next turn."""
        self._again = True
        if self._at_work:
            return  # whoever was told of octets has put more: they leave in the run at hand
        self._at_work = True
        try:
            while self._again and self._handle is None:
                self._again = False
                self._work()
        finally:
            self._at_work = False
        self._moved()

    def _work(self) -> None:
        now = self._loop.time()
        segment: list[bytes] = []
        while self._queue and not self._acting:
            if self.frozen:
                break
            parcel = self._queue[0]
            if parcel.ready > now:
                self._plan(parcel.ready)
                break
            if parcel.action is not None:
                if not self._emit(segment):
                    self._queue.popleft()
                    self._acting = True
                    self._loop.call_soon(partial(self._act, parcel.action))
                continue
            octets = self._take(parcel, now)
            if not octets:
                self._plan(max(pacer.ready_at() for pacer in parcel.pacers if not pacer.allowance(now)))
                break
            segment.append(octets)
            # Not any(...) over a generator: each cutter must see the octets.
            if [cutter for cutter in parcel.cutters if cutter.advance(len(octets))]:
                self._plan(None)
                break
        self._emit(segment)

    def _take(self, parcel: Parcel, now: float) -> bytes:
        """As much of the first parcel as may leave now in one segment."""
        start = self._offset
        size = len(parcel.octets) - start
        for limit in (*(pacer.allowance(now) for pacer in parcel.pacers), *(one.room() for one in parcel.cutters)):
            size = min(size, limit)
        for pacer in parcel.pacers:
            if size:
                pacer.spend(size, now)
        self.held -= size
        if start + size == len(parcel.octets):
            self._queue.popleft()
            self._offset = 0
        else:
            self._offset += size
        return parcel.octets[start : start + size] if size != len(parcel.octets) else parcel.octets

    def _emit(self, segment: list[bytes]) -> bool:
        """Pass on what was gathered; whether there was anything."""
        if not segment:
            return False
        octets = segment[0] if len(segment) == 1 else b"".join(segment)
        segment.clear()
        self._sink(octets)
        return True

    def _act(self, action: Callable[[], None]) -> None:
        if not self._acting:
            return  # everything was forgotten in the meantime
        self._acting = False
        action()
        self.run()

    def _plan(self, when: float | None) -> None:
        """Run at this time, or in the next turn."""
        self._unplan()
        self._handle = self._loop.call_soon(self._wake) if when is None else self._loop.call_at(when, self._wake)

    def _unplan(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _wake(self) -> None:
        self._handle = None
        self.run()
