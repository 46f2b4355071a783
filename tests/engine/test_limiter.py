"""Throughput windows that know what a message costs."""

import pytest

from smppd.engine.limiter import Limiter, limiter_for
from smppd.settings import Throughput
from tests.engine.world import sms


def test_no_limit_needs_no_limiter() -> None:
    assert limiter_for(Throughput()) is None
    assert limiter_for(Throughput(), Limiter(Throughput(limit=1))) is None


def test_a_burst_of_0_is_one_message() -> None:
    limiter = Limiter(Throughput(limit=10, burst=0))
    assert [limiter.admit(sms(), 0.0), limiter.admit(sms(), 0.0), limiter.admit(sms(), 0.1)] == [True, False, True]


def test_messages_cost_one_each_however_long() -> None:
    limiter = Limiter(Throughput(limit=10, burst=2))
    assert limiter.admit(sms(text=b"x" * 254), 0.0)
    assert limiter.next_at(sms(text=b"x" * 254), 0.0) == 0.0
    assert limiter.admit(sms(), 0.0)
    assert limiter.next_at(sms(), 0.0) == 0.1


def test_parts_cost_one_each() -> None:
    limiter = Limiter(Throughput(limit=10, burst=3, count="parts"))
    two_parts = sms(text=b"x" * 161)
    assert limiter.admit(two_parts, 0.0)
    assert not limiter.admit(two_parts, 0.0)
    assert limiter.admit(sms(), 0.0)
    assert limiter.next_at(two_parts, 0.0) == pytest.approx(0.2)
    assert not limiter.admit(two_parts, 0.15)
    assert limiter.admit(two_parts, 0.2)


def test_the_same_settings_keep_the_window() -> None:
    """Whoever reloads another part of the configuration gives nobody a new burst."""
    settings = Throughput(limit=10, burst=5)
    limiter = limiter_for(settings)
    assert limiter is not None
    assert limiter_for(Throughput(limit=10, burst=5), limiter) is limiter
    changed = limiter_for(Throughput(limit=20, burst=5), limiter)
    assert changed is not None
    assert changed is not limiter
