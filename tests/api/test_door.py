"""The HTTP port: open at once, served when somebody knocks or nothing else goes on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

import pytest

from smppd.api import door
from smppd.api.door import Door
from smppd.api.http import HttpServer


class Server:
    """Stands in for the HTTP server: answers each connection with a greeting."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.stopped = False
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket) -> None:
        async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"hello")
            writer.close()

        self._server = await asyncio.start_server(greet, sock=listener)
        self.started.set()

    async def stop(self) -> None:
        self.stopped = True
        if self._server is not None:
            self._server.close()


def ignore(_error: Exception) -> None:
    pass


def door_for(
    build: Callable[[], Server], *, traffic: Callable[[], int], failed: Callable[[Exception], None] = ignore
) -> Door:
    return Door(
        "127.0.0.1",
        0,
        build=cast("Callable[[], HttpServer]", build),
        traffic=traffic,
        failed=failed,
    )


def busy() -> Callable[[], int]:
    """Traffic that never pauses."""
    counts = iter(range(1_000_000))
    return lambda: next(counts)


async def read_from(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


def test_whoever_knocks_while_smpp_is_busy_is_served() -> None:
    async def scenario() -> None:
        server = Server()
        opened = door_for(lambda: server, traffic=busy())
        await opened.open()
        assert opened.port != 0
        assert not server.started.is_set()
        assert await read_from(opened.port) == b"hello"
        await opened.close()
        assert server.stopped

    asyncio.run(scenario())


def test_a_quiet_server_loads_without_a_knock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "QUIET", 0.0)

    async def scenario() -> None:
        server = Server()
        opened = door_for(lambda: server, traffic=lambda: 7)
        await opened.open()
        async with asyncio.timeout(10):
            await server.started.wait()
        await opened.close()

    asyncio.run(scenario())


def test_a_busy_server_does_not_load_without_a_knock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "QUIET", 0.0)

    async def scenario() -> None:
        asked = 0
        enough = asyncio.Event()

        def traffic() -> int:
            nonlocal asked
            asked += 1
            if asked > 20:
                enough.set()
            return asked

        server = Server()
        opened = door_for(lambda: server, traffic=traffic)
        await opened.open()
        async with asyncio.timeout(10):
            await enough.wait()
        assert not server.started.is_set()
        await opened.close()
        assert not server.stopped

    asyncio.run(scenario())


def test_a_taken_port_is_an_error_and_nothing_stays_open() -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            shut = Door(
                "127.0.0.1",
                taken.getsockname()[1],
                build=cast("Callable[[], HttpServer]", Server),
                traffic=busy(),
                failed=ignore,
            )
            with pytest.raises(OSError, match="in use"):
                await shut.open()
            assert shut.port == taken.getsockname()[1]
            await shut.close()

    asyncio.run(scenario())


def test_what_fails_is_told() -> None:
    class Broken(Server):
        async def start(self, listener: socket.socket) -> None:
            raise RuntimeError("no")

    async def scenario() -> None:
        failure: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        opened = door_for(Broken, traffic=busy(), failed=failure.set_result)
        await opened.open()
        _, writer = await asyncio.open_connection("127.0.0.1", opened.port)
        async with asyncio.timeout(10):
            assert str(await failure) == "no"
        writer.close()
        await opened.close()

    asyncio.run(scenario())


def test_closing_twice_is_harmless() -> None:
    async def scenario() -> None:
        opened = door_for(Server, traffic=busy())
        await opened.open()
        await opened.close()
        await opened.close()

    asyncio.run(scenario())
