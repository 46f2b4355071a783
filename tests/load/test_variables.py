import re
from pathlib import Path
from random import Random

import pytest

from smppd.load.variables import BUILT_IN, CODE_LETTERS, NAMES, Message, capture, column, formatted, one_of
from smppwire.text import gsm7

ROOT = Path(__file__).parents[2]


def message(seed: int = 1) -> Message:
    made = Message(Random(seed))
    made.seconds, made.number, made.destination, made.source = 1_767_268_800, 42, b"447700900123", b"MyBank"
    return made


def draw(name: str, argument: str = "") -> str:
    return BUILT_IN[name](argument).draw(message())


@pytest.mark.parametrize(
    ("name", "argument", "pattern"),
    [
        ("code", "", r"\d{6}"),
        ("code", "15", r"\d{15}"),
        ("letters", "4", f"[{CODE_LETTERS}]{{4}}"),
        ("hex", "", "[0-9a-f]{8}"),
        ("number", "10-99", r"[1-9]\d"),
        ("number", "7-7", "7"),
        ("number", "0.50-20.00", r"\d{1,2}\.\d\d"),
        ("number", "1-1.125", r"1\.\d{3}"),
        ("choice", "red|green", "red|green"),
        ("choice", "|", ""),
        ("name", "", "|".join(NAMES)),
        ("n", "", "42"),
        ("n", "5", "00042"),
        ("date", "", "2026-01-01"),
        ("date", "%d.%m.%y", r"01\.01\.26"),
        ("time", "", "12:00"),
        ("time", "%H:%M:%S", "12:00:00"),
        ("to", "", "447700900123"),
        ("from", "", "MyBank"),
    ],
)
def test_values(name: str, argument: str, pattern: str) -> None:
    assert re.fullmatch(pattern, draw(name, argument))


@pytest.mark.parametrize(
    ("name", "argument", "reason"),
    [
        ("code", "0", "from 1 to 15"),
        ("code", "16", "from 1 to 15"),
        ("code", "x", "from 1 to 15"),
        ("letters", "161", "from 1 to 160"),
        ("number", "", "LOW-HIGH"),
        ("number", "9-1", "backwards"),
        ("number", "0-999999999999999.9", "digits"),
        ("choice", "", "expected values"),
        ("name", "x", "nothing"),
        ("to", "x", "nothing"),
        ("from", "x", "nothing"),
    ],
)
def test_arguments_that_are_not_accepted(name: str, argument: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        BUILT_IN[name](argument)


def test_numbers_reach_both_ends_and_never_leave_them() -> None:
    made, variable = message(), BUILT_IN["number"]("8-11")
    assert {variable.draw(made) for _ in range(200)} == {"8", "9", "10", "11"}
    decimal = BUILT_IN["number"]("0.9-1.1")
    assert {decimal.draw(made) for _ in range(200)} == {"0.9", "1.0", "1.1"}


def test_the_same_seed_draws_the_same() -> None:
    for name, argument in (("code", "9"), ("hex", "9"), ("letters", "9"), ("name", "")):
        variable = BUILT_IN[name](argument)
        assert variable.draw(message(5)) == variable.draw(message(5))
    assert BUILT_IN["code"]("9").draw(message(5)) != BUILT_IN["code"]("9").draw(message(6))


def test_what_is_called_plain_has_the_same_octets_in_gsm7() -> None:
    for name, argument in (
        ("code", ""),
        ("letters", "50"),
        ("hex", "50"),
        ("number", "0.0-9.9"),
        ("n", ""),
        ("to", ""),
    ):
        variable = BUILT_IN[name](argument)
        assert variable.plain
        assert gsm7.encode(variable.draw(message())) == variable.draw(message()).encode()


def test_the_built_in_names_are_gsm7() -> None:
    assert gsm7.is_encodable("".join(NAMES))


def test_variables_of_a_profile() -> None:
    made = message()
    made.row, made.captures = 1, {"city": "York"}
    assert one_of(["a"]).draw(made) == "a"
    assert column(["York", "Leeds", "York"]).draw(made) == "Leeds"
    assert column(["York", "Leeds", "York"]).values == ["York", "Leeds"]
    assert capture("city").draw(made) == "York"
    assert (one_of(["a"]).known, column(["a"]).known, capture("city").known) == (True, True, False)


def test_a_time_is_in_utc() -> None:
    assert formatted(0, "%H:%M") == "00:00"


def test_the_documentation_has_every_variable() -> None:
    text = (ROOT / "docs" / "load-profiles.md").read_text()
    table = text[text.index("| variable |") : text.index("Before these come")]
    assert set(re.findall(r"^\| `\{(\w+)", table, re.MULTILINE)) == set(BUILT_IN)
