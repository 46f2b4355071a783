"""submit_multi: destinations judged one by one, distribution lists, one id, a message and a receipt for each."""

from typing import Any

import msgspec
import pytest

from smppd.engine import operations
from smppd.engine.message import ACCEPTED, DELETED, DELIVERED, ENROUTE, SCHEDULED
from smppd.engine.slices import MAX_JOBS, SLICE
from smppd.engine.submit_multi import MOST_UNSUCCESSFUL, submit_multi
from smppd.settings import DistributionList as List
from smppd.settings import Messages, Route, Throughput
from smppwire.codec import decode, encode
from smppwire.constants import TlvTag
from smppwire.pdus import (
    CancelSm,
    DistributionList,
    ReplaceSm,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    Tlv,
    UnsuccessSme,
)
from smppwire.udh import concat_8bit
from tests.engine.test_operations import IN_AN_HOUR, cancel, query, replace, slow_world
from tests.engine.world import (
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


def multi(*destinations: SmeAddress | DistributionList, **fields: Any) -> SubmitMulti:
    values = {"sequence_number": 9, "source_addr": b"ACME", "registered_delivery": 1, "short_message": b"Hi"}
    return SubmitMulti(dest_address=destinations, **(values | fields))


def to(number: bytes) -> SmeAddress:
    return SmeAddress(1, 1, number)


def failed(number: bytes, name: str) -> UnsuccessSme:
    return UnsuccessSme(1, 1, number, status(name))


def send(world: World, phone: Phone, pdu: SubmitMulti) -> SubmitMultiResp:
    answer = submit_multi(world.engine, phone.bind, pdu)
    assert isinstance(answer, SubmitMultiResp)
    assert answer.sequence_number == 9
    return answer


def test_a_submit_multi_makes_a_message_and_a_receipt_per_destination_under_one_id() -> None:
    world = World(network=ScriptedNetwork(after(1.0), after(2.0, UNDELIVERABLE), after(3.0)))
    phone = world.bind()
    answer = send(world, phone, multi(to(b"331"), to(b"332"), to(b"333")))
    assert (answer.command_status, answer.message_id, answer.unsuccess_sme) == (0, b"1000000000", ())
    assert world.submit(phone, sms(registered_delivery=0)) == [b"1000000001"]
    world.advance(3.0)
    assert [(receipt.id, receipt.stat) for receipt in phone.receipts] == [
        ("1000000000", "DELIVRD"),
        ("1000000000", "UNDELIV"),
        ("1000000000", "DELIVRD"),
    ]
    assert [pdu.source_addr for pdu in phone.received] == [b"331", b"332", b"333"]


def test_destinations_that_fail_are_named() -> None:
    world = World(
        route("fr", match={"destination_addr": "33*"}, throughput=Throughput(limit=1, burst=2, over="ESME_RSUBMITFAIL"))
    )
    phone = world.bind()
    answer = send(world, phone, multi(to(b"44"), to(b"331"), DistributionList(b"all"), to(b"332"), to(b"333")))
    assert (answer.command_status, answer.message_id) == (0, b"1000000000")
    assert answer.unsuccess_sme == (
        failed(b"44", "ESME_RINVDSTADR"),
        UnsuccessSme(0, 0, b"all", status("ESME_RINVDLNAME")),
        failed(b"333", "ESME_RSUBMITFAIL"),
    )
    assert decode(encode(answer)) == answer
    world.settle()
    assert [pdu.source_addr for pdu in phone.received] == [b"331", b"332"]


def test_when_no_destination_can_be_accepted_the_first_reason_is_the_answer() -> None:
    world = World(route("fr", match={"destination_addr": "33*"}))
    phone = world.bind()
    answer = send(world, phone, multi(DistributionList(b"all"), to(b"44")))
    assert (answer.command_status, answer.unsuccess_sme) == (status("ESME_RINVDLNAME"), None)
    assert world.engine.in_flight == 0
    assert world.submit(phone, sms()) == [b"1000000000"]


def test_a_submit_multi_is_judged_as_a_whole_first() -> None:
    world = World()
    phone = world.bind()
    assert send(world, phone, multi()).command_status == status("ESME_RINVNUMDESTS")
    refused = multi(to(b"33"), validity_period=b"200720120000000+")
    assert send(world, phone, refused).command_status == status("ESME_RINVEXPIRY")
    assert world.engine.messages == {}


def test_limits_hold_within_a_submit_multi() -> None:
    limited = account(throughput=Throughput(limit=1, burst=3))
    world = slow_world(accounts=[limited], messages=Messages(limit=2))
    answer = send(world, world.bind(), multi(*(to(b"33%d" % n) for n in range(5))))
    assert [(entry.destination_addr, entry.error_status_code) for entry in answer.unsuccess_sme] == [
        (b"332", status("ESME_RMSGQFUL")),
        (b"333", status("ESME_RTHROTTLED")),
        (b"334", status("ESME_RTHROTTLED")),
    ]


def test_a_submit_multi_may_be_scheduled_and_expire() -> None:
    world = slow_world()
    phone = world.bind()
    times = {"schedule_delivery_time": IN_AN_HOUR, "validity_period": b"000000010030000R"}
    answer = send(world, phone, multi(to(b"331"), to(b"332"), **times))
    assert answer.message_id
    assert world.state(answer.message_id) == SCHEDULED
    world.advance(3600.0)
    assert world.state(answer.message_id) == ENROUTE
    world.advance(30.0)
    assert [receipt.stat for receipt in phone.receipts] == ["EXPIRED", "EXPIRED"]


def test_one_id_queries_cancels_and_replaces_all_destinations() -> None:
    world = World(network=ScriptedNetwork(after(1.0), after(9.0), after(9.0)))
    phone = world.bind()
    message_id = send(world, phone, multi(to(b"331"), to(b"332"), to(b"333"))).message_id
    assert message_id
    world.advance(1.0)
    assert query(world, phone, message_id).message_state == ENROUTE
    assert replace(world, phone, message_id, b"Better") == 0
    assert cancel(world, phone, message_id, b"332") == 0
    assert query(world, phone, message_id).message_state == ENROUTE
    assert cancel(world, phone, message_id) == 0
    assert query(world, phone, message_id).message_state == DELIVERED
    world.settle()
    assert [(receipt.stat, receipt.text) for receipt in phone.receipts] == [
        ("DELIVRD", "Hi"),
        ("DELETED", "Better"),
        ("DELETED", "Better"),
    ]


def test_a_group_is_forgotten_with_its_last_message() -> None:
    world = World(network=ScriptedNetwork(after(1.0, ACCEPTED), after(9.0)), messages=Messages(retain=0))
    phone = world.bind()
    message_id = send(world, phone, multi(to(b"331"), to(b"332"), registered_delivery=0)).message_id
    assert message_id
    world.advance(1.0)
    assert query(world, phone, message_id).message_state == ENROUTE
    world.advance(8.0)
    assert query(world, phone, message_id).command_status == status("ESME_RQUERYFAIL")
    assert world.engine.messages == {}


def test_messages_of_a_group_are_found_by_their_destinations() -> None:
    world = slow_world()
    phone = world.bind()
    message_id = send(world, phone, multi(to(b"331"), to(b"332"))).message_id
    assert message_id
    assert cancel(world, phone, destination=b"332") == 0
    assert [member.state for member in world.message(message_id).group.members] == [ENROUTE, DELETED]  # type: ignore[union-attr]


# Destinations that are no good.


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        (SmeAddress(1, 1, b""), "ESME_RINVDSTADR"),
        (SmeAddress(1, 1, b"3361234567890123456789"), "ESME_RINVDSTADR"),
        (SmeAddress(1, 1, b"no number"), "ESME_RINVDSTADR"),
        (SmeAddress(9, 1, b"331"), "ESME_RINVDSTTON"),
        (SmeAddress(1, 2, b"331"), "ESME_RINVDSTNPI"),
    ],
)
def test_a_malformed_destination_fails_alone(bad: SmeAddress, name: str) -> None:
    world = World()
    phone = world.bind()
    answer = send(world, phone, multi(to(b"331"), bad, to(b"332")))
    assert (answer.command_status, answer.unsuccess_sme) == (0, (UnsuccessSme(*bad, status(name)),))
    world.settle()
    assert [pdu.source_addr for pdu in phone.received] == [b"331", b"332"]
    assert send(world, phone, multi(bad)).command_status == status(name)


