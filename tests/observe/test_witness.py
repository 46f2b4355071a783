"""What becomes of messages is told as events, by an engine that somebody looks at."""

from __future__ import annotations

from smppd.engine.core import Engine
from smppd.engine.message import ENROUTE, Message
from smppd.engine.ports import Attempt, Outcome
from smppd.observe.events import Events, Happening
from smppd.observe.journal import Journal
from smppd.observe.witness import Answered, Attempted, EngineWitness, Refused
from smppd.settings import Throughput
from tests.engine.world import BOB, IN_AN_HOUR, ScriptedNetwork, World, account, after, slow_world, sms, status

RTHROTTLED, RSYSERR, RINVDSTADR = (status(f"ESME_{name}") for name in ("RTHROTTLED", "RSYSERR", "RINVDSTADR"))


def nothing() -> None:
    pass


def watched(world: World, engine: Engine | None = None) -> Events:
    """The events of messages and receipts of a world."""
    events = Events(Journal(0), lambda: 5.0)
    events.watch({"message", "receipt"}, nothing)
    (engine or world.engine).show(EngineWitness(events, world.clock.wall))
    return events


def told(events: Events) -> list[Happening]:
    found, number = [], 0
    while (happening := events.ring.at(number)) is not None:
        found.append(happening)
        number = happening.first + len(happening.items)
    return found


def named(events: Events) -> list[str]:
    """Kind, event, and of how many."""
    return [f"{each.kind} {each.event} {len(each.items)}" for each in told(events)]


def test_the_way_of_most_messages_is_told_in_batches() -> None:
    world = World()
    events = watched(world)
    phone = world.bind()
    ids = world.submit(phone, *[sms(registered_delivery=1)] * 5)
    world.settle()
    phone.answer()
    steps = ["message accepted 5", "message final 5", "receipt sent 5", "receipt acknowledged 5"]
    assert named(events) == steps
    for happening in told(events):
        assert [message.message_id for message in happening.items] == ids
        assert happening.facts["clock_time"] == world.clock.wall()
    assert told(events)[2].facts["session"] == "alice/transceiver"


def test_messages_without_receipts_that_join_a_batch_are_told_once() -> None:
    world = World()
    events = watched(world)
    phone = world.bind()
    silent = sms(registered_delivery=0)
    world.submit(phone, silent, silent)
    world.submit(phone, silent)
    world.settle()
    assert named(events) == ["message accepted 2", "message accepted 1", "message final 3"]


def test_messages_that_are_looked_at_one_by_one() -> None:
    world = slow_world()
    events = watched(world)
    phone = world.bind()
    world.submit(phone, sms(registered_delivery=1), sms(schedule_delivery_time=IN_AN_HOUR), sms(registered_delivery=0))
    assert named(events) == ["message accepted 1", "message accepted 1", "message accepted 1"]
    world.advance(60.0)
    assert named(events)[3:] == ["message final 1", "message final 1", "receipt sent 1"]


def test_what_fails_now_is_tried_again() -> None:
    network = ScriptedNetwork(Attempt(0.0, Outcome(ENROUTE, 27)), Attempt(0.0, Outcome(ENROUTE, 6)))
    world = World(network=network)
    events = watched(world)
    world.submit(world.bind(), sms())
    world.advance(30.0)
    failed = [each for each in told(events) if each.event == "attempt_failed"]
    assert [each.items[0] for each in failed] == [
        Attempted(failed[0].items[0].message, 27, 1),
        Attempted(failed[0].items[0].message, 6, 2),
    ]


def test_cancelled_and_replaced() -> None:
    world = slow_world()
    events = watched(world)
    phone = world.bind()
    first, second = (world.message(message_id) for message_id in world.submit(phone, sms(), sms(b"447700900123")))
    world.engine.replaced(first, world.clock.now())
    world.engine.delete(second)
    assert not world.engine.delete(second)
    assert named(events)[1:] == ["message replaced 1", "message cancelled 1", "message final 1"]
    assert [each.items[0] for each in told(events)[1:]] == [first, second, second]


def test_what_the_transport_saw_refused() -> None:
    world = World()
    events = watched(world)
    phone = world.bind()
    pdus = [sms(), sms(), sms()]
    assert world.engine.witness is not None
    world.engine.witness.refused(phone.bind, pdus, [b"1", RINVDSTADR, -1])
    (refused,) = told(events)
    assert refused.items == [Refused(pdus[1], RINVDSTADR)]
    assert (refused.facts["session"], refused.facts["account"]) == ("alice/transceiver", "alice")
    world.engine.witness.refused(phone.bind, pdus[:1], [b"2"])
    assert len(told(events)) == 1


def test_receipts_that_are_not_taken() -> None:
    world = World()
    events = watched(world)
    phone = world.bind()
    (message_id,) = world.submit(phone, sms(registered_delivery=1))
    message = world.message(message_id)
    world.settle()
    phone.answer(RTHROTTLED)
    world.advance(60.0)
    phone.keep_silent()
    world.advance(120.0)
    phone.answer(RSYSERR)
    happened = [each for each in told(events) if each.kind == "receipt"]
    events_of_it = [each.event for each in happened]
    assert events_of_it == ["sent", "refused", "sent", "timed_out", "sent", "refused"]
    assert happened[1].items == (Answered(message, RTHROTTLED),)
    assert happened[3].items == (message,)


def test_notifications_are_receipts_and_messages_are_not() -> None:
    world = slow_world()
    events = watched(world)
    phone = world.bind()
    world.submit(phone, sms(registered_delivery=0x10))
    world.engine.deliver("mo", "alice", b"\0" * 17)
    world.settle()
    phone.answer()
    delivered = [each for each in told(events) if each.event in {"sent", "acknowledged"}]
    kinds = [(each.kind, each.event) for each in delivered]
    sent = [("receipt", "sent"), ("message", "sent")]
    assert kinds == [*sent, ("receipt", "acknowledged"), ("message", "acknowledged")]


def test_nothing_is_told_when_nobody_looks_any_more() -> None:
    world = World()
    events = watched(world)
    world.engine.show(None)
    phone = world.bind(BOB)
    world.submit(phone, sms(registered_delivery=1))
    world.settle()
    phone.answer()
    assert told(events) == []


def test_throttled_messages_are_no_messages() -> None:
    world = World(
        accounts=[account(throughput=Throughput(limit=1.0, burst=1))], network=ScriptedNetwork(then=after(1.0))
    )
    events = watched(world)
    answers = world.engine.submit(world.bind().bind, [sms(), sms()])
    assert isinstance(answers[0], bytes)
    assert named(events) == ["message accepted 1"]
    assert isinstance(told(events)[0].items[0], Message)
