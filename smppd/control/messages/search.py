"""What can be asked about recorded messages, as it is written in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, field

from smppd.control.failures import InvalidError
from smppd.control.pages import DEFAULT_LIMIT, MAX_CURSOR, MAX_LIMIT
from smppd.control.times import unix
from smppd.settings.checks import CHECKS
from smppd.settings.names import Command  # noqa: TC001  # msgspec reads annotations
from smppd.settings.rules import SUBMITS, When
from smppd.settings.types import Table
from smppd.strict import Rule, StrictReader
from smppwire.constants import MessageState

if TYPE_CHECKING:
    from collections.abc import Mapping

State: TypeAlias = Literal[
    "SCHEDULED", "ENROUTE", "DELIVERED", "EXPIRED", "DELETED", "UNDELIVERABLE", "ACCEPTED", "UNKNOWN", "REJECTED"
]
"""message_state by name (SMPP 3.4 section 5.2.28; SCHEDULED: 5.0)."""

Receipt: TypeAlias = Literal["NONE", "PENDING", "SENT", "SETTLED"]
"""How things stand with a message's receipt: not due (yet), waiting, in a session's window, done with (or not asked
for)."""

MAX_TEXT: Final = 1_000
"""Characters of a piece of text that is looked for."""

MAX_LISTED: Final = 1_000
"""Values of a list in a search."""

MAX_ERROR: Final = 0xFFFF
"""Highest error code of a network: network_error_code has two octets for it (SMPP 3.4 section 5.3.2.31)."""

MAX_BULK: Final = 10_000
"""Messages that one request changes at most: some tens of milliseconds of work, in slices."""

MAX_COUNT: Final = 1_000_000
"""Messages that are counted at most."""

Moment: TypeAlias = Annotated[str, Rule("a date and time such as 2026-01-31T12:00:00Z", unix)]
ErrorNumber: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_ERROR)]
MessageId: TypeAlias = Annotated[str, Meta(max_length=255)]


class Moments(Table, frozen=True):
    """A stretch of time: ``from`` included, ``to`` not; an end that is not given is open."""

    from_: Moment | None = field(default=None, name="from")
    to: Moment | None = None

    @property
    def least(self) -> float:
        """Where it begins, Unix time."""
        return float("-inf") if self.from_ is None else unix(self.from_)

    @property
    def most(self) -> float:
        """Where it ends, Unix time."""
        return float("inf") if self.to is None else unix(self.to)


class MessageWhen(When, frozen=True):
    """The ``when`` of rules, for recorded messages.

    Without a ``command`` the messages of submit_multi are meant too. Sessions and the time of the day are no part of a
    record: bind_type, interface_version, session_age and time are refused.
    """

    command: Command | Annotated[list[Command], Meta(min_length=1)] = field(default_factory=lambda: list(SUBMITS))


class Criteria(Table, frozen=True):
    """Which messages: every condition that is given must hold.

    * when: conditions as in rules, on any field of the message, its TLVs, its decoded text, account and route.
    * contains: a piece of the decoded text. ignore_case: whatever the case of its letters.
    * message_id, message_state, error_code, receipt: one value or several, any of which will do.
    * accepted, final: when the message was accepted, and when it became final.
    * unit: "part": each message by itself. "whole": the parts of a long message are one, told by its first part; the
      text is that of all parts, and the state is that of the first part that is not DELIVERED.
    """

    when: MessageWhen = MessageWhen()
    contains: Annotated[str, Meta(max_length=MAX_TEXT)] = ""
    ignore_case: bool = False
    message_id: MessageId | Annotated[list[MessageId], Meta(max_length=MAX_LISTED)] | None = None
    message_state: State | list[State] | None = None
    error_code: ErrorNumber | Annotated[list[ErrorNumber], Meta(max_length=MAX_LISTED)] | None = None
    receipt: Receipt | list[Receipt] | None = None
    accepted: Moments | None = None
    final: Moments | None = None
    unit: Literal["part", "whole"] = "part"


class Search(Criteria, frozen=True):
    """Which messages to list: the conditions of `Criteria`, and how.

    * order: "newest": the one that was accepted last comes first; "oldest" the other way round.
    * limit, cursor: which page; ``cursor`` is the ``next`` of the page before.
    """

    order: Literal["newest", "oldest"] = "newest"
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, Meta(max_length=MAX_CURSOR)] = ""


class Count(Criteria, frozen=True):
    """Which messages to count. limit: where counting ends."""

    limit: Annotated[int, Meta(ge=1, le=MAX_COUNT)] = 10_000


class Bulk(Criteria, frozen=True):
    """Which messages to change. limit: how many at most, the oldest first."""

    limit: Annotated[int, Meta(ge=1, le=MAX_BULK)] = 1_000


def read_search(table: Mapping[str, Any]) -> Search:
    """A search from plain data. Raises InvalidError with all that is wrong."""
    reader = StrictReader(lambda _path: "", CHECKS)
    search = reader.read(Search, table)
    if reader.problems:
        raise InvalidError(
            [(each.key, f"{each.expected} ({each.hint})".removesuffix(" ()")) for each in reader.problems]
        )
    return search


def state_of(name: str) -> int:
    """The message_state of a name."""
    return int(MessageState[name])


def numbers_of(values: int | list[int]) -> list[int]:
    """One number or several as a list."""
    return values if isinstance(values, list) else [values]
