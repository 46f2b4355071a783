"""Somebody who is called by webhooks: a real HTTP server in the same loop, which answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from smppd.app import SmscServer
from smppd.control.webhooks import WebhookDesk
from smppd.settings import Webhook


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def events(self) -> list[str]:
        return [event["event"] for event in self.json["events"]]


class Receiver:
    """Answers with the statuses it was given, then with 200, for ever. Status 0: it never answers."""

    def __init__(self) -> None:
        self.url = ""
        self.statuses: deque[int] = deque()
        self.received: list[Received] = []
        self.over = asyncio.Event()
        self._arrived = asyncio.Condition()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        async with self._arrived:
            self.received.append(Received(request.path, dict(request.headers), body))
            self._arrived.notify_all()
        status = self.statuses.popleft() if self.statuses else 200
        if not status:
            await self.over.wait()
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else None, text="x" * 99)

    async def requests(self, count: int) -> list[Received]:
        """The requests, once there are so many."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.received) >= count)
        return self.received


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{port}/hook"
    try:
        yield receiver
    finally:
        receiver.over.set()
        await runner.cleanup()


class Pauses:
    """Takes the place of sleeping: it notes how long, and lets others have their turn."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)

    @property
    def between_attempts(self) -> list[float]:
        return [seconds for seconds in self.seconds if seconds >= 0.5]


@asynccontextmanager
async def hooked(server: SmscServer, *webhooks: Webhook) -> AsyncIterator[tuple[WebhookDesk, Pauses]]:
    """A desk with these webhooks at work."""
    pauses = Pauses()
    desk = WebhookDesk(server.control.simulation, server.control.events, pauses.sleep)
    desk.apply(webhooks)
    await begin_to_look()
    try:
        yield desk, pauses
    finally:
        await desk.close()


async def begin_to_look() -> None:
    """The tasks of webhooks have had their first turns."""
    for _ in range(10):
        await asyncio.sleep(0)


async def until(desk: WebhookDesk, name: str, **state: object) -> Any:
    """The view of a webhook once it has these values."""
    while True:
        view = desk.get(name)
        if all(getattr(view, key) == value for key, value in state.items()):
            return view
        await asyncio.sleep(0)
