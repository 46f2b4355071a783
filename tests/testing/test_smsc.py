"""A message centre for tests that block, as a whole."""

import asyncio
import re
import socket
import unittest
from collections.abc import Iterator

import pytest

import smppd
from smppd.errors import UserError
from smppd.testing import EsmeClient, ServerError

LATER = {"default": {"delay": {"distribution": "fixed", "value": 60.0}}}


@pytest.fixture
def smsc() -> Iterator[smppd.Smsc]:
    with smppd.Smsc(within=2) as smsc:
        yield smsc


@pytest.fixture
def esme(smsc: smppd.Smsc) -> Iterator[EsmeClient]:
    with EsmeClient(*smsc.address) as esme:
        yield esme


def test_where_it_is(smsc: smppd.Smsc) -> None:
    assert smsc.address == (smsc.host, smsc.port)
    assert (smsc.host, smsc.system_id, smsc.password, smsc.http_url) == ("127.0.0.1", "smppclient1", "password", "")


def test_without_an_account() -> None:
    with smppd.Smsc(accounts={}) as smsc:
        assert (smsc.system_id, smsc.password) == ("", "")


def test_http_when_it_is_asked_for() -> None:
    import urllib.request

    with smppd.Smsc(http=True) as smsc, urllib.request.urlopen(f"{smsc.http_url}/healthz") as answer:
        assert answer.status == 200


def test_it_starts_once_and_stops_when_left() -> None:
    smsc = smppd.Smsc()
    with smsc:
        address = smsc.address
        with pytest.raises(RuntimeError, match="started before"):
            smsc.start()
    smsc.stop()
    assert smsc.address == address  # where an ESME tries to come back to
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=1)
    with pytest.raises(RuntimeError, match="not running"):
        smsc.submits()
    with pytest.raises(RuntimeError, match="not running"):
        _ = smppd.Smsc().address


def test_what_was_submitted_is_handed_out(smsc: smppd.Smsc, esme: EsmeClient) -> None:
    for code in ("123456", "654321"):
        esme.submit("447700900123", f"Your code is {code}")
    one = smsc.expect_submit(to="4477*", text=re.compile(r"code is (?P<code>\d+)"))
    assert (one.groups, one.text) == ({"code": "123456"}, "Your code is 123456")
    both = smsc.expect_submit(count=2, account="smppclient1", data_coding=0)
    assert [each.text[-6:] for each in both] == ["123456", "654321"]
    assert [each.message_id for each in smsc.submits(to="4477*")] == [each.message_id for each in both]
    assert both[0].message_id == both[0].response.message_id != ""


def test_what_does_not_come_is_explained(smsc: smppd.Smsc, esme: EsmeClient) -> None:
    esme.submit("447700900123", "Your code is 12345")
    with pytest.raises(AssertionError) as caught:
        smsc.expect_submit(text=re.compile(r"code is \d{6}"), within=0.01)
    told = str(caught.value)
    assert "expected at least 1 within 0.01 s, and there were none" in told
    assert 'text  is "Your code is 12345", expected matching' in told
    assert "--> submit_sm" in told
    assert not hasattr(caught.value, "__notes__")


def test_who_blocks_the_loop_of_the_test_is_told(smsc: smppd.Smsc) -> None:
    async def scenario() -> None:
        smsc.expect_submit(within=0.01)

    with pytest.raises(AssertionError) as caught:
        asyncio.run(scenario())
    assert "await the method of smsc.aio instead" in caught.value.__notes__[0]


def test_nothing_of_the_kind(smsc: smppd.Smsc, esme: EsmeClient) -> None:
    smsc.expect_no(within=0.01)
    esme.submit("447700900123", "Hello")
    smsc.expect_no(to="33*")
    with pytest.raises(AssertionError, match="expected exactly 0, and there was 1"):
        smsc.expect_no(to="44*")


