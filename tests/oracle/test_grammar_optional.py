"""Optional parameters: values, words, sizes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppwire.grammar.optional import PARAMETERS, parameter
from tests.oracle.messages import message, said


@pytest.mark.parametrize(
    ("tag", "octets", "value", "words"),
    [
        (0x0427, b"\x02", 2, "DELIVERED"),
        (0x0423, b"\x03\x00\x15", b"\x03\x00\x15", "GSM, error 21"),
        (0x001E, b"abc\x00", b"abc", ""),
        (0x0204, b"\x12\x34", 0x1234, ""),
        (0x0204, b"\x12", 0x12, ""),
        (0x0017, b"\x00\x00\x0e\x10", 3600, "3600 seconds"),
        (0x0030, b"\x81", 0x81, "fax waiting: on"),
        (
            0x0381,
            b"\x01\x01\x0133612",
            b"\x01\x01\x0133612",
            "33612 (ASCII, TON international, NPI ISDN (E.163/E.164))",
        ),
        (0x0202, b"\x80\x11", b"\x80\x11", "NSAP even"),
        (0x0302, b"\x05", 5, "presentation restricted, user provided, passed"),
        (0x0303, b"\x03Me", b"\x03Me", "Latin-1 (ISO-8859-1): Me"),
        (0x0428, b"\x55", 85, "optimum load"),
        (0x0501, b"\x11", 17, "PSSR response"),
        (0x0601, b"\x01\x00\x02", b"\x01\x00\x02", "GSM, content type 2"),
        (0x0605, b"\x09\x00\x1f", b"\x09\x00\x1f", "every 31 minutes"),
        (0x0606, b"\x00Paris", b"\x00Paris", "alias or name Paris"),
        (0x0607, b"\x00\x00\x00\x58", 0x58, "ESME_RTHROTTLED"),
        (0x0608, b"\xff", 255, "not available"),
        (0x0609, b"170610233429004+\x00", b"170610233429004+", "2017-06-10T22:34:29+00:00"),
        (0x060B, b"\x80x", b"\x80x", "vendor specific format"),
        (0x0610, b"123456", b"123456", "123456"),
        (0x1204, b"\x03", 3, "display only"),
        (0x1204, b"\x04\x09\x00\x05", 0x04090005, "relative time period [5.0]: 5 minutes"),
        (0x130C, b"", b"", ""),
        (0x130C, b"\x02", 2, "medium"),
        (0x1383, b"\x07\x05", b"\x07\x05", "session 7, sequence 2, end of session"),
        (0x1403, b"\xaa\xbb", b"\xaa\xbb", ""),
    ],
)
def test_optional_parameters_in_words(tag: int, octets: bytes, value: int | bytes, words: str) -> None:
    it = message(tlvs=[(tag, octets)])

    assert [(tlv.tag, tlv.raw, tlv.value, tlv.meaning) for tlv in it.tlvs] == [(tag, octets, value, words)]
    assert it.problems == []


@pytest.mark.parametrize(
    ("tag", "octets", "name"),
    [
        (0x0423, b"\x03\x00", "network_error_code"),
        (0x0427, b"", "message_state"),
        (0x020C, b"\x01", "sar_msg_ref_num"),
        (0x001E, bytes(66), "receipted_message_id"),
        (0x0381, b"\x01\x01\x01", "callback_num"),
        (0x1204, b"\x01\x01", "ms_validity"),
        (0x130C, b"\x01\x01", "alert_on_message_delivery"),
    ],
)
def test_tlvs_of_the_wrong_size(tag: int, octets: bytes, name: str) -> None:
    it = message(tlvs=[(tag, octets)])

    assert (name, "ESME_RINVPARLEN") in said(it.problems)
    assert it.as_json()["tlvs"][0]["hex"] == octets.hex()


def test_tlvs_that_are_unusual() -> None:
    reserved = message(tlvs=[(0x0427, b"\x0a")])
    twice = message(tlvs=[(0x0204, b"\x00\x01"), (0x0204, b"\x00\x02")])
    repeatable = message(tlvs=[(0x0381, b"\x01\x01\x0112"), (0x0381, b"\x01\x01\x0134")])
    unterminated = message(tlvs=[(0x001E, b"42")])
    lonely = message(tlvs=[(0x020E, b"\x02")])

    assert said(reserved.notes) == [("message_state", "ESME_RINVOPTPARAMVAL")]
    assert said(twice.notes) == [("user_message_reference", None)]
    assert repeatable.notes == []
    assert said(unterminated.notes) == [("receipted_message_id", "ESME_RINVPARLEN")]
    assert said(lonely.notes) == [("sar_total_segments", None)]
    assert not any(it.problems for it in (reserved, twice, repeatable, unterminated, lonely))


@given(tag=st.sampled_from(sorted(PARAMETERS)) | st.integers(0, 0xFFFF), octets=st.binary(max_size=30))
def test_any_value_can_be_read_and_judged(tag: int, octets: bytes) -> None:
    name, reading = parameter(tag)

    assert isinstance(reading.read(octets), int if reading.kind == "integer" and octets else bytes) or (
        len(octets) not in reading.sizes
    )
    assert isinstance(reading.explain(octets), str)
    assert any(finding.grave for finding in reading.judge(octets)) == (len(octets) not in reading.sizes)
    assert (name == "unknown") == (tag not in PARAMETERS)
