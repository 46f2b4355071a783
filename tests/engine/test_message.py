"""The record of a message: its states, what its receipt depends on, and what it weighs."""

import gc
import tracemalloc

import pytest

from smppd.engine.message import (
    ACCEPTED,
    DELIVERED,
    ENROUTE,
    EXPIRED,
    NEVER,
    SCHEDULED,
    STATE_COUNT,
    Message,
    from_data_sm,
    from_submit_multi,
    text_octets,
    wants_receipt,
)
from smppwire.codec import decode, encode
from smppwire.constants import MessageState, TlvTag
from smppwire.pdus import DataSm, SmeAddress, SubmitMulti, SubmitSm, Tlv
from tests.engine.world import FINAL_STATES, REJECTED, UNDELIVERABLE, World, sms


def test_which_states_are_final() -> None:
    world = World()
    phone = world.bind()
    message = Message(b"1", sms(), phone.bind.esme, phone.bind, world.engine.routes["all"], 0.0, 0.0, NEVER)
    assert message.state == ENROUTE
    for state in MessageState:
        message.state = state
        assert message.is_final == (state not in (SCHEDULED, ENROUTE))
    assert max(MessageState) == STATE_COUNT - 1


@pytest.mark.parametrize(
    ("registered_delivery", "reported"),
    [
        (0x00, set()),
        (0x01, set(FINAL_STATES)),
        (0x02, set(FINAL_STATES) - {DELIVERED, ACCEPTED}),
        (0x03, {DELIVERED, ACCEPTED}),
        (0x10, set()),
        (0x11, set(FINAL_STATES)),
        (0x22, set(FINAL_STATES) - {DELIVERED, ACCEPTED}),
        (0x0C, set()),
        (0x0D, set(FINAL_STATES)),
    ],
)
def test_registered_delivery_bit_by_bit(registered_delivery: int, reported: set[int]) -> None:
    """SMPP 3.4 section 5.2.17, and value 3 of SMPP 5.0. Acknowledgements and notifications ask for no receipt."""
    assert {state for state in FINAL_STATES if wants_receipt(registered_delivery, state)} == reported
    assert {UNDELIVERABLE, EXPIRED, REJECTED} < set(FINAL_STATES)


def test_the_text_stands_in_either_place() -> None:
    payload = Tlv(TlvTag.MESSAGE_PAYLOAD, b"long text")
    assert text_octets(SubmitSm(short_message=b"Hello")) == b"Hello"
    assert text_octets(SubmitSm(tlvs=(payload,))) == b"long text"
    assert text_octets(SubmitSm(short_message=b"Hello", tlvs=(payload,))) == b"long text"
    empty = Tlv(TlvTag.MESSAGE_PAYLOAD, b"")
    assert text_octets(SubmitSm(short_message=b"Hello", tlvs=(empty,))) == b"Hello"
    assert text_octets(SubmitSm()) == b""
    assert text_octets(SubmitSm(tlvs=(Tlv(0x1403, b"x"),))) == b""


def test_the_record_of_a_data_sm() -> None:
    pdu = DataSm(
        sequence_number=7,
        service_type=b"WAP",
        source_addr_ton=1,
        source_addr_npi=2,
        source_addr=b"1",
        dest_addr_ton=3,
        dest_addr_npi=4,
        destination_addr=b"2",
        esm_class=0x40,
        registered_delivery=1,
        data_coding=4,
        tlvs=(Tlv(TlvTag.MESSAGE_PAYLOAD, b"x"),),
    )
    record = from_data_sm(pdu)
    shared = set(DataSm.__slots__) - {"trailing", "command_status"}
    assert {name: getattr(record, name) for name in shared} == {name: getattr(pdu, name) for name in shared}
    assert record.short_message == b""


def test_the_record_of_a_submit_multi_destination() -> None:
    pdu = SubmitMulti(
        sequence_number=7,
        service_type=b"CMT",
        source_addr_ton=1,
        source_addr_npi=2,
        source_addr=b"1",
        dest_address=(SmeAddress(1, 1, b"33"), SmeAddress(2, 8, b"44")),
        esm_class=3,
        protocol_id=5,
        priority_flag=2,
        schedule_delivery_time=b"000000010000000R",
        validity_period=b"000001000000000R",
        registered_delivery=1,
        data_coding=4,
        sm_default_msg_id=9,
        short_message=b"Hi",
        tlvs=(Tlv(TlvTag.USER_MESSAGE_REFERENCE, b"\0\1"),),
    )
    record = from_submit_multi(pdu, pdu.dest_address[1])  # type: ignore[arg-type]
    assert (record.dest_addr_ton, record.dest_addr_npi, record.destination_addr) == (2, 8, b"44")
    shared = set(SubmitMulti.__slots__) & set(SubmitSm.__slots__) - {"replace_if_present_flag"}
    assert {name: getattr(record, name) for name in shared} == {name: getattr(pdu, name) for name in shared}


def test_a_retained_message_weighs_less_than_a_kilobyte() -> None:
    """As submitted over the wire, with a text of 160 octets, all its states behind it and its receipt acknowledged."""
    world = World()
    phone = world.bind()
    frame = encode(sms(text=b"x" * 160, service_type=b"CMT"))
    count = 2000

    def send(number: int) -> None:
        pdus = [decode(frame.replace(b"33612345678", b"336%08d" % n)) for n in range(number, number + 10)]
        world.submit(phone, *pdus)  # type: ignore[arg-type]
        world.settle()
        phone.answer()
        phone.bodies.clear()

    send(0)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(10, 10 + count, 10):
        send(number)
    gc.collect()
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(world.engine.messages) == count + 10
    assert 300 < used / count < 1000
