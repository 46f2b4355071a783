"""How fast is smppd, as a ratio to the bare asyncio yardstick on the same machine in the same minutes?

    .venv/bin/python -m bench.e2e.ratio [--profile receipts] [--pairs 5] [--messages N] [--loop asyncio|uvloop]
    .venv/bin/python -m bench.e2e.ratio --target '{python} bench/meter/bare_asyncio.py {port}'

Exit status 1 when a run is not a result but a bug (wrong, missing or refused answers). See bench/README.md.
"""

import argparse
import fcntl
import importlib.util
import os
import signal
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

if __package__ in (None, ""):  # started as a file: the repository's root is not on the path
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.e2e.figures import HEADINGS, Pair, Quartiles, Summary, cpu_quartiles, invalid, profile_result, row
from bench.e2e.meter import (
    MIB,
    PACED_SECONDS,
    PASSWORD,
    PROFILES,
    USER,
    MeterError,
    Profile,
    Run,
    Tools,
    blast,
    build,
)
from bench.e2e.results import bounded, facts, save, terminated, warn_when_busy
from bench.e2e.scrape import Scraper
from bench.e2e.servers import Command, Server, ServerError, bare_asyncio, smppd

PAIRS = 5
SUSTAINED_RUNS = 3  # their median is the rate that a paced profile takes its share of
SETTLE_SECONDS = 0.3  # after a load: what is still to be freed is freed, what is due at once becomes final
WARM_UP_MESSAGES, RETAINED_MESSAGES = 20_000, 100_000  # memory: arenas, caches and pools grow before the first reading
MAX_PAIRS = 1_000


