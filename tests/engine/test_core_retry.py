"""What the network could not deliver is tried again; and the modes in which it is not."""

from typing import Any

import pytest

from smppd.engine import operations
from smppd.engine.message import DELETED, DELIVERED, ENROUTE, EXPIRED, SCHEDULED
from smppd.engine.ports import DEFERRED, Attempt
from smppd.network.simple import SimulatedNetwork
from smppd.settings import Delay, Messages, Network, Throughput
from smppwire.constants import TlvTag
from smppwire.pdus import CancelSm, QuerySm, ReplaceSm
from tests.engine.world import (
    ALICE,
    BOB,
    NOON,
    UNDELIVERABLE,
    Phone,
    ScriptedNetwork,
    World,
    account,
    after,
    paced,
    route,
    sms,
    status,
)

ABSENT = after(0.0, ENROUTE, 27)
RETRY = Messages(retry=[10.0, 20.0, 60.0])
IN_TEN_SECONDS = b"000000000010000R"
IN_A_MINUTE = b"000000000100000R"
IN_AN_HOUR = b"000000010000000R"
TWO_MINUTES = b"000000000200000R"


class Line(ScriptedNetwork):
    """A network that remembers when each attempt was made."""

    def __init__(self, *script: Attempt, then: Attempt = ABSENT) -> None:
        super().__init__(*script, then=then)
        self.times: list[float] = []

    def attempt(self, messages: Any, now: float) -> Any:
        self.times += [now - 1000.0] * len(messages)
        return super().attempt(messages, now)


def world_of(network: ScriptedNetwork, *routes: Any, messages: Messages = RETRY, **options: Any) -> World:
    return World(*routes, network=network, messages=messages, **options)


def asked(world: World, phone: Phone, message_id: bytes, version: int = 0x34) -> tuple[int, int, bool]:
    """(state, error_code, final_date given) as query_sm tells it."""
    answer = operations.query(world.engine, phone.bind, QuerySm(message_id=message_id))
    assert answer.command_status == 0
    return answer.message_state or 0, answer.error_code or 0, bool(answer.final_date)


# The schedule.


def test_attempts_follow_the_schedule_whose_last_step_repeats_until_one_succeeds() -> None:
    network = Line(*[ABSENT] * 5, after(0.0, DELIVERED))
    world = world_of(network)
    phone = world.bind()
    (message_id,) = world.submit(phone, sms())
    world.advance(1000.0)
    assert network.times == [0.0, 10.0, 30.0, 90.0, 150.0, 210.0]
    (receipt,) = phone.receipts
    assert (receipt.stat, receipt.err, world.message(message_id).final_wall) == ("DELIVRD", "000", NOON + 210.0)


def test_the_time_an_attempt_takes_comes_on_top() -> None:
    network = Line(then=after(5.0, ENROUTE, 27))
    world = world_of(network)
    world.submit(world.bind(), sms())
    world.advance(60.0)
    assert network.times == [0.0, 15.0, 40.0]


def test_the_end_of_validity_ends_the_attempts_with_the_error_of_the_last() -> None:
    network = Line(ABSENT, after(0.0, ENROUTE, 31))
    world = world_of(network)
    phone = world.bind()
    (message_id,) = world.submit(phone, sms(validity_period=TWO_MINUTES))
    world.advance(25.0)
    assert asked(world, phone, message_id) == (ENROUTE, 31, False)
    network.then = after(0.0, ENROUTE, 27)
    world.advance(94.0)
    assert asked(world, phone, message_id) == (ENROUTE, 27, False)
    world.advance(2.0)
    assert asked(world, phone, message_id) == (EXPIRED, 27, True)
    assert world.message(message_id).final_wall == NOON + 120.0
    assert network.times == [0.0, 10.0, 30.0, 90.0]
    (receipt,) = phone.receipts
    assert (receipt.stat, receipt.err) == ("EXPIRED", "027")
    world.advance(100_000.0)
    assert len(network.times) == 4


