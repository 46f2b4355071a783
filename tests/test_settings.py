import errno
import re
import tomllib
from datetime import UTC
from pathlib import Path

import msgspec
import pytest

from smppd import settings as module
from smppd.settings import (
    Account,
    Delay,
    Match,
    Network,
    Route,
    Settings,
    SettingsError,
    diff,
    load_settings,
    parse_address,
    time_zone,
    without_restart,
)
from tests.test_passwords import cheap_hash

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "config"
ACCOUNT = '[[account]]\nsystem_id = "a"\npassword = "secret"\n'


def load(tmp_path: Path, text: str = "", environ: dict[str, str] | None = None, *overrides: str) -> Settings:
    path = tmp_path / "smppd.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ or {}, overrides)


def problems(tmp_path: Path, text: str = "", environ: dict[str, str] | None = None, *overrides: str) -> list[str]:
    """What is wrong, without the path of the file."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text, environ, *overrides)
    return [str(problem).removeprefix(f"{tmp_path / 'smppd.toml'}: ") for problem in caught.value.problems]


# -- defaults and shipped files


def test_without_a_file_the_built_in_configuration_runs() -> None:
    settings = load_settings(None, {})
    assert settings == Settings()
    assert settings.server.smpp == ["127.0.0.1:2775"]
    assert settings.server.http == "127.0.0.1:8775"
    assert settings.server.system_id == "smppd"
    assert settings.server.max_pdu == 131_072
    (account,) = settings.account
    assert (account.system_id, account.password) == ("smppclient1", "password")
    assert (account.max_binds, account.window, account.throughput.limit) == (0, 0, 0)
    assert settings.route == [Route(name="default")]
    assert settings.network == {"default": Network()}
    assert settings.network["default"].delay == Delay(distribution="uniform", min=0.2, max=1.0)
    assert settings.network["default"].outcome == {"DELIVRD": 100}


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert load(tmp_path) == Settings()


def test_the_shipped_file_is_the_built_in_configuration() -> None:
    assert load_settings(CONFIG / "smppd.toml", {}) == Settings()


STRUCTS: dict[str, type[msgspec.Struct]] = {
    "server": module.Server,
    "messages": module.Messages,
    "journal": module.Journal,
    "timers": module.Timers,
    "privacy": module.Privacy,
    "log": module.Log,
    "validation": module.Validation,
    "account": module.Account,
    "throughput": module.Throughput,
    "route": module.Route,
    "match": module.Match,
    "queue": module.Queue,
    "network.NAME": module.Network,
    "delay": module.Delay,
}


def test_the_shipped_file_names_every_key() -> None:
    text = (CONFIG / "smppd.toml").read_text()
    fields = [name for struct in STRUCTS.values() for name in struct.__struct_fields__]
    assert [name for name in fields if not re.search(rf"\b{name}\b", text)] == []


def test_the_benchmark_is_without_limits(tmp_path: Path) -> None:
    settings = load_settings(CONFIG / "benchmark.toml", {})
    (account,) = settings.account
    (route,) = settings.route
    assert (account.system_id, account.password) == ("smppclient1", "password")
    assert (account.max_binds, account.window, account.deliver_window) == (0, 0, 0)
    assert (account.throughput.limit, route.throughput.limit, route.match) == (0, 0, Match())
    assert settings.network[route.network].delay == Delay(distribution="fixed", value=0)
    assert settings.network[route.network].outcome == {"DELIVRD": 100}
    assert settings.journal.pdus == 0
    assert not settings.log.pdus
    assert settings.server.max_connections >= 10_000
    assert settings.server.http


def documented() -> dict[tuple[str, str], str]:
    """(section, key) -> default, as docs/configuration.md has them."""
    section, found = "", {}
    for line in (ROOT / "docs" / "configuration.md").read_text().splitlines():
        if heading := re.match(r"#+ `\[*([\w.]+)\]*`", line):
            section = heading[1]
        elif section in STRUCTS and (row := re.match(r"\| `(\w+)` \| (.+?) \|", line)):
            found[section, row[1]] = row[2]
    return found


def test_the_documentation_has_every_key_with_its_default() -> None:
    keys = {(section, name) for section, struct in STRUCTS.items() for name in struct.__struct_fields__}
    found = documented()
    assert found.keys() == keys
    for (section, name), default in found.items():
        field = next(one for one in msgspec.structs.fields(STRUCTS[section]) if one.name == name)
        value = field.default_factory() if field.default is msgspec.NODEFAULT and not field.required else field.default
        if default == "required":
            assert field.required
        elif default.startswith("`"):
            assert tomllib.loads(f"value = {default.strip('`')}")["value"] == value, (section, name)
        else:
            empty = {None, Match(), module.Throughput(), module.Queue(), Delay()}
            assert any(value == one for one in empty), (section, name)


def test_the_documentation_names_what_needs_a_restart() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    sentence = text[text.index("These wait for a restart:") :].split("\n\n")[0]
    assert re.findall(r"`([\w.]+)`", sentence) == [".".join(path) for path in module.RESTART_KEYS]


# -- what the file means


def test_the_sample_of_the_contract(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        [server]
        smpp = ["127.0.0.1:2775", "[::1]:2775"]
        http = ""
        [[account]]
        system_id = "smppclient1"
        password = "password"
        bind_types = ["transmitter", "receiver"]
        max_binds = 10
        window = 100
        throughput = { limit = 200, per = 1.0, burst = 50, count = "parts", over = "ESME_RTHROTTLED" }
        receipt_bind = "round_robin"
        [[route]]
        name = "fr-mobile"
        match = { destination_addr = "336*" }
        throughput = { limit = 500, per = 1.0, burst = 100, over = "queue" }
        queue = { limit = 100000, over = "ESME_RMSGQFUL" }
        network = "good"
        [[route]]
        name = "rest"
        [network.good]
        delay = { distribution = "uniform", min = 0.2, max = 1.0 }
        outcome = { DELIVRD = 97, UNDELIV = 2, EXPIRED = 1 }
        """,
    )
    assert settings.account[0].throughput.burst == 50
    assert settings.route[0].match.destination_addr == "336*"
    assert settings.route[0].throughput.over == "queue"
    assert settings.network["good"].outcome == {"DELIVRD": 97, "UNDELIV": 2, "EXPIRED": 1}
    assert settings.network["default"] == Network()


