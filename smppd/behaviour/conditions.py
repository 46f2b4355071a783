"""``when`` of a rule as one predicate over a PDU and what is known of its session.

Every condition becomes a test of its own; the cheap ones come first, and text is decoded only when a test of it is
reached. What regular expressions have found by name is looked up again when a rule fires: few rules do.
"""

from __future__ import annotations

import fnmatch
import re
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import msgspec

from smppd.regexes import compile_regex, search
from smppd.settings.names import ALL_FIELDS, command_status, minutes_of_day, tlv_kind, tlv_tag
from smppwire.schema import Kind, TlvKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smppd.behaviour.facts import Facts
    from smppd.settings.rules import Between, Hours, Test, When
    from smppwire.pdus import Pdu

MINUTES_PER_DAY: Final = 24 * 60

Predicate: TypeAlias = "Callable[[Pdu, Facts], bool]"
"""Whether a PDU meets a condition."""

Getter: TypeAlias = "Callable[[Pdu, Facts], Any]"
"""What a condition is about; None when the PDU has nothing of the kind."""

Finder: TypeAlias = "Callable[[Pdu, Facts], re.Match[str] | None]"
"""What a regular expression has found."""


class Condition(NamedTuple):
    """One condition of a ``when``: whether it holds, and what is to be said about it."""

    name: str
    """Its key: ``text``, ``source_addr_ton``, ``tlv.0x1403``."""
    test: Any
    """What stands there: a `Test`, a list of bind types, a `Between`, an `Hours`."""
    get: Getter
    """What it is about; None when a PDU has nothing of the kind."""
    holds: Predicate


def compile_when(when: When, zone: tzinfo, *, destination: bool = True) -> Predicate | None:
    """One predicate for all conditions but those on command and direction; None when there are none.

    zone: in which ``time`` is meant. destination: False leaves out the condition on destination_addr.
    """
    tests = [one.holds for one in conditions_of(when, zone) if destination or one.name != "destination_addr"]
    if not tests:
        return None
    if len(tests) == 1:
        return tests[0]
    return lambda pdu, facts: all(test(pdu, facts) for test in tests)


def compile_account(when: When) -> Callable[[str], bool] | None:
    """The condition on the account alone, by which rules are sorted beforehand; None when there is none."""
    return None if when.account is None else _of_text(when.account)


def compile_finders(when: When) -> list[Finder]:
    """The regular expressions of a ``when`` that have named groups."""
    return [find for _, pattern, find in regex_finders(when) if pattern.groupindex]


def regex_finders(when: When) -> Iterator[tuple[str, re.Pattern[str], Finder]]:
    """The regular expressions of a ``when``: the key of each, the expression, and what looks for it in a PDU."""
    for name, get, test in _text_tests(when):
        if test.regex is not None:
            pattern = compile_regex(test.regex)
            yield name, pattern, _finder(get, pattern)


def _finder(get: Getter, pattern: re.Pattern[str]) -> Finder:
    def find(pdu: Pdu, facts: Facts) -> re.Match[str] | None:
        value = get(pdu, facts)
        return None if value is None else search(pattern, value)

    return find


def conditions_of(when: When, zone: tzinfo) -> Iterator[Condition]:
    """The conditions of a ``when`` but those on command and direction, the cheap ones first.

    zone: in which ``time`` is meant.
    """
    if when.bind_type is not None:
        types = frozenset(listed(when.bind_type))
        yield Condition(
            "bind_type", when.bind_type, lambda _, facts: facts.bind_type, lambda _, facts: facts.bind_type in types
        )
    if when.interface_version is not None:
        version = when.interface_version
        yield _condition("interface_version", version, lambda _pdu, facts: facts.interface_version, _of_number(version))
    if when.session_age is not None:
        age = when.session_age
        yield _condition("session_age", age, lambda _pdu, facts: facts.now - facts.bound_at, _of_age(age))
    if when.time is not None:
        yield _condition("time", when.time, lambda _pdu, facts: facts.wall, _of_hours(when.time, zone))
    for name, test in when.fields.items():
        if ALL_FIELDS[name] is Kind.INTEGER:
            yield _condition(name, test, _field(name), _of_number(test))
    if when.part is not None:
        yield _condition("part", when.part, lambda pdu, facts: facts.part(pdu).part, _of_number(when.part))
    if when.parts is not None:
        yield _condition("parts", when.parts, lambda pdu, facts: facts.part(pdu).parts, _of_number(when.parts))
    for name, test in when.tlv.items():
        yield _tlv_condition(name, test)
    for name, get, test in _text_tests(when):
        yield _condition(name, test, get, _of_text(test))


def _condition(name: str, test: Any, get: Getter, holds: Callable[[Any], bool]) -> Condition:
    return Condition(name, test, get, _applied(get, holds))


def _tlv_condition(name: str, test: Test) -> Condition:
    tag = tlv_tag(name)
    numeric = _is_numeric(tag, test)

    def get(pdu: Pdu, _facts: Facts) -> Any:
        octets = pdu.tlv(tag)
        return None if octets is None else _read_tlv(octets, numeric=numeric)

    return Condition(f"tlv.{name}", test, get, _of_tlv(tag, test))


