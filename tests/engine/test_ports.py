"""The world as the engine sees it: what is wired together has the shapes that the engine expects."""

import time

from smppd.behaviour.dialects import compile_dialects
from smppd.engine.clock import EngineClock
from smppd.engine.dialect import PlainDialect
from smppd.engine.esmes import CLOSED_OUTBOUND
from smppd.engine.ports import DEFERRED, Attempt, Clock, Dialect, Network, Observer, Outbound, Outcome
from smppd.network.simple import SimulatedNetwork
from smppd.observe.counters import Counters
from smppd.settings import Network as NetworkSettings
from smppd.settings import Settings
from smppd.transport.smsc import SmscConnection


def test_an_outcome_without_error() -> None:
    assert Outcome(2) == (2, 0)
    assert Attempt(0.5, Outcome(2)).outcome.error_code == 0


def test_the_server_is_made_of_what_the_ports_describe() -> None:
    """mypy checks the assignments; here, that every method of a port is really there."""
    clock: Clock = EngineClock(time.monotonic, time.time)
    network: Network = SimulatedNetwork("default", NetworkSettings(), 0)
    dialect: Dialect = compile_dialects(Settings())["default"]
    plain: Dialect = PlainDialect()
    observer: Observer = Counters()
    for port, thing in ((Clock, clock), (Network, network), (Dialect, dialect), (Dialect, plain), (Observer, observer)):
        methods = [name for name in vars(port) if not name.startswith("_")]
        assert methods
        assert [name for name in methods if not callable(getattr(thing, name))] == []
    for thing in (SmscConnection, type(CLOSED_OUTBOUND)):
        methods = [name for name in vars(Outbound) if not name.startswith("_")]
        assert {"room", "deliver", "answer", "notify"} <= set(methods)
        assert [name for name in methods if not callable(getattr(thing, name))] == []


def test_deferred_is_no_status() -> None:
    assert DEFERRED < 0
