"""What an engine does for accounts whose dialect deviates, and that it does so for them alone."""

from typing import Any

import pytest

from smppd.engine import broadcast, operations
from smppd.engine.message import DELETED, ENROUTE
from smppd.engine.ports import DEFERRED, Dialect
from smppd.engine.slices import SLICE
from smppd.engine.submit_multi import DistributionLists, submit_multi
from smppd.settings import DistributionList as ListSettings
from smppd.settings import Messages
from smppwire.constants import CommandId, MessageState, TlvTag
from smppwire.pdus import (
    CancelBroadcastSm,
    DataSm,
    DataSmResp,
    DistributionList,
    QueryBroadcastSm,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    Tlv,
)
from smppwire.receipt import parse_receipt
from smppwire.text import decode_text, encode_text
from smppwire.udh import parse_udh
from tests.behaviour.speech import dialect
from tests.engine.test_broadcast import cell
from tests.engine.test_operations import cancel, query, replace
from tests.engine.world import ALICE, BOB, UNDELIVERABLE, Phone, ScriptedNetwork, World, account, after, sms, status

HEX = {"response": {"base": "hex"}}
HEX_IDS = dialect(message_id=HEX)


def speaking(spoken: Dialect, *, network: ScriptedNetwork | None = None, **messages: Any) -> World:
    """A world in which Alice's message centre speaks a dialect, and Bob's does not."""
    return World(
        accounts=[account(ALICE, dialect="test"), account(BOB)],
        dialects={"test": spoken},
        network=network,
        messages=Messages(**messages) if messages else None,
    )


def texts(phone: Phone) -> list[bytes]:
    return [pdu.short_message for pdu in phone.received]


def stats(phone: Phone) -> list[str | None]:
    return [parse_receipt(text).stat for text in texts(phone)]


# -- ids


def test_ids_of_one_account_and_not_of_others() -> None:
    world = speaking(HEX_IDS)
    alice, bob = world.bind(), world.bind(BOB)
    assert world.submit(alice, sms(), sms()) == [b"3b9aca00", b"3b9aca01"]
    assert world.submit(bob, sms()) == [b"1000000002"]
    assert world.submit(alice, sms()) == [b"3b9aca03"]


def test_receipts_say_the_same_number_otherwise() -> None:
    world = speaking(HEX_IDS)
    phone = world.bind()
    world.submit(phone, sms(), sms())
    world.settle()
    assert phone.told == ["1000000000", "1000000001"]
    assert phone.received[0].tlv(TlvTag.RECEIPTED_MESSAGE_ID) == b"1000000000\0"


def test_ids_of_sessions_below_34() -> None:
    world = speaking(dialect(message_id={"below_34": {"base": "hex", "width": 6, "prefix": "x"}}))
    assert world.submit(world.bind(version=0x33), sms()) == [b"x9aca00"]
    assert world.submit(world.bind(), sms()) == [b"1000000001"]


def test_ids_of_data_sm_submit_multi_and_broadcast_sm() -> None:
    world = speaking(HEX_IDS)
    phone = world.bind(version=0x50)
    accepted = operations.data(
        world.engine, phone.bind, DataSm(destination_addr=b"1", tlvs=(Tlv(TlvTag.MESSAGE_PAYLOAD, b"x"),))
    )
    assert isinstance(accepted, DataSmResp)
    assert accepted.message_id == b"3b9aca00"
    multi = submit_multi(
        world.engine, phone.bind, SubmitMulti(dest_address=(SmeAddress(1, 1, b"1"), SmeAddress(1, 1, b"2")))
    )
    assert isinstance(multi, SubmitMultiResp)
    assert multi.message_id == b"3b9aca01"


@pytest.mark.parametrize("named", [b"3b9aca00", b"3B9ACA00", b"003b9aca00"])
def test_a_message_is_found_by_the_id_of_its_response_however_it_is_spelled(named: bytes) -> None:
    world = speaking(HEX_IDS, network=ScriptedNetwork(after(60.0)))
    phone = world.bind()
    world.submit(phone, sms())
    assert query(world, phone, named).message_state == ENROUTE
    assert replace(world, phone, named) == 0
    assert cancel(world, phone, named) == 0
    assert world.state(b"3b9aca00") == DELETED


