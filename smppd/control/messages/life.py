"""The whole life of one message, event by event: from its record, from its history, and from the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from smppd.control.messages.views import state_name_of
from smppd.control.times import iso
from smppd.engine import history
from smppd.engine.message import ENROUTE, FIRST_FINAL, NEVER, RECEIPT_PENDING
from smppwire.constants import command_name, status_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from smppd.control.messages.traces import Trace
    from smppd.control.messages.views import Shower
    from smppd.engine.history import Event, Story
    from smppd.engine.message import Message
    from smppd.observe.journal import Journal

MAX_FORGOTTEN: Final = 16
"""Receipts that were sent and that the journal has forgotten, each told by an event of its own, at most."""

SENT_OF: Final = {"intermediate": "notification", "forward": "forward", "receipt": "receipt", "acceptance": "receipt"}
"""What a delivery of the engine is called here; what is not named is an acknowledgement of the handset."""


class EventView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened to a message.

    * event: what. time: when, null where nobody knows any more. clock: "real" for PDUs, "engine" for what happens on
      the engine's clock, which may be a virtual one.
    * pdu: the number of the PDU in the journal. pdu_forgotten: there was one, and the journal has it no more.
    * what: of a delivery: receipt, notification, acknowledgement, forward.
    * attempt: the number of a delivery attempt. next_time: when it goes on.
    """

    time: str | None
    event: str
    clock: Literal["real", "engine"] = "engine"
    what: str = ""
    session: str = ""
    sequence_number: int | None = None
    command: str = ""
    command_status: str = ""
    pdu: int | None = None
    pdu_forgotten: bool = False
    account: str = ""
    route: str = ""
    network: str = ""
    rule: str = ""
    message_state: str = ""
    error_code: int | None = None
    attempt: int | None = None
    next_time: str | None = None


Timed = tuple[float | None, EventView]
"""An event and when it happened: Unix time of its clock; None: behind the one before; NOW: it lasts."""

NOW: Final = float("inf")


def tell(
    message: Message,
    story: Story | None,
    traces: Sequence[Trace],
    *,
    journal: Journal,
    shower: Shower,
    clocks_agree: bool,
    forwarded_to: str = "",
) -> list[EventView]:
    """The events of a message in order.

    Where the engine's clock does not show real time, what happened on it cannot be set against PDUs by time: the
    request comes first then, its answer next, then what happened here, then what was sent.
    `forwarded_to` is the account of the ESME that the message waits for, if it does.
    """
    told = _Telling(message, story, traces, journal, shower, forwarded_to)
    events = [*told.arrival(), *told.inside(), *told.departures()]
    if not clocks_agree:
        return [event for _, event in events]
    latest = 0.0
    placed: list[tuple[float, EventView]] = []
    for time, event in events:
        if time != NOW:
            latest = latest if time is None else time
        placed.append((NOW if time == NOW else latest, event))
    return [event for _, event in sorted(placed, key=lambda entry: entry[0])]


