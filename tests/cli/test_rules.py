"""`smppd rules`."""

from __future__ import annotations

from pathlib import Path

from tests.cli.running import Shell, bound, shell, submitted
from tests.transport.support import SUBMIT, Raw, answer, request, submit_body

__all__ = ["bound", "shell"]


def test_no_rules(shell: Shell) -> None:
    assert shell.both("rules") == ([], ["There are no rules."])


def test_a_rule_from_options_works_at_once_and_counts(shell: Shell, bound: Raw) -> None:
    options = ["--to", "4477*", "--text", "*Hello*", "--status", "ESME_RTHROTTLED", "--times", "1", "--name", "busy"]
    assert shell.run("rules", "add", *options) == ["busy is rule 1"]
    bound.ask(request(SUBMIT, 2, submit_body()), answer(SUBMIT, 0x58, 2))
    assert submitted(bound, 3)
    head, line = shell.run("rules")
    assert head.split() == ["name", "origin", "matched", "fired", "when", "then"]
    assert line.split()[:4] == ["busy", "api", "2", "1"]
    assert "destination_addr=4477*" in line
    assert shell.json("rules", "show", "busy")["rule"]["times"] == 1
    shell.run("rules", "reset")
    bound.ask(request(SUBMIT, 4, submit_body()), answer(SUBMIT, 0x58, 4))
    shell.run("rules", "remove", "busy")
    assert shell.json("rules") == {"items": []}


def test_every_option_of_a_rule(shell: Shell) -> None:
    options = ["--from", "smppd", "--command", "submit_sm", "--outcome", "UNDELIV", "--error", "7", "--delay", "250ms"]
    (added,) = shell.json("rules", "add", *options, "--reply", "who is this?", "--ttl", "1h")["items"]
    assert (
        added["rule"]
        == {
            "name": added["name"],
            "when": {"source_addr": {"glob": "smppd"}, "command": ["submit_sm"]},
            "then": {
                "outcome": "UNDELIV",
                "error": 7,
                "delay": {"distribution": "fixed", "value": 0.25},
                "reply": {"text": "who is this?"},
            },
        }
        or added["rule"]["then"]["error"] == 7
    )
    assert 0 < added["expires_in"] <= 3600


def test_rules_of_a_file_keep_their_order_and_stand_where_they_are_wanted(shell: Shell, tmp_path: Path) -> None:
    shell.run("rules", "add", "--name", "old", "--to", "1*", "--status", "ESME_RSYSERR")
    file = tmp_path / "rules.toml"
    file.write_text(
        '[[rule]]\nname = "one"\nwhen = { text = "1" }\nthen = { status = "ESME_RSYSERR" }\n'
        '[[rule]]\nname = "two"\nwhen = { text = "2" }\nthen = { status = "ESME_RSYSERR" }\n'
    )
    shell.run("rules", "add", str(file))
    assert [rule["name"] for rule in shell.json("rules")["items"]] == ["one", "two", "old"]
    shell.run("rules", "remove", "one", "two")
    shell.run("rules", "add", str(file), "--last")
    assert [rule["name"] for rule in shell.json("rules")["items"]] == ["old", "one", "two"]


def test_rules_of_an_account(shell: Shell) -> None:
    shell.run("rules", "add", "--account", "smppclient1", "--status", "ESME_RSYSERR", "--name", "mine")
    shell.run("rules", "add", "--to", "1*", "--status", "ESME_RSYSERR")
    assert [rule["name"] for rule in shell.json("rules", "--account", "smppclient1")["items"]] == ["mine"]


def test_wrong_usage(shell: Shell, tmp_path: Path) -> None:
    assert "what is to happen?" in shell.fails("rules", "add", "--to", "1*", status=2)
    assert "no such file" in shell.fails("rules", "add", str(tmp_path / "none.toml"), status=2)
    broken = tmp_path / "broken.toml"
    broken.write_text("[[rule")
    assert "broken.toml" in shell.fails("rules", "add", str(broken), status=2)
    broken.write_text("[server]\n")
    assert "something else than [[rule]]" in shell.fails("rules", "add", str(broken), status=2)
    assert "from FILE or from options" in shell.fails("rules", "add", str(broken), "--status", "x", status=2)
    assert "then.status" in shell.fails("rules", "add", "--status", "ESME_RNONSENSE")
    assert 'no rule "none"' in shell.fails("rules", "remove", "none")


def test_a_status_is_given_by_number_too(shell: Shell) -> None:
    shell.run("rules", "add", "--status", "88", "--name", "busy")
    assert shell.json("rules", "show", "busy")["rule"]["then"] == {"status": 88}
