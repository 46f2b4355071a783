"""The four timers. Time is whatever the test says it is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppwire.timers import MAX_UNANSWERED_ENQUIRE_LINKS, SessionTimers, TimerAction

START = 1000.0


def timers(**seconds: float) -> SessionTimers:
    running = SessionTimers(**seconds)
    running.started(START)
    return running


def test_everything_is_off_by_default() -> None:
    idle = timers()
    idle.bound(START)
    assert idle.next_due() is None
    assert idle.tick(START + 1e9) is None


def test_nothing_runs_before_the_start() -> None:
    waiting = SessionTimers(session_init=1, enquire_link=1, inactivity=1, response=1)
    assert waiting.next_due() is None
    assert waiting.tick(START) is None


@pytest.mark.parametrize("name", ["session_init", "enquire_link", "inactivity", "response"])
def test_no_timer_runs_backwards(name: str) -> None:
    with pytest.raises(ValueError, match="0 \\(off\\) or more"):
        SessionTimers(**{name: -1.0})


def test_session_init_closes_who_does_not_bind() -> None:
    silent = timers(session_init=10)
    assert silent.next_due() == START + 10
    assert silent.tick(START + 9.99) is None
    assert silent.tick(START + 10) is TimerAction.CLOSE_SESSION_INIT


def test_session_init_does_not_care_for_other_pdus() -> None:
    """A peer that sends an enquire_link every second without ever binding is not let off."""
    busy = timers(session_init=10)
    for second in range(10):
        busy.received(START + second)
        assert busy.tick(START + second) is None
    assert busy.tick(START + 10) is TimerAction.CLOSE_SESSION_INIT


def test_a_bind_ends_session_init() -> None:
    bound = timers(session_init=10)
    bound.bound(START + 9)
    assert bound.next_due() is None
    assert bound.tick(START + 100) is None


def test_an_unbound_session_has_the_time_of_session_init_again() -> None:
    again = timers(session_init=10, enquire_link=5)
    again.bound(START + 1)
    again.unbound(START + 50)
    assert again.next_due() == START + 60
    assert again.tick(START + 59) is None, "no enquire_link to a session that is not bound"
    assert again.tick(START + 60) is TimerAction.CLOSE_SESSION_INIT


def test_inactivity_runs_since_the_last_pdu_received() -> None:
    idle = timers(inactivity=300)
    idle.bound(START + 1)
    idle.received(START + 200)
    assert idle.tick(START + 499) is None
    assert idle.next_due() == START + 500
    assert idle.tick(START + 500) is TimerAction.CLOSE_INACTIVITY


def test_a_closing_action_is_named_once() -> None:
    over = timers(inactivity=1, session_init=1)
    assert over.tick(START + 5) is TimerAction.CLOSE_SESSION_INIT
    assert over.tick(START + 6) is None
    assert over.next_due() is None


def test_silence_is_enquired_into_when_bound() -> None:
    quiet = timers(enquire_link=30, response=10)
    assert quiet.tick(START + 100) is None, "not bound yet"
    quiet.bound(START + 100)
    assert quiet.tick(START + 129) is None
    assert quiet.tick(START + 130) is TimerAction.SEND_ENQUIRE_LINK
    assert quiet.tick(START + 130) is None, "once for each"


@pytest.mark.parametrize(("response", "pace"), [(10.0, 10.0), (0.0, 30.0)])
def test_several_unanswered_enquire_links_close(response: float, pace: float) -> None:
    dead = timers(enquire_link=30, response=response)
    dead.bound(START)
    now = START + 30
    for _ in range(MAX_UNANSWERED_ENQUIRE_LINKS):
        assert dead.tick(now) is TimerAction.SEND_ENQUIRE_LINK
        assert dead.tick(now + pace - 0.5) is None
        now += pace
    assert dead.tick(now) is TimerAction.CLOSE_ENQUIRE_LINK_UNANSWERED
    assert dead.next_due() is None


def test_any_pdu_is_a_sign_of_life() -> None:
    alive = timers(enquire_link=30, response=10)
    alive.bound(START)
    for _ in range(MAX_UNANSWERED_ENQUIRE_LINKS):
        due = alive.next_due()
        assert due is not None
        assert alive.tick(due) is TimerAction.SEND_ENQUIRE_LINK
    alive.received(START + 55)
    assert alive.next_due() == START + 85
    assert alive.tick(START + 85) is TimerAction.SEND_ENQUIRE_LINK


def test_answered_enquire_links_keep_a_session_for_ever() -> None:
    healthy = timers(enquire_link=30, inactivity=300, response=10)
    healthy.bound(START)
    now = START
    for _ in range(100):
        now += 30
        assert healthy.tick(now) is TimerAction.SEND_ENQUIRE_LINK
        healthy.received(now + 0.1)
        now += 0.1


def test_closing_goes_before_another_enquire_link() -> None:
    late = timers(enquire_link=30, inactivity=60, response=10)
    late.bound(START)
    assert late.tick(START + 60) is TimerAction.CLOSE_INACTIVITY


def test_after_the_end_nothing_runs() -> None:
    ended = timers(session_init=1, inactivity=1)
    ended.stop()
    assert ended.next_due() is None
    assert ended.tick(START + 10) is None


seconds = st.sampled_from([0.0, 0.1, 1.0, 7.3, 30.0])
happenings = st.lists(
    st.tuples(
        st.floats(min_value=0.0, max_value=40.0, allow_nan=False),
        st.sampled_from(["bound", "unbound", "received", "tick"]),
    ),
    max_size=20,
)


@settings(max_examples=200, deadline=None)
@given(init=seconds, enquire=seconds, inactivity=seconds, response=seconds, happened=happenings)
def test_next_due_is_exactly_when_tick_speaks(
    init: float, enquire: float, inactivity: float, response: float, happened: list[tuple[float, str]]
) -> None:
    """Whoever sleeps until next_due neither wakes for nothing nor oversleeps."""
    running = SessionTimers(init, enquire, inactivity, response)
    now = START
    running.started(now)
    for pause, what in happened:
        now += pause
        getattr(running, what)(now)
        due = running.next_due()
        if due is None:
            assert running.tick(now + 1e6) is None
        else:
            assert running.tick(due - 1e-6) is None
            assert running.tick(due) is not None
