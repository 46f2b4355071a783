"""Regular expressions of rules: compiled, and kept from hanging the server.

Python's engine backtracks, and a text is up to 64 kB of whatever an ESME wrote. Two things keep a search short. Only
the first MAX_SEARCHED characters of a text are searched. And an expression is refused when what it may repeat nests or
adds up: the parse tree is walked, and the ways in which its repetitions can share out MAX_SEARCHED characters among
them may not exceed MAX_WAYS. What never gives back what it took (``a++``, ``(?>...)``) counts once, and so does a
repetition of one character that is followed by a character of another kind (``\\w+ ``): giving back is of no use there.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, Final

MAX_REGEX_LENGTH: Final = 1_024
"""Characters of an expression."""

MAX_SEARCHED: Final = 500
"""Characters of a text that are searched: the text of three concatenated messages."""

MAX_WAYS: Final = 200_000_000
"""Bound on the product of what the repetitions of an expression may take, and of where a match may begin. It lets two
repetitions without end pass in an expression that is not anchored, and three in one that is. The most expensive text
that was found for such an expression takes a fifth of a second (``(\\w+?)(\\w+?)!`` on 500 letters)."""

_PARSER: Any = re._parser  # type: ignore[attr-defined]  # noqa: SLF001 - there is no other way to read an expression
_PROBES: Final = frozenset(map(chr, (*range(0x250), 0x3B1, 0x416, 0x661, 0x2003, 0x20AC, 0x4E2D, 0x1F600)))
"""Characters by which it is judged whether two kinds of characters have something in common: Latin, and one each of
Greek, Cyrillic, a digit, a space, a symbol, Han and emoji."""

_CATEGORIES: Final = {
    name: frozenset(probe for probe in _PROBES if re.match(escape, probe))
    for name, escape in (
        ("CATEGORY_DIGIT", r"\d"),
        ("CATEGORY_NOT_DIGIT", r"\D"),
        ("CATEGORY_SPACE", r"\s"),
        ("CATEGORY_NOT_SPACE", r"\S"),
        ("CATEGORY_WORD", r"\w"),
        ("CATEGORY_NOT_WORD", r"\W"),
    )
}
_REPEATS: Final = ("MAX_REPEAT", "MIN_REPEAT")
_BEGINNINGS: Final = ("AT_BEGINNING", "AT_BEGINNING_STRING")


def compile_regex(pattern: str) -> re.Pattern[str]:
    """Compile an expression; raises ValueError, saying where and why, for one that is wrong or could take very long."""
    if len(pattern) > MAX_REGEX_LENGTH:
        raise ValueError(f"it is longer than {MAX_REGEX_LENGTH} characters")
    try:
        compiled = re.compile(pattern)
        tree = _PARSER.parse(pattern)
    except (re.error, OverflowError) as error:
        raise ValueError(_explained(error)) from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    start = 1 if _is_anchored(tree) else MAX_SEARCHED
    if start * _ways(tree) > MAX_WAYS:
        raise ValueError(
            "its repetitions can share out a long text in too many ways; "
            'bound them, as in "{1,8}", or let them give nothing back, as in "++"'
        )
    return compiled


def search(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The first match of an expression in the beginning of a text."""
    return pattern.search(text, 0, MAX_SEARCHED)


def _explained(error: Exception) -> str:
    """What is wrong, with its place counted from 1."""
    message, position = getattr(error, "msg", str(error)), getattr(error, "pos", None)
    return message if position is None else f"{message} at character {position + 1}"


def _is_anchored(tree: Any) -> bool:
    """Whether a match can only begin where the text does."""
    return len(tree) > 0 and str(tree[0][0]) == "AT" and str(tree[0][1]) in _BEGINNINGS


def _flat(tree: Any) -> list[tuple[str, Any]]:
    """The pieces of a sequence in their order, what stands in groups included."""
    pieces: list[tuple[str, Any]] = []
    for operation, argument in tree:
        name = str(operation)
        pieces += _flat(argument[-1]) if name == "SUBPATTERN" else [(name, argument)]
    return pieces


def _ways(tree: Any) -> int:
    """In how many ways the repetitions of an expression can share out a text; raises ValueError for nested ones."""
    ways = 1
    for piece, following in pairwise([*_flat(tree), None]):
        assert piece is not None, "only the last one is followed by nothing"  # noqa: S101
        # Where there is only one way so far, what gives nothing back is walked once; after others, once for each.
        once = ways == 1 and following is not None and _gives_nothing_back(piece, following)
        ways *= 1 if once else _ways_of(*piece)
    return ways


def _ways_of(name: str, argument: Any) -> int:
    """The ways of one piece."""
    if name in _REPEATS:
        return _ways_of_repeat(*argument)
    if name == "BRANCH":
        return sum(_ways(branch) for branch in argument[1])
    if name in ("ASSERT", "ASSERT_NOT"):
        return _ways(argument[1])
    if name == "GROUPREF_EXISTS":
        return sum(_ways(branch) for branch in argument[1:] if branch is not None)
    if name == "ATOMIC_GROUP":
        return _ways(argument)
    if name == "POSSESSIVE_REPEAT":
        return _ways(argument[2])
    return 1


def _ways_of_repeat(least: int, most: int, body: Any) -> int:
    inner = _ways(body)
    if inner > 1 and most > 1:
        raise ValueError(
            "a repetition or a choice is itself repeated, which can take for ever on a long text; "
            'let the outer one give nothing back, as in "(...)++"'
        )
    return inner * (min(int(most), MAX_SEARCHED) - min(int(least), MAX_SEARCHED) + 1)


def _gives_nothing_back(piece: tuple[str, Any], following: tuple[str, Any]) -> bool:
    """Whether a piece repeats one kind of character and what must follow is of another kind."""
    if piece[0] not in _REPEATS:
        return False
    repeated = _characters(_flat(piece[1][2]))
    if following[0] in _REPEATS:
        least, _, body = following[1]
        after = _characters(_flat(body)) if least else None
    else:
        after = _characters([following])
    return repeated is not None and after is not None and not _folded(repeated) & _folded(after)


def _folded(characters: frozenset[str]) -> frozenset[str]:
    """Without letter case, which an expression may ask to be ignored."""
    return frozenset(character.casefold() for character in characters)


def _characters(pieces: list[tuple[str, Any]]) -> frozenset[str] | None:
    """The characters that a single piece accepts, as far as they are probed; None for anything else."""
    if len(pieces) != 1:
        return None
    name, argument = pieces[0]
    if name == "LITERAL":
        return frozenset(chr(argument))
    if name == "NOT_LITERAL":
        return _PROBES - {chr(argument)}
    if name != "IN":
        return None
    found: frozenset[str] = frozenset()
    for kind, value in argument:
        found |= _members(str(kind), value)
    return _PROBES - found if str(argument[0][0]) == "NEGATE" else found


def _members(kind: str, value: Any) -> frozenset[str]:
    """The characters that one entry of a class stands for."""
    if kind == "CATEGORY":
        return _CATEGORIES[str(value)]
    if kind == "RANGE":
        low, high = value
        return frozenset(probe for probe in _PROBES if low <= ord(probe) <= high)
    return frozenset(chr(value)) if kind == "LITERAL" else frozenset()
