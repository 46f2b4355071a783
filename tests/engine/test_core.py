"""The engine as a whole: its turns, its reloads, its counters, and when it wants to be called."""

from itertools import pairwise

import pytest

from smppd.engine import core
from smppd.engine.core import EVENTS_IN_CALM, EVENTS_PER_TURN
from smppd.engine.message import DELIVERED, ENROUTE, SCHEDULED
from smppd.settings import Messages, Throughput
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
    paced,
    route,
    sms,
    status,
)

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


def test_turns_stay_short_while_time_leaps() -> None:
    world = World(network=ScriptedNetwork(then=after(60.0)))
    world.submit(world.bind(), *[sms(registered_delivery=0)] * 4 * EVENTS_IN_CALM)
    world.settle()
    world.engine.is_calm = True
    world.clock.time += 60.0
    finished = [world.engine.in_flight]
    while world.engine.run() == 0.0:
        finished.append(world.engine.in_flight)
    assert max(before - after for before, after in pairwise(finished)) == EVENTS_IN_CALM
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
    assert len(engine.messages) == len(engine.ledger._done) == 100
    assert (
        len(engine.life._ready) == len(engine.life.queued) == len(engine.life.schedule) == len(engine.life.retries) == 0
    )
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
