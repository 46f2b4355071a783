"""The same under anyio's plugin, once with asyncio and once with trio."""

import pytest
from textshop.live import LiveShop

import protocol
import smppd

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param


async def test_a_code_reaches_the_customer(smsc):
    async with LiveShop(*smsc.address) as shop:
        assert await shop.send_code("33612345678", "493027") == 0
        sent = await smsc.aio.expect_submit(text=protocol.CODE)
        assert sent.groups["code"] == "493027"


async def test_a_customer_answers():
    async with smppd.Smsc() as smsc, LiveShop(*smsc.address) as shop:
        busy = await smsc.rules.add(to="336*", status="ESME_RTHROTTLED", times=1)
        assert await shop.send_code("33612345678", "493027") == 0x58
        assert busy.hits == 1
        await smsc.mo(from_="33612345678", to="Shop", text="STOP")
        assert b"STOP" in await shop.next_message()
        await smsc.expect_no(text="something else")
        await smsc.settle()
