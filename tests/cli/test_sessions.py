"""`smppd sessions`."""

from __future__ import annotations

import pytest

from smppd.cli.sessions import age
from tests.cli.running import Shell, bound, shell, submitted
from tests.transport.support import RESP, SUBMIT, UNBIND, Raw, answer, request, submit_body

__all__ = ["bound", "shell"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.9, "0s"), (59, "59s"), (307, "5m07s"), (3600, "1h00m"), (11_520, "3h12m"), (370_000, "4d06h")],
)
def test_ages(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_nobody_is_connected(shell: Shell) -> None:
    lines, errors = shell.both("sessions")
    assert (lines, errors) == ([], ["Nobody is connected."])
    assert shell.json("sessions") == {"items": []}


def test_a_bound_session_with_its_figures(shell: Shell, bound: Raw) -> None:
    submitted(bound)
    head, line = shell.run("sessions")
    figures = dict(zip(head.split(), line.split(), strict=True))
    assert figures["system_id"] == "smppclient1"
    assert figures["state"] == "BOUND_TRX"
    assert (figures["in"], figures["out"], figures["submitted"], figures["refused"]) == ("2", "2", "1", "0")
    (session,) = shell.json("sessions", "--account", "smppclient1")["items"]
    assert session["session"] == figures["session"]
    assert shell.json("sessions", "--account", "other") == {"items": []}


def test_all_of_one_session(shell: Shell, bound: Raw) -> None:
    submitted(bound)
    shown = dict(line.split("  ", 1) for line in shell.run("sessions", "show", "1"))
    assert shown["system id"].strip() == "smppclient1"
    assert shown["submitted"].strip() == "1"
    assert "password" not in str(shown)
    assert shell.json("sessions", "show", "1")["counters"]["submitted"] == 1


def test_an_unbind_from_outside(shell: Shell, bound: Raw) -> None:
    shell.run("sessions", "unbind", "1")
    frame = bound.frame()
    assert frame[4:8] == UNBIND.to_bytes(4, "big")
    bound.send(answer(UNBIND, 0, int.from_bytes(frame[12:], "big")))
    bound.ended()
    shell.live.until(lambda: not shell.live.context.connections)
    assert shell.both("sessions")[1] == ["Nobody is connected."]
    assert [session["state"] for session in shell.json("sessions", "--all")["items"]] == ["CLOSED"]


@pytest.mark.parametrize("action", ["close", "reset"])
def test_an_end_without_an_unbind(shell: Shell, bound: Raw, action: str) -> None:
    shell.run("sessions", action, "1")
    bound.ended()


def test_a_session_is_throttled_and_let_go(shell: Shell, bound: Raw) -> None:
    shell.run("sessions", "throttle", "1", "1h", "--status", "ESME_RMSGQFUL")
    bound.ask(request(SUBMIT, 2, submit_body()), answer(SUBMIT, 0x14, 2))
    shell.run("sessions", "throttle", "1", "--lift")
    assert submitted(bound, 3)
    shell.run("sessions", "throttle", "1")
    bound.send(request(SUBMIT, 4, submit_body()))
    assert bound.frame()[4:12] == (SUBMIT | RESP).to_bytes(4, "big") + (0x58).to_bytes(4, "big")


def test_wrong_usage(shell: Shell) -> None:
    assert "--lift takes no SPAN" in shell.fails("sessions", "throttle", "1", "3s", "--lift", status=2)
    assert "no duration" in shell.fails("sessions", "throttle", "1", "soon", status=2)
    assert 'no session "99"' in shell.fails("sessions", "show", "99")
