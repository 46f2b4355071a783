"""What a test holds in its hands: rules, faults, the clock, messages and sessions. Their methods block.

`smppd.testing.aio_handles` has the same with methods that are awaited; what is read at once stands here for both.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from smppd.errors import UserError

if TYPE_CHECKING:
    from typing import Unpack

    from smppd.control.clock import ClockView
    from smppd.control.messages.views import MessageView
    from smppd.control.sessions import SessionView
    from smppd.testing.base import Centre
    from smppd.testing.rules import RuleWords

__tracebackhide__ = True
__unittest = True  # pytest and unittest leave the frames of such modules out: what failed is in the test

FAILED: Final = "UNDELIV"
"""The outcome of a message that cannot be delivered, as receipts spell it."""


class Part:
    """Something of one message centre."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre


class RuleFacts(Part):
    """A rule that was added, as it is read."""

    def __init__(self, centre: Centre, name: str) -> None:
        super().__init__(centre)
        self.name = name

    @property
    def hits(self) -> int:
        """How often it has fired so far."""
        return self._centre.host.run(self._centre.controls.rule_hits(self.name))


class FaultFacts(Part):
    """A fault that was added, as it is read."""

    def __init__(self, centre: Centre, name: str) -> None:
        super().__init__(centre)
        self.name = name

    @property
    def hits(self) -> int:
        """How often it has happened so far."""
        return self._centre.host.run(self._centre.controls.fault_hits(self.name))


class ClockFacts(Part):
    """The clock that messages live by, as it is read."""

    @property
    def now(self) -> datetime:
        """What time it is for messages and receipts, in UTC."""
        return datetime.fromisoformat(self._view.clock_time)

    @property
    def is_running(self) -> bool:
        """Whether time passes by itself."""
        return self._view.running

    @property
    def _view(self) -> ClockView:
        return self._centre.host.run(self._centre.controls.clock())


class SessionFacts(Part):
    """A session, as it was when it was asked for."""

    def __init__(self, centre: Centre, view: SessionView) -> None:
        super().__init__(centre)
        self.view = view
        """All that is known of it: counters, windows, times."""

    @property
    def session(self) -> str:
        """Its number, as in the dialogue and in recorded PDUs."""
        return self.view.session

    @property
    def state(self) -> str:
        """OPEN, BOUND_TX, BOUND_RX, BOUND_TRX, UNBOUND or CLOSED."""
        return self.view.state

    @property
    def system_id(self) -> str:
        """Who is bound, or was last; "" for nobody."""
        return self.view.system_id or ""

    @property
    def bind_type(self) -> str:
        """transmitter, receiver or transceiver; "" before the bind."""
        return self.view.bind_type or ""

    def __repr__(self) -> str:
        return f"<session {self.session} {self.state} {self.system_id}>"


class MessageFacts(Part):
    """A message that was accepted, as it was when it was asked for."""

    def __init__(self, centre: Centre, view: MessageView) -> None:
        super().__init__(centre)
        self.view = view
        """All that is known of it."""

    @property
    def message_id(self) -> str:
        """As in the response."""
        return self.view.message_id

    @property
    def message_state(self) -> str:
        """SCHEDULED, ENROUTE, DELIVERED, EXPIRED and so on."""
        return self.view.message_state

    @property
    def source_addr(self) -> str:
        """source_addr."""
        return self.view.source_addr

    @property
    def destination_addr(self) -> str:
        """destination_addr."""
        return self.view.destination_addr

    @property
    def text(self) -> str:
        """The decoded text."""
        return self.view.text or ""

    def __repr__(self) -> str:
        return f"<message {self.message_id} {self.message_state} to {self.destination_addr}>"


def seconds_of(seconds: float, minutes: float, hours: float, days: float) -> float:
    """A time that was given in several units, in seconds. Raises UserError for what is none."""
    try:
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"no time that could pass, as hours=24 is: {error}") from None


# -- with methods that block ------------------------------------------------------------------------------------------


