"""What happens later: due events in order, at the price of one list append.

Events are gathered in slots of about a millisecond; a heap holds the slots, not the events. A thousand receipts that
are due within the same slot cost one heap operation, and a slot is sorted once, when its time comes.
"""

from __future__ import annotations

from bisect import insort
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SLOTS_PER_SECOND: Final = 1024
"""The resolution: events within a slot are still executed in the order of their times. A power of two, so that slots
and seconds convert exactly in both directions."""

SPARE_KEYS: Final = 64
"""Slots that were emptied before their time and that the heap still names, before it is built anew: below this many
it is not worth it."""

T = TypeVar("T")


class Schedule(Generic[T]):
    """Items that become due at a time of the engine's clock (seconds)."""

    __slots__ = ("_forsaken", "_heap", "_open", "_slots", "_ticket")

    def __init__(self) -> None:
        self._slots: dict[int, list[tuple[float, int, T]]] = {}
        self._heap: list[int] = []
        self._ticket = 0
        self._open: int | None = None
        """The slot whose time has come: it is sorted, the next event at its end."""
        self._forsaken: dict[int, set[int]] = {}
        """By slot, the tickets of those of its items that nobody waits for any more."""

    def __len__(self) -> int:
        return sum(len(slot) for slot in self._slots.values())

    @property
    def tickets(self) -> int:
        """How many tickets have been given out; the next one is one higher."""
        return self._ticket

    def entries(self) -> Iterator[tuple[float, int, T]]:
        """What waits, each with its time and ticket, in no particular order."""
        for key, slot in self._slots.items():
            forsaken = self._forsaken.get(key, ())
            for entry in slot:
                if entry[1] not in forsaken:
                    yield entry

    def put_back(self, due: float, ticket: int, item: T) -> None:
        """Take an entry of another schedule, under its ticket; `go_on_from` has to follow the last of them."""
        key = int(due * SLOTS_PER_SECOND)
        slot = self._slots.get(key)
        if slot is None:
            self._slots[key] = [(due, ticket, item)]
            heappush(self._heap, key)
        else:
            slot.append((due, ticket, item))

    def go_on_from(self, tickets: int) -> None:
        """Give out tickets above this one from now on, as the schedule did whose entries were put back."""
        self._ticket = tickets

    def drop(self, count: int) -> bool:
        """Forget so many entries, whichever; False when none is left. For a schedule that nobody needs any more."""
        if not self._slots:
            return False
        key, slot = next(reversed(self._slots.items()))
        del slot[-count:]
        if not slot:
            del self._slots[key]
        return True

    def add(self, due: float, item: T) -> int:
        """Have `item` come up once the clock reaches `due`; equal times keep the order in which they were added.

        Returns a ticket to `forsake` it with.
        """
        self._ticket = ticket = self._ticket + 1
        key = int(due * SLOTS_PER_SECOND)
        slot = self._slots.get(key)
        if slot is None:
            self._slots[key] = [(due, ticket, item)]
            heappush(self._heap, key)
        elif key == self._open:
            insort(slot, (due, ticket, item), key=_latest_first)
        else:
            slot.append((due, ticket, item))
        return ticket

    def forsake(self, due: float, ticket: int) -> None:
        """Have the item that was added for `due`, and has not come up yet, never come up.

        Its slot is cleaned once that is true of more than half of it: what is cancelled long before its time costs
        little, and does not stay in memory until then. What was added last goes at once, so that a million that are due
        together, cancelled one by one from the last to the first, are not cleaned away in one go.
        """
        key = int(due * SLOTS_PER_SECOND)
        slot = self._slots.get(key)
        if slot is None:
            return
        forsaken = self._forsaken.setdefault(key, set())
        forsaken.add(ticket)
        while slot and slot[-1][1] in forsaken:
            forsaken.remove(slot.pop()[1])
        if slot and 2 * len(forsaken) <= len(slot):
            return
        slot[:] = [entry for entry in slot if entry[1] not in forsaken]
        del self._forsaken[key]
        if not slot:
            self._close(key)
            if len(self._heap) > 2 * len(self._slots) + SPARE_KEYS:
                self._heap = list(self._slots)
                heapify(self._heap)

    def retain(self, wanted: Callable[[T], bool]) -> int:
        """Have those items never come up that are not wanted; returns how many there were."""
        before = len(self)
        for key in list(self._slots):
            slot = self._slots[key]
            forsaken = self._forsaken.pop(key, set())
            slot[:] = [entry for entry in slot if entry[1] not in forsaken and wanted(entry[2])]
            if not slot:
                self._close(key)
        return before - len(self)

    def next_due(self, *, exact: bool = False) -> float | None:
        """The earliest time at which an item may be due, in part rounded down to a slot; None when nothing waits.

        `exact`: not rounded down, at the price of sorting that slot before its time.
        """
        heap = self._heap
        while heap and heap[0] not in self._slots:
            heappop(heap)
        if not heap:
            return None
        key = heap[0]
        if exact:
            self._sort(key)
        return self._slots[key][-1][0] if key == self._open else key / SLOTS_PER_SECOND

    def pop_due(self, now: float, limit: int) -> list[T]:
        """Take up to `limit` items that are due at `now`, in the order of their times."""
        due: list[T] = []
        last = int(now * SLOTS_PER_SECOND)
        heap = self._heap
        while heap and heap[0] <= last and len(due) < limit:
            key = heap[0]
            slot = self._slots.get(key)
            if slot is None:
                heappop(heap)
                continue
            self._sort(key)
            forsaken = self._forsaken.get(key)
            while slot and slot[-1][0] <= now and len(due) < limit:
                _, ticket, item = slot.pop()
                if forsaken is not None and ticket in forsaken:
                    forsaken.remove(ticket)
                else:
                    due.append(item)
            if slot:
                break
            heappop(heap)
            self._close(key)
        return due

    def _sort(self, key: int) -> None:
        """Open a slot, unless it is open."""
        if key != self._open:
            # No two tickets are the same: the comparison never reaches the items.
            self._slots[key].sort(reverse=True)
            self._open = key

    def _close(self, key: int) -> None:
        """A slot is empty. The heap may name it until its time has come."""
        del self._slots[key]
        self._forsaken.pop(key, None)
        if key == self._open:
            self._open = None


def _latest_first(entry: tuple[float, int, object]) -> tuple[float, int]:
    return -entry[0], -entry[1]
