"""``smppd explain``: PDUs taken apart, field by field, with what is wrong with them."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from smppwire.grammar import Dissection, Problem
    from smppwire.grammar.dissect import Place

ALPHABETS: Final = ("ascii", "gsm7", "gsm7-packed", "latin-1", "utf-8")
"""What data_coding 0 may mean; as in ``smppwire.text``, which is not imported for ``--help``."""

MAX_PDU: Final = 131_072
"""Default for the largest command_length: that of the server."""

HEADER_DIGITS: Final = 32
"""Hexadecimal digits of a PDU header."""

SHOWN_OCTETS: Final = 12
"""Octets of one field that fit the table; the value column tells the rest."""

_NOISE: Final = re.compile(r"0x|\\x|[\s:,]", re.IGNORECASE)
"""What may stand between hexadecimal digits."""

_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})+")


class Unit(NamedTuple):
    """Octets to be read as a stream of PDUs of their own: a line, an argument, or a binary file.

    ``octets`` is None when ``place`` held no hexadecimal; ``error`` then says what is wrong.
    """

    place: str
    octets: bytes | None
    error: str = ""


@click.command("explain")
@click.argument("sources", nargs=-1, required=True, metavar="HEX...|FILE|-")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per PDU and line.")
@click.option(
    "--default-alphabet",
    type=click.Choice(ALPHABETS),
    default="gsm7",
    show_default=True,
    help="What data_coding 0 means.",
)
@click.option(
    "--max-pdu",
    type=click.IntRange(min=16),
    default=MAX_PDU,
    show_default=True,
    help="A command_length above this counts as broken.",
)
@click.pass_context
def command(
    context: click.Context, sources: tuple[str, ...], as_json: bool, default_alphabet: str, max_pdu: int
) -> None:
    """Take PDUs apart: every field with its offset, octets, name, value and meaning, and what is wrong with it.

    Reads hexadecimal from the command line, or from a file or standard input (-) with one or several PDUs per line;
    files and standard input may also be binary. White space, colons, commas and 0x between the digits do not matter,
    # starts a comment.

    The exit status is 1 when a line held no PDU.
    """
    from smppwire.grammar import dissect_stream

    show: Callable[[Dissection], None] = _print_json if as_json else _Table().show
    complete = True
    for unit in _units(sources):
        if unit.octets is None:
            click.echo(f"smppd explain: {unit.place}: {unit.error}", err=True)
            complete = False
            continue
        found = dissect_stream(unit.octets, max_pdu_length=max_pdu, default_alphabet=default_alphabet)
        for dissection in found:
            show(dissection)
        complete = complete and found[0].has_header
    if not complete:
        context.exit(1)


# -- Input -------------------------------------------------------------------------------------------------------------


def _units(sources: Sequence[str]) -> Iterator[Unit]:
    """What there is to dissect, in the order of the arguments."""
    pieces = [_digits(source) for source in sources]
    if len(sources) > 1 and all(piece and len(piece) < HEADER_DIGITS for piece in pieces):
        # A PDU pasted without quotes: the shell has made an argument of every group of digits.
        yield _unit("arguments", " ".join(sources))
        return
    for source, piece in zip(sources, pieces, strict=True):
        if source == "-":
            yield from _contents("standard input", sys.stdin.buffer.read())
        elif piece and not _is_file(source):
            yield _unit("argument", source)
        else:
            yield from _file(source)


def _is_file(source: str) -> bool:
    """Whether a file has this name. Digits are too long for one at times, which some systems report as an error."""
    try:
        return Path(source).is_file()
    except (OSError, ValueError):
        return False


def _file(source: str) -> Iterator[Unit]:
    try:
        content = Path(source).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        yield Unit(_printable(source), None, f"neither hexadecimal nor a file that can be read ({reason})")
        return
    yield from _contents(_printable(source), content)


def _contents(place: str, content: bytes) -> Iterator[Unit]:
    """The lines of a text, or binary content as it is."""
    text = _text(content)
    if text is None:
        yield Unit(place, content)
        return
    empty = True
    for number, line in enumerate(text.splitlines(), 1):
        line = line.partition("#")[0].strip()
        if line:
            empty = False
            yield _unit(f"{place}, line {number}", line)
    if empty:
        yield Unit(place, None, "no PDUs in it")


def _text(content: bytes) -> str | None:
    """``content`` as text; None when it is binary, which every PDU is: its first octet is no character."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return text if all(character.isprintable() or character.isspace() for character in text) else None


def _digits(text: str) -> str:
    """The hexadecimal digits in ``text``; "" when it is not hexadecimal, or has half an octet."""
    digits = _NOISE.sub("", text.partition("#")[0])
    return digits if _HEX.fullmatch(digits) else ""


