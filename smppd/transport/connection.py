"""One connection, whoever is bound on it: when it is read, what is written to it, and how it ends.

The states of SMPP are the session's (`smppwire.session`); what the PDUs mean is decided by `Binding` and
`SmscConnection`, which are built on this.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, Protocol, cast

from smppd.engine.esmes import Delivery
from smppd.engine.message import Message
from smppd.observe.session_counters import SessionCounters
from smppd.transport.listeners import join_address
from smppd.transport.watch import Watch
from smppwire.constants import CommandId
from smppwire.session import Role, Session
from smppwire.timers import SessionTimers

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from smppd.engine.esmes import Bind, Deliverable
    from smppd.engine.ports import Behaviour
    from smppd.transport.context import Context
    from smppwire.pdus import Outbind

WRITE_BUFFER_HIGH: Final = 1024 * 1024
"""Octets waiting for a peer that reads slowly before we stop reading from it: a few thousand receipts."""

CLOSE_TIMEOUT: Final = 2.0
"""Seconds a connection that we close has left: for the peer to take what was written and to close its side."""

SHORTEST_WAIT: Final = 0.01
"""Seconds between two looks at least: a timer that is just due must not spin."""

REASONS: Final = {
    "esme_unbind": "the ESME has unbound",
    "esme_closed": "the ESME has closed the connection",
    "connection_lost": "the connection broke: the ESME has reset it, or the network failed",
    "bind_refused": "its bind was refused",
    "smsc_unbind": "the message centre has unbound it",
    "smsc_closed": "the message centre has closed the connection",
    "smsc_reset": "the message centre has reset the connection",
    "smsc_aborted": "the message centre has dropped the connection, because it shuts down or is full",
    "window_overflow": "more requests were unanswered than its window allows",
    "framing_lost": "what came was no SMPP any more",
    "close_session_init": "no bind came in time",
    "close_inactivity": "nothing came for too long",
    "close_enquire_link_unanswered": "enquire_links were not answered",
    "internal_error": "a mistake of the message centre; its log says more",
}
"""Why a session ends. Of several that hold, the one that came first is kept."""

VERSION_34: Final = 0x34
VERSION_50: Final = 0x50

SUBMIT_SM: Final = int(CommandId.SUBMIT_SM)
SUBMIT_SM_RESP: Final = int(CommandId.SUBMIT_SM_RESP)


class Gate(Protocol):
    """Who sees what leaves."""

    def sent(self, data: bytes) -> bytes:
        """Whole PDUs are about to leave; returns what is written in their place."""


class Connection(asyncio.Protocol, ABC):
    """A connection and its session."""

    def __init__(self, context: Context, outbind: Outbind | None = None) -> None:
        """Serve one connection within `context`; one that we opened begins with this `outbind`."""
        self._context = context
        self._now = context.monotonic
        self._engine = context.engine
        self._counters = context.counters
        self.tally = SessionCounters()
        """What this session counts by itself; `_counters` are those of the server."""
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
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        """What leaves with the next write, a PDU each."""
        self._writable = True
        self._halted = False
        """Whether reading has stopped because the window is full."""
        self._closing = False
        self._counted_unbound = False
        # A timer that starts after one look at the timers cannot end before the next one, so many seconds later.
        running = filter(None, (timers.session_init, timers.enquire_link, timers.inactivity, timers.response))
        self._patience = min(running, default=0.0)
        self._timer: asyncio.TimerHandle | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        """What has to be found out elsewhere before reading goes on: whether a password is right."""
        self._is_late = False
        """Whether a bind or an unbind is answered late on purpose."""
        self._watch: Watch | None = None
        self._gate: Gate | None = None
        """Who sees what leaves: the watch, or who tells it."""
        self.name = ""
        self.bound_at: float | None = None
        """When an ESME was bound last, on the engine's clock."""
        self._peer = ""
        self._reason = ""
        """Why the connection ends, as soon as it does."""
        self._log: FilteringBoundLogger = context.log

    # -- what the server asks of a connection -------------------------------------------------------------------------

    @property
    @abstractmethod
    def bound_as(self) -> tuple[str, str] | None:
        """(system_id, bind type) while bound, else None."""

    @property
    def peer(self) -> str:
        """Address and port of the peer."""
        return self._peer

    @property
    @abstractmethod
    def bind(self) -> Bind | None:
        """The session as the engine knows it, while bound."""

    @abstractmethod
    def unbind(self) -> None:
        """End the session in order, if there is one, and close."""

    @abstractmethod
    def disown(self) -> None:
        """The engine has begun anew: the session is not bound any more, and asked to end."""

    def rename(self, name: str) -> None:
        """Have another name from now on, for logs, the journal and the roster."""
        context = self._context
        context.roster.rename(self.name, name)
        self.name = name
        self._log = context.logger(session=name, peer=self._peer)
        if self._watch is not None:
            self._watch.rename(name, self._log)

    @property
    def unacknowledged(self) -> list[Deliverable]:
        """What the ESME has not acknowledged yet, the oldest first."""
        entries = self._session.window.entries.values()
        return [entry[0] for entry in entries if isinstance(entry[0], (Message, Delivery))]

    @abstractmethod
    def follow(self, behaviour: Behaviour) -> None:
        """Ask these rules from now on."""

    @abstractmethod
    def enquire_link(self) -> None:
        """Ask the peer whether it is there (SMPP 3.4 section 4.11)."""

    @abstractmethod
    def hurry(self) -> None:
        """Do at once all that rules have put off."""

    @abstractmethod
    def lift_limits(self) -> None:
        """Limit the session as its account says, and by nothing that somebody has set for it alone."""

    @property
    def unanswered(self) -> int:
        """How many of our requests have no response yet."""
        return len(self._session.window)

    @property
    def reason(self) -> str:
        """Why the connection ends, one of REASONS; "" while nothing ends it."""
        return self._reason

    @property
    def state(self) -> str:
        """The state of the session by its name: OPEN, BOUND_TX, BOUND_RX, BOUND_TRX, OUTBOUND, UNBOUND or CLOSED."""
        return self._session.state.name

    @property
    def interface_version(self) -> int:
        """The version that the session speaks."""
        return self._session.interface_version

    @property
    def outstanding(self) -> int:
        """How many requests of the ESME have no response yet."""
        return self._session.inbound_outstanding

    @property
    def silence(self) -> float:
        """Seconds of real time since the last PDU came, or since the connection stands."""
        return self._now() - self._session.timers.last_received

    def owes_until(self, patience: float) -> float | None:
        """Until when the peer has `patience` seconds for its oldest answer, in real time; None when it owes none."""
        return self._session.window.next_expiry(patience)

    # -- beginning and end --------------------------------------------------------------------------------------------

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
        context.roster.opened(self.name, self._peer, context.wall(), self.tally)
        context.events.tell("session", "opened", session=self.name, peer=self._peer)
        if Watch.wanted(context):
            self._watch = Watch(context, self.name, self._log)
            self._gate = self._gate or self._watch
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER_HIGH)
        now = context.monotonic()
        if self._outbind is not None:
            # It has no response: the ESME binds on this connection, within session_init.
            self._send(self._session.send_request(self._outbind, None, now), CommandId.OUTBIND)
            self._flush()
        if context.session_faults is not None:
            context.session_faults.connected(self)
        self._plan_timer(now)
        if not context.listens:
            self.stop_listening()
            # uvloop begins to read after connection_made, whatever it was told in there.
            asyncio.get_running_loop().call_soon(self._stay_deaf)

    def _stay_deaf(self) -> None:
        if not self._context.listens:
            self.stop_listening()

    def _count_unbound(self, unbound: bool) -> None:
        """Keep the number of connections without a bind right."""
        self._context.unbound += unbound - self._counted_unbound
        self._counted_unbound = unbound

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, whoever ended it."""
        self._because("esme_closed" if exc is None else "connection_lost")
        self._closing = True
        for handle in (self._timer, self._linger, self._task):
            if handle is not None:
                handle.cancel()
        self._transport = None
        self._count_unbound(False)
        self._context.leave(self)
        self._context.roster.closed(self.name, self._context.wall(), self._reason)

    def _because(self, reason: str) -> None:
        """The connection ends; the first who says why is right."""
        if not self._reason:
            self._reason = reason

    def eof_received(self) -> bool:
        """The peer will send nothing more: what we still had to say is written, then the connection closes."""
        self._because("esme_closed")
        self.close()
        return False

    def close(self) -> None:
        """End the connection: what is written still leaves, what the peer still sends is thrown away.

        Only our direction ends at once. To close both while octets of the peer are unread would reset the connection,
        and a reset can overtake the answer that says why. The rest is up to the peer, for CLOSE_TIMEOUT seconds.
        """
        if self._transport is None or self._closing:
            return
        self._because("smsc_closed")
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

    def _close_in(self, seconds: float) -> None:
        """Close after a while, unless the ESME binds again before."""
        if self._linger is not None:
            self._linger.cancel()
        self._linger = asyncio.get_running_loop().call_later(seconds, self.close)

    def abort(self) -> None:
        """Drop the connection at once."""
        self._because("smsc_aborted")
        self._closing = True
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_open(self) -> bool:
        """Whether the connection stands, and is not about to end."""
        return self._transport is not None and not self._closing

    # -- what a layer between the connection and its transport asks (faults) ------------------------------------------

    @property
    def writable(self) -> bool:
        """Whether the transport takes more, as far as it has said."""
        return self._writable

    @property
    def beginning(self) -> bytes:
        """The beginning of a PDU that has not been received whole."""
        return self._session.beginning

    def move(self, transport: asyncio.Transport) -> asyncio.Transport:
        """Use another transport from now on; returns the one so far. Only for a connection that is open."""
        before, self._transport = self._transport, transport
        return cast("asyncio.Transport", before)

    def _fail(self, error: Exception) -> None:
        """A mistake of ours: the operator is told everything, and the session ends, because nobody knows its state.

        What had been answered before still leaves. Other sessions, and the messages of this one, go on.
        """
        self._context.counters.protocol_errors["internal"] += 1
        self._log.error("internal error", exc_info=error)
        self._because("internal_error")
        self.close()

    # -- reading ------------------------------------------------------------------------------------------------------

    @property
    def _may_read(self) -> bool:
        """Whether nothing forbids reading: a peer that does not read, a password to be verified, a full window."""
        stopped = self._task is not None or self._is_late or self._halted or self._closing
        return not stopped and self._writable and self._context.listens

    def stop_listening(self) -> None:
        """Read nothing: the server does not listen for the time being (`Context.listens`)."""
        if self._transport is not None and not self._closing:
            self._transport.pause_reading()

    def listen_again(self) -> None:
        """The server listens again. That the peer was not heard meanwhile is not its fault."""
        self._session.timers.received(self._now())
        self._resume_reading()

    def _let_others_read(self) -> None:
        """Read no more in this turn of the loop."""
        if self._transport is not None and self._may_read:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._resume_reading)

    def _resume_reading(self) -> None:
        """Read again, unless something else than what has just ended speaks against it."""
        if self._transport is not None and self._may_read:
            self._transport.resume_reading()

    def pause_writing(self) -> None:
        """The peer does not read: do not read from it either, and send it nothing of our own."""
        self._writable = False
        if self._transport is not None and not self._closing:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The peer reads again."""
        self._writable = True
        self._resume_reading()

    # -- writing ------------------------------------------------------------------------------------------------------

    def _send(self, octets: bytes, command_id: int, status: int | None = None) -> None:
        """Queue one PDU for the next write and count it; `status` is None where it is a request."""
        self._out.append(octets)
        self._count_out(command_id, status, 1)

    def _count_out(self, command_id: int, status: int | None, count: int) -> None:
        """Count PDUs that leave (a negative count: that do not leave after all)."""
        counters, tally = self._counters, self.tally
        counters.pdus_out[command_id] += count
        if status is not None:
            counters.statuses_out[command_id, status] += count
        if status:
            tally.refuse(status, count)
        elif command_id == SUBMIT_SM_RESP:
            tally.unaccepted -= count
        else:
            tally.other_out += count

    def _count_in(self, command_id: int) -> None:
        """Count one PDU that came, other than in a run of submit_sm or of responses to what was delivered."""
        self._counters.pdus_in[command_id] += 1
        if command_id == SUBMIT_SM:
            self.tally.submitted += 1
            self.tally.unaccepted += 1
        else:
            self.tally.other_in += 1

    def _flush(self) -> None:
        """Write everything that was queued, at once."""
        out = self._out
        if not out or self._transport is None:
            out.clear()
            return
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        if self._gate is not None:
            data = self._gate.sent(data)
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

    @abstractmethod
    def _look_at_timers(self, now: float) -> None:
        """Do what is due now, and plan the next look."""


def _peer_name(transport: asyncio.BaseTransport) -> str:
    peer = transport.get_extra_info("peername")
    return join_address(peer[0], peer[1]) if isinstance(peer, tuple) and len(peer) >= 2 else ""
