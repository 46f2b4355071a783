"""The layer: what the session and the transport see of each other, and how it comes and goes."""

from collections.abc import Sequence
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppd.behaviour.facade import Facade
from smppd.behaviour.layer import (
    CLOSE_PATIENCE,
    FLUSH_PATIENCE,
    HELD_HIGH,
    HELD_LOW,
    RESET_PATIENCE,
    FaultLayer,
)
from smppd.settings import faults
from smppd.settings.delays import Fixed, Uniform
from smppd.settings.faults import Fault
from smppd.settings.rules import Schedule
from smppwire.framing import Framer
from tests.behaviour.fake_wire import (
    BIND_TRX,
    DELIVER,
    ENQUIRE_LINK,
    RESP,
    SUBMIT,
    FakeSession,
    FakeTransport,
    World,
    pdu,
    receive,
    sliced,
    submit_response,
)

A, B, C, D = (submit_response(number) for number in (1, 2, 3, 4))
BIND = pdu(BIND_TRX, 1, b"alpha\0secret\0\0\x34\0\0\0")
BIND_RESP = pdu(BIND_TRX | RESP, 1, b"smppd\0")
SUBMITS = [pdu(SUBMIT, number, bytes(30)) for number in range(2, 6)]


def latency(seconds: float, **keys: object) -> Fault:
    return faults.Latency(**{"name": "latency", "delay": Fixed(value=seconds), **keys})  # type: ignore[arg-type]


# Both directions.


def test_out() -> None:
    world = World(faults.Slice(name="s", size=7))
    session, transport = world.connect()
    session.write(A, B)
    world.loop.settle()
    assert transport.written == A + B
    assert [len(piece) for piece in transport.writes] == [7, 7, 7, 7, 7, 3]


def test_in() -> None:
    world = World(faults.Slice(name="s", size=7, direction="in"))
    session, transport = world.connect()
    receive(transport, SUBMITS[0])
    world.loop.settle()
    assert session.received == SUBMITS[0]
    assert max(map(len, session.chunks)) == 7
    session.write(A)
    assert transport.writes == [A], "the other direction is none of its business"


def test_what_the_session_says_first_is_subject_to_faults() -> None:
    world = World(faults.WrongSequence(name="s", value=9))
    _, transport = world.connect(says_first=A)
    assert transport.written == submit_response(9)


def test_latency_delays_both_ways() -> None:
    world = World(latency(0.5), latency(0.25, name="in", direction="in"))
    session, transport = world.connect()
    session.write(A)
    receive(transport, SUBMITS[0])
    world.loop.pass_time(0.3)
    assert (transport.written, session.received) == (b"", SUBMITS[0])
    world.loop.pass_time(0.3)
    assert transport.written == A


def test_jitter_keeps_the_order() -> None:
    world = World(faults.Latency(name="j", delay=Uniform(min=0.0, max=1.0)))
    session, transport = world.connect()
    sent = [submit_response(number) for number in range(50)]
    for one in sent:
        session.write(one)
        world.loop.pass_time(0.05)
    world.loop.pass_time(2.0)
    assert transport.written == b"".join(sent)
    assert len(transport.writes) > 5


def test_coalesce_and_stall_send_in_one_piece() -> None:
    for fault in (faults.Coalesce(name="c", for_=0.2), faults.Stall(name="c", for_=0.2)):
        world = World(fault)
        session, transport = world.connect()
        for one in (A, B, C):
            session.write(one)
            world.loop.pass_time(0.05)
        assert transport.writes == []
        world.loop.pass_time(0.1)
        assert transport.writes == [A + B + C]


# Which session, and from when on.


def test_faults_of_an_account_begin_with_the_response_to_its_bind() -> None:
    world = World(faults.Duplicate(name="d", account="alpha"))
    session, transport = world.connect()
    session.write(LINK)
    world.bind(session, "alpha")
    session.write(BIND_RESP)
    assert transport.written == LINK + BIND_RESP + BIND_RESP
    other, beneath = world.connect("beta")
    other.write(BIND_RESP)
    assert beneath.written == BIND_RESP


LINK = pdu(ENQUIRE_LINK | RESP, 8)


