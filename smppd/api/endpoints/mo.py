"""Messages from subscribers (mobile originated)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.api.endpoint import Endpoint
from smppd.control.mo import MoList, MoView
from smppd.control.mo_messages import Mo, MoBatch
from smppd.control.pages import Page, PageQuery

if TYPE_CHECKING:
    from smppd.api.endpoint import Call


class MoQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which messages."""


async def _list(call: Call) -> Page[MoView]:
    return call.control.mo.list(limit=call.query.limit, cursor=call.query.cursor)


async def _get(call: Call) -> MoView:
    return call.control.mo.get(call.path["id"])


async def _inject(call: Call) -> MoView:
    return call.control.mo.inject(call.body)


async def _inject_all(call: Call) -> MoList:
    return MoList(items=[*await call.control.mo.inject_all(call.body.messages)])


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/mo",
        operation="send_mo",
        tag="mo",
        summary="Have a subscriber send a message to an ESME",
        description="It leaves as one or several deliver_sm by a receiving bind of the account, and waits for one if "
        "there is none. 409 when it is not clear whose it is, 429 at `[messages] limit`.",
        role="control",
        body=Mo,
        result=MoView,
        status=201,
        problems=(409,),
        handle=_inject,
    ),
    Endpoint(
        method="POST",
        path="/mo/batch",
        operation="send_mo_batch",
        tag="mo",
        summary="The same for up to 1,000 messages",
        description="All of them are taken, or none.",
        role="control",
        body=MoBatch,
        result=MoList,
        status=201,
        problems=(409,),
        handle=_inject_all,
    ),
    Endpoint(
        method="GET",
        path="/mo",
        operation="list_mo",
        tag="mo",
        summary="What subscribers have sent, the newest first",
        description="What was asked for here, not what rules had them answer. The latest 20,000 parts are remembered.",
        query=MoQuery,
        result=Page[MoView],
        handle=_list,
    ),
    Endpoint(
        method="GET",
        path="/mo/{id}",
        operation="get_mo",
        tag="mo",
        summary="One message, and what has become of it",
        parameters={"id": "The id that sending it has answered."},
        result=MoView,
        handle=_get,
    ),
)
