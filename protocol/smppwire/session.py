"""One SMPP session, sans-IO: octets and the time go in, events come out; requests go in, octets come out.

The transport reads like this::

    for event in session.receive(data, now):
        ...                                   # a request: answer it; Refused and FramingLost: write event.reply

and writes what ``send_request``, ``respond`` or its own encoding (after ``register`` or ``register_many``) gives it.
Whoever answers a bind or an unbind calls ``resume`` afterwards; see "Pausing" below.

Theory of operation
===================

Two rules, as in h11:

Rule 1: everything that decides whether a PDU is allowed, and what it does to the session, stands in ``TRANSITIONS``.

Rule 2: the table does not know which side we are. Its keys say who *sends* a PDU; the same cell tells the SMSC what it
may send and the ESME what it may receive. That is why one ``Session`` serves both, and why two of them can be tested
against each other.

A cell that exists allows its PDU and names the state afterwards; most cells name their own state. A cell that does not
exist forbids it. The table is SMPP 3.4, 2.2 and 2.3, made more permissive where the specification forgot something or
where 5.0 and practice agree on more:

* enquire_link and generic_nack are allowed in every state in which there is a connection (5.0, 2.4; 3.4 says: bound);
* data_sm goes both ways in all three bound states (3.4's table; 5.0 restricts it to the direction of the bind);
* replace_sm is allowed in BOUND_TRX, which 3.4's table omits although the state is "transmitter and receiver";
* OUTBOUND and UNBOUND are states of 5.0. An unbound ESME may bind again on the same connection: some do;
* the broadcast operations are 5.0's; a session that speaks less does not know them (``Session.interface_version``).

One thing the table cannot see: **a response moves the session only when its command_status is ESME_ROK.** A
bind_transmitter_resp leads from OPEN to BOUND_TX, but a refusal leaves the session in OPEN. And CLOSED is reached from
everywhere, by ``Session.close``, because it is the connection that ends and not a PDU that ends it.

What the peer gets to hear for its mistakes
===========================================

The header is read first, so it is judged first: an unknown command_id before the state, the state before the body.

==============================================  =======================================  =============================
mistake                                         answer                                   kind of the event
==============================================  =======================================  =============================
command_length below 16 or above the maximum    generic_nack ESME_RINVCMDLEN, close      framing (``FramingLost``)
unknown command_id                              generic_nack ESME_RINVCMDID              unknown_command
the same, but of a response                     none                                     unknown_command
second bind on a bound session                  its response, ESME_RALYBND               wrong_state
request not allowed in this state, or at all    its response, ESME_RINVBNDSTS            wrong_state
from this side                                  (generic_nack for outbind and
                                                alert_notification, which have none)
mandatory part of a request broken              its response, status of the field        malformed
response broken                                 none; the request stays outstanding      malformed
response or generic_nack to nothing we asked    none: it could go on for ever            unexpected_response
==============================================  =======================================  =============================

All but the first leave the session as it was.

Pausing
=======

What follows a bind or an unbind means something else depending on how that is answered, and answering may take time
(a password hash). So the session stops reading behind a bind or an unbind until it is answered: ``paused`` is True,
and what arrives waits inside. After the answer, ``resume`` gives the events of what has waited. Thus a client that
sends bind, submit_sm and unbind in one segment is served in order, and it makes no difference where TCP has cut the
stream. While a session is paused, stop reading from its connection: what waits is not limited here.
"""

from __future__ import annotations

import enum
import functools
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, cast

from smppwire.codec import encode
from smppwire.compiler import DECODERS
from smppwire.constants import HEADER_LENGTH, MAX_PDU_LENGTH, RESPONSE_BIT, CommandId, CommandStatus, command_name
from smppwire.errors import DecodeError, StateError
from smppwire.framing import Framer
from smppwire.pdus import Pdu
from smppwire.speedups import CODEC
from smppwire.timers import SessionTimers
from smppwire.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from smppwire_speedups import Codec

    from smppwire.errors import FramingError

    Decoder = Callable[[bytes, int, int, int, int], Pdu]
    Frame = tuple[int, int, int, int, int]

MAX_SEQUENCE_NUMBER: Final = 0x7FFFFFFF
"""The largest sequence_number we give out (5.1.4); 1 follows. What a peer sends is echoed whatever it is."""

HIGHEST_NUMBER: Final = 0xFFFFFFFF
"""The largest that fits into the field; 0 follows where somebody has set ``next_sequence_number`` so high."""

BROADCAST_VERSION: Final = 0x50
"""The interface_version from which the broadcast operations exist."""


class Role(enum.Enum):
    """The two sides of a session."""

    ESME = "ESME"
    SMSC = "SMSC"

    @property
    def peer(self) -> Role:
        """The other side."""
        return Role.SMSC if self is Role.ESME else Role.ESME


