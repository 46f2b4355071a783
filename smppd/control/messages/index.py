"""What a search knows of the shelves beforehand: the numbers of their messages, and columns of their values.

All of it is made when a search first needs it, one shelf at a time, and goes with its shelf: as long as nobody searches
it costs nothing. A message has its number on its shelf for good. Numbers are how pages stay apart while messages come
and go.
"""

from __future__ import annotations

import sys
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smppd.engine.message import Message
    from smppd.engine.shelves import Shelves

MAX_OCTETS: Final = 256 * 1024 * 1024
"""Octets of all columns together: enough for the texts, the addresses and a dozen fields of a million messages. Columns
that were not asked for lately go first; what has no room is made anew for each search."""

TEXT: Final = "text"
"""The column of the texts of messages by themselves."""

WHOLE: Final = "whole"
"""The column of the texts of whole messages, which depend on what stands on other shelves."""

GONE: Final = 2
"""A shelf is numbered anew when at most one in so many of its messages is left: what is forgotten shall leave memory
though the numbers of its neighbours are still of use."""


def is_kept(shelf: Mapping[bytes, Message], message: Message) -> bool:
    """Whether a message that stood on a shelf still does."""
    group = message.group
    return shelf.get(message.message_id) is message if group is None else message in group.members


def standing(shelf: Mapping[bytes, Message]) -> Sequence[Message]:
    """The messages on a shelf in their order, all of a group in the place of its first."""
    alone = [message for message in shelf.values() if message.group is None]
    if len(alone) == len(shelf):
        return alone
    members = ((message,) if message.group is None else message.group.members for message in shelf.values())
    return list(chain.from_iterable(members))


class Numbered:
    """The messages of one shelf as they stood at some moment, their numbers ascending, and the columns made of them."""

    __slots__ = ("columns", "entries", "messages", "next_number", "numbers")

    def __init__(self, messages: Sequence[Message], numbers: Sequence[int], next_number: int, entries: int) -> None:
        self.messages = messages
        self.numbers = numbers
        """Of the messages, one each."""
        self.next_number = next_number
        """For the next message that comes to this shelf."""
        self.entries = entries
        """How many ids stood on the shelf."""
        self.columns: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self.messages)


class Index:
    """The numbered shelves (`smppd.engine.shelves.ShelfWatcher`)."""

    def __init__(self, shelves: Shelves, max_octets: int = MAX_OCTETS) -> None:
        """Watch these shelves from now on."""
        self.shelves = shelves
        self.octets = 0
        """Of all columns that are kept."""
        self._max_octets = max_octets
        self._numbered: dict[int, Numbered] = {}
        self._stale: set[int] = set()
        self._sizes: dict[str, int] = {}
        """Octets by name of column, the one that was asked for last at the end."""
        shelves.watcher = self

    # -- shelves ------------------------------------------------------------------------------------------------------

    def numbered(self, number: int) -> Numbered:
        """The messages of a shelf, the latest included."""
        shelf = self.shelves.shelf(number)
        known = self._numbered.get(number)
        if known is None:
            messages = standing(shelf)
            known = Numbered(messages, range(len(messages)), len(messages), len(shelf))
        elif number in self._stale or self.is_growing(number):
            before = set(known.messages)
            fresh = [message for message in standing(shelf) if message not in before]
            end = known.next_number + len(fresh)
            if fresh:
                numbers = [*known.numbers, *range(known.next_number, end)]
                known = Numbered([*known.messages, *fresh], numbers, end, len(shelf))
        else:
            return known
        self._stale.discard(number)
        self._numbered[number] = known
        return known

    def is_growing(self, number: int) -> bool:
        """Whether new messages are put on this shelf: its columns are not worth keeping."""
        return number == self.shelves.numbers()[-1]

    # -- columns ------------------------------------------------------------------------------------------------------

    def keep(self, number: int, known: Numbered, name: str, column: object) -> None:
        """Keep a column for later searches, if the shelf is still as it was when the column was begun."""
        if self._numbered.get(number) is not known or self.is_growing(number):
            return
        size = size_of(column)
        self._sizes[name] = self._sizes.pop(name, 0)
        for other in list(self._sizes):
            if self.octets + size <= self._max_octets:
                break
            if other != name:
                self._drop_column(other)
        if self.octets + size <= self._max_octets and name not in known.columns:
            known.columns[name] = column
            self._sizes[name] += size
            self.octets += size

    def touch(self, name: str) -> None:
        """A search asks for the columns of this name: others go before them."""
        if name in self._sizes:
            self._sizes[name] = self._sizes.pop(name)

    def drop_texts(self) -> None:
        """Forget the columns of texts: they may have to be read in other alphabets from now on."""
        for name in (TEXT, WHOLE):
            self._drop_column(name)

    def _drop_column(self, name: str) -> None:
        """Forget the columns of this name, on all shelves."""
        for known in self._numbered.values():
            known.columns.pop(name, None)
        self.octets -= self._sizes.pop(name, 0)

    def _forget(self, known: Numbered) -> None:
        """Forget the columns of one shelf."""
        for name, column in known.columns.items():
            size = size_of(column)
            self._sizes[name] -= size
            self.octets -= size
        known.columns = {}

    # -- what the shelves tell (ShelfWatcher) -------------------------------------------------------------------------

    def begun(self) -> None:
        """A shelf has been begun: let go of the messages that have been forgotten meanwhile."""
        self._stale.update(self.shelves.numbers()[-2:-1])  # some came after it was numbered, perhaps
        for number, known in list(self._numbered.items()):
            shelf = self.shelves.shelf(number)
            if len(shelf) * GONE <= known.entries:
                self._forget(known)
                kept = [
                    (message, place)
                    for message, place in zip(known.messages, known.numbers, strict=True)
                    if is_kept(shelf, message)
                ]
                messages, numbers = [message for message, _ in kept], [place for _, place in kept]
                self._numbered[number] = Numbered(messages, numbers, known.next_number, len(shelf))

    def dropped(self, number: int) -> None:
        """This shelf is thrown away."""
        self._stale.discard(number)
        known = self._numbered.pop(number, None)
        if known is not None:
            self._forget(known)

    def changed(self, number: int) -> None:
        """A message on this shelf has other octets now, or there is one more."""
        known = self._numbered.get(number)
        if known is not None:
            self._stale.add(number)
            self._forget(known)
            # Another object: what is being made of this one will not be kept.
            self._numbered[number] = Numbered(known.messages, known.numbers, known.next_number, known.entries)
        if WHOLE in self._sizes:
            self._drop_column(WHOLE)


def size_of(column: object) -> int:
    """Octets of a column, what it refers to left aside."""
    octets = getattr(column, "octets", column)
    return sys.getsizeof(octets)
