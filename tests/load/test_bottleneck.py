import pytest

from smppd.load.bottleneck import bottleneck
from smppd.load.histogram import Histogram
from tests.load.examples import steady


def test_an_easy_run_has_none() -> None:
    assert bottleneck(steady(10, 100)) == ""


@pytest.mark.parametrize(
    ("cpu_seconds", "words"),
    [(21.5, ""), (21.6, "each worker process was busy for 90.00 % of the time"), (99, "busy for 100 % of the time")],
)
def test_busy_workers(cpu_seconds: float, words: str) -> None:
    """Ten seconds and two of warm-up in two processes: 24 seconds of processor time are all there is."""
    found = bottleneck(steady(10, 100, cpu_seconds=cpu_seconds))
    assert found.endswith(words)
    assert bool(found) == bool(words)


def lag(seconds: float, n: int) -> str:
    histogram = Histogram()
    histogram.record_many(0.0001, 1000 - n)
    histogram.record_many(seconds, n)
    return bottleneck(steady(10, 100, send_lag=histogram.snapshot()))


def test_a_generator_that_is_late() -> None:
    assert lag(0.02, 11) == "1 % of the messages were sent 20.0 ms late or more although the windows had room"
    assert lag(0.02, 5) == ""
    assert lag(0.009, 500) == ""


def test_nothing_was_measured() -> None:
    assert bottleneck(steady(0, 100, warm_up=0)) == ""
    assert bottleneck(steady(10, 100, workers=0)) == ""
