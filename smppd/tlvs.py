"""Optional parameters as a profile writes them: ``source_port = 5000``, ``0x1403 = "0x0102"``."""

from __future__ import annotations

from struct import pack
from typing import Final

from smppwire.constants import TlvTag
from smppwire.schema import MAX_TLV_LENGTH, SAR_TAGS, TLVS, TlvKind

OURS: Final = frozenset({*SAR_TAGS, TlvTag.MESSAGE_PAYLOAD})
"""TLVs that carry long messages: the profile's ``multipart`` makes them."""

NAMES: Final = tuple(tag.name.lower() for tag in TlvTag if tag not in OURS)
"""What a profile may name; any other tag is written as a number."""

HEX: Final = "0x"
"""What octets in hexadecimal begin with."""


def tag_of(name: str) -> int:
    """The tag of a name of the specification or of a number such as ``0x1403``; raises ValueError."""
    if name.lower() in NAMES:
        return TlvTag[name.upper()].value
    try:
        tag = int(name, 0) if name.lower().startswith(HEX) else -1
    except ValueError:
        tag = -1
    if tag in OURS or name.upper() in TlvTag.__members__:
        raise ValueError("long messages are made by multipart, which sets it")
    if not 0 <= tag <= 0xFFFF:
        raise ValueError("")
    return tag


def tlv_octets(name: str, value: int | str) -> bytes:
    """The whole TLV on the wire; raises ValueError with the reason when its value cannot be that of ``name``."""
    tag = tag_of(name)
    octets = _integer(tag, value) if isinstance(value, int) else _text(tag, value)
    if len(octets) > MAX_TLV_LENGTH:
        raise ValueError(f"more than {MAX_TLV_LENGTH} octets")
    return pack(">HH", tag, len(octets)) + octets


def _integer(tag: int, value: int) -> bytes:
    spec = TLVS.get(tag)
    if spec is None or spec.kind is not TlvKind.INTEGER:
        raise ValueError('not an integer; write text, or octets as "0x..."')
    # Two octets by the book, though peers send one (SMPP 3.4, 5.3.2.17).
    lengths = (2,) if tag == TlvTag.USER_MESSAGE_REFERENCE else [length for length in spec.lengths if length]
    fitting = next((length for length in lengths if 0 <= value < 1 << 8 * length), None)
    if fitting is None:
        raise ValueError(f"outside of 0 to {(1 << 8 * max(lengths)) - 1}")
    return value.to_bytes(fitting, "big")


def _text(tag: int, value: str) -> bytes:
    if value.lower().startswith(HEX):
        try:
            return bytes.fromhex(value[len(HEX) :])
        except ValueError:
            raise ValueError('after "0x", an even number of hexadecimal digits') from None
    spec = TLVS.get(tag)
    if spec is not None and spec.kind is TlvKind.INTEGER:
        raise ValueError('an integer, or octets as "0x..."')
    try:
        octets = value.encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError("characters that Latin-1 does not have") from None
    return octets + b"\0" if spec is not None and spec.kind is TlvKind.C_OCTETS else octets
