import pytest

from smppd.load import tables
from smppd.load.adaptive import Limits, Outcome, Probe, Row, Trial
from smppd.load.histogram import Histogram
from smppd.load.result import MOST_OFFENDERS, Counters, Result, Target
from smppd.load.tables import Check, Table
from smppd.load.thresholds import parse_threshold
from tests.load.examples import steady


@pytest.fixture(scope="module")
def result() -> Result:
    return steady(30, 400)


def cells(table: Table) -> dict[str, tuple[str, ...]]:
    return {row.cells[0]: row.cells[1:] for row in table.rows}


def test_every_table_in_its_order(result: Result) -> None:
    found = tables.tables(result, [Check("p99 > 1s", "8.00 ms", violated=False)], outcome())
    assert [table.title for table in found] == [
        "Thresholds",
        "Search for the highest rate",
        "Latency",
        "Rates",
        "Account of every message",
        "Answers",
        "Receipts",
        "Offenders",
    ]
    for table in found:
        assert all(len(row.cells) == len(table.columns) for row in table.rows)
        assert table.words <= set(table.columns)


def test_tables_without_rows_are_left_out() -> None:
    clean = steady(5, 10, receipts=False, receipt_states={}, offenders={})
    titles = [table.title for table in tables.tables(clean)]
    assert titles == ["Latency", "Rates", "Account of every message", "Answers"]


def test_latencies_agree_with_the_histograms(result: Result) -> None:
    found = cells(tables.latencies(result))
    assert list(found) == ["submit response", "service time", "receipt"]
    response = result.histogram("submit_response")
    assert found["submit response"][0] == "12,000"
    assert found["submit response"][3] == tables.figures.latency(response.percentile(99))
    assert found["submit response"][-1] == tables.figures.latency(response.max)


@pytest.mark.parametrize(
    ("count", "known"), [(1, "max"), (9, "p50"), (10, "p90"), (100, "p99"), (999, "p99"), (10_000, "p99.99")]
)
def test_percentiles_need_messages(count: int, known: str) -> None:
    """p99.99 of a hundred messages would be their maximum under another name."""
    histogram = Histogram()
    histogram.record_many(0.002, count)
    table = tables.latencies(
        steady(5, 10, receipts=False, submit_response=histogram.snapshot(), service=Histogram().snapshot())
    )
    shown = [column for column, cell in zip(table.columns, table.rows[0].cells, strict=True) if cell != "-"]
    assert (shown[-2] if known != "max" else shown[-1]) == known
    assert ("too few messages" in table.note) == (count < 10_000)


def test_rates_are_of_the_measured_time(result: Result) -> None:
    found = cells(tables.rates(result))
    assert found["offered"] == ("12,000", "400/s")
    assert found["accepted"] == ("11,682", "389/s")
    assert found["receipts"] == ("11,682", "389/s")
    assert "MO answers" not in found
    conversation = steady(10, 10, measured=Counters(mo=30, mo_answers=20))
    assert cells(tables.rates(conversation))["MO answers"] == ("20", "2.0/s")


def test_rates_of_no_time_at_all() -> None:
    assert cells(tables.rates(steady(0, 100, warm_up=0)))["offered"] == ("0", "0/s")


def test_the_account_lists_what_is_wrong(result: Result) -> None:
    table = tables.accounting(result)
    assert cells(table)["submitted"] == ("12,802",)
    assert [(row.cells, row.mood) for row in table.rows if row.mood] == [
        (("timed out", "2"), "bad"),
        (("lost", "2"), "bad"),
    ]


def test_the_account_without_a_fault() -> None:
    table = tables.accounting(steady(5, 10, counters=Counters(sent=50, ok=50, early_receipts=3)))
    assert [row.cells for row in table.rows] == [
        ("submitted", "50"),
        ("answered", "50"),
        ("receipts before the response", "3"),
        ("lost", "0"),
    ]
    assert table.rows[-1].mood == "good"


def test_every_problem_that_is_counted_has_a_name() -> None:
    everything = Counters(*range(1, len(Counters().__slots__) + 1))
    found = cells(tables.accounting(steady(5, 10, counters=everything)))
    shown = {cell for (cell,) in found.values()}
    for name in Counters.__slots__:
        if name.startswith(("missing", "doubled", "unknown", "duplicate", "timed", "connection")):
            assert str(getattr(everything, name)) in shown, name


