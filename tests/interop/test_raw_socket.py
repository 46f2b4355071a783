"""A client that speaks octets: what it sends and what it must get are written out, no codec of ours in between.

Everything runs over loopback sockets against a whole server, on asyncio and on uvloop.
"""

from __future__ import annotations

import itertools
import random
import socket
import struct
from collections.abc import Callable, Iterator

import pytest

from smppd.cli.serve import loop_factory
from smppd.settings import Delay, Match, Network, Queue, Route, Throughput, Validation
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
    OUTBIND,
    QUERY,
    REPLACE,
    RESP,
    SUBMIT,
    SUBMIT_MULTI,
    UNBIND,
    Live,
    Raw,
    account,
    answer,
    bind_body,
    bind_resp,
    c,
    delivered,
    field,
    live_settings,
    pdu,
    request,
    submit_body,
    tlv,
    wait_until,
)

SEQUENCES = [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]

RINVMSGLEN, RINVCMDLEN, RINVCMDID, RINVBNDSTS, RALYBND = 0x01, 0x02, 0x03, 0x04, 0x05
RINVPRTFLG, RINVREGDLVFLG, RSYSERR, RINVSRCADR, RINVDSTADR, RINVMSGID = 0x06, 0x07, 0x08, 0x0A, 0x0B, 0x0C
RBINDFAIL, RINVPASWD, RINVSYSID, RMSGQFUL, RINVSERTYP = 0x0D, 0x0E, 0x0F, 0x14, 0x15
RINVESMCLASS, RINVSRCTON, RINVSRCNPI, RINVDSTTON, RINVDSTNPI = 0x43, 0x48, 0x49, 0x50, 0x51
RINVSYSTYP, RINVREPFLAG, RTHROTTLED, RINVSCHED, RINVEXPIRY, RINVDFTMSGID = 0x53, 0x54, 0x58, 0x61, 0x62, 0x63
RQUERYFAIL, RREPLACEFAIL, RCANCELFAIL = 0x67, 0x13, 0x11
RINVOPTPARSTREAM, RINVPARLEN, RINVOPTPARAMVAL = 0xC0, 0xC2, 0xC4

PACED = Throughput(limit=1, per=80_000.0, burst=2)

SETTINGS = live_settings(
    account=[
        account(),
        account("txonly", bind_types=["transmitter"]),
        account("single", max_binds=1),
        account("disabled", enabled=False),
        account("rated", throughput=PACED),
        account("longpass", "a password of 24 letters", password_max=30),
        *(account(f"esme{number}") for number in range(500)),
    ],
    route=[
        Route(name="mobile", match=Match(destination_addr="447*")),
        Route(name="throttled", match=Match(destination_addr="331*"), throughput=PACED),
        Route(
            name="queued",
            match=Match(destination_addr="332*"),
            throughput=Throughput(limit=1, per=80_000.0, over="queue"),
            queue=Queue(limit=1),
        ),
        Route(name="slow", match=Match(destination_addr="335*"), network="slow"),
    ],
    network={
        "default": Network(delay=Delay(distribution="fixed", value=0.0)),
        "slow": Network(delay=Delay(distribution="fixed", value=80_000.0)),
    },
)


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def live(request: pytest.FixtureRequest) -> Iterator[Live]:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    with Live(SETTINGS, loop_factory=loop_factory(request.param)) as server:
        yield server


FRESH = {name: itertools.count() for name in ("asyncio", "uvloop")}


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """An account that no test before has used, so that no receipt of another one gets here."""
    return f"esme{next(FRESH[request.node.callspec.params['live']])}"


@pytest.fixture
def raw(live: Live) -> Iterator[Raw]:
    """A connection, not bound."""
    with live.client() as client:
        yield client


@pytest.fixture
def bound(raw: Raw, name: str) -> Raw:
    """A transceiver with an account of its own."""
    raw.ask(request(BIND_TRX, 1, bind_body(name)), bind_resp())
    return raw


# Binding.

ALL_BINDS = pytest.mark.parametrize("bind", [BIND_RX, BIND_TX, BIND_TRX], ids=["rx", "tx", "trx"])


@ALL_BINDS
@pytest.mark.parametrize("sequence", SEQUENCES)
def test_bind_is_answered_with_our_system_id_and_version(raw: Raw, bind: int, sequence: int) -> None:
    raw.ask(request(bind, sequence, bind_body()), answer(bind, 0, sequence, b"smppd\0\x02\x10\x00\x01\x34"))
    raw.lives()


REFUSED_BINDS = {
    "unknown system_id": (bind_body("nobody"), RINVSYSID),
    "empty system_id": (bind_body(""), RINVSYSID),
    "unknown system_id before wrong password": (bind_body("nobody", "wrong"), RINVSYSID),
    "letter case of system_id": (bind_body("SMPPCLIENT1"), RINVSYSID),
    "wrong password": (bind_body(password="wrong"), RINVPASWD),
    "empty password": (bind_body(password=""), RINVPASWD),
    "password with something behind": (bind_body(password="password1"), RINVPASWD),
    "beginning of the password": (bind_body(password="passwor"), RINVPASWD),
    "disabled account": (bind_body("disabled"), RBINDFAIL),
    "system_id too long": (bind_body("x" * 16), RINVSYSID),
    "password too long": (bind_body(password="x" * 31), RINVPASWD),
    "system_type too long": (bind_body(system_type="x" * 13), RINVSYSTYP),
    "reserved addr_ton": (bind_body(ton=9), RBINDFAIL),
    "reserved addr_npi": (bind_body(npi=2), RBINDFAIL),
    "address_range too long": (bind_body(address_range="4" * 41), RBINDFAIL),
    "address_range that is no pattern": (bind_body(address_range="44[1-"), RBINDFAIL),
    "no terminator": (b"smppclient1", RINVCMDLEN),
}


