"""The server as a whole: what it is and how it does, and its configuration read anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, Struct

from smppd import __version__
from smppd.control.failures import ConflictError
from smppd.control.times import iso

if TYPE_CHECKING:
    from smppd.control.simulation import Simulation
    from smppd.settings import Changes


class Listeners(Struct, frozen=True, kw_only=True):
    """Where the server listens, as `host:port` with the real ports."""

    smpp: list[str]
    http: Annotated[str, Meta(description='"" when HTTP is off.')]


class Counts(Struct, frozen=True, kw_only=True):
    """How many there are of everything just now."""

    connections: Annotated[int, Meta(description="Open TCP connections, bound or not.")]
    sessions: Annotated[int, Meta(description="Bound sessions.")]
    pdus_in: Annotated[int, Meta(description="PDUs received since the start.")]
    pdus_out: Annotated[int, Meta(description="PDUs sent since the start.")]
    messages_in_flight: Annotated[int, Meta(description="Messages that are not final.")]
    messages_kept: Annotated[int, Meta(description="Messages that can be asked for, final ones included.")]
    pdus_recorded: Annotated[int, Meta(description="PDUs in the journal.")]
    accounts: int
    routes: int
    networks: int
    dialects: int
    rules: int
    faults: int


class Limits(Struct, frozen=True, kw_only=True):
    """What bounds it; 0 = off, where that is possible."""

    connections: Annotated[int, Meta(description="[server] max_connections")]
    messages: Annotated[int, Meta(description="[messages] limit")]
    messages_final: Annotated[int, Meta(description="[messages] retain")]
    pdus_recorded: Annotated[int, Meta(description="[journal] pdus")]
    pdu_octets: Annotated[int, Meta(description="[server] max_pdu")]


class ServerStatus(Struct, frozen=True, kw_only=True):
    """What the server is and how it does."""

    name: Literal["smppd"] = "smppd"
    version: str
    system_id: Annotated[str, Meta(description="Ours, in bind responses.")]
    state: Annotated[
        Literal["running", "stopping"], Meta(description="`stopping`: sessions are being unbound, nobody may bind.")
    ]
    start_time: str
    uptime: Annotated[float, Meta(description="Seconds.")]
    clock: Annotated[Literal["real", "virtual"], Meta(description="What drives the life of messages.")]
    clock_time: Annotated[str, Meta(description="What the engine's clock says.")]
    listeners: Listeners
    counts: Counts
    limits: Limits


class NamedChanges(Struct, frozen=True, kw_only=True):
    """Named things that a change has added, removed or altered."""

    added: list[str]
    removed: list[str]
    changed: list[str]


class ReloadResult(Struct, frozen=True, kw_only=True):
    """What a reload of the configuration has changed. Values are left out: they may be passwords."""

    applied: Annotated[list[str], Meta(description="Key paths in effect now, such as `account[smppclient1].window`.")]
    needs_restart: Annotated[list[str], Meta(description="Key paths that differ in the file and wait for a restart.")]
    accounts: NamedChanges
    routes: NamedChanges
    networks: NamedChanges
    rules: NamedChanges
    faults: NamedChanges
    dialects: NamedChanges


class ServerDesk:
    """What concerns no single thing of the server."""

    def __init__(self, simulation: Simulation) -> None:
        """Answer for this server."""
        self._simulation = simulation
        context = simulation.context
        self._start_time = iso(context.wall() - (context.monotonic() - simulation.started))

    def status(self) -> ServerStatus:
        """What the server is and how it does."""
        simulation = self._simulation
        context, settings = simulation.context, simulation.settings
        smpp, http = simulation.addresses()
        return ServerStatus(
            version=__version__,
            system_id=settings.server.system_id,
            state="stopping" if context.draining else "running",
            start_time=self._start_time,
            uptime=context.monotonic() - simulation.started,
            clock=settings.clock.mode,
            clock_time=iso(simulation.engine.clock.wall()),
            listeners=Listeners(smpp=smpp, http=http),
            counts=self._counts(),
            limits=Limits(
                connections=settings.server.max_connections,
                messages=settings.messages.limit,
                messages_final=settings.messages.retain,
                pdus_recorded=settings.journal.pdus,
                pdu_octets=settings.server.max_pdu,
            ),
        )

    def _counts(self) -> Counts:
        context, settings = self._simulation.context, self._simulation.settings
        counters, ledger = context.counters, context.engine.ledger
        return Counts(
            connections=len(context.connections),
            sessions=sum(connection.bound_as is not None for connection in context.connections),
            pdus_in=sum(counters.pdus_in.values()),
            pdus_out=sum(counters.pdus_out.values()),
            messages_in_flight=ledger.in_flight,
            messages_kept=len(ledger.messages),
            pdus_recorded=len(context.journal),
            accounts=len(settings.account),
            routes=len(settings.route),
            networks=len(settings.network),
            dialects=len(settings.dialect),
            rules=len(settings.rule),
            faults=len(settings.fault),
        )

    async def reload(self) -> ReloadResult:
        """Read the configuration anew, as SIGHUP does.

        What was changed through the API since the last time is as the files say again. Raises ConflictError when the
        server was started without a file, and UserError when the files are not accepted: everything is as before then.
        """
        simulation = self._simulation
        if simulation.load is None:
            raise ConflictError("the server was started without a configuration file, so there is nothing to read")
        settings = await asyncio.to_thread(simulation.load)
        changes = simulation.configure(settings)
        simulation.configured = simulation.settings
        return _result(changes)


def _result(changes: Changes) -> ReloadResult:
    def named(name: str) -> NamedChanges:
        added, removed, changed = getattr(changes, name)
        return NamedChanges(added=added, removed=removed, changed=changed)

    return ReloadResult(
        applied=changes.live,
        needs_restart=changes.restart,
        accounts=named("accounts"),
        routes=named("routes"),
        networks=named("networks"),
        rules=named("rules"),
        faults=named("faults"),
        dialects=named("dialects"),
    )
