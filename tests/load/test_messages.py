"""What goes over the pipes survives them."""

import pickle

import pytest

from smppd.load.messages import (
    Answer,
    Command,
    Failed,
    Finish,
    Go,
    Ready,
    Release,
    Report,
    Run,
    Snapshot,
    Stop,
    Strays,
)
from smppd.load.receipts import Stray
from smppd.load.result import Counters, Interval, WorkerReport
from smppd.load.worker import STRAYS_AT_ONCE

STRAY = Stray((b"x" * 65, b"y" * 65), "DELIVRD", 12345.678, 1)
ONE_PIPE = 100_000
"""Octets that fit into a socket with a default buffer, most of which is free."""


@pytest.mark.parametrize(
    "message",
    [
        Run(rate="10", count=5),
        Go(1.5),
        Stop(),
        Finish(),
        Release(),
        Strays([STRAY]),
        Ready(2, "smppd", None),
        Failed("no"),
        Snapshot("measuring", Counters(ok=3), 1, 2, [Interval(0.0, ok=3)], "note", idle=True),
        Report(WorkerReport(errors=["x"]), "why"),
    ],
    ids=lambda message: type(message).__name__,
)
def test_they_can_be_pickled(message: Answer | Command) -> None:
    assert pickle.loads(pickle.dumps(message)) == message


def test_commands_never_block_a_pipe() -> None:
    """The coordinator writes only while most of a pipe's buffer is free."""
    assert len(pickle.dumps(Strays([STRAY] * STRAYS_AT_ONCE))) < ONE_PIPE
