"""Faults of octets and PDUs against a whole server: what raw sockets and smpplib see of them."""

from __future__ import annotations

import selectors
import struct
import time
from collections.abc import Callable

import msgspec
import pytest
import smpplib.exceptions

from smppd.passwords import ScryptHash
from smppd.settings import Clock, Timers, faults
from smppd.settings.delays import Fixed
from smppd.settings.faults import Fault
from smppd.settings.rules import Schedule
from tests.interop.conftest import Serve, SmpplibEsme
from tests.transport.support import (
    BIND_TRX,
    ENQUIRE_LINK,
    RESP,
    SUBMIT,
    UNBIND,
    Live,
    Raw,
    account,
    answer,
    bind_body,
    bind_resp,
    request,
    submit_body,
)

Make = Callable[..., SmpplibEsme]

SUBMITS = [request(SUBMIT, number, submit_body()) for number in range(2, 7)]
LINK, LINK_RESP = request(ENQUIRE_LINK, 9), answer(ENQUIRE_LINK, 0, 9)


def hits(smsc: Live, name: str) -> tuple[int, int]:
    return tuple(smsc.call(smsc.server.faults.hits)[name])  # type: ignore[return-value]


def replace(smsc: Live, *given: Fault) -> None:
    """Other faults, by a reload."""
    settings = msgspec.structs.replace(smsc.server.settings, fault=list(given))
    smsc.call(lambda: smsc.server.reload(settings))


def numbers(frames: list[bytes]) -> list[tuple[int, int]]:
    """(command_id, sequence_number)."""
    return [struct.unpack_from(">I4xI", frame, 4) for frame in frames]  # type: ignore[misc]


def segments_received(client: Raw) -> int:
    info = client.socket.getsockopt(6, 11, 256)  # TCP_INFO: tcpi_data_segs_in
    return int.from_bytes(info[152:156], "little")


# Raw sockets.


def test_without_faults_nothing_lies_between(smsc: Live) -> None:
    with smsc.client() as esme:
        esme.bind()
        assert smsc.server.faults.layers == 0


