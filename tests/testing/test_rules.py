"""Rules as tests write them."""

import re

import pytest

from smppd.errors import UserError
from smppd.settings.rules import Rule
from smppd.testing.conditions import read_strictly
from smppd.testing.rules import rule_table


def test_one_level_of_words() -> None:
    table = rule_table({"to": "336*", "text": re.compile("code"), "status": "ESME_RTHROTTLED", "times": 2, "name": "a"})
    assert table == {
        "name": "a",
        "times": 2,
        "when": {"destination_addr": "336*", "text": {"regex": "code"}},
        "then": {"status": "ESME_RTHROTTLED"},
    }
    assert read_strictly(Rule, table).times == 2


def test_the_tables_of_a_file() -> None:
    table = {"when": {"text": "a*"}, "then": {"outcome": "UNDELIV"}, "scenario": {"name": "a", "is": "b"}}
    assert rule_table(table) == table


def test_both_together() -> None:
    table = rule_table({"when": {"priority_flag": 1}, "to": "1", "then": {"status": 0}, "delay": 2})
    assert table == {"when": {"priority_flag": 1, "destination_addr": "1"}, "then": {"status": 0, "delay": 2}}


def test_a_rule_about_everything() -> None:
    assert rule_table({"status": 8}) == {"then": {"status": 8}}


def test_a_word_that_is_none() -> None:
    with pytest.raises(UserError, match='statuss: there is no such condition; did you mean "status"'):
        rule_table({"statuss": "ESME_RTHROTTLED"})
