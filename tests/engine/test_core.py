"""The engine: what is accepted, what becomes of it, and that nothing is lost, doubled or kept for ever."""

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.engine import core, operations
from smppd.engine.core import EVENTS_PER_TURN, FIRST_ID
from smppd.engine.message import ACCEPTED, DELETED, DELIVERED, ENROUTE, EXPIRED, SCHEDULED
from smppd.engine.ports import Attempt, Outcome
from smppd.network.simple import SimulatedNetwork
from smppd.settings import Messages, Network, Throughput
from smppwire.constants import TlvTag
from smppwire.pdus import QuerySm, SubmitSm, Tlv
from tests.engine.world import (
    ALICE,
    BOB,
    FINAL_STATES,
    NOON,
    UNDELIVERABLE,
    ScriptedNetwork,
    World,
    account,
    after,
    paced,
    route,
    sms,
    status,
)

IN_AN_HOUR = b"000000010000000R"
TEN_SECONDS = b"000000000010000R"


def slow_world(*routes: Any, **options: Any) -> World:
    """Messages are on their way for 60 seconds."""
    return World(*routes, network=ScriptedNetwork(then=after(60.0)), **options)


# What is accepted.


def test_answers_come_in_the_order_of_the_requests() -> None:
    world = World(route("fr", match={"destination_addr": "33*"}))
    phone = world.bind()
    answers = world.engine.submit(
        phone.bind, [sms(), sms(b"44"), sms(source_addr_npi=99), sms(b""), sms(), sms(b"", source_addr_npi=99)]
    )
    assert answers == [
        b"1000000000",
        status("ESME_RINVDSTADR"),
        status("ESME_RINVSRCNPI"),
        status("ESME_RINVDSTADR"),
        b"1000000001",
        status("ESME_RINVSRCNPI"),
    ]


def test_values_are_judged_by_the_policy_of_the_bind() -> None:
    world = World()
    reserved = sms(registered_delivery=3)
    assert world.engine.submit(world.bind(version=0x34).bind, [reserved]) == [status("ESME_RINVREGDLVFLG")]
    assert world.engine.submit(world.bind(version=0x50).bind, [reserved]) == [b"1000000000"]


def test_an_empty_batch_is_nothing() -> None:
    world = World()
    assert world.engine.submit(world.bind().bind, []) == []


def test_ids_are_unique_decimal_and_of_ten_digits() -> None:
    world = World()
    phones = [world.bind(ALICE), world.bind(BOB)]
    ids = [message_id for _ in range(50) for phone in phones for message_id in world.submit(phone, sms(), sms())]
    assert len(set(ids)) == 200
    assert all(message_id.isdigit() and len(message_id) == 10 for message_id in ids)


def test_ids_of_esmes_below_34_are_8_hex_digits() -> None:
    world = World()
    old, modern = world.bind(version=0x33), world.bind()
    ids = [*world.submit(old, sms(), sms(validity_period=TEN_SECONDS)), *world.submit(modern, sms())]
    assert ids == [b"3B9ACA00", b"3B9ACA01", b"1000000002"]


def test_refused_messages_take_no_id() -> None:
    world = World(route("fr", match={"destination_addr": "33*"}, throughput=Throughput(limit=1, burst=3)))
    phone = world.bind()
    past = sms(validity_period=b"200720120000000+")
    answers = world.engine.submit(phone.bind, [sms(b"44"), sms(), past, sms(), sms(source_addr_npi=99), sms(), sms()])
    assert [answer for answer in answers if isinstance(answer, bytes)] == [b"1000000000", b"1000000001", b"1000000002"]


def test_ids_begin_again_before_they_grow_longer() -> None:
    world = World(messages=Messages(retain=0))
    phone = world.bind()
    world.engine._next_id = core.END_OF_IDS - 2
    assert world.submit(phone, sms(), sms()) == [b"9999999998", b"9999999999"]
    assert world.submit(phone, sms(), sms()) == [b"%d" % FIRST_ID, b"%d" % (FIRST_ID + 1)]
    world.engine._next_id = core.END_OF_IDS
    assert world.engine.take_id(hex_ids=False) == b"%d" % FIRST_ID


# Limits of accounts and routes.


