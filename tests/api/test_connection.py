"""A connection tells whoever works for a long time on an answer that it has ended."""

from __future__ import annotations

import asyncio

from aiohttp import web

from smppd.api.connection import Connection
from tests.transport.support import FakeTransport


def test_the_end_is_told() -> None:
    async def main() -> None:
        told: list[str] = []
        server = web.Server(web_handler)
        connection = Connection(server, loop=asyncio.get_running_loop(), access_log=None)
        transport = FakeTransport()
        connection.connection_made(transport)
        connection.lost = lambda: told.append("lost")
        connection.connection_lost(None)
        assert told == ["lost"]

        quiet = Connection(server, loop=asyncio.get_running_loop(), access_log=None)
        quiet.connection_made(transport)
        quiet.connection_lost(None)
        assert told == ["lost"]

    async def web_handler(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    asyncio.run(main())
