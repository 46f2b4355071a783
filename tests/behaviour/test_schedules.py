import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.behaviour.schedules import is_awake, next_change, next_start
from smppd.settings import Schedule

MINUTELY = Schedule(start=5, for_=10, every=60)


def test_without_a_schedule_it_is_always_awake() -> None:
    assert is_awake(None, 0)
    assert next_change(None, 0) is None


@pytest.mark.parametrize(
    ("schedule", "elapsed", "awake", "change"),
    [
        (Schedule(), 0, True, None),
        (Schedule(start=5), 4.9, False, 5),
        (Schedule(start=5), 5, True, None),
        (Schedule(for_=10), 9.9, True, 10),
        (Schedule(for_=10), 10, False, None),
        (MINUTELY, 0, False, 5),
        (MINUTELY, 5, True, 15),
        (MINUTELY, 15, False, 65),
        (MINUTELY, 64.9, False, 65),
        (MINUTELY, 65, True, 75),
        (MINUTELY, 605, True, 615),
        (Schedule(for_=60, every=60), 300, True, 360),
    ],
)
def test_when_it_is_awake(schedule: Schedule, elapsed: float, awake: bool, change: float | None) -> None:
    assert is_awake(schedule, elapsed) is awake
    assert next_change(schedule, elapsed) == change


@given(
    st.integers(0, 50),
    st.integers(1, 50),
    st.integers(0, 50),
    st.integers(0, 500),
)
def test_nothing_changes_before_the_next_change(start: int, length: int, pause: int, elapsed: int) -> None:
    schedule = Schedule(start=start, for_=length, every=length + pause if pause else 0)
    change = next_change(schedule, elapsed)
    until = elapsed + 200 if change is None else int(change)
    assert until > elapsed
    assert {is_awake(schedule, moment) for moment in range(elapsed, until)} == {is_awake(schedule, elapsed)}
    if change is not None:
        assert is_awake(schedule, change) is not is_awake(schedule, elapsed)


@pytest.mark.parametrize(
    ("schedule", "elapsed", "start"),
    [
        (None, 3, None),
        (Schedule(), 0, 0),
        (Schedule(), 0.5, None),
        (Schedule(start=5), 0, 5),
        (Schedule(start=5), 5, 5),
        (MINUTELY, 0, 5),
        (MINUTELY, 5, 5),
        (MINUTELY, 6, 65),
        (MINUTELY, 64, 65),
        (MINUTELY, 65, 65),
        (MINUTELY, 65.001, 125),
        (Schedule(for_=60, every=60), 61, 120),
    ],
)
def test_when_it_begins(schedule: Schedule | None, elapsed: float, start: float | None) -> None:
    assert next_start(schedule, elapsed) == start
