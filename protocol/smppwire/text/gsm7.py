"""The GSM 7 bit default alphabet and its national variants (3GPP TS 23.038, sections 6.1.2, 6.2 and annex A).

Text goes two steps to the air interface, and SMPP peers stop at either: *septets* are kept one per octet (what nearly
everyone sends in short_message), or *packed* without the spare bits, eight septets in seven octets.

``encode`` and ``decode`` convert between text and septets, ``pack`` and ``unpack`` between septets and packed octets.

A character outside the default alphabet may take two septets, the escape 0x1B and a code of the extension table. With
the user data header elements 0x24 and 0x25 (3GPP TS 23.040, 9.2.3.24.15 and .16) a national *single shift* table takes
the place of the extension table and a *locking shift* table that of the alphabet; identifiers are Turkish 1,
Spanish 2 (single shift only) and Portuguese 3, and 0 stands for the default tables.

The small letter ``ç`` is in none of the default tables: code 0x09 is the capital. Encoding does not swap one for
the other, so the letter needs a national table or UCS-2.
"""

from __future__ import annotations

import codecs
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

from smppwire.errors import TextError
from smppwire.text import gsm_tables

if TYPE_CHECKING:
    from collections.abc import Callable

Errors = Literal["strict", "replace"]
"""What to do with what has no representation: raise, or put ``?`` (encoding) or U+FFFD (decoding) in its place."""

ESCAPE: Final = 0x1B
"""The septet that announces a code of the extension table."""

CARRIAGE_RETURN: Final = 0x0D
"""The septet that fills seven spare bits at the end of packed octets, lest they be read as an at sign."""

_UNENCODABLE: Final = "\uffff"
"""Stands for a character that no table holds; like every mark outside ASCII it makes the encoding step fail."""

# A string of characters by octet is the fastest mapping there is, which some type stubs do not know.
_look_up: Callable[[bytes, str, str], tuple[str, int]] = codecs.charmap_decode  # pyright: ignore[reportAssignmentType]


class GsmError(TextError):
    """Text that the GSM 7 bit alphabet cannot express, or septets that are not text in it."""


def encode(text: str, *, single_shift: int = 0, locking_shift: int = 0, errors: Errors = "strict") -> bytes:
    """The septets of ``text``, one per octet; an extension character gives two.

    ``single_shift`` and ``locking_shift`` are national language identifiers. Raises ``GsmError`` for an identifier
    without a table here and, with ``errors="strict"``, for a character outside the tables; "replace" writes ``?``.
    """
    table = _encoding_table(locking_shift, single_shift)
    try:
        return text.translate(table).encode("ascii", errors)
    except UnicodeEncodeError as error:
        index, character = _first_unencodable(text, table)
        raise GsmError(f"{character!r} at index {index} is not in the GSM 7 bit alphabet") from error


def decode(octets: bytes, *, single_shift: int = 0, locking_shift: int = 0, errors: Errors = "replace") -> str:
    """The text of septets kept one per octet.

    As 3GPP TS 23.038 wants it of a receiver, a code that is not in the extension table shows the character of the
    alphabet itself, an escape after an escape shows a space (6.2.1.1), and a national language without a table
    here is ignored. An octet above 0x7F and an escape at the very end become U+FFFD, or raise ``GsmError`` with
    ``errors="strict"``.
    """
    alphabet, extension = _decoding_tables(
        locking_shift if locking_shift in gsm_tables.LOCKING else 0,
        single_shift if single_shift in gsm_tables.SINGLE else 0,
    )
    try:
        if ESCAPE not in octets:
            return _look_up(octets, errors, alphabet)[0]
        return _decode_escapes(octets, alphabet, extension, errors)
    except UnicodeDecodeError as error:
        raise GsmError(f"octet 0x{error.object[error.start]:02x} is no septet") from error


def is_encodable(text: str, *, single_shift: int = 0, locking_shift: int = 0) -> bool:
    """Whether ``encode`` would succeed. Raises ``GsmError`` for an identifier without a table."""
    return text.translate(_encoding_table(locking_shift, single_shift)).isascii()


def septet_count(text: str, *, single_shift: int = 0, locking_shift: int = 0) -> int:
    """How many septets ``text`` takes; a character outside the tables counts one, as its replacement does."""
    return len(text.translate(_encoding_table(locking_shift, single_shift)))


def pack(septets: bytes, *, fill_bits: int = 0) -> bytes:
    """Eight septets in seven octets, the first septet in the low bits of the first octet (6.1.2.1.1).

    ``fill_bits`` (0 to 6) zero bits come first: after a user data header they align the text to a septet boundary.
    When seven bits are left over at the end, they are filled with a carriage return, and when the octets end with a
    carriage return that is text, another one is added; the receiver removes the last one (6.1.2.3.1). Raises
    ``GsmError`` when an octet of ``septets`` is above 0x7F.
    """
    _check_fill_bits(fill_bits)
    if not septets.isascii():
        raise GsmError("an octet above 0x7f is no septet")
    if not septets:
        return b""
    spare_bits = -(fill_bits + 7 * len(septets)) % 8
    if spare_bits == 7 or (spare_bits == 0 and septets[-1] == CARRIAGE_RETURN):
        septets += b"\r"
    length = (fill_bits + 7 * len(septets) + 7) // 8
    packed = _squeeze(septets)
    if fill_bits:
        return (int.from_bytes(packed, "little") << fill_bits).to_bytes(length, "little")
    return packed[:length]


