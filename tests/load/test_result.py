"""Reports add up in any order; what is written about them is complete, stable, and private."""

import json
import math
import pickle
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import reduce
from operator import add
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppd.load.histogram import Histogram, HistogramState
from smppd.load.result import (
    COUNTERS,
    LATENCIES,
    METRICS,
    MOST_ERRORS,
    MOST_OFFENDERS,
    NOTHING,
    Counters,
    Interval,
    Result,
    Target,
    WorkerReport,
    coarsen,
    find_metric,
    merge,
    public,
    side_by_side,
)


def state(*seconds: float) -> HistogramState:
    histogram = Histogram()
    for each in seconds:
        histogram.record(each)
    return histogram.snapshot()


COUNTS = st.integers(0, 1000)
STATES = st.lists(st.sampled_from([0.001, 0.01, 0.1, 4000.0]), max_size=3).map(lambda times: state(*times))
TABLES = st.dictionaries(st.sampled_from(["ESME_ROK", "ESME_RTHROTTLED", "0x00000400"]), st.integers(1, 9))
ALL_COUNTERS = st.builds(Counters, **dict.fromkeys(COUNTERS, COUNTS))
INTERVALS = st.builds(
    Interval,
    t=st.just(0.0),
    **dict.fromkeys(("offered", "submitted", "ok", "throttled", "errors", "receipts", "mo_answers"), COUNTS),
    in_flight=COUNTS.map(float),
    behind=COUNTS.map(float),
    latency=STATES,
)


@st.composite
def series(draw: st.DrawFn) -> list[Interval]:
    """The time series of a worker: seconds, some of them left out, at one of three widths."""
    seconds = sorted(draw(st.sets(st.integers(-2, 12), max_size=6)))
    intervals = [replace(draw(INTERVALS), t=float(second)) for second in seconds]
    return coarsen(intervals, draw(st.sampled_from([1.0, 1.0, 2.0, 4.0])))


REPORTS = st.builds(
    WorkerReport,
    counters=ALL_COUNTERS,
    measured=ALL_COUNTERS,
    statuses=TABLES,
    receipt_states=TABLES,
    submit_response=STATES,
    service=STATES,
    receipt=STATES,
    mo_answer=STATES,
    send_lag=STATES,
    intervals=series(),
    offenders=st.dictionaries(
        st.sampled_from(["timed_out", "unknown_receipts"]), st.lists(st.sampled_from("abc"), max_size=70)
    ),
    errors=st.lists(st.sampled_from("xyz"), max_size=70),
    seconds=st.integers(0, 9).map(float),
    workers=st.integers(1, 3),
    binds=COUNTS,
    reconnects=COUNTS,
    cpu_seconds=COUNTS.map(float),
)


@settings(deadline=None, max_examples=40)
@given(REPORTS, REPORTS, REPORTS)
def test_addition_is_associative(a: WorkerReport, b: WorkerReport, c: WorkerReport) -> None:
    assert (a + b) + c == a + (b + c) == merge([a, b, c])
    assert NOTHING + a == a + NOTHING


@settings(deadline=None, max_examples=40)
@given(REPORTS, REPORTS)
def test_nothing_is_lost_in_addition(a: WorkerReport, b: WorkerReport) -> None:
    total = a + b
    for name in COUNTERS:
        assert getattr(total.counters, name) == getattr(a.counters, name) + getattr(b.counters, name)
    for name in LATENCIES:
        assert getattr(total, name).count == getattr(a, name).count + getattr(b, name).count
    for name in ("submitted", "answered", "receipts", "mo_answers"):
        assert sum(getattr(each, name) for each in total.intervals) == sum(
            getattr(each, name) for each in a.intervals + b.intervals
        )
    assert sum(total.statuses.values()) == sum(a.statuses.values()) + sum(b.statuses.values())
    assert len({each.t for each in total.intervals}) == len(total.intervals)
    assert len({each.seconds for each in total.intervals}) <= 1
    assert [len(items) <= MOST_OFFENDERS for items in total.offenders.values()] == [True] * len(total.offenders)
    assert len(total.errors) == min(MOST_ERRORS, len(a.errors) + len(b.errors))