def test_a_message_that_nobody_has_tried_expires_without_an_error() -> None:
    world = World(paced("slow", 0.001), messages=RETRY)
    phone = world.bind()
    world.submit(phone, sms(), sms(validity_period=IN_TEN_SECONDS))
    world.advance(11.0)
    assert [(receipt.stat, receipt.err) for receipt in phone.receipts] == [("DELIVRD", "000"), ("EXPIRED", "000")]


def test_a_reload_changes_the_schedule_of_attempts_that_are_not_planned_yet() -> None:
    network = Line()
    world = world_of(network)
    world.submit(world.bind(), sms())
    world.settle()
    world.reload(messages=Messages(retry=[100.0]))
    world.advance(250.0)
    assert network.times == [0.0, 10.0, 110.0, 210.0]


def test_retries_are_in_flight_and_leave_nothing_behind() -> None:
    world = world_of(Line())
    phone = world.bind()
    world.submit(phone, *[sms(registered_delivery=0, validity_period=TWO_MINUTES)] * 50)
    world.advance(60.0)
    assert (world.engine.in_flight, world.engine.esmes["alice"].states[ENROUTE]) == (50, 50)
    world.advance(61.0)
    assert world.engine.in_flight == world.engine.ledger.live == len(world.engine.life.schedule) == 0
    assert world.engine.esmes["alice"].states[EXPIRED] == 50


# Throughput.


def test_a_retry_takes_its_place_in_the_queue_of_its_route() -> None:
    network = Line(ABSENT, ABSENT, then=after(0.0, DELIVERED))
    world = world_of(network, paced("slow", 1.0), messages=Messages(retry=[1.5]))
    world.submit(world.bind(), sms(), sms(), sms(), sms())
    world.advance(10.0)
    assert network.times == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_retry_waits_for_a_route_that_refuses_whatever_is_too_much() -> None:
    network = Line(ABSENT, then=after(0.0, DELIVERED))
    world = world_of(network, route("strict", throughput=Throughput(limit=1, per=30.0)), messages=Messages(retry=[10]))
    phone = world.bind()
    world.submit(phone, sms())
    world.advance(29.0)
    assert network.times == [0.0]
    world.advance(2.0)
    assert network.times == [0.0, 30.0]


def test_a_message_expires_while_its_retry_waits_in_the_queue() -> None:
    network = Line(ABSENT, then=after(0.0, DELIVERED))
    world = world_of(network, paced("slow", 0.01), messages=Messages(retry=[10.0]))
    phone = world.bind()
    world.submit(phone, sms(validity_period=IN_A_MINUTE))
    world.advance(61.0)
    assert [(receipt.stat, receipt.err) for receipt in phone.receipts] == [("EXPIRED", "027")]
    assert len(network.times) == 1
    assert not world.engine.routes["slow"].queue


# Races.


def test_cancelling_between_attempts() -> None:
    network = Line()
    world = world_of(network)
    phone = world.bind()
    (message_id,) = world.submit(phone, sms())
    world.advance(5.0)
    answer = operations.cancel(world.engine, phone.bind, CancelSm(message_id=message_id, source_addr=b"ACME"))
    assert answer.command_status == 0
    world.advance(1000.0)
    assert (world.state(message_id), network.times) == (DELETED, [0.0])
    assert [receipt.stat for receipt in phone.receipts] == ["DELETED"]


def test_replacing_between_attempts() -> None:
    network = Line(ABSENT, then=after(0.0, DELIVERED))
    world = world_of(network)
    phone = world.bind()
    (message_id,) = world.submit(phone, sms())
    world.advance(5.0)
    pdu = ReplaceSm(message_id=message_id, source_addr=b"ACME", registered_delivery=1, short_message=b"New")
    assert operations.replace(world.engine, phone.bind, pdu).command_status == 0
    world.advance(4.0)
    assert network.times == [0.0]
    world.advance(2.0)
    assert (network.times, network.tried[-1].pdu.short_message) == ([0.0, 10.0], b"New")
    assert [receipt.text for receipt in phone.receipts] == ["New"]


