"""The directory of snapshots: plain names, whole files, nobody else's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from smppd.control.failures import ConflictError, InvalidError, NotFoundError
from smppd.control.snapshot.files import Directory


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a\0b", "a b", "-x", "x" * 101, "..", "ä"])
def test_names_that_are_not_plain(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="plain name"):
        Directory(tmp_path).check(name)


async def _write(directory: Directory, name: str, octets: bytes, *, fails: bool = False) -> None:
    async with directory.writing(name) as target:
        target.write(octets)
        if fails:
            raise RuntimeError("power cut")


async def _read(directory: Directory, name: str) -> bytes:
    with directory.reading(name) as pieces:
        return b"".join([piece async for piece in pieces])


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    directory = Directory(tmp_path / "new" / "place")
    asyncio.run(_write(directory, "a.snapshot", b"one"))
    with pytest.raises(RuntimeError):
        asyncio.run(_write(directory, "a.snapshot", b"two", fails=True))
    assert asyncio.run(_read(directory, "a.snapshot")) == b"one"
    asyncio.run(_write(directory, "a.snapshot", b"three"))
    assert asyncio.run(_read(directory, "a.snapshot")) == b"three"
    assert [path.name for path in (tmp_path / "new" / "place").iterdir()] == ["a.snapshot"]
    assert (tmp_path / "new" / "place" / "a.snapshot").stat().st_mode & 0o077 == 0


def test_listing_and_deleting(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    assert Directory(tmp_path / "nowhere").files() == []
    (tmp_path / "b").write_bytes(b"12")
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / ".b.partial").write_bytes(b"1")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert [(each.file, each.octets) for each in directory.files()] == [("a", 1), ("b", 2)]
    directory.delete("a")
    with pytest.raises(NotFoundError):
        directory.delete("a")
    with pytest.raises(ConflictError):
        directory.delete("folder")


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    (tmp_path / "real").write_bytes(b"1")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(NotFoundError):
        asyncio.run(_read(directory, "nothing"))
    with pytest.raises(ConflictError, match="cannot be read"):
        asyncio.run(_read(directory, "link"))
