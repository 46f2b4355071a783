"""What each fault of PDUs makes of one."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.behaviour.occasions import Draws, Occasions, Party
from smppd.behaviour.pdu_faults import Pdu, compile_mutation
from smppd.behaviour.pdu_fields import find, spans
from smppd.settings import faults
from smppd.settings.faults import FAULTS, PduFault
from smppwire.codec import decode
from smppwire.constants import CommandId
from smppwire.errors import DecodeError
from smppwire.grammar import dissect
from smppwire.pdus import SubmitSmResp, UnknownPdu
from tests.behaviour.fake_wire import DELIVER, ENQUIRE_LINK, RESP, SUBMIT, pdu, submit_response

BODY = b"\0\1\1abc\0\2\1" + b"447700\0" + bytes(3) + b"\0\0" + bytes(4) + b"\5Hello"
DELIVERY = pdu(DELIVER, 9, BODY)
LINK = pdu(ENQUIRE_LINK, 4)


def draws_of(fault: PduFault, ordinal: int = 1) -> Draws:
    one = Occasions(fault, seed=1, started=0.0)
    found = [one.take(Party(), 1.0) for _ in range(ordinal)][-1]
    assert found is not None
    return found


def mutated(fault: PduFault, octets: bytes, ordinal: int = 1) -> list[bytes]:
    """The PDUs that leave in the place of one."""
    one = Pdu(int.from_bytes(octets[4:8], "big"), octets)
    mutation = compile_mutation(fault)
    assert mutation.fits(one)
    return [out.octets for out in mutation.act(one, draws_of(fault, ordinal))]


def fits(fault: PduFault, octets: bytes) -> bool:
    return compile_mutation(fault).fits(Pdu(int.from_bytes(octets[4:8], "big"), octets))


def test_every_kind_is_there() -> None:
    kinds = {kind for kind in FAULTS.values() if issubclass(kind, PduFault)} - {faults.Reorder}
    for kind in kinds:
        compile_mutation(kind(name="x"))
    with pytest.raises(KeyError):
        compile_mutation(faults.Reorder(name="x"))


@pytest.mark.parametrize(
    ("fault", "length"),
    [
        (faults.CommandLength(add=7), 26),
        (faults.CommandLength(add=-4), 15),
        (faults.CommandLength(value=8), 8),
        (faults.CommandLength(value=0xFFFFFFFF), 0xFFFFFFFF),
        (faults.CommandLength(add=-20), 0xFFFFFFFF),
        (faults.CommandLength(value=0), 0),
    ],
)
def test_command_length(fault: PduFault, length: int) -> None:
    octets = submit_response()
    assert mutated(fault, octets) == [struct.pack(">I", length) + octets[4:]]


def test_unknown_command() -> None:
    (octets,) = mutated(faults.UnknownCommand(), DELIVERY)
    assert octets == DELIVERY[:4] + b"\0\0\0\xfe" + DELIVERY[8:]
    assert isinstance(decode(octets), UnknownPdu)


@pytest.mark.parametrize(
    ("fault", "number"),
    [
        (faults.WrongSequence(value=0), 0),
        (faults.WrongSequence(value=0x80000000), 0x80000000),
        (faults.WrongSequence(add=1), 10),
        (faults.WrongSequence(add=-10), 0xFFFFFFFF),
    ],
)
def test_sequence_number(fault: PduFault, number: int) -> None:
    assert mutated(fault, DELIVERY) == [DELIVERY[:12] + struct.pack(">I", number) + DELIVERY[16:]]


def test_truncate_cuts_the_last_field_in_half_and_says_so() -> None:
    (octets,) = mutated(faults.Truncate(), DELIVERY)
    assert octets == pdu(DELIVER, 9, BODY[:-3])
    with pytest.raises(DecodeError) as error:
        decode(octets)
    assert error.value.field == "short_message"


def test_truncate_a_field_by_name_and_what_follows_it() -> None:
    (octets,) = mutated(faults.Truncate(field="destination_addr"), DELIVERY + b"")
    assert octets == pdu(DELIVER, 9, BODY[: BODY.index(b"447700") + 3])


def test_truncate_takes_the_last_field_that_holds_something() -> None:
    empty = BODY[:-6] + b"\0"
    assert mutated(faults.Truncate(), pdu(DELIVER, 9, empty)) == [pdu(DELIVER, 9, empty[:-1])]
    assert not fits(faults.Truncate(field="short_message"), pdu(DELIVER, 9, empty))


@pytest.mark.parametrize("field", ["", "message_id"])
def test_missing_nul(field: str) -> None:
    (octets,) = mutated(faults.MissingNul(field=field), submit_response(5, b"17"))
    assert octets == pdu(SUBMIT | RESP, 5, b"17")


def test_missing_nul_before_what_follows() -> None:
    (octets,) = mutated(faults.MissingNul(field="source_addr"), DELIVERY)
    assert octets == pdu(DELIVER, 9, BODY.replace(b"abc\0", b"abc"))


@pytest.mark.parametrize(("add", "length"), [(10, 15), (250, 255), (255, 255), (-2, 3), (-255, 0)])
def test_sm_length(add: int, length: int) -> None:
    (octets,) = mutated(faults.SmLength(add=add), DELIVERY)
    assert octets == pdu(DELIVER, 9, BODY[:-6] + bytes((length,)) + b"Hello")


def test_broken_tlv() -> None:
    (octets,) = mutated(faults.BrokenTlv(), DELIVERY)
    assert octets == pdu(DELIVER, 9, BODY + bytes.fromhex("1400 0041 0000000000"))
    assert [problem.status for problem in dissect(octets).problems] == ["ESME_RINVOPTPARSTREAM"]


def test_unknown_tlv() -> None:
    (octets,) = mutated(faults.UnknownTlv(tag=0x2167, value="0aff"), DELIVERY)
    assert octets == pdu(DELIVER, 9, BODY + bytes.fromhex("2167 0002 0aff"))
    assert decode(octets).tlv(0x2167) == b"\x0a\xff"


def test_duplicate_and_withhold() -> None:
    assert mutated(faults.Duplicate(), DELIVERY) == [DELIVERY, DELIVERY]
    assert mutated(faults.Withhold(), DELIVERY) == []


def test_nack_in_place_of_responses_alone() -> None:
    fault = faults.Nack(status="ESME_RTHROTTLED")
    assert mutated(fault, submit_response(77)) == [pdu(RESP, 77, status=0x58)]
    assert not fits(fault, DELIVERY)
    assert not fits(fault, pdu(CommandId.GENERIC_NACK, 1))


def test_a_stray_response_follows_with_a_number_far_away() -> None:
    first, stray = mutated(faults.StrayResponse(), DELIVERY)
    assert first == DELIVERY
    read = decode(stray)
    assert isinstance(read, SubmitSmResp)
    assert (read.sequence_number, read.command_status, read.message_id) == (9 ^ 0x40000000, 0, b"0")
    assert mutated(faults.StrayResponse(response="enquire_link_resp"), LINK)[1] == pdu(
        ENQUIRE_LINK | RESP, 4 ^ 0x40000000
    )


@given(st.integers(1, 64), st.integers(1, 30))
def test_flip_bits_in_the_body_alone(bits: int, ordinal: int) -> None:
    (octets,) = mutated(faults.FlipBits(bits=bits, name="f"), DELIVERY, ordinal)
    assert octets[:16] == DELIVERY[:16]
    flipped = int.from_bytes(octets, "big") ^ int.from_bytes(DELIVERY, "big")
    assert flipped.bit_count() == bits


def test_flip_bits_repeats_and_is_different_each_time() -> None:
    fault = faults.FlipBits(name="f")
    assert mutated(fault, DELIVERY, 1) == mutated(fault, DELIVERY, 1)
    assert len({mutated(fault, DELIVERY, ordinal)[0] for ordinal in range(1, 20)}) > 10


def test_flip_bits_of_a_small_body_flips_no_more_than_there_are() -> None:
    (octets,) = mutated(faults.FlipBits(bits=64), pdu(SUBMIT | RESP, 1, b"\x0f"))
    assert octets[16:] == b"\xf0"


@pytest.mark.parametrize(
    "fault",
    [
        faults.Truncate(),
        faults.MissingNul(),
        faults.SmLength(),
        faults.FlipBits(),
        faults.Truncate(field="service_type"),
    ],
    ids=lambda fault: fault.kind,
)
def test_what_has_nothing_to_damage_is_no_occasion(fault: PduFault) -> None:
    assert not fits(fault, LINK)
    assert not fits(fault, pdu(SUBMIT | RESP, 1, status=8)) or isinstance(fault, faults.SmLength)


def test_faults_know_a_pdu_by_the_command_that_it_came_with() -> None:
    (renamed,) = compile_mutation(faults.UnknownCommand()).act(
        Pdu(DELIVER, DELIVERY), draws_of(faults.UnknownCommand())
    )
    span = find(spans(*renamed), "source_addr")
    assert span is not None
    assert renamed.octets[span.start : span.end] == b"abc\0"


@given(st.binary(max_size=60), st.sampled_from(sorted(CommandId)))
def test_bodies_of_any_kind_are_survived(body: bytes, command_id: int) -> None:
    octets = pdu(command_id, 3, body)
    for kind in FAULTS.values():
        if issubclass(kind, PduFault) and kind is not faults.Reorder and fits(fault := kind(name="x"), octets):
            for out in mutated(fault, octets):
                assert len(out) >= 16
                if kind is not faults.CommandLength:
                    assert int.from_bytes(out[:4], "big") == len(out)