def test_a_list_without_a_name_fails_alone() -> None:
    world = World()
    answer = send(world, world.bind(), multi(DistributionList(b""), to(b"331")))
    assert answer.unsuccess_sme == (UnsuccessSme(0, 0, b"", status("ESME_RINVDLNAME")),)


def test_what_is_wrong_with_the_rest_refuses_all() -> None:
    """In wire order, whether it stands before the destinations or after them."""
    world = World()
    phone = world.bind()
    for fields, name in (
        ({"source_addr_ton": 9}, "ESME_RINVSRCTON"),
        ({"esm_class": 0x02}, "ESME_RINVESMCLASS"),
        ({"registered_delivery": 0x80}, "ESME_RINVREGDLVFLG"),
        ({"validity_period": b"soon"}, "ESME_RINVEXPIRY"),
    ):
        assert send(world, phone, multi(SmeAddress(9, 1, b"1"), to(b"331"), **fields)).command_status == status(name)
    assert world.engine.messages == {}


def test_transaction_mode_is_not_for_submit_multi_in_any_version() -> None:
    world = World()
    phone = world.bind(version=0x50)
    assert send(world, phone, multi(to(b"331"), esm_class=0x02)).command_status == status("ESME_RINVESMCLASS")


def test_an_address_that_is_named_twice_gets_one_message() -> None:
    world = listed(List(name="all", members=["331", "332"]))
    phone = world.bind()
    answer = send(world, phone, multi(to(b"332"), to(b"332"), DistributionList(b"all"), DistributionList(b"all")))
    assert answer.unsuccess_sme == ()
    world.settle()
    assert [pdu.source_addr for pdu in phone.received] == [b"332", b"331"]
    answer = send(world, phone, multi(to(b""), to(b""), to(b"331")))
    assert answer.unsuccess_sme == (failed(b"", "ESME_RINVDSTADR"),)


