import fnmatch
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.patterns import (
    MAX_PATTERN_LENGTH,
    AddressRange,
    AddressRangeError,
    address_type,
    check_glob,
    literal_prefix,
)


@pytest.mark.parametrize("pattern", ["*", "336*", "+4477?", "44[1-5]*", "[!0-9]*", "[-+]1", "[1-]", "Bank", "a]b"])
def test_globs(pattern: str) -> None:
    check_glob(pattern)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "empty"),
        ("33[1-5", "no closing"),
        ("33[]", "is empty"),
        ("33[!]", "is empty"),
        ("[1][5-1]", "backwards"),
        ("33\n", "printable ASCII"),
        ("é*", "printable ASCII"),
        ("3" * (MAX_PATTERN_LENGTH + 1), "longer than"),
    ],
)
def test_what_is_no_glob(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_glob(pattern)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("447700900123", ["447700900123"], ["44770090012", "4477009001234", "x"]),
        ("44*", ["44", "447"], ["4", "45", "144"]),
        ("^44", ["44", "447"], ["144"]),
        ("44$", ["44", "144"], ["441"]),
        ("^44$", ["44"], ["441", "144"]),
        ("*", ["1", "Bank"], []),
        ("*9", ["9", "19"], ["91"]),
        (".*", ["1"], []),
        ("[1-5]", ["1", "5"], ["0", "6", "11"]),
        ("[^1-5]", ["0", "x"], ["1", "00"]),
        ("4[0-9]*", ["4", "4123"], ["4x", "5"]),
        ("4[0-9]+", ["41"], ["4"]),
        ("4[0-9]?", ["4", "41"], ["411"]),
        (r"44\d{3}", ["44123"], ["4412", "441234", "44x23"]),
        ("1{2,3}", ["11", "111"], ["1", "1111"]),
        ("1{0}2", ["2"], ["12"]),
        ("44(77|78)9", ["44779", "44789"], ["44799", "449"]),
        ("1(23)*4", ["14", "1234", "123234"], ["1234x", "124"]),
        ("1(2|3)?", ["1", "12"], ["123"]),
        ("44*|45*", ["44", "459"], ["46"]),
        ("44*, 45*", ["44", "459"], ["46"]),
        ("^44,99$", ["441", "199"], ["199x"]),
        ("+44*", ["+447"], ["447"]),
        (r"\+44.*", ["+447"], ["447"]),
        (r"1\.2\*", ["1.2*"], ["1x2*", "1.2"]),
        ("192.168.1.1", ["192.168.1.1"], ["192.168.1.11"]),
    ],
)
def test_address_ranges(text: str, inside: list[str], outside: list[str]) -> None:
    addresses = AddressRange(text)
    assert addresses
    assert [address for address in inside if not addresses.matches(address.encode())] == []
    assert [address for address in outside if addresses.matches(address.encode())] == []


def test_an_empty_address_range_states_nothing() -> None:
    assert not AddressRange(b"")
    assert AddressRange(b"").matches(b"1")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a?", "ambiguous after a plain character .*'\\?' at character 2"),
        ("12+", "ambiguous"),
        ("?1", "nothing to repeat"),
        ("1.**", "nothing to repeat before '\\*' at character 4"),
        ("1{2}{3}", "nothing to repeat"),
        ("(1", "closing parenthesis"),
        ("1)", "misplaced '\\)' at character 2"),
        ("1]", "misplaced"),
        ("1^", "misplaced"),
        ("1$2", "unexpected '2' at character 3"),
        ("44 45", "unexpected '4'"),
        ("[12", "no closing"),
        ("[]", "not supported"),
        ("[[:digit:]]", "not supported"),
        ("[5-1]", "backwards"),
        ("()", "empty alternative"),
        ("(|1)", "empty alternative"),
        ("1|", "empty alternative before the end"),
        ("|1", "empty alternative before '\\|' at character 1"),
        ("^$", "empty alternative"),
        ("(?:1)", "unsupported group"),
        ("(1,2)", "misplaced ','"),
        ("\\", "backslash at the end"),
        ("\\w", "unsupported escape"),
        ("(1)\\1", "unsupported escape"),
        ("1{", "not \\{n\\}"),
        ("1{3,1}", "not \\{n\\}"),
        ("1{,3}", "not \\{n\\}"),
        ("1{99999}", "repetitions"),
        ("((1{30}){30}){30}", "once repetitions are written out"),
        ("(" * 21 + "1" + ")" * 21, "nested"),
        ("\x001", "printable ASCII"),
        ("1" * (MAX_PATTERN_LENGTH + 1), "longer than"),
    ],
)
def test_what_is_no_address_range(text: str, reason: str) -> None:
    with pytest.raises(AddressRangeError, match=reason):
        AddressRange(text)