@ALL_BINDS
@pytest.mark.parametrize("sequence", [0, 0xFFFFFFFF])
@pytest.mark.parametrize("case", REFUSED_BINDS)
def test_refused_binds(raw: Raw, bind: int, sequence: int, case: str) -> None:
    body, status = REFUSED_BINDS[case]
    raw.ask(request(bind, sequence, body), answer(bind, status, sequence))
    if case == "no terminator":
        raw.lives()  # it was no bind that could be judged


@ALL_BINDS
def test_a_refused_bind_ends_the_connection_and_what_follows_it(raw: Raw, bind: int) -> None:
    raw.send(request(bind, 1, bind_body(password="wrong")), request(bind, 2, bind_body()), request(ENQUIRE_LINK, 3))
    raw.expect(answer(bind, RINVPASWD, 1))
    raw.ended()


@pytest.mark.parametrize("bind", [BIND_RX, BIND_TRX])
def test_bind_type_that_the_account_does_not_have(raw: Raw, bind: int) -> None:
    raw.ask(request(bind, 7, bind_body("txonly")), answer(bind, RBINDFAIL, 7))
    raw.ended()


def test_wrong_password_is_found_before_the_bind_type(raw: Raw) -> None:
    raw.ask(request(BIND_RX, 7, bind_body("txonly", "wrong")), answer(BIND_RX, RINVPASWD, 7))


def test_max_binds(live: Live) -> None:
    with live.client() as first, live.client() as second:
        first.bind(system_id="single")
        second.ask(request(BIND_TX, 2, bind_body("single")), answer(BIND_TX, RALYBND, 2))
        second.ended()
        first.ask(request(UNBIND, 3), answer(UNBIND, 0, 3))
        with live.client() as third:
            third.bind(system_id="single")
            first.ask(request(BIND_RX, 4, bind_body("single")), answer(BIND_RX, RALYBND, 4))
            first.ended()
    with live.client() as fourth:
        live.until(lambda: live.server.accounts.get("single").bound == 0)  # type: ignore[union-attr]
        fourth.bind(system_id="single")


def test_password_longer_than_the_specification_has_it(raw: Raw) -> None:
    raw.bind(system_id="longpass", password="a password of 24 letters")


@ALL_BINDS
@pytest.mark.parametrize("again", [BIND_RX, BIND_TX, BIND_TRX])
def test_second_bind_is_refused_and_the_first_lives_on(raw: Raw, bind: int, again: int) -> None:
    raw.bind(bind)
    raw.ask(request(again, 0x80000001, bind_body("other", "x")), answer(again, RALYBND, 0x80000001))
    raw.lives()
    raw.ask(request(UNBIND, 3), answer(UNBIND, 0, 3))


def test_interface_version_is_a_plain_octet_and_never_refused(live: Live) -> None:
    for version in range(256):
        with live.client() as client:
            client.ask(request(BIND_TRX, 1, bind_body(version=version)), bind_resp(version=0x34, told=version >= 0x34))


OLD = [0x00, 0x22, 0x33]


@pytest.mark.parametrize("ours", ["3.4", "5.0"])
@pytest.mark.parametrize("version", [*OLD, 0x34, 0x40, 0x50, 0x51, 0xFF])
def test_versions(ours: str, version: int) -> None:
    octet = 0x34 if ours == "3.4" else 0x50
    with Live(live_settings(server={"interface_version": ours})) as live, live.client() as client:
        told = version not in OLD
        client.ask(request(BIND_TRX, 1, bind_body(version=version)), bind_resp(version=octet, told=told))
        client.send(request(SUBMIT, 2, submit_body(registered=1)))
        speaks_50 = ours == "5.0" and version >= 0x50
        response = client.frame()
        congestion = tlv(0x428, b"\x01") if speaks_50 else b""
        assert response.endswith(b"\0" + congestion)
        message_id = response[16 : -1 - len(congestion)]
        assert len(message_id) == (10 if told else 8)
        int(message_id, 10 if told else 16)
        _, esm_class, text, tlvs = delivered(client.frame())
        assert esm_class == 0x04
        assert text.startswith(b"id:" + message_id + b" sub:001 ")
        assert tlvs == (tlv(0x1E, message_id + b"\0") + tlv(0x427, b"\x02") if told else b"")
        # broadcast_sm exists only where both sides speak 5.0, and is not served there either.
        client.send(request(0x111, 3))
        status = struct.unpack(">III", client.frame()[4:])
        assert status == ((0x80000111, RINVCMDLEN, 3) if speaks_50 else (NACK, RINVCMDID, 3))


# Before the bind, and in the wrong state.

REQUESTS = {
    "submit_sm": (SUBMIT, submit_body()),
    "submit_multi": (SUBMIT_MULTI, b"\0"),
    "query_sm": (QUERY, c("1") + b"\0\0\0"),
    "cancel_sm": (CANCEL, b"\0"),
    "replace_sm": (REPLACE, b"\0"),
    "data_sm": (DATA, b"\0"),
    "deliver_sm": (DELIVER, submit_body()),
    "unbind": (UNBIND, b""),
}


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("case", REQUESTS)
def test_requests_before_the_bind(raw: Raw, case: str, sequence: int) -> None:
    command, body = REQUESTS[case]
    raw.ask(request(command, sequence, body), answer(command, RINVBNDSTS, sequence))
    raw.lives()
    raw.bind(BIND_TX, 9)


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_enquire_link_before_the_bind(raw: Raw, sequence: int) -> None:
    raw.ask(request(ENQUIRE_LINK, sequence), answer(ENQUIRE_LINK, 0, sequence))


