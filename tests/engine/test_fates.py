"""What is fated happens, whatever the network says, and on every way there is to a network."""

from typing import NamedTuple

import pytest

from smppd.engine.message import DELIVERED, ENROUTE, EXPIRED
from smppd.engine.ports import Attempt, Outcome, Reply
from smppd.settings import Messages
from tests.engine.world import (
    BOB,
    REJECTED,
    UNDELIVERABLE,
    ScriptedNetwork,
    World,
    account,
    after,
    paced,
    slow_world,
    sms,
)


class Fated(NamedTuple):
    outcome: int | None = None
    delay: float | None = None
    reply: Reply | None = None

    @property
    def changes_attempt(self) -> bool:
        return self.outcome is not None or self.delay is not None

    def attempt(self, attempt: Attempt, /) -> Attempt:
        outcome = attempt.outcome if self.outcome is None else Outcome(self.outcome, 7)
        return Attempt(attempt.delay if self.delay is None else self.delay, outcome)


def test_only_the_messages_concerned() -> None:
    world = slow_world()
    phone = world.bind()
    (fated,) = world.engine.submit(phone.bind, [sms()], Fated(UNDELIVERABLE, 5.0))
    (other,) = world.submit(phone, sms())
    assert isinstance(fated, bytes)
    world.advance(5.0)
    assert (world.state(fated), world.state(other)) == (UNDELIVERABLE, ENROUTE)
    assert world.message(fated).error_code == 7
    world.advance(55.0)
    assert world.state(other) == DELIVERED
    assert not world.engine.life.fates


@pytest.mark.parametrize("fields", [{}, {"validity_period": b"000000010000000R"}, {"esm_class": 0x40}])
def test_a_route_that_decides_at_once_is_asked_all_the_same(fields: dict[str, object]) -> None:
    world = World()
    phone = world.bind()
    text = b"\5\0\3\1\2\1Hi" if fields.get("esm_class") else b"Hi"
    (fated,) = world.engine.submit(phone.bind, [sms(text=text, **fields)], Fated(REJECTED))
    assert isinstance(fated, bytes)
    world.settle()
    assert world.state(fated) == REJECTED


def test_it_is_kept_in_queues_and_over_retries() -> None:
    network = ScriptedNetwork(after(0.0, ENROUTE, 27), then=after(0.0))
    world = World(paced("all", 1.0), network=network, messages=Messages(retry=[10.0]))
    phone = world.bind()
    first, second = world.engine.submit(phone.bind, [sms(), sms()], Fated(None, 2.0))
    assert isinstance(first, bytes)
    assert isinstance(second, bytes)
    world.advance(2.0)
    assert world.message(first).failures == 1
    assert world.state(second) == ENROUTE
    world.advance(1.1)
    assert world.state(second) == DELIVERED
    world.advance(8.9 + 1.9)
    assert world.state(first) == ENROUTE
    world.advance(0.2)
    assert world.state(first) == DELIVERED
    assert not world.engine.life.fates


def test_a_message_that_ends_before_its_time_leaves_nothing_behind() -> None:
    world = slow_world()
    phone = world.bind()
    (fated,) = world.engine.submit(phone.bind, [sms()], Fated(EXPIRED, 5.0))
    assert isinstance(fated, bytes)
    assert world.engine.delete(world.message(fated))
    assert not world.engine.life.fates


def test_what_is_fated_to_fail_does_not_reach_an_esme() -> None:
    world = World(accounts=[account(), account(BOB, address_range="^336")])
    alice, bob = world.bind(), world.bind(BOB)
    world.engine.submit(alice.bind, [sms()], Fated(UNDELIVERABLE))
    world.engine.submit(alice.bind, [sms()], Fated(None, 1.0))
    world.settle()
    assert len(bob.received) == 1
    assert "UNDELIV" in str(alice.receipts[0].stat)


def test_a_message_that_is_replaced_has_the_new_fate() -> None:
    world = slow_world()
    phone = world.bind()
    scheduled = {"schedule_delivery_time": b"000000000100000R"}
    (first,) = world.submit(phone, sms(**scheduled))
    answers = world.engine.submit(phone.bind, [sms(replace_if_present_flag=1, **scheduled)], Fated(EXPIRED, 1.0))
    assert answers == [first]
    world.advance(61.0)
    assert world.state(first) == EXPIRED
