"""Dialects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from smppd.api.endpoint import Endpoint
from smppd.control.dialects import DialectView
from smppd.control.pages import Page, PageQuery

if TYPE_CHECKING:
    from smppd.api.endpoint import Call

NAMED: Final = {"name": "The name of the dialect."}


async def _page(call: Call) -> Page[DialectView]:
    return call.control.dialects.page(call.query.limit, call.query.cursor)


async def _get(call: Call) -> DialectView:
    return call.control.dialects.get(call.path["name"])


async def _put(call: Call) -> DialectView:
    return call.control.dialects.put(call.path["name"], call.body)


async def _delete(call: Call) -> None:
    call.control.dialects.delete(call.path["name"])


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/dialects",
        operation="list_dialects",
        tag="dialects",
        summary="The dialects",
        query=PageQuery,
        result=Page[DialectView],
        handle=_page,
    ),
    Endpoint(
        method="GET",
        path="/dialects/{name}",
        operation="get_dialect",
        tag="dialects",
        summary="One dialect",
        parameters=NAMED,
        result=DialectView,
        handle=_get,
    ),
    Endpoint(
        method="PUT",
        path="/dialects/{name}",
        operation="put_dialect",
        tag="dialects",
        summary="Have this dialect under the name, whether there is one or not",
        description="The body is the dialect as the configuration has it (docs/dialects.md). With `based_on` it takes "
        "over, once, what it does not say itself: from a dialect that there is, or a shipped one. Sessions that are "
        "bound speak it from their next PDU on.",
        role="control",
        parameters=NAMED,
        # Read by the desk: what is given counts, even where it is the default, before what is taken over.
        body=dict[str, Any],
        result=DialectView,
        handle=_put,
    ),
    Endpoint(
        method="DELETE",
        path="/dialects/{name}",
        operation="delete_dialect",
        tag="dialects",
        summary="Take a dialect away that no account speaks",
        role="control",
        parameters=NAMED,
        problems=(409,),
        handle=_delete,
    ),
)
