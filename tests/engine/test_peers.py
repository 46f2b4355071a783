"""Messages from ESME to ESME: who gets them, what they look like there, and how the answer decides their fate."""

from __future__ import annotations

from typing import Any

import pytest

from smppd.engine import operations
from smppd.engine.dialect import PlainDialect
from smppd.engine.esmes import EsmeState
from smppd.engine.message import DELETED, DELIVERED, ENROUTE, EXPIRED, SCHEDULED, Message
from smppd.engine.peers import MAX_PATHS, Peers
from smppd.engine.submit_multi import submit_multi
from smppd.patterns import AddressRange
from smppd.settings import Messages, Throughput
from smppwire.pdus import CancelSm, DataSm, QuerySm, ReplaceSm, SmeAddress, SubmitMulti, SubmitMultiResp, SubmitSm, Tlv
from tests.engine.world import (
    ALICE,
    BOB,
    REJECTED,
    UNDELIVERABLE,
    Phone,
    World,
    account,
    after,
    paced,
    route,
    sms,
    status,
)

BOBS = b"447700900001"
ALICES = b"33612345678"
SOMEBODY = b"49170000000"
PAYLOAD, REFERENCE, DESTINATION_PORT, QOS, RECEIPTED, VENDOR = 0x0424, 0x0204, 0x020B, 0x0017, 0x001E, 0x1403
ACCOUNTS = (account(ALICE, address_range="336*"), account(BOB, address_range="^4477"))


@pytest.fixture
def world() -> World:
    return World(accounts=ACCOUNTS)


def pair(world: World) -> tuple[Phone, Phone]:
    return world.bind(ALICE), world.bind(BOB)


def delivered_to(world: World, phone: Phone, *pdus: SubmitSm) -> Any:
    """The first deliver_sm that the second ESME gets when the first one submits these."""
    world.submit(phone, *pdus)
    world.settle()


def test_a_message_is_delivered_to_whom_its_address_belongs(world: World) -> None:
    alice, bob = pair(world)
    (message_id,) = world.submit(alice, sms(BOBS, b"Hi Bob", source_addr=ALICES, protocol_id=0x41, priority_flag=2))
    world.settle()
    (pdu,) = bob.received
    assert (pdu.source_addr_ton, pdu.source_addr) == (5, ALICES)
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == (1, 1, BOBS)
    assert (pdu.short_message, pdu.protocol_id, pdu.priority_flag, pdu.esm_class) == (b"Hi Bob", 0x41, 2, 0)
    assert pdu.registered_delivery == 0
    assert world.network.tried == []  # type: ignore[attr-defined]
    assert world.state(message_id) == ENROUTE
    assert alice.received == []
    bob.answer()
    world.settle()
    assert world.state(message_id) == DELIVERED
    assert alice.told == [message_id.decode()]
    assert alice.receipts[0].stat == "DELIVRD"
    assert (world.waiting(ALICE), world.waiting(BOB), world.engine.in_flight) == (1, 0, 0)


def test_others_still_go_to_the_network(world: World) -> None:
    alice, bob = pair(world)
    ids = world.submit(alice, sms(SOMEBODY), sms(BOBS), sms(SOMEBODY))
    world.settle()
    tried = world.network.tried  # type: ignore[attr-defined]
    assert [message.message_id for message in tried] == [ids[0], ids[2]]
    assert len(bob.received) == 1


def test_loopback(world: World) -> None:
    alice = world.bind(ALICE)
    (message_id,) = world.submit(alice, sms(ALICES))
    assert alice.bodies == []  # nothing leaves inside submit: the response goes first
    world.settle()
    assert [pdu.short_message for pdu in alice.received] == [b"Hello"]
    alice.answer()
    world.settle()
    assert alice.told == [message_id.decode()]


def test_a_route_must_match_and_its_throughput_counts() -> None:
    routes = (
        route("mobile", match={"destination_addr": "4477*"}, throughput=Throughput(limit=1)),
        route("rest", match={"destination_addr": "44*"}),
    )
    world = World(*routes, accounts=ACCOUNTS)
    alice, bob = pair(world)
    refused = world.engine.submit(alice.bind, [sms(ALICES), sms(BOBS), sms(BOBS)])
    assert [refused[0], refused[2]] == [status("ESME_RINVDSTADR"), status("ESME_RTHROTTLED")]
    world.settle()
    assert len(bob.received) == 1


