"""What happens in a server, for those who look: each with a filter, at their own pace, and at a bounded price.

A viewer is no queue but a place in what has happened (`smppd.observe.events.Place`): nothing is copied or decoded
before it asks for more. Whoever does not ask for long loses the oldest, and is told how many of which kind.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Self

from smppd.control.decoding import Decoding
from smppd.control.event_filters import Sieve
from smppd.control.event_views import EventView, Renderer, moment, pdu_facts
from smppd.control.failures import InvalidError, TooBusyError
from smppd.control.times import unix
from smppd.observe.events import Place
from smppd.observe.witness import EngineWitness
from smppd.settings.webhooks import EventFilter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from smppd.behaviour.facts import Facts
    from smppd.behaviour.occasions import Party
    from smppd.control.simulation import Simulation
    from smppd.observe.events import Happening
    from smppd.observe.journal import Journal
    from smppwire.pdus import Pdu

MAX_VIEWERS: Final = 50
"""Viewers at once, webhooks not counted: each is a connection with its buffers, and all share the time for decoding."""

BACKLOG: Final = 10_000
"""Events a viewer may be behind before it loses the oldest: a burst of some thousand messages is seen whole."""

KEPT: Final = 1_000
"""Events that are left to a viewer which loses some: what it may get within a period."""

QUOTA: Final = 1_000
"""Events decoded for one viewer in each period (`smppd.control.decoding.PERIOD`, a tenth of a second)."""

PAGE: Final = 16
"""PDUs read from the journal at once, or things of one happening, between two looks at the clock."""

PAUSE: Final = 0.02
"""Seconds between two batches of a viewer that has seen everything: one write for many events, and no delay for the
first of them."""

REMEMBER: Final = 60.0
"""Seconds that events are kept for after the last viewer has gone: one that comes back misses nothing."""

NO_JOURNAL: Final = "the journal is off ([journal] pdus = 0): there are no events of PDUs"

_ID: Final = re.compile(r"(e[0-9a-f]{1,16})-([0-9]{1,18})-([0-9]{1,18})")

EVERYTHING: Final = EventFilter()


class Viewing:
    """One viewer. Ask `next` again and again, or iterate; `close` it in the end."""

    def __init__(
        self, desk: EventDesk, asked: EventFilter, place: Place, opening: dict[str, Any], *, counted: bool
    ) -> None:
        self.counted = counted
        """Whether it is one of MAX_VIEWERS."""
        self._desk = desk
        self._events = desk.events
        self._journal: Journal = desk.events.journal
        self._ring = desk.events.ring
        self._sieve = Sieve(asked)
        self._happening, self._pdu = place
        self._passed = self._ring.counts_before(place.happening)
        self._backlog = BACKLOG + sum(self._lag())
        """How far it may be behind: one that begins in the past gets it all, as far as it is remembered."""
        self._opening: dict[str, Any] | None = opening
        self._unseen = 0
        """PDUs that went with the journal before they were looked at."""
        self._awake = asyncio.Event()
        self._awake.set()
        self._delivered_at = -PAUSE
        self._period = -1
        self._quota = QUOTA
        self.closed = False
        self.dropped = 0
        """How many events it has lost so far."""
        self._unwatch = self._events.watch(self._sieve.kinds, self._awake.set)

    # -- what the viewer does -----------------------------------------------------------------------------------------

    @property
    def asked(self) -> EventFilter:
        """The filter in use."""
        return self._sieve.asked

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of events that it looks at."""
        return self._sieve.kinds

    @property
    def id(self) -> str:
        """Where it is: what `since` takes to go on from here."""
        return self._desk.id_of(self._happening, self._pdu)

    async def next(self, within: float | None = None) -> list[EventView] | None:
        """The next events, some milliseconds' worth of work at most; it waits until there is one.

        Returns an empty list when there is none `within` so many seconds (0: what is there; None: it waits for ever),
        and None when it is closed.
        """
        clock = self._desk.monotonic
        deadline = None if within is None else clock() + within
        there = self._ring.total, self._journal.total
        while not self.closed:
            if self._opening is not None or any(self._lag()):
                await self._wait_for_quota()
                events = await self._desk.decoding.slice(self._take)
                if events:
                    self._delivered_at = clock()
                    return events
            if not any(self._lag()):
                self._backlog = BACKLOG
                if deadline is None or clock() < deadline:
                    await self._wait(deadline)
                    continue
            if deadline is not None and clock() >= deadline and self._has_passed(*there):
                return []
        return None

    def _has_passed(self, happenings: int, pdus: int) -> bool:
        """Whether all has been looked at that comes before this place; what it does not want takes time as well."""
        return self._happening >= happenings and (self._pdu >= pdus or not self._sieve.wants_pdus)

    def change(self, asked: EventFilter) -> None:
        """Look at something else, from here on."""
        wanted_pdus = self._sieve.wants_pdus
        before = self._unwatch
        self._sieve = Sieve(asked)
        self._unwatch = self._events.watch(self._sieve.kinds, self._awake.set)
        before()
        if not wanted_pdus:
            self._pdu = self._journal.total

    def go_on_from(self, number: int, before: int) -> None:
        """The journal was replaced when it had `before` PDUs: go on with the PDU of this number."""
        self._unseen += max(0, before - self._pdu) if self._sieve.wants_pdus else 0
        self._pdu = number

    def close(self) -> None:
        """Look no more; whoever waits in `next` gets None."""
        if self.closed:
            return
        self.closed = True
        self._desk.left(self)
        self._unwatch()
        self._awake.set()

    def __enter__(self) -> Self:
        """Look."""
        return self

    def __exit__(self, *_: object) -> None:
        """Look no more."""
        self.close()

    async def __aiter__(self) -> AsyncIterator[EventView]:
        """All events, until it is closed."""
        while (events := await self.next()) is not None:
            for event in events:
                yield event

    # -- waiting ------------------------------------------------------------------------------------------------------

    def _lag(self) -> tuple[int, int]:
        """How many happenings and PDUs are ahead."""
        pdus = self._journal.total - self._pdu if self._sieve.wants_pdus else 0
        return self._ring.total - self._happening, pdus

    async def _wait(self, deadline: float | None) -> None:
        """Wait until something happens; if it has not been long since the last events, a little longer."""
        clock = self._desk.monotonic
        self._awake.clear()
        try:
            async with asyncio.timeout(None if deadline is None else max(0.0, deadline - clock())):
                await self._awake.wait()
        except TimeoutError:
            return
        pause = self._delivered_at + PAUSE - clock()
        if pause > 0 and not self.closed:
            await asyncio.sleep(pause)

    async def _wait_for_quota(self) -> None:
        decoding = self._desk.decoding
        while self._period == decoding.period and self._quota <= 0 and not self.closed:
            await decoding.next_period()

    # -- taking what has happened, in its order -----------------------------------------------------------------------

    def _take(self, is_over: Callable[[], bool]) -> list[EventView]:
        """Look at what is ahead until time is up; returns what passes the filter."""
        if self._period != self._desk.decoding.period:
            self._period, self._quota = self._desk.decoding.period, QUOTA
        events = self._about_view()
        while self._quota > 0:
            happening = self._ring.at(self._happening)
            if (
                self._sieve.wants_pdus
                and self._pdu < self._journal.total
                and (happening is None or self._pdu < happening.mark)
            ):
                limit = PAGE if happening is None else min(PAGE, happening.mark - self._pdu)
                self._take_pdus(limit, events)
            elif happening is not None:
                self._take_happening(happening, events)
            else:
                break
            if is_over():
                break
        return events

    def _take_pdus(self, limit: int, events: list[EventView]) -> None:
        sieve, renderer = self._sieve, self._desk.renderer
        quota = self._quota
        for number, entry in self._journal.read(self._pdu, limit).frames:
            if quota <= 0:
                break
            self._pdu = number + 1
            if not sieve.takes_frame(entry):
                continue
            bind = renderer.bind_of(entry)
            if not sieve.takes_account("" if bind is None else bind.system_id):
                continue
            quota -= 1
            view = renderer.pdu(self.id, number, entry, bind)
            if sieve.takes_fields(view) and sieve.is_sampled():
                events.append(view)
        self._quota = quota

    def _take_happening(self, happening: Happening, events: list[EventView]) -> None:
        """Take some items of a happening, or pass over all of them."""
        index = self._happening - happening.first
        left = len(happening.items) - index
        self._pdu = max(self._pdu, happening.mark)
        if not self._sieve.takes_happening(happening.kind, happening.event):
            self._happening += left
            self._passed[happening.kind] += left
            return
        some = min(left, PAGE, self._quota)
        self._passed[happening.kind] += some
        self._quota -= some
        for place in range(index, index + some):
            self._happening += 1
            view = self._desk.renderer.happening(self.id, happening, place)
            if self._sieve.takes_view(view) and self._sieve.is_sampled():
                events.append(view)

    # -- what is said about the view itself ---------------------------------------------------------------------------

    def _about_view(self) -> list[EventView]:
        """That it is open, when nothing has been said yet; and what it has lost."""
        told = []
        if self._opening is not None:
            told.append(self._desk.about_view("opened", self.id, **self._opening))
            self._opening = None
        counts = self._skip() if self._has_lost() else {}
        if self._unseen:
            counts["pdu"] = counts.get("pdu", 0) + self._unseen
            self._unseen = 0
        if counts:
            self.dropped += sum(counts.values())
            told.append(self._desk.about_view("dropped", self.id, counts=counts))
        return told

    def _has_lost(self) -> bool:
        happenings, pdus = self._lag()
        return (
            happenings + pdus > self._backlog
            or self._happening < self._ring.oldest
            or (pdus > 0 and self._pdu < self._journal.oldest)
        )

    def _skip(self) -> dict[str, int]:
        """Leave the oldest behind; returns how many of each kind that it wants."""
        ring, journal = self._ring, self._journal
        happening = max(self._happening, ring.oldest)
        pdu = self._pdu
        counts: Counter[str] = Counter()
        is_far = sum(self._lag()) > self._backlog
        if self._sieve.wants_pdus:
            pdu = max(pdu, journal.oldest)
            if is_far:
                pdu = max(pdu, journal.total - KEPT // 2)
                happening = max(happening, ring.after_pdu(pdu))
        if is_far:
            happening = max(happening, ring.total - KEPT // 2)
        first = ring.at(happening)
        if self._sieve.wants_pdus:
            if is_far and first is not None and happening > self._happening:
                pdu = max(pdu, first.mark)
            counts["pdu"] = pdu - self._pdu
        before = ring.counts_before(happening)
        counts += before - self._passed
        self._happening, self._pdu, self._passed = happening, pdu, before
        return {kind: count for kind, count in counts.items() if count > 0 and kind in self._sieve.kinds}


class EventDesk:
    """The events of one server, and who looks at them."""

    def __init__(self, simulation: Simulation) -> None:
        context = simulation.context
        self.events = context.events
        self.monotonic = context.monotonic
        self.renderer = Renderer(context.roster)
        self.decoding = Decoding(context.monotonic, worked=time.thread_time, pdus=lambda: context.journal.total)
        self.closed = False
        self._wall = context.wall
        self._born = int(context.wall() * 1000)
        self._lives = 0
        """How often the journal was replaced."""
        self._life = f"e{self._born:x}"
        """Names this life of the server in ids; the letter makes sure that no date looks like an id."""
        self._viewings: set[Viewing] = set()
        self._remembering: tuple[frozenset[str], Callable[[], None], asyncio.TimerHandle] | None = None
        self._connect(simulation)

    @property
    def viewers(self) -> int:
        """How many look now, webhooks included."""
        return len(self._viewings)

    def subscribe(self, asked: EventFilter = EVERYTHING, *, since: str = "", counted: bool = True) -> Viewing:
        """Begin to look at the events of a filter.

        Args:
            asked: which events.
            since: an id: those after it, as far as they are remembered; a date and time: those from then on; "": those
                from now on.
            counted: whether it counts as one of MAX_VIEWERS.

        Raises TooBusyError when there are too many viewers, InvalidError when `since` is neither.
        """
        if self.closed:
            raise TooBusyError("the server is stopping")
        if counted and sum(each.counted for each in self._viewings) >= MAX_VIEWERS:
            raise TooBusyError(f"there are {MAX_VIEWERS} viewers already")
        place, opening = self._beginning(asked, since)
        viewing = Viewing(self, asked, place, opening, counted=counted)
        self._viewings.add(viewing)
        return viewing

    def go_on_from(self, number: int, before: int) -> None:
        """The journal was replaced when it had `before` PDUs: viewers go on with the PDU of this number.

        Ids of before lead nowhere: their PDUs are others now.
        """
        self._lives += 1
        self._life = f"e{self._born + self._lives:x}"
        for viewing in self._viewings:
            viewing.go_on_from(number, before)

    def left(self, viewing: Viewing) -> None:
        """A viewer has gone: what happens is remembered for a while, should it come back."""
        self._viewings.discard(viewing)
        kinds = viewing.kinds - {"pdu"}
        if self.closed or not kinds:
            return
        before = self._remembering
        if before is not None:
            kinds |= before[0]
        stop = self.events.watch(kinds, _nothing)
        self._forget()
        self._remembering = kinds, stop, asyncio.get_running_loop().call_later(REMEMBER, self._forget)

    def close(self) -> None:
        """The server stops: whoever looks is told that there is no more."""
        self.closed = True
        for viewing in list(self._viewings):
            viewing.close()
        self._forget()

    def _forget(self) -> None:
        if self._remembering is not None:
            _, stop, handle = self._remembering
            self._remembering = None
            handle.cancel()
            stop()

    # -- places -------------------------------------------------------------------------------------------------------

    def id_of(self, happening: int, pdu: int) -> str:
        """The id of a place."""
        return f"{self._life}-{happening}-{pdu}"

    def about_view(self, event: str, event_id: str, **fields: Any) -> EventView:
        """An event about a view itself."""
        words = [f"{kind}={count}" for kind, count in fields.get("counts", {}).items()]
        line = " ".join([f"viewer {event}", *words, fields.get("detail", "")]).rstrip()
        return EventView(id=event_id, time=moment(self._wall()), kind="viewer", event=event, line=line, **fields)

    def _beginning(self, asked: EventFilter, since: str) -> tuple[Place, dict[str, Any]]:
        """Where a viewer begins, and what it is told about that."""
        kinds = Sieve(asked).kinds
        opening: dict[str, Any] = {}
        if "pdu" in kinds and not self.events.journal.enabled:
            opening["detail"] = NO_JOURNAL
        if not since:
            return self.events.here, opening
        place = self._place(since)
        others = kinds - {"pdu"}
        if place is None or (others and (others - self.events.wanted or place.happening < self.events.blind_until)):
            opening["gap"] = True
        return place or self.events.here, opening

    def _place(self, since: str) -> Place | None:
        """The place that `since` names; None when that was in another life of the server."""
        found = _ID.fullmatch(since)
        if found is not None:
            place = Place(int(found[2]), int(found[3]))
            here = self.events.here
            known = found[1] == self._life and place.happening <= here.happening and place.pdu <= here.pdu
            return place if known else None
        try:
            time = unix(since)
        except ValueError:
            problem = "expected the id of an event, or a date and time such as 2026-01-31T12:00:00Z"
            raise InvalidError([("since", problem)]) from None
        return Place(self.events.ring.after_time(time), _first_at(self.events.journal, time))

    # -- where it happens ---------------------------------------------------------------------------------------------

    def _connect(self, simulation: Simulation) -> None:
        """Have those told of what happens to whom it happens, as long as anybody looks."""
        events, engine = self.events, simulation.engine
        witness = EngineWitness(events, engine.clock.wall)

        def fired(name: str, pdu: Pdu, facts: Facts) -> None:
            events.tell("rule", "fired", rule=name, **pdu_facts(pdu), account=facts.account, clock_time=facts.wall)

        def failed(name: str, party: Party) -> None:
            session = str(party.session) if party.session else ""
            events.tell("fault", "fired", fault=name, session=session, account=party.account)

        def throttled(account: str, scope: str, count: int) -> None:
            events.tell("throttle", "refused", account=account, scope=scope, count=count)

        def tell_faults(is_on: bool) -> None:
            simulation.faults.tell_fired = failed if is_on else None

        def tell_throttling(is_on: bool) -> None:
            simulation.context.counters.tell_throttled = throttled if is_on else None

        events.add_switch(("message", "receipt"), lambda is_on: engine.show(witness if is_on else None))
        events.add_switch(("rule",), lambda is_on: simulation.rules.tell_fired(fired if is_on else None))
        events.add_switch(("fault",), tell_faults)
        events.add_switch(("throttle",), tell_throttling)


def _nothing() -> None:
    """Nobody is to be woken."""


def _first_at(journal: Journal, time: float) -> int:
    """The number of the first PDU that is kept and was recorded at this Unix time or later."""
    low, high = journal.oldest, journal.total
    while low < high:
        middle = (low + high) // 2
        frames = journal.read(middle, 1).frames
        if frames and frames[0][1].time < time:
            low = middle + 1
        else:
            high = middle
    return low
