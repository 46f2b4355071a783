"""The notation the grammar is written in: a few construct types that know how to explain and judge themselves.

A field of the gallery is one line, ``"source_addr_ton" / Ton("ESME_RINVSRCTON")``. Its type says how it lies on the
wire (construct parses and builds it), what its value means (``meaning``) and what may be wrong with it (``judge``).
While a PDU is parsed, a `Trace` collects every field that was read, so that a PDU that breaks halfway still shows what
came before.
"""

# Types are capitalised, as construct's are; construct's protocol for parsing consists of underscored names.
# ruff: noqa: N802, SLF001

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from construct import (
    Array,
    Bytes,
    Construct,
    ConstructError,
    IfThenElse,
    Int8ub,
    Int32ub,
    OneOf,
    Rebuild,
    StopFieldError,
    StreamError,
    Struct,
    Subconstruct,
    ValidationError,
    this,
)

from smppwire.grammar import words

Kind = Literal["integer", "text", "octets"]
"""How a value is shown outside: a number, a C-octet string as characters, an octet string as hexadecimal."""

NO_NUL: Final = "no terminating NUL before the end of the PDU"

ABSOLUTE_OR_RELATIVE: Final = 16
"""Characters of a time that is not empty (7.1.1)."""

REPORTED_TIME: Final = 12
"""Characters of a time without tenths and zone, which an SMSC may report (3.4, note in 7.1.1)."""


class Finding(NamedTuple):
    """What a judge has to say about one value.

    ``grave`` tells what breaks a rule of form (a length, a terminator, a format) from what is well formed but reserved
    or unusual, which real peers send every day.
    """

    rule: str
    status: str | None
    grave: bool


Judge = Callable[[Any], Iterator[Finding]]


def no_objection(_value: object) -> Iterator[Finding]:
    """The judge of fields in which every value is legal."""
    return iter(())


class Field(NamedTuple):
    """One field of a PDU as it lies on the wire.

    ``offset`` counts octets from the start of the PDU; ``name`` is the specification's (members of lists are called
    like ``dest_address[0].dest_flag``); ``kind`` says how to show ``value``.
    """

    offset: int
    octets: bytes
    name: str
    value: int | bytes
    meaning: str
    kind: Kind


class UnreadableError(ConstructError):  # type: ignore[misc]  # construct has no types
    """Parsing cannot go on: ``offset`` is where the field ``name`` starts, ``rule`` why it could not be read."""

    def __init__(self, offset: int, name: str, rule: str, status: str) -> None:
        super().__init__(f"{name}: {rule}")
        self.offset = offset
        self.name = name
        self.rule = rule
        self.status = status


@dataclass(slots=True)
class Trace:
    """What parsing met: fields in wire order, their values by name, and judgements (offset, field, finding)."""

    fields: list[Field] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    findings: list[tuple[int, str, Finding]] = field(default_factory=list)


# -- Types -------------------------------------------------------------------------------------------------------------


class Typed(Subconstruct):  # type: ignore[misc]  # construct has no types
    """A wire type with a voice: ``meaning`` for its value in words, ``judge`` for what is wrong with it.

    ``missing`` is the rule that is broken when the octets run out, ``unlisted`` when the value cannot be gone on with.
    """

    def __init__(
        self,
        subcon: Construct,
        kind: Kind,
        *,
        meaning: Callable[[Any], str] = words.nothing,
        judge: Judge = no_objection,
        missing: str = "the body ends before or inside this field",
        missing_status: str = "ESME_RINVCMDLEN",
        unlisted: str = "",
        unlisted_status: str = "",
    ) -> None:
        super().__init__(subcon)
        self.kind = kind
        self.meaning = meaning
        self.judge = judge
        self.missing = (missing, missing_status)
        self.unlisted = (unlisted, unlisted_status)

    def reason(self, error: ConstructError) -> tuple[str, str]:
        """Why this could not be read, and the status to answer: octets are missing, or no value may be like that."""
        return self.unlisted if isinstance(error, ValidationError) else self.missing


class Terminated(Construct):  # type: ignore[misc]  # construct has no types
    """Octets up to a NUL, which is consumed. Like construct's ``NullTerminated(GreedyBytes)``, but in linear time."""

    def _parse(self, stream: Any, _context: Any, path: str) -> bytes:
        start = stream.tell()
        octets: bytes = stream.read()
        end = octets.find(0)
        if end < 0:
            raise StreamError("no terminating NUL", path=path)
        stream.seek(start + end + 1)
        return octets[:end]

    def _build(self, obj: bytes, stream: Any, _context: Any, _path: str) -> bytes:
        stream.write(obj + b"\x00")
        return obj


