"""What becomes of messages, told as events: what the engine knows as its `Witness`, while somebody looks.

A batch is told with one call, and with copies of what may change: the lists, and the figures of messages that go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from smppd.engine.esmes import Report
from smppd.engine.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smppd.engine.esmes import Bind, Deliverable
    from smppd.observe.events import Events
    from smppwire.pdus import Pdu


class Attempted(NamedTuple):
    """A delivery attempt that failed."""

    message: Message
    error_code: int
    attempt: int
    """Which one, from 1 on."""


class Refused(NamedTuple):
    """A submission that was refused."""

    pdu: Pdu
    command_status: int


class Answered(NamedTuple):
    """Something that left towards an ESME, and how that answered."""

    item: Deliverable
    command_status: int


class EngineWitness:
    """Tells events of messages, and of receipts and what else is delivered to ESMEs."""

    def __init__(self, events: Events, wall: Callable[[], float]) -> None:
        """Tell them to `events`; `wall` is the date and time of the engine's clock, Unix time in seconds."""
        self._events = events
        self._wall = wall

    def accepted(self, messages: Sequence[Message]) -> None:
        """Messages of one account were accepted."""
        self._events.tell("message", "accepted", list(messages), clock_time=self._wall())

    def refused(self, bind: Bind, pdus: Sequence[Pdu], answers: Sequence[bytes | int]) -> None:
        """Of these submissions those were refused whose answer is a command_status."""
        refused = [
            Refused(pdu, answer)
            for pdu, answer in zip(pdus, answers, strict=True)
            if answer.__class__ is not bytes and isinstance(answer, int) and answer > 0
        ]
        if refused:
            facts = {"session": bind.bind_id, "account": bind.esme.system_id, "clock_time": self._wall()}
            self._events.tell("message", "refused", refused, **facts)

    def attempt_failed(self, message: Message) -> None:
        """An attempt to deliver a message has failed, with its `error_code`."""
        failed = Attempted(message, message.error_code, message.failures)
        self._events.tell("message", "attempt_failed", (failed,), clock_time=self._wall())

    def replaced(self, message: Message) -> None:
        """The text of a message, and what it asks for, have changed."""
        self._events.tell("message", "replaced", (message,), clock_time=self._wall())

    def cancelled(self, message: Message) -> None:
        """A message is cancelled; that it is final is told by itself."""
        self._events.tell("message", "cancelled", (message,), clock_time=self._wall())

    def finished(self, messages: Sequence[Message]) -> None:
        """Messages of one account have reached their final states."""
        self._events.tell("message", "final", list(messages), clock_time=self._wall())

    def sent(self, bind: Bind, items: Sequence[Deliverable]) -> None:
        """Receipts and other deliverables have left by this bind."""
        self._tell("sent", items, session=bind.bind_id)

    def answered(self, answers: Sequence[tuple[Deliverable, int]]) -> None:
        """An ESME has answered what was sent, each with this command_status."""
        if not any(status for _, status in answers):
            self._tell("acknowledged", [item for item, _ in answers])
            return
        self._tell("acknowledged", [item for item, status in answers if not status])
        for item, status in answers:
            if status:
                self._events.tell(_kind(item), "refused", (Answered(item, status),), clock_time=self._wall())

    def unanswered(self, items: Sequence[Deliverable]) -> None:
        """No answer has come in time."""
        self._tell("timed_out", items)

    def _tell(self, event: str, items: Sequence[Deliverable], **facts: str) -> None:
        """Receipts and notifications are events of receipts, messages that an ESME gets are events of messages."""
        receipts = [item for item in items if item.__class__ is Message or isinstance(item, Report)]
        self._events.tell("receipt", event, receipts, clock_time=self._wall(), **facts)
        if len(receipts) < len(items):
            others = [item for item in items if not isinstance(item, (Message, Report))]
            self._events.tell("message", event, others, clock_time=self._wall(), **facts)


def _kind(item: Deliverable) -> str:
    return "receipt" if isinstance(item, (Message, Report)) else "message"
