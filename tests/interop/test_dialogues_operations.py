"""Dialogues over raw sockets, octet for octet: query_sm, cancel_sm, replace_sm, submit_multi, and messages in parts."""

from __future__ import annotations

import itertools
import re
import struct
from collections.abc import Iterator

import pytest

from smppd.engine.slices import SLICE
from smppd.settings import Delay, DistributionList, Match, Network, Queue, Route, Throughput
from tests.transport.support import (
    BIND_TRX,
    CANCEL,
    DELIVER,
    ENQUIRE_LINK,
    QUERY,
    REPLACE,
    RESP,
    SUBMIT,
    SUBMIT_MULTI,
    Live,
    Raw,
    account,
    answer,
    c,
    delivered,
    field,
    live_settings,
    request,
    submit_body,
    tlv,
)

RINVMSGLEN, RINVDSTADR, RINVMSGID, RCANCELFAIL, RREPLACEFAIL = 0x01, 0x0B, 0x0C, 0x11, 0x13
RINVNUMDESTS, RINVDLNAME, RINVDESTFLAG, RINVESMCLASS, RCNTSUBDL = 0x33, 0x34, 0x40, 0x43, 0x44
RINVDSTTON, RINVSCHED, RINVEXPIRY, RQUERYFAIL = 0x50, 0x61, 0x62, 0x67
ENROUTE, DELIVERED, DELETED, UNDELIVERABLE = 1, 2, 4, 5

FAST = (1, 1, b"447700900001")
SLOW = (1, 1, b"335001")
BAD = (1, 1, b"666001")
QUEUED = (1, 1, b"332001")
ACME = (5, 0, b"ACME")
IN_AN_HOUR = b"000000010000000R"
DATE = re.compile(rb"date:\d{10}")
FINAL_DATE = re.compile(rb"\d{13}00\+\0")
MANY = 3 * SLICE

SETTINGS = live_settings(
    server={"interface_version": "5.0"},
    account=[
        *(account(f"esme{number}") for number in range(100)),
        *(account(f"first{number}", multipart_receipts="first") for number in range(3)),
        *(account(f"last{number}", multipart_receipts="last") for number in range(3)),
    ],
    route=[
        Route(name="mobile", match=Match(destination_addr="447*")),
        Route(name="slow", match=Match(destination_addr="335*"), network="slow"),
        Route(name="bad", match=Match(destination_addr="666*"), network="bad"),
        Route(
            name="queued",
            match=Match(destination_addr="332*"),
            throughput=Throughput(limit=1, per=80_000.0, over="queue"),
            queue=Queue(limit=1000),
        ),
    ],
    distribution_list=[
        DistributionList(name="doctors", members=["447700900002", "447700900003"]),
        DistributionList(name="nurses", members=["447700900004"], accounts=["first0"]),
        DistributionList(name="city", members=[str(447_700_000_000 + number) for number in range(MANY)]),
    ],
    network={
        "default": Network(delay=Delay(distribution="fixed", value=0.0)),
        "slow": Network(delay=Delay(distribution="fixed", value=80_000.0)),
        "bad": Network(delay=Delay(distribution="fixed", value=0.0), outcome={"UNDELIV": 1.0}, error={"UNDELIV": 21}),
    },
)


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with Live(SETTINGS) as server:
        yield server


class Raw50(Raw):
    """A client of a 5.0 session: takes the congestion_state off its responses, which then are those of 3.4."""

    def frame(self) -> bytes:
        frame = super().frame()
        if frame[4] & 0x80 and frame[-5:-1] == b"\x04\x28\0\1" and len(frame) > 16:
            return struct.pack(">I", len(frame) - 5) + frame[4:-5]
        return frame


NAMES = itertools.count()


@pytest.fixture
def name() -> str:
    """An account that no test before has used."""
    return f"esme{next(NAMES)}"


@pytest.fixture
def raw(live: Live, name: str) -> Iterator[Raw]:
    """A transceiver of SMPP 3.4 with an account of its own."""
    with live.client() as client:
        client.bind(system_id=name)
        yield client


def address(of: tuple[int, int, bytes]) -> bytes:
    return bytes(of[:2]) + c(of[2])


