"""Taking back the state of an engine: into a new one, which nobody uses yet.

Sections are handed in as they come; then `link` puts together what refers to each other. Whatever is wrong raises
StateError, and the new engine is thrown away. Times are moved by what the two clocks differ in.
"""

from __future__ import annotations

from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from smppd.engine.alerts import Alert, Standing
from smppd.engine.broadcast import Broadcast
from smppd.engine.esmes import (
    CLOSED_OUTBOUND,
    DELIVER_SM,
    Acceptance,
    Bind,
    Delivery,
    HandsetAcknowledgement,
    Notification,
    Restated,
)
from smppd.engine.history import KINDS, Event, Story
from smppd.engine.ids import END_OF_IDS
from smppd.engine.ledger import Place
from smppd.engine.message import (
    FIRST_FINAL,
    NEVER,
    RECEIPT_PENDING,
    RECEIPT_SENT,
    RECEIPT_SETTLED,
    STATE_COUNT,
    UNDECIDED,
    DataRecord,
    Group,
    Message,
)
from smppd.engine.mobile_originated import MobileOriginated
from smppd.engine.multipart import Assembly, Verdict
from smppd.engine.outbox import Waiting
from smppd.engine.peers import TAKEN, Forward
from smppd.engine.ports import Outcome
from smppd.engine.replies import Waiting as WaitingReply
from smppd.engine.state.numbers import Once
from smppd.engine.state.rows import (
    OUTCOME_TAKEN,
    OUTCOME_UNDECIDED,
    ROWS,
    AcceptanceItem,
    AccountRow,
    AlertRow,
    AssemblyRow,
    BindRow,
    BroadcastRow,
    DeliveryItem,
    EngineRow,
    EventRow,
    FateRow,
    ForwardItem,
    HandsetItem,
    Item,
    MessageRow,
    MobileItem,
    MobileRow,
    NotificationItem,
    NumberRow,
    PathRow,
    ReceiptItem,
    ReplyRow,
    RestatedItem,
    RouteRow,
    ShownRow,
    StoryRow,
    WaitingRow,
)
from smppd.patterns import AddressRange
from smppwire.codec import decode
from smppwire.constants import HEADER_LENGTH
from smppwire.errors import SmppError
from smppwire.pdus import BroadcastSm, DeliverSm, SubmitSm, Tlv
from smppwire.validation import ValidationPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from smppd.engine.core import Engine
    from smppd.engine.esmes import Deliverable, EsmeState
    from smppd.engine.limiter import Limiter
    from smppd.engine.ports import Fate
    from smppd.engine.queues import RouteState

LONGEST: Final = 1e12
"""Seconds that any time lies from the beginning of its clock, at most: thirty thousand years."""

LATEST_WALL: Final = 2.0**32
"""Unix time that a date may say: dates of SMPP end before."""

STEP: Final = 128
"""Rows that are put together between two chances for others to have a turn."""

T = TypeVar("T")


class StateError(ValueError):
    """A state that cannot be; the text says where."""


class SavedReply:
    """A reply that was taken back (`smppd.engine.ports.Reply`)."""

    __slots__ = ("delay", "destination_addr", "source_addr", "text")

    def __init__(self, row: ReplyRow) -> None:
        self.text = row.text
        self.delay = row.delay
        self.source_addr = row.reply_source
        self.destination_addr = row.reply_destination