class SessionState(enum.Enum):
    """Where a session stands (SMPP 3.4, 2.2; OUTBOUND and UNBOUND: 5.0, 2.3)."""

    OPEN = "OPEN"
    """Connected, not bound."""
    OUTBOUND = "OUTBOUND"
    """The SMSC has connected and sent an outbind."""
    BOUND_TX = "BOUND_TX"
    """Bound as transmitter: the ESME submits."""
    BOUND_RX = "BOUND_RX"
    """Bound as receiver: the SMSC delivers."""
    BOUND_TRX = "BOUND_TRX"
    """Bound as transceiver: both."""
    UNBOUND = "UNBOUND"
    """Unbound, still connected."""
    CLOSED = "CLOSED"
    """No connection any more."""


BOUND_STATES: Final = frozenset({SessionState.BOUND_TX, SessionState.BOUND_RX, SessionState.BOUND_TRX})

_ESME = Role.ESME
_SMSC = Role.SMSC

TRANSITIONS: Final[dict[SessionState, dict[tuple[Role, int], SessionState]]] = {
    SessionState.OPEN: {
        (_ESME, CommandId.BIND_RECEIVER): SessionState.OPEN,
        (_SMSC, CommandId.BIND_RECEIVER_RESP): SessionState.BOUND_RX,
        (_ESME, CommandId.BIND_TRANSMITTER): SessionState.OPEN,
        (_SMSC, CommandId.BIND_TRANSMITTER_RESP): SessionState.BOUND_TX,
        (_ESME, CommandId.BIND_TRANSCEIVER): SessionState.OPEN,
        (_SMSC, CommandId.BIND_TRANSCEIVER_RESP): SessionState.BOUND_TRX,
        (_SMSC, CommandId.OUTBIND): SessionState.OUTBOUND,
        (_ESME, CommandId.ENQUIRE_LINK): SessionState.OPEN,
        (_SMSC, CommandId.ENQUIRE_LINK): SessionState.OPEN,
        (_ESME, CommandId.ENQUIRE_LINK_RESP): SessionState.OPEN,
        (_SMSC, CommandId.ENQUIRE_LINK_RESP): SessionState.OPEN,
        (_ESME, CommandId.GENERIC_NACK): SessionState.OPEN,
        (_SMSC, CommandId.GENERIC_NACK): SessionState.OPEN,
    },
    SessionState.OUTBOUND: {
        (_ESME, CommandId.BIND_RECEIVER): SessionState.OUTBOUND,
        (_SMSC, CommandId.BIND_RECEIVER_RESP): SessionState.BOUND_RX,
        (_ESME, CommandId.BIND_TRANSMITTER): SessionState.OUTBOUND,
        (_SMSC, CommandId.BIND_TRANSMITTER_RESP): SessionState.BOUND_TX,
        (_ESME, CommandId.BIND_TRANSCEIVER): SessionState.OUTBOUND,
        (_SMSC, CommandId.BIND_TRANSCEIVER_RESP): SessionState.BOUND_TRX,
        (_ESME, CommandId.ENQUIRE_LINK): SessionState.OUTBOUND,
        (_SMSC, CommandId.ENQUIRE_LINK): SessionState.OUTBOUND,
        (_ESME, CommandId.ENQUIRE_LINK_RESP): SessionState.OUTBOUND,
        (_SMSC, CommandId.ENQUIRE_LINK_RESP): SessionState.OUTBOUND,
        (_ESME, CommandId.GENERIC_NACK): SessionState.OUTBOUND,
        (_SMSC, CommandId.GENERIC_NACK): SessionState.OUTBOUND,
    },
    SessionState.BOUND_TX: {
        (_ESME, CommandId.SUBMIT_SM): SessionState.BOUND_TX,
        (_SMSC, CommandId.SUBMIT_SM_RESP): SessionState.BOUND_TX,
        (_ESME, CommandId.SUBMIT_MULTI): SessionState.BOUND_TX,
        (_SMSC, CommandId.SUBMIT_MULTI_RESP): SessionState.BOUND_TX,
        (_ESME, CommandId.QUERY_SM): SessionState.BOUND_TX,
        (_SMSC, CommandId.QUERY_SM_RESP): SessionState.BOUND_TX,
        (_ESME, CommandId.CANCEL_SM): SessionState.BOUND_TX,
        (_SMSC, CommandId.CANCEL_SM_RESP): SessionState.BOUND_TX,
        (_ESME, CommandId.REPLACE_SM): SessionState.BOUND_TX,
        (_SMSC, CommandId.REPLACE_SM_RESP): SessionState.BOUND_TX,
        (_ESME, CommandId.DATA_SM): SessionState.BOUND_TX,
        (_SMSC, CommandId.DATA_SM): SessionState.BOUND_TX,
        (_ESME, CommandId.DATA_SM_RESP): SessionState.BOUND_TX,
        (_SMSC, CommandId.DATA_SM_RESP): SessionState.BOUND_TX,
        (_ESME, CommandId.BROADCAST_SM): SessionState.BOUND_TX,
        (_SMSC, CommandId.BROADCAST_SM_RESP): SessionState.BOUND_TX,
        (_ESME, CommandId.QUERY_BROADCAST_SM): SessionState.BOUND_TX,
        (_SMSC, CommandId.QUERY_BROADCAST_SM_RESP): SessionState.BOUND_TX,
        (_ESME, CommandId.CANCEL_BROADCAST_SM): SessionState.BOUND_TX,
        (_SMSC, CommandId.CANCEL_BROADCAST_SM_RESP): SessionState.BOUND_TX,
        (_ESME, CommandId.UNBIND): SessionState.BOUND_TX,
        (_SMSC, CommandId.UNBIND): SessionState.BOUND_TX,
        (_ESME, CommandId.UNBIND_RESP): SessionState.UNBOUND,
        (_SMSC, CommandId.UNBIND_RESP): SessionState.UNBOUND,
        (_ESME, CommandId.ENQUIRE_LINK): SessionState.BOUND_TX,
        (_SMSC, CommandId.ENQUIRE_LINK): SessionState.BOUND_TX,
        (_ESME, CommandId.ENQUIRE_LINK_RESP): SessionState.BOUND_TX,
        (_SMSC, CommandId.ENQUIRE_LINK_RESP): SessionState.BOUND_TX,
        (_ESME, CommandId.GENERIC_NACK): SessionState.BOUND_TX,
        (_SMSC, CommandId.GENERIC_NACK): SessionState.BOUND_TX,
    },
    SessionState.BOUND_RX: {
        (_SMSC, CommandId.DELIVER_SM): SessionState.BOUND_RX,
        (_ESME, CommandId.DELIVER_SM_RESP): SessionState.BOUND_RX,
        (_SMSC, CommandId.ALERT_NOTIFICATION): SessionState.BOUND_RX,
        (_ESME, CommandId.DATA_SM): SessionState.BOUND_RX,
        (_SMSC, CommandId.DATA_SM): SessionState.BOUND_RX,
        (_ESME, CommandId.DATA_SM_RESP): SessionState.BOUND_RX,
        (_SMSC, CommandId.DATA_SM_RESP): SessionState.BOUND_RX,
        (_ESME, CommandId.UNBIND): SessionState.BOUND_RX,
        (_SMSC, CommandId.UNBIND): SessionState.BOUND_RX,
        (_ESME, CommandId.UNBIND_RESP): SessionState.UNBOUND,
        (_SMSC, CommandId.UNBIND_RESP): SessionState.UNBOUND,
        (_ESME, CommandId.ENQUIRE_LINK): SessionState.BOUND_RX,
        (_SMSC, CommandId.ENQUIRE_LINK): SessionState.BOUND_RX,
        (_ESME, CommandId.ENQUIRE_LINK_RESP): SessionState.BOUND_RX,
        (_SMSC, CommandId.ENQUIRE_LINK_RESP): SessionState.BOUND_RX,
        (_ESME, CommandId.GENERIC_NACK): SessionState.BOUND_RX,
        (_SMSC, CommandId.GENERIC_NACK): SessionState.BOUND_RX,
    },
    SessionState.BOUND_TRX: {
        (_ESME, CommandId.SUBMIT_SM): SessionState.BOUND_TRX,
        (_SMSC, CommandId.SUBMIT_SM_RESP): SessionState.BOUND_TRX,
        (_ESME, CommandId.SUBMIT_MULTI): SessionState.BOUND_TRX,
        (_SMSC, CommandId.SUBMIT_MULTI_RESP): SessionState.BOUND_TRX,
        (_ESME, CommandId.QUERY_SM): SessionState.BOUND_TRX,
        (_SMSC, CommandId.QUERY_SM_RESP): SessionState.BOUND_TRX,
        (_ESME, CommandId.CANCEL_SM): SessionState.BOUND_TRX,
        (_SMSC, CommandId.CANCEL_SM_RESP): SessionState.BOUND_TRX,
        (_ESME, CommandId.REPLACE_SM): SessionState.BOUND_TRX,
        (_SMSC, CommandId.REPLACE_SM_RESP): SessionState.BOUND_TRX,
        (_SMSC, CommandId.DELIVER_SM): SessionState.BOUND_TRX,
        (_ESME, CommandId.DELIVER_SM_RESP): SessionState.BOUND_TRX,
        (_SMSC, CommandId.ALERT_NOTIFICATION): SessionState.BOUND_TRX,
        (_ESME, CommandId.DATA_SM): SessionState.BOUND_TRX,
        (_SMSC, CommandId.DATA_SM): SessionState.BOUND_TRX,
        (_ESME, CommandId.DATA_SM_RESP): SessionState.BOUND_TRX,
        (_SMSC, CommandId.DATA_SM_RESP): SessionState.BOUND_TRX,
        (_ESME, CommandId.BROADCAST_SM): SessionState.BOUND_TRX,
        (_SMSC, CommandId.BROADCAST_SM_RESP): SessionState.BOUND_TRX,
        (_ESME, CommandId.QUERY_BROADCAST_SM): SessionState.BOUND_TRX,
        (_SMSC, CommandId.QUERY_BROADCAST_SM_RESP): SessionState.BOUND_TRX,
        (_ESME, CommandId.CANCEL_BROADCAST_SM): SessionState.BOUND_TRX,
        (_SMSC, CommandId.CANCEL_BROADCAST_SM_RESP): SessionState.BOUND_TRX,
        (_ESME, CommandId.UNBIND): SessionState.BOUND_TRX,
        (_SMSC, CommandId.UNBIND): SessionState.BOUND_TRX,
        (_ESME, CommandId.UNBIND_RESP): SessionState.UNBOUND,
        (_SMSC, CommandId.UNBIND_RESP): SessionState.UNBOUND,
        (_ESME, CommandId.ENQUIRE_LINK): SessionState.BOUND_TRX,
        (_SMSC, CommandId.ENQUIRE_LINK): SessionState.BOUND_TRX,
        (_ESME, CommandId.ENQUIRE_LINK_RESP): SessionState.BOUND_TRX,
        (_SMSC, CommandId.ENQUIRE_LINK_RESP): SessionState.BOUND_TRX,
        (_ESME, CommandId.GENERIC_NACK): SessionState.BOUND_TRX,
        (_SMSC, CommandId.GENERIC_NACK): SessionState.BOUND_TRX,
    },
    SessionState.UNBOUND: {
        (_ESME, CommandId.BIND_RECEIVER): SessionState.UNBOUND,
        (_SMSC, CommandId.BIND_RECEIVER_RESP): SessionState.BOUND_RX,
        (_ESME, CommandId.BIND_TRANSMITTER): SessionState.UNBOUND,
        (_SMSC, CommandId.BIND_TRANSMITTER_RESP): SessionState.BOUND_TX,
        (_ESME, CommandId.BIND_TRANSCEIVER): SessionState.UNBOUND,
        (_SMSC, CommandId.BIND_TRANSCEIVER_RESP): SessionState.BOUND_TRX,
        (_ESME, CommandId.ENQUIRE_LINK): SessionState.UNBOUND,
        (_SMSC, CommandId.ENQUIRE_LINK): SessionState.UNBOUND,
        (_ESME, CommandId.ENQUIRE_LINK_RESP): SessionState.UNBOUND,
        (_SMSC, CommandId.ENQUIRE_LINK_RESP): SessionState.UNBOUND,
        (_ESME, CommandId.GENERIC_NACK): SessionState.UNBOUND,
        (_SMSC, CommandId.GENERIC_NACK): SessionState.UNBOUND,
    },
    SessionState.CLOSED: {},
}
"""(who sends it, command_id) -> state afterwards, for every state. What is not in here is not allowed."""

