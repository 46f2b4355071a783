"""Faults of receipts, sessions and load at work in a whole server: octets, gauges, other sessions, reloads."""

from __future__ import annotations

import struct
from typing import Any

import msgspec
import pytest

from smppd.observe.metrics import Exposition, SmppdCollector
from smppd.passwords import ScryptHash
from smppd.settings import Clock, Timers, faults, load_settings
from smppd.settings.delays import Fixed
from smppd.settings.faults import Fault
from smppd.settings.rules import Schedule
from tests.transport.support import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    DELIVER,
    ENQUIRE_LINK,
    OFF,
    RESP,
    SUBMIT,
    UNBIND,
    Live,
    account,
    answer,
    bench,
    bind_body,
    delivered,
    elapse,
    field,
    live_settings,
    request,
    split_frames,
    submit_body,
    tlv,
    virtually,
)

RBINDFAIL, RALYBND, RTHROTTLED, RSYSERR = 0x0D, 0x05, 0x58, 0x08
SUBMITS = [request(SUBMIT, number, submit_body(registered=1)) for number in range(2, 6)]


def live(*given: Fault, **tables: Any) -> Live:
    return Live(live_settings(fault=list(given), timers=OFF, **tables))


def commands(frames: list[bytes]) -> list[int]:
    return [struct.unpack_from(">I", frame, 4)[0] for frame in frames]


def replace(smsc: Live, *given: Fault) -> None:
    """Other faults, by a reload."""
    settings = msgspec.structs.replace(smsc.server.settings, fault=list(given))
    smsc.call(lambda: smsc.server.reload(settings))


def at_rest(smsc: Live) -> None:
    """Every gauge falls back to 0."""
    engine = smsc.server.engine
    smsc.until(lambda: not (engine.ledger.live or engine.in_flight or any(e.waiting for e in engine.esmes.values())))


# Binds.


def test_a_bind_is_refused_n_times_and_then_accepted() -> None:
    with live(faults.RefuseBind(name="r", count=2), account=[account(), account("other")]) as smsc:
        for _ in range(2):
            with smsc.client() as esme:
                esme.ask(request(BIND_TRX, 1, bind_body()), answer(BIND_TRX, RBINDFAIL, 1))
                esme.ended()
        with smsc.client() as esme, smsc.client() as stranger:
            esme.bind()
            stranger.ask(request(BIND_TRX, 1, bind_body(password="wrong")), answer(BIND_TRX, 0x0E, 1))
        assert smsc.server.counters.bind_attempts["smppclient1", "ESME_RBINDFAIL"] == 2


def test_a_wrong_password_is_no_occasion() -> None:
    with live(faults.RefuseBind(name="r", count=1)) as smsc:
        with smsc.client() as esme:
            esme.ask(request(BIND_TRX, 1, bind_body(password="wrong")), answer(BIND_TRX, 0x0E, 1))
        with smsc.client() as esme:
            esme.ask(request(BIND_TRX, 1, bind_body()), answer(BIND_TRX, RBINDFAIL, 1))


def test_a_hashed_password_is_verified_first() -> None:
    hashed = account("smppclient1", None, password_hash=str(ScryptHash.create(b"password", b"salt" * 4)))
    slow = faults.SlowBind(name="s", delay=Fixed(value=0.02))
    with live(faults.RefuseBind(name="r", count=1), slow, account=[hashed]) as smsc:
        for status in (RBINDFAIL, 0):
            with smsc.client() as esme:
                esme.send(request(BIND_TRX, 1, bind_body()), *SUBMITS)
                assert struct.unpack_from(">II", esme.frame(), 4) == (BIND_TRX | RESP, status)
                if not status:
                    assert commands(esme.frames(4)).count(SUBMIT | RESP) >= 1


