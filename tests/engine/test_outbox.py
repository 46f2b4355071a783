"""What leaves towards ESMEs: by which bind, in which order, how often, and until when."""

from itertools import pairwise

import pytest

from smppd.engine import outbox
from smppd.engine.core import SWEEP_SECONDS
from smppd.engine.message import (
    DELIVERED,
    ENROUTE,
    RECEIPT_NONE,
    RECEIPT_PENDING,
    RECEIPT_SENT,
    RECEIPT_SETTLED,
    UNDELIVERABLE,
)
from smppd.engine.outbox import SLICE, SLICE_IN_A_FLOOD
from smppd.engine.retry import FIRST_DELAY
from smppd.settings import Messages
from tests.engine.world import ALICE, BOB, ScriptedNetwork, World, account, after, deliver_sm, sms, status


def ids_of(answers: list[bytes]) -> list[str]:
    return [answer.decode() for answer in answers]


# When and by whom.


def test_nothing_leaves_inside_submit() -> None:
    """Else a receipt could overtake its own submit_sm_resp, which is written after submit returns."""
    world = World()
    phone = world.bind()
    ids = world.submit(phone, *[sms()] * 10)
    assert phone.bodies == []
    assert world.wakes > 0
    world.settle()
    assert phone.told == ids_of(ids)
    assert phone.writes == [10]


def test_neither_acknowledging_nor_binding_sends() -> None:
    """They are called while octets of the peer are being handled; what leaves, leaves in `run`."""
    world = World()
    phone = world.bind(window=1)
    world.submit(phone, sms(), sms(), sms())
    world.settle()
    phone.answer()
    other = world.bind()
    assert (len(phone.bodies), len(other.bodies)) == (1, 0)


def test_never_on_a_transmitter() -> None:
    world = World()
    transmitter = world.bind(kind="transmitter")
    ids = world.submit(transmitter, sms(), sms())
    world.advance(10.0)
    assert transmitter.bodies == []
    assert world.waiting() == 2
    receiver = world.bind(kind="receiver")
    world.settle()
    assert receiver.told == ids_of(ids)


def test_never_to_another_account() -> None:
    world = World()
    alice, bob = world.bind(ALICE, "transmitter"), world.bind(BOB)
    world.submit(alice, sms())
    world.advance(10.0)
    assert bob.bodies == []


def test_the_bind_that_submitted_gets_the_receipt() -> None:
    world = World()
    phones = [world.bind() for _ in range(3)]
    ids = [world.submit(phone, sms(), sms()) for phone in phones]
    world.settle()
    assert [phone.told for phone in phones] == [ids_of(each) for each in ids]


def test_another_bind_takes_over_when_that_one_is_gone() -> None:
    world = World(network=ScriptedNetwork(then=after(5.0)))
    first, second = world.bind(), world.bind()
    ids = world.submit(first, sms(), sms())
    first.hang_up()
    world.advance(5.0)
    assert second.told == ids_of(ids)


def test_any_bind_means_the_first_with_room() -> None:
    world = World(accounts=[account(receipt_bind="any")])
    first, second, third = world.bind(window=2), world.bind(window=3), world.bind(window=5)
    ids = world.submit(third, *[sms()] * 6)
    world.settle()
    assert (first.told, second.told, third.told) == (ids_of(ids[:2]), ids_of(ids[2:5]), ids_of(ids[5:]))


def test_round_robin_deals_to_all_in_turn_and_in_one_write_each() -> None:
    world = World(accounts=[account(receipt_bind="round_robin")])
    phones = [world.bind() for _ in range(3)]
    ids = ids_of(world.submit(phones[0], *[sms()] * 100))
    world.settle()
    assert [phone.told for phone in phones] == [ids[0::3], ids[1::3], ids[2::3]]
    assert [phone.writes for phone in phones] == [[34], [33], [33]]
    more = ids_of(world.submit(phones[0], sms()))
    world.settle()
    assert phones[1].told[-1:] == more


