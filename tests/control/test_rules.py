"""The desk of rules: what concerns rules alone. The rest is in test_adjusting."""

from __future__ import annotations

import pytest

from smppd.control.failures import InvalidError, NotFoundError
from tests.control.support import Stage, status_of
from tests.transport.stage import on_stage


def test_a_rule_as_it_is_shown() -> None:
    async def act(stage: Stage) -> None:
        rules = stage.server.control.rules
        view = rules.add({"when": {"destination_addr": "336*"}, "then": {"status": "ESME_RTHROTTLED"}})
        assert view.rule == {
            "name": "api-rule-1",
            "when": {"destination_addr": "336*"},
            "then": {"status": "ESME_RTHROTTLED"},
        }
        esme = stage.bound()
        assert status_of(esme, "3361") == 0x58
        view = rules.get("api-rule-1")
        assert (view.matched, view.fired, view.hook_failures) == (1, 1, 0)
        rules.reset_counts(["api-rule-1"])
        assert rules.get("api-rule-1").matched == 0
        with pytest.raises(NotFoundError):
            rules.reset_counts(["nobody"])

    on_stage("", act)


def test_a_rule_behind_one_that_leaves_it_nothing_is_odd() -> None:
    async def act(stage: Stage) -> None:
        rules = stage.server.control.rules
        rules.add({"name": "wide", "when": {"destination_addr": "336*"}, "then": {"status": 8}})
        narrow = {"when": {"destination_addr": "33612"}, "then": {"status": 8}}
        assert rules.add({"name": "first", **narrow}).warnings == []
        assert rules.add({"name": "hidden", **narrow}, last=True).warnings == [
            "first comes first and leaves nothing to hidden"
        ]
        assert rules.order(["wide"]).warnings == [
            "wide comes first and leaves nothing to first",
            "wide comes first and leaves nothing to hidden",
        ]
        assert rules.add({"name": "off", "enabled": False, **narrow}, last=True).warnings == []

    on_stage("", act)


def test_names_that_do_not_exist() -> None:
    async def act(stage: Stage) -> None:
        with pytest.raises(InvalidError) as caught:
            stage.server.control.rules.add(
                {"when": {"account": ["smppclient1", "smppclient2"], "route": "defautl"}, "then": {"status": 8}}
            )
        assert [where for where, _ in caught.value.problems] == ["when.account", "when.route"]
        assert 'did you mean "default"?' in str(caught.value)

    on_stage("", act)


def test_a_hook_is_code() -> None:
    async def act(stage: Stage) -> None:
        rules = stage.server.control.rules
        with pytest.raises(InvalidError, match="there is no module"):
            rules.add({"then": {"hook": "no_such_module:function"}})
        with pytest.raises(InvalidError, match="hooks = true"):
            rules.add({"then": {"hook": "json:dumps"}}, hooks=False)
        assert rules.add({"name": "mine", "then": {"hook": "json:dumps"}}).rule["then"] == {"hook": "json:dumps"}
        assert len(rules) == 1

    on_stage("", act)


def test_scenarios() -> None:
    async def act(stage: Stage) -> None:
        rules = stage.server.control.rules
        rules.add({"name": "b", "scenario": {"name": "s", "is": "open"}, "then": {"status": 9}})
        rules.add({"name": "a", "scenario": {"name": "s", "is": "", "becomes": "open"}, "then": {"status": 8}})
        esme = stage.bound()
        assert status_of(esme, "1") == 8
        (view,) = rules.scenarios()
        assert (view.name, view.state, view.states, view.rules) == ("s", "open", ["", "open"], ["a", "b"])
        assert rules.set_scenario("s", "shut").states == ["", "open", "shut"]
        assert status_of(esme, "1") == 0
        rules.reset_scenarios()
        assert status_of(esme, "1") == 8
        with pytest.raises(NotFoundError):
            rules.set_scenario("t", "x")

    on_stage("", act)
