"""The codec that interprets the schema: slow, obvious, and the reference for the generated one.

``smppwire.compiler`` generates functions that do the same on sound PDUs and call these for everything else, so that
each error is described in one place only.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from smppwire.constants import HEADER_LENGTH, CommandStatus, DestFlag, command_name
from smppwire.errors import DecodeError, EncodeError
from smppwire.pdus import DestAddress, DistributionList, Pdu, SmeAddress, Tlv, UnknownPdu, UnsuccessSme
from smppwire.schema import (
    DEST_FLAG,
    DISTRIBUTION_LIST_FIELDS,
    PDUS,
    SME_ADDRESS_FIELDS,
    TLVS,
    UNSUCCESS_SME_FIELDS,
    Field,
    Kind,
    PduSpec,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_HEADER: Final = struct.Struct(">IIII")
_TLV_HEADER: Final = struct.Struct(">HH")

MAX_COUNT: Final = 255
"""Most octets or elements a one-octet count can announce."""


# --------------------------------------------------------------------------- TLVs, shared with the generated codec


def read_tlvs(buffer: bytes, position: int, end: int) -> tuple[tuple[Tlv, ...], bytes]:
    """Read optional parameters (5.3) from ``position`` to ``end``; what is not a whole TLV comes back as the rest."""
    entries: list[Tlv] = []
    unpack = _TLV_HEADER.unpack_from
    new = tuple.__new__  # what Tlv(...) calls, without the call around it
    while end - position >= 4:
        tag, length = unpack(buffer, position)
        stop = position + 4 + length
        if stop > end:
            break
        entries.append(new(Tlv, (tag, buffer[position + 4 : stop])))
        position = stop
    return tuple(entries), buffer[position:end]


def write_tlvs(tlvs: tuple[Tlv, ...]) -> bytes:
    """Optional parameters as octets. Raises EncodeError when a tag or a length needs more than 16 bits."""
    parts: list[bytes] = []
    for tag, value in tlvs:
        try:
            parts.append(_TLV_HEADER.pack(tag, len(value)))
        except struct.error as error:
            raise EncodeError(f"TLV {tag!r}: a tag and a length of 16 bits are wanted") from error
        parts.append(_octets(value, "tlvs"))
    return b"".join(parts)


# --------------------------------------------------------------------------- decoding


class _Cursor:
    """A position in one PDU's body that reads field after field and knows how to say what is wrong."""

    __slots__ = ("buffer", "command_id", "end", "position", "sequence_number", "start")

    def __init__(self, command_id: int, buffer: bytes, start: int, end: int, sequence_number: int) -> None:
        self.command_id = command_id
        self.buffer = buffer
        self.start = start
        self.end = end
        self.position = start + HEADER_LENGTH
        self.sequence_number = sequence_number

    def error(self, status: int, field: Field, rule: str) -> DecodeError:
        return DecodeError(
            status,
            rule,
            command_id=self.command_id,
            sequence_number=self.sequence_number,
            offset=self.position - self.start,
            field=field.name,
        )

    def c_octets(self, field: Field) -> bytes:
        stop = self.buffer.find(0, self.position, self.end)
        if stop < 0:
            rule = "the body ends before this field" if self.position >= self.end else "no NUL before the body ends"
            raise self.error(CommandStatus.ESME_RINVCMDLEN, field, rule)
        value = self.buffer[self.position : stop]
        self.position = stop + 1
        return value

    def integer(self, field: Field, size: int) -> int:
        if self.end - self.position < size:
            raise self.error(CommandStatus.ESME_RINVCMDLEN, field, "the body ends before this field")
        value = int.from_bytes(self.buffer[self.position : self.position + size], "big")
        self.position += size
        return value

    def octets(self, field: Field, count: int) -> bytes:
        left = self.end - self.position
        if left < count:
            raise self.error(field.status, field, f"{count} octets announced, {left} left")
        value = self.buffer[self.position : self.position + count]
        self.position += count
        return value

    def plain(self, fields: tuple[Field, ...]) -> list[Any]:
        return [
            self.c_octets(field) if field.kind is Kind.C_OCTETS else self.integer(field, field.size) for field in fields
        ]

    def destination(self) -> DestAddress:
        flag = self.integer(DEST_FLAG, 1)
        if flag == DestFlag.SME_ADDRESS:
            return SmeAddress(*self.plain(SME_ADDRESS_FIELDS))
        if flag == DestFlag.DISTRIBUTION_LIST:
            return DistributionList(*self.plain(DISTRIBUTION_LIST_FIELDS))
        self.position -= 1
        raise self.error(CommandStatus.ESME_RINVDESTFLAG, DEST_FLAG, f"{flag} is neither 1 nor 2")

    def unsuccessful(self) -> UnsuccessSme:
        return UnsuccessSme(*self.plain(UNSUCCESS_SME_FIELDS))


