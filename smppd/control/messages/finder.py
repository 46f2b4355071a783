"""Going through recorded messages: shelf by shelf, by columns first and then message by message, in slices.

A shelf on which nothing can be is left after a look at a column or two, which takes some ten microseconds. Whatever a
column finds is looked at again: columns may be a moment out of date.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from smppd.control.messages.columns import (
    Building,
    Codes,
    Joined,
    Many,
    Span,
    codes_by,
    joined_octets,
    joined_texts,
    joined_whole_texts,
    span_by,
)
from smppd.control.messages.index import TEXT, WHOLE, is_kept
from smppd.engine.message import FIRST_FINAL, RECEIPT_SETTLED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

    from smppd.control.messages.conditions import Condition, Query
    from smppd.control.messages.index import Index, Numbered
    from smppd.control.scan import Pace
    from smppd.engine.message import Message

SLICE: Final = 0.001
"""Seconds of work between two turns of the event loop: half of the 2 ms that nothing may hold it, because a step can
take as long again."""

FEW: Final = 64
"""Candidates on one shelf that are looked at without asking further columns."""

LOOKS: Final = 16
"""Candidates that are looked at between two looks at the clock."""

RESTS: Final = "rests"
"""The mark of a shelf on which nothing will change by itself any more."""


class Hit(NamedTuple):
    """A message that was looked for, and where it stands."""

    message: Message
    shelf: int
    number: int


class Finder:
    """One search going through an index."""

    def __init__(self, index: Index, query: Query, pace: Pace, *, newest_first: bool) -> None:
        """Prepare; nothing is done before `hits` is asked."""
        self._index = index
        self._query = query
        self._pace = pace
        self._newest_first = newest_first

    async def hits(self, after: tuple[int, int] | None = None) -> AsyncIterator[Hit]:
        """The messages that are looked for, in their order: those behind a place (shelf, number) that was reached."""
        for number in self._shelves(after):
            known = self._index.numbered(number)
            places = await self._places(number, known)
            if after is not None and number == after[0]:
                places = self._behind(known, places, after[1])
            for count, place in enumerate(reversed(places) if self._newest_first else places):
                if count % LOOKS == 0:
                    await self._pace.breathe()
                message = known.messages[place]
                if is_kept(self._index.shelves.shelf(number), message) and self._query.accepts(message):
                    yield Hit(message, number, known.numbers[place])
            await self._pace.breathe()

    def _shelves(self, after: tuple[int, int] | None) -> Iterable[int]:
        """The shelves that are still to be seen, in order."""
        numbers = self._index.shelves.numbers()
        if self._newest_first:
            return [number for number in reversed(numbers) if after is None or number <= after[0]]
        return [number for number in numbers if after is None or number >= after[0]]

    def _behind(self, known: Numbered, places: Sequence[int], number: int) -> Sequence[int]:
        """Those places that come behind a number."""
        if self._newest_first:
            return places[: bisect_left(places, bisect_left(known.numbers, number))]
        return places[bisect_left(places, bisect_right(known.numbers, number)) :]

    # -- where to look on a shelf -------------------------------------------------------------------------------------

    async def _places(self, number: int, known: Numbered) -> Sequence[int]:
        """The places of the candidates on a shelf, ascending."""
        if not len(known) or not await self._spans_meet(number, known):
            return ()
        fewest: tuple[int, Joined, Sequence[str]] | None = None
        for condition in self._query.conditions:
            if condition.pieces is None:
                continue
            column = await self._joined(number, known, condition)
            if column is None:
                continue
            count = sum(map(column.count, condition.pieces))
            if not count:
                return ()
            if fewest is None or count < fewest[0]:
                fewest = count, column, condition.pieces
        if fewest is not None and fewest[0] <= FEW:
            return await self._found(fewest[1], fewest[2])
        return await self._sifted(number, known, await self._chosen(number, known, fewest))

    async def _chosen(
        self, number: int, known: Numbered, fewest: tuple[int, Joined, Sequence[str]] | None
    ) -> Sequence[int]:
        """The places that the columns of codes let pass, of those that have the rarest pieces."""
        mask = await self._mask(number, known)
        if mask is not None and b"\1" not in mask:
            return ()
        if fewest is not None:
            found = await self._found(fewest[1], fewest[2])
            return found if mask is None else [place for place in found if mask[place]]
        return range(len(known)) if mask is None else _ones(mask)

    async def _sifted(self, number: int, known: Numbered, places: Sequence[int]) -> Sequence[int]:
        """Those places whose texts are accepted, where no piece is known to look for."""
        for condition in self._query.conditions:
            if condition.name != TEXT or condition.pieces is not None or len(places) <= FEW:
                continue
            entries = (await self._texts(number, known)).entries()
            if entries is None:
                continue
            await self._pace.breathe()
            kept = []
            for count, place in enumerate(places):
                if count % LOOKS == 0:
                    await self._pace.breathe()
                if condition.accepts(entries[place]):
                    kept.append(place)
            places = kept
        return places

    async def _found(self, column: Joined, pieces: Sequence[str]) -> Sequence[int]:
        """The places of those that have one of these pieces."""
        found: set[int] = set()
        for piece in pieces:
            for place in column.places(piece):
                found.add(place)
                if len(found) % LOOKS == 0:
                    await self._pace.breathe()
        return sorted(found)

    async def _mask(self, number: int, known: Numbered) -> bytes | None:
        """1 for each place that the columns of codes let pass; None when they let all pass."""
        masks: list[bytes] = []
        for condition in self._query.conditions:
            if not condition.has_codes:
                continue
            column = await self._codes(number, known, condition)
            if not isinstance(column, Codes):
                continue
            verdict = column.judge(condition.accepts)
            if verdict is False:
                return b"\0"
            if verdict is not True:
                masks.append(verdict)
            await self._pace.breathe()
        if not masks:
            return None
        joint = reduce(and_, (int.from_bytes(mask, "little") for mask in masks))
        return joint.to_bytes(len(known), "little")

    async def _spans_meet(self, number: int, known: Numbered) -> bool:
        """Whether any message of the shelf can have times such as are looked for."""
        for between in self._query.spans:
            if self._query.whole and between.changes:
                continue  # the times of whole messages are those of parts, which may stand elsewhere
            span: Span = await self._column(
                number, known, between.name, span_by(between.name), changes=between.changes, lasts=True
            )
            if span.most < between.least or span.least >= between.most:
                return False
        return True

    # -- columns, made when they are needed ---------------------------------------------------------------------------

    async def _joined(self, number: int, known: Numbered, condition: Condition) -> Joined | None:
        """The column in which pieces of a condition are looked for; None where its codes do as well."""
        if condition.name == TEXT:
            column: Joined = await self._texts(number, known)
            return column.folded() if condition.folded else column
        if condition.has_codes and isinstance(await self._codes(number, known, condition), Codes):
            return None
        name = f"joined {condition.name}"
        found: Joined = await self._column(number, known, name, joined_octets(condition.values_of))
        return found

    async def _texts(self, number: int, known: Numbered) -> Joined:
        """The column of texts: of parts, or of whole messages where there are any on this shelf."""
        parts = [each for each in known.messages if each.assembly is not None] if self._query.whole else []
        if parts:
            lasts = all(part.assembly is None or part.assembly.is_complete for part in parts)
            column: Joined = await self._column(number, known, WHOLE, joined_whole_texts, lasts=lasts)
            return column
        texts: Joined = await self._column(number, known, TEXT, joined_texts)
        return texts

    async def _codes(self, number: int, known: Numbered, condition: Condition) -> Codes | Many:
        column: Codes | Many = await self._column(
            number,
            known,
            condition.name,
            codes_by(condition.values_of),
            changes=condition.changes,
            lasts=condition.is_lasting,
        )
        return column

    async def _column(
        self,
        number: int,
        known: Numbered,
        name: str,
        make: Callable[..., Iterator[None]],
        *,
        changes: bool = False,
        lasts: bool = True,
    ) -> Any:
        """A column of a shelf, made unless it is there."""
        column = known.columns.get(name)
        if column is not None:
            self._index.touch(name)
            return column
        keeps = lasts and (not changes or await self._rests(number, known))
        building = Building(make, known.messages)
        await self._make(building)
        if keeps:
            self._index.keep(number, known, name, building.column)
        return building.column

    async def _make(self, building: Building) -> None:
        """Make a column, step by step."""
        for _ in building.steps:
            if self._pace.is_over:
                await self._pace.breathe()

    async def _rests(self, number: int, known: Numbered) -> bool:
        """Whether all messages of a shelf are final and their receipts done with."""
        if RESTS in known.columns:
            return True
        if not all(map(_is_at_rest, known.messages[:: len(known) // LOOKS + 1])):
            return False
        building = Building(codes_by(_rests_of), known.messages)
        await self._make(building)
        rests = isinstance(building.column, Codes) and all(building.column.values)
        if rests:
            self._index.keep(number, known, RESTS, building.column)
        return rests


def _rests_of(messages: Sequence[Message]) -> Iterable[bool]:
    return map(_is_at_rest, messages)


def _is_at_rest(message: Message) -> bool:
    return message.state >= FIRST_FINAL and message.receipt == RECEIPT_SETTLED


def _ones(mask: bytes) -> Sequence[int]:
    """The places of the ones."""
    return [place for place, one in enumerate(mask) if one]
