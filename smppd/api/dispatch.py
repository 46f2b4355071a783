"""Serves the rows of the route table: from a request to a `Call`, and from its result to an answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import hdrs, web

from smppd.api.endpoint import Call
from smppd.api.etags import etag_of, is_in
from smppd.api.problem import RequestError, problem, problem_of
from smppd.api.reading import JSON, read_body, read_path, read_query
from smppd.control.failures import NotFoundError
from smppd.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from smppd.api.endpoint import Endpoint
    from smppd.control.panel import Control

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ROOT: Final = "/api/v1"
"""Where the paths of endpoints begin."""

MAX_BODY: Final = 1024 * 1024
"""Octets of a request body: a whole configuration fits, a flood does not."""

GUARDED: Final = frozenset({"PUT", "PATCH", "DELETE"})
"""The methods that If-Match and `If-None-Match: *` guard, where the same path can be read."""


class Dispatcher:
    """The API of one server, in an aiohttp application."""

    def __init__(self, control: Control, endpoints: Iterable[Endpoint]) -> None:
        """Serve these endpoints, on this server."""
        self._control = control
        self._endpoints = tuple(endpoints)
        self._readable = {each.path: each for each in self._endpoints if each.method == "GET" and not each.patient}
        self._patient: set[Handler] = set()
        self._waiting: set[asyncio.Task[Any]] = set()
        self._stopping = False

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Register every endpoint, and OPTIONS for each path."""
        methods: dict[str, list[str]] = {}
        for endpoint in self._endpoints:
            path = ROOT + endpoint.path.rstrip("/")
            handler = self._handler(endpoint)
            head = endpoint.method == "GET" and not endpoint.patient and endpoint.media == JSON
            for method in (endpoint.method, *((hdrs.METH_HEAD,) if head else ())):
                router.add_route(method, path, handler)
                methods.setdefault(path, []).append(method)
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
                return await (self._wait if endpoint.patient else self._serve)(endpoint, request)
            except UserError as error:
                return problem_of(error)

        if endpoint.patient:
            self._patient.add(handle)
        return handle

    async def _wait(self, endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        """Serve what takes its time, until the server stops."""
        if self._stopping:
            return problem(503, "The server is stopping.")
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # a handler always runs in one
        self._waiting.add(task)
        try:
            return await self._serve(endpoint, request)
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            task.uncancel()
            return problem(503, "The server is stopping.")
        finally:
            self._waiting.discard(task)

    async def _serve(self, endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        path = read_path(request.match_info)
        query = read_query(endpoint.query, request)
        body = await read_body(endpoint, request, MAX_BODY)
        call = Call(self._control, path, query, body, request)
        if endpoint.method in GUARDED:
            await self._check_match(endpoint, call)
        result = await endpoint.handle(call)
        if isinstance(result, web.StreamResponse):
            return result
        if result is None:
            return web.Response(status=204 if endpoint.status == 200 else endpoint.status)
        return self._answer(endpoint, result, request)

    def _answer(self, endpoint: Endpoint, result: Any, request: web.Request) -> web.StreamResponse:
        body = msgspec.json.encode(result)
        headers = {}
        if endpoint.method == "GET":
            headers[hdrs.ETAG] = tag = _tag_of(endpoint, result, body)
            known = ",".join(request.headers.getall(hdrs.IF_NONE_MATCH, ()))
            if known and endpoint.version is None and is_in(tag, known, weak=True):
                return web.Response(status=304, headers=headers)
        return web.Response(status=endpoint.status, body=body, content_type=JSON, headers=headers)

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


def _tag_of(endpoint: Endpoint, result: Any, body: bytes) -> str:
    return etag_of(body if endpoint.version is None else msgspec.json.encode(endpoint.version(result)))


def _options(allowed: str) -> Handler:
    async def options(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=204, headers={hdrs.ALLOW: allowed})

    return options
