"""Messages by their ids: where they are put, how they are found, and what is left of a shelf."""

from __future__ import annotations

import pytest

from smppd.engine.message import Message
from smppd.engine.shelves import SHELF, Shelves
from tests.engine.world import World, sms

WORLD = World()
PHONE = WORLD.bind()


def messages(*numbers: int) -> list[Message]:
    route = WORLD.engine.routes["all"]
    return [Message(b"%d" % number, sms(), PHONE.bind.esme, PHONE.bind, route, 0.0, 0.0, 1e9) for number in numbers]


def filled(count: int) -> tuple[Shelves, list[Message]]:
    shelves = Shelves()
    made = messages(*range(count))
    for message in made:
        shelves.put(message)
    return shelves, made


def test_messages_are_found_wherever_they_stand_and_keep_their_order() -> None:
    shelves, made = filled(2 * SHELF + 3)
    assert [made[0].shelf, made[SHELF].shelf, made[-1].shelf] == [0, 1, 2]
    assert len(shelves) == len(made)
    assert list(shelves.values()) == list(shelves.each()) == made
    assert list(reversed(shelves.values())) == made[::-1]
    assert list(shelves) == [message.message_id for message in made]
    assert list(reversed(shelves)) == [message.message_id for message in reversed(made)]
    for place in (0, SHELF - 1, SHELF, -1):
        assert shelves[made[place].message_id] is made[place]


def test_what_is_not_there_is_missing() -> None:
    shelves, _ = filled(2)
    assert b"1" in shelves
    assert b"2" not in shelves
    assert shelves.get(b"2") is None
    with pytest.raises(KeyError):
        shelves[b"2"]


def test_shelves_compare_as_mappings_do() -> None:
    shelves, (message,) = filled(1)
    assert shelves == {b"0": message}
    assert Shelves() == {}


def test_an_empty_shelf_goes_unless_new_messages_are_put_there() -> None:
    shelves, made = filled(SHELF + 1)
    for message in made:
        shelves.remove(message)
    assert shelves == {}
    assert list(shelves._shelves) == [1]
    again = messages(7)[0]
    shelves.put(again)
    assert (again.shelf, shelves[b"7"]) == (1, again)


def test_the_newest_of_two_with_one_id_is_found_and_removing_the_other_leaves_it() -> None:
    shelves, made = filled(SHELF)
    twin = messages(5)[0]
    shelves.put(twin)
    assert shelves[b"5"] is twin
    shelves.remove(made[5])
    assert shelves[b"5"] is twin


def test_to_remove_what_has_gone_with_its_shelf_does_no_harm() -> None:
    shelves, made = filled(SHELF + 1)
    for message in [*made, made[0]]:
        shelves.remove(message)
    assert shelves == {}


def test_a_batch_is_put_on_the_newest_shelf() -> None:
    shelves, made = filled(SHELF - 1)
    number, shelf = shelves.newest()
    batch = messages(*range(SHELF, SHELF + 5))
    for message in batch:
        message.shelf = number
        shelf[message.message_id] = message
    assert list(shelves.values()) == [*made, *batch]
    assert shelves.newest() == (1, {})


class Notes:
    """A watcher that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def begun(self) -> None:
        self.told.append(("begun", 0))

    def dropped(self, number: int) -> None:
        self.told.append(("dropped", number))

    def changed(self, number: int) -> None:
        self.told.append(("changed", number))


def test_whoever_watches_is_told_what_becomes_of_the_shelves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smppd.engine.shelves.SHELF", 2)
    shelves = Shelves()
    shelves.watcher = notes = Notes()
    made = messages(*range(4))
    for each in made:
        shelves.put(each)
    assert (shelves.numbers(), notes.told) == ([0, 1], [("begun", 0)])
    shelves.changed(made[3])
    shelves.remove(made[0])
    shelves.remove(made[1])
    assert notes.told[1:] == [("changed", 1), ("dropped", 0)]
    assert (shelves.numbers(), list(shelves.shelf(1)), dict(shelves.shelf(0))) == ([1], [b"2", b"3"], {})
