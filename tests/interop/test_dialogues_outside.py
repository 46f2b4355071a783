"""Whole dialogues, octet for octet: outbind, cell broadcast, and a day that passes when told.

What goes over the wire is written out here, with no codec of ours in between. The clock is a virtual one, so that every
date is known.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from smppd.settings import Clock, Delay, Network, Settings, Timers
from tests.transport.support import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    DELIVER,
    ENQUIRE_LINK,
    NACK,
    OUTBIND,
    PATIENCE,
    QUERY,
    SUBMIT,
    UNBIND,
    Live,
    Raw,
    account,
    answer,
    bind_body,
    bind_resp,
    c,
    live_settings,
    pdu,
    request,
    submit_body,
    tlv,
)

BROADCAST, QUERY_BROADCAST, CANCEL_BROADCAST = 0x111, 0x112, 0x113
AREA, CONTENT, REPETITIONS, INTERVAL, ERROR, SUCCESS, END = 0x0606, 0x0601, 0x0604, 0x0605, 0x0607, 0x0608, 0x0609
STATE, REFERENCE, PAYLOAD, RECEIPTED = 0x0427, 0x0204, 0x0424, 0x001E

RINVCMDID, RINVBNDSTS, RINVMSGID = 0x03, 0x04, 0x0C
RMISSINGOPTPARAM, RINVBCASTFREQINT, RINVBCASTAREAFMT, RINVNUMBCAST_AREAS = 0xC3, 0x107, 0x109, 0x10A
RINVBCASTCNTTYPE, RBCASTFAIL, RBCASTQUERYFAIL, RBCASTCANCELFAIL = 0x10B, 0x10D, 0x10E, 0x10F

CONGESTION_STATE = 0x0428
IDS = [b"%d" % number for number in range(1_000_000_000, 1_000_000_010)]


def settings(**tables: Any) -> Settings:
    slow = {"default": Network(delay=Delay(distribution="fixed", value=30.0))}
    return live_settings(
        clock=Clock(mode="virtual", start="2026-03-01T00:00:00Z"),
        timers=Timers(session_init=0, enquire_link=0, inactivity=0, response=0),
        **{"network": slow, **tables},
    )


@pytest.fixture
def live() -> Iterator[Live]:
    with Live(settings(server={"interface_version": "5.0"})) as server:
        yield server


@pytest.fixture
def esme(live: Live) -> Iterator[Raw]:
    """A transmitter that speaks 5.0."""
    with live.client() as client:
        client.ask(request(BIND_TX, 1, bind_body(version=0x50)), bind_resp(BIND_TX, 1, 0x50))
        yield client


def receipt(sequence: int, message_id: bytes, state: bytes, done: bytes, code: int) -> bytes:
    """The deliver_sm that reports a message of this dialogue."""
    text = b"id:%b sub:001 dlvrd:%b submit date:2603010000 done date:%b stat:%b err:000 text:Hello" % (
        message_id,
        b"001" if state == b"DELIVRD" else b"000",
        done,
        state,
    )
    body = (
        c("") + b"\x01\x01" + c("447700900123") + b"\x05\x00" + c("smppd")
        + b"\x04\x00\x00" + c("") + c("") + b"\x00\x00\x00\x00" + bytes((len(text),)) + text
        + tlv(RECEIPTED, c(message_id)) + tlv(STATE, bytes((code,)))
    )  # fmt: skip
    return request(DELIVER, sequence, body)


# A day that passes when told.


def test_a_day_passes(live: Live) -> None:
    with live.client() as client:
        client.ask(request(BIND_TRX, 1, bind_body()), bind_resp(version=0x50))
        for sequence, validity in ((2, b""), (3, b"000000000020000R")):
            body = submit_body(registered=1, validity=validity)
            client.ask(request(SUBMIT, sequence, body), answer(SUBMIT, 0, sequence, c(IDS[sequence - 2])))
        ask = c(IDS[1]) + b"\x05\x00" + c("smppd")
        client.ask(request(QUERY, 4, ask), answer(QUERY, 0, 4, c(IDS[1]) + c("") + b"\x01\x00"))
        live.run(live.server.advance(86_400.0))
        client.expect(
            receipt(1, IDS[1], b"EXPIRED", b"2603010000", 3), receipt(2, IDS[0], b"DELIVRD", b"2603010000", 2)
        )
        final = c(IDS[1]) + c("260301000020000+") + b"\x03\x00"
        client.send(answer(DELIVER, 0, 1, c("")), answer(DELIVER, 0, 2, c("")))
        client.ask(request(QUERY, 5, ask), answer(QUERY, 0, 5, final))


# outbind.


def test_outbind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        host, port = listener.getsockname()
        called_on = account(outbind=f"{host}:{port}", outbind_password="sesame")
        with Live(settings(account=[called_on])) as live:
            with live.client() as client:
                client.ask(request(BIND_TX, 1, bind_body()), bind_resp(BIND_TX))
                client.ask(request(SUBMIT, 2, submit_body(registered=1)), answer(SUBMIT, 0, 2, c(IDS[0])))
                client.ask(request(UNBIND, 3), answer(UNBIND, 0, 3))
            live.run(live.server.advance(30.0))
            with Called(listener) as esme:
                esme.expect(
                    bytes.fromhex("0000001d 0000000b 00000000 00000001") + b"smppd\0sesame\0"  # nothing else
                )
                esme.ask(request(ENQUIRE_LINK, 1), answer(ENQUIRE_LINK, 0, 1))
                esme.ask(request(SUBMIT, 2, submit_body()), answer(SUBMIT, RINVBNDSTS, 2))
                esme.ask(request(OUTBIND, 3, c("a") + c("b")), pdu(NACK, RINVBNDSTS, 3))
                esme.ask(request(BIND_RX, 4, bind_body()), bind_resp(BIND_RX, 4))
                esme.expect(receipt(2, IDS[0], b"DELIVRD", b"2603010000", 2))
                esme.send(answer(DELIVER, 0, 2, c("")))
                esme.lives()
                assert live.call(lambda: live.server.engine.esmes["smppclient1"].waiting) == 0
                esme.ask(request(UNBIND, 5), answer(UNBIND, 0, 5))


class Called(Raw):
    """The ESME's end of a connection that it was called on."""

    def __init__(self, listener: socket.socket) -> None:
        self.socket, _ = listener.accept()
        self.socket.settimeout(PATIENCE)
        self._buffer = bytearray()


