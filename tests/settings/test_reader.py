import errno
import re
from pathlib import Path

import pytest

from smppd.settings import Account, Delay, Settings, SettingsError, files, load_settings, settings_from
from tests.settings.support import load, problems

# -- files that cannot be read


def test_broken_toml_names_line_and_column(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, '[server]\nhttp = "x\n')
    assert re.fullmatch(r".*smppd\.toml:2:10: not TOML: .*", str(caught.value.problems[0]))


def test_broken_toml_at_the_end(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, "[server]\nhttp =")
    assert re.fullmatch(r".*smppd\.toml:2:7: not TOML: .*", str(caught.value.problems[0]))


def test_duplicate_keys_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not TOML"):
        load(tmp_path, "[server]\nseed = 1\nseed = 2")


def test_the_environment_is_checked_even_when_the_file_is_broken(tmp_path: Path) -> None:
    assert len(problems(tmp_path, "[", {"SMPPD_SERVER__SEED": "x"})) == 2


def test_deep_nesting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nested too deeply"):
        load(tmp_path, "x = " + "[" * 100_000)


def test_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "f.toml"
    path.write_bytes(b"# ok\n# caf\xe9\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(path, {})
    assert str(caught.value.problems[0]) == f"{path}:2:6: not UTF-8 (octet 0xe9)"


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "f.toml"
    path.write_bytes(b"\xef\xbb\xbf[server]\r\nseed = 5\r\n")
    assert load_settings(path, {}).server.seed == 5


def test_missing_files_and_directories(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        load_settings(tmp_path / "none.toml", {})
    with pytest.raises(SettingsError, match="is a directory"):
        load_settings(tmp_path, {})
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "a\0b", {})


def test_unreadable_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SettingsError, match=r"f\.toml: cannot be read: Permission denied"):
        load_settings(tmp_path / "f.toml", {})


def test_an_endless_file_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILE_SIZE", 1024 * 1024)
    with pytest.raises(SettingsError, match="longer than 1 MiB"):
        load_settings(Path("/dev/zero"), {})


# -- environment and --set


def test_the_order_of_precedence(tmp_path: Path) -> None:
    text = "[server]\nseed = 1\nbacklog = 1\nmax_unbound = 1"
    environ = {"SMPPD_SERVER__SEED": "2", "SMPPD_SERVER__BACKLOG": "2"}
    server = load(tmp_path, text, environ, "server.seed=3").server
    assert (server.max_unbound, server.backlog, server.seed) == (1, 2, 3)


def test_later_overrides_win(tmp_path: Path) -> None:
    assert load(tmp_path, "", {}, "server.seed=3", "server.seed=4").server.seed == 4


def test_the_environment(tmp_path: Path) -> None:
    environ = {
        "SMPPD_SERVER__SMPP": "127.0.0.1:2776,127.0.0.1:2777",
        "smppd_server__seed": "9",
        "SMPPD_LOG__LEVEL": "debug",
        "SMPPD_ACCOUNT__0__PASSWORD": "00042",
        "SMPPD_ACCOUNT__1__SYSTEM_ID": "b",
        "SMPPD_ACCOUNT__1__PASSWORD": "c",
        "SMPPD_NETWORK__DEFAULT__OUTCOME__UNDELIV": "3",
        "SMPPD_NETWORK__GOOD__DELAY": "{ distribution = 'fixed', value = 2 }",
        "PATH": "x",
    }
    settings = load(tmp_path, "", environ)
    assert settings.server.smpp == ["127.0.0.1:2776", "127.0.0.1:2777"]
    assert settings.server.seed == 0, "only the prefix in capitals is ours"
    assert settings.log.level == "debug"
    assert [(account.system_id, account.password) for account in settings.account] == [
        ("smppclient1", "00042"),
        ("b", "c"),
    ]
    assert settings.network["default"].outcome == {"UNDELIV": 3}
    assert settings.network["good"].delay == Delay(distribution="fixed", value=2)