def test_round_robin_passes_over_whoever_has_no_room() -> None:
    world = World(accounts=[account(receipt_bind="round_robin")])
    narrow, silent, wide = world.bind(window=1), world.bind(), world.bind()
    silent.reads = False
    ids = ids_of(world.submit(wide, *[sms()] * 6))
    world.settle()
    assert (narrow.told, silent.told, wide.told) == (ids[:1], [], ids[1:])


# While nobody can receive.


def test_receipts_are_held_in_order_until_somebody_can_receive() -> None:
    world = World()
    phone = world.bind(kind="transmitter")
    ids = [world.submit(phone, sms())[0] for _ in range(20)]
    world.advance(60.0)
    phone.hang_up()
    receiver = world.bind(kind="receiver")
    world.settle()
    assert receiver.told == ids_of(ids)


def test_what_a_session_had_not_acknowledged_goes_first_on_the_next() -> None:
    world = World()
    phone = world.bind(window=3)
    ids = ids_of(world.submit(phone, *[sms()] * 6))
    world.settle()
    assert phone.told == ids[:3]
    phone.answer(count=1)
    world.settle()
    phone.hang_up()
    assert world.waiting() == 5
    again = world.bind()
    world.settle()
    assert again.told == ids[1:]


def test_a_reader_that_pauses_is_left_alone_until_it_reads_again() -> None:
    world = World()
    phone = world.bind()
    phone.reads = False
    world.submit(phone, sms())
    world.advance(5.0)
    assert phone.bodies == []
    phone.reads = True
    world.engine.bind_has_room(phone.bind)
    world.settle()
    assert len(phone.bodies) == 1


def test_a_bind_that_was_never_opened_may_be_closed() -> None:
    """A connection may break between its bind request and the response."""
    world = World()
    phone = world.bind()
    phone.hang_up()
    world.engine.close_bind(phone.bind, [])
    assert phone.bind.esme.binds == []


# Windows.


def test_the_window_is_respected_and_refilled() -> None:
    world = World()
    phone = world.bind(window=10)
    ids = ids_of(world.submit(phone, *[sms()] * 25))
    world.settle()
    assert phone.told == ids[:10]
    phone.answer(count=4)
    world.settle()
    assert phone.told == ids[:14]
    phone.answer()
    world.settle()
    phone.answer()
    world.settle()
    phone.answer()
    assert phone.told == ids
    assert world.waiting() == 0


def test_response_timeouts_open_the_window_for_what_waits() -> None:
    world = World()
    phone = world.bind(window=1)
    ids = ids_of(world.submit(phone, sms(), sms()))
    world.settle()
    phone.keep_silent()
    world.settle()
    assert phone.told == ids


# Again, or never again.


def test_at_most_one_copy_is_on_its_way() -> None:
    world = World()
    phone = world.bind()
    message = world.message(world.submit(phone, sms())[0])
    assert message.receipt == RECEIPT_NONE
    world.settle()
    assert message.receipt == RECEIPT_SENT
    world.advance(1000.0)
    world.bind()
    world.advance(1000.0)
    assert len(phone.bodies) == 1
    assert phone.outstanding == [message]


def test_without_a_response_it_is_sent_again_later_and_later() -> None:
    world = World()
    phone = world.bind()
    message = world.message(world.submit(phone, sms())[0])
    world.settle()
    sent_at = []
    for attempt in range(1, 5):
        phone.keep_silent()
        assert message.receipt == RECEIPT_PENDING
        started = world.clock.time
        while not phone.outstanding:
            world.advance(0.5)
        sent_at.append(world.clock.time - started)
        assert len(phone.bodies) == attempt + 1
    assert sent_at == [FIRST_DELAY, 2 * FIRST_DELAY, 4 * FIRST_DELAY, 8 * FIRST_DELAY]
    phone.answer()
    assert message.receipt == RECEIPT_SETTLED
    world.advance(1000.0)
    assert len(phone.bodies) == 5


@pytest.mark.parametrize("name", ["ESME_RX_T_APPN", "ESME_RMSGQFUL", "ESME_RTHROTTLED", "ESME_RSYSERR"])
def test_retryable_statuses_bring_it_again_later(name: str) -> None:
    world = World()
    phone = world.bind()
    world.submit(phone, sms())
    world.settle()
    phone.answer(status(name))
    world.advance(FIRST_DELAY / 2)
    assert len(phone.bodies) == 1
    world.advance(FIRST_DELAY / 2)
    assert len(phone.bodies) == 2
    assert world.waiting() == 1


