"""`smppd tail`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from smppd.cli.remote import Remote
from smppd.cli.tail import line_of
from tests.cli.running import Shell, bound, shell, submitted
from tests.transport.support import Raw

__all__ = ["bound", "shell"]

ROOT = Path(__file__).parents[2]
ENVIRON = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'protocol'}"}
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


def test_who_no_longer_reads_ends_it(shell: Shell, bound: Raw) -> None:
    """Nothing more happens in the server that could be written to a pipe without a reader."""
    bound.lives()
    arguments = [sys.executable, "-m", "smppd", "tail", *BEGINNING, "--url", shell.url]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRON) as tail:
        assert tail.stdout is not None
        assert b"bind_transceiver" in tail.stdout.readline()
        tail.stdout.close()
        assert tail.wait(timeout=20) == 141
        assert tail.stderr is not None
        assert b"Traceback" not in tail.stderr.read()


def test_a_server_that_stops_is_told_of(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Remote, "events", lambda *_: iter([("pdu", {"line": "the last"})]))
    lines, errors = shell.both("tail", status=1)
    assert lines == [" the last"]
    assert errors == [f"smppd: {shell.url} has ended the stream: the server stops"]
