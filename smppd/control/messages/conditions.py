"""A search as conditions on messages: each knows what it is about, what it accepts, and how to find candidates."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from smppd.behaviour.conditions import compile_when
from smppd.behaviour.facts import Facts
from smppd.control.failures import InvalidError
from smppd.control.messages.columns import BREAK
from smppd.control.messages.index import TEXT
from smppd.control.messages.literals import pieces_of
from smppd.control.messages.search import Criteria, Moments, numbers_of, state_of
from smppd.engine.message import DELIVERED, FIRST_FINAL, DataRecord, Message, ReceiptState
from smppd.engine.multipart import part_of, text_of
from smppd.settings.names import ALL_FIELDS, tlv_tag
from smppd.settings.rules import When
from smppwire.constants import TlvTag
from smppwire.pdus import SubmitSm, Tlv
from smppwire.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import tzinfo

    from smppwire.pdus import Pdu

REMEMBERED: Final = 4096
"""Verdicts on values that a condition remembers during one search."""

SILENT: Final = ("bind_type", "interface_version", "session_age", "time")
"""Conditions of rules that are about a session or the moment, of which a recorded message knows nothing."""

NOT_OF_MESSAGES: Final = frozenset(ALL_FIELDS) - frozenset(SubmitSm.__dataclass_fields__) | {"command_status"}
"""Fields of other PDUs than those that bring messages; their command_status is always 0."""

SAR_TOTAL_SEGMENTS: Final = int(TlvTag.SAR_TOTAL_SEGMENTS)
SAR_SEGMENT_SEQNUM: Final = int(TlvTag.SAR_SEGMENT_SEQNUM)


@dataclass(slots=True)
class Condition:
    """What one value of a message must be.

    * name: of the column. value_of: of a message; values_of: the same of many.
    * accepts: whether a value is accepted.
    * changes: whether the value changes while the message lives, as its state does.
    * pieces: of which one must stand in the value; None when none are known. folded: without letter case.
    * is_lasting: whether a column of it may be kept.
    * has_codes: whether it is worth trying to make `Codes` of the values; else they are `Joined`.
    """

    name: str
    value_of: Callable[[Message], Any]
    accepts: Callable[[Any], bool]
    values_of: Callable[[Sequence[Message]], Iterable[Any]]
    changes: bool = False
    pieces: tuple[str, ...] | None = None
    folded: bool = False
    has_codes: bool = True
    is_lasting: bool = True

    def holds(self, message: Message) -> bool:
        """Whether a message meets the condition."""
        return self.accepts(self.value_of(message))


@dataclass(slots=True)
class Between:
    """A time of a message lies between two (Unix time, `least` included, `most` not)."""

    name: str
    value_of: Callable[[Message], float]
    least: float
    most: float
    changes: bool = False

    def holds(self, message: Message) -> bool:
        """Whether a message meets the condition."""
        return self.least <= self.value_of(message) < self.most


@dataclass(slots=True)
class Query:
    """All conditions of a search; every one must hold."""

    conditions: list[Condition]
    spans: list[Between]
    whole: bool

    def accepts(self, message: Message) -> bool:
        """Whether a message is looked for."""
        if self.whole and not stands_for_whole(message):
            return False
        return all(each.holds(message) for each in self.spans) and all(each.holds(message) for each in self.conditions)


# -- what messages say -----------------------------------------------------------------------------------------------


def stands_for_whole(message: Message) -> bool:
    """Whether a message is whole by itself, or the first part of what is there of its text."""
    return message.assembly is None or message.assembly.first is message


def decisive(message: Message) -> Message:
    """The part that says how a whole message stands: the first that is not delivered, else the first."""
    if message.assembly is None:
        return message
    return next((part for part in message.assembly.in_order if part.state != DELIVERED), message.assembly.first)


def final_wall_of(message: Message) -> float:
    """When a message became final, Unix time; 0.0 while it is not."""
    return message.final_wall


def final_wall_of_whole(message: Message) -> float:
    """When the last part became final; 0.0 while one is not."""
    assembly = message.assembly
    if assembly is None:
        return message.final_wall
    return assembly.final_wall if all(part.state >= FIRST_FINAL for part in assembly.parts.values()) else 0.0


def text_of_message(message: Message) -> str:
    """The decoded text of one message, without its user data header."""
    return text_of(message.pdu, message.esme.dialect.default_alphabet)


def text_of_whole(message: Message) -> str:
    """The decoded text of all parts together."""
    return text_of_message(message) if message.assembly is None else message.assembly.text


def command_of(message: Message) -> str:
    """The command that brought a message."""
    if message.group is not None:
        return "submit_multi"
    return "data_sm" if message.pdu.__class__ is DataRecord else "submit_sm"


def place_of(message: Message) -> tuple[int, int]:
    """Which part of how many a message is: (1, 1) when it is whole by itself."""
    part = part_of(message.pdu)
    return (1, 1) if part is None else (part.seq, part.total)


# -- from a search to its conditions -----------------------------------------------------------------------------------


def compile_search(search: Criteria, zone: tzinfo) -> Query:
    """The conditions of a search. Raises InvalidError for those that recorded messages cannot meet."""
    when = search.when
    problems = [
        (f"when.{name}", "a recorded message knows nothing of this")
        for name in SILENT
        if getattr(when, name) is not None
    ]
    problems += [(f"when.{name}", "no field of a message") for name in when.fields if name in NOT_OF_MESSAGES]
    if when.direction != "in":
        problems.append(("when.direction", 'messages come from ESMEs: "in"'))
    if problems:
        raise InvalidError(problems)
    whole = search.unit == "whole"
    conditions = [*_of_states(search, whole=whole), *_of_when(when, zone), *_of_texts(search, zone, whole=whole)]
    return Query(conditions, list(_of_moments(search, whole=whole)), whole)


def _of_states(search: Criteria, *, whole: bool) -> Iterator[Condition]:
    """The message_id, and what changes in the life of a message."""
    ids = search.message_id
    if ids is not None:
        wanted = frozenset(each.encode("latin-1", "replace") for each in _listed(ids))
        condition = _by_attribute("message_id", wanted.__contains__)
        condition.pieces = tuple(f"{BREAK}{each}{BREAK}" for each in _listed(ids) if each and BREAK not in each) or None
        condition.has_codes = False
        yield condition
    if search.message_state is not None:
        states = frozenset(state_of(name) for name in _listed(search.message_state))
        yield _changing("state", states.__contains__, whole=whole)
    if search.error_code is not None:
        codes = frozenset(numbers_of(search.error_code))
        yield _changing("error_code", codes.__contains__, whole=whole)
    if search.receipt is not None:
        receipts = frozenset(int(ReceiptState[name]) for name in _listed(search.receipt))
        yield _changing("receipt", receipts.__contains__, whole=False)


def _of_moments(search: Criteria, *, whole: bool) -> Iterator[Between]:
    if search.accepted is not None:
        yield Between("accepted_wall", attrgetter("accepted_wall"), *_ends(search.accepted))
    if search.final is not None:
        least, most = _ends(search.final)
        value_of = final_wall_of_whole if whole else final_wall_of
        # What is not final has no such time: it is later than 0.0, which stands for none.
        yield Between("final_wall", value_of, max(least, 1e-9), most, changes=True)


def _ends(moments: Moments) -> tuple[float, float]:
    return moments.least, moments.most


def _of_when(when: When, zone: tzinfo) -> Iterator[Condition]:
    """The conditions of a `when` but for those on the text."""
    commands = frozenset(when.commands)
    if "*" not in commands and not commands >= {"submit_sm", "data_sm", "submit_multi"}:
        yield _by_function("command", command_of, commands.__contains__)
    if when.account is not None:
        judge = _judging(zone, account=when.account)
        yield _by_attribute("esme", lambda esme: judge(SubmitSm(), Facts(esme.system_id)))
    if when.route is not None:
        judges = _judging(zone, route=when.route)
        yield _by_attribute("route", lambda route: judges(SubmitSm(), Facts(route_of=lambda _: str(route.name))))
    for name, test in when.fields.items():
        condition = _by_attribute(f"pdu.{name}", _of_field(name, _judging(zone, fields={name: test})))
        # Octet strings (the text as sent) are as many as there are messages: no index is of use.
        condition.has_codes = ALL_FIELDS[name] is not Kind.OCTETS
        yield condition
    for name in ("part", "parts"):
        if (test := getattr(when, name)) is not None:
            yield _by_function("part", place_of, _of_place(_judging(zone, **{name: test})))
    for name, test in when.tlv.items():
        tag = tlv_tag(name)
        yield _by_function(f"tlv {tag}", _tlv_of(tag), _of_tlv(tag, _judging(zone, tlv={name: test})))
    for name in ("source_addr", "destination_addr"):
        if (test := getattr(when, name)) is not None:
            condition = _by_attribute(f"pdu.{name}", _of_field(name, _judging(zone, **{name: test})))
            condition.pieces = pieces_of(test)
            yield condition


def _of_texts(search: Criteria, zone: tzinfo, *, whole: bool) -> Iterator[Condition]:
    """The conditions on the decoded text: the dearest ones, and so the last."""
    value_of = text_of_whole if whole else text_of_message
    if search.contains:
        piece = search.contains.casefold() if search.ignore_case else search.contains
        yield Condition(
            TEXT,
            value_of,
            (lambda text: piece in text.casefold()) if search.ignore_case else (lambda text: piece in text),
            lambda messages: map(value_of, messages),
            pieces=(piece,) if BREAK not in piece else None,
            folded=search.ignore_case,
            has_codes=False,
        )
    test = search.when.text
    if test is not None:
        judge = _judging(zone, text=test)
        yield Condition(
            TEXT,
            value_of,
            _of_text(judge),
            lambda messages: map(value_of, messages),
            pieces=pieces_of(test),
            has_codes=False,
        )


class _Said(Facts):
    """Facts of a text that is decoded already."""

    __slots__ = ("said",)
    said: str

    def text(self, pdu: Pdu) -> str:  # noqa: ARG002  # it is what it is
        """The text that was put here."""
        return self.said


def _judging(zone: tzinfo, **condition: Any) -> Callable[[Pdu, Facts], bool]:
    """The predicate of one condition of a `when`."""
    predicate = compile_when(When(**condition), zone)
    return (lambda _pdu, _facts: True) if predicate is None else predicate


def _of_text(judge: Callable[[Pdu, Facts], bool]) -> Callable[[str], bool]:
    """A test of a text, put to a PDU that has none of its own."""
    pdu, facts = SubmitSm(), _Said()

    def accepts(text: str) -> bool:
        facts.said = text
        return judge(pdu, facts)

    return accepts


def _of_field(name: str, judge: Callable[[Pdu, Facts], bool]) -> Callable[[Any], bool]:
    """A test of a field's value, put to a PDU that has it and nothing else."""
    return lambda value: judge(SubmitSm(**{name: value}), Facts())


