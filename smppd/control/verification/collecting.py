"""Collecting the PDUs that meet conditions, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smppd.control.verification.wholes import Wholes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smppd.control.records import Record
    from smppd.control.verification.matching import Matcher
    from smppd.control.verification.sightings import Sighting


class Collector:
    """What has met conditions so far: how often, and the first few."""

    def __init__(
        self, matcher: Matcher, *, whole: bool, limit: int, skip: int = 0, but: Sequence[Matcher] = ()
    ) -> None:
        """Collect at most `limit` sightings.

        whole: of messages that are put together from their parts. skip: those before this number do not count.
        but: what meets one of these does not count.
        """
        self._but = but
        self.matcher = matcher
        self.wholes = Wholes() if whole else None
        self.limit = limit
        self.skip = skip
        self.count = 0
        self.missed = 0
        self.sightings: list[Sighting] = []

    def offer(self, record: Record) -> None:
        """Look at a PDU."""
        sighting = self.matcher.sight(record, self.wholes)
        if sighting is not None and record.number >= self.skip:
            self._take(sighting)

    def settle(self) -> None:
        """All PDUs were offered: messages whose parts did not all come count as well."""
        for sighting in () if self.wholes is None else self.wholes.incomplete():
            if self.matcher.holds(sighting.record, sighting.facts):
                self._take(sighting)

    def _take(self, sighting: Sighting) -> None:
        if not sighting.missing and any(one.meets(sighting) for one in self._but):
            return
        self.count += 1
        if len(self.sightings) < self.limit:
            self.sightings.append(sighting)