def test_each_destination_reports_as_it_was_asked_to() -> None:
    world = World(network=ScriptedNetwork(after(0.0), after(0.0, UNDELIVERABLE, 1)))
    phone = world.bind()
    message_id = send(world, phone, multi(to(b"331"), to(b"332"), registered_delivery=2)).message_id
    assert message_id is not None
    world.settle()
    assert [(pdu.source_addr, pdu.destination_addr) for pdu in phone.received] == [(b"332", b"ACME")]
    assert [(each.id, each.stat, each.err) for each in phone.receipts] == [(message_id.decode(), "UNDELIV", "001")]


def test_parts_to_several_destinations_are_put_together_for_each() -> None:
    world = World(
        accounts=[account(multipart_receipts="last")],
        network=ScriptedNetwork(after(1.0), after(1.0), after(2.0), after(2.0, UNDELIVERABLE, 1)),
    )
    phone = world.bind()
    ids = [
        send(
            world,
            phone,
            multi(to(b"331"), to(b"332"), esm_class=0x40, short_message=concat_8bit(7, 2, seq) + b"Hi"),
        ).message_id
        for seq in (1, 2)
    ]
    world.advance(2.0)
    told = [(pdu.source_addr, each.id, each.stat) for pdu, each in zip(phone.received, phone.receipts, strict=True)]
    assert ids[1] is not None
    assert told == [(b"331", ids[1].decode(), "DELIVRD"), (b"332", ids[1].decode(), "UNDELIV")]
    assert [each.text for each in world.engine.handsets] == ["HiHi"]
    phone.answer()
    assert world.engine.ledger.live == 0


# Distribution lists.


def listed(*lists: List, on: Route | None = None, **options: Any) -> World:
    world = World(*([on] if on else []), **options)
    world.settings = msgspec.structs.replace(world.settings, distribution_list=list(lists))
    world.engine.configure(world.settings, world.networks)
    return world


def numbers(count: int, first: int = 447_700_000_000) -> list[str]:
    return [str(number) for number in range(first, first + count)]


def test_a_list_stands_for_its_members() -> None:
    world = listed(List(name="doctors", members=["331", "332"]))
    phone = world.bind()
    answer = send(world, phone, multi(to(b"330"), DistributionList(b"doctors")))
    assert (answer.message_id, answer.unsuccess_sme) == (b"1000000000", ())
    world.settle()
    assert [(pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) for pdu in phone.received] == [
        (1, 1, b"330"),
        (1, 1, b"331"),
        (1, 1, b"332"),
    ]


def test_a_list_may_be_for_some_accounts_only() -> None:
    world = listed(List(name="doctors", members=["331"], accounts=["bob"]))
    assert send(world, world.bind("bob"), multi(DistributionList(b"doctors"))).command_status == 0
    answer = send(world, world.bind("alice"), multi(DistributionList(b"doctors"), to(b"332")))
    assert answer.unsuccess_sme == (UnsuccessSme(0, 0, b"doctors", status("ESME_RCNTSUBDL")),)
    answer = send(world, world.bind("alice"), multi(DistributionList(b"doctors")))
    assert answer.command_status == status("ESME_RCNTSUBDL")


