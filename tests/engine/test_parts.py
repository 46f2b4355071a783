"""What a message costs where parts are counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.engine.parts import parts_of
from smppwire.constants import TlvTag
from smppwire.pdus import Tlv
from smppwire.segmentation import segment
from tests.engine.world import sms


@pytest.mark.parametrize(
    ("octets", "data_coding", "parts"),
    [
        (0, 0, 1),
        (160, 0, 1),
        (161, 0, 2),
        (306, 0, 2),
        (307, 0, 3),
        (459, 0, 3),
        (140, 8, 1),
        (142, 8, 2),
        (268, 8, 2),
        (270, 8, 3),
        (140, 4, 1),
        (141, 4, 2),
        (141, 2, 2),
        (160, 0xF0, 1),
        (141, 0xF5, 2),
        (141, 0xFD, 2),
        (160, 3, 1),
    ],
)
def test_sizes_of_3gpp(octets: int, data_coding: int, parts: int) -> None:
    """The counts of the specifications (3GPP TS 23.040), in short_message and in message_payload."""
    assert parts_of(sms(text=b"x" * octets, data_coding=data_coding)) == parts
    payload = Tlv(TlvTag.MESSAGE_PAYLOAD, b"x" * octets)
    assert parts_of(sms(text=b"", data_coding=data_coding, tlvs=(payload,))) == parts


def test_what_the_esme_segmented_is_one_part_each() -> None:
    assert parts_of(sms(text=b"\x05\x00\x03\x01\x02\x01" + b"x" * 200, esm_class=0x40)) == 1
    sar = (Tlv(TlvTag.SAR_TOTAL_SEGMENTS, b"\x02"), Tlv(TlvTag.MESSAGE_PAYLOAD, b"x" * 500))
    assert parts_of(sms(text=b"", tlvs=sar)) == 1


@given(length=st.integers(0, 2000))
def test_plain_text_costs_as_many_parts_as_it_is_cut_into(length: int) -> None:
    payload = (Tlv(TlvTag.MESSAGE_PAYLOAD, b"x" * length),)
    cut = segment("x" * length, data_coding=0, method="udh8", reference=1)
    assert parts_of(sms(text=b"", tlvs=payload)) == max(1, len(cut))
