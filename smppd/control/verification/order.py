"""Whether PDUs came in an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from smppd.control.verification.wholes import Wholes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smppd.control.records import Record
    from smppd.control.verification.matching import Matcher
    from smppd.control.verification.sightings import Sighting
    from smppd.observe.journal import JournalEntry

How = Literal["loose", "strict", "adjacent"]


class Judge(Protocol):
    """Sees PDUs in their order, each with the steps whose conditions it meets."""

    items: list[Sighting | None]

    def see(self, record: Record, met: dict[int, Sighting]) -> None:
        """One more PDU; `met` by the places of the steps."""

    def reason(self) -> str:
        """Why the order does not hold; "" when it does."""


class Order:
    """Steps, and a judge of whether PDUs took them in their order.

    * loose: for each step there is a PDU, after that of the step before; what else there is does not matter.
    * strict: the PDUs that meet any step are exactly these, once each, in this order.
    * adjacent: somewhere they follow one another with no other PDU of the scope between them.
    """

    def __init__(self, steps: Sequence[Matcher], how: How, *, scope: Matcher | None, whole: bool) -> None:
        """scope: what may not come between adjacent steps; None: PDUs of the commands that the steps are about."""
        self._steps = [(matcher, Wholes() if whole else None) for matcher in steps]
        self._others = Wholes() if whole else None
        self._scope = scope
        judges: dict[How, type[_Loose | _Strict | _Adjacent]] = {
            "loose": _Loose,
            "strict": _Strict,
            "adjacent": _Adjacent,
        }
        self.judge = judges[how](len(steps))

    def concerns(self, entry: JournalEntry) -> bool:
        """Whether a frame may matter, judged by its header alone."""
        if self._scope is not None and self._scope.concerns(entry):
            return True
        return any(matcher.concerns(entry) for matcher, _ in self._steps)

    def see(self, record: Record) -> None:
        """One more PDU that may matter. A part of a message that is to be whole does so once all parts are there."""
        met: dict[int, Sighting] = {}
        for place, (matcher, wholes) in enumerate(self._steps):
            sighting = matcher.sight(record, wholes)
            if sighting is not None:
                met[place] = sighting
        is_part = self._others is not None and self._others.take(record) is None
        if met or (not is_part and (self._scope is None or self._scope.sight(record) is not None)):
            self.judge.see(record, met)


class _Loose:
    def __init__(self, steps: int) -> None:
        self.items: list[Sighting | None] = [None] * steps
        self._next = 0
        self._seen: dict[int, int] = {}
        """The PDU that has met a step last, by the place of the step."""

    def see(self, record: Record, met: dict[int, Sighting]) -> None:
        self._seen.update(dict.fromkeys(met, record.number))
        if self._next in met:
            self.items[self._next] = met[self._next]
            self._next += 1

    def reason(self) -> str:
        place = self._next
        if place == len(self.items):
            return ""
        if place not in self._seen:
            return f"no PDU meets step {place + 1}"
        before = self.items[place - 1]
        after = "" if before is None else f" after #{before.record.number}"
        return f"no PDU meets step {place + 1}{after}; #{self._seen[place]} did before"


class _Strict:
    def __init__(self, steps: int) -> None:
        self.items: list[Sighting | None] = [None] * steps
        self._next = 0
        self._wrong = ""

    def see(self, record: Record, met: dict[int, Sighting]) -> None:
        if not met or self._wrong:
            return
        if self._next in met:
            self.items[self._next] = met[self._next]
            self._next += 1
            return
        what = " and ".join(str(place + 1) for place in met)
        if self._next == len(self.items):
            self._wrong = f"#{record.number} meets step {what} once more, after the last step"
        else:
            self._wrong = f"#{record.number} meets step {what} where step {self._next + 1} was expected"

    def reason(self) -> str:
        if self._wrong or self._next == len(self.items):
            return self._wrong
        return f"no PDU meets step {self._next + 1}"


class _Adjacent:
    def __init__(self, steps: int) -> None:
        self.items: list[Sighting | None] = [None] * steps
        self._steps = steps
        self._begun: list[list[Sighting]] = []
        """Beginnings of the order that the PDU before was the end of."""
        self._longest: list[Sighting] = []
        self._broken_by = 0
        self._done = False

    def see(self, record: Record, met: dict[int, Sighting]) -> None:
        if self._done:
            return
        begun = [[*one, met[len(one)]] for one in [*self._begun, []] if len(one) in met]
        if self._longest and any(one is self._longest for one in self._begun):
            self._broken_by = record.number
        self._begun = begun
        for one in begun:
            if len(one) > len(self._longest):
                self._longest = one
        if len(self._longest) == self._steps:
            self._done = True
        self.items = [*self._longest, *[None] * (self._steps - len(self._longest))]

    def reason(self) -> str:
        if self._done:
            return ""
        place = len(self._longest)
        if not place:
            return "no PDU meets step 1"
        after = f"step {place + 1} does not follow #{self._longest[-1].record.number} at once"
        return f"{after}; #{self._broken_by} does" if self._broken_by else f"nothing follows for step {place + 1}"
