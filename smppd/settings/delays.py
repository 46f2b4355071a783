"""How long something takes: the distributions that rules and faults may draw a time from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

from msgspec import Meta

from smppd.settings.types import MAX_LIFE, Table
from smppd.strict import Chosen, Short

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smppd import strict
    from smppd.strict import StrictReader

MAX_SPREAD: Final = 10.0
"""Largest ``sigma`` of a log-normal distribution: at 10, one draw in a thousand is 10^13 times the median."""

MAX_SHARES: Final = 100
"""Entries of a mix."""

MAX_MIX_DEPTH: Final = 3
"""How deep mixes may stand within mixes: nobody reads a fourth level, and a table without end must not be walked."""

Span: TypeAlias = Annotated[float, Meta(ge=0, le=MAX_LIFE)]
Share: TypeAlias = Annotated[float, Meta(gt=0, le=1_000_000)]


class Wait(Table, frozen=True):
    """A time in seconds; each distribution is a struct of its own. None exceeds MAX_LIFE, or its ``max``."""

    distribution: str = "fixed"


class Fixed(Wait, frozen=True, kw_only=True):
    """Always ``value``."""

    value: Span = 0.0


class Uniform(Wait, frozen=True, kw_only=True):
    """Any time between ``min`` and ``max``, each as likely as the other."""

    distribution: str = "uniform"
    min: Span
    max: Span


class Normal(Wait, frozen=True, kw_only=True):
    """A bell around ``mean`` whose width is ``deviation``; what would be below 0 is 0."""

    distribution: str = "normal"
    mean: Span
    deviation: Span
    max: Span = MAX_LIFE


class LogNormal(Wait, frozen=True, kw_only=True):
    """Half of the times below ``median``; ``sigma`` makes the tail: at 1, one in a hundred is ten times as long."""

    distribution: str = "lognormal"
    median: Span
    sigma: Annotated[float, Meta(ge=0, le=MAX_SPREAD)] = 1.0
    max: Span = MAX_LIFE


class Exponential(Wait, frozen=True, kw_only=True):
    """The time until something that happens at random, on average after ``mean``."""

    distribution: str = "exponential"
    mean: Span
    max: Span = MAX_LIFE


class Spikes(Wait, frozen=True, kw_only=True):
    """Usually ``value``, and ``spike`` in ``share`` of a hundred."""

    distribution: str = "spikes"
    spike: Span
    share: Annotated[float, Meta(gt=0, le=100)] = 1.0
    value: Span = 0.0


class Mix(Wait, frozen=True, kw_only=True):
    """One of several delays, drawn by their shares (which need not add up to 100)."""

    distribution: str = "mix"
    mix: Annotated[list[Portion], Meta(min_length=1, max_length=MAX_SHARES)]


DISTRIBUTIONS: Final[dict[str, type[Wait]]] = {
    "fixed": Fixed,
    "uniform": Uniform,
    "normal": Normal,
    "lognormal": LogNormal,
    "exponential": Exponential,
    "spikes": Spikes,
    "mix": Mix,
}
"""By name, how a time is drawn."""

Delay: TypeAlias = Annotated[
    Wait, Short("value"), Chosen("distribution", DISTRIBUTIONS, "the name of a distribution", default="fixed")
]


class Portion(Table, frozen=True):
    """One entry of a mix."""

    share: Share
    delay: Delay


def check_wait(reader: StrictReader, wait: Wait, _table: Mapping[str, Any], path: strict.Path) -> None:
    """Bounds in their order, and mixes that end."""
    if isinstance(wait, Uniform) and wait.min > wait.max and reader.sound(path, "min", "max"):
        reader.reject((*path, "min"), wait.min, f"expected at most max ({wait.max:g})")
    if path.count("mix") > MAX_MIX_DEPTH:
        reader.reject(path, None, f"expected mixes within mixes no deeper than {MAX_MIX_DEPTH}")
