"""Sessions: who is and was connected, what each of them does, and what may be done to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Final, Literal, cast

from msgspec import UNSET, Meta, Struct, UnsetType

from smppd.control.failures import ConflictError, InvalidError, NotFoundError
from smppd.control.pages import DEFAULT_LIMIT, Page, cursor_for, position_in
from smppd.control.times import iso
from smppd.settings.types import Count, Interval, Refusal
from smppd.transport.limits import FOR_EVER
from smppwire.constants import CommandStatus, status_name

if TYPE_CHECKING:
    from smppd.control.simulation import Simulation
    from smppd.engine.limiter import Limiter
    from smppd.observe.roster import BindRecord, ConnectionRecord
    from smppd.observe.session_counters import SessionCounters
    from smppd.settings import Throughput
    from smppd.transport.smsc import SmscConnection

Which = Literal["open", "ended", "all"]

KIND: Final = "sessions"
"""What cursors of this list are called."""

SLICE: Final = 0.001
"""Seconds of work between two turns of the event loop: half of the 2 ms for which responses may wait for somebody's
question at the most, because what is begun last takes some time, too."""

MANY: Final = 4096
"""Connections that are put in order without a break: half a millisecond."""

BLOCK: Final = 16
"""Sessions between two looks at the clock: to describe one takes about 20 microseconds."""

VERSIONS: Final = {0x33: "3.3", 0x34: "3.4", 0x50: "5.0"}
"""What a session may speak, in words; 3.3 stands for all before 3.4."""

REMEMBERED: Final = "Sessions are remembered after their end, the latest 10,000."


class BindView(Struct, frozen=True, kw_only=True):
    """One bind of a session. Times are real ones."""

    system_id: str
    bind_type: Literal["transmitter", "receiver", "transceiver"]
    interface_version: Annotated[int, Meta(description="What the ESME said, as in its bind.")]
    version: Annotated[str, Meta(description='What the session speaks: "3.3" (or earlier), "3.4" or "5.0".')]
    system_type: str
    address_range: str
    bound_time: str
    unbound_time: str | None


class RefusedBindView(Struct, frozen=True, kw_only=True):
    """One bind that was refused."""

    system_id: Annotated[str, Meta(description="Who wanted to bind, as the peer said it.")]
    bind_type: Literal["transmitter", "receiver", "transceiver"]
    command_status: str
    time: str


class WindowView(Struct, frozen=True, kw_only=True):
    """Requests of one side, and how many of them may be unanswered."""

    size: Annotated[int, Meta(description="0: any number.")]
    outstanding: Annotated[int, Meta(description="Requests that have no response yet.")]


class RateView(Struct, frozen=True, kw_only=True):
    """A rate that limits what is submitted."""

    limit: Annotated[float, Meta(description="This many per `per` seconds, sustained.")]
    per: float
    burst: Annotated[int, Meta(description="This many at once.")]
    over: Annotated[str, Meta(description="The command_status of what exceeds it.")]
    fullness: Annotated[float, Meta(description="How much of the burst is used up now: 0 to 1, where nothing passes.")]


class ThrottleView(Struct, frozen=True, kw_only=True):
    """All that is submitted is refused for a while."""

    command_status: str
    seconds_left: Annotated[float | None, Meta(description="Of the engine's clock; null: until it is lifted.")]


class SessionCountersView(Struct, frozen=True, kw_only=True):
    """What a session has counted since its connection stands."""

    pdus_in: int
    pdus_out: int
    submitted: Annotated[int, Meta(description="submit_sm received.")]
    accepted: Annotated[int, Meta(description="submit_sm answered without an error.")]
    refused: Annotated[int, Meta(description="Requests of any kind answered with an error.")]
    refused_by_status: Annotated[dict[str, int], Meta(description="The same by command_status.")]
    throttled: Annotated[int, Meta(description="Requests answered with ESME_RTHROTTLED.")]
    deliveries_sent: Annotated[int, Meta(description="Receipts, mobile originated messages and notifications sent.")]
    deliveries_acknowledged: Annotated[int, Meta(description="Those answered without an error.")]
    deliveries_refused: Annotated[int, Meta(description="Those answered with an error.")]
    receipts_sent: int
    receipts_acknowledged: int


class SessionView(Struct, frozen=True, kw_only=True):
    """One session: a connection, and whoever is bound on it. Times and ages are real ones."""

    session: Annotated[str, Meta(description="Its number, as in logs and recorded PDUs.")]
    peer: Annotated[str, Meta(description="Address and port of the ESME.")]
    state: Annotated[
        str, Meta(description="OPEN, BOUND_TX, BOUND_RX, BOUND_TRX, OUTBOUND, UNBOUND, or CLOSED when it has ended.")
    ]
    system_id: Annotated[str | None, Meta(description="Who is bound, or was last; null: nobody was.")]
    bind_type: Literal["transmitter", "receiver", "transceiver"] | None
    version: Annotated[str | None, Meta(description="What the latest bind speaks.")]
    connected_time: str
    ended_time: str | None
    reason: Annotated[str | None, Meta(description="Why it ended, or is about to: `esme_unbind`, `smsc_reset`, ...")]
    connected: Annotated[float, Meta(description="Seconds that the connection stands, or stood.")]
    bound: Annotated[float | None, Meta(description="Seconds since the bind that stands; null: none stands.")]
    silent: Annotated[float | None, Meta(description="Seconds since the last PDU came; null: it has ended.")]
    window: Annotated[WindowView | None, Meta(description="Requests of the ESME; null: it has ended.")]
    deliver_window: Annotated[WindowView | None, Meta(description="Requests to the ESME; null: it has ended.")]
    throughput: Annotated[
        RateView | None, Meta(description="The rate of the account, which all its sessions share; null: unlimited.")
    ]
    rate: Annotated[RateView | None, Meta(description="The rate of this session alone; null: unlimited.")]
    throttle: Annotated[ThrottleView | None, Meta(description="Set for this session alone; null: none.")]
    pending: Annotated[int, Meta(description="What waits to be delivered by this session and no other.")]
    receipts_pending: Annotated[int, Meta(description="What the account, not only this session, is still to get.")]
    counters: SessionCountersView
    binds: Annotated[list[BindView], Meta(description="All binds on the connection, oldest first, at most 100.")]
    refused_binds: Annotated[list[RefusedBindView], Meta(description="Oldest first, at most 100.")]


class Throttle(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Refuse all that is submitted."""

    seconds: Annotated[
        Interval | None, Meta(description="For how long, on the engine's clock; null: until it is lifted.")
    ] = None
    command_status: Annotated[Refusal, Meta(description="What is answered.")] = "ESME_RTHROTTLED"


