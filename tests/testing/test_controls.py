"""What a test does to a message centre: when all has settled, and lists of any length."""

import threading
from collections.abc import Iterator

import pytest

import smppd
from smppd.control.failures import NotFoundError
from smppd.errors import UserError
from smppd.testing import EsmeClient
from smppd.testing.controls import Controls
from smppwire.constants import CommandStatus


@pytest.fixture
def smsc() -> Iterator[smppd.Smsc]:
    with smppd.Smsc() as smsc:
        yield smsc


def test_it_has_not_settled_while_the_esme_owes_a_response(smsc: smppd.Smsc) -> None:
    answer = threading.Event()

    def slow(_: object) -> None:
        answer.wait(5)

    with EsmeClient(*smsc.address, on_deliver=slow) as esme:
        smsc.mo(from_="1", to="2", text="Hello")
        smsc.wait_for(command="deliver_sm", direction="out")
        with pytest.raises(AssertionError, match="1 deliver_sm without a response"):
            smsc.settle(within=0.05)
        answer.set()
        smsc.settle()
        assert [each.text for each in esme.messages] == ["Hello"]


def test_what_nobody_is_there_to_take_is_not_waited_for(smsc: smppd.Smsc) -> None:
    with EsmeClient(*smsc.address, bind="transmitter") as esme:
        esme.submit("1", "Hello")
        smsc.settle()


def test_it_has_not_settled_while_a_delivery_is_repeated(smsc: smppd.Smsc) -> None:
    with EsmeClient(*smsc.address, on_deliver=lambda _: CommandStatus.ESME_RX_T_APPN):
        smsc.mo(from_="1", to="2", text="Hello")
        smsc.wait_for(command="deliver_sm_resp")
        with pytest.raises(AssertionError, match="1 receipts and messages to be delivered"):
            smsc.settle(within=0.05)


def test_lists_of_messages_have_no_end(smsc: smppd.Smsc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smppd.testing.controls.MAX_LIMIT", 2)
    with EsmeClient(*smsc.address) as esme:
        sent = [esme.submit("1", str(number)).message_id for number in range(5)]
    assert [each.message_id for each in smsc.messages()] == sent


def test_what_is_gone_is_told(smsc: smppd.Smsc) -> None:
    controls: Controls = smsc._centre.controls
    host = smsc._centre.host
    for work in (
        controls.remove_rule("no-such"),
        controls.remove_fault("no-such"),
        controls.fault_hits("no-such"),
        controls.set_scenario("no-such", "on"),
        controls.end_message("7", "DELIVRD", None),
        controls.cancel_message("7"),
        controls.end_session("7", "unbind"),
    ):
        with pytest.raises(NotFoundError, match="there is no"):
            host.run(work)


def test_a_subscriber_writes_to_an_account_that_exists(smsc: smppd.Smsc) -> None:
    with pytest.raises(UserError, match="no-such"):
        smsc.mo(from_="1", to="2", text="Hello", account="no-such")


def test_a_busy_machine_does_not_make_it_settled(smsc: smppd.Smsc, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two looks may be far apart: what the first one saw is looked for again."""
    monkeypatch.setattr("smppd.testing.controls.POLL", 0.05)
    looks = iter([["1 thing"], ["1 thing"], []])
    monkeypatch.setattr(Controls, "_under_way", lambda _: next(looks, []))
    smsc.settle()
    assert list(looks) == []


def test_it_does_not_settle_while_pdus_keep_coming(smsc: smppd.Smsc, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(controls: Controls) -> list[str]:
        controls._simulation.journal.record(0.0, "1", "in", bytes(16))
        return []

    monkeypatch.setattr(Controls, "_under_way", look)
    with pytest.raises(AssertionError, match=r"not settled within 0\.01 s: PDUs keep coming"):
        smsc.settle(within=0.01)


def test_who_has_settled_is_not_refused_for_want_of_time(smsc: smppd.Smsc) -> None:
    smsc.settle(within=0.001)
