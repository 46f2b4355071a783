"""Multipart messages: any order, copies, gaps and neighbours; and receipts for each part or for the whole."""

from __future__ import annotations

import random
from itertools import permutations
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.engine import multipart
from smppd.engine.message import DELETED, DELIVERED
from smppd.engine.multipart import Part, part_of, text_of, whole
from smppd.engine.ports import Attempt
from smppd.settings import Messages
from smppwire.constants import TlvTag
from smppwire.pdus import SubmitSm, Tlv
from smppwire.segmentation import Method, segment
from smppwire.udh import build_udh, concat_8bit, concat_16bit, concat_element
from tests.engine.test_operations import cancel, replace
from tests.engine.world import (
    ALICE,
    BOB,
    UNDELIVERABLE,
    Phone,
    ScriptedNetwork,
    World,
    account,
    after,
    sms,
    status,
)

TIMEOUT = 600.0
ORDERS = list(permutations(range(3)))


def parts(text: str, *, method: Method = "udh8", reference: int = 7, data_coding: int = 0, **fields: Any) -> list[Any]:
    """The submit_sm of a text."""
    segment_fields = {name: fields.pop(name) for name in ("single_shift", "locking_shift") if name in fields}
    return [
        sms(
            text=part.short_message,
            esm_class=part.esm_class,
            tlvs=part.tlvs,
            data_coding=data_coding,
            **fields,
        )
        for part in segment(text, method=method, reference=reference, data_coding=data_coding, **segment_fields)
    ]


def part(seq: int, total: int = 2, text: bytes = b"Hi", reference: int = 7, **fields: Any) -> SubmitSm:
    return sms(text=concat_8bit(reference, total, seq) + text, esm_class=0x40, **fields)


def sar(reference: bytes | None, total: bytes | None, seq: bytes | None) -> tuple[Tlv, ...]:
    values = (
        (TlvTag.SAR_MSG_REF_NUM, reference),
        (TlvTag.SAR_TOTAL_SEGMENTS, total),
        (TlvTag.SAR_SEGMENT_SEQNUM, seq),
    )
    return tuple(Tlv(tag, value) for tag, value in values if value is not None)


def shown(world: World) -> list[str]:
    return [each.text for each in world.engine.handsets]


# What is a part.


@pytest.mark.parametrize(
    ("pdu", "expected"),
    [
        (sms(text=concat_8bit(255, 3, 2) + b"x", esm_class=0x40), Part(8, 255, 3, 2)),
        (sms(text=concat_16bit(0x1234, 255, 255), esm_class=0xC0), Part(16, 0x1234, 255, 255)),
        (sms(text=b"", tlvs=(Tlv(TlvTag.MESSAGE_PAYLOAD, concat_8bit(1, 2, 1)),), esm_class=0x40), Part(8, 1, 2, 1)),
        (sms(tlvs=sar(b"\x01\x02", b"\x03", b"\x01")), Part(0, 0x0102, 3, 1)),
        (sms(), None),
        (sms(text=concat_8bit(1, 2, 1)), None),
        (sms(text=b"\x06\x05\x04\x0b\x84\x23\xf0", esm_class=0x40), None),
        (sms(text=concat_8bit(1, 1, 1), esm_class=0x40), None),
        (sms(text=b"\x05\x00\x03\x01\x02\x03", esm_class=0x40), None),
        (sms(text=b"\x05\x00\x03\x01\x02\x00", esm_class=0x40), None),
        (sms(text=b"\x05\x00\x03\x01", esm_class=0x40), None),
        (sms(text=b"", esm_class=0x40), None),
        (sms(tlvs=sar(b"\x01\x02", b"\x03", None)), None),
        (sms(tlvs=sar(b"\x01\x02", None, b"\x01")), None),
        (sms(tlvs=sar(None, b"\x03", b"\x01")), None),
        (sms(tlvs=sar(b"\x01\x02", b"\x03", b"\x04")), None),
        (sms(tlvs=sar(b"\x01\x02", b"\x03", b"\x00")), None),
        (sms(tlvs=sar(b"\x01\x02", b"\x01", b"\x01")), None),
    ],
)
def test_what_is_a_part(pdu: SubmitSm, expected: Part | None) -> None:
    assert part_of(pdu) == expected


