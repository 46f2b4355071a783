"""What a single session may be limited to while it runs, beside what its account says: a throttle, a rate.

Seconds are those of the engine's clock, as for the throughput of accounts and routes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.engine.limiter import Limiter
from smppwire.constants import CommandStatus

if TYPE_CHECKING:
    from smppd.settings import Throughput

FOR_EVER: Final = float("inf")
"""The end of a throttle that somebody has to lift."""

ESME_RTHROTTLED: Final = int(CommandStatus.ESME_RTHROTTLED)


class SessionLimits:
    """The limits of one session. Each submit_sm, data_sm, submit_multi and broadcast_sm counts as one."""

    __slots__ = ("rate", "throttle_status", "throttled_until")

    def __init__(self) -> None:
        self.rate: Limiter | None = None
        """What the session may submit; None: as much as its account."""
        self.throttled_until: float | None = None
        """Until when everything is refused; None: nothing is."""
        self.throttle_status = ESME_RTHROTTLED
        """What the throttle answers with."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is limited."""
        return self.rate is None and self.throttled_until is None

    def throttle(self, until: float, status: int) -> None:
        """Refuse everything until then with this command_status."""
        self.throttled_until = until
        self.throttle_status = status

    def lift(self) -> None:
        """Refuse no more."""
        self.throttled_until = None

    def limit(self, rate: Throughput | None) -> None:
        """Let pass what this rate allows; its limit is above 0, and what it counts is requests. None: any number."""
        self.rate = None if rate is None else Limiter(rate)

    def admit(self, count: int, now: float) -> tuple[int, int]:
        """How many of so many requests may pass, the first ones, and the command_status that refuses the others."""
        if self.throttled_until is not None:
            if now < self.throttled_until:
                return 0, self.throttle_status
            self.throttled_until = None
        if self.rate is None:
            return count, 0
        return self.rate.window.admit(count, now), int(CommandStatus[self.rate.settings.over])
