"""Cell broadcast: broadcast_sm, query_broadcast_sm and cancel_broadcast_sm of SMPP 5.0, on a record of their own.

A broadcast is sent `broadcast_rep_num` times into each of its areas, one every `broadcast_frequency_interval`. Nobody
acknowledges it and nobody gets a receipt, so two moments are all that the engine has to see: its beginning (SCHEDULED
-> ENROUTE) and its end (ENROUTE -> DELIVERED after the last repetition, EXPIRED when its validity ends before that,
DELETED when it is cancelled). What has happened in between follows from the time.

Who may: the account that submitted, naming the source address of the original. Each of the three operations returns
the response PDU, its command_status included.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from smppd.engine.message import DELETED, DELIVERED, ENROUTE, EXPIRED, FIRST_FINAL, NEVER, SCHEDULED
from smppd.engine.scheduler import Schedule
from smppwire.constants import CommandStatus, TlvTag
from smppwire.pdus import BroadcastSmResp, CancelBroadcastSmResp, QueryBroadcastSmResp, Tlv
from smppwire.smpp_time import format_absolute
from smppwire.validation import first_violation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from smppd.engine.core import Engine
    from smppd.engine.esmes import Bind, EsmeState
    from smppd.settings import Messages
    from smppwire.pdus import BroadcastSm, CancelBroadcastSm, QueryBroadcastSm

MAX_AREAS: Final = 255
"""Areas of one broadcast: as many as a submit_multi has destinations. More get ESME_RINVNUMBCAST_AREAS."""

AREA_FORMATS: Final = frozenset({0, 1, 2})
"""First octet of broadcast_area_identifier: alias name, ellipsoid arc, polygon (5.0 section 4.8.4.4)."""

CONTENT_NETWORKS: Final = frozenset({0, 1, 2, 3})
"""First octet of broadcast_content_type: generic, GSM, TDMA, CDMA (5.0 section 4.8.4.5)."""

AS_SOON_AS_POSSIBLE: Final = 0x00
"""The unit of an interval that leaves the pace to the network."""

SHORTEST_INTERVAL: Final = 1.883
"""Seconds between repetitions that come as soon as possible: the slot of a GSM cell broadcast (3GPP TS 23.041)."""

CONTENT_TYPE_OCTETS: Final = 3
REP_NUM_OCTETS: Final = 2
INTERVAL_OCTETS: Final = 3
"""What is left to check where an account's values are not judged strictly."""

DAY: Final = 86_400.0
INTERVAL_UNITS: Final = {
    0x08: 1.0,
    0x09: 60.0,
    0x0A: 3600.0,
    0x0B: DAY,
    0x0C: 7 * DAY,
    0x0D: 30 * DAY,
    0x0E: 365 * DAY,
}
"""Seconds of each unit of broadcast_frequency_interval (5.0 section 4.8.4.9). A month is 30 days, a year 365."""

NO_INFORMATION: Final = 255
"""broadcast_area_success before the first broadcast into an area."""

EVERYWHERE: Final = 100
"""broadcast_area_success once it was broadcast: the share of the cells that took it. Those of a simulation all do."""

ESME_RMSGQFUL: Final = int(CommandStatus.ESME_RMSGQFUL)
ESME_RINVMSGID: Final = int(CommandStatus.ESME_RINVMSGID)
ESME_RINVEXPIRY: Final = int(CommandStatus.ESME_RINVEXPIRY)
ESME_RINVBCASTAREAFMT: Final = int(CommandStatus.ESME_RINVBCASTAREAFMT)
ESME_RINVNUMBCAST_AREAS: Final = int(CommandStatus.ESME_RINVNUMBCAST_AREAS)
ESME_RINVBCASTCNTTYPE: Final = int(CommandStatus.ESME_RINVBCASTCNTTYPE)
ESME_RINVBCAST_REP: Final = int(CommandStatus.ESME_RINVBCAST_REP)
ESME_RINVBCASTFREQINT: Final = int(CommandStatus.ESME_RINVBCASTFREQINT)
ESME_RBCASTFAIL: Final = int(CommandStatus.ESME_RBCASTFAIL)
ESME_RBCASTQUERYFAIL: Final = int(CommandStatus.ESME_RBCASTQUERYFAIL)
ESME_RBCASTCANCELFAIL: Final = int(CommandStatus.ESME_RBCASTCANCELFAIL)

