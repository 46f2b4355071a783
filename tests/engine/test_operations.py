"""query_sm, cancel_sm, replace_sm, data_sm and submit_multi, answered from the one record."""

from typing import Any

import pytest

from smppd.engine import operations
from smppd.engine.message import DELETED, DELIVERED, ENROUTE, EXPIRED, SCHEDULED
from smppd.settings import Messages, Throughput
from smppwire.codec import decode, encode
from smppwire.constants import TlvTag
from smppwire.pdus import (
    CancelSm,
    CancelSmResp,
    DataSm,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ReplaceSmResp,
    Tlv,
)
from tests.engine.world import (
    ALICE,
    BOB,
    UNDELIVERABLE,
    Phone,
    ScriptedNetwork,
    World,
    account,
    after,
    paced,
    route,
    sms,
    status,
)

IN_AN_HOUR = b"000000010000000R"
IN_TWO_HOURS = b"000000020000000R"


def slow_world(**options: Any) -> World:
    """Messages are on their way for 60 seconds."""
    return World(network=ScriptedNetwork(then=after(60.0)), **options)


def query(world: World, phone: Phone, message_id: bytes, source: bytes = b"ACME") -> QuerySmResp:
    pdu = QuerySm(sequence_number=9, message_id=message_id, source_addr_ton=5, source_addr=source)
    answer = operations.query(world.engine, phone.bind, pdu)
    assert answer.sequence_number == 9
    assert answer.command_status or decode(encode(answer)) == answer
    return answer


def cancel(world: World, phone: Phone, message_id: bytes = b"", destination: bytes = b"", **fields: Any) -> int:
    fields.setdefault("source_addr", b"ACME")
    pdu = CancelSm(sequence_number=9, message_id=message_id, destination_addr=destination, **fields)
    answer = operations.cancel(world.engine, phone.bind, pdu)
    assert isinstance(answer, CancelSmResp)
    assert answer.sequence_number == 9
    return answer.command_status


def replace(world: World, phone: Phone, message_id: bytes, text: bytes = b"New text", **fields: Any) -> int:
    fields.setdefault("source_addr", b"ACME")
    fields.setdefault("registered_delivery", 1)
    pdu = ReplaceSm(sequence_number=9, message_id=message_id, short_message=text, **fields)
    answer = operations.replace(world.engine, phone.bind, pdu)
    assert isinstance(answer, ReplaceSmResp)
    assert answer.sequence_number == 9
    return answer.command_status


# query_sm.


def test_a_query_follows_the_message() -> None:
    world = World(network=ScriptedNetwork(after(60.0, UNDELIVERABLE, 300)))
    phone = world.bind()
    (message_id,) = world.submit(phone, sms())
    answer = query(world, phone, message_id)
    assert (answer.command_status, answer.message_id) == (0, message_id)
    assert (answer.message_state, answer.final_date, answer.error_code) == (ENROUTE, b"", 0)
    world.advance(60.0)
    answer = query(world, phone, message_id)
    assert (answer.message_state, answer.final_date) == (UNDELIVERABLE, b"260720120100000+")
    assert answer.error_code == 255
    world.advance(600.0)
    assert query(world, phone, message_id) == answer


def test_a_scheduled_message_is_enroute_to_those_who_do_not_know_the_word() -> None:
    world = slow_world()
    phones = [world.bind(version=version) for version in (0x34, 0x50)]
    (message_id,) = world.submit(phones[0], sms(schedule_delivery_time=IN_AN_HOUR))
    assert [query(world, phone, message_id).message_state for phone in phones] == [ENROUTE, SCHEDULED]


def test_any_bind_of_the_account_may_ask() -> None:
    world = slow_world()
    (message_id,) = world.submit(world.bind(), sms())
    assert query(world, world.bind(kind="transmitter"), message_id).command_status == 0


@pytest.mark.parametrize("source", [b"ACME", b""])
def test_the_source_may_be_left_out(source: bytes) -> None:
    world = slow_world()
    phone = world.bind()
    (message_id,) = world.submit(phone, sms())
    assert query(world, phone, message_id, source).command_status == 0


def test_hex_ids_may_be_spelled_either_way() -> None:
    world = slow_world()
    phone = world.bind(version=0x33)
    (message_id,) = world.submit(phone, sms())
    assert message_id.lower() != message_id
    assert query(world, phone, message_id.lower()).command_status == 0


