"""Which alphabet a data_coding stands for, and text in all of them (SMPP 3.4, 5.2.19; 3GPP TS 23.038, section 4).

SMPP names some alphabets without saying how their characters become octets. What is meant here:

=========  ========================  =====================================================================
0x00       SMSC default alphabet     whatever the account is set to: see ``DEFAULT_ALPHABETS``
0x01       IA5 / ASCII               octets above 0x7F are no characters
0x02 0x04  8-bit binary              no text; read as Latin-1, where every octet is one character and back
0x03       ISO-8859-1
0x05       JIS X 0208                Shift JIS, as implementations do
0x06       ISO-8859-5
0x07       ISO-8859-8
0x08       UCS-2                     UTF-16, most significant octet first
0x09       pictogram                 no text, as 0x04
0x0A       ISO-2022-JP
0x0D       extended kanji JIS        EUC-JP, which can express JIS X 0212
0x0E       KS C 5601                 EUC-KR
=========  ========================  =====================================================================

From 0x10 on, SMPP refers to GSM for 0xC0 to 0xDF (message waiting) and 0xF0 to 0xFF (message class) and reserves the
rest. As peers put the data coding scheme of GSM there unchanged, the rest is read as GSM does: 0x10 to 0x7F by bits
3 and 2 (compressed text is binary to us), 0xE0 to 0xEF as UCS-2. Values without a meaning in GSM either are the
default alphabet, which a receiver shall assume (TS 23.038, section 4).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

from smppwire.errors import TextError
from smppwire.text import gsm7, ucs2

if TYPE_CHECKING:
    from smppwire.text.gsm7 import Errors
    from smppwire.udh import Udh


class Alphabet(StrEnum):
    """How octets become characters. The values are what settings say."""

    GSM7 = "gsm7"
    """GSM 7 bit default alphabet, one septet per octet."""
    GSM7_PACKED = "gsm7-packed"
    """The same, eight septets in seven octets."""
    ASCII = "ascii"
    LATIN1 = "latin-1"
    UTF8 = "utf-8"
    CYRILLIC = "iso-8859-5"
    HEBREW = "iso-8859-8"
    SHIFT_JIS = "shift_jis"
    ISO_2022_JP = "iso2022_jp"
    EUC_JP = "euc_jp"
    EUC_KR = "euc_kr"
    UCS2 = "ucs2"
    BINARY = "binary"
    """Octets that are no text."""


DEFAULT_ALPHABETS: Final = frozenset(
    {Alphabet.GSM7, Alphabet.GSM7_PACKED, Alphabet.LATIN1, Alphabet.ASCII, Alphabet.UTF8}
)
"""What an SMSC may mean by data_coding 0; all five are met in the wild."""

_BY_DATA_CODING: Final = {
    0x01: Alphabet.ASCII,
    0x02: Alphabet.BINARY,
    0x03: Alphabet.LATIN1,
    0x04: Alphabet.BINARY,
    0x05: Alphabet.SHIFT_JIS,
    0x06: Alphabet.CYRILLIC,
    0x07: Alphabet.HEBREW,
    0x08: Alphabet.UCS2,
    0x09: Alphabet.BINARY,
    0x0A: Alphabet.ISO_2022_JP,
    0x0D: Alphabet.EUC_JP,
    0x0E: Alphabet.EUC_KR,
    0x0F: Alphabet.GSM7,
}

_GSM_CODING_BITS: Final = (Alphabet.GSM7, Alphabet.BINARY, Alphabet.UCS2, None)
"""Bits 3 and 2 of the general data coding group: GSM 7 bit, 8 bit, UCS-2, reserved."""


def _meaning(data_coding: int) -> Alphabet | None:
    """The alphabet that ``data_coding`` names; None for the default alphabet of the SMSC."""
    if data_coding < 0x10:
        return _BY_DATA_CODING.get(data_coding)
    group = data_coding >> 4
    if group < 0x8:
        compressed = data_coding & 0x20
        return Alphabet.BINARY if compressed else _GSM_CODING_BITS[data_coding >> 2 & 0x03]
    if group in (0xC, 0xD):
        return Alphabet.GSM7
    if group == 0xE:
        return Alphabet.UCS2
    if group == 0xF:
        return Alphabet.BINARY if data_coding & 0x04 else Alphabet.GSM7
    return None


_MEANINGS: Final = tuple(_meaning(data_coding) for data_coding in range(256))


def alphabet_of(data_coding: int, default_alphabet: str = Alphabet.GSM7) -> Alphabet:
    """The alphabet of ``data_coding`` (0 to 255) where the SMSC's default is one of ``DEFAULT_ALPHABETS``.

    GSM 7 bit text outside of data_coding 0 is packed when ``default_alphabet`` is "gsm7-packed": how septets travel is
    a habit of the peer. Raises ``TextError`` for a default alphabet that is none.
    """
    if default_alphabet not in DEFAULT_ALPHABETS:
        raise TextError(
            f"{default_alphabet!r} is no default alphabet; these are: {', '.join(sorted(DEFAULT_ALPHABETS))}"
        )
    meaning = _MEANINGS[data_coding]
    if meaning is None or (meaning is Alphabet.GSM7 and default_alphabet == Alphabet.GSM7_PACKED):
        return Alphabet(default_alphabet)
    return meaning


def is_text(data_coding: int) -> bool:
    """Whether ``data_coding`` announces text at all, and not 8-bit data, a pictogram or compressed text."""
    return _MEANINGS[data_coding] is not Alphabet.BINARY


def decode_text(
    octets: bytes, data_coding: int, *, default_alphabet: str = Alphabet.GSM7, udh: Udh | None = None
) -> str:
    """The text in ``octets``, which stand after the user data header if there is one.

    Never raises for any octets: what is no character becomes U+FFFD. Binary data comes out as Latin-1 (ask ``is_text``
    first when that matters). ``udh`` selects national language tables and the alignment of packed septets. Raises
    ``TextError`` for a default alphabet that is none.
    """
    alphabet = alphabet_of(data_coding, default_alphabet)
    if alphabet is Alphabet.UCS2:
        return ucs2.decode(octets)
    if alphabet is Alphabet.GSM7_PACKED:
        octets = gsm7.unpack(octets, fill_bits=udh.fill_bits if udh is not None else 0)
    if alphabet is Alphabet.GSM7 or alphabet is Alphabet.GSM7_PACKED:
        if udh is None:
            return gsm7.decode(octets)
        return gsm7.decode(octets, single_shift=udh.single_shift, locking_shift=udh.locking_shift)
    return octets.decode(_codec(alphabet), "replace")


def encode_text(
    text: str,
    data_coding: int,
    *,
    default_alphabet: str = Alphabet.GSM7,
    errors: Errors = "strict",
    udh: Udh | None = None,
) -> bytes:
    """The octets of ``text``, to stand after ``udh`` if one is given; the opposite of ``decode_text``.

    Raises ``TextError`` for a default alphabet that is none and, with ``errors="strict"``, for a character that the
    alphabet does not have; "replace" writes ``?``.
    """
    alphabet = alphabet_of(data_coding, default_alphabet)
    if alphabet is not Alphabet.GSM7 and alphabet is not Alphabet.GSM7_PACKED:
        return encode_octets(text, alphabet, errors=errors)
    single_shift, locking_shift = (udh.single_shift, udh.locking_shift) if udh is not None else (0, 0)
    septets = gsm7.encode(text, single_shift=single_shift, locking_shift=locking_shift, errors=errors)
    if alphabet is Alphabet.GSM7:
        return septets
    return gsm7.pack(septets, fill_bits=udh.fill_bits if udh is not None else 0)


def encode_octets(text: str, alphabet: Alphabet, *, errors: Errors = "strict") -> bytes:
    """The octets of ``text`` in an alphabet of whole octets, that is, any but the GSM 7 bit ones.

    Raises ``TextError`` as ``encode_text`` does.
    """
    if alphabet is Alphabet.UCS2:
        return ucs2.encode(text, errors=errors)
    try:
        return text.encode(_codec(alphabet), errors)
    except UnicodeEncodeError as error:
        raise TextError(f"{text[error.start]!r} at index {error.start} is not in {alphabet}") from error


def detect_alphabet(text: str) -> Literal["gsm7", "ucs2"]:
    """The alphabet that takes the fewest octets on the air: "gsm7" if it has every character, else "ucs2"."""
    return "gsm7" if gsm7.is_encodable(text) else "ucs2"


def _codec(alphabet: Alphabet) -> str:
    """Python's name for an alphabet that needs no code of ours."""
    return "latin-1" if alphabet is Alphabet.BINARY else alphabet.value