def _text_tests(when: When) -> Iterator[tuple[str, Getter, Test]]:
    """The tests of a ``when`` that are about text, the key and what each is about; the decoded text comes last."""
    if when.account is not None:
        yield "account", lambda _pdu, facts: facts.account, when.account
    if when.destination_addr is not None:
        yield "destination_addr", _latin("destination_addr"), when.destination_addr
    if when.source_addr is not None:
        yield "source_addr", _latin("source_addr"), when.source_addr
    for name, test in when.fields.items():
        if ALL_FIELDS[name] is not Kind.INTEGER:
            yield name, _latin(name), test
    if when.route is not None:
        yield "route", lambda pdu, facts: facts.route(pdu), when.route
    if when.text is not None:
        yield "text", lambda pdu, facts: facts.text(pdu), when.text


def _field(name: str) -> Getter:
    return lambda pdu, _facts: getattr(pdu, name, None)


def _latin(name: str) -> Getter:
    """A field of octets as text, one character for each."""

    def get(pdu: Pdu, _facts: Facts) -> str | None:
        octets = getattr(pdu, name, None)
        return None if octets is None else octets.decode("latin-1")

    return get


def _applied(get: Getter, test: Callable[[Any], bool]) -> Predicate:
    def holds(pdu: Pdu, facts: Facts) -> bool:
        value = get(pdu, facts)
        return value is not None and test(value)

    return holds


def listed(values: Any) -> list[Any]:
    """A setting that is one value or several, as a list; [] when it is not given."""
    if values is None:
        return []
    return values if isinstance(values, list) else [values]


# Tests of single values.


def compile_test(test: Test) -> Callable[[Any], bool]:
    """A test of a text by itself."""
    return _of_text(test)


def _all(tests: list[Callable[[Any], bool]]) -> Callable[[Any], bool]:
    return tests[0] if len(tests) == 1 else lambda value: all(test(value) for test in tests)


def _of_number(test: Test) -> Callable[[Any], bool]:
    """A test of an integer."""
    tests: list[Callable[[Any], bool]] = []
    if test.equals is not None:
        # A text can only be the name of a command_status.
        tests.append(frozenset(map(command_status, listed(test.equals))).__contains__)
    if (least := test.min) is not None:
        tests.append(lambda value: value >= least)
    if (most := test.max) is not None:
        tests.append(lambda value: value <= most)
    if test.not_ is not None:
        unwanted = _of_number(test.not_)
        tests.append(lambda value: not unwanted(value))
    return _all(tests)


def _of_text(test: Test) -> Callable[[Any], bool]:
    """A test of a text."""
    tests: list[Callable[[Any], bool]] = []
    if test.equals is not None:
        tests.append(frozenset(listed(test.equals)).__contains__)
    if test.prefix is not None:
        prefixes = tuple(listed(test.prefix))
        tests.append(lambda value: value.startswith(prefixes))
    if test.glob is not None:
        tests.append(_of_globs(listed(test.glob)))
    if test.hex is not None:
        octets = frozenset(bytes.fromhex(one).decode("latin-1") for one in listed(test.hex))
        tests.append(octets.__contains__)
    if test.regex is not None:
        pattern = compile_regex(test.regex)
        tests.append(lambda value: search(pattern, value) is not None)
    if test.not_ is not None:
        unwanted = _of_text(test.not_)
        tests.append(lambda value: not unwanted(value))
    return _all(tests)


def _of_globs(patterns: list[str]) -> Callable[[Any], bool]:
    match = re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns)).match
    return lambda value: match(value) is not None


def _of_tlv(tag: int, test: Test) -> Predicate:
    """A test of a TLV, read as its kind says: a number, a text without its NUL, or octets.

    Where there is no such TLV, no test holds but ``present = false``.
    """
    numeric = _is_numeric(tag, test)
    octets_wanted = frozenset(bytes.fromhex(one) for one in listed(test.hex))
    unwanted = None if test.not_ is None else _of_tlv(tag, test.not_)
    rest = msgspec.structs.replace(test, hex=None, not_=None)
    wanted = _of_number(rest) if numeric else _of_text(rest)

    def holds(pdu: Pdu, facts: Facts) -> bool:
        octets = pdu.tlv(tag)
        if octets is None or test.present is False:
            return octets is None and test.present is False
        if (octets_wanted and octets not in octets_wanted) or (unwanted is not None and unwanted(pdu, facts)):
            return False
        return wanted(_read_tlv(octets, numeric=numeric))

    return holds


def _is_numeric(tag: int, test: Test) -> bool:
    """Whether the value of a TLV is read as a number: by its kind, or because it is compared with one."""
    return tlv_kind(tag) is TlvKind.INTEGER or any(isinstance(value, int) for value in _mentioned(test))


def _read_tlv(octets: bytes, *, numeric: bool) -> int | str:
    return int.from_bytes(octets, "big") if numeric else octets.removesuffix(b"\0").decode("latin-1")


def _mentioned(test: Test) -> list[Any]:
    """The values that a test compares with."""
    inner = _mentioned(test.not_) if test.not_ is not None else []
    return [*listed(test.equals), test.min, test.max, *inner]


def _of_age(between: Between) -> Callable[[Any], bool]:
    least, most = between.min, between.max
    return lambda value: value >= least and (most is None or value <= most)


def _of_hours(hours: Hours, zone: tzinfo) -> Callable[[Any], bool]:
    """A test of a Unix time: whether it lies in a part of the day."""
    begin, end = minutes_of_day(hours.from_), minutes_of_day(hours.to)
    length = (end - begin) % MINUTES_PER_DAY or MINUTES_PER_DAY

    def holds(wall: float) -> bool:
        moment = datetime.fromtimestamp(wall, zone)
        return (moment.hour * 60 + moment.minute - begin) % MINUTES_PER_DAY < length

    return holds
