"""A network of two dice, whose throws repeat and do not depend on how anybody cuts the traffic."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.engine.message import DELIVERED, ENROUTE, Message
from smppd.engine.ports import Attempt, Outcome
from smppd.network import simple
from smppd.network.simple import ABSENT, STATES, SimulatedNetwork, delay_drawer
from smppd.settings import OUTCOMES, Delay, Network
from smppd.settings.types import USUAL_ERRORS
from tests.engine.world import ALICE, BOB, World, sms

WORLD = World()
PHONES = {name: WORLD.bind(name) for name in (ALICE, BOB)}
MIXED = Network(outcome={"DELIVRD": 60, "UNDELIV": 30, "EXPIRED": 0, "REJECTD": 10}, error={"REJECTD": 99})


def towards(*destinations: bytes) -> list[Message]:
    route, esme = WORLD.engine.routes["all"], PHONES[ALICE].bind.esme
    return [Message(b"1", sms(number), esme, None, route, 0.0, 0.0, 1e9) for number in destinations]


def messages(*accounts: str) -> list[Message]:
    route = WORLD.engine.routes["all"]
    return [Message(b"1", sms(), PHONES[name].bind.esme, None, route, 0.0, 0.0, 1e9) for name in accounts]


def fates(network: SimulatedNetwork, count: int, account: str = ALICE) -> list[Attempt]:
    return list(network.attempt(messages(*[account] * count), 0.0))


def test_every_outcome_of_the_settings_is_known() -> None:
    assert set(STATES) == set(OUTCOMES)


def test_a_fixed_delay_is_the_same_for_all() -> None:
    network = SimulatedNetwork("n", Network(delay=Delay(distribution="fixed", value=2.5)), 0)
    assert fates(network, 3) == [Attempt(2.5, Outcome(DELIVERED))] * 3


def test_it_says_beforehand_what_never_depends_on_anything() -> None:
    fixed = Delay(distribution="fixed", value=2.5)
    assert SimulatedNetwork("n", Network(delay=fixed), 0).always() == Attempt(2.5, Outcome(DELIVERED))
    fails = Network(delay=fixed, outcome={"UNDELIV": 1}, error={"UNDELIV": 9})
    assert SimulatedNetwork("n", fails, 0).always() == Attempt(2.5, Outcome(int(STATES["UNDELIV"]), 9))


@pytest.mark.parametrize(
    "settings",
    [
        Network(delay=Delay(min=0.2, max=1.0)),
        Network(delay=Delay(distribution="fixed", value=0.0), outcome={"DELIVRD": 1, "UNDELIV": 1}),
        Network(delay=Delay(distribution="fixed", value=0.0), absent_for=5.0),
    ],
    ids=["a die for the delay", "a die for the outcome", "absent subscribers"],
)
def test_it_says_nothing_beforehand_where_that_depends(settings: Network) -> None:
    assert SimulatedNetwork("n", settings, 0).always() is None


def test_a_uniform_delay_lies_between_its_bounds() -> None:
    delays = [
        attempt.delay for attempt in fates(SimulatedNetwork("n", Network(delay=Delay(min=0.2, max=1.0)), 0), 2000)
    ]
    assert 0.2 <= min(delays) < 0.21
    assert 0.99 < max(delays) <= 1.0
    assert sum(delays) / 2000 == pytest.approx(0.6, abs=0.02)


def test_a_range_of_no_width_is_a_constant() -> None:
    assert delay_drawer(Delay(min=0.5, max=0.5)) == 0.5


def test_outcomes_come_by_their_weights() -> None:
    counts = Counter(attempt.outcome for attempt in fates(SimulatedNetwork("n", MIXED, 0), 10_000))
    assert set(counts) == {
        Outcome(DELIVERED),
        Outcome(int(STATES["UNDELIV"]), USUAL_ERRORS["UNDELIV"]),
        Outcome(int(STATES["REJECTD"]), 99),
    }
    shares = [counts[outcome] / 10_000 for outcome in sorted(counts)]
    assert shares == pytest.approx([0.6, 0.3, 0.1], abs=0.02)


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    draws = [fates(SimulatedNetwork(name, MIXED, seed), 50) for name, seed in (("n", 7), ("n", 7), ("n", 8), ("m", 7))]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]
    assert draws[0] != draws[3]


@given(cuts=st.lists(st.integers(0, 12), max_size=12), others=st.lists(st.integers(0, 5), min_size=12, max_size=12))
def test_draws_depend_neither_on_batches_nor_on_other_accounts(cuts: list[int], others: list[int]) -> None:
    """The n-th message of an account meets its fate, whoever else sends in between and however many come at once."""
    network = SimulatedNetwork("n", MIXED, 1)
    drawn: list[Attempt] = []
    for count, foreign in zip(cuts, others, strict=False):
        batch = messages(*[BOB] * foreign, *[ALICE] * count, *[BOB] * foreign)
        attempts = network.attempt(batch, 0.0)
        drawn += [attempt for attempt, message in zip(attempts, batch, strict=True) if message.esme.system_id == ALICE]
    assert drawn == fates(SimulatedNetwork("n", MIXED, 1), len(drawn))


# Absent subscribers.

AWAY = Network(delay=Delay(distribution="fixed", value=0.5), absent_for=60.0)


def test_each_subscriber_is_absent_from_the_first_attempt_on() -> None:
    network = SimulatedNetwork("n", AWAY, 0)

    def states(now: float, *destinations: bytes) -> list[int]:
        attempts = network.attempt(towards(*destinations), now)
        assert {attempt.delay for attempt in attempts} == {0.5}
        assert all(attempt.outcome in (ABSENT, Outcome(DELIVERED)) for attempt in attempts)
        return [attempt.outcome.state for attempt in attempts]

    assert states(100.0, b"1", b"1") == [ENROUTE, ENROUTE]
    assert states(130.0, b"2", b"1") == [ENROUTE, ENROUTE]
    assert states(159.0, b"1") == [ENROUTE]
    assert states(160.0, b"1", b"2") == [DELIVERED, ENROUTE]
    assert states(190.0, b"1", b"2", b"3") == [DELIVERED, DELIVERED, ENROUTE]
    assert ABSENT.error_code == 27


def test_it_knows_when_they_are_back() -> None:
    network = SimulatedNetwork("n", AWAY, 0)
    first, second = towards(b"1", b"2")
    assert network.back_at(first, 100.0) is None
    network.attempt([first], 100.0)
    assert (network.back_at(first, 110.0), network.back_at(first, 500.0)) == (160.0, 160.0)
    assert network.back_at(second, 500.0) is None


def test_nobody_is_remembered_where_nobody_is_absent() -> None:
    network = SimulatedNetwork("n", Network(), 0)
    network.attempt(towards(b"1"), 0.0)
    assert network.back_at(towards(b"1")[0], 0.0) is None
    assert network._first_tried == {}


def test_absence_does_not_change_the_dice() -> None:
    present = SimulatedNetwork("n", MIXED, 3).attempt(messages(*[ALICE] * 50), 0.0)
    settings = Network(outcome=MIXED.outcome, error=MIXED.error, absent_for=10.0)
    network = SimulatedNetwork("n", settings, 3)
    absent = network.attempt(messages(*[ALICE] * 25), 0.0)
    assert {attempt.outcome for attempt in absent} == {ABSENT}
    back = network.attempt(messages(*[ALICE] * 25), 10.0)
    assert list(back) == list(present[25:])
    assert [attempt.delay for attempt in absent] == [attempt.delay for attempt in present[:25]]


def test_only_so_many_subscribers_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simple, "MAX_SUBSCRIBERS", 2)
    network = SimulatedNetwork("n", AWAY, 0)
    network.attempt(towards(b"1", b"2", b"3"), 0.0)
    assert [attempt.outcome.state for attempt in network.attempt(towards(b"3", b"2", b"1"), 60.0)] == [
        DELIVERED,
        DELIVERED,
        ENROUTE,
    ]
