"""Near misses: which recorded PDUs almost met the conditions, and what stood in the way.

Each PDU that is comparable is asked how many conditions it does not meet, and asking ends where it is worse than the
best so many. These few are then compared in detail: how like is what was found to what was expected.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from heapq import heappush, heappushpop
from typing import TYPE_CHECKING, Any, Final

from smppd.behaviour.conditions import listed
from smppd.control.pdus import view_of
from smppd.control.records import command_id_of
from smppd.control.verification.sightings import Sighting
from smppd.control.verification.views import ConditionView, NearMiss
from smppd.control.verification.wholes import Wholes
from smppd.control.verification.wording import MAX_SHOWN, expected_of, found_of, hint_of, what_is_meant
from smppd.settings.names import COMMANDS
from smppd.settings.rules import Test
from smppwire.constants import command_name
from smppwire.session import BINDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

    from smppd.behaviour.conditions import Condition
    from smppd.control.records import Record
    from smppd.control.scan import Pace
    from smppd.control.verification.matching import Matcher
    from smppd.observe.journal import JournalEntry

MAX_CANDIDATES: Final = 32
"""PDUs that are compared in detail, half a millisecond each at worst."""

MESSAGES: Final = frozenset(
    int(COMMANDS[name]) for name in ("submit_sm", "data_sm", "submit_multi", "deliver_sm", "replace_sm", "broadcast_sm")
)
"""Commands that bring a text: who expects one of them may have got another."""

MAX_VALUES: Final = 4
"""Alternatives of a test whose likeness to what was found is measured."""

MAX_LISTED: Final = 10
"""Parts that are listed by their numbers when they are missing."""

UNKNOWN_LIKENESS: Final = 0.1
"""How like a number is to another one: there is something, and it is wrong."""

_NO_LITERAL: Final = re.compile(r"\(\?(?:P<\w+>|[a-zA-Z]+\))|\\.|[][(){}.*+?^$|]")
"""What of a regular expression does not stand for itself."""

FAMILIES: Final = (MESSAGES, frozenset(map(int, BINDS)))


class Nearest:
    """The recorded PDUs that came closest to conditions."""

    def __init__(self, matcher: Matcher, zone: tzinfo, *, whole: bool = False) -> None:
        """zone: in which times of day are told. whole: compare whole messages, as `VerificationDesk.find` has them."""
        self._matcher = matcher
        self._zone = zone
        self._wholes = Wholes() if whole else None
        self._best: list[tuple[int, int, Sighting]] = []
        """The candidates, the worst in front: minus the conditions that do not hold, number, PDU."""
        self._ids = _comparable(matcher.command_ids)
        self._tests = [condition.holds for condition in matcher.conditions]
        self.examined = 0

    def concerns(self, entry: JournalEntry) -> bool:
        """Whether a frame is comparable, judged by its header alone."""
        if entry.direction != self._matcher.direction:
            return False
        return self._ids is None or command_id_of(entry.frame) in self._ids

    def take(self, record: Record) -> None:
        """Compare a PDU that is comparable."""
        self.examined += 1
        sighting = Sighting(record) if self._wholes is None else self._wholes.take(record)
        if sighting is not None:
            self._consider(sighting, 0)

    async def found(self, limit: int, pace: Pace) -> list[NearMiss]:
        """The nearest, at most so many, the closest first."""
        for sighting in () if self._wholes is None else self._wholes.incomplete():
            self._consider(sighting, 1)
        scored: list[tuple[float, int, Sighting]] = []
        for _, number, sighting in self._best:
            scored.append((-self._closeness(sighting), -number, sighting))
            await pace.breathe()
        return [self._view(sighting, -score) for score, _, sighting in sorted(scored)[:limit]]

    def _consider(self, sighting: Sighting, failed: int) -> None:
        """Keep a PDU that is no match, if it is among the best; of equals, the newer one."""
        record, facts = sighting.record, sighting.facts
        if self._matcher.namespace and facts.account != self._matcher.namespace:
            return
        best = self._best
        worst = -best[0][0] if len(best) >= MAX_CANDIDATES else len(self._tests) + 2
        pdu = record.pdu
        failed += not self._matcher.is_about(record.command_id)
        if pdu is None:
            failed += len(self._tests) + 1
        else:
            for test in self._tests:
                if not test(pdu, facts):
                    failed += 1
                    if failed > worst:
                        return
        if not failed or failed > worst:
            return
        push = heappush if len(best) < MAX_CANDIDATES else heappushpop
        push(best, (-failed, record.number, sighting))

    def _closeness(self, sighting: Sighting) -> float:
        """The mean of how close all conditions came, that on the command included."""
        pdu, facts = sighting.record.pdu, sighting.facts
        if pdu is None:
            return 0.0
        scores = [float(self._matcher.is_about(sighting.record.command_id))]
        if sighting.missing:
            scores.append(len(sighting.parts) / (len(sighting.parts) + len(sighting.missing)))
        for condition in self._matcher.conditions:
            holds = condition.holds(pdu, facts)
            scores.append(1.0 if holds else _likeness(condition.test, condition.get(pdu, facts)))
        return round(sum(scores) / len(scores), 3)

    def _view(self, sighting: Sighting, closeness: float) -> NearMiss:
        conditions = list(self._conditions(sighting))
        return NearMiss(pdu=view_of(sighting.record), closeness=closeness, conditions=conditions)

    def _conditions(self, sighting: Sighting) -> Iterator[ConditionView]:
        """Each condition, as asked of a PDU."""
        record, matcher = sighting.record, self._matcher
        pdu = record.pdu
        about = matcher.is_about(record.command_id)
        meant = what_is_meant(matcher.when)
        command = command_name(record.command_id)
        if pdu is None:
            found = f"a {command} that cannot be decoded: {record.problem}"
            yield ConditionView(field="command", expected=meant, found=found, holds=False)
            return
        yield ConditionView(field="command", expected=meant, found=command, holds=about)
        if self._wholes is not None and sighting.missing:
            total = len(sighting.parts) + len(sighting.missing)
            missing = ", ".join(map(str, sighting.missing[:MAX_LISTED]))
            missing += ", ..." if len(sighting.missing) > MAX_LISTED else ""
            found = f"{len(sighting.parts)} of {total} (missing: {missing})"
            yield ConditionView(field="parts", expected=f"all {total} parts", found=found, holds=False)
        for condition in matcher.conditions:
            value = condition.get(pdu, sighting.facts)
            holds = condition.holds(pdu, sighting.facts)
            hint = "" if holds else self._hint(condition, value, sighting)
            yield ConditionView(
                field=condition.name,
                expected=expected_of(condition),
                found=found_of(condition, value, self._zone),
                holds=holds,
                hint=hint,
            )

    def _hint(self, condition: Condition, value: Any, sighting: Sighting) -> str:
        hint = hint_of(condition, value)
        if hint or condition.name != "text" or self._wholes is not None or sighting.record.pdu is None:
            return hint
        part, parts = sighting.facts.part(sighting.record.pdu)
        return f"this is part {part} of {parts}: whole = true asks for the whole text" if parts > 1 else ""


def _comparable(command_ids: frozenset[int] | None) -> frozenset[int] | None:
    """The commands that are meant, and those that could be taken for them; None for all."""
    if command_ids is None:
        return None
    return command_ids.union(*(family for family in FAMILIES if family & command_ids))


def _likeness(test: Any, value: Any) -> float:
    """How like a value is to what a test wants, from 0 to 0.9."""
    if value is None:
        return 0.0
    if not isinstance(test, Test) or not isinstance(value, str):
        return UNKNOWN_LIKENESS
    compared = value[:MAX_SHOWN]
    whole = [SequenceMatcher(None, str(one)[:MAX_SHOWN], compared).ratio() for one in listed(test.equals)[:MAX_VALUES]]
    parts = [*listed(test.prefix)[:MAX_VALUES], *listed(test.glob)[:MAX_VALUES]]
    if test.regex is not None:
        parts.append(_NO_LITERAL.sub("", test.regex))
    scores = [*whole, *(_covered(one.strip("*")[:MAX_SHOWN], compared) for one in parts)]
    return round(0.9 * max(scores), 3) if scores else UNKNOWN_LIKENESS


def _covered(wanted: str, found: str) -> float:
    """How much of what is wanted, from 0 to 1, is found somewhere in its order."""
    if not wanted:
        return 0.0
    return sum(block.size for block in SequenceMatcher(None, wanted, found).get_matching_blocks()) / len(wanted)
