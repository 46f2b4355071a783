from datetime import UTC

import pytest

from smppd.settings import parse_address, time_zone


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:2775", ("127.0.0.1", 2775)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:65535", ("::1", 65535)),
        ("[fe80::1%eth0]:1", ("fe80::1%eth0", 1)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("127.0.0.1", "port is missing"),
        (":2775", "host is missing"),
        ("[]:2775", "host is missing"),
        ("::1:2775", "brackets"),
        ("h:", "port is not"),
        ("h:65536", "port is not"),
        ("h:-1", "port is not"),
        ("h:+1", "port is not"),
        ("h:\u0661", "port is not"),
        ("a b:1", "characters"),
    ],
)
def test_what_is_no_address(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_address(text)


def test_time_zones() -> None:
    assert time_zone("UTC") is UTC
    assert str(time_zone("Europe/Paris")) == "Europe/Paris"