pieces = st.recursive(
    st.sampled_from(["1", "2", ".", "[12]", "[^1]"]),
    lambda inner: st.one_of(
        st.builds("({}){}".format, inner, st.sampled_from(["", "*", "+", "?", "{2}", "{0,2}"])),
        st.builds("({}|{})".format, inner, inner),
        st.builds("{}{}".format, inner, inner),
    ),
    max_leaves=6,
)


@given(pieces, st.lists(st.text("123", min_size=1, max_size=8), max_size=20))
def test_address_ranges_agree_with_regular_expressions(text: str, addresses: list[str]) -> None:
    expected = re.compile(text)
    ours = AddressRange(text)
    for address in addresses:
        assert ours.matches(address.encode()) == bool(expected.fullmatch(address)), address


@given(pieces, st.lists(st.text("123", min_size=1, max_size=8), max_size=20))
def test_every_address_of_a_range_begins_with_one_of_its_beginnings(text: str, addresses: list[str]) -> None:
    ours = AddressRange(text)
    beginnings = tuple(ours.beginnings())
    for address in map(str.encode, addresses):
        assert not ours.matches(address) or address.startswith(beginnings)


@pytest.mark.parametrize(
    ("text", "beginnings"),
    [
        ("447700900123", {"447700900123"}),
        ("44*", {"44"}),
        ("^4477", {"4477"}),
        ("4477$", {""}),
        ("44(77|78)[12]", {"44771", "44772", "44781", "44782"}),
        ("7700[0-9]{8}", {f"7700{digit}" for digit in range(10)}),
        ("44,447", {"44"}),
        (".*", {""}),
        ("", {""}),
    ],
)
def test_what_an_address_range_is_indexed_by(text: str, beginnings: set[str]) -> None:
    assert AddressRange(text).beginnings() == {beginning.encode() for beginning in beginnings}


@given(st.text("12*?.+", min_size=1, max_size=8), st.text("123", min_size=1, max_size=8))
def test_globs_of_literals_and_final_stars_mean_the_same_in_both_languages(prefix: str, address: str) -> None:
    literal = re.sub(r"[*?.+]", "", prefix) + "1"
    assert AddressRange(f"{literal}*").matches(address.encode()) == fnmatch.fnmatchcase(address, f"{literal}*")


@given(st.text(st.characters(codec="latin-1"), max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(AddressRangeError):
        AddressRange(text).matches(b"447700900123")


@given(st.text("1*+?{}(),|[]^$.\\d", max_size=40))
def test_any_expression_is_read_or_refused(text: str) -> None:
    with suppress(AddressRangeError):
        AddressRange(text).matches(b"1111111111")


@pytest.mark.parametrize(
    ("pattern", "beginning"), [("336*", "336"), ("33[67]*", "33"), ("?1", ""), ("447", "447"), ("*", "")]
)
def test_what_a_glob_begins_with(pattern: str, beginning: str) -> None:
    assert literal_prefix(pattern) == beginning


@pytest.mark.parametrize(
    ("address", "expected"),
    [(b"447700", (1, 1)), (b"+447700", (1, 1)), (b"Shop 24", (5, 0)), (b"+", (5, 0)), (b"", (5, 0))],
)
def test_the_type_of_an_address(address: bytes, expected: tuple[int, int]) -> None:
    assert address_type(address) == expected
