"""The coordinator and its worker processes, over real sockets."""

from __future__ import annotations

import _thread
import math
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from smppd.load.adaptive import Limits, Search
from smppd.load.messages import Run, Snapshot
from smppd.load.options import LoadOptions
from smppd.load.result import Counters, Progress
from smppd.load.run import Fleet, LoadError, _Member, find_rate, run_load
from smppd.settings import Account
from tests.load.fakes import fixed
from tests.transport.support import Live, account, live_settings


def options(address: str, **keys: Any) -> LoadOptions:
    host, _, port = address.rpartition(":")
    return LoadOptions(**{"host": host, "port": int(port), "duration": None, "drain": 5.0, "loop": "asyncio", **keys})


def ignore(_: Progress) -> None:
    """Show nothing."""


@pytest.fixture(scope="module")
def smsc() -> Iterator[Live]:
    with Live(live_settings(account=[account(max_binds=0)])) as live:
        yield live


def test_one_worker(smsc: Live) -> None:
    seen: list[Progress] = []
    result, failure = run_load(options(smsc.address, count=2_000), fixed(receipts=True), seen.append)
    assert failure == ""
    assert result.finished
    assert (result.report.counters.ok, result.report.counters.receipts, result.report.counters.lost) == (2000, 2000, 0)
    assert (result.target.system_id, result.target.interface_version) == ("smppd", 0x34)
    assert result.metric("rate") > 0
    assert result.report.cpu_seconds > 0
    assert seen[0].phase == "connecting"
    assert math.isnan(seen[0].p50), "nothing was measured yet"
    assert seen[-1].binds == 1
    assert smsc.until(lambda: not smsc.server.session_counts())


def test_several_workers_share_it_exactly(smsc: Live) -> None:
    kinds: Any = ("tx",) * 4 + ("rx",) * 2
    result, failure = run_load(
        options(smsc.address, count=1_001, workers=2, binds=kinds, drain=20.0), fixed(receipts=True), ignore
    )
    counters = result.report.counters
    assert failure == ""
    assert (counters.sent, counters.ok) == (1001, 1001)
    assert (counters.receipts, counters.missing_receipts, counters.unknown_receipts) == (1001, 0, 0), "on any receiver"
    assert (result.report.workers, result.report.binds) == (2, 6)


def test_receipts_on_the_binds_of_other_workers() -> None:
    everywhere = Account(system_id="smppclient1", password="password", max_binds=0, receipt_bind="round_robin")
    with Live(live_settings(account=[everywhere])) as smsc:
        binds: Any = ("trx",) * 3
        result, _ = run_load(options(smsc.address, count=600, workers=3, binds=binds), fixed(receipts=True), ignore)
    counters = result.report.counters
    assert (counters.receipts, counters.missing_receipts, counters.unknown_receipts) == (600, 0, 0)
    assert counters.doubled_receipts == 0


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(LoadError, match=rf"no SMSC listens on 127.0.0.1:{port}: Connect"):
        run_load(options(f"127.0.0.1:{port}"), fixed(), ignore)


def test_a_refused_bind(smsc: Live) -> None:
    with pytest.raises(LoadError, match=r"refuses the bind: ESME_RINVPASWD \(system_id smppclient1, trx\)"):
        run_load(options(smsc.address, password="wrong"), fixed(), ignore)
    binds: Any = ("trx",) * 2
    with pytest.raises(LoadError, match="ESME_RINVSYSID"):
        run_load(options(smsc.address, system_id="nobody", workers=2, binds=binds), fixed(), ignore)


def at(progress: Callable[[Progress], bool], act: Callable[[], None]) -> Callable[[Progress], None]:
    """Act once, when the progress says so."""
    done = threading.Event()

    def show(seen: Progress) -> None:
        if not done.is_set() and progress(seen):
            done.set()
            act()

    return show


def test_ctrl_c_ends_a_run_early_with_a_report(smsc: Live) -> None:
    show = at(lambda progress: progress.counters.ok > 20, _thread.interrupt_main)
    result, failure = run_load(options(smsc.address, rate="200", duration=60.0), fixed(), show)
    assert not result.finished
    assert failure == ""
    assert 20 < result.report.counters.ok < 2_000
    assert result.report.counters.sent == result.report.counters.ok
    assert 0 < result.seconds < 30


def test_ctrl_c_while_connecting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(KeyboardInterrupt):
            run_load(options(address), fixed(), at(lambda progress: progress.elapsed > 0.3, _thread.interrupt_main))


