"""Which occasions a fault takes."""

import pytest

from smppd.behaviour.chance import Purpose
from smppd.behaviour.occasions import FaultHits, Occasions, Party
from smppd.settings.faults import Duplicate, Fault
from smppd.settings.rules import Schedule

BOUND = Party(session=3, account="alpha", bound_at=50.0)


def occasions(fault: Fault, seed: int = 1) -> Occasions:
    return Occasions(fault, seed=seed, started=10.0)


def taken(one: Occasions, count: int, party: Party = BOUND, now: float = 100.0) -> list[int]:
    """Which of so many occasions are taken, from 1 on."""
    return [place for place in range(1, count + 1) if one.take(party, now) is not None]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ({"after": 4}, [5, 6, 7, 8, 9]),
        ({"every": 3}, [3, 6, 9]),
        ({"after": 2, "every": 3}, [5, 8]),
        ({"count": 2}, [1, 2]),
        ({"after": 1, "every": 2, "count": 2}, [3, 5]),
    ],
)
def test_after_every_and_count(keys: dict[str, int], expected: list[int]) -> None:
    one = occasions(Duplicate(name="d", **keys))  # type: ignore[arg-type]
    assert taken(one, 9) == expected
    assert one.hits == FaultHits(9, len(expected))


def test_probability_repeats_with_the_seed_and_differs_with_it() -> None:
    fault = Duplicate(name="d", probability=0.3)
    first = taken(occasions(fault), 1000)
    assert 230 < len(first) < 370
    assert taken(occasions(fault), 1000) == first
    assert taken(occasions(fault, seed=2), 1000) != first
    assert taken(occasions(Duplicate(name="e", probability=0.3)), 1000) != first


def test_other_accounts_do_not_change_the_draws_of_an_account() -> None:
    fault = Duplicate(name="d", probability=0.5)
    alone = taken(occasions(fault), 200)
    together = occasions(fault)
    other = Party(session=4, account="beta", bound_at=60.0)
    found = []
    for place in range(1, 201):
        together.take(other, 100.0)
        if together.take(BOUND, 100.0) is not None:
            found.append(place)
    assert found == alone


def test_count_is_of_what_was_taken_and_not_of_what_was_drawn() -> None:
    one = occasions(Duplicate(name="d", probability=0.2, count=3))
    assert len(taken(one, 500)) == 3


def test_draws_of_several_purposes_and_indexes_differ() -> None:
    draws = occasions(Duplicate(name="d")).take(BOUND, 100.0)
    assert draws is not None
    values = {draws.draw(Purpose.DELAY), draws.draw(Purpose.PARAMETER), draws.draw(Purpose.PARAMETER, 1)}
    assert len(values) == 3
    assert all(0 <= value < 1 for value in values)


@pytest.mark.parametrize(
    ("keys", "party", "expected"),
    [
        ({}, Party(1), True),
        ({}, BOUND, True),
        ({"account": "alpha"}, BOUND, True),
        ({"account": "al*"}, BOUND, True),
        ({"account": "AL*"}, BOUND, False),
        ({"account": ["beta", "alpha"]}, BOUND, True),
        ({"account": "beta"}, BOUND, False),
        ({"account": "*"}, Party(1), False),
        ({"session": 3}, BOUND, True),
        ({"session": 4}, BOUND, False),
        ({"session": 3, "account": "beta"}, BOUND, False),
    ],
)
def test_whom_it_concerns(keys: dict[str, object], party: Party, expected: bool) -> None:
    assert occasions(Duplicate(name="d", **keys)).concerns(party) is expected  # type: ignore[arg-type]


def test_whom_it_may_concern_once_bound() -> None:
    assert occasions(Duplicate(name="d", account="alpha")).may_concern(Party(1))
    assert not occasions(Duplicate(name="d", account="alpha", session=2)).may_concern(Party(1))
    assert not occasions(Duplicate(name="d", account="beta")).may_concern(BOUND)


def test_commands() -> None:
    one = occasions(Duplicate(name="d", command=["submit_sm_resp", "deliver_sm"]))
    assert [one.is_about_command(command) for command in (0x80000004, 5, 4)] == [True, True, False]
    assert occasions(Duplicate(name="d")).is_about_command(0x77777777)


def test_what_passes_while_it_sleeps_is_no_occasion() -> None:
    one = occasions(Duplicate(name="d", after=1, schedule=Schedule(start=5.0, for_=10.0, every=60.0)))
    assert one.take(BOUND, 14.9) is None
    assert one.hits == FaultHits(0, 0)
    assert one.take(BOUND, 15.0) is None
    assert one.take(BOUND, 24.9) is not None
    assert one.take(BOUND, 25.0) is None
    assert one.take(BOUND, 75.0) is not None
    assert one.asleep_at(BOUND, 76.0) == pytest.approx(85.0)


def test_a_schedule_since_the_bind_sleeps_before_it() -> None:
    one = occasions(Duplicate(name="d", schedule=Schedule(start=1.0, for_=2.0, since="session")))
    assert one.take(Party(1), 100.0) is None
    assert one.take(BOUND, 50.5) is None
    assert one.take(BOUND, 51.0) is not None
    assert one.asleep_at(BOUND, 51.5) == pytest.approx(53.0)
    assert one.asleep_at(Party(1), 51.5) is None


def test_without_a_schedule_it_never_sleeps() -> None:
    assert occasions(Duplicate(name="d")).asleep_at(BOUND, 100.0) is None


def test_when_it_begins() -> None:
    minutely = Schedule(start=5, for_=10, every=60)
    one = occasions(Duplicate(name="d", schedule=minutely))
    assert [one.begins_at(BOUND, now) for now in (10.0, 16.0, 75.0)] == [15.0, 75.0, 75.0]
    assert occasions(Duplicate(name="d")).begins_at(BOUND, 10.0) is None


def test_when_it_begins_for_a_session() -> None:
    one = occasions(Duplicate(name="d", schedule=Schedule(start=5, since="session")))
    assert one.begins_at(BOUND, 50.0) == 55.0
    assert one.begins_at(Party(session=3), 50.0) is None
    assert one.is_awake(BOUND, 55.0)
    assert not one.is_awake(BOUND, 54.0)
    assert not one.is_awake(Party(session=3), 55.0)