def _unit(place: str, text: str) -> Unit:
    digits = _digits(text)
    if digits:
        return Unit(place, bytes.fromhex(digits))
    return Unit(place, None, f"not hexadecimal, two digits for each octet: {_clipped(_printable(text), 60)}")


# -- Output ------------------------------------------------------------------------------------------------------------


def _print_json(dissection: Dissection) -> None:
    click.echo(json.dumps(dissection.as_json()))


def _printable(text: str) -> str:
    """``text`` for a terminal: control characters (a message could hold escape sequences) and surrogates escaped."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    escaped = "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )
    return escaped.encode(encoding, "backslashreplace").decode(encoding)


def _clipped(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 2] + ".."


def _hexadecimal(octets: bytes) -> str:
    return octets.hex() if len(octets) <= SHOWN_OCTETS else octets[: SHOWN_OCTETS - 1].hex() + ".."


class _Table:
    """The human form: one aligned table per PDU, and below it the message, the problems and the notes."""

    def __init__(self) -> None:
        colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._style: Callable[..., str] = click.style if colours else _plain
        self._first = True

    def show(self, it: Dissection) -> None:
        """Print one PDU."""
        if not self._first:
            click.echo()
        self._first = False
        click.echo(self._style(_title(it), bold=True))
        for line in _columns(_rows(it)):
            click.echo(line)
        for label, content in _message_lines(it):
            click.echo(f"  {label:8} {content}")
        for problem in it.problems:
            click.echo(self._style(f"  {'PROBLEM':8} {_problem(problem)}", fg="red"))
        for note in it.notes:
            click.echo(self._style(f"  {'note':8} {_problem(note)}", fg="yellow"))


def _plain(text: str, **_style: Any) -> str:
    return text


def _title(it: Dissection) -> str:
    from smppwire.grammar import command_label

    parts = [command_label(it), f"{len(it.octets)} octets"]
    if it.has_header:
        parts.append(f"sequence_number {it.sequence_number}")
    return ", ".join(parts)


def _rows(it: Dissection) -> Iterator[tuple[str, ...]]:
    """Offset, octets, name, value and meaning of everything in wire order."""
    yield "offset", "octets", "field", "value", "meaning"
    for field in it.fields:
        yield _row(field, field.name)
    for tlv in it.tlvs:
        yield _row(tlv, f"{tlv.name} (0x{tlv.tag:04x})")
    if it.rest:
        label = "(from the break on)" if it.broken_at else "(not read)"
        yield str(it.rest_offset), _hexadecimal(it.rest), label, f"{len(it.rest)} octets", ""


def _row(place: Place, name: str) -> tuple[str, ...]:
    return str(place.offset), _hexadecimal(place.octets), name, _value(place), _printable(place.meaning)


def _value(place: Place) -> str:
    if isinstance(place.value, int):
        return str(place.value)
    if place.kind == "text":
        return f'"{_printable(place.value.decode("latin-1"))}"'
    return _clipped(place.value.hex(), 40)


def _columns(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """The rows, aligned: numbers to the right, the rest to the left."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for offset, *cells in table:
        aligned = [cell.ljust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        yield "  ".join(["", offset.rjust(widths[0]), *aligned]).rstrip()


def _message_lines(it: Dissection) -> Iterator[tuple[str, str]]:
    """The message behind the fields: text, user data header and receipt."""
    if it.text is not None:
        yield "text", f'"{_printable(it.text)}"'
    if it.udh is not None:
        yield "udh", "; ".join(_elements(it)) or "no elements"
    if it.receipt is not None:
        said = {name: value for name, value in it.as_json()["receipt"].items() if value is not None}
        yield "receipt", _printable(", ".join(f"{name} {value}" for name, value in said.items())) or "empty"


def _elements(it: Dissection) -> Iterator[str]:
    """The user data header in words, then element by element."""
    udh = it.as_json()["udh"]
    if udh["concat"]:
        yield "part {seq} of {total}, reference {ref} ({bits} bit)".format(**udh["concat"])
    if udh["ports"]:
        yield "ports: destination {destination}, source {source}".format(**udh["ports"])
    for table in ("single_shift", "locking_shift"):
        if udh[table]:
            yield f"{table.replace('_', ' ')} table {udh[table]}"
    yield ", ".join(f"IE {element['iei']:02x} = {element['data']}" for element in udh["elements"])


def _problem(problem: Problem) -> str:
    status = f" ({problem.status})" if problem.status else ""
    fatal = "; framing is lost" if problem.fatal else ""
    return _printable(f"at {problem.offset}, {problem.field}: {problem.rule}{status}{fatal}")