@virtually
async def test_a_slow_bind_outlasts_session_init_and_what_is_behind_it_waits() -> None:
    slow = faults.SlowBind(name="s", delay=Fixed(value=3600.0), account="smppclient1")
    timers = Timers(session_init=5, enquire_link=30, inactivity=0, response=10)
    async with bench(fault=[slow], timers=timers, account=[account(), account("other")]) as it:
        connection, transport = it.connect()
        connection.data_received(request(BIND_TRX, 1, bind_body()) + SUBMITS[0])
        assert not transport.reading
        it.bound(system_id="other")
        await elapse(3599.0)
        assert (transport.taken(), it.server.session_counts()) == ([], {})
        await elapse(1.5)
        assert commands(transport.taken()) == [BIND_TRX | RESP, SUBMIT | RESP, DELIVER]
        assert transport.reading


def test_a_slow_bind_takes_the_engines_time() -> None:
    slow = faults.SlowBind(name="s", delay=Fixed(value=3600.0))
    with live(slow, clock=Clock(mode="virtual")) as smsc, smsc.client() as esme:
        esme.send(request(BIND_TRX, 1, bind_body()) + SUBMITS[0])
        smsc.until(lambda: smsc.server.faults.hits()["s"].fired)
        assert smsc.call(smsc.server.session_counts) == {}
        smsc.run(smsc.server.advance(3600.0))
        assert commands(esme.frames(2)) == [BIND_TRX | RESP, SUBMIT | RESP]


def test_slow_binds_end_with_their_connections_with_their_fault_and_with_the_server() -> None:
    slow = faults.SlowBind(name="s", delay=Fixed(value=3600.0))
    with live(slow) as smsc, smsc.client() as esme:
        with smsc.client() as gone:
            gone.send(request(BIND_TRX, 1, bind_body()))
            smsc.until(lambda: smsc.server.faults.hits()["s"].fired == 1)
        esme.send(request(BIND_TRX, 1, bind_body()))
        smsc.until(lambda: smsc.server.faults.hits()["s"].fired == 2)
        replace(smsc)
        assert commands([esme.frame()]) == [BIND_TRX | RESP]
        smsc.until(lambda: len(smsc.context.connections) == 1)
        replace(smsc, slow)
        with smsc.client() as last:
            last.send(request(BIND_TRX, 1, bind_body()))
            smsc.until(lambda: smsc.server.faults.hits()["s"].fired == 1)


def test_two_slow_binds_do_not_outwit_a_limit() -> None:
    given = (faults.SlowBind(name="s", delay=Fixed(value=60.0)), faults.SessionLimit(name="l", limit=1))
    with live(*given, clock=Clock(mode="virtual")) as smsc, smsc.client() as one, smsc.client() as two:
        for esme in (one, two):
            esme.send(request(BIND_TRX, 1, bind_body()))
        smsc.until(lambda: smsc.server.faults.hits()["s"].fired == 2)
        smsc.run(smsc.server.advance(60.0))
        statuses = sorted(struct.unpack_from(">I", esme.frame(), 8)[0] for esme in (one, two))
        assert statuses == [0, RALYBND]


def test_a_session_limit_counts_the_binds_of_one_account() -> None:
    limit = faults.SessionLimit(name="l", limit=1, account="smppclient1")
    with live(limit, account=[account(), account("other")]) as smsc, smsc.client() as one, smsc.client() as two:
        one.bind()
        two.ask(request(BIND_RX, 1, bind_body()), answer(BIND_RX, RALYBND, 1))
        with smsc.client() as three, smsc.client() as four:
            three.bind(system_id="other")
            four.bind(system_id="other")
        one.lives()


# Sessions.


