"""What sessions say in the dialect of their account, octet by octet, on real sockets."""

import struct
from typing import Any

import pytest
from msgspec.structs import replace

from smppd.settings import Delay, Network, Settings, Throughput
from smppwire.constants import status_name
from smppwire.pdus import AlertNotification
from tests.behaviour.speech import dialect
from tests.test_passwords import cheap_hash
from tests.transport.support import (
    ALERT,
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    CANCEL,
    DATA,
    DELIVER,
    ENQUIRE_LINK,
    NACK,
    OFF,
    QUERY,
    RESP,
    SUBMIT,
    UNBIND,
    Live,
    Raw,
    account,
    answer,
    bind_body,
    c,
    delivered,
    field,
    live_settings,
    pdu,
    request,
    submit_body,
    tlv,
)

RINVCMDID, RALYBND, RSYSERR, RINVDSTADR, RINVSYSID, RTHROTTLED = 3, 5, 8, 11, 15, 0x58
NOBODY = (1, 1, b"x")


def spoken(*, default: dict[str, Any] | None = None, accounts: list[Any] | None = None, **tables: Any) -> Settings:
    """Settings in which the account speaks a dialect of these tables; `default`: what strangers hear."""
    dialects = {"default": dialect(**(default or {})).settings, "mine": dialect(**tables).settings}
    return live_settings(account=accounts or [account(dialect="mine")], dialect=dialects, timers=OFF)


def speaking(**tables: Any) -> Live:
    return Live(spoken(**tables))


def refused(frame: bytes) -> tuple[int, int, bytes]:
    """(command_id, command_status, body)."""
    _, command_id, status, _ = struct.unpack_from(">IIII", frame)
    return command_id, status, frame[16:]


# -- refusals


@pytest.mark.parametrize(
    ("form", "of_submit", "of_query"),
    [
        ({"error_body": "nul"}, b"\0", b"\0"),
        ({"error_body": "full"}, b"\0", bytes(4)),
        ({"error_text_tlv": 0x2167}, tlv(0x2167, b"ESME_RINVDSTADR"), tlv(0x2167, b"ESME_RQUERYFAIL")),
    ],
)
def test_every_refusal_has_the_body_of_the_dialect(form: dict[str, Any], of_submit: bytes, of_query: bytes) -> None:
    with speaking(response=form) as live, live.client() as client:
        client.bind()
        client.ask(request(SUBMIT, 2, submit_body(to=NOBODY)), answer(SUBMIT, RINVDSTADR, 2, of_submit))
        query = c("7") + b"\0\0" + c("")
        client.ask(request(QUERY, 3, query), answer(QUERY, 0x67, 3, of_query))
        many = [request(SUBMIT, 4, submit_body()), request(SUBMIT, 5, submit_body(to=NOBODY))]
        client.send(*many)
        assert field(client.frame(), SUBMIT) == b"1000000000"
        client.expect(answer(SUBMIT, RINVDSTADR, 5, of_submit))


def test_what_the_session_refuses_is_in_the_dialect_too() -> None:
    form = {"error_body": "nul", "statuses": {"ESME_RINVCMDLEN": 0x1234, "ESME_RINVCMDID": "ESME_RSYSERR"}}
    with speaking(response=form, session={"max_pdu": 1000}) as live, live.client() as client:
        client.bind()
        client.ask(request(SUBMIT, 2, b"\0"), answer(SUBMIT, 0x1234, 2, b"\0"))
        client.ask(request(0x999, 3), pdu(NACK, RSYSERR, 3))
        client.ask(request(BIND_TRX, 4, bind_body()), answer(BIND_TRX, RALYBND, 4, b"\0"))
        client.send(request(SUBMIT, 5, bytes(1000)))
        client.expect(pdu(NACK, 0x1234, 5))
        client.ended()


def test_what_exceeds_the_window() -> None:
    accounts = [account(dialect="mine", window=1)]
    slow = {"default": Network(delay=Delay(distribution="fixed", value=3600.0))}
    settings = replace(spoken(accounts=accounts, response={"nack": ["ESME_RTHROTTLED"]}), network=slow)
    with Live(settings) as live, live.client() as client:
        client.bind()
        transaction = c("") + b"\0\0" + c("") + b"\1\1" + c("44") + b"\2\0\0"
        client.send(request(DATA, 2, transaction))
        live.until(lambda: live.server.engine.in_flight == 1)
        client.ask(request(SUBMIT, 3, submit_body()), pdu(NACK, RTHROTTLED, 3))
        client.ask(request(QUERY, 4, c("7") + b"\0\0" + c("")), pdu(NACK, RTHROTTLED, 4))


