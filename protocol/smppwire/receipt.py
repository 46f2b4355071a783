"""The text of delivery receipts (SMPP 3.4, appendix B).

The specification calls the format vendor specific and prints a typical one::

    id:IIIIIIIIII sub:SSS dlvrd:DDD submit date:YYMMDDhhmm done date:YYMMDDhhmm stat:DDDDDDD err:E text: ...

Every message centre varies it, so ``parse_receipt`` takes labels in any case and order, each of them optional, and
never raises unless asked to be strict. ``format_receipt`` writes appendix B, or another ``ReceiptStyle``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from typing import Final, Literal

from smppwire.constants import MessageState, state_name
from smppwire.errors import TextError
from smppwire.smpp_time import YEAR_PIVOT, SmppTimeError, format_absolute, parse_absolute

ID_DIGITS: Final = 10
"""Digits of a decimal message id (appendix B); shorter ones are padded, longer ones and other ids never cut."""

TEXT_OCTETS: Final = 20
"""Octets of the original text that a receipt repeats."""

LABELS: Final = ("id", "sub", "dlvrd", "submit date", "done date", "stat", "err", "text")
"""The fields of appendix B in its order."""

DateStyle = Literal["minutes", "seconds", "century", "absolute"]
"""How a date is written: YYMMDDhhmm (appendix B), with seconds, with seconds and century, or as an absolute time of
SMPP (``180711070003900+``)."""

_ATTRIBUTES: Final = {label.replace(" ", ""): label.replace(" ", "_") for label in LABELS}
_STATES: Final = {state_name(state): state for state in MessageState}

# ASCII only: case folding must not let a long s or a Kelvin sign pass for a label.
_LABEL: Final = re.compile(
    r"(?<!\w)(id|sub|dlvrd|submit[ _]?date|done[ _]?date|stat|err|text)\s*:", re.ASCII | re.IGNORECASE
)
_STATE_WORD: Final = re.compile(rf"(?<!\w)({'|'.join(_STATES)}|ACKED|BUFFRED|BUFFERD|FAILED|NACK)(?!\w)", re.ASCII)
"""States that stand without a label: those of the specification and those seen in the wild besides."""

_SEPARATORS: Final = " \t\r\n\0"
"""What surrounds a value: white space, and the NUL that some put at the end of a message_payload."""

_MAX_COUNT_DIGITS: Final = 9
"""Longer numbers of messages are garbage, and converting very long ones would raise."""


class ReceiptError(TextError):
    """A receipt that strict parsing refuses, or a style that is none."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt text says, as it says it; None for what it leaves out or leaves empty.

    ``sub`` and ``dlvrd`` are numbers of messages, None also when they are no numbers. ``err`` may have letters.
    """

    id: str | None = None
    sub: int | None = None
    dlvrd: int | None = None
    submit_date: str | None = None
    done_date: str | None = None
    stat: str | None = None
    err: str | None = None
    text: str | None = None

    @property
    def message_state(self) -> MessageState | None:
        """The message_state that ``stat`` spells; None for another word."""
        return _STATES.get(self.stat.upper()) if self.stat is not None else None

    def submitted_at(self, zone: tzinfo = UTC) -> datetime | None:
        """``submit_date`` as a moment, by ``parse_receipt_date``."""
        return parse_receipt_date(self.submit_date, zone) if self.submit_date is not None else None

    def done_at(self, zone: tzinfo = UTC) -> datetime | None:
        """``done_date`` as a moment, by ``parse_receipt_date``."""
        return parse_receipt_date(self.done_date, zone) if self.done_date is not None else None


@dataclass(frozen=True)
class ReceiptStyle:
    """How a message centre writes its receipts; the default is appendix B.

    ``fields``: which of ``LABELS``, in which order. ``text_label``: "" for none, just the text. ``stat_label``: False
    leaves the bare word. ``err_digits``: the width to which numbers are padded with zeros. ``text_octets``: where the
    text is cut. Raises ``ReceiptError`` for a field that is none.
    """

    fields: tuple[str, ...] = LABELS
    text_label: str = "text"
    stat_label: bool = True
    dates: DateStyle = "minutes"
    err_digits: int = 3
    text_octets: int = TEXT_OCTETS

    def __post_init__(self) -> None:
        unknown = sorted(set(self.fields) - set(LABELS))
        if unknown:
            raise ReceiptError(f"no such fields: {', '.join(unknown)}; there are: {', '.join(LABELS)}")

    @cached_property
    def template(self) -> bytes:
        """The receipt as a ``%`` format whose keys are ``LABELS``."""
        return b" ".join(self._field_template(name) for name in self.fields)

    def _field_template(self, name: str) -> bytes:
        """One field of the template."""
        label = name
        if name == "text":
            label = self.text_label.replace("%", "%%")
        elif name == "stat" and not self.stat_label:
            label = ""
        value = f"%({name})03d" if name in ("sub", "dlvrd") else f"%({name})b"
        return f"{label}:{value}".encode() if label else value.encode()


APPENDIX_B: Final = ReceiptStyle()
"""The format that the specification prints."""


def parse_receipt(text: str | bytes, *, strict: bool = False) -> Receipt:
    """What ``text`` says; octets are read as Latin-1, in which each is a character.

    A label counts where it first stands, up to the next one, so a text may mention labels that came before it. A state
    without its label is found behind the other values. Nothing raises, whatever the text; without any label the
    receipt is empty. With ``strict``, raises ``ReceiptError`` for a label of appendix B that is missing, an empty id or
    state, counts that are no numbers and dates that are none.
    """
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    values = _split(text)
    words = {name: _first_word(value) for name, value in values.items()}
    receipt = Receipt(
        id=words.get("id"),
        sub=_count(words.get("sub")),
        dlvrd=_count(words.get("dlvrd")),
        submit_date=words.get("submit_date"),
        done_date=words.get("done_date"),
        stat=words.get("stat") if "stat" in values else _bare_state(values),
        err=words.get("err"),
        text=values.get("text") or None,
    )
    if strict:
        _refuse_gaps(values, receipt)
    return receipt


def parse_receipt_date(text: str, zone: tzinfo = UTC) -> datetime | None:
    """The moment of a date in a receipt; None when it is none. Never raises.

    Ten digits (YYMMDDhhmm), twelve (with seconds) and fourteen (with the century) are local time in ``zone``, as the
    specification has no word on the zone of the message centre; an absolute time of SMPP names its own.
    """
    if not (text.isascii() and text.isdigit()):
        try:
            return parse_absolute(text)
        except SmppTimeError:
            return None
    if len(text) == 14:
        century, rest = 100 * int(text[:2]), text[2:]
    elif len(text) in (10, 12):
        century, rest = 1900 if int(text[:2]) >= YEAR_PIVOT else 2000, text
    else:
        return None
    year, month, day, hour, minute, second = (int(rest[index : index + 2] or 0) for index in range(0, 12, 2))
    try:
        return datetime(century + year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None


def format_receipt(
    message_id: bytes | str,
    *,
    submit_date: datetime | bytes,
    done_date: datetime | bytes,
    stat: int | str,
    dlvrd: int,
    sub: int = 1,
    err: int | str = 0,
    text: bytes = b"",
    style: ReceiptStyle = APPENDIX_B,
) -> bytes:
    """The text of a receipt.

    ``message_id`` is written as it is, whatever its length. Dates are local time of the message centre (a ``datetime``
    is written in its own zone; octets as they are, for who formats one date for many receipts). ``stat`` is a
    message_state or its spelling, ``err`` a number or the text itself, and of ``text``, the user data of the original
    without its header, the first octets are taken.
    """
    return style.template % {
        b"id": _octets(message_id),
        b"sub": sub,
        b"dlvrd": dlvrd,
        b"submit date": submit_date
        if isinstance(submit_date, bytes)
        else format_receipt_date(submit_date, style.dates),
        b"done date": done_date if isinstance(done_date, bytes) else format_receipt_date(done_date, style.dates),
        b"stat": _octets(stat if isinstance(stat, str) else state_name(stat)),
        b"err": _octets(err) if isinstance(err, str) else b"%0*d" % (style.err_digits, err),
        b"text": text[: style.text_octets],
    }


def format_receipt_date(moment: datetime, style: DateStyle = "minutes") -> bytes:
    """``moment`` in its own zone. Raises ``SmppTimeError`` when "absolute" cannot express it."""
    if style == "absolute":
        offset = moment.utcoffset()
        return format_absolute(moment, int(offset.total_seconds()) // 900 if offset is not None else 0)
    year = moment.year if style == "century" else moment.year % 100
    minutes = b"%02d%02d%02d%02d%02d" % (year, moment.month, moment.day, moment.hour, moment.minute)
    return minutes if style == "minutes" else minutes + b"%02d" % moment.second


def format_receipt_id(number: int) -> str:
    """A decimal message id as appendix B has it: at least ten digits."""
    return f"{number:0{ID_DIGITS}d}"


def _split(text: str) -> dict[str, str]:
    """The values by attribute name of ``Receipt``, each from its label to the next label that is new."""
    marks: dict[str, re.Match[str]] = {}
    for mark in _LABEL.finditer(text):
        name = _ATTRIBUTES[mark[1].lower().replace(" ", "").replace("_", "")]
        marks.setdefault(name, mark)
    starts = [mark.start() for mark in marks.values()]
    spans = zip(marks.items(), [*starts[1:], len(text)], strict=False)  # without any mark there is no first one either
    return {name: text[mark.end() : end].strip(_SEPARATORS) for (name, mark), end in spans}


def _first_word(value: str) -> str | None:
    """What ``value`` says, without what follows it unlabelled; None if it is empty."""
    return next(iter(value.split(None, 1)), None)


def _bare_state(values: dict[str, str]) -> str | None:
    """The state that stands without a label behind the value of some field other than the text, if there is one."""
    for name, value in values.items():
        word = _STATE_WORD.search(value.partition(" ")[2]) if name != "text" else None
        if word is not None:
            return word[1]
    return None


def _count(word: str | None) -> int | None:
    """A number of messages; None if ``word`` is none."""
    if word is None or len(word) > _MAX_COUNT_DIGITS or not (word.isascii() and word.isdigit()):
        return None
    return int(word)


def _refuse_gaps(values: dict[str, str], receipt: Receipt) -> None:
    """Raise ``ReceiptError`` for what strict parsing wants and ``receipt`` has not."""
    missing = [label for label in LABELS if label.replace(" ", "_") not in values]
    if missing:
        raise ReceiptError(f"no label {missing[0]!r}")
    sound = {
        "id": receipt.id,
        "sub": receipt.sub,
        "dlvrd": receipt.dlvrd,
        "submit date": receipt.submitted_at(),
        "done date": receipt.done_at(),
        "stat": receipt.stat,
        "err": receipt.err,
    }
    for label, value in sound.items():
        if value is None:
            raise ReceiptError(f"{label!r} is empty or malformed: {values[label.replace(' ', '_')]!r}")


def _date(date: datetime | bytes, style: DateStyle) -> bytes:
    """A date to be formatted, or one that is."""
    return date if isinstance(date, bytes) else format_receipt_date(date, style)


def _octets(value: bytes | str) -> bytes:
    """Text as the octets that ``parse_receipt`` reads back."""
    return value.encode("latin-1", "replace") if isinstance(value, str) else value
