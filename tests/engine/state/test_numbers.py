"""Numbers are given in the order in which things are first seen, whatever shard they fall into."""

from __future__ import annotations

from smppd.engine.state.numbers import SHARDS, Numbers, Once


def test_numbers() -> None:
    things = [object() for _ in range(3 * SHARDS)]
    numbers: Numbers[object] = Numbers()
    assert [numbers.of(thing) for thing in things] == list(range(len(things)))
    assert [numbers.of(thing) for thing in reversed(things)] == list(reversed(range(len(things))))
    assert numbers.count == len(things)


def test_equal_things_are_not_the_same() -> None:
    numbers: Numbers[list[int]] = Numbers()
    one, other = [1], [1]
    assert (numbers.of(one), numbers.of(other)) == (0, 1)


def test_forgetting_takes_turns() -> None:
    numbers: Numbers[object] = Numbers()
    assert len(list(numbers.forget())) == SHARDS


def test_to_ask_gives_no_number() -> None:
    numbers: Numbers[object] = Numbers()
    known, unknown = object(), object()
    numbers.of(known)
    assert (numbers.find(known), numbers.find(unknown), numbers.count) == (0, None, 1)


def test_each_comes_once() -> None:
    once = Once()
    assert [once.add(number) for number in (0, 256, 0, 512, 256)] == [True, True, False, True, False]