def test_lists_come_and_go_with_the_configuration() -> None:
    world = listed(List(name="doctors", members=["331"]))
    phone = world.bind()
    world.engine.configure(msgspec.structs.replace(world.settings, distribution_list=[]), world.networks)
    assert send(world, phone, multi(DistributionList(b"doctors"))).command_status == status("ESME_RINVDLNAME")


def test_members_that_fail_are_named_as_far_as_the_response_goes() -> None:
    world = listed(List(name="all", members=numbers(400)), messages=Messages(limit=100))
    phone = world.bind()
    assert submit_multi(world.engine, phone.bind, multi(DistributionList(b"all"))) == -1
    world.settle()
    ((_, answer),) = phone.answers
    assert isinstance(answer, SubmitMultiResp)
    assert answer.unsuccess_sme is not None
    assert len(answer.unsuccess_sme) == MOST_UNSUCCESSFUL
    assert answer.unsuccess_sme[0] == failed(b"447700000100", "ESME_RMSGQFUL")
    assert decode(encode(answer)) == answer


# Large lists.


def test_a_large_list_is_taken_in_slices_and_nothing_of_it_moves_before_the_answer() -> None:
    count = 3 * SLICE + 10
    world = listed(List(name="all", members=numbers(count)))
    phone, other = world.bind(), world.bind("bob")
    request = multi(DistributionList(b"all"))
    assert submit_multi(world.engine, phone.bind, request) == -1
    (plain,) = world.submit(other, sms())
    while not phone.answers:
        assert phone.bodies == []
        before = world.engine.in_flight
        assert world.engine.run() == 0.0
        assert world.engine.in_flight - before <= SLICE
    assert other.told == [plain.decode()]
    assert phone.answers == [(request, SubmitMultiResp(9, message_id=b"1000000000", unsuccess_sme=()))]
    world.settle()
    assert sorted(pdu.source_addr.decode() for pdu in phone.received) == numbers(count)
    assert {receipt.id for receipt in phone.receipts} == {"1000000000"}
    phone.answer()
    other.answer()
    assert (world.engine.ledger.live, world.engine.in_flight, len(world.engine.slices)) == (0, 0, 0)


def test_when_all_of_a_large_list_fails_the_answer_is_an_error_without_a_body() -> None:
    world = listed(List(name="all", members=numbers(SLICE + 1)), messages=Messages(limit=1))
    phone = world.bind()
    world.submit(phone, sms(schedule_delivery_time=IN_AN_HOUR))
    assert submit_multi(world.engine, phone.bind, multi(DistributionList(b"all"))) == -1
    world.settle()
    ((_, answer),) = phone.answers
    assert encode(answer) == b"\0\0\0\x10\x80\0\0\x21\0\0\0\x14\0\0\0\x09"


def test_requests_of_one_account_keep_their_order_behind_a_large_one() -> None:
    world = listed(List(name="all", members=numbers(2 * SLICE)), network=ScriptedNetwork(then=after(60.0)))
    phone = world.bind()
    assert submit_multi(world.engine, phone.bind, multi(DistributionList(b"all"))) == -1
    assert submit_multi(world.engine, phone.bind, multi(to(b"331"), sequence_number=10)) == -1
    # Nothing else of the account can be cancelled in between, least of all what is held.
    world.settle()
    assert [request.sequence_number for request, _ in phone.answers] == [9, 10]


def test_accounts_take_turns() -> None:
    world = listed(List(name="all", members=numbers(4 * SLICE)), List(name="some", members=numbers(SLICE + 1)))
    alice, bob = world.bind(), world.bind("bob")
    assert submit_multi(world.engine, alice.bind, multi(DistributionList(b"all"))) == -1
    assert submit_multi(world.engine, bob.bind, multi(DistributionList(b"some"))) == -1
    while not bob.answers:
        world.engine.run()
    assert alice.answers == []


