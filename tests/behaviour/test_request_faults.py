"""Faults of requests: who is refused with what, what is said of congestion, and which receipts come early."""

from __future__ import annotations

from typing import Any

import pytest

from smppd.engine.message import DELIVERED
from smppd.engine.operations import data
from smppd.engine.submit_multi import submit_multi
from smppd.settings import Throughput, faults
from smppd.settings.faults import Fault
from smppd.settings.rules import Schedule
from smppwire.constants import CommandId
from smppwire.pdus import DataSm, SmeAddress, SubmitMulti, SubmitMultiResp
from tests.behaviour.fault_world import FaultyWorld
from tests.engine.world import (
    ALICE,
    BOB,
    IN_AN_HOUR,
    Phone,
    ScriptedNetwork,
    account,
    after,
    route,
    sms,
    status,
)

RTHROTTLED, RMSGQFUL, RSYSERR, RINVDSTADR = map(
    status, ("ESME_RTHROTTLED", "ESME_RMSGQFUL", "ESME_RSYSERR", "ESME_RINVDSTADR")
)
SUBMIT_SM_RESP, DATA_SM_RESP = int(CommandId.SUBMIT_SM_RESP), int(CommandId.DATA_SM_RESP)
GERMAN = b"4915112345678"


def answers(world: FaultyWorld, phone: Phone, *pdus: Any) -> list[int]:
    """The command_statuses of the responses, 0 for what was accepted."""
    given = world.engine.submit(phone.bind, list(pdus) or [sms()])
    return [answer if isinstance(answer, int) else 0 for answer in given]


def data_sm(destination: bytes) -> DataSm:
    return DataSm(dest_addr_ton=1, dest_addr_npi=1, destination_addr=destination, registered_delivery=1)


def multi(*destinations: bytes) -> SubmitMulti:
    return SubmitMulti(
        source_addr_ton=5,
        source_addr=b"ACME",
        dest_address=[SmeAddress(1, 1, destination) for destination in destinations],
        short_message=b"Hello",
    )


def test_nobody_is_asked_where_there_is_no_such_fault() -> None:
    world = FaultyWorld(faults.Throttle(name="t", account=BOB), faults.ReceiptLost(name="l"), faults.Slice(name="s"))
    assert world.bind().bind.faults is None
    assert world.bind(BOB).bind.faults is not None


def test_a_burst_of_throttling() -> None:
    world = FaultyWorld(faults.Throttle(name="t", schedule=Schedule(start=0, for_=10, every=60), account=ALICE))
    alice, bob = world.bind(), world.bind(BOB)
    seen = []
    for _ in range(13):
        seen.append((answers(world, alice)[0], answers(world, bob)[0]))
        world.advance(5)
    assert [pair[0] for pair in seen] == [RTHROTTLED] * 2 + [0] * 10 + [RTHROTTLED]
    assert {pair[1] for pair in seen} == {0}
    assert world.observer.throttling == {(ALICE, "fault"): 3}
    assert world.hits("t") == 3


@pytest.mark.parametrize("cut", [[4], [1, 3], [1, 1, 1, 1]])
def test_it_makes_no_difference_how_requests_are_cut(cut: list[int]) -> None:
    world = FaultyWorld(faults.Throttle(name="t", every=2, status="ESME_RMSGQFUL"))
    phone = world.bind()
    given = [status for count in cut for status in answers(world, phone, *[sms() for _ in range(count)])]
    assert given == [0, RMSGQFUL, 0, RMSGQFUL]


def test_what_is_wrong_anyway_is_no_occasion() -> None:
    world = FaultyWorld(faults.Throttle(name="t", every=2))
    phone = world.bind()
    assert answers(world, phone, sms(), sms(b""), sms(), sms()) == [0, RINVDSTADR, RTHROTTLED, 0]


