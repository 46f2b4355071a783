"""Moments as text, and back."""

from __future__ import annotations

import pytest

from smppd.control.times import iso, unix


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000000Z"),
        (1769860800.25, "2026-01-31T12:00:00.250000Z"),
        (-1.0, "1969-12-31T23:59:59.000000Z"),
        (2145916799.999999, "2037-12-31T23:59:59.999999Z"),
    ],
)
def test_there_and_back(moment: float, text: str) -> None:
    assert iso(moment) == text
    assert unix(text) == moment


def test_what_never_was() -> None:
    assert iso(None) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [("2026-01-31T13:00:00+01:00", 1769860800.0), ("2026-01-31 12:00", 1769860800.0), ("2026-01-31", 1769817600.0)],
)
def test_other_ways_to_write_it(text: str, moment: float) -> None:
    assert unix(text) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30T00:00:00Z", "9999999999", "x" * 1000])
def test_no_moment_at_all(text: str) -> None:
    with pytest.raises(ValueError, match="no date and time") as raised:
        unix(text)
    assert len(str(raised.value)) < 120


@pytest.mark.parametrize("moment", [1e18, -1e18, float("inf"), float("nan")])
def test_beyond_the_calendar(moment: float) -> None:
    with pytest.raises(ValueError, match=r"calendar|range|NaN"):
        iso(moment)