def test_accounts_and_routes_of_the_file_replace_the_built_in_ones(tmp_path: Path) -> None:
    settings = load(tmp_path, ACCOUNT + '[[route]]\nname = "r"')
    assert [account.system_id for account in settings.account] == ["a"]
    assert [route.name for route in settings.route] == ["r"]


def test_no_accounts_at_all_can_be_said(tmp_path: Path) -> None:
    assert load(tmp_path, "account = []\nroute = []").account == []


def test_the_longest_password_of_all_accounts(tmp_path: Path) -> None:
    text = ACCOUNT + '[[account]]\nsystem_id = "b"\npassword = "ninechars"\npassword_max = 9'
    assert load(tmp_path, text).longest_password == 9
    assert load(tmp_path, "account = []").longest_password == 8


def test_a_password_hash(tmp_path: Path) -> None:
    text = cheap_hash(b"x")
    assert load(tmp_path, f'[[account]]\nsystem_id = "a"\npassword_hash = "{text}"').account[0].password_hash == text


def test_integers_are_good_for_numbers(tmp_path: Path) -> None:
    assert load(tmp_path, "[timers]\nresponse = 10").timers.response == 10.0


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:2775", ("127.0.0.1", 2775)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:65535", ("::1", 65535)),
        ("[fe80::1%eth0]:1", ("fe80::1%eth0", 1)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("127.0.0.1", "port is missing"),
        (":2775", "host is missing"),
        ("[]:2775", "host is missing"),
        ("::1:2775", "brackets"),
        ("h:", "port is not"),
        ("h:65536", "port is not"),
        ("h:-1", "port is not"),
        ("h:+1", "port is not"),
        ("h:\u0661", "port is not"),
        ("a b:1", "characters"),
    ],
)
def test_what_is_no_address(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_address(text)


def test_time_zones() -> None:
    assert time_zone("UTC") is UTC
    assert str(time_zone("Europe/Paris")) == "Europe/Paris"


# -- what is wrong, each mistake once


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[server]\nhtp = 1", 'server.htp: unknown key (did you mean "http"?)'),
        ("[sever]\nhttp = 1", 'sever: unknown key (did you mean "server"?)'),
        ("server = 5", "server = 5: expected a table"),
        ('[server]\nsmpp = "127.0.0.1:2775"', 'server.smpp = "127.0.0.1:2775": expected a list of host:port'),
        ("[server]\nsmpp = []", "server.smpp = []: expected a list of host:port (it must not be empty)"),
        ('[server]\nsmpp = ["h"]', 'server.smpp[0] = "h": expected host:port (the port is missing)'),
        (
            '[server]\nsmpp = ["127.0.0.1:1", "127.0.0.1:1"]',
            'server.smpp[1] = "127.0.0.1:1": expected an address of its own (server.smpp[0] has it already)',
        ),
        (
            '[server]\nhttp = "127.0.0.1:2775"',
            'server.http = "127.0.0.1:2775": expected an address of its own (server.smpp[0] has it already)',
        ),
        (
            '[server]\ntimezone = "Europe/Pariss"',
            (
                'server.timezone = "Europe/Pariss": expected a time zone such as UTC or Europe/Paris '
                '(did you mean "Europe/Paris"?)'
            ),
        ),
        (
            '[server]\ntimezone = "../etc"',
            (
                'server.timezone = "../etc": expected a time zone such as UTC or Europe/Paris '
                "(not in the time zone database)"
            ),
        ),
        (
            '[server]\nsystem_id = "sixteen--letters"',
            'server.system_id = "sixteen--letters": expected up to 15 characters of printable ASCII (16 characters)',
        ),
        ("[server]\ninterface_version = 3.4", 'server.interface_version = 3.4: expected "3.4" or "5.0"'),
        ("[server]\nmax_pdu = 16", "server.max_pdu = 16: expected an integer from 256 to 16777216"),
        ("[server]\nmax_connections = true", "server.max_connections = true: expected an integer from 1 to 1000000"),
        ("[messages]\nlimit = -1", "messages.limit = -1: expected an integer from 1 to 1000000000"),
        (
            "[messages]\nmax_validity = 60",
            "messages.default_validity = 86400.0: expected at most max_validity (60)",
        ),
        ("[timers]\nresponse = -0.5", "timers.response = -0.5: expected a number from 0 to 315360000"),
        ("[timers]\nresponse = nan", "timers.response = NaN: expected a number from 0 to 315360000"),
        ('[timers]\nresponse = "10"', 'timers.response = "10": expected a number from 0 to 315360000'),
        ("[journal]\npdus = 1.5", "journal.pdus = 1.5: expected an integer from 0 to 100000000"),
        (
            '[log]\nlevel = "warn"',
            'log.level = "warn": expected "debug", "info", "warning" or "error" (did you mean "warning"?)',
        ),
        (
            '[account]\nsystem_id = "a"\npassword = "b"',
            "account = {...}: expected a list of tables (write [[account]], with double brackets)",
        ),
        (
            '[[account]]\npassword = "b"',
            "account[0].system_id: missing; expected 1 to 15 characters of printable ASCII",
        ),
        (
            '[[account]]\nsystem_id = ""\npassword = "b"',
            'account[0].system_id = "": expected 1 to 15 characters of printable ASCII (0 characters)',
        ),
        (
            '[[account]]\nsystem_id = "\u00e9"\npassword = "b"',
            (
                'account[0].system_id = "\\u00e9": expected 1 to 15 characters of printable ASCII '
                "(characters other than printable ASCII)"
            ),
        ),
        (
            '[[account]]\nsystem_id = "a"',
            "account[0].password: expected either password or password_hash (neither is given)",
        ),
        (
            f'[[account]]\nsystem_id = "a"\npassword = "b"\npassword_hash = "{cheap_hash(b"b")}"',
            "account[0].password: expected either password or password_hash (both are given)",
        ),
        (
            '[[account]]\nsystem_id = "a"\npassword = "ninechars"',
            "account[0].password: expected at most 8 characters (SMPP has 8; password_max allows longer ones)",
        ),
        (
            '[[account]]\nsystem_id = "a"\npassword = 12345678',
            "account[0].password: expected printable ASCII of up to 255 characters",
        ),
        (
            '[[account]]\nsystem_id = "a"\npassword_hash = "scrypt$3$1$1$c2FsdHNhbHQ=$x"',
            (
                "account[0].password_hash: expected scrypt$n$r$p$salt$hash, as printed by smppd hash-password "
                "(n is not a power of two above 1)"
            ),
        ),
        (
            ACCOUNT + 'bind_types = ["transmiter"]',
            (
                'account[0].bind_types[0] = "transmiter": expected "transmitter", "receiver" or "transceiver" '
                '(did you mean "transmitter"?)'
            ),
        ),
        (ACCOUNT + 'bind_types = ["receiver", "receiver"]', "account[0].bind_types: expected each bind type once"),
        (
            ACCOUNT + "max_binds = -1",
            "account[0].max_binds = -1: expected an integer from 0 to 1000000000",
        ),
        (
            ACCOUNT + "throughput = { limit = -5 }",
            "account[0].throughput.limit = -5: expected a number from 0 to 1000000000",
        ),
        (
            ACCOUNT + "throughput = { per = 0 }",
            "account[0].throughput.per = 0: expected a number above 0 up to 86400",
        ),
        (
            ACCOUNT + "throughput = 5",
            "account[0].throughput = 5: expected a table",
        ),
        (
            ACCOUNT + 'throughput = { over = "queue" }',
            'account[0].throughput.over = "queue": expected a command_status (only routes can queue)',
        ),
        (
            ACCOUNT + 'window_over = "ESME_RTHROTLED"',
            (
                'account[0].window_over = "ESME_RTHROTLED": expected a command_status other than ESME_ROK, such as '
                'ESME_RTHROTTLED, "stop_reading" or "close" (did you mean "ESME_RTHROTTLED"?)'
            ),
        ),
        (
            ACCOUNT + 'window_over = "ESME_ROK"',
            (
                'account[0].window_over = "ESME_ROK": expected a command_status other than ESME_ROK, such as '
                'ESME_RTHROTTLED, "stop_reading" or "close" (a refusal cannot say that all is well)'
            ),
        ),
        (
            ACCOUNT + 'window_over = "queue"',
            (
                'account[0].window_over = "queue": expected a command_status other than ESME_ROK, such as '
                'ESME_RTHROTTLED, "stop_reading" or "close"'
            ),
        ),
        (
            ACCOUNT + 'outbind = "here"',
            'account[0].outbind = "here": expected host:port, or "" for none (the port is missing)',
        ),
        (
            '[[distribution_list]]\nname = "all"\nmembers = ["12a"]',
            (
                'distribution_list[0].members[0] = "12a": expected an address of 1 to 20 digits, perhaps with a plus '
                "(not an address)"
            ),
        ),
        (
            2 * '[[distribution_list]]\nname = "all"\nmembers = ["1"]\n',
            'distribution_list[1].name = "all": expected a name of its own (distribution_list[0] has it already)',
        ),
        (
            '[[distribution_list]]\nname = "all"\nmembers = ["1"]\naccounts = ["nobody"]',
            'distribution_list[0].accounts = "nobody": expected the system_id of an account',
        ),
        (
            "[messages]\nretry = []",
            "messages.retry = []: expected a list of a number above 0 up to 315360000 (it must not be empty)",
        ),
        (
            '[clock]\nstart = "noon"',
            (
                'clock.start = "noon": expected a date and time such as "2026-01-01T12:00:00Z", or "" for now '
                "(Invalid isoformat string: 'noon')"
            ),
        ),
        *(
            (
                f'[clock]\nstart = "{moment}"',
                (
                    f'clock.start = "{moment}": expected a date and time such as "2026-01-01T12:00:00Z", or "" for now '
                    "(outside of 1970 to 2037)"
                ),
            )
            for moment in ("1969-12-31T23:59:59Z", "2037-12-31T23:00:00-02:00", "0001-01-01T00:00:00+14:00")
        ),
        (
            ACCOUNT + 'dialect = "defualt"',
            'account[0].dialect = "defualt": expected "default" (did you mean "default"?)',
        ),
        (
            ACCOUNT + 'address_range = "44["',
            (
                'account[0].address_range = "44[": expected an address_range such as "44*", "^4477" or "4477[0-9]{8}" '
                '(the class that begins at character 3 has no closing "]")'
            ),
        ),
        (
            ACCOUNT + ACCOUNT,
            'account[1].system_id = "a": expected a system_id of its own (account[0] has it already)',
        ),
        (
            '[[route]]\nname = "r"\nmatch = { account = "smppclient1" }\n[[route]]\nname = "r"',
            'route[1].name = "r": expected a name of its own (route[0] has it already)',
        ),
        (
            '[[route]]\nname = "a route"',
            'route[0].name = "a route": expected a name of 1 to 64 letters, digits, dots, dashes or underscores',
        ),
        (
            '[[route]]\nname = "r"\nnetwork = "defalt"',
            'route[0].network = "defalt": expected the name of a [network.NAME]: "default" (did you mean "default"?)',
        ),
        (
            '[[route]]\nname = "r"\n[[route]]\nname = "s"\n[[route]]\nname = "t"',
            (
                "route[0].match: expected a match on every route but the last "
                "(it takes every message, so these are never reached: s, t)"
            ),
        ),
        (
            '[[route]]\nname = "r"\nmatch = { destination_addr = ["33*", "*"] }\n[[route]]\nname = "s"',
            (
                "route[0].match: expected a match on every route but the last "
                "(it takes every message, so these are never reached: s)"
            ),
        ),
        (
            '[[route]]\nname = "r"\nmatch = { account = "smppclient" }',
            'route[0].match.account = "smppclient": expected the system_id of an account (did you mean "smppclient1"?)',
        ),
        (
            '[[route]]\nname = "r"\nmatch = { destination_addr = "33[" }',
            (
                'route[0].match.destination_addr = "33[": expected a pattern such as "336*", "+4477?" or "44[1-5]*" or '
                "a list of these "
                '(the class that begins at character 3 has no closing "]")'
            ),
        ),
        (
            '[[route]]\nname = "r"\nmatch = { source_addr = ["1*", ""] }',
            (
                'route[0].match.source_addr[1] = "": expected a pattern such as "336*", "+4477?" or "44[1-5]*" '
                '(it is empty; "*" matches everything)'
            ),
        ),
        (
            '[[route]]\nname = "r"\nmatch = { source_addr = [] }',
            "route[0].match.source_addr = []: expected at least one (an empty list matches no message)",
        ),
        (
            '[[route]]\nname = "r"\nmatch = { dest_addr_ton = 256 }',
            "route[0].match.dest_addr_ton = 256: expected an integer from 0 to 255",
        ),
        (
            '[[route]]\nname = "r"\nqueue = { over = "queue" }',
            'route[0].queue.over = "queue": expected a command_status other than ESME_ROK, such as ESME_RTHROTTLED',
        ),
        ("[network.n]\ndelay = { min = 3 }", "network.n.delay.min = 3.0: expected at most max (1)"),
        (
            "[network.n]\ndelay = { value = 3 }",
            'network.n.delay.value: expected only with distribution = "fixed"',
        ),
        (
            '[network.n]\ndelay = { distribution = "fixed", min = 1 }',
            'network.n.delay.value: missing; expected with distribution = "fixed" instead of min and max',
        ),
        (
            '[network.n]\ndelay = { distribution = "unifrm" }',
            'network.n.delay.distribution = "unifrm": expected "fixed" or "uniform" (did you mean "uniform"?)',
        ),
        (
            "[network.n]\noutcome = { DELIVERD = 1, UNDELIV = 1 }",
            (
                'network.n.outcome.DELIVERD: unknown key; expected "DELIVRD", "EXPIRED", "DELETED", "UNDELIV", '
                '"ACCEPTD", "UNKNOWN" or "REJECTD" (did you mean "DELIVRD"?)'
            ),
        ),
        (
            "[network.n]\noutcome = { DELIVRD = 0 }",
            "network.n.outcome: expected a weight above 0 for at least one outcome",
        ),
        ("[network.n]\noutcome = {}", "network.n.outcome: expected a weight above 0 for at least one outcome"),
        (
            "[network.n]\noutcome = { UNDELIV = -3 }",
            "network.n.outcome.UNDELIV = -3: expected a number from 0 to 1000000000",
        ),
        (
            "[network.n]\nerror = { UNDELIV = 1000 }",
            "network.n.error.UNDELIV = 1000: expected an integer from 0 to 999",
        ),
        (
            '[network."a b"]',
            'network."a b": unknown key; expected a name of 1 to 64 letters, digits, dots, dashes or underscores',
        ),
    ],
)
def test_each_mistake_is_reported_once(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text) == [problem]


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    text = """
    [server]
    htp = "x"
    max_pdu = "big"
    [[account]]
    system_id = "a"
    password = "toolongforsmpp"
    throughput = { limit = -5, over = "queue" }
    [[account]]
    system_id = "a"
    pasword = "x"
    [[route]]
    name = "r"
    network = "nowhere"
    """
    found = problems(tmp_path, text, {"SMPPD_LOG_LEVEL": "debug"}, "server.http=nonsense", "x")
    assert [re.split(r": | = ", problem)[0] for problem in found] == [
        "SMPPD_LOG_LEVEL",
        "--set",
        "server.htp",
        "--set",
        "server.max_pdu",
        "account[0].throughput.limit",
        "account[0].password",
        "account[0].throughput.over",
        "account[1].pasword",
        "account[1].password",
        "account[1].system_id",
        "route[0].network",
    ]