@pytest.mark.parametrize(
    ("times", "attempts", "stat"),
    [
        ({"validity_period": b"000000000003000R"}, [0.0], "EXPIRED"),
        ({"schedule_delivery_time": IN_A_MINUTE}, [0.0, 65.0], "DELIVRD"),
        ({"schedule_delivery_time": IN_A_MINUTE, "validity_period": TWO_MINUTES}, [0.0, 65.0], "DELIVRD"),
    ],
)
def test_replaced_times_count_between_attempts(times: dict[str, bytes], attempts: list[float], stat: str) -> None:
    network = Line(ABSENT, then=after(0.0, DELIVERED))
    world = world_of(network)
    phone = world.bind()
    (message_id,) = world.submit(phone, sms())
    world.advance(5.0)
    pdu = ReplaceSm(message_id=message_id, source_addr=b"ACME", registered_delivery=1, short_message=b"New", **times)
    assert operations.replace(world.engine, phone.bind, pdu).command_status == 0
    world.advance(200.0)
    assert (network.times, [receipt.stat for receipt in phone.receipts]) == (attempts, [stat])


def test_a_retry_after_the_end_of_validity_does_not_stand_in_the_way_of_a_replacement() -> None:
    world = world_of(Line(), messages=Messages(retry=[500.0]))
    phone = world.bind()
    (message_id,) = world.submit(phone, sms(validity_period=TWO_MINUTES))
    world.advance(5.0)
    pdu = ReplaceSm(message_id=message_id, source_addr=b"ACME", short_message=b"New")
    assert operations.replace(world.engine, phone.bind, pdu).command_status == 0
    late = ReplaceSm(message_id=message_id, source_addr=b"ACME", schedule_delivery_time=IN_AN_HOUR)
    assert operations.replace(world.engine, phone.bind, late).command_status == status("ESME_RINVEXPIRY")


def test_the_default_validity_of_a_message_under_way_is_not_moved_by_another_attempt() -> None:
    world = world_of(Line(), messages=Messages(retry=[10.0], default_validity=100.0))
    phone = world.bind()
    (message_id,) = world.submit(phone, sms())
    world.advance(5.0)
    late = ReplaceSm(message_id=message_id, source_addr=b"ACME", schedule_delivery_time=TWO_MINUTES)
    assert operations.replace(world.engine, phone.bind, late).command_status == status("ESME_RINVEXPIRY")


def test_a_submission_in_its_place_is_attempted_at_once() -> None:
    network = Line(ABSENT, then=after(0.0, DELIVERED))
    world = world_of(network)
    phone = world.bind()
    first = world.submit(phone, sms())
    world.advance(5.0)
    assert world.submit(phone, sms(text=b"New", replace_if_present_flag=1)) == first
    world.advance(100.0)
    assert network.times == [0.0, 5.0]
    assert [receipt.text for receipt in phone.receipts] == ["New"]


# Intermediate notifications.


def test_each_failed_attempt_is_notified_of_with_its_error() -> None:
    network = Line(after(1.0, ENROUTE, 27), after(1.0, ENROUTE, 31), then=after(1.0, DELIVERED))
    world = world_of(network)
    phone = world.bind()
    world.submit(phone, sms(registered_delivery=0x11))
    world.settle()
    phone.answer()
    heard: list[tuple[float, int, bytes]] = []
    for _ in range(60):
        world.advance(1.0)
        news = phone.received[1 + len(heard) :]
        heard += [(world.clock.time - 1000.0, pdu.esm_class, pdu.short_message) for pdu in news]
        phone.answer()
    assert [(at, esm_class) for at, esm_class, _ in heard] == [(1.0, 0x20), (12.0, 0x20), (33.0, 4)]
    assert [b"stat:ENROUTE err:027" in heard[0][2], b"stat:ENROUTE err:031" in heard[1][2]] == [True, True]


