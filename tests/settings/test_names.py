import pytest

from smppd.settings.names import (
    ALL_FIELDS,
    FIELDS,
    MAX_TEMPLATE,
    command_id,
    command_status,
    minutes_of_day,
    template_names,
    tlv_kind,
    tlv_tag,
)
from smppwire.constants import CommandId
from smppwire.schema import Kind, TlvKind


def test_statuses_and_commands_by_name_or_number() -> None:
    assert command_status("ESME_RTHROTTLED") == command_status(0x58) == 0x58
    assert command_status(0x42E) == 0x42E
    assert command_id("submit_sm") == CommandId.SUBMIT_SM


@pytest.mark.parametrize(
    ("name", "tag"), [("message_payload", 0x0424), ("0x1403", 0x1403), ("0X1403", 0x1403), ("5123", 5123)]
)
def test_tlvs_by_name_or_number(name: str, tag: int) -> None:
    assert tlv_tag(name) == tag


@pytest.mark.parametrize("name", ["mesage_payload", "0x", "0x12345", "99999", "0", "", "-1", "1e3"])
def test_what_is_no_tlv(name: str) -> None:
    with pytest.raises(ValueError, match=r"message_payload|0xffff|^$"):
        tlv_tag(name)


def test_kinds_of_tlvs() -> None:
    assert tlv_kind(tlv_tag("sar_total_segments")) is TlvKind.INTEGER
    assert tlv_kind(0x1403) is None


def test_fields_are_those_of_the_specification() -> None:
    assert FIELDS["submit_sm"]["destination_addr"] is Kind.C_OCTETS
    assert FIELDS["submit_sm"]["short_message"] is Kind.OCTETS
    assert FIELDS["enquire_link"] == {"command_status": Kind.INTEGER, "sequence_number": Kind.INTEGER}
    assert "dest_address" not in FIELDS["submit_multi"], "a list is no value"
    assert "password" not in ALL_FIELDS


def test_times_of_day() -> None:
    assert [minutes_of_day(text) for text in ("00:00", "06:30", "23:59", "24:00")] == [0, 390, 1439, 1440]
    for text in ("6:30", "24:01", "12:60", "noon", "12:00:00", "1\uff12:00"):
        with pytest.raises(ValueError, match="two digits"):
            minutes_of_day(text)


def test_names_in_templates() -> None:
    assert template_names("Hi {source_addr}: {code} {{x}} {code}") == ["source_addr", "code", "code"]
    assert template_names("") == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Single"),
        ("}", "Single"),
        ("{}", "is no name"),
        ("{0}", "is no name"),
        ("{a.b}", "is no name"),
        ("{a[0]}", "is no name"),
        ("{a!r}", "is no name"),
        ("{a:>1000000000}", "is no name"),
        ("x" * (MAX_TEMPLATE + 1), "longer than"),
    ],
)
def test_what_is_no_template(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        template_names(text)
