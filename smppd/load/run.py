"""The coordinator: starts the worker processes, tells them what to do, adds up what they report.

Every worker is a process of its own, also a single one: what the live display draws would otherwise delay the messages
it tells about. The coordinator only waits on pipes, so it needs no event loop.
"""

from __future__ import annotations

import math
import select
import signal
import time
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import connection as pipes
from multiprocessing import get_context, resource_tracker
from typing import TYPE_CHECKING, Any, Final, Self

from smppd.errors import UserError
from smppd.load.adaptive import Probe
from smppd.load.histogram import Histogram
from smppd.load.messages import Failed, Finish, Go, Ready, Release, Report, Run, Snapshot, Stop, Strays
from smppd.load.result import Counters, Progress, Result, Target, merge
from smppd.load.worker import loop_factory, worker_main

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess
    from types import TracebackType

    from smppd.load.adaptive import Outcome, Search
    from smppd.load.messages import Answer, Command
    from smppd.load.options import LoadOptions
    from smppd.load.profile import Profile
    from smppd.load.result import Interval, Phase

PROGRESS_GRAIN: Final = 0.25
"""Seconds between two calls of `on_progress`."""

FLUSH_GRAIN: Final = 0.005
"""Seconds until commands are tried again that a worker was not ready for."""

HEAD_START: Final = 0.05
"""Seconds from the order to begin to the beginning: all workers have read it by then."""

RATE_WINDOW: Final = 1.0
"""Seconds over which the current rates are taken."""

TRIAL_WARM_UP: Final = 1.0
"""Seconds at the new rate before a trial of the search is measured."""

END_TIMEOUT: Final = 5.0
"""Seconds that a worker has to unbind and end before it is killed."""

ENDING: Final = frozenset({signal.SIGINT, signal.SIGTERM})
"""Signals that end a run early. They may reach the whole process group; only the coordinator acts on them."""

_PHASES: Final[tuple[Phase, ...]] = ("connecting", "warm-up", "measuring", "draining", "done")


class LoadError(UserError):
    """The load could not be run: the target is not there, refuses, or a worker process has died."""


class _Member:
    """One worker process, seen from here."""

    def __init__(self, process: BaseProcess, pipe: Connection, number: int) -> None:
        self.process = process
        self.pipe = pipe
        self.number = number
        self.snapshot: Snapshot | None = None
        self.ready: Ready | None = None
        self.report: Report | None = None
        self.failure = ""
        self.open = True
        self.outbox: deque[Command] = deque()
        self.past: deque[Snapshot] = deque()
        """The snapshots of the present run from some `RATE_WINDOW` ago on."""

    def tell(self, command: Command) -> None:
        """Send a command, or keep it for `flush` while the worker is behind with reading."""
        self.outbox.append(command)
        self.flush()

    def began(self) -> None:
        """Another run: nothing is known of it."""
        self.ready = self.report = self.snapshot = None
        self.past.clear()

    def saw(self, snapshot: Snapshot) -> None:
        """How it goes now."""
        self.snapshot = snapshot
        self.past.append(snapshot)
        while len(self.past) > 2 and self.past[1].at <= snapshot.at - RATE_WINDOW:
            self.past.popleft()

    def rate(self, name: str) -> float:
        """How many of a counter per second lately.

        From the times of the snapshots: they lie a quarter of a second apart, and by how old they are the rate of a
        second would be wrong.
        """
        if len(self.past) < 2:
            return 0.0
        first, last = self.past[0], self.past[-1]
        seconds = last.at - first.at
        return float(getattr(last.counters, name) - getattr(first.counters, name)) / seconds if seconds > 0 else 0.0

    def flush(self) -> None:
        """Send what waits, as far as that does not block: the worker may be blocked in telling us something.

        A socket is writable as long as most of its buffer is free, and commands are far smaller than that.
        """
        while self.outbox and select.select((), (self.pipe,), (), 0)[1]:
            try:
                self.pipe.send(self.outbox.popleft())
            except OSError:  # it has gone, which is noticed when its pipe is read
                self.outbox.clear()


