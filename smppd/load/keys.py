"""The keys of a load profile: what is sent, to whom, and how incoming messages are answered.

One field per key, with its default, unit and range. ``docs/load-profiles.md`` says the same in prose and a test holds
the two together. ``smppd.load.profile`` reads profiles, ``smppd.load.checks`` judges what types cannot say.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, TypeAlias, TypeVar

from msgspec import Meta, Struct, field

from smppd.load import csv_file
from smppd.load.addresses import MAX_ADDRESS, parse_range
from smppd.load.encodings import AUTO, ENCODINGS
from smppd.settings import MAX_COUNT, Name, Octet, Seconds, ServiceType
from smppd.strict import Rule, quoted
from smppd.tlvs import NAMES, tag_of

MAX_RELATIVE: Final = 31 * 86_400 + 86_399
"""Most seconds of a relative time in days, hours, minutes and seconds (SMPP 3.4, 7.1.1.2: two digits of days)."""

MAX_TEXT: Final = 40_000
"""Characters of a text: more than 255 parts hold (255 times 153)."""

MAX_ENTRIES: Final = 100_000
"""Entries of a list of texts, values or destinations; for longer ones there are ranges and CSV files."""

STOP_WORDS: Final = ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT")
"""The words by which people opt out: what operators and the CTIA's handbook list."""


def _check_source(address: str) -> None:
    if not (address.isascii() and (address.isprintable() or not address)):
        raise ValueError("characters other than printable ASCII")
    if len(address) > MAX_ADDRESS:
        raise ValueError(f"{len(address)} characters")


def _check_hex(text: str) -> None:
    if not bytes.fromhex(text):
        raise ValueError("no octets")


def _check_encoding(name: str) -> None:
    if name != AUTO and name not in ENCODINGS:
        raise ValueError("")


def _check_delimiter(text: str) -> None:
    if len(text) > 1 or text in {'"', "\n", "\r"}:
        raise ValueError("")


def _check_pattern(text: str) -> None:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(str(error)) from None


_ENCODING_NAMES: Final = (AUTO, *ENCODINGS)

Percent: TypeAlias = Annotated[float, Meta(ge=0, le=100)]
Template: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
Templates: TypeAlias = Template | Annotated[list[Template], Meta(max_length=MAX_ENTRIES)]
Relative: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_RELATIVE)]
EncodingName: TypeAlias = Annotated[str, Rule(quoted(_ENCODING_NAMES), _check_encoding, names=_ENCODING_NAMES)]
TlvName: TypeAlias = Annotated[str, Rule("the name of a TLV or a tag such as 0x1403", tag_of, names=NAMES)]
Hex: TypeAlias = Annotated[str, Rule("octets in hexadecimal", _check_hex)]
Source: TypeAlias = Annotated[str, Rule(f"up to {MAX_ADDRESS} characters of printable ASCII", _check_source)]
Sources: TypeAlias = Source | Annotated[list[Source], Meta(min_length=1, max_length=MAX_ENTRIES)]
Destination: TypeAlias = Annotated[
    str, Rule('a number, or "447700900000-447700900999", "447700900xxx" or "447700900000*1000"', parse_range)
]
Destinations: TypeAlias = Destination | Annotated[list[Destination], Meta(max_length=MAX_ENTRIES)]
Delimiter: TypeAlias = Annotated[str, Rule('one character, or "" to find it out', _check_delimiter)]
Pattern: TypeAlias = Annotated[str, Rule("a regular expression", _check_pattern)]
Words: TypeAlias = Template | list[Template]

T = TypeVar("T")


def listed(value: T | list[T]) -> list[T]:
    """A value that may be one or a list of them, as a list."""
    return value if isinstance(value, list) else [value]


