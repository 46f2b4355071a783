"""What the endpoints of rules and of faults have in common: one function makes them for both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct

from smppd.api.endpoint import Endpoint
from smppd.control.adjusting import MOST, Replaced
from smppd.control.failures import InvalidError
from smppd.control.pages import PageQuery
from smppd.settings.types import MAX_SECONDS, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from smppd.api.endpoint import Call
    from smppd.control.adjusting import AdjustingDesk, Listing
    from smppd.control.panel import Control

Namespace = Annotated[
    Annotated[str, Meta(min_length=1, max_length=15)] | None,
    Meta(description="An account: what belongs to it concerns it alone, and goes with its reset."),
]
Seconds = Annotated[
    Annotated[float, Meta(gt=0, le=MAX_SECONDS)] | None,
    Meta(description="Seconds of the engine's clock after which it goes by itself."),
]
EntryName = Annotated[str, Meta(min_length=1, max_length=64)] | None


class ListQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of them."""

    namespace: Namespace = None


class AddQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whom it is, how long, and where it stands; without a place: in front of all others."""

    namespace: Namespace = None
    expires_in: Seconds = None
    before: Annotated[EntryName, Meta(description="It stands in front of the one called so.")] = None
    after: Annotated[EntryName, Meta(description="It stands behind the one called so.")] = None
    last: Annotated[bool, Meta(description="It stands behind all others.")] = False


class PutQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whom it is, and how long."""

    namespace: Namespace = None
    expires_in: Seconds = None


class NamespaceQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All, or those of one account."""

    namespace: Namespace = None


class Use(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether it is in use."""

    enabled: bool


class Order(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes first, in this order; all others follow as they stand."""

    names: Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(max_length=MOST)]


class Counts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose counts begin anew; without names: of all, or of all that belong to the namespace."""

    names: Annotated[list[str], Meta(max_length=MOST)] | None = None
    namespace: Namespace = None


def adjusting(
    kind: str,
    desk_of: Callable[[Control], AdjustingDesk[Any, Any]],
    *,
    type: Any,  # noqa: A002  # it is one
    entries: type[Table],
    view: Any,
    listing: type[Listing[Any]],
) -> tuple[Endpoint, ...]:
    """The endpoints of one list.

    Args:
        kind: what an entry is called.
        desk_of: who looks after it.
        type: what an entry is read as.
        entries: what all of them are read as: a table with one list, called like the path.
        view: how an entry is shown.
        listing: how several are.
    """
    path, one = f"/{kind}s", f"/{kind}s/{{name}}"
    named = {"name": f"The name of the {kind}."}

    async def page(call: Call) -> Any:
        query = call.query
        return await desk_of(call.control).page(query.limit, query.cursor, namespace=query.namespace)

    async def add(call: Call) -> Any:
        query = call.query
        return desk_of(call.control).add(
            call.body,
            namespace=query.namespace,
            expires_in=query.expires_in,
            before=query.before,
            after=query.after,
            last=query.last,
            hooks=_hooks(call),
        )

    async def put_all(call: Call) -> Replaced:
        try:
            return desk_of(call.control).put_all(
                getattr(call.body, f"{kind}s"), namespace=call.query.namespace, hooks=_hooks(call)
            )
        except InvalidError as error:
            raise InvalidError([(f"{kind}s{where}", what) for where, what in error.problems]) from None

    async def delete_all(call: Call) -> Replaced:
        return desk_of(call.control).delete_all(namespace=call.query.namespace)

    async def get(call: Call) -> Any:
        return desk_of(call.control).get(call.path["name"])

    async def put(call: Call) -> Any:
        query = call.query
        return desk_of(call.control).put(
            call.path["name"],
            call.body,
            namespace=query.namespace,
            expires_in=query.expires_in,
            hooks=_hooks(call),
        )

    async def enable(call: Call) -> Any:
        return desk_of(call.control).enable(call.path["name"], call.body.enabled)

    async def delete(call: Call) -> None:
        desk_of(call.control).delete(call.path["name"])

    async def order(call: Call) -> Replaced:
        return desk_of(call.control).order(call.body.names)

    async def reset(call: Call) -> None:
        body = call.body or Counts()
        desk_of(call.control).reset_counts(body.names, namespace=body.namespace)

    return (
        Endpoint(
            method="GET",
            path=path,
            operation=f"list_{kind}s",
            tag=f"{kind}s",
            summary=f"The {kind}s in their order, with what they have done",
            query=ListQuery,
            result=listing,
            version=lambda result: result.revision,
            handle=page,
        ),
        Endpoint(
            method="POST",
            path=path,
            operation=f"add_{kind}",
            tag=f"{kind}s",
            summary=f"Add a {kind}",
            description=f"The body is the {kind} as the configuration has it. It takes effect with the next PDU.",
            role="control",
            query=AddQuery,
            body=type,
            result=view,
            status=201,
            problems=(409,),
            handle=add,
        ),
        Endpoint(
            method="PUT",
            path=path,
            operation=f"replace_{kind}s",
            tag=f"{kind}s",
            summary=f"Have these {kind}s in the place of all there are",
            role="control",
            query=NamespaceQuery,
            body=entries,
            result=Replaced,
            handle=put_all,
        ),
        Endpoint(
            method="DELETE",
            path=path,
            operation=f"delete_{kind}s",
            tag=f"{kind}s",
            summary=f"Take all {kind}s away, those of the configuration files too",
            role="control",
            query=NamespaceQuery,
            result=Replaced,
            handle=delete_all,
        ),
        Endpoint(
            method="POST",
            path=f"{path}/order",
            operation=f"order_{kind}s",
            tag=f"{kind}s",
            summary=f"Have some {kind}s go first",
            role="control",
            body=Order,
            result=Replaced,
            handle=order,
        ),
        Endpoint(
            method="POST",
            path=f"{path}/reset",
            operation=f"reset_{kind}s",
            tag=f"{kind}s",
            summary=f"Have the counts of {kind}s begin anew",
            role="control",
            body=Counts,
            body_optional=True,
            problems=(404,),
            handle=reset,
        ),
        Endpoint(
            method="GET",
            path=one,
            operation=f"get_{kind}",
            tag=f"{kind}s",
            summary=f"One {kind}",
            parameters=named,
            result=view,
            version=lambda result: (result.position, result.namespace, getattr(result, kind)),
            handle=get,
        ),
        Endpoint(
            method="PUT",
            path=one,
            operation=f"put_{kind}",
            tag=f"{kind}s",
            summary=f"Have this in the place of the {kind} called so, or add it",
            description="One that is there keeps its place; its counts begin anew unless it is the same as before.",
            role="control",
            parameters=named,
            query=PutQuery,
            body=type,
            result=view,
            problems=(409,),
            handle=put,
        ),
        Endpoint(
            method="PATCH",
            path=one,
            operation=f"enable_{kind}",
            tag=f"{kind}s",
            summary=f"Take a {kind} into use, or out of use",
            role="control",
            parameters=named,
            body=Use,
            result=view,
            handle=enable,
        ),
        Endpoint(
            method="DELETE",
            path=one,
            operation=f"delete_{kind}",
            tag=f"{kind}s",
            summary=f"Take a {kind} away",
            role="control",
            parameters=named,
            handle=delete,
        ),
    )


def _hooks(call: Call) -> bool:
    """Whether a hook may be named that the configuration does not name."""
    return call.control.simulation.settings.api.hooks
