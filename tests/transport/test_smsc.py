"""The SMSC side of a connection, on fake transports and time that needs no waiting; password hashes on real threads."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from smppd.engine.core import Engine
from smppd.passwords import ScryptHash
from smppd.settings import Timers
from smppd.transport.binding import LINGER, REFUSAL_LINGER, negotiate
from smppd.transport.connection import CLOSE_TIMEOUT, WRITE_BUFFER_HIGH, _peer_name
from smppd.transport.smsc import LONG_READ, SmscConnection
from smppwire.constants import CommandId
from smppwire.pdus import PDU_CLASSES, SubmitSm
from smppwire.session import TRANSITIONS, Acknowledged, FramingLost, Refused, ResponseReceived, Role
from tests.transport.support import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    DATA,
    DELIVER,
    ENQUIRE_LINK,
    NACK,
    OFF,
    QUERY,
    RESP,
    SUBMIT,
    UNBIND,
    Bench,
    FakeTransport,
    Live,
    account,
    answer,
    bench,
    bind_body,
    bind_resp,
    c,
    delivered,
    elapse,
    field,
    live_settings,
    pdu,
    request,
    submit_body,
    virtually,
)

RSYSERR, RTHROTTLED = 0x08, 0x58
BROKEN = RuntimeError("a mistake of ours")


def fail(*_: object, **__: object) -> Any:
    raise BROKEN


# Versions.


@pytest.mark.parametrize(
    ("theirs", "ours", "spoken"),
    [
        (0x00, 0x34, 0x33),
        (0x22, 0x50, 0x33),
        (0x33, 0x34, 0x33),
        (0x34, 0x34, 0x34),
        (0x34, 0x50, 0x34),
        (0x40, 0x50, 0x34),
        (0x4F, 0x34, 0x34),
        (0x50, 0x34, 0x34),
        (0x50, 0x50, 0x50),
        (0xFF, 0x50, 0x50),
    ],
)
def test_negotiate(theirs: int, ours: int, spoken: int) -> None:
    assert negotiate(theirs, ours) == spoken


# Reading and writing.


@virtually
async def test_a_chunk_is_answered_in_one_write() -> None:
    async with bench() as it:
        connection, transport = it.bound()
        before = transport.writes
        connection.data_received(
            b"".join(request(SUBMIT, sequence, submit_body()) for sequence in range(100)) + request(ENQUIRE_LINK, 100)
        )
        assert transport.writes == before + 1
        frames = transport.taken()
        assert [int.from_bytes(frame[12:16], "big") for frame in frames] == list(range(101))


@virtually
async def test_receipts_leave_in_one_write_after_the_responses() -> None:
    async with bench() as it:
        connection, transport = it.bound()
        before = transport.writes
        connection.data_received(b"".join(request(SUBMIT, n, submit_body(registered=1)) for n in range(50)))
        assert len(transport.taken()) == 50, "nothing but the responses while the chunk is handled"
        await elapse(1)
        assert len(transport.taken()) == 50
        assert transport.writes == before + 2


@virtually
async def test_receipts_stay_within_the_window() -> None:
    async with bench(account=[account(deliver_window=3)]) as it:
        connection, transport = it.bound()
        connection.data_received(b"".join(request(SUBMIT, n, submit_body(registered=1)) for n in range(10)))
        transport.taken()
        got = []
        for _ in range(4):
            await elapse(1)
            frames = transport.taken()
            got.append(len(frames))
            connection.data_received(b"".join(answer(DELIVER, 0, delivered(frame)[0]) for frame in frames))
        assert got == [3, 3, 3, 1]


@virtually
async def test_an_end_of_the_stream_closes_after_the_answers() -> None:
    async with bench() as it:
        connection, transport = it.bound()
        assert connection.eof_received() is False, "the transport closes when its buffer is empty"
        assert transport.eof
        await elapse(CLOSE_TIMEOUT + 0.1)
        assert transport.aborted, "a buffer that never empties does not keep the connection"


@virtually
async def test_what_arrives_after_a_close_is_thrown_away() -> None:
    async with bench() as it:
        connection, transport = it.connect()
        connection.data_received(bytes(16))
        assert transport.taken() == [pdu(NACK, 2, 0)]
        assert transport.eof
        assert transport.reading, "so that the end of the stream, or more of it, is seen"
        connection.data_received(request(ENQUIRE_LINK))
        connection.data_received(bytes(100_000))
        assert transport.taken() == []
        assert not transport.is_closing(), "a close now would reset the connection if something is unread"
        await elapse(CLOSE_TIMEOUT - 0.1)
        assert not transport.is_closing()
        await elapse(0.2)
        assert transport.aborted
        assert it.context.connections == set()


@virtually
async def test_a_peer_that_is_gone_already_cannot_be_half_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system says so before the loop does; whoever closes must not stumble over it."""

    def reset(_transport: FakeTransport) -> None:
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    monkeypatch.setattr(FakeTransport, "write_eof", reset)
    async with bench() as it:
        connection, transport = it.bound()
        connection.close()
        assert transport.aborted


