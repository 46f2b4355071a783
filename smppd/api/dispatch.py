"""Serves the rows of the route table: from a request to a `Call`, and from its result to an answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import hdrs, web

from smppd.api.endpoint import JSON, ROOT, Call
from smppd.api.etags import etag_of, is_in
from smppd.api.openapi import document
from smppd.api.problem import RequestError, problem, problem_of
from smppd.api.reading import read_body, read_path, read_query
from smppd.control.failures import NotFoundError
from smppd.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from smppd.api.endpoint import Endpoint
    from smppd.api.gate import Gate
    from smppd.control.panel import Control

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BEGUN: Final = "smppd_response"
"""Where a request has the answer that was begun; the application sees to that."""

OPENAPI: Final = "/api/openapi.json"
"""Where the OpenAPI document is; everybody may read it."""


class Dispatcher:
    """The API of one server, in an aiohttp application."""

    def __init__(self, control: Control, endpoints: Iterable[Endpoint], gate: Gate) -> None:
        """Serve these endpoints on this server, to whom the gate lets pass."""
        self._control = control
        self._gate = gate
        self._endpoints = tuple(endpoints)
        self._readable = {each.path: each for each in self._endpoints if each.has_tag}
        self._patient: set[Handler] = set()
        self._waiting: set[asyncio.Task[Any]] = set()
        self._stopping = False
        self._document = b""

    def add_to(self, application: web.Application) -> None:
        """Register every endpoint, and OPTIONS for each path."""
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
        for path, allowed in methods.items():
            router.add_route(hdrs.METH_OPTIONS, path, _options(", ".join(sorted([*allowed, hdrs.METH_OPTIONS]))))

    def is_patient(self, request: web.Request) -> bool:
        """Whether a request may take longer than others: it waits for something, or streams."""
        return request.match_info.handler in self._patient

    def stop(self) -> None:
        """End what waits or streams."""
        self._stopping = True
        for task in self._waiting:
            task.cancel()

    def _handler(self, endpoint: Endpoint) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                self._gate.admit(request, endpoint.role)
                return await (self._wait if endpoint.patient else self._serve)(endpoint, request)
            except UserError as error:
                if began(request) is not None:
                    raise
                return problem_of(error)

        if endpoint.patient:
            self._patient.add(handle)
        return handle

    async def _wait(self, endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        """Serve what takes its time, until the server stops."""
        if self._stopping:
            return problem(503, "The server is stopping.")
        self._gate.check_room(len(self._waiting))
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # a handler always runs in one
        self._waiting.add(task)
        try:
            return await self._serve(endpoint, request)
        except asyncio.CancelledError:
            if not self._stopping or began(request) is not None:
                raise
            task.uncancel()
            return problem(503, "The server is stopping.")
        finally:
            self._waiting.discard(task)

    async def _serve(self, endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        path = read_path(request.match_info)
        query = read_query(endpoint.query, request)
        body = await read_body(endpoint, request, self._control.simulation.settings.api.max_body)
        call = Call(self._control, path, query, body, request)
        if endpoint.is_guarded:
            await self._check_match(endpoint, call)
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
        if (wanted and not is_in(tag, wanted, weak=False)) or (unwanted and is_in(tag, unwanted, weak=False)):
            raise RequestError(412, "It is not what it was: somebody has changed it.", {hdrs.ETAG: tag})


def began(request: web.Request) -> web.StreamResponse | None:
    """The answer to a request, once its first octets are on their way: there can be no other one then."""
    response: web.StreamResponse | None = request.get(BEGUN)
    return response


def _tag_of(endpoint: Endpoint, result: Any, body: bytes) -> str:
    return etag_of(body if endpoint.version is None else msgspec.json.encode(endpoint.version(result)))


def _tagged(body: bytes, tag: str, request: web.Request, *, may_spare: bool) -> web.Response:
    """An answer with an entity tag: only that, to whom has it already."""
    known = ",".join(request.headers.getall(hdrs.IF_NONE_MATCH, ()))
    if may_spare and known and is_in(tag, known, weak=True):
        return web.Response(status=304, headers={hdrs.ETAG: tag})
    return web.Response(body=body, content_type=JSON, headers={hdrs.ETAG: tag})


def _options(allowed: str) -> Handler:
    async def options(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=204, headers={hdrs.ALLOW: allowed})

    return options
