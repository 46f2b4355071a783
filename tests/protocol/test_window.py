"""The window: who waits, who has waited too long, and what an answer completes."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from smppwire.window import UNLIMITED_ROOM, Window

SUBMIT_SM_RESP = 0x80000004
DELIVER_SM_RESP = 0x80000005
ENQUIRE_LINK_RESP = 0x80000015


def test_an_answer_completes_its_request_once() -> None:
    window = Window()
    window.add(1, "a", 10.0, DELIVER_SM_RESP)
    assert window.pop(1, DELIVER_SM_RESP) == ("a", 10.0, DELIVER_SM_RESP)
    assert window.pop(1, DELIVER_SM_RESP) is None
    assert len(window) == 0


def test_answers_come_in_any_order() -> None:
    window = Window()
    for number in (1, 2, 3):
        window.add(number, f"request {number}", 0.0, DELIVER_SM_RESP)
    popped = [window.pop(number, DELIVER_SM_RESP) for number in (3, 1, 2)]
    assert [entry[0] for entry in popped if entry] == ["request 3", "request 1", "request 2"]


def test_an_answer_of_another_kind_completes_nothing() -> None:
    """Some ESMEs put the sequence_number 1 into every enquire_link_resp; deliver_sm number 1 must not fall for it."""
    window = Window()
    window.add(1, "receipt", 0.0, DELIVER_SM_RESP)
    assert window.pop(1, ENQUIRE_LINK_RESP) is None
    assert window.get(1) == ("receipt", 0.0, DELIVER_SM_RESP)


def test_a_number_is_given_to_one_request_at_a_time() -> None:
    window = Window()
    window.add(7, "a", 0.0, DELIVER_SM_RESP)
    with pytest.raises(ValueError, match="7 is outstanding"):
        window.add(7, "b", 0.0, DELIVER_SM_RESP)
    with pytest.raises(ValueError, match="outstanding"):
        window.add_many(range(5, 8), ["x", "y", "z"], 0.0, DELIVER_SM_RESP)
    assert window.drain() == ["a"]


def test_many_requests_at_once_are_as_good_as_one_by_one() -> None:
    one_by_one, together = Window(), Window()
    for number, context in zip(range(4, 7), "abc", strict=True):
        one_by_one.add(number, context, 1.5, SUBMIT_SM_RESP)
    together.add_many(range(4, 7), "abc", 1.5, SUBMIT_SM_RESP)
    assert [together.pop(n, SUBMIT_SM_RESP) for n in (4, 5, 6)] == [
        one_by_one.pop(n, SUBMIT_SM_RESP) for n in (4, 5, 6)
    ]


def test_as_many_numbers_as_requests() -> None:
    window = Window()
    with pytest.raises(ValueError, match="3 sequence_numbers for 2 requests"):
        window.add_many(range(1, 4), ["a", "b"], 0.0, SUBMIT_SM_RESP)
    assert len(window) == 0


def test_room_shrinks_and_is_never_negative() -> None:
    window = Window(limit=2)
    rooms = []
    for number in (1, 2, 3):
        window.add(number, None, 0.0, DELIVER_SM_RESP)
        rooms.append(window.room)
    assert rooms == [1, 0, 0]


def test_no_limit_leaves_room_for_anything() -> None:
    window = Window()
    window.add(1, None, 0.0, DELIVER_SM_RESP)
    assert window.room == UNLIMITED_ROOM > 2**31


def test_a_negative_limit_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="-1"):
        Window(limit=-1)


def test_only_what_has_waited_the_whole_timeout_expires() -> None:
    window = Window()
    for number, sent_at in ((1, 0.0), (2, 1.0), (3, 2.0)):
        window.add(number, number, sent_at, DELIVER_SM_RESP)
    assert window.next_expiry(10.0) == 10.0
    assert window.expired(9.999, 10.0) == []
    assert window.expired(11.0, 10.0) == [1, 2]
    assert window.next_expiry(10.0) == 12.0
    assert window.pop(1, DELIVER_SM_RESP) is None, "a late answer finds nothing"
    assert window.pop(3, DELIVER_SM_RESP) is not None


def test_without_a_timeout_nothing_expires() -> None:
    window = Window()
    window.add(1, "a", 0.0, DELIVER_SM_RESP)
    assert window.expired(1e9, 0.0) == []
    assert window.next_expiry(0.0) is None


def test_nothing_expires_next_in_an_empty_window() -> None:
    assert Window().next_expiry(10.0) is None


def test_looking_for_the_expired_touches_only_the_oldest() -> None:
    """10,000 young requests behind an old one: the search may not look at more than the first of them."""
    looked_at = []

    class Moment(float):
        def __add__(self, other: float) -> float:
            looked_at.append(self)
            return float(self) + other

    window = Window()
    window.add(1, "old", Moment(0.0), DELIVER_SM_RESP)
    window.add_many(range(2, 10_002), range(10_000), Moment(50.0), DELIVER_SM_RESP)
    assert window.expired(10.0, 10.0) == ["old"]
    assert looked_at == [0.0, 50.0]


def test_the_end_of_the_session_gives_everything_back() -> None:
    window = Window()
    window.add_many(range(1, 4), "abc", 0.0, DELIVER_SM_RESP)
    window.pop(2, DELIVER_SM_RESP)
    assert window.drain() == ["a", "c"]
    assert window.drain() == []


class WindowAgainstAList(RuleBasedStateMachine):
    """The window against the simplest thing that could be right: a list of what was sent, searched from the start."""

    TIMEOUT = 10.0

    def __init__(self) -> None:
        super().__init__()
        self.window = Window(limit=5)
        self.sent: list[tuple[int, str, float, int]] = []
        self.now = 0.0
        self.next_number = 1

    @rule(seconds=st.floats(min_value=0.0, max_value=15.0, allow_nan=False))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(response_id=st.sampled_from([DELIVER_SM_RESP, ENQUIRE_LINK_RESP]))
    def send_one(self, response_id: int) -> None:
        self.window.add(self.next_number, f"r{self.next_number}", self.now, response_id)
        self.sent.append((self.next_number, f"r{self.next_number}", self.now, response_id))
        self.next_number += 1

    @rule(count=st.integers(min_value=0, max_value=4))
    def send_many(self, count: int) -> None:
        numbers = range(self.next_number, self.next_number + count)
        self.window.add_many(numbers, [f"r{number}" for number in numbers], self.now, DELIVER_SM_RESP)
        self.sent += [(number, f"r{number}", self.now, DELIVER_SM_RESP) for number in numbers]
        self.next_number += count

    @precondition(lambda self: self.next_number > 1)
    @rule(data=st.data(), response_id=st.sampled_from([DELIVER_SM_RESP, ENQUIRE_LINK_RESP]))
    def answer(self, data: st.DataObject, response_id: int) -> None:
        number = data.draw(st.integers(min_value=1, max_value=self.next_number))
        expected = next((entry for entry in self.sent if entry[0] == number and entry[3] == response_id), None)
        assert self.window.pop(number, response_id) == (expected[1:] if expected else None)
        if expected:
            self.sent.remove(expected)

    @rule()
    def expire(self) -> None:
        due = [entry for entry in self.sent if self.now >= entry[2] + self.TIMEOUT]
        assert self.window.expired(self.now, self.TIMEOUT) == [entry[1] for entry in due]
        self.sent = [entry for entry in self.sent if entry not in due]

    @rule()
    def end(self) -> None:
        assert self.window.drain() == [entry[1] for entry in self.sent]
        self.sent.clear()

    @invariant()
    def they_agree(self) -> None:
        assert len(self.window) == len(self.sent)
        assert self.window.room == max(0, 5 - len(self.sent))
        assert all(entry[0] in self.window for entry in self.sent)
        assert self.window.next_expiry(self.TIMEOUT) == (self.sent[0][2] + self.TIMEOUT if self.sent else None)


TestWindowAgainstAList = WindowAgainstAList.TestCase
TestWindowAgainstAList.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