def test_an_account_over_its_throughput_is_refused_and_recovers() -> None:
    world = World(accounts=[account(throughput=Throughput(limit=10, burst=2, over="ESME_RSUBMITFAIL")), account(BOB)])
    alice, bob = world.bind(ALICE), world.bind(BOB)
    answers = world.engine.submit(alice.bind, [sms()] * 5)
    assert answers[2:] == [status("ESME_RSUBMITFAIL")] * 3
    assert world.observer.throttling == {(ALICE, "account"): 3}
    world.submit(bob, *[sms()] * 5)
    world.advance(0.1)
    assert len(world.submit(alice, sms())) == 1


def test_an_account_may_be_limited_in_parts() -> None:
    world = World(accounts=[account(throughput=Throughput(limit=10, burst=3, count="parts"))])
    phone = world.bind()
    answers = world.engine.submit(phone.bind, [sms(text=b"x" * 200), sms(text=b"x" * 200), sms()])
    assert [isinstance(answer, bytes) for answer in answers] == [True, False, True]


def test_a_route_over_its_throughput_refuses() -> None:
    world = World(route("all", throughput=Throughput(limit=1, burst=2)))
    phone = world.bind()
    assert world.engine.submit(phone.bind, [sms()] * 3)[2] == status("ESME_RTHROTTLED")
    assert world.observer.throttling == {(ALICE, "route"): 1}


def test_a_pacing_route_sends_exactly_its_limit() -> None:
    world = World(paced("slow", 10, burst=3))
    phone = world.bind()
    ids = world.submit(phone, *[sms()] * 103)
    world.settle()
    assert len(phone.bodies) == 3
    for second in range(1, 11):
        world.advance(1.0)
        assert len(phone.bodies) == 3 + 10 * second
    assert [told.encode() for told in phone.told] == ids


def test_many_pacing_routes_keep_their_own_pace() -> None:
    world = World(
        *(route(f"r{n}", match={"destination_addr": f"33{n}*"}, throughput=Throughput(limit=n, over="queue"))
          for n in range(1, 6))
    )  # fmt: skip
    phone = world.bind()
    world.submit(phone, *[sms(b"33%d" % n) for _ in range(100) for n in range(1, 6)])
    world.advance(10.0)
    counts = Counter(pdu.source_addr for pdu in phone.received)
    assert counts == {b"33%d" % n: 1 + 10 * n for n in range(1, 6)}


def test_a_queue_of_parts_neither_spins_nor_stalls() -> None:
    """The window is open for one part, but the next message has two: nobody must ask again and again until then."""
    world = World(paced("slow", 10, burst=2, count="parts"))
    phone = world.bind()
    world.submit(phone, *[sms(text=b"x" * 200)] * 11)
    turns = 0
    run = world.engine.run

    def counted() -> float | None:
        nonlocal turns
        turns += 1
        return run()

    world.engine.run = counted  # type: ignore[method-assign]
    world.advance(2.001)
    assert len(phone.bodies) == 11
    assert turns < 60


def test_a_full_queue_refuses_and_recovers() -> None:
    world = World(paced("slow", 10, queue=5))
    phone = world.bind()
    answers = world.engine.submit(phone.bind, [sms()] * 8)
    assert answers[6:] == [status("ESME_RMSGQFUL")] * 2
    assert world.observer.throttling == {(ALICE, "queue"): 2}
    world.advance(0.1)
    assert len(world.submit(phone, sms())) == 1
    world.advance(10.0)
    assert len(phone.bodies) == 7


def test_a_cancelled_message_makes_room_in_the_queue() -> None:
    world = World(paced("slow", 10, queue=2))
    phone = world.bind()
    ids = world.submit(phone, *[sms()] * 3)
    world.engine.delete(world.message(ids[2]))
    assert len(world.submit(phone, sms())) == 1


def test_the_limit_of_messages_refuses_and_recovers() -> None:
    """Accepted and not done with: on their way, or with a receipt that nobody has acknowledged."""
    world = World(network=ScriptedNetwork(then=after(5.0)), messages=Messages(limit=4))
    phone = world.bind(window=3)
    assert world.engine.submit(phone.bind, [sms()] * 6)[4:] == [status("ESME_RMSGQFUL")] * 2
    assert world.observer.throttling == {(ALICE, "limit"): 2}
    world.advance(5.0)
    assert world.engine.submit(phone.bind, [sms()]) == [status("ESME_RMSGQFUL")]
    phone.answer(count=2)
    assert len(world.submit(phone, sms(registered_delivery=0), sms(registered_delivery=0))) == 2
    world.advance(5.0)
    phone.answer()
    world.settle()
    phone.answer()
    world.submit(phone, *[sms()] * 4)


