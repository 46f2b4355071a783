"""Receipts of dialects as octets, read back by the decoder, which knows nothing of how they are written."""

import re
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.behaviour.receipt_forms import FIELDS, MAX_SHORT_MESSAGE, REMEMBERED, ReceiptWriter
from smppd.engine.message import ACCEPTED, DELIVERED, ENROUTE, EXPIRED, Message, from_data_sm
from smppd.engine.multipart import Assembly, Verdict
from smppd.engine.receipts import PlainReceipts
from smppd.engine.widen import as_data_sm
from smppd.settings.dialects import TEMPLATE_FIELDS
from smppwire.constants import CommandId, TlvTag
from smppwire.pdus import DataSm, SubmitSm, Tlv
from smppwire.receipt import parse_receipt
from smppwire.text import decode_text, encode_text
from smppwire.validation import ValidationPolicy, validate
from tests.behaviour.speech import SHIPPED, dialect, final, receipt, shipped
from tests.engine.world import NOON, REJECTED, UNDELIVERABLE, data_sm, deliver_sm, sms

FROM_SMSC = ValidationPolicy(from_smsc=True)
TEXT = (
    b"id:1000000000 sub:001 dlvrd:001 submit date:2607201200 done date:2607201315 stat:DELIVRD err:000 "
    b"text:Your code is 123456 "
)
CODE = sms(text=b"Your code is 123456 and nobody else's")


def text_of(form: dict[str, Any], message: Message | None = None, **tables: Any) -> bytes:
    """The short_message of a receipt."""
    return receipt(form, message or final(CODE), **tables).short_message


def test_what_a_form_does_not_say_is_as_in_the_default_dialect() -> None:
    """One option that differs brings the writer in; all others are as they were."""
    written = dialect(receipt={"errors": {"UNKNOWN": "x"}}).receipts
    assert not isinstance(written, PlainReceipts)
    for message in (final(CODE), final(CODE, REJECTED, 13), final(sms(text=b"", data_coding=8), EXPIRED)):
        for tlvs in (True, False):
            assert written.receipt_body(message, tlvs=tlvs) == PlainReceipts().receipt_body(message, tlvs=tlvs)


def test_every_field_of_a_template_can_be_written() -> None:
    assert tuple(FIELDS) == TEMPLATE_FIELDS


# -- template


def test_the_fields_stand_where_the_template_says() -> None:
    template = "{stat}/{text}/{err}/{dlvrd}/{sub}/{done_date}/{submit_date}/{id}/{{}}"
    assert text_of({"template": template}, text={"default_alphabet": "ascii"}) == (
        b"DELIVRD/Your code is 123456 /000/001/001/2607201315/2607201200/1000000000/{}"
    )


def test_fields_can_be_left_out_and_labels_be_others() -> None:
    assert text_of({"template": "ID:{id} {stat} Text:{text}"}) == b"ID:1000000000 DELIVRD Text:Your code is 123456 "


def test_a_long_text_is_cut_where_short_message_ends() -> None:
    message = final(sms(text=b"x" * 160))
    body = dialect(receipt={"template": "{text}" * 10, "text_length": 160}).receipts.receipt_body(message, tlvs=True)
    assert deliver_sm(body).short_message == b"x" * MAX_SHORT_MESSAGE


def test_a_payload_has_room_for_it() -> None:
    form = {"template": "{text}" * 10, "text_length": 160, "text_in": "message_payload"}
    pdu = receipt(form, final(sms(text=b"x" * 160)))
    assert pdu.tlv(TlvTag.MESSAGE_PAYLOAD) == b"x" * 1600


@pytest.mark.parametrize(("length", "text"), [(0, b""), (4, b"Your"), (20, b"Your code is 123456 ")])
def test_so_much_of_the_original_is_repeated(length: int, text: bytes) -> None:
    assert text_of({"template": "text:{text}", "text_length": length}) == b"text:" + text


def test_what_is_no_text_is_not_repeated() -> None:
    assert text_of({"template": "text:{text}"}, final(sms(text=b"\x01\x02\xff", data_coding=4))) == b"text:"