def test_a_paced_route_paces_forwards_too() -> None:
    world = World(paced("slow", limit=1), accounts=ACCOUNTS)
    alice, bob = pair(world)
    world.submit(alice, *[sms(BOBS, b"%d" % number) for number in range(3)])
    world.settle()
    assert len(bob.received) == 1
    world.advance(2)
    assert [pdu.short_message for pdu in bob.received] == [b"0", b"1", b"2"]


STATUSES = [
    ("ESME_ROK", DELIVERED, "000"),
    ("ESME_RX_R_APPN", REJECTED, "032"),
    ("ESME_RX_P_APPN", UNDELIVERABLE, "032"),
    ("ESME_RINVDSTADR", UNDELIVERABLE, "032"),
]


@pytest.mark.parametrize(("answer", "state", "error"), STATUSES)
def test_the_answer_decides_the_outcome(world: World, answer: str, state: int, error: str) -> None:
    alice, bob = pair(world)
    (message_id,) = world.submit(alice, sms(BOBS))
    world.settle()
    bob.answer(status(answer))
    world.settle()
    assert world.state(message_id) == state
    assert alice.receipts[0].err == error
    alice.answer()
    assert world.engine.ledger.live == 0
    assert world.engine.life._forwards == {}


@pytest.mark.parametrize("answer", ["ESME_RX_T_APPN", "ESME_RMSGQFUL", "ESME_RTHROTTLED"])
def test_a_retryable_answer_brings_it_again_later(world: World, answer: str) -> None:
    alice, bob = pair(world)
    (message_id,) = world.submit(alice, sms(BOBS))
    world.settle()
    bob.answer(status(answer))
    world.settle()
    assert (len(bob.received), world.state(message_id), world.waiting(BOB)) == (1, ENROUTE, 1)
    world.advance(600)
    assert len(bob.received) == 2
    bob.answer()
    world.settle()
    assert world.state(message_id) == DELIVERED


def test_silence_brings_it_again_later(world: World) -> None:
    alice, bob = pair(world)
    world.submit(alice, sms(BOBS))
    world.settle()
    bob.keep_silent()
    world.advance(600)
    assert (len(bob.received), len(bob.outstanding)) == (2, 1)


def test_it_waits_for_an_absent_esme(world: World) -> None:
    alice = world.bind(ALICE)
    (message_id,) = world.submit(alice, sms(BOBS))
    world.advance(3600)
    assert (world.state(message_id), world.waiting(BOB)) == (ENROUTE, 1)
    bob = world.bind(BOB, "receiver")
    world.settle()
    assert len(bob.received) == 1
    bob.hang_up()
    assert world.waiting(BOB) == 1
    again = world.bind(BOB)
    world.settle()
    assert len(again.received) == 1
    again.answer()
    world.settle()
    assert world.state(message_id) == DELIVERED


@pytest.mark.parametrize("mode", [1, 2])
@pytest.mark.parametrize("failure", ["absent", "ESME_RX_T_APPN", "silence", "lost"])
def test_datagrams_and_transactions_are_tried_once(mode: int, failure: str) -> None:
    world = World(accounts=ACCOUNTS)
    alice = world.bind(ALICE, version=0x50)
    bob = world.bind(BOB, "transmitter" if failure == "absent" else "transceiver")
    world.engine.submit(alice.bind, [sms(BOBS, esm_class=mode)])
    (message,) = world.engine.messages.values()
    world.settle()
    if failure == "silence":
        bob.keep_silent()
    elif failure == "lost":
        bob.hang_up()
        bob = world.bind(BOB)
    elif failure != "absent":
        bob.answer(status(failure))
    world.settle()
    assert (message.state, message.error_code) == (UNDELIVERABLE, 27 if failure == "absent" else 32)
    world.advance(10)
    assert (bob.outstanding, world.waiting(BOB), world.engine.life._forwards) == ([], 0, {})


