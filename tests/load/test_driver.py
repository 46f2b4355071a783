"""What is sent when: pacing, backlogs, limits and drains, on virtual time. Whole runs are in test_worker.py."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

from smppd.load import driver as driver_module
from smppd.load.driver import Pacer
from smppd.load.messages import Release, Stop, Strays
from smppd.load.receipts import Stray
from smppd.load.schedule import MOST_AT_ONCE, Constant, parse_schedule
from tests.load.fakes import Harness, Smsc, deliver_body, fixed, networked, receipt
from tests.load.profiles import profile
from tests.transport.support import DELIVER, SUBMIT, answer, request


class Slow(Smsc):
    """Answers each message a second later."""

    def submit(self, sequence: int, body: bytes) -> list[bytes]:
        asyncio.get_running_loop().call_later(1.0, lambda: self.link.write(self.accept(sequence)))
        return []


# The pacer.


def test_the_warm_up_comes_before_the_schedule() -> None:
    pacer = Pacer(Constant(2, 2.0), Constant(1, 3.0), 3.0)
    assert pacer.next_at() == 0.0
    assert pacer.take(1.5) == [0.0, 1.0]
    assert pacer.next_at() == 2.0
    assert pacer.take(3.6) == [2.0, 3.0, 3.5]
    assert pacer.next_at() == 4.0
    assert pacer.take(100.0) == [4.0, 4.5]
    assert pacer.next_at() is None


def test_without_arrivals_in_the_warm_up() -> None:
    pacer = Pacer(Constant(2, 1.0), None, 3.0)
    assert pacer.next_at() == 3.0
    assert pacer.take(2.9) == []
    assert pacer.take(3.0) == [3.0]


def test_the_rest_of_the_warm_up_alone() -> None:
    pacer = Pacer(Constant(1, 1.0), Constant(1, 3.0), 3.0)
    assert pacer.take(0.5) == [0.0]
    assert pacer.finish_warm_up() == [1.0, 2.0]
    assert pacer.finish_warm_up() == []
    assert pacer.take(3.0) == [3.0], "the arrival on the border belongs to what is measured"


@networked
async def test_a_late_loop_does_not_move_the_border_of_the_warm_up() -> None:
    harness = Harness(rate="100", duration=1.0, warm_up=1.0)
    start = await harness.begin()
    await harness.until(lambda: harness.loop.time() > start + 0.9)
    harness.loop.jump(0.3)  # type: ignore[attr-defined]
    report = (await harness.report()).report
    await harness.finish()
    assert (report.counters.offered, report.measured.offered) == (200, 100)


def test_all_that_is_due_is_taken_at_once() -> None:
    pacer = Pacer(Constant(1_000_000, 1.0), None, 0.0)
    assert len(pacer.take(0.5)) > 4 * MOST_AT_ONCE


# Backlogs.


@networked
async def test_a_backlog_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "BACKLOG_LIMIT", 50)
    report = (await Harness(Slow, rate="100", duration=2.0, window=5, drain=100.0).run()).report
    counters = report.counters
    assert counters.offered == 200
    assert counters.sent == counters.ok
    assert counters.sent + counters.unsent == 200
    assert counters.unsent > 100
    assert max(interval.behind for interval in report.intervals) == 50


@networked
async def test_what_is_behind_at_the_end_is_still_sent_or_counted_as_unsent() -> None:
    flushed = (await Harness(Slow, rate="20", duration=1.0, window=5, drain=100.0).run()).report.counters
    assert (flushed.sent, flushed.unsent) == (20, 0)
    left = (await Harness(Slow, rate="20", duration=1.0, window=5, drain=100.0).run(flush=False)).report.counters
    assert left.sent + left.unsent == 20
    assert left.sent == left.ok <= 10
    short = (await Harness(Slow, rate="20", duration=1.0, window=5, drain=2.0).run()).report.counters
    assert short.sent + short.unsent == 20
    assert short.unsent > 0
    shorter = (await Harness(Slow, rate="20", duration=1.0, window=5, drain=0.9).run()).report.counters
    assert shorter.sent + shorter.unsent == 20
    assert shorter.timed_out > 0, "what is on its way when the drain is over counts as unanswered"


@networked
async def test_the_end_of_the_drain_is_left_to_answers() -> None:
    """An SMSC that is too slow for the rate loses nothing: what it was sent, it answers."""

    class Steady(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            asyncio.get_running_loop().call_later(0.1, lambda: self.link.write(self.accept(sequence)))
            return []

    counters = (await Harness(Steady, rate="1000", duration=2.0, window=5, drain=2.0).run()).report.counters
    assert counters.unsent > 1000
    assert (counters.lost, counters.sent) == (0, counters.ok)
    assert counters.sent == pytest.approx(150, abs=10), "two seconds, and half of the drain"


@networked
async def test_what_comes_when_the_run_is_over_is_in_no_account() -> None:
    class Late(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            loop = asyncio.get_running_loop()
            accepted = self.accept(sequence)
            loop.call_later(5.0, lambda: self.link.write(accepted + receipt(str(self.last_id)) * 2))
            return []

    harness = Harness(Late, fixed(receipts=True), rate="1", duration=1.0, drain=1.0)
    start = await harness.begin()
    report = (await harness.report()).report
    driver = harness.worker._driver
    assert driver is not None
    await harness.until(lambda: harness.loop.time() > start + 7)
    assert driver.ledger.counters.late_answers == 1, "it came"
    assert driver.account is not None
    for counters in (driver.account.counters, report.counters):
        assert (counters.timed_out, counters.late_answers, counters.doubled_receipts) == (1, 0, 0)
    await harness.finish()


@networked
async def test_what_is_due_is_dealt_to_all_binds_alike() -> None:
    harness = Harness(rate="999", arrivals="poisson", duration=2.0, binds=("trx",) * 4)
    await harness.run()
    counts = [len(smsc.submitted) for smsc in harness.smscs]
    assert max(counts) - min(counts) < 0.2 * max(counts), counts


@networked
async def test_a_bind_with_a_full_window_leaves_its_share_to_others() -> None:
    class OneIsDeaf(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            return [] if self is harness.smscs[0] else super().submit(sequence, body)

    harness = Harness(OneIsDeaf, rate="100", duration=3.0, window=5, binds=("trx", "trx"), drain=0.5)
    report = (await harness.run()).report
    assert [len(smsc.submitted) for smsc in harness.smscs] == [5, 295]
    assert report.counters.ok == 295
    assert report.counters.timed_out == 5
    assert report.counters.late == 0, "nobody waited for the deaf one"


@networked
async def test_a_late_event_loop_is_in_the_latency_and_in_the_lag() -> None:
    """The loop is held up for half a second: what was due meanwhile leaves late, and counts from when it was due."""
    from smppd.load.histogram import Histogram

    harness = Harness(rate="100", duration=2.0)
    start = await harness.begin()
    await harness.until(lambda: harness.loop.time() > start + 1)
    harness.loop.jump(0.5)  # type: ignore[attr-defined]
    report = (await harness.report()).report
    await harness.finish()
    assert report.counters.ok == 200
    assert 45 <= report.counters.late <= 52
    for state in (report.send_lag, report.submit_response):
        assert Histogram.of(state).max == pytest.approx(0.5, abs=0.02)
        assert Histogram.of(state).percentile(87) == pytest.approx(0.25, abs=0.1)
    assert Histogram.of(report.service).max < 0.01


# Traffic that is not as usual.


@networked
async def test_traffic_that_runs_dry(tmp_path: Path) -> None:
    text = 'opted_out = ["447700900000"]\n[[traffic]]\nname = "a"\ndestination_addr = "447700900000"\ntext = "x"\n'
    for options in ({"count": 10}, {"rate": "10", "duration": 1.0}, {"duration": 1.0}):
        report = (await Harness(Smsc, profile(tmp_path, text), **options).run()).report  # type: ignore[arg-type]
        assert report.counters.sent == 0
        assert report.errors == ["all destinations have opted out, so there was nobody left to send to"]


@networked
async def test_parts_of_long_messages_follow_each_other_and_count_each(tmp_path: Path) -> None:
    text = f'[[traffic]]\nname = "a"\ndestination_addr = "44770090000x"\ntext = "{"x" * 400}"\n'
    harness = Harness(Smsc, profile(tmp_path, text), count=10, window=2)
    report = (await harness.run()).report
    assert report.counters.ok == 10
    (smsc,) = harness.smscs
    heads = [body.index(b"\x05\x00\x03") + 4 for _, body in smsc.submitted]
    parts = [body[at + 1] for (_, body), at in zip(smsc.submitted, heads, strict=True)]
    assert parts == [1, 2, 3] * 3 + [1]


@networked
async def test_receipts_only_for_those_who_asked(tmp_path: Path) -> None:
    text = "".join(
        f'[[traffic]]\nname = "{name}"\ndestination_addr = "447700900000"\ntext = "{name}"\n'
        f"registered_delivery = {want}\n"
        for name, want in (("a", 0), ("b", 1))
    )

    class Both(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            answered = self.accept(sequence)
            wanted = body.endswith(b"b")
            return [answered, receipt(str(self.last_id), self.last_id)] if wanted else [answered]

    for options in ({}, {"rate": "1000"}):
        counters = (await Harness(Both, profile(tmp_path, text), count=300, **options).run()).report.counters  # type: ignore[arg-type]
        assert 100 < counters.wanted_receipts < 200
        assert (counters.receipts, counters.unknown_receipts) == (counters.wanted_receipts, 0)
        assert counters.offered == 300


@networked
async def test_too_many_mobile_originated_messages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Flooding(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            if len(self.submitted) > 1:
                return [self.accept(sequence)]
            return [self.accept(sequence), *(request(DELIVER, n, deliver_body(b"Hi")) for n in range(20))]

    monkeypatch.setattr(driver_module, "ANSWERS_LIMIT", 8)
    text = (
        '[[traffic]]\nname = "a"\ndestination_addr = "447700900000"\ntext = "x"\n'
        '[[reply]]\nname = "b"\ntext = "y"\nthink_time = 0.5\n'
    )
    counters = (await Harness(Flooding, profile(tmp_path, text), count=1).run()).report.counters
    assert (counters.mo, counters.mo_ignored, counters.mo_answers) == (20, 12, 8)


@networked
async def test_answers_that_the_drain_does_not_wait_for_are_unsent(tmp_path: Path) -> None:
    class Asking(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            return [self.accept(sequence), request(DELIVER, 7, deliver_body(b"Hi"))]

    text = (
        '[[traffic]]\nname = "a"\ndestination_addr = "447700900000"\ntext = "x"\n'
        '[[reply]]\nname = "b"\ntext = "y"\nthink_time = 100\n'
    )
    counters = (await Harness(Asking, profile(tmp_path, text), rate="2", duration=2.0, drain=1.0).run()).report.counters
    assert (counters.mo, counters.offered, counters.sent, counters.unsent) == (4, 8, 4, 4)


@networked
async def test_a_repetition_that_is_not_sent_any_more_is_accounted_for_already() -> None:
    class Throttling(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            return [answer(SUBMIT, 0x58, sequence)]

    harness = Harness(Throttling, rate="2", duration=2.0, drain=1.0, retry_throttled=True)
    counters = (await harness.run()).report.counters
    assert counters.repeated > 0
    assert (counters.offered, counters.unsent) == (4, 0)


# The end.


@networked
async def test_a_stopped_run_does_not_wait_long() -> None:
    class Silent(Smsc):
        def submit(self, sequence: int, body: bytes) -> list[bytes]:
            return []

    harness = Harness(Silent, rate="100", duration=100.0, window=5)
    start = await harness.begin()
    await harness.until(lambda: harness.loop.time() > start + 2)
    harness.commands.put_nowait(Stop())
    counters = (await harness.report()).report.counters
    assert harness.loop.time() - start == pytest.approx(3.0, abs=0.2)
    assert (counters.sent, counters.timed_out) == (5, 5)
    assert counters.unsent == pytest.approx(195, abs=2)
    await harness.finish()


@networked
async def test_stopping_twice_or_before_the_start_does_no_harm() -> None:
    harness = Harness(duration=100.0)
    await harness.begin()
    for _ in range(2):
        harness.commands.put_nowait(Stop())
    assert (await harness.report()).report.counters.sent == 0
    await harness.finish()


@networked
async def test_one_of_several_workers_waits_until_nobody_waits_any_more() -> None:
    harness = Harness(Smsc, fixed(receipts=True), count=2, workers=2, binds=("trx", "trx"), drain=30.0)
    start = await harness.begin()
    await harness.until(lambda: harness.driver.phase == "draining")
    (smsc,) = harness.smscs
    # Its own receipt goes to another worker, and one of another worker comes here.
    smsc.link.write(receipt("theirs", 1))
    await harness.until(lambda: harness.last(Strays) is not None)
    assert [stray.keys for stray in harness.last(Strays).receipts] == [(b"theirs",)]
    assert not harness.driver.idle
    own = str(smsc.last_id).encode()
    harness.commands.put_nowait(Strays([Stray((own,), "DELIVRD", harness.loop.time(), 1)]))
    await harness.until(lambda: harness.snapshots[-1].idle)
    assert harness.driver.phase == "draining", "others may still wait for what comes to us"
    harness.commands.put_nowait(Release())
    counters = (await harness.report()).report.counters
    assert harness.loop.time() - start < 5
    assert (counters.sent, counters.receipts, counters.missing_receipts, counters.unknown_receipts) == (1, 1, 0, 0)
    await harness.finish()


@networked
async def test_processor_time_is_that_of_the_run() -> None:
    times = iter([10.0, 12.5])
    harness = Harness(rate="10", duration=1.0)
    harness.worker._cpu = lambda: next(times)
    report = (await harness.run()).report
    assert report.cpu_seconds == 2.5


def test_schedules_are_shared_by_workers() -> None:
    """What test_worker.py runs with one worker is a part of the whole with several."""
    parts: list[float] = []
    for worker in range(3):
        keys: Any = {"duration": 1.0, "arrivals": "constant", "random": Random(1), "worker": worker, "workers": 3}
        parts += Pacer(parse_schedule("10", **keys), None, 0.0).take(1.0)
    assert sorted(parts) == pytest.approx([n / 10 for n in range(10)])
