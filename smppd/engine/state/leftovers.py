"""Letting go of an engine that nobody needs any more, in slices: a million messages at once would take a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smppd.engine.core import Engine

STEP: Final = 256
"""Messages that go at once: 0.2 ms."""


def dismantle(engine: Engine) -> Iterator[None]:
    """Empty the large containers of an engine, with chances for others to have a turn."""
    life = engine.life
    while any(schedule.drop(STEP) for schedule in (life.schedule, life.retries)):
        yield
    for esme in engine.esmes.values():
        while esme.pending:
            for _ in range(min(STEP, len(esme.pending))):
                esme.pending.pop()
            yield
    for route in engine.routes.values():
        while route.queue:
            for _ in range(min(STEP, len(route.queue))):
                route.queue.popitem()
            yield
    while engine.ledger.drop(STEP):
        yield
