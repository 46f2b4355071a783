"""Two results files side by side: did a change make the server faster, or slower?

    .venv/bin/python -m bench.compare bench/results/BEFORE.json bench/results/AFTER.json

Ratios to the yardstick (bench.e2e.ratio) or to a plain server (bench.e2e.ageing) are compared, not messages per second:
those depend on what else the machine did that day.
"""

import json
import sys
from pathlib import Path
from typing import Any

from bench.e2e.figures import Quartiles

PACED = {"p99_ratio": "p99", "p999_ratio": "p99.9"}
"""What counts in a paced profile, where both sides have the same rate: times, of which less is better."""


def measures(result: dict[str, Any]) -> dict[str, Quartiles]:
    """The ratios of a results file, each under the name it is shown with."""
    found: dict[str, Quartiles] = {}
    for name, profile in result.get("profiles", {}).items():
        if profile.get("pace"):
            found |= {f"{name} {label}": Quartiles(**profile[key]) for key, label in PACED.items()}
        else:
            found[name] = Quartiles(**profile["ratio"])
    found |= {name: Quartiles(**case["ratio"]) for name, case in result.get("ageing", {}).items()}
    if not found:
        raise ValueError("no profiles, no ageing")
    return found


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """One line per ratio: both, the change of the medians, and whether the quartiles still overlap."""
    old, new = measures(before), measures(after)
    return [_line(name, old.get(name), new.get(name)) for name in {**old, **new}]


def _line(name: str, old: Quartiles | None, new: Quartiles | None) -> str:
    if old is None or new is None:
        return f"{name:<12} only in the {'second' if old is None else 'first'} file"
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
        print(f"not two results files of the same benchmark: {error!r}", file=sys.stderr)
        return 2
    for name, result in zip(argv, (before, after), strict=True):
        print(f"{name}: {result.get('created', '?')}, {'valid' if result.get('valid') else 'NOT VALID'}")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