def query_body(message_id: bytes, source: tuple[int, int, bytes] = ACME) -> bytes:
    return c(message_id) + address(source)


def cancel_body(
    message_id: bytes = b"",
    *,
    source: tuple[int, int, bytes] = ACME,
    to: tuple[int, int, bytes] = (0, 0, b""),
    service_type: bytes = b"",
) -> bytes:
    return c(service_type) + c(message_id) + address(source) + address(to)


def replace_body(
    message_id: bytes,
    text: bytes = b"New",
    *,
    source: tuple[int, int, bytes] = ACME,
    schedule: bytes = b"",
    validity: bytes = b"",
    registered: int = 1,
    tail: bytes = b"",
) -> bytes:
    return c(message_id) + address(source) + c(schedule) + c(validity) + bytes((registered, 0, len(text))) + text + tail


def submitted(raw: Raw, to: tuple[int, int, bytes] = SLOW, *, sequence: int = 2, **fields: object) -> bytes:
    """Submit one message that asks for a receipt; returns its id."""
    body = submit_body(**{"source": ACME, "to": to, "registered": 1, **fields})  # type: ignore[arg-type]
    raw.send(request(SUBMIT, sequence, body))
    return field(raw.frame(), SUBMIT)


def state(raw: Raw, message_id: bytes, expected: int, error: int = 0) -> None:
    """The message is in this state; all octets of the answer are as they should be."""
    raw.send(request(QUERY, 9, query_body(message_id)))
    frame = raw.frame()
    dated = b"\0" if expected == ENROUTE else frame[16 + len(message_id) + 1 : -2]
    assert expected == ENROUTE or FINAL_DATE.fullmatch(dated), frame.hex()
    assert frame == answer(QUERY, 0, 9, c(message_id) + dated + bytes((expected, error)))


def receipt(
    raw: Raw,
    message_id: bytes,
    stat: bytes,
    *,
    to: tuple[int, int, bytes],
    text: bytes = b"Hello",
    counts: bytes = b"",
    error: int = 0,
) -> None:
    """The next PDU is this receipt, octet for octet but for its dates; it is acknowledged."""
    frame = raw.frame()
    code = {b"DELIVRD": DELIVERED, b"DELETED": DELETED, b"UNDELIV": UNDELIVERABLE}[stat]
    counts = counts or (b"sub:001 dlvrd:001" if stat == b"DELIVRD" else b"sub:001 dlvrd:000")
    said = b"id:%b %b submit date:DATE done date:DATE stat:%b err:%03d text:%b" % (
        message_id,
        counts,
        stat,
        error,
        text,
    )
    tlvs = tlv(0x001E, c(message_id)) + tlv(0x0427, bytes((code,)))
    if error:
        tlvs += tlv(0x0423, b"\x03" + error.to_bytes(2, "big"))
    sequence = int.from_bytes(frame[12:16], "big")
    body = c("") + address(to) + address(ACME) + b"\x04\0\0\0\0\0\0\0\0"
    body += bytes((len(said) + 12,)) + said + tlvs
    head = struct.pack(">IIII", 16 + len(body) + 12, DELIVER, 0, sequence)
    assert frame[:16] == head
    assert DATE.sub(b"date:DATE", frame[16:]) == body
    raw.send(answer(DELIVER, 0, sequence, b"\0"))


# query_sm.


def test_a_query_tells_the_state_and_when_it_became_final(raw: Raw) -> None:
    waiting = submitted(raw, SLOW)
    state(raw, waiting, ENROUTE)
    delivered_id = submitted(raw, FAST)
    receipt(raw, delivered_id, b"DELIVRD", to=FAST)
    state(raw, delivered_id, DELIVERED)
    failed = submitted(raw, BAD)
    receipt(raw, failed, b"UNDELIV", to=BAD, error=21)
    state(raw, failed, UNDELIVERABLE, 21)


