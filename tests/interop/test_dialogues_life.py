"""The life of a message, octet for octet: transactions, datagrams, retries, alerts, acknowledgements."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from smppd.settings import Clock, Delay, Network, Settings, Timers
from tests.transport.support import (
    ALERT,
    BIND_TRX,
    DATA,
    DELIVER,
    QUERY,
    SUBMIT,
    Live,
    Raw,
    answer,
    bind_body,
    bind_resp,
    c,
    live_settings,
    request,
    submit_body,
    tlv,
)

FIRST_ID, SECOND_ID = b"1000000000", b"1000000001"
NUMBER, SENDER = "447700900123", "smppd"
RDELIVERYFAILURE, RINVSCHED = 0xFE, 0x61
SET_DPF, DPF_RESULT, PAYLOAD, AVAILABILITY = 0x0421, 0x0420, 0x0424, 0x0422
FAILURE_REASON, NETWORK_ERROR, INFO, RECEIPTED, STATE = 0x0425, 0x0423, 0x001D, 0x001E, 0x0427
REFERENCE, USER_RESPONSE = 0x0204, 0x0205
MINUTE = 60.0


def settings(absent_for: float) -> Settings:
    network = Network(delay=Delay(distribution="fixed", value=1.0), absent_for=absent_for)
    return live_settings(
        clock=Clock(mode="virtual", start="2026-03-01T00:00:00Z"),
        timers=Timers(session_init=0, enquire_link=0, inactivity=0, response=0),
        network={"default": network},
    )


@pytest.fixture
def absent() -> Iterator[Live]:
    """A network whose subscribers are absent for ten minutes."""
    with Live(settings(10 * MINUTE)) as live:
        yield live


@pytest.fixture
def present() -> Iterator[Live]:
    with Live(settings(0.0)) as live:
        yield live


def bound(live: Live) -> Raw:
    client = live.client()
    client.ask(request(BIND_TRX, 1, bind_body()), bind_resp())
    return client


def data_body(*, registered: int = 0, tail: bytes = b"") -> bytes:
    addresses = b"\x05\x00" + c(SENDER) + b"\x01\x01" + c(NUMBER)
    return c("") + addresses + bytes((0x02, registered, 0)) + tlv(PAYLOAD, b"Hello") + tail


def from_subscriber(sequence: int, esm_class: int, text: bytes, tail: bytes) -> bytes:
    """A deliver_sm from the subscriber's number to the ESME's."""
    body = (
        c("") + b"\x01\x01" + c(NUMBER) + b"\x05\x00" + c(SENDER)
        + bytes((esm_class, 0, 0)) + c("") + c("") + b"\x00\x00\x00\x00" + bytes((len(text),)) + text + tail
    )  # fmt: skip
    return request(DELIVER, sequence, body)


def report(sequence: int, esm_class: int, state: bytes, code: int, done: bytes, error: int = 0) -> bytes:
    delivered = b"001" if state == b"DELIVRD" else b"000"
    text = b"id:%b sub:001 dlvrd:%b submit date:2603010000 done date:%b stat:%b err:%03d text:Hello" % (
        FIRST_ID, delivered, done, state, error,
    )  # fmt: skip
    tail = tlv(RECEIPTED, c(FIRST_ID)) + tlv(STATE, bytes((code,)))
    if error:
        tail += tlv(NETWORK_ERROR, b"\x03" + error.to_bytes(2, "big"))
    return from_subscriber(sequence, esm_class, text, tail)


def test_a_transaction_is_answered_with_its_outcome(present: Live) -> None:
    with bound(present) as esme:
        esme.send(request(DATA, 2, data_body(registered=1)))
        esme.lives()
        present.run(present.server.advance(1.0))
        esme.expect(answer(DATA, 0, 2, c(FIRST_ID)))
        present.run(present.server.advance(MINUTE))
        esme.lives()  # no receipt


def test_a_transaction_that_fails_says_why_and_an_alert_follows(absent: Live) -> None:
    with bound(absent) as esme:
        esme.send(request(DATA, 2, data_body(tail=tlv(SET_DPF, b"\x01"))))
        esme.lives()
        absent.run(absent.server.advance(1.0))
        failure = (
            c(FIRST_ID)
            + tlv(FAILURE_REASON, b"\x00")
            + tlv(NETWORK_ERROR, b"\x03\x00\x1b")
            + tlv(INFO, c("absent subscriber"))
            + tlv(DPF_RESULT, b"\x01")
        )
        esme.expect(answer(DATA, RDELIVERYFAILURE, 2, failure))
        absent.run(absent.server.advance(10 * MINUTE))
        alert = b"\x01\x01" + c(NUMBER) + b"\x05\x00" + c(SENDER) + tlv(AVAILABILITY, b"\x00")
        esme.expect(request(ALERT, 1, alert))


def test_a_datagram_is_tried_once(absent: Live) -> None:
    with bound(absent) as esme:
        esme.ask(request(SUBMIT, 2, submit_body(esm_class=0x01, registered=1)), answer(SUBMIT, 0, 2, c(FIRST_ID)))
        scheduled = submit_body(esm_class=0x01, schedule=b"000000010000000R")
        esme.ask(request(SUBMIT, 3, scheduled), answer(SUBMIT, RINVSCHED, 3))
        absent.run(absent.server.advance(86_400.0))
        ask = c(FIRST_ID) + b"\x05\x00" + c(SENDER)
        state = c(FIRST_ID) + c("260301000001000+") + bytes((5, 27))
        esme.ask(request(QUERY, 4, ask), answer(QUERY, 0, 4, state))


def test_attempts_notifications_and_the_receipt(absent: Live) -> None:
    with bound(absent) as esme:
        esme.ask(request(SUBMIT, 2, submit_body(registered=0x11)), answer(SUBMIT, 0, 2, c(FIRST_ID)))
        absent.run(absent.server.advance(0.0))
        esme.expect(report(1, 0x20, b"ENROUTE", 1, b"2603010000"))
        esme.send(answer(DELIVER, 0, 1, c("")))
        esme.lives()
        absent.run(absent.server.advance(1.0))
        esme.expect(report(2, 0x20, b"ENROUTE", 1, b"2603010000", 27))
        ask = c(FIRST_ID) + b"\x05\x00" + c(SENDER)
        esme.ask(request(QUERY, 3, ask), answer(QUERY, 0, 3, c(FIRST_ID) + c("") + bytes((1, 27))))


def test_the_validity_of_an_absent_subscriber_ends(absent: Live) -> None:
    with bound(absent) as esme:
        body = submit_body(registered=0x02, validity=b"000000000500000R")
        esme.ask(request(SUBMIT, 2, body), answer(SUBMIT, 0, 2, c(FIRST_ID)))
        absent.run(absent.server.advance(5 * MINUTE))
        esme.expect(report(1, 0x04, b"EXPIRED", 3, b"2603010005", 27))


def test_the_handset_acknowledges(present: Live) -> None:
    with bound(present) as esme:
        body = submit_body(registered=0x0D, tail=tlv(REFERENCE, b"\x12\x34"))
        esme.ask(request(SUBMIT, 2, body), answer(SUBMIT, 0, 2, c(FIRST_ID)))
        esme.lives()
        present.run(present.server.advance(1.0))
        reference = tlv(REFERENCE, b"\x12\x34")
        receipt = esme.frame()
        assert receipt[4:8] == b"\x00\x00\x00\x05"
        assert b"stat:DELIVRD" in receipt
        assert receipt.endswith(reference)
        esme.expect(
            from_subscriber(2, 0x08, b"", reference),
            from_subscriber(3, 0x10, b"", tlv(USER_RESPONSE, b"\x00") + reference),
        )


def test_two_transactions_are_answered_in_the_order_of_their_outcomes(present: Live) -> None:
    with bound(present) as esme:
        esme.send(request(DATA, 2, data_body()), request(DATA, 3, data_body()))
        esme.lives()
        present.run(present.server.advance(1.0))
        esme.expect(answer(DATA, 0, 2, c(FIRST_ID)), answer(DATA, 0, 3, c(SECOND_ID)))
