"""What verifications answer."""

from __future__ import annotations

from msgspec import Struct

from smppd.control.pdus import PduView


class MatchView(Struct, frozen=True, kw_only=True):
    """A PDU, or a whole message, that meets the conditions.

    * pdu: the PDU; of a whole message the part that came last. Requests have their `response`, if it was recorded.
    * text: the text that was matched; of a whole message that of all parts. null where there is none.
    * groups: what named groups of regular expressions have found.
    * captured: the groups of regular expressions in their order, by the key of the condition (`text`); without groups,
      all that was found.
    * parts: the numbers of the PDUs that make a whole message; empty for a message that is whole in one PDU.
    """

    pdu: PduView
    text: str | None = None
    groups: dict[str, str] = {}
    captured: dict[str, list[str]] = {}
    parts: list[int] = []


class ConditionView(Struct, frozen=True, kw_only=True):
    """One condition, asked of one PDU. found: what was there; null for nothing. hint: what the difference may be."""

    field: str
    expected: str
    found: str | None
    holds: bool
    hint: str = ""


class NearMiss(Struct, frozen=True, kw_only=True):
    """A PDU that almost met the conditions. closeness: from 0 to 1; 1 would be a match."""

    pdu: PduView
    closeness: float
    conditions: list[ConditionView]


class Found(Struct, frozen=True, kw_only=True):
    """PDUs that meet the conditions, in order.

    next: the cursor of the following page; null at the end. next_number: what `since` has to be for PDUs recorded from
    now on. missed: PDUs that were forgotten before they could be looked at.
    """

    items: list[MatchView]
    next: str | None
    next_number: int
    missed: int = 0


class Counted(Struct, frozen=True, kw_only=True):
    """How many PDUs meet the conditions, and whether that is as expected.

    expected: in words, "" when nothing was expected. explanation: why it does not hold, "" when it does.
    """

    count: int
    holds: bool
    next_number: int
    expected: str = ""
    missed: int = 0
    nearest: list[NearMiss] = []
    explanation: str = ""


class Waited(Struct, frozen=True, kw_only=True):
    """What came of waiting.

    * holds: whether there were enough in time. count: how many there were.
    * items: the first of them, at most as many as were asked for.
    * waited: seconds. stopped: the server was about to stop.
    * nearest, explanation: when there were not enough, what came close, and all of it as a text to read.
    """

    holds: bool
    count: int
    items: list[MatchView]
    waited: float
    next_number: int
    stopped: bool = False
    missed: int = 0
    nearest: list[NearMiss] = []
    explanation: str = ""


class Ordered(Struct, frozen=True, kw_only=True):
    """Whether PDUs came in an order.

    items: what was found for each step, null from the first on that was not. failed: the place of that step, counted
    from 0. reason: why, "" when it holds.
    """

    holds: bool
    items: list[MatchView | None]
    next_number: int
    failed: int | None = None
    reason: str = ""
    missed: int = 0
    explanation: str = ""


class NothingElse(Struct, frozen=True, kw_only=True):
    """Whether there was nothing else. count: how many others there were. others: the first of them."""

    holds: bool
    count: int
    others: list[PduView]
    next_number: int
    missed: int = 0
    explanation: str = ""


class NearMisses(Struct, frozen=True, kw_only=True):
    """The PDUs that came closest, the nearest first. examined: how many were looked at."""

    items: list[NearMiss]
    examined: int
    next_number: int
    missed: int = 0
