"""The world as the engine sees it. Whoever wires an engine hands in things of these shapes; each takes batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from smppwire.constants import CommandId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smppd.engine.esmes import Deliverable
    from smppd.engine.message import Message
    from smppwire.pdus import Pdu

DEFERRED: Final = -1
"""Answer of the engine to a request that is answered later, by `Outbound.answer`: no command_status is negative."""


class Clock(Protocol):
    """Time, real or virtual."""

    def now(self) -> float:
        """Monotonic seconds: what delays, validity and throughput are measured by."""

    def wall(self) -> float:
        """Unix time in seconds: what receipts and query_sm_resp report as dates."""


class Outcome(NamedTuple):
    """How a delivery attempt ends."""

    state: int
    """The final message_state (SMPP 3.4 section 5.2.28), or ENROUTE: the attempt failed, but another may not."""
    error_code: int = 0
    """The network's error code, as receipts (`err:`) and query_sm_resp report it."""


class Attempt(NamedTuple):
    """What the network makes of one message."""

    delay: float
    """Seconds until the outcome is known, >= 0."""
    outcome: Outcome


class Network(Protocol):
    """The mobile network behind a route."""

    def always(self) -> Attempt | None:
        """What becomes of every attempt, whatever is sent, to whom and when; None when that depends.

        Whoever knows it need not ask `attempt`, message by message.
        """

    def attempt(self, messages: Sequence[Message], now: float) -> Sequence[Attempt]:
        """Try to deliver each message; one attempt per message, in the same order. `now` is the engine's clock."""

    def back_at(self, message: Message, now: float) -> float | None:
        """When the message's absent subscriber is back, in seconds of the engine's clock, perhaps in the past.

        None when nobody can say: the subscriber has not been absent, or the network keeps no record of it.
        """


class Outbound(Protocol):
    """The way to one bound ESME."""

    def room(self) -> int:
        """How many deliver_sm the session takes now: its free window, 0 while the peer does not read."""

    def deliver(
        self, bodies: Sequence[bytes], items: Sequence[Deliverable], command_id: int = CommandId.DELIVER_SM
    ) -> None:
        """Send deliver_sm, or data_sm, with these bodies (everything after the header).

        `items` come back acknowledged or lost.
        """

    def answer(self, request: Pdu, response: Pdu) -> None:
        """Answer a request that was `DEFERRED`; without effect when the session it came by has ended."""

    def notify(self, pdu: Pdu) -> None:
        """Send a PDU that nobody answers: alert_notification."""


class Dialect(Protocol):
    """How this SMSC writes receipts and ids when all goes well."""

    def receipt_body(self, message: Message, *, tlvs: bool) -> bytes:
        """The body of the deliver_sm that reports the message's final state; without TLVs for ESMEs below 3.4."""

    def receipt_bodies(self, messages: Sequence[Message], *, tlvs: bool) -> list[bytes]:
        """The same of several messages, in their order: what leaves in one write."""

    def intermediate_body(self, message: Message, *, tlvs: bool) -> bytes:
        """The body of the deliver_sm that notifies of a message still ENROUTE."""

    def acknowledgement_body(self, message: Message, esm_class: int, *, tlvs: bool) -> bytes:
        """The body of the deliver_sm by which the handset acknowledges a message; esm_class 0x08, or 0x10: manually."""


class Observer(Protocol):
    """Who wants to know; called once per batch, never per message."""

    def receipts_sent(self, delays: Sequence[float]) -> None:
        """Receipts left; each figure is the time since the submit was accepted, in seconds."""

    def throttled(self, system_id: str, scope: str, count: int) -> None:
        """Submits were refused because a window, a rate, a queue or a limit was full."""