def test_a_query_names_the_source_or_leaves_it_out(raw: Raw) -> None:
    message_id = submitted(raw)
    good = answer(QUERY, 0, 3, c(message_id) + b"\0\x01\0")
    for source in (ACME, (0, 0, b"ACME"), (0, 0, b"")):
        raw.ask(request(QUERY, 3, query_body(message_id, source)), good)
    for source in ((1, 0, b"ACME"), (5, 0, b"acme"), (5, 0, b"OTHER")):
        raw.ask(request(QUERY, 3, query_body(message_id, source)), answer(QUERY, RQUERYFAIL, 3))
    raw.ask(request(QUERY, 4, query_body(b"not hexadecimal")), answer(QUERY, RINVMSGID, 4))
    raw.ask(request(QUERY, 5, query_body(b"")), answer(QUERY, RINVMSGID, 5))


def test_ids_of_33_have_eight_digits(live: Live, name: str) -> None:
    with live.client() as client:
        client.bind(BIND_TRX, version=0x33, system_id=name)
        message_id = submitted(client)
        assert re.fullmatch(rb"[0-9A-F]{8}", message_id)
        state(client, message_id, ENROUTE)
        body = query_body(message_id.lower())
        client.ask(request(QUERY, 3, body), answer(QUERY, 0, 3, c(message_id.lower()) + b"\0\x01\0"))
        client.ask(request(REPLACE, 4, replace_body(message_id)), answer(REPLACE, 0, 4))
        client.send(request(CANCEL, 5, cancel_body(message_id)))
        client.expect(answer(CANCEL, 0, 5))
        _, esm_class, text, tlvs = delivered(client.frame())
        assert (esm_class, text[:11], text[-8:], tlvs) == (4, b"id:" + message_id, b"text:New", b"")


def test_scheduled_is_a_word_of_5_0(live: Live, name: str) -> None:
    with live.client() as old, Raw50(live.address) as new:
        old.bind(system_id=name)
        new.bind(system_id=name, version=0x50)
        message_id = submitted(old, schedule=IN_AN_HOUR)
        for client, code in ((old, b"\x01"), (new, b"\x00")):
            client.ask(
                request(QUERY, 3, query_body(message_id)), answer(QUERY, 0, 3, c(message_id) + b"\0" + code + b"\0")
            )


# cancel_sm.


def test_a_message_is_cancelled_wherever_it_is(raw: Raw) -> None:
    messages = {
        submitted(raw, SLOW): SLOW,
        submitted(raw, SLOW, schedule=IN_AN_HOUR): SLOW,
    }
    first = submitted(raw, QUEUED, registered=0)
    messages[submitted(raw, QUEUED)] = QUEUED
    for message_id, to in messages.items():
        raw.ask(request(CANCEL, 3, cancel_body(message_id)), answer(CANCEL, 0, 3))
        receipt(raw, message_id, b"DELETED", to=to)
        state(raw, message_id, DELETED)
        raw.ask(request(CANCEL, 4, cancel_body(message_id)), answer(CANCEL, RCANCELFAIL, 4))
    raw.ask(request(CANCEL, 5, cancel_body(first)), answer(CANCEL, RCANCELFAIL, 5))


def test_cancel_and_the_outcome_in_one_chunk(raw: Raw) -> None:
    """The outcome is known at once, but the message is not final before the chunk is done: the cancel wins."""
    message_id = int(submitted(raw, FAST, registered=0)) + 1
    raw.send(
        request(SUBMIT, 3, submit_body(source=ACME, to=FAST, registered=1))
        + request(CANCEL, 4, cancel_body(b"%d" % message_id))
        + request(CANCEL, 5, cancel_body(b"%d" % message_id))
    )
    raw.expect(answer(SUBMIT, 0, 3, c(b"%d" % message_id)), answer(CANCEL, 0, 4), answer(CANCEL, RCANCELFAIL, 5))
    receipt(raw, b"%d" % message_id, b"DELETED", to=FAST)
    state(raw, b"%d" % message_id, DELETED)
    raw.lives()


