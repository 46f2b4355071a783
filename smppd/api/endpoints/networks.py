"""Simulated networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.api.endpoint import Endpoint
from smppd.control.networks import NetworkView
from smppd.control.pages import Page, PageQuery
from smppd.settings.routes import Network

if TYPE_CHECKING:
    from smppd.api.endpoint import Call

NAMED: Final = {"name": "The name of the network."}


async def _page(call: Call) -> Page[NetworkView]:
    return call.control.networks.page(call.query.limit, call.query.cursor)


async def _get(call: Call) -> NetworkView:
    return call.control.networks.get(call.path["name"])


async def _put(call: Call) -> NetworkView:
    return call.control.networks.put(call.path["name"], call.body)


async def _delete(call: Call) -> None:
    call.control.networks.delete(call.path["name"])


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/networks",
        operation="list_networks",
        tag="networks",
        summary="The simulated networks",
        query=PageQuery,
        result=Page[NetworkView],
        handle=_page,
    ),
    Endpoint(
        method="GET",
        path="/networks/{name}",
        operation="get_network",
        tag="networks",
        summary="One network",
        parameters=NAMED,
        result=NetworkView,
        handle=_get,
    ),
    Endpoint(
        method="PUT",
        path="/networks/{name}",
        operation="put_network",
        tag="networks",
        summary="Have this network under the name, whether there is one or not",
        description="Messages that are on their way stay with what was decided about them. A network that is changed "
        "begins anew: with its first draws, and nobody absent.",
        role="control",
        parameters=NAMED,
        body=Network,
        result=NetworkView,
        handle=_put,
    ),
    Endpoint(
        method="DELETE",
        path="/networks/{name}",
        operation="delete_network",
        tag="networks",
        summary="Take a network away that no route uses",
        role="control",
        parameters=NAMED,
        problems=(409,),
        handle=_delete,
    ),
)