class Rate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rate for one session. Each submit_sm, data_sm, submit_multi and broadcast_sm counts as one."""

    limit: Annotated[float, Meta(gt=0, le=1_000_000_000, description="This many per `per` seconds, sustained.")]
    per: Annotated[float, Meta(gt=0, le=86_400, description="Seconds.")] = 1.0
    burst: Annotated[Count, Meta(description="At most this many at once; 0 = one.")] = 0
    over: Annotated[Refusal, Meta(description="What is answered to what exceeds it.")] = "ESME_RTHROTTLED"


class SessionChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a bound session; what is left out stays as it is. It ends with the bind."""

    window: Annotated[
        Count | UnsetType, Meta(description="Requests of the ESME that may be unanswered; 0: any number.")
    ] = UNSET
    deliver_window: Annotated[
        Count | UnsetType, Meta(description="Requests to the ESME that may be unanswered; 0: any number.")
    ] = UNSET
    rate: Annotated[Rate | UnsetType | None, Meta(description="A rate for this session; null lifts it.")] = UNSET
    throttle: Annotated[Throttle | UnsetType | None, Meta(description="null lifts it.")] = UNSET


class SessionDesk:
    """The sessions of one server."""

    def __init__(self, simulation: Simulation) -> None:
        """Look after these sessions."""
        self._simulation = simulation
        self._context = simulation.context

    # -- looking ------------------------------------------------------------------------------------------------------

    async def list(
        self, state: Which = "open", account: str = "", *, limit: int = DEFAULT_LIMIT, cursor: str = ""
    ) -> Page[SessionView]:
        """A page of sessions, the newest first.

        Args:
            state: those that are open, those that have ended and are remembered, or both.
            account: only those whose latest bind is of this system_id; "": all.
            limit: sessions of the page, at most.
            cursor: `next` of the page before.

        Raises InvalidError for a cursor of something else.
        """
        (below,) = position_in(KIND, cursor, int) if cursor else (None,)
        roster = self._context.roster
        names = roster.sessions(still_open=state != "ended", ended=state != "open")
        await asyncio.sleep(0)
        numbers = list(map(int, names))
        await asyncio.sleep(0)
        numbers.sort(reverse=True)
        connections = await self._connections()
        items: list[SessionView] = []
        until = self._context.monotonic() + SLICE
        for count, number in enumerate(numbers):
            if count % BLOCK == 0 and self._context.monotonic() >= until:
                await asyncio.sleep(0)
                until = self._context.monotonic() + SLICE
            record = roster.find(str(number))
            if record is None or (below is not None and number >= below) or not _is_of(record, account):
                continue
            if len(items) == limit:
                return Page(items=items, next=cursor_for(KIND, int(items[-1].session)))
            items.append(self._view(record, connections.get(record.session)))
        return Page(items=items)

    def get(self, session: str) -> SessionView:
        """One session. Raises NotFoundError when there never was one of this number, or it is forgotten."""
        return self._view(self._record(session), self._find(session))

    # -- acting -------------------------------------------------------------------------------------------------------

    def unbind(self, session: str) -> SessionView:
        """End a session in order: send an unbind, and close when it is answered, or after `[server] shutdown_grace`.

        One that is not bound is closed. Raises NotFoundError, and ConflictError when it has ended or is about to.
        """
        self._open(session).unbind()
        return self.get(session)

    def close(self, session: str) -> SessionView:
        """Close a connection without an unbind; what was answered still leaves. Raises like `unbind`."""
        self._open(session).close()
        return self.get(session)

    def reset(self, session: str) -> SessionView:
        """Drop a connection so that the ESME sees a reset (RST), also one that is about to end.

        Raises NotFoundError, and ConflictError when it has ended.
        """
        self._connection(session).reset()
        return self.get(session)

    def change(self, session: str, change: SessionChange) -> SessionView:
        """Change what a bound session may do, from its next PDU on, until it is unbound.

        Raises NotFoundError, ConflictError when it is not bound, and InvalidError when nothing is to be changed.
        """
        if change == SessionChange():
            raise InvalidError([("", "nothing is to be changed: expected window, deliver_window, rate or throttle")])
        connection = self._open(session)
        if connection.bind is None:
            raise ConflictError(f"session {session} is not bound: it has the limits of the account that binds")
        if not isinstance(change.window, UnsetType):
            connection.window = change.window
        if not isinstance(change.deliver_window, UnsetType):
            connection.deliver_window = change.deliver_window
        limits = connection.limits
        if not isinstance(change.rate, UnsetType):
            limits.limit(None if change.rate is None else _throughput(change.rate))
        if isinstance(change.throttle, Throttle):
            seconds = change.throttle.seconds
            until = FOR_EVER if seconds is None else self._simulation.engine.clock.now() + seconds
            limits.throttle(until, CommandStatus[change.throttle.command_status])
        elif change.throttle is None:
            limits.lift()
        connection.limits = limits
        return self.get(session)

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _connections(self) -> dict[str, SmscConnection]:
        """The open connections by name; others have their turn between some and the next."""
        connections = list(self._context.connections)
        named: dict[str, SmscConnection] = {}
        for start in range(0, len(connections), MANY):
            named |= {each.name: cast("SmscConnection", each) for each in connections[start : start + MANY]}
            await asyncio.sleep(0)
        return named

    def _find(self, session: str) -> SmscConnection | None:
        return next((cast("SmscConnection", each) for each in self._context.connections if each.name == session), None)

    def _record(self, session: str) -> ConnectionRecord:
        record = self._context.roster.find(session)
        if record is None:
            raise NotFoundError("session", session)
        return record

    def _connection(self, session: str) -> SmscConnection:
        """The connection of a session that has not ended."""
        self._record(session)
        connection = self._find(session)
        if connection is None:
            raise ConflictError(f"session {session} has ended")
        return connection

    def _open(self, session: str) -> SmscConnection:
        """The connection of a session that is not about to end, either."""
        connection = self._connection(session)
        if not connection.is_open:
            raise ConflictError(f"session {session} is about to end")
        return connection

    def _view(self, record: ConnectionRecord, connection: SmscConnection | None) -> SessionView:
        context = self._context
        engine = self._simulation.engine
        latest = record.bind
        bind = None if connection is None else connection.bind
        esme = None if latest is None else engine.esmes.get(latest.system_id)
        limits = None if connection is None else connection.limits
        now = engine.clock.now()
        ended = record.closed_at
        stands = latest is not None and latest.unbound_at is None and ended is None
        return SessionView(
            session=record.session,
            peer=record.peer,
            state="CLOSED" if connection is None else connection.state,
            system_id=None if latest is None else latest.system_id,
            bind_type=None if latest is None else latest.bind_type,
            version=None if latest is None else VERSIONS[latest.version],
            connected_time=iso(record.opened_at),
            ended_time=iso(ended),
            reason=(record.reason if connection is None else connection.reason) or None,
            connected=max(0.0, (context.wall() if ended is None else ended) - record.opened_at),
            bound=max(0.0, context.wall() - latest.bound_at) if latest is not None and stands else None,
            silent=None if connection is None else max(0.0, connection.silence),
            window=None
            if connection is None
            else WindowView(size=connection.window, outstanding=connection.outstanding),
            deliver_window=None
            if connection is None
            else WindowView(size=connection.deliver_window, outstanding=connection.unanswered),
            throughput=_rate_view(esme.throughput, now) if esme is not None and bind is not None else None,
            rate=None if limits is None else _rate_view(limits.rate, now),
            throttle=None if limits is None else _throttle_view(limits.throttled_until, limits.throttle_status, now),
            pending=0 if bind is None else len(bind.pending),
            receipts_pending=0 if esme is None else esme.waiting,
            counters=_counters_view(record.counters if connection is None else connection.count_now()),
            binds=[_bind_view(each) for each in record.binds],
            refused_binds=[
                RefusedBindView(
                    system_id=each.system_id,
                    bind_type=each.bind_type,
                    command_status=status_name(each.command_status),
                    time=iso(each.at),
                )
                for each in record.refused
            ],
        )