@pytest.mark.parametrize("place", range(5))
def test_the_limit_holds_within_a_batch_wherever_a_message_with_times_stands(place: int) -> None:
    world = slow_world(messages=Messages(limit=3))
    batch = [sms() for _ in range(5)]
    batch[place] = sms(validity_period=TEN_SECONDS)
    answers = world.engine.submit(world.bind().bind, batch)
    assert [isinstance(answer, bytes) for answer in answers] == [True, True, True, False, False]
    assert world.engine.in_flight == 3


# Outcomes.


@pytest.mark.parametrize("state", FINAL_STATES)
@pytest.mark.parametrize("delay", [0.0, 2.5])
def test_every_outcome_after_every_delay(state: int, delay: float) -> None:
    world = World(network=ScriptedNetwork(after(delay, state, 7)))
    phone = world.bind()
    (message_id,) = world.submit(phone, sms())
    if delay:
        world.advance(2.49)
        assert world.state(message_id) == ENROUTE
    world.advance(0.01)
    message = world.message(message_id)
    assert (message.state, message.error_code, message.final_wall) == (state, 7, NOON + (delay or 0.0))
    assert len(phone.receipts) == 1
    assert phone.receipts[0].err == "007"


@pytest.mark.parametrize(
    ("registered_delivery", "state", "version", "classes"),
    [
        (0x00, DELIVERED, 0x34, []),
        (0x00, UNDELIVERABLE, 0x34, []),
        (0x01, DELIVERED, 0x34, [4]),
        (0x01, UNDELIVERABLE, 0x34, [4]),
        (0x02, DELIVERED, 0x34, []),
        (0x02, ACCEPTED, 0x34, []),
        (0x02, UNDELIVERABLE, 0x34, [4]),
        (0x02, EXPIRED, 0x34, [4]),
        (0x03, DELIVERED, 0x50, [4]),
        (0x03, UNDELIVERABLE, 0x50, []),
        (0x10, DELIVERED, 0x34, [0x20]),
        (0x20, DELIVERED, 0x34, [0x20]),
        (0x11, DELIVERED, 0x34, [0x20, 4]),
        (0x22, DELIVERED, 0x34, [0x20]),
        (0x22, UNDELIVERABLE, 0x34, [0x20, 4]),
        (0x04, DELIVERED, 0x34, [0x08]),
        (0x08, DELIVERED, 0x34, [0x10]),
        (0x0C, DELIVERED, 0x34, [0x08, 0x10]),
        (0x1D, DELIVERED, 0x34, [0x20, 4, 0x08, 0x10]),
        (0x0E, DELIVERED, 0x34, [0x08, 0x10]),
        (0x0C, ACCEPTED, 0x34, []),
        (0x0D, UNDELIVERABLE, 0x34, [4]),
    ],
)
def test_exactly_what_was_asked_for_is_sent(
    registered_delivery: int, state: int, version: int, classes: list[int]
) -> None:
    world = World(network=ScriptedNetwork(after(1.0, state)))
    phone = world.bind(version=version)
    world.submit(phone, sms(registered_delivery=registered_delivery))
    world.advance(2.0)
    assert [pdu.esm_class for pdu in phone.received] == classes


def test_each_route_asks_its_own_network_in_the_order_of_submission() -> None:
    good, bad = ScriptedNetwork(), ScriptedNetwork(then=Attempt(0.0, Outcome(UNDELIVERABLE)))
    world = World(
        route("fr", match={"destination_addr": "33*"}, network="good"),
        route("rest", network="bad"),
        networks={"good": good, "bad": bad},
    )
    phone = world.bind()
    ids = world.submit(phone, sms(b"331"), sms(b"332"), sms(b"44"), sms(b"333"))
    world.settle()
    assert [world.state(each) for each in ids] == [DELIVERED, DELIVERED, UNDELIVERABLE, DELIVERED]
    assert good.batches == [2, 1]


