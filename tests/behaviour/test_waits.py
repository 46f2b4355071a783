"""Calls at times of the engine's clock."""

from smppd.behaviour.waits import Waits
from tests.behaviour.fake_wire import EngineTime


def test_calls_come_in_the_order_of_their_times() -> None:
    time = EngineTime()
    calls: list[str] = []
    time.waits.call_at(103.0, lambda: calls.append("late"))
    time.waits.call_at(101.0, lambda: calls.append("early"))
    assert time.woken == 2
    assert time.waits.next_due() == 101.0
    assert time.waits.run() == 1.0
    time.now = 101.0
    assert time.waits.run() == 2.0
    assert calls == ["early"]
    time.now = 200.0
    assert time.waits.run() is None
    assert calls == ["early", "late"]


def test_what_is_not_quite_due_is_said_to_the_instant() -> None:
    """Within the same millisecond: a run in between must not be asked for again at once."""
    waits = Waits(lambda: 100.0002, lambda: None)
    waits.call_at(100.0007, lambda: None)
    assert 0.0004 < (waits.run() or 0) < 0.0006


def test_a_call_may_cancel_another_one_that_is_due() -> None:
    time = EngineTime()
    calls: list[str] = []
    first = time.waits.call_at(101.0, lambda: (calls.append("first"), time.waits.cancel(second)))
    second = time.waits.call_at(101.0, lambda: calls.append("second"))
    third = time.waits.call_at(101.0, lambda: calls.append("third"))
    assert first != third
    time.now = 102.0
    time.waits.run()
    assert calls == ["first", "third"]


def test_a_call_may_ask_for_another_one() -> None:
    time = EngineTime()
    calls: list[float] = []

    def again() -> None:
        calls.append(time.now)
        if len(calls) < 3:
            time.waits.call_at(time.now, again)

    time.waits.call_at(100.5, again)
    time.now = 101.0
    assert time.waits.run() is None
    assert calls == [101.0] * 3
