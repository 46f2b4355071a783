"""`smppd mo`."""

from __future__ import annotations

from tests.cli.running import Shell, bound, shell
from tests.transport.support import DELIVER, Raw, answer, delivered

__all__ = ["bound", "shell"]


def test_a_message_from_a_subscriber_arrives(shell: Shell, bound: Raw) -> None:
    (line,) = shell.run("mo", "33612345678", "1234", "STOP")
    assert "1 deliver_sm for smppclient1" in line
    frame = bound.frame()
    sequence, esm_class, text, _ = delivered(frame)
    assert (esm_class, text) == (0, b"STOP")
    assert b"33612345678\0" in frame
    bound.send(answer(DELIVER, 0, sequence, b"\0"))


def test_a_long_one_goes_in_parts(shell: Shell, bound: Raw) -> None:
    done = shell.json("mo", "33612345678", "1234", "x" * 200, "--account", "smppclient1")
    assert len(done["parts"]) == 2
    assert [delivered(frame)[1] for frame in bound.frames(2)] == [0x40, 0x40]


def test_a_coding_and_a_delay(shell: Shell, bound: Raw) -> None:
    done = shell.json("mo", "33612345678", "1234", "é", "--data-coding", "8", "--delay", "1h")
    assert done["state"] == "scheduled"
    assert done["parts"][0]["data_coding"] == 8
    bound.lives()


def test_wrong_usage(shell: Shell) -> None:
    assert 'no account "other"' in shell.fails("mo", "1", "2", "x", "--account", "other").lower()
    assert "no duration" in shell.fails("mo", "1", "2", "x", "--delay", "soon", status=2)
    assert "source_addr" in shell.fails("mo", "1" * 40, "2", "x")