def test_a_late_answer_is_in_the_dialect() -> None:
    """In transaction mode the outcome is the answer."""
    tables = {"response": {"error_body": "nul"}, "message_id": {"response": {"terminated": False}}}
    with speaking(**tables) as live, live.client() as client:
        client.bind()
        client.ask(request(SUBMIT, 2, submit_body(esm_class=0x02)), answer(SUBMIT, 0x43, 2, b"\0"))
        transaction = c("") + b"\0\0" + c("") + b"\1\1" + c("44") + b"\2\0\0"
        client.ask(request(DATA, 3, transaction), answer(DATA, 0, 3, b"1000000000"))
        assert live.call(lambda: live.server.engine.in_flight) == 0


@pytest.mark.parametrize("status", ["ESME_RTHROTTLED", "ESME_RMSGQFUL"])
def test_throttling_may_come_as_a_generic_nack(status: str) -> None:
    limited = account(dialect="mine", throughput=Throughput(limit=1, per=3600, over=status))
    with speaking(accounts=[limited], response={"nack": ["ESME_RTHROTTLED"]}) as live, live.client() as client:
        client.bind()
        client.send(request(SUBMIT, 2, submit_body()), request(SUBMIT, 3, submit_body()))
        field(client.frame(), SUBMIT)
        number = RTHROTTLED if status == "ESME_RTHROTTLED" else 0x14
        client.expect(pdu(NACK, number, 3) if number == RTHROTTLED else answer(SUBMIT, number, 3))
        client.lives()


def test_requests_that_are_not_supported() -> None:
    names = ["query_sm", "submit_sm", "data_sm", "enquire_link"]
    with speaking(response={"unsupported": names}) as live, live.client() as client:
        client.bind()
        client.ask(request(QUERY, 2, c("7") + b"\0\0" + c("")), pdu(NACK, RINVCMDID, 2))
        client.ask(request(SUBMIT, 3, submit_body()), pdu(NACK, RINVCMDID, 3))
        client.ask(request(DATA, 4, c("") + b"\0\0" + c("") + b"\1\1" + c("44") + b"\0\0\0"), pdu(NACK, RINVCMDID, 4))
        client.ask(request(ENQUIRE_LINK, 5), pdu(NACK, RINVCMDID, 5))
        client.ask(request(CANCEL, 6, c("") + c("7") + b"\0\0" + c("") + b"\0\0" + c("")), answer(CANCEL, 0x11, 6))
        assert live.call(lambda: live.server.engine.in_flight) == 0
        client.ask(request(UNBIND, 7), answer(UNBIND, 0, 7))


def test_even_unbind_may_be_unknown_and_what_follows_it_is_answered() -> None:
    with speaking(response={"unsupported": ["unbind"]}) as live, live.client() as client:
        client.bind()
        client.send(request(UNBIND, 2), request(ENQUIRE_LINK, 3))
        client.expect(pdu(NACK, RINVCMDID, 2), answer(ENQUIRE_LINK, 0, 3))


def test_a_session_below_34_gets_no_tlvs() -> None:
    added = [{"pdu": "*", "tag": 0x1403}]
    form = {"error_body": "tlvs", "error_text_tlv": 0x2167}
    with speaking(response=form, vendor_tlvs=added) as live, live.client() as client:
        assert client.bind(version=0x33)[16:] == c("smppd")
        client.ask(request(SUBMIT, 2, submit_body(to=NOBODY)), answer(SUBMIT, RINVDSTADR, 2))
        client.lives()


# -- binds

REASONS = {
    "unknown_system_id": 0x101,
    "wrong_password": 0x102,
    "bind_type": 0x103,
    "max_binds": 0x104,
    "disabled": 0x105,
}


def bound(client: Raw, command_id: int = BIND_TRX, **fields: Any) -> tuple[int, int, bytes]:
    client.send(request(command_id, 1, bind_body(**fields)))
    return refused(client.frame())


