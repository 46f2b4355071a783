"""The desk of resets: back to what the configuration files say, in one call; for one account, or for all."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from smppd.control.judging import check_account
from smppd.engine.clock import EngineClock
from smppd.engine.oblivion import Oblivion
from smppd.settings import parse_moment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from smppd.control.panel import Control
    from smppd.control.simulation import Simulation
    from smppd.observe.roster import ConnectionRecord
    from smppd.transport.connection import Connection

Part = Literal["messages", "journal", "rules", "faults", "scenarios", "settings", "clock"]
"""What a reset may leave alone."""

PARTS: Final[tuple[Part, ...]] = get_args(Part)


class ResetView(Struct, frozen=True, kw_only=True):
    """What a reset has done."""

    namespace: Annotated[str | None, Meta(description="The account that it was for; null: all.")]
    messages: Annotated[int, Meta(description="Messages that are forgotten.")]
    pdus: Annotated[int, Meta(description="Recorded PDUs that are forgotten.")]
    rules: Annotated[int, Meta(description="Rules that there are now.")]
    faults: Annotated[int, Meta(description="Faults that there are now.")]
    settings: Annotated[list[str], Meta(description="What of the configuration was changed and is as it was.")]
    disconnected: Annotated[int, Meta(description="Sessions that were unbound.")]


class ResetDesk:
    """Resets of one server."""

    def __init__(self, simulation: Simulation, control: Control) -> None:
        """Reset this server; `control` has the desks of its rules and faults."""
        self._simulation = simulation
        self._control = control
        self._turns = asyncio.Lock()

    async def reset(
        self, namespace: str | None = None, *, keep: Collection[Part] = (), disconnect: bool = False
    ) -> ResetView:
        """Reset the server, or what belongs to one account; several calls take turns.

        Args:
            namespace: the account; None: everything.
            keep: what is left alone.
            disconnect: unbind sessions; else they stay bound, unless their account is gone.

        Raises InvalidError when there is no such account.
        """
        simulation = self._simulation
        if namespace is not None:
            check_account(simulation.settings, namespace, "namespace")
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._turns)
            if simulation.lapse is not None:
                await stack.enter_async_context(simulation.lapse.standstill())
            wanted = [part for part in PARTS if part not in keep]
            return await (self._reset_all if namespace is None else self._reset_one)(
                wanted, namespace or "", disconnect
            )

    # -- everything ---------------------------------------------------------------------------------------------------

    async def _reset_all(self, parts: Collection[str], _namespace: str, disconnect: bool) -> ResetView:
        simulation = self._simulation
        changes: list[str] = []
        frames = 0
        if "settings" in parts:
            changes = self._restore_settings(parts)
            self._lift_limits(list(simulation.context.connections))
        if "rules" in parts:
            simulation.rules.restart()
        if "scenarios" in parts:
            simulation.rules.reset_scenarios()
        if "faults" in parts:
            simulation.faults.reset()
        messages = 0
        if "messages" in parts:
            for connection in list(simulation.context.connections):
                connection.hurry()
            messages = await self._forget(list(simulation.engine.esmes))
            simulation.renew()
        if "journal" in parts:
            frames = len(simulation.journal)
            simulation.journal.clear()
        if "clock" in parts:
            self._reset_clock()
        unbound = self._disconnect(None) if disconnect else 0
        return self._view(None, messages, frames, changes, unbound)

    def _restore_settings(self, parts: Collection[str]) -> list[str]:
        """Take the settings of the files again, but for the rules and faults where these are to stay."""
        simulation = self._simulation
        kept: dict[str, Any] = {
            table: getattr(simulation.settings, table)
            for table, part in (("rule", "rules"), ("fault", "faults"))
            if part not in parts
        }
        return simulation.configure(msgspec.structs.replace(simulation.configured, **kept)).live

    def _reset_clock(self) -> None:
        """Time never goes back, but the calendar begins anew: where the files say, or with that of the machine."""
        simulation = self._simulation
        clock, settings = simulation.engine.clock, simulation.settings.clock
        if not isinstance(clock, EngineClock):
            return
        if settings.mode == "real":
            clock.keep_time()
        else:
            start = parse_moment(settings.start).timestamp() if settings.start else simulation.context.wall()
            clock.freeze()
            clock.set_speed(1.0)
            clock.set_calendar(start)
        if simulation.lapse is not None:
            self._control.clock.tell_change()

    # -- one account --------------------------------------------------------------------------------------------------

    async def _reset_one(self, parts: Collection[str], namespace: str, disconnect: bool) -> ResetView:
        simulation = self._simulation
        changes: list[str] = []
        frames = 0
        scenarios = self._scenarios_of(namespace)
        if "settings" in parts:
            changes = self._restore_account(namespace)
            self._lift_limits(self._connections_of(namespace))
        if "rules" in parts:
            self._control.rules.delete_all(namespace=namespace)
            simulation.rules.forget_account(namespace)
        if "scenarios" in parts:
            for name in scenarios:
                simulation.rules.set_scenario(name, "")
        if "faults" in parts:
            self._control.faults.delete_all(namespace=namespace)
        messages = 0
        if "messages" in parts:
            for connection in self._connections_of(namespace):
                connection.hurry()
            messages = await self._forget([namespace])
            simulation.forget_draws(namespace)
        if "journal" in parts:
            frames = self._forget_frames(namespace)
        unbound = self._disconnect(namespace) if disconnect else 0
        return self._view(namespace, messages, frames, changes, unbound)

    def _restore_account(self, system_id: str) -> list[str]:
        """An account of the files is as they say again; one that was made at run time stays as it is."""
        simulation = self._simulation
        mine = next((one for one in simulation.configured.account if one.system_id == system_id), None)
        if mine is None:
            return []
        accounts = [mine if one.system_id == system_id else one for one in simulation.settings.account]
        return simulation.configure(msgspec.structs.replace(simulation.settings, account=accounts)).live

    def _scenarios_of(self, namespace: str) -> set[str]:
        """The scenarios that only rules of the namespace name."""
        mine: set[str] = set()
        others: set[str] = set()
        for rule in self._simulation.rules:
            if rule.scenario is not None:
                (mine if self._control.rules.is_in(rule, namespace) else others).add(rule.scenario.name)
        return mine - others

    def _connections_of(self, system_id: str) -> list[Connection]:
        connections = list(self._simulation.context.connections)
        return [one for one in connections if one.bound_as is not None and one.bound_as[0] == system_id]

    def _forget_frames(self, system_id: str) -> int:
        """Have the journal forget what passed between an account and us, on whichever connections."""
        simulation = self._simulation
        records = {record.session: record for record in (*simulation.roster, *simulation.roster.ended())}
        whole = {session for session, record in records.items() if _binds_of(record) == {system_id}}
        partly = {session for session, record in records.items() if system_id in _binds_of(record)} - whole

        def is_gone(session: str, moment: float) -> bool:
            return session in whole or (session in partly and _account_at(records[session], moment) == system_id)

        return simulation.journal.forget(is_gone)

    # -- both ---------------------------------------------------------------------------------------------------------

    async def _forget(self, system_ids: list[str]) -> int:
        """Forget what accounts have in the engine, in slices. Who is cancelled meanwhile waits for the end of it."""
        self._control.mo.forget(system_ids)
        oblivion = Oblivion(self._simulation.engine, system_ids)
        steps = oblivion.steps()
        try:
            for _ in steps:
                await asyncio.sleep(0)
        finally:
            for _ in steps:
                pass
        return oblivion.messages

    def _lift_limits(self, connections: Iterable[Connection]) -> None:
        """Limit sessions by nothing that was set for them alone."""
        for connection in connections:
            connection.lift_limits()

    def _disconnect(self, system_id: str | None) -> int:
        connections: Iterable[Connection] = list(self._simulation.context.connections)
        mine = [one for one in connections if one.bound_as is not None and system_id in (None, one.bound_as[0])]
        for connection in mine:
            connection.unbind()
        return len(mine)

    def _view(
        self, namespace: str | None, messages: int, frames: int, changes: list[str], disconnected: int
    ) -> ResetView:
        simulation = self._simulation
        simulation.wake()
        return ResetView(
            namespace=namespace,
            messages=messages,
            pdus=frames,
            rules=len(simulation.rules),
            faults=len(simulation.faults),
            settings=changes,
            disconnected=disconnected,
        )


def _binds_of(record: ConnectionRecord) -> set[str]:
    return {bind.system_id for bind in record.binds}


def _account_at(record: ConnectionRecord, moment: float) -> str:
    """Whose a PDU of this moment is: who was bound then, or binds first."""
    bind = record.bind_at(moment) or (record.binds[0] if record.binds else None)
    return "" if bind is None else bind.system_id