def test_what_no_response_could_have_said_is_malformed() -> None:
    world = speaking(dialect(message_id={"response": {"base": "hex", "prefix": "m-"}}))
    phone = world.bind()
    assert query(world, phone, b"m-3b9aca00").command_status == status("ESME_RQUERYFAIL")
    assert query(world, phone, b"n-3b9aca00").command_status == status("ESME_RINVMSGID")


def test_nobody_finds_the_messages_of_others() -> None:
    world = speaking(HEX_IDS, network=ScriptedNetwork(after(60.0)))
    world.submit(world.bind(), sms())
    assert query(world, world.bind(BOB), b"3b9aca00").command_status == status("ESME_RQUERYFAIL")


# -- a change while running


def test_a_new_dialect_counts_for_what_comes_later() -> None:
    world = speaking(HEX_IDS, network=ScriptedNetwork(after(60.0), then=after(60.0)))
    phone = world.bind()
    world.submit(phone, sms())
    other = dialect(message_id={"response": {"prefix": "n"}}, receipt={"template": "{id}!"})
    world.engine.configure(world.settings, world.networks, {**world.dialects, "test": other})
    assert world.submit(phone, sms()) == [b"n1000000001"]
    assert query(world, phone, b"3b9aca00").message_state == ENROUTE, "it is still found by the id it got"
    world.advance(61.0)
    assert texts(phone) == [b"3b9aca00!", b"1000000001!"]


def test_an_account_changes_its_dialect() -> None:
    world = speaking(HEX_IDS)
    phone = world.bind()
    world.reload(accounts=[account(ALICE), account(BOB, dialect="test")])
    assert world.submit(phone, sms()) == [b"1000000000"]
    assert world.submit(world.bind(BOB), sms()) == [b"3b9aca01"]


# -- receipts


def test_each_account_gets_receipts_in_its_own_dialect() -> None:
    world = speaking(dialect(receipt={"template": "{id} {stat}"}))
    alice, bob = world.bind(), world.bind(BOB)
    world.submit(alice, sms(), sms())
    world.submit(bob, sms())
    world.settle()
    assert texts(alice) == [b"1000000000 DELIVRD", b"1000000001 DELIVRD"]
    assert texts(bob)[0].startswith(b"id:1000000002 sub:001")


def test_receipts_as_data_sm_but_not_below_34() -> None:
    world = speaking(dialect(receipt={"pdu": "data_sm"}))
    modern, old = world.bind(), world.bind(version=0x33)
    world.submit(modern, sms(), sms(registered_delivery=0x11))
    world.submit(old, sms(), sms(registered_delivery=0x11))
    world.settle()
    assert modern.commands == [CommandId.DATA_SM] * 3
    told = [parse_receipt(pdu.tlv(TlvTag.MESSAGE_PAYLOAD) or b"").stat for pdu in modern.received_data]
    assert sorted(map(str, told)) == ["DELIVRD", "DELIVRD", "ENROUTE"]
    assert old.commands == [CommandId.DELIVER_SM] * 3


def test_long_addresses_come_back_by_data_sm_once() -> None:
    """A dialect that sends data_sm anyway needs no widening."""
    world = speaking(dialect(receipt={"pdu": "data_sm"}))
    phone = world.bind()
    asked = DataSm(source_addr=b"5" * 30, destination_addr=b"4" * 30, registered_delivery=1)
    operations.data(world.engine, phone.bind, asked)
    world.settle()
    (pdu,) = phone.received_data
    assert (pdu.source_addr, pdu.destination_addr) == (b"4" * 30, b"5" * 30)


def test_receipts_that_nobody_asked_for() -> None:
    world = speaking(dialect(receipt={"unrequested": True}))
    alice, bob = world.bind(), world.bind(BOB)
    for phone in (alice, bob):
        world.submit(phone, sms(registered_delivery=0), sms(registered_delivery=0, validity_period=b"000000010000000R"))
        world.submit(phone, sms(registered_delivery=0, text=b"\5\0\3\1\2\1x", esm_class=0x40))
        world.submit(phone, sms(registered_delivery=0, esm_class=0x01))
        world.settle()
    assert stats(alice) == ["DELIVRD"] * 3, "datagram mode has none"
    assert stats(bob) == []
    alice.answer()
    assert world.waiting() == 0


