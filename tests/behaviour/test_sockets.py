"""Real connections on real sockets, with a session that knows nothing of SMPP."""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from smppd.behaviour.faults import FaultBook
from smppd.behaviour.sockets import reset_when_closed
from smppd.behaviour.waits import Waits
from smppd.settings import faults
from smppd.settings.delays import Fixed
from smppd.settings.faults import Fault
from tests.behaviour.fake_wire import FakeSession, pdu

PATIENCE = 10.0
A, B = pdu(5, 1, b"first"), pdu(5, 2, b"second")


def loops() -> list[Any]:
    """Both kinds of event loops, where there are both."""
    try:
        import uvloop
    except ImportError:
        return [asyncio.SelectorEventLoop]
    return [asyncio.SelectorEventLoop, uvloop.new_event_loop]


class Session(FakeSession):
    """Tells when it has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.ended.set_result(None)


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until something holds."""
    loop = asyncio.get_running_loop()
    holds = loop.create_future()

    def look() -> None:
        if holds.done():
            return  # nobody waits any more
        if condition():
            holds.set_result(None)
        else:
            loop.call_soon(look)

    look()
    await holds


Talk = Callable[[socket.socket, Session], Awaitable[None]]


def serve(
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
    talk: Talk,
    *given: Fault,
    says: bytes = A + B,
    tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None,
) -> None:
    """Connect to a listener with these faults, and talk to the session behind it once it has said something."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        book = FaultBook(given, waits=Waits(loop.time, lambda: None))
        sessions: list[Session] = []

        def connection() -> asyncio.Protocol:
            sessions.append(Session())
            return book.wrap(sessions[-1])

        server = await loop.create_server(connection, "127.0.0.1", 0, ssl=None if tls is None else tls[0])
        try:
            async with asyncio.timeout(PATIENCE):
                await connect(server, sessions)
        finally:
            book.stop()
            for session in sessions:
                if session.transport is not None:
                    session.transport.abort()
            server.close()
        async with asyncio.timeout(PATIENCE):
            await until(lambda: not book.layers)
            await server.wait_closed()

    async def connect(server: asyncio.Server, sessions: list[Session]) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as client:
            client.settimeout(PATIENCE / 2)
            await loop.run_in_executor(None, client.connect, server.sockets[0].getsockname())
            if tls is None:
                await until(lambda: bool(sessions and sessions[0].name))
                sessions[0].write(says)
                await talk(client, sessions[0])
            else:
                wrapped = await loop.run_in_executor(None, lambda: tls[1].wrap_socket(client, server_hostname="x"))
                with wrapped:
                    sessions[0].write(says)
                    await talk(wrapped, sessions[0])

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(run())


async def read_all(client: socket.socket) -> tuple[bytes, str]:
    """What comes, and how it ends: "" for FIN, or the name of the error."""
    loop = asyncio.get_running_loop()
    octets = b""
    while True:
        try:
            piece = await loop.run_in_executor(None, client.recv, 65536)
        except OSError as error:
            return octets, type(error).__name__
        if not piece:
            return octets, ""
        octets += piece


@pytest.fixture(params=loops(), ids=lambda one: one.__module__.partition(".")[0])
def loop_factory(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    return request.param  # type: ignore[no-any-return]


LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def segments_received(client: socket.socket) -> int:
    """How many segments with data the system has got on a connection (tcp_info.tcpi_data_segs_in)."""
    info = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return int.from_bytes(info[152:156], "little")


def test_slices_are_segments(loop_factory: LoopFactory) -> None:
    async def talk(client: socket.socket, session: Session) -> None:
        loop = asyncio.get_running_loop()
        octets = b""
        while len(octets) < len(A + B):
            octets += await loop.run_in_executor(None, client.recv, 65536)
        assert octets == A + B
        assert segments_received(client) == -(-len(A + B) // 3)

    serve(loop_factory, talk, faults.Slice(name="s", size=3))


def test_fin(loop_factory: LoopFactory) -> None:
    async def talk(client: socket.socket, session: Session) -> None:
        assert await read_all(client) == (A, "")
        await session.ended

    serve(loop_factory, talk, faults.Fin(name="f", after=1))


def test_fin_although_the_peer_has_sent_what_nobody_has_read(loop_factory: LoopFactory) -> None:
    """To close with octets unread would be a reset."""

    async def talk(client: socket.socket, session: Session) -> None:
        client.sendall(bytes(100_000))
        session.write(B)
        assert await read_all(client) == (A, "")

    serve(loop_factory, talk, faults.Fin(name="f", after=1), says=A)


def test_reset_reaches_the_peer_as_such(loop_factory: LoopFactory) -> None:
    async def talk(client: socket.socket, session: Session) -> None:
        assert await read_all(client) == (A, "ConnectionResetError")
        await session.ended

    serve(loop_factory, talk, faults.Reset(name="r", after=1))


def test_reset_inside_a_pdu(loop_factory: LoopFactory) -> None:
    async def talk(client: socket.socket, session: Session) -> None:
        assert await read_all(client) == (A + B[:11], "ConnectionResetError")

    serve(loop_factory, talk, faults.ResetInsidePdu(name="r", after=1))


def test_a_peer_that_does_not_read_is_reset_all_the_same(loop_factory: LoopFactory) -> None:
    async def talk(client: socket.socket, session: Session) -> None:
        session.write(B)
        await session.ended
        octets, end = await read_all(client)
        assert end == "ConnectionResetError"
        assert len(octets) < len(much)

    much = pdu(5, 1, bytes(30_000_000))
    serve(loop_factory, talk, faults.Reset(name="r", after=1), says=much)


def test_stop_reading_fills_the_buffers_of_the_peer(loop_factory: LoopFactory) -> None:
    async def talk(client: socket.socket, session: Session) -> None:
        client.setblocking(False)
        submit = pdu(4, 1, bytes(50_000))
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_WRITE)
            sent = 0
            while selector.select(0.2):
                sent += client.send(submit)
                await asyncio.sleep(0)
                assert sent < 100_000_000
        assert len(session.received) == 0

    serve(loop_factory, talk, faults.StopReading(name="s"), says=A)


def test_the_layer_comes_and_goes_on_a_connection_that_stands(loop_factory: LoopFactory) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        sessions: list[Session] = []
        book = FaultBook(waits=Waits(loop.time, lambda: None), connections=lambda: sessions)

        def connection() -> asyncio.Protocol:
            sessions.append(Session())
            return book.wrap(sessions[-1])

        server = await loop.create_server(connection, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        async with asyncio.timeout(PATIENCE):
            await until(lambda: bool(sessions and sessions[0].name))
            book.replace([faults.Duplicate(name="d"), faults.Duplicate(name="in", direction="in")])
            assert book.layers == 1
            sessions[0].write(B)
            assert await reader.readexactly(2 * len(B)) == B + B
            writer.write(A)
            await until(lambda: len(sessions[0].received) >= 2 * len(A))
            book.replace([])
            await until(lambda: not book.layers)
            sessions[0].write(A)
            assert await reader.readexactly(len(A)) == A
            writer.write(B)
            await until(lambda: sessions[0].received.endswith(B))
            writer.close()
            await sessions[0].ended
        assert sessions[0].received == A + A + B
        await writer.wait_closed()
        server.close()
        await server.wait_closed()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(run())


def test_the_peers_end_comes_after_what_is_delayed(loop_factory: LoopFactory) -> None:
    async def talk(client: socket.socket, session: Session) -> None:
        client.sendall(B)
        client.shutdown(socket.SHUT_WR)
        assert await read_all(client) == (A, "")
        await session.ended
        assert (session.received, session.eof) == (B, True)

    slow = faults.Latency(name="l", delay=Fixed(value=0.05), direction="in")
    serve(loop_factory, talk, slow, faults.Drip(name="d", interval=0.005), says=A)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server with a certificate of its own, and of a client that does not look at it."""
    folder: Path = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-days", "2"]
    try:
        subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no openssl to make a certificate with")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    return server, client


Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


