"""Every row of vectors_text_time_receipts.jsonl: what the tests of other projects assert, asserted of ours.

One function per kind of row says what we make of its input, in the terms of the row's ``expect``. Where we differ on
purpose, ``DIFFERENCES`` has the reason and what we make of it instead; a row that stops differing fails.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from smppwire import codec, flags
from smppwire.constants import state_name
from smppwire.errors import TextError
from smppwire.pdus import SubmitSm
from smppwire.receipt import Receipt, format_receipt, format_receipt_id, parse_receipt, parse_receipt_date
from smppwire.segmentation import segment
from smppwire.smpp_time import (
    RelativeTime,
    format_absolute,
    format_relative,
    parse_absolute,
    parse_relative,
    parse_time,
)
from smppwire.text import decode_text, detect_alphabet, encode_text, gsm7
from smppwire.udh import concat_16bit, parse_udh

Row = dict[str, Any]
VECTORS = Path(__file__).parents[2] / "protocol/vectors/vectors_text_time_receipts.jsonl"
ROWS: list[Row] = [json.loads(line) for line in VECTORS.read_text(encoding="utf-8").splitlines()]
NOW = datetime(2017, 1, 1, tzinfo=UTC)
FAILED = {"error": True}

RESERVED_TYPE = "0x24 and 0x28 are reserved values of the 4-bit message type, not two flags (SMPP 3.4, 5.2.12)"
DIFFERENCES: dict[str, tuple[str, object]] = {
    "A017": ("1b80 is an escape and an at sign: an unknown extension shows the alphabet's (TS 23.038, 6.2.1.1)", "@"),
    "A067": ("an empty time is none, not an error: that library leaves the empty field to its caller", None),
    "A126": (RESERVED_TYPE, {"value": False}),
    "A128": (RESERVED_TYPE, {"value": False}),
    "A131": (RESERVED_TYPE, {"value": False}),
    "A132": (RESERVED_TYPE, {"value": False}),
    "A138": (RESERVED_TYPE, {"value": False}),
    "A143": (RESERVED_TYPE, {"value": False}),
    "A144": (RESERVED_TYPE, {"value": False}),
}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def clock(value: datetime) -> str:
    """A moment as the rows print it, without its zone; tenths only if there are any."""
    tenths = f".{value.microsecond // 100_000}" if value.microsecond else ""
    return f"{value:%Y-%m-%d %H:%M:%S}{tenths}"


def gsm7_pack(row: Row) -> object:
    return {"packed_hex": gsm7.pack(gsm7.encode(row["input"])).hex()}


def gsm7_unpack(row: Row) -> object:
    return gsm7.decode(gsm7.unpack(bytes.fromhex(row["input"])), errors="strict")


def gsm7_unpacked(row: Row) -> object:
    errors: gsm7.Errors = "replace" if "unencodable" in row["note"] else "strict"
    octets = gsm7.encode(row["input"], errors=errors)
    if errors == "strict":
        assert gsm7.decode(octets) == row["input"]
    return {"hex": octets.hex()}


def latin1(row: Row) -> object:
    octets = encode_text(row["input"], 3)
    assert decode_text(octets, 3) == row["input"]
    return {"hex": octets.hex()}


def ucs2(row: Row) -> object:
    octets = encode_text(row["input"], 8)
    assert decode_text(octets, 8) == row["input"]
    return {"hex": octets.hex()}


def detected_alphabet(row: Row) -> object:
    return {"alphabet": detect_alphabet(row["input"])}


def segment_count_udh8(row: Row) -> object:
    data_coding = {"gsm7": 0, "ucs2": 8}[row["input"]["alphabet"]]
    return {"segments": len(segment("a" * row["input"]["length"], data_coding=data_coding))}


def udh_split(row: Row) -> object:
    given = row["input"]
    parts = segment(given["message"].encode(), data_coding=4, reference=given["ref"], air_octets=given["max_with_udh"])
    return {"parts_hex": [part.short_message.hex() for part in parts]}


def udh_concat_ie(row: Row) -> object:
    return concat_16bit(*row["input"]["ref,total,seq"])


def time_parse(row: Row) -> object:
    text, now = row["input"]["text"], row["input"].get("now_utc")
    result = parse_time(text, moment(now) if now else NOW)
    wanted = row["expect"]
    if result is None or "error" in wanted:
        return result
    if "relative_seconds" in wanted:
        return {"relative_seconds": int((result - NOW).total_seconds())}
    if "relative" in wanted:
        return {"relative": list(parse_relative(text))}
    if "utc" in wanted:
        return {"utc": clock(result)}
    local = parse_absolute(text)
    offset = local.utcoffset()
    assert offset is not None
    return {"local": clock(local), "offset_quarters": offset // timedelta(minutes=15)}


def time_format(row: Row) -> object:
    given = row["input"]
    if "utc" in given:
        text = format_absolute(moment(given["utc"]), given["offset_quarters"])
    elif "relative" in given:
        text = format_relative(RelativeTime(*given["relative"]))
    else:
        text = format_relative(timedelta(seconds=given["relative_seconds"]))
    return {"text": text.decode()}


def receipt_date(row: Row) -> object:
    date = parse_receipt_date(row["input"])
    return {"local": clock(date) if date is not None else None}


def time_nn(row: Row) -> object:
    return parse_absolute(f"0709272334298{row['input']}+")


def time_t(row: Row) -> object:
    return parse_absolute(f"070927233429{row['input']}00+")


def receipt_parse(row: Row) -> object:
    strict = "strict mode" in row["note"]
    readable = fields_of(parse_receipt(row["input"], strict=strict))
    assert parse_receipt(row["input"].encode()) == parse_receipt(row["input"])
    return {name: readable[name] for name in row["expect"]}


def fields_of(receipt: Receipt) -> dict[str, object]:
    submitted, done = receipt.submitted_at(), receipt.done_at()
    return {
        "id": receipt.id,
        "sub": receipt.sub,
        "dlvrd": receipt.dlvrd,
        "submit date": clock(submitted) if submitted is not None else None,
        "done date": clock(done) if done is not None else None,
        "stat": receipt.stat,
        "err": receipt.err,
        "text": receipt.text,
    }


def receipt_format(row: Row) -> object:
    given = row["input"]
    octets = format_receipt(
        given["id"],
        sub=given["sub"],
        dlvrd=given["dlvrd"],
        submit_date=moment(given["submit"]),
        done_date=moment(given["done"]),
        stat=state_name(given["state"]),
        err=given["err"],
        text=given["text"].encode(),
    )
    return {"text": octets.decode()}


def receipt_id_format(row: Row) -> object:
    return {"id": format_receipt_id(row["input"])}


PREDICATES: dict[str, Callable[[int], bool]] = {
    "isUserDataHeaderIndicatorEnabled": flags.has_udh,
    "isReplyPathEnabled": flags.has_reply_path,
    "isMessageTypeSmscDeliveryReceipt": flags.is_receipt,
    "isMessageTypeIntermediateDeliveryReceipt": flags.is_intermediate_notification,
    "isMessageTypeEsmeDeliveryReceipt": flags.is_delivery_acknowledgement,
    "isMessageTypeAnyDeliveryReceipt": flags.is_report,
    "isSmscDeliveryReceiptRequested": flags.wants_receipt,
    "isSmscDeliveryReceiptOnFailureRequested": flags.wants_failure_receipt,
    "isIntermediateReceiptRequested": flags.wants_intermediate_notification,
}


def flag(row: Row) -> object:
    return {"value": PREDICATES[row["input"]["predicate"]](row["input"]["octet"])}


def tlv(row: Row) -> object:
    octets = bytes.fromhex(row["input"])
    frame = bytearray(codec.encode(SubmitSm(sequence_number=1, destination_addr=b"1")) + octets)
    frame[0:4] = len(frame).to_bytes(4, "big")
    pdu = codec.decode(bytes(frame))
    assert isinstance(pdu, SubmitSm)
    assert codec.encode(pdu) == frame
    ((tag, value),) = pdu.tlvs
    return {"tag": tag, "value_hex": value.hex()}


def dialogue(row: Row) -> object:
    pieces = {}
    for step in row["input"]:
        octets = bytes.fromhex(step.get("esme") or step["smsc"])
        while octets:
            length = int.from_bytes(octets[:4], "big")
            pdu, octets = codec.decode(octets[:length]), octets[length:]
            if isinstance(pdu, SubmitSm):
                assert flags.has_udh(pdu.esm_class)
                udh, body = parse_udh(pdu.short_message)
                assert udh.concat is not None
                pieces[udh.concat.seq] = decode_text(body, pdu.data_coding, udh=udh)
                total = udh.concat.total
    text = "".join(pieces[number] for number in sorted(pieces))
    assert len(pieces) == total
    assert text.endswith("Lorem Ipsum")
    beginning = row["expect"]["text_starts"]
    return {"text_starts": text[: len(beginning)], "parts": len(pieces)}


KINDS: dict[str, Callable[[Row], object]] = {
    "gsm7_pack": gsm7_pack,
    "gsm7_unpack": gsm7_unpack,
    "gsm7_unpacked": gsm7_unpacked,
    "latin1": latin1,
    "ucs2": ucs2,
    "detect_alphabet": detected_alphabet,
    "segment_count_udh8": segment_count_udh8,
    "udh_split": udh_split,
    "udh_concat_ie": udh_concat_ie,
    "time_parse": time_parse,
    "time_format": time_format,
    "receipt_date": receipt_date,
    "time_nn": time_nn,
    "time_t": time_t,
    "receipt_parse": receipt_parse,
    "receipt_format": receipt_format,
    "receipt_id_format": receipt_id_format,
    "flag": flag,
    "tlv": tlv,
    "dialogue": dialogue,
}


def ours(row: Row) -> object:
    """What we make of a row; our refusals as the rows write them."""
    try:
        return KINDS[row["kind"]](row)
    except TextError:
        return FAILED


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['id']}-{row['kind']}" for row in ROWS])
def test_row(row: Row) -> None:
    if row["id"] in DIFFERENCES:
        reason, expected = DIFFERENCES[row["id"]]
        assert expected != row["expect"], reason
    else:
        expected = row["expect"]
    assert ours(row) == expected


def test_every_kind_and_every_difference_has_a_row() -> None:
    assert {row["kind"] for row in ROWS} == set(KINDS)
    assert set(DIFFERENCES) <= {row["id"] for row in ROWS}


@pytest.mark.parametrize("row", [row for row in ROWS if row["kind"] == "gsm7_pack"], ids=lambda row: row["id"])
def test_packed_rows_read_back(row: Row) -> None:
    packed = bytes.fromhex(row["expect"]["packed_hex"])
    assert decode_text(packed, 0, default_alphabet="gsm7-packed") == row["input"]
