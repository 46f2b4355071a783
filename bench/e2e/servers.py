"""Start a server for one run, look at it through /proc, and end it whatever happens.

A server is a command line in which `{port}` and `{http}` stand for free ports of 127.0.0.1. Linux only (/proc).
"""

import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.e2e.session import HOST, RefusedError, Session

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config" / "benchmark.toml"
START_SECONDS = 20.0  # a server that takes longer to accept a bind is broken
STOP_SECONDS = 10.0  # smppd's shutdown_grace is 5 s; afterwards the process is killed
RETRY_SECONDS = 0.002  # between two attempts to connect: the resolution of `start_seconds`
QUIET_SECONDS = 0.5  # without a PDU: the server has nothing left for the account
DRAIN_SECONDS = 30.0  # a server that still sends after this long does not forget what was acknowledged
LOG_TAIL = 1500  # characters of a server's output that an error message quotes

_TICKS = os.sysconf("SC_CLK_TCK")


class ServerError(Exception):
    """The server under test could not be started or does not answer a bind."""


@dataclass(frozen=True)
class Command:
    """A server's command line; `name` is what tables and results call it."""

    name: str
    template: tuple[str, ...]

    @classmethod
    def parse(cls, name: str, text: str) -> Self:
        """Split a command line given by the user as a shell would (no shell runs it); `{python}` is this Python."""
        if "{port}" not in text:
            raise ValueError(f"the command needs the placeholder {{port}}: {text!r}")
        return cls(name, tuple(word.replace("{python}", sys.executable) for word in shlex.split(text)))

    @property
    def has_http(self) -> bool:
        """Whether it was given a port for HTTP."""
        return any("{http}" in part for part in self.template)

    def argv(self, port: int, http: int) -> list[str]:
        """Fill in the ports."""
        return [part.replace("{port}", str(port)).replace("{http}", str(http)) for part in self.template]


def bare_asyncio(loop: str) -> Command:
    """The yardstick: bench/meter/bare_asyncio.py on the given event loop ("asyncio" or "uvloop")."""
    argv = (sys.executable, str(ROOT / "bench" / "meter" / "bare_asyncio.py"), "{port}")
    return Command("bare", (*argv, "uv") if loop == "uvloop" else argv)


def smppd(loop: str, settings: Sequence[str] = (), config: Path = CONFIG, name: str = "smppd") -> Command:
    """smppd as installed beside this Python; `settings` are key=value pairs beside those of the configuration file."""
    script = Path(sys.executable).with_name("smppd")
    overrides = [word for pair in (f"server.event_loop={loop}", *settings) for word in ("--set", pair)]
    listeners = ("--smpp", f"{HOST}:{{port}}", "--http", f"{HOST}:{{http}}")
    return Command(name, (str(script), "serve", "-c", str(config), *listeners, *overrides))


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on now; all held at once, so that they differ."""
    holders = [socket.create_server((HOST, 0)) for _ in range(count)]
    try:
        return [int(holder.getsockname()[1]) for holder in holders]
    finally:
        for holder in holders:
            holder.close()


class Server:
    """A started server. Use as a context manager: leaving it ends the process, on errors and Ctrl-C too."""

    def __init__(self, command: Command, *, cores: set[int] | None = None, user: str, password: str) -> None:
        """`cores`: the CPUs it may use (None: all)."""
        self.command = command
        self.start_seconds = 0.0
        """From the start of the process to the response to its first bind."""
        self._cores = cores
        self._credentials = (user, password)
        self.port, self.http = free_ports(2)

    def __enter__(self) -> Self:
        argv = self.command.argv(self.port, self.http)
        self._log = tempfile.TemporaryFile()
        begin = time.monotonic()
        try:
            # A session of its own: Ctrl-C reaches this program alone, which then ends the server in order.
            self._process = subprocess.Popen(
                argv,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "NO_COLOR": "1"},
            )
        except OSError as error:
            self._log.close()
            raise ServerError(f"cannot start {argv[0]}: {error.strerror}") from error
        try:
            if self._cores:
                os.sched_setaffinity(self._process.pid, self._cores)
            self._first_bind(begin + START_SECONDS)
            self.start_seconds = time.monotonic() - begin
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def cpu_seconds(self) -> float:
        """User and system time of the process so far."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss(self) -> int:
        """Resident memory now, in octets."""
        return self._status("VmRSS")

    def peak_rss(self) -> int:
        """The most memory that was ever resident, in octets."""
        return self._status("VmHWM")

    def output(self) -> str:
        """The end of what the server printed."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-LOG_TAIL:].strip()

    def drain(self) -> int:
        """Acknowledge what a load left unacknowledged, so that the next one does not meet it; returns how much.

        The meter goes as soon as it has seen the last receipt, without writing the last deliver_sm_resp. A good server
        then sends those receipts again to the next bind, to which they would be of unknown ids.
        """
        try:
            with Session(self.port, *self._credentials) as session:
                return session.acknowledge(QUIET_SECONDS, DRAIN_SECONDS)
        except (OSError, RefusedError) as error:
            raise ServerError(f"{self.command.name} broke off ({error}):\n{self.output()}") from error

    def _first_bind(self, deadline: float) -> None:
        while True:
            try:
                session = Session(self.port, *self._credentials)
            except ConnectionRefusedError:
                code = self._process.poll()
                if code is not None:
                    raise ServerError(f"{self.command.name} ended with status {code}:\n{self.output()}") from None
                if time.monotonic() > deadline:
                    raise ServerError(f"{self.command.name} does not listen:\n{self.output()}") from None
                time.sleep(RETRY_SECONDS)
                continue
            except OSError as error:
                raise ServerError(f"{self.command.name} does not answer a bind ({error}):\n{self.output()}") from error
            except RefusedError as error:
                raise ServerError(f"{self.command.name} refuses the bind with {error}:\n{self.output()}") from None
            with session:
                return

    def _end(self) -> None:
        try:
            self._process.terminate()
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            with suppress(ProcessLookupError):  # whatever is left of its session, children included
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._log.close()

    def _status(self, key: str) -> int:
        for line in self._proc("status").splitlines():
            name, _, value = line.partition(":")
            if name == key:
                return int(value.split()[0]) * 1024
        raise ServerError(f"{self.command.name}: no {key} in /proc")

    def _proc(self, name: str) -> str:
        try:
            return Path(f"/proc/{self._process.pid}/{name}").read_text()
        except OSError:
            raise ServerError(f"{self.command.name} is gone:\n{self.output()}") from None
