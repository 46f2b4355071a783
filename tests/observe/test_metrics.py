"""Counters, their folding, and the page Prometheus reads."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from smppd.engine.ports import Observer
from smppd.observe.counters import (
    MAX_STRANGERS,
    OTHER,
    OTHER_ID,
    RECEIPT_DELAY_BUCKETS,
    SUBMIT_RESPONSE_BUCKETS,
    Counters,
    FoldingCounts,
    LatencyHistogram,
)
from smppd.observe.metrics import MAX_SERIES, PROCESS_SERIES, SLICE, Exposition, SmppdCollector, Sources
from smppwire.constants import CommandId, CommandStatus, MessageState

SUBMIT_SM = int(CommandId.SUBMIT_SM)
SUBMIT_SM_RESP = int(CommandId.SUBMIT_SM_RESP)
DELIVER_SM = int(CommandId.DELIVER_SM)
VENDOR_COMMAND = 0x00010200
VENDOR_STATUS = 0x0000042E

CONTRACT = {
    "smppd_pdus_total": {"direction", "command"},
    "smppd_command_status_total": {"direction", "command", "status"},
    "smppd_sessions": {"system_id", "bind_type"},
    "smppd_bind_attempts_total": {"system_id", "result"},
    "smppd_messages_total": {"system_id", "state"},
    "smppd_route_messages_total": {"route", "state"},
    "smppd_messages_in_flight": set(),
    "smppd_route_queue_depth": {"route"},
    "smppd_throttled_total": {"system_id", "scope"},
    "smppd_receipts_pending": {"system_id"},
    "smppd_submit_response_seconds_bucket": {"le"},
    "smppd_submit_response_seconds_sum": set(),
    "smppd_submit_response_seconds_count": set(),
    "smppd_receipt_delay_seconds_bucket": {"le"},
    "smppd_receipt_delay_seconds_sum": set(),
    "smppd_receipt_delay_seconds_count": set(),
    "smppd_protocol_errors_total": {"kind"},
    "smppd_rule_hits_total": {"rule"},
    "smppd_hook_failures_total": {"rule"},
    "smppd_fault_hits_total": {"fault"},
    "smppd_build_info": {"version"},
}
"""Sample names and labels as people script against them: add to them, never rename."""

Page = dict[tuple[str, frozenset[tuple[str, str]]], float]


def states(**counts: int) -> list[int]:
    """An array indexed by message_state, as the engine keeps it."""
    return [counts.get(state.name, 0) for state in MessageState]


def exposition(counters: Counters, **sources: object) -> Exposition:
    return Exposition(SmppdCollector(counters, Sources(**sources), "1.2.3"))  # type: ignore[arg-type]


def render(page: Exposition, accept: str = "") -> tuple[bytes, str]:
    """The whole page and its content type."""
    pieces, content_type = page.page(accept)
    return b"".join(pieces), content_type


def scrape(page: Exposition) -> Page:
    """Samples of the rendered text, by name and labels; a sample that appears twice fails."""
    body, _ = render(page)
    result: Page = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in result
            result[key] = sample.value
    return result


def of(page: Page, name: str, **labels: str) -> float:
    return page[name, frozenset(labels.items())]


def labels_of(page: Page, name: str) -> list[dict[str, str]]:
    return [dict(labels) for found, labels in page if found == name]


def test_submits_counted_as_plain_numbers_are_in_the_dicts_whoever_looks() -> None:
    counters = Counters()
    counters.submitted += 3
    counters.accepted += 2
    assert dict(counters.pdus_in) == {SUBMIT_SM: 3}
    counters.submitted += 1
    counters.pdus_in[SUBMIT_SM] += 1
    assert dict(counters.pdus_in) == {SUBMIT_SM: 5}
    assert dict(counters.statuses_out) == {(SUBMIT_SM_RESP, 0): 2}
    counters.accepted += 4
    assert dict(counters.pdus_out) == {SUBMIT_SM_RESP: 6}
    assert dict(counters.statuses_out) == {(SUBMIT_SM_RESP, 0): 6}


def busy() -> Exposition:
    """A server where each family has been touched."""
    counters = Counters(["smppclient1"])
    counters.pdus_in[SUBMIT_SM] += 7
    counters.pdus_out[SUBMIT_SM_RESP] += 6
    counters.statuses_out[SUBMIT_SM_RESP, CommandStatus.ESME_RTHROTTLED] += 2
    counters.bind_attempts["smppclient1", "ESME_ROK"] += 1
    counters.throttled("smppclient1", "account", 2)
    counters.protocol_errors["framing"] += 1
    counters.submit_response.observe_many(0.002, 3)
    counters.receipts_sent([0.3, 0.7])
    return exposition(
        counters,
        sessions=lambda: {("smppclient1", "transceiver"): 1},
        in_flight=lambda: 5,
        route_queue_depth=lambda: {"default": 4},
        receipts_pending=lambda: {"smppclient1": 3},
        messages=lambda: {"smppclient1": states(ENROUTE=7, DELIVERED=2)},
        route_messages=lambda: {"default": states(ENROUTE=7, DELIVERED=1, UNDELIVERABLE=1)},
        rule_hits=lambda: {"throttled": 8},
        hook_failures=lambda: {"odd": 2},
        fault_hits=lambda: {"burst": 9},
    )


class TestNames:
    def test_names_and_labels_are_those_of_the_contract(self) -> None:
        page = scrape(busy())
        found: dict[str, set[str]] = {}
        for name, labels in page:
            if name.startswith("smppd_"):
                found.setdefault(name, {label for label, _ in labels})
                assert found[name] == {label for label, _ in labels}
        assert found == CONTRACT

    def test_values(self) -> None:
        page = scrape(busy())
        assert of(page, "smppd_pdus_total", direction="in", command="submit_sm") == 7
        assert of(page, "smppd_rule_hits_total", rule="throttled") == 8
        assert of(page, "smppd_hook_failures_total", rule="odd") == 2
        assert of(page, "smppd_fault_hits_total", fault="burst") == 9
        assert of(page, "smppd_pdus_total", direction="out", command="submit_sm_resp") == 6
        status = of(
            page, "smppd_command_status_total", direction="out", command="submit_sm_resp", status="ESME_RTHROTTLED"
        )
        assert status == 2
        assert of(page, "smppd_sessions", system_id="smppclient1", bind_type="transceiver") == 1
        assert of(page, "smppd_bind_attempts_total", system_id="smppclient1", result="ESME_ROK") == 1
        assert of(page, "smppd_messages_total", system_id="smppclient1", state="ENROUTE") == 7
        assert of(page, "smppd_messages_total", system_id="smppclient1", state="DELIVERED") == 2
        assert of(page, "smppd_route_messages_total", route="default", state="UNDELIVERABLE") == 1
        assert of(page, "smppd_messages_in_flight") == 5
        assert of(page, "smppd_route_queue_depth", route="default") == 4
        assert of(page, "smppd_throttled_total", system_id="smppclient1", scope="account") == 2
        assert of(page, "smppd_receipts_pending", system_id="smppclient1") == 3
        assert of(page, "smppd_protocol_errors_total", kind="framing") == 1
        assert of(page, "smppd_build_info", version="1.2.3") == 1
        assert of(page, "smppd_receipt_delay_seconds_count") == 2
        assert of(page, "smppd_receipt_delay_seconds_sum") == pytest.approx(1.0)

    def test_types_in_the_text(self) -> None:
        body, content_type = render(busy())
        types = dict(re.findall(r"^# TYPE (smppd_\S+) (\w+)$", body.decode(), re.MULTILINE))
        assert content_type.startswith("text/plain; version=0.0.4")
        assert types["smppd_pdus_total"] == "counter"
        assert types["smppd_sessions"] == "gauge"
        assert types["smppd_submit_response_seconds"] == "histogram"
        assert len(types) == 17

    def test_openmetrics_for_who_asks(self) -> None:
        page = busy()
        body, content_type = render(page, "application/openmetrics-text; version=1.0.0")
        assert content_type.startswith("application/openmetrics-text")
        families = {family.name for family in parse_openmetrics(body.decode())}  # type: ignore[no-untyped-call]
        assert {"smppd_pdus", "smppd_messages_in_flight", "smppd_submit_response_seconds"} <= families

    def test_process_and_garbage_collector_series(self) -> None:
        page = scrape(exposition(Counters()))
        others = [name for name, _ in page if not name.startswith("smppd_")]
        assert "python_gc_collections_total" in others
        assert "python_info" in others
        if sys.platform == "linux":
            assert "process_resident_memory_bytes" in others
        assert len(others) <= PROCESS_SERIES

    def test_untouched_series_are_absent(self) -> None:
        page = scrape(exposition(Counters(["smppclient1"]), messages=lambda: {"smppclient1": states(ENROUTE=1)}))
        assert not labels_of(page, "smppd_pdus_total")
        assert labels_of(page, "smppd_messages_total") == [{"system_id": "smppclient1", "state": "ENROUTE"}]

    def test_two_servers_do_not_meet(self) -> None:
        one, two = Counters(), Counters()
        first, second = exposition(one), exposition(two)
        one.pdus_in[SUBMIT_SM] += 1
        assert of(scrape(first), "smppd_pdus_total", direction="in", command="submit_sm") == 1
        assert not labels_of(scrape(second), "smppd_pdus_total")
        assert b"smppd_pdus_total{" in generate_latest(first.registry)
        assert b"smppd_pdus_total{" not in generate_latest(second.registry)


class TestLabelHygiene:
    def test_unknown_commands_and_statuses_are_other(self) -> None:
        counters = Counters()
        counters.pdus_in[VENDOR_COMMAND] += 2
        counters.pdus_in[VENDOR_COMMAND + 1] += 3
        counters.statuses_in[DELIVER_SM, VENDOR_STATUS] += 4
        counters.statuses_in[VENDOR_COMMAND, 0] += 5
        page = scrape(exposition(counters))
        assert of(page, "smppd_pdus_total", direction="in", command="other") == 5
        assert of(page, "smppd_command_status_total", direction="in", command="deliver_sm", status="other") == 4
        assert of(page, "smppd_command_status_total", direction="in", command="other", status="ESME_ROK") == 5
        assert len(labels_of(page, "smppd_command_status_total")) == 2

    def test_what_a_stranger_sends_as_system_id_is_never_a_label(self) -> None:
        counters = Counters(["smppclient1"])
        counters.bind_attempts["447700900123", "ESME_RINVSYSID"] += 1
        counters.bind_attempts["hunter2", "ESME_RINVSYSID"] += 1
        counters.throttled("s3cret", "account", 1)
        counters.protocol_errors["Your code is 1234"] += 1
        counters.protocol_errors["447700900123"] += 1
        page = exposition(
            counters,
            sessions=lambda: {("447700900123", "receiver"): 1},
            receipts_pending=lambda: {"447700900123": 1},
            messages=lambda: {"447700900123": states(ENROUTE=1)},
        )
        text = render(page)[0].decode()
        for secret in ("447700900123", "hunter2", "s3cret", "Your code"):
            assert secret not in text
        assert 'smppd_bind_attempts_total{result="ESME_RINVSYSID",system_id="other"} 2.0' in text
        assert 'smppd_protocol_errors_total{kind="other"} 2.0' in text
        assert 'smppd_sessions{bind_type="receiver",system_id="other"} 1.0' in text

    def test_an_account_added_later_gets_its_own_label_and_other_does_not_shrink(self) -> None:
        counters = Counters()
        page = exposition(counters)
        counters.bind_attempts["late", "ESME_RINVSYSID"] += 3
        assert of(scrape(page), "smppd_bind_attempts_total", system_id="other", result="ESME_RINVSYSID") == 3
        counters.know_accounts(["late"])
        counters.bind_attempts["late", "ESME_ROK"] += 1
        counters.bind_attempts["late", "ESME_RINVSYSID"] += 1
        after = scrape(page)
        assert of(after, "smppd_bind_attempts_total", system_id="other", result="ESME_RINVSYSID") == 3
        assert of(after, "smppd_bind_attempts_total", system_id="late", result="ESME_ROK") == 1
        assert of(after, "smppd_bind_attempts_total", system_id="late", result="ESME_RINVSYSID") == 1


class TestSeriesBound:
    @staticmethod
    def crowd(accounts: int) -> Exposition:
        names = [f"esme{number:04d}" for number in range(accounts)]
        counters = Counters(names)
        for command in (*map(int, CommandId), VENDOR_COMMAND):
            counters.pdus_in[command] += 1
            counters.pdus_out[command] += 1
            for status in (*map(int, CommandStatus), VENDOR_STATUS):
                counters.statuses_in[command, status] += 1
                counters.statuses_out[command, status] += 1
        for name in names:
            counters.bind_attempts[name, "ESME_ROK"] += 1
            counters.throttled(name, "account", 1)
        for number in range(500):
            counters.protocol_errors[f"kind_{number}"] += 1
        everything = [1] * len(MessageState)
        return exposition(
            counters,
            sessions=lambda: {(name, kind): 1 for name in names for kind in ("transmitter", "receiver", "transceiver")},
            route_queue_depth=lambda: dict.fromkeys(names, 1),
            receipts_pending=lambda: dict.fromkeys(names, 1),
            messages=lambda: dict.fromkeys(names, everything),
            route_messages=lambda: dict.fromkeys(names, everything),
        )

    def test_at_most_a_thousand_series_and_no_count_lost(self) -> None:
        page = scrape(self.crowd(300))
        assert 900 < len(page) <= MAX_SERIES
        commands = len(CommandId) + 1
        expected = {
            "smppd_pdus_total": 2 * commands,
            "smppd_command_status_total": 2 * commands * (len(CommandStatus) + 1),
            "smppd_sessions": 900,
            "smppd_bind_attempts_total": 300,
            "smppd_messages_total": 3000,
            "smppd_route_messages_total": 3000,
            "smppd_route_queue_depth": 300,
            "smppd_throttled_total": 300,
            "smppd_receipts_pending": 300,
            "smppd_protocol_errors_total": 500,
        }
        for family, total in expected.items():
            assert sum(value for (name, _), value in page.items() if name == family) == total, family

    def test_closed_vocabularies_are_kept_when_places_run_out(self) -> None:
        page = scrape(self.crowd(300))
        assert {labels["command"] for labels in labels_of(page, "smppd_pdus_total")} >= {"submit_sm", OTHER}
        for state in MessageState:
            assert of(page, "smppd_messages_total", system_id="other", state=state.name) > 0

    def test_a_few_accounts_are_not_folded(self) -> None:
        counters = Counters(["a", "b"])
        page = scrape(exposition(counters, messages=lambda: {"a": states(ENROUTE=1), "b": states(ENROUTE=2)}))
        assert of(page, "smppd_messages_total", system_id="a", state="ENROUTE") == 1
        assert of(page, "smppd_messages_total", system_id="b", state="ENROUTE") == 2

    def test_series_exported_once_keep_their_place(self) -> None:
        names = [f"esme{number:04d}" for number in range(2000)]
        counters = Counters(names)
        page = exposition(counters)
        counters.bind_attempts["esme0000", "ESME_ROK"] += 1
        scrape(page)
        for name in reversed(names):
            counters.bind_attempts[name, "ESME_ROK"] += 1
        first = scrape(page)
        second = scrape(page)
        assert of(second, "smppd_bind_attempts_total", system_id="esme0000", result="ESME_ROK") == 2
        assert {key for key in first if key[0] == "smppd_bind_attempts_total"} == {
            key for key in second if key[0] == "smppd_bind_attempts_total"
        }


class TestFoldingCounts:
    def test_known_keys_stay(self) -> None:
        counts = Counters().pdus_in
        for command in CommandId:
            counts[int(command)] += 2
        assert counts[SUBMIT_SM] == 2
        assert len(counts) == len(CommandId)

    def test_a_flood_of_unknown_keys_stays_small_and_is_counted_in_full(self) -> None:
        counters = Counters()
        for number in range(5000):
            counters.statuses_in[DELIVER_SM, 0x10000 + number] += 1
            counters.bind_attempts[f"stranger{number}", "ESME_RINVSYSID"] += 1
        for counts in (counters.statuses_in, counters.bind_attempts):
            assert len(counts) <= MAX_STRANGERS + 1
            assert sum(counts.values()) == 5000
        assert counters.statuses_in[DELIVER_SM, OTHER_ID] >= 5000 - MAX_STRANGERS

    def test_unknown_keys_that_come_back_are_counted_once(self) -> None:
        counts: FoldingCounts[int] = FoldingCounts(lambda key: key if key < 10 else OTHER_ID)
        for _ in range(3):
            for key in range(1000):
                counts[key] += 1
        assert sum(counts.values()) == 3000
        counts.fold_strangers()
        assert dict(counts) == {**dict.fromkeys(range(10), 3), OTHER_ID: 2970}

    def test_looking_does_not_count(self) -> None:
        counts = Counters().pdus_in
        assert counts[VENDOR_COMMAND] == 0
        assert not counts


class TestHistogram:
    def test_bounds_are_inclusive_as_prometheus_has_them(self) -> None:
        histogram = LatencyHistogram((0.1, 1.0))
        for seconds in (0.0, 0.1, 0.2, 1.0, 1.1):
            histogram.observe(seconds)
        assert histogram.counts == [2, 2, 1]
        assert histogram.sum == pytest.approx(2.4)

    def test_many_and_each_equal_one_by_one(self) -> None:
        one, many, each = (LatencyHistogram(SUBMIT_RESPONSE_BUCKETS) for _ in range(3))
        for _ in range(4):
            one.observe(0.003)
        many.observe_many(0.003, 4)
        each.observe_each([0.003] * 4)
        assert one.counts == many.counts == each.counts
        assert one.sum == pytest.approx(many.sum) == pytest.approx(each.sum)

    def test_exported_buckets_are_cumulative(self) -> None:
        counters = Counters()
        counters.submit_response.observe(0.00004)
        counters.submit_response.observe_many(0.02, 2)
        counters.submit_response.observe(99.0)
        page = scrape(exposition(counters))
        name = "smppd_submit_response_seconds_bucket"
        assert of(page, name, le="5e-05") == 1
        assert of(page, name, le="0.01") == 1
        assert of(page, name, le="0.025") == 3
        assert of(page, name, le="10.0") == 3
        assert of(page, name, le="+Inf") == 4
        assert of(page, "smppd_submit_response_seconds_count") == 4

    def test_a_copy_does_not_follow(self) -> None:
        histogram = LatencyHistogram(RECEIPT_DELAY_BUCKETS)
        copy = histogram.copy()
        histogram.observe(1.0)
        assert sum(copy.counts) == 0
        assert copy.sum == 0.0

    @pytest.mark.parametrize("bounds", [SUBMIT_RESPONSE_BUCKETS, RECEIPT_DELAY_BUCKETS])
    def test_bounds_ascend(self, bounds: tuple[float, ...]) -> None:
        assert list(bounds) == sorted(set(bounds))


class TestPieces:
    def test_no_piece_is_large(self) -> None:
        names = [f"account{number}" for number in range(600)]
        page = exposition(Counters(names), receipts_pending=lambda: dict.fromkeys(names, 3))
        pieces = list(page.page()[0])
        assert max(piece.count(b"\n") for piece in pieces) <= SLICE + 2
        assert sum(piece.count(b"smppd_receipts_pending{") for piece in pieces) == len(names)

    @pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
    def test_a_page_in_pieces_is_the_page_of_the_client_library(self, accept: str) -> None:
        names = [f"account{number}" for number in range(300)]
        page = exposition(
            Counters(names),
            receipts_pending=lambda: dict.fromkeys(names, 3),
            messages=lambda: {name: states(ENROUTE=7, DELIVERED=2) for name in names},
        )
        whole = choose_encoder(accept)[0](page.registry)
        ours = [line for line in whole.splitlines() if b"smppd_" in line or b"EOF" in line]
        assert [line for line in render(page, accept)[0].splitlines() if b"smppd_" in line or b"EOF" in line] == ours

    def test_many_routes_that_have_no_place_are_work_for_several_turns(self) -> None:
        routes = {f"route{number}": states(ENROUTE=1) for number in range(5_000)}
        page = exposition(Counters(), route_messages=lambda: routes)
        assert list(page.page()[0]).count(b"") >= 5_000 // SLICE

    def test_counting_goes_on_while_the_page_is_made(self) -> None:
        counters = Counters()
        page = exposition(counters)
        counters.pdus_in[SUBMIT_SM] += 1
        body = b""
        for number, piece in enumerate(page.page()[0]):
            counters.statuses_in[number, number] += 1
            counters.bind_attempts[f"stranger{number}", "ESME_ROK"] += 1
            counters.pdus_in[number] += 1
            body += piece
        assert b'smppd_pdus_total{command="submit_sm",direction="in"} 1.0' in body
        assert b"smppd_bind_attempts_total{" not in body


def test_counters_serve_the_engine_as_observer() -> None:
    observer: Observer = Counters(["a"])
    observer.receipts_sent([0.1])
    observer.throttled("a", "window", 3)
    assert isinstance(observer, Counters)
    assert observer.throttled_by_scope["a", "window"] == 3
    assert sum(observer.receipt_delay.counts) == 1


def test_the_documentation_names_each_metric_with_its_labels() -> None:
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    documented = {
        name: set(labels.split(",")) - {""}
        for name, labels in re.findall(r"^### `(smppd_\w+)(?:\{([\w,]*)\})?`", text, re.MULTILINE)
    }
    histograms = {name.removesuffix("_bucket") for name in CONTRACT if name.endswith("_bucket")}
    plain = {name: labels for name, labels in CONTRACT.items() if not name.startswith(tuple(histograms))}
    assert documented == plain | {name: set() for name in histograms}


@pytest.mark.parametrize("module", ["smppd.observe.counters", "smppd.observe.journal", "smppd.observe.logs"])
def test_the_start_path_imports_nothing_slow(module: str) -> None:
    root = Path(__file__).parents[2]
    code = (
        f"import sys, {module}; print([m for m in ('prometheus_client', 'aiohttp', 'structlog') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": f"{root}:{root / 'protocol'}"},
    )
    assert result.stdout.strip() == "[]"
