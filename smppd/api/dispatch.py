"""Serves the rows of the route table: from a request to a `Call`, and from its result to an answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from smppd.api.connection import Connection
from smppd.api.endpoint import JSON, ROOT, Call
from smppd.api.etags import etag_of, is_in
from smppd.api.openapi import document
from smppd.api.problem import RequestError, problem, problem_of
from smppd.api.reading import read_body, read_path, read_query
from smppd.control.failures import NotFoundError
from smppd.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from structlog.typing import FilteringBoundLogger

    from smppd.api.endpoint import Endpoint
    from smppd.api.gate import Gate
    from smppd.control.panel import Control

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SNAPSHOT: Final = "snapshot"
"""The tag of the endpoints that write and restore snapshots; they see by themselves that there is one at a time."""

OPENAPI: Final = "/api/openapi.json"
"""Where the OpenAPI document is; everybody may read it."""


class Dispatcher:
    """The API of one server, in an aiohttp application."""

    def __init__(self, control: Control, endpoints: Iterable[Endpoint], gate: Gate, log: FilteringBoundLogger) -> None:
        """Serve these endpoints on this server, to whom the gate lets pass."""
        self._log = log
        self._control = control
        self._gate = gate
        self._endpoints = tuple(endpoints)
        self._readable = {each.path: each for each in self._endpoints if each.has_tag}
        self._patient: set[Handler] = set()
        self._waiting: set[asyncio.Task[Any]] = set()
        self._stopping = False
        self._document = b""
        self._begun: dict[int, web.StreamResponse | None] = {}

    def add_to(self, application: web.Application) -> None:
        """Register every endpoint, and OPTIONS for each path."""
        application.on_response_prepare.append(self._note)
        router = application.router
        methods: dict[str, list[str]] = {}
        for endpoint in self._endpoints:
            handler = self._handler(endpoint)
            # The root is one resource with and without its slash.
            for path in {endpoint.full_path, ROOT + endpoint.path}:
                for method in (endpoint.method, *((hdrs.METH_HEAD,) if endpoint.has_tag else ())):
                    router.add_route(method, path, handler)
                    methods.setdefault(path, []).append(method)
        router.add_get(OPENAPI, self._openapi)
        for path in methods:
            allowed = {method for other, taken in methods.items() if _takes(other, path) for method in taken}
            router.add_route(hdrs.METH_OPTIONS, path, _options(", ".join(sorted({*allowed, hdrs.METH_OPTIONS}))))

    def is_patient(self, request: web.Request) -> bool:
        """Whether a request may take longer than others: it waits for something, or streams."""
        return request.match_info.handler in self._patient

    def stop(self) -> None:
        """End what waits or streams: what has not begun to answer says so, the rest breaks off."""
        self._stopping = True
        for task in self._waiting:
            task.cancel()

    def _handler(self, endpoint: Endpoint) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            self._begun[id(request)] = None
            try:
                self._gate.admit(request, endpoint.role)
                return await (self._wait if endpoint.patient else self._serve)(endpoint, request)
            except Exception as error:
                begun = self._begun[id(request)]
                if begun is not None:
                    return self._cut_off(begun, request, error)
                if isinstance(error, UserError):
                    return problem_of(error)
                if _is_broken_body(error, request):
                    return problem(400, "The body breaks off, or is cut into chunks in a wrong way.")
                raise
            finally:
                del self._begun[id(request)]

        if endpoint.patient:
            self._patient.add(handle)
        return handle

    async def _note(self, request: web.Request, response: web.StreamResponse) -> None:
        """An answer is about to begin: if its handler is still at work, it can give no other one from now on."""
        if id(request) in self._begun:
            self._begun[id(request)] = response

    def _cut_off(self, response: web.StreamResponse, request: web.Request, error: Exception) -> web.StreamResponse:
        """End an answer that fails after its beginning, so that nobody takes it for a whole one."""
        if not isinstance(error, ConnectionError):  # that one says: the client has gone
            self._log.error("http stream failed", method=request.method, path=request.path, exc_info=error)
        response.force_close()
        if request.transport is not None:
            request.transport.abort()
        return response

    async def _wait(self, endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        """Serve what takes its time, until the server stops or the client has gone."""
        if self._stopping:
            return problem(503, "The server is stopping.")
        self._gate.check_room(len(self._waiting))
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # a handler always runs in one
        self._waiting.add(task)
        connection = request.protocol
        assert isinstance(connection, Connection)  # noqa: S101  # the server makes no others
        connection.lost = task.cancel
        try:
            return await self._serve(endpoint, request)
        except asyncio.CancelledError:
            if not self._stopping or self._begun[id(request)] is not None:
                raise
            task.uncancel()
            return problem(503, "The server is stopping.")
        finally:
            connection.lost = None
            self._waiting.discard(task)

    async def _serve(self, endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        path = read_path(request.match_info)
        query = read_query(endpoint.query, request)
        body = await read_body(endpoint, request, self._control.simulation.settings.api.max_body)
        call = Call(self._control, path, query, body, request)
        if endpoint.is_guarded:
            await self._check_match(endpoint, call)
        if endpoint.role == "control" and endpoint.tag != SNAPSHOT:
            # Nothing may change while a snapshot is written: it is of one moment.
            await self._control.simulation.standstill.over()
        result = await endpoint.handle(call)
        if isinstance(result, web.StreamResponse):
            return result
        if result is None:
            return web.Response(status=endpoint.success)
        return self._answer(endpoint, result, request)

    def _answer(self, endpoint: Endpoint, result: Any, request: web.Request) -> web.StreamResponse:
        body = msgspec.json.encode(result)
        if not endpoint.has_tag:
            return web.Response(status=endpoint.status, body=body, content_type=JSON)
        tag = _tag_of(endpoint, result, body)
        return _tagged(body, tag, request, may_spare=endpoint.version is None)

    async def _openapi(self, request: web.Request) -> web.StreamResponse:
        if not self._document:
            self._document = await asyncio.to_thread(lambda: msgspec.json.encode(document(self._endpoints)))
        return _tagged(self._document, etag_of(self._document), request, may_spare=True)

    async def _check_match(self, endpoint: Endpoint, call: Call) -> None:
        """Have If-Match and If-None-Match keep a change from what others have made of the thing meanwhile."""
        headers = call.request.headers
        wanted = ",".join(headers.getall(hdrs.IF_MATCH, ()))
        unwanted = ",".join(headers.getall(hdrs.IF_NONE_MATCH, ()))
        reading = self._readable.get(endpoint.path)
        if reading is None or not (wanted or unwanted):
            return
        query = None if reading.query is None else reading.query()
        try:
            result = await reading.handle(Call(call.control, call.path, query, None, call.request))
        except NotFoundError:
            if wanted:
                raise RequestError(412, "It does not exist (any more).") from None
            return
        tag = _tag_of(reading, result, msgspec.json.encode(result))
        if wanted and not is_in(tag, wanted, weak=False):
            raise RequestError(412, "It is not what it was: somebody has changed it.", {hdrs.ETAG: tag})
        if unwanted and is_in(tag, unwanted, weak=False):
            raise RequestError(412, "It exists already, just so as If-None-Match says.", {hdrs.ETAG: tag})


def _is_broken_body(error: Exception, request: web.Request) -> bool:
    """Whether reading the body has failed because of how it came, or because nothing comes any more."""
    gone = request.transport is None or request.transport.is_closing()
    return isinstance(error, web.RequestPayloadError | HttpProcessingError) or (
        gone and isinstance(error, ConnectionError)
    )


def _tag_of(endpoint: Endpoint, result: Any, body: bytes) -> str:
    return etag_of(body if endpoint.version is None else msgspec.json.encode(endpoint.version(result)))


def _tagged(body: bytes, tag: str, request: web.Request, *, may_spare: bool) -> web.Response:
    """An answer with an entity tag: only that, to whom has it already."""
    known = ",".join(request.headers.getall(hdrs.IF_NONE_MATCH, ()))
    if may_spare and known and is_in(tag, known, weak=True):
        return web.Response(status=304, headers={hdrs.ETAG: tag})
    return web.Response(body=body, content_type=JSON, headers={hdrs.ETAG: tag})


def _takes(path: str, other: str) -> bool:
    """Whether requests to another path may be for this one: `/messages/search` may be for `/messages/{message_id}`."""
    segments, others = path.split("/"), other.split("/")
    return len(segments) == len(others) and all(
        mine == theirs or mine.startswith("{") for mine, theirs in zip(segments, others, strict=True)
    )


def _options(allowed: str) -> Handler:
    async def options(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=204, headers={hdrs.ALLOW: allowed})

    return options
