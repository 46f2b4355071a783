"""Tables on a terminal, and the same as plain columns where there is none."""

from __future__ import annotations

import sys
import unicodedata
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PLAIN_WIDTH: Final = 100_000
"""Columns where there is no terminal: nothing is cut, because a program reads it."""


def printable(value: object) -> str:
    """A value on one line: line breaks as spaces, and nothing that could command the terminal."""
    text = "" if value is None else str(value)
    return "".join(
        " " if character.isspace() else character if _is_harmless(character) else f"\\x{ord(character):02x}"
        for character in text
    )


def _is_harmless(character: str) -> bool:
    """Control and format characters could move the cursor, or have a terminal show another order than there is."""
    return character.isprintable() or unicodedata.category(character) == "So"


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows under their heads; `empty` is what is said when there are none.

    The last column gives way where a terminal is too narrow.
    """
    cells = [[printable(value) for value in row] for row in rows]
    if not cells:
        click.echo(empty, err=True)
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, highlight=False, width=None if terminal else PLAIN_WIDTH)
    table = Table(box=SIMPLE_HEAD if terminal else None, pad_edge=False, show_edge=False)
    for number, name in enumerate(columns, 1):
        table.add_column(name, no_wrap=True, overflow="ellipsis", ratio=None if number < len(columns) else 1)
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table)


def print_fields(pairs: Iterable[tuple[str, object]]) -> None:
    """Print names and values, one pair a line; those without a value are left out."""
    shown = [(name, printable(value)) for name, value in pairs if value not in (None, "", [], {})]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        click.echo(f"{name:<{width}}  {value}")
