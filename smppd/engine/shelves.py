"""Where messages are kept by their ids: on shelves, dicts of a few thousand messages that came one after the other.

A single dict would do, but for its pauses: one that takes in at one end what it gives away at the other is rebuilt by
Python now and then, as a whole: 6 ms every few hundred thousand messages with 100,000 in it, 50 ms with 1,000,000. A
shelf is filled, emptied and thrown away, and as it fits into the processor's cache, it is quicker, too: 0.1 us less per
message with 100,000, 0.4 us with 1,000,000. The price is paid by whoever looks for a message of which only the id is
known: all shelves have to be tried, the newest first, which takes up to 1 us among 100,000 messages.
"""

from __future__ import annotations

from collections.abc import Mapping, ValuesView
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smppd.engine.message import Message

SHELF: Final = 4096
"""Messages on a shelf before another is begun (a batch may exceed it): that many make a pause of 0.1 ms at most, and a
million of them 250 shelves."""

EMPTY: Final[Mapping[bytes, Message]] = {}


class ShelfWatcher(Protocol):
    """Who keeps notes of his own about shelves: told when they are out of date."""

    def begun(self) -> None:
        """A shelf has been begun, or one has been thrown away: the time to tidy up."""

    def dropped(self, number: int) -> None:
        """This shelf is thrown away."""

    def changed(self, number: int) -> None:
        """A message on this shelf has other octets now, or there is one more though the shelf was full."""


class Shelves(Mapping[bytes, "Message"]):
    """The messages by message_id, in the order in which they came. `Message.shelf` says where each stands.

    `watcher` is told what becomes of the shelves; None while nobody looks.
    """

    __slots__ = ("_newest", "_shelves", "watcher")

    def __init__(self) -> None:
        """Begin with one empty shelf."""
        self._newest = 0
        self._shelves: dict[int, dict[bytes, Message]] = {0: {}}
        self.watcher: ShelfWatcher | None = None

    def newest(self) -> tuple[int, dict[bytes, Message]]:
        """The number of the shelf for new messages, and the shelf: put them there by yourself, before anybody else."""
        shelf = self._shelves[self._newest]
        if len(shelf) >= SHELF:
            self._newest += 1
            shelf = self._shelves[self._newest] = {}
            if self.watcher is not None:
                self.watcher.begun()
        return self._newest, shelf

    def put(self, message: Message) -> None:
        """Keep one message."""
        message.shelf, shelf = self.newest()
        shelf[message.message_id] = message

    def begin_at(self, number: int) -> None:
        """Have only this shelf, empty: what `put_back` is told stands on it and those before. For an empty store."""
        self._newest = number
        self._shelves = {}

    def put_back(self, message: Message) -> None:
        """Keep a message on the shelf that it names; oldest first, behind `begin_at`, and `finish` at the end."""
        self._shelves.setdefault(message.shelf, {})[message.message_id] = message

    def finish(self) -> None:
        """All are back: what comes now stands on the newest shelf."""
        self._shelves.setdefault(self._newest, {})

    @property
    def newest_shelf(self) -> int:
        """The number of the newest shelf."""
        return self._newest

    def drop(self, count: int) -> bool:
        """Forget so many messages, whichever; False when none is left. For a store that nobody needs any more."""
        if not self._shelves:
            return False
        number, shelf = next(reversed(self._shelves.items()))
        for _ in range(min(count, len(shelf))):
            shelf.popitem()
        if not shelf:
            del self._shelves[number]
        return True

    def remove(self, message: Message) -> None:
        """Keep a message no longer, nor anything else under its id on its shelf. Does no harm where nothing is kept."""
        number = message.shelf
        shelf = self._shelves.get(number)
        if shelf is None:
            return
        shelf.pop(message.message_id, None)
        if not shelf and number != self._newest:
            del self._shelves[number]
            if self.watcher is not None:
                self.watcher.dropped(number)

    def changed(self, message: Message) -> None:
        """A message that stands here has other octets now, or has joined a group that stands here."""
        if self.watcher is not None:
            self.watcher.changed(message.shelf)

    def numbers(self) -> list[int]:
        """The numbers of all shelves, ascending; the last one is still being filled."""
        return list(self._shelves)

    def shelf(self, number: int) -> Mapping[bytes, Message]:
        """One shelf, to be looked at; empty when there is none of this number."""
        return self._shelves.get(number, EMPTY)

    def at_hand(self) -> list[tuple[dict[bytes, Message], int]]:
        """The shelves there are, each with the number of its messages: those that come later stand behind these."""
        return [(shelf, len(shelf)) for shelf in self._shelves.values()]

    def __getitem__(self, message_id: bytes) -> Message:
        for shelf in reversed(self._shelves.values()):
            if message_id in shelf:
                return shelf[message_id]
        raise KeyError(message_id)

    def __iter__(self) -> Iterator[bytes]:
        for shelf in self._shelves.values():
            yield from shelf

    def __reversed__(self) -> Iterator[bytes]:
        for shelf in reversed(self._shelves.values()):
            yield from reversed(shelf)

    def __len__(self) -> int:
        return sum(map(len, self._shelves.values()))

    def values(self) -> MessagesView:
        """The messages, the oldest first; without a search for each of them."""
        return MessagesView(self)

    def each(self, *, newest_first: bool = False) -> Iterator[Message]:
        """The same, to go through once."""
        for shelf in reversed(self._shelves.values()) if newest_first else self._shelves.values():
            yield from reversed(shelf.values()) if newest_first else shelf.values()


class MessagesView(ValuesView["Message"]):
    """What `Shelves.values` gives."""

    __slots__ = ()
    _mapping: Shelves

    def __iter__(self) -> Iterator[Message]:
        return self._mapping.each()

    def __reversed__(self) -> Iterator[Message]:
        return self._mapping.each(newest_first=True)
