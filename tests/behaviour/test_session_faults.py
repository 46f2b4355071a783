"""Faults of sessions: who is let in, who is ended and when, and what is said unasked."""

from __future__ import annotations

import asyncio

import pytest

from smppd.behaviour import session_faults
from smppd.settings import faults
from smppd.settings.delays import Fixed
from smppd.settings.faults import Fault
from smppd.settings.rules import Schedule
from smppwire.constants import CommandId
from tests.behaviour.fault_world import FakeSession, FaultyWorld
from tests.engine.world import ALICE, BOB, Phone, status

BIND_TRX, BIND_RX = int(CommandId.BIND_TRANSCEIVER), int(CommandId.BIND_RECEIVER)
RBINDFAIL, RALYBND, RTHROTTLED, RINVSYSID = map(
    status, ("ESME_RBINDFAIL", "ESME_RALYBND", "ESME_RTHROTTLED", "ESME_RINVSYSID")
)


def refusal(
    world: FaultyWorld, system_id: str = ALICE, bound: int = 0, command: int = BIND_TRX, name: str = "9"
) -> int:
    """The command_status that refuses a bind, 0 for none."""
    found = world.desk.sessions.refusal(FakeSession(name), command, system_id, bound)
    return 0 if found is None else found[0]


def left(world: FaultyWorld, phone: Phone, *, lost: bool) -> None:
    session = world.session(phone)
    session.bind = None
    assert world.attached is not None
    world.attached.left(session, phone.bind, lost=lost)
    world.engine.close_bind(phone.bind, [])


# Binds.


def test_sessions_are_not_bothered_without_such_faults() -> None:
    world = FaultyWorld(faults.Throttle(name="t"), faults.ReceiptLost(name="l"), faults.Fin(name="f"))
    assert world.attached is None


def test_a_bind_is_refused_n_times_and_then_accepted() -> None:
    world = FaultyWorld(faults.RefuseBind(name="r", count=3, status="ESME_RTHROTTLED", account=ALICE))
    assert [refusal(world, system_id) for system_id in (BOB, ALICE, ALICE, BOB, ALICE, ALICE)] == [
        0,
        RTHROTTLED,
        RTHROTTLED,
        0,
        RTHROTTLED,
        0,
    ]


def test_a_bind_of_one_kind() -> None:
    world = FaultyWorld(faults.RefuseBind(name="r", command="bind_receiver"))
    assert [refusal(world, command=command) for command in (BIND_TRX, BIND_RX)] == [0, RBINDFAIL]


def test_a_stale_session_lingers_after_a_lost_connection() -> None:
    world = FaultyWorld(faults.StaleSession(name="s", for_=60.0, account=ALICE))
    alice, bob = world.bind(), world.bind(BOB)
    assert refusal(world) == 0
    left(world, alice, lost=True)
    left(world, bob, lost=True)
    assert [refusal(world), refusal(world, BOB)] == [RALYBND, 0]
    world.advance(59)
    assert refusal(world) == RALYBND
    world.advance(1)
    assert refusal(world) == 0


def test_none_lingers_after_an_unbind_and_none_when_the_fault_is_gone() -> None:
    stale = faults.StaleSession(name="s")
    world = FaultyWorld(stale)
    left(world, world.bind(), lost=False)
    assert refusal(world) == 0
    left(world, world.bind(), lost=True)
    assert refusal(world) == RALYBND
    world.replace(faults.IgnoreEnquireLink(name="i"))
    assert refusal(world) == 0
    assert world.hits("i") == 0


def test_a_session_limit() -> None:
    world = FaultyWorld(faults.SessionLimit(name="l", limit=2, status="ESME_RTHROTTLED", account=ALICE))
    assert [refusal(world, bound=bound) for bound in (0, 1, 2, 3)] == [0, 0, RTHROTTLED, RTHROTTLED]
    assert refusal(world, BOB, bound=5) == 0
    assert world.book.hits()["l"] == (2, 2)


def test_an_account_is_disabled_and_enabled_again() -> None:
    world = FaultyWorld(faults.DisableAccount(name="d", account=ALICE, schedule=Schedule(start=10, for_=20, every=60)))
    alice, bob = world.bind(), world.bind(BOB)
    world.settle()
    assert (refusal(world), world.session(alice).did) == (0, [])
    world.advance(11)
    assert (refusal(world), world.session(alice).did, world.session(bob).did) == (RBINDFAIL, ["unbind"], [])
    assert refusal(world, BOB) == 0
    left(world, alice, lost=False)
    world.advance(20)
    assert refusal(world) == 0
    again = world.bind()
    world.advance(28)
    assert world.session(again).did == []
    world.advance(12)
    assert world.session(again).did == ["unbind"]


