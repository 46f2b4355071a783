"""The user data header: what stands before the text when esm_class has the UDHI bit (3GPP TS 23.040, 9.2.3.24).

Its first octet counts the octets that follow; then come information elements, each an identifier, a length and data.
``parse_udh`` keeps every element as it is; the properties of ``Udh`` read the ones that matter to a message
centre, by the rules of the standard for what is wrong or said twice: an element with a wrong length or impossible
values is ignored as if it were not there, and of those left the last one counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from smppwire.errors import TextError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_UDH_LENGTH: Final = 255
"""Most octets of elements in one header: UDHL is one octet. On the air interface only 139 fit."""

CONCAT_8BIT_OCTETS: Final = 6
"""Size of a header that holds nothing but a concatenation element with an 8-bit reference, UDHL included."""

CONCAT_16BIT_OCTETS: Final = 7
"""The same with a 16-bit reference."""


class UdhError(TextError):
    """Octets that are no user data header, or values that do not fit one."""


class Iei(IntEnum):
    """Information element identifiers (3GPP TS 23.040, 9.2.3.24); others are kept as plain integers."""

    CONCATENATED_8BIT = 0x00
    SPECIAL_SMS_MESSAGE_INDICATION = 0x01
    APPLICATION_PORT_8BIT = 0x04
    APPLICATION_PORT_16BIT = 0x05
    CONCATENATED_16BIT = 0x08
    NATIONAL_LANGUAGE_SINGLE_SHIFT = 0x24
    NATIONAL_LANGUAGE_LOCKING_SHIFT = 0x25


class Element(NamedTuple):
    """An information element: its identifier and its data."""

    iei: int
    data: bytes


class Concat(NamedTuple):
    """Which part of a longer message this is: part ``seq`` (from 1) of ``total`` under ``ref``, of ``bits`` bits."""

    ref: int
    total: int
    seq: int
    bits: int


class Ports(NamedTuple):
    """Application ports; those of ``bits`` 8 are a number space of their own (9.2.3.24.3 and .4)."""

    destination: int
    source: int
    bits: int


@dataclass(frozen=True, slots=True)
class Udh:
    """A user data header: its information elements in order, duplicates and unknown ones included."""

    elements: tuple[Element, ...] = ()

    @property
    def length(self) -> int:
        """Octets of the whole header, UDHL included."""
        return 1 + sum(2 + len(data) for _, data in self.elements)

    @property
    def fill_bits(self) -> int:
        """Bits between this header and the first septet of *packed* text, which starts on a septet boundary."""
        return -8 * self.length % 7

    @property
    def concat(self) -> Concat | None:
        """The concatenation, of 8 or 16 bits; None if there is none, or none with 1 <= seq <= total (9.2.3.24.1)."""
        for iei, data in reversed(self.elements):
            if iei == Iei.CONCATENATED_8BIT and len(data) == 3:
                concat = Concat(data[0], data[1], data[2], 8)
            elif iei == Iei.CONCATENATED_16BIT and len(data) == 4:
                concat = Concat(data[0] << 8 | data[1], data[2], data[3], 16)
            else:
                continue
            if 1 <= concat.seq <= concat.total:
                return concat
        return None

    @property
    def ports(self) -> Ports | None:
        """The application ports, of 8 or 16 bits."""
        for iei, data in reversed(self.elements):
            if iei == Iei.APPLICATION_PORT_8BIT and len(data) == 2:
                return Ports(data[0], data[1], 8)
            if iei == Iei.APPLICATION_PORT_16BIT and len(data) == 4:
                return Ports(data[0] << 8 | data[1], data[2] << 8 | data[3], 16)
        return None

    @property
    def single_shift(self) -> int:
        """National language identifier of the single shift table; 0, the default table, when none is named."""
        return self._language(Iei.NATIONAL_LANGUAGE_SINGLE_SHIFT)

    @property
    def locking_shift(self) -> int:
        """National language identifier of the locking shift table; 0, the default table, when none is named."""
        return self._language(Iei.NATIONAL_LANGUAGE_LOCKING_SHIFT)

    def _language(self, wanted: Iei) -> int:
        """The identifier in the last sound element ``wanted``."""
        for iei, data in reversed(self.elements):
            if iei == wanted and len(data) == 1:
                return data[0]
        return 0


def parse_udh(octets: bytes) -> tuple[Udh, bytes]:
    """The header at the front of ``octets``, and what follows it.

    Raises ``UdhError`` when the header or one of its elements runs over its end; a receiver then ignores the
    whole header (9.2.3.24).
    """
    if not octets:
        raise UdhError("no octets, so no user data header")
    end = 1 + octets[0]
    if end > len(octets):
        raise UdhError(f"UDHL {octets[0]} runs over the {len(octets) - 1} octets that follow it")
    return Udh(tuple(_elements(octets, end))), octets[end:]


def build_udh(elements: Iterable[tuple[int, bytes]]) -> bytes:
    """The header made of ``elements``, UDHL first. Raises ``UdhError`` when a number needs two octets."""
    body = b"".join(_element_octets(iei, data) for iei, data in elements)
    if len(body) > MAX_UDH_LENGTH:
        raise UdhError(f"{len(body)} octets of elements; UDHL counts up to {MAX_UDH_LENGTH}")
    return bytes((len(body),)) + body


def concat_element(ref: int, total: int, seq: int, *, bits: int = 8) -> Element:
    """The concatenation element of one part, to be built into a header with others.

    ``bits`` (8 or 16) is the size of ``ref``. Raises ``UdhError`` unless 0 <= ref < 2**bits and
    1 <= seq <= total <= 255.
    """
    if bits not in (8, 16):
        raise UdhError(f"a reference has 8 or 16 bits, not {bits}")
    if not 0 <= ref < 1 << bits:
        raise UdhError(f"reference {ref} does not fit {bits} bits")
    if not 1 <= seq <= total <= 255:
        raise UdhError(f"part {seq} of {total} is not within 1 <= seq <= total <= 255")
    iei = Iei.CONCATENATED_8BIT if bits == 8 else Iei.CONCATENATED_16BIT
    return Element(iei, ref.to_bytes(bits // 8, "big") + bytes((total, seq)))


def concat_8bit(ref: int, total: int, seq: int) -> bytes:
    """The whole header ``05 00 03 ref total seq``. Raises ``UdhError`` as ``concat_element`` does."""
    return build_udh([concat_element(ref, total, seq, bits=8)])


def concat_16bit(ref: int, total: int, seq: int) -> bytes:
    """The whole header ``06 08 04 ref ref total seq``. Raises ``UdhError`` as ``concat_element`` does."""
    return build_udh([concat_element(ref, total, seq, bits=16)])


def ports_element(destination: int, source: int, *, bits: int = 16) -> Element:
    """The application port element. ``bits`` is 8 or 16. Raises ``UdhError`` when a port does not fit."""
    if bits not in (8, 16) or not (0 <= destination < 1 << bits and 0 <= source < 1 << bits):
        raise UdhError(f"ports {destination} and {source} do not fit {bits} bits each")
    iei = Iei.APPLICATION_PORT_8BIT if bits == 8 else Iei.APPLICATION_PORT_16BIT
    return Element(iei, destination.to_bytes(bits // 8, "big") + source.to_bytes(bits // 8, "big"))


def shift_elements(single_shift: int, locking_shift: int) -> list[Element]:
    """The elements that name national language tables; a 0 needs none. Raises ``UdhError`` above 255."""
    languages = (
        (Iei.NATIONAL_LANGUAGE_SINGLE_SHIFT, single_shift),
        (Iei.NATIONAL_LANGUAGE_LOCKING_SHIFT, locking_shift),
    )
    if not (0 <= single_shift <= 255 and 0 <= locking_shift <= 255):
        raise UdhError(f"national languages {single_shift} and {locking_shift} do not fit one octet each")
    return [Element(iei, bytes((language,))) for iei, language in languages if language]


def _elements(octets: bytes, end: int) -> Iterator[Element]:
    """The elements between UDHL and ``end``."""
    position = 1
    while position < end:
        data = position + 2
        if data > end or data + octets[position + 1] > end:
            raise UdhError(f"the information element at octet {position} runs over the end of the header")
        following = data + octets[position + 1]
        yield Element(octets[position], octets[data:following])
        position = following


def _element_octets(iei: int, data: bytes) -> bytes:
    """One element on the wire."""
    if not 0 <= iei <= 255 or len(data) > 255:
        raise UdhError(f"element 0x{iei:02x} with {len(data)} octets does not fit one octet each")
    return bytes((iei, len(data))) + data