def Integer(
    meaning: Callable[[int], str] = words.nothing, judge: Judge = no_objection, size: Construct = Int8ub
) -> Typed:
    """An unsigned big endian integer, of one octet unless ``size`` says otherwise."""
    return Typed(size, "integer", meaning=meaning, judge=judge)


def Text(
    limit: int, status: str, meaning: Callable[[bytes], str] = words.nothing, judge: Judge = no_objection
) -> Typed:
    """A C-octet string of at most ``limit`` octets with its NUL; longer ones are answered with ``status``."""

    def judges(value: bytes) -> Iterator[Finding]:
        if len(value) >= limit:
            yield Finding(f"{len(value) + 1} octets with the NUL, at most {limit} are allowed", status, grave=True)
        yield from judge(value)

    return Typed(Terminated(), "text", meaning=meaning, judge=judges, missing=NO_NUL)


def Time(status: str, *, reported: bool = False) -> Typed:
    """A time of 1 or 17 octets (7.1.1); ``reported``: told by the SMSC, where 3.4 lets the last four characters go."""

    def judge(value: bytes) -> Iterator[Finding]:
        lengths = {0, ABSOLUTE_OR_RELATIVE} | ({REPORTED_TIME} if reported else set())
        if len(value) not in lengths:
            yield Finding(f"{len(value)} characters, a time has 0 or {ABSOLUTE_OR_RELATIVE}", status, grave=True)
        elif value and not words.time(value):
            yield Finding("no time of the form YYMMDDhhmmsstnnp", status, grave=True)

    return Typed(Terminated(), "text", meaning=words.time, judge=judge, missing=NO_NUL)


def one_of(entries: Mapping[int, str], status: str | None) -> Judge:
    """A judge that calls a value outside of ``entries`` reserved."""
    return reserved_when(lambda value: value not in entries, status)


def reserved_when(reserved: Callable[[int], bool], status: str | None) -> Judge:
    """A judge that calls a value reserved when the function says so."""

    def judge(value: int) -> Iterator[Finding]:
        if reserved(value):
            yield Finding(f"0x{value:02x} is reserved", status, grave=False)

    return judge


def Enumerated(entries: Mapping[int, str], status: str | None) -> Typed:
    """One octet with a table of meanings."""
    return Integer(words.table(entries), one_of(entries, status))


def Ton(status: str) -> Typed:
    """A type of number (5.2.5)."""
    return Enumerated(words.TON, status)


def Npi(status: str) -> Typed:
    """A numbering plan indicator (5.2.6)."""
    return Enumerated(words.NPI, status)


def Destination(limit: int) -> Typed:
    """A destination_addr: an address that may not be empty."""

    def judge(value: bytes) -> Iterator[Finding]:
        if not value:
            yield Finding("empty", "ESME_RINVDSTADR", grave=False)

    return Text(limit, "ESME_RINVDSTADR", judge=judge)


def counted(name: str) -> Callable[[Any], int]:
    """For `Rebuild`: how many the list (or octets) called ``name`` has; nothing is built when it is None."""

    def count(context: Any) -> int:
        content = context[name]
        if content is None:
            raise StopFieldError
        return len(content)

    return count


def _esm_class(value: int) -> Iterator[Finding]:
    if value & words.ESM_TYPE_BITS not in words.ESM_TYPE:
        yield Finding(f"message type 0x{value & words.ESM_TYPE_BITS:02x} is reserved", "ESME_RINVESMCLASS", grave=False)


def _registered_delivery(value: int) -> Iterator[Finding]:
    if value & 0xC0:
        yield Finding(f"bits 0x{value & 0xC0:02x} are reserved", "ESME_RINVREGDLVFLG", grave=False)
    if value & 0x03 == 0x03:
        yield Finding("receipt type 3 is reserved in 3.4", "ESME_RINVREGDLVFLG", grave=False)


def _number_of_dests(value: int) -> Iterator[Finding]:
    if value == 0:
        yield Finding("no destination", "ESME_RINVNUMDESTS", grave=True)