_COUNTED: Final = frozenset({Kind.OCTETS, Kind.DESTINATIONS, Kind.UNSUCCESSFUL})


def _read_fields(spec: PduSpec, cursor: _Cursor) -> list[Any]:
    """Values of the attributes in wire order; a response may end before any field, the rest is None then."""
    values: list[Any] = []
    count = 0
    for field in spec.fields:
        if spec.is_response and cursor.position == cursor.end and field.kind not in _COUNTED:
            return _pad(spec, values)
        match field.kind:
            case Kind.C_OCTETS:
                values.append(cursor.c_octets(field))
            case Kind.INTEGER:
                values.append(cursor.integer(field, field.size))
            case Kind.COUNT:
                count = cursor.integer(field, field.size)
            case Kind.OCTETS:
                values.append(cursor.octets(field, count))
            case Kind.DESTINATIONS:
                values.append(tuple([cursor.destination() for _ in range(count)]))
            case Kind.UNSUCCESSFUL:
                values.append(tuple([cursor.unsuccessful() for _ in range(count)]))
    return values


def _pad(spec: PduSpec, values: list[Any]) -> list[Any]:
    return values + [None] * (len(spec.attributes) - len(values))


def _only_tlvs(buffer: bytes, start: int, end: int) -> tuple[Tlv, ...]:
    """The body as TLVs if it is nothing else and begins with a tag of the specification; else nothing.

    Some SMSCs leave the mandatory fields of an error response out and send its TLVs all the same.
    """
    if int.from_bytes(buffer[start : start + 2], "big") not in TLVS:
        return ()
    tlvs, rest = read_tlvs(buffer, start, end)
    return () if rest else tlvs


def _build(spec: PduSpec, *values: Any) -> Pdu:
    pdu: Pdu = spec.pdu_class(*values)
    return pdu


def decode_by_table(
    command_id: int, buffer: bytes, start: int, end: int, command_status: int, sequence_number: int
) -> Pdu:
    """Decode one PDU that lies in ``buffer`` from ``start`` (its header) to ``end``, by reading the schema.

    An unknown command_id gives an UnknownPdu. Raises DecodeError when the mandatory part is broken; never for a
    response with an error status, whose body nobody has to send.
    """
    body = start + HEADER_LENGTH
    spec = PDUS.get(command_id)
    if spec is None:
        return UnknownPdu(sequence_number, command_status, command_id, buffer[body:end])
    cursor = _Cursor(command_id, buffer, start, end, sequence_number)
    failed = spec.is_response and command_status != CommandStatus.ESME_ROK
    if failed and spec.fields:
        tlvs = _only_tlvs(buffer, body, end)
        if tlvs:
            return _build(spec, sequence_number, command_status, *_pad(spec, []), tlvs)
    try:
        values = _read_fields(spec, cursor)
    except DecodeError:
        if not (failed or spec.forgiving):
            raise
        return _build(spec, sequence_number, command_status, *_pad(spec, []), (), buffer[body:end])
    return _build(spec, sequence_number, command_status, *values, *read_tlvs(buffer, cursor.position, end))


# --------------------------------------------------------------------------- encoding


def _octets(value: object, name: str) -> bytes:
    if not isinstance(value, bytes):
        raise EncodeError(f"{name}: bytes are wanted, not {type(value).__name__}")
    return value