@virtually
async def test_a_transport_that_cannot_be_half_closed_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeTransport, "can_write_eof", lambda _: False)
    async with bench() as it:
        connection, transport = it.bound()
        connection.data_received(request(ENQUIRE_LINK) + bytes(16))
        assert transport.taken() == [answer(ENQUIRE_LINK), pdu(NACK, 2, 0)]
        assert not transport.eof
        assert transport.is_closing()


@virtually
async def test_a_failing_engine_does_not_keep_a_connection_that_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench() as it:
        connection, _ = it.bound()
        with monkeypatch.context() as patch:
            patch.setattr(Engine, "close_bind", fail)
            with pytest.raises(RuntimeError):  # the loop logs it
                connection.connection_lost(None)
        assert it.context.connections == set()
        assert it.server.accounts.get("smppclient1").bound == 0


@virtually
async def test_close_and_abort_may_be_called_at_any_time() -> None:
    async with bench() as it:
        connection, transport = it.bound()
        connection.close()
        connection.close()
        connection.unbind()
        connection.abort()
        await asyncio.sleep(0)
        connection.abort()
        connection.close()
        connection.unbind()
        connection.data_received(request(ENQUIRE_LINK))
        connection.resume_writing()
        assert transport.taken() == []


def test_the_peer_is_named_in_logs() -> None:
    assert _peer_name(FakeTransport(("192.0.2.7", 1234))) == "192.0.2.7:1234"
    assert _peer_name(FakeTransport(("2001:db8::7", 1234, 0, 0))) == "[2001:db8::7]:1234"
    assert _peer_name(FakeTransport(None)) == ""
    assert _peer_name(FakeTransport("/run/socket")) == ""


# A peer that does not read.


@virtually
async def test_a_peer_that_does_not_read_is_not_read_and_gets_nothing_more() -> None:
    async with bench() as it:
        connection, transport = it.bound()
        assert transport.high == WRITE_BUFFER_HIGH
        connection.data_received(request(SUBMIT, 2, submit_body(registered=1)))
        transport.taken()
        connection.pause_writing()
        assert not transport.reading
        assert connection.room() == 0
        await elapse(5)
        assert transport.taken() == [], "the receipt waits"
        assert it.server.engine.esmes["smppclient1"].waiting == 1
        connection.resume_writing()
        assert transport.reading
        await elapse(0.1)
        (receipt,) = transport.taken()
        assert delivered(receipt)[0] == 1


@virtually
async def test_a_peer_that_never_reads_is_closed_by_the_enquire_link_timer() -> None:
    async with bench() as it:
        connection, transport = it.bound()
        connection.pause_writing()
        await elapse(100)
        assert transport.aborted
        assert it.errors("close_enquire_link_unanswered") == 1


@virtually
async def test_a_close_while_paused_reads_again() -> None:
    async with bench() as it:
        connection, transport = it.bound()
        connection.pause_writing()
        connection.close()
        assert transport.reading
        connection.pause_writing()
        assert transport.reading, "what the peer sends must be thrown away, or its close is never seen"


# A peer that sends without end.


@virtually
async def test_after_a_long_read_the_others_have_their_turn() -> None:
    long = request(SUBMIT, 2, submit_body()) * 3000
    async with bench() as it:
        connection, transport = it.bound()
        connection.data_received(long[: LONG_READ - 1])
        assert transport.reading
        connection.data_received(long[LONG_READ - 1 : 2 * LONG_READ - 1])
        assert not transport.reading
        await asyncio.sleep(0)
        assert transport.reading


@virtually
async def test_the_next_turn_does_not_read_from_a_peer_that_does_not_read() -> None:
    long = request(SUBMIT, 2, submit_body()) * 3000
    async with bench() as it:
        connection, transport = it.bound()
        connection.data_received(long[:LONG_READ])
        connection.pause_writing()
        await asyncio.sleep(0)
        assert not transport.reading
        connection.data_received(long[LONG_READ : 2 * LONG_READ])
        await asyncio.sleep(0)
        assert not transport.reading
        connection.resume_writing()
        assert transport.reading


