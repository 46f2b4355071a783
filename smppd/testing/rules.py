"""Rules and faults as tests write them: one level of words, or the tables of a configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from smppd.errors import UserError
from smppd.settings.rules import Rule, Then
from smppd.testing.conditions import Conditions, when_table
from smppd.testing.options import plain

__tracebackhide__ = True
__unittest = True  # pytest and unittest leave the frames of such modules out: what failed is in the test

RULE_KEYS: Final = frozenset(Rule.__struct_encode_fields__) - {"when", "then"}
"""What says when a rule is awake and how often it fires."""

THEN_KEYS: Final = frozenset(Then.__struct_encode_fields__) - {"sequence_number"}
"""What a rule does. sequence_number stays a condition; in an answer it is said by `then`."""


class RuleWords(Conditions, total=False):
    """What a rule may be given as: conditions, how often it fires, and what it does."""

    name: str
    after: int
    every: int
    probability: float
    times: int
    schedule: Mapping[str, Any]
    scenario: Mapping[str, Any]
    then: Mapping[str, Any]
    """Anything that `then` of a rule can say."""
    status: str | int
    delay: float | Mapping[str, Any]
    answer: Literal["once", "none", "twice", "nack"]
    outcome: str
    error: int
    receipt_delay: float | Mapping[str, Any]
    throttle: float
    reply: str | Mapping[str, Any]
    connection: Literal["unbind", "close", "reset", "silent"]
    hook: str


def rule_table(words: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as a configuration file has it. Raises UserError for a word that is none."""
    if not isinstance(words, Mapping):
        raise UserError(f"{words!r}: expected a rule, such as {{'to': '336*', 'status': 'ESME_RTHROTTLED'}}")
    table: dict[str, Any] = {"then": dict(plain(words.get("then", {})))}
    conditions: dict[str, Any] = {}
    for name, value in words.items():
        if name in THEN_KEYS:
            table["then"][name] = plain(value)
        elif name in RULE_KEYS:
            table[name] = plain(value)
        elif name != "then":
            conditions[name] = value
    if conditions:
        table["when"] = when_table(conditions, RULE_KEYS | THEN_KEYS)
    return table
