"""`smppd demo`: it shows the main job, and would not hide that something is missing."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smppd.cli import demo
from smppd.cli.demo import percentile, problems_of, rows_of
from smppd.cli.demo_esme import CAMPAIGN
from smppd.cli.main import BROKEN_PIPE, main

ROOT = Path(__file__).parents[2]
KINDS = ["one-time code", "alert", "reminder", "long UCS-2 text", "campaign"]

Seen = dict[str, Any]


def run_demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from smppd.cli.main import main; sys.exit(main())",
            "demo",
            *arguments,
        ],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'protocol'}", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def entry(kind: str = "alert", text: str = "id:1 stat:DELIVRD err:000") -> dict[str, Any]:
    """A submission all is well with."""
    return {"kind": kind, "status": 0, "receipts": [text], "response_s": 0.002, "receipt_s": 0.5}


@pytest.fixture
def seen() -> Seen:
    """What an ESME saw when nothing is missing."""
    return {
        "submissions": [entry("alert"), entry("campaign"), entry("campaign")],
        "mobile_originated": [{"from": "447700900003", "text": "YES"}],
        "unknown_receipts": 0,
        "submitted_s": 1.5,
        "all_s": 2.5,
        "smpp": "127.0.0.1:1",
        "http": "127.0.0.1:2",
    }


# The real thing.


def test_everything_arrives() -> None:
    done = run_demo("--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    summary = json.loads(done.stdout)
    assert summary["problems"] == []
    counts = {row["traffic"]: row["submitted"] for row in summary["traffic"]}
    assert list(counts) == KINDS
    assert counts == {**dict.fromkeys(KINDS, 1), "long UCS-2 text": 3, "campaign": CAMPAIGN}
    for row in summary["traffic"]:
        assert row["submitted"] == row["accepted"] == row["receipts"]
        assert 0 < row["response_p50_ms"] <= row["response_p99_ms"]
        assert 0 < row["receipt_p50_ms"] <= row["receipt_p99_ms"]
    assert summary["mobile_originated"] == [{"from": "447700900003", "text": "YES"}]
    assert summary["submits_per_s"] > 0
    assert summary["seconds"] > 0


# What is missing is said.


def change(**changes: Any) -> Callable[[Seen], None]:
    return lambda seen: seen.update(changes)


def change_last(**changes: Any) -> Callable[[Seen], None]:
    return lambda seen: seen["submissions"][-1].update(changes)


def test_nothing_is_wrong(seen: Seen) -> None:
    assert list(problems_of(seen)) == []


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (change_last(status=None), "submit_sm not answered: 1"),
        (change_last(status=0x58), "submit_sm refused: 1"),
        (change_last(receipts=[]), "messages without a receipt: 1"),
        (change_last(receipts=["stat:DELIVRD", "stat:DELIVRD"]), "messages with more than one receipt: 1"),
        (change_last(receipts=["stat:UNDELIV"]), "receipts that say something other than DELIVRD: 1"),
        (change(unknown_receipts=2), "receipts for unknown messages: 2"),
        (change(mobile_originated=[]), "the subscriber's answer (MO) did not arrive"),
        (change(submissions=[]), "no message was submitted"),
    ],
)
def test_each_kind_of_missing_thing_is_noticed(seen: Seen, spoil: Callable[[Seen], None], problem: str) -> None:
    spoil(seen)
    assert list(problems_of(seen)) == [problem]


def test_several_things_are_all_named_and_counted(seen: Seen) -> None:
    for submission in seen["submissions"]:
        submission.update(status=None, receipts=[])
    seen["mobile_originated"] = []
    assert list(problems_of(seen)) == [
        "submit_sm not answered: 3",
        "messages without a receipt: 3",
        "the subscriber's answer (MO) did not arrive",
    ]


# What is printed.


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, seen: Seen) -> Seen:
    """What the demonstration that `main(["demo"])` runs will have seen."""

    async def demonstrate(log: Any) -> Seen:
        log.write("the server's log\n")
        return copy.deepcopy(seen)

    monkeypatch.setattr(demo, "_demonstrate", demonstrate)
    return seen


def test_the_table(shown: Seen, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert "smpplib against smppd on 127.0.0.1:1" in captured.out
    rows = [line.split() for line in lines if line.strip().startswith(("alert", "campaign"))]
    assert rows == [
        ["alert", "1", "1", "1", "2.00", "/", "2.00", "ms", "500", "/", "500", "ms"],
        ["campaign", "2", "2", "2", "2.00", "/", "2.00", "ms", "500", "/", "500", "ms"],
    ]
    assert "MO from 447700900003: YES" in lines
    assert lines[-1] == "every response and every receipt arrived"
    assert "\x1b" not in captured.out
    assert max(map(len, lines)) <= demo.PIPE_WIDTH
    assert captured.err == ""


def test_nobody_reads_the_table(shown: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is not the status of a demonstration that misses something."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as nobody:
        monkeypatch.setattr(sys, "stdout", nobody)
        assert main(["demo"]) == BROKEN_PIPE


def test_a_demonstration_that_fails(shown: Seen, capsys: pytest.CaptureFixture[str]) -> None:
    shown["submissions"] = [{"kind": "alert", "status": None, "receipts": []}]
    shown["submitted_s"] = None
    assert main(["demo"]) == 1
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert ["alert", "1", "0", "0", "-", "-"] in [line.split() for line in lines]
    assert "wrong: submit_sm not answered: 1" in lines
    assert "wrong: messages without a receipt: 1" in lines
    assert lines[-1] == "not everything arrived"
    assert captured.err == "the server's log\n"


def test_json_of_a_demonstration_that_fails(shown: Seen, capsys: pytest.CaptureFixture[str]) -> None:
    shown["mobile_originated"] = []
    assert main(["demo", "--json"]) == 1
    summary = json.loads(capsys.readouterr().out)
    assert summary["problems"] == ["the subscriber's answer (MO) did not arrive"]
    assert summary["mobile_originated"] == []
    assert summary["submits_per_s"] == 2


def test_what_a_subscriber_writes_is_not_markup(shown: Seen, capsys: pytest.CaptureFixture[str]) -> None:
    shown["mobile_originated"] = [{"from": "1", "text": "[bold]YES[/bold] [/]"}]
    assert main(["demo"]) == 0
    assert "MO from 1: [bold]YES[/bold] [/]" in capsys.readouterr().out


def test_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--bogus"]) == 2
    assert "Usage: smppd demo" in capsys.readouterr().err


# The arithmetic.


@pytest.mark.parametrize(("fraction", "expected"), [(0.0, 1.0), (0.5, 51.0), (0.98, 99.0), (0.99, 100.0), (1.0, 100.0)])
def test_percentile(fraction: float, expected: float) -> None:
    assert percentile([float(value) for value in range(100, 0, -1)], fraction) == expected


def test_rows_keep_the_order_of_submission_and_leave_out_what_was_not_measured() -> None:
    unanswered: dict[str, Any] = {"kind": "z", "status": None, "receipts": []}
    first, second = rows_of({"submissions": [unanswered, entry("a"), {**entry("a"), "response_s": 0.004}]})
    assert (first["traffic"], first["submitted"], first["accepted"], first["receipts"]) == ("z", 1, 0, 0)
    assert first["response_p50_ms"] is first["receipt_p99_ms"] is None
    assert (second["traffic"], second["submitted"], second["accepted"], second["receipts"]) == ("a", 2, 2, 2)
    assert (second["response_p50_ms"], second["response_p99_ms"], second["receipt_p50_ms"]) == (4.0, 4.0, 500.0)
