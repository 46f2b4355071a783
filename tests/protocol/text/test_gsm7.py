"""The GSM 7 bit alphabet: every code point against three oracles, packing against the bits themselves."""

import json
from pathlib import Path

import gsm0338
import pytest
from gsmcodecs.charmaps import GSMCHARMAPS
from hypothesis import given
from hypothesis import strategies as st

from smppwire.text import gsm7, gsm_tables

TABLES = json.loads((Path(__file__).parents[3] / "protocol/vectors/gsm_tables.json").read_text(encoding="utf-8"))
LOCKING_NAMES = {0: "default", 1: "1_turkish", 3: "3_portuguese"}
SINGLE_NAMES = {0: "default", 1: "1_turkish", 2: "2_spanish", 3: "3_portuguese"}
SEPTETS = st.binary().map(lambda octets: bytes(octet & 0x7F for octet in octets))


def by_code(table: dict[str, str]) -> dict[int, str]:
    return {int(code, 16): character for code, character in table.items()}


@pytest.mark.parametrize("language", gsm_tables.LOCKING)
def test_alphabets_are_those_of_the_reference_file(language: int) -> None:
    expected = TABLES["basic"] if language == 0 else TABLES["locking"][LOCKING_NAMES[language]]
    assert dict(enumerate(gsm_tables.LOCKING[language])) == by_code(expected)


@pytest.mark.parametrize("language", gsm_tables.SINGLE)
def test_extensions_are_those_of_the_reference_file(language: int) -> None:
    expected = TABLES["extension"] if language == 0 else TABLES["single"][SINGLE_NAMES[language]]
    assert gsm_tables.SINGLE[language] == by_code(expected)


@pytest.mark.parametrize("language", gsm_tables.LOCKING)
@pytest.mark.parametrize("code", range(0x80))
def test_every_septet_reads_as_in_gsmcodecs(language: int, code: int) -> None:
    if code == gsm7.ESCAPE:
        return  # gsmcodecs shows a space for what is half a character
    assert gsm7.decode(bytes((code,)), locking_shift=language) == chr(GSMCHARMAPS[language]["locking"]["decode"][code])


@pytest.mark.parametrize("language", gsm_tables.SINGLE)
@pytest.mark.parametrize("code", range(0x80))
def test_every_escaped_septet_reads_as_in_gsmcodecs(language: int, code: int) -> None:
    theirs = GSMCHARMAPS[language]["singleShift"]["decode"]
    # They have no character for an unknown extension; the standard shows that of the alphabet (6.2.1.1).
    expected = chr(theirs[code]) if code in theirs else gsm_tables.DEFAULT[code]
    assert gsm7.decode(bytes((gsm7.ESCAPE, code)), single_shift=language) == expected


@pytest.mark.parametrize("language", [0, 2])
def test_every_character_is_written_as_in_gsm0338(language: int) -> None:
    codec = gsm0338.Codec(single_shift_decode_map=gsm0338.SINGLE_SHIFT_CHARACTER_SET_SPANISH) if language else None
    codec = codec or gsm0338.Codec()
    for codepoint in range(0x3000):
        character = chr(codepoint)
        if character == "\x1b":
            continue  # they write the escape itself, which is no character
        if gsm7.is_encodable(character, single_shift=language):
            assert gsm7.encode(character, single_shift=language) == codec.encode(character)[0]
        else:
            with pytest.raises(UnicodeEncodeError):
                codec.encode(character)


@pytest.mark.parametrize("locking", gsm_tables.LOCKING)
@pytest.mark.parametrize("single", gsm_tables.SINGLE)
def test_every_character_of_a_pair_of_tables_comes_back(locking: int, single: int) -> None:
    characters = set(gsm_tables.LOCKING[locking]) | set(gsm_tables.SINGLE[single].values())
    text = "".join(sorted(characters - {"\x1b"}))
    septets = gsm7.encode(text, single_shift=single, locking_shift=locking)
    assert septets.isascii()
    assert gsm7.decode(septets, single_shift=single, locking_shift=locking, errors="strict") == text


def test_a_character_of_both_tables_takes_one_septet() -> None:
    assert gsm7.encode("€") == b"\x1b\x65"
    assert gsm7.encode("€", locking_shift=1, single_shift=1) == b"\x04"


def test_capital_c_cedilla_is_not_the_small_one() -> None:
    assert gsm7.encode("Ç") == b"\x09"
    with pytest.raises(gsm7.GsmError, match="index 2"):
        gsm7.encode("ÇÇç")
    assert gsm7.encode("ç", errors="replace") == b"?"
    assert gsm7.encode("ç", locking_shift=3) == b"\x09"
    assert gsm7.encode("ç", single_shift=2) == b"\x1b\x09"


@pytest.mark.parametrize("text", ["`", "\x1b", "\x00", "ê", "Привет", "😀", "\ud83d", "\uffff"])
def test_what_has_no_septet_raises_or_becomes_a_question_mark(text: str) -> None:
    with pytest.raises(gsm7.GsmError, match="index 1"):
        gsm7.encode("a" + text)
    assert gsm7.encode(text, errors="replace") == b"?" * len(text)
    assert not gsm7.is_encodable(text)


