"""Numbers with units, as people type them."""

from __future__ import annotations

import re
from typing import Final

from smppd.errors import UserError

SECONDS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
"""Units of time."""

MULTIPLES: Final = {"": 1.0, "k": 1e3, "M": 1e6}
"""What may stand behind a number of messages, or of messages per second."""

_NUMBER: Final = r"(\d+(?:\.\d*)?|\.\d+)"
_DURATION: Final = re.compile(rf"{_NUMBER}\s*({'|'.join(sorted(SECONDS, key=len, reverse=True))})\s*", re.ASCII)
_PLAIN: Final = re.compile(_NUMBER, re.ASCII)
_AMOUNT: Final = re.compile(rf"{_NUMBER}\s*(k|M)?", re.ASCII)


def parse_duration(text: str) -> float:
    """Seconds: ``10``, ``10s``, ``250ms``, ``1m30s``, ``1.5h``. Raises UserError for anything else."""
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return float(text)
    seconds, at = 0.0, 0
    while found := _DURATION.match(text, at):
        seconds += float(found[1]) * SECONDS[found[2]]
        at = found.end()
    if not text or at != len(text):
        raise UserError(f"{text!r} is no duration: give a number and a unit, as in 500ms, 10s, 1m30s or 2h")
    return seconds


def parse_amount(text: str) -> float:
    """A number that is not negative: ``500``, ``2.5``, ``10k``, ``1M``. Raises UserError for anything else."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise UserError(f"{text.strip()!r} is no number: give one as in 500, 2.5, 10k or 1M")
    return float(found[1]) * MULTIPLES[found[2] or ""]
