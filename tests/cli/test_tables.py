"""Tables and fields on standard output."""

from __future__ import annotations

import click
import pytest
from rich.cells import cell_len

from smppd.cli.tables import print_fields, print_table, printable

COLUMNS = ("id", "account", "state", "text")
ROW = ("1000000000", "smppclient1", "DELIVERED", "Your code is 4711 and more of it")


def on_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int) -> list[str]:
    """The table as a terminal of so many columns has it; a terminal understands how its head is set off."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    print_table(COLUMNS, [ROW], empty="none", spare=("account",))
    return [click.unstyle(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0, "0"),
        ("a\nb\tc", "a b c"),
        ("\x1b[2J", "\\x1b[2J"),
        ("é 😀", "é 😀"),
        ("\u202eabc", "\\x202eabc"),
    ],
)
def test_nothing_commands_the_terminal(value: object, text: str) -> None:
    assert printable(value) == text


def test_columns_for_programs_are_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "text"), [("a", "x" * 500), ("long name", "[bold]y[/bold]")], empty="none")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "text"]
    assert lines[1].split() == ["a", "x" * 500]
    assert lines[2].startswith("long name ")
    assert lines[2] == "long name  [bold]y[/bold]"
    assert lines[1] == f"a          {'x' * 500}"


def test_no_rows_are_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name",), [], empty="There is nothing.")
    assert capsys.readouterr() == ("", "There is nothing.\n")


def test_fields_without_a_value_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields([("a", 1), ("bc", ""), ("def", 0), ("x", None), ("y", [])])
    assert capsys.readouterr().out == "a    1\ndef  0\n"


def test_the_last_column_gives_way_first(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert on_terminal(monkeypatch, capsys, 200)[2].split("  ")[3] == ROW[3]
    head, rule, row = on_terminal(monkeypatch, capsys, 50)
    assert head == "id          account      state      text"
    assert row == "1000000000  smppclient1  DELIVERED  Your code is …"
    assert rule == "─" * 50


def test_then_what_can_be_spared(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    head, _, row = on_terminal(monkeypatch, capsys, 38)
    assert head == "id          state      text"
    assert row == "1000000000  DELIVERED  Your code is 4…"


def test_then_it_is_cut(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    *_, row = on_terminal(monkeypatch, capsys, 25)
    assert row == "100000…  DELIVE…  Your c…"
    *_, row = on_terminal(monkeypatch, capsys, 1)
    assert row == "100…  DEL…  You…"


def test_wide_characters_take_two_cells(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "20")
    print_table(("text", "n"), [("你好🎉", "1"), ("abc", "2")], empty="none")
    _, _, wide, narrow = capsys.readouterr().out.splitlines()
    assert cell_len(wide) == cell_len(narrow) == 9
