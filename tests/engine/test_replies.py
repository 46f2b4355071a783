"""Subscribers reply: to the right address, in an alphabet that has the text, in parts that fit, at the right time."""

from typing import NamedTuple

import pytest

from smppd.engine import replies
from smppd.engine.ports import Attempt
from smppd.settings import Messages
from smppwire.udh import parse_udh
from tests.engine.world import Phone, World, sms


class Says(NamedTuple):
    text: str
    delay: float = 0.0
    source_addr: bytes = b""
    destination_addr: bytes = b""


class Answered(NamedTuple):
    reply: Says
    outcome: None = None
    changes_attempt: bool = False

    def attempt(self, attempt: Attempt, /) -> Attempt:
        raise AssertionError("nothing is decided about the message itself")


def ask(world: World, phone: Phone, *says: Says, source: bytes = b"ACME") -> None:
    for reply in says:
        world.engine.submit(phone.bind, [sms(registered_delivery=0, source_addr=source)], Answered(reply))


def test_from_the_destination_to_the_source_after_a_while() -> None:
    world = World()
    phone = world.bind()
    ask(world, phone, Says("Hello", 2.5))
    world.advance(2.4)
    assert phone.received == []
    assert world.engine.next_due() == 1002.5
    world.advance(0.1)
    (reply,) = phone.received
    assert (reply.source_addr_ton, reply.source_addr_npi, reply.source_addr) == (1, 1, b"33612345678")
    assert (reply.dest_addr_ton, reply.dest_addr_npi, reply.destination_addr) == (5, 0, b"ACME")
    assert (reply.esm_class, reply.data_coding, reply.short_message) == (0, 0, b"Hello")
    phone.answer()
    assert world.engine.ledger.live == 0


def test_other_addresses_are_cut_to_what_fits() -> None:
    world = World()
    phone = world.bind()
    ask(world, phone, Says("x", source_addr=b"1" * 30, destination_addr=b"2" * 30), Says("y", source_addr=b"a\0b"))
    world.settle()
    (reply,) = phone.received
    assert (reply.source_addr, reply.destination_addr) == (b"1" * 20, b"2" * 20)


@pytest.mark.parametrize(
    ("text", "data_coding", "octets"), [("€ {", 0, b"\x1be \x1b("), ("Ж", 8, b"\x04\x16"), ("", 0, b"")]
)
def test_the_alphabet(text: str, data_coding: int, octets: bytes) -> None:
    world = World()
    phone = world.bind()
    ask(world, phone, Says(text))
    world.settle()
    (reply,) = phone.received
    assert (reply.data_coding, reply.short_message) == (data_coding, octets)


def test_long_texts_in_parts_each_with_a_reference_of_its_own() -> None:
    world = World()
    phone = world.bind()
    ask(world, phone, Says("a" * 160), Says("b" * 161), Says("c" * 161), Says("d" * 5000))
    world.settle()
    parts = [(pdu.esm_class, *parse_udh(pdu.short_message)) for pdu in phone.received if pdu.esm_class]
    assert phone.received[0].short_message == b"a" * 160
    places = [(header.concat.ref, header.concat.seq, header.concat.total) for _, header, _ in parts if header.concat]
    assert places[:4] == [(0, 1, 2), (0, 2, 2), (1, 1, 2), (1, 2, 2)]
    assert sum(len(text) for *_, text in parts[4:]) == replies.LONGEST_TEXT
    assert {esm_class for esm_class, *_ in parts} == {0x40}


def test_refused_at_the_limit_of_messages() -> None:
    world = World(messages=Messages(limit=1))
    phone = world.bind()
    ask(world, phone, Says("one"), Says("two", 1.0))
    world.settle()
    assert [pdu.short_message for pdu in phone.received] == [b"one"]
    world.advance(1.0)
    assert len(phone.received) == 1
    assert world.engine.life.replies.count == 0


def test_no_more_wait_than_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "MAX_WAITING", 2)
    world = World()
    phone = world.bind()
    ask(world, phone, *[Says(str(number), 1.0) for number in range(3)])
    assert world.engine.life.replies.count == 2
    world.advance(1.0)
    assert [pdu.short_message for pdu in phone.received] == [b"0", b"1"]


def test_the_esme_below_34_is_replied_to_as_well() -> None:
    world = World()
    phone = world.bind(version=0x33)
    ask(world, phone, Says("Hi"))
    world.settle()
    assert phone.received[0].short_message == b"Hi"
