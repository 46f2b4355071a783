import pytest

from smppd.load.encodings import ENCODINGS, GSM7, UCS2
from smppwire.errors import TextError
from smppwire.text.data_coding import alphabet_of

PLAIN = "0123456789 ABCxyz,-./:"


def test_data_codings_are_those_of_their_alphabets() -> None:
    for encoding in ENCODINGS.values():
        default = "gsm7-packed" if encoding.name == "gsm7-packed" else "gsm7"
        assert alphabet_of(encoding.data_coding, default) is encoding.alphabet


@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=lambda encoding: encoding.name)
def test_plain_characters_are_their_own_octets_but_in_ucs2(encoding: object) -> None:
    assert (encoding.encode(PLAIN) == PLAIN.encode()) is encoding.keeps_ascii  # type: ignore[attr-defined]


def test_what_is_missing_becomes_a_question_mark_or_is_refused() -> None:
    assert GSM7.encode("a\u0436") == b"a?"
    assert UCS2.encode("\u0436") == b"\x04\x36"
    with pytest.raises(TextError):
        GSM7.encode("\u0436", "strict")


def test_room() -> None:
    assert {name: one.room for name, one in ENCODINGS.items()} == {
        "gsm7": 160,
        "gsm7-packed": 160,
        "ascii": 140,
        "latin-1": 140,
        "binary": 140,
        "ucs2": 140,
    }
