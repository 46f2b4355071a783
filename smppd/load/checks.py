"""What is wrong with a profile beyond the types of its keys: contradictions, missing files, unsendable texts."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from smppd.load.addresses import MAX_ALPHANUMERIC, parse_range, source_type
from smppd.load.compose import cut
from smppd.load.csv_file import CsvError, read_table
from smppd.load.encodings import AUTO, BINARY, ENCODINGS
from smppd.load.keys import Csv, Multipart, Profile, Reply, Submission, Traffic, listed
from smppd.load.replies import captures_of
from smppd.load.templates import Template, TemplateError, Vocabulary, text_of
from smppd.settings import MAX_SECONDS
from smppd.tlvs import tlv_octets
from smppwire.constants import Ton
from smppwire.errors import TextError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path as FilePath

    from smppd.load.encodings import Encoding
    from smppd.strict import Check, Path, StrictReader

TOLERANCE: Final = 0.2
"""How far shares may be from adding up to 100 percent: thirds are written 33.3, sevenths 14.3."""

MAX_OPTED_OUT: Final = 1_000_000
"""Numbers that may have opted out from the start: they are held in a set, about 100 MB."""


class Checks:
    """The checks of one profile. directory: where the paths of CSV files begin."""

    def __init__(self, directory: FilePath) -> None:
        self._directory = directory
        self._columns: dict[Path, Mapping[str, Sequence[str]]] = {}

    def table(self) -> Mapping[type, Check]:
        """What StrictReader takes."""
        return {Multipart: _check_multipart, Traffic: self._traffic, Reply: _check_reply, Profile: self._profile}

    def _traffic(self, reader: StrictReader, traffic: Traffic, table: Mapping[str, Any], path: Path) -> None:
        _check_submission(reader, traffic, path)
        _check_sources(reader, traffic, path)
        if ("destination_addr" in table) == ("csv" in table):
            how = "both are given" if "csv" in table else "neither is given"
            reader.reject((*path, "destination_addr"), None, "expected either destination_addr or csv", how)
        elif traffic.csv is not None:
            if reader.sound(path, "csv"):
                self._read_csv(reader, traffic.csv, path)
        elif reader.sound(path, "csv", "destination_addr"):
            _check_destinations(reader, traffic.destination_addr, path)

    def _read_csv(self, reader: StrictReader, csv: Csv, path: Path) -> None:
        """Try the file; keep the values of its columns for the check of texts."""
        place = self._directory / csv.file
        try:
            table = read_table(place, column=csv.column, header=csv.header, delimiter=csv.delimiter, limit=csv.limit)
        except CsvError as error:
            reader.reject((*path, "csv", "file"), csv.file, "expected a CSV file of subscribers", str(error))
            return
        self._columns[path] = table.columns

    def _profile(self, reader: StrictReader, profile: Profile, table: Mapping[str, Any], path: Path) -> None:
        _check_names(reader, "traffic", [one.name for one in profile.traffic])
        _check_names(reader, "reply", [one.name for one in profile.reply])
        _check_reachable(reader, profile.reply)
        if reader.sound(path, "opted_out"):
            numbers = sum(parse_range(text).size for text in profile.opted_out)
            if numbers > MAX_OPTED_OUT:
                reader.reject(
                    (*path, "opted_out"), None, f"expected up to {MAX_OPTED_OUT} numbers", f"{numbers} numbers"
                )
        lists: Mapping[str, Sequence[str]] = profile.variables
        if not reader.sound(path, "variables") and isinstance(table["variables"], dict):
            lists = dict.fromkeys(table["variables"], ("",))  # reported already: their names are known all the same
        for index, traffic in enumerate(profile.traffic):
            place = (*path, "traffic", index)
            if reader.sound(place, "csv"):
                vocabulary = Vocabulary((), self._columns.get(place, {}), lists)
                _check_texts(reader, traffic, vocabulary, place)
        for index, reply in enumerate(profile.reply):
            place = (*path, "reply", index)
            if reader.sound(place, "match"):
                _check_texts(reader, reply, Vocabulary(captures_of(reply.match), {}, lists), place)


def _check_multipart(reader: StrictReader, multipart: Multipart, _table: Mapping[str, Any], path: Path) -> None:
    if not reader.sound(path, "share", "text"):
        return
    if multipart.share and not listed(multipart.text):
        reader.reject((*path, "text"), None, "missing; expected with a share above 0")
    elif listed(multipart.text) and not multipart.share:
        reader.reject((*path, "share"), multipart.share, "expected a share above 0", "else its text is never sent")


def _check_submission(reader: StrictReader, one: Submission, path: Path) -> None:
    """What concerns the keys that traffic and replies share, the texts aside."""
    names = one.encodings
    if reader.sound(path, "encoding"):
        total = sum(names.values())
        if abs(total - 100) > TOLERANCE:
            reader.reject((*path, "encoding"), None, "expected shares that add up to 100", f"they make {total:g}")
        if one.data_coding is not None and (len(names) > 1 or AUTO in names):
            hint = 'such as encoding = "gsm7"'
            reader.reject(
                (*path, "data_coding"), one.data_coding, "expected only with one encoding that is named", hint
            )
        if BINARY.name in names and one.hex is None and reader.sound(path, "hex"):
            reader.reject((*path, "hex"), None, "missing; expected with binary messages")
        if BINARY.name not in names and one.hex is not None:
            reader.reject((*path, "hex"), one.hex, 'expected only with encoding "binary"')
        _check_text_or_hex(reader, one, path, is_text=bool(names.keys() - {BINARY.name}))
    for name, value in one.tlvs.items():
        try:
            tlv_octets(name, value)
        except ValueError as error:
            reader.reject((*path, "tlvs", name), value, "expected a value of this TLV", str(error))


def _check_text_or_hex(reader: StrictReader, one: Submission, path: Path, *, is_text: bool) -> None:
    if is_text and not listed(one.text) and reader.sound(path, "text"):
        reader.reject((*path, "text"), None, "missing; expected a text")
    elif not is_text and listed(one.text):
        reader.reject((*path, "text"), None, "expected only with an encoding of text", "binary messages are hex")


def _check_sources(reader: StrictReader, traffic: Traffic, path: Path) -> None:
    if traffic.source_addr_ton is not None or not reader.sound(path, "source_addr"):
        return
    for address in listed(traffic.source_addr):
        if source_type(address)[0] == Ton.ALPHANUMERIC and len(address) > MAX_ALPHANUMERIC:
            expected = f"expected letters and digits of up to {MAX_ALPHANUMERIC} characters"
            reader.reject((*path, "source_addr"), address, expected, "source_addr_ton = 5 sends it all the same")


def _check_destinations(reader: StrictReader, destinations: str | list[str], path: Path) -> None:
    """Report an empty list, and numbers that are in two entries: shares of workers would overlap."""
    place = (*path, "destination_addr")
    entries = listed(destinations)
    if not entries:
        reader.reject(place, entries, "expected at least one destination")
    ranges = [(parse_range(text), text) for text in entries]
    ranges.sort(key=lambda entry: (entry[0].width, entry[0].first))
    for (before, text), (after, other) in pairwise(ranges):
        if before.width == after.width and after.first <= before.last:
            reader.reject(place, other, "expected each number once", f"{text} has {after.first:0{after.width}} too")


def _check_reply(reader: StrictReader, reply: Reply, _table: Mapping[str, Any], path: Path) -> None:
    _check_submission(reader, reply, path)
    if listed(reply.keyword) and reply.match is not None:
        reader.reject((*path, "match"), reply.match, "expected either keyword or match", "both are given")
    times = listed(reply.think_time)
    if (
        reader.sound(path, "think_time")
        and isinstance(reply.think_time, list)
        and (len(times) != 2 or times[0] > times[1])
    ):
        reader.reject((*path, "think_time"), times, f"expected [shortest, longest] of 0 to {MAX_SECONDS} seconds")


def _check_names(reader: StrictReader, table: str, names: Sequence[str]) -> None:
    for index, name in enumerate(names):
        before = names.index(name)
        if before < index and reader.sound((table, index), "name"):
            reader.reject(
                (table, index, "name"), name, "expected a name of its own", f"{table}[{before}] has it already"
            )


def _check_reachable(reader: StrictReader, replies: Sequence[Reply]) -> None:
    for index, reply in enumerate(replies[:-1]):
        if not listed(reply.keyword) and reply.match is None and reader.sound(("reply", index), "keyword", "match"):
            expected = "expected keyword or match in all but the last"
            reader.reject(("reply", index), None, expected, "it answers everything, so the following are never reached")


def _check_texts(reader: StrictReader, one: Submission, vocabulary: Vocabulary, path: Path) -> None:
    """Report texts with mistakes in them, with characters that their encoding does not have, and too long ones."""
    names = one.encodings if reader.sound(path, "encoding") else {}
    encodings = [None if name == AUTO else ENCODINGS[name] for name in names if name != BINARY.name]
    for place, text in _places(one, path):
        try:
            template = Template(text, vocabulary)
            for encoding in encodings:
                _check_text(template, encoding, one)
        except (TemplateError, TextError) as error:
            reader.reject(place, text, "expected a text that can be sent", str(error))


def _check_text(template: Template, encoding: Encoding | None, one: Submission) -> None:
    """Raise TemplateError or TextError for what can be told before a message is made."""
    if encoding is not None:
        template.check(encoding)
    constant = text_of(template, encoding).constant
    if constant is not None:
        cut(*constant, one.multipart.method, 0)


def _places(one: Submission, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text with its place."""
    for names, texts in ((("text",), one.text), (("multipart", "text"), one.multipart.text)):
        if isinstance(texts, str):
            yield (*path, *names), texts
        else:
            for index, text in enumerate(texts):
                yield (*path, *names, index), text
