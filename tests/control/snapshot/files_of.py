"""Snapshots taken apart and put together again, with whatever mistakes in them."""

from __future__ import annotations

import gzip
from typing import Any

import msgspec

Slices = list[tuple[str, list[Any]]]


def taken_apart(octets: bytes) -> tuple[dict[str, Any], Slices]:
    """The first line and the slices of a snapshot, without the last one."""
    plain = gzip.decompress(octets)
    line, _, rest = plain.partition(b"\n")
    slices = []
    while rest:
        length = int.from_bytes(rest[:4], "big")
        slices.append(tuple(msgspec.msgpack.decode(rest[4 : 4 + length])))
        rest = rest[4 + length :]
    assert slices.pop() == ("end", [len(slices)])
    return msgspec.json.decode(line), [(section, list(rows)) for section, rows in slices]


def put_together(header: dict[str, Any], slices: Slices, *, count: int | None = None) -> bytes:
    """A snapshot of these; `count` is what its end says, the truth by default."""
    pieces = [msgspec.json.encode(header) + b"\n"]
    for each in [*slices, ("end", [len(slices) if count is None else count])]:
        octets = msgspec.msgpack.encode(each)
        pieces += [len(octets).to_bytes(4, "big"), octets]
    return gzip.compress(b"".join(pieces), 1)
