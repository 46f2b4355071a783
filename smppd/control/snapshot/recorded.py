"""The journal in a snapshot, where it was asked for: its frames, and who was connected on the sessions they name.

Frames keep their numbers. Passwords in them are hidden, as they are wherever else frames are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from smppd.control.dissection import without_password
from smppd.control.snapshot.format import SnapshotError
from smppd.control.snapshot.sections import BindRecordRow, ConnectionRow, FrameRow, JournalRow, RefusedBindRow
from smppd.engine.clock import LATEST_WALL
from smppd.observe.journal import Journal, JournalEntry
from smppd.observe.roster import BindRecord, ConnectionRecord, RefusedBind
from smppd.observe.session_counters import SessionCounters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smppd.control.panel import Control
    from smppd.control.simulation import Simulation
    from smppd.engine.state.capture import Slice

FRAMES: Final = 64
"""Frames of one slice, at most."""

OCTETS: Final = 32 * 1024
"""Octets of frames in one slice, unless a single one is longer."""

CONNECTIONS: Final = 32
"""Connections of one slice."""

COUNTED: Final = tuple(name for name in SessionCounters.__slots__ if name != "refusals")
"""The plain figures of a session."""

OF_BIND: Final = BindRecordRow.__struct_fields__
"""What is known of a bind."""


# -- writing -----------------------------------------------------------------------------------------------------------


def slices_of_journal(simulation: Simulation) -> Iterator[Slice]:
    """The journal as it is now, and the records that it refers to."""
    journal = simulation.journal
    stop = journal.total
    yield "journal", [JournalRow(stop, journal.is_whole, simulation.context.wall())]
    sessions: dict[str, None] = {}
    place = journal.oldest
    while place < stop:
        rows: list[FrameRow] = []
        octets = 0
        for number, entry in journal.read(place, FRAMES).frames:
            place = number + 1
            if number >= stop:
                break
            frame = without_password(entry.frame)
            rows.append(FrameRow(number, entry.time, entry.session, entry.direction, frame))
            sessions[entry.session] = None
            octets += len(frame)
            if octets >= OCTETS:
                break
        if not rows:
            break
        yield "frames", rows
    yield from _connections(simulation, sessions)


def _connections(simulation: Simulation, sessions: Iterable[str]) -> Iterator[Slice]:
    for connection in simulation.context.connections:
        cast("Any", connection).count_now()
    rows: list[ConnectionRow] = []
    for session in sessions:
        record = simulation.roster.find(session)
        if record is not None:
            rows.append(_connection_row(record))
        if len(rows) == CONNECTIONS:
            yield "connections", rows
            rows = []
    yield "connections", rows


def _connection_row(record: ConnectionRecord) -> ConnectionRow:
    counters = record.counters
    return ConnectionRow(
        session=record.session,
        peer=record.peer,
        opened_at=record.opened_at,
        closed_at=record.closed_at,
        reason=record.reason,
        binds=[BindRecordRow(*(getattr(bind, name) for name in OF_BIND)) for bind in record.binds],
        refused=[RefusedBindRow(one.system_id, one.bind_type, one.command_status, one.at) for one in record.refused],
        counters=[getattr(counters, name) for name in COUNTED],
        refusals=list(counters.refusals.items()),
    )


# -- restoring ---------------------------------------------------------------------------------------------------------


class Recorded:
    """A journal that arrives, with its connections."""

    def __init__(self, simulation: Simulation) -> None:
        """Bring it into this server."""
        self._simulation = simulation
        self._row: JournalRow | None = None
        own = simulation.journal
        self._journal = Journal(own.capacity, own.max_octets)
        self._connections: dict[str, ConnectionRecord] = {}

    @property
    def frames(self) -> int:
        """How many frames there are, of those that this server keeps."""
        return len(self._journal)

    def link(self, rows: list[JournalRow], frames: list[FrameRow], connections: list[ConnectionRow]) -> Iterator[None]:
        """Take what was read, with chances for others to have a turn. Raises SnapshotError."""
        if len(rows) > 1 or (not rows and (frames or connections)):
            raise SnapshotError("it has PDUs, and not one journal")
        if not rows:
            return
        self._row = rows[0]
        _check_wall(rows[0].written_at)
        journal = self._journal
        for row in frames:
            _check_wall(row.time)
            try:
                journal.put_back(row.number, JournalEntry(row.time, row.session, row.direction, row.frame))
            except ValueError as error:
                raise SnapshotError(str(error)) from None
            yield
        if journal.total > rows[0].total:
            raise SnapshotError("it has PDUs behind the last one")
        journal.total = rows[0].total
        journal.is_whole &= rows[0].is_whole
        for one in connections:
            if one.session in self._connections:
                raise SnapshotError("it has a session twice")
            self._connections[one.session] = _record_of(one, rows[0].written_at)
            yield

    def take_over(self, control: Control, since: int) -> None:
        """Have this journal in the place of the one in use, but for what was recorded from the number `since` on.

        Without one, that in use stays, and lacks what was recorded of the messages that came.
        """
        simulation = self._simulation
        journal = simulation.journal
        if self._row is None:
            journal.is_whole &= not len(simulation.engine.messages)
            return
        renamed = self._make_room()
        simulation.roster.take_over(self._connections.values())
        first = journal.take_over(self._journal, since, renamed)
        if "pdus" in vars(control):
            control.pdus.records.forget()
        if "verification" in vars(control):
            control.verification.go_on_from(first)
        if "events" in vars(control):
            control.events.go_on_from(first, since)

    def _make_room(self) -> dict[str, str]:
        """Give other names to connections that have the name of one that comes and is another; by those of before."""
        context, renamed = self._simulation.context, {}
        for record in list(context.roster):
            namesake = self._connections.get(record.session)
            if namesake is None or (namesake.peer, namesake.opened_at) == (record.peer, record.opened_at):
                continue
            connection = next((one for one in context.connections if one.name == record.session), None)
            if connection is not None:
                before = record.session
                context.rename(connection)
                renamed[before] = connection.name
        return renamed


def _record_of(row: ConnectionRow, written_at: float) -> ConnectionRecord:
    """A connection that has ended: with the snapshot, if not before."""
    closed_at = written_at if row.closed_at is None else row.closed_at
    for moment in (row.opened_at, closed_at):
        _check_wall(moment)
    record = ConnectionRecord(row.session, row.peer, row.opened_at, closed_at, reason=row.reason)
    for bind in row.binds:
        mine = BindRecord(*(getattr(bind, name) for name in OF_BIND))
        mine.unbound_at = closed_at if bind.unbound_at is None else bind.unbound_at
        for moment in (mine.bound_at, mine.unbound_at):
            _check_wall(moment)
        record.binds.append(mine)
    for refused in row.refused:
        _check_wall(refused.at)
        record.refused.append(RefusedBind(refused.system_id, refused.bind_type, refused.command_status, refused.at))
    for name, count in zip(COUNTED, row.counters, strict=True):
        setattr(record.counters, name, count)
    record.counters.refusals = dict(row.refusals)
    return record


def _check_wall(moment: float) -> None:
    if not 0 <= moment <= LATEST_WALL:
        raise SnapshotError(f"{moment} is no date")