def test_reports_travel_between_processes() -> None:
    report = WorkerReport(submit_response=state(0.5), intervals=[Interval(t=0.0, latency=state(0.25))])
    assert pickle.loads(pickle.dumps(report)) == report


def test_two_workers_side_by_side() -> None:
    one = [Interval(t=0.0, submitted=4, in_flight=2.0), Interval(t=1.0, submitted=6, in_flight=4.0)]
    other = [Interval(t=1.0, submitted=1, in_flight=1.0, behind=3.0)]
    assert side_by_side(one, other) == [one[0], Interval(t=1.0, submitted=7, in_flight=5.0, behind=3.0)]
    wide = [Interval(t=0.0, seconds=2.0, submitted=1, in_flight=1.0)]
    assert side_by_side(one, wide) == [Interval(t=0.0, seconds=2.0, submitted=11, in_flight=4.0)]
    assert side_by_side(one, []) == one == side_by_side([], one)


def test_counters() -> None:
    counters = Counters(sent=20, ok=7, throttled=2, errors=1, timed_out=3, connection_lost=2)
    assert (counters.answered, counters.unanswered, counters.in_flight, counters.lost) == (10, 5, 5, 5)
    counters.wanted_receipts, counters.receipts, counters.missing_receipts = 6, 3, 1
    assert (counters.awaited_receipts, counters.lost) == (2, 6)
    before = counters.copy()
    counters.ok += 2
    assert (counters - before, before.ok) == (Counters(ok=2), 7)


def result(**changes: Any) -> Result:
    report = WorkerReport(
        counters=Counters(
            offered=110, sent=100, late=4, ok=80, throttled=10, errors=5, timed_out=3, connection_lost=2,
            wanted_receipts=80, receipts=70, missing_receipts=10, doubled_receipts=2, doubled_answers=1,
            unknown_receipts=4, unknown_answers=3,
        ),
        measured=Counters(offered=100, sent=90, ok=60, throttled=10, errors=5, receipts=50),
        statuses={"ESME_ROK": 80, "ESME_RTHROTTLED": 10, "ESME_RSYSERR": 5},
        receipt_states={"DELIVRD": 69, "UNDELIV": 1},
        submit_response=state(*(number / 1000 for number in range(1, 101))),
        service=state(0.001),
        receipt=state(1.5),
        mo_answer=state(0.25),
        intervals=[Interval(t=0.0, seconds=2.0, offered=20, submitted=18, ok=9, errors=1, latency=state(0.004))],
        offenders={"unknown_receipts": ["message_id 'x'"]},
        errors=["bind 1: the SMSC closed the connection"],
        seconds=5.0,
        binds=4,
        reconnects=1,
        cpu_seconds=1.25,
    )  # fmt: skip
    return Result(
        report=replace(report, **changes),
        target=Target("127.0.0.1", 2775, system_id="smsc", interface_version=0x34),
        configuration={"window": 10, "password": "secret", "to": "33612345678", "profile": {"text": "hi", "n": 1}},
        started_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("p50", 0.05),
        ("p99", 0.099),
        ("p99.99", 0.1),
        ("max", 0.1),
        ("mean", 0.0505),
        ("service_p99", 0.001),
        ("receipt_p99", 1.5),
        ("receipt_max", 1.5),
        ("mo_p50", 0.25),
        ("lag_p99", 0.0),
        ("rate", 15.0),
        ("ok_rate", 12.0),
        ("sent_rate", 18.0),
        ("offered_rate", 20.0),
        ("receipts_rate", 10.0),
        ("error_rate", 20.0),
        ("throttled_rate", 100 * 10 / 95),
        ("lost", 15),
        ("unanswered", 5),
        ("missing_receipts", 10),
        ("doubled", 3),
        ("unknown", 7),
        ("errors", 5),
        ("throttled", 10),
        ("late", 4),
        ("unsent", 0),
        ("reconnects", 1),
    ],
)
def test_metrics(name: str, value: float) -> None:
    assert result().metric(name) == pytest.approx(value, rel=1e-3)