# Cell broadcast.

LONDON, PARIS, MARS = b"\x00London", b"\x00Paris", b"\x07Mars"


def cell(
    areas: tuple[bytes, ...] = (LONDON, PARIS),
    *,
    message_id: bytes = b"",
    schedule: bytes = b"",
    validity: bytes = b"",
    replace: int = 0,
    content: bytes = b"\x01\x00\x11",
    repetitions: int = 3,
    interval: bytes = b"\x09\x00\x0a",
    tail: bytes = b"",
) -> bytes:
    """The body of a broadcast_sm: three times, every ten minutes."""
    fixed = c("CBS") + b"\x05\x00" + c("ACME") + c(message_id) + b"\x01" + c(schedule) + c(validity)
    return (
        fixed + bytes((replace, 0, 0)) + b"".join(tlv(AREA, area) for area in areas) + tlv(CONTENT, content)
        + tlv(REPETITIONS, repetitions.to_bytes(2, "big")) + tlv(INTERVAL, interval) + tlv(PAYLOAD, b"Storm") + tail
    )  # fmt: skip


def named(message_id: bytes = b"", tail: bytes = b"", source: bytes = b"ACME") -> bytes:
    """The body of a query_broadcast_sm."""
    return c(message_id) + b"\x05\x00" + c(source) + tail


def state_of(message_id: bytes, state: int, success: int, areas: tuple[bytes, ...] = (LONDON, PARIS)) -> bytes:
    """The body of a query_broadcast_sm_resp, but for what may follow."""
    each = (tlv(AREA, area) + tlv(SUCCESS, bytes((success,))) for area in areas)
    return c(message_id) + tlv(STATE, bytes((state,))) + b"".join(each)


def told(command: int, sequence: int, body: bytes = b"") -> bytes:
    """An accepting answer to a session of 5.0, which is told that nothing is congested."""
    return answer(command, 0, sequence, body + tlv(CONGESTION_STATE, b"\0"))


def test_broadcast(live: Live, esme: Raw) -> None:
    """Accepted, under way, over."""
    esme.ask(request(BROADCAST, 2, cell()), told(BROADCAST, 2, c(IDS[0])))
    live.run(live.server.advance(19 * 60))
    esme.ask(request(QUERY_BROADCAST, 3, named(IDS[0])), told(QUERY_BROADCAST, 3, state_of(IDS[0], 1, 100)))
    live.run(live.server.advance(3600))
    over = state_of(IDS[0], 2, 100) + tlv(END, c("260301002000000+"))
    esme.ask(request(QUERY_BROADCAST, 4, named(IDS[0])), told(QUERY_BROADCAST, 4, over))
    cancel = c("") + named(IDS[0])
    esme.ask(request(CANCEL_BROADCAST, 5, cancel), answer(CANCEL_BROADCAST, RBCASTCANCELFAIL, 5))


