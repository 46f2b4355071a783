"""The rows of messages from subscribers: what is in them, and what cannot be."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from smppd.control.mo_saved import InjectionRow, SubscribersRow

ROW: list[Any] = [1, True, "447700900123", "12345", "Hello", 0.0, 1.0, "scheduled", 2.0, [0]]


def read(row: list[Any], kind: Any = InjectionRow) -> Any:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(row), type=kind)


def test_they_read_back() -> None:
    assert msgspec.structs.astuple(read(ROW)) == tuple(ROW)
    assert read([3, 1], SubscribersRow) == SubscribersRow(messages=3, references=1)


@pytest.mark.parametrize(
    ("place", "value"), [(0, -1), (2, "4" * 99), (4, 7), (7, "sent"), (9, []), (9, [0] * 256), (9, [-1])]
)
def test_what_cannot_be(place: int, value: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        read([*ROW[:place], value, *ROW[place + 1 :]])
