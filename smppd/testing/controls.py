"""What a test does to a message centre; runs in the server's loop, and goes through the same desks as the HTTP API."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Literal

from smppd.control.pages import MAX_LIMIT
from smppd.testing.conditions import when_table
from smppd.testing.options import plain
from smppd.testing.rules import rule_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smppd.control.clock import ClockView
    from smppd.control.messages.views import MessageView
    from smppd.control.sessions import SessionView
    from smppd.control.simulation import Simulation
    from smppd.testing.host import Host

__tracebackhide__ = True
__unittest = True  # pytest and unittest leave the frames of such modules out: what failed is in the test

POLL: Final = 0.002
"""Seconds between two looks whether all has settled."""

QUIET: Final = 0.02
"""Seconds without a PDU after which all has settled: an ESME that reacts to what it gets does so sooner."""


class Controls:
    """The desks of one server, as tests use them."""

    def __init__(self, host: Host) -> None:
        """Control the server that `host` runs."""
        self._host = host

    @property
    def _simulation(self) -> Simulation:
        return self._host.control.simulation

    # -- rules and faults ---------------------------------------------------------------------------------------------

    async def add_rule(self, words: Mapping[str, Any], ttl: float | None) -> str:
        """Add a rule in front of the others; returns its name. Raises InvalidError with all that is wrong with it."""
        return self._host.control.rules.add(rule_table(words), expires_in=ttl).name

    async def remove_rule(self, name: str) -> None:
        """Take a rule out. Raises NotFoundError when it is gone."""
        self._host.control.rules.delete(name)

    async def rule_hits(self, name: str) -> int:
        """How often a rule has fired. Raises NotFoundError when it is gone."""
        return self._host.control.rules.get(name).fired

    async def add_fault(self, kind: str, parameters: Mapping[str, Any], ttl: float | None) -> str:
        """Add a fault; returns its name. Raises InvalidError with all that is wrong with it."""
        return self._host.control.faults.add({"kind": kind, **plain(parameters)}, expires_in=ttl).name

    async def remove_fault(self, name: str) -> None:
        """Take a fault out. Raises NotFoundError when it is gone."""
        self._host.control.faults.delete(name)

    async def fault_hits(self, name: str) -> int:
        """How often a fault has happened. Raises NotFoundError when it is gone."""
        return self._host.control.faults.get(name).fired

    async def set_scenario(self, name: str, state: str) -> None:
        """Put a scenario into a state. Raises NotFoundError for one that no rule names."""
        self._host.control.rules.set_scenario(name, state)

    # -- messages and sessions ----------------------------------------------------------------------------------------

    async def mo(self, source: str, destination: str, text: str, account: str) -> None:
        """Have a subscriber write. Raises InvalidError or ConflictError when that cannot be."""
        from smppd.control.mo_messages import Mo

        mo = Mo(source_addr=source, destination_addr=destination, text=text, account=account)
        self._host.control.mo.inject(mo)

    async def messages(self, conditions: Mapping[str, Any]) -> list[MessageView]:
        """The messages that meet conditions, oldest first. Raises InvalidError for what cannot be asked."""
        table: dict[str, Any] = {"order": "oldest", "limit": MAX_LIMIT, "when": when_table(conditions)}
        if "state" in conditions:
            table["message_state"] = table["when"].pop("state")
        found: list[MessageView] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await self._host.control.messages.search(**table, cursor=cursor)
            found += page.items
            cursor = page.next
        return found

    async def message(self, message_id: str) -> MessageView:
        """One message. Raises NotFoundError."""
        return (await self._host.control.messages.get(message_id)).message

    async def end_message(self, message_id: str, outcome: str, error: int | None) -> MessageView:
        """Have a message end so now. Raises NotFoundError, and ConflictError when it is final."""
        return self._host.control.messages.force(message_id, outcome, error=error)

    async def cancel_message(self, message_id: str) -> MessageView:
        """Cancel a message, as cancel_sm does. Raises NotFoundError, and ConflictError when it is final."""
        return self._host.control.messages.cancel(message_id)

    async def sessions(self) -> list[SessionView]:
        """The open sessions, oldest first; not those that are about to close."""
        page = await self._host.control.sessions.list(limit=MAX_LIMIT)
        return [view for view in reversed(page.items) if view.state != "CLOSED"]

    async def end_session(self, session: str, how: Literal["unbind", "close", "reset"]) -> None:
        """End a session. Raises ConflictError when it has ended."""
        getattr(self._host.control.sessions, how)(session)

    async def reset(self, *, disconnect: bool) -> None:
        """Return to the settings of the beginning, and forget all that happened."""
        if disconnect:
            context = self._simulation.context
            for connection in list(context.connections):
                self._host.control.sessions.reset(connection.name)
            if context.connections:
                await context.deserted.wait()
        await self._host.control.reset.reset()

    # -- time ---------------------------------------------------------------------------------------------------------

    async def advance(self, seconds: float | None, to: str | None) -> None:
        """Let time pass at once."""
        await self._host.control.clock.advance(seconds, to=to)

    async def clock(self, *, running: bool | None = None, speed: float | None = None) -> ClockView:
        """Change how time passes, or only look."""
        desk = self._host.control.clock
        return desk.read() if running is None and speed is None else desk.change(running=running, speed=speed)

    async def settle(self, within: float) -> None:
        """Wait until nothing is under way. Raises AssertionError with what is."""
        monotonic = self._simulation.context.monotonic
        quiet_since = monotonic()
        deadline, seen = quiet_since + within, -1
        while True:
            now, total, under_way = monotonic(), self._simulation.journal.total, self._under_way()
            if total == seen and not under_way:
                if now - quiet_since >= QUIET:
                    return
            elif now >= deadline:
                told = ", ".join(under_way) or "PDUs keep coming"
                raise AssertionError(f"not settled within {within:g} s: {told}")
            else:
                seen, quiet_since = total, now
            await asyncio.sleep(POLL)

    def _under_way(self) -> list[str]:
        """What is still under way, in words."""
        simulation = self._simulation
        engine, connections = simulation.engine, simulation.context.connections
        due = simulation.next_due()
        lapse = simulation.lapse
        counts = {
            "requests of the ESME without a response": sum(each.outstanding for each in connections),
            "deliver_sm without a response": sum(each.unanswered for each in connections),
            "receipts and messages to be delivered": sum(
                esme.waiting for esme in engine.esmes.values() if esme.receivers()
            ),
            "things due now": int(due is not None and due <= engine.clock.now()),
            "messages that are not final": engine.in_flight if lapse is not None and lapse.is_running else 0,
        }
        return [f"{count} {what}" for what, count in counts.items() if count]