def test_broadcast_scheduled_replaced_and_cancelled(live: Live, esme: Raw) -> None:
    reference = tlv(REFERENCE, b"\x12\x34")
    body = cell(schedule=b"260301060000000+", tail=reference)
    esme.ask(request(BROADCAST, 2, body), told(BROADCAST, 2, c(IDS[0])))
    waiting = state_of(IDS[0], 0, 255) + reference
    esme.ask(request(QUERY_BROADCAST, 3, named(IDS[0])), told(QUERY_BROADCAST, 3, waiting))
    esme.ask(request(QUERY_BROADCAST, 4, named(tail=reference)), told(QUERY_BROADCAST, 4, waiting))
    body = cell((PARIS,), replace=1, message_id=IDS[0], schedule=b"260301070000000+", validity=b"260301071500000+")
    esme.ask(request(BROADCAST, 5, body), told(BROADCAST, 5, c(IDS[0])))
    live.run(live.server.advance(6.5 * 3600))
    waiting = state_of(IDS[0], 0, 255, (PARIS,))
    esme.ask(request(QUERY_BROADCAST, 6, named(IDS[0])), told(QUERY_BROADCAST, 6, waiting))
    live.run(live.server.advance(2 * 3600))
    expired = state_of(IDS[0], 3, 100, (PARIS,)) + tlv(END, c("260301071500000+"))
    esme.ask(request(QUERY_BROADCAST, 7, named(IDS[0])), told(QUERY_BROADCAST, 7, expired))
    esme.ask(request(BROADCAST, 8, cell()), told(BROADCAST, 8, c(IDS[1])))
    esme.ask(request(CANCEL_BROADCAST, 9, c("CBS") + named()), told(CANCEL_BROADCAST, 9))
    deleted = state_of(IDS[1], 4, 100) + tlv(END, c("260301083000000+"))
    esme.ask(request(QUERY_BROADCAST, 10, named(IDS[1])), told(QUERY_BROADCAST, 10, deleted))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (cell(()), RMISSINGOPTPARAM),
        (cell((LONDON,) * 256), RINVNUMBCAST_AREAS),
        (cell((MARS,)), RINVBCASTAREAFMT),
        (cell(content=b"\x04\x00\x01"), RINVBCASTCNTTYPE),
        (cell(interval=b"\x0f\x00\x01"), RINVBCASTFREQINT),
        (cell(replace=1, message_id=IDS[5]), RBCASTFAIL),
        (cell(replace=1, message_id=b"none"), RINVMSGID),
    ],
    ids=["no area", "areas", "area", "content", "interval", "nothing to replace", "id"],
)
def test_broadcasts_that_are_refused(esme: Raw, body: bytes, status: int) -> None:
    esme.ask(request(BROADCAST, 2, body), answer(BROADCAST, status, 2))
    esme.lives()


def test_an_area_that_cannot_be_served(esme: Raw) -> None:
    failed = tlv(AREA, MARS) + tlv(ERROR, RINVBCASTAREAFMT.to_bytes(4, "big"))
    esme.ask(request(BROADCAST, 2, cell((LONDON, MARS))), told(BROADCAST, 2, c(IDS[0]) + failed))


def test_broadcasts_of_others(live: Live, esme: Raw) -> None:
    esme.ask(request(BROADCAST, 2, cell()), told(BROADCAST, 2, c(IDS[0])))
    foreign = named(IDS[0], source=b"OTHER")
    esme.ask(request(QUERY_BROADCAST, 3, foreign), answer(QUERY_BROADCAST, RBCASTQUERYFAIL, 3))
    esme.ask(request(CANCEL_BROADCAST, 4, c("") + foreign), answer(CANCEL_BROADCAST, RBCASTCANCELFAIL, 4))


@pytest.mark.parametrize("command_id", [BROADCAST, QUERY_BROADCAST, CANCEL_BROADCAST])
def test_a_session_of_34_does_not_know_broadcasts(live: Live, command_id: int) -> None:
    with live.client() as client:
        client.ask(request(BIND_TRX, 1, bind_body()), bind_resp(version=0x50))
        client.ask(request(command_id, 2, cell()), pdu(NACK, RINVCMDID, 2))
        client.lives()