def _c_octets(value: object, name: str) -> bytes:
    octets = _octets(value, name)
    if 0 in octets:
        raise EncodeError(f"{name}: a C-octet string cannot hold a NUL")
    return octets + b"\0"


def _integer(value: object, size: int, name: str) -> bytes:
    try:
        return int.to_bytes(value, size, "big")  # type: ignore[arg-type]
    except (OverflowError, TypeError) as error:
        raise EncodeError(f"{name}: {value!r} is not an integer of {size} octets") from error


def _count(values: Any, name: str) -> bytes:
    if len(values) > MAX_COUNT:
        raise EncodeError(f"{name}: {len(values)} do not fit a one-octet count of at most {MAX_COUNT}")
    return bytes((len(values),))


def _element(fields: tuple[Field, ...], element: tuple[Any, ...]) -> bytes:
    return b"".join(
        _c_octets(value, field.name) if field.kind is Kind.C_OCTETS else _integer(value, field.size, field.name)
        for field, value in zip(fields, element, strict=True)
    )


def write_destinations(destinations: tuple[DestAddress, ...]) -> bytes:
    """number_of_dests and dest_address (4.5.1.1). Raises EncodeError."""
    parts = [_count(destinations, "dest_address")]
    for destination in destinations:
        if isinstance(destination, SmeAddress):
            parts.append(b"\x01" + _element(SME_ADDRESS_FIELDS, destination))
        elif isinstance(destination, DistributionList):
            parts.append(b"\x02" + _element(DISTRIBUTION_LIST_FIELDS, destination))
        else:
            raise EncodeError(f"dest_address: {destination!r} is neither SmeAddress nor DistributionList")
    return b"".join(parts)


def write_unsuccessful(failures: tuple[UnsuccessSme, ...]) -> bytes:
    """no_unsuccess and unsuccess_sme (4.5.2.1). Raises EncodeError."""
    return _count(failures, "unsuccess_sme") + b"".join(_element(UNSUCCESS_SME_FIELDS, failure) for failure in failures)


def _counted_octets(value: object) -> bytes:
    octets = _octets(value, "short_message")
    return _count(octets, "short_message") + octets


_WRITE_COUNTED: Final[dict[Kind, Callable[[Any], bytes]]] = {
    Kind.OCTETS: _counted_octets,
    Kind.DESTINATIONS: write_destinations,
    Kind.UNSUCCESSFUL: write_unsuccessful,
}


def _write_fields(spec: PduSpec, pdu: Pdu) -> bytes:
    parts: list[bytes] = []
    missing = ""
    for field in spec.attributes:
        value = getattr(pdu, field.name)
        if value is None and spec.is_response:
            missing = missing or field.name
        elif missing:
            raise EncodeError(f"{field.name}: cannot be there when {missing}, which comes before it, is not")
        elif field.kind is Kind.C_OCTETS:
            parts.append(_c_octets(value, field.name))
        elif field.kind is Kind.INTEGER:
            parts.append(_integer(value, field.size, field.name))
        else:
            parts.append(_WRITE_COUNTED[field.kind](value))
    return b"".join(parts)


def pack_header(body_length: int, command_id: int, command_status: int, sequence_number: int) -> bytes:
    """The header of a PDU with that much body. Raises EncodeError when a value needs more than 32 bits."""
    try:
        return _HEADER.pack(HEADER_LENGTH + body_length, command_id, command_status, sequence_number)
    except struct.error as error:
        values = f"command_status {command_status!r}, sequence_number {sequence_number!r}"
        raise EncodeError(f"header of {command_name(command_id)}: not 32-bit integers: {values}") from error


def encode_by_table(pdu: Pdu) -> bytes:
    """Encode any PDU by reading the schema. Raises EncodeError when a value does not fit the wire."""
    body = _octets(pdu.body, "body") if isinstance(pdu, UnknownPdu) else _write_fields(PDUS[pdu.command_id], pdu)
    body += write_tlvs(pdu.tlvs) + _octets(pdu.trailing, "trailing")
    return pack_header(len(body), pdu.command_id, pdu.command_status, pdu.sequence_number) + body
