"""A message centre for tests that await: under asyncio, or under trio."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from smppd.testing.aio_handles import AsyncClock, AsyncFaults, AsyncMessage, AsyncRules, AsyncSession
from smppd.testing.base import Centre, Face
from smppd.testing.expectations import DIALOGUE_LINES

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any, TypeVar, Unpack

    from smppd.testing.conditions import Conditions, MessageConditions
    from smppd.testing.recorded import Recorded

    T = TypeVar("T")

__tracebackhide__ = True
__unittest = True  # pytest and unittest leave the frames of such modules out: what failed is in the test


class AsyncSmsc(Face):
    """A message centre whose methods are awaited; each is described by the method of its name in `smppd.Smsc`.

    It comes from ``async with smppd.Smsc(...)``, or from `Smsc.aio`. Properties are read at once, as there.
    """

    def __init__(self, centre: Centre) -> None:
        """Look at this message centre."""
        self._centre = centre
        self.rules = AsyncRules(centre)
        self.faults = AsyncFaults(centre)
        self.clock = AsyncClock(centre)

    # -- expectations -------------------------------------------------------------------------------------------------

    @overload
    async def expect_submit(
        self, *, count: None = None, within: float | None = None, whole: bool = True, **conditions: Unpack[Conditions]
    ) -> Recorded: ...
    @overload
    async def expect_submit(
        self, *, count: int, within: float | None = None, whole: bool = True, **conditions: Unpack[Conditions]
    ) -> list[Recorded]: ...
    async def expect_submit(
        self,
        *,
        count: int | None = None,
        within: float | None = None,
        whole: bool = True,
        **conditions: Unpack[Conditions],
    ) -> Recorded | list[Recorded]:
        """As `Smsc.expect_submit`."""
        expectations = self._centre.expectations
        some = await self._wait(expectations.some(conditions, count=count, within=self._within(within), whole=whole))
        return some[0] if count is None else some

    async def wait_for(
        self, *, count: int = 1, within: float | None = None, **conditions: Unpack[Conditions]
    ) -> list[Recorded]:
        """As `Smsc.wait_for`."""
        expectations = self._centre.expectations
        return await self._wait(expectations.some(conditions, count=count, within=self._within(within), whole=False))

    async def expect_no(self, *, within: float = 0.0, **conditions: Unpack[Conditions]) -> None:
        """As `Smsc.expect_no`."""
        await self._wait(self._centre.expectations.none(conditions, within=self._within(within), whole=True))

    async def expect_order(self, *steps: Conditions, within: float | None = None) -> list[Recorded]:
        """As `Smsc.expect_order`."""
        return await self._wait(self._centre.expectations.in_order(steps, within=self._within(within), whole=True))

    async def nothing_else(self, *, within: float = 0.0, **conditions: Unpack[Conditions]) -> None:
        """As `Smsc.nothing_else`."""
        await self._wait(self._centre.expectations.nothing_else(conditions, within=self._within(within)))

    async def submits(self, **conditions: Unpack[Conditions]) -> list[Recorded]:
        """As `Smsc.submits`."""
        return await self._wait(self._centre.expectations.all(conditions))

    async def settle(self, within: float | None = None) -> None:
        """As `Smsc.settle`."""
        await self._wait(self._centre.controls.settle(self._within(within)))

    async def dialogue(self, limit: int = DIALOGUE_LINES) -> str:
        """As `Smsc.dialogue`."""
        return await self._wait(self._centre.expectations.dialogue(limit))

    # -- what one does to it ------------------------------------------------------------------------------------------

    async def mo(self, *, from_: str, to: str, text: str, account: str | None = None) -> None:
        """As `Smsc.mo`."""
        await self._wait(self._centre.controls.mo(from_, to, text, account or self.system_id))

    async def messages(self, **conditions: Unpack[MessageConditions]) -> list[AsyncMessage]:
        """As `Smsc.messages`."""
        views = await self._wait(self._centre.controls.messages(conditions))
        return [AsyncMessage(self._centre, view) for view in views]

    async def message(self, message_id: str) -> AsyncMessage:
        """As `Smsc.message`."""
        return AsyncMessage(self._centre, await self._wait(self._centre.controls.message(message_id)))

    @property
    def sessions(self) -> list[AsyncSession]:
        """The open sessions, oldest first."""
        views = self._centre.host.run(self._centre.controls.sessions())
        return [AsyncSession(self._centre, view) for view in views]

    async def set_scenario(self, name: str, state: str) -> None:
        """As `Smsc.set_scenario`."""
        await self._wait(self._centre.controls.set_scenario(name, state))

    async def reset(self, *, disconnect: bool = False) -> None:
        """As `Smsc.reset`."""
        await self._wait(self._centre.reset(disconnect=disconnect))

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return await self._centre.host.wait(work)
