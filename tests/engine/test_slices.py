"""Requests over several turns: who goes first, what is answered when, and that a mistake stops nobody else."""

from collections.abc import Iterator

import pytest

from smppd.engine.ports import DEFERRED
from smppd.engine.slices import MAX_JOBS, Slices
from smppwire.pdus import CancelSm, CancelSmResp, Pdu
from tests.engine.world import BOB, World


class Work:
    """Slices of an engine, and a log of what was done."""

    def __init__(self) -> None:
        self.world = World()
        self.wakes = 0
        self.slices = Slices(self._wake)
        self.log: list[str] = []
        self.alice = self.world.bind()
        self.bob = self.world.bind(BOB)

    def _wake(self) -> None:
        self.wakes += 1

    def steps(self, name: str, before: int, after: int = 0) -> Iterator[CancelSmResp | None]:
        """So many slices before the one with the response, and so many after it."""
        for _ in range(before):
            self.log.append(name)
            yield None
        self.log.append(name)
        yield CancelSmResp(0, 0)
        for number in range(after):
            if number:
                yield None
            self.log.append(f"{name}+")


def test_what_is_done_in_one_slice_is_answered_at_once() -> None:
    work = Work()
    assert work.slices.start(work.alice.bind, CancelSm(), work.steps("a", 0)) == CancelSmResp()
    assert work.slices.start(work.alice.bind, CancelSm(), work.steps("b", 0, 1)) == CancelSmResp()
    assert work.log == ["a", "b", "b+"]
    assert (len(work.slices), work.wakes, work.slices.run(), work.alice.answers) == (0, 0, False, [])


def test_a_slice_is_done_per_turn_and_the_answer_comes_in_its_own() -> None:
    work = Work()
    request = CancelSm(7)
    assert work.slices.start(work.alice.bind, request, work.steps("a", 2, 2)) == DEFERRED
    assert (work.log, work.wakes, len(work.slices)) == (["a"], 1, 1)
    assert work.slices.run()
    assert (len(work.log), work.alice.answers) == (2, [])
    assert work.slices.run()
    assert work.alice.answers == [(request, CancelSmResp())]
    assert work.slices.run()
    assert not work.slices.run()
    assert work.log == ["a", "a", "a", "a+", "a+"]
    assert (len(work.slices), len(work.alice.answers)) == (0, 1)


def test_what_goes_on_after_an_answer_at_once() -> None:
    work = Work()
    assert work.slices.start(work.alice.bind, CancelSm(), work.steps("a", 0, 2)) == CancelSmResp()
    assert (work.log, len(work.slices), work.wakes) == (["a", "a+"], 1, 1)
    assert not work.slices.run()
    assert work.log == ["a", "a+", "a+"]
    assert work.alice.answers == []


def test_an_account_keeps_its_order_and_accounts_take_turns() -> None:
    work = Work()
    first, second, other = CancelSm(1), CancelSm(2), CancelSm(3)
    assert work.slices.start(work.alice.bind, first, work.steps("a", 2)) == DEFERRED
    assert work.slices.start(work.alice.bind, second, work.steps("b", 0)) == DEFERRED
    assert work.slices.start(work.bob.bind, other, work.steps("c", 1)) == DEFERRED
    assert len(work.slices) == 3
    while work.slices.run():
        pass
    assert work.log == ["a", "c", "a", "c", "a", "b"]
    assert [request for request, _ in work.alice.answers] == [first, second]
    assert [request for request, _ in work.bob.answers] == [other]


def test_there_is_room_for_so_many() -> None:
    work = Work()
    for _ in range(MAX_JOBS):
        assert not work.slices.is_full
        work.slices.start(work.alice.bind, CancelSm(), work.steps("a", 1))
    assert work.slices.is_full


def test_a_mistake_ends_its_request_alone() -> None:
    def broken() -> Iterator[Pdu | None]:
        yield None
        raise ArithmeticError

    work = Work()
    assert work.slices.start(work.alice.bind, CancelSm(1), broken()) == DEFERRED
    assert work.slices.start(work.alice.bind, CancelSm(2), work.steps("b", 0)) == DEFERRED
    with pytest.raises(ArithmeticError):
        work.slices.run()
    assert len(work.slices) == 1
    while work.slices.run():
        pass
    assert [request.sequence_number for request, _ in work.alice.answers] == [2]