@pytest.mark.parametrize("case", ["submit_sm", "submit_multi", "query_sm", "cancel_sm", "replace_sm"])
def test_a_receiver_may_not_submit(raw: Raw, case: str) -> None:
    raw.bind(BIND_RX)
    command, body = REQUESTS[case]
    raw.ask(request(command, 5, body), answer(command, RINVBNDSTS, 5))
    raw.lives()


@ALL_BINDS
def test_deliver_sm_from_an_esme(raw: Raw, bind: int) -> None:
    raw.bind(bind)
    raw.ask(request(DELIVER, 5, submit_body()), answer(DELIVER, RINVBNDSTS, 5))
    raw.lives()


OUTBIND_BODY = c("smppd") + c("secret")
ALERT_BODY = b"\x01\x01" + c("447700900123") + b"\x01\x01" + c("1234")


@pytest.mark.parametrize("is_bound", [False, True])
@pytest.mark.parametrize(("command", "body"), [(OUTBIND, OUTBIND_BODY), (ALERT, ALERT_BODY)])
def test_requests_without_a_response_from_an_esme(raw: Raw, command: int, body: bytes, is_bound: bool) -> None:
    if is_bound:
        raw.bind()
    raw.ask(request(command, 5, body), pdu(NACK, RINVBNDSTS, 5))
    raw.lives()


# What cannot be understood.


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize(
    "command", [0, 0x0A, 0x0C, 0x16, 0x22, 0x104, 0x111, 0x112, 0x113, 0x10200, 0x01000001, 0x7FFFFFFF]
)
@pytest.mark.parametrize("body", [b"", bytes(range(256))], ids=["empty", "256"])
def test_unknown_commands(raw: Raw, command: int, sequence: int, body: bytes) -> None:
    raw.send(request(command, sequence, body))
    raw.expect(pdu(NACK, RINVCMDID, sequence))
    raw.lives()


def test_unknown_command_leaves_the_bind_alone(bound: Raw) -> None:
    bound.ask(request(0x10200, 5, b"vendor"), pdu(NACK, RINVCMDID, 5))
    bound.send(request(SUBMIT, 6, submit_body()))
    assert len(field(bound.frame(), SUBMIT)) == 10


@pytest.mark.parametrize(
    "command", [SUBMIT, DELIVER, DATA, UNBIND, BIND_TRX, ENQUIRE_LINK, 0x0A, 0x10200, 0x7FFFFFFF, 0]
)
def test_responses_to_nothing_are_never_answered(live: Live, bound: Raw, command: int) -> None:
    bound.send(answer(command, 0, 77), answer(command, RSYSERR, 78, b"\0"))
    bound.lives()


BAD_LENGTHS = [0, 1, 4, 15, 131_073, 0x00FFFFFF, 0x7FFFFFFF, 0x80000010, 0xF0000011, 0xFFFFFFFF]


@pytest.mark.parametrize("is_bound", [False, True])
@pytest.mark.parametrize("length", BAD_LENGTHS)
def test_impossible_lengths(raw: Raw, length: int, is_bound: bool) -> None:
    if is_bound:
        raw.bind()
    raw.send(struct.pack(">IIII", length, SUBMIT, 0, 0x80000007) + b"whatever")
    raw.expect(pdu(NACK, RINVCMDLEN, 0x80000007))
    raw.ended()


@pytest.mark.parametrize("length", [b"\0\0\0\x0f", b"\0\x02\0\x01", b"\xf0\0\0\x11"])
def test_impossible_length_is_known_before_the_header_is_there(raw: Raw, length: bytes) -> None:
    raw.ask(length, pdu(NACK, RINVCMDLEN, 0))
    raw.ended()


def test_answers_to_what_came_before_an_impossible_length(bound: Raw) -> None:
    bound.send(request(ENQUIRE_LINK, 5), request(SUBMIT, 6, submit_body(text=b"x" * 255, length=255)), bytes(16))
    bound.expect(answer(ENQUIRE_LINK, 0, 5), answer(SUBMIT, RINVMSGLEN, 6), pdu(NACK, RINVCMDLEN, 0))
    bound.ended()


def test_the_answer_arrives_although_the_peer_goes_on_sending(raw: Raw) -> None:
    """Closing with octets unread would reset the connection before the peer has read why."""
    raw.send(b"\xff" * 2_000_000)
    raw.expect(pdu(NACK, RINVCMDLEN, 0xFFFFFFFF))
    raw.ended()


def test_other_protocols_get_an_answer_and_a_close(raw: Raw) -> None:
    raw.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    raw.expect(pdu(NACK, RINVCMDLEN, int.from_bytes(b".1\r\n", "big")))
    raw.ended()


@pytest.mark.parametrize("size", [16, 17, 255, 256, 257, 511, 512, 65535, 65536, 131_071, 131_072])
def test_lengths_that_are_right(raw: Raw, size: int) -> None:
    raw.ask(request(0x0A, size, bytes(size - 16)), pdu(NACK, RINVCMDID, size))
    raw.ask(request(ENQUIRE_LINK, 1, bytes(size - 16)), answer(ENQUIRE_LINK))  # a body that does not belong there