# Whole texts.

TEXTS = {
    "gsm": ("Twenty characters, € " * 20, {}),
    "ucs2": ("Grüße, 🎉 et à bientôt " * 9, {"data_coding": 8}),
    "turkish": ("Şeker ğ İstanbul " * 20, {"single_shift": 1, "locking_shift": 1}),
    "latin-1": ("Déjà vu " * 40, {"data_coding": 3}),
}


# National language tables are named in a user data header, beside which the sar_ TLVs may not stand.
CUTS: list[tuple[str, Method]] = [
    (name, method) for name in TEXTS for method in get_args(Method) if (name, method) != ("turkish", "sar")
]


@pytest.mark.parametrize(("name", "method"), CUTS)
def test_the_text_is_put_together_however_it_was_cut(name: str, method: Method) -> None:
    text, fields = TEXTS[name]
    world = World()
    phone = world.bind()
    pdus = parts(text, method=method, **fields)
    ids = world.submit(phone, *reversed(pdus))
    world.settle()
    assert shown(world) == [text]
    assembly = whole(world.message(ids[0]))
    if method == "payload":
        assert assembly is None
        assert text_of(world.message(ids[0]).pdu) == text
    else:
        assert len(pdus) > 1
        assert assembly is not None
        assert (assembly.text, assembly.is_complete, assembly.total) == (text, True, len(pdus))
        assert [message.message_id for message in assembly.in_order] == ids[::-1]
        assert all(whole(world.message(message_id)) is assembly for message_id in ids)


def test_the_whole_text_is_known_when_its_last_part_is_accepted() -> None:
    """What rules match on, long before anything is delivered."""
    world = World(network=ScriptedNetwork(then=after(60.0)))
    phone = world.bind()
    (first,) = world.submit(phone, part(2, text=b"lo"))
    assembly = whole(world.message(first))
    assert assembly is not None
    assert (assembly.is_complete, assembly.text) == (False, "lo")
    world.submit(phone, part(1, text=b"Hel"))
    assert (assembly.is_complete, assembly.text) == (True, "Hello")
    assert shown(world) == []


def test_characters_that_were_cut_in_two() -> None:
    octets = "🎉".encode("utf-16-be")
    world = World()
    phone = world.bind()
    world.submit(phone, part(1, text=octets[:2], data_coding=8), part(2, text=octets[2:], data_coding=8))
    world.submit(phone, part(1, text=b"5 \x1b", reference=8), part(2, text=b"\x65", reference=8))
    world.settle()
    assert shown(world) == ["🎉", "5 €"]


def test_parts_in_different_alphabets() -> None:
    world = World()
    phone = world.bind()
    turkish = sms(text=build_udh([concat_element(7, 3, 3), (0x24, b"\x01")]) + b"\x1bs", esm_class=0x40)
    world.submit(phone, part(1, 3, b"Hi "), part(2, 3, "Ω ".encode("utf-16-be"), data_coding=8), turkish)
    world.settle()
    assert shown(world) == ["Hi Ω ş"]


@pytest.mark.parametrize("order", ORDERS)
def test_any_order(order: tuple[int, ...]) -> None:
    world = World()
    phone = world.bind()
    pdus = [part(seq, 3, b"%d" % seq) for seq in (1, 2, 3)]
    for place in order:
        assert shown(world) == []
        world.submit(phone, pdus[place])
        world.settle()
    assert shown(world) == ["123"]
    assert len(world.engine.multipart) == 0


@pytest.mark.parametrize(
    "other",
    [
        {"source_addr": b"OTHER"},
        {"destination": b"33600000000"},
        {"reference": 8},
        {"total": 3},
    ],
)
def test_parts_of_other_messages_are_kept_apart(other: dict[str, Any]) -> None:
    world = World()
    phone = world.bind()
    world.submit(phone, part(1), part(**{"seq": 2, **other}))
    world.settle()
    assert (shown(world), len(world.engine.multipart)) == ([], 2)


