"""What an SMSC delivers, read as cheaply as can be: receipts by the hundred thousand, everything else in full.

A receipt in a deliver_sm is found with one expression over the mandatory part and one over its text; what either does
not match is decoded with smppwire and read with `parse_receipt`, which takes any spelling but costs ten times as much.
"""

from __future__ import annotations

import re
from struct import Struct
from typing import TYPE_CHECKING, Final

from smppd.load.ledger import ReceiptSeen
from smppwire.constants import TlvTag, state_name
from smppwire.receipt import parse_receipt

if TYPE_CHECKING:
    from smppwire.pdus import DataSm, DeliverSm

MESSAGE_TYPE_MASK: Final = 0x3C
"""esm_class, bits 5-2: the message type (SMPP 3.4, 5.2.12)."""

RECEIPT_TYPE: Final = 0x04
INTERMEDIATE_TYPE: Final = 0x20

PROVISIONAL: Final = frozenset({"ENROUTE", "SCHEDULED", "BUFFRED", "BUFFERD"})
"""States that say "not yet": whoever sends them as a receipt sends another one later. The last two are spellings of
Kannel and others for a message that waits for its handset."""

UNKNOWN_STATE: Final = "(no state)"
"""What a receipt is counted under that names no state."""

_MANDATORY: Final = re.compile(
    rb"[^\0]{0,5}\0..[^\0]{0,20}\0..[^\0]{0,20}\0(.)..(?:[^\0]{16})?\0(?:[^\0]{16})?\0....(.)", re.DOTALL
)
"""The body of a deliver_sm up to sm_length: esm_class and sm_length (4.6.1)."""

_APPENDIX_B: Final = re.compile(rb"id:([!-~]{1,65}) sub:.{0,80}? stat:([A-Z]{2,10}) ")
_TLV: Final = Struct(">HH")
_RECEIPTED_MESSAGE_ID: Final = int(TlvTag.RECEIPTED_MESSAGE_ID)


def read_receipt(buffer: bytes, start: int, end: int) -> ReceiptSeen | None:
    """The final receipt in the deliver_sm whose body is ``buffer[start:end]``; None for anything of another form.

    What gives None is decoded in full by the caller and handed to `receipt_of`. Never raises.
    """
    mandatory = _MANDATORY.match(buffer, start, end)
    if mandatory is None or buffer[mandatory.start(1)] & MESSAGE_TYPE_MASK != RECEIPT_TYPE:
        return None
    position = mandatory.end()
    text_end = position + buffer[position - 1]
    text = _APPENDIX_B.match(buffer, position, min(text_end, end))
    if text is None:
        return None
    tlv_id = None
    position = text_end
    while end - position >= _TLV.size:
        tag, length = _TLV.unpack_from(buffer, position)
        position += _TLV.size
        if tag == _RECEIPTED_MESSAGE_ID and position + length <= end:
            tlv_id = buffer[position : position + length].rstrip(b"\0")
            break
        position += length
    text_id, word = text.groups()
    state = word.decode("ascii")
    return None if state in PROVISIONAL else ReceiptSeen(tlv_id, text_id, state)


def receipt_of(pdu: DeliverSm | DataSm) -> tuple[ReceiptSeen, bool] | None:
    """The receipt in a decoded deliver_sm or data_sm, whatever its spelling, and whether it is final.

    None when it is no receipt. An intermediate notification is not final, nor is a state that another one follows.
    Never raises.
    """
    kind = pdu.esm_class & MESSAGE_TYPE_MASK
    if kind not in (RECEIPT_TYPE, INTERMEDIATE_TYPE):
        return None
    named = pdu.tlv(TlvTag.RECEIPTED_MESSAGE_ID)
    octets = getattr(pdu, "short_message", b"") or pdu.tlv(TlvTag.MESSAGE_PAYLOAD) or b""
    receipt = parse_receipt(octets)
    code = pdu.tlv(TlvTag.MESSAGE_STATE)
    state = receipt.stat or (state_name(code[0]) if code else UNKNOWN_STATE)
    seen = ReceiptSeen(
        tlv_id=None if named is None else named.rstrip(b"\0"),
        text_id=None if receipt.id is None else receipt.id.encode("latin-1", "replace"),
        state=state,
    )
    return seen, kind == RECEIPT_TYPE and state not in PROVISIONAL
