"""Find the highest rate that an SMSC sustains: what to try next, and when to stop.

Pure: the caller runs the trials and hands in what came of them; no clock, no socket, no chance in here.

    search = Search(Limits())
    while trial := search.next():
        search.add(run(trial))          # run() loads the SMSC and returns a Probe
    search.outcome()

Three stages. *Growth* doubles the rate until a trial fails (or halves it until one passes). *Bisection* narrows the
gap between the highest rate that passed and the lowest that failed. *Confirmation* runs the rate that was found once
more, for longer: an SMSC may take for five seconds what it cannot take for twenty.

Measurements are noisy. A failed trial is therefore repeated once and counts when it fails again. When a confirmation
fails, short trials have shown that they say too little: what passed so far is forgotten, and the search goes on below
with trials as long as the confirmation. Whatever the SMSC does, the search ends after `MAX_TRIALS` trials.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from statistics import linear_regression
from typing import TYPE_CHECKING, Any, Final, Literal

from smppd.load import figures
from smppd.load.bottleneck import bottleneck

if TYPE_CHECKING:
    from smppd.load.result import Interval, Result

Stage = Literal["growth", "bisection", "confirmation"]

START_RATE: Final = 100.0
"""Messages per second of the first trial: an SMSC that is worth the search takes them."""

GROWTH: Final = 2.0
"""From one trial to the next while nothing fails. Doubling meets any limit within a few trials and overshoots it by
less than what a queue of a few seconds holds."""

LOWEST_RATE: Final = 1.0
"""Messages per second. Below it a trial of a few seconds holds too few messages to say anything."""

HIGHEST_RATE: Final = 1_000_000.0
"""Messages per second. No generator in Python gets there: it bounds the growth where no limit is ever met."""

PRECISION: Final = 0.05
"""Bisection ends when the failed rate is at most 5 % above the passed one: two trials of a few seconds on an ordinary
machine do not agree more closely."""

TRIAL_SECONDS: Final = 5.0
"""Of one trial of growth or bisection: long enough that a queue which grows is seen growing."""

CONFIRMATION: Final = 4.0
"""How many times longer the confirmation is than a trial."""

STEP_DOWN: Final = 1.25
"""By how much the next trial lies below a rate whose confirmation failed: the limit is near, but not within 5 %."""

MAX_TRIALS: Final = 40
"""Bounds the search. Fourteen doublings, a bisection in which every trial fails twice, and a confirmation that fails
with the search below it all fit."""

BACKLOG_SHARE: Final = 0.01
"""A backlog grows when the trial ends with 1 % of its messages more in it than at its start..."""

BACKLOG_FLOOR: Final = 20
"""...and with 20 messages more: so many are in flight by chance at any moment."""


ROUGHLY: Final = 0.05
"""Seconds by which a trial may be shorter than its last whole interval: timers are not exact."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an SMSC must keep to at a rate that it sustains."""

    max_p99: float = 0.050
    """Seconds that 99 % of the submit responses must not exceed, from the intended send time."""
    max_error_rate: float = 0.001
    """Share (0..1) of the messages refused, throttled or not answered."""
    min_achieved: float = 0.99
    """Share (0..1) of the offered rate that must be answered with ESME_ROK or an error in time."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What to run next."""

    rate: float
    """Messages per second to offer, open loop."""
    seconds: float
    """How long to measure."""
    stage: Stage
    repeated: bool = False
    """It failed a moment ago; this is its second chance."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of a trial."""

    rate: float
    """Messages per second that were offered: the intended rate."""
    achieved: float
    """Messages per second that were answered."""
    p99: float
    """Seconds, submit response from the intended send time."""
    error_rate: float
    """Share (0..1) of the messages that were refused, throttled or not answered."""
    backlog: float
    """Messages by which the backlog (intended and not yet answered) grew from the start of the trial to its end."""
    seconds: float
    """How long was measured."""
    generator_bound: bool = False
    """The generator itself was the bottleneck, so that the trial says nothing about the SMSC."""

    @classmethod
    def of(cls, result: Result) -> Probe:
        """Read a probe from what a trial left.

        The first second is left out of the rates: it fills the SMSC's pipeline, and answers less than it sends. So is
        the noise of Poisson arrivals: what was achieved is compared with what was in fact offered.
        """
        measured = result.report.measured
        end = result.seconds + ROUGHLY
        series = [point for point in result.report.intervals if point.t >= 0 and point.t + point.seconds <= end]
        steady = series[1:]
        length = sum(point.seconds for point in steady)
        seconds = length or result.seconds
        offered = sum(point.offered for point in steady) if length else measured.offered
        answered = sum(point.answered for point in steady) if length else measured.answered
        return cls(
            rate=offered / seconds if seconds else 0.0,
            achieved=answered / seconds if seconds else 0.0,
            p99=result.metric("p99") if result.histogram("submit_response").count else 0.0,  # nan is no JSON
            error_rate=result.metric("error_rate") / 100,
            backlog=_growth(series),
            seconds=result.seconds,
            generator_bound=bool(bottleneck(result)),
        )

    def failures(self, limits: Limits) -> list[str]:
        """Say which limits were not kept, in words; nothing when the rate was sustained."""
        # Written as "not kept" so that a figure which is not a number never passes.
        allowed_backlog = max(BACKLOG_FLOOR, BACKLOG_SHARE * self.rate * self.seconds)
        found = [] if self.achieved > 0 else ["nothing was answered"]
        if not self.p99 <= limits.max_p99:
            found.append(f"p99 {figures.latency(self.p99)} over {figures.latency(limits.max_p99)}")
        if not self.error_rate <= limits.max_error_rate:
            found.append(f"{self.error_rate * 100:.3g} % errors over {limits.max_error_rate * 100:g} %")
        if not self.achieved >= limits.min_achieved * self.rate:
            found.append(f"{figures.rate(self.achieved)} achieved of {figures.rate(self.rate)}")
        if not self.backlog <= allowed_backlog:
            found.append(f"backlog grew by {self.backlog:,.0f}")
        return found


