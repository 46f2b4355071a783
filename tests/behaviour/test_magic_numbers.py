"""config/rules/magic-numbers.toml and docs/magic-numbers.md say the same, and each number does one thing."""

import re

import pytest

from smppd.behaviour.facts import Facts
from smppd.behaviour.firing import Firing, Reply
from smppd.behaviour.rules import RuleBook
from smppd.settings import Rule, load_settings
from smppwire.constants import CommandStatus, MessageState
from tests.behaviour.support import ROOT, submit

RULES = load_settings(None, {}, ["server.rules=magic-numbers"]).rule
FACTS = Facts("smppclient1", default_alphabet="latin-1")


def documented() -> dict[str, tuple[str, str]]:
    """Number -> name of the rule and what it does."""
    text = (ROOT / "docs" / "magic-numbers.md").read_text()
    rows = re.findall(r"^\| `(\d+)` \| `(.+?)` \| (.+) \|$", text, re.MULTILINE)
    return {number: (name, what) for number, name, what in rows}


def number_of(rule: Rule) -> str:
    test = rule.when.destination_addr
    assert test is not None
    assert isinstance(test.glob, list)
    plain, plus = test.glob
    assert plus == f"+{plain}"
    return plain.removesuffix("*")


def fired(number: str) -> Firing | None:
    return RuleBook(RULES).find(submit(number), FACTS)


def test_the_table_has_every_rule() -> None:
    assert {number: name for number, (name, _) in documented().items()} == {
        number_of(rule): rule.name for rule in RULES
    }


def test_no_number_begins_with_another() -> None:
    numbers = [number_of(rule) for rule in RULES]
    assert len(set(numbers)) == len(numbers)
    assert {len(number) for number in numbers} == {6}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_table_says_what_the_rule_does(rule: Rule) -> None:
    _, what = documented()[number_of(rule)]
    then = rule.then
    if isinstance(then.status, str):
        assert then.status in what
        assert (
            rule.every > 1
            or rule.probability < 1
            or then.answer == "nack"
            or f"(0x{CommandStatus[then.status]:02X})" in what
        )
    if then.outcome is not None and then.reply is None:
        assert what.startswith(then.outcome)
    if then.error is not None:
        assert f"err {then.error:03d}" in what


@pytest.mark.parametrize("destination", ["999100", "99910012345678", "+999100", "+9991001"])
def test_what_counts_is_the_beginning(destination: str) -> None:
    assert fired(destination) == Firing("throttled", status=0x58)


@pytest.mark.parametrize("destination", ["447700900123", "99910", "999", "0999100", "1999100", ""])
def test_other_destinations_are_left_alone(destination: str) -> None:
    assert fired(destination) is None


@pytest.mark.parametrize(
    ("number", "firing"),
    [
        ("999101", Firing("queue-full", status=0x14)),
        ("999102", Firing("invalid-destination", status=0x0B)),
        ("999110", Firing("vendor-status", status=0x42E)),
        ("999111", Firing("nacked", status=0x58, answer="nack")),
        ("999201", Firing("undeliverable", outcome=MessageState.UNDELIVERABLE, error=1, receipt_delay=1.0)),
        ("999202", Firing("expired", outcome=MessageState.EXPIRED, error=27, receipt_delay=1.0)),
        ("999203", Firing("rejected", outcome=MessageState.REJECTED, error=13, receipt_delay=1.0)),
        ("999204", Firing("unknown", outcome=MessageState.UNKNOWN, receipt_delay=1.0)),
        ("999301", Firing("answered-after-5-s", delay=5.0)),
        ("999310", Firing("no-answer", answer="none")),
        ("999311", Firing("answered-twice", answer="twice")),
        ("999312", Firing("wrong-sequence", sequence_number=2)),
        ("999400", Firing("unbind", connection="unbind")),
        ("999404", Firing("reset-unanswered", answer="none", connection="reset")),
        ("999405", Firing("silent", answer="none", connection="silent")),
        (
            "999501",
            Firing("replies-echo", outcome=MessageState.DELIVERED, reply=Reply("hello", 1.0, b"999501", b"smppd")),
        ),
    ],
)
def test_what_the_numbers_do(number: str, firing: Firing) -> None:
    assert fired(number) == firing


def test_now_and_then() -> None:
    book = RuleBook(RULES)
    pattern = ["x" if book.find(submit("999120"), FACTS) else "." for _ in range(6)]
    assert "".join(pattern) == ".x.x.x"
    refused = sum(1 for _ in range(1000) if book.find(submit("999121"), FACTS))
    assert 60 < refused < 140
