import subprocess
import sys

from smppd.behaviour.chance import Chance, Chances, Purpose
from tests.behaviour.support import ROOT


def test_draws_are_the_same_in_every_process() -> None:
    """The figures are part of what a seed promises: another release must not draw others."""
    draws = [Chance(7, "rule", "esme").draw(ordinal) for ordinal in (1, 2, 3)]
    assert [f"{draw:.6f}" for draw in draws] == ["0.286017", "0.458084", "0.492503"]
    code = "from smppd.behaviour.chance import Chance; print(Chance(7, 'rule', 'esme').draw(1).hex())"
    environ = {"PYTHONPATH": f"{ROOT}:{ROOT / 'protocol'}", "PYTHONHASHSEED": "5"}
    found = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == draws[0].hex()


def test_every_part_of_the_key_counts() -> None:
    keys = [(1, "ab", "c"), (1, "a", "bc"), (2, "ab", "c"), (1, "ab", ""), (1, "ab/c", "")]
    draws = {Chance(*key).draw(ordinal, purpose) for key in keys for ordinal in (1, 2) for purpose in Purpose}
    assert len(draws) == len(keys) * 2 * len(Purpose)


def test_draws_are_spread_evenly() -> None:
    chance = Chance(0, "rule", "esme")
    draws = [chance.draw(ordinal) for ordinal in range(1, 10_001)]
    assert all(0 <= draw < 1 for draw in draws)
    tenths = [sum(1 for draw in draws if int(draw * 10) == tenth) for tenth in range(10)]
    assert all(900 < count < 1100 for count in tenths)


def test_draws_for_two_purposes_are_independent() -> None:
    chance = Chance(0, "rule", "esme")
    pairs = [(chance.draw(n, Purpose.FIRES) < 0.5, chance.draw(n, Purpose.DELAY) < 0.5) for n in range(1, 4001)]
    assert all(900 < pairs.count((one, other)) < 1100 for one in (True, False) for other in (True, False))


def test_each_account_counts_for_itself() -> None:
    chances = Chances(0, "rule")
    order = [chances.next(account) for account in ("a", "b", "a")]
    assert [ordinal for _, ordinal in order] == [1, 1, 2]
    assert order[0][0].draw(1) == Chance(0, "rule", "a").draw(1)
    assert order[0][0].draw(1) != order[1][0].draw(1)


def test_the_draws_of_an_account_can_begin_again() -> None:
    chances = Chances(1, "rule")
    first = [chances.next("a"), chances.next("a")]
    chances.next("b")
    chances.forget("a")
    chances.forget("nobody")
    assert [ordinal for _, ordinal in first] == [1, 2]
    assert chances.next("a")[1] == 1
    assert chances.next("b")[1] == 2
