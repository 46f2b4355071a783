"""What a reload changes, and what of it has to wait for a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from smppd.settings.types import sections_of, values_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smppd.settings.faults import Fault
    from smppd.settings.root import Settings
    from smppd.settings.routes import Route
    from smppd.settings.rules import Rule

RESTART_KEYS: Final = (
    ("server", "smpp"),
    ("server", "http"),
    ("server", "backlog"),
    ("server", "event_loop"),
    ("server", "seed"),
    ("server", "timezone"),
    ("clock", "mode"),
    ("clock", "start"),
    ("journal", "pdus"),
    ("log", "level"),
    ("log", "format"),
)
"""What is built once at start: sockets, event loop, random draws, dialect with its time zone, journal, logger."""


class NameChanges(NamedTuple):
    """Named things (accounts by system_id, routes and rules by name, networks) of two configurations, in order."""

    added: list[str]
    removed: list[str]
    changed: list[str]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


class Changes(NamedTuple):
    """What differs between two settings.

    live: key paths that take effect at once (``account[smppclient1].window``; ``route`` alone: their order).
    restart: key paths that wait for a restart. accounts, routes, networks, rules, faults, dialects, webhooks: the same
    by name.
    """

    live: list[str]
    restart: list[str]
    accounts: NameChanges
    routes: NameChanges
    networks: NameChanges
    rules: NameChanges
    faults: NameChanges
    dialects: NameChanges
    webhooks: NameChanges

    def __bool__(self) -> bool:
        return bool(self.live or self.restart)


def diff(old: Settings, new: Settings) -> Changes:
    """What a reload from ``old`` to ``new`` changes. Values are left out: they may be passwords."""
    restart = {".".join(path) for path in RESTART_KEYS}
    keys = [key for name in sections_of(old) for key in _differing(getattr(old, name), getattr(new, name), name)]
    live = [key for key in keys if key not in restart]
    by_id = [{account.system_id: account for account in settings.account} for settings in (old, new)]
    accounts = _name_changes(live, "account[{}]", *by_id)
    routes = _ordered_changes(live, "route", old.route, new.route)
    if old.distribution_list != new.distribution_list:
        live.append("distribution_list")
    networks = _name_changes(live, "network.{}", old.network, new.network)
    rules = _ordered_changes(live, "rule", old.rule, new.rule)
    faults = _ordered_changes(live, "fault", old.fault, new.fault)
    dialects = _name_changes(live, "dialect.{}", old.dialect, new.dialect)
    before, after = ({webhook.name: webhook for webhook in each.webhook} for each in (old, new))
    webhooks = _name_changes(live, "webhook[{}]", before, after)
    waiting = [key for key in keys if key in restart]
    return Changes(live, waiting, accounts, routes, networks, rules, faults, dialects, webhooks)


def without_restart(old: Settings, new: Settings) -> Settings:
    """``new`` with the keys that wait for a restart as they are in ``old``: what runs after a reload."""
    for name, key in RESTART_KEYS:
        section = msgspec.structs.replace(getattr(new, name), **{key: getattr(getattr(old, name), key)})
        new = msgspec.structs.replace(new, **{name: section})
    return new


T = TypeVar("T", bound=Struct)


N = TypeVar("N", "Route", "Rule", "Fault")


def _ordered_changes(live: list[str], table: str, old: Sequence[N], new: Sequence[N]) -> NameChanges:
    """Compare two lists of named tables; that those which stay have changed places is a change of the list itself."""
    before, after = ({one.name: one for one in entries} for entries in (old, new))
    changes = _name_changes(live, table + "[{}]", before, after)
    if [name for name in before if name in after] != [name for name in after if name in before]:
        live.append(table)
    return changes


def _name_changes(live: list[str], form: str, old: Mapping[str, T], new: Mapping[str, T]) -> NameChanges:
    """Compare two sets of named tables; adds the key paths that differ to ``live``."""
    changes = NameChanges(
        [name for name in new if name not in old],
        [name for name in old if name not in new],
        [name for name in new if name in old and old[name] != new[name]],
    )
    live += [form.format(name) for name in (*changes.added, *changes.removed)]
    for name in changes.changed:
        path = form.format(name)
        live += _differing(old[name], new[name], path) if type(old[name]) is type(new[name]) else [path]
    return changes


def _differing(old: Struct, new: Struct, path: str) -> list[str]:
    """Paths of the keys whose values differ, tables entered."""
    found = []
    after = values_of(new)
    for name, value in values_of(old).items():
        other = after.get(name)
        if isinstance(value, Struct) and isinstance(other, type(value)):
            found += _differing(value, other, f"{path}.{name}")
        elif value != other:
            found.append(f"{path}.{name}")
    return found