def test_there_is_one_notification_at_a_time_and_it_tells_the_latest() -> None:
    network = Line(ABSENT, after(0.0, ENROUTE, 31), then=after(1000.0))
    world = world_of(network)
    phone = world.bind(kind="transmitter")
    world.submit(phone, sms(registered_delivery=0x10))
    world.advance(50.0)
    assert world.waiting() == 1
    receiver = world.bind(kind="receiver")
    world.settle()
    assert [b"err:031" in pdu.short_message for pdu in receiver.received] == [True]
    receiver.answer()
    assert world.engine.life._asides.notified == set()


def test_what_failed_while_one_was_on_its_way_is_told_after_it() -> None:
    network = Line(ABSENT, after(0.0, ENROUTE, 31), after(0.0, ENROUTE, 32), then=after(1000.0))
    world = world_of(network)
    phone = world.bind()
    world.submit(phone, sms(registered_delivery=0x10))
    world.advance(35.0)
    assert len(phone.bodies) == 1
    phone.answer()
    world.settle()
    phone.answer()
    world.settle()
    assert [pdu.short_message[pdu.short_message.index(b"err:") :][:7] for pdu in phone.received] == [
        b"err:027",
        b"err:032",
    ]
    assert world.waiting() == 0


def test_a_notification_that_was_not_taken_does_not_come_after_the_receipt() -> None:
    world = world_of(Line(then=after(60.0)))
    phone = world.bind()
    world.submit(phone, *[sms(registered_delivery=0x11)] * 2)
    world.settle()
    phone.answer(status("ESME_RX_T_APPN"), 1)
    world.advance(2.0)
    assert [pdu.esm_class for pdu in phone.received] == [0x20] * 3, "while the message is on its way it comes again"
    phone.answer(0, 1)
    world.advance(57.9)
    phone.answer(status("ESME_RX_T_APPN"))
    world.advance(10.0)
    phone.answer()
    world.advance(10.0)
    assert [pdu.esm_class for pdu in phone.received] == [0x20] * 3 + [0x04] * 2
    assert world.waiting() == 0


def test_notifications_end_with_the_message() -> None:
    world = world_of(Line(ABSENT, ABSENT, then=after(0.0, DELIVERED)))
    phone = world.bind()
    world.submit(phone, sms(registered_delivery=0x10))
    world.advance(100.0)
    phone.answer()
    world.settle()
    assert len(phone.bodies) == 1
    assert world.waiting() == world.engine.ledger.live == 0


# Modes.


@pytest.mark.parametrize("mode", [0, 3])
def test_store_and_forward_is_the_default_mode(mode: int) -> None:
    network = Line(ABSENT, then=after(0.0, DELIVERED))
    world = world_of(network)
    phone = world.bind()
    world.submit(phone, sms(esm_class=mode))
    world.advance(20.0)
    assert len(network.times) == 2
    assert len(phone.receipts) == 1


def test_a_datagram_is_tried_once_and_nothing_is_told_of_it() -> None:
    network = Line(ABSENT, then=after(0.0, DELIVERED))
    world = world_of(network)
    phone = world.bind()
    failed, delivered = world.submit(
        phone, sms(esm_class=1, registered_delivery=0x1D), sms(esm_class=1, registered_delivery=0x1D)
    )
    world.advance(1000.0)
    assert len(network.times) == 2
    assert phone.bodies == []
    assert asked(world, phone, failed) == (UNDELIVERABLE, 27, True)
    assert asked(world, phone, delivered) == (DELIVERED, 0, True)
    assert world.engine.ledger.live == 0


