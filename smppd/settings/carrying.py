"""What a reload does to things that were made while the server ran.

The files say what is: whatever they have is as they have it, also where it was changed meanwhile, and what they no
longer have is gone. But what was added at run time under names of its own stays, in its place among the others. It goes
when the files have something of its name, or no longer have what it refers to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from smppd.settings.accounts import Account
from smppd.settings.checks import CHECKS
from smppd.settings.faults import Fault
from smppd.settings.includes import Place
from smppd.settings.reach import Names, unknown_in_fault, unknown_in_rule
from smppd.settings.routes import Route
from smppd.settings.rules import Rule
from smppd.strict import StrictReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from smppd.settings.root import Settings

N = TypeVar("N", Account, Route, Rule, Fault)
T = TypeVar("T")

HERE = Place("", (), sound=True)


def carried_over(running: Settings, before: Settings, after: Settings) -> Settings:
    """The settings to run with when the files change from `before` to `after`."""
    dialects = _tables(running.dialect, before.dialect, after.dialect)
    networks = _tables(running.network, before.network, after.network)
    accounts = _listed(
        running.account,
        before.account,
        after.account,
        _system_id,
        lambda account: account.dialect in dialects,
    )
    names = [account.system_id for account in accounts]
    routes = _listed(
        running.route,
        before.route,
        after.route,
        _name,
        lambda route: route.network in networks and set(_accounts_of(route)) <= set(names),
    )
    settings = msgspec.structs.replace(after, dialect=dialects, network=networks, account=accounts, route=routes)
    if _mistakes(settings):
        # One of them matches everything and has others behind it now: the files have their way.
        settings = msgspec.structs.replace(settings, route=after.route)
    known = Names(names, [route.name for route in settings.route])
    return msgspec.structs.replace(
        settings,
        rule=_listed(
            running.rule, before.rule, after.rule, _name, lambda rule: not any(unknown_in_rule(rule, HERE, known))
        ),
        fault=_listed(
            running.fault, before.fault, after.fault, _name, lambda fault: not any(unknown_in_fault(fault, HERE, known))
        ),
    )


def _tables(running: Mapping[str, T], before: Mapping[str, T], after: Mapping[str, T]) -> dict[str, T]:
    return {**{name: table for name, table in running.items() if name not in before}, **after}


def _listed(
    running: Sequence[N],
    before: Sequence[N],
    after: Sequence[N],
    name_of: Callable[[N], str],
    fits: Callable[[N], bool],
) -> list[N]:
    """The entries of the files, and among them those that were added: each behind what it stood behind so far."""
    theirs, files = {name_of(one) for one in before}, {name_of(one) for one in after}
    behind: dict[str | None, list[N]] = {}
    anchor: str | None = None
    for one in running:
        name = name_of(one)
        if name in files:
            anchor = name
        elif name not in theirs and fits(one):
            behind.setdefault(anchor, []).append(one)
    merged = list(behind.get(None, ()))
    for entry in after:
        merged.append(entry)
        merged += behind.get(name_of(entry), [])
    return merged


def _name(entry: Route | Rule | Fault) -> str:
    return entry.name


def _system_id(account: Account) -> str:
    return account.system_id


def _accounts_of(route: Route) -> list[str]:
    named = route.match.account
    return [named] if isinstance(named, str) else named or []


def _mistakes(settings: Settings) -> bool:
    reader = StrictReader(lambda _: "", CHECKS)
    CHECKS[type(settings)](reader, settings, {}, ())
    return bool(reader.problems)
