"""One worker: opens its binds, runs what it is told to, reports. In a process of its own, or in any event loop."""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
import ssl
import threading
import time
from dataclasses import replace
from itertools import chain, repeat
from random import Random
from typing import TYPE_CHECKING, Final

from smppd.errors import UserError
from smppd.load.alarm import make_alarm
from smppd.load.driver import Driver, Plan
from smppd.load.ledger import Ledger
from smppd.load.messages import Failed, Finish, Go, Ready, Release, Report, Run, Snapshot, Strays
from smppd.load.result import MOST_ERRORS
from smppd.load.schedule import Constant, parse_schedule
from smppd.load.session import Credentials, LoadSession
from smppd.load.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from smppd.load.alarm import Alarm
    from smppd.load.messages import Answer, Command
    from smppd.load.options import BindKind, LoadOptions
    from smppd.load.profile import Profile
    from smppd.load.receipts import Stray
    from smppd.load.result import Interval, WorkerReport

CONNECT_TIMEOUT: Final = 10.0
"""Seconds until a connection must stand, and again until its bind must be answered."""

CONNECTING_AT_ONCE: Final = 50
"""Connections that are opened at the same time: fewer than the backlog of any listener."""

UNBIND_TIMEOUT: Final = 2.0
"""Seconds that an SMSC has to answer the unbind at the end."""

RECONNECT_DELAYS: Final = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each attempt to bind again; further attempts keep to the last one."""

STRAYS_AT_ONCE: Final = 256
"""Receipts of other workers in one message to the coordinator: some 20 KiB, which no pipe blocks on."""

SNAPSHOT_GRAIN: Final = 0.25
"""Seconds between two snapshots for the display."""

OTHER_FILES: Final = 64
"""Descriptors of a worker beside those of its binds."""

GC_THRESHOLDS: Final = (50_000, 20, 50)
"""As in `smppd serve`: nothing on the way of a message is a cycle, and every look of the collector is a stall that
would be measured as the SMSC's."""


