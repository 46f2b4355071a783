"""What an asynchronous test holds in its hands: as in `smppd.testing.handles`, with methods that are awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smppd.testing.handles import (
    FAILED,
    ClockFacts,
    FaultFacts,
    MessageFacts,
    Part,
    RuleFacts,
    SessionFacts,
    seconds_of,
)

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Unpack

    from smppd.testing.rules import RuleWords

__tracebackhide__ = True
__unittest = True  # pytest and unittest leave the frames of such modules out: what failed is in the test


class AsyncRule(RuleFacts):
    """A rule that was added."""

    async def remove(self) -> None:
        """Take it out."""
        await self._centre.host.wait(self._centre.controls.remove_rule(self.name))


class AsyncRules(Part):
    """The rules of a message centre."""

    async def add(self, *, ttl: float | None = None, **words: Unpack[RuleWords]) -> AsyncRule:
        """As `Rules.add`."""
        return AsyncRule(self._centre, await self._centre.host.wait(self._centre.controls.add_rule(words, ttl)))


class AsyncFault(FaultFacts):
    """A fault that was added."""

    async def remove(self) -> None:
        """Take it out."""
        await self._centre.host.wait(self._centre.controls.remove_fault(self.name))


class AsyncFaults(Part):
    """The faults of a message centre."""

    async def add(self, kind: str, *, ttl: float | None = None, **parameters: Any) -> AsyncFault:
        """As `Faults.add`."""
        return AsyncFault(
            self._centre, await self._centre.host.wait(self._centre.controls.add_fault(kind, parameters, ttl))
        )


class AsyncClock(ClockFacts):
    """The clock that messages live by; sessions go by real time."""

    async def advance(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """As `Clock.advance`."""
        span = seconds_of(seconds, minutes, hours, days)
        await self._centre.host.wait(self._centre.controls.advance(span, None))

    async def advance_to(self, moment: datetime | str) -> None:
        """As `Clock.advance_to`."""
        await self._centre.host.wait(self._centre.controls.advance(None, str(moment)))

    async def freeze(self) -> None:
        """As `Clock.freeze`."""
        await self._centre.host.wait(self._centre.controls.clock(running=False))

    async def resume(self) -> None:
        """As `Clock.resume`."""
        await self._centre.host.wait(self._centre.controls.clock(running=True))

    async def set_speed(self, speed: float) -> None:
        """As `Clock.set_speed`."""
        await self._centre.host.wait(self._centre.controls.clock(speed=speed))


class AsyncSession(SessionFacts):
    """A session."""

    async def unbind(self) -> None:
        """As `Session.unbind`."""
        await self._centre.host.wait(self._centre.controls.end_session(self.session, "unbind"))

    async def close(self) -> None:
        """As `Session.close`."""
        await self._centre.host.wait(self._centre.controls.end_session(self.session, "close"))

    async def reset(self) -> None:
        """As `Session.reset`."""
        await self._centre.host.wait(self._centre.controls.end_session(self.session, "reset"))


class AsyncMessage(MessageFacts):
    """A message that was accepted."""

    async def deliver(self) -> None:
        """As `Message.deliver`."""
        await self._end("DELIVRD", None)

    async def fail(self, error: int | None = None) -> None:
        """As `Message.fail`."""
        await self._end(FAILED, error)

    async def expire(self) -> None:
        """As `Message.expire`."""
        await self._end("EXPIRED", None)

    async def cancel(self) -> None:
        """As `Message.cancel`."""
        self.view = await self._centre.host.wait(self._centre.controls.cancel_message(self.message_id))

    async def refresh(self) -> None:
        """As `Message.refresh`."""
        self.view = await self._centre.host.wait(self._centre.controls.message(self.message_id))

    async def _end(self, outcome: str, error: int | None) -> None:
        self.view = await self._centre.host.wait(self._centre.controls.end_message(self.message_id, outcome, error))
