"""What a session may say in its version, how strictly its account is judged, and what happens beyond its window."""

from __future__ import annotations

from typing import Any

import pytest

from smppd.settings import Messages, Timers, Validation
from smppwire.pdus import QuerySm, QuerySmResp
from tests.transport.support import (
    ALERT,
    BIND_RX,
    BIND_TRX,
    CANCEL,
    DATA,
    DELIVER,
    ENQUIRE_LINK,
    NACK,
    QUERY,
    REPLACE,
    SUBMIT,
    SUBMIT_MULTI,
    UNBIND,
    FakeTransport,
    account,
    answer,
    bench,
    bind_body,
    c,
    delivered,
    elapse,
    field,
    pdu,
    request,
    submit_body,
    tlv,
    virtually,
)

CONGESTION, PAYLOAD = 0x0428, 0x0424
TRANSACTION = 2
STRANGERS = (0, 0, b"1")


def at(source: tuple[int, int, bytes], to: tuple[int, int, bytes]) -> bytes:
    return b"".join(bytes(address[:2]) + c(address[2]) for address in (source, to))


def data_body(tail: bytes, *, registered: int = 0, esm_class: int = 0) -> bytes:
    return c("") + at(STRANGERS, (1, 1, b"4477")) + bytes((esm_class, registered, 0)) + tail


# Congestion.


@virtually
async def test_congestion_state_is_for_50_sessions() -> None:
    async with bench(
        server={"interface_version": "5.0"}, messages=Messages(limit=10), account=[account(), account("other")]
    ) as it:
        _, transport_34 = it.bound(version=0x34, system_id="other")
        connection, transport = it.bound(version=0x50)
        connection.data_received(request(SUBMIT, 2, submit_body()) + request(SUBMIT, 3, submit_body()))
        full = tlv(CONGESTION, b"\x14")
        ids = [frame[16:-6] for frame in transport.taken() if frame.endswith(b"\0" + full)]
        assert len(ids) == 2
        await elapse(0.1)
        idle = tlv(CONGESTION, b"\0")
        connection.data_received(request(QUERY, 4, c(ids[0]) + bytes(3)))
        (frame,) = transport.taken()
        assert frame.endswith(b"\x02\x00" + idle)
        multi = c("") + bytes(2) + c("1") + b"\1" + b"\1\1\1" + c("4477") + bytes(3) + c("") * 2 + bytes(4) + b"\1x"
        connection.data_received(request(SUBMIT_MULTI, 5, multi) + request(DATA, 6, data_body(tlv(PAYLOAD, b"x"))))
        multi_resp, data_resp = transport.taken()
        assert multi_resp.endswith(b"\0\0" + tlv(CONGESTION, b"\x0a"))
        assert data_resp.endswith(b"\0" + tlv(CONGESTION, b"\x14"))
        connection.data_received(request(QUERY, 7, c("99") + bytes(3)) + request(SUBMIT, 8, submit_body(priority=9)))
        assert transport.taken() == [answer(QUERY, 0x67, 7), answer(SUBMIT, 0x06, 8)], "errors are 16 octets"
        connection.data_received(request(ENQUIRE_LINK, 9))
        assert transport.taken() == [answer(ENQUIRE_LINK, 0, 9)]
        other = transport_34.protocol
        assert other is not None
        other.data_received(request(SUBMIT, 2, submit_body()))
        field(transport_34.taken()[0], SUBMIT)


@pytest.mark.parametrize("command", [CANCEL, REPLACE])
@virtually
async def test_congestion_state_in_responses_without_a_body(command: int) -> None:
    async with bench(server={"interface_version": "5.0"}) as it:
        connection, transport = it.bound(version=0x50)
        connection.data_received(request(SUBMIT, 2, submit_body(schedule=b"000001000000000R")))
        message_id = transport.taken()[0][16:-6]
        tail = bytes((1, 1)) + c("447700900123") if command == CANCEL else c("") * 2 + bytes(2) + b"\1x"
        head = c("") if command == CANCEL else b""
        connection.data_received(request(command, 3, head + c(message_id) + b"\5\0" + c("smppd") + tail))
        expected = 0 if command == CANCEL else 1
        assert transport.taken() == [answer(command, 0, 3, tlv(CONGESTION, bytes((expected,))))]


# Versions.


