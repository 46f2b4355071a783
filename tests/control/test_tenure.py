"""For whom and how long."""

from __future__ import annotations

from smppd.behaviour.waits import Waits
from smppd.control.tenure import Tenures


class World:
    def __init__(self) -> None:
        self.time = 100.0
        self.waits = Waits(lambda: self.time, lambda: None)
        self.over: list[dict[str, str]] = []
        self.tenures: Tenures[str] = Tenures(self.waits, self.over.append)

    def pass_time(self, seconds: float) -> None:
        self.time += seconds
        self.waits.run()


def test_what_is_there_for_all_and_for_ever_has_none() -> None:
    world = World()
    world.tenures.put("a", "entry")
    assert world.tenures.of("a", "entry") is None
    assert world.tenures.left(None) is None
    assert not world.tenures.is_in("a", "entry", "alice")
    assert world.waits.next_due() is None


def test_a_namespace() -> None:
    world = World()
    world.tenures.put("a", "entry", namespace="alice")
    assert world.tenures.is_in("a", "entry", "alice")
    assert not world.tenures.is_in("a", "entry", "bob")
    assert not world.tenures.is_in("a", "another entry", "alice")


def test_each_ends_at_its_time() -> None:
    world = World()
    world.tenures.put("late", "l", expires_in=20.0)
    world.tenures.put("soon", "s", expires_in=5.0)
    assert world.waits.next_due() == 105.0
    assert world.tenures.left(world.tenures.of("late", "l")) == 20.0
    world.pass_time(5.0)
    assert world.over == [{"soon": "s"}]
    assert world.tenures.left(world.tenures.of("late", "l")) == 15.0
    world.pass_time(100.0)
    assert world.over == [{"soon": "s"}, {"late": "l"}]
    assert world.waits.next_due() is None


def test_those_of_one_moment_end_together() -> None:
    world = World()
    for number in range(1000):
        world.tenures.put(str(number), "x", expires_in=5.0)
    world.pass_time(5.0)
    assert [len(over) for over in world.over] == [1000]


def test_another_tenure_takes_the_place_of_the_first() -> None:
    world = World()
    world.tenures.put("a", "x", expires_in=5.0)
    world.tenures.put("a", "y", namespace="alice")
    world.pass_time(50.0)
    assert world.over == []
    assert world.tenures.is_in("a", "y", "alice")


def test_what_is_gone_is_forgotten() -> None:
    world = World()
    world.tenures.put("a", "x", expires_in=5.0)
    world.tenures.put("b", "x", expires_in=7.0)
    world.tenures.keep(["b"])
    assert world.tenures.of("a", "x") is None
    assert world.waits.next_due() == 107.0


def test_tenures_are_handed_over() -> None:
    world, other = World(), World()
    world.tenures.put("a", "x", namespace="alice", expires_in=5.0)
    world.tenures.put("b", "y", namespace="bob")
    other.tenures.put("gone", "z", expires_in=1.0)
    other.tenures.begin_anew(dict(world.tenures.all()))
    assert other.tenures.all() == world.tenures.all()
    other.pass_time(5.0)
    assert other.over == [{"a": "x"}]
    assert other.tenures.is_in("b", "y", "bob")
