"""Messages between two ESMEs under anything that may happen to them.

Messages are submitted, cancelled and replaced; binds come and go, take, refuse, ask to wait, or keep silent; and time
passes. After every step: a final state is what the last answer, or the clock, or the sender made it, and never changes;
there is one copy of a message at most, and nothing that is counted is not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from smppd.engine import operations
from smppd.engine.message import DELETED, ENROUTE, EXPIRED, Message
from smppd.engine.peers import Forward
from smppd.engine.scheduler import Schedule
from smppwire.pdus import CancelSm, DataSm, ReplaceSm, Tlv
from tests.engine.world import ALICE, BOB, DELIVERED, REJECTED, UNDELIVERABLE, Phone, World, account, sms, status

ADDRESSES = {ALICE: b"33612345678", BOB: b"447700900001"}
ANSWERS = {
    "ESME_ROK": DELIVERED,
    "ESME_RX_R_APPN": REJECTED,
    "ESME_RINVDSTADR": UNDELIVERABLE,
    "ESME_RX_T_APPN": ENROUTE,
    "ESME_RTHROTTLED": ENROUTE,
}
NAMES = st.sampled_from([ALICE, BOB])


def planned(schedule: Schedule[Any]) -> Iterator[Any]:
    """The items that will come up. Those that were forsaken may stand among them for a while."""
    for key, slot in schedule._slots.items():
        forsaken = schedule._forsaken.get(key, ())
        yield from (item for _, ticket, item in slot if ticket not in forsaken)


class PeersLife(RuleBasedStateMachine):
    """Everything that can happen, and what must be true whatever happens."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(accounts=[account(ALICE, address_range="336*"), account(BOB, address_range="^4477")])
        self.engine = self.world.engine
        self.phones: list[Phone] = []
        self.heard: Counter[str] = Counter()
        self.lives: dict[bytes, tuple[Message, float]] = {}
        self.final: dict[bytes, int] = {}
        self.expected: dict[bytes, int] = {}
        self.on_the_way: set[Any] = set()

    # What happens.

    @rule(
        name=NAMES,
        kind=st.sampled_from(["transmitter", "receiver", "transceiver", "transceiver"]),
        window=st.sampled_from([1, 2, 1000]),
        version=st.sampled_from([0x33, 0x34, 0x50]),
        address_range=st.sampled_from(["", "", "336*", "4477*", "99"]),
    )
    @precondition(lambda self: len(self.phones) < 6)
    def bind(self, name: str, kind: str, window: int, version: int, address_range: str) -> None:
        phone = self.world.bind(name, kind, window=window, version=version, address_range=address_range)
        self.phones.append(phone)

    @rule(data=st.data())
    @precondition(lambda self: self.phones)
    def hang_up(self, data: st.DataObject) -> None:
        phone = data.draw(st.sampled_from(self.phones))
        self.phones.remove(phone)
        phone.hang_up()

    @rule(data=st.data(), to=st.lists(NAMES, min_size=1, max_size=4), life=st.integers(1, 40), by_data=st.booleans())
    @precondition(lambda self: self.phones)
    def submit(self, data: st.DataObject, to: list[str], life: int, by_data: bool) -> None:
        phone = data.draw(st.sampled_from(self.phones))
        for name in to:
            if by_data:
                tlvs = (Tlv(0x0017, life.to_bytes(4, "big")), Tlv(0x0424, b"Hello"))
                pdu = DataSm(destination_addr=ADDRESSES[name], registered_delivery=1, tlvs=tlvs)
                message_id = operations.data(self.engine, phone.bind, pdu).message_id
                assert message_id is not None
            else:
                validity = b"00000000%02d%02d000R" % divmod(life, 60)
                (message_id,) = self.world.submit(phone, sms(ADDRESSES[name], validity_period=validity))
            self.lives[message_id] = self.world.message(message_id), self.world.clock.now() + life

    @rule(data=st.data())
    @precondition(lambda self: self.phones and self.lives)
    def cancel(self, data: st.DataObject) -> None:
        message_id = data.draw(st.sampled_from(sorted(self.lives)))
        phone = data.draw(st.sampled_from(self.phones))
        answer = operations.cancel(self.engine, phone.bind, CancelSm(message_id=message_id))
        mine = self.lives[message_id][0].esme is phone.bind.esme
        assert (answer.command_status == 0) == (mine and message_id not in self.final)
        if answer.command_status == 0:
            self.expected[message_id] = DELETED

    @rule(data=st.data(), life=st.integers(1, 40))
    @precondition(lambda self: self.phones and self.lives)
    def replace(self, data: st.DataObject, life: int) -> None:
        message_id = data.draw(st.sampled_from(sorted(self.lives)))
        phone = data.draw(st.sampled_from(self.phones))
        pdu = ReplaceSm(message_id=message_id, short_message=b"New", registered_delivery=1)
        pdu.validity_period = b"00000000%02d%02d000R" % divmod(life, 60)
        if operations.replace(self.engine, phone.bind, pdu).command_status == 0:
            self.lives[message_id] = self.lives[message_id][0], self.world.clock.now() + life

    @rule(data=st.data(), count=st.integers(1, 4), name=st.sampled_from(["ESME_ROK", *ANSWERS]))
    @precondition(lambda self: any(phone.outstanding for phone in self.phones))
    def respond(self, data: st.DataObject, count: int, name: str) -> None:
        phone = data.draw(st.sampled_from([phone for phone in self.phones if phone.outstanding]))
        for item in phone.outstanding[:count]:
            if isinstance(item, Forward) and ANSWERS[name] != ENROUTE and item.message.message_id not in self.final:
                self.expected[item.message.message_id] = ANSWERS[name]
        phone.answer(status(name), count)

    @rule(data=st.data())
    @precondition(lambda self: any(phone.outstanding for phone in self.phones))
    def keep_silent(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from([phone for phone in self.phones if phone.outstanding])).keep_silent()

    @rule(seconds=st.integers(1, 60).map(lambda count: count / 4))
    def pass_time(self, seconds: float) -> None:
        self.world.advance(seconds)

    # What must be true.

    @invariant()
    def states_are_what_was_made_of_them(self) -> None:
        self.world.settle()
        now = self.world.clock.now()
        for message_id, (message, expires_at) in self.lives.items():
            if message_id not in self.final:
                expected = self.expected.get(message_id, EXPIRED if expires_at <= now else ENROUTE)
                assert message.state == expected, (message_id, expires_at, now)
                if message.is_final:
                    self.final[message_id] = message.state
            assert message.state == self.final.get(message_id, ENROUTE)

    @invariant()
    def there_is_one_copy(self) -> None:
        places: Counter[Any] = Counter()
        for esme in self.engine.esmes.values():
            places.update(esme.pending)
        for phone in self.phones:
            places.update(phone.bind.pending)
            places.update(phone.outstanding)
            assert len(phone.outstanding) <= phone.window
        places.update(planned(self.engine.life.retries))
        assert set(places.values()) <= {1}
        on_the_way = {item for phone in self.phones for item in phone.outstanding}
        for item in on_the_way - self.on_the_way:
            assert not isinstance(item, Forward) or item.message.state != DELETED, "sent though it was cancelled"
        self.on_the_way = on_the_way
        forwards = [item for item in places if isinstance(item, Forward)]
        wanted = [forward.message for forward in forwards if forward.is_wanted]
        pending = [message for message, _ in self.lives.values() if not message.is_final]
        assert Counter(wanted) == Counter(pending)
        assert self.engine.life._forwards.keys() == set(pending)
        receipts = sum(isinstance(item, Message) for item in places)
        assert self.engine.in_flight == len(pending)
        assert self.engine.ledger.live == len(pending) + receipts + len(forwards) - len(wanted)
        for name in (ALICE, BOB):
            assert self.world.waiting(name) == sum(item.esme.system_id == name for item in places)

    @invariant()
    def everybody_gets_their_own(self) -> None:
        for phone in self.phones:
            mine = ADDRESSES[phone.bind.esme.system_id]
            arrived = [*phone.received, *phone.received_data]
            assert all(pdu.destination_addr == mine for pdu in arrived if not pdu.esm_class)

    def teardown(self) -> None:
        """In the end everybody listens, and nothing is left."""
        for phone in list(self.phones):
            self.phones.remove(phone)
            phone.hang_up()
        listeners = [self.world.bind(name) for name in (ALICE, BOB)]
        for _ in range(8):
            self.world.advance(100.0)
            for phone in listeners:
                phone.answer()
        self.world.settle()
        assert all(message.is_final for message, _ in self.lives.values())
        assert self.engine.ledger.live == self.engine.in_flight == 0
        assert len(self.engine.life.schedule) == len(self.engine.life.retries) == 0
        assert [self.world.waiting(name) for name in (ALICE, BOB)] == [0, 0]


def test_nothing_is_lost_or_doubled_between_esmes() -> None:
    run_state_machine_as_test(
        PeersLife, settings=settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True)
    )


@pytest.mark.long
def test_nothing_is_lost_or_doubled_between_esmes_for_long() -> None:
    run_state_machine_as_test(
        PeersLife,
        settings=settings(
            max_examples=400, stateful_step_count=80, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
