"""The octets of a snapshot: read in whatever pieces they come, and refused when they are not what they say."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import msgspec
import pytest

from smppd.control.snapshot import format as snapshot_format
from smppd.control.snapshot.format import FORMAT, GZIP, VERSION, Header, Packer, SnapshotError, Unpacker, rows_of

HEADER = Header(format=FORMAT, version=VERSION, smppd="1", created="now")


def packed(*slices: tuple[str, list[Any]], end: bool = True) -> bytes:
    packer = Packer(HEADER)
    for each in slices:
        packer.add(*each)
    if end:
        packer.end()
    return gzip.compress(b"".join(packer.take()))


def unpacked(octets: bytes, size: int = 1 << 20) -> list[tuple[str, Any]]:
    unpacker = Unpacker()
    found = []
    for start in range(0, len(octets), size):
        found += [each for each in unpacker.feed(octets[start : start + size]) if each is not None]
    unpacker.finish()
    assert unpacker.header == HEADER
    return [(section, msgspec.msgpack.decode(raw)) for section, raw in found]


SLICES: list[tuple[str, list[Any]]] = [("a", [1, b"\0\xff", 1.5]), ("b", []), ("a", [None, ["x"]])]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_pieces_of_any_size(size: int) -> None:
    assert unpacked(packed(*SLICES), size) == SLICES


def test_the_first_line_is_for_people() -> None:
    line = gzip.decompress(packed()).split(b"\n")[0]
    assert msgspec.json.decode(line)["format"] == "smppd-snapshot"


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_cut_off(cut: int) -> None:
    with pytest.raises(SnapshotError, match=r"cut off|no snapshot"):
        unpacked(packed(*SLICES)[:-cut])


def test_cut_off_and_closed_again() -> None:
    with pytest.raises(SnapshotError, match="cut off"):
        unpacked(packed(*SLICES, end=False))


def test_every_flipped_bit_is_found() -> None:
    octets = packed(*SLICES)
    for place in range(10, len(octets)):
        broken = bytearray(octets)
        broken[place] ^= 0x10
        try:
            assert unpacked(bytes(broken)) == SLICES, "a bit that says nothing, at the end of the compressed octets"
        except SnapshotError:
            continue


@pytest.mark.parametrize(
    ("plain", "reason"),
    [
        (b"", "no snapshot"),
        (b"hello\n", "its first line is not that of one"),
        (b"[]\n", "its first line is not that of one"),
        (b'{"format": "zip", "version": 1}\n', "it is no snapshot but 'zip'"),
        (b'{"format": "smppd-snapshot", "version": 7, "smppd": "4.2"}\n', "version 7, written by smppd 4.2"),
        (b'{"format": "smppd-snapshot", "version": 1}\n', "does not know"),
        (b"x" * 5000, "no first line"),
    ],
)
def test_something_else(plain: bytes, reason: str) -> None:
    with pytest.raises(SnapshotError, match=reason):
        unpacked(gzip.compress(plain))


def test_not_even_gzip() -> None:
    with pytest.raises(SnapshotError, match="not gzip"):
        unpacked(b"PK\3\4" + bytes(100))


def framed(octets: bytes) -> bytes:
    return len(octets).to_bytes(4, "big") + octets


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ((1 << 31).to_bytes(4, "big"), "a slice of 2147483648 octets"),
        (framed(b"\xc1"), "slice 0 cannot be read"),
        (framed(msgspec.msgpack.encode(["end", [3]])), "has 0 slices, and says something else"),
        (framed(msgspec.msgpack.encode(["end", ["x"]])), "slice 0 cannot be read"),
        (framed(msgspec.msgpack.encode(["end", [0]])) + framed(b"x"), "follows behind its end"),
        (framed(msgspec.msgpack.encode(["end", [0]])) + b"x", "cut off"),
    ],
)
def test_slices_that_are_none(rest: bytes, reason: str) -> None:
    with pytest.raises(SnapshotError, match=reason):
        unpacked(gzip.compress(msgspec.json.encode(HEADER) + b"\n" + rest))


def test_something_behind_the_end() -> None:
    with pytest.raises(SnapshotError, match="follows behind its end"):
        unpacked(packed() + b"more")


def test_a_bomb_is_not_unpacked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gigabyte of nothing fits into a megabyte: it is read in steps, and given up at the limit."""
    monkeypatch.setattr(snapshot_format, "MAX_UNPACKED", 4_000_000)
    maker = zlib.compressobj(9, zlib.DEFLATED, GZIP)
    nothing = framed(msgspec.msgpack.encode(["a", [bytes(1_000_000)]]))
    bomb = maker.compress(msgspec.json.encode(HEADER) + b"\n") + b"".join(maker.compress(nothing) for _ in range(20))
    unpacker = Unpacker()
    seen: list[object] = []
    with pytest.raises(SnapshotError, match="longer than 4000000"):
        seen.extend(each for each in unpacker.feed(bomb + maker.flush()) if each is not None)
    assert len(seen) <= 5


def test_rows_by_their_type() -> None:
    assert rows_of("a", msgspec.Raw(msgspec.msgpack.encode([1])), int) == [1]
    with pytest.raises(SnapshotError, match="a cannot be read"):
        rows_of("a", msgspec.Raw(msgspec.msgpack.encode(["x"])), int)


def test_a_slice_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_format, "MAX_SLICE", 10)
    with pytest.raises(SnapshotError, match="has room for 10"):
        Packer(HEADER).add("a", ["x" * 20])


def test_what_is_too_long_for_one_slice_takes_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_format, "MAX_SLICE", 300)
    rows = [bytes(100)] * 7
    found = unpacked(packed(("a", rows)))
    assert [section for section, _ in found] == ["a"] * 4
    assert [row for _, some in found for row in some] == rows
    with pytest.raises(SnapshotError, match="a take"):
        packed(("a", [bytes(400)]))
