"""Numbers with units."""

import pytest

from smppd.errors import UserError
from smppd.load.units import parse_amount, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10", 10),
        (" 10s ", 10),
        ("250ms", 0.25),
        ("5us", 5e-6),
        ("1m30s", 90),
        ("1 m 30 s", 90),
        ("1.5h", 5400),
        ("2min", 120),
        ("1d", 86400),
        (".5", 0.5),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", " ", "s", "10x", "-1s", "1s2", "ten", "1e3", "10 S", "1m 30", "\u0661s", "inf", "nan"]
)
def test_no_durations(text: str) -> None:
    with pytest.raises(UserError, match="is no duration: give"):
        parse_duration(text)


@pytest.mark.parametrize(("text", "number"), [("500", 500), ("2.5", 2.5), (" 10k", 10_000), ("1.5 M", 1_500_000)])
def test_amounts(text: str, number: float) -> None:
    assert parse_amount(text) == number


@pytest.mark.parametrize("text", ["", "k", "-5", "5K", "1e3", "5 %", "1,000", "nan"])
def test_no_amounts(text: str) -> None:
    with pytest.raises(UserError, match="is no number: give"):
        parse_amount(text)
