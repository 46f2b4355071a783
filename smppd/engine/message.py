"""The message record and its state machine.

A message begins SCHEDULED or ENROUTE and ends in exactly one final state; a final state never changes (SMPP 3.4
section 5.2.28). query_sm, cancel_sm, replace_sm, receipts and notifications all read this one record.

The record is slotted and holds octets: nobody decodes a text that nobody looks at. It keeps the decoded submit_sm
itself, so that each field of the specification is found under its own name.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, final

from smppd.engine.ports import Outcome
from smppwire.constants import (
    ESM_CLASS_MODE_MASK,
    REGISTERED_DELIVERY_ACK_MASK,
    REGISTERED_DELIVERY_INTERMEDIATE_MASK,
    REGISTERED_DELIVERY_RECEIPT_MASK,
    EsmClassMode,
    MessageState,
    RegisteredDelivery,
    TlvTag,
)
from smppwire.flags import wants_receipt_for
from smppwire.pdus import DataSm, SmeAddress, SubmitMulti, SubmitSm

if TYPE_CHECKING:
    from smppd.engine.esmes import Bind, EsmeState
    from smppd.engine.multipart import Assembly
    from smppd.engine.queues import RouteState

SCHEDULED: Final = int(MessageState.SCHEDULED)
ENROUTE: Final = int(MessageState.ENROUTE)
DELIVERED: Final = int(MessageState.DELIVERED)
EXPIRED: Final = int(MessageState.EXPIRED)
DELETED: Final = int(MessageState.DELETED)
UNDELIVERABLE: Final = int(MessageState.UNDELIVERABLE)
ACCEPTED: Final = int(MessageState.ACCEPTED)
UNKNOWN: Final = int(MessageState.UNKNOWN)

FIRST_FINAL: Final = DELIVERED
"""States from here on are final: a comparison is all the hot path needs."""

STATE_COUNT: Final = int(MessageState.SKIPPED) + 1
"""Length of the per-state counters that accounts and routes keep."""

MESSAGE_PAYLOAD: Final = int(TlvTag.MESSAGE_PAYLOAD)
QOS_TIME_TO_LIVE: Final = int(TlvTag.QOS_TIME_TO_LIVE)

RECEIPT_ALWAYS: Final = int(RegisteredDelivery.RECEIPT)
RECEIPT_BITS: Final = int(REGISTERED_DELIVERY_RECEIPT_MASK)
INTERMEDIATE_MASK: Final = int(REGISTERED_DELIVERY_INTERMEDIATE_MASK)
"""registered_delivery bit 4 asks for an intermediate notification; 0x20 is how several ESMEs spell it (quirk Q105)."""

SME_ACKS_MASK: Final = int(REGISTERED_DELIVERY_ACK_MASK)
"""registered_delivery bits 3-2 ask the handset for acknowledgements of its own."""

MODE_MASK: Final = int(ESM_CLASS_MODE_MASK)
TRANSACTION: Final = int(EsmClassMode.TRANSACTION)
ONE_ATTEMPT: Final = (int(EsmClassMode.DATAGRAM), TRANSACTION)
"""The modes in which a message is tried once and at once: scheduling, retries, receipts and acknowledgements do not
apply to them (SMPP 3.4 sections 2.10.2 and 2.10.3)."""

SUCCESSES: Final = (DELIVERED, ACCEPTED)
"""The final states that are no failure: ACCEPTED has been read on the subscriber's behalf (SMPP 3.4 section 5.2.28)."""

NEVER: Final = float("inf")
"""A time of the engine's clock that does not come."""

UNDECIDED: Final = Outcome(ENROUTE)
"""The outcome of a message that no network has tried to deliver yet."""


class ReceiptState(IntEnum):
    """Life of a message's receipt: pending, sent (in a session's window), settled, or pending again."""

    NONE = 0
    PENDING = 1
    SENT = 2
    SETTLED = 3


RECEIPT_NONE: Final = int(ReceiptState.NONE)
RECEIPT_PENDING: Final = int(ReceiptState.PENDING)
RECEIPT_SENT: Final = int(ReceiptState.SENT)
RECEIPT_SETTLED: Final = int(ReceiptState.SETTLED)


class Group:
    """The messages that one submit_multi made, which share a message_id: those that are not forgotten, in order."""

    __slots__ = ("members",)

    def __init__(self) -> None:
        self.members: dict[Message, None] = {}