def test_a_transmitter_gets_nothing(world: World) -> None:
    alice, bob = world.bind(ALICE), world.bind(BOB, "transmitter")
    world.submit(alice, sms(BOBS))
    world.settle()
    assert bob.bodies == []


def test_its_validity_ends_while_the_esme_is_away(world: World) -> None:
    alice = world.bind(ALICE)
    short, long = world.submit(alice, sms(BOBS, validity_period=b"000000000100000R"), sms(BOBS))
    world.advance(59)
    assert world.state(short) == ENROUTE
    world.advance(1.5)
    assert (world.state(short), world.state(long)) == (EXPIRED, ENROUTE)
    assert [(receipt.stat, receipt.err) for receipt in alice.receipts] == [("EXPIRED", "027")]
    bob = world.bind(BOB)
    world.settle()
    assert len(bob.received) == 1, "what has expired does not arrive any more"
    bob.answer()
    world.settle()
    assert world.waiting(BOB) == 0


def test_validity_that_ends_during_delivery_is_final(world: World) -> None:
    alice, bob = pair(world)
    (message_id,) = world.submit(alice, sms(BOBS, validity_period=b"000000000100000R"))
    world.advance(61)
    assert world.state(message_id) == EXPIRED
    alice.answer()
    assert world.engine.ledger.live == 1, "its copy is still on the way"
    bob.answer()
    world.settle()
    assert (world.state(message_id), len(alice.receipts), world.engine.ledger.live) == (EXPIRED, 1, 0)


def test_scheduled(world: World) -> None:
    alice, bob = pair(world)
    (message_id,) = world.submit(alice, sms(BOBS, schedule_delivery_time=b"000000010000000R"))
    world.settle()
    assert (world.state(message_id), bob.bodies) == (SCHEDULED, [])
    world.advance(3600)
    assert len(bob.received) == 1
    assert (bob.received[0].schedule_delivery_time, bob.received[0].validity_period) == (b"", b"")


def test_cancelled_while_it_waits(world: World) -> None:
    alice = world.bind(ALICE)
    ids = world.submit(alice, *[sms(BOBS, b"%d" % number) for number in range(4)])
    for message_id in (ids[0], ids[2]):
        response = operations.cancel(world.engine, alice.bind, CancelSm(1, message_id=message_id, source_addr=b"ACME"))
        assert response.command_status == 0
    world.settle()
    assert [receipt.stat for receipt in alice.receipts] == ["DELETED", "DELETED"]
    bob = world.bind(BOB)
    world.settle()
    assert [pdu.short_message for pdu in bob.received] == [b"1", b"3"]
    bob.answer()
    world.settle()
    alice.answer()
    assert (world.engine.ledger.live, world.waiting(BOB), world.waiting(ALICE)) == (0, 0, 0)


def test_cancelled_ones_do_not_pile_up_for_an_absent_esme() -> None:
    world = World(accounts=ACCOUNTS, messages=Messages(limit=10, retain=0))
    alice = world.bind(ALICE)
    for number in range(50):
        (message_id,) = world.submit(alice, sms(BOBS, b"%d" % number, registered_delivery=0))
        operations.cancel(world.engine, alice.bind, CancelSm(1, message_id=message_id))
        world.settle()
    assert len(world.engine.esmes[BOB].pending) <= 1
    assert world.engine.ledger.live == world.waiting(BOB) <= 1


@pytest.mark.parametrize("refusal", [0, "ESME_RX_T_APPN", "ESME_RX_R_APPN", None])
def test_cancelled_while_it_is_delivered(world: World, refusal: int | str | None) -> None:
    alice, bob = pair(world)
    (message_id,) = world.submit(alice, sms(BOBS))
    world.settle()
    operations.cancel(world.engine, alice.bind, CancelSm(1, message_id=message_id))
    world.settle()
    assert world.state(message_id) == DELETED
    if refusal is None:
        bob.hang_up()
        bob = world.bind(BOB)
    else:
        bob.answer(status(refusal) if isinstance(refusal, str) else refusal)
    world.advance(600)
    assert (world.state(message_id), len(alice.receipts), world.waiting(BOB)) == (DELETED, 1, 0)
    assert bob.outstanding == []
    alice.answer()
    assert world.engine.ledger.live == 0


