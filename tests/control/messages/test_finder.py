"""Searches find what a look at every message finds, whatever happened to the messages before and between two pages."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from smppd.control.messages import finder
from smppd.control.messages.conditions import compile_search
from smppd.control.messages.finder import Finder, Hit
from smppd.control.messages.index import Index
from smppd.control.messages.search import read_search
from smppd.control.scan import Pace, Turns
from smppd.engine import operations, shelves
from smppd.engine.message import DELIVERED, FIRST_FINAL, DataRecord, Message
from smppd.engine.multipart import text_of
from smppd.engine.ports import Outcome
from smppd.engine.submit_multi import submit_multi
from smppd.settings import Account, Messages
from smppwire.constants import MessageState
from smppwire.pdus import CancelSm, DataSm, ReplaceSm, SmeAddress, SubmitMulti, SubmitSm, Tlv
from tests.engine.world import ALICE, BOB, Phone, World, account, route, slow_world, sms

SMALL_SHELF = 4
PAYLOAD = 0x0424
VENDOR = 0x1403

Naive = Callable[[Message], bool]


def text(message: Message) -> str:
    return text_of(message.pdu, message.esme.dialect.default_alphabet)


def whole_text(message: Message) -> str:
    return text(message) if message.assembly is None else message.assembly.text


def decisive(message: Message) -> Message:
    parts = [message] if message.assembly is None else message.assembly.in_order
    return next((part for part in parts if part.state != DELIVERED), parts[0])


SEARCHES: list[tuple[dict[str, Any], Naive, Naive]] = [
    # what is asked; what holds for a message that is found; the same for a whole text, told by its first part
    ({}, lambda _: True, lambda _: True),
    *(
        (table, holds, holds)
        for table, holds in (
            ({"when": {"destination_addr": "33612"}}, lambda m: m.pdu.destination_addr == b"33612"),
            ({"when": {"destination_addr": "336*"}}, lambda m: m.pdu.destination_addr.startswith(b"336")),
            ({"when": {"destination_addr": "*12"}}, lambda m: m.pdu.destination_addr.endswith(b"12")),
            ({"when": {"destination_addr": ["44*", "33612"]}}, lambda m: m.pdu.destination_addr != b"33699"),
            ({"when": {"destination_addr": {"not": "336*"}}}, lambda m: not m.pdu.destination_addr.startswith(b"336")),
            ({"when": {"source_addr": "A*E"}}, lambda m: m.pdu.source_addr == b"ACME"),
            ({"when": {"account": "bob"}}, lambda m: m.esme.system_id == BOB),
            ({"when": {"route": "uk"}}, lambda m: m.route.name == "uk"),
            ({"when": {"data_coding": 8}}, lambda m: m.pdu.data_coding == 8),
            ({"when": {"registered_delivery": {"min": 1}}}, lambda m: m.pdu.registered_delivery >= 1),
            ({"when": {"priority_flag": [1, 2]}}, lambda m: m.pdu.priority_flag in (1, 2)),
            ({"when": {"tlv": {"0x1403": {"hex": "01"}}}}, lambda m: m.pdu.tlv(VENDOR) == b"\1"),
            ({"when": {"tlv": {"0x1403": {"present": False}}}}, lambda m: m.pdu.tlv(VENDOR) is None),
            ({"when": {"command": "data_sm"}}, lambda m: isinstance(m.pdu, DataRecord)),
            ({"when": {"command": "submit_multi"}}, lambda m: m.group is not None),
            ({"when": {"part": 2}}, lambda m: m.pdu.esm_class == 0x40 and m.pdu.short_message[5] == 2),
            ({"receipt": ["PENDING", "SENT"]}, lambda m: m.receipt in (1, 2)),
            ({"message_id": ["1000000001", "1000000004", "x"]}, lambda m: m.message_id[-3:] in (b"001", b"004")),
        )
    ),
    *(
        (table, lambda m, says=says: says(text(m)), lambda m, says=says: says(whole_text(m)))
        for table, says in (
            ({"contains": "code"}, lambda it: "code" in it),
            ({"contains": "CODE", "ignore_case": True}, lambda it: "code" in it.casefold()),
            ({"contains": "{12}"}, lambda it: "{12}" in it),
            ({"contains": "one half and the other"}, lambda it: "one half and the other" in it),
            ({"contains": "\u20ac"}, lambda it: "\u20ac" in it),
            ({"contains": "\0"}, lambda it: "\0" in it),
            ({"when": {"text": "code 1"}}, lambda it: it == "code 1"),
            ({"when": {"text": {"prefix": "code"}}}, lambda it: it.startswith("code")),
            ({"when": {"text": {"regex": r"code (\d)"}}}, lambda it: re.search(r"code (\d)", it)),
            ({"when": {"text": {"regex": r"^.{0,6}$"}}}, lambda it: re.search(r"^.{0,6}$", it)),
            ({"when": {"text": {"not": {"glob": "*o*"}}}}, lambda it: "o" not in it),
        )
    ),
    *(
        (table, lambda m, holds=holds: holds(m), lambda m, holds=holds: holds(decisive(m)))
        for table, holds in (
            ({"message_state": "DELIVERED"}, lambda m: m.state == DELIVERED),
            ({"message_state": ["ENROUTE", "SCHEDULED"]}, lambda m: m.state < FIRST_FINAL),
            ({"message_state": "DELETED", "error_code": 0}, lambda m: m.state == MessageState.DELETED),
            ({"error_code": [7, 8]}, lambda m: m.error_code == 7),
        )
    ),
]  # fmt: skip


def naive(world: World, holds: Naive, *, whole: bool) -> list[Message]:
    return [
        message
        for message in world.engine.ledger.all_messages()
        if (not whole or message.assembly is None or message.assembly.first is message) and holds(message)
    ]


def hits(index: Index, table: dict[str, Any], after: tuple[int, int] | None = None) -> list[Hit]:
    search = read_search(table)

    async def run() -> list[Hit]:
        # A clock that never moves: no slice is ever over.
        going = Finder(index, compile_search(search, UTC), Pace(float, Turns()), newest_first=search.order == "newest")
        found = going.hits(after)
        return [hit async for hit in _first(found, search.limit)]

    return asyncio.run(run())


async def _first(found: Any, limit: int) -> Any:
    count = 0
    async for hit in found:
        yield hit
        count += 1
        if count == limit:
            return


def check(world: World, index: Index) -> None:
    for table, holds, holds_whole in SEARCHES:
        for unit in ("part", "whole"):
            wanted = naive(world, holds_whole if unit == "whole" else holds, whole=unit == "whole")
            found = [hit.message for hit in hits(index, {**table, "unit": unit, "order": "oldest", "limit": 1000})]
            assert found == wanted, (table, unit)
            found = [hit.message for hit in hits(index, {**table, "unit": unit, "limit": 1000})]
            assert found == wanted[::-1], (table, unit)


TEXTS = (b"code 1", b"Hello", b"\x1b(12\x1b)", b"half", b"\0\0\xff", b"", b"CODE 2", b"one half")


def submission(draw: int) -> SubmitSm:
    """One of many kinds of submissions."""
    kind, seed = draw % 8, draw // 8
    to = (b"33612", b"33699", b"447712", b"4412", b"33612")[seed % 5]
    if kind == 0:
        return sms(to, "code 1 \u20ac\0".encode("utf-16-be"), data_coding=8)
    if kind == 1:
        return sms(to, b"", tlvs=(Tlv(PAYLOAD, b"a code {12}"), Tlv(VENDOR, bytes((seed % 2,)))))
    if kind == 2:
        seq = 1 + seed % 2
        half = (b"one half and t", b"he other")[seq - 1]
        return sms(b"33612", bytes((5, 0, 3, seed % 3, 2, seq)) + half, esm_class=0x40)
    if kind == 3:
        return sms(to, b"code 1", registered_delivery=0, source_addr=b"other", priority_flag=seed % 3)
    if kind == 4:
        return sms(to, b"octets \x00\xff", data_coding=4)
    return sms(to, TEXTS[seed % len(TEXTS)])


def a_world() -> World:
    routes = (route("uk", match={"destination_addr": "44*"}), route("all"))
    accounts: list[Account] = [account(ALICE), account(BOB)]
    return slow_world(*routes, accounts=accounts, messages=Messages(retain=6))


class Finding(RuleBasedStateMachine):
    """Messages come, change, end and are forgotten; searches follow."""

    @initialize()
    def begin(self) -> None:
        self.world = a_world()
        self.index = Index(self.world.engine.messages, max_octets=20_000)
        self.phones = [self.world.bind(name) for name in (ALICE, BOB)]
        self.numbers = itertools.count()

    @property
    def open(self) -> list[Message]:
        return [message for message in self.world.engine.ledger.all_messages() if not message.is_final]

    def pick(self, draw: int) -> Message | None:
        return self.open[draw % len(self.open)] if self.open else None

    def phone_of(self, message: Message) -> Phone:
        return next(phone for phone in self.phones if phone.bind.esme is message.esme)

    @rule(draws=st.lists(st.integers(0, 1000), min_size=1, max_size=9), which=st.integers(0, 1))
    def submit(self, draws: list[int], which: int) -> None:
        self.world.submit(self.phones[which], *map(submission, draws))

    @rule(which=st.integers(0, 1))
    def submit_multi(self, which: int) -> None:
        addresses = tuple(SmeAddress(1, 1, to) for to in (b"33612", b"4412", b"33699"))
        submit_multi(
            self.world.engine, self.phones[which].bind, SubmitMulti(dest_address=addresses, short_message=b"code 1")
        )
        self.world.settle()

    @rule()
    def submit_data(self) -> None:
        pdu = DataSm(destination_addr=b"33612", registered_delivery=1, tlvs=(Tlv(PAYLOAD, b"code 1"),))
        operations.data(self.world.engine, self.phones[0].bind, pdu)

    @rule(draw=st.integers(0, 1000), ends=st.sampled_from([Outcome(2), Outcome(5, 7), Outcome(8, 9)]))
    def end(self, draw: int, ends: Outcome) -> None:
        message = self.pick(draw)
        if message is not None:
            assert self.world.engine.end_early(message, ends)
            assert not self.world.engine.end_early(message, Outcome(3))
            self.world.settle()

    @rule()
    def time_passes(self) -> None:
        self.world.advance(61.0)

    @rule()
    def acknowledge(self) -> None:
        for phone in self.phones:
            phone.answer()
        self.world.settle()

    @rule(draw=st.integers(0, 1000))
    def replace(self, draw: int) -> None:
        message = self.pick(draw)
        if message is not None:
            pdu = ReplaceSm(
                message_id=message.message_id, source_addr=message.pdu.source_addr, short_message=b"code 1 again"
            )
            operations.replace(self.world.engine, self.phone_of(message).bind, pdu)
            self.world.settle()

    @rule(draw=st.integers(0, 1000))
    def cancel(self, draw: int) -> None:
        message = self.pick(draw)
        if message is not None:
            pdu = CancelSm(message_id=message.message_id, source_addr=message.pdu.source_addr)
            operations.cancel(self.world.engine, self.phone_of(message).bind, pdu)
            self.world.settle()

    @rule()
    def search(self) -> None:
        check(self.world, self.index)

    @rule(
        order=st.sampled_from(["newest", "oldest"]),
        limit=st.integers(1, 5),
        draws=st.lists(st.integers(0, 1000), min_size=1, max_size=9),
    )
    def page_while_messages_come_and_go(self, order: str, limit: int, draws: list[int]) -> None:
        """None comes twice, none is left out that stays, and the order is kept."""
        before = list(self.world.engine.ledger.all_messages())
        listed: list[Message] = []
        after: tuple[int, int] | None = None
        for step in range(1000):
            page = hits(self.index, {"order": order, "limit": limit}, after)
            listed += [hit.message for hit in page]
            if len(page) < limit:
                break
            after = page[-1].shelf, page[-1].number
            if step < len(draws):
                self.world.submit(self.phones[step % 2], submission(draws[step]))
                self.acknowledge()
                if draws[step] % 3 == 0:
                    self.time_passes()
        assert len(set(listed)) == len(listed)
        still_there = set(self.world.engine.ledger.all_messages())
        stayed = [message for message in before if message in still_there]
        assert set(stayed) <= set(listed)
        among = [message for message in listed if message in set(stayed)]
        assert among == (stayed[::-1] if order == "newest" else stayed)


@pytest.fixture(autouse=True)
def small_shelves() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelves, "SHELF", SMALL_SHELF)
        patch.setattr(finder, "FEW", 1)
        yield


class TestFinding(Finding.TestCase):  # type: ignore[misc,name-defined]
    settings = settings(
        max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )


def test_the_same_is_found_by_all_ways() -> None:
    world = a_world()
    phone = world.bind()
    world.submit(phone, *map(submission, range(60)))
    index = Index(world.engine.messages)
    check(world, index)
    world.advance(61.0)
    check(world, index)
    phone.answer()
    world.settle()
    check(world, index)
    assert index.octets > 0


def test_nothing_on_a_shelf_is_looked_at_where_nothing_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world()
    phone = world.bind()
    world.submit(phone, *[sms()] * 40)
    index = Index(world.engine.messages)
    looked: list[Message] = []
    monkeypatch.setattr(
        "smppd.control.messages.conditions.Query.accepts", lambda _self, message: looked.append(message)
    )
    for table in (
        {"when": {"destination_addr": "4499"}},
        {"contains": "zyzzyva"},
        {"message_state": "DELETED"},
        {"when": {"account": "bob"}},
        {"when": {"text": {"regex": "^z"}}},
        {"accepted": {"to": "2001-01-01T00:00:00Z"}},
    ):
        assert hits(index, table) == []
        assert looked == [], table


def test_others_have_their_turn() -> None:
    """A clock that moves with every look: every slice is over at once."""
    world = a_world()
    world.submit(world.bind(), *[sms()] * 40)
    index = Index(world.engine.messages)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def run() -> None:
        others = asyncio.get_running_loop().create_task(count())
        pace = Pace(itertools.count().__next__, Turns())
        found = Finder(index, compile_search(read_search({"contains": "Hello"}), UTC), pace, newest_first=True).hits()
        assert len([hit async for hit in found]) == 40
        others.cancel()

    asyncio.run(run())
    assert turns > 40 // SMALL_SHELF
