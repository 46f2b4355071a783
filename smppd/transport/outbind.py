"""outbind: calling on ESMEs that something waits for, so that they bind on that connection (SMPP 3.4 section 2.2.1).

The connection is an ordinary one from then on: the ESME answers the outbind with a bind, within session_init, and that
is judged like any other. Whoever cannot be reached, or does not bind, is called on again after a while.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smppd.errors import UserError
from smppd.transport.listeners import split_address
from smppd.transport.smsc import SmscConnection
from smppwire.pdus import Outbind

if TYPE_CHECKING:
    from collections.abc import Callable

    from smppd.engine.esmes import EsmeState
    from smppd.settings import Account
    from smppd.transport.context import Context

CONNECT_TIMEOUT: Final = 10.0
"""Seconds until a TCP connection must stand."""

FIRST_PAUSE: Final = 1.0
"""Seconds from the first call to the next one, if nothing comes of it: an ESME that is being restarted is back soon."""

LONGEST_PAUSE: Final = 60.0
"""Seconds between later calls at most; the pause doubles up to here. An ESME that has come back waits a minute."""


class OutbindError(UserError):
    """An ESME cannot be called on."""


@dataclass(slots=True)
class _Call:
    """How calling on one ESME goes."""

    task: asyncio.Task[SmscConnection | None] | None = None
    """Is about to connect."""
    connection: SmscConnection | None = None
    """Has our outbind on it; what the ESME makes of it is to be seen."""
    pause: float = FIRST_PAUSE
    not_before: float = 0.0


class Outbinds:
    """Calls on the ESMEs of one server. Of each account there is at most one attempt at a time."""

    def __init__(self, context: Context, failed: Callable[[Exception], None]) -> None:
        """Call within `context`; `failed` is told of mistakes of ours."""
        self._context = context
        self._failed = failed
        self._calls: dict[str, _Call] = {}

    def look(self) -> None:
        """See for whom something waits, and call; to be called about once a second."""
        context = self._context
        if context.draining:
            return
        accounts = {account.system_id: account for account in context.settings.account if account.outbind}
        for system_id in self._calls.keys() - accounts.keys():
            self._give_up(self._calls.pop(system_id))
        for system_id, account in accounts.items():
            try:
                self._look_at(context.engine.esmes[system_id], account)
            except Exception as error:  # noqa: BLE001  # whatever it is, it concerns this account alone
                self._failed(error)

    async def call_now(self, account: Account) -> str:
        """Call on an ESME whether anything waits for it or not; returns the number of the session.

        Raises OutbindError when a call is under way, nobody answers, or the server is about to stop.
        """
        call = self._calls.get(account.system_id)
        if self._context.draining or (call is not None and self._is_under_way(call)):
            why = "the server is stopping" if self._context.draining else "a call is under way"
            raise OutbindError(f"account {account.system_id!r} cannot be called: {why}")
        call = self._calls[account.system_id] = call or _Call()
        call.task = task = asyncio.get_running_loop().create_task(self._call(account))
        await asyncio.wait([task])
        connection = None if task.cancelled() else task.result()
        if connection is None or not connection.name:
            raise OutbindError(f"nobody takes an outbind at {account.outbind}; the log says why")
        return connection.name

    def stop(self) -> None:
        """Call no more. Connections that stand end as all others do."""
        for call in self._calls.values():
            self._give_up(call)
        self._calls.clear()

    def _give_up(self, call: _Call) -> None:
        if call.task is not None:
            call.task.cancel()

    def _look_at(self, esme: EsmeState, account: Account) -> None:
        call = self._calls.get(account.system_id)
        if call is not None and self._is_under_way(call):
            return
        if not (account.enabled and esme.waits_for_receiver):
            self._calls.pop(account.system_id, None)
            return
        if call is None:
            call = self._calls[account.system_id] = _Call()
        elif call.connection is not None:
            call.connection = None
            self._report(account, "the ESME has not bound as a receiver")
        now = self._context.monotonic()
        if now >= call.not_before:
            call.not_before = now + call.pause
            call.pause = min(LONGEST_PAUSE, 2 * call.pause)
            call.task = asyncio.get_running_loop().create_task(self._call(account))

    def _is_under_way(self, call: _Call) -> bool:
        """Whether an attempt may still come to something: it connects, or the ESME has not answered the outbind."""
        if call.task is not None:
            if not call.task.done():
                return True
            task, call.task = call.task, None
            call.connection = task.result()
        connection = call.connection
        return connection is not None and connection.is_open and connection.bound_as is None

    async def _call(self, account: Account) -> SmscConnection | None:
        """Connect, and send the outbind; None when there is nobody."""
        context = self._context
        system_id = context.settings.server.system_id.encode("latin-1")
        outbind = Outbind(system_id=system_id, password=account.outbind_password.encode("latin-1"))
        host, port = split_address(account.outbind)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                connection = SmscConnection(context, outbind)
                await asyncio.get_running_loop().create_connection(lambda: context.wrapped(connection), host, port)
        except OSError as error:  # a TimeoutError is one, too
            self._report(account, error.strerror or "no answer")
            return None
        context.log.info("outbind", system_id=account.system_id, address=account.outbind, session=connection.name)
        return connection

    def _report(self, account: Account, reason: str) -> None:
        context = self._context
        context.counters.protocol_errors["outbind_failed"] += 1
        context.error_log.report("outbind_failed", system_id=account.system_id, address=account.outbind, reason=reason)
