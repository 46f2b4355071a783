"""The desk of routes."""

from __future__ import annotations

from typing import Any

import pytest

from smppd.control.failures import ConflictError, InvalidError, NotFoundError
from tests.control.support import Stage, status_of
from tests.transport.stage import on_stage

FILE = """
[[route]]
name = "fr"
match = { destination_addr = "33*" }

[[route]]
name = "rest"
match = { destination_addr = "4*" }
"""
NO_ROUTE = 0x0B


def route(name: str, beginning: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "match": {"destination_addr": f"{beginning}*"}, **fields}


def names(stage: Stage) -> list[str]:
    return [view.name for view in stage.server.control.routes.page().items]


def test_routes_come_and_go() -> None:
    async def act(stage: Stage) -> None:
        routes = stage.server.control.routes
        esme = stage.bound()
        assert (status_of(esme, "331"), status_of(esme, "77")) == (0, NO_ROUTE)
        view = routes.add(route("seven", "7"))
        assert (view.position, view.origin, view.network, view.waiting) == (1, "api", "default", 0)
        assert status_of(esme, "77") == 0
        routes.delete("seven")
        assert status_of(esme, "77") == NO_ROUTE
        with pytest.raises(NotFoundError):
            routes.get("seven")

    on_stage(FILE, act)


def test_their_order() -> None:
    async def act(stage: Stage) -> None:
        routes = stage.server.control.routes
        routes.add(route("a", "331"))
        routes.add(route("b", "332"), before="rest")
        routes.add(route("c", "333"), after="rest")
        routes.add({"name": "all"}, last=True)
        assert names(stage) == ["a", "fr", "b", "rest", "c", "all"]
        assert [view.name for view in routes.order(["b", "a"]).items] == ["b", "a", "fr", "rest", "c", "all"]
        for wrong in ({"before": "x"}, {"before": "a", "last": True}):
            with pytest.raises(InvalidError):
                routes.add(route("d", "9"), **wrong)  # type: ignore[arg-type]
        with pytest.raises(InvalidError) as caught:
            routes.order(["all"])
        assert "takes every message" in str(caught.value)
        with pytest.raises(InvalidError):
            routes.order(["a", "a", "frr"])
        assert names(stage) == ["b", "a", "fr", "rest", "c", "all"]

    on_stage(FILE, act)


def test_one_in_the_place_of_another() -> None:
    async def act(stage: Stage) -> None:
        routes = stage.server.control.routes
        view = routes.put("rest", route("rest", "5"))
        assert (view.position, view.changed) == (2, True)
        assert routes.put("new", {"match": {"destination_addr": "6*"}}).position == 1
        with pytest.raises(InvalidError) as caught:
            routes.put("rest", route("other", "5"))
        assert [where for where, _ in caught.value.problems] == ["name"]
        assert [view.name for view in routes.put_all([route("x", "1"), {"name": "y"}]).items] == ["x", "y"]

    on_stage(FILE, act)


def test_what_others_refer_to_stays() -> None:
    async def act(stage: Stage) -> None:
        control = stage.server.control
        control.rules.add({"name": "r", "when": {"route": "fr"}, "then": {"status": 8}})
        control.faults.add({"kind": "route_down", "name": "f", "route": "rest"})
        with pytest.raises(ConflictError, match='rule "r"'):
            control.routes.delete("fr")
        with pytest.raises(ConflictError, match='fault "f"'):
            control.routes.delete("rest")
        control.rules.delete("r")
        control.routes.delete("fr")
        control.faults.delete("f")
        with pytest.raises(ConflictError, match="last route"):
            control.routes.delete("rest")
        with pytest.raises(ConflictError, match="last route"):
            control.routes.put_all([])

    on_stage(FILE, act)


def test_mistakes() -> None:
    async def act(stage: Stage) -> None:
        routes = stage.server.control.routes
        before = stage.server.settings
        for table, where in (
            (route("a", "9", network="nowhere"), "network"),
            ({"name": "a", "match": {"account": "nobody"}}, "match.account"),
            ({"name": "a"}, "match"),
            ({"match": {}}, "name"),
        ):
            with pytest.raises(InvalidError) as caught:
                routes.add(table)
            assert [each for each, _ in caught.value.problems] == [where]
        with pytest.raises(ConflictError, match='there is a route "fr"'):
            routes.add(route("fr", "9"))
        assert stage.server.settings is before

    on_stage(FILE, act)
