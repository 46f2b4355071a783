"""Faults of sessions and binds: whom they refuse, whom they end and when, and what they say unasked.

Schedules and delays go by the engine's clock. Only the interval of enquire_link_interval is real time, as the timers of
sessions are: a day that is skipped would be a flood of them.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from smppd.behaviour.chance import Purpose
from smppd.behaviour.delays import compile_delay
from smppd.behaviour.mobile import mobile_originated
from smppd.behaviour.occasions import Party
from smppd.behaviour.saved import StaleRow
from smppd.settings.faults import (
    DisableAccount,
    Disconnect,
    EnquireLinkBeforeBind,
    EnquireLinkInterval,
    IgnoreEnquireLink,
    MoWithBindResponse,
    RefuseBind,
    SessionFault,
    SessionLimit,
    SlowBind,
    StaleSession,
    Unbind,
)
from smppd.settings.names import command_status
from smppwire.constants import CommandStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from smppd.behaviour.occasions import Occasions
    from smppd.behaviour.waits import Wait, Waits
    from smppd.engine.core import Engine
    from smppd.engine.esmes import Bind
    from smppd.engine.ports import FaultySession

ENDERS: Final = (Unbind, Disconnect, DisableAccount)
"""The faults that end sessions: their occasions are the sessions that stand when their schedule begins."""

JUST_AFTER: Final = 1e-6
"""Seconds behind the beginning of a schedule: a sum of times, rounded, may lie before it, where the fault sleeps."""

MOST_UNANSWERED: Final = 1000
"""Requests of ours without a response at which no further enquire_link is sent: without a response timer those to an
ESME that answers none would pile up for ever."""

RALYBND: Final = int(CommandStatus.ESME_RALYBND)
RBINDFAIL: Final = int(CommandStatus.ESME_RBINDFAIL)

Refusal = tuple[int, str]
"""(command_status, the reason that dialects have statuses for)."""


class Handle(Protocol):
    """Something planned on the loop's clock."""

    def cancel(self) -> None:
        """Never do it."""


