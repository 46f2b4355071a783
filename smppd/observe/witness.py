"""What becomes of messages, told as events: what the engine knows as its `Witness`, while somebody looks.

A batch is told with one call, and with copies of what may change: lists, and the figures of messages that go on.
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
        self._events.tell("message", "final", messages, clock_time=self._wall())

    def receipts_sent(self, bind: Bind, messages: Sequence[Message]) -> None:
        """The receipts of these messages have left by this bind."""
        self._events.tell("receipt", "sent", messages, session=bind.bind_id, clock_time=self._wall())

    def receipts_acknowledged(self, messages: Sequence[Message]) -> None:
        """An ESME has acknowledged the receipts of these messages."""
        self._events.tell("receipt", "acknowledged", messages, clock_time=self._wall())

    def sent(self, bind: Bind, items: Sequence[Deliverable]) -> None:
        """Deliverables of any kind have left by this bind."""
        self._tell_each("sent", items, session=bind.bind_id)

    def answered(self, item: Deliverable, status: int) -> None:
        """An ESME has answered what was sent in another way, or what is no receipt, with this command_status."""
        event = "refused" if status else "acknowledged"
        self._events.tell(_kind(item), event, (Answered(item, status),), clock_time=self._wall())

    def unanswered(self, items: Sequence[Deliverable]) -> None:
        """No answer has come in time."""
        self._tell_each("timed_out", items)

    def _tell_each(self, event: str, items: Sequence[Deliverable], **facts: str) -> None:
        for item in items:
            self._events.tell(_kind(item), event, (item,), clock_time=self._wall(), **facts)


def _kind(item: Deliverable) -> str:
    """Receipts and notifications are events of receipts, messages that an ESME gets are events of messages."""
    return "receipt" if isinstance(item, (Message, Report)) else "message"
