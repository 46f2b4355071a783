"""Accounts are forgotten whatever they were about to do: nothing of them is left, and nobody else notices.

Messages of every kind are submitted: plain, scheduled, in parts, in transaction mode, with notifications and replies,
to many at once, to a paced route, from ESME to ESME. Binds come and go, take, refuse, or keep silent. Then one account
is forgotten, or all. After every step what is counted is there, and what is there is counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from smppd.engine import operations
from smppd.engine.esmes import Deliverable, Forgotten
from smppd.engine.message import ENROUTE, RECEIPT_SETTLED, Message
from smppd.engine.oblivion import Oblivion
from smppd.engine.peers import Forward
from smppd.engine.ports import DEFERRED, Attempt, Outcome
from smppd.engine.submit_multi import submit_multi
from smppd.settings import Match, Messages
from smppwire.constants import TlvTag
from smppwire.pdus import DataSm, SmeAddress, SubmitMulti, Tlv
from tests.engine.world import (
    ALICE,
    BOB,
    UNDELIVERABLE,
    Phone,
    ScriptedNetwork,
    World,
    account,
    after,
    paced,
    route,
    sms,
    status,
)
from tests.stateful.test_peers_life import planned

ADDRESSES = {ALICE: b"33612345678", BOB: b"447700900001"}
NAMES = st.sampled_from([ALICE, BOB])
FATES = [
    after(0.0),
    after(5.0),
    Attempt(1.0, Outcome(ENROUTE, 27)),
    Attempt(0.0, Outcome(ENROUTE, 27)),
    after(2.0, UNDELIVERABLE, 1),
]
SUBMISSIONS = st.tuples(
    st.sampled_from([b"1", b"991", b"881", b"882", *ADDRESSES.values()]),
    st.sampled_from([0, 1, 1, 2, 0x11, 0x0D]),
    st.sampled_from(["plain", "plain", "later", "part", "transaction", "dpf", "short", "replies"]),
    st.sampled_from(FATES),
)
DPF = (Tlv(TlvTag.SET_DPF, b"\1"),)


@dataclass
class Replying:
    """What is decided about a message: its subscriber answers."""

    changes_attempt = False
    outcome = None

    @property
    def reply(self) -> Replying:
        return self

    text = "yes"
    delay = 4.0
    source_addr = b""
    destination_addr = b""

    def attempt(self, attempt: Attempt) -> Attempt:
        return attempt


class Forgetting(RuleBasedStateMachine):
    """Everything that can happen, and what must be true whatever happens."""

    def __init__(self) -> None:
        super().__init__()
        self.network = ScriptedNetwork()
        self.network.back = {b"99%d" % number: 1e9 for number in range(10)}
        self.world = World(
            msgspec.structs.replace(paced("paced", 1), match=Match(destination_addr="88*")),
            route("rest"),
            accounts=[
                account(ALICE, address_range="336*", multipart_receipts="first"),
                account(BOB, address_range="^4477", multipart_receipts="last"),
            ],
            messages=Messages(retain=20, retry=[3.0, 9.0], multipart_timeout=15.0),
            network=self.network,
        )
        self.engine = self.world.engine
        self.phones: list[Phone] = []
        self.theirs: dict[str, list[Message]] = {ALICE: [], BOB: []}
        """What was submitted since the account was forgotten."""
        self.old: set[Message] = set()
        self.number = 0

    # What happens.

    @rule(
        name=NAMES,
        kind=st.sampled_from(["transmitter", "receiver", "transceiver", "transceiver"]),
        window=st.sampled_from([1, 2, 1000]),
        address_range=st.sampled_from(["", "", "336*"]),
    )
    @precondition(lambda self: len(self.phones) < 5)
    def bind(self, name: str, kind: str, window: int, address_range: str) -> None:
        self.phones.append(self.world.bind(name, kind, window=window, address_range=address_range))

    @rule(data=st.data())
    @precondition(lambda self: self.phones)
    def hang_up(self, data: st.DataObject) -> None:
        phone = data.draw(st.sampled_from(self.phones))
        self.phones.remove(phone)
        phone.hang_up()

    @rule(data=st.data(), batch=st.lists(SUBMISSIONS, min_size=1, max_size=8))
    @precondition(lambda self: self.phones)
    def submit(self, data: st.DataObject, batch: list[tuple[bytes, int, str, Attempt]]) -> None:
        phone = data.draw(st.sampled_from(self.phones))
        before = set(self.engine.ledger.all_messages())
        for to, registered, kind, fate in batch:
            self.network.script.append(fate)
            self.number += 1
            fields = self.fields_of(kind)
            if kind == "transaction":
                data_sm = DataSm(self.number, destination_addr=to, esm_class=2, registered_delivery=registered)
                assert operations.data(self.engine, phone.bind, data_sm) == DEFERRED
                continue
            pdu = sms(to, sequence_number=self.number, **{"registered_delivery": registered, **fields})
            answer = self.engine.submit(phone.bind, [pdu], Replying() if kind == "replies" else None)[0]
            assert isinstance(answer, bytes)
        self.theirs[phone.bind.esme.system_id] += set(self.engine.ledger.all_messages()) - before

    def fields_of(self, kind: str) -> dict[str, Any]:
        """The fields that make a submission what it is."""
        if kind == "part":
            header = b"\5\0\3\7\3" + bytes((1 + self.number % 3,))
            return {"esm_class": 0x40, "text": header + b"part"}
        return {
            "later": {"schedule_delivery_time": b"000000000010000R"},
            "dpf": {"tlvs": DPF, "validity_period": b"000000000007000R"},
            "short": {"validity_period": b"000000000007000R"},
        }.get(kind, {})

    @rule(data=st.data(), count=st.integers(1, 3))
    @precondition(lambda self: self.phones)
    def submit_to_many(self, data: st.DataObject, count: int) -> None:
        phone = data.draw(st.sampled_from(self.phones))
        before = set(self.engine.ledger.all_messages())
        pdu = SubmitMulti(
            registered_delivery=1,
            dest_address=[SmeAddress(1, 1, b"77%d" % number) for number in range(count)],
            short_message=b"all",
        )
        submit_multi(self.engine, phone.bind, pdu)
        self.theirs[phone.bind.esme.system_id] += set(self.engine.ledger.all_messages()) - before

    @rule(name=NAMES)
    def deliver(self, name: str) -> None:
        assert self.engine.deliver("mo", name, b"\0\0\0a\0\0\0b\0" + bytes(9))

    @rule(data=st.data(), count=st.integers(1, 4), name=st.sampled_from(["ESME_ROK", "ESME_ROK", "ESME_RX_T_APPN"]))
    @precondition(lambda self: any(phone.outstanding for phone in self.phones))
    def respond(self, data: st.DataObject, count: int, name: str) -> None:
        phone = data.draw(st.sampled_from([phone for phone in self.phones if phone.outstanding]))
        phone.answer(status(name), count)

    @rule(data=st.data())
    @precondition(lambda self: any(phone.outstanding for phone in self.phones))
    def keep_silent(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from([phone for phone in self.phones if phone.outstanding])).keep_silent()

    @rule(seconds=st.integers(1, 60).map(lambda count: count / 4))
    def pass_time(self, seconds: float) -> None:
        self.world.advance(seconds)

    @rule()
    def settle(self) -> None:
        self.world.settle()

    @rule()
    def look(self) -> None:
        """What is made when somebody first asks has to follow."""
        assert self.engine.handsets is not None
        self.engine.pending_towards(self.engine.esmes[ALICE], b"1")

    @rule(names=st.sampled_from([[ALICE], [BOB], [ALICE, BOB]]))
    def forget(self, names: list[str]) -> None:
        others = [name for name in (ALICE, BOB) if name not in names]
        for _ in Oblivion(self.engine, names).steps():
            pass
        for name in names:
            self.old.update(self.theirs[name])
            self.theirs[name] = []
            mine = [item for item in self.places() if item.esme.system_id == name and not isinstance(item, Forgotten)]
            assert all(isinstance(item, Forward) and item.message.esme.system_id in others for item in mine)
        for name in others:
            assert all(message.esme is self.engine.esmes[name] for message in self.theirs[name])
        if not others:
            self.nothing_is_left()

    # What must be true.

    def places(self) -> list[Deliverable]:
        """All that waits to leave or is on its way."""
        found: list[Deliverable] = []
        for esme in self.engine.esmes.values():
            found += esme.pending
        for phone in self.phones:
            found += [*phone.bind.pending, *phone.outstanding]
        return [*found, *planned(self.engine.life.retries)]

    def nothing_is_left(self) -> None:
        engine, life = self.engine, self.engine.life
        assert (engine.ledger.live, engine.in_flight, len(engine.messages)) == (0, 0, 0)
        assert not list(engine.ledger._done)
        assert [item for item in self.places() if not isinstance(item, Forgotten)] == []
        assert not [*planned(life.schedule), *planned(life.retries), *planned(life.replies._schedule)]
        kept = [life._ready, life._notified, life._forwards, life.fates, life.multipart, life.transactions, life.alerts]
        kept += [life.peers._paths, engine.outbox._resting, engine.outbox._refused, engine.handsets]
        assert [len(each) for each in kept] == [0] * len(kept)
        assert life.replies.count == 0
        assert all(not state.queue for state in engine.routes.values())
        assert [self.world.waiting(name) for name in (ALICE, BOB)] == [0, 0]

    @invariant()
    def what_is_counted_is_there(self) -> None:
        places = [item for item in self.places() if not isinstance(item, Forgotten)]
        assert set(Counter(map(id, places)).values()) <= {1}
        messages = list(self.engine.ledger.all_messages())
        assert not self.old.intersection(messages)
        assert all(message.esme is self.engine.esmes[message.esme.system_id] for message in messages)
        extra = [
            item
            for item in places
            if not isinstance(item, Message) and not (isinstance(item, Forward) and item.is_wanted)
        ]
        unsettled = sum(message.receipt != RECEIPT_SETTLED for message in messages)
        assert self.engine.ledger.live == unsettled + len(extra)
        assert self.engine.in_flight == sum(not message.is_final for message in messages)
        for name in (ALICE, BOB):
            assert self.world.waiting(name) == sum(item.esme.system_id == name for item in places)
            assert all(item.esme is self.engine.esmes[name] for item in places if item.esme.system_id == name)

    @invariant()
    def nobody_hears_of_what_is_forgotten(self) -> None:
        for phone in self.phones:
            for item in phone.outstanding:
                assert not isinstance(item, Message) or item not in self.old
                assert not isinstance(item, Forward) or item.message not in self.old or not item.is_wanted

    def teardown(self) -> None:
        """In the end everybody listens: what was not forgotten is final and told, and every request is answered."""
        for phone in list(self.phones):
            phone.hang_up()
        listeners = [self.world.bind(name) for name in (ALICE, BOB)]
        for _ in range(10):
            self.world.advance(100.0)
            for phone in listeners:
                phone.answer()
        self.world.settle()
        assert all(message.is_final for name in (ALICE, BOB) for message in self.theirs[name])
        assert all(message.receipt == RECEIPT_SETTLED for name in (ALICE, BOB) for message in self.theirs[name])
        self.phones = listeners
        self.what_is_counted_is_there()
        assert (self.engine.ledger.live, self.engine.in_flight) == (0, 0)
        assert len(self.engine.life.transactions) == 0


def test_nothing_is_left_of_the_forgotten() -> None:
    run_state_machine_as_test(
        Forgetting, settings=settings(max_examples=60, stateful_step_count=30, deadline=None, derandomize=True)
    )


@pytest.mark.long
def test_nothing_is_left_of_the_forgotten_for_long() -> None:
    run_state_machine_as_test(
        Forgetting,
        settings=settings(
            max_examples=600, stateful_step_count=80, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
