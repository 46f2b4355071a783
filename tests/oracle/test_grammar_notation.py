"""The types the grammar is written in."""

from __future__ import annotations

from typing import Any

import pytest
from construct import Int16ub, Struct, this

from smppwire.grammar.notation import (
    DestFlag,
    Integer,
    Members,
    Recorded,
    Text,
    Time,
    Ton,
    Trace,
    UnreadableError,
    WhileOctetsLast,
    typed,
)


def parse(octets: bytes, *fields: Any) -> Trace:
    trace = Trace()
    Struct(*fields).parse(octets, trace=trace)
    return trace


def test_fields_enter_themselves_in_the_trace() -> None:
    trace = parse(
        b"\x05abc\x00\x12\x34",
        Recorded("ton" / Ton("ESME_RINVSRCTON")),
        Recorded("address" / Text(3, "ESME_RINVSRCADR")),
        Recorded("number" / Integer(size=Int16ub)),
    )

    assert [field[:6] for field in trace.fields] == [
        (0, b"\x05", "ton", 5, "alphanumeric", "integer"),
        (1, b"abc\x00", "address", b"abc", "", "text"),
        (5, b"\x12\x34", "number", 0x1234, "", "integer"),
    ]
    assert trace.values == {"ton": 5, "address": b"abc", "number": 0x1234}
    assert [(offset, name, finding.grave) for offset, name, finding in trace.findings] == [(1, "address", True)]


@pytest.mark.parametrize(
    ("octets", "field", "offset", "status"),
    [
        (b"", "flag", 0, "ESME_RINVCMDLEN"),
        (b"\x03a\x00", "flag", 0, "ESME_RINVDESTFLAG"),
        (b"\x01", "name", 1, "ESME_RINVCMDLEN"),
        (b"\x01ab", "name", 1, "ESME_RINVCMDLEN"),
    ],
)
def test_a_field_that_cannot_be_read(octets: bytes, field: str, offset: int, status: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        parse(octets, Recorded("flag" / DestFlag), Recorded("name" / Text(21, "ESME_RINVDLNAME")))

    assert (caught.value.name, caught.value.offset, caught.value.status) == (field, offset, status)


def test_members_of_a_list_have_numbers() -> None:
    fields = (Recorded("count" / Integer()), Members("list", this["count"], "a" / Integer(), "b" / Integer()))

    assert parse(b"\x00", *fields).values == {"count": 0, "list": []}
    trace = parse(b"\x02\x01\x02\x03\x04", *fields)
    assert trace.values == {"count": 2, "list": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]}
    assert [field.name for field in trace.fields] == ["count", "list[0].a", "list[0].b", "list[1].a", "list[1].b"]


def test_a_sequence_may_end_with_the_octets() -> None:
    fields = [Recorded(WhileOctetsLast(name / Integer())) for name in "ab"]

    assert [parse(octets, *fields).values for octets in (b"", b"\x07", b"\x07\x08")] == [
        {},
        {"a": 7},
        {"a": 7, "b": 8},
    ]
    assert Struct(*fields).build({"a": 7, "b": None}) == b"\x07"


@pytest.mark.parametrize(
    ("value", "reported", "grave"),
    [
        (b"", False, False),
        (b"170610233429004+", False, False),
        (b"000002000000000R", False, False),
        (b"170610233429", False, True),
        (b"170610233429", True, False),
        (b"171310233429", True, True),
        (b"171310233429004+", False, True),
        (b"17061023342900+", False, True),
        (b"2013-10-07 00:00:00", True, True),
    ],
)
def test_times(value: bytes, reported: bool, grave: bool) -> None:
    findings = list(Time("ESME_RINVSCHED", reported=reported).judge(value))

    assert [(finding.status, finding.grave) for finding in findings] == [("ESME_RINVSCHED", True)] * grave


def test_strings_are_read_in_linear_time() -> None:
    (field,) = parse(b"a" * 1_000_000 + b"\x00", Recorded("text" / Text(21, "ESME_RINVSRCADR"))).fields

    assert len(field.value) == 1_000_000  # type: ignore[arg-type]


def test_the_type_under_a_line_of_the_gallery() -> None:
    ton = Ton("ESME_RINVSRCTON")

    assert typed(Recorded(WhileOctetsLast("ton" / ton))) is ton
