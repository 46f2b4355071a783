"""The format of a snapshot: one line of JSON that says what it is, then slices of rows, all of it in gzip.

A slice is four octets of length (big endian) and that many octets of MessagePack: an array of the name of a section and
of its rows. The last slice is of the section `end` and says how many there were before it. The checksum is that of
gzip. Nothing in it is ever executed: it is numbers, octets and texts, read strictly by the types of their sections.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMAT: Final = "smppd-snapshot"
VERSION: Final = 1

MAX_HEADER: Final = 4096
"""Octets of the first line."""

MAX_SLICE: Final = 64 * 1024 * 1024
"""Octets of one slice. Most have some kilobytes; the settings, with lists of a million members, some megabytes."""

MAX_UNPACKED: Final = 16 * 1024 * 1024 * 1024
"""Octets of a snapshot when it is unpacked: ten times what a million messages and their PDUs take."""

STEP: Final = 256 * 1024
"""Octets that are unpacked at once: about half a millisecond."""

GZIP: Final = 31
"""What zlib calls a stream of gzip with the largest window."""

LEVEL: Final = 1
"""Of compression: the rows of messages are so much alike that more gains little and takes three times as long."""

_LENGTH: Final = 4


class SnapshotError(ValueError):
    """A snapshot that cannot be read; the text says what is wrong with it."""


class Header(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line."""

    format: str
    version: int
    smppd: str
    """The version of the server that wrote it."""
    created: str
    """When, in the time of the machine."""


class _Beginning(Struct, frozen=True):
    """What every version of the first line says."""

    format: str
    version: int
    smppd: str = "another version"


class Packer:
    """Makes the octets of a snapshot. Compressing is up to whoever takes them: it is work for a thread."""

    def __init__(self, header: Header) -> None:
        """Begin with the first line."""
        self._encoder = msgspec.msgpack.Encoder()
        self._pieces: list[bytes] = [msgspec.json.encode(header) + b"\n"]
        self.octets = len(self._pieces[0])
        """Octets that wait to be taken."""
        self.slices = 0

    def add(self, section: str, rows: list[Any]) -> None:
        """Add one slice, or several where one would be too long."""
        octets = self._encoder.encode((section, rows))
        if len(octets) > MAX_SLICE:
            if len(rows) > 1:
                half = len(rows) // 2
                self.add(section, rows[:half])
                self.add(section, rows[half:])
                return
            raise SnapshotError(f"{section} take {len(octets)} octets at once; a snapshot has room for {MAX_SLICE}")
        self._pieces += (len(octets).to_bytes(_LENGTH, "big"), octets)
        self.octets += _LENGTH + len(octets)
        self.slices += 1

    def end(self) -> None:
        """That was all."""
        self.add("end", [self.slices])

    def take(self) -> list[bytes]:
        """What has been added since the last time."""
        pieces, self._pieces = self._pieces, []
        self.octets = 0
        return pieces


class Unpacker:
    """Reads a snapshot piece by piece, whatever the pieces are."""

    def __init__(self) -> None:
        """Begin."""
        self.header: Header | None = None
        self._gzip = zlib.decompressobj(GZIP)
        self._held = bytearray()
        self._unpacked = 0
        self._slices = 0
        self._is_over = False

    def feed(self, octets: bytes) -> Iterator[tuple[str, msgspec.Raw] | None]:
        """The slices that these octets complete: section and rows; None now and then, for others to have a turn.

        Raises SnapshotError.
        """
        waiting = octets
        while waiting:
            if self._gzip.eof:
                raise SnapshotError("something follows behind its end")
            try:
                self._held += self._gzip.decompress(waiting, STEP)
            except zlib.error as error:
                what = "it is damaged" if self.header else "it is no snapshot: these octets are not gzip"
                raise SnapshotError(f"{what} ({error})") from None
            waiting = self._gzip.unconsumed_tail or self._gzip.unused_data
            yield from self._slices_held()
            yield None

    def finish(self) -> None:
        """All octets have been fed. Raises SnapshotError when that was not the whole snapshot."""
        if not (self._gzip.eof and self._is_over) or self._held:
            raise SnapshotError("it is cut off" if self.header else "it is no snapshot")

    def _slices_held(self) -> Iterator[tuple[str, msgspec.Raw]]:
        held = self._held
        start = 0
        if self.header is None:
            end = held.find(b"\n", 0, MAX_HEADER)
            if end < 0:
                if len(held) >= MAX_HEADER:
                    raise SnapshotError("it is no snapshot: it has no first line")
                return
            self.header = _header_of(bytes(held[:end]))
            start = end + 1
        while len(held) - start >= _LENGTH:
            length = int.from_bytes(held[start : start + _LENGTH], "big")
            if length > MAX_SLICE:
                raise SnapshotError(f"a slice of {length} octets; at most {MAX_SLICE} are taken")
            end = start + _LENGTH + length
            if end > len(held):
                break
            yield from self._slice(bytes(held[start + _LENGTH : end]))
            start = end
        self._unpacked += start
        if self._unpacked > MAX_UNPACKED:
            raise SnapshotError(f"unpacked, it is longer than {MAX_UNPACKED} octets")
        del held[:start]

    def _slice(self, octets: bytes) -> Iterator[tuple[str, msgspec.Raw]]:
        if self._is_over:
            raise SnapshotError("a slice follows behind its end")
        try:
            section, rows = msgspec.msgpack.decode(octets, type=tuple[str, msgspec.Raw])
            if section == "end":
                if msgspec.msgpack.decode(rows, type=list[int]) != [self._slices]:
                    raise SnapshotError(f"it has {self._slices} slices, and says something else")
                self._is_over = True
                return
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise SnapshotError(f"slice {self._slices} cannot be read: {error}") from None
        self._slices += 1
        yield section, rows


def _header_of(line: bytes) -> Header:
    try:
        beginning = msgspec.json.decode(line, type=_Beginning)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise SnapshotError("it is no snapshot: its first line is not that of one") from None
    if beginning.format != FORMAT:
        raise SnapshotError(f"it is no snapshot but {beginning.format[:80]!r}")
    if beginning.version != VERSION:
        raise SnapshotError(
            f"it is of version {beginning.version}, written by smppd {beginning.smppd[:80]}; "
            f"this server reads version {VERSION}"
        )
    try:
        return msgspec.json.decode(line, type=Header)
    except msgspec.MsgspecError as error:
        raise SnapshotError(f"its first line says what this server does not know: {error}") from None


def rows_of(section: str, raw: msgspec.Raw, kind: Any) -> list[Any]:
    """The rows of a slice, as their section has them. Raises SnapshotError."""
    try:
        rows: list[Any] = msgspec.msgpack.decode(raw, type=list[kind])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SnapshotError(f"{section} cannot be read: {error}") from None
    return rows