class Worker:
    """The sessions of one worker, and the run they are in."""

    def __init__(
        self,
        options: LoadOptions,
        profile: Profile,
        number: int,
        tell: Callable[[Answer], None],
        *,
        clock: Callable[[], float],
        cpu: Callable[[], float],
        alarm: Callable[[asyncio.AbstractEventLoop, Callable[[], None]], Alarm] = make_alarm,
    ) -> None:
        """Make a worker; nothing is opened yet.

        Args:
            options: of the whole run; the worker finds its share in them.
            profile: what to send.
            number: from 0 to options.workers - 1.
            tell: takes what the coordinator is to know.
            clock: seconds of a clock that all workers share and that never goes back.
            cpu: processor time of this process so far, in seconds.
            alarm: makes what wakes the driver for the next arrival.
        """
        self._alarm = alarm
        self._options = options
        self._number = number
        self._tell = tell
        self._clock = clock
        self._cpu = cpu
        self._traffic = Traffic(
            profile, random=Random(f"{options.seed}/{number}/traffic"), worker=number, workers=options.workers
        )
        self._credentials = Credentials(
            options.system_id.encode("latin-1"),
            options.password.encode("latin-1"),
            options.system_type.encode("latin-1"),
            options.interface_version,
        )
        self._tls: ssl.SSLContext | None = None if options.tls is None else options.tls.context()
        self._sessions: list[LoadSession] = []
        self._driver: Driver | None = None
        self._failure = ""
        self._closing = False
        self._runs = 0
        self._reconnects = 0
        self._errors: list[str] = []
        self._intervals: list[Interval] = []
        self._reconnecting: dict[int, asyncio.Future[None]] = {}

    # -- commands -----------------------------------------------------------------------------------------------------

    async def serve(self, commands: asyncio.Queue[Command]) -> None:
        """Do what the coordinator says, until it says `Finish` or the binds fail."""
        try:
            while not isinstance(command := await commands.get(), Finish):
                if isinstance(command, Run):
                    try:
                        await self._prepare(command)
                    except UserError as error:
                        self._tell(Failed(str(error)))
                        return
                elif isinstance(command, Go):
                    await self._run(command.start, commands)
        finally:
            await self._close()

    async def _prepare(self, run: Run) -> None:
        """Make the driver, and bind when this is the first run. Raises UserError."""
        self._driver = self._make_driver(run)
        self._errors.clear()
        self._intervals.clear()
        self._reconnects, self._failure = 0, ""
        if self._runs == 0:
            await self._connect()
        else:
            for number, session in enumerate(self._sessions):
                self._attach(session, number)
        self._runs += 1
        first = self._sessions[0]
        self._tell(Ready(len(self._sessions), first.system_id, first.sc_interface_version))

    def _make_driver(self, run: Run) -> Driver:
        options = self._options
        schedule = warming = None
        if run.rate is not None:
            schedule = parse_schedule(
                run.rate,
                duration=run.duration,
                arrivals=options.arrivals,
                random=Random(f"{options.seed}/{self._number}/{self._runs}/arrivals"),
                worker=self._number,
                workers=options.workers,
            )
            # The warm-up keeps to the rate with which the schedule begins.
            rate = schedule.rate_at(0.0) * options.workers
            if rate and run.warm_up:
                warming = Constant(rate, run.warm_up, self._number, options.workers)
        plan = Plan(
            schedule=schedule,
            warming=warming,
            duration=run.duration if schedule is None or run.count is not None else schedule.duration,
            count=replace(options, count=run.count).count_of(self._number),
            warm_up=run.warm_up,
            drain=run.drain,
            retry_throttled=options.retry_throttled,
            flush=run.flush,
        )
        ledger = Ledger(response_timeout=options.response_timeout, workers=options.workers)
        return Driver(
            plan,
            self._traffic,
            ledger,
            clock=self._clock,
            cpu=self._cpu,
            on_interval=self._intervals.append,
            on_strays=self._hand_on if options.workers > 1 else None,
            alarm=self._alarm,
        )

    def _hand_on(self, strays: list[Stray]) -> None:
        for place in range(0, len(strays), STRAYS_AT_ONCE):
            self._tell(Strays(strays[place : place + STRAYS_AT_ONCE]))

    async def _run(self, start: float, commands: asyncio.Queue[Command]) -> None:
        """One run to its end; Stop (or Finish) ends it early."""
        driver = self._driver
        if driver is None:
            return
        for session in tuple(self._sessions):
            if session.bound:
                driver.join(session)
            else:
                self._ended(session, "the connection ended before the run began")
        running = asyncio.ensure_future(driver.run(start))
        telling = asyncio.ensure_future(self._keep_telling(driver))
        obeying = asyncio.ensure_future(self._obey(driver, commands))
        try:
            await running
        finally:
            telling.cancel()
            obeying.cancel()
        self._tell(self._snapshot(driver))
        self._tell(Report(self._report(driver), self._failure))

    async def _obey(self, driver: Driver, commands: asyncio.Queue[Command]) -> None:
        """Take commands during a run."""
        while True:
            command = await commands.get()
            if isinstance(command, Strays):
                driver.ledger.adopt(command.receipts)
            elif isinstance(command, Release):
                driver.released = True
            else:
                driver.stop()
                if isinstance(command, Finish):
                    commands.put_nowait(command)
                    return

    async def _keep_telling(self, driver: Driver) -> None:
        while True:
            self._tell(self._snapshot(driver))
            await asyncio.sleep(SNAPSHOT_GRAIN)

    def _snapshot(self, driver: Driver) -> Snapshot:
        intervals = self._intervals[:]
        self._intervals.clear()
        return Snapshot(
            phase=driver.phase,
            counters=driver.ledger.counters.copy(),
            behind=driver.behind,
            bound=sum(session.bound for session in self._sessions),
            intervals=intervals,
            note=self._errors[-1] if self._errors else "",
            at=self._clock(),
            idle=driver.idle,
        )

    def _report(self, driver: Driver) -> WorkerReport:
        report = driver.account or driver.ledger.report()
        report.binds = len(self._sessions)
        report.reconnects = self._reconnects
        report.cpu_seconds = driver.cpu_seconds
        mistakes = [what if n == 1 else f"{what} ({n:,} times)" for what, n in driver.mistakes.items()]
        dry = ["all destinations have opted out, so there was nobody left to send to"] if driver.dry else []
        report.errors = (self._errors + mistakes + dry)[:MOST_ERRORS]
        report.send_lag = driver.lag.snapshot()
        return report

    # -- connections --------------------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        """Open all binds. Raises UserError when one of them fails."""
        turn = asyncio.Semaphore(CONNECTING_AT_ONCE)

        async def opened(number: int, kind: BindKind) -> LoadSession:
            async with turn:
                return await self._open(number, kind)

        kinds = self._options.binds_of(self._number)
        attempts = [asyncio.ensure_future(opened(number, kind)) for number, kind in enumerate(kinds)]
        try:
            self._sessions = list(await asyncio.gather(*attempts))
        except BaseException:
            for attempt in attempts:
                attempt.cancel()
            done = await asyncio.gather(*attempts, return_exceptions=True)
            self._sessions = [session for session in done if isinstance(session, LoadSession)]
            raise

    async def _open(self, number: int, kind: BindKind) -> LoadSession:
        """Open and bind one connection, the `number`-th of this worker (from 0). Raises UserError with the reason."""
        options, loop = self._options, asyncio.get_running_loop()
        server_name = None if options.tls is None else options.tls.server_name or options.host
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                _, session = await loop.create_connection(
                    lambda: self._make_session(number, kind),
                    options.host,
                    options.port,
                    ssl=self._tls,
                    server_hostname=server_name,
                )
        except (OSError, TimeoutError) as error:
            raise UserError(explain_failure(options, error)) from error
        reason = "given up"
        try:
            reason = await session.bind(CONNECT_TIMEOUT)
        finally:
            if reason:
                session.close(reason)
        if reason:
            await session.wait_closed()
            which = f", {self._name(number)} of {len(options.binds)}" if len(options.binds) > 1 else ""
            raise UserError(f"{options.target}: {reason} (system_id {options.system_id}, {kind}{which})")
        return session

    def _make_session(self, number: int, kind: BindKind) -> LoadSession:
        driver = self._current_driver()
        return LoadSession(
            driver,
            driver.ledger.lane(self._name(number), self._options.window),
            kind,
            self._credentials,
            window=self._options.window,
            enquire_link=self._options.enquire_link,
            clock=self._clock,
            on_end=self._ended,
        )

    def _attach(self, session: LoadSession, number: int) -> None:
        """Let a session work for the present run."""
        driver = self._current_driver()
        if session.owner is not driver:
            session.lane = driver.ledger.lane(self._name(number), self._options.window)
            session.owner = driver

    def _current_driver(self) -> Driver:
        if self._driver is None:
            raise RuntimeError("there is no run yet")
        return self._driver

    def _name(self, number: int) -> str:
        """What reports call a bind of this worker (from 0): numbered from 1 over all workers."""
        return f"bind {number * self._options.workers + self._number + 1}"

    def _ended(self, session: LoadSession, reason: str) -> None:
        """A connection is over: its messages are accounted for; bind again, or go on without it."""
        if self._closing or session not in self._sessions:
            return
        number = self._sessions.index(session)
        if number in self._reconnecting:
            return
        driver = self._current_driver()
        self._note_error(f"{self._name(number)}: {reason}")
        driver.ledger.lost(session.lane)
        driver.leave(session)
        if self._options.reconnect:
            self._reconnecting[number] = asyncio.ensure_future(self._reconnect(number, session.kind))
        elif not any(other.bound and other.kind != "rx" for other in self._sessions):
            self._failure = f"no connection is left: {reason}"
            driver.stop()

    def _note_error(self, what: str) -> None:
        if len(self._errors) < MOST_ERRORS:
            self._errors.append(what)

    async def _reconnect(self, number: int, kind: BindKind) -> None:
        """Bind again in place of a session that has ended, as often as it takes."""
        delays = chain(RECONNECT_DELAYS, repeat(RECONNECT_DELAYS[-1]))
        for delay in delays:
            await asyncio.sleep(delay)
            try:
                session = await self._open(number, kind)
            except UserError as error:
                if delay == RECONNECT_DELAYS[0]:
                    self._note_error(f"{self._name(number)}: {error}")
                continue
            self._sessions[number] = session
            self._reconnects += 1
            del self._reconnecting[number]
            self._attach(session, number)
            self._current_driver().join(session)
            return

    async def _close(self) -> None:
        """Unbind everything."""
        self._closing = True
        for task in self._reconnecting.values():
            task.cancel()
        await asyncio.gather(*(session.unbind(UNBIND_TIMEOUT) for session in self._sessions))


