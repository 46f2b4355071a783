"""One bind of the load generator: an asyncio protocol whose unit of work is the chunk.

What a load is made of takes the fast path: submit_sm leave as one joined write, submit_sm_resp are read from their
headers in one loop, receipts are answered in one joined write. Everything else (binds, enquire_link, unbind, mistakes
of the SMSC) is handed to `smppwire.session.Session`, frame by frame.

The session numbers its requests and keeps its window; which message waits under which number, and for how long, stands
in its lane of the ledger.
"""

from __future__ import annotations

import asyncio
from itertools import repeat
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from smppd.load.inbound import read_receipt, receipt_of
from smppwire.constants import HEADER_LENGTH, MAX_PDU_LENGTH, MAX_SEQUENCE_NUMBER, CommandId, TlvTag, status_name
from smppwire.pdus import (
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DataSm,
    DeliverSm,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    Unbind,
    UnbindResp,
)
from smppwire.session import BOUND_STATES, FramingLost, Refused, ResponseReceived, Role, Session
from smppwire.timers import SessionTimers, TimerAction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smppd.load.ledger import Lane, ReceiptSeen
    from smppd.load.options import BindKind
    from smppd.load.traffic import Shot

ROUND: Final = 256
"""PDUs handled before the window is refilled. Refilling within a chunk keeps the SMSC busy while we read on: with one
refill per chunk the two sides would take turns."""

WRITE_BUFFER: Final = 1 << 20
"""Octets that may wait in the transport before we stop writing. Windows bound it long before, except with huge texts;
the default of 64 KiB would stop a window of 1,000 messages."""

CLOSE_TIMEOUT: Final = 2.0
"""Seconds until a connection that should end is cut off."""

TIMER_GRAIN: Final = 0.25
"""Seconds between two looks at the timers of a session, at least."""

_HEADER: Final = Struct(">IIII")
_SUBMIT_SM: Final = int(CommandId.SUBMIT_SM)
_SUBMIT_SM_RESP: Final = int(CommandId.SUBMIT_SM_RESP)
_DELIVER_SM: Final = int(CommandId.DELIVER_SM)
_DELIVER_SM_RESP: Final = int(CommandId.DELIVER_SM_RESP)
_GENERIC_NACK: Final = int(CommandId.GENERIC_NACK)

_BINDS: Final = {"trx": BindTransceiver, "tx": BindTransmitter, "rx": BindReceiver}


class Credentials(NamedTuple):
    """What a bind says."""

    system_id: bytes
    password: bytes
    system_type: bytes
    interface_version: int


class Watched(NamedTuple):
    """A message whose answer the owner wants to see by itself."""

    shot: Shot
    intended: float
    """The moment at which it was to be sent."""
    answers_mo: bool
    """Whether it answers an MO message, which then came at `intended`, think time aside."""


class Owner(Protocol):
    """Whom a session tells what happens."""

    def watched(self, message: Watched, status: int, now: float) -> None:
        """The answer to a message in `LoadSession.watch`."""

    def received(self, receipts: list[ReceiptSeen], now: float) -> None:
        """Final receipts, acknowledged already."""

    def notified(self) -> None:
        """An intermediate notification, or a receipt whose state is not final; acknowledged already."""

    def delivered(self, pdu: DeliverSm | DataSm, now: float) -> None:
        """A mobile-originated message, acknowledged already."""

    def refused(self, session: LoadSession, rule: str) -> None:
        """A PDU of the SMSC was no sound SMPP; the session goes on."""

    def refill(self, session: LoadSession) -> None:
        """Answers came, or writing is possible again: the session can take `session.room` more messages now."""


