"""The desk of sessions: what it shows, page by page, and what it does to them."""

from __future__ import annotations

import asyncio

import pytest

from smppd.control.failures import ConflictError, InvalidError, NotFoundError
from smppd.control.sessions import Rate, SessionChange, SessionDesk, Throttle
from smppwire.pdus import Unbind
from tests.transport.stage import EnquireLink, Esme, Stage, on_stage, sms
from tests.transport.support import BIND_RX, BIND_TRX, bind_body, request

ACCOUNTS = """
[[account]]
system_id = "smppclient1"
password = "password"
window = 50
throughput = { limit = 10, per = 2.0, burst = 4 }

[[account]]
system_id = "other"
password = "password"
"""
RTHROTTLED = 0x58


def desk(stage: Stage) -> SessionDesk:
    return stage.server.control.sessions


async def end(esme: Esme) -> None:
    esme.transport.abort()
    await asyncio.sleep(0)


def test_one_session_with_all_there_is_to_know() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound(system_type="VMA", address_range="^123")
        esme.send(sms(), sms())
        view = desk(stage).get(esme.connection.name)
        assert (view.peer, view.state, view.system_id, view.bind_type) == (
            "192.0.2.1:40000",
            "BOUND_TRX",
            "smppclient1",
            "transceiver",
        )
        (bind,) = view.binds
        assert (bind.interface_version, bind.version, bind.system_type, bind.address_range) == (
            0x34,
            "3.4",
            "VMA",
            "^123",
        )
        assert (view.version, view.ended_time, view.reason, bind.unbound_time) == ("3.4", None, None, None)
        assert view.connected_time.endswith("Z")
        assert view.bound is not None
        assert view.connected >= view.bound >= 0
        assert view.silent is not None
        assert (view.window.size, view.window.outstanding) == (50, 0)  # type: ignore[union-attr]
        assert (view.deliver_window.size, view.deliver_window.outstanding) == (100, 0)  # type: ignore[union-attr]
        throughput = view.throughput
        assert throughput is not None
        assert (throughput.limit, throughput.per, throughput.burst, throughput.fullness) == (10.0, 2.0, 4, 0.5)
        assert (view.rate, view.throttle) == (None, None)
        assert (view.counters.submitted, view.counters.accepted, view.counters.pdus_in) == (2, 2, 3)

    on_stage(ACCOUNTS, act)


def test_one_that_has_ended() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        esme.send(sms(), Unbind())
        await end(esme)
        view = desk(stage).get(esme.connection.name)
        assert (view.state, view.system_id, view.reason) == ("CLOSED", "smppclient1", "esme_unbind")
        assert view.ended_time is not None
        assert (view.window, view.deliver_window, view.bound, view.silent) == (None, None, None, None)
        assert view.counters.submitted == 1
        assert view.binds[0].unbound_time is not None
        for act_on in (desk(stage).unbind, desk(stage).close, desk(stage).reset):
            with pytest.raises(ConflictError, match="has ended"):
                act_on(view.session)
        with pytest.raises(ConflictError):
            desk(stage).change(view.session, SessionChange(window=1))

    on_stage("", act)


def test_one_that_was_never_bound() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.connect()
        esme.feed(request(BIND_TRX, 1, bind_body(password="secret99")))
        view = desk(stage).get(esme.connection.name)
        assert (view.state, view.system_id, view.bind_type, view.version, view.throughput) == (
            "OPEN",
            None,
            None,
            None,
            None,
        )
        (refused,) = view.refused_binds
        assert (refused.system_id, refused.command_status) == ("smppclient1", "ESME_RINVPASWD")
        assert "secret99" not in repr(view)
        assert view.reason == "bind_refused"
        with pytest.raises(ConflictError, match="about to end"):
            desk(stage).change(view.session, SessionChange(window=1))

    on_stage("", act)


def test_nobody_ever_was() -> None:
    async def act(stage: Stage) -> None:
        for name in ("1", "", "x", "99999999999999999999"):
            with pytest.raises(NotFoundError):
                desk(stage).get(name)
            with pytest.raises(NotFoundError):
                desk(stage).reset(name)

    on_stage("", act)