ServiceType: Final = Text(6, "ESME_RINVSERTYP", words.service_type)
InterfaceVersion: Final = Integer(words.interface_version, reserved_when(words.interface_version_reserved, status=None))
EsmClass: Final = Integer(words.esm_class, _esm_class)
ProtocolId: Final = Integer(words.protocol_id)
PriorityFlag: Final = Enumerated(words.PRIORITY, "ESME_RINVPRTFLG")
RegisteredDelivery: Final = Integer(words.registered_delivery, _registered_delivery)
ReplaceFlag: Final = Enumerated(words.REPLACE, "ESME_RINVREPFLAG")
DataCoding: Final = Integer(words.data_coding, reserved_when(words.data_coding_reserved, "ESME_RINVDCS"))
DefaultMessage: Final = Integer(words.default_message)
MessageId: Final = Text(65, "ESME_RINVMSGID")
MessageState: Final = Enumerated(words.MESSAGE_STATE, None)
ErrorCode: Final = Integer(words.error_code)
CommandStatus: Final = Integer(words.status, size=Int32ub)
SmLength: Final = Typed(Rebuild(Int8ub, counted("short_message")), "integer")
ShortMessage: Final = Typed(
    Bytes(this.sm_length),
    "octets",
    missing="sm_length runs beyond the end of the PDU",
    missing_status="ESME_RINVMSGLEN",
)
NumberOfDests: Final = Typed(Rebuild(Int8ub, counted("dest_address")), "integer", judge=_number_of_dests)
NoUnsuccess: Final = Typed(Rebuild(Int8ub, counted("unsuccess_sme")), "integer")
DestFlag: Final = Typed(
    OneOf(Int8ub, list(words.DEST_FLAG)),
    "integer",
    meaning=words.table(words.DEST_FLAG),
    unlisted="neither 1 (SME address) nor 2 (distribution list)",
    unlisted_status="ESME_RINVDESTFLAG",
)


# -- Sequences ---------------------------------------------------------------------------------------------------------


def typed(subcon: Construct) -> Typed:
    """The type under the name, the condition and whatever else a line of the gallery wraps it in."""
    while not isinstance(subcon, Typed):
        subcon = subcon.thensubcon if isinstance(subcon, IfThenElse) else subcon.subcon
    return subcon


class Wrapper(Subconstruct):  # type: ignore[misc]  # construct has no types
    """Something around a named field that keeps its name."""

    def __init__(self, subcon: Construct) -> None:
        super().__init__(subcon)
        self.name = subcon.name


class Recorded(Wrapper):
    """A named field that enters itself in the trace of the parse. Raises ``UnreadableError`` when it cannot be read.

    A field whose condition does not hold is None and leaves no trace.
    """

    def __init__(self, subcon: Construct, inside: str = "") -> None:
        super().__init__(subcon)
        self.inside = inside
        self.typed = typed(subcon)

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        trace: Trace = context._params.trace
        offset = stream.tell()
        try:
            value = self.subcon._parsereport(stream, context, path)
        except StopFieldError:
            raise
        except ConstructError as error:
            raise UnreadableError(offset, self._path(context), *self.typed.reason(error)) from error
        if value is None:
            return None
        octets = stream.getvalue()[offset : stream.tell()]
        name = self._path(context)
        trace.fields.append(Field(offset, octets, name, value, self.typed.meaning(value), self.typed.kind))
        trace.findings.extend((offset, name, finding) for finding in self.typed.judge(value))
        self._keep(trace, context, value)
        return value

    def _path(self, context: Any) -> str:
        return f"{self.inside}[{context._index}].{self.name}" if self.inside else str(self.name)

    def _keep(self, trace: Trace, context: Any, value: Any) -> None:
        if not self.inside:
            trace.values[self.name] = value
            return
        members = trace.values[self.inside]
        if len(members) == context._index:
            members.append({})
        members[-1][self.name] = value


class Listed(Array):  # type: ignore[misc]  # construct has no types
    """An array that shows in the trace's values even when it has no members."""

    def __init__(self, name: str, count: Any, subcon: Construct) -> None:
        super().__init__(count, subcon)
        self.list_name = name

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        context._params.trace.values[self.list_name] = []
        return super()._parse(stream, context, path)


class WhileOctetsLast(Wrapper):
    """A field of a response: the sequence ends before it when the octets do, or, when building, when it is None."""

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        if stream.tell() == len(stream.getvalue()):
            raise StopFieldError
        return self.subcon._parsereport(stream, context, path)

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        if obj is None and not self.flagbuildnone:
            raise StopFieldError
        return self.subcon._build(obj, stream, context, path)


def Members(name: str, count: Any, *fields: Construct) -> Construct:
    """``count`` members of a list called ``name``, each of these fields."""
    return name / Listed(name, count, Struct(*(Recorded(member, inside=name) for member in fields)))
