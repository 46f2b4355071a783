"""The life of a message as its ESME sees it on the wire, octet for octet, while hours pass in no time."""

from __future__ import annotations

from typing import Any

import pytest

from smppd.settings import Delay, Messages, Network
from tests.transport.support import (
    ALERT,
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    CANCEL,
    DATA,
    DELIVER,
    OFF,
    QUERY,
    REPLACE,
    SUBMIT,
    UNBIND,
    account,
    answer,
    bench,
    bind_body,
    bind_resp,
    c,
    delivered,
    elapse,
    field,
    request,
    submit_body,
    tlv,
    virtually,
)

RDELIVERYFAILURE, RTHROTTLED, RINVSCHED, RINVESMCLASS = 0xFE, 0x58, 0x61, 0x43
NUMBER, SENDER = b"447700900123", b"smppd"
PAYLOAD = tlv(0x0424, b"Hello")
SET_DPF = tlv(0x0421, b"\1")
IN_A_MINUTE = b"000000000100000R"
IN_AN_HOUR = b"000000010000000R"
FIRST_ID = b"1000000000"


def network(**fields: Any) -> dict[str, Network]:
    """Outcomes after half a second."""
    return {"default": Network(delay=Delay(distribution="fixed", value=0.5), **fields)}


def data_body(mode: int = 2, registered: int = 0, tlvs: bytes = PAYLOAD, to: bytes = NUMBER) -> bytes:
    return c("") + bytes((5, 0)) + c(SENDER) + bytes((1, 1)) + c(to) + bytes((mode, registered, 0)) + tlvs


def query_body(message_id: bytes) -> bytes:
    return c(message_id) + bytes((5, 0)) + c(SENDER)


def told(frame: bytes) -> tuple[bytes, int, int]:
    """(final_date, message_state, error_code) of a query_sm_resp."""
    assert frame[4:12] == bytes((0x80, 0, 0, 3, 0, 0, 0, 0)), frame.hex()
    _message_id, final_date, rest = frame[16:].split(b"\0", 2)
    return final_date, rest[0], rest[1]


# Transaction mode.


@virtually
async def test_a_data_sm_in_transaction_mode_is_answered_when_the_outcome_is_known() -> None:
    async with bench(network=network()) as it:
        connection, transport = it.bound()
        connection.data_received(request(DATA, 7, data_body(registered=1)))
        await elapse(0.4)
        assert transport.taken() == []
        await elapse(0.2)
        assert transport.taken() == [answer(DATA, 0, 7, c(FIRST_ID))]
        await elapse(10)
        assert transport.taken() == [], "no receipt"
        assert it.context.counters.pdus_out[DATA | 0x80000000] == 1
        assert it.context.counters.statuses_out[DATA | 0x80000000, 0] == 1


@virtually
async def test_its_failure_has_a_body() -> None:
    async with bench(network=network(absent_for=60.0), timers=OFF) as it:
        connection, transport = it.bound()
        connection.data_received(request(DATA, 7, data_body(tlvs=PAYLOAD + SET_DPF)))
        await elapse(1)
        failure = (
            c(FIRST_ID)
            + tlv(0x0425, b"\0")  # delivery_failure_reason: destination unavailable
            + tlv(0x0423, b"\3\0\x1b")  # network_error_code: GSM, absent subscriber
            + tlv(0x001D, c("absent subscriber"))
            + tlv(0x0420, b"\1")  # dpf_result
        )
        assert transport.taken() == [answer(DATA, RDELIVERYFAILURE, 7, failure)]
        assert it.context.counters.statuses_out[DATA | 0x80000000, RDELIVERYFAILURE] == 1
        await elapse(70)
        alert = bytes((1, 1)) + c(NUMBER) + bytes((5, 0)) + c(SENDER) + tlv(0x0422, b"\0")
        assert transport.taken() == [request(ALERT, 1, alert)]


@virtually
async def test_answers_come_in_the_order_of_the_outcomes() -> None:
    async with bench(network=network(), messages=Messages(transaction_timeout=0.2)) as it:
        connection, transport = it.bound()
        connection.data_received(
            request(SUBMIT, 1, submit_body(registered=1)) + request(DATA, 2, data_body()) + request(SUBMIT, 3, b"")
        )
        first, third = transport.taken()
        assert (field(first, SUBMIT), third[12:16]) == (FIRST_ID, b"\0\0\0\3")
        await elapse(1)
        second, receipt = transport.taken()
        assert second[4:16] == answer(DATA, RDELIVERYFAILURE, 2)[4:16]
        assert tlv(0x001D, c("no outcome in time")) in second
        assert delivered(receipt)[1] == 4