def test_every_metric_of_nothing_is_nothing() -> None:
    nothing = result(**{each: getattr(NOTHING, each) for each in asdict(NOTHING)})
    for name, metric in METRICS.items():
        if metric.unit == "s" and not name.startswith("lag_"):
            assert math.isnan(nothing.metric(name)), name
        else:
            assert nothing.metric(name) == 0, name
    with pytest.raises(KeyError):
        nothing.metric("speed")


def test_any_percentile_is_a_metric() -> None:
    assert result().metric("p98") == pytest.approx(0.098, rel=1e-3)
    assert result().metric("receipt_p99.5") == pytest.approx(1.5, rel=1e-3)
    assert [find_metric(name) for name in ("p100", "p", "p9.", "other_p99", "p99.99999")] == [None] * 5


def test_the_json_report_keeps_its_shape() -> None:
    report = json.loads(json.dumps(result().as_json()))
    assert list(report) == [
        "format", "started_at", "finished", "seconds", "target", "configuration", "workers", "binds", "reconnects",
        "cpu_seconds", "rates", "counters", "measured", "statuses", "receipt_states", "latency_ms", "intervals",
        "offenders", "errors",
    ]  # fmt: skip
    assert report["started_at"] == "2026-01-02T03:04:05+00:00"
    assert report["target"] == {
        "host": "127.0.0.1", "port": 2775, "tls": False, "system_id": "smsc", "interface_version": 0x34,
    }  # fmt: skip
    assert report["rates"] == {
        "rate": 15.0, "ok_rate": 12.0, "sent_rate": 18.0, "offered_rate": 20.0, "receipts_rate": 10.0,
    }  # fmt: skip
    assert {name: report["counters"][name] for name in ("ok", "answered", "unanswered", "in_flight", "lost")} == {
        "ok": 80, "answered": 95, "unanswered": 5, "in_flight": 0, "lost": 15,
    }  # fmt: skip
    assert report["statuses"] == {"ESME_RSYSERR": 5, "ESME_ROK": 80, "ESME_RTHROTTLED": 10}
    assert set(report["latency_ms"]) == set(LATENCIES)
    assert report["latency_ms"]["receipt"] == {
        "count": 1, "min": 1500.0, "mean": 1500.0, "stdev": 0.0, "p50": 1500.0, "p75": 1500.0, "p90": 1500.0,
        "p95": 1500.0, "p99": 1500.0, "p99.9": 1500.0, "p99.99": 1500.0, "max": 1500.0,
    } | {name: pytest.approx(1500, rel=1e-3) for name in report["latency_ms"]["receipt"] if name != "count"} | {
        "stdev": 0.0
    }  # fmt: skip
    assert report["intervals"] == [
        {
            "t": 0.0, "seconds": 2.0, "offered": 10.0, "submitted": 9.0, "answered": 5.0, "ok": 4.5, "throttled": 0.0,
            "errors": 0.5, "receipts": 0.0, "mo_answers": 0.0, "in_flight": 0.0, "behind": 0.0,
            "p50_ms": pytest.approx(4, rel=1e-3), "p99_ms": pytest.approx(4, rel=1e-3),
            "max_ms": pytest.approx(4, rel=1e-3),
        }
    ]  # fmt: skip
    assert report["offenders"] == {"unknown_receipts": ["message_id 'x'"]}


def test_the_json_report_tells_no_secrets() -> None:
    text = json.dumps(result().as_json())
    assert "secret" not in text
    assert "33612345678" not in text
    assert '"hi"' not in text
    assert public({"a": {"from_": 1, "b": [2]}, "text": "x"}) == {"a": {"b": [2]}}


def test_the_sum_does_not_depend_on_the_number_of_workers() -> None:
    parts = [WorkerReport(counters=Counters(sent=n), submit_response=state(n / 100)) for n in range(1, 6)]
    assert reduce(add, parts) == merge(parts) == merge(reversed(parts))
