"""The report as one HTML file that opens without a network.

Style, scripts and data are inside the file. The Content-Security-Policy names the scripts and styles by their hash and
allows nothing else, so that nothing which came from an SMSC could run even if an escape were missing. Values reach the
page in two ways only: escaped by `_text`, or as JSON in which no character can end its block (`embedded_json`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from functools import cache
from html import escape as escape_html
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any, Final

from smppd import __version__
from smppd.load import figures
from smppd.load.report import as_json
from smppd.load.result import interval_json, public
from smppd.load.tables import NAMES, Row, Table, address, facts, tables, warnings
from smppd.observe.logs import escape as escape_unprintable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from smppd.load.adaptive import Outcome
    from smppd.load.histogram import Histogram
    from smppd.load.result import Latency, Result
    from smppd.load.tables import Check, Mood

PLOT_SCRIPT: Final = "uplot/uPlot.iife.min.js"
PLOT_LICENCE: Final = "uplot/LICENSE"
PLOT_STYLE: Final = "uplot/uPlot.min.css"
SCRIPT: Final = "report.js"
STYLE: Final = "report.css"
PAGE: Final = "report.html"

POINTS_PER_DECADE: Final = 20
"""Of the curve by percentile: from 90 % to 99 % and so on. More cannot be told apart on a screen."""

_UNSAFE_IN_SCRIPT: Final = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
"""What could end a script block or open a comment in one; the same in any JSON string."""


def report(result: Result, *, checks: Sequence[Check] = (), outcome: Outcome | None = None) -> str:
    """Return the page. `checks`: the user's thresholds; `outcome`: of the search that `result` is the end of."""
    return Template(asset(PAGE)).substitute(
        policy=escape_html(policy()),
        title=_text(f"Load test of {address(result.target)}"),
        facts=_text(f"{result.started_at:%Y-%m-%d %H:%M:%S %Z}; {facts(result, outcome)}"),
        badge=_badge(checks),
        warnings="\n".join(f'<p class="warning" role="note">{_text(warning)}</p>' for warning in warnings(result)),
        tiles="\n".join(_tiles(result, outcome)),
        tables="\n".join(_table(table) for table in tables(result, checks, outcome)),
        details="\n".join(_details(table) for table in (_configuration(result), _seconds(result)) if table.rows),
        footer=_text(f"smppd {__version__}. The whole result is in this page as JSON, in the element #result."),
        plot_style=asset(PLOT_STYLE),
        style=asset(STYLE),
        plot_licence=_text(asset(PLOT_LICENCE)),
        result=embedded_json(as_json(result, checks, outcome)),
        series=embedded_json(series(result)),
        plot_script=asset(PLOT_SCRIPT),
        script=asset(SCRIPT),
    )


@cache
def asset(name: str) -> str:
    """Return a file of `smppd/load/assets` as text."""
    return files("smppd.load").joinpath("assets", *name.split("/")).read_text(encoding="utf-8")


