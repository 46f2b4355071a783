"""What a snapshot is made of."""

from __future__ import annotations

from smppd.control.snapshot.sections import ROWS
from smppd.control.snapshot.writing import slices_of
from tests.control.snapshot.universe import Universe
from tests.transport.support import run_virtually


def test_sections_are_known_and_in_order() -> None:
    async def run() -> None:
        universe = Universe()
        universe.play([("bind", "bob", False), ("burst", 0, 8, 6), ("advance", 40)])
        slices = list(slices_of(universe.stage.server.control, {}))
        sections = [section for section, _ in slices]
        assert sections[:3] == ["clock", "settings", "server"]
        assert set(sections) <= set(ROWS)

    run_virtually(run())


def test_the_clock_as_it_stands() -> None:
    async def run() -> None:
        universe = Universe()
        universe.stage.advance(5.0)
        _, (row,) = next(iter(slices_of(universe.stage.server.control, {})))
        assert (row.now, row.running, row.real) == (5.0, False, False)

    run_virtually(run())
