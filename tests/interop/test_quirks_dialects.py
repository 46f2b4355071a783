"""The quirks that are a matter of dialect, each as a client meets it; the numbers are those of docs/dialects.md.

smpplib is the client wherever it shows what it got; where it hides that, a raw socket looks at the octets.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import smpplib.exceptions

from smppd.settings import Throughput
from smppwire.constants import CommandStatus, TlvTag
from smppwire.text import decode_text, encode_text
from tests.behaviour.speech import SHIPPED, dialect, shipped
from tests.interop.conftest import Serve, SmpplibEsme
from tests.transport.support import (
    BIND_TRX,
    CANCEL,
    DATA,
    DELIVER,
    NACK,
    OFF,
    QUERY,
    SUBMIT,
    Live,
    Raw,
    account,
    answer,
    c,
    delivered,
    field,
    pdu,
    request,
    submit_body,
    tlv,
)

Make = Callable[..., SmpplibEsme]
NOBODY = (1, 1, b"x")
RINVDSTADR = int(CommandStatus.ESME_RINVDSTADR)


@pytest.fixture
def speaking(serve: Serve) -> Callable[..., Live]:
    """Start a server whose account speaks a shipped dialect, or one of these tables."""

    def start(name: str = "", *, on: dict[str, Any] | None = None, **tables: Any) -> Live:
        settings = shipped(name).settings if name else dialect(**tables).settings
        dialects = {"default": dialect().settings, "mine": settings}
        return serve(account=[account(dialect="mine", **(on or {}))], dialect=dialects, timers=OFF)

    return start


def reported(esme: SmpplibEsme, text: bytes = b"Hello", **fields: Any) -> tuple[str, Any]:
    """Submit, and read until the receipt is in: (message_id of the response, receipt)."""
    count = len(esme.receipts) + len(esme.mobile_originated)
    message_id = esme.submitted(text, **fields)
    esme.until(lambda: len(esme.receipts) + len(esme.mobile_originated) > count)
    return message_id, (esme.receipts + esme.mobile_originated)[-1]


def told_id(receipt: Any) -> str:
    """The id in the text of a receipt, as a client finds it."""
    found = re.search(rb"\bid:(\S*)", receipt.short_message)
    assert found is not None
    return found[1].decode("ascii")


Speaking = Callable[..., Live]


# -- the starred ones, with a real client


def test_q01_the_id_is_hexadecimal_in_the_response_and_decimal_in_the_receipt(
    speaking: Speaking, smpplib_esme: Make
) -> None:
    esme = smpplib_esme(speaking("hex-id-decimal-receipt"))
    esme.bind()
    message_id, receipt = reported(esme)
    assert message_id == "3B9ACA00"
    assert told_id(receipt) == "1000000000" != message_id, "whoever compares texts finds nothing"
    assert int(told_id(receipt)) == int(message_id, 16)
    esme.client.query_message(message_id=message_id, source_addr_ton=5, source_addr_npi=0, source_addr="ACME")
    esme.until(lambda: bool(esme.queries))
    assert esme.queries[0].message_state == 2


def test_q01_or_the_other_way_round(speaking: Speaking, smpplib_esme: Make) -> None:
    esme = smpplib_esme(speaking("decimal-id-hex-receipt"))
    esme.bind()
    message_id, receipt = reported(esme)
    assert (message_id, told_id(receipt)) == ("1000000000", "3B9ACA00")
    assert receipt.receipted_message_id is None


def test_q12_a_receipt_that_is_text_alone(speaking: Speaking, smpplib_esme: Make) -> None:
    esme = smpplib_esme(speaking(receipt={"carrier": "text"}))
    esme.bind()
    message_id, receipt = reported(esme)
    assert told_id(receipt) == message_id
    assert (receipt.receipted_message_id, receipt.message_state) == (None, None)


def test_q12_a_receipt_without_a_text(speaking: Speaking, smpplib_esme: Make) -> None:
    esme = smpplib_esme(speaking("tlv-only"))
    esme.bind()
    message_id, receipt = reported(esme)
    assert receipt.short_message == b""
    assert receipt.receipted_message_id.decode() == message_id
    assert receipt.message_state == 2


def test_q12_a_receipt_whose_text_and_tlvs_disagree(speaking: Speaking, smpplib_esme: Make) -> None:
    esme = smpplib_esme(speaking(receipt={"carrier": "contradictory"}))
    esme.bind()
    _, receipt = reported(esme)
    assert b"stat:DELIVRD" in receipt.short_message
    assert receipt.message_state == 5, "UNDELIVERABLE"


@pytest.mark.parametrize(("date", "form"), [("12", rb"\d{12}"), ("14", rb"20\d{12}"), ("smpp", rb"\d{15}\+")])
def test_q14_dates_of_another_length(speaking: Speaking, smpplib_esme: Make, date: str, form: bytes) -> None:
    esme = smpplib_esme(speaking(receipt={"date": date}))
    esme.bind()
    _, receipt = reported(esme)
    assert re.search(rb"submit date:" + form + rb" done date:" + form + rb" stat:", receipt.short_message)


@pytest.mark.parametrize(
    ("form", "err"), [({"err_width": 1}, b"0"), ({"err_width": 4}, b"0000"), ({"errors": {"DELIVRD": "nul"}}, b"nul")]
)
def test_q19_errors_of_another_width_or_in_letters(
    speaking: Speaking, smpplib_esme: Make, form: dict[str, Any], err: bytes
) -> None:
    esme = smpplib_esme(speaking(receipt=form))
    esme.bind()
    _, receipt = reported(esme)
    assert b"err:" + err + b" text:" in receipt.short_message


def test_q24_a_receipt_with_esm_class_0(speaking: Speaking, smpplib_esme: Make) -> None:
    esme = smpplib_esme(speaking("text-only-legacy"))
    response = esme.bind()
    assert response.sc_interface_version is None
    _, receipt = reported(esme)
    assert esme.receipts == [], "a client that looks at esm_class takes it for a message"
    assert receipt is esme.mobile_originated[0]
    assert receipt.esm_class == 0
    assert receipt.short_message.startswith(b"id:1000000000 sub:001 dlvrd:001 ")
    assert receipt.short_message.endswith(b"Text:Hello")


def test_q27_the_text_of_a_receipt_in_message_payload(speaking: Speaking, smpplib_esme: Make) -> None:
    esme = smpplib_esme(speaking("payload-receipts"))
    esme.bind()
    message_id, receipt = reported(esme)
    assert (receipt.sm_length, receipt.short_message or b"") == (0, b"")
    assert receipt.message_payload.startswith(b"id:%b " % message_id.encode())
    assert receipt.message_payload.endswith(b"text:Hello\0")


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("none", b""),
        ("nul", b"\0"),
        ("full", b"\0"),
        ("tlvs", tlv(TlvTag.ADDITIONAL_STATUS_INFO_TEXT, b"ESME_RINVDSTADR\0")),
    ],
)
def test_q37_what_follows_the_header_of_a_refusal(
    speaking: Speaking, smpplib_esme: Make, form: str, body: bytes
) -> None:
    live = speaking(response={"error_body": form})
    with live.client() as client:
        client.bind()
        client.ask(request(SUBMIT, 2, submit_body(to=NOBODY)), answer(SUBMIT, RINVDSTADR, 2, body))
    esme = smpplib_esme(live)
    esme.bind()
    sequence = esme.submit(destination_addr="x")
    esme.until(lambda: bool(esme.errors))
    assert esme.errors == [("submit_sm_resp", RINVDSTADR, sequence)]
    assert esme.submitted(), "the session goes on"


@pytest.mark.parametrize("first", [0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_q72_sequence_numbers_at_the_ends_of_the_range(speaking: Speaking, smpplib_esme: Make, first: int) -> None:
    live = speaking(session={"first_sequence_number": first})
    esme = smpplib_esme(live)
    esme.bind()
    numbers = [reported(esme)[1].sequence for _ in range(2)]
    assert numbers == [first, {0x7FFFFFFF: 1, 0xFFFFFFFF: 0}.get(first, first + 1)]
    live.until(lambda: live.server.engine.esmes["smppclient1"].waiting == 0)


def test_q72_as_shipped(speaking: Speaking) -> None:
    with speaking("one-nul-latin1").client() as client:
        client.bind()
        client.send(request(SUBMIT, 0xFFFFFFFF, submit_body(registered=1)))
        assert client.frame()[12:16] == b"\xff\xff\xff\xff"
        assert delivered(client.frame())[0] == 0x80000000


def test_q74_deliver_sm_has_the_number_of_the_submit_sm(speaking: Speaking, smpplib_esme: Make) -> None:
    """An ESME with one table for both directions takes our request for an answer, or its answer for ours."""
    esme = smpplib_esme(speaking(session={"align_sequences": True}))
    esme.bind()
    for _ in range(3):
        _, receipt = reported(esme)
        assert receipt.sequence == esme.responses[-1].sequence


@pytest.mark.parametrize("alphabet", ["gsm7", "latin-1", "utf-8", "ascii"])
def test_q95_data_coding_0_is_another_alphabet(speaking: Speaking, smpplib_esme: Make, alphabet: str) -> None:
    live = speaking(text={"default_alphabet": alphabet})
    esme = smpplib_esme(live)
    esme.bind()
    text = "Gruss @" if alphabet == "ascii" else "Grüße @"
    _, receipt = reported(esme, encode_text(text, 0, default_alphabet=alphabet))
    assert decode_text(receipt.short_message, 0, default_alphabet=alphabet).endswith(f"text:{text}")
    (shown,) = live.call(lambda: list(live.server.engine.handsets))
    assert shown.text == text
    # A text that came as UCS-2 is repeated in the default alphabet too.
    _, receipt = reported(esme, text.encode("utf-16-be"), data_coding=8)
    assert decode_text(receipt.short_message, 0, default_alphabet=alphabet).endswith(f"text:{text}")


class NulAfterText:
    """The socket of a client that ends short_message with a NUL it does not count, as C strings end."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def sendall(self, octets: bytes) -> None:
        if int.from_bytes(octets[4:8], "big") == SUBMIT:
            octets = (len(octets) + 1).to_bytes(4, "big") + octets[4:] + b"\0"
        self._socket.sendall(octets)