class Fleet:
    """The worker processes of one load: start, run once or several times on the same binds, end."""

    def __init__(
        self,
        options: LoadOptions,
        profile: Profile,
        *,
        on_progress: Callable[[Progress], None],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Make a fleet; `with` starts and ends its processes.

        Args:
            options: of the whole load.
            profile: what to send.
            on_progress: called about four times a second.
            clock: the system's monotonic clock.
            wall: the time of day, with a time zone.
        """
        self._options = options
        self._profile = profile
        self._on_progress = on_progress
        self._clock = clock
        self._wall = wall
        self._members: list[_Member] = []
        self._finished = True
        self._failure = ""
        self.note = ""
        """What the progress says about the present run."""

    def __enter__(self) -> Self:
        """Start the processes. Raises UserError when an option cannot be met."""
        loop_factory(self._options.loop)
        if self._options.tls is not None:
            self._options.tls.context()
        context = get_context("spawn")
        # It clears the mask after starting its helper process, so that must happen before.
        resource_tracker.ensure_running()
        # A worker must not die of a signal before it has said that it wants to ignore it.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        try:
            for number in range(self._options.workers):
                ours, theirs = context.Pipe()
                process = context.Process(
                    target=worker_main,
                    args=(theirs, self._options, self._profile, number),
                    name=f"smppd load worker {number + 1}",
                    daemon=True,
                )
                process.start()
                theirs.close()
                self._members.append(_Member(process, ours, number))
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        except BaseException:
            self._end()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the processes: in order, or at once when something went wrong."""
        try:
            if kind is None:
                for member in self._members:
                    member.tell(Finish())
                for member in self._members:
                    member.process.join(END_TIMEOUT)
        finally:
            self._end()

    def _end(self) -> None:
        """End what is left, by the one signal that workers do not ignore."""
        for member in self._members:
            member.process.kill()
        for member in self._members:
            member.process.join()
            member.pipe.close()

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C (or SIGTERM, see `smppd.cli.load`) ended a run early."""
        return not self._finished

    @property
    def failure(self) -> str:
        """Why the last run ended early, "" when it did not."""
        return self._failure

    def run(self, run: Run) -> Result:
        """One run on the binds of all workers.

        Ctrl-C ends it early with what there is by then. Raises LoadError when the target cannot be reached or refuses.
        """
        view = _View(self._options, run, self._clock, self.note)
        for member in self._members:
            member.began()
            member.tell(run)
        self._gather(view, lambda member: member.ready is not None)
        failed = [member.failure for member in self._members if member.failure]
        if failed:
            raise LoadError(failed[0])
        started_at, start = self._wall(), self._clock() + HEAD_START
        view.begin(start)
        for member in self._members:
            member.tell(Go(start))
        try:
            self._gather(view, lambda member: member.report is not None)
        except KeyboardInterrupt:
            self._finished = False
            self._stop()
            self._gather(view, lambda member: member.report is not None)
        return self._result(started_at)

    def _stop(self) -> None:
        for member in self._members:
            member.tell(Stop())

    def _gather(self, view: _View, done: Callable[[_Member], bool]) -> None:
        """Read from the workers until each of them is done or has gone, and tell how it goes."""
        while waiting := [member for member in self._members if member.open and not done(member)]:
            by_pipe: dict[Any, _Member] = {member.pipe: member for member in waiting}
            behind = any(member.outbox for member in self._members)
            for pipe in pipes.wait(list(by_pipe), FLUSH_GRAIN if behind else PROGRESS_GRAIN / 2):
                self._read(by_pipe[pipe], view)
            for member in self._members:
                member.flush()
            view.show(self._members, self._on_progress)

    def _read(self, member: _Member, view: _View) -> None:
        """Take one message of a worker; the end of its pipe is the end of the worker."""
        try:
            answer: Answer = member.pipe.recv()
        except (EOFError, OSError):
            member.open = False
            if not member.failure:
                member.process.join(END_TIMEOUT)
                code = member.process.exitcode
                how = f"by signal {-code}" if code is not None and code < 0 else f"with exit status {code}"
                member.failure = self._failure = f"worker process {member.number + 1} ended {how}"
                self._stop()
            return
        if isinstance(answer, Ready):
            member.ready = answer
        elif isinstance(answer, Failed):
            member.failure = answer.reason
        elif isinstance(answer, Snapshot):
            member.saw(answer)
            view.add(answer.intervals)
            self._release_when_idle()
        elif isinstance(answer, Strays):
            self._hand_on(member, answer)
        else:
            member.report = answer

    def _release_when_idle(self) -> None:
        """End the drain of all workers when none of them waits for anything."""
        working = [member for member in self._members if member.open and member.report is None]
        if all(member.snapshot is not None and member.snapshot.idle for member in working):
            for member in working:
                member.tell(Release())

    def _hand_on(self, member: _Member, strays: Strays) -> None:
        """Give receipts that a worker does not know to the next one that may."""
        place = self._members.index(member) + 1
        for other in (*self._members[place:], *self._members[: place - 1]):
            if other.open and other.report is None:
                other.tell(strays)
                return

    def _result(self, started_at: datetime) -> Result:
        reports = [member.report for member in self._members if member.report is not None]
        if not reports:
            raise LoadError(self._failure)
        report = merge([each.report for each in reports])
        self._failure = self._failure or next((each.failure for each in reports if each.failure), "")
        if self._failure:
            report.errors.append(self._failure)
        ready = next(member.ready for member in self._members if member.ready is not None)
        options = self._options
        return Result(
            report=report,
            target=Target(
                host=options.host,
                port=options.port,
                tls=options.tls is not None,
                system_id=ready.system_id,
                interface_version=ready.interface_version,
            ),
            configuration=options.as_json(),
            started_at=started_at,
            finished=self._finished and not self._failure,
        )


class _View:
    """What is shown of a run: the snapshots of all workers added up."""

    def __init__(self, options: LoadOptions, run: Run, clock: Callable[[], float], note: str) -> None:
        self._note = note
        self._options = options
        self._run = run
        self._clock = clock
        self._began = clock()
        self._ends: float | None = None
        self._shown = float("-inf")
        self._overall = Histogram()
        self._second: dict[float, Histogram] = {}

    def begin(self, start: float) -> None:
        """The run begins at `start`."""
        if self._run.duration is not None:
            self._ends = start + self._run.warm_up + self._run.duration - self._began

    def add(self, intervals: list[Interval]) -> None:
        """Take points of the time series of one worker."""
        for interval in intervals:
            second = self._second.setdefault(interval.t, Histogram())
            second.add(interval.latency)
            if interval.t >= 0:
                self._overall.add(interval.latency)
            while len(self._second) > 2:  # one may be complete for some workers only
                del self._second[min(self._second)]

    def show(self, members: list[_Member], on_progress: Callable[[Progress], None]) -> None:
        """Tell how it goes, if it is time to."""
        now = self._clock()
        if now < self._shown + PROGRESS_GRAIN:
            return
        self._shown = now
        snapshots = [member.snapshot for member in members if member.snapshot is not None]
        counters = sum((snapshot.counters for snapshot in snapshots), Counters())

        def rate(name: str) -> float:
            return sum(member.rate(name) for member in members)

        second = self._second[min(self._second)] if self._second else Histogram()
        p50, p99 = _percentiles(second)
        overall_p50, overall_p99 = _percentiles(self._overall)
        on_progress(
            Progress(
                elapsed=now - self._began,
                phase=min((snapshot.phase for snapshot in snapshots), key=_PHASES.index, default="connecting"),
                counters=counters,
                ends=self._ends,
                offered_rate=rate("offered"),
                sent_rate=rate("sent"),
                answered_rate=rate("answered"),
                ok_rate=rate("ok"),
                throttled_rate=rate("throttled"),
                receipts_rate=rate("receipts"),
                in_flight=counters.in_flight,
                behind=sum(snapshot.behind for snapshot in snapshots),
                p50=p50,
                p99=p99,
                overall_p50=overall_p50,
                overall_p99=overall_p99,
                bound=sum(snapshot.bound for snapshot in snapshots),
                binds=len(self._options.binds),
                note=next((snapshot.note for snapshot in snapshots if snapshot.note), self._note),
            )
        )


def _percentiles(histogram: Histogram) -> list[float]:
    """p50 and p99 in seconds, both nan where nothing was measured."""
    return histogram.percentiles((50.0, 99.0)) if histogram.count else [math.nan, math.nan]


def run_load(options: LoadOptions, profile: Profile, on_progress: Callable[[Progress], None]) -> tuple[Result, str]:
    """The load that the options describe; returns its result, and why it ended early ("" when it did not).

    Raises LoadError when the target cannot be reached or refuses the binds.
    """
    with Fleet(options, profile, on_progress=on_progress) as fleet:
        result = fleet.run(
            Run(
                rate=options.rate,
                duration=options.duration,
                count=options.count,
                warm_up=options.warm_up,
                drain=options.drain,
            )
        )
        return result, fleet.failure


def find_rate(
    options: LoadOptions, profile: Profile, search: Search, on_progress: Callable[[Progress], None]
) -> tuple[Result, str, Outcome]:
    """Search for the highest rate that the SMSC sustains, on one set of binds.

    Returns the result of the last trial that passed (of the last one when none did), why the search ended early (""
    when it did not), and what it found. Raises LoadError when the target cannot be reached or refuses the binds.
    """
    result: Result | None = None
    passed = False
    with Fleet(options, profile, on_progress=on_progress) as fleet:
        while (trial := search.next()) is not None:
            fleet.note = f"{trial.stage}: {trial.rate:,.0f}/s"
            try:
                latest = fleet.run(
                    Run(
                        rate=f"{trial.rate:.6f}",
                        duration=trial.seconds,
                        warm_up=TRIAL_WARM_UP,
                        drain=options.response_timeout,
                        flush=False,
                    )
                )
            except KeyboardInterrupt:  # between two trials
                if result is None:
                    raise
                return replace(result, finished=False), "", search.outcome()
            if fleet.interrupted or fleet.failure:
                return replace(result or latest, finished=False), fleet.failure, search.outcome()
            row = search.add(Probe.of(latest))
            if result is None or row.passed or not passed:
                result, passed = latest, passed or row.passed
    if result is None:
        raise LoadError("the search had nothing to try")
    return result, "", search.outcome()