@pytest.mark.parametrize("name", ["ESME_RX_P_APPN", "ESME_RX_R_APPN", "ESME_RINVDSTADR", "ESME_RUNKNOWNERR"])
def test_other_statuses_settle_it(name: str) -> None:
    world = World()
    phone = world.bind()
    message = world.message(world.submit(phone, sms())[0])
    world.settle()
    phone.answer(status(name))
    world.advance(1000.0)
    assert len(phone.bodies) == 1
    assert (world.waiting(), message.receipt) == (0, RECEIPT_SETTLED)


def test_what_waits_to_be_sent_again_finds_another_bind() -> None:
    world = World()
    phone, other = world.bind(), world.bind()
    ids = world.submit(phone, sms())
    world.settle()
    phone.keep_silent()
    phone.hang_up()
    third = world.bind()
    world.settle()
    assert (other.bodies, third.bodies) == ([], []), "it rests as long as the ESME has been there all the time"
    world.advance(FIRST_DELAY)
    assert other.told == ids_of(ids)


def test_what_waits_to_be_sent_again_leaves_at_once_when_the_esme_comes_back() -> None:
    world = World()
    phone = world.bind()
    ids = world.submit(phone, sms())
    for delay in range(8):
        world.settle()
        phone.answer(status("ESME_RX_T_APPN"))
        world.advance(2.0**delay)
    world.settle()
    phone.keep_silent()
    phone.hang_up()
    world.bind(kind="transmitter")
    other = world.bind(kind="receiver")
    world.settle()
    assert other.told == ids_of(ids)
    other.answer()
    world.advance(1000.0)
    assert len(other.bodies) == 1
    assert (world.waiting(), world.engine.outbox._resting) == (0, {})


def test_what_left_early_and_was_refused_again_rests_as_long_as_its_attempts_demand() -> None:
    world = World()
    phone = world.bind()
    ids = world.submit(phone, sms())
    world.settle()
    phone.keep_silent()
    phone.hang_up()
    world.advance(FIRST_DELAY / 2)
    other = world.bind()
    world.settle()
    other.answer(status("ESME_RX_T_APPN"))
    world.advance(2 * FIRST_DELAY - 0.1)
    assert other.told == ids_of(ids), "the first rest would have ended by now"
    world.advance(0.2)
    assert other.told == ids_of(ids * 2)
    other.answer()
    assert len(world.engine.life.retries) == 0


def test_a_rest_that_ended_early_leaves_nothing_planned() -> None:
    world = World()
    phone = world.bind()
    world.submit(phone, sms())
    for _ in range(3):
        world.settle()
        phone.keep_silent()
        phone.hang_up()
        assert len(world.engine.life.retries) == 1
        phone = world.bind()
        assert len(world.engine.life.retries) == 0


# Until when.


def test_receipts_expire_like_messages() -> None:
    world = World(messages=Messages(default_validity=100.0))
    phone = world.bind(kind="transmitter")
    message = world.message(world.submit(phone, sms())[0])
    world.advance(99.0)
    assert world.waiting() == 1
    world.advance(2.1)
    assert (world.waiting(), message.receipt) == (0, RECEIPT_SETTLED)
    receiver = world.bind(kind="receiver")
    world.advance(10.0)
    assert receiver.bodies == []


def test_an_expired_receipt_is_not_sent_even_before_it_is_swept_away() -> None:
    world = World(messages=Messages(default_validity=100.0))
    phone = world.bind(window=1)
    ids = world.submit(phone, sms(), sms())
    world.settle()
    world.clock.time += 200.0
    phone.answer()
    world.settle()
    assert phone.told == ids_of(ids[:1])
    assert world.waiting() == 0


def test_expiry_reaches_what_waits_for_one_bind() -> None:
    world = World(messages=Messages(default_validity=100.0))
    phone = world.bind(window=1)
    world.submit(phone, sms(), sms())
    world.settle()
    world.advance(102.0)
    assert world.waiting() == 1
    assert not phone.bind.pending