@given(st.lists(st.integers(0, 400), max_size=6))
def test_it_makes_no_difference_how_tcp_cuts_what_comes_around_a_bind(cuts: list[int]) -> None:
    """Faults of the account concern what follows the bind, even in the same segment."""
    world = World(faults.WrongSequence(name="s", add=100, direction="in", account="alpha", every=2))
    session, transport = world.connect()
    session.on_bind = lambda: world.bind(session, "alpha")
    receive(transport, *sliced(SUBMITS[0] + BIND + b"".join(SUBMITS), cuts))
    world.loop.settle()
    numbers = [frame[2] for frame in frames_of(session.received)]
    assert numbers == [2, 1, 2, 103, 4, 105]


def frames_of(octets: bytes) -> list[tuple[int, int, int]]:
    """(command_length, command_id, sequence_number) of each PDU that a framer finds; all must be whole."""
    framer = Framer()
    _, frames = framer.feed(octets)
    assert (framer.error, framer.pending) == (None, 0)
    return [(end - start, command_id, sequence) for start, end, command_id, _, sequence in frames]


def test_what_is_behind_a_bind_waits_while_the_password_is_verified() -> None:
    world = World(faults.WrongSequence(name="s", add=100, direction="in", account="alpha"))
    session, transport = world.connect()
    session.on_bind = lambda: session.transport and session.transport.pause_reading()  # type: ignore[func-returns-value]
    receive(transport, BIND + SUBMITS[0])
    world.loop.settle()
    assert session.received == BIND
    assert not transport.reading
    world.bind(session, "alpha")
    assert session.transport is not None
    session.transport.resume_reading()
    assert session.received == BIND, "not before the next turn"
    world.loop.settle()
    assert [frame[2] for frame in frames_of(session.received)] == [1, 102]
    assert transport.reading


def test_a_session_by_its_number() -> None:
    world = World(faults.Withhold(name="w", session=2))
    connections = [world.connect() for _ in range(3)]
    for session, _ in connections:
        session.write(A)
    assert [transport.written for _, transport in connections] == [A, b"", A]


def test_a_fault_on_one_session_leaves_the_other_alone() -> None:
    world = World(faults.Drip(name="d", interval=1.0), faults.Reorder(name="r", command="deliver_sm"))
    (one, beneath_one), (two, beneath_two) = world.connect(), world.connect()
    one.write(A)
    two.write(B)
    world.loop.pass_time(9.5)
    assert (len(beneath_one.written), len(beneath_two.written)) == (10, 10)
    held = pdu(DELIVER, 3, bytes(4))
    world.book.replace([world.book.faults[1]])
    world.loop.settle()
    one.write(held)
    two.write(C)
    assert beneath_two.written == B + C
    assert beneath_one.written == A, "what one holds back does not leave with the other's"
    beneath_one_lost = cast("FaultLayer", beneath_one.protocol)
    beneath_one_lost.connection_lost(None)
    two.write(D)
    assert beneath_two.written == B + C + D


# Beginnings.


def test_a_banner_comes_first() -> None:
    world = World(faults.Banner(name="b", octets="0d0a", count=1))
    _, transport = world.connect(says_first=A)
    assert transport.written == b"\r\n" + A
    assert world.connect(says_first=A)[1].written == A
    assert world.book.hits()["b"] == (2, 1)


def test_a_session_that_says_a_word_and_closes() -> None:
    world = World(faults.Banner(name="b"))

    class Brief(FakeSession):
        def connection_made(self, transport: object) -> None:
            facade = cast("Facade", transport)
            facade.write(A)
            facade.close()

    transport = FakeTransport(world.loop)
    transport.protocol = protocol = world.book.wrap(Brief())
    protocol.connection_made(transport)
    world.loop.settle()
    assert (transport.written, transport.closed) == (b"\r\n" + A, True)


def test_an_empty_banner() -> None:
    world = World(faults.Banner(name="b", octets=""))
    _, transport = world.connect(says_first=A)
    assert transport.written == A


def test_the_banner_of_an_account_comes_before_the_response_to_its_bind() -> None:
    world = World(faults.Banner(name="b", octets="ff", account="alpha"))
    session, transport = world.connect("alpha", says_first=LINK)
    session.write(BIND_RESP)
    assert transport.written == LINK + b"\xff" + BIND_RESP