def test_unknown_languages_are_refused_for_writing_and_ignored_in_reading() -> None:
    with pytest.raises(gsm7.GsmError, match="locking shift table for national language 2"):
        gsm7.encode("a", locking_shift=2)
    with pytest.raises(gsm7.GsmError, match="single shift table for national language 4"):
        gsm7.encode("a", single_shift=4)
    assert gsm7.decode(b"\x00\x1b\x65", locking_shift=200, single_shift=13) == "@€"


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"a\x1b", "a\ufffd"),
        (b"\x1b\x1b", " "),
        (b"\x1b\x1b\x65", " e"),
        (b"\x1b\x1b\x1b\x65", " €"),
        (b"\x1b\x1b\x1b", " \ufffd"),
        (b"\x1bA", "A"),
        (b"\x1b\x65\x1b\x3c", "€["),
        (b"a\x80\xff", "a\ufffd\ufffd"),
        (b"\x1b\xe4a", "\ufffda"),
        (b"", ""),
    ],
)
def test_broken_septets_are_read_as_far_as_they_go(octets: bytes, text: str) -> None:
    assert gsm7.decode(octets) == text


@pytest.mark.parametrize("octets", [b"a\x1b", b"\x80", b"\x1b\x80", b"\x1b\x1b\x1b"])
def test_strict_reading_refuses_broken_septets(octets: bytes) -> None:
    with pytest.raises(gsm7.GsmError):
        gsm7.decode(octets, errors="strict")


def test_strict_reading_still_shows_an_unknown_extension_as_the_standard_does() -> None:
    assert gsm7.decode(b"\x1b\x00\x1bz", locking_shift=1, errors="strict") == "@z"


@given(octets=st.binary(), locking=st.integers(0, 255), single=st.integers(0, 255))
def test_reading_never_raises(octets: bytes, locking: int, single: int) -> None:
    text = gsm7.decode(octets, locking_shift=locking, single_shift=single)
    assert len(text) <= len(octets)


@given(text=st.text(st.sampled_from(gsm_tables.DEFAULT.replace("\x1b", "") + "^{}\\[~]|€\f")))
def test_text_comes_back_and_is_counted(text: str) -> None:
    septets = gsm7.encode(text)
    assert gsm7.decode(septets, errors="strict") == text
    assert gsm7.septet_count(text) == len(septets)


def test_a_character_without_septet_counts_as_its_replacement() -> None:
    assert gsm7.septet_count("ab☃€") == len(gsm7.encode("ab☃€", errors="replace")) == 5


def bits_of(octets: bytes, width: int) -> str:
    """The bits in the order in which they are sent: the lowest of each unit first."""
    return "".join(format(octet, f"0{width}b")[::-1] for octet in octets)


@given(septets=SEPTETS, fill_bits=st.integers(0, 6))
def test_packing_moves_no_bit(septets: bytes, fill_bits: int) -> None:
    bits = bits_of(gsm7.pack(septets, fill_bits=fill_bits), 8)
    expected = "0" * fill_bits + bits_of(septets, 7) if septets else ""
    spare = -len(expected) % 8
    carriage_return = bits_of(b"\r", 7)
    if spare == 7:
        expected += carriage_return
    elif spare == 0 and septets.endswith(b"\r"):
        expected += carriage_return + "0"
    else:
        expected += "0" * spare
    assert bits == expected


@given(septets=SEPTETS, fill_bits=st.integers(0, 6))
def test_packed_septets_come_back(septets: bytes, fill_bits: int) -> None:
    packed = gsm7.pack(septets, fill_bits=fill_bits)
    assert gsm7.unpack(packed, len(septets), fill_bits=fill_bits) == septets
    # A carriage return that ends on an octet boundary is followed by a second one, which is the same to a reader.
    ends_on_boundary = (fill_bits + 7 * len(septets)) % 8 == 0
    doubled = b"\r" if septets.endswith(b"\r") and ends_on_boundary else b""
    assert gsm7.unpack(packed, fill_bits=fill_bits) == septets + doubled


@given(octets=st.binary(), fill_bits=st.integers(0, 6))
def test_any_octets_unpack_to_septets(octets: bytes, fill_bits: int) -> None:
    assert gsm7.unpack(octets, fill_bits=fill_bits).isascii()


def test_seven_spare_bits_hold_a_carriage_return_that_readers_drop() -> None:
    assert gsm7.pack(b"1234567").hex() == "31d98c56b3dd1a"
    assert gsm7.unpack(bytes.fromhex("31d98c56b3dd1a")) == b"1234567"
    assert gsm7.unpack(bytes.fromhex("31d98c56b3dd1a"), 8) == b"1234567\r"
    assert gsm7.unpack(bytes.fromhex("31d98c56b3dd00")) == b"1234567\x00"


def test_text_that_ends_in_a_carriage_return_on_the_boundary_gets_another() -> None:
    packed = gsm7.pack(b"1234567\r")
    assert len(packed) == 8
    assert gsm7.unpack(packed) == b"1234567\r\r"


def test_packing_refuses_what_is_no_septet() -> None:
    with pytest.raises(gsm7.GsmError, match="0x7f"):
        gsm7.pack(b"\x80")
    with pytest.raises(gsm7.GsmError, match="hold 1 septets, not 2"):
        gsm7.unpack(b"1", 2)
    for wrong in (-1, 7):
        with pytest.raises(gsm7.GsmError, match="fill bits"):
            gsm7.pack(b"1", fill_bits=wrong)
        with pytest.raises(gsm7.GsmError, match="fill bits"):
            gsm7.unpack(b"1", fill_bits=wrong)
