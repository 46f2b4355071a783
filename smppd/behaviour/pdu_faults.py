"""What faults of PDUs do to one PDU: octets in, the octets that leave in its place out.

A PDU keeps the command_id that it came with through a chain of faults, whatever a fault writes into its header, so that
faults can be combined. All of this is about whole PDUs, and nothing depends on how TCP cut the stream. ``reorder``,
which needs time, is not here but in `smppd.behaviour.lane`.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from smppd.behaviour.chance import Purpose
from smppd.behaviour.pdu_fields import find, spans
from smppd.settings import faults
from smppd.settings.names import command_id, command_status
from smppwire.codec import encode
from smppwire.constants import HEADER_LENGTH, RESPONSE_BIT, CommandId
from smppwire.schema import PDUS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smppd.behaviour.occasions import Draws
    from smppd.behaviour.pdu_fields import Span
    from smppd.settings.faults import PduFault

_HEADER: Final = Struct(">IIII")
_NUMBERS: Final = 1 << 32
"""Fields of the header are counted modulo this."""

FAR_AWAY: Final = 0x4000_0000
"""A stray response has the sequence number of the PDU it follows with this bit turned over: a billion away from what is
outstanding, and still a number that a peer may issue (5.1.4)."""

STRAY_ID: Final = b"0"
"""message_id of a stray response: the message that nobody has."""

BROKEN_TLV: Final = bytes.fromhex("14000041") + bytes(5)
"""A vendor's TLV that announces 65 octets and has five: what the PDU of quirk Q83 has."""


class Pdu(NamedTuple):
    """A PDU on its way. command_id: the one it came with, whatever its octets say by now."""

    command_id: int
    octets: bytes


class Mutation(NamedTuple):
    """What one fault does.

    * fits: whether there is anything to damage; if not, the PDU is no occasion.
    * act: the PDUs that go on in the place of one.
    """

    fits: Callable[[Pdu], bool]
    act: Callable[[Pdu, Draws], Sequence[Pdu]]


def compile_mutation(fault: PduFault) -> Mutation:
    """What a fault does to single PDUs. Raises KeyError for one that is not about single PDUs."""
    return _MUTATIONS[type(fault)](fault)


def _any(_pdu: Pdu) -> bool:
    return True


def _one(change: Callable[[Pdu], bytes]) -> Callable[[Pdu, Draws], Sequence[Pdu]]:
    """An action that changes the octets of a PDU and draws nothing."""
    return lambda pdu, _draws: (pdu._replace(octets=change(pdu)),)


def _with_header(octets: bytes, place: int, value: int) -> bytes:
    """The octets with another value in one of the four fields of the header."""
    offset = 4 * place
    return octets[:offset] + (value % _NUMBERS).to_bytes(4, "big") + octets[offset + 4 :]


def _header(octets: bytes, place: int) -> int:
    return int.from_bytes(octets[4 * place : 4 * place + 4], "big")


def _with_length(octets: bytes) -> bytes:
    """The octets with the command_length that is right for them."""
    return _with_header(octets, 0, len(octets))


# The header.


def _command_length(fault: faults.CommandLength) -> Mutation:
    return Mutation(_any, _one(lambda pdu: _changed(pdu.octets, 0, fault.value, fault.add)))


def _sequence_number(fault: faults.WrongSequence) -> Mutation:
    return Mutation(_any, _one(lambda pdu: _changed(pdu.octets, 3, fault.value, fault.add)))


def _changed(octets: bytes, place: int, value: int | None, add: int | None) -> bytes:
    return _with_header(octets, place, _header(octets, place) + (add or 0) if value is None else value)


def _unknown_command(fault: faults.UnknownCommand) -> Mutation:
    return Mutation(_any, _one(lambda pdu: _with_header(pdu.octets, 1, fault.value)))


# The body.