def test_the_order(smsc: smppd.Smsc, esme: EsmeClient) -> None:
    for text in ("one", "two", "one"):
        esme.submit("1", text)
    assert [each.text for each in smsc.expect_order({"text": "one"}, {"text": "two"}, {"text": "one"})] == [
        "one",
        "two",
        "one",
    ]
    smsc.nothing_else()
    with pytest.raises(AssertionError, match="step 3"):
        smsc.expect_order({"text": "two"}, {"text": "one"}, {"text": "two"}, within=0.01)


def test_nothing_else_finds_what_came_twice(smsc: smppd.Smsc, esme: EsmeClient) -> None:
    for text in ("Hello", "x" * 200, "Hello"):
        esme.submit("1", text)
    smsc.expect_submit(text="Hello")
    assert len(smsc.expect_submit(text="x*").parts) == 2
    with pytest.raises(AssertionError) as caught:
        smsc.nothing_else()
    assert "3 PDUs that were expected before, and there is 1 more" in str(caught.value)
    assert len([line for line in str(caught.value).splitlines() if line.startswith(">")]) == 1
    smsc.nothing_else(text="x*")
    smsc.expect_submit(text="Hello", count=2)
    smsc.nothing_else(within=0.01)


def test_what_nobody_expected_is_shown_however_long_ago_it_came(smsc: smppd.Smsc, esme: EsmeClient) -> None:
    esme.submit("1", "too much", receipt=False)
    for _ in range(30):
        esme.submit("2", "Hello", receipt=False)
    smsc.expect_submit(to="2", count=30)
    with pytest.raises(AssertionError, match=r'there is 1 more:\n.*smppd -> 1 "too much"\nrecorded:\n.*are left out'):
        smsc.nothing_else()


def test_questions_that_say_nothing_are_refused(smsc: smppd.Smsc) -> None:
    with pytest.raises(UserError, match="expect_no is for none"):
        smsc.expect_submit(count=0)
    for within in (-1, float("nan"), "1"):
        with pytest.raises(UserError, match="expected seconds, from 0 to 600"):
            smsc.expect_submit(within=within)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="an order has steps"):
        smsc.expect_order()
    with pytest.raises(UserError, match="expected a dictionary of conditions"):
        smsc.expect_order("Hello")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="as hours=24 is"):
        smsc.clock.advance("24h")  # type: ignore[arg-type]


def test_unittest_shows_the_line_of_the_test_alone() -> None:
    class Failing(unittest.TestCase):
        def runTest(self) -> None:
            with smppd.Smsc() as smsc:
                smsc.expect_submit(within=0)

    result = unittest.TestResult()
    Failing().run(result)
    [(_, told)] = result.failures
    assert "smsc.expect_submit(within=0)" in told
    assert told.count('File "') == 1


def test_other_pdus(smsc: smppd.Smsc, esme: EsmeClient) -> None:
    [bind] = smsc.wait_for(command="bind_transceiver")
    assert (bind.account, bind.fields["system_id"]) == ("smppclient1", "smppclient1")
    assert bind.fields["password"] != smsc.password
    [answer] = smsc.wait_for(command="bind_transceiver_resp", direction="out")
    assert answer.fields["system_id"] == "smppd"


def test_mistakes_in_conditions_are_the_writers(smsc: smppd.Smsc) -> None:
    with pytest.raises(UserError, match='too: there is no such condition; did you mean "to"'):
        smsc.expect_submit(too="44*")  # type: ignore[call-overload]
    with pytest.raises(UserError, match="destination_addr"):
        smsc.rules.add(to={"globb": "44*"}, status="ESME_RTHROTTLED")


def test_rules_come_count_and_go(smsc: smppd.Smsc, esme: EsmeClient) -> None:
    first = smsc.rules.add(to="44*", status="ESME_RSYSERR", name="first")
    second = smsc.rules.add(to="44*", status="ESME_RTHROTTLED", times=1)
    statuses = [esme.submit("447700900123", "Hello").command_status for _ in range(2)]
    assert statuses == ["ESME_RTHROTTLED", "ESME_RSYSERR"], "the newest goes first"
    assert (first.name, first.hits, second.hits) == ("first", 1, 1)
    first.remove()
    assert esme.submit("447700900123", "Hello").command_status == "ESME_ROK"
    with pytest.raises(UserError, match='no rule "first"'):
        _ = first.hits


