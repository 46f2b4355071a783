"""The life of a message as it is told: everything that happened, in order, with the PDUs that the journal has."""

from __future__ import annotations

from smppd.settings import Account, Clock, Dialect, IdForm, Journal, MessageId, Route, Rule, Then, Throughput, When
from tests.control.messages.scene import LATER, Scene, scene
from tests.transport.support import AT_ONCE, CANCEL, DELIVER, QUERY, REPLACE, account, answer, c, request, wait_until

ALL_OF_A_DELIVERED_ONE = [
    "received",
    "accepted",
    "routed",
    "answered",
    "attempt",
    "final",
    "sent receipt",
    "acknowledged receipt",
]


def acknowledged(it: Scene, message_id: str, status: int = 0) -> None:
    """Take a receipt."""
    frame = it.esme.frame()
    assert message_id.encode() in frame
    it.esme.send(answer(DELIVER, status, int.from_bytes(frame[12:16], "big"), b"\0"))


def test_a_message_of_every_day_leaves_no_trace_and_is_told_all_the_same() -> None:
    with scene(network=AT_ONCE) as it:
        message_id = it.submit(registered=1)
        acknowledged(it, message_id)
        it.until_settled(message_id)
        detail = it.get(message_id)
        assert [f"{each.event} {each.what}".strip() for each in detail.events] == ALL_OF_A_DELIVERED_ONE
        assert not it.live.server.engine.history
        received, accepted, routed, answered, attempt, final, sent, taken = detail.events
        assert [each.time for each in detail.events] == sorted(str(each.time) for each in detail.events)
        assert (received.pdu, received.sequence_number, received.session, received.command) == (2, 2, "1", "submit_sm")
        assert (accepted.account, routed.route, routed.network) == ("smppclient1", "default", "default")
        assert (answered.command, answered.command_status) == ("submit_sm_resp", "ESME_ROK")
        assert (attempt.attempt, final.message_state, final.error_code) == (1, "DELIVERED", 0)
        assert (sent.command, taken.command, taken.sequence_number) == ("deliver_sm", "deliver_sm_resp", 1)
        assert not any(each.pdu_forgotten for each in detail.events)


def test_a_receipt_that_is_refused_comes_again() -> None:
    with scene(network=AT_ONCE) as it:
        message_id = it.submit(registered=1)
        acknowledged(it, message_id, status=0x14)  # ESME_RMSGQFUL: later perhaps
        wait_until(lambda: "refused receipt" in it.events(message_id))
        events = [each for each in it.get(message_id).events if each.event == "refused"]
        noted = next(each for each in events if each.next_time is not None)
        assert noted.command_status == "ESME_RMSGQFUL"
        assert noted.next_time > str(noted.time)  # type: ignore[operator]
        assert any(each.pdu is not None for each in events)


def test_pdus_that_the_journal_has_forgotten_are_marked() -> None:
    with scene(network=AT_ONCE, journal=Journal(pdus=6)) as it:
        message_id = it.submit(registered=1)
        acknowledged(it, message_id)
        it.until_settled(message_id)
        for _ in range(6):
            it.submit()
        events = it.get(message_id).events
        forgotten = [f"{each.event} {each.what}".strip() for each in events if each.pdu_forgotten]
        assert forgotten == ["received", "answered", "sent receipt"]
        assert all(each.pdu is None for each in events)


def test_without_a_journal_what_is_known_is_told() -> None:
    with scene(network=AT_ONCE, journal=Journal(pdus=0)) as it:
        message_id = it.submit()
        it.until_settled(message_id)
        assert it.events(message_id) == ["received", "accepted", "routed", "answered", "attempt", "final"]


def test_a_rule_that_decides_the_outcome_is_named() -> None:
    with scene(network=AT_ONCE, clock=Clock(mode="virtual")) as it:
        rule = Rule(name="absent", when=When(), then=Then(outcome="UNDELIV", error=9))
        it.live.call(lambda: it.live.server.rules.add(rule))
        message_id = it.submit()
        it.until_settled(message_id)
        events = it.get(message_id).events
        ruled = next(each for each in events if each.event == "rule")
        assert (ruled.rule, ruled.message_state) == ("absent", "UNDELIVERABLE")
        assert [each.event for each in events] == [
            "received",
            "accepted",
            "routed",
            "answered",
            "rule",
            "attempt",
            "final",
        ]
        assert events[-1].error_code == 9


def test_what_waits_says_for_what() -> None:
    slow = Route(name="default", throughput=Throughput(limit=0.001, burst=1, over="queue"))
    with scene(route=[slow]) as it:
        first, second = it.submit(), it.submit()
        assert it.events(first)[-1] == "under_way"
        assert it.get(first).events[-1].next_time is not None
        assert it.events(second)[-1] == "queued"


def test_a_message_to_an_esme_that_is_not_there_says_for_whom_it_waits() -> None:
    accounts = [account(), Account(system_id="shop", password="password", address_range="^4477")]
    with scene(account=accounts) as it, it.live.client() as shop:
        message_id = it.submit()
        last = it.get(message_id).events[-1]
        assert (last.event, last.account, last.time) == ("forward_pending", "shop", None)
        shop.bind(system_id="shop")
        shop.send(answer(DELIVER, 0, int.from_bytes(shop.frame()[12:16], "big"), b"\0"))
        wait_until(lambda: "acknowledged forward" in it.events(message_id))
        assert "forward_pending" not in it.events(message_id)