def test_a_large_group_is_queried_replaced_and_cancelled() -> None:
    count = 2 * SLICE + 1
    world = listed(List(name="all", members=numbers(count)), network=ScriptedNetwork(then=after(60.0)))
    phone = world.bind()
    assert submit_multi(world.engine, phone.bind, multi(DistributionList(b"all"))) == -1
    world.settle()
    message_id = phone.answers[0][1].message_id  # type: ignore[attr-defined]
    assert query(world, phone, message_id).message_state == ENROUTE
    change = ReplaceSm(sequence_number=10, message_id=message_id, short_message=b"New", registered_delivery=1)
    assert operations.replace(world.engine, phone.bind, change) == -1
    assert operations.cancel(world.engine, phone.bind, CancelSm(sequence_number=11, message_id=message_id)) == -1
    world.settle()
    assert [(pdu.sequence_number, pdu.command_status) for _, pdu in phone.answers] == [(9, 0), (10, 0), (11, 0)]
    assert {(receipt.stat, receipt.text) for receipt in phone.receipts} == {("DELETED", "New")}
    assert len(phone.receipts) == count


def test_the_session_may_end_before_the_answer() -> None:
    world = listed(List(name="all", members=numbers(2 * SLICE)))
    phone = world.bind()
    assert submit_multi(world.engine, phone.bind, multi(DistributionList(b"all"))) == -1
    phone.hang_up()
    world.settle()
    assert phone.answers == []
    later = world.bind()
    world.settle()
    assert len(later.bodies) == 2 * SLICE


def test_places_in_a_queue_are_kept_for_what_is_held() -> None:
    """The queue takes no more than its limit, and nobody passes the route while something is to wait for it."""
    world = listed(List(name="all", members=numbers(SLICE + 10)), on=paced("slow", 1.0, queue=SLICE + 5))
    phone, other = world.bind(), world.bind("bob")
    assert submit_multi(world.engine, phone.bind, multi(DistributionList(b"all"))) == -1
    assert world.engine.routes["slow"].reserved == SLICE - 1
    (late,) = world.submit(other, sms())
    world.settle()
    ((_, answer),) = phone.answers
    assert isinstance(answer, SubmitMultiResp)
    assert answer.unsuccess_sme is not None
    assert [each.error_status_code for each in answer.unsuccess_sme] == [status("ESME_RMSGQFUL")] * 5
    state = world.engine.routes["slow"]
    assert (state.reserved, len(state.queue)) == (0, SLICE + 5)
    assert world.message(late) in state.queue


def test_scheduled_members_start_on_time() -> None:
    world = listed(List(name="all", members=numbers(SLICE + 1)))
    phone = world.bind()
    request = multi(DistributionList(b"all"), schedule_delivery_time=IN_AN_HOUR)
    assert submit_multi(world.engine, phone.bind, request) == -1
    world.settle()
    assert len(phone.answers) == 1
    world.advance(3599.0)
    assert phone.bodies == []
    world.advance(1.0)
    assert len(phone.bodies) == SLICE + 1


def test_too_many_large_requests_are_refused() -> None:
    world = listed(List(name="all", members=numbers(SLICE + 1)), network=ScriptedNetwork(then=after(60.0)))
    phone = world.bind()
    (message_id,) = world.submit(phone, sms())
    for _ in range(MAX_JOBS):
        assert submit_multi(world.engine, phone.bind, multi(DistributionList(b"all"))) == -1
    throttled = status("ESME_RTHROTTLED")
    assert send(world, phone, multi(to(b"331"))).command_status == throttled
    assert cancel(world, phone, message_id) == throttled
    assert replace(world, phone, message_id) == throttled
    assert query(world, phone, message_id).command_status == 0


def test_members_of_a_group_are_forgotten_one_by_one() -> None:
    """One absent subscriber keeps nobody else in memory."""
    world = World(
        network=ScriptedNetwork(after(1.0), after(2.0), after(9.0)), messages=Messages(retain=0), accounts=[account()]
    )
    phone = world.bind()
    message_id = send(world, phone, multi(to(b"331"), to(b"332"), to(b"333"), registered_delivery=0)).message_id
    assert message_id is not None
    world.advance(2.0)
    group = world.message(message_id).group
    assert group is not None
    assert [member.pdu.destination_addr for member in group.members] == [b"333"]
    assert query(world, phone, message_id).message_state == ENROUTE
    assert cancel(world, phone, message_id, b"333") == 0
    world.settle()
    assert world.engine.messages == {}


def test_a_qos_time_to_live_of_50_ends_the_life_of_all() -> None:
    world = World(network=ScriptedNetwork(then=after(60.0)))
    phone = world.bind(version=0x50)
    lives = Tlv(TlvTag.QOS_TIME_TO_LIVE, (30).to_bytes(4, "big"))
    send(world, phone, multi(to(b"331"), to(b"332"), tlvs=(lives,)))
    world.advance(30.0)
    assert [receipt.stat for receipt in phone.receipts] == ["EXPIRED", "EXPIRED"]