@pytest.mark.parametrize("hashed", [False, True])
def test_each_reason_has_its_status(hashed: bool) -> None:
    proof = {"password": None, "password_hash": cheap_hash(b"password")} if hashed else {}
    accounts = [
        account("a", **proof, dialect="mine", bind_types=["transceiver"], max_binds=1),
        account("off", **proof, dialect="mine", enabled=False),
    ]
    settings = spoken(accounts=accounts, bind=REASONS, response={"error_body": "nul"}, default={"bind": REASONS})
    with Live(settings) as live, live.client() as first:
        first.bind(system_id="a")
        for system_id, password, command_id, status, body in [
            ("nobody", "password", BIND_TRX, 0x101, b""),
            ("a", "wrong", BIND_TRX, 0x102, b"\0"),
            ("a", "password", BIND_TX, 0x103, b"\0"),
            ("a", "password", BIND_TRX, 0x104, b"\0"),
            ("off", "password", BIND_TRX, 0x105, b"\0"),
        ]:
            with live.client() as client:
                got = bound(client, command_id, system_id=system_id, password=password)
                assert got == (command_id | RESP, status, body)
                client.ended()
    attempts = live.server.counters.bind_attempts
    assert attempts["off", status_name(0x105)] == attempts["a", status_name(0x104)] == 1


def test_strangers_hear_the_dialect_called_default() -> None:
    default = {"response": {"error_body": "nul", "statuses": {"ESME_RINVBNDSTS": "ESME_RSYSERR"}}}
    with Live(spoken(default=default)) as live:
        with live.client() as client:
            client.ask(request(SUBMIT, 1, submit_body()), answer(SUBMIT, RSYSERR, 1, b"\0"))
            client.ask(request(QUERY, 2, b""), answer(QUERY, RSYSERR, 2, b"\0"))
            assert client.bind()
            client.ask(request(SUBMIT, 3, submit_body(to=NOBODY)), answer(SUBMIT, RINVDSTADR, 3))
        with live.client() as client:
            assert bound(client, system_id="nobody") == (BIND_TRX | RESP, RINVSYSID, b"\0")


def test_binds_that_are_not_supported() -> None:
    with speaking(response={"unsupported": ["bind_receiver"]}) as live, live.client() as client:
        assert bound(client, BIND_RX) == (NACK, RINVCMDID, b"")
        client.ended()


@pytest.mark.parametrize(
    ("told", "expected"), [(True, tlv(0x0210, b"\x34")), (False, b""), (0x50, tlv(0x0210, b"\x50"))]
)
def test_the_version_in_the_response(told: bool | int, expected: bytes) -> None:
    with speaking(bind={"sc_interface_version": told}) as live, live.client() as client:
        assert client.bind()[16:] == c("smppd") + expected


# -- success


def test_ids_in_responses() -> None:
    forms = {"response": {"base": "uuid"}}
    with speaking(message_id=forms) as live, live.client() as client:
        client.bind()
        client.send(request(SUBMIT, 2, submit_body()))
        message_id = field(client.frame(), SUBMIT)
        assert len(message_id) == 36
        client.send(request(QUERY, 3, c(message_id.upper()) + b"\5\0" + c("smppd")))
        assert client.frame()[8:12] == bytes(4)


@pytest.mark.parametrize(
    ("form", "body"), [({"empty": True}, b"\0"), ({"terminated": False}, b"1000000000"), ({"width": 12}, None)]
)
def test_odd_ids(form: dict[str, Any], body: bytes | None) -> None:
    with speaking(message_id={"response": form}) as live, live.client() as client:
        client.bind()
        client.ask(request(SUBMIT, 2, submit_body()), answer(SUBMIT, 0, 2, body or b"001000000000\0"))


def test_congestion_state_stands_behind_the_id_and_before_vendor_tlvs() -> None:
    settings = spoken(vendor_tlvs=[{"pdu": "submit_sm_resp", "tag": 0x1403}])
    server = replace(settings.server, interface_version="5.0")
    with Live(replace(settings, server=server)) as live, live.client() as client:
        client.bind(version=0x50)
        client.send(request(SUBMIT, 2, submit_body()))
        body = client.frame()[16:]
        assert body == c("1000000000") + tlv(0x0428, b"\0") + tlv(0x1403, b"")


def test_the_final_date() -> None:
    with speaking(response={"final_date": "iso"}) as live, live.client() as client:
        client.bind()
        client.send(request(SUBMIT, 2, submit_body()))
        message_id = field(client.frame(), SUBMIT)
        live.until(lambda: live.server.engine.in_flight == 0)
        client.send(request(QUERY, 3, c(message_id) + b"\5\0" + c("smppd")))
        got_id, date, rest = client.frame()[16:].split(b"\0", 2)
        assert (got_id, len(date), date[4:5], date[10:11], rest) == (message_id, 19, b"-", b" ", b"\2\0")


# -- sequence numbers


