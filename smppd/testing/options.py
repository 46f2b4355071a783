"""What a test asks of a message centre, as settings: a few words, or everything a configuration file can say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from smppd.settings import BUILT_IN_PASSWORD, BUILT_IN_SYSTEM_ID, DEFAULT, Settings, read_toml, settings_from

Table: TypeAlias = Mapping[str, Any]
"""A table in the shape that it has in a configuration file."""

LABEL: Final = "smppd.Smsc"
"""Where settings stand that are written in a test; errors name it."""

ANY_PORT: Final = "127.0.0.1:0"
"""A free port of this machine."""

AT_ONCE: Final = {"delay": {"distribution": "fixed", "value": 0.0}}
"""The network of a test that does not ask for another one: nobody wants to wait for receipts."""

UNBIND_GRACE: Final = 0.5
"""Seconds that an ESME has to answer an unbind: some clients never do, and a test should not wait for them."""

_FLAGS: Final = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE, "a": re.ASCII}


def plain(value: object) -> Any:
    """A value as a configuration file would have it; a compiled regular expression becomes the test that it is.

    Keys with a trailing underscore lose it: `from_` stands for a word that Python keeps for itself.
    """
    if isinstance(value, re.Pattern):
        letters = "".join(letter for letter, flag in _FLAGS.items() if value.flags & flag)
        return {"regex": f"(?{letters}){value.pattern}" if letters else value.pattern}
    if isinstance(value, Mapping):
        return {str(key).rstrip("_"): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return value


def settings_for(
    *,
    accounts: Mapping[str, str] | Sequence[Table] | None = None,
    routes: Sequence[Table] | None = None,
    networks: Mapping[str, Table] | None = None,
    rules: Sequence[Table] | None = None,
    faults: Sequence[Table] | None = None,
    dialect: str | None = None,
    settings: Table | Path | str | None = None,
    virtual_clock: bool | str | None = None,
    seed: int | None = None,
    http: bool = False,
) -> Settings:
    """The settings of a server for tests; the parameters are those of `smppd.Smsc`.

    Raises smppd.settings.SettingsError with everything that is not accepted.
    """
    tree, label, base = _read(settings)
    if accounts is not None:
        tree["account"] = _accounts(accounts)
    for key, value in (("route", routes), ("rule", rules), ("fault", faults)):
        if value is not None:
            tree[key] = plain(value)
    if networks is not None:
        _table(tree, "network").update(plain(networks))
    if dialect is not None:
        _speak(tree, dialect)
    if virtual_clock:
        clock = {"mode": "virtual"} | ({"start": virtual_clock} if isinstance(virtual_clock, str) else {})
        _table(tree, "clock").update(clock)
    elif virtual_clock is not None:
        _table(tree, "clock")["mode"] = "real"
    server = _table(tree, "server")
    if seed is not None:
        server["seed"] = seed
    # Addresses of a file are those of production: a test never listens there.
    server.setdefault("shutdown_grace", UNBIND_GRACE)
    server.update({"smpp": [ANY_PORT], "http": ANY_PORT if http else ""})
    _table(tree, "network").setdefault(DEFAULT, AT_ONCE)
    _table(tree, "log").setdefault("format", "human")
    return settings_from(tree, label, base)


def _read(settings: Table | Path | str | None) -> tuple[dict[str, Any], str, Path]:
    """The tables that are given, what to call them, and where files that they name are looked for."""
    if settings is None:
        return {}, LABEL, Path()
    if isinstance(settings, Mapping):
        return plain(settings), LABEL, Path()
    path = Path(settings)
    return read_toml(path), str(path), path.parent


def _accounts(accounts: Mapping[str, str] | Sequence[Table]) -> list[Any]:
    """Accounts as tables; a mapping has the password of each system_id."""
    if isinstance(accounts, Mapping):
        return [{"system_id": system_id, "password": password} for system_id, password in accounts.items()]
    return [plain(account) for account in accounts]


def _speak(tree: dict[str, Any], dialect: str) -> None:
    """Give a dialect to every account that has none of its own."""
    accounts = tree.setdefault("account", [{"system_id": BUILT_IN_SYSTEM_ID, "password": BUILT_IN_PASSWORD}])
    for account in accounts if isinstance(accounts, list) else []:
        if isinstance(account, dict):
            account.setdefault("dialect", dialect)


def _table(tree: dict[str, Any], name: str) -> dict[str, Any]:
    """A table of the tree, made when it is not there. What is no table stays, and is reported when it is read."""
    table = tree.setdefault(name, {})
    return table if isinstance(table, dict) else {}
