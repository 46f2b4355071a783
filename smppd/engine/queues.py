"""Routes at work: their throughput window and the bounded queue in front of it."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from smppd.engine.limiter import Limiter, limiter_for
from smppd.engine.message import FIRST_FINAL, STATE_COUNT
from smppwire.constants import CommandStatus

if TYPE_CHECKING:
    from smppd.engine.message import Message
    from smppd.engine.ports import Network, Outcome
    from smppd.settings import Route
    from smppwire.pdus import SubmitSm

QUEUE: Final = "queue"
"""The `over` value that paces messages instead of refusing them."""

PASSES: Final = 0
"""What `judge` says of a message that goes on at once: the value of ESME_ROK."""

WAITS: Final = -1
"""What `judge` says of a message that has a place in the queue: no command_status is negative."""


def status_named(name: str) -> int:
    """The command_status a setting names, such as ESME_RTHROTTLED."""
    return int(CommandStatus[name])


class RouteState:
    """One route: where its messages go, how fast, and what waits."""

    __slots__ = (
        "at_once",
        "name",
        "network",
        "over_status",
        "paces",
        "queue",
        "queue_full_status",
        "queue_limit",
        "reserved",
        "settings",
        "states",
        "throughput",
    )

    def __init__(self, settings: Route, network: Network) -> None:
        self.name = settings.name
        self.queue: OrderedDict[Message, None] = OrderedDict()
        """What waits for the window, oldest first; ordered, so that a cancelled message leaves from the middle."""
        self.reserved = 0
        """Places in the queue that are given away: their messages come when their submit_multi has been answered."""
        self.states = [0] * STATE_COUNT
        self.throughput: Limiter | None = None
        self.configure(settings, network)

    def configure(self, settings: Route, network: Network) -> None:
        """Take new settings; what waits in the queue stays and is paced by the new window."""
        self.settings = settings
        self.network = network
        self.throughput = limiter_for(settings.throughput, self.throughput)
        self.paces = settings.throughput.over == QUEUE
        self.over_status = PASSES if self.paces else status_named(settings.throughput.over)
        self.queue_limit = settings.queue.limit
        self.queue_full_status = status_named(settings.queue.over)
        self.at_once: Outcome | None = None
        """What becomes at once of every message that takes this route; None when that has to be found out."""
        always = network.always()
        if always is not None and always.delay <= 0.0 and always.outcome.state >= FIRST_FINAL:
            self.at_once = always.outcome if self.throughput is None else None

    def renew(self) -> None:
        """Open the throughput window as if nothing had passed."""
        self.throughput = limiter_for(self.settings.throughput)

    def judge(self, pdu: SubmitSm, now: float) -> int:
        """PASSES, WAITS, or the command_status that refuses. Nobody overtakes what waits already."""
        limiter = self.throughput
        if limiter is None or (not self.queue and not self.reserved and limiter.admit(pdu, now)):
            return PASSES
        if not self.paces:
            return self.over_status
        return WAITS if len(self.queue) + self.reserved < self.queue_limit else self.queue_full_status

    def release(self, limit: int, now: float) -> list[Message]:
        """Take from the queue, oldest first, what the window lets pass now: at most `limit` messages."""
        queue = self.queue
        limiter = self.throughput
        count = min(len(queue), limit)
        if limiter is None:
            return [queue.popitem(last=False)[0] for _ in range(count)]
        if not limiter.counts_parts:
            return [queue.popitem(last=False)[0] for _ in range(limiter.window.admit(count, now))]
        released: list[Message] = []
        while len(released) < count and limiter.admit(next(iter(queue)).pdu, now):
            released.append(queue.popitem(last=False)[0])
        return released

    def next_release(self, now: float) -> float:
        """When the oldest message in the queue may go, in seconds of the same clock; there must be one."""
        limiter = self.throughput
        return now if limiter is None else limiter.next_at(next(iter(self.queue)).pdu, now)
