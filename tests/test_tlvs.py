import pytest

from smppd.tlvs import NAMES, OURS, tag_of, tlv_octets
from smppwire.constants import TlvTag


@pytest.mark.parametrize(
    ("name", "value", "octets"),
    [
        ("source_port", 5000, "020a 0002 1388"),
        ("SOURCE_PORT", 5000, "020a 0002 1388"),
        ("user_message_reference", 7, "0204 0002 0007"),
        ("privacy_indicator", 3, "0201 0001 03"),
        ("ms_validity", 1, "1204 0001 01"),
        ("dest_addr_np_country", 70000, "0613 0003 011170"),
        ("callback_num", "0x0101", "0381 0002 0101"),
        ("source_subaddress", "abc", "0202 0003 616263"),
        ("receipted_message_id", "ab", "001e 0003 616200"),
        ("0x1403", "0x0102", "1403 0002 0102"),
        ("0x1403", "hi", "1403 0002 6869"),
        ("0x1403", "", "1403 0000"),
    ],
)
def test_octets(name: str, value: int | str, octets: str) -> None:
    assert tlv_octets(name, value) == bytes.fromhex(octets)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("source_port", 70000, "outside of 0 to 65535"),
        ("source_port", -1, "outside of 0 to 65535"),
        ("source_port", "five", "an integer"),
        ("0x1403", 5, "not an integer"),
        ("callback_num", 5, "not an integer"),
        ("0x1403", "0x123", "hexadecimal"),
        ("0x1403", "ж", "Latin-1"),
        ("0x1403", "x" * 65536, "more than 65535"),
        ("message_payload", "x", "multipart"),
        ("0x0424", "x", "multipart"),
        ("sar_total_segments", 1, "multipart"),
        ("sorce_port", 1, "^$"),
        ("0x10000", "x", "^$"),
        ("0xzz", "x", "^$"),
    ],
)
def test_what_is_not_accepted(name: str, value: int | str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        tlv_octets(name, value)


def test_every_name_but_those_of_long_messages() -> None:
    assert {tag_of(name) for name in NAMES} == set(TlvTag) - OURS
