"""What a test expects of the PDUs that were and will be recorded; runs in the server's loop.

An expectation looks at everything since the server started or was reset, so it does not matter whether a PDU came
before or comes while it is waited for. The PDUs that it hands out count as expected; `nothing_else` asks about the
others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from smppd.control.verification.dialogue import dialogue
from smppd.errors import UserError
from smppd.settings.rules import SUBMITS
from smppd.testing.conditions import read_when
from smppd.testing.recorded import recorded

if TYPE_CHECKING:
    from smppd.control.verification.desk import VerificationDesk
    from smppd.control.verification.views import Found, MatchView
    from smppd.settings.rules import When
    from smppd.testing.host import Host
    from smppd.testing.recorded import Recorded

ALL: Final = 1_000_000
"""More PDUs than a test records."""

OTHERS_LINES: Final = 16
"""PDUs at most that are listed because nobody expected them: the first of them say what went wrong."""

DIALOGUE_LINES: Final = 40
"""PDUs that are shown at most: what is further back has seldom to do with what went wrong."""

Given = Mapping[str, Any]
"""Conditions as a test gave them."""


class Expectations:
    """The expectations of one test towards one server. `since` is where its PDUs begin."""

    def __init__(self, host: Host) -> None:
        """Expect something of the server that `host` runs."""
        self._host = host
        self.since = 0
        self._expected: set[int] = set()
        """The numbers of all PDUs that were handed out."""

    def begin(self) -> None:
        """Forget everything so far: a new test begins."""
        self.since = self._desk.next_number
        self._expected.clear()

    @property
    def _desk(self) -> VerificationDesk:
        return self._host.control.verification

    # -- what is expected ---------------------------------------------------------------------------------------------

    async def some(self, given: Given, *, count: int | None, within: float, whole: bool) -> list[Recorded]:
        """The first `count` (None: one) that meet conditions, waited for.

        Raises AssertionError when there are fewer in time, and UserError for a count that is none.
        """
        count = 1 if count is None else count
        if count < 1:
            raise UserError(f"count = {count}: one at least can be waited for; expect_no is for none")
        waited = await self._desk.wait(
            _when(given), count=count, within=within, since=self.since, whole=whole, limit=count
        )
        if not waited.holds:
            raise AssertionError(waited.explanation)
        return self._hand_out(waited.items)

    async def none(self, given: Given, *, within: float, whole: bool) -> None:
        """Nothing meets conditions, now and for `within` seconds. Raises AssertionError otherwise."""
        when = _when(given)
        if within:
            await self._desk.wait(when, within=within, since=self.since, whole=whole, limit=1)
        counted = await self._desk.count(when, exactly=0, since=self.since, whole=whole)
        if not counted.holds:
            raise AssertionError(counted.explanation)

    async def in_order(self, steps: Sequence[Given], *, within: float, whole: bool) -> list[Recorded]:
        """For each step the first that meets it after the one of the step before. Raises AssertionError."""
        monotonic = self._host.control.simulation.context.monotonic
        deadline = monotonic() + within
        if not steps:
            raise UserError("an order has steps, such as expect_order({'text': 'Hello'}, {'text': 'Your code *'})")
        whens = [_when(step) for step in steps]
        since, items = self.since, []
        for when in whens:
            left = max(0.0, deadline - monotonic())
            waited = await self._desk.wait(when, within=left, since=since, whole=whole, limit=1)
            if not waited.holds:
                ordered = await self._desk.order(whens, since=self.since, whole=whole)
                raise AssertionError(ordered.explanation or waited.explanation)
            items += waited.items
            since = items[-1].pdu.number + 1
        return self._hand_out(items)

    async def nothing_else(self, given: Given, *, within: float) -> None:
        """No PDU meets conditions that no expectation has handed out. Raises AssertionError otherwise."""
        when = _when(given)
        found = await self._desk.find(when, since=self.since, limit=ALL)
        if within and not self._others(found):
            more = len(found.items) + 1
            await self._desk.wait(when, count=more, within=within, since=self.since, limit=1)
            found = await self._desk.find(when, since=self.since, limit=ALL)
        others = [item.pdu for item in self._others(found)]
        if others:
            known = len(found.items) - len(others)
            before = f"but the {known} PDUs that were expected before" if known else "to be submitted"
            before = "but the PDU that was expected before" if known == 1 else before
            raise AssertionError(
                f"expected nothing {before}, and there {'is 1' if len(others) == 1 else f'are {len(others)}'} more:\n"
                f"{dialogue(others, limit=OTHERS_LINES)}\n"
                f"recorded:\n{await self.dialogue(DIALOGUE_LINES, marked={pdu.number for pdu in others})}"
            )

    async def all(self, given: Given) -> list[Recorded]:
        """All that meet conditions so far, PDU by PDU."""
        found = await self._desk.find(_when(given), since=self.since, limit=ALL)
        return [recorded(item.pdu, item) for item in found.items]

    def _others(self, found: Found) -> list[MatchView]:
        """Those that no expectation has handed out."""
        return [item for item in found.items if item.pdu.number not in self._expected]

    async def dialogue(self, limit: int, marked: Collection[int] = ()) -> str:
        """The last PDUs since the test began, one line for each; ">" points at those that are marked."""
        # One more than is shown, which tells that there are more.
        page = await self._host.control.pdus.list(since=self.since, newest=True, limit=limit + 1)
        return dialogue(page.items, marked=marked, limit=limit)

    def _hand_out(self, items: Sequence[MatchView]) -> list[Recorded]:
        results = [recorded(item.pdu, item) for item in items]
        for result in results:
            self._expected.update(result.numbers)
        return results


def _when(given: Given) -> When:
    """Conditions; whoever names no command means messages that an ESME submits."""
    if not isinstance(given, Mapping):
        raise UserError(f"{given!r}: expected a dictionary of conditions, such as {{'text': 'Hello'}}")
    named = "command" in given or "command" in given.get("when", {})
    return read_when(given if named else {**given, "command": SUBMITS})
