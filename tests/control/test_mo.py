"""The desk of subscribers: whose a message is, when it leaves, and what is known of it afterwards."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from smppd.control.failures import ConflictError, InvalidError, NotFoundError, TooBusyError
from smppd.control.mo import MoDesk, MoView
from smppd.control.mo_messages import MAX_BATCH, Mo
from smppwire.pdus import DeliverSm
from tests.transport.stage import Stage, on_stage
from tests.transport.support import BIND_TX, DELIVER, answer

TWO = """
[messages]
limit = 100

[[account]]
system_id = "one"
password = "password"
address_range = "^123"

[[account]]
system_id = "two"
password = "password"
"""
LONG = "x" * 400


def desk(stage: Stage) -> MoDesk:
    return stage.server.control.mo


def mo(**fields: Any) -> Mo:
    return Mo(**{"source_addr": "447700900123", "destination_addr": "12345", "text": "Hello", **fields})


def state(stage: Stage, view: MoView) -> str:
    return desk(stage).get(view.id).state


def test_sent_and_acknowledged() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        esme.acknowledges = False
        view = desk(stage).inject(mo())
        assert (view.id, view.state, view.account, view.text) == ("mo-1", "pending", "smppclient1", "Hello")
        assert (view.time, view.due_time) == ("2026-01-01T12:00:00.000000Z",) * 2
        stage.settle()
        (pdu,) = esme.received()
        assert isinstance(pdu, DeliverSm)
        assert (pdu.source_addr, pdu.short_message) == (b"447700900123", b"Hello")
        assert state(stage, view) == "sent"
        esme.feed(answer(DELIVER, 0, pdu.sequence_number, b"\0"))
        view = desk(stage).get(view.id)
        (part,) = view.parts
        assert (view.state, part.command_status, part.session, part.attempts) == (
            "acknowledged",
            "ESME_ROK",
            esme.connection.name,
            1,
        )
        assert part.short_message == b"Hello".hex()

    on_stage("", act)


def test_refused_and_expired() -> None:
    async def act(stage: Stage) -> None:
        refused, late = desk(stage).inject(mo()), desk(stage).inject(mo(validity=5.0))
        stage.advance(10)
        assert (state(stage, refused), state(stage, late)) == ("pending", "expired")
        esme = stage.bound()
        esme.acknowledges = False
        stage.settle()
        (pdu,) = esme.received()
        esme.feed(answer(DELIVER, 0x66, pdu.sequence_number))
        assert state(stage, refused) == "refused"
        assert desk(stage).get(refused.id).parts[0].command_status == "ESME_RX_R_APPN"

    on_stage("", act)


def test_a_long_one_is_as_far_as_the_last_of_its_parts() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        esme.acknowledges = False
        view = desk(stage).inject(mo(text=LONG))
        stage.settle()
        one, two, three = esme.received()
        for pdu in (one, two):
            esme.feed(answer(DELIVER, 0, pdu.sequence_number, b"\0"))
        view = desk(stage).get(view.id)
        assert [part.state for part in view.parts] == ["acknowledged", "acknowledged", "sent"]
        assert view.state == "sent"
        esme.feed(answer(DELIVER, 0, three.sequence_number, b"\0"))
        assert state(stage, view) == "acknowledged"

    on_stage("", act)


def test_a_delay() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        view = desk(stage).inject(mo(delay=3600.0))
        assert (view.state, view.due_time) == ("scheduled", "2026-01-01T13:00:00.000000Z")
        stage.advance(3599)
        assert (esme.texts(), state(stage, view)) == ([], "scheduled")
        stage.advance(1)
        assert (esme.texts(), state(stage, view)) == (["Hello"], "acknowledged")

    on_stage("", act)


def test_whose_it_is() -> None:
    async def act(stage: Stage) -> None:
        assert desk(stage).inject(mo(account="two")).account == "two"
        assert desk(stage).inject(mo()).account == "one", "its address_range has it"
        with pytest.raises(ConflictError, match=r"no address_range of an account or a bind has it.*one, two"):
            desk(stage).inject(mo(destination_addr="99"))
        stage.bound(BIND_TX, system_id="two", address_range="^99")
        with pytest.raises(ConflictError):
            desk(stage).inject(mo(destination_addr="99"))
        stage.bound(system_id="two", address_range="^99")
        assert desk(stage).inject(mo(destination_addr="99")).account == "two", "a bind that receives says so"
        stage.bound(system_id="one", address_range="^9")
        with pytest.raises(ConflictError, match="several have binds"):
            desk(stage).inject(mo(destination_addr="99"))
        with pytest.raises(InvalidError, match=r"account: there is no account .three."):
            desk(stage).inject(mo(account="three"))

    on_stage(TWO, act)


def test_nobody_is_left() -> None:
    async def act(stage: Stage) -> None:
        stage.server.control.accounts.delete("smppclient1")
        with pytest.raises(ConflictError, match="no account"):
            desk(stage).inject(mo())

    on_stage("", act)


def test_the_limit_of_messages() -> None:
    async def act(stage: Stage) -> None:
        ledger = stage.server.engine.ledger
        await desk(stage).inject_all([mo()] * 98)
        with pytest.raises(TooBusyError, match="98 of 100"):
            desk(stage).inject(mo(text=LONG))
        assert ledger.live == 98
        late = desk(stage).inject(mo(text=LONG, delay=5.0))
        stage.advance(5)
        assert state(stage, late) == "dropped"
        assert ledger.live == 98

    on_stage(TWO, act)


def test_a_full_agenda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smppd.engine.agenda.MAX_APPOINTMENTS", 0)

    async def act(stage: Stage) -> None:
        with pytest.raises(TooBusyError, match="planned for later"):
            desk(stage).inject(mo(delay=5.0))
        desk(stage).inject(mo())

    on_stage("", act)


def test_a_batch_is_taken_whole_or_not_at_all() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound()
        with pytest.raises(InvalidError) as caught:
            await desk(stage).inject_all([mo(), mo(short_message="00"), mo(account="nobody")])
        assert [where for where, _ in caught.value.problems] == ["messages[1].text", "messages[2].account"]
        stage.settle()
        assert (esme.texts(), desk(stage).list().items) == ([], [])
        views = await desk(stage).inject_all([mo(text=str(number)) for number in range(10)])
        assert [view.text for view in views] == [str(number) for number in range(10)]
        stage.settle()
        assert esme.texts() == [str(number) for number in range(10)]
        for count in (0, MAX_BATCH + 1):
            with pytest.raises(InvalidError, match=f"1 to {MAX_BATCH}"):
                await desk(stage).inject_all([mo()] * count)

    on_stage("", act)


def test_a_batch_of_too_many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smppd.control.mo.MAX_PARTS", 5)

    async def act(stage: Stage) -> None:
        with pytest.raises(InvalidError, match="6 parts in all"):
            await desk(stage).inject_all([mo(text=LONG)] * 2)

    on_stage("", act)


def test_a_batch_leaves_others_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(stage: Stage) -> None:
        ticks = iter(range(10_000))
        monkeypatch.setattr(stage.server._context, "monotonic", lambda: float(next(ticks)))
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        task = asyncio.create_task(others())
        await desk(stage).inject_all([mo()] * 20)
        task.cancel()
        monkeypatch.undo()
        assert turns >= 20

    on_stage("", act)


def test_what_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smppd.control.mo.MAX_REMEMBERED", 4)

    async def act(stage: Stage) -> None:
        esme = stage.bound()
        for _ in range(3):
            desk(stage).inject(mo())
        desk(stage).inject(mo(text=LONG))
        page = desk(stage).list(limit=1)
        assert [view.id for view in page.items] == ["mo-4"]
        page = desk(stage).list(cursor=page.next or "")
        assert [view.id for view in page.items] == ["mo-3"]
        for forgotten in ("mo-1", "mo-5", "", "1"):
            with pytest.raises(NotFoundError):
                desk(stage).get(forgotten)
        stage.settle()
        assert len(esme.texts()) == 6, "what is forgotten is delivered all the same"

    on_stage("", act)


def test_values_that_fit_no_field() -> None:
    async def act(stage: Stage) -> None:
        with pytest.raises(InvalidError):
            desk(stage).inject(mo(tlvs={"0x1403": "0x" + "00" * 65_536}))

    on_stage("", act)
