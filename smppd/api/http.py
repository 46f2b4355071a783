"""The HTTP server: metrics, health, and a page that says where things are.

It runs in the server's own event loop and takes nothing of the process: no signals, no exit, no logging set-up. A
request is answered only when its Host (and Origin, when there is one) names this server: a web page that somebody
opens in a browser must not reach a simulator on that person's machine, neither directly nor by DNS rebinding.

Importing this module imports aiohttp (several hundred milliseconds): do it in a thread, after the SMPP listener is
open.
"""

from __future__ import annotations

import asyncio
import html
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from smppd.api.connection import SECURITY_HEADERS, SERVER_NAME, Connection
from smppd.api.dispatch import OPENAPI, Dispatcher
from smppd.api.door import BACKLOG
from smppd.api.endpoints import all_endpoints
from smppd.api.gate import Gate
from smppd.api.problem import problem

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Collection, Iterable

    from structlog.typing import FilteringBoundLogger

    from smppd.control.panel import Control
    from smppd.observe.metrics import Exposition

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names that only this machine can mean; accepted with any port, because tunnels and containers renumber ports."""

MAX_LINE: Final = 8190
"""Octets of the request line and of one header field: aiohttp's default, the usual figure among web servers."""

IDLE_TIMEOUT: Final = 75.0
"""Seconds a connection may be without a complete request; scrapers come back each 15 to 60 seconds."""

HANDLER_TIMEOUT: Final = 10.0
"""Seconds one request may take, body included: Prometheus itself gives up after 10 by default."""

NO_PATH: Final = "There is no such path."

