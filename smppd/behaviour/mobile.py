"""Mobile originated messages of one's own making."""

from __future__ import annotations

from typing import Final

from smppwire.codec import encode
from smppwire.constants import HEADER_LENGTH, DataCoding, Npi, Ton
from smppwire.errors import TextError
from smppwire.pdus import DeliverSm
from smppwire.text import encode_text

LONGEST: Final = 254
"""Octets of a short_message that every version has room for; what is longer is cut."""


def mobile_originated(text: str, source_addr: str, destination_addr: str, default_alphabet: str) -> bytes:
    """The body of a deliver_sm that brings a text: in the default alphabet, or in UCS-2 where that lacks a character.

    Addresses of digits are international numbers, all others are alphanumeric.
    """
    data_coding = 0
    try:
        octets = encode_text(text, 0, default_alphabet=default_alphabet)
    except TextError:
        data_coding = int(DataCoding.UCS2)
        octets = encode_text(text, data_coding)
    source, destination = _numbering(source_addr), _numbering(destination_addr)
    pdu = DeliverSm(
        source_addr_ton=source[0],
        source_addr_npi=source[1],
        source_addr=source_addr.encode("latin-1", "replace"),
        dest_addr_ton=destination[0],
        dest_addr_npi=destination[1],
        destination_addr=destination_addr.encode("latin-1", "replace"),
        data_coding=data_coding,
        short_message=octets[:LONGEST],
    )
    return encode(pdu)[HEADER_LENGTH:]


def _numbering(address: str) -> tuple[int, int]:
    """(TON, NPI) of an address."""
    if not address:
        return 0, 0
    return (Ton.INTERNATIONAL, Npi.ISDN) if address.isdecimal() else (Ton.ALPHANUMERIC, Npi.UNKNOWN)
