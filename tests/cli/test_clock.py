"""`smppd clock`."""

from __future__ import annotations

from tests.cli.running import Shell, never, shell, submitted
from tests.transport.support import delivered

__all__ = ["never", "shell"]


def test_the_clock_is_shown(shell: Shell) -> None:
    lines = dict(line.split("  ", 1) for line in shell.run("clock"))
    assert lines["pace"].strip() == "the machine's time"
    assert shell.json("clock")["real"] is True


def test_time_leaps_and_receipts_come(never: Shell) -> None:
    with never.live.client() as client:
        client.bind()
        submitted(client, registered=1)
        (line,) = never.run("clock", "advance", "23h")
        assert line.startswith("82800 s have passed; it is ")
        client.lives()
        assert never.json("clock", "advance", "1h")["steps"] >= 1
        assert b"stat:DELIVRD" in delivered(client.frame())[2]


def test_the_pace_of_time(shell: Shell) -> None:
    assert any("standing still" in line for line in shell.run("clock", "freeze"))
    assert any(
        "running at speed 60" in line for line in [*shell.run("clock", "speed", "60"), *shell.run("clock", "resume")]
    )
    assert shell.json("clock")["running"] is True


def test_wrong_usage(shell: Shell) -> None:
    assert "no duration" in shell.fails("clock", "advance", "tomorrow", status=2)
    assert "not in the range" in shell.fails("clock", "speed", "0", status=2)
    assert "seconds" in shell.fails("clock", "advance", "5000d")
