"""Encoding what an SMSC sends in numbers: answers to submit_sm, deliver_sm, and the bodies of receipts.

Each function has two forms that write the same octets: one in Python, which is complete, and one in C, which is asked
first if it is there (``smppwire.speedups``) and knows the usual values only. What they write has to come out right for
the peer, not for a human reader: so there are no PDU objects in between.
"""

from __future__ import annotations

from functools import cache
from struct import Struct
from typing import TYPE_CHECKING, Final, Protocol, TypeVar, cast

from smppwire.constants import HEADER_LENGTH, CommandId, EsmClassFeature, TlvTag
from smppwire.pdus import SubmitSm
from smppwire.speedups import CODEC

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smppwire_speedups import Codec

HEADER: Final = Struct(">IIII")
SUBMIT_SM_RESP: Final = int(CommandId.SUBMIT_SM_RESP)
SHORT_ID: Final = 10
"""Octets of the usual message_id: a response with one of them is written in one step."""

LONGEST_ADDRESS: Final = 20
LONGEST_SERVICE_TYPE: Final = 5
"""Octets that the fields of deliver_sm have room for. Where the original was not judged strictly they may be longer."""

TEXT_OCTETS: Final = 20
"""Octets of the original text that a receipt repeats (appendix B)."""

ESCAPE: Final = b"\x1b"
"""The first half of a character of the extension table: it must not stand alone where the text is cut."""

UDHI: Final = int(EsmClassFeature.UDHI)
RECEIPTED_MESSAGE_ID: Final = int(TlvTag.RECEIPTED_MESSAGE_ID).to_bytes(2, "big")

AFTER_ESM_CLASS: Final = bytes(8)
"""protocol_id, priority_flag, schedule_delivery_time, validity_period, registered_delivery, replace_if_present_flag,
data_coding, sm_default_msg_id: none of them is used in a receipt."""

RECEIPT: Final = b"%b\0%c%c%b\0%c%c%b\0%b%cid:%b %b%b%b%b%b"
"""One step for the whole body: that is an eighth of the work of a server which sends receipts."""


# --------------------------------------------------------------------------- submit_sm_resp


def submit_sm_resps(
    pdus: Sequence[SubmitSm], answers: Sequence[bytes | int], tail: bytes = b"\0", *, codec: Codec | None = CODEC
) -> tuple[bytes, int]:
    """The answers to a run of submit_sm, joined, and how many of them accept.

    ``answers``: for each of ``pdus`` the message_id that accepts it, the command_status that refuses it, or a number
    below 0, which gives no answer now. ``tail`` follows each message_id: its NUL, and TLVs if there are any. A refusal
    is a header alone. Raises ValueError when there are not as many answers as PDUs, struct.error when a number needs
    more than 32 bits.
    """
    if codec is not None and (written := codec.submit_sm_resps(pdus, answers, tail)) is not None:
        return written
    if len(pdus) != len(answers):
        raise ValueError(f"{len(answers)} answers to {len(pdus)} PDUs")
    parts: list[bytes] = []
    short, beginning = _USUAL_RESPONSE if tail == b"\0" else _short_response(len(tail))
    accepted = 0
    for pdu, answer in zip(pdus, answers):  # noqa: B905  # there is one for each
        if type(answer) is bytes:
            accepted += 1
            if len(answer) == SHORT_ID:
                parts.append(short(beginning, pdu.sequence_number, answer, tail))
            else:
                body = answer + tail
                parts.append(HEADER.pack(HEADER_LENGTH + len(body), SUBMIT_SM_RESP, 0, pdu.sequence_number) + body)
        elif cast("int", answer) >= 0:
            parts.append(HEADER.pack(HEADER_LENGTH, SUBMIT_SM_RESP, answer, pdu.sequence_number))
    return b"".join(parts), accepted


@cache
def _short_response(tail: int) -> tuple[Callable[..., bytes], bytes]:
    """What packs a response with the usual message_id and a tail of so many octets, and how its header begins."""
    layout = Struct(f">12sI{SHORT_ID}s{tail}s")
    return layout.pack, HEADER.pack(layout.size, SUBMIT_SM_RESP, 0, 0)[:-4]


