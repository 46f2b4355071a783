"""Tables by name, to which others refer: what networks and dialects have in common, shown with networks."""

from __future__ import annotations

import pytest

from smppd.control.failures import ConflictError, InvalidError, NotFoundError
from tests.control.support import Stage
from tests.transport.stage import on_stage

FILE = """
[network.slow]
absent_for = 5

[[route]]
name = "one"
network = "slow"
"""


def test_they_come_and_go() -> None:
    async def act(stage: Stage) -> None:
        networks = stage.server.control.networks
        assert [view.name for view in networks.page().items] == ["slow", "default"]
        view = networks.put("bad", {"outcome": {"UNDELIV": 1}})
        assert (view.origin, view.changed, view.used_by) == ("api", False, [])
        networks.delete("bad")
        for name in ("bad", "nobody"):
            with pytest.raises(NotFoundError):
                networks.delete(name)
        with pytest.raises(NotFoundError):
            networks.get("bad")

    on_stage(FILE, act)


def test_what_is_used_stays() -> None:
    async def act(stage: Stage) -> None:
        networks = stage.server.control.networks
        with pytest.raises(ConflictError, match='used by route "one"'):
            networks.delete("slow")
        with pytest.raises(ConflictError, match="always exists"):
            networks.delete("default")
        view = networks.put("slow", {})
        assert (view.origin, view.changed, view.used_by) == ("file", True, ['route "one"'])

    on_stage(FILE, act)


def test_mistakes() -> None:
    async def act(stage: Stage) -> None:
        networks = stage.server.control.networks
        before = stage.server.settings
        for name, table, where in (
            ("no name", {}, "name"),
            ("x", {"outcome": {"UNDELIV": 0}}, "outcome"),
            ("x", {"delay": {"distribution": "uniform", "min": 2, "max": 1}}, "delay.min"),
        ):
            with pytest.raises(InvalidError) as caught:
                networks.put(name, table)
            assert [each for each, _ in caught.value.problems] == [where]
        assert stage.server.settings is before

    on_stage(FILE, act)
