"""The generic cell rate algorithm: exactly `limit` per `per`, exactly `burst` at once, however one asks."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.engine.throughput import Throughput

LIMITS = st.sampled_from([0.5, 1, 3, 7, 10, 33, 100, 333, 1000, 12_345])
BURSTS = st.integers(1, 50)
STARTS = st.sampled_from([0.0, 12.5, 1000.0, 8_640_000.1])
"""Readings of a monotonic clock; the last one is that of a machine that has been up for a hundred days."""


@pytest.mark.parametrize(("limit", "per", "burst"), [(0, 1, 1), (-1, 1, 1), (1, 0, 1), (1, -1, 1), (1, 1, 0)])
def test_values_out_of_range_are_refused(limit: float, per: float, burst: int) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        Throughput(limit, per, burst)


@given(limit=LIMITS, burst=BURSTS, start=STARTS, asked=st.integers(0, 200))
def test_at_most_a_burst_passes_at_once(limit: float, burst: int, start: float, asked: int) -> None:
    window = Throughput(limit, 1.0, burst)
    assert window.admit(asked, start) == min(asked, burst)
    assert window.admit(asked, start) == max(0, min(asked, burst - asked))


@given(limit=LIMITS, burst=BURSTS, start=STARTS, count=st.integers(1, 200))
def test_what_is_asked_for_all_the_time_passes_at_exactly_the_rate(
    limit: float, burst: int, start: float, count: int
) -> None:
    window = Throughput(limit, 1.0, burst)
    assert window.admit(10**6, start) == burst
    now = start
    for _ in range(count):
        now = window.next_at(now)
        assert window.admit(10**6, now) == 1
    assert now - start == pytest.approx(float(count / Fraction(limit)), abs=1e-6)


def test_the_rate_holds_for_a_hundred_thousand_messages() -> None:
    """Each message moves the window on by a rounded third of a millisecond: that must not add up."""
    window = Throughput(3, 0.001)
    now = start = 5_000_000.0
    for _ in range(100_000):
        now = window.next_at(now)
        assert window.admit(2, now) == 1
    assert now - start == pytest.approx(99_999 / 3000, rel=1e-6)


def test_unused_time_is_not_saved_beyond_the_burst() -> None:
    window = Throughput(10, 1.0, 5)
    assert window.admit(5, 0.0) == 5
    assert window.admit(100, 3600.0) == 5


def test_a_window_fills_again_one_by_one() -> None:
    window = Throughput(10, 1.0, 3)
    assert window.admit(3, 0.0) == 3
    assert [window.admit(1, 0.05), window.admit(1, 0.1), window.admit(1, 0.1), window.admit(9, 0.35)] == [0, 1, 0, 2]


@given(
    limit=LIMITS,
    burst=BURSTS,
    start=STARTS,
    asks=st.lists(st.tuples(st.floats(0, 2), st.integers(0, 20)), max_size=20),
)
def test_many_at_once_equals_as_many_single_ones(
    limit: float, burst: int, start: float, asks: list[tuple[float, int]]
) -> None:
    together, single, weighted = (Throughput(limit, 1.0, burst) for _ in range(3))
    now = start
    for wait, count in asks:
        now += wait
        admitted = together.admit(count, now)
        assert admitted == sum(single.admit(1, now) for _ in range(count))
        assert admitted == sum(weighted.admit_weight(1, now) for _ in range(count))


@given(limit=LIMITS, burst=BURSTS, start=STARTS, weights=st.lists(st.integers(1, 60), max_size=20))
def test_parts_are_paid_in_full(limit: float, burst: int, start: float, weights: list[int]) -> None:
    """A message of n parts costs what n messages cost, and passes when the n would, or when the window is all open."""
    by_weight, by_count = Throughput(limit, 1.0, burst), Throughput(limit, 1.0, burst)
    now = start
    for weight in weights:
        now = by_weight.next_at(now, weight)
        assert by_weight.admit_weight(weight, now)
        if weight <= burst:
            assert by_count.admit(weight, now) == weight
        else:
            by_count._arrival = by_weight._arrival
    assert by_weight.next_at(now) == pytest.approx(by_count.next_at(now), abs=1e-6)


def test_a_message_of_more_parts_than_the_burst_waits_for_an_open_window() -> None:
    window = Throughput(10, 1.0, 2)
    assert window.admit_weight(5, 0.0)
    assert not window.admit_weight(1, 0.3)
    assert window.admit_weight(1, 0.4)
    assert not window.admit_weight(5, 0.4)
    assert window.admit_weight(5, 0.6)


def test_a_refused_message_costs_nothing() -> None:
    window = Throughput(1)
    assert window.admit(1, 0.0) == 1
    for _ in range(100):
        assert window.admit(1, 0.5) == 0
        assert not window.admit_weight(3, 0.5)
    assert window.admit(1, 1.0) == 1


@given(
    limit=LIMITS, burst=BURSTS, start=STARTS, used=st.integers(0, 100), weight=st.integers(1, 70), at=st.floats(0, 1)
)
def test_the_time_it_names_is_when_a_message_passes_and_not_earlier(
    limit: float, burst: int, start: float, used: int, weight: int, at: float
) -> None:
    window = Throughput(limit, 1.0, burst)
    window.admit(used, start)
    now = start + at
    moment = window.next_at(now, weight)
    assert moment >= now
    if moment > now + 1e-5:
        assert not window.admit_weight(weight, moment - 1e-5)
    assert window.admit_weight(weight, moment)


def test_bursts_are_exact_where_an_interval_is_a_nanosecond() -> None:
    assert Throughput(1e9, 1.0, 7).admit(1000, 1000.0) == 7
