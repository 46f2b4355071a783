"""The SMSC side of one connection: octets to the session, its events to the engine, the answers back in one write.

Nothing is decoded here and nothing is decided here about messages. What is: which part of the engine a request is for,
and what becomes of those beyond the window.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from smppd.engine import broadcast, operations
from smppd.engine.esmes import RECEIPTS, Delivery, Forgotten
from smppd.engine.message import Message
from smppd.engine.ports import DEFERRED
from smppd.engine.submit_multi import submit_multi
from smppd.transport.binding import CLOSE, HEADER, PAUSING, STOP_READING, Binding
from smppd.transport.connection import SUBMIT_SM, SUBMIT_SM_RESP
from smppd.transport.judged import Judged
from smppd.transport.limits import SessionLimits
from smppwire.bulk import requests, submit_sm_resps
from smppwire.constants import RESPONSE_BIT, CommandId, CommandStatus, TlvTag, command_name, status_name
from smppwire.pdus import (
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    BroadcastSm,
    CancelBroadcastSm,
    CancelSm,
    DataSm,
    EnquireLink,
    EnquireLinkResp,
    Pdu,
    QueryBroadcastSm,
    QuerySm,
    ReplaceSm,
    SubmitMulti,
    SubmitSm,
    Tlv,
    Unbind,
)
from smppwire.session import Acknowledged, FramingLost, Refused, ResponseReceived

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from smppd.engine.esmes import Bind, Deliverable, EsmeState
    from smppd.engine.ports import Outbound, Responses
    from smppd.observe.session_counters import SessionCounters

DELIVER_SM: Final = int(CommandId.DELIVER_SM)
DELIVER_SM_RESP: Final = int(CommandId.DELIVER_SM_RESP)
ESME_RINVBNDSTS: Final = int(CommandStatus.ESME_RINVBNDSTS)
ESME_RSYSERR: Final = int(CommandStatus.ESME_RSYSERR)

SUBMITTING: Final = frozenset({SubmitMulti, DataSm, BroadcastSm})
"""Requests beside submit_sm that bring messages: what limits of a session are about."""

ACKNOWLEDGED: Final = (DELIVER_SM_RESP, 0)
"""What a deliver_sm_resp without an error is counted under."""

CONGESTION_STATE: Final = int(TlvTag.CONGESTION_STATE).to_bytes(2, "big") + b"\x00\x01"
"""Tag and length of the TLV of 5.0 that says how full we are."""

LONG_READ: Final = 64 * 1024
"""Octets of one read after which a session waits until the next turn of the loop: about a thousand submit_sm. uvloop
reads a socket that is never empty 32 times in a row (8 MB, half a second of work), and neither other sessions nor
the engine get a word in. What fits into a window is far below."""


class SmscConnection(Judged):
    """One connection of an ESME."""

    def _outbound(self) -> Outbound:
        return self

    # -- what arrives -------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Octets arrived: handle what they hold and answer all of it in one write."""
        if self._closing:
            return
        try:
            now = self._now()
            if self._watch is not None:
                self._watch.received(data)
            session = self._session
            self._backlog = session.inbound_outstanding
            events: Sequence[Any] = session.receive(data, now)
            if events:
                if self._rules is not None:
                    self._handle_all(events, now)
                else:
                    for event in events:
                        if event.__class__ is not SubmitSm:
                            self._handle_all(events, now)
                            break
                    else:
                        self._submit(events, now)
                if self._out:
                    self._flush()
                if self._window:
                    self._halt_when_full()
            if len(data) >= LONG_READ:
                self._let_others_read()
        except Exception as error:  # noqa: BLE001  # whatever it is, it concerns this session alone
            self._fail(error)

    def _handle_all(self, events: Sequence[object], now: float) -> None:
        """Handle events, and those that waited behind a bind or an unbind for its answer."""
        session = self._session
        while events:
            self._handle(events, now)
            if events[-1].__class__ not in PAUSING or self._closing or session.paused:
                return
            events = session.resume(now)

    def _handle(self, events: Sequence[Any], now: float) -> None:
        rules = self._rules
        index = self._handle_runs(events, now) if rules is None else self._judge(rules, events, now)
        for event in events[index:]:
            # The session ends, and serves nothing more. But what the ESME has acknowledged has left the window already:
            # whoever overlooks it here never settles it, and nobody sends it again.
            if event.__class__ is Acknowledged or event.__class__ is ResponseReceived:
                self._handle_one(event, now)

    def _handle_one(self, event: Any, now: float) -> None:
        self._handlers[event.__class__](self, event, now)

    def _handle_runs(self, events: Sequence[Any], now: float) -> int:
        """Handle events in their order, runs of submit_sm together; returns how many before the session ended."""
        count = len(events)
        index = 0
        while index < count and not self._closing:
            event = events[index]
            kind = event.__class__
            if kind is not SubmitSm:
                self._handlers[kind](self, event, now)
                index += 1
                continue
            end = index + 1
            while end < count and events[end].__class__ is SubmitSm:
                end += 1
            self._submit(events if end - index == count else events[index:end], now)
            index = end
        return index

    # -- submit_sm ----------------------------------------------------------------------------------------------------

    def _submit(self, batch: Sequence[SubmitSm], now: float, *, passed: bool = False) -> None:
        """Hand a run of submit_sm to the engine and encode its answers; `passed`: the session's limits let it pass."""
        bind = self._bind
        if self._limits is not None and not passed:
            self._submit_limited(self._limits, batch, now)
            return
        count = len(batch)
        faults = None if bind is None else bind.faults
        if faults is not None and count > 1:
            for pdu in batch:
                if not self._closing:
                    self._submit([pdu], now, passed=passed)
            return
        counters, tally = self._counters, self.tally
        counters.submitted += count
        tally.submitted += count
        if bind is None:
            tally.unaccepted += count
            self._answer_all(batch, ESME_RINVBNDSTS)
            return
        if self._window and self._backlog >= self._window and self._overflow(batch, bind):
            tally.unaccepted += count
            return
        if bind.responses is not None:
            self._submit_in_dialect(batch, bind, bind.responses, now)
            return
        answers = self._engine.submit(bind, batch, self._fate)
        if faults is not None:
            self._engine.report_early(bind, answers)
        tail = b"\0"
        if self._tells_congestion:
            tail += CONGESTION_STATE + bytes((self._congestion(bind, SUBMIT_SM_RESP),))
        octets, accepted = submit_sm_resps(batch, answers, tail)
        if octets:
            self._out.append(octets)
        if accepted != count:
            if self._engine.witness is not None:
                self._engine.witness.refused(bind, batch, answers)
            statuses = counters.statuses_out
            for answer in answers:
                if answer == DEFERRED:
                    self._deferred += 1
                    count -= 1
                elif answer.__class__ is not bytes:
                    statuses[SUBMIT_SM_RESP, cast("int", answer)] += 1
                    tally.refuse(cast("int", answer), 1)
            counters.pdus_out[SUBMIT_SM_RESP] += count - accepted
            tally.unaccepted += len(batch) - accepted
        counters.accepted += accepted
        self._session.answered(count)
        counters.submit_response.observe_many(self._now() - now, count)

    def _submit_limited(self, limits: SessionLimits, batch: Sequence[SubmitSm], now: float) -> None:
        """The same where the session has limits of its own: the first of a run may pass, the others are refused."""
        passing, status = limits.admit(len(batch), self._engine.clock.now())
        self.limits = limits  # gone, if the throttle has ended and there is no rate
        if passing:
            self._submit(batch[:passing], now, passed=True)
        over = batch[passing:]
        if over and not self._closing:
            self._counters.submitted += len(over)
            self.tally.submitted += len(over)
            self.tally.unaccepted += len(over)
            self._refuse_over(over, status)

    def _refuse_over(self, batch: Sequence[Pdu], status: int) -> None:
        """Refuse requests beyond the session's own limits."""
        if self._bind is not None:
            self._counters.throttled(self._bind.esme.system_id, "session", len(batch))
        self._answer_all(batch, status)

    def _submit_in_dialect(self, batch: Sequence[SubmitSm], bind: Bind, responses: Responses, now: float) -> None:
        """The same where the account's dialect has responses of its own."""
        if SUBMIT_SM in responses.unsupported:
            self.tally.unaccepted += len(batch)
            for pdu in batch:
                self._is_unsupported(pdu)
            return
        added = CONGESTION_STATE + bytes((self._congestion(bind, SUBMIT_SM_RESP),)) if self._tells_congestion else b""
        answers = self._engine.submit(bind, batch, self._fate)
        if bind.faults is not None:
            self._engine.report_early(bind, answers)
        if self._engine.witness is not None:
            self._engine.witness.refused(bind, batch, answers)
        count = len(batch)
        self.tally.unaccepted += count  # `_send` takes back those that it answers without an error
        for pdu, answer in zip(batch, answers, strict=True):
            if isinstance(answer, bytes):
                number = self._number(responses, pdu.sequence_number)
                self._say(responses.accept(answer, number, added, tlvs=bind.tlvs))
            elif answer == DEFERRED:
                self._deferred += 1
                count -= 1
            else:
                number = self._number(responses, pdu.sequence_number)
                self._say(responses.refuse(SUBMIT_SM_RESP, answer, number, tlvs=bind.tlvs))
        self._session.answered(count)
        self._counters.submit_response.observe_many(self._now() - now, count)

    def _overflow(self, batch: Sequence[Pdu], bind: Bind) -> bool:
        """Deal with requests beyond the account's window; False when they are to be served all the same."""
        over = self._window_over
        if over == STOP_READING:
            return False  # they had been read before reading stopped
        context = self._context
        context.counters.throttled(bind.esme.system_id, "window", len(batch))
        if over != CLOSE:
            self._answer_all(batch, cast("int", over))
            return True
        context.counters.protocol_errors["window_overflow"] += 1
        context.error_log.report("window_overflow", session=self.name, peer=self._peer, system_id=bind.esme.system_id)
        self._because("window_overflow")
        self._unbind_and_close()
        return True

    def _congestion(self, bind: Bind, command_id: int) -> int:
        """The congestion_state that a response tells: how full the server or its own window is, in percent."""
        congestion = self._context.engine.congestion(bind)
        if self._window:
            congestion = max(congestion, min(100, 100 * self._backlog // self._window))
        return congestion if bind.faults is None else bind.faults.congestion(command_id, congestion)

    def _answer_all(self, batch: Iterable[Pdu], status: int) -> None:
        """Answer requests with 16 octets and one status, unless a dialect has more to say."""
        responses = self._responses
        if responses is not None:
            for pdu in batch:
                number = self._number(responses, pdu.sequence_number)
                octets = responses.refuse(pdu.command_id | RESPONSE_BIT, status, number, tlvs=self._takes_tlvs)
                self._session.answered(1)
                self._say(octets)
            if self._halted:
                self._relieve()
            return
        count = 0
        response_id = 0
        for pdu in batch:
            count += 1
            response_id = pdu.command_id | 0x80000000
            self._out.append(HEADER.pack(16, response_id, status, pdu.sequence_number))
        if count:
            self._context.counters.pdus_out[response_id] += count
            self._context.counters.statuses_out[response_id, status] += count
            self.tally.refuse(status, count)
            self._session.answered(count)
            if self._halted:
                self._relieve()

    # -- answers to us, and mistakes ----------------------------------------------------------------------------------

    def _on_acknowledged(self, event: Acknowledged, _now: float) -> None:
        counters = self._counters
        responses: list[tuple[Any, int]] = event.responses
        count = len(responses)
        counters.pdus_in[DELIVER_SM_RESP] += count
        for _, status in responses:
            if status:
                count -= 1
                counters.statuses_in[DELIVER_SM_RESP, status] += 1
        if count:
            counters.statuses_in[ACKNOWLEDGED] += count
        tally = self.tally
        tally.deliveries_answered += len(responses)
        if count != len(responses):
            tally.deliveries_refused += len(responses) - count
        bind = self._bind
        if tally.others_sent or (bind is not None and bind.others):
            self._count_others(responses)
        self._engine.acknowledged(responses)

    def _count_others(self, responses: Iterable[tuple[Any, int]]) -> None:
        """Count what is no receipt and was answered without an error."""
        self.tally.others_acknowledged += sum(
            not status and item.__class__ not in RECEIPTS for item, status in responses
        )

    def count_now(self) -> SessionCounters:
        """What the session has counted up to now."""
        if self._bind is not None:
            self.tally.others_sent += self._bind.others
            self._bind.others = 0
        return self.tally

    def _on_response(self, event: ResponseReceived, _now: float) -> None:
        """The answer to a request of ours other than a plain deliver_sm_resp."""
        counters = self._context.counters
        status = event.pdu.command_status
        counters.pdus_in[event.pdu.command_id] += 1
        counters.statuses_in[event.pdu.command_id, status] += 1
        request = event.request
        if isinstance(request, (Message, Delivery)):
            # A data_sm_resp, or a generic_nack: one without an error status refuses all the same.
            if not status and event.pdu.command_id == CommandId.GENERIC_NACK:
                status = ESME_RSYSERR
            self.tally.deliveries_answered += 1
            self.tally.deliveries_refused += bool(status)
            self._count_others([(request, status)])
            self._context.engine.acknowledged([(request, status)])
            return
        self.tally.other_in += 1
        if isinstance(request, Unbind):
            self._end_bind(by="SMSC")
            self.close()

    def _on_refused(self, event: Refused, _now: float) -> None:
        """The session refused a PDU; it has written the answer already, if there is one to give."""
        context = self._context
        self._count_in(event.command_id)
        context.counters.protocol_errors[event.kind] += 1
        if event.reply is not None:
            self._say(self._in_dialect(event.reply))
        context.error_log.report(
            event.kind,
            session=self.name,
            peer=self._peer,
            command=command_name(event.command_id),
            status=status_name(event.status),
            field=event.field or "",
            rule=event.rule,
        )

    def _on_framing_lost(self, event: FramingLost, _now: float) -> None:
        """The stream cannot be understood any more: say so and close."""
        context = self._context
        context.counters.protocol_errors[event.kind] += 1
        context.error_log.report(event.kind, session=self.name, peer=self._peer, rule=event.rule)
        self._because("framing_lost")
        self._say(self._in_dialect(event.reply))
        self.close()

    def _in_dialect(self, reply: bytes) -> bytes:
        """A refusal that the session has written, as the dialect has it."""
        responses = self._responses
        if responses is None:
            return reply
        _, command_id, status, number = HEADER.unpack_from(reply)
        return responses.refuse(command_id, status, self._number(responses, number), tlvs=self._takes_tlvs)

    # -- other requests -----------------------------------------------------------------------------------------------

    def _on_enquire_link(self, pdu: EnquireLink, now: float) -> None:
        self._count_in(pdu.command_id)
        faults = self._context.session_faults
        if faults is not None and faults.ignores_enquire_link(self):
            self._session.abandon(pdu)
        elif not self._is_unsupported(pdu):
            self._respond(pdu, EnquireLinkResp(), now)

    def _on_query_sm(self, pdu: QuerySm, now: float) -> None:
        self._operate(pdu, now, operations.query)

    def _on_cancel_sm(self, pdu: CancelSm, now: float) -> None:
        self._operate(pdu, now, operations.cancel)

    def _on_replace_sm(self, pdu: ReplaceSm, now: float) -> None:
        self._operate(pdu, now, operations.replace)

    def _on_submit_multi(self, pdu: SubmitMulti, now: float) -> None:
        self._operate(pdu, now, partial(submit_multi, fate=self._fate))

    def _on_data_sm(self, pdu: DataSm, now: float) -> None:
        self._operate(pdu, now, partial(operations.data, fate=self._fate))

    def _on_broadcast_sm(self, pdu: BroadcastSm, now: float) -> None:
        self._operate(pdu, now, broadcast.submit)

    def _on_query_broadcast_sm(self, pdu: QueryBroadcastSm, now: float) -> None:
        self._operate(pdu, now, broadcast.query)

    def _on_cancel_broadcast_sm(self, pdu: CancelBroadcastSm, now: float) -> None:
        self._operate(pdu, now, broadcast.cancel)

    def _operate(self, pdu: Pdu, now: float, operation: Callable[..., Pdu | int]) -> None:
        """Answer one request from the engine's record, unless the engine does so later (DEFERRED)."""
        context = self._context
        self._count_in(pdu.command_id)
        bind = self._bind
        if bind is None:
            self._answer_all([pdu], ESME_RINVBNDSTS)
            return
        if self._is_unsupported(pdu):
            return
        if self._window and self._backlog >= self._window and self._overflow([pdu], bind):
            return
        if self._limits is not None and pdu.__class__ in SUBMITTING:
            passing, status = self._limits.admit(1, self._engine.clock.now())
            if not passing:
                self._refuse_over([pdu], status)
                return
        response = operation(context.engine, bind, pdu)
        if isinstance(response, int):
            self._deferred += 1
        elif response.command_status:
            self._answer_all([pdu], response.command_status)
        else:
            self._respond(pdu, self._in_version(response, bind), now)

    def _in_version(self, response: Any, bind: Bind) -> Pdu:
        """A response as the session's version has it: without TLVs below 3.4, with congestion_state from 5.0 on."""
        if not bind.tlvs:
            response.tlvs = ()
        elif self._tells_congestion:
            congestion = self._congestion(bind, response.command_id)
            response.tlvs += (Tlv(TlvTag.CONGESTION_STATE, bytes((congestion,))),)
        return cast("Pdu", response)

    # -- what the engine sends (engine.ports.Outbound) ----------------------------------------------------------------

    def room(self) -> int:
        """How many deliver_sm may leave now."""
        if not self._writable or self._closing or self._unbinding:
            return 0
        return self._session.window.room

    def deliver(self, bodies: Sequence[bytes], items: Sequence[Deliverable], command_id: int = DELIVER_SM) -> None:
        """Send deliver_sm, or data_sm, in one write; `items` wait in the window for their responses."""
        numbers = self._session.register_many(command_id, items, self._now())
        self._out.append(requests(command_id, numbers, bodies))
        count = len(items)
        self._counters.pdus_out[command_id] += count
        self.tally.deliveries_sent += count
        self._flush()

    def answer(self, request: Pdu, response: Pdu) -> None:
        """Send the answer to a request that was deferred, with its body whatever its status."""
        self._deferred -= 1
        bind = self._bind
        if self._closing or bind is None:
            self._session.abandon(request)
            return
        if not response.command_status or response.tlvs:
            response = self._in_version(response, bind)
        mark = len(self._out)
        self._respond(request, response, self._context.monotonic())
        if self._verdicts:
            self._answered_late(request, mark)
        self._flush()
        if self._halted:
            self._relieve()

    def notify(self, pdu: Pdu) -> None:
        """Send a PDU that nobody answers."""
        self._ask(pdu, None, self._context.monotonic())
        self._flush()

    # -- what it may do, as somebody sets it while it is bound --------------------------------------------------------

    @property
    def limits(self) -> SessionLimits:
        """What limits this session beside its account; without effect where nothing does."""
        return self._limits or SessionLimits()

    @limits.setter
    def limits(self, limits: SessionLimits) -> None:
        self._limits = None if limits.is_idle else limits

    def lift_limits(self) -> None:
        """Limit the session as its account says, and by nothing that somebody has set for it alone."""
        account = self._account
        if account is not None:
            self._limits = None
            self.window = account.settings.window
            self.deliver_window = account.settings.deliver_window

    @property
    def window(self) -> int:
        """How many requests of the ESME may be unanswered; 0: any number. Holds from the next request on."""
        return self._window

    @window.setter
    def window(self, size: int) -> None:
        self._window = size
        if self._halted:
            self._relieve()

    @property
    def deliver_window(self) -> int:
        """How many of our requests may be unanswered; 0: any number. Holds from the next request on."""
        return self._session.window.limit

    @deliver_window.setter
    def deliver_window(self, size: int) -> None:
        self._session.window.limit = size
        if self._bind is not None:
            self._engine.bind_has_room(self._bind)

    def forget(self, keeps: Callable[[Deliverable], bool], esme: EsmeState) -> None:
        """Of what is on its way, keep what this says, and put a `Forgotten` of the account in the place of the rest."""
        entries = self._session.window.entries
        for number, (context, sent_at, response_id) in entries.items():
            if isinstance(context, (Message, Delivery)) and not keeps(context):
                entries[number] = (Forgotten(esme), sent_at, response_id)

    # -- what is done with each kind of event; runs of submit_sm have a way of their own --

    _handlers: ClassVar[dict[type, Callable[[SmscConnection, object, float], None]]] = cast(
        "dict[type, Callable[[SmscConnection, object, float], None]]",
        {
            Acknowledged: _on_acknowledged,
            ResponseReceived: _on_response,
            Refused: _on_refused,
            FramingLost: _on_framing_lost,
            BindReceiver: Binding.on_bind,
            BindTransmitter: Binding.on_bind,
            BindTransceiver: Binding.on_bind,
            Unbind: Binding.on_unbind,
            EnquireLink: _on_enquire_link,
            SubmitMulti: _on_submit_multi,
            DataSm: _on_data_sm,
            QuerySm: _on_query_sm,
            CancelSm: _on_cancel_sm,
            ReplaceSm: _on_replace_sm,
            BroadcastSm: _on_broadcast_sm,
            QueryBroadcastSm: _on_query_broadcast_sm,
            CancelBroadcastSm: _on_cancel_broadcast_sm,
        },
    )