def test_silence_neither_reads_nor_writes() -> None:
    world = World(faults.Silence(name="s", count=1))
    session, transport = world.connect()
    assert not transport.reading
    session.write(A)
    receive(transport, BIND)
    world.loop.pass_time(60.0)
    assert (transport.written, session.received) == (b"", b"")
    session, transport = world.connect()
    receive(transport, BIND)
    assert session.received == BIND


# Half-open.


def test_stop_reading_lets_pass_what_triggers_it_and_nothing_behind() -> None:
    world = World(faults.StopReading(name="r", direction="in", command="submit_sm", after=1))
    session, transport = world.connect()
    receive(transport, b"".join(SUBMITS))
    assert session.received == SUBMITS[0] + SUBMITS[1]
    assert not transport.reading
    session.write(A)
    assert transport.written == A
    assert session.transport is not None
    session.transport.resume_reading()
    world.loop.settle()
    assert not transport.reading, "the session cannot change that"
    world.book.replace([])
    world.loop.settle()
    assert session.received == b"".join(SUBMITS)
    assert transport.reading


def test_stop_writing_drops_whole_pdus_and_reads_on() -> None:
    world = World(faults.StopWriting(name="w", after=1))
    session, transport = world.connect()
    session.write(A, B)
    session.write(C)
    receive(transport, SUBMITS[0])
    assert (transport.written, session.received) == (A, SUBMITS[0])
    world.book.replace([])
    session.write(D)
    world.loop.settle()
    assert transport.written == A + D


def test_stop_writing_in_the_middle_of_a_drip_goes_on_in_the_middle() -> None:
    drip = faults.Drip(name="d", octets=10, interval=1.0)
    world = World(drip, faults.StopWriting(name="w", after=1))
    session, transport = world.connect()
    session.write(A)
    session.write(B)
    world.loop.pass_time(10.0)
    assert transport.written == A[:10]
    world.book.replace([drip])
    session.write(C)
    world.loop.pass_time(10.0)
    assert transport.written == A + C


def test_half_open_for_as_long_as_the_schedule_says() -> None:
    """On the clock of the engine."""
    schedule = Schedule(start=5.0, for_=10.0, every=60.0)
    world = World(faults.StopReading(name="r", direction="in", schedule=schedule))
    session, transport = world.connect()
    receive(transport, SUBMITS[0])
    assert transport.reading
    world.engine.pass_time(6.0)
    receive(transport, SUBMITS[1])
    assert not transport.reading
    world.engine.pass_time(8.9)
    assert not transport.reading
    world.engine.pass_time(0.2)
    assert transport.reading
    receive(transport, SUBMITS[2])
    assert session.received == b"".join(SUBMITS[:3])


# Ends.


def test_fin_in_place_of_a_pdu() -> None:
    world = World(faults.Fin(name="f", after=1))
    session, transport = world.connect()
    session.write(A, B, C)
    world.loop.settle()
    assert (transport.written, transport.eof, transport.closed) == (A, True, False)
    assert session.lost == [None]
    receive(transport, SUBMITS[0])
    assert session.received == b""
    world.loop.pass_time(CLOSE_PATIENCE - 0.1)
    assert not transport.aborted
    world.loop.pass_time(0.2)
    assert transport.aborted
    assert session.lost == [None], "it is told once"
    assert world.book.layers == 0


def test_fin_when_the_peer_closes_in_its_turn() -> None:
    world = World(faults.Fin(name="f"))
    session, transport = world.connect()
    session.write(A)
    world.loop.settle()
    assert cast("FaultLayer", transport.protocol).eof_received() is False
    transport.close()
    world.loop.pass_time(10.0)
    assert not transport.aborted
    assert world.book.layers == 0


def test_fin_over_tls_closes_both_directions() -> None:
    world = World(faults.Fin(name="f"))
    session, transport = world.connect(half_closes=False)
    session.write(A)
    world.loop.settle()
    assert (transport.closed, transport.aborted, session.lost) == (True, False, [None])


