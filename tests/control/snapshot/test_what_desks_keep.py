"""What desks know beside the engine comes back, too: messages from subscribers, tenures, searches under way."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest

from smppd.control.failures import ConflictError, InvalidError, NotFoundError
from smppd.control.messages.search import Bulk
from smppd.control.mo_messages import Mo
from smppd.settings.webhooks import EventFilter
from tests.control.snapshot.files_of import put_together, taken_apart
from tests.control.snapshot.universe import pieces_of
from tests.control.watching import read_all
from tests.transport.stage import Stage, read
from tests.transport.support import DELIVER, answer, run_virtually

LONG = "x" * 400
FILES = """
[[rule]]
name = "of-the-files"
when = { destination_addr = "99*" }
then = { status = "ESME_RSYSERR" }
"""


def stage_of(text: str = "", *overrides: str) -> Stage:
    return Stage(read(text, *overrides))


async def snapshot(stage: Stage) -> bytes:
    file = io.BytesIO()
    await stage.server.control.snapshot.write(file)
    return file.getvalue()


async def restore(stage: Stage, octets: bytes) -> Any:
    return await stage.server.control.snapshot.restore(pieces_of(octets))


def mo(**fields: Any) -> Mo:
    return Mo(**{"source_addr": "447700900123", "destination_addr": "12345", "text": "Hello", **fields})


# -- messages from subscribers -----------------------------------------------------------------------------------------


def test_messages_from_subscribers_go_on() -> None:
    async def run() -> None:
        first, second = stage_of(), stage_of()
        desk = first.server.control.mo
        esme = first.bound()
        esme.acknowledges = False
        done = desk.inject(mo(text="done"))
        first.settle()
        (pdu,) = esme.received()
        esme.feed(answer(DELIVER, 0, pdu.sequence_number, b"\0"))
        desk.inject(mo(text="sent"))
        desk.inject(mo(text="tomorrow", delay=86_400.0))
        desk.inject(mo(text="late", validity=5.0, delay=60.0))
        long = desk.inject(mo(text=LONG, delay=3.0))
        first.settle()
        before = {view.id: view for view in desk.list().items}
        assert [view.state for view in before.values()] == [
            "scheduled",
            "scheduled",
            "scheduled",
            "sent",
            "acknowledged",
        ]
        await restore(second, await snapshot(first))
        there = second.server.control.mo
        after = {view.id: view for view in there.list().items}
        assert list(after) == list(before)
        assert after[done.id] == before[done.id]
        assert after["mo-2"].state == "pending", "its session is gone"
        assert {name: view for name, view in after.items() if name != "mo-2"} == {
            name: view for name, view in before.items() if name != "mo-2"
        }
        second.advance(100)
        assert [there.get(f"mo-{number}").state for number in (2, 3, 4, 5)] == [
            "pending",
            "scheduled",
            "expired",
            "pending",
        ]
        esme = second.bound()
        second.settle()
        texts = esme.texts()
        assert texts[0] == "sent"
        assert "".join(text[6:] for text in texts[1:]) == LONG
        assert there.get(long.id).state == "acknowledged"
        second.advance(86_400)
        assert esme.texts() == ["tomorrow"]
        assert there.inject(mo()).id == "mo-6"

    run_virtually(run())


def test_what_the_running_server_had_planned_is_given_up() -> None:
    async def run() -> None:
        stage = stage_of()
        octets = await snapshot(stage)
        desk = stage.server.control.mo
        desk.inject(mo(text="later", delay=10.0))
        waiting = desk.inject(mo(text="now"))
        await restore(stage, octets)
        assert (desk.list().items, stage.server.engine.agenda.count) == ([], 0)
        with pytest.raises(NotFoundError):
            desk.get(waiting.id)
        esme = stage.bound()
        stage.advance(60)
        assert esme.texts() == []
        assert desk.inject(mo()).id == "mo-1", "it goes on as the one of the snapshot would have"

    run_virtually(run())


def test_what_is_forgotten_and_still_to_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smppd.control.mo.MAX_REMEMBERED", 1)

    async def run() -> None:
        first, second = stage_of(), stage_of()
        for text in ("one", "two"):
            first.server.control.mo.inject(mo(text=text, delay=10.0))
        await restore(second, await snapshot(first))
        assert [view.id for view in second.server.control.mo.list().items] == ["mo-2"]
        esme = second.bound()
        second.advance(10)
        assert esme.texts() == ["one", "two"]
        second.server.control.mo.inject(mo(text="three", delay=10.0))
        second.server.control.mo.inject(mo(text="four", delay=10.0))
        await second.server.control.reset.reset()
        second.advance(10)
        assert esme.texts() == [], "a reset forgets those, too"

    run_virtually(run())


def test_a_batch_that_a_restore_comes_into(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        stage = stage_of()
        octets = await snapshot(stage)
        desk = stage.server.control.mo
        pauses = 0

        async def breathe(_: object) -> None:
            nonlocal pauses
            pauses += 1
            if pauses == 7:
                await restore(stage, octets)

        monkeypatch.setattr("smppd.control.mo._Pace.breathe", breathe)
        with pytest.raises(ConflictError, match="restored meanwhile"):
            await desk.inject_all([mo()] * 5)
        assert (stage.server.engine.ledger.live, desk.list().items) == (0, [])

    run_virtually(run())


@pytest.mark.parametrize(
    ("section", "place", "value", "reason"),
    [
        ("injections", 6, -1.0, "at no date"),
        ("injections", 5, 1e18, "at no date"),
        ("injections", 8, float("inf"), "is no time at which anything can be due"),
        ("injections", 9, [7], "mobile originated message 7"),
        ("injections", 7, "scheduled", "waits already"),
        ("injections", 7, "gone", "injections cannot be read"),
        ("mobiles", 1, b"x", "is no deliver_sm"),
        ("mobiles", 0, 7, "account 7"),
        ("mobiles", 7, "refused", "is over, or waits twice"),
        ("waiting", 1, ["m", 3], "mobile originated message 3"),
    ],
)
def test_messages_from_subscribers_that_cannot_be(section: str, place: int, value: Any, reason: str) -> None:
    async def run() -> None:
        first, second = stage_of(), stage_of()
        first.server.control.mo.inject(mo())
        header, slices = taken_apart(await snapshot(first))
        next(some for name, some in slices if name == section)[0][place] = value
        with pytest.raises(InvalidError, match=reason):
            await restore(second, put_together(header, slices))

    run_virtually(run())


def test_messages_from_subscribers_twice_or_without_their_number() -> None:
    async def run() -> None:
        first, second = stage_of(), stage_of()
        first.server.control.mo.inject(mo())
        header, slices = taken_apart(await snapshot(first))
        with pytest.raises(InvalidError, match="how many messages from subscribers"):
            await restore(second, put_together(header, [each for each in slices if each[0] != "subscribers"]))
        rows = next(some for name, some in slices if name == "injections")
        rows.append(rows[0])
        with pytest.raises(InvalidError, match="comes twice"):
            await restore(second, put_together(header, slices))

    run_virtually(run())


# -- rules and faults --------------------------------------------------------------------------------------------------


def test_rules_and_faults_belong_and_end_as_they_did() -> None:
    async def run() -> None:
        first, second, bare = stage_of(FILES), stage_of(FILES), stage_of()
        control = first.server.control
        control.rules.add({"then": {"status": "ESME_RSYSERR"}}, namespace="smppclient1", expires_in=60.0)
        control.rules.add({"name": "mine", "then": {"status": "ESME_RSYSERR"}}, namespace="smppclient1")
        control.faults.add({"name": "f", "kind": "receipt_lost"}, expires_in=30.0)
        first.advance(10)
        octets = await snapshot(first)
        for stage in (second, bare):
            stage.server.control.rules.add({"name": "gone", "then": {"status": "ESME_RSYSERR"}}, expires_in=5.0)
            await restore(stage, octets)
            there = stage.server.control
            before = {view.name: view for view in (await control.rules.page()).items}
            after = {view.name: view for view in (await there.rules.page()).items}
            assert list(after) == list(before)
            assert {name: (view.namespace, view.expires_in) for name, view in after.items()} == {
                "mine": ("smppclient1", None),
                "api-rule-1": ("smppclient1", 50.0),
                "of-the-files": (None, None),
            }
            assert there.faults.get("f").expires_in == 20.0
            stage.advance(25)
            assert [view.name for view in (await there.faults.page()).items] == []
            stage.advance(30)
            assert [view.name for view in (await there.rules.page()).items] == ["mine", "of-the-files"]
            await there.reset.reset("smppclient1")
            assert [view.name for view in (await there.rules.page()).items] == ["of-the-files"]
        assert second.server.control.rules.get("of-the-files").origin == "file"
        assert bare.server.control.rules.get("of-the-files").origin == "api", "no file of this server has it"

    run_virtually(run())


def test_a_tenure_of_nothing() -> None:
    async def run() -> None:
        first, second = stage_of(), stage_of()
        first.server.control.rules.add({"name": "r", "then": {"status": "ESME_RSYSERR"}}, expires_in=60.0)
        header, slices = taken_apart(await snapshot(first))
        (row,) = next(some for name, some in slices if name == "tenures")
        for place, value, reason in ((1, "s", "no rule 's'"), (3, float("nan"), "is no time"), (0, "x", "cannot be")):
            kept, row[place] = row[place], value
            with pytest.raises(InvalidError, match=reason):
                await restore(second, put_together(header, slices))
            row[place] = kept
        await restore(second, put_together(header, slices))
        assert second.server.control.rules.get("r").expires_in == 60.0

    run_virtually(run())


# -- who looks, and who changes many -----------------------------------------------------------------------------------


def test_events_and_searches_go_on() -> None:
    async def run() -> None:
        stage = stage_of()
        control = stage.server.control
        stage.bound().submit(text="before")
        octets = await snapshot(stage)
        stage.bound().submit(text="between")
        assert [view.text for view in (await control.messages.search()).items] == ["between", "before"]
        with control.events.subscribe(EventFilter(kind=["message", "receipt"])) as viewing:
            await read_all(viewing)
            await restore(stage, octets)
            stage.bound().submit(text="after")
            stage.advance(60)
            events = [(event.kind, event.event, event.text) for event in await read_all(viewing)]
            assert ("message", "accepted", "after") in events
            assert ("message", "final", "before") in events
            assert [event[1] for event in events if event[0] == "receipt"].count("acknowledged") == 2
        assert [view.text for view in (await control.messages.search()).items] == ["after", "before"]
        (message_id,) = [view.message_id for view in (await control.messages.search(contains="before")).items]
        assert (await control.messages.get(message_id)).message.message_state == "DELIVERED"

    run_virtually(run())


def test_a_change_of_many_that_a_restore_comes_into(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        stage = stage_of('[network.default]\ndelay = { distribution = "fixed", value = 60.0 }\n')
        esme = stage.bound()
        for _ in range(5):
            esme.submit()
        octets = await snapshot(stage)
        desk = stage.server.control.messages
        end, restored = desk._simulation.engine.delete, []

        def delete(message: Any) -> bool:
            if not restored:
                restored.append(asyncio.create_task(restore(stage, octets)))
            return end(message)

        async def breathe(_: object) -> None:
            if restored:
                await restored[0]

        stage.server.engine.delete = delete  # type: ignore[method-assign]
        monkeypatch.setattr("smppd.control.scan.Pace.breathe", breathe)
        with pytest.raises(ConflictError, match="restored meanwhile"):
            await desk.cancel_all(Bulk())
        assert stage.server.engine.in_flight == 5

    run_virtually(run())


def test_limits_of_a_session_end_with_it() -> None:
    async def run() -> None:
        stage = stage_of()
        stage.bound()
        octets = await snapshot(stage)
        from smppd.control.sessions import Rate, SessionChange

        stage.server.control.sessions.change("1", SessionChange(window=1, rate=Rate(limit=1)))
        await restore(stage, octets)
        stage.bound()
        view = stage.server.control.sessions.get("2")
        assert view.rate is None
        assert view.window is not None
        assert view.window.size != 1

    run_virtually(run())