def test_replaced_while_it_waits(world: World) -> None:
    alice = world.bind(ALICE)
    (message_id,) = world.submit(alice, sms(BOBS, b"old"))
    new = ReplaceSm(1, message_id=message_id, source_addr=b"ACME", short_message=b"new", registered_delivery=0)
    new.validity_period = b"000001000000000R"
    assert operations.replace(world.engine, alice.bind, new).command_status == 0
    world.advance(23 * 3600)
    bob = world.bind(BOB)
    world.settle()
    assert [pdu.short_message for pdu in bob.received] == [b"new"]
    bob.answer()
    world.settle()
    assert (world.state(message_id), alice.receipts) == (DELIVERED, [])


def test_a_replaced_validity_holds_for_what_waits(world: World) -> None:
    alice = world.bind(ALICE)
    (message_id,) = world.submit(alice, sms(BOBS))
    new = ReplaceSm(1, message_id=message_id, short_message=b"new", validity_period=b"000000000100000R")
    assert operations.replace(world.engine, alice.bind, new).command_status == 0
    world.advance(61)
    assert world.state(message_id) == EXPIRED
    assert world.waiting(BOB) == 0


def test_submit_multi_goes_to_each(world: World) -> None:
    alice, bob = pair(world)
    pdu = SubmitMulti(
        1,
        source_addr=ALICES,
        dest_address=(SmeAddress(1, 1, BOBS), SmeAddress(1, 1, SOMEBODY), SmeAddress(1, 1, ALICES)),
        registered_delivery=1,
        short_message=b"all",
    )
    assert isinstance(answer := submit_multi(world.engine, alice.bind, pdu), SubmitMultiResp)
    assert answer.unsuccess_sme == ()
    world.settle()
    assert [pdu.destination_addr for pdu in bob.received] == [BOBS]
    assert [pdu.destination_addr for pdu in alice.received if not pdu.esm_class] == [ALICES]
    bob.answer()
    alice.answer()
    world.settle()
    assert {receipt.stat for receipt in alice.receipts} == {"DELIVRD"}
    assert len(alice.receipts) == 3


def test_an_intermediate_notification_is_sent_for_the_attempt(world: World) -> None:
    alice, bob = pair(world)
    world.submit(alice, sms(BOBS, registered_delivery=0x11))
    world.settle()
    assert [pdu.esm_class for pdu in alice.received] == [0x20]
    assert bob.received[0].registered_delivery == 0


# What it looks like.


@pytest.mark.parametrize("kind", [0x00, 0x40, 0x80, 0xC0, 0x08, 0x10, 0x48])
def test_type_udhi_and_reply_path_are_kept_and_the_mode_is_not(world: World, kind: int) -> None:
    alice, bob = pair(world)
    world.submit(alice, sms(BOBS, b"\x05\x00\x03\x01\x01\x01A", esm_class=kind | 0x03, data_coding=4))
    world.settle()
    (pdu,) = bob.received
    assert (pdu.esm_class, pdu.data_coding, pdu.short_message) == (kind, 4, b"\x05\x00\x03\x01\x01\x01A")


def tlvs_of(version: int, *, submitted: tuple[Tlv, ...], text: bytes = b"Hello") -> tuple[bytes, tuple[int, ...]]:
    world = World(accounts=ACCOUNTS)
    alice, bob = world.bind(ALICE, version=0x50), world.bind(BOB, version=version)
    world.submit(alice, sms(BOBS, text, tlvs=submitted))
    world.settle()
    (pdu,) = bob.received
    return pdu.short_message, tuple(tlv.tag for tlv in pdu.tlvs)


def test_tlvs_that_say_something_to_the_receiver_are_kept() -> None:
    submitted = (
        Tlv(REFERENCE, b"\0\7"),
        Tlv(VENDOR, b"x"),
        Tlv(DESTINATION_PORT, b"\x0b\x84"),
        Tlv(RECEIPTED, b"1\0"),
        Tlv(0x0427, b"\2"),
        Tlv(0x0030, b"\1"),
        Tlv(0x1383, b"\1\1"),
        Tlv(0x0501, b"\2"),
        Tlv(0x7777, b""),
    )
    assert tlvs_of(0x34, submitted=submitted)[1] == (REFERENCE, VENDOR, DESTINATION_PORT, 0x1383)
    assert tlvs_of(0x50, submitted=submitted)[1] == (REFERENCE, VENDOR, DESTINATION_PORT, 0x1383, 0x0501)
    assert tlvs_of(0x33, submitted=submitted)[1] == ()


