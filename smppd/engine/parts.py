"""How many short messages on the air one submitted message makes: what `count = "parts"` windows are paid in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.engine.message import text_octets
from smppwire.constants import TlvTag

if TYPE_CHECKING:
    from smppwire.pdus import SubmitSm

UDHI: Final = 0x40
UCS2: Final = 0x08
EIGHT_BIT: Final = frozenset((0x02, 0x04, *range(0xF4, 0xF8), *range(0xFC, 0x100)))
"""data_coding of binary messages: 8-bit, and message class with bit 2 set (3GPP TS 23.038 section 4)."""

SAR_TOTAL_SEGMENTS: Final = int(TlvTag.SAR_TOTAL_SEGMENTS)

SEPTETS: Final = (160, 153)
OCTETS: Final = (140, 134)
"""Room of a single message, and of each part of a longer one under an 8-bit reference (3GPP TS 23.040 9.2.3.24.1)."""


def parts_of(pdu: SubmitSm) -> int:
    """The number of parts, at least 1. What the ESME segmented itself (UDHI or SAR) is one part."""
    if pdu.esm_class & UDHI or (pdu.tlvs and pdu.tlv(SAR_TOTAL_SEGMENTS) is not None):
        return 1
    length = len(text_octets(pdu))
    single, each = OCTETS if pdu.data_coding == UCS2 or pdu.data_coding in EIGHT_BIT else SEPTETS
    return 1 if length <= single else -(-length // each)