@given(
    cuts=st.lists(st.integers(1, 6), min_size=1, max_size=8),
    timed=st.sets(st.integers(0, 20)),
    foreign=st.sets(st.integers(0, 8)),
)
def test_the_fate_of_a_message_does_not_depend_on_how_the_stream_was_cut(
    cuts: list[int], timed: set[int], foreign: set[int]
) -> None:
    """Neither on how many arrive together, with or without times of their own, nor on what other accounts send."""
    outcomes = {"DELIVRD": 1.0, "UNDELIV": 1.0, "REJECTD": 1.0}

    def fates(batches: list[int], *, others: bool) -> list[tuple[int, float]]:
        world = World(network=SimulatedNetwork("default", Network(outcome=outcomes), 3))  # type: ignore[arg-type]
        alice, bob = world.bind(ALICE), world.bind(BOB)
        ids: list[bytes] = []
        for place, count in enumerate(batches):
            if others and place in foreign:
                world.submit(bob, sms())
            numbers = range(len(ids), len(ids) + count)
            ids += world.submit(alice, *[sms(validity_period=IN_AN_HOUR if n in timed else b"") for n in numbers])
        world.advance(5.0)
        return [(world.state(each), world.message(each).final_wall) for each in ids]

    assert fates(cuts, others=True) == fates([1] * sum(cuts), others=False)


def test_a_final_state_never_changes() -> None:
    world = World(network=ScriptedNetwork(after(5.0), after(0.0), after(5.0)))
    phone = world.bind()
    ids = world.submit(phone, sms(), sms(), sms(validity_period=TEN_SECONDS))
    for message_id in ids:
        world.engine.delete(world.message(message_id))
    world.advance(100.0)
    assert [world.state(each) for each in ids] == [DELETED] * 3
    for message_id in ids:
        world.engine.delete(world.message(message_id))
    world.settle()
    assert [receipt.stat for receipt in phone.receipts] == ["DELETED"] * 3
    assert world.engine.in_flight == 0


# Times.


def moment(text: bytes) -> dict[str, bytes]:
    return {"validity_period": text}


@pytest.mark.parametrize(
    ("fields", "expires_after"),
    [
        ({}, 1000.0),
        (moment(TEN_SECONDS), 10.0),
        (moment(b"260720120030000+"), 30.0),
        (moment(b"260720140030008+"), 30.0),
        (moment(b"260720115930504+"), None),
        (moment(b"000100000000000R"), 2000.0),
        (moment(b"000000000000000R"), 0.0),
        (moment(b"260720115959000+"), None),
        ({"schedule_delivery_time": TEN_SECONDS}, 1010.0),
        ({"schedule_delivery_time": TEN_SECONDS, **moment(b"000000000011000R")}, 11.0),
        ({"schedule_delivery_time": TEN_SECONDS, **moment(b"000000000009000R")}, None),
        ({"schedule_delivery_time": b"250720120000000+"}, 1000.0),
    ],
)
def test_validity(fields: dict[str, bytes], expires_after: float | None) -> None:
    """Absolute with its offset, relative, default, clipped to the maximum; over or before the schedule is refused."""
    world = World(
        network=ScriptedNetwork(then=after(50_000.0)), messages=Messages(default_validity=1000.0, max_validity=2000.0)
    )
    phone = world.bind()
    if expires_after is None:
        assert world.engine.submit(phone.bind, [sms(**fields)]) == [status("ESME_RINVEXPIRY")]
        return
    (message_id,) = world.submit(phone, sms(**fields))
    if expires_after:
        world.advance(expires_after - 0.001)
        assert world.state(message_id) < DELIVERED
    world.advance(0.001)
    assert world.state(message_id) == EXPIRED
    assert [receipt.stat for receipt in phone.receipts] == ["EXPIRED"]


def test_malformed_times_are_refused_by_name() -> None:
    world = World()
    phone = world.bind()
    refused = [sms(schedule_delivery_time=b"tomorrow"), sms(validity_period=b"000000000010000r")]
    assert world.engine.submit(phone.bind, refused) == [status("ESME_RINVSCHED"), status("ESME_RINVEXPIRY")]
    beyond = b"991231000000000R"
    world.clock.time += 86_400.0 * 365 * 7_950
    assert world.engine.times_of(beyond, b"", world.clock.now(), world.clock.wall()) == status("ESME_RINVSCHED")
    assert world.engine.times_of(b"", beyond, world.clock.now(), world.clock.wall()) == status("ESME_RINVEXPIRY")


def test_an_outcome_before_the_end_of_validity_counts_and_one_after_does_not() -> None:
    world = World(network=ScriptedNetwork(after(9.0), after(10.0), after(11.0)))
    phone = world.bind()
    ids = world.submit(phone, *[sms(validity_period=TEN_SECONDS)] * 3)
    world.advance(100.0)
    assert [world.state(each) for each in ids] == [DELIVERED, DELIVERED, EXPIRED]


