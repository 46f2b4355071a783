from pathlib import Path

import pytest

from smppd.settings import IdForm, load_settings
from smppd.settings.files import shipped_names
from smppd.settings.includes import shipped_dialects
from tests.settings.support import load, problems

THEN = "then = { status = 8 }\n"


def write(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


# -- files of rules


def test_rules_of_files_come_after_those_of_the_configuration(tmp_path: Path) -> None:
    write(tmp_path, "more.toml", f'[[rule]]\n{THEN}[[fault]]\nkind = "fin"\n')
    settings = load(tmp_path, f'[server]\nrules = ["more.toml", "magic-numbers"]\n[[rule]]\n{THEN}')
    assert [rule.name for rule in settings.rule[:3]] == ["rule-1", "more-rule-1", "throttled"]
    assert [fault.name for fault in settings.fault] == ["more-fault-1"]


def test_a_file_counts_from_where_the_configuration_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "rules/more.toml", f"[[rule]]\n{THEN}")
    assert len(load(tmp_path, '[server]\nrules = ["rules/more.toml"]').rule) == 1
    monkeypatch.chdir(tmp_path)
    assert len(load_settings(None, {}, ["server.rules=rules/more.toml"]).rule) == 1


def test_a_file_that_is_named_twice_counts_once(tmp_path: Path) -> None:
    write(tmp_path, "more.toml", f"[[rule]]\n{THEN}")
    assert len(load(tmp_path, '[server]\nrules = ["more.toml", "more.toml"]').rule) == 1


def test_problems_name_the_file_and_the_key_in_it(tmp_path: Path) -> None:
    path = write(tmp_path, "more.toml", f"[[rule]]\nwen = 1\n{THEN}[[rule]]\nwhen = {{ account = 'x' }}\n{THEN}")
    assert problems(tmp_path, '[server]\nrules = ["more.toml"]\nhtp = 1') == [
        'server.htp: unknown key (did you mean "http"?)',
        f'{path}: rule[0].wen: unknown key (did you mean "when"?)',
        f'{path}: rule[1].when.account = "x": expected the system_id of an account',
    ]


def test_one_name_in_two_files(tmp_path: Path) -> None:
    path = write(tmp_path, "more.toml", f'[[rule]]\nname = "throttled"\n{THEN}')
    (problem,) = problems(tmp_path, '[server]\nrules = ["magic-numbers", "more.toml"]')
    assert problem.startswith(f'{path}: rule[0].name = "throttled": expected a name of its own (rule[0] in ')


def test_a_file_may_say_the_same_as_another(tmp_path: Path) -> None:
    """Rules of one's own come first on purpose: what they take from a file is no mistake."""
    assert len(load(tmp_path, f'[server]\nrules = ["magic-numbers"]\n[[rule]]\n{THEN}').rule) > 1


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    write(tmp_path, "broken.toml", "[[rule")
    found = problems(tmp_path, '[server]\nrules = ["none.toml", "nothing", "broken.toml"]')
    assert found[0].startswith(f"{tmp_path / 'none.toml'}: there is no such file (names of shipped ones: magic-numbers")
    assert "rules/nothing.toml: there is no such file" in found[1]
    assert "broken.toml:1:7: not TOML" in found[2]


def test_only_rules_and_faults_may_stand_there(tmp_path: Path) -> None:
    path = write(tmp_path, "more.toml", "[server]\n")
    assert problems(tmp_path, '[server]\nrules = ["more.toml"]') == [
        f"{path}: server: unknown key (known here: rule, fault)"
    ]


# -- dialects


def test_a_dialect_takes_over_what_it_does_not_set(tmp_path: Path) -> None:
    text = """
    [dialect.a]
    message_id = { response = { base = "hex" }, receipt_text = { width = 10 } }
    session = { first_sequence_number = 5 }
    [dialect.b]
    based_on = "a"
    message_id = { response = { case = "upper" } }
    [dialect.c]
    based_on = "b"
    session = { align_sequences = true }
    """
    dialects = load(tmp_path, text).dialect
    assert dialects["c"].message_id.response == IdForm(base="hex", case="upper")
    assert dialects["c"].message_id.receipt_text == IdForm(width=10)
    assert (dialects["c"].session.first_sequence_number, dialects["c"].session.align_sequences) == (5, True)
    assert dialects["a"].message_id.response == IdForm(base="hex")


def test_dialects_of_files(tmp_path: Path) -> None:
    write(tmp_path, "carriers/one.toml", 'based_on = "two"\n[session]\nmax_pdu = 4096\n')
    write(tmp_path, "carriers/two.toml", "[session]\nfirst_sequence_number = 5\n")
    text = '[server]\ndialects = ["carriers"]\n[[account]]\nsystem_id = "a"\npassword = "b"\ndialect = "one"\n'
    for setting in (text, text.replace('["carriers"]', '["carriers/one.toml", "carriers/two.toml"]')):
        dialect = load(tmp_path, setting).dialect["one"]
        assert (dialect.session.first_sequence_number, dialect.session.max_pdu) == (5, 4096)


def test_shipped_dialects_are_there_when_somebody_names_them(tmp_path: Path) -> None:
    for name in shipped_names("dialects"):
        account = f'[[account]]\nsystem_id = "a"\npassword = "b"\ndialect = "{name}"\n'
        assert name in load(tmp_path, account).dialect
    assert list(load(tmp_path).dialect) == ["default"]


def test_problems_in_dialects_name_their_file(tmp_path: Path) -> None:
    path = write(tmp_path, "one.toml", "[session]\nmax_pdv = 5\n")
    text = '[server]\ndialects = ["one.toml"]\n[dialect.x]\nbased_on = "one"\n'
    assert problems(tmp_path, text) == [f'{path}: session.max_pdv: unknown key (did you mean "max_pdu"?)']


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[dialect.abc]\nbased_on = "abd"',
            'dialect.abc.based_on = "abd": expected the name of a dialect (did you mean "abc"?)',
        ),
        (
            '[dialect.a]\nbased_on = "b"\n[dialect.b]\nbased_on = "a"',
            'dialect.b.based_on = "a": expected another dialect (a -> b -> a)',
        ),
        ('[dialect.a]\nbased_on = "a"', 'dialect.a.based_on = "a": expected another dialect (a -> a)'),
    ],
)
def test_dialects_that_are_based_on_nothing(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text)[0] == problem


def test_a_shipped_dialect_by_its_name() -> None:
    assert shipped_dialects("uuid-ids")["uuid-ids"].message_id.response.base == "uuid"
    assert shipped_dialects("klingon") == {}
