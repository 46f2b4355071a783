"""What ESMEs are told beside receipts; the ways through the engine are in test_core_retry and test_life."""

from smppd.engine.asides import Asides
from smppd.engine.esmes import MANUAL_ACK, HandsetAcknowledgement, Notification
from smppd.settings import Messages
from tests.engine.world import ALICE, World, slow_world, sms


def test_there_is_one_notification_at_a_time_and_another_when_there_is_news() -> None:
    world = slow_world()
    phone = world.bind(kind="transmitter")
    message = world.message(world.submit(phone, sms())[0])
    asides = Asides(world.engine.ledger, world.engine.outbox)
    live = world.engine.ledger.live
    asides.notify(message, 1000.0, 60.0)
    asides.notify(message, 1000.0, 60.0)
    esme = world.engine.esmes[ALICE]
    (notification,) = esme.pending
    assert isinstance(notification, Notification)
    assert world.engine.ledger.live == live + 1
    notification.told = 0
    asides.settled(notification, 1000.0, 60.0)
    assert (asides.notified, len(esme.pending)) == (set(), 1)
    message.failures = 1
    asides.settled(notification, 1000.0, 60.0)
    assert (asides.notified, len(esme.pending)) == ({message}, 2)


def test_at_the_limit_they_are_left_out() -> None:
    world = slow_world(messages=Messages(limit=1))
    phone = world.bind(kind="transmitter")
    message = world.message(world.submit(phone, sms())[0])
    asides = Asides(world.engine.ledger, world.engine.outbox)
    asides.notify(message, 1000.0, 60.0)
    asides.acknowledge(message, MANUAL_ACK, 1000.0, 60.0)
    asides.tell_accepted(message, 1000.0, 60.0)
    assert (len(world.engine.esmes[ALICE].pending), world.engine.ledger.live) == (0, 1)


def test_acknowledgements_and_acceptances_are_deliveries_of_their_own() -> None:
    world = World()
    phone = world.bind(kind="transmitter")
    message = world.message(world.submit(phone, sms(registered_delivery=1))[0])
    asides = Asides(world.engine.ledger, world.engine.outbox)
    live = world.engine.ledger.live
    asides.acknowledge(message, MANUAL_ACK, 1000.0, 60.0)
    asides.tell_accepted(message, 1000.0, 60.0)
    acknowledgement, acceptance = world.engine.esmes[ALICE].pending
    assert isinstance(acknowledgement, HandsetAcknowledgement)
    assert (acknowledgement.kind, acceptance.kind) == ("manual_ack", "acceptance")  # type: ignore[union-attr]
    assert world.engine.ledger.live == live + 2
