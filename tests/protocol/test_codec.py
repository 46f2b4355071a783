"""The entrance: decode, encode, describe. Unknown is data, and no octets raise anything but the library's errors."""

import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smppwire.codec import decode, describe, encode, encode_header_only
from smppwire.constants import CommandId, CommandStatus
from smppwire.errors import DecodeError, EncodeError, FramingError
from smppwire.pdus import (
    BindTransceiver,
    DeliverSm,
    EnquireLink,
    Pdu,
    SmeAddress,
    SubmitMulti,
    SubmitSm,
    SubmitSmResp,
    Tlv,
    UnknownPdu,
)
from smppwire.schema import PDUS
from smppwire.validation import ValidationPolicy, first_violation, validate
from tests.protocol.wire import frames, header, pdus, unhurried, unknown_pdus

MESSAGE = SubmitSm(
    7,
    source_addr=b"447700900123",
    destination_addr=b"33612345678",
    short_message=b"your code is 1234",
    tlvs=(Tlv(0x0424, b"the same"), Tlv(0x1403, b"vendor secret"), Tlv(0x0204, b"\0\x05")),
)


@unhurried
@given(pdus)
def test_decoding_an_encoded_pdu_gives_the_pdu(pdu: Pdu) -> None:
    assert decode(encode(pdu)) == pdu


@unhurried
@given(frames())
def test_encoding_a_decoded_frame_gives_the_frame(frame: bytes) -> None:
    try:
        pdu = decode(frame)
    except DecodeError:
        return
    assert encode(pdu) == frame


@unhurried
@given(st.one_of(st.binary(max_size=80), frames(), st.builds(lambda body: header(body, 4), st.binary(max_size=80))))
@example(b"")
@example(bytes(16))
def test_no_octets_raise_anything_else(octets: bytes) -> None:
    for frame in (octets, struct.pack(">I", len(octets)) + octets[4:]):
        try:
            pdu = decode(frame)
        except (FramingError, DecodeError):
            pass
        else:
            for policy in (ValidationPolicy(), ValidationPolicy(interface_version=0x50)):
                first = next(validate(pdu, policy), None)
                assert first_violation(pdu, policy) == (first.status if first else 0)
        for line in (describe(frame), describe(frame, personal=True)):
            assert line.isprintable()
            assert line


@pytest.mark.parametrize("size", [0, 4, 15])
def test_less_than_a_header(size: int) -> None:
    with pytest.raises(FramingError, match="no header"):
        decode(bytes(size))


@pytest.mark.parametrize("length", [0, 15, 16, 18, 0xFFFFFFFF])
def test_a_length_that_disagrees(length: int) -> None:
    with pytest.raises(FramingError, match=str(length)) as caught:
        decode(struct.pack(">IIII", length, 0x15, 0, 99) + b"\0")
    assert (caught.value.sequence_number, caught.value.command_length) == (99, length)


@unhurried
@given(unknown_pdus)
def test_an_unknown_command_survives(pdu: UnknownPdu) -> None:
    frame = encode(pdu)
    assert frame == header(pdu.body, pdu.command_id, pdu.command_status, pdu.sequence_number)
    assert decode(frame) == pdu


def test_a_known_command_can_be_sent_with_any_body() -> None:
    assert encode(UnknownPdu(7, 0, CommandId.SUBMIT_SM, b"nonsense")) == header(b"nonsense", CommandId.SUBMIT_SM)


def test_unknown_values_and_repeated_tlvs_keep_their_order() -> None:
    pdu = replace(
        MESSAGE,
        source_addr_ton=77,
        esm_class=0xFF,
        data_coding=0xC3,
        command_status=0xDEADBEEF,
        sequence_number=0xFFFFFFFF,
        tlvs=(Tlv(0x9999, b"a"), Tlv(0x0381, b"1"), Tlv(0x9999, b"b"), Tlv(0x0381, b"2"), Tlv(0, b"")),
        trailing=b"\0\0\0",
    )
    assert decode(encode(pdu)) == pdu


@pytest.mark.parametrize("sequence_number", [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_every_sequence_number_is_taken(sequence_number: int) -> None:
    assert decode(encode(EnquireLink(sequence_number))).sequence_number == sequence_number


def test_header_only() -> None:
    assert encode_header_only(CommandId.SUBMIT_SM_RESP, CommandStatus.ESME_RTHROTTLED, 3) == bytes.fromhex(
        "00000010 80000004 00000058 00000003"
    )
    with pytest.raises(EncodeError):
        encode_header_only(4, 0, 1 << 32)


def test_a_submit_sm_octet_by_octet() -> None:
    frame = bytes.fromhex(
        "0000003c 00000004 00000000 00000005"
        "00 02 08 35353500 01 01 35353535353535353500 00 00 00 00 00 00 00 00 00"
        "0f 48656c6c6f2077696b697065646961"
    )
    assert decode(frame) == SubmitSm(
        5,
        source_addr_ton=2,
        source_addr_npi=8,
        source_addr=b"555",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=b"555555555",
        short_message=b"Hello wikipedia",
    )


# --------------------------------------------------------------------------- describe


def test_a_line_elides_what_is_personal() -> None:
    line = describe(MESSAGE)
    assert line == (
        "submit_sm seq=7 source_addr='4477'... destination_addr='3361'... short_message=<17 octets>"
        " message_payload=<8 octets> 0x1403=<13 octets> user_message_reference=0005"
    )
    assert describe(encode(MESSAGE)) == line


def test_unless_asked() -> None:
    line = describe(MESSAGE, personal=True)
    assert "short_message='your code is 1234'" in line
    assert "destination_addr='33612345678'" in line
    assert b"vendor secret".hex() in line


def test_passwords_are_elided() -> None:
    bind = BindTransceiver(1, system_id=b"me", password=b"geheim", interface_version=0x34)
    assert describe(bind) == "bind_transceiver seq=1 system_id='me' password=<6 octets> interface_version=52"


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (SubmitSmResp(3, 0x58, None), "submit_sm_resp seq=3 ESME_RTHROTTLED"),
        (SubmitSmResp(3, 0x42E, b"x\n\xff"), r"submit_sm_resp seq=3 0x0000042e message_id='x\n\xff'"),
        (UnknownPdu(3, 0, 0x1234, b"abc"), "0x00001234 seq=3 body=<3 octets>"),
        (SubmitMulti(1, dest_address=(SmeAddress(1, 1, b"1"),) * 3), "submit_multi seq=1 dest_address=(3)"),
        (EnquireLink(1, trailing=b"\0"), "enquire_link seq=1 trailing=<1 octets>"),
        (b"abc", "no PDU: command_length: 3 octets are no header at octet 0 (ESME_RINVCMDLEN)"),
        (
            header(b"", CommandId.SUBMIT_SM),
            "submit_sm seq=7 broken: service_type: the body ends before this field at octet 16 (ESME_RINVCMDLEN)",
        ),
    ],
)
def test_other_lines(item: Any, words: str) -> None:
    assert describe(item) == words


def test_a_line_stays_a_line() -> None:
    pdu = DeliverSm(1, short_message=b"x" * 255, tlvs=(Tlv(0x1400, bytes(60000)),) * 500)
    assert len(describe(pdu)) < 1000
    assert len(describe(pdu, personal=True)) < 4000
    assert "+484 TLVs" in describe(pdu)


def test_every_pdu_has_a_line() -> None:
    for spec in PDUS.values():
        assert describe(spec.pdu_class(1)) == f"{spec.name} seq=1"
