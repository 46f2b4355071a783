"""Filters of events at work: what costs nothing is asked first, and what needs a decoded event last."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING, Final

from smppd.settings.names import COMMANDS
from smppd.settings.webhooks import EVENT_KINDS
from smppwire.constants import RESPONSE_BIT, CommandId

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smppd.control.event_views import EventView
    from smppd.observe.journal import JournalEntry
    from smppd.settings.webhooks import EventFilter

ENQUIRE_LINKS: Final = frozenset({int(CommandId.ENQUIRE_LINK), int(CommandId.ENQUIRE_LINK | RESPONSE_BIT)})


class Sieve:
    """Says which events pass an `EventFilter`. It counts for `sample`, so each viewer has one of its own."""

    def __init__(self, asked: EventFilter) -> None:
        """Work as this filter says."""
        self.asked = asked
        self.kinds = frozenset(listed(asked.kind) or EVENT_KINDS)
        self._events = frozenset(listed(asked.event))
        self._sessions = frozenset(listed(asked.session))
        self._direction = asked.direction
        self._commands = frozenset(listed(asked.command))
        self._command_ids = frozenset(int(COMMANDS[name]) for name in self._commands)
        self._enquire_link = asked.enquire_link
        self._account = _globs(listed(asked.account))
        tests = {name: _globs(listed(getattr(asked, name))) for name in ("source_addr", "destination_addr", "text")}
        self._of_fields = [(name, test) for name, test in tests.items() if test is not None]
        self._turn = 0

    @property
    def wants_pdus(self) -> bool:
        """Whether any event of a PDU may pass."""
        return "pdu" in self.kinds

    def takes_frame(self, entry: JournalEntry) -> bool:
        """Whether a PDU may pass, as far as its octets tell without being decoded."""
        if self._direction is not None and entry.direction != self._direction:
            return False
        if self._sessions and entry.session not in self._sessions:
            return False
        if self._events and ("received" if entry.direction == "in" else "sent") not in self._events:
            return False
        if self._command_ids or not self._enquire_link:
            command_id = int.from_bytes(entry.frame[4:8], "big")
            if self._command_ids and command_id not in self._command_ids:
                return False
            return self._enquire_link or command_id not in ENQUIRE_LINKS
        return True

    def takes_account(self, account: str) -> bool:
        """Whether an account's events may pass; "" for none."""
        return self._account is None or (bool(account) and self._account(account))

    def takes_fields(self, view: EventView) -> bool:
        """Whether the addresses and the text of an event pass."""
        for name, test in self._of_fields:
            value = getattr(view, name)
            if not isinstance(value, str) or not test(value):
                return False
        return True

    def takes_happening(self, kind: str, event: str) -> bool:
        """Whether what is no PDU may pass, before more is known of it."""
        return kind in self.kinds and (not self._events or event in self._events) and self._direction is None

    def takes_view(self, view: EventView) -> bool:
        """Whether an event that is no PDU passes."""
        if self._sessions and view.session not in self._sessions:
            return False
        if self._commands and view.command not in self._commands:
            return False
        account = view.account if isinstance(view.account, str) else ""
        return self.takes_account(account) and self.takes_fields(view)

    def is_sampled(self) -> bool:
        """Whether it is this one's turn, of those that passed all else."""
        self._turn = (self._turn + 1) % self.asked.sample
        return self._turn == 0


def listed(value: str | Sequence[str]) -> Sequence[str]:
    """A list, of which one item may stand by itself."""
    return (value,) if isinstance(value, str) else value


def _globs(patterns: Sequence[str]) -> Callable[[str], bool] | None:
    """Whether any of these patterns matches a whole text; None when there are none."""
    if not patterns:
        return None
    matches = [re.compile(translate(pattern)).match for pattern in patterns]
    return lambda text: any(match(text) for match in matches)
