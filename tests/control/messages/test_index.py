"""What is kept about shelves: numbers for good, columns within bounds, nothing of what is forgotten."""

from __future__ import annotations

import asyncio
import gc
import weakref
from datetime import UTC
from typing import Any

import pytest

from smppd.control.messages.conditions import compile_search
from smppd.control.messages.finder import Finder
from smppd.control.messages.index import MAX_OCTETS, Index, is_kept, size_of
from smppd.control.messages.search import read_search
from smppd.control.scan import Pace, Turns
from smppd.engine import operations, shelves
from smppd.engine.message import Message
from smppd.settings import Messages
from smppwire.pdus import ReplaceSm, SmeAddress, SubmitMulti, Tlv
from tests.engine.world import World, slow_world, sms

SHELF = 4


@pytest.fixture(autouse=True)
def small_shelves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "SHELF", SHELF)


def found(index: Index, **table: Any) -> list[bytes]:
    async def run() -> list[bytes]:
        query = compile_search(read_search(table), UTC)
        return [
            hit.message.message_id
            async for hit in Finder(index, query, Pace(float, Turns()), newest_first=False).hits()
        ]

    return asyncio.run(run())


def kept_octets(index: Index) -> int:
    return sum(size_of(column) for known in index._numbered.values() for column in known.columns.values())


def test_a_replaced_text_is_found_by_what_it_says_now() -> None:
    world = slow_world()
    phone = world.bind()
    ids = [world.submit(phone, sms())[0] for _ in range(10)]
    index = Index(world.engine.messages)
    assert found(index, contains="other") == []
    operations.replace(
        world.engine, phone.bind, ReplaceSm(message_id=ids[1], source_addr=b"ACME", short_message=b"another")
    )
    assert found(index, contains="other") == [ids[1]]
    assert kept_octets(index) == index.octets


def test_a_part_that_is_replaced_changes_the_text_on_another_shelf() -> None:
    world = slow_world()
    phone = world.bind()
    reference = [Tlv(0x020C, b"\0\7"), Tlv(0x020E, b"\2")]
    first = world.submit(phone, sms(text=b"one ", tlvs=(*reference, Tlv(0x020F, b"\1"))))[0]
    world.submit(phone, *[sms()] * SHELF)
    second = world.submit(phone, sms(text=b"two", tlvs=(*reference, Tlv(0x020F, b"\2"))))[0]
    world.submit(phone, *[sms()] * SHELF)
    index = Index(world.engine.messages)
    assert found(index, contains="one two", unit="whole") == [first]
    assert found(index, contains="one six", unit="whole") == []
    operations.replace(
        world.engine, phone.bind, ReplaceSm(message_id=second, source_addr=b"ACME", short_message=b"six")
    )
    assert found(index, contains="one six", unit="whole") == [first]


def test_columns_stay_within_their_bound_and_searches_go_on_without_them() -> None:
    world = slow_world()
    ids = world.submit(world.bind(), *[sms(b"44%04d" % number) for number in range(40)])
    index = Index(world.engine.messages, max_octets=2_000)
    for _ in range(2):
        assert found(index, contains="Hello") == ids
        assert found(index, when={"destination_addr": "440007"}) == [ids[7]]
        assert found(index, when={"account": "alice", "data_coding": 0}) == ids
        assert 0 < index.octets <= 2_000
        assert index.octets == kept_octets(index)
    nothing = Index(world.engine.messages, max_octets=0)
    assert found(nothing, contains="Hello") == ids
    assert nothing.octets == 0
    assert MAX_OCTETS >= 2**28


def test_what_is_forgotten_leaves_memory_and_numbers_stay() -> None:
    world = World(messages=Messages(retain=0))
    phone = world.bind()
    ids = [world.submit(phone, sms())[0] for _ in range(8)]
    index = Index(world.engine.messages)
    assert found(index) == ids
    forgotten = Watched(world.message(ids[0]))
    world.settle()
    phone.answer(count=3)
    world.settle()
    assert world.engine.messages.get(ids[0]) is None
    for _ in range(8):  # which begins other shelves
        world.submit(phone, sms())
    gc.collect()
    assert not forgotten.lives
    first = index.numbered(0)
    assert [message.message_id for message in first.messages] == [ids[3]]
    assert list(first.numbers) == [3]
    assert index.octets == kept_octets(index)


class Watched:
    """Whether a message is still in memory, by the esme-like thing that only it holds."""

    def __init__(self, message: Message) -> None:
        class Held:
            pass

        held = Held()
        message.assembly = held  # type: ignore[assignment]
        self._held = weakref.ref(held)

    @property
    def lives(self) -> bool:
        return self._held() is not None


def test_shelves_that_go_take_what_was_kept_with_them() -> None:
    world = World(messages=Messages(retain=0))
    phone = world.bind()
    for _ in range(12):
        world.submit(phone, sms())
    index = Index(world.engine.messages)
    found(index, contains="Hello")
    assert index.octets
    world.settle()
    phone.answer()
    world.settle()
    world.submit(phone, sms())
    assert len(found(index)) == 1
    assert index.octets == kept_octets(index) == 0


def test_messages_of_a_group_are_kept_each_by_itself() -> None:
    world = slow_world()
    phone = world.bind()
    addresses = tuple(SmeAddress(1, 1, to) for to in (b"1", b"2"))
    from smppd.engine.submit_multi import submit_multi

    answer = submit_multi(world.engine, phone.bind, SubmitMulti(dest_address=addresses, short_message=b"x"))
    assert not isinstance(answer, int)
    assert answer.message_id is not None
    first, second = world.message(answer.message_id).group.members  # type: ignore[union-attr]
    shelf = world.engine.messages.shelf(0)
    assert is_kept(shelf, first)
    del first.group.members[first]  # type: ignore[union-attr]
    assert not is_kept(shelf, first)
    assert is_kept(shelf, second)