def test_many_accounts_in_the_environment_come_in_order() -> None:
    environ = {f"SMPPD_ACCOUNT__{n}__{key}": f"x{n}" for n in range(12) for key in ("SYSTEM_ID", "PASSWORD")}
    settings = load_settings(None, environ)
    assert [account.system_id for account in settings.account] == [f"x{n}" for n in range(12)]


def test_whole_lists_replace_those_of_the_file() -> None:
    value = '[{ system_id = "a", password = "b" }]'
    expected = [Account(system_id="a", password="b")]
    assert load_settings(None, {"SMPPD_ACCOUNT": value}).account == expected
    assert load_settings(None, {}, [f"account={value}"]).account == expected


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("SMPPD_SERVER__HTPP", 'did you mean "SMPPD_SERVER__HTTP"?'),
        ("SMPPD_SERVER_HTTP", 'did you mean "SMPPD_SERVER__HTTP"?'),
        ("SMPPD_ACCOUNT__5__PASSWORD", "account is a list; its next free index is 1"),
        ("SMPPD_", "known here: server, "),
    ],
)
def test_unknown_variables(tmp_path: Path, name: str, hint: str) -> None:
    (problem,) = problems(tmp_path, "", {name: "x"})
    assert problem.startswith(f"{name}: no such setting ({hint}")


def test_what_orchestrators_inject_is_left_alone() -> None:
    injected = {
        "SMPPD_URL": "http://127.0.0.1:8775",
        "SMPPD_TOKEN": "secret",
        "SMPPD_SERVICE_HOST": "10.0.0.1",
        "SMPPD_SERVICE_PORT": "2775",
        "SMPPD_SERVICE_PORT_HTTP": "8775",
        "SMPPD_PORT": "tcp://10.0.0.1:2775",
        "SMPPD_PORT_2775_TCP": "tcp://10.0.0.1:2775",
        "SMPPD_PORT_2775_TCP_ADDR": "10.0.0.1",
    }
    assert load_settings(None, injected) == Settings()


def test_problems_name_where_a_value_came_from(tmp_path: Path) -> None:
    found = problems(tmp_path, "[log]\npdus = 1", {"SMPPD_LOG__LEVEL": "loud"}, "log.format=xml")
    assert [problem.split(" = ")[0] for problem in found] == [
        "SMPPD_LOG__LEVEL: log.level",
        "--set: log.format",
        "log.pdus",
    ]


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("server.http", "--set: server.http: expected key=value"),
        ("", "--set: expected key=value"),
        ("server.htp=x", '--set: server.htp: unknown key (did you mean "http"?)'),
        ("server.http.x=1", "--set: server.http.x: unknown key (server.http is a value, nothing is below it)"),
        (
            "=x",
            (
                "--set: unknown key (known here: server, messages, journal, timers, privacy, log, validation, "
                "clock, api, account, distribution_list, route, rule, fault, webhook, dialect, network)"
            ),
        ),
        (
            "account[9].password=x",
            "--set: account[9].password: unknown key (account is a list; its next free index is 1)",
        ),
    ],
)
def test_broken_overrides(tmp_path: Path, override: str, problem: str) -> None:
    assert problems(tmp_path, "", {}, override) == [problem]


def test_overrides_with_brackets_and_empty_values(tmp_path: Path) -> None:
    settings = load(tmp_path, "", {}, "account[0].password=", "server.http=", "server.smpp=127.0.0.1:0")
    assert settings.account[0].password == ""
    assert settings.server.http == ""
    assert settings.server.smpp == ["127.0.0.1:0"]


# -- tables that are no file


def test_tables_of_a_program_are_read_as_a_file_would_be(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[[rule]]\nthen = { status = "ESME_RSYSERR" }\n')
    settings = settings_from({"server": {"rules": ["own.toml"]}}, "a test", tmp_path)
    assert [rule.name for rule in settings.rule] == ["own-rule-1"]
    assert [account.system_id for account in settings.account] == ["smppclient1"]


def test_mistakes_in_tables_of_a_program_name_where_they_stand(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_from({"server": {"seed": "x"}, "sever": {}}, "a test", tmp_path)
    assert [problem.file for problem in caught.value.problems] == ["a test"] * 2
