"""Build the C meter (bench/meter/) and run it: one load against one server, one JSON line of figures, judged."""

import json
import resource
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.e2e.servers import ROOT, Command, Server

SOURCES = ROOT / "bench" / "meter"
BINARIES = SOURCES / "bin"
LOAD_SECONDS = 120  # one load may take this long in all
RECEIPT_SECONDS = 10  # without a further receipt, after which the meter stops waiting
FAULTS = ("badseq", "dupid", "unknownid", "noid", "other", "err")  # smppblast's keys that are 0 in an honest run
PACED_SECONDS = 5.0  # of a paced load: five scrapes, and half a million messages' percentiles
USER, PASSWORD = "smppclient1", "password"
MIB = 1024 * 1024


class MeterError(Exception):
    """The meter could not be built or gave no figures."""


@dataclass(frozen=True)
class Profile:
    """A load: how many binds, how many unanswered submit_sm on each, and whether receipts are asked for.

    `share` makes it a paced one: so much of the rate that the target sustains, for PACED_SECONDS. Then `pace` and
    `messages` are filled in by whoever has measured that rate.
    """

    name: str
    connections: int
    window: int
    messages: int
    receipts: bool
    about: str
    share: float = 0.0
    pace: float = 0.0
    """Messages per second of all binds together; 0: as fast as the window allows."""
    destinations: int = 1000
    """Different destination addresses."""

    @property
    def rate(self) -> str:
        """The key of smppblast's report that counts messages per second in this profile."""
        return "msgs_per_s_with_receipts" if self.receipts else "submits_per_s"


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("receipts", 4, 100, 200_000, receipts=True, about="4 binds, window 100, until the last receipt is in"),
        Profile("submit", 4, 500, 300_000, receipts=False, about="4 binds, window 500, no receipts"),
        Profile("latency", 1, 1, 20_000, receipts=False, about="1 bind, one message at a time"),
        Profile(
            "paced",
            4,
            5000,
            0,
            receipts=True,
            about="4 binds, 60% of what smppd sustains, /metrics read every second",
            share=0.6,
        ),
        Profile("connections", 500, 2, 200_000, receipts=False, about="500 binds, window 2"),
    )
}


@dataclass(frozen=True)
class Run:
    """One load against one freshly started server. CPU shares are of one core, over the whole load."""

    server: str
    rate: float
    """Messages per second: with receipts until the last receipt, else until the last response."""
    p50_ms: float
    p99_ms: float
    p999_ms: float
    cpu_share: float
    meter_cpu_share: float
    cpu_us_per_message: float
    start_seconds: float
    idle_rss_mib: float
    peak_rss_mib: float
    faults: tuple[str, ...]
    report: Mapping[str, Any]
    """smppblast's own figures."""

    def as_dict(self) -> dict[str, Any]:
        """For the results file."""
        return asdict(self)


@dataclass(frozen=True)
class Tools:
    """The built meter; `floor` is None where smppfloor does not compile."""

    blast: Path
    floor: Command | None
    compiler: str


def build() -> Tools:
    """Compile what is missing or older than its source. Raises MeterError when there is no smppblast."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise MeterError("no C compiler (gcc): the meter smppblast cannot be built")
    BINARIES.mkdir(exist_ok=True)
    blast = _compile(compiler, "smppblast")
    try:
        floor = Command("floor", (str(_compile(compiler, "smppfloor")), "{port}"))
    except MeterError as error:
        print(f"smppfloor is skipped: {error}")
        floor = None
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False).stdout
    return Tools(blast, floor, version.partition("\n")[0])


def _compile(compiler: str, name: str) -> Path:
    source, binary = SOURCES / f"{name}.c", BINARIES / name
    if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
        # -w: the sources are the neutral meter's, not ours to tidy
        argv = [compiler, "-O2", "-w", "-o", str(binary), str(source)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise MeterError(f"{name}.c does not compile:\n{done.stderr.strip()}")
    return binary


def blast(tools: Tools, server: Server, profile: Profile, cores: set[int] | None = None) -> Run:
    """Load a running server and gather what the meter and /proc say. Raises MeterError when the meter fails."""
    argv = [str(tools.blast), "-h", "127.0.0.1", "-p", str(server.port), "-u", USER, "-P", PASSWORD]
    argv += ["-c", str(profile.connections), "-w", str(profile.window), "-n", str(profile.messages)]
    argv += ["-D", str(profile.destinations), "-R", str(profile.pace)]
    argv += ["-d", str(int(profile.receipts)), "-T", str(RECEIPT_SECONDS), "-X", str(LOAD_SECONDS)]
    if cores:
        argv = ["taskset", "-c", ",".join(map(str, sorted(cores))), *argv]
    idle, cpu, meter_cpu, begin = server.rss(), server.cpu_seconds(), _children_cpu(), time.monotonic()
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=LOAD_SECONDS + 30)
    except subprocess.TimeoutExpired:
        raise MeterError(f"the meter does not end ({profile.name} against {server.command.name})") from None
    wall = time.monotonic() - begin
    if done.returncode:
        raise MeterError(f"the meter failed on {server.command.name}: {done.stderr.strip()}\n{server.output()}")
    report: dict[str, Any] = json.loads(done.stdout)
    cpu = server.cpu_seconds() - cpu
    return Run(
        server=server.command.name,
        rate=float(report[profile.rate]),
        p50_ms=report["p50_ms"],
        p99_ms=report["p99_ms"],
        p999_ms=report["p999_ms"],
        cpu_share=round(cpu / wall, 3),
        meter_cpu_share=round((_children_cpu() - meter_cpu) / wall, 3),
        cpu_us_per_message=round(cpu / profile.messages * 1e6, 2),
        start_seconds=round(server.start_seconds, 3),
        idle_rss_mib=round(idle / MIB, 1),
        peak_rss_mib=round(server.peak_rss() / MIB, 1),
        faults=tuple(faults(report, profile)),
        report=report,
    )


def faults(report: Mapping[str, Any], profile: Profile) -> list[str]:
    """What makes a run no result: wrong or refused answers, and answers, receipts or connections that are missing."""
    found = [f"{key}={report[key]}" for key in FAULTS if report[key]]
    if report["errors"]:
        found.append("statuses " + ", ".join(f"{status}: {count}" for status, count in report["errors"].items()))
    answered = report["ok"] + report["err"]
    if answered != profile.messages:
        found.append(f"{profile.messages - answered} of {profile.messages} without a response")
    if profile.receipts and report["receipts"] != report["ok"]:
        found.append(f"{report['receipts']} receipts for {report['ok']} messages")
    if report["open"] != profile.connections:
        found.append(f"{profile.connections - report['open']} connections lost")
    return found


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)  # those waited for: here, the meter alone
    return usage.ru_utime + usage.ru_stime
