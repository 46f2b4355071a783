"""The settings in a snapshot: plain data that reads back, without what is about the process and without passwords.

An account whose password the configuration knows is told to look there, wherever the snapshot is restored. The password
of one that was made while the server ran is there as a hash, as `smppd hash-password` makes it. Passwords of outbinds
and tokens of the API are never in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from smppd.control.snapshot.format import SnapshotError
from smppd.settings import Match, Settings
from smppd.settings.checks import CHECKS
from smppd.settings.plain import plain
from smppd.strict import StrictReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smppd.engine.core import Engine
    from smppd.network.simple import SimulatedNetwork
    from smppd.settings import Account, Network, Route

SIMULATED: Final = ("system_id", "interface_version", "timezone", "max_pdu", "seed")
"""What of `[server]` is simulated; the rest is about the process, and stays that of the running server."""

OF_THE_PROCESS: Final = ("api", "log", "privacy", "journal", "clock", "webhook")
"""The tables that are about the process. A file from elsewhere must not choose whom it calls."""

NOBODYS: Final = f"scrypt$16384$8$1${'A' * 22}==${'A' * 43}="
"""A hash that no password is known to have: for accounts whose password is nowhere to be found."""

MOST_PROBLEMS: Final = 5
"""Problems that are told at once."""


class Departed(NamedTuple):
    """What settings do not know any more, and messages still refer to."""

    accounts: list[str]
    routes: list[str]
    networks: list[str]


NOWHERE: Final = Match(destination_addr="departed")
"""What a route that is gone matches: nothing, whatever it matched before."""


def with_departed(
    settings: Settings, engine: Engine, networks: Mapping[str, SimulatedNetwork]
) -> tuple[Settings, Departed]:
    """Settings with the accounts, routes and networks that are gone from them, and which those are."""
    accounts = {account.system_id for account in settings.account}
    routes = {route.name for route in settings.route}
    gone: list[Account] = [
        msgspec.structs.replace(
            esme.settings, dialect=esme.settings.dialect if esme.settings.dialect in settings.dialect else "default"
        )
        for esme in engine.esmes.values()
        if esme.system_id not in accounts
    ]
    left: list[Route] = [
        msgspec.structs.replace(route.settings, match=NOWHERE)
        for route in engine.routes.values()
        if route.name not in routes
    ]
    lost: dict[str, Network] = {
        name: network.settings for name, network in networks.items() if name not in settings.network
    }
    everything = msgspec.structs.replace(
        settings,
        account=[*settings.account, *gone],
        route=[*left, *settings.route],
        network={**settings.network, **lost},
    )
    return everything, Departed([account.system_id for account in gone], [route.name for route in left], list(lost))


def without_departed(everything: Settings, departed: Departed) -> Settings:
    """The settings without what is gone from them."""
    return msgspec.structs.replace(
        everything,
        account=[account for account in everything.account if account.system_id not in departed.accounts],
        route=[route for route in everything.route if route.name not in departed.routes],
        network={name: network for name, network in everything.network.items() if name not in departed.networks},
    )


def unknown_passwords(settings: Settings, configured: Settings) -> list[Account]:
    """The accounts whose password the configuration does not know."""
    known = {account.system_id: _secret(account) for account in configured.account}
    return [account for account in settings.account if known.get(account.system_id) != _secret(account)]


def written(settings: Settings, hashes: Mapping[str, str]) -> dict[str, Any]:
    """Settings as a snapshot has them; `hashes` are those of passwords that the configuration does not know."""
    tree = plain(settings, defaults=True)
    for table in OF_THE_PROCESS:
        tree.pop(table, None)
    server = tree.pop("server", {})
    tree["server"] = {key: server[key] for key in SIMULATED if key in server}
    for account in tree.get("account", ()):
        if account["system_id"] in hashes:
            account["password_hash"] = hashes[account["system_id"]]
    return tree


def read(tree: Any, running: Settings, configured: Settings) -> tuple[Settings, list[str]]:
    """The settings of a snapshot in a running server, and the accounts for which no password was found.

    It may take long: call it in a thread. Raises SnapshotError.
    """
    if not isinstance(tree, dict) or not isinstance(tree.get("account", []), list):
        raise SnapshotError("its settings are none")
    if set(tree) & set(OF_THE_PROCESS) or not isinstance(tree.get("server", {}), dict):
        raise SnapshotError("its settings say something of the process")
    if set(tree.get("server", {})) - set(SIMULATED):
        raise SnapshotError("its settings say something of listeners or files")
    secrets = {account.system_id: account for settings in (running, configured) for account in settings.account}
    lacking = [
        account["system_id"]
        for account in tree.get("account", ())
        if isinstance(account, dict) and not _give_password(account, secrets)
    ]
    reader = StrictReader(lambda _: "snapshot", CHECKS)
    settings = reader.read(Settings, tree)
    if reader.problems:
        told = "; ".join(map(str, reader.problems[:MOST_PROBLEMS]))
        raise SnapshotError(f"its settings are not acceptable: {told}")
    _check_hooks(settings, {rule.then.hook for known in (running, configured) for rule in known.rule})
    kept = {key: getattr(running.server, key) for key in running.server.__struct_fields__ if key not in SIMULATED}
    server = msgspec.structs.replace(settings.server, **kept)
    others = {table: getattr(running, table) for table in OF_THE_PROCESS}
    account = [_with_outbind(one, secrets) for one in settings.account]
    return msgspec.structs.replace(settings, server=server, account=account, **others), lacking


def _give_password(account: dict[str, Any], secrets: Mapping[str, Account]) -> bool:
    """Complete the table of an account; False when nobody knows its password."""
    if "password_hash" in account or "password" in account or not isinstance(account.get("system_id"), str):
        return True
    known = secrets.get(account["system_id"])
    if known is None:
        account["password_hash"] = NOBODYS
        return False
    if known.password_hash is not None:
        account["password_hash"] = known.password_hash
    else:
        account["password"] = known.password
    return True


def _check_hooks(settings: Settings, known: set[str | None]) -> None:
    """Refuse functions that nobody has named here: a file from elsewhere must not choose what is executed."""
    for rule in settings.rule:
        if rule.then.hook is not None and rule.then.hook not in known:
            raise SnapshotError(f"its rule {rule.name!r} has a hook that no rule of this server has: {rule.then.hook}")


def _with_outbind(account: Account, secrets: Mapping[str, Account]) -> Account:
    known = secrets.get(account.system_id)
    if known is None or not known.outbind_password:
        return account
    return msgspec.structs.replace(account, outbind_password=known.outbind_password)


def _secret(account: Account) -> tuple[str | None, str | None]:
    return account.password, account.password_hash
