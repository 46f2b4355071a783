"""The schema, compiled: one straight-line decode and encode function per PDU, generated once at import.

A generated function knows the sound case only. Whatever it cannot read or write it hands to ``smppwire.table``, which
interprets the same schema step by step, says precisely what is wrong, and is the reference of the tests. Why this is
sound: a decoder only moves forward, so that reading past ``end`` (into the next PDU of the buffer, or past the buffer)
shows at the latest in the comparison with ``end`` after the last field.

The generated text is registered with ``linecache``: tracebacks and debuggers show it, and ``source_of`` returns it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any, Final

from smppwire.constants import HEADER_LENGTH
from smppwire.errors import EncodeError
from smppwire.generation import compile_source
from smppwire.pdus import DestAddress, DistributionList, Pdu, SmeAddress, UnsuccessSme
from smppwire.schema import PDUS, Field, Kind, PduSpec
from smppwire.table import (
    decode_by_table,
    encode_by_table,
    read_tlvs,
    write_destinations,
    write_tlvs,
    write_unsuccessful,
)
from smppwire.validation import ValidationPolicy, Violation, first_violation, validate, validator

__all__ = [
    "DECODERS",
    "ENCODERS",
    "ValidationPolicy",
    "Violation",
    "decode_by_table",
    "encode_by_table",
    "first_violation",
    "source_of",
    "validate",
    "validator",
]

Decoder = Callable[[bytes, int, int, int, int], Pdu]
"""``decoder(buffer, start, end, command_status, sequence_number)``: the PDU between two offsets. Raises DecodeError."""

Encoder = Callable[[Any], bytes]
"""``encoder(pdu)``: the octets of a PDU, header included. Raises EncodeError."""

# Fields that most PDUs leave empty: looking at one octet first is cheaper than searching it.
_OFTEN_EMPTY: Final = frozenset(
    {"service_type", "system_type", "address_range", "schedule_delivery_time", "validity_period", "final_date"}
)

_LEAST_STRETCH: Final = 4
"""Fields from which on one call for all of them is cheaper than to look at their octets one by one."""

_ERROR_STATUS_CODE: Final = struct.Struct(">I")
_HEADER: Final = struct.Struct(">IIII")


# --------------------------------------------------------------------------- lists, called from generated code


def _read_destinations(buffer: bytes, position: int, end: int) -> tuple[tuple[DestAddress, ...], int]:
    """number_of_dests and dest_address, sound ones; IndexError or ValueError otherwise."""
    destinations: list[DestAddress] = []
    count = buffer[position]
    position += 1
    for _ in range(count):
        flag = buffer[position]
        if flag == 1:
            stop = buffer.index(0, position + 3, end)
            destinations.append(SmeAddress(buffer[position + 1], buffer[position + 2], buffer[position + 3 : stop]))
        elif flag == 2:
            stop = buffer.index(0, position + 1, end)
            destinations.append(DistributionList(buffer[position + 1 : stop]))
        else:
            raise ValueError
        position = stop + 1
    return tuple(destinations), position


def _read_unsuccessful(buffer: bytes, position: int, end: int) -> tuple[tuple[UnsuccessSme, ...], int]:
    """no_unsuccess and unsuccess_sme, sound ones; IndexError, ValueError or struct.error otherwise."""
    failures: list[UnsuccessSme] = []
    count = buffer[position]
    position += 1
    for _ in range(count):
        stop = buffer.index(0, position + 2, end)
        if stop + 5 > end:
            raise ValueError
        (status,) = _ERROR_STATUS_CODE.unpack_from(buffer, stop + 1)
        failures.append(UnsuccessSme(buffer[position], buffer[position + 1], buffer[position + 2 : stop], status))
        position = stop + 5
    return tuple(failures), position


_LIST_READERS: Final = {Kind.DESTINATIONS: "_read_destinations", Kind.UNSUCCESSFUL: "_read_unsuccessful"}
_LIST_WRITERS: Final = {Kind.DESTINATIONS: "write_destinations", Kind.UNSUCCESSFUL: "write_unsuccessful"}


# --------------------------------------------------------------------------- decoders


def _plus(variable: str, offset: int) -> str:
    return f"{variable} + {offset}" if offset else variable


def _decode_field(field: Field, place: tuple[str, int]) -> tuple[list[str], tuple[str, int]]:
    """Lines that read one field standing at ``place`` (variable, octets after it), and the place after it."""
    variable, offset = place
    target = f"pdu.{field.name}"
    move = [] if place == ("p", 0) else [f"p = {_plus(variable, offset)}"]
    match field.kind:
        case Kind.INTEGER:
            return [f"{target} = buffer[{_plus(variable, offset)}]"], (variable, offset + 1)
        case Kind.COUNT:
            return [], place
        case Kind.OCTETS:
            after = ["q = p + buffer[p - 1]", f"{target} = buffer[p:q]"]
            return [f"p = {_plus(variable, offset + 1)}", *after], ("q", 0)
        case Kind.DESTINATIONS | Kind.UNSUCCESSFUL:
            reader = _LIST_READERS[field.kind]
            return [f"{target}, q = {reader}(buffer, {_plus(variable, offset)}, end)"], ("q", 0)
        case Kind.C_OCTETS if field.name in _OFTEN_EMPTY:
            return [
                *move,
                "if buffer[p]:",
                "    q = buffer.index(0, p, end)",
                f"    {target} = buffer[p:q]",
                "else:",
                "    q = p",
                f'    {target} = b""',
            ], ("q", 1)
        case Kind.C_OCTETS:
            return [*move, "q = buffer.index(0, p, end)", f"{target} = buffer[p:q]"], ("q", 1)


def _stretch(fields: tuple[Field, ...]) -> int:
    """How many of the fields in front are single octets in nearly every PDU: integers, and strings that are empty.

    0 where there are too few of them, or no string: integers alone cost less one by one.
    """
    count = 0
    for field in fields:
        if field.kind is not Kind.INTEGER and field.name not in _OFTEN_EMPTY:
            break
        count += 1
    strings = any(field.name in _OFTEN_EMPTY for field in fields[:count])
    return count if strings and count >= _LEAST_STRETCH else 0


def _decode_stretch(fields: tuple[Field, ...], place: tuple[str, int]) -> tuple[list[str], tuple[str, int]]:
    """Lines that read such fields in one step, or one by one if a string is not empty; and the place after them."""
    variable, offset = place
    strings = [index for index, field in enumerate(fields) if field.name in _OFTEN_EMPTY]
    names = {index: f"first_{index}" for index in strings}
    targets = ", ".join(names.get(index, f"pdu.{field.name}") for index, field in enumerate(fields))
    one_by_one: list[str] = []
    for field in fields:
        lines, place = _decode_field(field, place)
        one_by_one += lines
    return [
        f"{targets} = octets_{len(fields)}(buffer, {_plus(variable, offset)})",
        f"if {' or '.join(names.values())}:",
        *_indented(iter(one_by_one), 1),
        "else:",
        *(f'    pdu.{fields[index].name} = b""' for index in strings),
        f"    q = {_plus(variable, offset + strings[-1])}",
    ], place


def _decoder_lines(spec: PduSpec) -> Iterator[str]:
    yield f"def decode_{spec.name}(buffer, start, end, command_status, sequence_number):"
    if spec.is_response and spec.fields:
        nothing = ", ".join(["None"] * len(spec.attributes))
        yield f"    if end - start == {HEADER_LENGTH}:"
        yield f"        return {spec.pdu_class.__name__}(sequence_number, command_status, {nothing})"
        yield "    if not command_status:"
        yield from _indented(_sound_body_lines(spec), 2)
    else:
        yield from _indented(_sound_body_lines(spec), 1)
    yield f"    return decode_by_table({spec.command_id:#x}, buffer, start, end, command_status, sequence_number)"


def _sound_body_lines(spec: PduSpec) -> Iterator[str]:
    yield "try:"
    yield f"    pdu = new({spec.pdu_class.__name__})"
    yield "    pdu.sequence_number = sequence_number"
    yield "    pdu.command_status = command_status"
    yield f"    p = start + {HEADER_LENGTH}"
    place = ("p", 0)
    fields = spec.fields
    while fields:
        count = _stretch(fields)
        lines, place = _decode_stretch(fields[:count], place) if count else _decode_field(fields[0], place)
        yield from _indented(iter(lines), 1)
        fields = fields[count or 1 :]
    if place != ("p", 0):
        yield f"    p = {_plus(*place)}"
    yield "    if p == end:"
    yield "        pdu.tlvs = ()"
    yield '        pdu.trailing = b""'
    yield "        return pdu"
    yield "    if p < end:"
    yield "        pdu.tlvs, pdu.trailing = read_tlvs(buffer, p, end)"
    yield "        return pdu"
    yield "except (IndexError, ValueError, struct.error):"
    yield "    pass"


def _indented(lines: Iterator[str], depth: int) -> Iterator[str]:
    for line in lines:
        yield "    " * depth + line


# --------------------------------------------------------------------------- encoders


def _encoder_lines(spec: PduSpec) -> Iterator[str]:
    yield f"def encode_{spec.name}(pdu):"
    yield "    try:"
    yield "        tail = pdu.trailing"
    yield "        if pdu.tlvs:"
    yield "            tail = write_tlvs(pdu.tlvs) + tail"
    if not spec.fields:
        yield f"        return {_pdu_of('tail', spec)}"
    else:
        if spec.is_response:
            yield f"        if {' is '.join(f'pdu.{field.name}' for field in spec.attributes)} is None:"
            yield f"            return {_pdu_of('tail', spec)}"
        yield from _indented(_sound_values_lines(spec), 2)
    yield "    except (TypeError, ValueError, OverflowError, struct.error, EncodeError):"
    yield "        pass"
    yield "    return encode_by_table(pdu)"


def _pdu_of(body: str, spec: PduSpec) -> str:
    header = f"{HEADER_LENGTH} + len({body}), {spec.command_id:#x}, pdu.command_status, pdu.sequence_number"
    return f"pack({header}) + {body}"


def _sound_values_lines(spec: PduSpec) -> Iterator[str]:
    """One format operation for the whole body; what it would let pass silently, a NUL inside, is looked for before."""
    layout = ""
    values: list[str] = []
    terminated: list[str] = []
    for field in spec.attributes:
        name = field.name
        match field.kind:
            case Kind.C_OCTETS:
                yield f"{name} = pdu.{name}"
                terminated.append(name)
                layout += "%b\\0"
                values.append(name)
            case Kind.OCTETS:
                yield f"{name} = pdu.{name}"
                layout += "%c%b"
                values += [f"len({name})", name]
            case Kind.INTEGER:
                layout += "%c"
                values.append(f"pdu.{name}")
            case _:
                layout += "%b"
                values.append(f"{_LIST_WRITERS[field.kind]}(pdu.{name})")
    yield f"if not ({' or '.join(f'0 in {name}' for name in terminated)}):"
    yield f'    body = b"{layout}%b" % ({", ".join(values)}, tail)'
    yield f"    return {_pdu_of('body', spec)}"


# --------------------------------------------------------------------------- compilation


def source_of(command_id: int) -> str:
    """The generated decoder and encoder of one PDU, to read. Raises KeyError for an unknown command_id."""
    spec = PDUS[command_id]
    return "\n".join([*_decoder_lines(spec), "", "", *_encoder_lines(spec), ""])


_STRETCHES: Final = range(_LEAST_STRETCH, 1 + max(len(spec.fields) for spec in PDUS.values()))

_HELPERS: Final[dict[str, Any]] = {
    "EncodeError": EncodeError,
    "_read_destinations": _read_destinations,
    "_read_unsuccessful": _read_unsuccessful,
    "decode_by_table": decode_by_table,
    "encode_by_table": encode_by_table,
    "new": object.__new__,
    "pack": _HEADER.pack,
    "read_tlvs": read_tlvs,
    "struct": struct,
    **{f"octets_{count}": struct.Struct(f"{count}B").unpack_from for count in _STRETCHES},
    "write_destinations": write_destinations,
    "write_tlvs": write_tlvs,
    "write_unsuccessful": write_unsuccessful,
}


def _compiled(spec: PduSpec) -> dict[str, Any]:
    namespace = dict(_HELPERS, **{spec.pdu_class.__name__: spec.pdu_class})
    compile_source(spec.name, source_of(spec.command_id), namespace)
    return namespace


_COMPILED: Final = {command_id: _compiled(spec) for command_id, spec in PDUS.items()}

DECODERS: Final[dict[int, Decoder]] = {
    command_id: namespace[f"decode_{PDUS[command_id].name}"] for command_id, namespace in _COMPILED.items()
}
"""A Decoder for every PDU of the specification by its command_id."""

ENCODERS: Final[dict[int, Encoder]] = {
    command_id: namespace[f"encode_{PDUS[command_id].name}"] for command_id, namespace in _COMPILED.items()
}
"""An Encoder for every PDU of the specification by its command_id."""