BINDS: Final[frozenset[int]] = frozenset(
    {CommandId.BIND_RECEIVER, CommandId.BIND_TRANSMITTER, CommandId.BIND_TRANSCEIVER}
)

UNANSWERED_REQUESTS: Final[frozenset[int]] = frozenset({CommandId.ALERT_NOTIFICATION, CommandId.OUTBIND})
"""Requests that have no response (4.1.7 and 4.12)."""

_PAUSING: Final = BINDS | {CommandId.UNBIND}
"""Requests whose answer decides what the next PDU means."""

_BROADCAST: Final[frozenset[int]] = frozenset(
    request | bit
    for request in (CommandId.BROADCAST_SM, CommandId.QUERY_BROADCAST_SM, CommandId.CANCEL_BROADCAST_SM)
    for bit in (0, RESPONSE_BIT)
)

_HEADER: Final = struct.Struct(">IIII")
_read_header: Final = _HEADER.unpack_from


def state_diagram() -> str:
    """The table as a Mermaid state diagram: every cell that leads to another state, with the PDU and who sends it.

    What no PDU causes is drawn in addition: the connection begins in OPEN and may end anywhere.
    """
    arrows = [
        f"    {state.value} --> {target.value}: {command_name(command_id)} ({sender.value})"
        for state, cells in TRANSITIONS.items()
        for (sender, command_id), target in cells.items()
        if target is not state
    ]
    open_states = [state for state in TRANSITIONS if state is not SessionState.CLOSED]
    ends = [f"    {state.value} --> CLOSED: connection ends" for state in open_states]
    return "\n".join(["stateDiagram-v2", "    [*] --> OPEN", *arrows, *ends, "    CLOSED --> [*]", ""])


