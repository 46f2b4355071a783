"""What rules, faults and dialects may name: commands, their fields, TLVs, statuses; and text that stands for octets."""

from __future__ import annotations

import re
import string
from typing import Annotated, Any, Final, TypeAlias

from msgspec import Meta

from smppd import strict
from smppd.patterns import check_glob
from smppd.regexes import compile_regex
from smppd.settings.types import BIND_TYPES, OUTCOMES, one_of
from smppwire.constants import CommandStatus, TlvTag
from smppwire.schema import PDUS, TLVS, Kind, TlvKind
from smppwire.validation import LENGTH_FIELDS

HIGHEST: Final = 0xFFFFFFFF
"""The highest value of a field of the header: 32 bits."""

HIGHEST_TAG: Final = 0xFFFF
"""The highest tag of a TLV: 16 bits."""

MAX_OCTETS: Final = 4_096
"""Octets that a setting may spell out in hexadecimal: more than any banner or vendor TLV that was met has."""

ANY: Final = "*"
"""The ``command`` of a rule or a fault that is about all of them."""

COMMANDS: Final = {spec.name: spec.command_id for spec in PDUS.values()}
"""Every command the specification names, in its spelling."""

BINDS: Final = tuple(f"bind_{bind_type}" for bind_type in BIND_TYPES)
"""The commands that open a session."""

HEADER: Final = {"command_status": Kind.INTEGER, "sequence_number": Kind.INTEGER}
"""What all PDUs have; command_id is what ``command`` names, and command_length follows from the rest."""

MAX_TEMPLATE: Final = 10_000
"""Characters of the text of a reply: more than a message in 255 parts would be read as."""

HIDDEN: Final = frozenset({"password"})
"""Fields that no rule may ask for: a password that is written into a condition ends in logs and listings."""

_SIMPLE: Final = (Kind.C_OCTETS, Kind.INTEGER, Kind.OCTETS)

FIELDS: Final = {
    spec.name: HEADER
    | {field.name: field.kind for field in spec.attributes if field.kind in _SIMPLE and field.name not in HIDDEN}
    for spec in PDUS.values()
}
"""By command, the fields that a condition can be about, and how they lie on the wire."""

ALL_FIELDS: Final = {name: kind for fields in FIELDS.values() for name, kind in fields.items()}
"""The fields of all commands."""

TLV_TAGS: Final = {tag.name.lower(): int(tag) for tag in TlvTag}
"""The tags that the specification names."""


def tlv_tag(name: str) -> int:
    """The tag of a TLV from its name or its number (``0x1403``, ``5123``); raises ValueError with a hint."""
    if name in TLV_TAGS:
        return TLV_TAGS[name]
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,4}|[0-9]{1,5}", name) and (tag := int(name, 0 if "x" in name.lower() else 10)):
        if tag <= HIGHEST_TAG:
            return tag
        raise ValueError("above 0xffff")
    raise ValueError(strict.suggestion(name, TLV_TAGS))


def tlv_kind(tag: int) -> TlvKind | None:
    """What the value of a TLV is; None for those the specification does not know."""
    spec = TLVS.get(tag)
    return None if spec is None else spec.kind


def command_status(value: int | str) -> int:
    """The number of a command_status that is given by name or as a number."""
    return value if isinstance(value, int) else int(CommandStatus[value])


def command_id(name: str) -> int:
    """The command_id of a command's name."""
    return int(COMMANDS[name])


def minutes_of_day(text: str) -> int:
    """Minutes since midnight of ``22:00``; raises ValueError."""
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00", text):
        raise ValueError("hours and minutes, two digits each")
    return int(text[:2]) * 60 + int(text[3:])


def template_names(text: str) -> list[str]:
    """The names that a template refers to; raises ValueError for one that is not understood.

    ``{name}`` is all there is; ``{{`` and ``}}`` stand for the braces themselves.
    """
    if len(text) > MAX_TEMPLATE:
        raise ValueError(f"longer than {MAX_TEMPLATE} characters")
    names = []
    for _, name, form, conversion in string.Formatter().parse(text):
        if name is None:
            continue
        if form or conversion or not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
            raise ValueError(f'"{{{name}}}" is no name; write "{{{{" for a brace')
        names.append(name)
    return names


def _check_status(value: int | str) -> None:
    if isinstance(value, str) and value not in CommandStatus.__members__:
        raise ValueError("")


def _check_command(name: str) -> None:
    if name not in COMMANDS and name != ANY:
        raise ValueError("")


def _check_field(name: str) -> None:
    if name not in ALL_FIELDS:
        raise ValueError("")


LONG_FIELDS: Final = LENGTH_FIELDS - {"esme_addr"}
"""What a limit can be set for: fields of variable length that an ESME sends."""


def _check_length_field(name: str) -> None:
    if name not in LONG_FIELDS:
        raise ValueError("")


def _check_octets(text: str) -> None:
    octets = bytes.fromhex(text)
    if len(octets) > MAX_OCTETS:
        raise ValueError(f"more than {MAX_OCTETS} octets")


def check_text_glob(pattern: str) -> None:
    """A glob as in routes, but for text: every character may stand in it. Raises ValueError, saying why."""
    check_glob("".join(character if " " <= character <= "~" else "x" for character in pattern))


def _check_hook(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name, re.ASCII):
        raise ValueError('a module and a function with ":" between them')


_STATUS_RULE: Any = strict.Rule(
    "a command_status such as ESME_RTHROTTLED", _check_status, names=CommandStatus.__members__
)

Status: TypeAlias = Annotated[str, _STATUS_RULE] | Annotated[int, Meta(ge=0, le=HIGHEST)]
StatusName: TypeAlias = Annotated[str, _STATUS_RULE]
StateName: TypeAlias = Annotated[str, one_of((*OUTCOMES, "ENROUTE"))]
Command: TypeAlias = Annotated[
    str, strict.Rule('the name of a command such as "submit_sm", or "*"', _check_command, names=(*COMMANDS, ANY))
]
FieldName: TypeAlias = Annotated[
    str, strict.Rule("a mandatory field in the spelling of the specification", _check_field, names=ALL_FIELDS)
]
LengthField: TypeAlias = Annotated[
    str, strict.Rule("a field of variable length, such as system_id", _check_length_field, names=LONG_FIELDS)
]
TlvName: TypeAlias = Annotated[
    str, strict.Rule("the name of a TLV or its tag, such as 0x1403", tlv_tag, names=TLV_TAGS)
]
Tag: TypeAlias = Annotated[int, Meta(ge=0, le=HIGHEST_TAG)]
Hex: TypeAlias = Annotated[str, strict.Rule('octets in hexadecimal such as "0d0a"', _check_octets)]
TextGlob: TypeAlias = Annotated[str, strict.Rule('a pattern such as "336*" or "44[1-5]*"', check_text_glob)]
Regex: TypeAlias = Annotated[str, strict.Rule("a regular expression", compile_regex)]
HookName: TypeAlias = Annotated[str, strict.Rule('"module:function"', _check_hook)]
Probability: TypeAlias = Annotated[float, Meta(gt=0, le=1)]
Number32: TypeAlias = Annotated[int, Meta(ge=0, le=HIGHEST)]
