"""Tables on a terminal, and the same as plain columns where there is none."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

GAP: Final = 2
"""Blanks between two columns."""

MIN_LAST: Final = 10
"""Cells that the last column keeps: less says nothing."""

MIN_CUT: Final = 4
"""Cells that any column keeps on the narrowest of terminals."""


def printable(value: object) -> str:
    """A value on one line: line breaks as spaces, and nothing that could command the terminal."""
    text = "" if value is None else str(value)
    return "".join(
        " " if character.isspace() else character if is_harmless(character) else f"\\x{ord(character):02x}"
        for character in text
    )


def is_harmless(character: str) -> bool:
    """Control and format characters could move the cursor, or have a terminal show another order than there is."""
    return character.isprintable() or unicodedata.category(character) == "So"


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str, spare: Sequence[str] = ()
) -> None:
    """Print rows under their heads; `empty` is what is said when there are none.

    Where a terminal is too narrow the last column gives way, then the columns `spare` are left out, the first of them
    first, and what is still too wide is cut. Where there is no terminal nothing is: a program reads it.
    """
    cells = [list(columns), *([printable(value) for value in row] for row in rows)]
    if len(cells) == 1:
        click.echo(empty, err=True)
        return
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    terminal = sys.stdout.isatty()
    if terminal:
        kept = _fitting(columns, widths, spare, shutil.get_terminal_size().columns)
        cells = [[row[number] for number in kept] for row in cells]
        widths = list(kept.values())
    head, *lines = (_line(row, widths) for row in cells)
    click.echo(click.style(head, bold=True) if terminal else head)
    if terminal:
        click.echo("─" * (sum(widths) + GAP * (len(widths) - 1)))
    for line in lines:
        click.echo(line)


def _fitting(columns: Sequence[str], widths: Sequence[int], spare: Collection[str], room: int) -> dict[int, int]:
    """The columns that are shown on so many cells, by their numbers, and how wide each is."""
    last = len(columns) - 1
    kept = dict(enumerate(widths))

    def excess() -> int:
        return sum(kept.values()) + GAP * (len(kept) - 1) - room

    for name in ("", *spare):
        if name:
            del kept[columns.index(name)]
        kept[last] = widths[last]
        kept[last] = max(min(MIN_LAST, widths[last]), widths[last] - max(0, excess()))
        if excess() <= 0:
            return kept
    while excess() > 0:
        widest = max(kept, key=lambda number: kept[number])
        if kept[widest] <= MIN_CUT:
            break
        kept[widest] -= 1
    return kept


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    """A row, each cell as wide as its column; nothing stands behind the last of them."""
    return (" " * GAP).join(_fitted(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _fitted(text: str, width: int) -> str:
    """A text on exactly so many cells; an ellipsis stands for what was cut off."""
    missing = width - _width(text)
    if missing >= 0:
        return text + " " * missing
    from rich.cells import set_cell_size

    return set_cell_size(text, width - 1) + "…"


def _width(text: str) -> int:
    """Cells that a text takes on a terminal: those of eastern Asia and emoji are two wide."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def print_fields(pairs: Iterable[tuple[str, object]]) -> None:
    """Print names and values, one pair a line; those without a value are left out."""
    shown = [(name, printable(value)) for name, value in pairs if value not in (None, "", [], {})]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        click.echo(f"{name:<{width}}  {value}")
