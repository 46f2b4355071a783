"""A CSV file of subscribers: where messages go, and what their texts say."""

from __future__ import annotations

import csv
import io
import re
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, NamedTuple

from smppd.load.addresses import MAX_ADDRESS
from smppd.strict import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

MAX_SIZE: Final = 256 * 1024 * 1024
"""Octets of a file: a million rows of 256 octets; it is held in memory by every worker."""

MAX_ROWS: Final = 1_000_000
"""Rows that are read; ``limit`` of a profile may be lower."""

MAX_COLUMNS: Final = 256
"""Columns of a file: more is a wrong delimiter."""

SHOWN_ROWS: Final = 5
"""Rows without a number that an error names; of more, the count says enough."""

DELIMITERS: Final = (",", ";", "\t", "|")

_NUMBER: Final = re.compile(rf"\d{{3,{MAX_ADDRESS}}}", re.ASCII)
_PUNCTUATION: Final = str.maketrans("", "", " -./()\u00a0")
"""What people put between the digits of a number."""


class CsvError(ValueError):
    """A file that cannot be used; the text is the reason."""


class Table(NamedTuple):
    """What was read, by columns: a million rows are no million objects.

    destinations: digits only. columns: the cells of each column by its name (without header ``column1``...), as many as
    there are destinations; in ``destinations``' own column as they were written.
    """

    destinations: list[str]
    columns: dict[str, list[str]]

    def only(self, rows: Sequence[int]) -> Table:
        """Some of the rows, by their indices."""
        columns = {name: [cells[row] for row in rows] for name, cells in self.columns.items()}
        return Table([self.destinations[row] for row in rows], columns)


def number_of(text: str) -> str | None:
    """The digits of a phone number as people write it (``+44 7700 900-123``), or None."""
    if _NUMBER.fullmatch(text):
        return text
    digits = text.translate(_PUNCTUATION).removeprefix("+")
    return digits if _NUMBER.fullmatch(digits) else None


def read_table(
    path: Path, *, column: str | int = "", header: bool | None = None, delimiter: str = "", limit: int = MAX_ROWS
) -> Table:
    """Read a CSV file in UTF-8; raises CsvError.

    column: of the destinations, by name or by number from 1; "": the first one with a number in the first row of data.
    header: whether the first row names the columns; None: it does when no number is in it. delimiter: "" takes the most
    frequent of ``DELIMITERS`` in the first line. limit: rows that are read, further ones are left.
    """
    text = _text_of(path)
    first_line = text.partition("\n")[0]
    delimiter = delimiter or max(DELIMITERS, key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines = _lines(reader)
    first = next(lines, None)
    if first is None:
        raise CsvError("there is nothing in it")
    if header is None:
        header = not any(number_of(cell) for cell in first[1])
    names = [cell.strip() for cell in first[1]] if header else [f"column{n}" for n in range(1, len(first[1]) + 1)]
    if len(names) > MAX_COLUMNS:
        raise CsvError(f"more than {MAX_COLUMNS} columns; is the delimiter {delimiter!r}?")
    data = lines if header else chain([first], lines)
    row = next(data, None)
    if row is None:
        raise CsvError("there is no row below the header")
    return _table(islice(chain([row], data), limit), names, _index(column, names, row[1]))


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise CsvError(f"cannot be read: {error.strerror}") from None
    if len(octets) > MAX_SIZE:
        raise CsvError(f"longer than {MAX_SIZE // 1024 // 1024} MiB")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise CsvError(f"not UTF-8: octet 0x{octets[error.start]:02x} in line {line}") from None


def _lines(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold anything, with the number of their (last) line."""
    try:
        for cells in reader:
            if any(cells):
                yield reader.line_num, cells  # type: ignore[attr-defined]
    except csv.Error as error:
        raise CsvError(f"line {reader.line_num}: {error}") from None  # type: ignore[attr-defined]


def _index(column: str | int, names: Sequence[str], cells: Sequence[str]) -> int:
    """Where the destinations stand."""
    if isinstance(column, int):
        if not 1 <= column <= len(names):
            raise CsvError(f"there is no column {column}; the first row has {len(names)}")
        return column - 1
    if not column:
        found = next((index for index, cell in enumerate(cells[: len(names)]) if number_of(cell)), None)
        if found is None:
            raise CsvError("no column has a phone number in the first row of data; name one with column")
        return found
    if column not in names:
        near = suggestion(column, names) or f"there are: {', '.join(names)}"
        raise CsvError(f"there is no column {column!r}; {near}")
    return names.index(column)


def _table(data: Iterable[tuple[int, list[str]]], names: list[str], index: int) -> Table:
    """Rows by columns, each as long as ``names``."""
    width = len(names)
    columns: list[list[str]] = [[] for _ in names]
    destinations: list[str] = []
    bad: list[str] = []
    for line, cells in data:
        if len(cells) < width:
            cells += [""] * (width - len(cells))
        number = number_of(cells[index])
        if number is None:
            bad.append(f"line {line}: {cells[index]!r}")
            continue
        destinations.append(number)
        for kept, cell in zip(columns, cells, strict=False):
            kept.append(cell)
    if bad:
        more = f" and {len(bad) - SHOWN_ROWS} more" if len(bad) > SHOWN_ROWS else ""
        raise CsvError(f"not a phone number in column {names[index]!r}: {', '.join(bad[:SHOWN_ROWS])}{more}")
    return Table(destinations, dict(zip(names, columns, strict=True)))
