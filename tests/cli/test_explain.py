"""``smppd explain`` as people and scripts use it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from smppd.cli import explain
from smppwire.constants import MAX_PDU_LENGTH
from smppwire.grammar import build
from smppwire.text import DEFAULT_ALPHABETS

ENQUIRE_LINK = "00000010000000150000000000000007"
SUBMIT_SM = (
    "0000003f00000004000000000000000200010034363730313133333131310001013436373039373731333337"
    "004000000000000001000803240103747b7374"
)
VECTORS = Path(__file__).parents[2] / "protocol" / "vectors" / "vectors.jsonl"


def run(*arguments: str, stdin: bytes = b"", **environment: str) -> Result:
    return CliRunner().invoke(explain.command, list(arguments), input=stdin, env=environment)


def objects(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


# -- JSON --------------------------------------------------------------------------------------------------------------


def test_one_object_per_pdu_and_line() -> None:
    result = run("--json", SUBMIT_SM + ENQUIRE_LINK, ENQUIRE_LINK)

    assert result.exit_code == 0
    assert [it["command"] for it in objects(result)] == ["submit_sm", "enquire_link", "enquire_link"]


def test_the_object() -> None:
    (it,) = objects(run("--json", SUBMIT_SM))

    assert {name: it[name] for name in ("command", "command_id", "command_length")} == {
        "command": "submit_sm",
        "command_id": 4,
        "command_length": 63,
    }
    assert (it["command_status"], it["sequence_number"]) == (0, 2)
    assert it["fields"]["esm_class"] == 0x40
    assert it["fields"]["short_message"] == "03240103747b7374"
    assert (it["udh"]["octets"], it["udh"]["concat"], it["tlvs"], it["problems"]) == ("03240103", None, [], [])


def test_problems_are_objects() -> None:
    (it,) = objects(run("--json", "0000001180000004000000000a342ee139"))

    assert it["problems"] == [
        {
            "offset": 16,
            "field": "message_id",
            "rule": "no terminating NUL before the end of the PDU",
            "status": "ESME_RINVCMDLEN",
            "fatal": False,
        }
    ]


def test_text_that_no_encoding_has_is_escaped() -> None:
    values = dict.fromkeys(("service_type", "source_addr", "schedule_delivery_time", "validity_period"), b"")
    numbers = dict.fromkeys(("source_addr_ton", "source_addr_npi", "dest_addr_ton", "dest_addr_npi", "esm_class"), 0)
    flags = ("protocol_id", "priority_flag", "registered_delivery", "replace_if_present_flag", "sm_default_msg_id")
    rest = {"destination_addr": b"1", "data_coding": 8, "short_message": b"\xd8\x3d"}
    frame = build(5, 1, {**values, **numbers, **dict.fromkeys(flags, 0), **rest})

    assert run("--json", frame.hex()).stdout.isascii()
    assert run(frame.hex()).exit_code == 0


# -- Input -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        ENQUIRE_LINK.upper(),
        "0x" + ENQUIRE_LINK,
        "00:00:00:10:00:00:00:15:00:00:00:00:00:00:00:07",
        "0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x15, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x07",
        r"\x00\x00\x00\x10\x00\x00\x00\x15\x00\x00\x00\x00\x00\x00\x00\x07",
        "00000010 00000015\t00000000 00000007",
        ENQUIRE_LINK + " # enquire_link",
    ],
)
def test_forms_of_hexadecimal(form: str) -> None:
    for result in (run("--json", form), run("--json", "-", stdin=form.encode())):
        assert [(it["command"], it["sequence_number"]) for it in objects(result)] == [("enquire_link", 7)]
        assert result.exit_code == 0


def test_a_pdu_pasted_without_quotes() -> None:
    (it,) = objects(run("--json", "00", "00", "0010", "00000015", "00000000", "00000007"))

    assert it["sequence_number"] == 7


def test_a_text_file(tmp_path: Path) -> None:
    file = tmp_path / "pdus.txt"
    file.write_text(f"# a capture\n\n{ENQUIRE_LINK}\r\n  {SUBMIT_SM} {ENQUIRE_LINK} # two\n", encoding="utf-8")

    result = run("--json", str(file))

    assert [it["command"] for it in objects(result)] == ["enquire_link", "submit_sm", "enquire_link"]
    assert result.exit_code == 0


@pytest.mark.parametrize("as_file", [True, False])
def test_binary(tmp_path: Path, as_file: bool) -> None:
    content = bytes.fromhex(ENQUIRE_LINK + SUBMIT_SM)
    file = tmp_path / "pdus.bin"
    file.write_bytes(content)

    result = run("--json", str(file)) if as_file else run("--json", "-", stdin=content)

    assert [it["command"] for it in objects(result)] == ["enquire_link", "submit_sm"]


def test_a_file_goes_before_hexadecimal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cafe").write_text(ENQUIRE_LINK, encoding="ascii")
    monkeypatch.chdir(tmp_path)

    assert [it["command"] for it in objects(run("--json", "cafe"))] == ["enquire_link"]


# -- What holds no PDU -------------------------------------------------------------------------------------------------


def test_a_line_without_a_pdu_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    file = tmp_path / "pdus.txt"
    file.write_text(f"{ENQUIRE_LINK}\nnothing\n{ENQUIRE_LINK}\n", encoding="ascii")

    result = run("--json", str(file))

    assert len(objects(result)) == 2
    assert result.exit_code == 1
    assert "line 2: not hexadecimal" in result.stderr


def test_half_a_header_shows_what_is_there() -> None:
    result = run("--json", "0000001000000015")

    (it,) = objects(result)
    assert (it["command"], it["command_length"], it["command_status"]) == ("enquire_link", 16, None)
    assert [problem["fatal"] for problem in it["problems"]] == [True]
    assert result.exit_code == 1


@pytest.mark.parametrize("digits", ["0", ENQUIRE_LINK + "0"])
def test_half_an_octet(digits: str) -> None:
    result = run("--json", "-", stdin=digits.encode())

    assert (result.exit_code, result.stdout) == (1, "")
    assert "two digits" in result.stderr


@pytest.mark.parametrize("source", ["missing.txt", "", "a" * 5001, "nul\x00"])
def test_a_missing_file(source: str) -> None:
    result = run("--json", source)

    assert (result.exit_code, result.stdout) == (1, "")
    assert "neither hexadecimal nor a file" in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_a_directory(tmp_path: Path) -> None:
    assert run(str(tmp_path)).exit_code == 1


@pytest.mark.parametrize("content", [b"", b"\n# nothing\n"])
def test_nothing_at_all(content: bytes) -> None:
    result = run("-", stdin=content)

    assert result.exit_code == 1
    assert "no PDUs" in result.stderr


def test_a_broken_pdu_is_no_failure_of_the_command() -> None:
    assert run("0000001180000004000000000a342ee139").exit_code == 0


def test_usage() -> None:
    assert run().exit_code == 2
    assert run("--default-alphabet", "morse", ENQUIRE_LINK).exit_code == 2


# -- For people --------------------------------------------------------------------------------------------------------


def test_the_table() -> None:
    output = run(SUBMIT_SM).stdout.splitlines()

    assert output[0] == "submit_sm, 63 octets, sequence_number 2"
    assert output[1].split() == ["offset", "octets", "field", "value", "meaning"]
    assert output[2].split() == ["0", "0000003f", "command_length", "63"]
    assert "  default mode, UDHI" in "\n".join(output)
    assert output[-2].startswith('  text     "t')
    assert output[-1] == "  udh      single shift table 3; IE 24 = 03"
    assert len({line.index("command_") for line in output[2:5]}) == 1


def test_broken_pdus_say_so() -> None:
    output = run(
        "00000039000000050000000000000001000101393939393139393134353933000000363436340000000000000000080010c1e1e9edf3faf1fc"
    ).stdout

    assert "(from the break on)" in output
    assert "PROBLEM  at 49, short_message: sm_length runs beyond the end of the PDU (ESME_RINVMSGLEN)" in output


def test_framing_that_is_lost() -> None:
    assert "framing is lost" in run("0000000f800000060000000000000001").stdout


def test_several_pdus_are_set_apart() -> None:
    assert run(ENQUIRE_LINK, ENQUIRE_LINK).stdout.count("\n\n") == 1


def test_messages_cannot_steer_the_terminal() -> None:
    evil = bytes.fromhex(SUBMIT_SM[: 2 * (63 - 8)]) + b"\x03\x24\x01\x03\x1b[2J"
    evil = evil[:43] + b"\x00" + evil[44:]

    output = run("--default-alphabet", "latin-1", evil.hex(), "0000001480000004000000000000000141071b00").stdout

    assert "\x1b" not in output
    assert r'"A\x07\x1b"' in output


def test_no_colours_without_a_terminal() -> None:
    assert "\x1b" not in run("0000000f800000060000000000000001").stdout


@pytest.mark.parametrize(("no_colour", "coloured"), [("", True), ("1", False)])
def test_colours_on_a_terminal_unless_no_color(
    no_colour: str, coloured: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NO_COLOR", no_colour)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)

    explain.command.main(["0000000f800000060000000000000001"], standalone_mode=False)

    assert ("\x1b[" in capsys.readouterr().out) == coloured


def test_the_default_alphabet_can_be_chosen() -> None:
    frame = build_text(b"\x00")

    assert [it["text"] for it in objects(run("--json", frame))] == ["@"]
    assert [it["text"] for it in objects(run("--json", "--default-alphabet", "latin-1", frame))] == [""]


def build_text(octets: bytes) -> str:
    body = bytes(16) + bytes((len(octets),)) + octets
    return ((16 + len(body)).to_bytes(4, "big") + b"\x00\x00\x00\x04" + bytes(7) + b"\x01" + body).hex()


def test_the_command_knows_what_the_library_knows() -> None:
    assert set(explain.ALPHABETS) == set(DEFAULT_ALPHABETS)
    assert explain.MAX_PDU == MAX_PDU_LENGTH


def test_the_dissector_is_loaded_only_when_used() -> None:
    script = "import sys, smppd.cli.explain; sys.exit('construct' in sys.modules or 'smppwire.grammar' in sys.modules)"

    path = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "protocol")]
    done = subprocess.run([sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}; {script}"], check=False)

    assert done.returncode == 0


# -- Everything that was harvested -------------------------------------------------------------------------------------


def test_all_vectors_in_one_file(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in VECTORS.read_text(encoding="utf-8").splitlines()]
    file = tmp_path / "vectors.txt"
    file.write_text("".join(row["hex"] + "\n" for row in rows), encoding="ascii")

    as_json, as_table = run("--json", str(file)), run(str(file))

    assert len(objects(as_json)) >= len(rows)
    for result in (as_json, as_table):
        assert result.exit_code == 1
        assert isinstance(result.exception, SystemExit)
        assert result.stderr == ""