def _growth(series: list[Interval]) -> float:
    """Messages by which the backlog grew: the slope of the line that fits it best, times its length."""
    if len(series) < 2:
        return 0.0
    times = [point.t for point in series]
    backlogs = [float(point.in_flight + point.behind) for point in series]
    slope, _ = linear_regression(times, backlogs)
    return slope * (times[-1] - times[0])


@dataclass(frozen=True, slots=True)
class Row:
    """A trial, what came of it, and the judgement."""

    trial: Trial
    probe: Probe
    failures: tuple[str, ...]
    """Limits that were not kept; empty when the trial passed."""

    @property
    def passed(self) -> bool:
        """Whether every limit was kept."""
        return not self.failures


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the search found."""

    rate: float | None
    """The highest rate that was sustained, in messages per second; None when none was."""
    confirmed: bool
    """Whether that rate also passed the confirmation."""
    note: str
    """Why the search ended, as a sentence."""
    limits: Limits
    rows: tuple[Row, ...]
    """Every trial, in the order they were run."""

    def as_json(self) -> dict[str, Any]:
        """Plain values for the report: rates in messages per second, times in seconds, shares from 0 to 1."""
        return {
            "rate": self.rate,
            "confirmed": self.confirmed,
            "note": self.note,
            "limits": asdict(self.limits),
            "trials": [
                {
                    **asdict(row.probe),
                    "stage": row.trial.stage,
                    "repeated": row.trial.repeated,
                    "passed": row.passed,
                    "failures": list(row.failures),
                }
                for row in self.rows
            ],
        }


class Search:
    """The search as a state machine: `next` says what to run, `add` takes what came of it, in turns."""

    def __init__(
        self,
        limits: Limits,
        *,
        start: float = START_RATE,
        highest: float = HIGHEST_RATE,
        seconds: float = TRIAL_SECONDS,
        precision: float = PRECISION,
    ) -> None:
        if not (LOWEST_RATE <= start <= highest and seconds > 0 and precision > 0):
            raise ValueError(f"start {start}, highest {highest}, seconds {seconds}, precision {precision}")
        self.limits = limits
        self.rows: list[Row] = []
        self._start = start
        self._highest = highest
        self._seconds = seconds
        self._confirmation_seconds = seconds * CONFIRMATION
        self._precision = precision
        self._passed: list[float] = []
        """Rates that passed and lie below `_failed`."""
        self._failed = math.inf
        """The lowest rate that failed twice."""
        self._step_down = GROWTH
        self._confirmed = False
        self._given: Trial | None = None
        """Handed out by `next`, not yet answered by `add`."""
        self._again: Trial | None = None
        """Failed once and waits for its second chance."""

    def next(self) -> Trial | None:
        """Return the trial to run now; None when the search has ended. Asking twice gives the same trial."""
        if self._given is None and not self._confirmed and len(self.rows) < MAX_TRIALS:
            self._given = replace(self._again, repeated=True) if self._again else self._propose()
        return self._given

    def add(self, probe: Probe) -> Row:
        """Take what came of the trial that `next` gave, and return it judged. ValueError when no trial was given."""
        trial = self._given
        if trial is None:
            raise ValueError("no trial was given")
        self._given = None
        row = Row(trial, probe, tuple(probe.failures(self.limits)))
        self.rows.append(row)
        if row.passed:
            self._pass(trial)
        elif trial.repeated:
            self._fail(trial)
        else:
            self._again = trial
        return row

    def outcome(self) -> Outcome:
        """Return what is known so far: the result once `next` has returned None, the best guess before."""
        rate = max(self._passed, default=None)
        return Outcome(rate, self._confirmed, self._note(rate), self.limits, tuple(self.rows))

    def _propose(self) -> Trial | None:
        """Choose the next rate from the gap between what passed and what failed; None when there is no gap left."""
        low = max(self._passed, default=0.0)
        if not low:
            rate = self._start if math.isinf(self._failed) else self._failed / self._step_down
            return Trial(rate, self._seconds, "growth") if rate >= LOWEST_RATE else None
        if math.isinf(self._failed) and low < self._highest:
            return Trial(min(low * GROWTH, self._highest), self._seconds, "growth")
        if not math.isinf(self._failed) and self._failed / low > 1 + self._precision:
            return Trial(math.sqrt(low * self._failed), self._seconds, "bisection")
        return Trial(low, self._confirmation_seconds, "confirmation")

    def _pass(self, trial: Trial) -> None:
        self._again = None
        if trial.stage == "confirmation":
            self._confirmed = True
        else:
            self._passed.append(trial.rate)

    def _fail(self, trial: Trial) -> None:
        self._again = None
        self._failed = min(self._failed, trial.rate)
        if trial.stage == "confirmation" and self._seconds < self._confirmation_seconds:
            self._seconds = self._confirmation_seconds
            self._step_down = STEP_DOWN
            self._passed.clear()
        self._passed = [rate for rate in self._passed if rate < self._failed]

    def _note(self, rate: float | None) -> str:
        if len(self.rows) >= MAX_TRIALS and not self._confirmed:
            return f"Stopped after {MAX_TRIALS} trials without a confirmed rate."
        if rate is None:
            return "No rate was sustained."
        if not self._confirmed:
            return "Stopped before the rate was confirmed."
        if math.isinf(self._failed):
            return "The highest rate that the search tries was sustained: the SMSC may take more."
        if any(row.probe.generator_bound and not row.passed and row.trial.rate == self._failed for row in self.rows):
            return "Above this rate the generator was the bottleneck: the SMSC may take more from more --workers."
        return "The SMSC sustained this rate and failed above it."
