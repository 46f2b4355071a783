"""Opening listeners, and saying who has the port when somebody else has."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING, Final

from smppd.errors import UserError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

PROC: Final = Path("/proc")
LISTENING: Final = "0A"
"""The state of a listening socket in /proc/net/tcp."""


def split_address(address: str) -> tuple[str, int]:
    """The host and port of `HOST:PORT`; an IPv6 host stands in brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def join_address(host: str, port: int) -> str:
    """`HOST:PORT`, with brackets around an IPv6 host."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def listen(
    loop: asyncio.AbstractEventLoop, connection: Callable[[], asyncio.Protocol], address: str, *, backlog: int
) -> asyncio.Server:
    """Open one listener that makes a `connection` for each peer; `backlog` of them may wait to be accepted.

    Raises UserError when the address cannot be used.
    """
    host, port = split_address(address)
    try:
        return await loop.create_server(connection, host, port, backlog=backlog, reuse_address=True)
    except OSError as error:
        raise UserError(explain_failure(address, error)) from error


def explain_failure(address: str, error: OSError) -> str:
    """Why a listener could not be opened, in words that help."""
    _, port = split_address(address)
    if error.errno == errno.EADDRINUSE:
        return (
            f"cannot listen on {address}: the port is taken by {who_listens(port)}. "
            "Stop it, or choose another address with --smpp or --http"
        )
    if error.errno == errno.EACCES:
        return f"cannot listen on {address}: ports below 1024 need more rights than this process has"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"cannot listen on {address}: this machine has no such address"
    return f"cannot listen on {address}: {error.strerror or error}"


def who_listens(port: int, proc: Path = PROC) -> str:
    """The process that listens on a TCP port, as far as this user may see."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port, proc)}
    for process in proc.glob("[0-9]*") if sockets else ():
        try:
            if any(_target(link) in sockets for link in (process / "fd").iterdir()):
                name = (process / "comm").read_text().strip()
                return f"{name} (process {process.name})"
        except OSError:  # not ours to look into, or gone
            continue
    return "another process (another smppd, Kannel or simulator, perhaps)"


def _target(link: Path) -> str:
    """Where a link points; "" when it has gone meanwhile."""
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _listening_inodes(port: int, proc: Path) -> set[str]:
    inodes: set[str] = set()
    for table in ("net/tcp", "net/tcp6"):
        try:
            lines = (proc / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if columns[3] == LISTENING and int(columns[1].rpartition(":")[2], 16) == port:
                inodes.add(columns[9])
    return inodes
