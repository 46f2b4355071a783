from dataclasses import replace
from pathlib import Path

import pytest

from smppd.load.compose import Counts
from smppd.load.replies import OptOuts, captures_of, first_word, text_of_mo
from smppwire.pdus import DataSm, DeliverSm, Tlv
from tests.load.profiles import ONE, pdu_of, profile, text_of, traffic

MO = DeliverSm(
    source_addr_ton=1,
    source_addr_npi=1,
    source_addr=b"447700900000",
    dest_addr_ton=3,
    destination_addr=b"60300",
    short_message=b"Hello there",
)
RULES = """
[[reply]]
name = "hello"
keyword = ["HELLO", "HI"]
text = "You said: {text}"
registered_delivery = 1
think_time = [1, 3]
[[reply]]
name = "city"
match = "(?i)weather in (?P<city>\\\\w+)( today)?"
text = "{city}{1}{2}: {choice:sun|rain}, {n} {to} {from} {time}"
service_type = "WX"
think_time = 0.5
"""
ANY = '\n[[reply]]\nname = "any"\ntext = "?"'


def saying(text: str) -> DeliverSm:
    if text.isascii():
        return replace(MO, short_message=text.encode())
    return replace(MO, short_message=text.encode("utf-16-be"), data_coding=8)


def test_the_first_rule_that_matches_answers_with_addresses_swapped(tmp_path: Path) -> None:
    made = traffic(profile(tmp_path, ONE + 'text = "x"' + RULES))
    (shot,) = made.answer(saying("hello, you"))
    pdu = pdu_of(shot)
    assert (shot.kind, shot.wants_receipt, shot.part) == ("hello", True, False)
    assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (3, 0, b"60300")
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == (1, 1, b"447700900000")
    assert text_of(shot) == "You said: hello, you"
    assert 1 <= shot.delay <= 3
    assert made.counts.as_dict()["mo_answered"] == 1


def test_captures_are_variables(tmp_path: Path) -> None:
    made = traffic(profile(tmp_path, ONE + 'text = "x"' + RULES))
    (shot,) = made.answer(saying("Weather in Łódź?"))
    assert text_of(shot) in {f"ŁódźŁódź: {sky}, 1 447700900000 60300 12:00" for sky in ("sun", "rain")}
    assert (pdu_of(shot).data_coding, pdu_of(shot).service_type, shot.delay) == (8, b"WX", 0.5)
    (shot,) = made.answer(saying("the WEATHER IN York today"))
    assert text_of(shot).startswith("YorkYork today: ")
    assert ", 2 " in text_of(shot)
    assert pdu_of(shot).data_coding == 0


def test_what_nobody_answers_is_counted(tmp_path: Path) -> None:
    made = traffic(profile(tmp_path, ONE + 'text = "x"' + RULES))
    assert made.answer(saying("what?")) == []
    assert made.counts.mo_unanswered == 1
    everything = traffic(profile(tmp_path, ONE + 'text = "x"' + RULES + ANY))
    assert [shot.kind for shot in everything.answer(saying(""))] == ["any"]


@pytest.mark.parametrize(
    "pdu",
    [
        replace(MO, esm_class=0x04),
        replace(MO, esm_class=0x08),
        replace(MO, esm_class=0x20),
        replace(MO, esm_class=0x40, short_message=b"\x05\x00\x03\x07\x02\x02HELLO"),
        replace(MO, tlvs=(Tlv(0x020F, b"\2"),)),
    ],
)
def test_receipts_and_further_parts_have_no_text(pdu: DeliverSm) -> None:
    assert text_of_mo(pdu) is None


@pytest.mark.parametrize(
    "pdu",
    [
        MO,
        DataSm(tlvs=(Tlv(0x0424, b"Hello there"),)),
        replace(MO, short_message=b"", tlvs=(Tlv(0x0424, b"Hello there"),)),
        replace(MO, esm_class=0x40, short_message=b"\x05\x00\x03\x07\x02\x01Hello there"),
        replace(MO, tlvs=(Tlv(0x020F, b"\1"),)),
        replace(MO, data_coding=8, short_message="Hello there".encode("utf-16-be")),
    ],
)
def test_the_text_of_what_comes_in(pdu: DeliverSm | DataSm) -> None:
    assert text_of_mo(pdu) == "Hello there"


def test_a_broken_header_is_text(tmp_path: Path) -> None:
    assert text_of_mo(replace(MO, esm_class=0x40, short_message=b"zHELLO")) == "zHELLO"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Stop!", "stop"),
        (" STOP all of it", "stop"),
        ("", ""),
        ("?", "?"),
        ('"Yes."', "yes"),
        ("unstoppable", "unstoppable"),
    ],
)
def test_first_words(text: str, word: str) -> None:
    assert first_word(text) == word


def test_groups_of_a_pattern_have_numbers_and_names() -> None:
    assert captures_of(None) == ["text"]
    assert captures_of("(a)(?P<b>c)") == ["text", "1", "2", "b"]


def test_who_says_stop_gets_nothing_more(tmp_path: Path) -> None:
    made = traffic(profile(tmp_path, ONE + 'text = "x"' + RULES + ANY))
    assert len(made.batch(3)) == 3
    assert made.answer(saying("Stop.")) == []
    assert made.answer(saying("STOP")) == []
    assert made.batch(3) == []
    assert made.answer(saying("hello")) == []
    assert made.counts.as_dict() == {
        "mo_answered": 0,
        "mo_unanswered": 0,
        "opted_out": 1,
        "suppressed": 4,
        "too_long": 0,
    }


def test_a_plus_does_not_make_another_number(tmp_path: Path) -> None:
    made = traffic(profile(tmp_path, ONE + 'text = "x"'))
    made.answer(replace(MO, source_addr=b"+447700900000", short_message=b"STOP"))
    assert made.batch(1) == []


def test_stop_may_be_ignored(tmp_path: Path) -> None:
    made = traffic(profile(tmp_path, "respect_stop = false\n" + ONE + 'text = "x"' + ANY))
    assert [shot.kind for shot in made.answer(saying("STOP"))] == ["any"]
    assert len(made.batch(3)) == 3


def test_words_are_the_profiles(tmp_path: Path) -> None:
    made = traffic(profile(tmp_path, 'stop_words = ["Arrêt"]\n' + ONE + 'text = "x"' + ANY))
    assert len(made.answer(saying("STOP"))) == 1
    assert made.answer(saying("ARRÊT !")) == []
    assert made.counts.opted_out == 1


def test_numbers_that_opted_out_before() -> None:
    counts = Counts()
    opt_outs = OptOuts(["STOP"], ["+4477", "448x"], counts)
    assert opt_outs.numbers == {b"4477", *(b"448%d" % digit for digit in range(10))}
    assert opt_outs.heard(b"4477", "stop")
    assert not opt_outs.heard(b"1", "go")
    assert counts.opted_out == 0


def test_a_message_without_sender_cannot_be_answered(tmp_path: Path) -> None:
    made = traffic(profile(tmp_path, ONE + 'text = "x"' + ANY))
    assert made.answer(replace(MO, source_addr=b"")) == []