def test_our_requests_begin_with_any_number() -> None:
    for first, second in ((0x80000000, 0x80000001), (0, 1), (0xFFFFFFFF, 0)):
        with speaking(session={"first_sequence_number": first}) as live, live.client() as client:
            client.bind()
            client.send(request(SUBMIT, 2, submit_body(registered=1)), request(SUBMIT, 3, submit_body(registered=1)))
            field(client.frame(), SUBMIT)
            field(client.frame(), SUBMIT)
            assert [delivered(client.frame())[0] for _ in range(2)] == [first, second]
            client.send(answer(DELIVER, 0, first, b"\0"), answer(DELIVER, 0, second, b"\0"))
            client.lives()
            live.until(lambda: live.server.engine.esmes["smppclient1"].waiting == 0)


def test_our_requests_take_the_numbers_of_the_esme() -> None:
    with speaking(session={"align_sequences": True}) as live, live.client() as client:
        client.bind(sequence=70)
        for number in (500, 3, 0x7FFFFFFF):
            client.send(request(SUBMIT, number, submit_body(registered=1)))
            field(client.frame(), SUBMIT)
            assert delivered(client.frame())[0] == number
            client.send(answer(DELIVER, 0, number, b"\0"))
        live.until(lambda: live.server.engine.esmes["smppclient1"].waiting == 0)


def test_a_number_that_is_outstanding_is_not_taken_twice() -> None:
    with speaking(session={"align_sequences": True}) as live, live.client() as client:
        client.bind()
        for expected in (9, 10, 11):
            client.send(request(SUBMIT, 9, submit_body(registered=1)))
            field(client.frame(), SUBMIT)
            assert delivered(client.frame())[0] == expected
        client.lives()


def test_responses_may_be_counted() -> None:
    with speaking(session={"own_response_numbers": True}) as live, live.client() as client:
        client.send(request(BIND_TRX, 1000, bind_body()))
        assert refused(client.frame())[:2] == (BIND_TRX | RESP, 0)
        client.send(request(ENQUIRE_LINK, 77), request(SUBMIT, 78, submit_body()), request(SUBMIT, 78, b"\0"))
        client.send(request(QUERY, 80, c("7") + b"\0\0" + c("")), request(UNBIND, 90))
        frames = client.frames(5)
        commands = [ENQUIRE_LINK, SUBMIT, SUBMIT, QUERY, UNBIND]
        numbers = [struct.unpack_from(">II", frame, 4)[0] - RESP for frame in frames]
        assert numbers == commands
        assert [int.from_bytes(frame[12:16], "big") for frame in frames] == [2, 3, 4, 5, 6]


# -- TLVs and limits


def test_vendor_tlvs_on_our_requests() -> None:
    with speaking(vendor_tlvs=[{"pdu": "*", "tag": 0x1403, "value": "ab"}]) as live, live.client() as client:
        added = tlv(0x1403, b"\xab")
        assert client.bind()[16:] == c("smppd") + tlv(0x0210, b"\x34") + added
        client.ask(request(ENQUIRE_LINK, 2), answer(ENQUIRE_LINK, 0, 2, added))
        client.send(request(SUBMIT, 3, submit_body(registered=1)))
        assert client.frame()[16:] == c("1000000000") + added
        number, _, _, tlvs = delivered(client.frame())
        assert tlvs.endswith(added)
        client.send(answer(DELIVER, 0, number, b"\0"))
        client.send(request(SUBMIT, 4, submit_body(to=NOBODY)))
        assert client.frame() == answer(SUBMIT, RINVDSTADR, 4, added)
        live.call(lambda: next(iter(live.context.connections)).unbind())
        frame = client.frame()
        assert (frame[4:8], frame[16:]) == (b"\0\0\0\6", added)
        client.send(answer(UNBIND, 0, int.from_bytes(frame[12:16], "big")))
        client.ended()


def test_vendor_tlvs_on_alerts() -> None:
    with speaking(vendor_tlvs=[{"pdu": "alert_notification", "tag": 0x1403}]) as live, live.client() as client:
        client.bind()
        live.call(
            lambda: (
                live.server.engine.esmes["smppclient1"]
                .binds[0]
                .outbound.notify(AlertNotification(source_addr=b"1", esme_addr=b"2"))
            )
        )
        frame = client.frame()
        assert frame[4:8] == ALERT.to_bytes(4, "big")
        assert frame.endswith(tlv(0x1403, b""))