def test_lists() -> None:
    async def act(stage: Stage) -> None:
        one, two = stage.bound(), stage.bound(BIND_RX, system_id="other")
        await end(stage.bound())
        three = stage.connect()
        sessions = desk(stage)

        async def names(*arguments: str) -> list[str]:
            return [view.session for view in (await sessions.list(*arguments)).items]  # type: ignore[arg-type]

        assert await names() == [three.connection.name, two.connection.name, one.connection.name]
        assert await names("ended") == ["3"]
        assert await names("all") == ["4", "3", "2", "1"]
        assert await names("all", "smppclient1") == ["3", "1"]
        assert await names("open", "other") == ["2"]
        assert await names("open", "nobody") == []

    on_stage(ACCOUNTS, act)


def test_pages() -> None:
    async def act(stage: Stage) -> None:
        for _ in range(5):
            stage.bound()
        sessions, seen, cursor = desk(stage), [], ""
        while True:
            page = await sessions.list(limit=2, cursor=cursor)
            seen.append([view.session for view in page.items])
            stage.connect()  # whoever comes meanwhile is on the first page, and nobody comes twice
            if page.next is None:
                break
            cursor = page.next
        assert seen == [["5", "4"], ["3", "2"], ["1"]]
        with pytest.raises(InvalidError):
            await sessions.list(cursor="rubbish")

    on_stage("", act)


def test_a_long_list_leaves_others_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(stage: Stage) -> None:
        for _ in range(200):
            stage.bound()
        ticks = iter(range(10_000))
        monkeypatch.setattr(stage.server._context, "monotonic", lambda: float(next(ticks)))
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        task = asyncio.create_task(others())
        assert len((await desk(stage).list(limit=1000)).items) == 200
        task.cancel()
        monkeypatch.undo()
        assert turns >= 10

    on_stage("", act)


def test_unbind_and_close() -> None:
    async def act(stage: Stage) -> None:
        esme, other = stage.bound(), stage.bound()
        view = desk(stage).unbind(esme.connection.name)
        assert view.reason == "smsc_unbind"
        assert [type(pdu) for pdu in esme.received()] == [Unbind]
        view = desk(stage).close(other.connection.name)
        assert view.reason == "smsc_closed"
        assert other.transport.eof
        with pytest.raises(ConflictError, match="about to end"):
            desk(stage).close(other.connection.name)
        desk(stage).reset(other.connection.name)
        assert other.transport.aborted

    on_stage("", act)


def test_changes_hold_for_the_next_pdu() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        name, sessions = esme.connection.name, desk(stage)
        view = sessions.change(name, SessionChange(throttle=Throttle(seconds=30.0, command_status="ESME_RSYSERR")))
        assert view.throttle is not None
        assert (view.throttle.command_status, view.throttle.seconds_left) == ("ESME_RSYSERR", 30.0)
        esme.submit()
        assert esme.statuses() == [8]
        stage.advance(30)
        esme.received()
        assert sessions.get(name).throttle is None
        esme.submit()
        assert esme.statuses() == [0]

        view = sessions.change(name, SessionChange(throttle=Throttle()))
        assert view.throttle is not None
        assert view.throttle.seconds_left is None
        esme.submit()
        assert esme.statuses() == [RTHROTTLED]
        view = sessions.change(
            name, SessionChange(throttle=None, window=7, deliver_window=8, rate=Rate(limit=1, burst=2))
        )
        assert (view.throttle, view.window.size, view.deliver_window.size) == (None, 7, 8)  # type: ignore[union-attr]
        assert view.rate is not None
        assert (view.rate.limit, view.rate.burst, view.rate.over) == (1.0, 2, "ESME_RTHROTTLED")
        esme.send(*[sms() for _ in range(3)])
        assert esme.statuses() == [0, 0, RTHROTTLED]
        assert sessions.get(name).rate.fullness == 1.0  # type: ignore[union-attr]
        assert sessions.change(name, SessionChange(rate=None)).rate is None
        assert sessions.get(name).counters.refused_by_status == {"ESME_RSYSERR": 1, "ESME_RTHROTTLED": 2}

    on_stage("", act)


def test_nothing_to_change() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        with pytest.raises(InvalidError, match="nothing is to be changed"):
            desk(stage).change(esme.connection.name, SessionChange())

    on_stage("", act)


def test_limits_are_those_of_a_bind() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.connect()
        with pytest.raises(ConflictError, match="not bound"):
            desk(stage).change(esme.connection.name, SessionChange(window=1))
        esme.bind()
        desk(stage).change(esme.connection.name, SessionChange(window=1))
        esme.send(EnquireLink(), Unbind())
        esme.received()
        esme.bind()
        assert desk(stage).get(esme.connection.name).window.size == 0  # type: ignore[union-attr]

    on_stage("", act)
