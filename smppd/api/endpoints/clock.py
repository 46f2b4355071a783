"""The engine's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct

from smppd.api.endpoint import Endpoint
from smppd.control.clock import ClockView, LapseView
from smppd.engine.clock import FASTEST, SLOWEST
from smppd.settings.types import MAX_SECONDS

if TYPE_CHECKING:
    from smppd.api.endpoint import Call


class ClockChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How time is to go on; what is not given stays as it is."""

    running: Annotated[bool | None, Meta(description="Whether time passes by itself.")] = None
    speed: Annotated[
        Annotated[float, Meta(ge=SLOWEST, le=FASTEST)] | None,
        Meta(description="Seconds that pass in a second of real time."),
    ] = None


class Advance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far time is to leap: exactly one of the two."""

    seconds: Annotated[Annotated[float, Meta(ge=0, le=MAX_SECONDS)] | None, Meta(description="So many seconds.")] = None
    to: Annotated[
        Annotated[str, Meta(max_length=40)] | None,
        Meta(description="Until this date and time, ISO 8601; without an offset it is UTC."),
    ] = None


class Resume(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How fast time is to pass."""

    speed: Annotated[
        Annotated[float, Meta(ge=SLOWEST, le=FASTEST)] | None, Meta(description="As it was, if not given.")
    ] = None


async def _read(call: Call) -> ClockView:
    return call.control.clock.read()


async def _change(call: Call) -> ClockView:
    return call.control.clock.change(running=call.body.running, speed=call.body.speed)


async def _advance(call: Call) -> LapseView:
    return await call.control.clock.advance(call.body.seconds, to=call.body.to)


async def _freeze(call: Call) -> ClockView:
    return call.control.clock.freeze()


async def _resume(call: Call) -> ClockView:
    return call.control.clock.change(running=True, speed=None if call.body is None else call.body.speed)


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/clock",
        operation="read_clock",
        tag="clock",
        summary="What time it is for messages",
        result=ClockView,
        handle=_read,
    ),
    Endpoint(
        method="PATCH",
        path="/clock",
        operation="change_clock",
        tag="clock",
        summary="Let time run, stand still, or pass faster",
        role="control",
        body=ClockChange,
        result=ClockView,
        problems=(409,),
        handle=_change,
    ),
    Endpoint(
        method="POST",
        path="/clock/advance",
        operation="advance_clock",
        tag="clock",
        summary="Let time pass at once",
        description="Whatever is due on the way happens, each thing at its time. It is answered when that is done; an"
        " advance that comes meanwhile waits for its turn. Sessions go on in real time.",
        role="control",
        body=Advance,
        result=LapseView,
        problems=(409,),
        patient=True,
        handle=_advance,
    ),
    Endpoint(
        method="POST",
        path="/clock/freeze",
        operation="freeze_clock",
        tag="clock",
        summary="Let time stand still",
        role="control",
        result=ClockView,
        problems=(409,),
        handle=_freeze,
    ),
    Endpoint(
        method="POST",
        path="/clock/resume",
        operation="resume_clock",
        tag="clock",
        summary="Let time pass by itself",
        role="control",
        body=Resume,
        body_optional=True,
        result=ClockView,
        problems=(409,),
        handle=_resume,
    ),
)