def test_receipts_that_nobody_asked_for_go_to_the_bind_that_submitted() -> None:
    """Plain messages are finished together; those without a receipt whoever sent them, but these have one."""
    world = speaking(dialect(receipt={"unrequested": True}))
    phones = [world.bind(), world.bind()]
    ids = [world.submit(phone, sms(registered_delivery=0), sms(registered_delivery=0)) for phone in phones]
    world.settle()
    assert [phone.told for phone in phones] == [[one.decode() for one in two] for two in ids]


def test_whole_messages_are_reported_unasked_too() -> None:
    world = World(
        accounts=[account(ALICE, dialect="test", multipart_receipts="last")],
        dialects={"test": dialect(receipt={"unrequested": True})},
    )
    phone = world.bind()
    parts = [sms(registered_delivery=0, text=b"\5\0\3\1\2%cx" % number, esm_class=0x40) for number in (1, 2)]
    world.submit(phone, *parts)
    world.settle()
    assert phone.told == ["1000000001"]


# -- ACCEPTD first

ACCEPTS_FIRST = dialect(receipt={"accepted_first": True})


def test_an_accepted_receipt_comes_first_and_the_message_is_still_on_its_way() -> None:
    world = speaking(ACCEPTS_FIRST, network=ScriptedNetwork(then=after(60.0)))
    phone = world.bind()
    (message_id,) = world.submit(phone, sms())
    assert phone.bodies == [], "never before the response"
    world.settle()
    assert stats(phone) == ["ACCEPTD"]
    assert phone.received[0].tlv(TlvTag.MESSAGE_STATE) == bytes((MessageState.ACCEPTED,))
    assert query(world, phone, message_id).message_state == ENROUTE
    world.advance(61.0)
    assert stats(phone) == ["ACCEPTD", "DELIVRD"]
    phone.answer()
    assert world.waiting() == 0
    assert world.engine.ledger.live == 0


def test_it_comes_first_whatever_becomes_of_the_message_at_once() -> None:
    world = speaking(ACCEPTS_FIRST, network=ScriptedNetwork(then=after(0.0, UNDELIVERABLE)))
    phone = world.bind()
    world.submit(phone, sms(), sms(esm_class=0x40, text=b"\5\0\3\1\2\1x"), sms(validity_period=b"000000010000000R"))
    world.settle()
    assert sorted(map(str, stats(phone))) == ["ACCEPTD"] * 3 + ["UNDELIV"] * 3
    by_id: dict[str | None, list[str | None]] = {}
    for text in texts(phone):
        told = parse_receipt(text)
        by_id.setdefault(told.id, []).append(told.stat)
    assert set(map(tuple, by_id.values())) == {("ACCEPTD", "UNDELIV")}


def test_plain_messages_get_it_as_well() -> None:
    """Those that a route decides at once are taken in batches."""
    world = speaking(ACCEPTS_FIRST)
    phone = world.bind()
    world.submit(phone, sms(), sms(registered_delivery=0), sms())
    world.settle()
    assert sorted(map(str, stats(phone))) == ["ACCEPTD", "ACCEPTD", "DELIVRD", "DELIVRD"]
    assert stats(phone)[0] == "ACCEPTD"


def test_those_of_a_submit_multi_get_it_behind_the_response() -> None:
    """A large one is taken in slices: what its first messages have to say waits for the answer."""
    count = 2 * SLICE
    world = speaking(ACCEPTS_FIRST)
    members = [f"44{number}" for number in range(count)]
    world.engine.lists = DistributionLists([ListSettings(name="all", members=members)])
    phone = world.bind()
    request = SubmitMulti(registered_delivery=1, dest_address=(DistributionList(b"all"),))
    assert submit_multi(world.engine, phone.bind, request) == DEFERRED
    while not phone.answers:
        assert phone.bodies == []
        world.engine.run()
    world.settle()
    told = stats(phone)
    assert (told.count("ACCEPTD"), told.count("DELIVRD")) == (count, count)
    by_address: dict[bytes, list[str | None]] = {}
    for pdu, stat in zip(phone.received, told, strict=True):
        by_address.setdefault(pdu.source_addr, []).append(stat)
    assert set(map(tuple, by_address.values())) == {("ACCEPTD", "DELIVRD")}


