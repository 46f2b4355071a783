"""The layer between asyncio's transport and a session, for the time in which faults may concern it.

To the transport it is a protocol, to the session (through `Facade`) a transport. It can be slipped in and out while the
connection stands: asyncio lets a transport change its protocol, and the session takes another transport.

    transport  ->  FaultLayer.data_received  ->  lane in   ->  session.data_received
    transport  <-  lane out  <-  FaultLayer.write  <-  Facade.write  <-  session

Memory is bounded: a lane that holds more than HELD_HIGH octets stops its source. The session is told not to write (and
stops reading from the ESME), or the transport is told not to read.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, cast

from smppd.behaviour.byte_faults import Ending
from smppd.behaviour.facade import Facade
from smppd.behaviour.lane import Lane
from smppd.behaviour.occasions import Party
from smppd.behaviour.sockets import reset_when_closed
from smppd.settings.faults import Banner, Silence, SlowClose, StopReading, StopWriting
from smppd.settings.names import HIGHEST
from smppwire.session import BINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smppd.behaviour.occasions import Occasions
    from smppd.behaviour.streams import Handle, Loop
    from smppd.behaviour.waits import Wait, Waits

HELD_HIGH: Final = 65_536
"""Octets that a lane may hold before its source is stopped: what a socket's buffer usually takes, so that a session
which drips looks like one on a slow line."""

HELD_LOW: Final = 16_384
"""Octets in a lane at which its source goes on."""

FLUSH_PATIENCE: Final = 30.0
"""Seconds that held octets have left once the session wants the connection gone. A drip may need days for them."""

CLOSE_PATIENCE: Final = 2.0
"""Seconds the peer has to close its side after the end of ours; as long as a session gives it."""

RESET_PATIENCE: Final = 1.0
"""Seconds that octets before a reset have to reach the system: a peer that does not read is reset all the same."""

RESET_STEP: Final = 0.005
"""Seconds between two looks whether they have."""


class Connection(Protocol):
    """A session as the layer beneath it sees it: an asyncio.Protocol that can be moved to another transport.

    * name: its number in the log, "" while it has none or was refused. bound_as: (system_id, bind type), or None.
    * bound_at: when it was bound, on the engine's clock. is_open: whether it stands and is not about to end.
    * writable: whether it has been told to write. beginning: of a PDU that it has not received whole.
    """

    name: str

    @property
    def bound_as(self) -> tuple[str, str] | None: ...  # noqa: D102 - see above
    @property
    def bound_at(self) -> float | None: ...  # noqa: D102
    @property
    def is_open(self) -> bool: ...  # noqa: D102
    @property
    def writable(self) -> bool: ...  # noqa: D102
    @property
    def beginning(self) -> bytes: ...  # noqa: D102

    def move(self, transport: asyncio.Transport) -> asyncio.Transport:
        """Use another transport from now on; returns the one so far."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None: ...  # noqa: D102 - as in asyncio.Protocol
    def connection_lost(self, exc: Exception | None) -> None: ...  # noqa: D102
    def data_received(self, data: bytes) -> None: ...  # noqa: D102
    def eof_received(self) -> bool | None: ...  # noqa: D102
    def pause_writing(self) -> None: ...  # noqa: D102
    def resume_writing(self) -> None: ...  # noqa: D102


class Book(Protocol):
    """Where a layer finds its faults."""

    @property
    def stopping(self) -> bool:
        """Whether the server ends: nobody is waited for."""

    def concerning(self, party: Party) -> Sequence[Occasions]:
        """The faults that concern a session now."""

    def may_concern(self, party: Party) -> bool:
        """Whether any fault concerns a session now, or may do so once it is bound."""

    def left(self, layer: FaultLayer) -> None:
        """A layer has ended, or slipped out."""


def party_of(connection: Connection) -> Party:
    """Whose connection it is."""
    bound_as = connection.bound_as
    return Party(int(connection.name or 0), "" if bound_as is None else bound_as[0], connection.bound_at)


