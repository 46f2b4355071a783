"""Rules at work on a connection: requests that a rule fires on are handled, answered and ended as it says.

What is asked of `smppd.engine.ports.SessionBehaviour` is asked PDU by PDU, in the order of the stream; runs of
submit_sm that no rule is about go to the engine in batches all the same. Nothing here depends on where TCP has cut the
stream. Without rules none of this is called.

What somebody else has to say comes first: a PDU that is malformed, out of place, wrong in its values, of no use to
the account's dialect or beyond its window is answered for that, and no rule sees it. What depends on more than the PDU
(throughput, routes, messages that do not exist, passwords) comes after the rules.
"""

from __future__ import annotations

import asyncio
import socket
from abc import abstractmethod
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from smppd.engine.message import MODE_MASK, TRANSACTION, from_submit_multi
from smppd.transport.binding import BIND_TYPES, HEADER, PAUSING, STOP_READING, Binding, negotiate
from smppwire.codec import decode
from smppwire.constants import HEADER_LENGTH, RESPONSE_BIT, CommandId, CommandStatus
from smppwire.errors import DecodeError
from smppwire.pdus import (
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DataSm,
    DeliverSmResp,
    Pdu,
    SmeAddress,
    SubmitMulti,
    SubmitSm,
)
from smppwire.session import Acknowledged, ResponseReceived
from smppwire.validation import DESTINATION_FIELDS, first_violation, validate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from smppd.accounts import Account
    from smppd.engine.ports import Behaviour, SessionBehaviour, Verdict
    from smppd.transport.binding import BindRequest
    from smppd.transport.context import Context
    from smppwire.pdus import Outbind

GENERIC_NACK: Final = int(CommandId.GENERIC_NACK)
DELIVER_SM_RESP: Final = int(CommandId.DELIVER_SM_RESP)
ESME_RSYSERR: Final = int(CommandStatus.ESME_RSYSERR)
ESME_RINVCMDID: Final = int(CommandStatus.ESME_RINVCMDID)
ESME_RTHROTTLED: Final = int(CommandStatus.ESME_RTHROTTLED)

LENGTH: Final = Struct(">I")
NUMBER_AT: Final = 12
"""Where the sequence_number of a PDU stands."""

RESETTING: Final = Struct("ii").pack(1, 0)
"""SO_LINGER: on, zero seconds. Closing a socket resets its connection then."""


class Late:
    """Octets that leave later, and how the connection ends then: an appointment of the engine's agenda."""

    __slots__ = ("due", "ending", "is_answer", "octets", "party", "ticket")

    def __init__(self, party: Judged, octets: list[bytes], ending: str | None, *, is_answer: bool) -> None:
        self.party = party
        self.octets = octets
        self.ending = ending
        self.is_answer = is_answer
        """Whether a request counts as unanswered until then."""
        self.due = 0.0
        self.ticket = 0

    def keep(self) -> None:
        """The time has come."""
        self.party.leave(self)


class Postponed:
    """A bind or an unbind that is handled later: its answer changes what everything behind it means."""

    __slots__ = ("due", "party", "request", "ticket", "verdict")

    is_answer: Final = False

    def __init__(self, party: Judged, request: Pdu, verdict: Verdict) -> None:
        self.party = party
        self.request = request
        self.verdict = verdict
        self.due = 0.0
        self.ticket = 0

    def keep(self) -> None:
        """The time has come."""
        self.party.go_on(self)


