"""What is special in the life of a message is written down; what is plain is not."""

import pytest

from smppd.engine import history, operations
from smppd.engine.history import FIRST_EVENTS, MAX_EVENTS, History
from smppd.engine.message import ENROUTE, Message
from smppd.engine.ports import Outcome
from smppd.settings import Messages
from smppwire.pdus import ReplaceSm
from tests.engine.world import (
    ALICE,
    BOB,
    IN_AN_HOUR,
    NOON,
    ScriptedNetwork,
    World,
    account,
    after,
    paced,
    slow_world,
    sms,
    status,
)


def kinds(world: World, message_id: bytes) -> list[str]:
    story = world.engine.history.of(world.message(message_id))
    return [] if story is None else [f"{event.kind} {event.what}".strip() for event in story.events]


def test_nothing_is_written_about_a_message_of_every_day() -> None:
    world = World()
    phone = world.bind()
    world.submit(phone, *[sms()] * 10)
    world.settle()
    phone.answer()
    assert not world.engine.history
    assert len(world.engine.history) == 0


def test_attempts_that_fail_are_written_with_the_time_of_the_next() -> None:
    world = World(network=ScriptedNetwork(after(0.0, ENROUTE, 4), then=after(5.0)), messages=Messages(retry=[60.0]))
    message_id = world.submit(world.bind(), sms())[0]
    world.settle()
    story = world.engine.history.of(world.message(message_id))
    assert story is not None
    (failed,) = story.events
    assert (failed.kind, failed.number, failed.error_code) == (history.ATTEMPT_FAILED, 1, 4)
    assert (failed.wall, failed.next_wall) == (NOON, NOON + 60.0)


def test_what_waits_and_what_is_changed() -> None:
    world = slow_world(paced("slow", 1.0, burst=1))
    phone = world.bind()
    world.submit(phone, sms())
    queued, scheduled = world.submit(phone, sms(), sms(schedule_delivery_time=IN_AN_HOUR))
    world.advance(2.0)
    assert kinds(world, queued) == ["released"]
    pdu = ReplaceSm(message_id=scheduled, source_addr=b"ACME", short_message=b"x")
    operations.replace(world.engine, phone.bind, pdu)
    world.advance(3600.0)
    assert kinds(world, scheduled) == ["scheduled", "replaced", "started"]
    assert world.engine.end_early(world.message(scheduled), Outcome(8, 3))
    story = world.engine.history.of(world.message(scheduled))
    assert story is not None
    assert (story.events[-1].kind, story.events[-1].state, story.events[-1].error_code) == ("forced", 8, 3)
    assert world.state(scheduled) == 8


def test_receipts_that_come_back() -> None:
    world = World()
    phone = world.bind()
    message_id = world.submit(phone, sms())[0]
    world.settle()
    phone.answer(status("ESME_RMSGQFUL"))
    world.advance(3600.0)
    phone.keep_silent()
    world.advance(3600.0)
    phone.hang_up()
    world.bind()
    world.settle()
    assert kinds(world, message_id) == ["refused receipt", "unanswered receipt", "session_ended receipt"]


def test_forwards_and_asides_say_by_which_session_they_left() -> None:
    world = World(accounts=[account(ALICE), account(BOB, address_range="^44")])
    world.bind()
    bob = world.bind(BOB)
    message_id = world.submit(world.bind(), sms(b"4412", registered_delivery=0x10))[0]
    world.settle()
    story = world.engine.history.of(world.message(message_id))
    assert story is not None
    sent = {event.what: event.session for event in story.events if event.kind == history.SENT}
    assert sent == {"forward": bob.bind.bind_id, "intermediate": "alice/transceiver"}


def test_stories_end_with_their_messages() -> None:
    world = World(messages=Messages(retain=0))
    phone = world.bind()
    message_id = world.submit(phone, sms(schedule_delivery_time=IN_AN_HOUR))[0]
    assert kinds(world, message_id) == ["scheduled"]
    world.advance(3600.0)
    phone.answer()
    world.settle()
    assert message_id not in world.engine.messages
    assert not world.engine.history
    assert len(world.engine.history) == 0


def some_messages(count: int) -> list[Message]:
    world = World()
    return [world.message(each) for each in world.submit(world.bind(), *[sms()] * count)]


def test_a_long_story_keeps_its_beginning_and_its_end() -> None:
    (message,) = some_messages(1)
    book = History(float)
    for number in range(MAX_EVENTS + 10):
        book.note(message, history.ATTEMPT_FAILED, number=number)
    story = book.of(message)
    assert story is not None
    numbers = [event.number for event in story.events]
    assert numbers[:FIRST_EVENTS] == list(range(FIRST_EVENTS))
    assert numbers[FIRST_EVENTS:] == list(range(FIRST_EVENTS + 10, MAX_EVENTS + 10))
    assert (story.dropped, len(book)) == (10, MAX_EVENTS)


def test_all_stories_together_are_bounded() -> None:
    messages = some_messages(5)
    book = History(float, max_recorded=6)
    for message in messages:
        book.note(message, history.STARTED)
        book.note(message, history.RELEASED)
    assert len(book) == 6
    assert [book.of(message) is not None for message in messages] == [False, False, True, True, True]
    book.forget(messages)
    assert (len(book), bool(book)) == (0, False)


def test_stories_are_handed_over() -> None:
    world = slow_world()
    ids = world.submit(world.bind(), sms(), sms())
    first, second = map(world.message, ids)
    told = History(lambda: NOON)
    for number in range(MAX_EVENTS + 3):
        told.note(first, history.ATTEMPT_FAILED, number=number)
    told.note(second, history.REPLACED)
    other = History(lambda: NOON, max_recorded=MAX_EVENTS)
    other.note(first, history.RULE)
    other.begin_anew()
    assert (len(other), list(other.stories())) == (0, [])
    for message, story in told.stories():
        other.put_back(message, story)
    assert [message for message, _ in other.stories()] == [second], "its bounds count"
    assert len(other) == 1
    with pytest.raises(ValueError, match="two stories"):
        other.put_back(second, history.Story())


def test_all_kinds_are_known() -> None:
    names = {value for name, value in vars(history).items() if name.isupper() and isinstance(value, str)}
    assert names == history.KINDS
