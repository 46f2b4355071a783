"""The hub of events: what is told is kept in order while somebody looks, and forgotten otherwise."""

from __future__ import annotations

from collections import Counter

from smppd.observe.events import Events, Place, Ring
from smppd.observe.journal import Journal


def events(capacity: int = 100) -> Events:
    return Events(Journal(100), lambda: 7.0, capacity)


def nothing() -> None:
    pass


def record(journal: Journal) -> None:
    journal.record(1.0, "1", "in", bytes(16))


# The ring.


def ring(*counts: int, capacity: int = 100) -> Ring:
    """Batches of so many, of the kinds "a" and "b" in turn; each comes two PDUs and a second after the one before."""
    made = Ring(capacity)
    for place, count in enumerate(counts):
        made.add(2 * place, float(place), "ab"[place % 2], "happened", [None] * count, {})
    return made


def test_happenings_are_found_by_any_of_their_numbers() -> None:
    made = ring(2, 3, 1)
    assert made.total == 6
    found = [made.at(number) for number in range(7)]
    assert [None if one is None else one.first for one in found] == [0, 0, 2, 2, 2, 5, None]


def test_the_oldest_go_first_as_whole_batches() -> None:
    made = ring(2, 3, 4, capacity=7)
    assert made.oldest == 2
    before = made.at(0)
    assert before is not None
    assert before.first == 2


def test_the_latest_batch_is_kept_whatever_its_size() -> None:
    made = ring(2, 50, capacity=10)
    assert (made.oldest, made.total) == (2, 52)


def test_places_by_pdus_and_by_time() -> None:
    made = ring(1, 1, 1)
    assert [made.after_pdu(pdu) for pdu in range(6)] == [0, 1, 1, 2, 2, 3]
    assert [made.after_time(time) for time in (-1.0, 0.0, 0.5, 2.0, 9.0)] == [0, 0, 1, 2, 3]


def test_counts_before_a_number_know_what_is_forgotten() -> None:
    made = ring(2, 3, 4, 1, capacity=6)
    assert made.oldest == 5
    assert made.counts_before(5) == Counter(a=2, b=3)
    assert made.counts_before(7) == Counter(a=4, b=3)
    assert made.counts_before(10) == Counter(a=6, b=4)


# Telling.


def test_what_nobody_looks_at_is_forgotten() -> None:
    hub = events()
    hub.tell("session", "opened", session="1")
    assert hub.here == Place(0, 0)
    hub.watch({"message"}, nothing)
    hub.tell("session", "opened", session="1")
    assert hub.here == Place(0, 0)


def test_what_somebody_looks_at_is_kept_and_wakes() -> None:
    hub = events()
    woken: list[str] = []
    hub.watch({"session"}, lambda: woken.append("session"))
    hub.watch({"clock", "session"}, lambda: woken.append("both"))
    hub.tell("session", "opened", session="1")
    hub.tell("clock", "advanced", (), seconds=1.0)
    hub.tell("clock", "advanced", seconds=1.0)
    assert woken == ["session", "both", "both"]
    kept = hub.ring.at(0)
    assert kept is not None
    assert (kept.time, kept.kind, kept.event, kept.facts) == (7.0, "session", "opened", {"session": "1"})
    assert hub.ring.total == 2


def test_each_happening_knows_how_many_pdus_came_before() -> None:
    hub = events()
    hub.watch({"session"}, nothing)
    hub.tell("session", "opened")
    record(hub.journal)
    record(hub.journal)
    hub.tell("session", "closed")
    assert [happening.mark for number in (0, 1) if (happening := hub.ring.at(number))] == [0, 2]


def test_the_end_of_looking() -> None:
    hub = events()
    stop = hub.watch({"session", "pdu"}, nothing)
    assert hub.journal.tap is not None
    stop()
    stop()
    assert hub.journal.tap is None
    assert hub.wanted == frozenset()
    hub.tell("session", "opened")
    assert hub.ring.total == 0


def test_whoever_looks_anew_is_blind_to_what_was() -> None:
    hub = events()
    hub.watch({"session"}, nothing)()
    hub.watch({"session"}, nothing)
    hub.tell("session", "opened")
    assert hub.blind_until == 0
    hub.watch({"session"}, nothing)
    assert hub.blind_until == 0
    hub.watch({"clock"}, nothing)
    assert hub.blind_until == 1


# Switches.


def test_switches_follow_who_looks() -> None:
    hub = events()
    switched: list[bool] = []
    hub.add_switch(["message", "receipt"], switched.append)
    first = hub.watch({"message"}, nothing)
    second = hub.watch({"receipt", "session"}, nothing)
    first()
    assert switched == [True]
    second()
    assert switched == [True, False]
    hub.watch({"session"}, nothing)
    assert switched == [True, False]


def test_a_switch_that_comes_late_is_on_at_once() -> None:
    hub = events()
    hub.watch({"rule"}, nothing)
    switched: list[bool] = []
    hub.add_switch(["rule"], switched.append)
    assert switched == [True]


# PDUs.


def test_callbacks_about_pdus_come_and_go() -> None:
    hub = events()
    called: list[str] = []
    first = hub.on_pdus(lambda: called.append("first"))
    record(hub.journal)
    second = hub.on_pdus(lambda: called.append("second"))
    record(hub.journal)
    assert called == ["first", "first", "second"]
    first()
    record(hub.journal)
    assert called[3:] == ["second"]
    second()
    assert hub.journal.tap is None
