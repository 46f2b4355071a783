"""What a load test shows while it runs, on standard error, so that standard output is free for the report.

On a terminal a few lines that change in place; elsewhere, as in the log of a CI job, one line every few seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from smppd.load import figures
from smppd.load.terminal import console_for, plain

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self, TextIO

    from rich.console import Console, RenderableType

    from smppd.load.result import Counters, Progress

PLAIN_EVERY: Final = 5.0
"""Seconds between two lines where there is no terminal: a CI log stays readable, and nobody takes us for dead."""

BAR_WIDTH: Final = 40
"""Columns of the progress bar, so that everything fits into 80."""


class Display(Protocol):
    """Something that shows progress. Use it as a context manager, and call `show` as often as there is news."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; a terminal is left as it was."""

    def show(self, progress: Progress) -> None:
        """Show the state of things."""


def open_display(stream: TextIO, *, quiet: bool = False) -> Display:
    """Choose the display for a stream: none when `quiet`, live on a terminal that can move its cursor, else lines."""
    if quiet:
        return NoDisplay()
    console = console_for(stream)
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveDisplay(console)
    return PlainDisplay(stream)


class NoDisplay:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, progress: Progress) -> None:
        """Do nothing."""


class PlainDisplay(NoDisplay):
    """One line at each change of phase and every `PLAIN_EVERY` seconds; the time is that of the progress."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._phase = ""
        self._next = 0.0

    def show(self, progress: Progress) -> None:
        """Write a line when it is time for one."""
        if progress.phase == self._phase and progress.elapsed < self._next:
            return
        self._phase = progress.phase
        self._next = progress.elapsed + PLAIN_EVERY
        self._stream.write(line(progress) + "\n")
        self._stream.flush()


class LiveDisplay:
    """A few lines that change in place and are gone at the end, when the summary takes over."""

    def __init__(self, console: Console) -> None:
        # Standard output stays untouched: the JSON report goes there. No thread refreshes: `show` is called often.
        self._live = Live(
            console=console, transient=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, progress: Progress) -> None:
        """Draw the state of things."""
        self._live.update(panel(progress), refresh=True)


def line(progress: Progress) -> str:
    """Everything on one line, the same words in the same places each time."""
    if progress.phase == "connecting":
        text = f"connecting: {progress.bound} of {progress.binds} bound"
    else:
        text = (
            f"{progress.phase} {time_of(progress)}: {_rates(progress)}, in flight {figures.count(progress.in_flight)}, "
            f"p50 {figures.latency(progress.p50)}, p99 {figures.latency(progress.p99)}, {_troubles(progress)}"
        )
    note = plain(progress.note).plain
    return f"{text} ({note})" if note else text


def panel(progress: Progress) -> RenderableType:
    """Everything on a few lines for a terminal."""
    head = Table.grid(padding=(0, 2))
    head.add_row(Text(progress.phase, style="bold cyan"), time_of(progress), *_bar(progress))
    if progress.phase == "connecting":
        return Group(head, Text(f"{progress.bound} of {progress.binds} bound"), *_note(progress))
    body = Table.grid(padding=(0, 2))
    body.add_column(style="dim")
    body.add_row("rate", Text(_rates(progress), style="bold"))
    body.add_row("latency", _percentiles("last second", progress.p50, progress.p99))
    body.add_row("", _percentiles("so far", progress.overall_p50, progress.overall_p99))
    body.add_row("open", _open(progress))
    body.add_row("sent", _sent(progress.counters))
    body.add_row("refused", _refused(progress.counters))
    return Group(head, body, *_note(progress))


def time_of(progress: Progress) -> str:
    """``0:07 of 0:10``, or without an end when there is none."""
    now = figures.elapsed(progress.elapsed)
    return now if progress.ends is None else f"{now} of {figures.elapsed(progress.ends)}"


def _bar(progress: Progress) -> list[RenderableType]:
    if not progress.ends:
        return []
    done = min(progress.elapsed / progress.ends, 1.0)
    return [ProgressBar(total=1.0, completed=done, width=BAR_WIDTH), f"{done * 100:.0f} %"]


def _note(progress: Progress) -> list[RenderableType]:
    return [plain(progress.note, "yellow")] if progress.note else []


def _rates(progress: Progress) -> str:
    return f"{figures.rate(progress.ok_rate)} accepted of {figures.rate(progress.offered_rate)} offered"


def _percentiles(when: str, p50: float, p99: float) -> str:
    return f"p50 {figures.latency(p50):>8}   p99 {figures.latency(p99):>8}   {when}"


def _open(progress: Progress) -> Text:
    text = Text(f"in flight {figures.count(progress.in_flight)}   ")
    text.append(f"behind {figures.count(progress.behind)}", "yellow" if progress.behind else "")
    text.append(f"   bound {progress.bound} of {progress.binds}", "" if progress.bound == progress.binds else "red")
    return text


def _sent(counters: Counters) -> Text:
    text = Text(f"submitted {figures.count(counters.sent)}   accepted {figures.count(counters.ok)}")
    if counters.wanted_receipts:
        text.append(f"   receipts {figures.count(counters.receipts)} of {figures.count(counters.wanted_receipts)}")
    return text


def _refused(counters: Counters) -> Text:
    text = Text()
    text.append(f"throttled {figures.count(counters.throttled)}", "yellow" if counters.throttled else "")
    text.append(f"   errors {figures.count(counters.errors)}", "red" if counters.errors else "")
    text.append(f"   unanswered {figures.count(counters.unanswered)}", "red" if counters.unanswered else "")
    return text


def _troubles(progress: Progress) -> str:
    counters = progress.counters
    return (
        f"throttled {figures.count(counters.throttled)}, errors {figures.count(counters.errors)}, "
        f"unanswered {figures.count(counters.unanswered)}, behind {figures.count(progress.behind)}"
    )
