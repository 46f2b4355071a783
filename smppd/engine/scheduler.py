"""What happens later: due events in order, at the price of one list append.

Events are gathered in slots of one millisecond; a heap holds the slots, not the events. A thousand receipts that are
due within the same millisecond cost one heap operation.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Final, Generic, TypeVar

SLOTS_PER_SECOND: Final = 1000
"""The resolution: events within a millisecond are still executed in the order of their times."""

T = TypeVar("T")


class Schedule(Generic[T]):
    """Items that become due at a time of the engine's clock (seconds)."""

    __slots__ = ("_heap", "_ordinal", "_slots")

    def __init__(self) -> None:
        self._slots: dict[int, list[tuple[float, int, T]]] = {}
        self._heap: list[int] = []
        self._ordinal = 0

    def __len__(self) -> int:
        return sum(len(slot) for slot in self._slots.values())

    def add(self, due: float, item: T) -> None:
        """Have `item` come up once the clock reaches `due`; equal times keep the order in which they were added."""
        self._ordinal += 1
        key = int(due * SLOTS_PER_SECOND)
        slot = self._slots.get(key)
        if slot is None:
            self._slots[key] = [(due, self._ordinal, item)]
            heappush(self._heap, key)
        else:
            slot.append((due, self._ordinal, item))

    def next_due(self) -> float | None:
        """The earliest time at which an item may be due, rounded down to a slot; None when nothing waits."""
        return self._heap[0] / SLOTS_PER_SECOND if self._heap else None

    def pop_due(self, now: float, limit: int) -> list[T]:
        """Take up to `limit` items that are due at `now`, in the order of their times."""
        due: list[T] = []
        last = int(now * SLOTS_PER_SECOND)
        heap = self._heap
        while heap and heap[0] <= last and len(due) < limit:
            key = heap[0]
            slot = self._slots[key]
            slot.sort(key=_time_then_ordinal)
            taken = 0
            room = limit - len(due)
            for when, _, item in slot:
                if when > now or taken == room:
                    break
                due.append(item)
                taken += 1
            if taken == len(slot):
                heappop(heap)
                del self._slots[key]
            else:
                del slot[:taken]
                break
        return due


def _time_then_ordinal(entry: tuple[float, int, object]) -> tuple[float, int]:
    return entry[0], entry[1]
