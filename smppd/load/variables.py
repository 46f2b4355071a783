"""What stands in the braces of a template: the variables that always exist, and those a profile brings along.

Each is a function of a :class:`Message`, without a state of its own, so that the same seed gives the same texts.
"""

from __future__ import annotations

import re
import time
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random

MAX_DIGITS: Final = 15
"""Most digits of one random number: a random float has 53 bits, a little more than 15 digits."""

MAX_CHARACTERS: Final = 160
"""Most letters, hexadecimal digits or digits of a counter in a row: a whole message."""

CODE_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""What ``{letters:N}`` draws from: no vowels, so that no code spells a word."""

NAMES: Final = (
    "Ada", "Ben", "Chloe", "David", "Emma", "Felix", "Grace", "Hugo", "Iris", "Jonas", "Kate", "Leo", "Maria", "Noah",
    "Olga", "Paul", "Rosa", "Sam", "Tina", "Victor",
)  # fmt: skip
"""What ``{name}`` draws from where neither a column nor a list of the profile is called so. All are GSM 7 bit."""

MO_TEXT: Final = "text"
"""The variable of replies that is the whole incoming text."""

SAMPLE_TIME: Final = 0
"""Unix time at which a date format is tried out when a template is checked."""

REMEMBERED_TIMES: Final = 64
"""Formatted times kept: one per format and second is in use, and a profile has few formats."""


class Message:
    """What is known of the message whose text is being made; one object per kind of traffic, used again and again.

    random: draws from 0 to below 1. number: the message's ordinal. seconds: Unix time. destination, source: its
    addresses. row: the index of its row in the CSV file. captures: what the pattern of a reply captured.
    """

    __slots__ = ("captures", "destination", "number", "random", "row", "seconds", "source")

    def __init__(self, random: Random) -> None:
        self.random: Callable[[], float] = random.random
        self.number = 0
        self.seconds = 0
        self.destination = b""
        self.source = b""
        self.row = 0
        self.captures: Mapping[str, str] = {}


Draw: TypeAlias = "Callable[[Message], str]"


class Variable(NamedTuple):
    """A variable of a template.

    draw: its value for one message. values: what it can be, when that can be told. is_list: whether it is drawn evenly
    from them. cells: its value for each row of a CSV file, if it is a column. plain: whether it is made of digits,
    ASCII letters and ``,-./: ``, which have the same octets in every alphabet but UCS-2.
    """

    draw: Draw
    values: Sequence[str] = ()
    is_list: bool = False
    cells: Sequence[str] = ()
    plain: bool = False

    @property
    def known(self) -> bool:
        """Whether its characters can be told before a message is made."""
        return self.plain or bool(self.values)


def one_of(values: Sequence[str]) -> Variable:
    """One of ``values``, all equally likely."""
    count = len(values)
    return Variable(lambda message: values[int(message.random() * count)], values, is_list=True)


def column(cells: Sequence[str]) -> Variable:
    """A column of the CSV file: what stands in the row of the message's destination."""
    return Variable(lambda message: cells[message.row], list(dict.fromkeys(cells)), cells=cells)


def capture(name: str) -> Variable:
    """What a reply's pattern captured of the incoming message."""
    return Variable(lambda message: message.captures[name])


# Variables that always exist. Each function takes what stands after the colon and raises ValueError with the reason
# when it is not accepted.


def _length(argument: str, most: int, default: int) -> int:
    if not argument:
        return default
    if not (argument.isascii() and argument.isdecimal() and 1 <= int(argument[:9]) <= most):
        raise ValueError(f"expected a number from 1 to {most} after the colon")
    return int(argument)


def _nothing(argument: str) -> None:
    if argument:
        raise ValueError("takes nothing after a colon")


def _code(argument: str) -> Variable:
    digits = _length(argument, MAX_DIGITS, 6)
    form, end = f"%0{digits}d", 10**digits
    return Variable(lambda message: form % int(message.random() * end), plain=True)


def _characters(letters: str, argument: str, default: int) -> Variable:
    length, count = range(_length(argument, MAX_CHARACTERS, default)), len(letters)
    return Variable(lambda message: "".join([letters[int(message.random() * count)] for _ in length]), plain=True)


def _letters(argument: str) -> Variable:
    return _characters(CODE_LETTERS, argument, 6)


def _hex(argument: str) -> Variable:
    return _characters("0123456789abcdef", argument, 8)


_SPAN: Final = re.compile(r"(\d{1,15})(?:\.(\d{1,6}))?-(\d{1,15})(?:\.(\d{1,6}))?", re.ASCII)


def _number(argument: str) -> Variable:
    """``LOW-HIGH``; as many decimals as the one with more of them."""
    span = _SPAN.fullmatch(argument)
    if span is None:
        raise ValueError('expected LOW-HIGH after the colon, such as "10-99" or "0.50-20.00"')
    decimals = max(len(span[2] or ""), len(span[4] or ""))
    low, high = (int(Decimal(text) * 10**decimals) for text in argument.split("-"))
    if low > high:
        raise ValueError("the range runs backwards")
    count = high - low + 1
    if count > 10**MAX_DIGITS:
        raise ValueError(f"the range has more than {MAX_DIGITS} digits")
    if not decimals:
        return Variable(lambda message: str(low + int(message.random() * count)), plain=True)
    one = 10**decimals

    def draw(message: Message) -> str:
        whole, rest = divmod(low + int(message.random() * count), one)
        return f"{whole}.{rest:0{decimals}}"

    return Variable(draw, plain=True)


def _ordinal(argument: str) -> Variable:
    form = f"%0{_length(argument, MAX_CHARACTERS, 1)}d"
    return Variable(lambda message: form % message.number, plain=True)


def _choice(argument: str) -> Variable:
    values = argument.split("|")
    if not argument:
        raise ValueError('expected values after the colon, such as "red|green"')
    return one_of(values)


def _name(argument: str) -> Variable:
    _nothing(argument)
    return one_of(NAMES)


def _moment(default: str, argument: str) -> Variable:
    form = argument or default
    sample = formatted(SAMPLE_TIME, form)
    if form and not sample:
        raise ValueError("the format gives no text")
    return Variable(lambda message: formatted(message.seconds, form), [sample])


def _date(argument: str) -> Variable:
    return _moment("%Y-%m-%d", argument)


def _time(argument: str) -> Variable:
    return _moment("%H:%M", argument)


@lru_cache(REMEMBERED_TIMES)
def formatted(seconds: int, form: str) -> str:
    """A Unix time in UTC by a format of ``strftime``."""
    return time.strftime(form, time.gmtime(seconds))


def _to(argument: str) -> Variable:
    _nothing(argument)
    return Variable(lambda message: message.destination.decode("ascii", "ignore"), plain=True)


def _from(argument: str) -> Variable:
    _nothing(argument)
    return Variable(lambda message: message.source.decode("latin-1"))


BUILT_IN: Final[Mapping[str, Callable[[str], Variable]]] = {
    "code": _code,
    "letters": _letters,
    "hex": _hex,
    "number": _number,
    "choice": _choice,
    "name": _name,
    "n": _ordinal,
    "date": _date,
    "time": _time,
    "to": _to,
    "from": _from,
}
"""The variables that always exist, by name; ``docs/load-profiles.md`` says the same in prose."""
