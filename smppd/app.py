"""The composition root: the one module that knows everybody, reads the clock and draws seeds.

Two servers in one process never meet: nothing here is global, nothing happens on import.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import TYPE_CHECKING, Final, Self, TextIO

import msgspec

from smppd import __version__
from smppd.accounts import AccountBook
from smppd.api.door import Door
from smppd.behaviour.dialects import compile_dialects
from smppd.behaviour.fault_desk import FaultDesk
from smppd.behaviour.faults import FaultBook
from smppd.behaviour.hooks import describe_failure
from smppd.behaviour.sessions import Rules
from smppd.behaviour.waits import Waits
from smppd.control.panel import Control
from smppd.control.simulation import Simulation
from smppd.engine.clock import EngineClock
from smppd.engine.core import Engine
from smppd.errors import UserError
from smppd.network.simple import SimulatedNetwork
from smppd.observe.counters import Counters
from smppd.observe.journal import Journal
from smppd.observe.logs import Privacy, ProtocolErrorLog, configure
from smppd.settings import diff, parse_moment, time_zone, without_restart
from smppd.settings.carrying import carried_over
from smppd.transport.context import Context
from smppd.transport.listeners import explain_failure, join_address, listen, split_address
from smppd.transport.outbind import Outbinds
from smppd.transport.smsc import SmscConnection
from smppd.transport.standstill import Standstill
from smppd.transport.ticker import Ticker
from smppd.transport.timelapse import TimeLapse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from smppd.api.http import HttpServer
    from smppd.engine.ports import Clock, SessionFaults
    from smppd.observe.metrics import Sources
    from smppd.settings import Changes, Settings
    from smppd.settings import Clock as ClockSettings
    from smppd.transport.timelapse import Lapse

HOUSEKEEPING: Final = 1.0
"""Seconds between two looks at protocol errors that were counted instead of logged, and at ESMEs to call on."""

CONNECTION_LEAVES: Final = 1
"""Kilobytes in reference cycles after an SMPP connection (measured: 0.8)."""

REQUEST_LEAVES: Final = 6
"""Kilobytes in reference cycles after an HTTP request (measured: 6.5 after one that is refused, 0.5 after others)."""

ABORT_GRACE: Final = 1.0
"""Seconds aborted connections have to tell that they are gone: the event loop needs a turn or two for that."""


class _Work:
    """What is due on the engine's clock: messages, and what faults wait for."""

    def __init__(self, engine: Engine, waits: Waits) -> None:
        self._engine = engine
        self._parts = (engine, waits)

    def run(self) -> float | None:
        """Do what is due now; returns the seconds until there is more, None for not until woken."""
        return min((wait for part in self._parts if (wait := part.run()) is not None), default=None)

    def calm(self, is_calm: bool) -> None:
        """Have turns stay short however much is due, or not."""
        self._engine.is_calm = is_calm

    def next_due(self) -> float | None:
        """When something is due next, on the clock."""
        return min((due for part in self._parts if (due := part.next_due()) is not None), default=None)


def longest_pdu(settings: Settings) -> int:
    """Octets of the longest PDU that any session takes."""
    return max(settings.server.max_pdu, *(dialect.session.max_pdu for dialect in settings.dialect.values()))


def clock_for(settings: ClockSettings) -> EngineClock:
    """The clock that `[clock]` asks for."""
    start: float | None = None
    if settings.mode == "virtual":
        start = parse_moment(settings.start).timestamp() if settings.start else time.time()
    return EngineClock(time.monotonic, time.time, start)


