"""Where the mandatory fields of a PDU lie: a walk along the schema, for faults that damage one field.

What is walked along is not judged: fields are found until one is not whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from smppwire.constants import HEADER_LENGTH
from smppwire.schema import (
    DEST_FLAG,
    DISTRIBUTION_LIST_FIELDS,
    PDUS,
    SME_ADDRESS_FIELDS,
    UNSUCCESS_SME_FIELDS,
    Kind,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smppwire.schema import Field


class Span(NamedTuple):
    """One field in a PDU: the offsets of its first octet and behind its last one, the NUL of a string included."""

    name: str
    kind: Kind
    start: int
    end: int


def spans(command_id: int, pdu: bytes) -> list[Span]:
    """The fields in the body of a PDU, in wire order; those of the elements of a list by themselves.

    Empty for a command that is not in the specification. The command_length of the PDU is not looked at.
    """
    spec = PDUS.get(command_id)
    return [] if spec is None else list(_walk(spec.fields, pdu, HEADER_LENGTH))


def find(fields: Iterable[Span], name: str) -> Span | None:
    """The first field of this name."""
    return next((field for field in fields if field.name == name), None)


def _walk(fields: Iterable[Field], pdu: bytes, offset: int) -> Iterator[Span]:
    count = 0
    for field in fields:
        if field.kind in (Kind.DESTINATIONS, Kind.UNSUCCESSFUL):
            for _ in range(count):
                element = list(_walk(_element(field.kind, pdu[offset : offset + 1]), pdu, offset))
                yield from element
                if not element:
                    return
                offset = element[-1].end
            continue
        end = _end(field, pdu, offset, count)
        if end > len(pdu):
            return
        if field.kind is Kind.COUNT:
            count = int.from_bytes(pdu[offset:end], "big")
        yield Span(field.name, field.kind, offset, end)
        offset = end


def _end(field: Field, pdu: bytes, offset: int, count: int) -> int:
    """Where a field ends; behind the end of the PDU when it is not whole."""
    if field.kind is Kind.C_OCTETS:
        nul = pdu.find(0, offset)
        return nul + 1 if nul >= 0 else len(pdu) + 1
    return offset + (count if field.kind is Kind.OCTETS else field.size)


def _element(kind: Kind, dest_flag: bytes) -> tuple[Field, ...]:
    """The fields of one element of a list (4.5.1.1, 4.5.2.1)."""
    if kind is Kind.UNSUCCESSFUL:
        return UNSUCCESS_SME_FIELDS
    return (DEST_FLAG, *(DISTRIBUTION_LIST_FIELDS if dest_flag == b"\x02" else SME_ADDRESS_FIELDS))
