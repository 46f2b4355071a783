"""The small ESME against a real message centre."""

from collections.abc import Iterator

import pytest

import smppd
from smppd.errors import UserError
from smppd.esme import EsmeError
from smppd.testing import EsmeClient
from smppd.testing.background import BackgroundLoop
from smppd.testing.client import read
from smppwire.constants import CommandStatus
from smppwire.errors import TextError
from smppwire.pdus import BindReceiver, DeliverSm, EnquireLink, EnquireLinkResp, SubmitSm, Tlv


@pytest.fixture
def smsc() -> Iterator[smppd.Smsc]:
    with smppd.Smsc() as smsc:
        yield smsc


def test_a_message_and_its_receipt(smsc: smppd.Smsc) -> None:
    with EsmeClient(*smsc.address) as esme:
        assert esme.is_bound
        sent = esme.submit("+447700900123", "Hello", source="Shop", service_type=b"WAP")
        assert (sent.command_status, len(sent.message_ids)) == ("ESME_ROK", 1)
        receipt = esme.wait_for_receipt(sent)
        assert (receipt.message_id, receipt.message_state, receipt.source_addr) == (
            sent.message_id,
            "DELIVERED",
            "+447700900123",
        )
        assert receipt.receipt is not None
        assert receipt.receipt.stat == "DELIVRD"
        assert esme.receipts == [receipt]
        assert esme.query(sent.message_id, source="Shop").message_state == "DELIVERED"
        assert esme.cancel(sent.message_id, source="Shop") == "ESME_RCANCELFAIL"
    [seen] = smsc.submits()
    assert (seen.fields["source_addr_ton"], seen.fields["dest_addr_ton"], seen.fields["service_type"]) == (5, 1, "WAP")


@pytest.mark.parametrize(
    ("text", "method", "parts", "data_coding"),
    [("x" * 161, "udh8", 2, 0), ("é" * 160, "udh8", 1, 0), ("☎" * 71, "sar", 2, 8), ("☎" * 200, "payload", 1, 8)],
)
def test_long_and_unicode(smsc: smppd.Smsc, text: str, method: str, parts: int, data_coding: int) -> None:
    with EsmeClient(*smsc.address) as esme:
        sent = esme.submit("1", text, method=method, receipt=False)  # type: ignore[arg-type]
        assert len(sent.message_ids) == parts
    seen = smsc.expect_submit(to="1")
    assert (seen.text, seen.data_coding) == (text, data_coding)


def test_octets_go_as_they_are(smsc: smppd.Smsc) -> None:
    with EsmeClient(*smsc.address) as esme:
        esme.submit("1", b"\x01\x02", data_coding=4)
    assert smsc.submits()[0].fields["short_message"] == "0102"


def test_what_is_refused_is_told_in_the_result(smsc: smppd.Smsc) -> None:
    smsc.rules.add(status="ESME_RTHROTTLED")
    with EsmeClient(*smsc.address) as esme:
        sent = esme.submit("1", "Hello")
        assert (sent.command_status, sent.message_id) == ("ESME_RTHROTTLED", "")
        query = esme.query("1234567890")
        assert (query.command_status, query.message_state) == ("ESME_RQUERYFAIL", "")


def test_a_bind_that_is_refused(smsc: smppd.Smsc) -> None:
    with pytest.raises(EsmeError, match="ESME_RINVPASWD"), EsmeClient(*smsc.address, password="wrong"):
        pass
    assert smsc.sessions == []


def test_nobody_listens(smsc: smppd.Smsc) -> None:
    address = smsc.address
    smsc.stop()
    with pytest.raises(EsmeError, match="no SMSC listens"):
        EsmeClient(*address).connect()


def test_messages_of_subscribers(smsc: smppd.Smsc) -> None:
    with EsmeClient(*smsc.address, bind="receiver") as esme:
        smsc.mo(from_="447700900123", to="smppd", text="Ça va ☎?")
        smsc.mo(from_="447700900124", to="smppd", text="STOP")
        assert esme.wait_for_message().text == "Ça va ☎?"
        assert esme.wait_for_message(text="STOP").source_addr == "447700900124"
        assert esme.wait_for_message(source="447700900124").receipt is None
        assert [each.text for each in esme.messages] == ["Ça va ☎?", "STOP"]


def test_what_does_not_come_is_told_with_what_did(smsc: smppd.Smsc) -> None:
    with EsmeClient(*smsc.address) as esme:
        with pytest.raises(AssertionError, match=r"expected a receipt within 0\.01 s; received:\n  nothing"):
            esme.wait_for_receipt(within=0.01)
        smsc.mo(from_="1", to="2", text="Hello")
        esme.wait_for_message()
        with pytest.raises(AssertionError, match=r"a message text 'Bye' .*\n  message from 1 to 2: 'Hello'"):
            esme.wait_for_message(text="Bye", within=0.01)


