"""Fates: what was decided about messages beforehand, whatever their networks say."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smppd.engine.message import Message
    from smppd.engine.ports import Attempt, Fate


class Fates(dict["Message", "Fate"]):
    """The fates of messages that are not final; empty as long as no rule decides anything."""

    __slots__ = ()

    def amend(self, messages: Sequence[Message], attempts: Sequence[Attempt]) -> list[Attempt]:
        """What becomes of delivery attempts: what the network says, and what is fated."""
        return [
            attempt if (fate := self.get(message)) is None else fate.attempt(attempt)
            for message, attempt in zip(messages, attempts, strict=True)
        ]

    def decide(self, message: Message) -> bool:
        """Whether it is decided how a message ends."""
        fate = self.get(message)
        return fate is not None and fate.outcome is not None
