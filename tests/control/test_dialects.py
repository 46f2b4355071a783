"""The desk of dialects: what concerns dialects alone. The rest is in test_named."""

from __future__ import annotations

import pytest

from smppd.control.failures import ConflictError, InvalidError
from smppd.settings.dialects import Dialect
from tests.control.support import Stage
from tests.transport.stage import on_stage, sms

HEX = {"message_id": {"response": {"base": "hex", "prefix": "x"}}}


def test_sessions_that_are_bound_speak_it_at_once() -> None:
    async def act(stage: Stage) -> None:
        dialects = stage.server.control.dialects
        esme = stage.bound()
        (plain,) = esme.ask(sms("1", "Hello"))
        assert plain.message_id.isdigit()  # type: ignore[attr-defined]
        assert dialects.put("default", HEX).used_by == ['account "smppclient1"']
        (hexadecimal,) = esme.ask(sms("1", "Hello"))
        assert hexadecimal.message_id.startswith(b"x")  # type: ignore[attr-defined]
        with pytest.raises(ConflictError):
            dialects.delete("default")

    on_stage("", act)


def test_what_it_is_based_on() -> None:
    async def act(stage: Stage) -> None:
        dialects = stage.server.control.dialects
        dialects.put("mine", HEX)
        view = dialects.put("yours", {"based_on": "mine", "message_id": {"response": {"prefix": ""}}})
        assert (view.based_on, view.dialect) == ("mine", {"message_id": {"response": {"base": "hex"}}})
        dialects.delete("mine")
        assert dialects.get("yours").dialect == view.dialect
        shipped = dialects.put("theirs", {"based_on": "hex-id-decimal-receipt"})
        assert shipped.dialect["message_id"]["response"]["base"] == "hex"
        assert "hex-id-decimal-receipt" not in stage.server.settings.dialect
        assert dialects.put("ready", Dialect()).dialect == {}

    on_stage("", act)


def test_mistakes() -> None:
    async def act(stage: Stage) -> None:
        dialects = stage.server.control.dialects
        for table, where in (
            ({"based_on": "nothing"}, "based_on"),
            ({"based_on": "x"}, "based_on"),
            ({"message_id": {"prefix": "3"}}, "message_id.prefix"),
            ({"receipt": {"template": "{nothing}"}}, "receipt.template"),
        ):
            with pytest.raises(InvalidError) as caught:
                dialects.put("x", table)
            assert [each for each, _ in caught.value.problems] == [where]

    on_stage("", act)
