"""Times drawn from a distribution: each is a function of one number from 0 to 1.

Such a function turns a uniform draw into a time (the inverse of the distribution), so that every distribution needs
exactly one draw. No time is below 0 or above what its ``max`` and MAX_LIFE allow.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from smppd.settings.delays import Exponential, Fixed, LogNormal, Mix, Normal, Spikes, Uniform
from smppd.settings.types import MAX_LIFE

if TYPE_CHECKING:
    from smppd.settings.delays import Wait

LOWEST: Final = 2.0**-54
"""The lowest that a draw counts as where a distribution has no beginning: half of the smallest draw above 0."""

Delay = Callable[[float], float]
"""Seconds for a number from 0 up to but not including 1."""


def compile_delay(wait: Wait) -> Delay:
    """The function that draws from a distribution."""
    if isinstance(wait, Fixed):
        value = min(wait.value, MAX_LIFE)
        return lambda _draw: value
    if isinstance(wait, Uniform):
        low, span = wait.min, wait.max - wait.min
        return lambda draw: low + span * draw
    if isinstance(wait, (Normal, LogNormal)):
        return _bell(wait)
    if isinstance(wait, Exponential):
        mean, most = wait.mean, min(wait.max, MAX_LIFE)
        return lambda draw: min(most, -mean * math.log1p(-draw))
    if isinstance(wait, Spikes):
        usual, spike, share = wait.value, wait.spike, wait.share / 100
        return lambda draw: spike if draw < share else usual
    if isinstance(wait, Mix):
        return _mix(wait)
    raise TypeError(f"no distribution: {wait!r}")


def _bell(wait: Normal | LogNormal) -> Delay:
    """The two distributions that stand on the normal one."""
    # Only who asks for a bell pays for loading statistics.
    from statistics import NormalDist

    inverse = NormalDist().inv_cdf
    most = min(wait.max, MAX_LIFE)
    if isinstance(wait, Normal):
        mean, deviation = wait.mean, wait.deviation
        return lambda draw: min(most, max(0.0, mean + deviation * inverse(max(draw, LOWEST))))
    median, sigma = wait.median, wait.sigma
    return lambda draw: min(most, median * math.exp(sigma * inverse(max(draw, LOWEST))))


def _mix(wait: Mix) -> Delay:
    """One of several delays: what is left of the draw within its share is the draw of that delay."""
    delays = [compile_delay(portion.delay) for portion in wait.mix]
    total = sum(portion.share for portion in wait.mix)
    bounds = [bound / total for bound in accumulate(portion.share for portion in wait.mix)]
    begins = [0.0, *bounds]

    def draw_from(draw: float) -> float:
        place = bisect_right(bounds, draw, hi=len(bounds) - 1)
        begin, end = begins[place], begins[place + 1]
        return delays[place](min((draw - begin) / (end - begin), 1.0 - LOWEST * 2))

    return draw_from
