"""Sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta

from smppd.api.endpoint import Endpoint
from smppd.control.pages import Page, PageQuery
from smppd.control.sessions import SessionChange, SessionView, Which

if TYPE_CHECKING:
    from smppd.api.endpoint import Call

SESSION: Final = {"session": "The number of the session, as in logs and recorded PDUs."}


class SessionQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which sessions."""

    state: Annotated[Which, Meta(description="Those that are open, those that have ended, or both.")] = "open"
    account: Annotated[str, Meta(max_length=15, description="Only those whose latest bind is of this system_id.")] = ""


async def _list(call: Call) -> Page[SessionView]:
    query = call.query
    return await call.control.sessions.list(query.state, query.account, limit=query.limit, cursor=query.cursor)


async def _get(call: Call) -> SessionView:
    return call.control.sessions.get(call.path["session"])


async def _change(call: Call) -> SessionView:
    return call.control.sessions.change(call.path["session"], call.body)


async def _unbind(call: Call) -> SessionView:
    return call.control.sessions.unbind(call.path["session"])


async def _close(call: Call) -> SessionView:
    return call.control.sessions.close(call.path["session"])


async def _reset(call: Call) -> SessionView:
    return call.control.sessions.reset(call.path["session"])


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/sessions",
        operation="list_sessions",
        tag="sessions",
        summary="Who is and was connected, the newest first",
        description="The latest 10,000 sessions are remembered after their end.",
        query=SessionQuery,
        result=Page[SessionView],
        handle=_list,
    ),
    Endpoint(
        method="GET",
        path="/sessions/{session}",
        operation="get_session",
        tag="sessions",
        summary="One session",
        parameters=SESSION,
        result=SessionView,
        version=lambda view: (view.window, view.deliver_window, view.rate, view.throttle),
        handle=_get,
    ),
    Endpoint(
        method="PATCH",
        path="/sessions/{session}",
        operation="change_session",
        tag="sessions",
        summary="Change what a bound session may do",
        description="It holds from the next PDU on, until the session is unbound. What is left out stays as it is. "
        "409 when it is not bound.",
        role="control",
        parameters=SESSION,
        body=SessionChange,
        result=SessionView,
        problems=(409,),
        handle=_change,
    ),
    Endpoint(
        method="POST",
        path="/sessions/{session}/unbind",
        operation="unbind_session",
        tag="sessions",
        summary="End a session in order",
        description="Sends an unbind, and closes when it is answered, or after `[server] shutdown_grace`. A connection "
        "that is not bound is closed. 409 when the session has ended or is about to.",
        role="control",
        parameters=SESSION,
        result=SessionView,
        problems=(409,),
        handle=_unbind,
    ),
    Endpoint(
        method="POST",
        path="/sessions/{session}/close",
        operation="close_session",
        tag="sessions",
        summary="Close a connection without an unbind",
        description="What was answered still leaves. 409 when the session has ended or is about to.",
        role="control",
        parameters=SESSION,
        result=SessionView,
        problems=(409,),
        handle=_close,
    ),
    Endpoint(
        method="POST",
        path="/sessions/{session}/reset",
        operation="reset_session",
        tag="sessions",
        summary="Reset a connection",
        description="The ESME sees a reset (RST) in the middle of whatever it does. 409 when the session has ended.",
        role="control",
        parameters=SESSION,
        result=SessionView,
        problems=(409,),
        handle=_reset,
    ),
)