@pytest.mark.parametrize("over", ["ESME_RTHROTTLED", "ESME_RMSGQFUL"])
@virtually
async def test_the_window_counts_requests_that_wait_for_their_outcome(over: str) -> None:
    refusal = {"ESME_RTHROTTLED": RTHROTTLED, "ESME_RMSGQFUL": 0x14}[over]
    async with bench(network=network(), account=[account(window=2, window_over=over)]) as it:
        connection, transport = it.bound()
        for sequence in (1, 2, 3):
            connection.data_received(request(DATA, sequence, data_body()))
        assert transport.taken() == [answer(DATA, refusal, 3)]
        connection.data_received(request(SUBMIT, 4, submit_body()))
        assert transport.taken() == [answer(SUBMIT, refusal, 4)]
        await elapse(1)
        assert [frame[12:16] for frame in transport.taken()] == [b"\0\0\0\1", b"\0\0\0\2"]
        connection.data_received(request(DATA, 5, data_body()))
        await elapse(1)
        assert [field(frame, DATA) for frame in transport.taken()] == [b"1000000002"]
        assert connection._session.inbound_outstanding == 0


@virtually
async def test_reading_stops_until_outcomes_are_known() -> None:
    async with bench(network=network(), account=[account(window=2, window_over="stop_reading")]) as it:
        connection, transport = it.bound()
        connection.data_received(request(DATA, 1, data_body()))
        assert transport.reading
        connection.data_received(request(DATA, 2, data_body()))
        assert not transport.reading
        await elapse(0.6)
        assert [frame[12:16] for frame in transport.taken()] == [b"\0\0\0\1", b"\0\0\0\2"]
        assert transport.reading


@virtually
async def test_a_session_that_ends_forgets_its_questions_and_the_messages_go_on() -> None:
    async with bench(network=network(), account=[account(window=2)]) as it:
        connection, transport = it.bound()
        connection.data_received(request(DATA, 1, data_body()) + request(DATA, 2, data_body()))
        connection.data_received(request(UNBIND, 3))
        assert transport.taken() == [answer(UNBIND, 0, 3)]
        connection.data_received(request(BIND_TRX, 4, bind_body()))
        assert transport.taken() == [bind_resp(sequence=4)]
        await elapse(2)
        assert transport.taken() == []
        for sequence in (5, 6):
            connection.data_received(request(DATA, sequence, data_body()))
        await elapse(1)
        assert [frame[12:16] for frame in transport.taken()] == [b"\0\0\0\5", b"\0\0\0\6"], "the window is empty again"
        connection.data_received(request(QUERY, 7, query_body(FIRST_ID)))
        assert told(transport.taken()[0])[1:] == (2, 0)


@virtually
async def test_a_connection_that_is_lost_takes_nothing_with_it() -> None:
    async with bench(network=network()) as it:
        connection, transport = it.bound()
        other, others = it.bound()
        connection.data_received(request(DATA, 1, data_body()))
        transport.abort()
        await elapse(2)
        assert others.taken() == []
        other.data_received(request(QUERY, 2, query_body(FIRST_ID)))
        assert told(others.taken()[0])[1:] == (2, 0)


@virtually
async def test_a_connection_that_closes_says_nothing_more() -> None:
    async with bench(network=network()) as it:
        connection, transport = it.bound()
        connection.data_received(request(DATA, 1, data_body()))
        connection.close()
        await elapse(1)
        assert transport.taken() == []
        assert connection._session.inbound_outstanding == 0


@virtually
async def test_submit_sm_in_transaction_mode_is_for_5_0() -> None:
    async with bench(network=network(outcome={"UNDELIV": 1}), server={"interface_version": "5.0"}) as it:
        old, olds = it.bound()
        old.data_received(request(SUBMIT, 1, submit_body(esm_class=2)))
        assert olds.taken() == [answer(SUBMIT, RINVESMCLASS, 1)]
        new, news = it.bound(version=0x50)
        new.data_received(
            request(SUBMIT, 1, submit_body())
            + request(SUBMIT, 2, submit_body(esm_class=2, registered=1))
            + request(SUBMIT, 3, submit_body())
        )
        busy = tlv(0x0428, b"\1")  # congestion_state
        assert news.taken() == [
            answer(SUBMIT, 0, 1, c(FIRST_ID) + busy),
            answer(SUBMIT, 0, 3, c(b"1000000002") + busy),
        ]
        await elapse(1)
        failure = tlv(0x0425, b"\1") + tlv(0x0423, b"\3\0\1") + tlv(0x001D, c("unknown subscriber"))
        idle = tlv(0x0428, b"\0")
        assert news.taken() == [answer(SUBMIT, RDELIVERYFAILURE, 2, c(b"1000000001") + failure + idle)]
        assert it.context.counters.pdus_out[SUBMIT | 0x80000000] == 4


