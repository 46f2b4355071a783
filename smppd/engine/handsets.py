"""What subscribers have on their screens: the texts that were delivered, the parts of a long one put together.

Ordinary traffic pays nothing for it: the texts are gathered from the store when somebody looks for the first time, and
kept up to date from then on. Each is decoded when it is read.
"""

from __future__ import annotations

from collections import deque
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from smppd.engine.message import DELIVERED, Message
from smppd.engine.multipart import text_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from smppd.engine.esmes import EsmeState
    from smppd.engine.multipart import Assembly

TEXTS_KEPT: Final = 1000
"""The texts that were shown last: enough for a person or a test to look at, and at 64 KiB of payload each no more than
64 MiB. 0 keeps none."""


class Shown(NamedTuple):
    """One text on one handset."""

    destination: bytes
    """The subscriber's address."""
    source: bytes
    """Who it says it is from."""
    text: str
    """All of it, without headers. Binary data comes out as Latin-1."""
    wall: float
    """When it appeared: Unix time in seconds."""


class Handsets:
    """All handsets, and the latest texts on them."""

    def __init__(self, messages: Iterable[Message], size: int = TEXTS_KEPT) -> None:
        """Begin with what was delivered among `messages`, and keep the latest `size` texts; 0 keeps none."""
        delivered: dict[Message | Assembly, None] = {}
        for message in messages:
            if message.state == DELIVERED and (message.assembly is None or message.assembly.is_delivered):
                delivered[message.assembly or message] = None
        self._ring: deque[Message | Assembly] = deque(sorted(delivered, key=attrgetter("final_wall")), maxlen=size)
        self.show = self._ring.append
        """Take a message that was delivered, or a whole one whose parts all were."""

    @property
    def items(self) -> Iterable[Message | Assembly]:
        """What the latest texts are made from, newest last."""
        return self._ring

    def forget(self, gone: Collection[EsmeState]) -> None:
        """Take the texts of these accounts off all screens."""
        kept = [item for item in self._ring if (item if isinstance(item, Message) else item.first).esme not in gone]
        self._ring.clear()
        self._ring.extend(kept)

    def __len__(self) -> int:
        return len(self._ring)

    def __iter__(self) -> Iterator[Shown]:
        """The latest texts, newest last."""
        return map(_shown, self._ring)

    def of(self, destination: bytes) -> list[Shown]:
        """The latest texts on the handset of this address, newest last."""
        return [
            _shown(item)
            for item in self._ring
            if (item if isinstance(item, Message) else item.first).pdu.destination_addr == destination
        ]


def _shown(item: Message | Assembly) -> Shown:
    if isinstance(item, Message):
        pdu = item.pdu
        text = text_of(pdu, item.esme.dialect.default_alphabet)
        return Shown(pdu.destination_addr, pdu.source_addr, text, item.final_wall)
    pdu = item.first.pdu
    return Shown(pdu.destination_addr, pdu.source_addr, item.text, item.final_wall)
