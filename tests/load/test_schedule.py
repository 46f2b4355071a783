"""Arrivals: exactly those of the integral of the rate, none lost or doubled, however time is cut."""

import math
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppd.errors import UserError
from smppd.load import schedule as schedules
from smppd.load.schedule import (
    Constant,
    Even,
    Piece,
    Poisson,
    Ramp,
    Rate,
    Schedule,
    Steps,
    parse_rate,
    parse_schedule,
)

RATES = st.one_of(st.integers(0, 60), st.floats(0, 60).map(lambda rate: round(rate, 3)))
SECONDS = st.floats(0.01, 8).map(lambda seconds: round(seconds, 3))
PIECES = st.lists(st.tuples(RATES, RATES, SECONDS), min_size=1, max_size=5).filter(
    lambda pieces: sum((start + end) * seconds for start, end, seconds in pieces) > 0.01
)
CUTS = st.lists(st.floats(0, 50), max_size=20).map(sorted)


def everything(schedule: Schedule) -> list[float]:
    return schedule.take(1e9)


@settings(deadline=None)
@given(PIECES)
def test_arrival_number_i_is_where_the_integral_reaches_i(pieces: list[tuple[float, float, float]]) -> None:
    rate = Rate(pieces)
    times = everything(Even(rate))
    assert len(times) == math.ceil(rate.total)
    for number, time in enumerate(times):
        assert rate.count(time) == pytest.approx(number, abs=1e-6)
    assert all(later >= time - 1e-9 for time, later in pairwise(times))
    assert all(0 <= time <= rate.seconds + 1e-9 for time in times)


@settings(deadline=None)
@given(PIECES)
def test_the_integral_is_that_of_the_rate(pieces: list[tuple[float, float, float]]) -> None:
    rate = Rate(pieces)
    grain = rate.seconds / 5000
    total = sum(rate.at((index + 0.5) * grain) for index in range(5000)) * grain
    assert total == pytest.approx(rate.total, rel=0.01, abs=0.2)
    assert rate.at(-1) == rate.at(rate.seconds) == 0.0


@settings(deadline=None)
@given(PIECES, CUTS, st.integers(0, 3), st.booleans(), st.integers())
def test_however_time_is_cut(
    pieces: list[tuple[float, float, float]], cuts: list[float], worker: int, by_chance: bool, seed: int
) -> None:
    def make() -> Schedule:
        rate = Rate(pieces)
        return Poisson(rate, Random(seed), 4) if by_chance else Even(rate, worker, 4)

    whole, cut, taken = everything(make()), make(), []
    for elapsed in cuts:
        upcoming = cut.next_at()
        due = cut.due(elapsed)
        part = cut.take(elapsed)
        taken += part
        assert due == len(taken) == cut.due(elapsed)
        assert not part or (part[0] == upcoming and part[-1] <= elapsed)
        assert bool(part) == (upcoming is not None and upcoming <= elapsed)
    taken += everything(cut)
    assert taken == whole
    assert cut.next_at() is None
    assert cut.take(1e9) == []


@settings(deadline=None)
@given(PIECES, st.integers(1, 7))
def test_workers_share_the_whole(pieces: list[tuple[float, float, float]], workers: int) -> None:
    shares = [Even(Rate(pieces), worker, workers) for worker in range(workers)]
    rates = sum(share.rate_at(0.005) for share in shares)
    assert rates == pytest.approx(Rate(pieces).at(0.005))
    assert sorted(time for share in shares for time in everything(share)) == sorted(everything(Even(Rate(pieces))))


def test_constant() -> None:
    schedule = Constant(4, 1.0)
    assert schedule.duration == 1.0
    assert (schedule.next_at(), schedule.due(0.0), schedule.due(0.49)) == (0.0, 1, 2)
    assert schedule.take(0.5) == [0.0, 0.25, 0.5]
    assert (schedule.next_at(), schedule.rate_at(0.3), schedule.rate_at(1.0)) == (0.75, 4, 0)
    assert schedule.take(0.5) == []
    assert schedule.take(9.0) == [0.75]
    assert schedule.next_at() is None


def test_constant_for_ever() -> None:
    schedule = Constant(1000)
    assert schedule.duration is None
    assert schedule.due(1e6) == 1_000_000_001
    assert schedule.take(-1) == []


@pytest.mark.parametrize(("rate", "seconds", "n"), [(0.1, 30, 3), (0.3, 10, 3), (1 / 3, 3, 1), (500, 10, 5000)])
def test_rounding_adds_no_arrival(rate: float, seconds: float, n: int) -> None:
    assert len(everything(Constant(rate, seconds))) == n


def test_ramp_times_follow_the_square_root() -> None:
    times = everything(Ramp(0, 100, 10))
    assert len(times) == 500
    assert times == pytest.approx([math.sqrt(number / 5) for number in range(500)])
    assert Ramp(0, 100, 10).rate_at(2.5) == 25


def test_a_falling_ramp_is_a_rising_one_backwards() -> None:
    falling = everything(Ramp(100, 0, 10))
    assert falling == pytest.approx([10 - math.sqrt((500 - number) / 5) for number in range(500)], abs=1e-6)