def test_what_a_cancel_must_say(raw: Raw) -> None:
    message_id = submitted(raw, registered=0)
    for body, status in (
        (cancel_body(), RINVDSTADR),
        (cancel_body(b"no hex"), RINVMSGID),
        (cancel_body(b"99"), RCANCELFAIL),
        (cancel_body(message_id, source=(5, 0, b"OTHER")), RCANCELFAIL),
        (cancel_body(message_id, source=(1, 0, b"ACME")), RCANCELFAIL),
        (cancel_body(message_id, to=(1, 1, b"335002")), RCANCELFAIL),
        (cancel_body(message_id, to=(2, 1, SLOW[2])), RCANCELFAIL),
        (cancel_body(message_id, to=SLOW, service_type=b"WAP"), 0),
    ):
        raw.ask(request(CANCEL, 3, body), answer(CANCEL, status, 3))


def test_a_group_is_cancelled_by_addresses_and_service_type(raw: Raw) -> None:
    cmt = submitted(raw, service_type=b"CMT", registered=0)
    wap = submitted(raw, service_type=b"WAP", registered=0)
    other = submitted(raw, (1, 1, b"335002"), registered=0)
    for fields, status in (
        ({"to": SLOW, "source": (5, 0, b"OTHER")}, RCANCELFAIL),
        ({"to": SLOW, "source": (0, 0, b"")}, RCANCELFAIL),
        ({"to": SLOW, "service_type": b"USSD"}, RCANCELFAIL),
        ({"to": SLOW, "service_type": b"CMT"}, 0),
    ):
        raw.ask(request(CANCEL, 3, cancel_body(**fields)), answer(CANCEL, status, 3))  # type: ignore[arg-type]
    state(raw, cmt, DELETED)
    state(raw, wap, ENROUTE)
    raw.ask(request(CANCEL, 4, cancel_body(to=SLOW)), answer(CANCEL, 0, 4))
    state(raw, wap, DELETED)
    state(raw, other, ENROUTE)


# replace_sm.


def test_a_replaced_message_says_the_new_text(raw: Raw) -> None:
    message_id = submitted(raw, registered=0)
    raw.ask(request(REPLACE, 3, replace_body(message_id, b"Better")), answer(REPLACE, 0, 3))
    raw.ask(request(CANCEL, 4, cancel_body(message_id)), answer(CANCEL, 0, 4))
    receipt(raw, message_id, b"DELETED", to=SLOW, text=b"Better")
    raw.ask(request(REPLACE, 5, replace_body(message_id)), answer(REPLACE, RREPLACEFAIL, 5))


def test_what_a_replacement_must_say(raw: Raw) -> None:
    message_id = submitted(raw)
    for body, status in (
        (replace_body(b"no hex"), RINVMSGID),
        (replace_body(b"99"), RREPLACEFAIL),
        (replace_body(message_id, source=(5, 0, b"OTHER")), RREPLACEFAIL),
        (replace_body(message_id, source=(1, 0, b"ACME")), RREPLACEFAIL),
        (replace_body(message_id, schedule=b"tomorrow"), RINVSCHED),
        (replace_body(message_id, validity=b"000101000000000+"), RINVEXPIRY),
        (replace_body(message_id, b"x" * 255), RINVMSGLEN),
        (replace_body(message_id, b"x" * 254, validity=IN_AN_HOUR), 0),
    ):
        raw.ask(request(REPLACE, 3, body), answer(REPLACE, status, 3))


def test_a_payload_replaces_in_5_0_only(live: Live, name: str) -> None:
    with live.client() as old, Raw50(live.address) as new:
        old.bind(system_id=name)
        new.bind(system_id=name, version=0x50)
        payload = tlv(0x0424, b"Payload" * 50)
        for client, text in ((new, b"PayloadPayloadPayloa"), (old, b"Short")):
            message_id = submitted(client)
            client.ask(request(REPLACE, 3, replace_body(message_id, b"Short", tail=payload)), answer(REPLACE, 0, 3))
            client.ask(request(CANCEL, 4, cancel_body(message_id)), answer(CANCEL, 0, 4))
            receipt(client, message_id, b"DELETED", to=SLOW, text=text)


