"""`smppd api`."""

from __future__ import annotations

import json
from pathlib import Path

from smppd.api.endpoints import all_endpoints
from tests.cli.running import Shell, bound, shell, submitted
from tests.transport.support import Raw

__all__ = ["bound", "shell"]


def test_all_operations_are_listed(shell: Shell) -> None:
    lines = shell.run("api")
    assert {line.split()[0] for line in lines[1:]} == {endpoint.operation for endpoint in all_endpoints()}
    assert shell.json("api")["get_message"] == "GET /messages/{message_id}"


def test_operations_are_called(shell: Shell, bound: Raw, tmp_path: Path) -> None:
    message_id = submitted(bound)
    (line,) = shell.run("api", "get_message", f"message_id={message_id}")
    assert json.loads(line)["message"]["message_id"] == message_id
    (line,) = shell.run("api", "list_messages", "limit=1", "message_state=ENROUTE", "message_state=DELIVERED")
    assert len(json.loads(line)["items"]) == 1
    body = tmp_path / "body.json"
    body.write_text('{"contains": "Hello"}')
    (line,) = shell.run("api", "count_messages", "--body", f"@{body}")
    assert json.loads(line)["count"] == 1


def test_wrong_usage(shell: Shell) -> None:
    assert 'did you mean "get_message"' in shell.fails("api", "get_massage", status=2)
    assert "needs message_id=VALUE" in shell.fails("api", "get_message", status=2)
    assert "is not NAME=VALUE" in shell.fails("api", "get_message", "x", status=2)
    assert "this is no JSON" in shell.fails("api", "count_messages", "--body", "{", status=2)
    assert "--body" in shell.fails("api", "count_messages", "--body", "@/nowhere", status=2)
    assert "nonsense" in shell.fails("api", "list_messages", "nonsense=1")


def test_what_never_ends_is_left_to_tail(shell: Shell) -> None:
    assert "`smppd tail`" in shell.fails("api", "stream_events", status=2)
    assert "lists them all" in shell.fails("api", "zzz", status=2)
    assert "no such file" in shell.fails("api", "count_pdus", "--body", "@nothing.json", status=2)
