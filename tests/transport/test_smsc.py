"""The SMSC side of a connection, on fake transports and time that needs no waiting; password hashes on real threads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smppd.transport.smsc import SmscConnection
from smppwire.constants import CommandId
from smppwire.pdus import PDU_CLASSES, SubmitSm
from smppwire.session import TRANSITIONS, Acknowledged, FramingLost, Refused, ResponseReceived, Role
from tests.transport.support import (
    BIND_RX,
    BIND_TX,
    DATA,
    DELIVER,
    ENQUIRE_LINK,
    NACK,
    QUERY,
    RESP,
    SUBMIT,
    UNBIND,
    Bench,
    FakeTransport,
    account,
    answer,
    bench,
    bind_body,
    c,
    delivered,
    elapse,
    fail,
    field,
    pdu,
    request,
    submit_body,
    virtually,
)

RSYSERR, RTHROTTLED = 0x08, 0x58


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
