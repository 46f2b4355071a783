"""Events: what happens in a server, for those who look. While nobody looks, this costs nothing.

There are two sources. PDUs are in the journal anyway: whoever looks reads them there, by their numbers. Everything
else is told here by those to whom it happens, a batch with one call, and only while somebody looks: `Events.tell` keeps
it in a ring, undecoded. Each happening remembers how many PDUs had been recorded before it, so that both can be put
back into one order. A `Place` is a position in both; it is what an event's id consists of.

Who reads them, filters and decodes them: `smppd.control.events`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from smppd.observe.journal import Journal

REMEMBERED: Final = 10_000
"""Happenings kept for those who look, a message of a batch being one: about a megabyte, and at full speed a tenth of a
second, after which whoever has not looked yet would not catch up anyway."""

ONE: Final[tuple[Any, ...]] = (None,)
"""What a happening is about that concerns nothing in particular."""


class Place(NamedTuple):
    """Where somebody is: the numbers of the next happening and of the next PDU."""

    happening: int
    pdu: int


class Happening(NamedTuple):
    """Something that happened to one or several things at once."""

    first: int
    """The number of the first of them; the others follow."""
    mark: int
    """How many PDUs had been recorded before."""
    time: float
    """Unix time in seconds, as in the journal."""
    kind: str
    event: str
    items: Sequence[Any]
    """What it happened to; never empty."""
    facts: dict[str, Any]
    """What is known beyond that, the same for all of them."""


class Ring:
    """The last happenings, numbered from 0 on in the order in which they were told."""

    __slots__ = ("_counts", "_happenings", "_kept", "capacity", "total")

    def __init__(self, capacity: int = REMEMBERED) -> None:
        """Keep so many; a batch goes as a whole, the oldest first, and the latest is kept whatever its size."""
        self.capacity = capacity
        self.total = 0
        """How many there were so far, and so the number of the next one."""
        self._happenings: deque[Happening] = deque()
        self._kept = 0
        self._counts: Counter[str] = Counter()

    def add(self, mark: int, time: float, kind: str, event: str, items: Sequence[Any], facts: dict[str, Any]) -> None:
        """Keep one more."""
        count = len(items)
        happenings = self._happenings
        happenings.append(Happening(self.total, mark, time, kind, event, items, facts))
        self.total += count
        self._counts[kind] += count
        self._kept += count
        while self._kept > self.capacity and len(happenings) > 1:
            self._kept -= len(happenings.popleft().items)

    @property
    def oldest(self) -> int:
        """The number of the oldest that is kept; `total` when none is."""
        return self._happenings[0].first if self._happenings else self.total

    def at(self, number: int) -> Happening | None:
        """The happening with this number among its items, or the oldest after it; None when there is none yet."""
        if number >= self.total:
            return None
        return self._happenings[max(0, bisect_right(self._happenings, number, key=_first) - 1)]

    def after_pdu(self, pdu: int) -> int:
        """The number of the first happening that came when so many PDUs had been recorded, or later."""
        place = bisect_left(self._happenings, pdu, key=_mark)
        return self._happenings[place].first if place < len(self._happenings) else self.total

    def after_time(self, time: float) -> int:
        """The number of the first happening of this Unix time or later."""
        place = bisect_left(self._happenings, time, key=_time)
        return self._happenings[place].first if place < len(self._happenings) else self.total

    def counts_before(self, number: int) -> Counter[str]:
        """How many of each kind there were before a number that is kept, since the beginning."""
        counts = self._counts.copy()
        for happening in reversed(self._happenings):
            if happening.first < number:
                # The number lies within a batch, or behind it.
                counts[happening.kind] -= max(0, happening.first + len(happening.items) - number)
                break
            counts[happening.kind] -= len(happening.items)
        return counts


def _first(happening: Happening) -> int:
    return happening.first


def _mark(happening: Happening) -> int:
    return happening.mark


def _time(happening: Happening) -> float:
    return happening.time


class Events:
    """The events of one server. Everything belongs to the thread of the event loop."""

    def __init__(self, journal: Journal, wall: Callable[[], float], remembered: int = REMEMBERED) -> None:
        """Watch what the journal records and what is told.

        Args:
            journal: where the PDUs are; its `tap` belongs to this from now on.
            wall: Unix time in seconds.
            remembered: how many happenings are kept.
        """
        self.journal = journal
        self.ring = Ring(remembered)
        self.wanted: frozenset[str] = frozenset()
        """The kinds of events that somebody looks at. Empty while nobody looks: ask that before anything else."""
        self.blind_until = 0
        """The number of the first happening from which on nothing is missing: before it there was nobody to look."""
        self._wall = wall
        self._viewers: dict[object, tuple[frozenset[str], Callable[[], None]]] = {}
        self._wakes: dict[str, tuple[Callable[[], None], ...]] = {}
        """Who is woken, by kind: made anew when a viewer comes or goes, because a busy server tells every batch."""
        self._switches: list[tuple[frozenset[str], Callable[[bool], None]]] = []
        self._pdu_callbacks: dict[object, Callable[[], None]] = {}

    # -- those to whom something happens ------------------------------------------------------------------------------

    def tell(self, kind: str, event: str, items: Sequence[Any] = ONE, **facts: Any) -> None:
        """Something happened, to each of `items` if there are any; forgotten at once unless somebody looks.

        What is told must not change any more: it is looked at later.
        """
        if kind in self.wanted and items:
            self.ring.add(self.journal.total, self._wall(), kind, event, items, facts)
            for wake in self._wakes.get(kind, ()):
                wake()

    def add_switch(self, kinds: Iterable[str], switch: Callable[[bool], None]) -> None:
        """Have `switch` called with True when somebody begins to look at one of these kinds, with False at the end."""
        switched = frozenset(kinds)
        self._switches.append((switched, switch))
        if switched & self.wanted:
            switch(True)

    # -- those who look -----------------------------------------------------------------------------------------------

    @property
    def here(self) -> Place:
        """The place behind everything that has happened so far."""
        return Place(self.ring.total, self.journal.total)

    def watch(self, kinds: Iterable[str], wake: Callable[[], None]) -> Callable[[], None]:
        """Look at these kinds from now on; returns how to stop.

        `wake` is called for each batch of events of these kinds: it must be quick, and leave reading to a later turn of
        the loop.
        """
        viewer, looked_at = object(), frozenset(kinds)
        self._viewers[viewer] = looked_at, wake
        stop_pdus = self.on_pdus(wake) if "pdu" in looked_at else None
        self._choose()

        def stop() -> None:
            self._viewers.pop(viewer, None)
            if stop_pdus is not None:
                stop_pdus()
            self._choose()

        return stop

    def on_pdus(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called after each chunk of PDUs that the journal records; returns how to stop.

        It must be quick, and leave reading to a later turn of the loop.
        """
        key = object()
        self._pdu_callbacks[key] = callback
        self._tap()

        def cancel() -> None:
            self._pdu_callbacks.pop(key, None)
            self._tap()

        return cancel

    def _tap(self) -> None:
        callbacks = list(self._pdu_callbacks.values())
        if len(callbacks) < 2:
            self.journal.tap = callbacks[0] if callbacks else None
            return

        def call_all() -> None:
            for callback in callbacks:
                callback()

        self.journal.tap = call_all

    def _choose(self) -> None:
        """Have those kinds told that anybody looks at."""
        before = self.wanted
        viewers = list(self._viewers.values())
        self.wanted = frozenset[str]().union(*(kinds for kinds, _ in viewers))
        self._wakes = {kind: tuple(wake for kinds, wake in viewers if kind in kinds) for kind in self.wanted}
        if self.wanted - before - {"pdu"}:
            self.blind_until = self.ring.total
        for kinds, switch in self._switches:
            if bool(kinds & before) != bool(kinds & self.wanted):
                switch(bool(kinds & self.wanted))
