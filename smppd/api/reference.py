"""The table of all endpoints in docs/api.md, made of the route table.

`python -m smppd.api.reference` prints it; with the name of a file it is put there, between the two marks.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from smppd.api.endpoints import all_endpoints

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from smppd.api.endpoint import Endpoint

BEGIN: Final = "<!-- endpoints: made by python -m smppd.api.reference -->"
END: Final = "<!-- end of endpoints -->"


def tables(endpoints: Iterable[Endpoint]) -> str:
    """A table for each tag, in the order of the route table."""
    parts = []
    for tag, rows in groupby(endpoints, key=lambda endpoint: endpoint.tag):
        lines = [f"### {tag}", "", "| endpoint | token | what it does |", "|---|---|---|"]
        lines += [f"| `{row.method} {row.path}` | {row.role} | {_told(row)} |" for row in rows]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _told(endpoint: Endpoint) -> str:
    text = f"{endpoint.summary}. {endpoint.description}".rstrip()
    return " ".join(text.split()).replace("|", "\\|")


def updated(text: str, endpoints: Iterable[Endpoint]) -> str:
    """A document with what stands between its marks made anew. Raises ValueError when it has none."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"there are no lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{tables(endpoints)}\n\n{END}{after}"


def main(arguments: Sequence[str]) -> None:
    """Print the tables, or put them into a file."""
    if not arguments:
        sys.stdout.write(tables(all_endpoints()) + "\n")
        return
    path = Path(arguments[0])
    path.write_text(updated(path.read_text(encoding="utf-8"), all_endpoints()), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