def test_a_text_behind_a_user_data_header_is_repeated_alone() -> None:
    pdu = sms(text=b"\x05\x00\x03\x07\x02\x01Hello", esm_class=0x40)
    assert text_of({"template": "text:{text}"}, final(pdu)) == b"text:Hello"


def test_a_header_that_runs_over_its_end_is_text() -> None:
    assert text_of({"template": "{text}", "text_length": 3}, final(sms(text=b"HELLO", esm_class=0x40))) == b"HEL"


def test_a_text_in_the_payload_is_repeated() -> None:
    pdu = sms(text=b"", tlvs=(Tlv(TlvTag.MESSAGE_PAYLOAD, b"Hello"),))
    assert text_of({"template": "{text}"}, final(pdu)) == b"Hello"


def test_the_receipt_of_several_parts_counts_them_and_repeats_the_first() -> None:
    first = final(sms(text=b"\x05\x00\x03\x07\x03\x01First", esm_class=0x40))
    last = final(sms(text=b"\x05\x00\x03\x07\x03\x03Last", esm_class=0x40))
    last.assembly = Assembly((last.esme, b"", b"", 8, 7, 3), 3, 3, 0.0)
    last.assembly.parts = {1: first, 3: last}
    first.final_wall += 60
    last.assembly.verdict = Verdict(UNDELIVERABLE, 11, 2)
    template = "{sub} {dlvrd} {stat} {err} {done_date} {text}"
    assert text_of({"template": template}, last) == b"003 002 UNDELIV 011 2607201316 First"


# -- dates, states, errors


@pytest.mark.parametrize(
    ("date", "written"),
    [
        ("10", b"2607201200 2607201315"),
        ("12", b"260720120000 260720131500"),
        ("14", b"20260720120000 20260720131500"),
        ("smpp", b"260720120000000+ 260720131500000+"),
    ],
)
def test_each_form_of_dates(date: str, written: bytes) -> None:
    assert text_of({"template": "{submit_date} {done_date}", "date": date}) == written


@pytest.mark.parametrize("date", ["10", "12", "14", "smpp"])
@given(later=st.lists(st.one_of(st.floats(0, 200), st.integers(0, 2000).map(lambda tenths: tenths / 10)), min_size=2))
def test_dates_that_are_remembered_are_those_of_the_moment(date: str, later: list[float]) -> None:
    spoken = dialect(receipt={"template": "{done_date}", "date": date}).receipts
    for seconds in later:
        message = final(CODE)
        message.final_wall = NOON + seconds
        fresh = dialect(receipt={"template": "{done_date}", "date": date}).receipts
        assert spoken.receipt_body(message, tlvs=True) == fresh.receipt_body(message, tlvs=True)


def test_what_is_remembered_is_bounded() -> None:
    spoken = dialect(receipt={"date": "smpp", "template": "{done_date} {err}"}).receipts
    assert isinstance(spoken, ReceiptWriter)
    for number in range(2 * REMEMBERED):
        message = final(CODE, UNDELIVERABLE, number)
        message.final_wall = NOON + number
        assert b" %03d" % number in spoken.receipt_body(message, tlvs=True)
    assert len(spoken._dates) <= REMEMBERED
    assert len(spoken._numbers) <= REMEMBERED


def test_dates_are_of_the_zone_of_the_dialect_or_else_of_the_server() -> None:
    ahead = timezone(timedelta(hours=5, minutes=45))
    form = {"template": "{submit_date}", "date": "smpp"}
    body = dialect(ahead, receipt=form).receipts.receipt_body(final(CODE), tlvs=True)
    assert deliver_sm(body).short_message == b"260720174500023+"
    assert text_of(form | {"zone": "America/New_York"}) == b"260720080000016-"
    plain = dialect(ahead, receipt={"zone": "America/New_York"}).receipts
    assert b"submit date:2607200800" in plain.receipt_body(final(CODE), tlvs=True), "the default writer knows it too"


def test_outcomes_are_spelled_as_the_dialect_says() -> None:
    form = {"template": "{stat}", "states": {"DELIVRD": "ACKED", "ENROUTE": "BUFFRED"}}
    assert text_of(form) == b"ACKED"
    assert text_of(form, final(CODE, EXPIRED)) == b"EXPIRED"
    body = dialect(receipt=form).receipts.intermediate_body(final(CODE, ENROUTE), tlvs=True)
    assert deliver_sm(body).short_message == b"BUFFRED"


