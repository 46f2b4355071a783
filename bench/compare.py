"""Compare two results files of bench.e2e.ratio: did a change make the server faster?

    .venv/bin/python -m bench.compare bench/results/BEFORE.json bench/results/AFTER.json

Ratios to the yardstick are compared, not messages per second: those depend on what else the machine did that day.
"""

import json
import sys
from pathlib import Path
from typing import Any

from bench.e2e.figures import Quartiles


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """One line per profile: both ratios, the change of the medians, and whether the quartiles still overlap."""
    old, new = before["profiles"], after["profiles"]
    return [_line(name, old.get(name), new.get(name)) for name in {**old, **new}]


def _line(name: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> str:
    if before is None or after is None:
        return f"{name:<12} only in the {'second' if before is None else 'first'} file"
    old, new = Quartiles(**before["ratio"]), Quartiles(**after["ratio"])
    overlap = old.low <= new.high and new.low <= old.high
    verdict = "  (within the noise)" if overlap else ""
    return f"{name:<12} {old}  ->  {new}  {new.median / old.median - 1:+.0%}{verdict}"


def main(argv: list[str]) -> int:
    """Print the comparison. Exit status 2 for unreadable files."""
    if len(argv) != 2:
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    try:
        before, after = (json.loads(Path(name).read_text()) for name in argv)
        lines = compare(before, after)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"not two results files of bench.e2e.ratio: {error!r}", file=sys.stderr)
        return 2
    for name, result in zip(argv, (before, after), strict=True):
        print(f"{name}: {result.get('created', '?')}, {'valid' if result.get('valid') else 'NOT VALID'}")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
