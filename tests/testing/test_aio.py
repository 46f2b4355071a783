"""The same message centre for tests that await, under asyncio and under trio."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import smppd
from smppd.testing import AsyncSmsc, EsmeClient
from smppd.testing.smsc import Smsc

LATER = {"default": {"delay": {"distribution": "fixed", "value": 60.0}}}

Scenario = Callable[[], Awaitable[None]]


def on_asyncio(scenario: Scenario) -> None:
    async def main() -> None:
        await scenario()

    asyncio.run(main())


def on_trio(scenario: Scenario) -> None:
    pytest.importorskip("trio").run(scenario)


both = pytest.mark.parametrize("run", [on_asyncio, on_trio])


def methods_of(face: type) -> dict[str, Any]:
    return {name: method for name, method in inspect.getmembers(face) if not name.startswith("_")}


def test_both_faces_have_the_same_methods() -> None:
    blocking, awaited = methods_of(Smsc), methods_of(AsyncSmsc)
    own = {"start", "stop", "aio", "report"}
    assert blocking.keys() - own == awaited.keys()
    for name, method in awaited.items():
        if inspect.iscoroutinefunction(method):
            parameters = inspect.signature(blocking[name]).parameters
            assert inspect.signature(method).parameters == parameters, name


@both
def test_what_was_submitted(run: Callable[[Scenario], None]) -> None:
    async def scenario() -> None:
        async with smppd.Smsc() as smsc:
            assert isinstance(smsc, AsyncSmsc)
            with EsmeClient(*smsc.address) as esme:
                esme.submit("447700900123", "Hello")
                esme.submit("447700900123", "Bye")
            assert (await smsc.expect_submit(text="Hello")).source_addr == "smppd"
            assert [each.text for each in await smsc.expect_submit(count=2)] == ["Hello", "Bye"]
            assert len(await smsc.expect_order({"text": "Hello"}, {"text": "Bye"})) == 2
            assert len(await smsc.submits()) == 2
            assert len(await smsc.wait_for(command="unbind")) == 1
            await smsc.expect_no(to="33*")
            await smsc.nothing_else()
            await smsc.settle()
            assert "submit_sm" in await smsc.dialogue()
            with pytest.raises(AssertionError) as caught:
                await smsc.expect_submit(text="Hi", within=0.01)
            assert "nearest" in str(caught.value)
            assert not hasattr(caught.value, "__notes__"), "nobody was blocked"

    run(scenario)


@both
def test_what_one_does_to_it(run: Callable[[Scenario], None]) -> None:
    async def scenario() -> None:
        async with smppd.Smsc(virtual_clock=True, networks=LATER) as smsc:
            with EsmeClient(*smsc.address) as esme:
                rule = await smsc.rules.add(status="ESME_RTHROTTLED")
                fault = await smsc.faults.add("receipt_lost")
                esme.submit("1", "Hello")
                assert (rule.hits, fault.hits) == (1, 0)
                await rule.remove()
                await fault.remove()
                for _ in range(5):
                    esme.submit("1", "Hello")
                one, two, three, four, five = await smsc.messages(state="ENROUTE")
                await one.deliver()
                await two.fail(error=1)
                await three.expire()
                await four.cancel()
                assert (await smsc.message(two.message_id)).message_state == "UNDELIVERABLE"
                await smsc.clock.advance(minutes=1)
                await five.refresh()
                assert five.message_state == "DELIVERED"
                await smsc.clock.advance_to("2037-01-01T00:00:00Z")
                assert smsc.clock.now.year == 2037
                await smsc.clock.resume()
                await smsc.clock.set_speed(2)
                await smsc.clock.freeze()
                assert not smsc.clock.is_running
                await smsc.rules.add(status=0, scenario={"name": "a"})
                await smsc.set_scenario("a", "b")
                assert smsc.scenario("a") == "b"
                await smsc.mo(from_="1", to="2", text="Hi")
                assert esme.wait_for_message().text == "Hi"
                [session] = smsc.sessions
                await session.unbind()
                esme.wait_until_unbound()
            await smsc.reset()
            assert await smsc.submits() == []
            for end in ("close", "reset"):
                with EsmeClient(*smsc.address) as esme:
                    await getattr(smsc.sessions[0], end)()
                    esme.wait_until_unbound()

    run(scenario)


def test_the_loop_of_the_test_goes_on_while_it_waits() -> None:
    async def scenario() -> str:
        async with smppd.Smsc() as smsc:
            expected = asyncio.create_task(smsc.expect_submit())
            with EsmeClient(*smsc.address) as esme:
                await asyncio.to_thread(esme.submit, "1", "Hello")
                return (await expected).text

    assert asyncio.run(scenario()) == "Hello"


def test_a_message_centre_that_blocks_can_be_awaited_too() -> None:
    with smppd.Smsc() as smsc:

        async def scenario() -> list[Any]:
            return await smsc.aio.submits()

        assert asyncio.run(scenario()) == []


def test_a_mistake_of_the_server_is_told_at_the_end() -> None:
    async def scenario() -> None:
        async with smppd.Smsc() as smsc:
            smsc._centre.host.loop.failures.append("a mistake")

    with pytest.raises(AssertionError, match="a mistake"):
        asyncio.run(scenario())