def test_an_account_is_disabled_for_a_while() -> None:
    disable = faults.DisableAccount(name="d", account="smppclient1", schedule=Schedule(start=60, for_=60))
    accounts = [account(), account("other")]
    with live(disable, account=accounts, clock=Clock(mode="virtual")) as smsc, smsc.client() as esme:
        esme.bind()
        with smsc.client() as other:
            other.bind(system_id="other")
            smsc.run(smsc.server.advance(61.0))
            esme.expect(request(UNBIND, 1))
            esme.send(answer(UNBIND, 0, 1))
            esme.ended()
            with smsc.client() as refused:
                refused.ask(request(BIND_TRX, 1, bind_body()), answer(BIND_TRX, RBINDFAIL, 1))
            other.lives()
        smsc.run(smsc.server.advance(60.0))
        with smsc.client() as again:
            again.bind()


def test_unbind_out_of_the_blue() -> None:
    unbind = faults.Unbind(name="u", session=1, schedule=Schedule(start=5, since="session"))
    with live(unbind, clock=Clock(mode="virtual")) as smsc, smsc.client() as esme, smsc.client() as other:
        esme.bind()
        other.bind()
        esme.send(SUBMITS[0])
        assert commands(esme.frames(2)) == [SUBMIT | RESP, DELIVER]
        smsc.run(smsc.server.advance(6.0))
        esme.expect(request(UNBIND, 2))
        esme.send(answer(UNBIND, 0, 2))
        esme.ended()
        # What was not acknowledged goes to the session that is left.
        assert delivered(other.frame())[1] == 4
        other.send(answer(DELIVER, 0, 1, b"\0"))
        at_rest(smsc)


def test_unanswered_enquire_links_keep_nothing_waiting() -> None:
    with live(faults.IgnoreEnquireLink(name="i", count=2), account=[account(window=1)]) as smsc, smsc.client() as esme:
        esme.send(request(ENQUIRE_LINK, 7))
        smsc.until(lambda: smsc.server.faults.hits()["i"].fired == 1)
        esme.bind()
        esme.send(request(ENQUIRE_LINK, 8))
        esme.send(SUBMITS[0])
        assert commands([esme.frame()]) == [SUBMIT | RESP]
        assert delivered(esme.frame())[1] == 4
        esme.lives()


def test_an_enquire_link_before_the_bind_is_answered_or_not() -> None:
    with live(faults.EnquireLinkBeforeBind(name="e")) as smsc, smsc.client() as esme, smsc.client() as silent:
        esme.expect(request(ENQUIRE_LINK, 1))
        esme.send(answer(ENQUIRE_LINK, 0, 1))
        esme.bind()
        silent.expect(request(ENQUIRE_LINK, 1))
        silent.bind()
        silent.lives()


@virtually
async def test_enquire_links_go_on_until_the_session_ends() -> None:
    async with bench(fault=[faults.EnquireLinkInterval(name="e")], timers=OFF) as it:
        connection, transport = it.bound()
        for number in range(1, 4):
            await elapse(0.5)
            assert transport.taken() == [request(ENQUIRE_LINK, number)]
            connection.data_received(answer(ENQUIRE_LINK, 0, number))
        connection.data_received(request(UNBIND, 9))
        await elapse(0.5)
        assert transport.taken() == [answer(UNBIND, 0, 9)]
        assert it.server.faults.hits()["e"].fired == 3


def test_a_transmitter_gets_no_message_with_the_response() -> None:
    with live(faults.MoWithBindResponse(name="m")) as smsc, smsc.client() as esme, smsc.client() as receiver:
        esme.bind(BIND_TX)
        esme.lives()
        receiver.bind(BIND_RX)
        assert delivered(receiver.frame())[2] == b"hello"
        receiver.send(answer(DELIVER, 0, 1, b"\0"))
        at_rest(smsc)


def test_a_lost_connection_leaves_a_stale_session_and_an_unbind_does_not() -> None:
    with live(faults.StaleSession(name="s")) as smsc:
        with smsc.client() as esme:
            esme.bind()
            esme.ask(request(UNBIND, 2), answer(UNBIND, 0, 2))
        smsc.until(lambda: not smsc.context.connections)
        with smsc.client() as esme:
            esme.bind()
        smsc.until(lambda: not smsc.server.session_counts())
        with smsc.client() as esme:
            esme.ask(request(BIND_TRX, 1, bind_body()), answer(BIND_TRX, RALYBND, 1))
        replace(smsc)
        with smsc.client() as esme:
            esme.bind()