# The window of the ESME.


@virtually
async def test_the_window_counts_what_is_unanswered_before_the_chunk() -> None:
    accounts = [account(window=2, window_over="ESME_RMSGQFUL")]
    async with bench(account=accounts) as it:
        connection, transport = it.bound()
        connection.data_received(b"".join(request(SUBMIT, n, submit_body()) for n in range(5)))
        assert all(frame[8:12] == bytes(4) for frame in transport.taken()), "where TCP cuts makes no difference"
        connection._session.inbound_outstanding = 2  # as when answers are delayed
        query = request(QUERY, 9, c("1000000000") + bytes(3))
        connection.data_received(request(SUBMIT, 7, submit_body()) + request(SUBMIT, 8, submit_body()) + query)
        assert transport.taken() == [answer(SUBMIT, 0x14, 7), answer(SUBMIT, 0x14, 8), answer(QUERY, 0x14, 9)]
        assert it.context.counters.throttled_by_scope["smppclient1", "window"] == 3
        connection._session.inbound_outstanding = 1
        connection.data_received(request(SUBMIT, 7, submit_body()))
        assert transport.taken()[0][8:12] == bytes(4)


@virtually
async def test_every_request_leaves_the_window() -> None:
    async with bench(server={"interface_version": "5.0"}) as it:
        connection, _ = it.bound(version=0x50)
        for body in (submit_body(), submit_body(priority=9), b""):
            for command in (SUBMIT, DATA, QUERY, UNBIND + 1, UNBIND + 2, 0x21, ENQUIRE_LINK, 0x111, DELIVER, 0x999):
                connection.data_received(request(command, 5, body))
        assert connection._session.inbound_outstanding == 0


# Timers.


@virtually
async def test_a_connection_that_does_not_bind_is_closed() -> None:
    async with bench() as it:
        connection, transport = it.connect()
        for _ in range(9):
            await elapse(1)
            connection.data_received(request(ENQUIRE_LINK))  # no bind, no extension
        assert not transport.eof
        await elapse(1)
        assert transport.eof
        assert it.errors("close_session_init") == 1
        assert it.events("protocol error", kind="close_session_init", session="1")
        transport.close()
        await asyncio.sleep(0)
        assert it.context.unbound == 0


@virtually
async def test_two_thousand_connections_that_never_bind_are_all_closed() -> None:
    async with bench(server={"max_unbound": 2000}) as it:
        for _ in range(2000):
            it.connect()
        assert it.context.refusal() == "max_unbound"
        await elapse(10 + CLOSE_TIMEOUT + 0.1)
        assert it.context.connections == set()
        assert it.context.unbound == 0
        assert it.errors("close_session_init") == 2000
        assert len(it.events("protocol error")) <= 5, "a flood is counted, not told line by line"
        it.context.error_log.flush(everything=True)
        told = it.events("protocol errors suppressed", kind="close_session_init")
        assert sum(line["count"] for line in told) + len(it.events("protocol error")) == 2000
        it.bound()


@virtually
async def test_silence_is_asked_about_and_then_closed() -> None:
    async with bench() as it:
        connection, transport = it.bound()
        await elapse(29.9)
        assert transport.taken() == []
        await elapse(0.2)
        assert transport.taken() == [request(ENQUIRE_LINK, 1)]
        await elapse(10)
        assert transport.taken() == [request(ENQUIRE_LINK, 2)]
        await elapse(10)
        assert transport.taken() == [request(ENQUIRE_LINK, 3)]
        assert not transport.eof
        await elapse(10)
        assert transport.taken() == [request(UNBIND, 4)]
        assert transport.eof
        assert it.errors("close_enquire_link_unanswered") == 1
        assert connection.bound_as is not None, "until the connection has ended, the bind counts"
        transport.close()
        await asyncio.sleep(0)
        assert connection.bound_as is None


@virtually
async def test_an_answer_or_any_other_pdu_keeps_the_session() -> None:
    async with bench() as it:
        connection, transport = it.bound()
        for round_number in range(40):
            await elapse(30.1)
            (enquiry,) = transport.taken()
            number = int.from_bytes(enquiry[12:16], "big")
            if round_number % 2:
                connection.data_received(answer(ENQUIRE_LINK, 0, number))
            else:
                connection.data_received(answer(ENQUIRE_LINK, 0, 1, b"\0"))  # a wrong number is a sign of life too
        assert not transport.eof
        for _ in range(20):
            await elapse(20)
            connection.data_received(request(ENQUIRE_LINK))
            assert transport.taken() == [answer(ENQUIRE_LINK)]


