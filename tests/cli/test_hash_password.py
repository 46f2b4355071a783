import io

import click
import pytest

from smppd.cli.main import main
from smppd.passwords import ScryptHash


def feed(monkeypatch: pytest.MonkeyPatch, octets: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(octets), encoding="utf-8"))


@pytest.mark.parametrize("octets", [b"secret\n", b"secret\r\n", b"secret", b"secret\nignored\n"])
def test_it_hashes_the_first_line(
    octets: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(monkeypatch, octets)
    assert main(["hash-password"]) == 0
    captured = capsys.readouterr()
    assert ScryptHash.parse(captured.out.strip()).verify(b"secret")
    assert captured.out.count("\n") == 1
    assert captured.err == ""


def test_two_hashes_of_one_password_differ(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        feed(monkeypatch, b"secret")
        main(["hash-password"])
    one, other = capsys.readouterr().out.split()
    assert one != other


def test_a_terminal_is_asked_and_the_question_stays_out_of_the_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[dict[str, object]] = []

    def prompt(_text: str, **options: object) -> str:
        asked.append(options)
        return "secret"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(click, "prompt", prompt)
    assert main(["hash-password"]) == 0
    assert asked == [{"hide_input": True, "confirmation_prompt": True, "err": True}]
    assert ScryptHash.parse(capsys.readouterr().out.strip()).verify(b"secret")


def test_a_password_longer_than_smpp_has_needs_password_max(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(monkeypatch, b"ninechars")
    assert main(["hash-password"]) == 0
    captured = capsys.readouterr()
    assert "password_max = 9" in captured.err
    assert captured.out.startswith("scrypt$")


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "standard input is empty"),
        ("pässword".encode(), "printable ASCII"),
        (b"\xff\xfe", "printable ASCII"),
        (b"tab\there", "printable ASCII"),
        (b"x" * 256, "at most 255"),
    ],
)
def test_what_is_no_password(
    octets: bytes, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(monkeypatch, octets)
    assert main(["hash-password"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert reason in captured.err
