"""Responses of dialects, octet by octet."""

from typing import Any

import pytest

from smppd.engine.ports import Responses
from smppwire.codec import decode
from smppwire.constants import CommandId, CommandStatus, TlvTag
from smppwire.pdus import (
    BindTransceiverResp,
    CancelSmResp,
    DataSmResp,
    EnquireLinkResp,
    GenericNack,
    QuerySmResp,
    SubmitMultiResp,
    SubmitSmResp,
    Tlv,
    UnsuccessSme,
)
from tests.behaviour.speech import dialect

RESP = CommandId.SUBMIT_SM_RESP
QUERY_RESP = CommandId.QUERY_SM_RESP
THROTTLED = int(CommandStatus.ESME_RTHROTTLED)
BAD_DESTINATION = int(CommandStatus.ESME_RINVDSTADR)


def writer(**tables: Any) -> Responses:
    responses = dialect(**tables).responses
    assert responses is not None
    return responses


def refused(status: int = THROTTLED, *, response_id: int = RESP, tlvs: bool = True, **form: Any) -> bytes:
    """The body of a refusal."""
    form.setdefault("statuses", {"ESME_RSYSERR": 1})  # one option that differs brings the writer in
    octets = writer(response=form).refuse(response_id, status, 7, tlvs=tlvs)
    assert octets[:16] == b"".join(one.to_bytes(4, "big") for one in (len(octets), response_id, status, 7))
    return octets[16:]


# -- refusals


@pytest.mark.parametrize(
    ("response_id", "body"),
    [
        (RESP, b"\0"),
        (CommandId.SUBMIT_MULTI_RESP, b"\0\0"),
        (QUERY_RESP, b"\0\0\0\0"),
        (CommandId.CANCEL_SM_RESP, b""),
        (CommandId.BIND_TRANSCEIVER_RESP, b"\0"),
    ],
)
def test_a_full_body_has_each_field_with_nothing_in_it(response_id: int, body: bytes) -> None:
    assert refused(response_id=response_id, error_body="full") == body


@pytest.mark.parametrize("response_id", [RESP, QUERY_RESP, CommandId.CANCEL_SM_RESP])
def test_the_same_body_for_all(response_id: int) -> None:
    assert refused(response_id=response_id) == b""
    assert refused(response_id=response_id, error_body="nul") == b"\0"
    words = b"\x00\x1d\x00\x0fESME_RTHROTTLED\0"
    assert refused(response_id=response_id, error_body="tlvs") == words.replace(b"\x0f", b"\x10")


def test_a_session_below_34_gets_no_tlvs() -> None:
    assert refused(error_body="tlvs", tlvs=False) == b""
    assert refused(error_text_tlv=0x2167, tlvs=False) == b""


def test_words_in_a_tlv() -> None:
    assert refused(BAD_DESTINATION, error_text_tlv=0x2167) == b"\x21\x67\x00\x0fESME_RINVDSTADR"
    assert refused(error_body="nul", error_text_tlv=0x2167) == b"\0\x21\x67\x00\x0fESME_RTHROTTLED"


def test_a_status_in_place_of_another() -> None:
    responses = writer(response={"statuses": {"ESME_RINVDSTADR": 0x42E, "ESME_RTHROTTLED": "ESME_RMSGQFUL"}})
    assert responses.refuse(RESP, BAD_DESTINATION, 7, tlvs=True)[8:12] == b"\0\0\x04\x2e"
    assert responses.refuse(RESP, THROTTLED, 7, tlvs=True)[8:12] == b"\0\0\0\x14"
    assert responses.refuse(RESP, int(CommandStatus.ESME_RINVSRCADR), 7, tlvs=True)[8:12] == b"\0\0\0\x0a"
    assert responses.refuse(CommandId.GENERIC_NACK, BAD_DESTINATION, 7, tlvs=True)[4:12] == b"\x80\0\0\0\0\0\x04\x2e"


def test_the_words_are_those_of_the_status_that_is_meant() -> None:
    responses = writer(response={"statuses": {"ESME_RINVDSTADR": 0x42E}, "error_text_tlv": 0x2167})
    octets = responses.refuse(RESP, BAD_DESTINATION, 7, tlvs=True)
    assert octets[8:] == b"\0\0\x04\x2e\0\0\0\x07\x21\x67\x00\x0fESME_RINVDSTADR"


def test_a_generic_nack_instead() -> None:
    responses = writer(response={"nack": ["ESME_RTHROTTLED"], "error_body": "full"})
    assert decode(responses.refuse(RESP, THROTTLED, 7, tlvs=True)) == GenericNack(7, THROTTLED)
    assert decode(responses.refuse(RESP, BAD_DESTINATION, 7, tlvs=True)) == SubmitSmResp(7, BAD_DESTINATION)


def test_a_generic_nack_that_says_all_is_well() -> None:
    responses = writer(response={"nack": ["ESME_ROK"], "statuses": {"ESME_RTHROTTLED": "ESME_ROK"}})
    assert decode(responses.refuse(RESP, THROTTLED, 7, tlvs=True)) == GenericNack(7, 0)


def test_what_is_not_supported() -> None:
    responses = writer(response={"unsupported": ["query_sm", "replace_sm"]})
    assert responses.unsupported == {CommandId.QUERY_SM, CommandId.REPLACE_SM}
    nack = responses.refuse_unsupported(CommandId.QUERY_SM, 7, tlvs=True)
    assert decode(nack) == GenericNack(7, CommandStatus.ESME_RINVCMDID)


# -- what goes well


