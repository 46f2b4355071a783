from pathlib import Path

from smppd.settings import Delay, Match, Network, Route, Settings, load_settings
from tests.settings.support import ACCOUNT, CONFIG, load
from tests.test_passwords import cheap_hash

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
