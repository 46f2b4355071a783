"""The desk of networks: what concerns networks alone. The rest is in test_named."""

from __future__ import annotations

from tests.control.support import Stage, status_of
from tests.transport.stage import on_stage


def test_a_network_takes_effect_at_once() -> None:
    async def act(stage: Stage) -> None:
        networks = stage.server.control.networks
        esme = stage.bound()
        networks.put("default", {"delay": {"distribution": "fixed", "value": 1}, "outcome": {"UNDELIV": 1}})
        assert status_of(esme, "1") == 0
        networks.put("default", {"delay": {"distribution": "fixed", "value": 1}})
        assert status_of(esme, "1") == 0
        esme.received()
        stage.advance(1.0)
        states = [text.partition("stat:")[2][:7] for text in esme.texts()]
        assert states == ["UNDELIV", "DELIVRD"]
        assert networks.get("default").network == {"delay": {"distribution": "fixed", "value": 1.0}}

    on_stage("", act)


def test_a_network_that_stays_as_it_is_goes_on() -> None:
    async def act(stage: Stage) -> None:
        before = stage.server.engine.routes["default"].network
        stage.server.control.networks.put("other", {})
        assert stage.server.engine.routes["default"].network is before

    on_stage("", act)
