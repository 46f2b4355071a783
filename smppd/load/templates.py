"""Texts with variables: ``Your code is {code:6}.``

A template is text with variables in braces; ``{{`` and ``}}`` are braces. What a variable means is looked up in a
:class:`Vocabulary`: first what an incoming message captured (replies only), then the columns of a CSV file, then the
profile's own lists, then the variables that always exist (``smppd.load.variables``).

A :class:`Template` is read once. :class:`Text` is a template in one encoding: its fixed pieces are encoded when it is
made, lists too, other variables each time, and all is put together by one formatting of octets.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from smppd.load.encodings import GSM7, UCS2
from smppd.load.variables import BUILT_IN, Message, Variable, capture, column, one_of
from smppd.strict import suggestion
from smppwire.errors import TextError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from smppd.load.encodings import Encoding

_TOKENS: Final = re.compile(r"\{\{|\}\}|\{(?P<inside>[^{}]*)\}|[{}]|[^{}]+")


class TemplateError(ValueError):
    """A template that cannot be used; the text names the variable and its position (the first character is 1)."""


class Vocabulary(NamedTuple):
    """What a template may refer to beside the variables that always exist.

    captures: groups of a reply's pattern. columns: the CSV file's, with a value for each row. lists: the profile's.
    """

    captures: Collection[str] = ()
    columns: Mapping[str, Sequence[str]] = {}
    lists: Mapping[str, Sequence[str]] = {}

    def resolve(self, name: str, argument: str) -> Variable:
        """The variable ``{name:argument}``; raises ValueError with the reason when there is none."""
        if name in self.captures:
            found = capture(name)
        elif name in self.columns:
            found = column(self.columns[name])
        elif name in self.lists:
            found = one_of(self.lists[name])
        elif name in BUILT_IN:
            return BUILT_IN[name](argument)
        else:
            known = [*self.captures, *self.columns, *self.lists, *BUILT_IN]
            raise ValueError(f"unknown variable; {suggestion(name, known) or 'known are: ' + ', '.join(known)}")
        if argument:
            raise ValueError("takes nothing after a colon")
        return found


class Piece(NamedTuple):
    """A run of plain text, or a variable, as it is written at ``position`` (from 1)."""

    written: str
    position: int
    text: str = ""
    variable: Variable | None = None


class Template:
    """A text with its variables resolved. Raises TemplateError for the first thing that is wrong with it."""

    __slots__ = ("known", "pieces", "variables")

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self.pieces = [_piece(token, vocabulary) for token in _TOKENS.finditer(text)]
        self.variables = [piece.variable for piece in self.pieces if piece.variable is not None]
        self.known = all(variable.known for variable in self.variables)
        """Whether all characters it may bring can be told before a message is made."""

    def check(self, encoding: Encoding) -> None:
        """Raise TemplateError when ``encoding`` lacks a character of the text, or one that a variable may bring."""
        for piece in self.pieces:
            if piece.variable is None:
                missing = _first_missing(piece.text, encoding)
                if missing is not None:
                    at = piece.position + missing
                    raise TemplateError(f"{piece.text[missing]!r} at character {at} is not in {encoding.name}")
                continue
            for value in piece.variable.values:
                missing = _first_missing(value, encoding)
                if missing is not None:
                    where = f"{piece.written} at character {piece.position} may be {value!r}"
                    raise TemplateError(f"{where}: {value[missing]!r} is not in {encoding.name}")

    def fits(self, encoding: Encoding) -> bool:
        """Whether ``encoding`` has every character that can be told beforehand."""
        try:
            self.check(encoding)
        except TemplateError:
            return False
        return True

    def literals_fit(self, encoding: Encoding) -> bool:
        """Whether ``encoding`` has every character outside of the variables."""
        return all(piece.variable is not None or _has(piece.text, encoding) for piece in self.pieces)

    def render(self, message: Message) -> str:
        """The text for one message."""
        return "".join([piece.variable.draw(message) if piece.variable else piece.text for piece in self.pieces])


def _piece(token: re.Match[str], vocabulary: Vocabulary) -> Piece:
    written, position = token[0], token.start() + 1
    if written in {"{{", "}}"}:
        return Piece(written, position, written[0])
    if written in {"{", "}"}:
        missing = "has no closing one" if written == "{" else "has no opening one"
        raise TemplateError(f'"{written}" at character {position} {missing}; write "{written * 2}" for a brace')
    inside = token["inside"]
    if inside is None:
        return Piece(written, position, written)
    name, _, argument = inside.partition(":")
    try:
        return Piece(written, position, variable=vocabulary.resolve(name.strip(), argument))
    except ValueError as error:
        raise TemplateError(f"{written} at character {position}: {error}") from None


def _first_missing(text: str, encoding: Encoding) -> int | None:
    """Index of the first character that ``encoding`` does not have."""
    if _has(text, encoding):
        return None
    return next((index for index, character in enumerate(text) if not _has(character, encoding)), None)


def _has(text: str, encoding: Encoding) -> bool:
    try:
        encoding.encode(text, "strict")
    except TextError:
        return False
    return True


Drawn: TypeAlias = "tuple[Encoding, bytes]"
"""The text of one message: its encoding and its units."""


class Constant:
    """A text that is always the same."""

    __slots__ = ("constant",)

    def __init__(self, encoding: Encoding, units: bytes) -> None:
        self.constant: Drawn = encoding, units

    def draw(self, _message: Message) -> Drawn:
        """The text, whatever the message."""
        return self.constant


class Text:
    """A template in one encoding."""

    __slots__ = ("_draws", "_encoding", "_format")

    constant: Drawn | None = None

    def __init__(self, template: Template, encoding: Encoding) -> None:
        self._encoding = encoding
        self._format = b"".join(
            b"%b" if piece.variable is not None else encoding.encode(piece.text).replace(b"%", b"%%")
            for piece in template.pieces
        )
        self._draws = [_octets(variable, encoding) for variable in template.variables]

    def draw(self, message: Message) -> Drawn:
        """The text for one message."""
        return self._encoding, self._format % tuple([draw(message) for draw in self._draws])


class AutoText:
    """A template whose encoding is seen only when its variables are known: GSM 7 bit if it fits, else UCS-2."""

    __slots__ = ("_template",)

    constant: Drawn | None = None

    def __init__(self, template: Template) -> None:
        self._template = template

    def draw(self, message: Message) -> Drawn:
        """The text for one message."""
        text = self._template.render(message)
        try:
            return GSM7, GSM7.encode(text, "strict")
        except TextError:
            return UCS2, UCS2.encode(text)


AnyText: TypeAlias = Constant | Text | AutoText
"""``constant`` is what ``draw`` always gives, or None when it varies."""


def text_of(template: Template, encoding: Encoding | None) -> AnyText:
    """``template`` ready to be drawn in ``encoding``; None: whatever fits each message."""
    if encoding is None:
        if not template.literals_fit(GSM7):
            encoding = UCS2
        elif template.known and template.fits(GSM7):
            encoding = GSM7
        else:
            return AutoText(template)
    if template.variables:
        return Text(template, encoding)
    return Constant(encoding, encoding.encode("".join(piece.text for piece in template.pieces)))


def _octets(variable: Variable, encoding: Encoding) -> Callable[[Message], bytes]:
    """What draws a variable as units of ``encoding``. Closures: they run for every message."""
    draw = variable.draw
    if variable.is_list:
        units = [encoding.encode(value) for value in variable.values]
        count = len(units)
        return lambda message: units[int(message.random() * count)]
    if variable.cells:
        by_value = {value: encoding.encode(value) for value in variable.values}
        rows = [by_value[cell] for cell in variable.cells]
        return lambda message: rows[message.row]
    if variable.plain and encoding.keeps_ascii:
        return lambda message: draw(message).encode()
    encode = encoding.encode
    return lambda message: encode(draw(message))