class Judged(Binding):
    """A connection whose PDUs rules may be about."""

    def __init__(self, context: Context, outbind: Outbind | None = None) -> None:
        """Serve one connection within `context`; one that we opened begins with this `outbind`."""
        super().__init__(context, outbind)
        self._rules: SessionBehaviour | None = None
        self._backlog = 0
        """Requests of earlier chunks that are still unanswered: what the window limits. Those of the chunk at hand do
        not count, so that it makes no difference where TCP has cut the stream."""
        self._fate: Verdict | None = None
        """What is decided about the request that is being handled."""
        self._held: dict[Late | Postponed, None] = {}
        """What has to leave or to be handled later."""
        self._unanswered = 0
        """How many requests are answered by what is held."""
        self._verdicts: dict[int, tuple[Pdu, Verdict]] = {}
        """By its identity, each request that the engine answers later, and how that is to be done."""
        self._verdict_of_bind: tuple[Pdu, Verdict] | None = None
        """The bind that is being judged elsewhere, and how it is to be answered."""
        self._muted = False
        """Whether nothing leaves any more, because a rule about what leaves ends the connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer connected: it meets the rules that there are now, even if there were none a turn of the loop ago."""
        if self._context.behaviour is not None:
            self.follow(self._context.behaviour)
        super().connection_made(transport)

    @abstractmethod
    def _submit(self, batch: Sequence[SubmitSm], now: float, *, passed: bool = False) -> None:
        """Hand a run of submit_sm to the engine and encode its answers."""

    @abstractmethod
    def _handle_one(self, event: Any, now: float) -> None:
        """Handle an event other than a run of submit_sm."""

    def follow(self, behaviour: Behaviour) -> None:
        """Ask these rules from now on."""
        self._rules = behaviour.session()
        self._gate = self
        self._introduce()

    def _introduce(self) -> None:
        """Tell the rules who is bound."""
        bind = self._bind
        if self._rules is not None and bind is not None:
            self._rules.bound(
                bind.esme.system_id,
                self._bind_type,
                bind.policy.interface_version,
                bound_at=self.bound_at or 0.0,
                default_alphabet=bind.esme.dialect.default_alphabet,
                route_of=self._route_of,
                violation_of=self._violation_of,
            )

    def _accept_bind(self, pdu: BindRequest, account: Account, now: float) -> None:
        super()._accept_bind(pdu, account, now)
        self._introduce()

    def _release(self, outstanding: Iterable[object], *, is_lost: bool = False) -> None:
        """The session ends, and with it what it still had to say."""
        super()._release(outstanding, is_lost=is_lost)
        if self._rules is not None:
            for held in self._held:
                self._engine.agenda.forsake(held)
            self._held.clear()
            self._session.answered(self._unanswered)
            self._unanswered = 0
            self._verdicts.clear()
            self._verdict_of_bind = None
            self._rules.unbound()

    # -- what rules want to know --------------------------------------------------------------------------------------

    def _route_of(self, pdu: Pdu) -> str:
        """The name of the route of a message, of several the first; "" for none."""
        if isinstance(pdu, SubmitMulti):
            first = next((each for each in pdu.dest_address if isinstance(each, SmeAddress)), None)
            if first is None:
                return ""
            pdu = from_submit_multi(pdu, first)
        if self._bind is None or not isinstance(pdu, (SubmitSm, DataSm)):
            return ""
        # A data_sm has all fields that routes ask about, under the same names.
        route = self._engine.route_of(self._bind, pdu)  # type: ignore[arg-type]
        return "" if route is None else route.name

    def _violation_of(self, pdu: Pdu) -> int:
        """The command_status that a request gets for mistakes of its own; 0 for none, and for what is no request."""
        bind = self._bind
        if bind is None or pdu.command_id & RESPONSE_BIT:
            return 0
        if bind.responses is not None and pdu.command_id in bind.responses.unsupported:
            return ESME_RINVCMDID
        if isinstance(pdu, SubmitMulti):
            wrong = validate(pdu, bind.policy)
            return next((each.status for each in wrong if each.field not in DESTINATION_FIELDS), 0)
        return first_violation(pdu, bind.policy)

    # -- what arrives -------------------------------------------------------------------------------------------------

    def _judge(self, rules: SessionBehaviour, events: Sequence[Any], now: float) -> int:
        """Handle events in their order, rules first; returns how many there were before the session ended."""
        rules.refresh()
        index, end, count = 0, 0, len(events)
        while index < count and not self._closing:
            event = events[index]
            if event.__class__ is SubmitSm:
                if index >= end:  # once for a run: a rule about every message of it would make the search quadratic
                    end = _end_of_run(events, index)
                index = self._judge_run(rules, events, index, end, now)
                continue
            index += 1
            if isinstance(event, Pdu):
                verdict = self._verdict(rules, event)
                if verdict is None:
                    self._handle_one(event, now)
                else:
                    self._carry_out(event, verdict, now)
            else:
                self._handle_one(event, now)
                self._judge_responses(rules, event)
        return index

    def _judge_run(self, rules: SessionBehaviour, events: Sequence[Any], start: int, end: int, now: float) -> int:
        """Handle submit_sm that follow each other, up to the next one that a rule is about, and that.

        start, end: what is left of the run. Returns where to go on.
        """
        if self._exceeds_window():
            place, verdict = end, None
        else:
            place, verdict = rules.find_next(events, start, end)
        if place > start:
            self._submit(events if place - start == len(events) else events[start:place], now)
        if verdict is None:
            return place
        self._carry_out(events[place], verdict, now)
        return place + 1

    def _exceeds_window(self) -> bool:
        """Whether the next request will be answered for being one too many, whatever it says."""
        self._backlog = self._deferred + self._unanswered
        return bool(self._window) and self._backlog >= self._window and self._window_over != STOP_READING

    def _verdict(self, rules: SessionBehaviour, pdu: Pdu) -> Verdict | None:
        """What rules say about a request other than submit_sm."""
        if not rules.concerns(pdu.command_id):
            self._backlog = self._deferred + self._unanswered
            return None
        if not isinstance(pdu, (BindReceiver, BindTransmitter, BindTransceiver)):
            exempt = pdu.command_id in (CommandId.ENQUIRE_LINK, CommandId.UNBIND)
            return None if self._exceeds_window() and not exempt else rules.find(pdu)
        if self._violation_of_bind(pdu):
            return None
        known = self._context.accounts.get(pdu.system_id)
        version = negotiate(pdu.interface_version, self._ours)
        return rules.find_bind(pdu, "" if known is None else known.system_id, BIND_TYPES[pdu.__class__], version)

    def _judge_responses(self, rules: SessionBehaviour, event: Any) -> None:
        """What the ESME answered can end the connection."""
        responses: list[Pdu] = []
        if event.__class__ is Acknowledged and rules.concerns(DELIVER_SM_RESP):
            responses = [DeliverSmResp(command_status=status) for _, status in event.responses]
        elif event.__class__ is ResponseReceived and rules.concerns(event.pdu.command_id):
            responses = [event.pdu]
        for response in responses:
            verdict = None if self._closing else rules.find(response)
            if verdict is not None:
                self._end_as(verdict.connection)

    # -- what is done with it -----------------------------------------------------------------------------------------

    def _carry_out(self, pdu: Pdu, verdict: Verdict, now: float, *, again: bool = False) -> None:
        """Do with a request what a rule says; `again`: it was postponed, and its time has come."""
        pauses = pdu.__class__ in PAUSING
        if pauses and verdict.delay and not again and not self._engine.agenda.is_full:
            self._postpone(pdu, verdict)
            return
        if pauses or (self._bind is not None and self._bind.faults is not None):
            self._flush()  # faults may say something before the answer, and that leaves at once
        mark, deferred = len(self._out), self._deferred
        if pauses and verdict.status is None and verdict.answer in ("none", "nack"):
            # Not carried out: the ESME would not know that it is bound, or not any more.
            self._count_in(pdu.command_id)
            self._session.abandon(pdu)
            self._say(self._refusal(pdu, GENERIC_NACK, ESME_RSYSERR))
        elif verdict.status is not None:
            self._refuse(pdu, verdict.status)
        else:
            self._fate = verdict
            try:
                self._submit([pdu], now) if isinstance(pdu, SubmitSm) else self._handle_one(pdu, now)
            finally:
                self._fate = None
        if self._deferred > deferred:
            self._verdicts[id(pdu)] = pdu, verdict
        elif self._task is not None:
            self._verdict_of_bind = pdu, verdict
        else:
            self._answer_as(pdu, verdict, mark, 0.0 if pauses else verdict.delay)

    def _refuse(self, pdu: Pdu, status: int) -> None:
        """Refuse a request because a rule says so."""
        if isinstance(pdu, (BindReceiver, BindTransmitter, BindTransceiver)):
            self._count_in(pdu.command_id)
            self._refuse_bind(pdu, status)
            return
        if status == ESME_RTHROTTLED and self._bind is not None:
            self._counters.throttled(self._bind.esme.system_id, "rule", 1)
        self._count_in(pdu.command_id)
        self._session.abandon(pdu)
        self._say(self._refusal(pdu, pdu.command_id | RESPONSE_BIT, status))
        if self._halted:
            self._relieve()

    def _refusal(self, pdu: Pdu, response_id: int, status: int) -> bytes:
        """The octets of a refusal, in the account's dialect."""
        responses, number = self._responses, pdu.sequence_number
        if responses is None:
            return HEADER.pack(HEADER_LENGTH, response_id, status, number)
        return responses.refuse(response_id, status, self._number(responses, number), tlvs=self._takes_tlvs)

    def _answer_as(self, pdu: Pdu, verdict: Verdict, mark: int, delay: float) -> None:
        """Change the answer to a request, which is what has been queued since `mark`, and end as the rule says."""
        if delay or verdict.answer != "once" or verdict.sequence_number is not None:
            answers = self._out[mark:]
            del self._out[mark:]
            for octets in answers:
                self._uncount(octets)
            answers = self._changed(pdu, verdict, answers)
            if delay and not self._closing and not self._engine.agenda.is_full:
                self._hold(Late(self, answers, verdict.connection, is_answer=True), delay)
                return
            for octets in answers:
                self._say(octets)
        self._end_as(verdict.connection)

    def _changed(self, pdu: Pdu, verdict: Verdict, answers: list[bytes]) -> list[bytes]:
        """An answer as a rule has it."""
        if verdict.answer == "none" or not answers:
            return []
        if verdict.answer == "nack":
            status = HEADER.unpack_from(answers[0])[2]
            answers = [self._refusal(pdu, GENERIC_NACK, status or ESME_RSYSERR)]
        if verdict.sequence_number is not None:
            answers = [_numbered(octets, verdict.sequence_number) for octets in answers]
        return answers * 2 if verdict.answer == "twice" else answers

    def _uncount(self, octets: bytes) -> None:
        """A response that had been queued does not leave as it is."""
        _, command_id, status, _ = HEADER.unpack_from(octets)
        self._count_out(command_id, status, -1)

    # -- later --------------------------------------------------------------------------------------------------------

    def _hold(self, held: Late | Postponed, delay: float) -> None:
        """Have something done after so many seconds of the engine's clock; the session's end makes an end of it."""
        self._held[held] = None
        if held.is_answer:
            self._unanswered += 1
            self._session.answered(-1)
        engine = self._engine
        engine.agenda.add(engine.clock.now() + delay, held)

    def hurry(self) -> None:
        """Do at once all that rules have put off."""
        held = list(self._held)
        for one in held:
            if one in self._held:  # what was done before may have ended the session
                self._engine.agenda.forsake(one)
                one.keep()
        if held:
            self.settle()

    def leave(self, late: Late) -> None:
        """The time of an answer has come, or of what a rule about what leaves has held back."""
        del self._held[late]
        self._unanswered -= late.is_answer
        self._session.answered(int(late.is_answer))
        if self._closing:
            return
        try:
            if late.is_answer:
                for octets in late.octets:
                    self._say(octets)
            else:
                self._write_now(b"".join(late.octets))
            self._end_as(late.ending)
        except Exception as error:  # noqa: BLE001  # whatever it is, it concerns this session alone
            self._fail(error)

    def settle(self) -> None:
        """Answers have left: they are written at once, and there is room in the window."""
        self._flush()
        if self._halted:
            self._relieve()

    def _postpone(self, pdu: Pdu, verdict: Verdict) -> None:
        """Handle a bind or an unbind later. Nothing is read until then: the session is paused."""
        if self._transport is not None:
            self._transport.pause_reading()
        self._is_late = True
        self._hold(Postponed(self, pdu, verdict), verdict.delay)

    def go_on(self, postponed: Postponed) -> None:
        """The time of a bind or an unbind has come, and of what has waited behind it."""
        del self._held[postponed]
        self._is_late = False
        if self._closing:
            return
        try:
            now = self._context.monotonic()
            self._carry_out(postponed.request, postponed.verdict, now, again=True)
            super()._go_on_behind_bind(now)
        except Exception as error:  # noqa: BLE001  # whatever it is, it concerns this session alone
            self._fail(error)

    def _go_on_behind_bind(self, now: float) -> None:
        """A bind has been judged elsewhere, and its answer is all that is queued."""
        if self._task is None and self._verdict_of_bind is not None:
            pdu, verdict = self._verdict_of_bind
            self._verdict_of_bind = None
            self._answer_as(pdu, verdict, 0, 0.0)
        super()._go_on_behind_bind(now)

    def _answered_late(self, request: Pdu, mark: int) -> None:
        """The engine has answered a request that it had deferred; the answer is what has been queued since `mark`."""
        entry = self._verdicts.pop(id(request), None)
        if entry is not None:
            self._answer_as(request, entry[1], mark, entry[1].delay)

    # -- how it ends --------------------------------------------------------------------------------------------------

    def _end_as(self, ending: str | None) -> None:
        """End the connection as a rule says, behind what has been said."""
        if ending is None or self._closing:
            return
        if ending == "unbind":
            self.unbind()
        elif ending == "close":
            self.close()
        elif ending == "reset":
            self._flush()
            self.reset()
        else:
            self._flush()
            self._fall_silent()

    def reset(self) -> None:
        """Drop the connection so that the peer sees a reset (TLS and transports without a socket: an end)."""
        self._because("smsc_reset")
        transport = self._transport
        raw = None if transport is None else transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETTING)
        self.abort()

    def _fall_silent(self) -> None:
        """Answer nothing any more, and say nothing: what still comes is thrown away until the peer gives up."""
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- what leaves --------------------------------------------------------------------------------------------------

    def sent(self, data: bytes) -> bytes:
        """Octets are about to leave: what is written in their place (`smppd.transport.connection.Gate`)."""
        rules = self._rules
        if rules is not None and rules.has_outward:
            rules.refresh()
            data = b"" if self._muted else self._judge_outward(rules, data)
        if self._watch is not None and data:
            self._watch.sent(data)
        return data

    def _judge_outward(self, rules: SessionBehaviour, data: bytes) -> bytes:
        """What is left of PDUs that are about to leave, each as rules have it."""
        kept: list[bytes] = []
        start = 0
        while start < len(data) and not self._muted:
            end = start + LENGTH.unpack_from(data, start)[0]
            octets = data[start:end]
            start = end
            verdict = self._verdict_outward(rules, octets)
            kept += [octets] if verdict is None else self._kept(octets, verdict)
        return b"".join(kept)

    def _verdict_outward(self, rules: SessionBehaviour, octets: bytes) -> Verdict | None:
        if not rules.concerns_out(HEADER.unpack_from(octets)[1]):
            return None
        try:
            return rules.find_out(decode(octets))
        except DecodeError:
            return None  # a dialect writes what the specification does not know

    def _kept(self, octets: bytes, verdict: Verdict) -> list[bytes]:
        """What leaves now in place of a PDU."""
        number = verdict.sequence_number
        octets = octets if number is None else _numbered(octets, number)
        octets = {"none": b"", "twice": octets * 2}.get(verdict.answer, octets)
        if verdict.delay and not self._engine.agenda.is_full:
            self._hold(Late(self, [octets], verdict.connection, is_answer=False), verdict.delay)
            return []
        if verdict.connection is not None:
            self._end_after_writing(verdict.connection)
        return [octets]

    def _end_after_writing(self, ending: str) -> None:
        """End the connection as soon as what is being written has been; nothing follows it."""
        self._muted = ending != "unbind"
        asyncio.get_running_loop().call_soon(self._end_as, ending)

    def _write_now(self, data: bytes) -> None:
        """Write octets that have been held back, past the rules about what leaves."""
        if self._transport is None or self._closing or not data:
            return
        if self._watch is not None:
            self._watch.sent(data)
        self._transport.write(data)


def _end_of_run(events: Sequence[Any], start: int) -> int:
    """Where the submit_sm end that follow each other from here.

    A message in transaction mode ends a run as well: it stays unanswered, which the next one's window has to know.
    """
    end, count = start + 1, len(events)
    while end < count and events[end].__class__ is SubmitSm and events[end - 1].esm_class & MODE_MASK != TRANSACTION:
        end += 1
    return end


def _numbered(octets: bytes, sequence_number: int) -> bytes:
    """A PDU with another sequence_number."""
    return octets[:NUMBER_AT] + LENGTH.pack(sequence_number) + octets[HEADER_LENGTH:]
