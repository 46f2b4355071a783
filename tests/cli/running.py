"""A server for the commands about a running one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from smppd.cli.main import main
from smppd.settings import Delay, Journal, Network, Settings
from tests.transport.support import QUERY, SUBMIT, Live, Raw, field, live_settings, request, submit_body

__all__ = ["QUERY", "Shell", "bound", "never", "shell", "submitted"]

NEVER = {"default": Network(delay=Delay(distribution="fixed", value=86_400.0))}


def settings(**tables: Any) -> Settings:
    return live_settings(server={"http": "127.0.0.1:0"}, journal=Journal(pdus=1000), **tables)


class Shell:
    """Runs commands against a server."""

    def __init__(self, live: Live, capsys: pytest.CaptureFixture[str]) -> None:
        self.live = live
        self._capsys = capsys

    @property
    def url(self) -> str:
        return f"http://{self.live.server.http_address}"

    def run(self, *arguments: str, status: int = 0) -> list[str]:
        """The lines that a command prints; it ends with this status, and says nothing on standard error."""
        lines, errors = self.both(*arguments, status=status)
        assert errors == []
        return lines

    def both(self, *arguments: str, status: int = 0) -> tuple[list[str], list[str]]:
        """The lines on standard output and on standard error."""
        name, *rest = arguments
        got = main([name, *rest, "--url", self.url])
        out, err = self._capsys.readouterr()
        assert got == status, (out, err)
        return out.splitlines(), err.splitlines()

    def fails(self, *arguments: str, status: int = 1) -> str:
        """What a command says that fails."""
        lines, errors = self.both(*arguments, status=status)
        assert lines == []
        assert "Traceback" not in "\n".join(errors)
        return "\n".join(errors)

    def json(self, *arguments: str) -> Any:
        """What a command prints with --json, which is one document on one line."""
        (line,) = self.run(*arguments, "--json")
        return json.loads(line)


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    with Live(settings()) as live:
        yield Shell(live, capsys)


@pytest.fixture
def never(capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """A server whose messages take a day."""
    with Live(settings(network=NEVER)) as live:
        yield Shell(live, capsys)


@pytest.fixture
def bound(shell: Shell) -> Iterator[Raw]:
    with shell.live.client() as client:
        client.bind()
        yield client


def submitted(client: Raw, sequence: int = 2, **fields: Any) -> str:
    """The message_id of one more submit_sm."""
    client.send(request(SUBMIT, sequence, submit_body(**fields)))
    return field(client.frame(), SUBMIT).decode()