def test_replace_if_present(raw: Raw) -> None:
    """Same source, destination and service_type: the same message_id, with the new text; else a new message."""
    first = submitted(raw, service_type=b"CMT")
    assert submitted(raw, service_type=b"CMT", replace=1, text=b"Newer") == first
    assert submitted(raw, service_type=b"WAP", replace=1) != first
    assert submitted(raw, (1, 1, b"335002"), service_type=b"CMT", replace=1) != first
    assert submitted(raw, source=(5, 0, b"OTHER"), service_type=b"CMT", replace=1) != first
    raw.ask(request(CANCEL, 3, cancel_body(first)), answer(CANCEL, 0, 3))
    frame = raw.frame()
    assert delivered(frame)[2].endswith(b"text:Newer")
    assert submitted(raw, service_type=b"CMT", replace=1) != first


# submit_multi.


def sme(of: tuple[int, int, bytes]) -> bytes:
    return b"\x01" + address(of)


def on_list(name: bytes) -> bytes:
    return b"\x02" + c(name)


def multi_body(*destinations: bytes, esm_class: int = 0, registered: int = 1, count: int | None = None) -> bytes:
    head = c("") + address(ACME) + bytes((len(destinations) if count is None else count,)) + b"".join(destinations)
    return head + bytes((esm_class, 0, 0)) + c("") + c("") + bytes((registered, 0, 0, 0, 2)) + b"Hi"


def unsuccessful(*entries: tuple[tuple[int, int, bytes], int]) -> bytes:
    return bytes((len(entries),)) + b"".join(address(of) + struct.pack(">I", status) for of, status in entries)


def accepted(raw: Raw, body: bytes, rest: bytes = b"\0") -> bytes:
    """Send a submit_multi; the response ends with this. Returns the message_id."""
    raw.send(request(SUBMIT_MULTI, 5, body))
    frame = raw.frame()
    message_id = frame[16:26]
    assert re.fullmatch(rb"\d{10}", message_id), frame.hex()
    assert frame == answer(SUBMIT_MULTI, 0, 5, c(message_id) + rest)
    return message_id


def test_a_submit_multi_has_one_id_and_a_receipt_for_each(raw: Raw) -> None:
    message_id = accepted(raw, multi_body(sme(FAST), sme(BAD), sme(SLOW)))
    receipt(raw, message_id, b"DELIVRD", to=FAST, text=b"Hi")
    receipt(raw, message_id, b"UNDELIV", to=BAD, text=b"Hi", error=21)
    state(raw, message_id, ENROUTE)
    raw.ask(request(CANCEL, 6, cancel_body(message_id, to=SLOW)), answer(CANCEL, 0, 6))
    receipt(raw, message_id, b"DELETED", to=SLOW, text=b"Hi")
    state(raw, message_id, DELIVERED)
    raw.lives()


def test_failures_only(raw: Raw) -> None:
    message_id = accepted(raw, multi_body(sme(FAST), sme(BAD), registered=2))
    receipt(raw, message_id, b"UNDELIV", to=BAD, text=b"Hi", error=21)
    raw.lives()


def test_destinations_that_fail_are_listed_with_their_own_status(raw: Raw) -> None:
    unrouted, empty, reserved = (1, 1, b"999"), (1, 1, b""), (9, 1, b"447700900005")
    body = multi_body(
        sme(unrouted), sme(empty), sme(FAST), sme(reserved), on_list(b"nobody"), on_list(b"nurses"), registered=0
    )
    accepted(
        raw,
        body,
        unsuccessful(
            (unrouted, RINVDSTADR),
            (empty, RINVDSTADR),
            (reserved, RINVDSTTON),
            ((0, 0, b"nobody"), RINVDLNAME),
            ((0, 0, b"nurses"), RCNTSUBDL),
        ),
    )
    raw.lives()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (multi_body(sme((1, 1, b"999"))), RINVDSTADR),
        (multi_body(sme((9, 1, b"447700900005")), sme((1, 1, b"999"))), RINVDSTTON),
        (multi_body(on_list(b"nobody")), RINVDLNAME),
        (multi_body(on_list(b"")), RINVDLNAME),
        (multi_body(on_list(b"nurses")), RCNTSUBDL),
        (multi_body(), RINVNUMDESTS),
        (multi_body(*[sme(FAST)] * 255, count=0), RINVNUMDESTS),
        (multi_body(b"\x03" + c("x")), RINVDESTFLAG),
        (multi_body(sme(FAST), esm_class=0x02), RINVESMCLASS),
    ],
)
def test_a_submit_multi_that_fails_as_a_whole(raw: Raw, body: bytes, status: int) -> None:
    raw.ask(request(SUBMIT_MULTI, 5, body), answer(SUBMIT_MULTI, status, 5))
    raw.lives()


