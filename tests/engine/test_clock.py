"""A clock that moves when told."""

import pytest

from smppd.engine.clock import LATEST_WALL, VirtualClock
from smppd.engine.ports import Clock


def test_it_stands_still_until_it_is_moved() -> None:
    clock = VirtualClock(1_700_000_000.0)
    port: Clock = clock
    assert (port.now(), port.wall()) == (0.0, 1_700_000_000.0)
    clock.advance_to(90.5)
    assert (clock.now(), clock.wall()) == (90.5, 1_700_000_090.5)
    clock.advance_to(90.5)
    assert clock.left == LATEST_WALL - 1_700_000_090.5


def test_it_does_not_go_back() -> None:
    clock = VirtualClock(0.0)
    clock.advance_to(2.0)
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance_to(1.0)
    assert clock.now() == 2.0


def test_it_begins_within_the_calendar_of_smpp() -> None:
    assert VirtualClock(LATEST_WALL).left == 0.0
    with pytest.raises(ValueError, match="2037"):
        VirtualClock(LATEST_WALL + 1)
