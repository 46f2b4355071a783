"""The encodings a profile may name: an alphabet, and the data_coding it is usually announced with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from smppwire.segmentation import capacity
from smppwire.text import gsm7
from smppwire.text.data_coding import Alphabet, encode_octets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smppwire.text.gsm7 import Errors

AUTO: Final = "auto"
"""GSM 7 bit where it has all characters of a message, else UCS-2."""


class Encoding(NamedTuple):
    """How text becomes octets. The name is what a profile says; data_coding (SMPP 3.4, 5.2.19) what peers expect."""

    name: str
    alphabet: Alphabet
    data_coding: int

    def encode(self, text: str, errors: Errors = "replace") -> bytes:
        """The units of ``text``: septets, one per octet, for both GSM 7 bit encodings, else octets.

        A missing character becomes ``?``, or raises ``TextError`` with ``errors="strict"``.
        """
        if self.is_gsm:
            return gsm7.encode(text, errors=errors)
        return encode_octets(text, self.alphabet, errors=errors)

    @property
    def is_gsm(self) -> bool:
        """Whether units are septets."""
        return self.alphabet in {Alphabet.GSM7, Alphabet.GSM7_PACKED}

    @property
    def keeps_ascii(self) -> bool:
        """Whether digits, ASCII letters, spaces and ``,-./:`` are their own octets."""
        return self.alphabet is not Alphabet.UCS2

    @property
    def room(self) -> int:
        """Units of a message in one part."""
        return capacity(self.alphabet)


ENCODINGS: Final[Mapping[str, Encoding]] = {
    encoding.name: encoding
    for encoding in (
        Encoding("gsm7", Alphabet.GSM7, 0x00),
        Encoding("gsm7-packed", Alphabet.GSM7_PACKED, 0x00),
        Encoding("ascii", Alphabet.ASCII, 0x01),
        Encoding("latin-1", Alphabet.LATIN1, 0x03),
        Encoding("binary", Alphabet.BINARY, 0x04),
        Encoding("ucs2", Alphabet.UCS2, 0x08),
    )
}
"""Every encoding by its name; "auto" chooses between two of them."""

GSM7: Final = ENCODINGS["gsm7"]
UCS2: Final = ENCODINGS["ucs2"]
BINARY: Final = ENCODINGS["binary"]