@pytest.mark.parametrize(
    ("name", "ask", "failure"),
    [
        ("query", query, "ESME_RQUERYFAIL"),
        ("cancel", cancel, "ESME_RCANCELFAIL"),
        ("replace", replace, "ESME_RREPLACEFAIL"),
    ],
)
def test_who_may_not(name: str, ask: Any, failure: str) -> None:
    """Malformed ids have their own status; unknown, foreign and (but for query_sm) final messages the command's."""
    world = slow_world()
    alice, bob = world.bind(ALICE), world.bind(BOB)
    (message_id,) = world.submit(alice, sms())

    def answer(phone: Phone, asked: bytes, source: bytes) -> int:
        if name == "query":
            return query(world, phone, asked, source).command_status
        return ask(world, phone, asked, source_addr=source)  # type: ignore[no-any-return]

    assert answer(alice, b"no id", b"ACME") == status("ESME_RINVMSGID")
    assert answer(alice, b"10000000001", b"ACME") == status("ESME_RINVMSGID")
    assert answer(alice, b"9999999999", b"ACME") == status(failure)
    assert answer(bob, message_id, b"ACME") == status(failure)
    assert answer(alice, message_id, b"OTHER") == status(failure)
    world.advance(60.0)
    assert answer(alice, message_id, b"ACME") == (0 if name == "query" else status(failure))
    assert world.state(message_id) == DELIVERED


def test_of_several_mistakes_the_first_in_wire_order_is_answered() -> None:
    """message_id comes first, but for the service_type of cancel_sm."""
    world = slow_world()
    phone = world.bind()
    answer = operations.query(world.engine, phone.bind, QuerySm(message_id=b"no id", source_addr_ton=99))
    assert answer.command_status == status("ESME_RINVMSGID")
    assert replace(world, phone, b"no id", schedule_delivery_time=b"never") == status("ESME_RINVMSGID")
    assert cancel(world, phone, b"no id", source_addr_npi=99) == status("ESME_RINVMSGID")
    assert cancel(world, phone, b"no id", service_type=b"TOOLONG") == status("ESME_RINVSERTYP")
    assert cancel(world, phone, source_addr_npi=99) == status("ESME_RINVSRCNPI")


def test_values_are_judged_first() -> None:
    world = slow_world()
    phone = world.bind()
    (message_id,) = world.submit(phone, sms())
    answer = operations.query(world.engine, phone.bind, QuerySm(message_id=message_id, source_addr_ton=99))
    assert answer.command_status == status("ESME_RINVSRCTON")
    assert cancel(world, phone, message_id, source_addr_npi=99) == status("ESME_RINVSRCNPI")
    assert replace(world, phone, message_id, registered_delivery=0x80) == status("ESME_RINVREGDLVFLG")


# cancel_sm.


def test_cancelling_ends_a_message_wherever_it_is() -> None:
    """On its way, in a queue, or scheduled; the receipt says DELETED and the outcome of the network is not awaited."""
    world = World(paced("slow", 0.01), network=ScriptedNetwork(then=after(60.0)))
    phone = world.bind()
    on_its_way, queued, scheduled = world.submit(phone, sms(), sms(), sms(schedule_delivery_time=IN_AN_HOUR))
    assert len(world.engine.routes["slow"].queue) == 1
    for message_id in (on_its_way, queued, scheduled):
        assert cancel(world, phone, message_id) == 0
        assert world.state(message_id) == DELETED
        assert cancel(world, phone, message_id) == status("ESME_RCANCELFAIL")
    assert len(world.engine.routes["slow"].queue) == 0
    assert phone.bodies == []
    world.advance(10_000.0)
    assert [receipt.stat for receipt in phone.receipts] == ["DELETED"] * 3
    assert len(world.engine.life.schedule) == 0


def test_the_destination_must_be_that_of_the_message_if_it_is_given() -> None:
    world = slow_world()
    phone = world.bind()
    (message_id,) = world.submit(phone, sms(b"33612345678"))
    assert cancel(world, phone, message_id, b"33600000000") == status("ESME_RCANCELFAIL")
    assert cancel(world, phone, message_id, b"33612345678") == 0


@pytest.mark.parametrize("asked_before", [False, True])
def test_a_group_is_cancelled_by_addresses_and_service_type(asked_before: bool) -> None:
    """Also when the index exists already while the messages come in."""
    world = slow_world()
    phone, foreign = world.bind(ALICE), world.bind(BOB)
    if asked_before:
        assert cancel(world, phone, destination=b"33611111111") == status("ESME_RCANCELFAIL")
    ids = world.submit(
        phone,
        sms(b"33612345678", service_type=b"CMT"),
        sms(b"33612345678", service_type=b"WAP"),
        sms(b"33612345678", service_type=b"CMT", schedule_delivery_time=IN_AN_HOUR),
        sms(b"33612345678", service_type=b"CMT", source_addr=b"OTHER"),
        sms(b"33600000000", service_type=b"CMT"),
    )
    ids += world.submit(foreign, sms(b"33612345678", service_type=b"CMT"))
    assert cancel(world, phone, destination=b"33612345678", service_type=b"CMT") == 0
    assert [world.state(each) == DELETED for each in ids] == [True, False, True, False, False, False]
    assert cancel(world, phone, destination=b"33612345678", service_type=b"CMT") == status("ESME_RCANCELFAIL")
    assert cancel(world, phone, destination=b"33612345678") == 0
    assert world.state(ids[1]) == DELETED


