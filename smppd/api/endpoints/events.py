"""Events as they happen: as Server-Sent Events, and over a WebSocket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Final

from aiohttp import WSCloseCode, WSMsgType, hdrs, web
from msgspec import Meta, Struct

from smppd.api.endpoint import Endpoint
from smppd.api.problem import RequestError
from smppd.api.reading import parse
from smppd.control.event_views import EventView, encode
from smppd.control.failures import InvalidError
from smppd.settings.webhooks import EventFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smppd.api.endpoint import Call
    from smppd.control.events import EventDesk, Viewing

EVENT_STREAM: Final = "text/event-stream"

HEARTBEAT: Final = 15.0
"""Seconds of silence after which a viewer is told that the connection stands: proxies close what is silent for long."""

RETRY: Final = 2000
"""Milliseconds after which a browser connects again."""

STALLED: Final = 30.0
"""Seconds a client may take to read what has been written, before its connection is dropped."""

UNREAD: Final = 64 * 1024
"""Octets that wait for a client which does not read; then nothing more is decoded for it."""

LOOK_AGAIN: Final = 0.05
"""Seconds between two looks at whether a client reads."""

TEXT_FRAME: Final = 0x81
"""The first octet of a message that is a text and one frame."""

LENGTH_IN_TWO: Final = 126
"""Stands for the length of a frame that has as many octets or more: two octets behind it tell. 127: eight octets."""

LENGTH_IN_EIGHT: Final = 1 << 16
"""Octets from which on two are not enough to tell the length."""

MAX_MESSAGE: Final = 16 * 1024
"""Octets of a message from a client: a filter has some hundred."""

STILL_HERE: Final = b": still here\n\n"
"""A comment, which clients pass over."""

GOODBYE: Final = 0.5
"""Seconds a client has to answer the end of a WebSocket."""

LAST_EVENT_ID: Final = "Last-Event-ID"

FOREIGN_ID: Final = "e0-0-0"
"""The id of no event: whoever goes on from there is told that there is a gap."""


class EventQuery(EventFilter, frozen=True, kw_only=True):
    """Which events, and from where on."""

    since: Annotated[
        str,
        Meta(
            max_length=100,
            description="The `id` of an event: what came after it, as far as it is remembered. Or a date and time: "
            "what came from then on. Without it: what comes from now on.",
        ),
    ] = ""


class SocketMessage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client may say: another filter from now on, or a ping. Raises ValueError unless it is one of them."""

    filter: EventFilter | None = None
    ping: Annotated[str, Meta(max_length=200)] | None = None

    def __post_init__(self) -> None:
        """Each of them has an answer of its own."""
        if (self.filter is None) == (self.ping is None):
            raise ValueError("expected either filter or ping")


async def _stream(call: Call) -> web.StreamResponse:
    """Write what happens, until the client goes or the server stops."""
    with _subscribed(call) as viewing:
        response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: EVENT_STREAM, "X-Accel-Buffering": "no"})
        await response.prepare(call.request)
        _bound_buffer(call.request)
        try:
            await _write(response, b"retry: %d\n\n" % RETRY)
            while (events := await viewing.next(HEARTBEAT)) is not None:
                await _write(response, b"".join(map(_framed, events)) or STILL_HERE)
        except asyncio.CancelledError:
            _go_on_if(viewing.closed)
        except TimeoutError:
            _drop(call.request)
        return response


def _framed(event: EventView) -> bytes:
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (event.id.encode(), event.kind.encode(), encode(event))


async def _write(response: web.StreamResponse, octets: bytes) -> None:
    async with asyncio.timeout(STALLED):
        await response.write(octets)


async def _talk(call: Call) -> web.StreamResponse:
    """Send what happens, and hear what the client wants instead, until it goes or the server stops."""
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT, timeout=GOODBYE, max_msg_size=MAX_MESSAGE, compress=False)
    if not socket.can_prepare(call.request).ok:
        raise RequestError(426, "This is for WebSockets; GET /events streams over HTTP.", {"Upgrade": "websocket"})
    with _subscribed(call) as viewing:
        await socket.prepare(call.request)
        _bound_buffer(call.request)
        sending = asyncio.create_task(_send_all(call.request, socket, viewing))
        try:
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    text = message.data.encode() if isinstance(message.data, str) else message.data
                    await _send(socket, _heard(call.control.events, viewing, text))
        except asyncio.CancelledError:
            if not viewing.closed:
                sending.cancel()
            _go_on_if(viewing.closed)
        except (TimeoutError, ConnectionError):
            _drop(call.request)
        finally:
            viewing.close()
            await _end(socket, sending)
    return socket