def test_nothing_is_sent_in_a_pause() -> None:
    times = everything(Steps([(2, 1), (0, 5), (1, 2)]))
    assert times == [0.0, 0.5, 6.0, 7.0]


def test_a_worker_that_was_held_up_takes_its_arrivals_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "MOST_AT_ONCE", 3)
    for schedule in (Constant(10, 1.0), Poisson(Rate([(10, 10, 1.0)]), Random(1))):
        parts = []
        while part := schedule.take(5.0):
            parts.append(part)
        assert [len(part) for part in parts[:-1]] == [3] * (len(parts) - 1)
        assert [*parts[0], *parts[1]] == sorted([*parts[0], *parts[1]])


def test_poisson_arrivals_are_poissons() -> None:
    """Mean and variance of the number in a slot are equal, gaps are exponential: within 4 sigma."""
    schedule = Poisson(Rate([(1000, 1000, 10.0)]), Random(2024))
    times = everything(schedule)
    assert len(times) == pytest.approx(10_000, abs=400)
    counts = [0] * 1000
    for time in times:
        counts[int(time * 100)] += 1
    mean = sum(counts) / 1000
    variance = sum((count - mean) ** 2 for count in counts) / 1000
    assert variance / mean == pytest.approx(1, abs=4 * math.sqrt(2 / 1000))
    gaps = [later - time for time, later in pairwise(times)]
    longer = sum(1 for gap in gaps if gap > 0.001) / len(gaps)
    assert longer == pytest.approx(math.exp(-1), abs=4 * math.sqrt(0.24 / len(gaps)))


def test_poisson_follows_the_ramp() -> None:
    times = everything(Poisson(Rate([(0, 2000, 10.0)]), Random(7)))
    first_half = sum(1 for time in times if time < 5)
    assert first_half / len(times) == pytest.approx(0.25, abs=4 * math.sqrt(0.19 / 10_000))


def test_poisson_shares_add_up_in_the_mean() -> None:
    shares = [Poisson(Rate([(900, 900, 10.0)]), Random(seed), 3) for seed in range(3)]
    assert sum(share.rate_at(1.0) for share in shares) == pytest.approx(900)
    assert [len(everything(share)) for share in shares] == pytest.approx([3000] * 3, abs=4 * math.sqrt(3000))
    assert shares[0].duration == 10.0
    assert Poisson(Rate([(1, 1, math.inf)]), Random(1)).duration is None


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("500", [(500, 500, math.inf)]),
        ("500/s", [(500, 500, math.inf)]),
        ("2.5k", [(2500, 2500, math.inf)]),
        ("100..1000/60s", [(100, 1000, 60)]),
        ("100 .. 1k / 1m", [(100, 1000, 60)]),
        ("100x30s,200x30s", [(100, 100, 30), (200, 200, 30)]),
        ("100 x 30, 0x5s, 10..20/1m30s, 40", [(100, 100, 30), (0, 0, 5), (10, 20, 90), (40, 40, math.inf)]),
    ],
)
def test_rates_as_people_type_them(text: str, pieces: list[Piece]) -> None:
    assert parse_rate(text) == pieces


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no number"),
        ("fast", "'fast' is no number"),
        ("-5", "'-5' is no number"),
        ("100x", "'100x' is no number"),
        ("100..200", "'100..200' is no number"),
        ("100..200/soon", "'soon' is no duration"),
        ("100x5parsecs", "'5parsecs' is no duration"),
        ("100,200x5s", "'100' is not the last piece"),
        ("0", "sends nothing"),
        ("100x0s", "lasts 0 s"),
        ("99M", "a rate of 9.9e\\+07/s is not between 0 and 1e\\+07"),
    ],
)
def test_what_is_no_rate(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        parse_schedule(text, duration=None, arrivals="constant", random=Random(1))
    assert "100x30s,200x30s (steps)" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "duration", "n"),
    [
        ("100", 2.0, 200),
        ("100x1s,200x1s", None, 300),
        ("100x1s,200x1s", 1.5, 200),
        ("100x1s,200x1s", 3.0, 500),
        ("0..100/10s", 5.0, 125),
        ("0..100/10s", 12.0, 700),
    ],
)
def test_pieces_are_fitted_to_the_duration(text: str, duration: float | None, n: int) -> None:
    schedule = parse_schedule(text, duration=duration, arrivals="constant", random=Random(1))
    assert len(everything(schedule)) == n
    assert schedule.duration == (duration if duration is not None else 2.0)


def test_a_worker_takes_its_part_of_what_is_parsed() -> None:
    parts = [
        parse_schedule("10", duration=1.0, arrivals="constant", random=Random(1), worker=worker, workers=3)
        for worker in range(3)
    ]
    assert [everything(part) for part in parts] == [[0.0, 0.3, 0.6, 0.9], [0.1, 0.4, 0.7], [0.2, 0.5, 0.8]]
    by_chance = parse_schedule("100..200/1s", duration=None, arrivals="poisson", random=Random(1), workers=2)
    assert isinstance(by_chance, Poisson)
    assert by_chance.rate_at(0.5) == 75
