"""Checks of what concerns several tables: names that must exist, names that must differ, what can never be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from smppd import strict
from smppd.settings.accounts import Account, check_account
from smppd.settings.api import Api, ApiToken, check_api, check_token
from smppd.settings.behaviour_checks import (
    check_between,
    check_fault,
    check_hours,
    check_rule,
    check_schedule,
    check_sequence_number,
    check_test,
    check_then,
    check_when,
)
from smppd.settings.delays import Wait, check_wait
from smppd.settings.dialect_checks import check_dialect, check_message_id, check_receipt, check_response, check_session
from smppd.settings.dialects import Dialect, MessageId, ReceiptForm, ResponseForm, SessionForm
from smppd.settings.faults import Fault
from smppd.settings.root import Settings
from smppd.settings.routes import (
    Delay,
    Match,
    Network,
    Route,
    check_delay,
    check_match,
    check_network,
    matches_everything,
)
from smppd.settings.rules import Between, Hours, Rule, Schedule, SequenceNumber, Test, Then, When
from smppd.settings.server import Messages, check_listeners, check_messages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smppd.strict import StrictReader


def _check_settings(reader: StrictReader, settings: Settings, _table: Mapping[str, Any], path: strict.Path) -> None:
    check_listeners(reader, settings.server, (*path, "server"))
    _check_unique(reader, "account", "system_id", [account.system_id for account in settings.account])
    _check_unique(reader, "route", "name", [route.name for route in settings.route])
    _check_unique(reader, "distribution_list", "name", [members.name for members in settings.distribution_list])
    _check_references(reader, settings)
    _check_reachable(reader, settings.route)


def _check_unique(reader: StrictReader, table: str, key: str, names: list[str]) -> None:
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        before = first.setdefault(name, index)
        if before != index and reader.sound((table, index), key):
            reader.reject(
                (table, index, key), name, f"expected a {key} of its own", f"{table}[{before}] has it already"
            )


def _check_references(reader: StrictReader, settings: Settings) -> None:
    """Report routes that name a network or an account that does not exist; silent where those could not be read."""
    accounts = [account.system_id for account in settings.account]
    accounts_known = not reader.rejected(("account",)) and all(accounts)
    for index, route in enumerate(settings.route):
        place = ("route", index)
        if (
            route.network not in settings.network
            and reader.sound(place, "network")
            and not reader.rejected(("network",))
        ):
            known = f"expected the name of a [network.NAME]: {strict.quoted(settings.network)}"
            hint = strict.suggestion(route.network, settings.network)
            reader.reject((*place, "network"), route.network, known, hint)
        named = [route.match.account] if isinstance(route.match.account, str) else route.match.account or []
        if accounts_known:
            _check_accounts(reader, named, accounts, (*place, "match", "account"))
    for index, distribution_list in enumerate(settings.distribution_list):
        if accounts_known:
            _check_accounts(reader, distribution_list.accounts, accounts, ("distribution_list", index, "accounts"))


def _check_accounts(reader: StrictReader, named: Sequence[str], accounts: Sequence[str], path: strict.Path) -> None:
    for name in named:
        if name not in accounts:
            reader.reject(path, name, "expected the system_id of an account", strict.suggestion(name, accounts))


def _check_reachable(reader: StrictReader, routes: list[Route]) -> None:
    """Report the first route that leaves nothing to those after it."""
    for index, route in enumerate(routes[:-1]):
        place = ("route", index)
        if matches_everything(route.match) and reader.sound(place, "match"):
            following = ", ".join(after.name for after in routes[index + 1 :] if after.name)
            hint = f"it takes every message, so these are never reached: {following}"
            reader.reject((*place, "match"), None, "expected a match on every route but the last", hint)
            return


CHECKS: Final[Mapping[type, strict.Check]] = {
    Messages: check_messages,
    Account: check_account,
    ApiToken: check_token,
    Api: check_api,
    Match: check_match,
    Delay: check_delay,
    Network: check_network,
    Wait: check_wait,
    Test: check_test,
    Between: check_between,
    Hours: check_hours,
    Schedule: check_schedule,
    SequenceNumber: check_sequence_number,
    When: check_when,
    Then: check_then,
    Rule: check_rule,
    Fault: check_fault,
    MessageId: check_message_id,
    ReceiptForm: check_receipt,
    ResponseForm: check_response,
    SessionForm: check_session,
    Dialect: check_dialect,
    Settings: _check_settings,
}
"""By the struct of a table: the check that is called after it was read."""
