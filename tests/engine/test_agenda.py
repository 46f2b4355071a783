"""Appointments are kept in the order of their times, once, and nobody is bothered about those that were given up."""

from smppd.engine import agenda
from smppd.engine.agenda import Agenda


class Person:
    def __init__(self) -> None:
        self.kept: list[str] = []

    def settle(self) -> None:
        self.kept.append("settled")


class Meeting:
    def __init__(self, person: Person, name: str) -> None:
        self.party = person
        self.name = name
        self.due = 0.0
        self.ticket = 0

    def keep(self) -> None:
        self.party.kept.append(self.name)


class Diary:
    def __init__(self) -> None:
        self.wakes = 0
        self.agenda = Agenda(self.wake)

    def wake(self) -> None:
        self.wakes += 1


def test_in_the_order_of_their_times_and_settled_once() -> None:
    diary, person, other = Diary(), Person(), Person()
    diary.agenda.add(2.0, Meeting(person, "second"))
    diary.agenda.add(1.0, Meeting(person, "first"))
    diary.agenda.add(2.0, Meeting(other, "other"))
    diary.agenda.add(3.0, Meeting(other, "late"))
    assert (diary.wakes, diary.agenda.count) == (4, 4)
    assert diary.agenda.next_due(exact=True) == 1.0
    assert diary.agenda.run(2.0, 10) is False
    assert person.kept == ["first", "second", "settled"]
    assert other.kept == ["other", "settled"]
    assert diary.agenda.count == 1


def test_so_many_at_a_time() -> None:
    diary, person = Diary(), Person()
    for number in range(3):
        diary.agenda.add(1.0, Meeting(person, str(number)))
    assert diary.agenda.run(1.0, 2) is True
    assert person.kept == ["0", "1", "settled"]
    assert diary.agenda.run(1.0, 2) is False
    assert diary.agenda.next_due() is None


def test_what_is_given_up_is_not_kept() -> None:
    diary, person = Diary(), Person()
    given_up = Meeting(person, "given up")
    diary.agenda.add(1.0, given_up)
    diary.agenda.add(1.0, Meeting(person, "kept"))
    diary.agenda.forsake(given_up)
    assert diary.agenda.count == 1
    diary.agenda.run(1.0, 10)
    assert person.kept == ["kept", "settled"]


def test_what_is_given_up_by_another_that_is_due_with_it() -> None:
    diary, person = Diary(), Person()
    second = Meeting(person, "second")

    class Quarrel(Meeting):
        def keep(self) -> None:
            diary.agenda.forsake(second)

    diary.agenda.add(1.0, Quarrel(person, "first"))
    diary.agenda.add(1.0, second)
    diary.agenda.run(1.0, 10)
    assert person.kept == ["settled"]
    assert diary.agenda.count == 0


def test_it_is_full_at_its_limit() -> None:
    diary, person = Diary(), Person()
    diary.agenda.count = agenda.MAX_APPOINTMENTS - 1
    assert not diary.agenda.is_full
    diary.agenda.add(1.0, Meeting(person, "last"))
    assert diary.agenda.is_full
