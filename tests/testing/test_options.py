"""What a test asks of a message centre, as settings."""

import re
from pathlib import Path

import pytest

from smppd.settings import SettingsError
from smppd.testing.options import plain, settings_for


def test_without_options_nobody_waits_for_anything() -> None:
    settings = settings_for()
    assert settings.server.smpp == ["127.0.0.1:0"]
    assert settings.server.http == ""
    assert [account.system_id for account in settings.account] == ["smppclient1"]
    assert settings.network["default"].delay.distribution == "fixed"
    assert settings.network["default"].delay.value == 0
    assert settings.clock.mode == "real"


def test_accounts_by_their_passwords_or_as_tables() -> None:
    [shop, bank] = settings_for(accounts={"shop": "secret", "bank": ""}).account
    assert (shop.system_id, shop.password, bank.password) == ("shop", "secret", "")
    [shop] = settings_for(accounts=[{"system_id": "shop", "password": "x", "max_binds": 2}]).account
    assert shop.max_binds == 2


def test_a_dialect_is_for_accounts_that_name_none() -> None:
    own = [{"system_id": "a", "password": ""}, {"system_id": "b", "password": "", "dialect": "uuid-ids"}]
    settings = settings_for(accounts=own, dialect="tlv-only")
    assert [account.dialect for account in settings.account] == ["tlv-only", "uuid-ids"]
    assert settings_for(dialect="tlv-only").account[0].dialect == "tlv-only"


def test_the_clock() -> None:
    assert settings_for(virtual_clock=True).clock.mode == "virtual"
    assert settings_for(virtual_clock="2026-01-31T12:00:00Z").clock.start == "2026-01-31T12:00:00Z"
    assert settings_for(virtual_clock=False, settings={"clock": {"mode": "virtual"}}).clock.mode == "real"
    assert settings_for(settings={"clock": {"mode": "virtual"}}).clock.mode == "virtual"


def test_everything_else_in_the_shape_of_a_file() -> None:
    settings = settings_for(
        routes=[{"name": "france", "match": {"destination_addr": ("336*",)}}],
        networks={"good": {"outcome": {"DELIVRD": 1}}},
        rules=[{"when": {"text": re.compile("stop", re.IGNORECASE)}, "then": {"status": "ESME_RTHROTTLED"}}],
        faults=[{"kind": "receipt_lost"}],
        settings={"timers": {"enquire_link": 1}},
        seed=7,
        http=True,
    )
    assert settings.route[0].match.destination_addr == ["336*"]
    assert set(settings.network) == {"good", "default"}
    assert settings.rule[0].when.text is not None
    assert settings.rule[0].when.text.regex == "(?i)stop"
    assert settings.fault[0].kind == "receipt_lost"
    assert settings.timers.enquire_link == 1
    assert settings.server.seed == 7
    assert settings.server.http == "127.0.0.1:0"


def test_a_file_but_for_its_listeners(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[[rule]]\nthen = { status = "ESME_RSYSERR" }\n')
    path = tmp_path / "smppd.toml"
    path.write_text('[server]\nsmpp = ["0.0.0.0:2775"]\nsystem_id = "carrier"\nrules = ["own.toml"]\n')
    settings = settings_for(settings=str(path))
    assert settings.server.smpp == ["127.0.0.1:0"]
    assert settings.server.system_id == "carrier"
    assert len(settings.rule) == 1


def test_what_is_given_is_not_changed() -> None:
    given = {"server": {"seed": 1}}
    settings_for(settings=given, dialect="tlv-only")
    assert given == {"server": {"seed": 1}}


@pytest.mark.parametrize("given", [{"accounts": {}}, {"settings": {"account": []}}])
def test_no_account_at_all(given: dict[str, object]) -> None:
    assert settings_for(**given).account == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"settings": {"sever": {}}}, 'smppd.Smsc: sever: unknown key (did you mean "server"?)'),
        ({"settings": {"server": 7}}, "expected a table"),
        ({"settings": {"network": [], "clock": "now"}, "virtual_clock": True}, "clock"),
        ({"dialect": "no-such"}, "dialect"),
        ({"virtual_clock": "noon"}, "clock.start"),
        ({"rules": [{"then": {"status": "ESME_RBUSY"}}]}, "rule[0].then.status"),
        ({"settings": "no-such.toml"}, "no-such.toml"),
    ],
)
def test_what_is_not_accepted_is_told_with_its_place(given: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_for(**given)  # type: ignore[arg-type]
    assert told in str(caught.value)


def test_plain_values() -> None:
    assert plain({"from_": re.compile("a"), "b": (1, {2})}) == {"from": {"regex": "a"}, "b": [1, [2]]}
    assert plain(re.compile("a", re.IGNORECASE | re.DOTALL)) == {"regex": "(?is)a"}
