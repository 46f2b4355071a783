"""Whatever arrives: it is taken as a whole, or refused with a word of why, and then nothing has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smppd.control.failures import ControlError, InvalidError
from tests.control.snapshot.files_of import Slices, put_together, taken_apart
from tests.control.snapshot.universe import Universe
from tests.transport.support import run_virtually

LIVELY: list[tuple[Any, ...]] = [
    ("bind", "alice", True),
    ("bind", "bob", False),
    ("submit", 0, (0, 1), 0, 1),
    ("submit", 1, (1, 1), 0, 0x11),
    ("submit", 0, (2, 1), 0, 1),
    ("submit", 1, (4, 0), 0, 1),
    ("submit", 1, (4, 0), 0, 1),
    ("submit", 0, (3, 0), 0, 1),
    ("submit", 0, (8, 0), 3, 1),
    ("submit", 0, (8, 0), 1, 1),
    ("submit", 1, (6, 0), 0, 0x0D),
    ("submit", 1, (7, 0), 6, 1),
    ("multi", 0, [1, 2, 3]),
    ("burst", 1, 5, 6),
    ("burst", 1, 8, 6),
    ("broadcast", 1, 3),
    ("data", 0, (7, 1), 2),
    ("advance", 13),
    ("mo", 0, 0, True),
    ("mo", 1, 60, False),
    ("refuse", 1, 0x64),
    ("submit", 1, (1, 1), 0, 1),
    ("submit", 1, (1, 1), 0, 1),
    ("submit", 0, (2, 2), 0, 1),
    ("submit", 0, (8, 0), 3, 1),
    ("burst", 1, 5, 6),
]
AFTERWARDS: list[tuple[Any, ...]] = [
    ("bind", "alice", True),
    ("bind", "bob", True),
    ("submit", 0, (8, 0), 4, 1),
    ("submit", 1, (0, 0), 0, 1),
    ("advance", 200),
    ("query", 0, 0),
    ("cancel", 0, 1),
    ("query_broadcast", 1),
    ("advance", 400_000),
]


async def _lively() -> bytes:
    universe = Universe()
    universe.play(LIVELY)
    universe.stage.server.control.rules.add({"name": "brief", "then": {"outcome": "DELIVRD"}}, expires_in=1000.0)
    return await universe.snapshot(journal=True)


@pytest.fixture(scope="module")
def lively() -> bytes:
    """A snapshot with something in every section."""
    return run_virtually(_lively())


def test_something_of_everything_is_in_it(lively: bytes) -> None:
    sections = {section for section, rows in taken_apart(lively)[1] if rows}
    expected = {"clock", "settings", "server", "draws", "absences", "book", "rules", "faults", "accounts", "routes"}
    expected |= {"engine", "messages", "done", "binds", "assemblies", "queued", "waiting", "fates", "paths", "alerts"}
    expected |= {"replies", "broadcasts", "named", "held", "mobiles", "stories", "subscribers", "injections"}
    expected |= {"tenures", "journal", "frames", "connections"}
    assert sections >= expected


async def _refused(octets: bytes) -> str:
    """Why a server refuses this snapshot; it goes on as before."""
    universe = Universe()
    universe.play([("bind", "alice", True), ("submit", 0, (8, 0), 0, 1)])
    before = await universe.snapshot()
    with pytest.raises(InvalidError) as caught:
        await universe.restore(octets)
    after = await universe.snapshot()
    assert taken_apart(after)[1] == taken_apart(before)[1]
    assert universe.esmes[0].connection.bind is not None
    return str(caught.value)


def refused(octets: bytes) -> str:
    return run_virtually(_refused(octets))


def changed(octets: bytes, change: Callable[[dict[str, Any], Slices], None]) -> bytes:
    header, slices = taken_apart(octets)
    change(header, slices)
    return put_together(header, slices)


def rows(slices: Slices, section: str) -> list[Any]:
    return next(some for name, some in slices if name == section and some)


def put(section: str, place: int, value: Any, row: int = 0) -> Callable[[dict[str, Any], Slices], None]:
    def change(_header: dict[str, Any], slices: Slices) -> None:
        rows(slices, section)[row][place] = value

    return change


def _plan_twice(slices: Slices) -> None:
    """Two messages are planned under one ticket."""
    planned = [row for name, some in slices if name == "messages" for row in some if row[8] != float("inf")]
    planned[0][9] = planned[1][9]


def without(section: str) -> Callable[[dict[str, Any], Slices], None]:
    def change(_header: dict[str, Any], slices: Slices) -> None:
        slices[:] = [each for each in slices if each[0] != section]

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda header, _: header.update(format="tar"), "it is no snapshot but 'tar'"),
        (
            lambda header, _: header.update(version=2, smppd="9.9"),
            "of version 2, written by smppd 9.9; this server reads",
        ),
        (lambda header, _: header.update(color="red"), "its first line says what this server does not know"),
        (lambda _, slices: slices.append(("colors", [1])), "a section 'colors' that this server does not know"),
        (lambda _, slices: slices.append(("clock", [slices[0][1][0]])), "clock twice"),
        (lambda _, slices: slices.reverse(), "expected clock"),
        (lambda _, slices: rows(slices, "messages")[0].append(1), "messages cannot be read"),
        (lambda _, slices: rows(slices, "done").append(rows(slices, "done")[0]), "done with that is not, or twice"),
        (put("messages", 8, float("-inf")), "is no time at which anything can be due"),
        (put("held", 3, float("inf")), "is no time at which anything can be due"),
        (put("absences", 2, 1e18), "is no time"),
        (put("clock", 1, 9e9), "its clock says what no clock can"),
        (put("clock", 3, 1e9), "its clock says what no clock can"),
        (put("messages", 0, b"1\x002"), "has a NUL in it"),
        (put("messages", 1, 77), "on the wrong shelf"),
        (put("messages", 2, 12), "messages cannot be read"),
        (put("messages", 4, float("nan")), "is no time"),
        (put("messages", 5, 1e300), "is no date"),
        (put("messages", 14, 99), "account 99"),
        (put("messages", 16, 99), "session 99"),
        (put("messages", 17, 3), "outside of one"),
        (put("messages", 18, 99), "long message"),
        (put("messages", 19, -3), "is no outcome"),
        (put("accounts", 0, "carol"), "know no account 'carol'"),
        (put("routes", 1, [1]), "counts 1 states"),
        (put("draws", 2, b"short"), "has 2500 octets"),
        (put("draws", 0, "nowhere"), "no network 'nowhere'"),
        (put("waiting", 0, 9), "account 9"),
        (put("engine", 0, 10**12), "beyond the last"),
        (put("engine", 2, 10**6), "are alive"),
        (put("fates", 1, [1, 2]), "decided about a message cannot be read"),
        (put("book", 0, float("nan")), "is no time"),
        (put("stories", 0, 10**6), "is forgotten"),
        (lambda _, slices: _plan_twice(slices), "given to nobody or twice"),
        (put("replies", -1, 10**6), "given to nobody or twice"),
        (put("stories", 2, []), "stories cannot be read"),
        (put("stories", 2, [[1.0, "sung", "", "", "", 0, 0, 0, None, None]]), "an event 'sung' that this server"),
        (put("stories", 2, [[1e18, "sent", "", "", "", 0, 0, 0, None, None]]), "is no date"),
        (lambda _, slices: rows(slices, "stories").append(rows(slices, "stories")[0]), "has two stories"),
        (put("settings", 0, {"log": {}}), "say something of the process"),
        (put("settings", 0, {"server": {"smpp": ["0.0.0.0:1"]}}), "listeners or files"),
        (put("settings", 0, {"route": [{"name": 7}]}), "route[0].name"),
        (put("settings", 0, [1]), "its settings are none"),
        (without("engine"), "messages come before the engine"),
        (without("messages"), "none of this number"),
        (without("accounts"), "account 0"),
        (without("book"), "since when"),
        (without("settings"), "expected settings"),
    ],
)
def test_a_state_that_cannot_be(lively: bytes, change: Callable[[dict[str, Any], Slices], None], reason: str) -> None:
    told = refused(changed(lively, change))
    assert told.startswith("this snapshot cannot be restored: ")
    assert reason in told


def test_a_hook_from_elsewhere(lively: bytes) -> None:
    def name_a_function(_: dict[str, Any], slices: Slices) -> None:
        rows(slices, "settings")[0][0]["rule"][0]["then"] = {"hook": "os:getcwd"}

    assert "has a hook that no rule of this server has: os:getcwd" in refused(changed(lively, name_a_function))


JUNK = st.one_of(
    st.integers(-3, 12),
    st.sampled_from([2**31, 2**62, -1, 10**9]),
    st.floats(),
    st.binary(max_size=4),
    st.text(max_size=4),
    st.none(),
    st.booleans(),
    st.lists(st.integers(-1, 3), max_size=3),
)


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_hostile_rows_are_refused_or_harmless(lively: bytes, data: st.DataObject) -> None:
    """Any value anywhere may be another: that is refused, or the server goes on with it, and nothing ever breaks."""
    header, slices = taken_apart(lively)
    for _ in range(data.draw(st.integers(1, 3))):
        section, some = data.draw(st.sampled_from(slices))
        row = data.draw(st.sampled_from(some))
        if isinstance(row, list) and row:
            place = data.draw(st.integers(0, len(row) - 1))
            inner = row[place]
            if isinstance(inner, list) and inner and data.draw(st.booleans()):
                row, place = inner, data.draw(st.integers(0, len(inner) - 1))
            if section == "settings":
                continue
            row[place] = data.draw(JUNK)
    run_virtually(_taken_or_refused(put_together(header, slices)))


async def _taken_or_refused(octets: bytes) -> None:
    universe = Universe()
    try:
        await universe.restore(octets)
    except ControlError:
        return
    universe.play(AFTERWARDS)
    universe.told(with_sessions=True)
    control = universe.stage.server.control
    await control.pdus.list(limit=1000)
    await control.sessions.list("all", limit=100)
    for message_id in list(universe.stage.server.engine.messages)[:5]:
        await control.messages.get(message_id.decode("latin-1"))
    assert universe.stage.events("internal error") == []


def test_time_that_was_moved_meanwhile(lively: bytes) -> None:
    async def run() -> None:
        universe = Universe()
        universe.play([("bind", "alice", True)])

        async def slowly() -> Any:
            yield lively[:4000]
            universe.stage.advance(50.0)
            yield lively[4000:]

        with pytest.raises(ControlError, match="time was moved"):
            await universe.stage.server.control.snapshot.restore(slowly())
        assert universe.esmes[0].connection.bind is not None

    run_virtually(run())


def test_one_at_a_time(lively: bytes) -> None:
    async def run() -> None:
        universe = Universe()
        desk = universe.stage.server.control.snapshot
        begun = asyncio.Event()

        async def never_ending() -> Any:
            yield lively[:100]
            begun.set()
            await asyncio.Event().wait()

        task = asyncio.ensure_future(desk.restore(never_ending()))
        await begun.wait()
        with pytest.raises(ControlError, match="is being restored"):
            await universe.snapshot()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await universe.snapshot()

    run_virtually(run())
