"""The benchmark's arithmetic, its judgement of a run, and one small comparison of the yardstick with itself."""

import json
import shutil
import socket
import struct
import subprocess
import threading
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import pytest

from bench import ab
from bench.compare import compare
from bench.e2e import generator, ratio
from bench.e2e.figures import Pair, Quartiles, Summary, profile_result
from bench.e2e.meter import FAULTS, PROFILES, Run, faults
from bench.e2e.servers import ROOT, Command, Server, ServerError, free_ports

SUBMIT, RECEIPTS = PROFILES["submit"], PROFILES["receipts"]
YARDSTICK = "{python} bench/meter/bare_asyncio.py {port}"
needs_compiler = pytest.mark.skipif(not (shutil.which("gcc") or shutil.which("cc")), reason="no C compiler")


def report(**changes: Any) -> dict[str, Any]:
    honest = {"ok": RECEIPTS.messages, "receipts": RECEIPTS.messages, "open": RECEIPTS.connections, "errors": {}}
    return {**honest, **dict.fromkeys(FAULTS, 0), **changes}


def run(rate: float, server: str = "smppd") -> Run:
    return Run(server, rate, 1.0, 2.0, 3.0, 0.9, 0.2, 4.0, 0.1, 20.0, 30.0, (), {})


def test_quartiles() -> None:
    assert Quartiles.of([4, 1, 3, 2, 5]) == (2, 3, 4)
    assert Quartiles.of([7.0]) == (7.0, 7.0, 7.0)


def test_an_honest_run_has_no_faults() -> None:
    assert faults(report(), RECEIPTS) == []


@pytest.mark.parametrize(
    "changes",
    [
        *({key: 1} for key in FAULTS),
        {"ok": RECEIPTS.messages - 1, "receipts": RECEIPTS.messages - 1},
        {"receipts": RECEIPTS.messages - 1},
        {"open": 3},
        {"errors": {"0x00000058": 7}},
    ],
    ids=str,
)
def test_a_run_with_a_fault_is_no_result(changes: dict[str, Any]) -> None:
    assert faults(report(**changes), RECEIPTS)


def test_ratios_are_taken_pair_by_pair() -> None:
    pairs = [Pair(run(100, "bare"), run(50)), Pair(run(1000, "bare"), run(900)), Pair(run(10, "bare"), run(7))]
    result = profile_result(pairs, [])
    assert result["ratios"] == [0.5, 0.9, 0.7]
    assert result["ratio"]["median"] == 0.7
    assert result["cpu_ratio"]["median"] == 1.0
    assert [side["server"] for side in result["servers"]] == ["bare", "smppd"]


def test_processor_time_is_compared_where_there_is_any() -> None:
    idle = replace(run(100), cpu_us_per_message=0.0)
    assert Pair(replace(run(100), cpu_us_per_message=3.0), run(100)).cpu_ratio == 0.75
    assert profile_result([Pair(run(100), idle)], [])["cpu_ratio"] is None


def test_a_summary_is_made_of_medians() -> None:
    assert Summary.of([run(1), run(9), run(5)]).rate == 5


def test_commands_are_filled_in() -> None:
    command = Command.parse("x", "serve 'a b' --port={port} --http {http}")
    assert command.argv(1, 2) == ["serve", "a b", "--port=1", "--http", "2"]
    with pytest.raises(ValueError, match="placeholder"):
        Command.parse("x", "serve")


def test_free_ports_differ() -> None:
    assert len(set(free_ports(20))) == 20


def test_a_server_that_ends_at_once_is_reported_with_its_words() -> None:
    command = Command.parse("broken", "{python} -c 'raise SystemExit(\"no such file {port}\")'")
    with pytest.raises(ServerError, match="broken ended with status 1:\nno such file"), make_server(command):
        pass


def test_leaving_ends_the_server() -> None:
    with make_server(Command.parse("bare", YARDSTICK)) as server:
        assert server.rss() > 0
        assert server.peak_rss() >= server.rss()
        assert server.cpu_seconds() > 0
        process = Path(f"/proc/{server._process.pid}")
        assert process.exists()
    assert not process.exists()


def test_drain_acknowledges_what_is_sent_again() -> None:
    deliver_sm, deliver_sm_resp, bind_resp, unbind = 0x5, 0x80000005, 0x80000009, 0x6
    acknowledged = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rwb") as stream:
            read_pdu(stream)
            stream.write(pdu(bind_resp, 1, b"fake\0") + pdu(deliver_sm, 7, b"x" * 40) + pdu(deliver_sm, 8, b"y"))
            stream.flush()
            while (command := read_pdu(stream))[0] != unbind:
                acknowledged.append(command)
            stream.write(pdu(0x80000006, 2))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = threading.Thread(target=serve, daemon=True)
        peer.start()
        server = make_server(Command("fake", ()))
        server.port = listener.getsockname()[1]
        assert server.drain() == 2
        peer.join(5)
    assert acknowledged == [(deliver_sm_resp, 7), (deliver_sm_resp, 8)]


@needs_compiler
def test_the_yardstick_against_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "results.json"
    options = ["--profile", "receipts", "--pairs", "1", "--messages", "400", "--no-memory", "--out", str(out)]
    assert ratio.main(["--target", YARDSTICK, *options]) == 0
    result = json.loads(out.read_text())
    assert result["valid"]
    servers = [side["server"] for side in result["profiles"]["receipts"]["servers"]]
    assert servers[:2] == ["bare", "target"]
    assert result["profiles"]["receipts"]["runs"][1]["report"]["receipts"] == 400
    assert "ratio target : bare = " in capsys.readouterr().out