def test_parts_of_other_accounts_and_kinds_are_kept_apart() -> None:
    world = World()
    alice, bob = world.bind(ALICE), world.bind(BOB)
    world.submit(alice, part(1), sms(text=concat_16bit(7, 2, 2), esm_class=0x40), sms(tlvs=sar(b"\0\7", b"\2", b"\2")))
    world.submit(bob, part(2))
    world.settle()
    assert (shown(world), len(world.engine.multipart)) == ([], 4)


def test_a_reference_may_be_used_again_at_once() -> None:
    world = World()
    phone = world.bind()
    world.submit(phone, part(1, text=b"a"), part(2, text=b"b"), part(1, text=b"c"), part(2, text=b"d"))
    world.settle()
    assert shown(world) == ["ab", "cd"]


def test_the_later_of_two_copies_counts() -> None:
    world = World()
    phone = world.bind()
    earlier, later, other = world.submit(phone, part(1, text=b"a"), part(1, text=b"b"), part(2, text=b"c"))
    world.settle()
    assert shown(world) == ["bc"]
    alone = whole(world.message(earlier))
    assert alone is not None
    assert (alone.is_complete, alone.text) == (False, "a")
    assert whole(world.message(later)) is whole(world.message(other)) is not None


def test_a_part_that_was_not_delivered_can_be_sent_again() -> None:
    world = World(network=ScriptedNetwork(after(0.0, UNDELIVERABLE)))
    phone = world.bind()
    for pdu in (part(1), part(1, text=b"A"), part(2, text=b"B")):
        world.submit(phone, pdu)
        world.settle()
    assert shown(world) == ["AB"]


@given(st.data())
def test_texts_arrive_as_they_were_sent(data: st.DataObject) -> None:
    """Several senders at once, every way of cutting, any order, parts twice: each text is shown once, and whole."""
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    world = World()
    phones = {name: world.bind(name) for name in (ALICE, BOB)}
    sent: list[tuple[bytes, bytes, str]] = []
    traffic: list[tuple[str, SubmitSm]] = []
    kept_apart = st.tuples(
        st.sampled_from([ALICE, BOB]),
        st.sampled_from([b"ACME", b"OTHER"]),
        st.sampled_from([b"331", b"332"]),
        st.sampled_from(["udh8", "udh16", "sar"]),
        st.integers(0, 255),
    )
    messages = data.draw(st.lists(kept_apart, unique=True, min_size=1, max_size=6))
    for system_id, source, destination, method, reference in messages:
        text = data.draw(st.text(st.sampled_from("aé€ñ🎉 ç{}ü"), min_size=1, max_size=400))
        fields = {"source_addr": source, "destination": destination, "data_coding": 8}
        pdus = parts(text, method=method, reference=reference, **fields)
        sent.append((destination, source, text))
        copies = chance.sample(pdus, chance.randrange(len(pdus)))
        traffic += [(system_id, pdu) for pdu in pdus + copies]
    chance.shuffle(traffic)
    for system_id, pdu in traffic:
        world.submit(phones[system_id], pdu)
        if chance.random() < 0.5:
            world.settle()
    world.settle()
    assert sorted((each.destination, each.source, each.text) for each in world.engine.handsets) == sorted(sent)
    world.advance(TIMEOUT)
    assert len(world.engine.multipart) == 0


# Missing parts.


def test_parts_wait_for_the_missing_ones_so_long_and_no_longer() -> None:
    world = World()
    phone = world.bind()
    world.submit(phone, part(1))
    world.advance(TIMEOUT - 0.001)
    assert len(world.engine.multipart) == 1
    world.advance(0.001)
    assert len(world.engine.multipart) == 0
    assert world.settle() != 0
    world.submit(phone, part(2))
    world.settle()
    assert shown(world) == []


