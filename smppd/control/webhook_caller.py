"""One webhook at work: collects the events it is for, and posts them in batches and in order.

What cannot be delivered is tried again after pauses that double; meanwhile events wait, and when too many do, the
oldest are dropped. The next request tells how many of which kind.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from smppd import __version__
from smppd.control.event_views import encode
from smppd.control.signatures import HEADER, sign
from smppd.control.times import iso

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

    from aiohttp import ClientSession
    from structlog.typing import FilteringBoundLogger

    from smppd.control.events import EventDesk
    from smppd.settings.webhooks import Webhook

FIRST_PAUSE: Final = 1.0
"""Seconds between the first failed attempt and the second; each further pause is twice as long."""

LONGEST_PAUSE: Final = 60.0
"""Seconds between two attempts at most."""

GATHERING: Final = 0.05
"""Seconds from the first event of a batch until it leaves, so that what happens together leaves together."""

MAX_ERROR: Final = 200
"""Characters of an error that are kept."""

MAX_ANSWER: Final = 16_384
"""Octets of an answer that are read, so that its connection can be used again; nobody looks at them."""

State = Literal["active", "retrying", "disabled", "off"]


class Outcome(NamedTuple):
    """How one request ended. status: of the answer, None where there was none. error: "" when it was accepted."""

    status: int | None
    error: str


class Outside(NamedTuple):
    """What a webhook needs of the world."""

    session: Callable[[], Awaitable[ClientSession]]
    """The HTTP client."""
    sleep: Callable[[float], Awaitable[None]]
    wall: Callable[[], float]
    """Unix time in seconds."""
    log: FilteringBoundLogger


class Caller:
    """One webhook."""

    def __init__(self, settings: Webhook, desk: EventDesk, outside: Outside, chance: Random) -> None:
        """Prepare a webhook; `chance` draws how pauses differ from each other."""
        self.settings = settings
        self.state: State = "active" if settings.enabled else "off"
        self.delivered = 0
        """Events that were accepted."""
        self.failed = 0
        """Requests that were not."""
        self.dropped: Counter[str] = Counter()
        """Events that were never accepted, by kind."""
        self.last_error = ""
        self.last_delivery: float | None = None
        """When events were accepted last, Unix time."""
        self._desk = desk
        self._outside = outside
        self._chance = chance
        self._waiting: deque[tuple[str, bytes]] = deque()
        """(kind, JSON) of each event that waits."""
        self._filled = asyncio.Event()
        self._untold: Counter[str] = Counter()
        """Dropped since the last request that was accepted."""
        self._batches = 0
        self._given_up = 0
        """Batches given up in a row."""
        self._under_way: list[tuple[str, bytes]] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def waiting(self) -> int:
        """Events that wait, those of the request under way included."""
        return len(self._waiting) + len(self._under_way)

    def start(self) -> None:
        """Begin to collect and to deliver, unless it is off. Only inside a running event loop."""
        if self.state != "off":
            self.state = "active"
            self._given_up = 0
            loop = asyncio.get_running_loop()
            self._tasks = [loop.create_task(self._collect()), loop.create_task(self._deliver_all())]

    async def stop(self) -> None:
        """Deliver no more; what waits is forgotten."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def test(self) -> Outcome:
        """Send a request without events, beside all others; one that was disabled works again if it is accepted."""
        outcome = await self._post(self._body([], is_test=True), "test")
        if not outcome.error and self.state == "disabled":
            self.state = "active"
            self.start()
        return outcome

    @property
    def _is_disabled(self) -> bool:
        return self.state == "disabled"

    # -- collecting ---------------------------------------------------------------------------------------------------

    async def _collect(self) -> None:
        with self._desk.subscribe(self.settings, counted=False) as viewing:
            while (events := await viewing.next()) is not None:
                for event in events:
                    if event.kind != "viewer":
                        self._waiting.append((event.kind, encode(event)))
                    elif isinstance(event.counts, dict):
                        self._drop(Counter(event.counts))
                while len(self._waiting) > self.settings.queue:
                    kind, _ = self._waiting.popleft()
                    self._drop(Counter({kind: 1}))
                self._filled.set()

    def _drop(self, counts: Counter[str]) -> None:
        self.dropped += counts
        self._untold += counts

    # -- delivering ---------------------------------------------------------------------------------------------------

    async def _deliver_all(self) -> None:
        while not self._is_disabled:
            await self._filled.wait()
            if len(self._waiting) < self.settings.batch:
                await self._outside.sleep(GATHERING)
            while self._waiting and not self._is_disabled:
                await self._deliver_batch()
            self._filled.clear()

    async def _deliver_batch(self) -> None:
        """Deliver the oldest that wait, or give them up after the last attempt."""
        count = min(self.settings.batch, len(self._waiting))
        batch = self._under_way = [self._waiting.popleft() for _ in range(count)]
        self._batches += 1
        told = self._untold.copy()
        body = self._body([event for _, event in batch])
        for attempt in range(self.settings.attempts):
            if attempt:
                self.state = "retrying"
                await self._outside.sleep(self._pause(attempt))
            outcome = await self._post(body, str(self._batches))
            if not outcome.error:
                self.state = "active"
                self.delivered += count
                self.last_delivery = self._outside.wall()
                self._untold -= told
                self._given_up = 0
                self._under_way = []
                return
        self._give_up(Counter(kind for kind, _ in batch))

    def _give_up(self, counts: Counter[str]) -> None:
        self._under_way = []
        self._drop(counts)
        self._given_up += 1
        if self.settings.disable_after and self._given_up >= self.settings.disable_after:
            self._drop(Counter(kind for kind, _ in self._waiting))
            self._waiting.clear()
            self.state = "disabled"
            if self._tasks:
                self._tasks[0].cancel()  # nothing is collected for it any more
            self._outside.log.warning("webhook disabled", webhook=self.settings.name, error=self.last_error)

    def _pause(self, attempt: int) -> float:
        """Seconds before the attempt after so many: twice as long each time, and a random part of it shorter."""
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempt - 1, 30))
        return longest * (0.5 + 0.5 * self._chance.random())

    def _body(self, events: list[bytes], *, is_test: bool = False) -> bytes:
        head: dict[str, object] = {"webhook": self.settings.name, "time": iso(self._outside.wall())}
        if is_test:
            head["test"] = True
        else:
            head |= {"delivery": self._batches, "dropped": dict(self._untold)}
        return json.dumps(head).encode()[:-1] + b', "events": [' + b",".join(events) + b"]}"

    async def _post(self, body: bytes, delivery: str) -> Outcome:
        """Send one request; whatever is no 2xx is a failure."""
        settings = self.settings
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"smppd/{__version__}",
            "Smppd-Webhook": settings.name,
            "Smppd-Delivery": delivery,
        }
        if settings.secret:
            headers[HEADER] = sign(settings.secret, body, self._outside.wall())
        outcome = await self._request(body, headers)
        if outcome.error:
            self.failed += 1
            self.last_error = outcome.error
        return outcome

    async def _request(self, body: bytes, headers: dict[str, str]) -> Outcome:
        session = await self._outside.session()
        try:
            async with (
                asyncio.timeout(self.settings.timeout),
                session.post(self.settings.url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                await answer.content.read(MAX_ANSWER)
                status = answer.status
        except TimeoutError:
            return Outcome(None, f"no answer within {self.settings.timeout:g} seconds")
        except Exception as error:  # noqa: BLE001  # whatever the HTTP client raises: the next attempt may do better
            return Outcome(None, f"{type(error).__name__}: {error}"[:MAX_ERROR])
        if 200 <= status < 300:
            return Outcome(status, "")
        reason = ", a redirect, which is not followed" if 300 <= status < 400 else ""
        return Outcome(status, f"answered with {status}{reason}")
