"""The asynchronous client under pytest-asyncio."""

import pytest
from textshop.live import LiveShop

import protocol
import smppd

pytestmark = pytest.mark.asyncio


async def test_a_code_reaches_the_customer(smsc):
    async with LiveShop(*smsc.address) as shop:
        assert await shop.send_code("33612345678", "493027") == 0
        sent = await smsc.aio.expect_submit(text=protocol.CODE)
        assert sent.groups["code"] == "493027"
        assert b"stat:DELIVRD" in await shop.next_message()


async def test_a_server_within_the_test():
    absent = {"default": {"absent_for": 90_000}}
    async with smppd.Smsc(virtual_clock=True, networks=absent) as smsc, LiveShop(*smsc.address) as shop:
        await shop.send_code("33612345678", "493027")
        await smsc.clock.advance(hours=24)
        assert b"stat:EXPIRED" in await shop.next_message()


async def test_a_blocked_loop_does_not_stop_the_server(smsc, esme):
    """Blocking calls in an async test: the server goes on in its thread."""
    sent = esme.submit("33612345678", "Hello")
    assert esme.wait_for_receipt(sent).message_state == "DELIVERED"
    assert smsc.expect_submit().text == "Hello"
