"""Receipts as octets, read back by the decoder and the receipt parser, which know nothing of how they are written."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.engine import receipts
from smppd.engine.message import ACCEPTED, DELETED, DELIVERED, EXPIRED, Message
from smppd.engine.receipts import PlainReceipts
from smppwire.constants import CommandId, TlvTag
from smppwire.pdus import DeliverSm, SubmitSm, Tlv
from smppwire.receipt import parse_receipt
from smppwire.validation import ValidationPolicy, validate
from tests.engine.world import NOON, REJECTED, UNDELIVERABLE, UNKNOWN, World, deliver_sm, sms

WORLD = World()
PHONE = WORLD.bind()
FROM_SMSC = ValidationPolicy(from_smsc=True)


def final(pdu: SubmitSm, state: int = DELIVERED, error_code: int = 0, message_id: bytes = b"1000000000") -> Message:
    """A message that was accepted at noon and became final 75 minutes later."""
    message = Message(message_id, pdu, PHONE.bind.esme, PHONE.bind, WORLD.engine.routes["all"], 0.0, NOON, 1e9)
    message.state, message.error_code, message.final_wall = state, error_code, NOON + 4500
    return message


def receipt_of(pdu: SubmitSm, state: int = DELIVERED, *, tlvs: bool = True, **fields: Any) -> DeliverSm:
    return deliver_sm(PlainReceipts().receipt_body(final(pdu, state, **fields), tlvs=tlvs))


def test_the_text_is_that_of_appendix_b() -> None:
    assert receipt_of(sms(text=b"Your code is 123456 and nobody else's")).short_message == (
        b"id:1000000000 sub:001 dlvrd:001 submit date:2607201200 done date:2607201315 stat:DELIVRD err:000 "
        b"text:Your code is 123456 "
    )


@pytest.mark.parametrize(
    ("state", "word", "delivered"),
    [
        (DELIVERED, "DELIVRD", 1),
        (EXPIRED, "EXPIRED", 0),
        (DELETED, "DELETED", 0),
        (UNDELIVERABLE, "UNDELIV", 0),
        (ACCEPTED, "ACCEPTD", 0),
        (UNKNOWN, "UNKNOWN", 0),
        (REJECTED, "REJECTD", 0),
    ],
)
def test_each_final_state(state: int, word: str, delivered: int) -> None:
    pdu = receipt_of(sms(), state, error_code=42)
    receipt = parse_receipt(pdu.short_message, strict=True)
    assert (receipt.stat, receipt.sub, receipt.dlvrd, receipt.err) == (word, 1, delivered, "042")
    assert pdu.tlv(TlvTag.MESSAGE_STATE) == bytes((state,))
    assert pdu.tlv(TlvTag.NETWORK_ERROR_CODE) == b"\x03\x00\x2a"


def test_the_tlvs_name_the_message_and_its_state() -> None:
    assert receipt_of(sms()).tlvs == (
        Tlv(TlvTag.RECEIPTED_MESSAGE_ID, b"1000000000\0"),
        Tlv(TlvTag.MESSAGE_STATE, b"\x02"),
    )


def test_an_esme_below_34_gets_the_text_alone() -> None:
    submitted = sms(tlvs=(Tlv(TlvTag.USER_MESSAGE_REFERENCE, b"\x12\x34"),))
    pdu = receipt_of(submitted, REJECTED, tlvs=False, error_code=13, message_id=b"3B9ACA00")
    assert pdu.tlvs == ()
    assert parse_receipt(pdu.short_message).id == "3B9ACA00"


def test_addresses_are_swapped_with_their_types() -> None:
    submitted = SubmitSm(
        service_type=b"CMT",
        source_addr_ton=5,
        source_addr_npi=9,
        source_addr=b"ACME",
        dest_addr_ton=1,
        dest_addr_npi=3,
        destination_addr=b"33612345678",
    )
    pdu = receipt_of(submitted)
    assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (1, 3, b"33612345678")
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == (5, 9, b"ACME")
    assert (pdu.service_type, pdu.esm_class, pdu.registered_delivery, pdu.data_coding) == (b"CMT", 4, 0, 0)


def test_what_a_deliver_sm_has_no_room_for_is_cut() -> None:
    pdu = receipt_of(sms(b"3" * 64, source_addr=b"4" * 64, service_type=b"TOOLONG"))
    assert list(validate(pdu, FROM_SMSC)) == []
    assert (pdu.source_addr, pdu.destination_addr, pdu.service_type) == (b"3" * 20, b"4" * 20, b"TOOLO")


def test_the_reference_of_the_esme_is_repeated() -> None:
    submitted = sms(tlvs=(Tlv(TlvTag.USER_MESSAGE_REFERENCE, b"\x12\x34"), Tlv(0x1403, b"vendor")))
    pdu = receipt_of(submitted)
    assert pdu.tlv(TlvTag.USER_MESSAGE_REFERENCE) == b"\x12\x34"
    assert pdu.tlv(0x1403) is None
    assert receipt_of(sms(tlvs=(Tlv(0x1403, b"vendor"),))).tlv(TlvTag.USER_MESSAGE_REFERENCE) is None


@pytest.mark.parametrize(
    ("submitted", "text"),
    [
        (sms(text=b""), ""),
        (sms(text=b"Hi"), "Hi"),
        (sms(text=b"\x05\x00\x03\x07\x02\x01Part one of two parts"), "\x05\x00\x03\x07\x02\x01Part one of tw"),
        (sms(text=b"\x05\x00\x03\x07\x02\x01Part one of two parts", esm_class=0x40), "Part one of two part"),
        (sms(text=b"\x05\x00\x03\x07\x02\x01Part one of two parts", esm_class=0xC3), "Part one of two part"),
        (sms(text=b"Reply path", esm_class=0x80), "Reply path"),
        (sms(text=b"", esm_class=0x40), ""),
        (sms(text=b"\xff", esm_class=0x40), ""),
        (sms(text=b"", tlvs=(Tlv(TlvTag.MESSAGE_PAYLOAD, b"From the payload, and more"),)), "From the payload, an"),
        (
            sms(text=b"", esm_class=0x40, tlvs=(Tlv(TlvTag.MESSAGE_PAYLOAD, b"\x03\x24\x01\x01Merhaba"),)),
            "Merhaba",
        ),
        (sms(text="Bonjour Zoé, à bientôt".encode("utf-16-be"), data_coding=8), "Bonjour Zo\x05, \x7f bient"),
        (sms(text="Привет 😀 ok".encode("utf-16-be"), data_coding=8), "?????? ? ok"),
        (sms(text="nineteen characters€".encode("utf-16-be"), data_coding=8), "nineteen characters"),
        (sms(text=b"nineteen characters\x1be"), "nineteen characters"),
        (sms(text=b"nineteen characters\x1be", tlvs=(Tlv(0x1403, b"vendor"),)), "nineteen characters"),
        (sms(text="Grüße".encode("latin-1"), data_coding=3), "Gr\x7e\x1ee"),
        (sms(text=b"\xde\xad\xbe\xef", data_coding=4), ""),
        (sms(text=b"", data_coding=8), ""),
    ],
)
def test_the_text_is_what_a_person_wrote(submitted: SubmitSm, text: str) -> None:
    """The first twenty octets, wherever they stand, without the user data header."""
    short_message = receipt_of(submitted).short_message
    assert short_message.partition(b" text:")[2] == text.encode("latin-1")


def test_dates_are_those_of_the_configured_zone() -> None:
    paris = PlainReceipts(ZoneInfo("Europe/Paris"))
    receipt = parse_receipt(deliver_sm(paris.receipt_body(final(sms()), tlvs=True)).short_message)
    assert (receipt.submit_date, receipt.done_date) == ("2607201400", "2607201515")
    assert receipt.done_at(ZoneInfo("Europe/Paris")) == datetime(2026, 7, 20, 13, 15, tzinfo=UTC)


def test_dates_change_with_the_minute() -> None:
    message, dialect = final(sms()), PlainReceipts()
    dates = []
    for second in (0, 59, 60, 3599.9, 3600):
        message.final_wall = NOON + second
        receipt = parse_receipt(deliver_sm(dialect.receipt_body(message, tlvs=True)).short_message)
        dates.append(receipt.done_date)
    assert dates == ["2607201200", "2607201200", "2607201201", "2607201259", "2607201300"]


def test_remembered_dates_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "MIDDLES_LIMIT", 10)
    message, dialect = final(sms()), PlainReceipts()
    for minute in range(100):
        message.final_wall = NOON + 60 * minute
        dialect.receipt_body(message, tlvs=True)
        assert len(dialect._middles) <= 10


def test_an_intermediate_notification_says_enroute() -> None:
    pdu = deliver_sm(PlainReceipts().intermediate_body(final(sms()), tlvs=True))
    receipt = parse_receipt(pdu.short_message, strict=True)
    assert (pdu.esm_class, receipt.stat, receipt.dlvrd, receipt.id) == (0x20, "ENROUTE", 0, "1000000000")
    assert pdu.tlv(TlvTag.MESSAGE_STATE) == b"\x01"
    assert receipt.done_date == receipt.submit_date == "2607201200"


def test_a_handset_acknowledges_without_a_text_and_repeats_the_reference() -> None:
    reference = Tlv(TlvTag.USER_MESSAGE_REFERENCE, b"\x12\x34")
    message, dialect = final(sms(service_type=b"CMT", tlvs=(reference,))), PlainReceipts()
    arrived, read = (deliver_sm(dialect.acknowledgement_body(message, kind, tlvs=True)) for kind in (0x08, 0x10))
    for pdu in (arrived, read):
        assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (1, 1, b"33612345678")
        assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == (5, 0, b"ACME")
        assert (pdu.service_type, pdu.short_message, pdu.registered_delivery) == (b"CMT", b"", 0)
        assert list(validate(pdu, FROM_SMSC)) == []
    assert (arrived.esm_class, arrived.tlvs) == (0x08, (reference,))
    assert (read.esm_class, read.tlvs) == (0x10, (Tlv(TlvTag.USER_RESPONSE_CODE, b"\0"), reference))
    assert deliver_sm(dialect.acknowledgement_body(message, 0x10, tlvs=False)).tlvs == ()


@given(
    text=st.binary(max_size=254),
    source=st.binary(max_size=20).map(lambda octets: octets.replace(b"\0", b"")),
    esm_class=st.sampled_from([0, 3, 0x08, 0x40, 0x80, 0xC0]),
    state=st.sampled_from([DELIVERED, EXPIRED, DELETED, UNDELIVERABLE, ACCEPTED, UNKNOWN, REJECTED]),
    error_code=st.integers(0, 999),
    reference=st.none() | st.binary(min_size=2, max_size=2),
    tlvs=st.booleans(),
)
def test_no_receipt_is_malformed(
    text: bytes, source: bytes, esm_class: int, state: int, error_code: int, reference: bytes | None, tlvs: bool
) -> None:
    optional = () if reference is None else (Tlv(TlvTag.USER_MESSAGE_REFERENCE, reference),)
    submitted = sms(text=text, source_addr=source, esm_class=esm_class, tlvs=optional)
    pdu = receipt_of(submitted, state, tlvs=tlvs, error_code=error_code)
    assert pdu.command_id == CommandId.DELIVER_SM
    assert pdu.trailing == b""
    wrong = [violation for violation in validate(pdu, FROM_SMSC) if violation.field != "destination_addr"]
    assert wrong == []  # (an ESME may have sent an empty or unprintable source: that is where its receipt goes)
    assert parse_receipt(pdu.short_message).err == f"{error_code:03}"


# Several at once.

SPECIAL = [
    {},
    {"text": b"thirteen chars plus an escape \x1b"[:20] + b"\x1b\x28"},
    {"text": b"nineteen octets abc\x1b\x28"},
    {"text": bytes(range(1, 60)), "data_coding": 8},
    {"esm_class": 0x40, "text": b"\5\0\3\7\2\1part"},
    {"tlvs": (Tlv(TlvTag.USER_MESSAGE_REFERENCE, b"\0\7"),)},
    {"service_type": b"CMT"},
    {"service_type": b"TOOLONG"},
    {"source_addr": b"1" * 30},
    {"destination": b"2" * 30},
    {"registered_delivery": 2, "text": b""},
]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(SPECIAL),
            st.sampled_from([(DELIVERED, 0), (UNDELIVERABLE, 1), (EXPIRED, 27), (ACCEPTED, 0)]),
            st.sampled_from([b"1000000000", b"1000000001", b"9ABCDEF0"]),
            st.integers(0, 3),
            st.integers(0, 3),
        ),
        max_size=12,
    ),
    st.booleans(),
)
def test_receipts_that_leave_together_read_as_those_that_leave_alone(
    kinds: list[tuple[dict[str, Any], tuple[int, int], bytes, int, int]], tlvs: bool
) -> None:
    messages = []
    for fields, (state, error_code), message_id, accepted, done in kinds:
        message = final(sms(**fields), state, error_code, message_id)
        message.accepted_wall = NOON + 59.0 * accepted
        message.final_wall += 59.0 * done
        messages.append(message)
    bodies = PlainReceipts().receipt_bodies(messages, tlvs=tlvs)
    assert bodies == [PlainReceipts().receipt_body(message, tlvs=tlvs) for message in messages]