def test_one_mistake_does_not_cause_others(tmp_path: Path) -> None:
    route = '[[route]]\nname = "r"\nmatch = { account = "b" }\nnetwork = "n"\n'
    assert len(problems(tmp_path, route + '[[account]]\nsystem_id = 5\npassword = "x"\n[network.n]')) == 1
    assert len(problems(tmp_path, "network = 5\n" + route + '[[account]]\nsystem_id = "b"\npassword = "x"')) == 1
    assert len(problems(tmp_path, '[server]\nsmpp = ["x"]\nhttp = "127.0.0.1:2775"')) == 1
    assert len(problems(tmp_path, "[network.n]\ndelay = { min = 5, max = -1 }")) == 1


def test_no_message_holds_a_password(tmp_path: Path) -> None:
    text = """
    [[account]]
    system_id = "a"
    password = "hunter2hunter2"
    [[account]]
    system_id = "b"
    password = ["hunter2"]
    [[account]]
    system_id = "c"
    password_hash = "hunter2"
    """
    assert "hunter2" not in "".join(problems(tmp_path, text))
    assert "hunter2" not in "".join(problems(tmp_path, 'account = { password = "hunter2" }'))
    assert "hunter2" not in "".join(problems(tmp_path, "", {}, "account.0.password=hunter2hunter2"))


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
    monkeypatch.setattr(module, "MAX_FILE_SIZE", 1024 * 1024)
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
                "clock, account, distribution_list, route, network)"
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


