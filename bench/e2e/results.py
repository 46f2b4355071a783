"""What all benchmarks share: the results file with the facts of the machine, and bits of a command line."""

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from bench.e2e.meter import Tools
from bench.e2e.servers import ROOT

RESULTS = ROOT / "bench" / "results"
BUSY_LOAD = 0.5  # load average per core above which the machine is not quiet enough to quote figures


def facts(tools: Tools) -> dict[str, Any]:
    """When, on what machine, with which versions: figures without them mean nothing."""
    cpus = Path("/proc/cpuinfo").read_text()
    model = next((line.partition(":")[2].strip() for line in cpus.splitlines() if "model name" in line), "")
    memory = Path("/proc/meminfo").read_text().partition("\n")[0].split()[1]
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpu": model or platform.machine(),
            "cores": len(os.sched_getaffinity(0)),
            "memory_mib": int(memory) // 1024,
            "kernel": platform.release(),
            "load_average_before": os.getloadavg()[0],
        },
        "versions": {
            "commit": git("rev-parse", "HEAD"),
            "changed_files": len(git("status", "--porcelain").splitlines()),
            "python": platform.python_version(),
            "compiler": tools.compiler,
            **{name: version(name) for name in ("smppd", "uvloop", "orjson", "msgspec")},
        },
    }


def save(result: dict[str, Any], path: Path | None) -> Path:
    """Write the results file; its default name is the date and time in UTC."""
    if path is None:
        path = RESULTS / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    return path


def warn_when_busy(machine: dict[str, Any]) -> None:
    """Say so when others use the machine."""
    if machine["load_average_before"] > BUSY_LOAD * machine["cores"]:
        load = machine["load_average_before"]
        print(f"warning: the machine is busy (load average {load:.1f}): only ratios mean something, if anything")


def terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    """A signal handler: the program unwinds, so that every server is ended."""
    raise SystemExit(143)


def bounded(low: int, high: int) -> Any:
    """An argument type of argparse: a whole number from `low` to `high`."""

    def parse(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{low} to {high}")
        return value

    parse.__name__ = "number"
    return parse


def version(name: str) -> str:
    """Of an installed distribution; "" when it is not."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def git(*words: str) -> str:
    """The output of git; "" where there is none."""
    try:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""