def test_a_worker_that_dies(smsc: Live) -> None:
    binds: Any = ("trx",) * 2
    fleet: Fleet

    def kill() -> None:
        pid = fleet._members[1].process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    show = at(lambda progress: progress.counters.ok > 50, kill)
    with Fleet(
        options(smsc.address, workers=2, binds=binds, rate="500", duration=60.0), fixed(), on_progress=show
    ) as fleet:
        result = fleet.run(Run(rate="500", duration=60.0))
        assert fleet.failure == "worker process 2 ended by signal 9"
    assert not result.finished
    assert result.report.errors == ["worker process 2 ended by signal 9"]
    assert result.report.workers == 1
    assert result.report.counters.ok > 0


def test_all_workers_die(smsc: Live) -> None:
    fleet: Fleet

    def kill() -> None:
        fleet._members[0].process.kill()

    show = at(lambda progress: progress.counters.ok > 50, kill)
    with (
        pytest.raises(LoadError, match="worker process 1 ended by signal 9"),
        Fleet(options(smsc.address, rate="500", duration=60.0), fixed(), on_progress=show) as fleet,
    ):
        fleet.run(Run(rate="500", duration=60.0))


def test_no_process_is_left(smsc: Live) -> None:
    with Fleet(options(smsc.address), fixed(), on_progress=ignore) as fleet:
        fleet.run(Run(count=10))
        processes = [member.process for member in fleet._members]
        assert all(process.is_alive() for process in processes)
    assert not any(process.is_alive() for process in processes)


def test_the_smsc_goes_away_in_the_middle() -> None:
    with Live(live_settings()) as smsc:

        def cut() -> None:
            smsc.call(lambda: [connection.abort() for connection in tuple(smsc.context.connections)])

        show = at(lambda progress: progress.counters.ok > 50, cut)
        result, failure = run_load(options(smsc.address, rate="500", duration=60.0), fixed(), show)
    assert failure.startswith("no connection is left: ")
    assert not result.finished
    assert result.report.errors[0].startswith("bind 1: ")
    counters = result.report.counters
    assert counters.sent == counters.ok + counters.connection_lost + counters.errors


def test_the_search_uses_one_set_of_binds(smsc: Live) -> None:
    search = Search(Limits(max_p99=10.0), start=20.0, highest=40.0, seconds=0.4)
    before = smsc.call(lambda: smsc.server.counters.bind_attempts["smppclient1", "ESME_ROK"])
    notes: set[str] = set()
    result, failure, outcome = find_rate(
        options(smsc.address), fixed(), search, lambda progress: notes.add(progress.note)
    )
    assert failure == ""
    assert outcome.rate == 40.0
    assert outcome.confirmed
    assert result.report.counters.ok > 0
    assert any(note.startswith("growth: 20/s") for note in notes)
    assert smsc.call(lambda: smsc.server.counters.bind_attempts["smppclient1", "ESME_ROK"]) == before + 1


def test_ctrl_c_in_the_search(smsc: Live) -> None:
    search = Search(Limits(), start=20.0, seconds=30.0)
    show = at(lambda progress: progress.counters.ok > 5, _thread.interrupt_main)
    result, failure, outcome = find_rate(options(smsc.address), fixed(), search, show)
    assert (failure, outcome.rate) == ("", None)
    assert not result.finished


def test_ctrl_c_in_a_later_trial_of_the_search(smsc: Live) -> None:
    """The report is of the trial that passed, and says that the search did not come to its end."""
    search = Search(Limits(max_p99=60.0), start=20.0, seconds=0.5)
    show = at(lambda progress: bool(search.rows), _thread.interrupt_main)
    result, failure, outcome = find_rate(options(smsc.address), fixed(), search, show)
    assert (failure, outcome.rate) == ("", 20.0)
    assert not result.finished


def test_signals_to_the_whole_group_do_not_end_workers_that_are_still_starting(smsc: Live) -> None:
    binds: Any = ("trx",) * 2
    with Fleet(options(smsc.address, workers=2, binds=binds), fixed(), on_progress=ignore) as fleet:
        for member in fleet._members:
            assert member.process.pid is not None
            os.kill(member.process.pid, signal.SIGINT)
            os.kill(member.process.pid, signal.SIGTERM)
        result = fleet.run(Run(count=20, duration=None))
    assert fleet.failure == ""
    assert result.report.counters.ok == 20


def test_the_present_rate_is_by_the_times_of_the_snapshots() -> None:
    member = _Member(cast("Any", None), cast("Any", None), 0)
    assert member.rate("ok") == 0.0
    for quarter in range(9):
        member.saw(Snapshot("measuring", Counters(ok=100 * quarter), 0, 1, at=7.0 + 0.25 * quarter))
        assert member.rate("ok") == (400.0 if quarter else 0.0)
    member.saw(Snapshot("measuring", Counters(ok=800), 0, 1, at=9.25))
    assert member.rate("ok") == 300.0, "of the last second"
    member.began()
    assert member.rate("ok") == 0.0
