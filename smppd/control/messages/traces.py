"""The PDUs of one message, found in the journal: its request, the answers, its receipts, and what was asked about it.

A message keeps no PDU numbers; they are found by its message_id, which all but its request carry. The journal is gone
through once, from the moment at which the message was accepted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from smppd.control.messages.conditions import text_of_message
from smppd.control.records import command_id_of, sequence_number_of
from smppd.engine.esmes import DELIVERY_ACK, MANUAL_ACK
from smppd.engine.message import FIRST_FINAL, MESSAGE_PAYLOAD
from smppwire.constants import CommandId, EsmClassType
from smppwire.pdus import DataSm, DeliverSm
from smppwire.receipt import parse_receipt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smppd.control.pdus import PduDesk
    from smppd.control.records import Record, Records
    from smppd.control.scan import Scan
    from smppd.control.simulation import Simulation
    from smppd.engine.history import Event
    from smppd.engine.message import Message
    from smppwire.pdus import Pdu

RESPONSE: Final = 0x80000000
"""The bit of a command_id that makes a response of it."""

SUBMITS: Final = frozenset({CommandId.SUBMIT_SM, CommandId.DATA_SM, CommandId.SUBMIT_MULTI})
SUBMIT_RESPONSES: Final = frozenset(int(command) | RESPONSE for command in SUBMITS)
OPERATIONS: Final = frozenset({CommandId.QUERY_SM, CommandId.CANCEL_SM, CommandId.REPLACE_SM})
DELIVERIES: Final = frozenset({CommandId.DELIVER_SM, CommandId.DATA_SM})
GENERIC_NACK: Final = int(CommandId.GENERIC_NACK)

MARGIN: Final = 5.0
"""Seconds before the acceptance of a message at which the journal is opened: the clock of the machine may be set."""

CLOCKS_AGREE: Final = 0.001
"""Seconds by which two clocks may differ that show the same time: the engine's, if it is real, and the journal's."""

LOOK_BACK: Final = 20_000
"""Frames before a response among which its request is looked for."""

MAX_TRACES: Final = 1_000
"""PDUs of one message that are found: the oldest ones. An ESME may ask about a message for ever."""

TYPE_BITS: Final = 0x3C
"""The bits of esm_class that say what a deliver_sm is (SMPP 3.4 section 5.2.12)."""

KINDS: Final = {
    int(EsmClassType.INTERMEDIATE_NOTIFICATION): "notification",
    DELIVERY_ACK: "acknowledgement",
    MANUAL_ACK: "acknowledgement",
}
"""What is told to an ESME beside receipts, by esm_class."""

SPELLING: Final = re.compile(rb"(?i)id:([^\s\0]+)")
"""How a receipt names its message."""


class Trace(NamedTuple):
    """A PDU of a message. kind: request, response, receipt, notification, acknowledgement, forward, or the command of
    what was asked about it; `answers` is the number of the PDU that it answers, or None."""

    record: Record
    kind: str
    answers: int | None = None

    @property
    def number(self) -> int:
        """In the journal."""
        return self.record.number


class Traces:
    """Finds the PDUs of messages."""

    def __init__(self, simulation: Simulation, pdus: PduDesk) -> None:
        """Look in the journal of this server, which `pdus` reads."""
        self._simulation = simulation
        self._pdus = pdus
        self._records = pdus.records

    @property
    def clocks_agree(self) -> bool:
        """Whether the engine's clock shows real time, so that its moments and the journal's can be compared."""
        return abs(self._simulation.context.wall() - self._simulation.engine.clock.wall()) < CLOCKS_AGREE

    async def of(self, message: Message, told: Iterable[Event]) -> list[Trace]:
        """The PDUs of a message in order; `told` are the events of its history, which name sessions."""
        journal = self._simulation.journal
        search = _Search(message, told, self._records)
        scan = self._pdus.scan()
        start = await self._start(message, scan)
        async for block in scan.forward(start, journal.total):
            for number, entry in block:
                if search.may_concern(entry.session, entry.direction, entry.frame):
                    search.look(self._records.of(number, entry))
            if len(search.found) >= MAX_TRACES:
                break
        for trace in [each for each in search.found if each.kind == "response"]:
            request = await self._request_of(trace)
            if request is not None:
                search.found.append(request)
        return sorted(search.found, key=lambda trace: trace.number)

    async def _request_of(self, response: Trace) -> Trace | None:
        """The request that a submit_sm_resp answers."""
        entry = response.record.entry
        sequence_number = sequence_number_of(entry.frame)
        scan = self._pdus.scan()
        async for block in scan.backward(max(0, response.number - LOOK_BACK), response.number):
            for number, other in block:
                if (
                    other.session == entry.session
                    and other.direction == "in"
                    and sequence_number_of(other.frame) == sequence_number
                    and command_id_of(other.frame) in SUBMITS
                ):
                    return Trace(self._records.of(number, other), "request")
        return None

    async def _start(self, message: Message, scan: Scan) -> int:
        """The number of the first frame that can be of this message."""
        journal = self._simulation.journal
        low, high = journal.oldest, journal.total
        if not self.clocks_agree:
            return low
        wanted = message.accepted_wall - MARGIN
        while low < high:
            middle = (low + high) // 2
            await scan.pace.breathe()
            frames = journal.read(middle, 1).frames
            if frames and frames[0][1].time < wanted:
                low = middle + 1
            else:
                high = middle
        return low


class _Search:
    """What makes a frame one of a message's."""

    def __init__(self, message: Message, told: Iterable[Event], records: Records) -> None:
        self.found: list[Trace] = []
        self._message = message
        self._records = records
        self._spellings = _spellings(message)
        self._visited = {event.session for event in told if event.session}
        """Sessions that were sent what has no message_id in it."""
        self._waiting: dict[tuple[str, str, int], int] = {}
        """Answers that are awaited: session, direction, sequence_number -> number of the request."""

    def may_concern(self, session: str, direction: str, frame: bytes) -> bool:
        """Whether it is worth decoding a frame."""
        if any(spelling in frame for spelling in self._spellings):
            return True
        if direction == "out" and session in self._visited:
            return command_id_of(frame) in DELIVERIES
        return bool(self._waiting) and (session, direction, sequence_number_of(frame)) in self._waiting

    def look(self, record: Record) -> None:
        """Keep a frame if it is one of the message's."""
        pdu, entry = record.pdu, record.entry
        if pdu is None:
            return
        command_id = record.command_id
        if command_id & RESPONSE:
            self._look_at_response(record, pdu, command_id)
            return
        kind = self._kind_of_request(record, pdu, command_id)
        if kind and (entry.direction == "in" or kind == "forward" or self._is_ours(record)):
            self.found.append(Trace(record, kind))
            back = "out" if entry.direction == "in" else "in"
            self._waiting[entry.session, back, pdu.sequence_number] = record.number

    def _look_at_response(self, record: Record, pdu: Pdu, command_id: int) -> None:
        entry = record.entry
        request = self._waiting.pop((entry.session, entry.direction, pdu.sequence_number), None)
        if request is not None:
            self.found.append(Trace(record, "answer", request))
        elif (
            command_id in SUBMIT_RESPONSES
            and entry.direction == "out"
            and getattr(pdu, "message_id", None) == self._message.message_id
            and self._is_ours(record)
        ):
            self.found.append(Trace(record, "response"))

    def _is_ours(self, record: Record) -> bool:
        """Whether a frame came by a session of the message's account."""
        return record.facts.account == self._message.esme.system_id

    def _kind_of_request(self, record: Record, pdu: Pdu, command_id: int) -> str:
        """What a request has to do with the message; "" for nothing."""
        if record.entry.direction == "in":
            names = command_id in OPERATIONS and getattr(pdu, "message_id", b"") in self._spellings
            return CommandId(command_id).name.lower() if names else ""
        if not isinstance(pdu, (DeliverSm, DataSm)):
            return ""
        sent = self._message.pdu
        if (pdu.source_addr, pdu.destination_addr) == (sent.source_addr, sent.destination_addr):
            return "forward" if record.text == text_of_message(self._message) else ""
        kind = KINDS.get(pdu.esm_class & TYPE_BITS, "receipt")
        if kind == "acknowledgement":
            there = pdu.source_addr, pdu.destination_addr
            return kind if there == (sent.destination_addr, sent.source_addr) else ""
        return kind if self._is_about(pdu) else ""

    def _is_about(self, pdu: DeliverSm | DataSm) -> bool:
        """Whether a receipt names the message."""
        text = pdu.tlv(MESSAGE_PAYLOAD) or (pdu.short_message if isinstance(pdu, DeliverSm) else b"")
        return (parse_receipt(text).id or "").encode("latin-1", "replace") in self._spellings


def _spellings(message: Message) -> list[bytes]:
    """How the message is named: as in its response, and as its receipts have it."""
    names = [message.message_id]
    receipts = message.esme.dialect.receipts
    write = receipts.receipt_body if message.state >= FIRST_FINAL else receipts.intermediate_body
    names += [found for found in SPELLING.findall(write(message, tlvs=True)) if found != message.message_id]
    return names
