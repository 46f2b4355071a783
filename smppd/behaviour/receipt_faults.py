"""Faults of receipts. Their occasions are receipts at the moment in which they are due, in the order of their messages.

What is sent in the place of a receipt stands for it: the message is done with when that is acknowledged. What is sent
in addition is a delivery of its own, with a place in the window and an acknowledgement, and counts against the limit of
messages; at that limit it is left out. What is held back is still due (it counts as pending, and expires as any receipt
does), and leaves at the latest when its fault is taken away.
"""

from __future__ import annotations

from collections import deque
from math import inf, nextafter
from typing import TYPE_CHECKING, Final, NamedTuple

from smppd.behaviour.chance import Purpose
from smppd.behaviour.request_faults import party_of_bind
from smppd.behaviour.restating import PLAIN, restate
from smppd.engine.esmes import Restated
from smppd.engine.ids import FIRST_ID
from smppd.engine.message import RECEIPT_PENDING
from smppd.settings.faults import (
    ReceiptBeforeResponse,
    ReceiptContradiction,
    ReceiptDuplicate,
    ReceiptFault,
    ReceiptForeignId,
    ReceiptLost,
    ReceiptOld,
    ReceiptReorder,
    ReceiptStorm,
    ReceiptUnknownId,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from smppd.behaviour.occasions import Draws, Occasions
    from smppd.behaviour.waits import Wait, Waits
    from smppd.engine.core import Engine
    from smppd.engine.esmes import Bind, Deliverable, EsmeState
    from smppd.engine.message import Message

STORM_LIMIT: Final = 50_000
"""Receipts that are held for one account until it binds again, at which some message centres begin to purge (quirk
Q33b). What comes beyond that leaves as usual."""

LOOK_BACK: Final = 1000
"""Messages that are looked through for one of another account, the newest first, where no receipt has named one."""

DIGITS: Final = b"%010d"
"""How an id that was never given out is spelled where ids are decimal numbers of ten digits; none begins with 0."""


class Held(NamedTuple):
    """What one fault holds back."""

    fault: Occasions
    items: list[Deliverable]
    wait: Wait | None = None


class Plan:
    """What becomes of one receipt: the faults that take it write into this, one after the other."""

    __slots__ = ("again", "contradiction", "held_by", "is_lost", "wording")

    def __init__(self) -> None:
        self.is_lost = False
        self.again = 0
        """How often it is sent in addition."""
        self.contradiction = False
        self.wording = PLAIN
        self.held_by: Occasions | None = None


class ReceiptDesk:
    """The faults of receipts of one engine (`smppd.engine.ports.ReceiptFaults`)."""

    def __init__(self, engine: Engine, waits: Waits) -> None:
        """Begin without faults. waits: on the engine's clock."""
        self._engine = engine
        self._waits = waits
        self._occasions: list[Occasions] = []
        self._reordered: dict[Bind | EsmeState, Held] = {}
        """What waits for the next receipt, by the session whose message it reports, or by account."""
        self._storms: dict[EsmeState, deque[tuple[Occasions, Deliverable]]] = {}
        """What waits for its account to bind again."""
        self._expiries: dict[EsmeState, Wait] = {}
        self._latest: dict[EsmeState, bytes] = {}
        """The ids that receipts named last, by account; the latest of all is the last."""

    def choose(self, occasions: Iterable[Occasions]) -> None:
        """Have these faults from now on, in this order. What others hold back leaves."""
        self._occasions = [
            one
            for one in occasions
            if isinstance(one.fault, ReceiptFault) and not isinstance(one.fault, ReceiptBeforeResponse)
        ]
        for key in [key for key, held in self._reordered.items() if held.fault not in self._occasions]:
            self._let_go(key)
        for esme in list(self._storms):
            storm = self._storms.pop(esme)
            kept = deque(entry for entry in storm if entry[0] in self._occasions)
            if kept:
                self._storms[esme] = kept
            self._release(item for fault, item in storm if fault not in self._occasions)
            self._watch_expiry(esme)
        self._engine.outbox.faults = self if self._occasions else None
        if not self._occasions:
            self._latest.clear()

    # -- a receipt is due ---------------------------------------------------------------------------------------------

    def report(self, message: Message) -> None:
        """A receipt is due: have it leave, or what takes its place."""
        message.receipt = RECEIPT_PENDING
        key = self._key(message)
        before = self._reordered.get(key)
        plan = self._plan(message, reorders=before is None)
        esme = message.esme
        self._latest.pop(esme, None)
        self._latest[esme] = message.message_id
        if plan.is_lost:
            self._engine.outbox.lose(message)
            return
        items = self._items(message, plan)
        esme.waiting += len(items)
        if plan.held_by is not None:
            self._hold(key, esme, items, plan.held_by)
            return
        self._offer(items)
        if before is not None:
            self._let_go(key)

    def opened(self, bind: Bind) -> None:
        """A session has bound: what was held until then leaves, all at once."""
        if bind.receives and bind.esme in self._storms:
            self._release(item for _, item in self._storms.pop(bind.esme))
            self._watch_expiry(bind.esme)

    def forget(self, gone: Collection[EsmeState]) -> list[Deliverable]:
        """Let go of these accounts; returns what was held back for them, which never leaves."""
        lost: list[Deliverable] = []
        for key, held in list(self._reordered.items()):
            if held.items[0].esme in gone:
                del self._reordered[key]
                lost += held.items
                if held.wait is not None:
                    self._waits.cancel(held.wait)
        for esme in gone:
            lost += [item for _, item in self._storms.pop(esme, ())]
            self._watch_expiry(esme)
            self._latest.pop(esme, None)
        return lost

    def _plan(self, message: Message, *, reorders: bool) -> Plan:
        """Ask the faults in their order. What is to wait for the next receipt must not wait already."""
        party = party_of_bind(message.bind, message.esme.system_id)
        now = self._waits.now()
        plan = Plan()
        for one in self._occasions:
            if not one.concerns(party) or (isinstance(one.fault, ReceiptReorder) and not reorders):
                continue
            draws = one.take(party, now)
            if draws is not None:
                self._write(plan, one, draws, message)
                if plan.is_lost:
                    break
        return plan

    def _write(self, plan: Plan, one: Occasions, draws: Draws, message: Message) -> None:
        """What one fault makes of it."""
        fault = one.fault
        if isinstance(fault, ReceiptLost):
            plan.is_lost = True
        elif isinstance(fault, ReceiptDuplicate):
            plan.again += 1
        elif isinstance(fault, ReceiptContradiction):
            plan.contradiction = True
        elif isinstance(fault, ReceiptOld):
            plan.wording = plan.wording._replace(age=plan.wording.age + fault.age)
        elif isinstance(fault, ReceiptUnknownId):
            plan.wording = plan.wording._replace(message_id=unknown_id(message, draws))
        elif isinstance(fault, ReceiptForeignId):
            plan.wording = plan.wording._replace(message_id=self._foreign_id(message) or unknown_id(message, draws))
        elif isinstance(fault, (ReceiptReorder, ReceiptStorm)) and plan.held_by is None:
            plan.held_by = one

    def _items(self, message: Message, plan: Plan) -> list[Deliverable]:
        """What leaves: the receipt or what stands for it, and what is sent in addition as far as there is room."""
        plain = plan.wording == PLAIN
        record = restate(message, plan.wording)
        items: list[Deliverable] = [message if plain else Restated(message, record, stands_in=True)]
        items += [Restated(message, record, stands_in=False) for _ in range(plan.again)]
        if plan.contradiction:
            other = restate(message, plan.wording._replace(contradicts=True))
            items.append(Restated(message, other, stands_in=False))
        ledger = self._engine.ledger
        room = max(0, ledger.limit - ledger.live)
        del items[1 + room :]
        ledger.live += len(items) - 1
        return items

    def _offer(self, items: Iterable[Deliverable]) -> None:
        """Have them leave; they are counted already."""
        for item in items:
            self._engine.outbox.offer(item)

    def _release(self, items: Iterable[Deliverable]) -> None:
        """Have them leave that were held back."""
        self._offer(items)
        self._engine.wake()

    # -- what is held back --------------------------------------------------------------------------------------------

    def _hold(self, key: Bind | EsmeState, esme: EsmeState, items: list[Deliverable], one: Occasions) -> None:
        fault = one.fault
        if isinstance(fault, ReceiptReorder):
            wait = self._waits.call_at(self._waits.now() + fault.for_, lambda: self._overdue(key))
            self._reordered[key] = Held(one, items, wait)
            return
        storm = self._storms.setdefault(esme, deque())
        if len(storm) + len(items) > STORM_LIMIT:
            self._offer(items)
            return
        storm.extend((one, item) for item in items)
        if esme not in self._expiries:
            self._watch_expiry(esme)

    def _key(self, message: Message) -> Bind | EsmeState:
        """What the receipts of a message have their order in."""
        return message.esme if message.bind is None else message.bind

    def _let_go(self, key: Bind | EsmeState) -> None:
        held = self._reordered.pop(key)
        if held.wait is not None:
            self._waits.cancel(held.wait)
        self._release(held.items)

    def _overdue(self, key: Bind | EsmeState) -> None:
        self._release(self._reordered.pop(key).items)

    def _watch_expiry(self, esme: EsmeState) -> None:
        """See to it that what is held for an account expires when its time is over."""
        wait = self._expiries.pop(esme, None)
        if wait is not None:
            self._waits.cancel(wait)
        storm = self._storms.get(esme)
        if storm:
            due = nextafter(storm[0][1].expires_at, inf)
            self._expiries[esme] = self._waits.call_at(due, lambda: self._expire(esme))

    def _expire(self, esme: EsmeState) -> None:
        del self._expiries[esme]
        storm = self._storms[esme]
        now = self._waits.now()
        while storm and storm[0][1].expires_at < now:
            self._engine.outbox.drop(storm.popleft()[1])
        if not storm:
            del self._storms[esme]
        self._watch_expiry(esme)

    # -- handing over and taking back ---------------------------------------------------------------------------------

    def held(self) -> Iterator[tuple[Bind | EsmeState, str, float | None, Deliverable]]:
        """What is held back: for whom, by which fault, until when at the latest, and what.

        A time is given for what waits for the next receipt of that session or account; what waits for an account to
        bind has none.
        """
        for key, held in self._reordered.items():
            for item in held.items:
                yield key, held.fault.fault.name, None if held.wait is None else held.wait.due, item
        for esme, storm in self._storms.items():
            for one, item in storm:
                yield esme, one.fault.name, None, item

    @property
    def latest(self) -> Mapping[EsmeState, bytes]:
        """The ids that receipts named last, by account; the latest of all is the last."""
        return self._latest

    def begin_anew(self, latest: Mapping[EsmeState, bytes]) -> None:
        """Forget what is held back: its messages are gone."""
        for held in self._reordered.values():
            if held.wait is not None:
                self._waits.cancel(held.wait)
        for wait in self._expiries.values():
            self._waits.cancel(wait)
        self._reordered.clear()
        self._storms.clear()
        self._expiries.clear()
        self._latest = dict(latest)

    def put_back(self, key: Bind | EsmeState, fault: str, until: float | None, item: Deliverable) -> None:
        """Take back one of `held`, in its order; it leaves at once where the fault is not there any more."""
        item.esme.waiting += 1
        one = next((one for one in self._occasions if one.fault.name == fault), None)
        if one is None:
            self._offer((item,))
        elif until is None:
            self._storms.setdefault(item.esme, deque()).append((one, item))
            if item.esme not in self._expiries:
                self._watch_expiry(item.esme)
        elif key in self._reordered:
            self._reordered[key].items.append(item)
        else:
            self._reordered[key] = Held(one, [item], self._waits.call_at(until, lambda: self._overdue(key)))

    # -- ids of other messages ----------------------------------------------------------------------------------------

    def _foreign_id(self, message: Message) -> bytes | None:
        """The id of a message of another account: the latest that a receipt has named, or the latest accepted."""
        for esme in reversed(self._latest):
            if esme is not message.esme:
                return self._latest[esme]
        newest = zip(range(LOOK_BACK), reversed(self._engine.messages.values()), strict=False)
        return next((other.message_id for _, other in newest if other.esme is not message.esme), None)


def unknown_id(message: Message, draws: Draws) -> bytes:
    """An id that is never given out, as the session of the message spells ids: its number lies before the first."""
    number = 1 + int(draws.draw(Purpose.PARAMETER) * (FIRST_ID - 1))
    bind = message.bind
    return DIGITS % number if bind is None or bind.spell is None else bind.spell(number)