def test_the_answer_is_what_the_callback_says(smsc: smppd.Smsc) -> None:
    with EsmeClient(*smsc.address, on_deliver=lambda _: CommandStatus.ESME_RX_R_APPN) as esme:
        smsc.mo(from_="1", to="2", text="Hello")
        esme.wait_for_message()
        [answer] = smsc.wait_for(command="deliver_sm_resp")
        assert answer.command_status == "ESME_RX_R_APPN"


def test_the_smsc_ends_the_session(smsc: smppd.Smsc) -> None:
    with EsmeClient(*smsc.address) as esme:
        with pytest.raises(AssertionError, match=r"the session still stands after 0\.01 s"):
            esme.wait_until_unbound(within=0.01)
        smsc.sessions[0].unbind()
        esme.wait_until_unbound()
        assert not esme.is_bound
        with pytest.raises(EsmeError, match="the connection is closed"):
            esme.submit("1", "Hello")


def test_any_request_and_any_bind(smsc: smppd.Smsc) -> None:
    esme = EsmeClient(*smsc.address, bind=None, system_type="VMA", address_range="44*", interface_version=0x50)
    with esme:
        assert not esme.is_bound
        assert isinstance(esme.request(EnquireLink()), EnquireLinkResp)
        esme.bind("receiver")
        assert smsc.sessions[0].bind_type == "receiver"
        with pytest.raises(RuntimeError, match="connected already"):
            esme.connect()
        esme.unbind()
    [bind] = smsc.wait_for(command="bind_receiver")
    assert (bind.fields["system_type"], bind.fields["address_range"]) == ("VMA", "44*")
    assert BindReceiver(interface_version=0x50).interface_version == bind.fields["interface_version"]


def test_without_a_connection_nothing_goes() -> None:
    esme = EsmeClient("127.0.0.1", 1)
    assert not esme.is_bound
    esme.close()
    for call in (lambda: esme.request(SubmitSm()), lambda: esme.wait_for_receipt(within=0), esme.bind):
        with pytest.raises(RuntimeError, match="not connected"):
            call()


def test_no_thread_is_left_when_connecting_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[BackgroundLoop] = []
    stop = BackgroundLoop.stop
    monkeypatch.setattr(BackgroundLoop, "stop", lambda self: stopped.append(self) or stop(self))
    with pytest.raises(EsmeError):
        EsmeClient("127.0.0.1", 1).connect()
    assert len(stopped) == 1


def test_what_a_callback_raises_is_raised_at_the_end(smsc: smppd.Smsc) -> None:
    def fails(_pdu: object) -> int:
        raise LookupError("not in our books")

    def use(first: str) -> None:
        with EsmeClient(*smsc.address, on_deliver=fails) as esme:
            esme.wait_for_receipt(esme.submit("1", "x"))
            if first:
                raise ValueError(first)

    with pytest.raises(LookupError, match="not in our books"):
        use("")
    smsc.wait_for(command="deliver_sm_resp", when={"command_status": int(CommandStatus.ESME_RX_T_APPN)})
    with pytest.raises(ValueError, match="what went wrong first"):
        use("what went wrong first")


def test_mistakes_of_the_writer_are_told(smsc: smppd.Smsc) -> None:
    with pytest.raises(UserError, match="bind 'sender': there is no such bind"):
        EsmeClient(*smsc.address, bind="sender")  # type: ignore[arg-type]
    with EsmeClient(*smsc.address) as esme:
        with pytest.raises(UserError, match=r"field 'priority': .*\"priority_flag\""):
            esme.submit("1", "x", priority=1)
        with pytest.raises(UserError, match=r"method 'udh9': .*\"udh8\""):
            esme.submit("1", "x", method="udh9")  # type: ignore[arg-type]
        with pytest.raises(UserError, match="characters that SMPP cannot carry"):
            esme.submit("１２", "x")  # noqa: RUF001 - that is the point
        with pytest.raises(TextError, match="latin-1"):
            esme.submit("1", "€", data_coding=3)
    assert smsc.submits() == []


@pytest.mark.parametrize(
    ("tlvs", "stat", "state"),
    [
        ((), "UNDELIV", "UNDELIVERABLE"),
        ((), "delivrd", "DELIVERED"),
        ((), "ODD", "ODD"),
        ((Tlv(0x0427, b"\x08"),), "DELIVRD", "REJECTED"),
        ((Tlv(0x0427, b"\x63"),), "DELIVRD", "0x63"),
    ],
)
def test_the_state_that_a_receipt_tells(tlvs: tuple[Tlv, ...], stat: str, state: str) -> None:
    text = f"id:1 sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:{stat} err:000 text:"
    assert read(DeliverSm(esm_class=4, short_message=text.encode(), tlvs=tlvs)).message_state == state


def test_a_message_from_a_subscriber_tells_no_state() -> None:
    assert read(DeliverSm(short_message=b"Hello")).message_state == ""