@pytest.mark.parametrize(
    ("schedule", "did"),
    [(None, ["unbind"]), (Schedule(for_=100), ["unbind"]), (Schedule(start=50), []), (Schedule(for_=2), [])],
)
def test_an_account_is_disabled_while_its_sessions_stand(schedule: Schedule | None, did: list[str]) -> None:
    world = FaultyWorld()
    phone = world.bind()
    world.advance(5)
    world.replace(faults.DisableAccount(name="d", schedule=schedule))
    world.settle()
    assert world.session(phone).did == did


def test_a_slow_bind_draws_its_delay() -> None:
    world = FaultyWorld(
        faults.SlowBind(name="a", delay=Fixed(value=2.0)), faults.SlowBind(name="b", delay=Fixed(value=1.0), after=1)
    )
    desk = world.desk.sessions
    assert [desk.delay(FakeSession("1"), BIND_TRX, ALICE) for _ in range(2)] == [2.0, 3.0]


def test_a_pause_is_of_the_engines_time() -> None:
    async def scenario() -> None:
        world = FaultyWorld(faults.SlowBind(name="a"))
        task = asyncio.create_task(world.desk.sessions.pause(5.0))
        await asyncio.sleep(0)
        world.advance(4.9)
        await asyncio.sleep(0)
        assert not task.done()
        world.advance(0.2)
        await asyncio.wait_for(task, 5)

        task = asyncio.create_task(world.desk.sessions.pause(5.0))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert world.waits.next_due() is None

        task = asyncio.create_task(world.desk.sessions.pause(5.0))
        await asyncio.sleep(0)
        world.replace()
        await asyncio.wait_for(task, 5)
        assert world.waits.next_due() is None

    asyncio.run(scenario())


# Ends out of the blue.


@pytest.mark.parametrize(
    ("fault", "did"), [(faults.Unbind(name="e"), "unbind"), (faults.Disconnect(name="e"), "close")]
)
def test_without_a_schedule_a_session_ends_as_soon_as_it_is_bound(fault: Fault, did: str) -> None:
    world = FaultyWorld(fault)
    phone = world.bind()
    assert world.session(phone).did == []
    world.settle()
    assert world.session(phone).did == [did]
    assert world.waits.next_due() is None


def test_at_each_beginning_of_a_schedule() -> None:
    world = FaultyWorld(faults.Disconnect(name="d", schedule=Schedule(start=30, for_=1, every=60)))
    early, session = world.bind(), FakeSession("77")
    world.advance(29)
    assert world.session(early).did == []
    world.advance(2)
    assert world.session(early).did == ["close"]
    late = world.bind()
    world.advance(58)
    assert (world.session(early).did, world.session(late).did) == (["close"], [])
    world.advance(2)
    assert (world.session(early).did, world.session(late).did) == (["close"] * 2, ["close"])
    assert session.did == []


def test_so_long_after_each_bind() -> None:
    world = FaultyWorld(faults.Unbind(name="u", schedule=Schedule(start=300, since="session"), account=ALICE))
    first = world.bind()
    world.advance(100)
    second, other = world.bind(), world.bind(BOB)
    world.advance(201)
    assert [world.session(phone).did for phone in (first, second, other)] == [["unbind"], [], []]
    world.advance(100)
    assert [world.session(phone).did for phone in (first, second, other)] == [["unbind"], ["unbind"], []]


def test_a_session_that_has_left_is_not_followed() -> None:
    world = FaultyWorld(faults.Unbind(name="u", schedule=Schedule(start=30)), faults.EnquireLinkInterval(name="e"))
    phone = world.bind()
    left(world, phone, lost=True)
    assert world.desk.sessions.watched == 0
    world.advance(60)
    world.loop.real.pass_time(60)
    assert world.session(phone).did == []
    assert (world.waits.next_due(), world.loop.real.waits) == (None, 0)


def test_faults_that_come_later_end_sessions_too_and_those_that_go_do_not() -> None:
    soon = faults.Disconnect(name="d", schedule=Schedule(start=10))
    world = FaultyWorld(soon)
    phone = world.bind()
    world.replace()
    world.advance(20)
    assert world.session(phone).did == []
    world.replace(faults.Unbind(name="u"))
    world.settle()
    assert world.session(phone).did == ["unbind"]


