"""What was special in the lives of messages: retries, queues, schedules, rules, forwards, receipts that came back.

A message of every day leaves no trace here: what happened to it is seen from its record and from the journal. Only what
neither of them shows is written down, at the moment it happens, on ways that few messages take.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from smppd.engine.message import Message

MAX_EVENTS: Final = 64
"""Events of one message: a day of retries, its receipts included. Beyond it the first ones are kept, and the latest."""

FIRST_EVENTS: Final = 16
"""Of these, so many from the beginning are kept whatever follows."""

MAX_RECORDED: Final = 200_000
"""Events of all messages, about 200 octets each: 40 MB. Beyond it the messages that were first written about lose
theirs."""

SCHEDULED: Final = "scheduled"
STARTED: Final = "started"
RELEASED: Final = "released"
RULE: Final = "rule"
ATTEMPT_FAILED: Final = "attempt_failed"
REPLACED: Final = "replaced"
CANCELLED: Final = "cancelled"
FORCED: Final = "forced"
SENT: Final = "sent"
REFUSED: Final = "refused"
UNANSWERED: Final = "unanswered"
SESSION_ENDED: Final = "session_ended"
GIVEN_UP: Final = "given_up"

KINDS: Final = frozenset(
    {
        SCHEDULED,
        STARTED,
        RELEASED,
        RULE,
        ATTEMPT_FAILED,
        REPLACED,
        CANCELLED,
        FORCED,
        SENT,
        REFUSED,
        UNANSWERED,
        SESSION_ENDED,
        GIVEN_UP,
    }
)
"""All of these."""


class Event(NamedTuple):
    """Something that happened to a message.

    * wall: when, Unix time in seconds of the engine's clock. kind: one of the names of this module.
    * what: of which it is told: "" = the message, else the kind of a delivery: receipt, forward, intermediate ...
    * session: where it left, or "". detail: the name of a rule, of an account.
    * number: of the attempt. status: command_status. error_code, state: of an outcome.
    * next_wall: when it goes on, Unix time; None: nobody can say, or it does not.
    """

    wall: float
    kind: str
    what: str = ""
    session: str = ""
    detail: str = ""
    number: int = 0
    status: int = 0
    error_code: int = 0
    state: int | None = None
    next_wall: float | None = None


class Story:
    """The events of one message."""

    __slots__ = ("dropped", "events")

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.dropped = 0
        """Events that were left out between the first and the latest."""

    def add(self, event: Event) -> bool:
        """Tell one event more; False when another one had to go for it."""
        self.events.append(event)
        if len(self.events) <= MAX_EVENTS:
            return True
        del self.events[FIRST_EVENTS]
        self.dropped += 1
        return False


class History:
    """The stories of all messages that have one."""

    __slots__ = ("_count", "_stories", "_wall", "max_recorded")

    def __init__(self, wall: Callable[[], float], max_recorded: int = MAX_RECORDED) -> None:
        """Begin with nothing; `wall` is Unix time on the engine's clock."""
        self._wall = wall
        self._stories: OrderedDict[Message, Story] = OrderedDict()
        self._count = 0
        self.max_recorded = max_recorded

    def __len__(self) -> int:
        """Events that are kept."""
        return self._count

    def __bool__(self) -> bool:
        """Whether there is any story."""
        return bool(self._stories)

    def note(
        self,
        message: Message,
        kind: str,
        what: str = "",
        *,
        session: str = "",
        detail: str = "",
        number: int = 0,
        status: int = 0,
        error_code: int = 0,
        state: int | None = None,
        after: float | None = None,
    ) -> None:
        """Write down what happens to a message now; `after`: in so many seconds it goes on."""
        story = self._stories.get(message)
        if story is None:
            story = self._stories[message] = Story()
        wall = self._wall()
        next_wall = None if after is None else wall + after
        if story.add(Event(wall, kind, what, session, detail, number, status, error_code, state, next_wall)):
            self._count += 1
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        while self._count > self.max_recorded:
            self._count -= len(self._stories.popitem(last=False)[1].events)

    def of(self, message: Message) -> Story | None:
        """The story of a message; None when nothing special happened to it, or that is forgotten."""
        return self._stories.get(message)

    def forget(self, messages: Sequence[Message]) -> None:
        """These messages are forgotten, and their stories with them."""
        for message in messages:
            story = self._stories.pop(message, None)
            if story is not None:
                self._count -= len(story.events)

    # -- handing over and taking back ---------------------------------------------------------------------------------

    def stories(self) -> Iterator[tuple[Message, Story]]:
        """All stories, the one first that would be forgotten first."""
        return iter(list(self._stories.items()))

    def begin_anew(self) -> None:
        """Have no stories: those that are put back take their place."""
        self._stories.clear()
        self._count = 0

    def put_back(self, message: Message, story: Story) -> None:
        """Take back one of `stories`, in their order. Raises ValueError when the message has one already."""
        if message in self._stories:
            raise ValueError("a message has two stories")
        self._stories[message] = story
        self._count += len(story.events)
        self._forget_oldest()
