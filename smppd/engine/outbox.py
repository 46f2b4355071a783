"""What leaves towards ESMEs: receipts, notifications and mobile originated messages, waiting or on their way.

A deliverable waits in the queue of its bind, or of its account when that bind is gone; it is sent when a receiving
bind has room in its window; it is settled when the ESME acknowledges it, refuses it or all for its address for good,
or nobody wants it any more. At any time at most one copy of it is on its way.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from smppd.engine import history
from smppd.engine.esmes import RECEIPTS, Acceptance, Delivery, Forgotten, Notification, Report, Restated, address_of
from smppd.engine.message import RECEIPT_PENDING, RECEIPT_SENT, RECEIPT_SETTLED, Message
from smppd.engine.mobile_originated import MobileOriginated
from smppd.engine.peers import DATA_SM, DELIVER_SM, UNDELIVERABLE, Forward, outcome_of
from smppd.engine.retry import REFUSED_FOR_GOOD, delay_before, is_retryable
from smppd.engine.widen import as_data_sm, is_too_long
from smppwire.constants import HEADER_LENGTH
from smppwire.pdus import SubmitSm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from smppd.engine.esmes import Bind, Deliverable, Ending, EsmeState
    from smppd.engine.history import History
    from smppd.engine.ports import Observer, ReceiptFaults, Witness

SLICE: Final = 256
"""Deliverables sent per turn of the event loop: about a millisecond, so that responses never wait behind a flood."""

SLICE_IN_A_FLOOD: Final = 2048
"""The same while turn after turn leaves something over: the slice doubles up to here, so that receipts keep pace with
submissions under a load that never ends."""

LOOK_THROUGH: Final = 10_000
"""An account's deliverables that are looked through at once for an address the ESME refused: about a millisecond. Where
more are waiting it is done once per sweep, for all addresses refused until then."""

LONG_AGO: Final = float("-inf")
"""When that has expired which nobody waits for."""


class Waiting(NamedTuple):
    """Something that has not been taken yet."""

    item: Deliverable
    plan: tuple[float, int] | None = None
    """When it is offered again, and its ticket; None for at once."""
    was_sent: bool = False
    """Whether it was on its way: a session had not acknowledged it."""


def subject_of(item: Deliverable) -> tuple[Message, str] | None:
    """The message in whose story it is told what becomes of a deliverable, and as what; None when it has none."""
    if isinstance(item, Message):
        return item, "receipt"
    return (item.message, item.kind) if isinstance(item, (Report, Forward)) else None


class Outbox:
    """The deliverables of all accounts."""

    def __init__(
        self,
        observer: Observer,
        settled: Callable[[Deliverable], None],
        reported: Callable[[list[Message]], None],
        later: Callable[[float, Deliverable], tuple[float, int]],
        forsake: Callable[[float, int], None],
        stories: History,
    ) -> None:
        """Set up.

        Args:
            observer: is told what left.
            settled: called once for each deliverable when it is done with, however it ended.
            reported: called instead with the messages of one account whose receipts were acknowledged together.
            later: called with (seconds, deliverable) to have it offered again after a while; returns its plan.
            forsake: called with the plan of what rests no longer, though its time has not come: see `Schedule.forsake`.
            stories: where it is written what becomes of a delivery that is not acknowledged at once.
        """
        self._observer = observer
        self._settled = settled
        self._reported = reported
        self._later = later
        self._forsake = forsake
        self._stories = stories
        self._active: dict[EsmeState, None] = {}
        self._resting: dict[EsmeState, dict[Deliverable, tuple[float, int]]] = {}
        """By account, what the ESME did not take and is offered again later, with its only plan."""
        self._refused: dict[EsmeState, set[bytes]] = {}
        """By account, the addresses that the ESME refused for good, until all that waits for them is dropped."""
        self._slice = SLICE
        self.faults: ReceiptFaults | None = None
        """What goes wrong with receipts; None while nothing does."""
        self.witness: Witness | None = None
        """Who looks at what happens; None while nobody does."""

    @property
    def has_work(self) -> bool:
        """Whether something might be sent at once."""
        return bool(self._active)

    def add(self, item: Deliverable) -> None:
        """Take a new deliverable."""
        if self.faults is not None and isinstance(item, Message):
            self.faults.report(item)
            return
        item.esme.waiting += 1
        self.offer(item)

    def add_receipts(self, messages: Sequence[Message]) -> None:
        """Take the receipts of messages that came by one bind, each of them RECEIPT_PENDING already."""
        if self.faults is not None:
            for message in messages:
                self.faults.report(message)
            return
        first = messages[0]
        esme = first.esme
        bind = first.bind
        esme.waiting += len(messages)
        if bind is not None and bind.is_open and bind.receives and esme.receipt_bind == "same":
            bind.pending.extend(messages)
        else:
            esme.pending.extend(messages)
        self._active[esme] = None

    def lose(self, message: Message) -> None:
        """The receipt of a message, which has not been taken yet, is never sent: done with as if acknowledged."""
        self._settled(message)

    def send_now(self, bind: Bind, item: Deliverable, now: float) -> None:
        """Take a new deliverable and send it by this bind at once, before all that waits, if its window has room."""
        item.esme.waiting += 1
        queue = deque((item,))
        if not self._send_by(bind, queue, 1, now) and queue:
            self.offer(item)

    def send_ahead(self, esme: EsmeState, produce: Callable[[], None], now: float) -> None:
        """Send at once what `produce` queues for an account, before all that waits, as far as windows have room."""
        owners: list[EsmeState | Bind] = [esme, *esme.receivers()]
        waiting = [owner.pending for owner in owners]
        for owner in owners:
            owner.pending = deque()
        try:
            produce()
            self._send_to(esme, SLICE, now)
        finally:
            for owner, before in zip(owners, waiting, strict=True):
                before.extend(owner.pending)
                owner.pending = before

    def offer_again(self, item: Deliverable) -> None:
        """Queue a deliverable that was to be sent again later; its plan has come up, or is forsaken."""
        resting = self._resting[item.esme]
        del resting[item]
        if not resting:
            del self._resting[item.esme]
        if isinstance(item, (Acceptance, Notification)) and item.message.is_final:
            self.drop(item)  # its receipt may be there already: nobody is told ENROUTE after that
        else:
            self.offer(item)

    def offer(self, item: Deliverable) -> None:
        """Queue a deliverable, again or for the first time."""
        esme = item.esme
        bind = item.bind
        if item.__class__ is Message:
            item.receipt = RECEIPT_PENDING
        elif item.__class__ is Forward:
            self._offer_forward(item)
            return
        elif item.__class__ is MobileOriginated:
            self._offer_by_address(item)
            return
        if bind is not None and bind.is_open and bind.receives and esme.receipt_bind == "same":
            bind.pending.append(item)
        else:
            esme.pending.append(item)
        self._active[esme] = None

    def _offer_forward(self, item: Forward) -> None:
        """Queue a forwarded message, if anybody still waits for it."""
        if item.is_wanted:
            self._offer_by_address(item)
        else:
            self.drop(item)

    def _offer_by_address(self, item: Delivery) -> None:
        """Queue for the bind that is for the address of a delivery, if the binds of the account differ."""
        esme = item.esme
        bind = esme.bind_for(item.address()) if esme.narrowed else None
        (esme if bind is None else bind).pending.append(item)
        self._active[esme] = None

    def forsake(self, item: Forward) -> None:
        """Nobody waits for a forwarded message any more: it is not sent, unless it is on its way already.

        Queues are cleaned when half of what stands in them may be such, so that each one costs little.
        """
        item.expires_at = LONG_AGO
        esme = item.esme
        esme.unwanted += 1
        queues = (esme.pending, *(bind.pending for bind in esme.binds))
        if 2 * esme.unwanted <= sum(len(queue) for queue in queues):
            return
        esme.unwanted = 0
        for queue in queues:
            everything = list(queue)
            queue.clear()
            for waiting in everything:
                if waiting.__class__ is Forward and not waiting.is_wanted:
                    self.drop(waiting)
                else:
                    queue.append(waiting)

    def activate(self, esme: EsmeState) -> None:
        """Look at this account again: a window opened, a bind came or can be written to."""
        self._active[esme] = None

    def opened(self, bind: Bind) -> None:
        """A session bound. An ESME that comes back need not wait for what it had not taken before it left."""
        esme = bind.esme
        comes_back = bind.receives and not any(other.receives for other in esme.binds)
        esme.binds.append(bind)
        if bind.receives:
            esme.narrowed |= bool(bind.address_range)
            self._active[esme] = None
        if comes_back:
            for item, plan in list(self._resting.get(esme, {}).items()):
                # Left to come up, it would cut short the rest after the next refusal.
                self._forsake(*plan)
                self.offer_again(item)

    def closed(self, bind: Bind, unacknowledged: Sequence[Deliverable]) -> None:
        """A session ended: what it had not acknowledged goes first on the next bind, then what waited for it."""
        bind.close()
        esme = bind.esme
        if bind in esme.binds:
            esme.binds.remove(bind)
            if esme.narrowed:
                esme.narrowed = any(other.address_range for other in esme.receivers())
        again: list[Deliverable] = []
        for item in unacknowledged:
            if item.__class__ is Forgotten:
                continue
            self._note(item, history.SESSION_ENDED, session=bind.bind_id)
            if item.__class__ is Message:
                item.receipt = RECEIPT_PENDING
            elif item.__class__ is Forward and item.has_one_attempt:
                self.drop(item)
                continue
            elif isinstance(item, Delivery):
                item.is_on_way = False
            again.append(item)
        esme.pending.extendleft(reversed(bind.pending))
        esme.pending.extendleft(reversed(again))
        bind.pending.clear()
        if esme.pending and esme.binds:
            self._active[esme] = None

    def move(self, old: EsmeState, new: EsmeState, keeps: Callable[[Deliverable], bool]) -> None:
        """An account begins anew under another state: what it had not taken is forgotten, or offered to that."""
        for item, plan in self._resting.pop(old, {}).items():
            if keeps(item):
                self._resting.setdefault(new, {})[item] = plan
            else:
                self._forsake(*plan)
        self._refused.pop(old, None)
        self._active.pop(old, None)
        self._active[new] = None

    def send(self, now: float) -> bool:
        """Send what fits into the windows, one slice; True when there may be more to send at once."""
        more = self._send_slice(self._slice, now)
        self._slice = min(2 * self._slice, SLICE_IN_A_FLOOD) if more else SLICE
        return more

    def _send_slice(self, budget: int, now: float) -> bool:
        active = self._active
        for esme in list(active):
            sent, more = self._send_to(esme, budget, now)
            # Everything that can leave has left, what still waits is for a window, a bind or a reader; or the slice is
            # used up and the account goes to the end of the line.
            del active[esme]
            if more:
                active[esme] = None
            budget -= sent
            if budget <= 0:
                break
        return bool(active)

    def _send_to(self, esme: EsmeState, budget: int, now: float) -> tuple[int, bool]:
        """Send to one account; returns how many left, and whether the slice ended with more to send.

        The queues of its binds and the one they share take turns in going first: none waits for ever behind another
        that is never empty.
        """
        receivers = esme.receivers()
        queues = len(receivers) + 1
        sent = 0
        for step in range(queues):
            place = (esme.line + step) % queues
            if place == len(receivers):
                if esme.pending:
                    sent += self._send_shared(esme, receivers, budget - sent, now)
            elif receivers[place].pending:
                sent += self._send_by(receivers[place], receivers[place].pending, budget - sent, now)
            if sent >= budget:
                esme.line = place + 1
                return sent, bool(esme.pending) or any(bind.pending for bind in receivers)
        return sent, False

    def _send_shared(self, esme: EsmeState, receivers: list[Bind], budget: int, now: float) -> int:
        """Send what may leave by any bind: by the first that has room, or by all in turn."""
        if esme.receipt_bind == "round_robin" and len(receivers) > 1:
            return self._deal(esme, receivers, budget, now)
        sent = 0
        for bind in receivers:
            sent += self._send_by(bind, esme.pending, budget - sent, now)
            if not esme.pending:
                break
        return sent

    def _deal(self, esme: EsmeState, receivers: list[Bind], budget: int, now: float) -> int:
        """Deal what waits to the binds in turn, one each as long as they have room, starting where the last deal ended.

        Each bind then sends its hand at once.
        """
        rooms = [max(0, bind.outbound.room()) for bind in receivers]
        hands: list[deque[Deliverable]] = [deque() for _ in receivers]
        left = min(budget, len(esme.pending), sum(rooms))
        while left:
            place = esme.turn % len(receivers)
            esme.turn += 1
            if rooms[place] > 0:
                rooms[place] -= 1
                hands[place].append(esme.pending.popleft())
                left -= 1
        return sum(
            self._send_by(bind, hand, len(hand), now) for bind, hand in zip(receivers, hands, strict=True) if hand
        )

    def _send_by(self, bind: Bind, pending: deque[Deliverable], budget: int, now: float) -> int:
        """Send by one bind from one queue, within its window; returns how many left."""
        room = min(bind.outbound.room(), budget)
        if room <= 0:
            return 0
        sent = self._send_receipts(bind, pending, room, now)
        if pending and sent < room:
            sent += self._send_all_kinds(bind, pending, room - sent, now)
        return sent

    def _send_receipts(self, bind: Bind, pending: deque[Deliverable], room: int, now: float) -> int:
        """Send the receipts that stand in front, as long as nothing is special about them; returns how many left."""
        messages: list[Message] = []
        take = messages.append
        for _ in range(min(room, len(pending))):
            item = pending.popleft()
            if item.__class__ is not Message or item.expires_at < now or item.pdu.__class__ is not SubmitSm:
                pending.appendleft(item)
                break
            item.attempts += 1
            item.receipt = RECEIPT_SENT
            take(item)
        if messages:
            dialect = bind.esme.dialect
            bodies = dialect.receipts.receipt_bodies(messages, tlvs=bind.tlvs)
            bind.outbound.deliver(bodies, messages, dialect.command_id if bind.tlvs else DELIVER_SM)
            self._observer.receipts_sent([now - message.accepted_at for message in messages])
            if self.witness is not None:
                self.witness.receipts_sent(bind, messages)
        return len(messages)

    def _send_all_kinds(self, bind: Bind, pending: deque[Deliverable], room: int, now: float) -> int:
        """Send deliverables of any kind, each looked at by itself; returns how many left."""
        bodies: list[bytes] = []
        items: list[Deliverable] = []
        delays: list[float] = []
        dialect = bind.esme.dialect
        receipt_body = dialect.receipts.receipt_body
        tlvs = bind.tlvs
        kind_of_receipts = dialect.command_id if tlvs else DELIVER_SM
        command_id = DELIVER_SM
        left = 0
        while pending and len(items) < room:
            item = pending.popleft()
            if item.expires_at < now:
                self.drop(item, "expired")
                continue
            item.attempts += 1
            if item.__class__ is Message:
                item.receipt = RECEIPT_SENT
                kind = kind_of_receipts
                body = receipt_body(item, tlvs=tlvs)
                if kind == DELIVER_SM and item.pdu.__class__ is not SubmitSm and is_too_long(item.pdu):
                    written = self._widened(item, body, bind)
                    if written is None:
                        continue
                    kind, body = written
                delays.append(now - item.accepted_at)
            else:
                item = cast("Delivery", item)
                written = self._write(item, bind)
                if written is None:
                    continue
                kind, body = written
                self._note(item, history.SENT, session=bind.bind_id)
                if isinstance(item, Restated):
                    delays.append(now - item.accepted_at)
                bind.others += item.__class__ not in RECEIPTS
                item.is_on_way, item.session = True, bind.bind_id
            if kind != command_id:
                if items:
                    self._deliver(bind, bodies, items, command_id)
                left += len(items)
                room -= len(items)
                bodies, items, command_id = [], [], kind
            bodies.append(body)
            items.append(item)
        if items:
            self._deliver(bind, bodies, items, command_id)
            if delays:
                self._observer.receipts_sent(delays)
        return left + len(items)

    def _deliver(self, bind: Bind, bodies: list[bytes], items: list[Deliverable], command_id: int) -> None:
        bind.outbound.deliver(bodies, items, command_id)
        if self.witness is not None:
            self.witness.sent(bind, items)

    def _write(self, item: Delivery, bind: Bind) -> tuple[int, bytes] | None:
        """(command_id, body) of what is no receipt; None when it does not fit this bind and has been dropped."""
        dialect = bind.esme.dialect
        if item.__class__ is Forward:
            written = item.write(bind.policy.interface_version)
            if written is not None and bind.tlvs:
                written = written[0], written[1] + dialect.added_tlvs(written[0])
        else:
            written = item.render(dialect, tlvs=bind.tlvs)
            is_long = isinstance(item, Report) and is_too_long(item.message.pdu)
            if is_long and written is not None and written[0] == DELIVER_SM:
                return self._widened(item, written[1], bind)
        if written is None or (dialect.max_pdu and HEADER_LENGTH + len(written[1]) > dialect.max_pdu):
            self.drop(item)
            return None
        return written

    def _widened(self, item: Deliverable, body: bytes, bind: Bind) -> tuple[int, bytes] | None:
        """(command_id, body) of what has longer addresses than deliver_sm; None when it had to be dropped."""
        if not bind.tlvs:
            self.drop(item)
            return None
        return DATA_SM, as_data_sm(body)

    def acknowledged(self, answers: Iterable[tuple[Deliverable, int]]) -> None:
        """An ESME answered: each deliverable with the command_status of its deliver_sm_resp."""
        reported: list[Message] = []
        for item, status in answers:
            if status or item.__class__ is not Message:
                self._answered(item, status)
            else:
                item.receipt = RECEIPT_SETTLED
                reported.append(item)
        if reported:
            esme = reported[0].esme
            esme.waiting -= len(reported)
            self._active[esme] = None
            self._reported(reported)
            if self.witness is not None:
                self.witness.receipts_acknowledged(reported)
        if self._refused:
            for esme in [esme for esme in self._refused if esme.waiting <= LOOK_THROUGH]:
                self._drop_refused(esme)

    def _answered(self, item: Deliverable, status: int) -> None:
        """The ESME answered with this command_status."""
        esme = item.esme
        self._active[esme] = None
        if item.__class__ is Forgotten:
            return  # there is room in a window now, and that is all
        if self.witness is not None:
            self.witness.answered(item, status)
        if isinstance(item, Delivery):
            item.status = status
        if status:
            if is_retryable(status):
                self._again_later(item, history.REFUSED, status)
                return
            self._note(item, history.REFUSED, status=status)
            if item.__class__ is Forward:
                item.outcome = outcome_of(status)
            if status == REFUSED_FOR_GOOD:
                self._refused.setdefault(esme, set()).add(address_of(item))
        if isinstance(item, Delivery):
            item.is_on_way = False
            item.ended = "refused" if status else "acknowledged"
        esme.waiting -= 1
        self._settled(item)

    def unanswered(self, items: Iterable[Deliverable]) -> None:
        """No response came in time: the ESME may have lost it, so it is sent again."""
        if self.witness is not None:
            items = list(items)
            self.witness.unanswered([item for item in items if item.__class__ is not Forgotten])
        for item in items:
            if item.__class__ is not Forgotten:
                self._again_later(item, history.UNANSWERED)
            self._active[item.esme] = None

    def _again_later(self, item: Deliverable, kind: str, status: int = 0) -> None:
        """The ESME did not take it now: offer it again after a while, unless it has but one attempt."""
        pause = delay_before(item.attempts)
        self._note(item, kind, status=status, after=pause)
        if item.__class__ is Message:
            item.receipt = RECEIPT_PENDING
        elif item.__class__ is Forward and item.has_one_attempt:
            self.drop(item)
            return
        elif isinstance(item, Delivery):
            item.is_on_way = False
        self._resting.setdefault(item.esme, {})[item] = self._later(pause, item)

    def _note(
        self, item: Deliverable, kind: str, *, session: str = "", status: int = 0, after: float | None = None
    ) -> None:
        """Write down what becomes of a delivery, with the message that it is about if there is one."""
        subject = subject_of(item)
        if subject is not None:
            message, what = subject
            self._stories.note(message, kind, what, session=session, status=status, after=after)

    def drop(self, item: Deliverable, how: Ending = "dropped") -> None:
        """Nobody wants it any more, or nobody can have it."""
        self._note(item, history.GIVEN_UP)
        if item.__class__ is Forward:
            item.outcome = UNDELIVERABLE
        if isinstance(item, Delivery):
            item.is_on_way = False
            item.ended = how
        item.esme.waiting -= 1
        self._settled(item)

    def _drop_refused(self, esme: EsmeState) -> None:
        """Drop what waits for addresses the ESME refused for good; what is on its way gets an answer of its own."""
        addresses = self._refused.pop(esme)
        for queue in (esme.pending, *(bind.pending for bind in esme.binds)):
            waiting = list(queue)
            queue.clear()
            for item in waiting:
                if address_of(item) in addresses:
                    self.drop(item)
                else:
                    queue.append(item)
        resting = self._resting.get(esme, {})
        for item in [item for item in resting if address_of(item) in addresses]:
            self._forsake(*resting.pop(item))
            self.drop(item)
        if not resting:
            self._resting.pop(esme, None)

    # -- handing over and taking back ---------------------------------------------------------------------------------

    def waiting(self, esme: EsmeState, outstanding: Callable[[Bind], Iterable[Deliverable]]) -> Iterator[Waiting]:
        """What an account waits for, in the order in which it would leave if all its sessions ended now.

        `outstanding` says what a session has not acknowledged.
        """
        for bind in reversed(esme.binds):
            for item in outstanding(bind):
                yield Waiting(item, was_sent=True)
            for item in bind.pending:
                yield Waiting(item)
        for item in esme.pending:
            yield Waiting(item)
        for item, plan in self._resting.get(esme, {}).items():
            yield Waiting(item, plan=plan)

    def refused(self, esme: EsmeState) -> Iterable[bytes]:
        """The addresses that an account refused for good, as long as something may wait for them."""
        return self._refused.get(esme, ())

    def put_back(self, waiting: Waiting) -> None:
        """Take back what `waiting` has handed over, in its order; no session may be there.

        What has one attempt, and was on its way, has failed: its session is gone.
        """
        item, plan, was_sent = waiting
        esme = item.esme
        esme.waiting += 1
        if item.__class__ is Message:
            item.receipt = RECEIPT_PENDING
        elif was_sent and item.__class__ is Forward and item.has_one_attempt:
            self.drop(item)
            return
        if plan is None:
            esme.pending.append(item)
        else:
            self._resting.setdefault(esme, {})[item] = plan

    def put_back_refused(self, esme: EsmeState, address: bytes) -> None:
        """An account has refused this address for good."""
        self._refused.setdefault(esme, set()).add(address)

    def sweep(self, esmes: Iterable[EsmeState], now: float) -> None:
        """Drop what expired while no receiver was bound (the oldest stand in front), and what has been refused."""
        for esme in list(self._refused):
            self._drop_refused(esme)
        for esme in esmes:
            for pending in (esme.pending, *(bind.pending for bind in esme.binds)):
                while pending and pending[0].expires_at < now:
                    self.drop(pending.popleft(), "expired")

    def next_expiry(self, esmes: Iterable[EsmeState]) -> float | None:
        """When the first of what stands in front expires, so that `sweep` drops it right afterwards."""
        queues = (pending for esme in esmes for pending in (esme.pending, *(bind.pending for bind in esme.binds)))
        return min((pending[0].expires_at for pending in queues if pending), default=None)
