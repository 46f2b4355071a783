"""While a server stands still nothing happens to messages, and afterwards everything that was held up."""

from __future__ import annotations

import asyncio

import pytest

from smppd.transport import standstill as standstill_module
from tests.control.snapshot.universe import Universe
from tests.transport.support import run_virtually


def test_nothing_is_read_and_nothing_runs() -> None:
    async def run() -> None:
        universe = Universe()
        universe.play([("bind", "alice", True), ("submit", 0, (8, 0), 0, 1)])
        server = universe.stage.server
        engine = server.engine
        esme = universe.esmes[0]
        async with server.control.simulation.standstill.hold():
            assert not esme.transport.reading
            assert server._run() is None
            late = universe.stage.connect()
            assert not late.transport.reading
            esme.connection.connection_lost(None)
            assert engine.esmes["alice"].binds, "it goes when the standstill is over"
        assert not engine.esmes["alice"].binds
        assert late.transport.reading
        universe.esmes.clear()
        universe.stage.esmes.clear()
        universe.stage.advance(20.0)
        assert engine.in_flight == 0

    run_virtually(run())


def test_whoever_changes_something_waits() -> None:
    async def run() -> None:
        server = Universe().stage.server
        standstill = server.control.simulation.standstill
        await standstill.over()
        async with standstill.hold():
            waiting = asyncio.ensure_future(standstill.over())
            await asyncio.sleep(0)
            assert not waiting.done()
        await waiting

    run_virtually(run())


def test_requests_that_do_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        universe = Universe()
        server = universe.stage.server
        universe.play([("bind", "alice", True)])
        monkeypatch.setattr(standstill_module, "LONGEST_REQUEST", 0.0)
        monkeypatch.setattr(type(server.engine.slices), "__len__", lambda _: 1)
        with pytest.raises(TimeoutError):
            async with server.control.simulation.standstill.hold():
                raise AssertionError("never")
        assert universe.esmes[0].transport.reading

    run_virtually(run())
