"""`smppd reset`."""

from __future__ import annotations

from tests.cli.running import Shell, bound, shell, submitted
from tests.transport.support import UNBIND, Raw

__all__ = ["bound", "shell"]


def test_everything_is_as_the_configuration_says_and_sessions_stay(shell: Shell, bound: Raw) -> None:
    submitted(bound)
    shell.run("rules", "add", "--to", "1*", "--status", "ESME_RSYSERR")
    shell.run("reset")
    assert shell.json("rules") == {"items": []}
    assert shell.json("messages") == {"items": []}
    bound.lives()
    assert submitted(bound, 9)


def test_one_account_alone(shell: Shell, bound: Raw) -> None:
    submitted(bound)
    shell.run("rules", "add", "--to", "1*", "--status", "ESME_RSYSERR", "--name", "other")
    shell.json("reset", "--account", "smppclient1")
    assert [rule["name"] for rule in shell.json("rules")["items"]] == ["other"]
    assert shell.json("messages") == {"items": []}
    assert "nobody" in shell.fails("reset", "--account", "nobody")


def test_sessions_are_ended_if_that_is_asked_for(shell: Shell, bound: Raw) -> None:
    assert shell.json("reset", "--disconnect")["disconnected"] == 1
    assert bound.frame()[4:8] == UNBIND.to_bytes(4, "big")
