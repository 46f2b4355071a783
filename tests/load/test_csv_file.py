from pathlib import Path
from typing import Any

import pytest

from smppd.load import csv_file as module
from smppd.load.csv_file import CsvError, number_of, read_table


def read(tmp_path: Path, content: str | bytes, **keys: Any) -> module.Table:
    path = tmp_path / "subscribers.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, **keys)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_header_delimiter_and_column_are_found_out(tmp_path: Path, delimiter: str) -> None:
    content = "name,msisdn,city\nAnn,447700900001,Leeds\nBob,447700900002,York\n".replace(",", delimiter)
    table = read(tmp_path, content)
    assert table.destinations == ["447700900001", "447700900002"]
    assert table.columns == {
        "name": ["Ann", "Bob"],
        "msisdn": ["447700900001", "447700900002"],
        "city": ["Leeds", "York"],
    }
    assert table.only([1]) == (["447700900002"], {"name": ["Bob"], "msisdn": ["447700900002"], "city": ["York"]})


def test_without_header_columns_have_numbers(tmp_path: Path) -> None:
    table = read(tmp_path, "447700900001,Ann\n447700900002,Bob\n")
    assert (list(table.columns), table.destinations) == (["column1", "column2"], ["447700900001", "447700900002"])


def test_what_the_profile_says_wins(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b;c,d\n1,2;300\n", delimiter=";").destinations == ["300"]
    table = read(tmp_path, "100;200\n300;400\n500;600\n", column=2, header=True, limit=1)
    assert (list(table.columns), table.destinations) == (["100", "200"], ["400"])
    assert read(tmp_path, "a;b\n300;400\n", column="b").destinations == ["400"]
    assert read(tmp_path, "300;400\n", header=False, column="column2").destinations == ["400"]


def test_limit_counts_rows_of_data(tmp_path: Path) -> None:
    assert read(tmp_path, "100\n200\n300\n", limit=2).destinations == ["100", "200"]
    assert read(tmp_path, "n\n100\n200\n300\n", limit=2).destinations == ["100", "200"]


def test_rows_are_made_as_long_as_the_header(tmp_path: Path) -> None:
    table = read(tmp_path, "to,name\n447700900001\n\n447700900002,Bob,more\n")
    assert table.columns == {"to": ["447700900001", "447700900002"], "name": ["", "Bob"]}


def test_quotes_and_a_byte_order_mark(tmp_path: Path) -> None:
    table = read(tmp_path, '\ufeffto,name\r\n447700900001,"Ann, the\nfirst"\r\n')
    assert table.columns == {"to": ["447700900001"], "name": ["Ann, the\nfirst"]}


@pytest.mark.parametrize(
    ("text", "digits"),
    [("+44 7700 900-123", "447700900123"), ("(0) 171.123", "0171123"), ("12", None), ("x123", None), ("1" * 21, None)],
)
def test_numbers_as_people_write_them(text: str, digits: str | None) -> None:
    assert number_of(text) == digits


@pytest.mark.parametrize(
    ("content", "keys", "reason"),
    [
        ("", {}, "there is nothing in it"),
        ("to,name\n", {}, "there is no row below the header"),
        ("to,name\n123,x\n", {"column": "nam"}, "there is no column 'nam'; did you mean \"name\"?"),
        ("to,name\n123,x\n", {"column": 3}, "there is no column 3; the first row has 2"),
        ("a,b\nx,y\n", {}, "no column has a phone number in the first row of data"),
        ("to\n123\nabc\n456\n\nd\n", {}, "not a phone number in column 'to': line 3: 'abc', line 6: 'd'"),
        ("to\n" + "x\n" * 7, {"column": "to"}, "line 6: 'x' and 2 more"),
        ('to\n"123', {}, "line 2: "),
        (b"to\n123\n\xff\n", {}, "not UTF-8: octet 0xff in line 3"),
        (",".join(["123"] * 257), {}, "more than 256 columns"),
    ],
)
def test_what_is_wrong(tmp_path: Path, content: str | bytes, keys: dict[str, Any], reason: str) -> None:
    with pytest.raises(CsvError) as caught:
        read(tmp_path, content, **keys)
    assert reason in str(caught.value)


def test_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CsvError, match="No such file"):
        read_table(tmp_path / "nowhere.csv")
    monkeypatch.setattr(module, "MAX_SIZE", 4)
    with pytest.raises(CsvError, match="longer than"):
        read(tmp_path, "12345")
