"""`smppd`, with each callback of its event loop timed; for bench.e2e.stalls.

    python -m bench.e2e.watched REPORT.json serve ...

At the end REPORT.json tells which callbacks took LONG_SECONDS or more, and what the garbage collector did. Times are
processor time of the thread: what the rest of the machine does is not in them. On asyncio alone: uvloop's handles are
not Python's.
"""

import asyncio
import gc
import json
import sys
import time
from pathlib import Path
from typing import Any

from smppd.cli.main import main

LONG_SECONDS = 0.002


class Times:
    """How often something happened, and how long it took in all and at most."""

    def __init__(self) -> None:
        self.count, self.total, self.longest = 0, 0.0, 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.count += 1
        self.total += seconds
        self.longest = max(self.longest, seconds)

    def as_dict(self) -> dict[str, float]:
        """In milliseconds."""
        return {
            "count": self.count,
            "total_ms": round(1000 * self.total, 2),
            "longest_ms": round(1000 * self.longest, 2),
        }


class Watch:
    """What takes long in this process."""

    def __init__(self) -> None:
        self.callbacks: dict[str, Times] = {}
        self.collections: dict[str, Times] = {}
        self._begin = 0.0

    def install(self) -> None:
        """Watch from now on: the loop's callbacks and the garbage collector."""
        handles: Any = asyncio.Handle  # whose inner methods are nobody else's business
        run_plain = handles._run  # noqa: SLF001

        def run(handle: Any) -> None:
            callback = handle._callback  # noqa: SLF001
            name = getattr(callback, "__qualname__", None) or type(callback).__name__
            begin = time.thread_time()
            run_plain(handle)
            seconds = time.thread_time() - begin
            if seconds >= LONG_SECONDS:
                self.callbacks.setdefault(name, Times()).add(seconds)

        handles._run = run  # noqa: SLF001
        gc.callbacks.append(self._collected)

    def _collected(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._begin = time.thread_time()
        else:
            generation = f"generation {info['generation']}"
            self.collections.setdefault(generation, Times()).add(time.thread_time() - self._begin)

    def report(self) -> dict[str, dict[str, dict[str, float]]]:
        """What was seen, the longest first."""
        found = {"callbacks": self.callbacks, "collections": self.collections}
        return {
            kind: {name: each.as_dict() for name, each in sorted(times.items(), key=lambda item: -item[1].longest)}
            for kind, times in found.items()
        }


if __name__ == "__main__":
    watch = Watch()
    watch.install()
    report = Path(sys.argv.pop(1))
    try:
        sys.exit(main())
    finally:
        report.write_text(json.dumps(watch.report()))
