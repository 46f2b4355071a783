import sys
from pathlib import Path

import pytest

from smppd.cli.check import summary
from smppd.cli.main import main
from smppd.settings import Account, Match, Network, Route, Settings, Throughput

CONFIG = Path(__file__).parents[2] / "config"


def lines(settings: Settings) -> list[str]:
    return [f"{label}: {text}" if label else text for label, text in summary(settings)]


@pytest.mark.parametrize("name", ["smppd.toml", "benchmark.toml"])
def test_the_shipped_files_are_accepted(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(CONFIG / name)]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[0] == f"{CONFIG / name}: ok"
    assert captured.err == ""


def test_hooks_are_looked_for_as_the_server_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.path", [*sys.path])
    (tmp_path / "checked_lab.py").write_text("def known(event):\n    return None\n")
    file = tmp_path / "smppd.toml"
    file.write_text('[[rule]]\nname = "a"\nthen = { hook = "checked_lab:known" }\n')
    assert main(["check", str(file)]) == 0
    file.write_text(
        '[[rule]]\nname = "a"\nwhen = { part = 1 }\nthen = { hook = "checked_lab:unknown" }\n'
        '[[rule]]\nname = "b"\nthen = { hook = "no_such_module:f" }\n'
    )
    assert main(["check", str(file)]) == 1
    shown = capsys.readouterr().err.splitlines()
    assert shown[1] == "  rule a: hook checked_lab:unknown: there is no unknown in checked_lab"
    assert shown[2].startswith("  rule b: hook no_such_module:f: there is no module no_such_module")


def test_the_summary_of_the_built_in_configuration() -> None:
    assert lines(Settings()) == [
        "listeners: SMPP 127.0.0.1:2775, HTTP 127.0.0.1:8775",
        "accounts: 1",
        "smppclient1: transmitter, receiver, transceiver; no limits",
        "routes: 1",
        "default: every message -> network default",
        "networks: 1",
        "default: outcome after 0.2 to 1 s; DELIVRD 1",
    ]


def test_the_summary_names_limits_matches_and_shares() -> None:
    settings = Settings(
        account=[
            Account(system_id="a", password="x", max_binds=2, throughput=Throughput(limit=5, per=0.5), enabled=False)
        ],
        route=[
            Route(
                name="r",
                match=Match(destination_addr=["33*", "44*"], data_coding=0),
                throughput=Throughput(limit=10),
            )
        ],
        network={"default": Network(outcome={"DELIVRD": 3, "UNDELIV": 1, "EXPIRED": 0})},
    )
    text = lines(settings)
    assert "a: disabled; transmitter, receiver, transceiver; max_binds 2, throughput 5 per 0.5 s" in text
    assert "r: destination_addr 33*, 44* and data_coding 0 -> network default; 10 per 1 s" in text
    assert "default: outcome after 0.2 to 1 s; DELIVRD 0.75, UNDELIV 0.25" in text


def test_the_summary_of_many_accounts_is_short() -> None:
    accounts = [Account(system_id=f"a{n}", password="x") for n in range(1000)]
    text = lines(Settings(account=accounts))
    assert "accounts: 1000" in text
    assert "... and 990 more" in text
    assert len(text) < 20


def test_the_summary_shows_no_password(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "f.toml"
    path.write_text('[[account]]\nsystem_id = "a"\npassword = "hunter2"')
    assert main(["check", str(path)]) == 0
    assert "hunter2" not in capsys.readouterr().out


def test_every_error_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "f.toml"
    path.write_text("[server]\nhtp = 1\nmax_pdu = 0\n[timers]\nresponse = -1\n")
    assert main(["check", str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "smppd: the configuration has 3 problems:",
        f'  {path}: server.htp: unknown key (did you mean "http"?)',
        f"  {path}: server.max_pdu = 0: expected an integer from 256 to 16777216",
        f"  {path}: timers.response = -1: expected a number from 0 to 315360000",
    ]


def test_overrides_and_the_environment_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "f.toml"
    path.touch()
    monkeypatch.setenv("SMPPD_SERVER__HTTP", "")
    assert main(["check", str(path), "--set", "server.smpp=127.0.0.1:1"]) == 0
    assert "listeners  SMPP 127.0.0.1:1\n" in capsys.readouterr().out
    monkeypatch.setenv("SMPPD_SERVER__HTP", "")
    assert main(["check", str(path)]) == 1
    assert 'did you mean "SMPPD_SERVER__HTTP"?' in capsys.readouterr().err


def test_a_directory_is_no_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path)]) == 1
    assert "is a directory" in capsys.readouterr().err


def test_the_summary_of_rules_faults_and_dialects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "f.toml"
    path.write_text(
        """
        [[rule]]
        name = "france"
        enabled = false
        when = { destination_addr = "336*", esm_class = 3 }
        then = { status = "ESME_RTHROTTLED", delay = 2 }
        [[fault]]
        name = "cut"
        kind = "slice"
        size = 7
        [dialect.hex]
        """
    )
    assert main(["check", str(path)]) == 0
    text = capsys.readouterr().out
    assert "france: disabled; submit_sm and data_sm by destination_addr, esm_class -> status, delay" in text
    assert "cut: slice (size 7)" in text
    assert "dialects   1" in text


def test_mistakes_in_rules_name_key_and_hint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "f.toml"
    path.write_text('[[rule]]\nwhen = { esm_clas = 3 }\nthen = { status = "ESME_RTHROTLED" }\n')
    assert main(["check", str(path)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[1].endswith('rule[0].when.esm_clas: unknown key; expected a mandatory field in the spelling of the '
                             'specification (did you mean "esm_class"?)')  # fmt: skip
    assert lines[2].endswith('(did you mean "ESME_RTHROTTLED"?)')
