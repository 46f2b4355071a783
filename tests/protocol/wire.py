"""What the codec's tests share: strategies for PDUs and broken frames, and a way to compare outcomes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from smppwire.codec import encode
from smppwire.errors import DecodeError, EncodeError
from smppwire.pdus import DistributionList, Pdu, SmeAddress, Tlv, UnknownPdu, UnsuccessSme
from smppwire.schema import PDUS, TLVS, Field, Kind, PduSpec

unhurried = settings(deadline=None)
"""For properties: the first example of a kind compiles its functions, and machines have other things to do."""

octet = st.integers(0, 255)
u32 = st.integers(0, 0xFFFFFFFF)


def c_octets(most: int = 70) -> st.SearchStrategy[bytes]:
    return st.binary(max_size=most).map(lambda octets: octets.replace(b"\0", b"0"))


tlv = st.builds(Tlv, st.one_of(st.sampled_from(sorted(TLVS)), st.integers(0, 0xFFFF)), st.binary(max_size=40))
tlvs = st.lists(tlv, max_size=4).map(tuple)
destination = st.one_of(
    st.builds(SmeAddress, octet, octet, c_octets(25)),
    st.builds(DistributionList, c_octets(25)),
)
failure = st.builds(UnsuccessSme, octet, octet, c_octets(25), u32)

VALUES: dict[Kind, Callable[[Field], st.SearchStrategy[Any]]] = {
    Kind.C_OCTETS: lambda field: c_octets(field.size + 5),
    Kind.INTEGER: lambda _field: octet,
    Kind.OCTETS: lambda _field: st.binary(max_size=255),
    Kind.DESTINATIONS: lambda _field: st.lists(destination, max_size=5).map(tuple),
    Kind.UNSUCCESSFUL: lambda _field: st.lists(failure, max_size=5).map(tuple),
}


@st.composite
def pdus_of(draw: st.DrawFn, spec: PduSpec) -> Pdu:
    """A PDU in the form in which decoding gives it; a response may be cut short between two fields."""
    values = [draw(VALUES[field.kind](field)) for field in spec.attributes]
    present = draw(st.integers(0, len(values))) if spec.is_response and values else len(values)
    values[present:] = [None] * (len(values) - present)
    whole = present == len(values)
    return spec.pdu_class(
        draw(u32),
        0 if spec.is_response else draw(u32),
        *values,
        draw(tlvs) if whole else (),
        draw(st.binary(max_size=3)) if whole else b"",
    )


known_pdus = st.sampled_from(list(PDUS.values())).flatmap(pdus_of)
unknown_pdus = st.builds(
    UnknownPdu,
    u32,
    u32,
    u32.filter(lambda command_id: command_id not in PDUS),
    st.binary(max_size=60),
)
pdus = st.one_of(known_pdus, unknown_pdus)


def header(body: bytes, command_id: int, command_status: int = 0, sequence_number: int = 7) -> bytes:
    return struct.pack(">IIII", 16 + len(body), command_id, command_status, sequence_number) + body


@st.composite
def bodies(draw: st.DrawFn, command_id: int) -> bytes:
    """A body for this command: sound, cut, grown, with octets exchanged, or noise."""
    octets = bytearray(encode(draw(pdus_of(PDUS[command_id])))[16:])
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(octets)))
        match draw(st.sampled_from(("cut", "insert", "replace", "noise"))):
            case "cut":
                del octets[place : place + draw(st.integers(1, 8))]
            case "insert":
                octets[place:place] = draw(st.binary(min_size=1, max_size=4))
            case "replace":
                octets[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
            case "noise":
                octets[place:] = draw(st.binary(max_size=30))
    return bytes(octets)


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """A frame of a known command with a sound length and anything for a body."""
    command_id = draw(st.sampled_from(list(PDUS)))
    return header(draw(bodies(command_id)), command_id, draw(st.sampled_from((0, 0, 8, 0x42E))), draw(u32))


def outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    """The value of a call, or everything there is to know about the library's error it raised."""
    try:
        return function(*arguments)
    except DecodeError as error:
        return (
            "DecodeError",
            error.command_status,
            error.command_id,
            error.sequence_number,
            error.offset,
            error.field,
            error.rule,
            error.fatal,
        )
    except EncodeError as error:
        return "EncodeError", str(error)
