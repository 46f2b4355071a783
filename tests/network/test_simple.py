"""A network of two dice, whose throws repeat and do not depend on how anybody cuts the traffic."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.engine.message import DELIVERED, Message
from smppd.engine.ports import Attempt, Outcome
from smppd.network.simple import DEFAULT_ERRORS, STATES, SimulatedNetwork, delay_drawer
from smppd.settings import OUTCOMES, Delay, Network
from tests.engine.world import ALICE, BOB, World, sms

WORLD = World()
PHONES = {name: WORLD.bind(name) for name in (ALICE, BOB)}
MIXED = Network(outcome={"DELIVRD": 60, "UNDELIV": 30, "EXPIRED": 0, "REJECTD": 10}, error={"REJECTD": 99})


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
        Outcome(int(STATES["UNDELIV"]), DEFAULT_ERRORS["UNDELIV"]),
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
