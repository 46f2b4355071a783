"""What a session counts of what goes over the wire, and why it says it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from smppd.engine.ports import DEFERRED
from smppd.observe.roster import ConnectionRecord
from smppd.observe.session_counters import SessionCounters
from smppd.transport.connection import REASONS
from smppwire.codec import encode
from smppwire.pdus import DeliverSm, QuerySm, SubmitSm, SubmitSmResp, Unbind
from tests.transport.stage import EnquireLink, Esme, Stage, on_stage, sms
from tests.transport.support import (
    BIND_TRX,
    DELIVER,
    SUBMIT,
    answer,
    bind_body,
    request,
    submit_body,
)

AT_ONCE = """
[network.default]
delay = { distribution = "fixed", value = 0.0 }
"""

ACCOUNT = '[[account]]\nsystem_id = "smppclient1"\npassword = "password"\n'


def record_of(stage: Stage, esme: Esme) -> ConnectionRecord:
    record = stage.server._context.roster.find(esme.connection.name)
    assert record is not None
    return record


def counts(esme: Esme) -> SessionCounters:
    return esme.connection.count_now()


def checked(stage: Stage) -> SessionCounters:
    """The only session's counters, which must be what the server has counted."""
    (esme,) = stage.esmes
    tally = counts(esme)
    assert tally.pdus_in == sum(stage.server.counters.pdus_in.values())
    assert tally.pdus_out == sum(stage.server.counters.pdus_out.values())
    return tally


def test_messages_and_receipts() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        esme.send(*[sms() for _ in range(5)], sms(destination=""))
        stage.settle()
        tally = checked(stage)
        assert (tally.submitted, tally.accepted, tally.refused, tally.throttled) == (6, 5, 1, 0)
        assert tally.refusals == {0x0B: 1}
        assert (tally.deliveries_sent, tally.deliveries_acknowledged) == (5, 5)
        assert (tally.receipts_sent, tally.receipts_acknowledged) == (5, 5)
        assert (tally.pdus_in, tally.pdus_out) == (1 + 6 + 5, 1 + 6 + 5)

    on_stage(AT_ONCE, act)


def test_what_is_no_receipt_is_told_apart() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        body = encode(DeliverSm(source_addr=b"1", destination_addr=b"2", short_message=b"Hello"))[16:]
        stage.server.engine.deliver("mo", "smppclient1", body)
        esme.submit()
        stage.settle()
        tally = checked(stage)
        assert (tally.deliveries_sent, tally.receipts_sent) == (2, 1)
        assert (tally.deliveries_acknowledged, tally.receipts_acknowledged) == (2, 1)
        esme.send(Unbind())
        assert record_of(stage, esme).counters.receipts_sent == 1, "and so it stays when the bind has ended"

    on_stage(AT_ONCE, act)


def test_refused_deliveries() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        esme.acknowledges = False
        esme.submit()
        stage.settle()
        (receipt,) = [pdu for pdu in esme.received() if isinstance(pdu, DeliverSm)]
        esme.feed(answer(DELIVER, 0x64, receipt.sequence_number))
        tally = checked(stage)
        assert (tally.deliveries_sent, tally.deliveries_acknowledged, tally.deliveries_refused) == (1, 0, 1)
        assert (tally.receipts_sent, tally.receipts_acknowledged) == (1, 0)

    on_stage(AT_ONCE, act)


def test_other_requests_and_mistakes() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        esme.send(EnquireLink())
        esme.send(QuerySm(message_id=b"4711", source_addr=b"smppd"))
        esme.feed(request(0x4242, 9))
        esme.feed(request(SUBMIT, 10, submit_body(length=200)))
        tally = checked(stage)
        assert (tally.submitted, tally.accepted, tally.refused) == (1, 0, 3)

    on_stage(AT_ONCE, act)


@pytest.mark.parametrize(
    "settings",
    [
        '[[rule]]\nwhen = { command = "submit_sm" }\nthen = { status = "ESME_RTHROTTLED" }\n',
        ACCOUNT + "throughput = { limit = 1, burst = 1 }\n",
        ACCOUNT + 'dialect = "bodies-and-nacks"\nthroughput = { limit = 1, burst = 1 }\n',
    ],
    ids=["rule", "account", "dialect"],
)
def test_throttled_whoever_says_so(settings: str) -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        esme.send(sms(), sms(), sms())
        tally = checked(stage)
        accepted = 0 if "rule" in settings else 1
        assert (tally.submitted, tally.accepted, tally.throttled) == (3, accepted, 3 - accepted)

    on_stage(settings, act)


def test_an_answer_that_comes_with_the_outcome_is_counted_then() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stage.server.engine, "submit", lambda _bind, batch, _fate: [DEFERRED] * len(batch))
            esme.send(sms())
        assert (counts(esme).submitted, counts(esme).accepted) == (1, 0)
        esme.connection.answer(SubmitSm(sequence_number=2), SubmitSmResp(message_id=b"1"))
        assert (counts(esme).submitted, counts(esme).accepted) == (1, 1)
        checked(stage)

    on_stage("", act)


def test_submissions_before_a_bind_are_refused_and_counted() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.connect()
        esme.feed(request(SUBMIT, 1, submit_body()))
        tally = checked(stage)
        assert (tally.submitted, tally.accepted, tally.refusals) == (1, 0, {4: 1})

    on_stage("", act)


def test_sessions_count_for_themselves() -> None:
    async def act(stage: Stage) -> None:
        one, other = stage.bound(), stage.bound()
        one.submit()
        assert (counts(one).submitted, counts(other).submitted) == (1, 0)

    on_stage("", act)


def unbind(esme: Esme) -> None:
    esme.send(Unbind())
    esme.transport.abort()


def bind_wrongly(esme: Esme) -> None:
    esme.feed(request(BIND_TRX, 7, bind_body(password="wrong")))
    esme.transport.abort()


def ask_to_unbind(esme: Esme) -> None:
    esme.connection.unbind()
    esme.transport.abort()


def send_garbage(esme: Esme) -> None:
    esme.feed(b"GET / HTTP/1.1\r\n\r\n")
    esme.transport.abort()


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (unbind, "esme_unbind"),
        (lambda esme: esme.transport.abort(), "esme_closed"),
        (lambda esme: esme.connection.connection_lost(ConnectionResetError()), "connection_lost"),
        (lambda esme: (esme.connection.eof_received(), esme.transport.abort()), "esme_closed"),
        (ask_to_unbind, "smsc_unbind"),
        (lambda esme: (esme.connection.close(), esme.transport.abort()), "smsc_closed"),
        (lambda esme: esme.connection.reset(), "smsc_reset"),
        (lambda esme: esme.connection.abort(), "smsc_aborted"),
        (send_garbage, "framing_lost"),
    ],
)
def test_why_it_ended(end: Callable[[Esme], None], reason: str) -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        end(esme)
        await asyncio.sleep(0)
        assert record_of(stage, esme).reason == reason
        assert reason in REASONS

    on_stage("", act)


def test_a_refused_bind_is_why_and_who_it_was_is_known() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.connect()
        bind_wrongly(esme)
        await asyncio.sleep(0)
        record = record_of(stage, esme)
        assert record.reason == "bind_refused"
        (refused,) = record.refused
        assert (refused.system_id, refused.bind_type, refused.command_status) == ("smppclient1", "transceiver", 0x0E)

    on_stage("", act)


def test_who_binds_again_has_not_ended() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        esme.send(Unbind())
        assert esme.connection.reason == "esme_unbind"
        esme.received()
        esme.bind()
        assert esme.connection.reason == ""

    on_stage("", act)
