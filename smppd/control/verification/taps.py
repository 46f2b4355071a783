"""To be told when something was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from smppd.control.simulation import Simulation


def on_recorded(simulation: Simulation, tell: Callable[[], None]) -> Callable[[], None]:
    """Call `tell` after each chunk that is recorded, until the function that is returned is called.

    It is told in the middle of handling a read: it must be quick, and leave looking to a later turn of the loop.
    """
    journal = simulation.journal
    before = journal.tap

    def both() -> None:
        if before is not None:
            before()
        tell()

    def cancel() -> None:
        if journal.tap is both:
            journal.tap = before

    journal.tap = both
    return cancel