AREA_IDENTIFIER: Final = int(TlvTag.BROADCAST_AREA_IDENTIFIER)
CONTENT_TYPE: Final = int(TlvTag.BROADCAST_CONTENT_TYPE)
REP_NUM: Final = int(TlvTag.BROADCAST_REP_NUM)
FREQUENCY_INTERVAL: Final = int(TlvTag.BROADCAST_FREQUENCY_INTERVAL)
USER_MESSAGE_REFERENCE: Final = int(TlvTag.USER_MESSAGE_REFERENCE)


class Broadcast:
    """One accepted broadcast.

    Times named `*_at` are seconds of the engine's clock, `ended_wall` is Unix time. `due_at` is when the engine will
    look at it (by `ticket` in its schedule).
    """

    __slots__ = (
        "areas",
        "due_at",
        "ended_at",
        "ended_wall",
        "ends_at",
        "esme",
        "expires_at",
        "message_id",
        "pdu",
        "start_at",
        "state",
        "ticket",
    )

    def __init__(
        self,
        message_id: bytes,
        esme: EsmeState,
        pdu: BroadcastSm,
        areas: tuple[bytes, ...],
        *,
        now: float,
        start_at: float,
        expires_at: float,
        ends_at: float,
    ) -> None:
        self.message_id = message_id
        self.esme = esme
        self.pdu = pdu
        self.areas = areas
        """The values of broadcast_area_identifier that were accepted, in wire order."""
        self.start_at = start_at
        self.expires_at = expires_at
        self.ends_at = ends_at
        """When the last repetition is; NEVER when they go on until the validity ends."""
        self.ended_at = NEVER
        self.ended_wall = 0.0
        self.state = SCHEDULED if start_at > now else ENROUTE
        self.due_at = NEVER
        self.ticket = 0

    @property
    def is_final(self) -> bool:
        """Whether the state can no longer change."""
        return self.state >= FIRST_FINAL

    @property
    def reference(self) -> bytes | None:
        """The ESME's user_message_reference."""
        return self.pdu.tlv(USER_MESSAGE_REFERENCE)

    def success(self, now: float) -> int:
        """broadcast_area_success of every area: they are served together."""
        return EVERYWHERE if min(now, self.ended_at) >= self.start_at else NO_INFORMATION

    def is_from(self, ton: int, npi: int, address: bytes) -> bool:
        """Whether this is the source address of the original; without one the account's word is enough."""
        pdu = self.pdu
        return not address or (ton, npi, address) == (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr)


