"""Filters of events: each condition by itself, and what an event without such a field makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from smppd.control.event_filters import Sieve, listed
from smppd.control.event_views import EventView
from smppd.observe.journal import Direction, JournalEntry
from smppd.settings.webhooks import EVENT_KINDS, EventFilter
from tests.transport.support import ENQUIRE_LINK, SUBMIT, answer, request


def entry(frame: bytes, direction: Direction = "in", session: str = "1") -> JournalEntry:
    return JournalEntry(0.0, session, direction, frame)


def view(**fields: Any) -> EventView:
    return EventView(id="", time="", kind="message", event="accepted", line="", **fields)


SUBMITTED = entry(request(SUBMIT))
ANSWERED = entry(answer(SUBMIT), "out")


def test_without_conditions_everything_passes() -> None:
    sieve = Sieve(EventFilter())
    assert sieve.kinds == set(EVENT_KINDS)
    assert sieve.takes_frame(SUBMITTED)
    assert sieve.takes_frame(entry(request(ENQUIRE_LINK)))
    assert sieve.takes_account("")
    assert sieve.takes_happening("clock", "advanced")
    assert sieve.takes_view(view())
    assert sieve.is_sampled()
    assert sieve.is_sampled()


@pytest.mark.parametrize(
    ("asked", "submitted", "answered"),
    [
        (EventFilter(direction="in"), True, False),
        (EventFilter(direction="out"), False, True),
        (EventFilter(session="1"), True, True),
        (EventFilter(session=["2", "3"]), False, False),
        (EventFilter(event="received"), True, False),
        (EventFilter(event=["sent", "bound"]), False, True),
        (EventFilter(command="submit_sm"), True, False),
        (EventFilter(command=["submit_sm_resp", "data_sm"]), False, True),
        (EventFilter(enquire_link=False), True, True),
    ],
)
def test_conditions_on_octets(asked: EventFilter, submitted: bool, answered: bool) -> None:
    sieve = Sieve(asked)
    assert (sieve.takes_frame(SUBMITTED), sieve.takes_frame(ANSWERED)) == (submitted, answered)


def test_without_enquire_links() -> None:
    sieve = Sieve(EventFilter(enquire_link=False))
    assert not sieve.takes_frame(entry(request(ENQUIRE_LINK)))
    assert not sieve.takes_frame(entry(answer(ENQUIRE_LINK)))
    both = Sieve(EventFilter(enquire_link=False, command="enquire_link"))
    assert not both.takes_frame(entry(request(ENQUIRE_LINK)))


def test_accounts() -> None:
    sieve = Sieve(EventFilter(account=["shop*", "bank"]))
    assert [sieve.takes_account(name) for name in ("shop1", "bank", "bank1", "")] == [True, True, False, False]


@pytest.mark.parametrize(
    ("asked", "fields", "passes"),
    [
        (EventFilter(source_addr="336*"), {"source_addr": "33612"}, True),
        (EventFilter(source_addr="336*"), {"source_addr": "44712"}, False),
        (EventFilter(source_addr="336*"), {"destination_addr": "33612"}, False),
        (EventFilter(destination_addr=["1*", "44[5-7]??"]), {"destination_addr": "44612"}, True),
        (EventFilter(destination_addr=["1*", "44[5-7]??"]), {"destination_addr": "44812"}, False),
        (EventFilter(text="*code*"), {"text": "your\ncode: 12"}, True),
        (EventFilter(text="code*"), {"text": "your code: 12"}, False),
        (EventFilter(text="*Code*"), {"text": "your code: 12"}, False),
        (EventFilter(text="*"), {}, False),
        (EventFilter(session="7"), {"session": "7"}, True),
        (EventFilter(session="7"), {}, False),
        (EventFilter(command="submit_sm"), {"command": "submit_sm"}, True),
        (EventFilter(command="submit_sm"), {}, False),
        (EventFilter(account="a*"), {"account": "alice"}, True),
        (EventFilter(account="a*"), {}, False),
    ],
)
def test_conditions_on_fields(asked: EventFilter, fields: dict[str, Any], passes: bool) -> None:
    assert Sieve(asked).takes_view(view(**fields)) is passes


def test_kinds_and_events_of_happenings() -> None:
    sieve = Sieve(EventFilter(kind=["session", "clock"], event="bound"))
    assert sieve.kinds == {"session", "clock"}
    assert not sieve.wants_pdus
    assert sieve.takes_happening("session", "bound")
    assert not sieve.takes_happening("session", "opened")
    assert not sieve.takes_happening("message", "bound")
    assert not Sieve(EventFilter(direction="in")).takes_happening("session", "bound")


def test_a_sample() -> None:
    sieve = Sieve(EventFilter(sample=3))
    assert [sieve.is_sampled() for _ in range(7)] == [False, False, True, False, False, True, False]


def test_one_item_may_stand_by_itself() -> None:
    assert listed("a") == ("a",)
    assert listed(["a", "b"]) == ["a", "b"]
