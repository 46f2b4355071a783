"""Events of every kind, as a server makes them that is talked to."""

from __future__ import annotations

import msgspec
import pytest

from smppd.control.event_views import EventView, Renderer, encode
from smppd.control.events import Viewing
from smppd.observe.journal import JournalEntry
from smppd.observe.roster import Roster
from smppd.settings import EVENT_KINDS, EventFilter
from smppwire.pdus import CancelSm, DataSm, Tlv
from tests.transport.stage import Stage, on_stage
from tests.transport.support import BIND_TRX, SUBMIT, bind_body, request, submit_body


async def seen(stage: Stage, viewing: Viewing) -> list[EventView]:
    """What has happened by now."""
    stage.settle()
    events: list[EventView] = []
    while more := await viewing.next(0.0):
        events += more
    return [event for event in events if event.kind != "viewer"]


def looking(stage: Stage, **conditions: object) -> Viewing:
    return stage.server.control.events.subscribe(msgspec.convert(conditions, EventFilter))


def fields(event: EventView) -> dict[str, object]:
    """What an event has, but for what all have and for moments."""
    built = msgspec.to_builtins(event)
    return {name: value for name, value in built.items() if name not in {"id", "time", "kind", "line", "clock_time"}}


def test_sessions() -> None:
    async def act(stage: Stage) -> None:
        viewing = looking(stage, kind="session")
        esme = stage.bound()
        esme.connection.connection_lost(ConnectionResetError())
        stranger = stage.connect()
        stranger.feed(request(BIND_TRX, 1, bind_body("nobody", "secret99")))
        events = await seen(stage, viewing)
        assert [fields(event) for event in events[:4]] == [
            {"event": "opened", "session": "1", "peer": "192.0.2.1:40000"},
            {"event": "bound", "session": "1", "account": "smppclient1", "bind_type": "transceiver"},
            {
                "event": "unbound",
                "session": "1",
                "account": "smppclient1",
                "bind_type": "transceiver",
                "reason": "connection lost",
            },
            {"event": "closed", "session": "1", "peer": "192.0.2.1:40000", "reason": "ConnectionResetError"},
        ]
        assert fields(events[5]) == {
            "event": "bind_refused",
            "session": "2",
            "account": "nobody",
            "bind_type": "transceiver",
            "command_status": "ESME_RINVSYSID",
            "reason": "unknown_system_id",
        }
        assert events[1].line == "session bound session=1 account=smppclient1 bind_type=transceiver"
        assert "secret99" not in b"".join(map(encode, events)).decode()

    on_stage("", act)


def test_pdus() -> None:
    async def act(stage: Stage) -> None:
        viewing = looking(stage, kind="pdu")
        esme = stage.connect()
        bind = request(BIND_TRX, 1, bind_body(password="password"))
        submit = request(SUBMIT, 2, submit_body(source=(1, 1, b"12345"), to=(1, 1, b"447700900123"), text=b"caf\x05"))
        esme.feed(bind, submit)
        bound, submitted, _, accepted, *_ = await seen(stage, viewing)
        assert bound.command == "bind_transceiver"
        assert bound.account == "smppclient1"
        assert "password=<8 octets>" in bound.line
        assert fields(submitted) == {
            "event": "received",
            "number": 1,
            "session": "1",
            "account": "smppclient1",
            "bind_type": "transceiver",
            "direction": "in",
            "command": "submit_sm",
            "command_status": "ESME_ROK",
            "sequence_number": 2,
            "source_addr": "12345",
            "destination_addr": "447700900123",
            "text": "caf\N{LATIN SMALL LETTER E WITH ACUTE}",
        }
        assert submitted.line.startswith("in  1 smppclient1 submit_sm seq=2 ")
        assert (accepted.event, accepted.direction, accepted.command) == ("sent", "out", "submit_sm_resp")
        assert isinstance(accepted.message_id, str)
        assert accepted.message_id.isdecimal()
        assert submitted.id < accepted.id

    on_stage("", act)