def test_errors_are_texts_of_a_table_or_numbers_of_a_width() -> None:
    form = {"template": "{err}", "errors": {"UNDELIV": "21b"}, "err_width": 5}
    assert text_of(form, final(CODE, UNDELIVERABLE, 11)) == b"21b"
    assert text_of(form, final(CODE, REJECTED, 11)) == b"00011"
    assert text_of({"template": "{err}", "err_width": 1}) == b"0"


# -- what carries it


def test_text_alone() -> None:
    pdu = receipt({"carrier": "text"}, final(CODE))
    assert (pdu.short_message, pdu.tlvs) == (TEXT, ())


def test_tlvs_alone() -> None:
    pdu = receipt({"carrier": "tlvs"}, final(CODE))
    assert pdu.short_message == b""
    assert pdu.tlv(TlvTag.RECEIPTED_MESSAGE_ID) == b"1000000000\0"
    assert pdu.tlv(TlvTag.MESSAGE_STATE) == b"\x02"


@pytest.mark.parametrize(("state", "told"), [(DELIVERED, 5), (UNDELIVERABLE, 2), (EXPIRED, 2)])
def test_text_and_tlv_contradict_each_other(state: int, told: int) -> None:
    pdu = receipt({"carrier": "contradictory"}, final(CODE, state))
    assert parse_receipt(pdu.short_message).stat in {"DELIVRD", "UNDELIV", "EXPIRED"}
    assert pdu.tlv(TlvTag.MESSAGE_STATE) == bytes((told,)) != bytes((state,))


def test_message_state_can_be_any_octet() -> None:
    form = {"tlv_states": {"UNDELIV": 0}}
    assert receipt(form, final(CODE, UNDELIVERABLE)).tlv(TlvTag.MESSAGE_STATE) == b"\0"
    assert receipt(form, final(CODE)).tlv(TlvTag.MESSAGE_STATE) == b"\x02"


def test_only_the_tlvs_that_are_listed_and_in_their_order() -> None:
    pdu = sms(tlvs=(Tlv(TlvTag.USER_MESSAGE_REFERENCE, b"\x12\x34"),))
    form = {"tlvs": ["user_message_reference", "network_error_code", "receipted_message_id"]}
    assert [tag for tag, _ in receipt(form, final(pdu, REJECTED, 13)).tlvs] == [
        TlvTag.USER_MESSAGE_REFERENCE,
        TlvTag.NETWORK_ERROR_CODE,
        TlvTag.RECEIPTED_MESSAGE_ID,
    ]
    assert receipt({"tlvs": []}, final(pdu)).tlvs == ()


def test_the_network_error_code_in_octets_or_in_digits() -> None:
    failed = final(CODE, UNDELIVERABLE, 11)
    assert receipt({"err_width": 2}, failed).tlv(TlvTag.NETWORK_ERROR_CODE) == b"\x03\x00\x0b"
    assert receipt({"err_width": 2}, final(CODE)).tlv(TlvTag.NETWORK_ERROR_CODE) is None
    digits = {"network_error_code": "ascii"}
    assert receipt(digits, failed).tlv(TlvTag.NETWORK_ERROR_CODE) == b"011"
    assert receipt(digits, final(CODE)).tlv(TlvTag.NETWORK_ERROR_CODE) == b"000"


@pytest.mark.parametrize("carrier", ["text", "tlvs", "both", "contradictory"])
def test_a_session_below_34_gets_all_of_it_as_text(carrier: str) -> None:
    form = {"carrier": carrier, "pdu": "data_sm", "text_in": "message_payload", "err_width": 4}
    added = [{"pdu": "*", "tag": 0x1403, "value": "00"}]
    pdu = receipt(form, final(CODE), tlvs=False, vendor_tlvs=added)
    assert pdu.tlvs == ()
    assert parse_receipt(pdu.short_message).stat == "DELIVRD"


# -- the PDU


def test_the_text_in_the_payload() -> None:
    pdu = receipt({"text_in": "message_payload"}, final(CODE))
    assert (pdu.short_message, pdu.tlv(TlvTag.MESSAGE_PAYLOAD)) == (b"", TEXT)