# Load.


def test_throttling_of_one_account_and_a_route_that_is_down() -> None:
    given = (
        faults.Throttle(name="t", account="smppclient1", every=2),
        faults.RouteDown(name="d", route="default", account="other"),
    )
    with live(*given, account=[account(), account("other")]) as smsc, smsc.client() as esme, smsc.client() as other:
        esme.bind(BIND_TX)
        other.bind(BIND_TX, system_id="other")
        esme.send(*SUBMITS)
        assert [struct.unpack_from(">I", frame, 8)[0] for frame in esme.frames(4)] == [0, RTHROTTLED] * 2
        other.ask(SUBMITS[0], answer(SUBMIT, RSYSERR, 2))
        assert smsc.server.counters.throttled_by_scope == {("smppclient1", "fault"): 2, ("other", "fault"): 1}


def test_congestion_state_is_told_to_sessions_of_5_0_alone() -> None:
    with Live(
        live_settings(server={"interface_version": "5.0"}, fault=[faults.Congestion(name="c", value=97)])
    ) as smsc:
        with smsc.client() as new, smsc.client() as old:
            new.bind(version=0x50)
            old.bind()
            new.send(SUBMITS[0])
            old.send(SUBMITS[0])
            assert new.frame()[16:].endswith(tlv(0x0428, b"\x61"))
            assert field(old.frame(), SUBMIT)
        assert smsc.server.faults.hits()["c"].fired == 1


@virtually
async def test_a_window_that_overflows_ends_the_session_once() -> None:
    accounts = [account(window=1, window_over="close")]
    async with bench(fault=[faults.Congestion(name="c")], account=accounts) as it:
        connection, transport = it.bound()
        connection._session.inbound_outstanding = 1
        connection.data_received(b"".join(SUBMITS))
        assert transport.taken() == [request(UNBIND, 1)]
        assert it.errors("window_overflow") == 1


# Receipts.


@pytest.mark.parametrize("cuts", [(), (1,), (3, 40, 41, 90), tuple(range(0, 400, 7))])
def test_early_receipts_however_the_stream_is_cut(cuts: tuple[int, ...]) -> None:
    @virtually
    async def scenario() -> None:
        async with bench(fault=[faults.ReceiptBeforeResponse(name="e", every=2)]) as it:
            connection, transport = it.bound()
            octets = b"".join(SUBMITS)
            begin = 0
            for end in (*cuts, len(octets)):
                if begin < end <= len(octets):
                    connection.data_received(octets[begin:end])
                    begin = end
            await elapse(1.0)
            frames = transport.taken()
            early, late = commands(frames)[:6], commands(frames)[6:]
            assert early == [SUBMIT | RESP, DELIVER, SUBMIT | RESP] * 2
            assert late == [DELIVER] * 2
            for number in range(1, 5):
                connection.data_received(answer(DELIVER, 0, number, b"\0"))
            engine = it.server.engine
            assert (engine.ledger.live, engine.esmes["smppclient1"].waiting) == (0, 0)

    scenario()


def test_an_early_receipt_in_a_dialect_with_responses_of_its_own() -> None:
    settings = load_settings(None, {}, ['account.0.dialect="x"', "dialect.x.session.own_response_numbers=true"])
    early = faults.ReceiptBeforeResponse(name="e", every=2)
    tables = {"account": settings.account, "dialect": settings.dialect}
    with live(early, **tables) as smsc, smsc.client() as esme:
        esme.bind()
        esme.send(*SUBMITS)
        assert commands(esme.frames(6)) == [SUBMIT | RESP, DELIVER, SUBMIT | RESP] * 2