def test_ids_may_be_empty_or_without_a_nul() -> None:
    header = b"\0\0\0%c\x80\0\0\x04\0\0\0\0\0\0\0\x07"
    empty = writer(message_id={"response": {"empty": True}})
    assert empty.accept(b"1000000000", 7, b"", tlvs=True) == header % 17 + b"\0"
    bare = writer(message_id={"response": {"terminated": False}})
    assert bare.accept(b"1000000000", 7, b"", tlvs=True) == header % 26 + b"1000000000"
    plain = writer(response={"error_body": "nul"})
    assert plain.accept(b"1000000000", 7, b"\x04\x28\0\x01\x63", tlvs=True) == (
        header % 32 + b"1000000000\0\x04\x28\0\x01\x63"
    )


def test_the_ids_of_other_submissions_too() -> None:
    empty = writer(message_id={"response": {"empty": True}})
    assert empty.answer(DataSmResp(0, message_id=b"12"), 7, tlvs=True)[16:] == b"\0"
    multi = SubmitMultiResp(0, message_id=b"12", unsuccess_sme=(UnsuccessSme(1, 1, b"9", 8),))
    assert decode(empty.answer(multi, 7, tlvs=True)) == SubmitMultiResp(7, 0, b"", (UnsuccessSme(1, 1, b"9", 8),))
    bare = writer(message_id={"response": {"terminated": False}})
    late = SubmitSmResp(0, message_id=b"12", tlvs=(Tlv(TlvTag.DELIVERY_FAILURE_REASON, b"\0"),))
    assert bare.answer(late, 7, tlvs=True)[16:] == b"12\x04\x25\0\x01\0"


def test_a_response_with_an_error_and_a_body_keeps_it() -> None:
    """Transaction mode: the response says why."""
    late = SubmitSmResp(
        0, CommandStatus.ESME_RDELIVERYFAILURE, message_id=b"12", tlvs=(Tlv(TlvTag.DELIVERY_FAILURE_REASON, b"\0"),)
    )
    octets = writer(response={"statuses": {"ESME_RDELIVERYFAILURE": 0x4A1}}).answer(late, 7, tlvs=True)
    assert octets[8:] == b"\0\0\x04\xa1\0\0\0\x0712\0\x04\x25\0\x01\0"


def test_a_response_with_an_error_is_a_refusal() -> None:
    responses = writer(response={"error_body": "full", "nack": ["ESME_RCANCELFAIL"]})
    failed = responses.answer(SubmitMultiResp(0, 0x14, message_id=None, unsuccess_sme=None), 7, tlvs=True)
    assert failed[16:] == b"\0\0"
    late = responses.answer(SubmitSmResp(0, 0x14, message_id=None), 7, tlvs=True)
    assert late[16:] == b"\0"
    nack = responses.answer(CancelSmResp(0, CommandStatus.ESME_RCANCELFAIL), 7, tlvs=True)
    assert decode(nack) == GenericNack(7, CommandStatus.ESME_RCANCELFAIL)


@pytest.mark.parametrize(
    ("final_date", "written"),
    [("long", b"260720131500000+"), ("short", b"260720131500"), ("iso", b"2026-07-20 13:15:00")],
)
def test_the_final_date(final_date: str, written: bytes) -> None:
    response = QuerySmResp(0, 0, b"12", b"260720131500000+", 2, 11)
    octets = writer(response={"final_date": final_date, "error_body": "nul"}).answer(response, 7, tlvs=True)
    assert octets[16:] == b"12\0" + written + b"\0\x02\x0b"


def test_a_final_date_without_a_zone_is_of_the_dialects_zone() -> None:
    response = QuerySmResp(0, 0, b"12", b"260720131500000+", 2, 11)
    responses = writer(response={"final_date": "short"}, receipt={"zone": "Europe/Paris"})
    assert responses.answer(response, 7, tlvs=True)[16:] == b"12\x00260720151500\0\x02\x0b"


def test_there_is_no_final_date_before_the_end() -> None:
    response = QuerySmResp(0, 0, b"12", b"", 1, 0)
    assert writer(response={"final_date": "iso"}).answer(response, 7, tlvs=True)[16:] == b"12\0\0\x01\0"


def test_vendor_tlvs_on_everything_that_is_named() -> None:
    responses = writer(
        vendor_tlvs=[
            {"pdu": "submit_sm_resp", "tag": 0x1403, "value": "01"},
            {"pdu": "*", "tag": 0x1454},
            {"pdu": "bind_transceiver_resp", "tag": 0x2001, "value": "02"},
        ]
    )
    accepted = decode(responses.accept(b"12", 7, b"", tlvs=True))
    assert accepted.tlvs == (Tlv(0x1403, b"\1"), Tlv(0x1454, b""))
    assert responses.refuse(RESP, THROTTLED, 7, tlvs=True)[16:] == b"\x14\x03\0\x01\x01\x14\x54\0\0"
    bound = decode(responses.answer(BindTransceiverResp(0, system_id=b"smppd"), 7, tlvs=True))
    assert bound.tlvs == (Tlv(0x1454, b""), Tlv(0x2001, b"\2"))
    assert responses.answer(EnquireLinkResp(), 7, tlvs=True)[16:] == b"\x14\x54\0\0"
    assert responses.accept(b"12", 7, b"", tlvs=False)[16:] == b"12\0"


def test_own_numbers() -> None:
    assert writer(session={"own_response_numbers": True}).own_numbers
    assert writer(session={"align_sequences": True}).aligns
    plain = writer(response={"error_body": "nul"})
    assert (plain.own_numbers, plain.aligns) == (False, False)
