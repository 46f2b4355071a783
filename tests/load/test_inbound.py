"""Receipts as message centres write them: the fast way reads what the thorough way reads, or leaves it to that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.load.inbound import read_receipt, receipt_of
from smppd.load.ledger import ReceiptSeen
from smppwire.codec import decode
from smppwire.errors import SmppError
from smppwire.pdus import DataSm, DeliverSm
from tests.load.fakes import deliver_body, receipt
from tests.transport.support import DELIVER, c, request, tlv

TYPICAL = b"id:0123456789 sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:Hello"


def fast(frame: bytes) -> ReceiptSeen | None:
    padded = b"before" + frame + b"after"
    return read_receipt(padded, 6 + 16, 6 + len(frame))


def thorough(frame: bytes) -> tuple[ReceiptSeen, bool] | None:
    pdu = decode(frame)
    assert isinstance(pdu, DeliverSm | DataSm)
    return receipt_of(pdu)


def deliver(text: bytes, *, esm: int = 4, tail: bytes = b"") -> bytes:
    return request(DELIVER, 7, deliver_body(text, esm=esm, tail=tail))


def test_the_usual_receipt() -> None:
    expected = ReceiptSeen(b"4711", b"4711", "DELIVRD")
    assert fast(receipt("4711")) == expected
    assert thorough(receipt("4711")) == (expected, True)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (deliver(TYPICAL), ReceiptSeen(None, b"0123456789", "DELIVRD")),
        (deliver(TYPICAL, tail=tlv(0x0427, b"\2")), ReceiptSeen(None, b"0123456789", "DELIVRD")),
        (
            deliver(TYPICAL, tail=tlv(0x1400, b"xy") + tlv(0x001E, b"abc\0")),
            ReceiptSeen(b"abc", b"0123456789", "DELIVRD"),
        ),
        (deliver(TYPICAL, tail=tlv(0x001E, b"abc")), ReceiptSeen(b"abc", b"0123456789", "DELIVRD")),
        (deliver(TYPICAL.replace(b"DELIVRD", b"UNDELIV")), ReceiptSeen(None, b"0123456789", "UNDELIV")),
        (deliver(TYPICAL, esm=0x44), ReceiptSeen(None, b"0123456789", "DELIVRD")),
    ],
)
def test_both_ways_read_the_same(frame: bytes, expected: ReceiptSeen) -> None:
    assert fast(frame) == expected
    assert thorough(frame) == (expected, True)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (deliver(b"stat:REJECTD id:5"), (ReceiptSeen(None, b"5", "REJECTD"), True)),
        (deliver(b"ID:5 SUB:1 STAT:Delivered"), (ReceiptSeen(None, b"5", "Delivered"), True)),
        (deliver(b"", tail=tlv(0x001E, b"5\0") + tlv(0x0427, b"\5")), (ReceiptSeen(b"5", None, "UNDELIV"), True)),
        (deliver(b"", tail=tlv(0x0424, TYPICAL)), (ReceiptSeen(None, b"0123456789", "DELIVRD"), True)),
        (deliver(b"no idea"), (ReceiptSeen(None, None, "(no state)"), True)),
        (deliver(TYPICAL.replace(b"id:0", b"id:\t0")), (ReceiptSeen(None, b"0123456789", "DELIVRD"), True)),
        (deliver(TYPICAL, esm=0x20), (ReceiptSeen(None, b"0123456789", "DELIVRD"), False)),
        (deliver(TYPICAL.replace(b"DELIVRD", b"ENROUTE")), (ReceiptSeen(None, b"0123456789", "ENROUTE"), False)),
        (deliver(b"Hello", esm=0), None),
        (deliver(TYPICAL, esm=0), None),
        (deliver(TYPICAL, esm=0x08), None),
    ],
)
def test_what_the_fast_way_leaves_to_the_thorough_one(frame: bytes, expected: tuple[ReceiptSeen, bool] | None) -> None:
    assert fast(frame) is None
    assert thorough(frame) == expected


def test_a_receipt_in_a_data_sm() -> None:
    body = b"\0\1\1" + c("4477") + b"\5\0" + c("12345") + b"\4\0\0"
    frame = request(0x103, 1, body + tlv(0x001E, c("5")) + tlv(0x0427, b"\2"))
    assert thorough(frame) == (ReceiptSeen(b"5", None, "DELIVRD"), True)


@given(st.binary(max_size=200), st.integers(0, 216))
def test_garbage_is_no_receipt_and_never_raises(octets: bytes, end: int) -> None:
    read_receipt(octets, 0, min(end, len(octets)))


@given(st.data())
def test_whatever_is_changed_in_a_receipt_both_ways_agree(data: st.DataObject) -> None:
    frame = bytearray(receipt("4711"))
    for _ in range(data.draw(st.integers(1, 3))):
        frame[data.draw(st.integers(16, len(frame) - 1))] = data.draw(st.integers(0, 255))
    quick = fast(bytes(frame))
    if quick is None:
        return
    try:
        slow = thorough(bytes(frame))
    except SmppError:
        return  # a broken PDU that still holds a receipt: better than none
    assert slow is not None
    assert slow[0].state == quick.state
    assert (slow[0].tlv_id, slow[0].text_id) == (quick.tlv_id, quick.text_id)