def test_two_runs_with_one_seed_are_the_same_octet_for_octet() -> None:
    def run(seed: int) -> bytes:
        given: list[Fault] = [
            faults.ReceiptBeforeResponse(name="a", probability=0.3),
            faults.ReceiptLost(name="b", probability=0.2),
            faults.ReceiptDuplicate(name="c", probability=0.3),
            faults.ReceiptUnknownId(name="d", probability=0.3),
            faults.Throttle(name="e", probability=0.3),
            faults.ReceiptReorder(name="f", probability=0.3),
        ]
        octets = bytearray()

        @virtually
        async def scenario() -> None:
            async with bench(fault=given, server={"seed": seed}) as it:
                connection, transport = it.bound()
                for number in range(2, 60):
                    connection.data_received(request(SUBMIT, number, submit_body(registered=1)))
                    await elapse(0.5)
                await elapse(10.0)
                octets.extend(transport.written)

        scenario()
        return bytes(octets)

    first = run(1)
    assert len(split_frames(first)) > 60
    assert run(1) == first
    assert run(2) != first


# Changes while running.


def test_faults_come_and_go_by_a_reload() -> None:
    with live() as smsc, smsc.client() as esme:
        esme.bind(BIND_TX)
        assert smsc.context.session_faults is None
        esme.send(SUBMITS[0])
        assert field(esme.frame(), SUBMIT)
        throttle = faults.Throttle(name="t")
        replace(smsc, throttle, faults.ReceiptLost(name="l", account="nobody"))
        esme.ask(SUBMITS[1], answer(SUBMIT, RTHROTTLED, 3))
        replace(smsc, throttle)
        esme.ask(SUBMITS[2], answer(SUBMIT, RTHROTTLED, 4))
        assert smsc.server.faults.totals() == {"t": 2}
        replace(smsc)
        esme.send(SUBMITS[3])
        assert field(esme.frame(), SUBMIT)
        assert smsc.server.faults.totals() == {"t": 2}


def test_a_fault_on_one_session_never_touches_another() -> None:
    given = [
        faults.ReceiptStorm(name="a", session=1),
        faults.IgnoreEnquireLink(name="b", session=1),
        faults.Throttle(name="c", session=1, after=1),
        faults.Disconnect(name="d", session=1, schedule=Schedule(start=60)),
    ]
    with live(*given, clock=Clock(mode="virtual")) as smsc, smsc.client() as victim, smsc.client() as other:
        victim.bind()
        other.bind()
        for esme in (victim, other):
            esme.send(*SUBMITS[:2])
        assert [struct.unpack_from(">I", frame, 8)[0] for frame in victim.frames(2)] == [0, RTHROTTLED]
        assert commands(other.frames(4)) == [SUBMIT | RESP] * 2 + [DELIVER] * 2
        other.lives()
        smsc.run(smsc.server.advance(61.0))
        victim.ended()
        other.send(answer(DELIVER, 0, 1, b"\0"), answer(DELIVER, 0, 2, b"\0"))
        other.lives()
        # What the storm held for the session that is gone waits for the account to bind again.
        with smsc.client() as again:
            again.bind()
            # It may leave by any of its sessions; the older one comes first.
            assert delivered(other.frame())[1] == 4
            other.send(answer(DELIVER, 0, 3, b"\0"))
            at_rest(smsc)


def test_hits_are_counted_for_metrics() -> None:
    with (
        live(faults.Throttle(name="burst", count=3), faults.ReceiptLost(name="never", account="nobody")) as smsc,
        smsc.client() as esme,
    ):
        esme.bind(BIND_TX)
        esme.send(*SUBMITS)
        esme.frames(4)
        server = smsc.server
        collector = SmppdCollector(server.counters, server._sources(), "1")
        page = smsc.call(lambda: b"".join(Exposition(collector).page()[0])).decode()
        lines = [line for line in page.splitlines() if line.startswith("smppd_fault_hits_total")]
        assert lines == ['smppd_fault_hits_total{fault="burst"} 3.0']
