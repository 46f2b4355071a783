"""Sums, histograms and the time series of a worker, through the ledger that keeps them."""

import pytest

from smppd.load import tally as tallies
from smppd.load.histogram import Histogram
from smppd.load.ledger import Ledger
from smppd.load.result import Counters
from smppd.load.tally import record


def test_what_was_intended_in_the_warm_up_is_in_no_histogram() -> None:
    ledger = Ledger()
    lane = ledger.lane("bind 1")
    lane.sent(1, [1.0, 2.0], 2.0, wants_receipt=True)
    lane.answered([1], 2.5, [b"a"])
    ledger.roll(3.0)
    ledger.start_measuring(3.0)
    lane.sent(3, [3.5, 2.5], 4.0, wants_receipt=True)
    lane.answered([2, 3, 4], 5.0, [b"b", b"c", b"d"])
    ledger.receipts([(name, None, 2) for name in (b"a", b"b", b"c")], 6.0)
    report = ledger.report()
    assert report.counters.ok == 4
    assert report.counters.receipts == 3
    assert [state.count for state in (report.submit_response, report.service, report.receipt)] == [1, 1, 1]
    assert Histogram.of(report.submit_response).max == pytest.approx(1.5, rel=1e-3)
    assert Histogram.of(report.service).max == pytest.approx(1.0, rel=1e-3)
    assert Histogram.of(report.receipt).max == pytest.approx(2.5, rel=1e-3)
    assert report.intervals == []


def test_rates_are_of_the_measured_time_and_counts_of_the_whole() -> None:
    ledger = Ledger()
    lane = ledger.lane("bind 1")
    lane.sent_run(1, 10, 1.0, wants_receipt=False)
    lane.answered_run(1, 10, 1.5)
    ledger.start_measuring(2.0)
    lane.sent_run(11, 4, 2.0, wants_receipt=False)
    lane.answered_run(11, 3, 3.0)
    ledger.stop_measuring(4.5)
    lane.answered_run(14, 1, 5.0)
    report = ledger.report()
    assert report.counters == Counters(offered=14, sent=14, ok=14)
    assert report.measured == Counters(offered=4, sent=4, ok=3)
    assert report.seconds == 2.5
    assert report.submit_response.count == 4  # of what was sent while measuring, drained ones too
    assert report.statuses == {"ESME_ROK": 14}


def test_the_time_series() -> None:
    ledger = Ledger()
    lane = ledger.lane("bind 1")
    ledger.start_measuring(10.0)
    lane.sent_run(1, 5, 10.0, wants_receipt=True)
    lane.answered([1, 2], 10.5, [b"a", b"b"])
    lane.refused(3, 0x58, 10.75)
    lane.refused(4, 8, 10.75)
    ledger.receipts([(b"a", None, 2)], 10.9)
    first = ledger.roll(10.999, behind=7)  # a timer may be early
    ledger.answered_mo(11.5, 11.75)
    second = ledger.roll(12.001)
    ledger.roll(17.5)  # the loop was held up
    lane.answered([5], 18.0, [b"c"])
    ledger.roll(18.5)
    report = ledger.report()
    assert [interval.t for interval in report.intervals] == [0.0, 1.0, 2.0, 7.0]
    assert report.intervals[:2] == [first, second]
    flows = (first.offered, first.submitted, first.ok, first.throttled, first.errors, first.receipts, first.answered)
    assert flows == (5, 5, 2, 1, 1, 1, 4)
    assert (first.in_flight, first.behind, first.latency.count) == (1, 7, 4)
    assert first.percentiles(50, 100) == pytest.approx([0.5, 0.75], rel=1e-3)
    assert (second.mo_answers, second.in_flight, second.answered) == (1, 1, 0)
    assert report.mo_answer.count == report.counters.mo_answers == 1
    assert sum(interval.latency.count for interval in report.intervals) == report.submit_response.count == 5


def test_answers_to_what_came_in_the_warm_up_are_counted_and_not_timed() -> None:
    ledger = Ledger()
    ledger.start_measuring(10.0)
    ledger.answered_mo(9.0, 11.0)
    assert (ledger.counters.mo_answers, ledger.report().mo_answer.count) == (1, 0)


def test_a_long_time_series_becomes_coarser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MOST_INTERVALS", 4)
    ledger = Ledger()
    lane = ledger.lane("bind 1")
    ledger.start_measuring(0.0)
    for second in range(11):
        lane.sent_run(second + 1, 1, float(second), wants_receipt=False)
        ledger.roll(second + 1.0)
    intervals = ledger.report().intervals
    assert [(interval.t, interval.seconds) for interval in intervals] == [(0.0, 4.0), (4.0, 4.0), (8.0, 4.0)]
    assert [interval.submitted for interval in intervals] == [4, 4, 3]
    assert intervals[0].in_flight == 2.5  # the mean of 1, 2, 3 and 4


def test_other_counts() -> None:
    ledger = Ledger()
    ledger.offered(3)
    ledger.intermediate()
    ledger.intermediate(2)
    assert ledger.counters == Counters(offered=3, intermediate=3)


@pytest.mark.parametrize(
    "starts",
    [[1.0] * 20, [1.0] * 10 + [1.25] * 10, [1.0] * 19 + [1.5], [n / 16 for n in range(20)], [1.0, 1.5, 1.0], [1.0]],
)
def test_durations_may_be_recorded_in_groups(starts: list[float]) -> None:
    grouped, single = Histogram(), Histogram()
    record(grouped, starts, 2.0)
    for start in starts:
        single.record(2.0 - start)
    assert grouped.counts == single.counts


def test_a_report_stands_still() -> None:
    ledger = Ledger()
    lane = ledger.lane("bind 1")
    ledger.start_measuring(0.0)
    report = ledger.report()
    lane.sent_run(1, 3, 1.0, wants_receipt=False)
    lane.answered([1, 9], 2.0)
    ledger.roll(3.0)
    assert report.counters == Counters()
    assert (report.intervals, report.offenders, report.statuses) == ([], {}, {})