def test_the_longest_validity_counts_from_the_start() -> None:
    """One that is cut is not refused because it was scheduled for later than that."""
    world = World(
        network=ScriptedNetwork(then=after(50_000.0)), messages=Messages(default_validity=1000.0, max_validity=2000.0)
    )
    phone = world.bind()
    (message_id,) = world.submit(phone, sms(schedule_delivery_time=IN_AN_HOUR, validity_period=b"000000040000000R"))
    world.advance(3600.0 + 1999.999)
    assert world.state(message_id) == ENROUTE
    world.advance(0.001)
    assert world.state(message_id) == EXPIRED


@pytest.mark.parametrize(("version", "ends_in"), [(0x34, 100.0), (0x50, 30.0)])
def test_a_qos_time_to_live_of_50_supersedes_the_validity(version: int, ends_in: float) -> None:
    """Before 5.0 it belongs to data_sm alone, and is ignored."""
    world = World(network=ScriptedNetwork(then=after(50_000.0)), messages=Messages(default_validity=100.0))
    phone = world.bind(version=version)
    lives = Tlv(TlvTag.QOS_TIME_TO_LIVE, (30).to_bytes(4, "big"))
    ids = [
        *world.submit(phone, sms(tlvs=(lives,))),
        *world.submit(phone, sms(tlvs=(lives,), validity_period=b"000000000140000R")),  # 100 s
    ]
    world.advance(ends_in - 0.001)
    assert [world.state(each) for each in ids] == [ENROUTE] * 2
    world.advance(0.001)
    assert [world.state(each) for each in ids] == [EXPIRED] * 2


def test_a_scheduled_message_starts_at_its_time() -> None:
    world = World()
    phone = world.bind()
    (message_id,) = world.submit(phone, sms(schedule_delivery_time=IN_AN_HOUR))
    world.advance(3599.999)
    assert world.state(message_id) == SCHEDULED
    assert phone.bodies == []
    world.advance(0.001)
    assert world.state(message_id) == DELIVERED
    assert phone.receipts[0].submit_date == "2607201200"
    assert phone.receipts[0].done_date == "2607201300"


def test_scheduled_messages_start_in_the_order_of_their_times() -> None:
    world = World()
    phone = world.bind()
    texts = [b"0000000000%02d000R" % seconds for seconds in (30, 10, 20, 10)]
    ids = world.submit(phone, *[sms(schedule_delivery_time=text) for text in texts])
    world.advance(60.0)
    tried = [message.message_id for message in world.network.tried]  # type: ignore[attr-defined]
    assert tried == [ids[1], ids[3], ids[2], ids[0]]


@pytest.mark.parametrize("over", ["queue", "ESME_RTHROTTLED"])
def test_scheduled_messages_wait_for_the_throughput_of_their_route_whatever_it_does_with_others(over: str) -> None:
    world = World(route("slow", throughput=Throughput(limit=10, over=over)))
    phone = world.bind()
    ids = world.submit(phone, *[sms(schedule_delivery_time=TEN_SECONDS)] * 25)
    world.advance(10.0)
    assert len(phone.bodies) == 1
    world.advance(1.0)
    assert len(phone.bodies) == 11
    world.advance(10.0)
    assert [told.encode() for told in phone.told] == ids


@pytest.mark.parametrize("fields", [{}, moment(b"000000000130000R")])
def test_what_waits_in_a_queue_expires_at_its_time(fields: dict[str, bytes]) -> None:
    """Also behind others, with the default validity or with one of its own."""
    world = World(paced("slow", 0.001), messages=Messages(default_validity=90.0))
    phone = world.bind()
    long = sms(validity_period=IN_AN_HOUR)
    first, before, message_id, behind = world.submit(phone, sms(), long, sms(**fields), long)
    world.advance(89.999)
    assert world.state(message_id) == ENROUTE
    world.advance(0.001)
    assert [world.state(each) for each in (first, before, message_id, behind)] == [DELIVERED, ENROUTE, EXPIRED, ENROUTE]
    assert list(world.engine.routes["slow"].queue) == [world.message(before), world.message(behind)]
    assert [receipt.stat for receipt in phone.receipts] == ["DELIVRD", "EXPIRED"]


def test_a_prolonged_message_still_meets_the_outcome_of_its_network() -> None:
    """It would have expired first; now it does not."""
    world = slow_world()
    phone = world.bind()
    (message_id,) = world.submit(phone, sms(validity_period=TEN_SECONDS))
    world.engine.reschedule(world.message(message_id), 0.0, world.clock.time + 600.0)
    world.advance(59.0)
    assert world.state(message_id) == ENROUTE
    world.advance(1.0)
    assert world.state(message_id) == DELIVERED