# Fairness and cost.


def test_no_bind_waits_for_ever_behind_one_that_is_never_idle() -> None:
    """The first bind always has more to receive than a slice holds; the others must get theirs all the same."""
    world = World()
    busy, quiet = world.bind(), world.bind()
    transmitter = world.bind(kind="transmitter")
    expected = ids_of(world.submit(quiet, sms()) + world.submit(transmitter, sms()))
    for _ in range(10):
        world.submit(busy, *[sms()] * 3 * SLICE_IN_A_FLOOD)
        world.engine.run()
        if set(expected) <= set(quiet.told + busy.told):
            break
    else:
        pytest.fail("starved")


def test_no_account_waits_for_ever_behind_one_that_is_never_idle() -> None:
    world = World()
    busy, quiet = world.bind(ALICE), world.bind(BOB)
    world.submit(busy, *[sms()] * 5000)
    world.submit(quiet, sms())
    for _ in range(5):
        world.submit(busy, *[sms()] * 3 * SLICE_IN_A_FLOOD)
        world.engine.run()
    assert len(quiet.bodies) == 1


def test_a_turn_of_the_loop_sends_a_slice_and_comes_back() -> None:
    world = World()
    phone = world.bind(kind="transmitter")
    for _ in range(10):
        world.submit(phone, *[sms()] * 1000)
    world.settle()
    receiver = world.bind(kind="receiver")
    sent = []
    while world.engine.run() == 0.0:
        sent.append(len(receiver.bodies))
    assert sent[0] == SLICE
    assert max(after - before for before, after in pairwise(sent)) == SLICE_IN_A_FLOOD
    assert len(receiver.bodies) == 10_000


def test_the_cost_of_an_acknowledgement_does_not_depend_on_what_waits() -> None:
    """A hundred thousand receipts wait for an account; each answer moves the queue by one and looks at nothing else."""
    world = World()
    phone = world.bind(kind="transmitter")
    for _ in range(100):
        world.submit(phone, *[sms()] * 1000)
    world.settle()
    assert world.waiting() == 100_000
    receiver = world.bind(kind="receiver", window=10)
    world.settle()

    class Uncounted(type(receiver.bind.esme.pending)):  # type: ignore[misc]
        """A deque that may only be used at its ends."""

        def __iter__(self) -> object:
            raise AssertionError("looked at everything that waits")

    receiver.bind.esme.pending = Uncounted(list(receiver.bind.esme.pending))
    for _ in range(50):
        receiver.answer(count=3)
        world.settle()
    assert len(receiver.bodies) == 10 + 150
    assert world.waiting() == 100_000 - 150


# Notifications and messages of one's own.


def test_an_intermediate_notification_comes_while_the_message_is_on_its_way() -> None:
    world = World(network=ScriptedNetwork(then=after(5.0)))
    phone = world.bind()
    ids = world.submit(phone, sms(registered_delivery=0x11), sms(registered_delivery=0x20), sms())
    world.settle()
    assert [pdu.esm_class for pdu in phone.received] == [0x20, 0x20]
    phone.answer()
    world.advance(5.0)
    assert [pdu.esm_class for pdu in phone.received] == [0x20, 0x20, 4, 4]
    assert phone.told == ids_of([ids[0], ids[2]])


def test_an_intermediate_notification_comes_before_a_receipt_at_once() -> None:
    world = World()
    phone = world.bind()
    world.submit(phone, sms(registered_delivery=0x11))
    world.settle()
    assert [pdu.esm_class for pdu in phone.received] == [0x20, 4]


def test_a_notification_is_written_for_the_bind_it_leaves_by() -> None:
    """The session that submitted understood TLVs; the one that is there now does not."""
    world = World(network=ScriptedNetwork(then=after(500.0)))
    phone = world.bind()
    world.submit(phone, sms(registered_delivery=0x10))
    phone.hang_up()
    old = world.bind(version=0x33)
    world.settle()
    assert [(pdu.esm_class, pdu.tlvs) for pdu in old.received] == [(0x20, ())]