_USUAL_RESPONSE: Final = _short_response(len(b"\0"))


# --------------------------------------------------------------------------- deliver_sm


def requests(command_id: int, numbers: Sequence[int], bodies: Sequence[bytes], *, codec: Codec | None = CODEC) -> bytes:
    """Requests of one kind with these sequence_numbers and bodies, joined.

    Raises ValueError when there are not as many numbers as bodies, struct.error when one needs more than 32 bits.
    """
    if codec is not None and (written := codec.requests(command_id, numbers, bodies)) is not None:
        return written
    pack = HEADER.pack
    return b"".join(
        [
            pack(HEADER_LENGTH + len(body), command_id, 0, number) + body
            for number, body in zip(numbers, bodies, strict=True)
        ]
    )


# --------------------------------------------------------------------------- receipts


class Reported(Protocol):
    """What a receipt reports on: a message, the ``message_id`` it was accepted under, and its last ``state`` (5.2.28).

    ``accepted_wall`` and ``final_wall`` are seconds since 1970, as floats; ``error_code`` is 0 where nothing failed.
    """

    pdu: SubmitSm
    message_id: bytes
    state: int
    error_code: int
    accepted_wall: float
    final_wall: float


R = TypeVar("R", bound=Reported)

Wording = tuple[bytes, bytes]
"""What receipts of the same minutes, state and error have in common: the text between the message_id and the original's
beginning, "sub:001 ... text:" (appendix B), and the TLVs behind receipted_message_id."""


def receipt_bodies(
    records: Sequence[R],
    wording: Callable[[R], Wording],
    otherwise: Callable[[R], bytes],
    esm_class: int,
    *,
    with_tlvs: bool,
    codec: Codec | None = CODEC,
) -> list[bytes]:
    """The bodies of the deliver_sm that report on several messages, addresses swapped (appendix B).

    Written here are those for a submit_sm in the default alphabet, without a user data header and without TLVs, whose
    addresses and service_type fit a deliver_sm: they repeat the beginning of its short_message. All others
    ``otherwise`` writes, which knows what they repeat. It must know the former, too: it is asked for them where a value
    is not what it usually is. ``wording`` is asked for each record, or once for several in a row of the same minutes,
    state and error: its answer must depend on nothing else.
    """
    if codec is not None:
        return codec.receipt_bodies(records, wording, otherwise, esm_class, with_tlvs)
    bodies: list[bytes] = []
    after_addresses = bytes((esm_class,)) + AFTER_ESM_CLASS
    common: tuple[float, int, int, int] | None = None
    minute = 0.0
    middle = tag = id_again = tail = b""
    length = 0
    for record in records:
        pdu = record.pdu
        service_type, destination_addr, source_addr = pdu.service_type, pdu.destination_addr, pdu.source_addr
        if (
            pdu.__class__ is not SubmitSm
            or pdu.esm_class >= UDHI
            or pdu.data_coding
            or pdu.tlvs
            or len(destination_addr) > LONGEST_ADDRESS
            or len(source_addr) > LONGEST_ADDRESS
            or len(service_type) > LONGEST_SERVICE_TYPE
        ):
            bodies.append(otherwise(record))
            continue
        message_id = record.message_id
        those = record.final_wall, record.state, record.error_code, len(message_id)
        if those != common or not minute <= record.accepted_wall < minute + 60.0:
            common = those
            minute = record.accepted_wall // 60 * 60
            middle, tlvs = wording(record)
            length = len(b"id: ") + len(message_id) + len(middle)
            if with_tlvs:
                tag = RECEIPTED_MESSAGE_ID + (len(message_id) + 1).to_bytes(2, "big")
                tail = b"\0" + tlvs
        if with_tlvs:
            id_again = message_id
        text = pdu.short_message[:TEXT_OCTETS].removesuffix(ESCAPE)
        bodies.append(
            RECEIPT
            % (
                service_type,
                pdu.dest_addr_ton,
                pdu.dest_addr_npi,
                destination_addr,
                pdu.source_addr_ton,
                pdu.source_addr_npi,
                source_addr,
                after_addresses,
                length + len(text),
                message_id,
                middle,
                text,
                tag,
                id_again,
                tail,
            )
        )
    return bodies
