"""`smppd load` as people type it: against a server, against TLS, and against those who are none."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from smppd.cli.load import TERMINATED
from smppd.cli.main import INTERRUPTED, main
from tests.transport.support import Live, account, live_settings

ROOT = Path(__file__).parents[2]
TLS = ROOT / "tests" / "load" / "tls"
PROGRAM = [sys.executable, "-c", "import sys; from smppd.cli.main import main; sys.exit(main())"]
ENVIRON = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'protocol'}", "NO_COLOR": "1"}

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def smsc() -> Iterator[Live]:
    with Live(live_settings(account=[account(max_binds=0), account("other", "secret")])) as live:
        yield live


def load(*arguments: str) -> int:
    return main(["load", *arguments])


def report(smsc: Live, capsys: Capture, *arguments: str, status: int = 0) -> dict[str, Any]:
    """The JSON report of a quiet run."""
    assert load(smsc.address, "--quiet", "--json", "-", *arguments) == status
    captured = capsys.readouterr()
    found: dict[str, Any] = json.loads(captured.out)
    return found


def test_a_count_with_receipts_and_thresholds(smsc: Live, capsys: Capture) -> None:
    options = ("--count", "500", "--receipts", "--fail-if", "lost > 0", "--fail-if", "rate < 1")
    assert load(smsc.address, *options) == 0
    captured = capsys.readouterr()
    assert "receipts received" in captured.out
    assert "passed: 2 of 2 thresholds" in captured.out
    assert "connecting: " in captured.err
    assert "Traceback" not in captured.err


def test_json_on_standard_output_is_alone(smsc: Live, capsys: Capture) -> None:
    assert load(smsc.address, "--count", "50", "--json", "-") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["counters"]["ok"] == 50
    assert "Account of every message" in captured.err


def test_a_violated_threshold(smsc: Live, capsys: Capture) -> None:
    found = report(smsc, capsys, "--count", "50", "--fail-if", "ok >= 50", "--fail-if", "lost > 0", status=1)
    assert [check["violated"] for check in found["thresholds"]] == [True, False]


def test_open_loop_with_a_profile_and_all_reports(smsc: Live, capsys: Capture, tmp_path: Path) -> None:
    files = {kind: tmp_path / f"report.{kind}" for kind in ("json", "html", "hgrm")}
    names = [word for kind, path in files.items() for word in (f"--{kind}", str(path))]
    options = ("--rate", "200", "--duration", "1s", "--warm-up", "200ms", "--profile", "otp", "--binds", "2")
    assert load(smsc.address, *options, *names, "--quiet") == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
    found = json.loads(files["json"].read_text())
    assert found["counters"]["offered"] == 240
    assert found["measured"]["offered"] == 200
    assert found["configuration"]["profile"] == "otp"
    assert "<html" in files["html"].read_text()
    assert files["hgrm"].read_text().lstrip().startswith("Value")


def test_what_the_smsc_gets(smsc: Live, capsys: Capture) -> None:
    report(smsc, capsys, "--count", "3", "--text", "Hello {n}", "--to", "447700900001-447700900003", "--from", "Shop")
    last = smsc.call(lambda: [message.pdu for message in smsc.server.engine.messages.values()][-3:])
    assert [pdu.short_message for pdu in last] == [b"Hello 1", b"Hello 2", b"Hello 3"]
    assert [pdu.destination_addr for pdu in last] == [b"447700900001", b"447700900002", b"447700900003"]
    assert {(pdu.source_addr, pdu.registered_delivery) for pdu in last} == {(b"Shop", 0)}


def test_who_binds(smsc: Live, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMPP_SYSTEM_ID", "other")
    monkeypatch.setenv("SMPP_PASSWORD", "secret")
    before = smsc.call(lambda: smsc.server.counters.bind_attempts["other", "ESME_ROK"])
    found = report(smsc, capsys, "--count", "5", "--binds", "tx=1,rx=1", "--interface-version", "5.0")
    assert smsc.call(lambda: smsc.server.counters.bind_attempts["other", "ESME_ROK"]) == before + 2
    assert found["configuration"]["binds"] == {"tx": 1, "rx": 1}
    assert "secret" not in json.dumps(found)


def test_the_highest_sustained_rate(smsc: Live, capsys: Capture) -> None:
    limits = ("--max-p99", "10s", "--start-rate", "40", "--highest-rate", "40", "--trial", "200ms")
    found = report(smsc, capsys, "--adaptive", *limits)
    assert found["adaptive"]["rate"] == 40
    assert found["adaptive"]["confirmed"]


def test_no_rate_is_sustained(smsc: Live, capsys: Capture) -> None:
    limits = (
        "--max-p99",
        "1ms",
        "--max-error-rate",
        "0%",
        "--start-rate",
        "1",
        "--trial",
        "100ms",
        "--arrivals",
        "poisson",
    )
    nowhere = ("--to", "999", "--rate", "1")
    assert load(smsc.address, "--adaptive", *nowhere) == 2
    refused = live_settings(account=[account(bind_types=["transmitter"])])
    with Live(refused) as other:
        assert load(other.address, "--adaptive", *limits, "--quiet") == 1
    assert "refuses the bind: ESME_RBINDFAIL" in capsys.readouterr().err


# Those who are no message centre.


def test_nobody_there(capsys: Capture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    assert load(address, "--quiet") == 1
    assert capsys.readouterr().err == f"smppd: no SMSC listens on {address}: Connection refused\n"


def test_wrong_password(smsc: Live, capsys: Capture) -> None:
    assert load(smsc.address, "--password", "wrong", "--quiet") == 1
    expected = f"smppd: {smsc.address}: the SMSC refuses the bind: ESME_RINVPASWD (system_id smppclient1, trx)\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["nowhere"], "the port is missing"),
        (["--rate", "fast"], "a rate is 500"),
        (["--rate", "0"], "sends nothing"),
        (["--duration", "10 parsecs"], "is no duration"),
        (["--duration", "0"], "not between"),
        (["--duration", "nan"], "is no duration"),
        (["--duration", "40d"], "31 days"),
        (["--fail-if", "p99 ~ 5"], "is no threshold"),
        (["--fail-if", "speed > 5"], "no metric 'speed'"),
        (["--binds", "rx=2"], "receivers cannot submit"),
        (["--binds", "many"], "expected a number"),
        (["--workers", "2"], "2 workers need as many binds"),
        (["--system-id", "x" * 16], "up to 15 octets"),
        (["--password", "пароль"], "characters that SMPP cannot carry"),
        (["--json", "/nonexistent/x.json"], "is no directory"),
        (["--html", "/"], "cannot be written"),
        (["--tls-key", __file__], "--tls-key needs --tls-cert"),
        (["--adaptive", "--count", "5"], "--adaptive chooses the rate itself"),
        (["--adaptive", "--max-error-rate", "many"], "is no share"),
        (["--adaptive", "--start-rate", "10", "--highest-rate", "5"], "--start-rate is above"),
        (["--adaptive", "--duration", "5s", "--warm-up", "1s"], "leave --duration, --warm-up away"),
        (["--max-p99", "5ms"], "--max-p99 belongs to a search"),
        (["--arrivals", "poisson"], "--arrivals spreads messages over time: give --rate"),
        (["--json", "-", "--html", "-"], "two reports cannot go to the same place"),
        (["--window", "0"], "not in the range"),
    ],
)
def test_wrong_usage(arguments: list[str], hint: str, capsys: Capture) -> None:
    assert load(*arguments) == 2
    error = capsys.readouterr().err
    assert hint in error
    assert "Traceback" not in error


def test_a_profile_that_is_none(capsys: Capture) -> None:
    assert load("--profile", "otpp") == 1
    assert 'did you mean "otp"?' in capsys.readouterr().err
    assert load("--text", "Hello {nam") == 1
    assert "--text" in capsys.readouterr().err


# Ctrl-C and SIGTERM.


@pytest.mark.parametrize(
    ("number", "times", "status"), [(signal.SIGINT, 1, INTERRUPTED), (signal.SIGTERM, 2, TERMINATED)]
)
def test_a_signal_writes_the_reports(smsc: Live, number: signal.Signals, times: int, status: int) -> None:
    """The whole process group gets the signal, as from a terminal; timeout(1) sends it to the program twice."""
    argv = [*PROGRAM, "load", smsc.address, "--rate", "200", "--duration", "60s", "--warm-up", "0", "--json", "-"]
    argv += ["--workers", "2", "--binds", "2"]
    with subprocess.Popen(
        argv, env=ENVIRON, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        while not process.stderr.readline().startswith("measuring"):
            assert process.poll() is None
        for _ in range(times):
            os.killpg(process.pid, number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == status
    found = json.loads(out)
    assert not found["finished"]
    assert found["counters"]["sent"] == found["counters"]["ok"]
    assert "The test was interrupted" in err
    assert "Traceback" not in err


def test_a_signal_before_there_is_anything_to_report() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        argv = [*PROGRAM, "load", f"127.0.0.1:{deaf.getsockname()[1]}"]
        with subprocess.Popen(argv, env=ENVIRON, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("connecting")
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=20)
    assert process.returncode == TERMINATED
    assert "Traceback" not in err


# TLS: our server does not speak it (yet), so a terminator stands before it.


class Terminator:
    """Accepts TLS and passes the octets on."""

    def __init__(self, address: str, *, ask_for_certificate: bool = False) -> None:
        host, _, port = address.rpartition(":")
        self._target = host, int(port)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(TLS / "server.pem", TLS / "server.key")
        if ask_for_certificate:
            self._context.load_verify_locations(TLS / "server.pem")
            self._context.verify_mode = ssl.CERT_REQUIRED
        self.names: list[str | None] = []
        self._context.sni_callback = lambda _socket, name, _context: self.names.append(name)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        try:
            while True:
                plain, _ = self._listener.accept()
                threading.Thread(target=self._pass, args=(plain,), daemon=True).start()
        except OSError:
            pass  # closed

    def _pass(self, plain: socket.socket) -> None:
        try:
            with (
                self._context.wrap_socket(plain, server_side=True) as client,
                socket.create_connection(self._target) as server,
            ):
                back = threading.Thread(target=self._copy, args=(server, client), daemon=True)
                back.start()
                self._copy(client, server)
                back.join(5)
        except OSError:
            pass  # a client that did not trust us

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        try:
            while octets := source.recv(1 << 16):
                target.sendall(octets)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_tls(smsc: Live, capsys: Capture) -> None:
    with Terminator(smsc.address) as door:
        trust = ("--tls-ca", str(TLS / "server.pem"), "--count", "200", "--quiet", "--json", "-")
        assert load(door.address, *trust) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["counters"]["ok"], found["target"]["tls"]) == (200, True)
        assert load(door.address, *trust, "--tls-server-name", "smsc.test") == 0
        assert door.names[-1] == "smsc.test"
        assert load(door.address, "--tls-insecure", "--count", "20", "--quiet") == 0


def test_tls_that_is_not_trusted_or_not_there(smsc: Live, capsys: Capture) -> None:
    with Terminator(smsc.address) as door:
        assert load(door.address, "--tls", "--quiet") == 1
        assert "--tls-ca, or --tls-insecure" in capsys.readouterr().err
        name = ("--tls-ca", str(TLS / "server.pem"), "--tls-server-name", "elsewhere.test", "--quiet")
        assert load(door.address, *name) == 1
        assert "elsewhere.test" in capsys.readouterr().err
    assert load(smsc.address, "--tls-insecure", "--quiet") == 1
    assert "does the SMSC speak TLS there?" in capsys.readouterr().err


def test_tls_with_a_certificate_of_our_own(smsc: Live, capsys: Capture) -> None:
    with Terminator(smsc.address, ask_for_certificate=True) as door:
        ours = ("--tls-cert", str(TLS / "server.pem"), "--tls-key", str(TLS / "server.key"))
        assert load(door.address, "--tls-insecure", *ours, "--count", "20", "--quiet") == 0
        assert load(door.address, "--tls-insecure", "--count", "20", "--quiet") == 1
        assert re.search(
            r"smppd: .*(no TLS session|closed the connection|the connection broke)", capsys.readouterr().err
        )


# The help.


def test_the_help_has_sections(capsys: Capture) -> None:
    assert load("--help") == 0
    out = capsys.readouterr().out
    for heading in ("Binds:", "Load:", "Messages:", "TLS:", "Highest sustained rate:", "Reports:"):
        assert heading in out


def test_the_help_is_quick() -> None:
    def seconds() -> float:
        start = time.perf_counter()
        subprocess.run([*PROGRAM, "load", "--help"], env=ENVIRON, capture_output=True, check=True)
        return time.perf_counter() - start

    # The best of several: the machine may be busy with something else.
    assert min(seconds() for _ in range(5)) < 0.6
