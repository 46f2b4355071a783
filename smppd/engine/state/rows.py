"""The rows of a state: what stands in each place of them, and within which bounds.

Rows are arrays. Those of messages are written as plain tuples, because there may be a million of them, and read as the
classes here, which check types and bounds. References are numbers: of accounts and routes in their section, of
messages in the order of their rows (`messages`, then `strays`). -1 stands for none.

Times named `*_at` are seconds of the engine's clock, those named `*_wall` Unix time. NEVER is infinite.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Raw, Struct

from smppd.engine.history import MAX_EVENTS

MAX_OCTETS: Final = 65_536
"""Of a text or a TLV: a TLV has two octets for its length."""

MAX_ADDRESS: Final = 255
"""Octets of an address or another C-octet string: laxly judged sessions get by with more than the specification has."""

MAX_BODY: Final = 16 * 1024 * 1024
"""Octets of the body of a deliver_sm from a subscriber: four times 64 TLVs of the greatest length."""

MAX_PARTS: Final = 255
"""Parts of a long message: the octet that counts them holds no more."""

MAX_TLVS: Final = 1_000
"""TLVs of one PDU: more do not fit where each has at least four octets of a PDU that is usual."""

Number: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
Reference: TypeAlias = Annotated[int, Meta(ge=-1, le=2**53)]
Octet: TypeAlias = Annotated[int, Meta(ge=0, le=255)]
Word: TypeAlias = Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
Octets: TypeAlias = Annotated[bytes, Meta(max_length=MAX_OCTETS)]
Words: TypeAlias = Annotated[bytes, Meta(max_length=MAX_ADDRESS)]
Name: TypeAlias = Annotated[str, Meta(max_length=MAX_ADDRESS)]
Tlvs: TypeAlias = Annotated[list[tuple[Annotated[int, Meta(ge=0, le=0xFFFF)], Octets]], Meta(max_length=MAX_TLVS)]
Ending: TypeAlias = tuple[Octet, Annotated[int, Meta(ge=0, le=0xFFFF)]]
"""An outcome: message_state and error code."""

OUTCOME_UNDECIDED: Final = -1
OUTCOME_TAKEN: Final = -2
"""The outcomes that are told by what they are, whatever they say."""


class Row(Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """What all rows have in common."""


class EngineRow(Row, frozen=True):
    """The engine as a whole: one row."""

    next_id: Number
    newest_shelf: Number
    live: Number
    in_flight: Number
    sweep_at: float
    has_handsets: bool
    message_tickets: Number
    retry_tickets: Number
    reply_tickets: Number
    alert_tickets: Number
    broadcast_tickets: Number


class AccountRow(Row, frozen=True):
    """One account; `arrival` is what its throughput window remembers, None where it has none."""

    system_id: Name
    states: Annotated[list[Number], Meta(max_length=16)]
    turn: Number
    line: Number
    arrival: float | None
    reply_reference: Octet
    refused: list[Words]


class RouteRow(Row, frozen=True):
    """One route."""

    name: Name
    states: Annotated[list[Number], Meta(max_length=16)]
    arrival: float | None


class BindRow(Row, frozen=True):
    """A session by which messages have come, which is gone."""

    bind_id: Name
    account: Number
    receives: bool
    tlvs: bool
    address_range: Name
    bound_at: float
    interface_version: Octet
    strict: bool


class MessageRow(Row, frozen=True):
    """One message and the submit_sm it keeps. The first places are those of `MESSAGE`, the last ones those of `PDU`."""

    message_id: Words
    shelf: Number
    state: Annotated[int, Meta(ge=0, le=9)]
    receipt: Annotated[int, Meta(ge=0, le=3)]
    accepted_at: float
    accepted_wall: float
    expires_at: float
    next_at: float
    due_at: float
    ticket: Number
    final_wall: float
    error_code: Annotated[int, Meta(ge=0, le=0xFFFF)]
    attempts: Number
    failures: Number
    account: Number
    route: Number
    bind: Reference
    place: Annotated[int, Meta(ge=0, le=3)]
    assembly: Reference
    outcome: int | Ending
    is_data_sm: bool
    sequence_number: Word
    service_type: Words
    source_addr_ton: Octet
    source_addr_npi: Octet
    source_addr: Words
    dest_addr_ton: Octet
    dest_addr_npi: Octet
    destination_addr: Words
    esm_class: Octet
    protocol_id: Octet
    priority_flag: Octet
    schedule_delivery_time: Words
    validity_period: Words
    registered_delivery: Octet
    replace_if_present_flag: Octet
    data_coding: Octet
    sm_default_msg_id: Octet
    short_message: Octets
    tlvs: Tlvs
    trailing: Octets


MESSAGE: Final = MessageRow.__struct_fields__[:14]
"""The fields of a message that stand in its row as they are."""

SUBMIT_SM: Final = MessageRow.__struct_fields__[21:]
"""The fields of its submit_sm."""

message_fields: Final = attrgetter(*MESSAGE)
submit_sm_fields: Final = attrgetter(*SUBMIT_SM)


class AssemblyRow(Row, frozen=True):
    """A long message: its key, and its parts as pairs of number and message."""

    account: Number
    source_addr: Words
    destination_addr: Words
    kind: Octet
    reference: Number
    total: Octet
    carrier: Octet
    final: Octet
    verdict: tuple[Octet, Annotated[int, Meta(ge=0, le=0xFFFF)], Octet] | None
    started_at: float
    is_open: bool
    parts: Annotated[list[tuple[Octet, Number]], Meta(max_length=MAX_PARTS)]


class MobileRow(Row, frozen=True):
    """A deliver_sm from a subscriber, and what has become of it: it waits, is still to be sent, or has ended."""

    account: Number
    body: Annotated[bytes, Meta(max_length=MAX_BODY)]
    accepted_at: float
    expires_at: float
    attempts: Number
    session: Name
    status: Word | None
    ended: Literal["acknowledged", "refused", "expired", "dropped"] | None


class NumberRow(Row, frozen=True):
    """One thing by its number, where its place among others is all there is to say."""

    number: Number


class ReceiptItem(Row, frozen=True, tag="r"):
    """The receipt of a message."""

    message: Number


class DeliveryItem(Row, frozen=True, tag="d"):
    """A deliver_sm of the message centre's own making."""

    kind: Name
    body: Octets
    bind: Reference
    accepted_at: float
    expires_at: float
    attempts: Number


