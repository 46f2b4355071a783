"""What concerns rules alone: hooks and scenarios. The rest is in test_adjusting."""

from __future__ import annotations

from smppd.settings import Rule, Then
from smppd.settings.api import Api
from tests.api.support import serving

HOOK = {"then": {"hook": "json:dumps"}}


def test_hooks_are_code() -> None:
    with serving() as (_, client):
        assert set(client.post("/rules", HOOK).errors) == {"then.hook"}
        assert set(client.put("/rules", {"rules": [HOOK]}).errors) == {"rules[0].then.hook"}
    with serving(rule=[Rule(name="own", then=Then(hook="json:dumps"))]) as (_, client):
        assert client.post("/rules", HOOK).status == 201
        assert set(client.post("/rules", {"then": {"hook": "json:loads"}}).errors) == {"then.hook"}
    with serving(api=Api(hooks=True)) as (_, client):
        assert client.post("/rules", HOOK).status == 201
        assert set(client.post("/rules", {"then": {"hook": "no_such_module:x"}}).errors) == {"then.hook"}


def test_warnings_refuse_nothing() -> None:
    with serving() as (_, client):
        client.post("/rules", {"name": "wide", "then": {"status": 8}})
        answer = client.post("/rules?last=true", {"name": "narrow", "then": {"status": 9}})
        assert (answer.status, answer.json["warnings"]) == (
            201,
            ["wide comes first and leaves nothing to narrow"],
        )


def test_scenarios() -> None:
    with serving() as (_, client):
        rule = {"name": "r", "scenario": {"name": "s", "is": "", "becomes": "on"}, "then": {"status": 8}}
        assert client.post("/rules", rule).status == 201
        view = {"name": "s", "state": "", "states": ["", "on"], "rules": ["r"]}
        assert client.get("/scenarios").json == {"items": [view], "next": None}
        assert client.put("/scenarios/s", {"state": "on"}).json == {**view, "state": "on"}
        assert client.get("/scenarios/s").json["state"] == "on"
        assert client.post("/scenarios/reset").status == 204
        assert client.get("/scenarios/s").json == view
        assert client.get("/scenarios/t").status == client.put("/scenarios/t", {"state": "x"}).status == 404
        assert set(client.put("/scenarios/s", {"state": 7}).errors) == {"state"}


def test_scenarios_come_in_pages_as_all_lists_do() -> None:
    with serving() as (_, client):
        for name in ("a", "b", "c"):
            client.post("/rules", {"scenario": {"name": name, "is": "x"}, "then": {"status": 8}})
        first = client.get("/scenarios?limit=2").json
        assert [each["name"] for each in first["items"]] == ["a", "b"]
        second = client.get(f"/scenarios?limit=2&cursor={first['next']}").json
        assert ([each["name"] for each in second["items"]], second["next"]) == (["c"], None)
        assert set(client.get(f"/routes?cursor={first['next']}").errors) == {"cursor"}
