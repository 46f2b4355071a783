"""What do those who look at events cost those who send messages?

    .venv/bin/python -m bench.e2e.viewers [--case idle] [--pairs 7] [--loop asyncio|uvloop]

Each case runs two servers of smppd side by side, one that nobody looks at and one that somebody does, and loads them in
turns; the ratio of their rates is what counts. Exit status 1 when it is below the bound, or a run is a bug.
"""

import argparse
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

if __package__ in (None, ""):  # started as a file: the repository's root is not on the path
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.ab import MAIN, is_loss, python_of
from bench.e2e.ageing import measured, warm_up
from bench.e2e.figures import Pair, Quartiles, invalid, profile_result
from bench.e2e.meter import PROFILES, MeterError, build
from bench.e2e.ratio import Bench
from bench.e2e.results import bounded, facts, save, terminated, warn_when_busy
from bench.e2e.servers import CONFIG, ROOT, Command, ServerError
from bench.e2e.session import HOST

PAIRS, MAX_PAIRS = 7, 1_000
LOAD = replace(PROFILES["receipts"], messages=300_000)  # about two seconds
WARM_MESSAGES = 120_000  # before the first load: more than is retained
PATIENCE = 10.0  # seconds for an answer to begin
CHUNK = 256 * 1024
STREAM = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
SOCKET = (
    "GET /api/v1/events/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
QUESTION = "GET /api/v1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
JOURNAL = ("--set", "journal.pdus=100000")


@dataclass(frozen=True)
class Case:
    """Who looks, and how much of the rate that may cost."""

    name: str
    about: str
    bound: float
    request: str = STREAM
    reads: bool = True
    journal: bool = True
    """Whether both servers keep a journal: what there is to see."""


CASES = {
    case.name: case
    for case in (
        Case("idle", "the API loaded and nobody looking, against no HTTP at all", 0.97, QUESTION, journal=False),
        Case("viewer", "one viewer of everything by Server-Sent Events", 0.90),
        Case("socket", "one viewer of everything by WebSocket", 0.90, SOCKET),
        Case("stalled", "one viewer of everything that never reads", 0.90, reads=False),
    )
}


RETRY: Final = 0.01
"""Seconds between two tries to connect."""

OPENING: Final = 0.5
"""Seconds to try: HTTP is listened for a moment later than SMPP. Who tried earlier would have libraries loaded that no
run is to pay for."""


def _connected(port: int, deadline: float) -> socket.socket:
    """A connection to a port that is opened until then. Raises ConnectionRefusedError when it is not."""
    while True:
        try:
            return socket.create_connection((HOST, port), PATIENCE)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(RETRY)


class Viewer:
    """Looks from `__enter__` to `__exit__`, and throws away what it sees."""

    def __init__(self, port: int, request: str, *, reads: bool) -> None:
        """`port` of 127.0.0.1; one that `reads` nothing lets the server wait."""
        self.octets = 0
        self._socket = _connected(port, time.monotonic() + OPENING)
        self._socket.sendall(request.encode())
        self._thread = threading.Thread(target=self._read, daemon=True) if reads else None

    def __enter__(self) -> Self:
        """The server has begun to answer when this returns: it has loaded what it needs for that."""
        beginning = self._socket.recv(CHUNK)
        if not beginning.startswith((b"HTTP/1.1 200", b"HTTP/1.1 101")):
            raise ServerError(f"no viewer is welcome: {beginning[:200]!r}")
        self._socket.settimeout(None)
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            self._thread.join()
        self._socket.close()

    def _read(self) -> None:
        buffer = bytearray(CHUNK)
        while count := self._socket.recv_into(buffer):
            self.octets += count


def command(name: str, loop: str, case: Case, *, http: bool) -> Command:
    """smppd of this tree."""
    door = ("--http", f"{HOST}:{{http}}") if http else ("--set", "server.http=")
    options = ("-c", str(CONFIG), "--set", f"server.event_loop={loop}", "--smpp", f"{HOST}:{{port}}", *door)
    journal = JOURNAL if case.journal else ()
    return Command(name, (*python_of(ROOT), "-c", MAIN, "serve", *options, *journal))


def compare(bench: Bench, case: Case, count: int, loop: str) -> tuple[dict[str, Any], list[str]]:
    """A server that nobody looks at and one that is looked at, loaded in turns."""
    print(f"{case.name}: {case.about}", flush=True)
    pairs: list[Pair] = []
    seen = 0
    with ExitStack() as stack:
        alone = stack.enter_context(bench.start(command("alone", loop, case, http=False)))
        watched = stack.enter_context(bench.start(command(case.name, loop, case, http=True)))
        warm_up(bench, alone, WARM_MESSAGES)
        warm_up(bench, watched, WARM_MESSAGES)
        viewer = stack.enter_context(Viewer(watched.http, case.request, reads=case.reads))
        for number in range(count):
            order = (alone, watched) if number % 2 else (watched, alone)
            runs = {server.command.name: measured(bench, server, LOAD) for server in order}
            pairs.append(Pair(runs["alone"], runs[case.name]))
        seen = viewer.octets
    result = {"about": case.about, "bound": case.bound, "octets_seen": seen, **profile_result(pairs, [])}
    return result, invalid(run for pair in pairs for run in pair)


def parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; ends the program with status 2 on a mistake."""
    parser = argparse.ArgumentParser(prog="bench.e2e.viewers", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--case", action="append", choices=list(CASES), help="only this one (repeatable)")
    parser.add_argument("--pairs", type=bounded(1, MAX_PAIRS), default=PAIRS, help=f"loads of each server ({PAIRS})")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio", help="event loop of the servers")
    parser.add_argument("--lock", type=Path, metavar="FILE", help="take turns with others: lock FILE for each load")
    parser.add_argument("--out", type=Path, help="results file (bench/results/<date>.json)")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, save. Returns the exit status."""
    options = parse_options(argv)
    signal.signal(signal.SIGTERM, terminated)
    try:
        tools = build()
    except MeterError as error:
        print(f"SKIPPED: the benchmark of viewers: {error}")
        return 0
    plain = command("alone", options.loop, CASES["idle"], http=False)
    bench = Bench(tools, plain, plain, "none", options.lock)
    result = facts(tools)
    result["options"] = {"loop": options.loop, "pairs": options.pairs, "pure": "SMPPWIRE_NO_SPEEDUPS" in os.environ}
    warn_when_busy(result["machine"])
    cases: dict[str, Any] = {}
    bad: list[str] = []
    try:
        for name in options.case or CASES:
            cases[name], faults = compare(bench, CASES[name], options.pairs, options.loop)
            bad += [f"{name}: {line}" for line in faults]
    except (ServerError, MeterError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; nothing was saved", file=sys.stderr)
        return 130
    print("\nrate, ratio to a server that nobody looks at, median [quartiles]; in processor time; bound")
    losses = []
    for name, case in cases.items():
        ratio = Quartiles(**case["ratio"])
        print(f"  {name:<8} {ratio}  {Quartiles(**case['cpu_ratio'])}  {case['bound']:.2f}  {case['about']}")
        losses += [name] if is_loss(ratio, case["bound"]) else []
    result |= {"viewers": cases, "losses": losses, "valid": not bad}
    print(f"\nwritten to {save(result, options.out)}")
    if bad:
        print("\nNot a result but a bug:\n" + "\n".join(bad), file=sys.stderr)
    if losses:
        print(f"\nBelow the bound: {', '.join(losses)}", file=sys.stderr)
    return 1 if bad or losses else 0


if __name__ == "__main__":
    sys.exit(main())
