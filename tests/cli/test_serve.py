"""`smppd serve` as a process of its own: what it prints, how it is told things, how it ends."""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from smppd import __version__
from smppd.app import SmscServer
from smppd.cli import serve
from smppd.cli.main import main
from smppd.errors import UserError
from smppd.settings import load_settings
from tests.transport.support import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    SUBMIT,
    UNBIND,
    Raw,
    answer,
    bind_body,
    bind_resp,
    field,
    live_settings,
    request,
    submit_body,
    wait_until,
)

ROOT = Path(__file__).parents[2]
SMPPD = [sys.executable, "-c", "import sys; from smppd.cli.main import main; sys.exit(main())"]
FREE = ("--smpp", "127.0.0.1:0", "--http", "127.0.0.1:0")
PATIENCE = 20.0


class Process:
    """A running `smppd serve`; what it prints is read as it comes."""

    def __init__(self, *arguments: str, directory: Path, environ: dict[str, str] | None = None) -> None:
        self.log_file = directory / "log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SMPPD_")}
        environment |= {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "protocol"))), **(environ or {})}
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [*SMPPD, "serve", *arguments],
                bufsize=0,  # so that a line which was read along with another is not hidden from the selector
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                cwd=directory,
            )
        assert self.process.stdout is not None
        self.stdout = self.process.stdout
        self.pid = self.process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self.stdout.close()

    def line(self) -> str:
        """The next line of its standard output."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.stdout, selectors.EVENT_READ)
            assert selector.select(PATIENCE), f"silence; the log says {self.log_text!r}"
        return self.stdout.readline().decode().rstrip("\n")

    def address(self, what: str = "SMPP on ") -> str:
        """The address in the next line."""
        line = self.line()
        prefix = f"smppd {__version__}: {what}"
        assert line.startswith(prefix), (line, self.log_text)
        return line.removeprefix(prefix)

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        return self.process.wait(PATIENCE)

    @property
    def log_text(self) -> str:
        return self.log_file.read_text()

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log_text.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == name]


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> str:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    return f"server.event_loop={request.param}"


@pytest.fixture
def served(tmp_path: Path, loop: str) -> Iterator[Process]:
    with Process(*FREE, "--set", loop, "--set", "server.shutdown_grace=60", directory=tmp_path) as process:
        yield process


def test_serve_from_the_first_line_to_the_last(served: Process) -> None:
    with Raw(served.address()) as client:
        client.bind()  # SMPP is served while HTTP is still being loaded
        host, _, port = served.address("HTTP on http://").rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
        connection.request("GET", "/readyz")
        assert connection.getresponse().status == 200
        connection.close()
        served.tell(signal.SIGTERM)
        client.expect(request(UNBIND, 1))
        with pytest.raises(ConnectionRefusedError):
            Raw(f"{host}:{client.socket.getpeername()[1]}")
        client.send(answer(UNBIND, 0, 1))
        client.ended()
    assert served.ended() == 0
    assert served.stdout.read() == b"", "everything else goes to the log"
    events = [json.loads(line)["event"] for line in served.log_text.splitlines()]
    assert events[0] == "wire library"
    assert sorted(events[1:4]) == ["bind", "listener opened", "listener opened"]
    assert events[4:] == ["stopping", "unbind"]


def test_the_log_says_which_code_reads_the_wire(tmp_path: Path) -> None:
    environ = {"SMPPWIRE_NO_SPEEDUPS": "1"}
    with Process(*FREE, directory=tmp_path, environ=environ) as served:
        served.address()
        served.tell(signal.SIGTERM)
        assert served.ended() == 0
    (event,) = served.events("wire library")
    assert (event["code"], event["reason"]) == ("Python", "SMPPWIRE_NO_SPEEDUPS is set")


def test_an_interrupt_ends_it_as_well(served: Process) -> None:
    served.address()
    served.address("HTTP on http://")
    served.tell(signal.SIGINT)
    assert served.ended() == 0
    assert "Traceback" not in served.log_text


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 130)])
def test_a_second_signal_ends_it_at_once(served: Process, number: signal.Signals, status: int) -> None:
    with Raw(served.address()) as deaf:
        served.address("HTTP on http://")
        deaf.bind()
        served.tell(number)
        deaf.expect(request(UNBIND, 1))
        began = time.monotonic()
        served.tell(number)
        assert served.ended() == status
        assert time.monotonic() - began < 10, "although there is a minute for a graceful end"
    assert "Traceback" not in served.log_text


# Listeners and arguments.


def test_several_listeners(tmp_path: Path) -> None:
    arguments = ["--smpp", "127.0.0.1:0", "--smpp", "127.0.0.1:0", "--http", ""]
    if has_ipv6():
        arguments += ["--smpp", "[::1]:0"]
    with Process(*arguments, directory=tmp_path) as served:
        for _ in range(2 + has_ipv6()):
            with Raw(served.address()) as client:
                client.bind()
        served.tell(signal.SIGTERM)
        assert served.ended() == 0
        assert served.stdout.read() == b"", "no HTTP"


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("what", ["smpp", "http"])
def test_a_taken_port(tmp_path: Path, loop: str, what: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        arguments = ["--smpp", "127.0.0.1:0", "--http", "", f"--{what}", taken, "--set", loop]
        with Process(*arguments, directory=tmp_path) as served:
            assert served.ended() == 1
            message = [line for line in served.log_text.splitlines() if not line.startswith("{")]
    (line,) = message
    assert line.startswith(f"smppd: cannot listen on {taken}: the port is taken by ")
    assert f"(process {os.getpid()})" in line


def test_mistakes_are_told_without_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "-c", str(tmp_path / "missing.toml")]) == 1
    assert main(["serve", "--set", "server.smmp=x"]) == 1
    assert main(["serve", "--smpp", "nonsense"]) == 2
    assert main(["serve", "--http", "127.0.0.1:x"]) == 2
    assert main(["serve", "--smtp", "x"]) == 2
    text = capsys.readouterr().err
    assert "there is no such file" in text
    assert "--smpp: 'nonsense': the port is missing" in text
    assert "--http" in text
    assert "Traceback" not in text


def test_magic_numbers_and_other_rules_while_running(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nwhen = { destination_addr = "1" }\nthen = { status = 7 }\n')
    to = {number: submit_body(to=(1, 1, number)) for number in (b"999100", b"1")}
    with Process(*FREE, "--rules", "magic-numbers", "--rules", str(rules), directory=tmp_path) as served:
        with Raw(served.address()) as client:
            client.bind()
            client.ask(request(SUBMIT, 2, to[b"999100"]), answer(SUBMIT, 0x58, 2))
            client.ask(request(SUBMIT, 3, to[b"1"]), answer(SUBMIT, 7, 3))
            rules.write_text('[[rule]]\nname = "h"\nthen = { hook = "no_such_module:f" }\n')
            served.tell(signal.SIGHUP)
            (line,) = wait_until(lambda: served.events("reload failed"))
            assert "there is no module no_such_module" in line["reason"]
            client.ask(request(SUBMIT, 4, to[b"1"]), answer(SUBMIT, 7, 4))
            rules.write_text('[[rule]]\nwhen = { destination_addr = "1" }\nthen = { status = 8 }\n')
            served.tell(signal.SIGHUP)
            wait_until(lambda: served.events("configuration changed"))
            client.ask(request(SUBMIT, 5, to[b"1"]), answer(SUBMIT, 8, 5))
        served.tell(signal.SIGTERM)
        assert served.ended() == 0


def test_rules_that_do_not_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", *FREE, "--rules", "magic-number", "--rules", str(tmp_path / "none.toml")]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert "magic-number.toml: there is no such file (names of shipped ones: magic-numbers" in lines[1]
    assert lines[2].startswith(f"  {tmp_path / 'none.toml'}: there is no such file")


def test_rules_count_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert serve.rule_file("magic-numbers") == "magic-numbers"
    assert serve.rule_file("mine.toml") == str(tmp_path / "mine.toml")
    assert serve.rule_file("/etc/mine.toml") == "/etc/mine.toml"


def test_hooks_are_found_beside_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["before"])
    serve.find_hooks(load_settings(None, {}), tmp_path)
    assert sys.path == ["before"], "nobody asks for a hook"
    serve.find_hooks(load_settings(None, {}, ["rule.0.then.hook=lab:f"]), tmp_path)
    assert sys.path == [str(tmp_path), "before"]


def test_settings_from_the_environment(tmp_path: Path) -> None:
    environ = {"SMPPD_SERVER__SYSTEM_ID": "elsewhere", "SMPPD_LOG__LEVEL": "error"}
    with Process(*FREE, directory=tmp_path, environ=environ) as served:
        with Raw(served.address()) as client:
            client.ask(request(BIND_TX, 1, bind_body()), answer(BIND_TX, 0, 1, b"elsewhere\0\x02\x10\0\x01\x34"))
        served.tell(signal.SIGTERM)
        assert served.ended() == 0
    assert served.log_text == ""


def test_nobody_reads_what_it_prints(tmp_path: Path) -> None:
    with Process(*FREE, directory=tmp_path) as served:
        served.stdout.close()
        address = wait_until(lambda: [line["address"] for line in served.events("listener opened")][1:])
        assert address
        with Raw(served.events("listener opened")[0]["address"]) as client:
            client.bind()
        served.tell(signal.SIGTERM)
        assert served.ended() == 0
    assert "Error" not in served.log_text


# Reading the configuration again.


def configuration(accounts: str, routes: str = '[[route]]\nname = "default"\n') -> str:
    return f"{accounts}\n{routes}\n[network.default]\ndelay = {{ distribution = 'fixed', value = 0 }}\n"


ONE = '[[account]]\nsystem_id = "one"\npassword = "first"\n'
TWO = '[[account]]\nsystem_id = "two"\npassword = "second"\n'


def reload_over_http(address: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(address, timeout=PATIENCE)
    connection.request("POST", "/api/v1/reload")
    response = connection.getresponse()
    document = json.loads(response.read())
    connection.close()
    return response.status, document


def test_reload_over_http(tmp_path: Path) -> None:
    file = tmp_path / "smppd.toml"
    file.write_text(configuration(ONE))
    with Process(*FREE, "-c", str(file), directory=tmp_path) as served:
        served.address()
        address = served.address("HTTP on http://")
        file.write_text(configuration(ONE + TWO))
        status, document = reload_over_http(address)
        assert (status, document["applied"]) == (200, ["account[two]"])
        file.write_text(configuration(ONE + "windw = 1"))
        status, document = reload_over_http(address)
        assert status == 422
        assert document["errors"][0]["path"] == "account[0].windw"
        assert len(served.events("configuration changed")) == 1
        served.tell(signal.SIGTERM)
        assert served.ended() == 0


def test_without_a_file_there_is_nothing_to_reload(tmp_path: Path) -> None:
    with Process(*FREE, directory=tmp_path) as served:
        served.address()
        assert reload_over_http(served.address("HTTP on http://"))[0] == 409


def test_sighup(tmp_path: Path, loop: str) -> None:
    file = tmp_path / "smppd.toml"
    file.write_text(configuration(ONE + TWO))
    with Process(*FREE, "-c", str(file), "--set", loop, directory=tmp_path) as served:
        address = served.address()
        served.address("HTTP on http://")
        with Raw(address) as one, Raw(address) as two:
            one.bind(system_id="one", password="first")
            two.bind(system_id="two", password="second")

            file.write_text("[[account]\nsystem_id = broken")
            served.tell(signal.SIGHUP)
            wait_until(lambda: served.events("reload failed"))
            (line,) = served.events("reload failed")
            assert "not TOML" in line["reason"]
            assert str(file) in line["reason"]
            one.lives()
            with Raw(address) as another:
                another.bind(BIND_TX, system_id="two", password="second")

            file.write_text(
                configuration(
                    ONE.replace("first", "other"), '[[route]]\nname = "x"\nmatch = { destination_addr = "33*" }\n'
                )
            )
            served.tell(signal.SIGHUP)
            two.expect(request(UNBIND, 1))
            two.send(answer(UNBIND, 0, 1))
            two.ended()
            one.ask(request(SUBMIT, 2, submit_body()), answer(SUBMIT, 0x0B, 2))
            one.send(request(SUBMIT, 3, submit_body(to=(1, 1, b"33123"))))
            field(one.frame(), SUBMIT)
            (line,) = served.events("configuration changed")
            assert "account[one].password" in line["applied"]
            with Raw(address) as another:
                another.ask(request(BIND_RX, 1, bind_body("two", "second")), answer(BIND_RX, 0x0F))
            with Raw(address) as another:
                another.ask(request(BIND_RX, 1, bind_body("one", "first")), answer(BIND_RX, 0x0E))
            with Raw(address) as another:
                another.ask(request(BIND_TRX, 1, bind_body("one", "other")), bind_resp())
        served.tell(signal.SIGTERM)
        assert served.ended() == 0
        assert "first" not in served.log_text
        assert "internal error" not in served.log_text


# The parts.


def test_event_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    assert serve.loop_factory("asyncio") is None
    uvloop = pytest.importorskip("uvloop")
    assert serve.loop_factory("uvloop") is uvloop.new_event_loop
    assert serve.loop_factory("auto") is uvloop.new_event_loop
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert serve.loop_factory("auto") is None
    with pytest.raises(UserError, match=r"smppd\[speed\]"):
        serve.loop_factory("uvloop")


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "expected"),
    [
        (1024, 4096, 100, None),
        (1024, 4096, 2000, (2000 + serve.OTHER_FILES, 4096)),
        (1024, 4096, 10_000, (4096, 4096)),
        (1024, resource.RLIM_INFINITY, 10_000, (10_000 + serve.OTHER_FILES, resource.RLIM_INFINITY)),
    ],
)
def test_file_limit(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, wanted: int, expected: tuple[int, int] | None
) -> None:
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: limits.append(wanted))
    serve.raise_file_limit(wanted)
    assert limits == ([expected] if expected else [])


def test_what_fails_outside_every_session_is_logged_and_counted() -> None:
    log = io.StringIO()

    async def fail() -> SmscServer:
        server = SmscServer(live_settings(), log_stream=log, environ={})
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, what: serve._loop_failed(server, what))
        loop.call_soon(lambda: 1 / 0)
        loop.call_exception_handler({"message": "socket.accept() out of system resource"})
        await asyncio.sleep(0)
        return server

    server = asyncio.run(fail())
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["internal error"] * 2
    assert lines[0]["reason"] == "socket.accept() out of system resource"
    assert "ZeroDivisionError" in lines[1]["exception"]
    assert server.counters.protocol_errors["internal"] == 2
