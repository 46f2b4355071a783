"""The search against simulated SMSCs: it finds their limit, in spite of noise, and always comes to an end."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.load.adaptive import (
    CONFIRMATION,
    LOWEST_RATE,
    MAX_TRIALS,
    PRECISION,
    STEP_DOWN,
    TRIAL_SECONDS,
    Limits,
    Outcome,
    Probe,
    Search,
    Trial,
)
from smppd.load.result import Counters, Interval, Result
from tests.load.examples import steady

GOOD = Probe(rate=100, achieved=100, p99=0.01, error_rate=0, backlog=0, seconds=5)

Smsc = Callable[[Trial], Probe]


def fine(trial: Trial) -> Probe:
    return replace(GOOD, rate=trial.rate, achieved=trial.rate, seconds=trial.seconds)


def bad(trial: Trial) -> Probe:
    return replace(fine(trial), p99=9.0)


def queueing(capacity: float, room: float = 0.0) -> Smsc:
    """Answers `capacity` messages a second and keeps the rest waiting; `room` messages wait unnoticed."""

    def smsc(trial: Trial) -> Probe:
        over = max(0.0, (trial.rate - capacity) * trial.seconds - room)
        return replace(
            fine(trial), achieved=trial.rate - over / trial.seconds, backlog=over, p99=0.005 + over / capacity
        )

    return smsc


def throttling(limit: float) -> Smsc:
    """Answers at once, with ESME_RTHROTTLED what is over the limit."""
    return lambda trial: replace(fine(trial), error_rate=max(0.0, 1 - limit / trial.rate))


def noisy(smsc: Smsc, random: Random, *, bad_luck: float, good_luck: float = 0.0) -> Smsc:
    """Some trials suffer from something else on the machine, some pass by luck."""

    def disturbed(trial: Trial) -> Probe:
        probe = smsc(trial)
        if random.random() < bad_luck:
            return replace(probe, p99=probe.p99 + 1)
        return fine(trial) if random.random() < good_luck else probe

    return disturbed


def search(smsc: Smsc, **options: float) -> Outcome:
    machine = Search(Limits(), **options)
    while trial := machine.next():
        machine.add(smsc(trial))
    return machine.outcome()


@pytest.mark.parametrize("capacity", [3, 99, 100, 101, 750, 12_345, 300_000])
@pytest.mark.parametrize("kind", [queueing, throttling])
def test_the_limit_is_found(kind: Callable[[float], Smsc], capacity: float) -> None:
    outcome = search(kind(capacity))
    assert outcome.confirmed
    assert outcome.rate is not None
    # 1 % over the capacity is what the limits allow (achieved >= 99 %).
    assert capacity / (1 + PRECISION) <= outcome.rate <= capacity * 1.011
    assert outcome.note == "The SMSC sustained this rate and failed above it."
    assert len(outcome.rows) <= 30


def test_the_trials_in_their_order() -> None:
    outcome = search(queueing(250), precision=0.2)
    rates = [(row.trial.stage, round(row.trial.rate), row.trial.repeated, row.passed) for row in outcome.rows]
    assert rates == [
        ("growth", 100, False, True),
        ("growth", 200, False, True),
        ("growth", 400, False, False),
        ("growth", 400, True, False),
        ("bisection", 283, False, False),
        ("bisection", 283, True, False),
        ("bisection", 238, False, True),
        ("confirmation", 238, False, True),
    ]
    assert {row.trial.seconds for row in outcome.rows[:-1]} == {TRIAL_SECONDS}
    assert outcome.rows[-1].trial.seconds == CONFIRMATION * TRIAL_SECONDS


@pytest.mark.parametrize("seed", range(30))
def test_a_disturbed_trial_gets_a_second_chance(seed: int) -> None:
    outcome = search(noisy(queueing(1000), Random(seed), bad_luck=0.05))
    assert outcome.confirmed
    assert outcome.rate is not None
    assert 700 <= outcome.rate <= 1011


@pytest.mark.parametrize("seed", range(30))
def test_a_trial_that_passed_by_luck_is_found_out(seed: int) -> None:
    outcome = search(noisy(queueing(1000), Random(seed), bad_luck=0.0, good_luck=0.02))
    assert outcome.confirmed
    assert outcome.rate is not None
    assert 700 <= outcome.rate <= 1011


def test_what_short_trials_hide_the_confirmation_shows() -> None:
    """A queue that swallows five seconds of too much: only longer trials tell."""
    outcome = search(queueing(1000, room=5000))
    assert outcome.confirmed
    assert outcome.rate is not None
    assert 1000 / (1 + PRECISION) <= outcome.rate <= 1000 + 5000 / 20 + 13
    failed = next(at for at, row in enumerate(outcome.rows) if row.trial.stage == "confirmation" and not row.passed)
    assert {row.trial.seconds for row in outcome.rows[failed:]} == {CONFIRMATION * TRIAL_SECONDS}
    # The second chance, and then a step down instead of a way between two short trials.
    assert outcome.rows[failed + 2].trial.rate == outcome.rows[failed].trial.rate / STEP_DOWN


def test_an_smsc_without_limits_ends_at_the_highest_rate() -> None:
    outcome = search(fine, highest=5000)
    assert (outcome.rate, outcome.confirmed) == (5000, True)
    assert "may take more" in outcome.note
    assert max(row.trial.rate for row in outcome.rows) == 5000


def test_an_smsc_that_sustains_nothing() -> None:
    outcome = search(bad)
    assert (outcome.rate, outcome.confirmed) == (None, False)
    assert outcome.note == "No rate was sustained."
    assert min(row.trial.rate for row in outcome.rows) < 2 * LOWEST_RATE


def test_the_generator_may_be_what_gives_up() -> None:
    outcome = search(lambda trial: replace(queueing(20_000)(trial), generator_bound=trial.rate > 20_000))
    assert outcome.confirmed
    assert "--workers" in outcome.note


@given(st.lists(st.booleans(), min_size=MAX_TRIALS, max_size=MAX_TRIALS), st.floats(LOWEST_RATE, 1e6))
def test_whatever_happens_it_ends(results: list[bool], start: float) -> None:
    machine = Search(Limits(), start=start)
    for passed in results:
        trial = machine.next()
        if trial is None:
            break
        assert LOWEST_RATE <= trial.rate <= 1e6
        machine.add(fine(trial) if passed else bad(trial))
    assert machine.next() is None
    outcome = machine.outcome()
    assert outcome.note
    if outcome.confirmed:
        last = outcome.rows[-1]
        assert (last.trial.stage, last.trial.rate, last.passed) == ("confirmation", outcome.rate, True)
        assert last.trial.seconds == CONFIRMATION * TRIAL_SECONDS


def test_the_bound_on_trials_is_said() -> None:
    outcome = search(queueing(12_345), precision=1e-9)
    assert outcome.rate == pytest.approx(12_345, rel=0.02)
    assert not outcome.confirmed
    assert len(outcome.rows) == MAX_TRIALS
    assert outcome.note == f"Stopped after {MAX_TRIALS} trials without a confirmed rate."


def test_asking_twice_gives_the_same_trial_and_answers_need_a_question() -> None:
    machine = Search(Limits())
    assert machine.next() is machine.next()
    assert machine.add(GOOD).passed
    with pytest.raises(ValueError, match="no trial"):
        machine.add(GOOD)


def test_stopping_early_leaves_what_is_known() -> None:
    machine = Search(Limits())
    for _ in range(2):
        trial = machine.next()
        assert trial is not None
        machine.add(fine(trial))
    outcome = machine.outcome()
    assert (outcome.rate, outcome.confirmed, outcome.note) == (200, False, "Stopped before the rate was confirmed.")


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        (GOOD, []),
        (replace(GOOD, p99=0.0501), ["p99 50.1 ms over 50.0 ms"]),
        (replace(GOOD, p99=math.nan), ["p99 - over 50.0 ms"]),
        (replace(GOOD, error_rate=0.02), ["2 % errors over 0.1 %"]),
        (replace(GOOD, achieved=98.9), ["99/s achieved of 100/s"]),
        (replace(GOOD, backlog=20), []),
        (replace(GOOD, backlog=21), ["backlog grew by 21"]),
        (replace(GOOD, rate=10_000, achieved=10_000, backlog=500), []),
        (replace(GOOD, rate=10_000, achieved=10_000, backlog=501), ["backlog grew by 501"]),
    ],
)
def test_which_limits_were_not_kept(probe: Probe, words: list[str]) -> None:
    assert probe.failures(Limits()) == words


def result_of(*points: tuple[int, int, int], **changes: Any) -> Result:
    """A trial by its seconds: offered, answered, backlog at the end."""
    intervals = [Interval(float(t), offered=o, ok=a, in_flight=b) for t, (o, a, b) in enumerate(points)]
    return steady(seconds=len(points), rate=100, intervals=intervals, **changes)


def test_a_probe_leaves_out_the_first_second() -> None:
    probe = Probe.of(result_of((100, 60, 40), (100, 100, 40), (90, 90, 40), (110, 110, 40)))
    assert (probe.rate, probe.achieved, probe.backlog, probe.seconds) == (100, 100, 0, 4)
    assert not probe.generator_bound


def test_a_probe_sees_the_backlog_grow() -> None:
    probe = Probe.of(result_of(*((100, 90, 10 * t) for t in range(1, 6))))
    assert probe.achieved == 90
    assert probe.backlog == pytest.approx(40)


def test_warm_up_and_drain_are_no_part_of_a_probe() -> None:
    points = [Interval(-1.0, offered=5, ok=5), *(Interval(float(t), offered=7, ok=7) for t in range(4)), Interval(4.0)]
    result = steady(seconds=4, intervals=points)
    result.report.seconds = 3.98
    probe = Probe.of(result)
    assert (probe.rate, probe.backlog) == (7, 0)


def test_a_probe_of_a_trial_of_one_second() -> None:
    probe = Probe.of(result_of((100, 100, 0), measured=Counters(offered=100, ok=97, errors=2)))
    assert (probe.rate, probe.achieved) == (100, 99)


def test_a_trial_without_an_answer_fails() -> None:
    result = steady(seconds=0, warm_up=0, intervals=[], counters=Counters(), measured=Counters())
    assert Probe.of(result).failures(Limits()) == ["nothing was answered"]


def test_the_outcome_as_json() -> None:
    outcome = search(queueing(250), precision=0.2)
    written = json.loads(json.dumps(outcome.as_json()))
    assert written["rate"] == outcome.rate
    assert written["confirmed"] is True
    assert written["limits"] == {"max_p99": 0.05, "max_error_rate": 0.001, "min_achieved": 0.99}
    assert [trial["passed"] for trial in written["trials"]] == [row.passed for row in outcome.rows]
    assert written["trials"][2]["failures"]


@pytest.mark.parametrize("options", [{"start": 0.5}, {"start": 200, "highest": 100}, {"seconds": 0}, {"precision": 0}])
def test_nonsense_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="start"):
        Search(Limits(), **options)
