"""Limits in words, and their violations."""

import re

import pytest

from smppd.errors import UserError
from smppd.load.histogram import Histogram
from smppd.load.result import METRICS
from smppd.load.thresholds import Threshold, format_metric, parse_threshold, violations
from tests.load.test_result import result


@pytest.mark.parametrize(
    ("text", "metric", "operator", "limit"),
    [
        ("p99 > 50ms", "p99", ">", 0.05),
        ("p99.99>=1.5s", "p99.99", ">=", 1.5),
        (" receipt_p99 > 1m30s ", "receipt_p99", ">", 90.0),
        ("max > 2", "max", ">", 2.0),
        ("p98 > 5ms", "p98", ">", 0.005),
        ("receipt_p99.5 > 5ms", "receipt_p99.5", ">", 0.005),
        ("p50 > 200us", "p50", ">", 0.0002),
        ("lost > 0", "lost", ">", 0.0),
        ("sent != 10k", "sent", "!=", 10_000.0),
        ("error_rate > 0.1%", "error_rate", ">", 0.1),
        ("error_rate > 0.1", "error_rate", ">", 0.1),
        ("rate < 2.5k/s", "rate", "<", 2500.0),
        ("rate <= 500", "rate", "<=", 500.0),
        ("doubled == 3", "doubled", "==", 3.0),
    ],
)
def test_thresholds(text: str, metric: str, operator: str, limit: float) -> None:
    threshold = parse_threshold(text)
    assert threshold == Threshold(text.strip(), metric, operator, pytest.approx(limit))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no threshold: write a metric, one of"),
        ("p99", "is no threshold"),
        ("p99 > ", "p99 is compared with a time (us, ms, s, m, min, h, d): '' is no duration"),
        ("> 5", "is no threshold"),
        ("p99 => 5", "is no threshold"),
        ("p100 > 5ms", "there is no metric 'p100'; the metrics are"),
        ("recipt_p99 > 5ms", "there is no metric 'recipt_p99' (did you mean 'receipt_p99'?)"),
        ("zzz > 5ms", "there is no metric 'zzz'; the metrics are"),
        ("p99 > 5%", "p99 is compared with a time (us, ms, s, m, min, h, d): '5%' is no duration"),
        ("p99 > fast", "'fast' is no duration"),
        ("lost > 5ms", "lost is compared with a count: '5ms' is no number"),
        ("rate < 5%", "rate is compared with a rate: '5%' is no number"),
        ("error_rate > 5/s", "error_rate is compared with percent: '5/s' is no number"),
        ("lost > -1", "'-1' is no number"),
    ],
)
def test_what_is_no_threshold(text: str, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        parse_threshold(text)


@pytest.mark.parametrize("text", ["nonsense", "p1000 > 1"])
def test_the_error_lists_all_metrics(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_threshold(text)
    words = set(re.split(r"[ ,:]+", str(caught.value)))
    assert {name for name, metric in METRICS.items() if metric.unit != "s"} <= words
    assert {"p50", "max", "mean"} | {name.removesuffix("max") for name in METRICS if name.endswith("_max")} <= words


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_can_be_limited(name: str) -> None:
    threshold = parse_threshold(f"{name} >= 0")
    assert threshold.fails(result())
    assert METRICS[name].meaning


@pytest.mark.parametrize(
    ("text", "fails"),
    [
        ("errors > 4", True),
        ("errors > 5", False),
        ("errors >= 5", True),
        ("errors >= 6", False),
        ("errors < 6", True),
        ("errors < 5", False),
        ("errors <= 5", True),
        ("errors <= 4", False),
        ("errors == 5", True),
        ("errors == 4", False),
        ("errors != 4", True),
        ("errors != 5", False),
    ],
)
def test_comparisons(text: str, fails: bool) -> None:
    assert parse_threshold(text).fails(result()) == fails


def test_a_latency_that_was_not_measured_fails_every_condition() -> None:
    silent = result(submit_response=Histogram().snapshot())
    for text in ("p99 > 50ms", "p99 < 50ms", "max == 0"):
        assert parse_threshold(text).fails(silent)
    assert violations(silent, [parse_threshold("p99 > 50ms")]) == ["p99 > 50ms: p99 is nothing"]


def test_violations_say_what_was_measured() -> None:
    texts = ["p99 > 50ms", "p99 > 1s", "lost > 0", "rate < 1k/s", "error_rate > 1%", "receipt_max > 1s", "max < 1us"]
    assert violations(result(), [parse_threshold(text) for text in texts]) == [
        "p99 > 50ms: p99 is 99.007 ms",
        "lost > 0: lost is 15",
        "rate < 1k/s: rate is 15.0/s",
        "error_rate > 1%: error_rate is 20.000 %",
        "receipt_max > 1s: receipt_max is 1.500 s",
    ]
    assert violations(result(), []) == []


def test_metrics_with_their_units() -> None:
    assert format_metric("sent", 1_234_567) == "1,234,567"
    assert format_metric("rate", 12_345.67) == "12,345.7/s"
    assert format_metric("p50", 0.000_123) == "0.123 ms"
    with pytest.raises(KeyError):
        format_metric("speed", 1)