def test_where_the_text_stands() -> None:
    payload = Tlv(PAYLOAD, b"p" * 300)
    assert tlvs_of(0x34, submitted=(payload,), text=b"") == (b"", (PAYLOAD,))
    assert tlvs_of(0x50, submitted=(), text=b"x" * 255) == (b"x" * 255, ())
    assert tlvs_of(0x34, submitted=(), text=b"x" * 255) == (b"", (PAYLOAD,))
    assert tlvs_of(0x33, submitted=(Tlv(PAYLOAD, b"short"),), text=b"") == (b"short", ())


def test_a_text_that_no_pdu_of_the_receiver_can_carry() -> None:
    world = World(accounts=ACCOUNTS)
    alice, bob = world.bind(ALICE), world.bind(BOB, version=0x33)
    ids = world.submit(alice, sms(BOBS, b"", tlvs=(Tlv(PAYLOAD, b"p" * 300),)), sms(BOBS))
    world.settle()
    assert len(bob.received) == 1
    assert world.state(ids[0]) == UNDELIVERABLE
    assert [receipt.id for receipt in alice.receipts] == [ids[0].decode()]


def submit_data(world: World, phone: Phone, **fields: Any) -> bytes:
    values: dict[str, Any] = {
        "source_addr": ALICES,
        "destination_addr": BOBS,
        "tlvs": (Tlv(REFERENCE, b"\0\7"), Tlv(QOS, b"\0\0\x0e\x10"), Tlv(PAYLOAD, b"data")),
        **fields,
    }
    response = operations.data(world.engine, phone.bind, DataSm(1, **values))
    assert response.command_status == 0
    assert response.message_id is not None
    return response.message_id


def test_data_sm_arrives_as_data_sm(world: World) -> None:
    alice, bob = pair(world)
    message_id = submit_data(world, alice, registered_delivery=0x0D, esm_class=0x43, data_coding=4)
    world.settle()
    (pdu,) = bob.received_data
    assert (pdu.source_addr, pdu.destination_addr, pdu.data_coding) == (ALICES, BOBS, 4)
    assert (pdu.esm_class, pdu.registered_delivery) == (0x40, 0x0C)
    assert pdu.tlvs == (Tlv(REFERENCE, b"\0\7"), Tlv(PAYLOAD, b"data"))
    bob.answer()
    world.settle()
    assert alice.told == [message_id.decode()]


def test_data_sm_arrives_as_deliver_sm_below_34(world: World) -> None:
    alice, bob = world.bind(ALICE), world.bind(BOB, version=0x33)
    submit_data(world, alice)
    world.settle()
    assert [(pdu.short_message, pdu.tlvs) for pdu in bob.received] == [(b"data", ())]


def test_a_replaced_data_sm_keeps_its_kind(world: World) -> None:
    alice = world.bind(ALICE)
    message_id = submit_data(world, alice)
    new = ReplaceSm(1, message_id=message_id, short_message=b"new")
    assert operations.replace(world.engine, alice.bind, new).command_status == 0
    bob = world.bind(BOB)
    world.settle()
    assert [pdu.tlv(PAYLOAD) for pdu in bob.received_data] == [b"new"]


def test_deliver_sm_and_data_sm_keep_their_order(world: World) -> None:
    alice, bob = world.bind(ALICE), world.bind(BOB, window=5)
    world.submit(alice, sms(BOBS, b"1"))
    submit_data(world, alice)
    submit_data(world, alice)
    world.submit(alice, sms(BOBS, b"4"), sms(BOBS, b"5"), sms(BOBS, b"6"))
    world.settle()
    assert bob.commands == [0x05, 0x103, 0x103, 0x05, 0x05]
    assert bob.writes == [1, 2, 2]
    bob.answer()
    world.settle()
    assert bob.received[-1].short_message == b"6"


