"""Viewers of events: their order, what a slow one loses, where one goes on, and that nobody pays while nobody looks."""

from __future__ import annotations

import asyncio
import re

import pytest

from smppd.app import SmscServer
from smppd.control import events as module
from smppd.control.events import BACKLOG, KEPT, MAX_VIEWERS, QUOTA, Viewing
from smppd.control.failures import InvalidError, TooBusyError
from smppd.settings import EventFilter, Journal, Settings
from tests.control.watching import named, read, read_all, record, with_server

SESSIONS = EventFilter(kind="session")
PDUS = EventFilter(kind="pdu")


def tell(server: SmscServer, count: int = 1, kind: str = "session") -> None:
    for _ in range(count):
        server._context.events.tell(kind, "happened")


# Order, and what passes.


def test_events_come_in_their_order() -> None:
    async def scenario(server: SmscServer) -> list[str]:
        viewing = server.control.events.subscribe()
        tell(server)
        record(server, 2)
        tell(server, 2, "clock")
        record(server, 1)
        return named(await read_all(viewing))

    received = "pdu received"
    happened = ["session happened", received, received, "clock happened", "clock happened", received]
    assert with_server(scenario) == happened


def test_the_first_event_says_that_the_view_is_open() -> None:
    async def scenario(server: SmscServer) -> None:
        (event,) = await read(server.control.events.subscribe(), 1)
        assert (event.kind, event.event, event.line) == ("viewer", "opened", "viewer opened")
        assert re.fullmatch(r"e[0-9a-f]+-0-0", event.id)

    with_server(scenario)


def test_each_event_has_an_id_of_its_own() -> None:
    async def scenario(server: SmscServer) -> None:
        viewing = server.control.events.subscribe()
        tell(server, 3)
        record(server, 3)
        tell(server)
        ids = [event.id for event in await read_all(viewing)]
        assert len(set(ids)) == 8

    with_server(scenario)


def test_filters_are_kept_to() -> None:
    async def scenario(server: SmscServer) -> None:
        desk = server.control.events
        sessions, pdus = desk.subscribe(SESSIONS), desk.subscribe(EventFilter(kind="pdu", session="2"))
        tell(server)
        tell(server, 1, "clock")
        record(server, 2)
        record(server, 1, session="2")
        assert named(await read_all(sessions)) == ["session happened"]
        shown = (await read_all(pdus))[1:]
        assert [event.number for event in shown] == [2]

    with_server(scenario)


def test_a_sample_of_what_passes() -> None:
    async def scenario(server: SmscServer) -> None:
        viewing = server.control.events.subscribe(EventFilter(kind="pdu", sample=10))
        record(server, 35)
        assert [event.number for event in (await read_all(viewing))[1:]] == [9, 19, 29]

    with_server(scenario)


def test_another_filter_from_now_on() -> None:
    async def scenario(server: SmscServer) -> None:
        viewing = server.control.events.subscribe(SESSIONS)
        record(server, 2)
        tell(server)
        await read_all(viewing)
        viewing.change(PDUS)
        assert viewing.asked == PDUS
        tell(server)
        record(server, 1)
        assert [event.number for event in await read_all(viewing)] == [2]

    with_server(scenario)


def test_iterating_ends_when_it_is_closed() -> None:
    async def scenario(server: SmscServer) -> None:
        viewing = server.control.events.subscribe(SESSIONS)
        tell(server, 2)
        seen = []
        async for event in viewing:
            seen.append(event.event)
            if len(seen) == 3:
                viewing.close()
        assert seen == ["opened", "happened", "happened"]
        assert await viewing.next() is None

    with_server(scenario)


def test_a_view_within_a_with_statement() -> None:
    async def scenario(server: SmscServer) -> None:
        with server.control.events.subscribe(SESSIONS) as viewing:
            assert server.control.events.viewers == 1
        assert viewing.closed
        assert server.control.events.viewers == 0

    with_server(scenario)


def test_a_view_is_patient_as_long_as_it_is_told() -> None:
    async def scenario(server: SmscServer) -> None:
        viewing = server.control.events.subscribe(SESSIONS)
        await read(viewing, 1)
        assert await viewing.next(0.0) == []
        waiting = asyncio.ensure_future(viewing.next())
        await asyncio.sleep(0)
        tell(server)
        assert named(await waiting) == ["session happened"]

    with_server(scenario)


# Who is slow.


def test_a_burst_is_seen_whole() -> None:
    async def scenario(server: SmscServer) -> None:
        viewing = server.control.events.subscribe(PDUS)
        record(server, 3 * QUOTA)
        shown = (await read(viewing, 3 * QUOTA + 1))[1:]
        assert [event.number for event in shown] == list(range(3 * QUOTA))
        assert viewing.dropped == 0

    with_server(scenario)