class _Telling:
    """One message's life being told."""

    def __init__(
        self,
        message: Message,
        story: Story | None,
        traces: Sequence[Trace],
        journal: Journal,
        shower: Shower,
        forwarded_to: str,
    ) -> None:
        self._message = message
        self._told: Sequence[Event] = () if story is None else story.events
        self._traces = traces
        self._shower = shower
        self._forwarded_to = forwarded_to
        # Of a journal that has everything since the start, nothing is missing.
        self._forgets = not journal.is_whole

    def arrival(self) -> Iterator[Timed]:
        """How it came, and what was answered."""
        message = self._message
        requests = [trace for trace in self._traces if trace.kind == "request"]
        for trace in requests:
            yield self._pdu("received", trace)
        if not requests and self._forgets:
            yield (
                message.accepted_wall,
                EventView(
                    time=iso(message.accepted_wall),
                    event="received",
                    session="" if message.bind is None else message.bind.bind_id,
                    sequence_number=message.pdu.sequence_number,
                    pdu_forgotten=True,
                ),
            )
        yield self._engine(message.accepted_wall, "accepted", account=message.esme.system_id)
        route = message.route
        yield self._engine(message.accepted_wall, "routed", route=route.name, network=route.settings.network)
        responses = [trace for trace in self._traces if trace.kind == "response"]
        for trace in responses:
            yield self._pdu("answered", trace)
        if not responses and not requests and self._forgets:
            yield None, EventView(time=None, event="answered", clock="real", pdu_forgotten=True)

    def inside(self) -> Iterator[Timed]:
        """What happened to it here."""
        message = self._message
        noted = [(event.wall, self._noted(event)) for event in self._told if event.kind != history.SENT]
        if message.state >= FIRST_FINAL:
            end = next((place for place, (wall, event) in enumerate(noted) if self._is_behind(wall, event)), len(noted))
            yield from noted[:end]
            if not any(event.kind in (history.CANCELLED, history.FORCED) for event in self._told):
                yield message.final_wall, self._outcome("attempt", attempt=message.failures + 1)
            yield message.final_wall, self._outcome("final")
            yield from noted[end:]
            return
        yield from noted
        if self._forwarded_to:
            yield NOW, EventView(time=None, event="forward_pending", account=self._forwarded_to)
        elif message in message.route.queue:
            yield NOW, EventView(time=None, event="queued", route=message.route.name)
        elif message.next_at != NEVER and message.state == ENROUTE and not message.awaits_retry:
            next_time = self._shower.moment(message.next_at)
            yield NOW, EventView(time=None, event="under_way", attempt=message.failures + 1, next_time=next_time)

    def _is_behind(self, wall: float, event: EventView) -> bool:
        """Whether a noted event belongs behind the end of the message: at the moment of the end, only its receipt."""
        return wall > self._message.final_wall or (wall == self._message.final_wall and event.what == "receipt")

    def departures(self) -> Iterator[Timed]:
        """What was sent because of it, how that was answered, and what was asked about it."""
        seen = 0
        for trace in self._traces:
            if trace.kind in ("request", "response"):
                continue
            if trace.kind == "answer":
                yield self._answer(trace)
            elif trace.record.entry.direction == "in":
                yield self._pdu("asked", trace)
            else:
                seen += trace.kind == "receipt"
                yield self._pdu("sent", trace, what=trace.kind)
        yield from self._forgotten(seen)
        if self._message.receipt == RECEIPT_PENDING:
            yield NOW, EventView(time=None, event="receipt_pending")

    def _forgotten(self, seen: int) -> Iterator[Timed]:
        """What was sent and is not in the journal any more."""
        if not self._forgets:
            return
        for _ in range(min(MAX_FORGOTTEN, self._message.attempts - seen)):
            yield None, EventView(time=None, event="sent", clock="real", what="receipt", pdu_forgotten=True)
        found = {trace.kind for trace in self._traces}
        for event in self._told:
            what = SENT_OF.get(event.what, "acknowledgement")
            if event.kind == history.SENT and what not in found:
                yield (
                    event.wall,
                    EventView(time=iso(event.wall), event="sent", what=what, session=event.session, pdu_forgotten=True),
                )

    def _outcome(self, event: str, *, attempt: int | None = None) -> EventView:
        """How the message ended."""
        message = self._message
        return EventView(
            time=iso(message.final_wall),
            event=event,
            message_state=state_name_of(message.state),
            error_code=message.error_code,
            attempt=attempt,
        )

    def _noted(self, event: Event) -> EventView:
        """What stands in the history."""
        ends = event.kind in (history.CANCELLED, history.FORCED)
        failed = event.kind == history.ATTEMPT_FAILED
        return EventView(
            time=iso(event.wall),
            event=event.kind,
            what=SENT_OF.get(event.what, "acknowledgement") if event.what else "",
            session=event.session,
            command_status=status_name(event.status) if event.status else "",
            rule=event.detail if event.kind == history.RULE else "",
            route=event.detail if event.kind == history.RELEASED else "",
            message_state="" if event.state is None else state_name_of(event.state),
            error_code=event.error_code if ends or failed else None,
            attempt=event.number or None,
            next_time=iso(event.next_wall),
        )

    def _engine(self, wall: float, event: str, *, account: str = "", route: str = "", network: str = "") -> Timed:
        return wall, EventView(time=iso(wall), event=event, account=account, route=route, network=network)

    def _pdu(self, event: str, trace: Trace, *, what: str = "") -> Timed:
        """An event that is a PDU."""
        entry, pdu = trace.record.entry, trace.record.pdu
        status = 0 if pdu is None else pdu.command_status
        return entry.time, EventView(
            time=iso(entry.time),
            event=event,
            clock="real",
            what=what,
            session=entry.session,
            sequence_number=None if pdu is None else pdu.sequence_number,
            command=command_name(trace.record.command_id),
            command_status=status_name(status) if event == "answered" or status else "",
            pdu=trace.number,
            account=trace.record.facts.account,
        )

    def _answer(self, trace: Trace) -> Timed:
        """The answer to what was sent, or to what was asked."""
        asked = next(each for each in self._traces if each.number == trace.answers)
        time, event = self._pdu("answered", trace)
        what = asked.kind if asked.record.entry.direction == "out" else ""
        name = "acknowledged" if what else "told"
        status = 0 if trace.record.pdu is None else trace.record.pdu.command_status
        if what and status:
            name = "refused"
        return time, EventView(
            time=event.time,
            event=name,
            clock="real",
            what=what,
            session=event.session,
            sequence_number=event.sequence_number,
            command=event.command,
            command_status=event.command_status,
            pdu=event.pdu,
            account=event.account,
        )
