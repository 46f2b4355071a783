"""Slices by measured time."""

from __future__ import annotations

import asyncio

from smppd.control.snapshot.pace import HOLD, Pace


def test_slices_are_measured() -> None:
    moments = [0.0]
    pace = Pace(lambda: moments[0])
    assert not pace.is_up
    moments[0] = HOLD
    assert pace.is_up
    asyncio.run(pace.rest())
    assert not pace.is_up
    moments[0] += 3 * HOLD
    pace.pause()
    moments[0] += 100.0
    pace.go_on()
    moments[0] += HOLD / 2
    pace.pause()
    assert pace.longest == 3 * HOLD