# replace_if_present_flag.


def replacing(**fields: Any) -> SubmitSm:
    return sms(replace_if_present_flag=1, text=b"Newer", **fields)


def test_a_pending_message_of_the_same_addresses_is_replaced() -> None:
    world = slow_world()
    phone = world.bind()
    older, newer = world.submit(phone, sms(service_type=b"CMT"), sms(service_type=b"CMT"))
    assert world.submit(phone, replacing(service_type=b"CMT", registered_delivery=0)) == [newer]
    assert world.engine.in_flight == 2
    world.advance(60.0)
    assert [(receipt.id, receipt.text) for receipt in phone.receipts] == [(older.decode(), "Hello")]
    assert world.message(newer).pdu.short_message == b"Newer"


@pytest.mark.parametrize(
    "fields",
    [
        {"destination": b"33600000000"},
        {"source_addr": b"OTHER"},
        {"source_addr_npi": 1},
        {"service_type": b"WAP"},
    ],
)
def test_where_nothing_matches_a_message_is_made(fields: dict[str, Any]) -> None:
    world = slow_world()
    phone = world.bind()
    (old,) = world.submit(phone, sms())
    assert world.submit(phone, replacing(**fields)) != [old]
    assert world.engine.in_flight == 2


def test_a_session_below_34_is_answered_with_no_longer_id_than_it_has_room_for() -> None:
    world = slow_world()
    new, old = world.bind(), world.bind(version=0x33)
    (long_id,) = world.submit(new, sms())
    (short_id,) = world.submit(old, replacing())
    assert (len(long_id), len(short_id)) == (10, 8)
    assert world.message(long_id).pdu.short_message == b"Hello"
    assert world.submit(old, replacing()) == [short_id]


def test_messages_of_others_and_final_ones_are_not_replaced() -> None:
    world = slow_world()
    alice, bob = world.bind(ALICE), world.bind(BOB)
    (old,) = world.submit(alice, sms())
    assert world.submit(bob, replacing()) != [old]
    world.advance(60.0)
    assert world.submit(alice, replacing()) != [old]


def test_a_replacement_finds_what_came_before_it_in_the_same_batch() -> None:
    world = slow_world()
    phone = world.bind()
    answers = world.submit(phone, sms(), replacing(), sms(), replacing())
    assert answers[0] == answers[1]
    assert answers[2] == answers[3] != answers[0]


def test_a_replacement_brings_its_own_times() -> None:
    world = slow_world()
    phone = world.bind()
    (scheduled,) = world.submit(phone, sms(schedule_delivery_time=IN_AN_HOUR))
    world.submit(phone, replacing(schedule_delivery_time=TEN_SECONDS))
    world.advance(10.0)
    assert world.state(scheduled) == ENROUTE
    world.submit(phone, replacing(validity_period=TEN_SECONDS))
    world.advance(10.0)
    assert world.state(scheduled) == EXPIRED


# What is remembered.


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
    assert (engine.in_flight, engine._live, world.waiting()) == (0, 0, 0)
    assert len(engine.messages) == len(engine._done) == 10
    assert len(engine._schedule) == len(engine._retries) == len(engine._ready) == len(engine._queued) == 0
    assert engine.run() is None


def test_cancelled_messages_do_not_stay_until_their_time() -> None:
    world = World(network=ScriptedNetwork(then=after(50_000.0)), messages=Messages(retain=0))
    phone = world.bind()
    for _ in range(50):
        for message_id in world.submit(phone, *[sms(registered_delivery=0)] * 20):
            world.engine.delete(world.message(message_id))
        world.advance(0.01)
    assert world.engine.messages == {}
    assert len(world.engine._schedule) == 0


# The turn of the loop.


def test_an_idle_engine_wants_not_to_be_called() -> None:
    assert World().engine.run() is None


def test_it_says_when_the_next_thing_is_due() -> None:
    world = World(network=ScriptedNetwork(then=after(0.4)))
    world.submit(world.bind(), sms(registered_delivery=0))
    delay = world.settle()
    assert delay is not None
    assert 0.39 < delay <= 0.4
    world.clock.time += 0.4
    world.settle()
    assert world.engine.run() is None


