"""Message ids: one number in many forms, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from smppd.behaviour.ids import IdSpelling, read, spell, uuid_of
from smppd.settings import IdForm, MessageId
from smppd.settings.dialect_checks import longest_id
from smppd.settings.dialects import MAX_ID

FIRST = 1_000_000_000
NUMBERS = st.integers(FIRST, 9_999_999_999)
PREFIXES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=MAX_ID)
FORMS = st.builds(
    IdForm,
    base=st.sampled_from(["decimal", "hex", "uuid"]),
    case=st.sampled_from(["lower", "upper"]),
    width=st.integers(0, MAX_ID),
    prefix=PREFIXES,
    dashes=st.booleans(),
)
FITTING = FORMS.map(
    lambda form: replace(form, prefix=form.prefix[: max(0, MAX_ID + len(form.prefix) - longest_id(form))])
)


def spelling(**forms: IdForm) -> IdSpelling:
    return IdSpelling(MessageId(**forms))


def responded(form: IdForm, number: int = FIRST) -> bytes:
    """The id of a response, which the default dialect writes without a speller."""
    speller = spelling(response=form).speller(below_34=False)
    return b"%d" % number if speller is None else speller(number)


# -- single forms


@pytest.mark.parametrize(
    ("form", "written"),
    [
        (IdForm(), b"1000000000"),
        (IdForm(width=12), b"001000000000"),
        (IdForm(prefix="id-"), b"id-1000000000"),
        (IdForm(base="hex"), b"3b9aca00"),
        (IdForm(base="hex", case="upper"), b"3B9ACA00"),
        (IdForm(base="hex", width=10), b"003b9aca00"),
        (IdForm(base="hex", prefix="Sm", case="upper", width=9), b"Sm03B9ACA00"),
        (IdForm(base="hex", width=64), b"3b9aca00".rjust(64, b"0")),
    ],
)
def test_each_option_of_a_form_shows(form: IdForm, written: bytes) -> None:
    assert spell(FIRST, form) == written


def test_a_uuid_is_one_of_version_4_with_dashes_or_without() -> None:
    with_dashes = spell(uuid_of(FIRST), IdForm(base="uuid"))
    assert [len(part) for part in with_dashes.split(b"-")] == [8, 4, 4, 4, 12]
    assert with_dashes[14:15] == b"4"
    assert spell(uuid_of(FIRST), IdForm(base="uuid", dashes=False)) == with_dashes.replace(b"-", b"")
    assert spell(uuid_of(FIRST), IdForm(base="uuid", case="upper")) == with_dashes.upper()
    assert uuid_of(FIRST) != uuid_of(FIRST + 1)


@given(FORMS, NUMBERS)
def test_what_was_spelled_is_read_back(form: IdForm, number: int) -> None:
    value = uuid_of(number) if form.base == "uuid" else number
    assert read(spell(value, form), form) == value


@given(FITTING, NUMBERS)
def test_no_id_is_longer_than_its_field(form: IdForm, number: int) -> None:
    assert len(responded(form, number)) <= longest_id(form) <= MAX_ID


@given(FORMS, st.sets(NUMBERS, min_size=2, max_size=50))
def test_no_two_numbers_are_spelled_alike(form: IdForm, numbers: set[int]) -> None:
    assert len({responded(form, number) for number in numbers}) == len(numbers)


@pytest.mark.parametrize(
    ("written", "form"),
    [
        (b"", IdForm()),
        (b"12a", IdForm()),
        (b" 12", IdForm()),
        (b"1_2", IdForm()),
        (b"+12", IdForm()),
        (b"-12", IdForm(base="hex")),
        (b"0x12", IdForm(base="hex")),
        (b"12", IdForm(prefix="id")),
        (b"\xff", IdForm()),
        (b"12", IdForm(base="uuid")),
        (b"g" * 32, IdForm(base="uuid")),
    ],
)
def test_what_is_no_id_of_a_form_is_not_read(written: bytes, form: IdForm) -> None:
    with pytest.raises(ValueError, match=r"no id of the form|can't decode"):
        read(written, form)


# -- the places of one dialect


def test_the_default_forms_need_no_speller() -> None:
    assert spelling().speller(below_34=False) is None
    assert spelling().speller(below_34=True) is None
    assert spelling(response=IdForm(case="upper", dashes=False)).speller(below_34=False) is None, "digits have no case"


@pytest.mark.parametrize(
    ("form", "number", "written"),
    [
        (IdForm(base="hex", case="lower", width=8), 0x1_2345_ABCD, b"2345abcd"),
        (IdForm(base="decimal", width=8), 1_234_567_890, b"34567890"),
        (IdForm(base="decimal"), 1_234_567_890, b"1234567890"),
        (IdForm(base="hex", case="upper"), 0x1_2345_ABCD, b"12345ABCD"),
    ],
)
def test_below_34_the_last_digits_count(form: IdForm, number: int, written: bytes) -> None:
    speller = spelling(below_34=form).speller(below_34=True)
    assert speller is not None
    assert speller(number) == written


def test_receipts_call_a_message_what_the_dialect_says() -> None:
    ids = spelling(
        response=IdForm(base="hex", case="upper"),
        receipt_text=IdForm(width=12),
        receipt_tlv=IdForm(base="hex", prefix="x"),
    )
    assert ids.in_text(b"3B9ACA00", below_34=False) == b"001000000000"
    assert ids.in_tlv(b"3B9ACA00", below_34=False) == b"x3b9aca00\0"


def test_a_receipt_can_leave_out_the_id_and_its_nul() -> None:
    ids = spelling(receipt_text=IdForm(empty=True), receipt_tlv=IdForm(terminated=False))
    assert ids.in_text(b"1000000000", below_34=False) == b""
    assert ids.in_tlv(b"1000000000", below_34=False) == b"1000000000"


def test_what_has_the_form_of_the_response_is_spelled_like_it_below_34_too() -> None:
    assert spelling().in_text(b"3B9ACA00", below_34=True) == b"3B9ACA00"
    assert spelling().in_tlv(b"3B9ACA00", below_34=True) == b"3B9ACA00\0"


def test_another_form_than_the_response_counts_below_34_as_well() -> None:
    ids = spelling(receipt_text=IdForm(width=12))
    assert ids.in_text(b"3B9ACA00", below_34=True) == b"001000000000"


def test_a_uuid_in_the_receipt_belongs_to_the_number_in_the_response() -> None:
    ids = spelling(receipt_text=IdForm(base="uuid"))
    assert ids.in_text(b"1000000000", below_34=False) == spell(uuid_of(FIRST), IdForm(base="uuid"))


def test_the_128_bits_of_a_uuid_can_be_digits_in_the_receipt() -> None:
    ids = spelling(response=IdForm(base="uuid"), receipt_text=IdForm(), receipt_tlv=IdForm(base="hex"))
    written = responded(IdForm(base="uuid"))
    assert int(ids.in_text(written, below_34=False)) == uuid_of(FIRST)
    assert ids.in_tlv(written, below_34=False) == written.replace(b"-", b"") + b"\0"


def test_an_id_of_another_dialect_stays_what_it_is() -> None:
    """The account's dialect has changed since the message was accepted."""
    assert spelling(response=IdForm(base="uuid"), receipt_text=IdForm()).in_text(b"4711", below_34=False) == b"4711"


