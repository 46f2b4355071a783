"""Does the server ever stop answering for a moment, and what is it doing then?

    .venv/bin/python -m bench.e2e.stalls [--rate 90000] [--seconds 10] [--retain 1000000] [--no-scrapes]

A paced load runs; on a session of its own a probe sends an enquire_link every few milliseconds and measures how long
the answer takes. The server is run by bench.e2e.watched, which names the callbacks that took long. What the probe alone
sees is the machine's (compare with --yardstick). See bench/README.md.
"""

import argparse
import json
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

if __package__ in (None, ""):  # started as a file: the repository's root is not on the path
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.e2e.meter import PASSWORD, PROFILES, USER, MeterError, build
from bench.e2e.ratio import Bench
from bench.e2e.results import bounded, facts, save, terminated, warn_when_busy
from bench.e2e.scrape import Scraper
from bench.e2e.servers import CONFIG, ROOT, Command, ServerError, bare_asyncio
from bench.e2e.session import HOST, Session

PROBE_SECONDS = 0.003  # between two enquire_link: a stall of that length meets one
RATE, SECONDS, RETAIN = 90_000, 10, 100_000
MAX_RATE, MAX_SECONDS, MAX_RETAIN = 1_000_000, 60, 10_000_000
QUANTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}


class Probe:
    """A thread that asks again and again, from `__enter__` to `__exit__`."""

    def __init__(self, port: int) -> None:
        self.seconds: list[float] = []
        self._session = Session(port, USER, PASSWORD)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        with self._session:
            pass

    def _run(self) -> None:
        while not self._stop.wait(PROBE_SECONDS):
            self.seconds.append(self._session.enquire())

    def figures(self) -> dict[str, float]:
        """Percentiles in milliseconds."""
        ordered = sorted(self.seconds)
        found = {name: ordered[int(share * len(ordered))] for name, share in QUANTILES.items()}
        return {name: round(1000 * value, 2) for name, value in {**found, "max": ordered[-1]}.items()}


def watched(report: Path, retain: int) -> Command:
    """smppd of this tree, watched."""
    program = ("env", f"PYTHONPATH={ROOT}:{ROOT / 'protocol'}", sys.executable, "-m", "bench.e2e.watched", str(report))
    options = ("serve", "-c", str(CONFIG), "--set", "server.event_loop=asyncio", "--set", f"messages.retain={retain}")
    return Command("smppd", (*program, *options, "--smpp", f"{HOST}:{{port}}", "--http", f"{HOST}:{{http}}"))


def parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; ends the program with status 2 on a mistake."""
    parser = argparse.ArgumentParser(prog="bench.e2e.stalls", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=bounded(1, MAX_RATE), default=RATE, help=f"messages per second ({RATE})")
    parser.add_argument("--seconds", type=bounded(1, MAX_SECONDS), default=SECONDS, help=f"of the load ({SECONDS})")
    parser.add_argument("--retain", type=bounded(0, MAX_RETAIN), default=RETAIN, help=f"messages.retain ({RETAIN})")
    parser.add_argument("--no-scrapes", action="store_true", help="do not read /metrics every second")
    parser.add_argument("--yardstick", action="store_true", help="look at the yardstick, which is not watched")
    parser.add_argument("--lock", type=Path, metavar="FILE", help="take turns with others: lock FILE for the load")
    parser.add_argument("--out", type=Path, help="results file (bench/results/<date>.json)")
    return parser.parse_args(argv)


def measure(options: argparse.Namespace, bench: Bench, command: Command) -> dict[str, Any]:
    """The load with the probe beside it."""
    profile = replace(PROFILES["paced"], pace=options.rate, messages=options.rate * options.seconds)
    scrapes = command.has_http and not options.no_scrapes
    with ExitStack() as stack:
        server = stack.enter_context(bench.start(command))
        stack.enter_context(bench.turn())
        stack.enter_context(Scraper(server.http) if scrapes else nullcontext())
        probe = stack.enter_context(Probe(server.port))
        run = bench.blast(server, profile)
    return {"run": run.as_dict(), "probes": len(probe.seconds), "probe_ms": probe.figures()}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, save. Returns the exit status."""
    options = parse_options(argv)
    signal.signal(signal.SIGTERM, terminated)
    try:
        tools = build()
    except MeterError as error:
        print(f"SKIPPED: the probe of stalls: {error}")
        return 0
    result = facts(tools)
    warn_when_busy(result["machine"])
    with tempfile.TemporaryDirectory(prefix="smppd-bench-") as directory:
        report = Path(directory) / "report.json"
        command = bare_asyncio("asyncio") if options.yardstick else watched(report, options.retain)
        bench = Bench(tools, command, command, "none", options.lock)
        try:
            result["stalls"] = measure(options, bench, command)
        except (ServerError, MeterError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        if report.exists():
            result["stalls"]["watch"] = json.loads(report.read_text())
    show(result["stalls"])
    result["valid"] = not result["stalls"]["run"]["faults"]
    print(f"written to {save(result, options.out)}")
    return 0 if result["valid"] else 1


def show(stalls: dict[str, Any]) -> None:
    """The figures, for people."""
    run = stalls["run"]
    print(f"{run['server']}: {run['rate']:,.0f}/s, response p99 {run['p99_ms']} ms, p99.9 {run['p999_ms']} ms")
    print(f"enquire_link, {stalls['probes']} times, ms: {stalls['probe_ms']}")
    for kind, times in stalls.get("watch", {}).items():
        for name, each in times.items():
            print(f"  {kind:<12} {name:<55} {each}")
    for fault in run["faults"]:
        print(f"INVALID: {fault}")


if __name__ == "__main__":
    sys.exit(main())
