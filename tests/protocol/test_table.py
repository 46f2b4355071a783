"""The reference codec: what is wrong, where, and what to answer."""

from dataclasses import replace
from typing import Any

import pytest

from smppwire.constants import CommandId, CommandStatus
from smppwire.errors import DecodeError, EncodeError
from smppwire.pdus import (
    DataSmResp,
    DeliverSmResp,
    DistributionList,
    EnquireLink,
    QuerySmResp,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
    Tlv,
    UnknownPdu,
    UnsuccessSme,
)
from smppwire.table import decode_by_table, encode_by_table, read_tlvs, write_tlvs

SUBMIT = encode_by_table(
    SubmitSm(7, service_type=b"CMT", source_addr=b"1", destination_addr=b"22", short_message=b"hi")
)
MULTI = encode_by_table(
    SubmitMulti(7, dest_address=(SmeAddress(1, 1, b"33"), DistributionList(b"all")), short_message=b"hi")
)


def decode(body: bytes, command_id: int, command_status: int = 0) -> Any:
    buffer = b"?" * 16 + body
    return decode_by_table(command_id, buffer, 0, len(buffer), command_status, 7)


@pytest.mark.parametrize(
    ("octets", "field", "offset", "status"),
    [
        (16, "service_type", 16, CommandStatus.ESME_RINVCMDLEN),
        (18, "service_type", 16, CommandStatus.ESME_RINVCMDLEN),
        (20, "source_addr_ton", 20, CommandStatus.ESME_RINVCMDLEN),
        (23, "source_addr", 22, CommandStatus.ESME_RINVCMDLEN),
        (24, "dest_addr_ton", 24, CommandStatus.ESME_RINVCMDLEN),
        (28, "destination_addr", 26, CommandStatus.ESME_RINVCMDLEN),
        (31, "priority_flag", 31, CommandStatus.ESME_RINVCMDLEN),
        (38, "sm_length", 38, CommandStatus.ESME_RINVCMDLEN),
        (39, "short_message", 39, CommandStatus.ESME_RINVMSGLEN),
        (40, "short_message", 39, CommandStatus.ESME_RINVMSGLEN),
    ],
)
def test_a_submit_sm_that_ends_too_early(octets: int, field: str, offset: int, status: int) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(SUBMIT[16:octets], CommandId.SUBMIT_SM)
    error = caught.value
    assert (error.field, error.offset, error.command_status) == (field, offset, status)
    assert (error.command_id, error.sequence_number, error.fatal) == (CommandId.SUBMIT_SM, 7, False)
    assert error.rule


def test_offsets_count_from_the_pdu_not_from_the_buffer() -> None:
    buffer = b"x" * 100 + SUBMIT[:30] + b"y" * 100
    with pytest.raises(DecodeError) as caught:
        decode_by_table(CommandId.SUBMIT_SM, buffer, 100, 130, 0, 7)
    assert caught.value.offset == 30


@pytest.mark.parametrize(
    ("old", "new", "field", "status"),
    [
        (b"\x02all\0", b"\x03all\0", "dest_flag", CommandStatus.ESME_RINVDESTFLAG),
        (b"\x02all\0", b"\x00all\0", "dest_flag", CommandStatus.ESME_RINVDESTFLAG),
        (b"\x02hi", b"\xffhi", "short_message", CommandStatus.ESME_RINVMSGLEN),
    ],
)
def test_a_broken_submit_multi(old: bytes, new: bytes, field: str, status: int) -> None:
    body = MULTI[16:].replace(old, new)
    with pytest.raises(DecodeError) as caught:
        decode(body, CommandId.SUBMIT_MULTI)
    assert (caught.value.field, caught.value.command_status) == (field, status)
    assert caught.value.offset == 16 + body.index(new) + (field == "short_message")


def test_a_submit_multi_whose_list_runs_over_the_end() -> None:
    with pytest.raises(DecodeError) as caught:
        decode(MULTI[16 : MULTI.index(b"all")], CommandId.SUBMIT_MULTI)
    assert (caught.value.field, caught.value.command_status) == ("dl_name", CommandStatus.ESME_RINVCMDLEN)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", (None, None, None, None)),
        (b"\0", (b"", None, None, None)),
        (b"id\0\0", (b"id", b"", None, None)),
        (b"\0\0\x02", (b"", b"", 2, None)),
        (b"id\x00261231235959\0\x02\x05", (b"id", b"261231235959", 2, 5)),
    ],
)
def test_a_response_may_end_between_fields(body: bytes, fields: tuple[Any, ...]) -> None:
    pdu = decode(body, CommandId.QUERY_SM_RESP)
    assert pdu == QuerySmResp(7, 0, *fields)
    assert encode_by_table(pdu)[16:] == body


def test_a_response_may_end_before_its_list_but_not_in_it() -> None:
    assert decode(b"id\0", CommandId.SUBMIT_MULTI_RESP) == SubmitMultiResp(7, 0, b"id", None)
    assert decode(b"id\0\0", CommandId.SUBMIT_MULTI_RESP) == SubmitMultiResp(7, 0, b"id", ())
    for body in (b"id\0\x01", b"id\0\x01\x01\x01" + b"9\0\0\0\0"):
        with pytest.raises(DecodeError) as caught:
            decode(body, CommandId.SUBMIT_MULTI_RESP)
        assert caught.value.command_status == CommandStatus.ESME_RINVCMDLEN


def test_a_request_may_not() -> None:
    with pytest.raises(DecodeError):
        decode(b"", CommandId.QUERY_SM)


