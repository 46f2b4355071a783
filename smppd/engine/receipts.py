"""Plain receipts: what delivery receipts look like when no dialect asks for another spelling.

Text as in SMPP 3.4 appendix B, the TLVs receipted_message_id and message_state beside it, addresses swapped, esm_class
0x04. The body is put together from octets directly: at tens of thousands of receipts a second there is no room for a
PDU object that would be encoded at once.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Final

from smppd.engine.message import ACCEPTED, DELIVERED, ENROUTE, text_octets
from smppwire.bulk import ESCAPE, LONGEST_ADDRESS, LONGEST_SERVICE_TYPE, TEXT_OCTETS, UDHI, receipt_bodies
from smppwire.constants import MessageState, TlvTag, state_name
from smppwire.pdus import SubmitSm
from smppwire.text import decode_text, encode_text, is_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smppd.engine.message import Message
    from smppd.engine.multipart import Assembly

RECEIPT_ESM_CLASS: Final = 0x04
INTERMEDIATE_ESM_CLASS: Final = 0x20
MANUAL_ESM_CLASS: Final = 0x10

LONGEST_BEGINNING: Final = 4 * TEXT_OCTETS
"""Octets that hold the first twenty characters in every alphabet: a surrogate pair has four."""

LONGEST_ADDRESS_OF_DATA_SM: Final = 64
"""Octets that the addresses of data_sm have room for. What a data_sm brought goes back as data_sm when it is too long
for deliver_sm. With `[validation] strict = false` anything may be longer: what does not fit is cut, because an ESME
refuses a receipt that is malformed."""

MIDDLES_LIMIT: Final = 4096
"""Combinations of dates, state and error that are remembered ready-made; then they are made anew. Receipts of one
minute share one or a few."""

STATES: Final = [state_name(state).encode("ascii") for state in range(int(MessageState.SKIPPED) + 1)]
MESSAGE_STATE_TLV: Final = [
    int(TlvTag.MESSAGE_STATE).to_bytes(2, "big") + b"\x00\x01" + bytes((state,))
    for state in range(int(MessageState.SKIPPED) + 1)
]
RECEIPTED_MESSAGE_ID: Final = int(TlvTag.RECEIPTED_MESSAGE_ID).to_bytes(2, "big")
USER_MESSAGE_REFERENCE: Final = int(TlvTag.USER_MESSAGE_REFERENCE)
NETWORK_ERROR_CODE: Final = int(TlvTag.NETWORK_ERROR_CODE).to_bytes(2, "big") + b"\x00\x03\x03"
"""Tag, length 3, and network type 3 (GSM)."""

USER_RESPONSE_CODE: Final = int(TlvTag.USER_RESPONSE_CODE).to_bytes(2, "big") + b"\x00\x01\x00"
"""The code that a user gives with a manual acknowledgement means what the application says (5.3.2.18): always 0."""

AFTER_TYPE: Final = b"\x00\x00\x00\x00\x00\x00\x00"
"""protocol_id, priority_flag, schedule_delivery_time, validity_period, registered_delivery,
replace_if_present_flag, data_coding: all unused in a receipt."""


COUNTS: Final = (b"sub:001 dlvrd:000", b"sub:001 dlvrd:001")
"""What a receipt counts of one message: that it was not delivered, and that it was."""


class PlainReceipts:
    """Receipts as most message centres write them."""

    def __init__(self, zone: tzinfo = UTC) -> None:
        """Report dates in `zone`."""
        self._zone = zone
        self._middles: dict[tuple[float, float, int, int], bytes] = {}

    def receipt_body(self, message: Message, *, tlvs: bool) -> bytes:
        """The deliver_sm body that reports the final state of a message."""
        assembly = message.assembly
        if assembly is None or assembly.verdict is None:
            return self._body(message, message.state, RECEIPT_ESM_CLASS, message.final_wall, tlvs=tlvs)
        return self._body(
            message, assembly.verdict.state, RECEIPT_ESM_CLASS, assembly.final_wall, tlvs=tlvs, whole=assembly
        )

    def receipt_bodies(self, messages: Sequence[Message], *, tlvs: bool) -> list[bytes]:
        """The same of several messages, in their order.

        Whoever writes most of them knows nothing of long messages, and need not: a part of one has a user data header,
        or TLVs, and comes back here.
        """
        return receipt_bodies(
            messages,
            self._wording,
            lambda message: self.receipt_body(message, tlvs=tlvs),
            RECEIPT_ESM_CLASS,
            with_tlvs=tlvs,
        )

    def _wording(self, message: Message) -> tuple[bytes, bytes]:
        """What the receipt of a message by itself has in common with others of the same minutes, state and error."""
        state, error_code = message.state, message.error_code
        middle = self._middle(message.accepted_wall, message.final_wall, state, error_code)
        return COUNTS[state == DELIVERED] + middle, _state_tlvs(state, error_code)

    def accepted_body(self, message: Message, *, tlvs: bool) -> bytes:
        """The deliver_sm body of a receipt that says ACCEPTD while the message is still ENROUTE (quirk Q22)."""
        return self._body(message, ACCEPTED, RECEIPT_ESM_CLASS, message.accepted_wall, tlvs=tlvs)

    def intermediate_body(self, message: Message, *, tlvs: bool) -> bytes:
        """The deliver_sm body of an intermediate notification: state ENROUTE, esm_class 0x20."""
        return self._body(message, ENROUTE, INTERMEDIATE_ESM_CLASS, message.accepted_wall, tlvs=tlvs)

    def acknowledgement_body(self, message: Message, esm_class: int, *, tlvs: bool) -> bytes:
        """The deliver_sm body of an SME acknowledgement: from the subscriber, without a text, of this esm_class.

        It repeats the user_message_reference, by which the ESME knows what is acknowledged (5.3.2.17).
        """
        pdu = message.pdu
        body = b"%b\0%c%c%b\0%c%c%b\0%c%b\0\0" % (
            pdu.service_type,
            pdu.dest_addr_ton,
            pdu.dest_addr_npi,
            pdu.destination_addr,
            pdu.source_addr_ton,
            pdu.source_addr_npi,
            pdu.source_addr,
            esm_class,
            AFTER_TYPE,
        )
        if not tlvs:
            return body
        if esm_class == MANUAL_ESM_CLASS:
            body += USER_RESPONSE_CODE
        return body + _reference_tlv(message)

    def _body(
        self, message: Message, state: int, esm_class: int, done: float, *, tlvs: bool, whole: Assembly | None = None
    ) -> bytes:
        """The body that reports a state of one message, or of the whole of which it is a part."""
        pdu = message.pdu
        message_id = message.message_id
        error_code = message.error_code
        if whole is not None and whole.verdict is not None:
            _, error_code, delivered = whole.verdict
            counts = b"sub:%03d dlvrd:%03d" % (whole.total, delivered)
            text = _beginning(whole.first)
        else:
            counts = COUNTS[state == DELIVERED]
            is_plain = pdu.esm_class < UDHI and not pdu.tlvs and not pdu.data_coding
            text = pdu.short_message[:TEXT_OCTETS] if is_plain else _beginning(message)
        text = text.removesuffix(ESCAPE)
        room = LONGEST_ADDRESS if pdu.__class__ is SubmitSm else LONGEST_ADDRESS_OF_DATA_SM
        middle = self._middle(message.accepted_wall, done, state, error_code)
        short_message = b"id:%b %b%b%b" % (message_id, counts, middle, text)
        body = b"%b\0%c%c%b\0%c%c%b\0%c%b\0%c%b" % (
            pdu.service_type[:LONGEST_SERVICE_TYPE],
            pdu.dest_addr_ton,
            pdu.dest_addr_npi,
            pdu.destination_addr[:room],
            pdu.source_addr_ton,
            pdu.source_addr_npi,
            pdu.source_addr[:room],
            esm_class,
            AFTER_TYPE,
            len(short_message),
            short_message,
        )
        if not tlvs:
            return body
        body += b"%b%c%c%b\0%b" % (
            RECEIPTED_MESSAGE_ID,
            0,
            len(message_id) + 1,
            message_id,
            _state_tlvs(state, error_code),
        )
        if pdu.tlvs:
            body += _reference_tlv(message)
        return body

    def _middle(self, submitted: float, done: float, state: int, error_code: int) -> bytes:
        """What stands between the counts and the text: the same for all messages of a minute that fare alike."""
        key = (submitted // 60, done // 60, state, error_code)
        middle = self._middles.get(key)
        if middle is None:
            if len(self._middles) >= MIDDLES_LIMIT:
                self._middles.clear()
            dates = self._date(key[0]), self._date(key[1])
            middle = b" submit date:%b done date:%b stat:%b err:%03d text:" % (*dates, STATES[state], error_code)
            self._middles[key] = middle
        return middle

    def _date(self, minute: float) -> bytes:
        """Ten digits of a minute since 1970."""
        return datetime.fromtimestamp(minute * 60, self._zone).strftime("%y%m%d%H%M").encode("ascii")


def _state_tlvs(state: int, error_code: int) -> bytes:
    """The TLVs that say what became of a message."""
    if not error_code:
        return MESSAGE_STATE_TLV[state]
    return MESSAGE_STATE_TLV[state] + NETWORK_ERROR_CODE + error_code.to_bytes(2, "big")


def _beginning(message: Message) -> bytes:
    """The first octets of the text that a person wrote: after the user data header, wherever the text stands.

    A receipt is in the default alphabet, whatever the original was in: a UCS-2 text is written again with what GSM
    03.38 has of it, and octets that are no text at all are left out.
    """
    pdu = message.pdu
    octets = text_octets(pdu)
    if pdu.esm_class & UDHI and octets:
        octets = octets[octets[0] + 1 :]
    if not pdu.data_coding:
        return octets[:TEXT_OCTETS]
    if not is_text(pdu.data_coding):
        return b""
    text = decode_text(octets[:LONGEST_BEGINNING], pdu.data_coding)[:TEXT_OCTETS]
    return encode_text(text, 0, errors="replace")[:TEXT_OCTETS]


def _reference_tlv(message: Message) -> bytes:
    """The original's user_message_reference, which its receipt repeats (SMPP 3.4 section 5.3.2.17)."""
    value = message.pdu.tlv(USER_MESSAGE_REFERENCE)
    if value is None:
        return b""
    return USER_MESSAGE_REFERENCE.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value
