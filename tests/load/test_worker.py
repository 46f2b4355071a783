"""A worker from its binds to its report, against message centres in memory on virtual time."""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import threading
from typing import Any

import pytest

from smppd.errors import UserError
from smppd.load import worker as worker_module
from smppd.load.histogram import Histogram
from smppd.load.messages import Failed, Finish, Ready, Stop, Strays
from smppd.load.options import LoadOptions
from smppd.load.profile import load_profile
from smppd.load.receipts import Stray
from smppd.load.result import COUNTERS
from smppd.load.worker import CONNECT_TIMEOUT, RECONNECT_DELAYS, loop_factory, raise_file_limit
from tests.load.fakes import Harness, Smsc, deliver_body, fixed, networked, receipt
from tests.transport.support import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    DATA,
    DELIVER,
    NACK,
    PATIENCE,
    SUBMIT,
    answer,
    c,
    pdu,
    request,
    tlv,
)


def nonzero(report: object) -> dict[str, int]:
    counters = report.report.counters  # type: ignore[attr-defined]
    return {name: n for name in COUNTERS if (n := getattr(counters, name))}


# Counts and windows.


@networked
async def test_a_count_is_exact_to_the_message() -> None:
    harness = Harness(count=1_234, window=10, binds=("trx",) * 3)
    report = await harness.run()
    assert nonzero(report) == {"offered": 1234, "sent": 1234, "ok": 1234}
    assert sum(len(smsc.submitted) for smsc in harness.smscs) == 1234
    assert report.report.statuses == {"ESME_ROK": 1234}
    assert report.failure == ""
    assert report.report.binds == 3
    assert all(len(smsc.submitted) > 300 for smsc in harness.smscs)


@networked
async def test_sequence_numbers_are_consecutive_on_each_bind() -> None:
    harness = Harness(count=600, window=50, binds=("trx", "trx"))
    await harness.run()
    for smsc in harness.smscs:
        numbers = [number for number, _ in smsc.submitted]
        assert numbers == list(range(2, 2 + len(numbers))), "1 was the bind"


@networked
async def test_no_window_is_ever_exceeded() -> None:
    class Counting(Smsc):
        most = 0

        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            open_ = len(self.submitted) - self.last_id % 1_000_000
            Counting.most = max(Counting.most, open_)
            asyncio.get_running_loop().call_later(0.01, lambda: self.link.write(self.accept(sequence)))
            return []

    harness = Harness(Counting, count=500, window=7)
    report = await harness.run()
    assert report.report.counters.ok == 500
    assert Counting.most == 7