def test_notifications_do_not_outlive_their_message_nor_pile_up_beyond_the_limit() -> None:
    world = World(messages=Messages(limit=10, default_validity=100.0), network=ScriptedNetwork(then=after(1000.0)))
    phone = world.bind(kind="transmitter")
    for _ in range(20):
        world.engine.submit(phone.bind, [sms(registered_delivery=0x10)] * 5)
        world.settle()
        assert world.waiting() <= 10
    world.advance(102.0)
    assert world.waiting() == 0
    world.submit(phone, *[sms()] * 5)


def test_deliveries_of_ones_own_take_the_same_way() -> None:
    world = World(messages=Messages(limit=2))
    phone = world.bind()
    body = b"\0\1\1447700900123\0\1\1441234\0" + bytes(9) + b"\x05Hello"
    assert world.engine.deliver("mo", ALICE, body)
    world.settle()
    assert deliver_sm(phone.bodies[0]).short_message == b"Hello"
    phone.answer(status("ESME_RX_T_APPN"))
    world.advance(FIRST_DELAY)
    assert len(phone.bodies) == 2
    phone.answer()
    assert world.waiting() == 0
    assert not world.engine.deliver("mo", "nobody", body)


def test_deliveries_are_bounded_and_expire() -> None:
    world = World(messages=Messages(limit=2, default_validity=50.0))
    assert [world.engine.deliver("mo", ALICE, b"") for _ in range(3)] == [True, True, False]
    assert world.engine.submit(world.bind(kind="transmitter").bind, [sms()]) == [status("ESME_RMSGQFUL")]
    world.advance(52.0)
    assert world.waiting() == 0
    assert world.engine.deliver("mo", ALICE, b"")


def test_delays_of_receipts_are_observed() -> None:
    world = World(network=ScriptedNetwork(then=after(3.0, DELIVERED)))
    phone = world.bind()
    world.submit(phone, sms(), sms(registered_delivery=0x10))
    world.advance(3.0)
    assert world.observer.delays == [3.0]


# Acknowledgements of the handset.


def test_acknowledgements_of_the_handset_follow_the_receipt_and_are_repeated_like_it() -> None:
    world = World()
    phone = world.bind()
    world.submit(phone, sms(registered_delivery=0x0D))
    world.settle()
    assert [pdu.esm_class for pdu in phone.received] == [4, 8, 16]
    phone.answer(0, 1)
    phone.answer(status("ESME_RX_T_APPN"))
    assert world.waiting() == 2
    world.advance(FIRST_DELAY)
    assert [pdu.esm_class for pdu in phone.received[3:]] == [8, 16]
    phone.answer()
    assert world.waiting() == world.engine.ledger.live == 0


def test_acknowledgements_are_left_out_at_the_limit_of_messages() -> None:
    world = World(messages=Messages(limit=2))
    phone = world.bind(kind="transmitter")
    world.submit(phone, sms(registered_delivery=0x0D))
    world.settle()
    assert world.waiting() == world.engine.ledger.live == 2


# What the ESME says of an address.


def test_permanently_refused_means_all_that_waits_for_that_address() -> None:
    world = World()
    phone, other = world.bind(window=3), world.bind(BOB, window=1)
    gone = {"source_addr": b"GONE"}
    ids = ids_of(world.submit(phone, sms(**gone), sms(), sms(**gone), sms(**gone), sms(), sms(**gone), sms()))
    world.submit(other, *[sms(**gone)] * 3)
    world.settle()
    assert phone.told == ids[:3]
    phone.answer(status("ESME_RX_P_APPN"), 1)
    world.settle()
    assert phone.told == [*ids[:3], ids[4]], "the third was on its way already: the ESME answers it itself"
    assert world.waiting() == 4
    phone.answer()
    world.settle()
    phone.answer()
    assert phone.told == [*ids[:3], ids[4], ids[6]]
    assert (world.waiting(), world.waiting(BOB)) == (0, 3)
    (later,) = ids_of(world.submit(phone, sms(**gone)))
    world.settle()
    assert phone.told[-1] == later, "what comes later is offered: the ESME may have changed its mind"