def test_the_time_counts_from_the_first_part() -> None:
    world = World(messages=Messages(multipart_timeout=10.0))
    phone = world.bind()
    world.submit(phone, part(1, 3))
    world.advance(9.0)
    (second,) = world.submit(phone, part(2, 3))
    world.advance(1.0)
    assembly = whole(world.message(second))
    assert assembly is not None
    assert (assembly.is_complete, assembly.text, len(world.engine.multipart)) == (False, "HiHi", 0)


def test_parts_in_waiting_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "MAX_WAITING_PARTS", 3)
    world = World(accounts=[account(multipart_receipts="first")])
    phone = world.bind()
    ids = world.submit(phone, *(part(1, reference=reference) for reference in range(4)))
    world.settle()
    assert len(world.engine.multipart) == 3
    assert phone.told == [ids[0].decode()]
    world.submit(phone, *(part(2, reference=reference) for reference in (1, 2, 3)))
    world.settle()
    assert len(world.engine.multipart) == 0
    world.submit(phone, *(part(1, reference=reference) for reference in range(3)))
    assert len(world.engine.multipart) == 3


# Receipts.


def told(phone: Phone) -> list[tuple[str | None, ...]]:
    return [(each.id, str(each.sub), str(each.dlvrd), each.stat, each.err) for each in phone.receipts]


def whole_world(how: str, *attempts: Attempt, **options: Any) -> tuple[World, Phone]:
    world = World(accounts=[account(multipart_receipts=how)], network=ScriptedNetwork(*attempts), **options)
    return world, world.bind()


def is_settled(world: World) -> bool:
    engine = world.engine
    return (engine.ledger.live, engine.in_flight, world.waiting(), len(engine.multipart)) == (0, 0, 0, 0)


def test_each_part_reports_for_itself_by_default() -> None:
    world = World(network=ScriptedNetwork(after(1.0), after(2.0, UNDELIVERABLE, 1)))
    phone = world.bind()
    ids = world.submit(phone, part(1, text=b"One"), part(2, text=b"Two"))
    world.advance(1.0)
    assert phone.told == [ids[0].decode()]
    world.advance(1.0)
    assert told(phone) == [
        (ids[0].decode(), "1", "1", "DELIVRD", "000"),
        (ids[1].decode(), "1", "0", "UNDELIV", "001"),
    ]
    assert [receipt.text for receipt in phone.receipts] == ["One", "Two"]
    phone.answer()
    assert is_settled(world)


@pytest.mark.parametrize(("how", "carrier"), [("first", 0), ("last", 2)])
@pytest.mark.parametrize("order", ORDERS)
def test_one_receipt_for_the_whole_message(how: str, carrier: int, order: tuple[int, ...]) -> None:
    world, phone = whole_world(how, after(3.0), after(1.0), after(62.0))
    pdus = [part(seq, 3, b"Part %d" % seq) for seq in (1, 2, 3)]
    answers = world.submit(phone, *(pdus[place] for place in order))
    ids = [answers[order.index(place)] for place in range(3)]
    world.advance(61.0)
    assert phone.bodies == []
    assert world.waiting() == 0
    world.advance(1.0)
    assert told(phone) == [(ids[carrier].decode(), "3", "3", "DELIVRD", "000")]
    (receipt,) = phone.receipts
    assert (receipt.text, receipt.submit_date, receipt.done_date) == ("Part 1", "2607201200", "2607201201")
    assert phone.received[0].tlv(TlvTag.RECEIPTED_MESSAGE_ID) == ids[carrier] + b"\0"
    assert phone.received[0].tlv(TlvTag.MESSAGE_STATE) == bytes((DELIVERED,))
    assert world.waiting() == 1
    phone.answer()
    assert is_settled(world)
    assert all(world.state(message_id) == DELIVERED for message_id in ids)


@pytest.mark.parametrize("how", ["first", "last"])
def test_the_first_part_that_was_not_delivered_speaks_for_all(how: str) -> None:
    world, phone = whole_world(how, after(1.0), after(3.0, UNDELIVERABLE, 1), after(2.0, DELETED, 300))
    ids = world.submit(phone, *(part(seq, 3) for seq in (1, 2, 3)))
    world.advance(3.0)
    carrier = ids[0 if how == "first" else 2]
    assert told(phone) == [(carrier.decode(), "3", "1", "UNDELIV", "001")]
    assert phone.received[0].tlv(TlvTag.MESSAGE_STATE) == bytes((UNDELIVERABLE,))
    assert phone.received[0].tlv(TlvTag.NETWORK_ERROR_CODE) == b"\x03\x00\x01"
    assert shown(world) == []
    phone.answer()
    assert is_settled(world)


