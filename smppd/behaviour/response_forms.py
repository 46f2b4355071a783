"""Responses as carriers write them: bodies of refusals, statuses of their own, ids without a NUL, vendor TLVs.

The transport asks here only for accounts whose dialect deviates; all others are answered without this module.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from smppd.behaviour.receipt_forms import tlv
from smppd.settings.names import COMMANDS, command_status
from smppwire.codec import encode
from smppwire.constants import HEADER_LENGTH, RESPONSE_BIT, CommandId, CommandStatus, TlvTag, status_name
from smppwire.pdus import PDU_CLASSES, QuerySmResp, SubmitSmResp
from smppwire.smpp_time import parse_final_date

if TYPE_CHECKING:
    from collections.abc import Callable

    from smppd.settings.dialects import Dialect, IdForm
    from smppwire.pdus import Pdu

HEADER: Final = Struct(">IIII")
GENERIC_NACK: Final = int(CommandId.GENERIC_NACK)
ESME_RINVCMDID: Final = int(CommandStatus.ESME_RINVCMDID)

COMMAND_NAMES: Final = {int(command_id): name for name, command_id in COMMANDS.items()}

FINAL_DATES: Final = {"short": "%y%m%d%H%M%S", "iso": "%Y-%m-%d %H:%M:%S"}
"""How final_date is written where it is not the 16 characters of the specification (quirk Q49)."""


class ResponseWriter:
    """Writes the responses of one dialect."""

    def __init__(self, dialect: Dialect, vendor_tlvs: Callable[[str], bytes]) -> None:
        """Write as `dialect` says; `vendor_tlvs` gives the octets of the TLVs that are added to a PDU of this name."""
        form = dialect.response
        self._form = form
        self._vendor_tlvs = vendor_tlvs
        self._statuses = {int(CommandStatus[name]): command_status(value) for name, value in form.statuses.items()}
        self._nacked = frozenset(command_status(value) for value in form.nack)
        self._id_form: IdForm = dialect.message_id.response
        self.unsupported = frozenset(int(COMMANDS[name]) for name in form.unsupported)
        """The command_ids of requests that this message centre does not know."""

    def answer(self, request: Pdu, response: Pdu) -> bytes:
        """The octets of the response to a request, header included; one with an error status is a refusal."""
        if response.command_status:
            return self.refuse(request.command_id, response.sequence_number, response.command_status)
        if isinstance(response, QuerySmResp) and response.final_date and self._form.final_date in FINAL_DATES:
            body = self._query_body(response)
        elif isinstance(response, SubmitSmResp):
            body = self._submit_body(response)
        else:
            body = encode(response)[HEADER_LENGTH:]
        return self._frame(response.command_id, response.sequence_number, 0, body)

    def refuse(self, request_id: int, sequence_number: int, status: int) -> bytes:
        """The octets of a refusal (SMPP 3.4 leaves open what follows the header; quirks Q37 to Q44 and Q79)."""
        status = self._statuses.get(status, status)
        if status in self._nacked or request_id in self.unsupported:
            return HEADER.pack(HEADER_LENGTH, GENERIC_NACK, status, sequence_number)
        body = self._error_body(request_id | RESPONSE_BIT, status)
        return self._frame(request_id | RESPONSE_BIT, sequence_number, status, body)

    def refuse_unsupported(self, request_id: int, sequence_number: int) -> bytes:
        """The octets by which a request is refused that this message centre does not know."""
        return self.refuse(request_id, sequence_number, ESME_RINVCMDID)

    def _error_body(self, response_id: int, status: int) -> bytes:
        form = self._form
        words = status_name(status).encode("ascii")
        body = b""
        if form.error_body == "nul":
            body = b"\0"
        elif form.error_body == "full":
            body = _empty_body(response_id)
        elif form.error_body == "tlvs":
            body = tlv(TlvTag.ADDITIONAL_STATUS_INFO_TEXT, words + b"\0")
        if form.error_text_tlv:
            body += tlv(form.error_text_tlv, words)
        return body

    def _submit_body(self, response: SubmitSmResp) -> bytes:
        """The body of a submit_sm_resp, whose id may be missing or end without a NUL (quirks Q07 and Q11)."""
        form = self._id_form
        message_id = b"" if form.empty else response.message_id or b""
        body = message_id + b"\0" if form.terminated or form.empty else message_id
        return body + b"".join(tlv(tag, value) for tag, value in response.tlvs)

    def _query_body(self, response: QuerySmResp) -> bytes:
        moment = parse_final_date(response.final_date or b"")
        if moment is None:
            return encode(response)[HEADER_LENGTH:]
        # Written by hand: no encoder accepts a date that the specification does not know.
        date = moment.strftime(FINAL_DATES[self._form.final_date]).encode("ascii")
        state, error = response.message_state or 0, response.error_code or 0
        return b"%b\0%b\0%c%c" % (response.message_id or b"", date, state, error)

    def _frame(self, command_id: int, sequence_number: int, status: int, body: bytes) -> bytes:
        body += self._vendor_tlvs(COMMAND_NAMES[command_id])
        return HEADER.pack(HEADER_LENGTH + len(body), command_id, status, sequence_number) + body


def _empty_body(response_id: int) -> bytes:
    """The mandatory fields of a response, each with nothing in it."""
    return encode(PDU_CLASSES[response_id]())[HEADER_LENGTH:]