def _is_of(record: ConnectionRecord, account: str) -> bool:
    return not account or (record.bind is not None and record.bind.system_id == account)


def _throughput(rate: Rate) -> Throughput:
    from smppd.settings import Throughput

    return Throughput(limit=rate.limit, per=rate.per, burst=rate.burst, over=rate.over)


def _rate_view(limiter: Limiter | None, now: float) -> RateView | None:
    if limiter is None:
        return None
    settings = limiter.settings
    return RateView(
        limit=settings.limit,
        per=settings.per,
        burst=max(1, settings.burst),
        over=settings.over,
        fullness=limiter.window.fullness(now),
    )


def _throttle_view(until: float | None, status: int, now: float) -> ThrottleView | None:
    if until is None or until <= now:
        return None
    return ThrottleView(command_status=status_name(status), seconds_left=None if until == FOR_EVER else until - now)


def _bind_view(bind: BindRecord) -> BindView:
    return BindView(
        system_id=bind.system_id,
        bind_type=bind.bind_type,
        interface_version=bind.interface_version,
        version=VERSIONS[bind.version],
        system_type=bind.system_type,
        address_range=bind.address_range,
        bound_time=iso(bind.bound_at),
        unbound_time=iso(bind.unbound_at),
    )


def _counters_view(counters: SessionCounters) -> SessionCountersView:
    return SessionCountersView(
        pdus_in=counters.pdus_in,
        pdus_out=counters.pdus_out,
        submitted=counters.submitted,
        accepted=counters.accepted,
        refused=counters.refused,
        refused_by_status={status_name(status): count for status, count in counters.refusals.items() if count},
        throttled=counters.throttled,
        deliveries_sent=counters.deliveries_sent,
        deliveries_acknowledged=counters.deliveries_acknowledged,
        deliveries_refused=counters.deliveries_refused,
        receipts_sent=counters.receipts_sent,
        receipts_acknowledged=counters.receipts_acknowledged,
    )
