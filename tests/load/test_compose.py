"""The octets of messages, held against the wire library."""

from itertools import count
from random import Random
from typing import Any

import pytest

from smppd.load.compose import Composer, Counts, Shot, Variant, cut, head_of, variants
from smppd.load.encodings import BINARY, ENCODINGS, GSM7, UCS2
from smppd.load.keys import Multipart, Traffic
from smppd.load.templates import Drawn, Template, Vocabulary, text_of
from smppd.load.variables import Message
from smppwire.codec import encode
from smppwire.errors import TextError
from smppwire.pdus import SubmitSm, Tlv
from smppwire.segmentation import segment
from tests.load.profiles import pdu_of
from tests.load.profiles import text_of as text_in


def kind(**keys: Any) -> Traffic:
    return Traffic(name="a", destination_addr="4477", text="x", **keys)


def shots_of(drawn: Drawn, registered_delivery: int = 0, **keys: Any) -> tuple[list[Shot], Counts]:
    shots: list[Shot] = []
    counts = Counts()
    head = head_of(keys.get("service_type", ""), (5, 0, b"MyBank"), (1, 1))
    composer = Composer(kind(**keys), "a", registered_delivery, count(0x1234).__next__, counts)
    composer.add(shots, head, b"447700900123", drawn)
    return shots, counts


def test_every_field_is_where_it_belongs() -> None:
    (shot,), _ = shots_of(
        (GSM7, b"hello"),
        1,
        service_type="CMT",
        esm_class=0x03,
        protocol_id=0x41,
        priority_flag=2,
        validity_period=90061,
        schedule_delivery_time=59,
        tlvs={"source_port": 5000, "0x1403": "0x01"},
    )
    pdu = SubmitSm(
        1,
        service_type=b"CMT",
        source_addr_ton=5,
        source_addr=b"MyBank",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=b"447700900123",
        esm_class=0x03,
        protocol_id=0x41,
        priority_flag=2,
        schedule_delivery_time=b"000000000059000R",
        validity_period=b"000001010101000R",
        registered_delivery=1,
        short_message=b"hello",
        tlvs=(Tlv(0x020A, b"\x13\x88"), Tlv(0x1403, b"\1")),
    )
    assert shot == Shot(encode(pdu)[16:], wants_receipt=True, part=False, kind="a", delay=0.0)
    assert type(shot) is Shot


def test_an_empty_message() -> None:
    (shot,), _ = shots_of((GSM7, b""))
    assert pdu_of(shot).short_message == b""


@pytest.mark.parametrize(("name", "data_coding"), [(one.name, one.data_coding) for one in ENCODINGS.values()])
def test_data_coding_follows_the_encoding_or_the_profile(name: str, data_coding: int) -> None:
    (shot,), _ = shots_of((ENCODINGS[name], b"ab"))
    assert pdu_of(shot).data_coding == data_coding
    (shot,), _ = shots_of((ENCODINGS[name], b"ab"), data_coding=0xF1)
    assert pdu_of(shot).data_coding == 0xF1


