"""An engine that nobody needs any more goes in slices."""

from __future__ import annotations

import gc
import weakref

from smppd.engine.state.leftovers import STEP, dismantle
from tests.engine.world import World, paced, slow_world, sms


def test_messages_go_a_few_at_a_time() -> None:
    world = slow_world()
    phone = world.bind()
    world.submit(phone, *[sms() for _ in range(3 * STEP)])
    left = []
    for _ in dismantle(world.engine):
        left.append(len(world.engine.messages))
    assert left[-1] == 0
    assert all(before - after <= STEP for before, after in zip(left, left[1:], strict=False))


def test_nothing_is_left() -> None:
    world = World(paced("slow", 1.0))
    phone = world.bind()
    world.submit(phone, *[sms() for _ in range(10)])
    world.settle()
    phone.hang_up()
    engine = world.engine
    assert engine.esmes["alice"].pending
    list(dismantle(engine))
    assert not engine.messages
    assert not engine.esmes["alice"].pending
    assert not engine.routes["slow"].queue
    assert len(engine.life.schedule) == 0
    gone = weakref.ref(engine)
    del engine, world, phone
    gc.collect()
    assert gone() is None
