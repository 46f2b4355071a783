"""The histogram beside HdrHistogram's own, which decides what is right."""

import io
import math
import pickle
from array import array

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from smppd.load.histogram import (
    DOUBLINGS,
    HIGHEST_US,
    LENGTH,
    LINEAR,
    Histogram,
    HistogramState,
    highest_of,
    index_of,
    lowest_of,
)

US = st.one_of(
    st.integers(0, 5000),
    st.integers(0, HIGHEST_US),
    st.integers(0, 31).map(lambda bits: min((1 << bits) - 1, HIGHEST_US)),
    st.integers(0, 31).map(lambda bits: min(1 << bits, HIGHEST_US)),
)
SAMPLES = st.lists(st.tuples(US, st.integers(1, 50)), max_size=30)
PERCENTS = (0.0, 0.001, 1, 25, 50, 75, 90, 99, 99.9, 99.99, 100.0)


def ours(samples: list[tuple[int, int]]) -> Histogram:
    histogram = Histogram()
    for us, n in samples:
        histogram.record_many(us / 1e6, n)
    return histogram


def theirs(samples: list[tuple[int, int]]) -> HdrHistogram:
    histogram = HdrHistogram(1, HIGHEST_US, 3)
    for us, n in samples:
        assert histogram.record_value(us, n)
    return histogram


def states_of(samples: list[tuple[int, int]]) -> HistogramState:
    return ours(samples).snapshot()


def test_the_layout_is_hdrhistograms() -> None:
    reference = theirs([])
    assert (reference.bucket_count, reference.sub_bucket_count, reference.counts_len) == (DOUBLINGS, LINEAR, LENGTH)


@given(US)
def test_buckets_are_hdrhistograms(us: int) -> None:
    reference = theirs([])
    index = index_of(us)
    assert index == reference.get_counts_array_index(us)
    assert lowest_of(index) == reference.get_lowest_equivalent_value(us)
    assert highest_of(index) == reference.get_highest_equivalent_value(us)


@given(US)
def test_the_resolution_is_a_thousandth(us: int) -> None:
    index = index_of(us)
    assert lowest_of(index) <= us <= highest_of(index)
    assert highest_of(index) - lowest_of(index) <= us / 1000


@settings(max_examples=30, deadline=None)  # the reference is slow
@given(SAMPLES)
def test_everything_is_as_hdrhistogram_has_it(samples: list[tuple[int, int]]) -> None:
    histogram, reference = ours(samples), theirs(samples)
    assert histogram.counts == list(reference.counts)
    assert histogram.count == reference.get_total_count()
    expected = reference.get_percentile_to_value_dict(PERCENTS)
    assert {p: round(histogram.percentile(p) * 1e6) for p in PERCENTS} == (expected or dict.fromkeys(PERCENTS, 0))
    assert histogram.percentiles(PERCENTS) == [histogram.percentile(p) for p in PERCENTS]
    assert round(histogram.min * 1e6) == reference.get_min_value()
    assert round(histogram.max * 1e6) == reference.get_max_value()
    assert histogram.mean * 1e6 == pytest.approx(reference.get_mean_value())
    assert histogram.stdev * 1e6 == pytest.approx(reference.get_stddev(), abs=1e-6)


def rows(text: str) -> list[list[float]]:
    return [[float(word) for word in line.split()] for line in text.splitlines()[2:] if not line.startswith("#")]


@settings(max_examples=20, deadline=None)
@given(SAMPLES.filter(bool))
def test_the_hgrm_text_is_hdrhistograms(samples: list[tuple[int, int]]) -> None:
    out = io.BytesIO()
    reference = theirs(samples)
    reference.output_percentile_distribution(out, 1000.0)
    written, expected = ours(samples).hgrm().splitlines(), out.getvalue().decode().splitlines()
    assert written[0] == expected[0]
    assert written[-2:] == expected[-2:]
    for row, right in zip(rows("\n".join(written)), rows("\n".join(expected)), strict=True):
        assert row == pytest.approx(right, rel=1e-6, abs=1e-9)
    # Their standard deviation stays in microseconds whatever the scale: a slip that Java's original has not.
    mean, stdev = (float(part.split("=")[1].strip(" ]")) for part in written[-3].split(","))
    assert mean == pytest.approx(reference.get_mean_value() / 1000, abs=6e-4)
    assert stdev == pytest.approx(reference.get_stddev() / 1000, abs=6e-4)