@pytest.mark.parametrize("method", ["udh8", "udh16", "sar"])
@pytest.mark.parametrize(("encoding", "room"), [(GSM7, 160), (ENCODINGS["latin-1"], 140), (UCS2, 140)])
def test_parts_begin_where_one_message_ends(method: Any, encoding: Any, room: int) -> None:
    multipart = Multipart(method=method)
    (alone,), _ = shots_of((encoding, b"ab" * (room // 2)), multipart=multipart)
    assert not alone.part
    assert pdu_of(alone).esm_class == 0
    drawn = (encoding, b"ab" * (room // 2 + 1))
    shots, _ = shots_of(drawn, 1, multipart=multipart, tlvs={"source_port": 1} if method == "sar" else {})
    reference = 0x34 if method == "udh8" else 0x1234
    expected = segment(drawn[1], data_coding=encoding.data_coding, method=method, reference=reference)
    assert len(shots) == 2
    for shot, part in zip(shots, expected, strict=True):
        pdu = pdu_of(shot)
        assert (pdu.short_message, pdu.esm_class) == (part.short_message, part.esm_class)
        assert pdu.tlvs[: len(part.tlvs)] == part.tlvs
        assert len(pdu.tlvs) == (4 if method == "sar" else 0)
        assert shot[1:] == (True, True, "a", 0.0)


def test_a_payload_is_only_for_what_does_not_fit() -> None:
    multipart = Multipart(method="payload")
    (short,), _ = shots_of((GSM7, b"a" * 160), multipart=multipart)
    assert pdu_of(short).short_message == b"a" * 160
    (long,), _ = shots_of((GSM7, b"a" * 161), multipart=multipart)
    assert (pdu_of(long).short_message, pdu_of(long).tlvs) == (b"", (Tlv(0x0424, b"a" * 161),))
    assert not long.part


def test_septets_are_packed_where_the_profile_says_so() -> None:
    packed = ENCODINGS["gsm7-packed"]
    (shot,), _ = shots_of((packed, b"a" * 160))
    assert len(pdu_of(shot).short_message) == 140
    parts, _ = shots_of((packed, b"a" * 161))
    assert [len(pdu_of(part).short_message) for part in parts] == [140, 14]
    assert all(part.part for part in parts)


def test_what_no_parts_can_carry_is_counted() -> None:
    shots, counts = shots_of((GSM7, b"a" * (255 * 153 + 1)))
    assert (shots, counts.too_long) == ([], 1)
    assert counts.as_dict() == {
        "mo_answered": 0,
        "mo_unanswered": 0,
        "opted_out": 0,
        "suppressed": 0,
        "too_long": 1,
    }
    with pytest.raises(TextError):
        cut(GSM7, b"a" * (255 * 153 + 1), "sar", 0)


def test_receipts_that_come_only_on_failure_are_not_waited_for() -> None:
    for registered_delivery, wanted in ((0, False), (1, True), (2, False), (0x11, True)):
        (shot,), _ = shots_of((GSM7, b"a"), registered_delivery)
        assert shot.wants_receipt is wanted
        assert pdu_of(shot).registered_delivery == registered_delivery


def shares(**keys: Any) -> list[tuple[Variant, float]]:
    return list(variants(kind(**keys), "a", Vocabulary(), count().__next__, Counts()))


def test_shares_multiply_and_add_up() -> None:
    assert [share for _, share in shares()] == [1.0]
    found = shares(
        encoding={"gsm7": 75, "ucs2": 25},
        registered_delivery=1,
        registered_delivery_share=80,
        multipart=Multipart(share=10, text="long"),
    )
    assert len(found) == 8
    assert sum(share for _, share in found) == pytest.approx(1)
    assert max(share for _, share in found) == pytest.approx(0.75 * 0.9 * 0.8)


def test_binary_messages_are_their_octets() -> None:
    ((variant, _),) = shares(encoding="binary", hex="00FF 25")
    shots: list[Shot] = []
    variant.add(shots, Message(Random(1)), head_of("", (0, 0, b""), (1, 1)))
    assert (pdu_of(shots[0]).short_message, pdu_of(shots[0]).data_coding) == (b"\x00\xff%", BINARY.data_coding)
    assert variant.is_constant


def test_of_several_texts_one_is_drawn() -> None:
    texts = [text_of(Template(text, Vocabulary()), None) for text in ("a", "ж", "{code}")]
    variant = Variant(texts, Composer(kind(), "a", 0, count().__next__, Counts()))
    shots: list[Shot] = []
    message = Message(Random(1))
    message.destination = b"4477"
    for _ in range(60):
        variant.add(shots, message, head_of("", (0, 0, b""), (1, 1)))
    seen = {text_in(shot) for shot in shots}
    assert {"a", "ж"} < seen
    assert len(seen) > 10
    assert not variant.is_constant
