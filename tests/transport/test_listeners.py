"""Addresses, and what is said when one is taken."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from pathlib import Path

import pytest

from smppd.errors import UserError
from smppd.transport.listeners import explain_failure, join_address, listen, split_address, who_listens


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:2775", "127.0.0.1", 2775),
        ("[::1]:2775", "::1", 2775),
        ("localhost:0", "localhost", 0),
        ("[fe80::1%eth0]:1", "fe80::1%eth0", 1),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    assert split_address(text) == (host, port)
    assert join_address(host, port) == text


def test_listen_makes_a_connection_for_each_peer() -> None:
    class Greeter(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            transport.write(b"hello")
            transport.close()

    async def main() -> None:
        server = await listen(asyncio.get_running_loop(), Greeter, "127.0.0.1:0", backlog=7)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            assert await reader.read() == b"hello"
            writer.close()
            await writer.wait_closed()

    asyncio.run(main())


def test_a_taken_port_names_who_has_it() -> None:
    async def main(address: str) -> str:
        with pytest.raises(UserError) as caught:
            await listen(asyncio.get_running_loop(), asyncio.Protocol, address, backlog=1)
        return str(caught.value)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        text = asyncio.run(main(address))
        assert f"cannot listen on {address}: the port is taken by " in text
        assert f"(process {os.getpid()})" in text
        assert "--smpp" in text


def test_addresses_that_cannot_be_listened_on() -> None:
    async def main(address: str) -> str:
        with pytest.raises(UserError) as caught:
            await listen(asyncio.get_running_loop(), asyncio.Protocol, address, backlog=1)
        return str(caught.value)

    assert "no such address" in asyncio.run(main("192.0.2.1:0"))  # reserved for documentation: nobody has it
    assert "cannot listen on no.such.host.invalid:0: " in asyncio.run(main("no.such.host.invalid:0"))


def test_low_ports_and_the_rest() -> None:
    assert "ports below 1024" in explain_failure("127.0.0.1:80", PermissionError(errno.EACCES, "Permission denied"))
    assert explain_failure("a:1", OSError(errno.EIO, "disk on fire")) == "cannot listen on a:1: disk on fire"
    assert explain_failure("a:1", OSError("no number")) == "cannot listen on a:1: no number"


HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LINE = "   0: {address} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  1000        0 {inode} 1 0\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc in which process 42 listens on port 2775 of IPv6, and process 7 has a connection on that port."""
    (tmp_path / "net").mkdir()
    connected = LINE.format(address="0100007F:0AD7", state="01", inode=111)
    (tmp_path / "net" / "tcp").write_text(HEADER + connected)
    listening = LINE.format(address="0" * 31 + "1:0AD7", state="0A", inode=222)
    (tmp_path / "net" / "tcp6").write_text(HEADER + listening)
    for process, inode in (("7", 111), ("42", 222)):
        (tmp_path / process / "fd").mkdir(parents=True)
        (tmp_path / process / "fd" / "0").symlink_to("/dev/null")
        (tmp_path / process / "fd" / "3").symlink_to(f"socket:[{inode}]")
        (tmp_path / process / "comm").write_text(f"name{process}\n")
    return tmp_path


def test_who_listens(proc: Path) -> None:
    assert who_listens(2775, proc) == "name42 (process 42)"


def test_who_listens_where_nothing_is_known(proc: Path, tmp_path: Path) -> None:
    unknown = who_listens(2776, proc)
    assert unknown.startswith("another process")
    assert who_listens(2775, tmp_path / "nothing") == unknown
    (proc / "42" / "comm").unlink()  # it ends while we look
    assert who_listens(2775, proc) == unknown


def test_who_listens_overlooks_what_vanishes(proc: Path) -> None:
    (proc / "42" / "fd" / "1").write_text("not a link")
    assert who_listens(2775, proc) == "name42 (process 42)"
