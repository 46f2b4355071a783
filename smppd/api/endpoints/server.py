"""The server as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.api.endpoint import Endpoint
from smppd.control.server import ReloadResult, ServerStatus

if TYPE_CHECKING:
    from smppd.api.endpoint import Call


async def _status(call: Call) -> ServerStatus:
    return call.control.server.status()


async def _reload(call: Call) -> ReloadResult:
    return await call.control.server.reload()


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/",
        operation="get_status",
        tag="server",
        summary="What the server is and how it does",
        result=ServerStatus,
        handle=_status,
    ),
    Endpoint(
        method="POST",
        path="/reload",
        operation="reload",
        tag="server",
        summary="Read the configuration files anew",
        description="As SIGHUP does. A file with mistakes leaves everything as it is, and all of them are told (422). "
        "What was changed through the API is as the files say again; what was added under names of its own stays.",
        role="control",
        result=ReloadResult,
        problems=(409,),
        handle=_reload,
    ),
)
