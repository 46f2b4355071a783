"""The engine's timer, on time that needs no waiting."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator

from smppd.transport.ticker import AFTER_FAILURE, AFTER_FAILURES, SOON, Ticker
from tests.transport.support import elapse, run_virtually, virtually

Result = float | Exception | None


class Work:
    """Runs with given results; when they are used up, it wants to be called no more."""

    def __init__(self, results: Iterable[Result]) -> None:
        self.loop = asyncio.get_running_loop()
        self.results: Iterator[Result] = iter(results)
        self.start = self.loop.time()
        self.runs: list[float] = []
        self.failures: list[Exception] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.ticker = Ticker(self.loop, self.run, self.failures.append)

    def run(self) -> float | None:
        self.runs.append(round(self.loop.time() - self.start, 6))
        self.meanwhile()
        result = next(self.results, None)
        if isinstance(result, Exception):
            raise result
        return result


def runs(*results: Result, wakes: Iterable[float] = (0.0,)) -> list[float]:
    """When work with these results runs if it is woken at these moments."""

    async def main() -> list[float]:
        work = Work(results)
        for moment in wakes:
            work.loop.call_later(moment, work.ticker.wake)
        await elapse(3600)
        return work.runs

    return run_virtually(main())


def pauses(moments: Iterable[float]) -> list[float]:
    return [round(later - before, 6) for before, later in itertools.pairwise(moments)]


def test_runs_when_woken_and_not_before() -> None:
    assert runs(wakes=()) == []
    assert runs() == [SOON]


def test_what_arrives_within_a_millisecond_is_done_together() -> None:
    assert runs(wakes=[0.0, 0.0, 0.0005, 0.0009]) == [SOON]
    assert runs(wakes=[0.0, 0.002]) == [SOON, 0.003]


def test_runs_again_when_the_work_says_so() -> None:
    assert runs(5.0, 0.5) == [SOON, SOON + 5.0, SOON + 5.5]


@virtually
async def test_runs_again_at_once_while_there_is_more_but_lets_the_loop_breathe() -> None:
    work = Work([0.0, 0.0, 0.0])
    turns = []

    def turn() -> None:
        turns.append(len(work.runs))
        if len(turns) < 10:
            work.loop.call_soon(turn)

    work.ticker.wake()
    work.loop.call_later(SOON, turn)
    await elapse(1)
    assert work.runs == [SOON] * 4
    assert {1, 2, 3, 4} <= set(turns), "other callbacks ran between the runs"


def test_short_delays_are_at_least_a_millisecond() -> None:
    assert runs(0.0001) == [SOON, 2 * SOON]


def test_new_work_does_not_wait_for_the_next_due_time() -> None:
    assert runs(60.0, wakes=[0.0, 10.0]) == [SOON, 10.0 + SOON]


@virtually
async def test_work_that_appears_while_running_is_done_next() -> None:
    work = Work([60.0])
    work.meanwhile = lambda: work.ticker.wake() if len(work.runs) == 1 else None
    work.ticker.wake()
    await elapse(10)
    assert work.runs == [SOON, 2 * SOON]


@virtually
async def test_failures_are_told_and_do_not_end_it() -> None:
    error = RuntimeError("broken")
    work = Work([error, 1.0])
    work.ticker.wake()
    await elapse(10)
    assert work.failures == [error]
    assert pauses(work.runs) == [AFTER_FAILURE, 1.0]


@virtually
async def test_a_broken_part_neither_spins_nor_fills_the_log_however_much_work_comes() -> None:
    work = Work(RuntimeError(str(number)) for number in range(10_000))
    for milliseconds in range(10_000):
        work.loop.call_later(milliseconds / 1000, work.ticker.wake)
    await elapse(10)
    assert len(work.failures) < 15
    assert pauses(work.runs)[0] == AFTER_FAILURE
    assert max(pauses(work.runs)) == AFTER_FAILURES


def test_after_a_success_the_pause_is_short_again() -> None:
    error = RuntimeError("broken")
    assert pauses(runs(error, error, 1.0, error, None)) == [AFTER_FAILURE, 2 * AFTER_FAILURE, 1.0, AFTER_FAILURE]


@virtually
async def test_stop() -> None:
    for result in (0.0, 1.0, RuntimeError("broken")):
        work = Work([result])
        work.meanwhile = work.ticker.stop
        work.ticker.wake()
        await elapse(10)
        work.ticker.wake()
        await elapse(10)
        assert len(work.runs) == 1
    waiting = Work([])
    waiting.ticker.wake()
    waiting.ticker.stop()
    await elapse(10)
    assert waiting.runs == []
