"""The shop's thread against a message centre of each test's own."""

import re

import pytest
from textshop.shop import Shop

import protocol


@pytest.fixture
def shop(smsc):
    with Shop(smsc.host, smsc.port, system_id=smsc.system_id, password=smsc.password) as shop:
        yield shop


def test_the_shops_protocol_is_its_own():
    assert protocol.is_stop(" stop ")
    assert not hasattr(protocol, "smppwire")


def test_a_code_reaches_the_customer(smsc, shop):
    shop.send_code("33612345678", "493027")
    sent = smsc.expect_submit(to="336*", text=protocol.CODE)
    assert sent.groups["code"] == "493027"
    assert sent.source_addr == "Shop"
    assert sent.response.command_status == "ESME_ROK"
    smsc.settle()
    assert shop.receipts == {"33612345678": "DELIVRD"}


def test_a_throttled_code_is_sent_again(smsc, shop):
    busy = smsc.rules.add(to="336*", status="ESME_RTHROTTLED", times=2)
    shop.send_code("33612345678", "493027")
    first, second, third = smsc.expect_submit(to="33612345678", count=3)
    assert busy.hits == 2
    assert [sent.response.command_status for sent in (first, second)] == ["ESME_RTHROTTLED"] * 2
    assert third.response.command_status == "ESME_ROK"
    smsc.nothing_else()


@pytest.mark.smsc(virtual_clock=True, networks={"default": {"absent_for": 90_000}})
def test_a_customer_is_absent_for_a_day(smsc, shop):
    shop.send_code("33612345678", "493027")
    smsc.expect_submit(to="33612345678")
    smsc.clock.advance(hours=24)
    smsc.wait_for(command="deliver_sm_resp")
    assert shop.receipts == {"33612345678": "EXPIRED"}


def test_stop_is_obeyed(smsc, shop):
    smsc.wait_for(command="bind_transceiver")
    smsc.mo(from_="33612345678", to="Shop", text="STOP")
    smsc.wait_for(command="deliver_sm_resp")
    shop.send_code("33612345678", "493027")
    shop.send_code("33687654321", "493028")
    smsc.expect_submit(to="33687654321")
    smsc.expect_no(to="33612345678")


def test_the_shop_comes_back_after_an_unbind(smsc, shop):
    smsc.wait_for(command="bind_transceiver")
    [session] = smsc.sessions
    session.unbind()
    smsc.wait_for(command="bind_transceiver", count=2)
    shop.send_code("33612345678", "493027")
    smsc.expect_submit(to="33612345678")


def test_nothing_is_sent_twice(smsc, shop):
    for number in range(20):
        shop.send_code(f"336{number:08d}", "493027")
    smsc.expect_submit(to="336*", count=20)
    smsc.settle()
    smsc.nothing_else()


@pytest.mark.smsc(accounts={"shop": "secret"}, dialect="hex-id-decimal-receipt", seed=7)
def test_another_carrier(smsc, shop):
    shop.send_code("33612345678", "493027")
    sent = smsc.expect_submit(text=re.compile("code"))
    assert int(sent.message_id, 16)
    assert sent.account == "shop"


def test_two_carriers(smsc_factory):
    first, second = smsc_factory(), smsc_factory(rules=[{"then": {"status": "ESME_RSYSERR"}}])
    with Shop(*first.address) as one, Shop(*second.address) as other:
        one.send_code("33612345678", "1")
        other.send_code("33612345678", "2")
        assert first.expect_submit().response.command_status == "ESME_ROK"
        assert second.expect_submit().response.command_status == "ESME_RSYSERR"


def test_the_small_esme(smsc, esme):
    sent = esme.submit("33612345678", "Une poignée de caractères ☎" * 10)
    assert len(sent.message_ids) == 5
    assert smsc.expect_submit(to="33612345678").text.count("☎") == 10
    assert esme.wait_for_receipt(sent).message_state == "DELIVERED"
    assert esme.query(sent.message_id).message_state == "DELIVERED"