@virtually
async def test_inactivity_ends_with_an_unbind() -> None:
    timers = Timers(session_init=10, enquire_link=0, inactivity=60, response=10)
    async with bench(timers=timers) as it:
        connection, transport = it.bound()
        await elapse(50)
        connection.data_received(request(ENQUIRE_LINK))
        await elapse(59)
        assert transport.taken() == [answer(ENQUIRE_LINK)]
        await elapse(1.1)
        assert transport.taken() == [request(UNBIND, 1)]
        assert transport.eof
        assert it.errors("close_inactivity") == 1


@virtually
async def test_a_receipt_without_response_is_sent_again() -> None:
    async with bench() as it:
        connection, transport = it.bound()
        connection.data_received(request(SUBMIT, 2, submit_body(registered=1)))
        await elapse(0.1)
        _, first = transport.taken()
        await elapse(9.8)
        assert transport.taken() == []
        await elapse(1.5)
        (second,) = transport.taken()
        assert (delivered(first)[0], delivered(second)[0]) == (1, 2)
        assert delivered(first)[1:] == delivered(second)[1:]
        connection.data_received(answer(DELIVER, 0, 1))
        assert it.errors("unexpected_response") == 1, "a late answer completes nothing"
        connection.data_received(answer(DELIVER, 0, 2))
        assert it.server.engine.esmes["smppclient1"].waiting == 0
        await elapse(100)
        assert it.server.engine.esmes["smppclient1"].waiting == 0


@virtually
async def test_without_timers_nothing_runs() -> None:
    async with bench(timers=OFF) as it:
        connection, transport = it.connect()
        bound, bound_transport = it.bound()
        assert connection._timer is None
        assert bound._timer is None
        await elapse(1_000_000)
        assert not transport.eof
        assert not bound_transport.eof
        assert bound_transport.taken() == []


@virtually
async def test_a_timer_that_starts_late_is_not_missed() -> None:
    """Only the response timer is on, and it starts between two looks at the timers."""
    async with bench(timers=Timers(session_init=0, enquire_link=0, inactivity=0, response=10)) as it:
        connection, transport = it.bound()
        await elapse(9)
        connection.data_received(request(SUBMIT, 2, submit_body(registered=1)))
        await elapse(10.1 + 1)
        assert len(transport.taken()) == 3, "response, receipt, the receipt again"


@virtually
async def test_a_short_timer_that_starts_late_is_not_missed_behind_a_long_one() -> None:
    async with bench(timers=Timers(session_init=10, enquire_link=1000, inactivity=0, response=5)) as it:
        connection, transport = it.bound()
        await elapse(20)
        connection.data_received(request(SUBMIT, 2, submit_body(registered=1)))
        await elapse(5.1 + 1)
        assert len(transport.taken()) == 3, "response, receipt, the receipt again"


@virtually
async def test_idle_sessions_cost_few_looks_at_their_timers() -> None:
    async with bench() as it:
        connection, _ = it.bound()
        looks = 0
        original = connection._look_at_timers

        def look(moment: float) -> None:
            nonlocal looks
            looks += 1
            original(moment)

        connection._look_at_timers = look
        await elapse(29)
        assert looks <= 3


# Unbinding.


@virtually
async def test_an_unbound_connection_stays_a_moment_for_another_bind() -> None:
    async with bench() as it:
        connection, transport = it.bound()
        assert it.context.unbound == 0
        connection.data_received(request(UNBIND, 2))
        assert transport.taken() == [answer(UNBIND, 0, 2)]
        assert it.context.unbound == 1
        assert connection.bound_as is None
        await elapse(LINGER - 0.1)
        connection.data_received(request(BIND_TX, 3, bind_body()))
        assert transport.taken() == [bind_resp(BIND_TX, 3)]
        assert connection.bound_as == ("smppclient1", "transmitter")
        assert it.context.unbound == 0
        await elapse(LINGER + CLOSE_TIMEOUT)
        assert not transport.eof
        connection.data_received(request(UNBIND, 4))
        await elapse(LINGER + 0.1)
        assert transport.eof
        assert len(it.events("unbind", by="ESME")) == 2
        assert len(it.events("bind")) == 2


