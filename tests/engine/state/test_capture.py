"""What is handed out: all of it, in slices, as of one moment, with sessions as if they had ended."""

from __future__ import annotations

import msgspec
import pytest

from smppd.engine.message import Message
from smppd.engine.state.capture import SLICE, Capture
from smppd.engine.state.rows import MESSAGE, ROWS, SUBMIT_SM, MessageRow
from smppd.settings import Messages
from smppwire.pdus import SubmitSm
from tests.engine.state.passage import hand_out, outstanding_of, take_back, twin_of
from tests.engine.world import ALICE, BOB, World, account, slow_world, sms


def slices_of(world: World) -> list[tuple[str, list[object]]]:
    return [msgspec.msgpack.decode(octets, type=tuple[str, list[object]]) for octets in hand_out(world.engine)]


def test_the_row_of_a_message_holds_all_that_a_message_is() -> None:
    """A field that somebody adds to the record, or to submit_sm, has to be handed over as well."""
    elsewhere = {"esme", "route", "bind", "assembly", "outcome", "pdu", "group"}
    assert set(MESSAGE) | elsewhere == set(Message.__slots__)
    assert set(SUBMIT_SM) == set(SubmitSm.__slots__) - {"command_status"}
    assert list(MessageRow.__struct_fields__[: len(MESSAGE)]) == list(MESSAGE)


def test_slices_are_small() -> None:
    world = slow_world()
    phone = world.bind()
    world.submit(phone, *[sms() for _ in range(5 * SLICE)])
    slices = slices_of(world)
    assert max(len(rows) for _, rows in slices) <= SLICE
    assert sum(len(rows) for section, rows in slices if section == "messages") == 5 * SLICE
    assert {section for section, _ in slices} <= set(ROWS)


def test_what_a_session_has_not_acknowledged_waits_again() -> None:
    world = World()
    phone = world.bind()
    ids = world.submit(phone, sms(), sms())
    world.settle()
    assert len(phone.outstanding) == 2
    twin = twin_of(world)
    take_back(hand_out(world.engine), twin)
    world.engine.adopt(twin)
    assert world.waiting() == 2
    again = world.bind()
    world.settle()
    assert again.told == [each.decode() for each in ids]


def test_the_original_goes_on() -> None:
    world = World()
    phone = world.bind()
    world.submit(phone, sms())
    world.settle()
    hand_out(world.engine)
    phone.answer()
    world.settle()
    assert world.engine.ledger.live == 0


def test_a_message_that_is_forgotten_and_still_reported() -> None:
    """An acknowledgement of the handset outlives the record that it is about."""
    world = World(messages=Messages(retain=0))
    sender = world.bind(ALICE, "transmitter")
    world.submit(sender, sms(registered_delivery=0x04))
    world.settle()
    assert not world.engine.messages
    assert world.waiting() == 1
    twin = twin_of(world)
    take_back(hand_out(world.engine), twin)
    assert hand_out(twin) == hand_out(world.engine) or world.engine.esmes[ALICE].binds
    world.engine.adopt(twin)
    phone = world.bind(ALICE, "receiver")
    world.settle()
    (pdu,) = phone.received
    assert pdu.esm_class == 0x08


@pytest.mark.parametrize("kind", ["each", "first", "last"])
def test_parts_of_a_long_message_find_each_other(kind: str) -> None:
    world = World(accounts=[account(ALICE, multipart_receipts=kind), account(BOB)])
    phone = world.bind()
    parts = [sms(text=bytes((5, 0, 3, 9, 2, number)) + b"part", esm_class=0x40) for number in (1, 2)]
    ids = world.submit(phone, parts[0])
    world.settle()
    twin = twin_of(world)
    slices = hand_out(world.engine)
    phone.hang_up()
    take_back(slices, twin)
    world.engine.adopt(twin)
    phone = world.bind()
    ids += world.submit(phone, parts[1])
    world.settle()
    expected = {"each": ids, "first": ids[:1], "last": ids[1:]}[kind]
    assert sorted(phone.told) == [each.decode() for each in expected]


def test_whoever_hands_out_more_may_refer_to_messages() -> None:
    world = slow_world()
    phone = world.bind()
    (message_id,) = world.submit(phone, sms())
    message = world.message(message_id)
    capture = Capture(world.engine, outstanding=outstanding_of, fate=lambda fate: fate)
    more = [("more", [capture])]
    slices = list(capture.slices(lambda one: iter([("more", [one.message(message)])] if one is capture else more)))
    assert ("more", [0]) in slices