def explain_failure(options: LoadOptions, error: Exception) -> str:
    """Why there is no connection, in words that help."""
    target = options.target
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "give its certificate authority with --tls-ca, or --tls-insecure to take any certificate"
        return f"{target}: the certificate of the SMSC is not trusted: {error.verify_message}; {hint}"
    if isinstance(error, ssl.SSLError | ConnectionResetError) and options.tls is not None:
        return f"{target}: no TLS session: {getattr(error, 'reason', None) or error}; does the SMSC speak TLS there?"
    if isinstance(error, TimeoutError):
        return f"no SMSC answers on {target} within {CONNECT_TIMEOUT:g} seconds"
    reason = getattr(error, "strerror", None) or str(error)
    return f"no SMSC listens on {target}: {reason}"


# -- as a process -----------------------------------------------------------------------------------------------------


def worker_main(connection: Connection, options: LoadOptions, profile: Profile, number: int) -> None:
    """The whole life of a worker process: commands come in over the connection, answers go out."""
    # Ctrl-C reaches every process of the terminal, and SIGTERM often the whole process group (timeout(1) does that):
    # the coordinator decides what they mean.
    for number_of_signal in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number_of_signal, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    gc.set_threshold(*GC_THRESHOLDS)
    raise_file_limit(len(options.binds_of(number)) + OTHER_FILES)
    with asyncio.Runner(loop_factory=loop_factory(options.loop)) as runner:
        runner.run(_serve(connection, options, profile, number))