def test_a_nul_ends_the_text() -> None:
    assert text_of({"terminated": True}) == TEXT + b"\0"
    long = receipt({"terminated": True, "template": "{text}" * 9, "text_length": 160}, final(sms(text=b"x" * 160)))
    assert long.short_message == b"x" * 254 + b"\0"
    assert text_of({"terminated": True, "data_coding": 8, "template": "x"}) == b"\0x\0\0"
    assert receipt({"terminated": True, "carrier": "tlvs"}).short_message == b"", "no text has no end"


def test_as_data_sm() -> None:
    spoken = dialect(receipt={"pdu": "data_sm", "esm_class": 0x44, "registered_delivery": 5, "data_coding": 3})
    assert spoken.command_id == CommandId.DATA_SM
    pdu = data_sm(spoken.receipts.receipt_body(final(CODE), tlvs=True))
    assert pdu.tlv(TlvTag.MESSAGE_PAYLOAD) == TEXT
    assert (pdu.source_addr, pdu.destination_addr) == (b"33612345678", b"ACME")
    assert (pdu.esm_class, pdu.registered_delivery, pdu.data_coding) == (0x44, 5, 3)


def test_fields_of_the_pdu() -> None:
    pdu = receipt({"esm_class": 0, "registered_delivery": 1, "data_coding": 1}, final(CODE))
    assert (pdu.esm_class, pdu.registered_delivery, pdu.data_coding) == (0, 1, 1)


def test_addresses_swapped_or_not() -> None:
    ours = SubmitSm(0, 0, b"CMT", 5, 0, b"ACME", 1, 1, b"33612345678", registered_delivery=1)
    swapped = receipt({"err_width": 4}, final(ours))
    assert (swapped.source_addr_ton, swapped.source_addr_npi, swapped.source_addr) == (1, 1, b"33612345678")
    assert (swapped.dest_addr_ton, swapped.dest_addr_npi, swapped.destination_addr) == (5, 0, b"ACME")
    same = receipt({"addresses": "original"}, final(ours))
    assert (same.source_addr_ton, same.source_addr_npi, same.source_addr) == (5, 0, b"ACME")
    assert (same.dest_addr_ton, same.dest_addr_npi, same.destination_addr) == (1, 1, b"33612345678")
    assert same.service_type == swapped.service_type == b"CMT"


def test_what_is_too_long_for_a_deliver_sm_is_cut() -> None:
    pdu = receipt({"err_width": 4}, final(sms(b"4" * 64, source_addr=b"5" * 64, service_type=b"TOOLONG")))
    assert (pdu.service_type, pdu.source_addr, pdu.destination_addr) == (b"TOOLO", b"4" * 20, b"5" * 20)


def test_long_addresses_of_a_data_sm_are_kept_for_the_data_sm_that_brings_the_receipt() -> None:
    record = from_data_sm(DataSm(source_addr=b"5" * 64, destination_addr=b"4" * 64))
    body = dialect(receipt={"err_width": 4}).receipts.receipt_body(final(record), tlvs=True)
    pdu = data_sm(as_data_sm(body))
    assert (pdu.source_addr, pdu.destination_addr) == (b"4" * 64, b"5" * 64)


def test_vendor_tlvs_come_last() -> None:
    added = [
        {"pdu": "deliver_sm", "tag": 0x1403, "value": "0102"},
        {"pdu": "*", "tag": 0x1454},
        {"pdu": "data_sm", "tag": 0x2001, "value": "ff"},
    ]
    pdu = receipt(None, final(CODE), vendor_tlvs=added)
    assert pdu.tlvs[-2:] == (Tlv(0x1403, b"\x01\x02"), Tlv(0x1454, b""))
    as_data = dialect(receipt={"pdu": "data_sm"}, vendor_tlvs=added).receipts.receipt_body(final(CODE), tlvs=True)
    assert data_sm(as_data).tlvs[-2:] == (Tlv(0x1454, b""), Tlv(0x2001, b"\xff"))


# -- ids


