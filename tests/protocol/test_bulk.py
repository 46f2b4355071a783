"""What is written in numbers: octet by octet what the codec writes one by one, in Python and in C."""

import struct
import sys
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppwire.bulk import receipt_bodies, requests, submit_sm_resps
from smppwire.codec import decode, encode
from smppwire.constants import CommandId
from smppwire.pdus import DeliverSm, SubmitSm, SubmitSmResp, Tlv
from smppwire.receipt import parse_receipt
from smppwire.speedups import CODEC, REASON
from tests.protocol.wire import c_octets, octet, u32

native = pytest.mark.skipif(CODEC is None, reason=f"the C code is not in use: {REASON}")
both = pytest.mark.parametrize(
    "codec", [pytest.param(None, id="python"), pytest.param(CODEC, id="native", marks=native)]
)
MINUTE = 60.0
NOON = 29_000_000 * MINUTE
PDU = SubmitSm(
    7,
    service_type=b"WAP",
    source_addr_ton=5,
    source_addr=b"sender",
    dest_addr_ton=1,
    dest_addr_npi=1,
    destination_addr=b"33612345678",
    short_message=b"what a person wrote to another",
)


def submit(number: int) -> SubmitSm:
    return SubmitSm(number)


# -- submit_sm_resp ----------------------------------------------------------------------------------------------------


@both
def test_answers_to_a_run(codec: Any) -> None:
    octets, accepted = submit_sm_resps(
        [submit(1), submit(0xFFFFFFFF), submit(3), submit(4)], [b"1000000001", 0x58, -1, b""], codec=codec
    )
    assert octets == b"".join(
        (
            encode(SubmitSmResp(1, 0, b"1000000001")),
            encode(SubmitSmResp(0xFFFFFFFF, 0x58, None)),
            encode(SubmitSmResp(4, 0, b"")),
        )
    )
    assert accepted == 2


@both
def test_no_answers(codec: Any) -> None:
    assert submit_sm_resps([], [], codec=codec) == (b"", 0)
    assert submit_sm_resps([submit(1)], [-1], codec=codec) == (b"", 0)


@both
def test_a_tail_with_a_tlv(codec: Any) -> None:
    octets, _ = submit_sm_resps([submit(1)], [b"id"], b"\0\x04\x28\0\x01\x63", codec=codec)
    assert octets == encode(SubmitSmResp(1, 0, b"id", (Tlv(0x0428, b"c"),)))


@both
def test_answers_that_are_missing(codec: Any) -> None:
    with pytest.raises(ValueError, match="1 answers to 2 PDUs"):
        submit_sm_resps([submit(1), submit(2)], [b"id"], codec=codec)


@both
@pytest.mark.parametrize(("number", "answer"), [(1 << 32, b"id"), (1, 1 << 32), (None, 0)])
def test_numbers_that_fit_no_header(codec: Any, number: Any, answer: Any) -> None:
    with pytest.raises(struct.error):
        submit_sm_resps([submit(number)], [answer], codec=codec)


@native
@settings(deadline=None)
@given(
    st.lists(
        st.tuples(u32, st.one_of(st.binary(max_size=70), st.integers(-2, 0xFFFFFFFF), st.sampled_from([True, False]))),
        max_size=30,
    ),
    st.binary(max_size=6),
)
def test_both_ways_to_answer_are_one(batch: list[tuple[int, bytes | int]], tail: bytes) -> None:
    pdus, answers = [submit(number) for number, _ in batch], [answer for _, answer in batch]
    assert CODEC is not None
    assert CODEC.submit_sm_resps(pdus, answers, tail) == submit_sm_resps(pdus, answers, tail, codec=None)


@native
def test_what_is_unusual_goes_to_python() -> None:
    assert CODEC is not None
    record = type("Record", (SubmitSm,), {"__slots__": ()})(5)
    for pdus, answers, tail in (
        ([record], [b"id"], b"\0"),
        ((submit(1),), [b"id"], b"\0"),
        ([submit(1)], [bytearray(b"id")], b"\0"),
        ([submit(1)], ["id"], b"\0"),
        ([submit(1)], [b"id"], bytearray(1)),
    ):
        assert CODEC.submit_sm_resps(pdus, answers, tail) is None  # type: ignore[arg-type]
    assert submit_sm_resps([record], [b"id"]) == (encode(SubmitSmResp(5, 0, b"id")), 1)


# -- deliver_sm --------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("numbers", [range(5, 7), [0xFFFFFFFF, 1]])
@pytest.mark.parametrize("command_id", [CommandId.DELIVER_SM, int(CommandId.DATA_SM)])
def test_requests_with_their_bodies(codec: Any, numbers: Any, command_id: int) -> None:
    octets = requests(command_id, numbers, [b"first", b""], codec=codec)
    first = struct.pack(">IIII", 21, command_id, 0, numbers[0]) + b"first"
    assert octets == first + struct.pack(">IIII", 16, command_id, 0, numbers[1])


