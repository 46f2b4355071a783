"""Long messages: cutting text into parts that fit the air interface (3GPP TS 23.040, 9.2.3.24; SMPP 3.4, 5.3.2).

A short message carries 140 octets. A user data header counts among them, so of a longer text each part holds

=================  ======  ================  =================
alphabet           single  8-bit reference   16-bit reference
=================  ======  ================  =================
GSM 7 bit septets  160     153               152
octets             140     134               133
UCS-2 units        70      67                66
=================  ======  ================  =================

and less with national language tables, whose elements share the header. An escape and the septet it belongs to, the
halves of a surrogate pair and the octets of a multi-octet character are never parted, so a part may
be a little shorter.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from smppwire.constants import EsmClassFeature, TlvTag
from smppwire.errors import TextError
from smppwire.pdus import Tlv
from smppwire.text import gsm7, ucs2
from smppwire.text.data_coding import Alphabet, alphabet_of, encode_octets
from smppwire.udh import Udh, build_udh, concat_element, shift_elements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smppwire.text.gsm7 import Errors
    from smppwire.udh import Element

Method = Literal["udh8", "udh16", "sar", "payload"]
"""How parts are told apart: a concatenation element with an 8-bit or a 16-bit reference in the user data header, the
three sar_ TLVs, or not at all, because the whole text goes in one message_payload and the SMSC cuts it."""

AIR_OCTETS: Final = 140
"""Octets of user data in one short message on GSM (3GPP TS 23.040, 9.2.3.16)."""

MAX_PARTS: Final = 255
"""Most parts of one message: total and seq are one octet each."""

MAX_PAYLOAD: Final = 0xFFFF
"""Most octets in message_payload: the length of a TLV has two octets."""

_UDHI: Final = int(EsmClassFeature.UDHI)

_MULTI_OCTET: Final = frozenset(
    {Alphabet.UTF8, Alphabet.SHIFT_JIS, Alphabet.ISO_2022_JP, Alphabet.EUC_JP, Alphabet.EUC_KR}
)
"""Alphabets whose characters vary in length, so that only the text tells where a cut is sound."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One part, as it goes into a submit_sm or deliver_sm.

    ``short_message`` includes the user data header, ``esm_class`` holds the bits to set (UDHI or 0), ``tlvs`` are to be
    added to those of the message.
    """

    short_message: bytes
    esm_class: int = 0
    tlvs: tuple[Tlv, ...] = ()


def capacity(alphabet: Alphabet, header_octets: int = 0, *, air_octets: int = AIR_OCTETS) -> int:
    """How many septets (GSM 7 bit) or octets (all others, UCS-2 in whole units) fit beside ``header_octets``."""
    room = max(0, air_octets - header_octets)
    if _is_gsm(alphabet):
        return room * 8 // 7
    return room & ~1 if alphabet is Alphabet.UCS2 else room


def segment(
    text: str | bytes,
    *,
    data_coding: int = 0,
    method: Method = "udh8",
    reference: int = 0,
    default_alphabet: str = Alphabet.GSM7,
    single_shift: int = 0,
    locking_shift: int = 0,
    errors: Errors = "strict",
    air_octets: int = AIR_OCTETS,
) -> list[Segment]:
    """Cut ``text`` into the fewest parts, in order; text that fits one message becomes one part without a reference.

    ``text`` as bytes is user data that is encoded already: septets one per octet for both GSM 7 bit alphabets, else
    the octets of ``data_coding``. ``single_shift`` and ``locking_shift`` select national language tables (GSM 7 bit
    only) and put their elements into every part. With "sar" room is left for the header that the SMSC will build, with
    an 8-bit reference. An alphabet of octets counts octets, even where an SMSC may convert it to 7 bits.

    Raises ``TextError`` for text that the alphabet does not have (unless ``errors="replace"``), a reference that does
    not fit (8 bits with "udh8", else 16), more than 255 parts, a payload above 65,535 octets, a character that is
    larger than a part, and a default alphabet that is none.
    """
    reference_bits = 8 if method == "udh8" else 16
    if not 0 <= reference < 1 << reference_bits:
        raise TextError(f"reference {reference} does not fit {reference_bits} bits")
    alphabet = alphabet_of(data_coding, default_alphabet)
    shifts = shift_elements(single_shift, locking_shift) if _is_gsm(alphabet) else []
    encode = _encoder(alphabet, single_shift, locking_shift, errors)
    units = encode(text) if isinstance(text, str) else text
    if method == "payload":
        return [_payload(_part(shifts, units, alphabet))]
    if len(units) <= capacity(alphabet, _header_octets(shifts), air_octets=air_octets):
        return [_part(shifts, units, alphabet)]

    header = [concat_element(0, 1, 1, bits=16 if method == "udh16" else 8), *shifts]
    room = capacity(alphabet, _header_octets(header), air_octets=air_octets)
    if isinstance(text, str) and alphabet in _MULTI_OCTET:
        pieces = list(_cut_text(text, encode, room))
    else:
        pieces = list(_cut_units(units, alphabet, room))
    total = len(pieces)
    if total > MAX_PARTS:
        raise TextError(f"{total} parts; a message has at most {MAX_PARTS}")
    if method == "sar":
        return [
            replace(_part(shifts, piece, alphabet), tlvs=_sar_tlvs(reference, total, seq))
            for seq, piece in enumerate(pieces, 1)
        ]
    return [
        _part([concat_element(reference, total, seq, bits=reference_bits), *shifts], piece, alphabet)
        for seq, piece in enumerate(pieces, 1)
    ]


def _is_gsm(alphabet: Alphabet) -> bool:
    """Whether units are septets."""
    return alphabet is Alphabet.GSM7 or alphabet is Alphabet.GSM7_PACKED


def _encoder(alphabet: Alphabet, single_shift: int, locking_shift: int, errors: Errors) -> Callable[[str], bytes]:
    """What turns text into units: septets one per octet, or octets."""
    if _is_gsm(alphabet):
        return lambda text: gsm7.encode(text, single_shift=single_shift, locking_shift=locking_shift, errors=errors)
    return lambda text: encode_octets(text, alphabet, errors=errors)


def _header_octets(elements: list[Element]) -> int:
    """Size of the header made of ``elements``; none is built when there are none."""
    return Udh(tuple(elements)).length if elements else 0


def _cut_units(units: bytes, alphabet: Alphabet, room: int) -> Iterator[bytes]:
    """``units`` in pieces of at most ``room``, cut where nothing is parted."""
    start = 0
    while start < len(units):
        end = _sound_end(units, start, start + room, alphabet)
        if end <= start:
            raise TextError(f"a character does not fit a part of {room}")
        yield units[start:end]
        start = end


def _sound_end(units: bytes, start: int, end: int, alphabet: Alphabet) -> int:
    """The last place to cut at or before ``end``, where ``start`` is a sound place."""
    if end >= len(units):
        return len(units)
    if _is_gsm(alphabet):
        # An escape that is escaped itself is a character, so only an odd run of them reaches over the cut.
        escapes = end - start - len(units[start:end].rstrip(b"\x1b"))
        return end - escapes % 2
    if alphabet is Alphabet.UCS2 and ucs2.splits_pair(units, end):
        return end - 2
    return end


def _cut_text(text: str, encode: Callable[[str], bytes], room: int) -> Iterator[bytes]:
    """The octets of ``text`` in pieces of at most ``room`` octets that are text each by themselves."""
    start = 0
    while start < len(text):
        lengths = range(1, room + 1)
        count = bisect_right(lengths, room, key=lambda length: len(encode(text[start : start + length])))
        if count == 0:
            raise TextError(f"{text[start]!r} does not fit a part of {room} octets")
        yield encode(text[start : start + count])
        start += count


def _part(elements: list[Element], units: bytes, alphabet: Alphabet) -> Segment:
    """The header made of ``elements``, if any, and ``units`` behind it."""
    header = build_udh(elements) if elements else b""
    if alphabet is Alphabet.GSM7_PACKED:
        units = gsm7.pack(units, fill_bits=Udh(tuple(elements)).fill_bits if elements else 0)
    return Segment(header + units, _UDHI if elements else 0)


def _payload(part: Segment) -> Segment:
    """``part`` moved from short_message to message_payload."""
    if len(part.short_message) > MAX_PAYLOAD:
        raise TextError(f"{len(part.short_message)} octets; message_payload holds {MAX_PAYLOAD}")
    return Segment(b"", part.esm_class, (Tlv(TlvTag.MESSAGE_PAYLOAD, part.short_message),))


def _sar_tlvs(reference: int, total: int, seq: int) -> tuple[Tlv, Tlv, Tlv]:
    """The three TLVs that number a part (SMPP 3.4, 5.3.2.22 to 5.3.2.24)."""
    return (
        Tlv(TlvTag.SAR_MSG_REF_NUM, reference.to_bytes(2, "big")),
        Tlv(TlvTag.SAR_TOTAL_SEGMENTS, bytes((total,))),
        Tlv(TlvTag.SAR_SEGMENT_SEQNUM, bytes((seq,))),
    )