async def _serve(connection: Connection, options: LoadOptions, profile: Profile, number: int) -> None:
    loop = asyncio.get_running_loop()
    commands: asyncio.Queue[Command] = asyncio.Queue()

    def listen() -> None:
        """Take commands, in a thread of its own: a loop that watched the pipe would make it non-blocking (libuv does),
        and a message that is cut in the middle cannot be told from garbage."""
        while True:
            try:
                command: Command = connection.recv()
            except (EOFError, OSError):  # the coordinator is gone
                command = Finish()
            try:
                loop.call_soon_threadsafe(commands.put_nowait, command)
            except RuntimeError:  # the loop is closed
                return
            if isinstance(command, Finish):
                return

    def tell(answer: Answer) -> None:
        try:
            connection.send(answer)
        except OSError:
            pass  # the coordinator is gone; `listen` learns it too

    worker = Worker(options, profile, number, tell, clock=time.monotonic, cpu=time.process_time)
    threading.Thread(target=listen, daemon=True).start()
    gc.collect()
    gc.freeze()
    await worker.serve(commands)


def raise_file_limit(wanted: int) -> None:
    """Allow as many open files as the binds need, as far as this user may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted and soft != resource.RLIM_INFINITY:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
        )


def loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The event loop of `--loop`: "auto" means uvloop when it is installed. Raises UserError."""
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError:
        if name == "uvloop":
            raise UserError("uvloop is not installed: pip install 'smppd[speed]'") from None
        return None
    return uvloop.new_event_loop