class SmscServer:
    """One message centre: listeners, sessions, engine, network and metrics.

    Use it inside a running event loop::

        server = SmscServer(load_settings(None, {}, []))
        await server.start()
        ...
        await server.stop()

    or as an asynchronous context manager, which does both.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        log_stream: TextIO | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Wire a server; nothing is opened before `start`.

        Args:
            settings: the configuration.
            clock: drives the life of messages, throughput and receipts; what `[clock]` says by default. Session
                timers always run on real time.
            log_stream: where the log goes; standard error by default.
            environ: asked for NO_COLOR and TERM; the process environment by default.
        """
        self.settings = settings
        self.clock = clock_for(settings.clock) if clock is None else clock
        logger = configure(
            settings.log.level,
            settings.log.format,
            sys.stderr if log_stream is None else log_stream,
            wall=time.time,
            environ=os.environ if environ is None else environ,
        )
        self.log = logger()
        self.counters = Counters(account.system_id for account in settings.account)
        self.journal = Journal(settings.journal.pdus)
        self.accounts = AccountBook(settings)
        self._networks = {
            name: SimulatedNetwork(name, network, settings.server.seed) for name, network in settings.network.items()
        }
        self.engine = Engine(
            settings,
            self._networks,
            clock=self.clock,
            dialects=compile_dialects(settings),
            observer=self.counters,
            wake=self._wake,
        )
        self._context = Context(
            settings=settings,
            accounts=self.accounts,
            engine=self.engine,
            counters=self.counters,
            journal=self.journal,
            privacy=Privacy(settings.privacy.log_personal_data),
            log=self.log,
            logger=logger,
            error_log=ProtocolErrorLog(self.log, time.monotonic),
            monotonic=time.monotonic,
            wall=time.time,
        )
        self.rules = Rules(
            settings.rule,
            clock=self.clock,
            seed=settings.server.seed,
            zone=time_zone(settings.server.timezone),
            on_hook_failure=self._hook_failed,
            changed=self._rules_changed,
        )
        """What may be asked about rules and changed while running; see `smppd.behaviour.sessions`."""
        self._follow_rules()
        waits = Waits(self.clock.now, self._wake)
        self.faults = FaultBook(
            settings.fault,
            waits=waits,
            seed=settings.server.seed,
            connections=lambda: self._context.connections,
            max_pdu=longest_pdu(settings),
        )
        self._context.faults = self.faults
        self.faults.watchers.append(self._faults_changed)
        self._fault_desk = FaultDesk(
            self.faults,
            self.engine,
            waits,
            sessions=lambda: self._context.connections,
            attach=self._attach_session_faults,
        )
        self._work = _Work(self.engine, waits)
        self._outbinds = Outbinds(self._context, self._failed)
        self._lapse: TimeLapse | None = None
        if isinstance(self.clock, EngineClock):
            self._lapse = TimeLapse(self.clock, self._work, self._context.connections, time.monotonic)
        self.control = Control(
            Simulation(
                context=self._context,
                rules=self.rules,
                faults=self.faults,
                configure=self.configure,
                advance=self.advance,
                advance_to=self.advance_to,
                lapse=self._lapse,
                next_due=self._work.next_due,
                wake=self._wake,
                waits=waits,
                outbinds=self._outbinds,
                renew=self._renew,
                forget_draws=self._forget_draws,
                configured=settings,
                addresses=lambda: (self.smpp_addresses, self.http_address),
                started=time.monotonic(),
                standstill=Standstill(self._context, self._lapse, self._wake),
                networks=lambda: self._networks,
                fault_desk=self._fault_desk,
                beside=self._beside,
                take_over=self._take_over,
            )
        )
        """What may be asked of this server and done to it while it runs."""
        self._ticker: Ticker | None = None
        self._listeners: list[asyncio.Server] = []
        self._http: Door | None = None
        self._housekeeping: asyncio.Task[None] | None = None

    # -- life ---------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def start(self, announce: Callable[[str], None] | None = None) -> None:
        """Open the listeners; `announce` gets one line for each as soon as it is ready.

        Raises UserError when a listener cannot be opened; nothing stays open then.
        """
        loop = asyncio.get_running_loop()
        self._ticker = Ticker(loop, self._run, self._failed)
        try:
            await self._start_smpp(loop, announce)
            if self.settings.server.http:
                await self._start_http(announce)
        except BaseException:
            await self.stop(grace=0.0)
            raise
        self._call_webhooks()
        self._housekeeping = loop.create_task(self._keep_house())
        self._ticker.wake()

    async def _start_smpp(self, loop: asyncio.AbstractEventLoop, announce: Callable[[str], None] | None) -> None:
        """Open the SMPP listeners, and only then speak of them: all of them are open or none."""
        settings = self.settings.server
        for address in settings.smpp:
            listener = await listen(loop, self._connection, address, backlog=settings.backlog)
            self._listeners.append(listener)
        for where in self.smpp_addresses:
            self.log.info("listener opened", protocol="SMPP", address=where)
            if announce is not None:
                announce(f"smppd {__version__}: SMPP on {where}")

    def _connection(self) -> asyncio.Protocol:
        return self._context.wrapped(SmscConnection(self._context))

    async def _start_http(self, announce: Callable[[str], None] | None) -> None:
        """Open the HTTP door; what serves it is loaded later, see `smppd.api.door`."""
        address = self.settings.server.http
        host, port = split_address(address)
        door = Door(
            host,
            port,
            build=self._build_http,
            traffic=lambda: self.pdus_received,
            failed=self._failed,
        )
        try:
            await door.open()
        except OSError as error:
            raise UserError(explain_failure(address, error)) from error
        self._http = door
        where = join_address(host, door.port)
        self.log.info("listener opened", protocol="HTTP", address=where)
        if announce is not None:
            announce(f"smppd {__version__}: HTTP on http://{where}")

    def _build_http(self) -> HttpServer:
        from smppd.api.http import HttpServer
        from smppd.observe.metrics import Exposition, SmppdCollector

        host, port = split_address(self.settings.server.http)
        exposition = Exposition(SmppdCollector(self.counters, self._sources(), __version__))
        return HttpServer(
            host,
            port,
            exposition=exposition,
            ready=self.is_ready,
            version=__version__,
            logger=self.log,
            control=self.control,
        )

    def _sources(self) -> Sources:
        """Where the collector finds what the engine counts."""
        from smppd.observe.metrics import Sources

        engine = self.engine
        return Sources(
            sessions=lambda: dict.fromkeys(self._context.bound_once, 0) | self.session_counts(),
            in_flight=lambda: engine.in_flight,
            route_queue_depth=lambda: {
                name: len(route.queue)
                for name, route in engine.routes.items()
                if route.throughput is not None and any(route.states)
            },
            receipts_pending=lambda: {
                name: esme.waiting
                for name, esme in engine.esmes.items()
                if esme.waiting or esme.binds or any(esme.states)
            },
            messages=lambda: {name: esme.states for name, esme in engine.esmes.items()},
            route_messages=lambda: {name: route.states for name, route in engine.routes.items()},
            rule_hits=self.rules.fired,
            hook_failures=self.rules.hook_failures,
            fault_hits=self.faults.totals,
        )

    async def stop(self, grace: float | None = None) -> None:
        """Stop accepting, unbind every session, wait at most `grace` seconds for them, and close.

        `grace` defaults to `[server] shutdown_grace`.
        """
        context = self._context
        context.draining = True
        self._outbinds.stop()
        for listener in self._listeners:
            listener.close()
        for connection in list(context.connections):
            connection.unbind()
        await self._wait_deserted(self.settings.server.shutdown_grace if grace is None else grace)
        self.faults.stop()
        for connection in list(context.connections):
            connection.abort()
        await self._wait_deserted(ABORT_GRACE)
        if self.faults.layers:
            await _wait_for(self.faults.empty, ABORT_GRACE)
        for listener in self._listeners:
            await listener.wait_closed()
        self._listeners.clear()
        context.verifiers.shutdown(wait=False, cancel_futures=True)
        if self._ticker is not None:
            self._ticker.stop()
        if self._housekeeping is not None:
            self._housekeeping.cancel()
            self._housekeeping = None
        await self.control.close()
        if self._http is not None:
            await self._http.close()
            self._http = None
        context.error_log.flush(everything=True)

    async def _wait_deserted(self, seconds: float) -> None:
        """Wait until the last connection has gone, but not longer than this."""
        if self._context.connections:
            await _wait_for(self._context.deserted, seconds)

    # -- what one asks a running server -------------------------------------------------------------------------------

    def is_ready(self) -> bool:
        """Whether the SMPP listeners are open and binds are welcome."""
        return bool(self._listeners) and not self._context.draining

    @property
    def smpp_addresses(self) -> list[str]:
        """Where SMPP is listened for, with the real ports; a host name may stand for several."""
        return [join_address(*socket.getsockname()[:2]) for listener in self._listeners for socket in listener.sockets]

    @property
    def http_address(self) -> str:
        """Where HTTP is listened for, with the real port; "" when it is not."""
        if self._http is None:
            return ""
        return join_address(split_address(self.settings.server.http)[0], self._http.port)

    @property
    def pdus_received(self) -> int:
        """PDUs received so far, of all sessions."""
        return sum(self.counters.pdus_in.values())

    @property
    def leftovers(self) -> int:
        """Kilobytes, roughly, that connections which ended and HTTP requests have left behind so far.

        They leave reference cycles, which stay until the garbage collector looks for them.
        """
        ended = self._context.opened - len(self._context.connections)
        requests = 0 if self._http is None else self._http.requests
        return ended * CONNECTION_LEAVES + requests * REQUEST_LEAVES

    async def advance(self, seconds: float) -> Lapse:
        """Let time pass at once: whatever is due meanwhile happens, each thing at its time.

        Receipts leave as on any day, within the windows of their sessions; see `smppd.transport.timelapse`. Afterwards
        the clock stands still or runs as it did before.

        Raises ValueError when `seconds` is negative or leads beyond 2037, and UserError when the clock was handed in by
        somebody else, whose it is to move.
        """
        return await self._leap(self._time().advance(seconds))

    async def advance_to(self, wall: float) -> Lapse:
        """The same until the calendar of the engine's clock says this Unix time."""
        return await self._leap(self._time().advance_to(wall))

    def _time(self) -> TimeLapse:
        if self._lapse is None:
            raise UserError("this server goes by the clock that it was given, and cannot move it")
        return self._lapse

    async def _leap(self, leap: Awaitable[Lapse]) -> Lapse:
        try:
            lapse = await leap
        finally:
            self._wake()
        self._context.events.tell("clock", "advanced", seconds=lapse.seconds, clock_time=self.clock.wall())
        return lapse

    def session_counts(self) -> dict[tuple[str, str], int]:
        """Bound sessions by (system_id, bind type)."""
        counts: dict[tuple[str, str], int] = {}
        for connection in self._context.connections:
            bound_as = connection.bound_as
            if bound_as is not None:
                counts[bound_as] = counts.get(bound_as, 0) + 1
        return counts

    # -- changes while running ----------------------------------------------------------------------------------------

    def reload(self, settings: Settings) -> Changes:
        """Take the settings of the files anew: what `configure` does, and what a reset returns to from now on.

        What was added while the server ran stays, as far as it fits; see `smppd.settings.carrying`.
        """
        simulation = self.control.simulation
        files = without_restart(self.settings, settings)
        changes = diff(self.settings, settings)
        carried = carried_over(self.settings, simulation.configured, files)
        live = self.configure(carried)
        simulation.configured = files
        return live._replace(restart=changes.restart)

    def configure(self, settings: Settings) -> Changes:
        """Take new settings; the keys that have to wait for a restart are named in the result and stay as they are.

        Routes, networks, limits and the throughput of accounts change at once. Sessions stay bound: a new password,
        window or bind limit of their account holds from the next bind on, new timers from the next connection on. Only
        the sessions of accounts that are gone or disabled now are unbound; what waits for them is kept until it
        expires, should the account come back. Rules change at once too; those that stay as they are keep their counts.

        Raises UserError when the hook of a rule cannot be imported; nothing has changed then.
        """
        changes = diff(self.settings, settings)
        settings = without_restart(self.settings, settings)
        self.rules.replace(settings.rule)
        for name, network in settings.network.items():
            if name not in self._networks or network != self.settings.network.get(name):
                self._networks[name] = SimulatedNetwork(name, network, settings.server.seed)
        self.accounts.apply(settings)
        self._unbind_departed(settings)
        self.counters.know_accounts(account.system_id for account in settings.account)
        self.engine.configure(settings, self._networks, compile_dialects(settings))
        self.faults.max_pdu = longest_pdu(settings)
        self.faults.replace(settings.fault)
        self.settings = settings
        self._context.settings = settings
        self._context.privacy = Privacy(settings.privacy.log_personal_data)
        self.log.info("configuration changed", applied=changes.live, needs_restart=changes.restart)
        self._context.events.tell("configuration", "changed", keys=changes.live, restart=changes.restart)
        if changes.webhooks:
            self._call_webhooks()
        return changes

    def _call_webhooks(self) -> None:
        """Have the webhooks called that are configured now; what that needs is loaded only where there are any."""
        if self._ticker is not None and (self.settings.webhook or "webhooks" in vars(self.control)):
            self.control.webhooks.apply(self.settings.webhook)

    def _renew(self) -> None:
        """Have networks begin anew, and open the throughput windows of routes."""
        settings = self.settings
        self._networks = {
            name: SimulatedNetwork(name, network, settings.server.seed) for name, network in settings.network.items()
        }
        self.engine.configure(settings, self._networks)
        for route in self.engine.routes.values():
            route.renew()

    def _forget_draws(self, system_id: str) -> None:
        for network in self._networks.values():
            network.forget_account(system_id)

    def _rules_changed(self) -> None:
        self._amend(rule=list(self.rules))
        self._follow_rules()

    def _faults_changed(self) -> None:
        self._amend(fault=list(self.faults))

    def _amend(self, **tables: object) -> None:
        """The settings in use have other rules or faults from now on."""
        changed = [name for name, table in tables.items() if table != getattr(self.settings, name)]
        if changed:
            self._context.events.tell("configuration", "changed", keys=changed, restart=[])
        self.settings = self._context.settings = msgspec.structs.replace(self.settings, **tables)

    def _follow_rules(self) -> None:
        """Have all connections ask the rules, from the first rule on that there is."""
        context = self._context
        if not len(self.rules) or context.behaviour is not None:
            return
        context.behaviour = self.rules
        for connection in context.connections:
            connection.follow(self.rules)

    def _hook_failed(self, rule: str, error: BaseException) -> None:
        """The mistake is the user's: they are told, but not at any rate."""
        personal = self._context.privacy.log_personal_data
        self._context.error_log.report("hook_failed", rule=rule, error=describe_failure(error, personal=personal))

    def _unbind_departed(self, settings: Settings) -> None:
        """End the sessions of accounts that may not bind any more: that is what they were taken away for."""
        welcome = {account.system_id for account in settings.account if account.enabled}
        for connection in list(self._context.connections):
            bound_as = connection.bound_as
            if bound_as is not None and bound_as[0] not in welcome:
                connection.unbind()

    def _attach_session_faults(self, faults: SessionFaults | None) -> None:
        self._context.session_faults = faults

    # -- inside -------------------------------------------------------------------------------------------------------

    def _run(self) -> float | None:
        """What the ticker calls."""
        if self._context.is_still:
            return None  # whoever ends the standstill wakes the ticker
        return self._work.run() if self._lapse is None else self._lapse.run()

    def _beside(self, settings: Settings, everything: Settings) -> tuple[Engine, dict[str, SimulatedNetwork]]:
        """A new engine with networks of its own, beside the one in use: by these settings, after `everything`."""
        networks = {
            name: SimulatedNetwork(name, network, everything.server.seed)
            for name, network in everything.network.items()
        }
        engine = Engine(
            everything,
            networks,
            clock=self.clock,
            dialects=compile_dialects(everything),
            observer=self.counters,
            wake=self._wake,
        )
        engine.configure(settings, networks, compile_dialects(settings))
        return engine, networks

    def _take_over(self, settings: Settings, engine: Engine, networks: dict[str, SimulatedNetwork]) -> None:
        """Go on with other settings, and with an engine and networks that were made for them `_beside`.

        Raises UserError when the settings cannot be taken; nothing has changed then, seed and time zone aside. All
        sessions are unbound.
        """
        server = msgspec.structs.replace(
            self.settings.server, seed=settings.server.seed, timezone=settings.server.timezone
        )
        before = self.settings
        self._amend(server=server)
        try:
            self.configure(settings)
        except BaseException:
            self.settings = self._context.settings = before
            raise
        self.engine.go_on()  # what sessions have said while it stood still is said to the one that goes
        for connection in list(self._context.connections):
            connection.disown()
        self._networks = networks
        self.engine.adopt(engine)

    def _wake(self) -> None:
        if self._lapse is not None:
            self._lapse.stir()
        if self._ticker is not None:
            self._ticker.wake()

    def _failed(self, error: Exception) -> None:
        self.counters.protocol_errors["internal"] += 1
        self.log.error("internal error", exc_info=error)

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING)
            self._context.error_log.flush()
            self._outbinds.look()


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, but not longer than this."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
