"""The server as a whole, over its API."""

from __future__ import annotations

from pathlib import Path

import pytest

from smppd import __version__
from smppd.control.times import unix
from smppd.settings import Settings, load_settings
from tests.api.support import serving
from tests.transport.support import Live

FILE = """
[server]
smpp = ["127.0.0.1:0"]
http = "127.0.0.1:0"
shutdown_grace = 0.2

[[account]]
system_id = "one"
password = "secret"
window = 10
"""


def start(live: Live, path: Path, text: str) -> Settings:
    """Have the server read this file from now on, as `smppd serve -c` does."""
    path.write_text(text)
    live.server.control.simulation.load = lambda: load_settings(path, {})
    return load_settings(path, {})


def test_status() -> None:
    with serving() as (live, client), live.client() as esme:
        before = client.get("").json
        esme.bind()
        status = client.get("").json
        assert (status["name"], status["version"], status["state"]) == ("smppd", __version__, "running")
        assert status["system_id"] == "smppd"
        assert status["listeners"] == {"smpp": live.server.smpp_addresses, "http": live.server.http_address}
        assert 0 <= status["uptime"] < 60
        assert unix(status["start_time"]) <= unix(status["clock_time"])
        assert (before["counts"]["sessions"], status["counts"]["sessions"]) == (0, 1)
        assert status["counts"]["pdus_in"] == status["counts"]["pdus_out"] == 1
        assert status["counts"]["pdus_recorded"] == 2
        assert status["limits"]["messages"] == 1_000_000


def test_reload_needs_a_file() -> None:
    with serving() as (_, client):
        answer = client.post("/reload")
        assert answer.status == 409
        assert "without a configuration file" in answer.problem["detail"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "smppd.toml"


def test_reload_tells_what_has_changed(path: Path) -> None:
    path.write_text(FILE)
    with serving(load_settings(path, {})) as (live, client):
        start(
            live, path, FILE.replace("10", "20") + '[journal]\npdus = 5\n[[account]]\nsystem_id = "b"\npassword = "x"'
        )
        result = client.post("/reload").json
        assert result["applied"] == ["account[b]", "account[one].window"]
        assert result["needs_restart"] == ["journal.pdus"]
        assert result["accounts"] == {"added": ["b"], "removed": [], "changed": ["one"]}
        assert result["rules"] == {"added": [], "removed": [], "changed": []}
        simulation = live.server.control.simulation
        assert simulation.configured is simulation.settings is live.server.settings
        assert [account.window for account in live.server.settings.account] == [20, 0]
        assert client.get("").json["counts"]["accounts"] == 2
        again = client.post("/reload").json
        assert (again["applied"], again["needs_restart"]) == ([], ["journal.pdus"])


def test_a_broken_file_changes_nothing(path: Path) -> None:
    path.write_text(FILE)
    with serving(load_settings(path, {})) as (live, client):
        before = live.server.settings
        live.server.control.simulation.load = lambda: load_settings(path, {})
        path.write_text(FILE.replace("window = 10", "windw = 10") + "[server.x]\n")
        answer = client.post("/reload")
        assert answer.status == 422
        assert answer.problem["detail"] == "The configuration has 2 problems."
        assert answer.errors.keys() == {"account[0].windw", "server.x"}
        assert 'did you mean "window"?' in answer.errors["account[0].windw"]
        assert "secret" not in str(answer.json)
        assert live.server.settings is before
        path.unlink()
        assert "there is no such file" in client.post("/reload").errors[""]


def test_a_hook_that_cannot_be_imported(path: Path) -> None:
    path.write_text(FILE)
    with serving(load_settings(path, {})) as (live, client):
        start(live, path, FILE + '[[rule]]\nname = "r"\nthen = { hook = "no_such_module_anywhere:f" }\n')
        answer = client.post("/reload")
        assert answer.problem["status"] == 422
        assert "no_such_module_anywhere" in answer.problem["detail"]
