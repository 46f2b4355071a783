"""The SMSC side of one connection: octets to the session, its events to the engine, the answers back in one write.

Nothing is decoded here and nothing is decided here about messages. What is: who may bind, how many requests may be
unanswered, when a timer ends a session, and that a peer which does not read is not read either.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from struct import Struct
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from smppd.engine import broadcast, operations
from smppd.engine.esmes import Bind, Delivery
from smppd.engine.message import Message
from smppd.engine.ports import DEFERRED
from smppd.engine.submit_multi import submit_multi
from smppd.patterns import AddressRange
from smppd.transport.listeners import join_address
from smppd.transport.watch import Watch
from smppwire.bulk import requests, submit_sm_resps
from smppwire.constants import CommandId, CommandStatus, TlvTag, command_name, status_name
from smppwire.pdus import (
    BindReceiver,
    BindReceiverResp,
    BindTransceiver,
    BindTransceiverResp,
    BindTransmitter,
    BindTransmitterResp,
    BroadcastSm,
    CancelBroadcastSm,
    CancelSm,
    DataSm,
    EnquireLink,
    EnquireLinkResp,
    Outbind,
    Pdu,
    QueryBroadcastSm,
    QuerySm,
    ReplaceSm,
    SubmitMulti,
    SubmitSm,
    Tlv,
    Unbind,
    UnbindResp,
)
from smppwire.session import Acknowledged, FramingLost, Refused, ResponseReceived, Role, Session
from smppwire.timers import SessionTimers, TimerAction
from smppwire.validation import ValidationPolicy, first_violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from structlog.typing import FilteringBoundLogger

    from smppd.accounts import Account
    from smppd.engine.esmes import Deliverable
    from smppd.settings import BindType
    from smppd.transport.context import Context

BindRequest = BindReceiver | BindTransmitter | BindTransceiver

SUBMIT_SM: Final = int(CommandId.SUBMIT_SM)
SUBMIT_SM_RESP: Final = int(CommandId.SUBMIT_SM_RESP)
DELIVER_SM: Final = int(CommandId.DELIVER_SM)
DELIVER_SM_RESP: Final = int(CommandId.DELIVER_SM_RESP)
ESME_RINVBNDSTS: Final = int(CommandStatus.ESME_RINVBNDSTS)
ESME_RSYSERR: Final = int(CommandStatus.ESME_RSYSERR)

HEADER: Final = Struct(">IIII")
ACCEPTED: Final = (SUBMIT_SM_RESP, 0)
ACKNOWLEDGED: Final = (DELIVER_SM_RESP, 0)
"""What responses without an error are counted under."""

CONGESTION_STATE: Final = int(TlvTag.CONGESTION_STATE).to_bytes(2, "big") + b"\x00\x01"
"""Tag and length of the TLV of 5.0 that says how full we are."""

WRITE_BUFFER_HIGH: Final = 1024 * 1024
"""Octets waiting for a peer that reads slowly before we stop reading from it: a few thousand receipts."""

LONG_READ: Final = 64 * 1024
"""Octets of one read after which a session waits until the next turn of the loop: about a thousand submit_sm. uvloop
reads a socket that is never empty 32 times in a row (8 MB, half a second of work), and neither other sessions nor
the engine get a word in. What fits into a window is far below."""

REFUSAL_LINGER: Final = 0.25
"""Seconds between the refusal of a bind and the end of the connection: some ESMEs (jsmpp) read and handle PDUs in
different threads, and forget a response when the end of the connection follows it at once. Nothing is served then."""

LINGER: Final = 1.0
"""Seconds a connection stays open behind an unbind_resp: the peer may bind again, or close first as most do."""

CLOSE_TIMEOUT: Final = 2.0
"""Seconds a connection that we close has left: for the peer to take what was written and to close its side."""

SHORTEST_WAIT: Final = 0.01
"""Seconds between two looks at least: a timer that is just due must not spin."""

BIND_TYPES: Final[dict[type[Pdu], BindType]] = {
    BindTransmitter: "transmitter",
    BindReceiver: "receiver",
    BindTransceiver: "transceiver",
}
BIND_RESPONSES: Final[dict[type[Pdu], type[BindTransmitterResp | BindReceiverResp | BindTransceiverResp]]] = {
    BindTransmitter: BindTransmitterResp,
    BindReceiver: BindReceiverResp,
    BindTransceiver: BindTransceiverResp,
}

PAUSING: Final = frozenset({*BIND_TYPES, Unbind})
"""Requests behind which a session waits until they are answered."""

STOP_READING: Final = "stop_reading"
CLOSE: Final = "close"
"""What `window_over` may say besides a command_status."""

VERSION_34: Final = 0x34
VERSION_50: Final = 0x50
VERSION_33: Final = 0x33


def negotiate(theirs: int, ours: int) -> int:
    """The version a session speaks: the lower of both sides (SMPP 3.4 section 5.2.4).

    0x00 to 0x33 mean "3.3 or earlier"; reserved values mean the highest version that is not above them.
    """
    if theirs < VERSION_34:
        return VERSION_33
    return min(ours, VERSION_50 if theirs >= VERSION_50 else VERSION_34)


class SmscConnection(asyncio.Protocol):
    """One connection of an ESME."""

    def __init__(self, context: Context, outbind: Outbind | None = None) -> None:
        """Serve one connection within `context`; one that we opened begins with this `outbind`."""
        self._context = context
        self._now = context.monotonic
        self._engine = context.engine
        self._counters = context.counters
        self._outbind = outbind
        settings = context.settings
        timers = settings.timers
        self._session = Session(
            Role.SMSC,
            now=context.monotonic(),
            max_pdu_length=settings.server.max_pdu,
            interface_version=VERSION_50 if settings.server.interface_version == "5.0" else VERSION_34,
            timers=SessionTimers(
                session_init=timers.session_init,
                enquire_link=timers.enquire_link,
                inactivity=timers.inactivity,
                response=timers.response,
            ),
        )
        self._ours = self._session.interface_version
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._bind: Bind | None = None
        self._account: Account | None = None
        self._bind_type: BindType = "transceiver"
        self._window = 0
        self._window_over: int | str = 0
        """The command_status that answers what exceeds the window, STOP_READING or CLOSE."""
        self._halted = False
        """Whether reading has stopped because the window is full."""
        self._tells_congestion = False
        self._backlog = 0
        """Requests of earlier chunks that are still unanswered: what the window limits. Those of the chunk at hand do
        not count, so that it makes no difference where TCP has cut the stream."""
        self._deferred = 0
        """How many of the requests without an answer wait for an outcome: the engine answers them by `answer`."""
        self._writable = True
        self._closing = False
        self._unbinding = False
        self._counted_unbound = False
        # A timer that starts after one look at the timers cannot end before the next one, so many seconds later.
        running = filter(None, (timers.session_init, timers.enquire_link, timers.inactivity, timers.response))
        self._patience = min(running, default=0.0)
        self._timer: asyncio.TimerHandle | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._watch: Watch | None = None
        self.name = ""
        self._peer = ""
        self._log: FilteringBoundLogger = context.log

    # -- the connection's life ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer connected: serve it, unless there are too many already."""
        context = self._context
        self._transport = cast("asyncio.Transport", transport)
        refusal = context.refusal()
        if refusal:
            context.counters.protocol_errors[refusal] += 1
            context.error_log.report(refusal)
            self.abort()
            return
        self.name = context.join(self)
        self._counted_unbound = True
        self._peer = _peer_name(transport)
        self._log = context.logger(session=self.name, peer=self._peer)
        if Watch.wanted(context):
            self._watch = Watch(context, self.name, self._log)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER_HIGH)
        now = context.monotonic()
        if self._outbind is not None:
            # It has no response: the ESME binds on this connection, within session_init.
            self._send(self._session.send_request(self._outbind, None, now), CommandId.OUTBIND)
            self._flush()
        self._plan_timer(now)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, whoever ended it."""
        self._closing = True
        for handle in (self._timer, self._linger, self._task):
            if handle is not None:
                handle.cancel()
        if self._bind is not None:
            error = "" if exc is None else type(exc).__name__
            self._log.info("session closed", system_id=self._bind.esme.system_id, error=error)
        self._transport = None
        self._count_unbound(False)
        self._context.leave(self)
        self._release(self._session.close())

    def data_received(self, data: bytes) -> None:
        """Octets arrived: handle what they hold and answer all of it in one write."""
        if self._closing:
            return
        try:
            now = self._now()
            if self._watch is not None:
                self._watch.received(data)
            session = self._session
            self._backlog = session.inbound_outstanding
            events: Sequence[Any] = session.receive(data, now)
            if events:
                for event in events:
                    if event.__class__ is not SubmitSm:
                        self._handle_all(events, now)
                        break
                else:
                    self._submit(events, now)
                if self._out:
                    self._flush()
                if self._window:
                    self._halt_when_full()
            if len(data) >= LONG_READ:
                self._let_others_read()
        except Exception as error:  # noqa: BLE001  # whatever it is, it concerns this session alone
            self._fail(error)

    def _let_others_read(self) -> None:
        """Read no more in this turn of the loop."""
        if self._transport is not None and self._may_read:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._resume_reading)

    @property
    def _may_read(self) -> bool:
        """Whether nothing forbids reading: a peer that does not read, a password to be verified, a full window."""
        return self._writable and self._task is None and not self._halted and not self._closing

    def eof_received(self) -> bool:
        """The peer will send nothing more: what we still had to say is written, then the connection closes."""
        self.close()
        return False

    def pause_writing(self) -> None:
        """The peer does not read: do not read from it either, and send it nothing of our own."""
        self._writable = False
        if self._transport is not None and not self._closing:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The peer reads again."""
        self._writable = True
        if self._transport is None or self._closing:
            return
        self._resume_reading()
        if self._bind is not None:
            self._context.engine.bind_has_room(self._bind)

    def _resume_reading(self) -> None:
        """Read again, unless something else than what has just ended speaks against it."""
        if self._transport is not None and self._may_read:
            self._transport.resume_reading()

    def _halt_when_full(self) -> None:
        """Stop reading, where that is the answer to it, while as many requests are unanswered as the window has.

        What the peer sends in the meantime waits in the buffers of the system, its answers to us as well: see
        `_look_at_timers`.
        """
        bind = self._bind
        if (
            bind is None
            or self._window_over != STOP_READING
            or self._halted
            or self._closing
            or self._session.inbound_outstanding < self._window
        ):
            return
        self._halted = True
        self._context.counters.throttled(bind.esme.system_id, "window", 1)
        if self._transport is not None:
            self._transport.pause_reading()

    def _relieve(self) -> None:
        """Answers have left: read again if there is room in the window."""
        if self._closing or self._session.inbound_outstanding >= self._window:
            return
        self._halted = False
        if self._timer is not None:
            # What has come meanwhile is read before anybody asks whether it came in time.
            self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(self._patience, self._on_timer)
        self._resume_reading()

    def close(self) -> None:
        """End the connection: what is written still leaves, what the peer still sends is thrown away.

        Only our direction ends at once. To close both while octets of the peer are unread would reset the connection,
        and a reset can overtake the answer that says why. The rest is up to the peer, for CLOSE_TIMEOUT seconds.
        """
        if self._transport is None or self._closing:
            return
        self._closing = True
        self._flush()
        self._half_close()

    def _half_close(self) -> None:
        """End our direction, read away what still comes, and see to it that this does not take for ever."""
        transport = self._transport
        if transport is None:
            return
        if not transport.can_write_eof():  # TLS knows no half-closed connection
            transport.close()
        else:
            try:
                transport.write_eof()
            except OSError:  # the peer has reset the connection, and the loop has not told us yet
                transport.abort()
        transport.resume_reading()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, transport.abort)

    def abort(self) -> None:
        """Drop the connection at once."""
        self._closing = True
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_open(self) -> bool:
        """Whether the connection stands, and is not about to end."""
        return self._transport is not None and not self._closing

    @property
    def bound_as(self) -> tuple[str, str] | None:
        """(system_id, bind type) while bound, else None."""
        return None if self._bind is None else (self._bind.esme.system_id, self._bind_type)

    def owes_until(self, patience: float) -> float | None:
        """Until when the peer has `patience` seconds for its oldest answer, in real time; None when it owes none."""
        return self._session.window.next_expiry(patience)

    def unbind(self) -> None:
        """Ask the ESME to end the session (SMPP 3.4 section 4.2); one that is not bound is simply closed.

        From here on nothing is delivered. An ESME that does not answer is closed after `[server] shutdown_grace`.
        """
        if self._closing or self._unbinding:
            return
        if self._bind is None:
            self.close()
            return
        self._send_unbind()
        self._flush()
        self._close_in(self._context.settings.server.shutdown_grace)

    # -- events -------------------------------------------------------------------------------------------------------

    def _handle_all(self, events: Sequence[object], now: float) -> None:
        """Handle events, and those that waited behind a bind or an unbind for its answer."""
        session = self._session
        while events:
            self._handle(events, now)
            if events[-1].__class__ not in PAUSING or self._closing or session.paused:
                return
            events = session.resume(now)

    def _handle(self, events: Sequence[Any], now: float) -> None:
        count = len(events)
        index = 0
        while index < count and not self._closing:
            event = events[index]
            kind = event.__class__
            if kind is not SubmitSm:
                self._handlers[kind](self, event, now)
                index += 1
                continue
            end = index + 1
            while end < count and events[end].__class__ is SubmitSm:
                end += 1
            self._submit(events if end - index == count else events[index:end], now)
            index = end
        if index == count:
            return
        for event in events[index:]:
            # The session ends, and serves nothing more. But what the ESME has acknowledged has left the window already:
            # whoever overlooks it here never settles it, and nobody sends it again.
            if event.__class__ is Acknowledged or event.__class__ is ResponseReceived:
                self._handlers[event.__class__](self, event, now)

    def _submit(self, batch: Sequence[SubmitSm], now: float) -> None:
        """Hand a run of submit_sm to the engine and encode its answers."""
        bind = self._bind
        count = len(batch)
        counters = self._counters
        counters.pdus_in[SUBMIT_SM] += count
        if bind is None:
            self._answer_all(batch, ESME_RINVBNDSTS)
            return
        if self._window and self._backlog >= self._window and self._overflow(batch, bind):
            return
        answers = self._engine.submit(bind, batch)
        tail = b"\0"
        if self._tells_congestion:
            tail += CONGESTION_STATE + bytes((self._congestion(bind),))
        octets, accepted = submit_sm_resps(batch, answers, tail)
        self._out.append(octets)
        statuses = counters.statuses_out
        if accepted != count:
            for answer in answers:
                if answer == DEFERRED:
                    self._deferred += 1
                    count -= 1
                elif answer.__class__ is not bytes:
                    statuses[SUBMIT_SM_RESP, cast("int", answer)] += 1
        if accepted:
            statuses[ACCEPTED] += accepted
        counters.pdus_out[SUBMIT_SM_RESP] += count
        self._session.answered(count)
        counters.submit_response.observe_many(self._now() - now, count)

    def _overflow(self, batch: Sequence[Pdu], bind: Bind) -> bool:
        """Deal with requests beyond the account's window; False when they are to be served all the same."""
        over = self._window_over
        if over == STOP_READING:
            return False  # they had been read before reading stopped
        context = self._context
        context.counters.throttled(bind.esme.system_id, "window", len(batch))
        if over != CLOSE:
            self._answer_all(batch, cast("int", over))
            return True
        context.counters.protocol_errors["window_overflow"] += 1
        context.error_log.report("window_overflow", session=self.name, peer=self._peer, system_id=bind.esme.system_id)
        self._unbind_and_close()
        return True

    def _congestion(self, bind: Bind) -> int:
        """The congestion_state that this session is told: how full the server or its own window is, in percent."""
        congestion = self._context.engine.congestion(bind)
        return max(congestion, min(100, 100 * self._backlog // self._window)) if self._window else congestion

    def _answer_all(self, batch: Iterable[Pdu], status: int) -> None:
        """Answer requests with 16 octets and one status."""
        count = 0
        response_id = 0
        for pdu in batch:
            count += 1
            response_id = pdu.command_id | 0x80000000
            self._out.append(HEADER.pack(16, response_id, status, pdu.sequence_number))
        if count:
            self._context.counters.pdus_out[response_id] += count
            self._context.counters.statuses_out[response_id, status] += count
            self._session.answered(count)
            if self._halted:
                self._relieve()

    def _on_acknowledged(self, event: Acknowledged, _now: float) -> None:
        counters = self._counters
        responses: list[tuple[Any, int]] = event.responses
        count = len(responses)
        counters.pdus_in[DELIVER_SM_RESP] += count
        for _, status in responses:
            if status:
                count -= 1
                counters.statuses_in[DELIVER_SM_RESP, status] += 1
        if count:
            counters.statuses_in[ACKNOWLEDGED] += count
        self._engine.acknowledged(responses)

    def _on_response(self, event: ResponseReceived, _now: float) -> None:
        """The answer to a request of ours other than a plain deliver_sm_resp."""
        counters = self._context.counters
        status = event.pdu.command_status
        counters.pdus_in[event.pdu.command_id] += 1
        counters.statuses_in[event.pdu.command_id, status] += 1
        request = event.request
        if isinstance(request, (Message, Delivery)):
            # A data_sm_resp, or a generic_nack: one without an error status refuses all the same.
            if not status and event.pdu.command_id == CommandId.GENERIC_NACK:
                status = ESME_RSYSERR
            self._context.engine.acknowledged([(request, status)])
        elif isinstance(request, Unbind):
            self._end_bind(by="SMSC")
            self.close()

    def _on_refused(self, event: Refused, _now: float) -> None:
        """The session refused a PDU; it has written the answer already, if there is one to give."""
        context = self._context
        context.counters.pdus_in[event.command_id] += 1
        context.counters.protocol_errors[event.kind] += 1
        if event.reply is not None:
            command_id = int.from_bytes(event.reply[4:8], "big")
            self._send(event.reply, command_id, event.status)
        context.error_log.report(
            event.kind,
            session=self.name,
            peer=self._peer,
            command=command_name(event.command_id),
            status=status_name(event.status),
            field=event.field or "",
            rule=event.rule,
        )

    def _on_framing_lost(self, event: FramingLost, _now: float) -> None:
        """The stream cannot be understood any more: say so and close."""
        context = self._context
        context.counters.protocol_errors[event.kind] += 1
        context.error_log.report(event.kind, session=self.name, peer=self._peer, rule=event.rule)
        self._send(event.reply, CommandId.GENERIC_NACK, event.status)
        self.close()

    def _on_enquire_link(self, pdu: EnquireLink, now: float) -> None:
        self._context.counters.pdus_in[CommandId.ENQUIRE_LINK] += 1
        self._respond(pdu, EnquireLinkResp(), now)

    def _on_query_sm(self, pdu: QuerySm, now: float) -> None:
        self._operate(pdu, now, operations.query)

    def _on_cancel_sm(self, pdu: CancelSm, now: float) -> None:
        self._operate(pdu, now, operations.cancel)

    def _on_replace_sm(self, pdu: ReplaceSm, now: float) -> None:
        self._operate(pdu, now, operations.replace)

    def _on_submit_multi(self, pdu: SubmitMulti, now: float) -> None:
        self._operate(pdu, now, submit_multi)

    def _on_data_sm(self, pdu: DataSm, now: float) -> None:
        self._operate(pdu, now, operations.data)

    def _on_broadcast_sm(self, pdu: BroadcastSm, now: float) -> None:
        self._operate(pdu, now, broadcast.submit)

    def _on_query_broadcast_sm(self, pdu: QueryBroadcastSm, now: float) -> None:
        self._operate(pdu, now, broadcast.query)

    def _on_cancel_broadcast_sm(self, pdu: CancelBroadcastSm, now: float) -> None:
        self._operate(pdu, now, broadcast.cancel)

    def _operate(self, pdu: Pdu, now: float, operation: Callable[..., Pdu | int]) -> None:
        """Answer one request from the engine's record, unless the engine does so later (DEFERRED)."""
        context = self._context
        context.counters.pdus_in[pdu.command_id] += 1
        bind = self._bind
        if bind is None:
            self._answer_all([pdu], ESME_RINVBNDSTS)
            return
        if self._window and self._backlog >= self._window and self._overflow([pdu], bind):
            return
        response = operation(context.engine, bind, pdu)
        if isinstance(response, int):
            self._deferred += 1
        elif response.command_status:
            self._answer_all([pdu], response.command_status)
        else:
            self._respond(pdu, self._in_version(response, bind), now)

    def _in_version(self, response: Any, bind: Bind) -> Pdu:
        """A response as the session's version has it: without TLVs below 3.4, with congestion_state from 5.0 on."""
        if not bind.tlvs:
            response.tlvs = ()
        elif self._tells_congestion:
            response.tlvs += (Tlv(TlvTag.CONGESTION_STATE, bytes((self._congestion(bind),))),)
        return cast("Pdu", response)

    def _fail(self, error: Exception) -> None:
        """A mistake of ours: the operator is told everything, and the session ends, because nobody knows its state.

        What had been answered before still leaves. Other sessions, and the messages of this one, go on.
        """
        self._context.counters.protocol_errors["internal"] += 1
        self._log.error("internal error", exc_info=error)
        self.close()

    # -- bind and unbind ----------------------------------------------------------------------------------------------

    def _on_bind(self, pdu: BindRequest, now: float) -> None:
        """Judge a bind. A password that takes long to verify is verified elsewhere, and reading waits for it."""
        context = self._context
        context.counters.pdus_in[pdu.command_id] += 1
        if self._linger is not None:
            self._linger.cancel()
        policy = replace(
            _policy(negotiate(pdu.interface_version, self._ours), context, context.accounts.get(pdu.system_id)),
            password_max=context.settings.longest_password + 1,
        )
        status = first_violation(pdu, policy)
        if status:
            self._refuse_bind(pdu, status)
            return
        if context.draining or not _is_address_range(pdu.address_range):
            self._refuse_bind(pdu, CommandStatus.ESME_RBINDFAIL)
            return
        status, account, needs_scrypt = context.accounts.check(pdu.system_id, pdu.password)
        if account is None or status:
            self._refuse_bind(pdu, status)
        elif needs_scrypt and self._transport is not None:
            self._transport.pause_reading()
            self._task = asyncio.get_running_loop().create_task(self._verify(pdu, account))
        else:
            self._accept_bind(pdu, account, now)

    async def _verify(self, pdu: BindRequest, account: Account) -> None:
        """Verify a password hash in a thread (it takes tens of milliseconds), then go on where the session stopped."""
        context = self._context
        verify = context.accounts.verify_scrypt
        try:
            right = await asyncio.get_running_loop().run_in_executor(context.verifiers, verify, account, pdu.password)
            self._task = None
            if not self._closing:
                self._go_on(pdu, account, right)
        except Exception as error:  # noqa: BLE001  # whatever it is, it concerns this session alone
            self._fail(error)

    def _go_on(self, pdu: BindRequest, account: Account, right: bool) -> None:
        """Answer a bind whose password has been verified, and handle what has waited behind it."""
        context = self._context
        now = context.monotonic()
        if right:
            context.accounts.remember(account, pdu.password)
            self._accept_bind(pdu, account, now)
        else:
            self._refuse_bind(pdu, CommandStatus.ESME_RINVPASWD)
        if not self._closing:
            self._handle_all(self._session.resume(now), now)
        self._flush()
        if self._window:
            self._halt_when_full()
        self._resume_reading()

    def _accept_bind(self, pdu: BindRequest, account: Account, now: float) -> None:
        context = self._context
        bind_type = BIND_TYPES[pdu.__class__]
        status = account.try_bind(bind_type)
        if status:
            self._refuse_bind(pdu, status)
            return
        settings = account.settings
        session = self._session
        version = negotiate(pdu.interface_version, self._ours)
        session.interface_version = version
        session.window.limit = settings.deliver_window
        self._account = account
        self._bind_type = bind_type
        self._window = settings.window
        over = settings.window_over
        self._window_over = over if over in (STOP_READING, CLOSE) else int(CommandStatus[over])
        self._tells_congestion = version >= VERSION_50
        self._bind = Bind(
            self.name,
            context.engine.esmes[settings.system_id],
            self,
            receives=bind_type != "transmitter",
            tlvs=version >= VERSION_34,
            policy=_policy(version, context, account),
            address_range=AddressRange(pdu.address_range),
        )
        tlvs = (Tlv(TlvTag.SC_INTERFACE_VERSION, bytes((self._ours,))),) if version >= VERSION_34 else ()
        system_id = context.settings.server.system_id.encode("latin-1")
        response = BIND_RESPONSES[pdu.__class__](system_id=system_id, tlvs=tlvs)
        self._respond(pdu, response, now)
        self._count_unbound(False)
        context.bound_once.add((settings.system_id, bind_type))
        context.counters.bind_attempts[settings.system_id, "ESME_ROK"] += 1
        self._log.info(
            "bind",
            system_id=settings.system_id,
            bind_type=bind_type,
            interface_version=f"0x{pdu.interface_version:02x}",
            system_type=pdu.system_type,
        )
        context.engine.open_bind(self._bind)

    def _refuse_bind(self, pdu: BindRequest, status: int) -> None:
        """Answer a bind with an error status, and close."""
        context = self._context
        system_id = pdu.system_id.decode("latin-1")
        context.counters.bind_attempts[system_id, status_name(status)] += 1
        context.error_log.report(
            "bind_refused",
            session=self.name,
            peer=self._peer,
            # A stranger's system_id may well be a password typed into the wrong field.
            system_id=context.counters.fold_account(system_id),
            bind_type=BIND_TYPES[pdu.__class__],
            status=status_name(status),
        )
        self._session.abandon(pdu)
        self._send(HEADER.pack(16, pdu.command_id | 0x80000000, status, pdu.sequence_number), 0, status)
        context.counters.pdus_out[pdu.command_id | 0x80000000] += 1
        context.counters.statuses_out[pdu.command_id | 0x80000000, status] += 1
        self._flush()
        self._closing = True
        self._linger = asyncio.get_running_loop().call_later(REFUSAL_LINGER, self._half_close)

    def _on_unbind(self, pdu: Unbind, now: float) -> None:
        """The ESME ends the session: answer, keep what it had not acknowledged, and let it close first."""
        self._context.counters.pdus_in[CommandId.UNBIND] += 1
        self._respond(pdu, UnbindResp(), now)
        self._end_bind(by="ESME")
        self._close_in(LINGER)

    def _end_bind(self, *, by: str) -> None:
        """The session is unbound: what the ESME has not acknowledged is its account's again."""
        if self._bind is not None:
            self._log.info("unbind", system_id=self._bind.esme.system_id, by=by)
        self._unbinding = False
        self._release(self._session.window.drain())
        self._count_unbound(True)

    def _count_unbound(self, unbound: bool) -> None:
        """Keep the number of connections without a bind right."""
        self._context.unbound += unbound - self._counted_unbound
        self._counted_unbound = unbound

    def _close_in(self, seconds: float) -> None:
        """Close after a while, unless the ESME binds again before."""
        if self._linger is not None:
            self._linger.cancel()
        self._linger = asyncio.get_running_loop().call_later(seconds, self.close)

    def _send_unbind(self) -> None:
        self._unbinding = True
        request = Unbind()
        self._send(self._session.send_request(request, request, self._context.monotonic()), CommandId.UNBIND)

    def _release(self, outstanding: Iterable[object]) -> None:
        """The session ends: give back what it holds."""
        bind = self._bind
        if bind is None:
            return
        self._bind = None
        if self._account is not None:
            self._account.release(self._bind_type)
            self._account = None
        # Nobody will answer what waits for an outcome: another bind on this connection begins with an empty window.
        self._session.answered(self._deferred)
        self._deferred = 0
        lost = [item for item in outstanding if isinstance(item, (Message, Delivery))]
        self._context.engine.close_bind(bind, lost)

    # -- what the engine sends (engine.ports.Outbound) ----------------------------------------------------------------

    def room(self) -> int:
        """How many deliver_sm may leave now."""
        if not self._writable or self._closing or self._unbinding:
            return 0
        return self._session.window.room

    def deliver(self, bodies: Sequence[bytes], items: Sequence[Deliverable], command_id: int = DELIVER_SM) -> None:
        """Send deliver_sm, or data_sm, in one write; `items` wait in the window for their responses."""
        numbers = self._session.register_many(command_id, items, self._now())
        self._out.append(requests(command_id, numbers, bodies))
        self._counters.pdus_out[command_id] += len(items)
        self._flush()

    def answer(self, request: Pdu, response: Pdu) -> None:
        """Send the answer to a request that was deferred, with its body whatever its status."""
        self._deferred -= 1
        bind = self._bind
        if self._closing or bind is None:
            self._session.abandon(request)
            return
        if not response.command_status or response.tlvs:
            response = self._in_version(response, bind)
        self._respond(request, response, self._context.monotonic())
        self._flush()
        if self._halted:
            self._relieve()

    def notify(self, pdu: Pdu) -> None:
        """Send a PDU that nobody answers."""
        self._send(self._session.send_request(pdu, None, self._context.monotonic()), pdu.command_id)
        self._flush()

    # -- writing ------------------------------------------------------------------------------------------------------

    def _respond(self, request: Pdu, response: Pdu, now: float) -> None:
        octets = self._session.respond(request, response, now)
        self._send(octets, response.command_id, response.command_status)
        if self._halted:
            self._relieve()

    def _send(self, octets: bytes, command_id: int, status: int | None = None) -> None:
        """Queue one PDU for the next write and count it (command_id 0: the caller counts)."""
        self._out.append(octets)
        if command_id:
            counters = self._context.counters
            counters.pdus_out[command_id] += 1
            if status is not None:
                counters.statuses_out[command_id, status] += 1

    def _flush(self) -> None:
        """Write everything that was queued, at once."""
        out = self._out
        if not out or self._transport is None:
            out.clear()
            return
        data = out[0] if len(out) == 1 else b"".join(out)
        if self._watch is not None:
            self._watch.sent(data)
        out.clear()
        self._transport.write(data)

    # -- time ---------------------------------------------------------------------------------------------------------

    def _plan_timer(self, now: float) -> None:
        """Have a look at the timers when the next one is due; a session with all of them off needs none."""
        if not self._patience:
            return
        due = self._session.next_due()
        wait = self._patience if due is None else min(self._patience, max(SHORTEST_WAIT, due - now))
        self._timer = asyncio.get_running_loop().call_later(wait, self._on_timer)

    def _on_timer(self) -> None:
        try:
            self._look_at_timers(self._context.monotonic())
        except Exception as error:  # noqa: BLE001  # whatever it is, it concerns this session alone
            self._fail(error)

    def _look_at_timers(self, now: float) -> None:
        if self._halted:
            # Nobody knows whether the peer is silent, or what it has answered: it is we who do not listen.
            self._session.timers.received(now)
            self._timer = asyncio.get_running_loop().call_later(self._patience, self._on_timer)
            return
        lost = [item for item in self._session.expired(now) if isinstance(item, (Message, Delivery))]
        if lost:
            self._context.engine.unanswered(lost)
        action = self._session.timers.tick(now)
        if action is TimerAction.SEND_ENQUIRE_LINK:
            request = EnquireLink()
            self._send(self._session.send_request(request, request, now), CommandId.ENQUIRE_LINK)
            self._flush()
        elif action is not None:
            self._time_out(action)
            return
        self._plan_timer(now)

    def _time_out(self, action: TimerAction) -> None:
        """The peer took too long to bind, or is silent: close, with an unbind where there is something to unbind."""
        context = self._context
        context.counters.protocol_errors[action.value] += 1
        context.error_log.report(action.value, session=self.name, peer=self._peer)
        self._unbind_and_close()

    def _unbind_and_close(self) -> None:
        """End the session without waiting for the peer to agree."""
        if self._bind is not None and not self._unbinding:
            self._send_unbind()
        self.close()

    # -- what is done with each kind of event; runs of submit_sm have a way of their own --

    _handlers: ClassVar[dict[type, Callable[[SmscConnection, object, float], None]]] = cast(
        "dict[type, Callable[[SmscConnection, object, float], None]]",
        {
            Acknowledged: _on_acknowledged,
            ResponseReceived: _on_response,
            Refused: _on_refused,
            FramingLost: _on_framing_lost,
            BindReceiver: _on_bind,
            BindTransmitter: _on_bind,
            BindTransceiver: _on_bind,
            Unbind: _on_unbind,
            EnquireLink: _on_enquire_link,
            SubmitMulti: _on_submit_multi,
            DataSm: _on_data_sm,
            QuerySm: _on_query_sm,
            CancelSm: _on_cancel_sm,
            ReplaceSm: _on_replace_sm,
            BroadcastSm: _on_broadcast_sm,
            QueryBroadcastSm: _on_query_broadcast_sm,
            CancelBroadcastSm: _on_cancel_broadcast_sm,
        },
    )


def _policy(version: int, context: Context, account: Account | None) -> ValidationPolicy:
    """What the PDUs of a session of this version are judged by; an account may be stricter or laxer than the others."""
    validation = context.settings.validation
    strict = None if account is None else account.settings.strict
    return ValidationPolicy(
        interface_version=version,
        strict=validation.strict if strict is None else strict,
        payload_and_short_message=validation.payload_and_short_message,
    )


def _is_address_range(address_range: bytes) -> bool:
    """Whether the addresses an ESME says it serves can be understood (SMPP 3.4 section 5.2.7)."""
    try:
        AddressRange(address_range.decode("latin-1"))
    except ValueError:
        return False
    return True


def _peer_name(transport: asyncio.BaseTransport) -> str:
    peer = transport.get_extra_info("peername")
    return join_address(peer[0], peer[1]) if isinstance(peer, tuple) and len(peer) >= 2 else ""