def test_a_rule_with_a_time_to_live() -> None:
    with smppd.Smsc(virtual_clock=True) as smsc, EsmeClient(*smsc.address) as esme:
        smsc.rules.add(status="ESME_RTHROTTLED", ttl=30)
        assert esme.submit("1", "Hello").command_status == "ESME_RTHROTTLED"
        smsc.clock.advance(30)
        assert esme.submit("1", "Hello").command_status == "ESME_ROK"


def test_rules_of_the_beginning_in_either_form() -> None:
    rules = [{"to": "1", "status": "ESME_RSYSERR"}, {"then": {"status": "ESME_RTHROTTLED"}}]
    with smppd.Smsc(rules=rules) as smsc, EsmeClient(*smsc.address) as esme:
        assert [esme.submit(to, "x").command_status for to in "12"] == ["ESME_RSYSERR", "ESME_RTHROTTLED"]


def test_faults(smsc: smppd.Smsc, esme: EsmeClient) -> None:
    fault = smsc.faults.add("receipt_lost")
    esme.submit("1", "Hello")
    smsc.settle()
    assert (fault.hits, esme.receipts) == (1, [])
    fault.remove()
    sent = esme.submit("1", "Hello")
    assert esme.wait_for_receipt(sent)


def test_scenarios(smsc: smppd.Smsc, esme: EsmeClient) -> None:
    smsc.rules.add(status="ESME_RSYSERR", scenario={"name": "carrier", "is": "down"})
    assert smsc.scenario("carrier") == ""
    assert esme.submit("1", "Hello").command_status == "ESME_ROK"
    smsc.set_scenario("carrier", "down")
    assert smsc.scenario("carrier") == "down"
    assert esme.submit("1", "Hello").command_status == "ESME_RSYSERR"


def test_messages_end_as_the_test_wants() -> None:
    with smppd.Smsc(networks=LATER) as smsc, EsmeClient(*smsc.address) as esme:
        for number in range(4):
            esme.submit(f"44770090000{number}", f"Hello {number}")
        delivered, failed, expired, cancelled = smsc.messages(to="44*", state="ENROUTE")
        assert (delivered.text, delivered.source_addr, delivered.message_state) == ("Hello 0", "smppd", "ENROUTE")
        delivered.deliver()
        failed.fail(error=13)
        expired.expire()
        cancelled.cancel()
        states = [each.message_state for each in (delivered, failed, expired, cancelled)]
        assert states == ["DELIVERED", "UNDELIVERABLE", "EXPIRED", "DELETED"]
        receipt = esme.wait_for_receipt(failed.message_id)
        assert receipt.receipt is not None
        assert (receipt.message_state, receipt.receipt.err) == ("UNDELIVERABLE", "013")
        assert [each.message_id for each in smsc.messages(text="Hello 1")] == [failed.message_id]
        again = smsc.message(failed.message_id)
        again.refresh()
        assert again.message_state == "UNDELIVERABLE"
        assert failed.message_id in repr(failed)
        with pytest.raises(UserError, match="is final"):
            failed.deliver()
        with pytest.raises(UserError, match='no message "7"'):
            smsc.message("7")


def test_sessions(smsc: smppd.Smsc, esme: EsmeClient) -> None:
    [session] = smsc.sessions
    assert (session.state, session.system_id, session.bind_type) == ("BOUND_TRX", "smppclient1", "transceiver")
    assert session.view.counters.pdus_in == 1
    assert session.session in repr(session)
    session.close()
    esme.wait_until_unbound()
    assert smsc.sessions == []
    with pytest.raises(UserError, match="has ended"):
        session.reset()