def test_ids_in_text_and_tlv() -> None:
    ids = {"response": {"base": "hex"}, "receipt_text": {"width": 12}, "receipt_tlv": {"base": "hex", "case": "upper"}}
    pdu = receipt({"template": "{id}"}, final(CODE, message_id=b"3b9aca00"), message_id=ids)
    assert pdu.short_message == b"001000000000"
    assert pdu.tlv(TlvTag.RECEIPTED_MESSAGE_ID) == b"3B9ACA00\0"


def test_ids_of_sessions_below_34() -> None:
    message = final(CODE, message_id=b"3B9ACA00", below_34=True)
    ids = {"receipt_text": {"width": 12}}
    assert text_of({"template": "{id}"}, message, message_id=ids) == b"001000000000"
    assert text_of({"template": "{id}"}, message) == b"3B9ACA00"


# -- alphabets


@pytest.mark.parametrize("alphabet", ["gsm7", "gsm7-packed", "latin-1", "utf-8"])
@pytest.mark.parametrize("data_coding", [0, 3, 8])
def test_all_of_a_receipt_is_in_the_alphabet_of_its_data_coding(alphabet: str, data_coding: int) -> None:
    original = encode_text("Größe {1}", 0, default_alphabet=alphabet)
    form = {"template": "id:{id} §{stat}@{text}", "data_coding": data_coding, "states": {"DELIVRD": "FÄLLT"}}
    octets = text_of(form, final(sms(text=original)), text={"default_alphabet": alphabet})
    told = decode_text(octets, data_coding, default_alphabet=alphabet)
    assert told == "id:1000000000 §FÄLLT@Größe {1}"


def test_what_an_alphabet_lacks_is_a_question_mark() -> None:
    pdu = sms(text="Größe €".encode("utf-16-be"), data_coding=8)
    assert text_of({"template": "{text}"}, final(pdu), text={"default_alphabet": "ascii"}) == b"Gr??e ?"


@pytest.mark.parametrize(
    ("alphabet", "data_coding"), [("gsm7", 0), ("gsm7-packed", 0), ("latin-1", 0), ("utf-8", 0), ("gsm7", 8)]
)
@given(text=st.text(st.sampled_from("aé€{😀"), min_size=200, max_size=254), spare=st.integers(0, 9))
def test_no_character_is_cut_in_two(alphabet: str, data_coding: int, text: str, spare: int) -> None:
    pdu = sms(text=text.encode("utf-16-be"), data_coding=8)
    pdu.short_message, pdu.tlvs = b"", (Tlv(TlvTag.MESSAGE_PAYLOAD, text.encode("utf-16-be")),)
    form = {"template": "x" * spare + "{text}", "text_length": 255, "data_coding": data_coding}
    octets = text_of(form, final(pdu), text={"default_alphabet": alphabet})
    assert len(octets) <= MAX_SHORT_MESSAGE
    told = decode_text(octets, data_coding, default_alphabet=alphabet)
    written = decode_text(
        encode_text("x" * spare + text, data_coding, default_alphabet=alphabet, errors="replace"),
        data_coding,
        default_alphabet=alphabet,
    )
    assert "\ufffd" not in told
    assert written.startswith(told)


# -- other bodies


def test_the_receipt_that_says_accepted() -> None:
    message = final(CODE, ENROUTE)
    for receipts in (dialect(receipt={"err_width": 4}).receipts, PlainReceipts()):
        pdu = deliver_sm(receipts.accepted_body(message, tlvs=True))
        told = parse_receipt(pdu.short_message)
        assert (told.stat, told.sub, told.dlvrd) == ("ACCEPTD", 1, 0)
        assert told.done_date == told.submit_date
        assert pdu.esm_class == 0x04
        assert pdu.tlv(TlvTag.MESSAGE_STATE) == bytes((ACCEPTED,))


def test_an_intermediate_notification_is_one_whatever_the_esm_class_of_receipts() -> None:
    body = dialect(receipt={"esm_class": 0, "err_width": 4}).receipts.intermediate_body(
        final(CODE, ENROUTE, 27), tlvs=True
    )
    pdu = deliver_sm(body)
    assert pdu.esm_class == 0x20
    assert b"stat:ENROUTE err:0027" in pdu.short_message