# Datagram mode.


@virtually
async def test_a_datagram_is_answered_at_once_tried_once_and_never_mentioned_again() -> None:
    async with bench(network=network(absent_for=60.0), timers=OFF) as it:
        connection, transport = it.bound()
        connection.data_received(request(SUBMIT, 1, submit_body(esm_class=1, registered=0x11)))
        connection.data_received(request(DATA, 2, data_body(1, 1)))
        assert transport.taken() == [answer(SUBMIT, 0, 1, c(FIRST_ID)), answer(DATA, 0, 2, c(b"1000000001"))]
        await elapse(3600)
        assert transport.taken() == []
        connection.data_received(request(QUERY, 3, query_body(FIRST_ID)))
        final_date, *state = told(transport.taken()[0])
        assert (len(final_date), state) == (16, [5, 27])
        connection.data_received(request(SUBMIT, 4, submit_body(esm_class=1, schedule=IN_A_MINUTE)))
        assert transport.taken() == [answer(SUBMIT, RINVSCHED, 4)]


# Retries.


@virtually
async def test_attempts_go_on_until_the_subscriber_is_back() -> None:
    async with bench(network=network(absent_for=40.0), messages=Messages(retry=[30.0]), timers=OFF) as it:
        connection, transport = it.bound()
        connection.data_received(request(SUBMIT, 1, submit_body(registered=0x11)))
        transport.taken()
        heard = []
        for _ in range(320):
            await elapse(0.25)
            for frame in transport.taken():
                sequence, esm_class, text, tlvs = delivered(frame)
                connection.data_received(answer(DELIVER, 0, sequence, b"\0"))
                heard.append((esm_class, text[text.index(b"stat:") : text.index(b" text:")], tlvs))
        receipted = tlv(0x001E, c(FIRST_ID))
        absent = tlv(0x0423, b"\3\0\x1b")
        assert heard == [
            (0x20, b"stat:ENROUTE err:000", receipted + tlv(0x0427, b"\1")),
            (0x20, b"stat:ENROUTE err:027", receipted + tlv(0x0427, b"\1") + absent),
            (0x20, b"stat:ENROUTE err:027", receipted + tlv(0x0427, b"\1") + absent),
            (0x04, b"stat:DELIVRD err:000", receipted + tlv(0x0427, b"\2")),
        ]


@virtually
async def test_a_message_can_be_asked_about_replaced_and_cancelled_between_attempts() -> None:
    async with bench(network=network(absent_for=1000.0), messages=Messages(retry=[30.0])) as it:
        connection, transport = it.bound()
        connection.data_received(request(SUBMIT, 1, submit_body(registered=1)))
        await elapse(1)
        transport.taken()
        connection.data_received(request(QUERY, 2, query_body(FIRST_ID)))
        assert transport.taken() == [answer(QUERY, 0, 2, c(FIRST_ID) + b"\0" + bytes((1, 27)))]
        replacement = query_body(FIRST_ID) + b"\0" + c(IN_A_MINUTE) + bytes((1, 0, 3)) + b"New"
        connection.data_received(request(REPLACE, 3, replacement))
        assert transport.taken() == [answer(REPLACE, 0, 3)]
        cancellation = b"\0" + query_body(FIRST_ID) + bytes((1, 1)) + c(NUMBER)
        connection.data_received(request(CANCEL, 4, cancellation))
        assert transport.taken() == [answer(CANCEL, 0, 4)]
        await elapse(1)
        (receipt,) = transport.taken()
        assert b"stat:DELETED err:000 text:New" in receipt


# The subscriber's handset.


@virtually
async def test_a_handset_acknowledges() -> None:
    async with bench(network=network()) as it:
        connection, transport = it.bound()
        reference = tlv(0x0204, b"\x12\x34")
        connection.data_received(request(SUBMIT, 1, submit_body(registered=0x0D, tail=reference)))
        await elapse(1)
        _, receipt, arrived, read = transport.taken()
        assert delivered(receipt)[1] == 4
        addresses = bytes((1, 1)) + c(NUMBER) + bytes((5, 0)) + c(SENDER)
        assert arrived[16:] == b"\0" + addresses + b"\x08" + bytes(9) + reference
        assert read[16:] == b"\0" + addresses + b"\x10" + bytes(9) + tlv(0x0205, b"\0") + reference


