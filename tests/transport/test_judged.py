"""Rules at work on connections: what is answered, how, when, and how it ends, on the engine's clock."""

import asyncio
import struct
import textwrap
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppd.engine import agenda
from smppd.passwords import ScryptHash
from smppd.settings.rules import Pattern, Rule, Then, When
from smppd.transport import judged
from smppd.transport.smsc import SmscConnection
from smppwire.codec import encode
from smppwire.constants import CommandId, CommandStatus
from smppwire.pdus import (
    BindTransceiverResp,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    DistributionList,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    QuerySm,
    SmeAddress,
    SubmitMulti,
    SubmitSmResp,
    Tlv,
    Unbind,
    UnbindResp,
)
from smppwire.udh import parse_udh
from tests.transport.stage import Stage, frames_of, on_stage, read, sms
from tests.transport.support import (
    BIND_TRX,
    BIND_TX,
    ENQUIRE_LINK,
    FakeTransport,
    Live,
    answer,
    bind_body,
    fail,
    request,
    run_virtually,
)

RTHROTTLED = int(CommandStatus.ESME_RTHROTTLED)
RSYSERR = int(CommandStatus.ESME_RSYSERR)
RINVDSTADR = int(CommandStatus.ESME_RINVDSTADR)
SLOW = '\n[network.default]\ndelay = { distribution = "fixed", value = 60 }\n'
"""Nothing becomes final for a minute."""

ACCOUNT = '\n[[account]]\nsystem_id = "smppclient1"\npassword = "password"\n'


def staged(text: str, *overrides: str) -> Callable[[Callable[[Stage], Coroutine[Any, Any, None]]], Callable[[], None]]:
    """Make a test of a coroutine function that takes a stage with these settings."""

    def decorate(act: Callable[[Stage], Coroutine[Any, Any, None]]) -> Callable[[], None]:
        def test() -> None:
            on_stage(textwrap.dedent(text), act, *overrides)

        test.__doc__ = act.__doc__
        return test

    return decorate


def rule(when: str, then: str, more: str = "") -> str:
    return f'[[rule]]\nname = "r"\nwhen = {{ {when} }}\nthen = {{ {then} }}\n{more}\n{SLOW}'


def fired(stage: Stage, name: str = "r") -> int:
    return stage.server.rules.hits()[name].fired


# -- refusals ---------------------------------------------------------------------------------------------------------


