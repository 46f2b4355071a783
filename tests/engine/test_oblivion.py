"""What accounts have in the engine is forgotten: one thing after the other. All together: tests/stateful."""

from __future__ import annotations

from typing import Any

import msgspec

from smppd.engine import broadcast, operations
from smppd.engine.esmes import Forgotten
from smppd.engine.message import ENROUTE
from smppd.engine.oblivion import SLICE, Oblivion
from smppd.engine.ports import DEFERRED
from smppd.engine.submit_multi import submit_multi
from smppd.settings import DistributionList, Messages, Throughput
from smppwire.constants import TlvTag
from smppwire.pdus import BroadcastSm, DataSm, QueryBroadcastSm, SubmitMulti, Tlv
from smppwire.pdus import DistributionList as Listed
from tests.engine.world import (
    ALICE,
    BOB,
    ScriptedNetwork,
    World,
    account,
    after,
    paced,
    settings_with,
    slow_world,
    sms,
    status,
)

FAILED = status("ESME_RDELIVERYFAILURE")


def forget(world: World, *names: str) -> int:
    oblivion = Oblivion(world.engine, names)
    for _ in oblivion.steps():
        pass
    return oblivion.messages


def is_empty(world: World) -> bool:
    return (world.engine.ledger.live, world.engine.in_flight, len(world.engine.messages)) == (0, 0, 0)


def test_messages_and_receipts() -> None:
    world = slow_world()
    phone = world.bind(window=1)
    world.submit(phone, sms(), sms(), sms())
    world.advance(60.0)
    world.submit(phone, sms())
    assert forget(world, ALICE, "nobody") == 4
    assert is_empty(world)
    assert world.waiting() == 0
    assert [type(item) for item in phone.outstanding] == [Forgotten]
    world.advance(1000.0)
    assert len(phone.told) == 1
    phone.answer()
    (message_id,) = world.submit(phone, sms())
    world.advance(60.0)
    assert phone.told[1:] == [message_id.decode()]


def test_a_window_full_of_the_forgotten_opens_when_they_are_answered_or_time_out() -> None:
    for answered in (True, False):
        world = World()
        phone = world.bind(window=1)
        world.submit(phone, sms())
        world.settle()
        forget(world, ALICE)
        forget(world, ALICE)
        (message_id,) = world.submit(phone, sms())
        world.settle()
        assert len(phone.told) == 1
        if answered:
            phone.answer(status("ESME_RX_T_APPN"))
        else:
            phone.keep_silent()
        world.settle()
        assert phone.told[1:] == [message_id.decode()]


def test_a_session_that_ends_gives_nothing_of_it_back() -> None:
    world = World()
    phone = world.bind()
    world.submit(phone, sms())
    world.settle()
    forget(world, ALICE)
    phone.hang_up()
    again = world.bind()
    world.advance(1000.0)
    assert again.told == []
    assert is_empty(world)


def test_the_throughput_window_is_open_and_the_counters_go_on() -> None:
    world = World(accounts=[account(throughput=Throughput(limit=1, burst=2))])
    phone = world.bind()
    assert all(isinstance(each, bytes) for each in world.engine.submit(phone.bind, [sms(), sms()]))
    before = list(world.engine.esmes[ALICE].states)
    forget(world, ALICE)
    assert world.engine.esmes[ALICE].states == before
    assert all(isinstance(each, bytes) for each in world.engine.submit(phone.bind, [sms(), sms()]))


def test_queues_of_routes() -> None:
    world = World(paced("slow", 1))
    alice, bob = world.bind(), world.bind(BOB)
    world.submit(alice, *(sms() for _ in range(5)))
    world.submit(bob, sms())
    assert len(world.engine.routes["slow"].queue) == 5
    forget(world, ALICE)
    assert [message.esme.system_id for message in world.engine.routes["slow"].queue] == [BOB]
    world.advance(10.0)
    assert len(bob.told) == 1
    assert alice.told == []


def part(number: int, total: int = 2) -> Any:
    return sms(esm_class=0x40, text=b"\5\0\3\7" + bytes((total, number)) + b"x")


def test_parts_of_before_do_not_make_a_whole_with_those_of_after() -> None:
    world = World(accounts=[account(multipart_receipts="last")])
    phone = world.bind()
    world.submit(phone, part(1))
    forget(world, ALICE)
    assert len(world.engine.multipart) == 0
    world.submit(phone, part(2))
    world.settle()
    assert phone.told == []  # it waits for the other one
    world.advance(Messages().multipart_timeout)
    assert len(phone.told) == 1


def test_who_waits_for_an_outcome_is_told_that_there_is_none() -> None:
    world = slow_world()
    phone = world.bind()
    assert operations.data(world.engine, phone.bind, DataSm(7, destination_addr=b"1", esm_class=2)) == DEFERRED
    forget(world, ALICE)
    world.settle()
    ((request, response),) = phone.answers
    assert (request.sequence_number, response.command_status) == (7, FAILED)
    assert len(world.engine.life.transactions) == 0


def test_flags_of_absent_subscribers() -> None:
    network = ScriptedNetwork(then=after(0.0, ENROUTE, 27))
    world = World(network=network, messages=Messages(retry=[5.0]))
    network.back[b"1"] = world.clock.now() + 1000.0
    for name in (ALICE, BOB):
        phone = world.bind(name)
        tlvs = (Tlv(TlvTag.SET_DPF, b"\1"),)
        world.submit(phone, sms(b"1", tlvs=tlvs, validity_period=b"000000000003000R"))
    world.advance(10.0)
    assert len(world.engine.life.alerts) == 2
    forget(world, ALICE)
    assert len(world.engine.life.alerts) == 1
    world.advance(1000.0)
    assert len(phone.notices) == 1


