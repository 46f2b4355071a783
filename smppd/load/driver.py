"""What is sent when, in one worker: keeps windows full (closed loop) or follows a schedule (open loop).

One `Driver` is one run over sessions that others open and close. It has the phases of a run: warm-up, measuring, and a
drain in which nothing new is sent. Times are seconds of one monotonic clock that is handed in.

In open loop every message has its intended time from the schedule. When the event loop is late, or all windows are
full, the message waits in the backlog and its latency still counts from the intended time.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

from smppd.load.alarm import make_alarm
from smppd.load.histogram import Histogram
from smppd.load.result import MOST_ERRORS
from smppd.load.session import ROUND, Watched
from smppwire.constants import CommandStatus
from smppwire.pdus import DeliverSm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smppd.load.alarm import Alarm
    from smppd.load.ledger import Ledger, ReceiptSeen, Stray
    from smppd.load.result import Interval, Phase, WorkerReport
    from smppd.load.schedule import Schedule
    from smppd.load.session import LoadSession
    from smppd.load.traffic import Shot, Traffic
    from smppwire.pdus import DataSm

BACKLOG_LIMIT: Final = 1_000_000
"""Messages that may be due and not sent, some 30 MiB. An SMSC that is so far behind has shown what it cannot do; later
arrivals count as `unsent`."""

ANSWERS_LIMIT: Final = 100_000
"""Answers to MO messages that may wait for room in a window; further MO messages stay unanswered."""

RETRY_DELAY: Final = 0.5
"""Seconds until what was throttled is sent again: throughput limits are per second, so half of one finds room."""

TICK: Final = 0.00025
"""Seconds between two looks at the schedule, at least. What is due within one leaves in one write; a look costs some
30 us, so that looks alone never take more than an eighth of a processor."""

SETTLE_GRAIN: Final = 0.25
"""Seconds between two looks for messages without an answer. A look costs some 4 us per bind, and so much later than the
response timeout a message may be given up."""

DRAIN_GRAIN: Final = 0.02
"""Seconds between two looks whether everything has come."""

FLUSH_SHARE: Final = 0.5
"""Share of the drain in which messages that are behind are still sent: what is sent in its last moment could not be
answered in time, and would count as lost by the SMSC."""

STOP_DRAIN: Final = 1.0
"""Seconds that a run which is told to stop still waits for answers."""

INTERVAL: Final = 1.0
"""Seconds of one point of the time series."""

THROTTLED: Final = frozenset({int(CommandStatus.ESME_RTHROTTLED), int(CommandStatus.ESME_RMSGQFUL)})


@dataclass(frozen=True, slots=True)
class Plan:
    """What one worker sends in one run. Times in seconds."""

    schedule: Schedule | None = None
    """Arrivals while measuring; None: closed loop."""
    warming: Schedule | None = None
    """Arrivals of the warm-up in open loop."""
    duration: float | None = None
    """How long to measure; None: until `count` messages are answered."""
    count: int | None = None
    """submit_sm to send in all, warm-up included, answers to MO messages and repetitions not."""
    warm_up: float = 0.0
    drain: float = 20.0
    retry_throttled: bool = False
    flush: bool = True
    """Whether messages that are due and unsent at the end of measuring are still sent."""


class Pacer:
    """The intended times of a whole run: those of the warm-up, then those of the schedule."""

    def __init__(self, schedule: Schedule, warming: Schedule | None, warm_up: float) -> None:
        """`warm_up`: seconds from the start of `warming` to that of `schedule`."""
        self._schedule = schedule
        self._warming = warming
        self._warm_up = warm_up

    def take(self, elapsed: float) -> list[float]:
        """The intended times, in seconds since the start of the run, of all arrivals up to `elapsed` not yet taken."""
        if elapsed < self._warm_up:
            return [] if self._warming is None else _all(self._warming, elapsed)
        offset = self._warm_up
        return self.finish_warm_up() + [offset + time for time in _all(self._schedule, elapsed - offset)]

    def finish_warm_up(self) -> list[float]:
        """The same of what is left of the warm-up."""
        times = [] if self._warming is None else _all(self._warming, self._warm_up)
        self._warming = None
        return times

    def next_at(self) -> float | None:
        """When the next arrival is intended; None when there are no more."""
        if self._warming is not None and (next_at := self._warming.next_at()) is not None:
            return next_at
        following = self._schedule.next_at()
        return None if following is None else self._warm_up + following


def _all(schedule: Schedule, elapsed: float) -> list[float]:
    """Everything up to `elapsed`: a schedule gives a limited number at a time."""
    times: list[float] = []
    while more := schedule.take(elapsed):
        times += more
    return times


class _Urgent(NamedTuple):
    """What goes before the rest: an answer to an MO message, or a message that was throttled."""

    due: float
    order: int
    """Of its making: decides between equal times."""
    shot: Shot
    intended: float
    answers_mo: bool
    repeated: bool
    """It was sent before, and is in the account already."""


class Driver:
    """One run of one worker; the owner of its sessions (see `smppd.load.session.Owner`)."""

    def __init__(
        self,
        plan: Plan,
        traffic: Traffic,
        ledger: Ledger,
        *,
        clock: Callable[[], float],
        cpu: Callable[[], float],
        on_interval: Callable[[Interval], None],
        on_strays: Callable[[list[Stray]], None] | None = None,
        alarm: Callable[[asyncio.AbstractEventLoop, Callable[[], None]], Alarm] = make_alarm,
    ) -> None:
        """Make one run.

        Args:
            plan: what to send.
            traffic: where the messages come from.
            ledger: fresh, for this run alone.
            clock: seconds that never go back.
            cpu: the processor time of this process so far, in seconds.
            on_interval: called once a second.
            on_strays: takes receipts that other workers may know. With it, the drain goes on until it is `released`,
                for receipts of others may come to us; None when there is no other worker.
            alarm: makes what wakes us for the next arrival.
        """
        self.ledger = ledger
        self.phase: Phase = "warm-up" if plan.warm_up else "measuring"
        self.lag = Histogram()
        """How much later than intended we sent what found room in a window: our own fault."""
        self.mistakes: dict[str, int] = {}
        """PDUs of the SMSC that were refused: which bind and why, and how many."""
        self.dry = False
        """Whether the traffic ended because all destinations have opted out."""
        self.account: WorkerReport | None = None
        """What the ledger had found when the run was over; None before."""
        self.cpu_seconds = 0.0
        """Processor time from the start of the run to the end of measuring."""
        self._plan = plan
        self._traffic = traffic
        self._clock = clock
        self._cpu = cpu
        self._on_interval = on_interval
        self._on_strays = on_strays
        self.released = on_strays is None
        """Whether no other worker waits for anything either."""
        self._loop = asyncio.get_running_loop()
        self._sessions: list[LoadSession] = []  # those that may submit
        self._turn = 0  # of the session that is served first
        self._pacer = None if plan.schedule is None else Pacer(plan.schedule, plan.warming, plan.warm_up)
        self._backlog: deque[float] = deque()  # intended times of what is due
        self._urgent: deque[_Urgent] = deque()  # due, and waiting for room
        self._later: list[_Urgent] = []  # not due yet: a heap
        self._order = count()
        self._left = math.inf if plan.count is None else plan.count
        self._sending = False
        self._stopped = False
        self._start = 0.0  # of the whole run
        self._cpu_start = 0.0
        self._measured_from = math.inf
        self._over = asyncio.Event()  # nothing more is to be measured
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._alarm = alarm(self._loop, self._tick)

    # -- the run ------------------------------------------------------------------------------------------------------

    async def run(self, start: float) -> None:
        """Run from the moment `start` on; returns when all is accounted for."""
        plan = self._plan
        await self._until(start)
        self._begin(start)
        if plan.warm_up:
            await self._until(start + plan.warm_up)
        self._measure(start + plan.warm_up)
        if plan.duration is None:
            await self._over.wait()
        else:
            await self._until(start + plan.warm_up + plan.duration)
        self._end_measuring()
        await self._drain()
        self._finish()

    def stop(self) -> None:
        """End the run early: send nothing more, wait a moment for answers, and report."""
        self._stopped = True
        self._sending = False
        self._over.set()

    def join(self, session: LoadSession) -> None:
        """A session is bound and of use."""
        if session.kind != "rx":
            self._sessions.append(session)
            self.refill(session)

    def leave(self, session: LoadSession) -> None:
        """A session has ended."""
        if session in self._sessions:
            self._sessions.remove(session)
        self._look_for_end()

    @property
    def behind(self) -> int:
        """Arrivals that are due and not sent."""
        return len(self._backlog)

    @property
    def started(self) -> float:
        """The moment at which the run began; 0.0 before."""
        return self._start

    def _begin(self, start: float) -> None:
        self._start = start
        self._cpu_start = self._cpu()
        if self._stopped:
            return
        self._sending = True
        self._call_later("settle", SETTLE_GRAIN, self._settle)
        self._call_later("roll", self._to_roll(), self._roll)
        if not self._plan.warm_up:
            # A timer may fire a little early; what is sent at once is measured all the same.
            self._measure(min(start, self._clock()))
        if self._pacer is not None:
            self._tick()
        self._serve_all()

    def _measure(self, boundary: float) -> None:
        """The warm-up is over; `boundary` is when it was to be."""
        if self._measured_from < math.inf:
            return
        self._measured_from = boundary
        if self._pacer is None:
            boundary = max(boundary, self._clock())
        else:
            # However late we are: what was due in the warm-up is not measured, and everything else is.
            self._enqueue(self._pacer.finish_warm_up())
        self.phase = "measuring"
        self.ledger.start_measuring(boundary)

    def _end_measuring(self) -> None:
        self._sending = False
        self._alarm.stop()
        now = self._clock()
        plan = self._plan
        if plan.duration is not None and not self._stopped:
            # What the schedule still intended, however late we woke up.
            self._take_due(min(now, self._start + plan.warm_up + plan.duration))
        if not plan.flush or self._stopped:
            self._give_up_backlog()
        self.ledger.stop_measuring(now)
        self.cpu_seconds = self._cpu() - self._cpu_start
        self.phase = "draining"
        self._serve_all()

    async def _drain(self) -> None:
        start = self._clock()
        end = start + (STOP_DRAIN if self._stopped else self._plan.drain)
        while (self._awaiting or not self.released) and self._clock() < end:
            if self._clock() >= start + FLUSH_SHARE * self._plan.drain:
                self._give_up_backlog()
            if self._stopped:
                end = min(end, self._clock() + STOP_DRAIN)
            await asyncio.sleep(DRAIN_GRAIN)

    def _give_up_backlog(self) -> None:
        self.ledger.counters.unsent += len(self._backlog)
        self._backlog.clear()

    @property
    def idle(self) -> bool:
        """Whether everything of ours has come."""
        return self.phase == "draining" and not self._awaiting

    @property
    def _awaiting(self) -> bool:
        """Whether anything is still to come."""
        if self.ledger.counters.in_flight or self.ledger.awaited_receipts:
            return True
        return bool(self._sessions and (self._backlog or self._urgent or self._later))

    def _finish(self) -> None:
        for name in list(self._timers):
            self._cancel(name)
        self._alarm.close()
        now = self._clock()
        left = sum(not one.repeated for one in (*self._urgent, *self._later))
        self.ledger.counters.unsent += left
        self._give_up_backlog()
        self.ledger.finish()
        self._on_interval(self.ledger.roll(now))
        # What comes from now on, until the binds are closed, belongs to nobody: it must not look doubled or unknown.
        self.account = self.ledger.report()
        self.phase = "done"

    async def _until(self, moment: float) -> None:
        """Wait for a moment, or for the end of the run if that is earlier."""
        try:
            async with asyncio.timeout(max(0.0, moment - self._clock())):
                await self._over.wait()
        except TimeoutError:
            pass

    # -- time ---------------------------------------------------------------------------------------------------------

    def _call_later(self, name: str, delay: float, callback: Callable[[], None]) -> None:
        self._timers[name] = self._loop.call_later(max(0.0, delay), callback)

    def _cancel(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def _tick(self) -> None:
        """Send what the schedule intends by now."""
        now = self._clock()
        if now >= self._start + self._plan.warm_up:
            self._measure(self._start + self._plan.warm_up)
        waiting = len(self._backlog)
        fresh = self._take_due(now)
        if fresh:
            self._spread()
            if not waiting and self.phase == "measuring":
                # What a full window held up is not our lateness.
                self.lag.record_since(now, fresh[: len(fresh) - len(self._backlog)])
        pacer = self._pacer
        if pacer is None or not self._sending or not self._left:
            return
        next_at = pacer.next_at()
        if next_at is not None:
            self._alarm.set(max(TICK, self._start + next_at - self._clock()))
        elif self._plan.duration is None:
            self._left = 0  # the schedule has ended before the count was reached
            self._look_for_end()

    def _take_due(self, now: float) -> list[float]:
        """Put what is due into the backlog; returns its intended times."""
        return [] if self._pacer is None else self._enqueue(self._pacer.take(now - self._start))

    def _enqueue(self, times: list[float]) -> list[float]:
        """Put arrivals (in seconds from the start) into the backlog, as far as they are wanted and find room."""
        if not times or not self._left:
            return []
        start = self._start
        fresh = [start + time for time in times]
        if len(fresh) > self._left:
            del fresh[int(self._left) :]
        self._left -= len(fresh)
        self.ledger.offered(len(fresh))
        excess = len(self._backlog) + len(fresh) - BACKLOG_LIMIT
        if excess > 0:
            self.ledger.counters.unsent += excess
            del fresh[-excess:]
        self._backlog.extend(fresh)
        return fresh

    def _settle(self) -> None:
        """Give up what has waited too long for its answer."""
        self._call_later("settle", SETTLE_GRAIN, self._settle)
        if self.ledger.settle(self._clock()):
            self._serve_all()
        if self._on_strays is not None and (strays := self.ledger.strays()):
            self._on_strays(strays)
        self._look_for_end()

    def _roll(self) -> None:
        now = self._clock()
        interval = self.ledger.roll(now, behind=len(self._backlog))
        if self.phase == "warm-up":
            since = self._start + self._plan.warm_up - now
            interval = replace(interval, t=-float(math.floor(since + 0.5) + 1))
        self._on_interval(interval)
        self._call_later("roll", self._to_roll(), self._roll)

    def _to_roll(self) -> float:
        """Seconds until the next point of the time series: whole seconds from the start of measuring."""
        since = self._clock() - (self._start + self._plan.warm_up)
        return (math.floor(since / INTERVAL + 0.001) + 1) * INTERVAL - since

    # -- sending ------------------------------------------------------------------------------------------------------

    def refill(self, session: LoadSession) -> None:
        """Send what there is and the window takes."""
        room = session.room
        if self._urgent and room > 0:
            room -= self._send_urgent(session, room)
        if self._pacer is not None:
            if self._backlog and room > 0:
                self._send_due(session, min(room, len(self._backlog)))
        elif self._sending:
            while room > 0 and self._left:
                wanted = int(min(room, self._left, ROUND))
                shots = self._traffic.batch(wanted)
                if not shots:
                    self._run_dry()
                    return
                self._left -= len(shots)
                room -= len(shots)
                self._send(session, shots, None)
        if not self._left:
            self._look_for_end()

    def _serve_all(self) -> None:
        if self._pacer is not None:
            self._spread()
        for session in tuple(self._sessions):
            self.refill(session)

    def _spread(self) -> None:
        """Deal what is due to all sessions alike, as far as their windows have room."""
        sessions = self._sessions
        waiting = len(self._backlog)
        if not sessions or not waiting:
            return
        self._turn = (self._turn + 1) % len(sessions)
        order = sessions[self._turn :] + sessions[: self._turn] if self._turn else sessions
        share = -(-waiting // len(order))
        for limit in (share, waiting):  # in the second turn those with room take what the others could not
            for session in tuple(order):
                count = min(session.room, limit, len(self._backlog))
                if count > 0:
                    self._send_due(session, count)
            if not self._backlog:
                return

    def _send_due(self, session: LoadSession, most: int) -> None:
        backlog = self._backlog
        while most > 0:
            shots = self._traffic.batch(min(most, ROUND))
            if not shots:
                self._run_dry()
                return
            most -= len(shots)
            self._send(session, shots, [backlog.popleft() for _ in shots])

    def _run_dry(self) -> None:
        """There is nobody left to send to: all destinations have opted out."""
        self.ledger.counters.unsent += len(self._backlog)
        self._backlog.clear()
        self._left = 0
        self.dry = True

    def _send_urgent(self, session: LoadSession, room: int) -> int:
        """Send answers and repetitions; returns how many."""
        urgent = self._urgent
        batch = [urgent.popleft() for _ in range(min(room, len(urgent), ROUND))]
        first = self._send(session, [one.shot for one in batch], [one.intended for one in batch])
        for number, one in enumerate(batch, first):
            if one.answers_mo:
                session.watch[number] = Watched(one.shot, one.intended, answers_mo=True)
        return len(batch)

    def _send(self, session: LoadSession, shots: Sequence[Shot], intended: list[float] | None) -> int:
        """Send now; `intended`: the time of each message, None for now. Returns the first sequence_number."""
        bodies = [shot.body for shot in shots]
        wants = [shot.wants_receipt for shot in shots]
        now = self._clock()
        first = session.submit(bodies)
        count, receipts = len(bodies), wants.count(True)
        if intended is None and receipts in (0, count):
            session.lane.sent_run(first, count, now, wants_receipt=receipts > 0)
        else:
            if intended is None:
                intended = [now] * count
                self.ledger.offered(count)
            session.lane.sent(first, intended, now, receipts > 0 if receipts in (0, count) else bytes(wants))
        if self._plan.retry_throttled:
            times = intended or [now] * count
            session.watch.update(
                (first + index, Watched(shot, times[index], answers_mo=False)) for index, shot in enumerate(shots)
            )
        return first

    def _put_off(self, delay: float, shot: Shot, intended: float, *, answers_mo: bool, repeated: bool = False) -> None:
        """Send something before everything else, some seconds from now."""
        heappush(self._later, _Urgent(self._clock() + delay, next(self._order), shot, intended, answers_mo, repeated))
        self._wait_for_later()

    def _wait_for_later(self) -> None:
        self._cancel("later")
        if self._later:
            self._call_later("later", self._later[0].due - self._clock(), self._serve_later)

    def _serve_later(self) -> None:
        now, later = self._clock(), self._later
        while later and later[0].due <= now:
            self._urgent.append(heappop(later))
        self._wait_for_later()
        self._serve_all()

    def _look_for_end(self) -> None:
        """When there is nothing left to send, the run is over with the last answer."""
        if not self._left and not (self._backlog or self._later or self._urgent or self.ledger.counters.in_flight):
            self._over.set()

    # -- what sessions tell -------------------------------------------------------------------------------------------

    def watched(self, message: Watched, status: int, now: float) -> None:
        """The answer to an answer of ours to an MO message, or to what may have to be sent again."""
        if status in THROTTLED and self._plan.retry_throttled and not self._stopped:
            self.ledger.counters.repeated += 1
            self._put_off(RETRY_DELAY, message.shot, message.intended, answers_mo=message.answers_mo, repeated=True)
        elif message.answers_mo and not status:
            self.ledger.answered_mo(message.intended, now)

    def received(self, receipts: list[ReceiptSeen], now: float) -> None:
        """Final receipts."""
        self.ledger.receipts(receipts, now)

    def notified(self) -> None:
        """An intermediate notification."""
        self.ledger.intermediate()

    def refused(self, session: LoadSession, rule: str) -> None:
        """A PDU of the SMSC was no sound SMPP."""
        what = f"{session.lane.name}: the SMSC sent a broken or misplaced PDU: {rule}"
        if what in self.mistakes or len(self.mistakes) < MOST_ERRORS:
            self.mistakes[what] = self.mistakes.get(what, 0) + 1

    def delivered(self, pdu: DeliverSm | DataSm, now: float) -> None:
        """An MO message: answer it as the profile says, each part after the time that it takes to type it."""
        self.ledger.counters.mo += 1
        if self._stopped or not isinstance(pdu, DeliverSm):
            return
        if len(self._urgent) + len(self._later) >= ANSWERS_LIMIT:
            self.ledger.counters.mo_ignored += 1
            return
        shots = self._traffic.answer(pdu)
        self.ledger.offered(len(shots))
        for index, shot in enumerate(shots, 1):
            # The conversation has gone on when the last part is accepted.
            self._put_off(shot.delay, shot, now + shot.delay, answers_mo=index == len(shots))
