"""Routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct, field, structs

from smppd.api.endpoint import Endpoint
from smppd.api.endpoints.adjusting import EntryName, Order
from smppd.control.failures import InvalidError
from smppd.control.judging import read
from smppd.control.pages import Page, PageQuery
from smppd.control.routes import RouteView
from smppd.settings.routes import Route
from smppd.settings.types import Name, Table

if TYPE_CHECKING:
    from smppd.api.endpoint import Call

NAMED: Final = {"name": "The name of the route."}


class RouteList(Table, frozen=True):
    """Routes in their order."""

    routes: list[Route] = field()


class RouteInPlace(Route, frozen=True):
    """A route. Its name stands in the path; if it is given here as well, it is the same one."""

    name: Name | None = None  # type: ignore[assignment]  # only here it may be left out


class AddRouteQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where it stands; without a place: in front of all others."""

    before: Annotated[EntryName, Meta(description="It stands in front of the one called so.")] = None
    after: Annotated[EntryName, Meta(description="It stands behind the one called so.")] = None
    last: Annotated[bool, Meta(description="It stands behind all others.")] = False


async def _page(call: Call) -> Page[RouteView]:
    return call.control.routes.page(call.query.limit, call.query.cursor)


async def _get(call: Call) -> RouteView:
    return call.control.routes.get(call.path["name"])


async def _add(call: Call) -> RouteView:
    query = call.query
    return call.control.routes.add(call.body, before=query.before, after=query.after, last=query.last)


async def _put(call: Call) -> RouteView:
    name, fields = call.path["name"], structs.asdict(call.body)
    fields["name"] = fields["name"] or read(Route, {"name": name}).name
    return call.control.routes.put(name, Route(**fields))


async def _put_all(call: Call) -> Page[RouteView]:
    try:
        return call.control.routes.put_all(call.body.routes)
    except InvalidError as error:
        problems = [(f"routes{where.removeprefix('route')}", what) for where, what in error.problems]
        raise InvalidError(problems) from None


async def _delete(call: Call) -> None:
    call.control.routes.delete(call.path["name"])


async def _order(call: Call) -> Page[RouteView]:
    return call.control.routes.order(call.body.names)


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/routes",
        operation="list_routes",
        tag="routes",
        summary="The routes in their order",
        query=PageQuery,
        result=Page[RouteView],
        version=lambda result: [(view.name, view.route) for view in result.items],
        handle=_page,
    ),
    Endpoint(
        method="POST",
        path="/routes",
        operation="add_route",
        tag="routes",
        summary="Add a route",
        role="control",
        query=AddRouteQuery,
        body=Route,
        result=RouteView,
        status=201,
        problems=(409,),
        handle=_add,
    ),
    Endpoint(
        method="PUT",
        path="/routes",
        operation="replace_routes",
        tag="routes",
        summary="Have these routes in the place of all there are",
        role="control",
        body=RouteList,
        result=Page[RouteView],
        problems=(409,),
        handle=_put_all,
    ),
    Endpoint(
        method="POST",
        path="/routes/order",
        operation="order_routes",
        tag="routes",
        summary="Have some routes go first",
        role="control",
        body=Order,
        result=Page[RouteView],
        handle=_order,
    ),
    Endpoint(
        method="GET",
        path="/routes/{name}",
        operation="get_route",
        tag="routes",
        summary="One route",
        parameters=NAMED,
        result=RouteView,
        version=lambda result: (result.position, result.route),
        handle=_get,
    ),
    Endpoint(
        method="PUT",
        path="/routes/{name}",
        operation="put_route",
        tag="routes",
        summary="Have this in the place of the route called so, or add it",
        description="One that is there keeps its place; a new one goes in front of all others.",
        role="control",
        parameters=NAMED,
        body=RouteInPlace,
        result=RouteView,
        problems=(409,),
        handle=_put,
    ),
    Endpoint(
        method="DELETE",
        path="/routes/{name}",
        operation="delete_route",
        tag="routes",
        summary="Take a route away",
        description="Messages that have been accepted go their way on it.",
        role="control",
        parameters=NAMED,
        problems=(409,),
        handle=_delete,
    ),
)
