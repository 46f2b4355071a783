"""A snapshot on its way into a running server: read and judged as a whole before anything changes.

The new state is built beside the one in use, which goes on meanwhile. Then one takes the place of the other at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from smppd.behaviour.firing import Firing
from smppd.control.snapshot.configuration import Departed, read, without_departed
from smppd.control.snapshot.format import SnapshotError, rows_of
from smppd.control.snapshot.recorded import Recorded
from smppd.control.snapshot.sections import ROWS, ClockRow, ServerRow, SettingsRow, TenureRow
from smppd.engine.clock import FASTEST, LATEST_WALL, SLOWEST, EngineClock
from smppd.engine.message import ENROUTE
from smppd.engine.state.restoration import Restoration, StateError
from smppd.settings import time_zone
from smppd.settings.types import MAX_LIFE
from smppwire.constants import MessageState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smppd.behaviour.saved import BookRow, FaultRow, HeldRow, NamedRow, RuleRow, StaleRow
    from smppd.control.mo import Book
    from smppd.control.mo_saved import InjectionRow, SubscribersRow
    from smppd.control.panel import Control
    from smppd.control.snapshot.pace import Pace
    from smppd.engine.core import Engine
    from smppd.engine.esmes import Bind, Deliverable, EsmeState
    from smppd.engine.ports import Fate
    from smppd.network.simple import SimulatedNetwork
    from smppd.settings import Settings

MOST_ROWS: Final = 50_000_000
"""Rows that are taken from one snapshot, of whatever they are: messages, and what waits because of them."""

MAX_ERROR: Final = 0xFFFF
"""The largest error code of a network (SMPP 3.4 section 5.3.2.31)."""

FIRST: Final = ("clock", "settings", "server")
"""The sections that begin every snapshot, in their order."""


class Held(NamedTuple):
    """What a fault of receipts will hold back."""

    key: Bind | EsmeState
    fault: str
    until: float | None
    item: Deliverable


class Arrival:
    """One snapshot that arrives."""

    def __init__(self, control: Control, pace: Pace) -> None:
        """Read it into this server; `pace` measures how long the loop is held."""
        self._control = control
        self._simulation = control.simulation
        self._pace = pace
        self._begun: list[str] = []
        self._rows: dict[str, list[Any]] = {}
        self._held: list[Held] = []
        self._subscribers: Book | None = None
        self.recorded = Recorded(self._simulation)
        """The journal that comes with it."""
        self._tenures: list[TenureRow] = []
        self._rules: list[RuleRow] = []
        self._stale: list[StaleRow] = []
        self._started = (0.0, 0.0)
        """Since when rules and faults count."""
        self._clock: ClockRow | None = None
        self._began_at = 0.0
        """The engine's clock that the times of the new state go by."""
        self._taken = 0
        self.lacking: list[str] = []
        """The accounts for which no password was found."""
        self.settings: Settings | None = None
        self.engine: Engine | None = None
        self._networks: dict[str, SimulatedNetwork] = {}
        self._restoration: Restoration | None = None

    # -- reading ------------------------------------------------------------------------------------------------------

    async def take(self, section: str, raw: msgspec.Raw) -> None:
        """Take a slice. Raises SnapshotError."""
        kind = ROWS.get(section)
        if kind is None:
            raise SnapshotError(f"it has a section {section[:80]!r} that this server does not know")
        rows = rows_of(section, raw, kind)
        if len(self._begun) < len(FIRST):
            if section != FIRST[len(self._begun)] or len(rows) != 1:
                raise SnapshotError(f"it begins with {section}; expected {FIRST[len(self._begun)]}")
            self._begun.append(section)
            await self._begin(section, rows[0])
        elif section in FIRST:
            raise SnapshotError(f"it has {section} twice")
        else:
            self._go_on(section, rows)

    async def _begin(self, section: str, row: Any) -> None:
        if isinstance(row, ClockRow):
            _check_clock(row)
            self._clock = row
        elif isinstance(row, SettingsRow):
            await self._take_settings(row)
        else:
            self._rows[section] = [row]

    async def _take_settings(self, row: SettingsRow) -> None:
        simulation, then = self._simulation, self._clock
        if then is None:
            raise SnapshotError("it has no clock")
        departed = Departed(row.gone_accounts, row.gone_routes, row.gone_networks)
        self._pace.pause()
        try:
            # Ten thousand rules take three seconds: not on the loop.
            everything, lacking = await asyncio.to_thread(
                read, row.settings, simulation.settings, simulation.configured
            )
        finally:
            self._pace.go_on()
        self.settings = without_departed(everything, departed)
        self.lacking = [name for name in lacking if name not in departed.accounts]
        if not self.settings.route or "default" not in self.settings.network:
            raise SnapshotError("its settings have no route, or no network called default")
        self.engine, self._networks = simulation.beside(self.settings, everything)
        self._began_at = self._moment(then)
        self._restoration = Restoration(self.engine, fate=_fate, most=MOST_ROWS, shift=self._began_at - then.now)

    def _moment(self, then: ClockRow) -> float:
        """The reading of this server's clock that is to be the one of the snapshot.

        A clock that stood still goes on where it stood, to the last bit, if this one may be moved there.
        """
        clock = self._simulation.engine.clock
        now = clock.now()
        if not isinstance(clock, EngineClock) or then.running or clock.is_running:
            return now
        return max(then.now, now)

    def _go_on(self, section: str, rows: list[Any]) -> None:
        restoration = self._restoration
        if restoration is None:
            raise SnapshotError("it has no settings")
        self._taken += len(rows)
        if self._taken > MOST_ROWS:
            raise SnapshotError("it has more rows than this server takes")
        try:
            if section in restoration.sections:
                restoration.take(section, rows)
            elif section == "draws":
                self._take_draws(rows)
            elif section == "absences":
                self._take_absences(rows)
            else:
                self._rows.setdefault(section, []).extend(rows)
        except StateError as error:
            raise SnapshotError(f"{section}: {error}") from None

    def _take_draws(self, rows: list[Any]) -> None:
        for row in rows:
            try:
                self._network(row.network).put_back_draws(row.account, row.generator)
            except ValueError as error:
                raise SnapshotError(f"draws: {error}") from None

    def _take_absences(self, rows: list[Any]) -> None:
        for row in rows:
            self._network(row.network).put_back_first_tried(row.destination_addr, self._at(row.first_tried))

    def _network(self, name: str) -> SimulatedNetwork:
        network = self._networks.get(name)
        if network is None:
            raise SnapshotError(f"its settings know no network {name[:80]!r}")
        return network

    def _at(self, moment: float) -> float:
        """A time of the clock of the snapshot on that of this server."""
        if self._restoration is None:
            raise SnapshotError("it has no settings")
        return self._restoration.at(moment)

    # -- putting together ---------------------------------------------------------------------------------------------

    def link(self) -> Iterator[None]:
        """Put together what was read, with chances for others to have a turn. Raises SnapshotError."""
        restoration = self._restoration
        if restoration is None:
            raise SnapshotError("it ends before its settings")
        try:
            yield from restoration.link()
            for row in self._of("held"):
                yield
                self._held.append(self._held_of(row, restoration))
            for row in self._of("named"):
                restoration.account(row.account)
            yield from self._link_subscribers(restoration)
            self._link_tenures()
            yield from self.recorded.link(self._of("journal"), self._of("frames"), self._of("connections"))
            restoration.check()
            self._link_behaviour()
        except StateError as error:
            raise SnapshotError(str(error)) from None

    def _link_subscribers(self, restoration: Restoration) -> Iterator[None]:
        """The messages from subscribers that can be asked for, or are to be sent later."""
        rows: list[InjectionRow] = self._of("injections")
        known: list[SubscribersRow] = self._of("subscribers")
        if len(known) > 1 or (rows and not known):
            raise SnapshotError("it does not say how many messages from subscribers there have been")
        if not known:
            return
        from smppd.control.mo import Book

        book = self._subscribers = Book(known[0].messages)
        numbers: set[int] = set()
        for row in rows:
            if row.number in numbers or not 0 <= row.made <= row.made + row.delay < LATEST_WALL:
                raise SnapshotError("a message from a subscriber comes twice, or at no date")
            numbers.add(row.number)
            parts = [restoration.mobile(number) for number in row.parts]
            if row.state_before and any(map(restoration.is_offered, row.parts)):
                raise SnapshotError("a message from a subscriber is to be sent, and waits already")
            self._control.mo.add_to(book, row, parts, restoration.due(row.due))
            yield

    def _link_tenures(self) -> None:
        """For whom and until when rules and faults are there."""
        settings = self.settings
        for row in self._of("tenures"):
            entries = () if settings is None else settings.rule if row.kind == "rule" else settings.fault
            if all(entry.name != row.name for entry in entries):
                raise SnapshotError(f"its settings know no {row.kind} {row.name!r}, which belongs to somebody or ends")
        self._tenures = [
            msgspec.structs.replace(row, expires_at=None if row.expires_at is None else self._at(row.expires_at))
            for row in self._of("tenures")
        ]

    def _link_behaviour(self) -> None:
        books: list[BookRow] = self._of("book")
        if len(books) != 1:
            raise SnapshotError("it does not say since when rules and faults count")
        self._started = self._at(books[0].rules_started), self._at(books[0].faults_started)
        for row in self._of("rules"):
            throttled = {account: self._at(until) for account, until in row.throttled.items()}
            self._rules.append(msgspec.structs.replace(row, throttled=throttled))
        self._stale = [msgspec.structs.replace(row, until=self._at(row.until)) for row in self._of("stale")]

    def _of(self, section: str) -> list[Any]:
        return self._rows.get(section, [])

    def _held_of(self, row: HeldRow, restoration: Restoration) -> Held:
        item = restoration.item(row.item, row.account)
        key = restoration.account(row.account) if row.bind < 0 else restoration.bind(row.bind)
        return Held(key, row.fault, None if row.until is None else restoration.due(row.until), item)

    # -- taking over --------------------------------------------------------------------------------------------------

    def is_timely(self) -> bool:
        """Whether the clock is where it was when the snapshot began to arrive, unless it runs."""
        clock = self._simulation.engine.clock
        return not isinstance(clock, EngineClock) or clock.is_running or clock.now() <= self._began_at

    def take_over(self) -> None:
        """Put the new state in the place of the one in use, at once. Raises UserError when its settings cannot be."""
        simulation, settings, engine = self._simulation, self.settings, self.engine
        if settings is None or engine is None or self._restoration is None:
            raise SnapshotError("it has not been read")
        restoration = self._restoration
        recorded = simulation.journal.total
        simulation.take_over(settings, engine, self._networks)
        receipts = simulation.fault_desk.receipts
        named: list[NamedRow] = self._of("named")
        receipts.begin_anew({restoration.account(row.account): row.message_id for row in named})
        self._set_clock()
        self._put_back_behaviour(settings)
        for held in self._held:
            receipts.put_back(*held)
        self._put_back_desks()
        server: ServerRow = self._of("server")[0]
        context = simulation.context
        context.opened = max(context.opened, server.connections)
        self.recorded.take_over(self._control, recorded)
        simulation.wake()

    def _put_back_desks(self) -> None:
        """What desks keep by themselves; those that were never used, and have nothing to keep, are not made for it."""
        control, tenures = self._control, self._tenures
        for kind in ("rule", "fault"):
            mine = [(row.name, row.namespace, row.expires_at) for row in tenures if row.kind == kind]
            if mine or f"{kind}s" in vars(control):
                desk = control.rules if kind == "rule" else control.faults
                desk.put_back_tenures(mine)
        if self._subscribers is not None or "mo" in vars(control):
            from smppd.control.mo import Book

            references = sum(row.references for row in self._of("subscribers"))
            control.mo.begin_anew(self._subscribers or Book(), references)

    def _put_back_behaviour(self, settings: Settings) -> None:
        simulation = self._simulation
        book: BookRow = self._of("book")[0]
        rules_started, faults_started = self._started
        seed, zone = settings.server.seed, time_zone(settings.server.timezone)
        simulation.rules.put_back(self._rules, started=rules_started, scenarios=book.scenarios, seed=seed, zone=zone)
        faults: list[FaultRow] = self._of("faults")
        simulation.faults.put_back(faults, started=faults_started, seed=seed)
        simulation.fault_desk.sessions.put_back(self._stale)

    def _set_clock(self) -> None:
        """Have the engine's clock go on as the one of the snapshot did."""
        clock, then = self._simulation.engine.clock, self._clock
        if not isinstance(clock, EngineClock) or then is None:
            return
        if then.real:
            clock.keep_time()
            return
        clock.freeze()
        clock.advance_to(max(clock.now(), self._began_at))
        clock.set_calendar(then.wall)
        clock.set_speed(then.speed)
        if then.running:
            clock.resume()


def _check_clock(row: ClockRow) -> None:
    if not (SLOWEST <= row.speed <= FASTEST and 0 <= row.wall <= LATEST_WALL and -1e12 <= row.now <= 1e12):
        raise SnapshotError("its clock says what no clock can")


def _fate(raw: Any) -> Fate:
    """What is decided about a message. Raises ValueError."""
    firing = msgspec.msgpack.decode(raw, type=Firing)
    delay = 0.0 if firing.receipt_delay is None else firing.receipt_delay
    outcome, error = firing.outcome or ENROUTE, firing.error or 0
    if not (0 <= delay <= MAX_LIFE and ENROUTE <= outcome <= MessageState.REJECTED and 0 <= error <= MAX_ERROR):
        raise ValueError("no rule can decide that")
    return firing
