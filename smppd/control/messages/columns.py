"""Columns of a shelf: the values of one kind of all its messages, made at the speed of memory, searched at it too.

A `Joined` column is one long text, in which a piece of text is found among four thousand messages in some ten
microseconds. A `Codes` column has an octet for each message, and each distinct value once: a condition is put to the
values, and its verdicts to the messages by a table. A `Span` says between which two all values lie.

Columns may say too much, never too little: what they find is looked at again, message by message.
"""

from __future__ import annotations

import codecs
from itertools import chain, compress
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from smppd.engine.multipart import UDHI, text_of
from smppwire.text import Alphabet
from smppwire.text.gsm7 import decode as decode_gsm7

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from smppd.engine.message import Message
    from smppwire.pdus import SubmitSm

PIECE: Final = 512
"""Messages that are looked at in one step: a tenth of a millisecond."""

MOST_CODES: Final = 256
"""Distinct values that an octet tells apart. Where there are more, messages are looked at one by one."""

BREAK: Final = "\0"
"""Stands before and behind each entry of a `Joined` column, and in none."""

STAND_IN: Final = "\ufffd"
"""Written for a BREAK in a text. Nobody finds a text by it: see `Joined.places`."""

LONGEST_ENTRY: Final = 1024
"""Characters of a text that stands in a column: longer ones (a message_payload has up to 64 kB) are looked at one by
one, so that a column is joined in a millisecond whatever it is made of."""

BLANK: Final = "\1"
"""Stands for a text that is put in later: a character that no septet stands for."""

GSM_BLANK: Final = b"\xfe"
GSM_BREAK: Final = b"\xff"
"""What becomes a BLANK or BREAK when septets are decoded: octets that are no septets."""

ODD_OCTETS: Final = (b"\x1b", GSM_BLANK, GSM_BREAK)
"""A text that has one of these is decoded by itself. The first is the escape of the GSM 7 bit alphabet."""

UCS2: Final = 0x08
UCS2_BREAK: Final = BREAK.encode("utf-16-be")

GSM_TABLE: Final = "".join(decode_gsm7(bytes((octet,))) for octet in range(0xFE)) + BLANK + BREAK
"""The characters of the octets of the GSM 7 bit alphabet where no escape is among them."""


class Joined(NamedTuple):
    """The texts of a shelf, one after the other: BREAK, text, BREAK, text, BREAK. `long` are the places of those that
    are too long to stand there: nobody knows what they say."""

    octets: str
    long: frozenset[int] = frozenset()

    def count(self, piece: str) -> int:
        """How often a piece may be there at the most; it may begin or end with a BREAK."""
        return self.octets.count(piece) + len(self.long)

    def places(self, piece: str) -> Iterator[int]:
        """The places of the texts that may have it, each once."""
        yield from self.long
        octets = self.octets
        ahead = piece.startswith(BREAK)
        found = octets.find(piece)
        seen, place = 0, -1
        while found >= 0:
            inside = found + ahead
            place += octets.count(BREAK, seen, inside)
            yield place
            seen = octets.find(BREAK, inside)
            # The break that ends this text may begin the next match.
            found = octets.find(piece, seen)

    def entries(self) -> list[str] | None:
        """The texts by themselves; None where one is not quite what it was."""
        return None if self.long or STAND_IN in self.octets else self.octets.split(BREAK)[1:-1]

    def folded(self) -> Joined:
        """The same without letter case."""
        return Joined(self.octets.casefold(), self.long)


class Codes(NamedTuple):
    """An octet for each message, and what each octet stands for. None where all have the same."""

    octets: bytes | None
    values: Sequence[Any]

    def judge(self, accepts: Callable[[Any], bool]) -> bytes | bool:
        """1 for each message whose value is accepted, else 0; or what is true of all of them."""
        verdicts = [accepts(value) for value in self.values]
        if self.octets is None or all(verdicts) or not any(verdicts):
            return verdicts[0] if verdicts else False
        return self.octets.translate(bytes(verdicts).ljust(MOST_CODES, b"\0"))


class Many(NamedTuple):
    """There are too many values for `Codes`."""

    octets: None = None


class Span(NamedTuple):
    """The least and the greatest value."""

    least: float
    most: float

    octets: None = None


