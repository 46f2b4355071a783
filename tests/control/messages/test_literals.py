"""What must stand in a value: no test accepts a value that has none of the pieces."""

from __future__ import annotations

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.control.messages.columns import BREAK
from smppd.control.messages.literals import MOST, piece_of_glob, piece_of_regex, pieces_of
from smppd.settings.rules import Pattern, Test


@pytest.mark.parametrize(
    ("test", "pieces"),
    [
        (Test(equals="abc"), ("\0abc\0",)),
        (Test(equals=["a", "b"]), ("\0a\0", "\0b\0")),
        (Test(prefix="abc"), ("\0abc",)),
        (Pattern(glob="336*"), ("\000336",)),
        (Pattern(glob="*36?12"), ("12\0",)),
        (Pattern(glob="336[1-5]99*7"), ("\000336",)),
        (Test(regex=r"code (?P<code>\d+)"), ("code ",)),
        (Test(regex=r"(your (zip)) is"), ("your zip is",)),
        (Test(regex=r"(?i)code"), None),
        (Test(regex=r"(?i:code) is"), (" is",)),
        (Test(regex=r"code|zip"), None),
        (Test(regex=r"(?!code)x"), ("x",)),
        (Test(regex=r"colou?r"), ("colo",)),
        (Test(regex=r"^\d{6}$"), None),
        (Pattern(glob="*"), None),
        (Test(equals=""), None),
        (Test(equals="a\0b"), None),
        (Test(equals=7), None),
        (Test(equals=[str(number) for number in range(MOST + 1)]), None),
        (Test(not_=Test(equals="x")), None),
        (Test(equals=["", "x"], prefix="x"), ("\0x",)),
    ],
)
def test_pieces(test: Test, pieces: tuple[str, ...] | None) -> None:
    assert pieces_of(test) == pieces


@given(st.text("ab*?[]!-", max_size=8), st.text("ab[]!-", max_size=8))
def test_what_a_glob_matches_has_its_piece(pattern: str, value: str) -> None:
    if re.match(fnmatch.translate(pattern), value):
        assert piece_of_glob(pattern) in BREAK + value + BREAK


@given(
    st.sampled_from([r"a(b)c", r"ab+c", r"(a|b)cab", r"a{2}b", r"a.c", r"[ab]ca", r"(?:ab)?cb", r"ab\b", r"(a)\1b"]),
    st.text("abc", max_size=9),
)
def test_what_an_expression_matches_has_its_piece(expression: str, value: str) -> None:
    if re.search(expression, value):
        assert piece_of_regex(expression) in value
