"""The desk: what no fault is about knows nothing of faults."""

import pytest

from smppd.settings import faults
from smppd.settings.faults import Fault
from tests.behaviour.fault_world import FaultyWorld


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (None, (False, False, False, False)),
        (faults.ReceiptLost(name="f"), (True, True, False, False)),
        (faults.ReceiptBeforeResponse(name="f"), (True, False, True, False)),
        (faults.Throttle(name="f"), (True, False, True, False)),
        (faults.Congestion(name="f"), (True, False, True, False)),
        (faults.SlowBind(name="f"), (True, False, False, True)),
        (faults.Unbind(name="f", enabled=False), (False, False, False, False)),
    ],
)
def test_who_is_asked(fault: Fault | None, expected: tuple[bool, ...]) -> None:
    world = FaultyWorld()
    before, after = world.bind(), []
    for given in ([fault] if fault is not None else [], []):
        world.replace(*given)
        after.append(world.bind())
        asked = [world.engine.faults, world.engine.outbox.faults, before.bind.faults, world.attached]
        assert after[-1].bind.faults is None or before.bind.faults is not None
        assert tuple(each is not None for each in asked) == (expected if given else (False,) * 4)
    assert all(phone.bind.faults is None for phone in after)
