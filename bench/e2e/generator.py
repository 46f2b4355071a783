"""How fast is `smppd load`, as a ratio to the C meter smppblast, both against the bare asyncio yardstick?

    .venv/bin/python -m bench.e2e.generator [--pairs 7] [--messages 300000] [--window 1000] [--loop asyncio]

One bind, one worker process, closed loop, the same fixed text from both. Each run meets a freshly started yardstick.
The server must be the bottleneck: where its share of a core is well below 100 %, others use the machine, and who needs
less of it wins. Rates have one definition: messages answered, from the first submit_sm to the last response. Exit
status 1 when a run is not a result but a bug, or with --bound when the ratio's median is below it.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

if __package__ in (None, ""):  # started as a file: the repository's root is not on the path
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.ab import MAIN, PAIRS, AbError, check, python_of
from bench.e2e.figures import Quartiles
from bench.e2e.meter import LOAD_SECONDS, PASSWORD, USER, MeterError, Profile, Tools, blast, build
from bench.e2e.results import bounded
from bench.e2e.servers import ROOT, Command, Server, ServerError, bare_asyncio
from bench.e2e.session import HOST

MESSAGES = 300_000  # about a second at the rates that are compared here
WINDOW = 1000
TEXT = "a" * 40  # what smppblast sends
SOURCE, DESTINATION = "12345", "447700000000"
HONEST = (
    *("errors", "throttled", "unanswered", "lost"),
    *("missing_ids", "duplicate_ids", "doubled_answers", "unknown_answers"),
)
"""Counters of the report that are 0 in an honest run."""


@dataclass(frozen=True)
class GeneratorRun:
    """One load by one generator. The CPU share is of one core, over the time that was measured."""

    rate: float
    cpu_share: float
    server_cpu_share: float
    faults: tuple[str, ...]


def load_argv(port: int, profile: Profile, loop: str) -> list[str]:
    """The command line of `smppd load` for a profile; the code is that of this tree."""
    argv = [*python_of(ROOT), "-c", MAIN, "load", f"{HOST}:{port}", "--system-id", USER, "--password", PASSWORD]
    argv += ["--binds", str(profile.connections), "--window", str(profile.window), "--count", str(profile.messages)]
    argv += ["--from", SOURCE, "--to", DESTINATION, "--text", TEXT, "--workers", "1", "--loop", loop]
    return [*argv, "--no-receipts", "--quiet", "--json", "-"]


def run_load(server: Server, profile: Profile, loop: str) -> GeneratorRun:
    """One load by `smppd load`. Raises MeterError when it fails."""
    before = server.cpu_seconds()
    argv = load_argv(server.port, profile, loop)
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=LOAD_SECONDS, cwd=ROOT)
    if done.returncode:
        raise MeterError(f"smppd load failed:\n{done.stderr.strip()}\n{server.output()}")
    report: dict[str, Any] = json.loads(done.stdout)
    seconds = report["seconds"]
    counters = report["counters"]
    return GeneratorRun(
        rate=report["rates"]["rate"],
        cpu_share=report["cpu_seconds"] / seconds,
        server_cpu_share=(server.cpu_seconds() - before) / seconds,
        faults=tuple(faults(counters, profile)),
    )


def faults(counters: dict[str, int], profile: Profile) -> list[str]:
    """What makes a run no result."""
    found = [f"{name}={counters[name]}" for name in HONEST if counters[name]]
    if counters["ok"] != profile.messages:
        found.append(f"{counters['ok']} of {profile.messages} accepted")
    return found


def run_blast(tools: Tools, server: Server, profile: Profile) -> GeneratorRun:
    """One load by the C meter."""
    run = blast(tools, server, profile)
    return GeneratorRun(run.rate, run.meter_cpu_share, run.cpu_share, run.faults)


def compare(tools: Tools, profile: Profile, pairs: int, loop: str) -> tuple[list[float], list[str]]:
    """The ratios of all pairs, and what was wrong. Meter and generator take turns at going first."""
    ratios: list[float] = []
    bad: list[str] = []
    yardstick = bare_asyncio(loop)

    def one(name: str) -> GeneratorRun:
        with start(yardstick) as server:
            run = run_load(server, profile, loop) if name == "load" else run_blast(tools, server, profile)
        shares = f"generator {run.cpu_share:>4.0%}, server {run.server_cpu_share:>4.0%} of a core"
        print(f"  {name:<6} {run.rate:>9,.0f}/s  {shares}", flush=True)
        bad.extend(f"INVALID: {name}: {fault}" for fault in run.faults)
        return run

    for number in range(pairs):
        print(f"pair {number + 1}/{pairs}", flush=True)
        names = ("blast", "load") if number % 2 == 0 else ("load", "blast")
        runs = {name: one(name) for name in names}
        ratios.append(runs["load"].rate / runs["blast"].rate)
    return ratios, bad


def start(command: Command) -> Server:
    """A server that is ended however this program ends."""
    return Server(command, user=USER, password=PASSWORD)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=bounded(1, 1000), default=PAIRS)
    parser.add_argument("--messages", type=bounded(1, 10_000_000), default=MESSAGES)
    parser.add_argument("--window", type=bounded(1, 60_000), default=WINDOW)
    parser.add_argument("--connections", type=bounded(1, 1000), default=1)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    parser.add_argument("--bound", type=float, default=0.0, help="fail when the median is below it")
    options = parser.parse_args(arguments)
    profile = Profile("generator", options.connections, options.window, options.messages, receipts=False, about="")
    signal.signal(signal.SIGTERM, _terminated)
    os.environ["NO_COLOR"] = "1"
    try:
        check(ROOT)
        ratios, bad = compare(build(), profile, options.pairs, options.loop)
    except (AbError, MeterError, ServerError) as error:
        print(error, file=sys.stderr)
        return 1
    quartiles = Quartiles.of(ratios)
    print(f"\nratio smppd load : smppblast = {quartiles} ({options.pairs} pairs, {options.messages:,} messages each)")
    for line in bad:
        print(line)
    return 1 if bad or quartiles.median < options.bound else 0


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(143)  # unwinds, so that every server is ended


if __name__ == "__main__":
    sys.exit(main())
