"""The ledger: what is remembered, and that nothing else is."""

from typing import Any

import pytest

from smppd.engine import operations
from smppd.engine.ids import END_OF_IDS, FIRST_ID, hex_id
from smppd.engine.ledger import Ledger
from smppd.engine.message import DELIVERED
from smppd.settings import Messages
from smppwire.pdus import QuerySm
from tests.engine.world import (
    ScriptedNetwork,
    World,
    after,
    moment,
    paced,
    sms,
)


def test_settled_messages_are_forgotten_beyond_the_retained_ones_oldest_first() -> None:
    world = World(messages=Messages(retain=3))
    phone = world.bind()
    ids = [world.submit(phone, sms())[0] for _ in range(6)]
    world.settle()
    assert list(world.engine.messages) == ids
    phone.answer(count=5)
    world.settle()
    assert list(world.engine.messages) == ids[2:]
    phone.answer()
    world.settle()
    assert list(world.engine.messages) == ids[3:]
    assert operations.query(world.engine, phone.bind, QuerySm(message_id=ids[5])).message_state == DELIVERED


def test_neither_pending_messages_nor_pending_receipts_are_forgotten() -> None:
    world = World(network=ScriptedNetwork(after(500.0)), messages=Messages(retain=0))
    transmitter = world.bind(kind="transmitter")
    slow, unread = world.submit(transmitter, sms(), sms())
    world.submit(transmitter, *[sms(registered_delivery=0)] * 100)
    world.settle()
    assert list(world.engine.messages) == [slow, unread]


def test_a_reload_may_retain_fewer() -> None:
    world = World()
    phone = world.bind()
    world.submit(phone, *[sms(registered_delivery=0)] * 10)
    world.settle()
    world.reload(messages=Messages(retain=4))
    world.settle()
    assert len(world.engine.messages) == 4


@pytest.mark.parametrize(
    "fields",
    [
        {},
        moment(b"000001000000000R"),
        {"schedule_delivery_time": b"000000000001000R", **moment(b"000001000000000R")},
        {"registered_delivery": 0x11},
    ],
)
def test_nothing_is_kept_of_what_is_forgotten(fields: dict[str, Any]) -> None:
    """A validity of a day must not keep a message for a day when it was delivered in a second."""
    world = World(paced("slow", 1000), network=ScriptedNetwork(then=after(0.5)), messages=Messages(retain=10))
    phone = world.bind()
    for _ in range(30):
        world.submit(phone, *[sms(**fields) for _ in range(20)])
        world.advance(1.0)
        phone.answer()
    world.advance(10.0)
    phone.answer()
    world.settle()
    engine = world.engine
    assert (engine.in_flight, engine.ledger.live, world.waiting()) == (0, 0, 0)
    assert len(engine.messages) == len(engine.ledger._done) == 10
    assert (
        len(engine.life.schedule) == len(engine.life.retries) == len(engine.life._ready) == len(engine.life.queued) == 0
    )
    assert engine.run() is None


def test_cancelled_messages_do_not_stay_until_their_time() -> None:
    world = World(network=ScriptedNetwork(then=after(50_000.0)), messages=Messages(retain=0))
    phone = world.bind()
    for _ in range(50):
        for message_id in world.submit(phone, *[sms(registered_delivery=0)] * 20):
            world.engine.delete(world.message(message_id))
        world.advance(0.01)
    assert world.engine.messages == {}
    assert len(world.engine.life.schedule) == 0


# The ledger by itself.


def test_ids_are_taken_in_rows_and_begin_again_before_they_grow_longer() -> None:
    book = Ledger()
    assert book.ids(5) == FIRST_ID
    book.next_id += 5
    assert book.take_id(None) == b"%d" % (FIRST_ID + 5)
    assert book.take_id(hex_id) == b"%08X" % (FIRST_ID + 6)
    book.next_id = END_OF_IDS - 2
    assert book.ids(2) == END_OF_IDS - 2
    assert book.ids(3) == FIRST_ID


def test_it_is_full_at_the_limit_and_counts_what_enters_and_leaves() -> None:
    world = World()
    phone = world.bind()
    book = Ledger()
    book.configure(Messages(limit=2, retain=1))
    accepted = [world.message(message_id) for message_id in world.submit(phone, sms(), sms())]
    for message in accepted:
        book.messages.put(message)
    assert list(book.all_messages()) == accepted
    assert not book.is_full
    book.enter(phone.bind.esme, 2)
    assert (book.is_full, book.live, book.in_flight, book.intake) == (True, 2, 2, 2)
    book.settle(accepted)
    assert (book.is_full, book.live) == (False, 0)
    book.forget_surplus()
    assert list(book.messages.values()) == accepted[1:]


def test_pending_messages_are_indexed_when_somebody_asks() -> None:
    world = World(network=ScriptedNetwork(then=after(10.0)))
    phone = world.bind()
    ids = world.submit(phone, sms(), sms(b"44"), sms())
    assert world.engine.ledger.pending is None
    found = world.engine.ledger.pending_towards(phone.bind.esme, b"33612345678")
    assert [message.message_id for message in found] == [ids[0], ids[2]]
    assert world.engine.ledger.pending is not None
