"""Resets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct

from smppd.api.endpoint import Endpoint
from smppd.control.reset import PARTS, Part, ResetView

if TYPE_CHECKING:
    from smppd.api.endpoint import Call


class Reset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be reset; nothing given: everything."""

    namespace: Annotated[
        Annotated[str, Meta(min_length=1, max_length=15)] | None,
        Meta(description="An account: only what belongs to it is reset, and nobody else notices."),
    ] = None
    keep: Annotated[list[Part], Meta(max_length=len(PARTS), description="What is left as it is.")] = []
    disconnect: Annotated[bool, Meta(description="Unbind sessions, too.")] = False


async def _reset(call: Call) -> ResetView:
    body = call.body or Reset()
    return await call.control.reset.reset(body.namespace, keep=body.keep, disconnect=body.disconnect)


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/reset",
        operation="reset",
        tag="reset",
        summary="Go back to what the configuration files say",
        description="Messages and the journal are forgotten, counts of rules and faults begin anew, scenarios too; "
        "what was made through the API is gone, and what it changed is as it was. Sessions stay bound, message ids go "
        "on, and the counters of /metrics never fall. With a namespace: the same for one account alone.",
        role="control",
        body=Reset,
        body_optional=True,
        result=ResetView,
        patient=True,
        handle=_reset,
    ),
)