def test_cancelling_without_id_and_destination_is_refused() -> None:
    world = slow_world()
    assert cancel(world, world.bind()) == status("ESME_RINVDSTADR")


# replace_sm.


def test_replacing_changes_text_and_receipt_request() -> None:
    world = slow_world()
    phone = world.bind()
    first, second = world.submit(phone, sms(registered_delivery=0), sms())
    assert replace(world, phone, first, b"Better text", registered_delivery=1, sm_default_msg_id=3) == 0
    assert replace(world, phone, second, registered_delivery=0) == 0
    record = world.message(first).pdu
    assert (record.short_message, record.registered_delivery, record.sm_default_msg_id) == (b"Better text", 1, 3)
    assert (record.destination_addr, record.data_coding) == (b"33612345678", 0)
    world.advance(60.0)
    assert [(receipt.id, receipt.text) for receipt in phone.receipts] == [(first.decode(), "Better text")]


def test_replacing_a_payload() -> None:
    world = slow_world()
    phone = world.bind(version=0x50)
    reference = Tlv(TlvTag.USER_MESSAGE_REFERENCE, b"\0\1")
    old = sms(text=b"", tlvs=(reference, Tlv(TlvTag.MESSAGE_PAYLOAD, b"old")))
    first, second = world.submit(phone, old, sms())
    assert replace(world, phone, first, b"short now") == 0
    assert world.message(first).pdu.tlvs == (reference,)
    assert world.message(first).text_octets() == b"short now"
    assert replace(world, phone, second, b"", tlvs=(Tlv(TlvTag.MESSAGE_PAYLOAD, b"long now"),)) == 0
    assert world.message(second).text_octets() == b"long now"


def test_replacing_the_validity_shortens_or_prolongs_it() -> None:
    world = slow_world()
    phone = world.bind()
    shorter, longer = world.submit(phone, sms(), sms(validity_period=b"000000000030000R"))
    assert replace(world, phone, shorter, validity_period=b"000000000010000R") == 0
    assert replace(world, phone, longer, validity_period=IN_AN_HOUR) == 0
    world.advance(9.0)
    assert world.state(shorter) == ENROUTE
    world.advance(1.0)
    assert world.state(shorter) == EXPIRED
    world.advance(49.0)
    assert world.state(longer) == ENROUTE
    world.advance(1.0)
    assert world.state(longer) == DELIVERED


def test_replacing_the_schedule_moves_the_start() -> None:
    world = slow_world()
    phone = world.bind()
    sooner, later, same = world.submit(phone, *[sms(schedule_delivery_time=IN_AN_HOUR) for _ in range(3)])
    assert replace(world, phone, sooner, schedule_delivery_time=b"000000001000000R") == 0
    assert replace(world, phone, later, schedule_delivery_time=IN_TWO_HOURS) == 0
    assert replace(world, phone, same) == 0
    tried = world.network.tried  # type: ignore[attr-defined]
    for seconds, started in ((599.0, 0), (1.0, 1), (2999.0, 1), (1.0, 2), (3599.0, 2), (1.0, 3)):
        world.advance(seconds)
        assert [message.message_id for message in tried] == [sooner, same, later][:started]


def test_a_replaced_schedule_moves_the_default_validity_but_not_one_of_its_own() -> None:
    world = slow_world(messages=Messages(default_validity=600.0))
    phone = world.bind()
    default, own = world.submit(
        phone,
        sms(schedule_delivery_time=IN_AN_HOUR),
        sms(schedule_delivery_time=IN_AN_HOUR, validity_period=b"000000013000000R"),
    )
    assert replace(world, phone, default, schedule_delivery_time=IN_TWO_HOURS) == 0
    assert replace(world, phone, own, schedule_delivery_time=IN_TWO_HOURS) == status("ESME_RINVEXPIRY")
    assert replace(world, phone, own, validity_period=b"000000003000000R") == status("ESME_RINVEXPIRY")
    assert replace(world, phone, own, b"text only") == 0
    world.advance(7200.0 + 60.0)
    assert (world.state(default), world.state(own)) == (DELIVERED, DELIVERED)
    assert world.message(own).pdu.short_message == b"text only"


