"""The recorded PDUs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta, Struct

from smppd.api.endpoint import Endpoint
from smppd.control.pages import PageQuery
from smppd.control.pdus import PduDetail, PduPage

if TYPE_CHECKING:
    from smppd.api.endpoint import Call


class PduQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which PDUs; everything that is given must hold."""

    account: Annotated[str, Meta(description="system_id of who was bound.")] = ""
    session: Annotated[str, Meta(description="Name of the session.")] = ""
    direction: Annotated[Literal["in", "out"] | None, Meta(description="in: from the ESME; out: to it.")] = None
    command: Annotated[str, Meta(description="Name of the command, such as submit_sm.")] = ""
    since: Annotated[int, Meta(ge=0, description="The number from which on PDUs count.")] = 0
    newest: Annotated[bool, Meta(description="The newest first.")] = False
    hex: Annotated[bool, Meta(description="With the octets of each PDU.")] = False


class DetailQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of a PDU."""

    dissect: Annotated[bool, Meta(description="With every field, its offset, octets and meaning.")] = False


async def _list(call: Call) -> PduPage:
    query: PduQuery = call.query
    return await call.control.pdus.list(
        account=query.account,
        session=query.session,
        direction=query.direction,
        command=query.command,
        since=query.since,
        newest=query.newest,
        limit=query.limit,
        cursor=query.cursor,
        with_hex=query.hex,
    )


async def _get(call: Call) -> PduDetail:
    return call.control.pdus.get(call.path["number"], dissect=call.query.dissect)


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/pdus",
        operation="list_pdus",
        tag="pdus",
        summary="The recorded PDUs, oldest or newest first",
        query=PduQuery,
        result=PduPage,
        patient=True,
        handle=_list,
    ),
    Endpoint(
        method="GET",
        path="/pdus/{number}",
        operation="get_pdu",
        tag="pdus",
        summary="One recorded PDU with its octets",
        parameters={"number": "its number in the journal"},
        query=DetailQuery,
        result=PduDetail,
        handle=_get,
    ),
)