RefusalKind = Literal["unknown_command", "malformed", "wrong_state", "unexpected_response"]
"""Why a PDU of the peer was refused; ``FramingLost.kind`` is "framing". A closed set: metrics use it as a label."""


@dataclass(slots=True)
class ResponseReceived:
    """The answer to one of our requests: ``request`` is the context it was sent with, at ``sent_at``.

    ``pdu`` is its response with any command_status, or a ``GenericNack`` that carries its sequence_number.
    """

    request: object
    pdu: Pdu
    sent_at: float


@dataclass(slots=True)
class Acknowledged:
    """A run of deliver_sm_resp, in wire order: the context of each deliver_sm and the command_status of its response.

    The body of a deliver_sm_resp holds nothing of use (4.6.2), so it is not even decoded. Everything else that a
    deliver_sm may meet is a ``ResponseReceived``: a generic_nack.
    """

    responses: list[tuple[object, int]]


@dataclass(slots=True)
class Refused:
    """A mistake of the peer, dealt with: write ``reply`` at this place of the stream, if there is one, and go on.

    ``status`` is what ``reply`` says, ESME_ROK when there is none. ``field`` and ``rule`` say what was wrong with the
    PDU.
    """

    reply: bytes | None
    kind: RefusalKind
    command_id: int
    sequence_number: int
    status: int
    field: str | None
    rule: str


