"""The dataclasses: readable code that says the same as the schema."""

import dataclasses

import pytest

from smppwire.constants import CommandId
from smppwire.pdus import PDU_CLASSES, BindTransceiver, EnquireLink, Pdu, SubmitSm, SubmitSmResp, Tlv, UnknownPdu
from smppwire.schema import PDUS, Kind, PduSpec

EMPTY = {
    Kind.C_OCTETS: b"",
    Kind.INTEGER: 0,
    Kind.OCTETS: b"",
    Kind.DESTINATIONS: (),
    Kind.UNSUCCESSFUL: (),
}
TYPES = {
    Kind.C_OCTETS: "bytes",
    Kind.INTEGER: "int",
    Kind.OCTETS: "bytes",
    Kind.DESTINATIONS: "tuple[DestAddress, ...]",
    Kind.UNSUCCESSFUL: "tuple[UnsuccessSme, ...]",
}


def test_there_is_a_class_for_every_command() -> None:
    assert set(PDU_CLASSES) == set(CommandId)


@pytest.mark.parametrize("spec", PDUS.values(), ids=lambda spec: spec.name)
def test_each_class_says_what_the_schema_says(spec: PduSpec) -> None:
    rows = dataclasses.fields(spec.pdu_class)  # type: ignore[arg-type]
    expected: list[tuple[str, object, str]] = [("sequence_number", 0, "int"), ("command_status", 0, "int")]
    for field in spec.attributes:
        kind = TYPES[field.kind] + (" | None" if spec.is_response else "")
        expected.append((field.name, EMPTY[field.kind], kind))
    expected += [("tlvs", (), "tuple[Tlv, ...]"), ("trailing", b"", "bytes")]
    assert [(row.name, row.default, row.type) for row in rows] == expected
    assert spec.pdu_class.__name__.lower() == spec.name.replace("_", "")


@pytest.mark.parametrize("pdu_class", [*PDU_CLASSES.values(), UnknownPdu], ids=lambda pdu_class: pdu_class.__name__)
def test_each_class_is_slotted_and_a_pdu(pdu_class: type[Pdu]) -> None:
    pdu = pdu_class()
    assert isinstance(pdu, Pdu)
    assert not hasattr(pdu, "__dict__")
    assert pdu.tlv(0x1E) is None


def test_the_last_tlv_of_a_tag_counts() -> None:
    pdu = SubmitSm(tlvs=(Tlv(5, b"a"), Tlv(6, b"b"), Tlv(5, b"c")))
    assert pdu.tlv(5) == b"c"
    assert pdu.tlv(6) == b"b"
    assert pdu.tlv(7) is None


def test_pdus_compare_by_value_and_kind() -> None:
    assert SubmitSmResp(1, message_id=b"9") == SubmitSmResp(1, message_id=b"9")
    assert SubmitSmResp(1, message_id=b"9") != SubmitSmResp(1, message_id=b"8")
    assert EnquireLink(1) != UnknownPdu(1, command_id=CommandId.ENQUIRE_LINK)


def test_a_password_is_not_shown() -> None:
    assert "geheim" not in repr(BindTransceiver(system_id=b"me", password=b"geheim"))
