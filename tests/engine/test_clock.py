"""The engine's clock: exact until somebody touches it, and never going back."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.engine.clock import FASTEST, LATEST_WALL, SLOWEST, EngineClock
from smppd.engine.ports import Clock

START = 1_700_000_000.0


class Machine:
    """Real time, moved by hand; its calendar does not go evenly."""

    def __init__(self) -> None:
        self.time = 1234.567
        self.date = START

    def monotonic(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.date

    def passes(self, seconds: float) -> None:
        self.time += seconds
        self.date += seconds


def running() -> tuple[Machine, EngineClock]:
    machine = Machine()
    return machine, EngineClock(machine.monotonic, machine.wall)


def standing(start: float = START) -> tuple[Machine, EngineClock]:
    machine = Machine()
    return machine, EngineClock(machine.monotonic, machine.wall, start)


def test_untouched_it_is_the_time_of_the_machine() -> None:
    machine, clock = running()
    port: Clock = clock
    for seconds in (0.0, 0.1, 1 / 3, 86_400.7):
        machine.passes(seconds)
        assert (port.now(), port.wall()) == (machine.time, machine.date)
    machine.date -= 3600.0  # somebody has set the clock of the machine
    assert clock.wall() == machine.date
    assert clock.is_real
    clock.set_speed(1.0)
    clock.resume()
    assert clock.is_real


def test_a_virtual_one_stands_still_until_it_is_moved() -> None:
    machine, clock = standing()
    assert (clock.now(), clock.wall(), clock.is_running) == (0.0, START, False)
    machine.passes(100.0)
    clock.advance_to(90.5)
    assert (clock.now(), clock.wall()) == (90.5, START + 90.5)
    clock.advance_to(90.5)
    assert clock.left == LATEST_WALL - START - 90.5
    assert not clock.is_real


def test_it_does_not_go_back() -> None:
    _, clock = standing(0.0)
    clock.advance_to(2.0)
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance_to(1.0)
    assert clock.now() == 2.0


def test_it_begins_within_the_calendar_of_smpp() -> None:
    assert standing(LATEST_WALL)[1].left == 0.0
    with pytest.raises(ValueError, match="2037"):
        standing(LATEST_WALL + 1)


def test_a_virtual_one_can_run() -> None:
    machine, clock = standing()
    clock.resume()
    machine.passes(2.0)
    assert (clock.now(), clock.wall()) == pytest.approx((2.0, START + 2.0))
    clock.set_speed(60.0)
    machine.passes(2.0)
    assert clock.now() == pytest.approx(122.0)
    clock.freeze()
    machine.passes(2.0)
    assert clock.now() == pytest.approx(122.0)
    clock.resume()
    machine.passes(1.0)
    assert clock.now() == pytest.approx(182.0)


def test_a_real_one_can_stand_still_and_leap() -> None:
    machine, clock = running()
    clock.freeze()
    before = clock.now()
    machine.passes(10.0)
    assert (clock.now(), clock.wall()) == pytest.approx((before, START))
    clock.advance_to(before + 3600.0)
    clock.resume()
    machine.passes(1.0)
    assert clock.now() == pytest.approx(before + 3601.0)
    assert clock.wall() == pytest.approx(START + 3601.0)


def test_speeds_have_bounds() -> None:
    _, clock = running()
    for speed in (0.0, SLOWEST / 2, FASTEST * 2, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="speed"):
            clock.set_speed(speed)
    assert clock.is_real


def test_it_stops_with_the_calendar() -> None:
    machine, clock = standing(LATEST_WALL - 10.0)
    clock.set_speed(FASTEST)
    clock.resume()
    machine.passes(1.0)
    assert clock.wall() == LATEST_WALL
    assert clock.left == 0.0
    with pytest.raises(ValueError, match="2037"):
        clock.set_calendar(LATEST_WALL + 1.0)


def test_a_reset_sets_the_calendar_and_nothing_else() -> None:
    _, clock = standing()
    clock.advance_to(500.0)
    clock.set_calendar(START)
    assert (clock.now(), clock.wall()) == (500.0, START)
    clock.advance_to(501.0)
    assert clock.wall() == START + 1.0


def test_it_can_be_given_back_to_the_machine() -> None:
    machine, clock = running()
    clock.set_speed(1000.0)
    machine.passes(1.0)
    before = clock.now()
    clock.keep_time()
    assert (clock.now(), clock.wall()) == (pytest.approx(before), machine.date)
    machine.passes(5.0)
    assert (clock.now(), clock.wall()) == (pytest.approx(before + 5.0), machine.date)
    assert clock.is_real


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("passes"), st.floats(0, 1e6)),
        st.tuples(st.just("speed"), st.floats(SLOWEST, FASTEST)),
        st.tuples(st.just("leap"), st.floats(0, 1e6)),
        st.tuples(st.sampled_from(["freeze", "resume", "keep_time"]), st.just(0.0)),
    ),
    max_size=30,
)


@given(st.booleans(), STEPS)
def test_whatever_is_done_to_it_time_never_goes_back(real: bool, steps: list[tuple[str, float]]) -> None:
    machine, clock = running() if real else standing()
    readings = [clock.now()]
    for what, value in steps:
        before = clock.now()
        if what == "passes":
            machine.passes(value)
            assert clock.is_running or clock.now() == before
        elif what == "speed":
            clock.set_speed(value)
        elif what == "leap":
            clock.advance_to(clock.now() + value)
        else:
            getattr(clock, what)()
        readings.append(clock.now())
    assert all(later >= earlier for earlier, later in itertools.pairwise(readings))
