"""The one thing that asyncio's transports cannot do: end a connection with RST."""

from __future__ import annotations

import os
import socket
from struct import Struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio

_LINGER: Final = Struct("ii")
_AT_ONCE: Final = _LINGER.pack(1, 0)


def reset_when_closed(transport: asyncio.BaseTransport) -> None:
    """Have the connection end with RST as soon as its transport is closed: SO_LINGER with a time of 0.

    The option belongs to the connection beneath, whatever lies on it (TLS). It is set through a duplicate of the
    descriptor, because not every event loop lends its sockets out. Nothing happens when there is no socket (any more).
    """
    borrowed = transport.get_extra_info("socket")
    descriptor = -1 if borrowed is None else borrowed.fileno()
    if descriptor < 0:
        return
    with socket.socket(fileno=os.dup(descriptor)) as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