def test_every_truncation_of_a_body_is_answered_by_its_own_response(bound: Raw) -> None:
    whole = submit_body()
    mandatory = len(whole) - len(b"Hello")
    for end in range(mandatory):
        bound.ask(request(SUBMIT, end, whole[:end]), answer(SUBMIT, RINVCMDLEN, end))
    for end in range(mandatory, len(whole)):
        bound.ask(request(SUBMIT, end, whole[:end]), answer(SUBMIT, RINVMSGLEN, end))
    bound.lives()


def test_every_truncation_of_a_bind(live: Live) -> None:
    whole = bind_body(address_range="44")
    with live.client() as client:
        for end in range(len(whole)):
            client.ask(request(BIND_TRX, end, whole[:end]), answer(BIND_TRX, RINVCMDLEN, end))
        client.ask(request(BIND_TRX, 99, whole), bind_resp(sequence=99))


# Values of a submit_sm.

FIELD_VIOLATIONS = {
    "service_type of 6": (submit_body(service_type=b"ABCDEF"), RINVSERTYP),
    "service_type smscsim": (submit_body(service_type=b"smscsim"), RINVSERTYP),
    "source_addr_ton 7": (submit_body(source=(7, 0, b"1")), RINVSRCTON),
    "source_addr_ton 255": (submit_body(source=(255, 0, b"1")), RINVSRCTON),
    "source_addr_npi 2": (submit_body(source=(0, 2, b"1")), RINVSRCNPI),
    "source_addr_npi 5": (submit_body(source=(0, 5, b"1")), RINVSRCNPI),
    "source_addr of 21": (submit_body(source=(0, 0, b"1" * 21)), RINVSRCADR),
    "source_addr with a control character": (submit_body(source=(5, 0, b"a\x1bb")), RINVSRCADR),
    "dest_addr_ton 7": (submit_body(to=(7, 1, b"447700900123")), RINVDSTTON),
    "dest_addr_npi 2": (submit_body(to=(1, 2, b"447700900123")), RINVDSTNPI),
    "destination_addr empty": (submit_body(to=(1, 1, b"")), RINVDSTADR),
    "destination_addr of 21": (submit_body(to=(1, 1, b"447" + b"0" * 18)), RINVDSTADR),
    "destination_addr of letters": (submit_body(to=(1, 1, b"447letters")), RINVDSTADR),
    "esm_class type 0x04": (submit_body(esm_class=0x04), RINVESMCLASS),
    "esm_class type 0x0c": (submit_body(esm_class=0x0C), RINVESMCLASS),
    "esm_class type 0x20": (submit_body(esm_class=0x20), RINVESMCLASS),
    "esm_class type 0x3c": (submit_body(esm_class=0x3C), RINVESMCLASS),
    "esm_class mode transaction": (submit_body(esm_class=0x02), RINVESMCLASS),
    "priority_flag 4": (submit_body(priority=4), RINVPRTFLG),
    "priority_flag 255": (submit_body(priority=255), RINVPRTFLG),
    "schedule_delivery_time of 15": (submit_body(schedule=b"26112312000000+"), RINVSCHED),
    "schedule_delivery_time of 17": (submit_body(schedule=b"26112312000000000"), RINVSCHED),
    "schedule_delivery_time of month 13": (submit_body(schedule=b"261323120000000+"), RINVSCHED),
    "validity_period of 1": (submit_body(validity=b"1"), RINVEXPIRY),
    "validity_period without sign": (submit_body(validity=b"261123120000000X"), RINVEXPIRY),
    "validity_period that is over": (submit_body(validity=b"000101000000000+"), RINVEXPIRY),
    "validity_period of 49 quarters": (submit_body(validity=b"991231235959949+"), RINVEXPIRY),
    "registered_delivery 0x03": (submit_body(registered=0x03), RINVREGDLVFLG),
    "registered_delivery 0x40": (submit_body(registered=0x40), RINVREGDLVFLG),
    "registered_delivery 0x80": (submit_body(registered=0x80), RINVREGDLVFLG),
    "replace_if_present_flag 2": (submit_body(replace=2), RINVREPFLAG),
    "sm_default_msg_id 255": (submit_body(default_msg=255), RINVDFTMSGID),
    "short_message of 255": (submit_body(text=b"x" * 255), RINVMSGLEN),
    "sm_length beyond the body": (submit_body(text=b"x", length=2), RINVMSGLEN),
    "sm_length far beyond the body": (submit_body(text=b"", length=254), RINVMSGLEN),
    "both kinds of text": (submit_body(text=b"x", tail=tlv(0x424, b"y")), RINVMSGLEN),
    "one stray octet": (submit_body(tail=b"\0"), RINVOPTPARSTREAM),
    "two stray octets": (submit_body(tail=b"\x04\x24"), RINVOPTPARSTREAM),
    "three stray octets": (submit_body(tail=b"\x04\x24\0"), RINVOPTPARSTREAM),
    "TLV that overruns by one": (submit_body(tail=b"\x04\x24\0\x02x"), RINVOPTPARSTREAM),
    "TLV that overruns by all": (submit_body(tail=b"\x04\x24\xff\xff"), RINVOPTPARSTREAM),
    "stray octet after a TLV": (submit_body(tail=tlv(0x204, b"\0\1") + b"\0"), RINVOPTPARSTREAM),
    "TLV of a wrong size": (submit_body(tail=tlv(0x204, b"\1\2\3")), RINVPARLEN),
    "TLV of a reserved value": (submit_body(tail=tlv(0x201, b"\x09")), RINVOPTPARAMVAL),
    "first error in wire order": (submit_body(source=(9, 9, b"1"), priority=9, tail=b"\0"), RINVSRCTON),
    "value before routing": (submit_body(to=(1, 1, b"999"), priority=9), RINVPRTFLG),
    "no route": (submit_body(to=(1, 1, b"999")), RINVDSTADR),
}