@dataclass(slots=True)
class FramingLost:
    """A command_length that cannot be true, so the next PDU cannot be found: write ``reply``, then close.

    It is the last event of a session: ``receive`` takes no notice of anything that follows.
    """

    kind: ClassVar[Literal["framing"]] = "framing"

    reply: bytes
    sequence_number: int
    status: int
    rule: str


Event = Pdu | ResponseReceived | Acknowledged | Refused | FramingLost
"""What ``Session.receive`` gives: a request of the peer that is allowed is the PDU itself."""


@dataclass(frozen=True, slots=True)
class _View:
    """What the table says to one side in one state, in the form in which a session asks for it."""

    decoders: dict[int, Decoder]
    """Requests that are allowed and neither pause nor move the session: the hot path's one look-up per PDU."""
    acknowledgement: int
    """The command_id of the responses that become ``Acknowledged``; -1 where there are none."""
    takes_submit_sm: bool
    """Whether submit_sm is among ``decoders``."""
    receivable: dict[int, SessionState]
    sendable: dict[int, SessionState]


@functools.cache
def _derive_view(role: Role, state: SessionState, broadcast: bool) -> _View:
    """Derive a view from the table. There are few of them and sessions share them; nobody changes one."""
    receivable = _cells(role.peer, state, broadcast)
    decoders = {
        command_id: DECODERS[command_id]
        for command_id, target in receivable.items()
        if target is state
        and not command_id & RESPONSE_BIT
        and command_id not in _PAUSING
        and command_id not in UNANSWERED_REQUESTS
    }
    acknowledgement = int(CommandId.DELIVER_SM_RESP) if CommandId.DELIVER_SM_RESP in receivable else -1
    sendable = _cells(role, state, broadcast)
    return _View(decoders, acknowledgement, CommandId.SUBMIT_SM in decoders, receivable, sendable)


def _cells(sender: Role, state: SessionState, broadcast: bool) -> dict[int, SessionState]:
    """One side's cells in one state. Plain ints as keys: a dict compares those without calling anything."""
    return {
        int(command_id): target
        for (side, command_id), target in TRANSITIONS[state].items()
        if side is sender and (broadcast or command_id not in _BROADCAST)
    }