@pytest.mark.parametrize("command_id", [CommandId.SUBMIT_SM_RESP, CommandId.BIND_TRANSCEIVER_RESP])
def test_an_unterminated_field_in_a_good_response_is_an_error(command_id: int) -> None:
    with pytest.raises(DecodeError, match="no NUL"):
        decode(b"abc", command_id)


@pytest.mark.parametrize("pdu_class", [DeliverSmResp, DataSmResp])
def test_but_not_where_nobody_needs_it(pdu_class: type[DeliverSmResp] | type[DataSmResp]) -> None:
    assert decode(b"abc", pdu_class.command_id) == pdu_class(7, 0, None, (), b"abc")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", SubmitSmResp(7, 8, None)),
        (b"\0", SubmitSmResp(7, 8, b"")),
        (b"id\0", SubmitSmResp(7, 8, b"id")),
        (b"abc", SubmitSmResp(7, 8, None, (), b"abc")),
        # TLVs and no message_id; then with an empty one; then something that only begins like a TLV.
        (b"\x04\x25\0\x01\x02", SubmitSmResp(7, 8, None, (Tlv(0x425, b"\x02"),))),
        (b"\0\x21\x67\0\x02no", SubmitSmResp(7, 8, b"", (Tlv(0x2167, b"no"),))),
        (b"\x04\x25\0\x09\x02", SubmitSmResp(7, 8, b"\x04\x25", (), b"\x09\x02")),
        (b"\x14\x03\0\x01\x02", SubmitSmResp(7, 8, b"\x14\x03", (), b"\x01\x02")),
    ],
)
def test_an_error_response_is_read_whatever_its_body(body: bytes, expected: SubmitSmResp) -> None:
    pdu = decode(body, CommandId.SUBMIT_SM_RESP, command_status=8)
    assert pdu == expected
    assert encode_by_table(pdu)[16:] == body


@pytest.mark.parametrize(
    ("octets", "tlvs", "rest"),
    [
        (b"", (), b""),
        (b"\x12\x34\0\0", (Tlv(0x1234, b""),), b""),
        (b"\0\x05\0\x01\x09\0\x05\0\x02ab", (Tlv(5, b"\x09"), Tlv(5, b"ab")), b""),
        (b"\0", (), b"\0"),
        (b"\0\x05\0", (), b"\0\x05\0"),
        (b"\0\x05\0\x01\x09\0", (Tlv(5, b"\x09"),), b"\0"),
        (b"\0\x1e\0\x41\x33\x30\x30\x35\0", (), b"\0\x1e\0\x41\x33\x30\x30\x35\0"),
        (b"\xff\xff\xff\xff", (), b"\xff\xff\xff\xff"),
    ],
)
def test_tlvs(octets: bytes, tlvs: tuple[Tlv, ...], rest: bytes) -> None:
    assert read_tlvs(octets, 0, len(octets)) == (tlvs, rest)
    assert read_tlvs(b"???" + octets + b"???", 3, 3 + len(octets)) == (tlvs, rest)
    assert write_tlvs(tlvs) + rest == octets


@pytest.mark.parametrize("entry", [(0x10000, b""), (-1, b""), (5, bytes(0x10000)), (5, "text"), (5, None)])
def test_tlvs_that_do_not_fit(entry: Any) -> None:
    with pytest.raises((EncodeError, TypeError)):
        write_tlvs((entry,))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"esm_class": 256}, "esm_class"),
        ({"esm_class": -1}, "esm_class"),
        ({"esm_class": None}, "esm_class"),
        ({"source_addr": b"1\x002"}, "source_addr"),
        ({"source_addr": "1"}, "source_addr"),
        ({"source_addr": None}, "source_addr"),
        ({"short_message": bytes(256)}, "short_message"),
        ({"short_message": "text"}, "short_message"),
        ({"trailing": None}, "trailing"),
        ({"sequence_number": 1 << 32}, "sequence_number"),
        ({"command_status": -1}, "command_status"),
    ],
)
def test_values_that_do_not_fit(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(EncodeError, match=field):
        encode_by_table(replace(SubmitSm(1), **changes))


@pytest.mark.parametrize(
    "pdu",
    [
        SubmitMulti(1, dest_address=(SmeAddress(1, 1, b"1"),) * 256),
        SubmitMulti(1, dest_address=(SmeAddress(1, 300, b"1"),)),
        SubmitMulti(1, dest_address=(DistributionList(b"a\0"),)),
        SubmitMulti(1, dest_address=((1, 1, b"1"),)),  # type: ignore[arg-type]
        SubmitMultiResp(1, 0, b"1", (UnsuccessSme(1, 1, b"1", 1 << 32),)),
        SubmitMultiResp(1, 0, None, ()),
        QuerySmResp(1, 0, b"1", None, 2, None),
        UnknownPdu(1, 0, 0x7777, "x"),  # type: ignore[arg-type]
    ],
    ids=str,
)
def test_lists_and_gaps_that_do_not_fit(pdu: Any) -> None:
    with pytest.raises(EncodeError):
        encode_by_table(pdu)


def test_unknown_commands_are_data() -> None:
    assert decode(b"whatever", 0x1234, 9) == UnknownPdu(7, 9, 0x1234, b"whatever")
    assert encode_by_table(UnknownPdu(7, 9, 0x1234, b"whatever"))[16:] == b"whatever"


def test_a_body_where_none_belongs_is_kept() -> None:
    assert decode(b"\0", CommandId.ENQUIRE_LINK) == EnquireLink(7, 0, (), b"\0")