def unpack(octets: bytes, count: int | None = None, *, fill_bits: int = 0) -> bytes:
    """The septets in packed octets, one per octet; the opposite of ``pack``.

    Without ``count`` all whole septets are returned, but for a carriage return that ends on an octet boundary: it is
    filler (6.1.2.3.1). SMPP carries no number of septets, so text of a sender who fills with zero bits ends in ``@``.
    With ``count`` exactly that many are returned. Raises ``GsmError`` when there are fewer.
    """
    _check_fill_bits(fill_bits)
    available, spare_bits = divmod(max(0, 8 * len(octets) - fill_bits), 7)
    if count is not None and not 0 <= count <= available:
        raise GsmError(f"{len(octets)} octets hold {available} septets, not {count}")
    if fill_bits:
        octets = (int.from_bytes(octets, "little") >> fill_bits).to_bytes(len(octets), "little")
    septets = _spread(octets)
    if count is not None:
        return septets[:count]
    if available and spare_bits == 0 and septets[available - 1] == CARRIAGE_RETURN:
        available -= 1
    return septets[:available]


_LANES: Final = (
    (b"\x7f\x00" * 4, b"\x00\x7f" * 4, 1),
    (b"\xff\x3f\x00\x00" * 2, b"\x00\x00\xff\x3f" * 2, 2),
    (b"\xff\xff\xff\x0f\x00\x00\x00\x00", b"\x00\x00\x00\x00\xff\xff\xff\x0f", 4),
)
"""How neighbours are pushed together in three steps: 7 bits of every 8 become 14 of 16, 28 of 32, 56 of 64.

Each row: the bits of eight octets that stay, those that move down, and by how many bits. One step does all blocks of
eight octets inside one long integer, which costs a tenth of a loop over the octets.
"""


def _squeeze(septets: bytes) -> bytes:
    """The septets without their spare bits, zero filled to whole blocks of seven octets."""
    blocks = -(-len(septets) // 8)
    bits = int.from_bytes(septets, "little")
    for staying, moving, distance in _LANES:
        low, high = int.from_bytes(staying * blocks, "little"), int.from_bytes(moving * blocks, "little")
        bits = bits & low | (bits & high) >> distance
    packed = bytearray(bits.to_bytes(8 * blocks, "little"))
    del packed[7::8]
    return bytes(packed)


def _spread(octets: bytes) -> bytes:
    """Packed octets as septets, zero filled to whole blocks of eight: the steps of ``_squeeze`` backwards."""
    blocks = -(-len(octets) // 7)
    padded = octets.ljust(7 * blocks, b"\x00")
    lanes = bytearray(8 * blocks)
    for index in range(7):
        lanes[index::8] = padded[index::7]
    bits = int.from_bytes(lanes, "little")
    for staying, moving, distance in reversed(_LANES):
        low, high = int.from_bytes(staying * blocks, "little"), int.from_bytes(moving * blocks, "little")
        bits = bits & low | (bits << distance) & high
    return bits.to_bytes(8 * blocks, "little")


def _check_fill_bits(fill_bits: int) -> None:
    """More than six fill bits would be a septet."""
    if not 0 <= fill_bits <= 6:
        raise GsmError(f"{fill_bits} fill bits; 0 to 6 reach any septet boundary")


@cache
def _encoding_table(locking_shift: int, single_shift: int) -> dict[int, str]:
    """What ``str.translate`` needs to turn text into septets, as ASCII characters of the same value.

    A character that is in both tables takes the one septet of the alphabet.
    """
    if locking_shift not in gsm_tables.LOCKING:
        raise GsmError(f"no locking shift table for national language {locking_shift}")
    if single_shift not in gsm_tables.SINGLE:
        raise GsmError(f"no single shift table for national language {single_shift}")
    table = dict.fromkeys(range(0x80), _UNENCODABLE)
    for code, character in gsm_tables.SINGLE[single_shift].items():
        table[ord(character)] = chr(ESCAPE) + chr(code)
    for code, character in enumerate(gsm_tables.LOCKING[locking_shift]):
        if code != ESCAPE:
            table[ord(character)] = chr(code)
    return table


@cache
def _decoding_tables(locking_shift: int, single_shift: int) -> tuple[str, str]:
    """The characters of the 128 septets, and of the 128 that may follow an escape."""
    alphabet = gsm_tables.LOCKING[locking_shift]
    extension = list(alphabet)
    extension[ESCAPE] = " "
    for code, character in gsm_tables.SINGLE[single_shift].items():
        extension[code] = character
    return alphabet, "".join(extension)


def _decode_escapes(octets: bytes, alphabet: str, extension: str, errors: Errors) -> str:
    """``decode`` of octets with an escape among them."""
    pieces = []
    start = 0
    while (escape := octets.find(ESCAPE, start)) >= 0:
        pieces.append(_look_up(octets[start:escape], errors, alphabet)[0])
        start = escape + 2
        pieces.append(_look_up(octets[escape + 1 : start], errors, extension)[0])
    if start > len(octets):
        if errors == "strict":
            raise GsmError("an escape ends the text")
        pieces.append("\ufffd")
    pieces.append(_look_up(octets[start:], errors, alphabet)[0])
    return "".join(pieces)


def _first_unencodable(text: str, table: dict[int, str]) -> tuple[int, str]:
    """Index and character of the first one that made encoding fail."""
    return next((index, character) for index, character in enumerate(text) if not character.translate(table).isascii())