def test_a_receipt_names_its_message() -> None:
    async def act(stage: Stage) -> None:
        viewing = looking(stage, kind="pdu", command=["submit_sm_resp", "deliver_sm"])
        esme = stage.bound()
        esme.submit()
        stage.advance(2.0)
        accepted, receipt = await seen(stage, viewing)
        assert receipt.message_id == accepted.message_id
        assert isinstance(receipt.text, str)
        assert receipt.text.startswith(f"id:{accepted.message_id} ")

    on_stage("", act)


@pytest.mark.parametrize("frame", [b"", b"\0\0\0\x03abc", b"GET / HTTP/1.1", request(SUBMIT, 5, b"\0\x01")])
def test_what_cannot_be_decoded_is_shown_as_far_as_it_goes(frame: bytes) -> None:
    view = Renderer(Roster()).pdu("id", 7, JournalEntry(0.0, "3", "in", frame), None)
    assert (view.number, view.session, view.time) == (7, "3", "1970-01-01T00:00:00.000000Z")
    assert view.line.startswith("in  3 - ")
    assert "source_addr" not in msgspec.to_builtins(view)


def test_messages_and_receipts() -> None:
    async def act(stage: Stage) -> None:
        viewing = looking(stage, kind=["message", "receipt"])
        esme = stage.bound()
        esme.submit("447700900123", "Hello you", source_addr=b"shop")
        stage.advance(2.0)
        esme.settle()
        accepted, final, sent, acknowledged = await seen(stage, viewing)
        message = {
            "account": "smppclient1",
            "message_id": accepted.message_id,
            "source_addr": "shop",
            "destination_addr": "447700900123",
            "text": "Hello you",
            "route": "default",
        }
        assert fields(accepted) == {"event": "accepted", **message}
        assert fields(final) == {"event": "final", **message, "message_state": "DELIVERED", "error_code": 0}
        receipt = {
            "account": "smppclient1",
            "type": "receipt",
            "message_id": accepted.message_id,
            "source_addr": "447700900123",
            "destination_addr": "shop",
            "message_state": "DELIVERED",
        }
        assert fields(sent) == {"event": "sent", "session": "1", **receipt}
        assert fields(acknowledged) == {"event": "acknowledged", **receipt}
        assert isinstance(accepted.clock_time, str)
        assert accepted.clock_time.startswith("2026-01-01T12:00:00")
        assert "clock_time" not in accepted.line
        assert "text='Hello you'" in accepted.line

    on_stage("", act)


def test_refused_and_cancelled_messages() -> None:
    async def act(stage: Stage) -> None:
        viewing = looking(stage, kind="message")
        esme = stage.bound()
        esme.submit("999", "no")
        payload = (Tlv(0x0424, b"Hi"),)
        esme.send(DataSm(source_addr=b"shop", destination_addr=b"999", tlvs=payload))
        esme.submit("447700900123", "yes")
        events = await seen(stage, viewing)
        assert [event.event for event in events] == ["refused", "refused", "accepted"]
        refused, data, accepted = events
        assert (refused.command, refused.command_status) == ("submit_sm", "ESME_RINVDSTADR")
        assert (refused.text, refused.account, refused.session) == ("no", "smppclient1", "1")
        assert (data.command, data.text) == ("data_sm", "Hi")
        assert isinstance(accepted.message_id, str)
        esme.send(CancelSm(message_id=accepted.message_id.encode()))
        cancelled, final = await seen(stage, viewing)
        assert (cancelled.event, cancelled.message_id) == ("cancelled", accepted.message_id)
        assert (final.event, final.message_state) == ("final", "DELETED")

    on_stage('[[route]]\nname = "uk"\nmatch = { destination_addr = "44*" }', act)


