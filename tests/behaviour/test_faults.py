"""The book: which faults there are, and what they have done."""

import pytest

from smppd.settings import faults
from tests.behaviour.fake_wire import World, submit_response

A = submit_response()


def test_without_faults_there_is_no_layer() -> None:
    world = World()
    session, transport = world.connect("alpha")
    assert transport.protocol is session
    assert session.transport is transport
    assert world.book.layers == 0
    assert world.book.hits() == {}


def test_what_is_not_enabled_is_left_out_and_other_groups_lie_on_no_connection() -> None:
    world = World(faults.Throttle(name="t"), faults.ReceiptLost(name="r"), faults.Duplicate(name="off", enabled=False))
    assert [fault.name for fault in world.book.faults] == ["t", "r"]
    assert [one.fault.name for one in world.book.occasions] == ["t", "r"]
    session, transport = world.connect("alpha")
    assert transport.protocol is session
    world.book.bound(session, "alpha")
    world.book.replace([faults.Throttle(name="t")])
    assert world.book.layers == 0


def test_watchers_are_told_of_other_faults() -> None:
    world = World()
    told: list[list[str]] = []
    world.book.watchers.append(lambda: told.append([fault.name for fault in world.book.faults]))
    world.book.replace([faults.Throttle(name="t")])
    world.book.replace([])
    assert told == [["t"], []]


def test_totals_never_fall() -> None:
    world = World(faults.Duplicate(name="d"), faults.Withhold(name="w", after=9))
    session, _ = world.connect()
    session.write(A)
    session.write(A)
    assert world.book.totals() == {"d": 2}
    world.book.reset()
    session.write(A)
    assert world.book.totals() == {"d": 3}
    world.book.replace([faults.Duplicate(name="d", count=1)])
    session.write(A)
    world.book.replace([])
    assert world.book.totals() == {"d": 4}


def test_hits_are_kept_by_what_stays_the_same() -> None:
    keep, change = faults.Duplicate(name="keep", count=2), faults.Duplicate(name="change", count=2)
    world = World(keep, change)
    session, _ = world.connect()
    session.write(A)
    assert world.book.hits() == {"keep": (1, 1), "change": (2, 2)}
    world.book.replace([faults.Duplicate(name="change", count=3), keep])
    assert world.book.hits() == {"change": (0, 0), "keep": (1, 1)}
    assert list(world.book.hits()) == ["change", "keep"]
    world.book.reset()
    assert world.book.hits() == {"change": (0, 0), "keep": (0, 0)}


def test_reset_begins_anew_on_connections_that_stand() -> None:
    world = World(faults.Duplicate(name="d", count=1))
    session, transport = world.connect()
    session.write(A)
    session.write(A)
    world.book.reset()
    session.write(A)
    assert transport.written == A * 5


def test_two_faults_of_one_name_change_nothing() -> None:
    world = World(faults.Slice(name="s"))
    with pytest.raises(ValueError, match="'d'"):
        world.book.replace([faults.Duplicate(name="d"), faults.Withhold(name="d")])
    assert [fault.name for fault in world.book.faults] == ["s"]


def test_counts_are_of_all_sessions() -> None:
    world = World(faults.Withhold(name="w", count=1))
    (one, beneath_one), (two, beneath_two) = world.connect(), world.connect()
    one.write(A)
    two.write(A)
    assert (beneath_one.written, beneath_two.written) == (b"", A)


def test_seeds() -> None:
    def outcome(seed: int) -> bytes:
        world = World(faults.Withhold(name="w", probability=0.5), seed=seed)
        session, transport = world.connect()
        for number in range(64):
            session.write(submit_response(number))
        return transport.written

    assert outcome(1) == outcome(1)
    assert outcome(1) != outcome(2)


def test_a_session_that_is_about_to_end_gets_no_layer() -> None:
    world = World()
    session, transport = world.connect()
    session.transport = None
    world.book.replace([faults.Slice(name="s")])
    assert transport.protocol is session
    assert world.book.layers == 0