@networked
async def test_the_duration_is_what_is_measured() -> None:
    class Slow(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            asyncio.get_running_loop().call_later(0.010, lambda: self.link.write(self.accept(sequence)))
            return []

    harness = Harness(Slow, duration=3.0, warm_up=2.0, window=10)
    report = (await harness.run()).report
    assert report.seconds == pytest.approx(3.0, abs=0.01)
    assert report.measured.ok == pytest.approx(3000, abs=30)
    assert report.counters.ok == pytest.approx(5000, abs=50), "the warm-up is accounted for"
    assert report.counters.sent == report.counters.ok
    measured = sum(interval.ok for interval in report.intervals if 0 <= interval.t < 3)
    assert measured == pytest.approx(3000, abs=30)


# Open loop.


@networked
async def test_open_loop_sends_at_the_intended_times() -> None:
    arrivals: list[float] = []

    class Noting(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            arrivals.append(asyncio.get_running_loop().time())
            return super().submit(sequence, body)

    harness = Harness(Noting, rate="100", duration=2.0, window=10, binds=("trx", "trx"))
    start = await harness.begin()
    report = (await harness.report()).report
    await harness.finish()
    assert len(arrivals) == 200
    assert [round(time - start, 4) for time in arrivals] == pytest.approx([n / 100 for n in range(200)], abs=0.002)
    assert [len(smsc.submitted) for smsc in harness.smscs] == [100, 100]
    assert report.counters.offered == report.counters.ok == 200
    assert report.counters.unsent == 0


@networked
async def test_what_waits_for_a_window_counts_from_its_intended_time() -> None:
    """One message a second from an SMSC that gets ten: each waits longer than the one before."""

    class OneASecond(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            asyncio.get_running_loop().call_later(1.0, lambda: self.link.write(self.accept(sequence)))
            return []

    harness = Harness(OneASecond, rate="10", duration=1.0, window=1, drain=60.0)
    report = (await harness.run()).report
    assert report.counters.ok == 10
    assert report.counters.late == 9
    response, service = Histogram.of(report.submit_response), Histogram.of(report.service)
    assert service.max == pytest.approx(1.0, rel=0.01), "the SMSC took one second each time"
    assert response.max == pytest.approx(10 * 1.0 - 0.9, rel=0.01), "the tenth was due at 0.9 and answered at 10"
    assert Histogram.of(report.send_lag).max < 0.01, "and none of it was our fault"
    assert max(interval.behind for interval in report.intervals) == 9


@networked
async def test_a_warm_up_in_open_loop_keeps_to_the_first_rate() -> None:
    harness = Harness(rate="50..150/2s", duration=2.0, warm_up=2.0)
    report = (await harness.run()).report
    assert report.counters.offered == 100 + 200
    assert report.measured.offered == 200


@networked
async def test_a_count_in_open_loop() -> None:
    harness = Harness(rate="1000", count=77)
    report = (await harness.run()).report
    assert report.counters.offered == report.counters.ok == 77


@networked
async def test_a_schedule_that_ends_before_the_count() -> None:
    harness = Harness(rate="10x1s", count=77)
    report = (await harness.run()).report
    assert report.counters.ok == 10


# What an SMSC may do.


@networked
async def test_throttled_and_refused_answers_are_told_apart() -> None:
    class Choosy(Smsc):
        statuses = (0, 0x58, 0x14, 0x0B, 0)

        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            status = self.statuses[len(self.submitted) % 5]
            return [self.accept(sequence)] if not status else [answer(SUBMIT, status, sequence)]

    report = (await Harness(Choosy, count=100).run()).report
    assert report.statuses == {
        "ESME_RINVDSTADR": 20,
        "ESME_RMSGQFUL": 20,
        "ESME_ROK": 40,
        "ESME_RTHROTTLED": 20,
    }
    assert (report.counters.throttled, report.counters.errors) == (40, 20)


@networked
async def test_throttled_messages_are_sent_again_when_asked_for() -> None:
    class Once(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            first = len(self.submitted) <= 10
            return [answer(SUBMIT, 0x58, sequence)] if first else [self.accept(sequence)]

    report = (await Harness(Once, count=30, retry_throttled=True).run()).report
    assert (report.counters.ok, report.counters.throttled, report.counters.repeated) == (30, 10, 10)
    assert report.counters.sent == 40


@networked
async def test_error_responses_with_a_body_and_a_generic_nack_are_answers() -> None:
    class Odd(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            if len(self.submitted) % 2:
                return [answer(SUBMIT, 0x08, sequence, b"\0")]
            return [pdu(NACK, 0x03, sequence)]

    report = (await Harness(Odd, count=10).run()).report
    assert report.statuses == {"ESME_RSYSERR": 5, "ESME_RINVCMDID": 5}
    assert report.counters.errors == 10


@networked
async def test_answers_in_any_order_and_cut_anywhere() -> None:
    class Shuffling(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            if len(self.submitted) % 10:
                return []
            octets = b"".join(self.accept(number) for number, _ in reversed(self.submitted[-10:]))
            for place in range(0, len(octets), 7):
                self.link.write(octets[place : place + 7])
            return []

    report = (await Harness(Shuffling, count=200, window=10).run()).report
    assert report.counters.ok == 200
    assert report.counters.unknown_answers == report.counters.doubled_answers == 0


@networked
async def test_an_smsc_that_never_answers() -> None:
    class Silent(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            return []

    harness = Harness(Silent, count=25, window=10, response_timeout=10.0)
    start = await harness.begin()
    report = (await harness.report()).report
    assert report.counters.timed_out == 25
    assert report.counters.ok == 0
    assert harness.loop.time() - start == pytest.approx(30, abs=1), "three windows of ten seconds each"
    await harness.finish()


@networked
async def test_late_doubled_and_unknown_answers() -> None:
    class Confused(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            if len(self.submitted) == 1:
                asyncio.get_running_loop().call_later(3.0, lambda: self.link.write(self.accept(sequence)))
                return []
            if len(self.submitted) == 2:
                return [self.accept(sequence), self.accept(sequence), answer(SUBMIT, 0, 77_777, c("x"))]
            asyncio.get_running_loop().call_later(4.0, lambda: self.link.write(self.accept(sequence)))
            return []

    report = (await Harness(Confused, count=3, window=1, response_timeout=2.0, drain=9.0).run()).report
    counters = report.counters
    assert (counters.late_answers, counters.doubled_answers, counters.unknown_answers) == (1, 1, 1)
    assert report.offenders["unknown_answers"] == ["bind 1, sequence_number 77777"]


@networked
async def test_ids_that_are_missing_or_given_out_twice() -> None:
    class Forgetful(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            number = len(self.submitted)
            return [answer(SUBMIT, 0, sequence, b"" if number == 1 else c("same") if number < 4 else c(f"id{number}"))]

    counters = (await Harness(Forgetful, count=10).run()).report.counters
    assert (counters.ok, counters.missing_ids, counters.duplicate_ids) == (10, 1, 1)


@networked
async def test_octets_that_are_no_smpp() -> None:
    class Broken(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            return [self.accept(sequence), b"\0\0\0\4HTTP"] if len(self.submitted) == 5 else [self.accept(sequence)]

    report = await Harness(Broken, count=100, window=10).run()
    assert "no SMPP" in report.failure
    assert report.report.counters.ok >= 5
    assert report.report.counters.connection_lost + report.report.counters.ok == report.report.counters.sent


@networked
async def test_a_broken_pdu_is_reported_and_the_session_goes_on() -> None:
    class Sloppy(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            stray = request(DELIVER, 9, b"no end") if len(self.submitted) in (3, 5) else b""
            return [stray, self.accept(sequence)]

    report = (await Harness(Sloppy, count=20).run()).report
    assert report.counters.ok == 20
    assert len(report.errors) == 1
    assert report.errors[0].startswith("bind 1: the SMSC sent a broken or misplaced PDU: ")
    assert report.errors[0].endswith("(2 times)")


# Receipts.


class Receipting(Smsc):
    """A receipt for each message, half a second later, on the connection `where`."""

    def frames(self, message_id: str, number: int) -> bytes:
        return receipt(message_id, number)

    def where(self) -> Smsc:
        return self

    def submit(self, sequence: int, body: bytes) -> list[bytes]:
        answered = self.accept(sequence)
        message_id, number = str(self.last_id), self.last_id
        asyncio.get_running_loop().call_later(0.5, lambda: self.where().link.write(self.frames(message_id, number)))
        return [answered]


@networked
async def test_receipts_are_matched_answered_and_timed() -> None:
    harness = Harness(Receipting, fixed(receipts=True), count=300, window=50)
    start = await harness.begin()
    report = (await harness.report()).report
    assert harness.loop.time() - start < 2, "the drain ends with the last receipt"
    await harness.finish()
    assert nonzero(harness.told[-1]) == {
        "offered": 300,
        "sent": 300,
        "ok": 300,
        "wanted_receipts": 300,
        "receipts": 300,
    }
    assert report.receipt_states == {"DELIVRD": 300}
    (smsc,) = harness.smscs
    assert sorted(smsc.acknowledged()) == sorted(answer(DELIVER, 0, n, b"\0") for n in range(1_000_001, 1_000_301))
    assert Histogram.of(report.receipt).percentile(50) == pytest.approx(0.5, rel=0.05)


@networked
async def test_receipts_without_tlv_as_hexadecimal_in_data_sm_and_before_the_response() -> None:
    class Plain(Receipting):
        def frames(self, message_id: str, number: int) -> bytes:
            return receipt(message_id, number, with_tlv=False)

    class Hexadecimal(Receipting):
        def accept(self, sequence: int) -> bytes:
            self.last_id += 1
            return answer(SUBMIT, 0, sequence, c(f"{1_000_000 + self.last_id:x}"))

        def frames(self, message_id: str, number: int) -> bytes:
            return receipt(str(1_000_000 + number), number, with_tlv=False)

    class InDataSm(Receipting):
        def frames(self, message_id: str, number: int) -> bytes:
            body = b"\0\1\1" + c("4477") + b"\5\0" + c("12345") + b"\4\0\0"
            return request(DATA, number, body + tlv(0x001E, c(message_id)) + tlv(0x0427, b"\2"))

    class Early(Receipting):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            answered = self.accept(sequence)
            self.link.write(receipt(str(self.last_id), self.last_id))
            return [answered]

    for smsc in (Plain, Hexadecimal, InDataSm, Early):
        report = (await Harness(smsc, fixed(receipts=True), count=40, window=10).run()).report
        counters = report.counters
        assert (counters.receipts, counters.missing_receipts, counters.unknown_receipts) == (40, 0, 0), smsc
        assert report.receipt_states == {"DELIVRD": 40}
        assert (counters.respelled_receipts > 0) == (smsc is Hexadecimal)
        assert (counters.early_receipts > 0) == (smsc is Early)


@networked
async def test_intermediate_notifications_are_no_receipts() -> None:
    class Chatty(Receipting):
        def frames(self, message_id: str, number: int) -> bytes:
            return (
                receipt(message_id, 3 * number, state="ENROUTE")
                + receipt(message_id, 3 * number + 1, state="BUFFRED", esm=0x20)
                + receipt(message_id, 3 * number + 2, state="UNDELIV")
            )

    report = (await Harness(Chatty, fixed(receipts=True), count=10).run()).report
    assert (report.counters.intermediate, report.counters.receipts) == (20, 10)
    assert report.receipt_states == {"UNDELIV": 10}


@networked
async def test_missing_doubled_and_unknown_receipts() -> None:
    class Careless(Receipting):
        def frames(self, message_id: str, number: int) -> bytes:
            if number == 1_000_001:
                return b""
            odd = receipt(message_id, 100) + receipt("4711", 101) if number == 1_000_002 else b""
            return receipt(message_id, number) + odd

    harness = Harness(Careless, fixed(receipts=True), count=10, drain=7.0)
    start = await harness.begin()
    counters = (await harness.report()).report.counters
    assert harness.loop.time() - start == pytest.approx(7, abs=0.2), "it waits for the missing one"
    await harness.finish()
    assert (counters.receipts, counters.missing_receipts) == (9, 1)
    assert (counters.doubled_receipts, counters.unknown_receipts) == (1, 1)


@networked
async def test_receipts_for_a_transmitter_arrive_on_a_receiver() -> None:
    connections: list[Smsc] = []

    class Splitting(Receipting):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            connections.append(self)

        def where(self) -> Smsc:
            return next(smsc for smsc in connections if smsc.kind == BIND_RX)

    harness = Harness(Splitting, fixed(receipts=True), count=100, binds=("tx", "rx"))
    report = (await harness.run()).report
    assert [smsc.kind for smsc in harness.smscs] == [BIND_TX, BIND_RX]
    assert [len(smsc.submitted) for smsc in harness.smscs] == [100, 0]
    assert report.counters.receipts == 100
    assert len(harness.smscs[1].acknowledged()) == 100


# Conversations.


@networked
async def test_mobile_originated_messages_are_answered() -> None:
    class Talking(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            if len(self.submitted) > 1:
                asyncio.get_running_loop().call_later(0.1, lambda: self.link.write(self.accept(sequence)))
                return []
            return [self.accept(sequence), request(DELIVER, 5, deliver_body(b"YES please"))]

    harness = Harness(Talking, load_profile("conversation"), count=1, drain=10.0)
    report = (await harness.run()).report
    assert (report.counters.mo, report.counters.mo_answers) == (1, 1)
    assert report.counters.sent == 2, "the count is of the traffic alone"
    (smsc,) = harness.smscs
    assert b"booking number" in smsc.submitted[1][1]
    assert smsc.acknowledged() == [answer(DELIVER, 0, 5, b"\0")]
    assert Histogram.of(report.mo_answer).max == pytest.approx(0.1, rel=0.05), "the think time is left out"


# Binding.


@networked
async def test_the_bind_says_who_we_are() -> None:
    harness = Harness(system_id="me", password="secret", system_type="VMA", interface_version=0x50, count=1)
    seen: list[bytes] = []

    class Seeing(Smsc):
        def take(self, command_id: int, sequence: int, frame: bytes) -> list[bytes]:
            seen.append(frame)
            return super().take(command_id, sequence, frame)

    harness.loop.accept = Seeing  # type: ignore[attr-defined]
    await harness.run()
    assert seen[0] == request(BIND_TRX, 1, c("me") + c("secret") + c("VMA") + b"\x50\0\0\0")
    ready = harness.last(Ready)
    assert (ready.binds, ready.system_id, ready.interface_version) == (1, "smppd", 0x34)
    assert len(harness.smscs[0].others) == 1, "an unbind, and nothing else"


@networked
async def test_a_refused_bind_names_the_status_and_the_account() -> None:
    class Refusing(Smsc):
        def bind(self, command_id: int, sequence: int) -> list[bytes]:
            return [answer(command_id, 0x0E, sequence)]

    reason = await Harness(Refusing, system_id="me").failure()
    assert reason == "127.0.0.1:2775: the SMSC refuses the bind: ESME_RINVPASWD (system_id me, trx)"


@networked
async def test_one_bind_of_several_is_refused() -> None:
    count = 0

    class Full(Smsc):
        def bind(self, command_id: int, sequence: int) -> list[bytes]:
            nonlocal count
            count += 1
            return [answer(command_id, 0x05, sequence)] if count == 3 else super().bind(command_id, sequence)

    harness = Harness(Full, binds=("trx",) * 5)
    reason = await harness.failure()
    assert reason.endswith("ESME_RALYBND (system_id smppclient1, trx, bind 3 of 5)")
    assert all(smsc.link.is_closing() for smsc in harness.smscs), "none is left open"


@networked
async def test_a_bind_that_is_not_answered_or_cut_off() -> None:
    class Deaf(Smsc):
        def bind(self, command_id: int, sequence: int) -> list[bytes]:
            return []

    class Closing(Smsc):
        def bind(self, command_id: int, sequence: int) -> list[bytes]:
            self.link.close()
            return []

    assert f"does not answer the bind within {CONNECT_TIMEOUT:g} seconds" in await Harness(Deaf).failure()
    assert "closed the connection before it answered the bind" in await Harness(Closing).failure()


# The end of connections.


class Breaking(Smsc):
    """Closes its first connection after 20 messages."""

    broken = 0

    def submit(self, sequence: int, body: bytes) -> list[bytes]:
        if len(self.submitted) == 20 and not type(self).broken:
            type(self).broken = 1
            self.link.close()
            return []
        return [self.accept(sequence)]


@networked
async def test_a_connection_that_ends_in_the_middle() -> None:
    Breaking.broken = 0
    report = await Harness(Breaking, count=1000, window=10).run()
    counters = report.report.counters
    assert report.failure == "no connection is left: the SMSC closed the connection"
    assert report.report.errors == ["bind 1: the SMSC closed the connection"]
    assert counters.connection_lost > 0
    assert counters.sent == counters.ok + counters.connection_lost


@networked
async def test_the_others_go_on() -> None:
    Breaking.broken = 0
    report = await Harness(Breaking, count=1000, window=10, binds=("trx", "trx")).run()
    counters = report.report.counters
    assert report.failure == ""
    assert counters.sent == 1000 == counters.ok + counters.connection_lost
    assert report.report.errors == ["bind 1: the SMSC closed the connection"]


@networked
async def test_reconnect() -> None:
    Breaking.broken = 0
    harness = Harness(Breaking, count=1000, window=10, reconnect=True)
    report = await harness.run()
    counters = report.report.counters
    assert report.failure == ""
    assert report.report.reconnects == 1
    assert len(harness.smscs) == 2
    assert counters.sent == 1000 == counters.ok + counters.connection_lost
    assert RECONNECT_DELAYS[0] < 1


@networked
async def test_the_smsc_unbinds() -> None:
    class Leaving(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            return [self.accept(sequence), request(6, 99)] if len(self.submitted) == 3 else [self.accept(sequence)]

    harness = Harness(Leaving, rate="10", duration=5.0)
    report = await harness.run()
    assert report.failure == "no connection is left: the SMSC unbound the session"
    assert answer(6, 0, 99) in harness.smscs[0].others


@networked
async def test_enquire_link_both_ways() -> None:
    class Asking(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            return [self.accept(sequence), request(0x15, 50)]

    harness = Harness(Asking, rate="0.1", duration=30.0, enquire_link=3.0)
    report = await harness.run()
    (smsc,) = harness.smscs
    assert report.failure == ""
    assert smsc.others.count(answer(0x15, 0, 50)) == 3
    assert sum(frame[4:8] == b"\0\0\0\x15" for frame in smsc.others) >= 6, "three seconds of silence, over and over"


@networked
async def test_an_smsc_that_falls_silent_is_given_up() -> None:
    class Dead(Smsc):
        def take(self, command_id: int, sequence: int, frame: bytes) -> list[bytes]:
            return super().take(command_id, sequence, frame) if command_id == BIND_TRX else []

    harness = Harness(Dead, rate="1", duration=60.0, enquire_link=3.0, response_timeout=60.0)
    report = await harness.run()
    assert report.failure == "no connection is left: the SMSC did not answer enquire_link"


# Stopping, and running again.


@networked
async def test_told_to_stop() -> None:
    class Slow(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            asyncio.get_running_loop().call_later(0.2, lambda: self.link.write(self.accept(sequence)))
            return []

    harness = Harness(Slow, duration=100.0, window=10)
    start = await harness.begin()
    await harness.until(lambda: harness.loop.time() > start + 2)
    harness.commands.put_nowait(Stop())
    report = (await harness.report()).report
    assert harness.loop.time() - start < 3
    assert report.counters.sent == report.counters.ok > 50, "what was on its way is waited for"
    assert report.seconds == pytest.approx(2.0, abs=0.1)
    await harness.finish()


@networked
async def test_several_runs_on_the_same_binds() -> None:
    harness = Harness(binds=("trx", "trx"))
    await harness.begin(rate="100", duration=1.0)
    first = (await harness.report()).report
    await harness.begin(rate="200", duration=1.0)
    second = (await harness.report()).report
    await harness.finish()
    assert (first.counters.ok, second.counters.ok) == (100, 200)
    assert len(harness.smscs) == 2


@networked
async def test_snapshots_tell_how_it_goes() -> None:
    harness = Harness(rate="100", duration=3.0, warm_up=1.0)
    await harness.run()
    assert [snapshot.phase for snapshot in harness.snapshots] == sorted(
        (snapshot.phase for snapshot in harness.snapshots),
        key=("warm-up", "measuring", "draining", "done").index,
    )
    assert harness.snapshots[-1].counters.ok == 400
    times = [interval.t for snapshot in harness.snapshots for interval in snapshot.intervals]
    assert times[:4] == [-1.0, 0.0, 1.0, 2.0]


# The process.


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_messages_longer_than_a_pipe_holds(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    long = "x" * 2_000_000

    class Echo:
        def __init__(self, *given: Any, **_: Any) -> None:
            self.tell = given[3]

        async def serve(self, commands: asyncio.Queue[Any]) -> None:
            while not isinstance(command := await commands.get(), Finish):
                self.tell(Failed(command.receipts[0].state))

    def work() -> None:
        with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
            runner.run(worker_module._serve(theirs, LoadOptions(), fixed(), 0))

    monkeypatch.setattr(worker_module, "Worker", Echo)
    ours, theirs = multiprocessing.Pipe()
    process = threading.Thread(target=work, daemon=True)
    process.start()
    for _ in range(3):
        ours.send(Strays([Stray((b"x",), long, 0.0)]))
        assert ours.poll(PATIENCE)
        assert ours.recv() == Failed(long)
    ours.close()
    process.join(PATIENCE)
    assert not process.is_alive(), "the end of the coordinator is the end of the worker"


def test_event_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loop_factory("asyncio") is None
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert loop_factory("auto") is None
    with pytest.raises(UserError, match="uvloop is not installed"):
        loop_factory("uvloop")


def test_as_many_files_as_binds(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"now": (1024, 4096)}
    monkeypatch.setattr(worker_module.resource, "getrlimit", lambda _: limits["now"])
    monkeypatch.setattr(worker_module.resource, "setrlimit", lambda _, pair: limits.update(now=pair))
    for wanted, expected in ((100, 1024), (2000, 2000), (10_000, 4096)):
        raise_file_limit(wanted)
        assert limits["now"] == (expected, 4096)