@pytest.mark.parametrize(("command", "refused"), [("*", True), ("data_sm", True), ("submit_sm", False)])
def test_data_sm(command: str, refused: bool) -> None:
    world = FaultyWorld(faults.Throttle(name="t", command=command))
    phone = world.bind()
    response = data(world.engine, phone.bind, data_sm(GERMAN))
    assert not isinstance(response, int)
    assert response.command_status == (RTHROTTLED if refused else 0)


def test_each_destination_of_a_submit_multi() -> None:
    world = FaultyWorld(faults.Throttle(name="t", every=2, command="submit_multi"))
    phone = world.bind()
    assert answers(world, phone, sms(), sms()) == [0, 0]
    response = submit_multi(world.engine, phone.bind, multi(b"33612345678", b"33612345679", b"33612345680"))
    assert isinstance(response, SubmitMultiResp)
    assert [(each.destination_addr, each.error_status_code) for each in response.unsuccess_sme] == [
        (b"33612345679", RTHROTTLED)
    ]


def test_a_route_goes_down_and_returns() -> None:
    down = faults.RouteDown(name="d", route="de", schedule=Schedule(start=10, for_=10))
    world = FaultyWorld(down)
    world.reload(route("de", match={"destination_addr": ["49*"]}), route("rest"))
    phone = world.bind()
    seen = []
    for _ in range(3):
        seen.append(answers(world, phone, sms(GERMAN), sms()))
        world.advance(10)
    assert seen == [[0, 0], [RSYSERR, 0], [0, 0]]


def test_a_route_that_is_down_takes_no_data_sm_and_no_part_of_a_submit_multi() -> None:
    world = FaultyWorld(faults.RouteDown(name="d", route="de", status="ESME_RMSGQFUL"))
    world.reload(route("de", match={"destination_addr": ["49*"]}), route("rest"))
    phone = world.bind()
    response = data(world.engine, phone.bind, data_sm(GERMAN))
    assert not isinstance(response, int)
    assert response.command_status == RMSGQFUL
    many = submit_multi(world.engine, phone.bind, multi(b"33612345678", GERMAN))
    assert isinstance(many, SubmitMultiResp)
    assert [each.error_status_code for each in many.unsuccess_sme] == [RMSGQFUL]
    assert data(world.engine, phone.bind, data_sm(b"33612345678")).command_status == 0  # type: ignore[union-attr]


def test_congestion_of_the_responses_asked_for() -> None:
    world = FaultyWorld(
        faults.Congestion(name="c", value=99, command="submit_sm_resp", every=2), faults.Throttle(name="t", count=1)
    )
    asked = world.bind().bind.faults
    assert asked is not None
    given = [asked.congestion(command, 5) for command in (SUBMIT_SM_RESP, DATA_SM_RESP, SUBMIT_SM_RESP)]
    assert given == [5, 5, 99]


def test_the_last_of_several_congestions_counts() -> None:
    world = FaultyWorld(faults.Congestion(name="a", value=10), faults.Congestion(name="b", value=20))
    asked = world.bind().bind.faults
    assert asked is not None
    assert asked.congestion(SUBMIT_SM_RESP, 0) == 20


# Receipts before their responses.


def early(world: FaultyWorld, phone: Phone, *pdus: Any) -> list[bytes]:
    """Submit as a session does: what comes early has left when this is over."""
    given = world.engine.submit(phone.bind, list(pdus))
    world.engine.report_early(phone.bind, given)
    return [answer for answer in given if isinstance(answer, bytes)]


@pytest.mark.parametrize("network", [ScriptedNetwork(is_known=True), ScriptedNetwork(), ScriptedNetwork(then=after(9))])
def test_a_receipt_leaves_before_the_response(network: ScriptedNetwork) -> None:
    world = FaultyWorld(faults.ReceiptBeforeResponse(name="e", every=2), network=network)
    phone = world.bind()
    first, second = early(world, phone, sms(), sms())
    assert phone.told == [second.decode()]
    assert world.state(second) == DELIVERED
    world.advance(9)
    assert phone.told == [second.decode(), first.decode()]
    phone.answer()
    assert (world.waiting(), world.engine.ledger.live, world.engine.in_flight) == (0, 0, 0)


