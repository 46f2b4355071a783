"""The intake: what is accepted, what is refused, and which times a message gets."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.engine import operations
from smppd.engine.ids import END_OF_IDS, FIRST_ID
from smppd.engine.message import DELIVERED, ENROUTE, EXPIRED, SCHEDULED
from smppd.settings import Messages, Throughput
from smppwire.constants import TlvTag
from smppwire.pdus import ReplaceSm, SubmitSm, Tlv
from tests.engine.world import (
    ALICE,
    BOB,
    IN_AN_HOUR,
    TEN_SECONDS,
    UNDELIVERABLE,
    ScriptedNetwork,
    World,
    account,
    after,
    moment,
    paced,
    route,
    slow_world,
    sms,
    status,
)

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
    world.engine.ledger.next_id = END_OF_IDS - 2
    assert world.submit(phone, sms(), sms()) == [b"9999999998", b"9999999999"]
    assert world.submit(phone, sms(), sms()) == [b"%d" % FIRST_ID, b"%d" % (FIRST_ID + 1)]
    world.engine.ledger.next_id = END_OF_IDS
    assert world.engine.take_id(None) == b"%d" % FIRST_ID


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


# Times.


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


# Batches: what is taken together must fare as it does one by one.

KINDS: list[dict[str, Any]] = [
    {},
    {},
    {"registered_delivery": 0},
    {"registered_delivery": 2},
    {"registered_delivery": 0x11},
    {"destination": b"4477"},
    {"destination": b"55"},
    {"destination": b""},
    {"esm_class": 0x40, "text": b"\5\0\3\7\2\1part"},
    {"esm_class": 0x40, "text": b"\5\0\3\7\2\2part"},
    {"tlvs": (Tlv(TlvTag.USER_MESSAGE_REFERENCE, b"\0\7"),)},
    {"validity_period": TEN_SECONDS},
    {"schedule_delivery_time": TEN_SECONDS},
    {"replace_if_present_flag": 1},
    {"esm_class": 2},
]


def two_routes(*, is_known: bool, **options: Any) -> World:
    return World(
        route("fr", match={"destination_addr": "33*"}),
        route("uk", match={"destination_addr": "44*"}, network="fails"),
        network=ScriptedNetwork(is_known=is_known),
        networks={"fails": ScriptedNetwork(then=after(0.0, UNDELIVERABLE, 7), is_known=is_known)},
        **options,
    )


@given(st.lists(st.lists(st.sampled_from(KINDS), max_size=8), max_size=6), st.sampled_from([1000, 5]))
def test_a_batch_fares_as_its_messages_do_one_by_one(chunks: list[list[dict[str, Any]]], limit: int) -> None:
    """One network says beforehand what it will do, the other is asked for each message."""
    worlds = [two_routes(is_known=is_known, messages=Messages(limit=limit)) for is_known in (True, False)]
    seen = []
    for world in worlds:
        phone = world.bind()
        answers = []
        for chunk in chunks:
            answers += world.engine.submit(phone.bind, [sms(**kind) for kind in chunk])
            world.settle()
        world.advance(20.0)
        seen.append(
            (
                answers,
                sorted(phone.bodies),
                [(message.message_id, message.state, message.error_code) for message in world.engine.messages.values()],
                [state.states for state in (*world.engine.esmes.values(), *world.engine.routes.values())],
                (world.engine.in_flight, world.engine.ledger.live),
            )
        )
    assert seen[0] == seen[1]


def test_batches_of_several_sessions_report_in_the_order_of_submission() -> None:
    world = two_routes(is_known=True)
    first, second = world.bind(), world.bind()
    ids = world.submit(first, sms(), sms(b"44"), sms(registered_delivery=0), sms())
    others = world.submit(second, sms())
    world.settle()
    assert first.told == [ids[place].decode() for place in (0, 1, 3)]
    assert second.told == [others[0].decode()]
    assert [receipt.stat for receipt in first.receipts] == ["DELIVRD", "UNDELIV", "DELIVRD"]


def test_what_is_replaced_before_its_turn_asks_for_what_the_replacement_asks_for() -> None:
    world = World()
    phone = world.bind()
    ids = world.submit(phone, sms(registered_delivery=0), sms(registered_delivery=0), sms(registered_delivery=0))
    answer = operations.replace(
        world.engine,
        phone.bind,
        ReplaceSm(
            message_id=ids[1], source_addr_ton=5, source_addr=b"ACME", registered_delivery=1, short_message=b"New"
        ),
    )
    assert not isinstance(answer, int)
    assert answer.command_status == 0
    world.settle()
    assert phone.told == [ids[1].decode()]
    assert b"text:New" in phone.bodies[0]


def test_what_is_cancelled_before_its_turn_is_deleted_and_nothing_else() -> None:
    world = World()
    phone = world.bind()
    ids = world.submit(phone, sms(), sms(), sms())
    assert world.engine.delete(world.message(ids[1]))
    world.settle()
    assert sorted(zip(phone.told, [receipt.stat for receipt in phone.receipts], strict=True)) == [
        (ids[0].decode(), "DELIVRD"),
        (ids[1].decode(), "DELETED"),
        (ids[2].decode(), "DELIVRD"),
    ]
    assert (world.engine.in_flight, world.engine.ledger.live) == (0, 3)


def test_batches_keep_the_index_of_pending_messages_and_the_handsets_up_to_date() -> None:
    world = World()
    phone = world.bind()
    esme = phone.bind.esme
    assert world.engine.pending_towards(esme, b"33612345678") == []
    assert list(world.engine.handsets) == []
    ids = world.submit(phone, sms(text=b"Shown"), sms(b"33"))
    assert [message.message_id for message in world.engine.pending_towards(esme, b"33612345678")] == ids[:1]
    world.settle()
    assert world.engine.pending_towards(esme, b"33612345678") == []
    assert [shown.text for shown in world.engine.handsets.of(b"33612345678")] == ["Shown"]