STOP_GRACE: Final = 1.0
"""Seconds that requests under way get when the server stops."""

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>smppd</title></head>
<body>
<h1>smppd</h1>
<p>SMPP message centre simulator, version {version}.</p>
<ul>
<li><a href="/metrics">/metrics</a>: figures for Prometheus</li>
<li><a href="/healthz">/healthz</a>: the process lives</li>
<li><a href="/readyz">/readyz</a>: the listeners are open</li>{api}
</ul>
</body>
</html>
"""

_API: Final = """
<li><a href="/api/v1">/api/v1</a>: the API</li>
<li><a href="/api/openapi.json">/api/openapi.json</a>: its description</li>"""


class HttpServer:
    """Serves one smppd over HTTP; start and stop it on the loop that the server runs on.

    `ready` tells whether the SMPP listeners are open. `allowed_hosts` are names (without port) that Host and Origin
    may have besides the loopback names and `host` itself. Port 0 takes a free one.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        exposition: Exposition,
        ready: Callable[[], bool],
        version: str,
        logger: FilteringBoundLogger,
        allowed_hosts: Iterable[str] = (),
        control: Control | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._exposition = exposition
        self._ready = ready
        self._page = _PAGE.format(version=html.escape(version), api="" if control is None else _API)
        self._logger = logger
        self._allowed_hosts = LOOPBACK_HOSTS | {normalise_host(name) for name in (host, *allowed_hosts)}
        self._control = control
        self._api = None if control is None else self._dispatcher(control)
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port that is listened on, or the one asked for while nothing is."""
        if self._listener is None or not self._listener.sockets:
            return self._port
        return int(self._listener.sockets[0].getsockname()[1])

    @property
    def requests(self) -> int:
        """Requests so far, malformed ones included; 0 while not serving."""
        server = None if self._runner is None else self._runner.server
        return 0 if server is None else server.requests_count

    def _dispatcher(self, control: Control) -> Dispatcher:
        simulation = control.simulation
        gate = Gate(
            self._host,
            settings=lambda: simulation.settings.api,
            clock=simulation.context.monotonic,
            log=self._logger,
        )
        return Dispatcher(control, all_endpoints(), gate, self._logger)

    async def start(self, listener: socket.socket | None = None) -> None:
        """Serve on `listener`, or open a listener. OSError when the address is taken or not ours."""
        runner = web.AppRunner(self._application(), handle_signals=False, shutdown_timeout=STOP_GRACE)
        await runner.setup()
        loop = asyncio.get_running_loop()

        def connection() -> asyncio.Protocol:
            return Connection(
                runner.server,
                loop=loop,
                access_log=None,
                keepalive_timeout=IDLE_TIMEOUT,
                max_line_size=MAX_LINE,
                max_field_size=MAX_LINE,
                auto_decompress=False,  # a few octets must not become many
            )

        try:
            if listener is None:
                self._listener = await loop.create_server(connection, self._host, self._port, backlog=BACKLOG)
            else:
                self._listener = await loop.create_server(connection, sock=listener, backlog=BACKLOG)
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner

    async def stop(self) -> None:
        """Close the listener, give requests under way a moment, close their connections. Harmless when stopped."""
        listener, self._listener = self._listener, None
        runner, self._runner = self._runner, None
        if listener is not None:
            listener.close()
        if self._api is not None:
            self._api.stop()
        if runner is not None:
            await runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._answer_errors, self._check_origin])
        application.on_response_prepare.append(_add_security_headers)
        application.router.add_get("/", self._index)
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        if self._api is not None:
            self._api.add_to(application)
        return application

    async def _index(self, _request: web.Request) -> web.Response:
        return web.Response(text=self._page, content_type="text/html", charset="utf-8")

    async def _metrics(self, request: web.Request) -> web.Response:
        """Make the page piece by piece: between two of them the message centre has its turn."""
        pieces, content_type = self._exposition.page(",".join(request.headers.getall(hdrs.ACCEPT, ())))
        page = bytearray()
        for piece in pieces:
            page += piece
            await asyncio.sleep(0)
        return web.Response(body=bytes(page), headers={hdrs.CONTENT_TYPE: content_type})

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _readyz(self, _request: web.Request) -> web.Response:
        if self._ready():
            return web.json_response({"status": "ready"})
        return problem(503, "The SMPP listeners are not open.")

    @web.middleware
    async def _answer_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every error as a problem document; what went wrong inside goes to the log and stays there."""
        try:
            patient = self._api is not None and self._api.is_patient(request)
            async with asyncio.timeout(None if patient else HANDLER_TIMEOUT):
                return await handler(request)
        except web.HTTPMethodNotAllowed as error:
            allowed = ", ".join(sorted(error.allowed_methods))
            return problem(error.status, f"Allowed here: {allowed}.", {hdrs.ALLOW: allowed})
        except web.HTTPNotFound:
            return problem(404, NO_PATH if self._api is None else f"{NO_PATH} {OPENAPI} lists those of the API.")
        except web.HTTPError as error:
            return problem(error.status)
        except TimeoutError:
            self._logger.warning("http request timed out", method=request.method, path=request.path)
            return problem(503, f"The request took longer than {HANDLER_TIMEOUT:g} seconds.")
        except web.HTTPException:
            raise
        except Exception:
            self._logger.exception("http request failed", method=request.method, path=request.path)
            return problem(500)

    @web.middleware
    async def _check_origin(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        hosts = request.headers.getall(hdrs.HOST, ())
        if len(hosts) != 1:
            return problem(400, "A request needs exactly one Host header.")
        allowed = self._hosts()
        if host_of(hosts[0]) not in allowed:
            return problem(403, "The Host header names a host that is not allowed.")
        for origin in request.headers.getall(hdrs.ORIGIN, ()):
            if host_of_origin(origin) not in allowed:
                return problem(403, "The Origin header names a host that is not allowed.")
        return await handler(request)

    def _hosts(self) -> Collection[str]:
        """The names that Host and Origin may have just now."""
        more = () if self._control is None else self._control.simulation.settings.api.hosts
        return self._allowed_hosts.union(map(normalise_host, more)) if more else self._allowed_hosts


async def _add_security_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Add what the handler did not set itself; a page that needs a wider policy brings its own."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers[hdrs.SERVER] = SERVER_NAME  # aiohttp has filled in its own by now


def normalise_host(name: str) -> str:
    """A host name as it is compared: lower case, without the brackets of IPv6 and without the root's dot."""
    return name.strip("[]").removesuffix(".").lower()


def host_of(authority: str) -> str | None:
    """The host of a Host header ("localhost:8775", "[::1]"), normalised; None when it is malformed."""
    if any(character in authority for character in "/?#@\\ "):
        return None
    try:
        parts = urlsplit(f"//{authority}")
        parts.port  # noqa: B018  # raises ValueError when it is not a port
    except ValueError:
        return None
    return normalise_host(parts.hostname) if parts.hostname else None


def host_of_origin(origin: str) -> str | None:
    """The host of an Origin header ("http://localhost:3000"), normalised; None for "null" and anything malformed."""
    scheme, separator, authority = origin.partition("://")
    if not separator or scheme not in {"http", "https"}:
        return None
    return host_of(authority)
