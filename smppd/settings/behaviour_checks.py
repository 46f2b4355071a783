"""Checks of single rules, faults and dialects: conditions that can hold, actions that go together, names that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from smppd import strict
from smppd.regexes import compile_regex
from smppd.settings.faults import (
    CommandLength,
    Congestion,
    Fault,
    MissingNul,
    Nack,
    RefuseBind,
    RouteDown,
    SessionLimit,
    SlowBind,
    StrayResponse,
    Throttle,
    Truncate,
    WrongSequence,
)
from smppd.settings.names import ALL_FIELDS, ANY, BINDS, FIELDS, HEADER, template_names, tlv_kind, tlv_tag
from smppd.settings.rules import (
    EXTRA_NAMES,
    SUBMITS,
    Between,
    Hours,
    Reply,
    Rule,
    Schedule,
    SequenceNumber,
    Test,
    Then,
    When,
)
from smppwire.constants import CommandId, CommandStatus
from smppwire.schema import Kind, TlvKind
from smppwire.session import TRANSITIONS, Role

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from smppd.strict import Path, StrictReader

NUMERIC: Final = ("min", "max")
TEXTUAL: Final = ("prefix", "glob", "regex")

WITH_TEXT: Final = (*SUBMITS, "deliver_sm", "replace_sm")
"""Commands whose PDUs carry a text."""

OUTCOME_ACTIONS: Final = ("outcome", "error", "receipt_delay", "reply")
"""Actions on the message that a request has brought."""

ANSWER_ACTIONS: Final = ("status", "throttle")
"""Actions on the answer to a request."""

STATUS: Final = "command_status"
"""The one number of a PDU that may be given by name."""

RESPONSE_ACTIONS: Final = ("delay", "answer", "sequence_number")
"""Actions on a response: an ESME's own cannot be changed."""


SENT: Final = {
    direction: frozenset(
        CommandId(command_id).name.lower()
        for cells in TRANSITIONS.values()
        for sender, command_id in cells
        if sender is role
    )
    for direction, role in (("in", Role.ESME), ("out", Role.SMSC))
}
"""The commands of each direction: what the side that sends there may send in some state of the session."""


def check_test(reader: StrictReader, test: Test, table: Mapping[str, Any], path: Path) -> None:
    """A test tests something, and something can pass it."""
    if not table and not reader.rejected(path):
        known = ", ".join(one.encode_name for one in msgspec.structs.fields(test))
        reader.reject(path, {}, "expected at least one test", f"known here: {known}")
    for name in ("equals", "prefix", "glob", "hex"):
        if getattr(test, name) == []:
            reader.reject((*path, name), [], "expected at least one", "an empty list is met by nothing")
    if test.min is not None and test.max is not None and test.min > test.max and reader.sound(path, "min", "max"):
        reader.reject((*path, "min"), test.min, f"expected at most max ({test.max:g})")


def check_between(reader: StrictReader, between: Between, _table: Mapping[str, Any], path: Path) -> None:
    """Bounds in their order."""
    if between.max is not None and between.min > between.max and reader.sound(path, "min", "max"):
        reader.reject((*path, "min"), between.min, f"expected at most max ({between.max:g})")


def check_hours(reader: StrictReader, hours: Hours, _table: Mapping[str, Any], path: Path) -> None:
    """A part of the day that is not empty."""
    if hours.from_ == hours.to and reader.sound(path, "from", "to"):
        reader.reject((*path, "to"), hours.to, "expected another time than from", "nothing lies between them")


def check_schedule(reader: StrictReader, schedule: Schedule, _table: Mapping[str, Any], path: Path) -> None:
    """A period that is longer than what it repeats."""
    if not schedule.every or not reader.sound(path, "for", "every"):
        return
    if schedule.for_ is None:
        reader.reject((*path, "for"), None, "missing; expected with every", "what has no end does not begin again")
    elif schedule.for_ > schedule.every:
        reader.reject((*path, "every"), schedule.every, f"expected at least for ({schedule.for_:g})")


def check_sequence_number(
    reader: StrictReader, number: SequenceNumber | WrongSequence | CommandLength, _table: Mapping[str, Any], path: Path
) -> None:
    """Exactly one of the two ways to say which."""
    if not reader.sound(path, "value", "add"):
        return
    if (number.value is None) == (number.add is None):
        how = "neither is given" if number.value is None else "both are given"
        reader.reject((*path, "value"), None, "expected either value or add", how)