class Rule(RuleFacts):
    """A rule that was added."""

    def remove(self) -> None:
        """Take it out."""
        self._centre.host.run(self._centre.controls.remove_rule(self.name))


class Rules(Part):
    """The rules of a message centre."""

    def add(self, *, ttl: float | None = None, **words: Unpack[RuleWords]) -> Rule:
        """Add a rule in front of the others; it concerns the next PDU already. After `ttl` seconds it goes by itself.

        Conditions are those of expectations; what the rule does is said beside them, or in `then`::

            smsc.rules.add(to="336*", status="ESME_RTHROTTLED", times=2)

        Raises smppd.errors.UserError with all that is not accepted.
        """
        return Rule(self._centre, self._centre.host.run(self._centre.controls.add_rule(words, ttl)))


class Fault(FaultFacts):
    """A fault that was added."""

    def remove(self) -> None:
        """Take it out."""
        self._centre.host.run(self._centre.controls.remove_fault(self.name))


class Faults(Part):
    """The faults of a message centre."""

    def add(self, kind: str, *, ttl: float | None = None, **parameters: Any) -> Fault:
        """Add a fault: its kind and parameters as in `[[fault]]`, as in `smsc.faults.add("receipt_lost")`.

        After `ttl` seconds of the engine's clock it goes by itself.

        Raises smppd.errors.UserError with all that is not accepted.
        """
        return Fault(self._centre, self._centre.host.run(self._centre.controls.add_fault(kind, parameters, ttl)))


class Clock(ClockFacts):
    """The clock that messages live by; sessions go by real time."""

    def advance(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Let time pass at once: what is due on the way happens, each thing at its time, and leaves."""
        span = seconds_of(seconds, minutes, hours, days)
        self._centre.host.run(self._centre.controls.advance(span, None))

    def advance_to(self, moment: datetime | str) -> None:
        """The same until a date and time (ISO 8601; without an offset it is UTC)."""
        self._centre.host.run(self._centre.controls.advance(None, str(moment)))

    def freeze(self) -> None:
        """Let time stand still."""
        self._centre.host.run(self._centre.controls.clock(running=False))

    def resume(self) -> None:
        """Let time pass by itself."""
        self._centre.host.run(self._centre.controls.clock(running=True))

    def set_speed(self, speed: float) -> None:
        """Let time pass so many times as fast, while it runs."""
        self._centre.host.run(self._centre.controls.clock(speed=speed))


class Session(SessionFacts):
    """A session."""

    def unbind(self) -> None:
        """Send an unbind; the connection is closed once the ESME has answered it."""
        self._centre.host.run(self._centre.controls.end_session(self.session, "unbind"))

    def close(self) -> None:
        """Close the connection without an unbind."""
        self._centre.host.run(self._centre.controls.end_session(self.session, "close"))

    def reset(self) -> None:
        """Drop the connection so that the ESME sees a reset (RST)."""
        self._centre.host.run(self._centre.controls.end_session(self.session, "reset"))


class Message(MessageFacts):
    """A message that was accepted. What is done to it makes it final at once, and its receipt leaves."""

    def deliver(self) -> None:
        """Have it delivered now."""
        self._end("DELIVRD", None)

    def fail(self, error: int | None = None) -> None:
        """Have its delivery fail now; `error` is the `err` of its receipt, 0 to 999."""
        self._end(FAILED, error)

    def expire(self) -> None:
        """Have its validity end now."""
        self._end("EXPIRED", None)

    def cancel(self) -> None:
        """Cancel it, as cancel_sm does."""
        self.view = self._centre.host.run(self._centre.controls.cancel_message(self.message_id))

    def refresh(self) -> None:
        """Look again what has become of it."""
        self.view = self._centre.host.run(self._centre.controls.message(self.message_id))

    def _end(self, outcome: str, error: int | None) -> None:
        self.view = self._centre.host.run(self._centre.controls.end_message(self.message_id, outcome, error))
