import pytest

from smppd.load import figures


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 us"),
        (0.000001, "1 us"),
        (0.000845, "845 us"),
        (0.0009996, "1.00 ms"),
        (0.001234, "1.23 ms"),
        (0.01234, "12.3 ms"),
        (0.1234, "123 ms"),
        (0.9999, "1.00 s"),
        (1.2, "1.20 s"),
        (12.34, "12.3 s"),
        (3600, "3,600 s"),
    ],
)
def test_latency(seconds: float, text: str) -> None:
    assert figures.latency(seconds) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "-"),
        (0, 7, "0 %"),
        (7, 7, "100 %"),
        (1, 3, "33.33 %"),
        (1, 10_000_000, "0.01 %"),
        (9_999_999, 10_000_000, "99.99 %"),
    ],
)
def test_share(part: int, whole: int, text: str) -> None:
    assert figures.share(part, whole) == text


def test_no_latency() -> None:
    assert figures.latency(float("nan")) == "-"


def test_rate_and_count() -> None:
    assert [figures.rate(value) for value in (0, 0.5, 9.96, 12.4, 12345.6)] == [
        "0/s",
        "0.5/s",
        "10.0/s",
        "12/s",
        "12,346/s",
    ]
    assert figures.count(1234567) == "1,234,567"


def test_elapsed() -> None:
    assert [figures.elapsed(value) for value in (0, 59.9, 60, 125, 3600, 3725)] == [
        "0 s",
        "59 s",
        "1:00",
        "2:05",
        "1:00:00",
        "1:02:05",
    ]