def test_a_turn_is_bounded_and_grows_in_a_flood() -> None:
    world = World()
    phone = world.bind()
    world.submit(phone, *[sms(registered_delivery=0)] * 20 * EVENTS_PER_TURN)
    finished = [world.engine.in_flight]
    while world.engine.run() == 0.0:
        finished.append(world.engine.in_flight)
    done = [before - after for before, after in pairwise(finished)]
    assert done[:4] == [EVENTS_PER_TURN * factor for factor in (1, 2, 4, 8)]
    assert world.engine.in_flight == 0


def test_nothing_piles_up_behind_sessions_that_bring_more_than_a_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "EVENTS_PER_TURN", 10)
    monkeypatch.setattr(core, "EVENTS_IN_A_FLOOD", 160)
    world = World(messages=Messages(retain=0))
    phone = world.bind()
    brought = [sms(registered_delivery=0)] * 500
    waiting = []
    for _ in range(100):
        world.submit(phone, *brought)
        world.engine.run()
        waiting.append(world.engine.in_flight)
    assert max(waiting) < 10 * len(brought), "what gathers until the turns are long enough, at most"
    assert max(waiting[20:]) < 2 * len(brought), "and then they stay long enough"


def test_who_is_accepted_wakes_the_engine() -> None:
    world = World(messages=Messages(limit=1))
    phone = world.bind()
    world.wakes = 0
    world.engine.submit(phone.bind, [sms(b"")])
    assert world.wakes == 0
    world.submit(phone, sms())
    assert world.wakes == 1


# Reloads.


def test_a_reload_changes_the_pace_of_what_waits() -> None:
    world = World(paced("slow", 1))
    phone = world.bind()
    world.submit(phone, *[sms()] * 50)
    world.advance(5.0)
    assert len(phone.bodies) == 6
    world.wakes = 0
    world.reload(paced("slow", 10, queue=1))
    assert world.wakes == 1
    world.settle()
    assert len(phone.bodies) == 7
    world.advance(2.0)
    assert len(phone.bodies) == 27
    assert world.engine.submit(phone.bind, [sms()]) == [status("ESME_RMSGQFUL")]
    world.reload(route("slow"))
    world.settle()
    assert len(phone.bodies) == 50


def test_the_queue_of_a_removed_route_drains_at_its_pace() -> None:
    world = World(paced("slow", 10), route("rest"))
    phone = world.bind()
    world.submit(phone, *[sms()] * 21)
    world.reload(route("rest"))
    world.reload(route("rest"))
    world.submit(phone, sms())
    world.settle()
    assert len(phone.bodies) == 2
    world.advance(1.0)
    assert len(phone.bodies) == 12
    world.advance(1.0)
    assert len(phone.bodies) == 22
    assert world.engine.in_flight == 0


def test_a_scheduled_message_of_a_removed_route_is_not_lost_by_another_reload() -> None:
    world = World(paced("slow", 1))
    phone = world.bind()
    world.submit(phone, *[sms(schedule_delivery_time=TEN_SECONDS)] * 3)
    world.reload(route("rest"))
    world.advance(10.0)
    world.reload(route("other"))
    world.advance(5.0)
    assert len(phone.bodies) == 3


def test_a_route_that_comes_back_has_kept_its_counts() -> None:
    world = World(route("one"))
    phone = world.bind()
    world.submit(phone, sms())
    world.settle()
    world.reload(route("two"))
    world.submit(phone, sms())
    world.reload(route("one"))
    world.submit(phone, sms())
    world.settle()
    assert [world.engine.routes[name].states[DELIVERED] for name in ("one", "two")] == [2, 1]


def test_new_routes_hold_at_once() -> None:
    world = World(route("fr", match={"destination_addr": "33*"}))
    phone = world.bind()
    assert world.engine.submit(phone.bind, [sms(b"44")]) == [status("ESME_RINVDSTADR")]
    world.reload(route("uk", match={"destination_addr": "44*"}))
    assert world.engine.submit(phone.bind, [sms(b"44"), sms(b"33")]) == [b"1000000000", status("ESME_RINVDSTADR")]


def test_the_sessions_and_receipts_of_a_removed_account_stay() -> None:
    world = World(network=ScriptedNetwork(then=after(5.0)))
    phone = world.bind(BOB)
    (message_id,) = world.submit(phone, sms())
    world.reload(accounts=[account(ALICE)])
    world.advance(5.0)
    assert phone.told == [message_id.decode()]
    phone.hang_up()
    world.reload(accounts=[account(ALICE), account(BOB)])
    again = world.bind(BOB)
    world.settle()
    assert again.told == [message_id.decode()]


