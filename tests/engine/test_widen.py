"""What reports on messages with addresses longer than those of deliver_sm."""

from smppd.engine import operations
from smppd.engine.message import MESSAGE_PAYLOAD
from smppd.engine.widen import as_data_sm, is_too_long
from smppwire.constants import TlvTag
from smppwire.pdus import DataSm, DataSmResp, Tlv
from smppwire.receipt import parse_receipt
from smppwire.validation import ValidationPolicy, validate
from tests.engine.world import Phone, World, data_sm, sms, status

LONG = b"sip:a.subscriber.with.a.long.name@example.org"
REFERENCE = Tlv(TlvTag.USER_MESSAGE_REFERENCE, b"\x12\x34")


def submit(world: World, phone: Phone, source: bytes, destination: bytes, registered: int = 0x1D) -> bytes:
    pdu = DataSm(
        source_addr_ton=5,
        source_addr=source,
        destination_addr=destination,
        registered_delivery=registered,
        tlvs=(Tlv(MESSAGE_PAYLOAD, b"Hello"), REFERENCE),
    )
    answer = operations.data(world.engine, phone.bind, pdu)
    assert isinstance(answer, DataSmResp)
    assert answer.message_id
    return answer.message_id


def test_reports_on_long_addresses_are_data_sm() -> None:
    world = World()
    phone = world.bind()
    message_id = submit(world, phone, b"ACME", LONG)
    world.settle()
    notification, receipt, arrived, read = phone.received_data
    assert phone.received == []
    assert [pdu.esm_class for pdu in phone.received_data] == [0x20, 0x04, 0x08, 0x10]
    for pdu in phone.received_data:
        assert (pdu.source_addr, pdu.dest_addr_ton, pdu.destination_addr) == (LONG, 5, b"ACME")
        assert list(validate(pdu, ValidationPolicy(from_smsc=True))) == []
        assert pdu.tlv(REFERENCE.tag) == REFERENCE.value
    told = parse_receipt(receipt.tlv(MESSAGE_PAYLOAD) or b"", strict=True)
    assert (told.id, told.stat, told.text) == (message_id.decode(), "DELIVRD", "Hello")
    assert (receipt.tlv(TlvTag.RECEIPTED_MESSAGE_ID), receipt.tlv(TlvTag.MESSAGE_STATE)) == (message_id + b"\0", b"\2")
    assert b"stat:ENROUTE" in (notification.tlv(MESSAGE_PAYLOAD) or b"")
    assert arrived.tlv(MESSAGE_PAYLOAD) is read.tlv(MESSAGE_PAYLOAD) is None
    phone.answer(status("ESME_RX_T_APPN"))
    world.advance(1.0)
    assert len(phone.received_data) == 7, "the message is final: its notification does not come again"
    phone.answer()
    assert world.waiting() == world.engine.ledger.live == 0


def test_a_long_source_is_as_long_as_a_long_destination() -> None:
    world = World()
    phone = world.bind()
    submit(world, phone, LONG, b"33612345678", 1)
    submit(world, phone, b"1" * 20, b"2" * 20, 1)
    world.settle()
    assert [pdu.destination_addr for pdu in phone.received_data] == [LONG]
    assert [pdu.destination_addr for pdu in phone.received] == [b"1" * 20]


def test_esmes_below_34_cannot_be_told() -> None:
    world = World()
    transmitter, old = world.bind(kind="transmitter"), world.bind(kind="receiver", version=0x33)
    submit(world, transmitter, b"ACME", LONG)
    world.settle()
    assert old.bodies == []
    assert world.waiting() == world.engine.ledger.live == 0


def test_only_a_data_sm_has_long_addresses() -> None:
    assert not is_too_long(sms())
    assert not is_too_long(sms(LONG)), "accepted where values are judged leniently: it came in a field that holds 20"


def test_the_same_is_said() -> None:
    body = b"CMT\0\1\1" + b"447700900123\0\2\3" + b"33123\0\x44\0\0\0\0\0\0\x08\0\x05Hello" + b"\x04\x27\0\1\2"
    pdu = data_sm(as_data_sm(body))
    assert pdu == DataSm(
        sequence_number=1,
        service_type=b"CMT",
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=b"447700900123",
        dest_addr_ton=2,
        dest_addr_npi=3,
        destination_addr=b"33123",
        esm_class=0x44,
        data_coding=8,
        tlvs=(Tlv(TlvTag.MESSAGE_STATE, b"\2"), Tlv(MESSAGE_PAYLOAD, b"Hello")),
    )