@settings(deadline=None)
@given(SAMPLES.filter(bool))
def test_each_row_of_the_hgrm_text_is_true(samples: list[tuple[int, int]]) -> None:
    histogram = ours(samples)
    values = sorted(us for us, n in samples for _ in range(n))
    for value, level, total, *_ in rows(histogram.hgrm(1.0)):
        assert sum(1 for us in values if us <= value) == total
        assert total >= math.floor(level * len(values))


def test_the_text_of_nothing_has_no_rows() -> None:
    lines = Histogram().hgrm().splitlines()
    assert lines[0].split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]
    assert [line[:2] for line in lines[1:]] == ["", "#[", "#[", "#["]


@settings(deadline=None)
@given(st.lists(st.floats(-0.001, 4000), max_size=40))
def test_the_ways_to_record_agree(durations: list[float]) -> None:
    single, many, since = Histogram(), Histogram(), Histogram()
    for seconds in durations:
        single.record(seconds)
        many.record_many(seconds, 1)
    since.record_since(0.0, [-seconds for seconds in durations])
    assert single.counts == many.counts == since.counts
    assert single.clamped == many.clamped == since.clamped == sum(1 for s in durations if round(s * 1e6) > HIGHEST_US)
    assert single.count == len(durations)


def test_what_is_longer_than_an_hour_counts_as_an_hour() -> None:
    histogram = Histogram()
    histogram.record(3599.9)
    histogram.record(7200.0)
    histogram.record_many(1e12, 2)
    assert histogram.clamped == 3
    assert histogram.max == pytest.approx(3600, rel=1e-3)


def test_clock_that_goes_back_counts_as_nothing() -> None:
    histogram = Histogram()
    histogram.record(-5.0)
    assert (histogram.count, histogram.max) == (1, 0.0)


def test_nothing_recorded() -> None:
    empty = Histogram()
    assert (empty.count, empty.min, empty.max, empty.mean, empty.stdev, empty.percentile(99)) == (0, 0, 0, 0, 0, 0)
    assert list(empty.buckets()) == []


def test_buckets_are_the_filled_ones() -> None:
    histogram = Histogram()
    histogram.record_many(0.000_005, 3)
    histogram.record(0.004_097)
    assert list(histogram.buckets()) == [(0.000_005, 3), (0.004_099, 1)]


@settings(deadline=None)
@given(SAMPLES, SAMPLES, SAMPLES)
def test_merging_is_associative_and_loses_nothing(
    a: list[tuple[int, int]], b: list[tuple[int, int]], c: list[tuple[int, int]]
) -> None:
    merged = ours(a)
    merged.merge(ours(b))
    merged.merge(ours(c))
    assert merged.counts == ours(a + b + c).counts
    states = states_of(a), states_of(b), states_of(c)
    assert (states[0] + states[1]) + states[2] == states[0] + (states[1] + states[2]) == merged.snapshot()
    assert states[0] + states[1] == states[1] + states[0]


@settings(deadline=None)
@given(SAMPLES)
def test_a_state_travels(samples: list[tuple[int, int]]) -> None:
    histogram = ours([*samples, (HIGHEST_US, 1)])
    histogram.record(4000.0)
    state = pickle.loads(pickle.dumps(histogram.snapshot()))
    again = Histogram.of(state)
    assert (again.counts, again.clamped, state.count) == (histogram.counts, 1, histogram.count)


def test_a_state_is_small() -> None:
    histogram = Histogram()
    for us in range(1, 1001):
        histogram.record(us / 1e3)
    assert len(pickle.dumps(histogram.snapshot())) < 12_000
    assert HistogramState() == HistogramState(array("H"), array("Q"), 0) == Histogram().snapshot()


def test_clear() -> None:
    histogram = Histogram()
    histogram.record(9999.0)
    histogram.clear()
    assert histogram.snapshot() == HistogramState()
