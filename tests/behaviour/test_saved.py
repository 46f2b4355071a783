"""What rules and faults keep goes from one server to another."""

from __future__ import annotations

from datetime import UTC

import msgspec

from smppd.behaviour.chance import Chances
from smppd.behaviour.facts import Facts
from smppd.behaviour.rules import RuleBook
from smppd.behaviour.saved import FaultRow, RuleRow
from smppd.settings import Rule
from smppd.settings.rules import Then, When
from tests.behaviour.support import submit


def book_with(*rules: Rule, seed: int = 3) -> RuleBook:
    return RuleBook(rules, seed=seed, zone=UTC)


def rule(name: str, **fields: object) -> Rule:
    return Rule(name=name, when=When(), then=Then(status="ESME_RSYSERR"), **fields)  # type: ignore[arg-type]


def test_draws_go_on_where_they_stood() -> None:
    mine, yours = Chances(1, "x"), Chances(1, "x")
    for _ in range(5):
        mine.next("alice")
    yours.go_on_from(mine.ordinals)
    chance, ordinal = mine.next("alice")
    other, same = yours.next("alice")
    assert (chance.draw(ordinal), ordinal) == (other.draw(same), same)


def test_rules_go_on_where_they_stood() -> None:
    rules = [rule("a", probability=0.5, times=9), rule("b", after=2)]
    first, second = book_with(*rules), book_with(*rules, seed=8)
    pdu = submit("1")
    seen = Facts("alice")
    for _ in range(20):
        first.find(pdu, seen)
    rows = msgspec.msgpack.decode(msgspec.msgpack.encode(first.rows()), type=list[RuleRow])
    second.put_back(rows, seed=3, zone=UTC)
    assert second.hits() == first.hits()
    assert [first.find(pdu, seen) for _ in range(20)] == [second.find(pdu, seen) for _ in range(20)]


def test_what_is_told_of_a_server_does_not_jump() -> None:
    """Prometheus is told what this process has done, whatever the snapshot says."""
    rules = [rule("a")]
    first, second = book_with(*rules), book_with(*rules)
    pdu, seen = submit("1"), Facts("alice")
    for _ in range(7):
        first.find(pdu, seen)
    for _ in range(2):
        second.find(pdu, seen)
    second.put_back(first.rows(), seed=3, zone=UTC)
    assert second.hits()["a"].fired == 7
    assert second.totals()["a"].fired == 2
    second.find(pdu, seen)
    assert second.totals()["a"].fired == 3


def test_rows_of_others_are_left_out() -> None:
    book = book_with(rule("a"))
    book.put_back([RuleRow("gone", 1, 1, 0, {}, {})], seed=3, zone=UTC)
    assert book.hits()["a"].matched == 0
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(FaultRow("f", 1, 1, {"a": 2})), type=FaultRow).ordinals == {
        "a": 2
    }
