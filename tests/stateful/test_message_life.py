"""The life of messages under anything that may happen to them, beside a model that knows what must become of each.

Messages are submitted in every mode, scheduled, queried, cancelled and replaced; subscribers are absent and come back;
outcomes come, validities end; binds come and go, acknowledge, refuse, or keep silent; and time passes. After every step
the engine and the model agree: about every state and error, about what has been told to whom, and that nothing is lost,
doubled, or sent by two ways at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from smppd.engine import operations
from smppd.engine.esmes import Deliverable, HandsetAcknowledgement, address_of
from smppd.engine.message import DELETED, ENROUTE, EXPIRED, NEVER, SCHEDULED, Message
from smppd.engine.ports import DEFERRED, Attempt, Outcome
from smppd.settings import Messages, Queue, Throughput
from smppwire.constants import TlvTag
from smppwire.pdus import CancelSm, DataSm, DataSmResp, DeliverSm, QuerySm, ReplaceSm, SubmitSm, Tlv
from tests.engine.world import (
    ACCEPTED,
    ALICE,
    BOB,
    DELIVERED,
    REJECTED,
    UNDELIVERABLE,
    Phone,
    World,
    after,
    route,
    sms,
    status,
)

VALIDITY = 86_400.0
RETRY = [2.0, 4.0, 8.0]
TIMEOUT = 10.0
PACE = 4
QUEUE = 3

QUARTERS = st.integers(1, 80).map(lambda count: count / 4)
"""Seconds, all of them exact as floating point numbers: what is due at an instant is due exactly then."""
FATES = st.builds(
    after,
    st.sampled_from([0.0, 0.0, 0.25, 1.0, 5.0, 20.0]),
    st.sampled_from([DELIVERED, DELIVERED, UNDELIVERABLE, ACCEPTED, REJECTED]),
    st.sampled_from([0, 13]),
)
ABSENT = Outcome(ENROUTE, 27)
ABSENCES = st.sampled_from([0.0, 0.0, 0.0, 1.0, 5.0, 15.0, 60.0])
"""Seconds for which a subscriber is absent, from the first attempt on."""
REGISTERED = st.sampled_from([0x00, 0x01, 0x01, 0x01, 0x02, 0x11, 0x20, 0x05, 0x0D])
MODES = st.sampled_from([0, 0, 0, 3, 1])
DATAGRAM, TRANSACTION = 1, 2
DPF_REQUESTED = Tlv(TlvTag.SET_DPF, b"\1")
TIMES = st.fixed_dictionaries({}, optional={"start": st.integers(1, 20), "life": st.integers(1, 40)})
RETRYABLE = ("ESME_RX_T_APPN", "ESME_RMSGQFUL", "ESME_RTHROTTLED")
FINAL_REFUSALS = ("ESME_RX_P_APPN", "ESME_RX_R_APPN", "ESME_RUNKNOWNERR")


def relative(seconds: int) -> bytes:
    return b"00000000%02d%02d000R" % divmod(seconds, 60)


@dataclass(eq=False)
class Life:
    """What the model knows of one message."""

    message_id: bytes
    account: str
    destination: bytes
    registered: int
    start_at: float
    expires_at: float
    own_validity: bool
    was_scheduled: bool
    fate: Attempt
    source: bytes
    reference: int
    mode: int = 0
    asker: Phone | None = None
    tries: list[tuple[float, Attempt]] = field(default_factory=list)
    moved: bool = False
    state: int = ENROUTE
    final_at: float = 0.0
    error_code: int = 0
    next_try: float = NEVER
    told: int = 0
    done: bool = False
    acks: set[int] = field(default_factory=set)
    """The acknowledgements of the handset that are still to be told."""
    answered: int = 0

    @property
    def is_final(self) -> bool:
        return self.state not in (SCHEDULED, ENROUTE)

    @property
    def wants_receipt(self) -> bool:
        wanted = 0 if self.tries_once else self.registered & 3
        return wanted == 1 or (wanted == 2 and self.state not in (DELIVERED, ACCEPTED))

    @property
    def tries_once(self) -> bool:
        return self.mode in (DATAGRAM, TRANSACTION)

    @property
    def failed_at(self) -> float:
        """When the last attempt fails, or has failed, temporarily; never when it does not."""
        if not self.tries or self.tries[-1][1].outcome != ABSENT:
            return NEVER
        return self.tries[-1][0] + self.tries[-1][1].delay

    def failures(self, now: float) -> int:
        return sum(attempt.outcome == ABSENT and at + attempt.delay <= now for at, attempt in self.tries)

    def awaits_retry(self, now: float) -> bool:
        return not self.is_final and self.failed_at <= now < self.next_try

    @property
    def owes(self) -> bool:
        """Whether its account has still to be told."""
        return self.is_final and self.wants_receipt and not self.done

    def end(self, state: int, at: float, error_code: int = 0) -> None:
        self.state = state
        self.final_at = at
        self.error_code = error_code
        if state == DELIVERED and not self.tries_once:
            self.acks = {esm_class for bit, esm_class in ((0x04, 0x08), (0x08, 0x10)) if self.registered & bit}

    def pass_time(self, now: float) -> None:
        if self.is_final:
            return
        if self.state == SCHEDULED and self.start_at <= now:
            self.state = ENROUTE
        if self.failures(min(now, self.expires_at)):
            self.error_code = ABSENT.error_code
        if self.tries:
            tried_at, (delay, outcome) = self.tries[-1]
            if tried_at + delay <= min(now, self.expires_at):
                if outcome != ABSENT:
                    self.end(outcome.state, tried_at + delay, outcome.error_code)
                    return
                if self.tries_once:
                    self.end(UNDELIVERABLE, tried_at + delay, outcome.error_code)
                    return
        if self.expires_at <= now:
            self.end(EXPIRED, self.expires_at, self.error_code)


class FatefulNetwork:
    """A network in which the model decides."""

    def __init__(self) -> None:
        self.fates: dict[bytes, tuple[Attempt, float]] = {}
        self.tried: dict[Message, list[tuple[float, Attempt]]] = {}
        self.first_tried: dict[bytes, float] = {}

    def always(self) -> Attempt | None:
        return None

    def attempt(self, messages: Sequence[Message], now: float) -> Sequence[Attempt]:
        attempts = []
        for message in messages:
            destination = message.pdu.destination_addr
            fate, absent_for = self.fates[destination]
            if now < self.first_tried.setdefault(destination, now) + absent_for:
                fate = Attempt(fate.delay, ABSENT)
            tried = self.tried.setdefault(message, [])
            assert all(at + attempt.delay <= now for at, attempt in tried), "one attempt at a time"
            tried.append((now, fate))
            attempts.append(fate)
        return attempts

    def back_at(self, message: Message, now: float) -> float | None:
        destination = message.pdu.destination_addr
        return self.first_tried[destination] + self.fates[destination][1]


@dataclass
class Model:
    lives: list[Life] = field(default_factory=list)

    def of(self, message_id: bytes) -> Life:
        return next(life for life in self.lives if life.message_id == message_id)

    def acknowledged(self, pdu: SubmitSm | DeliverSm) -> Life:
        reference = int.from_bytes(pdu.tlv(TlvTag.USER_MESSAGE_REFERENCE) or b"", "big")
        return next(life for life in self.lives if life.reference == reference)


class MessageLife(RuleBasedStateMachine):
    """Everything that can happen, and what must be true whatever happens."""

    def __init__(self) -> None:
        super().__init__()
        self.network = FatefulNetwork()
        self.world = World(
            route(
                "slow",
                match={"destination_addr": "44*"},
                throughput=Throughput(limit=PACE, over="queue"),
                queue=Queue(limit=QUEUE),
            ),
            route("rest"),
            network=self.network,
            messages=Messages(retry=RETRY, transaction_timeout=TIMEOUT),
        )
        self.clock = self.world.clock
        self.engine = self.world.engine
        self.model = Model()
        self.phones: list[Phone] = []
        self.kinds: dict[Phone, str] = {}
        self.read: Counter[Phone] = Counter()
        self.numbers = 0

    # What happens.

    @rule(
        account=st.sampled_from([ALICE, BOB]),
        kind=st.sampled_from(["transmitter", "receiver", "transceiver", "transceiver"]),
        window=st.sampled_from([1, 2, 1000]),
    )
    @precondition(lambda self: len(self.phones) < 6)
    def bind(self, account: str, kind: str, window: int) -> None:
        phone = self.world.bind(account, kind, window=window)
        self.phones.append(phone)
        self.kinds[phone] = kind
        self.settle()

    @rule(data=st.data())
    @precondition(lambda self: self.phones)
    def unbind(self, data: st.DataObject) -> None:
        phone = data.draw(st.sampled_from(self.phones))
        self.phones.remove(phone)
        phone.hang_up()
        self.settle()

    @rule(
        data=st.data(),
        messages=st.lists(st.tuples(st.booleans(), REGISTERED, TIMES, FATES, ABSENCES, MODES), min_size=1, max_size=5),
    )
    @precondition(lambda self: self.submitters())
    def submit(
        self, data: st.DataObject, messages: list[tuple[bool, int, dict[str, int], Attempt, float, int]]
    ) -> None:
        phone = data.draw(st.sampled_from(self.submitters()))
        pdus = []
        for is_slow, registered, times, fate, absent_for, mode in messages:
            destination = self.new_subscriber(is_slow, fate, absent_for)
            pdus.append(self.pdu(destination, registered, times, esm_class=mode))
        self.take_in(phone, pdus, [times for _, _, times, _, _, _ in messages])

    @rule(data=st.data(), is_slow=st.booleans(), registered=REGISTERED, fate=FATES, absent_for=ABSENCES)
    @precondition(lambda self: self.submitters())
    def submit_and_wait_for_the_outcome(
        self, data: st.DataObject, is_slow: bool, registered: int, fate: Attempt, absent_for: float
    ) -> None:
        phone = data.draw(st.sampled_from(self.submitters()))
        pdu = self.pdu(self.new_subscriber(is_slow, fate, absent_for), registered, {}, esm_class=TRANSACTION)
        request = DataSm(
            sequence_number=self.numbers,
            source_addr_ton=5,
            source_addr=pdu.source_addr,
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=pdu.destination_addr,
            esm_class=TRANSACTION,
            registered_delivery=registered,
            tlvs=(*pdu.tlvs, DPF_REQUESTED),
        )
        answer = operations.data(self.engine, phone.bind, request)
        if answer != DEFERRED:
            assert isinstance(answer, DataSmResp)
            assert (is_slow, answer.command_status) == (True, status("ESME_RMSGQFUL"))
            return
        life = self.life(next(reversed(self.engine.messages)), phone, pdu, {})
        life.expires_at = self.clock.now() + TIMEOUT
        life.asker = phone
        self.model.lives.append(life)
        self.settle()

    @rule(data=st.data(), registered=REGISTERED, times=TIMES)
    @precondition(lambda self: self.submitters() and self.model.lives)
    def submit_in_place_of_another(self, data: st.DataObject, registered: int, times: dict[str, int]) -> None:
        phone = data.draw(st.sampled_from(self.submitters()))
        account = phone.bind.esme.system_id
        destination = data.draw(st.sampled_from([life.destination for life in self.model.lives]))
        self.numbers += 1
        pdu = self.pdu(destination, registered, times, replace_if_present_flag=1)
        pending = [
            life
            for life in self.model.lives
            if (life.account, life.destination) == (account, destination) and not life.is_final and not life.tries_once
        ]
        if not pending or not self.are_sound(times):
            self.take_in(phone, [pdu], [times])
            return
        target = pending[-1]
        assert self.engine.submit(phone.bind, [pdu]) == [target.message_id]
        start_at, expires_at = self.moments(times)
        target.registered = registered
        target.expires_at = expires_at
        target.own_validity = "life" in times
        target.mode = 0
        target.reference = self.numbers
        if target.state == SCHEDULED:
            target.start_at = start_at
        if target.awaits_retry(self.clock.now()):
            target.next_try, target.moved = start_at, True
        self.settle()

    @rule(data=st.data())
    @precondition(lambda self: self.phones and self.model.lives)
    def query(self, data: st.DataObject) -> None:
        life = data.draw(st.sampled_from(self.model.lives))
        phone = data.draw(st.sampled_from(self.phones))
        answer = operations.query(self.engine, phone.bind, QuerySm(message_id=life.message_id))
        if phone.bind.esme.system_id == life.account:
            expected = ENROUTE if life.state == SCHEDULED else life.state
            assert (answer.command_status, answer.message_state) == (0, expected)
            assert bool(answer.final_date) == life.is_final
            assert answer.error_code == life.error_code
        else:
            assert answer.command_status == status("ESME_RQUERYFAIL")

    @rule(data=st.data())
    @precondition(lambda self: self.phones and self.model.lives)
    def cancel(self, data: st.DataObject) -> None:
        life = data.draw(st.sampled_from(self.model.lives))
        phone = data.draw(st.sampled_from(self.phones))
        pdu = CancelSm(message_id=life.message_id, source_addr=life.source, destination_addr=life.destination)
        answer = operations.cancel(self.engine, phone.bind, pdu)
        if phone.bind.esme.system_id == life.account and not life.is_final:
            assert answer.command_status == 0
            life.end(DELETED, self.clock.now())
        else:
            assert answer.command_status == status("ESME_RCANCELFAIL")
        self.settle()

    @rule(data=st.data(), registered=REGISTERED, times=TIMES)
    @precondition(lambda self: self.phones and self.model.lives)
    def replace(self, data: st.DataObject, registered: int, times: dict[str, int]) -> None:
        life = data.draw(st.sampled_from(self.model.lives))
        phone = data.draw(st.sampled_from([p for p in self.phones if p.bind.esme.system_id == life.account] or [None]))
        if phone is None:
            return
        pdu = ReplaceSm(
            message_id=life.message_id,
            source_addr=life.source,
            registered_delivery=registered,
            schedule_delivery_time=relative(times["start"]) if "start" in times else b"",
            validity_period=relative(times["life"]) if "life" in times else b"",
            short_message=b"Replaced",
        )
        answer = operations.replace(self.engine, phone.bind, pdu).command_status
        start_at, expires_at = self.moments(times)
        if life.is_final:
            assert answer == status("ESME_RREPLACEFAIL")
            return
        scheduled = life.state == SCHEDULED
        again = life.awaits_retry(self.clock.now()) and "start" in times
        new_start = start_at if scheduled and "start" in times else life.start_at
        keeps_end = "life" not in times and not (scheduled and "start" in times and not life.own_validity)
        new_end = life.expires_at if keeps_end else expires_at
        if not self.are_sound(times) or (scheduled and new_start > new_end) or (again and start_at > new_end):
            assert answer == status("ESME_RINVEXPIRY")
            return
        assert answer == 0
        life.registered = registered
        life.start_at, life.expires_at = new_start, new_end
        life.own_validity = life.own_validity or "life" in times
        if again:
            life.next_try, life.moved = start_at, True
        self.settle()

    @rule(
        data=st.data(), count=st.integers(1, 5), name=st.sampled_from(["ESME_ROK"] * 4 + [*RETRYABLE, *FINAL_REFUSALS])
    )
    @precondition(lambda self: self.listeners())
    def respond(self, data: st.DataObject, count: int, name: str) -> None:
        phone = data.draw(st.sampled_from(self.listeners()))
        answered = phone.outstanding[:count]
        phone.answer(status(name), count)
        if name not in RETRYABLE:
            self.are_done(answered)
        if name == "ESME_RX_P_APPN":
            self.drop_what_waits_for(phone.bind.esme.system_id, {address_of(item) for item in answered})
        self.settle()

    def are_done(self, items: Sequence[Deliverable]) -> None:
        for item in items:
            if isinstance(item, Message):
                self.model.of(item.message_id).done = True
            elif isinstance(item, HandsetAcknowledgement):
                self.model.acknowledged(item.message.pdu).acks.remove(item.esm_class)

    def drop_what_waits_for(self, account: str, addresses: set[bytes]) -> None:
        """The ESME refused these addresses: all that has not been sent, and all that was to be sent again."""
        on_their_way = [item for phone in self.phones for item in phone.outstanding]
        for life in self.model.lives:
            if life.account == account and life.source in addresses:
                mine = [item for item in on_their_way if self.is_about(item, life)]
                if life.is_final and not any(isinstance(item, Message) for item in mine):
                    life.done = True
                life.acks &= {item.esm_class for item in mine if isinstance(item, HandsetAcknowledgement)}

    def is_about(self, item: Deliverable, life: Life) -> bool:
        message = item if isinstance(item, Message) else getattr(item, "message", None)
        return message is not None and message.message_id == life.message_id

    @rule(data=st.data())
    @precondition(lambda self: self.listeners())
    def keep_silent(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.listeners())).keep_silent()
        self.settle()

    @rule(seconds=QUARTERS)
    def pass_time(self, seconds: float) -> None:
        self.world.advance(seconds)
        self.settle()

    # What must be true.

    @invariant()
    def states_agree(self) -> None:
        for life in self.model.lives:
            message = self.engine.messages[life.message_id]
            assert message.state == life.state, (life, self.clock.now())
            assert message.error_code == life.error_code
            if life.is_final:
                assert message.final_wall == self.clock.wall() - self.clock.now() + life.final_at

    @invariant()
    def counters_agree(self) -> None:
        pending = sum(not life.is_final for life in self.model.lives)
        assert self.engine.in_flight == pending
        assert self.engine.ledger.live == pending + sum(self.world.waiting(name) for name in (ALICE, BOB))
        for name in (ALICE, BOB):
            mine = [life for life in self.model.lives if life.account == name]
            counts = Counter(life.state for life in mine if life.is_final)
            counts[SCHEDULED] = sum(life.was_scheduled for life in mine)
            never_started = [life for life in mine if life.was_scheduled and life.start_at > self.until(life)]
            counts[ENROUTE] = len(mine) - len(never_started)
            assert self.engine.esmes[name].states == [counts[state] for state in range(10)]

    @invariant()
    def nothing_is_lost(self) -> None:
        """Every receipt that is owed waits in exactly one place, and what waits is what the account's gauge says."""
        places: Counter[Any] = Counter()
        for esme in self.engine.esmes.values():
            places.update(esme.pending)
        for phone in self.phones:
            places.update(phone.bind.pending)
            places.update(phone.outstanding)
        for resting in self.engine.outbox._resting.values():
            places.update(list(resting))
        assert set(places.values()) <= {1}
        owed = {life.message_id for life in self.model.lives if life.owes}
        assert {item.message_id for item in places if isinstance(item, Message)} == owed
        acks = {(life.message_id, esm_class) for life in self.model.lives for esm_class in life.acks}
        waiting = [item for item in places if isinstance(item, HandsetAcknowledgement)]
        assert {(item.message.message_id, item.esm_class) for item in waiting} == acks
        for name in (ALICE, BOB):
            assert self.world.waiting(name) == sum(item.esme.system_id == name for item in places)

    @invariant()
    def windows_are_respected_and_used(self) -> None:
        for phone in self.phones:
            assert len(phone.outstanding) <= phone.window
            if self.kinds[phone] == "transmitter":
                assert phone.bodies == []
            elif phone.room() > 0:
                assert not phone.bind.pending
                assert not phone.bind.esme.pending

    @invariant()
    def the_pace_is_kept(self) -> None:
        moments = sorted(
            at for message, tries in self.network.tried.items() if message.route.name == "slow" for at, _ in tries
        )
        assert all(later - earlier >= 1 / PACE - 1e-6 for earlier, later in pairwise(moments))
        come_by_themselves = sum(life.was_scheduled or len(life.tries) > 0 for life in self.model.lives)
        assert len(self.engine.routes["slow"].queue) <= QUEUE + come_by_themselves

    @invariant()
    def retries_come_as_planned(self) -> None:
        """After each failure the next attempt is made when it is due, on a slow route not before."""
        now = self.clock.now()
        for life in self.model.lives:
            assert len(life.tries) <= 1 or not life.tries_once
            is_slow = life.destination.startswith(b"44")
            for count, ((at, attempt), (again_at, _)) in enumerate(pairwise(life.tries), 1):
                assert attempt.outcome == ABSENT
                due = at + attempt.delay + RETRY[min(count, len(RETRY)) - 1]
                assert life.moved or again_at == due or (is_slow and again_at > due)
            if not life.is_final and not is_slow:
                assert life.failed_at > now or life.next_try > now

    @invariant()
    def whoever_waits_is_answered_once(self) -> None:
        for life in self.model.lives:
            if life.asker is not None:
                answers = [pair for pair in life.asker.answers if pair[0].sequence_number == life.reference]
                assert len(answers) == life.answered
                for _, response in answers:
                    assert (response.command_status == 0) == (life.state in (DELIVERED, ACCEPTED))
                    assert response.tlv(TlvTag.DPF_RESULT) == (b"\1" if life.error_code == 27 else b"\0")

    def teardown(self) -> None:
        """In the end everybody listens, and every receipt that was owed arrives once."""
        for phone in list(self.phones):
            self.phones.remove(phone)
            phone.hang_up()
        listeners = [self.world.bind(name) for name in (ALICE, BOB)]
        self.phones += listeners
        self.kinds |= dict.fromkeys(listeners, "transceiver")
        for _ in range(8):
            self.world.advance(100.0)
            self.settle()
            for phone in listeners:
                self.are_done(phone.outstanding)
                phone.answer()
        self.settle()
        assert self.engine.in_flight == self.engine.ledger.live == 0
        for life in self.model.lives:
            assert life.is_final
            assert life.done or not life.wants_receipt
            assert life.told == 0 or life.wants_receipt
            assert life.acks == set()
        assert len(self.engine.life.schedule) == len(self.engine.life.retries) == len(self.engine.life.queued) == 0

    # How the model follows.

    def submitters(self) -> list[Phone]:
        return [phone for phone in self.phones if self.kinds[phone] != "receiver"]

    def listeners(self) -> list[Phone]:
        return [phone for phone in self.phones if phone.outstanding]

    def until(self, life: Life) -> float:
        return life.final_at if life.is_final else self.clock.now()

    def moments(self, times: dict[str, int]) -> tuple[float, float]:
        now = self.clock.now()
        start_at = now + times.get("start", 0)
        return start_at, now + times["life"] if "life" in times else start_at + VALIDITY

    def are_sound(self, times: dict[str, int]) -> bool:
        start_at, expires_at = self.moments(times)
        return start_at <= expires_at

    def pdu(self, destination: bytes, registered: int, times: dict[str, int], **fields: Any) -> SubmitSm:
        if "start" in times:
            fields["schedule_delivery_time"] = relative(times["start"])
        if "life" in times:
            fields["validity_period"] = relative(times["life"])
        reference = Tlv(TlvTag.USER_MESSAGE_REFERENCE, self.numbers.to_bytes(2, "big"))
        source = self.source_of(destination)
        return sms(destination, registered_delivery=registered, source_addr=source, tlvs=(reference,), **fields)

    def source_of(self, destination: bytes) -> bytes:
        return b"ACME" if int(destination) % 2 else b"BEST"

    def new_subscriber(self, is_slow: bool, fate: Attempt, absent_for: float) -> bytes:
        self.numbers += 1
        destination = b"%b%05d" % (b"44" if is_slow else b"33", self.numbers)
        self.network.fates[destination] = (fate, absent_for)
        return destination

    def take_in(self, phone: Phone, pdus: list[SubmitSm], times: list[dict[str, int]]) -> None:
        before = sum(len(each.bodies) for each in self.phones)
        answers = self.engine.submit(phone.bind, pdus)
        assert sum(len(each.bodies) for each in self.phones) == before, "a receipt before the response"
        for pdu, moments, answer in zip(pdus, times, answers, strict=True):
            if not self.are_sound(moments):
                assert answer == status("ESME_RINVEXPIRY")
            elif pdu.esm_class == DATAGRAM and pdu.schedule_delivery_time:
                assert answer == status("ESME_RINVSCHED")
            elif isinstance(answer, int):
                assert answer == status("ESME_RMSGQFUL")
                assert pdu.destination_addr.startswith(b"44")
                assert len(self.engine.routes["slow"].queue) >= QUEUE
            else:
                assert all(life.message_id != answer for life in self.model.lives)
                self.model.lives.append(self.life(answer, phone, pdu, moments))
        self.settle()

    def life(self, message_id: bytes, phone: Phone, pdu: SubmitSm, times: dict[str, int]) -> Life:
        start_at, expires_at = self.moments(times)
        return Life(
            message_id,
            phone.bind.esme.system_id,
            pdu.destination_addr,
            pdu.registered_delivery,
            start_at,
            expires_at,
            own_validity="life" in times,
            was_scheduled="start" in times,
            fate=self.network.fates[pdu.destination_addr][0],
            source=pdu.source_addr,
            reference=int.from_bytes(pdu.tlv(TlvTag.USER_MESSAGE_REFERENCE) or b"", "big"),
            mode=pdu.esm_class,
            state=SCHEDULED if "start" in times else ENROUTE,
        )

    def settle(self) -> None:
        """Let the engine and the model come to rest, and hear what was told."""
        self.world.settle()
        tried = {message.message_id: tries for message, tries in self.network.tried.items()}
        now = self.clock.now()
        for life in self.model.lives:
            known = len(life.tries)
            life.tries = list(tried.get(life.message_id, ()))
            life.pass_time(now)
            if len(life.tries) > known:
                life.next_try = NEVER
            if life.next_try == NEVER and life.failed_at <= now:
                life.next_try = life.failed_at + RETRY[min(len(life.tries), len(RETRY)) - 1]
            if life.asker in self.phones and life.is_final:
                life.answered = 1
        for phone in list(self.kinds):
            for pdu in phone.received[self.read[phone] :]:
                self.hear(phone, pdu)
            self.read[phone] = len(phone.bodies)

    def hear(self, phone: Phone, pdu: DeliverSm) -> None:
        text, esm_class = pdu.short_message, pdu.esm_class
        if esm_class in (0x08, 0x10):
            life = self.model.acknowledged(pdu)
            assert phone.bind.esme.system_id == life.account
            assert (pdu.source_addr, pdu.destination_addr, text) == (life.destination, life.source, b"")
            assert esm_class in life.acks
            return
        life = self.model.of(text[3:13])
        assert phone.bind.esme.system_id == life.account
        if esm_class == 0x20:
            assert life.tries
            assert not life.tries_once
            assert b"stat:ENROUTE" in text
            return
        assert esm_class == 0x04
        assert life.owes, "asked for, and not taken before"
        life.told += 1
        words = {DELIVERED: b"DELIVRD", UNDELIVERABLE: b"UNDELIV", ACCEPTED: b"ACCEPTD", REJECTED: b"REJECTD"}
        words |= {DELETED: b"DELETED", EXPIRED: b"EXPIRED"}
        assert b"stat:%b err:%03d" % (words[life.state], life.error_code) in text


def test_the_engine_agrees_with_the_model() -> None:
    run_state_machine_as_test(
        MessageLife,
        settings=settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True),
    )


@pytest.mark.long
def test_the_engine_agrees_with_the_model_for_long() -> None:
    run_state_machine_as_test(
        MessageLife,
        settings=settings(
            max_examples=400, stateful_step_count=80, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
