"""An engine that nobody needs any more goes in slices."""

from __future__ import annotations

import gc
import weakref
from itertools import pairwise

from smppd.engine.state.leftovers import STEP, dismantle
from tests.engine.world import World, paced, slow_world, sms


def test_messages_go_a_few_at_a_time() -> None:
    world = slow_world()
    phone = world.bind()
    world.submit(phone, *[sms() for _ in range(3 * STEP)])
    left = [len(world.engine.messages) for _ in dismantle(world.engine)]
    assert left[-1] == 0
    assert all(before - after <= STEP for before, after in pairwise(left))


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
