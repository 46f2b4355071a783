"""Handing out the state of an engine, slice by slice.

Whoever takes the slices sees to it that the engine stands still meanwhile: it does not `run`, and sessions hand in
nothing. The state is that of an engine whose sessions have all ended: what they have not acknowledged waits again, and
nobody is left to be answered.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from smppd.engine import history
from smppd.engine.esmes import Acceptance, Delivery, HandsetAcknowledgement, Notification, Restated
from smppd.engine.history import Event, Story
from smppd.engine.message import UNDECIDED, DataRecord, Message
from smppd.engine.mobile_originated import MobileOriginated
from smppd.engine.outbox import subject_of
from smppd.engine.peers import TAKEN, Forward
from smppd.engine.state.numbers import Numbers
from smppd.engine.state.rows import (
    OUTCOME_TAKEN,
    OUTCOME_UNDECIDED,
    AccountRow,
    AlertRow,
    AssemblyRow,
    BindRow,
    BroadcastRow,
    EngineRow,
    MobileRow,
    PathRow,
    ReplyRow,
    RouteRow,
    StoryRow,
    message_fields,
    submit_sm_fields,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from smppd.engine.alerts import Alert
    from smppd.engine.broadcast import Broadcast
    from smppd.engine.core import Engine
    from smppd.engine.esmes import Bind, Deliverable, EsmeState
    from smppd.engine.ledger import Place
    from smppd.engine.limiter import Limiter
    from smppd.engine.multipart import Assembly
    from smppd.engine.ports import Fate, Outcome

SLICE: Final = 32
"""Rows of one slice: about 0.2 ms."""

Slice: TypeAlias = tuple[str, list[Any]]
"""A section, and the next of its rows."""


class Capture:
    """One walk through the state of an engine."""

    def __init__(
        self,
        engine: Engine,
        *,
        outstanding: Callable[[Bind], Iterable[Deliverable]],
        fate: Callable[[Fate], Any],
    ) -> None:
        """Begin.

        Args:
            engine: what to hand out.
            outstanding: what a session has not acknowledged yet, the oldest first.
            fate: what is decided about a message, as plain data.
        """
        self._engine = engine
        self._outstanding = outstanding
        self._fate = fate
        self._accounts = {esme: number for number, esme in enumerate(engine.esmes.values())}
        self._routes = {route: number for number, route in enumerate(engine.routes.values())}
        self._messages: Numbers[Message] = Numbers()
        self._binds: Numbers[Bind] = Numbers()
        self._assemblies: Numbers[Assembly] = Numbers()
        self._mobiles: Numbers[MobileOriginated] = Numbers()
        self._new_binds: list[Bind] = []
        self._new_mobiles: list[MobileOriginated] = []
        self._new_assemblies: list[Assembly] = []
        self._strays: list[Message] = []
        self._endings: dict[Message, list[Event]] = {}
        """What the stories of messages tell once all sessions have ended."""

    # -- references ---------------------------------------------------------------------------------------------------

    def account(self, esme: EsmeState) -> int:
        """The number of an account."""
        return self._accounts[esme]

    def message(self, message: Message) -> int:
        """The number of a message; one that the ledger has forgotten is handed out as a stray."""
        before = self._messages.count
        number = self._messages.of(message)
        if number == before:
            self._strays.append(message)
        return number

    def bind(self, bind: Bind | None) -> int:
        """The number of a session, -1 for none."""
        if bind is None:
            return -1
        before = self._binds.count
        number = self._binds.of(bind)
        if number == before:
            self._new_binds.append(bind)
        return number

    def mobile(self, mobile: MobileOriginated) -> int:
        """The number of a deliver_sm from a subscriber, whether the engine knows of it or not."""
        before = self._mobiles.count
        number = self._mobiles.of(mobile)
        if number == before:
            self._new_mobiles.append(mobile)
        return number

    def _assembly(self, assembly: Assembly | None) -> int:
        if assembly is None:
            return -1
        before = self._assemblies.count
        number = self._assemblies.of(assembly)
        if number == before:
            self._new_assemblies.append(assembly)
        return number

    # -- the walk -----------------------------------------------------------------------------------------------------

    def slices(self, others: Callable[[Capture], Iterator[Slice]] | None = None) -> Iterator[Slice]:
        """The rows of all sections. `others` hands out what somebody else keeps of messages and deliverables."""
        engine, life = self._engine, self._engine.life
        yield from self._sliced("accounts", map(self._account_row, engine.esmes.values()))
        yield from self._sliced("routes", (_route_row(route) for route in engine.routes.values()))
        yield "engine", [self._engine_row()]
        yield from self._open_assemblies()
        yield from self._sliced("messages", self._message_rows())
        yield from self._sliced("done", ((self.message(message),) for message in engine.ledger.done))
        yield from self._sliced("decided", ((self.message(message),) for message in life.decided_messages()))
        queued = (message for route in life.queued for message in route.queue)
        yield from self._sliced("queued", ((self.message(message),) for message in queued))
        yield from self._sliced("waiting", self._waiting_rows())
        yield from self._sliced("fates", ((self.message(each), self._fate(fate)) for each, fate in life.fates.items()))
        yield from self._sliced("paths", map(self._path_row, engine.peers.paths))
        yield from self._alerts()
        yield from self._sliced("replies", self._reply_rows())
        yield from self._broadcasts()
        shown = life.shown
        yield from self._sliced("handsets", map(self._shown_row, () if shown is None else shown.items))
        yield from self._sliced("stories", self._story_rows())
        if others is not None:
            for section, rows in others(self):
                yield from self._referred_first()
                yield section, rows
        yield from self._remainder()
        for _ in self._messages.forget():
            yield "messages", []

    def _sliced(self, section: str, rows: Iterable[Any]) -> Iterator[Slice]:
        """Rows in slices, each behind the sessions and mobile originated messages that it refers to."""
        walk = iter(rows)
        while some := list(islice(walk, SLICE)):
            yield from self._referred_first()
            yield section, some

    def _referred_first(self) -> Iterator[Slice]:
        if self._new_binds:
            binds, self._new_binds = self._new_binds, []
            yield "binds", [self._bind_row(bind) for bind in binds]
        mobiles, self._new_mobiles = self._new_mobiles, []
        for start in range(0, len(mobiles), SLICE):
            yield "mobiles", [self._mobile_row(mobile) for mobile in mobiles[start : start + SLICE]]

    def _open_assemblies(self) -> Iterator[Slice]:
        """Number the long messages that are not complete, in their order; their rows come with the others."""
        walk = iter(self._engine.multipart.open)
        while some := list(islice(walk, SLICE)):
            for assembly in some:
                self._assembly(assembly)
            yield "assemblies", []

    def _remainder(self) -> Iterator[Slice]:
        """What others have referred to: forgotten messages, and long ones, which may refer to more of both."""
        while self._strays or self._new_assemblies:
            strays, self._strays = self._strays, []
            yield from self._sliced("strays", (self._message_row(message) for message in strays))
            assemblies, self._new_assemblies = self._new_assemblies, []
            yield from self._sliced("assemblies", map(self._assembly_row, assemblies))

    # -- the rows -----------------------------------------------------------------------------------------------------

    def _engine_row(self) -> EngineRow:
        engine = self._engine
        ledger, life = engine.ledger, engine.life
        return EngineRow(
            next_id=ledger.next_id,
            newest_shelf=ledger.messages.newest_shelf,
            live=ledger.live,
            in_flight=ledger.in_flight,
            sweep_at=engine.sweep_at,
            has_handsets=life.shown is not None,
            message_tickets=life.schedule.tickets,
            retry_tickets=life.retries.tickets,
            reply_tickets=life.replies.tickets,
            alert_tickets=life.alerts.tickets,
            broadcast_tickets=engine.broadcasts.tickets,
        )

    def _account_row(self, esme: EsmeState) -> AccountRow:
        return AccountRow(
            system_id=esme.system_id,
            states=esme.states,
            turn=esme.turn,
            line=esme.line,
            arrival=_arrival(esme.throughput),
            reply_reference=self._engine.life.replies.references.get(esme, 0),
            refused=list(self._engine.outbox.refused(esme)),
        )

    def _bind_row(self, bind: Bind) -> BindRow:
        return BindRow(
            bind_id=bind.bind_id,
            account=self._accounts[bind.esme],
            receives=bind.receives,
            tlvs=bind.tlvs,
            address_range=bind.address_range.text,
            bound_at=bind.bound_at,
            interface_version=bind.policy.interface_version,
            strict=bind.policy.strict,
        )

    def _message_rows(self) -> Iterator[tuple[object, ...]]:
        number = self._messages.of
        for message, place in self._engine.ledger.records():
            number(message)
            yield self._message_row(message, place)

    def _message_row(self, message: Message, place: Place | int = 0) -> tuple[object, ...]:
        """The places of a MessageRow."""
        pdu = message.pdu
        return (
            *message_fields(message),
            self._accounts[message.esme],
            self._routes[message.route],
            self.bind(message.bind),
            int(place),
            -1 if message.assembly is None else self._assembly(message.assembly),
            _outcome(message.outcome),
            pdu.__class__ is DataRecord,
            *submit_sm_fields(pdu),
        )

    def _assembly_row(self, assembly: Assembly) -> AssemblyRow:
        esme, source_addr, destination_addr, kind, reference, total = assembly.key
        return AssemblyRow(
            account=self._accounts[esme],
            source_addr=source_addr,
            destination_addr=destination_addr,
            kind=kind,
            reference=reference,
            total=total,
            carrier=assembly.carrier,
            final=assembly.final,
            verdict=assembly.verdict,
            started_at=assembly.started_at,
            is_open=self._engine.multipart.is_open(assembly),
            parts=[(seq, self.message(part)) for seq, part in assembly.parts.items()],
        )

    def _waiting_rows(self) -> Iterator[tuple[object, ...]]:
        outbox = self._engine.outbox
        for esme, account in self._accounts.items():
            self._end_sessions(esme)
            for item, plan, was_sent in outbox.waiting(esme, self._outstanding):
                yield account, self.item(item), plan, was_sent

    def _end_sessions(self, esme: EsmeState) -> None:
        """Have it told of what sessions have not acknowledged that they end, one after the other."""
        wall = self._engine.clock.wall()
        for bind in esme.binds:
            for item in self._outstanding(bind):
                subject = subject_of(item)
                if subject is None:
                    continue
                message, what = subject
                told = self._endings.setdefault(message, [])
                told.append(Event(wall, history.SESSION_ENDED, what, bind.bind_id))
                if isinstance(item, Forward) and item.has_one_attempt:
                    told.append(Event(wall, history.GIVEN_UP, what))

    def _story_rows(self) -> Iterator[StoryRow]:
        """The stories of all messages that can be asked for, as they go on when all sessions end now."""
        for message, story in self._engine.history.stories():
            number = self._messages.find(message)
            if number is not None:
                yield _story_row(number, story, self._endings.pop(message, ()))
        for message, events in self._endings.items():
            number = self._messages.find(message)
            if number is not None:
                yield _story_row(number, Story(), events)

    def _mobile_row(self, mobile: MobileOriginated) -> MobileRow:
        return MobileRow(
            account=self._accounts[self._engine.esmes[mobile.esme.system_id]],
            body=mobile.body,
            accepted_at=mobile.accepted_at,
            expires_at=mobile.expires_at,
            attempts=mobile.attempts,
            session=mobile.session,
            status=mobile.status,
            ended=mobile.ended,
        )

    def item(self, item: Deliverable) -> tuple[object, ...]:
        """The places of what waits for an account, behind the letter that tells its kind."""
        if isinstance(item, Message):
            return "r", self.message(item)
        if isinstance(item, MobileOriginated):
            return "m", self.mobile(item)
        if isinstance(item, Notification):
            return "n", self.message(item.message), item.expires_at, item.attempts, item.told
        if isinstance(item, Acceptance):
            return "a", self.message(item.message), item.expires_at, item.attempts
        if isinstance(item, HandsetAcknowledgement):
            esm_class, accepted_at = item.esm_class, item.accepted_at
            return "h", self.message(item.message), esm_class, accepted_at, item.expires_at, item.attempts
        if isinstance(item, Restated):
            return "s", self.message(item.message), self.message(item.record), item.stands_in, item.attempts
        if isinstance(item, Forward):
            is_underway = self._engine.life.is_underway(item)
            number, outcome = self.message(item.message), _outcome(item.outcome)
            return "f", number, item.accepted_at, item.expires_at, item.attempts, outcome, is_underway
        delivery: Delivery = item
        bind = self.bind(delivery.bind)
        return "d", delivery.kind, delivery.body, bind, delivery.accepted_at, delivery.expires_at, delivery.attempts

    def _path_row(self, path: tuple[EsmeState, bytes, EsmeState, int]) -> PathRow:
        receiver, source_addr, sender, asked = path
        return PathRow(self._accounts[receiver], source_addr, self._accounts[sender], asked)

    def _alerts(self) -> Iterator[Slice]:
        alerts = self._engine.life.alerts
        due = dict.fromkeys(alerts.due())
        numbers: dict[Alert, int] = {}

        def rows() -> Iterator[AlertRow]:
            for number, (alert, expires_at, back_at, ticket) in enumerate(alerts.flags()):
                if alert in due:
                    numbers[alert] = number
                yield AlertRow(self._accounts[alert.esme], *alert[1:], expires_at, back_at, ticket, alert in due)

        yield from self._sliced("alerts", rows())
        yield from self._sliced("alerts_due", ((numbers[alert],) for alert in due))

    def _reply_rows(self) -> Iterator[ReplyRow]:
        for due, ticket, (esme, pdu, reply) in self._engine.life.replies.entries():
            yield ReplyRow(
                account=self._accounts[esme],
                source_addr_ton=pdu.source_addr_ton,
                source_addr_npi=pdu.source_addr_npi,
                source_addr=pdu.source_addr,
                dest_addr_ton=pdu.dest_addr_ton,
                dest_addr_npi=pdu.dest_addr_npi,
                destination_addr=pdu.destination_addr,
                text=reply.text,
                delay=reply.delay,
                reply_source=reply.source_addr,
                reply_destination=reply.destination_addr,
                due=due,
                ticket=ticket,
            )

    def _broadcasts(self) -> Iterator[Slice]:
        broadcasts = self._engine.broadcasts
        numbers: dict[bytes, int] = {}

        def rows() -> Iterator[BroadcastRow]:
            for number, broadcast in enumerate(broadcasts.records()):
                if broadcast.is_final:
                    numbers[broadcast.message_id] = number
                yield self._broadcast_row(broadcast)

        yield from self._sliced("broadcasts", rows())
        yield from self._sliced("broadcasts_done", ((numbers[each.message_id],) for each in broadcasts.done))

    def _broadcast_row(self, broadcast: Broadcast) -> BroadcastRow:
        pdu = broadcast.pdu
        return BroadcastRow(
            message_id=broadcast.message_id,
            account=self._accounts[broadcast.esme],
            areas=list(broadcast.areas),
            start_at=broadcast.start_at,
            expires_at=broadcast.expires_at,
            ends_at=broadcast.ends_at,
            ended_at=broadcast.ended_at,
            ended_wall=broadcast.ended_wall,
            state=broadcast.state,
            due_at=broadcast.due_at,
            ticket=broadcast.ticket,
            is_newest=self._engine.broadcasts.is_newest(broadcast),
            sequence_number=pdu.sequence_number,
            service_type=pdu.service_type,
            source_addr_ton=pdu.source_addr_ton,
            source_addr_npi=pdu.source_addr_npi,
            source_addr=pdu.source_addr,
            named_id=pdu.message_id,
            priority_flag=pdu.priority_flag,
            schedule_delivery_time=pdu.schedule_delivery_time,
            validity_period=pdu.validity_period,
            replace_if_present_flag=pdu.replace_if_present_flag,
            data_coding=pdu.data_coding,
            sm_default_msg_id=pdu.sm_default_msg_id,
            tlvs=[(tag, value) for tag, value in pdu.tlvs],
            trailing=pdu.trailing,
        )

    def _shown_row(self, item: Message | Assembly) -> tuple[int, int]:
        return (self.message(item), -1) if isinstance(item, Message) else (-1, self._assembly(item))


def _story_row(number: int, story: Story, endings: Iterable[Event]) -> StoryRow:
    """A story and what follows it; the story itself stays as it is."""
    told = Story()
    told.events, told.dropped = list(story.events), story.dropped
    for event in endings:
        told.add(event)
    return StoryRow(number, told.dropped, told.events)  # type: ignore[arg-type]  # the same places


def _route_row(route: Any) -> RouteRow:
    return RouteRow(name=route.name, states=route.states, arrival=_arrival(route.throughput))


def _arrival(limiter: Limiter | None) -> float | None:
    return None if limiter is None else limiter.window.arrival


def _outcome(outcome: Outcome) -> int | Outcome:
    """An outcome as it stands in a row."""
    if outcome is UNDECIDED:
        return OUTCOME_UNDECIDED
    return OUTCOME_TAKEN if outcome is TAKEN else outcome