class Loop(Protocol):
    """As much of an event loop as is needed."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Handle:
        """Call in so many seconds of real time."""


class Watched:
    """One bound session, and what is planned for it by faults."""

    __slots__ = ("party", "plans", "session", "timers")

    def __init__(self, session: FaultySession, party: Party) -> None:
        self.session = session
        self.party = party
        self.plans: dict[Occasions, Wait | None] = {}
        """When each fault that ends sessions begins next; None: never again."""
        self.timers: dict[Occasions, Handle] = {}
        """When the next enquire_link is sent."""


class SessionDesk:
    """The faults of sessions of one server (`smppd.engine.ports.SessionFaults`)."""

    def __init__(
        self,
        engine: Engine,
        waits: Waits,
        *,
        sessions: Callable[[], Iterable[FaultySession]],
        loop: Callable[[], Loop] = asyncio.get_running_loop,
    ) -> None:
        """Begin without faults.

        Args:
            engine: sends what the faults say.
            waits: on the engine's clock.
            sessions: the open connections, looked at when faults change.
            loop: the event loop, by whose clock enquire_links are sent.
        """
        self._engine = engine
        self._waits = waits
        self._sessions = sessions
        self._loop = loop
        self._occasions: list[Occasions] = []
        self._watched: dict[FaultySession, Watched] = {}
        self._stale: dict[str, dict[Occasions, float]] = {}
        """By account, until when a lost session lingers."""
        self._pauses: set[asyncio.Event] = set()
        """What binds wait for that are answered late."""

    @property
    def is_needed(self) -> bool:
        """Whether there are faults."""
        return bool(self._occasions)

    @property
    def watched(self) -> int:
        """How many sessions are followed."""
        return len(self._watched)

    def choose(self, occasions: Iterable[Occasions]) -> None:
        """Have these faults from now on, in this order; what was planned for others is given up."""
        before = self._occasions
        known = {one.fault.name: one.fault for one in before}
        self._occasions = [one for one in occasions if isinstance(one.fault, SessionFault)]
        for stale in self._stale.values():
            for one in stale.keys() - set(self._occasions):
                del stale[one]
        there = set(before)
        again = [one for one in self._occasions if one not in there and known.get(one.fault.name) == one.fault]
        new = [one for one in self._occasions if one not in there and known.get(one.fault.name) != one.fault]
        for session in self._sessions():
            bind = session.bind
            if bind is None:
                continue
            if session in self._watched:
                self._forget(self._watched[session], set(before).difference(self._occasions))
            elif self._occasions:
                self._watch(session, bind)
            self._begin(session, new, again)
        if not self._occasions:
            self._watched.clear()
        if not any(isinstance(one.fault, SlowBind) for one in self._occasions):
            for pause in self._pauses:
                pause.set()

    # -- connections and binds ----------------------------------------------------------------------------------------

    def connected(self, session: FaultySession) -> None:
        """A connection stands."""
        if self._takes(Party(_number(session)), EnquireLinkBeforeBind):
            session.enquire_link()

    def refusal(self, session: FaultySession, command_id: int, account: str, bound: int) -> Refusal | None:
        """Why a bind of an account that has so many is refused; None: welcome."""
        now = self._waits.now()
        if any(until > now for until in self._stale.get(account, {}).values()):
            return RALYBND, "max_binds"
        party = Party(_number(session), account)
        for one in self._about(party, command_id):
            fault = one.fault
            refusal: Refusal | None = None
            if isinstance(fault, RefuseBind):
                refusal = command_status(fault.status), ""
            elif isinstance(fault, DisableAccount):
                refusal = RBINDFAIL, "disabled"
            elif isinstance(fault, SessionLimit) and bound >= fault.limit:
                refusal = command_status(fault.status), ""
            if refusal is not None and one.take(party, now) is not None:
                return refusal
        return None

    def delay(self, session: FaultySession, command_id: int, account: str) -> float:
        """After how many seconds a bind is answered; the delays of several faults add up."""
        party = Party(_number(session), account)
        seconds = 0.0
        for one in self._about(party, command_id):
            if isinstance(one.fault, SlowBind):
                draws = one.take(party, self._waits.now())
                if draws is not None:
                    seconds += compile_delay(one.fault.delay)(draws.draw(Purpose.DELAY))
        return seconds

    async def pause(self, seconds: float) -> None:
        """Wait for so many seconds of the engine's clock."""
        over = asyncio.Event()
        self._pauses.add(over)
        due = self._waits.now() + seconds
        wait = self._waits.call_at(due, over.set)
        try:
            await over.wait()
        finally:
            self._pauses.discard(over)
            if self._waits.now() < due:
                self._waits.cancel(wait)

    def bound(self, session: FaultySession, bind: Bind) -> None:
        """A session is bound: what faults plan for it begins."""
        watched = self._watch(session, bind)
        for one in self._occasions:
            if one.concerns(watched.party):
                if isinstance(one.fault, Unbind | Disconnect) and one.fault.schedule is None:
                    self._meet_at(watched, one, self._waits.now())
                else:
                    self._plan(watched, one)
        if bind.receives:
            self._send_with_response(watched.party, bind)

    def left(self, session: FaultySession, bind: Bind, *, lost: bool) -> None:
        """A session is not bound any more."""
        watched = self._watched.pop(session, None)
        if watched is None:
            return
        self._forget(watched, {*watched.plans, *watched.timers})
        if not lost:
            return
        now = self._waits.now()
        for one in self._occasions:
            fault = one.fault
            if isinstance(fault, StaleSession) and one.concerns(watched.party) and one.take(watched.party, now):
                self._stale.setdefault(bind.esme.system_id, {})[one] = now + fault.for_

    def ignores_enquire_link(self, session: FaultySession) -> bool:
        """Whether an enquire_link is left unanswered."""
        watched = self._watched.get(session)
        return self._takes(Party(_number(session)) if watched is None else watched.party, IgnoreEnquireLink)

    def rows(self) -> list[StaleRow]:
        """The sessions that linger."""
        return [
            StaleRow(account, one.fault.name, until)
            for account, stale in self._stale.items()
            for one, until in stale.items()
        ]

    def put_back(self, rows: Iterable[StaleRow]) -> None:
        """Have these sessions linger, and no others; those of faults that are not there are left out."""
        self._stale.clear()
        by_name = {one.fault.name: one for one in self._occasions}
        for row in rows:
            if row.fault in by_name:
                self._stale.setdefault(row.account, {})[by_name[row.fault]] = row.until

    def _about(self, party: Party, command_id: int) -> Iterable[Occasions]:
        return (one for one in self._occasions if one.concerns(party) and one.is_about_command(command_id))

    def _takes(self, party: Party, kind: type[SessionFault]) -> bool:
        """Whether any fault of a kind takes this occasion; each of them counts it."""
        now = self._waits.now()
        taken = [one.take(party, now) for one in self._occasions if isinstance(one.fault, kind) and one.concerns(party)]
        return any(taken)

    def _send_with_response(self, party: Party, bind: Bind) -> None:
        """Messages that leave with the response to the bind."""
        for one in self._occasions:
            fault = one.fault
            if isinstance(fault, MoWithBindResponse) and one.concerns(party) and one.take(party, self._waits.now()):
                alphabet = bind.esme.dialect.default_alphabet
                body = mobile_originated(fault.text, fault.source_addr, fault.destination_addr, alphabet)
                self._engine.deliver_now("mo", bind, body)

    # -- what is planned for bound sessions ---------------------------------------------------------------------------

    def _watch(self, session: FaultySession, bind: Bind) -> Watched:
        party = Party(_number(session), bind.esme.system_id, bind.bound_at)
        watched = self._watched[session] = Watched(session, party)
        return watched

    def _begin(self, session: FaultySession, new: Iterable[Occasions], again: Iterable[Occasions]) -> None:
        """Faults have come while the session was bound: those that end sessions do so now, if they are awake.

        Those that have been there, and only count anew, wait for their next beginning.
        """
        watched = self._watched.get(session)
        if watched is None:
            return
        now = self._waits.now()
        for one in again:
            if one.concerns(watched.party):
                self._plan(watched, one)
        for one in new:
            if not one.concerns(watched.party):
                continue
            fault = one.fault
            begins = fault.schedule is None or (isinstance(fault, DisableAccount) and one.is_awake(watched.party, now))
            if isinstance(fault, ENDERS) and begins:
                self._meet_at(watched, one, now)
            else:
                self._plan(watched, one)

    def _plan(self, watched: Watched, one: Occasions) -> None:
        """Plan what a fault does with a session next."""
        fault = one.fault
        if isinstance(fault, EnquireLinkInterval):
            self._tick_later(watched, one, fault.interval)
        elif isinstance(fault, ENDERS):
            now = self._waits.now()
            begins_at = one.begins_at(watched.party, now)
            if begins_at is None:
                watched.plans[one] = None
            else:
                self._meet_at(watched, one, begins_at + JUST_AFTER)

    def _meet_at(self, watched: Watched, one: Occasions, due: float) -> None:
        watched.plans[one] = self._waits.call_at(due, partial(self._meet, watched, one))

    def _meet(self, watched: Watched, one: Occasions) -> None:
        """A fault that ends sessions begins."""
        del watched.plans[one]
        taken = one.take(watched.party, self._waits.now()) is not None
        self._plan(watched, one)
        if not taken:
            return
        if isinstance(one.fault, Disconnect):
            watched.session.close()
        else:
            watched.session.unbind()

    def _tick_later(self, watched: Watched, one: Occasions, interval: float) -> None:
        watched.timers[one] = self._loop().call_later(interval, partial(self._tick, watched, one, interval))

    def _tick(self, watched: Watched, one: Occasions, interval: float) -> None:
        """It is time for an enquire_link."""
        self._tick_later(watched, one, interval)
        if watched.session.unanswered < MOST_UNANSWERED and one.take(watched.party, self._waits.now()) is not None:
            watched.session.enquire_link()

    def _forget(self, watched: Watched, gone: set[Occasions]) -> None:
        """Give up what was planned by these faults."""
        for one in gone:
            wait = watched.plans.pop(one, None)
            if wait is not None:
                self._waits.cancel(wait)
            timer = watched.timers.pop(one, None)
            if timer is not None:
                timer.cancel()


def _number(session: FaultySession) -> int:
    return int(session.name or 0)
