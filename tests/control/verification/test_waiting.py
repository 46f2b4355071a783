"""The reader by itself: what it reads, when it rests, and in which slices."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from smppd.control.records import Record
from smppd.control.scan import SLICE
from smppd.control.verification import waiting as module
from smppd.control.verification.collecting import Collector
from smppd.control.verification.waiting import Reader, Wait
from smppwire.pdus import EnquireLink
from tests.control.verification.world import World, matcher, run, submit


class Spy:
    """Stands for the records of a server, and notes which frames were decoded."""

    def __init__(self, world: World) -> None:
        self._records = world.server.control.pdus.records
        self.numbers: list[int] = []
        world.server.control.pdus.records = self  # type: ignore[assignment]

    def of(self, number: int, entry: Any) -> Record:
        self.numbers.append(number)
        return self._records.of(number, entry)


def reading(world: World) -> tuple[Reader, Spy]:
    spy = Spy(world)
    return Reader(world.server.control.simulation, world.server.control.pdus), spy


def waiting(world: World, count: int = 1, **conditions: Any) -> Wait:
    return Wait(Collector(matcher(**conditions), whole=False, limit=10), world.journal.total, count)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_it_listens_only_while_anybody_waits() -> None:
    world = World()

    async def scene() -> None:
        reader, _ = reading(world)
        first, second = waiting(world), waiting(world)
        reader.add(first)
        reader.add(second)
        assert world.journal.tap is not None
        assert len(reader) == 2
        reader.remove(first)
        assert world.journal.tap is not None
        reader.remove(second)
        assert world.journal.tap is None
        assert len(reader) == 0

    run(scene())


def test_a_frame_is_decoded_once_for_all_and_not_at_all_for_none() -> None:
    world = World()

    async def scene() -> list[int]:
        reader, spy = reading(world)
        waits = [waiting(world, text=text) for text in "abc"]
        for wait in waits:
            reader.add(wait)
        world.put(EnquireLink(1), submit("c"), EnquireLink(2), submit("a"), submit("b"))
        await settle()
        assert all(wait.done.done() for wait in waits)
        return spy.numbers

    assert run(scene()) == [1, 3, 4]


def test_it_reads_in_slices() -> None:
    """The clock says with each look at it that a slice is over: one frame is read in each turn of the loop."""
    world = World()
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += SLICE
        return now

    world.server._context.monotonic = clock

    async def scene() -> list[int]:
        reader, spy = reading(world)
        wait = waiting(world, 12)
        reader.add(wait)
        world.put(*[submit() for _ in range(12)])
        read = []
        while not wait.done.done():
            await asyncio.sleep(0)
            read.append(len(spy.numbers))
        return read

    read = run(scene())
    assert read[-1] == 12
    assert len(read) >= 12
    assert all(after - before <= 1 for before, after in pairwise(read))


def test_who_leaves_learns_from_where_on_nothing_was_read() -> None:
    world = World()

    async def scene() -> None:
        reader, _ = reading(world)
        world.put(submit())
        wait, late = waiting(world, 9), waiting(world, 9)
        late.start += 5
        reader.add(wait)
        reader.add(late)
        world.put(submit())
        await settle()
        world.put(submit())
        assert reader.remove(wait) == 2
        assert reader.remove(late) == 6

    run(scene())


def test_unknown_commands_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    monkeypatch.setattr(module, "MAX_COMMANDS", 3)

    async def scene() -> int:
        reader, _ = reading(world)
        reader.add(waiting(world))
        for command_id in range(0x1000, 0x1010):
            world.put(b"\0\0\0\x10" + command_id.to_bytes(4, "big") + bytes(8))
        await settle()
        return len(reader._by_command)

    assert 1 <= run(scene()) <= 3


def test_all_are_let_go_at_the_end_and_those_who_come_later_at_once() -> None:
    world = World()

    async def scene() -> list[bool]:
        reader, _ = reading(world)
        early, late = waiting(world), waiting(world)
        reader.add(early)
        reader.end()
        reader.add(late)
        return [await early.done, await late.done]

    assert run(scene()) == [False, False]


def test_what_was_forgotten_is_missed_by_those_who_were_there() -> None:
    world = World(pdus=2)

    async def scene() -> tuple[int, int]:
        reader, _ = reading(world)
        early = waiting(world, 99)
        reader.add(early)
        world.put(*[submit() for _ in range(5)])
        late = waiting(world, 99)
        reader.add(late)
        world.put(*[submit() for _ in range(5)])
        await settle()
        return early.collector.missed, late.collector.missed

    assert run(scene()) == (8, 3)
