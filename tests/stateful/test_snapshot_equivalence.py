"""What follows a restore is what would have followed the snapshot: to the last octet, whatever went before.

Three servers do the same. Then the sessions of the first end, and it goes on; the second goes on for a while, and is
taken back to the snapshot; the third is a new one that the snapshot is restored in. From then on all three are asked
the same, and must say the same.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.control.snapshot.universe import PREFIXES, Universe
from tests.transport.support import run_virtually

WHICH = st.integers(0, 3)
DESTINATIONS = st.tuples(st.integers(0, len(PREFIXES) - 1), st.integers(0, 2))
REGISTERED = st.sampled_from([0, 1, 1, 1, 2, 0x11, 0x0D])
MOVES = st.one_of(
    st.tuples(st.just("bind"), st.sampled_from(["alice", "bob"]), st.booleans()),
    st.tuples(st.just("unbind"), WHICH),
    st.tuples(st.just("wake"), WHICH),
    st.tuples(st.just("refuse"), WHICH, st.sampled_from([0x64, 0x65, 0x66, 0x58])),
    st.tuples(st.just("advance"), st.integers(1, 40)),
    st.tuples(st.just("submit"), WHICH, DESTINATIONS, st.integers(0, 9), REGISTERED),
    st.tuples(st.just("submit"), WHICH, DESTINATIONS, st.integers(0, 9), REGISTERED),
    st.tuples(st.just("burst"), WHICH, st.integers(0, len(PREFIXES) - 1), st.integers(1, 6)),
    st.tuples(st.just("data"), WHICH, DESTINATIONS, st.sampled_from([0, 2])),
    st.tuples(st.just("mo"), WHICH, st.sampled_from([0, 0, 3, 60]), st.booleans()),
    st.tuples(st.just("acknowledge"), WHICH),
    st.tuples(st.just("multi"), WHICH, st.lists(st.integers(0, 5), min_size=1, max_size=4)),
    st.tuples(st.just("query"), WHICH, st.integers(0, 9)),
    st.tuples(st.just("cancel"), WHICH, st.integers(0, 9)),
    st.tuples(st.just("replace"), WHICH, st.integers(0, 9)),
    st.tuples(st.just("broadcast"), WHICH, st.integers(0, 4)),
    st.tuples(st.just("query_broadcast"), WHICH),
)
BEGINNING: list[tuple[Any, ...]] = [("bind", "alice", True), ("bind", "bob", False)]
AFTERWARDS: list[tuple[Any, ...]] = [("bind", "alice", True), ("bind", "bob", True)]
END: list[tuple[Any, ...]] = [("advance", 100), ("query", 0, 0), ("advance", 400), ("query", 0, 1), ("advance", 40_000)]
SCRIPTS = st.lists(MOVES, max_size=25)


@given(before=SCRIPTS, meanwhile=SCRIPTS, after=SCRIPTS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_what_follows_is_the_same(before: list[Any], meanwhile: list[Any], after: list[Any]) -> None:
    run_virtually(_compare(before, meanwhile, after))


async def _compare(before: list[Any], meanwhile: list[Any], after: list[Any]) -> None:
    original, same, fresh = Universe(), Universe(), Universe()
    for universe in (original, same):
        universe.play(BEGINNING + before)
    assert original.heard == same.heard
    octets = await same.snapshot()
    original.part()
    same.play(meanwhile)
    await same.restore(octets)
    same.part()
    await fresh.restore(octets)
    for universe in (original, same, fresh):
        universe.heard.clear()
        universe.play(AFTERWARDS + after + END)
    for universe in (fresh, same):
        both = zip_longest(original.heard, universe.heard)
        assert next((pair for pair in both if pair[0] != pair[1]), None) is None
        # Sessions have other numbers where there were more of them meanwhile.
        assert original.told(with_sessions=universe is fresh) == universe.told(with_sessions=universe is fresh)
    for universe in (original, same, fresh):
        assert universe.stage.events("internal error") == []


def _rich(seconds: int) -> list[tuple[Any, ...]]:
    """Something for every rule, fault, route and kind of message, in a fixed order."""
    moves: list[tuple[Any, ...]] = []
    for prefix in range(len(PREFIXES)):
        for which in (0, 1):
            moves.append(("burst", which, prefix, 3))
            moves += [
                ("submit", which, (prefix, number), (number + 3 * which + prefix) % 9, 0x1D) for number in range(3)
            ]
        moves += [("mo", prefix, 0, prefix % 3 == 0), ("mo", prefix, prefix * seconds, False)]
        moves += [("acknowledge", 0), ("advance", seconds)]
    moves += [("data", 0, (7, 1), 2), ("broadcast", 1, 9), ("multi", 0, [1, 2, 3]), ("refuse", 1, 0x64)]
    return moves


def test_a_rich_life() -> None:
    """Whatever a snapshot forgets shows here: each kind of state is in use before, and matters afterwards."""
    for seconds in (1, 3, 8):
        run_virtually(_compare(_rich(seconds), _rich(2), _rich(1)))


def test_what_has_one_attempt_and_is_on_its_way() -> None:
    """It has failed with its session, and its life says so."""
    before = [("unbind", 0), ("bind", "alice", False), ("submit", 0, (6, 1), 9, 1), ("advance", 1)]
    run_virtually(_compare(before, [], []))


def test_one_message_in_several_sessions() -> None:
    """Its story tells of their ends in their order."""
    run_virtually(_compare([("bind", "bob", False), ("submit", 1, (6, 0), 0, 1)], [], []))


def test_in_the_middle_of_a_long_life() -> None:
    """The same at several moments of one life."""
    script = _rich(2)
    for end in range(5, len(script), 9):
        run_virtually(_compare(script[:end], script[end : end + 9], script[end:]))
