"""Accounts and binds as the engine sees them."""

import gc
import weakref

import pytest

from smppd.engine.dialect import PlainDialect
from smppd.engine.esmes import (
    CLOSED_OUTBOUND,
    DELIVERY_ACK,
    MANUAL_ACK,
    Delivery,
    EsmeState,
    HandsetAcknowledgement,
    Notification,
    address_of,
)
from smppd.engine.message import ENROUTE
from smppd.settings import Throughput
from smppwire.pdus import AlertNotification, DataSm, DataSmResp
from tests.engine.world import ALICE, ScriptedNetwork, World, account, after, deliver_sm, sms, status


def test_an_account_takes_new_settings_and_keeps_what_it_holds() -> None:
    esme = EsmeState(account(throughput=Throughput(limit=10, burst=2)), PlainDialect())
    limiter = esme.throughput
    assert limiter is not None
    esme.waiting = 5
    esme.configure(account(throughput=Throughput(limit=10, burst=2), receipt_bind="any"), PlainDialect())
    assert esme.throughput is limiter
    assert (esme.receipt_bind, esme.waiting) == ("any", 5)
    esme.configure(account(throughput=Throughput(over="ESME_RSUBMITFAIL")), PlainDialect())
    assert esme.throughput is None
    assert esme.over_status == status("ESME_RSUBMITFAIL")


def test_only_receivers_and_transceivers_receive() -> None:
    world = World()
    phones = [world.bind(kind=kind) for kind in ("transmitter", "receiver", "transceiver")]
    assert phones[0].bind.esme.receivers() == [phone.bind for phone in phones[1:]]


@pytest.mark.parametrize(("version", "tlvs"), [(0x33, False), (0x34, True), (0x50, True)])
def test_esmes_below_34_get_no_tlvs_and_ids_of_hex_digits(version: int, tlvs: bool) -> None:
    bind = World().bind(version=version).bind
    assert (bind.tlvs, bind.hex_ids) == (tlvs, not tlvs)


def test_what_is_retained_does_not_keep_a_closed_connection_alive() -> None:
    """A message remembers its bind. Its bind must not remember the connection, with its buffers and its window."""
    world = World()
    phone = world.bind()
    world.submit(phone, sms())
    world.settle()
    phone.answer()
    bind, connection = phone.bind, weakref.ref(phone)
    phone.hang_up()
    del phone
    gc.collect()
    assert connection() is None
    assert not bind.is_open
    assert bind.outbound is CLOSED_OUTBOUND


def test_nothing_leaves_by_a_session_that_has_ended() -> None:
    assert CLOSED_OUTBOUND.room() == 0
    with pytest.raises(RuntimeError, match="ended"):
        CLOSED_OUTBOUND.deliver([b""], [])
    CLOSED_OUTBOUND.answer(DataSm(), DataSmResp())
    CLOSED_OUTBOUND.notify(AlertNotification())


def test_a_delivery_has_its_body_and_a_notification_is_written_for_its_bind() -> None:
    world = World(network=ScriptedNetwork(then=after(5.0)))
    phone = world.bind()
    delivery = Delivery("mo", b"octets", world.engine.esmes[ALICE], None, 0.0, 1.0)
    assert delivery.render(PlainDialect(), tlvs=True) == (5, b"octets")
    message = world.message(world.submit(phone, sms())[0])
    notification = Notification(message, 10.0)
    assert (notification.esme, notification.bind, notification.kind) == (message.esme, phone.bind, "intermediate")
    modern, old = (deliver_sm(notification.render(PlainDialect(), tlvs=tlvs)[1]) for tlvs in (True, False))
    assert modern.tlvs[1].value == bytes((ENROUTE,))
    assert old.tlvs == ()


def test_an_account_waits_for_a_receiver_while_something_waits_for_it() -> None:
    world = World()
    esme = world.engine.esmes[ALICE]
    transmitter = world.bind(kind="transmitter")
    assert not esme.waits_for_receiver
    world.submit(transmitter, sms())
    world.settle()
    assert esme.waits_for_receiver
    receiver = world.bind(kind="receiver")
    assert not esme.waits_for_receiver
    world.settle()
    receiver.hang_up()
    assert esme.waits_for_receiver


def test_an_acknowledgement_of_the_handset_is_a_delivery_of_its_own() -> None:
    world = World()
    phone = world.bind()
    message = world.message(world.submit(phone, sms())[0])
    kinds = {}
    for esm_class in (DELIVERY_ACK, MANUAL_ACK):
        ack = HandsetAcknowledgement(message, esm_class, 1.0, 2.0)
        assert (ack.esme, ack.bind, ack.expires_at) == (message.esme, phone.bind, 2.0)
        pdu = deliver_sm(ack.render(PlainDialect(), tlvs=True)[1])
        assert pdu.esm_class == esm_class
        kinds[ack.kind] = esm_class
    assert kinds == {"delivery_ack": 0x08, "manual_ack": 0x10}


def test_each_deliverable_knows_the_address_of_the_esme_it_is_for() -> None:
    world = World()
    message = world.message(world.submit(world.bind(), sms(source_addr=b"4477"))[0])
    body = b"CMT\0\1\1" + b"447700900123\0\1\0" + b"33123\0" + bytes(9) + b"\x05Hello"
    delivery = Delivery("mo", body, world.engine.esmes[ALICE], None, 0.0, 1.0)
    ack = HandsetAcknowledgement(message, DELIVERY_ACK, 0.0, 1.0)
    assert deliver_sm(body).destination_addr == b"33123"
    assert [address_of(item) for item in (message, Notification(message, 1.0), ack, delivery)] == [
        b"4477",
        b"4477",
        b"4477",
        b"33123",
    ]
