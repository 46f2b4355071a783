"""What the dissector says about PDUs: fields, text, problems, notes; and that nothing makes it raise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppwire.grammar import build, dissect, dissect_stream
from smppwire.grammar.gallery import GALLERY
from tests.oracle.messages import (
    BROADCAST_SM,
    DATA_SM,
    DATA_SM_RESP,
    DELIVER_SM,
    DELIVER_SM_RESP,
    ENQUIRE_LINK,
    MESSAGE,
    QUERY_SM_RESP,
    SUBMIT_MULTI,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    message,
    said,
)

# -- Fields ------------------------------------------------------------------------------------------------------------


def test_every_field_has_its_offset_and_octets() -> None:
    it = message()

    assert [(field.offset, field.octets.hex(), field.name) for field in it.fields[3:8]] == [
        (12, "00000001", "sequence_number"),
        (16, "00", "service_type"),
        (17, "05", "source_addr_ton"),
        (18, "00", "source_addr_npi"),
        (19, "494e464f00", "source_addr"),
    ]
    assert it.fields[-1][:4] == (len(it.octets) - 5, b"Hello", "short_message", b"Hello")


# -- Values as JSON ----------------------------------------------------------------------------------------------------


def test_json_of_a_message() -> None:
    it = message(tlvs=[(0x0204, b"\x00\x07"), (0x1403, b"\xff")]).as_json()

    assert it["command"] == "submit_sm"
    assert it["fields"]["source_addr"] == "INFO"
    assert it["fields"]["sm_length"] == 5
    assert it["fields"]["short_message"] == "48656c6c6f"
    assert it["tlvs"] == [
        {"tag": 0x0204, "name": "user_message_reference", "value": 7, "hex": "0007"},
        {"tag": 0x1403, "name": "unknown", "value": "ff", "hex": "ff"},
    ]
    assert (it["text"], it["udh"], it["receipt"], it["problems"]) == ("Hello", None, None, [])


def test_json_of_lists() -> None:
    destinations = [
        {"dest_flag": 1, "dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": b"336"},
        {"dest_flag": 2, "dl_name": b"\xe9quipe"},
    ]
    unsuccess = [{"dest_addr_ton": 1, "dest_addr_npi": 2, "destination_addr": b"337", "error_status_code": 11}]

    multi = message(SUBMIT_MULTI, dest_address=destinations).as_json()["fields"]
    failed = dissect(build(0x80000021, 1, {"message_id": b"7", "unsuccess_sme": unsuccess})).as_json()["fields"]

    assert multi["number_of_dests"] == 2
    assert multi["dest_address"] == [
        {"dest_flag": 1, "dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": "336"},
        {"dest_flag": 2, "dl_name": "équipe"},
    ]
    assert failed["no_unsuccess"] == 1
    assert failed["unsuccess_sme"] == [
        {"dest_addr_ton": 1, "dest_addr_npi": 2, "destination_addr": "337", "error_status_code": 11}
    ]


# -- Text, user data header, receipt -----------------------------------------------------------------------------------


def test_the_text_comes_without_its_user_data_header() -> None:
    it = message(esm_class=0x40, data_coding=8, short_message=bytes.fromhex("050003fe0201") + "né".encode("utf-16-be"))

    assert it.text == "né"
    udh = it.as_json()["udh"]
    assert udh["octets"] == "050003fe0201"
    assert udh["elements"] == [{"iei": 0, "data": "fe0201"}]
    assert udh["concat"] == {"ref": 254, "total": 2, "seq": 1, "bits": 8}


def test_the_text_of_message_payload() -> None:
    assert message(short_message=b"", tlvs=[(0x0424, b"payload")]).text == "payload"


def test_data_coding_0_is_what_the_caller_says() -> None:
    frame = build(SUBMIT_SM, 1, {**MESSAGE, "short_message": b"\x00"})

    assert dissect(frame).text == "@"
    assert dissect(frame, default_alphabet="latin-1").text == ""


def test_a_counted_terminator_is_no_text() -> None:
    assert message(data_coding=3, short_message=b"Hi\x00").text == "Hi"


def test_no_message_no_text() -> None:
    assert message(short_message=b"").text is None
    assert dissect(build(ENQUIRE_LINK, 1, {})).text is None


RECEIPT = b"id:42 sub:001 dlvrd:001 submit date:2401010000 done date:2401010001 stat:DELIVRD err:000 text:Hi"


@pytest.mark.parametrize("esm_class", [0x04, 0x44, 0x20])
def test_receipts_are_read(esm_class: int) -> None:
    header = b"\x00" if esm_class & 0x40 else b""
    it = message(DELIVER_SM, esm_class=esm_class, short_message=header + RECEIPT)

    assert it.receipt is not None
    assert (it.receipt.id, it.receipt.stat) == ("42", "DELIVRD")
    assert it.notes == []


def test_a_receipt_that_only_the_text_shows() -> None:
    it = message(DELIVER_SM, short_message=RECEIPT)

    assert it.receipt is not None
    assert said(it.notes) == [("esm_class", None)]
    assert message(SUBMIT_SM, short_message=RECEIPT).receipt is None
    assert message(DELIVER_SM, short_message=b"How are you?").receipt is None


# -- Problems ----------------------------------------------------------------------------------------------------------


def test_a_sound_pdu_has_none() -> None:
    it = message()

    assert (it.problems, it.notes, it.broken_at, it.rest) == ([], [], None, b"")


@pytest.mark.parametrize(
    ("octets", "fields"),
    [("", 0), ("000000", 0), ("00000010", 1), ("0000001000000015000000000000", 3)],
)
def test_half_a_header_shows_what_is_there(octets: str, fields: int) -> None:
    it = dissect(bytes.fromhex(octets))

    assert len(it.fields) == fields
    assert (it.has_header, it.rest) == (False, bytes.fromhex(octets)[4 * fields :])
    assert [(p.field, p.status, p.fatal) for p in it.problems] == [("command_length", "ESME_RINVCMDLEN", True)]


@pytest.mark.parametrize("length", [0, 15, 0x80000010, 131_073])
def test_a_command_length_out_of_range_is_fatal(length: int) -> None:
    it = dissect(length.to_bytes(4, "big") + bytes.fromhex("000000150000000000000007"))

    assert (it.command, it.sequence_number) == ("enquire_link", 7)
    assert [(p.field, p.status, p.fatal) for p in it.problems] == [("command_length", "ESME_RINVCMDLEN", True)]


def test_the_maximum_is_the_callers() -> None:
    frame = build(ENQUIRE_LINK, 1, {}, trailing=bytes(4))

    assert [p.fatal for p in dissect(frame, max_pdu_length=19).problems] == [True]
    assert not any(p.fatal for p in dissect(frame, max_pdu_length=20).problems)


def test_an_incomplete_pdu_shows_what_came() -> None:
    it = dissect(message().octets[:-2])

    assert it.values["sm_length"] == 5
    assert "short_message" not in it.values
    assert [(p.field, p.status, p.fatal) for p in it.problems] == [
        ("command_length", "ESME_RINVCMDLEN", True),
        ("short_message", "ESME_RINVMSGLEN", False),
    ]


def test_a_stream_is_cut_by_command_length() -> None:
    first, second = build(ENQUIRE_LINK, 1, {}), message().octets

    assert [it.octets for it in dissect_stream(first + second)] == [first, second]
    assert [it.octets for it in dissect_stream(first + second + b"\x00")] == [first, second + b"\x00"]
    assert [it.octets for it in dissect_stream(bytes(20) + first)] == [bytes(20) + first]
    assert dissect_stream(b"") == []


def test_stray_octets_are_the_problem_of_the_pdu_before_them() -> None:
    (it,) = dissect_stream(build(ENQUIRE_LINK, 1, {}) + b"\x00")

    assert [(p.field, p.fatal) for p in it.problems] == [("command_length", True)]


def test_an_unknown_command() -> None:
    it = dissect(bytes.fromhex("000000120000ffff0000000000000001abcd"))

    assert (it.command, it.rest) == ("unknown", b"\xab\xcd")
    assert said(it.problems) == [("command_id", "ESME_RINVCMDID")]


@pytest.mark.parametrize(
    ("command_id", "body", "field", "offset", "status"),
    [
        (SUBMIT_SM, "", "service_type", 16, "ESME_RINVCMDLEN"),
        (SUBMIT_SM, "00", "source_addr_ton", 17, "ESME_RINVCMDLEN"),
        (SUBMIT_SM, "000101", "source_addr", 19, "ESME_RINVCMDLEN"),
        (SUBMIT_SM, "00010131", "source_addr", 19, "ESME_RINVCMDLEN"),
        (SUBMIT_SM, "00" * 16 + "0548", "short_message", 33, "ESME_RINVMSGLEN"),
        (SUBMIT_MULTI, "0001010001", "dest_address[0].dest_flag", 21, "ESME_RINVCMDLEN"),
        (SUBMIT_MULTI, "000101000103", "dest_address[0].dest_flag", 21, "ESME_RINVDESTFLAG"),
        (SUBMIT_MULTI, "000101000202410001", "dest_address[1].dest_addr_ton", 25, "ESME_RINVCMDLEN"),
        (SUBMIT_SM_RESP, "31", "message_id", 16, "ESME_RINVCMDLEN"),
        (QUERY_SM_RESP, "003132", "final_date", 17, "ESME_RINVCMDLEN"),
    ],
)
def test_a_broken_body_shows_every_field_before_the_break(
    command_id: int, body: str, field: str, offset: int, status: str
) -> None:
    octets = bytes.fromhex(body)
    it = dissect(
        (16 + len(octets)).to_bytes(4, "big")
        + command_id.to_bytes(4, "big")
        + bytes.fromhex("0000000000000001")
        + octets
    )

    assert it.broken_at == field
    assert [(p.offset, p.field, p.status, p.fatal) for p in it.problems if p.field == field] == [
        (offset, field, status, False)
    ]
    assert b"".join(one.octets for one in it.fields) + it.rest == it.octets
    assert it.rest_offset == offset


@pytest.mark.parametrize(
    ("changes", "field", "status"),
    [
        ({"service_type": b"smscsim"}, "service_type", "ESME_RINVSERTYP"),
        ({"source_addr": b"1" * 21}, "source_addr", "ESME_RINVSRCADR"),
        ({"destination_addr": b"1" * 21}, "destination_addr", "ESME_RINVDSTADR"),
        ({"schedule_delivery_time": b"2401"}, "schedule_delivery_time", "ESME_RINVSCHED"),
        ({"validity_period": b"000002000000000r"}, "validity_period", "ESME_RINVEXPIRY"),
        ({"validity_period": b"240230000000000+"}, "validity_period", "ESME_RINVEXPIRY"),
        ({"validity_period": b"240101000000049+"}, "validity_period", "ESME_RINVEXPIRY"),
        ({"short_message": b"\x05\x00\x03\x01\x02\x01Hi"}, "esm_class", "ESME_RINVESMCLASS"),
    ],
)
def test_values_of_the_wrong_form(changes: dict[str, Any], field: str, status: str) -> None:
    it = message(**changes)

    assert said(it.problems) == [(field, status)]
    assert it.broken_at is None


@pytest.mark.parametrize(
    ("changes", "field", "status"),
    [
        ({"source_addr_ton": 7}, "source_addr_ton", "ESME_RINVSRCTON"),
        ({"source_addr_npi": 2}, "source_addr_npi", "ESME_RINVSRCNPI"),
        ({"dest_addr_ton": 7}, "dest_addr_ton", "ESME_RINVDSTTON"),
        ({"dest_addr_npi": 2}, "dest_addr_npi", "ESME_RINVDSTNPI"),
        ({"destination_addr": b""}, "destination_addr", "ESME_RINVDSTADR"),
        ({"esm_class": 0x0C}, "esm_class", "ESME_RINVESMCLASS"),
        ({"esm_class": 0x40, "short_message": b"\x09x"}, "esm_class", "ESME_RINVESMCLASS"),
        ({"priority_flag": 5}, "priority_flag", "ESME_RINVPRTFLG"),
        ({"registered_delivery": 0x80}, "registered_delivery", "ESME_RINVREGDLVFLG"),
        ({"registered_delivery": 0x03}, "registered_delivery", "ESME_RINVREGDLVFLG"),
        ({"replace_if_present_flag": 2}, "replace_if_present_flag", "ESME_RINVREPFLAG"),
        ({"data_coding": 0x0B}, "data_coding", "ESME_RINVDCS"),
        ({"short_message": bytes(255)}, "sm_length", "ESME_RINVMSGLEN"),
    ],
)
def test_reserved_and_unusual_values_are_notes(changes: dict[str, Any], field: str, status: str) -> None:
    it = message(**changes)

    assert it.problems == []
    assert said(it.notes) == [(field, status)]


def test_headers_that_are_unusual() -> None:
    zero = dissect(build(ENQUIRE_LINK, 0, {}))
    high = dissect(build(ENQUIRE_LINK, 0x80000000, {}))
    failed = dissect(build(ENQUIRE_LINK, 1, {}, command_status=8))
    nack = dissect(build(0x80000000, 0, {}, command_status=3))

    assert [said(it.notes) for it in (zero, high, failed, nack)] == [
        [("sequence_number", None)],
        [("sequence_number", None)],
        [("command_status", None)],
        [],
    ]
    assert [it.problems for it in (zero, high, failed, nack)] == [[], [], [], []]


def test_no_destination() -> None:
    it = message(SUBMIT_MULTI, dest_address=[])

    assert said(it.problems) == [("number_of_dests", "ESME_RINVNUMDESTS")]
    assert it.values["dest_address"] == []


@pytest.mark.parametrize("stray", [b"\x00", b"\x00\x00\x00"])
def test_stray_octets_after_the_body(stray: bytes) -> None:
    it = dissect(build(SUBMIT_SM, 1, MESSAGE, trailing=stray))

    assert said(it.problems) == [("tlvs", "ESME_RINVOPTPARSTREAM")]
    assert (it.text, it.rest, it.rest_offset) == ("Hello", stray, len(it.octets) - len(stray))


def test_a_tlv_that_runs_over_the_end_shows_the_ones_before() -> None:
    it = dissect(build(SUBMIT_SM, 1, MESSAGE, tlvs=[(0x0204, b"\x00\x01")], trailing=bytes.fromhex("001e00413132")))

    assert [tlv.name for tlv in it.tlvs] == ["user_message_reference"]
    assert said(it.problems) == [("receipted_message_id", "ESME_RINVOPTPARSTREAM")]


def test_things_that_do_not_go_together() -> None:
    sar = [(0x020C, b"\x00\x01"), (0x020E, b"\x02"), (0x020F, b"\x01")]
    both = message(tlvs=[(0x0424, b"x")])
    udhi_and_sar = message(esm_class=0x40, short_message=b"\x00x", tlvs=sar)

    assert said(both.problems) == [("message_payload", "ESME_RINVMSGLEN")]
    assert said(udhi_and_sar.notes) == [("esm_class", "ESME_RINVESMCLASS")]
    assert message(tlvs=sar).notes == []


def test_tlvs_that_must_be_there() -> None:
    data = {name: MESSAGE[name] for name in GALLERY[DATA_SM].names}
    broadcast = {name: MESSAGE.get(name, b"") for name in GALLERY[BROADCAST_SM].names}

    assert said(dissect(build(DATA_SM, 1, data)).notes) == [("message_payload", "ESME_RMISSINGOPTPARAM")]
    assert said(dissect(build(BROADCAST_SM, 1, broadcast)).problems) == [
        ("broadcast_area_identifier", "ESME_RMISSINGOPTPARAM"),
        ("broadcast_content_type", "ESME_RMISSINGOPTPARAM"),
        ("broadcast_rep_num", "ESME_RMISSINGOPTPARAM"),
        ("broadcast_frequency_interval", "ESME_RMISSINGOPTPARAM"),
    ]


# -- Responses ---------------------------------------------------------------------------------------------------------


RESPONSES = sorted(command_id for command_id, body in GALLERY.items() if body.is_response)


@pytest.mark.parametrize("command_id", RESPONSES, ids=[GALLERY[command_id].name for command_id in RESPONSES])
@pytest.mark.parametrize("status", [0, 0x45])
def test_a_response_may_come_without_its_body(command_id: int, status: int) -> None:
    it = dissect(build(command_id, 1, {}, command_status=status))

    required = 0 if status else len(GALLERY[command_id].required_tlvs)
    assert (it.values, len(it.problems)) == ({}, required)


def test_a_failed_response_may_have_one_nul() -> None:
    it = dissect(build(QUERY_SM_RESP, 1, {"message_id": b""}, command_status=0x67))

    assert (it.values, it.problems) == ({"message_id": b""}, [])


def test_a_failed_response_may_leave_out_what_stands_before_its_tlvs() -> None:
    it = dissect(build(DATA_SM_RESP, 1, {}, command_status=0xFE, tlvs=[(0x0423, b"\x03\x00\x01")]))

    assert [tlv.name for tlv in it.tlvs] == ["network_error_code"]
    assert (it.values, it.problems, len(it.notes)) == ({}, [], 1)


def test_half_a_body_of_a_successful_response() -> None:
    it = dissect(build(QUERY_SM_RESP, 1, {"message_id": b"1", "final_date": b""}))

    assert said(it.problems) == [("message_state", "ESME_RINVCMDLEN")]
    assert it.broken_at is None


@pytest.mark.parametrize(("command_id", "status"), [(SUBMIT_SM_RESP, 8), (DELIVER_SM_RESP, 0), (DATA_SM_RESP, 0)])
def test_bodies_that_nobody_needs_do_not_break_a_response(command_id: int, status: int) -> None:
    it = dissect(build(command_id, 1, {}, command_status=status, trailing=b"oops"))

    assert (it.broken_at, it.values, it.rest) == (None, {}, b"oops")
    assert said(it.problems) == [("message_id", "ESME_RINVCMDLEN")]


# -- Anything ----------------------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(octets=st.binary(max_size=120))
def test_any_octets_can_be_dissected(octets: bytes) -> None:
    found = dissect_stream(octets)

    assert b"".join(it.octets for it in found) == octets
    json.dumps([it.as_json() for it in found])


@settings(max_examples=300)
@given(data=st.data(), body=st.binary(max_size=120))
def test_any_body_can_be_dissected(data: st.DataObject, body: bytes) -> None:
    command_id = data.draw(st.sampled_from(sorted(GALLERY)))
    it = dissect((16 + len(body)).to_bytes(4, "big") + command_id.to_bytes(4, "big") + bytes(7) + b"\x01" + body)

    shown = b"".join(one.octets for one in (*it.fields, *it.tlvs))
    assert shown + it.rest == it.octets
    json.dumps(it.as_json())


@pytest.mark.parametrize("alphabet", ["gsm7", "gsm7-packed", "latin-1", "ascii", "utf-8"])
@settings(max_examples=60)
@given(data_coding=st.integers(0, 255), esm_class=st.integers(0, 255), text=st.binary(max_size=40))
def test_any_message_can_be_dissected(alphabet: str, data_coding: int, esm_class: int, text: bytes) -> None:
    changes = {"data_coding": data_coding, "esm_class": esm_class, "short_message": text}
    it = dissect(build(DELIVER_SM, 1, {**MESSAGE, **changes}), default_alphabet=alphabet)

    json.dumps(it.as_json())
