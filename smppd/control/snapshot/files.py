"""The directory that snapshots are written to and read from: `[api] snapshots`."""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final

from msgspec import Meta, Struct

from smppd.control.failures import ConflictError, InvalidError, NotFoundError
from smppd.control.times import iso

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
"""A plain name: no way leads out of the directory, and what is hidden is not ours."""

PARTIAL: Final = ".partial"
"""How the name of a file ends that is not complete yet; it begins with a dot."""

PIECE: Final = 256 * 1024
"""Octets that are read at once, in a thread."""


class SnapshotFile(Struct, frozen=True, kw_only=True):
    """A file in the directory."""

    file: str
    octets: int
    modified_time: Annotated[str, Meta(description="When it was written.")]


class Directory:
    """One directory."""

    def __init__(self, path: Path) -> None:
        """Keep snapshots here; it need not exist."""
        self._path = path

    def check(self, file: str) -> None:
        """Raise InvalidError for what is no plain name."""
        if not NAME.fullmatch(file):
            expected = "expected a plain name: 1 to 100 letters, digits, dots, dashes or underscores"
            raise InvalidError([("file", f"{expected}, a letter, digit or underscore first")])

    @asynccontextmanager
    async def writing(self, file: str) -> AsyncIterator[BinaryIO]:
        """A file to write to, which gets its name when the context ends well. Raises OSError."""
        partial = self._path / f".{file}{PARTIAL}"
        target = await asyncio.to_thread(_create, partial)
        try:
            yield target
            await asyncio.to_thread(_complete, target, partial, self._path / file)
        finally:
            target.close()
            partial.unlink(missing_ok=True)

    @contextmanager
    def reading(self, file: str) -> Iterator[AsyncIterator[bytes]]:
        """The pieces of a file. Raises NotFoundError."""
        try:
            descriptor = os.open(self._path / file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            raise NotFoundError("snapshot", file) from None
        except OSError as error:
            raise ConflictError(f"the snapshot {file!r} cannot be read: {error.strerror}") from None
        with os.fdopen(descriptor, "rb") as source:
            yield pieces_of(source)

    def files(self) -> list[SnapshotFile]:
        """The complete files by name. A directory that is not there has none."""
        try:
            entries = sorted(os.scandir(self._path), key=lambda entry: entry.name)
        except OSError:
            return []
        return [
            SnapshotFile(file=entry.name, octets=entry.stat().st_size, modified_time=iso(entry.stat().st_mtime))
            for entry in entries
            if NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
        ]

    def delete(self, file: str) -> None:
        """Delete a file. Raises NotFoundError, and ConflictError when it cannot be deleted."""
        try:
            (self._path / file).unlink()
        except FileNotFoundError:
            raise NotFoundError("snapshot", file) from None
        except OSError as error:
            raise ConflictError(f"the snapshot {file!r} cannot be deleted: {error.strerror}") from None


def _create(partial: Path) -> BinaryIO:
    partial.parent.mkdir(parents=True, exist_ok=True)
    # It may hold what ESMEs have sent: for nobody else.
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    return os.fdopen(descriptor, "wb")  # whoever asked for it closes it


def _complete(target: BinaryIO, partial: Path, path: Path) -> None:
    """Have a file stand there whole, even if the machine stops a moment later."""
    target.flush()
    os.fsync(target.fileno())
    partial.replace(path)


async def pieces_of(source: BinaryIO) -> AsyncIterator[bytes]:
    """What an open file holds, read in a thread."""
    while piece := await asyncio.to_thread(source.read, PIECE):
        yield piece
