"""The result of a load test in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table as RichTable

from smppd.load import figures
from smppd.load.tables import address, facts, tables, warnings
from smppd.load.terminal import console_for, plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from rich.console import Console

    from smppd.load.adaptive import Outcome
    from smppd.load.result import Result
    from smppd.load.tables import Check, Mood, Table

MOST_OFFENDERS: Final = 5
"""Of each kind in the terminal; the reports list more."""

_STYLES: Final[dict[Mood, str]] = {"": "", "good": "green", "bad": "bold red"}


def write_summary(
    result: Result, stream: TextIO, *, checks: Sequence[Check] = (), outcome: Outcome | None = None
) -> None:
    """Print what the result says: the tables, what makes them doubtful, and what became of the thresholds."""
    console = console_for(stream)
    console.print(plain(f"{address(result.target)}: {facts(result, outcome)}", "bold"), soft_wrap=True)
    for table in tables(result, checks, outcome, MOST_OFFENDERS):
        _print_table(console, table)
    for warning in warnings(result):
        console.print(plain(f"warning: {warning}", "yellow"), soft_wrap=True)
    if outcome is not None:
        _print_outcome(console, outcome)
    if checks:
        _print_verdict(console, checks)


def _print_table(console: Console, table: Table) -> None:
    # The title stands outside: rich would fold it to the width of the table.
    console.print()
    console.print(plain(table.title, "bold"))
    rich_table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for at, column in enumerate(table.columns):
        words = table.is_text(at)
        rich_table.add_column(plain(column), justify="left" if words else "right", no_wrap=not words, overflow="fold")
    for row in table.rows:
        rich_table.add_row(*(plain(cell) for cell in row.cells), style=_STYLES[row.mood])
    console.print(rich_table)
    if table.note:
        console.print(plain(table.note, "dim"), soft_wrap=True)


def _print_outcome(console: Console, outcome: Outcome) -> None:
    console.print()
    if outcome.rate is None:
        console.print(plain(outcome.note, "bold red"))
        return
    confirmed = "confirmed" if outcome.confirmed else "not confirmed"
    console.print(
        plain(f"highest sustained rate: {figures.rate(outcome.rate)} ({confirmed}). {outcome.note}", "bold"),
        soft_wrap=True,
    )


def _print_verdict(console: Console, checks: Sequence[Check]) -> None:
    violated = [check for check in checks if check.violated]
    console.print()
    for check in violated:
        console.print(plain(f"failed: {check.text} (measured {check.measured})", "bold red"), soft_wrap=True)
    if not violated:
        console.print(plain(f"passed: {len(checks)} of {len(checks)} thresholds", "green"))
