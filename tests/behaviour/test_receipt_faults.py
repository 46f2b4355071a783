"""Faults of receipts: what the ESME gets, and that nothing is lost that was not meant to be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppd.behaviour import receipt_faults
from smppd.behaviour.dialects import compile_dialects
from smppd.engine.message import RECEIPT_SETTLED
from smppd.settings import Account, Messages, faults, load_settings
from smppd.settings.faults import Fault
from smppd.settings.rules import Schedule
from smppwire.receipt import parse_receipt_date
from tests.behaviour.fault_world import FaultyWorld
from tests.engine.world import ALICE, BOB, REJECTED, UNDELIVERABLE, ScriptedNetwork, after, sms, status

RECEIPTED_MESSAGE_ID = 0x001E


def world_with(*given: Fault, **options: Any) -> FaultyWorld:
    return FaultyWorld(*given, **options)


def ids(messages: list[bytes]) -> list[str]:
    return [message_id.decode() for message_id in messages]


def at_rest(world: FaultyWorld) -> None:
    """Every figure is back at 0."""
    ledger = world.engine.ledger
    assert [esme.waiting for esme in world.engine.esmes.values()] == [0, 0]
    assert (ledger.live, ledger.in_flight) == (0, 0)


def test_lost_ones_are_done_with_as_if_acknowledged() -> None:
    world = world_with(faults.ReceiptLost(name="l", every=2))
    phone = world.bind()
    sent = world.submit(phone, *[sms() for _ in range(4)])
    world.settle()
    assert phone.told == ids(sent[::2])
    assert [world.message(each).receipt for each in sent[1::2]] == [RECEIPT_SETTLED] * 2
    phone.answer()
    at_rest(world)
    assert world.hits("l") == 2


def test_a_duplicate_is_acknowledged_by_itself() -> None:
    world = world_with(faults.ReceiptDuplicate(name="d", count=1))
    phone = world.bind()
    first, second = ids(world.submit(phone, sms(), sms()))
    world.settle()
    assert phone.told == [first, first, second]
    assert world.waiting() == 3
    phone.answer(count=1)
    assert world.message(first.encode()).receipt == RECEIPT_SETTLED
    assert (world.waiting(), world.engine.ledger.live) == (2, 2)
    phone.answer()
    at_rest(world)


def test_a_duplicate_takes_its_place_in_the_window() -> None:
    world = world_with(faults.ReceiptDuplicate(name="d"))
    phone = world.bind(window=1)
    (sent,) = ids(world.submit(phone, sms()))
    world.settle()
    assert phone.told == [sent]
    phone.answer()
    world.settle()
    assert phone.told == [sent, sent]
    phone.answer()
    at_rest(world)


def test_an_unacknowledged_duplicate_comes_again() -> None:
    world = world_with(faults.ReceiptDuplicate(name="d"))
    phone = world.bind()
    (sent,) = ids(world.submit(phone, sms()))
    world.settle()
    phone.hang_up()
    again = world.bind()
    world.settle()
    assert again.told == [sent, sent]
    again.answer()
    at_rest(world)


def test_at_the_limit_nothing_is_sent_in_addition() -> None:
    world = world_with(faults.ReceiptDuplicate(name="d"), messages=Messages(limit=1))
    phone = world.bind()
    (sent,) = ids(world.submit(phone, sms()))
    world.settle()
    assert phone.told == [sent]
    phone.answer()
    at_rest(world)


def test_one_is_held_until_the_next_has_left() -> None:
    world = world_with(faults.ReceiptReorder(name="r", every=1, after=1, for_=5.0))
    phone = world.bind()
    a, b, c, d = ids(world.submit(phone, sms(), sms(), sms(), sms()))
    world.settle()
    assert phone.told == [a, c, b]
    assert world.waiting() == 4
    world.advance(4.9)
    assert phone.told == [a, c, b]
    world.advance(0.2)
    assert phone.told == [a, c, b, d]
    phone.answer()
    at_rest(world)


def test_only_receipts_of_the_same_session_change_places() -> None:
    world = world_with(faults.ReceiptReorder(name="r", session=1, for_=60.0))
    first, second, other = world.bind(), world.bind(), world.bind(BOB)
    (a,), (b,), (c,) = world.submit(first, sms()), world.submit(second, sms()), world.submit(other, sms())
    world.settle()
    assert (first.told, second.told, other.told) == ([], ids([b]), ids([c]))
    (d,) = world.submit(first, sms())
    world.settle()
    assert first.told == ids([d, a])


def test_an_unknown_id_is_nobodys() -> None:
    world = world_with(faults.ReceiptUnknownId(name="u"))
    phone = world.bind()
    (sent,) = world.submit(phone, sms())
    world.settle()
    (told,) = phone.told
    assert len(told) == len(sent)
    assert told.encode() not in world.engine.messages
    assert phone.received[0].tlv(RECEIPTED_MESSAGE_ID) == told.encode() + b"\0"
    phone.answer()
    assert world.message(sent).receipt == RECEIPT_SETTLED
    at_rest(world)


@pytest.mark.parametrize("version", [0x33, 0x34])
def test_an_unknown_id_is_spelled_as_those_of_its_session(version: int) -> None:
    world = world_with(faults.ReceiptUnknownId(name="u"))
    phone = world.bind(version=version)
    (sent,) = world.submit(phone, sms())
    world.settle()
    (told,) = phone.told
    assert len(told) == len(sent)
    assert told.encode() != sent


def test_an_unknown_id_in_a_dialect() -> None:
    settings = load_settings(None, {}, ['dialect.x.message_id.response={base="hex",width=12,prefix="z"}'])
    accounts = [Account(system_id=ALICE, password="a", dialect="x"), Account(system_id=BOB, password="b")]
    world = world_with(faults.ReceiptUnknownId(name="u"), accounts=accounts, dialects=compile_dialects(settings))
    phone = world.bind()
    (sent,) = world.submit(phone, sms())
    world.settle()
    (receipt,) = phone.received
    told = receipt.short_message.split()[0].removeprefix(b"id:")
    assert sent.startswith(b"z")
    assert told != sent
    # Receipts of this dialect spell the number in decimal digits.
    assert 0 < int(told) < 1_000_000_000


def test_the_id_of_a_message_of_another_account() -> None:
    world = world_with(faults.ReceiptForeignId(name="f", account=ALICE))
    alice, bob = world.bind(), world.bind(BOB)
    (mine,), (theirs,) = world.submit(alice, sms()), world.submit(bob, sms())
    world.settle()
    assert alice.told == ids([theirs])
    assert bob.told == ids([theirs])
    alice.answer()
    bob.answer()
    assert world.message(mine).receipt == RECEIPT_SETTLED
    at_rest(world)


def test_the_id_of_a_message_of_another_account_that_wants_no_receipt() -> None:
    world = world_with(faults.ReceiptForeignId(name="f"))
    alice, bob = world.bind(), world.bind(BOB)
    (theirs,) = world.submit(bob, sms(registered_delivery=0))
    world.submit(alice, sms())
    world.settle()
    assert alice.told == ids([theirs])


def test_while_no_other_account_has_submitted_the_id_is_nobodys() -> None:
    world = world_with(faults.ReceiptForeignId(name="f"))
    alice = world.bind()
    world.submit(alice, sms())
    world.settle()
    (told,) = alice.told
    assert told.encode() not in world.engine.messages


@pytest.mark.parametrize(
    ("outcome", "states"),
    [(2, ["DELIVRD", "UNDELIV"]), (UNDELIVERABLE, ["UNDELIV", "DELIVRD"]), (REJECTED, ["REJECTD", "DELIVRD"])],
)
def test_a_second_receipt_contradicts_the_first(outcome: int, states: list[str]) -> None:
    network = ScriptedNetwork(then=after(0.0, outcome), is_known=True)
    world = world_with(faults.ReceiptContradiction(name="c"), network=network)
    phone = world.bind()
    (sent,) = world.submit(phone, sms())
    world.settle()
    assert phone.told == ids([sent, sent])
    assert [receipt.stat for receipt in phone.receipts] == states
    assert world.state(sent) == outcome
    phone.answer()
    at_rest(world)


def test_old_dates() -> None:
    year = 31_536_000.0
    world = world_with(faults.ReceiptOld(name="o", count=1, age=year))
    phone = world.bind()
    world.submit(phone, sms(), sms())
    world.settle()
    old, new = phone.receipts
    for field in ("submit_date", "done_date"):
        dates = [parse_receipt_date(getattr(receipt, field) or "") for receipt in (old, new)]
        assert dates[0] is not None
        assert dates[1] is not None
        assert dates[1] - dates[0] == timedelta(seconds=year)
    phone.answer()
    at_rest(world)


def test_dates_do_not_go_beyond_the_beginning_of_the_calendar() -> None:
    world = world_with(faults.ReceiptOld(name="o", age=1e11))
    phone = world.bind()
    world.submit(phone, sms())
    world.settle()
    assert phone.receipts[0].done_date == "7001020000"


def test_a_storm_breaks_when_the_account_binds_again() -> None:
    world = world_with(faults.ReceiptStorm(name="s", account=ALICE))
    alice, bob = world.bind(), world.bind(BOB)
    sent = world.submit(alice, *[sms() for _ in range(20)])
    (other,) = world.submit(bob, sms())
    world.settle()
    assert (alice.told, bob.told) == ([], ids([other]))
    assert world.waiting() == 20
    alice.hang_up()
    world.bind(kind="transmitter")
    world.settle()
    assert world.waiting() == 20
    again = world.bind()
    world.settle()
    assert again.told == ids(sent)
    again.answer()
    bob.answer()
    at_rest(world)
    assert world.waits.next_due() is None


def test_a_storm_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipt_faults, "STORM_LIMIT", 3)
    world = world_with(faults.ReceiptStorm(name="s"))
    phone = world.bind()
    sent = world.submit(phone, *[sms() for _ in range(5)])
    world.settle()
    assert phone.told == ids(sent[3:])


def test_what_is_held_for_a_storm_expires() -> None:
    world = world_with(faults.ReceiptStorm(name="s"), messages=Messages(default_validity=600))
    phone = world.bind()
    world.submit(phone, sms())
    world.advance(300)
    world.submit(phone, sms())
    world.settle()
    phone.hang_up()
    world.advance(299)
    assert world.waiting() == 2
    world.advance(2)
    assert world.waiting() == 1
    world.advance(300)
    at_rest(world)
    assert world.bind().told == []
    assert world.waits.next_due() is None


@pytest.mark.parametrize("fault", [faults.ReceiptStorm(name="s"), faults.ReceiptReorder(name="s", for_=60.0)])
def test_what_a_fault_holds_leaves_when_it_is_taken_away(fault: Fault) -> None:
    world = world_with(fault)
    phone = world.bind()
    sent = world.submit(phone, sms())
    world.settle()
    assert phone.told == []
    world.replace()
    world.settle()
    assert phone.told == ids(sent)
    assert world.engine.outbox.faults is None
    assert world.waits.next_due() is None
    phone.answer()
    at_rest(world)


def test_a_fault_that_stays_holds_on() -> None:
    storm = faults.ReceiptStorm(name="s")
    world = world_with(storm)
    phone = world.bind()
    world.submit(phone, sms())
    world.settle()
    world.replace(storm, faults.ReceiptLost(name="l", account="nobody"))
    world.settle()
    assert (phone.told, world.waiting()) == ([], 1)


def test_several_faults_of_one_receipt() -> None:
    world = world_with(
        faults.ReceiptUnknownId(name="u"),
        faults.ReceiptDuplicate(name="d"),
        faults.ReceiptContradiction(name="c"),
        faults.ReceiptReorder(name="r", for_=2.0),
    )
    phone = world.bind()
    world.submit(phone, sms())
    world.settle()
    assert phone.told == []
    world.advance(2.0)
    assert len(set(phone.told)) == 1
    assert [receipt.stat for receipt in phone.receipts] == ["DELIVRD", "DELIVRD", "UNDELIV"]
    phone.answer()
    at_rest(world)


def test_a_schedule_counts_from_the_server_or_the_session() -> None:
    world = world_with(
        faults.ReceiptLost(name="l", schedule=Schedule(start=10, for_=10)),
        faults.ReceiptDuplicate(name="d", schedule=Schedule(start=10, since="session")),
    )
    world.advance(5)
    phone = world.bind()
    numbers = []
    for _ in range(4):
        numbers.append(len(world.submit(phone, sms())))
        world.settle()
        numbers[-1] = len(phone.told)
        world.advance(6)
    # At 5 and 23 seconds of the server (0 and 18 of the session), and lost at 11 and 17.
    assert numbers == [1, 1, 1, 3]


def test_draws_repeat_and_other_accounts_do_not_change_them() -> None:
    def lost(*others: str, seed: int = 7) -> list[str]:
        world = world_with(faults.ReceiptLost(name="l", probability=0.5), seed=seed)
        phone = world.bind()
        phones = [world.bind(name) for name in others]
        sent = []
        for _ in range(40):
            sent += world.submit(phone, sms())
            for each in phones:
                world.submit(each, sms())
            world.settle()
        return [str(sent.index(told.encode())) for told in phone.told]

    assert lost() == lost(BOB)
    assert lost() != lost(seed=8)


def test_a_refused_receipt_of_a_fault_comes_again_later() -> None:
    world = world_with(faults.ReceiptUnknownId(name="u"))
    phone = world.bind()
    (sent,) = world.submit(phone, sms())
    world.settle()
    phone.answer(status("ESME_RX_T_APPN"))
    assert world.waiting() == 1
    world.advance(600)
    assert len(phone.told) >= 2
    assert len(set(phone.told)) == 1
    phone.answer()
    assert world.message(sent).receipt == RECEIPT_SETTLED
    at_rest(world)


def test_receipts_that_faults_have_changed_are_measured_too() -> None:
    world = world_with(faults.ReceiptOld(name="o"))
    world.submit(world.bind(), sms())
    world.settle()
    assert len(world.observer.delays) == 1


def test_a_long_message_as_a_whole() -> None:
    def part(seq: int) -> Any:
        return sms(esm_class=0x40, text=b"\x05\x00\x03\x07\x02" + bytes((seq,)) + b"text")

    world = world_with(faults.ReceiptContradiction(name="c"), faults.ReceiptOld(name="o", age=86_400.0))
    phone = world.bind()
    world.submit(phone, part(1), part(2))
    world.settle()
    texts = [receipt.stat for receipt in phone.receipts]
    assert texts == ["DELIVRD", "UNDELIV"] * (len(texts) // 2)
    assert {receipt.done_date for receipt in phone.receipts} == {"2607191200"}
    phone.answer()
    at_rest(world)


NOT_LOSING = [
    faults.ReceiptDuplicate(name="duplicate", every=2),
    faults.ReceiptReorder(name="reorder", for_=5.0, probability=0.5),
    faults.ReceiptUnknownId(name="unknown", every=3),
    faults.ReceiptForeignId(name="foreign", every=4),
    faults.ReceiptContradiction(name="contradiction", every=2),
    faults.ReceiptStorm(name="storm", probability=0.5),
    faults.ReceiptOld(name="old"),
    faults.ReceiptBeforeResponse(name="early", every=3),
]
STEPS = ["submit", "settle", "answer one", "answer all", "keep silent", "hang up", "pass", "fewer faults", "all faults"]


@settings(max_examples=150)
@given(st.sets(st.sampled_from(NOT_LOSING)), st.lists(st.sampled_from(STEPS), max_size=40), st.integers(1, 5))
def test_whatever_happens_every_receipt_is_acknowledged_in_the_end(
    chosen: set[Fault], steps: list[str], window: int
) -> None:
    given_faults = [fault for fault in NOT_LOSING if fault in chosen]
    world = world_with(*given_faults, network=ScriptedNetwork(then=after(1.0)))
    phone = world.bind(window=window)
    sent: list[bytes] = []
    for step in steps:
        if step == "submit":
            answers = world.engine.submit(phone.bind, [sms()])
            world.engine.report_early(phone.bind, answers)
            sent += [answer for answer in answers if isinstance(answer, bytes)]
        elif step == "settle":
            world.settle()
        elif step == "answer one":
            phone.answer(count=1)
        elif step == "answer all":
            phone.answer()
        elif step == "keep silent":
            phone.keep_silent()
        elif step == "hang up":
            phone.hang_up()
            phone = world.bind(window=window)
        elif step == "pass":
            world.advance(2.0)
        else:
            world.replace(*given_faults[:: 2 if step == "fewer faults" else 1])
    world.replace()
    for _ in range(1000):
        world.advance(60.0)
        if not world.waiting():
            break
        phone.answer()
    assert [world.message(each).receipt for each in sent] == [RECEIPT_SETTLED] * len(sent)
    at_rest(world)
    assert world.waits.next_due() is None
