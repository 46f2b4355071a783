"""When the garbage collector runs in `smppd serve`, and what it finds."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from smppd.cli import garbage
from smppd.cli.garbage import (
    ALL_LOOKS,
    MANY_LEFTOVERS,
    QUIET_LOOKS,
    QUIET_PDUS,
    SOME_LEFTOVERS,
    GarbagePolicy,
)


class Cycle:
    """Refers to itself; only the collector can end it."""

    def __init__(self) -> None:
        self.me = self


class World:
    """A policy, and the figures it asks for."""

    def __init__(self) -> None:
        self.pdus = 0
        self.leftovers = 0
        self.policy = GarbagePolicy(lambda: self.pdus, lambda: self.leftovers)

    def look(self, *, pdus: int = 0, leftovers: int = 0) -> bool:
        """A second in which so many PDUs came and so much was left behind, and the look at its end."""
        self.pdus += pdus
        self.leftovers += leftovers
        return self.policy.look()


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.policy.start()
    try:
        yield world
    finally:
        gc.unfreeze()
        gc.enable()


BUSY = QUIET_PDUS + 1


def test_nothing_is_collected_by_itself(world: World) -> None:
    assert not gc.isenabled()
    cycle = weakref.ref(Cycle())
    _ = [[] for _ in range(100_000)]
    assert cycle() is not None


def test_a_quiet_second_ends_what_has_just_become_garbage(world: World) -> None:
    cycle = weakref.ref(Cycle())
    assert not world.look(pdus=QUIET_PDUS)
    assert cycle() is None


def test_while_messages_flow_nothing_is_looked_at(world: World) -> None:
    cycle = weakref.ref(Cycle())
    collections = [generation["collections"] for generation in gc.get_stats()]
    assert not world.look(pdus=BUSY)
    assert [generation["collections"] for generation in gc.get_stats()] == collections
    assert cycle() is not None
    assert not world.look()
    assert cycle() is not None, "what was frozen while messages flowed is left to the full collection"


@pytest.mark.parametrize(
    ("pdus", "leftovers", "is_full"),
    [
        (0, SOME_LEFTOVERS - 1, False),
        (0, SOME_LEFTOVERS, True),
        (BUSY, SOME_LEFTOVERS, False),
        (BUSY, MANY_LEFTOVERS - 1, False),
        (BUSY, MANY_LEFTOVERS, True),
    ],
)
def test_a_full_collection_comes_when_enough_is_left(world: World, pdus: int, leftovers: int, is_full: bool) -> None:
    cycle = weakref.ref(Cycle())
    world.look(pdus=BUSY)
    assert world.look(pdus=pdus, leftovers=leftovers) is is_full
    assert (cycle() is None) is is_full


def test_leftovers_count_anew_after_a_full_collection(world: World) -> None:
    assert world.look(leftovers=SOME_LEFTOVERS)
    assert not world.look(leftovers=SOME_LEFTOVERS - 1)
    assert world.look(leftovers=1)


def test_survivors_are_not_looked_at_again(world: World) -> None:
    kept = [Cycle() for _ in range(10)]
    assert world.look(leftovers=SOME_LEFTOVERS)
    assert gc.get_freeze_count() > len(kept)
    assert not any(isinstance(each, Cycle) for each in gc.get_objects())


def test_now_and_then_a_full_collection_comes_whatever_happens(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert QUIET_LOOKS < ALL_LOOKS
    monkeypatch.setattr(garbage, "QUIET_LOOKS", 3)
    monkeypatch.setattr(garbage, "ALL_LOOKS", 5)
    assert [world.look() for _ in range(4)] == [False, False, True, False]
    assert [world.look(pdus=BUSY) for _ in range(5)] == [False, False, False, True, False]