def test_fin_for_what_comes_in_lets_leave_what_was_said_before() -> None:
    world = World(faults.Fin(name="f", direction="in", command="submit_sm", after=1), latency(1.0))
    session, transport = world.connect()
    receive(transport, SUBMITS[0])
    session.write(A)
    receive(transport, SUBMITS[1])
    world.loop.pass_time(0.5)
    assert (session.received, session.lost) == (SUBMITS[0], [])
    world.loop.pass_time(1.0)
    assert (transport.written, transport.eof, session.lost) == (A, True, [None])


def test_reset_waits_for_what_was_written_before_but_not_for_ever() -> None:
    world = World(faults.Reset(name="r", after=1))
    session, transport = world.connect()
    transport.unsent = 10
    session.write(A, B)
    world.loop.pass_time(RESET_PATIENCE - 0.1)
    assert (transport.written, transport.aborted) == (A, False)
    transport.unsent = 0
    world.loop.pass_time(0.05)
    assert transport.aborted
    assert session.lost == [None]
    session, transport = world.connect()
    transport.unsent = 10
    session.write(A)
    world.loop.pass_time(RESET_PATIENCE + 0.1)
    assert transport.aborted


def test_reset_inside_a_pdu() -> None:
    world = World(faults.ResetInsidePdu(name="r", command="deliver_sm"))
    session, transport = world.connect()
    delivery = pdu(DELIVER, 5, bytes(24))
    session.write(A, delivery, B)
    world.loop.settle()
    assert transport.written == A + delivery[:20]
    assert transport.aborted


def test_reset_inside_a_pdu_that_comes_in() -> None:
    world = World(faults.ResetInsidePdu(name="r", direction="in", command="submit_sm"))
    session, transport = world.connect()
    receive(transport, SUBMITS[0])
    world.loop.settle()
    assert session.received == SUBMITS[0][:23]
    assert (transport.aborted, session.lost) == (True, [None])


def test_closing_lets_leave_what_is_held() -> None:
    world = World(faults.Reorder(name="r", count=1), faults.Drip(name="d", octets=10, interval=1.0))
    session, transport = world.connect()
    session.write(A)
    assert session.transport is not None
    session.transport.write_eof()
    assert session.transport.is_closing()
    world.loop.pass_time(0.5)
    assert (transport.written, transport.eof) == (A[:10], False)
    session.transport.abort()
    world.loop.pass_time(1.0)
    assert (transport.written, transport.eof, transport.aborted) == (A, True, False)
    world.loop.pass_time(CLOSE_PATIENCE)
    assert transport.aborted
    assert session.lost == [None]


def test_what_would_take_for_ever_to_leave_does_not() -> None:
    world = World(faults.Drip(name="d", interval=3600.0))
    session, transport = world.connect()
    session.write(A)
    assert session.transport is not None
    session.transport.close()
    session.transport.abort()
    session.transport.abort()
    world.loop.pass_time(FLUSH_PATIENCE - 0.1)
    assert not transport.aborted
    world.loop.pass_time(0.2)
    assert transport.aborted
    assert session.lost == [None]


def test_who_has_not_closed_before_is_gone_at_once() -> None:
    world = World(faults.Drip(name="d", interval=3600.0))
    session, transport = world.connect()
    session.write(A)
    assert session.transport is not None
    session.transport.abort()
    assert transport.aborted


def test_the_end_of_the_server_waits_for_nothing() -> None:
    world = World(faults.Drip(name="d", interval=3600.0), faults.SlowClose(name="s", for_=3600.0))
    session, transport = world.connect()
    session.write(A)
    assert session.transport is not None
    facade = session.transport
    facade.write_eof()
    facade.abort()
    assert not transport.aborted
    world.book.stop()
    world.loop.settle()
    assert (transport.written, transport.aborted) == (A, True)
    session, transport = world.connect()
    assert session.transport is not None
    session.transport.close()
    session.transport.abort()
    assert transport.aborted


def test_the_end_of_the_server_drops_what_lingers_behind_a_fin() -> None:
    world = World(faults.Fin(name="f"))
    session, transport = world.connect()
    session.write(A)
    world.loop.settle()
    world.book.stop()
    world.loop.settle()
    assert transport.aborted
    assert world.book.layers == 0


