"""Resets: everything, or what belongs to one account, is as the configuration files say again."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from smppd.control.failures import InvalidError
from smppd.control.reset import PARTS
from smppd.engine.message import DELIVERED
from smppd.settings import Account, Settings
from smppwire.constants import MessageState
from smppwire.pdus import DataSm, QuerySm
from tests.transport.stage import STARTED, Esme, Stage, on_stage, sms
from tests.transport.support import DELIVER, answer

ROK, THROTTLED, QUERYFAIL = 0, 0x58, 0x67

TWO = """
[[account]]
system_id = "alice"
password = "secret"
throughput = { limit = 1, burst = 3 }

[[account]]
system_id = "bob"
password = "secret"

[network.default]
delay = { distribution = "fixed", value = 10 }

[[rule]]
name = "file"
when = { destination_addr = "999*" }
scenario = { name = "s", becomes = "on" }
then = { status = "ESME_RTHROTTLED" }

[[rule]]
name = "late"
when = { destination_addr = "888*" }
then = { delay = 3600 }

[[rule]]
name = "lock"
when = { destination_addr = "777*" }
then = { status = "ESME_RTHROTTLED", throttle = 3600 }
"""


def bound(stage: Stage, system_id: str) -> Esme:
    return stage.bound(system_id=system_id, password="secret")


def with_account(settings: Settings, system_id: str) -> Settings:
    return msgspec.structs.replace(
        settings, account=[*settings.account, Account(system_id=system_id, password="secret")]
    )


def status_of(esme: Esme, destination: str) -> int:
    """What a submit_sm is answered with."""
    (response,) = esme.ask(sms(destination, "Hello"))
    return response.command_status


def receipts(esme: Esme) -> int:
    return sum("stat:" in text for text in esme.texts())


def test_everything_is_as_after_the_start() -> None:
    async def act(stage: Stage) -> None:
        control = stage.server.control
        esme = bound(stage, "alice")
        assert [status_of(esme, number) for number in ("1", "2", "3", "4", "9991")] == [0, 0, 0, THROTTLED, THROTTLED]
        stage.advance(11.0)
        assert receipts(esme) == 3
        assert status_of(esme, "5") == ROK
        control.rules.add({"name": "mine", "then": {"status": 8}})
        control.faults.add({"kind": "congestion", "name": "full"})
        control.networks.put("bad", {"outcome": {"UNDELIV": 1}})
        control.dialects.put("other", {})
        control.routes.add({"name": "fr", "match": {"destination_addr": "33*"}, "network": "bad"})
        stage.server.configure(with_account(stage.server.settings, "carol"))
        carol = bound(stage, "carol")
        assert control.rules.scenario("s").state == "on"
        view = await control.reset.reset()
        assert (view.namespace, view.messages, view.rules, view.faults, view.disconnected) == (None, 4, 3, 0, 0)
        assert view.pdus > 10
        made = {"rule[mine]", "fault[full]", "network.bad", "dialect.other", "route[fr]", "account[carol]"}
        assert made <= set(view.settings)
        assert stage.server.settings == control.simulation.configured
        assert control.rules.get("file").matched == 0
        assert control.rules.scenario("s").state == ""
        assert (stage.clock.now(), stage.clock.wall(), stage.clock.is_running) == (11.0, STARTED, False)
        assert [pdu.command_id for pdu in carol.received()] == [6]  # an unbind: there is no such account any more
        assert esme.is_open
        assert len(stage.server.engine.messages) == stage.server.engine.ledger.live == 0
        esme.received()
        stage.advance(100.0)
        assert esme.received() == []
        assert [status_of(esme, number) for number in ("1", "2", "3", "4")] == [0, 0, 0, THROTTLED]
        stage.advance(11.0)
        assert receipts(esme) == 3

    on_stage(TWO, act)


def test_what_is_to_be_kept_is_kept() -> None:
    async def act(stage: Stage) -> None:
        control = stage.server.control
        esme = bound(stage, "alice")
        status_of(esme, "1")
        status_of(esme, "9991")
        control.rules.add({"name": "mine", "when": {"destination_addr": "5"}, "then": {"status": 8}})
        control.faults.add({"kind": "congestion", "name": "full"})
        control.networks.put("bad", {})
        stage.advance(1.0)
        frames = len(stage.server.journal)
        view = await control.reset.reset(keep=PARTS)
        assert (view.messages, view.pdus, view.rules, view.faults, view.settings) == (0, 0, 4, 1, [])
        assert len(stage.server.journal) == frames
        assert control.rules.get("file").fired == 1
        assert control.rules.scenario("s").state == "on"
        assert stage.clock.wall() == STARTED + 1.0
        view = await control.reset.reset(keep=["rules", "faults", "messages"])
        assert (view.rules, view.faults, view.settings) == (4, 1, ["network.bad"])
        assert control.rules.get("file").fired == 1
        esme.received()
        stage.advance(11.0)
        assert receipts(esme) == 1

    on_stage(TWO, act)


def test_one_account_is_reset_and_nobody_else_notices() -> None:
    async def act(stage: Stage) -> None:
        control = stage.server.control
        alice, bob = bound(stage, "alice"), bound(stage, "bob")
        assert [status_of(alice, number) for number in ("1", "2", "7771")] == [ROK, ROK, THROTTLED]
        assert status_of(alice, "7772") == THROTTLED
        assert status_of(bob, "1") == ROK
        for name in ("alice", "bob"):
            for made in ("rules", "faults"):
                desk = getattr(control, made)
                what = {"then": {"status": 8}, "when": {"destination_addr": "6"}} if made == "rules" else {}
                desk.add({"name": f"of-{name}", **(what or {"kind": "congestion"})}, namespace=name)
        control.rules.add({"name": "everybody", "when": {"destination_addr": "6"}, "then": {"status": 9}}, last=True)
        window = [msgspec.structs.replace(one, window=7) for one in stage.server.settings.account]
        stage.server.configure(msgspec.structs.replace(stage.server.settings, account=window))
        frames = len(stage.server.journal)
        of_bob = [entry.frame for entry in stage.server.journal.of_session(bob.connection.name)]
        view = await control.reset.reset("alice")
        assert (view.namespace, view.messages, view.settings) == ("alice", 2, ["account[alice].window"])
        assert view.pdus == frames - len(of_bob) == frames - len(stage.server.journal)
        assert [entry.frame for entry in stage.server.journal] == of_bob
        assert [rule.name for rule in stage.server.rules] == ["of-bob", "file", "late", "lock", "everybody"]
        assert [fault.name for fault in stage.server.faults] == ["of-bob"]
        assert {one.system_id: one.window for one in stage.server.settings.account} == {"alice": 0, "bob": 7}
        assert control.rules.get("lock").fired == 1  # it is everybody's
        assert status_of(alice, "7773") == THROTTLED  # anew, by the rule
        assert [status_of(alice, number) for number in ("6", "1", "2", "3", "4")] == [9, 0, 0, 0, THROTTLED]
        assert status_of(bob, "6") == 8
        stage.advance(11.0)
        assert (receipts(alice), receipts(bob)) == (3, 1)
        assert control.reset is control.reset

    on_stage(TWO, act)


def test_ids_go_on_and_forgotten_messages_are_unknown() -> None:
    async def act(stage: Stage) -> None:
        esme = bound(stage, "bob")
        (first,) = esme.ask(sms("1", "Hello"))
        await stage.server.control.reset.reset("bob")
        query = QuerySm(message_id=first.message_id, source_addr_ton=0, source_addr=b"smppd")  # type: ignore[attr-defined]
        (response,) = esme.ask(query)
        assert response.command_status == QUERYFAIL
        (second,) = esme.ask(sms("1", "Hello"))
        assert int(second.message_id) > int(first.message_id)  # type: ignore[attr-defined]

    on_stage(TWO, act)


def test_an_acknowledgement_that_comes_after_the_reset_means_nothing() -> None:
    async def act(stage: Stage) -> None:
        esme = bound(stage, "bob")
        esme.acknowledges = False
        for number in range(5):
            status_of(esme, str(number))
        stage.advance(10.0)
        assert esme.connection.unanswered == 5
        for namespace in ("bob", None, "bob"):
            await stage.server.control.reset.reset(namespace)
        assert stage.server.engine.ledger.live == 0
        assert esme.connection.unanswered == 5
        esme.acknowledges = True
        esme.feed(*(answer(DELIVER, 0, number, b"\0") for number in list(esme.connection._session.window.entries)))
        assert esme.connection.unanswered == 0
        assert stage.server.engine.ledger.live == 0
        assert stage.server.engine.esmes["bob"].waiting == 0
        status_of(esme, "9")
        stage.advance(10.0)
        assert receipts(esme) == 1

    on_stage(TWO, act)


def test_answers_that_rules_have_put_off_leave_at_once() -> None:
    async def act(stage: Stage) -> None:
        for namespace in ("bob", None):
            esme = bound(stage, "bob")
            assert esme.ask(sms("888", "Hello")) == []
            await stage.server.control.reset.reset(namespace)
            (response,) = esme.received()
            assert response.command_status == ROK
            assert esme.connection._session.inbound_outstanding == 0
            stage.advance(7200.0)
            assert esme.received() == []

    on_stage(TWO, act)


def test_who_waits_for_an_outcome_is_told_that_there_is_none() -> None:
    async def act(stage: Stage) -> None:
        esme = bound(stage, "bob")
        assert esme.ask(DataSm(source_addr=b"a", destination_addr=b"1", esm_class=2)) == []
        await stage.server.control.reset.reset("bob")
        stage.settle()
        (response,) = esme.received()
        assert response.command_status == 0xFE
        assert esme.connection._session.inbound_outstanding == 0

    on_stage(TWO, act)


def test_sessions_can_be_disconnected() -> None:
    async def act(stage: Stage) -> None:
        alice, bob = bound(stage, "alice"), bound(stage, "bob")
        view = await stage.server.control.reset.reset("alice", disconnect=True)
        assert view.disconnected == 1
        assert [pdu.command_id for pdu in alice.received()] == [6]
        assert bob.received() == []
        view = await stage.server.control.reset.reset(disconnect=True)
        assert [pdu.command_id for pdu in bob.received()] == [6]

    on_stage(TWO, act)


def test_an_account_that_was_made_at_run_time_stays_in_its_own_reset() -> None:
    async def act(stage: Stage) -> None:
        stage.server.configure(with_account(stage.server.settings, "carol"))
        carol = bound(stage, "carol")
        status_of(carol, "1")
        view = await stage.server.control.reset.reset("carol")
        assert (view.messages, view.settings) == (1, [])
        assert carol.is_open
        assert status_of(carol, "1") == ROK

    on_stage(TWO, act)


def test_scenarios_of_a_namespace() -> None:
    async def act(stage: Stage) -> None:
        rules = stage.server.control.rules
        mine = {"name": "mine", "scenario": {"name": "own", "becomes": "on"}, "then": {"status": 8}}
        both = {"name": "both", "scenario": {"name": "s", "becomes": "on"}, "then": {"status": 8}}
        rules.add(mine, namespace="alice")
        rules.add(both, namespace="alice")
        rules.set_scenario("own", "on")
        rules.set_scenario("s", "on")
        await stage.server.control.reset.reset("alice")
        assert stage.server.rules.scenarios == {"s": "on"}  # a rule of the files has to do with it

    on_stage(TWO, act)


def test_there_must_be_such_an_account() -> None:
    async def act(stage: Stage) -> None:
        with pytest.raises(InvalidError, match=r'"alicia".*alice'):
            await stage.server.control.reset.reset("alicia")

    on_stage(TWO, act)


def test_what_is_submitted_meanwhile_is_new() -> None:
    async def act(stage: Stage) -> None:
        esme = bound(stage, "bob")
        esme.send(*(sms(f"5{number}", "Hello") for number in range(3000)))
        resetting = asyncio.ensure_future(stage.server.control.reset.reset("bob"))
        submitted = 0
        while not resetting.done():
            status_of(esme, "1")
            submitted += 1
            await asyncio.sleep(0)
        assert (await resetting).messages == 3000 + (submitted - len(stage.server.engine.messages))
        assert submitted > 3
        assert all(message.state != MessageState.DELETED for message in stage.server.engine.messages.values())
        esme.received()
        stage.advance(11.0)
        assert receipts(esme) == len(stage.server.engine.messages)
        assert {message.state for message in stage.server.engine.messages.values()} == {DELIVERED}

    on_stage(TWO, act)


def test_who_is_cancelled_leaves_nothing_half_done() -> None:
    async def act(stage: Stage) -> None:
        esme = bound(stage, "bob")
        esme.send(*(sms(f"5{number}", "Hello") for number in range(3000)))
        resetting = asyncio.ensure_future(stage.server.control.reset.reset("bob"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        resetting.cancel()
        await asyncio.gather(resetting, return_exceptions=True)
        assert resetting.cancelled()
        assert len(stage.server.engine.messages) == stage.server.engine.ledger.live == 0
        await stage.server.control.reset.reset()

    on_stage(TWO, act)


def test_a_reset_waits_for_a_leap_of_time() -> None:
    async def act(stage: Stage) -> None:
        esme = bound(stage, "bob")
        esme.acknowledges = False
        status_of(esme, "1")
        leap = asyncio.ensure_future(stage.server.advance(3600.0))
        await asyncio.sleep(0)
        view = await stage.server.control.reset.reset()
        assert leap.done()
        assert view.messages == 1
        assert stage.clock.now() == 3600.0

    on_stage(TWO, act)


def test_a_clock_that_was_touched_goes_on_as_that_of_the_machine() -> None:
    async def act(stage: Stage) -> None:
        clock = stage.clock
        clock.set_speed(10.0)
        clock.advance_to(clock.now() + 3600.0)
        before = clock.now()
        await stage.server.control.reset.reset()
        assert clock.is_running
        assert clock.is_real
        assert clock.now() >= before

    on_stage("", act, "clock.mode=real", "clock.start=")


def test_schedules_count_from_the_reset() -> None:
    async def act(stage: Stage) -> None:
        esme = bound(stage, "bob")
        for namespace in (None, "bob", None):
            before = status_of(esme, "666")
            stage.advance(10.0)
            await stage.server.control.reset.reset(namespace)
            assert (before, status_of(esme, "666")) == ((8, 8) if namespace is None else (8, 0))
            await stage.server.control.reset.reset()

    rule = '\n[[rule]]\nname = "early"\nwhen = { destination_addr = "666" }\nschedule = { for = 5 }\n'
    on_stage(f"{TWO}{rule}then = {{ status = 8 }}\n", act)
