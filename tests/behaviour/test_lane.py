"""One direction: cutting, the chain of faults, and what waits in it."""

from smppd.behaviour.byte_faults import Ending
from smppd.behaviour.lane import Lane
from smppd.behaviour.occasions import Occasions, Party
from smppd.settings import faults
from smppd.settings.delays import Fixed
from smppd.settings.faults import Fault
from smppwire.session import BINDS
from tests.behaviour.fake_wire import BIND_TRX, ENQUIRE_LINK, EngineTime, FakeLoop, pdu, submit_response


class Host:
    """What a lane asks of its connection, written down."""

    def __init__(self, *given: Fault, waits_behind: frozenset[int] = frozenset(), passed: bytes = b"") -> None:
        self.party = Party(1)
        self.loop = FakeLoop()
        self.engine = EngineTime()
        self.segments: list[bytes] = []
        self.halted: list[str] = []
        self.ends: list[Ending] = []
        self.lane = Lane(
            self, self.loop, self.engine.waits, self._sink, max_pdu=1000, waits_behind=waits_behind, passed=passed
        )
        self.occasions = [Occasions(fault, seed=1, started=0.0) for fault in given]
        self.lane.choose(self.occasions)

    def _sink(self, octets: bytes) -> None:
        self.segments.append(octets)

    def halt(self, occasions: Occasions) -> None:
        self.halted.append(occasions.fault.name)
        self.lane.muted = True

    def end(self, lane: Lane, ending: Ending) -> None:
        assert lane is self.lane
        self.ends.append(ending)

    def moved(self) -> None:
        pass

    @property
    def sent(self) -> bytes:
        return b"".join(self.segments)


A, B, C, D = (submit_response(number) for number in (1, 2, 3, 4))
LINK = pdu(ENQUIRE_LINK, 9)


def test_without_faults_it_passes_on_what_comes() -> None:
    host = Host()
    host.lane.feed(A + B)
    assert host.segments == [A + B]
    assert host.lane.idle


def test_the_beginning_of_a_pdu_waits_for_its_end() -> None:
    host = Host()
    host.lane.feed(A + B[:7])
    assert (host.sent, host.lane.beginning) == (A, B[:7])
    assert host.lane.idle, "what waits for the ESME does not wait for a fault"
    host.lane.feed(B[7:])
    assert (host.sent, host.lane.beginning) == (A + B, b"")


def test_a_pdu_whose_beginning_has_gone_before_the_lane_goes_on_untouched() -> None:
    host = Host(faults.Duplicate(name="d"), passed=A[:7])
    assert host.lane.beginning == b""
    host.lane.feed(A[7:10])
    assert host.lane.beginning == A[7:10]
    host.lane.feed(A[10:] + B)
    assert host.sent == A[7:] + B + B
    assert host.occasions[0].matched == 1


def test_what_is_no_pdu_passes_behind_what_came_before() -> None:
    host = Host(faults.Duplicate(name="d"))
    host.lane.feed(A + b"GET / HTTP/1.1\r\n")
    host.lane.feed(b"Host: x\r\n\r\n")
    assert host.sent == A + A + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_length_that_cannot_be_is_passed_on_at_once() -> None:
    host = Host(passed=b"")
    host.lane.feed(b"\0\0\0\3")
    assert host.sent == b"\0\0\0\3"


def test_faults_of_pdus_come_in_their_order() -> None:
    host = Host(faults.Duplicate(name="d"), faults.WrongSequence(name="s", add=1), faults.Withhold(name="w", count=1))
    host.lane.feed(A)
    assert host.sent == submit_response(2)
    assert [one.hits for one in host.occasions] == [(1, 1), (2, 2), (2, 1)]


def test_commands() -> None:
    host = Host(faults.Withhold(name="w", command="enquire_link"))
    host.lane.feed(A + LINK + B)
    assert host.sent == A + B
    assert host.occasions[0].hits == (1, 1)


def test_reorder_swaps_with_the_next_whatever_it_is() -> None:
    host = Host(faults.Reorder(name="r", command="submit_sm_resp", for_=1.0))
    host.lane.feed(A + LINK + B)
    assert host.sent == LINK + A
    assert not host.lane.idle
    host.lane.feed(C)
    assert host.sent == LINK + A + C + B
    assert host.occasions[0].hits == (2, 2), "the one that overtakes is no occasion"


