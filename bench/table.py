"""Results files as Markdown tables, for docs/speed.md.

.venv/bin/python -m bench.table bench/results/RATIO.json [bench/results/AGEING.json ...]
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.e2e.figures import Quartiles


def tables(result: dict[str, Any]) -> Iterator[str]:
    """The lines of one results file: where it comes from, then a table for each part that it has."""
    machine, versions = result["machine"], result["versions"]
    yield (
        f"{result['created'][:10]}, commit {versions['commit'][:10]}, Python {versions['python']}, {machine['cpu']}, "
        f"{machine['cores']} cores, Linux {machine['kernel']}; "
        f"load average before {machine['load_average_before']:.1f}."
    )
    if not result.get("valid"):
        yield "**NOT VALID**: there were wrong, missing or refused answers."
    for part, lines in (("profiles", _profiles), ("memory", _memory), ("ageing", _ageing), ("stalls", _stalls)):
        if part in result:
            yield ""
            yield from lines(result)


def _table(*headings: str) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"


def _profiles(result: dict[str, Any]) -> Iterator[str]:
    yield from _table("profile", "messages/s, smppd : bare", "processor time", "p99, smppd : bare", "p99.9", "smppd/s")
    for name, profile in result["profiles"].items():
        shown = [_ratio(profile[key]) for key in ("ratio", "cpu_ratio", "p99_ratio", "p999_ratio")]
        yield f"| {name} | {' | '.join(shown)} | {profile['servers'][1]['rate']:,.0f} |"


def _memory(result: dict[str, Any]) -> Iterator[str]:
    yield from _table("server", "start to first bind, s", "idle, MiB", "octets per message kept")
    for name, memory in result["memory"].items():
        start = result["start_seconds"][name]["median"]
        yield f"| {name} | {start:.2f} | {memory['idle_mib']:.0f} | {memory['octets_per_message']:,} |"


def _ageing(result: dict[str, Any]) -> Iterator[str]:
    yield from _table("server", "messages/s, to a plain one", "processor time", "peak MiB")
    for case in result["ageing"].values():
        peak = max(run["peak_rss_mib"] for run in case["runs"])
        yield f"| {case['about']} | {_ratio(case['ratio'])} | {_ratio(case['cpu_ratio'])} | {peak:,.0f} |"
    age = result["ageing"].get("age")
    if age:
        yield ""
        yield from _table("million", "messages/s", "resident MiB", "p99.9 ms")
        for each in age["rounds"]:
            yield f"| {each['million_messages']} | {each['rate']:,.0f} | {each['rss_mib']:.0f} | {each['p999_ms']} |"
        yield ""
        last = age["last_to_first"]
        beside = last["rate_beside_a_young_one"]
        yield f"Last round to first: {last['rate']} in messages/s, {beside} beside a young server."


def _stalls(result: dict[str, Any]) -> Iterator[str]:
    stalls = result["stalls"]
    yield from _table("server", "enquire_link p50, ms", "p99", "p99.9", "longest")
    yield f"| {stalls['run']['server']} | {' | '.join(str(value) for value in stalls['probe_ms'].values())} |"


def _ratio(quartiles: dict[str, float] | None) -> str:
    return "" if quartiles is None else str(Quartiles(**quartiles))


def main(argv: list[str]) -> int:
    """Print the tables. Exit status 2 for unreadable files."""
    if not argv:
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    try:
        lines = [[*tables(json.loads(Path(name).read_text()))] for name in argv]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        print(f"not a results file of bench/e2e: {error!r}", file=sys.stderr)
        return 2
    print("\n\n".join("\n".join(each) for each in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
