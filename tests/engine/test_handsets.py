"""What handsets show: delivered texts, whole ones, the latest."""

import pytest

from smppd.engine.handsets import TEXTS_KEPT, Handsets, Shown
from smppd.settings import Messages
from smppwire.constants import TlvTag
from smppwire.pdus import Tlv
from smppwire.segmentation import segment
from smppwire.udh import concat_8bit
from tests.engine.world import (
    ACCEPTED,
    ALICE,
    BOB,
    NOON,
    REJECTED,
    UNDELIVERABLE,
    ScriptedNetwork,
    World,
    account,
    after,
    sms,
)


def test_a_handset_shows_what_was_delivered() -> None:
    world = World(network=ScriptedNetwork(after(5.0), after(1.0, UNDELIVERABLE), after(1.0, ACCEPTED), after(1.0)))
    phone = world.bind()
    world.submit(phone, *(sms(b"33612345678", text) for text in (b"Hello", b"lost", b"kept", b"\x1b\x65 5")))
    assert list(world.engine.handsets) == []
    world.advance(5.0)
    assert list(world.engine.handsets) == [
        Shown(b"33612345678", b"ACME", "€ 5", NOON + 1.0),
        Shown(b"33612345678", b"ACME", "Hello", NOON + 5.0),
    ]


def test_it_shows_the_text_in_its_alphabet_wherever_it_stands() -> None:
    world = World()
    phone = world.bind()
    payload = Tlv(TlvTag.MESSAGE_PAYLOAD, "Ünïcödé 🎉".encode("utf-16-be"))
    world.submit(
        phone,
        sms(text=b"", data_coding=8, tlvs=(payload,)),
        sms(text=b"\x06\x05\x04\x0b\x84\x23\xf0push", esm_class=0x40),
        sms(text=b"\xffno header", esm_class=0x40, data_coding=3),
    )
    world.settle()
    assert [shown.text for shown in world.engine.handsets] == ["Ünïcödé 🎉", "push", "ÿno header"]


def test_a_long_text_appears_once_and_whole() -> None:
    text = "All of it, " * 40
    world = World()
    phone = world.bind()
    for part in segment(text, reference=7):
        world.submit(phone, sms(text=part.short_message, esm_class=part.esm_class))
        world.settle()
    assert [shown.text for shown in world.engine.handsets] == [text]
    assert world.engine.handsets.of(b"33612345678") == list(world.engine.handsets)


def test_one_handset() -> None:
    world = World(network=ScriptedNetwork(after(0.0), after(0.0, REJECTED)))
    phone = world.bind()
    world.submit(phone, *(sms(number, number) for number in (b"331", b"332", b"331", b"333")))
    world.settle()
    assert [shown.text for shown in world.engine.handsets.of(b"331")] == ["331", "331"]
    assert world.engine.handsets.of(b"332") == []
    assert len(world.engine.handsets) == 3


@pytest.mark.parametrize("early", [True, False])
def test_it_makes_no_difference_when_somebody_looks_first(early: bool) -> None:
    world = World(
        network=ScriptedNetwork(after(5.0), after(1.0), after(3.0), after(0.0, UNDELIVERABLE), after(9.0)),
        messages=Messages(retain=100),
    )
    phone = world.bind()
    if early:
        assert list(world.engine.handsets) == []
    lost, on_its_way = (sms(text=concat_8bit(2, 2, seq) + b"part", esm_class=0x40) for seq in (1, 2))
    parts = [sms(text=concat_8bit(1, 2, seq) + b"part", esm_class=0x40) for seq in (1, 2)]
    world.submit(phone, *parts, sms(), lost, on_its_way)
    world.submit(phone, sms(text=concat_8bit(3, 2, 1) + b"single", esm_class=0x40))
    world.advance(9.0)
    assert [(shown.text, shown.wall) for shown in world.engine.handsets] == [
        ("Hello", NOON + 3.0),
        ("partpart", NOON + 5.0),
    ]


@pytest.mark.parametrize("early", [True, False])
def test_an_esme_has_no_screen(early: bool) -> None:
    world = World(accounts=[account(ALICE), account(BOB, address_range="^4477")])
    alice, bob = world.bind(), world.bind(BOB)
    if early:
        assert len(world.engine.handsets) == 0
    parts = [sms(b"447700900001", concat_8bit(1, 2, seq) + b"part", esm_class=0x40) for seq in (1, 2)]
    world.submit(alice, sms(b"447700900001"), *parts, sms(b"331"))
    world.settle()
    bob.answer()
    world.settle()
    assert len(alice.receipts) == 4
    assert [shown.destination for shown in world.engine.handsets] == [b"331"]


def test_only_the_latest_are_kept() -> None:
    world = World()
    phone = world.bind()
    world.submit(phone, *(sms(b"331", b"%d" % number) for number in range(TEXTS_KEPT + 5)))
    world.settle()
    shown = list(world.engine.handsets)
    assert (len(shown), shown[0].text, shown[-1].text) == (TEXTS_KEPT, "5", str(TEXTS_KEPT + 4))


def test_none_are_kept_when_there_is_no_room() -> None:
    world = World()
    (message_id,) = world.submit(world.bind(), sms())
    world.settle()
    handsets = Handsets([world.message(message_id)], 0)
    handsets.show(world.message(message_id))
    assert list(handsets) == []
