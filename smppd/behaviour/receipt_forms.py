"""Receipts as carriers write them: from a template, in a spelling, a place and a PDU of the dialect's choice.

This is the readable way, one function per question. Messages of accounts without a dialect never get here: their
receipts are put together by `smppd.engine.receipts.DefaultDialect` (SMPP 3.4 appendix B).
"""

from __future__ import annotations

import string
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Final

from smppd.engine.message import ACCEPTED, DELIVERED, ENROUTE, UNDELIVERABLE
from smppd.engine.receipts import INTERMEDIATE_ESM_CLASS, acknowledgement_body, beginning, reference_tlv
from smppwire.constants import CommandId, MessageState, TlvTag, state_name
from smppwire.smpp_time import format_absolute

if TYPE_CHECKING:
    from collections.abc import Callable

    from smppd.behaviour.ids import IdSpelling
    from smppd.engine.message import Message
    from smppd.settings.dialects import ReceiptForm

DELIVER_SM: Final = int(CommandId.DELIVER_SM)
DATA_SM: Final = int(CommandId.DATA_SM)

MAX_SHORT_MESSAGE: Final = 255
"""Octets of a short_message: sm_length is one octet. What a template makes longer is cut, as carriers do."""

LONGEST_ADDRESS: Final = 20
LONGEST_ADDRESS_OF_DATA_SM: Final = 64
LONGEST_SERVICE_TYPE: Final = 5
"""Octets that deliver_sm and data_sm have room for."""

GSM_NETWORK: Final = b"\x03"
"""The network type of network_error_code (SMPP 3.4 section 5.3.2.31)."""

QUARTER_HOUR: Final = 900
"""Seconds of the unit in which SMPP counts time zones."""

STRFTIME: Final = {"10": "%y%m%d%H%M", "12": "%y%m%d%H%M%S", "14": "%Y%m%d%H%M%S"}

STATE_NAMES: Final = [state_name(state) for state in range(int(MessageState.SKIPPED) + 1)]
CONTRADICTIONS: Final = {DELIVERED: UNDELIVERABLE}
"""The state that the TLV of a contradictory receipt tells; of every failure it tells DELIVERED."""

Report = tuple[int, int, int, int, float]
"""(state, error_code, sub, dlvrd, done): what a receipt reports, `done` in Unix time."""


def tlv(tag: int, value: bytes) -> bytes:
    """One TLV (SMPP 3.4 section 3.2.4)."""
    return tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