def _of_tlv(tag: int, judge: Callable[[Pdu, Facts], bool]) -> Callable[[Any], bool]:
    return lambda value: judge(SubmitSm(tlvs=() if value is None else (Tlv(tag, value),)), Facts())


def _tlv_of(tag: int) -> Callable[[Message], bytes | None]:
    return lambda message: message.pdu.tlv(tag) if message.pdu.tlvs else None


def _of_place(judge: Callable[[Pdu, Facts], bool]) -> Callable[[Any], bool]:
    """A test of (part, parts), put to a PDU that says so in its TLVs."""

    def accepts(place: tuple[int, int]) -> bool:
        seq, total = place
        tlvs = (Tlv(SAR_SEGMENT_SEQNUM, _octets(seq)), Tlv(SAR_TOTAL_SEGMENTS, _octets(total)))
        return judge(SubmitSm(tlvs=tlvs), Facts())

    return accepts


def _octets(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _by_attribute(path: str, accepts: Callable[[Any], bool]) -> Condition:
    first, *rest = path.split(".")

    def values_of(messages: Sequence[Message]) -> Iterable[Any]:
        values = map(attrgetter(first), messages)
        for name in rest:  # step by step: twice as fast as a path with dots
            values = map(attrgetter(name), values)
        return values

    return Condition(path, attrgetter(path), _remembering(accepts), values_of)


def _by_function(name: str, value_of: Callable[[Message], Any], accepts: Callable[[Any], bool]) -> Condition:
    return Condition(name, value_of, _remembering(accepts), lambda messages: map(value_of, messages))


def _changing(name: str, accepts: Callable[[Any], bool], *, whole: bool) -> Condition:
    """A condition on what changes; of a whole message the decisive part says it."""
    value_of = attrgetter(name)
    condition = Condition(name, value_of, accepts, lambda messages: map(value_of, messages), changes=True)
    if whole:
        condition.name = f"{name} of whole"
        condition.value_of = lambda message: value_of(decisive(message))
        condition.values_of = lambda messages: map(condition.value_of, messages)
        condition.is_lasting = False
    return condition


def _remembering(accepts: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """The same verdicts, remembered by value."""
    verdicts: dict[Any, bool] = {}

    def judged(value: Any) -> bool:
        verdict = verdicts.get(value)
        if verdict is None:
            verdict = accepts(value)
            if len(verdicts) < REMEMBERED:
                verdicts[value] = verdict
        return verdict

    return judged


def _listed(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]
