"""Finding messages that are not final by their destination, without a price for those who never ask.

Group cancellation and replace_if_present_flag need it; ordinary traffic does not. So the index is built from the
store when it is first asked for, and kept up to date from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smppd.engine.esmes import EsmeState
    from smppd.engine.message import Message


class PendingIndex:
    """The messages that are not final, by account and destination_addr, oldest first."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._messages: dict[tuple[EsmeState, bytes], dict[Message, None]] = {}
        for message in messages:
            if not message.is_final:
                self.add(message)

    def add(self, message: Message) -> None:
        """A message was accepted."""
        self._messages.setdefault((message.esme, message.pdu.destination_addr), {})[message] = None

    def discard(self, message: Message) -> None:
        """A message became final."""
        key = (message.esme, message.pdu.destination_addr)
        entries = self._messages.get(key)
        if entries is not None:
            entries.pop(message, None)
            if not entries:
                del self._messages[key]

    def towards(self, esme: EsmeState, destination_addr: bytes) -> list[Message]:
        """The account's messages to this destination that are not final, oldest first."""
        return list(self._messages.get((esme, destination_addr), ()))