def test_lengths_pairs_and_strictness_of_an_account() -> None:
    tables = {
        "limits": {"strict": False, "lengths": {"service_type": 2, "system_id": 11}},
        "addresses": {"source": [[5, 0]], "destination": [[1, 1]]},
    }
    accounts = [account(dialect="mine"), account("plain"), account("strict", dialect="mine", strict=True)]
    with speaking(accounts=accounts, **tables) as live:
        with live.client() as client:
            client.bind()
            client.ask(request(SUBMIT, 2, submit_body(service_type=b"CMT")), answer(SUBMIT, 0x15, 2))
            client.ask(request(SUBMIT, 3, submit_body(source=(1, 1, b"1"))), answer(SUBMIT, 0x48, 3))
            client.ask(request(SUBMIT, 4, submit_body(to=(0, 0, b"1"))), answer(SUBMIT, 0x50, 4))
            client.ask(request(SUBMIT, 5, submit_body(to=(1, 0, b"1"))), answer(SUBMIT, 0x51, 5))
            client.send(request(SUBMIT, 6, submit_body(source=(5, 0, b"x" * 40), tail=b"\0")))
            field(client.frame(), SUBMIT)
        with live.client() as client:
            client.bind(system_id="strict")
            client.ask(request(SUBMIT, 2, submit_body(source=(5, 0, b"x" * 40))), answer(SUBMIT, 0x0A, 2))
        with live.client() as client:
            client.bind(system_id="plain")
            client.send(request(SUBMIT, 2, submit_body(service_type=b"CMT", source=(1, 1, b"1"))))
            field(client.frame(), SUBMIT)


def test_the_longest_pdu_of_an_account_ends_with_its_session() -> None:
    accounts = [account(dialect="mine"), account("plain")]
    with speaking(accounts=accounts, session={"max_pdu": 300}) as live, live.client() as client:
        client.bind()
        client.ask(request(UNBIND, 2), answer(UNBIND, 0, 2))
        client.bind(system_id="plain")
        client.ask(request(0x999, 3, bytes(1000)), pdu(NACK, RINVCMDID, 3))
        client.ask(request(UNBIND, 4), answer(UNBIND, 0, 4))
        client.bind()
        client.ask(request(0x999, 5, bytes(1000)), pdu(NACK, 2, 5))
        client.ended()


# -- several at once, and changes


def test_accounts_do_not_hear_the_dialects_of_others() -> None:
    accounts = [account(dialect="mine"), account("plain")]
    wrong = request(SUBMIT, 2, submit_body(to=NOBODY))
    with speaking(accounts=accounts, response={"error_body": "nul"}) as live, live.client() as one:
        one.bind()
        one.ask(wrong, answer(SUBMIT, RINVDSTADR, 2, b"\0"))
        with live.client() as other:
            other.bind(system_id="plain")
            other.ask(wrong, answer(SUBMIT, RINVDSTADR, 2))
        one.ask(wrong, answer(SUBMIT, RINVDSTADR, 2, b"\0"))


def test_a_reload_changes_what_is_said_from_then_on() -> None:
    wrong = request(SUBMIT, 2, submit_body(to=NOBODY))
    with speaking(response={"error_body": "nul"}) as live, live.client() as client:
        client.bind()
        client.ask(wrong, answer(SUBMIT, RINVDSTADR, 2, b"\0"))
        changes = live.call(lambda: live.server.reload(spoken(message_id={"response": {"base": "hex"}})))
        assert any("dialect" in change for change in changes.live)
        client.ask(wrong, answer(SUBMIT, RINVDSTADR, 2))
        client.send(request(SUBMIT, 3, submit_body()))
        assert field(client.frame(), SUBMIT) == b"3b9aca00"
        live.call(lambda: live.server.reload(live_settings(account=[account()], timers=OFF)))
        client.send(request(SUBMIT, 4, submit_body()))
        assert field(client.frame(), SUBMIT) == b"1000000001"


def test_a_dialect_that_differs_in_nothing_is_served_like_none() -> None:
    with speaking(description="nothing") as live, live.client() as client:
        client.bind()
        bind = live.call(lambda: live.server.engine.esmes["smppclient1"].binds[0])
        assert bind.is_plain
        assert bind.responses is None


def test_the_loop_of_a_session_survives_a_flood_of_refusals_in_a_dialect() -> None:
    with speaking(response={"error_body": "full", "unsupported": ["submit_sm"]}) as live, live.client() as client:
        client.bind()
        client.send(*(request(SUBMIT, number, submit_body()) for number in range(2, 502)))
        assert [client.frame() for _ in range(500)] == [pdu(NACK, RINVCMDID, number) for number in range(2, 502)]
        client.lives()
