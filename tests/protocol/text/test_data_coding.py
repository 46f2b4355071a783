"""data_coding: which alphabet it stands for, and text in all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppwire.errors import TextError
from smppwire.text import (
    DEFAULT_ALPHABETS,
    Alphabet,
    alphabet_of,
    decode_text,
    detect_alphabet,
    encode_text,
    gsm7,
    is_text,
    ucs2,
)
from smppwire.udh import parse_udh

BINARY, GSM7, UCS2 = Alphabet.BINARY, Alphabet.GSM7, Alphabet.UCS2


@pytest.mark.parametrize(
    ("data_coding", "alphabet"),
    [
        (0x00, Alphabet.LATIN1),
        (0x01, Alphabet.ASCII),
        (0x02, BINARY),
        (0x03, Alphabet.LATIN1),
        (0x04, BINARY),
        (0x05, Alphabet.SHIFT_JIS),
        (0x06, Alphabet.CYRILLIC),
        (0x07, Alphabet.HEBREW),
        (0x08, UCS2),
        (0x09, BINARY),
        (0x0A, Alphabet.ISO_2022_JP),
        (0x0B, Alphabet.LATIN1),
        (0x0D, Alphabet.EUC_JP),
        (0x0E, Alphabet.EUC_KR),
        (0x0F, GSM7),
        (0x10, GSM7),
        (0x14, BINARY),
        (0x18, UCS2),
        (0x1C, Alphabet.LATIN1),
        (0x20, BINARY),
        (0x48, UCS2),
        (0x80, Alphabet.LATIN1),
        (0xBF, Alphabet.LATIN1),
        (0xC0, GSM7),
        (0xD8, GSM7),
        (0xE0, UCS2),
        (0xF0, GSM7),
        (0xF4, BINARY),
        (0xFB, GSM7),
        (0xFF, BINARY),
    ],
)
def test_what_a_data_coding_stands_for(data_coding: int, alphabet: Alphabet) -> None:
    assert alphabet_of(data_coding, "latin-1") is alphabet
    assert is_text(data_coding) is (alphabet is not BINARY)


def test_every_data_coding_stands_for_something() -> None:
    for data_coding in range(256):
        for default in DEFAULT_ALPHABETS:
            assert alphabet_of(data_coding, default) in Alphabet


def test_packing_is_a_habit_that_goes_beyond_data_coding_0() -> None:
    assert alphabet_of(0xF0, "gsm7-packed") is Alphabet.GSM7_PACKED
    assert alphabet_of(0xC8, "gsm7-packed") is Alphabet.GSM7_PACKED
    assert alphabet_of(0xF4, "gsm7-packed") is BINARY
    assert decode_text(bytes.fromhex("31d98c06"), 0xF0, default_alphabet="gsm7-packed") == "1234"


@pytest.mark.parametrize("wrong", ["", "ucs2", "GSM7", "utf8"])
def test_a_default_alphabet_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(TextError, match="gsm7-packed"):
        alphabet_of(8, wrong)


@pytest.mark.parametrize(
    ("default", "octets"),
    [
        ("gsm7", b"\x00\x09\x1b\x65"),
        ("gsm7-packed", gsm7.pack(b"\x00\x09\x1b\x65")),
        ("utf-8", "@Ç€".encode()),
    ],
)
def test_the_default_alphabet_is_a_setting(default: str, octets: bytes) -> None:
    assert encode_text("@Ç€", 0, default_alphabet=default) == octets
    assert decode_text(octets, 0, default_alphabet=default) == "@Ç€"


@pytest.mark.parametrize(
    ("data_coding", "text", "octets"),
    [
        (1, "plain", b"plain"),
        (3, "Århus ½", "Århus ½".encode("latin-1")),
        (4, "\x00\xff", b"\x00\xff"),
        (5, "日本", b"\x93\xfa\x96\x7b"),
        (6, "Привет", bytes.fromhex("bfe0d8d2d5e2")),
        (7, "שלום", bytes.fromhex("f9ece5ed")),
        (8, "Жa😀", bytes.fromhex("04160061d83dde00")),
        (0x0A, "日", b"\x1b$BF|\x1b(B"),
        (0x0D, "丂", b"\x8f\xb0\xa1"),
        (0x0E, "한국", b"\xc7\xd1\xb1\xb9"),
        (0xF0, "@", b"\x00"),
        (0x18, "Ж", b"\x04\x16"),
    ],
)
def test_text_in_every_alphabet(data_coding: int, text: str, octets: bytes) -> None:
    assert encode_text(text, data_coding) == octets
    assert decode_text(octets, data_coding) == text


@pytest.mark.parametrize("data_coding", [0, 1, 3, 5, 6, 7, 0x0A, 0x0D, 0x0E, 0xF0, 4])
def test_characters_an_alphabet_lacks_raise_or_become_question_marks(data_coding: int) -> None:
    with pytest.raises(TextError, match="index 1"):
        encode_text("a😀", data_coding)
    assert encode_text("a😀", data_coding, errors="replace") == b"a?"


@given(octets=st.binary(), data_coding=st.integers(0, 255), default=st.sampled_from(sorted(DEFAULT_ALPHABETS)))
def test_no_octets_make_reading_raise(octets: bytes, data_coding: int, default: str) -> None:
    assert isinstance(decode_text(octets, data_coding, default_alphabet=default), str)


@given(text=st.text(), data_coding=st.integers(0, 255), default=st.sampled_from(sorted(DEFAULT_ALPHABETS)))
def test_no_text_makes_lenient_writing_raise(text: str, data_coding: int, default: str) -> None:
    octets = encode_text(text, data_coding, default_alphabet=default, errors="replace")
    assert encode_text(decode_text(octets, data_coding, default_alphabet=default), 8, errors="replace") is not None


@given(octets=st.binary())
def test_binary_data_survives_being_read_as_text(octets: bytes) -> None:
    assert encode_text(decode_text(octets, 4), 4) == octets


def test_the_header_names_the_tables_and_the_alignment() -> None:
    udh, _ = parse_udh(bytes.fromhex("06240101250101"))
    text = "şığ €"
    for default in ("gsm7", "gsm7-packed"):
        octets = encode_text(text, 0, default_alphabet=default, udh=udh)
        assert decode_text(octets, 0, default_alphabet=default, udh=udh) == text
    packed = encode_text("aaaa", 0, default_alphabet="gsm7-packed", udh=parse_udh(bytes.fromhex("0500037b0201"))[0])
    # Six octets of header are 48 bits: one fill bit reaches the seventh septet.
    assert packed == gsm7.pack(b"aaaa", fill_bits=1)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"\xd8\x3d\xde\x00", "😀"),
        (b"\xd8\x3d\x00A", "\ufffdA"),
        (b"\xde\x00\x00A", "\ufffdA"),
        (b"\x00A\xd8\x3d", "A\ufffd"),
        (b"\x00A\x00", "A\ufffd"),
        (b"\xd8", "\ufffd"),
    ],
)
def test_broken_ucs2_is_read_as_far_as_it_goes(octets: bytes, text: str) -> None:
    assert ucs2.decode(octets) == text
    if "\ufffd" in text:
        with pytest.raises(TextError, match="octet"):
            ucs2.decode(octets, errors="strict")


def test_half_a_surrogate_pair_is_not_written() -> None:
    with pytest.raises(TextError, match="index 1"):
        ucs2.encode("a\ud83d")
    assert ucs2.encode("a\ud83d", errors="replace") == b"\x00a\x00?"


@given(text=st.text())
def test_ucs2_comes_back(text: str) -> None:
    assert ucs2.decode(ucs2.encode(text)) == text


@pytest.mark.parametrize(
    ("text", "alphabet"), [("", "gsm7"), ("€[]", "gsm7"), ("ç", "ucs2"), ("`", "ucs2"), ("😀", "ucs2")]
)
def test_the_best_alphabet_is_the_one_that_has_every_character(text: str, alphabet: str) -> None:
    assert detect_alphabet(text) == alphabet
