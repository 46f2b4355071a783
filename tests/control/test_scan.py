import asyncio
from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st

from smppd.control.scan import BLOCK, READ, SLICE, Pace, Scan, Turns
from smppd.observe.journal import Journal, JournalEntry

FRAME = b"\0\0\0\x10" + bytes(12)


class Clock:
    """Each look at it takes so long."""

    def __init__(self, step: float = 0.0) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def journal_of(frames: int, capacity: int = 10_000) -> Journal:
    journal = Journal(capacity)
    for first in range(0, frames, 7):
        count = min(7, frames - first)
        journal.record_chunk(0.0, "1", "in", FRAME * count, count)
    return journal


def pace(clock: Clock) -> Pace:
    return Pace(clock, Turns())


async def numbers(blocks: AsyncIterator[list[tuple[int, JournalEntry]]]) -> list[int]:
    return [number for block in [block async for block in blocks] for number, _ in block]


@given(st.integers(0, 3 * READ), st.integers(1, 2 * READ), st.integers(0, 3 * READ), st.integers(0, 3 * READ))
def test_both_ways_see_the_same_frames(frames: int, capacity: int, start: int, stop: int) -> None:
    journal = journal_of(frames, capacity)
    expected = [number for number in range(journal.oldest, journal.total) if start <= number < stop]
    stop = min(stop, journal.total)
    forward, backward = Scan(journal, pace(Clock())), Scan(journal, pace(Clock()))
    assert asyncio.run(numbers(forward.forward(start, stop))) == expected
    assert asyncio.run(numbers(backward.backward(start, stop))) == expected[::-1]
    missed = max(0, min(journal.oldest, stop) - start)
    assert (forward.missed, backward.missed) == (missed, missed)


def test_frames_that_are_forgotten_meanwhile_are_missed() -> None:
    journal = journal_of(READ * 2, READ * 2)

    async def scene() -> Scan:
        scan = Scan(journal, pace(Clock()))
        async for block in scan.forward(0, journal.total):
            if block[0][0] == 0:
                journal.record_chunk(0.0, "1", "in", FRAME * (READ + 7), READ + 7)
        return scan

    assert asyncio.run(scene()).missed == 7


def test_a_gap_is_no_end() -> None:
    journal = Journal(10_000)
    for session in ("a", "b", "a"):
        journal.record_chunk(0.0, session, "in", FRAME * READ, READ)
    journal.forget(lambda session, _time: session == "b")
    scan = Scan(journal, pace(Clock()))
    wanted = [*range(READ), *range(2 * READ, 3 * READ)]
    assert asyncio.run(numbers(scan.forward(0, 3 * READ))) == wanted
    assert asyncio.run(numbers(scan.backward(0, 3 * READ))) == wanted[::-1]
    assert scan.missed == 0


def test_others_get_their_turn_when_a_slice_is_over() -> None:
    journal, turns = journal_of(10 * BLOCK), list[int]()

    async def scene(step: float) -> int:
        turns.clear()

        async def other() -> None:
            while True:
                turns.append(1)
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        await numbers(Scan(journal, pace(Clock(step))).forward(0, journal.total))
        task.cancel()
        return len(turns)

    assert asyncio.run(scene(SLICE)) >= 10
    assert asyncio.run(scene(0.0)) <= 3


def test_a_slice_begins_anew_after_each_turn() -> None:
    clock = Clock()
    pacing = pace(clock)
    assert not pacing.is_over
    clock.now += SLICE
    assert pacing.is_over
    asyncio.run(pacing.breathe())
    assert not pacing.is_over


def test_blocks_become_smaller_when_one_takes_too_long() -> None:
    journal, clock = journal_of(BLOCK * 8), Clock()

    async def scene() -> list[int]:
        sizes = []
        async for block in Scan(journal, pace(clock)).forward(0, journal.total):
            sizes.append(len(block))
            clock.now += 0.2 * len(block) if len(sizes) < 6 else 0.0
        return sizes

    sizes = asyncio.run(scene())
    assert sizes[:11] == [16, 8, 4, 2, 1, 1, 2, 4, 8, 16, 16]
    assert sum(sizes) == journal.total


def test_however_many_work_there_is_one_slice_in_a_turn() -> None:
    """Five who would each work all the time: in each turn of the loop one of them does, in their order."""
    turns, worked = Turns(), list[tuple[int, int]]()
    turn = 0

    async def work(who: int) -> None:
        pacing = Pace(lambda: 0.0, turns)
        for _ in range(3):
            await pacing.begin()
            worked.append((turn, who))

    async def scene() -> None:
        nonlocal turn
        tasks = [asyncio.create_task(work(who)) for who in range(5)]
        while not all(task.done() for task in tasks):
            turn += 1
            await asyncio.sleep(0)

    asyncio.run(scene())
    assert [who for _, who in worked] == [*range(5)] * 3
    assert len({when for when, _ in worked}) == 15


def test_who_has_left_holds_nobody_up() -> None:
    turns = Turns()

    async def scene() -> list[str]:
        done: list[str] = []
        leaving = asyncio.create_task(turns.wait())
        await asyncio.sleep(0)
        leaving.cancel()
        turns.ask(lambda: done.append("work"))
        await asyncio.wait_for(turns.wait(), 5)
        return done

    assert asyncio.run(scene()) == ["work"]
