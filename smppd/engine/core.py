"""The engine: takes batches of submissions, moves each message through its life, and keeps what it promised.

Everything happens in two calls. `submit` and its siblings take what one read of a session brought and answer at once.
`run` does whatever is due: outcomes of the network, paced queues, receipts; it returns when it wants to be called
again. Nothing leaves inside `submit`, so a receipt can never overtake its submit_sm_resp.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from itertools import repeat
from math import nextafter
from typing import TYPE_CHECKING, Final, cast

from smppd.engine.alerts import Alerts, asks_for_dpf
from smppd.engine.broadcast import Broadcasts
from smppd.engine.esmes import DELIVERY_ACK, MANUAL_ACK, Delivery, EsmeState, HandsetAcknowledgement, Notification
from smppd.engine.handsets import Handsets
from smppd.engine.message import (
    DELETED,
    DELIVERED,
    ENROUTE,
    EXPIRED,
    FIRST_FINAL,
    INTERMEDIATE_MASK,
    MODE_MASK,
    NEVER,
    ONE_ATTEMPT,
    RECEIPT_ALWAYS,
    RECEIPT_BITS,
    RECEIPT_PENDING,
    RECEIPT_SETTLED,
    SCHEDULED,
    SME_ACKS_MASK,
    SUCCESSES,
    TRANSACTION,
    UNDECIDED,
    UNDELIVERABLE,
    Group,
    Message,
    lifetime_of,
    requests_of,
    wants_receipt,
)
from smppd.engine.multipart import Multipart
from smppd.engine.outbox import Outbox
from smppd.engine.peers import ABSENT, TAKEN, Forward, Peers
from smppd.engine.pending import PendingIndex
from smppd.engine.ports import DEFERRED, Outcome
from smppd.engine.queues import PASSES, WAITS, RouteState
from smppd.engine.retry import pause_after
from smppd.engine.router import Router
from smppd.engine.scheduler import Schedule
from smppd.engine.slices import Slices
from smppd.engine.submit_multi import DistributionLists
from smppd.engine.transactions import Transactions
from smppd.patterns import AddressRange
from smppwire.constants import CommandStatus
from smppwire.errors import TextError
from smppwire.flags import wants_delivery_acknowledgement, wants_manual_acknowledgement
from smppwire.smpp_time import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from smppd.engine.esmes import Bind, Deliverable
    from smppd.engine.multipart import Assembly
    from smppd.engine.ports import Clock, Dialect, Network, Observer
    from smppd.engine.transactions import Request
    from smppd.settings import Settings
    from smppwire.pdus import SubmitSm

FIRST_ID: Final = 1_000_000_000
"""Ten decimal digits from the first message on, so that no decimal id is ever spelled like one of 8 hex digits."""

END_OF_IDS: Final = 10_000_000_000
"""Here ids begin again with `FIRST_ID`, to stay within ten digits: what is still known of the first message by then is
older than nine thousand million others."""

HEX_IDS: Final = 1 << 32
"""How many ids of 8 hex digits there are, for ESMEs below 3.4."""

HEX_ID_LENGTH: Final = 8
"""Characters of a message_id in SMPP 3.3."""

EVENTS_PER_TURN: Final = 1000
"""Due events and finished messages handled per turn of the loop: about a millisecond between two reads."""

EVENTS_IN_A_FLOOD: Final = 16_000
"""The same while turn after turn leaves something over: the quantum doubles up to here, or to twice what the sessions
have brought since the last turn if that is more. So the work behind the submissions keeps pace with them however fast
they come and however many sessions bring them, and nothing piles up until `[messages] limit` refuses it."""

SWEEP_SECONDS: Final = 1.0
"""How often deliverables of absent ESMEs are checked for expiry."""

RINVDSTADR: Final = int(CommandStatus.ESME_RINVDSTADR)
RINVEXPIRY: Final = int(CommandStatus.ESME_RINVEXPIRY)
RINVSCHED: Final = int(CommandStatus.ESME_RINVSCHED)
RMSGQFUL: Final = int(CommandStatus.ESME_RMSGQFUL)

DELETED_OUTCOME: Final = Outcome(DELETED)


class Engine:
    """Messages, routes and accounts of one message centre."""

    def __init__(
        self,
        settings: Settings,
        networks: Mapping[str, Network],
        *,
        clock: Clock,
        dialect: Dialect,
        observer: Observer,
        wake: Callable[[], None],
    ) -> None:
        """Build an engine.

        Args:
            settings: accounts, routes and limits.
            networks: the networks that routes name.
            clock: time.
            dialect: how receipts are written.
            observer: is told about batches.
            wake: called when `run` should be called soon, possibly many times in a row.
        """
        self.clock = clock
        self.dialect = dialect
        self.observer = observer
        self.wake = wake
        self.messages: dict[bytes, Message] = {}
        self.esmes: dict[str, EsmeState] = {}
        self.routes: dict[str, RouteState] = {}
        self.in_flight = 0
        self.outbox = Outbox(dialect, observer, self._settle, self._reported, self._offer_later)
        self._handsets: Handsets | None = None
        self.multipart = Multipart(
            report=self._report, report_whole=self._report_whole, settle=self._settle, show=self._show_whole
        )
        self.slices = Slices(wake)
        self._next_id = FIRST_ID
        self._live = 0
        """What `[messages] limit` bounds: messages that are not final, and all that is not done with by the outbox."""
        self._done: deque[Message] = deque()
        self._ready: deque[Message | list[Message]] = deque()
        """What the network has decided at once: messages, and batches of those that nothing is special about."""
        self._has_batches = False
        """Whether there may be batches among them."""
        self._woken = False
        """Whether `wake` has been called since the last turn."""
        self._queued: dict[RouteState, None] = {}
        """The routes in whose queues something waits."""
        self._schedule: Schedule[Message] = Schedule()
        self._retries: Schedule[Deliverable] = Schedule()
        self._transactions = Transactions()
        self._alerts = Alerts()
        self._notified: set[Message] = set()
        """The messages with a notification that is not settled: there is one at a time."""
        self._pending: PendingIndex | None = None
        self.peers = Peers()
        self._forwards: dict[Message, Forward] = {}
        """The messages that are on their way to an ESME and not final."""
        self.broadcasts = Broadcasts()
        self._sweep_at = 0.0
        self._quantum = EVENTS_PER_TURN
        self._intake = 0
        """Messages accepted since the last turn."""
        self._apply(settings, networks)

    # -- configuration -------------------------------------------------------------------------------------------

    def configure(self, settings: Settings, networks: Mapping[str, Network]) -> None:
        """Take new settings while running: known accounts and routes keep what they hold.

        Those that are gone keep their state, so that nothing is lost and no counter falls to zero. The sessions of such
        an account go on, and its receipts wait for it to come back. Such a route takes no new messages, and what waits
        in its queue or is scheduled on it goes its way under the route's last settings.
        """
        self._apply(settings, networks)
        self.wake()

    def _apply(self, settings: Settings, networks: Mapping[str, Network]) -> None:
        self._limit = settings.messages.limit
        self._retain = settings.messages.retain
        self._validity = settings.messages.default_validity
        self._max_validity = settings.messages.max_validity
        self.broadcasts.configure(settings.messages)
        self.multipart.timeout = settings.messages.multipart_timeout
        self.lists = DistributionLists(settings.distribution_list)
        self._retry_steps = tuple(settings.messages.retry)
        self._transaction_timeout = settings.messages.transaction_timeout
        for account in settings.account:
            esme = self.esmes.get(account.system_id)
            if esme is None:
                self.esmes[account.system_id] = EsmeState(account)
            else:
                esme.configure(account)
        self.peers.configure(
            (self.esmes[account.system_id], AddressRange(account.address_range))
            for account in settings.account
            if account.enabled
        )
        for route in settings.route:
            state = self.routes.get(route.name)
            if state is None:
                self.routes[route.name] = RouteState(route, networks[route.network])
            else:
                state.configure(route, networks[route.network])
        self._router: Router[RouteState] = Router([(route.match, self.routes[route.name]) for route in settings.route])

    # -- binds -------------------------------------------------------------------------------------------------------

    def open_bind(self, bind: Bind) -> None:
        """A session bound: what waits for its account may flow."""
        self.outbox.opened(bind)
        if bind.receives:
            self.wake()

    def close_bind(self, bind: Bind, unacknowledged: Sequence[Deliverable]) -> None:
        """A session ended; `unacknowledged` is what its window still held."""
        self.outbox.closed(bind, unacknowledged)
        self.wake()

    def bind_has_room(self, bind: Bind) -> None:
        """The session can be written to again."""
        self.outbox.activate(bind.esme)
        self.wake()

    def acknowledged(self, answers: Iterable[tuple[Deliverable, int]]) -> None:
        """Responses to deliver_sm: each deliverable with the command_status the ESME gave."""
        self.outbox.acknowledged(answers)
        if not self._woken:
            self._woken = True
            self.wake()

    def unanswered(self, items: Iterable[Deliverable]) -> None:
        """Deliver_sm whose response timer ran out."""
        self.outbox.unanswered(items)
        self.wake()

    def deliver(self, kind: str, system_id: str, body: bytes, *, bind: Bind | None = None) -> bool:
        """Queue a deliver_sm of one's own making for an account; False when it is unknown, or at the limit."""
        esme = self.esmes.get(system_id)
        if esme is None or self._live >= self._limit:
            return False
        now = self.clock.now()
        self._live += 1
        self.outbox.add(Delivery(kind, body, esme, bind, now, now + self._validity))
        self.wake()
        return True

    def congestion(self, bind: Bind) -> int:
        """How full the server is for this bind, in percent: what congestion_state says (SMPP 5.0 section 4.8.4.18).

        The fullest counts: the messages that are alive, the queue of any route, or the account's throughput window. 100
        is said only when something is full, 0 only when all is idle.
        """
        shares = [self._live / self._limit]
        shares += [len(route.queue) / max(1, route.queue_limit) for route in self._queued]
        if bind.esme.throughput is not None:
            shares.append(bind.esme.throughput.window.fullness(self.clock.now()))
        share = min(1.0, max(shares))
        return max(int(100 * share), share > 0.0)

    # -- intake -------------------------------------------------------------------------------------------------------

    def submit(self, bind: Bind, pdus: Sequence[SubmitSm]) -> list[bytes | int]:
        """Take a batch of submit_sm of one session.

        Returns, for each, the message_id it was accepted under, or the command_status that refuses it, or DEFERRED
        when its outcome is its answer.
        """
        now = self.clock.now()
        wall = self.clock.wall()
        esme = bind.esme
        statuses = bind.judge.statuses(pdus)
        answers: list[bytes | int] = []
        if not (
            esme.throughput is not None or bind.hex_ids or self.peers.active or self._live + len(pdus) > self._limit
        ):
            accepted = self._submit_plain(bind, pdus, statuses, answers, now, wall)
            if accepted:
                self._enter(esme, accepted)
        done = len(answers)
        if done < len(pdus):
            self._submit_any(bind, pdus[done:], statuses and statuses[done:], answers, now, wall)
        if self._intake and not self._woken:
            self._woken = True
            self.wake()
        return answers

    def _submit_plain(
        self,
        bind: Bind,
        pdus: Sequence[SubmitSm],
        statuses: Sequence[int] | None,
        answers: list[bytes | int],
        now: float,
        wall: float,
    ) -> int:
        """Take the first of a batch, as long as nothing is special about them: their route decides at once.

        What becomes of them waits in `_ready`, in lists whose messages have the bind, the route, the outcome and the
        registered_delivery in common, so that the next turn need not look at each of them. Returns how many there are.
        """
        esme = bind.esme
        only = self._router.only
        messages = self.messages
        expires_at = now + self._validity
        route: RouteState | None = None
        outcome = UNDECIDED
        asked = 0
        batch: list[Message] = []
        first_id = next_id = self._ids(len(pdus))
        for pdu, status in zip(pdus, statuses or repeat(0)):  # noqa: B905  # there is one for each
            if status:
                answers.append(status)
                continue
            if (
                pdu.esm_class
                or pdu.tlvs
                or pdu.schedule_delivery_time
                or pdu.validity_period
                or pdu.replace_if_present_flag
            ):
                break
            towards = only or self._router.find(esme.system_id, pdu)
            registered = pdu.registered_delivery
            if towards is not route or registered != asked or route is None:
                if towards is None:
                    answers.append(RINVDSTADR)
                    continue
                if towards.at_once is None or registered > RECEIPT_BITS:
                    break
                if batch:
                    self._decided(batch)
                    batch = []
                route, outcome, asked = towards, towards.at_once, registered
            message_id = b"%d" % next_id
            next_id += 1
            message = Message(message_id, pdu, esme, bind, towards, now, wall, expires_at, outcome)
            messages[message_id] = message
            batch.append(message)
            answers.append(message_id)
        if batch:
            self._next_id = next_id
            self._decided(batch)
        return next_id - first_id

    def _decided(self, batch: list[Message]) -> None:
        """Have the next turn finish messages that were accepted together, and whose fate is known."""
        batch[0].route.states[ENROUTE] += len(batch)
        self._ready.append(batch)
        self._has_batches = True
        if self._pending is not None:
            for message in batch:
                self._pending.add(message)

    def _submit_any(
        self,
        bind: Bind,
        pdus: Sequence[SubmitSm],
        statuses: Sequence[int] | None,
        answers: list[bytes | int],
        now: float,
        wall: float,
    ) -> None:
        """Take what comes, message by message."""
        esme = bind.esme
        system_id = esme.system_id
        limiter = esme.throughput
        find_route = self._router.find
        messages = self.messages
        pending = self._pending
        hex_ids = bind.hex_ids
        expires_at = now + self._validity
        free = self._limit - self._live
        answer = answers.append
        dispatch: list[Message] = []
        accepted = 0
        throttled = 0
        overflowing = 0
        next_id = self._ids(len(pdus))
        is_50 = bind.is_50
        for pdu, status in zip(pdus, statuses or repeat(0)):  # noqa: B905  # there is one for each
            if status:
                answer(status)
                continue
            if limiter is not None and not limiter.admit(pdu, now):
                throttled += 1
                answer(esme.over_status)
                continue
            route = find_route(system_id, pdu)
            if route is None:
                answer(RINVDSTADR)
                continue
            if free <= 0:
                overflowing += 1
                answer(RMSGQFUL)
                continue
            if (
                pdu.schedule_delivery_time
                or pdu.validity_period
                or pdu.replace_if_present_flag
                or pdu.esm_class & MODE_MASK
                or (is_50 and pdu.tlvs and lifetime_of(bind, pdu) is not None)
            ):
                # It may find what came before it, and must not overtake it: neither in time nor in the network's dice.
                self._next_id = next_id
                self._enter(esme, accepted)
                self._dispatch(dispatch, now)
                answer(self._submit_timed(bind, pdu, route, now, wall))
                accepted = 0
                dispatch = []
                next_id = self._next_id
                free = self._limit - self._live
                pending = self._pending
                continue
            if route.throughput is not None:
                status = self._judge(esme, route, pdu, now)
                if status > 0:
                    answer(status)
                    continue
            message_id = b"%d" % next_id if not hex_ids else b"%08X" % (next_id % HEX_IDS)
            next_id += 1
            message = Message(message_id, pdu, esme, bind, route, now, wall, expires_at)
            messages[message_id] = message
            if pending is not None:
                pending.add(message)
            if pdu.esm_class or pdu.tlvs:
                self.multipart.take(message, now)
            route.states[ENROUTE] += 1
            accepted += 1
            free -= 1
            if status == WAITS:
                self._enqueue(message)
            else:
                dispatch.append(message)
            answer(message_id)
        self._next_id = next_id
        if accepted:
            self._enter(esme, accepted)
            self._dispatch(dispatch, now)
        if throttled:
            self.observer.throttled(system_id, "account", throttled)
        if overflowing:
            self.observer.throttled(system_id, "limit", overflowing)

    def _ids(self, count: int) -> int:
        """The first of `count` numbers for message_ids that follow each other; they are taken by moving `_next_id`."""
        if self._next_id + count > END_OF_IDS:
            self._next_id = FIRST_ID
        return self._next_id

    def _enter(self, esme: EsmeState, accepted: int) -> None:
        """Count messages of one account that were accepted ENROUTE."""
        esme.states[ENROUTE] += accepted
        self._intake += accepted
        self._live += accepted
        self.in_flight += accepted

    def _judge(self, esme: EsmeState, route: RouteState, pdu: SubmitSm, now: float) -> int:
        """What the route says (`RouteState.judge`), refusals counted."""
        status = route.judge(pdu, now)
        if status > 0:
            self.observer.throttled(esme.system_id, "queue" if route.paces else "route", 1)
        return status

    def accept(
        self,
        bind: Bind,
        pdu: SubmitSm,
        route: RouteState,
        *,
        now: float,
        wall: float,
        start_at: float,
        expires_at: float,
        message_id: bytes | None = None,
        group: Group | None = None,
        held: list[tuple[Message, int]] | None = None,
    ) -> Message | int:
        """Take one message off the beaten track: scheduled, with a validity of its own, or one of a submit_multi.

        The caller has judged the PDU and found the route. Returns the message, or the command_status that refuses it:
        ESME_RINVSCHED also when it shall be scheduled in a mode that delivers at once. With `held` the message is
        appended there, and stays where it is until it is handed to `let_go`.
        """
        esme = bind.esme
        if self._live >= self._limit:
            self.observer.throttled(esme.system_id, "limit", 1)
            return RMSGQFUL
        is_scheduled = start_at > now
        mode = pdu.esm_class & MODE_MASK
        if mode in ONE_ATTEMPT and is_scheduled:
            return RINVSCHED
        if mode == TRANSACTION:
            expires_at = min(expires_at, now + self._transaction_timeout)
        status = PASSES if is_scheduled else self._judge(esme, route, pdu, now)
        if status > 0:
            return status
        if message_id is None:
            message_id = self.take_id(hex_ids=bind.hex_ids)
        message = Message(message_id, pdu, esme, bind, route, now, wall, expires_at)
        message.group = group
        if group is not None:
            group.members[message] = None
        self.messages.setdefault(message_id, message)
        if self._pending is not None:
            self._pending.add(message)
        if pdu.esm_class or pdu.tlvs:
            self.multipart.take(message, now)
        self._intake += 1
        self._live += 1
        self.in_flight += 1
        message.state = SCHEDULED if is_scheduled else ENROUTE
        esme.states[message.state] += 1
        route.states[message.state] += 1
        if held is not None:
            if is_scheduled:
                message.next_at = start_at
            route.reserved += status == WAITS
            held.append((message, status))
        elif is_scheduled:
            self._plan(message, start_at)
        elif status == WAITS:
            self._enqueue(message)
        else:
            self._dispatch([message], now)
        self.wake()
        return message

    def let_go(self, held: Iterable[tuple[Message, int]]) -> None:
        """Send those on their way that `accept` has held: their submit_multi is answered."""
        dispatch: list[Message] = []
        for message, status in held:
            message.route.reserved -= status == WAITS
            if message.state == SCHEDULED:
                self._plan(message, message.next_at)
            elif message.state == ENROUTE:
                if status == WAITS:
                    self._enqueue(message)
                else:
                    dispatch.append(message)
        self._dispatch(dispatch, self.clock.now())
        self.wake()

    def answer_with_outcome(self, message: Message, bind: Bind, request: Request) -> bool:
        """Have the request answered by what becomes of its message, if that is the mode it asks for; whether it is."""
        if message.pdu.esm_class & MODE_MASK != TRANSACTION:
            return False
        self._transactions.open(message, bind, request)
        return True

    def take_id(self, *, hex_ids: bool) -> bytes:
        """The next message_id: decimal, or 8 hex digits for ESMEs below 3.4."""
        number = self._ids(1)
        self._next_id += 1
        return b"%08X" % (number % HEX_IDS) if hex_ids else b"%d" % number

    def route_of(self, bind: Bind, pdu: SubmitSm) -> RouteState | None:
        """The route this PDU would take."""
        return self._router.find(bind.esme.system_id, pdu)

    def admit_to_account(self, bind: Bind, pdu: SubmitSm) -> int:
        """0 when the account's throughput window lets one more message pass, else the refusing command_status."""
        esme = bind.esme
        if esme.throughput is None or esme.throughput.admit(pdu, self.clock.now()):
            return 0
        self.observer.throttled(esme.system_id, "account", 1)
        return esme.over_status

    def validity(self, seconds: float | None) -> float:
        """How long a message lives that asked for so many seconds, or for nothing in particular."""
        return self._validity if seconds is None else min(seconds, self._max_validity)

    def times_of(
        self, schedule: bytes, validity: bytes, now: float, wall: float, lifetime: int | None = None
    ) -> tuple[float, float] | int:
        """When delivery may start and when it ends (engine seconds), or the command_status that refuses the times.

        A schedule in the past means now (SMPP 3.4 section 5.2.15 is silent, message centres do so); a validity that
        is over, or ends before the schedule, is ESME_RINVEXPIRY. A lifetime in seconds supersedes the validity. One
        that is too long is cut to the longest there is, counted from the start as the default is.
        """
        moment = datetime.fromtimestamp(wall, UTC)
        try:
            start = parse_time(schedule, moment)
        except TextError:
            return RINVSCHED
        try:
            end = parse_time(validity, moment)
        except TextError:
            return RINVEXPIRY
        start_at = now if start is None else now + max(0.0, start.timestamp() - wall)
        if lifetime is not None:
            expires_at = now + lifetime
        elif end is not None:
            expires_at = now + (end.timestamp() - wall)
        else:
            return start_at, start_at + self.validity(None)
        if expires_at < start_at:
            return RINVEXPIRY
        return start_at, min(expires_at, start_at + self._max_validity)

    def _submit_timed(self, bind: Bind, pdu: SubmitSm, route: RouteState, now: float, wall: float) -> bytes | int:
        times = self.times_of(pdu.schedule_delivery_time, pdu.validity_period, now, wall, lifetime_of(bind, pdu))
        if isinstance(times, int):
            return times
        if pdu.replace_if_present_flag and pdu.esm_class & MODE_MASK not in ONE_ATTEMPT:
            replaced = self._replace_present(bind, pdu, *times)
            if replaced is not None:
                return replaced.message_id
        message = self.accept(bind, pdu, route, now=now, wall=wall, start_at=times[0], expires_at=times[1])
        if isinstance(message, int):
            return message
        return DEFERRED if self.answer_with_outcome(message, bind, pdu) else message.message_id

    @property
    def handsets(self) -> Handsets:
        """What subscribers have on their screens: the latest texts. Made from the store when first asked for."""
        if self._handsets is None:
            self._handsets = Handsets(each for each in self._all_messages() if not self._is_for_esme(each))
        return self._handsets

    # -- what replaces and cancels ------------------------------------------------------------------------------------

    def pending_towards(self, esme: EsmeState, destination_addr: bytes) -> list[Message]:
        """The account's messages to a destination that are not final, oldest first."""
        if self._pending is None:
            self._pending = PendingIndex(self._all_messages())
        return self._pending.towards(esme, destination_addr)

    def _all_messages(self) -> Iterable[Message]:
        for message in self.messages.values():
            if message.group is None:
                yield message
            else:
                yield from message.group.members

    def _replace_present(self, bind: Bind, pdu: SubmitSm, start_at: float, expires_at: float) -> Message | None:
        """Replace the newest pending message with the same source, destination and service_type (5.2.18).

        It keeps its message_id and its place; all else, its times included, is as submitted now. A session below 3.4
        finds only what has an id that its responses have room for.
        """
        for message in reversed(self.pending_towards(bind.esme, pdu.destination_addr)):
            old = message.pdu
            if (
                not (bind.hex_ids and len(message.message_id) > HEX_ID_LENGTH)
                and old.source_addr == pdu.source_addr
                and old.source_addr_ton == pdu.source_addr_ton
                and old.source_addr_npi == pdu.source_addr_npi
                and old.dest_addr_ton == pdu.dest_addr_ton
                and old.dest_addr_npi == pdu.dest_addr_npi
                and old.service_type == pdu.service_type
                and old.esm_class & MODE_MASK not in ONE_ATTEMPT
            ):
                message.pdu = pdu
                self.replaced(message, self.clock.now())
                self.reschedule(message, start_at, expires_at)
                return message
        return None

    def replaced(self, message: Message, now: float) -> None:
        """The text of a message, and what it asks for, have changed."""
        self._part_batches()
        self.multipart.replaced(message, now)

    def _part_batches(self) -> None:
        """Somebody touches a message: whatever waits to be reported is looked at one by one."""
        if self._has_batches:
            self._has_batches = False
            ready, self._ready = self._ready, deque()
            for entry in ready:
                if entry.__class__ is Message:
                    self._ready.append(entry)
                else:
                    self._ready.extend(cast("list[Message]", entry))

    def reschedule(self, message: Message, start_at: float, expires_at: float) -> None:
        """Give a message another start, or another next attempt, and another end of validity.

        While an attempt is under way, or it waits for its route, the start is no longer of interest.
        """
        message.expires_at = expires_at
        if self._forwards and message in self._forwards:
            self._forwards[message].expires_at = expires_at
        next_at = start_at if message.state == SCHEDULED or message.awaits_retry else message.next_at
        if message.due_at != NEVER:
            self._cancel_plan(message)
            self._plan(message, next_at)
            self.wake()
        else:  # it is held, or its outcome is known and this turn of the loop reports it
            message.next_at = next_at

    def delete(self, message: Message) -> bool:
        """Cancel a message, unless it is final: whatever it waits for, it is DELETED now. Says whether it was not."""
        if message.state >= FIRST_FINAL:
            return False
        self._part_batches()
        self._cancel_plan(message)
        self._finish_early(message, DELETED_OUTCOME, self.clock.now(), self.clock.wall())
        self.wake()
        return True

    # -- the message's way --------------------------------------------------------------------------------------------

    def _plan(self, message: Message, next_at: float) -> None:
        """Look at the message at its next step, or at the end of its validity if that comes first.

        There is at most one such plan for a message at any time.
        """
        message.next_at = next_at
        due_at = message.due_at = min(next_at, message.expires_at)
        message.ticket = self._schedule.add(due_at, message)

    def _cancel_plan(self, message: Message) -> None:
        due_at = message.due_at
        if due_at != NEVER:
            message.due_at = NEVER
            self._schedule.forsake(due_at, message.ticket)

    def _enqueue(self, message: Message) -> None:
        """Have a message wait for the throughput of its route."""
        route = message.route
        route.queue[message] = None
        self._queued[route] = None
        self._plan(message, NEVER)

    def _dispatch(self, messages: list[Message], now: float) -> None:
        """Hand messages to the networks of their routes, runs of one route together; before that to the ESMEs."""
        if self.peers.active:
            messages = self._forward(messages, now)
        start = 0
        count = len(messages)
        ready = self._ready
        while start < count:
            route = messages[start].route
            end = start + 1
            while end < count and messages[end].route is route:
                end += 1
            batch = messages if end - start == count else messages[start:end]
            for message, (delay, outcome) in zip(batch, route.network.attempt(batch, now), strict=True):
                message.outcome = outcome
                if message.pdu.registered_delivery & INTERMEDIATE_MASK and not message.failures:
                    self._notify(message, now)
                if delay <= 0.0:
                    ready.append(message)
                else:
                    self._plan(message, now + delay)
            start = end

    def _forward(self, messages: list[Message], now: float) -> list[Message]:
        """Hand over what goes to an ESME; returns what is left for the networks.

        A message waits there until it is acknowledged, or until its validity ends; one whose mode allows for a single
        attempt fails at once when nobody is there to take it.
        """
        others = []
        for message in messages:
            esme = self.peers.find(message.esme, message.pdu)
            if esme is None:
                others.append(message)
                continue
            forward = Forward(message, esme, now)
            if not esme.receivers():
                message.error_code = ABSENT
                if forward.has_one_attempt:
                    message.outcome = Outcome(UNDELIVERABLE, ABSENT)
                    self._ready.append(message)
                    continue
            self._forwards[message] = forward
            self.peers.remember(esme, message)
            if message.pdu.registered_delivery & INTERMEDIATE_MASK:
                self._notify(message, now)
            self._plan(message, NEVER)
            self.outbox.add(forward)
        return others

    def _forwarded(self, forward: Forward) -> None:
        """The outbox is done with a forwarded message: the next turn of the loop makes it final.

        It is reported like the outcome of a network, because nothing may become final, and be reported to an ESME,
        while the outbox is at work on that ESME's queues.
        """
        message = forward.message
        if self._forwards.pop(message, None) is None:
            self._live -= 1
            return
        outcome = forward.outcome
        if outcome.state == DELIVERED:
            self.peers.remember(forward.esme, message)
        elif forward.expires_at <= self.clock.now():
            outcome = Outcome(EXPIRED, message.error_code)
        message.outcome = outcome
        self._cancel_plan(message)
        self._ready.append(message)

    def _notify(self, message: Message, now: float) -> None:
        """Send an intermediate notification that was asked for: the first attempt is under way, or an attempt failed.

        There is never more than one: it tells how things stand when it leaves, and when it is settled another follows
        if attempts have failed since. At the limit of messages it is left out: nobody refused could be told later, and
        it is a courtesy.
        """
        if message in self._notified or self._live >= self._limit or message.pdu.esm_class & MODE_MASK in ONE_ATTEMPT:
            return
        self._live += 1
        self._notified.add(message)
        self.outbox.add(Notification(message, min(message.expires_at, now + self._validity)))

    def _attempt_failed(self, message: Message, error_code: int, now: float, wall: float) -> None:
        """The network could not deliver now: plan the next attempt, unless the message has but one."""
        message.failures += 1
        message.error_code = error_code
        if message.pdu.esm_class & MODE_MASK in ONE_ATTEMPT:
            self._finish(message, Outcome(UNDELIVERABLE, error_code), now, wall)
            return
        message.outcome = UNDECIDED
        self._plan(message, now + pause_after(message.failures, self._retry_steps))
        if message.pdu.registered_delivery & INTERMEDIATE_MASK:
            self._notify(message, now)

    def _finish_early(self, message: Message, outcome: Outcome, now: float, wall: float) -> None:
        """Finish a message that nobody has tried to deliver, or whose delivery is not awaited any more."""
        route = message.route
        if route.queue:
            route.queue.pop(message, None)
        forward = self._forwards.pop(message, None) if self._forwards else None
        self._finish(message, outcome, now, wall)
        if forward is not None:
            self._live += 1  # counted with its message so far, which may be done with before the outbox lets go of it
            self.outbox.forsake(forward)

    def _finish(self, message: Message, outcome: Outcome, now: float, wall: float) -> None:
        state, error_code = outcome
        if state < FIRST_FINAL:
            self._attempt_failed(message, error_code, now, wall)
            return
        message.state = state
        message.error_code = error_code
        message.final_wall = wall
        # From here on the receipt can expire: it waits for its ESME as long as a message waits for a handset.
        message.expires_at = now + self._validity
        esme = message.esme
        esme.states[state] += 1
        message.route.states[state] += 1
        self.in_flight -= 1
        if self._pending is not None:
            self._pending.discard(message)
        if self._handsets is not None and state == DELIVERED:
            self._show(message, self._handsets)
        pdu = message.pdu
        registered = pdu.registered_delivery
        if registered > RECEIPT_BITS or pdu.esm_class or pdu.tlvs:
            self._conclude(message, now)
        elif registered == RECEIPT_ALWAYS or (registered and wants_receipt(registered, state)):
            self.outbox.add(message)
        else:
            self._settle(message)

    def _conclude(self, message: Message, now: float) -> None:
        """Report a final state in all the ways there are: flag, deferred answer, receipt and acknowledgements."""
        pdu = message.pdu
        mode = pdu.esm_class & MODE_MASK
        dpf = self._flag_absence(message, now) if asks_for_dpf(pdu) else None
        if mode == TRANSACTION:
            self._transactions.settle(message, dpf)
        if message.assembly is None or not self.multipart.finished(message):
            self._report(message)
        registered = requests_of(pdu)
        if registered & SME_ACKS_MASK and message.state == DELIVERED and message.outcome is not TAKEN:
            # (What an ESME took, it acknowledges itself.)
            if wants_delivery_acknowledgement(registered):
                self._acknowledge(message, DELIVERY_ACK, now)
            if wants_manual_acknowledgement(registered):
                self._acknowledge(message, MANUAL_ACK, now)

    def _report(self, message: Message) -> None:
        """A message is final: its receipt leaves if it was asked for."""
        if wants_receipt(requests_of(message.pdu), message.state):
            self.outbox.add(message)
        else:
            self._settle(message)

    def _report_whole(self, message: Message) -> None:
        """All parts of a long message are final: this one's receipt reports for all of them."""
        message.expires_at = self.clock.now() + self._validity
        self.outbox.add(message)

    def _show_whole(self, assembly: Assembly) -> None:
        """All parts of a long message were delivered."""
        if self._handsets is not None and not self._is_for_esme(assembly.first):
            self._handsets.show(assembly)

    def _show(self, message: Message, handsets: Handsets) -> None:
        """A message was delivered; if it is whole by itself, its handset shows it."""
        if message.assembly is None and not self._is_for_esme(message):
            handsets.show(message)

    def _is_for_esme(self, message: Message) -> bool:
        """Whether a message goes to an ESME, which has no screen."""
        return self.peers.active and self.peers.find(message.esme, message.pdu) is not None

    def _flag_absence(self, message: Message, now: float) -> bool:
        """Set a delivery pending flag if the message failed because its subscriber is absent; whether it is set."""
        if not message.failures or message.state in SUCCESSES or message.state == DELETED:
            return False
        back_at = message.route.network.back_at(message, now)
        if back_at is None:
            return False
        self._alerts.remember(message, max(now, back_at), now + self._validity)
        return True

    def _acknowledge(self, message: Message, esm_class: int, now: float) -> None:
        """The handset acknowledges: a message of its own towards the ESME, refused at the limit as any other is."""
        if self._live < self._limit:
            self._live += 1
            self.outbox.add(HandsetAcknowledgement(message, esm_class, now, now + self._validity))

    def _settle(self, item: Deliverable) -> None:
        """A message is final and its receipt is done with: from now on it is only remembered. Or a delivery is."""
        if item.__class__ is Forward:
            self._forwarded(item)
            return
        self._live -= 1
        if item.__class__ is Message:
            item.receipt = RECEIPT_SETTLED
            self._done.append(item)
        elif isinstance(item, Notification):
            message = item.message
            self._notified.discard(message)
            if item.told is not None and item.told < message.failures and message.state < FIRST_FINAL:
                self._notify(message, self.clock.now())

    def _reported(self, messages: list[Message]) -> None:
        """Receipts of messages have been acknowledged, their records say so already: they are only remembered."""
        self._live -= len(messages)
        self._done.extend(messages)

    def _forget_surplus(self) -> None:
        """Forget the oldest messages that are done with, beyond those that are retained."""
        done = self._done
        messages = self.messages
        for _ in range(len(done) - self._retain):
            message = done.popleft()
            group = message.group
            if group is not None:
                del group.members[message]
                if group.members:
                    continue
            messages.pop(message.message_id, None)

    def _offer_later(self, delay: float, item: Deliverable) -> None:
        self._retries.add(self.clock.now() + delay, item)

    # -- the turn of the loop -----------------------------------------------------------------------------------------

    def run(self) -> float | None:
        """Do what is due. Returns after how many seconds to call again: 0 for at once, None for not until woken."""
        self._woken = False
        now = self.clock.now()
        slices = self.slices.run()
        more = self._run_schedule(now)
        more |= self._run_queues(now)
        more |= self._run_ready(now)
        more |= self._run_retries(now)
        more |= self.multipart.run(now, self._quantum)
        if self.broadcasts.live:
            more |= self.broadcasts.run(now, self.clock.wall(), self._quantum)
        if more:
            self._quantum = min(2 * self._quantum, max(EVENTS_IN_A_FLOOD, 2 * self._intake))
        else:
            # Not at once back to the smallest: a flood would pile up anew each time the last of it has been handled.
            self._quantum = max(EVENTS_PER_TURN, self._quantum // 2)
        self._intake = 0
        more |= slices
        if self._transactions.is_ready:
            self._transactions.send()
        if self.outbox.has_work:
            more |= self.outbox.send(now)
        if self._alerts:
            more |= self._alerts.run(now, self._quantum)
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            self.outbox.sweep(self.esmes.values(), now)
        if len(self._done) > self._retain:
            self._forget_surplus()
        return 0.0 if more or self._ready else self._next_run(now)

    def _run_schedule(self, now: float) -> bool:
        """Scheduled messages start, those on their way meet their outcome, and the validity of others ends."""
        due = self._schedule.pop_due(now, self._quantum)
        if not due:
            return False
        wall = self.clock.wall()
        for message in due:
            if message.due_at > now:
                continue  # that plan was given up a moment ago, by what came up before it
            message.due_at = NEVER
            if message.next_at > message.expires_at:
                self._finish_early(message, Outcome(EXPIRED, message.error_code), now, wall)
            elif message.state == SCHEDULED:
                self._start(message, now)
            elif message.outcome is UNDECIDED:
                self._take_place(message, now)
            else:
                self._finish(message, message.outcome, now, wall)
        return len(due) == self._quantum

    def _start(self, message: Message, now: float) -> None:
        """A scheduled message's time has come: it is ENROUTE and takes its place on its route."""
        message.state = ENROUTE
        message.esme.states[ENROUTE] += 1
        message.route.states[ENROUTE] += 1
        self._take_place(message, now)

    def _take_place(self, message: Message, now: float) -> None:
        """Try to deliver a message now, for the first time or again, as soon as the throughput of its route allows."""
        if message.route.judge(message.pdu, now) == PASSES:
            self._dispatch([message], now)
        else:
            # It was accepted when it was submitted: it waits, whatever the route does with new messages.
            self._enqueue(message)

    def _run_queues(self, now: float) -> bool:
        """Let paced queues go as far as their windows allow."""
        more = False
        for route in list(self._queued):
            batch = route.release(self._quantum, now)
            for message in batch:
                self._cancel_plan(message)
            if batch:
                self._dispatch(batch, now)
            if not route.queue:
                del self._queued[route]
            else:
                more |= len(batch) == self._quantum
        return more

    def _run_ready(self, now: float) -> bool:
        """Finish what the network decided at once."""
        ready = self._ready
        if not ready:
            return False
        wall = self.clock.wall()
        left = self._quantum
        while ready and left > 0:
            entry = ready.popleft()
            if isinstance(entry, Message):
                left -= 1
                if entry.state < FIRST_FINAL:
                    self._finish(entry, entry.outcome, now, wall)
                continue
            if len(entry) > left:
                ready.appendleft(entry[left:])
                entry = entry[:left]
            left -= len(entry)
            self._finish_batch(entry, now, wall)
        if not ready:
            self._has_batches = False
        return bool(ready)

    def _finish_batch(self, batch: list[Message], now: float, wall: float) -> None:
        """Finish messages of one bind, route, outcome and registered_delivery that ask for a receipt at most."""
        if self._pending is not None or self._handsets is not None:
            for message in batch:
                self._finish(message, message.outcome, now, wall)
            return
        first = batch[0]
        state, error_code = first.outcome
        registered = first.pdu.registered_delivery
        reports = bool(registered) and wants_receipt(registered, state)
        receipt = RECEIPT_PENDING if reports else RECEIPT_SETTLED
        # From here on the receipt can expire: it waits for its ESME as long as a message waits for a handset.
        expires_at = now + self._validity
        for message in batch:
            message.state = state
            message.error_code = error_code
            message.final_wall = wall
            message.expires_at = expires_at
            message.receipt = receipt
        count = len(batch)
        first.esme.states[state] += count
        first.route.states[state] += count
        self.in_flight -= count
        if reports:
            self.outbox.add_receipts(batch)
        else:
            self._reported(batch)

    def _run_retries(self, now: float) -> bool:
        """Offer again what an ESME did not take."""
        due = self._retries.pop_due(now, self._quantum)
        for item in due:
            self.outbox.offer_again(item)
        return len(due) == self._quantum

    def _next_run(self, now: float) -> float | None:
        """Seconds until something is due that nobody will wake us for."""
        times = self._dues(now, exact=False)
        if self._live:
            times.append(self._sweep_at)
        return max(0.0, min(times) - now) if times else None

    def _dues(self, now: float, *, exact: bool) -> list[float]:
        """When what is planned is due, a time for each kind of plan; unless `exact`, a little early."""
        times = [route.next_release(now) for route in self._queued if route.queue]
        plans = (self._schedule, self._retries, self._alerts, self.broadcasts, self.multipart)
        times += [due for plan in plans if (due := plan.next_due(exact=exact)) is not None]
        return times

    def next_due(self) -> float | None:
        """When something is due next, in seconds of the clock: the next stop of whoever moves a virtual one.

        Unlike `run` this does not ask for a look every second at what waits for absent ESMEs, but for one just after
        the next of it has expired.
        """
        times = self._dues(self.clock.now(), exact=True)
        expiry = self.outbox.next_expiry(self.esmes.values())
        if expiry is not None:
            times.append(max(self._sweep_at, nextafter(expiry, NEVER)))
        return min(times, default=None)
