"""The desk that answers what was recorded: how often, in which order, and what came close.

Every question is about the PDUs in the journal from the number `since` on; numbers are in every answer
(`next_number`), so that a test can ask about what it did itself. Conditions are those of rules; `namespace` restricts
a question to the PDUs of one account.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from smppd.control.failures import TooBusyError
from smppd.control.pages import DEFAULT_LIMIT, cursor_for, position_in
from smppd.control.pdus import response_view, view_of
from smppd.control.scan import Scan
from smppd.control.verification.answers import Answers
from smppd.control.verification.collecting import Collector
from smppd.control.verification.expected import Expected
from smppd.control.verification.matching import Matcher
from smppd.control.verification.views import Counted, Found, MatchView, Waited
from smppd.control.verification.waiting import MAX_WAITS, Reader, Wait
from smppd.settings.types import time_zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smppd.control.pdus import ResponseView
    from smppd.control.records import Records
    from smppd.control.simulation import Simulation
    from smppd.control.verification.sightings import Sighting
    from smppd.settings.rules import When

KIND: Final = "matches"
"""What cursors of lists of matches are called."""

NEAREST: Final = 3
"""Near misses that are told with a failure."""

DEFAULT_WITHIN: Final = 5.0
"""Seconds that a wait takes when nobody says how long: PDUs on a loopback take milliseconds, and receipts a second."""

MAX_WITHIN: Final = 600.0
"""Seconds that a wait may take: longer than any test waits for a receipt in real time."""


class VerificationDesk:
    """Answers questions about recorded PDUs. Everything belongs to the thread of the event loop."""

    def __init__(self, simulation: Simulation, records: Records) -> None:
        """Ask about the PDUs of this server; `records` are those of its PduDesk."""
        self._simulation = simulation
        self._records = records
        self._reader = Reader(simulation, records)

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
        limit: int = DEFAULT_LIMIT,
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
        """
        collector = Collector(self._matcher(when, namespace), whole=whole, limit=0)
        await self._collect(collector, since, self.next_number)
        expected = Expected(exactly, at_least, at_most)
        return Counted(
            count=collector.count,
            holds=expected.allows(collector.count),
            expected=str(expected),
            next_number=self.next_number,
            missed=collector.missed,
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
        limit: int = DEFAULT_LIMIT,
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
        if len(self._reader) >= MAX_WAITS:
            raise TooBusyError(f"{MAX_WAITS} wait already")
        monotonic = self._simulation.context.monotonic
        began = monotonic()
        collector = Collector(self._matcher(when, namespace), whole=whole, limit=max(limit, 1))
        stopped = False
        try:
            async with asyncio.timeout(min(within, MAX_WITHIN)):
                stopped = not await self._wait_for(collector, count, since)
        except TimeoutError:
            pass
        return Waited(
            holds=collector.count >= count,
            count=collector.count,
            items=await self._views(collector.matcher, collector.sightings[:limit]),
            waited=monotonic() - began,
            next_number=self.next_number,
            stopped=stopped,
            missed=collector.missed,
        )

    def close(self) -> None:
        """Let all go who wait: the server is about to stop."""
        self._reader.end()

    # -- inside -------------------------------------------------------------------------------------------------------

    def _matcher(self, when: When, namespace: str) -> Matcher:
        return Matcher(when, time_zone(self._simulation.settings.server.timezone), namespace)

    def _scan(self) -> Scan:
        return Scan(self._simulation.journal, self._simulation.context.monotonic)

    async def _collect(self, collector: Collector, start: int, stop: int, enough: int | None = None) -> None:
        """Offer what is recorded from a number on to another, until there is enough."""
        scan = self._scan()
        async for block in scan.forward(start, stop):
            for number, entry in block:
                if collector.matcher.concerns(entry):
                    collector.offer(self._records.of(number, entry))
            if enough is not None and collector.count >= enough:
                break
        collector.missed += scan.missed

    async def _wait_for(self, collector: Collector, count: int, since: int) -> bool:
        """Collect until there are so many; False when the server is about to stop."""
        read = since
        while read < self.next_number:
            stop = self.next_number
            await self._collect(collector, read, stop, count)
            if collector.count >= count:
                return True
            read = stop
        wait = Wait(collector, read, count)
        self._reader.add(wait)
        try:
            return await wait.done
        finally:
            self._reader.remove(wait)

    async def _views(self, matcher: Matcher, sightings: Sequence[Sighting]) -> list[MatchView]:
        """How sightings are shown, requests with their responses."""
        responses = await self._responses(sightings)
        return [_match_view(matcher, one, responses.get(one.record.number)) for one in sightings]

    async def _responses(self, sightings: Sequence[Sighting]) -> dict[int, ResponseView]:
        """The responses to requests, by the number of the request."""
        answers = Answers()
        for sighting in sightings:
            answers.ask(sighting.record)
        if answers.is_complete:
            return {}
        async for block in self._scan().forward(sightings[0].record.number + 1, self.next_number):
            for number, entry in block:
                answers.offer(number, entry)
            if answers.is_complete:
                break
        return {number: response_view(self._records.of(*answer)) for number, answer in answers.found.items()}


def _match_view(matcher: Matcher, sighting: Sighting, response: ResponseView | None) -> MatchView:
    groups, captured = matcher.captures(sighting)
    return MatchView(
        pdu=view_of(sighting.record, response=response),
        text=sighting.text,
        groups=groups,
        captured=captured,
        parts=list(sighting.parts),
    )
