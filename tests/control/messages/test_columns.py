"""Columns say what message by message would be said, faster."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from smppd.control.messages.columns import (
    BREAK,
    LONGEST_ENTRY,
    STAND_IN,
    Building,
    Codes,
    Joined,
    Many,
    Span,
    codes_by,
    joined_octets,
    joined_texts,
    span_by,
)
from smppd.engine.dialect import PlainDialect
from smppd.engine.message import Message
from smppd.engine.multipart import text_of
from smppwire.pdus import Tlv
from tests.engine.world import World, sms

PAYLOAD = 0x0424


def latin_1() -> PlainDialect:
    """A dialect whose default alphabet is another."""
    dialect = PlainDialect()
    dialect.default_alphabet = "latin-1"
    return dialect


def build(make: Any, over: list[Message]) -> Any:
    building = Building(make, over)
    for _ in building.steps:
        pass
    return building.column


def messages(*pdus: Any, world: World | None = None) -> list[Message]:
    world = world or World()
    phone = world.bind()
    return [world.message(each) for each in world.submit(phone, *pdus)]


octets = st.one_of(st.binary(max_size=20), st.sampled_from([b"Hello", b"a\x1b<b", b"\0\0", b"\xff", b"\x1b", b""]))
pdus = st.builds(
    lambda text, coding, esm_class, as_payload: sms(
        text=b"" if as_payload else text,
        data_coding=coding,
        esm_class=esm_class,
        tlvs=(Tlv(PAYLOAD, text),) if as_payload else (),
    ),
    octets,
    st.sampled_from([0, 0, 0, 3, 4, 8]),
    st.sampled_from([0, 0, 0x40]),
    st.booleans(),
)


@given(st.lists(pdus, min_size=1, max_size=12), st.booleans())
def test_texts_are_those_of_the_messages(drawn: list[Any], latin: bool) -> None:
    world = World(dialects={"default": latin_1()} if latin else None)
    over = messages(*drawn, world=world)
    alphabet = "latin-1" if latin else "gsm7"
    wanted = [text_of(message.pdu, alphabet).replace(BREAK, STAND_IN) for message in over]
    column = build(joined_texts, over)
    assert column.octets == BREAK + BREAK.join(wanted) + BREAK
    assert column.entries() == (None if any(STAND_IN in text for text in wanted) else wanted)


@given(st.lists(st.text("ab", max_size=4), min_size=1, max_size=12), st.text("ab", min_size=1, max_size=3))
def test_places_are_those_of_the_texts_that_have_a_piece(texts: list[str], piece: str) -> None:
    column = Joined(BREAK + BREAK.join(texts) + BREAK)
    for wanted, holds in (
        (piece, lambda text: piece in text),
        (BREAK + piece, lambda text: text.startswith(piece)),
        (piece + BREAK, lambda text: text.endswith(piece)),
        (BREAK + piece + BREAK, lambda text: text == piece),
    ):
        places = [place for place, text in enumerate(texts) if holds(text)]
        assert list(column.places(wanted)) == places
        assert bool(column.count(wanted)) == bool(places)


def test_texts_that_are_too_long_are_candidates_for_everything() -> None:
    long = Tlv(PAYLOAD, b"x" * (LONGEST_ENTRY + 1))
    over = messages(sms(), sms(text=b"", tlvs=(long,)), sms(text=b"", tlvs=(Tlv(PAYLOAD, long.value[1:]),)))
    column = build(joined_texts, over)
    assert len(column.octets) == len("Hello") + LONGEST_ENTRY + 4
    assert sorted(column.places("zyzzyva")) == [1]
    assert sorted(column.folded().places("x" * 9)) == [1, 2]
    assert column.count("zyzzyva") == 1
    assert column.entries() is None


def test_letter_case_is_left_aside_though_it_changes_lengths() -> None:
    column = Joined(f"{BREAK}Stra\u00dfe{BREAK}STRASSE{BREAK}").folded()
    assert list(column.places("strasse")) == [0, 1]


def test_octets_that_have_a_break_in_them_do_not_shift_the_others() -> None:
    over = messages(sms(b"1"), sms(b"2"), sms(b"3"))
    over[1].pdu.destination_addr = b"2\0003"
    column = build(joined_octets(lambda piece: [each.pdu.destination_addr for each in piece]), over)
    assert list(column.places("\0003\0")) == [2]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20))
def test_codes_judge_each_value_once(values: list[int]) -> None:
    over = messages(*[sms(data_coding=value) for value in values])
    column = build(codes_by(lambda piece: [each.pdu.data_coding for each in piece]), over)
    assert isinstance(column, Codes)
    asked: list[int] = []

    def is_small(value: int) -> bool:
        asked.append(value)
        return value < 2

    verdict = column.judge(is_small)
    assert sorted(asked) == sorted(set(values))
    wanted = [value < 2 for value in values]
    assert verdict == (wanted[0] if len(set(wanted)) == 1 else bytes(wanted))


def test_many_values_have_no_codes() -> None:
    over = messages(*[sms(b"%d" % number) for number in range(300)])
    assert isinstance(build(codes_by(lambda piece: [each.pdu.destination_addr for each in piece]), over), Many)


def test_a_span_has_all_values() -> None:
    over = messages(*[sms()] * 600)
    over[599].accepted_wall += 5.0
    assert build(span_by("accepted_wall"), over) == Span(over[0].accepted_wall, over[599].accepted_wall)


SEPTETS = (b"Hello", b"", b"\1", b"1\x1be", b"a\xfeb", b"a\xffb")
UCS2 = (b"\0H\0i", b"", b"\xd8\x3d\xde\x00", b"\xd8\x3d", b"\xde\x00", b"\0", b"\0a\0\0\0b")
CODED = [*((0, text) for text in SEPTETS), *((8, text) for text in UCS2)]


@given(st.lists(st.sampled_from(CODED), min_size=1, max_size=12))
def test_neighbours_do_not_change_what_a_text_says(drawn: list[tuple[int, bytes]]) -> None:
    over = messages(*[sms(text=text, data_coding=coding) for coding, text in drawn])
    wanted = [text_of(message.pdu).replace(BREAK, STAND_IN) for message in over]
    assert build(joined_texts, over).octets == BREAK + BREAK.join(wanted) + BREAK
