"""Orders against a description of them that is slow and obvious."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.control.verification.order import How, Order
from tests.control.verification.world import World, matcher, submit

STEPS = st.lists(st.sampled_from(["a", "b", "[ab]"]), min_size=1, max_size=4)
TEXTS = st.text("abx", max_size=7)


def judged(steps: list[str], texts: str, how: How) -> tuple[str, list[int | None]]:
    world = World()
    order = Order([matcher(text={"glob": step}) for step in steps], how, scope=None, whole=False)
    for letter in texts:
        order.see(world.record(world.put(submit(letter))))
    return order.judge.reason(), [None if one is None else one.record.number for one in order.judge.items]


def fits(step: str, letter: str) -> bool:
    return letter in step


def obvious(steps: list[str], texts: str, how: How) -> bool:
    if how == "strict":
        # The first step that a PDU meets must be the one that is due, for each PDU that meets any.
        relevant = [letter for letter in texts if any(fits(step, letter) for step in steps)]
        return len(relevant) == len(steps) and all(map(fits, steps, relevant))
    if how == "adjacent":
        places = range(len(texts) - len(steps) + 1)
        return any(all(map(fits, steps, texts[place:])) for place in places)
    return any(all(map(fits, steps, chosen)) for chosen in combinations(texts, len(steps)))


@pytest.mark.parametrize("how", ["loose", "strict", "adjacent"])
@given(STEPS, TEXTS)
def test_orders_are_judged_as_described(how: How, steps: list[str], texts: str) -> None:
    reason, items = judged(steps, texts, how)
    assert (reason == "") is obvious(steps, texts, how), reason
    found = [number for number in items if number is not None]
    assert found == sorted(set(found))
    assert items == found + [None] * (len(items) - len(found))
    if how != "strict":
        assert (reason == "") is (len(found) == len(steps))
    for step, number in zip(steps, found, strict=False):
        assert fits(step, texts[number])


@pytest.mark.parametrize(
    ("steps", "texts", "how", "reason"),
    [
        (["a", "b"], "", "loose", "no PDU meets step 1"),
        (["a", "b"], "a", "loose", "no PDU meets step 2"),
        (["a", "b"], "ba", "loose", "no PDU meets step 2 after #1; #0 did before"),
        (["a", "b"], "b", "strict", "#0 meets step 2 where step 1 was expected"),
        (["a", "b"], "abb", "strict", "#2 meets step 2 once more, after the last step"),
        (["a", "b"], "a", "strict", "no PDU meets step 2"),
        (["a", "b"], "x", "adjacent", "no PDU meets step 1"),
        (["a", "b"], "ax", "adjacent", "step 2 does not follow #0 at once; #1 does"),
        (["a", "b"], "a", "adjacent", "nothing follows for step 2"),
    ],
)
def test_reasons(steps: list[str], texts: str, how: How, reason: str) -> None:
    assert judged(steps, texts, how)[0] == reason
