"""``[[fault]]``: what breaks, for whom, when and how often. Each kind is a struct of its own with its parameters.

Kinds come in five groups: of octets on the connection, of PDUs, of receipts, of sessions, and of load.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta, field

from smppd.settings.delays import Delay, Fixed
from smppd.settings.names import Command, Hex, Number32, Probability, Status, Tag
from smppd.settings.rules import Schedule
from smppd.settings.types import MAX_COUNT, Count, Glob, Interval, Name, Seconds, Table
from smppd.strict import Chosen

MAX_SLICE: Final = 65_536
"""Octets of the pieces that a stream is cut into: what a socket's buffer usually takes."""

MAX_BITS: Final = 64
"""Bits flipped in one PDU; more is another PDU altogether."""

MAX_RATE: Final = 1_000_000_000
"""Octets per second of a bandwidth limit: eight gigabits are no limit any more."""

Group: TypeAlias = Literal["bytes", "pdus", "receipts", "sessions", "load"]


class Fault(Table, frozen=True, kw_only=True):
    """What all faults have in common.

    * name: unique; "fault-N" when it is not given. enabled: false takes it out of use.
    * account: of which accounts; not given: of all, and of connections that are not bound. session: of this session
      alone, by its number in the log.
    * direction: "out" = towards the ESME. command: of which PDUs, "*" = of all.
    * probability, after, every, count: drawn for each occasion; leaves so many alone; takes each so-manieth of the
      others; happens at most so often (0 = without end).
    * schedule: when it is awake.
    """

    group: ClassVar[Group]

    kind: str
    name: Name = ""
    enabled: bool = True
    account: Glob | list[Glob] | None = None
    session: Count | None = None
    direction: Literal["in", "out"] = "out"
    command: Command | Annotated[list[Command], Meta(min_length=1)] = "*"
    probability: Probability = 1.0
    after: Count = 0
    every: Annotated[int, Meta(ge=1, le=MAX_COUNT)] = 1
    count: Count = 0
    schedule: Schedule | None = None

    @property
    def commands(self) -> tuple[str, ...]:
        """The names of the commands, never none."""
        return (self.command,) if isinstance(self.command, str) else tuple(self.command)


# Octets on the connection.


class ByteFault(Fault, frozen=True, kw_only=True):
    """A fault of the stream of octets, whatever PDUs stand in it."""

    group: ClassVar[Group] = "bytes"


class Slice(ByteFault, frozen=True, kw_only=True):
    """Cuts the stream into pieces of ``size`` octets, each in a segment of its own."""

    kind: str = "slice"
    size: Annotated[int, Meta(ge=1, le=MAX_SLICE)] = 1


class Coalesce(ByteFault, frozen=True, kw_only=True):
    """Holds what is to be sent back for so many seconds and sends it in one piece."""

    kind: str = "coalesce"
    for_: Interval = field(default=0.1, name="for")


class Drip(ByteFault, frozen=True, kw_only=True):
    """Lets ``octets`` through every ``interval`` seconds."""

    kind: str = "drip"
    octets: Annotated[int, Meta(ge=1, le=MAX_SLICE)] = 1
    interval: Interval = 0.1


class Bandwidth(ByteFault, frozen=True, kw_only=True):
    """Lets no more than ``octets_per_second`` through."""

    kind: str = "bandwidth"
    octets_per_second: Annotated[float, Meta(gt=0, le=MAX_RATE)]


class Latency(ByteFault, frozen=True, kw_only=True):
    """Delays everything; what a distribution draws differently for each piece is its jitter. The order stays."""

    kind: str = "latency"
    delay: Delay


class Stall(ByteFault, frozen=True, kw_only=True):
    """Lets nothing through for so many seconds, then everything."""

    kind: str = "stall"
    for_: Interval = field(default=5.0, name="for")


class StopReading(ByteFault, frozen=True, kw_only=True):
    """Reads nothing any more: half-open."""

    kind: str = "stop_reading"


class StopWriting(ByteFault, frozen=True, kw_only=True):
    """Sends nothing any more, and reads on: half-open."""

    kind: str = "stop_writing"


class SlowClose(ByteFault, frozen=True, kw_only=True):
    """Takes so many seconds to close a connection that is to be closed."""

    kind: str = "slow_close"
    for_: Interval = field(default=5.0, name="for")


class Fin(ByteFault, frozen=True, kw_only=True):
    """Closes the connection without an unbind."""

    kind: str = "fin"


class Reset(ByteFault, frozen=True, kw_only=True):
    """Resets the connection (RST)."""

    kind: str = "reset"


class ResetInsidePdu(ByteFault, frozen=True, kw_only=True):
    """Sends the first half of a PDU, then resets the connection."""

    kind: str = "reset_inside_pdu"


class Silence(ByteFault, frozen=True, kw_only=True):
    """Accepts a connection, and neither reads nor writes."""

    kind: str = "silence"


class Banner(ByteFault, frozen=True, kw_only=True):
    """Sends these octets before the first PDU (a carriage return and a line feed by default)."""

    kind: str = "banner"
    octets: Hex = "0d0a"


