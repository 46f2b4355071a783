"""Altered copies of records: what they say, and that the record itself stays as it is."""

import pytest

from smppd.behaviour.restating import EARLIEST, PLAIN, Wording, contradiction, restate
from smppd.engine.message import DELIVERED, EXPIRED, UNDELIVERABLE, Message
from smppd.engine.multipart import Assembly, Verdict
from tests.engine.world import NOON, World, sms


def delivered() -> Message:
    world = World()
    phone = world.bind()
    (message_id,) = world.submit(phone, sms())
    world.settle()
    return world.message(message_id)


def test_what_says_nothing_else_is_the_record_itself() -> None:
    message = delivered()
    assert restate(message, PLAIN) is message


def test_a_copy_is_altered_and_the_record_is_not() -> None:
    message = delivered()
    record = restate(message, Wording(b"77", 60.0, contradicts=True))
    assert (record.message_id, record.state) == (b"77", UNDELIVERABLE)
    assert (record.accepted_wall, record.final_wall) == (NOON - 60, NOON - 60)
    assert (message.state, message.accepted_wall, message.final_wall) == (DELIVERED, NOON, NOON)
    assert message.message_id != b"77"
    assert record.pdu is message.pdu


def test_no_date_lies_before_the_calendar() -> None:
    record = restate(delivered(), Wording(age=1e12))
    assert (record.accepted_wall, record.final_wall) == (EARLIEST, EARLIEST)


@pytest.mark.parametrize(
    ("said", "other"),
    [
        ((DELIVERED, 0), (UNDELIVERABLE, 0)),
        ((UNDELIVERABLE, 11), (DELIVERED, 0)),
        ((EXPIRED, 27), (DELIVERED, 0)),
    ],
)
def test_contradictions(said: tuple[int, int], other: tuple[int, int]) -> None:
    assert contradiction(*said) == other


def test_a_whole_of_several_parts() -> None:
    first, second = delivered(), delivered()
    whole = Assembly((first.esme, b"", b"", 8, 7, 2), 2, 2, 0.0)
    whole.parts = {1: first, 2: second}
    whole.verdict = Verdict(DELIVERED, 0, 2)
    second.assembly = whole
    record = restate(second, Wording(age=60.0, contradicts=True))
    assert record.assembly is not None
    assert record.assembly.verdict == Verdict(UNDELIVERABLE, 0, 0)
    assert record.assembly.final_wall == NOON - 60
    assert (whole.verdict, whole.final_wall) == (Verdict(DELIVERED, 0, 2), NOON)

    whole.verdict = Verdict(UNDELIVERABLE, 11, 1)
    record = restate(second, Wording(contradicts=True))
    assert record.assembly is not None
    assert record.assembly.verdict == Verdict(DELIVERED, 0, 2)