class _Table(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all tables have in common: immutable, keys by name, nothing unknown."""


class Multipart(_Table, frozen=True):
    """``multipart``: how long texts travel, and a share of messages that are long on purpose.

    * method: what tells the parts apart: udh8, udh16 (user data header, reference of 8 or 16 bits), sar (TLVs), or
      payload: the whole text in message_payload.
    * share: percent of messages that take their text from here. text: a template or several.
    """

    method: Literal["udh8", "udh16", "sar", "payload"] = "udh8"
    share: Percent = 0.0
    text: Templates = []


class Csv(_Table, frozen=True):
    """``csv``: a file of subscribers; each column is a variable of the texts.

    * file: its path, from the profile's directory.
    * column: where the destinations stand, by name or by number from 1; "": the first column with numbers in it.
    * header: whether the first row names the columns; not given: it does when there is no number in it.
    * delimiter: between columns; "": the most frequent of comma, semicolon, tab and bar.
    * limit: rows that are read.
    """

    file: Annotated[str, Meta(min_length=1)]
    column: str | int = ""
    header: bool | None = None
    delimiter: Delimiter = ""
    limit: Annotated[int, Meta(ge=1, le=csv_file.MAX_ROWS)] = csv_file.MAX_ROWS


class Submission(_Table, frozen=True):
    """What traffic and replies have in common: the text, and the fields of submit_sm.

    * text: a template, or several of which one is drawn for each message.
    * encoding: of the text: auto (gsm7 where it fits, else ucs2), gsm7, gsm7-packed, ascii, latin-1, ucs2, binary; or
      shares in percent (``{ gsm7 = 80, ucs2 = 20 }``).
    * data_coding: instead of the one that belongs to the encoding, if there is just one.
    * hex: the octets of binary messages.
    * multipart: how long texts travel.
    * registered_delivery: 1 asks for a receipt. registered_delivery_share: percent of messages that carry it; others 0.
    * esm_class, protocol_id, priority_flag, service_type: as they are.
    * validity_period, schedule_delivery_time: seconds from the submission, sent as relative times; 0 = none.
    * tlvs: by name (or tag, ``0x1403``): integers, text, or octets in hexadecimal (``"0x0102"``).
    """

    text: Templates = []
    encoding: EncodingName | dict[EncodingName, Percent] = AUTO
    data_coding: Octet | None = None
    hex: Hex | None = None
    multipart: Multipart = Multipart()
    registered_delivery: Octet = 0
    registered_delivery_share: Percent = 100.0
    esm_class: Octet = 0
    protocol_id: Octet = 0
    priority_flag: Octet = 0
    service_type: ServiceType = ""
    validity_period: Relative = 0
    schedule_delivery_time: Relative = 0
    tlvs: dict[TlvName, int | str] = {}

    @property
    def encodings(self) -> dict[str, float]:
        """Names of encodings with their shares in percent."""
        return self.encoding if isinstance(self.encoding, dict) else {self.encoding: 100.0}


class Traffic(Submission, frozen=True, kw_only=True):
    """``[[traffic]]``: one kind of message.

    * name: unique, in reports. weight: how often it is drawn, among all kinds.
    * source_addr: the sender: number, short code or letters; or several of which one is drawn for each message.
    * source_addr_ton, source_addr_npi: of the sender; not given: guessed from its form.
    * destination_addr: a number, a range of them, or a list of both. Or csv: a file of them.
    * dest_addr_ton, dest_addr_npi: of the destinations.
    * order: whether destinations are taken one after the other or drawn at random (with repetition).
    """

    name: Name
    weight: Annotated[float, Meta(gt=0, le=MAX_COUNT)] = 1.0
    source_addr: Sources = ""
    source_addr_ton: Octet | None = None
    source_addr_npi: Octet | None = None
    destination_addr: Destinations = []
    dest_addr_ton: Octet = 1
    dest_addr_npi: Octet = 1
    order: Literal["sequential", "random"] = "sequential"
    csv: Csv | None = None


class Reply(Submission, frozen=True, kw_only=True):
    """``[[reply]]``: answers messages that come in; the first rule that matches answers. Addresses are swapped.

    * name: unique, in reports.
    * keyword: the first word of the message, letter case aside; or several. match: a regular expression that is found
      in its text; its groups are variables. Neither: every message.
    * think_time: seconds until the answer leaves, or ``[shortest, longest]``.
    """

    name: Name
    keyword: Words = []
    match: Pattern | None = None
    think_time: Seconds | list[Seconds] = 0.0


class Profile(_Table, frozen=True, kw_only=True):
    """A whole profile.

    * description: for people.
    * respect_stop: a number that sent one of ``stop_words`` (as its first word) gets nothing more.
    * opted_out: numbers that get nothing from the start.
    * variables: lists of values for the texts, by name.
    """

    description: str = ""
    respect_stop: bool = True
    stop_words: list[Template] = field(default_factory=lambda: list(STOP_WORDS))
    opted_out: list[Destination] = []
    variables: dict[Name, Annotated[list[str], Meta(min_length=1, max_length=MAX_ENTRIES)]] = {}
    traffic: Annotated[list[Traffic], Meta(min_length=1)]
    reply: list[Reply] = []
