import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.behaviour.chance import Chance
from smppd.behaviour.delays import compile_delay
from smppd.settings import Exponential, Fixed, LogNormal, Mix, Normal, Portion, Spikes, Uniform, Wait
from smppd.settings.types import MAX_LIFE

CHANCE = Chance(0, "delays", "esme")
DRAWS = [CHANCE.draw(ordinal) for ordinal in range(1, 20_001)]


def times(wait: Wait) -> list[float]:
    delay = compile_delay(wait)
    return [delay(draw) for draw in DRAWS]


def share(values: list[float], low: float, high: float) -> float:
    return sum(1 for value in values if low <= value <= high) / len(values)


def test_fixed() -> None:
    assert set(times(Fixed(value=2.5))) == {2.5}


def test_uniform() -> None:
    found = times(Uniform(min=1, max=3))
    assert (min(found), max(found)) == (pytest.approx(1, abs=0.01), pytest.approx(3, abs=0.01))
    assert statistics.mean(found) == pytest.approx(2, abs=0.02)
    assert compile_delay(Uniform(min=2, max=2))(0.9) == 2


def test_normal() -> None:
    found = times(Normal(mean=10, deviation=2))
    assert statistics.mean(found) == pytest.approx(10, abs=0.05)
    assert statistics.stdev(found) == pytest.approx(2, abs=0.05)
    assert share(found, 8, 12) == pytest.approx(0.683, abs=0.01)
    assert share(times(Normal(mean=0, deviation=2)), 0, 0) == pytest.approx(0.5, abs=0.02), "below 0 is 0"
    assert max(times(Normal(mean=10, deviation=2, max=11))) == 11


def test_lognormal() -> None:
    found = times(LogNormal(median=2, sigma=1))
    assert statistics.median(found) == pytest.approx(2, rel=0.03)
    assert share(found, 2 * math.exp(2.326), MAX_LIFE) == pytest.approx(0.01, abs=0.003), "one in a hundred"
    assert max(times(LogNormal(median=2, sigma=1, max=5))) == 5
    assert set(times(LogNormal(median=2, sigma=0))) == {2}


def test_exponential() -> None:
    found = times(Exponential(mean=4))
    assert statistics.mean(found) == pytest.approx(4, rel=0.03)
    assert share(found, 0, 4) == pytest.approx(1 - 1 / math.e, abs=0.01)
    assert max(times(Exponential(mean=4, max=5))) == 5


def test_spikes() -> None:
    found = times(Spikes(value=0.1, spike=9, share=5))
    assert set(found) == {0.1, 9}
    assert share(found, 9, 9) == pytest.approx(0.05, abs=0.005)


def test_a_mix_of_shares() -> None:
    portions = [(80, Fixed(value=1)), (15, Uniform(min=2, max=3)), (5, Fixed(value=30))]
    found = times(Mix(mix=[Portion(share=weight, delay=delay) for weight, delay in portions]))
    assert share(found, 1, 1) == pytest.approx(0.8, abs=0.01)
    assert share(found, 2, 3) == pytest.approx(0.15, abs=0.01)
    assert share(found, 30, 30) == pytest.approx(0.05, abs=0.005)
    assert statistics.mean(value for value in found if 2 <= value <= 3) == pytest.approx(2.5, abs=0.03), "all of it"


SPANS = st.floats(0, MAX_LIFE)
PLAIN: st.SearchStrategy[Wait] = st.one_of(
    st.builds(Fixed, value=SPANS),
    st.tuples(SPANS, SPANS).map(lambda pair: Uniform(min=min(pair), max=max(pair))),
    st.builds(Normal, mean=SPANS, deviation=SPANS, max=SPANS),
    st.builds(LogNormal, median=SPANS, sigma=st.floats(0, 10), max=SPANS),
    st.builds(Exponential, mean=SPANS, max=SPANS),
    st.builds(Spikes, value=SPANS, spike=SPANS, share=st.floats(0.001, 100)),
)
WAITS = st.recursive(
    PLAIN,
    lambda waits: st.builds(
        Mix,
        mix=st.lists(st.builds(Portion, share=st.floats(0.001, 1e6), delay=waits), min_size=1, max_size=4),
    ),
    max_leaves=6,
)


@given(WAITS, st.one_of(st.sampled_from([0.0, 1 - 2**-53, 2**-53]), st.floats(0, 1, exclude_max=True)))
def test_every_time_is_bounded(wait: Wait, draw: float) -> None:
    assert 0 <= compile_delay(wait)(draw) <= MAX_LIFE


@given(PLAIN.filter(lambda wait: not isinstance(wait, Spikes)), st.floats(0, 1 - 2**-20), st.floats(0, 1 - 2**-20))
def test_a_higher_draw_is_no_shorter_time(wait: Wait, one: float, other: float) -> None:
    delay = compile_delay(wait)
    assert delay(min(one, other)) <= delay(max(one, other))


def test_what_is_no_distribution() -> None:
    with pytest.raises(TypeError, match="no distribution"):
        compile_delay(Wait())
