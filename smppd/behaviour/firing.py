"""What a rule does to one PDU: its actions with every draw made and every name filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from smppd.behaviour.chance import Purpose
from smppd.behaviour.delays import compile_delay
from smppd.behaviour.templates import Template, named_groups
from smppd.engine.ports import Attempt, Outcome
from smppd.settings.names import command_status
from smppd.settings.types import USUAL_ERRORS
from smppwire.constants import CommandStatus, MessageState, state_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smppd.behaviour.chance import Chance
    from smppd.behaviour.conditions import Finder
    from smppd.behaviour.facts import Facts
    from smppd.settings.rules import Reply as ReplySettings
    from smppd.settings.rules import SequenceNumber, Then
    from smppwire.pdus import Pdu

STATES: Final = {state_name(state): state for state in MessageState}
"""message_state of each outcome's spelling."""

SEQUENCE_NUMBERS: Final = 1 << 32
"""Sequence numbers are counted modulo this."""

Answer = Literal["once", "none", "twice", "nack"]
Ending = Literal["unbind", "close", "reset", "silent"]


class Reply(NamedTuple):
    """A message from the subscriber to the ESME. delay: seconds after the message was accepted."""

    text: str
    delay: float
    source_addr: bytes
    destination_addr: bytes


class Firing(NamedTuple):
    """What is to be done with one PDU.

    * rule: the name of the rule.
    * status: the command_status to answer with, the request being refused; None: it goes on as usual.
    * delay: seconds until the answer. answer: once, none, twice, or a generic_nack in its place.
    * sequence_number: of the answer; None: that of the request.
    * outcome, error: the final message_state and the network's error; None: as the network has it.
    * receipt_delay: seconds until the outcome is known; None: as the network has it.
    * reply: what the subscriber answers, or None.
    * connection: what becomes of it once the answer has left, or at once when there is none; None: nothing.
    """

    rule: str
    status: int | None = None
    delay: float = 0.0
    answer: Answer = "once"
    sequence_number: int | None = None
    outcome: int | None = None
    error: int | None = None
    receipt_delay: float | None = None
    reply: Reply | None = None
    connection: Ending | None = None

    @property
    def changes_attempt(self) -> bool:
        """Whether the rule has a say in how and when the message ends."""
        return self.outcome is not None or self.error is not None or self.receipt_delay is not None

    def attempt(self, attempt: Attempt) -> Attempt:
        """What becomes of a delivery attempt: what the rule says, and of the rest what the network says."""
        state, error = attempt.outcome
        if self.outcome is not None and self.outcome != state:
            state, error = self.outcome, USUAL_ERRORS.get(state_name(self.outcome), 0)
        if self.error is not None:
            error = self.error
        return Attempt(attempt.delay if self.receipt_delay is None else self.receipt_delay, Outcome(state, error))


class Actions:
    """``then`` of a rule, ready to be carried out."""

    __slots__ = ("_delay", "_finders", "_number", "_plain", "_receipt_delay", "_reply")

    def __init__(self, name: str, then: Then, finders: Sequence[Finder]) -> None:
        self._finders = finders
        self._number = then.sequence_number
        self._plain = Firing(
            rule=name,
            status=_refusal(then),
            answer=then.answer,
            outcome=None if then.outcome is None else int(STATES[then.outcome]),
            error=then.error,
            connection=then.connection,
        )
        self._delay = None if then.delay is None else compile_delay(then.delay)
        self._receipt_delay = None if then.receipt_delay is None else compile_delay(then.receipt_delay)
        self._reply = None if then.reply is None else _ReplyTemplates(then.reply)

    @property
    def refusal(self) -> Firing:
        """The answer while the rule throttles."""
        return Firing(self._plain.rule, status=self._plain.status)

    @property
    def draws(self) -> bool:
        """Whether anything is drawn."""
        return self._delay is not None or self._receipt_delay is not None or self._reply is not None

    def groups(self, pdu: Pdu, facts: Facts) -> dict[str, str]:
        """What the named groups of the rule's regular expressions have found."""
        return named_groups(self._finders, pdu, facts) if self._finders else {}

    def fire(self, pdu: Pdu, facts: Facts, chance: Chance | None, ordinal: int) -> Firing:
        """What is to be done with this PDU; ``chance`` is given when anything is drawn."""
        firing = self._plain
        if self._number is not None:
            firing = firing._replace(sequence_number=_numbered(self._number, pdu.sequence_number))
        if chance is None:
            return firing
        if self._delay is not None:
            firing = firing._replace(delay=self._delay(chance.draw(ordinal, Purpose.DELAY)))
        if self._receipt_delay is not None:
            seconds = self._receipt_delay(chance.draw(ordinal, Purpose.RECEIPT_DELAY))
            firing = firing._replace(receipt_delay=seconds)
        if self._reply is not None:
            draw = chance.draw(ordinal, Purpose.REPLY_DELAY)
            firing = firing._replace(reply=self._reply.render(pdu, facts, self.groups(pdu, facts), draw))
        return firing


class _ReplyTemplates:
    """The templates of a reply."""

    __slots__ = ("_delay", "_destination", "_source", "_text")

    def __init__(self, reply: ReplySettings) -> None:
        self._delay = compile_delay(reply.delay)
        self._text = Template(reply.text)
        self._source = Template(reply.source_addr or "{destination_addr}")
        self._destination = Template(reply.destination_addr or "{source_addr}")

    def render(self, pdu: Pdu, facts: Facts, groups: Mapping[str, str], draw: float) -> Reply:
        """The reply to one PDU; ``draw`` decides its delay."""
        source, destination = (
            template.render(pdu, facts, groups).encode("latin-1", "replace")
            for template in (self._source, self._destination)
        )
        return Reply(self._text.render(pdu, facts, groups), self._delay(draw), source, destination)


def _refusal(then: Then) -> int | None:
    """The command_status of a refusal; None when the request goes on."""
    status = 0 if then.status is None else command_status(then.status)
    return status or (int(CommandStatus.ESME_RTHROTTLED) if then.throttle else None)


def _numbered(number: SequenceNumber, right: int) -> int:
    return number.value if number.value is not None else (right + (number.add or 0)) % SEQUENCE_NUMBERS
