"""The life of a message: its outcomes, and what is sent about them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.engine.message import ACCEPTED, DELETED, DELIVERED, ENROUTE, EXPIRED
from smppd.engine.ports import Attempt, Outcome
from smppd.network.simple import SimulatedNetwork
from smppd.settings import Network
from tests.engine.world import (
    ALICE,
    BOB,
    FINAL_STATES,
    IN_AN_HOUR,
    NOON,
    TEN_SECONDS,
    UNDELIVERABLE,
    ScriptedNetwork,
    World,
    after,
    route,
    sms,
)


@pytest.mark.parametrize("state", FINAL_STATES)
@pytest.mark.parametrize("delay", [0.0, 2.5])
def test_every_outcome_after_every_delay(state: int, delay: float) -> None:
    world = World(network=ScriptedNetwork(after(delay, state, 7)))
    phone = world.bind()
    (message_id,) = world.submit(phone, sms())
    if delay:
        world.advance(2.49)
        assert world.state(message_id) == ENROUTE
    world.advance(0.01)
    message = world.message(message_id)
    assert (message.state, message.error_code, message.final_wall) == (state, 7, NOON + (delay or 0.0))
    assert len(phone.receipts) == 1
    assert phone.receipts[0].err == "007"


@pytest.mark.parametrize(
    ("registered_delivery", "state", "version", "classes"),
    [
        (0x00, DELIVERED, 0x34, []),
        (0x00, UNDELIVERABLE, 0x34, []),
        (0x01, DELIVERED, 0x34, [4]),
        (0x01, UNDELIVERABLE, 0x34, [4]),
        (0x02, DELIVERED, 0x34, []),
        (0x02, ACCEPTED, 0x34, []),
        (0x02, UNDELIVERABLE, 0x34, [4]),
        (0x02, EXPIRED, 0x34, [4]),
        (0x03, DELIVERED, 0x50, [4]),
        (0x03, UNDELIVERABLE, 0x50, []),
        (0x10, DELIVERED, 0x34, [0x20]),
        (0x20, DELIVERED, 0x34, [0x20]),
        (0x11, DELIVERED, 0x34, [0x20, 4]),
        (0x22, DELIVERED, 0x34, [0x20]),
        (0x22, UNDELIVERABLE, 0x34, [0x20, 4]),
        (0x04, DELIVERED, 0x34, [0x08]),
        (0x08, DELIVERED, 0x34, [0x10]),
        (0x0C, DELIVERED, 0x34, [0x08, 0x10]),
        (0x1D, DELIVERED, 0x34, [0x20, 4, 0x08, 0x10]),
        (0x0E, DELIVERED, 0x34, [0x08, 0x10]),
        (0x0C, ACCEPTED, 0x34, []),
        (0x0D, UNDELIVERABLE, 0x34, [4]),
    ],
)
def test_exactly_what_was_asked_for_is_sent(
    registered_delivery: int, state: int, version: int, classes: list[int]
) -> None:
    world = World(network=ScriptedNetwork(after(1.0, state)))
    phone = world.bind(version=version)
    world.submit(phone, sms(registered_delivery=registered_delivery))
    world.advance(2.0)
    assert [pdu.esm_class for pdu in phone.received] == classes


def test_each_route_asks_its_own_network_in_the_order_of_submission() -> None:
    good, bad = ScriptedNetwork(), ScriptedNetwork(then=Attempt(0.0, Outcome(UNDELIVERABLE)))
    world = World(
        route("fr", match={"destination_addr": "33*"}, network="good"),
        route("rest", network="bad"),
        networks={"good": good, "bad": bad},
    )
    phone = world.bind()
    ids = world.submit(phone, sms(b"331"), sms(b"332"), sms(b"44"), sms(b"333"))
    world.settle()
    assert [world.state(each) for each in ids] == [DELIVERED, DELIVERED, UNDELIVERABLE, DELIVERED]
    assert good.batches == [2, 1]


@given(
    cuts=st.lists(st.integers(1, 6), min_size=1, max_size=8),
    timed=st.sets(st.integers(0, 20)),
    foreign=st.sets(st.integers(0, 8)),
)
def test_the_fate_of_a_message_does_not_depend_on_how_the_stream_was_cut(
    cuts: list[int], timed: set[int], foreign: set[int]
) -> None:
    """Neither on how many arrive together, with or without times of their own, nor on what other accounts send."""
    outcomes = {"DELIVRD": 1.0, "UNDELIV": 1.0, "REJECTD": 1.0}

    def fates(batches: list[int], *, others: bool) -> list[tuple[int, float]]:
        world = World(network=SimulatedNetwork("default", Network(outcome=outcomes), 3))  # type: ignore[arg-type]
        alice, bob = world.bind(ALICE), world.bind(BOB)
        ids: list[bytes] = []
        for place, count in enumerate(batches):
            if others and place in foreign:
                world.submit(bob, sms())
            numbers = range(len(ids), len(ids) + count)
            ids += world.submit(alice, *[sms(validity_period=IN_AN_HOUR if n in timed else b"") for n in numbers])
        world.advance(5.0)
        return [(world.state(each), world.message(each).final_wall) for each in ids]

    assert fates(cuts, others=True) == fates([1] * sum(cuts), others=False)


def test_a_final_state_never_changes() -> None:
    world = World(network=ScriptedNetwork(after(5.0), after(0.0), after(5.0)))
    phone = world.bind()
    ids = world.submit(phone, sms(), sms(), sms(validity_period=TEN_SECONDS))
    for message_id in ids:
        world.engine.delete(world.message(message_id))
    world.advance(100.0)
    assert [world.state(each) for each in ids] == [DELETED] * 3
    for message_id in ids:
        world.engine.delete(world.message(message_id))
    world.settle()
    assert [receipt.stat for receipt in phone.receipts] == ["DELETED"] * 3
    assert world.engine.in_flight == 0


def test_messages_without_a_receipt_are_finished_together_whoever_sent_them() -> None:
    """Not those of another account, route or outcome: each is counted where it belongs."""
    world = World(
        route("fr", match={"destination_addr": "33*"}),
        route("uk", match={"destination_addr": "44*"}),
        network=ScriptedNetwork(is_known=True),
    )
    phones = [world.bind(ALICE), world.bind(BOB), world.bind(ALICE)]
    for phone in phones:
        world.submit(phone, sms(registered_delivery=0), sms(b"44", registered_delivery=0), sms())
    world.submit(phones[2], sms(registered_delivery=0))
    world.settle()
    assert {message.state for message in world.engine.messages.values()} == {DELIVERED}
    assert [world.engine.esmes[name].states[DELIVERED] for name in (ALICE, BOB)] == [7, 3]
    assert [world.engine.routes[name].states[DELIVERED] for name in ("fr", "uk")] == [7, 3]
    assert [len(phone.bodies) for phone in phones] == [1, 1, 1]
    assert (world.engine.in_flight, world.engine.ledger.live) == (0, 3)


@pytest.mark.parametrize("registered", [0, 1])
@pytest.mark.parametrize("reloads", [False, True])
def test_messages_of_several_routes_in_one_batch_count_on_their_own_route(registered: int, reloads: bool) -> None:
    world = World(route("fr", match={"destination_addr": "33*"}), route("rest"), network=ScriptedNetwork(is_known=True))
    phone = world.bind()
    for _ in range(3):
        world.submit(
            phone,
            *(sms(number, registered_delivery=registered) for number in (b"331", b"441", b"332", b"333", b"442")),
        )
    if reloads:
        world.reload(route("rest"))
        world.submit(phone, sms(b"334", registered_delivery=registered))
    world.settle()
    states = {name: world.engine.routes[name].states for name in ("fr", "rest")}
    assert [states[name][ENROUTE] for name in ("fr", "rest")] == [9, 6 + reloads]
    assert [states[name][DELIVERED] for name in ("fr", "rest")] == [9, 6 + reloads]
