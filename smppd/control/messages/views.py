"""Recorded messages as they are shown: field by field under the names of the specification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from smppd.control.messages.conditions import (
    command_of,
    decisive,
    final_wall_of,
    final_wall_of_whole,
    text_of_message,
    text_of_whole,
)
from smppd.control.pdus import PartView, TlvView, tlv_view
from smppd.control.times import iso
from smppd.engine.message import FIRST_FINAL, NEVER, ReceiptState
from smppd.engine.multipart import SAR, part_of
from smppwire.constants import MessageState

if TYPE_CHECKING:
    from smppd.engine.message import Message
    from smppd.engine.ports import Clock

MAX_MEMBERS: Final = 1_000
"""Messages of one submit_multi that are shown beside one of them."""

CALENDAR: Final = 1e11
"""Seconds beyond which a moment is none: an endless validity on a clock that has run far."""

CLOCKS_DRIFT: Final = 0.01
"""Seconds by which the calendar and the clock may part before moments are worked out anew. Both are read one after the
other: the microseconds between, a thousand times as many on the fastest clock, are no difference."""


class MessageView(Struct, frozen=True, kw_only=True):
    """One recorded message, or one whole text whose parts are several.

    * command: what brought it. account: who submitted it; session, sequence_number: by which PDU (the latest, when it
      was replaced by a submit_sm).
    * message_state, error_code: as they are now. final_time: null while it is not final.
    * accepted_time, final_time, expires_time, next_time: of the engine's clock. expires_time: the end of its validity,
      null once it is final. next_time: when it goes on by itself (a scheduled start, an attempt, an outcome).
    * network: of its route. failed_attempts: delivery attempts that failed for the time being.
    * receipt: NONE (not due), PENDING, SENT (in a window), SETTLED (acknowledged, or none was asked for).
      receipt_attempts: how often it was sent.
    * text: decoded, without a user data header. short_message: octets in hexadecimal.
    * part: which part of a long message it is; null for one that is whole by itself.
    * parts: of a whole text, the parts that are there; null where messages are shown by themselves.
    """

    message_id: str
    command: str
    account: str
    session: str
    sequence_number: int
    route: str
    network: str
    message_state: str
    error_code: int
    accepted_time: str | None
    final_time: str | None
    expires_time: str | None
    next_time: str | None
    failed_attempts: int
    receipt: str
    receipt_attempts: int
    service_type: str
    source_addr_ton: int
    source_addr_npi: int
    source_addr: str
    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: str
    esm_class: int
    protocol_id: int
    priority_flag: int
    schedule_delivery_time: str
    validity_period: str
    registered_delivery: int
    replace_if_present_flag: int
    data_coding: int
    sm_default_msg_id: int
    short_message: str
    tlvs: list[TlvView]
    text: str
    part: PartView | None = None
    parts: list[PartOfText] | None = None


class PartOfText(Struct, frozen=True, kw_only=True):
    """One part of a whole text."""

    message_id: str
    part: int
    message_state: str
    error_code: int


class Member(Struct, frozen=True, kw_only=True):
    """One message of a submit_multi; all of them have one message_id."""

    destination_addr: str
    message_state: str
    error_code: int


def latin(octets: bytes) -> str:
    """Octets as text, one character for each."""
    return octets.decode("latin-1")


def state_name_of(state: int) -> str:
    """The name of a message_state."""
    return MessageState(state).name


class Shower:
    """Makes views; `clock` is the engine's, by which its times become moments."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._beginning = 0.0
        """What the calendar said when the clock was 0, as it was last worked out."""

    def moment(self, at: float) -> str | None:
        """A time of the engine's clock as a moment; None for one that does not come.

        It is the same whenever it is asked for, so that a message which nobody has changed keeps its entity tag.
        """
        if at == NEVER:
            return None
        beginning = self._clock.wall() - self._clock.now()
        if abs(beginning - self._beginning) > CLOCKS_DRIFT:
            self._beginning = beginning
        wall = self._beginning + at
        return iso(wall) if wall < CALENDAR else None

    def show(self, message: Message, *, whole: bool = False) -> MessageView:
        """One message; `whole`: the text of which it is the first part."""
        pdu, told = message.pdu, decisive(message) if whole else message
        is_final = message.state >= FIRST_FINAL
        final_wall = final_wall_of_whole(message) if whole else final_wall_of(message)
        return MessageView(
            message_id=latin(message.message_id),
            command=command_of(message),
            account=message.esme.system_id,
            session="" if message.bind is None else message.bind.bind_id,
            sequence_number=pdu.sequence_number,
            route=message.route.name,
            network=message.route.settings.network,
            message_state=state_name_of(told.state),
            error_code=told.error_code,
            accepted_time=iso(message.accepted_wall),
            final_time=iso(final_wall) if final_wall else None,
            expires_time=None if is_final else self.moment(message.expires_at),
            next_time=None if is_final else self.moment(message.next_at),
            failed_attempts=message.failures,
            receipt=ReceiptState(message.receipt).name,
            receipt_attempts=message.attempts,
            service_type=latin(pdu.service_type),
            source_addr_ton=pdu.source_addr_ton,
            source_addr_npi=pdu.source_addr_npi,
            source_addr=latin(pdu.source_addr),
            dest_addr_ton=pdu.dest_addr_ton,
            dest_addr_npi=pdu.dest_addr_npi,
            destination_addr=latin(pdu.destination_addr),
            esm_class=pdu.esm_class,
            protocol_id=pdu.protocol_id,
            priority_flag=pdu.priority_flag,
            schedule_delivery_time=latin(pdu.schedule_delivery_time),
            validity_period=latin(pdu.validity_period),
            registered_delivery=pdu.registered_delivery,
            replace_if_present_flag=pdu.replace_if_present_flag,
            data_coding=pdu.data_coding,
            sm_default_msg_id=pdu.sm_default_msg_id,
            short_message=pdu.short_message.hex(),
            tlvs=[tlv_view(tag, value) for tag, value in pdu.tlvs],
            text=text_of_whole(message) if whole else text_of_message(message),
            part=None if whole else part_view(message),
            parts=parts_of(message) if whole else None,
        )


def part_view(message: Message) -> PartView | None:
    """The place among parts that a message names; None for one that is whole by itself."""
    part = part_of(message.pdu)
    if part is None:
        return None
    return PartView(part=part.seq, parts=part.total, reference=part.reference, by="sar" if part.kind == SAR else "udh")


def parts_of(message: Message) -> list[PartOfText]:
    """The parts of a whole text that are there, in order; of a message that is whole by itself, none."""
    if message.assembly is None:
        return []
    return [
        PartOfText(
            message_id=latin(part.message_id),
            part=seq,
            message_state=state_name_of(part.state),
            error_code=part.error_code,
        )
        for seq, part in sorted(message.assembly.parts.items())
    ]


def member_view(message: Message) -> Member:
    """One message of a submit_multi."""
    return Member(
        destination_addr=latin(message.pdu.destination_addr),
        message_state=state_name_of(message.state),
        error_code=message.error_code,
    )
