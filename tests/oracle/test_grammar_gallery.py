"""The gallery itself: the layouts of the specification, spelled out once more for those that are often got wrong."""

from __future__ import annotations

import pytest

from smppwire.grammar.gallery import GALLERY, HEADER, OPTIONAL_PART
from smppwire.grammar.notation import Trace

SOURCE = "source_addr_ton source_addr_npi source_addr"
DESTINATION = "dest_addr_ton dest_addr_npi destination_addr"
TIMES = "schedule_delivery_time validity_period"
FLAGS = "replace_if_present_flag data_coding sm_default_msg_id"


@pytest.mark.parametrize(
    ("command_id", "names"),
    [
        (0x03, f"message_id {SOURCE}"),
        (0x80000003, "message_id final_date message_state error_code"),
        (0x07, f"message_id {SOURCE} {TIMES} registered_delivery sm_default_msg_id sm_length short_message"),
        (0x08, f"service_type message_id {SOURCE} {DESTINATION}"),
        (0x103, f"service_type {SOURCE} {DESTINATION} esm_class registered_delivery data_coding"),
        (0x102, f"{SOURCE} esme_addr_ton esme_addr_npi esme_addr"),
        (
            0x111,
            f"service_type {SOURCE} message_id priority_flag {TIMES} {FLAGS}",
        ),
        (0x112, f"message_id {SOURCE}"),
        (0x113, f"service_type message_id {SOURCE}"),
        (0x80000021, "message_id no_unsuccess unsuccess_sme"),
        (0x80000000, ""),
    ],
)
def test_fields_in_wire_order(command_id: int, names: str) -> None:
    assert GALLERY[command_id].names == tuple(names.split())


def test_every_request_but_three_has_its_response() -> None:
    alone = {body.name for command_id, body in GALLERY.items() if command_id ^ 0x80000000 not in GALLERY}

    assert alone == {"outbind", "alert_notification", "generic_nack"}
    for command_id, body in GALLERY.items():
        assert body.is_response == (command_id >= 0x80000000)


def test_the_header_is_four_integers() -> None:
    trace = Trace()
    HEADER.parse(bytes.fromhex("00000010800000040000005800000001"), trace=trace)

    assert trace.values == {
        "command_length": 16,
        "command_id": 0x80000004,
        "command_status": 0x58,
        "sequence_number": 1,
    }


def test_the_optional_part_ends_with_the_last_whole_tlv() -> None:
    part = OPTIONAL_PART.parse(bytes.fromhex("0204000200010424000000ff"))

    assert [(tlv.offset, tlv.tag, tlv.value) for tlv in part.tlvs] == [(0, 0x0204, b"\x00\x01"), (6, 0x0424, b"")]
    assert part.trailing == b"\x00\xff"
