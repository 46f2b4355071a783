"""The report: one file, no requests, nothing an SMSC says gets out of its place, the data reads back."""

import base64
import hashlib
import json
import math
import re
from html.parser import HTMLParser

import pytest

from smppd.load import html
from smppd.load.adaptive import Limits, Outcome
from smppd.load.histogram import Histogram
from smppd.load.report import as_json
from smppd.load.result import Interval, Result, Target
from smppd.load.tables import Check
from tests.load.examples import HOSTILE, steady
from tests.repo.tree import ROOT

VOID = {"meta", "link"}


class Page(HTMLParser):
    """A page taken apart; fails when elements do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[str, dict[str, str | None], str]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag in {"script", "style"}:
            self.raw.append((tag, dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"script", "style"}:
            tag, attrs, before = self.raw[-1]
            self.raw[-1] = tag, attrs, before + data
        else:
            self.text += data

    def json(self, name: str) -> object:
        return json.loads(next(data for _, attrs, data in self.raw if attrs.get("id") == name))

    def shape(self) -> list[str]:
        return [tag for tag, _ in self.elements]


@pytest.fixture(scope="module")
def result() -> Result:
    return steady(20, 200)


@pytest.fixture(scope="module")
def page(result: Result) -> Page:
    return Page(html.report(result))


def test_it_is_one_file_without_a_request(page: Page) -> None:
    for tag, attrs in page.elements:
        assert "src" not in attrs
        assert not {name for name in attrs if name.startswith("on")}, "no handlers in attributes"
        assert "style" not in attrs, "the policy would refuse it"
        if "href" in attrs:
            assert attrs["href"] in {"#figures", "data:,"}, tag
    for tag, _, data in page.raw:
        if tag == "style":
            assert not re.search(r"@import|url\s*\(", data)
        else:
            assert not re.search(r"\b(?:fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts)\b", data)
            assert not re.search(r"\beval\b|\bFunction\s*\(|innerHTML|document\.write", data)


def test_the_only_address_outside_is_that_of_the_plots_source(page: Page) -> None:
    found = {url for _, _, data in page.raw for url in re.findall(r"https?://[^\s\"')]+", data)}
    assert found == {"https://github.com/leeoniya/uPlot"}


def test_the_policy_allows_our_scripts_and_styles_and_nothing_else(page: Page) -> None:
    (policy,) = (attrs["content"] for _, attrs in page.elements if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    rules = {rule.split()[0]: set(rule.split()[1:]) for rule in policy.split(";")}
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == {"'none'"}

    def hashes(kind: str) -> set[str]:
        inlined = [data for tag, attrs, data in page.raw if tag == kind and attrs.get("type") != "application/json"]
        assert len(inlined) == 2
        return {f"'sha256-{base64.b64encode(hashlib.sha256(data.encode()).digest()).decode()}'" for data in inlined}

    assert rules["script-src"] == hashes("script")
    assert rules["style-src"] == hashes("style")


def test_the_result_reads_back(page: Page, result: Result) -> None:
    assert page.json("result") == json.loads(json.dumps(as_json(result)))
    assert "secret" not in html.report(result), "the password is in the configuration of the example"


def test_what_an_smsc_says_stays_text() -> None:
    def hostile(text: str) -> Result:
        return steady(
            3,
            20,
            target=Target(text, 2775, system_id=text),
            offenders={"unknown_receipts": [text]},
            errors=[text],
            statuses={"ESME_ROK": 1, text: 1},
        )

    said = HOSTILE + "\u2028{{7*7}}$title&lt;"
    harmless, harmful = Page(html.report(hostile("x"))), Page(html.report(hostile(said)))
    assert harmful.shape() == harmless.shape()
    assert harmful.text.count("</script><script>alert(1)</script><!--\\u001b[2J\\u202e[bold]'\"&") >= 5
    assert harmful.json("result")["target"]["system_id"] == said  # type: ignore[index]


@pytest.mark.parametrize("value", [HOSTILE, "<!--<script>", "\u2028\u2029", {"</script>": ["&amp;", None, 1.5, True]}])
def test_embedded_json_cannot_end_its_block(value: object) -> None:
    written = html.embedded_json(value)
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == value


def test_what_is_no_json_is_not_written() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        html.embedded_json(math.nan)


def test_the_plots_have_their_columns(page: Page, result: Result) -> None:
    series = page.json("series")
    assert isinstance(series, dict)
    columns = series["seconds"]
    used = set(re.findall(r"\bseconds\.(\w+)", html.asset(html.SCRIPT)))
    assert used <= set(columns)
    assert {len(column) for column in columns.values()} == {len(result.report.intervals)}
    assert columns["t"][:3] == [-2, -1, 0]
    assert columns["p99_ms"][-1] is None, "nothing was answered in the drain: a gap, not a zero"
    assert series["measured"] == [0, 20]
    assert series["curves"]["names"] == ["submit response", "service time", "receipt"]


def test_curves_end_with_their_messages() -> None:
    many, few = Histogram(), Histogram()
    many.record_many(0.001, 9_990)
    many.record_many(0.5, 10)
    few.record_many(0.002, 100)
    curves = html.curves({"many": many, "few": few, "none": Histogram()})
    assert curves["names"] == ["many", "few"]
    assert (curves["x"][0], curves["x"][-1]) == (1, 10_000)
    at = {x: [values[index] for values in curves["ms"]] for index, x in enumerate(curves["x"])}
    assert at[10] == [1.0, pytest.approx(2, rel=0.001)]
    assert at[100] == [1.0, pytest.approx(2, rel=0.001)]
    assert at[1000] == [1.0, None]
    assert at[10_000] == [pytest.approx(500, rel=0.001), None]
    assert html.curves({"none": Histogram()}) == {"x": [], "names": [], "ms": []}


def test_every_table_is_there_and_named(page: Page) -> None:
    for words in (
        "Latency",
        "Account of every message",
        "ESME_RTHROTTLED",
        "sequence number 10442",
        "Second by second",
    ):
        assert words in page.text
    tables = page.shape().count("table")
    assert tables == page.shape().count("caption") == page.shape().count("thead")
    assert all(attrs.get("scope") in {"col", "row"} for tag, attrs in page.elements if tag == "th")


def test_the_configuration_is_shown_in_words(page: Page) -> None:
    for words in ("binds.trx", "warm-up", "profile.kinds", "no"):
        assert words in page.text
    assert "count" not in re.findall(r"[\w.-]+", page.text.split("Configuration", 1)[1].split("Second by second")[0])


@pytest.mark.parametrize(
    ("violated", "badge"),
    [
        ([], None),
        ([False], "1 threshold passed"),
        ([False, False], "2 thresholds passed"),
        ([True, False], "1 of 2 thresholds failed"),
    ],
)
def test_the_badge(violated: list[bool], badge: str | None, result: Result) -> None:
    text = html.report(result, checks=[Check("p99 > 1s", "8 ms", each) for each in violated])
    found = re.findall(r'class="badge \w+">([^<]+)<', text)
    assert found == ([badge] if badge else [])


def test_a_search_is_reported(result: Result) -> None:
    page = Page(html.report(result, outcome=Outcome(1234.0, True, "The note.", Limits(), ())))
    assert "1,234/s" in page.text
    assert page.json("result")["adaptive"]["rate"] == 1234.0  # type: ignore[index]


def test_a_run_without_a_single_message() -> None:
    empty = Histogram().snapshot()
    nothing = steady(
        0, 0, warm_up=0, intervals=[], submit_response=empty, service=empty, receipt=empty, statuses={}, offenders={}
    )
    page = Page(html.report(nothing))
    assert page.json("series")["seconds"]["t"] == []  # type: ignore[index]
    assert "Second by second" not in page.text


def test_a_long_run_stays_small() -> None:
    hour = [Interval(float(t), offered=1000, ok=1000) for t in range(3600)]
    assert len(html.report(steady(1, 1, intervals=hour))) < 3_000_000


def test_the_vendored_files_are_those_that_are_recorded() -> None:
    folder = ROOT / "smppd" / "load" / "assets" / "uplot"
    recorded = dict(
        re.findall(r"^\| `([^`]+)` \| `([0-9a-f]{64})` \|$", (folder / "README.md").read_text(), re.MULTILINE)
    )
    assert set(recorded) == {path.name for path in folder.iterdir()} - {"README.md"}
    for name, digest in recorded.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_the_licence_of_the_plots_travels_along(page: Page) -> None:
    assert "Copyright (c) 2022 Leon Sorokin" in page.text


def test_what_is_inlined_does_not_end_its_element() -> None:
    for name in (html.PLOT_SCRIPT, html.SCRIPT):
        assert "</script" not in html.asset(name)
        assert "<!--" not in html.asset(name)
    for name in (html.PLOT_STYLE, html.STYLE):
        assert "</style" not in html.asset(name)
