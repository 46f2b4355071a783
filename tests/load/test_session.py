"""One connection, octet by octet, on a transport in memory. What becomes of messages, test_worker.py tests."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from smppd.load.ledger import Ledger, ReceiptSeen
from smppd.load.session import CLOSE_TIMEOUT, ROUND, Credentials, LoadSession, Watched
from smppd.load.traffic import Shot
from smppwire.constants import MAX_SEQUENCE_NUMBER
from smppwire.pdus import DataSm, DeliverSm
from tests.load.fakes import deliver_body, receipt
from tests.transport.support import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    DELIVER,
    ENQUIRE_LINK,
    NACK,
    SUBMIT,
    UNBIND,
    FakeTransport,
    answer,
    bind_body,
    bind_resp,
    c,
    elapse,
    pdu,
    request,
    submit_body,
    virtually,
)

BODY = submit_body()
KINDS = {"trx": BIND_TRX, "tx": BIND_TX, "rx": BIND_RX}


class Owner:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.receipts: list[ReceiptSeen] = []
        self.refills = 0
        self.more: list[bytes] = []
        """Bodies to send when there is room."""

    def watched(self, message: Watched, status: int, now: float) -> None:
        self.seen.append((message, status))

    def received(self, receipts: list[ReceiptSeen], now: float) -> None:
        self.receipts += receipts

    def notified(self) -> None:
        self.seen.append("notified")

    def delivered(self, pdu: DeliverSm | DataSm, now: float) -> None:
        self.seen.append(pdu)

    def refused(self, session: LoadSession, rule: str) -> None:
        self.seen.append(rule)

    def refill(self, session: LoadSession) -> None:
        self.refills += 1
        bodies, self.more = self.more[: session.room], self.more[session.room :]
        if bodies:
            send(session, bodies)


def send(session: LoadSession, bodies: list[bytes]) -> int:
    first = session.submit(bodies)
    session.lane.sent_run(first, len(bodies), asyncio.get_running_loop().time(), wants_receipt=False)
    return first


class Made:
    """A session on a fake transport."""

    def __init__(self, kind: Any = "trx", *, window: int = 10, enquire_link: float = 30.0) -> None:
        self.loop = asyncio.get_running_loop()
        self.owner, self.transport, self.ledger = Owner(), FakeTransport(), Ledger()
        self.ends: list[str] = []
        self.kind = kind
        self.session = LoadSession(
            self.owner,
            self.ledger.lane("bind 1", window),
            kind,
            Credentials(b"smppclient1", b"password", b"", 0x34),
            window=window,
            enquire_link=enquire_link,
            clock=self.loop.time,
            on_end=lambda _session, reason: self.ends.append(reason),
        )
        self.transport.protocol = self.session
        self.session.connection_made(self.transport)

    async def bound(self) -> Made:
        binding = asyncio.ensure_future(self.session.bind(5.0))
        await asyncio.sleep(0)
        assert self.transport.taken() == [request(KINDS[self.kind], 1, bind_body())]
        self.session.data_received(bind_resp(KINDS[self.kind]))
        assert await binding == ""
        assert self.session.bound
        self.owner.refills = 0
        return self


@virtually
async def test_a_batch_leaves_in_one_write() -> None:
    made = await Made().bound()
    writes = made.transport.writes
    assert send(made.session, [BODY, BODY + b"x", BODY]) == 2
    assert made.transport.writes == writes + 1
    assert made.transport.taken() == [request(SUBMIT, 2 + n, body) for n, body in enumerate([BODY, BODY + b"x", BODY])]
    assert made.session.room == 7


@virtually
async def test_the_facts_of_the_smsc() -> None:
    made = await Made().bound()
    assert (made.session.system_id, made.session.sc_interface_version) == ("smppd", 0x34)
    old = Made()
    binding = asyncio.ensure_future(old.session.bind(5.0))
    await asyncio.sleep(0)
    old.session.data_received(bind_resp(told=False))
    assert await binding == ""
    assert old.session.sc_interface_version is None


@pytest.mark.parametrize("size", [1, 3, 15, 16, 17, 100, 10_000])
def test_wherever_tcp_cuts(size: int) -> None:
    @virtually
    async def run() -> None:
        made = await Made(window=50).bound()
        send(made.session, [BODY] * 20)
        made.transport.taken()
        octets = b"".join(answer(SUBMIT, 0, 2 + n, c(f"{n}")) + receipt(f"r{n}", n) for n in range(20))
        for place in range(0, len(octets), size):
            made.session.data_received(octets[place : place + size])
        assert made.ledger.counters.ok == 20
        assert made.owner.receipts == [ReceiptSeen(b"r%d" % n, b"r%d" % n, "DELIVRD") for n in range(20)]
        assert made.transport.taken() == [answer(DELIVER, 0, n, b"\0") for n in range(20)]

    run()


@virtually
async def test_receipts_of_a_read_are_answered_in_one_write() -> None:
    made = await Made().bound()
    writes = made.transport.writes
    made.session.data_received(b"".join(receipt(f"r{n}", n) for n in range(100)))
    assert made.transport.writes == writes + 1
    assert len(made.owner.receipts) == 100


@virtually
async def test_the_window_is_refilled_within_a_large_read() -> None:
    made = await Made(window=3 * ROUND).bound()
    send(made.session, [BODY] * (3 * ROUND))
    made.transport.taken()
    made.owner.more = [BODY] * (3 * ROUND)
    writes = made.transport.writes
    made.session.data_received(b"".join(answer(SUBMIT, 0, 2 + n, c(f"{n}")) for n in range(3 * ROUND)))
    assert made.transport.writes == writes + 3, "one write for each round, so that the SMSC need not wait for all"
    assert len(made.transport.taken()) == 3 * ROUND
    assert made.session.room == 0


@virtually
async def test_sequence_numbers_begin_again_at_1() -> None:
    made = await Made().bound()
    made.session._smpp.next_sequence_number = MAX_SEQUENCE_NUMBER - 1
    assert send(made.session, [BODY]) == MAX_SEQUENCE_NUMBER - 1
    assert send(made.session, [BODY] * 3) == 1
    made.session.data_received(b"".join(answer(SUBMIT, 0, n, c(f"{n}")) for n in (MAX_SEQUENCE_NUMBER - 1, 1, 2, 3)))
    assert made.ledger.counters.ok == 4
    assert made.session.room == 10


@virtually
async def test_watched_messages_are_told_one_by_one() -> None:
    made = await Made().bound()
    first = send(made.session, [BODY] * 4)
    shot = Shot(BODY, wants_receipt=False, part=False, kind="x")
    messages = {first + n: Watched(shot, float(n), answers_mo=False) for n in (0, 1, 3)}
    made.session.watch.update(messages)
    octets = answer(SUBMIT, 0, first, c("a")) + answer(SUBMIT, 0x58, first + 1) + answer(SUBMIT, 0, first + 2, c("c"))
    made.session.data_received(octets + pdu(NACK, 3, first + 3))
    assert made.owner.seen == [(messages[first], 0), (messages[first + 1], 0x58), (messages[first + 3], 3)]
    assert made.session.watch == {}


@virtually
async def test_a_message_id_without_its_nul_or_with_something_behind_it() -> None:
    made = await Made().bound()
    first = made.session.submit([BODY] * 3)
    made.session.lane.sent_run(first, 3, 0.0, wants_receipt=True)
    octets = answer(SUBMIT, 0, 2, b"bare") + answer(SUBMIT, 0, 3, c("id") + b"\x00\x1d\0\2x\0") + answer(SUBMIT, 0, 4)
    made.session.data_received(octets)
    made.ledger.receipts([(b"bare", None, 2), (b"id", None, 2)], 1.0)
    counters = made.ledger.counters
    assert (counters.ok, counters.missing_ids, counters.receipts, counters.unknown_receipts) == (3, 1, 2, 0)


@virtually
async def test_receipts_to_a_transmitter_are_refused() -> None:
    made = await Made("tx").bound()
    made.session.data_received(receipt("1", 9))
    assert made.owner.receipts == []
    assert made.transport.taken() == [answer(DELIVER, 4, 9)]
    assert made.owner.seen == ["not allowed in BOUND_TX"]


@virtually
async def test_a_receiver_never_submits() -> None:
    made = await Made("rx").bound()
    assert made.session.room == 0


@virtually
async def test_mobile_originated_and_unknown_pdus() -> None:
    made = await Made().bound()
    made.session.data_received(request(DELIVER, 3, deliver_body(b"Hi")) + request(0x77, 4) + request(ENQUIRE_LINK, 5))
    delivered, rule = made.owner.seen
    assert (delivered.short_message, rule) == (b"Hi", "unknown command_id")
    assert made.transport.taken() == [answer(DELIVER, 0, 3, b"\0"), pdu(NACK, 3, 4), answer(ENQUIRE_LINK, 0, 5)]


@virtually
async def test_writing_stops_while_the_smsc_does_not_read() -> None:
    made = await Made().bound()
    assert made.transport.high is not None
    assert made.transport.high > 1000 * 200, "a full window of usual messages is no reason to stop"
    made.session.pause_writing()
    assert made.session.room == 0
    made.session.resume_writing()
    assert made.session.room == 10
    assert made.owner.refills == 1


@virtually
async def test_a_length_that_cannot_be_true_ends_the_session() -> None:
    for octets in (b"\0\0\0\x0f" + bytes(20), b"\x7f\xff\xff\xff" + bytes(12), b"HTTP/1.1 400 Bad Request\r\n\r\n"):
        made = await Made().bound()
        made.session.data_received(octets)
        (nack,) = made.transport.taken()
        assert nack[4:12] == b"\x80\0\0\0\0\0\0\2"
        await elapse(CLOSE_TIMEOUT + 1)
        assert len(made.ends) == 1
        assert made.ends[0].startswith("the SMSC sent what is no SMPP: command_length")


@virtually
async def test_unbinding_in_order() -> None:
    made = await Made().bound()
    leaving = asyncio.ensure_future(made.session.unbind(2.0))
    await asyncio.sleep(0)
    assert made.transport.taken() == [request(UNBIND, 2)]
    made.session.data_received(answer(UNBIND, 0, 2))
    await leaving
    assert made.ends == ["unbound"]
    assert made.transport.closed_at is not None


@virtually
async def test_unbinding_from_an_smsc_that_does_not_answer() -> None:
    made = await Made().bound()
    start = made.loop.time()
    await made.session.unbind(2.0)
    assert made.loop.time() - start == pytest.approx(2.0)
    assert made.ends == ["unbound"]


@virtually
async def test_the_reason_of_an_end() -> None:
    made = await Made().bound()
    made.session.connection_lost(ConnectionResetError(104, "Connection reset by peer"))
    assert made.ends == ["the connection broke: [Errno 104] Connection reset by peer"]
    assert not made.session.bound
    assert made.session.room == 0


@virtually
async def test_enquire_link_after_silence() -> None:
    made = await Made(enquire_link=3.0).bound()
    await elapse(3.3)
    assert made.transport.taken() == [request(ENQUIRE_LINK, 2)]
    made.session.data_received(answer(ENQUIRE_LINK, 0, 2))
    await elapse(2.7)
    assert made.transport.taken() == []
    await elapse(20)
    assert made.ends == ["the SMSC did not answer enquire_link"]
    silent = await Made(enquire_link=0.0).bound()
    await elapse(1000)
    assert silent.transport.taken() == []
    silent.transport.close()
