"""What both faces of a message centre have in common."""

import inspect

import pytest

import smppd
from smppd.settings import SettingsError
from smppd.testing.base import ServerError, centre_for
from smppd.testing.options import settings_for


def test_its_options_are_those_of_settings() -> None:
    options = set(inspect.signature(settings_for).parameters)
    assert set(inspect.signature(centre_for).parameters) == options | {"within"}
    assert set(inspect.signature(smppd.Smsc.__init__).parameters) == options | {"within", "self"}


def test_what_is_not_accepted_is_told_before_anything_starts() -> None:
    with pytest.raises(SettingsError, match=r"smppd\.Smsc: account\[0\]\.system_id"):
        smppd.Smsc(accounts={"far too long for a system_id": ""})


def test_an_account_whose_password_is_known_as_a_hash_only() -> None:
    hashed = "scrypt$16384$8$1$" + "00" * 16 + "$" + "00" * 32
    try:
        smsc = smppd.Smsc(accounts=[{"system_id": "shop", "password_hash": hashed}])
    except SettingsError:
        pytest.fail("the hash is of the documented form")
    assert (smsc.system_id, smsc.password) == ("shop", "")


def test_a_mistake_of_the_server_is_a_failed_assertion() -> None:
    assert issubclass(ServerError, AssertionError)