class Restoration:
    """One state on its way into one engine, which must be new."""

    def __init__(self, engine: Engine, *, fate: Callable[[Any], Fate], most: int, shift: float) -> None:
        """Begin.

        Args:
            engine: a new one that nobody uses, with the accounts, routes and networks of the state.
            fate: reads what is decided about a message; raises ValueError.
            most: rows that are taken, whatever they are of.
            shift: seconds by which the engine's clock is ahead of the one then.
        """
        self._engine = engine
        self._fate = fate
        self._left = most
        self._row: EngineRow | None = None
        self._shift = shift
        self._accounts: list[EsmeState] = []
        self._routes: list[RouteState] = []
        self._binds: list[Bind] = []
        self._mobiles: list[MobileOriginated] = []
        self._offered: set[int] = set()
        """The numbers of those that wait: each but once."""
        self._messages: list[Message] = []
        self._kept = 0
        """How many of the messages are the ledger's."""
        self._places: list[int] = []
        self._assemblies: dict[int, Assembly] = {}
        self._whole = 0
        """How many assemblies there are rows for."""
        self._linked = 0
        """How many of them have their parts."""
        self._live = 0
        """How many things count against the limit of messages, as far as they have been taken."""
        self._group: Group | None = None
        self._shelf = -1
        self._rows: dict[str, list[Any]] = {}
        self._tickets: dict[str, Once] = {}
        """The tickets of what is planned, by the field of the EngineRow that counts them."""
        self._reported: set[int] = set()
        """Messages whose receipts wait: each but once."""
        self._takers: dict[str, Callable[[list[Any]], None]] = {
            "accounts": self._take_accounts,
            "routes": self._take_routes,
            "engine": self._take_engine,
            "binds": self._take_binds,
            "mobiles": self._take_mobiles,
            "messages": self._take_messages,
            "strays": self._take_strays,
            "assemblies": self._take_assemblies,
        }

    @property
    def sections(self) -> Collection[str]:
        """The sections that are the engine's."""
        return ROWS.keys()

    # -- sections, in the order in which they come --------------------------------------------------------------------

    def take(self, section: str, rows: list[Any]) -> None:
        """Take the next rows of a section. Raises StateError."""
        self._left -= len(rows)
        if self._left < 0:
            raise StateError("it has more rows than this server takes")
        taker = self._takers.get(section)
        if taker is None:
            self._rows.setdefault(section, []).extend(rows)
        else:
            taker(rows)

    def _take_accounts(self, rows: list[AccountRow]) -> None:
        for row in rows:
            esme = self._engine.esmes.get(row.system_id)
            if esme is None or esme in self._accounts:
                raise StateError(f"its settings know no account {row.system_id!r}, or it comes twice")
            esme.states = _counts(row.states)
            esme.turn = row.turn
            esme.line = row.line
            self._accounts.append(esme)
            self._rows.setdefault("accounts", []).append(row)

    def _take_routes(self, rows: list[RouteRow]) -> None:
        for row in rows:
            route = self._engine.routes.get(row.name)
            if route is None or route in self._routes:
                raise StateError(f"its settings know no route {row.name!r}, or it comes twice")
            route.states = _counts(row.states)
            self._routes.append(route)
            self._rows.setdefault("routes", []).append(row)

    def _take_engine(self, rows: list[EngineRow]) -> None:
        if self._row is not None or len(rows) != 1:
            raise StateError("it has more than one engine")
        row = self._row = rows[0]
        if row.next_id > END_OF_IDS:
            raise StateError("the number of the next message_id is beyond the last")
        self._engine.ledger.next_id = row.next_id
        self._engine.ledger.live = row.live
        self._engine.ledger.messages.begin_at(row.newest_shelf)
        self._engine.sweep_at = self._at(row.sweep_at)

    def _take_binds(self, rows: list[BindRow]) -> None:
        for row in rows:
            try:
                addresses = AddressRange(row.address_range)
            except ValueError as error:
                raise StateError(f"a session has an address_range that is none: {error}") from None
            bind = Bind(
                row.bind_id,
                self._account(row.account),
                CLOSED_OUTBOUND,
                receives=row.receives,
                tlvs=row.tlvs,
                policy=ValidationPolicy(interface_version=row.interface_version, strict=row.strict),
                address_range=addresses,
                bound_at=self._at(row.bound_at),
            )
            bind.close()
            self._binds.append(bind)

    def _take_mobiles(self, rows: list[MobileRow]) -> None:
        for row in rows:
            esme = self._account(row.account)
            length = HEADER_LENGTH + len(row.body)
            header = b"".join(number.to_bytes(4, "big") for number in (length, DELIVER_SM, 0, 0))
            try:
                pdu = cast("DeliverSm", decode(header + row.body))
                mobile = MobileOriginated(pdu, esme, self._at(row.accepted_at), self._at(row.expires_at))
            except SmppError as error:
                raise StateError(f"a mobile originated message is no deliver_sm: {error}") from None
            mobile.session, mobile.status, mobile.ended = row.session, row.status, row.ended
            self._mobiles.append(_sent(mobile, row.attempts))

    def _take_messages(self, rows: list[MessageRow]) -> None:
        if self._row is None:
            raise StateError("messages come before the engine")
        newest = self._row.newest_shelf
        ledger = self._engine.ledger
        for row in rows:
            if self._kept != len(self._messages):
                raise StateError("messages come behind those that are forgotten")
            self._kept += 1
            if not self._shelf <= row.shelf <= newest:
                raise StateError("a message stands on the wrong shelf")
            self._shelf = row.shelf
            message = self._message_of(row)
            try:
                self._group = ledger.put_back(message, Place(row.place), self._group)
            except ValueError as error:
                raise StateError(str(error)) from None
            self._messages.append(message)
            self._places.append(row.place)

    def _take_strays(self, rows: list[MessageRow]) -> None:
        for row in rows:
            message = self._message_of(row)
            message.shelf = -1
            self._messages.append(message)

    def _message_of(self, row: MessageRow) -> Message:
        pdu = self._submit_sm(row)
        message = Message(
            row.message_id,
            pdu,
            self._account(row.account),
            None if row.bind < 0 else _of(self._binds, row.bind, "session"),
            _of(self._routes, row.route, "route"),
            self._at(row.accepted_at),
            _wall(row.accepted_wall),
            self._at(row.expires_at),
            _outcome(row.outcome),
            row.shelf,
        )
        message.next_at = NEVER if row.next_at == NEVER else self.due(row.next_at)
        message.due_at = NEVER if row.due_at == NEVER else self.due(row.due_at)
        message.ticket = row.ticket
        message.final_wall = _wall(row.final_wall)
        message.state = row.state
        message.error_code = row.error_code
        message.attempts = row.attempts
        message.failures = row.failures
        message.receipt = RECEIPT_PENDING if row.receipt == RECEIPT_SENT else row.receipt
        if row.assembly >= 0:
            message.assembly = self._assembly(row.assembly)
        if row.state >= FIRST_FINAL:
            if row.due_at != NEVER:
                raise StateError("a message is final, and something is planned for it")
        elif row.receipt:
            raise StateError("a message is not final, and has a receipt")
        return message

    @staticmethod
    def _submit_sm(row: MessageRow) -> SubmitSm:
        for words in (
            row.message_id,
            row.service_type,
            row.source_addr,
            row.destination_addr,
            row.schedule_delivery_time,
            row.validity_period,
        ):
            if b"\0" in words:
                raise StateError("a C-octet string of a message has a NUL in it")
        return (DataRecord if row.is_data_sm else SubmitSm)(
            row.sequence_number,
            0,
            row.service_type,
            row.source_addr_ton,
            row.source_addr_npi,
            row.source_addr,
            row.dest_addr_ton,
            row.dest_addr_npi,
            row.destination_addr,
            row.esm_class,
            row.protocol_id,
            row.priority_flag,
            row.schedule_delivery_time,
            row.validity_period,
            row.registered_delivery,
            row.replace_if_present_flag,
            row.data_coding,
            row.sm_default_msg_id,
            row.short_message,
            tuple(Tlv(tag, value) for tag, value in row.tlvs) if row.tlvs else (),
            row.trailing,
        )

    def _take_assemblies(self, rows: list[AssemblyRow]) -> None:
        for row in rows:
            assembly = self._assembly(self._whole)
            self._whole += 1
            esme = self._account(row.account)
            assembly.key = esme, row.source_addr, row.destination_addr, row.kind, row.reference, row.total
            assembly.total = row.total
            assembly.carrier = row.carrier
            assembly.final = row.final
            assembly.verdict = None if row.verdict is None else Verdict(*row.verdict)
            assembly.started_at = self._at(row.started_at)
            if not row.parts or len({seq for seq, _ in row.parts}) != len(row.parts) or row.carrier > row.total:
                raise StateError("a long message has no parts, or one of them twice")
        self._rows.setdefault("assemblies", []).extend(rows)

    # -- putting it together ------------------------------------------------------------------------------------------

    def link(self) -> Iterator[None]:
        """Put together what refers to each other, with chances for others to have a turn. Raises StateError."""
        row = self._row
        if row is None:
            raise StateError("it has no engine")
        if len(self._accounts) != len(self._engine.esmes) or len(self._routes) != len(self._engine.routes):
            raise StateError("an account or a route is missing")
        self._order_names()
        engine, life = self._engine, self._engine.life
        engine.ledger.messages.finish()
        yield from self._link("assemblies", self._link_assembly)
        if self._whole != len(self._assemblies):
            raise StateError("a long message is missing")
        yield from self._link_messages(row)
        yield from self._link("done", self._link_done)
        yield from self._link("decided", self._link_decided)
        yield from self._link("queued", self._link_queued)
        yield from self._link("fates", self._link_fate)
        yield from self._link("waiting", self._link_waiting)
        yield from self._link("paths", self._link_path)
        yield from self._link_alerts(row)
        yield from self._link("replies", self._link_reply)
        references = {esme: account.reply_reference for esme, account in self._with_rows() if account.reply_reference}
        life.replies.go_on_from(row.reply_tickets, references)
        yield from self._link_broadcasts(row)
        if row.has_handsets:
            life.put_back_shown([self._shown(one) for one in self._rows.get("handsets", ())])
        # What was noted here while things were put back stands in the stories, at its time of then.
        engine.history.begin_anew()
        yield from self._link("stories", self._link_story)
        for esme, account in self._with_rows():
            self._resume(esme.throughput, account.arrival)
            for address in account.refused:
                engine.outbox.put_back_refused(esme, address)
        for route, one in zip(self._routes, self._rows.get("routes", ()), strict=True):
            self._resume(route.throughput, one.arrival)

    def check(self) -> None:
        """All is linked, what others keep included: the sums must be right. Raises StateError."""
        row = cast("EngineRow", self._row)
        in_flight = self._engine.ledger.in_flight
        if in_flight != row.in_flight:
            raise StateError(f"it says that {row.in_flight} messages are not final, and has {in_flight}")
        if self._live != row.live:
            raise StateError(f"it says that {row.live} messages and deliveries are alive, and has {self._live}")

    def _with_rows(self) -> Iterator[tuple[EsmeState, AccountRow]]:
        return zip(self._accounts, self._rows.get("accounts", ()), strict=True)

    def _order_names(self) -> None:
        """Accounts and routes stand in the order in which they did."""
        engine = self._engine
        engine.esmes = {esme.system_id: esme for esme in self._accounts}
        engine.routes = {route.name: route for route in self._routes}

    def _link(self, section: str, link: Callable[[Any], None]) -> Iterator[None]:
        rows = self._rows.pop(section, [])
        for count, row in enumerate(rows, 1):
            link(row)
            if count % STEP == 0:
                yield

    def _link_assembly(self, row: AssemblyRow) -> None:
        assembly = self._assemblies[self._linked]
        self._linked += 1
        assembly.parts = {seq: self.message(part) for seq, part in row.parts}
        if row.is_open:
            self._engine.multipart.put_back(assembly)

    def _link_messages(self, row: EngineRow) -> Iterator[None]:
        """Plan what is planned, and count what is not final."""
        life, ledger = self._engine.life, self._engine.ledger
        for count, (message, place) in enumerate(zip(islice(self._messages, self._kept), self._places, strict=True), 1):
            self._live += place != Place.ENTRY and message.receipt != RECEIPT_SETTLED
            if message.state < FIRST_FINAL:
                if place == Place.ENTRY:
                    raise StateError("a message is forgotten, and not final")
                ledger.in_flight += 1
                if message.due_at != NEVER:
                    self._check_ticket("message_tickets", message.ticket)
                life.put_back_plan(message)
            if count % STEP == 0:
                yield
        life.schedule.go_on_from(row.message_tickets)
        life.retries.go_on_from(row.retry_tickets)

    def _link_done(self, row: NumberRow) -> None:
        message = self.message(row.number)
        if message.receipt != RECEIPT_SETTLED or row.number >= self._kept or row.number in self._reported:
            raise StateError("a message is done with that is not, or twice")
        self._reported.add(row.number)
        self._engine.ledger.put_back_done(message)

    def _link_decided(self, row: NumberRow) -> None:
        self._engine.life.put_back_decided(self.message(row.number))

    def _link_queued(self, row: NumberRow) -> None:
        message = self.message(row.number)
        if message.state >= FIRST_FINAL:
            raise StateError("a message waits for its route, and is final")
        self._engine.life.put_back_queued(message)

    def _link_fate(self, row: FateRow) -> None:
        try:
            self._engine.life.fates[self.message(row.message)] = self._fate(row.fate)
        except StateError:
            raise
        except ValueError as error:
            raise StateError(f"what is decided about a message cannot be read: {error}") from None

    def _link_story(self, row: StoryRow) -> None:
        if row.message >= self._kept:
            raise StateError("something is told of a message that is forgotten")
        story = Story()
        story.dropped = row.dropped
        story.events = [_event(one) for one in row.events]
        try:
            self._engine.history.put_back(self.message(row.message), story)
        except ValueError as error:
            raise StateError(str(error)) from None

    def _link_waiting(self, row: WaitingRow) -> None:
        item = self.item(row.item, row.account)
        plan = row.plan
        if plan is not None:
            due = self.due(plan[0])
            plan = due, self._check_ticket("retry_tickets", plan[1])
            self._engine.life.retries.put_back(due, plan[1], item)
        self._engine.outbox.put_back(Waiting(item, plan, row.was_sent))

    def item(self, row: Item, account: int) -> Deliverable:
        """What waits for an account."""
        item = self._item_of(row, account)
        is_underway = isinstance(row, ForwardItem) and row.is_underway
        # A receipt, what stands in for one, and a forward are counted with their message.
        self._live += not (
            is_underway or isinstance(row, ReceiptItem) or (isinstance(item, Restated) and item.stands_in)
        )
        self._engine.life.put_back_delivery(item, is_underway=is_underway)
        return item

    def _item_of(self, row: Item, account: int) -> Deliverable:
        esme = self._account(account)
        if isinstance(row, DeliveryItem):
            bind = None if row.bind < 0 else _of(self._binds, row.bind, "session")
            accepted_at, expires_at = self._at(row.accepted_at), self._at(row.expires_at)
            return _sent(Delivery(row.kind, row.body, esme, bind, accepted_at, expires_at), row.attempts)
        if isinstance(row, MobileItem):
            return self._offered_mobile(row, esme)
        message = self.message(row.message)
        if isinstance(row, ForwardItem):
            forward = Forward(message, esme, self._at(row.accepted_at))
            forward.expires_at = self._at(row.expires_at)
            forward.outcome = _outcome(row.outcome)
            return _sent(forward, row.attempts)
        if message.esme is not esme:
            raise StateError("an account waits for the report of another account's message")
        if isinstance(row, ReceiptItem):
            if message.receipt != RECEIPT_PENDING or row.message in self._reported:
                raise StateError("a receipt waits that is not pending, or twice")
            self._reported.add(row.message)
            return message
        if isinstance(row, NotificationItem):
            notification = Notification(message, self._at(row.expires_at))
            notification.told = row.told
            return _sent(notification, row.attempts)
        if isinstance(row, AcceptanceItem):
            return _sent(Acceptance(message, self._at(row.expires_at)), row.attempts)
        if isinstance(row, HandsetItem):
            accepted_at, expires_at = self._at(row.accepted_at), self._at(row.expires_at)
            return _sent(HandsetAcknowledgement(message, row.esm_class, accepted_at, expires_at), row.attempts)
        return self._restated(row, message)

    def _offered_mobile(self, row: MobileItem, esme: EsmeState) -> MobileOriginated:
        mobile = self.mobile(row.number)
        if mobile.esme is not esme or mobile.ended is not None or row.number in self._offered:
            raise StateError("a mobile originated message waits for another account, or is over, or waits twice")
        self._offered.add(row.number)
        return mobile

    def _restated(self, row: RestatedItem, message: Message) -> Restated:
        if row.stands_in:
            if message.state < FIRST_FINAL or row.message in self._reported:
                raise StateError("a receipt stands in for one that does not wait, or twice")
            self._reported.add(row.message)
        return _sent(Restated(message, self.message(row.record), stands_in=row.stands_in), row.attempts)

    def _link_path(self, row: PathRow) -> None:
        receiver, sender = self._account(row.receiver), self._account(row.sender)
        self._engine.peers.put_back(receiver, row.source_addr, sender, row.asked)

    def _link_alerts(self, row: EngineRow) -> Iterator[None]:
        alerts = self._engine.life.alerts
        flags: list[Alert] = []

        def link(one: AlertRow) -> None:
            alert = Alert(
                self._account(one.account),
                one.source_addr_ton,
                one.source_addr_npi,
                one.source_addr,
                one.esme_addr_ton,
                one.esme_addr_npi,
                one.esme_addr,
            )
            flags.append(alert)
            if not one.is_due:
                self._check_ticket("alert_tickets", one.ticket)
            times = self._at(one.expires_at), self.due(one.back_at)
            alerts.put_back(Standing(alert, *times, one.ticket), is_due=one.is_due)

        yield from self._link("alerts", link)
        alerts.go_on_from(row.alert_tickets)
        yield from self._link("alerts_due", lambda one: alerts.put_back_due(_of(flags, one.number, "flag")))

    def _link_reply(self, row: ReplyRow) -> None:
        esme = self._account(row.account)
        pdu = SubmitSm(
            source_addr_ton=row.source_addr_ton,
            source_addr_npi=row.source_addr_npi,
            source_addr=row.source_addr,
            dest_addr_ton=row.dest_addr_ton,
            dest_addr_npi=row.dest_addr_npi,
            destination_addr=row.destination_addr,
        )
        reply = SavedReply(row)
        self._check_ticket("reply_tickets", row.ticket)
        self._engine.life.replies.put_back(self.due(row.due), row.ticket, WaitingReply(esme, pdu, reply))

    def _link_broadcasts(self, row: EngineRow) -> Iterator[None]:
        broadcasts = self._engine.broadcasts
        records: list[Broadcast] = []

        def link(one: BroadcastRow) -> None:
            broadcast = self._broadcast_of(one)
            records.append(broadcast)
            broadcasts.put_back(broadcast, is_newest=one.is_newest)

        yield from self._link("broadcasts", link)
        broadcasts.go_on_from(row.broadcast_tickets)
        yield from self._link(
            "broadcasts_done", lambda one: broadcasts.put_back_done(_of(records, one.number, "broadcast"))
        )

    def _broadcast_of(self, row: BroadcastRow) -> Broadcast:
        pdu = BroadcastSm(
            sequence_number=row.sequence_number,
            service_type=row.service_type,
            source_addr_ton=row.source_addr_ton,
            source_addr_npi=row.source_addr_npi,
            source_addr=row.source_addr,
            message_id=row.named_id,
            priority_flag=row.priority_flag,
            schedule_delivery_time=row.schedule_delivery_time,
            validity_period=row.validity_period,
            replace_if_present_flag=row.replace_if_present_flag,
            data_coding=row.data_coding,
            sm_default_msg_id=row.sm_default_msg_id,
            tlvs=tuple(Tlv(tag, value) for tag, value in row.tlvs),
            trailing=row.trailing,
        )
        broadcast = Broadcast(
            row.message_id,
            self._account(row.account),
            pdu,
            tuple(row.areas),
            now=self._engine.clock.now(),
            start_at=self._at(row.start_at),
            expires_at=self._at(row.expires_at),
            ends_at=self._at(row.ends_at),
        )
        broadcast.ended_at = self._at(row.ended_at)
        broadcast.ended_wall = _wall(row.ended_wall)
        broadcast.state = row.state
        broadcast.due_at = NEVER if row.due_at == NEVER else self.due(row.due_at)
        broadcast.ticket = row.ticket
        if not broadcast.is_final:
            if broadcast.due_at == NEVER:
                raise StateError("a broadcast is not final, and nothing is planned for it")
            self._check_ticket("broadcast_tickets", row.ticket)
        return broadcast

    def _shown(self, row: ShownRow) -> Message | Assembly:
        if row.message >= 0:
            return self.message(row.message)
        return _known(self._assemblies, row.assembly)

    # -- references and times -----------------------------------------------------------------------------------------

    def message(self, number: int) -> Message:
        """The message of this number."""
        return _of(self._messages, number, "message")

    def _account(self, number: int) -> EsmeState:
        return _of(self._accounts, number, "account")

    def account(self, number: int) -> EsmeState:
        """The account of this number."""
        return self._account(number)

    def bind(self, number: int) -> Bind:
        """The session of this number."""
        return _of(self._binds, number, "session")

    def mobile(self, number: int) -> MobileOriginated:
        """The deliver_sm from a subscriber of this number."""
        return _of(self._mobiles, number, "mobile originated message")

    def is_offered(self, number: int) -> bool:
        """Whether the deliver_sm from a subscriber of this number waits for its ESME."""
        return number in self._offered

    def _assembly(self, number: int) -> Assembly:
        """The assembly of this number, which may have to be filled in yet."""
        assembly = self._assemblies.get(number)
        if assembly is None:
            assembly = self._assemblies[number] = Assembly.__new__(Assembly)
        return assembly

    def due(self, moment: float) -> float:
        """The same of a time at which something is due. Raises StateError."""
        due = self._at(moment)
        if not isfinite(due):
            raise StateError(f"{moment} is no time at which anything can be due")
        return due

    def at(self, moment: float) -> float:
        """A time of the clock then as one of the clock now. Raises StateError."""
        return self._at(moment)

    def _at(self, moment: float) -> float:
        if not -LONGEST <= moment <= LONGEST and moment not in (NEVER, -NEVER):
            raise StateError(f"{moment} is no time")
        return moment + self._shift if self._shift else moment

    def _check_ticket(self, counter: str, ticket: int) -> int:
        """A ticket, which has been given out, and once. Raises StateError."""
        given = getattr(self._row, counter)
        if not (0 < ticket <= given and self._tickets.setdefault(counter, Once()).add(ticket)):
            raise StateError(f"something is planned under ticket {ticket}, which was given to nobody or twice")
        return ticket

    def _resume(self, limiter: Limiter | None, arrival: float | None) -> None:
        if limiter is not None and arrival is not None:
            limiter.window.go_on_from(self._at(arrival))


