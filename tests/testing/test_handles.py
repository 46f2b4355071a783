"""What a test holds in its hands; most of it is tried where it is made, in test_smsc.py."""

import pytest

import smppd
from smppd.testing.handles import seconds_of


@pytest.mark.parametrize(
    ("given", "seconds"),
    [((1.5, 0, 0, 0), 1.5), ((0, 2, 0, 0), 120), ((0, 0, 24, 0), 86_400), ((1, 1, 1, 1), 90_061)],
)
def test_times_in_several_units(given: tuple[float, float, float, float], seconds: float) -> None:
    assert seconds_of(*given) == seconds


def test_a_session_that_is_not_bound() -> None:
    import socket

    with smppd.Smsc() as smsc, socket.create_connection(smsc.address, timeout=5) as client:
        client.sendall(bytes.fromhex("00000010 00000015 00000000 00000001"))
        assert client.recv(16)
        [session] = smsc.sessions
        assert (session.state, session.system_id, session.bind_type) == ("OPEN", "", "")
        session.unbind()
        assert client.recv(16) == b"", "who is not bound is closed"
