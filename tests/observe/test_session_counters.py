"""What follows from what is counted."""

from __future__ import annotations

from smppd.observe.session_counters import SessionCounters


def test_nothing_has_happened_yet() -> None:
    counters = SessionCounters()
    assert (counters.pdus_in, counters.pdus_out, counters.refused, counters.throttled) == (0, 0, 0, 0)


def test_what_was_not_refused_was_accepted() -> None:
    counters = SessionCounters()
    counters.submitted = 10
    counters.unaccepted = 3
    counters.refuse(0x58, 2)
    counters.refuse(0x0B, 1)
    assert (counters.accepted, counters.refused, counters.throttled) == (7, 3, 2)
    assert (counters.pdus_in, counters.pdus_out) == (10, 10)
    counters.refuse(0x58, -1)
    assert (counters.refused, counters.throttled, counters.pdus_out) == (2, 1, 9)


def test_what_is_no_receipt_is_taken_off() -> None:
    counters = SessionCounters()
    counters.deliveries_sent, counters.others_sent = 10, 3
    counters.deliveries_answered, counters.deliveries_refused, counters.others_acknowledged = 9, 2, 1
    counters.other_in, counters.other_out = 5, 6
    assert (counters.receipts_sent, counters.deliveries_acknowledged, counters.receipts_acknowledged) == (7, 7, 6)
    assert (counters.pdus_in, counters.pdus_out) == (14, 16)
