"""The life of messages under anything that may happen to them, beside a model that knows what must become of each.

Messages are submitted, scheduled, queried, cancelled and replaced; their outcomes come, their validity ends; binds come
and go, acknowledge, refuse, or keep silent; and time passes. After every step the engine and the model agree: about
every state, about what has been told to whom, and that nothing is lost, doubled, or sent by two ways at once.
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
from smppd.engine.message import DELETED, ENROUTE, EXPIRED, SCHEDULED, Message
from smppd.engine.ports import Attempt
from smppd.settings import Queue, Throughput
from smppwire.pdus import CancelSm, QuerySm, ReplaceSm, SubmitSm
from tests.engine.world import (
    ACCEPTED,
    ALICE,
    BOB,
    DELIVERED,
    REJECTED,
    UNDELIVERABLE,
    HandClock,
    Phone,
    World,
    after,
    route,
    sms,
    status,
)

VALIDITY = 86_400.0
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
REGISTERED = st.sampled_from([0x00, 0x01, 0x01, 0x01, 0x02, 0x11, 0x20])
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
    tried_at: float | None = None
    state: int = ENROUTE
    final_at: float = 0.0
    told: int = 0
    done: bool = False

    @property
    def is_final(self) -> bool:
        return self.state not in (SCHEDULED, ENROUTE)

    @property
    def wants_receipt(self) -> bool:
        wanted = self.registered & 3
        return wanted == 1 or (wanted == 2 and self.state not in (DELIVERED, ACCEPTED))

    @property
    def owes(self) -> bool:
        """Whether its account has still to be told."""
        return self.is_final and self.wants_receipt and not self.done

    def end(self, state: int, at: float) -> None:
        self.state = state
        self.final_at = at

    def pass_time(self, now: float) -> None:
        if self.is_final:
            return
        if self.state == SCHEDULED and self.start_at <= now:
            self.state = ENROUTE
        outcome_at = None if self.tried_at is None else self.tried_at + self.fate.delay
        if outcome_at is not None and outcome_at <= min(now, self.expires_at):
            self.end(self.fate.outcome.state, outcome_at)
        elif self.expires_at <= now:
            self.end(EXPIRED, self.expires_at)


class FatefulNetwork:
    """A network in which the model decides."""

    def __init__(self) -> None:
        self.clock: HandClock
        self.fates: dict[bytes, Attempt] = {}
        self.tried: dict[Message, float] = {}

    def attempt(self, messages: Sequence[Message]) -> Sequence[Attempt]:
        for message in messages:
            assert message not in self.tried, "one attempt per message"
            self.tried[message] = self.clock.now()
        return [self.fates[message.pdu.destination_addr] for message in messages]


@dataclass
class Model:
    lives: list[Life] = field(default_factory=list)

    def of(self, message_id: bytes) -> Life:
        return next(life for life in self.lives if life.message_id == message_id)


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
        )
        self.clock = self.network.clock = self.world.clock
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
        messages=st.lists(st.tuples(st.booleans(), REGISTERED, TIMES, FATES), min_size=1, max_size=5),
    )
    @precondition(lambda self: self.submitters())
    def submit(self, data: st.DataObject, messages: list[tuple[bool, int, dict[str, int], Attempt]]) -> None:
        phone = data.draw(st.sampled_from(self.submitters()))
        pdus = []
        for is_slow, registered, times, fate in messages:
            self.numbers += 1
            destination = b"%b%05d" % (b"44" if is_slow else b"33", self.numbers)
            self.network.fates[destination] = fate
            pdus.append(self.pdu(destination, registered, times))
        self.take_in(phone, pdus, [times for _, _, times, _ in messages])

    @rule(data=st.data(), registered=REGISTERED, times=TIMES)
    @precondition(lambda self: self.submitters() and self.model.lives)
    def submit_in_place_of_another(self, data: st.DataObject, registered: int, times: dict[str, int]) -> None:
        phone = data.draw(st.sampled_from(self.submitters()))
        account = phone.bind.esme.system_id
        destination = data.draw(st.sampled_from([life.destination for life in self.model.lives]))
        pdu = self.pdu(destination, registered, times, replace_if_present_flag=1)
        pending = [
            life
            for life in self.model.lives
            if (life.account, life.destination) == (account, destination) and not life.is_final
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
        if target.state == SCHEDULED:
            target.start_at = start_at
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
        else:
            assert answer.command_status == status("ESME_RQUERYFAIL")

    @rule(data=st.data())
    @precondition(lambda self: self.phones and self.model.lives)
    def cancel(self, data: st.DataObject) -> None:
        life = data.draw(st.sampled_from(self.model.lives))
        phone = data.draw(st.sampled_from(self.phones))
        pdu = CancelSm(message_id=life.message_id, source_addr=b"ACME", destination_addr=life.destination)
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
            source_addr=b"ACME",
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
        new_start = start_at if scheduled and "start" in times else life.start_at
        keeps_end = "life" not in times and not (scheduled and "start" in times and not life.own_validity)
        new_end = life.expires_at if keeps_end else expires_at
        if not self.are_sound(times) or (scheduled and new_start > new_end):
            assert answer == status("ESME_RINVEXPIRY")
            return
        assert answer == 0
        life.registered = registered
        life.start_at, life.expires_at = new_start, new_end
        life.own_validity = life.own_validity or "life" in times
        self.settle()

    @rule(
        data=st.data(), count=st.integers(1, 5), name=st.sampled_from(["ESME_ROK"] * 4 + [*RETRYABLE, *FINAL_REFUSALS])
    )
    @precondition(lambda self: self.listeners())
    def respond(self, data: st.DataObject, count: int, name: str) -> None:
        phone = data.draw(st.sampled_from(self.listeners()))
        for item in phone.outstanding[:count]:
            if isinstance(item, Message) and name not in RETRYABLE:
                self.model.of(item.message_id).done = True
        phone.answer(status(name), count)
        self.settle()

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
            if life.is_final:
                assert message.final_wall == self.clock.wall() - self.clock.now() + life.final_at

    @invariant()
    def counters_agree(self) -> None:
        pending = sum(not life.is_final for life in self.model.lives)
        assert self.engine.in_flight == pending
        assert self.engine._live == pending + sum(self.world.waiting(name) for name in (ALICE, BOB))
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
        places.update(item for slot in self.engine._retries._slots.values() for _, _, item in slot)
        assert set(places.values()) <= {1}
        owed = {life.message_id for life in self.model.lives if life.owes}
        assert {item.message_id for item in places if isinstance(item, Message)} == owed
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
        moments = sorted(at for message, at in self.network.tried.items() if message.route.name == "slow")
        assert all(later - earlier >= 1 / PACE - 1e-6 for earlier, later in pairwise(moments))
        assert len(self.engine.routes["slow"].queue) <= QUEUE + sum(life.was_scheduled for life in self.model.lives)

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
                for item in phone.outstanding:
                    if isinstance(item, Message):
                        self.model.of(item.message_id).done = True
                phone.answer()
        self.settle()
        assert self.engine.in_flight == self.engine._live == 0
        for life in self.model.lives:
            assert life.is_final
            assert life.done == life.wants_receipt
            assert (life.told > 0) == life.wants_receipt
        assert len(self.engine._schedule) == len(self.engine._retries) == len(self.engine._queued) == 0

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
        return sms(destination, registered_delivery=registered, **fields)

    def take_in(self, phone: Phone, pdus: list[SubmitSm], times: list[dict[str, int]]) -> None:
        before = sum(len(each.bodies) for each in self.phones)
        answers = self.engine.submit(phone.bind, pdus)
        assert sum(len(each.bodies) for each in self.phones) == before, "a receipt before the response"
        for pdu, moments, answer in zip(pdus, times, answers, strict=True):
            if not self.are_sound(moments):
                assert answer == status("ESME_RINVEXPIRY")
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
            fate=self.network.fates[pdu.destination_addr],
            state=SCHEDULED if "start" in times else ENROUTE,
        )

    def settle(self) -> None:
        """Let the engine and the model come to rest, and hear what was told."""
        self.world.settle()
        tried = {message.message_id: at for message, at in self.network.tried.items()}
        for life in self.model.lives:
            life.tried_at = tried.get(life.message_id)
            life.pass_time(self.clock.now())
        for phone in list(self.kinds):
            for pdu in phone.received[self.read[phone] :]:
                self.hear(phone, pdu.short_message, pdu.esm_class)
            self.read[phone] = len(phone.bodies)

    def hear(self, phone: Phone, text: bytes, esm_class: int) -> None:
        life = self.model.of(text[3:13])
        assert phone.bind.esme.system_id == life.account
        if esm_class == 0x20:
            assert life.tried_at is not None
            assert b"stat:ENROUTE" in text
            return
        assert esm_class == 0x04
        assert life.owes, "asked for, and not taken before"
        life.told += 1
        words = {DELIVERED: b"DELIVRD", UNDELIVERABLE: b"UNDELIV", ACCEPTED: b"ACCEPTD", REJECTED: b"REJECTD"}
        words |= {DELETED: b"DELETED", EXPIRED: b"EXPIRED"}
        assert b"stat:" + words[life.state] in text


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
