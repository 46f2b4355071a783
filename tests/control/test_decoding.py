"""How much time is spent on those who look: slices, a share of each period, and less of it while the server is busy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from smppd.control import decoding
from smppd.control.decoding import BUSY_PDUS, BUSY_SHARE, PERIOD, QUIET_SECONDS, SLICE, Decoding


class World:
    """Time that passes when told, or by so much with each look at it; and PDUs."""

    def __init__(self) -> None:
        self.time = 100.0
        self.step = 0.0
        self.pdus = 0
        self.worked = 0.0

    def monotonic(self) -> float:
        self.time += self.step
        return self.time

    def dealer(self) -> Decoding:
        return Decoding(self.monotonic, worked=lambda: self.worked, pdus=lambda: self.pdus)


def spend(world: World, seconds: float) -> Callable[[Callable[[], bool]], bool]:
    """Work that takes so long, and says whether time was up then."""

    def work(is_over: Callable[[], bool]) -> bool:
        assert not is_over()
        world.time += seconds
        return is_over()

    return work


def test_a_slice_ends() -> None:
    async def scenario() -> None:
        world = World()
        dealer = world.dealer()
        assert await dealer.slice(spend(world, SLICE / 2)) is False
        assert await dealer.slice(spend(world, SLICE)) is True

    asyncio.run(scenario())


def test_no_more_than_the_share_of_a_period(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(pdus: int) -> int:
        world = World()
        dealer = world.dealer()
        world.pdus += pdus
        world.worked += PERIOD
        world.time += PERIOD
        dealer.look()
        slices = 0

        async def wait() -> None:
            world.time += PERIOD
            dealer.look()

        monkeypatch.setattr(dealer, "next_period", wait)
        while dealer.period == 1:
            await dealer.slice(spend(world, SLICE / 3))
            slices += 1
        return slices - 1

    shares = {BUSY_PDUS - 1: QUIET_SECONDS, BUSY_PDUS: BUSY_SHARE * PERIOD}
    for pdus, share in shares.items():
        assert asyncio.run(scenario(pdus)) == pytest.approx(share / (SLICE / 3), abs=1), pdus


def test_a_pause_is_no_load() -> None:
    """What came in a second is a tenth of it for each period."""
    world = World()
    dealer = world.dealer()
    world.pdus = 5 * BUSY_PDUS
    world.time += 10 * PERIOD
    dealer.look()
    assert dealer._left == QUIET_SECONDS
    world.pdus += 5 * BUSY_PDUS
    world.worked += PERIOD
    world.time += 2 * PERIOD
    dealer.look()
    assert dealer._left == pytest.approx(BUSY_SHARE * PERIOD / 2), "half of the time was others'"


def test_viewers_take_turns_and_others_have_theirs_between() -> None:
    async def scenario() -> list[str]:
        world = World()
        dealer = world.dealer()
        order: list[str] = []

        async def viewer(name: str) -> None:
            for _ in range(3):
                await dealer.slice(lambda _: order.append(name))

        async def others() -> None:
            for _ in range(3):
                order.append("others")
                await asyncio.sleep(0)

        await asyncio.gather(viewer("a"), viewer("b"), others())
        return order

    order = asyncio.run(scenario())
    assert [name for name in order if name != "others"] == ["a", "b"] * 3
    assert order.index("others") < order.index("b")


def test_a_new_period_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def scenario() -> None:
        world = World()
        dealer = world.dealer()

        async def sleep(seconds: float) -> None:
            slept.append(seconds)
            world.time += seconds

        monkeypatch.setattr(decoding.asyncio, "sleep", sleep)
        world.time += PERIOD / 4
        await dealer.next_period()
        assert dealer.period == 1

    asyncio.run(scenario())
    assert slept == [pytest.approx(0.75 * PERIOD)]