# Alerts.


@virtually
async def test_an_alert_waits_for_a_receiver() -> None:
    async with bench(network=network(absent_for=60.0)) as it:
        connection, transport = it.bound(BIND_TX)
        connection.data_received(
            request(SUBMIT, 1, submit_body(validity=b"000000000010000R", tail=SET_DPF)),
        )
        await elapse(70)
        connection.data_received(request(UNBIND, 2))
        await elapse(100)
        transport.taken()
        _, receiver = it.bound(BIND_RX)
        await elapse(1)
        alert = bytes((1, 1)) + c(NUMBER) + bytes((5, 0)) + c(SENDER) + tlv(0x0422, b"\0")
        assert receiver.taken() == [request(ALERT, 1, alert)]
        assert it.context.counters.pdus_out[ALERT] == 1


# Schedules and validity.


@pytest.mark.parametrize(
    ("schedule", "starts_in"),
    [
        (IN_AN_HOUR, 3600),
        # The wall clock of a virtual loop begins at 1,800,001,000: 2027-01-15 08:16:40 UTC.
        (b"270115093640000+", 4800),
        (b"270115103640004+", 4800),
        (b"270115083640004-", 4800),
    ],
)
@virtually
async def test_a_scheduled_message_starts_at_its_time_in_any_time_zone(schedule: bytes, starts_in: int) -> None:
    quiet = {"timers": OFF, "server": {"interface_version": "5.0"}}
    async with bench(network=network(), **quiet) as it:
        connection, transport = it.bound()
        new, news = it.bound(version=0x50)
        connection.data_received(request(SUBMIT, 1, submit_body(schedule=schedule, registered=1)))
        assert transport.taken() == [answer(SUBMIT, 0, 1, c(FIRST_ID))]

        def states() -> tuple[int, int]:
            connection.data_received(request(QUERY, 2, query_body(FIRST_ID)))
            new.data_received(request(QUERY, 2, query_body(FIRST_ID)))
            return told(transport.taken()[-1])[1], told(news.taken()[-1])[1]

        await elapse(starts_in - 1)
        assert states() == (1, 0), "SCHEDULED is a word of 5.0"
        await elapse(1.25)
        assert states() == (1, 1)
        await elapse(1)
        assert states() == (2, 2)


@pytest.mark.parametrize(
    ("times", "ends_in"),
    [
        ({"validity": IN_A_MINUTE}, 60),
        ({"validity": b"270115083640000+"}, 1200),
        ({"validity": b"270115103640008+"}, 1200),
        ({}, 5000),
        ({"validity": b"000003000000000R"}, 9000),
        ({"schedule": IN_AN_HOUR, "validity": b"000000020000000R"}, 7200),
    ],
)
@virtually
async def test_validity_ends_by_default_at_its_time_and_at_the_latest(times: dict[str, bytes], ends_in: int) -> None:
    limits = Messages(retry=[100.0], default_validity=5000.0, max_validity=9000.0)
    async with bench(network=network(absent_for=1e6), messages=limits, timers=OFF) as it:
        connection, transport = it.bound()
        connection.data_received(request(SUBMIT, 1, submit_body(registered=2, **times)))
        transport.taken()
        await elapse(ends_in - 1)
        assert transport.taken() == []
        await elapse(2)
        (receipt,) = transport.taken()
        assert b"stat:EXPIRED err:027" in receipt
        connection.data_received(request(QUERY, 2, query_body(FIRST_ID)))
        final_date, *state = told(transport.taken()[0])
        assert (len(final_date), state) == (16, [3, 27])


@virtually
async def test_a_message_expires_while_it_is_scheduled_when_its_validity_is_cut_short() -> None:
    async with bench(network=network(), timers=OFF) as it:
        connection, transport = it.bound()
        connection.data_received(request(SUBMIT, 1, submit_body(schedule=IN_AN_HOUR, registered=1)))
        replacement = query_body(FIRST_ID) + b"\0" + c(IN_A_MINUTE) + bytes((1, 0, 0))
        connection.data_received(request(REPLACE, 2, replacement))
        assert transport.taken()[1] == answer(REPLACE, 0x62, 2), "it would end before it starts"
        connection.data_received(request(SUBMIT, 3, submit_body(schedule=IN_AN_HOUR, validity=IN_A_MINUTE)))
        assert transport.taken() == [answer(SUBMIT, 0x62, 3)]
