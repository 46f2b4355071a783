"""The account of every message of one worker.

**Each message is accounted for exactly once.** ``Lane.sent`` enters it as *in flight*. It leaves that state by exactly
one of four ways, and never comes back: an answer with ESME_ROK (``ok``), an answer with another status (``throttled``
or ``errors``, and under its name), the response timeout (``timed_out``), the end of its connection
(``connection_lost``). The one correction: an answer that comes after the timeout moves the message from ``timed_out``
to where the answer belongs, and is counted in ``late_answers`` besides. So at any time::

    sent = ok + throttled + errors + timed_out + connection_lost + in_flight

A response for a number that is not in flight concerns no message: it is *doubled* when a message had that number,
otherwise *unknown*.

A message that asked for a receipt and was accepted is *awaited*. It leaves that state by exactly one of two ways: its
final receipt (``receipts``, and under its state), or the end of the test without one (``missing_receipts``). So::

    wanted_receipts = receipts + missing_receipts + awaited

A receipt for no awaited message is *doubled* when the message had one, *early* as long as a response that could name
its id is outstanding, and otherwise *unknown*. Two messages under one id (``duplicate_ids``) wait for two receipts.

**What is remembered.** Messages in flight and awaited receipts; of finished messages nothing but counts, and enough to
tell doubled from unknown: the last sequence numbers of each connection, and the last ids (``recent.GENERATION``).

Time is an argument everywhere: seconds of one monotonic clock, the same for all methods.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from smppd.load.lane import Lane
from smppd.load.receipts import MOST_AWAITED, Receipts, ReceiptSeen, Stray
from smppd.load.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smppd.load.recent import Recent
    from smppd.load.result import Counters, Interval, WorkerReport

__all__ = ["RESPONSE_TIMEOUT", "Lane", "Ledger", "ReceiptSeen", "Stray"]

RESPONSE_TIMEOUT: Final = 10.0
"""Seconds that a response may take: the usual value of the response timer (SMPP 3.4, 7.2)."""


class Ledger:
    """The account of one worker.

    A connection is a ``lane``; its responses go there. Receipts, which may come on any connection, come here.
    response_timeout: seconds from the actual send until a message counts as ``timed_out``. issued: the memory of ids, a
    smaller one in tests. most_awaited: receipts that are awaited at a time, before the oldest are given up.
    workers: how many there are that may get each other's receipts (see ``strays``).
    """

    def __init__(
        self,
        *,
        response_timeout: float = RESPONSE_TIMEOUT,
        issued: Recent | None = None,
        most_awaited: int = MOST_AWAITED,
        workers: int = 1,
    ) -> None:
        self._response_timeout = response_timeout
        self._tally = Tally()
        self._receipts = Receipts(self._tally, issued, most_awaited, workers)
        self._lanes: list[Lane] = []

    @property
    def counters(self) -> Counters:
        """The live counters: read them, or ``copy`` them."""
        return self._tally.counters

    @property
    def awaited_receipts(self) -> int:
        """Receipts that are still to come, as long as it is worth waiting for them (those without an id are not)."""
        return self._receipts.awaited

    def lane(self, name: str, window: int = 0) -> Lane:
        """The account of a new connection.

        name: how offenders are listed ("bind 3"). window: the most messages that will be in flight; a lane takes more,
        at the price of growing.
        """
        lane = Lane(self._tally, self._receipts, name, window)
        self._lanes.append(lane)
        return lane

    def lost(self, lane: Lane) -> int:
        """A connection ended: what is in flight on it is ``connection_lost``. Returns how many messages that were."""
        self._lanes.remove(lane)
        return lane.lost()

    def offered(self, n: int) -> None:
        """``n`` more arrivals were due (open loop; in closed loop ``Lane.sent_run`` counts them)."""
        self._tally.counters.offered += n

    def receipts(self, batch: Iterable[ReceiptSeen | tuple[bytes | None, bytes | None, int | str]], now: float) -> None:
        """Final receipts of one read."""
        self._receipts.seen(batch, now)

    def strays(self) -> list[Stray]:
        """Receipts that came since the last call and belong to none of our messages: another worker may know them."""
        found, self._receipts.strays = self._receipts.strays, []
        return found

    def adopt(self, strays: Iterable[Stray]) -> None:
        """Receipts of another worker (its ``strays``), whose clock is ours."""
        self._receipts.adopt(strays)

    def intermediate(self, n: int = 1) -> None:
        """Intermediate notifications, or receipts whose state is not final: counted, and in no account."""
        self._tally.counters.intermediate += n

    def answered_mo(self, received: float, now: float) -> None:
        """Our answer to an MO message was accepted. received: when it came, the think time of the reply added."""
        self._tally.counters.mo_answers += 1
        if received >= self._tally.since:
            self._tally.mo_answer.record(now - received)

    def settle(self, now: float) -> list[tuple[Lane, int]]:
        """Time out responses and judge receipts that wait; to be called some times a second.

        Returns the lanes whose windows have slots free again, with their number.
        """
        limit = now - self._response_timeout
        freed = [(lane, n) for lane in self._lanes if (n := lane.expire(limit))]
        self._receipts.settle(min((lane.oldest() for lane in self._lanes), default=math.inf))
        return freed

    def start_measuring(self, now: float) -> None:
        """The warm-up is over, or there is none: to be called in any case.

        What was intended earlier stays out of the histograms, though not out of the account.
        """
        self._tally.start_measuring(now)

    def stop_measuring(self, now: float) -> None:
        """Sending is over (for a count: the last response came). Rates refer to the time between the two."""
        self._tally.stop_measuring(now)

    def roll(self, now: float, *, behind: int = 0) -> Interval:
        """Close a second of the time series; to be called each second, counted from ``start_measuring``.

        behind: arrivals that are due and not sent. What was closed in the warm-up is in no report.
        """
        return self._tally.roll(now, behind)

    def finish(self) -> None:
        """Nothing comes any more. Whatever is in flight has timed out, whatever receipt is awaited is missing."""
        for lane in self._lanes:
            lane.expire(math.inf)
        self._receipts.finish()

    def report(self) -> WorkerReport:
        """What was found so far; the driver adds binds, reconnects, errors and processor time."""
        return self._tally.report()
