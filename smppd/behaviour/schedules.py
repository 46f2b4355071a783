"""When a rule or a fault is awake."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smppd.settings.rules import Schedule


def is_awake(schedule: Schedule | None, elapsed: float) -> bool:
    """Whether a schedule is awake so many seconds after what it counts from; one that is not given always is."""
    if schedule is None:
        return True
    since = elapsed - schedule.start
    if since < 0:
        return False
    if schedule.for_ is None:
        return True
    return (since % schedule.every if schedule.every else since) < schedule.for_


def next_start(schedule: Schedule | None, elapsed: float) -> float | None:
    """When a schedule next begins, perhaps just now, in seconds after what it counts from; None: never again.

    One that is not given has begun before anything else.
    """
    if schedule is None:
        return None
    since = elapsed - schedule.start
    if since <= 0:
        return schedule.start
    return schedule.start + ceil(since / schedule.every) * schedule.every if schedule.every else None


def next_change(schedule: Schedule | None, elapsed: float) -> float | None:
    """When a schedule next falls asleep or awakes, in seconds after what it counts from; None: never again."""
    if schedule is None:
        return None
    since = elapsed - schedule.start
    if since < 0:
        return schedule.start
    if schedule.for_ is None:
        return None
    turn = since // schedule.every * schedule.every if schedule.every else 0.0
    if since - turn < schedule.for_:
        return schedule.start + turn + schedule.for_
    return schedule.start + turn + schedule.every if schedule.every else None
