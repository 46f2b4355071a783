"""The desk of the server as a whole, without HTTP."""

from __future__ import annotations

import asyncio
import io

import pytest

from smppd.app import SmscServer
from smppd.control.failures import ConflictError
from smppd.settings import Clock, Server, Settings
from tests.transport.support import live_settings


def server_for(settings: Settings) -> SmscServer:
    return SmscServer(settings, log_stream=io.StringIO(), environ={})


def test_before_during_and_after() -> None:
    async def main() -> None:
        server = server_for(live_settings(server={"system_id": "centre"}))
        desk = server.control.server
        assert desk.status().listeners.smpp == []
        async with server:
            status = desk.status()
            assert status.listeners.smpp == server.smpp_addresses
            assert (status.system_id, status.state, status.listeners.http) == ("centre", "running", "")
        assert desk.status().state == "stopping"

    asyncio.run(main())


def test_the_clock_of_the_engine_is_told() -> None:
    server = server_for(live_settings(clock=Clock(mode="virtual", start="2030-01-01T00:00:00Z")))
    status = server.control.server.status()
    assert (status.clock, status.clock_time) == ("virtual", "2030-01-01T00:00:00.000000Z")
    assert not status.start_time.startswith("2030")


def test_a_server_was_started_once() -> None:
    desk = server_for(Settings()).control.server
    assert len({desk.status().start_time for _ in range(50)}) == 1


def test_reload() -> None:
    async def main() -> None:
        server = server_for(Settings())
        desk = server.control.server
        with pytest.raises(ConflictError):
            await desk.reload()
        other = Settings(server=Server(max_connections=5))
        server.control.simulation.load = lambda: other
        result = await desk.reload()
        assert result.applied == ["server.max_connections"]
        assert server.control.simulation.configured is server.settings
        assert server.settings.server.max_connections == 5

    asyncio.run(main())