def check_when(reader: StrictReader, when: When, _table: Mapping[str, Any], path: Path) -> None:
    """Fields that the commands have, and tests that fit what these fields hold."""
    if not reader.sound(path, "command"):
        return
    for name, test in when.fields.items():
        if (kind := _kind_of_field(name, when.commands)) is None:
            known = sorted({field for fields in _fields_of(when.commands) for field in fields})
            what = f"no field of {' or '.join(when.commands)}; these are: {', '.join(known)}"
            reader.reject((*path, name), None, what, strict.suggestion(name, known))
        else:
            _check_kind(
                reader,
                test,
                (*path, name),
                numeric=kind is Kind.INTEGER,
                hexadecimal=kind is Kind.OCTETS,
                named=name == STATUS,
            )
    for name in ("source_addr", "destination_addr"):
        if getattr(when, name) is not None and _kind_of_field(name, when.commands) is None:
            reader.reject((*path, name), None, f"no field of {' or '.join(when.commands)}")
    for name in ("account", "route", "source_addr", "destination_addr", "text"):
        if (test := getattr(when, name)) is not None:
            _check_kind(reader, test, (*path, name), numeric=False)
    for name in ("interface_version", "part", "parts"):
        if (test := getattr(when, name)) is not None:
            _check_kind(reader, test, (*path, name), numeric=True)
    for name, test in when.tlv.items():
        spec = tlv_kind(tlv_tag(name))
        numeric = None if spec is None else spec is TlvKind.INTEGER
        _check_kind(reader, test, (*path, "tlv", name), numeric=numeric, hexadecimal=True, optional=True)
    _check_commands(reader, when, path)


def _check_commands(reader: StrictReader, when: When, path: Path) -> None:
    """Commands that come by, and conditions on what only some PDUs have."""
    _check_senders(reader, when.commands, when.direction, path)
    for name, commands in (("text", WITH_TEXT), ("part", WITH_TEXT), ("parts", WITH_TEXT), ("route", SUBMITS)):
        has_it = any(command in commands or command == ANY for command in when.commands)
        if getattr(when, name) is not None and not has_it:
            reader.reject((*path, name), None, f"only with command = {strict.quoted(commands)}")


def _check_senders(reader: StrictReader, commands: Collection[str], direction: str, path: Path) -> None:
    """PDUs that the side which is meant sends at all: of others there is nothing to wait for."""
    if not reader.sound(path, "command", "direction"):
        return
    strangers = [command for command in commands if command != ANY and command not in SENT[direction]]
    if strangers:
        who, other = ("an ESME", "out") if direction == "in" else ("a message centre", "in")
        hint = f'direction = "{other}" for those of the other side'
        reader.reject((*path, "command"), None, f"{who} sends no {' and no '.join(strangers)}", hint)


def _fields_of(commands: Collection[str]) -> Iterator[Mapping[str, Kind]]:
    return (ALL_FIELDS if command == ANY else FIELDS[command] for command in commands)


def _kind_of_field(name: str, commands: Collection[str]) -> Kind | None:
    """How a field lies on the wire in the first of these commands that has it."""
    return next((fields[name] for fields in _fields_of(commands) if name in fields), None)


def _check_kind(
    reader: StrictReader,
    test: Test,
    path: Path,
    *,
    numeric: bool | None,
    hexadecimal: bool = False,
    optional: bool = False,
    named: bool = False,
) -> None:
    """Whether a test fits: numbers for a number, text for a text; ``numeric`` None: either.

    ``named``: what it is about is a command_status, which may be given by name, too.
    """
    if reader.rejected(path):
        return
    wrong: list[str] = []
    values = test.equals if isinstance(test.equals, list) else [test.equals]
    wanted = "a number" if numeric else "a text"
    if named:
        for value in values:
            if isinstance(value, str) and value not in CommandStatus.__members__:
                hint = strict.suggestion(value, CommandStatus.__members__)
                reader.reject(path, value, "expected a command_status such as ESME_RTHROTTLED, or its number", hint)
    elif numeric is not None and any(isinstance(value, str if numeric else int) for value in values):
        reader.reject(path, test.equals, f"expected {wanted}, which is what is there")
    if numeric:
        wrong += [name for name in TEXTUAL if getattr(test, name) is not None]
    elif numeric is not None:
        wrong += [name for name in NUMERIC if getattr(test, name) is not None]
    if not hexadecimal and test.hex is not None:
        wrong.append("hex")
    if not optional and test.present is not None:
        wrong.append("present")
    for name in wrong:
        there = "this is always there" if name == "present" else f"this is {wanted}"
        reader.reject((*path, name), None, "no such test here", there)
    if test.not_ is not None:
        _check_kind(
            reader,
            test.not_,
            (*path, "not"),
            numeric=numeric,
            hexadecimal=hexadecimal,
            optional=optional,
            named=named,
        )


def check_then(reader: StrictReader, then: Then, table: Mapping[str, Any], path: Path) -> None:
    """Actions that do something, and do not contradict each other."""
    if not table:
        reader.reject(path, {}, "expected at least one action", f"known here: {', '.join(then.__struct_fields__)}")
    if then.answer == "none":
        for name in ("status", "delay", "sequence_number"):
            if getattr(then, name) is not None:
                reader.reject((*path, name), None, 'not together with answer = "none"', "there is no answer")
    refused = then.status not in (None, 0, "ESME_ROK") or then.throttle
    for name in OUTCOME_ACTIONS:
        if refused and getattr(then, name) is not None:
            what = "throttle" if then.throttle else "status"
            reader.reject((*path, name), None, f"not together with {what}", "a message that is refused has no life")


