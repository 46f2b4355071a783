"""What an account or a route may carry: a throughput window that knows what a message costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smppd.engine.parts import parts_of
from smppd.engine.throughput import Throughput

if TYPE_CHECKING:
    from smppd.settings import Throughput as ThroughputSettings
    from smppwire.pdus import SubmitSm


class Limiter:
    """A throughput window in front of messages, each of which costs one, or as many as it has parts."""

    __slots__ = ("counts_parts", "settings", "window")

    def __init__(self, settings: ThroughputSettings) -> None:
        """Open the window that `settings` describe; their limit is above 0."""
        self.settings = settings
        self.window = Throughput(settings.limit, settings.per, max(1, settings.burst))
        self.counts_parts = settings.count == "parts"

    def admit(self, pdu: SubmitSm, now: float) -> bool:
        """Whether the message passes now; it is paid for if so."""
        return self.window.admit_weight(parts_of(pdu) if self.counts_parts else 1, now)

    def next_at(self, pdu: SubmitSm, now: float) -> float:
        """When the message passes if no other does before it, in seconds of the same clock, not before `now`."""
        return self.window.next_at(now, parts_of(pdu) if self.counts_parts else 1)


def limiter_for(settings: ThroughputSettings, current: Limiter | None = None) -> Limiter | None:
    """The limiter that settings ask for, None when there is no limit.

    `current` goes on when its settings are the same: a reload of something else gives nobody a new burst.
    """
    if settings.limit <= 0:
        return None
    if current is not None and current.settings == settings:
        return current
    return Limiter(settings)
