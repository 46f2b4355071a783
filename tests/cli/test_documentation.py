"""docs/commands.md: each of its commands is run, in its order, against one server."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from smppd.cli.main import COMMANDS, main
from tests.cli.running import Shell, shell

__all__ = ["shell"]

TEXT = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
LINES = re.findall(r"^\$ (smppd .*)$", TEXT, re.MULTILINE)


def test_every_command_of_the_document_works(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SMPPD_URL", shell.url)
    assert len(LINES) > 20
    for line in LINES:
        _, *arguments = shlex.split(line)
        if arguments[0] == "send":
            arguments += ["--smpp", shell.live.address]
        status = main(arguments)
        assert status == 0, (line, capsys.readouterr().err)
        capsys.readouterr()


def test_every_command_about_a_server_is_in_the_table() -> None:
    rows = set(re.findall(r"^\| `smppd (\w+)`", TEXT, re.MULTILINE))
    assert rows == {"tail", "messages", "sessions", "mo", "rules", "clock", "reset", "api"}
    assert rows <= set(COMMANDS)