def check_rule(reader: StrictReader, rule: Rule, _table: Mapping[str, Any], path: Path) -> None:
    """Actions that fit the PDUs, and templates that name what is there."""
    if not reader.sound(path, "when", "then"):
        return
    if rule.then.reply is not None:
        _check_reply(reader, rule.then.reply, set(names_for(rule.when)), (*path, "then", "reply"))
    if ANY in rule.when.commands:
        return
    place = (*path, "then")
    commands = " and ".join(rule.when.commands)
    outward, responses = rule.when.direction == "out", all(_is_response(name) for name in rule.when.commands)
    if outward and rule.then.answer == "nack":
        reader.reject((*place, "answer"), "nack", 'not with direction = "out"', "there is no request to refuse")
    if responses and not outward:
        for name in RESPONSE_ACTIONS:
            if getattr(rule.then, name) not in (None, "once"):
                reader.reject((*place, name), None, f"not for {commands}", 'with direction = "out" for those of ours')
    for name in (*OUTCOME_ACTIONS, *ANSWER_ACTIONS):
        if not getattr(rule.then, name):
            continue
        if outward:
            reader.reject((*place, name), None, 'not with direction = "out"', "nobody is answered by us there")
        elif responses:
            reader.reject((*place, name), None, f"not for {commands}", "a response is not answered")
        elif name in OUTCOME_ACTIONS and not any(one in SUBMITS for one in rule.when.commands):
            reader.reject((*place, name), None, f"not for {commands}", f"expected {strict.quoted(SUBMITS)}")


def _is_response(command: str) -> bool:
    return command.endswith("_resp") or command == "generic_nack"


def _check_reply(reader: StrictReader, reply: Reply, names: Collection[str], path: Path) -> None:
    for key in ("text", "source_addr", "destination_addr"):
        for name in template_names(getattr(reply, key)):
            if name not in names:
                known = f"known here: {', '.join(sorted(names))}"
                hint = strict.suggestion(name, names) or known
                reader.reject((*path, key), None, f'nothing is called "{name}"', hint)


def names_for(when: When) -> Iterator[str]:
    """What a template may name: fields of the PDU, what is known of the session, groups of regular expressions."""
    for fields in _fields_of(when.commands):
        yield from fields
    yield from EXTRA_NAMES
    for test in tests_of(when):
        if test.regex is not None:
            yield from compile_regex(test.regex).groupindex


def tests_of(when: When) -> Iterator[Test]:
    """All tests of a ``when``, not entering what must not hold."""
    single = (when.account, when.route, when.interface_version, when.source_addr, when.destination_addr)
    yield from (test for test in (*single, when.text, when.part, when.parts) if test is not None)
    yield from when.tlv.values()
    yield from when.fields.values()


def _check_occasions(reader: StrictReader, fault: Fault, path: Path) -> None:
    """Commands with which the fault has something to do."""
    if not reader.sound(path, "command"):
        return
    named = [command for command in fault.commands if command != ANY]
    for kinds, expected, known in (
        ((RefuseBind, SessionLimit, SlowBind), f"expected {strict.quoted(BINDS)}", set(BINDS)),
        ((Throttle, RouteDown), f"expected {strict.quoted(SUBMITS)}", set(SUBMITS)),
        ((Nack, Congestion), 'expected a response such as "submit_sm_resp"', set(filter(_is_response, FIELDS))),
    ):
        if isinstance(fault, kinds) and (wrong := [command for command in named if command not in known]):
            reader.reject((*path, "command"), wrong[0], expected, f"{fault.kind} is about nothing else")
            return
    if fault.group in ("bytes", "pdus"):
        _check_senders(reader, named, fault.direction, path)


def check_fault(reader: StrictReader, fault: Fault, _table: Mapping[str, Any], path: Path) -> None:
    """Lists that are not empty, and parameters that exist in the PDUs concerned."""
    if fault.account == []:
        reader.reject((*path, "account"), [], "expected at least one", "an empty list matches no account")
    if isinstance(fault, (CommandLength, WrongSequence)):
        check_sequence_number(reader, fault, _table, path)
    _check_occasions(reader, fault, path)
    if isinstance(fault, (Truncate, MissingNul)) and fault.field and reader.sound(path, "command", "field"):
        named = [command for command in fault.commands if command != ANY]
        known = sorted({name for fields in _fields_of(named) for name in fields} - HEADER.keys()) or sorted(ALL_FIELDS)
        if fault.field not in known:
            hint = strict.suggestion(fault.field, known) or f"known here: {', '.join(known)}"
            reader.reject((*path, "field"), fault.field, "expected a field of the PDU", hint)
    if isinstance(fault, StrayResponse) and reader.sound(path, "response") and not _is_response(fault.response):
        reader.reject((*path, "response"), fault.response, 'expected a response such as "submit_sm_resp"')
