"""Transaction mode: the response tells what became of the message."""

from typing import Any

import pytest

from smppd.engine import operations
from smppd.engine.message import ACCEPTED, DELIVERED, ENROUTE, EXPIRED
from smppd.engine.ports import DEFERRED, Attempt
from smppd.engine.transactions import Transactions
from smppd.settings import Messages
from smppwire.codec import decode, encode
from smppwire.constants import TlvTag
from smppwire.pdus import CancelSm, DataSm, DataSmResp, SubmitSmResp, Tlv
from tests.engine.world import (
    REJECTED,
    UNDELIVERABLE,
    UNKNOWN,
    Phone,
    ScriptedNetwork,
    World,
    after,
    paced,
    sms,
    status,
)

RDELIVERYFAILURE = 0xFE
PAYLOAD = Tlv(TlvTag.MESSAGE_PAYLOAD, b"Hello")


def data(sequence: int = 7, *tlvs: Tlv, esm_class: int = 2, **fields: Any) -> DataSm:
    return DataSm(
        sequence_number=sequence,
        source_addr=b"ACME",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=b"33612345678",
        esm_class=esm_class,
        tlvs=(PAYLOAD, *tlvs),
        **fields,
    )


def ask(world: World, phone: Phone, pdu: DataSm) -> None:
    assert operations.data(world.engine, phone.bind, pdu) == DEFERRED


def answers(phone: Phone) -> list[tuple[int, int, dict[int, bytes]]]:
    """(sequence of the request, status, TLVs) of what was answered late."""
    for request, response in phone.answers:
        response.sequence_number = request.sequence_number  # type: ignore[attr-defined]
        assert decode(encode(response)) == response
    return [
        (request.sequence_number, response.command_status, {tlv.tag: tlv.value for tlv in response.tlvs})  # type: ignore[attr-defined]
        for request, response in phone.answers
    ]


def world_of(attempt: Attempt, **options: Any) -> World:
    return World(network=ScriptedNetwork(then=attempt), **options)


def test_a_delivery_is_answered_with_the_message_id_when_it_is_known_and_not_before() -> None:
    world = world_of(after(3.0))
    phone = world.bind()
    ask(world, phone, data(registered_delivery=0x1D))
    world.advance(2.9)
    assert phone.answers == []
    world.advance(0.2)
    ((request, response),) = phone.answers
    assert request.sequence_number == 7
    assert (response.command_status, response.message_id, response.tlvs) == (0, b"1000000000", ())  # type: ignore[attr-defined]
    assert isinstance(response, DataSmResp)
    world.advance(1000.0)
    assert (len(phone.answers), phone.bodies, len(world.engine.life.transactions)) == (1, [], 0)


def test_nothing_is_answered_inside_the_call() -> None:
    world = World()
    phone = world.bind()
    ask(world, phone, data())
    cancel = CancelSm(source_addr=b"ACME", dest_addr_ton=1, dest_addr_npi=1, destination_addr=b"33612345678")
    ask(world, phone, data(8))
    operations.cancel(world.engine, phone.bind, cancel)
    assert phone.answers == []
    world.settle()
    assert [(sequence, code) for sequence, code, _ in answers(phone)] == [(7, RDELIVERYFAILURE), (8, RDELIVERYFAILURE)]


@pytest.mark.parametrize(
    ("state", "error", "reason", "text"),
    [
        (ENROUTE, 27, 0, b"absent subscriber"),
        (EXPIRED, 27, 0, b"absent subscriber"),
        (UNDELIVERABLE, 1, 1, b"unknown subscriber"),
        (UNDELIVERABLE, 0, 2, b"permanent network error"),
        (REJECTED, 13, 2, b"permanent network error"),
        (ENROUTE, 31, 3, b"temporary network error"),
        (UNKNOWN, 0, 3, b"temporary network error"),
        (EXPIRED, 0, 3, b"no outcome in time"),
    ],
)
def test_a_failure_says_why(state: int, error: int, reason: int, text: bytes) -> None:
    world = world_of(after(0.0, state, error))
    phone = world.bind()
    ask(world, phone, data())
    world.settle()
    expected = {TlvTag.DELIVERY_FAILURE_REASON: bytes((reason,)), TlvTag.ADDITIONAL_STATUS_INFO_TEXT: text + b"\0"}
    if error:
        expected[TlvTag.NETWORK_ERROR_CODE] = bytes((3, 0, error))
    assert answers(phone) == [(7, RDELIVERYFAILURE, expected)]
    assert phone.answers[0][1].message_id == b"1000000000"  # type: ignore[attr-defined]


