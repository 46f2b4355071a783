"""Who is told that a subscriber is back, by whom, how often, and until when."""

from typing import Any

import pytest

from smppd.engine import alerts, operations
from smppd.engine.message import DELIVERED, ENROUTE
from smppd.settings import Messages
from smppwire.codec import decode, encode
from smppwire.constants import TlvTag
from smppwire.pdus import AlertNotification, CancelSm, SubmitSm, Tlv
from tests.engine.world import BOB, UNDELIVERABLE, Phone, ScriptedNetwork, World, after, sms

SET_DPF = Tlv(TlvTag.SET_DPF, b"\1")
NUMBER = b"33612345678"
BACK_AT = 300.0
TEN_SECONDS = b"000000000010000R"


def wanting(destination: bytes = NUMBER, **fields: Any) -> SubmitSm:
    """A message of ten seconds that asks for a delivery pending flag."""
    fields.setdefault("validity_period", TEN_SECONDS)
    fields.setdefault("registered_delivery", 0)
    fields.setdefault("tlvs", (SET_DPF,))
    return sms(destination, **fields)


def absent_world(**options: Any) -> World:
    """Subscribers are absent, and those whose number begins with 33612 are back after 300 seconds."""
    network = ScriptedNetwork(then=after(0.0, ENROUTE, 27))
    network.back.update({b"%d" % number: 1000.0 + BACK_AT for number in range(33612345670, 33612345690)})
    return World(network=network, **options)


def notices(phone: Phone) -> list[AlertNotification]:
    assert all(isinstance(decode(encode(pdu)), AlertNotification) for pdu in phone.notices)
    return [pdu for pdu in phone.notices if isinstance(pdu, AlertNotification)]


def test_the_subscriber_is_back() -> None:
    world = absent_world()
    phone = world.bind()
    world.submit(phone, wanting())
    world.advance(299.0)
    assert phone.notices == []
    world.advance(2.0)
    (alert,) = notices(phone)
    assert (alert.source_addr_ton, alert.source_addr_npi, alert.source_addr) == (1, 1, NUMBER)
    assert (alert.esme_addr_ton, alert.esme_addr_npi, alert.esme_addr) == (5, 0, b"ACME")
    assert alert.tlvs == (Tlv(TlvTag.MS_AVAILABILITY_STATUS, b"\0"),)
    world.advance(10_000.0)
    assert len(phone.notices) == 1
    assert len(world.engine.life.alerts) == 0


def test_whoever_is_back_already_is_announced_at_once() -> None:
    world = absent_world(messages=Messages(retry=[1000.0]))
    phone = world.bind()
    world.submit(phone, wanting(validity_period=b"000000000600000R"))
    world.advance(359.0)
    assert phone.notices == []
    world.advance(2.0)
    assert len(phone.notices) == 1


@pytest.mark.parametrize(
    "fields", [{"tlvs": ()}, {"tlvs": (Tlv(TlvTag.SET_DPF, b"\0"),)}, {"destination": b"447700900123"}]
)
def test_nobody_is_told_who_did_not_ask_or_cannot_be(fields: dict[str, Any]) -> None:
    world = absent_world()
    phone = world.bind()
    world.submit(phone, wanting(**fields))
    world.advance(1000.0)
    assert phone.notices == []
    assert len(world.engine.life.alerts) == 0


@pytest.mark.parametrize(
    "attempt", [after(0.0, DELIVERED), after(0.0, UNDELIVERABLE, 1), after(60.0, DELIVERED)], ids=str
)
def test_no_flag_is_set_unless_the_subscriber_was_absent(attempt: Any) -> None:
    world = absent_world()
    world.network.then = attempt  # type: ignore[attr-defined]
    phone = world.bind()
    world.submit(phone, wanting())
    world.advance(1000.0)
    assert phone.notices == []


def test_a_message_that_got_through_or_was_cancelled_leaves_no_flag() -> None:
    world = absent_world(messages=Messages(retry=[5.0]))
    world.network.script.extend([after(0.0, ENROUTE, 27)] * 2 + [after(0.0, DELIVERED)])  # type: ignore[attr-defined]
    phone = world.bind()
    _, cancelled = world.submit(phone, wanting(), wanting())
    world.advance(1.0)
    operations.cancel(world.engine, phone.bind, CancelSm(message_id=cancelled, source_addr=b"ACME"))
    world.advance(1000.0)
    assert phone.notices == []


def test_datagrams_set_flags_too() -> None:
    world = absent_world()
    phone = world.bind()
    world.submit(phone, wanting(esm_class=1, validity_period=b""))
    world.advance(301.0)
    assert len(phone.notices) == 1


def test_one_alert_for_all_messages_of_two_addresses_and_one_for_each_other() -> None:
    world = absent_world()
    phone, bob = world.bind(), world.bind(BOB)
    world.submit(phone, wanting(), wanting(), wanting(source_addr=b"OTHER"), wanting(b"33612345679"))
    world.submit(bob, wanting())
    world.advance(301.0)
    assert sorted((alert.source_addr, alert.esme_addr) for alert in notices(phone)) == [
        (NUMBER, b"ACME"),
        (NUMBER, b"OTHER"),
        (b"33612345679", b"ACME"),
    ]
    assert len(bob.notices) == 1


def test_it_waits_for_a_bind_that_can_take_it() -> None:
    world = absent_world()
    transmitter, old = world.bind(kind="transmitter"), world.bind(version=0x33)
    deaf = world.bind()
    deaf.reads = False
    world.submit(transmitter, wanting())
    world.advance(400.0)
    assert (transmitter.notices, old.notices, deaf.notices) == ([], [], [])
    receiver = world.bind(kind="receiver")
    world.settle()
    assert len(receiver.notices) == 1


def test_it_is_of_no_interest_for_ever() -> None:
    world = absent_world(messages=Messages(default_validity=500.0))
    phone = world.bind(kind="transmitter")
    world.submit(phone, wanting())
    world.advance(509.0)
    assert len(world.engine.life.alerts) == 1
    world.advance(3.0)
    assert len(world.engine.life.alerts) == 0
    receiver = world.bind(kind="receiver")
    world.settle()
    assert receiver.notices == []
    assert world.engine.run() is None


def test_another_failure_prolongs_it() -> None:
    world = absent_world(messages=Messages(default_validity=500.0))
    phone = world.bind(kind="transmitter")
    world.submit(phone, wanting())
    world.advance(400.0)
    world.submit(phone, wanting())
    world.advance(400.0)
    receiver = world.bind(kind="receiver")
    world.settle()
    assert len(receiver.notices) == 1


def test_memory_is_bounded_and_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "MAX_ALERTS", 3)
    world = absent_world()
    phone = world.bind()
    numbers = [b"%d" % number for number in range(33612345670, 33612345680)]
    world.submit(phone, *(wanting(number) for number in numbers))
    world.advance(301.0)
    assert [alert.source_addr for alert in notices(phone)] == numbers[-3:]
    assert len(world.engine.life.alerts._schedule) == 0


def test_many_leave_in_slices() -> None:
    world = absent_world()
    phone = world.bind()
    known = world.engine.life.alerts
    for number in range(50):
        message = world.message(world.submit(phone, wanting(b"%d" % number))[0])
        known.remember(message, world.clock.time, world.clock.time + 100.0)
    assert known.run(world.clock.time, 20)
    assert len(phone.notices) == 20
    assert known.run(world.clock.time, 20)
    assert not known.run(world.clock.time, 20)
    assert len(phone.notices) == 50