# PDUs.


class PduFault(Fault, frozen=True, kw_only=True):
    """A fault of single PDUs."""

    group: ClassVar[Group] = "pdus"


class CommandLength(PduFault, frozen=True, kw_only=True):
    """Writes another command_length: the right one and so much more (or less), or this one. Exactly one of the two."""

    kind: str = "command_length"
    add: Annotated[int, Meta(ge=-0xFFFFFFFF, le=0xFFFFFFFF)] | None = None
    value: Number32 | None = None


class UnknownCommand(PduFault, frozen=True, kw_only=True):
    """Writes a command_id that no specification has."""

    kind: str = "unknown_command"
    value: Number32 = 0x000000FE


class Truncate(PduFault, frozen=True, kw_only=True):
    """Ends the PDU in the middle of a field (the last mandatory one by default); command_length says so."""

    kind: str = "truncate"
    field: str = ""


class MissingNul(PduFault, frozen=True, kw_only=True):
    """Leaves out the NUL of a C-octet string (the last one by default)."""

    kind: str = "missing_nul"
    field: str = ""


class SmLength(PduFault, frozen=True, kw_only=True):
    """Writes an sm_length that is so much larger than the short_message; capped at 255."""

    kind: str = "sm_length"
    add: Annotated[int, Meta(ge=-255, le=255)] = 10


class BrokenTlv(PduFault, frozen=True, kw_only=True):
    """Appends a TLV whose length runs over the end of the PDU."""

    kind: str = "broken_tlv"


class UnknownTlv(PduFault, frozen=True, kw_only=True):
    """Appends a TLV that no specification has."""

    kind: str = "unknown_tlv"
    tag: Tag = 0x1403
    value: Hex = "00"


class WrongSequence(PduFault, frozen=True, kw_only=True):
    """Writes another sequence number: this one, or the right one and so much more. Exactly one of the two."""

    kind: str = "sequence_number"
    value: Number32 | None = None
    add: Annotated[int, Meta(ge=-0xFFFFFFFF, le=0xFFFFFFFF)] | None = None


class Duplicate(PduFault, frozen=True, kw_only=True):
    """Sends the PDU twice."""

    kind: str = "duplicate"


class Reorder(PduFault, frozen=True, kw_only=True):
    """Holds the PDU back until the next one has left, but not longer than so many seconds."""

    kind: str = "reorder"
    for_: Interval = field(default=1.0, name="for")


class Withhold(PduFault, frozen=True, kw_only=True):
    """Never sends the PDU."""

    kind: str = "withhold"


class Nack(PduFault, frozen=True, kw_only=True):
    """Sends a generic_nack of this status in place of a response."""

    kind: str = "nack"
    status: Status = "ESME_RINVCMDID"


class StrayResponse(PduFault, frozen=True, kw_only=True):
    """Sends a response to a request that nobody made, after the PDU: a submit_sm_resp with a free sequence number."""

    kind: str = "stray_response"
    response: Command = "submit_sm_resp"


class FlipBits(PduFault, frozen=True, kw_only=True):
    """Flips so many bits of the body."""

    kind: str = "flip_bits"
    bits: Annotated[int, Meta(ge=1, le=MAX_BITS)] = 1


# Receipts.


class ReceiptFault(Fault, frozen=True, kw_only=True):
    """A fault of delivery receipts."""

    group: ClassVar[Group] = "receipts"


class ReceiptBeforeResponse(ReceiptFault, frozen=True, kw_only=True):
    """Sends the receipt before the submit_sm_resp that tells the message's id."""

    kind: str = "receipt_before_response"


class ReceiptDuplicate(ReceiptFault, frozen=True, kw_only=True):
    """Sends the receipt twice."""

    kind: str = "receipt_duplicate"


class ReceiptLost(ReceiptFault, frozen=True, kw_only=True):
    """Never sends the receipt."""

    kind: str = "receipt_lost"


class ReceiptReorder(ReceiptFault, frozen=True, kw_only=True):
    """Holds the receipt back until the next one has left, but not longer than so many seconds."""

    kind: str = "receipt_reorder"
    for_: Interval = field(default=5.0, name="for")


class ReceiptUnknownId(ReceiptFault, frozen=True, kw_only=True):
    """Reports a message id that was never given out."""

    kind: str = "receipt_unknown_id"


class ReceiptForeignId(ReceiptFault, frozen=True, kw_only=True):
    """Reports the id of a message of another account, or of none while no other account has submitted anything."""

    kind: str = "receipt_foreign_id"


class ReceiptContradiction(ReceiptFault, frozen=True, kw_only=True):
    """Sends a second receipt with another final state: UNDELIV after DELIVRD, DELIVRD after all others."""

    kind: str = "receipt_contradiction"


class ReceiptStorm(ReceiptFault, frozen=True, kw_only=True):
    """Holds receipts back until the account binds again, then sends them all at once."""

    kind: str = "receipt_storm"


