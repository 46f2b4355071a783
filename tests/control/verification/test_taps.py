from smppd.control.verification.taps import on_recorded
from tests.control.verification.world import World, submit


def test_it_is_told_until_it_does_not_want_to_be() -> None:
    world, told = World(), list[int]()
    cancel = on_recorded(world.server.control.simulation, lambda: told.append(world.journal.total))
    world.put(submit(), submit())
    cancel()
    cancel()
    world.put(submit())
    assert told == [1, 2]
    assert world.journal.tap is None


def test_who_was_there_before_is_told_as_well() -> None:
    world, told = World(), list[str]()
    world.journal.tap = before = lambda: told.append("before")
    cancel = on_recorded(world.server.control.simulation, lambda: told.append("after"))
    world.put(submit())
    cancel()
    assert world.journal.tap is before
    assert told == ["before", "after"]
