"""Moments as the API writes them: ISO 8601 in UTC, with microseconds and a Z."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


@overload
def iso(moment: float) -> str: ...
@overload
def iso(moment: None) -> None: ...
def iso(moment: float | None) -> str | None:
    """Write a moment, Unix time in seconds: `2026-01-31T12:00:00.250000Z`. What never was stays None.

    Raises ValueError when it lies outside of the years 1 to 9999.
    """
    if moment is None:
        return None
    try:
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
    except (OverflowError, OSError):
        raise ValueError(f"{moment} is beyond the calendar") from None


def unix(text: str) -> float:
    """The Unix time in seconds of an ISO 8601 date and time; without an offset it is UTC.

    Raises ValueError when it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError):
        raise ValueError(f'"{text[:40]}" is no date and time such as 2026-01-31T12:00:00Z') from None