def test_a_qos_time_to_live_of_50_is_a_validity_of_its_own() -> None:
    world = slow_world(messages=Messages(default_validity=600.0))
    phone = world.bind(version=0x50)
    lives = Tlv(TlvTag.QOS_TIME_TO_LIVE, (5400).to_bytes(4, "big"))
    (message_id,) = world.submit(phone, sms(schedule_delivery_time=IN_AN_HOUR, tlvs=(lives,)))
    assert replace(world, phone, message_id, schedule_delivery_time=IN_TWO_HOURS) == status("ESME_RINVEXPIRY")
    world.advance(3600.0)
    assert world.message(message_id).expires_at == world.clock.time + 1800.0


def test_a_text_can_be_replaced_long_before_the_start() -> None:
    """The default validity counts from the start; it must not be taken for one that ends before."""
    world = slow_world(messages=Messages(default_validity=600.0))
    phone = world.bind()
    (message_id,) = world.submit(phone, sms(schedule_delivery_time=IN_AN_HOUR))
    assert replace(world, phone, message_id) == 0


def test_a_schedule_for_a_message_on_its_way_changes_nothing() -> None:
    world = slow_world()
    phone = world.bind()
    (message_id,) = world.submit(phone, sms())
    assert replace(world, phone, message_id, schedule_delivery_time=IN_AN_HOUR) == 0
    world.advance(60.0)
    assert world.state(message_id) == DELIVERED


def test_replaced_times_are_judged() -> None:
    world = slow_world()
    phone = world.bind()
    (message_id,) = world.submit(phone, sms())
    assert replace(world, phone, message_id, validity_period=b"200720120000000+") == status("ESME_RINVEXPIRY")
    assert replace(world, phone, message_id, schedule_delivery_time=b"nonsense") == status("ESME_RINVSCHED")
    assert world.message(message_id).pdu.short_message == b"Hello"


# data_sm.


def data(**fields: Any) -> DataSm:
    fields.setdefault("tlvs", (Tlv(TlvTag.MESSAGE_PAYLOAD, b"Some data"),))
    return DataSm(
        sequence_number=9, source_addr=b"ACME", destination_addr=b"33612345678", registered_delivery=1, **fields
    )


def test_a_data_sm_lives_like_a_submit_sm() -> None:
    world = slow_world()
    phone = world.bind()
    answer = operations.data(world.engine, phone.bind, data())
    assert (answer.command_status, answer.sequence_number, answer.message_id) == (0, 9, b"1000000000")
    assert phone.bodies == []
    world.advance(60.0)
    assert [(receipt.id, receipt.stat, receipt.text) for receipt in phone.receipts] == [
        ("1000000000", "DELIVRD", "Some data")
    ]


def test_a_data_sm_lives_as_long_as_it_says() -> None:
    world = slow_world(messages=Messages(max_validity=86_400.0))
    phone = world.bind()

    def live(seconds: int) -> bytes:
        time_to_live = Tlv(TlvTag.QOS_TIME_TO_LIVE, seconds.to_bytes(4, "big"))
        answer = operations.data(world.engine, phone.bind, data(tlvs=(*data().tlvs, time_to_live)))
        assert answer.message_id
        return answer.message_id

    short, long = live(30), live(2**32 - 1)
    assert world.message(long).expires_at == world.clock.time + 86_400.0
    world.advance(60.0)
    assert (world.state(short), world.state(long)) == (EXPIRED, DELIVERED)


def test_a_data_sm_is_refused_like_a_submit_sm() -> None:
    limited = account(throughput=Throughput(limit=1, burst=2, over="ESME_RTHROTTLED"))
    world = slow_world(accounts=[limited], messages=Messages(limit=1))
    phone = world.bind()

    def refusal(**fields: Any) -> int:
        return operations.data(world.engine, phone.bind, data(**fields)).command_status

    assert refusal(source_addr_ton=99) == status("ESME_RINVSRCTON")
    assert refusal() == 0
    assert refusal() == status("ESME_RMSGQFUL")
    assert refusal() == status("ESME_RTHROTTLED")
    world = World(route("fr", match={"destination_addr": "44*"}))
    assert operations.data(world.engine, world.bind().bind, data()).command_status == status("ESME_RINVDSTADR")


def test_a_data_sm_waits_in_the_queue_of_its_route() -> None:
    world = World(paced("slow", 1))
    phone = world.bind()
    for _ in range(3):
        assert operations.data(world.engine, phone.bind, data()).command_status == 0
    world.settle()
    assert len(phone.bodies) == 1
    world.advance(2.0)
    assert len(phone.bodies) == 3