def fitting(base: str) -> st.SearchStrategy[IdForm]:
    return st.builds(
        IdForm,
        base=st.just(base),
        case=st.sampled_from(["lower", "upper"]),
        width=st.integers(0, 32),
        prefix=PREFIXES.map(lambda prefix: prefix[:28]),
        dashes=st.booleans(),
    )


@given(st.sampled_from(["decimal", "hex", "uuid"]).flatmap(lambda base: st.tuples(*[fitting(base)] * 3)), NUMBERS)
def test_what_receipts_say_can_be_read_back(forms: tuple[IdForm, IdForm, IdForm], number: int) -> None:
    response, text, tlv = forms
    ids = spelling(response=response, receipt_text=text, receipt_tlv=tlv)
    message_id = responded(response, number)
    value = uuid_of(number) if response.base == "uuid" else number
    assert read(ids.in_text(message_id, below_34=False), text) == value
    assert read(ids.in_tlv(message_id, below_34=False)[:-1], tlv) == value


# -- naming a message


@given(FITTING, NUMBERS, st.booleans())
def test_a_message_is_found_by_the_id_of_its_response(form: IdForm, number: int, below_34: bool) -> None:
    ids = spelling(response=form)
    speller = ids.speller(below_34=below_34)
    written = speller(number) if speller is not None else b"%08X" % (number % 2**32) if below_34 else b"%d" % number
    assert written in ids.keys(written)


def test_a_message_is_found_by_the_id_of_its_receipt() -> None:
    hexadecimal = IdForm(base="hex", case="upper", width=8)
    ids = IdSpelling(MessageId(response=hexadecimal, receipt_text=IdForm(), receipt_tlv=IdForm(prefix="n")))
    assert b"3B9ACA00" in ids.keys_of_receipt(ids.in_text(b"3B9ACA00", below_34=False))
    assert b"3B9ACA00" in ids.keys_of_receipt(b"n1000000000")
    assert ids.keys_of_receipt(b"none") == []


def test_letter_case_and_zeros_in_front_do_not_matter() -> None:
    ids = spelling(response=IdForm(base="hex", prefix="Ab", width=10))
    for named in (b"Ab003b9aca00", b"AB003B9ACA00", b"ab3b9aca00"):
        assert ids.keys(named)[0] == b"Ab003b9aca00"


def test_a_uuid_may_be_named_without_its_dashes() -> None:
    written = responded(IdForm(base="uuid"))
    assert spelling(response=IdForm(base="uuid")).keys(written.replace(b"-", b"").upper())[0] == written


def test_digits_may_be_an_id_of_either_version() -> None:
    assert set(spelling().keys(b"0012345678")) == {b"12345678", b"12345678".rjust(8, b"0")}
    assert spelling().keys(b"3b9aca00") == [b"3B9ACA00"]


@pytest.mark.parametrize("written", [b"", b"no-id", b"\xc3\xa9"])
def test_what_is_none_of_our_ids_has_no_key(written: bytes) -> None:
    assert spelling().keys(written) == []
