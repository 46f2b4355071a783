"""The desk that answers what was recorded: how often, in which order, and what came close.

Every question is about the PDUs in the journal from the number `since` on; numbers are in every answer
(`next_number`), so that a test can ask about what it did itself. Conditions are those of rules; `namespace` restricts
a question to the PDUs of one account. All raise ConflictError when the journal is off.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from smppd.control.failures import ConflictError, InvalidError, TooBusyError
from smppd.control.pages import cursor_for, position_in
from smppd.control.pdus import response_view, view_of
from smppd.control.verification.answers import find_answers
from smppd.control.verification.collecting import Collector
from smppd.control.verification.dialogue import LINK_CHECKS
from smppd.control.verification.expected import Expected
from smppd.control.verification.limits import DEFAULT_WITHIN, MARKED, MAX_STEPS, MAX_WAITS, MAX_WITHIN, NEAREST, SHOWN
from smppd.control.verification.matching import Matcher
from smppd.control.verification.nearest import Nearest
from smppd.control.verification.order import Order
from smppd.control.verification.telling import MAX_LINES, explanation, question
from smppd.control.verification.views import (
    Counted,
    Found,
    MatchView,
    NearMisses,
    NothingElse,
    Ordered,
    Waited,
)
from smppd.control.verification.waiting import Reader, Wait
from smppd.settings.types import time_zone

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from smppd.control.pdus import PduDesk, PduView, ResponseView
    from smppd.control.scan import Scan
    from smppd.control.simulation import Simulation
    from smppd.control.verification.order import How
    from smppd.control.verification.sightings import Sighting
    from smppd.control.verification.views import NearMiss
    from smppd.settings.rules import When

KIND: Final = "matches"
"""What cursors of lists of matches are called."""


class VerificationDesk:
    """Answers questions about recorded PDUs. Everything belongs to the thread of the event loop."""

    def __init__(self, simulation: Simulation, pdus: PduDesk) -> None:
        """Ask about the PDUs of this server, which `pdus` reads."""
        self._simulation = simulation
        self._pdus = pdus
        self._records = pdus.records
        self._reader = Reader(simulation, pdus)

    @property
    def next_number(self) -> int:
        """The number of the PDU that will be recorded next: `since` for all that is still to come."""
        return self._simulation.journal.total

    @property
    def waits(self) -> int:
        """How many wait now."""
        return len(self._reader)

    async def find(
        self,
        when: When,
        *,
        since: int = 0,
        namespace: str = "",
        whole: bool = False,
        limit: int = SHOWN,
        cursor: str = "",
    ) -> Found:
        """The PDUs that meet conditions, oldest first, each request with its response.

        Args:
            when: the conditions.
            since: the number from which on PDUs count.
            namespace: the account whose PDUs count; "" for all.
            whole: put the parts of concatenated messages together: they count as one PDU, the part that came last,
                whose text is that of the whole. What is not complete does not count.
            limit: at most so many.
            cursor: `next` of the page before.

        Raises InvalidError for a cursor that is none.
        """
        (skip,) = position_in(KIND, cursor, int) if cursor else (since,)
        collector = Collector(self._matcher(when, namespace), whole=whole, limit=limit + 1, skip=max(since, skip))
        await self._collect(collector, since if whole else collector.skip, self.next_number, enough=limit + 1)
        more = collector.sightings[limit:]
        return Found(
            items=await self._views(collector.matcher, collector.sightings[:limit]),
            next=cursor_for(KIND, more[0].record.number) if more else None,
            next_number=self.next_number,
            missed=collector.missed,
        )

    async def count(
        self,
        when: When,
        *,
        exactly: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        since: int = 0,
        namespace: str = "",
        whole: bool = False,
    ) -> Counted:
        """How many PDUs meet conditions, and whether that is what was expected; see `find` for the rest.

        Args:
            when: the conditions.
            exactly: so many, no more and no fewer.
            at_least: so many or more.
            at_most: so many or fewer.
            since, namespace, whole: as in `find`.

        Raises InvalidError as `find` does, and when no number can be as expected.
        """
        expected = Expected(exactly, at_least, at_most)
        expected.check()
        matcher = self._matcher(when, namespace)
        collector = Collector(matcher, whole=whole, limit=MARKED)
        await self._collect(collector, since, self.next_number)
        holds, text = expected.allows(collector.count), ""
        nearest: list[NearMiss] = []
        if not holds:
            if expected.exceeds(collector.count):
                nearest, _, _ = await self._nearest(matcher, since, whole=whole, limit=NEAREST)
            headline = f"expected {expected}, and there {_are(collector.count)}:"
            text = await self._explain(headline, collector, since, nearest)
        return Counted(
            count=collector.count,
            holds=holds,
            expected=str(expected),
            next_number=self.next_number,
            missed=collector.missed,
            nearest=nearest,
            explanation=text,
        )

    async def wait(
        self,
        when: When,
        *,
        count: int = 1,
        within: float = DEFAULT_WITHIN,
        since: int = 0,
        namespace: str = "",
        whole: bool = False,
        limit: int = SHOWN,
    ) -> Waited:
        """Wait until so many PDUs meet conditions, those included that were recorded before the call.

        Args:
            when: the conditions.
            count: how many there have to be.
            within: real seconds until it is given up, at most MAX_WITHIN.
            since, namespace, whole: as in `find`; `since=desk.next_number` waits for what is still to come.
            limit: at most so many of them are shown.

        Raises TooBusyError beyond MAX_WAITS at a time.
        """
        self._check_journal()
        if len(self._reader) >= MAX_WAITS:
            raise TooBusyError(f"{MAX_WAITS} wait already")
        monotonic = self._simulation.context.monotonic
        began = monotonic()
        matcher = self._matcher(when, namespace)
        collector = Collector(matcher, whole=whole, limit=limit)
        read = since
        while read < self.next_number and collector.count < count:
            stop = self.next_number
            await self._collect(collector, read, stop, count)
            read = stop
        stopped = False
        if collector.count < count:
            stopped = await self._wait_for(collector, count, read, began + min(within, MAX_WITHIN))
        waited, found = monotonic() - began, collector.count
        nearest: list[NearMiss] = []
        text = ""
        if found < count and not stopped:
            nearest, _, _ = await self._nearest(matcher, since, whole=whole, limit=NEAREST)
            headline = f"expected at least {count} within {within:g} s, and there {_are(found)}:"
            text = await self._explain(headline, collector, since, nearest)
        return Waited(
            holds=found >= count,
            count=found,
            items=await self._views(matcher, collector.sightings),
            waited=waited,
            next_number=self.next_number,
            stopped=stopped,
            missed=collector.missed,
            nearest=nearest,
            explanation=text,
        )

    async def order(
        self,
        whens: Sequence[When],
        *,
        how: How = "loose",
        scope: When | None = None,
        since: int = 0,
        namespace: str = "",
        whole: bool = False,
    ) -> Ordered:
        """Whether PDUs came in an order: one for each of these conditions, each after the one before.

        Args:
            whens: the steps, at most MAX_STEPS.
            how: "loose": other PDUs do not matter. "strict": no step comes twice or out of its order. "adjacent": no
                other PDU comes between the steps.
            scope: which others those are; None: PDUs of the commands and directions of the steps.
            since, namespace, whole: as in `find`.

        Raises InvalidError for no steps, and for too many.
        """
        _check_number("order", whens)
        matchers = [self._matcher(when, namespace) for when in whens]
        within = None if scope is None else self._matcher(scope, namespace)
        order = Order(matchers, how, scope=within, whole=whole)
        scan, record_of = self._scan(), self._records.for_range(self.next_number - since)
        async for block in scan.forward(since, self.next_number):
            for number, entry in block:
                if order.concerns(entry):
                    record = record_of(number, entry)
                    if not namespace or record.facts.account == namespace:
                        order.see(record)
        items, reason, text = order.judge.items, order.judge.reason(), ""
        if reason:
            asked = [
                line
                for place, matcher in enumerate(matchers)
                for line in (f"step {place + 1}: {question(matcher)[0]}", *question(matcher)[1:])
            ]
            found = [one.record.number for one in items if one is not None]
            said = await self._last(since, namespace)
            text = explanation(f"{reason}:", asked, said=said, marked=found, missed=scan.missed)
        seen = [(matcher, one) for matcher, one in zip(matchers, items, strict=True) if one is not None]
        responses = await self._responses([one for _, one in seen])
        views: list[MatchView | None] = [_match_view(*one, responses.get(one[1].record.number)) for one in seen]
        return Ordered(
            holds=not reason,
            items=views + [None] * (len(items) - len(views)),
            failed=len(views) if len(views) < len(items) else None,
            reason=reason,
            next_number=self.next_number,
            missed=scan.missed,
            explanation=text,
        )

    async def nothing_else(
        self,
        whens: Sequence[When],
        *,
        scope: When,
        since: int = 0,
        namespace: str = "",
        whole: bool = False,
        limit: int = SHOWN,
    ) -> NothingElse:
        """Whether all PDUs in a scope meet one of these conditions.

        Args:
            whens: what may be there, at most MAX_STEPS; empty: nothing may.
            scope: the PDUs that are looked at, such as all submit_sm.
            since, namespace, whole: as in `find`; with `whole` what lacks parts is something else.
            limit: at most so many of the others are shown.

        Raises InvalidError for too many conditions.
        """
        _check_number("nothing_else", whens, least=0)
        matchers = [self._matcher(when, namespace) for when in whens]
        others = Collector(self._matcher(scope, namespace), whole=whole, limit=max(limit, MARKED), but=matchers)
        await self._collect(others, since, self.next_number)
        others.settle()
        text = ""
        if others.count:
            asked = ["but for:", *(f"  {line}" for matcher in matchers for line in question(matcher))]
            headline = f"expected nothing else, and there {_are(others.count)}:"
            text = await self._explain(headline, others, since, [], asked if matchers else [])
        return NothingElse(
            holds=not others.count,
            count=others.count,
            others=[view_of(one.record) for one in others.sightings[:limit]],
            next_number=self.next_number,
            missed=others.missed,
            explanation=text,
        )

    async def near_misses(
        self, when: When, *, since: int = 0, namespace: str = "", whole: bool = False, limit: int = NEAREST
    ) -> NearMisses:
        """The PDUs that came closest to conditions without meeting them, the closest first; see `find`.

        Compared are PDUs of the same direction whose command is meant, or is easily taken for it: a data_sm for a
        submit_sm. Of those that are equally close, the latest come first.
        """
        items, examined, missed = await self._nearest(self._matcher(when, namespace), since, whole=whole, limit=limit)
        return NearMisses(items=items, examined=examined, next_number=self.next_number, missed=missed)

    def go_on_from(self, number: int) -> None:
        """The journal was replaced: whoever waits keeps what was counted, and goes on with the PDU of this number."""
        self._reader.go_on_from(number)

    def close(self) -> None:
        """Let all go who wait: the server is about to stop."""
        self._reader.end()

    # -- inside -------------------------------------------------------------------------------------------------------

    def _matcher(self, when: When, namespace: str) -> Matcher:
        return Matcher(when, self._zone, namespace)

    @property
    def _zone(self) -> tzinfo:
        return time_zone(self._simulation.settings.server.timezone)

    def _check_journal(self) -> None:
        if not self._simulation.journal.enabled:
            raise ConflictError("nothing is recorded: [journal] pdus is 0")

    def _scan(self) -> Scan:
        self._check_journal()
        return self._pdus.scan()

    async def _collect(self, collector: Collector, start: int, stop: int, enough: int | None = None) -> None:
        """Offer what is recorded from a number on to another, until there is enough."""
        scan, record = self._scan(), self._records.for_range(stop - start)
        async for block in scan.forward(start, stop):
            for number, entry in block:
                if collector.matcher.concerns(entry):
                    collector.offer(record(number, entry))
            if enough is not None and collector.count >= enough:
                break
        collector.missed += scan.missed

    async def _nearest(
        self, matcher: Matcher, since: int, *, whole: bool, limit: int
    ) -> tuple[list[NearMiss], int, int]:
        """The near misses, how many PDUs were compared, and how many were forgotten before."""
        nearest, scan = Nearest(matcher, self._zone, whole=whole), self._scan()
        record = self._records.for_range(self.next_number - since)
        async for block in scan.forward(since, self.next_number):
            for number, entry in block:
                if nearest.concerns(entry):
                    nearest.take(record(number, entry))
        return await nearest.found(limit, scan.pace), nearest.examined, scan.missed

    async def _explain(
        self,
        headline: str,
        collector: Collector,
        since: int,
        nearest: Sequence[NearMiss],
        more: Sequence[str] = (),
    ) -> str:
        matcher = collector.matcher
        asked = [*question(matcher, whole=collector.wholes is not None), *more]
        marked = [one.record.number for one in collector.sightings] or [one.pdu.number for one in nearest]
        said = await self._last(since, matcher.namespace)
        return explanation(headline, asked, nearest=nearest, said=said, marked=marked, missed=collector.missed)

    async def _last(self, since: int, namespace: str) -> list[PduView]:
        """The last PDUs from a number on, as many as an explanation has room for."""
        page: list[PduView] = []
        async for block in self._scan().backward(since, self.next_number):
            for number, entry in block:
                if namespace and self._records.account_of(number, entry) != namespace:
                    continue
                view = view_of(self._records.of(number, entry))
                if view.command not in LINK_CHECKS:
                    page.append(view)
            if len(page) > MAX_LINES:
                break
        return page

    async def _wait_for(self, collector: Collector, count: int, start: int, deadline: float) -> bool:
        """Collect what is recorded from now on, until there is enough; returns whether the server is about to stop.

        start: frames before this number do not count. deadline: when it is given up, by the clock of the sessions.
        """
        wait = Wait(collector, start, count)
        self._reader.add(wait)
        read, stopped = start, False
        try:
            async with asyncio.timeout(max(0.0, deadline - self._simulation.context.monotonic())):
                stopped = not await wait.done
        except TimeoutError:
            pass
        finally:
            read = self._reader.remove(wait)
        await self._collect(collector, read, self.next_number, count)
        return stopped

    async def _views(self, matcher: Matcher, sightings: Sequence[Sighting]) -> list[MatchView]:
        """How sightings are shown, requests with their responses."""
        responses = await self._responses(sightings)
        views, pace = [], self._pdus.pace()
        await pace.begin()
        for one in sightings:
            views.append(_match_view(matcher, one, responses.get(one.record.number)))
            await pace.breathe()
        return views

    async def _responses(self, sightings: Sequence[Sighting]) -> dict[int, ResponseView]:
        """The responses to requests, by the number of the request."""
        requests = (sighting.record for sighting in sightings)
        answers = await find_answers(self._simulation.journal, requests, self._pdus.pace())
        return {number: response_view(self._records.of(*answer)) for number, answer in answers.found.items()}


def _are(count: int) -> str:
    return "was 1" if count == 1 else f"were {count or 'none'}"


def _check_number(where: str, whens: Sequence[When], least: int = 1) -> None:
    if not least <= len(whens) <= MAX_STEPS:
        raise InvalidError([(where, f"expected {least} to {MAX_STEPS} conditions, and there are {len(whens)}")])


def _match_view(matcher: Matcher, sighting: Sighting, response: ResponseView | None) -> MatchView:
    groups, captured = matcher.captures(sighting)
    return MatchView(
        pdu=view_of(sighting.record, response=response),
        text=sighting.text,
        groups=groups,
        captured=captured,
        parts=list(sighting.parts),
    )
