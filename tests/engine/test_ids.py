"""Ids of the default dialect."""

import pytest

from smppd.engine.ids import END_OF_IDS, FIRST_ID, HEX_ID_LENGTH, LONGEST_ID, hex_id, is_id


@pytest.mark.parametrize("message_id", [b"1000000000", b"3B9ACA00", b"3b9aca00", b"0", b"7"])
def test_ids_that_could_be_ours(message_id: bytes) -> None:
    assert is_id(message_id)


@pytest.mark.parametrize(
    "message_id", [b"", b"10000000000", b"xyz", b"1_0", b"0x12", b"-1", b" 1", b"1000 000", b"\xb2"]
)
def test_ids_that_could_not(message_id: bytes) -> None:
    assert not is_id(message_id)


@pytest.mark.parametrize(
    ("number", "written"), [(FIRST_ID, b"3B9ACA00"), (1 << 32, b"00000000"), (END_OF_IDS - 1, b"540BE3FF")]
)
def test_eight_hexadecimal_digits(number: int, written: bytes) -> None:
    assert hex_id(number) == written
    assert len(written) == HEX_ID_LENGTH


def test_decimal_ids_are_longer_than_hexadecimal_ones_and_all_of_one_length() -> None:
    assert {len(str(number)) for number in (FIRST_ID, END_OF_IDS - 1)} == {LONGEST_ID}
    assert LONGEST_ID > HEX_ID_LENGTH
