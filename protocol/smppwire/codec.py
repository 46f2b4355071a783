"""Decode, encode, describe: PDUs one at a time, for everybody who does not handle whole chunks.

The transport cuts chunks with ``smppwire.framing`` and calls ``smppwire.compiler.DECODERS`` itself; this module is the
comfortable entrance to the same functions.
"""

from __future__ import annotations

from functools import cache
from operator import attrgetter
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from smppwire.compiler import DECODERS, ENCODERS
from smppwire.constants import HEADER_LENGTH, command_name, status_name, tlv_name
from smppwire.errors import DecodeError, FramingError
from smppwire.pdus import Pdu, UnknownPdu
from smppwire.schema import PDUS, Kind
from smppwire.table import encode_by_table, pack_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_HEADER: Final = Struct(">IIII")


def decode(frame: bytes) -> Pdu:
    """Decode exactly one PDU, header included. An unknown command_id gives an UnknownPdu.

    Raises FramingError when ``frame`` is shorter than a header or not as long as its command_length says, DecodeError
    when its mandatory part is broken.
    """
    size = len(frame)
    if size < HEADER_LENGTH:
        raise FramingError(f"{size} octets are no header", command_length=size)
    length, command_id, command_status, sequence_number = _HEADER.unpack_from(frame)
    if length != size:
        rule = f"command_length is {length}, the frame has {size} octets"
        raise FramingError(rule, command_length=length, sequence_number=sequence_number)
    decoder = DECODERS.get(command_id)
    if decoder is None:
        return UnknownPdu(sequence_number, command_status, command_id, frame[HEADER_LENGTH:])
    return decoder(frame, 0, size, command_status, sequence_number)


def encode(pdu: Pdu) -> bytes:
    """Octets of a PDU, header included. Raises EncodeError when a value does not fit the wire.

    Fits the wire, not the specification: an over-long address is written as it is, so that a simulator can send it.
    """
    encoder = ENCODERS.get(pdu.command_id)
    if encoder is None or type(pdu) is UnknownPdu:
        return encode_by_table(pdu)
    return encoder(pdu)


def encode_header_only(command_id: int, command_status: int, sequence_number: int) -> bytes:
    """Sixteen octets: a PDU without a body, or an error response. Raises EncodeError beyond 32 bits."""
    return pack_header(0, command_id, command_status, sequence_number)


# --------------------------------------------------------------------------- one line for logs and people

_TEXTS: Final = frozenset({"short_message", "password", "message_payload", "additional_status_info_text"})
"""Fields and TLVs whose content is a secret or a person's; their lengths are shown."""

_ADDRESSES: Final = frozenset({"source_addr", "destination_addr", "esme_addr", "callback_num"})
"""Fields and TLVs that hold a person's number; without leave only the beginning is shown."""

_SHOWN_OF_ADDRESS: Final = 4
"""Characters of an address that are not personal: country and operator."""

_MAX_SHOWN: Final = 64
"""Octets of one value that are shown at most: a line stays a line."""

_MAX_TLVS_SHOWN: Final = 16


def describe(item: Pdu | bytes, *, personal: bool = False) -> str:
    """One line on a PDU or a frame. Never raises.

    Texts, passwords and numbers are elided unless ``personal``; fields that are zero or empty are left out.
    """
    if isinstance(item, Pdu):
        return _describe_pdu(item, personal=personal)
    frame = bytes(item)
    try:
        return _describe_pdu(decode(frame), personal=personal)
    except FramingError as error:
        return f"no PDU: {error}"
    except DecodeError as error:
        return f"{command_name(error.command_id)} seq={error.sequence_number} broken: {error}"


def _describe_pdu(pdu: Pdu, *, personal: bool) -> str:
    words = [command_name(pdu.command_id), f"seq={pdu.sequence_number}"]
    if pdu.command_status:
        words.append(status_name(pdu.command_status))
    if isinstance(pdu, UnknownPdu):
        words.append(f"body={_elided(pdu.body)}")
    else:
        names, kinds, values_of = _attributes(pdu.command_id)
        for name, kind, value in zip(names, kinds, values_of(pdu), strict=True):
            if value:
                shown = value if value.__class__ is int else _shown(name, value, kind, personal=personal)
                words.append(f"{name}={shown}")
    if pdu.tlvs:
        words += [
            f"{tlv_name(tag)}={_shown_tlv(tlv_name(tag), value, personal=personal)}"
            for tag, value in pdu.tlvs[:_MAX_TLVS_SHOWN]
        ]
        if len(pdu.tlvs) > _MAX_TLVS_SHOWN:
            words.append(f"+{len(pdu.tlvs) - _MAX_TLVS_SHOWN} TLVs")
    if pdu.trailing:
        words.append(f"trailing={_elided(pdu.trailing)}")
    return " ".join(words)


@cache
def _attributes(command_id: int) -> tuple[Sequence[str], Sequence[Kind], Callable[[Pdu], Iterable[Any]]]:
    """The names and kinds of the fields of a command, and what reads them all from a PDU."""
    rows = PDUS[command_id].attributes
    names = [row.name for row in rows]
    kinds = [row.kind for row in rows]
    if len(names) > 1:
        return names, kinds, attrgetter(*names)  # a tuple; of one name it would be the value itself

    def one_or_none(pdu: Pdu, /) -> Iterable[Any]:
        return [getattr(pdu, name) for name in names]

    return names, kinds, one_or_none


def _shown(name: str, value: object, kind: Kind, *, personal: bool) -> str:
    if kind is Kind.DESTINATIONS or kind is Kind.UNSUCCESSFUL:
        return f"({len(value)})"  # type: ignore[arg-type]
    if not isinstance(value, bytes):
        return str(value)
    if personal:
        return _quoted(value)
    if name in _TEXTS:
        return _elided(value)
    if name in _ADDRESSES and len(value) > _SHOWN_OF_ADDRESS:
        return f"{_quoted(value[:_SHOWN_OF_ADDRESS])}..."
    return _quoted(value)


def _shown_tlv(name: str, value: bytes, *, personal: bool) -> str:
    if personal:
        return _hex(value)
    return _elided(value) if name in _TEXTS or name in _ADDRESSES or name.startswith("0x") else _hex(value)


def _quoted(value: bytes) -> str:
    """Octets as a literal: printable ones as they are, all others escaped, so that it stays one line."""
    return repr(value[:_MAX_SHOWN])[1:] + ("..." if len(value) > _MAX_SHOWN else "")


def _hex(value: bytes) -> str:
    return value[:_MAX_SHOWN].hex() + ("..." if len(value) > _MAX_SHOWN else "")


def _elided(value: bytes) -> str:
    return f"<{len(value)} octets>"
