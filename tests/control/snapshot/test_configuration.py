"""The settings in a snapshot: what is simulated, without passwords, and back."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from smppd.control.snapshot.configuration import NOBODYS, SIMULATED, read, unknown_passwords, written
from smppd.control.snapshot.format import SnapshotError
from smppd.passwords import ScryptHash
from smppd.settings import Account, Settings, Webhook, load_settings


def settings_with(*overrides: str, **fields: Any) -> Settings:
    return msgspec.structs.replace(load_settings(None, {}, overrides), **fields)


ALICE = Account(system_id="alice", password="opensesame"[:8], outbind_password="outbound")


def test_no_password_is_in_it() -> None:
    settings = settings_with(account=[ALICE, Account(system_id="bob", password_hash=NOBODYS)])
    text = json.dumps(written(settings, {}))
    assert "opensesa" not in text
    assert "outbound" not in text
    assert "scrypt" not in text


def test_what_is_about_the_process_stays_out() -> None:
    tree = written(settings_with('server.smpp=["127.0.0.1:7"]'), {})
    assert set(tree["server"]) <= set(SIMULATED)
    assert not {"api", "log", "privacy", "journal", "clock", "webhook"} & set(tree)


def test_webhooks_are_those_of_this_server() -> None:
    """Their addresses are secrets, and nobody else chooses whom a server calls."""
    there = settings_with(webhook=[Webhook(name="there", url="http://127.0.0.1:9/there", secret="whisper")])
    here = settings_with(webhook=[Webhook(name="here", url="http://127.0.0.1:9/here")])
    tree = written(there, {})
    assert "whisper" not in json.dumps(tree)
    assert read(tree, here, here)[0].webhook == here.webhook


def test_passwords_are_those_of_this_server() -> None:
    settings = settings_with(account=[ALICE])
    back, lacking = read(written(settings, {}), settings, settings)
    assert back == settings
    assert lacking == []


def test_a_password_that_only_the_running_server_knew() -> None:
    configured, running = settings_with(), settings_with(account=[ALICE])
    assert [account.system_id for account in unknown_passwords(running, configured)] == ["alice"]
    made = str(ScryptHash.create(b"opensesa", b"salt" * 4))
    back, lacking = read(written(running, {"alice": made}), configured, configured)
    assert (back.account[0].password, back.account[0].password_hash, lacking) == (None, made, [])


def test_a_password_that_nobody_knows() -> None:
    back, lacking = read(written(settings_with(account=[ALICE]), {}), settings_with(), settings_with())
    assert back.account[0].password_hash == NOBODYS
    assert lacking == ["alice"]


def test_the_process_keeps_its_own() -> None:
    there = settings_with("server.seed=7", "server.smpp=127.0.0.1:9", "log.level=debug")
    here = settings_with("server.smpp=127.0.0.1:8")
    back, _ = read(written(there, {}), here, here)
    assert (back.server.smpp, back.log, back.api, back.server.seed) == (here.server.smpp, here.log, here.api, 7)


@pytest.mark.parametrize("tree", [[], {"account": 1}, {"log": {}}, {"server": 1}, {"account": [1]}, {"colour": 1}])
def test_settings_that_are_none(tree: object) -> None:
    with pytest.raises(SnapshotError):
        read(tree, settings_with(), settings_with())