@pytest.mark.parametrize("how", ["first", "last"])
@pytest.mark.parametrize(
    ("registered", "fails", "expected"),
    [
        ((0, 0), False, 0),
        ((0, 0), True, 0),
        ((1, 0), False, 1),
        ((0, 1), False, 1),
        ((1, 1), True, 1),
        ((2, 0), False, 0),
        ((2, 0), True, 1),
        ((0, 2), True, 1),
    ],
)
def test_any_part_may_ask_for_the_receipt(how: str, registered: tuple[int, int], fails: bool, expected: int) -> None:
    world, phone = whole_world(how, after(0.0), after(0.0, UNDELIVERABLE if fails else DELIVERED))
    world.submit(phone, *(part(seq, registered_delivery=asked) for seq, asked in enumerate(registered, 1)))
    world.settle()
    assert len(phone.receipts) == expected
    phone.answer()
    assert is_settled(world)


def test_when_parts_are_missing_the_others_report_for_themselves_in_the_end() -> None:
    world, phone = whole_world("last", after(0.0), after(1000.0))
    ids = world.submit(phone, part(1, 4), part(2, 4), part(3, 4, registered_delivery=0))
    world.advance(TIMEOUT - 1.0)
    assert phone.bodies == []
    world.advance(1.0)
    assert told(phone) == [(ids[0].decode(), "1", "1", "DELIVRD", "000")]
    world.advance(1000.0)
    assert told(phone)[1:] == [(ids[1].decode(), "1", "1", "DELIVRD", "000")]
    phone.answer()
    assert is_settled(world)


def test_a_part_that_comes_too_late_waits_for_its_own_time() -> None:
    world, phone = whole_world("first")
    ids = world.submit(phone, part(1))
    world.advance(TIMEOUT)
    ids += world.submit(phone, part(2))
    world.advance(TIMEOUT - 1.0)
    assert phone.told == [ids[0].decode()]
    world.advance(1.0)
    assert phone.told == [message_id.decode() for message_id in ids]


def test_an_earlier_copy_reports_for_itself() -> None:
    """At once when it is final already, else when it is."""
    world, phone = whole_world("first", after(0.0), after(5.0), after(1.0), after(1.0))
    (final,) = world.submit(phone, part(1))
    world.settle()
    (on_its_way,) = world.submit(phone, part(1))
    world.settle()
    assert phone.told == [final.decode()]
    last, _ = world.submit(phone, part(1), part(2))
    world.advance(1.0)
    assert told(phone)[1:] == [(last.decode(), "2", "2", "DELIVRD", "000")]
    world.advance(4.0)
    assert phone.told[2:] == [on_its_way.decode()]
    phone.answer()
    assert is_settled(world)


def test_a_cancelled_part_counts_as_not_delivered() -> None:
    world, phone = whole_world("first", after(5.0), after(60.0))
    ids = world.submit(phone, part(1), part(2))
    assert cancel(world, phone, ids[1]) == 0
    world.settle()
    assert phone.bodies == []
    world.advance(5.0)
    assert told(phone) == [(ids[0].decode(), "2", "1", "DELETED", "000")]


def test_parts_that_are_held_count_towards_the_limit() -> None:
    world, phone = whole_world("first", messages=Messages(limit=2))
    world.submit(phone, part(1, 3), part(2, 3))
    world.settle()
    assert world.engine.submit(phone.bind, [sms()]) == [status("ESME_RMSGQFUL")]
    world.advance(TIMEOUT)
    phone.answer()
    world.submit(phone, sms())


