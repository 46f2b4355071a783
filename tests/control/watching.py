"""A server without sockets, and viewers of its events."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from smppd.app import SmscServer
from smppd.control.event_views import EventView
from smppd.control.events import Viewing
from smppd.settings import Settings
from tests.transport.support import PATIENCE, SUBMIT, request, submit_body

T = TypeVar("T")


def with_server(scenario: Callable[[SmscServer], Awaitable[T]], settings: Settings | None = None) -> T:
    """Run a scenario within a loop, with a server that has not been started."""

    async def run() -> T:
        server = SmscServer(settings or Settings(), log_stream=io.StringIO(), environ={})
        try:
            async with asyncio.timeout(PATIENCE):
                return await scenario(server)
        finally:
            await server.control.close()

    return asyncio.run(run())


async def read(viewing: Viewing, count: int) -> list[EventView]:
    """The next so many events, or more."""
    events: list[EventView] = []
    while len(events) < count:
        more = await viewing.next()
        assert more is not None
        events += more
    return events


async def read_all(viewing: Viewing) -> list[EventView]:
    """What there is by now."""
    events: list[EventView] = []
    while more := await viewing.next(0.0):
        events += more
    return events


def named(events: Iterable[EventView]) -> list[str]:
    """Kind and event of each, the opening of the view left out."""
    return [f"{event.kind} {event.event}" for event in events if event.event != "opened" or event.kind != "viewer"]


def record(server: SmscServer, count: int = 1, session: str = "1", frame: bytes | None = None) -> None:
    """Have PDUs pass by: submit_sm."""
    journal = server._context.journal
    for _ in range(count):
        octets = request(SUBMIT, journal.total + 1, submit_body()) if frame is None else frame
        journal.record(1_767_268_800.0 + journal.total, session, "in", octets)
