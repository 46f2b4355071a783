"""What is shown while a test runs: exact where it goes to a log, and harmless for the terminal it goes to."""

import io
import os
import pty
import sys
from dataclasses import replace

import pytest

from smppd.load.display import LiveDisplay, NoDisplay, PlainDisplay, line, open_display
from smppd.load.result import Counters, Progress
from smppd.load.terminal import Output

PROGRESS = Progress(
    elapsed=7.4,
    phase="measuring",
    counters=Counters(
        sent=86_415, ok=86_000, throttled=3, errors=1, timed_out=2, wanted_receipts=86_000, receipts=85_123
    ),
    ends=10.0,
    offered_rate=12_500,
    ok_rate=12_345.4,
    in_flight=512,
    behind=7,
    p50=0.00123,
    p99=0.00456,
    overall_p50=0.0012,
    overall_p99=0.0789,
    bound=4,
    binds=4,
)


def test_the_line_of_a_log() -> None:
    assert line(PROGRESS) == (
        "measuring 7 s of 10 s: 12,345/s accepted of 12,500/s offered, in flight 512, p50 1.23 ms, p99 4.56 ms, "
        "throttled 3, errors 1, unanswered 2, behind 7"
    )
    assert line(Progress(0.1, "connecting", bound=1, binds=4)) == "connecting: 1 of 4 bound"
    assert line(Progress(75.0, "draining", note="waiting for \x1b[2J3 receipts")) == (
        "draining 1:15: 0/s accepted of 0/s offered, in flight 0, p50 0 us, p99 0 us, throttled 0, errors 0, "
        "unanswered 0, behind 0 (waiting for \\u001b[2J3 receipts)"
    )


def test_a_line_every_few_seconds_and_at_each_phase() -> None:
    stream = io.StringIO()
    with open_display(stream) as display:
        assert isinstance(display, PlainDisplay)
        for quarter in range(60):
            display.show(replace(PROGRESS, elapsed=quarter / 4, phase="warm-up" if quarter < 8 else "measuring"))
    begins = [text.split(" of")[0] for text in stream.getvalue().splitlines()]
    assert begins == ["warm-up 0 s", "measuring 2 s", "measuring 7 s", "measuring 12 s"]


def test_quiet_shows_nothing() -> None:
    stream = io.StringIO()
    with open_display(stream, quiet=True) as display:
        assert isinstance(display, NoDisplay)
        display.show(PROGRESS)
    assert stream.getvalue() == ""


def shown(progress: Progress, width: int = 80) -> str:
    stream = io.StringIO()
    console = Output(file=stream, force_terminal=True, width=width, color_system=None, highlight=False, markup=False)
    with LiveDisplay(console) as display:
        display.show(progress)
    return stream.getvalue()


def test_the_live_display_has_everything() -> None:
    text = shown(PROGRESS)
    for part in (
        "measuring  7 s of 10 s",
        "74 %",
        "12,345/s accepted of 12,500/s offered",
        "p50  1.23 ms   p99  4.56 ms   last second",
        "p50  1.20 ms   p99  78.9 ms   so far",
        "in flight 512   behind 7   bound 4 of 4",
        "receipts 85,123 of 86,000",
        "throttled 3   errors 1   unanswered 2",
    ):
        assert part in text
    assert all(len(row) <= 80 for row in text.split("\r\x1b")[0].splitlines())


def test_an_end_that_is_not_known_and_one_that_has_passed() -> None:
    assert "%" not in shown(replace(PROGRESS, ends=None))
    assert "100 %" in shown(replace(PROGRESS, elapsed=11.0))


def test_connecting_shows_the_binds_only() -> None:
    text = shown(Progress(0.2, "connecting", bound=3, binds=9, ends=10.0))
    assert "3 of 9 bound" in text
    assert "rate" not in text


def test_standard_output_is_left_to_the_report() -> None:
    before = sys.stdout, sys.stderr
    with LiveDisplay(Output(file=io.StringIO(), force_terminal=True)):
        assert (sys.stdout, sys.stderr) == before


def test_a_note_cannot_command_the_terminal() -> None:
    text = shown(replace(PROGRESS, note="bind refused: \x1b]0;owned\x07[red]x"))
    assert "bind refused: \\u001b]0;owned\\u0007[red]x" in text
    assert "\x1b]0;" not in text


@pytest.mark.parametrize(("term", "kind"), [("xterm", LiveDisplay), ("dumb", PlainDisplay)])
def test_a_terminal_decides_the_display(term: str, kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    ours, theirs = pty.openpty()
    try:
        with open(theirs, "w", closefd=False) as stream:
            assert isinstance(open_display(stream), kind)
    finally:
        os.close(ours)
        os.close(theirs)


def test_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    def colours() -> bool:
        stream = io.StringIO()
        with LiveDisplay(Output(file=stream, force_terminal=True, width=80, color_system="standard")) as display:
            display.show(replace(PROGRESS, note="x"))
        return "\x1b[33m" in stream.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert colours()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colours()
