"""A compact memory of the ids that were seen last.

A set of a million message ids takes some 100 MiB, and freeing it stops a worker for long enough to be seen in its own
figures. Here an id is six octets of its hash in one of many short byte strings: about 12 MiB for a million, and no step
takes long. Two different ids are taken for one with a probability of about 1 in 10^12.
"""

from __future__ import annotations

from typing import Final

GENERATION: Final = 1 << 19
"""How many of the last ids are remembered at least; twice as many at most."""

_OCTETS: Final = 6
"""Of the hash, besides the bits that choose the bucket."""

_MASK: Final = (1 << 8 * _OCTETS) - 1
_MAX_BUCKET_BITS: Final = 16
_IDS_PER_BUCKET: Final = 8
"""On average, at the end of a generation: short strings are searched and copied fast."""


class Recent:
    """The last ids, in two generations: the younger fills up, then the older is forgotten."""

    __slots__ = ("_bits", "_buckets", "_count", "_generation", "_old", "_young")

    def __init__(self, generation: int = GENERATION) -> None:
        self._generation = generation
        self._bits = min(_MAX_BUCKET_BITS, (generation // _IDS_PER_BUCKET).bit_length())
        self._buckets = (1 << self._bits) - 1
        self._young = self._old = [b""]
        self._count = 0
        self._turn()
        self._turn()

    def __contains__(self, item: bytes) -> bool:
        number = hash(item)
        print_ = (number >> self._bits & _MASK).to_bytes(_OCTETS, "big")
        bucket = number & self._buckets
        return print_ in self._young[bucket] or print_ in self._old[bucket]

    def add(self, item: bytes) -> bool:
        """Remember an id. True when it was remembered already; then it counts as seen now."""
        number = hash(item)
        print_ = (number >> self._bits & _MASK).to_bytes(_OCTETS, "big")
        bucket = number & self._buckets
        young = self._young[bucket]
        if print_ in young:
            return True
        known = print_ in self._old[bucket]
        self._young[bucket] = young + print_
        self._count += 1
        if self._count == self._generation:
            self._turn()
        return known

    def discard(self, item: bytes) -> bool:
        """Forget an id. True when it was remembered."""
        known = item in self
        number = hash(item)
        print_ = (number >> self._bits & _MASK).to_bytes(_OCTETS, "big")
        for generation in (self._young, self._old):
            bucket = number & self._buckets
            generation[bucket] = generation[bucket].replace(print_, b"")
        return known

    def _turn(self) -> None:
        """The younger generation is full: it becomes the older one."""
        self._old = self._young
        self._young = [b""] * (self._buckets + 1)
        self._count = 0
