"""Webhooks: which there are, how they do, and how to change them while the server runs."""

from __future__ import annotations

import asyncio
import importlib
from random import Random
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from smppd.control.event_filters import listed
from smppd.control.failures import ConflictError, NotFoundError, TooBusyError, quoted
from smppd.control.pages import Page, page_of
from smppd.control.times import iso
from smppd.control.webhook_caller import Caller, Outside, State

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from aiohttp import ClientSession

    from smppd.control.events import EventDesk
    from smppd.control.simulation import Simulation
    from smppd.settings.webhooks import Webhook

MAX_WEBHOOKS: Final = 20
"""Webhooks at once: each is a viewer, with a queue of its own."""


class WebhookView(Struct, frozen=True, kw_only=True):
    """One webhook: its settings, but for the secret, and how it does.

    * signed: whether there is a secret.
    * state: active, retrying (the last request was refused), disabled (too many were), off (not enabled).
    * waiting: events that are to be delivered. delivered: events that were accepted. failed: requests that were not.
    * dropped: events that never were accepted, by kind.
    """

    name: str
    url: str
    enabled: bool
    signed: bool
    batch: int
    queue: int
    timeout: float
    attempts: int
    disable_after: int
    kind: list[str]
    event: list[str]
    account: list[str]
    session: list[str]
    direction: str | None
    command: list[str]
    enquire_link: bool
    source_addr: list[str]
    destination_addr: list[str]
    text: list[str]
    sample: int
    state: State
    waiting: int
    delivered: int
    failed: int
    dropped: dict[str, int]
    last_error: str
    last_delivery_time: str | None


class WebhookTestView(Struct, frozen=True, kw_only=True):
    """How a test request ended. status: of HTTP, null without an answer. error: "" when it was accepted."""

    accepted: bool
    status: int | None
    error: str


class WebhookDesk:
    """The webhooks of one server."""

    def __init__(
        self, simulation: Simulation, events: EventDesk, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """Call nobody yet; `sleep` waits between attempts."""
        self._simulation = simulation
        self._events = events
        context = simulation.context
        self._outside = Outside(self._client, sleep, context.wall, context.log)
        self._callers: dict[str, Caller] = {}
        self._session: ClientSession | None = None
        self._loading: asyncio.Lock = asyncio.Lock()
        self._endings: set[asyncio.Task[None]] = set()

    # -- what there is ------------------------------------------------------------------------------------------------

    def list(self, *, limit: int = 100, cursor: str = "") -> Page[WebhookView]:
        """All webhooks, in their order."""
        return page_of(list(self._callers.values()), _view, kind="webhooks", limit=limit, cursor=cursor)

    def get(self, name: str) -> WebhookView:
        """One webhook. Raises NotFoundError."""
        return _view(self._find(name))

    # -- changes ------------------------------------------------------------------------------------------------------

    def add(self, webhook: Webhook) -> WebhookView:
        """Have one more. Raises ConflictError when there is one of this name, TooBusyError when there are too many."""
        webhooks = self._simulation.settings.webhook
        if any(each.name == webhook.name for each in webhooks):
            raise ConflictError(f"there is a webhook {quoted(webhook.name)} already")
        if len(webhooks) >= MAX_WEBHOOKS:
            raise TooBusyError(f"there are {MAX_WEBHOOKS} webhooks already")
        self._configure([*webhooks, webhook])
        return self.get(webhook.name)

    def remove(self, name: str) -> None:
        """Call one no more. Raises NotFoundError."""
        self._find(name)
        self._configure([each for each in self._simulation.settings.webhook if each.name != name])

    async def test(self, name: str) -> WebhookTestView:
        """Send a request without events. One that was disabled works again if it is accepted. Raises NotFoundError."""
        status, error = await self._find(name).test()
        return WebhookTestView(accepted=not error, status=status, error=error)

    def apply(self, webhooks: Sequence[Webhook]) -> None:
        """Call these from now on; those that are as before go on. Only inside a running event loop."""
        before, self._callers = self._callers, {}
        for webhook in webhooks:
            caller = before.pop(webhook.name, None)
            if caller is None or caller.settings != webhook:
                if caller is not None:
                    before[webhook.name] = caller
                # Draws of each webhook are its own: how often one fails changes nothing for the others.
                chance = Random(f"{self._simulation.settings.server.seed}/webhook/{webhook.name}")
                caller = Caller(webhook, self._events, self._outside, chance)
                caller.start()
            self._callers[webhook.name] = caller
        for gone in before.values():
            ending = asyncio.get_running_loop().create_task(gone.stop())
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)

    async def close(self) -> None:
        """Call nobody any more."""
        for caller in self._callers.values():
            await caller.stop()
        await asyncio.gather(*self._endings, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    # -- inside -------------------------------------------------------------------------------------------------------

    def _find(self, name: str) -> Caller:
        try:
            return self._callers[name]
        except KeyError:
            raise NotFoundError("webhook", name) from None

    def _configure(self, webhooks: Sequence[Webhook]) -> None:
        settings = self._simulation.settings
        self._simulation.configure(msgspec.structs.replace(settings, webhook=webhooks))

    async def _client(self) -> ClientSession:
        """The HTTP client, loaded in a thread when it is first needed: that takes some hundred milliseconds."""
        async with self._loading:
            if self._session is None:
                await asyncio.to_thread(importlib.import_module, "aiohttp")
                from aiohttp import ClientSession, ClientTimeout, DummyCookieJar

                self._session = ClientSession(cookie_jar=DummyCookieJar(), timeout=ClientTimeout(total=None))
            return self._session


def _view(caller: Caller) -> WebhookView:
    settings = caller.settings
    return WebhookView(
        name=settings.name,
        url=settings.url,
        enabled=settings.enabled,
        signed=bool(settings.secret),
        batch=settings.batch,
        queue=settings.queue,
        timeout=settings.timeout,
        attempts=settings.attempts,
        disable_after=settings.disable_after,
        kind=list(listed(settings.kind)),
        event=list(listed(settings.event)),
        account=list(listed(settings.account)),
        session=list(listed(settings.session)),
        direction=settings.direction,
        command=list(listed(settings.command)),
        enquire_link=settings.enquire_link,
        source_addr=list(listed(settings.source_addr)),
        destination_addr=list(listed(settings.destination_addr)),
        text=list(listed(settings.text)),
        sample=settings.sample,
        state=caller.state,
        waiting=caller.waiting,
        delivered=caller.delivered,
        failed=caller.failed,
        dropped=dict(caller.dropped),
        last_error=caller.last_error,
        last_delivery_time=iso(caller.last_delivery),
    )
