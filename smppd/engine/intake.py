"""The intake: what is accepted, under which message_id, and what is refused with which command_status.

`Intake.submit` is the way of nearly every message, and knows three kinds: plain ones (no times, no parts, no mode,
towards a route that decides at once) are taken in batches; others one by one; and those with times of their own by
`accept`, as are the messages of data_sm and submit_multi.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import repeat
from typing import TYPE_CHECKING, Final

from smppd.engine.history import SCHEDULED as SCHEDULED_FOR
from smppd.engine.ids import HEX_ID_LENGTH
from smppd.engine.message import (
    ENROUTE,
    MODE_MASK,
    ONE_ATTEMPT,
    RECEIPT_BITS,
    SCHEDULED,
    TRANSACTION,
    UNDECIDED,
    DataRecord,
    Group,
    Message,
    lifetime_of,
)
from smppd.engine.ports import DEFERRED
from smppd.engine.queues import PASSES, WAITS, RouteState
from smppwire.constants import CommandId, CommandStatus
from smppwire.errors import TextError
from smppwire.smpp_time import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from smppd.engine.esmes import Bind, EsmeState
    from smppd.engine.ledger import Ledger
    from smppd.engine.life import Life
    from smppd.engine.ports import Clock, Fate, Observer
    from smppd.engine.router import Router
    from smppd.settings import Messages
    from smppwire.pdus import DataSm, SubmitSm

DATA_SM: Final = int(CommandId.DATA_SM)
SUBMIT_MULTI: Final = int(CommandId.SUBMIT_MULTI)
ALL_RIGHT: Final = repeat(int(CommandStatus.ESME_ROK))
"""Statuses for any number of PDUs with which nothing is wrong."""

RINVDSTADR: Final = int(CommandStatus.ESME_RINVDSTADR)
RINVEXPIRY: Final = int(CommandStatus.ESME_RINVEXPIRY)
RINVSCHED: Final = int(CommandStatus.ESME_RINVSCHED)
RMSGQFUL: Final = int(CommandStatus.ESME_RMSGQFUL)


class Intake:
    """Accepts messages: judges them, finds their routes, and hands them to `Life`."""

    def __init__(self, ledger: Ledger, life: Life, *, clock: Clock, observer: Observer) -> None:
        """Accept messages into `ledger`, and begin their `life`."""
        self._ledger = ledger
        self._life = life
        self._now = clock.now
        self._wall = clock.wall
        self._observer = observer

    def configure(self, settings: Messages, router: Router[RouteState]) -> None:
        """Take new limits and routes, for what is submitted from now on."""
        self._validity = settings.default_validity
        self._max_validity = settings.max_validity
        self._transaction_timeout = settings.transaction_timeout
        self._router = router
        self._life.change_routes(one=router.only is not None)

    # -- submit_sm ----------------------------------------------------------------------------------------------------

    def submit(self, bind: Bind, pdus: Sequence[SubmitSm], fate: Fate | None = None) -> list[bytes | int]:
        """Take a batch of submit_sm of one session; `fate`: what is decided about them beforehand, if anything.

        Returns, for each, the message_id it was accepted under, or the command_status that refuses it, or DEFERRED
        when its outcome is its answer.
        """
        now = self._now()
        wall = self._wall()
        statuses = bind.judge.statuses(pdus)
        if bind.faults is not None:
            statuses = bind.faults.judge(pdus, statuses)
        answers: list[bytes | int] = []
        if not (
            fate is not None
            or bind.esme.throughput is not None
            or not bind.is_plain
            or self._life.peers.active
            or self._ledger.live + len(pdus) > self._ledger.limit
        ):
            self._submit_plain(bind, pdus, statuses, answers, now, wall)
        done = len(answers)
        if done < len(pdus):
            self._submit_any(bind, pdus[done:], statuses and statuses[done:], answers, now, wall, fate)
        return answers

    def _submit_plain(
        self,
        bind: Bind,
        pdus: Sequence[SubmitSm],
        statuses: Sequence[int] | None,
        answers: list[bytes | int],
        now: float,
        wall: float,
    ) -> None:
        """Take the first of a batch, as long as nothing is special about them: their route decides at once.

        They go their way in lists whose messages have the bind, the outcome and the registered_delivery in common, so
        that the next turn of the loop need not look at each of them.
        """
        esme = bind.esme
        only = self._router.only
        ledger = self._ledger
        number, shelf = ledger.messages.newest()
        expires_at = now + self._validity
        route: RouteState | None = None
        outcome = UNDECIDED
        asked = 0
        batch: list[Message] = []
        next_id = ledger.ids(len(pdus))
        for pdu, status in zip(pdus, statuses or ALL_RIGHT):  # noqa: B905  # there is one for each
            if status:
                answers.append(status)
                continue
            if (
                pdu.esm_class
                or pdu.tlvs
                or pdu.schedule_delivery_time
                or pdu.validity_period
                or pdu.replace_if_present_flag
            ):
                break
            towards = only or self._router.find(esme.system_id, pdu)
            registered = pdu.registered_delivery
            if towards is not route or registered != asked or route is None:
                if towards is None:
                    answers.append(RINVDSTADR)
                    continue
                at_once = towards.at_once
                if at_once is None or registered > RECEIPT_BITS:
                    break
                route = towards
                if batch and (at_once is not outcome or registered != asked):
                    self._life.decided(batch)
                    batch = []
                outcome, asked = at_once, registered
            message_id = b"%d" % next_id
            next_id += 1
            message = Message(message_id, pdu, esme, bind, route, now, wall, expires_at, outcome, number)
            shelf[message_id] = message
            batch.append(message)
            answers.append(message_id)
        if batch:
            ledger.next_id = next_id
            self._life.decided(batch)

    def _submit_any(
        self,
        bind: Bind,
        pdus: Sequence[SubmitSm],
        statuses: Sequence[int] | None,
        answers: list[bytes | int],
        now: float,
        wall: float,
        fate: Fate | None,
    ) -> None:
        """Take what comes, message by message."""
        esme = bind.esme
        system_id = esme.system_id
        limiter = esme.throughput
        find_route = self._router.find
        messages = self._ledger.messages
        pending = self._ledger.pending
        spell = bind.spell
        accepts_first = esme.dialect.accepts_first
        expires_at = now + self._validity
        free = self._ledger.limit - self._ledger.live
        answer = answers.append
        dispatch: list[Message] = []
        told: list[Message] = []
        accepted: list[Message] = []
        throttled = 0
        overflowing = 0
        next_id = self._ledger.ids(len(pdus))
        is_50 = bind.is_50
        for pdu, status in zip(pdus, statuses or ALL_RIGHT):  # noqa: B905  # there is one for each
            if status:
                answer(status)
                continue
            if limiter is not None and not limiter.admit(pdu, now):
                throttled += 1
                answer(esme.over_status)
                continue
            route = find_route(system_id, pdu)
            if route is None:
                answer(RINVDSTADR)
                continue
            if free <= 0:
                overflowing += 1
                answer(RMSGQFUL)
                continue
            if (
                pdu.schedule_delivery_time
                or pdu.validity_period
                or pdu.replace_if_present_flag
                or pdu.esm_class & MODE_MASK
                or (is_50 and pdu.tlvs and lifetime_of(bind, pdu) is not None)
            ):
                # It may find what came before it, and must not overtake it: neither in time nor in the network's dice.
                self._ledger.next_id = next_id
                if accepted:
                    self._let_in(esme, accepted, told, dispatch, now)
                answer(self._submit_timed(bind, pdu, route, now, wall, fate))
                accepted = []
                dispatch = []
                told = []
                next_id = self._ledger.next_id
                free = self._ledger.limit - self._ledger.live
                pending = self._ledger.pending
                continue
            if route.throughput is not None:
                status = self._judge(esme, route, pdu, now)
                if status > 0:
                    answer(status)
                    continue
            message_id = b"%d" % next_id if spell is None else spell(next_id)
            next_id += 1
            message = Message(message_id, pdu, esme, bind, route, now, wall, expires_at)
            messages.put(message)
            if pending is not None:
                pending.add(message)
            if pdu.esm_class or pdu.tlvs:
                self._life.multipart.take(message, now)
            route.states[ENROUTE] += 1
            accepted.append(message)
            free -= 1
            if fate is not None:
                self._life.foretell(message, fate)
            if accepts_first:
                told.append(message)
            if status == WAITS:
                self._life.enqueue(message)
            else:
                dispatch.append(message)
            answer(message_id)
        self._ledger.next_id = next_id
        if accepted:
            self._let_in(esme, accepted, told, dispatch, now)
        if throttled:
            self._observer.throttled(system_id, "account", throttled)
        if overflowing:
            self._observer.throttled(system_id, "limit", overflowing)

    def _let_in(
        self, esme: EsmeState, accepted: list[Message], told: list[Message], dispatch: list[Message], now: float
    ) -> None:
        """Count new messages, tell the ESME of those that it is to be told of, and send these on their way."""
        if self._life.witness is not None:
            self._life.witness.accepted(accepted)
        self._ledger.enter(esme, len(accepted))
        for message in told:
            self._life.tell_accepted(message, now)
        self._life.dispatch(dispatch, now)
        self._life.wake()

    def _judge(self, esme: EsmeState, route: RouteState, pdu: SubmitSm, now: float) -> int:
        """What the route says (`RouteState.judge`), refusals counted."""
        status = route.judge(pdu, now)
        if status > 0:
            self._observer.throttled(esme.system_id, "queue" if route.paces else "route", 1)
        return status

    def _submit_timed(
        self, bind: Bind, pdu: SubmitSm, route: RouteState, now: float, wall: float, fate: Fate | None
    ) -> bytes | int:
        times = self.times_of(pdu.schedule_delivery_time, pdu.validity_period, now, wall, lifetime_of(bind, pdu))
        if isinstance(times, int):
            return times
        if pdu.replace_if_present_flag and pdu.esm_class & MODE_MASK not in ONE_ATTEMPT:
            replaced = self._replace_present(bind, pdu, *times)
            if replaced is not None:
                if fate is not None:
                    self._life.foretell(replaced, fate)
                return replaced.message_id
        message = self.accept(bind, pdu, route, now=now, wall=wall, start_at=times[0], expires_at=times[1], fate=fate)
        if isinstance(message, int):
            return message
        return DEFERRED if self._life.answer_with_outcome(message, bind, pdu) else message.message_id

    def _replace_present(self, bind: Bind, pdu: SubmitSm, start_at: float, expires_at: float) -> Message | None:
        """Replace the newest pending message with the same source, destination and service_type (5.2.18).

        It keeps its message_id and its place; all else, its times included, is as submitted now. A session below 3.4
        finds only what has an id that its responses have room for.
        """
        for message in reversed(self._ledger.pending_towards(bind.esme, pdu.destination_addr)):
            old = message.pdu
            if (
                not (bind.hex_ids and len(message.message_id) > HEX_ID_LENGTH)
                and old.source_addr == pdu.source_addr
                and old.source_addr_ton == pdu.source_addr_ton
                and old.source_addr_npi == pdu.source_addr_npi
                and old.dest_addr_ton == pdu.dest_addr_ton
                and old.dest_addr_npi == pdu.dest_addr_npi
                and old.service_type == pdu.service_type
                and old.esm_class & MODE_MASK not in ONE_ATTEMPT
            ):
                message.pdu = pdu
                self._life.replaced(message, self._now())
                self._life.reschedule(message, start_at, expires_at)
                return message
        return None

    # -- all that is no plain submit_sm -------------------------------------------------------------------------------

    def accept(
        self,
        bind: Bind,
        pdu: SubmitSm,
        route: RouteState,
        *,
        now: float,
        wall: float,
        start_at: float,
        expires_at: float,
        message_id: bytes | None = None,
        group: Group | None = None,
        held: list[tuple[Message, int]] | None = None,
        fate: Fate | None = None,
    ) -> Message | int:
        """Take one message off the beaten track: scheduled, with a validity of its own, or one of a submit_multi.

        The caller has judged the PDU and found the route. Returns the message, or the command_status that refuses it:
        ESME_RINVSCHED also when it shall be scheduled in a mode that delivers at once. With `held` the message is
        appended there, and stays where it is until it is handed to `let_go`. `fate` is what is decided about it
        beforehand.
        """
        esme = bind.esme
        if self._ledger.live >= self._ledger.limit:
            self._observer.throttled(esme.system_id, "limit", 1)
            return RMSGQFUL
        is_scheduled = start_at > now
        mode = pdu.esm_class & MODE_MASK
        if mode in ONE_ATTEMPT and is_scheduled:
            return RINVSCHED
        if mode == TRANSACTION:
            expires_at = min(expires_at, now + self._transaction_timeout)
        status = PASSES if is_scheduled else self._judge(esme, route, pdu, now)
        if status > 0:
            return status
        if message_id is None:
            message_id = self._ledger.take_id(bind.spell)
        message = Message(message_id, pdu, esme, bind, route, now, wall, expires_at)
        message.group = group
        if group is not None and group.members:
            message.shelf = next(iter(group.members)).shelf  # they share an entry
            self._ledger.messages.changed(message)
        else:
            self._ledger.messages.put(message)
        if group is not None:
            group.members[message] = None
        if self._ledger.pending is not None:
            self._ledger.pending.add(message)
        if pdu.esm_class or pdu.tlvs:
            self._life.multipart.take(message, now)
        self._ledger.intake += 1
        self._ledger.live += 1
        self._ledger.in_flight += 1
        message.state = SCHEDULED if is_scheduled else ENROUTE
        esme.states[message.state] += 1
        route.states[message.state] += 1
        if self._life.witness is not None:
            self._life.witness.accepted((message,))
        if is_scheduled:
            self._ledger.history.note(message, SCHEDULED_FOR, after=start_at - now)
        if fate is not None:
            self._life.foretell(message, fate)
        if esme.dialect.accepts_first and held is None:
            self._life.tell_accepted(message, now)
        if held is not None:
            if is_scheduled:
                message.next_at = start_at
            route.reserved += status == WAITS
            held.append((message, status))
        elif is_scheduled:
            self._life.plan(message, start_at)
        elif status == WAITS:
            self._life.enqueue(message)
        else:
            self._life.dispatch([message], now)
        self._life.wake()
        return message

    def let_go(self, held: Iterable[tuple[Message, int]]) -> None:
        """Send those on their way that `accept` has held: their submit_multi is answered."""
        now = self._now()
        dispatch: list[Message] = []
        for message, status in held:
            message.route.reserved -= status == WAITS
            if message.esme.dialect.accepts_first and not message.is_final:
                self._life.tell_accepted(message, now)
            if message.state == SCHEDULED:
                self._life.plan(message, message.next_at)
            elif message.state == ENROUTE:
                if status == WAITS:
                    self._life.enqueue(message)
                else:
                    dispatch.append(message)
        self._life.dispatch(dispatch, now)
        self._life.wake()

    # -- what is asked before -----------------------------------------------------------------------------------------

    def route_of(self, bind: Bind, pdu: SubmitSm) -> RouteState | None:
        """The route this PDU would take."""
        return self._router.find(bind.esme.system_id, pdu)

    def route_for(self, system_id: str, pdu: SubmitSm | DataSm) -> RouteState | None:
        """The route a message of this account would take, whoever is bound."""
        # A data_sm has all fields that routes ask about, under the same names.
        return self._router.find(system_id, pdu)  # type: ignore[arg-type]

    def admit_to_account(self, bind: Bind, pdu: SubmitSm) -> int:
        """0 when the account's throughput window lets one more message pass, else the refusing command_status.

        `pdu` is the record of a data_sm, or of one destination of a submit_multi.
        """
        esme = bind.esme
        if bind.faults is not None:
            status = bind.faults.refuse(DATA_SM if isinstance(pdu, DataRecord) else SUBMIT_MULTI, pdu)
            if status:
                return status
        if esme.throughput is None or esme.throughput.admit(pdu, self._now()):
            return 0
        self._observer.throttled(esme.system_id, "account", 1)
        return esme.over_status

    def validity(self, seconds: float | None) -> float:
        """How long a message lives that asked for so many seconds, or for nothing in particular."""
        return self._validity if seconds is None else min(seconds, self._max_validity)

    def times_of(
        self, schedule: bytes, validity: bytes, now: float, wall: float, lifetime: int | None = None
    ) -> tuple[float, float] | int:
        """When delivery may start and when it ends (engine seconds), or the command_status that refuses the times.

        A schedule in the past means now (SMPP 3.4 section 5.2.15 is silent, message centres do so); a validity that
        is over, or ends before the schedule, is ESME_RINVEXPIRY. A lifetime in seconds supersedes the validity. One
        that is too long is cut to the longest there is, counted from the start as the default is.
        """
        moment = datetime.fromtimestamp(wall, UTC)
        try:
            start = parse_time(schedule, moment)
        except TextError:
            return RINVSCHED
        try:
            end = parse_time(validity, moment)
        except TextError:
            return RINVEXPIRY
        start_at = now if start is None else now + max(0.0, start.timestamp() - wall)
        if lifetime is not None:
            expires_at = now + lifetime
        elif end is not None:
            expires_at = now + (end.timestamp() - wall)
        else:
            return start_at, start_at + self.validity(None)
        if expires_at < start_at:
            return RINVEXPIRY
        return start_at, min(expires_at, start_at + self._max_validity)
