"""What rules and faults did that are there no more."""

from __future__ import annotations

from typing import Final

MOST_BYGONE: Final = 1000
"""Rules or faults that are gone and whose counts are remembered: as many as series are exported."""


class Bygone(dict[str, tuple[int, int]]):
    """What rules or faults did that are gone or began anew, by name: figures that are told must not go back."""

    __slots__ = ()

    def add(self, name: str, fired: int, failures: int = 0) -> None:
        """Count this in. What was never heard of for the longest time is forgotten at the limit."""
        if not (fired or failures):
            return
        before = self.pop(name, (0, 0))
        self[name] = (before[0] + fired, before[1] + failures)
        if len(self) > MOST_BYGONE:
            del self[next(iter(self))]