class FaultLayer(asyncio.Protocol):
    """The faults of one connection."""

    def __init__(self, book: Book, connection: Connection, loop: Loop, waits: Waits, *, max_pdu: int) -> None:
        """Lie beneath a session: see `Lane` for the clocks. Then comes `connection_made`, or `slip_in`."""
        self.connection = connection
        self.facade = Facade(self)
        self.party = Party()
        self._book = book
        self._loop = loop
        self._waits = waits
        self._max_pdu = max_pdu
        self._real: asyncio.Transport | None = None
        self._in = self._lane_in()
        # What we send ourselves may be as long as it likes.
        self._out = Lane(self, loop, waits, self._write, max_pdu=HIGHEST)
        self._early: list[Callable[[], None]] | None = []
        """What the session does before anybody knows which faults concern it; None from then on."""
        self._halts: dict[Occasions, Wait | None] = {}
        """The faults that make the connection half-open, and until when."""
        self._wants_to_read = True
        self._reads = True
        self._writable = True
        self._told_writable = True
        self._out_full = False
        self._in_full = False
        self._closing = False
        """The session has said that it is done with the connection."""
        self._closes_at = 0.0
        """Not before this time, because of a fault."""
        self._abort_wanted = False
        self._gone = False
        """The session has been told that the connection is lost. The transport may still be there."""
        self._over = False
        """The transport is gone, or somebody else's."""
        self._timer: Handle | None = None
        self._leaving: Handle | None = None

    def _lane_in(self, passed: bytes = b"") -> Lane:
        return Lane(self, self._loop, self._waits, self._read, max_pdu=self._max_pdu, waits_behind=BINDS, passed=passed)

    # -- beginning and end --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer connected: the session begins, and with it the faults that do not wait for a bind."""
        self._real = cast("asyncio.Transport", transport)
        self.connection.connection_made(self.facade)
        if self._real.is_closing():
            return
        self.party = party_of(self.connection)
        early, self._early = self._early or [], None
        self.choose()
        self._begin([one for one in self._book.concerning(self.party) if one.fault.account is None])
        for call in early:
            call()
        self.moved()

    def slip_in(self) -> None:
        """Come between a session and its transport while the connection stands."""
        connection = self.connection
        self._in = self._lane_in(connection.beginning)
        self._real = real = connection.move(self.facade)
        self._early = None
        self._reads = self._wants_to_read = real.is_reading()
        self._writable = self._told_writable = connection.writable
        self.party = party_of(connection)
        real.set_protocol(self)
        self.choose()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone: what it still held is lost with it."""
        if self._over:
            return
        self._finish()
        if not self._gone:
            self._gone = True
            self.connection.connection_lost(exc)

    def _finish(self) -> None:
        """Let go of everything."""
        self._over = True
        self._in.stop()
        self._out.stop()
        for handle in (self._timer, self._leaving):
            if handle is not None:
                handle.cancel()
        for wait in self._halts.values():
            if wait is not None:
                self._waits.cancel(wait)
        self._halts.clear()
        self._book.left(self)

    def hurry(self) -> None:
        """The server ends: let everything leave that is held, and drop the connection if only a fault keeps it."""
        if self._real is None or self._over:
            return
        if not self._gone and not self._out.muted:
            self._out.drain()
            self._out.line.rush()
        if self._gone or self._abort_wanted:
            self._real.abort()

    # -- which faults -------------------------------------------------------------------------------------------------

    def bound(self, account: str) -> None:
        """The session is bound to an account: what concerns it begins with what it sends next."""
        self.party = Party(self.party.session, account, self._waits.now())
        self.choose()
        self._begin([one for one in self._book.concerning(self.party) if one.fault.account is not None])

    def choose(self) -> None:
        """Look again which faults concern the connection."""
        if self._over or self._gone or self._early is not None:
            return
        concerning = self._book.concerning(self.party)
        for one in self._halts.keys() - set(concerning):
            self._end_halt(one)
        self._in.choose(one for one in concerning if one.fault.direction == "in")
        self._out.choose(one for one in concerning if one.fault.direction == "out")
        self.moved()

    def _begin(self, concerning: Sequence[Occasions]) -> None:
        """The faults whose occasions are connections and binds."""
        for one in concerning:
            fault = one.fault
            if not isinstance(fault, (Banner, Silence)) or one.take(self.party, self._waits.now()) is None:
                continue
            if isinstance(fault, Banner):
                self._out.put(bytes.fromhex(fault.octets))
                self._out.line.run()
            else:
                self.halt(one)

    # -- half-open connections ----------------------------------------------------------------------------------------

    def halt(self, occasions: Occasions) -> None:
        """Stop reading or writing, until the fault falls asleep or is taken away."""
        if occasions in self._halts:
            return
        until = occasions.asleep_at(self.party, self._waits.now())
        wait = None if until is None else self._waits.call_at(until, partial(self._wake_up, occasions))
        self._halts[occasions] = wait
        self._look_at_halts()

    def _wake_up(self, occasions: Occasions) -> None:
        self._halts[occasions] = None  # it has been called
        self._end_halt(occasions)
        self.moved()

    def _end_halt(self, occasions: Occasions) -> None:
        wait = self._halts.pop(occasions)
        if wait is not None:
            self._waits.cancel(wait)
        self._look_at_halts()

    def _look_at_halts(self) -> None:
        faults = [one.fault for one in self._halts]
        self._out.muted = any(isinstance(fault, (StopWriting, Silence)) for fault in faults)
        self._in.halted = any(isinstance(fault, (StopReading, Silence)) for fault in faults)
        self._freeze()
        if not self._in.halted and not self._in.idle:
            self._loop.call_soon(self._in.work)
        self._balance()

    def _freeze(self) -> None:
        """Stop or start what waits in the lanes."""
        for line, frozen in ((self._out.line, self._out.muted), (self._in.line, not self._wants_to_read)):
            if frozen:
                line.freeze()
            else:
                line.thaw()

    # -- from the transport -------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """The ESME has sent something."""
        if self._gone:
            return
        self._in.feed(data)
        if not self._reads and self._real is not None and self._real.is_reading():
            # uvloop begins to read after connection_made, whatever it was told in there.
            self._real.pause_reading()

    def eof_received(self) -> bool:
        """The ESME will send nothing more; the session is told once it has all that came before."""
        if self._gone or self._real is None:
            return False
        self._in.finish(self._pass_eof)
        if self._real.can_write_eof():
            return True
        # TLS ends both directions now: this is the last chance for all that is held.
        self._in.line.rush()
        self._out.line.rush()
        return False

    def _pass_eof(self) -> None:
        if not self._gone and not self.connection.eof_received():
            self.close()

    def pause_writing(self) -> None:
        """The ESME does not read."""
        self._writable = False
        self._balance()

    def resume_writing(self) -> None:
        """The ESME reads again."""
        self._writable = True
        self._balance()

    # -- from the session, through its facade -------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """The session sends something."""
        if self._early is not None:
            self._early.append(partial(self.write, data))
        elif not self._closing and not self._gone:
            self._out.feed(data)

    def write_eof(self) -> None:
        """The session will send nothing more."""
        self._end_with(self._write_eof)

    def close(self) -> None:
        """The session is done with the connection, once what it has sent has left."""
        self._end_with(self._close)

    def abort(self) -> None:
        """The session wants the connection gone.

        That is done at once, unless the session has said before that it is done, and a fault still holds back what was
        to leave before. That has FLUSH_PATIENCE seconds to leave.
        """
        if self._over or self._real is None:
            return
        if self._closing and not self._gone and not self._out.muted and not self._book.stopping and not self._out.idle:
            if not self._abort_wanted:
                self._abort_wanted = True
                self._abort_in(FLUSH_PATIENCE + self._slow_close_left())
            return
        self._real.abort()

    def pause_reading(self) -> None:
        """The session wants to be told nothing for the time being."""
        self._wants_to_read = False
        self._in.line.freeze()
        self._balance()

    def resume_reading(self) -> None:
        """The session wants to be told what comes, from the next turn of the loop on."""
        self._wants_to_read = True
        self._freeze()
        self.moved()

    @property
    def reads(self) -> bool:
        """Whether the session wants to be told what comes."""
        return self._wants_to_read

    @property
    def closing(self) -> bool:
        """Whether the connection is about to end."""
        return self._closing or self._gone or self._real is None or self._real.is_closing()

    @property
    def held_out(self) -> int:
        """Octets that wait to be sent in this layer."""
        return self._out.held

    @property
    def real(self) -> asyncio.Transport | None:
        """The transport beneath."""
        return self._real

    def _end_with(self, action: Callable[[], None]) -> None:
        if self._early is not None:
            self._early.append(partial(self._end_with, action))
            return
        if self._over or self._gone:
            return
        slow = 0.0
        if not self._closing:
            self._closing = True
            slow = self._slow_close()
        self._out.finish(action, self._loop.time() + slow if slow else 0.0)

    def _slow_close(self) -> float:
        """How many seconds the close takes."""
        seconds = 0.0
        for one in self._book.concerning(self.party):
            fault = one.fault
            if isinstance(fault, SlowClose) and one.take(self.party, self._waits.now()) is not None:
                seconds = max(seconds, fault.for_)
        self._closes_at = self._loop.time() + seconds
        return seconds

    def _slow_close_left(self) -> float:
        return max(0.0, self._closes_at - self._loop.time())

    def _write_eof(self) -> None:
        real = self._real
        if real is None or real.is_closing():
            return
        try:
            real.write_eof()
        except OSError:  # the peer has reset the connection, and the loop has not told us yet
            real.abort()

    def _close(self) -> None:
        if self._real is not None:
            self._real.close()

    # -- the ends that faults make (lane.Host) ------------------------------------------------------------------------

    def end(self, lane: Lane, ending: Ending) -> None:
        """A fault ends the connection."""
        if self._over or self._gone:
            return
        if ending is not Ending.FIN:
            self._reset(self._loop.time() + RESET_PATIENCE)
        elif lane is self._in:
            # What we have said before still leaves.
            self._out.finish(self._fin)
        else:
            self._fin()

    def _fin(self) -> None:
        """End our direction; for the session the connection is lost."""
        real = self._real
        if real is None or self._gone:
            return
        self._lose()
        self._reads = True
        real.resume_reading()
        if real.can_write_eof():
            self._write_eof()
        else:
            real.close()
        self._abort_in(CLOSE_PATIENCE)

    def _reset(self, deadline: float) -> None:
        """Reset the connection as soon as the system has what was written before."""
        real = self._real
        if real is None or self._over:
            return
        if real.get_write_buffer_size() and self._loop.time() < deadline:
            self._timer = self._loop.call_at(self._loop.time() + RESET_STEP, partial(self._reset, deadline))
            return
        reset_when_closed(real)
        real.abort()

    def _lose(self) -> None:
        self._gone = True
        self._in.stop()
        self._out.stop()
        self.connection.connection_lost(None)

    def _abort_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._real is not None:
            self._timer = self._loop.call_at(self._loop.time() + seconds, self._real.abort)

    # -- to both sides ------------------------------------------------------------------------------------------------

    def _write(self, octets: bytes) -> None:
        real = self._real
        if real is not None and not self._gone and not real.is_closing():
            real.write(octets)

    def _read(self, octets: bytes) -> None:
        if not self._gone:
            self.connection.data_received(octets)

    # -- flow, and when it is over (lane.Host) ------------------------------------------------------------------------

    def moved(self) -> None:
        """Octets have left a lane, or been put into it."""
        if self._over or self._gone:
            return
        self._balance()
        if self._abort_wanted and self._out.idle:
            self._abort_wanted = False
            self._abort_in(CLOSE_PATIENCE)
        if self._leaving is None and not self._book.may_concern(self.party):
            self._leaving = self._loop.call_soon(self._leave)

    def _balance(self) -> None:
        """Tell both sides whether they may go on."""
        if self._over or self._gone or self._real is None or self._early is not None:
            return
        self._out_full = self._out.held > (HELD_LOW if self._out_full else HELD_HIGH)
        self._in_full = self._in.held > (HELD_LOW if self._in_full else HELD_HIGH)
        reads = self._wants_to_read and not self._in_full and not self._in.halted
        if reads != self._reads and not self._real.is_closing():
            self._reads = reads
            if reads:
                self._real.resume_reading()
            else:
                self._real.pause_reading()
        writable = self._writable and not self._out_full
        if writable != self._told_writable:
            self._told_writable = writable
            if writable:
                self.connection.resume_writing()
            else:
                self.connection.pause_writing()

    def _leave(self) -> None:
        """Slip out, when no fault concerns the connection any more and nothing is held."""
        self._leaving = None
        real = self._real
        if self._over or self._gone or self._closing or real is None or real.is_closing():
            return
        if self._book.may_concern(self.party) or not (self._in.idle and self._out.idle and self._wants_to_read):
            return
        beginning = self._in.beginning
        self._finish()
        real.set_protocol(cast("asyncio.BaseProtocol", self.connection))
        self.connection.move(real)
        if beginning:
            self.connection.data_received(beginning)
