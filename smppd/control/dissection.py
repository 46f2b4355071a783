"""A frame taken apart, as it is shown: every field with its place, octets and meaning, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from smppwire.codec import decode
from smppwire.constants import HEADER_LENGTH, CommandId
from smppwire.errors import SmppError
from smppwire.session import BINDS

if TYPE_CHECKING:
    from smppwire.grammar.dissect import Place, Problem

WITH_PASSWORD: Final = BINDS | {CommandId.OUTBIND}
"""Commands whose octets are not shown: a password stands in them."""

_ID_OCTETS: Final = [int(command_id).to_bytes(4, "big") for command_id in WITH_PASSWORD]

HIDDEN: Final = "********"
"""What is shown in the place of a password."""


class PlaceView(Struct, frozen=True, kw_only=True):
    """One field or TLV. offset: of its first octet in the PDU. hex: its octets, null for a password."""

    offset: int
    name: str
    value: int | str
    meaning: str
    hex: str | None


class ProblemView(Struct, frozen=True, kw_only=True):
    """Something that is wrong, or unusual. status: the command_status that says so to a peer, if there is one."""

    offset: int
    field: str
    rule: str
    status: str | None


class DissectionView(Struct, frozen=True, kw_only=True):
    """A PDU taken apart.

    * fields: header, mandatory fields and TLVs in the order of the wire, as far as they could be read.
    * problems: what breaks a rule. notes: what is well formed, but reserved or unusual.
    * rest: octets that were not understood; null where a password may stand in them.
    """

    fields: list[PlaceView]
    problems: list[ProblemView]
    notes: list[ProblemView]
    rest: str | None


def hex_of(frame: bytes, *, sound: bool) -> str | None:
    """The octets of a frame; None where a password may stand in them.

    What is no sound PDU may be a bind that lies somewhere else than it should.
    """
    if _command_id(frame) in WITH_PASSWORD or (not sound and _names_bind(frame)):
        return None
    return frame.hex()


def without_password(frame: bytes) -> bytes:
    """The octets of a frame with HIDDEN in the place of a password: it may be of another length then.

    Of what is no sound PDU, and may be a bind, only as much as a header has is left.
    """
    if not _names_bind(frame):
        return frame
    try:
        decode(frame)
    except SmppError:
        return frame[:HEADER_LENGTH]
    if _command_id(frame) not in WITH_PASSWORD:
        return frame
    # All of these commands begin with system_id and password (SMPP 3.4 sections 4.1 and 4.1.7).
    system_id, _, rest = frame[HEADER_LENGTH:].partition(b"\0")
    body = b"\0".join((system_id, HIDDEN.encode(), rest.partition(b"\0")[2]))
    return (HEADER_LENGTH + len(body)).to_bytes(4, "big") + frame[4:HEADER_LENGTH] + body


def _names_bind(frame: bytes) -> bool:
    """Whether the command_id of a command with a password stands anywhere in a frame."""
    return any(octets in frame for octets in _ID_OCTETS)


def dissected(frame: bytes, default_alphabet: str, *, sound: bool) -> DissectionView:
    """Take a frame apart, whatever it holds.

    default_alphabet: what data_coding 0 stands for. sound: whether it can be decoded.
    """
    from smppwire.grammar.dissect import dissect

    it = dissect(frame, max_pdu_length=max(len(frame), 16), default_alphabet=default_alphabet)
    secret = hex_of(frame, sound=sound) is None
    end = HEADER_LENGTH if secret and _command_id(frame) not in WITH_PASSWORD else len(frame)
    places: list[Place] = [*it.fields, *it.tlvs]
    return DissectionView(
        fields=[_place(one) for one in places if one.offset < end],
        problems=[_problem(one) for one in it.problems],
        notes=[_problem(one) for one in it.notes],
        rest=None if secret and it.rest else it.rest.hex(),
    )


def _command_id(frame: bytes) -> int:
    return int.from_bytes(frame[4:8], "big")


def _place(place: Place) -> PlaceView:
    if place.name == "password":
        return PlaceView(offset=place.offset, name=place.name, value=HIDDEN, meaning="", hex=None)
    return PlaceView(
        offset=place.offset,
        name=place.name,
        value=_shown(place.value, place.kind),
        meaning=place.meaning,
        hex=place.octets.hex(),
    )


def _shown(value: int | bytes, kind: str) -> int | str:
    if isinstance(value, int):
        return value
    return value.decode("latin-1") if kind == "text" else value.hex()


def _problem(problem: Problem) -> ProblemView:
    return ProblemView(offset=problem.offset, field=problem.field, rule=problem.rule, status=problem.status)