@staged(rule('destination_addr = "33*"', "status = 0x0001FFFF"))
async def test_a_status_refuses_and_what_no_rule_is_about_goes_on(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(sms("4401"), sms("3301"), sms("4402"), sms("3302"))
    answers = esme.received()
    assert [type(pdu) for pdu in answers] == [SubmitSmResp] * 4
    assert [(pdu.sequence_number, pdu.command_status) for pdu in answers] == [
        (2, 0),
        (3, 0x1FFFF),
        (4, 0),
        (5, 0x1FFFF),
    ]
    assert len(encode(answers[1])) == 16
    assert stage.server.engine.in_flight == 2
    assert fired(stage) == 2
    assert stage.server.counters.statuses_out[0x80000004, 0x1FFFF] == 2
    assert stage.server.counters.pdus_in[4] == stage.server.counters.pdus_out[0x80000004] == 4
    assert esme.connection._session.inbound_outstanding == 0


@staged(
    rule('destination_addr = "33*"', 'status = "ESME_RTHROTTLED"') + ACCOUNT + 'dialect = "d"\n'
    '[dialect.d.response]\nerror_body = "nul"\nstatuses = { ESME_RTHROTTLED = 0x402 }\n'
)
async def test_a_refusal_speaks_the_dialect_of_the_account(stage: Stage) -> None:
    esme = stage.bound()
    esme.submit("3301")
    assert bytes(esme.octets[-17:]) == request(0x80000004, 2, b"\0")[:8] + b"\0\0\x04\x02\0\0\0\x02\0"


@staged(rule('command = "*"', 'status = "ESME_RSYSERR"'))
async def test_every_request_can_be_refused(stage: Stage) -> None:
    stage.server.rules.replace([])
    esme = stage.bound()
    stage.server.rules.add(Rule(name="r", when=When(command="*"), then=Then(status="ESME_RSYSERR")))
    for pdu in (sms(), EnquireLink(), QuerySm(message_id=b"1"), DataSm(destination_addr=b"1"), Unbind()):
        (response,) = esme.ask(pdu)
        assert (response.command_id, response.command_status) == (pdu.command_id | 0x80000000, RSYSERR)
    assert stage.server.session_counts() == {("smppclient1", "transceiver"): 1}


@staged(rule("", "throttle = 10"))
async def test_throttled_for_a_while(stage: Stage) -> None:
    esme = stage.bound()
    stage.server.rules.replace([*stage.server.rules][:1])
    esme.send(sms(), sms())
    stage.advance(9.9)
    esme.submit()
    assert esme.statuses() == [RTHROTTLED] * 3
    assert fired(stage) == 1
    assert stage.server.counters.throttled_by_scope["smppclient1", "rule"] == 3


# -- what is wrong is answered for that first ------------------------------------------------------------------------


@staged(rule("", 'status = "ESME_RSYSERR"'))
async def test_mistakes_come_before_rules(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(sms(registered_delivery=0x1F), sms(""), QuerySm(message_id=b"x"))
    assert RSYSERR not in esme.statuses()
    assert stage.server.rules.hits()["r"] == (0, 0, 0)


@staged(rule("", "delay = 10") + ACCOUNT + 'window = 2\nwindow_over = "ESME_RTHROTTLED"\n')
async def test_what_waits_for_its_answer_fills_the_window(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(sms(), sms(), sms())
    esme.submit()
    assert [(pdu.sequence_number, pdu.command_status) for pdu in esme.received()] == [(4, RTHROTTLED), (5, RTHROTTLED)]
    assert fired(stage) == 2
    stage.advance(10)
    assert [(pdu.sequence_number, pdu.command_status) for pdu in esme.received()] == [(2, 0), (3, 0)]
    esme.submit()
    assert esme.received() == []
    assert fired(stage) == 3


@staged(rule("", "delay = 10") + ACCOUNT + 'window = 2\nwindow_over = "stop_reading"\n')
async def test_reading_stops_at_a_full_window_and_goes_on_with_the_answers(stage: Stage) -> None:
    esme = stage.bound()
    esme.submit()
    assert esme.transport.reading
    esme.submit()
    assert not esme.transport.reading
    stage.advance(10)
    assert esme.transport.reading
    assert esme.statuses() == [0, 0]


# -- answers ----------------------------------------------------------------------------------------------------------


@staged(rule('destination_addr = "33*"', "delay = 2.5"))
async def test_a_late_answer_is_overtaken(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(sms("3301"), sms("4401"))
    assert [pdu.sequence_number for pdu in esme.received()] == [3]
    assert stage.server.engine.in_flight == 2
    assert esme.connection._session.inbound_outstanding == 1
    stage.advance(2.4)
    assert esme.received() == []
    stage.advance(0.1)
    (late,) = esme.received()
    assert (late.sequence_number, late.command_status) == (2, 0)
    assert isinstance(late, SubmitSmResp)
    assert late.message_id == b"1000000000"
    assert esme.connection._session.inbound_outstanding == 0
    assert stage.server.counters.pdus_out[0x80000004] == 2


@staged(rule("", 'status = "ESME_RTHROTTLED", delay = 3'))
async def test_a_refusal_can_be_late(stage: Stage) -> None:
    esme = stage.bound()
    esme.submit()
    stage.advance(3)
    assert esme.statuses() == [RTHROTTLED]


@staged(rule("", 'answer = "none"'))
async def test_no_answer(stage: Stage) -> None:
    esme = stage.bound()
    esme.submit()
    assert esme.received() == []
    assert stage.server.engine.in_flight == 1
    assert esme.connection._session.inbound_outstanding == 0
    assert stage.server.counters.pdus_out[0x80000004] == 0
    stage.advance(60)
    assert esme.texts()[0].startswith("id:1000000000 ")


@staged(rule("", 'answer = "twice"'))
async def test_answered_twice(stage: Stage) -> None:
    esme = stage.bound()
    esme.submit()
    first, second = esme.received()
    assert first == second == SubmitSmResp(2, 0, b"1000000000")
    assert stage.server.engine.in_flight == 1
    assert stage.server.counters.pdus_out[0x80000004] == 2


@staged(rule("", 'answer = "nack"'))
async def test_nacked_though_accepted(stage: Stage) -> None:
    esme = stage.bound()
    esme.submit()
    assert esme.received() == [GenericNack(2, RSYSERR)]
    assert stage.server.engine.in_flight == 1


@staged(rule("", 'answer = "nack", status = 0x400'))
async def test_refused_by_a_nack(stage: Stage) -> None:
    esme = stage.bound()
    esme.submit()
    assert esme.received() == [GenericNack(2, 0x400)]
    assert stage.server.engine.in_flight == 0


@staged(rule('command = ["submit_sm", "enquire_link"]', "sequence_number = { add = -3 }"))
async def test_another_sequence_number(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(sms(), EnquireLink())
    assert [pdu.sequence_number for pdu in esme.received()] == [0xFFFFFFFF, 0]


@staged(rule('command = "data_sm"', 'delay = 1, outcome = "UNDELIV", error = 5, receipt_delay = 2'))
async def test_data_sm(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(DataSm(source_addr=b"1", destination_addr=b"2", registered_delivery=1, tlvs=(Tlv(0x424, b"Hi"),)))
    stage.advance(1)
    assert esme.statuses() == [0]
    stage.advance(1)
    (text,) = esme.texts()
    assert "stat:UNDELIV err:005" in text


TRANSACTED = DataSm(source_addr=b"1", destination_addr=b"2", esm_class=2, tlvs=(Tlv(0x424, b"Hi"),))
TRANSACTION = rule("", 'delay = 5, answer = "twice", outcome = "EXPIRED", receipt_delay = 1')


@staged(TRANSACTION)
async def test_what_the_engine_answers_late_is_answered_by_the_rule_as_well(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(TRANSACTED)
    stage.advance(1)
    assert esme.received() == []
    assert esme.connection._session.inbound_outstanding == 1
    stage.advance(5)
    first, second = esme.received()
    assert first == second
    assert first.command_status == CommandStatus.ESME_RDELIVERYFAILURE
    assert esme.connection._session.inbound_outstanding == 0


@staged(TRANSACTION)
async def test_a_session_that_ends_has_nothing_more_to_say(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(TRANSACTED)
    esme.submit()
    engine = stage.server.engine
    assert engine.agenda.count == 1
    (response,) = esme.ask(Unbind())
    assert isinstance(response, UnbindResp)
    assert engine.agenda.count == 0
    assert esme.connection._session.inbound_outstanding == 0
    stage.advance(100)
    assert esme.received() == []
    esme.bind()
    esme.submit()
    esme.transport.abort()
    await asyncio.sleep(0)
    assert engine.agenda.count == 0
    assert engine.agenda.next_due() is None


def test_the_agenda_does_not_grow_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agenda, "MAX_APPOINTMENTS", 2)

    async def act(stage: Stage) -> None:
        esme = stage.bound()
        esme.send(*(sms() for _ in range(4)))
        assert [pdu.sequence_number for pdu in esme.received()] == [4, 5]
        stage.advance(10)
        assert [pdu.sequence_number for pdu in esme.received()] == [2, 3]

    on_stage(rule("", "delay = 10"), act)


# -- messages ---------------------------------------------------------------------------------------------------------


@staged(rule('destination_addr = "33*"', 'outcome = "UNDELIV", error = 11, receipt_delay = 5'))
async def test_how_a_message_ends(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(sms("3301"), sms("4401"))
    stage.advance(5)
    esme_texts = esme.texts()
    assert [text.partition("stat:")[2][:15] for text in esme_texts] == ["UNDELIV err:011"]
    stage.advance(55)
    assert ["stat:DELIVRD" in text for text in esme.texts()] == [True]
    assert not stage.server.engine.life.fates


PACED = '[[route]]\nname = "all"\nthroughput = { limit = 1, over = "queue", burst = 1 }\n'


@staged(rule("", 'outcome = "REJECTD", receipt_delay = 1') + PACED)
async def test_messages_that_wait_for_their_route_keep_their_fate(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(sms(), sms(), sms())
    esme.received()
    stage.advance(1)
    assert len(esme.texts()) == 1
    stage.advance(2)
    texts = esme.texts()
    assert len(texts) == 2
    assert all("stat:REJECTD" in text for text in texts)


@staged(rule("", "receipt_delay = 3").replace("delay = {", "absent_for = 100\ndelay = {"))
async def test_each_attempt_takes_as_long_as_the_rule_says(stage: Stage) -> None:
    esme = stage.bound()
    esme.submit()
    esme.received()
    (message,) = stage.server.engine.messages.values()
    stage.advance(3)
    assert message.failures == 1
    tried_again = message.next_at
    stage.advance(tried_again - stage.clock.now() + 2.9)
    assert not message.is_final
    stage.advance(0.1)
    assert message.is_final or message.failures == 2


@staged(rule('command = "submit_multi"', 'outcome = "EXPIRED", receipt_delay = 1, reply = { text = "No", delay = 2 }'))
async def test_submit_multi(stage: Stage) -> None:
    esme = stage.bound()
    addresses = tuple(SmeAddress(1, 1, b"33%d" % number) for number in range(300))
    esme.send(SubmitMulti(source_addr=b"9", dest_address=addresses[:3], registered_delivery=1, short_message=b"Hi"))
    stage.advance(1)
    assert [text.partition("stat:")[2][:7] for text in esme.texts()] == ["EXPIRED"] * 3
    stage.advance(1)
    replies = [pdu for pdu in esme.received() if isinstance(pdu, DeliverSm)]
    assert [pdu.source_addr for pdu in replies] == [b"330", b"331", b"332"]


@staged(rule('text = { regex = "^JOIN (?P<what>.+)" }', 'reply = { text = "Welcome to {what}", delay = 4 }'))
async def test_subscribers_reply(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(sms("447700900001", "JOIN chess"), sms("447700900001", "join chess"))
    esme.received()
    stage.advance(3.9)
    assert esme.received() == []
    stage.advance(0.1)
    (reply,) = esme.received()
    assert isinstance(reply, DeliverSm)
    assert reply.short_message == b"Welcome to chess"
    assert (reply.source_addr_ton, reply.source_addr_npi, reply.source_addr) == (1, 1, b"447700900001")
    assert (reply.dest_addr_ton, reply.dest_addr_npi, reply.destination_addr) == (5, 0, b"smppd")
    assert reply.esm_class == reply.data_coding == 0
    assert stage.server.engine.ledger.live == 2


@staged(rule("", 'reply = "{text}"'))
async def test_long_replies_and_those_in_other_alphabets(stage: Stage) -> None:
    esme = stage.bound()
    esme.submit(short_message=("Ж" * 100).encode("utf-16-be"), data_coding=8)
    stage.settle()
    parts = [pdu for pdu in esme.received() if isinstance(pdu, DeliverSm)]
    assert [(pdu.data_coding, pdu.esm_class) for pdu in parts] == [(8, 0x40)] * 2
    texts = []
    for number, pdu in enumerate(parts, 1):
        header, rest = parse_udh(pdu.short_message)
        assert header.concat is not None
        assert (header.concat.seq, header.concat.total) == (number, 2)
        texts.append(rest.decode("utf-16-be"))
    assert "".join(texts) == "Ж" * 100


# -- binds and other requests -----------------------------------------------------------------------------------------


@staged(rule('command = "bind_transceiver", account = "smppclient1"', "status = 0x7FFFFFFF"))
async def test_a_bind_is_refused_with_any_status(stage: Stage) -> None:
    esme = stage.connect()
    esme.feed(request(BIND_TRX, 1, bind_body()))
    (response,) = esme.received()
    assert (type(response), response.command_status) == (BindTransceiverResp, 0x7FFFFFFF)
    assert not esme.is_open
    other = stage.connect()
    other.feed(request(BIND_TX, 1, bind_body()))
    assert other.statuses() == [0]


@staged(rule('command = "bind_transceiver"', "delay = 7"))
async def test_a_slow_bind(stage: Stage) -> None:
    esme = stage.connect()
    esme.feed(request(BIND_TRX, 1, bind_body()), encode(sms()))
    esme.feed(request(0x15, 9))
    assert not esme.transport.reading
    stage.advance(6.9)
    assert esme.received() == []
    assert stage.server.session_counts() == {}
    stage.advance(0.1)
    assert [pdu.command_id for pdu in esme.received()] == [0x80000009, 0x80000004, 0x80000015]
    assert esme.transport.reading
    assert stage.server.session_counts() == {("smppclient1", "transceiver"): 1}


@staged(rule('command = "bind_transceiver"', 'answer = "none"', "times = 1"))
async def test_a_bind_without_an_answer_is_not_carried_out(stage: Stage) -> None:
    esme = stage.connect()
    esme.feed(request(BIND_TRX, 1, bind_body()))
    assert esme.received() == []
    assert stage.server.session_counts() == {}
    esme.feed(request(BIND_TRX, 2, bind_body()))
    assert esme.statuses() == [0]


@staged(rule('command = ["bind_transceiver", "unbind"]', 'answer = "nack"', "every = 2"))
async def test_what_is_nacked_is_not_carried_out(stage: Stage) -> None:
    esme = stage.bound()
    assert esme.ask(Unbind()) == [GenericNack(2, RSYSERR)]
    assert stage.server.session_counts() == {("smppclient1", "transceiver"): 1}


@staged(rule('command = "bind_transceiver"', 'answer = "twice", sequence_number = 77'))
async def test_a_bind_answered_twice_under_another_number(stage: Stage) -> None:
    esme = stage.connect()
    esme.feed(request(BIND_TRX, 1, bind_body()))
    assert [(pdu.command_id, pdu.sequence_number) for pdu in esme.received()] == [(0x80000009, 77)] * 2
    assert stage.server.session_counts() == {("smppclient1", "transceiver"): 1}


@staged(rule('command = "unbind"', "delay = 2"))
async def test_a_slow_unbind(stage: Stage) -> None:
    esme = stage.bound()
    assert esme.ask(Unbind()) == []
    stage.advance(2)
    (response,) = esme.received()
    assert isinstance(response, UnbindResp)


@staged(
    '[[rule]]\nwhen = { command = "unbind" }\nthen = { delay = 2 }\n'
    + rule("", "delay = 2.5")
    + "outcome = { DELIVRD = 1 }"
)
async def test_what_is_due_together_with_the_end_of_the_session_is_gone(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(sms(), sms(), Unbind())
    stage.clock.advance_to(3.0)
    stage.settle()
    assert [type(pdu) for pdu in esme.received()] == [UnbindResp]
    assert stage.server.engine.agenda.count == 0
    assert esme.connection._session.inbound_outstanding == 0


@staged(rule('command = "enquire_link"', 'answer = "none"', "after = 1"))
async def test_enquire_link_is_answered_once(stage: Stage) -> None:
    esme = stage.bound()
    assert esme.ask(EnquireLink()) == [EnquireLinkResp(2)]
    assert esme.ask(EnquireLink()) == []


# -- connections ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["unbind", "close", "reset", "silent"])
@pytest.mark.parametrize("delay", [0, 3])
def test_how_a_connection_ends(ending: str, delay: int) -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        esme.send(sms("44"), sms("33"), sms("44"))
        if not delay and ending != "unbind":
            assert [pdu.sequence_number for pdu in esme.received()] == [2, 3]
        else:
            assert {2, 4} <= {pdu.sequence_number for pdu in esme.received() if isinstance(pdu, SubmitSmResp)}
            stage.advance(delay)
        assert esme.connection.is_open == (ending == "unbind")
        assert esme.transport.aborted == (ending == "reset")
        assert esme.transport.eof == (ending == "close")
        commands = [int.from_bytes(frame[4:8], "big") for frame in frames_of(bytes(esme.octets))]
        assert (CommandId.UNBIND in commands) == (ending == "unbind")
        esme.feed(request(0x15, 99))
        assert [type(pdu) for pdu in esme.received() if pdu.sequence_number == 99] == (
            [EnquireLinkResp] if ending == "unbind" else []
        )

    on_stage(rule('destination_addr = "33"', f'connection = "{ending}", delay = {delay}'), act)


@staged(rule('destination_addr = "33"', 'answer = "none", connection = "silent"'))
async def test_a_silent_connection_says_nothing_and_ends_with_the_peer(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(sms("44"), sms("33"))
    assert esme.statuses() == [0]
    stage.advance(100)
    assert esme.received() == []
    assert stage.server.session_counts() == {("smppclient1", "transceiver"): 1}
    assert esme.connection.eof_received() is False
    esme.transport.close()
    await asyncio.sleep(0)
    assert stage.server.session_counts() == {}


# -- what leaves, and responses ---------------------------------------------------------------------------------------


def outward(then: str, when: str = 'command = "submit_sm_resp"', *, more: str = "") -> str:
    return rule(f'direction = "out", {when}', then, more)


@staged(outward("delay = 2", more="every = 2"))
async def test_what_leaves_can_be_late(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(sms(), sms(), sms())
    assert [pdu.sequence_number for pdu in esme.received()] == [2, 4]
    stage.advance(2)
    assert [pdu.sequence_number for pdu in esme.received()] == [3]
    assert fired(stage) == 1


@staged(outward('answer = "twice"', 'command = "deliver_sm"', more="times = 1"))
async def test_receipts_twice(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(sms(), sms())
    esme.received()
    stage.advance(60)
    numbers = [pdu.sequence_number for pdu in esme.received()]
    assert numbers == [1, 1, 2]


@staged(outward('answer = "none"', more="times = 1"))
async def test_a_response_is_lost(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(sms(), sms())
    assert [pdu.sequence_number for pdu in esme.received()] == [3]


@staged(outward("sequence_number = 5", 'command = "enquire_link_resp"'))
async def test_another_number_of_what_leaves(stage: Stage) -> None:
    esme = stage.bound()
    assert esme.ask(EnquireLink()) == [EnquireLinkResp(5)]


@staged(outward('connection = "close"', more="after = 1"))
async def test_nothing_follows_the_last_response(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(sms(), sms(), sms())
    esme.submit()
    assert [pdu.sequence_number for pdu in esme.received()] == [2, 3]
    await asyncio.sleep(0)
    assert esme.transport.eof


@staged(rule('command = "deliver_sm_resp", command_status = 0', 'connection = "close"', "after = 1"))
async def test_what_the_esme_answers_ends_the_connection(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(sms(), sms())
    esme.received()
    stage.advance(60)
    assert esme.transport.eof
    assert fired(stage) == 1
    assert stage.server.engine.esmes["smppclient1"].waiting == 0


@staged(rule('command = "deliver_sm_resp"', 'connection = "close"'))
async def test_a_nack_is_no_deliver_sm_resp(stage: Stage) -> None:
    esme = stage.bound()
    esme.acknowledges = False
    esme.submit()
    stage.advance(60)
    esme.feed(encode(GenericNack(1, 8)))
    assert esme.is_open
    assert isinstance(DeliverSmResp(), DeliverSmResp)


# -- while running ----------------------------------------------------------------------------------------------------


@staged(SLOW)
async def test_the_first_rule_concerns_who_is_just_connecting(stage: Stage) -> None:
    """The loop makes a connection in one turn, and tells it so in the next: a rule may come in between."""
    connection = SmscConnection(stage.server._context)
    stage.server.rules.add(Rule(name="r", when=When(command="enquire_link"), then=Then(status=RSYSERR)))
    transport = FakeTransport()
    connection.connection_made(transport)
    connection.data_received(request(ENQUIRE_LINK))
    assert bytes(transport.written) == answer(ENQUIRE_LINK, RSYSERR)
    connection.connection_lost(None)


@staged(SLOW)
async def test_rules_come_and_go_while_sessions_stand(stage: Stage) -> None:
    esme = stage.bound()
    esme.submit("33")
    assert esme.connection._rules is None
    assert esme.statuses() == [0]
    rules = stage.server.rules
    rules.add(Rule(name="one", when=When(account=Pattern(glob="smpp*")), then=Then(status=1)))
    rules.add(Rule(name="zero", then=Then(status=2)), before="one")
    esme.submit("33")
    rules.remove("zero")
    late = stage.bound()
    esme.submit("33")
    late.submit("33")
    assert (esme.statuses(), late.statuses()) == ([2, 1], [1])
    assert [one.name for one in rules] == ["one"]
    assert rules.hits()["one"].fired == 2
    rules.remove("one")
    esme.submit("33")
    assert esme.statuses() == [0]
    assert stage.server.settings.rule == []


def test_a_reload_keeps_the_counts_of_rules_that_stay() -> None:
    text = '[[rule]]\nname = "a"\nwhen = { destination_addr = "33*" }\nthen = { status = 1 }\n'
    other = '[[rule]]\nname = "b"\nthen = { status = 2 }\n'

    async def act(stage: Stage) -> None:
        esme = stage.bound()
        esme.submit("33")
        stage.server.reload(read(text + other))
        esme.send(sms("33"), sms("44"))
        assert esme.statuses() == [1, 1, 2]
        assert {name: hits.fired for name, hits in stage.server.rules.hits().items()} == {"a": 2, "b": 1}
        stage.server.reload(read(other))
        esme.submit("33")
        assert esme.statuses() == [2]

    on_stage(text, act)


# -- the same octets however TCP cuts the stream ----------------------------------------------------------------------

MIXTURE = """
[server]
seed = 42

[network.default]
delay = { distribution = "uniform", min = 1, max = 5 }
outcome = { DELIVRD = 80, UNDELIV = 20 }

[[account]]
system_id = "smppclient1"
password = "password"
window = 20
window_over = "ESME_RTHROTTLED"

[[rule]]
name = "slow-bind"
when = { command = "bind_transceiver" }
then = { delay = 0.5 }

[[rule]]
name = "late"
when = { destination_addr = "3*" }
probability = 0.6
then = { delay = { distribution = "exponential", mean = 3 } }

[[rule]]
name = "fails"
when = { destination_addr = ["3*", "4*"] }
every = 3
then = { outcome = "EXPIRED", receipt_delay = { distribution = "uniform", min = 0.5, max = 9 } }

[[rule]]
name = "replies"
when = { text = { regex = "^(?P<word>[A-Z]+)" } }
probability = 0.5
then = { reply = { text = "{word}! {word}!", delay = { distribution = "normal", mean = 4, deviation = 2 } } }

[[rule]]
name = "up"
when = { destination_addr = "5*" }
scenario = { name = "s", is = "", becomes = "down" }
then = { answer = "twice" }

[[rule]]
name = "down"
when = { destination_addr = "5*" }
scenario = { name = "s", is = "down", becomes = "" }
then = { throttle = 2 }

[[rule]]
name = "asks"
when = { command = ["enquire_link", "query_sm"] }
every = 2
then = { answer = "nack", delay = 1 }

[[rule]]
name = "lost"
when = { direction = "out", command = "submit_sm_resp" }
every = 7
then = { answer = "none" }

[[rule]]
name = "receipts"
when = { direction = "out", command = "deliver_sm" }
probability = 0.3
then = { delay = 0.25, sequence_number = { add = 1000 } }

[[rule]]
name = "end"
when = { destination_addr = "6*" }
after = 1
then = { connection = "close", delay = 1 }
"""

PDUS = st.one_of(
    st.builds(
        sms,
        st.sampled_from(["31", "32", "41", "42", "51", "7", ""]),
        st.sampled_from(["HELLO", "hello", "STOP it"]),
        registered_delivery=st.sampled_from([0, 1, 0x1F]),
        esm_class=st.sampled_from([0, 0, 0, 2]),
    ),
    st.builds(sms, st.just("6")),
    st.builds(EnquireLink),
    st.builds(QuerySm, message_id=st.sampled_from([b"1000000000", b"1"]), source_addr=st.just(b"smppd")),
    st.builds(DataSm, source_addr=st.just(b"1"), destination_addr=st.sampled_from([b"31", b"51"])),
    st.builds(DataSm, source_addr=st.just(b"1"), destination_addr=st.just(b"31"), esm_class=st.just(2)),
)


def played(batches: list[bytes], cuts: list[list[int]]) -> bytes:
    """What is written when each batch arrives at its own time, cut at these places."""
    written = b""

    async def run() -> None:
        nonlocal written
        stage = Stage(read(MIXTURE))
        esme = stage.connect()
        for batch, places in zip(batches, cuts, strict=True):
            start = 0
            for place in [*sorted(places), len(batch)]:
                if place > start and not esme.connection._closing:
                    esme.connection.data_received(batch[start:place])
                    stage.server._work.run()  # what is due at this instant may happen between two reads
                    esme.take()
                    start = place
            stage.advance(1)
        stage.advance(3600)
        esme.take()
        written = bytes(esme.octets)
        assert stage.server.engine.agenda.count == 0
        assert stage.server.counters.protocol_errors["internal"] == 0
        stage.close()
        await asyncio.sleep(0)

    run_virtually(run())
    return written


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_same_octets_however_tcp_cuts_the_stream(data: st.DataObject) -> None:
    batches = [request(BIND_TRX, 1, bind_body())]
    number = 1
    for pdus in data.draw(st.lists(st.lists(PDUS, max_size=20), min_size=1, max_size=3)):
        octets = b""
        for pdu in pdus:
            number += 1
            pdu.sequence_number = number
            octets += encode(pdu)
        batches.append(octets)
    cuts = [data.draw(st.lists(st.integers(0, len(batch)), max_size=6)) for batch in batches]
    whole = played(batches, [[] for _ in batches])
    assert played(batches, cuts).hex() == whole.hex()
    assert played(batches, cuts).hex() == whole.hex()


# -- corners ----------------------------------------------------------------------------------------------------------

TWO_ROUTES = """
[[route]]
name = "east"
match = { destination_addr = "7*" }

[[route]]
name = "west"
match = { destination_addr = "3*" }
"""


@staged(rule('command = ["submit_sm", "data_sm", "submit_multi"], route = "east"', "status = 9") + TWO_ROUTES)
async def test_rules_about_routes(stage: Stage) -> None:
    esme = stage.bound()
    multi = [SubmitMulti(source_addr=b"1", dest_address=(SmeAddress(1, 1, to),)) for to in (b"7", b"3")]
    lists = SubmitMulti(source_addr=b"1", dest_address=(DistributionList(b"friends"),), short_message=b"x")
    data = [DataSm(source_addr=b"1", destination_addr=to) for to in (b"7", b"3")]
    esme.send(sms("7"), sms("3"), sms("5"), *multi, *data, lists)
    statuses = esme.statuses()
    assert [status == 9 for status in statuses] == [True, False, False, True, False, True, False, False]
    assert statuses[2] == RINVDSTADR


@staged(
    rule('command = "*"', "status = 9") + ACCOUNT + 'dialect = "d"\n[dialect.d.response]\nunsupported = ["query_sm"]\n'
)
async def test_what_the_dialect_does_not_know_is_refused_for_that(stage: Stage) -> None:
    esme = stage.connect()
    rules = [*stage.server.rules]
    stage.server.rules.replace([])
    esme.bind()
    stage.server.rules.replace(rules)
    esme.send(QuerySm(message_id=b"1"), EnquireLink())
    nack, refusal = esme.received()
    assert isinstance(nack, GenericNack)
    assert (refusal.command_id, refusal.command_status) == (0x80000015, 9)


@staged(rule('command = "bind_transceiver"', "status = 9"))
async def test_what_is_wrong_with_a_bind_comes_before_rules(stage: Stage) -> None:
    esme = stage.connect()
    esme.feed(request(BIND_TRX, 1, bind_body(address_range="(")))
    assert esme.statuses() == [int(CommandStatus.ESME_RBINDFAIL)]
    assert fired(stage) == 0


@staged(
    rule('command = "data_sm_resp"', 'connection = "close"')
    + ACCOUNT
    + 'dialect = "d"\n[dialect.d.receipt]\npdu = "data_sm"\n'
)
async def test_other_responses_of_the_esme(stage: Stage) -> None:
    esme = stage.bound()
    esme.submit()
    stage.advance(60)
    esme.feed(encode(DataSmResp(1)))
    assert esme.transport.eof


@staged(rule('command = "unbind"', "status = 9, delay = 2") + ACCOUNT + 'window = 1\nwindow_over = "stop_reading"\n')
async def test_a_refused_unbind_makes_room_in_the_window(stage: Stage) -> None:
    esme = stage.bound()
    assert esme.ask(Unbind()) == []
    assert not esme.transport.reading
    stage.advance(2)
    assert esme.statuses() == [9]
    assert esme.transport.reading


@staged(rule('command = "unbind"', "delay = 2"))
async def test_who_is_gone_is_not_answered(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(Unbind())
    esme.connection.close()
    stage.advance(2)
    assert esme.received() == []
    assert stage.server.engine.agenda.count == 0


@staged(outward("delay = 2") + ACCOUNT + 'dialect = "d"\n[dialect.d.message_id]\nresponse = { terminated = false }\n')
async def test_what_a_dialect_writes_in_its_own_way_is_left_alone(stage: Stage) -> None:
    esme = stage.bound()
    esme.submit()
    assert bytes(esme.transport.written) == b""
    assert bytes(esme.octets[-10:]) == b"1000000000"


@staged(outward("delay = 2"))
async def test_what_is_held_back_dies_with_the_connection(stage: Stage) -> None:
    esme = stage.bound()
    esme.submit()
    esme.connection.close()
    stage.advance(2)
    assert esme.received() == []


@pytest.mark.parametrize(("command", "then"), [("submit_sm", "delay = 1"), ("unbind", "delay = 1")])
def test_a_mistake_of_ours_ends_this_session_alone(command: str, then: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act() -> None:
        stage = Stage(read(rule(f'command = "{command}"', then)))
        esme, other = stage.bound(), stage.bound()
        for each in (esme, other):
            each.send(sms() if command == "submit_sm" else Unbind())
        monkeypatch.setattr(esme.connection, "_say" if command == "submit_sm" else "_carry_out", fail)
        stage.advance(1)
        assert not esme.is_open
        assert other.statuses() == [0]
        assert len(stage.events("internal error")) == 1
        stage.close()
        await asyncio.sleep(0)

    run_virtually(act())


def test_a_broken_hook_harms_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_hook.py").write_text("def f(event):\n    raise LookupError('what?')\n")
    monkeypatch.syspath_prepend(tmp_path)

    async def act(stage: Stage) -> None:
        esme = stage.bound()
        esme.send(*(sms() for _ in range(50)))
        assert esme.statuses() == [0] * 50
        assert stage.server.rules.hook_failures() == {"r": 50}
        lines = [line for line in stage.events("protocol error") if line["kind"] == "hook_failed"]
        assert 0 < len(lines) < 50
        assert (lines[0]["rule"], lines[0]["error"]) == ("r", "LookupError at broken_hook.py:2")

    on_stage(rule("", 'hook = "broken_hook:f"'), act)


def test_the_end_of_a_run_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for each message that a rule is about: what comes in one read would take quadratic time."""
    seen: list[int] = []

    def counted(events: Sequence[Any], start: int) -> int:
        seen.append(start)
        return end_of_run(events, start)

    end_of_run = judged._end_of_run
    monkeypatch.setattr(judged, "_end_of_run", counted)

    async def act(stage: Stage) -> None:
        esme = stage.bound()
        esme.send(*(sms() for _ in range(50)))
        assert esme.statuses() == [0x58] * 50

    on_stage(rule("", 'status = "ESME_RTHROTTLED"'), act)
    assert seen == [0]


@staged(outward("delay = 2", 'command = "enquire_link_resp"'), "journal.pdus=10")
async def test_the_journal_has_what_left_when_it_left(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(EnquireLink())
    left = [entry for entry in stage.server.journal if entry.direction == "out"]
    assert len(left) == 1
    stage.advance(2)
    left = [entry for entry in stage.server.journal if entry.direction == "out"]
    assert len(left) == 2


def test_a_bind_whose_password_takes_long_to_verify() -> None:
    hashed = ScryptHash.create(b"secret", b"0123456789abcdef")
    text = (
        f'[[account]]\nsystem_id = "a"\npassword_hash = "{hashed}"\n'
        '[[rule]]\nwhen = { command = "bind_transceiver" }\nthen = { answer = "twice", sequence_number = 50 }\n'
    )
    with Live(read(text)) as live, live.client() as client:
        client.send(request(BIND_TRX, 1, bind_body("a", "secret")), request(0x15, 2))
        first, second = client.frames(2)
        assert first == second
        assert first[4:16] == struct.pack(">III", 0x80000000 | BIND_TRX, 0, 50)
        client.expect(answer(ENQUIRE_LINK, 0, 2))