class MobileItem(Row, frozen=True, tag="m"):
    """A deliver_sm from a subscriber, by the number of its row."""

    number: Number


class NotificationItem(Row, frozen=True, tag="n"):
    """An intermediate notification."""

    message: Number
    expires_at: float
    attempts: Number
    told: Number | None


class AcceptanceItem(Row, frozen=True, tag="a"):
    """A receipt that says ACCEPTD before the message is final."""

    message: Number
    expires_at: float
    attempts: Number


class HandsetItem(Row, frozen=True, tag="h"):
    """An acknowledgement of the subscriber's handset."""

    message: Number
    esm_class: Octet
    accepted_at: float
    expires_at: float
    attempts: Number


class RestatedItem(Row, frozen=True, tag="s"):
    """A receipt that says something else than its message, or says it once more."""

    message: Number
    record: Number
    stands_in: bool
    attempts: Number


class ForwardItem(Row, frozen=True, tag="f"):
    """A message on its way to another ESME."""

    message: Number
    accepted_at: float
    expires_at: float
    attempts: Number
    outcome: int | Ending
    is_underway: bool


Item: TypeAlias = (
    ReceiptItem
    | DeliveryItem
    | MobileItem
    | NotificationItem
    | AcceptanceItem
    | HandsetItem
    | RestatedItem
    | ForwardItem
)


class WaitingRow(Row, frozen=True):
    """Something that waits for an account; `plan`: when it is offered again, and its ticket."""

    account: Number
    item: Item
    plan: tuple[float, Number] | None
    was_sent: bool


class PathRow(Row, frozen=True):
    """A way back from one ESME to another."""

    receiver: Number
    source_addr: Words
    sender: Number
    asked: Octet


class AlertRow(Row, frozen=True):
    """A delivery pending flag."""

    account: Number
    source_addr_ton: Octet
    source_addr_npi: Octet
    source_addr: Words
    esme_addr_ton: Octet
    esme_addr_npi: Octet
    esme_addr: Words
    expires_at: float
    back_at: float
    ticket: Number
    is_due: bool


class ReplyRow(Row, frozen=True):
    """A reply of a subscriber, and the addresses of the message that it answers."""

    account: Number
    source_addr_ton: Octet
    source_addr_npi: Octet
    source_addr: Words
    dest_addr_ton: Octet
    dest_addr_npi: Octet
    destination_addr: Words
    text: Annotated[str, Meta(max_length=MAX_OCTETS)]
    delay: float
    reply_source: Words
    reply_destination: Words
    due: float
    ticket: Number


class BroadcastRow(Row, frozen=True):
    """A broadcast and its broadcast_sm."""

    message_id: Words
    account: Number
    areas: list[Octets]
    start_at: float
    expires_at: float
    ends_at: float
    ended_at: float
    ended_wall: float
    state: Annotated[int, Meta(ge=0, le=9)]
    due_at: float
    ticket: Number
    is_newest: bool
    sequence_number: Word
    service_type: Words
    source_addr_ton: Octet
    source_addr_npi: Octet
    source_addr: Words
    named_id: Words
    priority_flag: Octet
    schedule_delivery_time: Words
    validity_period: Words
    replace_if_present_flag: Octet
    data_coding: Octet
    sm_default_msg_id: Octet
    tlvs: Tlvs
    trailing: Octets


class FateRow(Row, frozen=True):
    """What is decided about a message; who decided knows what stands in it."""

    message: Number
    fate: Raw


class EventRow(Row, frozen=True):
    """Something that happened to a message (`smppd.engine.history.Event`)."""

    wall: float
    kind: Name
    what: Name
    session: Name
    detail: Name
    number: Number
    status: Word
    error_code: Annotated[int, Meta(ge=0, le=0xFFFF)]
    state: Annotated[int, Meta(ge=0, le=9)] | None
    next_wall: float | None


class StoryRow(Row, frozen=True):
    """What was special in the life of a message."""

    message: Number
    dropped: Number
    events: Annotated[list[EventRow], Meta(min_length=1, max_length=MAX_EVENTS)]


class ShownRow(Row, frozen=True):
    """A text on a handset: that of a message, or of an assembly."""

    message: Reference
    assembly: Reference


ROWS: Final[dict[str, type[Row]]] = {
    "engine": EngineRow,
    "accounts": AccountRow,
    "routes": RouteRow,
    "binds": BindRow,
    "messages": MessageRow,
    "strays": MessageRow,
    "done": NumberRow,
    "decided": NumberRow,
    "queued": NumberRow,
    "assemblies": AssemblyRow,
    "waiting": WaitingRow,
    "paths": PathRow,
    "alerts": AlertRow,
    "alerts_due": NumberRow,
    "replies": ReplyRow,
    "broadcasts": BroadcastRow,
    "broadcasts_done": NumberRow,
    "mobiles": MobileRow,
    "fates": FateRow,
    "handsets": ShownRow,
    "stories": StoryRow,
}
"""What stands in each section."""