@pytest.mark.parametrize("registered_delivery", [0, 2])
def test_who_asks_for_nothing_or_for_failures_gets_none(registered_delivery: int) -> None:
    world = speaking(ACCEPTS_FIRST)
    phone = world.bind()
    world.submit(phone, sms(registered_delivery=registered_delivery))
    world.settle()
    assert phone.bodies == []


def test_at_the_limit_of_messages_it_is_left_out() -> None:
    world = speaking(ACCEPTS_FIRST, network=ScriptedNetwork(then=after(60.0)), limit=1)
    phone = world.bind()
    world.submit(phone, sms())
    world.settle()
    assert phone.bodies == []
    world.advance(61.0)
    assert stats(phone) == ["DELIVRD"]


def test_it_is_not_repeated_once_the_message_is_final() -> None:
    world = speaking(ACCEPTS_FIRST, network=ScriptedNetwork(then=after(1.0)))
    phone = world.bind()
    world.submit(phone, sms())
    world.settle()
    phone.answer(status("ESME_RX_T_APPN"))
    world.advance(3600.0)
    assert stats(phone) == ["ACCEPTD", "DELIVRD"]
    phone.answer()
    assert world.waiting() == 0


# -- what is added, and what is too long

ADDED = [{"pdu": "deliver_sm", "tag": 0x1403, "value": "01"}, {"pdu": "data_sm", "tag": 0x1454}]


def mo(text: bytes) -> bytes:
    """The body of a deliver_sm from a subscriber."""
    return b"\0\1\x011\0\1\x012\0\0\0\0\0\0\0\0\0\0%c%b" % (len(text), text)


def test_vendor_tlvs_on_everything_that_is_delivered() -> None:
    world = speaking(dialect(vendor_tlvs=ADDED))
    modern, old = world.bind(), world.bind(version=0x33)
    for phone in (modern, old):
        assert world.engine.deliver("mo", ALICE, mo(b"Hello"), bind=phone.bind)
        world.submit(phone, sms())
        world.settle()
    assert [pdu.tlvs[-1] for pdu in modern.received] == [Tlv(0x1403, b"\x01")] * 2
    assert [pdu.tlvs for pdu in old.received] == [(), ()]


def forwarding(spoken: Dialect, **fields: Any) -> tuple[World, Phone]:
    """A world in which what goes to 44... goes to Alice, and Bob's phone to send it with."""
    world = World(
        accounts=[account(ALICE, dialect="test", address_range="44*", **fields), account(BOB)],
        dialects={"test": spoken},
    )
    return world, world.bind(BOB)


def test_vendor_tlvs_on_what_comes_from_other_esmes() -> None:
    world, bob = forwarding(dialect(vendor_tlvs=ADDED))
    alice = world.bind()
    world.submit(bob, sms(b"441"))
    submitted = DataSm(destination_addr=b"442", tlvs=(Tlv(TlvTag.MESSAGE_PAYLOAD, b"x"),))
    operations.data(world.engine, bob.bind, submitted)
    world.settle()
    assert alice.received[0].tlvs == (Tlv(0x1403, b"\x01"),)
    assert alice.received_data[0].tlvs[-1] == Tlv(0x1454, b"")


def test_what_is_longer_than_the_dialect_allows_is_not_delivered() -> None:
    world, bob = forwarding(dialect(session={"max_pdu": 300}))
    alice = world.bind()
    world.submit(bob, sms(b"441", tlvs=(Tlv(TlvTag.MESSAGE_PAYLOAD, b"x" * 300),), text=b""), sms(b"441"))
    world.settle()
    assert texts(alice) == [b"Hello"]
    alice.answer()
    world.settle()
    assert sorted(map(str, stats(bob))) == ["DELIVRD", "UNDELIV"]
    assert world.engine.deliver("mo", ALICE, mo(b"x" * 250))
    assert world.engine.deliver("mo", ALICE, mo(b"x" * 255) + bytes(50))
    world.settle()
    assert texts(alice) == [b"Hello", b"x" * 250]


