"""The transport that a session sees."""

from smppd.behaviour.facade import Facade
from smppd.behaviour.layer import FaultLayer
from smppd.settings import faults
from smppd.settings.delays import Fixed
from tests.behaviour.fake_wire import FakeSession, World, submit_response

A = submit_response()


def test_the_facade_answers_for_the_transport() -> None:
    world = World(faults.Latency(name="l", delay=Fixed(value=1.0)))
    session, transport = world.connect()
    facade = session.transport
    assert facade is not None
    assert facade.get_extra_info("peername") == ("192.0.2.1", 40000)
    assert facade.can_write_eof()
    assert facade.get_protocol() is session
    facade.set_write_buffer_limits(high=100)
    assert facade.get_write_buffer_limits() == transport.get_write_buffer_limits() == (0, 100)
    facade.write(memoryview(bytearray(A)))
    world.loop.pass_time(1.0)
    assert transport.written == A
    assert not facade.is_closing()
    transport.close()
    assert facade.is_closing()


def test_before_there_is_a_connection_there_is_nothing_to_tell() -> None:
    world = World()
    layer = FaultLayer(world.book, FakeSession(), world.loop, world.engine.waits, max_pdu=1000)
    facade = Facade(layer)
    facade.set_write_buffer_limits(high=100)
    facade.abort()
    assert facade.get_write_buffer_limits() == (0, 0)
    assert facade.get_write_buffer_size() == 0
    assert facade.get_extra_info("peername", "nobody") == "nobody"
    assert (facade.can_write_eof(), facade.is_closing()) == (False, True)
