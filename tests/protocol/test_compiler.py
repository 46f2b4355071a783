"""The generated codec equals the table, on sound PDUs, on broken ones, and wherever they lie in a buffer."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppwire.compiler import DECODERS, ENCODERS, decode_by_table, encode_by_table, source_of
from smppwire.constants import CommandId
from smppwire.errors import EncodeError
from smppwire.pdus import DeliverSmResp, DistributionList, SmeAddress, SubmitSm, SubmitSmResp, Tlv, UnsuccessSme
from smppwire.schema import PDUS, Kind, PduSpec
from tests.protocol.wire import frames, header, known_pdus, outcome, pdus_of, unhurried

SPECS = list(PDUS.values())
around = st.binary(max_size=20)


def test_every_pdu_has_its_functions() -> None:
    assert set(DECODERS) == set(ENCODERS) == set(PDUS)


@unhurried
@given(known_pdus, around, around)
def test_sound_pdus(pdu: Any, before: bytes, after: bytes) -> None:
    frame = ENCODERS[pdu.command_id](pdu)
    assert frame == encode_by_table(pdu)
    start, end = len(before), len(before) + len(frame)
    buffer = before + frame + after
    assert DECODERS[pdu.command_id](buffer, start, end, pdu.command_status, pdu.sequence_number) == pdu


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
@unhurried
@given(data=st.data())
def test_each_pdu(spec: PduSpec, data: st.DataObject) -> None:
    pdu = data.draw(pdus_of(spec))
    frame = ENCODERS[spec.command_id](pdu)
    assert frame == encode_by_table(pdu)
    assert DECODERS[spec.command_id](frame, 0, len(frame), pdu.command_status, pdu.sequence_number) == pdu


@unhurried
@given(frames(), around, st.one_of(around, st.just(bytes(300))))
def test_broken_pdus_give_the_same_value_or_error(frame: bytes, before: bytes, after: bytes) -> None:
    """Octets after the PDU are NULs in half of the cases: what is missing must not be found in the next PDU."""
    command_id, status, sequence_number = (int.from_bytes(frame[at : at + 4], "big") for at in (4, 8, 12))
    place = (before + frame + after, len(before), len(before) + len(frame), status, sequence_number)
    generated = outcome(DECODERS[command_id], *place)
    assert generated == outcome(decode_by_table, command_id, *place)
    if not isinstance(generated, tuple):
        assert ENCODERS[command_id](generated) == frame


SAMPLES: dict[Kind, Any] = {
    Kind.C_OCTETS: b"12",
    Kind.INTEGER: 3,
    Kind.OCTETS: b"text",
    Kind.DESTINATIONS: (SmeAddress(1, 1, b"33"), DistributionList(b"all")),
    Kind.UNSUCCESSFUL: (UnsuccessSme(1, 1, b"33", 11),),
}


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
@pytest.mark.parametrize("filler", [b"\0", b"\x01", b"\x02", b"0"])
def test_a_pdu_cut_at_every_octet_is_not_completed_by_its_successor(spec: PduSpec, filler: bytes) -> None:
    values = {row.name: SAMPLES[row.kind] for row in spec.attributes}
    full = ENCODERS[spec.command_id](replace(spec.pdu_class(7), **values))  # type: ignore[type-var]
    for end in range(16, len(full) + 1):
        buffer = full[:end] + filler * 600
        assert outcome(DECODERS[spec.command_id], buffer, 0, end, 0, 7) == outcome(
            decode_by_table, spec.command_id, buffer, 0, end, 0, 7
        )


# A single octet in the place of an integer is not among them: the generated encoder takes b"a" for 97, as "%c" does.
BAD_VALUES = st.sampled_from([None, -1, 256, 1 << 40, b"a\0b", b"\0\0", b"x" * 256, "text", (), (1,), 1.5])


@unhurried
@given(known_pdus, st.data())
def test_values_that_do_not_fit_give_the_same_error(pdu: Any, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([field.name for field in fields(pdu) if field.name != "tlvs"]))
    broken = replace(pdu, **{name: data.draw(BAD_VALUES)})
    assert outcome_or_type_error(ENCODERS[pdu.command_id], broken) == outcome_or_type_error(encode_by_table, broken)


def outcome_or_type_error(function: Any, pdu: Any) -> Any:
    """A list of the wrong type is a programming error: TypeError or EncodeError, but from both."""
    try:
        return outcome(function, pdu)
    except TypeError as error:
        return type(error)


def test_an_error_names_the_field_even_though_the_fast_path_failed_first() -> None:
    with pytest.raises(EncodeError, match="source_addr") as caught:
        ENCODERS[CommandId.SUBMIT_SM](SubmitSm(source_addr=b"1\0"))
    assert caught.value.__context__ is None


def test_a_short_error_response_takes_the_short_way() -> None:
    assert ENCODERS[CommandId.SUBMIT_SM_RESP](SubmitSmResp(5, 0x58, None)) == header(b"", 0x80000004, 0x58, 5)
    assert ENCODERS[CommandId.SUBMIT_SM_RESP](SubmitSmResp(5, 0x58, None, (Tlv(0x1D, b"no\0"),)))[16:18] == b"\0\x1d"
    assert DECODERS[CommandId.DELIVER_SM_RESP](header(b"", 0x80000005, 0x64, 5), 0, 16, 0x64, 5) == DeliverSmResp(
        5, 0x64, None
    )


def test_the_source_can_be_read() -> None:
    source = source_of(CommandId.SUBMIT_SM)
    assert "def decode_submit_sm(" in source
    assert "pdu.destination_addr = buffer[p:q]" in source
    with pytest.raises(KeyError):
        source_of(0x7777)
