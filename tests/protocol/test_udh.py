"""The user data header: octets to elements and back, and how contradictions are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppwire.udh import (
    Concat,
    Element,
    Iei,
    Ports,
    Udh,
    UdhError,
    build_udh,
    concat_8bit,
    concat_16bit,
    concat_element,
    parse_udh,
    ports_element,
    shift_elements,
)

ELEMENTS = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=20)), max_size=10)


def read(header: str) -> Udh:
    udh, rest = parse_udh(bytes.fromhex(header) + b"text")
    assert rest == b"text"
    assert udh.length == len(bytes.fromhex(header))
    return udh


@given(elements=ELEMENTS, rest=st.binary())
def test_a_header_comes_back_with_what_follows_it(elements: list[tuple[int, bytes]], rest: bytes) -> None:
    octets = build_udh(elements)
    udh, following = parse_udh(octets + rest)
    assert list(udh.elements) == elements
    assert udh.length == len(octets)
    assert following == rest
    assert build_udh(udh.elements) == octets


@given(octets=st.binary())
def test_octets_are_a_header_or_a_udh_error(octets: bytes) -> None:
    try:
        udh, rest = parse_udh(octets)
    except UdhError:
        return
    assert build_udh(udh.elements) + rest == octets


@pytest.mark.parametrize("octets", ["", "05", "0500037b02", "0100", "0500047b0201", "0600037b020108"])
def test_a_header_that_runs_over_its_end_is_none(octets: str) -> None:
    with pytest.raises(UdhError):
        parse_udh(bytes.fromhex(octets))


@pytest.mark.parametrize(
    ("header", "concat"),
    [
        ("0500037b0201", Concat(0x7B, 2, 1, 8)),
        ("0608047b010202", Concat(0x7B01, 2, 2, 16)),
        ("00", None),
        ("0500037b0200", None),
        ("0500037b0203", None),
        ("0500037b0000", None),
        ("0400027b02", None),
        ("0a00037b020100037c0302", Concat(0x7C, 3, 2, 8)),
        ("0a00037b020100037c0304", Concat(0x7B, 2, 1, 8)),
        ("0b00037b0201080401020302", Concat(0x0102, 3, 2, 16)),
        ("0b0804010203020003ff0101", Concat(0xFF, 1, 1, 8)),
    ],
)
def test_the_last_possible_concatenation_counts(header: str, concat: Concat | None) -> None:
    assert read(header).concat == concat


@pytest.mark.parametrize(
    ("header", "ports"),
    [
        ("0605040b8423f0", Ports(2948, 9200, 16)),
        ("0404021234", Ports(0x12, 0x34, 8)),
        ("0a04021234050401020304", Ports(0x0102, 0x0304, 16)),
        ("0405021234", None),
        ("0500037b0201", None),
    ],
)
def test_ports(header: str, ports: Ports | None) -> None:
    assert read(header).ports == ports


def test_shifts() -> None:
    assert (read("03240102").single_shift, read("03240102").locking_shift) == (2, 0)
    assert (read("06250101240103").single_shift, read("06250101240103").locking_shift) == (3, 1)
    assert read("06240101240102").single_shift == 2
    assert read("0424020101").single_shift == 0
    assert shift_elements(0, 0) == []
    assert build_udh(shift_elements(1, 3)).hex() == "06240101250103"
    with pytest.raises(UdhError):
        shift_elements(256, 0)


@pytest.mark.parametrize(("header", "bits"), [("0500037b0201", 1), ("0608047b010201", 0), ("03240101", 3), ("00", 6)])
def test_fill_bits_reach_the_next_septet(header: str, bits: int) -> None:
    udh = read(header)
    assert udh.fill_bits == bits
    assert (8 * udh.length + bits) % 7 == 0


def test_whole_headers() -> None:
    assert concat_8bit(0x7B, 3, 2).hex() == "0500037b0302"
    assert concat_16bit(0x017B, 3, 2).hex() == "060804017b0302"
    assert build_udh([ports_element(2948, 9200)]).hex() == "0605040b8423f0"
    assert build_udh([ports_element(1, 2, bits=8)]).hex() == "0404020102"


@pytest.mark.parametrize(
    ("ref", "total", "seq"), [(-1, 1, 1), (256, 1, 1), (1, 0, 0), (1, 256, 1), (1, 1, 0), (1, 2, 3), (1, 1, -1)]
)
def test_impossible_concatenations_are_not_written(ref: int, total: int, seq: int) -> None:
    with pytest.raises(UdhError):
        concat_8bit(ref, total, seq)
    if ref != 256:
        with pytest.raises(UdhError):
            concat_16bit(ref, total, seq)


def test_what_does_not_fit_is_not_written() -> None:
    for elements in ([(256, b"")], [(-1, b"")], [(0, bytes(256))], [(0, bytes(250)), (1, bytes(10))]):
        with pytest.raises(UdhError):
            build_udh(elements)
    with pytest.raises(UdhError):
        concat_element(1, 1, 1, bits=7)
    for destination, source, bits in ((65536, 0, 16), (0, -1, 16), (256, 0, 8), (0, 0, 12)):
        with pytest.raises(UdhError):
            ports_element(destination, source, bits=bits)
    assert build_udh([(0, bytes(253))])[0] == 255


def test_unknown_elements_are_data() -> None:
    assert read("0470020102").elements == (Element(0x70, b"\x01\x02"),)
    assert read("0401020003").elements == (Element(Iei.SPECIAL_SMS_MESSAGE_INDICATION, b"\x00\x03"),)
