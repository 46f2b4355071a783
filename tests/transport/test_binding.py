"""Binds and unbinds, what is refused, and the timers of a session."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from smppd.passwords import ScryptHash
from smppd.settings import Timers
from smppd.transport.binding import LINGER, REFUSAL_LINGER, negotiate
from smppd.transport.connection import CLOSE_TIMEOUT
from tests.transport.support import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    BROKEN,
    DELIVER,
    ENQUIRE_LINK,
    OFF,
    SUBMIT,
    UNBIND,
    Live,
    account,
    answer,
    bench,
    bind_body,
    bind_resp,
    delivered,
    elapse,
    field,
    live_settings,
    request,
    submit_body,
    virtually,
)

RSYSERR, RTHROTTLED = 0x08, 0x58


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