@both
def test_no_requests(codec: Any) -> None:
    assert requests(5, [], [], codec=codec) == b""


@both
def test_requests_whose_numbers_do_not_fit(codec: Any) -> None:
    with pytest.raises(ValueError, match="longer"):
        requests(5, [1], [b"", b""], codec=codec)
    with pytest.raises(struct.error):
        requests(5, [1 << 32], [b""], codec=codec)
    with pytest.raises(TypeError):
        requests(5, [1], ["text"], codec=codec)  # type: ignore[list-item]


@native
def test_requests_without_numbers() -> None:
    assert CODEC is not None
    with pytest.raises(TypeError, match="a sequence of numbers is wanted"):
        CODEC.requests(5, 3, [])  # type: ignore[arg-type]
    assert CODEC.requests(-1, [], []) is None


# -- receipts ----------------------------------------------------------------------------------------------------------


class Record(NamedTuple):
    pdu: Any = PDU
    message_id: Any = b"1000000001"
    state: Any = 2
    error_code: Any = 0
    accepted_wall: Any = NOON
    final_wall: Any = NOON + MINUTE


def wording(record: Any) -> tuple[bytes, bytes]:
    """Names all that it may depend on."""
    middle = b"sub:001 submit date:%d done date:%d stat:%d err:%03d text:" % (
        record.accepted_wall // 60,
        record.final_wall // 60,
        record.state,
        record.error_code,
    )
    return middle, b"\x04\x27\0\x01" + bytes((record.state,))


def other(record: Any) -> bytes:
    """Stands for what the caller writes."""
    return b"other %b" % repr(record.message_id).encode()


@both
@pytest.mark.parametrize("with_tlvs", [True, False])
def test_the_body_of_a_receipt(codec: Any, with_tlvs: bool) -> None:
    (body,) = receipt_bodies([Record()], wording, other, 4, with_tlvs=with_tlvs, codec=codec)
    pdu = decode(struct.pack(">IIII", 16 + len(body), 5, 0, 1) + body)
    middle, _ = wording(Record())
    tlvs = (Tlv(0x001E, b"1000000001\0"), Tlv(0x0427, b"\2")) if with_tlvs else ()
    assert pdu == DeliverSm(
        1,
        service_type=b"WAP",
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=b"33612345678",
        dest_addr_ton=5,
        destination_addr=b"sender",
        esm_class=4,
        short_message=b"id:1000000001 " + middle + b"what a person wrote ",
        tlvs=tlvs,
    )
    receipt = parse_receipt(pdu.short_message)
    assert receipt is not None


@both
def test_the_wording_is_asked_for_whenever_it_may_differ(codec: Any) -> None:
    changes = ({"state": 5}, {"error_code": 7}, {"accepted_wall": NOON - 1}, {"final_wall": NOON + 2 * MINUTE})
    steps = [step for change in changes for step in ({}, {}, change)]
    records = [Record()._replace(message_id=b"%d" % number, **change) for number, change in enumerate(steps)]
    bodies = receipt_bodies(records, wording, other, 4, with_tlvs=True, codec=codec)
    for record, body in zip(records, bodies, strict=True):
        middle, tail = wording(record)
        assert b"id:%b %bwhat a person wrote \0" % (record.message_id, middle) in body
        assert body.endswith(record.message_id + b"\0" + tail)


@native
def test_the_wording_is_asked_for_once_per_run() -> None:
    asked = []

    def ask(record: Any) -> tuple[bytes, bytes]:
        asked.append(record.message_id)
        return wording(record)

    records = [Record(message_id=b"%d" % number, final_wall=NOON + 30 * number) for number in range(6)]
    receipt_bodies(records, ask, other, 4, with_tlvs=True)
    assert asked == [b"0", b"2", b"4"]


@both
@pytest.mark.parametrize(
    "change", [{"data_coding": 8}, {"esm_class": 0x40}, {"tlvs": (Tlv(5, b""),)}, {"tlvs": (Tlv(0x0424, b"x"),)}]
)
def test_what_is_not_plain_is_left_to_the_caller(codec: Any, change: dict[str, Any]) -> None:
    odd = Record(replace(PDU, **change))
    subclass = Record(type("Other", (SubmitSm,), {"__slots__": ()})(1))
    written = receipt_bodies([odd, Record(), subclass], wording, other, 4, with_tlvs=True, codec=codec)
    assert [body == other(Record()) for body in written] == [True, False, True]