def test_accepted_on_the_subscribers_behalf_is_no_failure() -> None:
    world = world_of(after(0.0, ACCEPTED))
    phone = world.bind()
    ask(world, phone, data())
    world.settle()
    assert answers(phone) == [(7, 0, {})]


def test_time_runs_out() -> None:
    world = world_of(after(60.0), messages=Messages(transaction_timeout=5.0))
    phone = world.bind()
    ask(world, phone, data())
    world.advance(4.9)
    assert phone.answers == []
    world.advance(0.2)
    ((_, code, tlvs),) = answers(phone)
    assert (code, tlvs[TlvTag.ADDITIONAL_STATUS_INFO_TEXT]) == (RDELIVERYFAILURE, b"no outcome in time\0")
    assert world.state(b"1000000000") == EXPIRED
    world.advance(100.0)
    assert len(phone.answers) == 1


def test_a_shorter_validity_counts() -> None:
    world = world_of(after(60.0), messages=Messages(transaction_timeout=50.0))
    phone = world.bind()
    ask(world, phone, data(7, Tlv(TlvTag.QOS_TIME_TO_LIVE, (3).to_bytes(4, "big"))))
    world.advance(3.1)
    assert len(phone.answers) == 1


def test_waiting_for_the_throughput_of_a_route_is_waiting_too() -> None:
    world = World(paced("slow", 0.1), messages=Messages(transaction_timeout=15.0))
    phone = world.bind()
    for sequence in (1, 2, 3):
        ask(world, phone, data(sequence))
    world.advance(16.0)
    assert [(sequence, code) for sequence, code, _ in answers(phone)] == [(1, 0), (2, 0), (3, RDELIVERYFAILURE)]


@pytest.mark.parametrize(
    ("set_dpf", "back", "dpf_result"), [(b"\1", True, b"\1"), (b"\1", False, b"\0"), (b"\0", True, None)]
)
def test_the_delivery_pending_flag_is_reported(set_dpf: bytes, back: bool, dpf_result: bytes | None) -> None:
    network = ScriptedNetwork(then=after(0.0, ENROUTE, 27))
    if back:
        network.back[b"33612345678"] = 1500.0
    world = World(network=network)
    phone = world.bind()
    ask(world, phone, data(7, Tlv(TlvTag.SET_DPF, set_dpf)))
    world.settle()
    ((_, _, tlvs),) = answers(phone)
    assert tlvs.get(TlvTag.DPF_RESULT) == dpf_result


def test_a_flag_that_was_not_needed_is_reported_as_not_set() -> None:
    world = World()
    phone = world.bind()
    ask(world, phone, data(7, Tlv(TlvTag.SET_DPF, b"\1")))
    world.settle()
    assert answers(phone) == [(7, 0, {TlvTag.DPF_RESULT: b"\0"})]


def test_the_message_goes_on_when_its_session_ends() -> None:
    world = world_of(after(3.0))
    phone, other = world.bind(), world.bind()
    ask(world, phone, data())
    phone.hang_up()
    world.advance(5.0)
    assert world.state(b"1000000000") == DELIVERED
    assert (phone.answers, other.answers, len(world.engine.life.transactions)) == ([], [], 0)


def test_a_submit_sm_of_5_0_is_answered_by_its_own_response() -> None:
    world = world_of(after(1.0, UNDELIVERABLE, 1))
    phone = world.bind(version=0x50)
    assert world.engine.submit(phone.bind, [sms(esm_class=2, sequence_number=3)]) == [DEFERRED]
    world.advance(2.0)
    ((request, response),) = phone.answers
    assert isinstance(response, SubmitSmResp)
    assert (request.sequence_number, response.command_status) == (3, RDELIVERYFAILURE)
    assert phone.bodies == []


def test_a_transaction_is_refused_at_once_like_any_other() -> None:
    world = World(messages=Messages(limit=1))
    phone = world.bind()
    ask(world, phone, data())
    answer = operations.data(world.engine, phone.bind, data(8))
    assert isinstance(answer, DataSmResp)
    assert answer.command_status == status("ESME_RMSGQFUL")


def test_other_modes_of_data_sm_are_answered_at_once() -> None:
    world = world_of(after(3.0))
    phone = world.bind()
    for mode in (0, 1, 3):
        answer = operations.data(world.engine, phone.bind, data(7, esm_class=mode))
        assert isinstance(answer, DataSmResp)
        assert answer.command_status == 0


def test_what_nobody_waits_for_is_no_transaction() -> None:
    world = World()
    phone = world.bind()
    message = world.message(world.submit(phone, sms())[0])
    transactions = Transactions()
    transactions.settle(message, None)
    transactions.send()
    assert phone.answers == []