class ReceiptOld(ReceiptFault, frozen=True, kw_only=True):
    """Dates the receipt so many seconds back (a year by default)."""

    kind: str = "receipt_old"
    age: Seconds = 31_536_000.0


# Sessions.


class SessionFault(Fault, frozen=True, kw_only=True):
    """A fault of sessions and binds."""

    group: ClassVar[Group] = "sessions"


class RefuseBind(SessionFault, frozen=True, kw_only=True):
    """Refuses a bind (with ``count`` = 3: the first three)."""

    kind: str = "refuse_bind"
    status: Status = "ESME_RBINDFAIL"


class StaleSession(SessionFault, frozen=True, kw_only=True):
    """Keeps the bind of a lost connection for so many seconds, in which further ones get ESME_RALYBND."""

    kind: str = "stale_session"
    for_: Interval = field(default=60.0, name="for")


class IgnoreEnquireLink(SessionFault, frozen=True, kw_only=True):
    """Leaves enquire_link unanswered."""

    kind: str = "ignore_enquire_link"


class EnquireLinkBeforeBind(SessionFault, frozen=True, kw_only=True):
    """Sends enquire_link as soon as a connection is there."""

    kind: str = "enquire_link_before_bind"


class EnquireLinkInterval(SessionFault, frozen=True, kw_only=True):
    """Sends enquire_link every ``interval`` seconds, whatever else happens."""

    kind: str = "enquire_link_interval"
    interval: Interval = 0.5


class MoWithBindResponse(SessionFault, frozen=True, kw_only=True):
    """Sends a deliver_sm with this text in the same segment as the response to the bind."""

    kind: str = "mo_with_bind_response"
    text: Annotated[str, Meta(max_length=160)] = "hello"
    source_addr: Annotated[str, Meta(max_length=20)] = "447700900000"
    destination_addr: Annotated[str, Meta(max_length=20)] = ""


class Unbind(SessionFault, frozen=True, kw_only=True):
    """Sends unbind out of the blue, when its schedule begins."""

    kind: str = "unbind"


class Disconnect(SessionFault, frozen=True, kw_only=True):
    """Closes the connection when its schedule begins."""

    kind: str = "disconnect"


class SessionLimit(SessionFault, frozen=True, kw_only=True):
    """Allows no more than so many binds of an account, whatever its ``max_binds``."""

    kind: str = "session_limit"
    limit: Count = 1
    status: Status = "ESME_RALYBND"


class DisableAccount(SessionFault, frozen=True, kw_only=True):
    """Disables the account while the fault is awake: its sessions are unbound and its binds refused."""

    kind: str = "disable_account"


class SlowBind(SessionFault, frozen=True, kw_only=True):
    """Answers binds late."""

    kind: str = "slow_bind"
    delay: Delay = Fixed(value=5.0)


# Load.


class LoadFault(Fault, frozen=True, kw_only=True):
    """A fault of a message centre with too much to do."""

    group: ClassVar[Group] = "load"


class Throttle(LoadFault, frozen=True, kw_only=True):
    """Refuses messages while it is awake."""

    kind: str = "throttle"
    status: Status = "ESME_RTHROTTLED"


class RouteDown(LoadFault, frozen=True, kw_only=True):
    """Refuses the messages of a route while it is awake."""

    kind: str = "route_down"
    route: Name
    status: Status = "ESME_RSYSERR"


class Congestion(LoadFault, frozen=True, kw_only=True):
    """Adds congestion_state to responses (SMPP 5.0, 4.8.4.18): 0 idle, 100 more than it can take."""

    kind: str = "congestion"
    value: Annotated[int, Meta(ge=0, le=100)] = 80


_KINDS: Final[tuple[type[Fault], ...]] = (
    *(Slice, Coalesce, Drip, Bandwidth, Latency, Stall, StopReading, StopWriting, SlowClose, Fin, Reset),
    *(ResetInsidePdu, Silence, Banner),
    *(CommandLength, UnknownCommand, Truncate, MissingNul, SmLength, BrokenTlv, UnknownTlv, WrongSequence),
    *(Duplicate, Reorder, Withhold, Nack, StrayResponse, FlipBits),
    *(ReceiptBeforeResponse, ReceiptDuplicate, ReceiptLost, ReceiptReorder, ReceiptUnknownId, ReceiptForeignId),
    *(ReceiptContradiction, ReceiptStorm, ReceiptOld),
    *(RefuseBind, StaleSession, IgnoreEnquireLink, EnquireLinkBeforeBind, EnquireLinkInterval, MoWithBindResponse),
    *(Unbind, Disconnect, SessionLimit, DisableAccount, SlowBind),
    *(Throttle, RouteDown, Congestion),
)


def _kind_of(fault: type[Fault]) -> str:
    return str(next(one.default for one in msgspec.structs.fields(fault) if one.name == "kind"))


FAULTS: Final[dict[str, type[Fault]]] = {_kind_of(fault): fault for fault in _KINDS}
"""Every kind of fault by its name."""

AnyFault: TypeAlias = Annotated[Fault, Chosen("kind", FAULTS, "a kind of fault")]
