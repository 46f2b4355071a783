"""The ESME client: one connection to any SMSC, on the same session code as the server.

It answers enquire_link, deliver_sm and unbind by itself; requests are awaited::

    async with await Esme.connect("127.0.0.1", 2775, on_deliver=print) as esme:
        await esme.bind(BindTransceiver(system_id=b"smppclient1", password=b"password", interface_version=0x34))
        response = await esme.request(SubmitSm(destination_addr=b"447700900123", short_message=b"Hello"))
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, TypeVar, cast

from smppwire.constants import CommandId, CommandStatus, command_name, status_name
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
from smppwire.session import FramingLost, Refused, ResponseReceived, Role, Session, SessionState
from smppwire.timers import SessionTimers, TimerAction

from smppd.errors import UserError

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

P = TypeVar("P", bound=Pdu)


class EsmeError(UserError):
    """The SMSC refused, did not answer, or went away."""


class Esme(asyncio.Protocol):
    """One session as an ESME."""

    def __init__(self, on_deliver: Callable[[DeliverSm | DataSm], int | None] | None = None) -> None:
        """Make a client; `connect` does so for you.

        Args:
            on_deliver: called with each deliver_sm and data_sm; it may return the command_status to answer with.
        """
        self._on_deliver = on_deliver
        self._session = Session(
            Role.ESME,
            now=time.monotonic(),
            interface_version=0x50,
            timers=SessionTimers(enquire_link=ENQUIRE_LINK, response=RESPONSE_TIMEOUT),
        )
        self._transport: asyncio.Transport | None = None
        self._closed = asyncio.get_running_loop().create_future()
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

    async def __aenter__(self) -> Esme:
        """The client itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Unbind when bound, and close."""
        await self.close()

    @property
    def is_bound(self) -> bool:
        """Whether a bind was accepted and the session still stands."""
        return self._session.state in (SessionState.BOUND_TX, SessionState.BOUND_RX, SessionState.BOUND_TRX)

    async def bind(self, request: Pdu) -> Pdu:
        """Bind. Raises EsmeError with the command_status when the SMSC refuses."""
        response = await self.request(request)
        if response.command_status:
            raise EsmeError(f"the SMSC refuses the bind: {status_name(response.command_status)}")
        return response

    async def request(self, request: Pdu) -> Pdu:
        """Send a request and wait for its response, whatever its command_status (or a generic_nack).

        Raises EsmeError when no response comes in time or the connection ends.
        """
        if self._transport is None:
            raise EsmeError("the connection is closed")
        answer: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._transport.write(self._session.send_request(request, answer, time.monotonic()))
        return await answer

    async def close(self) -> None:
        """Unbind when bound, then close the connection."""
        if self.is_bound:
            try:
                await self.request(Unbind())
            except EsmeError:
                pass  # it is gone already
        if self._transport is not None:
            self._transport.close()
        await self.wait_closed()

    async def wait_closed(self) -> None:
        """Wait until the connection has ended."""
        await asyncio.shield(self._closed)

    # -- asyncio.Protocol -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast("asyncio.Transport", transport)
        self._timer = asyncio.get_running_loop().call_later(TIMER_GRAIN, self._on_timer)

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
        now = time.monotonic()
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
            status = (self._on_deliver(event) if self._on_deliver is not None else None) or 0
            response = DeliverSmResp if isinstance(event, DeliverSm) else DataSmResp
            return self._session.respond(event, response(command_status=status), now)
        elif isinstance(event, EnquireLink):
            return self._session.respond(event, EnquireLinkResp(), now)
        elif isinstance(event, Unbind):
            asyncio.get_running_loop().call_soon(self._close_transport)
            return self._session.respond(event, UnbindResp(), now)
        elif isinstance(event, Refused):
            return event.reply
        elif isinstance(event, FramingLost):
            asyncio.get_running_loop().call_soon(self._close_transport)
            return event.reply
        return None

    def _close_transport(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _on_timer(self) -> None:
        now = time.monotonic()
        for waiting in self._session.expired(now):
            _fail(waiting, f"no response within {RESPONSE_TIMEOUT:g} seconds")
        action = self._session.timers.tick(now)
        if action is TimerAction.SEND_ENQUIRE_LINK and self._transport is not None:
            self._transport.write(self._session.send_request(EnquireLink(), None, now))
        elif action is not None:
            self._close_transport()
            return
        self._timer = asyncio.get_running_loop().call_later(TIMER_GRAIN, self._on_timer)


def _complete(waiting: object, response: Pdu) -> None:
    if isinstance(waiting, asyncio.Future) and not waiting.done():
        waiting.set_result(response)


def _fail(waiting: object, reason: str) -> None:
    if isinstance(waiting, asyncio.Future) and not waiting.done():
        waiting.set_exception(EsmeError(reason))


def expect(response: Pdu, kind: type[P]) -> P:
    """The response as the PDU it must be, accepted. Raises EsmeError when the SMSC refused."""
    if isinstance(response, GenericNack) or response.command_status != CommandStatus.ESME_ROK:
        request = command_name(response.command_id & 0x7FFFFFFF or CommandId.SUBMIT_SM)
        raise EsmeError(f"the SMSC refuses the {request}: {status_name(response.command_status)}")
    if not isinstance(response, kind):
        raise EsmeError(f"the SMSC answers with {command_name(response.command_id)}")
    return response
