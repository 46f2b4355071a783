"""What each fault of octets wants of one PDU."""

import pytest

from smppd.behaviour.byte_faults import AT_BEGINNINGS, AT_ENDS, Effect, Ending, Passage
from smppd.behaviour.occasions import Occasions, Party
from smppd.settings import faults
from smppd.settings.delays import Fixed, Uniform
from smppd.settings.faults import FAULTS, ByteFault


def effect(fault: ByteFault) -> Effect:
    return Effect(Occasions(fault, seed=1, started=0.0), fault)


def touched(one: Effect, now: float = 10.0) -> Passage:
    draws = one.occasions.take(Party(), 1.0)
    assert draws is not None
    passage = Passage(b"octets", now)
    one.touch(passage, draws)
    assert passage.parcel.by == (one.occasions,)
    return passage


def test_every_kind_whose_occasions_are_pdus_is_there() -> None:
    for name, kind in FAULTS.items():
        if issubclass(kind, ByteFault) and not issubclass(kind, (*AT_BEGINNINGS, *AT_ENDS)):
            given = {"octets_per_second": 1.0} if name == "bandwidth" else {}
            given = {"delay": Fixed(value=1.0)} if name == "latency" else given
            effect(kind(name="x", **given))
    for kind in (*AT_BEGINNINGS, *AT_ENDS):
        with pytest.raises(KeyError):
            effect(kind(name="x"))


def test_latency_is_drawn_for_each_pdu() -> None:
    assert touched(effect(faults.Latency(delay=Fixed(value=0.25)))).parcel.ready == 10.25
    jittered = effect(faults.Latency(name="j", delay=Uniform(min=0.1, max=0.9)))
    times = {touched(jittered).parcel.ready for _ in range(20)}
    assert len(times) == 20
    assert all(10.1 <= time <= 10.9 for time in times)


@pytest.mark.parametrize("fault", [faults.Coalesce(for_=2.0), faults.Stall(for_=2.0)], ids=lambda fault: fault.kind)
def test_what_comes_while_something_is_held_leaves_with_it(fault: ByteFault) -> None:
    one = effect(fault)
    assert [touched(one, now).parcel.ready for now in (10.0, 11.0, 11.9, 12.0, 13.0)] == [12.0, 12.0, 12.0, 14.0, 14.0]


def test_the_latest_of_several_times_counts() -> None:
    stall, latency = effect(faults.Stall(for_=2.0)), effect(faults.Latency(delay=Fixed(value=1.0)))
    passage = touched(stall)
    draws = latency.occasions.take(Party(), 1.0)
    assert draws is not None
    latency.touch(passage, draws)
    assert passage.parcel.ready == 12.0
    assert passage.parcel.by == (stall.occasions, latency.occasions)


def test_slices_of_one_connection_share_their_place_in_the_stream() -> None:
    one = effect(faults.Slice(size=4))
    (first,), (second,) = touched(one).parcel.cutters, touched(one).parcel.cutters
    assert first is second
    assert first.room() == 4


def test_a_drip_and_a_bandwidth_pace() -> None:
    (drip,) = touched(effect(faults.Drip(octets=3, interval=0.5))).parcel.pacers
    assert drip.allowance(10.0) == 3
    (line,) = touched(effect(faults.Bandwidth(octets_per_second=1000.0))).parcel.pacers
    assert line.allowance(10.0) == 20
    line.spend(20, 10.0)
    assert line.ready_at() == pytest.approx(10.02)
    (slow,) = touched(effect(faults.Bandwidth(octets_per_second=0.5))).parcel.pacers
    slow.spend(slow.allowance(10.0), 10.0)
    assert slow.ready_at() == pytest.approx(12.0)


@pytest.mark.parametrize(
    ("fault", "ending"),
    [
        (faults.Fin(), Ending.FIN),
        (faults.Reset(), Ending.RESET),
        (faults.ResetInsidePdu(), Ending.RESET_INSIDE_PDU),
        (faults.Slice(), None),
    ],
)
def test_endings(fault: ByteFault, ending: Ending | None) -> None:
    assert touched(effect(fault)).ending is ending


def test_half_open() -> None:
    assert [effect(kind()).half_opens for kind in (faults.StopReading, faults.StopWriting, faults.Fin)] == [
        True,
        True,
        False,
    ]
