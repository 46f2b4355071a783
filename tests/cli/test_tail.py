"""`smppd tail`."""

from __future__ import annotations

import json

from smppd.cli.tail import line_of
from tests.cli.running import Shell, bound, shell, submitted
from tests.transport.support import Raw

__all__ = ["bound", "shell"]

BEGINNING = ["--since", "2020-01-01T00:00:00Z"]


def test_pdus_are_shown_a_line_each(shell: Shell, bound: Raw) -> None:
    bound.lives()
    submitted(bound, text=b"secret code")
    lines, _ = shell.both("tail", *BEGINNING, "--count", "4")
    assert ["bind_transceiver" in line for line in lines] == [True, True, False, False]
    assert "password=<8 octets>" in lines[0]
    assert "submit_sm" in lines[2]
    assert "secret code" in lines[2]
    assert "submit_sm_resp" in lines[3]


def test_filters_and_json(shell: Shell, bound: Raw) -> None:
    bound.lives()
    submitted(bound, 2, to=(1, 1, b"33612345678"))
    submitted(bound, 3, to=(1, 1, b"447700900123"))
    lines, _ = shell.both("tail", *BEGINNING, "--command", "submit_sm", "--to", "4477*", "--count", "1", "--json")
    events = [json.loads(line) for line in lines]
    shown = [event for event in events if event["kind"] == "pdu"]
    assert [event["destination_addr"] for event in shown] == ["447700900123"]
    lines, _ = shell.both("tail", *BEGINNING, "--links", "--command", "enquire_link", "--count", "1")
    assert "enquire_link" in lines[0]
    lines, _ = shell.both("tail", *BEGINNING, "--direction", "out", "--account", "smppclient1", "--count", "1")
    assert "submit_sm_resp" in lines[0] or "bind_transceiver_resp" in lines[0]


def test_what_cannot_be_read_is_shown_as_it_is() -> None:
    assert line_of({"time": "then\x1b[2J", "line": "a\x07b"}) == "then\\x1b[2J a\\x07b"
    assert line_of({"event": "opened"}) == " opened"


def test_wrong_usage(shell: Shell) -> None:
    assert "is not one of" in shell.fails("tail", "--kind", "gossip", status=2)
    assert "command" in shell.fails("tail", "--command", "nonsense_sm")
    assert "since" in shell.fails("tail", "--since", "yesterday")