def test_slices(serve: Serve) -> None:
    smsc = serve(fault=[faults.Slice(name="s", size=5)])
    with smsc.client() as esme:
        response = esme.bind()
        assert segments_received(esme) == -(-len(response) // 5)
        esme.send(*SUBMITS)
        assert [number for _, number in numbers(esme.frames(5))] == [2, 3, 4, 5, 6]


def test_slices_of_what_comes_in(serve: Serve) -> None:
    smsc = serve(fault=[faults.Slice(name="s", size=1, direction="in")])
    with smsc.client() as esme:
        esme.send(request(BIND_TRX, 1, bind_body()), *SUBMITS)
        assert [number for _, number in numbers(esme.frames(6))] == [1, 2, 3, 4, 5, 6]


def test_coalesce_sends_in_one_segment(serve: Serve) -> None:
    smsc = serve(fault=[faults.Coalesce(name="c", for_=0.3)])
    with smsc.client() as esme:
        for frame in (request(BIND_TRX, 1, bind_body()), *SUBMITS):
            esme.send(frame)
        assert len(esme.frames(6)) == 6
        assert segments_received(esme) == 1


def test_drip(serve: Serve) -> None:
    smsc = serve(fault=[faults.Drip(name="d", octets=2, interval=0.005)])
    with smsc.client() as esme:
        begin = time.monotonic()
        response = esme.bind()
        assert time.monotonic() - begin >= (len(response) / 2 - 1) * 0.005
        assert segments_received(esme) == -(-len(response) // 2)


def test_latency_holds_up_the_responses_of_one_account_alone(serve: Serve) -> None:
    slow = faults.Latency(name="l", delay=Fixed(value=0.2), account="slow")
    smsc = serve(account=[account("slow"), account("quick")], fault=[slow])
    with smsc.client() as one, smsc.client() as other:
        begin = time.monotonic()
        other.bind(system_id="quick")
        one.send(request(BIND_TRX, 1, bind_body("slow")))
        other.lives()
        one.expect(bind_resp())
        assert time.monotonic() - begin >= 0.2
        assert smsc.until(lambda: smsc.server.faults.layers == 1)


def test_fin_without_an_unbind(serve: Serve) -> None:
    smsc = serve(fault=[faults.Fin(name="f", command="submit_sm_resp", after=2)])
    with smsc.client() as esme:
        esme.bind()
        esme.send(*SUBMITS)
        assert [number for _, number in numbers(esme.frames(2))] == [2, 3]
        with pytest.raises(EOFError):
            esme.frame()
        smsc.until(lambda: not smsc.server.session_counts())
    assert hits(smsc, "f") == (3, 1)


def test_reset_in_the_middle_of_a_pdu(serve: Serve) -> None:
    smsc = serve(fault=[faults.ResetInsidePdu(name="r", command="enquire_link_resp")])
    with smsc.client() as esme:
        esme.bind()
        esme.send(LINK)
        assert esme.read(8) == LINK_RESP[:8]
        with pytest.raises(ConnectionResetError):
            esme.read(1)
        smsc.until(lambda: not smsc.server.session_counts())


def test_reset(serve: Serve) -> None:
    smsc = serve(fault=[faults.Reset(name="r", account="smppclient1", after=1)])
    with smsc.client() as esme:
        esme.bind()
        esme.send(LINK)
        with pytest.raises(ConnectionResetError):
            esme.frame()


def test_banner(serve: Serve) -> None:
    smsc = serve(fault=[faults.Banner(name="b")])
    with smsc.client() as esme:
        assert esme.read(2) == b"\r\n"
        esme.bind()


def test_silence_until_session_init_ends(serve: Serve) -> None:
    timers = Timers(session_init=0.2, enquire_link=0, inactivity=0, response=0)
    smsc = serve(fault=[faults.Silence(name="s", count=1)], timers=timers)
    with smsc.client() as esme:
        esme.send(request(BIND_TRX, 1, bind_body()))
        esme.ended()
    with smsc.client() as esme:
        esme.bind()


def test_stop_reading(serve: Serve) -> None:
    timers = Timers(session_init=0, enquire_link=0, inactivity=0, response=0)
    smsc = serve(fault=[faults.StopReading(name="s", direction="in", command="enquire_link")], timers=timers)
    with smsc.client() as esme:
        esme.bind()
        esme.ask(LINK, LINK_RESP)
        esme.socket.setblocking(False)
        sent = 0
        with selectors.DefaultSelector() as selector:
            selector.register(esme.socket, selectors.EVENT_WRITE)
            while selector.select(0.2):
                sent += esme.socket.send(SUBMITS[0] * 1000)
        assert sent > 0
        received = smsc.server.counters.pdus_in[SUBMIT]
        assert received == 0
        replace(smsc)
        smsc.until(lambda: smsc.server.counters.pdus_in[SUBMIT] > 0)


def test_stop_writing_serves_on_without_a_word(serve: Serve) -> None:
    smsc = serve(fault=[faults.StopWriting(name="s", command="submit_sm_resp")])
    with smsc.client() as esme:
        esme.bind()
        esme.send(*SUBMITS)
        smsc.until(lambda: smsc.server.counters.pdus_in[SUBMIT] == 5)
        replace(smsc)
        esme.lives()


def test_slow_close(serve: Serve) -> None:
    smsc = serve(fault=[faults.SlowClose(name="s", for_=1.5)])
    with smsc.client() as esme:
        esme.bind()
        esme.ask(request(UNBIND, 2), answer(UNBIND, 0, 2))
        begin = time.monotonic()
        esme.ended()
        assert time.monotonic() - begin > 1.4


def test_a_pdu_for_each_kind_of_damage(serve: Serve) -> None:
    """The sessions that go on do, and the octets are what was asked for."""
    smsc = serve(fault=[faults.WrongSequence(name="s", add=100, command="enquire_link_resp")])
    with smsc.client() as esme:
        esme.bind()
        esme.ask(LINK, answer(ENQUIRE_LINK, 0, 109))
        for fault, expected in (
            (faults.CommandLength(name="f", add=4), struct.pack(">I", 20) + LINK_RESP[4:]),
            (faults.UnknownCommand(name="f"), LINK_RESP[:4] + b"\0\0\0\xfe" + LINK_RESP[8:]),
            (faults.Duplicate(name="f"), LINK_RESP * 2),
            (faults.Nack(name="f", status="ESME_RTHROTTLED"), struct.pack(">IIII", 16, RESP, 0x58, 9)),
            (faults.UnknownTlv(name="f", value="ff"), struct.pack(">I", 21) + LINK_RESP[4:] + b"\x14\x03\0\1\xff"),
        ):
            replace(smsc, fault)
            esme.send(LINK)
            assert esme.read(len(expected)) == expected


def test_withhold_and_reorder(serve: Serve) -> None:
    smsc = serve(
        fault=[
            faults.Withhold(name="w", command="submit_sm_resp", every=2),
            faults.Reorder(name="r", command="submit_sm_resp", for_=60.0),
        ]
    )
    with smsc.client() as esme:
        esme.bind()
        esme.send(*SUBMITS)
        assert [number for _, number in numbers(esme.frames(2))] == [4, 2]
        esme.send(LINK)
        assert numbers(esme.frames(2)) == [(ENQUIRE_LINK | RESP, 9), (SUBMIT | RESP, 6)]


def test_reorder_waits_on_the_clock_of_the_engine(serve: Serve) -> None:
    reorder = faults.Reorder(name="r", command="enquire_link_resp", for_=3600.0)
    smsc = serve(fault=[reorder], clock=Clock(mode="virtual"))
    with smsc.client() as esme:
        esme.bind()
        esme.send(LINK)
        smsc.until(lambda: smsc.server.faults.hits()["r"].fired)
        smsc.run(smsc.server.advance(3599.0))
        replace(smsc, reorder, faults.Slice(name="other", command="alert_notification"))
        smsc.run(smsc.server.advance(2.0))
        esme.expect(LINK_RESP)


def test_a_schedule_on_the_clock_of_the_engine(serve: Serve) -> None:
    schedule = Schedule(start=60.0, for_=10.0, every=3600.0)
    withhold = faults.Withhold(name="w", command="enquire_link_resp", schedule=schedule)
    smsc = serve(fault=[withhold], clock=Clock(mode="virtual"))
    with smsc.client() as esme:
        esme.bind()
        esme.ask(LINK, LINK_RESP)
        smsc.run(smsc.server.advance(65.0))
        esme.send(LINK)
        smsc.until(lambda: smsc.server.faults.hits()["w"].fired == 1)
        smsc.run(smsc.server.advance(10.0))
        esme.ask(request(ENQUIRE_LINK, 10), answer(ENQUIRE_LINK, 0, 10))


def test_faults_come_and_go_while_a_session_stands(smsc: Live) -> None:
    with smsc.client() as esme:
        esme.bind()
        esme.send(LINK[:7])
        smsc.until(lambda: any(connection.beginning for connection in smsc.context.connections))
        replace(smsc, faults.Duplicate(name="d"), faults.WrongSequence(name="s", value=77, direction="in"))
        assert smsc.server.faults.layers == 1
        esme.send(LINK[7:] + LINK)
        twisted = answer(ENQUIRE_LINK, 0, 77)
        esme.expect(LINK_RESP, LINK_RESP, twisted, twisted)
        replace(smsc)
        esme.ask(LINK, LINK_RESP)
        smsc.until(lambda: smsc.server.faults.layers == 0)
        esme.ask(LINK, LINK_RESP)


def test_faults_of_the_account_reach_what_is_pipelined_behind_the_bind(serve: Serve) -> None:
    withhold = faults.Withhold(name="w", account="smppclient1", direction="in", command="submit_sm", count=2)
    smsc = serve(fault=[withhold])
    with smsc.client() as esme:
        esme.send(request(BIND_TRX, 1, bind_body()) + b"".join(SUBMITS) + LINK)
        assert numbers(esme.frames(5)) == [
            (BIND_TRX | RESP, 1),
            *[(SUBMIT | RESP, number) for number in (4, 5, 6)],
            (ENQUIRE_LINK | RESP, 9),
        ]


def test_a_password_that_takes_its_time_changes_nothing_about_that(serve: Serve) -> None:
    hashed = account("smppclient1", None, password_hash=str(ScryptHash.create(b"password", b"salt" * 4)))
    withhold = faults.Withhold(name="w", account="smppclient1", direction="in", command="submit_sm", count=2)
    smsc = serve(fault=[withhold], account=[hashed])
    with smsc.client() as esme:
        esme.send(request(BIND_TRX, 1, bind_body()) + b"".join(SUBMITS))
        assert [number for _, number in numbers(esme.frames(4))] == [1, 4, 5, 6]


def test_the_end_of_the_server_does_not_wait_for_a_drip(serve: Serve) -> None:
    smsc = serve(fault=[faults.Drip(name="d", interval=3600.0), faults.SlowClose(name="s", for_=3600.0)])
    with smsc.client() as esme:
        esme.send(request(BIND_TRX, 1, bind_body()))
        smsc.until(smsc.server.session_counts)
        begin = time.monotonic()
        smsc.run(smsc.server.stop())
        assert time.monotonic() - begin < 2.0
    assert smsc.server.faults.layers == 0


# smpplib.


@pytest.mark.parametrize(
    "fault",
    [
        faults.Slice(name="x", size=1),
        faults.Slice(name="x", size=7, direction="in"),
        faults.Coalesce(name="x", for_=0.02),
        faults.Drip(name="x", octets=7, interval=0.002),
        faults.Bandwidth(name="x", octets_per_second=20_000.0),
        faults.Latency(name="x", delay=Fixed(value=0.02)),
        faults.Stall(name="x", for_=0.05),
        faults.UnknownTlv(name="x", command=["submit_sm_resp", "deliver_sm"]),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.direction}",
)
def test_smpplib_survives(serve: Serve, smpplib_esme: Make, fault: Fault) -> None:
    smsc = serve(fault=[fault])
    esme = smpplib_esme(smsc)
    esme.bind()
    ids = [esme.submitted(b"Hello %d" % number) for number in range(3)]
    esme.until(lambda: len(esme.receipts) == 3)
    assert sorted(esme.receipted) == sorted(ids)
    assert hits(smsc, "x")[1] > 0


@pytest.mark.parametrize("kind", [faults.Fin, faults.Reset, faults.ResetInsidePdu], ids=lambda kind: kind.__name__)
def test_smpplib_loses_the_connection(serve: Serve, smpplib_esme: Make, kind: type[Fault]) -> None:
    smsc = serve(fault=[kind(name="x", command="submit_sm_resp", count=1)])  # type: ignore[call-arg]
    esme = smpplib_esme(smsc)
    esme.bind()
    esme.submit()
    with pytest.raises((smpplib.exceptions.ConnectionError, OSError)):
        esme.until(lambda: bool(esme.responses))
    again = smpplib_esme(smsc)
    again.bind()
    assert again.submitted()


def test_smpplib_takes_a_banner_for_a_pdu(serve: Serve, smpplib_esme: Make) -> None:
    """Quirk Q63 was reported against it: two octets before the first PDU make its length nonsense."""
    smsc = serve(fault=[faults.Banner(name="b")])
    esme = smpplib_esme(smsc, timeout=0.5)
    with pytest.raises((smpplib.exceptions.PDUError, smpplib.exceptions.ConnectionError, OSError)):
        esme.bind()


def test_smpplib_waits_in_vain_for_one_that_does_not_read(serve: Serve, smpplib_esme: Make) -> None:
    smsc = serve(fault=[faults.StopReading(name="s", command="bind_transceiver_resp")])
    esme = smpplib_esme(smsc, timeout=0.3)
    esme.bind()
    esme.submit()
    with pytest.raises((smpplib.exceptions.ConnectionError, OSError)):
        esme.until(lambda: bool(esme.responses))