def test_the_clock() -> None:
    with smppd.Smsc(virtual_clock="2026-01-31T12:00:00Z", networks=LATER) as smsc, EsmeClient(*smsc.address) as esme:
        assert (smsc.clock.now.isoformat(), smsc.clock.is_running) == ("2026-01-31T12:00:00+00:00", False)
        sent = esme.submit("1", "Hello")
        smsc.clock.advance(59.5)
        assert smsc.message(sent.message_id).message_state == "ENROUTE"
        smsc.clock.advance_to("2026-01-31T12:01:00Z")
        receipt = esme.wait_for_receipt(sent).receipt
        assert receipt is not None
        assert receipt.done_date == "2601311201"
        smsc.clock.advance(minutes=1, hours=1, days=1)
        assert smsc.clock.now.isoformat() == "2026-02-01T13:02:00+00:00"
        smsc.clock.set_speed(1000)
        smsc.clock.resume()
        assert smsc.clock.is_running
        sent = esme.submit("1", "Hello")
        assert esme.wait_for_receipt(sent)
        smsc.clock.freeze()
        assert not smsc.clock.is_running
        with pytest.raises(UserError, match="seconds"):
            smsc.clock.advance(-1)


def test_settling_tells_what_is_under_way() -> None:
    with smppd.Smsc(networks=LATER) as smsc, EsmeClient(*smsc.address) as esme:
        smsc.settle()
        esme.submit("1", "Hello")
        with pytest.raises(AssertionError, match=r"not settled within 0.05 s: 1 messages that are not final"):
            smsc.settle(within=0.05)
        smsc.clock.freeze()
        smsc.settle()


def test_dialogue_and_report(smsc: smppd.Smsc, esme: EsmeClient) -> None:
    esme.submit("447700900123", "Hello")
    smsc.settle()
    lines = smsc.dialogue().splitlines()
    assert [line.split()[3] for line in lines[:4]] == [
        "bind_transceiver",
        "bind_transceiver_resp",
        "submit_sm",
        "submit_sm_resp",
    ]
    report = smsc.report()
    assert list(report) == ["dialogue", "log"]
    assert "447700900123" not in report["log"]
    assert "password" not in "".join(report.values())


def test_reset_is_as_new(smsc: smppd.Smsc, esme: EsmeClient) -> None:
    smsc.rules.add(status="ESME_RTHROTTLED")
    smsc.faults.add("receipt_lost")
    esme.submit("447700900123", "Hello")
    smsc.expect_submit()
    smsc.reset()
    assert (smsc.submits(), smsc.messages(), smsc.dialogue()) == ([], [], "(no PDUs)")
    assert esme.submit("1", "Hello").command_status == "ESME_ROK", "sessions stay"
    assert esme.wait_for_receipt()
    smsc.expect_submit(to="1")
    smsc.nothing_else()


def test_reset_may_drop_the_sessions(smsc: smppd.Smsc, esme: EsmeClient) -> None:
    smsc.reset(disconnect=True)
    assert smsc.sessions == []
    esme.wait_until_unbound()
    smsc.reset(disconnect=True)


def test_a_mistake_of_the_server_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise LookupError("a mistake of ours")

    def use() -> None:
        with smppd.Smsc() as smsc, socket.create_connection(smsc.address, timeout=5) as client:
            monkeypatch.setattr("smppd.transport.smsc.SmscConnection._handle_all", broken)
            client.sendall(bytes.fromhex("00000010 00000015 00000000 00000001"))
            while client.recv(100):
                pass
            with pytest.raises(ServerError, match="LookupError: a mistake of ours"):
                smsc.check_health()
            smsc.check_health()
            client.close()
            with socket.create_connection(smsc.address, timeout=5) as other:
                other.sendall(bytes.fromhex("00000010 00000015 00000000 00000001"))
                while other.recv(100):
                    pass

    with pytest.raises(ServerError, match="please report it"):
        use()


def test_what_went_wrong_in_the_test_itself_comes_first() -> None:
    def use() -> None:
        with smppd.Smsc() as smsc:
            smsc._centre.host.loop.failures.append("a mistake")
            raise LookupError("of the test")

    with pytest.raises(LookupError, match="of the test"):
        use()


def test_hints_reach_who_calls_from_a_loop_under_trio(smsc: smppd.Smsc) -> None:
    trio = pytest.importorskip("trio")

    async def scenario() -> None:
        smsc.expect_submit(within=0.01)

    with pytest.raises(AssertionError) as caught:
        trio.run(scenario)
    assert caught.value.__notes__