def test_it_does_not_wait_behind_other_receipts() -> None:
    world = FaultyWorld(faults.ReceiptBeforeResponse(name="e", after=1))
    phone = world.bind()
    (first,) = early(world, phone, sms())
    phone.reads = False
    world.settle()
    phone.reads = True
    (second,) = early(world, phone, sms())
    assert phone.told == [second.decode()]
    world.engine.bind_has_room(phone.bind)
    world.settle()
    assert phone.told == [second.decode(), first.decode()]


def test_without_room_in_the_window_it_waits() -> None:
    world = FaultyWorld(faults.ReceiptBeforeResponse(name="e"))
    phone = world.bind(window=1)
    first, second = early(world, phone, sms(), sms())
    assert phone.told == [first.decode()]
    phone.answer()
    world.settle()
    assert phone.told == [first.decode(), second.decode()]


@pytest.mark.parametrize(
    "pdu",
    [
        sms(registered_delivery=0),
        sms(schedule_delivery_time=IN_AN_HOUR),
        sms(registered_delivery=2),
        sms(esm_class=2),
        sms(b""),
    ],
)
def test_what_has_no_receipt_or_no_outcome_yet_is_no_occasion(pdu: Any) -> None:
    world = FaultyWorld(faults.ReceiptBeforeResponse(name="e"))
    phone = world.bind()
    early(world, phone, pdu)
    assert (phone.told, world.hits("e")) == ([], 0)


def test_what_waits_for_its_route_is_no_occasion() -> None:
    world = FaultyWorld(faults.ReceiptBeforeResponse(name="e"))
    world.reload(route("all", throughput=Throughput(limit=1, over="queue")))
    phone = world.bind()
    assert len(early(world, phone, sms(), sms())) == 2
    assert len(phone.told) == 1


def test_what_goes_to_an_esme_is_no_occasion() -> None:
    accounts = [account(ALICE), account(BOB, address_range="^336")]
    world = FaultyWorld(faults.ReceiptBeforeResponse(name="e"), accounts=accounts)
    phone, bob = world.bind(), world.bind(BOB)
    early(world, phone, sms())
    assert phone.told == []
    world.settle()
    bob.answer()
    world.settle()
    assert len(phone.told) == 1


def test_other_faults_of_receipts_join_in() -> None:
    world = FaultyWorld(faults.ReceiptBeforeResponse(name="e"), faults.ReceiptDuplicate(name="d"))
    phone = world.bind()
    (sent,) = early(world, phone, sms())
    assert phone.told == [sent.decode()] * 2


def test_a_receipt_that_another_bind_gets() -> None:
    world = FaultyWorld(faults.ReceiptBeforeResponse(name="e"))
    transmitter, receiver = world.bind(kind="transmitter"), world.bind(kind="receiver")
    (sent,) = early(world, transmitter, sms())
    assert receiver.told == [sent.decode()]


# Changes while running.


def test_faults_come_and_go() -> None:
    throttle = faults.Throttle(name="t", count=2)
    world = FaultyWorld()
    phone = world.bind()
    assert answers(world, phone) == [0]
    world.replace(throttle)
    assert answers(world, phone) == [RTHROTTLED]
    world.replace(throttle, faults.Congestion(name="c"))
    assert answers(world, phone) == [RTHROTTLED]
    assert answers(world, phone) == [0]
    world.replace()
    assert phone.bind.faults is None


@pytest.mark.parametrize("fault", [faults.Throttle(name="f", session=2), faults.Throttle(name="f", account="b*")])
def test_one_session_alone(fault: Fault) -> None:
    world = FaultyWorld(fault)
    phones = [world.bind(), world.bind(BOB), world.bind()]
    assert [answers(world, phone) for phone in phones] == [[0], [RTHROTTLED], [0]]