def test_stop_writing_says_nothing_at_the_end_either() -> None:
    world = World(faults.StopWriting(name="w"))
    session, transport = world.connect()
    session.write(A)
    assert session.transport is not None
    session.transport.write_eof()
    world.loop.pass_time(100.0)
    assert (transport.written, transport.eof, transport.closed) == (b"", False, False)
    session.transport.abort()
    assert transport.aborted


def test_slow_close() -> None:
    world = World(faults.SlowClose(name="s", for_=20.0, count=1))
    session, transport = world.connect()
    session.write(A)
    assert session.transport is not None
    session.transport.write_eof()
    session.transport.abort()
    world.loop.pass_time(19.9)
    assert (transport.written, transport.eof, transport.closed) == (A, False, False)
    world.loop.pass_time(0.2)
    assert (transport.eof, transport.closed) == (True, False)
    world.loop.pass_time(CLOSE_PATIENCE)
    assert transport.aborted
    session, transport = world.connect()
    assert session.transport is not None
    session.transport.write_eof()
    world.loop.settle()
    assert transport.eof


def test_the_end_of_what_the_peer_sends_comes_after_what_was_delayed() -> None:
    world = World(latency(1.0, direction="in"))
    session, transport = world.connect()
    receive(transport, SUBMITS[0])
    assert cast("FaultLayer", transport.protocol).eof_received() is True
    assert not session.eof
    world.loop.pass_time(1.0)
    assert (session.received, session.eof) == (SUBMITS[0], True)
    assert transport.closed, "the session has not asked for a half-open connection"


def test_over_tls_the_peers_end_is_the_last_chance_for_all() -> None:
    world = World(latency(1.0), latency(1.0, name="in", direction="in"))
    session, transport = world.connect(half_closes=False)
    session.write(A)
    receive(transport, SUBMITS[0])
    assert cast("FaultLayer", transport.protocol).eof_received() is False
    assert (transport.written, session.received) == (A, SUBMITS[0])
    world.loop.settle()
    assert session.eof


def test_a_connection_that_is_lost_takes_with_it_what_is_held() -> None:
    world = World(latency(1.0), latency(1.0, name="in", direction="in"), faults.StopReading(name="s"))
    session, transport = world.connect()
    session.write(A)
    receive(transport, SUBMITS[0])
    error = ConnectionResetError()
    cast("FaultLayer", transport.protocol).connection_lost(error)
    assert session.lost == [error]
    world.loop.pass_time(10.0)
    assert (transport.written, session.received) == (b"", b"")
    assert world.book.layers == 0
    assert world.loop.waits == 0
    assert world.engine.waits.next_due() is None


def test_a_session_that_is_refused_at_once() -> None:
    world = World(faults.Banner(name="b"))

    class Refused(FakeSession):
        def connection_made(self, transport: object) -> None:
            cast("Facade", transport).abort()

    transport = FakeTransport(world.loop)
    session = Refused()
    protocol = world.book.wrap(session)
    transport.protocol = protocol
    protocol.connection_made(transport)
    assert (transport.written, transport.aborted) == (b"", True)
    world.loop.settle()
    assert session.lost == [None]
    assert world.book.layers == 0


# Flow.


def test_a_lane_that_is_full_stops_the_session() -> None:
    world = World(faults.Stall(name="s", for_=5.0))
    session, transport = world.connect()
    session.write(pdu(DELIVER, 1, bytes(HELD_HIGH - 20)))
    assert session.flow == []
    assert session.transport is not None
    session.write(A)
    assert session.flow == ["pause"]
    assert session.transport.get_write_buffer_size() == HELD_HIGH - 4 + len(A)
    world.loop.pass_time(5.0)
    assert session.flow == ["pause", "resume"]
    assert len(transport.written) == HELD_HIGH - 4 + len(A)


def test_a_drip_lets_the_session_go_on_when_little_is_left() -> None:
    world = World(faults.Drip(name="d", octets=1000, interval=1.0))
    session, transport = world.connect()
    session.write(pdu(DELIVER, 1, bytes(HELD_HIGH + 1000)))
    assert session.flow == ["pause"]
    while session.flow == ["pause"]:
        world.loop.pass_time(1.0)
    assert HELD_LOW - 1000 <= HELD_HIGH + 1016 - len(transport.written) <= HELD_LOW