@pytest.mark.parametrize("case", FIELD_VIOLATIONS)
def test_field_violations(bound: Raw, case: str) -> None:
    body, status = FIELD_VIOLATIONS[case]
    bound.ask(request(SUBMIT, 0x80000003, body), answer(SUBMIT, status, 0x80000003))
    bound.lives()


GOOD_VALUES = {
    "all zero": submit_body(source=(0, 0, b""), text=b""),
    "service_type of 5": submit_body(service_type=b"ABCDE"),
    "source_addr of 20": submit_body(source=(1, 1, b"1" * 20)),
    "destination_addr of 20": submit_body(to=(1, 1, b"447" + b"0" * 17)),
    "alphanumeric TON on a number": submit_body(source=(5, 0, b"447700900000")),
    "esm_class datagram": submit_body(esm_class=0x01),
    "esm_class forward": submit_body(esm_class=0x03),
    "esm_class delivery acknowledgement": submit_body(esm_class=0x08),
    "esm_class with UDHI and reply path": submit_body(esm_class=0xC0, text=b"\x05\0\3\1\2\1x"),
    "priority_flag 3": submit_body(priority=3),
    "schedule absolute": submit_body(schedule=b"991231235959948+"),
    "schedule relative": submit_body(schedule=b"000000010000000R"),
    "validity relative": submit_body(validity=b"000002000000000R"),
    "registered_delivery 0x20": submit_body(registered=0x20),
    "registered_delivery 0x1c": submit_body(registered=0x1C),
    "replace_if_present": submit_body(replace=1),
    "data_coding 0x0f": submit_body(data_coding=0x0F),
    "short_message of 254": submit_body(text=b"x" * 254),
    "message_payload": submit_body(text=b"", tail=tlv(0x424, b"x" * 65_000)),
    "empty message_payload": submit_body(tail=tlv(0x424, b"")),
    "unknown TLV": submit_body(tail=tlv(0x1403, b"vendor")),
    "TLV that does not belong": submit_body(tail=tlv(0x0210, b"\x34")),
}


@pytest.mark.parametrize("case", GOOD_VALUES)
def test_values_that_are_accepted(bound: Raw, case: str) -> None:
    bound.send(request(SUBMIT, 4, GOOD_VALUES[case]))
    assert len(field(bound.frame(), SUBMIT)) == 10


def test_refused_messages_take_no_id(bound: Raw) -> None:
    for sequence in (2, 4):
        bound.send(request(SUBMIT, sequence, submit_body()), request(SUBMIT, 3, submit_body(priority=9)))
    frames = bound.frames(4)
    first, second = int(field(frames[0], SUBMIT)), int(field(frames[2], SUBMIT))
    assert second == first + 1


def test_lenient_validation_overlooks_stray_octets() -> None:
    settings = live_settings(validation=Validation(strict=False))
    with Live(settings) as live, live.client() as client:
        client.bind()
        for tail in (b"\0", b"\0\0", b"\0\0\0", b"\x04\x24\0\x09x"):
            client.send(request(SUBMIT, 2, submit_body(tail=tail)))
            assert len(field(client.frame(), SUBMIT)) == 10
        client.ask(request(SUBMIT, 3, submit_body(priority=9)), answer(SUBMIT, RINVPRTFLG, 3))


def test_both_kinds_of_text_are_accepted_where_it_is_configured_so() -> None:
    settings = live_settings(validation=Validation(payload_and_short_message="payload"))
    with Live(settings) as live, live.client() as client:
        client.bind()
        client.send(request(SUBMIT, 2, submit_body(text=b"x", tail=tlv(0x424, b"payload"))))
        field(client.frame(), SUBMIT)


# Limits.


def test_throughput_of_an_account(raw: Raw, live: Live) -> None:
    raw.bind(system_id="rated")
    raw.send(*(request(SUBMIT, sequence, submit_body()) for sequence in range(4)))
    frames = raw.frames(4)
    for frame in frames[:2]:
        field(frame, SUBMIT)
    assert frames[2:] == [answer(SUBMIT, RTHROTTLED, 2), answer(SUBMIT, RTHROTTLED, 3)]
    raw.send(request(DATA, 9, DATA_BODY))
    raw.expect(answer(DATA, RTHROTTLED, 9))
    raw.lives()


def test_throughput_of_a_route(bound: Raw) -> None:
    bound.send(*(request(SUBMIT, sequence, submit_body(to=(1, 1, b"33100"))) for sequence in range(3)))
    frames = bound.frames(3)
    for frame in frames[:2]:
        field(frame, SUBMIT)
    assert frames[2] == answer(SUBMIT, RTHROTTLED, 2)


def test_full_queue_of_a_route(bound: Raw) -> None:
    bound.send(*(request(SUBMIT, sequence, submit_body(to=(1, 1, b"33200"))) for sequence in range(3)))
    frames = bound.frames(3)
    for frame in frames[:2]:  # one passes, one waits
        field(frame, SUBMIT)
    assert frames[2] == answer(SUBMIT, RMSGQFUL, 2)


# The other operations.

DATA_BODY = c("") + b"\x05\x00" + c("smppd") + b"\x01\x01" + c("447700900123") + b"\0\0\0" + tlv(0x424, b"Hello")


