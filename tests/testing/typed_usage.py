"""How people who check their types write tests: mypy (strict) and pyright read this file, and it runs as tests."""

import asyncio
import re
from typing import assert_type

import pytest

import smppd
from smppd.testing import AsyncSmsc, Conditions, EsmeClient, Received, Recorded, Submission


def blocking(smsc: smppd.Smsc, esme: EsmeClient) -> None:
    assert_type(esme.submit("447700900123", "Your code is 123456"), Submission)
    sent = smsc.expect_submit(to="4477*", text=re.compile(r"code is (?P<code>\d+)"), data_coding=0)
    assert_type(sent, Recorded)
    assert_type(sent.groups["code"], str)
    assert_type(sent.response.command_status, str)
    assert_type(smsc.expect_submit(count=1, source=["smppd", "Shop"]), list[Recorded])
    assert_type(smsc.submits(tlv={"user_message_reference": 7}), list[Recorded])
    step: Conditions = {"text": "Your code*", "when": {"priority_flag": 0}}
    assert_type(smsc.expect_order(step, {"command": "unbind"}, within=0.1) if not sent else [sent], list[Recorded])
    rule = smsc.rules.add(to="336*", status="ESME_RTHROTTLED", times=2, ttl=60)
    assert_type(rule.hits, int)
    rule.remove()
    smsc.clock.advance(hours=24)
    assert_type(smsc.sessions[0].view.counters.submitted, int)
    assert_type(smsc.messages(state="DELIVERED")[0].message_state, str)
    assert_type(esme.wait_for_receipt(), Received)


async def awaited() -> None:
    async with smppd.Smsc(accounts={"shop": "secret"}, virtual_clock=True) as smsc:
        assert_type(smsc, AsyncSmsc)
        with EsmeClient(*smsc.address, system_id="shop", password="secret") as esme:
            esme.submit("447700900123", "Hello")
        assert_type(await smsc.expect_submit(), Recorded)
        assert_type(await smsc.expect_submit(count=1), list[Recorded])
        assert_type((await smsc.rules.add(status=8)).hits, int)
        await smsc.clock.advance(hours=24)


def with_fixtures(smsc: smppd.Smsc, smsc_shared: smppd.Smsc, esme: EsmeClient) -> None:
    """What the fixtures give."""
    blocking(smsc, esme)
    assert smsc_shared.port


def test_blocking() -> None:
    with smppd.Smsc() as smsc, EsmeClient(*smsc.address) as esme:
        with_fixtures(smsc, smsc, esme)


def test_awaited() -> None:
    asyncio.run(awaited())


def test_mistakes_are_seen() -> None:
    """Each of these is refused by the type checkers; strict mypy complains about a comment that is not needed."""
    with smppd.Smsc() as smsc:
        with pytest.raises(Exception, match="no such condition"):
            smsc.expect_submit(too="1")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
        with pytest.raises(TypeError):
            smppd.Smsc(virtual_klock=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
