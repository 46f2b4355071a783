"""Receipt texts: what peers write, what we write, and nothing that raises."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppwire.constants import MessageState
from smppwire.receipt import (
    LABELS,
    Receipt,
    ReceiptError,
    ReceiptStyle,
    format_receipt,
    format_receipt_date,
    format_receipt_id,
    parse_receipt,
    parse_receipt_date,
)

SUBMITTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DONE = datetime(2026, 11, 12, 13, 14, 15, tzinfo=UTC)
FULL = "id:0123456789 sub:001 dlvrd:001 submit date:2601020304 done date:2611121314 stat:DELIVRD err:000 text:hello"
WORDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=":%"), min_size=1, max_size=40)


def write(**changes: object) -> bytes:
    values: dict[str, object] = {
        "message_id": "0123456789",
        "submit_date": SUBMITTED,
        "done_date": DONE,
        "stat": MessageState.DELIVERED,
        "dlvrd": 1,
        "text": b"hello",
    }
    values.update(changes)
    return format_receipt(values.pop("message_id"), **values)  # type: ignore[arg-type]


def test_a_receipt_of_appendix_b() -> None:
    receipt = parse_receipt(FULL, strict=True)
    assert receipt == Receipt("0123456789", 1, 1, "2601020304", "2611121314", "DELIVRD", "000", "hello")
    assert receipt.submitted_at() == SUBMITTED.replace(second=0)
    assert receipt.done_at(ZoneInfo("Europe/Paris")) == datetime(2026, 11, 12, 12, 14, tzinfo=UTC)
    assert receipt.message_state is MessageState.DELIVERED
    assert write() == FULL.encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FULL.upper(), Receipt("0123456789", 1, 1, "2601020304", "2611121314", "DELIVRD", "000", "HELLO")),
        ("text:hello there stat:UNDELIV id:x1", Receipt(id="x1", stat="UNDELIV", text="hello there")),
        ("id:7 stat:DELIVRD err:21b", Receipt(id="7", stat="DELIVRD", err="21b")),
        ("id:7 done date:26 EXPIRED err:005 text:no", Receipt("7", None, None, None, "26", "EXPIRED", "005", "no")),
        ("id:7 err:000 hello", Receipt(id="7", err="000")),
        ("id:7 text:your id:8 is void, stat:DELIVRD", Receipt(id="7", text="your id:8 is void,", stat="DELIVRD")),
        ("id:7 stat:DELIVRD text:your id:8 stat:X", Receipt(id="7", stat="DELIVRD", text="your id:8 stat:X")),
        ("id:7 text:the payment FAILED", Receipt(id="7", text="the payment FAILED")),
        ("id:UNKNOWN text:a", Receipt(id="UNKNOWN", text="a")),
        ("ID : 7  Submit_Date:2601 DoneDate:2611", Receipt(id="7", submit_date="2601", done_date="2611")),
        ("id:7 stat: err: text:", Receipt(id="7")),
        ("id:7 sub:x dlvrd:0000000001", Receipt(id="7")),
        ("id:7\r\nstat:REJECTD\r\nText:hi\r\n\0", Receipt(id="7", stat="REJECTD", text="hi")),
        ("my valid:1 message_id:2 hybrid:3", Receipt()),
        ("\u017ftat:DELIVRD", Receipt()),
        ("null", Receipt()),
        ("", Receipt()),
        ("your payment FAILED", Receipt()),
    ],
)  # fmt: skip
def test_what_peers_write(text: str, expected: Receipt) -> None:
    assert parse_receipt(text) == expected
    assert parse_receipt(text.encode("latin-1", "replace")) == expected


@pytest.mark.parametrize("label", LABELS)
def test_strict_parsing_wants_every_label(label: str) -> None:
    without = " ".join(f"{name}:1" for name in LABELS if name != label)
    with pytest.raises(ReceiptError, match=f"no label '{label}'"):
        parse_receipt(without, strict=True)


@pytest.mark.parametrize(
    ("sound", "broken", "label"),
    [
        ("id:0123456789", "id:", "id"),
        ("sub:001", "sub:one", "sub"),
        ("dlvrd:001", "dlvrd:-1", "dlvrd"),
        ("submit date:2601020304", "submit date:2613020304", "submit date"),
        ("done date:2611121314", "done date:26111213", "done date"),
        ("stat:DELIVRD", "stat:", "stat"),
        ("err:000", "err:", "err"),
    ],
)
def test_strict_parsing_wants_sound_values(sound: str, broken: str, label: str) -> None:
    assert sound in FULL
    with pytest.raises(ReceiptError, match=f"'{label}' is empty or malformed"):
        parse_receipt(FULL.replace(sound, broken), strict=True)


def test_strict_parsing_takes_an_empty_text_and_any_order() -> None:
    assert parse_receipt(FULL.removesuffix("hello"), strict=True).text is None
    assert parse_receipt("text:a " + FULL.removesuffix(" text:hello"), strict=True).text == "a"


@given(octets=st.binary())
def test_no_octets_raise(octets: bytes) -> None:
    receipt = parse_receipt(octets)
    receipt.submitted_at(), receipt.done_at(), receipt.message_state


@given(
    text=st.lists(
        st.one_of(st.sampled_from([f"{label}:" for label in LABELS]), st.text(max_size=12), st.just("\x1c\x85 \0"))
    ).map("".join)
)
def test_no_text_raises(text: str) -> None:
    receipt = parse_receipt(text)
    receipt.submitted_at(), receipt.done_at(), receipt.message_state


def test_numbers_too_long_for_python_are_no_counts() -> None:
    assert parse_receipt("id:1 sub:" + "9" * 5000) == Receipt(id="1")


@given(message_id=WORDS, state=st.sampled_from(list(MessageState)), err=st.integers(0, 999), text=WORDS)
def test_what_we_write_comes_back(message_id: str, state: MessageState, err: int, text: str) -> None:
    octets = write(message_id=message_id, stat=state, err=err, text=text.encode(), dlvrd=0)
    receipt = parse_receipt(octets, strict=True)
    assert (receipt.id, receipt.message_state, receipt.text) == (message_id, state, text[:20])
    assert (receipt.sub, receipt.dlvrd, receipt.err) == (1, 0, f"{err:03}")


def test_ids_are_never_cut_and_texts_are() -> None:
    long_id = "f" * 64
    assert write(message_id=long_id.encode(), text=b"x" * 21).startswith(b"id:" + long_id.encode() + b" ")
    assert write(text=b"x" * 21).endswith(b"text:" + b"x" * 20)
    assert write(text=b"\x00\xff%(id)b").endswith(b"text:\x00\xff%(id)b")
    assert [format_receipt_id(number) for number in (1, 12345678901)] == ["0000000001", "12345678901"]


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (ReceiptStyle(fields=("id", "stat")), b"id:0123456789 stat:DELIVRD"),
        (ReceiptStyle(fields=("done date", "stat", "err"), stat_label=False), b"done date:2611121314 DELIVRD err:000"),
        (ReceiptStyle(fields=("text", "id"), text_label="Text"), b"Text:hello id:0123456789"),
        (ReceiptStyle(fields=("err", "text"), text_label="", err_digits=4, text_octets=2), b"err:0000 he"),
        (ReceiptStyle(fields=("text",), text_label="100%"), b"100%:hello"),
        (ReceiptStyle(fields=("submit date",), dates="seconds"), b"submit date:260102030405"),
        (ReceiptStyle(fields=("submit date",), dates="century"), b"submit date:20260102030405"),
        (ReceiptStyle(fields=("submit date",), dates="absolute"), b"submit date:260102030405000+"),
        (ReceiptStyle(fields=()), b""),
    ],
)  # fmt: skip
def test_styles_of_other_message_centres(style: ReceiptStyle, expected: bytes) -> None:
    assert write(style=style) == expected


def test_a_style_with_unknown_fields_is_refused() -> None:
    with pytest.raises(ReceiptError, match="no such fields: state"):
        ReceiptStyle(fields=("id", "state"))


def test_values_that_are_formatted_already_are_written_as_they_are() -> None:
    octets = write(submit_date=b"2601020304", done_date=b"null", stat="BUFFRED", err="21b", sub=1000)
    assert (
        octets
        == b"id:0123456789 sub:1000 dlvrd:001 submit date:2601020304 done date:null stat:BUFFRED err:21b text:hello"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2601020304", datetime(2026, 1, 2, 3, 4, tzinfo=UTC)),
        ("260102030405", SUBMITTED),
        ("20260102030405", SUBMITTED),
        ("9901020304", datetime(1999, 1, 2, 3, 4, tzinfo=UTC)),
        ("180711070003912+", datetime(2018, 7, 11, 4, 0, 3, 900_000, tzinfo=UTC)),
        ("180711070003912R", None),
        ("2602300304", None),
        ("00000102030405", None),
        ("26010203045", None),
        ("", None),
        ("²²²²²²²²²²", None),
        ("null", None),
    ],
)
def test_dates(text: str, expected: datetime | None) -> None:
    assert parse_receipt_date(text) == expected


def test_dates_are_written_in_the_zone_they_come_in() -> None:
    moment = datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=-3)))
    assert format_receipt_date(moment) == b"2601010030"
    assert format_receipt_date(moment, "absolute") == b"260101003000012-"