class Session:
    """One side of one SMPP session.

    ``now`` is the time at which the connection was made; here and everywhere else in seconds on a clock that never goes
    back. ``timers`` are started with it; ask them with ``timers.tick`` (and ``expired`` for the response timer).
    ``window_limit`` is the limit of ``window``, our outstanding requests. PDUs longer than ``max_pdu_length`` octets
    end the session. ``codec`` reads chunks as far as they hold nothing unusual; with None Python reads all of them.

    Public attributes, to be read unless said otherwise: ``role``, ``state``, ``window``, ``timers``;
    ``inbound_outstanding``, the number of requests that were given to the caller and are not answered yet;
    ``next_sequence_number``, which the next request gets and which may be set to any number of 32 bits.
    """

    __slots__ = (
        "_codec",
        "_framer",
        "_interface_version",
        "_lost",
        "_parked_data",
        "_parked_frames",
        "_pausing_request",
        "_view",
        "inbound_outstanding",
        "next_sequence_number",
        "role",
        "state",
        "timers",
        "window",
    )

    def __init__(
        self,
        role: Role,
        *,
        now: float = 0.0,
        max_pdu_length: int = MAX_PDU_LENGTH,
        interface_version: int = 0x34,
        window_limit: int = 0,
        timers: SessionTimers | None = None,
        codec: Codec | None = CODEC,
    ) -> None:
        self.role = role
        self.state = SessionState.OPEN
        self.window = Window(window_limit)
        self.timers = SessionTimers() if timers is None else timers
        self.timers.started(now)
        self.inbound_outstanding = 0
        self.next_sequence_number = 1
        self._codec = codec
        self._framer = Framer(max_pdu_length)
        self._lost = False
        self._pausing_request: Pdu | None = None
        self._parked_frames: tuple[bytes, Sequence[Frame]] | None = None
        self._parked_data: list[bytes] = []
        self._interface_version = interface_version
        self._view = _derive_view(role, self.state, interface_version >= BROADCAST_VERSION)

    # -- what the peer sends ------------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take what was read from the connection; the events are in wire order. Never raises for what a peer may send.

        Write the replies of ``Refused`` and ``FramingLost`` at their places among the answers to the requests.
        """
        if self._parked_frames is not None:
            self._parked_data.append(data)
            return self.resume(now)
        if self.state is SessionState.CLOSED:
            return []
        framer = self._framer
        buffer = framer.gather(data)
        events: list[Event] = []
        codec = self._codec
        position = self._decode_run(buffer, events) if codec is None else self._read_run(codec, buffer, events)
        if events and position == len(buffer):
            self.timers.received(now)
            return events
        return self._process(buffer, framer.cut(buffer, position), now, events)

    def _read_run(self, codec: Codec, buffer: bytes, events: list[Event]) -> int:
        """Have the beginning of a chunk read in C, as far as it is usual; the offset of what is not."""
        view = self._view
        position, accepted = codec.receive(
            buffer,
            self._framer.max_pdu_length,
            view.takes_submit_sm,
            view.acknowledgement,
            self.window.entries,
            events,
            Acknowledged,
        )
        self.inbound_outstanding += accepted
        return position

    def _decode_run(self, buffer: bytes, events: list[Event]) -> int:
        """Decode the beginning of a chunk, as far as it is sound and usual; the offset of what is not.

        Most chunks hold nothing else, and to cut them into frames first is dear where they hold one or two.
        """
        view = self._view
        decoders = view.decoders
        acknowledgement = view.acknowledgement
        longest = self._framer.max_pdu_length
        size = len(buffer)
        run: list[tuple[object, int]] | None = None
        accepted = 0
        position = 0
        try:
            while size - position >= HEADER_LENGTH:
                length, command_id, command_status, sequence_number = _read_header(buffer, position)
                end = position + length
                if end > size or length > longest or length < HEADER_LENGTH:
                    break
                if command_id in decoders:
                    events.append(decoders[command_id](buffer, position, end, command_status, sequence_number))
                    accepted += 1
                    run = None
                elif command_id == acknowledgement:
                    entry = self.window.pop(sequence_number, command_id)
                    if entry is None:
                        break
                    if run is None:
                        run = []
                        events.append(Acknowledged(run))
                    run.append((entry[0], command_status))
                else:
                    break
                position = end
        except DecodeError:
            pass  # it is met again, by whoever says what is wrong with it
        self.inbound_outstanding += accepted
        return position

    @property
    def beginning(self) -> bytes:
        """The beginning of a PDU that has not been received whole."""
        return self._framer.beginning

    @property
    def paused(self) -> bool:
        """True while a bind or an unbind of the peer waits for its answer: read no more from the connection."""
        return self._pausing_request is not None

    def resume(self, now: float) -> list[Event]:
        """Go on behind a bind or an unbind that has been answered: the events of what has arrived in the meantime.

        Gives nothing as long as the session is still paused; does no harm at any other time.
        """
        if self._pausing_request is not None or self._parked_frames is None:
            return []
        buffer, frames = self._parked_frames
        self._parked_frames = None
        events = self._process(buffer, frames, now, [])
        if self._parked_frames is None and self._parked_data:
            data = b"".join(self._parked_data)
            self._parked_data.clear()
            events += self.receive(data, now)
        return events

    def _process(self, buffer: bytes, frames: Iterable[Frame], now: float, events: list[Event]) -> list[Event]:
        """Turn frames into more events. The hot path: the first branch is all that happens to a submit_sm."""
        append = events.append
        view = self._view
        decoders = view.decoders
        pop = self.window.pop
        run: list[tuple[object, int]] | None = None
        accepted = 0
        remaining = iter(frames)
        for start, end, command_id, command_status, sequence_number in remaining:
            if (decoder := decoders.get(command_id)) is not None:
                run = None
                try:
                    append(decoder(buffer, start, end, command_status, sequence_number))
                    accepted += 1
                except DecodeError as error:
                    append(_malformed(error))
            elif command_id == view.acknowledgement and (entry := pop(sequence_number, command_id)) is not None:
                if run is None:
                    run = []
                    append(Acknowledged(run))
                run.append((entry[0], command_status))
            else:
                run = None
                append(self._receive_other(buffer, (start, end, command_id, command_status, sequence_number), now))
                if self._pausing_request is not None:
                    self._parked_frames = (buffer, list(remaining))
                    break
                view = self._view
                decoders = view.decoders
        self.inbound_outstanding += accepted
        if events:
            self.timers.received(now)
        lost = self._framer.error
        if lost is not None and not self._lost and self._parked_frames is None:
            append(self._framing_lost(lost))
        return events

    def _framing_lost(self, error: FramingError) -> FramingLost:
        self._lost = True
        reply = _header_only(CommandId.GENERIC_NACK, error.command_status, error.sequence_number)
        return FramingLost(reply, error.sequence_number, error.command_status, error.rule)

    def _receive_other(self, buffer: bytes, frame: Frame, now: float) -> Event:
        """Everything that is rare: mistakes, most responses, and what pauses or moves the session."""
        _, _, command_id, _, sequence_number = frame
        if not self._knows(command_id):
            status = CommandStatus.ESME_RINVCMDID
            return _refuse("unknown_command", command_id, sequence_number, status, "unknown command_id")
        if command_id & RESPONSE_BIT:
            return self._receive_response(buffer, frame, now)
        if command_id not in self._view.receivable:
            bound_twice = command_id in BINDS and self.state in BOUND_STATES
            status = CommandStatus.ESME_RALYBND if bound_twice else CommandStatus.ESME_RINVBNDSTS
            return _refuse("wrong_state", command_id, sequence_number, status, f"not allowed in {self.state.value}")
        try:
            pdu = _decode(buffer, frame)
        except DecodeError as error:
            return _malformed(error)
        if command_id in _PAUSING:
            self._pausing_request = pdu
        if command_id not in UNANSWERED_REQUESTS:
            self.inbound_outstanding += 1
        self._move(self._view.receivable[command_id], now)
        return pdu

    def _receive_response(self, buffer: bytes, frame: Frame, now: float) -> Event:
        """A response or a generic_nack completes a request of ours or is ignored; it is never answered."""
        _, _, command_id, command_status, sequence_number = frame
        entry = self.window.get(sequence_number)
        if (
            entry is None
            or command_id not in (entry[2], CommandId.GENERIC_NACK)
            or command_id not in self._view.receivable
        ):
            return _refuse("unexpected_response", command_id, sequence_number, rule="no request waits for it")
        try:
            pdu = _decode(buffer, frame)
        except DecodeError as error:
            return _malformed(error)
        context, sent_at, response_id = entry
        self.window.pop(sequence_number, response_id)
        if command_status == CommandStatus.ESME_ROK:
            self._move(self._view.receivable[command_id], now)
        return ResponseReceived(context, pdu, sent_at)

    # -- what we send -------------------------------------------------------------------------------------------------

    def send_request(self, pdu: Pdu, context: object, now: float) -> bytes:
        """The octets of one request, to be written now.

        It gets the next sequence_number (``pdu`` is changed) and waits in the window for its response, which comes back
        as ``ResponseReceived`` or ``Acknowledged`` with ``context``.
        outbind and alert_notification have no response and do not wait. The window's limit is not enforced here.
        Raises StateError when this side may not send it in this state, EncodeError when a value does not fit; either
        way nothing has happened.
        """
        command_id = pdu.command_id
        target = self._target(command_id)
        number = self._free_sequence_number()
        encoded = encode(_numbered(pdu, number))
        if command_id not in UNANSWERED_REQUESTS:
            self.window.add(number, context, now, _response_id(command_id))
        self.next_sequence_number = _following(number)
        self._move(target, now)
        return encoded

    def register(self, command_id: int, context: object, now: float) -> int:
        """The sequence_number for a request that the caller encodes itself; it waits in the window as if it were sent.

        Raises StateError when this side may not send such a request in this state.
        """
        self._target(command_id)
        number = self._free_sequence_number()
        self.window.add(number, context, now, _response_id(command_id))
        self.next_sequence_number = _following(number)
        return number

    def register_many(self, command_id: int, contexts: Sequence[object], now: float) -> Sequence[int]:
        """The sequence_numbers for several requests of one kind that leave together, in the order of ``contexts``.

        They are consecutive except where they wrap, or where a request of long ago still waits under its number. Raises
        StateError as ``register`` does.
        """
        self._target(command_id)
        first = self.next_sequence_number
        numbers = range(first, first + len(contexts))
        if numbers.stop - 1 > MAX_SEQUENCE_NUMBER or not self.window.all_free(numbers):
            return [self.register(command_id, context, now) for context in contexts]
        self.window.add_many(numbers, contexts, now, _response_id(command_id))
        self.next_sequence_number = _following(numbers.stop - 1) if numbers else first
        return numbers

    def respond(self, request: Pdu, response: Pdu, now: float) -> bytes:
        """The octets of the answer to a request of the peer. ``response`` gets the request's sequence_number.

        An accepted bind or unbind moves the session; see ``resume`` for what to do after either. Raises StateError when
        the session has moved on and the answer must not be sent any more, ValueError when ``response`` is neither the
        request's response nor a generic_nack, EncodeError when a value does not fit.
        """
        if response.command_id not in (_response_id(request.command_id), CommandId.GENERIC_NACK):
            raise ValueError(f"{command_name(response.command_id)} does not answer {command_name(request.command_id)}")
        target = self._target(response.command_id)
        encoded = encode(_numbered(response, request.sequence_number))
        self.abandon(request)
        if response.command_status == CommandStatus.ESME_ROK:
            self._move(target, now)
        return encoded

    def answered(self, count: int) -> None:
        """The caller is through with ``count`` requests, usually with responses that it has encoded itself.

        Call it also when the session has ended meanwhile and the responses cannot be sent any more. Not for binds and
        unbinds: their answers move the session and go through ``respond``.
        """
        self.inbound_outstanding -= count

    def abandon(self, request: Pdu) -> None:
        """The caller is through with a request without an answer from ``respond``: it cannot give one, or will not.

        The request is outstanding no longer, and the pause that a bind or an unbind has caused ends.
        """
        self.answered(1)
        pausing = self._pausing_request
        if pausing is not None and (pausing.command_id, pausing.sequence_number) == (
            request.command_id,
            request.sequence_number,
        ):
            self._pausing_request = None

    # -- time and the end ---------------------------------------------------------------------------------------------

    def expired(self, now: float) -> list[object]:
        """The contexts of our requests whose response timer has run out, oldest first; they wait no longer."""
        return self.window.expired(now, self.timers.response)

    def next_due(self) -> float | None:
        """The earliest moment at which ``timers.tick`` or ``expired`` has something to say, None without one."""
        dues = (self.timers.next_due(), self.window.next_expiry(self.timers.response))
        return min((due for due in dues if due is not None), default=None)

    def close(self) -> list[object]:
        """The connection has ended: the contexts of our requests that will never be answered, oldest first."""
        self._enter(SessionState.CLOSED)
        self.timers.stop()
        self._pausing_request = None
        self._parked_frames = None
        self._parked_data.clear()
        return self.window.drain()

    # -- what is common -----------------------------------------------------------------------------------------------

    @property
    def max_pdu_length(self) -> int:
        """The longest PDU that is understood, in octets; a change holds from the next read on."""
        return self._framer.max_pdu_length

    @max_pdu_length.setter
    def max_pdu_length(self, octets: int) -> None:
        self._framer.max_pdu_length = octets

    @property
    def interface_version(self) -> int:
        """The version that both sides speak: below 0x50 the broadcast operations are unknown commands."""
        return self._interface_version

    @interface_version.setter
    def interface_version(self, version: int) -> None:
        self._interface_version = version
        self._enter(self.state)

    def _knows(self, command_id: int) -> bool:
        if command_id in _BROADCAST:
            return self._interface_version >= BROADCAST_VERSION
        return command_id in DECODERS

    def _target(self, command_id: int) -> SessionState:
        """The state after we have sent this PDU. Raises StateError when we may not."""
        target = self._view.sendable.get(command_id)
        if target is None:
            rule = f"{command_name(command_id)} may not be sent by the {self.role.value} in {self.state.value}"
            raise StateError(CommandStatus.ESME_RINVBNDSTS, rule)
        return target

    def _free_sequence_number(self) -> int:
        """The next number that no request of ours waits under."""
        number = self.next_sequence_number
        while number in self.window:
            number = _following(number)
        return number

    def _move(self, target: SessionState, now: float) -> None:
        """Enter the state that a cell names, and let the timers know what it means to them."""
        if target is self.state:
            return
        self._enter(target)
        if target in BOUND_STATES:
            self.timers.bound(now)
        elif target is SessionState.UNBOUND:
            self.timers.unbound(now)

    def _enter(self, state: SessionState) -> None:
        self.state = state
        self._view = _derive_view(self.role, state, self._interface_version >= BROADCAST_VERSION)


def _following(sequence_number: int) -> int:
    """The number after this one: 1 follows the largest (5.1.4). Who has been sent beyond it counts all 32 bits."""
    if sequence_number == MAX_SEQUENCE_NUMBER:
        return 1
    return sequence_number + 1 & HIGHEST_NUMBER


def _numbered(pdu: Any, sequence_number: int) -> Pdu:
    """Give a PDU its number. (Any: ``Pdu`` itself has no slot to assign to, all its subclasses have.)"""
    pdu.sequence_number = sequence_number
    return cast("Pdu", pdu)


def _response_id(command_id: int) -> int:
    """The command_id of the response to a request. Raises ValueError when there is none."""
    if command_id & RESPONSE_BIT or command_id in UNANSWERED_REQUESTS:
        raise ValueError(f"{command_name(command_id)} has no response")
    return command_id | RESPONSE_BIT


def _decode(buffer: bytes, frame: Frame) -> Pdu:
    start, end, command_id, command_status, sequence_number = frame
    return DECODERS[command_id](buffer, start, end, command_status, sequence_number)


def _malformed(error: DecodeError) -> Refused:
    return _refuse(
        "malformed", error.command_id, error.sequence_number, error.command_status, error.rule, field=error.field
    )


def _refuse(
    kind: RefusalKind,
    command_id: int,
    sequence_number: int,
    status: int = CommandStatus.ESME_ROK,
    rule: str = "",
    *,
    field: str | None = None,
) -> Refused:
    """Refuse a PDU: a response is never answered, a request with its response, or a generic_nack where none fits."""
    if command_id & RESPONSE_BIT:
        return Refused(None, kind, command_id, sequence_number, CommandStatus.ESME_ROK, field, rule)
    nack = kind == "unknown_command" or command_id in UNANSWERED_REQUESTS
    answer = CommandId.GENERIC_NACK if nack else command_id | RESPONSE_BIT
    reply = _header_only(answer, status, sequence_number)
    return Refused(reply, kind, command_id, sequence_number, status, field, rule)


def _header_only(command_id: int, command_status: int, sequence_number: int) -> bytes:
    """A PDU of 16 octets: all that an error response needs (5.0 leaves the body out; 3.4 does in most of them)."""
    return _HEADER.pack(HEADER_LENGTH, command_id, command_status, sequence_number)
