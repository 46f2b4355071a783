"""Outstanding requests: what one side has asked and the other has not answered yet.

A ``Window`` belongs to one direction of one session (SMPP 3.4, 5.1.4): the two sides of a
session count their own requests independently, so equal numbers in both directions never meet here.

Entries stand in the order in which they were sent, and time only moves forward. The oldest request is therefore always
the first entry, and looking for expired requests costs as much as has expired, not as much as is outstanding.

Nothing here reads a clock: every ``now`` is a float in seconds from the caller's monotonic clock.
"""

from __future__ import annotations

import sys
from itertools import repeat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

UNLIMITED_ROOM: Final = sys.maxsize
"""``Window.room`` when there is no limit: more than any caller can send, and still an int to compare with others."""

Outstanding = tuple[object, float, int]
"""(context, sent_at, response_id): the caller's own handle on the request, when it was sent, and the command_id of its
response. A plain tuple: one is made for each message that leaves, and a named one costs five times as much."""


class Window:
    """The requests of one side that still wait for their response, oldest first.

    ``limit`` is the largest number of requests meant to be outstanding, 0 for no limit. The window only reports the
    ``room`` that is left: enquire_link and unbind must leave a session whose window is full, so refusing is the
    sender's decision. ``entries`` is what the window holds, by sequence_number, for whoever pops many at once.
    """

    __slots__ = ("entries", "limit")

    def __init__(self, limit: int = 0) -> None:
        if limit < 0:
            raise ValueError(f"a window holds 0 (no limit) or more requests, not {limit}")
        self.limit = limit
        self.entries: dict[int, Outstanding] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, sequence_number: object) -> bool:
        return sequence_number in self.entries

    @property
    def room(self) -> int:
        """How many more requests fit, never negative; ``UNLIMITED_ROOM`` without a limit."""
        if not self.limit:
            return UNLIMITED_ROOM
        return max(0, self.limit - len(self.entries))

    def add(self, sequence_number: int, context: object, now: float, response_id: int) -> None:
        """Record one request sent at ``now`` that a PDU with the command_id ``response_id`` will answer.

        Raises ValueError when ``sequence_number`` is outstanding already: two requests that share a number cannot be
        told apart by their responses.
        """
        if sequence_number in self.entries:
            raise ValueError(f"sequence_number {sequence_number} is outstanding already")
        self.entries[sequence_number] = (context, now, response_id)

    def add_many(
        self, sequence_numbers: Sequence[int], contexts: Sequence[object], now: float, response_id: int
    ) -> None:
        """Record several requests of one kind that leave together; ``contexts`` in the order of ``sequence_numbers``.

        Raises ValueError, and records nothing, when a number is outstanding already or the lengths differ.
        """
        if not self.all_free(sequence_numbers):
            raise ValueError("one of the sequence_numbers is outstanding already")
        if len(sequence_numbers) != len(contexts):
            raise ValueError(f"{len(sequence_numbers)} sequence_numbers for {len(contexts)} requests")
        self.entries.update(
            zip(sequence_numbers, zip(contexts, repeat(now), repeat(response_id), strict=False), strict=True)
        )

    def all_free(self, sequence_numbers: Sequence[int]) -> bool:
        """True when none of these numbers is outstanding."""
        return self.entries.keys().isdisjoint(sequence_numbers)

    def get(self, sequence_number: int) -> Outstanding | None:
        """Look at the request that waits under this number, whatever its kind, and leave it there."""
        return self.entries.get(sequence_number)

    def pop(self, sequence_number: int, response_id: int) -> Outstanding | None:
        """Complete the request that a ``response_id`` with this number answers.

        None when there is no such request: the response is late, a duplicate, or carries a wrong number (some ESMEs
        put 1 into every enquire_link_resp). A response of another kind completes nothing, so that such an ESME does
        not acknowledge a deliver_sm by accident.
        """
        entries = self.entries
        entry = entries.get(sequence_number)
        if entry is None or entry[2] != response_id:
            return None
        del entries[sequence_number]
        return entry

    def expired(self, now: float, timeout: float) -> list[object]:
        """Drop the requests sent ``timeout`` seconds ago or earlier and return their contexts, oldest first.

        ``timeout`` 0 means that requests wait for ever. A response that comes later is a late one: ``pop`` knows
        nothing of it.
        """
        if not timeout:
            return []
        entries = self.entries
        due: list[int] = []
        contexts: list[object] = []
        for sequence_number, (context, sent_at, _) in entries.items():
            if now < sent_at + timeout:
                break
            due.append(sequence_number)
            contexts.append(context)
        for sequence_number in due:
            del entries[sequence_number]
        return contexts

    def next_expiry(self, timeout: float) -> float | None:
        """The moment at which the oldest request expires; None when nothing is outstanding or ``timeout`` is 0."""
        if not timeout or not self.entries:
            return None
        return next(iter(self.entries.values()))[1] + timeout

    def drain(self) -> list[object]:
        """Forget everything and return the contexts, oldest first: the session has ended.

        A new session never acknowledges the PDUs of an old one (SMPP 5.0, 2.6.3), so these requests are to be sent
        again.
        """
        contexts = [context for context, _, _ in self.entries.values()]
        self.entries.clear()
        return contexts