class Bench:
    """The servers to compare and the meter to compare them with."""

    def __init__(self, tools: Tools, yardstick: Command, target: Command, pin: str, lock: Path | None = None) -> None:
        """`pin`: "same" core for server and meter, "apart" on two, "none"; `lock`: a file locked during each load."""
        self._tools = tools
        self._lock = lock
        self.yardstick = yardstick
        self.target = target
        cores = sorted(os.sched_getaffinity(0))
        self._server_cores = None if pin == "none" else {cores[0]}
        self._meter_cores = None if pin == "none" else {cores[0] if pin == "same" else cores[-1]}

    def start(self, command: Command) -> Server:
        """A server to use in a `with` statement."""
        return Server(command, cores=self._server_cores, user=USER, password=PASSWORD)

    def load(self, server: Server, profile: Profile) -> Run:
        """One load against a running server; while a paced one runs, the metrics are read every second."""
        with self.turn():
            if not (profile.pace and server.command.has_http):
                return self.blast(server, profile)
            with Scraper(server.http) as scraper:
                run = self.blast(server, profile)
        report = {**run.report, "scrapes": len(scraper.seconds), "longest_scrape_s": max(scraper.seconds, default=0.0)}
        return replace(run, report=report, faults=(*run.faults, *scraper.failures))

    def blast(self, server: Server, profile: Profile) -> Run:
        """One load and nothing else."""
        return blast(self._tools, server, profile, self._meter_cores)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Alone on the machine, as far as others keep to the lock."""
        if self._lock is None:
            yield
            return
        with self._lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def paced(self, profile: Profile) -> Profile:
        """A paced profile with its rate: a share of what the target sustains under the receipts profile."""
        runs = [self.run(self.target, PROFILES["receipts"]) for _ in range(SUSTAINED_RUNS)]
        pace = profile.share * statistics.median(run.rate for run in runs)
        print(f"  {profile.share:.0%} of it: {pace:,.0f}/s", flush=True)
        return replace(profile, pace=round(pace), messages=profile.messages or round(pace * PACED_SECONDS))

    def run(self, command: Command, profile: Profile) -> Run:
        """Start, load, end; says so in one line."""
        with self.start(command) as server:
            run = self.load(server, profile)
        print(f"  {command.name:<8} {run.rate:>9,.0f}/s  server {run.cpu_share:>4.0%} of a core", flush=True)
        for line in invalid([run]):
            print(f"  {line}", flush=True)
        return run

    def pairs(self, profile: Profile, count: int) -> list[Pair]:
        """Yardstick and target in turn; which of them comes first alternates, so that a drift favours neither."""
        pairs = []
        for number in range(count):
            print(f"{profile.name} {number + 1}/{count}", flush=True)
            if number % 2:
                target = self.run(self.target, profile)
                pairs.append(Pair(self.run(self.yardstick, profile), target))
            else:
                yardstick = self.run(self.yardstick, profile)
                pairs.append(Pair(yardstick, self.run(self.target, profile)))
        return pairs

    def floor(self, profile: Profile) -> list[Run]:
        """One run of the C floor beside the pairs, for scale."""
        return [self.run(self._tools.floor, profile)] if self._tools.floor else []

    def memory(self, command: Command) -> tuple[dict[str, float], list[str]]:
        """Idle memory and the growth per message kept; the command must keep RETAINED_MESSAGES and more."""
        profile = PROFILES["submit"]
        with self.start(command) as server:
            time.sleep(SETTLE_SECONDS)
            idle = server.rss()
            readings, runs = [], []
            for messages in (WARM_UP_MESSAGES, RETAINED_MESSAGES):
                runs.append(self.load(server, replace(profile, messages=messages)))
                time.sleep(SETTLE_SECONDS)
                readings.append(server.rss())
        per_message = (readings[1] - readings[0]) / RETAINED_MESSAGES
        return {"idle_mib": round(idle / MIB, 1), "octets_per_message": round(per_message)}, invalid(runs)


def compare(bench: Bench, profiles: Sequence[Profile], count: int) -> tuple[dict[str, Any], list[str]]:
    """Every profile in pairs, with the floor beside; prints the tables at the end."""
    result: dict[str, Any] = {"profiles": {}}
    tables: list[str] = []
    bad: list[str] = []
    starts: dict[str, list[float]] = {}
    for each in profiles:
        profile = bench.paced(each) if each.share else each
        pairs = bench.pairs(profile, count)
        beside = bench.floor(profile)
        result["profiles"][profile.name] = {
            **profile_result(pairs, beside),
            "messages": profile.messages,
            "pace": profile.pace,
        }
        yardsticks, targets = [pair.yardstick for pair in pairs], [pair.target for pair in pairs]
        sides = [runs for runs in (yardsticks, targets, beside) if runs]
        bad += [f"{profile.name}: {line}" for runs in sides for line in invalid(runs)]
        tables += ["", f"{profile.name}: {profile.about} ({profile.messages:,} messages, {count} pairs)", HEADINGS]
        tables += [row(Summary.of(runs)) for runs in sides]
        ratio = f"ratio {bench.target.name} : {bench.yardstick.name} = {Quartiles.of(pair.ratio for pair in pairs)}"
        tables.append(f"{ratio}; in processor time {cpu_quartiles(pairs)}")
        if profile.pace:
            p99, p999 = (Quartiles.of(getattr(pair, name) for pair in pairs) for name in ("p99_ratio", "p999_ratio"))
            tables.append(f"ratio of the times at {profile.pace:,.0f} messages/s: p99 {p99}; p99.9 {p999}")
        for runs in sides:
            starts.setdefault(runs[0].server, []).extend(run.start_seconds for run in runs)
    print("\n".join(tables))
    result["start_seconds"] = {name: Quartiles.of(values)._asdict() for name, values in starts.items()}
    print("\nstart to first bind, seconds, median [quartiles]")
    for name, values in starts.items():
        print(f"  {name:<8} {Quartiles.of(values)}")
    return result, bad


def measure_memory(bench: Bench, target: Command) -> tuple[dict[str, Any], list[str]]:
    """Memory of both sides; `target` is the command that keeps enough messages."""
    result: dict[str, Any] = {}
    bad: list[str] = []
    print(f"\nmemory: idle, and per message kept (the difference over {RETAINED_MESSAGES:,} messages)")
    for command in (bench.yardstick, target):
        figures, faults = bench.memory(command)
        result[command.name] = figures
        bad += [f"memory: {line}" for line in faults]
        print(f"  {command.name:<8} {figures['idle_mib']:>6.1f} MiB  {figures['octets_per_message']:>6.0f} octets")
    return result, bad


def parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; ends the program with status 2 on a mistake."""
    parser = argparse.ArgumentParser(prog="bench.e2e.ratio", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--profile", action="append", choices=list(PROFILES), help="only this one (repeatable)")
    parser.add_argument("--pairs", type=bounded(1, MAX_PAIRS), default=PAIRS, help=f"runs of each side ({PAIRS})")
    parser.add_argument("--messages", type=bounded(1, 20_000_000), help="of one run, in every profile")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio", help="event loop of both sides")
    parser.add_argument("--target", metavar="COMMAND", help="measure this server; {port}, {http}, {python}: filled in")
    parser.add_argument("--yardstick", metavar="COMMAND", help="compare with this server, not with bare_asyncio.py")
    parser.add_argument("--pin", choices=("none", "same", "apart"), default="none", help="cores of server and meter")
    parser.add_argument("--lock", type=Path, metavar="FILE", help="take turns with others: lock FILE for each load")
    parser.add_argument("--no-memory", action="store_true", help="leave out the memory figures")
    parser.add_argument("--out", type=Path, help="results file (bench/results/<date>.json)")
    options = parser.parse_args(argv)
    if options.loop == "uvloop" and importlib.util.find_spec("uvloop") is None:
        parser.error("uvloop is not installed: pip install 'smppd[speed]'")
    try:
        options.yardstick_command = (
            Command.parse("yardstick", options.yardstick) if options.yardstick else bare_asyncio(options.loop)
        )
        options.target_command = Command.parse("target", options.target) if options.target else smppd(options.loop)
        # For the memory figures our own server is told to keep them all; a foreign command is taken as it is.
        kept = f"messages.retain={WARM_UP_MESSAGES + RETAINED_MESSAGES}"
        options.memory_command = options.target_command if options.target else smppd(options.loop, (kept,))
    except ValueError as error:
        parser.error(str(error))
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, save. Returns the exit status."""
    options = parse_options(argv)
    signal.signal(signal.SIGTERM, terminated)
    try:
        tools = build()
    except MeterError as error:
        print(f"SKIPPED: the end-to-end benchmark: {error}")
        return 0
    bench = Bench(tools, options.yardstick_command, options.target_command, options.pin, options.lock)
    chosen = [PROFILES[name] for name in options.profile or PROFILES]
    if options.messages:
        chosen = [replace(profile, messages=options.messages) for profile in chosen]
    result: dict[str, Any] = facts(tools)
    result["options"] = {"loop": options.loop, "pairs": options.pairs, "pin": options.pin}
    result["commands"] = {command.name: command.template for command in (bench.yardstick, bench.target)}
    warn_when_busy(result["machine"])
    try:
        compared, bad = compare(bench, chosen, options.pairs)
        result |= compared
        if not options.no_memory:
            result["memory"], faults = measure_memory(bench, options.memory_command)
            bad += faults
    except (ServerError, MeterError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; nothing was saved", file=sys.stderr)
        return 130
    result["valid"] = not bad
    print(f"\nwritten to {os.path.relpath(save(result, options.out))}")
    if bad:
        print("\nNot a result but a bug:\n" + "\n".join(bad), file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