def test_data_sm(bound: Raw) -> None:
    bound.send(request(DATA, 5, DATA_BODY))
    assert len(field(bound.frame(), DATA)) == 10
    bound.ask(request(DATA, 6, DATA_BODY + b"\0"), answer(DATA, RINVOPTPARSTREAM, 6))


def query_body(message_id: bytes, source: bytes = b"smppd") -> bytes:
    return c(message_id) + b"\x05\x00" + c(source)


def cancel_body(message_id: bytes) -> bytes:
    return c("") + query_body(message_id) + b"\0\0" + c("")


def replace_body(message_id: bytes) -> bytes:
    return query_body(message_id) + c("") + c("") + b"\0\0\x03new"


@pytest.mark.parametrize(
    ("command", "body", "failure"),
    [(QUERY, query_body, RQUERYFAIL), (CANCEL, cancel_body, RCANCELFAIL), (REPLACE, replace_body, RREPLACEFAIL)],
    ids=["query_sm", "cancel_sm", "replace_sm"],
)
def test_operations_on_a_message_that_is_not_there(
    live: Live, bound: Raw, command: int, body: Callable[[bytes], bytes], failure: int
) -> None:
    owner = bound
    with live.client() as stranger:
        stranger.bind()
        owner.send(request(SUBMIT, 2, submit_body(to=(1, 1, b"33500"))))
        message_id = field(owner.frame(), SUBMIT)
        for malformed in (b"x" * 64, b"not hex", b"12345678901"):
            owner.ask(request(command, 3, body(malformed)), answer(command, RINVMSGID, 3))
        owner.ask(request(command, 4, body(b"99")), answer(command, failure, 4))
        stranger.ask(request(command, 5, body(message_id)), answer(command, failure, 5))
        owner.send(request(command, 6, body(message_id)))
        assert owner.frame()[4:16] == struct.pack(">III", command | RESP, 0, 6)


def test_query_sm(bound: Raw) -> None:
    bound.send(request(SUBMIT, 2, submit_body(to=(1, 1, b"33500"))))
    message_id = field(bound.frame(), SUBMIT)
    bound.ask(request(QUERY, 3, query_body(message_id)), answer(QUERY, 0, 3, c(message_id) + b"\0\x01\0"))
    bound.ask(request(CANCEL, 4, cancel_body(message_id)), answer(CANCEL, 0, 4))
    bound.send(request(QUERY, 5, query_body(message_id)))
    frame = bound.frame()
    assert (frame[16:27], frame[27 + 15 : 27 + 17], frame[-2:]) == (c(message_id), b"+\0", b"\x04\0")
    bound.ask(request(CANCEL, 6, cancel_body(message_id)), answer(CANCEL, RCANCELFAIL, 6))


def test_submit_multi(bound: Raw) -> None:
    head = c("") + b"\x05\x00" + c("smppd")
    rest = b"\0\0\0" + c("") + c("") + b"\0\0\0\0\x02Hi"
    to = b"\x01\x01\x01" + c("447700900001") + b"\x01\x01\x01" + c("999") + b"\x02" + c("list")
    bound.send(request(SUBMIT_MULTI, 5, head + b"\x03" + to + rest))
    frame = bound.frame()
    assert frame[4:16] == struct.pack(">III", SUBMIT_MULTI | RESP, 0, 5)
    assert frame[16 + 11 :] == (
        b"\x02" + b"\x01\x01" + c("999") + struct.pack(">I", RINVDSTADR) + b"\0\0" + c("list") + frame[-4:]
    )
    bound.ask(request(SUBMIT_MULTI, 6, head + b"\x01\x03" + c("x") + rest), answer(SUBMIT_MULTI, 0x40, 6))
    bound.ask(request(SUBMIT_MULTI, 7, head + b"\x00" + rest), answer(SUBMIT_MULTI, 0x33, 7))


# The stream.


def test_pdus_split_at_every_octet(live: Live) -> None:
    stream = request(BIND_TRX, 1, bind_body()) + request(SUBMIT, 2, submit_body()) + request(UNBIND, 3)
    with live.client() as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in stream:
            client.send(bytes((octet,)))
        client.expect(bind_resp())
        field(client.frame(), SUBMIT)
        client.expect(answer(UNBIND, 0, 3))


def test_pdus_split_in_two_at_every_boundary(bound: Raw) -> None:
    bound.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    frame = request(SUBMIT, 2, submit_body())
    for cut in range(1, len(frame)):
        bound.send(frame[:cut])
        bound.send(frame[cut:] + request(ENQUIRE_LINK, cut))
        field(bound.frame(), SUBMIT)
        bound.expect(answer(ENQUIRE_LINK, 0, cut))


def test_a_thousand_pdus_in_one_segment(bound: Raw) -> None:
    bound.send(*(request(SUBMIT, sequence, submit_body()) for sequence in range(1000)))
    frames = bound.frames(1000)
    assert [int.from_bytes(frame[12:16], "big") for frame in frames] == list(range(1000))
    ids = [field(frame, SUBMIT) for frame in frames]
    assert len(set(ids)) == 1000


def test_mixed_requests_are_answered_in_order(bound: Raw) -> None:
    bound.send(
        request(ENQUIRE_LINK, 1),
        request(SUBMIT, 2, submit_body(priority=7)),
        request(0x7777, 3),
        answer(SUBMIT, 0, 99),
        request(BIND_TX, 4, bind_body()),
        request(SUBMIT, 5, submit_body(to=(1, 1, b"999"))),
        request(DELIVER, 6),
        request(ENQUIRE_LINK, 7),
    )
    bound.expect(
        answer(ENQUIRE_LINK, 0, 1),
        answer(SUBMIT, RINVPRTFLG, 2),
        pdu(NACK, RINVCMDID, 3),
        answer(BIND_TX, RALYBND, 4),
        answer(SUBMIT, RINVDSTADR, 5),
        answer(DELIVER, RINVBNDSTS, 6),
        answer(ENQUIRE_LINK, 0, 7),
    )


