"""Numbers for things that refer to each other, so that rows can name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARDS: Final = 256
"""Dicts that share the things: one dict of a million would stand still for 20 ms whenever it grows."""

T = TypeVar("T")


class Numbers(Generic[T]):
    """Gives each thing a number, from 0 on, in the order in which they are first seen. Things are told by identity."""

    __slots__ = ("_shards", "count")

    def __init__(self) -> None:
        self._shards: list[dict[int, int]] = [{} for _ in range(SHARDS)]
        self.count = 0
        """How many things have a number; the next one gets this."""

    def of(self, thing: T) -> int:
        """The number of a thing, which may be a new one. The thing must live as long as its number is asked for."""
        key = id(thing)
        shard = self._shards[(key >> 4) % SHARDS]
        number = shard.get(key)
        if number is None:
            number = shard[key] = self.count
            self.count += 1
        return number

    def find(self, thing: T) -> int | None:
        """The number of a thing, if it has one."""
        key = id(thing)
        return self._shards[(key >> 4) % SHARDS].get(key)

    def forget(self) -> Iterator[None]:
        """Forget all numbers, shard by shard, with chances for others to have a turn."""
        while self._shards:
            self._shards.pop()
            yield


class Once:
    """Numbers that may come but once each."""

    __slots__ = ("_shards",)

    def __init__(self) -> None:
        self._shards: list[set[int]] = [set() for _ in range(SHARDS)]

    def add(self, number: int) -> bool:
        """Note a number; False when it has come before."""
        shard = self._shards[number % SHARDS]
        before = len(shard)
        shard.add(number)
        return len(shard) > before
