"""Receipts as message centres write them: from a template, in a spelling, a place and a PDU of the dialect's choice.

This is the readable way, one function per question. Messages of accounts whose dialect writes plain receipts never get
here: theirs are put together by `smppd.engine.receipts.PlainReceipts` (SMPP 3.4 appendix B).
"""

from __future__ import annotations

import string
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Final, NamedTuple

from smppd.engine.message import ACCEPTED, DELIVERED, ENROUTE, UNDELIVERABLE
from smppd.engine.multipart import text_of
from smppd.engine.receipts import INTERMEDIATE_ESM_CLASS, PlainReceipts
from smppwire.constants import CommandId, MessageState, TlvTag, state_name
from smppwire.pdus import SubmitSm
from smppwire.smpp_time import format_absolute
from smppwire.text import Alphabet, alphabet_of, encode_text, gsm7, is_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smppd.behaviour.ids import IdSpelling
    from smppd.engine.message import Message
    from smppd.settings.dialects import ReceiptForm

DELIVER_SM: Final = int(CommandId.DELIVER_SM)
DATA_SM: Final = int(CommandId.DATA_SM)

MAX_SHORT_MESSAGE: Final = 255
"""Octets of a short_message: sm_length is one octet. What a template makes longer is cut, as message centres do."""

MAX_PAYLOAD: Final = 65_535
"""Octets of a message_payload: the length of a TLV has 16 bits."""

LONGEST_ADDRESS: Final = 20
LONGEST_ADDRESS_OF_DATA_SM: Final = 64
LONGEST_SERVICE_TYPE: Final = 5
"""Octets that deliver_sm and data_sm have room for."""

GSM_NETWORK: Final = b"\x03"
"""The network type of network_error_code (SMPP 3.4 section 5.3.2.31)."""

QUARTER_HOUR: Final = 900
"""Seconds of the unit in which SMPP counts time zones."""

REMEMBERED: Final = 4096
"""Dates and numbers that are remembered as they are written; beyond that they are written anew."""

STRFTIME: Final = {"10": "%y%m%d%H%M", "12": "%y%m%d%H%M%S", "14": "%Y%m%d%H%M%S"}
TICKS: Final = {"10": 60.0, "12": 1.0, "14": 1.0}
"""Seconds within which a date does not change; those with tenths are told apart as they are."""

STATES: Final = range(int(MessageState.SKIPPED) + 1)
CONTRADICTIONS: Final = {DELIVERED: UNDELIVERABLE}
"""The state that the TLV of a contradictory receipt tells; of every other one it tells DELIVERED."""


class Report(NamedTuple):
    """What a receipt tells."""

    state: int
    error_code: int
    sub: int
    """How many messages, or parts, it is about."""
    dlvrd: int
    """How many of them were delivered."""
    done: float
    """When that was, in Unix time."""


def tlv(tag: int, value: bytes) -> bytes:
    """One TLV (SMPP 3.4 section 3.2.4)."""
    return tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