@both
def test_an_escape_at_the_end_of_the_beginning_is_dropped(codec: Any) -> None:
    record = Record(replace(PDU, short_message=b"nineteen characters\x1be and so on"))
    (body,) = receipt_bodies([record], wording, other, 4, with_tlvs=False, codec=codec)
    assert body.endswith(b"text:nineteen characters")


@both
@pytest.mark.parametrize(("name", "room"), [("service_type", 5), ("source_addr", 20), ("destination_addr", 20)])
def test_fields_that_do_not_fit_are_left_to_the_caller(codec: Any, name: str, room: int) -> None:
    records = [Record(replace(PDU, **{name: b"1" * length})) for length in (room, room + 1)]
    fits, longer = receipt_bodies(records, wording, other, 4, with_tlvs=False, codec=codec)
    assert b"1" * room + b"\0" in fits
    assert longer == other(Record())


@native
@pytest.mark.parametrize(
    "record",
    [
        Record(message_id=b"1" * 65),
        Record(message_id="text"),
        Record(state=-1),
        Record(error_code=None),
        Record(accepted_wall=1),
        Record(final_wall=1),
        Record(pdu=None),
        Record(replace(PDU, dest_addr_ton=300)),
        Record(replace(PDU, source_addr="text")),  # type: ignore[arg-type]
    ],
)
def test_what_is_unusual_in_a_message_is_left_to_the_caller(record: Record) -> None:
    assert receipt_bodies([record], wording, other, 4, with_tlvs=True) == [other(record)]


@native
@pytest.mark.parametrize(
    "answer", [None, (b"",), (b"", "text"), ("text", b""), (b"x" * 255, b""), (b"", bytes(70_000))]
)
def test_a_wording_that_is_none(answer: Any) -> None:
    assert receipt_bodies([Record()], lambda _: answer, other, 4, with_tlvs=True) == [other(Record())]


@native
def test_what_a_record_raises_is_raised() -> None:
    class Odd:
        pdu = PDU
        message_id = b"1"

        @property
        def state(self) -> int:
            raise KeyError("no state")

    with pytest.raises(KeyError, match="no state"):
        receipt_bodies([Record(), Odd()], wording, other, 4, with_tlvs=True)  # type: ignore[list-item]
    with pytest.raises(AttributeError):
        receipt_bodies([object()], wording, other, 4, with_tlvs=True)  # type: ignore[list-item]
    with pytest.raises(ZeroDivisionError):
        receipt_bodies([Record()], lambda _: 1 // 0, other, 4, with_tlvs=True)  # type: ignore[arg-type,return-value]
    with pytest.raises(ZeroDivisionError):
        receipt_bodies([Record(message_id="text")], wording, lambda _: 1 // 0, 4, with_tlvs=True)  # type: ignore[arg-type,return-value]
    with pytest.raises(ValueError, match="esm_class"):
        receipt_bodies([Record()], wording, other, 256, with_tlvs=True)


originals = st.builds(
    SubmitSm,
    u32,
    service_type=c_octets(8),
    source_addr_ton=octet,
    source_addr_npi=octet,
    source_addr=c_octets(25),
    dest_addr_ton=octet,
    dest_addr_npi=octet,
    destination_addr=c_octets(25),
    esm_class=st.sampled_from([0, 0, 3, 0x3F, 0x40]),
    data_coding=st.sampled_from([0, 0, 0, 1]),
    short_message=st.binary(max_size=40),
    tlvs=st.sampled_from([(), (), (Tlv(1, b""),)]),
)
walls = st.one_of(st.floats(0, 4e9), st.sampled_from([NOON, NOON + 59.999999999, NOON - 1e-7, NOON - 3e-7]))
messages = st.builds(Record, originals, c_octets(64), st.integers(0, 9), st.integers(0, 0xFFFF), walls, walls)


@native
@settings(deadline=None, max_examples=200)
@given(records=st.lists(messages, max_size=8), with_tlvs=st.booleans(), esm_class=octet)
def test_both_ways_to_write_receipts_are_one(records: list[Record], with_tlvs: bool, esm_class: int) -> None:
    pure = receipt_bodies(records, wording, other, esm_class, with_tlvs=with_tlvs, codec=None)
    assert receipt_bodies(records, wording, other, esm_class, with_tlvs=with_tlvs) == pure


@native
def test_no_memory_is_lost() -> None:
    pdus = [replace(PDU, sequence_number=number) for number in range(50)]
    records = [Record(pdu, b"%d" % number, number % 3, number % 2) for number, pdu in enumerate(pdus)]

    def write() -> int:
        for _ in range(200):
            bodies = receipt_bodies(records, wording, other, 4, with_tlvs=True)
            requests(5, range(50), bodies)
            submit_sm_resps(pdus, [b"id", 0x58] * 25)
        del bodies
        return sys.getallocatedblocks()

    write()
    before = write()
    assert abs(write() - before) < 50
