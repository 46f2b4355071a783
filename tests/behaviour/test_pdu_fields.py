"""Where fields lie: checked against the grammar, which finds them in another way."""

import json

import pytest

from smppd.behaviour.pdu_fields import find, spans
from smppwire.constants import CommandId
from smppwire.grammar import dissect
from smppwire.schema import PDUS, Kind
from tests.behaviour.fake_wire import pdu
from tests.repo.tree import ROOT

SUBMIT_BODY = b"\0\1\1abc\0\2\1" + b"447700\0" + bytes(3) + b"\0\0" + bytes(4) + b"\5Hello"


def golden() -> list[bytes]:
    """The PDUs of the vectors that can be taken apart whole."""
    lines = (ROOT / "protocol" / "vectors" / "vectors.jsonl").read_text(encoding="utf-8").splitlines()
    found = {bytes.fromhex(json.loads(line)["hex"]) for line in lines}
    # A response that reports an error may leave its fields out, so that its body is for the grammar to guess.
    fine = {octets for octets in found if len(octets) >= 16 and octets[8:12] == bytes(4)}
    known = {octets for octets in fine if int.from_bytes(octets[4:8], "big") in PDUS}
    return sorted(octets for octets in known if not dissect(octets).problems)


def test_there_is_something_to_compare() -> None:
    assert len(golden()) > 50


def test_like_the_grammar() -> None:
    for octets in golden():
        compare_with_the_grammar(octets)


def compare_with_the_grammar(octets: bytes) -> None:
    found = spans(int.from_bytes(octets[4:8], "big"), octets)
    fields = [field for field in dissect(octets).fields if field.offset >= 16]
    # The grammar names what lies in a list by its place: unsuccess_sme[0].destination_addr.
    expected = [(field.name.rpartition(".")[2], field.offset, field.octets) for field in fields]
    assert [(span.name, span.start, octets[span.start : span.end]) for span in found] == expected


def test_every_command_is_walked_along() -> None:
    for command_id, spec in PDUS.items():
        names = [span.name for span in spans(command_id, pdu(command_id, 1, bytes(64)))]
        lists = (Kind.DESTINATIONS, Kind.UNSUCCESSFUL)
        assert names == [field.name for field in spec.fields if field.kind not in lists]


def test_a_field_of_a_submit_sm() -> None:
    octets = pdu(CommandId.SUBMIT_SM, 1, SUBMIT_BODY)
    span = find(spans(CommandId.SUBMIT_SM, octets), "destination_addr")
    assert span is not None
    assert octets[span.start : span.end] == b"447700\0"
    text = spans(CommandId.SUBMIT_SM, octets)[-1]
    assert (text.name, octets[text.start : text.end]) == ("short_message", b"Hello")


def test_the_elements_of_lists() -> None:
    body = b"\0\1\1abc\0" + b"\2" + b"\1\1\1" + b"4477\0" + b"\2" + b"friends\0" + bytes(12)
    octets = pdu(CommandId.SUBMIT_MULTI, 1, body)
    found = spans(CommandId.SUBMIT_MULTI, octets)
    span = find(found, "destination_addr")
    assert span is not None
    assert octets[span.start : span.end] == b"4477\0"
    name = find(found, "dl_name")
    assert name is not None
    assert octets[name.start : name.end] == b"friends\0"
    body = b"17\0" + b"\1" + b"\1\1" + b"4477\0" + b"\0\0\0\x0b"
    found = spans(CommandId.SUBMIT_MULTI_RESP, pdu(CommandId.SUBMIT_MULTI_RESP, 1, body))
    assert [span.name for span in found][-2:] == ["destination_addr", "error_status_code"]


@pytest.mark.parametrize("length", range(len(SUBMIT_BODY)))
def test_what_is_not_whole_is_left_out(length: int) -> None:
    octets = pdu(CommandId.SUBMIT_SM, 1, SUBMIT_BODY[:length])
    found = spans(CommandId.SUBMIT_SM, octets)
    assert all(span.end <= len(octets) for span in found)
    whole = spans(CommandId.SUBMIT_SM, pdu(CommandId.SUBMIT_SM, 1, SUBMIT_BODY))
    assert found == whole[: len(found)]
    assert len(found) < len(whole)


def test_a_list_that_breaks_off() -> None:
    body = b"\0\1\1abc\0" + b"\xff" + b"\1\1"
    found = spans(CommandId.SUBMIT_MULTI, pdu(CommandId.SUBMIT_MULTI, 1, body))
    assert found[-1].name == "dest_addr_ton"


def test_commands_and_fields_that_there_are_not() -> None:
    assert spans(0x77, pdu(0x77, 1, b"whatever")) == []
    assert find([], "source_addr") is None