def test_the_receipt_of_a_whole_message_is_sent_until_it_is_acknowledged() -> None:
    world, phone = whole_world("last")
    ids = world.submit(phone, part(1), part(2))
    world.settle()
    phone.answer(status("ESME_RX_T_APPN"))
    world.advance(1.0)
    assert phone.told == [ids[1].decode()] * 2
    phone.hang_up()
    again = world.bind()
    world.settle()
    assert told(again) == [(ids[1].decode(), "2", "2", "DELIVRD", "000")]
    again.answer()
    assert is_settled(world)


def test_an_absent_esme_gets_the_receipt_as_long_as_any() -> None:
    """The time of the receipt counts from the last part, not from the one that reports."""
    world, phone = whole_world("first", after(0.0), after(90.0), messages=Messages(default_validity=100.0))
    ids = world.submit(phone, part(1), part(2))
    phone.hang_up()
    world.advance(185.0)
    back = world.bind()
    world.settle()
    assert back.told == [ids[0].decode()]


def test_what_is_settled_is_forgotten_in_time() -> None:
    world, phone = whole_world("last", messages=Messages(retain=0))
    ids = world.submit(phone, part(1), part(2))
    world.settle()
    assert list(world.engine.messages) == [ids[1]]
    phone.answer()
    world.settle()
    assert world.engine.messages == {}


def test_how_a_message_reports_is_fixed_with_its_first_part() -> None:
    world, phone = whole_world("last")
    ids = world.submit(phone, part(1))
    world.reload(accounts=[account(multipart_receipts="each")])
    ids += world.submit(phone, part(2), part(1, reference=9))
    world.settle()
    assert set(phone.told) == {ids[1].decode(), ids[2].decode()}


# Replacing parts.


def test_a_part_keeps_its_place_when_its_text_is_replaced() -> None:
    world, phone = whole_world("first", after(5.0), after(5.0))
    ids = world.submit(phone, part(1, text=b"Old"), part(2, text=b" text"))
    assert replace(world, phone, ids[0], concat_8bit(7, 2, 1) + b"New") == 0
    world.advance(5.0)
    assert shown(world) == ["New text"]
    assert told(phone) == [(ids[0].decode(), "2", "2", "DELIVRD", "000")]
    assert phone.receipts[0].text == "New"


def test_a_part_may_become_another_part() -> None:
    world, phone = whole_world("first", *[after(5.0)] * 3)
    ids = world.submit(phone, part(1, text=b"a"), part(2, reference=9, text=b"b"))
    assert replace(world, phone, ids[1], concat_8bit(7, 2, 2) + b"c") == 0
    assert len(world.engine.multipart) == 0
    world.advance(5.0)
    assert shown(world) == ["ac"]
    assert phone.told == [ids[0].decode()]
    assert world.engine.multipart._waiting == 0


def test_a_part_may_become_a_message_of_its_own() -> None:
    """The others of a complete message cannot become whole any more: they report for themselves."""
    world, phone = whole_world("first", after(0.0), after(5.0), after(5.0))
    (first,) = world.submit(phone, part(1))
    world.settle()
    ids = [first, *world.submit(phone, part(2), part(1, reference=9))]
    assert phone.bodies == []
    assert replace(world, phone, ids[1], b"\x02\x70\x00alone") == 0
    assert replace(world, phone, ids[2], b"\x02\x70\x00single") == 0
    world.settle()
    assert phone.told == [first.decode()]
    assert len(world.engine.multipart) == 0
    world.advance(5.0)
    assert phone.told == [message_id.decode() for message_id in ids]
    assert shown(world) == ["alone", "single"]
    phone.answer()
    assert is_settled(world)


def test_a_message_may_be_replaced_by_a_part() -> None:
    """With replace_if_present_flag it has all fields of the new one."""
    world, phone = whole_world("last", *[after(5.0)] * 2)
    ids = world.submit(phone, sms(), part(2, replace_if_present_flag=1), part(1))
    assert ids[0] == ids[1]
    world.advance(5.0)
    assert told(phone) == [(ids[0].decode(), "2", "2", "DELIVRD", "000")]
    assert shown(world) == ["HiHi"]