class Broadcasts:
    """The broadcasts of all accounts: as many at a time, and as many remembered, as messages."""

    def __init__(self) -> None:
        self.live = 0
        """Broadcasts that are not final."""
        self._limit = 0
        self._retain = 0
        self._records: dict[bytes, Broadcast] = {}
        self._pending: dict[EsmeState, dict[bytes, Broadcast]] = {}
        self._newest: dict[tuple[EsmeState, bytes], Broadcast] = {}
        """By account and user_message_reference."""
        self._done: deque[Broadcast] = deque()
        self._schedule: Schedule[Broadcast] = Schedule()

    def configure(self, settings: Messages) -> None:
        """Take new settings: `[messages] limit` and `retain`."""
        self._limit = settings.limit
        self._retain = settings.retain

    def __len__(self) -> int:
        return len(self._records)

    @property
    def is_full(self) -> bool:
        """Whether no further broadcast may be accepted."""
        return self.live >= self._limit

    def add(self, broadcast: Broadcast) -> None:
        """Take a new broadcast."""
        self.live += 1
        self._keep(broadcast)

    def replace(self, old: Broadcast, new: Broadcast) -> None:
        """Put a broadcast in the place of one that is not final; it has the same message_id."""
        self._forsake(old)
        self._forget_reference(old)
        self._keep(new)

    def delete(self, broadcast: Broadcast, now: float, wall: float) -> None:
        """Cancel a broadcast that is not final."""
        self._forsake(broadcast)
        self._finish(broadcast, DELETED, now, wall)

    def find(self, esme: EsmeState, message_id: bytes) -> Broadcast | None:
        """The account's broadcast of this id."""
        broadcast = self._records.get(message_id)
        return broadcast if broadcast is not None and broadcast.esme is esme else None

    def by_reference(self, esme: EsmeState, reference: bytes) -> Broadcast | None:
        """The account's newest broadcast with this user_message_reference (5.0 section 4.6.1)."""
        return self._newest.get((esme, reference))

    def pending(self, esme: EsmeState) -> list[Broadcast]:
        """The account's broadcasts that are not final, oldest first."""
        return list(self._pending.get(esme, {}).values())

    def forget(self, gone: Collection[EsmeState]) -> None:
        """Forget the broadcasts of these accounts, whatever their state."""
        for broadcast in [one for one in self._records.values() if one.esme in gone]:
            del self._records[broadcast.message_id]
            self._forget_reference(broadcast)
            if not broadcast.is_final:
                self._forsake(broadcast)
                self.live -= 1
        for esme in gone:
            self._pending.pop(esme, None)
        self._done = deque(broadcast for broadcast in self._done if broadcast.esme not in gone)

    def next_due(self, *, exact: bool = False) -> float | None:
        """When a broadcast begins or ends, in seconds of the engine's clock; see `Schedule.next_due`."""
        return self._schedule.next_due(exact=exact)

    def run(self, now: float, wall: float, limit: int) -> bool:
        """Begin and end what is due, at most `limit` broadcasts; True when there may be more."""
        due = self._schedule.pop_due(now, limit)
        for broadcast in due:
            if broadcast.due_at > now:
                continue  # cancelled by what came up before it
            if broadcast.state == SCHEDULED:
                broadcast.state = ENROUTE
                self._plan(broadcast)
            else:
                self._finish(broadcast, DELIVERED if broadcast.ends_at <= broadcast.expires_at else EXPIRED, now, wall)
        return len(due) == limit

    # -- handing over and taking back ---------------------------------------------------------------------------------

    @property
    def tickets(self) -> int:
        """How many plans there have been."""
        return self._schedule.tickets

    def records(self) -> Iterator[Broadcast]:
        """Every broadcast that is known, the oldest first."""
        return iter(self._records.values())

    @property
    def done(self) -> Sequence[Broadcast]:
        """Those that are final, in the order in which they will be forgotten."""
        return self._done

    def is_newest(self, broadcast: Broadcast) -> bool:
        """Whether its account's user_message_reference means this one."""
        return self._newest.get((broadcast.esme, broadcast.reference or b"")) is broadcast

    def put_back(self, broadcast: Broadcast, *, is_newest: bool) -> None:
        """Take back one of `records`, in its order."""
        self._records[broadcast.message_id] = broadcast
        if is_newest:
            self._newest[broadcast.esme, broadcast.reference or b""] = broadcast
        if not broadcast.is_final:
            self.live += 1
            self._pending.setdefault(broadcast.esme, {})[broadcast.message_id] = broadcast
            self._schedule.put_back(broadcast.due_at, broadcast.ticket, broadcast)

    def put_back_done(self, broadcast: Broadcast) -> None:
        """Take back one of `done`, in its order."""
        self._done.append(broadcast)

    def go_on_from(self, tickets: int) -> None:
        """All are back."""
        self._schedule.go_on_from(tickets)

    def _keep(self, broadcast: Broadcast) -> None:
        self._records[broadcast.message_id] = broadcast
        self._pending.setdefault(broadcast.esme, {})[broadcast.message_id] = broadcast
        if broadcast.reference is not None:
            self._newest[broadcast.esme, broadcast.reference] = broadcast
        self._plan(broadcast)

    def _plan(self, broadcast: Broadcast) -> None:
        is_scheduled = broadcast.state == SCHEDULED
        due_at = broadcast.start_at if is_scheduled else min(broadcast.ends_at, broadcast.expires_at)
        broadcast.due_at = due_at
        broadcast.ticket = self._schedule.add(due_at, broadcast)

    def _forsake(self, broadcast: Broadcast) -> None:
        self._schedule.forsake(broadcast.due_at, broadcast.ticket)
        broadcast.due_at = NEVER

    def _finish(self, broadcast: Broadcast, state: int, now: float, wall: float) -> None:
        broadcast.state = state
        broadcast.ended_at = now
        broadcast.ended_wall = wall
        self.live -= 1
        del self._pending[broadcast.esme][broadcast.message_id]
        self._done.append(broadcast)
        while len(self._done) > self._retain:
            oldest = self._done.popleft()
            del self._records[oldest.message_id]
            self._forget_reference(oldest)

    def _forget_reference(self, broadcast: Broadcast) -> None:
        key = broadcast.esme, broadcast.reference or b""
        if self._newest.get(key) is broadcast:
            del self._newest[key]


