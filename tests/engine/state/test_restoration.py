"""What is taken back: only a state that can be; see tests/control/snapshot/test_restoring.py for what cannot."""

from __future__ import annotations

import msgspec
import pytest

from smppd.engine.state.restoration import Restoration, StateError
from smppd.engine.state.rows import EngineRow
from tests.engine.state.passage import hand_out, take_back, twin_of
from tests.engine.world import World, slow_world, sms


def test_more_rows_than_are_taken() -> None:
    world = slow_world()
    world.submit(world.bind(), *[sms() for _ in range(10)])
    with pytest.raises(StateError, match="more rows"):
        take_back(hand_out(world.engine), twin_of(world), most=9)


def test_nothing_at_all() -> None:
    world = World()
    restoration = Restoration(twin_of(world), fate=lambda raw: raw, most=10, shift=0.0)
    with pytest.raises(StateError, match="no engine"):
        list(restoration.link())


def test_two_engines() -> None:
    world = World()
    restoration = Restoration(twin_of(world), fate=lambda raw: raw, most=10, shift=0.0)
    row = EngineRow(1, 0, 0, 0, 0.0, False, 0, 0, 0, 0, 0)
    restoration.take("engine", [row])
    with pytest.raises(StateError, match="more than one engine"):
        restoration.take("engine", [row])


def test_times_are_moved_by_what_the_clocks_differ_in() -> None:
    world = slow_world()
    phone = world.bind()
    (message_id,) = world.submit(phone, sms())
    before = world.message(message_id)
    twin = twin_of(world)
    restoration = Restoration(twin, fate=lambda raw: raw, most=1000, shift=1000.0)
    from smppd.engine.state.rows import ROWS

    for octets in hand_out(world.engine):
        section, raw = msgspec.msgpack.decode(octets, type=tuple[str, msgspec.Raw])
        restoration.take(section, msgspec.msgpack.decode(raw, type=list[ROWS[section]]))  # type: ignore[misc]
    list(restoration.link())
    restoration.check()
    after = twin.messages[message_id]
    assert (after.due_at, after.expires_at) == (before.due_at + 1000, before.expires_at + 1000)
    assert after.accepted_wall == before.accepted_wall
