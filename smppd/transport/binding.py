"""Who is bound on a connection: binds and unbinds, the window of unanswered requests, and the timers of the session."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from dataclasses import replace
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from smppd.engine.esmes import Bind, Delivery
from smppd.engine.message import Message
from smppd.observe.roster import BindRecord, RefusedBind
from smppd.patterns import AddressRange
from smppd.transport.connection import VERSION_34, VERSION_50, Connection
from smppwire.constants import (
    HEADER_LENGTH,
    MAX_SEQUENCE_NUMBER,
    RESPONSE_BIT,
    CommandStatus,
    TlvTag,
    status_name,
)
from smppwire.pdus import (
    BindReceiver,
    BindReceiverResp,
    BindTransceiver,
    BindTransceiverResp,
    BindTransmitter,
    BindTransmitterResp,
    EnquireLink,
    Pdu,
    Tlv,
    Unbind,
    UnbindResp,
)
from smppwire.timers import TimerAction
from smppwire.validation import ValidationPolicy, first_violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from smppd.accounts import Account
    from smppd.engine.ports import Dialect, Outbound, Responses, SessionFaults
    from smppd.settings import BindType
    from smppd.transport.context import Context
    from smppd.transport.limits import SessionLimits
    from smppwire.pdus import Outbind

BindRequest = BindReceiver | BindTransmitter | BindTransceiver

HEADER: Final = Struct(">IIII")

REFUSAL_LINGER: Final = 0.25
"""Seconds between the refusal of a bind and the end of the connection: some ESMEs (jsmpp) read and handle PDUs in
different threads, and forget a response when the end of the connection follows it at once. Nothing is served then."""

LINGER: Final = 1.0
"""Seconds a connection stays open behind an unbind_resp: the peer may bind again, or close first as most do."""

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

VERSION_33: Final = 0x33

FIRST_SEQUENCE_NUMBER: Final = 1
"""Of a session (SMPP 3.4 section 3.2); where a dialect has no other one, a second bind goes on counting."""

REFUSED_CREDENTIALS: Final = {
    CommandStatus.ESME_RINVSYSID: "unknown_system_id",
    CommandStatus.ESME_RINVPASWD: "wrong_password",
    CommandStatus.ESME_RBINDFAIL: "disabled",
}
REFUSED_BINDS: Final = {
    CommandStatus.ESME_RINVSYSID: "unknown_system_id",
    CommandStatus.ESME_RBINDFAIL: "bind_type",
    CommandStatus.ESME_RALYBND: "max_binds",
}
"""Why `AccountBook.check` and `Account.try_bind` refuse, as `[dialect.NAME.bind]` calls it."""


def negotiate(theirs: int, ours: int) -> int:
    """The version a session speaks: the lower of both sides (SMPP 3.4 section 5.2.4).

    0x00 to 0x33 mean "3.3 or earlier"; reserved values mean the highest version that is not above them.
    """
    if theirs < VERSION_34:
        return VERSION_33
    return min(ours, VERSION_50 if theirs >= VERSION_50 else VERSION_34)


class Binding(Connection):
    """A connection on which an ESME binds."""

    def __init__(self, context: Context, outbind: Outbind | None = None) -> None:
        """Serve one connection within `context`; one that we opened begins with this `outbind`."""
        super().__init__(context, outbind)
        self._ours = self._session.interface_version
        self._max_pdu = self._session.max_pdu_length
        """Octets of the longest PDU, where a dialect has no limit of its own."""
        self._bind: Bind | None = None
        self._account: Account | None = None
        self._bind_type: BindType = "transceiver"
        self._unbinding = False
        self._tells_congestion = False
        self._window = 0
        self._window_over: int | str = 0
        """The command_status that answers what exceeds the window, STOP_READING or CLOSE."""
        self._responded = 0
        """The number of the last response, where a dialect has responses counted."""
        self._limits: SessionLimits | None = None
        """What this session may do beside what its account may; None where nothing is limited, which costs nothing."""
        self._deferred = 0
        """How many of the requests without an answer wait for an outcome: the engine answers them by `answer`."""

    @abstractmethod
    def _outbound(self) -> Outbound:
        """The way by which the engine reaches the ESME."""

    @abstractmethod
    def _handle_all(self, events: Sequence[Any], now: float) -> None:
        """Handle what has waited behind a bind."""

    @property
    def bound_as(self) -> tuple[str, str] | None:
        """(system_id, bind type) while bound, else None."""
        return None if self._bind is None else (self._bind.esme.system_id, self._bind_type)

    @property
    def bind(self) -> Bind | None:
        """The session as the engine knows it, while bound."""
        return self._bind

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, whoever ended it: the account gets back what the session held."""
        error = "" if exc is None else type(exc).__name__
        if self._bind is not None:
            self._log.info("session closed", system_id=self._bind.esme.system_id, error=error)
        super().connection_lost(exc)
        self._release(self._session.close(), is_lost=not self._unbinding)
        if self.name:
            self._context.events.tell("session", "closed", session=self.name, peer=self._peer, reason=error)

    def resume_writing(self) -> None:
        """The peer reads again: deliver_sm may leave."""
        super().resume_writing()
        if self._bind is not None and self.is_open:
            self._engine.bind_has_room(self._bind)

    # -- bind ---------------------------------------------------------------------------------------------------------

    def on_bind(self, pdu: BindRequest, now: float) -> None:
        """Judge a bind. A password that takes long to verify is verified elsewhere, and reading waits for it."""
        context = self._context
        self._count_in(pdu.command_id)
        if self._linger is not None:
            self._linger.cancel()
        status = self._violation_of_bind(pdu)
        if status or context.draining:
            self._refuse_bind(pdu, status or CommandStatus.ESME_RBINDFAIL)
            return
        status, account, needs_scrypt = context.accounts.check(pdu.system_id, pdu.password)
        if account is None or status:
            self._refuse_bind(pdu, status, REFUSED_CREDENTIALS[status])
        elif needs_scrypt and self._transport is not None:
            self._transport.pause_reading()
            self._task = asyncio.get_running_loop().create_task(self._verify(pdu, account))
        else:
            self._admit(pdu, account, now)

    def _violation_of_bind(self, pdu: BindRequest) -> int:
        """The command_status that a bind gets for mistakes of its own, 0 for none."""
        context = self._context
        known = context.accounts.get(pdu.system_id)
        dialect = self._dialect_of(known)
        if dialect.responses is not None and pdu.command_id in dialect.responses.unsupported:
            return int(CommandStatus.ESME_RINVCMDID)
        policy = replace(
            _policy(negotiate(pdu.interface_version, self._ours), context, known, dialect),
            password_max=context.settings.longest_password + 1,
        )
        status = first_violation(pdu, policy)
        if not status and not _is_address_range(pdu.address_range):
            return int(CommandStatus.ESME_RBINDFAIL)
        return status

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
            self._admit(pdu, account, now)
        else:
            self._refuse_bind(pdu, CommandStatus.ESME_RINVPASWD, "wrong_password")
        self._go_on_behind_bind(now)

    def _admit(self, pdu: BindRequest, account: Account, now: float) -> None:
        """Let an ESME in that has proved who it is, unless a fault has something against it, or makes it wait."""
        faults = self._context.session_faults
        if faults is None:
            self._accept_bind(pdu, account, now)
            return
        seconds = faults.delay(self, pdu.command_id, account.system_id)
        if seconds and self._transport is not None:
            self._transport.pause_reading()
            self._is_late = True
            self._task = asyncio.get_running_loop().create_task(self._admit_late(pdu, account, faults, seconds))
        else:
            self._admit_unless_refused(pdu, account, faults, now)

    async def _admit_late(self, pdu: BindRequest, account: Account, faults: SessionFaults, seconds: float) -> None:
        """Judge a bind after a while, then go on where the session stopped."""
        try:
            await faults.pause(seconds)
            self._task = None
            self._is_late = False
            if not self._closing:
                now = self._context.monotonic()
                self._admit_unless_refused(pdu, account, faults, now)
                self._go_on_behind_bind(now)
        except Exception as error:  # noqa: BLE001  # whatever it is, it concerns this session alone
            self._fail(error)

    def _admit_unless_refused(self, pdu: BindRequest, account: Account, faults: SessionFaults, now: float) -> None:
        refusal = faults.refusal(self, pdu.command_id, account.system_id, account.bound)
        if refusal is None:
            self._accept_bind(pdu, account, now)
        else:
            self._refuse_bind(pdu, *refusal)

    def _go_on_behind_bind(self, now: float) -> None:
        """Handle what has waited behind a bind that was judged late, if it is answered."""
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
            self._refuse_bind(pdu, status, REFUSED_BINDS[status] if account.settings.enabled else "disabled")
            return
        settings = account.settings
        self.bound_at = self._engine.clock.now()
        self._reason = ""
        if context.faults is not None:
            self._flush()
            context.faults.bound(self, settings.system_id)
        session = self._session
        dialect = self._dialect_of(account)
        version = negotiate(pdu.interface_version, self._ours)
        session.interface_version = version
        session.max_pdu_length = dialect.max_pdu or self._max_pdu
        if dialect.first_sequence_number != FIRST_SEQUENCE_NUMBER:
            session.next_sequence_number = dialect.first_sequence_number
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
            self._outbound(),
            receives=bind_type != "transmitter",
            tlvs=version >= VERSION_34,
            policy=_policy(version, context, account, dialect),
            address_range=AddressRange(pdu.address_range),
            bound_at=self.bound_at,
        )
        told = dialect.sc_interface_version(self._ours) if version >= VERSION_34 else None
        tlvs = () if told is None else (Tlv(TlvTag.SC_INTERFACE_VERSION, bytes((told,))),)
        system_id = context.settings.server.system_id.encode("latin-1")
        response = BIND_RESPONSES[pdu.__class__](system_id=system_id, tlvs=tlvs)
        self._respond(pdu, response, now)
        self._count_unbound(False)
        context.bound_once.add((settings.system_id, bind_type))
        context.roster.bound(
            self.name,
            BindRecord(
                system_id=settings.system_id,
                bind_type=bind_type,
                interface_version=pdu.interface_version,
                version=version,
                system_type=pdu.system_type.decode("latin-1"),
                address_range=pdu.address_range.decode("latin-1"),
                default_alphabet=dialect.default_alphabet,
                bound_at=context.wall(),
            ),
        )
        context.counters.bind_attempts[settings.system_id, "ESME_ROK"] += 1
        context.events.tell("session", "bound", session=self.name, account=settings.system_id, bind_type=bind_type)
        self._log.info(
            "bind",
            system_id=settings.system_id,
            bind_type=bind_type,
            interface_version=f"0x{pdu.interface_version:02x}",
            system_type=pdu.system_type,
        )
        context.engine.open_bind(self._bind)
        if context.session_faults is not None:
            context.session_faults.bound(self, self._bind)

    def _refuse_bind(self, pdu: BindRequest, status: int, reason: str = "") -> None:
        """Answer a bind with an error status, and close; a dialect may have another status for this reason."""
        context = self._context
        dialect = self._dialect_of(context.accounts.get(pdu.system_id))
        status = dialect.bind_status(reason, status)
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
        context.roster.refused(self.name, RefusedBind(system_id, BIND_TYPES[pdu.__class__], status, context.wall()))
        self._because("bind_refused")
        context.events.tell(
            "session",
            "bind_refused",
            session=self.name,
            account=system_id,
            bind_type=BIND_TYPES[pdu.__class__],
            command_status=status_name(status),
            reason=reason or status_name(status),
        )
        self._session.abandon(pdu)
        response_id, number = pdu.command_id | RESPONSE_BIT, pdu.sequence_number
        if dialect.responses is None:
            self._send(HEADER.pack(HEADER_LENGTH, response_id, status, number), response_id, status)
        else:
            tlvs = negotiate(pdu.interface_version, self._ours) >= VERSION_34
            number = self._number(dialect.responses, number)
            self._say(dialect.responses.refuse(response_id, status, number, tlvs=tlvs))
        # What is said leaves all the same, with the answers to what came before it.
        self._closing = True
        self._linger = asyncio.get_running_loop().call_later(REFUSAL_LINGER, self._half_close)

    # -- unbind -------------------------------------------------------------------------------------------------------

    def unbind(self) -> None:
        """Ask the ESME to end the session (SMPP 3.4 section 4.2); one that is not bound is simply closed.

        From here on nothing is delivered. An ESME that does not answer is closed after `[server] shutdown_grace`.
        """
        if self._closing or self._unbinding:
            return
        if self._bind is None:
            self.close()
            return
        self._because("smsc_unbind")
        self._send_unbind()
        self._flush()
        self._close_in(self._context.settings.server.shutdown_grace)

    def disown(self) -> None:
        """The engine has begun anew and knows nothing of this session: it is not bound any more, and asked to end."""
        if self._bind is None or self._closing:
            return
        self._release(self._session.window.drain())
        self._count_unbound(True)
        if not self._unbinding:
            self._send_unbind()
            self._flush()
            self._close_in(self._context.settings.server.shutdown_grace)

    def on_unbind(self, pdu: Unbind, now: float) -> None:
        """The ESME ends the session: answer, keep what it had not acknowledged, and let it close first."""
        self._count_in(pdu.command_id)
        if self._is_unsupported(pdu):
            return
        self._because("esme_unbind")
        self._respond(pdu, UnbindResp(), now)
        self._end_bind(by="ESME")
        self._close_in(LINGER)

    def _send_unbind(self) -> None:
        self._unbinding = True
        request = Unbind()
        self._ask(request, request, self._context.monotonic())

    def _unbind_and_close(self) -> None:
        """End the session without waiting for the peer to agree."""
        if self._bind is not None and not self._unbinding:
            self._send_unbind()
        self.close()

    def _end_bind(self, *, by: str) -> None:
        """The session is unbound: what the ESME has not acknowledged is its account's again."""
        if self._bind is not None:
            self._log.info("unbind", system_id=self._bind.esme.system_id, by=by)
        self._unbinding = False
        self._release(self._session.window.drain())
        self._count_unbound(True)

    def _release(self, outstanding: Iterable[object], *, is_lost: bool = False) -> None:
        """The session ends: give back what it holds. `is_lost`: nobody has said unbind."""
        bind = self._bind
        if bind is None:
            return
        self._bind = None
        self._limits = None
        self.tally.others_sent += bind.others
        self._context.roster.unbound(self.name, self._context.wall())
        self._context.events.tell(
            "session",
            "unbound",
            session=self.name,
            account=bind.esme.system_id,
            bind_type=self._bind_type,
            reason="connection lost" if is_lost else "unbind",
        )
        if self._context.session_faults is not None:
            self._context.session_faults.left(self, bind, lost=is_lost)
        if self._account is not None:
            self._account.release(self._bind_type)
            self._account = None
        # Nobody will answer what waits for an outcome: another bind on this connection begins with an empty window.
        self._session.answered(self._deferred)
        self._deferred = 0
        lost = [item for item in outstanding if isinstance(item, (Message, Delivery))]
        self._context.engine.close_bind(bind, lost)

    # -- answers, and the window of requests that have none yet -------------------------------------------------------

    def _respond(self, request: Pdu, response: Pdu, now: float) -> None:
        octets = self._session.respond(request, response, now)
        responses = self._responses
        if responses is None:
            self._send(octets, response.command_id, response.command_status)
        else:
            number = self._number(responses, request.sequence_number)
            self._say(responses.answer(response, number, tlvs=self._takes_tlvs))
        if self._halted:
            self._relieve()

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
        if self._closing or (self._window and self._session.inbound_outstanding >= self._window):
            return
        self._halted = False
        if self._timer is not None:
            # What has come meanwhile is read before anybody asks whether it came in time.
            self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(self._patience, self._on_timer)
        self._resume_reading()

    # -- in the account's dialect -------------------------------------------------------------------------------------

    def _dialect_of(self, account: Account | None) -> Dialect:
        """The dialect of an account; of the default one where there is none."""
        engine = self._engine
        return engine.dialect if account is None else engine.esmes[account.system_id].dialect

    @property
    def _responses(self) -> Responses | None:
        """Who writes the responses of this session now; None where they are what the specification says."""
        return self._engine.dialect.responses if self._bind is None else self._bind.responses

    @property
    def _takes_tlvs(self) -> bool:
        """Whether the peer knows TLVs, as far as we know."""
        return self._bind is None or self._bind.tlvs

    def _number(self, responses: Responses, asked: int) -> int:
        """The sequence_number of the response to a request of this number."""
        if responses.aligns:
            self._session.next_sequence_number = asked
        if not responses.own_numbers:
            return asked
        self._responded = self._responded % MAX_SEQUENCE_NUMBER + 1
        return self._responded

    def _say(self, octets: bytes) -> None:
        """Queue a response that a dialect has written; what it says is counted."""
        _, command_id, status, _ = HEADER.unpack_from(octets)
        self._send(octets, command_id, status)

    def _is_unsupported(self, pdu: Pdu) -> bool:
        """Whether the dialect does not know such a request; it is refused then."""
        responses = self._responses
        if responses is None or pdu.command_id not in responses.unsupported:
            return False
        self._session.abandon(pdu)
        number = self._number(responses, pdu.sequence_number)
        self._say(responses.refuse_unsupported(pdu.command_id, number, tlvs=self._takes_tlvs))
        if self._halted:
            self._relieve()
        return True

    def _ask(self, pdu: Any, context: object, now: float) -> None:
        """Queue a request of ours other than those that the engine writes."""
        bind = self._bind
        if bind is not None and bind.tlvs:
            pdu.trailing = bind.esme.dialect.added_tlvs(pdu.command_id)
        self._send(self._session.send_request(pdu, context, now), pdu.command_id)

    def enquire_link(self) -> None:
        """Ask the peer whether it is there (SMPP 3.4 section 4.11)."""
        if self._closing:
            return
        request = EnquireLink()
        self._ask(request, request, self._now())
        self._flush()

    # -- time ---------------------------------------------------------------------------------------------------------

    def _look_at_timers(self, now: float) -> None:
        if self._halted or self._is_late or not self._context.listens:
            # Nobody knows whether the peer is silent, or what it has answered: it is we who do not listen.
            self._session.timers.received(now)
            self._timer = asyncio.get_running_loop().call_later(self._patience, self._on_timer)
            return
        lost = [item for item in self._session.expired(now) if isinstance(item, (Message, Delivery))]
        if lost:
            self._context.engine.unanswered(lost)
        action = self._session.timers.tick(now)
        if action is TimerAction.SEND_ENQUIRE_LINK:
            self.enquire_link()
        elif action is not None:
            self._time_out(action)
            return
        self._plan_timer(now)

    def _time_out(self, action: TimerAction) -> None:
        """The peer took too long to bind, or is silent: close, with an unbind where there is something to unbind."""
        context = self._context
        context.counters.protocol_errors[action.value] += 1
        context.error_log.report(action.value, session=self.name, peer=self._peer)
        self._because(action.value)
        self._unbind_and_close()


def _policy(version: int, context: Context, account: Account | None, dialect: Dialect) -> ValidationPolicy:
    """What the PDUs of a session of this version are judged by.

    An account may be stricter or laxer than the others; if it does not say, its dialect may.
    """
    validation = context.settings.validation
    said = (None if account is None else account.settings.strict, dialect.strict, validation.strict)
    return dialect.policy(
        ValidationPolicy(
            interface_version=version,
            strict=next(strict for strict in said if strict is not None),
            payload_and_short_message=validation.payload_and_short_message,
        )
    )


def _is_address_range(address_range: bytes) -> bool:
    """Whether the addresses an ESME says it serves can be understood (SMPP 3.4 section 5.2.7)."""
    try:
        AddressRange(address_range.decode("latin-1"))
    except ValueError:
        return False
    return True
