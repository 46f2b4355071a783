"""Cutting long texts: the sizes of the standard, nothing parted, everything put together again."""

from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smppwire.constants import TlvTag
from smppwire.errors import TextError
from smppwire.segmentation import AIR_OCTETS, Method, Segment, capacity, segment
from smppwire.text import Alphabet, alphabet_of, decode_text, encode_text
from smppwire.udh import Udh, parse_udh, shift_elements

METHODS: tuple[Method, ...] = get_args(Method)
TEXTS = st.one_of(
    st.text(st.sampled_from("ab@€[]"), max_size=900),
    st.text(st.sampled_from("a€"), min_size=140, max_size=320),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=400),
)


def read(part: Segment) -> tuple[Udh | None, bytes]:
    """The header and the text of a part, wherever it has them."""
    octets = part.short_message
    if part.tlvs and part.tlvs[0].tag == TlvTag.MESSAGE_PAYLOAD:
        assert octets == b""
        octets = part.tlvs[0].value
    if part.esm_class == 0:
        return None, octets
    assert part.esm_class == 0x40
    return parse_udh(octets)


def numbering(part: Segment, udh: Udh | None, method: Method) -> tuple[int, int]:
    """Number and total that the part states: 1 of 1 when it says nothing."""
    if method == "sar" and part.tlvs:
        reference, total, seq = part.tlvs
        assert reference == (TlvTag.SAR_MSG_REF_NUM, b"\x00\x7b")
        assert (total.tag, seq.tag) == (TlvTag.SAR_TOTAL_SEGMENTS, TlvTag.SAR_SEGMENT_SEQNUM)
        assert udh is None or udh.concat is None
        return seq.value[0], total.value[0]
    if udh is None or udh.concat is None:
        return 1, 1
    assert (udh.concat.ref, udh.concat.bits) == (0x7B, 8 if method == "udh8" else 16)
    return udh.concat.seq, udh.concat.total


def air_octets(part: Segment, alphabet: Alphabet, method: Method) -> int:
    """What the part takes on the air, with the header that the SMSC adds for SAR."""
    udh, body = read(part)
    header = udh.length if udh is not None else 0
    if method == "sar" and part.tlvs:
        header += 5 if header else 6
    if alphabet is Alphabet.GSM7:
        fill_bits = -8 * header % 7
        return header + (fill_bits + 7 * len(body) + 7) // 8
    return header + len(body)


@pytest.mark.parametrize(
    ("alphabet", "header", "units"),
    [
        (Alphabet.GSM7, 0, 160),
        (Alphabet.GSM7, 6, 153),
        (Alphabet.GSM7_PACKED, 7, 152),
        (Alphabet.GSM7, 4, 155),
        (Alphabet.GSM7, 9, 149),
        (Alphabet.GSM7, 12, 146),
        (Alphabet.LATIN1, 0, 140),
        (Alphabet.BINARY, 6, 134),
        (Alphabet.BINARY, 7, 133),
        (Alphabet.UCS2, 0, 140),
        (Alphabet.UCS2, 6, 134),
        (Alphabet.UCS2, 7, 132),
        (Alphabet.UCS2, 200, 0),
    ],
)
def test_capacity(alphabet: Alphabet, header: int, units: int) -> None:
    assert capacity(alphabet, header) == units


@pytest.mark.parametrize("method", ["udh8", "sar"])
@pytest.mark.parametrize(
    ("character", "data_coding", "length", "parts"),
    [
        ("a", 0, 160, 1),
        ("a", 0, 161, 2),
        ("a", 0, 306, 2),
        ("a", 0, 307, 3),
        ("€", 0, 80, 1),
        ("€", 0, 81, 2),
        ("€", 0, 152, 2),
        ("€", 0, 153, 3),
        ("a", 4, 140, 1),
        ("a", 4, 141, 2),
        ("a", 4, 268, 2),
        ("a", 4, 269, 3),
        ("a", 8, 70, 1),
        ("a", 8, 71, 2),
        ("a", 8, 134, 2),
        ("a", 8, 135, 3),
        ("😀", 8, 35, 1),
        ("😀", 8, 66, 2),
        ("😀", 8, 67, 3),
    ],
)
def test_counts_with_an_8_bit_reference(
    character: str, data_coding: int, length: int, parts: int, method: Method
) -> None:
    assert len(segment(character * length, data_coding=data_coding, method=method)) == parts


@pytest.mark.parametrize(
    ("character", "data_coding", "length", "parts"),
    [("a", 0, 304, 2), ("a", 0, 305, 3), ("a", 4, 266, 2), ("a", 4, 267, 3), ("a", 8, 132, 2), ("a", 8, 133, 3)],
)
def test_counts_with_a_16_bit_reference(character: str, data_coding: int, length: int, parts: int) -> None:
    assert len(segment(character * length, data_coding=data_coding, method="udh16")) == parts