class ReceiptWriter:
    """Writes what an ESME is told about its messages, as one dialect has it."""

    def __init__(
        self, form: ReceiptForm, ids: IdSpelling, zone: tzinfo, vendor_tlvs: Callable[[int], bytes], alphabet: str
    ) -> None:
        """Write as `form` says.

        Args:
            form: the settings.
            ids: spells message ids.
            zone: of dates.
            vendor_tlvs: gives the octets of the TLVs that are added to a PDU of this command_id.
            alphabet: what data_coding 0 stands for.
        """
        self._form = form
        self._ids = ids
        self._zone = zone
        self._alphabet = alphabet
        self._written_in = alphabet_of(form.data_coding, alphabet)
        end = b"\0\0" if self._written_in is Alphabet.UCS2 else b"\0"
        self._end = end if form.terminated else b""
        self.command_id = DATA_SM if form.pdu == "data_sm" else DELIVER_SM
        """What receipts are sent as, to sessions that know it."""
        self._vendor_tlvs = vendor_tlvs(self.command_id)
        self._vendor_tlvs_of_deliver_sm = vendor_tlvs(DELIVER_SM)
        self._dates: dict[float, bytes] = {}
        self._numbers: dict[str, bytes] = {}
        self._tick = TICKS.get(form.date)
        self._parts = [(self._encode(literal), name) for literal, name, _, _ in string.Formatter().parse(form.template)]
        names = [state_name(state) for state in STATES]
        self._states = [self._encode(form.states.get(name, name)) for name in names]
        self._errors = [self._encode(form.errors[name]) if name in form.errors else None for name in names]
        self._tlv_states = [form.tlv_states.get(name, self._told(state)) for state, name in enumerate(names)]
        self._plain = PlainReceipts(zone)

    def _told(self, state: int) -> int:
        """What message_state says of a state."""
        return CONTRADICTIONS.get(state, DELIVERED) if self._form.carrier == "contradictory" else state

    # -- bodies -------------------------------------------------------------------------------------------------------

    def receipt_body(self, message: Message, *, tlvs: bool) -> bytes:
        """The body of the PDU that reports the final state of a message."""
        return self._body(message, _report_of(message), self._form.esm_class, tlvs=tlvs)

    def receipt_bodies(self, messages: Sequence[Message], *, tlvs: bool) -> list[bytes]:
        """The same of several messages, in their order."""
        return [self.receipt_body(message, tlvs=tlvs) for message in messages]

    def accepted_body(self, message: Message, *, tlvs: bool) -> bytes:
        """The body of the receipt that says ACCEPTD while the message is still ENROUTE (quirk Q22)."""
        report = Report(ACCEPTED, 0, 1, 0, message.accepted_wall)
        return self._body(message, report, self._form.esm_class, tlvs=tlvs)

    def intermediate_body(self, message: Message, *, tlvs: bool) -> bytes:
        """The body of an intermediate notification (SMPP 3.4 section 5.2.12)."""
        report = Report(ENROUTE, message.error_code, 1, 0, message.accepted_wall)
        return self._body(message, report, INTERMEDIATE_ESM_CLASS, tlvs=tlvs)

    def acknowledgement_body(self, message: Message, esm_class: int, *, tlvs: bool) -> bytes:
        """The body of an SME acknowledgement: it comes from a handset, so only vendor TLVs are the dialect's."""
        body = self._plain.acknowledgement_body(message, esm_class, tlvs=tlvs)
        return body + self._vendor_tlvs_of_deliver_sm if tlvs else body

    def _body(self, message: Message, report: Report, esm_class: int, *, tlvs: bool) -> bytes:
        form = self._form
        # A session below 3.4 knows neither data_sm nor TLVs: there everything stands in a deliver_sm's text.
        is_data_sm = tlvs and self.command_id == DATA_SM
        in_payload = is_data_sm or (tlvs and form.text_in == "message_payload")
        room = MAX_PAYLOAD if in_payload else MAX_SHORT_MESSAGE
        text = b"" if form.carrier == "tlvs" and tlvs else self._text(message, report, room)
        body = self._fixed_part(message, esm_class, b"" if in_payload else text, is_data_sm=is_data_sm)
        if not tlvs:
            return body
        if in_payload and text:
            body += tlv(TlvTag.MESSAGE_PAYLOAD, text)
        if form.carrier != "text":
            body += self._tlvs(message, report)
        return body + self._vendor_tlvs

    def _fixed_part(self, message: Message, esm_class: int, text: bytes, *, is_data_sm: bool) -> bytes:
        """The mandatory fields: those of data_sm are the beginning of those of deliver_sm, but for three.

        An address too long for deliver_sm came by data_sm, and goes back by one: whoever sends this sees to it.
        """
        form = self._form
        pdu = message.pdu
        room = LONGEST_ADDRESS if pdu.__class__ is SubmitSm else LONGEST_ADDRESS_OF_DATA_SM
        subscriber = (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr[:room])
        esme = (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr[:room])
        first, second = (subscriber, esme) if form.addresses == "swapped" else (esme, subscriber)
        service_type = pdu.service_type[:LONGEST_SERVICE_TYPE]
        beginning = b"%b\0%c%c%b\0%c%c%b\0%c" % (service_type, *first, *second, esm_class)
        if is_data_sm:
            return beginning + bytes((form.registered_delivery, form.data_coding))
        return beginning + b"\0\0\0\0%c\0%c\0%c%b" % (form.registered_delivery, form.data_coding, len(text), text)

    def _tlvs(self, message: Message, report: Report) -> bytes:
        octets = b""
        for name in self._form.tlvs:
            if name == "receipted_message_id":
                message_id = self._ids.in_tlv(message.message_id, below_34=_is_below_34(message))
                octets += tlv(TlvTag.RECEIPTED_MESSAGE_ID, message_id)
            elif name == "message_state":
                octets += tlv(TlvTag.MESSAGE_STATE, bytes((self._tlv_states[report.state],)))
            elif name == "network_error_code":
                octets += self._network_error_code(report.error_code)
            elif (reference := message.pdu.tlv(TlvTag.USER_MESSAGE_REFERENCE)) is not None:
                octets += tlv(TlvTag.USER_MESSAGE_REFERENCE, reference)
        return octets

    def _network_error_code(self, error_code: int) -> bytes:
        if self._form.network_error_code == "ascii":
            return tlv(TlvTag.NETWORK_ERROR_CODE, b"%03d" % (error_code % 1000))
        if not error_code:
            return b""
        return tlv(TlvTag.NETWORK_ERROR_CODE, GSM_NETWORK + error_code.to_bytes(2, "big"))

    # -- the text -----------------------------------------------------------------------------------------------------

    def _text(self, message: Message, report: Report, room: int) -> bytes:
        """The text in at most so many octets."""
        parts: list[bytes] = []
        for literal, name in self._parts:
            parts.append(literal)
            if name is not None:
                parts.append(FIELDS[name](self, message, report))
        return self._cut(b"".join(parts), room - len(self._end)) + self._end

    def _encode(self, text: str) -> bytes:
        """Text in the alphabet of receipts; septets are not packed yet."""
        if self._written_in is Alphabet.GSM7_PACKED:
            return gsm7.encode(text, errors="replace")
        return encode_text(text, self._form.data_coding, default_alphabet=self._alphabet, errors="replace")

    def _cut(self, octets: bytes, room: int) -> bytes:
        """As much of a text as there is room for, as it goes on the wire; no character is cut in two."""
        alphabet = self._written_in
        if alphabet is Alphabet.GSM7_PACKED:
            return gsm7.pack(_whole(octets, 8 * room // 7, alphabet))
        return _whole(octets, room, alphabet)

    # -- the fields of a template -------------------------------------------------------------------------------------

    def _id(self, message: Message, _report: Report) -> bytes:
        message_id = self._ids.in_text(message.message_id, below_34=_is_below_34(message))
        return self._encode(message_id.decode("ascii"))

    def _number(self, digits: str) -> bytes:
        written = self._numbers.get(digits)
        if written is None:
            if len(self._numbers) >= REMEMBERED:
                self._numbers.clear()
            written = self._numbers[digits] = self._encode(digits)
        return written

    def _sub(self, _message: Message, report: Report) -> bytes:
        return self._number(f"{report.sub:03d}")

    def _dlvrd(self, _message: Message, report: Report) -> bytes:
        return self._number(f"{report.dlvrd:03d}")

    def _submit_date(self, message: Message, _report: Report) -> bytes:
        return self._date(message.accepted_wall)

    def _done_date(self, _message: Message, report: Report) -> bytes:
        return self._date(report.done)

    def _stat(self, _message: Message, report: Report) -> bytes:
        return self._states[report.state]

    def _err(self, _message: Message, report: Report) -> bytes:
        text = self._errors[report.state]
        return self._number(f"{report.error_code:0{self._form.err_width}d}") if text is None else text

    def _beginning(self, message: Message, _report: Report) -> bytes:
        """The first characters of what a person wrote: after the user data header, and nothing of what is no text."""
        assembly = message.assembly
        pdu = (message if assembly is None or assembly.verdict is None else assembly.first).pdu
        if not is_text(pdu.data_coding):
            return b""
        return self._encode(text_of(pdu, self._alphabet)[: self._form.text_length])

    def _date(self, seconds: float) -> bytes:
        tick = seconds if self._tick is None else seconds // self._tick
        written = self._dates.get(tick)
        if written is None:
            if len(self._dates) >= REMEMBERED:
                self._dates.clear()
            written = self._dates[tick] = self._encode(self._date_of(seconds))
        return written

    def _date_of(self, seconds: float) -> str:
        moment = datetime.fromtimestamp(seconds, self._zone)
        if self._form.date != "smpp":
            return moment.strftime(STRFTIME[self._form.date])
        offset = moment.utcoffset()
        quarters = 0 if offset is None else int(offset.total_seconds()) // QUARTER_HOUR
        return format_absolute(moment.astimezone(UTC), quarters).decode("ascii")


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
"""How each field of a template is written; `smppd.settings.dialects.TEMPLATE_FIELDS` has their names."""


def _whole(octets: bytes, room: int, alphabet: Alphabet) -> bytes:
    """The first octets of a text, without what is left of a character that does not fit."""
    if len(octets) <= room:
        return octets
    if alphabet is Alphabet.UCS2:
        return octets[:room].decode("utf-16-be", "ignore").encode("utf-16-be")
    if alphabet is Alphabet.UTF8:
        return octets[:room].decode("utf-8", "ignore").encode("utf-8")
    if alphabet in (Alphabet.GSM7, Alphabet.GSM7_PACKED):
        return octets[:room].removesuffix(bytes((gsm7.ESCAPE,)))
    return octets[:room]


def _report_of(message: Message) -> Report:
    """What is to be said about a message, or about the whole of which it is a part."""
    assembly = message.assembly
    if assembly is None or assembly.verdict is None:
        delivered = int(message.state == DELIVERED)
        return Report(message.state, message.error_code, 1, delivered, message.final_wall)
    state, error_code, delivered = assembly.verdict
    return Report(state, error_code, assembly.total, delivered, assembly.final_wall)


def _is_below_34(message: Message) -> bool:
    return message.bind is not None and message.bind.hex_ids
