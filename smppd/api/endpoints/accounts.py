"""Accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from smppd.api.endpoint import Endpoint
from smppd.control.accounts import AccountChange, AccountView, OutbindResult, settings_of
from smppd.control.pages import Page, PageQuery
from smppd.settings import Account
from smppd.settings.types import SystemId  # noqa: TC001  # msgspec reads annotations

if TYPE_CHECKING:
    from smppd.api.endpoint import Call

SYSTEM_ID: Final = {"system_id": "The account's system_id."}


class AccountQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which accounts."""


class AccountInPlace(Account, frozen=True):
    """An account. Its system_id stands in the path; if it is given here as well, it is the same one."""

    system_id: SystemId | None = None  # type: ignore[assignment]  # only here it may be left out


async def _list(call: Call) -> Page[AccountView]:
    return call.control.accounts.list(limit=call.query.limit, cursor=call.query.cursor)


async def _get(call: Call) -> AccountView:
    return call.control.accounts.get(call.path["system_id"])


async def _create(call: Call) -> AccountView:
    return call.control.accounts.create(call.body)


async def _replace(call: Call) -> AccountView:
    system_id, fields = call.path["system_id"], msgspec.structs.asdict(call.body)
    fields["system_id"] = fields["system_id"] or system_id
    return call.control.accounts.replace(system_id, Account(**fields))


async def _change(call: Call) -> AccountView:
    return call.control.accounts.change(call.path["system_id"], call.body)


async def _delete(call: Call) -> None:
    call.control.accounts.delete(call.path["system_id"])


async def _enable(call: Call) -> AccountView:
    return call.control.accounts.enable(call.path["system_id"])


async def _disable(call: Call) -> AccountView:
    return call.control.accounts.disable(call.path["system_id"])


async def _outbind(call: Call) -> OutbindResult:
    return await call.control.accounts.outbind(call.path["system_id"])


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/accounts",
        operation="list_accounts",
        tag="accounts",
        summary="Who may bind",
        description="In configured order. Passwords and their hashes are left out.",
        query=AccountQuery,
        result=Page[AccountView],
        handle=_list,
    ),
    Endpoint(
        method="POST",
        path="/accounts",
        operation="create_account",
        tag="accounts",
        summary="Add an account",
        description="As `[[account]]` in the configuration. It may bind at once. 409 when its system_id is taken.",
        role="control",
        body=Account,
        result=AccountView,
        status=201,
        problems=(409,),
        handle=_create,
    ),
    Endpoint(
        method="GET",
        path="/accounts/{system_id}",
        operation="get_account",
        tag="accounts",
        summary="One account, and how it does",
        parameters=SYSTEM_ID,
        result=AccountView,
        version=settings_of,
        handle=_get,
    ),
    Endpoint(
        method="PUT",
        path="/accounts/{system_id}",
        operation="replace_account",
        tag="accounts",
        summary="Replace an account, or add it",
        description="All of its settings, a password included. Sessions stay bound unless it is disabled now.",
        role="control",
        parameters=SYSTEM_ID,
        body=AccountInPlace,
        result=AccountView,
        problems=(409,),
        handle=_replace,
    ),
    Endpoint(
        method="PATCH",
        path="/accounts/{system_id}",
        operation="change_account",
        tag="accounts",
        summary="Change some settings of an account",
        description="What is left out stays as it is. A throughput holds at once, also for sessions that are bound; a "
        "password, a window or a limit of binds from the next bind on.",
        role="control",
        parameters=SYSTEM_ID,
        body=AccountChange,
        result=AccountView,
        handle=_change,
    ),
    Endpoint(
        method="DELETE",
        path="/accounts/{system_id}",
        operation="delete_account",
        tag="accounts",
        summary="Delete an account",
        description="Its sessions are unbound. 409 while a route, a distribution list, a rule or a fault names it.",
        role="control",
        parameters=SYSTEM_ID,
        problems=(409,),
        handle=_delete,
    ),
    Endpoint(
        method="POST",
        path="/accounts/{system_id}/enable",
        operation="enable_account",
        tag="accounts",
        summary="Let an account bind again",
        role="control",
        parameters=SYSTEM_ID,
        result=AccountView,
        handle=_enable,
    ),
    Endpoint(
        method="POST",
        path="/accounts/{system_id}/disable",
        operation="disable_account",
        tag="accounts",
        summary="Refuse the binds of an account",
        description="Its sessions are unbound.",
        role="control",
        parameters=SYSTEM_ID,
        result=AccountView,
        handle=_disable,
    ),
    Endpoint(
        method="POST",
        path="/accounts/{system_id}/outbind",
        operation="outbind_account",
        tag="accounts",
        summary="Call on an ESME now",
        description="Connects to the account's `outbind` address and sends an outbind (SMPP 3.4 section 2.2.1). 409 "
        "when it has none, is disabled, is being called on already, or nobody answers.",
        role="control",
        parameters=SYSTEM_ID,
        result=OutbindResult,
        problems=(409,),
        patient=True,
        handle=_outbind,
    ),
)
