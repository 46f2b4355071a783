"""The loop in a thread: who may wait for it, and what becomes of what goes wrong in it."""

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from smppd.errors import UserError
from smppd.testing.background import BackgroundLoop, in_asyncio, in_event_loop


@pytest.fixture
def loop() -> Iterator[BackgroundLoop]:
    background = BackgroundLoop("a loop")
    background.start()
    yield background
    background.stop()


async def name_of_thread() -> str:
    return threading.current_thread().name


async def mistake() -> None:
    raise LookupError("a mistake")


def test_work_runs_in_the_thread(loop: BackgroundLoop) -> None:
    assert loop.run(name_of_thread()) == "a loop"
    assert loop.is_running


def test_what_is_raised_comes_without_the_frames_of_the_thread(loop: BackgroundLoop) -> None:
    with pytest.raises(LookupError) as caught:
        loop.run(mistake())
    assert "mistake" not in [entry.name for entry in caught.traceback]


def test_asyncio_waits_and_goes_on_meanwhile(loop: BackgroundLoop) -> None:
    async def scenario() -> tuple[str, bool]:
        turns = asyncio.Event()
        asyncio.get_running_loop().call_soon(turns.set)
        name = await loop.wait(name_of_thread())
        with pytest.raises(LookupError):
            await loop.wait(mistake())
        return name, turns.is_set()

    assert asyncio.run(scenario()) == ("a loop", True)


def test_trio_waits_and_goes_on_meanwhile(loop: BackgroundLoop) -> None:
    trio = pytest.importorskip("trio")

    async def scenario() -> str:
        with pytest.raises(LookupError):
            await loop.wait(mistake())
        with trio.move_on_after(0.01) as scope:
            await loop.wait(for_ever())
        assert scope.cancelled_caught
        assert in_event_loop()
        assert not in_asyncio()
        return await loop.wait(name_of_thread())

    assert trio.run(scenario) == "a loop"


async def for_ever() -> None:
    await asyncio.get_running_loop().create_future()


def test_who_is_cancelled_cancels_the_work(loop: BackgroundLoop) -> None:
    ended = threading.Event()

    async def work() -> None:
        try:
            await for_ever()
        finally:
            ended.set()

    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await loop.wait(work())

    asyncio.run(scenario())
    assert ended.wait(5)


def test_without_an_event_loop_nobody_can_await(loop: BackgroundLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trio", None)
    waiting = loop.wait(name_of_thread())
    with pytest.raises(RuntimeError, match="use the methods that block"):
        waiting.send(None)


def test_outside_of_start_and_stop_nothing_runs() -> None:
    background = BackgroundLoop("a loop")
    with pytest.raises(RuntimeError, match="a loop is not running"):
        background.run(name_of_thread())
    background.start()
    background.stop()
    background.stop()
    with pytest.raises(RuntimeError, match="not running"):
        background.run(name_of_thread())


def test_the_thread_does_not_wait_for_itself(loop: BackgroundLoop) -> None:
    async def inside() -> Any:
        return loop.run(name_of_thread())

    with pytest.raises(RuntimeError, match="cannot wait for itself"):
        loop.run(inside())


def test_what_nobody_waits_for_is_noted(loop: BackgroundLoop) -> None:
    async def break_a_callback() -> None:
        def broken() -> None:
            raise LookupError("a mistake")

        asyncio.get_running_loop().call_soon(broken)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    loop.run(break_a_callback())
    assert ["LookupError('a mistake')" in failure for failure in loop.failures] == [True]


def test_stopping_ends_what_still_runs() -> None:
    background, ended = BackgroundLoop("a loop"), threading.Event()

    async def work() -> None:
        try:
            await for_ever()
        finally:
            ended.set()

    async def begin() -> asyncio.Task[None]:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        return task

    background.start()
    assert background.run(begin()) is not None
    background.stop()
    assert ended.is_set()
    assert "a loop" not in [thread.name for thread in threading.enumerate()]


def test_a_process_that_was_forked_is_not_left_to_wait(loop: BackgroundLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread is not copied with the process, so nothing would ever answer."""
    with monkeypatch.context() as forked:
        forked.setattr(os, "getpid", lambda: -1)
        with pytest.raises(RuntimeError, match="forked from"):
            loop.run(name_of_thread())
    assert loop.run(name_of_thread()) == "a loop"


def test_the_words_of_a_user_error_are_enough(loop: BackgroundLoop) -> None:
    async def fails() -> None:
        raise UserError("no such thing") from OSError("inside")

    with pytest.raises(UserError, match="no such thing") as caught:
        loop.run(fails())
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