@virtually
async def test_scheduled_and_receipts_of_success_only_are_words_of_50() -> None:
    async with bench(server={"interface_version": "5.0"}) as it:
        states = {}
        for version in (0x33, 0x34, 0x50):
            connection, transport = it.bound(version=version)
            later = submit_body(schedule=b"000001000000000R")
            connection.data_received(request(SUBMIT, 2, later) + request(SUBMIT, 3, submit_body(registered=3)))
            accepted, refused = transport.taken()
            message_id = accepted[16:].partition(b"\0")[0]
            connection.data_received(request(QUERY, 4, c(message_id) + bytes(3)))
            (frame,) = transport.taken()
            states[version] = (frame[16:].partition(b"\0")[2][1], int.from_bytes(refused[8:12], "big"))
            connection.data_received(request(UNBIND, 5))
            transport.close()
        assert states == {0x33: (1, 7), 0x34: (1, 7), 0x50: (0, 0)}


# Strictness.


@pytest.mark.parametrize("general", [True, False])
@pytest.mark.parametrize("own", [True, False, None])
@virtually
async def test_an_account_is_as_strict_as_it_says(general: bool, own: bool | None) -> None:
    async with bench(validation=Validation(strict=general), account=[account(strict=own)]) as it:
        strict = general if own is None else own
        connection, transport = it.connect()
        connection.data_received(request(BIND_TRX, 1, bind_body(system_type="x" * 13)))
        (frame,) = transport.taken()
        assert int.from_bytes(frame[8:12], "big") == (0x53 if strict else 0)
        if strict:
            connection, transport = it.bound()
        connection.data_received(request(SUBMIT, 2, submit_body(tail=b"\0")))
        (frame,) = transport.taken()
        assert int.from_bytes(frame[8:12], "big") == (0xC0 if strict else 0)


# The window.


def bound_with(it: Any, outstanding: int) -> tuple[Any, FakeTransport]:
    """A session with so many requests that are answered later."""
    connection, transport = it.bound()
    connection._session.inbound_outstanding = outstanding
    connection.data_received(request(ENQUIRE_LINK, 9))
    assert transport.taken() == [answer(ENQUIRE_LINK, 0, 9)]
    return connection, transport


@virtually
async def test_reading_stops_at_the_window_and_goes_on_with_the_answers() -> None:
    async with bench(account=[account(window=2, window_over="stop_reading")]) as it:
        connection, transport = bound_with(it, 1)
        assert transport.reading
        connection, transport = bound_with(it, 3)
        assert not transport.reading
        assert it.context.counters.throttled_by_scope["smppclient1", "window"] == 1
        for outstanding in (2, 1):
            later = QuerySm(7, message_id=b"1")
            connection._respond(later, QuerySmResp(message_id=b"1", message_state=1), it.context.monotonic())
            assert transport.reading == (outstanding < 2)
        connection.data_received(request(SUBMIT, 8, submit_body()))
        assert field(transport_frames(connection, transport)[-1], SUBMIT)


def transport_frames(connection: Any, transport: FakeTransport) -> list[bytes]:
    connection._flush()
    return transport.taken()


@virtually
async def test_error_answers_open_the_window_too() -> None:
    async with bench(account=[account(window=2, window_over="stop_reading")]) as it:
        connection, transport = bound_with(it, 2)
        connection._answer_all([QuerySm(7)], 0xFE)
        assert transport.reading


@virtually
async def test_what_was_read_before_reading_stopped_is_served() -> None:
    async with bench(account=[account(window=2, window_over="stop_reading")]) as it:
        connection, transport = bound_with(it, 5)
        connection.data_received(request(SUBMIT, 2, submit_body()) + request(QUERY, 3, c("1") + bytes(3)))
        assert [frame[4:8] for frame in transport.taken()] == [b"\x80\0\0\4", b"\x80\0\0\3"]
        assert not transport.reading


@virtually
async def test_without_a_window_reading_never_stops() -> None:
    async with bench(account=[account(window_over="stop_reading")]) as it:
        _, transport = bound_with(it, 1000)
        assert transport.reading


@virtually
async def test_a_full_window_waits_for_a_slow_reader_too() -> None:
    async with bench(account=[account(window=1, window_over="stop_reading")]) as it:
        connection, transport = bound_with(it, 1)
        connection.pause_writing()
        connection.resume_writing()
        assert not transport.reading, "the window is still full"
        connection.pause_writing()
        connection._answer_all([QuerySm(7)], 0xFE)
        assert not transport.reading, "the peer does not read"
        connection.resume_writing()
        assert transport.reading


