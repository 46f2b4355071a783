"""What one session is limited to beside its account: judged alone, and on the wire."""

from __future__ import annotations

import pytest

from smppd.settings import Throughput
from smppd.transport.limits import FOR_EVER, SessionLimits
from smppwire.pdus import DataSm, Pdu, SmeAddress, SubmitMulti
from tests.transport.stage import EnquireLink, Stage, Unbind, on_stage, sms

RTHROTTLED = 0x58
RMSGQFUL = 0x14

OTHER_SUBMISSIONS: list[Pdu] = [
    DataSm(source_addr=b"1", destination_addr=b"447700900123"),
    SubmitMulti(dest_address=(SmeAddress(1, 1, b"447700900123"),)),
]


def test_without_limits_all_pass() -> None:
    limits = SessionLimits()
    assert limits.is_idle
    assert limits.admit(5, 0.0)[0] == 5


def test_a_throttle_ends_by_itself() -> None:
    limits = SessionLimits()
    limits.throttle(10.0, RMSGQFUL)
    assert not limits.is_idle
    assert limits.admit(5, 9.9) == (0, RMSGQFUL)
    assert limits.admit(5, 10.0)[0] == 5
    assert limits.is_idle


def test_a_throttle_without_an_end_is_lifted() -> None:
    limits = SessionLimits()
    limits.throttle(FOR_EVER, RTHROTTLED)
    assert limits.admit(1, 1e12) == (0, RTHROTTLED)
    limits.lift()
    assert limits.is_idle


def test_a_rate_lets_the_first_pass() -> None:
    limits = SessionLimits()
    limits.limit(Throughput(limit=10, per=1.0, burst=3, over="ESME_RMSGQFUL"))
    assert limits.admit(5, 0.0) == (3, RMSGQFUL)
    assert limits.admit(5, 0.1)[0] == 1
    limits.limit(None)
    assert limits.is_idle


def test_a_throttle_comes_before_the_rate() -> None:
    limits = SessionLimits()
    limits.limit(Throughput(limit=10, per=1.0, burst=3))
    limits.throttle(5.0, RMSGQFUL)
    assert limits.admit(1, 0.0) == (0, RMSGQFUL)
    limits.lift()
    assert limits.admit(3, 0.0)[0] == 3, "what was refused has used up nothing"


# On the wire.


def throttled(seconds: float = FOR_EVER, status: int = RTHROTTLED) -> SessionLimits:
    limits = SessionLimits()
    limits.throttle(seconds, status)
    return limits


def test_the_answers_of_a_chunk_stand_in_its_order() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        limits = SessionLimits()
        limits.limit(Throughput(limit=1, per=60.0, burst=2))
        esme.connection.limits = limits
        numbers = esme.send(*[sms() for _ in range(4)])
        answers = esme.received()
        assert [pdu.sequence_number for pdu in answers] == numbers
        assert [pdu.command_status for pdu in answers] == [0, 0, RTHROTTLED, RTHROTTLED]
        tally = esme.connection.count_now()
        assert (tally.submitted, tally.accepted, tally.throttled) == (4, 2, 2)
        assert stage.server.counters.throttled_by_scope["smppclient1", "session"] == 2
        stage.advance(60)
        esme.received()
        esme.submit()
        assert esme.statuses() == [0]

    on_stage("", act)


@pytest.mark.parametrize("pdu", OTHER_SUBMISSIONS, ids=lambda pdu: type(pdu).__name__)
def test_whatever_brings_messages_is_throttled(pdu: Pdu) -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        esme.connection.limits = throttled(status=RMSGQFUL)
        (answer,) = esme.ask(pdu)
        assert answer.command_status == RMSGQFUL
        (answer,) = esme.ask(EnquireLink())
        assert answer.command_status == 0
        esme.connection.limits = SessionLimits()
        (answer,) = esme.ask(pdu)
        assert answer.command_status == 0

    on_stage("", act)


def test_a_throttle_that_is_over_costs_nothing_any_more() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        esme.connection.limits = throttled(stage.clock.now() + 10)
        esme.submit()
        assert esme.statuses() == [RTHROTTLED]
        stage.advance(10)
        esme.submit()
        assert esme.statuses()[0] == 0
        assert esme.connection._limits is None

    on_stage("", act)


def test_limits_end_with_the_bind_and_concern_one_session() -> None:
    async def act(stage: Stage) -> None:
        esme, other = stage.bound(), stage.bound()
        esme.connection.limits = throttled()
        other.submit()
        assert other.statuses() == [0]
        esme.send(Unbind())
        esme.received()
        esme.bind()
        esme.submit()
        assert esme.statuses() == [0]

    on_stage("", act)


def test_the_session_speaks_before_a_fault() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        esme.connection.limits = throttled()
        esme.send(sms(), sms())
        assert esme.statuses() == [RTHROTTLED, RTHROTTLED]
        esme.connection.limits = SessionLimits()
        esme.send(sms(), sms())
        assert esme.statuses() == [RMSGQFUL, RMSGQFUL]

    on_stage('[[fault]]\nkind = "throttle"\nstatus = "ESME_RMSGQFUL"\nevery = 1\n', act)


def test_a_smaller_window_holds_for_the_next_request() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        connection = esme.connection
        connection.window = 2
        assert connection.window == 2
        connection._session.answered(-2)  # two requests are still unanswered
        assert connection.outstanding == 2
        esme.submit()
        assert esme.statuses() == [RTHROTTLED]
        connection.window = 3
        esme.submit()
        assert esme.statuses() == [0]

    on_stage("", act)


def test_a_larger_window_lets_a_session_be_read_again() -> None:
    text = '[[account]]\nsystem_id = "smppclient1"\npassword = "password"\nwindow = 1\nwindow_over = "stop_reading"\n'

    async def act(stage: Stage) -> None:
        esme = stage.bound()
        esme.connection._session.answered(-1)  # a request is still unanswered
        esme.send(EnquireLink())
        assert not esme.transport.reading
        esme.connection.window = 0
        assert esme.transport.reading

    on_stage(text, act)


def test_a_larger_deliver_window_lets_receipts_flow() -> None:
    text = '[network.default]\ndelay = { distribution = "fixed", value = 0.0 }\n'

    async def act(stage: Stage) -> None:
        esme = stage.bound()
        esme.acknowledges = False
        esme.connection.deliver_window = 1
        esme.send(*[sms() for _ in range(5)])
        stage.settle()
        assert esme.connection.unanswered == 1
        esme.connection.deliver_window = 3
        stage.settle()
        assert esme.connection.unanswered == 3
        assert esme.connection.deliver_window == 3

    on_stage(text, act)