def test_both_the_lane_and_the_transport_must_have_room() -> None:
    world = World(faults.Stall(name="s", for_=5.0))
    session, transport = world.connect()
    layer = cast("FaultLayer", transport.protocol)
    session.write(pdu(DELIVER, 1, bytes(HELD_HIGH)))
    layer.pause_writing()
    assert session.flow == ["pause"]
    world.loop.pass_time(5.0)
    assert session.flow == ["pause"]
    layer.resume_writing()
    assert session.flow == ["pause", "resume"]


def test_a_lane_that_is_full_stops_the_transport() -> None:
    world = World(faults.Stall(name="s", for_=5.0, direction="in"))
    session, transport = world.connect()
    receive(transport, *[pdu(SUBMIT, number, bytes(1000)) for number in range(70)])
    assert not transport.reading
    assert session.received == b""
    world.loop.pass_time(5.0)
    assert transport.reading
    assert len(session.received) == 70 * 1016


def test_the_session_stops_and_starts_reading() -> None:
    world = World(latency(1.0, direction="in"))
    session, transport = world.connect()
    facade = session.transport
    assert facade is not None
    receive(transport, SUBMITS[0])
    facade.pause_reading()
    assert (facade.is_reading(), transport.reading) == (False, False)
    world.loop.pass_time(2.0)
    assert session.received == b""
    facade.resume_reading()
    assert transport.reading
    world.loop.settle()
    assert session.received == SUBMITS[0]


# Coming and going.


def test_it_comes_while_the_connection_stands() -> None:
    world = World()
    session, transport = world.connect("alpha")
    assert transport.protocol is session
    session.beginning = SUBMITS[0][:5]
    receive(transport, SUBMITS[0][:5])
    world.book.replace([faults.Duplicate(name="d", direction="in"), faults.Duplicate(name="o")])
    assert world.layered(transport)
    receive(transport, SUBMITS[0][5:] + SUBMITS[1])
    session.write(A)
    assert session.received == SUBMITS[0] + SUBMITS[1] * 2
    assert transport.written == A + A


def test_it_comes_while_reading_and_writing_are_stopped() -> None:
    world = World()
    session, transport = world.connect()
    transport.pause_reading()
    session.pause_writing()
    session.flow.clear()
    world.book.replace([latency(1.0)])
    facade = session.transport
    assert facade is not None
    assert (facade.is_reading(), transport.reading) == (False, False)
    facade.resume_reading()
    assert transport.reading
    cast("FaultLayer", transport.protocol).resume_writing()
    assert session.flow == ["resume"]


def test_it_comes_for_faults_that_may_concern_the_session_alone() -> None:
    world = World()
    (_bound, beneath_bound), (unbound, beneath_unbound) = world.connect("alpha"), world.connect()
    world.book.replace([faults.Duplicate(name="d", account="beta")])
    assert not world.layered(beneath_bound)
    assert world.layered(beneath_unbound)
    world.bind(unbound, "gamma")
    world.loop.settle()
    assert not world.layered(beneath_unbound), "none is of that account"
    assert beneath_unbound.protocol is unbound
    assert unbound.transport is beneath_unbound


def test_it_goes_when_nothing_is_held_any_more() -> None:
    world = World(faults.Drip(name="d", octets=10, interval=1.0), latency(1.0, direction="in"))
    session, transport = world.connect()
    session.write(A)
    receive(transport, SUBMITS[0] + SUBMITS[1][:9])
    world.book.replace([])
    world.loop.settle()
    assert transport.protocol is session
    assert session.transport is transport
    assert world.book.layers == 0
    assert transport.written == A
    assert session.received == SUBMITS[0] + SUBMITS[1][:9]
    assert world.loop.waits == 0


def test_it_waits_with_going_until_the_session_reads() -> None:
    world = World(latency(1.0, direction="in"))
    session, transport = world.connect()
    facade = session.transport
    assert facade is not None
    facade.pause_reading()
    receive(transport, SUBMITS[0])
    world.book.replace([])
    world.loop.settle()
    assert world.layered(transport)
    facade.resume_reading()
    world.loop.settle()
    assert session.received == SUBMITS[0]
    assert not world.layered(transport)
    assert transport.reading