@virtually
async def test_we_unbind_and_the_esme_answers() -> None:
    async with bench() as it:
        connection, transport = it.bound()
        connection.data_received(request(SUBMIT, 2, submit_body(registered=1)))
        transport.taken()
        connection.unbind()
        connection.unbind()
        assert transport.taken() == [request(UNBIND, 1)]
        await elapse(0.1)
        assert transport.taken() == [], "nothing is delivered behind an unbind"
        connection.data_received(request(SUBMIT, 3, submit_body()) + answer(UNBIND, 0, 1))
        assert len(field(transport.taken()[0], SUBMIT)) == 10, "what was on its way is answered"
        assert transport.eof
        assert connection.bound_as is None
        assert it.events("unbind", by="SMSC", system_id="smppclient1")
        transport.close()
        await asyncio.sleep(0)
        assert it.events("session closed") == []
        _, receipts = it.bound(BIND_RX)
        await elapse(0.1)
        assert delivered(receipts.taken()[0])[0] == 1


@virtually
async def test_we_unbind_and_the_esme_does_not_care() -> None:
    async with bench(server={"shutdown_grace": 3}) as it:
        connection, transport = it.bound()
        connection.unbind()
        await elapse(2.9)
        assert not transport.eof
        await elapse(0.2)
        assert transport.eof


@virtually
async def test_unbinds_that_cross() -> None:
    async with bench() as it:
        connection, transport = it.bound()
        connection.unbind()
        connection.data_received(request(UNBIND, 7))
        assert transport.taken() == [request(UNBIND, 1), answer(UNBIND, 0, 7)]
        connection.data_received(answer(UNBIND, 0, 1))
        connection.data_received(request(BIND_RX, 8, bind_body()))
        assert transport.taken() == [bind_resp(BIND_RX, 8)]
        assert connection.room() > 0, "a new session is delivered to"
        await elapse(20)
        assert not transport.eof


@virtually
async def test_a_session_that_just_ends() -> None:
    async with bench() as it:
        connection, transport = it.bound()
        connection.connection_lost(ConnectionResetError())
        (line,) = it.events("session closed")
        assert (line["system_id"], line["error"]) == ("smppclient1", "ConnectionResetError")
        assert it.server.accounts.get("smppclient1").bound == 0
        assert it.context.unbound == 0
        await elapse(1000)
        assert transport.taken() == []


# What is refused.


@virtually
async def test_connections_beyond_the_limits_are_closed_at_once() -> None:
    async with bench(server={"max_connections": 2, "max_unbound": 1}) as it:
        it.bound()
        _, second = it.connect()
        _, third = it.connect()
        assert third.aborted
        assert not second.is_closing()
        await asyncio.sleep(0)
        assert it.errors("max_connections") == 1
        second.close()
        await asyncio.sleep(0)
        assert (len(it.context.connections), it.context.unbound) == (1, 0)
        it.context.draining = True
        _, fourth = it.connect()
        assert fourth.aborted
        assert it.errors("draining") == 1


@virtually
async def test_binds_are_refused_while_the_server_stops() -> None:
    async with bench() as it:
        connection, transport = it.connect()
        it.context.draining = True
        connection.data_received(request(BIND_TRX, 1, bind_body()))
        assert transport.taken() == [answer(BIND_TRX, 0x0D, 1)]
        await elapse(REFUSAL_LINGER + 0.01)
        assert transport.eof


@virtually
async def test_a_refusal_stands_alone_for_a_moment() -> None:
    """An ESME that reads and handles in different threads must not meet the end before the response."""
    async with bench() as it:
        connection, transport = it.connect()
        connection.data_received(request(BIND_TRX, 1, bind_body(password=b"wrong")))
        assert transport.taken() == [answer(BIND_TRX, 0x0E, 1)]
        await elapse(REFUSAL_LINGER - 0.01)
        assert not transport.eof
        connection.data_received(request(BIND_TRX, 2, bind_body()))
        assert transport.taken() == []
        await elapse(0.02)
        assert transport.eof


def test_whatever_a_session_lets_through_is_served() -> None:
    requests = {
        PDU_CLASSES[command_id]
        for cells in TRANSITIONS.values()
        for side, command_id in cells
        if side is Role.ESME and not command_id & RESP
    }
    events = {Acknowledged, FramingLost, Refused, ResponseReceived}
    assert set(SmscConnection._handlers) | {SubmitSm} == requests | events


# Logs and counters.