@pytest.mark.parametrize(("strict", "statuses"), [(True, [int(CommandStatus.ESME_RINVOPTPARSTREAM)]), (False, [])])
def test_q81_a_nul_behind_the_text_that_sm_length_does_not_count(
    serve: Serve, smpplib_esme: Make, strict: bool, statuses: list[int]
) -> None:
    live = serve(account=[account(strict=strict)], timers=OFF)
    esme = smpplib_esme(live)
    esme.bind()
    esme.client._socket = NulAfterText(esme.client._socket)
    esme.submit(b"Hello")
    esme.until(lambda: bool(esme.errors or esme.receipts))
    assert [status for _, status, _ in esme.errors] == statuses
    assert [receipt.short_message.rpartition(b"text:")[2] for receipt in esme.receipts] == [b"Hello"] * (not strict)


# -- others, octet by octet


def submitted(client: Raw, sequence: int = 2, **fields: Any) -> bytes:
    """Submit something that asks for a receipt; the message_id."""
    client.send(request(SUBMIT, sequence, submit_body(registered=1, **fields)))
    return field(client.frame(), SUBMIT)


def receipt_of(live: Live, **fields: Any) -> tuple[bytes, int, bytes, bytes]:
    """(message_id of the response, esm_class, text, TLVs of the receipt)."""
    with live.client() as client:
        client.bind()
        message_id = submitted(client, **fields)
        number, *rest = delivered(client.frame())
        client.send(answer(DELIVER, 0, number, b"\0"))
        client.lives()
        return (message_id, *rest)