class ReceiptWriter:
    """Writes the receipts of one dialect. It is a `Dialect` of the engine, as far as bodies are concerned."""

    def __init__(
        self, form: ReceiptForm, ids: IdSpelling, zone: tzinfo, vendor_tlvs: Callable[[str], bytes], alphabet: str
    ) -> None:
        """Write as `form` says.

        Args:
            form: the settings.
            ids: spells message ids.
            zone: of dates.
            vendor_tlvs: gives the octets of the TLVs that are added to a PDU of this name.
            alphabet: what data_coding 0 stands for.
        """
        self._form = form
        self._ids = ids
        self._zone = zone
        self._alphabet = alphabet
        self._parts = _parse(form.template)
        self.command_id = DATA_SM if form.pdu == "data_sm" else DELIVER_SM
        self._vendor_tlvs = vendor_tlvs(form.pdu)
        self._vendor_tlvs_of_deliver_sm = vendor_tlvs("deliver_sm")

    def receipt_body(self, message: Message, *, tlvs: bool) -> bytes:
        """The body of the PDU that reports the final state of a message."""
        return self._body(message, _report_of(message), self._form.esm_class, tlvs=tlvs)

    def accepted_body(self, message: Message, *, tlvs: bool) -> bytes:
        """The body of the receipt that says ACCEPTD while the message is still ENROUTE."""
        report = (ACCEPTED, 0, 1, 0, message.accepted_wall)
        return self._body(message, report, self._form.esm_class, tlvs=tlvs)

    def intermediate_body(self, message: Message, *, tlvs: bool) -> bytes:
        """The body of an intermediate notification (SMPP 3.4 section 5.2.12)."""
        report = (ENROUTE, message.error_code, 1, 0, message.accepted_wall)
        return self._body(message, report, INTERMEDIATE_ESM_CLASS, tlvs=tlvs)

    def acknowledgement_body(self, message: Message, esm_class: int, *, tlvs: bool) -> bytes:
        """The body of an SME acknowledgement: it comes from a handset, so only vendor TLVs are the carrier's."""
        body = acknowledgement_body(message, esm_class, tlvs=tlvs)
        return body + self._vendor_tlvs_of_deliver_sm if tlvs else body

    def _body(self, message: Message, report: Report, esm_class: int, *, tlvs: bool) -> bytes:
        form = self._form
        text = b"" if form.carrier == "tlvs" and tlvs else self._text(message, report)
        in_payload = tlvs and (form.text_in == "message_payload" or self.command_id == DATA_SM)
        # A session below 3.4 knows neither data_sm nor TLVs: there everything stands in a deliver_sm's text.
        is_data_sm = tlvs and self.command_id == DATA_SM
        body = self._fixed_part(message, esm_class, b"" if in_payload else text, is_data_sm=is_data_sm)
        if not tlvs:
            return body
        if in_payload and text:
            body += tlv(TlvTag.MESSAGE_PAYLOAD, text)
        if form.carrier != "text":
            body += self._tlvs(message, report)
        return body + self._vendor_tlvs

    def _fixed_part(self, message: Message, esm_class: int, text: bytes, *, is_data_sm: bool) -> bytes:
        """The mandatory fields: those of data_sm are the beginning of those of deliver_sm, but for three."""
        form = self._form
        pdu = message.pdu
        room = LONGEST_ADDRESS_OF_DATA_SM if is_data_sm else LONGEST_ADDRESS
        subscriber = (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr[:room])
        esme = (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr[:room])
        first, second = (subscriber, esme) if form.addresses == "swapped" else (esme, subscriber)
        addresses = b"%b\0%c%c%b\0%c%c%b\0%c" % (
            pdu.service_type[:LONGEST_SERVICE_TYPE],
            *first,
            *second,
            esm_class,
        )
        if is_data_sm:
            return addresses + bytes((form.registered_delivery, form.data_coding))
        return addresses + b"\0\0\0\0%c\0%c\0%c%b" % (form.registered_delivery, form.data_coding, len(text), text)

    def _text(self, message: Message, report: Report) -> bytes:
        values: dict[str, bytes] = {}
        text = bytearray()
        for literal, name in self._parts:
            text += literal
            if name is not None:
                value = values.get(name)
                if value is None:
                    value = values[name] = FIELDS[name](self, message, report)
                text += value
        octets = bytes(text[:MAX_SHORT_MESSAGE])
        return octets[: MAX_SHORT_MESSAGE - 1] + b"\0" if self._form.terminated else octets

    def _tlvs(self, message: Message, report: Report) -> bytes:
        form = self._form
        state, error_code = report[:2]
        octets = b""
        for name in form.tlvs:
            if name == "receipted_message_id":
                message_id = self._ids.in_tlv(message.message_id, below_34=_is_below_34(message))
                octets += tlv(TlvTag.RECEIPTED_MESSAGE_ID, message_id)
            elif name == "message_state":
                told = CONTRADICTIONS.get(state, DELIVERED) if form.carrier == "contradictory" else state
                octets += tlv(TlvTag.MESSAGE_STATE, bytes((told,)))
            elif name == "network_error_code":
                octets += self._network_error_code(error_code)
            else:
                octets += reference_tlv(message)
        return octets

    def _network_error_code(self, error_code: int) -> bytes:
        if self._form.network_error_code == "ascii":
            return tlv(TlvTag.NETWORK_ERROR_CODE, b"%03d" % (error_code % 1000))
        if not error_code:
            return b""
        return tlv(TlvTag.NETWORK_ERROR_CODE, GSM_NETWORK + error_code.to_bytes(2, "big"))

    # -- the fields of a template -------------------------------------------------------------------------------------

    def _id(self, message: Message, _report: Report) -> bytes:
        return self._ids.in_text(message.message_id, below_34=_is_below_34(message))

    def _sub(self, _message: Message, report: Report) -> bytes:
        return b"%03d" % report[2]

    def _dlvrd(self, _message: Message, report: Report) -> bytes:
        return b"%03d" % report[3]

    def _submit_date(self, message: Message, _report: Report) -> bytes:
        return self._date(message.accepted_wall)

    def _done_date(self, _message: Message, report: Report) -> bytes:
        return self._date(report[4])

    def _stat(self, _message: Message, report: Report) -> bytes:
        name = STATE_NAMES[report[0]]
        return self._form.states.get(name, name).encode("latin-1", "replace")

    def _err(self, _message: Message, report: Report) -> bytes:
        state, error_code = report[:2]
        text = self._form.errors.get(STATE_NAMES[state])
        return text.encode("latin-1", "replace") if text is not None else b"%0*d" % (self._form.err_width, error_code)

    def _beginning(self, message: Message, _report: Report) -> bytes:
        return beginning(message, self._form.text_length, self._alphabet)

    def _date(self, seconds: float) -> bytes:
        moment = datetime.fromtimestamp(seconds, self._zone)
        if self._form.date != "smpp":
            return moment.strftime(STRFTIME[self._form.date]).encode("ascii")
        offset = moment.utcoffset()
        quarters = 0 if offset is None else int(offset.total_seconds()) // QUARTER_HOUR
        return format_absolute(moment.astimezone(UTC), quarters)


FIELDS: Final[dict[str, Callable[[ReceiptWriter, Message, Report], bytes]]] = {
    "id": ReceiptWriter._id,  # noqa: SLF001
    "sub": ReceiptWriter._sub,  # noqa: SLF001
    "dlvrd": ReceiptWriter._dlvrd,  # noqa: SLF001
    "submit_date": ReceiptWriter._submit_date,  # noqa: SLF001
    "done_date": ReceiptWriter._done_date,  # noqa: SLF001
    "stat": ReceiptWriter._stat,  # noqa: SLF001
    "err": ReceiptWriter._err,  # noqa: SLF001
    "text": ReceiptWriter._beginning,  # noqa: SLF001
}
"""What a template may name."""


def _parse(template: str) -> list[tuple[bytes, str | None]]:
    return [(literal.encode("latin-1", "replace"), name) for literal, name, _, _ in string.Formatter().parse(template)]


def _report_of(message: Message) -> Report:
    """What is to be said about a message, or about the whole of which it is a part."""
    assembly = message.assembly
    if assembly is None or assembly.verdict is None:
        return message.state, message.error_code, 1, int(message.state == DELIVERED), message.final_wall
    state, error_code, delivered = assembly.verdict
    return state, error_code, assembly.total, delivered, assembly.final_wall


def _is_below_34(message: Message) -> bool:
    return message.bind is not None and message.bind.hex_ids