# -- reload


def changed(text: str, tmp_path: Path) -> module.Changes:
    return diff(Settings(), load(tmp_path, text))


def test_nothing_differs_from_itself() -> None:
    changes = diff(Settings(), Settings())
    assert not changes
    assert not changes.accounts


def test_keys_are_live_or_wait_for_a_restart(tmp_path: Path) -> None:
    changes = changed('[server]\nhttp = ""\nmax_connections = 5\n[journal]\npdus = 0\n[log]\npdus = true', tmp_path)
    assert changes.live == ["server.max_connections", "log.pdus"]
    assert changes.restart == ["server.http", "journal.pdus"]
    assert changes


def test_accounts_routes_and_networks_by_name(tmp_path: Path) -> None:
    old = load(
        tmp_path,
        ACCOUNT + '[[account]]\nsystem_id = "b"\npassword = "x"\n'
        '[[route]]\nname = "r"\nmatch = { source_addr = "1*" }\n[[route]]\nname = "s"\n[network.n]\n',
    )
    new = load(
        tmp_path,
        ACCOUNT + 'throughput = { limit = 5 }\n[[account]]\nsystem_id = "c"\npassword = "x"\n'
        '[[route]]\nname = "r"\nmatch = { source_addr = "2*" }\n[[route]]\nname = "s"\n[network.m]\n'
        "[network.default]\ndelay = { max = 2 }\n",
    )
    changes = diff(old, new)
    assert changes.accounts == (["c"], ["b"], ["a"])
    assert changes.routes == ([], [], ["r"])
    assert changes.networks == (["m"], ["n"], ["default"])
    assert changes.restart == []
    assert changes.live == [
        "account[c]",
        "account[b]",
        "account[a].throughput.limit",
        "route[r].match.source_addr",
        "network.m",
        "network.n",
        "network.default.delay.max",
    ]


def test_the_order_of_routes_is_a_change(tmp_path: Path) -> None:
    one, other = (f'[[route]]\nname = "{name}"\nmatch = {{ source_addr = "1*" }}\n' for name in "rs")
    changes = diff(load(tmp_path, one + other), load(tmp_path, other + one))
    assert changes.live == ["route"]
    assert not changes.routes


def test_what_runs_after_a_reload(tmp_path: Path) -> None:
    new = load(tmp_path, '[server]\nhttp = ""\nmax_pdu = 5000\n[log]\nlevel = "debug"\n' + ACCOUNT)
    running = without_restart(Settings(), new)
    assert running.server.http == "127.0.0.1:8775"
    assert running.server.max_pdu == 5000
    assert running.log.level == "info"
    assert running.account == new.account
    assert diff(running, new).restart == ["server.http", "log.level"]
    assert diff(running, new).live == []