def test_counts_that_begin_anew_end_nothing() -> None:
    world = FaultyWorld()
    phone = world.bind()
    world.replace(
        faults.Unbind(name="u", after=1),
        faults.Disconnect(name="d", schedule=Schedule(start=60)),
        faults.DisableAccount(name="a", account=BOB),
    )
    world.settle()
    world.book.reset()
    world.settle()
    assert world.session(phone).did == []
    world.advance(61)
    assert world.session(phone).did == ["close"]


def test_draws_of_ends_repeat() -> None:
    def ended(seed: int) -> list[bool]:
        world = FaultyWorld(faults.Disconnect(name="d", probability=0.5), seed=seed)
        phones = [world.bind() for _ in range(32)]
        world.settle()
        return [bool(world.session(phone).did) for phone in phones]

    assert ended(1) == ended(1)
    assert ended(1) != ended(2)


# What is said unasked, and what is not answered.


def test_an_enquire_link_before_the_bind() -> None:
    world = FaultyWorld(
        faults.EnquireLinkBeforeBind(name="e", session=2), faults.EnquireLinkBeforeBind(name="a", account=ALICE)
    )
    sessions = [FakeSession("1"), FakeSession("2")]
    for session in sessions:
        world.desk.sessions.connected(session)
    assert [session.did for session in sessions] == [[], ["enquire_link"]]


def test_enquire_links_at_an_interval_of_real_time() -> None:
    world = FaultyWorld(faults.EnquireLinkInterval(name="e", account=ALICE))
    alice, bob = world.bind(), world.bind(BOB)
    world.advance(86_400)
    assert world.session(alice).did == []
    world.loop.real.pass_time(2.1)
    assert world.session(alice).did == ["enquire_link"] * 4
    assert world.session(bob).did == []
    world.replace()
    world.loop.real.pass_time(2)
    assert len(world.session(alice).did) == 4
    assert world.loop.real.waits == 0


def test_enquire_links_that_nobody_answers_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_faults, "MOST_UNANSWERED", 2)
    world = FaultyWorld(faults.EnquireLinkInterval(name="e", interval=1.0))
    session = world.session(world.bind())
    session.unanswered = 2
    world.loop.real.pass_time(3.5)
    assert session.did == []
    session.unanswered = 1
    world.loop.real.pass_time(1)
    assert session.did == ["enquire_link"]


def test_enquire_links_of_so_many() -> None:
    world = FaultyWorld()
    phone = world.bind()
    world.replace(faults.EnquireLinkInterval(name="e", count=3, interval=0.1))
    world.loop.real.pass_time(2)
    assert world.session(phone).did == ["enquire_link"] * 3


def test_unanswered_enquire_links() -> None:
    world = FaultyWorld(faults.IgnoreEnquireLink(name="i", account=ALICE, every=2))
    alice, bob = world.session(world.bind()), world.session(world.bind(BOB))
    desk = world.desk.sessions
    assert [desk.ignores_enquire_link(alice) for _ in range(4)] == [False, True, False, True]
    assert not desk.ignores_enquire_link(bob)
    assert not desk.ignores_enquire_link(FakeSession("7"))


def test_unanswered_enquire_links_of_all() -> None:
    world = FaultyWorld(faults.IgnoreEnquireLink(name="i"))
    assert world.desk.sessions.ignores_enquire_link(FakeSession("7"))


def test_a_message_leaves_with_the_response_to_the_bind() -> None:
    mo = faults.MoWithBindResponse(name="m", text="hi", source_addr="4477", destination_addr="ACME", account=ALICE)
    world = FaultyWorld(mo)
    phones = [world.bind(), world.bind(kind="transmitter"), world.bind(BOB)]
    assert [len(phone.bodies) for phone in phones] == [1, 0, 0]
    (pdu,) = phones[0].received
    assert (pdu.source_addr, pdu.destination_addr, pdu.short_message) == (b"4477", b"ACME", b"hi")
    assert world.waiting() == 1
    phones[0].answer()
    assert (world.waiting(), world.engine.ledger.live) == (0, 0)


def test_a_message_for_which_there_is_no_room_waits() -> None:
    world = FaultyWorld(faults.MoWithBindResponse(name="m"), faults.MoWithBindResponse(name="n", text="again"))
    phone = world.bind(window=1)
    world.settle()
    assert len(phone.bodies) == 1
    phone.answer()
    world.settle()
    assert [pdu.short_message for pdu in phone.received] == [b"hello", b"again"]