def test_permanently_refused_means_what_was_to_be_sent_again_and_what_waits_for_any_bind() -> None:
    world = World()
    phone = world.bind(window=2)
    world.submit(phone, sms(registered_delivery=0x1D), sms(source_addr=b"OTHER"))
    gone = world.bind(kind="transmitter")
    world.submit(gone, sms(), sms(source_addr=b"OTHER"))
    world.settle()
    phone.answer(status("ESME_RX_T_APPN"), 1)
    world.settle()
    assert [pdu.esm_class for pdu in phone.received] == [0x20, 4, 8]
    assert world.waiting() == 7
    phone.answer(status("ESME_RX_P_APPN"), 2)
    assert len(world.engine.life.retries) == 0, "what was dropped is not planned any more"
    world.advance(100.0)
    assert [pdu.destination_addr for pdu in phone.received[3:]] == [b"OTHER"] * 2
    phone.answer()
    assert world.waiting() == world.engine.ledger.live == 0
    assert world.engine.outbox._resting == {}


def test_where_much_waits_it_is_looked_through_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LOOK_THROUGH", 10)
    world = World()
    phone = world.bind(window=1)
    world.submit(phone, *[sms()] * 20)
    world.settle()
    for _ in range(3):
        phone.answer(status("ESME_RX_P_APPN"))
        world.settle()
    assert world.waiting() == 17
    world.advance(SWEEP_SECONDS)
    phone.answer()
    assert world.waiting() == world.engine.ledger.live == 0


def test_permanently_refused_means_messages_to_that_address_of_the_esme_too() -> None:
    world = World(accounts=[account(ALICE), account(BOB, address_range="44*")])
    phone, bob = world.bind(), world.bind(BOB, window=1)
    ids = world.submit(phone, sms(b"441"), sms(b"441"), sms(b"442"))
    world.settle()
    bob.answer(status("ESME_RX_P_APPN"))
    world.settle()
    assert [world.state(message_id) for message_id in ids] == [UNDELIVERABLE, UNDELIVERABLE, ENROUTE]
    bob.answer()
    world.settle()
    assert world.state(ids[2]) == DELIVERED
    assert sorted(phone.told) == ids_of(ids)


@pytest.mark.parametrize("name", ["ESME_RX_R_APPN", "ESME_RINVDSTADR", "ESME_RUNKNOWNERR"])
def test_other_refusals_are_about_one_alone(name: str) -> None:
    world = World()
    phone = world.bind(window=1)
    ids = ids_of(world.submit(phone, sms(), sms()))
    world.settle()
    phone.answer(status(name))
    world.settle()
    assert phone.told == ids


def test_temporarily_refused_until_it_expires() -> None:
    world = World(messages=Messages(default_validity=20.0))
    phone = world.bind()
    world.submit(phone, sms())
    moments = []
    for _ in range(60):
        world.settle()
        if phone.outstanding:
            moments.append(world.clock.time - 1000.0)
            phone.answer(status("ESME_RX_T_APPN"))
        world.advance(1.0)
    assert moments == [0.0, 1.0, 3.0, 7.0, 15.0]
    assert world.waiting() == world.engine.ledger.live == 0


# Nobody there.


def test_what_is_due_to_an_esme_that_is_away_counts_against_the_limit_and_flows_when_it_comes() -> None:
    world = World(messages=Messages(limit=10, default_validity=1000.0))
    phone = world.bind(kind="transmitter")
    answers = world.engine.submit(phone.bind, [sms()] * 15)
    assert answers[10:] == [status("ESME_RMSGQFUL")] * 5
    world.advance(500.0)
    assert world.engine.submit(phone.bind, [sms(), sms()]) == [status("ESME_RMSGQFUL")] * 2
    assert world.observer.throttling == {(ALICE, "limit"): 7}
    assert world.waiting() == 10
    receiver = world.bind(kind="receiver", window=4)
    flowed = []
    for _ in range(3):
        world.settle()
        flowed.append(len(receiver.outstanding))
        receiver.answer()
    assert flowed == [4, 4, 2]
    assert all(isinstance(answer, bytes) for answer in world.engine.submit(phone.bind, [sms()] * 10))
