"""Cell broadcasts: what is accepted, how they live, who may ask for them and cancel them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from smppd.engine import broadcast
from smppd.engine.broadcast import DAY, MAX_AREAS, SHORTEST_INTERVAL, Broadcasts
from smppd.settings import Messages, Throughput
from smppwire.constants import MessageState, TlvTag
from smppwire.pdus import (
    BroadcastSm,
    BroadcastSmResp,
    CancelBroadcastSm,
    QueryBroadcastSm,
    QueryBroadcastSmResp,
    Tlv,
)
from tests.engine.world import ALICE, BOB, Phone, World, account, status

LONDON, PARIS, MARS = b"\x00London", b"\x02\x01\x02\x03\x04", b"\x09Mars"
WEATHER, TRAFFIC = b"\x01\x00\x11", b"\x01\x00\x12"
EVERY_MINUTE = b"\x09\x00\x01"
SCHEDULED, ENROUTE, DELIVERED, EXPIRED, DELETED = (
    MessageState.SCHEDULED,
    MessageState.ENROUTE,
    MessageState.DELIVERED,
    MessageState.EXPIRED,
    MessageState.DELETED,
)


def cell(
    *,
    areas: Iterable[bytes] = (LONDON,),
    content: bytes = WEATHER,
    repetitions: int = 3,
    interval: bytes = EVERY_MINUTE,
    reference: int | None = None,
    **fields: Any,
) -> BroadcastSm:
    tlvs = [Tlv(TlvTag.BROADCAST_AREA_IDENTIFIER, area) for area in areas]
    tlvs.append(Tlv(TlvTag.BROADCAST_CONTENT_TYPE, content))
    tlvs.append(Tlv(TlvTag.BROADCAST_REP_NUM, repetitions.to_bytes(2, "big")))
    tlvs.append(Tlv(TlvTag.BROADCAST_FREQUENCY_INTERVAL, interval))
    if reference is not None:
        tlvs.append(reference_tlv(reference))
    fields.setdefault("source_addr", b"ACME")
    return BroadcastSm(source_addr_ton=5, tlvs=(*tlvs, *fields.pop("more", ())), **fields)


def reference_tlv(number: int) -> Tlv:
    return Tlv(TlvTag.USER_MESSAGE_REFERENCE, number.to_bytes(2, "big"))


def without(pdu: BroadcastSm, tag: int) -> BroadcastSm:
    pdu.tlvs = tuple(tlv for tlv in pdu.tlvs if tlv.tag != tag)
    return pdu


class Cells(World):
    """A message centre with two accounts that speak 5.0."""

    def __init__(self, *, messages: Messages | None = None, **fields: Any) -> None:
        super().__init__(accounts=[account(ALICE, **fields), account(BOB)], messages=messages)
        self.alice, self.bob = self.bind(ALICE, version=0x50), self.bind(BOB, version=0x50)

    def send(self, pdu: BroadcastSm, by: Phone | None = None) -> BroadcastSmResp:
        return broadcast.submit(self.engine, (by or self.alice).bind, pdu)

    def accept(self, pdu: BroadcastSm | None = None, by: Phone | None = None) -> bytes:
        answer = self.send(pdu or cell(), by)
        assert answer.command_status == 0
        assert answer.message_id
        return answer.message_id

    def ask(self, message_id: bytes = b"", by: Phone | None = None, **fields: Any) -> QueryBroadcastSmResp:
        return broadcast.query(self.engine, (by or self.alice).bind, QueryBroadcastSm(message_id=message_id, **fields))

    def look(self, message_id: bytes) -> int:
        """The state, as asked for."""
        state = self.ask(message_id).tlv(TlvTag.MESSAGE_STATE)
        assert state is not None
        return state[0]

    def cancel(self, by: Phone | None = None, **fields: Any) -> int:
        return broadcast.cancel(self.engine, (by or self.alice).bind, CancelBroadcastSm(**fields)).command_status


@pytest.fixture
def cells() -> Cells:
    return Cells()


# What is accepted.


def test_a_broadcast_gets_an_id_of_the_same_series_as_messages(cells: Cells) -> None:
    assert cells.send(cell()) == BroadcastSmResp(message_id=b"1000000000")
    assert cells.accept() == b"1000000001"


@pytest.mark.parametrize(
    ("pdu", "refusal"),
    [
        (cell(content=b"\x04\x00\x01"), "ESME_RINVBCASTCNTTYPE"),
        (cell(interval=b"\x07\x00\x01"), "ESME_RINVBCASTFREQINT"),
        (cell(interval=b"\x08\x00\x00"), "ESME_RINVBCASTFREQINT"),
        (cell(areas=[MARS]), "ESME_RINVBCASTAREAFMT"),
        (cell(areas=[b"\x00"]), "ESME_RINVBCASTAREAFMT"),
        (cell(areas=[LONDON] * (MAX_AREAS + 1)), "ESME_RINVNUMBCAST_AREAS"),
        (cell(message_id=b"not-an-id", replace_if_present_flag=1), "ESME_RINVMSGID"),
        (cell(replace_if_present_flag=2), "ESME_RINVREPFLAG"),
        (cell(schedule_delivery_time=b"tomorrow"), "ESME_RINVSCHED"),
        (cell(validity_period=b"000001000000000R", schedule_delivery_time=b"000002000000000R"), "ESME_RINVEXPIRY"),
        (cell(more=[Tlv(TlvTag.BROADCAST_MESSAGE_CLASS, b"\x04")]), "ESME_RINVBCASTMSGCLASS"),
        (cell(more=[Tlv(TlvTag.BROADCAST_CHANNEL_INDICATOR, b"\x02")]), "ESME_RINVBCASTCHANIND"),
        *(
            (without(cell(), tag), "ESME_RMISSINGOPTPARAM")
            for tag in (
                TlvTag.BROADCAST_AREA_IDENTIFIER,
                TlvTag.BROADCAST_CONTENT_TYPE,
                TlvTag.BROADCAST_REP_NUM,
                TlvTag.BROADCAST_FREQUENCY_INTERVAL,
            )
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused(cells: Cells, pdu: BroadcastSm, refusal: str) -> None:
    assert cells.send(pdu).command_status == status(refusal)
    assert len(cells.engine.broadcasts) == 0


def test_sizes_are_judged_where_the_account_is_not_strict() -> None:
    cells = Cells()
    cells.alice.bind.policy = type(cells.alice.bind.policy)(interface_version=0x50, strict=False)
    pdu = cell()
    pdu.tlvs = tuple(Tlv(tag, value + b"\0") for tag, value in pdu.tlvs)
    assert cells.send(pdu).command_status == status("ESME_RINVBCASTCNTTYPE")
    pdu = without(cell(), TlvTag.BROADCAST_REP_NUM)
    pdu.tlvs += (Tlv(TlvTag.BROADCAST_REP_NUM, b"\x01"),)
    assert cells.send(pdu).command_status == status("ESME_RINVBCAST_REP")
    assert cells.send(cell(interval=b"\x08\x01")).command_status == status("ESME_RINVBCASTFREQINT")


def test_areas_that_cannot_be_served_are_named_with_their_status(cells: Cells) -> None:
    answer = cells.send(cell(areas=[LONDON, MARS, PARIS]))
    assert answer.command_status == 0
    assert answer.tlvs == (
        Tlv(TlvTag.FAILED_BROADCAST_AREA_IDENTIFIER, MARS),
        Tlv(TlvTag.BROADCAST_ERROR_STATUS, status("ESME_RINVBCASTAREAFMT").to_bytes(4, "big")),
    )
    assert answer.message_id
    areas = [value for tag, value in cells.ask(answer.message_id).tlvs if tag == TlvTag.BROADCAST_AREA_IDENTIFIER]
    assert areas == [LONDON, PARIS]


def test_the_limit_of_messages_is_the_limit_of_broadcasts() -> None:
    cells = Cells(messages=Messages(limit=2))
    cells.accept()
    cells.accept()
    assert cells.send(cell()).command_status == status("ESME_RMSGQFUL")
    cells.advance(120)
    cells.accept()


def test_the_throughput_of_the_account_counts_broadcasts_too() -> None:
    cells = Cells(throughput=Throughput(limit=1, per=10.0))
    cells.accept()
    assert cells.send(cell()).command_status == status("ESME_RTHROTTLED")
    cells.advance(10)
    cells.accept()


# How it lives.


def test_it_is_delivered_after_the_last_repetition(cells: Cells) -> None:
    message_id = cells.accept(cell(repetitions=3))
    cells.advance(119)
    assert cells.look(message_id) == ENROUTE
    cells.advance(1)
    assert cells.look(message_id) == DELIVERED
    assert cells.engine.broadcasts.live == 0


@pytest.mark.parametrize(
    ("interval", "seconds"),
    [
        (b"\x00\x00\x00", SHORTEST_INTERVAL),
        (b"\x08\x00\x05", 5),
        (b"\x09\x00\x1f", 31 * 60),
        (b"\x0a\x00\x02", 2 * 3600),
        (b"\x0b\x00\x01", DAY),
        (b"\x0c\x00\x01", 7 * DAY),
        (b"\x0d\x00\x01", 30 * DAY),
        (b"\x0e\x00\x01", 365 * DAY),
    ],
)
def test_the_units_of_the_interval(interval: bytes, seconds: float) -> None:
    cells = Cells(messages=Messages(max_validity=1e9))
    message_id = cells.accept(cell(repetitions=2, interval=interval))
    cells.advance(seconds - 0.1)
    assert cells.look(message_id) == ENROUTE
    cells.advance(0.2)
    assert cells.look(message_id) == DELIVERED


def test_the_default_validity_is_cut_to_the_longest_one() -> None:
    cells = Cells(messages=Messages(max_validity=100.0))
    message_id = cells.accept(cell(repetitions=3))
    cells.advance(101)
    assert cells.look(message_id) == EXPIRED


def test_no_number_of_repetitions_means_until_the_validity_ends(cells: Cells) -> None:
    message_id = cells.accept(cell(repetitions=0, validity_period=b"000000010000000R"))
    cells.advance(3599)
    assert cells.look(message_id) == ENROUTE
    cells.advance(1)
    assert cells.look(message_id) == EXPIRED


def test_it_expires_when_its_validity_ends_before_the_last_repetition(cells: Cells) -> None:
    message_id = cells.accept(cell(repetitions=3, validity_period=b"000000000130000R"))
    cells.advance(90)
    assert cells.look(message_id) == EXPIRED


def test_it_waits_for_its_schedule(cells: Cells) -> None:
    message_id = cells.accept(cell(repetitions=1, schedule_delivery_time=b"000000010000000R"))
    assert cells.look(message_id) == SCHEDULED
    answer = cells.ask(message_id)
    assert answer.tlv(TlvTag.BROADCAST_AREA_SUCCESS) == b"\xff"
    assert answer.tlv(TlvTag.BROADCAST_END_TIME) is None
    cells.advance(3600)
    assert cells.look(message_id) == DELIVERED


def test_many_repetitions_cost_nothing(cells: Cells) -> None:
    message_id = cells.accept(cell(repetitions=40_000, interval=b"\x08\x00\x01"))
    assert cells.engine.next_due() is not None
    cells.advance(39_998)
    assert cells.look(message_id) == ENROUTE
    cells.advance(1)
    assert cells.look(message_id) == DELIVERED
    assert cells.engine.next_due() is None


# Asking.


def test_the_answer_tells_of_every_area_and_of_the_end(cells: Cells) -> None:
    message_id = cells.accept(cell(areas=[LONDON, PARIS], repetitions=1, reference=7))
    during = cells.ask(message_id)
    assert during == QueryBroadcastSmResp(
        message_id=message_id,
        tlvs=(
            Tlv(TlvTag.MESSAGE_STATE, b"\x01"),
            Tlv(TlvTag.BROADCAST_AREA_IDENTIFIER, LONDON),
            Tlv(TlvTag.BROADCAST_AREA_SUCCESS, b"\x64"),
            Tlv(TlvTag.BROADCAST_AREA_IDENTIFIER, PARIS),
            Tlv(TlvTag.BROADCAST_AREA_SUCCESS, b"\x64"),
            reference_tlv(7),
        ),
    )
    cells.settle()
    after = cells.ask(message_id)
    assert after.tlvs[0] == Tlv(TlvTag.MESSAGE_STATE, b"\x02")
    assert after.tlvs[-1] == reference_tlv(7)
    end = after.tlv(TlvTag.BROADCAST_END_TIME)
    assert end is not None
    assert len(end) == 17
    assert end.endswith(b"000+\0")


def test_by_reference_the_newest_answers(cells: Cells) -> None:
    cells.accept(cell(reference=7))
    newest = cells.accept(cell(reference=7))
    cells.accept(cell(reference=8))
    cells.accept(cell(reference=7), by=cells.bob)
    assert cells.ask(tlvs=(reference_tlv(7),)).message_id == newest
    assert cells.ask(tlvs=(reference_tlv(9),)).command_status == status("ESME_RBCASTQUERYFAIL")


def test_who_may_ask(cells: Cells) -> None:
    message_id = cells.accept()
    assert cells.ask(message_id, source_addr_ton=5, source_addr=b"ACME").command_status == 0
    for answer in (
        cells.ask(message_id, by=cells.bob),
        cells.ask(message_id, source_addr_ton=5, source_addr=b"OTHER"),
        cells.ask(message_id, source_addr_ton=1, source_addr=b"ACME"),
        cells.ask(b"1234567890"),
    ):
        assert answer.command_status == status("ESME_RBCASTQUERYFAIL")
    for malformed in (b"", b"not-an-id"):
        assert cells.ask(malformed).command_status == status("ESME_RINVMSGID")


# Cancelling and replacing.


def test_cancelled_by_id(cells: Cells) -> None:
    message_id = cells.accept()
    assert cells.cancel(message_id=message_id, source_addr_ton=5, source_addr=b"ACME") == 0
    assert cells.look(message_id) == DELETED
    assert cells.cancel(message_id=message_id) == status("ESME_RBCASTCANCELFAIL")
    cells.advance(1000)
    assert cells.look(message_id) == DELETED


def test_cancelled_before_it_began_it_reached_nobody(cells: Cells) -> None:
    message_id = cells.accept(cell(schedule_delivery_time=b"000000010000000R"))
    assert cells.cancel(message_id=message_id) == 0
    cells.advance(7200)
    assert cells.ask(message_id).tlv(TlvTag.BROADCAST_AREA_SUCCESS) == b"\xff"


def test_cancelled_by_reference(cells: Cells) -> None:
    message_id = cells.accept(cell(reference=7))
    other = cells.accept(cell(reference=8))
    assert cells.cancel(tlvs=(reference_tlv(7),)) == 0
    assert (cells.look(message_id), cells.look(other)) == (DELETED, ENROUTE)


@pytest.mark.parametrize(
    ("request_fields", "doomed"),
    [
        ({}, [0, 1, 2]),
        ({"service_type": b"CBS"}, [1]),
        ({"tlvs": (Tlv(TlvTag.BROADCAST_CONTENT_TYPE, TRAFFIC),)}, [2]),
        ({"service_type": b"CBS", "tlvs": (Tlv(TlvTag.BROADCAST_CONTENT_TYPE, TRAFFIC),)}, []),
        ({"source_addr": b"OTHER"}, [3]),
        ({"source_addr": b""}, []),
        ({"source_addr_ton": 1}, []),
    ],
    ids=str,
)
def test_cancelled_as_a_group(cells: Cells, request_fields: dict[str, Any], doomed: list[int]) -> None:
    ids = [
        cells.accept(cell()),
        cells.accept(cell(service_type=b"CBS")),
        cells.accept(cell(content=TRAFFIC)),
        cells.accept(cell(source_addr=b"OTHER")),
    ]
    theirs = cells.accept(by=cells.bob)
    answer = cells.cancel(**{"source_addr_ton": 5, "source_addr": b"ACME", **request_fields})
    assert answer == (0 if doomed else status("ESME_RBCASTCANCELFAIL"))
    assert [place for place, message_id in enumerate(ids) if cells.look(message_id) == DELETED] == doomed
    assert cells.ask(theirs, by=cells.bob).tlv(TlvTag.MESSAGE_STATE) == b"\x01"


def test_who_may_cancel(cells: Cells) -> None:
    message_id = cells.accept()
    assert cells.cancel(by=cells.bob, message_id=message_id) == status("ESME_RBCASTCANCELFAIL")
    assert cells.cancel(message_id=message_id, source_addr=b"OTHER") == status("ESME_RBCASTCANCELFAIL")
    assert cells.cancel(message_id=b"not-an-id") == status("ESME_RINVMSGID")
    assert cells.cancel(service_type=b"TOOLONG") == status("ESME_RINVSERTYP")
    assert cells.look(message_id) == ENROUTE


@pytest.mark.parametrize("by_reference", [False, True])
def test_replaced(cells: Cells, by_reference: bool) -> None:
    message_id = cells.accept(cell(reference=7, repetitions=100))
    key = {"reference": 7} if by_reference else {"message_id": message_id}
    assert cells.accept(cell(areas=[PARIS], repetitions=2, replace_if_present_flag=1, **key)) == message_id
    assert cells.ask(message_id).tlv(TlvTag.BROADCAST_AREA_IDENTIFIER) == PARIS
    assert (len(cells.engine.broadcasts), cells.engine.broadcasts.live) == (1, 1)
    cells.advance(60)
    assert cells.look(message_id) == DELIVERED
    known = cells.ask(tlvs=(reference_tlv(7),)).command_status
    assert known == (0 if by_reference else status("ESME_RBCASTQUERYFAIL"))


def test_nothing_to_replace(cells: Cells) -> None:
    message_id = cells.accept(cell(repetitions=1))
    theirs = cells.accept(by=cells.bob)
    cells.settle()
    for key in (
        {"message_id": message_id},
        {"message_id": theirs},
        {"message_id": b"1234567890"},
        {"reference": 9},
        {},
    ):
        answer = cells.send(cell(replace_if_present_flag=1, **key))
        assert answer.command_status == status("ESME_RBCASTFAIL"), key
    pending = cells.accept()
    other = cells.send(cell(replace_if_present_flag=1, message_id=pending, source_addr=b"OTHER"))
    assert other.command_status == status("ESME_RBCASTFAIL")


# What is remembered.


def test_as_many_are_remembered_as_messages() -> None:
    cells = Cells(messages=Messages(retain=2))
    ids = [cells.accept(cell(repetitions=1, reference=number)) for number in range(4)]
    waiting = cells.accept(cell(repetitions=100))
    cells.settle()
    answers = [cells.ask(message_id).command_status for message_id in ids]
    assert answers == [status("ESME_RBCASTQUERYFAIL")] * 2 + [0, 0]
    assert cells.ask(tlvs=(reference_tlv(0),)).command_status == status("ESME_RBCASTQUERYFAIL")
    assert cells.look(waiting) == ENROUTE


def test_an_empty_record() -> None:
    broadcasts = Broadcasts()
    assert (len(broadcasts), broadcasts.live, broadcasts.next_due()) == (0, 0, None)
