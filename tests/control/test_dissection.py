import json
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.control.dissection import dissected, hex_of, without_password
from smppwire.codec import decode, encode
from smppwire.pdus import BindTransceiver, Outbind, SubmitSm, Tlv

SUBMIT = encode(
    SubmitSm(1, source_addr=b"bank", destination_addr=b"336", short_message=b"\xc3", tlvs=(Tlv(0x0204, b"\0\5"),))
)


def test_fields_and_tlvs_in_the_order_of_the_wire() -> None:
    taken = dissected(SUBMIT, "gsm7", sound=True)
    fields = {field.name: field for field in taken.fields}
    assert (fields["source_addr"].value, fields["source_addr"].hex) == ("bank", b"bank\0".hex())
    assert fields["short_message"].value == "c3"
    assert fields["user_message_reference"].value == 5
    offsets = [field.offset for field in taken.fields]
    assert offsets == sorted(offsets)
    assert (taken.problems, taken.rest) == ([], "")


def test_what_is_wrong_is_told() -> None:
    broken = SUBMIT[:-1]
    taken = dissected(len(broken).to_bytes(4, "big") + broken[4:], "gsm7", sound=True)
    assert taken.problems[0].offset == taken.fields[-1].offset + len(taken.fields[-1].hex or "") // 2
    assert taken.rest


@pytest.mark.parametrize("kind", [BindTransceiver, Outbind])
def test_a_password_is_masked_wherever_the_pdu_breaks(kind: type[BindTransceiver] | type[Outbind]) -> None:
    frame = encode(kind(1, system_id=b"client", password=b"hunter2x"))
    for size in range(len(frame) + 1):
        cut = frame[:size]
        for octets in (cut, len(cut).to_bytes(4, "big") + cut[4:], b"\0\0\0\2" + cut, cut[8:] + cut):
            for sound in (True, False):
                taken = dissected(octets, "gsm7", sound=sound) if octets[4:8] == frame[4:8] or not sound else None
                text = json.dumps(msgspec.to_builtins(taken))
                assert "hunter2" not in text
                assert b"hunter2".hex() not in text
                shown = hex_of(octets, sound=sound)
                assert shown is None or octets[4:8] != frame[4:8]


@given(st.binary(max_size=64))
def test_anything_can_be_taken_apart(octets: bytes) -> None:
    assert dissected(octets, "gsm7", sound=False).fields is not None


@pytest.mark.parametrize("pdu", [BindTransceiver(7, system_id=b"me", password=b"hush"), Outbind(7, 0, b"me", b"hush")])
def test_octets_without_a_password(pdu: BindTransceiver | Outbind) -> None:
    frame = encode(pdu)
    hidden = without_password(frame)
    assert decode(hidden) == replace(pdu, password=b"********")
    cut = without_password((len(frame) - 3).to_bytes(4, "big") + frame[4:-3])
    assert b"hush" not in cut
    assert b"hush" not in without_password(b"\0" + frame)
    assert without_password(SUBMIT) is SUBMIT


def test_octets_that_only_look_like_a_bind() -> None:
    frame = encode(SubmitSm(1, source_addr=b"bank", destination_addr=b"336", short_message=b"x\0\0\0\x09y"))
    assert without_password(frame) is frame


@given(st.binary(max_size=60))
def test_octets_of_any_kind_are_no_problem(octets: bytes) -> None:
    assert len(without_password(octets)) <= len(octets) + 8