def test_q02_ids_by_version(speaking: Speaking) -> None:
    live = speaking(message_id={"below_34": {"base": "hex", "width": 8}})
    with live.client() as client:
        client.bind(version=0x33)
        assert submitted(client) == b"3b9aca00"
        assert delivered(client.frame())[2].startswith(b"id:3b9aca00 ")
    with live.client() as client:
        client.bind()
        assert submitted(client) == b"1000000001"


def test_q03_leading_zeros(speaking: Speaking) -> None:
    live = speaking(message_id={"response": {"base": "hex", "width": 10}, "receipt_text": {"base": "hex"}})
    message_id, _, text, _ = receipt_of(live)
    assert (message_id, text[:12]) == (b"003b9aca00", b"id:3b9aca00 ")


def test_q04_q05_uuids_whose_dashes_and_case_differ(speaking: Speaking) -> None:
    message_id, _, text, tlvs = receipt_of(speaking("uuid-ids"))
    assert re.fullmatch(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", message_id)
    assert text.startswith(b"id:" + message_id.replace(b"-", b"").upper() + b" ")
    assert tlv(TlvTag.RECEIPTED_MESSAGE_ID, c(message_id)) in tlvs


def test_q06_an_id_of_64_characters(speaking: Speaking) -> None:
    long = {"base": "hex", "width": 64}
    message_id, _, text, _ = receipt_of(
        speaking(message_id={"response": long, "receipt_text": long, "receipt_tlv": long})
    )
    assert message_id == b"3b9aca00".rjust(64, b"0")
    assert text.startswith(b"id:" + message_id)


def test_q07_an_empty_id(speaking: Speaking) -> None:
    with speaking(message_id={"response": {"empty": True}}).client() as client:
        client.bind()
        client.ask(request(SUBMIT, 2, submit_body()), answer(SUBMIT, 0, 2, b"\0"))


def test_q08_the_id_of_the_receipt_padded_to_ten_digits(speaking: Speaking) -> None:
    live = speaking("hex-id-decimal-receipt")
    live.call(lambda: setattr(live.server.engine.ledger, "next_id", 0x33E95179))
    message_id, _, text, _ = receipt_of(live)
    assert (message_id, text[:14]) == (b"33E95179", b"id:0870928761 ")


def test_q11_an_id_without_its_nul(speaking: Speaking) -> None:
    with speaking(message_id={"response": {"terminated": False}}).client() as client:
        client.bind()
        client.ask(request(SUBMIT, 2, submit_body()), answer(SUBMIT, 0, 2, b"1000000000"))


@pytest.mark.parametrize(
    ("number", "form", "text"),
    [
        ("q15", {"template": "id:{id} stat:{stat} err:{err}"}, b"id:1000000000 stat:DELIVRD err:000"),
        ("q16", {"template": "id:{id} sub:{sub} dlvrd:{dlvrd}"}, b"id:1000000000 sub:001 dlvrd:001"),
        ("q17", {"template": "id:{id} text:{text} stat:{stat}"}, b"id:1000000000 text:Hello stat:DELIVRD"),
        ("q18", {"template": "id:{id} {text}"}, b"id:1000000000 Hello"),
        ("q20", {"template": "id:{id} {stat}"}, b"id:1000000000 DELIVRD"),
        ("q21", {"template": "{stat}", "states": {"DELIVRD": "ACKED"}}, b"ACKED"),
        ("q28", {"template": "null"}, b"null"),
        ("q34", {"template": "dlvrd:000 stat:{stat}"}, b"dlvrd:000 stat:DELIVRD"),
    ],
)
def test_texts_of_receipts(speaking: Speaking, number: str, form: dict[str, Any], text: bytes) -> None:
    assert receipt_of(speaking(receipt=form))[2] == text, number


def test_q13_no_message_state(speaking: Speaking) -> None:
    _, _, _, tlvs = receipt_of(speaking(receipt={"tlvs": ["receipted_message_id"]}))
    assert tlvs == tlv(TlvTag.RECEIPTED_MESSAGE_ID, b"1000000000\0")


def test_q22_an_accepted_receipt_first(speaking: Speaking, smpplib_esme: Make) -> None:
    esme = smpplib_esme(speaking("accepted-first"))
    esme.bind()
    esme.submitted()
    esme.until(lambda: len(esme.receipts) == 2)
    assert [receipt.message_state for receipt in esme.receipts] == [6, 2]
    assert re.search(rb"done date:20\d{12} stat:DELIVRD err:0000 ", esme.receipts[1].short_message)


def test_q23_a_receipt_that_nobody_asked_for(speaking: Speaking, smpplib_esme: Make) -> None:
    esme = smpplib_esme(speaking(receipt={"unrequested": True}))
    esme.bind()
    message_id, receipt = reported(esme, registered_delivery=0)
    assert receipt.receipted_message_id.decode() == message_id


def test_q25_esm_class_with_other_bits(speaking: Speaking) -> None:
    assert receipt_of(speaking(receipt={"esm_class": 0x44}))[1] == 0x44


def test_q26_a_receipt_as_data_sm(speaking: Speaking) -> None:
    live = speaking("data-sm-receipts")
    with live.client() as client:
        client.bind()
        submitted(client)
        frame = client.frame()
        assert frame[4:12] == DATA.to_bytes(4, "big") + bytes(4)
        assert b"id:1000000000 sub:001" in frame
        client.send(answer(DATA, 0, int.from_bytes(frame[12:16], "big"), b"\0"))
        client.lives()
        live.until(lambda: live.server.engine.esmes["smppclient1"].waiting == 0)


def test_q29_the_network_error_code_in_digits(speaking: Speaking) -> None:
    assert tlv(TlvTag.NETWORK_ERROR_CODE, b"000") in receipt_of(speaking("tlv-only"))[3]


def test_q30_message_state_0(speaking: Speaking) -> None:
    _, _, text, tlvs = receipt_of(speaking(receipt={"tlv_states": {"DELIVRD": 0}}))
    assert b"stat:DELIVRD" in text
    assert tlv(TlvTag.MESSAGE_STATE, b"\0") in tlvs


def test_q36_addresses_of_the_original(speaking: Speaking, smpplib_esme: Make) -> None:
    esme = smpplib_esme(speaking(receipt={"addresses": "original"}))
    esme.bind()
    _, receipt = reported(esme)
    assert (receipt.source_addr, receipt.destination_addr) == (b"ACME", b"447700900123")
    assert (receipt.source_addr_ton, receipt.dest_addr_ton) == (5, 1)


def test_q38_q39_vendor_statuses_and_an_error_text(speaking: Speaking) -> None:
    with speaking("vendor-tlvs").client() as client:
        client.bind()
        words = tlv(0x2167, b"ESME_RINVDSTADR")
        client.ask(request(SUBMIT, 2, submit_body(to=NOBODY)), answer(SUBMIT, 0x42E, 2, words))


@pytest.mark.parametrize(
    ("number", "form", "expected"),
    [
        ("q40", {"statuses": {"ESME_RINVDSTADR": 0x4A}}, answer(SUBMIT, 0x4A, 2)),
        ("q41", {"statuses": {"ESME_RINVDSTADR": "ESME_RINVCMDID"}}, answer(SUBMIT, 3, 2)),
        (
            "q43",
            {"statuses": {"ESME_RINVDSTADR": "ESME_ROK"}, "nack": ["ESME_ROK"]},
            pdu(NACK, 0, 2),
        ),
        (
            "q44",
            {"statuses": {"ESME_RINVDSTADR": "ESME_RINVMSGLEN"}, "nack": ["ESME_RINVMSGLEN"]},
            pdu(NACK, 1, 2),
        ),
    ],
)
def test_statuses_and_nacks(speaking: Speaking, number: str, form: dict[str, Any], expected: bytes) -> None:
    with speaking(response=form).client() as client:
        client.bind()
        client.send(request(SUBMIT, 2, submit_body(to=NOBODY)))
        assert client.frame() == expected, number
        client.lives()


def test_q42_a_generic_nack_for_a_query(speaking: Speaking) -> None:
    with speaking("bodies-and-nacks").client() as client:
        client.bind()
        client.ask(request(QUERY, 2, c("7") + b"\0\0" + c("")), pdu(NACK, 3, 2))
        body = c("") + c("7") + b"\0\0" + c("") + b"\0\0" + c("")
        client.ask(request(CANCEL, 3, body), pdu(NACK, 3, 3))


def test_q48_responses_counted_by_themselves(speaking: Speaking, smpplib_esme: Make) -> None:
    esme = smpplib_esme(speaking(session={"own_response_numbers": True}))
    for _ in range(5):
        esme.client.sequence_generator.next_sequence()
    esme.bind()
    sequence = esme.submit()
    esme.until(lambda: bool(esme.responses))
    assert esme.responses[0].sequence == 2 != sequence


@pytest.mark.parametrize(("form", "length"), [("short", 12), ("iso", 19)])
def test_q49_the_final_date(speaking: Speaking, form: str, length: int) -> None:
    live = speaking(response={"final_date": form})
    with live.client() as client:
        client.bind()
        message_id = submitted(client)
        delivered(client.frame())
        client.send(request(QUERY, 3, c(message_id) + b"\5\0" + c("smppd")))
        _, date, _ = client.frame()[16:].split(b"\0", 2)
        assert len(date) == length


@pytest.mark.parametrize("status", ["ESME_RINVPASWD", "ESME_RBINDFAIL", 0x53])
def test_q57_the_status_of_a_refused_bind(speaking: Speaking, smpplib_esme: Make, status: int | str) -> None:
    live = speaking(bind={"wrong_password": status})
    with pytest.raises(smpplib.exceptions.PDUError) as refused:
        smpplib_esme(live).bind(password="wrong")
    assert refused.value.args[1] == (status if isinstance(status, int) else CommandStatus[status])


def test_q64_no_sc_interface_version_and_tlvs_all_the_same(speaking: Speaking) -> None:
    live = speaking(bind={"sc_interface_version": False})
    with live.client() as client:
        assert client.bind() == answer(BIND_TRX, 0, 1, c("smppd"))
        submitted(client)
        assert delivered(client.frame())[3].startswith(TlvTag.RECEIPTED_MESSAGE_ID.to_bytes(2, "big"))


def test_q79_throttled_by_a_generic_nack(serve: Serve) -> None:
    dialects = {"default": dialect().settings, "mine": shipped("bodies-and-nacks").settings}
    limited = account(dialect="mine", throughput=Throughput(limit=1, per=3600))
    with serve(account=[limited], dialect=dialects, timers=OFF).client() as client:
        client.bind()
        submitted(client)
        delivered(client.frame())
        client.ask(request(SUBMIT, 3, submit_body()), pdu(NACK, 0x58, 3))


def test_q88_a_smaller_maximum(speaking: Speaking) -> None:
    with speaking("one-nul-latin1").client() as client:
        client.bind()
        client.ask(request(0x999, 2, bytes(4080)), pdu(NACK, 3, 2))
        client.send(request(0x999, 3, bytes(4081)))
        assert client.frame()[4:12] == (NACK.to_bytes(4, "big") + (2).to_bytes(4, "big"))
        client.ended()


def test_q89_tlvs_that_no_specification_knows(speaking: Speaking, smpplib_esme: Make) -> None:
    """smpplib refuses what it does not know, unless it is told not to."""
    live = speaking("vendor-tlvs")
    esme = smpplib_esme(live)
    esme.bind()
    reported(esme)
    strict = smpplib_esme(live, allow_unknown_opt_params=False)
    strict.bind()
    with pytest.raises(smpplib.exceptions.UnknownCommandError):
        reported(strict)


def test_q90_tlvs_where_they_do_not_belong(speaking: Speaking) -> None:
    added = [{"pdu": "deliver_sm", "tag": 0x0210, "value": "34"}, {"pdu": "deliver_sm", "tag": 0x0426, "value": "01"}]
    tlvs = receipt_of(speaking(vendor_tlvs=added))[3]
    assert tlvs.endswith(tlv(0x0210, b"\x34") + tlv(0x0426, b"\1"))


def test_q96_packed_septets_under_data_coding_0(speaking: Speaking) -> None:
    live = speaking(text={"default_alphabet": "gsm7-packed"})
    text = receipt_of(live, text=encode_text("Grüße", 0, default_alphabet="gsm7-packed"))[2]
    told = decode_text(text, 0, default_alphabet="gsm7-packed")
    assert told.startswith("id:1000000000 sub:001")
    assert told.endswith("text:Grüße")


def test_q106_only_some_pairs_of_ton_and_npi(speaking: Speaking) -> None:
    with speaking("aligned-sequences").client() as client:
        client.bind()
        client.ask(request(SUBMIT, 2, submit_body(source=(0, 0, b"1"))), answer(SUBMIT, 0x48, 2))
        client.ask(request(SUBMIT, 3, submit_body(to=(0, 1, b"1"))), answer(SUBMIT, 0x50, 3))
        client.ask(request(SUBMIT, 4, submit_body(source=(1, 2, b"1"))), answer(SUBMIT, 0x49, 4))
        submitted(client, 5)


def test_q112_registered_delivery_in_a_receipt(speaking: Speaking, smpplib_esme: Make) -> None:
    esme = smpplib_esme(speaking(receipt={"registered_delivery": 1}))
    esme.bind()
    assert reported(esme)[1].registered_delivery == 1


def test_every_shipped_dialect_lets_a_client_send_and_be_told(speaking: Speaking, smpplib_esme: Make) -> None:
    for name in SHIPPED:
        live = speaking(name)
        esme = smpplib_esme(live)
        esme.bind()
        assert esme.submitted()
        if name == "data-sm-receipts":
            continue  # smpplib takes no data_sm: test_q26 is about those
        esme.until(lambda esme=esme: bool(esme.receipts or esme.mobile_originated))  # type: ignore[misc]