@virtually
async def test_one_line_for_what_matters_and_none_for_the_rest() -> None:
    async with bench() as it:
        connection, _ = it.bound(system_type="VMA")
        for number in range(20):
            connection.data_received(request(SUBMIT, number, submit_body(registered=1)))
            connection.data_received(request(ENQUIRE_LINK, number))
        await elapse(1)
        connection.data_received(b"".join(answer(DELIVER, 0, number) for number in range(1, 21)))
        connection.data_received(request(0x999, 1))
        connection.data_received(request(SUBMIT, 1, submit_body()[:20]))
        connection.data_received(request(UNBIND, 99))
        other, _ = it.connect()
        other.data_received(request(BIND_RX, 1, bind_body("hunter2", "secret")))
        lines = [json.loads(line) for line in it.stream.getvalue().splitlines()]
        for line in lines:
            assert line.pop("timestamp")
            line.pop("peer")
        assert lines == [
            {
                "level": "info",
                "event": "bind",
                "session": "1",
                "system_id": "smppclient1",
                "bind_type": "transceiver",
                "interface_version": "0x34",
                "system_type": "VMA",
            },
            {
                "level": "warning",
                "event": "protocol error",
                "kind": "unknown_command",
                "session": "1",
                "command": "0x00000999",
                "status": "ESME_RINVCMDID",
                "field": "",
                "rule": "unknown command_id",
            },
            {
                "level": "warning",
                "event": "protocol error",
                "kind": "malformed",
                "session": "1",
                "command": "submit_sm",
                "status": "ESME_RINVCMDLEN",
                "field": lines[2]["field"],
                "rule": lines[2]["rule"],
            },
            {"level": "info", "event": "unbind", "session": "1", "system_id": "smppclient1", "by": "ESME"},
            {
                "level": "warning",
                "event": "protocol error",
                "kind": "bind_refused",
                "session": "2",
                "system_id": "other",
                "bind_type": "receiver",
                "status": "ESME_RINVSYSID",
            },
        ]
        assert "hunter2" not in it.stream.getvalue(), "a stranger's system_id may be a password"


@virtually
async def test_counters() -> None:
    async with bench() as it:
        counters = it.context.counters
        connection, _ = it.bound()
        batch = [submit_body(registered=1), submit_body(registered=1), submit_body(priority=9)]
        connection.data_received(b"".join(request(SUBMIT, n, body) for n, body in enumerate(batch)))
        await elapse(1)
        connection.data_received(answer(DELIVER, 0, 1) + pdu(NACK, 0, 2) + answer(DELIVER, 0, 99))
        connection.data_received(request(ENQUIRE_LINK) + request(0x999) + request(QUERY, 1, c("77") + bytes(3)))
        refused, _ = it.connect()
        refused.data_received(request(BIND_TX, 1, bind_body(password="x")))
        connection.data_received(request(UNBIND))
        assert dict(counters.pdus_in) == {
            CommandId.BIND_TRANSCEIVER: 1,
            CommandId.BIND_TRANSMITTER: 1,
            CommandId.SUBMIT_SM: 3,
            CommandId.DELIVER_SM_RESP: 2,
            CommandId.GENERIC_NACK: 1,
            CommandId.ENQUIRE_LINK: 1,
            0x999: 1,
            CommandId.QUERY_SM: 1,
            CommandId.UNBIND: 1,
        }
        assert dict(counters.pdus_out) == {
            CommandId.BIND_TRANSCEIVER_RESP: 1,
            CommandId.BIND_TRANSMITTER_RESP: 1,
            CommandId.SUBMIT_SM_RESP: 3,
            CommandId.DELIVER_SM: 2,
            CommandId.ENQUIRE_LINK_RESP: 1,
            CommandId.GENERIC_NACK: 1,
            CommandId.QUERY_SM_RESP: 1,
            CommandId.UNBIND_RESP: 1,
        }
        assert dict(counters.statuses_out) == {
            (CommandId.BIND_TRANSCEIVER_RESP, 0): 1,
            (CommandId.BIND_TRANSMITTER_RESP, 0x0E): 1,
            (CommandId.SUBMIT_SM_RESP, 0): 2,
            (CommandId.SUBMIT_SM_RESP, 0x06): 1,
            (CommandId.ENQUIRE_LINK_RESP, 0): 1,
            (CommandId.GENERIC_NACK, 0x03): 1,
            (CommandId.QUERY_SM_RESP, 0x67): 1,
            (CommandId.UNBIND_RESP, 0): 1,
        }
        assert dict(counters.statuses_in) == {
            (CommandId.DELIVER_SM_RESP, 0): 1,
            (CommandId.GENERIC_NACK, 0): 1,
        }
        assert dict(counters.bind_attempts) == {
            ("smppclient1", "ESME_ROK"): 1,
            ("smppclient1", "ESME_RINVPASWD"): 1,
        }
        assert dict(counters.protocol_errors) == {"unexpected_response": 1, "unknown_command": 1}
        assert sum(counters.submit_response.counts) == 3
        assert sum(counters.receipt_delay.counts) == 2