def _truncate(fault: faults.Truncate) -> Mutation:
    def target(pdu: Pdu) -> Span | None:
        fields = [span for span in spans(*pdu) if span.end > span.start]
        return find(fields, fault.field) if fault.field else (fields[-1] if fields else None)

    def cut(pdu: Pdu) -> bytes:
        span = target(pdu)
        return pdu.octets if span is None else _with_length(pdu.octets[: (span.start + span.end) // 2])

    return Mutation(lambda pdu: target(pdu) is not None, _one(cut))


def _missing_nul(fault: faults.MissingNul) -> Mutation:
    def target(pdu: Pdu) -> Span | None:
        fields = [span for span in spans(*pdu) if span.kind is Kind.C_OCTETS]
        return find(fields, fault.field) if fault.field else (fields[-1] if fields else None)

    def cut(pdu: Pdu) -> bytes:
        span = target(pdu)
        return pdu.octets if span is None else _with_length(pdu.octets[: span.end - 1] + pdu.octets[span.end :])

    return Mutation(lambda pdu: target(pdu) is not None, _one(cut))


def _sm_length(fault: faults.SmLength) -> Mutation:
    def change(pdu: Pdu) -> bytes:
        span = find(spans(*pdu), "sm_length")
        if span is None:
            return pdu.octets
        length = max(0, min(0xFF, pdu.octets[span.start] + fault.add))
        return pdu.octets[: span.start] + bytes((length,)) + pdu.octets[span.end :]

    return Mutation(lambda pdu: find(spans(*pdu), "sm_length") is not None, _one(change))


def _broken_tlv(_fault: faults.BrokenTlv) -> Mutation:
    return Mutation(_any, _one(lambda pdu: _with_length(pdu.octets + BROKEN_TLV)))


def _unknown_tlv(fault: faults.UnknownTlv) -> Mutation:
    value = bytes.fromhex(fault.value)
    tlv = fault.tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value
    return Mutation(_any, _one(lambda pdu: _with_length(pdu.octets + tlv)))


def _flip_bits(fault: faults.FlipBits) -> Mutation:
    def act(pdu: Pdu, draws: Draws) -> Sequence[Pdu]:
        octets = bytearray(pdu.octets)
        bits = 8 * (len(octets) - HEADER_LENGTH)
        flipped: set[int] = set()
        for index in range(min(fault.bits, bits)):
            bit = int(draws.draw(Purpose.PARAMETER, index) * bits)
            while bit in flipped:
                bit = (bit + 1) % bits
            flipped.add(bit)
            octets[HEADER_LENGTH + (bit >> 3)] ^= 0x80 >> (bit & 7)
        return (pdu._replace(octets=bytes(octets)),)

    return Mutation(lambda pdu: len(pdu.octets) > HEADER_LENGTH, act)


# Whether, and what instead.


def _duplicate(_fault: faults.Duplicate) -> Mutation:
    return Mutation(_any, lambda pdu, _draws: (pdu, pdu))


def _withhold(_fault: faults.Withhold) -> Mutation:
    return Mutation(_any, lambda _pdu, _draws: ())


def _nack(fault: faults.Nack) -> Mutation:
    status = command_status(fault.status)
    nack = int(CommandId.GENERIC_NACK)

    def act(pdu: Pdu, _draws: Draws) -> Sequence[Pdu]:
        return (Pdu(nack, _HEADER.pack(HEADER_LENGTH, nack, status, _header(pdu.octets, 3))),)

    return Mutation(lambda pdu: bool(pdu.command_id & RESPONSE_BIT) and pdu.command_id != nack, act)


def _stray_response(fault: faults.StrayResponse) -> Mutation:
    response = command_id(fault.response)
    plain = PDUS[response].pdu_class()
    if hasattr(plain, "message_id"):
        plain.message_id = STRAY_ID
    octets = encode(plain)

    def act(pdu: Pdu, _draws: Draws) -> Sequence[Pdu]:
        return (pdu, Pdu(response, _with_header(octets, 3, _header(pdu.octets, 3) ^ FAR_AWAY)))

    return Mutation(_any, act)


_MUTATIONS: Final[dict[type[PduFault], Callable[[Any], Mutation]]] = {
    faults.CommandLength: _command_length,
    faults.UnknownCommand: _unknown_command,
    faults.Truncate: _truncate,
    faults.MissingNul: _missing_nul,
    faults.SmLength: _sm_length,
    faults.BrokenTlv: _broken_tlv,
    faults.UnknownTlv: _unknown_tlv,
    faults.WrongSequence: _sequence_number,
    faults.Duplicate: _duplicate,
    faults.Withhold: _withhold,
    faults.Nack: _nack,
    faults.StrayResponse: _stray_response,
    faults.FlipBits: _flip_bits,
}