def pieces(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Some messages at a time."""
    for start in range(0, len(messages), PIECE):
        yield messages[start : start + PIECE]


class Building:
    """A column being made: go through `steps`, between any two of which others may have their turn; then `column`."""

    __slots__ = ("column", "steps")

    def __init__(self, make: Callable[[Building, Sequence[Message]], Iterator[None]], over: Sequence[Message]) -> None:
        self.column: Any = None
        self.steps = make(self, over)


def codes_by(values_of: Callable[[Sequence[Message]], Iterable[Any]]) -> Callable[..., Iterator[None]]:
    """Makes a `Codes` column, or `Many`, of the values that a function gives for some messages."""

    def make(building: Building, messages: Sequence[Message]) -> Iterator[None]:
        known: dict[Any, int] = {}
        octets = bytearray()
        for piece in pieces(messages):
            values = list(values_of(piece))
            for value in dict.fromkeys(values):
                known.setdefault(value, len(known))
            if len(known) > MOST_CODES:
                building.column = Many()
                return
            octets += bytes(map(known.__getitem__, values))
            yield
        building.column = Codes(bytes(octets) if len(known) > 1 else None, tuple(known))

    return make


def span_by(name: str) -> Callable[..., Iterator[None]]:
    """Makes the `Span` of an attribute."""
    values_of = attrgetter(name)

    def make(building: Building, messages: Sequence[Message]) -> Iterator[None]:
        least, most = float("inf"), float("-inf")
        for piece in pieces(messages):
            values = list(map(values_of, piece))
            least, most = min(least, *values), max(most, *values)
            yield
        building.column = Span(least, most)

    return make


def joined_octets(values_of: Callable[[Sequence[Message]], Iterable[bytes]]) -> Callable[..., Iterator[None]]:
    """Makes a `Joined` column of C-octet strings, read as Latin-1."""

    def make(building: Building, messages: Sequence[Message]) -> Iterator[None]:
        parts = [b""]
        for piece in pieces(messages):
            values = list(values_of(piece))
            octets = b"\0".join(values)
            if octets.count(b"\0") >= len(values):  # C-octet strings of the wire have no NUL in them, others may
                octets = b"\0".join([value.replace(b"\0", b"\xff") for value in values])
            parts.append(octets)
            yield
        building.column = Joined(b"\0".join([*parts, b""]).decode("latin-1"))

    return make


def joined_texts(building: Building, messages: Sequence[Message]) -> Iterator[None]:
    """Make the `Joined` column of decoded texts, those of parts as they are."""
    parts = [""]
    long: list[int] = []
    for start, piece in enumerate(pieces(messages)):
        yield from _texts(piece, long, start * PIECE, parts)
        yield
    building.column = Joined(BREAK.join([*parts, ""]), frozenset(long))


def joined_whole_texts(building: Building, messages: Sequence[Message]) -> Iterator[None]:
    """Make the `Joined` column of the texts of whole messages: each stands with its first part."""
    parts = [""]
    long: list[int] = []
    for place, message in enumerate(messages):
        assembly = message.assembly
        if assembly is None:
            parts.append(_entry(text_of(message.pdu, message.esme.dialect.default_alphabet), long, place))
        else:
            parts.append(_entry(assembly.text, long, place) if assembly.first is message else "")
        yield
    building.column = Joined(BREAK.join([*parts, ""]), frozenset(long))


def _texts(messages: Sequence[Message], long: list[int], start: int, parts: list[str]) -> Iterator[None]:
    """Put the texts of some messages into `parts`, joined: the plain ones decoded together, the others in their places.

    `start` is the place of the first of them; the places of those that are too long are put into `long`.
    """
    pdus = [message.pdu for message in messages]
    octets = [pdu.short_message for pdu in pdus]
    special = _special(messages, pdus, octets)
    if not special:
        parts.append(_decoded(octets))
        return
    texts = _ucs2_texts([octets[place] for place in special]) if _are_ucs2(pdus, special) else None
    if texts is None:
        texts = []
        for place in special:
            texts.append(_entry(_text_of(messages[place]), long, start + place))
            yield
    for place in special:
        octets[place] = GSM_BLANK
    between = _decoded(octets).split(BLANK)
    parts.append("".join(chain.from_iterable(zip(between, [*texts, ""], strict=True))))


def _decoded(octets: Sequence[bytes]) -> str:
    """The texts of plain messages, with a BREAK between them, and BLANKs."""
    return codecs.charmap_decode(GSM_BREAK.join(octets), "strict", GSM_TABLE)[0]


def _special(messages: Sequence[Message], pdus: Sequence[SubmitSm], octets: Sequence[bytes]) -> Sequence[int]:
    """The places of those that are not plain: GSM 7 bit by default, without header, TLVs, escapes and odd octets.

    Each pass over the messages asks for one thing: a million of them do not fit into the processor's cache, and so it
    fetches ahead.
    """
    everything = range(len(messages))
    if not all(esme.dialect.default_alphabet == Alphabet.GSM7 for esme in {message.esme for message in messages}):
        return everything
    special = list(compress(everything, [pdu.data_coding for pdu in pdus]))
    more: list[int] = []
    if [True for pdu in pdus if pdu.tlvs] or [True for pdu in pdus if pdu.esm_class >= UDHI]:
        more += [place for place, pdu in enumerate(pdus) if pdu.tlvs or pdu.esm_class >= UDHI]
    together = b"".join(octets)
    if any(mark in together for mark in ODD_OCTETS):
        more += [place for place, each in enumerate(octets) if any(mark in each for mark in ODD_OCTETS)]
    return sorted({*special, *more}) if more else special


def _are_ucs2(pdus: Sequence[SubmitSm], places: Sequence[int]) -> bool:
    """Whether all of these have their text in short_message, and in UCS-2."""
    return all(pdus[place].data_coding == UCS2 for place in places) and not any(
        pdus[place].tlvs or pdus[place].esm_class >= UDHI for place in places
    )


def _ucs2_texts(octets: Sequence[bytes]) -> list[str] | None:
    """The texts of octets in UCS-2, all at once; None where one of them is odd."""
    if any(len(each) & 1 for each in octets):
        return None
    try:
        texts = UCS2_BREAK.join(octets).decode("utf-16-be").split(BREAK)
    except UnicodeDecodeError:
        return None
    return texts if len(texts) == len(octets) else None


def _text_of(message: Message) -> str:
    pdu = message.pdu
    alphabet = message.esme.dialect.default_alphabet
    if pdu.tlvs or pdu.esm_class >= UDHI:
        return text_of(pdu, alphabet)
    if pdu.data_coding == UCS2:
        return pdu.short_message.decode("utf-16-be", "replace")
    if not pdu.data_coding and alphabet == Alphabet.GSM7:
        return decode_gsm7(pdu.short_message)
    return text_of(pdu, alphabet)


def _entry(text: str, long: list[int], place: int) -> str:
    """A text as it stands in a column."""
    if len(text) > LONGEST_ENTRY:
        long.append(place)
        return ""
    return text.replace(BREAK, STAND_IN) if BREAK in text else text
