"""The ring of a connection: gaps, growth, messages set aside, wrapping, and what is written about offenders."""

import pytest

from smppd.load import lane as lanes
from smppd.load.histogram import Histogram, HistogramState
from smppd.load.ledger import Lane, Ledger
from smppd.load.result import Counters


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(response_timeout=10.0)


@pytest.fixture
def lane(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Lane:
    monkeypatch.setattr(lanes, "SMALLEST_RING", 8)
    return ledger.lane("bind 1")


def closed(lane: Lane, first: int, n: int, now: float = 1.0) -> None:
    lane.sent_run(first, n, now, wants_receipt=False)


def test_a_window_is_filled_and_emptied(ledger: Ledger, lane: Lane) -> None:
    closed(lane, 1, 4)
    assert lane.in_flight == 4
    assert lane.answered_run(1, 3, 1.5) == 3
    assert lane.answered([4], 2.0) == 1
    assert lane.in_flight == 0
    assert ledger.counters == Counters(offered=4, sent=4, ok=4)


def test_responses_in_any_order_are_found(ledger: Ledger, lane: Lane) -> None:
    closed(lane, 1, 6)
    assert lane.answered([5, 6, 1, 2, 4, 3, 3], 2.0) == 6
    assert (ledger.counters.ok, ledger.counters.doubled_answers) == (6, 1)


def test_no_responses_are_none(lane: Lane) -> None:
    assert lane.answered([], 1.0) == 0
    assert lane.answered_run(1, 0, 1.0) == 0


def test_numbers_between_messages_are_unknown(ledger: Ledger, lane: Lane) -> None:
    closed(lane, 1, 2)
    closed(lane, 5, 2)  # 3 and 4 were an enquire_link and an unbind
    assert lane.answered([1, 2, 3, 4, 5, 6, 7], 2.0) == 4
    assert (ledger.counters.ok, ledger.counters.unknown_answers, ledger.counters.doubled_answers) == (4, 3, 0)
    assert ledger.report().offenders == {
        "unknown_answers": [f"bind 1, sequence_number {number}" for number in (3, 4, 7)]
    }


def test_a_gap_longer_than_the_ring(ledger: Ledger, lane: Lane) -> None:
    closed(lane, 1, 2)
    closed(lane, 1000, 2)
    assert lane.answered([999, 1000, 1001, 2, 1], 2.0) == 4
    assert ledger.counters.unknown_answers == 1


def test_a_run_of_responses_ends_with_what_was_sent(ledger: Ledger, lane: Lane) -> None:
    closed(lane, 1, 4)
    assert lane.answered_run(3, 5, 2.0) == 2
    assert (ledger.counters.ok, ledger.counters.unknown_answers) == (2, 3)
    assert lane.answered_run(1, 4, 2.0) == 2
    assert (ledger.counters.ok, ledger.counters.doubled_answers) == (4, 2)


def test_a_straggler_is_set_aside_while_the_ring_goes_round(ledger: Ledger, lane: Lane) -> None:
    closed(lane, 1, 1)
    for number in range(2, 102):
        closed(lane, number, 1)
        assert lane.answered([number], 1.0) == 1
    assert lane.oldest() == 1.0
    assert lane.answered([1], 3.5) == 1
    assert lane.in_flight == 0
    assert lane.oldest() == float("inf")
    assert lane.answered([1, 50, 101], 4.0) == 0
    assert (ledger.counters.ok, ledger.counters.doubled_answers) == (101, 3)
    assert ledger.report().submit_response.count == 101


def test_it_grows_with_a_window_larger_than_announced(ledger: Ledger, lane: Lane) -> None:
    closed(lane, 1, 3)
    lane.answered([2], 1.5)
    closed(lane, 4, 1000)
    assert lane.in_flight == 1002
    assert lane.answered(list(range(1, 1004)), 2.0) == 1002
    assert (ledger.counters.ok, ledger.counters.doubled_answers) == (1003, 1)


def test_sequence_numbers_start_again_after_the_highest(ledger: Ledger, lane: Lane) -> None:
    closed(lane, 0x7FFFFFFC, 4)
    closed(lane, 1, 4)
    assert lane.answered([0x7FFFFFFE, 0x7FFFFFFF, 1, 2, 0x7FFFFFFC, 0x7FFFFFFD, 3, 4, 4], 2.0) == 8
    assert (ledger.counters.ok, ledger.counters.doubled_answers) == (8, 1)


def test_refusals_by_status(ledger: Ledger, lane: Lane) -> None:
    closed(lane, 1, 4)
    assert lane.refused(1, 0x58, 2.0)
    assert lane.refused(2, 0x14, 2.0)
    assert lane.refused(3, 0x0B, 2.0)
    assert not lane.refused(3, 0x0B, 2.0)
    assert not lane.refused(9, 0x0B, 2.0)
    counters = ledger.counters
    assert (counters.throttled, counters.errors, counters.doubled_answers, counters.unknown_answers) == (2, 1, 1, 1)
    assert ledger.report().statuses == {"ESME_RINVDSTADR": 1, "ESME_RMSGQFUL": 1, "ESME_RTHROTTLED": 1}
    assert ledger.report().submit_response.count == 3


def test_late_sends_are_counted(ledger: Ledger, lane: Lane) -> None:
    lane.sent(1, [0.5, 0.9985, 0.9995, 1.0], 1.0)
    assert ledger.counters.late == 2
    assert ledger.counters.offered == 0
    lane.sent(5, [], 1.0)
    assert ledger.counters.sent == 4


def test_timeouts_and_what_comes_after_them(ledger: Ledger, lane: Lane) -> None:
    closed(lane, 1, 2, now=1.0)
    closed(lane, 3, 1, now=2.0)
    assert lane.expire(1.0) == 2
    assert (lane.in_flight, ledger.counters.timed_out, lane.oldest()) == (1, 2, 2.0)
    assert lane.answered([2], 20.0) == 0  # its slot of the window has been free since
    assert not lane.refused(1, 8, 20.0)
    counters = ledger.counters
    assert (counters.timed_out, counters.late_answers, counters.ok, counters.errors) == (0, 2, 1, 1)
    assert ledger.report().offenders["timed_out"] == ["bind 1, sequence_number 1", "bind 1, sequence_number 2"]
    assert lane.answered([2], 21.0) == 0
    assert counters.doubled_answers == 1


def test_what_timed_out_is_not_remembered_for_ever(ledger: Ledger, lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "MOST_EXPIRED", 2)
    closed(lane, 1, 3)
    assert lane.expire(5.0) == 3
    assert lane.answered([1, 2, 3], 20.0) == 0
    counters = ledger.counters
    assert (counters.timed_out, counters.ok, counters.doubled_answers) == (1, 2, 1)


def test_a_lost_connection_takes_its_messages_along(ledger: Ledger, lane: Lane) -> None:
    other = ledger.lane("bind 2")
    closed(lane, 1, 1)
    for number in range(2, 30):
        closed(lane, number, 1)
        lane.answered([number], 1.0)
    closed(lane, 30, 2)
    closed(other, 1, 1)
    assert ledger.lost(lane) == 3
    assert (ledger.counters.connection_lost, ledger.counters.in_flight, other.in_flight) == (3, 1, 1)
    assert ledger.report().offenders["connection_lost"] == [f"bind 1, sequence_number {n}" for n in (1, 30, 31)]
    assert lane.answered([30], 2.0) == 0
    assert ledger.counters.ok == 28


def test_offenders_are_listed_up_to_a_hundred(ledger: Ledger, lane: Lane) -> None:
    closed(lane, 1, 500)
    ledger.finish()
    assert ledger.counters.timed_out == 500
    assert len(ledger.report().offenders["timed_out"]) == 100


def test_latencies_count_from_the_intended_time(ledger: Ledger, lane: Lane) -> None:
    lane.sent(1, [0.25, 0.5, 0.75], 1.0)
    lane.answered([1, 2, 3], 1.5)
    report = ledger.report()
    assert [round(upper, 2) for upper, _ in ledger_buckets(report.submit_response)] == [0.75, 1.0, 1.25]
    assert ledger_buckets(report.service) == [(pytest.approx(0.5, rel=1e-3), 3)]


def ledger_buckets(state: HistogramState) -> list[tuple[float, int]]:
    return list(Histogram.of(state).buckets())
