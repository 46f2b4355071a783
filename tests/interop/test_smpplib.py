"""smpplib, a client by other people, against a whole server over loopback sockets: what its users would do with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm
import smpplib.smpp

from smppd.settings import Delay, Match, Network, Route, Timers
from smppwire.codec import encode
from smppwire.constants import HEADER_LENGTH, CommandId, MessageState, TlvTag
from smppwire.pdus import DeliverSm, SubmitSm
from smppwire.receipt import parse_receipt, parse_receipt_date
from smppwire.smpp_time import parse_time
from smppwire.text import decode_text
from smppwire.udh import parse_udh
from tests.interop.conftest import Serve, SmpplibEsme
from tests.transport.support import Live, account

Make = Callable[..., SmpplibEsme]

BIND_TYPES = ["transmitter", "receiver", "transceiver"]
RINVDSTADR, RINVPASWD, RINVSYSID, RQUERYFAIL, RX_R_APPN = 0x0B, 0x0E, 0x0F, 0x67, 0x66
SYSTEM_ID = "smppclient1"


def send_mo(smsc: Live, text: bytes, data_coding: int = 0) -> None:
    """A subscriber sends a message."""
    mo = DeliverSm(
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=b"447700900123",
        destination_addr=b"ACME",
        data_coding=data_coding,
        short_message=text,
    )
    assert smsc.call(lambda: smsc.server.engine.deliver("mo", SYSTEM_ID, encode(mo)[HEADER_LENGTH:]))


def record(smsc: Live, message_id: str) -> SubmitSm:
    """What the server keeps of a message."""
    return smsc.call(lambda: smsc.server.engine.messages[message_id.encode()].pdu)


# Sessions.


@pytest.mark.parametrize("bind_type", BIND_TYPES)
def test_binds_and_unbinds(smsc: Live, smpplib_esme: Make, bind_type: str) -> None:
    esme = smpplib_esme(smsc)
    response = esme.bind(bind_type)
    assert response.command == f"bind_{bind_type}_resp"
    assert response.system_id == b"smppd"
    assert response.sc_interface_version == 0x34
    assert smsc.call(smsc.server.session_counts) == {(SYSTEM_ID, bind_type): 1}

    enquiry = smpplib.smpp.make_pdu("enquire_link", client=esme.client)
    esme.client.send_pdu(enquiry)
    answer = esme.client.read_pdu()
    assert (answer.command, answer.status, answer.sequence) == ("enquire_link_resp", 0, enquiry.sequence)

    response = esme.client.unbind()
    assert (response.command, response.status) == ("unbind_resp", 0)
    assert smsc.call(smsc.server.session_counts) == {}


@pytest.mark.parametrize("bind_type", BIND_TYPES)
@pytest.mark.parametrize(
    ("system_id", "password", "status"),
    [(SYSTEM_ID, "nope", RINVPASWD), (SYSTEM_ID, "", RINVPASWD), ("stranger", "password", RINVSYSID)],
)
def test_a_refused_bind_says_why_and_closes(
    smsc: Live, smpplib_esme: Make, bind_type: str, system_id: str, password: str, status: int
) -> None:
    esme = smpplib_esme(smsc)
    with pytest.raises(smpplib.exceptions.PDUError) as refused:
        esme.bind(bind_type, system_id, password)
    assert refused.value.args[1] == status
    assert esme.ended()
    assert smsc.call(smsc.server.session_counts) == {}


def test_a_bind_type_the_account_may_not_use(serve: Serve, smpplib_esme: Make) -> None:
    smsc = serve(account=[account(bind_types=["transmitter"])])
    with pytest.raises(smpplib.exceptions.PDUError) as refused:
        smpplib_esme(smsc).bind("transceiver")
    assert refused.value.args[1] == smpplib.consts.SMPP_ESME_RBINDFAIL
    assert smpplib_esme(smsc).bind("transmitter").status == 0


def test_enquire_link_of_the_server_is_answered_and_keeps_the_session(serve: Serve, smpplib_esme: Make) -> None:
    smsc = serve(timers=Timers(session_init=0, enquire_link=0.05, inactivity=5, response=5))
    esme = smpplib_esme(smsc)
    esme.bind()
    for _ in range(3):
        esme.client.read_once(auto_send_enquire_link=False)
    smsc.until(lambda: smsc.server.counters.pdus_in[CommandId.ENQUIRE_LINK_RESP] >= 3)
    assert esme.submitted() == "1000000000"


def test_the_server_unbinds_an_esme_that_does_not_answer(smsc: Live, smpplib_esme: Make) -> None:
    """smpplib never answers unbind: the server waits for `[server] shutdown_grace` and closes."""
    esme = smpplib_esme(smsc)
    esme.bind()
    (connection,) = smsc.context.connections
    smsc.call(connection.unbind)
    assert esme.client.read_pdu().command == "unbind"
    assert esme.ended()


# Messages and receipts.


def test_every_message_is_answered_and_receipted_once(smsc: Live, smpplib_esme: Make) -> None:
    esme = smpplib_esme(smsc)
    esme.bind()
    before = datetime.now(UTC).replace(second=0, microsecond=0)
    sequences = [esme.submit(b"Hello %d" % number, destination_addr=f"4477009{number:05d}") for number in range(300)]
    esme.until(lambda: len(esme.responses) == 300 and len(esme.receipts) == 300)

    assert [response.sequence for response in esme.responses] == sequences
    assert len(set(esme.ids)) == 300
    assert sorted(esme.receipted) == sorted(esme.ids)
    number_of = {message_id: number for number, message_id in enumerate(esme.ids)}
    for receipt in esme.receipts:
        number = number_of[receipt.receipted_message_id.decode()]
        assert receipt.esm_class == 0x04
        assert receipt.message_state == MessageState.DELIVERED
        assert (receipt.source_addr_ton, receipt.source_addr_npi) == (1, 1)
        assert receipt.source_addr == b"4477009%05d" % number
        assert (receipt.dest_addr_ton, receipt.dest_addr_npi, receipt.destination_addr) == (5, 0, b"ACME")
        parsed = parse_receipt(receipt.short_message, strict=True)
        assert (parsed.id, parsed.stat, parsed.err) == (esme.ids[number], "DELIVRD", "000")
        assert (parsed.sub, parsed.dlvrd, parsed.text) == (1, 1, f"Hello {number}")
        for date in (parsed.submit_date, parsed.done_date):
            moment = parse_receipt_date(str(date))
            assert moment is not None
            assert before <= moment <= before + timedelta(minutes=2)
    # Nothing is outstanding: what comes next is the answer to the next request.
    smsc.until(lambda: smsc.server.engine.esmes[SYSTEM_ID].waiting == 0)
    assert esme.client.unbind().command == "unbind_resp"


def test_receipts_hold_no_tlv_that_smpplib_does_not_know(smsc: Live, smpplib_esme: Make) -> None:
    """Its default is to give up on one."""
    esme = smpplib_esme(smsc, allow_unknown_opt_params=False)
    esme.bind()
    message_id = esme.submitted()
    esme.until(lambda: bool(esme.receipts))
    assert esme.receipted == [message_id]


@pytest.mark.parametrize(
    ("stat", "state", "error"),
    [
        ("UNDELIV", MessageState.UNDELIVERABLE, 1),
        ("EXPIRED", MessageState.EXPIRED, 0),
        ("REJECTD", MessageState.REJECTED, 99),
        ("DELETED", MessageState.DELETED, 0),
        ("UNKNOWN", MessageState.UNKNOWN, 255),
    ],
)
def test_receipts_of_messages_that_fail(
    serve: Serve, smpplib_esme: Make, stat: str, state: MessageState, error: int
) -> None:
    at_once = Delay(distribution="fixed", value=0.0)
    smsc = serve(network={"default": Network(delay=at_once, outcome={stat: 1.0}, error={stat: error})})
    esme = smpplib_esme(smsc)
    esme.bind()
    message_id = esme.submitted()
    esme.until(lambda: bool(esme.receipts))
    (receipt,) = esme.receipts
    parsed = parse_receipt(receipt.short_message)
    assert (parsed.id, parsed.stat, parsed.err, parsed.dlvrd) == (message_id, stat, f"{error:03d}", 0)
    assert (receipt.receipted_message_id.decode(), receipt.message_state) == (message_id, state)
    assert (receipt.network_error_code is None) == (error == 0)


@pytest.mark.parametrize("registered_delivery", [0, 2])
def test_no_receipt_that_was_not_asked_for(smsc: Live, smpplib_esme: Make, registered_delivery: int) -> None:
    """0 asks for none, 2 for those of failures only; a receipt of the message after it would come later."""
    esme = smpplib_esme(smsc)
    esme.bind()
    silent = esme.submitted(registered_delivery=registered_delivery)
    smsc.until(lambda: smsc.server.engine.messages[silent.encode()].is_final)
    asked = esme.submitted()
    esme.until(lambda: bool(esme.receipts))
    assert esme.client.unbind().command == "unbind_resp"
    assert esme.receipted == [asked]


def test_receipts_come_on_a_receiver_when_a_transmitter_submits(smsc: Live, smpplib_esme: Make) -> None:
    transmitter, receiver = smpplib_esme(smsc), smpplib_esme(smsc)
    receiver.bind("receiver")
    transmitter.bind("transmitter")
    message_ids = [transmitter.submitted(), transmitter.submitted()]
    receiver.until(lambda: len(receiver.receipts) == 2)
    assert sorted(receiver.receipted) == message_ids
    assert transmitter.client.unbind().command == "unbind_resp"
    assert transmitter.receipts == []


def test_receipts_wait_for_somebody_who_can_receive_them(smsc: Live, smpplib_esme: Make) -> None:
    transmitter = smpplib_esme(smsc)
    transmitter.bind("transmitter")
    message_id = transmitter.submitted()
    smsc.until(lambda: smsc.server.engine.esmes[SYSTEM_ID].waiting == 1)
    transmitter.client.unbind()
    receiver = smpplib_esme(smsc)
    receiver.bind("receiver")
    receiver.until(lambda: bool(receiver.receipts))
    assert receiver.receipted == [message_id]
    smsc.until(lambda: smsc.server.engine.esmes[SYSTEM_ID].waiting == 0)


def test_a_refused_message_gets_its_status_and_no_receipt(serve: Serve, smpplib_esme: Make) -> None:
    smsc = serve(route=[Route(name="fr", match=Match(destination_addr="33*"))])
    esme = smpplib_esme(smsc)
    esme.bind()
    refused = [esme.submit(destination_addr="447700900123"), esme.submit(destination_addr="")]
    accepted = esme.submitted(destination_addr="33612345678")
    assert esme.errors == [("submit_sm_resp", RINVDSTADR, sequence) for sequence in refused]
    esme.until(lambda: bool(esme.receipts))
    assert esme.ids == esme.receipted == [accepted]


# Texts.


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Hello @£$ {€} äöü", smpplib.consts.SMPP_ENCODING_DEFAULT),
        ("ÂÊÎ ô û ç", smpplib.consts.SMPP_ENCODING_ISO88591),
        ("Привет, 世界 😀", smpplib.consts.SMPP_ENCODING_ISO10646),
        ("", smpplib.consts.SMPP_ENCODING_DEFAULT),
    ],
)
def test_texts_arrive_as_they_were_written(smsc: Live, smpplib_esme: Make, text: str, encoding: int) -> None:
    esme = smpplib_esme(smsc)
    esme.bind()
    (octets,), data_coding, esm_class = smpplib.gsm.make_parts(text, encoding)
    message_id = esme.submitted(octets, data_coding=data_coding, esm_class=esm_class)
    kept = record(smsc, message_id)
    assert (kept.data_coding, kept.esm_class) == (encoding, 0)
    assert decode_text(kept.short_message, kept.data_coding) == text
    esme.until(lambda: bool(esme.receipts))
    assert esme.receipted == [message_id]


@pytest.mark.parametrize(
    ("text", "encoding", "count"),
    [
        ("0123456789" * 40, smpplib.consts.SMPP_ENCODING_DEFAULT, 3),
        ("Здравствуйте! " * 20, smpplib.consts.SMPP_ENCODING_ISO10646, 5),
    ],
)
def test_long_messages_by_user_data_header(
    smsc: Live, smpplib_esme: Make, text: str, encoding: int, count: int
) -> None:
    esme = smpplib_esme(smsc)
    esme.bind()
    parts, data_coding, esm_class = smpplib.gsm.make_parts(text, encoding)
    assert len(parts) == count
    message_ids = [esme.submitted(part, data_coding=data_coding, esm_class=esm_class) for part in parts]
    assert len(set(message_ids)) == count
    esme.until(lambda: len(esme.receipts) == count)
    assert sorted(esme.receipted) == sorted(message_ids)

    joined = b""
    for number, message_id in enumerate(message_ids, 1):
        udh, rest = parse_udh(record(smsc, message_id).short_message)
        assert udh.concat is not None
        assert (udh.concat.total, udh.concat.seq) == (count, number)
        joined += rest
        # The receipt repeats the text, not the header.
        (receipt,) = (pdu for pdu in esme.receipts if pdu.receipted_message_id.decode() == message_id)
        assert b"\x05\x00\x03" not in receipt.short_message
    assert decode_text(joined, data_coding) == text


def test_a_long_text_in_message_payload(smsc: Live, smpplib_esme: Make) -> None:
    esme = smpplib_esme(smsc)
    esme.bind()
    message_id = esme.submitted(b"", message_payload=b"long " * 1000)
    assert record(smsc, message_id).tlv(TlvTag.MESSAGE_PAYLOAD) == b"long " * 1000
    esme.until(lambda: bool(esme.receipts))
    assert parse_receipt(esme.receipts[0].short_message).text == ("long " * 4).rstrip()


def test_data_sm(smsc: Live, smpplib_esme: Make) -> None:
    esme = smpplib_esme(smsc)
    esme.bind()
    request = smpplib.smpp.make_pdu(
        "data_sm",
        client=esme.client,
        source_addr_ton=5,
        source_addr="ACME",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="447700900123",
        registered_delivery=1,
        message_payload=b"data",
    )
    esme.client.send_pdu(request)
    response = esme.client.read_pdu()
    assert (response.command, response.status, response.sequence) == ("data_sm_resp", 0, request.sequence)
    esme.until(lambda: bool(esme.receipts))
    assert esme.receipted == [response.message_id.decode()]


# Queries.


def query(esme: SmpplibEsme, message_id: str, **fields: object) -> int:
    request = {"message_id": message_id, "source_addr_ton": 5, "source_addr_npi": 0, "source_addr": "ACME", **fields}
    sequence: int = esme.client.query_message(**request).sequence
    return sequence


def test_query_of_a_message_on_its_way_and_of_a_delivered_one(smsc: Live, smpplib_esme: Make) -> None:
    esme = smpplib_esme(smsc)
    esme.bind()
    delivered = esme.submitted()
    esme.until(lambda: bool(esme.receipts))
    waiting = esme.submitted(schedule_delivery_time="000000010000000R")
    now = datetime.now(UTC)
    query(esme, waiting)
    query(esme, delivered)
    esme.until(lambda: len(esme.queries) == 2)

    first, second = esme.queries
    assert (first.message_id.decode(), first.message_state) == (waiting, MessageState.ENROUTE)
    assert (first.final_date, first.error_code) == (b"", 0)
    assert (second.message_id.decode(), second.message_state) == (delivered, MessageState.DELIVERED)
    final = parse_time(second.final_date, now)
    assert final is not None
    assert timedelta(0) <= now - final < timedelta(minutes=1)


@pytest.mark.parametrize("fields", [{"message_id": "424242"}, {"source_addr": "OTHER"}])
def test_query_of_what_there_is_not(smsc: Live, smpplib_esme: Make, fields: dict[str, str]) -> None:
    esme = smpplib_esme(smsc)
    esme.bind()
    message_id = esme.submitted()
    sequence = query(esme, **{"message_id": message_id, **fields})
    esme.until(lambda: bool(esme.errors))
    assert esme.errors == [("query_sm_resp", RQUERYFAIL, sequence)]


# Messages from subscribers.


@pytest.mark.parametrize(
    ("octets", "data_coding"), [(b"YES", 0), ("Да 😀".encode("utf-16-be"), 8), (bytes(range(256))[:140], 4)]
)
def test_a_message_from_a_subscriber_is_delivered_and_acknowledged(
    smsc: Live, smpplib_esme: Make, octets: bytes, data_coding: int
) -> None:
    esme = smpplib_esme(smsc)
    esme.bind("receiver")
    send_mo(smsc, octets, data_coding)
    esme.until(lambda: bool(esme.mobile_originated))
    (mo,) = esme.mobile_originated
    assert (mo.source_addr, mo.destination_addr) == (b"447700900123", b"ACME")
    assert (mo.esm_class, mo.data_coding, mo.short_message) == (0, data_coding, octets)
    smsc.until(lambda: smsc.server.engine.esmes[SYSTEM_ID].waiting == 0)
    assert smsc.server.counters.statuses_in[CommandId.DELIVER_SM_RESP, 0] == 1


def test_a_message_that_the_esme_rejects_is_not_sent_again(smsc: Live, smpplib_esme: Make) -> None:
    esme = smpplib_esme(smsc)
    esme.answer_with = RX_R_APPN
    esme.bind()
    send_mo(smsc, b"NO")
    esme.until(lambda: bool(esme.mobile_originated))
    smsc.until(lambda: smsc.server.engine.esmes[SYSTEM_ID].waiting == 0)
    assert smsc.server.counters.statuses_in[CommandId.DELIVER_SM_RESP, RX_R_APPN] == 1
    assert esme.client.unbind().command == "unbind_resp"
    assert len(esme.mobile_originated) == 1


def test_messages_from_subscribers_wait_for_a_receiver(smsc: Live, smpplib_esme: Make) -> None:
    transmitter = smpplib_esme(smsc)
    transmitter.bind("transmitter")
    for number in range(5):
        send_mo(smsc, b"%d" % number)
    esme = smpplib_esme(smsc)
    esme.bind()
    esme.until(lambda: len(esme.mobile_originated) == 5)
    assert [mo.short_message for mo in esme.mobile_originated] == [b"0", b"1", b"2", b"3", b"4"]
    assert transmitter.client.unbind().command == "unbind_resp"


def test_one_receipt_for_the_parts_that_smpplib_makes(serve: Serve, smpplib_esme: Make) -> None:
    smsc = serve(account=[account(multipart_receipts="last")])
    esme = smpplib_esme(smsc)
    esme.bind()
    text = "Grüße aus Köln 🎉 " * 20
    parts, data_coding, esm_class = smpplib.gsm.make_parts(text)
    for part in parts:
        esme.submit(part, data_coding=data_coding, esm_class=esm_class)
    esme.until(lambda: bool(esme.receipts))
    assert len(parts) > 2
    assert esme.receipted == esme.ids[-1:]
    receipt = parse_receipt(esme.receipts[0].short_message)
    assert (receipt.id, receipt.sub, receipt.dlvrd) == (esme.ids[-1], len(parts), len(parts))
    assert smsc.call(lambda: [shown.text for shown in smsc.server.engine.handsets]) == [text]