def test_a_datagram_cannot_be_scheduled() -> None:
    world = World()
    phone = world.bind()
    refused, past = world.engine.submit(
        phone.bind,
        [
            sms(esm_class=1, schedule_delivery_time=IN_A_MINUTE),
            sms(esm_class=1, schedule_delivery_time=b"200101000000000+"),
        ],
    )
    assert refused == status("ESME_RINVSCHED")
    assert isinstance(past, bytes)


def test_a_datagram_neither_replaces_nor_is_replaced() -> None:
    world = world_of(Line(then=after(60.0)))
    phone = world.bind()
    ids = world.submit(
        phone,
        sms(esm_class=1),
        sms(replace_if_present_flag=1),
        sms(esm_class=1, replace_if_present_flag=1),
    )
    assert len(set(ids)) == 3


def test_transactions_by_submit_sm_are_for_5_0() -> None:
    world = World()
    old, new = world.bind(), world.bind(version=0x50)
    pdu = sms(esm_class=2)
    assert world.engine.submit(old.bind, [pdu]) == [status("ESME_RINVESMCLASS")]
    first, deferred, last = world.engine.submit(new.bind, [sms(), pdu, sms()])
    assert (first, deferred, last) == (b"1000000000", DEFERRED, b"1000000002")
    scheduled = sms(esm_class=2, schedule_delivery_time=IN_A_MINUTE)
    assert world.engine.submit(new.bind, [scheduled]) == [status("ESME_RINVSCHED")]


# The network that does so.


def test_a_message_reaches_a_subscriber_who_was_absent() -> None:
    settings = Network(delay=Delay(distribution="fixed", value=0.5), absent_for=25.0)
    world = world_of(ScriptedNetwork(), networks={"default": SimulatedNetwork("default", settings, 0)})
    phone = world.bind()
    (message_id,) = world.submit(phone, sms())
    world.advance(20.0)
    assert asked(world, phone, message_id) == (ENROUTE, 27, False)
    world.advance(20.0)
    assert asked(world, phone, message_id) == (DELIVERED, 0, True)
    assert world.message(message_id).final_wall == NOON + 31.5


def test_a_scheduled_message_is_scheduled_for_5_0_alone_until_it_starts() -> None:
    world = world_of(Line(ABSENT, then=after(0.0, DELIVERED)))
    old, new = world.bind(), world.bind(version=0x50)
    (message_id,) = world.submit(old, sms(schedule_delivery_time=IN_A_MINUTE))
    world.advance(59.0)
    assert asked(world, old, message_id)[0] == ENROUTE
    assert asked(world, new, message_id)[0] == SCHEDULED
    world.advance(2.0)
    assert asked(world, new, message_id) == (ENROUTE, 27, False)
    world.advance(10.0)
    assert asked(world, new, message_id) == (DELIVERED, 0, True)


def test_an_esme_that_took_a_message_acknowledges_it_itself() -> None:
    world = World(accounts=[account(ALICE), account(BOB, address_range="44*")])
    phone, bob = world.bind(), world.bind(BOB)
    world.submit(phone, sms(b"441", registered_delivery=0x0D))
    world.settle()
    bob.answer()
    world.settle()
    assert [pdu.esm_class for pdu in phone.received] == [4]


def test_an_esme_that_is_absent_answers_a_transaction() -> None:
    world = World(accounts=[account(ALICE), account(BOB, address_range="44*")])
    phone = world.bind(version=0x50)
    assert world.engine.submit(phone.bind, [sms(b"441", esm_class=2)]) == [DEFERRED]
    world.settle()
    ((_, response),) = phone.answers
    assert response.tlv(TlvTag.DELIVERY_FAILURE_REASON) == b"\0"
    bob = world.bind(BOB)
    assert world.engine.submit(phone.bind, [sms(b"441", esm_class=2)]) == [DEFERRED]
    world.settle()
    assert len(phone.answers) == 1
    bob.answer()
    world.settle()
    assert phone.answers[1][1].command_status == 0  # type: ignore[attr-defined]
