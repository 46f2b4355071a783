"""The clock desk."""

from __future__ import annotations

import asyncio
import io

import pytest

from smppd.app import SmscServer
from smppd.control.failures import ConflictError, InvalidError
from smppd.settings import Settings
from tests.control.support import Stage, status_of
from tests.transport.stage import on_stage

SLOW = '[network.default]\ndelay = { distribution = "fixed", value = 3600 }\n'


def test_what_time_it_is() -> None:
    async def act(stage: Stage) -> None:
        desk = stage.server.control.clock
        view = desk.read()
        assert (view.mode, view.running, view.speed, view.real) == ("virtual", False, 1.0, False)
        assert (view.seconds, view.clock_time) == (0.0, "2026-01-01T12:00:00.000000Z")
        assert (view.next_due_in, view.next_due_time) == (None, None)
        assert view.end_time == "2037-12-31T23:59:59.000000Z"
        status_of(stage.bound(), "1")
        stage.settle()
        view = desk.read()
        assert (view.next_due_in, view.next_due_time) == (3600.0, "2026-01-01T13:00:00.000000Z")

    on_stage(SLOW, act)


def test_leaps() -> None:
    async def act(stage: Stage) -> None:
        desk = stage.server.control.clock
        status_of(stage.bound(), "1")
        assert (await desk.advance(10.0)).clock.next_due_in == 3590.0
        view = await desk.advance(to="2026-01-01T14:00:00+01:00")
        assert (view.seconds, view.steps, view.clock.seconds) == (3590.0, 1, 3600.0)
        for wrong in ({}, {"seconds": 1.0, "to": "2026-01-02"}, {"seconds": -1.0}, {"seconds": 1e12}):
            with pytest.raises(InvalidError):
                await desk.advance(**wrong)  # type: ignore[arg-type]
        for moment in ("2026-01-01T13:59:59+01:00", "2038-01-01", "yesterday", ""):
            with pytest.raises(InvalidError) as caught:
                await desk.advance(to=moment)
            assert [where for where, _ in caught.value.problems] == ["to"]

    on_stage(SLOW, act)


def test_leaps_take_turns() -> None:
    async def act(stage: Stage) -> None:
        desk = stage.server.control.clock
        views = await asyncio.gather(*(desk.advance(10.0) for _ in range(3)), desk.advance(to="2026-01-01T12:01:00Z"))
        assert [view.clock.seconds for view in views] == [10.0, 20.0, 30.0, 60.0]

    on_stage(SLOW, act)


def test_time_runs_and_stands_still() -> None:
    async def act(stage: Stage) -> None:
        desk = stage.server.control.clock
        assert desk.resume().running
        view = desk.change(speed=100.0)
        assert (view.running, view.speed) == (True, 100.0)
        view = desk.freeze()
        assert (view.running, view.speed) == (False, 100.0)
        assert desk.change(running=True, speed=1.0).speed == 1.0
        with pytest.raises(InvalidError):
            desk.change(speed=0.0)

    on_stage(SLOW, act)


def test_a_clock_of_somebody_else_is_left_alone() -> None:
    class Sundial:
        def now(self) -> float:
            return 1.0

        def wall(self) -> float:
            return 1.0

    server = SmscServer(Settings(), clock=Sundial(), log_stream=io.StringIO(), environ={})
    with pytest.raises(ConflictError):
        server.control.clock.read()
    with pytest.raises(ConflictError):
        asyncio.run(server.control.clock.advance(1.0))