def test_the_same_sequence_number_again_and_again(bound: Raw) -> None:
    bound.send(*(request(SUBMIT, 7, submit_body()) for _ in range(5)), *(request(ENQUIRE_LINK, 7) for _ in range(5)))
    assert len({field(bound.frame(), SUBMIT) for _ in range(5)}) == 5
    bound.expect(*(answer(ENQUIRE_LINK, 0, 7) for _ in range(5)))


def test_command_status_of_a_request_is_ignored(bound: Raw) -> None:
    bound.send(pdu(SUBMIT, 0xFFFFFFFF, 2, submit_body()))
    field(bound.frame(), SUBMIT)


# Unbinding.


@ALL_BINDS
@pytest.mark.parametrize("sequence", SEQUENCES)
def test_unbind(raw: Raw, bind: int, sequence: int) -> None:
    raw.bind(bind)
    raw.ask(request(UNBIND, sequence), answer(UNBIND, 0, sequence))
    raw.lives()  # for a moment, so that the ESME may close first or bind again


def test_a_client_that_does_not_close_after_its_unbind_is_closed(bound: Raw) -> None:
    bound.ask(request(UNBIND, 2), answer(UNBIND, 0, 2))
    bound.ended()


def test_after_an_unbind_only_a_bind_is_served(bound: Raw) -> None:
    bound.send(request(UNBIND, 2), request(SUBMIT, 3, submit_body()), request(UNBIND, 4), request(ENQUIRE_LINK, 5))
    bound.expect(
        answer(UNBIND, 0, 2), answer(SUBMIT, RINVBNDSTS, 3), answer(UNBIND, RINVBNDSTS, 4), answer(ENQUIRE_LINK, 0, 5)
    )


def test_bind_again_on_the_same_connection(bound: Raw, name: str) -> None:
    """Quirk Q71, several times over, with every kind of bind."""
    bound.ask(request(UNBIND, 2), answer(UNBIND, 0, 2))
    for sequence, bind in enumerate((BIND_RX, BIND_TX, BIND_TRX) * 3):
        bound.ask(request(bind, sequence, bind_body(name, version=0x50)), bind_resp(bind, sequence))
        refused = answer(SUBMIT, RINVBNDSTS, 3)
        bound.send(request(SUBMIT, 3, submit_body()))
        frame = bound.frame()
        assert (frame == refused) == (bind == BIND_RX)
        bound.ask(request(UNBIND, 4), answer(UNBIND, 0, 4))
    bound.ask(request(BIND_TX, 5, bind_body(password="wrong")), answer(BIND_TX, RINVPASWD, 5))
    bound.ended()


def test_a_session_in_one_segment(raw: Raw) -> None:
    raw.send(
        request(SUBMIT, 1, submit_body()),
        request(BIND_TX, 2, bind_body()),
        request(SUBMIT, 3, submit_body()),
        request(UNBIND, 4),
        request(SUBMIT, 5, submit_body()),
        request(BIND_RX, 6, bind_body()),
        request(SUBMIT, 7, submit_body()),
        request(UNBIND, 8),
    )
    raw.expect(answer(SUBMIT, RINVBNDSTS, 1), bind_resp(BIND_TX, 2))
    field(raw.frame(), SUBMIT)
    raw.expect(
        answer(UNBIND, 0, 4),
        answer(SUBMIT, RINVBNDSTS, 5),
        bind_resp(BIND_RX, 6),
        answer(SUBMIT, RINVBNDSTS, 7),
        answer(UNBIND, 0, 8),
    )


def test_a_client_that_ends_its_direction_gets_its_answers(raw: Raw) -> None:
    raw.send(request(BIND_TX, 1, bind_body()), request(SUBMIT, 2, submit_body()), request(UNBIND, 3))
    raw.socket.shutdown(socket.SHUT_WR)
    raw.expect(bind_resp(BIND_TX))
    field(raw.frame(), SUBMIT)
    raw.expect(answer(UNBIND, 0, 3))
    raw.ended()


# Receipts.


def submit_for_receipt(client: Raw, **fields: object) -> bytes:
    client.send(request(SUBMIT, 2, submit_body(registered=1, **fields)))  # type: ignore[arg-type]
    return field(client.frame(), SUBMIT)


def test_a_receipt(bound: Raw) -> None:
    message_id = submit_for_receipt(bound, source=(5, 0, b"smppd"), to=(1, 1, b"447700900123"))
    frame = bound.frame()
    sequence, esm_class, text, tlvs = delivered(frame)
    assert sequence == 1
    assert frame[16:].startswith(c("") + b"\x01\x01" + c("447700900123") + b"\x05\x00" + c("smppd") + b"\x04")
    assert text.startswith(b"id:" + message_id + b" sub:001 dlvrd:001 submit date:")
    assert b" stat:DELIVRD err:000 " in text
    assert tlvs == tlv(0x1E, c(message_id)) + tlv(0x427, b"\x02")
    assert esm_class == 0x04
    bound.send(answer(DELIVER, 0, sequence, b"\0"))
    bound.lives()