@virtually
async def test_a_generic_nack_without_an_error_refuses_all_the_same() -> None:
    """It says that the deliver_sm was not understood (quirk Q43): the receipt is tried again, like after RSYSERR."""
    async with bench() as it:
        connection, transport = it.bound()
        connection.data_received(request(SUBMIT, 2, submit_body(registered=1)))
        await elapse(0.1)
        transport.taken()
        connection.data_received(pdu(NACK, 0, 1))
        assert it.server.engine.esmes["smppclient1"].waiting == 1
        await elapse(2)
        assert delivered(transport.taken()[0])[0] == 2


# Mistakes of ours.


def check_contained(it: Bench, transport: FakeTransport, other: Any, other_transport: FakeTransport) -> None:
    assert transport.eof, "the session ends"
    assert it.errors("internal") == 1
    (line,) = it.events("internal error")
    assert (line["session"], line["level"]) == ("1", "error")
    assert "RuntimeError: a mistake of ours" in line["exception"]
    assert "Traceback" in line["exception"]
    other.data_received(request(SUBMIT, 5, submit_body()))
    assert len(field(other_transport.taken()[0], SUBMIT)) == 10


@virtually
async def test_a_failing_engine_ends_the_session_that_asked_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench() as it:
        connection, transport = it.bound()
        other, other_transport = it.bound()
        good = request(SUBMIT, 1, submit_body()) + request(ENQUIRE_LINK, 2)
        with monkeypatch.context() as patch:
            patch.setattr(it.context.engine, "route_of", fail)
            connection.data_received(good + request(DATA, 3, data_body()) + request(ENQUIRE_LINK, 4))
        frames = transport.taken()
        assert len(field(frames[0], SUBMIT)) == 10, "what was answered before still leaves"
        assert frames[1:] == [answer(ENQUIRE_LINK, 0, 2)]
        check_contained(it, transport, other, other_transport)


def data_body() -> bytes:
    return c("") + bytes(2) + c("1") + b"\x01\x01" + c("447700900123") + bytes(3)


