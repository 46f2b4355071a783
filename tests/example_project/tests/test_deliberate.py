"""Fails on purpose: whoever changes the messages of failures looks here."""

import re

import pytest
from textshop.shop import Shop

pytestmark = pytest.mark.deliberate


def test_the_code_is_not_what_was_expected(smsc):
    with Shop(*smsc.address) as shop:
        shop.send_code("33612345678", "493027")
        smsc.expect_submit(to="33612345678")
        smsc.expect_submit(to="337*", text=re.compile(r"code is (?P<code>\d{8})"), within=0.1)


def test_the_server_makes_a_mistake(smsc, esme, monkeypatch):
    def broken(*_):
        raise RuntimeError("a mistake of the server")

    monkeypatch.setattr("smppd.transport.smsc.SmscConnection._handle_all", broken)
    with pytest.raises(Exception, match="connection"):
        esme.query("1")
