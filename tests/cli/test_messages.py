"""`smppd messages`."""

from __future__ import annotations

import pytest

from tests.cli.running import Shell, bound, never, shell, submitted
from tests.transport.support import Raw, delivered

__all__ = ["bound", "never", "shell"]


def test_no_messages(shell: Shell) -> None:
    assert shell.both("messages") == ([], ["There are no such messages."])


def test_messages_are_listed_and_searched(shell: Shell, bound: Raw) -> None:
    first = submitted(bound, 2, to=(1, 1, b"33612345678"), text=b"Your code is 1234")
    second = submitted(bound, 3, to=(1, 1, b"447700900123"), text=b"Hello\n\x1b\x65 you")
    head, *lines = shell.run("messages")
    assert head.split()[:3] == ["accepted", "message_id", "account"]
    assert [line.split()[1] for line in lines] == [second, first]
    assert "Hello € you" in lines[0]
    assert "DELIVERED" in lines[0]

    def found(*arguments: str) -> list[str]:
        return [message["message_id"] for message in shell.json("messages", *arguments)["items"]]

    assert found("--to", "336*") == [first]
    assert found("--text", "HELLO") == []
    assert found("--text", "HELLO", "--ignore-case") == [second]
    assert found("--state", "delivered", "--oldest") == [first, second]
    assert found("--state", "EXPIRED") == []
    assert found("--limit", "1") == [second]
    assert found("--since", "2020-01-01T00:00:00Z", "--until", "2021-01-01T00:00:00Z") == []
    assert found("--account", "smpp*", "--from", "smppd", "--route", "default", "--whole") == [second, first]


def test_the_life_of_a_message(shell: Shell, bound: Raw) -> None:
    message_id = submitted(bound, registered=1)
    bound.frame()
    lines = shell.run("messages", "show", message_id)
    assert any(line.split() == ["message_id", message_id] for line in lines)
    events = [line.split()[1] for line in lines[lines.index("") + 2 :]]
    assert events.index("accepted") < events.index("sent")
    detail = shell.json("messages", "show", message_id)
    assert detail["message"]["message_state"] == "DELIVERED"


@pytest.mark.parametrize(
    ("arguments", "state", "said"),
    [
        (["deliver"], "DELIVERED", b"stat:DELIVRD err:000"),
        (["fail", "--error", "42"], "UNDELIVERABLE", b"stat:UNDELIV err:042"),
        (["fail", "--rejected"], "REJECTED", b"stat:REJECTD"),
        (["expire"], "EXPIRED", b"stat:EXPIRED"),
        (["cancel"], "DELETED", b"stat:DELETED"),
    ],
)
def test_a_message_is_made_to_end(never: Shell, arguments: list[str], state: str, said: bytes) -> None:
    with never.live.client() as client:
        client.bind()
        message_id = submitted(client, registered=1)
        action, *options = arguments
        (line,) = never.run("messages", action, message_id, *options)
        assert line == f"{message_id} to 447700900123: {state}"
        assert said in delivered(client.frame())[2]
        assert "final" in never.fails("messages", action, message_id, *options).lower()


def test_wrong_usage(shell: Shell) -> None:
    assert 'no message "nonsense/1"' in shell.fails("messages", "show", "nonsense/1")
    assert "is not one of" in shell.fails("messages", "--state", "LOST", status=2)
    assert "accepted_from" in shell.fails("messages", "--since", "yesterday")
