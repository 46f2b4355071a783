import re
import time

import pytest

from smppd.regexes import MAX_REGEX_LENGTH, MAX_SEARCHED, compile_regex, search


@pytest.mark.parametrize(
    "pattern",
    [
        r"code (?P<code>\d+)",
        r"(\w+)\s+(\d+)",
        r".*a.*b",
        r"^.*a.*b.*c",
        r"(a|b)+",
        r"(?:a+)?x",
        r"\d{4,6} .* \d{3}",
        r"(a+)++",
        r"(?>a*)b",
        r"(?P<x>a)(?P=x)",
        r"(?=a+)b",
        r"(a)?(?(1)b|c)",
        r"(?:\d+ )+",
        r"[^;]*;[^;]*;[^;]*;[^;]*;",
        r"a{3}b{2,}",
        "",
    ],
)
def test_what_people_write_is_accepted(pattern: str) -> None:
    assert compile_regex(pattern).pattern == pattern


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "missing ), unterminated subpattern at character 1"),
        ("a[z-a]", "bad character range z-a at character 3"),
        ("a**", "multiple repeat at character 3"),
        ("(?P<1>a)", "bad character in group name '1' at character 5"),
        ("a{99999999999999999999}", "the repetition number is too large"),
        ("x" * (MAX_REGEX_LENGTH + 1), "it is longer than 1024 characters"),
        ("(" * 500 + ")" * 500, "it is nested too deeply"),
        ("(a+)+b", "is itself repeated"),
        ("(a|a)*b", "is itself repeated"),
        ("(foo|bar)*", "is itself repeated"),
        (r"(\d ?)+", "is itself repeated"),
        ("(x+x+)+y", "is itself repeated"),
        (r"(?:\w+\s?)*$", "is itself repeated"),
        ("(?:(?=a+)a)+", "is itself repeated"),
        ("(?i)(?:a+A)+x", "is itself repeated"),
        (".*.*=.*", "share out a long text in too many ways"),
        ("a*a*a*b", "share out a long text in too many ways"),
        ("(.*)(.*)(.*)x", "share out a long text in too many ways"),
        ("^.*.*.*.*x", "share out a long text in too many ways"),
    ],
)
def test_what_is_wrong_or_could_hang_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        compile_regex(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (".*a.*b", "a" * 65_536),
        ("a*a*b", "a" * 65_536),
        (r"(\w+?)(\w+?)!", "a" * 65_536),
        ("[ab]*[ab]*c", "ab" * 32_768),
        ("^a*a*a*b", "a" * 65_536),
        (r"(?:\d+ )+x", "1 " * 32_768),
        (r"(\w+)\s+(\d+)x", "a 1" * 20_000),
    ],
)
def test_no_accepted_expression_takes_long(pattern: str, text: str) -> None:
    """The limit is a multiple of what any of them takes; without the guard the first one needs days."""
    compiled = compile_regex(pattern)
    begin = time.process_time()
    assert search(compiled, text) is None
    assert time.process_time() - begin < 2


def test_only_the_beginning_is_searched() -> None:
    pattern = compile_regex("x")
    assert search(pattern, "a" * (MAX_SEARCHED - 1) + "x") is not None
    assert search(pattern, "a" * MAX_SEARCHED + "x") is None
