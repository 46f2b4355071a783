"""What is sent to a server is judged like a configuration file."""

import pytest

from smppd.control.failures import InvalidError
from smppd.control.judging import check_account, mistakes_between_tables, names_of, read, refuse
from smppd.settings import Network, Route, Rule, Settings, Then


def test_all_that_is_wrong_is_told() -> None:
    with pytest.raises(InvalidError) as caught:
        read(Rule, {"when": {"destination_adr": "1"}, "then": {"status": "NOPE"}})
    assert [where for where, _ in caught.value.problems] == ["when.destination_adr", "then.status"]


def test_settings_are_taken_as_they_are() -> None:
    rule = Rule(then=Then(status=1))
    assert read(Rule, rule) is rule
    assert read(Rule, {"then": {"status": 1}}) == rule


def test_an_account_must_exist() -> None:
    check_account(Settings(), "smppclient1", "namespace")
    with pytest.raises(InvalidError) as caught:
        check_account(Settings(), "smppclient", "namespace")
    assert caught.value.problems == [("namespace", 'there is no account "smppclient" (did you mean "smppclient1"?)')]


def test_names() -> None:
    assert names_of(Settings()) == (["smppclient1"], ["default"])


def test_tables_are_judged_beside_each_other() -> None:
    assert mistakes_between_tables(Settings()) == []
    settings = Settings(route=[Route(name="a", network="x")], network={"y": Network()})
    (problem,) = mistakes_between_tables(settings)
    assert problem.key == "route[0].network"
    with pytest.raises(InvalidError):
        refuse([problem])