def test_it_comes_back_for_a_bind_on_the_same_connection() -> None:
    world = World(faults.Duplicate(name="d", account="alpha"))
    session, transport = world.connect("beta")
    world.loop.settle()
    assert not world.layered(transport)
    world.bind(session, "alpha")
    session.write(BIND_RESP)
    assert transport.written == BIND_RESP * 2


def test_a_fault_that_is_changed_changes_what_it_does() -> None:
    world = World(faults.WrongSequence(name="s", value=1))
    session, transport = world.connect()
    session.write(A)
    world.book.replace([faults.WrongSequence(name="s", value=2)])
    session.write(A)
    assert transport.written == submit_response(1) + submit_response(2)


# Whatever the faults, and however TCP cuts.

WIRE_FAULTS: list[Fault] = [
    faults.Slice(name="slice", size=3),
    faults.Coalesce(name="coalesce", for_=0.05),
    faults.Drip(name="drip", octets=50, interval=0.01, probability=0.5),
    faults.Bandwidth(name="bandwidth", octets_per_second=5000.0),
    faults.Latency(name="jitter", delay=Uniform(min=0.0, max=0.1)),
    faults.Stall(name="stall", for_=0.2, every=3),
]
BODIES = st.lists(st.binary(max_size=40), min_size=1, max_size=8)


@given(BODIES, st.lists(st.integers(0, 999), max_size=8), st.sets(st.integers(0, len(WIRE_FAULTS) - 1)), st.booleans())
def test_the_other_side_reads_the_same_pdus_whatever_holds_octets_back(
    bodies: list[bytes], cuts: list[int], chosen: set[int], inwards: bool
) -> None:
    direction = "in" if inwards else "out"
    kinds = [WIRE_FAULTS[index] for index in sorted(chosen)]
    world = World(*[type(fault)(**{**values(fault), "direction": direction}) for fault in kinds])
    session, transport = world.connect()
    stream = b"".join(pdu(SUBMIT, number, body) for number, body in enumerate(bodies))
    if inwards:
        receive(transport, *sliced(stream, cuts))
    else:
        session.write(stream)
    world.loop.pass_time(60.0)
    pieces = session.chunks if inwards else transport.writes
    assert b"".join(pieces) == stream
    framer = Framer()
    found = [buffer[a:b] for piece in pieces for buffer, frames in [framer.feed(piece)] for a, b, *_ in frames]
    assert found == [pdu(SUBMIT, number, body) for number, body in enumerate(bodies)]


def values(fault: Fault) -> dict[str, object]:
    return {name: getattr(fault, name) for name in fault.__struct_fields__}


PDU_FAULTS: Sequence[Fault] = (
    faults.Withhold(name="w", probability=0.3),
    faults.Duplicate(name="d", every=2),
    faults.FlipBits(name="f", bits=3, probability=0.5),
    faults.Reorder(name="r", probability=0.4),
    faults.WrongSequence(name="s", add=5, after=3),
    faults.UnknownTlv(name="t", probability=0.5),
)


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=20), st.lists(st.integers(0, 999), max_size=12))
def test_what_faults_of_pdus_do_does_not_depend_on_how_tcp_cuts(bodies: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(pdu(SUBMIT, number, body) for number, body in enumerate(bodies))
    outcomes = []
    for chunks in ([stream], sliced(stream, cuts)):
        world = World(*[type(fault)(**{**values(fault), "direction": "in"}) for fault in PDU_FAULTS])
        session, transport = world.connect("alpha")
        receive(transport, *chunks)
        world.engine.pass_time(5.0)
        world.loop.settle()
        outcomes.append((session.received, world.book.hits()))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 40])
def test_every_size_of_slices(size: int) -> None:
    world = World(faults.Slice(name="s", size=size))
    session, transport = world.connect()
    session.write(A, *SUBMITS)
    world.loop.settle()
    stream = A + b"".join(SUBMITS)
    assert transport.writes == [stream[at : at + size] for at in range(0, len(stream), size)]
