"""Routes at work: their throughput window and the bounded queue in front of it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from smppwire.constants import CommandStatus

from smppd.engine.message import STATE_COUNT
from smppd.engine.throughput import Throughput

if TYPE_CHECKING:
    from smppd.engine.message import Message
    from smppd.engine.ports import Network
    from smppd.settings import Route
    from smppd.settings import Throughput as ThroughputSettings

QUEUE: Final = "queue"
"""The `over` value that paces messages instead of refusing them."""


def status_named(name: str) -> int:
    """The command_status a setting names, such as ESME_RTHROTTLED."""
    return int(CommandStatus[name])


def open_window(settings: ThroughputSettings) -> Throughput | None:
    """The throughput window that settings ask for; None when there is no limit."""
    if settings.limit <= 0:
        return None
    return Throughput(settings.limit, settings.per, max(1, settings.burst))


class RouteState:
    """One route: where its messages go, how fast, and what waits."""

    __slots__ = (
        "counts_parts",
        "name",
        "network",
        "over_status",
        "paces",
        "queue",
        "queue_full_status",
        "queue_limit",
        "settings",
        "states",
        "throughput",
    )

    def __init__(self, settings: Route, network: Network) -> None:
        self.name = settings.name
        self.queue: deque[Message] = deque()
        self.states = [0] * STATE_COUNT
        self.configure(settings, network)

    def configure(self, settings: Route, network: Network) -> None:
        """Take new settings; what waits in the queue stays and is paced by the new window."""
        self.settings = settings
        self.network = network
        self.throughput = open_window(settings.throughput)
        self.counts_parts = settings.throughput.count == "parts"
        self.paces = settings.throughput.over == QUEUE
        self.over_status = 0 if self.paces else status_named(settings.throughput.over)
        self.queue_limit = settings.queue.limit
        self.queue_full_status = status_named(settings.queue.over)

    def admit(self, message_parts: int, now: float) -> bool:
        """Whether one message of so many parts passes the window now."""
        window = self.throughput
        if window is None:
            return True
        if self.counts_parts:
            return window.admit_weight(message_parts, now)
        return window.admit(1, now) == 1
