"""The whole of what a load test found as plain values: what --json writes and the HTML report carries inside."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smppd.load.adaptive import Outcome
    from smppd.load.result import Result
    from smppd.load.tables import Check


def as_json(result: Result, checks: Sequence[Check] = (), outcome: Outcome | None = None) -> dict[str, Any]:
    """Return the result, the thresholds with what was measured, and the search if there was one (`adaptive`)."""
    document = result.as_json() | {"thresholds": [asdict(check) for check in checks]}
    if outcome is not None:
        document["adaptive"] = outcome.as_json()
    return document
