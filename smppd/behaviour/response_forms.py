"""Responses as message centres write them: bodies of refusals, statuses of their own, ids without a NUL, vendor TLVs.

The transport asks here only for accounts whose dialect deviates; all others are answered without this module.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from smppd.behaviour.receipt_forms import tlv
from smppd.settings.names import COMMANDS, command_status
from smppwire.codec import encode
from smppwire.constants import HEADER_LENGTH, RESPONSE_BIT, CommandId, CommandStatus, TlvTag, status_name
from smppwire.pdus import PDU_CLASSES, DataSmResp, QuerySmResp, SubmitMultiResp, SubmitSmResp
from smppwire.smpp_time import parse_final_date

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

    from smppd.settings.dialects import Dialect
    from smppwire.pdus import Pdu

HEADER: Final = Struct(">IIII")
GENERIC_NACK: Final = int(CommandId.GENERIC_NACK)
ESME_RINVCMDID: Final = int(CommandStatus.ESME_RINVCMDID)

FINAL_DATES: Final = {"short": "%y%m%d%H%M%S", "iso": "%Y-%m-%d %H:%M:%S"}
"""How final_date is written where it is not the 16 characters of the specification (quirk Q49)."""


class ResponseWriter:
    """Writes the responses of one dialect, header included.

    `tlvs` says whether the session may be sent TLVs: one below 3.4 is not.
    """

    def __init__(self, dialect: Dialect, zone: tzinfo, vendor_tlvs: Callable[[int], bytes]) -> None:
        """Write as `dialect` says, dates that state no zone in `zone`.

        `vendor_tlvs` gives the octets of the TLVs that are added to a PDU of this command_id.
        """
        form = dialect.response
        self._form = form
        self._zone = zone
        self._vendor_tlvs = vendor_tlvs
        self._statuses = {int(CommandStatus[name]): command_status(value) for name, value in form.statuses.items()}
        self._nacked = frozenset(command_status(value) for value in form.nack)
        self._id_is_empty = dialect.message_id.response.empty
        self._id_is_terminated = dialect.message_id.response.terminated or self._id_is_empty
        self.own_numbers = dialect.session.own_response_numbers
        """Whether responses are counted by each session instead of repeating the number of the request (quirk Q48)."""
        self.aligns = dialect.session.align_sequences
        """Whether our next request takes the number of the request that was answered last (quirk Q74)."""
        self.unsupported = frozenset(int(COMMANDS[name]) for name in form.unsupported)
        """The command_ids of requests that this message centre does not know."""

    def accept(self, message_id: bytes, sequence_number: int, added: bytes, *, tlvs: bool) -> bytes:
        """The octets of the submit_sm_resp that accepts a message; `added` are TLVs of ours."""
        body = self._id(message_id) + added
        return self._frame(CommandId.SUBMIT_SM_RESP, 0, sequence_number, body, tlvs=tlvs)

    def answer(self, response: Pdu, sequence_number: int, *, tlvs: bool) -> bytes:
        """The octets of any response. One with an error status is a refusal, unless it has something to tell."""
        body = self._body(response)
        if response.command_status and not body:
            return self.refuse(response.command_id, response.command_status, sequence_number, tlvs=tlvs)
        status = self._statuses.get(response.command_status, response.command_status)
        return self._frame(response.command_id, status, sequence_number, body, tlvs=tlvs)

    def refuse(self, response_id: int, status: int, sequence_number: int, *, tlvs: bool) -> bytes:
        """The octets of a refusal; `response_id` is that of the response, or of a generic_nack.

        SMPP 3.4 leaves open what follows the header (quirks Q37 to Q44, and Q79).
        """
        words = status_name(status).encode("ascii")
        status = self._statuses.get(status, status)
        if status in self._nacked or response_id == GENERIC_NACK or response_id & ~RESPONSE_BIT in self.unsupported:
            return self._frame(GENERIC_NACK, status, sequence_number, b"", tlvs=tlvs)
        body = self._error_body(response_id, words, tlvs=tlvs)
        return self._frame(response_id, status, sequence_number, body, tlvs=tlvs)

    def refuse_unsupported(self, request_id: int, sequence_number: int, *, tlvs: bool) -> bytes:
        """The octets by which a request is refused that this message centre does not know."""
        return self.refuse(request_id | RESPONSE_BIT, ESME_RINVCMDID, sequence_number, tlvs=tlvs)

    def _error_body(self, response_id: int, words: bytes, *, tlvs: bool) -> bytes:
        """What follows the header; `words` say what is wrong, whatever number the dialect has for it."""
        form = self._form
        body = b""
        if form.error_body == "nul":
            body = b"\0"
        elif form.error_body == "full":
            body = _empty_body(response_id)
        elif form.error_body == "tlvs" and tlvs:
            body = tlv(TlvTag.ADDITIONAL_STATUS_INFO_TEXT, words + b"\0")
        if form.error_text_tlv and tlvs:
            body += tlv(form.error_text_tlv, words)
        return body

    def _body(self, response: Pdu) -> bytes:
        if isinstance(response, (SubmitSmResp, DataSmResp)) and response.message_id is not None:
            return self._id(response.message_id) + b"".join(tlv(tag, value) for tag, value in response.tlvs)
        if isinstance(response, QuerySmResp) and self._form.final_date in FINAL_DATES:
            return self._query_body(response)
        if isinstance(response, SubmitMultiResp) and self._id_is_empty and response.message_id is not None:
            response.message_id = b""
        return encode(response)[HEADER_LENGTH:]

    def _id(self, message_id: bytes) -> bytes:
        """The id where it is the only field of a body: it may be missing, or end without a NUL (quirks Q07, Q11)."""
        written = b"" if self._id_is_empty else message_id
        return written + b"\0" if self._id_is_terminated else written

    def _query_body(self, response: QuerySmResp) -> bytes:
        moment = parse_final_date(response.final_date or b"")
        if moment is not None:
            local = moment.astimezone(self._zone)
            response.final_date = local.strftime(FINAL_DATES[self._form.final_date]).encode("ascii")
        return encode(response)[HEADER_LENGTH:]

    def _frame(self, command_id: int, status: int, sequence_number: int, body: bytes, *, tlvs: bool) -> bytes:
        if tlvs:
            body += self._vendor_tlvs(command_id)
        return HEADER.pack(HEADER_LENGTH + len(body), command_id, status, sequence_number) + body


def _empty_body(response_id: int) -> bytes:
    """The mandatory fields of a response, each with nothing in it."""
    return encode(PDU_CLASSES[response_id]())[HEADER_LENGTH:]