def test_failed_attempts() -> None:
    async def act(stage: Stage) -> None:
        viewing = looking(stage, event="attempt_failed")
        stage.bound().submit()
        stage.advance(40.0)
        events = await seen(stage, viewing)
        assert [(event.attempt, event.error_code) for event in events][:1] == [(1, 27)]

    on_stage("[network.default]\nabsent_for = 100.0", act)


def test_messages_for_an_esme() -> None:
    async def act(stage: Stage) -> None:
        viewing = looking(stage, kind="message", event=["sent", "acknowledged", "refused"])
        esme = stage.bound()
        esme.submit("12345", "to myself", registered_delivery=0)
        esme.settle()
        sent, acknowledged = await seen(stage, viewing)
        assert (sent.type, sent.source_addr, sent.destination_addr) == ("forward", "smppd", "12345")
        assert acknowledged.event == "acknowledged"

    on_stage(
        '[[account]]\nsystem_id = "smppclient1"\npassword = "password"\naddress_range = "12345"',
        act,
    )


def test_rules_faults_and_throttling() -> None:
    async def act(stage: Stage) -> None:
        viewing = looking(stage, kind=["rule", "fault", "throttle"])
        esme = stage.bound()
        esme.submit("999", "one")
        esme.submit("447700900123", "two")
        esme.submit("447700900123", "three")
        stage.advance(2.0)
        events = {event.kind: event for event in await seen(stage, viewing)}
        assert events.keys() == {"rule", "fault", "throttle"}
        assert fields(events["rule"]) == {
            "event": "fired",
            "rule": "no-999",
            "account": "smppclient1",
            "command": "submit_sm",
            "sequence_number": 2,
            "source_addr": "smppd",
            "destination_addr": "999",
        }
        assert fields(events["throttle"]) == {
            "event": "refused",
            "account": "smppclient1",
            "scope": "account",
            "count": 1,
        }
        assert (events["fault"].fault, events["fault"].account) == ("lost", "smppclient1")
        assert events["throttle"].line == "throttle refused account=smppclient1 scope=account count=1"

    on_stage(
        """
[[account]]
system_id = "smppclient1"
password = "password"
throughput = { limit = 1, burst = 1 }
[[rule]]
name = "no-999"
when = { destination_addr = "999" }
then = { status = "ESME_RINVDSTADR" }
[[fault]]
name = "lost"
kind = "receipt_lost"
""",
        act,
    )


def test_the_configuration_and_the_clock() -> None:
    async def act(stage: Stage) -> None:
        viewing = looking(stage, kind=["configuration", "clock"])
        settings = msgspec.structs.replace(
            stage.server.settings,
            journal=msgspec.structs.replace(stage.server.settings.journal, pdus=5),
            log=msgspec.structs.replace(stage.server.settings.log, pdus=True),
        )
        stage.server.configure(settings)
        await stage.server.advance(3600.0)
        clock = stage.server.control.clock
        clock.change(running=True, speed=60.0)
        clock.change(running=True)
        await stage.server.control.reset.reset()
        changed, advanced, faster, restored, reset = await seen(stage, viewing)
        assert fields(restored) == {"event": "changed", "keys": ["log.pdus"], "restart": []}
        assert fields(changed) == {"event": "changed", "keys": ["log.pdus"], "restart": ["journal.pdus"]}
        assert changed.line == "configuration changed keys=log.pdus restart=journal.pdus"
        assert (advanced.seconds, advanced.clock_time) == (3600.0, "2026-01-01T13:00:00.000000Z")
        assert fields(faster) == {"event": "changed", "running": True, "speed": 60.0}
        assert fields(reset) == {"event": "changed", "running": False, "speed": 1.0}
        assert reset.clock_time == "2026-01-01T12:00:00.000000Z"

    on_stage("", act)


def test_the_kinds_are_those_of_the_settings() -> None:
    assert set(EVENT_KINDS) == {
        *("session", "pdu", "message", "receipt", "rule", "fault", "throttle", "configuration", "clock")
    }