@pytest.mark.parametrize(("length", "parts"), [(155, 1), (156, 2), (298, 2), (299, 3)])
def test_counts_with_a_national_language(length: int, parts: int) -> None:
    assert len(segment("a" * (length - 2) + "ş", single_shift=1)) == parts


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("data_coding", [0, 3, 5, 8, 0x0A, 0x0E])
@given(text=TEXTS, shift=st.sampled_from([(0, 0), (1, 0), (3, 3)]), default=st.sampled_from(["gsm7", "utf-8"]))
@example(text="a" * 152 + "€" * 80, shift=(0, 0), default="gsm7")
@example(text="日" * 300, shift=(0, 0), default="utf-8")
def test_parts_fit_and_make_the_text_again(
    text: str, shift: tuple[int, int], default: str, method: Method, data_coding: int
) -> None:
    alphabet = alphabet_of(data_coding, default)
    single_shift, locking_shift = shift
    shifts = Udh(tuple(shift_elements(single_shift, locking_shift))) if alphabet is Alphabet.GSM7 else None
    written = encode_text(text, data_coding, default_alphabet=default, errors="replace", udh=shifts)
    readable = decode_text(written, data_coding, default_alphabet=default, udh=shifts)

    parts = segment(
        readable,
        data_coding=data_coding,
        method=method,
        reference=0x7B,
        default_alphabet=default,
        single_shift=single_shift,
        locking_shift=locking_shift,
    )

    pieces = []
    for number, part in enumerate(parts, 1):
        udh, body = read(part)
        pieces.append(decode_text(body, data_coding, default_alphabet=default, udh=udh))
        assert numbering(part, udh, method) == (number, len(parts))
        if method != "payload":
            assert air_octets(part, alphabet, method) <= AIR_OCTETS
    assert "\ufffd" not in "".join(pieces)
    assert "".join(pieces) == readable


def test_packed_parts_are_aligned_behind_their_header() -> None:
    text = "0123456789" * 31
    parts = segment(text, default_alphabet="gsm7-packed", reference=1)
    assert [len(part.short_message) for part in parts] == [140, 140, 6 + 4]
    assert (
        "".join(decode_text(body, 0, default_alphabet="gsm7-packed", udh=udh) for udh, body in map(read, parts)) == text
    )


def test_an_escape_stays_with_its_septet() -> None:
    parts = segment("a" * 152 + "€" + "b" * 152)
    assert [len(part.short_message) - 6 for part in parts] == [152, 153, 1]
    assert all(not part.short_message.endswith(b"\x1b") for part in parts)


def test_septets_are_cut_as_text_is() -> None:
    septets = b"a" * 151 + b"\x1b\x1b" + b"b" * 152
    assert [len(part.short_message) - 6 for part in segment(septets)] == [153, 152]
    septets = b"a" * 150 + b"\x1b\x1b\x1b\x65" + b"b" * 152
    assert [len(part.short_message) - 6 for part in segment(septets)] == [152, 153, 1]


def test_a_surrogate_pair_stays_together() -> None:
    parts = segment("a" * 66 + "😀" + "b" * 66, data_coding=8)
    assert [len(part.short_message) - 6 for part in parts] == [132, 134, 2]


def test_octets_keep_an_odd_one_at_the_end() -> None:
    octets = bytes(141)
    parts = segment(octets, data_coding=8)
    assert [len(part.short_message) - 6 for part in parts] == [134, 7]


def test_text_that_fits_has_no_header() -> None:
    assert segment("hello", reference=7) == [Segment(b"hello")]
    assert segment("") == [Segment(b"")]
    assert segment("", air_octets=0) == [Segment(b"")]
    assert segment("hello", method="payload")[0].tlvs == ((TlvTag.MESSAGE_PAYLOAD, b"hello"),)


def test_a_shift_needs_a_header_even_alone() -> None:
    assert segment("ş", single_shift=1) == [Segment(bytes.fromhex("032401011b73"), 0x40)]
    assert segment("a", data_coding=8, single_shift=1) == [Segment(b"\x00a")]
    (payload,) = segment("ş", single_shift=1, method="payload")
    assert payload == Segment(b"", 0x40, ((TlvTag.MESSAGE_PAYLOAD, bytes.fromhex("032401011b73")),))


@pytest.mark.parametrize(("method", "too_large"), [("udh8", 256), ("udh16", 65536), ("sar", 65536)])
def test_references_that_do_not_fit_are_refused_for_any_text(method: Method, too_large: int) -> None:
    assert segment("a" * 200, method=method, reference=too_large - 1)
    for reference in (-1, too_large):
        with pytest.raises(TextError, match="reference"):
            segment("a", method=method, reference=reference)


def test_what_cannot_be_cut_is_refused() -> None:
    assert len(segment("a" * 153 * 255)) == 255
    with pytest.raises(TextError, match="256 parts"):
        segment("a" * (153 * 255 + 1))
    with pytest.raises(TextError, match="message_payload holds 65535"):
        segment("a" * 65536, method="payload")
    with pytest.raises(TextError, match="does not fit a part"):
        segment("€€€€€€", air_octets=7)
    with pytest.raises(TextError, match="does not fit a part"):
        segment("日日日日", default_alphabet="utf-8", air_octets=8)
    with pytest.raises(TextError, match="does not fit a part"):
        segment("abcdefgh", air_octets=5)
    with pytest.raises(TextError, match="not in the GSM"):
        segment("ж")
