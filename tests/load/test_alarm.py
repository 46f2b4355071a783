"""Alarms: on time, once, and not when they were stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from smppd.load import alarm as alarm_module
from smppd.load.alarm import Alarm, FileAlarm, LoopAlarm, make_alarm
from tests.transport.support import PATIENCE, elapse, virtually


@virtually
async def test_an_alarm_of_the_loop() -> None:
    loop = asyncio.get_running_loop()
    rung: list[float] = []
    alarm = LoopAlarm(loop, lambda: rung.append(loop.time()))
    start = loop.time()
    alarm.set(5.0)
    alarm.set(2.0)
    await elapse(10)
    assert rung == [pytest.approx(start + 2.0)], "the second time replaced the first"
    alarm.set(-1.0)
    await elapse(0.001)
    assert len(rung) == 2
    alarm.set(1.0)
    alarm.stop()
    await elapse(10)
    alarm.set(1.0)
    alarm.close()
    await elapse(10)
    assert len(rung) == 2


@pytest.fixture
def ring() -> Callable[[Callable[[Alarm], None]], list[float]]:
    """Run a test of a real alarm; returns when it rang, in seconds from the start."""

    def run(begin: Callable[[Alarm], None], times: int = 1) -> list[float]:
        async def main() -> list[float]:
            rung: list[float] = []
            enough = asyncio.Event()

            def on_ring() -> None:
                rung.append(time.monotonic() - start)
                if len(rung) == times:
                    enough.set()

            alarm = make_alarm(asyncio.get_running_loop(), on_ring)
            start = time.monotonic()
            begin(alarm)
            async with asyncio.timeout(PATIENCE):
                await enough.wait()
            alarm.close()
            alarm.set(0.001)
            alarm.stop()
            alarm.close()
            return rung

        return asyncio.run(main())

    return run


def test_an_alarm_that_is_a_file(ring: Callable[..., list[float]]) -> None:
    (at,) = ring(lambda alarm: alarm.set(0.0123))
    assert at >= 0.0123
    (at,) = ring(lambda alarm: (alarm.set(60.0), alarm.set(0.002)))
    assert 0.002 <= at < 60
    (at,) = ring(lambda alarm: alarm.set(-5.0))
    assert at >= 0


def test_setting_it_anew_after_it_has_rung(ring: Callable[..., list[float]]) -> None:
    """The loop is held up until the timer has expired, and then hears that it is to expire later."""

    def begin(alarm: Alarm) -> None:
        alarm.set(0.0)
        until = time.monotonic() + 0.005
        while time.monotonic() < until:
            pass
        alarm.set(0.02)

    (at,) = ring(begin)
    assert at >= 0.02


def test_where_there_are_no_such_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> FileAlarm:
        raise OSError(38, "no timerfd")

    async def main() -> Alarm:
        return make_alarm(asyncio.get_running_loop(), lambda: None)

    monkeypatch.setattr(alarm_module, "FileAlarm", refuse)
    assert isinstance(asyncio.run(main()), LoopAlarm)