# -- alphabets


@pytest.mark.parametrize("alphabet", ["latin-1", "utf-8", "gsm7-packed"])
def test_handsets_show_a_text_in_the_alphabet_of_its_account(alphabet: str) -> None:
    world = speaking(dialect(text={"default_alphabet": alphabet}))
    phone = world.bind()
    world.submit(phone, sms(text=encode_text("Größe", 0, default_alphabet=alphabet)))
    halves = [b"\5\0\3\1\2\1", b"\5\0\3\1\2\2"]
    for header, half in zip(halves, ("Grüße an ", "alle"), strict=True):
        text = encode_text(half, 0, default_alphabet=alphabet, udh=parse_udh(header)[0])
        world.submit(phone, sms(text=header + text, esm_class=0x40))
    world.settle()
    assert [shown.text for shown in world.engine.handsets] == ["Größe", "Grüße an alle"]


@pytest.mark.parametrize("alphabet", ["latin-1", "utf-8", "ascii", "gsm7-packed"])
@pytest.mark.parametrize("payload", [False, True])
def test_what_goes_to_another_esme_is_written_in_its_alphabet(alphabet: str, payload: bool) -> None:
    world, bob = forwarding(dialect(text={"default_alphabet": alphabet}))
    alice = world.bind()
    gsm = encode_text("Größe {1}", 0)
    tlvs = (Tlv(TlvTag.MESSAGE_PAYLOAD, gsm),) if payload else ()
    world.submit(bob, sms(b"441", text=b"" if payload else gsm, tlvs=tlvs))
    header = b"\5\0\3\1\2\1"
    world.submit(bob, sms(b"441", text=header + gsm, esm_class=0x40))
    world.submit(bob, sms(b"441", text=b"\x00G", data_coding=8), sms(b"441", text=b"\xff", data_coding=4))
    world.settle()
    first, part, wide, binary = alice.received
    expected = "Gr??e {1}" if alphabet == "ascii" else "Größe {1}"
    octets = (first.tlv(TlvTag.MESSAGE_PAYLOAD) if payload else first.short_message) or b""
    assert decode_text(octets, 0, default_alphabet=alphabet) == expected
    udh, rest = parse_udh(part.short_message)
    assert decode_text(rest, 0, default_alphabet=alphabet, udh=udh) == expected
    assert part.short_message.startswith(header)
    assert (wide.short_message, binary.short_message) == (b"\x00G", b"\xff")


def test_broadcasts_are_found_by_the_ids_of_the_dialect() -> None:
    world = speaking(HEX_IDS)
    phone = world.bind(version=0x50)
    response = broadcast.submit(world.engine, phone.bind, cell())
    assert response.message_id == b"3b9aca00"

    def asked(message_id: bytes) -> int:
        pdu = QueryBroadcastSm(message_id=message_id, source_addr_ton=5, source_addr=b"ACME")
        return broadcast.query(world.engine, phone.bind, pdu).command_status

    assert asked(b"3B9ACA00") == 0
    assert asked(b"3b9aca01") == status("ESME_RBCASTQUERYFAIL")
    assert asked(b"x") == status("ESME_RINVMSGID")
    unknown = cell(message_id=b"x", replace_if_present_flag=1)
    assert broadcast.submit(world.engine, phone.bind, unknown).command_status == status("ESME_RINVMSGID")
    cancelled = CancelBroadcastSm(message_id=b"x", source_addr_ton=5, source_addr=b"ACME")
    assert broadcast.cancel(world.engine, phone.bind, cancelled).command_status == status("ESME_RINVMSGID")


def test_the_default_dialect_is_what_strangers_hear() -> None:
    world = speaking(HEX_IDS)
    assert world.engine.dialect is world.dialects["default"]