S = TypeVar("S", bound=Delivery)


def _sent(delivery: S, attempts: int) -> S:
    """A delivery that has been sent so often."""
    delivery.attempts = attempts
    return delivery


def _of(things: Sequence[T], number: int, kind: str) -> T:
    """The thing of this number."""
    if not 0 <= number < len(things):
        raise _lack(kind, number)
    return things[number]


def _known(things: dict[int, T], number: int) -> T:
    if number not in things:
        raise _lack("long message", number)
    return things[number]


def _lack(kind: str, number: int) -> StateError:
    return StateError(f"it refers to {kind} {number}, and has none of this number")


def _event(row: EventRow) -> Event:
    if row.kind not in KINDS:
        raise StateError(f"a message has an event {row.kind[:80]!r} that this server does not know")
    next_wall = None if row.next_wall is None else _wall(row.next_wall)
    return Event(
        _wall(row.wall),
        row.kind,
        row.what,
        row.session,
        row.detail,
        row.number,
        row.status,
        row.error_code,
        row.state,
        next_wall,
    )


def _wall(moment: float) -> float:
    if not 0 <= moment < LATEST_WALL:
        raise StateError(f"{moment} is no date")
    return moment


def _counts(states: Iterable[int]) -> list[int]:
    """Counters by state, one for each."""
    counts = list(states)
    if len(counts) != STATE_COUNT:
        raise StateError(f"an account or a route counts {len(counts)} states, there are {STATE_COUNT}")
    return counts


def _outcome(outcome: int | tuple[int, int]) -> Outcome:
    if outcome == OUTCOME_UNDECIDED:
        return UNDECIDED
    if outcome == OUTCOME_TAKEN:
        return TAKEN
    if isinstance(outcome, int):
        raise StateError(f"{outcome} is no outcome")
    return Outcome(*outcome)
