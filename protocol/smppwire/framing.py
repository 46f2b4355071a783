"""Octets to frames: where one PDU ends and the next begins (SMPP 3.4, 3.2).

TCP delivers PDUs split and joined at any octet. ``Framer.feed`` takes what arrived and answers a buffer and the frames
that are complete in it; nothing is copied when a chunk ends where a frame ends. The only thing looked at is the header.

When command_length cannot be right (below the 16 octets of a header, or above the maximum) there is no way to find the
next PDU: the frames before it are still answered, ``error`` is set, and whatever comes later is discarded. Answer a
generic_nack with ``error.command_status`` and ``error.sequence_number``, then close.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from smppwire.constants import HEADER_LENGTH, MAX_PDU_LENGTH
from smppwire.errors import FramingError

_HEADER: Final = Struct(">IIII")
_LENGTH_SIZE: Final = 4

Frame = tuple[int, int, int, int, int]
"""A FrameHeader as the plain tuple that ``feed`` answers: start, end, command_id, command_status, sequence_number."""


class FrameHeader(NamedTuple):
    """One frame in a buffer: offset of its header, exclusive end, and the header without command_length."""

    start: int
    end: int
    command_id: int
    command_status: int
    sequence_number: int


class Framer:
    """Cuts one direction of one connection into frames.

    ``max_pdu_length`` (octets, at least 16) is the largest command_length accepted; memory is bounded by it plus one
    chunk. ``error`` is None until the stream is lost.
    """

    __slots__ = ("_missing", "_pending", "error", "max_pdu_length")

    def __init__(self, max_pdu_length: int = MAX_PDU_LENGTH) -> None:
        if max_pdu_length < HEADER_LENGTH:
            raise ValueError(f"max_pdu_length: at least {HEADER_LENGTH} octets, not {max_pdu_length}")
        self.max_pdu_length = max_pdu_length
        self.error: FramingError | None = None
        self._pending = bytearray()  # the beginning of a frame whose end has not arrived
        self._missing = 0  # octets without which looking at it again is in vain

    @property
    def pending(self) -> int:
        """Octets held back: the beginning of a frame that is not complete."""
        return len(self._pending)

    @property
    def beginning(self) -> bytes:
        """The octets held back, for whoever goes on in our place."""
        return bytes(self._pending)

    def feed(self, data: bytes) -> tuple[bytes, list[Frame]]:
        """Take what arrived; answer a buffer and the complete frames in it, as plain tuples in FrameHeader order.

        Never raises for what a peer sent: look at ``error`` afterwards.
        """
        buffer = self.gather(data)
        return buffer, self.cut(buffer)

    def gather(self, data: bytes) -> bytes:
        """The first half of ``feed``: the octets to look at now, those held back and what arrived.

        Nothing, while what arrived completes nothing and where the stream is lost. What this gives is to be read up to
        a place where a frame begins, and the rest of it to be handed to ``cut``.
        """
        if self._pending:
            return self._gather_pending(data)
        if self.error is not None:
            return b""
        return data if type(data) is bytes else bytes(data)

    def _gather_pending(self, data: bytes) -> bytes:
        # Appending and joining once keeps a large PDU that arrives octet by octet linear.
        self._pending += data
        self._missing -= len(data)
        if self._missing > 0:
            return b""
        buffer = bytes(self._pending)
        self._pending.clear()
        return buffer

    def cut(self, buffer: bytes, start: int = 0) -> list[Frame]:
        """The second half of ``feed``: the frames from ``start`` on; the beginning of another one is held back."""
        frames: list[Frame] = []
        size = len(buffer)
        longest = self.max_pdu_length
        needed = _LENGTH_SIZE
        while size - start >= HEADER_LENGTH:
            length, command_id, command_status, sequence_number = _HEADER.unpack_from(buffer, start)
            end = start + length
            if length < HEADER_LENGTH or length > longest:
                self._lose(length, sequence_number)
                return frames
            if end > size:
                needed = length
                break
            frames.append((start, end, command_id, command_status, sequence_number))
            start = end
        if start != size:
            self._keep(buffer, start, needed)
        return frames

    def _keep(self, buffer: bytes, start: int, needed: int) -> None:
        """Hold back the beginning of a frame; its length alone may tell already that the stream is lost."""
        held = len(buffer) - start
        if _LENGTH_SIZE <= held < HEADER_LENGTH:
            length = int.from_bytes(buffer[start : start + _LENGTH_SIZE], "big")
            if not HEADER_LENGTH <= length <= self.max_pdu_length:
                self._lose(length, 0)
                return
            needed = HEADER_LENGTH
        self._pending += buffer[start:]
        self._missing = needed - held

    def _lose(self, length: int, sequence_number: int) -> None:
        rule = (
            f"command_length {length} is shorter than a header of {HEADER_LENGTH} octets"
            if length < HEADER_LENGTH
            else f"command_length {length} exceeds the maximum of {self.max_pdu_length} octets"
        )
        self.error = FramingError(rule, command_length=length, sequence_number=sequence_number)
