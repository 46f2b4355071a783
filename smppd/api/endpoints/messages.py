"""Recorded messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, field

from smppd.api.endpoint import Endpoint
from smppd.control.failures import InvalidError
from smppd.control.messages.desk import (
    BulkResult,
    MessageCount,
    MessageDetail,
    MessagePage,
    MessagePdus,
    OutcomeName,
)
from smppd.control.messages.search import MAX_ERROR, MAX_LISTED, MAX_TEXT, Bulk, Count, Receipt, Search, State
from smppd.control.messages.views import MessageView
from smppd.control.pages import PageQuery
from smppd.settings.types import ErrorCode, Table

if TYPE_CHECKING:
    from smppd.api.endpoint import Call

Glob = Annotated[str, Meta(max_length=256)]
Moment = Annotated[str, Meta(max_length=64, description="A date and time such as 2026-01-31T12:00:00Z.")]


class MessagesQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The simple conditions of a search, as a query string; `POST /messages/search` takes all of them."""

    account: Annotated[Glob, Meta(description="system_id of who submitted it; a pattern.")] = ""
    route: Annotated[Glob, Meta(description="Name of the route; a pattern.")] = ""
    source_addr: Annotated[Glob, Meta(description='A pattern such as "336*".')] = ""
    destination_addr: Annotated[Glob, Meta(description='A pattern such as "336*".')] = ""
    service_type: Annotated[str, Meta(max_length=6)] | None = None
    data_coding: Annotated[int, Meta(ge=0, le=255)] | None = None
    text: Annotated[str, Meta(max_length=MAX_TEXT, description="A piece of the decoded text.")] = ""
    ignore_case: Annotated[bool, Meta(description="Whether `text` may be in other letter case.")] = False
    message_id: Annotated[list[str], Meta(max_length=MAX_LISTED, description="Any of these.")] = field(
        default_factory=list
    )
    message_state: Annotated[list[State], Meta(max_length=16, description="Any of these.")] = field(
        default_factory=list
    )
    error_code: Annotated[int, Meta(ge=0, le=MAX_ERROR)] | None = None
    receipt: Annotated[list[Receipt], Meta(max_length=16, description="Any of these.")] = field(default_factory=list)
    accepted_from: Moment = ""
    accepted_to: Moment = ""
    final_from: Moment = ""
    final_to: Moment = ""
    unit: Annotated[
        Literal["part", "whole"], Meta(description='"whole": the parts of a long message are one, told by its first.')
    ] = "part"
    order: Annotated[Literal["newest", "oldest"], Meta(description="Which comes first.")] = "newest"


class MemberQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which message of a submit_multi is meant: its messages share their message_id."""

    destination_addr: Annotated[str, Meta(max_length=64, description='Of the message; "": the first, or all.')] = ""


class Outcome(Table, frozen=True):
    """How a message is to end.

    * outcome: as in rules ("UNDELIV"), or by the name of the state ("UNDELIVERABLE").
    * error: as its receipt reports it; the usual one for the outcome when it is not given.
    """

    outcome: OutcomeName
    error: ErrorCode | None = None


class BulkOutcome(Bulk, frozen=True, kw_only=True):
    """Which messages are to end, and how: see `Outcome`."""

    outcome: OutcomeName
    error: ErrorCode | None = None


async def _list(call: Call) -> MessagePage:
    try:
        return await call.control.messages.search(**_table_of(call.query))
    except InvalidError as error:
        raise InvalidError([(_name_of(path), what) for path, what in error.problems]) from None


def _name_of(path: str) -> str:
    """What the query string calls a key of a search."""
    path = path.removeprefix("when.").replace(".", "_")
    return {"contains": "text"}.get(path, path)


def _table_of(query: MessagesQuery) -> dict[str, Any]:
    """The search that a query string stands for, as it would be written in JSON."""
    fields = ("account", "route", "source_addr", "destination_addr", "service_type", "data_coding")
    when = {name: value for name in fields if (value := getattr(query, name)) not in ("", None)}
    table: dict[str, Any] = {"when": when, "contains": query.text, "ignore_case": query.ignore_case}
    lists = {"message_id": query.message_id, "message_state": query.message_state, "receipt": query.receipt}
    table |= {name: values for name, values in lists.items() if values}
    if query.error_code is not None:
        table["error_code"] = query.error_code
    for name in ("accepted", "final"):
        ends = {end: text for end in ("from", "to") if (text := getattr(query, f"{name}_{end}"))}
        if ends:
            table[name] = ends
    return table | {"unit": query.unit, "order": query.order, "limit": query.limit, "cursor": query.cursor}


async def _search(call: Call) -> MessagePage:
    return await call.control.messages.search(call.body)


async def _count(call: Call) -> MessageCount:
    return await call.control.messages.count(call.body)


async def _get(call: Call) -> MessageDetail:
    return await call.control.messages.get(call.path["message_id"], destination_addr=call.query.destination_addr)


async def _pdus(call: Call) -> MessagePdus:
    return await call.control.messages.pdus(call.path["message_id"], destination_addr=call.query.destination_addr)


async def _force(call: Call) -> MessageView:
    return call.control.messages.force(
        call.path["message_id"],
        call.body.outcome,
        error=call.body.error,
        destination_addr=call.query.destination_addr,
    )


async def _cancel(call: Call) -> MessageView:
    return call.control.messages.cancel(call.path["message_id"], destination_addr=call.query.destination_addr)


async def _force_all(call: Call) -> BulkResult:
    return await call.control.messages.force_all(call.body, call.body.outcome, error=call.body.error)


async def _cancel_all(call: Call) -> BulkResult:
    return await call.control.messages.cancel_all(call.body)


_ID: Final = {"message_id": "The message_id, percent-encoded: ids of some dialects hold any characters."}

ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/messages",
        operation="list_messages",
        tag="messages",
        summary="List recorded messages",
        description="The newest first, unless `order` says otherwise. All conditions that are given must hold.",
        query=MessagesQuery,
        result=MessagePage,
        handle=_list,
    ),
    Endpoint(
        method="POST",
        path="/messages/search",
        operation="search_messages",
        tag="messages",
        summary="Search recorded messages by any of their fields",
        body=Search,
        result=MessagePage,
        handle=_search,
    ),
    Endpoint(
        method="POST",
        path="/messages/count",
        operation="count_messages",
        tag="messages",
        summary="Count recorded messages",
        body=Count,
        result=MessageCount,
        handle=_count,
    ),
    Endpoint(
        method="POST",
        path="/messages/outcome",
        operation="force_outcomes",
        tag="messages",
        summary="Force an outcome on all messages that are looked for and not final",
        role="control",
        body=BulkOutcome,
        result=BulkResult,
        handle=_force_all,
    ),
    Endpoint(
        method="POST",
        path="/messages/cancel",
        operation="cancel_messages",
        tag="messages",
        summary="Cancel all messages that are looked for and not final",
        role="control",
        body=Bulk,
        result=BulkResult,
        handle=_cancel_all,
    ),
    Endpoint(
        method="GET",
        path="/messages/{message_id}",
        operation="get_message",
        tag="messages",
        summary="One message with its whole life",
        parameters=_ID,
        query=MemberQuery,
        result=MessageDetail,
        handle=_get,
    ),
    Endpoint(
        method="DELETE",
        path="/messages/{message_id}",
        operation="cancel_message",
        tag="messages",
        summary="Cancel a message, as cancel_sm does",
        role="control",
        parameters=_ID,
        query=MemberQuery,
        result=MessageView,
        problems=(409,),
        handle=_cancel,
    ),
    Endpoint(
        method="GET",
        path="/messages/{message_id}/pdus",
        operation="get_message_pdus",
        tag="messages",
        summary="The PDUs of a message, taken apart",
        parameters=_ID,
        query=MemberQuery,
        result=MessagePdus,
        handle=_pdus,
    ),
    Endpoint(
        method="POST",
        path="/messages/{message_id}/outcome",
        operation="force_outcome",
        tag="messages",
        summary="Force an outcome on a message that is not final",
        description="It ends so at once, whatever it waits for; its receipt follows as usual.",
        role="control",
        parameters=_ID,
        query=MemberQuery,
        body=Outcome,
        result=MessageView,
        problems=(409,),
        handle=_force,
    ),
)
