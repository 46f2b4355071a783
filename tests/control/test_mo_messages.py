"""From what is asked for to the deliver_sm of it: alphabets, parts, addresses, TLVs, and what cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from smppd.control.failures import InvalidError
from smppd.control.mo_messages import Composer, Mo
from smppwire.constants import TlvTag
from smppwire.pdus import DeliverSm
from smppwire.text import decode_text
from smppwire.udh import parse_udh

LONG = "The quick brown fox jumps over the lazy dog. " * 8


def compose(alphabet: str = "gsm7", **fields: Any) -> list[DeliverSm]:
    fields.setdefault("source_addr", "447700900123")
    fields.setdefault("destination_addr", "12345")
    if "short_message" not in fields:
        fields.setdefault("text", "Hello")
    return Composer().compose(Mo(**fields), alphabet)


def problems(**fields: Any) -> dict[str, str]:
    with pytest.raises(InvalidError) as caught:
        compose(**fields)
    return dict(caught.value.problems)


def test_a_plain_one() -> None:
    (pdu,) = compose()
    assert (pdu.source_addr, pdu.destination_addr, pdu.short_message) == (b"447700900123", b"12345", b"Hello")
    assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.dest_addr_ton, pdu.dest_addr_npi) == (1, 1, 1, 1)
    assert (pdu.esm_class, pdu.data_coding, pdu.tlvs) == (0, 0, ())


def test_all_that_may_be_said() -> None:
    (pdu,) = compose(
        source_addr="ACME",
        source_addr_ton=3,
        dest_addr_ton=6,
        dest_addr_npi=8,
        service_type="USSD",
        esm_class=0x08,
        protocol_id=65,
        priority_flag=3,
        registered_delivery=4,
        tlvs={"user_message_reference": 7, "0x1403": "0x0102", "source_port": 5000},
    )
    assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.dest_addr_ton, pdu.dest_addr_npi) == (3, 0, 6, 8)
    assert (pdu.service_type, pdu.esm_class, pdu.protocol_id) == (b"USSD", 8, 65)
    assert (pdu.priority_flag, pdu.registered_delivery) == (3, 4)
    assert {tlv.tag: tlv.value for tlv in pdu.tlvs} == {
        TlvTag.USER_MESSAGE_REFERENCE: b"\0\x07",
        0x1403: b"\x01\x02",
        TlvTag.SOURCE_PORT: (5000).to_bytes(2, "big"),
    }


@pytest.mark.parametrize(
    ("text", "alphabet", "data_coding", "octets"),
    [
        ("10 €", "gsm7", 0, b"10 \x1be"),
        ("Привет", "gsm7", 8, "Привет".encode("utf-16-be")),
        ("café ñ", "latin-1", 0, "café ñ".encode("latin-1")),
        ("10 €", "latin-1", 8, "10 €".encode("utf-16-be")),
        ("", "gsm7", 0, b""),
    ],
)
def test_the_alphabet_is_chosen(text: str, alphabet: str, data_coding: int, octets: bytes) -> None:
    (pdu,) = compose(alphabet, text=text)
    assert (pdu.data_coding, pdu.short_message) == (data_coding, octets)


def test_the_alphabet_may_be_said() -> None:
    (pdu,) = compose(text="café", data_coding=3)
    assert (pdu.data_coding, pdu.short_message) == (3, "café".encode("latin-1"))
    assert "cannot be sent with data_coding 1" in problems(text="café", data_coding=1)["text"]


@pytest.mark.parametrize("split", ["udh8", "udh16"])
def test_long_texts_in_parts_with_headers(split: str) -> None:
    parts = compose(text=LONG, split=split, esm_class=0x08)
    assert len(parts) == 3
    assert {part.esm_class for part in parts} == {0x48}
    text = ""
    for number, part in enumerate(parts, 1):
        header, octets = parse_udh(part.short_message)
        assert (header.concat.total, header.concat.seq) == (3, number)  # type: ignore[union-attr]
        text += decode_text(octets, 0)
    assert text == LONG


def test_long_texts_in_parts_with_tlvs() -> None:
    parts = compose(text=LONG, split="sar", tlvs={"source_port": 1})
    assert [part.tlv(TlvTag.SAR_SEGMENT_SEQNUM) for part in parts] == [b"\1", b"\2", b"\3"]
    assert all(part.tlv(TlvTag.SOURCE_PORT) for part in parts)
    assert all(part.esm_class == 0 for part in parts)


def test_a_payload() -> None:
    (part,) = compose(text=LONG, split="payload")
    assert (part.short_message, part.tlv(TlvTag.MESSAGE_PAYLOAD)) == (b"", LONG.encode())


def test_each_long_text_has_a_reference_of_its_own() -> None:
    composer = Composer()
    mo = Mo(source_addr="1", destination_addr="2", text=LONG)
    references = [composer.compose(mo, "gsm7")[0].short_message[3] for _ in range(300)]
    assert references == [number % 256 for number in range(300)]


def test_octets() -> None:
    (pdu,) = compose(short_message="0a 0B", data_coding=4)
    assert (pdu.short_message, pdu.data_coding) == (b"\x0a\x0b", 4)
    (pdu,) = compose(short_message="00" * 300, split="payload")
    assert pdu.tlv(TlvTag.MESSAGE_PAYLOAD) == bytes(300)
    assert "at most 254 octets" in problems(short_message="00" * 255)["short_message"]
    assert "hexadecimal" in problems(short_message="xyz")["short_message"]


def test_all_that_is_wrong_at_once() -> None:
    found = problems(
        source_addr="Привет",
        destination_addr="1\0002",
        text="x",
        short_message="00",
        tlvs={"sauce_port": 1, "0x1403": 5},
    )
    assert set(found) == {"source_addr", "destination_addr", "text", "tlvs.sauce_port", "tlvs.0x1403"}
    assert "both are given" in found["text"]
    assert "neither is given" in problems(text=None)["text"]
    assert "parts" in problems(text="x" * 39_016)["text"]


def test_what_carries_parts_is_not_for_sale() -> None:
    assert "multipart" in problems(tlvs={"message_payload": "0x00"})["tlvs.message_payload"]