@virtually
async def test_a_failure_while_submitting(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench() as it:
        connection, transport = it.bound()
        other, other_transport = it.bound()
        with monkeypatch.context() as patch:
            patch.setattr(it.context.engine, "submit", fail)
            connection.data_received(request(SUBMIT, 3, submit_body()))
        assert transport.taken() == []
        check_contained(it, transport, other, other_transport)


@virtually
async def test_a_failure_in_a_timer() -> None:
    async with bench() as it:
        connection, transport = it.bound()
        connection._look_at_timers = fail
        await elapse(10.1)
        other, other_transport = it.bound()
        check_contained(it, transport, other, other_transport)


@virtually
async def test_a_failure_while_closing_does_not_go_round_in_circles() -> None:
    async with bench() as it:
        connection, _ = it.bound()
        connection._flush = fail
        with pytest.raises(RuntimeError):  # asyncio logs it and drops the connection
            connection.data_received(request(ENQUIRE_LINK))


# Password hashes, verified on real threads.

HASH = str(ScryptHash.create(b"password", b"salt" * 4))
HASHED = [account("hashed", None, password_hash=HASH), account("second", None, password_hash=HASH), account()]


class Gate:
    """Holds verifications until the test lets them go."""

    def __init__(self, live: Live) -> None:
        self.entered = threading.Semaphore(0)
        self.go = threading.Event()
        self.fail = False
        self._verify = live.server.accounts.verify_scrypt
        live.server.accounts.verify_scrypt = self.verify  # type: ignore[method-assign]

    def verify(self, *arguments: Any) -> bool:
        self.entered.release()
        assert self.go.wait(10)
        if self.fail:
            raise BROKEN
        return self._verify(*arguments)


@pytest.fixture
def live(request: pytest.FixtureRequest) -> Iterator[Live]:
    failures = getattr(request, "param", 0)
    with Live(live_settings(account=HASHED), internal_errors=failures) as server:
        yield server


def test_a_hash_is_verified_and_what_is_behind_the_bind_waits(live: Live) -> None:
    gate = Gate(live)
    with live.client() as client, live.client() as other:
        client.send(request(BIND_TX, 1, bind_body("hashed")), request(SUBMIT, 2, submit_body()), request(UNBIND, 3))
        assert gate.entered.acquire(timeout=10)
        client.send(request(BIND_TX, 4, bind_body()), request(SUBMIT, 5, submit_body()))
        other.bind()  # the loop is free meanwhile
        other.lives()
        assert live.call(lambda: live.context.unbound) == 1
        assert live.call(lambda: [c._transport.is_reading() for c in live.context.connections if c._task]) == [False]
        gate.go.set()
        client.expect(bind_resp(BIND_TX, 1))
        field(client.frame(), SUBMIT)
        client.expect(answer(UNBIND, 0, 3), bind_resp(BIND_TX, 4))
        field(client.frame(), SUBMIT)
        client.lives()


def test_a_verified_password_is_known_from_then_on(live: Live) -> None:
    gate = Gate(live)
    gate.go.set()
    with live.client() as client:
        client.bind(system_id="hashed")
    with live.client() as client:
        client.bind(system_id="hashed")
    with live.client() as client:
        client.ask(request(BIND_TX, 1, bind_body("hashed", "wrong")), answer(BIND_TX, 0x0E, 1))
    assert gate.entered.acquire(timeout=10)
    assert not gate.entered.acquire(blocking=False), "one verification served them all"


def test_a_wrong_password_is_refused_and_closed(live: Live) -> None:
    with live.client() as client:
        client.send(request(BIND_TX, 1, bind_body("hashed", "wrong")), request(BIND_TX, 2, bind_body()))
        client.expect(answer(BIND_TX, 0x0E, 1))
        client.ended()


def test_several_hashes_at_once(live: Live) -> None:
    clients = [live.client() for _ in range(8)]
    for number, client in enumerate(clients):
        client.send(request(BIND_TX, 1, bind_body(["hashed", "second"][number % 2])), request(SUBMIT, 2, submit_body()))
    for client in clients:
        client.expect(bind_resp(BIND_TX))
        field(client.frame(), SUBMIT)
        client.socket.close()


@pytest.mark.parametrize("reset", [False, True])
def test_the_peer_leaves_during_the_verification(live: Live, reset: bool) -> None:
    gate = Gate(live)
    client = live.client()
    client.send(request(BIND_TX, 1, bind_body("hashed")))
    assert gate.entered.acquire(timeout=10)
    if reset:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()
    with live.client() as other:
        other.bind()
        other.lives()
    gate.go.set()
    live.until(lambda: not live.context.connections)
    assert live.call(lambda: live.server.accounts.get("hashed").bound) == 0  # type: ignore[union-attr]
    with live.client() as again:
        again.bind(system_id="hashed")


def test_session_init_ends_a_verification_that_takes_too_long() -> None:
    timers = Timers(session_init=0.05)
    with Live(live_settings(account=HASHED, timers=timers)) as live, live.client() as client:
        gate = Gate(live)
        client.send(request(BIND_TX, 1, bind_body("hashed")))
        assert gate.entered.acquire(timeout=10)
        client.ended()
        gate.go.set()
        client.socket.close()
        live.until(lambda: not live.context.connections)
        assert live.errors("close_session_init") == 1
        assert live.server.accounts.get("hashed").bound == 0  # type: ignore[union-attr]


@pytest.mark.parametrize("live", [1], indirect=True)
def test_a_verification_that_fails_ends_the_session(live: Live) -> None:
    gate = Gate(live)
    gate.fail = True
    gate.go.set()
    with live.client() as client:
        client.send(request(BIND_TX, 1, bind_body("hashed")))
        client.ended()
    assert live.events("internal error", session="1")


def test_an_account_that_goes_during_the_verification(live: Live) -> None:
    gate = Gate(live)
    with live.client() as client:
        client.send(request(BIND_TX, 1, bind_body("hashed")))
        assert gate.entered.acquire(timeout=10)
        live.call(lambda: live.server.reload(live_settings(account=[account()])))
        gate.go.set()
        client.expect(answer(BIND_TX, 0x0F, 1))
        client.ended()


def test_the_server_stops_during_the_verification(live: Live) -> None:
    gate = Gate(live)
    with live.client() as client:
        client.send(request(BIND_TX, 1, bind_body("hashed")))
        assert gate.entered.acquire(timeout=10)
        live.run(live.server.stop(grace=0))
        client.ended()
        gate.go.set()
