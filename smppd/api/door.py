"""The HTTP port, open from the start; what serves it is loaded when somebody knocks, or when nothing else is going on.

Loading aiohttp and prometheus_client takes a few hundred milliseconds of processor time, in a thread that the event
loop has to share Python with. A load test that begins the moment the SMPP port opens would measure that. So the port
listens at once and the system keeps the first connections waiting: they are served when the libraries are there.
"""

from __future__ import annotations

import asyncio
import importlib
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from smppd.api.http import HttpServer

LIBRARIES: Final = ("smppd.observe.metrics", "smppd.api.http")

BACKLOG: Final = 128
"""Connections waiting to be accepted: a handful of scrapers and browsers."""

QUIET: Final = 1.0
"""Seconds without SMPP traffic after which the libraries are loaded though nobody has asked for them yet."""


class Door:
    """One HTTP port. `build` makes the server that will answer there, once its libraries are loaded."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        build: Callable[[], HttpServer],
        traffic: Callable[[], int],
        failed: Callable[[Exception], None],
    ) -> None:
        """Describe a door.

        Args:
            host: name or address to listen on.
            port: 0 takes a free one.
            build: makes the server; called when LIBRARIES are loaded.
            traffic: counts what the server has done for SMPP so far.
            failed: told when serving could not begin.
        """
        self._host = host
        self._port = port
        self._build = build
        self._traffic = traffic
        self._failed = failed
        self._socket: socket.socket | None = None
        self._server: HttpServer | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._knock = asyncio.Event()

    @property
    def port(self) -> int:
        """The port that is listened on, or the one asked for while nothing is."""
        return self._port if self._socket is None else int(self._socket.getsockname()[1])

    @property
    def requests(self) -> int:
        """HTTP requests so far, malformed ones included."""
        return 0 if self._server is None else self._server.requests

    async def open(self) -> None:
        """Listen. OSError when the address is taken or not ours."""
        loop = asyncio.get_running_loop()
        family, kind, protocol, _, address = (
            await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.setblocking(False)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        self._socket = listener
        loop.add_reader(listener.fileno(), self._knock.set)
        self._waiting = loop.create_task(self._serve_when_needed(listener))

    async def _serve_when_needed(self, listener: socket.socket) -> None:
        await self._knocked_or_quiet()
        asyncio.get_running_loop().remove_reader(listener.fileno())
        for library in LIBRARIES:
            await asyncio.to_thread(importlib.import_module, library)
        server = self._build()
        try:
            await server.start(listener)
        except Exception as error:  # noqa: BLE001  # HTTP is a convenience: without it the message centre goes on
            self._failed(error)
        else:
            self._server = server

    async def _knocked_or_quiet(self) -> None:
        before = -1
        while self._traffic() != before:
            before = self._traffic()
            with suppress(TimeoutError):
                async with asyncio.timeout(QUIET):
                    await self._knock.wait()
                    return

    async def close(self) -> None:
        """Stop listening, and serving. Harmless when closed."""
        listener, self._socket = self._socket, None
        waiting, self._waiting = self._waiting, None
        server, self._server = self._server, None
        if waiting is not None:
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
        if listener is not None:
            asyncio.get_running_loop().remove_reader(listener.fileno())
        if server is not None:
            await server.stop()
        if listener is not None:
            listener.close()
