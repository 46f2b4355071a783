"""The compact memory of ids, beside two plain sets."""

from hypothesis import given
from hypothesis import strategies as st

from smppd.load.recent import Recent


@given(st.integers(1, 6), st.lists(st.tuples(st.sampled_from(["add", "look", "discard"]), st.integers(0, 12))))
def test_it_remembers_what_two_sets_would(generation: int, steps: list[tuple[str, int]]) -> None:
    recent = Recent(generation)
    young: set[bytes] = set()
    old: set[bytes] = set()
    added = 0
    for step, number in steps:
        item = b"%d" % number
        known = item in young or item in old
        if step == "look":
            assert (item in recent) == known
        elif step == "discard":
            assert recent.discard(item) == known
            young.discard(item)
            old.discard(item)
        else:
            assert recent.add(item) == known
            if item not in young:
                young.add(item)
                added += 1
            if added == generation:
                young, old, added = set(), young, 0


def test_at_least_a_generation_is_remembered_and_at_most_two() -> None:
    recent = Recent(1000)
    ids = [b"%010d" % number for number in range(10_000)]
    for position, item in enumerate(ids):
        assert not recent.add(item)
        if position % 777 == 0:
            assert all(each in recent for each in ids[max(0, position - 999) : position + 1])
    assert not any(each in recent for each in ids[:-2000])
