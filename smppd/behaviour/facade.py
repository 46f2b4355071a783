"""The transport that a session sees while faults may concern its connection: everything it asks goes to the layer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from smppd.behaviour.layer import FaultLayer


class Facade(asyncio.Transport):
    """The transport that a session sees."""

    def __init__(self, layer: FaultLayer) -> None:
        super().__init__()
        self._layer = layer

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send octets."""
        self._layer.write(data if type(data) is bytes else bytes(data))

    def write_eof(self) -> None:
        """End our direction."""
        self._layer.write_eof()

    def can_write_eof(self) -> bool:
        """Whether one direction can end without the other."""
        real = self._layer.real
        return real is not None and real.can_write_eof()

    def close(self) -> None:
        """Close once everything has left."""
        self._layer.close()

    def abort(self) -> None:
        """Close at once."""
        self._layer.abort()

    def is_closing(self) -> bool:
        """Whether the connection is about to end."""
        return self._layer.closing

    def is_reading(self) -> bool:
        """Whether octets are received."""
        return self._layer.reads

    def pause_reading(self) -> None:
        """Receive nothing for the time being."""
        self._layer.pause_reading()

    def resume_reading(self) -> None:
        """Receive again."""
        self._layer.resume_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Limit what may wait beneath the layer."""
        if self._layer.real is not None:
            self._layer.real.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        """Octets that wait in the layer and beneath."""
        real = self._layer.real
        return self._layer.held_out + (0 if real is None else real.get_write_buffer_size())

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """The limits beneath."""
        real = self._layer.real
        return (0, 0) if real is None else real.get_write_buffer_limits()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known of the connection."""
        real = self._layer.real
        return default if real is None else real.get_extra_info(name, default)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The session."""
        return cast("asyncio.BaseProtocol", self._layer.connection)