def test_reorder_does_not_wait_for_ever_on_the_clock_of_the_engine() -> None:
    host = Host(faults.Reorder(name="r", for_=1.0), faults.Duplicate(name="d"))
    host.lane.feed(A)
    host.loop.pass_time(60.0)
    assert host.sent == b""
    host.engine.pass_time(0.9)
    assert host.sent == b""
    host.engine.pass_time(0.2)
    assert host.sent == A + A, "the faults behind it still have their turn"
    host.lane.feed(B + C)
    assert host.sent == A + A + C + C + B + B
    assert host.engine.waits.next_due() is None


def test_a_fault_that_is_taken_away_gives_back_what_it_held() -> None:
    host = Host(faults.Reorder(name="r"), faults.Latency(name="l", delay=Fixed(value=5.0)))
    _reorder, latency = host.occasions
    host.lane.feed(A)
    host.lane.choose([latency])
    host.loop.settle()
    assert host.sent == b"", "the latency still holds it"
    host.lane.choose([])
    host.loop.settle()
    assert host.sent == A
    assert host.lane.idle


def test_a_fault_that_stays_goes_on_as_it_was() -> None:
    host = Host(faults.Reorder(name="r"), faults.Slice(name="s", size=20))
    host.lane.feed(A)
    extra = Occasions(faults.Duplicate(name="d", command="enquire_link"), seed=1, started=0.0)
    host.lane.choose([*host.occasions, extra])
    host.lane.feed(B)
    host.loop.settle()
    assert host.sent == B + A
    assert [len(segment) for segment in host.segments] == [20, 18]


def test_what_is_behind_a_bind_waits_until_the_bind_has_left() -> None:
    bind = pdu(BIND_TRX, 1, bytes(20))
    host = Host(waits_behind=BINDS)
    host.lane.feed(bind + A)
    assert host.segments == [bind]
    assert host.lane.held == len(A)
    host.lane.choose([Occasions(faults.Duplicate(name="d"), seed=1, started=0.0)])
    host.loop.settle()
    assert host.sent == bind + A + A


def test_halted_and_muted() -> None:
    host = Host()
    host.lane.halted = True
    host.lane.feed(A)
    assert (host.sent, host.lane.held, host.lane.idle) == (b"", len(A), False)
    host.lane.halted = False
    host.lane.work()
    assert host.sent == A
    host.lane.muted = True
    host.lane.feed(B)
    host.lane.put(b"octets")
    assert (host.sent, host.lane.held) == (A, 0)


def test_a_fault_that_makes_it_half_open_takes_the_pdu_with_it() -> None:
    host = Host(faults.StopWriting(name="w", after=1))
    host.lane.feed(A + B + C)
    assert (host.sent, host.halted) == (A, ["w"])


def test_what_is_to_follow_the_last_octet() -> None:
    host = Host(faults.Reorder(name="r"), faults.Latency(name="l", delay=Fixed(value=1.0)))
    done: list[float] = []
    host.lane.feed(A + B[:5])
    host.lane.finish(lambda: done.append(host.loop.now))
    host.lane.finish(lambda: done.append(0.0))
    host.lane.feed(C)
    host.loop.pass_time(0.5)
    assert (host.sent, done) == (b"", [])
    host.loop.pass_time(1.0)
    assert (host.sent, done) == (A + B[:5], [501.0, 0.0])


def test_the_end_of_the_stream_waits_for_what_waits_behind_a_bind() -> None:
    host = Host(waits_behind=BINDS)
    done: list[bytes] = []
    host.lane.feed(pdu(BIND_TRX) + A)
    host.lane.finish(lambda: done.append(host.sent))
    assert done == []
    host.loop.settle()
    assert done == [pdu(BIND_TRX) + A]


def test_an_ending_comes_in_place_of_a_pdu_and_behind_those_before_it() -> None:
    for fault, last in ((faults.Fin(name="f", after=1), b""), (faults.ResetInsidePdu(name="f", after=1), B[:9])):
        host = Host(fault)
        host.lane.feed(A + B + C)
        host.lane.feed(D)
        assert host.sent == A + last
        assert host.ends == []
        host.loop.settle()
        assert len(host.ends) == 1
        assert host.occasions[0].hits == (2, 1)


def test_a_stopped_lane_takes_and_gives_nothing() -> None:
    host = Host(faults.Reorder(name="r", count=1), faults.Latency(name="l", delay=Fixed(value=1.0)))
    host.lane.feed(A)
    host.lane.feed(LINK)
    host.lane.stop()
    host.lane.feed(B)
    host.lane.finish(lambda: host.segments.append(b"!"))
    host.loop.pass_time(5.0)
    host.engine.pass_time(5.0)
    assert (host.sent, host.lane.held, host.lane.idle) == (b"", 0, True)
