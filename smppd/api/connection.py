"""One HTTP connection, as aiohttp's handler of the protocol with two wishes of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import hdrs, web

from smppd.api.problem import problem

if TYPE_CHECKING:
    from collections.abc import Callable

SERVER_NAME: Final = "smppd"
"""Value of the Server header; without it aiohttp tells its own version and Python's."""

SECURITY_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On each response: nothing is cached, framed, sniffed, or allowed to load anything."""


class Connection(web.RequestHandler):
    """A connection whose malformed requests are answered with problem documents too, and not logged with traces."""

    __slots__ = ("lost",)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lost: Callable[[], object] | None = None
        """Called when the connection ends: by whoever works for a long time on an answer to it."""

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection has ended."""
        super().connection_lost(exc)
        if self.lost is not None:
            self.lost()

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002  # the signature is aiohttp's
        status: int = 500,
        exc: BaseException | None = None,  # noqa: ARG002
        message: str | None = None,  # noqa: ARG002  # quotes the request
    ) -> web.StreamResponse:
        """Answer what never reached a handler, then close: the stream may be anything now."""
        response = problem(status, headers={**SECURITY_HEADERS, hdrs.SERVER: SERVER_NAME})
        response.force_close()
        return response