def test_statuses_with_their_shares(result: Result) -> None:
    table = tables.statuses(result)
    assert [(row.cells, row.mood) for row in table.rows] == [
        (("ESME_ROK", "12,482", "97.52 %"), ""),
        (("ESME_RTHROTTLED", "300", "2.34 %"), "bad"),
        (("ESME_RSYSERR", "18", "0.14 %"), "bad"),
    ]


def test_offenders_are_bounded() -> None:
    many = steady(5, 10, offenders={"missing_receipts": [f"message {n}" for n in range(100)], "timed_out": ["one"]})
    table = tables.offenders(many, 3)
    assert [row.cells for row in table.rows] == [
        ("missing receipts", "message 0"),
        ("missing receipts", "message 1"),
        ("missing receipts", "message 2"),
        ("timed out", "one"),
    ]
    assert "At most 3" in table.note
    assert len(tables.offenders(many).rows) == MOST_OFFENDERS + 1


def outcome() -> Outcome:
    good = Probe(rate=200, achieved=200, p99=0.012, error_rate=0.0001, backlog=0, seconds=5)
    rows = (
        Row(Trial(200, 5, "growth"), good, ()),
        Row(Trial(400, 5, "growth", repeated=True), good, ("p99 80.0 ms over 50.0 ms", "backlog grew by 300")),
    )
    return Outcome(200, confirmed=True, note="The note.", limits=Limits(), rows=rows)


def test_the_trials_of_a_search() -> None:
    table = tables.trials(outcome())
    assert table is not None
    assert [(row.cells, row.mood) for row in table.rows] == [
        (("growth", "200/s", "200/s", "12.0 ms", "0.01 %", "passed"), "good"),
        (
            ("growth, again", "200/s", "200/s", "12.0 ms", "0.01 %", "p99 80.0 ms over 50.0 ms; backlog grew by 300"),
            "",
        ),
    ]
    assert table.note == "The note."
    assert tables.trials(None) is None


def test_thresholds() -> None:
    table = tables.thresholds([Check("lost > 0", "2", violated=True), Check("p99 > 1s", "8.00 ms", violated=False)])
    assert [(row.cells, row.mood) for row in table.rows] == [
        (("lost > 0", "2", "failed"), "bad"),
        (("p99 > 1s", "8.00 ms", "passed"), "good"),
    ]


def test_a_threshold_is_measured(result: Result) -> None:
    lost, response = (Check.of(parse_threshold(text), result) for text in ("lost > 0", "p50 > 10s"))
    assert lost == Check("lost > 0", "2", violated=True)
    assert (response.text, response.violated) == ("p50 > 10s", False)
    assert response.measured.endswith(" ms")


def test_facts(result: Result) -> None:
    assert tables.facts(result) == "smppd, SMPP 3.4; 30.0 s, open loop, rate 400, 4 binds, 2 worker processes"
    assert "search for the highest rate" in tables.facts(result, outcome())
    quiet = steady(5, 10, binds=1, workers=1, target=Target("::1", 2775, tls=True))
    quiet.configuration["rate"] = None  # type: ignore[index]
    assert tables.facts(quiet) == (
        "no system_id, version not told, TLS; 5.0 s, closed loop, window 100, 1 bind, 1 worker process"
    )
    assert tables.address(quiet.target) == "[::1]:2775"


def test_warnings(result: Result) -> None:
    assert tables.warnings(result) == []
    busy = steady(5, 10, cpu_seconds=100.0)
    assert [text.partition(":")[0] for text in tables.warnings(busy)] == ["The generator was the bottleneck"]
    stopped = Result(busy.report, busy.target, busy.configuration, busy.started_at, finished=False)
    assert tables.warnings(stopped)[0].startswith("The test was interrupted")


def test_receipts_that_no_bind_can_get() -> None:
    result = steady(5, 10)
    assert result.report.counters.wanted_receipts
    result.configuration["binds"] = {"tx": 2}  # type: ignore[index]
    assert "transmitters get none" in tables.warnings(result)[0]
    result.configuration["binds"] = {"tx": 2, "rx": 1}  # type: ignore[index]
    assert tables.warnings(result) == []