def test_without_a_compiler_it_says_what_is_skipped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert ratio.main(["--pairs", "1"]) == 0
    assert "SKIPPED" in capsys.readouterr().out


def test_compare_tells_a_change_from_noise() -> None:
    def results(*ratios: float) -> dict[str, Any]:
        pairs = [Pair(run(100, "bare"), run(100 * value)) for value in ratios]
        return {"profiles": {"submit": profile_result(pairs, [])}}

    assert "+100%" in compare(results(0.4, 0.4), results(0.8, 0.8))[0]
    assert "within the noise" in compare(results(0.4, 0.5, 0.6), results(0.45, 0.51, 0.6))[0]
    assert "only in" in compare(results(0.5), {"ageing": {"routes": profile_result([Pair(run(1), run(1))], [])}})[0]
    with pytest.raises(ValueError, match="no profiles"):
        compare(results(0.5), {})


def test_of_a_paced_profile_the_times_are_compared() -> None:
    def results(p99_ms: float) -> dict[str, Any]:
        pairs = [Pair(run(100, "bare"), replace(run(100), p99_ms=p99_ms, p999_ms=9.0))]
        return {"profiles": {"paced": {**profile_result(pairs, []), "pace": 100}}}

    p99, p999 = compare(results(3.0), results(6.0))
    assert p99.startswith("paced p99 ")
    assert "1.500 [" in p99
    assert "+100%" in p99
    assert "+0%" in p999


def test_profiles_may_be_shortened() -> None:
    assert replace(SUBMIT, messages=5).rate == "submits_per_s"


# The load generator against the C meter.


def test_a_generator_run_with_a_fault_is_no_result() -> None:
    profile = replace(SUBMIT, messages=100)
    honest = {"ok": 100, **dict.fromkeys(generator.HONEST, 0)}
    assert generator.faults(honest, profile) == []
    assert generator.faults({**honest, "ok": 99}, profile) == ["99 of 100 accepted"]
    assert all(generator.faults({**honest, name: 1}, profile) == [f"{name}=1"] for name in generator.HONEST)


@needs_compiler
def test_the_generator_against_the_meter(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--pairs", "1", "--messages", "400", "--window", "50"]
    assert generator.main(options) == 0
    out = capsys.readouterr().out
    assert "ratio smppd load : smppblast = " in out
    assert "INVALID" not in out
    assert generator.main([*options, "--bound", "1000"]) == 1


# The working tree against a reference.


def ratios(*values: float) -> Quartiles:
    return Quartiles.of(values)


def test_a_loss_is_what_three_quarters_of_the_pairs_say() -> None:
    assert ab.is_loss(ratios(0.90, 0.91, 0.92, 0.93, 1.10), 0.95)
    assert not ab.is_loss(ratios(0.90, 0.91, 0.92, 0.96, 1.10), 0.95)
    assert not ab.is_loss(ratios(0.94, 0.95, 0.95, 0.95, 0.95), 0.95)
    assert ab.is_loss(ratios(0.90, 0.91, 0.92, 0.93, 1.10), 0.94)
    assert not ab.is_loss(ratios(0.90, 0.91, 0.92, 0.93, 1.10), 0.90)


def test_the_verdict_stands_under_the_table() -> None:
    def verdict(*rates: float) -> tuple[str, bool]:
        lines, loss = ab.report(RECEIPTS, [Pair(run(100, "before"), run(rate, "tree")) for rate in rates], 0.95)
        assert any("ratio tree : before = " in line for line in lines)
        return lines[-1], loss

    assert verdict(80, 90, 91) == ("receipts: loss (bound 0.95)", True)
    assert verdict(99, 101, 100) == ("receipts: no loss (bound 0.95)", False)


def test_a_reference_git_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert ab.main(["no-such-reference"]) == 1
    assert "git knows no 'no-such-reference'" in capsys.readouterr().err


def test_what_is_measured_is_what_was_asked_for(tmp_path: Path) -> None:
    ab.check(ROOT)
    with pytest.raises(ab.AbError, match="would be measured instead"):
        ab.check(tmp_path)
    (tmp_path / "smppd").mkdir()
    (tmp_path / "smppd" / "__init__.py").write_text("raise SystemExit('broken')")
    with pytest.raises(ab.AbError, match="does not run:\nbroken"):
        ab.check(tmp_path)


@needs_compiler
def test_the_tree_against_its_own_head(capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git here")
    assert ab.main(["HEAD", "--pairs", "1", "--messages", "400", "--bound", "0.0001"]) == 0
    out = capsys.readouterr().out
    assert "receipts: no loss" in out
    assert "ratio tree : " in out
    worktrees = subprocess.run(["git", "worktree", "list"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "smppd-ab-" not in worktrees.stdout


def pdu(command: int, sequence: int, body: bytes = b"") -> bytes:
    return struct.pack(">IIII", 16 + len(body), command, 0, sequence) + body


def read_pdu(stream: IO[bytes]) -> tuple[int, int]:
    length, command, _, sequence = struct.unpack(">IIII", stream.read(16))
    stream.read(length - 16)
    return command, sequence


def make_server(command: Command) -> Server:
    return Server(command, user="smppclient1", password="password")
