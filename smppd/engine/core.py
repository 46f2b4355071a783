"""The engine: takes batches of submissions, moves each message through its life, and keeps what it promised.

Everything happens in two calls. `submit` and its siblings take what one read of a session brought and answer at once.
`run` does whatever is due: outcomes of the network, paced queues, receipts; it returns when it wants to be called
again. Nothing leaves inside `submit`, so a receipt can never overtake its submit_sm_resp.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from smppwire.constants import CommandId, CommandStatus
from smppwire.errors import TextError
from smppwire.pdus import SubmitSm
from smppwire.smpp_time import parse_time

from smppd.engine.esmes import Deliverable, Delivery, EsmeState
from smppd.engine.message import (
    ENROUTE,
    EXPIRED,
    FIRST_FINAL,
    INTERMEDIATE_MASK,
    RECEIPT_ALWAYS,
    RECEIPT_MASK,
    RECEIPT_SETTLED,
    SCHEDULED,
    Group,
    Message,
    wants_receipt,
)
from smppd.engine.outbox import Outbox
from smppd.engine.parts import parts_of
from smppd.engine.pending import PendingIndex
from smppd.engine.ports import Outcome
from smppd.engine.queues import RouteState
from smppd.engine.router import Router
from smppd.engine.scheduler import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from smppd.engine.esmes import Bind
    from smppd.engine.ports import Clock, Dialect, Network, Observer
    from smppd.settings import Settings

FIRST_ID: Final = 1_000_000_000
"""Ten decimal digits from the first message on, so that no decimal id is ever spelled like one of 8 hex digits."""

HEX_IDS: Final = 1 << 32
"""How many ids of 8 hex digits there are, for ESMEs below 3.4."""

EVENTS_PER_TURN: Final = 1000
"""Due events and finished messages handled per turn of the loop: about a millisecond between two reads."""

EVENTS_IN_A_FLOOD: Final = 16_000
"""The same while turn after turn leaves something over: the quantum doubles up to here, so that the work behind the
submissions keeps pace with them however fast they come, and nothing piles up for hours."""

SWEEP_SECONDS: Final = 1.0
"""How often deliverables of absent ESMEs are checked for expiry."""

SUBMIT_SM: Final = int(CommandId.SUBMIT_SM)
RINVDSTADR: Final = int(CommandStatus.ESME_RINVDSTADR)
RINVEXPIRY: Final = int(CommandStatus.ESME_RINVEXPIRY)
RINVSCHED: Final = int(CommandStatus.ESME_RINVSCHED)
RMSGQFUL: Final = int(CommandStatus.ESME_RMSGQFUL)

EXPIRED_OUTCOME: Final = Outcome(EXPIRED, 0)


class _OutcomeDue(NamedTuple):
    message: Message
    outcome: Outcome


class _DispatchDue(NamedTuple):
    message: Message
    start_at: float


class _OfferDue(NamedTuple):
    item: Deliverable


_Event = _OutcomeDue | _DispatchDue | _OfferDue


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
        self.outbox = Outbox(dialect, observer, self._settle, self._offer_later)
        self._next_id = FIRST_ID
        self._live = 0
        self._done: deque[Message] = deque()
        self._ready: deque[tuple[Message, Outcome]] = deque()
        self._schedule: Schedule[_Event] = Schedule()
        self._pending: PendingIndex | None = None
        self._sweep_at = 0.0
        self._quantum = EVENTS_PER_TURN
        self.configure(settings, networks)

    # -- configuration -------------------------------------------------------------------------------------------

    def configure(self, settings: Settings, networks: Mapping[str, Network]) -> None:
        """Take new settings, at start or while running: known accounts and routes keep what they hold."""
        self._limit = settings.messages.limit
        self._retain = settings.messages.retain
        self._validity = settings.messages.default_validity
        self._max_validity = settings.messages.max_validity
        for account in settings.account:
            esme = self.esmes.get(account.system_id)
            if esme is None:
                self.esmes[account.system_id] = EsmeState(account)
            else:
                esme.configure(account)
        current: dict[str, RouteState] = {}
        for route in settings.route:
            state = self.routes.get(route.name)
            if state is None:
                state = RouteState(route, networks[route.network])
            else:
                state.configure(route, networks[route.network])
            current[route.name] = state
        for name, state in self.routes.items():
            if name not in current and state.queue:
                # Its queue still drains under the old settings: what was accepted is not lost by a reload.
                current[name] = state
        self.routes = current
        self._paced = [state for state in current.values() if state.throughput is not None or state.queue]
        self._router: Router[RouteState] = Router([(route.match, current[route.name]) for route in settings.route])
        self._forget_surplus()

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
        self.wake()

    def unanswered(self, items: Iterable[Deliverable]) -> None:
        """Deliver_sm whose response timer ran out."""
        self.outbox.unanswered(items)
        self.wake()

    def deliver(self, kind: str, system_id: str, body: bytes, *, bind: Bind | None = None) -> bool:
        """Queue a deliver_sm of one's own making for an account; False when the account is unknown or full."""
        esme = self.esmes.get(system_id)
        if esme is None or esme.waiting >= self._limit:
            return False
        now = self.clock.now()
        self.outbox.add(Delivery(kind, body, esme, bind, now, now + self._validity))
        self.wake()
        return True

    # -- intake -------------------------------------------------------------------------------------------------------

    def submit(self, bind: Bind, pdus: Sequence[SubmitSm]) -> list[bytes | int]:
        """Take a batch of submit_sm of one session.

        Returns, for each, the message_id it was accepted under, or the command_status that refuses it.
        """
        now = self.clock.now()
        wall = self.clock.wall()
        esme = bind.esme
        violation = bind.policy.validators[SUBMIT_SM]
        system_id = esme.system_id
        window = esme.throughput
        find_route = self._router.find
        messages = self.messages
        pending = self._pending
        hex_ids = bind.hex_ids
        expires_at = now + self._validity
        free = self._limit - self._live
        answers: list[bytes | int] = []
        answer = answers.append
        dispatch: list[Message] = []
        accepted = 0
        throttled = 0
        next_id = self._next_id
        for pdu in pdus:
            status = violation(pdu)
            if status:
                answer(status)
                continue
            if window is not None and not (
                window.admit_weight(parts_of(pdu), now) if esme.counts_parts else window.admit(1, now)
            ):
                throttled += 1
                answer(esme.over_status)
                continue
            route = find_route(system_id, pdu)
            if route is None:
                answer(RINVDSTADR)
                continue
            if free <= 0:
                answer(RMSGQFUL)
                self.observer.throttled(system_id, "limit", 1)
                continue
            if pdu.schedule_delivery_time or pdu.validity_period or pdu.replace_if_present_flag:
                self._next_id = next_id
                outcome = self._submit_timed(bind, pdu, route, now, wall)
                next_id = self._next_id
                free = self._limit - self._live
                answer(outcome)
                continue
            if route.throughput is not None:
                status = self._admit_to_route(bind, route, pdu, now)
                if status > 0:
                    answer(status)
                    continue
                paced = status < 0
            else:
                paced = False
            message_id = b"%d" % next_id if not hex_ids else b"%08X" % (next_id % HEX_IDS)
            next_id += 1
            message = Message(message_id, pdu, esme, bind, route, now, wall, expires_at)
            messages[message_id] = message
            if pending is not None:
                pending.add(message)
            route.states[ENROUTE] += 1
            accepted += 1
            free -= 1
            if paced:
                route.queue.append(message)
            else:
                dispatch.append(message)
            answer(message_id)
        self._next_id = next_id
        if accepted:
            esme.states[ENROUTE] += accepted
            self._live += accepted
            self.in_flight += accepted
        if dispatch:
            self._dispatch(dispatch, now)
        if throttled:
            self.observer.throttled(system_id, "account", throttled)
        if accepted:
            self.wake()
        return answers

    def _admit_to_route(self, bind: Bind, route: RouteState, pdu: SubmitSm, now: float) -> int:
        """0: passes now; -1: waits in the route's queue; above 0: refused with this command_status."""
        if not (route.paces and route.queue) and route.admit(parts_of(pdu) if route.counts_parts else 1, now):
            return 0
        if not route.paces:
            self.observer.throttled(bind.esme.system_id, "route", 1)
            return route.over_status
        if len(route.queue) >= route.queue_limit:
            self.observer.throttled(bind.esme.system_id, "queue", 1)
            return route.queue_full_status
        return -1

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
    ) -> Message | int:
        """Take one message off the beaten track: scheduled, with a validity of its own, or one of a submit_multi.

        The caller has judged the PDU and found the route. Returns the message, or the command_status that refuses it.
        """
        if self._live >= self._limit:
            self.observer.throttled(bind.esme.system_id, "limit", 1)
            return RMSGQFUL
        paced = False
        if start_at <= now and route.throughput is not None:
            status = self._admit_to_route(bind, route, pdu, now)
            if status > 0:
                return status
            paced = status < 0
        if message_id is None:
            message_id = self.take_id(hex_ids=bind.hex_ids)
        message = Message(message_id, pdu, bind.esme, bind, route, now, wall, expires_at)
        message.group = group
        if group is not None:
            group.members.append(message)
            group.remaining += 1
        self.messages.setdefault(message_id, message)
        if self._pending is not None:
            self._pending.add(message)
        self._live += 1
        self.in_flight += 1
        message.state = SCHEDULED if start_at > now else ENROUTE
        bind.esme.states[message.state] += 1
        route.states[message.state] += 1
        if start_at > now:
            message.start_at = start_at
            self._schedule.add(start_at, _DispatchDue(message, start_at))
        elif paced:
            route.queue.append(message)
        else:
            self._dispatch([message], now)
        if expires_at < now + self._validity:
            self._schedule.add(expires_at, _OutcomeDue(message, EXPIRED_OUTCOME))
        self.wake()
        return message

    def take_id(self, *, hex_ids: bool) -> bytes:
        """The next message_id: decimal, or 8 hex digits for ESMEs below 3.4."""
        number = self._next_id
        self._next_id += 1
        return b"%08X" % (number % HEX_IDS) if hex_ids else b"%d" % number

    def route_of(self, bind: Bind, pdu: SubmitSm) -> RouteState | None:
        """The route this PDU would take."""
        return self._router.find(bind.esme.system_id, pdu)

    def admit_to_account(self, bind: Bind, pdu: SubmitSm) -> int:
        """0 when the account's throughput window lets one more message pass, else the refusing command_status."""
        esme = bind.esme
        if esme.throughput is None:
            return 0
        now = self.clock.now()
        passes = (
            esme.throughput.admit_weight(parts_of(pdu), now) if esme.counts_parts else esme.throughput.admit(1, now)
        )
        if passes:
            return 0
        self.observer.throttled(esme.system_id, "account", 1)
        return esme.over_status

    def times_of(self, schedule: bytes, validity: bytes, now: float, wall: float) -> tuple[float, float] | int:
        """When delivery may start and when it ends (engine seconds), or the command_status that refuses the times.

        A schedule in the past means now (SMPP 3.4 section 5.2.15 is silent, message centres do so); a validity that
        is over, or ends before the schedule, is ESME_RINVEXPIRY.
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
        if end is None:
            return start_at, start_at + self._validity
        expires_at = now + min(end.timestamp() - wall, self._max_validity)
        if expires_at < start_at or expires_at < now:
            return RINVEXPIRY
        return start_at, expires_at

    def _submit_timed(self, bind: Bind, pdu: SubmitSm, route: RouteState, now: float, wall: float) -> bytes | int:
        times = self.times_of(pdu.schedule_delivery_time, pdu.validity_period, now, wall)
        if isinstance(times, int):
            return times
        if pdu.replace_if_present_flag:
            replaced = self.replace_present(bind, pdu, expires_at=times[1] if pdu.validity_period else None)
            if replaced is not None:
                return replaced.message_id
        message = self.accept(bind, pdu, route, now=now, wall=wall, start_at=times[0], expires_at=times[1])
        return message if isinstance(message, int) else message.message_id

    # -- what replaces and cancels --------------------------------------------------------------------------------------

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

    def replace_present(self, bind: Bind, pdu: SubmitSm, *, expires_at: float | None) -> Message | None:
        """Replace the newest pending message with the same source, destination and service_type (5.2.18)."""
        for message in reversed(self.pending_towards(bind.esme, pdu.destination_addr)):
            old = message.pdu
            if (
                old.source_addr == pdu.source_addr
                and old.source_addr_ton == pdu.source_addr_ton
                and old.source_addr_npi == pdu.source_addr_npi
                and old.dest_addr_ton == pdu.dest_addr_ton
                and old.dest_addr_npi == pdu.dest_addr_npi
                and old.service_type == pdu.service_type
            ):
                message.pdu = pdu
                if expires_at is not None:
                    self.expire_at(message, expires_at)
                return message
        return None

    def expire_at(self, message: Message, expires_at: float) -> None:
        """Give a message another end of validity."""
        message.expires_at = expires_at
        self._schedule.add(expires_at, _OutcomeDue(message, EXPIRED_OUTCOME))
        self.wake()

    def reschedule(self, message: Message, start_at: float) -> None:
        """Give a scheduled message another start; one that is on its way already is left alone."""
        if message.state == SCHEDULED:
            message.start_at = start_at
            self._schedule.add(start_at, _DispatchDue(message, start_at))
            self.wake()

    def finish(self, message: Message, outcome: Outcome) -> None:
        """Give a message its final state, unless it has one."""
        if message.state < FIRST_FINAL:
            self._finish(message, outcome, self.clock.now(), self.clock.wall())
            self.wake()

    # -- the message's way --------------------------------------------------------------------------------------------

    def _dispatch(self, messages: list[Message], now: float) -> None:
        """Hand messages to the networks of their routes, runs of one route together."""
        start = 0
        count = len(messages)
        while start < count:
            route = messages[start].route
            end = start + 1
            while end < count and messages[end].route is route:
                end += 1
            batch = messages if end - start == count else messages[start:end]
            ready = self._ready
            for message, (delay, outcome) in zip(batch, route.network.attempt(batch), strict=True):
                if delay <= 0.0:
                    ready.append((message, outcome))
                    continue
                if message.pdu.registered_delivery & INTERMEDIATE_MASK:
                    self._notify(message)
                due = now + delay
                if due > message.expires_at:
                    self._schedule.add(message.expires_at, _OutcomeDue(message, EXPIRED_OUTCOME))
                else:
                    self._schedule.add(due, _OutcomeDue(message, outcome))
            start = end

    def _notify(self, message: Message) -> None:
        """Send the intermediate notification that was asked for: the first attempt is under way."""
        bind = message.bind
        body = self.dialect.intermediate_body(message, tlvs=bind is None or bind.tlvs)
        self.outbox.add(
            Delivery("intermediate", body, message.esme, bind, message.accepted_at, message.expires_at),
        )

    def _finish(self, message: Message, outcome: Outcome, now: float, wall: float) -> None:
        state, error_code = outcome
        message.state = state
        message.error_code = error_code
        message.final_wall = wall
        # From here on it is the receipt that can expire: it waits for its ESME as long as a message waits for a handset.
        message.expires_at = now + self._validity
        esme = message.esme
        esme.states[state] += 1
        message.route.states[state] += 1
        self.in_flight -= 1
        if self._pending is not None:
            self._pending.discard(message)
        registered = message.pdu.registered_delivery & RECEIPT_MASK
        if registered == RECEIPT_ALWAYS or (registered and wants_receipt(registered, state)):
            self.outbox.add(message)
        else:
            self._settle(message)

    def _settle(self, message: Message) -> None:
        """A message is final and its receipt is done with: from now on it is only remembered."""
        message.receipt = RECEIPT_SETTLED
        self._live -= 1
        self._done.append(message)
        if len(self._done) > self._retain:
            self._forget_surplus()

    def _forget_surplus(self) -> None:
        done = self._done
        while len(done) > self._retain:
            message = done.popleft()
            group = message.group
            if group is not None:
                group.remaining -= 1
                if group.remaining:
                    continue
            self.messages.pop(message.message_id, None)

    def _offer_later(self, delay: float, item: Deliverable) -> None:
        self._schedule.add(self.clock.now() + delay, _OfferDue(item))

    # -- the turn of the loop -----------------------------------------------------------------------------------------

    def run(self) -> float | None:
        """Do what is due. Returns after how many seconds to call again: 0 for at once, None for not until woken."""
        now = self.clock.now()
        more = self._run_schedule(now)
        more |= self._run_queues(now)
        more |= self._run_ready(now)
        self._quantum = min(2 * self._quantum, EVENTS_IN_A_FLOOD) if more else EVENTS_PER_TURN
        if self.outbox.has_work:
            more |= self.outbox.send(now)
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            self.outbox.sweep(self.esmes.values(), now)
        return 0.0 if more else self._next_run(now)

    def _run_schedule(self, now: float) -> bool:
        due = self._schedule.pop_due(now, self._quantum)
        if not due:
            return False
        wall = self.clock.wall()
        for event in due:
            if event.__class__ is _OutcomeDue:
                message = event.message
                if message.state < FIRST_FINAL and self._is_due(event, now):
                    self._finish(message, event.outcome, now, wall)
            elif isinstance(event, _DispatchDue):
                if event.message.state == SCHEDULED and event.message.start_at == event.start_at:
                    self._start(event.message, now)
            elif isinstance(event, _OfferDue):
                self.outbox.offer(event.item)
        return len(due) == self._quantum

    def _is_due(self, event: _OutcomeDue, now: float) -> bool:
        """Whether an outcome still stands: replace_sm may have moved the end of validity since it was planned."""
        return event.outcome is not EXPIRED_OUTCOME or event.message.expires_at <= now

    def _start(self, message: Message, now: float) -> None:
        """A scheduled message's time has come: it is ENROUTE and takes its place on its route."""
        route = message.route
        message.state = ENROUTE
        message.esme.states[ENROUTE] += 1
        route.states[ENROUTE] += 1
        if route.throughput is not None and (
            route.queue or not route.admit(parts_of(message.pdu) if route.counts_parts else 1, now)
        ):
            # It was accepted when it was submitted: it waits, whatever the route does with new messages.
            route.queue.append(message)
            if route not in self._paced:
                self._paced.append(route)
        else:
            self._dispatch([message], now)

    def _run_queues(self, now: float) -> bool:
        """Let paced queues go as far as their windows allow."""
        more = False
        for route in self._paced:
            queue = route.queue
            if not queue:
                continue
            batch: list[Message] = []
            while queue and len(batch) < self._quantum:
                message = queue[0]
                if message.state >= FIRST_FINAL:
                    queue.popleft()
                elif message.expires_at < now:
                    queue.popleft()
                    self._finish(message, EXPIRED_OUTCOME, now, self.clock.wall())
                elif route.admit(parts_of(message.pdu) if route.counts_parts else 1, now):
                    batch.append(queue.popleft())
                else:
                    break
            if batch:
                self._dispatch(batch, now)
                more |= len(batch) == self._quantum
        return more

    def _run_ready(self, now: float) -> bool:
        ready = self._ready
        if not ready:
            return False
        wall = self.clock.wall()
        finish = self._finish
        for _ in range(min(len(ready), self._quantum)):
            message, outcome = ready.popleft()
            if message.state < FIRST_FINAL:
                finish(message, outcome, now, wall)
        return bool(ready)

    def _next_run(self, now: float) -> float | None:
        """Seconds until something is due that nobody will wake us for."""
        times = [
            route.throughput.next_at(now)
            for route in self._paced
            if route.queue and route.throughput is not None
        ]
        due = self._schedule.next_due()
        if due is not None:
            times.append(due)
        if self._live:
            times.append(self._sweep_at)
        return max(0.0, min(times) - now) if times else None
