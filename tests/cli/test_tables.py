"""Tables and fields on standard output."""

from __future__ import annotations

import pytest

from smppd.cli.tables import print_fields, print_table, printable


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
    assert lines[2].rstrip().endswith(" [bold]y[/bold]")


def test_no_rows_are_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name",), [], empty="There is nothing.")
    assert capsys.readouterr() == ("", "There is nothing.\n")


def test_fields_without_a_value_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields([("a", 1), ("bc", ""), ("def", 0), ("x", None), ("y", [])])
    assert capsys.readouterr().out == "a    1\ndef  0\n"