def test_a_reload_changes_the_throughput_of_an_account_at_once() -> None:
    world = World()
    phone = world.bind()
    world.submit(phone, *[sms()] * 100)
    world.reload(accounts=[account(ALICE, throughput=Throughput(limit=1, burst=2)), account(BOB)])
    assert sum(isinstance(answer, bytes) for answer in world.engine.submit(phone.bind, [sms()] * 5)) == 2


# Counters.


def test_states_are_counted_per_account_and_route() -> None:
    world = World(
        route("fr", match={"destination_addr": "33*"}),
        route("rest"),
        network=ScriptedNetwork(after(0.0), after(0.0, UNDELIVERABLE), after(60.0)),
    )
    alice, bob = world.bind(ALICE), world.bind(BOB)
    world.submit(alice, sms(), sms(b"44"), sms(schedule_delivery_time=IN_AN_HOUR))
    world.submit(bob, sms())
    world.settle()

    def nonzero(counts: list[int]) -> dict[int, int]:
        return {state: count for state, count in enumerate(counts) if count}

    engine = world.engine
    assert nonzero(engine.esmes[ALICE].states) == {ENROUTE: 2, SCHEDULED: 1, DELIVERED: 1, UNDELIVERABLE: 1}
    assert nonzero(engine.esmes[BOB].states) == {ENROUTE: 1}
    assert nonzero(engine.routes["fr"].states) == {ENROUTE: 2, SCHEDULED: 1, DELIVERED: 1}
    assert nonzero(engine.routes["rest"].states) == {ENROUTE: 1, UNDELIVERABLE: 1}
    assert engine.in_flight == 2
    world.advance(3600.0)
    assert nonzero(engine.esmes[ALICE].states)[ENROUTE] == 3


def test_what_it_holds_does_not_grow() -> None:
    """Ten thousand messages through an engine that retains a hundred."""
    world = World(messages=Messages(retain=100, limit=500))
    phone = world.bind(window=50)
    for _ in range(100):
        world.submit(phone, *[sms()] * 100)
        world.settle()
        while phone.outstanding:
            phone.answer()
            world.settle()
        phone.bodies.clear()
    engine = world.engine
    assert len(engine.messages) == len(engine._done) == 100
    assert len(engine._ready) == len(engine._queued) == len(engine._schedule) == len(engine._retries) == 0
    assert engine.esmes[ALICE].states[DELIVERED] == 10_000


# The stops of a virtual clock.


def test_the_next_stop_is_exact_whatever_waits() -> None:
    world = World(paced("all", 10, burst=1), network=ScriptedNetwork(then=after(1.0001)))
    assert world.engine.next_due() is None
    phone = world.bind()
    begin = world.clock.time
    world.submit(phone, sms(), sms(), sms(schedule_delivery_time=b"000000000100000R"))
    stops = []
    while (due := world.engine.next_due()) is not None and len(stops) < 10:
        stops.append(round(due - begin, 6))
        world.clock.time = due
        world.settle()
        phone.answer()
    assert stops == [0.1, 1.0001, 1.1001, 60.0, 61.0001]


def test_what_nobody_fetches_is_looked_at_when_it_has_expired() -> None:
    world = World(messages=Messages(default_validity=100.0))
    phone = world.bind(kind="transmitter")
    begin = world.clock.time
    world.submit(phone, sms())
    world.advance(10)
    world.submit(phone, sms())
    world.settle()
    assert world.waiting() == 2
    assert world.settle() == pytest.approx(1.0, abs=1.0)  # in real time a look every second does
    for expiry, left in ((100.0, 1), (110.0, 0)):
        due = world.engine.next_due()
        assert due is not None
        assert 0.0 < due - begin - expiry < 1e-6
        world.clock.time = due
        world.settle()
        assert world.waiting() == left
    assert world.engine.next_due() is None


def test_what_waits_for_a_reader_is_looked_at_when_it_has_expired() -> None:
    world = World(messages=Messages(default_validity=100.0))
    phone = world.bind()
    phone.reads = False
    begin = world.clock.time
    world.submit(phone, sms())
    world.settle()
    due = world.engine.next_due()
    assert due is not None
    assert 0.0 < due - begin - 100.0 < 1e-6
    world.clock.time = due
    world.settle()
    assert (world.waiting(), world.engine.next_due()) == (0, None)