# Which bind.


def test_the_bind_for_the_address_is_preferred(world: World) -> None:
    alice = world.bind(ALICE)
    first = world.bind(BOB, address_range="44770090000[0-4]")
    second = world.bind(BOB, address_range="44770090000[5-9]")
    rest = world.bind(BOB)
    world.submit(alice, *[sms(b"44770090000%d" % digit) for digit in (1, 6, 2, 7)], sms(b"447711111111"))
    world.settle()
    assert [pdu.destination_addr[-1:] for pdu in first.received] == [b"1", b"2"]
    assert [pdu.destination_addr[-1:] for pdu in second.received] == [b"6", b"7"]
    assert [pdu.destination_addr for pdu in rest.received] == [b"447711111111"]
    first.hang_up()
    world.settle()
    world.submit(alice, sms(b"447700900003"))
    world.settle()
    assert len(rest.received) + len(second.received) == 3 + 3, "what the ended bind had goes by the others"


def test_a_bind_for_other_addresses_is_better_than_none(world: World) -> None:
    alice, bob = world.bind(ALICE), world.bind(BOB, address_range="447700900009")
    world.submit(alice, sms(BOBS))
    world.settle()
    assert len(bob.received) == 1


# The way back.


def acknowledgement(kind: int = 0x08, to: bytes = b"ACME") -> SubmitSm:
    return reply(to, b"got it", esm_class=kind)


def reply(to: bytes, text: bytes, **fields: Any) -> SubmitSm:
    """What Bob submits towards where a message came from, which may be a name."""
    pdu = sms(to, text, source_addr=BOBS, registered_delivery=0, **fields)
    pdu.dest_addr_ton, pdu.dest_addr_npi = (1, 1) if to.isdigit() else (5, 0)
    return pdu


@pytest.mark.parametrize(
    ("registered", "kind", "comes"),
    [
        (0x04, 0x08, True),
        (0x08, 0x10, True),
        (0x0C, 0x10, True),
        (0x04, 0x10, False),
        (0x00, 0x08, False),
        (0x04, 0x00, False),
    ],
)
def test_acknowledgements_of_the_sme_go_back_to_the_sender(
    world: World, registered: int, kind: int, comes: bool
) -> None:
    alice, bob = pair(world)
    world.submit(alice, sms(BOBS, registered_delivery=registered))
    world.settle()
    assert bob.received[0].registered_delivery == registered
    bob.answer()
    world.submit(bob, acknowledgement(kind))
    world.settle()
    assert [(pdu.esm_class, pdu.short_message, pdu.destination_addr) for pdu in alice.received] == (
        [(kind, b"got it", b"ACME")] if comes else []
    )


def test_an_acknowledgement_goes_to_the_sender_even_if_the_address_is_anothers() -> None:
    world = World(accounts=(*ACCOUNTS, account("carol", address_range="555")))
    alice, bob = pair(world)
    carol = world.bind("carol")
    world.submit(alice, sms(BOBS, source_addr=b"555", registered_delivery=0x04))
    world.settle()
    world.submit(bob, acknowledgement(0x08, b"555"), acknowledgement(0x00, b"555"))
    world.settle()
    assert [pdu.esm_class for pdu in alice.received] == [0x08]
    assert [pdu.esm_class for pdu in carol.received] == [0x00]


def test_the_reply_path_leads_back(world: World) -> None:
    alice, bob = pair(world)
    world.submit(alice, sms(BOBS, esm_class=0x80, registered_delivery=0))
    world.settle()
    assert bob.received[0].esm_class == 0x80
    world.submit(bob, reply(b"ACME", b"my answer"), reply(b"OTHER", b"Hello"))
    world.settle()
    assert [pdu.short_message for pdu in alice.received] == [b"my answer"]


def message_of(esme: EsmeState, source: bytes, asked: int = 0x04) -> Message:
    pdu = sms(BOBS, source_addr=source, registered_delivery=asked)
    return Message(b"1", pdu, esme, None, None, 0.0, 0.0, 1.0)  # type: ignore[arg-type]