def embedded_json(value: Any) -> str:
    """Write JSON that is safe between <script> tags and reads back as the same value."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).translate(_UNSAFE_IN_SCRIPT)


@cache
def policy() -> str:
    """Return the Content-Security-Policy: our own two scripts and two styles by hash, no requests at all."""
    scripts = " ".join(_hash(asset(name)) for name in (PLOT_SCRIPT, SCRIPT))
    styles = " ".join(_hash(asset(name)) for name in (PLOT_STYLE, STYLE))
    return (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _text(value: object) -> str:
    """Escape for text and quoted attributes; control characters and the like become visible."""
    return escape_html(escape_unprintable(str(value)))


# What the plots show.


def series(result: Result) -> dict[str, Any]:
    """Return the columns of the plots: the time series, and latency in milliseconds by percentile.

    measured: the seconds in which measuring began and ended. An interval without an answer has no latencies (null).
    """
    points = [interval_json(interval) for interval in result.report.intervals]
    columns: dict[str, list[float | None]] = {name: [point[name] for point in points] for name in _SHOWN}
    for name in _LATENCY_KEYS:
        columns[name] = [point[name] if point["answered"] else None for point in points]
    return {
        "measured": [0, round(result.seconds, 3)],
        "seconds": columns,
        "curves": curves({NAMES[name]: result.histogram(name) for name in _CURVES}),
    }


_CURVES: Final[tuple[Latency, ...]] = ("submit_response", "service", "receipt", "mo_answer")
_LATENCY_KEYS: Final = ("p50_ms", "p99_ms", "max_ms")
_SHOWN: Final = (
    "t",
    "seconds",
    "offered",
    "ok",
    "throttled",
    "errors",
    "receipts",
    "mo_answers",
    "in_flight",
    "behind",
)


def curves(histograms: Mapping[str, Histogram]) -> dict[str, Any]:
    """Return latency by percentile; x is 1 / (1 - share), so that each nine of a percentile gets the same width.

    A curve ends where a further point would stand for less than one message. Empty histograms have no curve.
    """
    filled = {name: histogram for name, histogram in histograms.items() if histogram.count}
    most = max((histogram.count for histogram in filled.values()), default=0)
    if not most:
        return {"x": [], "names": [], "ms": []}
    steps = math.ceil(math.log10(most) * POINTS_PER_DECADE)
    xs = [10 ** (step / POINTS_PER_DECADE) for step in range(steps + 1)]
    shares = [100 - 100 / x for x in xs]
    return {
        "x": [float(f"{x:.6g}") for x in xs],
        "names": list(filled),
        "ms": [
            [
                round(value * 1e3, 3) if x <= histogram.count else None
                for x, value in zip(xs, histogram.percentiles(shares), strict=True)
            ]
            for histogram in filled.values()
        ],
    }


# What stands in words.


def _badge(checks: Sequence[Check]) -> str:
    if not checks:
        return ""
    violated = sum(check.violated for check in checks)
    what = f"threshold{'s' * (len(checks) != 1)}"
    if violated:
        return f'<p class="badge bad">{violated} of {len(checks)} {what} failed</p>'
    return f'<p class="badge good">{len(checks)} {what} passed</p>'


def _tiles(result: Result, outcome: Outcome | None) -> Iterator[str]:
    counters, measured = result.report.counters, result.report.measured
    response = result.histogram("submit_response")
    p50, p99, most = (
        figures.latency(value) if response.count else figures.NOTHING for value in response.percentiles([50, 99, 100])
    )
    refused = counters.errors + counters.throttled
    if outcome is not None:
        rate = figures.NOTHING if outcome.rate is None else figures.rate(outcome.rate)
        yield _tile("sustained rate", rate, "confirmed" if outcome.confirmed else "not confirmed")
    yield _tile("accepted", figures.rate(result.metric("ok_rate")), f"{figures.count(measured.ok)} messages")
    yield _tile("p50", p50, "submit response")
    yield _tile("p99", p99, "submit response")
    yield _tile("max", most, "submit response")
    yield _tile("refused", figures.count(refused), f"{figures.count(counters.throttled)} throttled", _mood(refused))
    yield _tile("lost", figures.count(counters.lost), "no answer or receipt", _mood(counters.lost))


def _mood(count: int) -> Mood:
    return "bad" if count else "good"


def _tile(name: str, value: str, note: str, mood: Mood = "") -> str:
    return (
        f'<p class="tile {mood}"><span class="name">{_text(name)}</span><span class="value">{_text(value)}</span>'
        f'<span class="note">{_text(note)}</span></p>'
    )


def _table(table: Table) -> str:
    kind = "table wide" if table.wide else "table"
    note = f"<p>{_text(table.note)}</p>" if table.note else ""
    return (
        f'<div class="{kind}" role="region" aria-label="{_text(table.title)}" tabindex="0">{_grid(table)}{note}</div>'
    )


def _grid(table: Table) -> str:
    kinds = ["" if table.is_text(at) else ' class="number"' for at in range(len(table.columns))]
    heads = "".join(
        f'<th scope="col"{kind}>{_text(column)}</th>' for column, kind in zip(table.columns, kinds, strict=True)
    )
    rows = "\n".join(_row(row, kinds) for row in table.rows)
    caption = f"<caption>{_text(table.title)}</caption>"
    return f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>\n{rows}\n</tbody></table>"


def _row(row: Row, kinds: Sequence[str]) -> str:
    first, *rest = row.cells
    cells = "".join(f"<td{kind}>{_text(cell)}</td>" for cell, kind in zip(rest, kinds[1:], strict=True))
    mood = f' class="{row.mood}"' if row.mood else ""
    return f'<tr{mood}><th scope="row">{_text(first)}</th>{cells}</tr>'


def _configuration(result: Result) -> Table:
    rows = (Row((key, value)) for key, value in _flat(public(result.configuration)))
    return Table("Configuration", ("option", "value"), tuple(rows), words=frozenset({"value"}))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        elif value is not None:
            yield prefix + key.replace("_", "-"), "yes" if value is True else "no" if value is False else str(value)


_COLUMNS: Final = {
    "from": "t",
    "offered/s": "offered",
    "submitted/s": "submitted",
    "accepted/s": "ok",
    "throttled/s": "throttled",
    "errors/s": "errors",
    "receipts/s": "receipts",
    "in flight": "in_flight",
    "behind": "behind",
    "p50 ms": "p50_ms",
    "p99 ms": "p99_ms",
    "max ms": "max_ms",
}
"""Of the table second by second: the heading and the key of `interval_json`."""


def _seconds(result: Result) -> Table:
    points = [interval_json(interval) for interval in result.report.intervals]
    rows = (Row(tuple(f"{point[key]:,.6g}" for key in _COLUMNS.values())) for point in points)
    return Table("Second by second", tuple(_COLUMNS), tuple(rows))


def _details(table: Table) -> str:
    """A table that is long, or that few people want to see."""
    grid = _grid(table)
    return f'<details><summary>{_text(table.title)}</summary><div class="scroll" tabindex="0">{grid}</div></details>'
