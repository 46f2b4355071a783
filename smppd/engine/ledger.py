"""The ledger: all messages by their ids, how many there are, and which of them are only remembered.

Everything that can be asked of a message later (query_sm, cancel_sm, replace_sm, handsets) is looked up here. A message
stays until it is done with: final, and its receipt settled. Then it is remembered for a while, and forgotten.
"""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from itertools import islice
from typing import TYPE_CHECKING, Final

from smppd.engine.history import History
from smppd.engine.ids import END_OF_IDS, FIRST_ID
from smppd.engine.message import ENROUTE, Group
from smppd.engine.pending import PendingIndex
from smppd.engine.shelves import Shelves

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from smppd.engine.esmes import EsmeState
    from smppd.engine.message import Message
    from smppd.settings import Messages


AT_ONCE: Final = 500
"""Remembered messages that are let go of without a break: about a millisecond, most of it to free their memory."""


class Place(IntEnum):
    """How a record stands in the ledger."""

    ALONE = 0
    FIRST = 1
    """It holds the entry of its message_id for all messages of a submit_multi, and is one of them."""
    ENTRY = 2
    """It holds the entry for them, and is forgotten itself."""
    MEMBER = 3
    """It is one of them."""


class Ledger:
    """The messages of one message centre.

    `messages` holds them by message_id; those of one submit_multi share an entry (`Message.group`). `live` is what
    `[messages] limit` bounds: messages that are not final, and all that the outbox is not done with. `in_flight` counts
    the messages that are not final, `intake` those accepted since the last turn of the loop. `next_id` is the number of
    the next message_id.
    """

    __slots__ = ("_done", "history", "in_flight", "intake", "limit", "live", "messages", "next_id", "pending", "retain")

    def __init__(self, wall: Callable[[], float] = float) -> None:
        """Begin with nothing; `wall` is Unix time on the engine's clock, by which histories are written."""
        self.messages = Shelves()
        self.history = History(wall)
        self.live = 0
        self.in_flight = 0
        self.intake = 0
        self.limit = 0
        self.retain = 0
        self.next_id = FIRST_ID
        self.pending: PendingIndex | None = None
        """The messages that are not final, by destination; None until somebody asks."""
        self._done: deque[Message] = deque()

    def configure(self, settings: Messages) -> None:
        """Take new limits; what exceeds them stays."""
        self.limit = settings.limit
        self.retain = settings.retain

    @property
    def is_full(self) -> bool:
        """Whether nothing more is accepted until something is done with."""
        return self.live >= self.limit

    # -- message_ids --------------------------------------------------------------------------------------------------

    def ids(self, count: int) -> int:
        """The first of `count` numbers for message_ids that follow each other; they are taken by moving `next_id`."""
        if self.next_id + count > END_OF_IDS:
            self.next_id = FIRST_ID
        return self.next_id

    def take_id(self, spell: Callable[[int], bytes] | None) -> bytes:
        """The next message_id, as `spell` writes it, or in decimal digits."""
        number = self.ids(1)
        self.next_id += 1
        return b"%d" % number if spell is None else spell(number)

    # -- from acceptance to oblivion ----------------------------------------------------------------------------------

    def enter(self, esme: EsmeState, accepted: int) -> None:
        """Count messages of one account that were accepted ENROUTE."""
        esme.states[ENROUTE] += accepted
        self.intake += accepted
        self.live += accepted
        self.in_flight += accepted

    def settle(self, messages: Sequence[Message]) -> None:
        """Messages are final and their receipts done with: from now on they are only remembered."""
        self.live -= len(messages)
        self._done.extend(messages)

    def forget_surplus(self) -> None:
        """Forget the oldest messages that are done with, beyond those that are retained."""
        done = self._done
        messages = self.messages
        surplus = len(done) - self.retain
        if surplus > 0 and self.history:
            self.history.forget(list(islice(done, surplus)))
        for _ in range(surplus):
            message = done.popleft()
            group = message.group
            if group is not None:
                del group.members[message]
                if group.members:
                    continue
            messages.remove(message)

    # -- handing over and taking back ---------------------------------------------------------------------------------

    def records(self) -> Iterator[tuple[Message, Place]]:
        """Every record there is, the oldest first, with its place; the members of a group follow one another."""
        for message in self.messages.values():
            group = message.group
            if group is None:
                yield message, Place.ALONE
                continue
            yield message, Place.FIRST if message in group.members else Place.ENTRY
            for member in group.members:
                if member is not message:
                    yield member, Place.MEMBER

    @property
    def done(self) -> Sequence[Message]:
        """The messages that are only remembered, in the order in which they will be forgotten."""
        return self._done

    def put_back(self, message: Message, place: Place, group: Group | None) -> Group | None:
        """Take back a record of `records`, in that order; `group` is what this returned for the record before it.

        Raises ValueError when a member follows no group.
        """
        if place == Place.MEMBER:
            if group is None:
                raise ValueError("a member of a group stands outside of one")
        else:
            self.messages.put_back(message)
            group = None if place == Place.ALONE else Group()
        message.group = group
        if group is not None and place != Place.ENTRY:
            group.members[message] = None
        return group

    def put_back_done(self, message: Message) -> None:
        """Take back one of those that are only remembered, the first to be forgotten first."""
        self._done.append(message)

    def drop(self, count: int) -> bool:
        """Forget so many messages, whichever; False when none is left. For a ledger that nobody needs any more."""
        done = self._done
        for _ in range(min(count, len(done))):
            done.pop()
        return bool(done) or self.messages.drop(count)

    def forget_done(self, gone: Collection[EsmeState]) -> Iterator[None]:
        """Count those messages no longer among the remembered that are of these accounts; others may have turns."""
        kept: deque[Message] = deque()
        done = self._done
        while done:
            for _ in range(min(len(done), AT_ONCE)):
                message = done.popleft()
                if message.esme not in gone:
                    kept.append(message)
            yield
        done.extend(kept)

    # -- looking for messages -----------------------------------------------------------------------------------------

    def all_messages(self) -> Iterable[Message]:
        """Every message there is, the oldest first."""
        for message in self.messages.values():
            if message.group is None:
                yield message
            else:
                yield from message.group.members

    def pending_towards(self, esme: EsmeState, destination_addr: bytes) -> list[Message]:
        """The account's messages to a destination that are not final, oldest first."""
        if self.pending is None:
            self.pending = PendingIndex(self.all_messages())
        return self.pending.towards(esme, destination_addr)