def test_what_one_sends_to_the_other() -> None:
    accounts = [account(ALICE, address_range="336*"), account(BOB, address_range="^4477")]
    world = World(accounts=accounts)
    alice, bob = world.bind(ALICE, window=1), world.bind(BOB, window=1)
    to_bob = world.submit(alice, *(sms(b"447700900001") for _ in range(3)))
    world.settle()
    assert world.waiting(BOB) == 3
    forget(world, BOB)  # what was sent to them is the sender's
    assert world.waiting(BOB) == 3
    bob.answer()
    world.settle()
    assert [world.message(each).is_final for each in to_bob] == [True, False, False]
    forget(world, ALICE)
    bob.answer()
    world.advance(10.0)
    assert is_empty(world)
    assert len(bob.received) == 2
    assert (world.waiting(ALICE), world.waiting(BOB)) == (0, 0)
    bob.answer()
    assert is_empty(world)


def test_ways_back() -> None:
    world = World(accounts=[account(ALICE), account(BOB, address_range="^4477")])
    alice, bob = world.bind(ALICE), world.bind(BOB)
    world.submit(alice, sms(b"447700900001", esm_class=0x80, source_addr=b"4455"))
    world.settle()
    bob.answer()
    forget(world, ALICE)
    world.submit(bob, sms(b"4455", source_addr=b"447700900001"))
    world.settle()
    assert len(alice.received) == 0


def test_broadcasts() -> None:
    world = World()
    alice, bob = world.bind(version=0x50), world.bind(BOB, version=0x50)
    tlvs = (
        Tlv(TlvTag.BROADCAST_AREA_IDENTIFIER, b"\0x"),
        Tlv(TlvTag.BROADCAST_CONTENT_TYPE, b"\0\0\0"),
        Tlv(TlvTag.BROADCAST_REP_NUM, b"\0\2"),
        Tlv(TlvTag.BROADCAST_FREQUENCY_INTERVAL, b"\x08\0\x05"),
    )
    asked = []
    for phone in (alice, bob):
        response = broadcast.submit(world.engine, phone.bind, BroadcastSm(source_addr=b"a", tlvs=tlvs))
        assert response.command_status == 0
        asked.append((phone, QueryBroadcastSm(message_id=response.message_id or b"", source_addr=b"a")))
    forget(world, ALICE)
    statuses = [broadcast.query(world.engine, phone.bind, query).command_status for phone, query in asked]
    assert statuses == [status("ESME_RBCASTQUERYFAIL"), 0]
    assert (world.engine.broadcasts.live, len(world.engine.broadcasts)) == (1, 1)
    forget(world, BOB)
    world.advance(100.0)
    assert (world.engine.broadcasts.live, len(world.engine.broadcasts)) == (0, 0)


def test_notifications() -> None:
    world = slow_world()
    phone = world.bind(kind="transmitter")
    world.submit(phone, sms(registered_delivery=0x11))
    assert world.waiting() == 1
    assert len(world.engine.life._asides.notified) == 1
    forget(world, ALICE)
    assert is_empty(world)
    assert len(world.engine.life._asides.notified) == 0


def test_screens() -> None:
    world = World()
    assert len(world.engine.handsets) == 0
    for name in (ALICE, BOB):
        world.submit(world.bind(name), sms(text=name.encode()))
    world.settle()
    forget(world, ALICE)
    assert [shown.text for shown in world.engine.handsets] == [BOB]


def test_a_request_in_work_is_answered_first() -> None:

    world = slow_world()
    members = [f"33{number}" for number in range(1000)]

    everybody = [DistributionList(name="all", members=members)]
    settings = msgspec.structs.replace(settings_with(), distribution_list=everybody)
    world.engine.configure(settings, world.networks)
    phone = world.bind()
    pdu = SubmitMulti(5, dest_address=[Listed(b"all")], short_message=b"x")
    assert submit_multi(world.engine, phone.bind, pdu) == DEFERRED
    assert forget(world, ALICE) == 1000
    ((_, response),) = phone.answers
    assert response.command_status == 0
    assert is_empty(world)
    assert all(not state.reserved for state in world.engine.routes.values())


def test_it_goes_in_slices_and_at_once() -> None:
    world = slow_world()
    phone = world.bind()
    world.submit(phone, *(sms() for _ in range(3 * SLICE)))
    oblivion = Oblivion(world.engine, [ALICE])
    steps = oblivion.steps()
    next(steps)
    assert 0 < oblivion.messages <= SLICE
    assert world.waiting() == 0
    (message_id,) = world.submit(phone, sms())
    assert sum(1 for _ in steps) > 1
    assert list(world.engine.messages) == [message_id]
    assert world.engine.in_flight == 1


def test_those_who_are_remembered() -> None:
    world = World(messages=Messages(retain=4))
    alice, bob = world.bind(), world.bind(BOB)
    for phone in (alice, bob, alice, bob):
        world.submit(phone, sms(registered_delivery=0))
    world.settle()
    forget(world, ALICE)
    assert len(world.engine.messages) == 2
    kept = [world.submit(bob, sms(registered_delivery=0))[0] for _ in range(4)]
    world.settle()
    assert list(world.engine.messages) == kept