class LoadSession(asyncio.Protocol):
    """One connection, from its bind to its end. Not used again afterwards."""

    def __init__(
        self,
        owner: Owner,
        lane: Lane,
        kind: BindKind,
        credentials: Credentials,
        *,
        window: int,
        enquire_link: float,
        clock: Callable[[], float],
        on_end: Callable[[LoadSession, str], None],
    ) -> None:
        """Make the protocol of one connection.

        Args:
            owner: is told what happens; may be replaced, together with `lane`, when nothing is in flight.
            lane: the account of this connection's messages.
            kind: "tx", "rx" or "trx".
            credentials: what the bind says.
            window: submit_sm that may be unanswered.
            enquire_link: seconds of silence after which we ask whether the SMSC is there; 0 for never.
            clock: seconds, the owner's.
            on_end: called once with the session and the reason, in words, when the connection is over.
        """
        self.kind = kind
        self.window = window
        self.lane = lane
        self.owner = owner
        self.watch: dict[int, Watched] = {}
        """By sequence_number, oldest first; the owner puts them in, the session takes them out with their answers."""
        self.system_id = ""
        """What the SMSC calls itself in its bind response."""
        self.sc_interface_version: int | None = None
        self._on_end = on_end
        self._credentials = credentials
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        # The response timer only sets the pace of repeated enquire_links: what is unanswered, `expire` tells.
        timers = SessionTimers(enquire_link=enquire_link, response=TIMER_GRAIN + enquire_link / 3)
        self._smpp = Session(Role.ESME, now=clock(), interface_version=credentials.interface_version, timers=timers)
        self._receiving = -1 if kind == "tx" else _DELIVER_SM
        """The command_id of the requests that the fast path takes; a transmitter is not to be sent any."""
        self._pending = bytearray()  # the beginning of a PDU whose end has not arrived
        self._missing = 0  # octets without which looking at it again is in vain
        self._halted = False  # the transport asks us to write no more for now
        self._closing = False
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._reason = ""
        self._answers: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    # -- what the owner asks for --------------------------------------------------------------------------------------

    async def bind(self, patience: float) -> str:
        """Bind; returns "" or why it failed, in words. The connection is left to the caller."""
        credentials = self._credentials
        request = _BINDS[self.kind](
            system_id=credentials.system_id,
            password=credentials.password,
            system_type=credentials.system_type,
            interface_version=credentials.interface_version,
        )
        answer: asyncio.Future[Pdu] = self._loop.create_future()
        self._write(self._smpp.send_request(request, answer, self._clock()))
        done, _ = await asyncio.wait((answer, self._closed), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            return f"the SMSC does not answer the bind within {patience:g} seconds"
        if not answer.done():
            return f"the SMSC closed the connection before it answered the bind{self._because()}"
        response = answer.result()
        if response.command_status or isinstance(response, GenericNack):
            return f"the SMSC refuses the bind: {status_name(response.command_status)}"
        self.system_id = getattr(response, "system_id", b"").decode("latin-1")
        version = response.tlv(TlvTag.SC_INTERFACE_VERSION)
        self.sc_interface_version = version[0] if version else None
        self._wait_for_silence()
        return ""

    @property
    def bound(self) -> bool:
        """Whether the bind was accepted and the session still stands."""
        return self._smpp.state in BOUND_STATES and not self._closing

    @property
    def room(self) -> int:
        """How many more messages may be sent now."""
        if self._halted or self._closing or self.kind == "rx":
            return 0
        return self.window - self.lane.in_flight

    def submit(self, bodies: Sequence[bytes]) -> int:
        """Send one submit_sm per body (what follows its header), in one write; returns the first sequence_number.

        The others follow it one by one. The caller tells the lane.
        """
        first = self._smpp.next_sequence_number
        following = first + len(bodies)
        if following > MAX_SEQUENCE_NUMBER:  # the numbers are used up: begin again, as 5.1.4 has it
            first, following = 1, 1 + len(bodies)
        pack = _HEADER.pack
        parts: list[bytes] = []
        append = parts.append
        for number, body in enumerate(bodies, first):
            append(pack(HEADER_LENGTH + len(body), _SUBMIT_SM, 0, number))
            append(body)
        self._smpp.next_sequence_number = following
        self._write(b"".join(parts))
        return first

    async def unbind(self, patience: float) -> None:
        """Unbind in order and close; after `patience` seconds without an answer just close."""
        if self.bound:
            answer: asyncio.Future[Pdu] = self._loop.create_future()
            self._reason = "unbound"
            self._write(self._smpp.send_request(Unbind(), answer, self._clock()))
            await asyncio.wait((answer, self._closed), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        self.close("unbound")
        await self.wait_closed()

    def close(self, reason: str) -> None:
        """Close once what was written has left, and in any case after `CLOSE_TIMEOUT` seconds."""
        self._closing = True
        self._reason = self._reason or reason
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()
            self._stop_timer()
            self._timer = self._loop.call_later(CLOSE_TIMEOUT, self._transport.abort)

    async def wait_closed(self) -> None:
        """Wait until the connection has ended."""
        await asyncio.wait((self._closed,))

    # -- asyncio.Protocol ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection ended: whoever waits for an answer learns it."""
        self._transport = None
        self._closing = True
        self._stop_timer()
        self._smpp.close()
        self.watch.clear()
        if not self._reason:
            self._reason = f"the connection broke: {exc}" if exc is not None else "the SMSC closed the connection"
        if not self._closed.done():
            self._closed.set_result(None)
        self._on_end(self, self._reason)

    def pause_writing(self) -> None:
        """The SMSC does not read as fast as we write."""
        self._halted = True

    def resume_writing(self) -> None:
        """It has caught up."""
        self._halted = False
        self.owner.refill(self)

    def data_received(self, data: bytes) -> None:
        """Octets arrived."""
        if self._pending:
            self._pending += data
            self._missing -= len(data)
            if self._missing > 0:
                return
            data = bytes(self._pending)
            self._pending.clear()
        now = self._clock()
        self._smpp.timers.received(now)
        position = 0
        while position >= 0:
            position = self._round(data, position, now)
            if self._answers:
                self._write(b"".join(self._answers))
                self._answers.clear()
            self.owner.refill(self)

    # -- the fast path ------------------------------------------------------------------------------------------------

    def _round(self, data: bytes, position: int, now: float) -> int:
        """Take up to `ROUND` PDUs; returns where to go on, or -1 when there is no complete one left."""
        numbers: list[int] = []
        message_ids: list[bytes] = []
        refusals: list[tuple[int, int]] = []
        receipts: list[ReceiptSeen] = []
        unpack, find = _HEADER.unpack_from, data.find
        receiving = self._receiving
        size = len(data)
        left = ROUND
        while left and size - position >= HEADER_LENGTH:
            length, command_id, status, number = unpack(data, position)
            end = position + length
            if end > size or length < HEADER_LENGTH:
                break
            body = position + HEADER_LENGTH
            if command_id == _SUBMIT_SM_RESP:
                if status:
                    refusals.append((number, status))
                else:
                    numbers.append(number)
                    nul = find(0, body, end)
                    message_ids.append(data[body : nul if nul >= 0 else end])
            elif command_id == receiving and (receipt := read_receipt(data, body, end)) is not None:
                receipts.append(receipt)
                self._answers.append(_HEADER.pack(HEADER_LENGTH + 1, _DELIVER_SM_RESP, 0, number) + b"\0")
            elif command_id == _GENERIC_NACK and number not in self._smpp.window:
                refusals.append((number, status))
            else:
                self._unusual(data[position:end], now)
            position = end
            left -= 1
        if numbers or refusals:
            self._account(numbers, message_ids, refusals, now)
        if receipts:
            self.owner.received(receipts, now)
        if not left:
            return position
        self._keep(data, position)
        return -1

    def _account(
        self, numbers: list[int], message_ids: list[bytes], refusals: list[tuple[int, int]], now: float
    ) -> None:
        """Tell the lane, and the owner where it watches, which messages were answered."""
        if numbers:
            self.lane.answered(numbers, now, message_ids)
        for number, status in refusals:
            self.lane.refused(number, status, now)
        if self.watch:
            for number, status in (*zip(numbers, repeat(0)), *refusals):
                message = self.watch.pop(number, None)
                if message is not None:
                    self.owner.watched(message, status, now)

    def _keep(self, data: bytes, position: int) -> None:
        """Hold back the beginning of a PDU, or give up when its length cannot be true."""
        held = len(data) - position
        if not held:
            return
        needed = HEADER_LENGTH
        if held >= HEADER_LENGTH:
            needed = _HEADER.unpack_from(data, position)[0]
            if not HEADER_LENGTH <= needed <= MAX_PDU_LENGTH:
                self._unusual(data[position:], self._clock())
                return
        self._pending += data[position:]
        self._missing = needed - held

    # -- everything else ----------------------------------------------------------------------------------------------

    def _unusual(self, frame: bytes, now: float) -> None:
        """One PDU that the fast path does not know, or octets that are none."""
        for event in self._smpp.receive(frame, now):
            octets = self._answer(event, now)
            if octets is not None:
                self._answers.append(octets)

    def _answer(self, event: object, now: float) -> bytes | None:
        """What an event is answered with."""
        if isinstance(event, ResponseReceived):
            if isinstance(event.request, asyncio.Future) and not event.request.done():
                event.request.set_result(event.pdu)
        elif isinstance(event, DeliverSm | DataSm):
            return self._deliver(event, now)
        elif isinstance(event, EnquireLink):
            return self._smpp.respond(event, EnquireLinkResp(), now)
        elif isinstance(event, Unbind):
            self._loop.call_soon(self.close, "the SMSC unbound the session")
            return self._smpp.respond(event, UnbindResp(), now)
        elif isinstance(event, Refused):
            self.owner.refused(self, event.rule)
            return event.reply
        elif isinstance(event, FramingLost):
            self._loop.call_soon(self.close, f"the SMSC sent what is no SMPP: {event.rule}")
            return event.reply
        return None

    def _deliver(self, pdu: DeliverSm | DataSm, now: float) -> bytes:
        receipt = receipt_of(pdu)
        if receipt is None:
            self.owner.delivered(pdu, now)
        elif receipt[1]:
            self.owner.received([receipt[0]], now)
        else:
            self.owner.notified()
        self._smpp.abandon(pdu)
        response = _DELIVER_SM_RESP if isinstance(pdu, DeliverSm) else int(CommandId.DATA_SM_RESP)
        return _HEADER.pack(HEADER_LENGTH + 1, response, 0, pdu.sequence_number) + b"\0"

    def _on_timer(self) -> None:
        now = self._clock()
        action = self._smpp.timers.tick(now)
        if action is TimerAction.SEND_ENQUIRE_LINK:
            self._write(self._smpp.send_request(EnquireLink(), None, now))
        elif action is not None:
            self.close("the SMSC did not answer enquire_link")
            return
        self._wait_for_silence()

    def _wait_for_silence(self) -> None:
        """Look again when the SMSC will have been silent for long, if nothing comes until then."""
        due = self._smpp.timers.next_due()
        if due is not None and not self._closing:
            self._timer = self._loop.call_later(max(TIMER_GRAIN, due - self._clock()), self._on_timer)

    def _write(self, octets: bytes) -> None:
        if self._transport is not None:
            self._transport.write(octets)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _because(self) -> str:
        return "" if self._reason == "the SMSC closed the connection" else f" ({self._reason})"