@final
class Message:
    """One accepted message towards one destination.

    Times named `*_at` are seconds of the engine's clock; `accepted_wall` and `final_wall` are Unix time, because
    receipts and query_sm_resp report dates. `next_at` is when the message moves on by itself (a scheduled one starts,
    one on its way meets its `outcome`), `due_at` when the engine will look at it (by `ticket` in its schedule); NEVER
    while somebody else moves it. `failures` counts the delivery attempts that failed temporarily, the last of them
    with `error_code`; `attempts` counts how often its receipt was sent. `shelf` is where the ledger keeps it.
    """

    __slots__ = (
        "accepted_at",
        "accepted_wall",
        "assembly",
        "attempts",
        "bind",
        "due_at",
        "error_code",
        "esme",
        "expires_at",
        "failures",
        "final_wall",
        "group",
        "message_id",
        "next_at",
        "outcome",
        "pdu",
        "receipt",
        "route",
        "shelf",
        "state",
        "ticket",
    )

    def __init__(
        self,
        message_id: bytes,
        pdu: SubmitSm,
        esme: EsmeState,
        bind: Bind | None,
        route: RouteState,
        accepted_at: float,
        accepted_wall: float,
        expires_at: float,
        outcome: Outcome = UNDECIDED,
        shelf: int = 0,
    ) -> None:
        self.message_id = message_id
        self.pdu = pdu
        self.esme = esme
        self.bind = bind
        self.route = route
        self.accepted_at = accepted_at
        self.accepted_wall = accepted_wall
        self.expires_at = expires_at
        self.next_at = NEVER
        self.due_at = NEVER
        self.ticket = 0
        self.outcome = outcome
        self.shelf = shelf
        self.final_wall = 0.0
        self.state = ENROUTE
        self.error_code = 0
        self.attempts = 0
        self.failures = 0
        self.receipt = RECEIPT_NONE
        self.group: Group | None = None
        self.assembly: Assembly | None = None

    @property
    def is_final(self) -> bool:
        """Whether the state can no longer change."""
        return self.state >= FIRST_FINAL

    @property
    def awaits_retry(self) -> bool:
        """Whether an attempt failed temporarily and the time of the next one is fixed."""
        return self.state == ENROUTE and self.outcome is UNDECIDED and self.next_at != NEVER

    def text_octets(self) -> bytes:
        """The user data as sent; see `text_octets`."""
        return text_octets(self.pdu)


def text_octets(pdu: SubmitSm) -> bytes:
    """The user data of a submit_sm: the message_payload TLV, or short_message when there is none.

    With both filled (accepted in 5.0, and where the policy says so) the payload counts, as 5.0 has it.
    """
    if not pdu.tlvs:
        return pdu.short_message
    return pdu.tlv(MESSAGE_PAYLOAD) or pdu.short_message


def requests_of(pdu: SubmitSm) -> int:
    """The registered_delivery that counts: 0 in the modes in which a message is tried once and nothing is reported."""
    return 0 if pdu.esm_class & MODE_MASK in ONE_ATTEMPT else pdu.registered_delivery


def lifetime_of(bind: Bind, pdu: SubmitSm | SubmitMulti) -> int | None:
    """Seconds that qos_time_to_live gives a submission of 5.0, where it supersedes validity_period; else None.

    Before 5.0 the TLV belongs to data_sm alone (SMPP 3.4 section 4.7.1): what is not expected is ignored.
    """
    if not pdu.tlvs or not bind.policy.is_50:
        return None
    lifetime = pdu.tlv(QOS_TIME_TO_LIVE)
    return None if lifetime is None else int.from_bytes(lifetime, "big")


def wants_receipt(registered_delivery: int, state: int) -> bool:
    """Whether registered_delivery bits 1-0 ask for a receipt of this final state (SMPP 3.4 section 5.2.17).

    Value 3 (success only) is SMPP 5.0; sessions of 3.4 never get here with it, because validation refuses it.
    """
    return wants_receipt_for(registered_delivery, delivered=state in SUCCESSES)


def is_reported(message: Message, state: int) -> bool:
    """Whether a receipt tells of this state: because it was asked for, or because the dialect always sends one."""
    pdu = message.pdu
    if wants_receipt(requests_of(pdu), state):
        return True
    return message.esme.dialect.reports_always and pdu.esm_class & MODE_MASK not in ONE_ATTEMPT


class DataRecord(SubmitSm):
    """The record of a message that came by data_sm, and leaves by data_sm towards an ESME."""

    __slots__ = ()


def from_data_sm(pdu: DataSm) -> DataRecord:
    """The record of a data_sm: the same fields, its text stays in the message_payload TLV (SMPP 3.4 section 4.7)."""
    return DataRecord(
        sequence_number=pdu.sequence_number,
        service_type=pdu.service_type,
        source_addr_ton=pdu.source_addr_ton,
        source_addr_npi=pdu.source_addr_npi,
        source_addr=pdu.source_addr,
        dest_addr_ton=pdu.dest_addr_ton,
        dest_addr_npi=pdu.dest_addr_npi,
        destination_addr=pdu.destination_addr,
        esm_class=pdu.esm_class,
        registered_delivery=pdu.registered_delivery,
        data_coding=pdu.data_coding,
        tlvs=pdu.tlvs,
    )


def from_submit_multi(pdu: SubmitMulti, destination: SmeAddress) -> SubmitSm:
    """The record of one destination of a submit_multi (SMPP 3.4 section 4.5)."""
    return SubmitSm(
        sequence_number=pdu.sequence_number,
        service_type=pdu.service_type,
        source_addr_ton=pdu.source_addr_ton,
        source_addr_npi=pdu.source_addr_npi,
        source_addr=pdu.source_addr,
        dest_addr_ton=destination.dest_addr_ton,
        dest_addr_npi=destination.dest_addr_npi,
        destination_addr=destination.destination_addr,
        esm_class=pdu.esm_class,
        protocol_id=pdu.protocol_id,
        priority_flag=pdu.priority_flag,
        schedule_delivery_time=pdu.schedule_delivery_time,
        validity_period=pdu.validity_period,
        registered_delivery=pdu.registered_delivery,
        data_coding=pdu.data_coding,
        sm_default_msg_id=pdu.sm_default_msg_id,
        short_message=pdu.short_message,
        tlvs=pdu.tlvs,
    )