def test_transaction_mode_is_refused_in_5_0_as_well(live: Live, name: str) -> None:
    with Raw50(live.address) as client:
        client.bind(system_id=name, version=0x50)
        body = multi_body(sme(FAST), esm_class=0x02)
        client.ask(request(SUBMIT_MULTI, 5, body), answer(SUBMIT_MULTI, RINVESMCLASS, 5))


def test_a_distribution_list(raw: Raw) -> None:
    message_id = accepted(raw, multi_body(on_list(b"doctors"), sme((1, 1, b"447700900002"))))
    receipt(raw, message_id, b"DELIVRD", to=(1, 1, b"447700900002"), text=b"Hi")
    receipt(raw, message_id, b"DELIVRD", to=(1, 1, b"447700900003"), text=b"Hi")
    raw.lives()


def test_a_large_list_is_answered_later_and_before_any_of_its_receipts(raw: Raw) -> None:
    raw.send(request(SUBMIT_MULTI, 5, multi_body(on_list(b"city"))) + request(ENQUIRE_LINK, 6))
    raw.expect(answer(ENQUIRE_LINK, 0, 6))
    frame = raw.frame()
    message_id = frame[16:26]
    assert frame == answer(SUBMIT_MULTI, 0, 5, c(message_id) + b"\0")
    sources = set()
    while len(sources) < MANY:
        frame = raw.frame()
        sequence, _, text, _ = delivered(frame)
        assert text.startswith(b"id:" + message_id)
        sources.add(frame[19 : frame.index(b"\0", 19)])
        raw.send(answer(DELIVER, 0, sequence, b"\0"))
    assert min(sources) == b"447700000000"
    raw.lives()


def test_a_late_answer_has_what_the_version_asks_for(live: Live, name: str) -> None:
    with live.client() as client:
        client.bind(system_id=name, version=0x50)
        client.send(request(SUBMIT_MULTI, 5, multi_body(on_list(b"city"), registered=0)))
        frame = client.frame()
        assert frame[:16] == struct.pack(">IIII", 33, SUBMIT_MULTI | RESP, 0, 5)
        assert frame[26:-1] == b"\0\0" + tlv(0x0428, b"x")[:-1]


# Parts.


def parts(raw: Raw, *numbers: int, to: tuple[int, int, bytes] = FAST, total: int = 3, **fields: object) -> list[bytes]:
    """Submit these parts of one message."""
    texts = [b"\x05\x00\x03\x2a" + bytes((total, number)) + b"Part%d" % number for number in numbers]
    return [submitted(raw, to, esm_class=0x40, text=text, **fields) for text in texts]


@pytest.mark.parametrize(("system_id", "place"), [("first0", 1), ("last0", 0)])
def test_one_receipt_for_the_whole_message(live: Live, system_id: str, place: int) -> None:
    with live.client() as client:
        client.bind(system_id=system_id)
        ids = parts(client, 3, 1)
        client.lives()
        ids += parts(client, 2)
        receipt(client, ids[place], b"DELIVRD", to=FAST, text=b"Part1", counts=b"sub:003 dlvrd:003")
        client.lives()


def test_one_receipt_for_a_message_that_failed(live: Live) -> None:
    with live.client() as client:
        client.bind(system_id="first1")
        ids = parts(client, 1, 2, to=BAD, total=2, registered=2)
        receipt(client, ids[0], b"UNDELIV", to=BAD, text=b"Part1", counts=b"sub:002 dlvrd:000", error=21)
        client.lives()


def test_each_part_has_its_receipt_by_default(raw: Raw) -> None:
    for number in (2, 1, 3):
        (message_id,) = parts(raw, number)
        receipt(raw, message_id, b"DELIVRD", to=FAST, text=b"Part%d" % number)
    raw.lives()