@pytest.mark.parametrize("body", [b"", b"\0", c("some id"), b"no terminator", tlv(0x427, b"\x02")])
def test_any_body_of_deliver_sm_resp_will_do(live: Live, bound: Raw, name: str, body: bytes) -> None:
    submit_for_receipt(bound)
    sequence = delivered(bound.frame())[0]
    bound.send(answer(DELIVER, 0, sequence, body))
    bound.lives()
    assert live.call(lambda: live.server.engine.esmes[name].waiting) == 0


@pytest.mark.parametrize(
    "reply",
    [
        lambda sequence: answer(DELIVER, 0, sequence + 1000, b"\0"),
        lambda sequence: answer(SUBMIT, 0, sequence, b"\0"),
        lambda _: b"",
    ],
    ids=["wrong sequence", "response to something else", "none"],
)
def test_a_receipt_that_was_not_acknowledged_goes_to_the_next_bind(
    live: Live, name: str, reply: Callable[[int], bytes]
) -> None:
    with live.client() as client:
        client.bind(system_id=name)
        message_id = submit_for_receipt(client)
        first = client.frame()
        client.send(reply(delivered(first)[0]))
        client.lives()
    with live.client() as other:
        other.bind(BIND_RX)
        other.lives()  # another account gets none of it
    with live.client() as again:
        again.bind(BIND_RX, system_id=name)
        second = again.frame()
        assert second == first, "the same receipt, under the first number of its session"
        assert delivered(second)[2].startswith(b"id:" + message_id)
        again.send(answer(DELIVER, 0, delivered(second)[0], b"\0"))
        again.lives()


def test_an_acknowledged_receipt_is_not_sent_again(live: Live, name: str) -> None:
    with live.client() as client:
        client.bind(system_id=name)
        submit_for_receipt(client)
        # Acknowledged in the same segment as the unbind.
        client.send(answer(DELIVER, 0, delivered(client.frame())[0], b"\0"), request(UNBIND, 9))
        client.expect(answer(UNBIND, 0, 9))
    with live.client() as again:
        again.bind(BIND_RX, system_id=name)
        again.lives()


def test_a_refused_receipt_is_not_sent_again(live: Live, name: str) -> None:
    with live.client() as client:
        client.bind(system_id=name)
        submit_for_receipt(client)
        client.send(answer(DELIVER, 0x65, delivered(client.frame())[0]))  # RX_P_APPN: never
        submit_for_receipt(client)
        client.send(pdu(NACK, RINVCMDID, delivered(client.frame())[0]))  # a client that knows no deliver_sm
        client.lives()
    with live.client() as again:
        again.bind(BIND_RX, system_id=name)
        again.lives()


def test_receipts_wait_while_only_a_transmitter_is_bound(live: Live, name: str) -> None:
    with live.client() as transmitter:
        transmitter.bind(BIND_TX, system_id=name)
        message_id = submit_for_receipt(transmitter)
        live.until(lambda: live.server.engine.esmes[name].pending)
        transmitter.lives()
        with live.client() as receiver:
            receiver.bind(BIND_RX, system_id=name)
            frame = receiver.frame()
            assert delivered(frame)[2].startswith(b"id:" + message_id)
            receiver.send(answer(DELIVER, 0, 1))
            receiver.lives()


# Accidents.


def test_reset_in_the_middle_of_a_pdu(live: Live, name: str) -> None:
    for cut in (1, 15, 16, 30):
        with live.client() as victim:
            victim.bind(system_id=name)
            victim.send(request(SUBMIT, 2, submit_body())[:cut])
            victim.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    live.until(lambda: live.server.accounts.get(name).bound == 0)  # type: ignore[union-attr]


def test_noise_is_answered_or_closed(live: Live, bound: Raw, name: str) -> None:
    chance = random.Random(2775)
    for round_number in range(60):
        with live.client() as client:
            if round_number % 2:
                client.bind(system_id="longpass", password="a password of 24 letters")
            client.send(noise(chance))
            client.socket.shutdown(socket.SHUT_WR)
            while client.socket.recv(65536):
                pass
    bound.lives()


def noise(chance: random.Random) -> bytes:
    """Octets: pure noise, or whole PDUs with a sane length and anything inside, or good ones with a few octets hit."""
    kind = chance.randrange(3)
    if kind == 0:
        return chance.randbytes(chance.randrange(1, 400))
    octets = bytearray()
    for _ in range(chance.randrange(1, 30)):
        command = chance.choice([SUBMIT, SUBMIT_MULTI, DATA, QUERY, CANCEL, REPLACE, DELIVER, 0x111, 0x1234])
        command |= chance.choice([0, 0, 0, RESP])
        if kind == 1:
            body = chance.randbytes(chance.randrange(80))
        else:
            body = bytearray(submit_body(registered=chance.randrange(256), tail=tlv(0x424, b"x")))
            for _ in range(chance.randrange(4)):
                body[chance.randrange(len(body))] = chance.randrange(256)
        octets += pdu(command, 0, chance.getrandbits(32), bytes(body))
    return bytes(octets)


def test_a_burst_of_requests_answers_each(live: Live, bound: Raw) -> None:
    """Fewer than a million here; memory is another test's business."""
    burst = request(SUBMIT, 2, submit_body()) * 500
    for _ in range(40):
        bound.send(burst)
        frames = bound.frames(500)
        assert {frame[4:12] for frame in frames} == {struct.pack(">II", SUBMIT | RESP, 0)}


def test_every_session_is_gone_in_the_end(live: Live) -> None:
    wait_until(lambda: live.call(lambda: live.context.unbound + len(live.context.connections)) == 0)
    assert live.call(live.server.session_counts) == {}
