"""PDUs from values."""

from __future__ import annotations

import doctest

import pytest
from construct import ConstructError

from smppwire import grammar
from smppwire.grammar import build
from tests.oracle.messages import MESSAGE, QUERY_SM_RESP, SUBMIT_SM


def test_counts_are_worked_out() -> None:
    members = [{"dest_flag": 2, "dl_name": b"A"}, {"dest_flag": 2, "dl_name": b"B"}]
    values = {name: value for name, value in MESSAGE.items() if not name.startswith("dest")}

    frame = build(0x21, 1, {**values, "dest_address": members})

    assert frame[24:31] == bytes.fromhex("02 02 41 00 02 42 00")
    assert frame.endswith(b"\x05Hello")
    assert int.from_bytes(frame[:4], "big") == len(frame)


def test_a_response_ends_before_the_first_value_that_is_not_given() -> None:
    assert build(QUERY_SM_RESP, 1, {"message_id": b"7", "final_date": b""})[16:] == b"7\x00\x00"
    assert build(QUERY_SM_RESP, 1, {})[16:] == b""


def test_optional_parameters_and_stray_octets_follow() -> None:
    frame = build(0x15, 1, {}, command_status=2, tlvs=[(0x0204, b"\x00\x01")], trailing=b"\xff")

    assert frame.hex() == "00000017000000150000000200000001020400020001ff"


def test_values_that_are_missing_or_do_not_fit() -> None:
    with pytest.raises(KeyError):
        build(SUBMIT_SM, 1, {})
    with pytest.raises(KeyError):
        build(0xFFFF, 1, {})
    with pytest.raises(ConstructError):
        build(SUBMIT_SM, 1, {**MESSAGE, "esm_class": 256})
    with pytest.raises(ConstructError):
        build(SUBMIT_SM, 1, {**MESSAGE, "short_message": bytes(256)})


def test_the_examples_in_the_documentation() -> None:
    assert doctest.testmod(grammar).failed == 0
    assert doctest.testmod(grammar).attempted > 0
