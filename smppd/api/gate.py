"""Who may use the API, and how often: tokens, roles, rates."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
from typing import TYPE_CHECKING, Final, NamedTuple

from aiohttp import hdrs

from smppd.api.problem import RequestError
from smppd.control.failures import TooBusyError
from smppd.engine.throughput import Throughput

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web
    from structlog.typing import FilteringBoundLogger

    from smppd.api.endpoint import Role
    from smppd.settings import Api

SUBPROTOCOL: Final = "bearer."
"""How the subprotocol begins that carries a token: browsers can give a WebSocket no other header. A token in the URL
would end in logs and histories, so none is looked for there."""

CLOSED: Final = (
    "The API is open to nobody here, because HTTP listens on an address that other machines can reach and there are no "
    "tokens. Add an [[api.token]] to the configuration, or listen on 127.0.0.1."
)
OFF: Final = "The API is turned off ([api] enabled)."

NOBODY: Final = ""
"""The name of those who show no valid token: they share one rate."""


class _Holder(NamedTuple):
    """Who holds a token."""

    name: str
    digest: bytes
    role: Role


class Gate:
    """Judges requests by the settings in use."""

    def __init__(
        self, host: str, *, settings: Callable[[], Api], clock: Callable[[], float], log: FilteringBoundLogger
    ) -> None:
        """Guard an API that listens on `host`.

        Args:
            host: name or address.
            settings: those in use; asked at each request, because they change.
            clock: real time in seconds, for rates.
            log: told once that the API is closed.
        """
        self._loopback = is_loopback(host)
        self._settings = settings
        self._clock = clock
        self._log = log
        self._seen: Api | None = None
        self._holders: list[_Holder] = []
        self._rates: dict[str, Throughput] = {}
        self._warned = False

    def admit(self, request: web.Request, role: Role) -> None:
        """Let a request pass that needs `role`. Raises RequestError: 401, 403, 429."""
        settings = self._current()
        if not settings.enabled:
            raise RequestError(403, OFF)
        if not settings.token and not self._loopback:
            self._warn()
            raise RequestError(403, CLOSED)
        holder = self._holder_of(token_of(request)) if settings.token else None
        self._count(NOBODY if holder is None else holder.name, settings)
        if not settings.token:
            return
        if holder is None:
            raise RequestError(
                401,
                "A token is needed: Authorization: Bearer TOKEN.",
                {hdrs.WWW_AUTHENTICATE: 'Bearer realm="smppd"'},
            )
        if role == "control" and holder.role != "control":
            raise RequestError(
                403,
                "This token may look, and change nothing; this needs one with the role control.",
                {hdrs.WWW_AUTHENTICATE: 'Bearer realm="smppd", error="insufficient_scope"'},
            )

    def check_room(self, waiting: int) -> None:
        """Raise TooBusyError when no further request may wait or stream beside these."""
        if waiting >= self._settings().max_streams:
            raise TooBusyError(f"{waiting} requests wait or stream already ([api] max_streams)")

    def _current(self) -> Api:
        settings = self._settings()
        if settings is not self._seen:
            before, self._seen = self._seen, settings
            self._holders = [_Holder(token.name, token.digest, token.role) for token in settings.token]
            if before is None or (before.rate, before.burst) != (settings.rate, settings.burst):
                self._rates.clear()
            names = {NOBODY, *(holder.name for holder in self._holders)}
            self._rates = {name: rate for name, rate in self._rates.items() if name in names}
        return settings

    def _holder_of(self, token: str) -> _Holder | None:
        """Whose token this is. Each is compared, each in constant time: how long it takes tells nothing."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        found = None
        for holder in self._holders:
            if hmac.compare_digest(holder.digest, digest):
                found = holder
        return found

    def _count(self, name: str, settings: Api) -> None:
        if not settings.rate:
            return
        rate = self._rates.get(name)
        if rate is None:
            rate = self._rates[name] = Throughput(settings.rate, burst=settings.burst)
        now = self._clock()
        if not rate.admit(1, now):
            wait = max(1, math.ceil(rate.next_at(now) - now))
            raise RequestError(
                429, f"More than {settings.rate:g} requests per second ([api] rate).", {hdrs.RETRY_AFTER: str(wait)}
            )

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            self._log.warning("the API is closed", reason=CLOSED)


def token_of(request: web.Request) -> str:
    """The token that a request shows, "" without one: in Authorization, or as a subprotocol of a WebSocket."""
    shown = request.headers.getall(hdrs.AUTHORIZATION, ())
    if shown:
        scheme, _, token = shown[0].partition(" ")
        return token.strip() if scheme.lower() == "bearer" and len(shown) == 1 else ""
    for header in request.headers.getall(hdrs.SEC_WEBSOCKET_PROTOCOL, ()):
        for name in header.split(","):
            if name.strip().startswith(SUBPROTOCOL):
                return name.strip().removeprefix(SUBPROTOCOL)
    return ""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on `host`, a name or an address."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return host.lower().removesuffix(".") == "localhost"
