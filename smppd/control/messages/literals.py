"""What must stand in a value that a test accepts: pieces of text by which candidates are found quickly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from smppd.control.messages.columns import BREAK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smppd.settings.rules import Test

MOST: Final = 16
"""Pieces that are looked for, one after the other: with more, looking at the messages one by one is as quick."""

_PARSER: Any = re._parser  # type: ignore[attr-defined]  # noqa: SLF001 - there is no other way to read an expression


def pieces_of(test: Test) -> tuple[str, ...] | None:
    """Pieces of which at least one stands in every value that the test accepts; None when none are known.

    A BREAK before or behind a piece says that the value begins or ends there.
    """
    for pieces in _choices(test):
        if 0 < len(pieces) <= MOST and all(map(_is_of_use, pieces)):
            return tuple(pieces)
    return None


def _is_of_use(piece: str) -> bool:
    inner = piece.strip(BREAK)
    return bool(inner) and BREAK not in inner


def _choices(test: Test) -> Iterable[list[str]]:
    """By each condition of a test the pieces that it asks for, the most telling ones first."""
    if test.equals is not None:
        yield [f"{BREAK}{value}{BREAK}" for value in _listed(test.equals) if isinstance(value, str)]
    if test.prefix is not None:
        yield [BREAK + value for value in _listed(test.prefix)]
    if test.glob is not None:
        yield [piece_of_glob(pattern) for pattern in _listed(test.glob)]
    if test.regex is not None:
        yield [piece_of_regex(test.regex)]


def _listed(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]


def piece_of_glob(pattern: str) -> str:
    """The longest piece of a glob without wildcards in it; "" when there is none."""
    framed = f"{BREAK}{pattern}{BREAK}"
    return max(re.split(r"[*?]|\[!?\]?[^\]]*\]", framed), key=_length)


def piece_of_regex(expression: str) -> str:
    """The longest piece of text that a regular expression asks for wherever it matches; "" when there is none."""
    if re.compile(expression).flags & re.IGNORECASE:
        return ""
    return max(_runs(_PARSER.parse(expression)), key=len)


def _runs(tree: Any) -> list[str]:
    """The runs of literal characters of a sequence, what stands in groups included."""
    runs = [""]
    for operation, argument in tree:
        name = str(operation)
        if name == "LITERAL":
            runs[-1] += chr(argument)
        elif name == "SUBPATTERN" and not (argument[1] or argument[2]):
            first, *others = _runs(argument[-1])
            runs[-1] += first
            runs += others
        else:
            runs.append("")
    return runs


def _length(piece: str) -> int:
    """How much a piece says: breaks alone say nothing."""
    return len(piece.strip(BREAK)) and len(piece)
