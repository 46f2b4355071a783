"""The desk of faults: what concerns faults alone. The rest is in test_adjusting."""

from __future__ import annotations

import pytest

from smppd.control.failures import InvalidError
from tests.control.support import Stage, status_of
from tests.transport.stage import on_stage

TWO = """
[[account]]
system_id = "a[1]"
password = "secret"

[[account]]
system_id = "a1"
password = "secret"
"""


def test_a_fault_takes_effect_at_once() -> None:
    async def act(stage: Stage) -> None:
        faults = stage.server.control.faults
        esme = stage.bound()
        assert status_of(esme, "1") == 0
        view = faults.add({"kind": "throttle", "status": "ESME_RMSGQFUL"}, expires_in=60.0)
        assert (view.name, view.group, view.origin) == ("api-fault-1", "load", "api")
        assert view.fault == {"kind": "throttle", "name": "api-fault-1", "status": "ESME_RMSGQFUL"}
        assert status_of(esme, "1") == 0x14
        view = faults.get("api-fault-1")
        assert (view.matched, view.fired) == (1, 1)
        assert list(stage.server.settings.fault) == list(stage.server.faults)
        faults.reset_counts()
        assert faults.get("api-fault-1").fired == 0
        assert stage.server.faults.totals() == {"api-fault-1": 1}
        stage.advance(60.0)
        assert status_of(esme, "1") == 0
        assert len(faults) == 0

    on_stage("", act)


def test_a_namespace_is_no_pattern() -> None:
    async def act(stage: Stage) -> None:
        faults = stage.server.control.faults
        faults.add({"kind": "throttle"}, namespace="a[1]")
        other = stage.bound(system_id="a1", password="secret")
        mine = stage.bound(system_id="a[1]", password="secret")
        assert (status_of(other, "1"), status_of(mine, "1")) == (0, 0x58)
        assert faults.put("api-fault-1", faults.get("api-fault-1").fault, namespace="a[1]").namespace == "a[1]"
        with pytest.raises(InvalidError) as caught:
            faults.add({"kind": "throttle", "account": "*"}, namespace="a1")
        assert [where for where, _ in caught.value.problems] == ["account"]

    on_stage(TWO, act)


def test_mistakes() -> None:
    async def act(stage: Stage) -> None:
        faults = stage.server.control.faults
        for wrong, where in (
            ({"kind": "throtle"}, "kind"),
            ({}, "kind"),
            ({"kind": "throttle", "account": "nobody"}, "account"),
            ({"kind": "route_down", "route": "nowhere"}, "route"),
        ):
            with pytest.raises(InvalidError) as caught:
                faults.add(wrong)
            assert [each for each, _ in caught.value.problems] == [where]
        assert len(faults) == 0

    on_stage("", act)
