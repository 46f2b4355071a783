"""One connection: reading, writing, closing, and nothing for ever."""

from __future__ import annotations

import asyncio
import errno

import pytest

from smppd.engine.core import Engine
from smppd.transport.connection import CLOSE_TIMEOUT, WRITE_BUFFER_HIGH, _peer_name
from smppd.transport.smsc import LONG_READ
from tests.transport.support import (
    ENQUIRE_LINK,
    NACK,
    SUBMIT,
    FakeTransport,
    answer,
    bench,
    delivered,
    elapse,
    fail,
    pdu,
    request,
    submit_body,
    virtually,
)

RSYSERR, RTHROTTLED = 0x08, 0x58


# Beginning and end.


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