def test_a_schedule_its_replacement_and_its_cancellation() -> None:
    with scene() as it:
        message_id = it.submit(schedule=b"000000010000000R")
        body = c(message_id) + b"\5\0" + c("smppd") + c("") + c("") + bytes((0, 0, 3)) + b"new"
        it.esme.ask(request(REPLACE, 50, body), answer(REPLACE, 0, 50))
        it.esme.send(request(QUERY, 51, c(message_id) + b"\5\0" + c("smppd")))
        it.esme.frame()
        cancel = c("") + c(message_id) + b"\5\0" + c("smppd") + b"\0\0" + c("")
        it.esme.ask(request(CANCEL, 52, cancel), answer(CANCEL, 0, 52))
        detail = it.get(message_id)
        assert [each.event for each in detail.events if each.clock == "engine"] == [
            "accepted",
            "routed",
            "scheduled",
            "replaced",
            "cancelled",
            "final",
        ]
        asked = [each.command for each in detail.events if each.event == "asked"]
        assert asked == ["replace_sm", "query_sm", "cancel_sm"]
        assert [each.command for each in detail.events if each.event == "told"] == [
            "replace_sm_resp",
            "query_sm_resp",
            "cancel_sm_resp",
        ]
        assert detail.message.text == "new"
        scheduled = next(each for each in detail.events if each.event == "scheduled")
        assert scheduled.next_time > str(scheduled.time)  # type: ignore[operator]


def test_on_a_virtual_clock_events_are_in_the_order_of_things() -> None:
    with scene(clock=Clock(mode="virtual", start="2030-01-01T00:00:00Z"), network=LATER) as it:
        message_id = it.submit(registered=1)
        it.live.run(it.live.server.advance(3600.0))
        acknowledged(it, message_id)
        it.until_settled(message_id)
        events = it.get(message_id).events
        assert [each.event for each in events] == [
            "received",
            "accepted",
            "routed",
            "answered",
            "attempt",
            "final",
            "sent",
            "acknowledged",
        ]
        assert {each.clock for each in events if each.pdu is not None} == {"real"}
        assert str(events[1].time).startswith("2030-01-01T00")
        assert str(events[5].time).startswith("2030-01-01T01")


def test_on_a_virtual_clock_a_refused_receipt_comes_behind_the_end_of_its_message() -> None:
    with scene(clock=Clock(mode="virtual", start="2030-01-01T00:00:00Z"), network=LATER) as it:
        message_id = it.submit(registered=1)
        it.live.run(it.live.server.advance(3600.0))
        acknowledged(it, message_id, status=0x14)  # ESME_RMSGQFUL: later perhaps
        wait_until(lambda: "refused receipt" in it.events(message_id))
        it.live.run(it.live.server.advance(600.0))
        acknowledged(it, message_id)
        it.until_settled(message_id)
        inside = [each for each in it.get(message_id).events if each.clock == "engine"]
        assert [each.event for each in inside] == ["accepted", "routed", "attempt", "final", "refused"]
        assert [each.time for each in inside] == sorted(str(each.time) for each in inside)


def test_notifications_and_acknowledgements_of_the_handset_are_told() -> None:
    with scene(network=AT_ONCE) as it:
        message_id = it.submit(registered=0x10 | 0x0C | 0x01)
        for frame in it.esme.frames(4):
            it.esme.send(answer(DELIVER, 0, int.from_bytes(frame[12:16], "big"), b"\0"))
        it.until_settled(message_id)
        wait_until(lambda: it.events(message_id).count("acknowledged acknowledgement") == 2)
        told = sorted(each for each in it.events(message_id) if each.startswith(("sent", "acknowledged")))
        assert told == [
            "acknowledged acknowledgement",
            "acknowledged acknowledgement",
            "acknowledged notification",
            "acknowledged receipt",
            "sent acknowledgement",
            "sent acknowledgement",
            "sent notification",
            "sent receipt",
        ]
        assert not any(each.pdu_forgotten for each in it.get(message_id).events)


def test_a_session_that_ends_before_it_has_acknowledged() -> None:
    with scene(network=AT_ONCE) as it, it.live.client() as other:
        message_id = it.submit(registered=1)
        it.esme.frame()
        it.esme.__exit__()
        wait_until(lambda: "session_ended receipt" in it.events(message_id))
        assert it.events(message_id)[-1] == "receipt_pending"
        other.bind()
        frame = other.frame()
        other.send(answer(DELIVER, 0, int.from_bytes(frame[12:16], "big"), b"\0"))
        it.until_settled(message_id)
        detail = it.get(message_id)
        assert [each.session for each in detail.events if each.event == "sent"] == ["1", "2"]
        assert detail.message.receipt_attempts == 2


def test_a_dialect_that_spells_ids_anew_in_receipts_is_understood() -> None:
    dialect = Dialect(message_id=MessageId(response=IdForm(base="hex", case="lower")))
    with scene(network=AT_ONCE, dialect={"default": dialect}) as it:
        message_id = it.submit(registered=1)
        frame = it.esme.frame()
        assert f"id:{message_id} ".encode() not in frame
        it.esme.send(answer(DELIVER, 0, int.from_bytes(frame[12:16], "big"), b"\0"))
        it.until_settled(message_id)
        assert it.events(message_id)[-2:] == ["sent receipt", "acknowledged receipt"]
        assert it.get(message_id.upper()).message.message_id == message_id
        spelled = frame[frame.index(b"id:") + 3 :].partition(b" ")[0].decode()
        assert it.get(spelled).message.message_id == message_id != spelled