def test_an_acknowledgement_of_the_handset_has_the_vendor_tlvs_and_nothing_else_of_the_dialect() -> None:
    added = [{"pdu": "deliver_sm", "tag": 0x1403, "value": "0102"}]
    receipts = dialect(receipt={"esm_class": 0}, vendor_tlvs=added).receipts
    body = receipts.acknowledgement_body(final(CODE), 0x08, tlvs=True)
    assert body == PlainReceipts().acknowledgement_body(final(CODE), 0x08, tlvs=True) + b"\x14\x03\x00\x02\x01\x02"
    without = receipts.acknowledgement_body(final(CODE), 0x08, tlvs=False)
    assert without == PlainReceipts().acknowledgement_body(final(CODE), 0x08, tlvs=False)


def test_several_at_once_are_those_of_each() -> None:
    messages = [final(CODE), final(sms(), REJECTED, 13)]
    receipts = dialect(receipt={"err_width": 4}).receipts
    assert receipts.receipt_bodies(messages, tlvs=True) == [receipts.receipt_body(one, tlvs=True) for one in messages]


# -- all of them


FORMS = st.fixed_dictionaries(
    {},
    optional={
        "template": st.lists(st.sampled_from([*(f"{{{name}}}" for name in TEMPLATE_FIELDS), "a", " ", ":"]), min_size=1)
        .map("".join)
        .filter(lambda template: len(template) <= 255),
        "date": st.sampled_from(["10", "12", "14", "smpp"]),
        "text_length": st.integers(0, 255),
        "errors": st.just({"DELIVRD": "nul"}),
        "states": st.just({"DELIVRD": "ACKED"}),
        "esm_class": st.sampled_from([0, 4, 8]),
        "carrier": st.sampled_from(["text", "tlvs", "both", "contradictory"]),
        "network_error_code": st.sampled_from(["binary", "ascii"]),
        "pdu": st.sampled_from(["deliver_sm", "data_sm"]),
        "text_in": st.sampled_from(["short_message", "message_payload"]),
        "terminated": st.booleans(),
        "addresses": st.sampled_from(["swapped", "original"]),
        "data_coding": st.sampled_from([0, 1, 3, 8]),
    },
)


@given(
    FORMS,
    st.sampled_from(["gsm7", "gsm7-packed", "latin-1", "ascii", "utf-8"]),
    st.sampled_from([DELIVERED, EXPIRED, UNDELIVERABLE, REJECTED]),
    st.binary(max_size=254),
    st.booleans(),
)
def test_every_receipt_decodes_and_is_right(
    form: dict[str, Any], alphabet: str, state: int, text: bytes, tlvs: bool
) -> None:
    spoken = dialect(receipt=form, text={"default_alphabet": alphabet})
    body = spoken.receipts.receipt_body(final(sms(text=text), state, 11), tlvs=tlvs)
    is_data = tlvs and spoken.command_id == CommandId.DATA_SM
    pdu = data_sm(body) if is_data else deliver_sm(body)
    # 3.4 forbids 255 octets and has a network_error_code that begins with a type; some say so in digits all the same.
    kinds = {violation.field for violation in validate(pdu, FROM_SMSC)}
    assert kinds <= {"short_message", "network_error_code", "message_payload"}
    assert not (kinds & {"message_payload"}) or (is_data and pdu.tlv(TlvTag.MESSAGE_PAYLOAD) is None)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("state", [DELIVERED, EXPIRED, UNDELIVERABLE, REJECTED])
def test_every_shipped_dialect_writes_receipts_that_are_right(name: str, state: int) -> None:
    spoken = shipped(name)
    speller = spoken.speller(below_34=False)
    message_id = b"1000000000" if speller is None else speller(1_000_000_000)
    body = spoken.receipts.receipt_body(final(CODE, state, 11, message_id), tlvs=True)
    pdu = data_sm(body) if spoken.command_id == CommandId.DATA_SM else deliver_sm(body)
    assert list(validate(pdu, FROM_SMSC)) == []
    text = (pdu.tlv(TlvTag.MESSAGE_PAYLOAD) or getattr(pdu, "short_message", b"")).removesuffix(b"\0")
    assert bool(text) or pdu.tlv(TlvTag.MESSAGE_STATE) is not None
    if text:
        assert re.search(rb"\bid:[0-9A-Za-z-]+ ", text)
        assert parse_receipt(text).submit_date == NOON or b"submit date:" in text