def submit(engine: Engine, bind: Bind, pdu: BroadcastSm) -> BroadcastSmResp:
    """Take a broadcast_sm (SMPP 5.0 section 4.4.1), or replace one that is pending.

    Areas of an unknown format are listed with their status in the response; it is an error when no area is left.
    """
    status = first_violation(pdu, bind.policy) or _violation(bind, pdu) or _admit(engine, bind)
    if status:
        return BroadcastSmResp(pdu.sequence_number, status)
    areas = [value for tag, value in pdu.tlvs if tag == AREA_IDENTIFIER]
    good = tuple(area for area in areas if _is_area(area))
    if not good:
        return BroadcastSmResp(pdu.sequence_number, ESME_RINVBCASTAREAFMT)
    now, wall = engine.clock.now(), engine.clock.wall()
    times = engine.times_of(pdu.schedule_delivery_time, pdu.validity_period, now, wall)
    if isinstance(times, int):
        return BroadcastSmResp(pdu.sequence_number, times)
    replaced = _replaced(engine, bind, pdu) if pdu.replace_if_present_flag else None
    if pdu.replace_if_present_flag and replaced is None:
        return BroadcastSmResp(pdu.sequence_number, ESME_RBCASTFAIL)
    if replaced is None and engine.broadcasts.is_full:
        engine.observer.throttled(bind.esme.system_id, "limit", 1)
        return BroadcastSmResp(pdu.sequence_number, ESME_RMSGQFUL)
    start_at, expires_at = times
    duration = _duration(pdu)
    if not pdu.validity_period and duration != NEVER:
        expires_at = start_at + engine.validity(duration)  # the default follows from repetitions and interval
    message_id = engine.take_id(bind.spell) if replaced is None else replaced.message_id
    broadcast = Broadcast(
        message_id, bind.esme, pdu, good, now=now, start_at=start_at, expires_at=expires_at, ends_at=start_at + duration
    )
    if replaced is None:
        engine.broadcasts.add(broadcast)
    else:
        engine.broadcasts.replace(replaced, broadcast)
    engine.wake()
    failed = [tlv for area in areas if not _is_area(area) for tlv in _failure(area)]
    return BroadcastSmResp(pdu.sequence_number, message_id=message_id, tlvs=tuple(failed))


def _violation(bind: Bind, pdu: BroadcastSm) -> int:
    """What the values of the mandatory TLVs break, beyond their sizes: a command_status, 0 when nothing."""
    if sum(tag == AREA_IDENTIFIER for tag, _ in pdu.tlvs) > MAX_AREAS:
        return ESME_RINVNUMBCAST_AREAS
    content_type = pdu.tlv(CONTENT_TYPE) or b""
    if len(content_type) != CONTENT_TYPE_OCTETS or content_type[0] not in CONTENT_NETWORKS:
        return ESME_RINVBCASTCNTTYPE
    if len(pdu.tlv(REP_NUM) or b"") != REP_NUM_OCTETS:
        return ESME_RINVBCAST_REP
    if _interval(pdu) is None:
        return ESME_RINVBCASTFREQINT
    if pdu.message_id and not bind.esme.dialect.keys(pdu.message_id):
        return ESME_RINVMSGID
    return 0


def _admit(engine: Engine, bind: Bind) -> int:
    """0 when the account's throughput window lets a broadcast pass; it costs what one message costs."""
    esme = bind.esme
    if esme.throughput is None or esme.throughput.window.admit_weight(1, engine.clock.now()):
        return 0
    engine.observer.throttled(esme.system_id, "account", 1)
    return esme.over_status


def _is_area(value: bytes) -> bool:
    """Whether a broadcast_area_identifier names something: a known format, and what stands in it."""
    return len(value) > 1 and value[0] in AREA_FORMATS


def _failure(area: bytes) -> tuple[Tlv, Tlv]:
    """How broadcast_sm_resp tells of an area that cannot be served: which, and why."""
    return (
        Tlv(TlvTag.FAILED_BROADCAST_AREA_IDENTIFIER, area),
        Tlv(TlvTag.BROADCAST_ERROR_STATUS, ESME_RINVBCASTAREAFMT.to_bytes(4, "big")),
    )


def _interval(pdu: BroadcastSm) -> float | None:
    """Seconds between two repetitions; None when the TLV says nothing that makes sense."""
    value = pdu.tlv(FREQUENCY_INTERVAL) or b""
    if len(value) != INTERVAL_OCTETS:
        return None
    if value[0] == AS_SOON_AS_POSSIBLE:
        return SHORTEST_INTERVAL
    return INTERVAL_UNITS.get(value[0], 0.0) * int.from_bytes(value[1:], "big") or None