def test_slices_over_tls(loop_factory: LoopFactory, tls: Contexts) -> None:
    async def talk(client: socket.socket, session: Session) -> None:
        loop = asyncio.get_running_loop()
        pieces: list[bytes] = []
        while sum(map(len, pieces)) < len(A + B):
            pieces.append(await loop.run_in_executor(None, client.recv, 65536))
        assert b"".join(pieces) == A + B
        assert max(map(len, pieces)) == 4, "each is a record of its own"

    serve(loop_factory, talk, faults.Slice(name="s", size=4), tls=tls)


def test_fin_over_tls(loop_factory: LoopFactory, tls: Contexts) -> None:
    async def talk(client: socket.socket, session: Session) -> None:
        assert await read_all(client) == (A, "")
        await session.ended

    serve(loop_factory, talk, faults.Fin(name="f", after=1), tls=tls)


def test_reset_over_tls(loop_factory: LoopFactory, tls: Contexts) -> None:
    """It is the connection beneath that is reset."""

    async def talk(client: socket.socket, session: Session) -> None:
        loop = asyncio.get_running_loop()
        assert await loop.run_in_executor(None, client.recv, len(A)) == A
        with socket.socket(fileno=os.dup(client.fileno())) as beneath:
            assert await read_all(beneath) == (b"", "ConnectionResetError")
        await session.ended

    serve(loop_factory, talk, faults.Reset(name="r", after=1), tls=tls)


def test_without_a_socket_there_is_nothing_to_prepare() -> None:
    reset_when_closed(asyncio.BaseTransport())
    closed = socket.socket()
    closed.close()
    reset_when_closed(asyncio.BaseTransport({"socket": closed}))
