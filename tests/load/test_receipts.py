"""Receipts and the ids they name: as they are, respelled, too early, too late, too many."""

import pytest

from smppd.load import receipts as receipts_module
from smppd.load.ledger import Lane, Ledger, ReceiptSeen
from smppd.load.recent import Recent
from smppd.load.result import Counters


class Exchange:
    """A ledger with one lane; every message wants a receipt."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.lane: Lane = ledger.lane("bind 1")
        self.next = 1

    def send(self, n: int, now: float = 1.0) -> list[int]:
        numbers = list(range(self.next, self.next + n))
        self.lane.sent_run(self.next, n, now, wants_receipt=True)
        self.next += n
        return numbers

    def accepted(self, *ids: bytes, now: float = 1.0) -> None:
        assert self.lane.answered(self.send(len(ids), now), now, ids) == len(ids)

    def receive(self, *names: bytes, now: float = 2.0) -> None:
        self.ledger.receipts([ReceiptSeen(name, None, "DELIVRD") for name in names], now)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange(Ledger(response_timeout=10.0))


def test_the_tlv_comes_before_the_text(exchange: Exchange) -> None:
    exchange.accepted(b"a", b"b", b"c")
    exchange.ledger.receipts([(b"a", b"b", 2), (None, b"b", 5), (b"garbage", b"c", "ACCEPTD")], 3.0)
    report = exchange.ledger.report()
    assert report.receipt_states == {"ACCEPTD": 1, "DELIVRD": 1, "UNDELIV": 1}
    assert (report.counters.receipts, exchange.ledger.awaited_receipts) == (3, 0)
    assert report.receipt.count == 3


def test_states_by_number_and_by_name_are_one(exchange: Exchange) -> None:
    exchange.accepted(b"a", b"b")
    exchange.ledger.receipts([(b"a", None, 2), (b"b", None, "DELIVRD")], 3.0)
    assert exchange.ledger.report().receipt_states == {"DELIVRD": 2}


def test_a_receipt_before_its_response_waits(exchange: Exchange) -> None:
    numbers = exchange.send(2, now=1.0)
    exchange.ledger.receipts([(b"a", b"text-a", 2), (b"other", b"b", 2)], 1.25)
    exchange.ledger.settle(1.5)
    assert exchange.ledger.counters.unknown_receipts == 0
    exchange.lane.answered(numbers, 2.0, [b"a", b"b"])
    counters = exchange.ledger.counters
    assert (counters.receipts, counters.early_receipts, exchange.ledger.awaited_receipts) == (2, 2, 0)
    assert exchange.ledger.report().receipt.count == 2
    exchange.ledger.finish()
    assert (counters.unknown_receipts, counters.missing_receipts) == (0, 0)


def test_a_receipt_that_nobody_can_claim_any_more_is_unknown(exchange: Exchange) -> None:
    exchange.send(1, now=1.0)
    exchange.receive(b"stranger", now=2.0)
    exchange.ledger.settle(3.0)
    assert exchange.ledger.counters.unknown_receipts == 0  # the message of 1.0 may still turn out to be it
    exchange.send(1, now=4.0)
    exchange.lane.answered([1], 5.0, [b"a"])
    exchange.ledger.settle(6.0)
    assert exchange.ledger.counters.unknown_receipts == 1
    assert exchange.ledger.report().offenders["unknown_receipts"] == ["message_id 'stranger'"]


def test_early_and_doubled(exchange: Exchange) -> None:
    numbers = exchange.send(1)
    exchange.receive(b"a", b"a")
    exchange.lane.answered(numbers, 3.0, [b"a"])
    exchange.receive(b"a")
    counters = exchange.ledger.counters
    assert (counters.receipts, counters.early_receipts, counters.doubled_receipts) == (1, 1, 2)
    assert exchange.ledger.report().offenders["doubled_receipts"] == ["message_id 'a'"] * 2


def test_a_text_that_is_the_same_in_all_receipts_hides_none(exchange: Exchange) -> None:
    numbers = exchange.send(3)
    exchange.ledger.receipts([(b"a", b"0", 2), (b"b", b"0", 2), (b"c", b"0", 2)], 1.5)
    exchange.lane.answered(numbers, 2.0, [b"c", b"a", b"b"])
    assert exchange.ledger.counters == Counters(
        offered=3, sent=3, ok=3, wanted_receipts=3, receipts=3, early_receipts=3
    )


def test_missing_receipts_are_listed(exchange: Exchange) -> None:
    exchange.accepted(b"a", b"\xff", b"c")
    exchange.receive(b"a")
    exchange.ledger.finish()
    assert exchange.ledger.counters.missing_receipts == 2
    assert exchange.ledger.report().offenders["missing_receipts"] == ["message_id '\xff'", "message_id 'c'"]
    assert exchange.ledger.awaited_receipts == 0


def test_messages_without_an_id_are_missed_at_the_end(exchange: Exchange) -> None:
    numbers = exchange.send(3)
    exchange.lane.answered(numbers[:2], 2.0, [b"", b"a"])
    exchange.lane.answered(numbers[2:], 2.0)  # nobody looked at its id
    exchange.receive(b"a")
    counters = exchange.ledger.counters
    assert (counters.missing_ids, counters.missing_receipts, exchange.ledger.awaited_receipts) == (2, 0, 0)
    exchange.ledger.finish()
    assert counters.missing_receipts == 2
    exchange.ledger.finish()
    assert counters.missing_receipts == 2
    listed = exchange.ledger.report().offenders["missing_ids"]
    assert [text.rpartition(" ")[2] for text in listed] == [str(numbers[0]), str(numbers[2])]


def test_two_messages_under_one_id_wait_for_two_receipts(exchange: Exchange) -> None:
    exchange.accepted(b"a", b"a", b"a")
    assert exchange.ledger.awaited_receipts == 3
    exchange.receive(b"a", b"a", b"a", b"a")
    counters = exchange.ledger.counters
    assert (counters.duplicate_ids, counters.receipts, counters.doubled_receipts) == (2, 3, 1)
    assert exchange.ledger.report().offenders["duplicate_ids"] == ["message_id 'a'"] * 2


def test_an_id_that_is_given_out_again_long_after(exchange: Exchange) -> None:
    exchange.accepted(b"a")
    exchange.receive(b"a")
    exchange.accepted(b"a")
    assert exchange.ledger.counters.duplicate_ids == 1
    exchange.receive(b"a")
    assert exchange.ledger.counters.receipts == 2


def test_what_is_long_ago_is_forgotten() -> None:
    exchange = Exchange(Ledger(issued=Recent(2)))
    exchange.accepted(b"a")
    exchange.receive(b"a")
    exchange.accepted(b"b", b"c", b"d", b"e")
    exchange.receive(b"a", b"b", b"c", b"d", b"e", b"e")
    exchange.ledger.finish()
    counters = exchange.ledger.counters
    assert (counters.receipts, counters.unknown_receipts, counters.doubled_receipts) == (5, 1, 1)


def test_too_many_awaited_receipts_are_given_up_and_welcome_later() -> None:
    exchange = Exchange(Ledger(most_awaited=2))
    exchange.accepted(b"a", b"b", b"c", b"d")
    exchange.ledger.settle(2.0)
    counters = exchange.ledger.counters
    assert (counters.missing_receipts, exchange.ledger.awaited_receipts) == (2, 2)
    exchange.receive(b"a", b"a", b"c")
    assert (counters.receipts, counters.late_receipts, counters.missing_receipts) == (2, 1, 1)
    assert counters.doubled_receipts == 1
    exchange.ledger.finish()
    assert counters.wanted_receipts == counters.receipts + counters.missing_receipts == 4
    assert exchange.ledger.report().receipt.count == 1  # of the late one nobody knows when it was sent


@pytest.mark.parametrize(
    ("response", "receipt"),
    [
        (b"3e8", b"1000"),
        (b"3E8", b"1000"),
        (b"000003e8", b"1000"),
        (b"000003E8", b"0000001000"),
        (b"1000", b"3e8"),
        (b"0000001000", b"3E8"),
        (b"1000", b"0000001000"),
        (b"0000001000", b"1000"),
        (b"000003E8", b"3e8"),
    ],
)
def test_other_spellings_of_the_same_number(exchange: Exchange, response: bytes, receipt: bytes) -> None:
    exchange.accepted(response)
    exchange.receive(receipt)
    exchange.ledger.settle(3.0)
    exchange.receive(receipt)
    exchange.ledger.settle(4.0)
    counters = exchange.ledger.counters
    assert (counters.receipts, counters.respelled_receipts) == (1, 1)
    assert (counters.doubled_receipts, counters.unknown_receipts, exchange.ledger.awaited_receipts) == (1, 0, 0)


@pytest.mark.parametrize("receipt", [b"1001", b"3e9", b"0x3e8", b"1_000", b" 1000", b"1" * 21, b"+1000", b"-3e8"])
def test_what_is_another_number_or_none(exchange: Exchange, receipt: bytes) -> None:
    exchange.accepted(b"3e8", b"1" * 21 + b"x")
    exchange.receive(receipt)
    exchange.ledger.settle(3.0)
    counters = exchange.ledger.counters
    assert (counters.receipts, counters.unknown_receipts) == (0, 1)


def test_an_early_receipt_is_not_mistaken_for_another_spelling(exchange: Exchange) -> None:
    exchange.accepted(b"16")
    numbers = exchange.send(1, now=1.5)
    exchange.receive(b"10", now=1.75)  # 0x10 = 16, but the response that names 10 is on its way
    exchange.ledger.settle(2.0)
    exchange.lane.answered(numbers, 2.0, [b"10"])
    assert exchange.ledger.counters.respelled_receipts == 0
    assert exchange.ledger.counters.early_receipts == 1


def test_the_way_most_receipts_are_spelled_is_learned(exchange: Exchange) -> None:
    exchange.accepted(*(b"%x" % number for number in range(10, 30)))
    exchange.send(1)  # keeps early receipts waiting from here on
    exchange.receive(b"20", now=0.5)
    exchange.ledger.settle(0.75)
    assert exchange.ledger.counters.respelled_receipts == 1
    exchange.receive(b"12", b"16", b"10", now=2.0)
    counters = exchange.ledger.counters
    assert (counters.receipts, counters.respelled_receipts) == (4, 4)
    # Taken as they are, 10, 12 and 16 would be receipts of other messages.
    assert exchange.ledger.awaited_receipts == 16
    exchange.receive(b"30", now=2.5)
    exchange.lane.answered([21], 3.0, [b"1e"])
    assert (counters.early_receipts, counters.receipts) == (1, 5)
    exchange.receive(b"30", now=3.5)
    assert counters.doubled_receipts == 1


def test_what_was_learned_is_unlearned(exchange: Exchange) -> None:
    exchange.accepted(b"a", b"x1", b"x2", b"10", b"16")
    exchange.receive(b"0000000010")
    exchange.ledger.settle(3.0)
    assert exchange.ledger.counters.respelled_receipts == 1
    exchange.receive(b"x1", b"x2")
    exchange.ledger.settle(4.0)
    exchange.receive(b"10", b"16")
    counters = exchange.ledger.counters
    assert (counters.receipts, counters.respelled_receipts) == (5, 1)


def test_ids_of_messages_without_receipts_are_compared_too(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts_module, "PLAIN_COMPARED", 4)
    exchange.lane.sent_run(1, 12, 1.0, wants_receipt=False)
    exchange.lane.answered_run(1, 3, 1.0, [b"a", b"b", b"a"])
    exchange.lane.answered_run(4, 3, 1.0, [b"", b"c", b"b"])
    counters = exchange.ledger.counters
    assert (counters.duplicate_ids, counters.missing_ids, counters.ok) == (2, 1, 6)
    exchange.lane.answered_run(7, 3, 1.0, [b"d", b"e", b"f"])
    exchange.lane.answered_run(10, 2, 1.0, [b"a", b"f"])
    assert counters.duplicate_ids == 3  # a is too long ago, f is not
    assert exchange.ledger.report().offenders["duplicate_ids"] == [f"message_id {name!r}" for name in "abf"]
    assert counters.wanted_receipts == 0


def test_what_one_worker_does_not_know_another_may() -> None:
    first, second = (Exchange(Ledger(workers=2)) for _ in range(2))
    first.accepted(b"a")
    second.accepted(b"b", now=1.0)
    first.receive(b"a", b"b", now=3.0)
    first.ledger.settle(4.0)
    strays = first.ledger.strays()
    assert [stray.keys for stray in strays] == [(b"b",)]
    assert first.ledger.strays() == []
    second.ledger.adopt(strays)
    for exchange in (first, second):
        counters = exchange.ledger.counters
        assert (counters.receipts, counters.unknown_receipts, exchange.ledger.awaited_receipts) == (1, 0, 0)
    (bucket,) = second.ledger.report().receipt.indices
    (own,) = first.ledger.report().receipt.indices
    assert bucket == own, "two seconds each: it came when it came to the other worker"


def test_a_receipt_that_has_come_round_is_unknown() -> None:
    ledgers = [Ledger(workers=3) for _ in range(3)]
    ledgers[1].receipts([ReceiptSeen(b"x", None, "DELIVRD")], 1.0)
    for here, there in ((1, 2), (2, 0)):
        ledgers[here].settle(2.0)
        ledgers[there].adopt(ledgers[here].strays())
    ledgers[0].settle(2.0)
    assert [ledger.counters.unknown_receipts for ledger in ledgers] == [1, 0, 0]
    assert all(ledger.strays() == [] for ledger in ledgers)


def test_a_stray_waits_for_its_response_and_may_be_doubled() -> None:
    first, second = (Exchange(Ledger(workers=2)) for _ in range(2))
    numbers = second.send(1, now=1.0)
    first.receive(b"b", b"b", now=2.0)
    first.ledger.settle(3.0)
    second.ledger.adopt(first.ledger.strays())
    second.ledger.settle(3.0)
    second.lane.answered(numbers, 4.0, [b"b"])
    assert (second.ledger.counters.receipts, second.ledger.counters.early_receipts) == (1, 1)
    first.receive(b"b", now=5.0)
    first.ledger.settle(6.0)
    second.ledger.adopt(first.ledger.strays())
    assert second.ledger.counters.doubled_receipts == 1


def test_the_end_makes_strays_unknown() -> None:
    ledger = Ledger(workers=2)
    ledger.receipts([ReceiptSeen(b"x", None, "DELIVRD")], 1.0)
    ledger.finish()
    assert ledger.strays() == []
    assert ledger.counters.unknown_receipts == 1