def _duration(pdu: BroadcastSm) -> float:
    """Seconds from the first broadcast to the last one; NEVER for 0 repetitions: until the validity ends."""
    repetitions = int.from_bytes(pdu.tlv(REP_NUM) or b"", "big")
    return (repetitions - 1) * (_interval(pdu) or SHORTEST_INTERVAL) if repetitions else NEVER


def _replaced(engine: Engine, bind: Bind, pdu: BroadcastSm) -> Broadcast | None:
    """The pending broadcast that replace_if_present_flag means: by id, or by the ESME's own reference."""
    found = _find(engine, bind, pdu.message_id, pdu.tlv(USER_MESSAGE_REFERENCE))
    if found is None or found.is_final or not found.is_from(pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr):
        return None
    return found


def _find(engine: Engine, bind: Bind, message_id: bytes, reference: bytes | None) -> Broadcast | None:
    if message_id:
        keys = (message_id, *bind.esme.dialect.keys(message_id))
        return next((found for key in keys if (found := engine.broadcasts.find(bind.esme, key))), None)
    return None if reference is None else engine.broadcasts.by_reference(bind.esme, reference)


def query(engine: Engine, bind: Bind, pdu: QueryBroadcastSm) -> QueryBroadcastSmResp:
    """Answer a query_broadcast_sm (SMPP 5.0 section 4.6.1): state, areas and their success, the end once it is over."""
    reference = pdu.tlv(USER_MESSAGE_REFERENCE)
    status = first_violation(pdu, bind.policy)
    if not status and not bind.esme.dialect.keys(pdu.message_id) and (pdu.message_id or reference is None):
        status = ESME_RINVMSGID
    found = None if status else _find(engine, bind, pdu.message_id, reference)
    if found is None or not found.is_from(pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr):
        return QueryBroadcastSmResp(pdu.sequence_number, status or ESME_RBCASTQUERYFAIL)
    success = bytes((found.success(engine.clock.now()),))
    tlvs = [Tlv(TlvTag.MESSAGE_STATE, bytes((found.state,)))]
    for area in found.areas:
        tlvs += (Tlv(AREA_IDENTIFIER, area), Tlv(TlvTag.BROADCAST_AREA_SUCCESS, success))
    if found.is_final:
        ended = format_absolute(datetime.fromtimestamp(found.ended_wall, UTC))
        tlvs.append(Tlv(TlvTag.BROADCAST_END_TIME, ended + b"\0"))
    if found.reference is not None:
        tlvs.append(Tlv(USER_MESSAGE_REFERENCE, found.reference))
    return QueryBroadcastSmResp(pdu.sequence_number, message_id=found.message_id, tlvs=tuple(tlvs))


def cancel(engine: Engine, bind: Bind, pdu: CancelBroadcastSm) -> CancelBroadcastSmResp:
    """Answer a cancel_broadcast_sm (SMPP 5.0 section 4.6.2).

    It names one broadcast by its id or the ESME's reference, or all pending ones of a source address, perhaps of one
    service_type or broadcast_content_type only.
    """
    status = first_violation(pdu, bind.policy)
    if not status and pdu.message_id and not bind.esme.dialect.keys(pdu.message_id):
        status = ESME_RINVMSGID
    if status:
        return CancelBroadcastSmResp(pdu.sequence_number, status)
    reference = pdu.tlv(USER_MESSAGE_REFERENCE)
    if pdu.message_id or reference is not None:
        found = _find(engine, bind, pdu.message_id, reference)
        doomed = [] if found is None or found.is_final else [found]
    else:
        content_type = pdu.tlv(CONTENT_TYPE)
        doomed = [
            broadcast
            for broadcast in engine.broadcasts.pending(bind.esme)
            if pdu.source_addr == broadcast.pdu.source_addr
            and pdu.service_type in {b"", broadcast.pdu.service_type}
            and content_type in {None, broadcast.pdu.tlv(CONTENT_TYPE)}
        ]
    doomed = [each for each in doomed if each.is_from(pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr)]
    for broadcast in doomed:
        engine.broadcasts.delete(broadcast, engine.clock.now(), engine.clock.wall())
    return CancelBroadcastSmResp(pdu.sequence_number, 0 if doomed else ESME_RBCASTCANCELFAIL)