def test_no_more_than_the_quota_in_a_period() -> None:
    async def scenario(server: SmscServer) -> None:
        desk = server.control.events
        seen: dict[int, int] = {}
        viewing = desk.subscribe(PDUS)
        record(server, 2 * QUOTA)
        total = 0
        while total < 2 * QUOTA + 1:
            events = await viewing.next() or []
            total += len(events)
            seen[desk.decoding.period] = seen.get(desk.decoding.period, 0) + len(events)
        assert max(seen.values()) <= QUOTA + 1
        assert len(seen) >= 2

    with_server(scenario)


def test_who_is_too_far_behind_loses_the_oldest_and_is_told() -> None:
    async def scenario(server: SmscServer) -> None:
        viewing = server.control.events.subscribe()
        await read(viewing, 1)
        count = BACKLOG + 500
        record(server, count)
        tell(server, 3)
        first, *shown = await read_all(viewing)
        assert (first.kind, first.event, first.counts) == ("viewer", "dropped", {"pdu": count - KEPT // 2})
        assert first.line == f"viewer dropped pdu={count - KEPT // 2}"
        assert viewing.dropped == count - KEPT // 2
        numbers = [event.number for event in shown if event.kind == "pdu"]
        assert numbers == list(range(count - KEPT // 2, count))
        assert named(shown)[-3:] == ["session happened"] * 3

    with_server(scenario)


def test_what_else_has_happened_is_counted_by_kind() -> None:
    async def scenario(server: SmscServer) -> None:
        viewing = server.control.events.subscribe(EventFilter(kind=["session", "clock", "pdu"]))
        await read(viewing, 1)
        server.control.events.subscribe(EventFilter(kind="rule"))
        record(server, 7)
        tell(server, 4, "clock")
        tell(server, 20, "rule")
        tell(server, BACKLOG + 40)
        events = await read_all(viewing)
        assert events[0].counts == {"pdu": 7, "clock": 4, "session": BACKLOG + 40 - KEPT // 2}
        assert len(events) == 1 + KEPT // 2

    with_server(scenario)


def test_what_the_journal_has_forgotten_is_counted() -> None:
    async def scenario(server: SmscServer) -> None:
        viewing = server.control.events.subscribe(PDUS)
        await read(viewing, 1)
        record(server, 30)
        first, *shown = await read_all(viewing)
        assert first.counts == {"pdu": 20}
        assert [event.number for event in shown] == list(range(20, 30))

    with_server(scenario, Settings(journal=Journal(pdus=10)))


def test_others_do_not_take_the_events_of_a_slow_one_from_it() -> None:
    """Only what it wants counts as lost."""

    async def scenario(server: SmscServer) -> None:
        desk = server.control.events
        viewing = desk.subscribe(SESSIONS)
        await read(viewing, 1)
        desk.subscribe(EventFilter(kind="rule"))
        tell(server, BACKLOG + 1000, "rule")
        tell(server)
        assert named(await read(viewing, 1)) == ["session happened"]
        assert await read_all(viewing) == []

    with_server(scenario)


# Where one begins.


def test_going_on_after_an_event() -> None:
    async def scenario(server: SmscServer) -> None:
        desk = server.control.events
        viewing = desk.subscribe()
        tell(server)
        record(server, 2)
        tell(server, 2)
        events = await read_all(viewing)
        viewing.close()
        for place, event in enumerate(events):
            with desk.subscribe(since=event.id) as again:
                opened, *rest = await read_all(again)
                assert opened.gap is not True
                assert [each.id for each in rest] == [each.id for each in events[place + 1 :]]

    with_server(scenario)


def test_going_on_within_a_batch() -> None:
    async def scenario(server: SmscServer) -> None:
        desk = server.control.events
        viewing = desk.subscribe(SESSIONS)
        server._context.events.tell("session", "happened", (None,) * 5)
        events = await read_all(viewing)
        again = desk.subscribe(SESSIONS, since=events[2].id)
        assert [each.id for each in (await read_all(again))[1:]] == [each.id for each in events[3:]]

    with_server(scenario)


def test_what_happens_after_the_last_viewer_has_gone_is_remembered_for_a_while() -> None:
    async def scenario(server: SmscServer) -> None:
        desk = server.control.events
        viewing = desk.subscribe(SESSIONS)
        tell(server)
        last = (await read_all(viewing))[-1].id
        viewing.close()
        assert server._context.journal.tap is None
        tell(server, 2)
        opened, *rest = await read_all(desk.subscribe(SESSIONS, since=last))
        assert opened.gap is not True
        assert len(rest) == 2

    with_server(scenario)


def test_then_it_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBER", 0.0)

    async def scenario(server: SmscServer) -> None:
        desk = server.control.events
        viewing = desk.subscribe(SESSIONS)
        tell(server)
        last = (await read_all(viewing))[-1].id
        viewing.close()
        while server._context.events.wanted:  # noqa: ASYNC110  # nobody tells when it is forgotten
            await asyncio.sleep(0)
        tell(server, 2)
        opened, *rest = await read_all(desk.subscribe(SESSIONS, since=last))
        assert opened.gap is True
        assert rest == []

    with_server(scenario)


def test_from_a_moment_on() -> None:
    async def scenario(server: SmscServer) -> None:
        record(server, 10)
        desk = server.control.events
        later = desk.subscribe(PDUS, since="2026-01-01T12:00:07Z")
        assert [event.number for event in (await read_all(later))[1:]] == [7, 8, 9]
        everything = desk.subscribe(since="2026-01-01T11:00:00Z")
        opened, *rest = await read_all(everything)
        assert opened.gap is True, "nobody was looking: what happened beside the PDUs is not known"
        assert len(rest) == 10
        assert len(await read_all(desk.subscribe(PDUS, since="2030-01-01T00:00:00Z"))) == 1

    with_server(scenario)


def test_who_begins_in_the_past_gets_more_than_a_backlog() -> None:
    async def scenario(server: SmscServer) -> None:
        count = BACKLOG + 200
        record(server, count)
        viewing = server.control.events.subscribe(EventFilter(kind="pdu", sample=100), since="2026-01-01T11:00:00Z")
        assert len(await read(viewing, 1 + count // 100)) == 1 + count // 100
        assert viewing.dropped == 0

    with_server(scenario)


@pytest.mark.parametrize("since", ["e0-0-0", "effff-3-3", "LIFE-99-0", "LIFE-0-99"])
def test_an_id_of_another_life_begins_now_and_says_so(since: str) -> None:
    async def scenario(server: SmscServer) -> None:
        desk = server.control.events
        record(server, 3)
        life = desk.id_of(0, 0).partition("-")[0]
        (opened,) = await read_all(desk.subscribe(PDUS, since=since.replace("LIFE", life)))
        assert opened.gap is True

    with_server(scenario)


@pytest.mark.parametrize("since", ["x", "1-2", "-1-1-1", "2026-13-01", "0-0-0", "1-2-3-4"])
def test_what_is_no_place(since: str) -> None:
    async def scenario(server: SmscServer) -> None:
        with pytest.raises(InvalidError, match="expected the id of an event, or a date and time"):
            server.control.events.subscribe(since=since)
        assert server.control.events.viewers == 0

    with_server(scenario)


# Limits, and the end.


def test_no_more_than_so_many_viewers() -> None:
    async def scenario(server: SmscServer) -> None:
        desk = server.control.events
        viewings = [desk.subscribe() for _ in range(MAX_VIEWERS)]
        with pytest.raises(TooBusyError, match=f"{MAX_VIEWERS} viewers"):
            desk.subscribe()
        desk.subscribe(counted=False)
        viewings[0].close()
        desk.subscribe()

    with_server(scenario)


def test_closing_the_desk_ends_all_views() -> None:
    async def scenario(server: SmscServer) -> None:
        desk = server.control.events
        viewing = desk.subscribe()
        await read(viewing, 1)
        waiting = asyncio.ensure_future(viewing.next())
        await asyncio.sleep(0)
        desk.close()
        assert await waiting is None
        with pytest.raises(TooBusyError, match="stopping"):
            desk.subscribe()
        assert server._context.events.wanted == frozenset()

    with_server(scenario)


def test_with_the_journal_off_the_view_says_so() -> None:
    async def scenario(server: SmscServer) -> None:
        desk = server.control.events
        viewing = desk.subscribe()
        tell(server)
        opened, *rest = await read_all(viewing)
        assert opened.detail == "the journal is off ([journal] pdus = 0): there are no events of PDUs"
        assert named(rest) == ["session happened"]
        (opened,) = await read(desk.subscribe(SESSIONS), 1)
        assert opened.detail is not None
        assert "journal" not in opened.line

    with_server(scenario, Settings(journal=Journal(pdus=0)))


def test_nobody_is_asked_to_tell_while_nobody_looks() -> None:
    async def scenario(server: SmscServer) -> None:
        def told() -> list[bool]:
            parts = (
                server.engine.witness,
                server.engine.life.witness,
                server.engine.outbox.witness,
                server.rules._book.tell_fired,
                server.faults.tell_fired,
                server.counters.tell_throttled,
                server.journal.tap,
            )
            return [part is not None for part in parts]

        desk = server.control.events
        assert told() == [False] * 7
        viewing = desk.subscribe(SESSIONS)
        assert told() == [False] * 7
        viewing.change(EventFilter(kind="receipt"))
        assert told() == [True] * 3 + [False] * 4
        everything: Viewing = desk.subscribe()
        assert told() == [True] * 7
        viewing.close()
        everything.close()
        desk.close()
        assert told() == [False] * 7

    with_server(scenario)
