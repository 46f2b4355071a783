"""The journal in a snapshot: its PDUs under their numbers, who was connected, and those who look at it meanwhile."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest

from smppd.control.failures import ConflictError, InvalidError
from smppd.control.judging import read as judged
from smppd.settings.rules import When
from smppd.settings.webhooks import EventFilter
from tests.control.snapshot.files_of import put_together, taken_apart
from tests.control.snapshot.universe import pieces_of
from tests.control.watching import read_all
from tests.transport.stage import Stage, read
from tests.transport.support import request, run_virtually

FAILS = "password1"


def stage_of(*overrides: str) -> Stage:
    return Stage(read("", *overrides))


def when(**conditions: Any) -> When:
    read_when: When = judged(When, conditions)
    return read_when


async def snapshot(stage: Stage, *, journal: bool = True) -> bytes:
    file = io.BytesIO()
    await stage.server.control.snapshot.write(file, journal=journal)
    return file.getvalue()


async def restore(stage: Stage, octets: bytes) -> Any:
    return await stage.server.control.snapshot.restore(pieces_of(octets))


def submitted(stage: Stage, *texts: str) -> Any:
    """An ESME that has bound and sent these texts."""
    esme = stage.bound()
    for text in texts:
        esme.submit(text=text)
    stage.settle()
    return esme


async def numbers(stage: Stage, **wanted: Any) -> list[int]:
    return [pdu.number for pdu in (await stage.server.control.pdus.list(**wanted)).items]


def test_questions_have_their_answers_in_another_server() -> None:
    async def run() -> None:
        first, second = stage_of(), stage_of()
        submitted(first, "one", "two")
        desk = first.server.control.verification
        wanted = when(command="submit_sm", account="smppclient1", text="two")
        before = (await desk.find(wanted)).items
        octets = await snapshot(first)
        view = await restore(second, octets)
        there = second.server.control
        assert view.pdus == len(first.server.journal)
        assert (await there.verification.find(wanted)).items == before
        assert await numbers(second) == await numbers(first)
        assert second.server.journal.total == first.server.journal.total
        assert (await there.sessions.list("ended")).items[0].system_id == "smppclient1"
        count = (await there.verification.count(when(command="bind_transceiver"), exactly=1)).holds
        assert count

    run_virtually(run())


def test_the_same_server_has_its_numbers_again() -> None:
    async def run() -> None:
        stage = stage_of()
        submitted(stage, "one")
        before = await numbers(stage)
        octets = await snapshot(stage)
        total = stage.server.journal.total
        submitted(stage, "two", "three")
        later = stage.server.journal.total
        assert later > total
        await restore(stage, octets)
        assert (await numbers(stage))[: len(before)] == before
        new = await stage.server.control.pdus.list(since=total)
        assert [pdu.command for pdu in new.items] == ["unbind", "unbind"], "both sessions are told so"
        assert [pdu.number for pdu in new.items] == [later, later + 1]
        assert (await stage.server.control.verification.find(when(text="two"))).items == []

    run_virtually(run())


def test_a_life_is_told_with_its_pdus() -> None:
    async def run() -> None:
        first, second, third = stage_of(), stage_of(), stage_of()
        submitted(first, "one")
        (message_id,) = [key.decode() for key in first.server.engine.messages]
        told = (await first.server.control.messages.get(message_id)).events
        await restore(second, await snapshot(first))
        assert (await second.server.control.messages.get(message_id)).events[: len(told) - 2] == told[:-2]
        await restore(third, await snapshot(first, journal=False))
        without = (await third.server.control.messages.get(message_id)).events
        assert [event.pdu_forgotten for event in without if event.event in ("received", "answered")] == [True, True]

    run_virtually(run())


def test_no_password_is_in_it() -> None:
    async def run() -> None:
        stage = stage_of()
        submitted(stage, "one")
        stage.connect().feed(request(0x09, 1, b"smppclient1\0" + FAILS.encode() + b"\0\0\x34\0\0\0"))
        stage.connect().feed(request(0x09, 1, b"smppclient1\0" + FAILS.encode()))
        _, slices = taken_apart(await snapshot(stage))
        frames = [row[4] for section, rows in slices if section == "frames" for row in rows]
        assert len(frames) == len(stage.server.journal)
        assert b"smppclient1\0********\0" in frames[0]
        for frame in frames:
            assert b"password" not in frame

    run_virtually(run())


def test_who_looks_on_sees_no_pdu_twice() -> None:
    async def run() -> None:
        first, second = stage_of(), stage_of()
        submitted(first, "one", "two")
        octets = await snapshot(first)
        esme = submitted(second)
        control = second.server.control
        with control.events.subscribe(EventFilter(kind=["pdu", "session"])) as viewing:
            before = viewing.id
            assert [event.event for event in await read_all(viewing)] == ["opened"]
            wait = asyncio.create_task(control.verification.wait(when(command="submit_sm", text="one"), within=5.0))
            await asyncio.sleep(0)
            await restore(second, octets)
            esme.received()
            submitted(second, "one")
            seen = [event for event in await read_all(viewing) if event.kind == "pdu"]
            assert [event.line.split()[3] for event in seen] == [
                "unbind",
                "bind_transceiver",
                "bind_transceiver_resp",
                "submit_sm",
                "submit_sm_resp",
            ]
            assert len({event.session for event in seen}) == 2
            waited = await wait
            assert (waited.holds, waited.count) == (True, 1)
        with control.events.subscribe(EventFilter(kind=["pdu"]), since=before) as again:
            (opened,) = await read_all(again)
            assert opened.gap is True

    asyncio.run(run())  # a virtual loop would take the thread that reads settings for five seconds of waiting


def test_a_connection_that_has_the_name_of_another() -> None:
    """Its PDUs are not taken for those of the session that came with the snapshot."""

    async def run() -> None:
        first, second = stage_of(), stage_of()
        submitted(first, "one")
        octets = await snapshot(first)
        waiting = second.connect()
        assert waiting.connection.name == first.esmes[0].connection.name == "1"
        await restore(second, octets)
        assert waiting.connection.name == "2"
        waiting.bind()
        sessions = second.server.control.sessions
        assert (sessions.get("1").state, sessions.get("2").state) == ("CLOSED", "BOUND_TRX")
        assert sessions.get("2").system_id == "smppclient1"
        commands = [pdu.command for pdu in (await second.server.control.pdus.list(session="2")).items]
        assert commands == ["bind_transceiver", "bind_transceiver_resp"]
        waiting.connection.connection_lost(None)
        assert sessions.get("2").ended_time is not None

    run_virtually(run())


def test_figures_of_a_session() -> None:
    async def run() -> None:
        first, second = stage_of(), stage_of()
        submitted(first, "one", "two")
        first.advance(60)
        before = first.server.control.sessions.get("1")
        await restore(second, await snapshot(first))
        after = second.server.control.sessions.get("1")
        assert (after.counters, after.peer, after.connected_time) == (
            before.counters,
            before.peer,
            before.connected_time,
        )
        assert after.counters.submitted == 2
        assert (after.bound, after.state) == (None, "CLOSED")
        assert after.binds[0].unbound_time == after.ended_time is not None

    run_virtually(run())


def test_a_server_that_records_nothing() -> None:
    async def run() -> None:
        first, silent = stage_of(), stage_of("journal.pdus=0")
        submitted(first, "one")
        with pytest.raises(ConflictError, match="nothing is recorded"):
            await snapshot(silent)
        view = await restore(silent, await snapshot(first))
        assert (view.pdus, view.messages) == (0, 1)

    run_virtually(run())


def test_a_smaller_journal_keeps_the_latest() -> None:
    async def run() -> None:
        first, small = stage_of(), stage_of("journal.pdus=3")
        submitted(first, "one", "two")
        view = await restore(small, await snapshot(first))
        assert view.pdus == 3
        assert await numbers(small) == (await numbers(first))[-3:]
        assert not small.server.journal.is_whole

    run_virtually(run())


@pytest.mark.parametrize(
    ("section", "place", "value", "reason"),
    [
        ("frames", 0, 10**9, "behind"),
        ("frames", 1, float("nan"), "is no date"),
        ("frames", 2, "x", "frames cannot be read"),
        ("frames", 3, "up", "frames cannot be read"),
        ("journal", 0, 1, "behind the last one"),
        ("journal", 2, 1e18, "is no date"),
        ("connections", 0, "a", "connections cannot be read"),
        ("connections", 2, -1.0, "is no date"),
        ("connections", 7, [1], "connections cannot be read"),
    ],
)
def test_a_journal_that_cannot_be(section: str, place: int, value: Any, reason: str) -> None:
    async def run() -> None:
        first, second = stage_of(), stage_of()
        submitted(first, "one")
        header, slices = taken_apart(await snapshot(first))
        rows = next(some for name, some in slices if name == section)
        rows[0][place] = value
        with pytest.raises(InvalidError, match=reason):
            await restore(second, put_together(header, slices))
        assert len(second.server.journal) == 0

    run_virtually(run())


def test_pdus_without_a_journal() -> None:
    async def run() -> None:
        first, second = stage_of(), stage_of()
        submitted(first, "one")
        header, slices = taken_apart(await snapshot(first))
        with pytest.raises(InvalidError, match="not one journal"):
            await restore(second, put_together(header, [each for each in slices if each[0] != "journal"]))

    run_virtually(run())
