"""Octets on their way: order, times, segments."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.behaviour.streams import Cutter, Line, Pacer, Parcel
from tests.behaviour.fake_wire import FakeLoop


class Road:
    """A line whose other end keeps what comes, with the time."""

    def __init__(self) -> None:
        self.loop = FakeLoop()
        self.segments: list[bytes] = []
        self.times: list[float] = []
        self.moves = 0
        self.on_octets: Callable[[], None] = lambda: None
        self.line = Line(self.loop, self._sink, self._moved)

    def _sink(self, octets: bytes) -> None:
        self.segments.append(octets)
        self.times.append(round(self.loop.now - 500.0, 6))
        self.on_octets()

    def _moved(self) -> None:
        self.moves += 1

    def send(self, *parcels: Parcel) -> None:
        for parcel in parcels:
            self.line.put(parcel)
        self.line.run()


@pytest.fixture
def road() -> Road:
    return Road()


def test_what_nothing_holds_back_leaves_at_once_and_together(road: Road) -> None:
    road.send(Parcel(b"one"), Parcel(b"two"))
    assert road.segments == [b"onetwo"]
    assert (road.line.held, len(road.line), road.loop.waits) == (0, 0, 0)
    assert road.moves == 1


def test_times(road: Road) -> None:
    road.send(Parcel(b"a", ready=501.0), Parcel(b"b"), Parcel(b"c", ready=503.0))
    assert road.line.held == 3
    road.loop.pass_time(5.0)
    assert list(zip(road.times, road.segments, strict=True)) == [(1.0, b"ab"), (3.0, b"c")]
    assert road.line.held == 0


def test_a_drip(road: Road) -> None:
    drip = Pacer(2, 0.5)
    road.send(Parcel(b"abcde", pacers=(drip,)))
    road.loop.pass_time(2.0)
    assert list(zip(road.times, road.segments, strict=True)) == [(0.0, b"ab"), (0.5, b"cd"), (1.0, b"e")]
    # What is left of the interval may be used in it, and the rest of the next one later.
    road.send(Parcel(b"fgh", pacers=(drip,)))
    road.loop.pass_time(1.0)
    assert road.segments[3:] == [b"fg", b"h"]
    assert road.times[3:] == [2.0, 2.5]


def test_two_parcels_share_an_interval(road: Road) -> None:
    drip = Pacer(3, 1.0)
    road.send(Parcel(b"ab", pacers=(drip,)), Parcel(b"cdef", pacers=(drip,)))
    road.loop.pass_time(3.0)
    assert road.segments == [b"abc", b"def"]


def test_a_late_loop_does_not_slow_down_what_is_paced(road: Road) -> None:
    drip = Pacer(1, 1.0)
    road.send(Parcel(b"abcd", pacers=(drip,)))
    for _ in range(3):
        road.loop.now += 1.25
        road.loop.settle()
    assert road.segments == [b"a", b"b", b"c", b"d"]
    road.send(Parcel(b"ef", pacers=(drip,)))
    assert road.segments[4:] == []


def test_the_slowest_of_several_pacers_counts(road: Road) -> None:
    road.send(Parcel(b"abcdef", pacers=(Pacer(3, 1.0), Pacer(2, 1.0))))
    road.loop.pass_time(10.0)
    assert road.segments == [b"ab", b"c", b"de", b"f"] or road.segments == [b"ab", b"cd", b"ef"]
    assert b"".join(road.segments) == b"abcdef"
    assert road.times[-1] >= 2.0


def test_cuts_lie_where_the_stream_has_them_whatever_comes_together(road: Road) -> None:
    cutter = Cutter(4)
    road.send(Parcel(b"abcdef", cutters=(cutter,)), Parcel(b"gh", cutters=(cutter,)))
    assert road.segments == [b"abcd"], "the next segment leaves in a turn of its own"
    road.loop.turn()
    assert road.segments == [b"abcd", b"efgh"]
    road.send(Parcel(b"i", cutters=(cutter,)))
    road.loop.settle()
    road.send(Parcel(b"jklmn", cutters=(cutter,)))
    road.loop.settle()
    assert road.segments[2:] == [b"i", b"jkl", b"mn"]


def test_two_cutters(road: Road) -> None:
    road.send(Parcel(b"abcdefgh", cutters=(Cutter(3), Cutter(4))))
    road.loop.settle()
    assert road.segments == [b"abc", b"d", b"ef", b"gh"]


def test_an_action_has_its_turn_when_everything_before_it_has_left(road: Road) -> None:
    road.send(Parcel(b"abc", pacers=(Pacer(1, 1.0),)), Parcel(action=lambda: road.segments.append(b"!")), Parcel(b"d"))
    assert len(road.line) == 3
    road.loop.pass_time(2.0)
    assert road.segments == [b"a", b"b", b"c", b"!", b"d"]
    assert len(road.line) == 0


def test_an_action_that_waits_for_its_time(road: Road) -> None:
    road.send(Parcel(ready=505.0, action=lambda: road.segments.append(b"!")))
    road.loop.pass_time(4.9)
    assert road.segments == []
    road.loop.pass_time(0.2)
    assert road.segments == [b"!"]


def test_frozen(road: Road) -> None:
    road.line.freeze()
    road.send(Parcel(b"abc"))
    road.loop.pass_time(10.0)
    assert (road.segments, road.line.held) == ([], 3)
    road.line.thaw()
    assert road.segments == []
    road.loop.turn()
    assert road.segments == [b"abc"]


def test_who_is_told_of_octets_may_freeze_the_line(road: Road) -> None:
    done: list[str] = []

    def freeze() -> None:
        road.line.freeze()

    road.on_octets = freeze
    road.send(Parcel(b"abc"), Parcel(action=lambda: done.append("action")), Parcel(b"d"))
    road.loop.settle()
    assert (road.segments, done) == ([b"abc"], [])


def test_who_is_told_of_octets_may_send_more(road: Road) -> None:
    def answer() -> None:
        road.on_octets = lambda: None
        road.send(Parcel(b"second"))

    road.on_octets = answer
    road.send(Parcel(b"first"))
    road.loop.settle()
    assert road.segments == [b"first", b"second"]


def test_release_lets_go_of_what_was_held_by_some(road: Road) -> None:
    drip, cut = object(), object()
    road.send(
        Parcel(b"abc", pacers=(Pacer(1, 1.0),), by=(drip,)),
        Parcel(b"def", cutters=(Cutter(1),), by=(cut,)),
    )
    road.line.release({object()})
    road.loop.settle()
    assert road.segments == [b"a"]
    road.line.release({drip})
    road.loop.turn()
    assert road.segments == [b"a", b"bcd"]
    road.loop.settle()
    assert road.segments == [b"a", b"bcd", b"e", b"f"]


def test_rush_lets_go_of_everything(road: Road) -> None:
    done: list[str] = []
    road.line.freeze()
    road.send(Parcel(b"abc", ready=900.0), Parcel(b"def", pacers=(Pacer(1, 1.0),)))
    road.line.put(Parcel(action=lambda: done.append("action"), ready=999.0))
    road.line.rush()
    assert road.segments == [b"abcdef"]
    road.loop.turn()
    assert done == ["action"]


def test_clear_forgets_everything(road: Road) -> None:
    done: list[str] = []
    road.send(Parcel(action=lambda: done.append("due")), Parcel(b"abc", ready=600.0))
    road.line.clear()
    road.loop.pass_time(200.0)
    assert (road.segments, done, road.line.held, len(road.line)) == ([], [], 0, 0)
    road.send(Parcel(b"z"))
    assert road.segments == [b"z"]


PARCELS = st.lists(
    st.tuples(
        st.binary(min_size=1, max_size=30),
        st.sampled_from([0.0, 500.2, 501.0]),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    max_size=12,
)


@given(PARCELS, st.integers(1, 9), st.integers(1, 9))
def test_octets_keep_their_order_whatever_holds_them_back(
    parcels: list[tuple[bytes, float, bool, bool, bool]], step: int, size: int
) -> None:
    road = Road()
    pacer, cutter = Pacer(step, 0.1), Cutter(size)
    for octets, ready, paced, cut, at_once in parcels:
        road.line.put(Parcel(octets, ready=ready, pacers=(pacer,) if paced else (), cutters=(cutter,) if cut else ()))
        if at_once:
            road.line.run()
    road.line.run()
    road.loop.pass_time(100.0)
    assert b"".join(road.segments) == b"".join(octets for octets, *_ in parcels)
    assert (road.line.held, len(road.line)) == (0, 0)
    if all(cut for _, _, _, cut, _ in parcels):
        assert all(len(segment) <= size for segment in road.segments)
    if all(paced for _, _, paced, _, _ in parcels):
        assert all(len(segment) <= step for segment in road.segments)


@given(st.integers(1, 40), st.floats(0.01, 5.0), st.integers(1, 400))
def test_no_interval_lets_more_through_than_it_may(octets: int, interval: float, size: int) -> None:
    road = Road()
    road.send(Parcel(bytes(size), pacers=(Pacer(octets, interval),)))
    road.loop.pass_time((size // octets + 2) * interval)
    assert len(b"".join(road.segments)) == size
    assert all(len(segment) <= octets for segment in road.segments)
    assert road.times[-1] == pytest.approx((len(road.segments) - 1) * interval, abs=1e-4)
