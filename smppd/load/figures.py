"""Numbers as people read them: the words of the live display, the summary and the HTML report."""

from __future__ import annotations

import math
from typing import Final

NOTHING: Final = "-"
"""Where there is no figure, or too few measurements to state one."""

DIGITS: Final = 3
"""Significant digits of a latency: what the histograms resolve."""


def count(value: float) -> str:
    """A number of things, with thousands apart: ``12,345``."""
    return f"{value:,.0f}"


def rate(value: float) -> str:
    """Things per second: ``12,345/s``, below ten with one decimal."""
    return f"{value:,.1f}/s" if 0 < value < 10 else f"{value:,.0f}/s"


def latency(seconds: float) -> str:
    """A duration in the unit that fits, three significant digits: ``845 us``, ``12.3 ms``, ``1.20 s``; nan: none."""
    if math.isnan(seconds):
        return NOTHING
    if seconds <= 0:
        return "0 us"
    # The unit of the rounded value: 999.7 us is 1.00 ms.
    rounded = float(f"{seconds:.{DIGITS}g}")
    if rounded >= 1:
        value, unit = rounded, "s"
    elif rounded >= 1e-3:
        value, unit = rounded * 1e3, "ms"
    else:
        value, unit = rounded * 1e6, "us"
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{0 if unit == 'us' else decimals}f} {unit}"


def share(part: float, whole: float) -> str:
    """A part of a whole in percent: ``0.03 %``, ``100 %``; what is not everything never reads 100, nor nothing 0."""
    if not whole:
        return NOTHING
    percent = 100 * part / whole
    if part in (0, whole):
        return f"{percent:.0f} %"
    return f"{min(max(percent, 0.01), 99.99):.2f} %"


def elapsed(seconds: float) -> str:
    """A length of time: ``8 s``, ``2:05``, ``1:00:00``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
