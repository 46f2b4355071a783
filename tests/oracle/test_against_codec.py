"""Two independent readings of the specification: the grammar and the codec must agree on every octet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppwire import codec
from smppwire.constants import CommandStatus, tlv_name
from smppwire.errors import DecodeError
from smppwire.framing import Framer
from smppwire.grammar import Dissection, build, dissect, dissect_stream
from smppwire.grammar.gallery import GALLERY, LISTS
from smppwire.grammar.notation import typed
from smppwire.grammar.optional import PARAMETERS, REPEATABLE
from smppwire.pdus import PDU_CLASSES, Pdu, UnknownPdu
from smppwire.schema import DISTRIBUTION_LIST_FIELDS, PDUS, SME_ADDRESS_FIELDS, TLVS, UNSUCCESS_SME_FIELDS, Kind
from tests.oracle.pdus import TLVS as SOME_TLVS
from tests.oracle.pdus import as_codec, fields_of, values_of

COMMANDS = sorted(GALLERY)
VECTORS = Path(__file__).parents[2] / "protocol" / "vectors" / "vectors.jsonl"
ROWS = [json.loads(line) for line in VECTORS.read_text(encoding="utf-8").splitlines()]

commands = pytest.mark.parametrize("command_id", COMMANDS, ids=[GALLERY[command].name for command in COMMANDS])
words = st.integers(0, 0xFFFFFFFF)
statuses = st.sampled_from([0, 0, 0, 8, 0x42E])


def agree(frame: bytes) -> None:
    """Both read ``frame`` alike: the same fields, or a break in the same field, at the same offset, for one status."""
    it, pdu = dissect(frame), decoded(frame)
    if isinstance(pdu, DecodeError):
        same_break(it, pdu)
        return
    assert it.broken_at is None
    assert (it.command_id, it.command_status) == (pdu.command_id, pdu.command_status)
    assert it.sequence_number == pdu.sequence_number
    if isinstance(pdu, UnknownPdu):
        assert (it.command, it.rest) == ("unknown", pdu.body)
    else:
        same_content(it, pdu)
    assert codec.encode(pdu) == frame


def decoded(frame: bytes) -> Pdu | DecodeError:
    try:
        return codec.decode(frame)
    except DecodeError as error:
        return error


def same_break(it: Dissection, error: DecodeError) -> None:
    assert it.broken_at is not None, f"only the codec breaks: {error}"
    problem = next(problem for problem in it.problems if problem.field == it.broken_at)
    assert (problem.field.rpartition(".")[2], problem.offset) == (error.field, error.offset)
    assert problem.status == CommandStatus(error.command_status).name


def same_content(it: Dissection, pdu: Pdu) -> None:
    names = [field.name for field in PDUS[pdu.command_id].attributes]
    values = as_codec(it.values)
    assert {name: values.get(name) for name in names} == {name: getattr(pdu, name) for name in names}
    assert [(tlv.tag, tlv.raw) for tlv in it.tlvs] == [tuple(tlv) for tlv in pdu.tlvs]
    assert it.rest == pdu.trailing
    rebuilt = build(
        pdu.command_id,
        pdu.sequence_number,
        {name: value for name, value in it.values.items() if name not in {"sm_length", *LISTS.values()}},
        command_status=pdu.command_status,
        tlvs=[(tlv.tag, tlv.raw) for tlv in it.tlvs],
        trailing=it.rest,
    )
    assert rebuilt == it.octets


def with_length(octets: bytes) -> bytes:
    """The frame with the command_length it should have."""
    return len(octets).to_bytes(4, "big") + octets[4:]


# -- Sound PDUs --------------------------------------------------------------------------------------------------------


@commands
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_both_write_the_same_octets_and_read_the_same_fields(command_id: int, data: st.DataObject) -> None:
    values = data.draw(values_of(command_id))
    sequence_number, tlvs = data.draw(words), data.draw(SOME_TLVS)

    built = build(command_id, sequence_number, values, tlvs=tlvs)
    encoded = codec.encode(PDU_CLASSES[command_id](sequence_number, 0, **as_codec(values), tlvs=tuple(tlvs)))  # type: ignore[call-arg]

    assert built == encoded
    agree(built)
    it = dissect(built)
    assert it.broken_at is None
    assert as_codec(it.values) == as_codec(values)
    assert b"".join(field.octets for field in it.fields) + b"".join(tlv.octets for tlv in it.tlvs) == built


@commands
def test_empty_pdus_agree(command_id: int) -> None:
    agree(codec.encode(PDU_CLASSES[command_id](1)))
    agree(with_length(bytes(4) + command_id.to_bytes(4, "big") + bytes(8)))


# -- Broken PDUs -------------------------------------------------------------------------------------------------------


@commands
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_both_break_at_the_same_field_wherever_a_pdu_is_cut(command_id: int, data: st.DataObject) -> None:
    values = data.draw(values_of(command_id))
    frame = build(command_id, 1, values, command_status=data.draw(statuses), tlvs=data.draw(SOME_TLVS))

    agree(with_length(frame[: data.draw(st.integers(16, len(frame)))]))


@commands
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_both_read_a_damaged_pdu_alike(command_id: int, data: st.DataObject) -> None:
    values = data.draw(values_of(command_id))
    frame = build(command_id, 1, values, command_status=data.draw(statuses), tlvs=data.draw(SOME_TLVS))
    at = data.draw(st.integers(16, len(frame)))
    gone = data.draw(st.integers(0, 4))

    agree(with_length(frame[:at] + data.draw(st.binary(max_size=4)) + frame[at + gone :]))


@commands
@settings(deadline=None, max_examples=60)
@given(status=statuses, body=st.binary(max_size=80) | st.lists(st.sampled_from([0, 1, 2, 65]), max_size=60).map(bytes))
def test_both_read_any_body_alike(command_id: int, status: int, body: bytes) -> None:
    header = command_id.to_bytes(4, "big") + status.to_bytes(4, "big") + bytes((0, 0, 0, 1))

    agree(with_length(bytes(4) + header + body))


@settings(deadline=None, max_examples=60)
@given(header=st.binary(min_size=12, max_size=12), body=st.binary(max_size=40))
def test_both_know_the_same_commands(header: bytes, body: bytes) -> None:
    agree(with_length(bytes(4) + header + body))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_both_read_the_vectors_alike(row: dict[str, Any]) -> None:
    octets = bytes.fromhex(row["hex"])
    for it in dissect_stream(octets):
        if it.has_header:
            agree(with_length(it.octets))


# -- Framing -----------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=200)
@given(
    frames=st.lists(st.binary(min_size=12, max_size=40).map(lambda rest: with_length(bytes(4) + rest)), max_size=5),
    tail=st.binary(max_size=24) | st.just(bytes.fromhex("00000040000000150000000000000001")),
)
def test_the_dissector_cuts_a_stream_as_the_framer_does(frames: list[bytes], tail: bytes) -> None:
    stream = b"".join(frames) + tail
    framer = Framer()
    buffer, cut = framer.feed(stream)

    whole = [it for it in dissect_stream(stream) if it.has_header and 16 <= (it.command_length or 0) <= len(it.octets)]

    assert [it.octets[: it.command_length] for it in whole] == [buffer[start:end] for start, end, *_ in cut]


# -- The tables --------------------------------------------------------------------------------------------------------


def test_both_have_the_same_pdus() -> None:
    assert set(GALLERY) == set(PDUS)
    assert {command_id: body.name for command_id, body in GALLERY.items()} == {
        command_id: spec.name for command_id, spec in PDUS.items()
    }
    assert {command_id: body.is_response for command_id, body in GALLERY.items()} == {
        command_id: spec.is_response for command_id, spec in PDUS.items()
    }


@commands
def test_both_have_the_same_fields_in_the_same_order(command_id: int) -> None:
    assert GALLERY[command_id].names == tuple(field.name for field in PDUS[command_id].fields)


@commands
def test_both_allow_the_same_lengths_and_name_the_same_statuses(command_id: int) -> None:
    fields = fields_of(GALLERY[command_id])

    for spec in PDUS[command_id].fields:
        if spec.kind is Kind.C_OCTETS:
            assert too_long(fields[spec.name], spec.size - 1) is None
            assert too_long(fields[spec.name], spec.size) == spec.status.name


def test_members_of_lists_have_the_same_lengths_and_statuses() -> None:
    destination = {field.name: field for field in fields_of(GALLERY[0x21])["dest_address"].subcon.subcon.subcons}
    failure = {field.name: field for field in fields_of(GALLERY[0x80000021])["unsuccess_sme"].subcon.subcon.subcons}

    for members, specs in (
        (destination, SME_ADDRESS_FIELDS + DISTRIBUTION_LIST_FIELDS),
        (failure, UNSUCCESS_SME_FIELDS),
    ):
        assert [name for name in members if name != "dest_flag"] == [spec.name for spec in specs]
        for spec in specs:
            if spec.kind is Kind.C_OCTETS:
                assert too_long(members[spec.name], spec.size - 1) is None
                assert too_long(members[spec.name], spec.size) == spec.status.name


def too_long(field: Any, size: int) -> str | None:
    """The status of a C-octet string of that many octets, provided that it is a time where it is one."""
    findings = [finding for finding in typed(field).judge(b"1" * size) if finding.grave]
    is_time = any("no time" in finding.rule or "characters" in finding.rule for finding in findings)
    if is_time:
        return findings[0].status if size != 16 else None
    return findings[0].status if findings else None


def test_both_have_the_same_optional_parameters() -> None:
    assert {tag: name for tag, (name, _) in PARAMETERS.items()} == {tag: tlv_name(tag) for tag in TLVS}
    assert {tag for tag, spec in TLVS.items() if spec.repeatable} == REPEATABLE


# The specification calls it an integer of up to five octets; as a number it would lose how many there were.
SHOWN_AS_OCTETS = {0x0613}


@pytest.mark.parametrize("tag", sorted(TLVS), ids=tlv_name)
def test_optional_parameters_have_the_same_kinds_and_lengths(tag: int) -> None:
    _, reading = PARAMETERS[tag]
    kinds = {"integer": "integer", "text": "C-octet string", "octets": "octet string"}

    assert set(reading.sizes) == set(TLVS[tag].lengths)
    assert kinds[reading.kind] == TLVS[tag].kind.value or tag in SHOWN_AS_OCTETS


@commands
def test_both_require_the_same_optional_parameters(command_id: int) -> None:
    required = set(PDUS[command_id].required_tlvs)

    assert set(GALLERY[command_id].required_tlvs) == (required if command_id != 0x103 else set())