async def _send_all(request: web.Request, socket: web.WebSocketResponse, viewing: Viewing) -> None:
    """Send what happens, a message for each event; then say goodbye, as the server stops."""
    try:
        while (events := await viewing.next()) is not None:
            await _send_together(request, events)
        await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the server is stopping")
    except (TimeoutError, ConnectionError):
        _drop(request)


async def _send(socket: web.WebSocketResponse, event: EventView) -> None:
    async with asyncio.timeout(STALLED):
        await socket.send_str(encode(event).decode())


async def _send_together(request: web.Request, events: Sequence[EventView]) -> None:
    """Write the messages of several events at once, then wait until most of what is written has been read.

    A message of its own for each would cost more than all the rest: they are as many as a thousand in 100 ms.
    """
    transport = request.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError("the viewer is gone")
    transport.write(b"".join(map(_message, events)))
    async with asyncio.timeout(STALLED):
        while transport.get_write_buffer_size() > UNREAD:  # noqa: ASYNC110  # nobody tells when there is room
            await asyncio.sleep(LOOK_AGAIN)


def _message(event: EventView) -> bytes:
    """An event as a text message of one frame, as servers write them: without a mask (RFC 6455, section 5.2)."""
    octets = encode(event)
    size = len(octets)
    if size < LENGTH_IN_TWO:
        return bytes((TEXT_FRAME, size)) + octets
    if size < LENGTH_IN_EIGHT:
        return bytes((TEXT_FRAME, LENGTH_IN_TWO)) + size.to_bytes(2, "big") + octets
    return bytes((TEXT_FRAME, LENGTH_IN_TWO + 1)) + size.to_bytes(8, "big") + octets


async def _end(socket: web.WebSocketResponse, sending: asyncio.Task[None]) -> None:
    """Have the task end that sends: by itself when it is about to say goodbye, else at once."""
    if socket.closed:
        sending.cancel()
    await asyncio.wait([sending])


def _heard(events: EventDesk, viewing: Viewing, octets: bytes) -> EventView:
    """What a message of the client brings about, and what is answered."""
    try:
        said: SocketMessage = parse(SocketMessage, octets)
    except RequestError as error:
        return events.about_view("error", viewing.id, detail=str(error))
    except InvalidError as error:
        return events.about_view("error", viewing.id, detail=str(error))
    if said.filter is not None:
        viewing.change(said.filter)
        return events.about_view("filtered", viewing.id)
    return events.about_view("pong", viewing.id, detail=said.ping or "")


def _subscribed(call: Call) -> Viewing:
    """A viewer as the query string has it, or the header by which a browser goes on. Raises TooBusyError."""
    query: EventQuery = call.query
    events = call.control.events
    last = call.request.headers.get(LAST_EVENT_ID, "")
    if not last:
        return events.subscribe(query, since=query.since)
    try:
        return events.subscribe(query, since=last)
    except InvalidError:
        return events.subscribe(query, since=FOREIGN_ID)


def _bound_buffer(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.set_write_buffer_limits(high=UNREAD)


def _drop(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _go_on_if(is_closed: bool) -> None:
    """The server stops and has said so to the viewer already: end in order instead of breaking off."""
    task = asyncio.current_task()
    if not is_closed or task is None:
        raise asyncio.CancelledError
    task.uncancel()


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/events",
        operation="stream_events",
        tag="events",
        summary="What happens, as Server-Sent Events",
        description="`id:` is where to go on (`Last-Event-ID`, `since`), `event:` the kind, `data:` the event as JSON. "
        "A viewer that is too slow loses the oldest and gets an event `dropped` of kind `viewer` with the `counts`.",
        query=EventQuery,
        media=EVENT_STREAM,
        patient=True,
        handle=_stream,
    ),
    Endpoint(
        method="GET",
        path="/events/ws",
        operation="talk_events",
        tag="events",
        summary="What happens, over a WebSocket",
        description='Each message is an event as JSON. The client may send `{"filter": {...}}` to see something else '
        'from then on, and `{"ping": "..."}`.',
        query=EventQuery,
        media="application/websocket",
        problems=(426,),
        patient=True,
        handle=_talk,
    ),
)
