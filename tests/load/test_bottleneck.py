import pytest

from smppd.load.bottleneck import bottleneck
from smppd.load.result import Counters, Interval
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


def late(in_flight: int, binds: int = 4) -> str:
    measured = Counters(sent=1000, late=11)
    return bottleneck(steady(10, 100, measured=measured, intervals=[Interval(0.0, in_flight=in_flight)], binds=binds))


def test_late_messages_are_our_fault_while_the_windows_have_room() -> None:
    assert late(359) == "1.10 % of the messages were sent late although the windows had room"
    assert late(360) == "", "the windows of 4 binds, 100 each, were nearly full: the SMSC is slow"
    assert late(359, binds=3) == ""


def test_receivers_have_no_windows() -> None:
    result = steady(10, 100, measured=Counters(sent=1000, late=11), intervals=[Interval(0.0, in_flight=200)])
    assert bottleneck(result)
    result.configuration["binds"] = {"trx": 2, "rx": 2}  # type: ignore[index]
    assert bottleneck(result) == ""


def test_a_few_late_messages_are_no_bottleneck() -> None:
    assert bottleneck(steady(10, 100, measured=Counters(sent=1000, late=10))) == ""


def test_nothing_was_measured() -> None:
    assert bottleneck(steady(0, 100, warm_up=0)) == ""
    assert bottleneck(steady(10, 100, workers=0)) == ""
