"""The life of a message, from its acceptance to the moment at which it is only remembered.

A message waits for its time, for its route, for its network or for an ESME; it meets its outcome, is tried again or is
final; it is reported, and settled when nobody waits for its report any more. Each kind of waiting has a queue here, and
`run_*` takes from one what is due. Nothing leaves at once: see `smppd.engine.outbox`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from smppd.engine import history
from smppd.engine.alerts import Alerts, asks_for_dpf
from smppd.engine.asides import Asides
from smppd.engine.esmes import DELIVERY_ACK, MANUAL_ACK, Notification, Restated
from smppd.engine.fates import Fates
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
    TRANSACTION,
    UNDECIDED,
    UNDELIVERABLE,
    Message,
    is_reported,
    requests_of,
    wants_receipt,
)
from smppd.engine.multipart import Multipart
from smppd.engine.outbox import Outbox
from smppd.engine.peers import ABSENT, TAKEN, Forward, Peers
from smppd.engine.ports import Outcome
from smppd.engine.queues import PASSES
from smppd.engine.replies import Replies
from smppd.engine.retry import pause_after
from smppd.engine.scheduler import Schedule
from smppd.engine.transactions import Transactions
from smppwire.flags import wants_delivery_acknowledgement, wants_manual_acknowledgement

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from smppd.engine.esmes import Bind, Deliverable, EsmeState
    from smppd.engine.ledger import Ledger
    from smppd.engine.multipart import Assembly
    from smppd.engine.ports import Clock, Fate, Observer, Witness
    from smppd.engine.queues import RouteState
    from smppd.engine.transactions import Request
    from smppd.settings import Messages

DELETED_OUTCOME: Final = Outcome(DELETED)


class Life:
    """The messages on their way, and their reports."""

    def __init__(self, ledger: Ledger, *, clock: Clock, observer: Observer, wake: Callable[[], None]) -> None:
        """Begin with nothing on its way; `wake` is called when the next turn of the loop should come soon."""
        self._ledger = ledger
        self._clock = clock
        self._wake = wake
        self._is_woken = False
        """Whether `wake` has been called since the last turn."""
        self.retries: Schedule[Deliverable] = Schedule()
        self._note = ledger.history.note
        self.outbox = Outbox(
            observer, self._settle, ledger.settle, self._offer_later, self.retries.forsake, ledger.history
        )
        self._asides = Asides(ledger, self.outbox)
        self.multipart = Multipart(
            report=self._report, report_whole=self._report_whole, settle=self._settle, show=self._show_whole
        )
        self.peers = Peers()
        self.transactions = Transactions()
        self.alerts = Alerts()
        self.fates = Fates()
        self.replies = Replies(ledger, self.outbox, clock=clock, wake=wake)
        self.witness: Witness | None = None
        """Who looks at what happens; None while nobody does."""
        self._handsets: Handsets | None = None
        self._ready: deque[Message | list[Message]] = deque()
        """What the network has decided: messages, and batches of those that nothing is special about."""
        self._has_batches = False
        """Whether there may be batches among them."""
        self._is_one_route = False
        """Whether the messages of all batches take the same route."""
        self._silent: list[Message] | None = None
        """The latest of the batches whose messages ask for no receipt, as long as others may join them."""
        self.queued: dict[RouteState, None] = {}
        """The routes in whose queues something waits."""
        self.schedule: Schedule[Message] = Schedule()
        self._forwards: dict[Message, Forward] = {}
        """The messages that are on their way to an ESME and not final."""

    def configure(self, settings: Messages) -> None:
        """Take new times; those of messages that have some already stay."""
        self._validity = self.replies.validity = settings.default_validity
        self._retry_steps = tuple(settings.retry)
        self.multipart.timeout = settings.multipart_timeout

    def wake(self) -> None:
        """Have a turn of the loop come soon; to ask once before each is enough."""
        if not self._is_woken:
            self._is_woken = True
            self._wake()

    def begin_turn(self) -> None:
        """A turn begins: whatever happens from now on asks for another."""
        self._is_woken = False

    @property
    def is_ready(self) -> bool:
        """Whether there is something for `run_ready`."""
        return bool(self._ready)

    # -- waiting ------------------------------------------------------------------------------------------------------

    def plan(self, message: Message, next_at: float) -> None:
        """Look at the message at its next step, or at the end of its validity if that comes first.

        There is at most one such plan for a message at any time.
        """
        message.next_at = next_at
        due_at = message.due_at = min(next_at, message.expires_at)
        message.ticket = self.schedule.add(due_at, message)

    def cancel_plan(self, message: Message) -> None:
        """Look at the message at no time any more, unless it is planned anew."""
        due_at = message.due_at
        if due_at != NEVER:
            message.due_at = NEVER
            self.schedule.forsake(due_at, message.ticket)

    def enqueue(self, message: Message) -> None:
        """Have a message wait for the throughput of its route."""
        route = message.route
        route.queue[message] = None
        self.queued[route] = None
        self.plan(message, NEVER)

    # -- towards an outcome -------------------------------------------------------------------------------------------

    def foretell(self, message: Message, fate: Fate) -> None:
        """Something is decided about a message that has been accepted, and not been dispatched yet."""
        if fate.changes_attempt:
            self.fates[message] = fate
        self._note(message, history.RULE, detail=getattr(fate, "rule", ""), state=fate.outcome)
        if fate.reply is not None:
            self.replies.plan(message.esme, message.pdu, fate.reply)

    def decided(self, batch: list[Message]) -> None:
        """Have the next turn finish messages that were accepted together, and whose fate is known."""
        if self.witness is not None:
            self.witness.accepted(batch)
        first = batch[0]
        esme = first.esme
        count = len(batch)
        self._count_on_routes(batch, ENROUTE)
        ledger = self._ledger
        ledger.enter(esme, count)
        joined = self._silent
        if first.pdu.registered_delivery or esme.dialect.reports_always:
            self._ready.append(batch)
            self._has_batches = True
        elif joined and joined[0].esme is esme and joined[0].outcome is first.outcome:
            # Of messages without a receipt it is all one by which bind they came: they join those before.
            joined += batch
        else:
            self._silent = batch
            self._ready.append(batch)
            self._has_batches = True
        if not self._is_woken:
            self.wake()
        if ledger.pending is not None:
            for message in batch:
                ledger.pending.add(message)

    def dispatch(self, messages: list[Message], now: float) -> None:
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
            attempts = route.network.attempt(batch, now)
            if self.fates:
                attempts = self.fates.amend(batch, attempts)
            for message, (delay, outcome) in zip(batch, attempts, strict=True):
                message.outcome = outcome
                if message.pdu.registered_delivery & INTERMEDIATE_MASK and not message.failures:
                    self._asides.notify(message, now, self._validity)
                if delay <= 0.0:
                    ready.append(message)
                else:
                    self.plan(message, now + delay)
            start = end

    def _forward(self, messages: list[Message], now: float) -> list[Message]:
        """Hand over what goes to an ESME; returns what is left for the networks: also what is fated to end some way.

        A message waits there until it is acknowledged, or until its validity ends; one whose mode allows for a single
        attempt fails at once when nobody is there to take it.
        """
        others = []
        for message in messages:
            esme = self.peers.find(message.esme, message.pdu)
            if esme is None or (self.fates and self.fates.decide(message)):
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
                self._asides.notify(message, now, self._validity)
            self.plan(message, NEVER)
            self.outbox.add(forward)
        return others

    def forwarded_to(self, message: Message) -> str:
        """The system_id of the ESME that a message waits for, to be taken or acknowledged; "" when it does not."""
        forward = self._forwards.get(message)
        return "" if forward is None else forward.esme.system_id

    def _forwarded(self, forward: Forward) -> None:
        """The outbox is done with a forwarded message: the next turn of the loop makes it final.

        It is reported like the outcome of a network, because nothing may become final, and be reported to an ESME,
        while the outbox is at work on that ESME's queues.
        """
        message = forward.message
        if self._forwards.pop(message, None) is None:
            self._ledger.live -= 1
            return
        outcome = forward.outcome
        if outcome.state == DELIVERED:
            self.peers.remember(forward.esme, message)
        elif forward.expires_at <= self._clock.now():
            outcome = Outcome(EXPIRED, message.error_code)
        message.outcome = outcome
        self.cancel_plan(message)
        self._ready.append(message)

    def _attempt_failed(self, message: Message, error_code: int, now: float, wall: float) -> None:
        """The network could not deliver now: plan the next attempt, unless the message has but one."""
        message.failures += 1
        message.error_code = error_code
        if self.witness is not None:
            self.witness.attempt_failed(message)
        has_one = message.pdu.esm_class & MODE_MASK in ONE_ATTEMPT
        pause = None if has_one else pause_after(message.failures, self._retry_steps)
        self._note(message, history.ATTEMPT_FAILED, number=message.failures, error_code=error_code, after=pause)
        if pause is None:
            self._finish(message, Outcome(UNDELIVERABLE, error_code), now, wall)
            return
        message.outcome = UNDECIDED
        self.plan(message, now + pause)
        if message.pdu.registered_delivery & INTERMEDIATE_MASK:
            self._asides.notify(message, now, self._validity)

    def answer_with_outcome(self, message: Message, bind: Bind, request: Request) -> bool:
        """Have the request answered by what becomes of its message, if that is the mode it asks for; whether it is."""
        if message.pdu.esm_class & MODE_MASK != TRANSACTION:
            return False
        self.transactions.open(message, bind, request)
        return True

    # -- final states -------------------------------------------------------------------------------------------------

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
        self._ledger.in_flight -= 1
        if self._ledger.pending is not None:
            self._ledger.pending.discard(message)
        if self._handsets is not None and state == DELIVERED:
            self._show(message, self._handsets)
        if self.fates:
            self.fates.pop(message, None)
        if self.witness is not None:
            self.witness.finished((message,))
        pdu = message.pdu
        registered = pdu.registered_delivery
        if registered > RECEIPT_BITS or pdu.esm_class or pdu.tlvs:
            self._conclude(message, now)
        elif (
            registered == RECEIPT_ALWAYS
            or (registered and wants_receipt(registered, state))
            or esme.dialect.reports_always
        ):
            self.outbox.add(message)
        else:
            self._settle(message)

    def has_outcome(self, message: Message) -> bool:
        """Whether it is known already how the message ends, though it is not final yet."""
        return message.state == ENROUTE and message.outcome.state >= FIRST_FINAL and message not in self._forwards

    def finish_early(self, message: Message) -> None:
        """Have a message that was accepted a moment ago, and `has_outcome`, end at once: its network need not wait."""
        if self._ready and self._ready[-1] == [message]:
            self._ready.pop()
        else:
            self._part_batches()
        self.cancel_plan(message)
        self._finish(message, message.outcome, self._clock.now(), self._clock.wall())

    def _finish_batch(self, batch: list[Message], now: float, wall: float) -> None:
        """Finish messages of one outcome and registered_delivery that ask for a receipt at most.

        Those that ask for one are of one bind, the others of one account.
        """
        if self._ledger.pending is not None or self._handsets is not None:
            for message in batch:
                self._finish(message, message.outcome, now, wall)
            return
        first = batch[0]
        state, error_code = first.outcome
        registered = first.pdu.registered_delivery
        reports = first.esme.dialect.reports_always or (bool(registered) and wants_receipt(registered, state))
        receipt = RECEIPT_PENDING if reports else RECEIPT_SETTLED
        # From here on the receipt can expire: it waits for its ESME as long as a message waits for a handset.
        expires_at = now + self._validity
        for message in batch:
            message.state = state
            message.error_code = error_code
            message.final_wall = wall
            message.expires_at = expires_at
            message.receipt = receipt
        if self.witness is not None:
            self.witness.finished(batch)
        count = len(batch)
        first.esme.states[state] += count
        self._count_on_routes(batch, state)
        self._ledger.in_flight -= count
        if reports:
            self.outbox.add_receipts(batch)
        else:
            self._ledger.settle(batch)

    def _finish_early(self, message: Message, outcome: Outcome, now: float, wall: float) -> None:
        """Finish a message that nobody has tried to deliver, or whose delivery is not awaited any more."""
        route = message.route
        if route.queue:
            route.queue.pop(message, None)
        forward = self._forwards.pop(message, None) if self._forwards else None
        self._finish(message, outcome, now, wall)
        if forward is not None:
            # Counted with its message so far, which may be done with before the outbox lets go of it.
            self._ledger.live += 1
            self.outbox.forsake(forward)

    def _conclude(self, message: Message, now: float) -> None:
        """Report a final state in all the ways there are: flag, deferred answer, receipt and acknowledgements."""
        pdu = message.pdu
        mode = pdu.esm_class & MODE_MASK
        dpf = self.alerts.flag(message, now, self._validity) if asks_for_dpf(pdu) else None
        if mode == TRANSACTION:
            self.transactions.settle(message, dpf)
        if message.assembly is None or not self.multipart.finished(message):
            self._report(message)
        registered = requests_of(pdu)
        if registered & SME_ACKS_MASK and message.state == DELIVERED and message.outcome is not TAKEN:
            # (What an ESME took, it acknowledges itself.)
            if wants_delivery_acknowledgement(registered):
                self._asides.acknowledge(message, DELIVERY_ACK, now, self._validity)
            if wants_manual_acknowledgement(registered):
                self._asides.acknowledge(message, MANUAL_ACK, now, self._validity)

    def tell_accepted(self, message: Message, now: float) -> None:
        """Report to an ESME that its message is accepted, before anything else is known of it."""
        self._asides.tell_accepted(message, now, self._validity)

    # -- reports ------------------------------------------------------------------------------------------------------

    def _report(self, message: Message) -> None:
        """A message is final: its receipt leaves if it was asked for."""
        if is_reported(message, message.state):
            self.outbox.add(message)
        else:
            self._settle(message)

    def _report_whole(self, message: Message) -> None:
        """All parts of a long message are final: this one's receipt reports for all of them."""
        message.expires_at = self._clock.now() + self._validity
        self.outbox.add(message)

    def _settle(self, item: Deliverable) -> None:
        """A message is final and its receipt is done with: from now on it is only remembered. Or a delivery is."""
        if item.__class__ is Forward:
            self._forwarded(item)
            return
        if item.__class__ is Message:
            item.receipt = RECEIPT_SETTLED
            self._ledger.settle((item,))
            return
        if isinstance(item, Restated) and item.stands_in:
            self._settle(item.message)
            return
        self._ledger.live -= 1
        if isinstance(item, Notification):
            self._asides.settled(item, self._clock.now(), self._validity)

    def _offer_later(self, delay: float, item: Deliverable) -> tuple[float, int]:
        due = self._clock.now() + delay
        return due, self.retries.add(due, item)

    # -- oblivion (`smppd.engine.oblivion`) --------------------------------------------------------------------------

    def forget_accounts(self, gone: Collection[EsmeState]) -> None:
        """Let go of all that these accounts have here, but for their messages, each of which is forgotten by itself."""
        self._part_batches()
        self._ready = deque(entry for entry in self._ready if isinstance(entry, list) or entry.esme not in gone)
        self.multipart.forget(gone)
        self.peers.forget(gone)
        self.alerts.forget(gone)
        self.replies.forget(gone)
        if self._handsets is not None:
            self._handsets.forget(gone)

    def forget(self, message: Message) -> None:
        """A message never was: whatever it waits for, nothing comes of it, and nobody is told.

        An ESME that waits for its outcome gets that as an answer.
        """
        ledger = self._ledger
        if ledger.history:
            ledger.history.forget((message,))
        if message.receipt != RECEIPT_SETTLED:
            ledger.live -= 1
            message.receipt = RECEIPT_SETTLED
        if message.state >= FIRST_FINAL:
            return
        self.cancel_plan(message)
        message.route.queue.pop(message, None)
        message.state = DELETED
        ledger.in_flight -= 1
        if ledger.pending is not None:
            ledger.pending.discard(message)
        self.fates.pop(message, None)
        self.transactions.settle(message, None)
        forward = self._forwards.pop(message, None)
        if forward is not None:
            # Counted with its message so far, which is no more.
            ledger.live += 1
            self.outbox.forsake(forward)

    def lose(self, item: Deliverable) -> None:
        """What was to leave towards an account that is forgotten never does; queues are the caller's to clean."""
        if isinstance(item, Forward):
            if self._forwards.pop(item.message, None) is None:
                self._ledger.live -= 1
        elif isinstance(item, Notification):
            self._asides.notified.discard(item.message)
            self._ledger.live -= 1
        elif not isinstance(item, Message) and not (isinstance(item, Restated) and item.stands_in):
            self._ledger.live -= 1

    # -- what subscribers see -----------------------------------------------------------------------------------------

    @property
    def handsets(self) -> Handsets:
        """What subscribers have on their screens: the latest texts. Made from the store when first asked for."""
        if self._handsets is None:
            self._handsets = Handsets(each for each in self._ledger.all_messages() if not self._is_for_esme(each))
        return self._handsets

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

    # -- what replaces and cancels ------------------------------------------------------------------------------------

    def reschedule(self, message: Message, start_at: float, expires_at: float) -> None:
        """Give a message another start, or another next attempt, and another end of validity.

        While an attempt is under way, or it waits for its route, the start is no longer of interest.
        """
        message.expires_at = expires_at
        if self._forwards and message in self._forwards:
            self._forwards[message].expires_at = expires_at
        next_at = start_at if message.state == SCHEDULED or message.awaits_retry else message.next_at
        if message.due_at != NEVER:
            self.cancel_plan(message)
            self.plan(message, next_at)
            self.wake()
        else:  # it is held, or its outcome is known and this turn of the loop reports it
            message.next_at = next_at

    def replaced(self, message: Message, now: float) -> None:
        """The text of a message, and what it asks for, have changed."""
        self._part_batches()
        self._ledger.messages.changed(message)
        self._note(message, history.REPLACED)
        self.multipart.replaced(message, now)
        if self.witness is not None:
            self.witness.replaced(message)

    def delete(self, message: Message) -> bool:
        """Cancel a message, unless it is final: whatever it waits for, it is DELETED now. Says whether it was not."""
        return self.end_early(message, DELETED_OUTCOME, history.CANCELLED)

    def end_early(self, message: Message, outcome: Outcome, kind: str = history.FORCED) -> bool:
        """Have a message end so, unless it is final: whatever it waits for. Says whether it was not.

        `kind` is what its history tells about it.
        """
        if message.state >= FIRST_FINAL:
            return False
        self._note(message, kind, state=outcome.state, error_code=outcome.error_code)
        self._part_batches()
        self.cancel_plan(message)
        if self.witness is not None and outcome.state == DELETED:
            self.witness.cancelled(message)
        message.outcome = outcome
        self._finish_early(message, outcome, self._clock.now(), self._clock.wall())
        self.wake()
        return True

    def change_routes(self, *, one: bool) -> None:
        """From now on all messages take `one` route, or one of several."""
        self._part_batches()
        self._is_one_route = one

    def _count_on_routes(self, batch: list[Message], state: int) -> None:
        """Count messages on their routes: at once where there is one, as most batches have it."""
        if self._is_one_route:
            batch[0].route.states[state] += len(batch)
            return
        for message in batch:
            message.route.states[state] += 1

    def _part_batches(self) -> None:
        """Somebody touches a message: whatever waits to be reported is looked at one by one."""
        if self._has_batches:
            self._has_batches = False
            self._silent = None
            ready, self._ready = self._ready, deque()
            for entry in ready:
                if isinstance(entry, Message):
                    self._ready.append(entry)
                else:
                    self._ready.extend(entry)

    # -- handing over and taking back ---------------------------------------------------------------------------------

    def decided_messages(self) -> Iterator[Message]:
        """What the network has decided and the next turn finishes, in its order; some may be final already."""
        for entry in self._ready:
            if isinstance(entry, Message):
                yield entry
            else:
                yield from entry

    @property
    def shown(self) -> Handsets | None:
        """The handsets, once somebody has looked at them."""
        return self._handsets

    def is_underway(self, forward: Forward) -> bool:
        """Whether the message of this forward waits for it."""
        return self._forwards.get(forward.message) is forward

    def put_back_decided(self, message: Message) -> None:
        """Take back one of `decided_messages`, in its order."""
        self._ready.append(message)

    def put_back_queued(self, message: Message) -> None:
        """Take back what waits in the queue of its route, in its order."""
        message.route.queue[message] = None
        self.queued[message.route] = None

    def put_back_plan(self, message: Message) -> None:
        """Plan a message as it was planned, under its ticket, if it was."""
        if message.due_at != NEVER:
            self.schedule.put_back(message.due_at, message.ticket, message)

    def put_back_delivery(self, item: Deliverable, *, is_underway: bool) -> None:
        """Know of something that the outbox is about to take back; `is_underway`: see there."""
        if is_underway and isinstance(item, Forward):
            self._forwards[item.message] = item
        elif isinstance(item, Notification):
            self._asides.notified.add(item.message)

    def put_back_shown(self, items: Iterable[Message | Assembly]) -> None:
        """Have these texts on the handsets."""
        self._handsets = Handsets(())
        for item in items:
            self._handsets.show(item)

    # -- the turn of the loop: what is due, at most `limit` of each kind; True when there is more ---------------------

    def run_schedule(self, now: float, limit: int) -> bool:
        """Scheduled messages start, those on their way meet their outcome, and the validity of others ends."""
        due = self.schedule.pop_due(now, limit)
        if not due:
            return False
        wall = self._clock.wall()
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
        return len(due) == limit

    def _start(self, message: Message, now: float) -> None:
        """A scheduled message's time has come: it is ENROUTE and takes its place on its route."""
        message.state = ENROUTE
        self._note(message, history.STARTED)
        message.esme.states[ENROUTE] += 1
        message.route.states[ENROUTE] += 1
        self._take_place(message, now)

    def _take_place(self, message: Message, now: float) -> None:
        """Try to deliver a message now, for the first time or again, as soon as the throughput of its route allows."""
        if message.route.judge(message.pdu, now) == PASSES:
            self.dispatch([message], now)
        else:
            # It was accepted when it was submitted: it waits, whatever the route does with new messages.
            self.enqueue(message)

    def run_queues(self, now: float, limit: int) -> bool:
        """Let paced queues go as far as their windows allow."""
        more = False
        for route in list(self.queued):
            batch = route.release(limit, now)
            for message in batch:
                self.cancel_plan(message)
                self._note(message, history.RELEASED, detail=message.route.name)
            if batch:
                self.dispatch(batch, now)
            if not route.queue:
                del self.queued[route]
            else:
                more |= len(batch) == limit
        return more

    def run_ready(self, now: float, limit: int) -> bool:
        """Finish what the network decided at once."""
        ready = self._ready
        if not ready:
            return False
        self._silent = None
        wall = self._clock.wall()
        left = limit
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

    def run_retries(self, now: float, limit: int) -> bool:
        """Offer again what an ESME did not take."""
        due = self.retries.pop_due(now, limit)
        for item in due:
            self.outbox.offer_again(item)
        return len(due) == limit
