"""Dialogues between two ESMEs through the server, octet for octet: no codec of ours on this side.

A deliver_sm has the layout of a submit_sm, so `submit_body` writes both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.interop.conftest import Serve, SmpplibEsme
from tests.transport.support import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    CANCEL,
    DATA,
    DELIVER,
    ENQUIRE_LINK,
    NACK,
    QUERY,
    REPLACE,
    SUBMIT,
    Live,
    Raw,
    account,
    answer,
    bind_body,
    bind_resp,
    c,
    delivered,
    field,
    live_settings,
    request,
    submit_body,
    tlv,
)

ALICES, BOBS = (1, 1, b"33612345678"), (1, 1, b"447700900001")
PAYLOAD, REFERENCE, SOURCE_PORT, MESSAGE_STATE, RECEIPTED = 0x0424, 0x0204, 0x020A, 0x0427, 0x001E

SETTINGS = live_settings(
    server={"interface_version": "5.0"},
    account=[
        account("alice", address_range="336*"),
        account("bob", address_range="^4477009"),
        account("carol", address_range="999"),
    ],
)


@pytest.fixture
def live() -> Iterator[Live]:
    with Live(SETTINGS) as server:
        yield server


@pytest.fixture
def alice(live: Live) -> Iterator[Raw]:
    with esme(live, "alice") as client:
        yield client


@pytest.fixture
def bob(live: Live) -> Iterator[Raw]:
    with esme(live, "bob") as client:
        yield client


def esme(live: Live, name: str, bind: int = BIND_TRX, version: int = 0x34) -> Raw:
    client = live.client()
    client.ask(request(bind, 1, bind_body(name, version=version)), bind_resp(bind, version=0x50, told=version >= 0x34))
    return client


def submitted(client: Raw, sequence: int = 2, **fields: object) -> bytes:
    """Submit a message to Bob; returns its message_id."""
    client.send(request(SUBMIT, sequence, submit_body(**{"source": ALICES, "to": BOBS, **fields})))  # type: ignore[arg-type]
    return field(client.frame(), SUBMIT)


def receipt(client: Raw) -> tuple[bytes, bytes, bytes]:
    """(message_id, stat, err) of the receipt that comes next; it is acknowledged."""
    sequence, esm_class, text, _ = delivered(client.frame())
    assert esm_class == 0x04
    client.send(answer(DELIVER, 0, sequence, b"\0"))
    return text[3:13], text.partition(b" stat:")[2][:7], text.partition(b" err:")[2][:3]


def test_two_esmes_talk(alice: Raw, bob: Raw) -> None:
    message_id = submitted(
        alice, service_type=b"CMT", protocol_id=0x11, priority=1, registered=1, esm_class=3, text=b"Hi Bob"
    )
    body = submit_body(service_type=b"CMT", source=ALICES, to=BOBS, protocol_id=0x11, priority=1, text=b"Hi Bob")
    bob.expect(request(DELIVER, 1, body))
    alice.ask(request(QUERY, 3, c(message_id) + bytes(3)), answer(QUERY, 0, 3, c(message_id) + b"\0\1\0"))
    bob.send(answer(DELIVER, 0, 1, b"\0"))
    assert receipt(alice) == (message_id, b"DELIVRD", b"000")
    bob.send(request(SUBMIT, 2, submit_body(source=BOBS, to=ALICES, text=b"Hi Alice")))
    field(bob.frame(), SUBMIT)
    alice.expect(request(DELIVER, 2, submit_body(source=BOBS, to=ALICES, text=b"Hi Alice")))


def test_loopback(alice: Raw) -> None:
    message_id = submitted(alice, to=ALICES, registered=1)
    alice.expect(request(DELIVER, 1, submit_body(source=ALICES, to=ALICES)))
    alice.send(answer(DELIVER, 0, 1, b"\0"))
    assert receipt(alice) == (message_id, b"DELIVRD", b"000")


@pytest.mark.parametrize(
    ("status", "told"),
    [(0x66, (b"REJECTD", b"032")), (0x65, (b"UNDELIV", b"032")), (0x0B, (b"UNDELIV", b"032"))],
)
def test_the_receiver_refuses(alice: Raw, bob: Raw, status: int, told: tuple[bytes, bytes]) -> None:
    message_id = submitted(alice, registered=1)
    bob.frame()
    bob.send(answer(DELIVER, status, 1))
    assert receipt(alice) == (message_id, *told)


def test_a_generic_nack_refuses_too(alice: Raw, bob: Raw) -> None:
    message_id = submitted(alice, registered=1)
    bob.frame()
    bob.send(answer(NACK, 0x03, 1))
    assert receipt(alice) == (message_id, b"UNDELIV", b"032")


def test_the_receiver_asks_to_wait(alice: Raw, bob: Raw) -> None:
    message_id = submitted(alice, registered=1)
    first = bob.frame()
    bob.send(answer(DELIVER, 0x64, 1))
    second = bob.frame()  # a second later
    assert second == request(DELIVER, 2, first[16:])
    bob.send(answer(DELIVER, 0, 2, b"\0"))
    assert receipt(alice) == (message_id, b"DELIVRD", b"000")


def test_an_offline_receiver_gets_it_when_it_comes(live: Live, alice: Raw) -> None:
    message_id = submitted(alice, registered=1, text=b"later")
    cancelled = submitted(alice, 3, registered=1, text=b"never")
    address = bytes(ALICES[:2]) + c(ALICES[2])
    alice.send(request(CANCEL, 4, c("") + c(cancelled) + address + bytes(BOBS[:2]) + c(BOBS[2])))
    assert alice.frame() == answer(CANCEL, 0, 4)
    assert receipt(alice) == (cancelled, b"DELETED", b"000")
    replace = c(message_id) + address + c("") * 2 + bytes((1, 0, 3)) + b"now"
    alice.ask(request(REPLACE, 5, replace), answer(REPLACE, 0, 5))
    with esme(live, "bob", BIND_TX) as transmitter, esme(live, "bob", BIND_RX) as bob:
        bob.expect(request(DELIVER, 1, submit_body(source=ALICES, to=BOBS, text=b"now")))
        bob.send(answer(DELIVER, 0, 1, b"\0"))
        assert receipt(alice) == (message_id, b"DELIVRD", b"000")
        transmitter.ask(request(ENQUIRE_LINK, 2), answer(ENQUIRE_LINK, 0, 2))
        bob.ask(request(ENQUIRE_LINK, 2), answer(ENQUIRE_LINK, 0, 2))


def test_a_connection_that_breaks_loses_nothing(live: Live, alice: Raw) -> None:
    with esme(live, "bob", BIND_RX) as bob:
        message_id = submitted(alice, registered=1)
        first = bob.frame()
    with esme(live, "bob", BIND_RX) as bob:
        bob.expect(first)
        bob.send(answer(DELIVER, 0, 1, b"\0"))
        assert receipt(alice) == (message_id, b"DELIVRD", b"000")


def test_delivery_and_manual_acknowledgements_find_the_sender(live: Live, alice: Raw, bob: Raw) -> None:
    name = (5, 0, b"ACME")
    message_id = submitted(alice, source=name, registered=0x0D, tail=tlv(REFERENCE, b"\0\7"))
    bob.expect(request(DELIVER, 1, submit_body(source=name, to=BOBS, registered=0x0C, tail=tlv(REFERENCE, b"\0\7"))))
    bob.send(answer(DELIVER, 0, 1, b"\0"))
    assert receipt(alice) == (message_id, b"DELIVRD", b"000")
    for sequence, kind in ((2, 0x08), (3, 0x10)):
        ack = submit_body(
            source=BOBS, to=name, esm_class=kind, text=b"ok", tail=tlv(REFERENCE, b"\0\7") + tlv(0x0205, b"\1")
        )
        bob.send(request(SUBMIT, sequence, ack))
        field(bob.frame(), SUBMIT)
        alice.expect(request(DELIVER, sequence, ack))
    bob.send(request(SUBMIT, 4, submit_body(source=BOBS, to=name, text=b"an ordinary message")))
    field(bob.frame(), SUBMIT)
    alice.lives()


def test_the_reply_path_leads_to_the_sender(alice: Raw, bob: Raw) -> None:
    name = (5, 0, b"ACME")
    submitted(alice, source=name, esm_class=0x80)
    bob.expect(request(DELIVER, 1, submit_body(source=name, to=BOBS, esm_class=0x80)))
    bob.send(request(SUBMIT, 2, submit_body(source=BOBS, to=name, text=b"my reply")))
    field(bob.frame(), SUBMIT)
    alice.expect(request(DELIVER, 1, submit_body(source=BOBS, to=name, text=b"my reply")))


def data_body(source: tuple[int, int, bytes], to: tuple[int, int, bytes], *, registered: int = 0, tail: bytes) -> bytes:
    addresses = b"".join(bytes(address[:2]) + c(address[2]) for address in (source, to))
    return c("") + addresses + bytes((0, registered, 0)) + tail


def test_data_sm_both_ways(alice: Raw, bob: Raw) -> None:
    long = tlv(PAYLOAD, b"x" * 3000)
    alice.send(request(DATA, 2, data_body(ALICES, BOBS, registered=5, tail=long)))
    message_id = field(alice.frame(), DATA)
    bob.expect(request(DATA, 1, data_body(ALICES, BOBS, registered=4, tail=long)))
    bob.send(answer(DATA, 0, 1, b"\0"))
    assert receipt(alice) == (message_id, b"DELIVRD", b"000")
    back = data_body(BOBS, ALICES, tail=tlv(PAYLOAD, b"y"))
    bob.send(request(DATA, 2, back))
    field(bob.frame(), DATA)
    alice.expect(request(DATA, 2, back))
    alice.send(answer(DATA, 0, 2))
    alice.lives()
    alice.send(request(SUBMIT, 9, submit_body(source=ALICES, to=BOBS, text=b"", tail=long)))
    field(alice.frame(), SUBMIT)
    bob.expect(request(DELIVER, 2, submit_body(source=ALICES, to=BOBS, text=b"", tail=long)))


def test_an_old_esme_gets_neither_data_sm_nor_tlvs(live: Live, alice: Raw) -> None:
    with esme(live, "bob", version=0x33) as bob:
        alice.send(request(DATA, 2, data_body(ALICES, BOBS, tail=tlv(PAYLOAD, b"data") + tlv(SOURCE_PORT, b"\0\1"))))
        field(alice.frame(), DATA)
        bob.expect(request(DELIVER, 1, submit_body(source=ALICES, to=BOBS, text=b"data")))
        submitted(alice, 3, tail=tlv(REFERENCE, b"\0\7"))
        bob.expect(request(DELIVER, 2, submit_body(source=ALICES, to=BOBS)))
        bob.send(answer(DELIVER, 0, 1), answer(DELIVER, 0, 2))
        bob.send(request(SUBMIT, 2, submit_body(source=BOBS, to=ALICES, registered=1)))
        message_id = field(bob.frame(), SUBMIT)
        assert len(message_id) == 8
        alice.expect(request(DELIVER, 1, submit_body(source=BOBS, to=ALICES)))
        alice.send(answer(DELIVER, 0, 1))
        _, esm_class, text, tlvs = delivered(bob.frame())
        assert (esm_class, text[:12], tlvs) == (0x04, b"id:" + message_id + b" ", b"")


def test_a_receipt_for_a_new_esme_has_its_tlvs(alice: Raw, bob: Raw) -> None:
    message_id = submitted(alice, registered=1)
    bob.frame()
    bob.send(answer(DELIVER, 0, 1))
    _, _, _, tlvs = delivered(alice.frame())
    assert tlvs == tlv(RECEIPTED, c(message_id)) + tlv(MESSAGE_STATE, b"\2")


def test_the_bind_whose_addresses_these_are(live: Live, alice: Raw) -> None:
    with live.client() as first, live.client() as second:
        for client, digits in ((first, "4477009000*"), (second, "4477009111*")):
            client.ask(request(BIND_RX, 1, bind_body("bob", address_range=digits)), bind_resp(BIND_RX, version=0x50))
        for sequence, digits in ((2, b"447700911100"), (3, b"447700900001")):
            submitted(alice, sequence, to=(1, 1, digits))
        first.expect(request(DELIVER, 1, submit_body(source=ALICES, to=BOBS)))
        second.expect(request(DELIVER, 1, submit_body(source=ALICES, to=(1, 1, b"447700911100"))))


def test_two_smpplib_clients(serve: Serve, smpplib_esme: Callable[..., SmpplibEsme]) -> None:
    smsc = serve(account=[account("alice", address_range="336*"), account("bob", address_range="4477*")])
    alice, bob = smpplib_esme(smsc), smpplib_esme(smsc)
    alice.bind(system_id="alice")
    bob.bind("receiver", system_id="bob")
    message_id = alice.submitted(b"Hi Bob")
    bob.until(lambda: bool(bob.mobile_originated))
    (pdu,) = bob.mobile_originated
    assert (pdu.source_addr, pdu.destination_addr, pdu.short_message) == (b"ACME", b"447700900123", b"Hi Bob")
    alice.until(lambda: bool(alice.receipts))
    assert alice.receipted == [message_id]
