"""Values of mandatory parameters in words."""

from __future__ import annotations

import pytest

from smppwire.grammar import words as spoken
from tests.oracle.messages import meaning, message


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0x40, "default mode, UDHI"),
        (0x04, "default mode, SMSC delivery receipt"),
        (0x03, "store and forward mode"),
        (0x80, "default mode, reply path"),
        (0xC1, "datagram mode, UDHI, reply path"),
        (0x20, "default mode, intermediate delivery notification"),
        (0x24, "default mode, reserved message type"),
    ],
)
def test_esm_class_in_words(value: int, words: str) -> None:
    assert meaning(message(esm_class=value, short_message=b"\x00x"), "esm_class") == words


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("registered_delivery", 0, "no receipt"),
        ("registered_delivery", 0x11, "receipt on success and failure, intermediate notification"),
        ("registered_delivery", 0x0E, "receipt on failure, both SME acknowledgements"),
        ("data_coding", 8, "UCS-2"),
        ("data_coding", 0xC8, "GSM message waiting: voicemail on"),
        ("data_coding", 0xF0, "GSM message class 0 (flash), GSM 7-bit"),
        ("data_coding", 0xF5, "GSM message class 1, 8-bit data"),
        ("data_coding", 0x18, "reserved; GSM 03.38 general group: class 0 (flash), UCS-2"),
        ("protocol_id", 0x40, "GSM short message type 0 (silent)"),
        ("protocol_id", 0x43, "GSM replace short message type 3"),
        ("source_addr_ton", 5, "alphanumeric"),
        ("dest_addr_npi", 1, "ISDN (E.163/E.164)"),
        ("service_type", b"USSD", "unstructured supplementary services data"),
        ("service_type", b"OTP", "carrier specific"),
        ("sm_default_msg_id", 7, "canned message 7"),
        ("schedule_delivery_time", b"170610233429004+", "2017-06-10T22:34:29+00:00"),
        ("validity_period", b"020610233429000R", "P2Y6M10DT23H34M29S"),
        ("validity_period", b"000002000000000R", "P2D"),
        ("validity_period", b"000000000000000R", "PT0S"),
    ],
)
def test_fields_in_words(field: str, value: int | bytes, words: str) -> None:
    it = message(**{field: value})

    assert meaning(it, field) == words
    assert it.problems == []


def test_words_never_raise_for_any_octet() -> None:
    for value in range(256):
        for table in (
            spoken.esm_class,
            spoken.registered_delivery,
            spoken.data_coding,
            spoken.protocol_id,
            spoken.interface_version,
            spoken.congestion,
            spoken.ussd_operation,
            spoken.area_success,
            spoken.validity,
            spoken.waiting,
            spoken.callback_presentation,
        ):
            assert isinstance(table(value), str)