@virtually
async def test_nobody_is_silent_whom_we_do_not_read() -> None:
    timers = Timers(session_init=10, enquire_link=10, inactivity=60, response=10)
    async with bench(account=[account(window=1, window_over="stop_reading")], timers=timers) as it:
        connection, transport = it.bound()
        connection.data_received(request(SUBMIT, 2, submit_body(registered=1)))
        await elapse(0.1)
        _, receipt = transport.taken()
        connection._session.inbound_outstanding = 1
        connection.data_received(request(ENQUIRE_LINK, 3))
        assert transport.taken() == [answer(ENQUIRE_LINK, 0, 3)]
        await elapse(1000)
        assert transport.taken() == []
        connection._answer_all([QuerySm(7)], 0xFE)
        assert transport.reading
        connection.data_received(answer(DELIVER, 0, delivered(receipt)[0]))
        await elapse(5)
        assert transport.taken() == [answer(QUERY, 0xFE, 7)], "neither asked about nor sent again"
        assert it.errors("unexpected_response") == 0
        await elapse(20)
        assert transport.taken() != [], "the timers run again"


@pytest.mark.parametrize("body", [request(SUBMIT, 8, submit_body()), request(QUERY, 8, c("1") + bytes(3))])
@virtually
async def test_close_ends_the_session_that_overflows(body: bytes) -> None:
    async with bench(account=[account(window=2, window_over="close")]) as it:
        connection, transport = bound_with(it, 2)
        connection.data_received(body + request(ENQUIRE_LINK, 9))
        assert transport.taken() == [request(UNBIND, 1)]
        assert transport.eof
        assert it.errors("window_overflow") == 1
        assert it.context.counters.throttled_by_scope["smppclient1", "window"] == 1
        assert it.events("protocol error", kind="window_overflow", system_id="smppclient1")


@pytest.mark.parametrize(
    ("answered", "again"), [(answer(DELIVER, 0, 1, c("")), 0), (pdu(NACK, 0, 1), 1)], ids=["taken", "not taken"]
)
@virtually
async def test_what_is_answered_behind_the_overflow_is_not_lost(answered: bytes, again: int) -> None:
    async with bench(account=[account(window=2, window_over="close")]) as it:
        connection, transport = it.bound()
        connection.data_received(request(SUBMIT, 2, submit_body(registered=1)))
        await elapse(0.1)
        assert len(transport.taken()) == 2
        for sequence in (3, 4):
            connection.data_received(request(DATA, sequence, data_body(tlv(PAYLOAD, b"x"), esm_class=TRANSACTION)))
        connection.data_received(request(SUBMIT, 5, submit_body()) + answered)
        assert transport.taken() == [request(UNBIND, 2)]
        connection.connection_lost(None)
        await elapse(5.0)
        assert it.context.engine.esmes["smppclient1"].waiting == again
        _, transport = it.bound()
        await elapse(0.1)
        assert len(transport.taken()) == again


# What leaves by data_sm.


@virtually
async def test_data_sm_towards_the_esme_and_its_answers() -> None:
    async with bench(account=[account(address_range="4477*"), account("sender")]) as it:
        sender, sent = it.bound(system_id="sender")
        receiver, transport = it.bound(BIND_RX)
        body = data_body(tlv(PAYLOAD, b"data"), registered=1)
        for sequence in (2, 3, 4):
            sender.data_received(request(DATA, sequence, body))
        await elapse(0.1)
        expected = data_body(tlv(PAYLOAD, b"data"))
        assert transport.taken() == [request(DATA, number, expected) for number in (1, 2, 3)]
        ids = [frame[16:-1] for frame in sent.taken()]
        receiver.data_received(answer(DATA, 0, 1, c("")) + answer(DATA, 0x65, 2) + answer(DELIVER, 0, 3))
        assert it.errors("unexpected_response") == 1, "a deliver_sm_resp answers no data_sm"
        receiver.data_received(answer(0, 0x03, 3))
        await elapse(0.1)
        texts = [delivered(frame)[2] for frame in sent.taken()]
        assert [text[3:13] for text in texts] == ids
        assert [text.partition(b" stat:")[2][:7] for text in texts] == [b"DELIVRD", b"UNDELIV", b"UNDELIV"]
        counters = it.context.counters
        assert counters.pdus_out[DATA] == 3
        assert (counters.statuses_in[DATA | 1 << 31, 0], counters.statuses_in[DATA | 1 << 31, 0x65]) == (1, 1)
        assert ALERT not in counters.pdus_out
