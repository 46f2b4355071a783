"""What leaves towards ESMEs: receipts, notifications and mobile originated messages, waiting or on their way.

A deliverable waits in the queue of its bind, or of its account when that bind is gone; it is sent when a receiving
bind has room in its window; it is settled when the ESME acknowledges it, refuses it for good, or nobody wants it any
more. At any time at most one copy of it is on its way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.engine.message import RECEIPT_PENDING, RECEIPT_SENT, Message
from smppd.engine.retry import delay_before, is_retryable

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterable, Sequence

    from smppd.engine.esmes import Bind, Deliverable, Delivery, EsmeState
    from smppd.engine.ports import Dialect, Observer

SLICE: Final = 256
"""Deliverables sent per turn of the event loop: about a millisecond, so that responses never wait behind a flood."""

SLICE_IN_A_FLOOD: Final = 2048
"""The same while turn after turn leaves something over: the slice doubles up to here, so that receipts keep pace with
submissions under a load that never ends."""


class Outbox:
    """The deliverables of all accounts."""

    def __init__(
        self,
        dialect: Dialect,
        observer: Observer,
        settled: Callable[[Message], None],
        later: Callable[[float, Deliverable], None],
    ) -> None:
        """Set up.

        Args:
            dialect: writes receipt bodies.
            observer: is told what left.
            settled: called when a message's receipt is done with, however it ended.
            later: called with (seconds, deliverable) to have it offered again after a while.
        """
        self._dialect = dialect
        self._observer = observer
        self._settled = settled
        self._later = later
        self._active: dict[EsmeState, None] = {}
        self._slice = SLICE

    @property
    def has_work(self) -> bool:
        """Whether something might be sent at once."""
        return bool(self._active)

    def add(self, item: Deliverable) -> None:
        """Take a new deliverable."""
        item.esme.waiting += 1
        self.offer(item)

    def offer(self, item: Deliverable) -> None:
        """Queue a deliverable, again or for the first time."""
        esme = item.esme
        bind = item.bind
        if item.__class__ is Message:
            item.receipt = RECEIPT_PENDING
        if bind is not None and bind.is_open and bind.receives and esme.receipt_bind == "same":
            bind.pending.append(item)
        else:
            esme.pending.append(item)
        self._active[esme] = None

    def activate(self, esme: EsmeState) -> None:
        """Look at this account again: a window opened, a bind came or can be written to."""
        self._active[esme] = None

    def opened(self, bind: Bind) -> None:
        """A session bound."""
        bind.esme.binds.append(bind)
        if bind.receives:
            self._active[bind.esme] = None

    def closed(self, bind: Bind, unacknowledged: Sequence[Deliverable]) -> None:
        """A session ended: what it had not acknowledged goes first on the next bind."""
        bind.is_open = False
        esme = bind.esme
        esme.binds.remove(bind)
        for item in reversed(bind.pending):
            esme.pending.appendleft(item)
        bind.pending.clear()
        for item in reversed(unacknowledged):
            if item.__class__ is Message:
                item.receipt = RECEIPT_PENDING
            esme.pending.appendleft(item)
        if esme.pending and esme.binds:
            self._active[esme] = None

    def send(self, now: float) -> bool:
        """Send what fits into the windows, one slice; True when there may be more to send at once."""
        more = self._send_slice(self._slice, now)
        self._slice = min(2 * self._slice, SLICE_IN_A_FLOOD) if more else SLICE
        return more

    def _send_slice(self, budget: int, now: float) -> bool:
        for esme in list(self._active):
            sent = self._send_to(esme, budget, now)
            if sent >= 0:
                # Everything that can leave has left; what still waits is for a window, a bind or a reader.
                del self._active[esme]
                budget -= sent
            else:
                # The slice is used up: the account goes to the end of the line.
                del self._active[esme]
                self._active[esme] = None
                return True
            if budget <= 0:
                return bool(self._active)
        return False

    def _send_to(self, esme: EsmeState, budget: int, now: float) -> int:
        """Send to one account; returns how many left, or -1 when the slice ended with more to send."""
        sent = 0
        receivers = esme.receivers()
        for bind in receivers:
            if bind.pending:
                sent += self._send_by(bind, bind.pending, budget - sent, now)
        if not esme.pending:
            pass
        elif esme.receipt_bind == "round_robin" and len(receivers) > 1:
            sent += self._send_in_turn(esme, receivers, budget - sent, now)
        else:
            for bind in receivers:
                sent += self._send_by(bind, esme.pending, budget - sent, now)
                if not esme.pending:
                    break
        if sent < budget:
            return sent
        return -1 if any(bind.pending for bind in receivers) or esme.pending else sent

    def _send_in_turn(self, esme: EsmeState, receivers: list[Bind], budget: int, now: float) -> int:
        """Give each receiving bind an equal share of what waits, starting where the last round ended."""
        sent = 0
        blocked = 0
        while esme.pending and sent < budget and blocked < len(receivers):
            bind = receivers[esme.turn % len(receivers)]
            esme.turn += 1
            left = self._send_by(bind, esme.pending, 1, now)
            blocked = 0 if left else blocked + 1
            sent += left
        return sent

    def _send_by(self, bind: Bind, pending: deque[Deliverable], budget: int, now: float) -> int:
        """Send by one bind from one queue, within its window; returns how many left."""
        room = min(bind.outbound.room(), budget)
        if room <= 0:
            return 0
        bodies: list[bytes] = []
        items: list[Deliverable] = []
        delays: list[float] = []
        receipt_body = self._dialect.receipt_body
        tlvs = bind.tlvs
        while pending and len(items) < room:
            item = pending.popleft()
            if item.expires_at < now:
                self.drop(item)
                continue
            item.attempts += 1
            if item.__class__ is Message:
                item.receipt = RECEIPT_SENT
                bodies.append(receipt_body(item, tlvs=tlvs))
                delays.append(now - item.accepted_at)
            else:
                bodies.append(_body_of(item))
            items.append(item)
        if items:
            bind.outbound.deliver(bodies, items)
            if delays:
                self._observer.receipts_sent(delays)
        return len(items)

    def acknowledged(self, answers: Iterable[tuple[Deliverable, int]]) -> None:
        """The ESME answered: each deliverable with the command_status of its deliver_sm_resp."""
        settled = self._settled
        active = self._active
        for item, status in answers:
            esme = item.esme
            if status and is_retryable(status):
                self._again_later(item)
            else:
                esme.waiting -= 1
                if item.__class__ is Message:
                    settled(item)
            active[esme] = None

    def unanswered(self, items: Iterable[Deliverable]) -> None:
        """No response came in time: the ESME may have lost it, so it is sent again."""
        for item in items:
            self._again_later(item)

    def _again_later(self, item: Deliverable) -> None:
        if item.__class__ is Message:
            item.receipt = RECEIPT_PENDING
        self._later(delay_before(item.attempts), item)

    def drop(self, item: Deliverable) -> None:
        """Nobody wants it any more."""
        item.esme.waiting -= 1
        if item.__class__ is Message:
            self._settled(item)

    def sweep(self, esmes: Iterable[EsmeState], now: float) -> None:
        """Drop what expired while no receiver was bound: the oldest stand in front."""
        for esme in esmes:
            for pending in (esme.pending, *(bind.pending for bind in esme.binds)):
                while pending and pending[0].expires_at < now:
                    self.drop(pending.popleft())


def _body_of(item: Delivery) -> bytes:
    return item.body