def test_ways_back_are_bounded_and_the_latest_sender_counts() -> None:
    peers = Peers()
    alice, bob, carol = (EsmeState(account(name), PlainDialect()) for name in (ALICE, BOB, "carol"))
    assert not peers.active
    for number in range(MAX_PATHS + 1):
        peers.remember(bob, message_of(alice, b"%d" % number))
    assert peers.find(bob, acknowledgement(0x08, b"0")) is None
    assert peers.find(bob, acknowledgement(0x08, b"1")) is alice
    peers.remember(bob, message_of(alice, b"1", 0x08))
    assert peers.find(bob, acknowledgement(0x08, b"1")) is alice, "it asked for both"
    peers.remember(bob, message_of(carol, b"1", 0x08))
    assert peers.find(bob, acknowledgement(0x10, b"1")) is carol
    assert peers.find(bob, acknowledgement(0x08, b"1")) is None
    assert peers.find(alice, acknowledgement(0x10, b"1")) is None


# The index.


def test_of_overlapping_ranges_the_first_account_has_the_address() -> None:
    peers = Peers()
    ranges = ["4477*", "44*", "447700900001", "", "99,4[0-9]"]
    esmes = [
        EsmeState(account(f"esme{number}", address_range=text), PlainDialect()) for number, text in enumerate(ranges)
    ]
    peers.configure((esme, AddressRange(esme.settings.address_range)) for esme in esmes)
    owners = {
        b"447700900001": 0, b"4478": 1, b"44": 1, b"41": 4, b"99": 4, b"998": None, b"5": None, b"": None,
    }  # fmt: skip
    for address, place in owners.items():
        assert peers.owner(address) is (None if place is None else esmes[place]), address


def test_reload_and_disabled_accounts(world: World) -> None:
    alice, bob = pair(world)
    assert world.engine.peers.active
    world.reload(accounts=(account(ALICE), account(BOB, address_range="^4477", enabled=False)))
    assert not world.engine.peers.active
    world.submit(alice, sms(BOBS))
    world.settle()
    assert bob.received == []
    world.reload(accounts=(account(ALICE), account(BOB, address_range="^4477")))
    world.submit(alice, sms(BOBS))
    world.settle()
    assert len(bob.received) == 1


def test_query_tells_the_state_of_a_forward(world: World) -> None:
    alice, bob = pair(world)
    (message_id,) = world.submit(alice, sms(BOBS))
    world.settle()
    query = QuerySm(1, message_id=message_id)
    assert operations.query(world.engine, alice.bind, query).message_state == ENROUTE
    bob.answer(status("ESME_RX_R_APPN"))
    world.settle()
    response = operations.query(world.engine, alice.bind, query)
    assert (response.message_state, response.error_code) == (REJECTED, 32)


# How full the server says it is.


def test_congestion() -> None:
    world = World(paced("slow", limit=1, queue=10), accounts=ACCOUNTS, messages=Messages(limit=1000))
    alice = world.bind(ALICE)
    assert world.engine.congestion(alice.bind) == 0
    world.submit(alice, sms(SOMEBODY, registered_delivery=0))
    assert world.engine.congestion(alice.bind) == 1
    world.submit(alice, *[sms(SOMEBODY)] * 5)
    assert world.engine.congestion(alice.bind) == 50
    world.submit(alice, *[sms(SOMEBODY)] * 5)
    assert world.engine.congestion(alice.bind) == 100


def test_congestion_of_an_account_and_of_all_messages() -> None:
    limited = account(ALICE, throughput=Throughput(limit=1, burst=4))
    network = World(accounts=[limited]).network.__class__(then=after(1000))
    world = World(accounts=[limited, account(BOB)], messages=Messages(limit=10), network=network)
    alice, bob = pair(world)
    world.submit(bob, *[sms(SOMEBODY)] * 3)
    assert (world.engine.congestion(bob.bind), world.engine.congestion(alice.bind)) == (30, 30)
    world.submit(alice, sms(SOMEBODY), sms(SOMEBODY), sms(SOMEBODY))
    assert (world.engine.congestion(bob.bind), world.engine.congestion(alice.bind)) == (60, 75)
