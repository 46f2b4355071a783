"""The ESME client: one connection to any SMSC, on the same session code as the server.

It answers enquire_link, deliver_sm and unbind by itself; requests are awaited::

    async with await Esme.connect("127.0.0.1", 2775, on_deliver=print) as esme:
        await esme.bind(BindTransceiver(system_id=b"smppclient1", password=b"password", interface_version=0x34))
        response = await esme.request(SubmitSm(destination_addr=b"447700900123", short_message=b"Hello"))
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self, TypeVar, cast

from smppd.errors import UserError
from smppwire.constants import RESPONSE_BIT, CommandStatus, command_name, status_name
from smppwire.errors import StateError
from smppwire.pdus import (
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    Unbind,
    UnbindResp,
)
from smppwire.session import BOUND_STATES, FramingLost, Refused, ResponseReceived, Role, Session
from smppwire.timers import SessionTimers, TimerAction

if TYPE_CHECKING:
    from collections.abc import Callable

RESPONSE_TIMEOUT: Final = 10.0
"""Seconds an SMSC may take to answer: the usual response timer."""

CONNECT_TIMEOUT: Final = 10.0
"""Seconds until a TCP connection must stand."""

ENQUIRE_LINK: Final = 30.0
"""Seconds of silence after which we ask whether the SMSC is there."""

TIMER_GRAIN: Final = 0.25
"""Seconds between two looks at the timers."""

CLOSE_TIMEOUT: Final = 2.0
"""Seconds until a connection that should end is cut off: what the SMSC does not read must not keep us for ever."""

P = TypeVar("P", bound=Pdu)


class EsmeError(UserError):
    """The SMSC refused, did not answer, or went away."""


class Esme(asyncio.Protocol):
    """One session as an ESME."""

    def __init__(self, on_deliver: Callable[[DeliverSm | DataSm], int | None] | None = None) -> None:
        """Make a client; `connect` does so for you.

        Args:
            on_deliver: called with each deliver_sm and data_sm; it may return the command_status to answer with. When
                it raises, the answer is ESME_RX_T_APPN, and the event loop's exception handler gets the error.
        """
        self._loop = asyncio.get_running_loop()
        self._on_deliver = on_deliver
        self._session = Session(
            Role.ESME,
            now=self._loop.time(),
            interface_version=0x50,
            timers=SessionTimers(enquire_link=ENQUIRE_LINK, response=RESPONSE_TIMEOUT),
        )
        self._transport: asyncio.Transport | None = None
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    async def connect(
        cls, host: str, port: int, on_deliver: Callable[[DeliverSm | DataSm], int | None] | None = None
    ) -> Esme:
        """Open a connection. Raises EsmeError when there is nobody to talk to."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                _, esme = await loop.create_connection(lambda: cls(on_deliver), host, port)
        except TimeoutError:
            raise EsmeError(f"no SMSC answers on {host}:{port}") from None
        except OSError as error:
            raise EsmeError(f"no SMSC listens on {host}:{port}: {error.strerror or error}") from error
        return esme

    async def __aenter__(self) -> Self:
        """The client itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Unbind when bound, and close."""
        await self.close()

    @property
    def is_bound(self) -> bool:
        """Whether a bind was accepted and the session still stands."""
        return self._session.state in BOUND_STATES

    async def bind(self, request: Pdu) -> Pdu:
        """Bind. Raises EsmeError with the command_status when the SMSC refuses, else like `request`."""
        response = await self.request(request)
        if response.command_status or isinstance(response, GenericNack):
            raise EsmeError(f"the SMSC refuses the bind: {status_name(response.command_status)}")
        return response

    async def request(self, request: Pdu) -> Pdu:
        """Send a request and wait for its response, whatever its command_status (or a generic_nack).

        Raises EsmeError when no response comes in time or the connection ends, smppwire.errors.StateError when the
        session does not allow such a request now, and EncodeError when a value does not fit the wire.
        """
        if self._transport is None or self._transport.is_closing():
            raise EsmeError("the connection is closed")
        answer: asyncio.Future[Pdu] = self._loop.create_future()
        self._transport.write(self._session.send_request(request, answer, self._loop.time()))
        return await answer

    async def close(self) -> None:
        """Unbind when bound, then close the connection."""
        if self.is_bound:
            try:
                await self.request(Unbind())
            except EsmeError:
                pass  # it is gone already
        self._close_transport()
        await self.wait_closed()

    async def wait_closed(self) -> None:
        """Wait until the connection has ended."""
        await asyncio.shield(self._closed)

    # -- asyncio.Protocol ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast("asyncio.Transport", transport)
        self._timer = self._loop.call_later(TIMER_GRAIN, self._on_timer)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection ended: whoever waits for a response learns it."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        for waiting in self._session.close():
            _fail(waiting, f"the connection ended before the response{'' if exc is None else f': {exc}'}")
        if not self._closed.done():
            self._closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Octets arrived."""
        now = self._loop.time()
        events = self._session.receive(data, now)
        while events:
            out = [octets for event in events if (octets := self._answer(event, now)) is not None]
            if out and self._transport is not None:
                self._transport.write(b"".join(out))
            events = self._session.resume(now)

    def _answer(self, event: object, now: float) -> bytes | None:
        """What an event is answered with."""
        if isinstance(event, ResponseReceived):
            _complete(event.request, event.pdu)
        elif isinstance(event, (DeliverSm, DataSm)):
            kind = DeliverSmResp if isinstance(event, DeliverSm) else DataSmResp
            status = self._take(event)
            # Error responses have no body.
            response = kind(command_status=status, message_id=None if status else b"")
            return self._respond(event, response, now)
        elif isinstance(event, EnquireLink):
            return self._respond(event, EnquireLinkResp(), now)
        elif isinstance(event, Unbind):
            self._loop.call_soon(self._close_transport)
            return self._respond(event, UnbindResp(), now)
        elif isinstance(event, Refused):
            return event.reply
        elif isinstance(event, FramingLost):
            self._loop.call_soon(self._close_transport)
            return event.reply
        return None

    def _respond(self, request: Pdu, response: Pdu, now: float) -> bytes | None:
        """The octets of a response; None when the answer to our unbind came in the same read: it is too late then."""
        try:
            return self._session.respond(request, response, now)
        except StateError:
            return None

    def _take(self, event: DeliverSm | DataSm) -> int:
        """Hand over what was delivered; returns the command_status of the answer."""
        if self._on_deliver is None:
            return CommandStatus.ESME_ROK
        try:
            return self._on_deliver(event) or CommandStatus.ESME_ROK
        except Exception as error:  # noqa: BLE001  # theirs, not ours: the session goes on
            self._loop.call_exception_handler({"message": "on_deliver failed", "exception": error})
            return CommandStatus.ESME_RX_T_APPN

    def _close_transport(self) -> None:
        """Close once everything written has left, and in any case after CLOSE_TIMEOUT."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.close()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(CLOSE_TIMEOUT, self._transport.abort)

    def _on_timer(self) -> None:
        now = self._loop.time()
        for waiting in self._session.expired(now):
            _fail(waiting, f"no response within {RESPONSE_TIMEOUT:g} seconds")
        action = self._session.timers.tick(now)
        if action is TimerAction.SEND_ENQUIRE_LINK and self._transport is not None:
            self._transport.write(self._session.send_request(EnquireLink(), None, now))
        elif action is not None:
            self._close_transport()
            return
        self._timer = self._loop.call_later(TIMER_GRAIN, self._on_timer)


def _complete(waiting: object, response: Pdu) -> None:
    if isinstance(waiting, asyncio.Future) and not waiting.done():
        waiting.set_result(response)


def _fail(waiting: object, reason: str) -> None:
    if isinstance(waiting, asyncio.Future) and not waiting.done():
        waiting.set_exception(EsmeError(reason))


def expect(response: Pdu, kind: type[P]) -> P:
    """The response as the PDU it must be, accepted. Raises EsmeError when the SMSC refused."""
    if response.command_status or not isinstance(response, kind):
        request = command_name(kind.command_id & ~RESPONSE_BIT)
        answer = command_name(response.command_id)
        raise EsmeError(f"the SMSC refuses the {request} with {answer} {status_name(response.command_status)}")
    return response
