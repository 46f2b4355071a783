"""Wireshark reads what the server says: an outsider's dissector over every PDU of a broad session.

The frames come from the server's own journal, are wrapped into a capture file, and go through tshark. It must find as
many PDUs as there were, nothing malformed, nothing to remark, and in the fields what we meant.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from smppd.settings import Delay, Match, Network, Route, Server, Timers
from tests.transport.support import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    CANCEL,
    DATA,
    DELIVER,
    ENQUIRE_LINK,
    NACK,
    QUERY,
    REPLACE,
    RESP,
    SUBMIT,
    SUBMIT_MULTI,
    UNBIND,
    Live,
    Raw,
    answer,
    bind_body,
    c,
    live_settings,
    pdu,
    request,
    submit_body,
    tlv,
)

TSHARK = shutil.which("tshark")
pytestmark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed (Debian: apt install tshark)")

BROADCAST = 0x111
SMPP_PORT = 2775
LINKTYPE_RAW = 101
"""Packets begin with the IP header."""
SEGMENT = 1400
"""Octets in a TCP segment: large PDUs come in several, as on a real line."""

RECEIPT_TYPE, NOTIFICATION_TYPE = 1, 8
"""Message types as Wireshark counts them: esm_class 0x04 and 0x20 without the two bits of the mode."""

RINVMSGLEN, RINVCMDLEN, RINVCMDID, RINVBNDSTS, RALYBND, RINVPRTFLG = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
RINVDSTADR, RINVPASWD, RINVSYSID, RCANCELFAIL, RREPLACEFAIL, RQUERYFAIL = 0x0B, 0x0E, 0x0F, 0x11, 0x13, 0x67
RINVDLNAME, RINVNUMDESTS, RINVOPTPARSTREAM = 0x34, 0x33, 0xC0
ENROUTE, DELIVERED, DELETED, UNDELIVERABLE = 1, 2, 4, 5

MO_PAYLOAD = bytes(range(32, 127)) * 650
"""More than 60,000 octets: the PDU takes dozens of segments."""


# The capture file.


def capture(frames: Sequence[tuple[int, bytes]]) -> bytes:
    """A pcap file of (session, frame): one TCP connection per session, from the SMPP port to one of its own."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, LINKTYPE_RAW)]
    sent: Counter[int] = Counter()
    clock = 0
    for session, frame in frames:
        for start in range(0, len(frame), SEGMENT):
            octets = frame[start : start + SEGMENT]
            packet = ip_packet(40_000 + session, sent[session] + 1, octets)
            sent[session] += len(octets)
            clock += 1
            out.append(struct.pack("<IIII", clock // 1000, clock % 1000 * 1000, len(packet), len(packet)) + packet)
    return b"".join(out)


def ip_packet(port: int, sequence: int, octets: bytes) -> bytes:
    """IPv4 and TCP headers (PSH and ACK) around octets; the checksums are zero: not computed."""
    tcp = struct.pack(">HHIIBBHHH", SMPP_PORT, port, sequence, 1, 5 << 4, 0x18, 65535, 0, 0)
    address = bytes((127, 0, 0, 1))
    header = struct.pack(">BBHHHBBH", 0x45, 0, 40 + len(octets), 0, 0, 64, 6, 0)
    return header + address + address + tcp + octets


# What Wireshark says.


class Reading:
    """One SMPP PDU as tshark shows it."""

    def __init__(self, proto: ET.Element) -> None:
        self._fields = list(proto.iter("field"))

    def all(self, name: str) -> list[str]:
        """Every value of a field, as tshark shows it."""
        return [item.get("show", "") for item in self._fields if item.get("name") == f"smpp.{name}"]

    def number(self, name: str) -> int | None:
        """The first value of a field as a number; None when it is not there."""
        values = self.all(name)
        return int(values[0], 0) if values else None

    def text(self, name: str) -> str | None:
        """The first value of a field; None when it is not there."""
        values = self.all(name)
        return values[0] if values else None

    def octets(self, name: str) -> bytes:
        """The octets behind the first occurrence of a field; none when it is not there."""
        values = [item.get("value", "") for item in self._fields if item.get("name") == f"smpp.{name}"]
        return bytes.fromhex(values[0]) if values else b""

    @property
    def header(self) -> list[int | None]:
        """command_length, command_id, command_status (which tshark shows of responses only), sequence_number."""
        return [self.number(name) for name in ("command_length", "command_id", "command_status", "sequence_number")]

    @property
    def remarks(self) -> list[str]:
        """What Wireshark finds worth a remark: experts' messages of any severity."""
        return [
            item.get("showname", "") for item in self._fields if item.get("name") in ("_ws.expert", "_ws.malformed")
        ]


def read_capture(path: Path) -> tuple[list[Reading], list[str]]:
    """The PDUs in a capture file, and the names of whatever tshark calls malformed."""
    done = subprocess.run(
        [str(TSHARK), "-n", "-r", str(path), "-d", f"tcp.port=={SMPP_PORT},smpp", "-T", "pdml"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    protos = list(ET.fromstring(done.stdout).iter("proto"))
    malformed = [proto.get("showname", "") for proto in protos if proto.get("name") == "_ws.malformed"]
    return [Reading(proto) for proto in protos if proto.get("name") == "smpp"], malformed


# The session.


@dataclass
class Run:
    """What a server emitted, and what it meant by some of it."""

    frames: list[tuple[int, bytes]] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    """Label of a message -> the message_id that its response had."""

    def take(self, smsc: Live) -> None:
        """Keep what a server emitted; its sessions get numbers beyond those of the servers before it."""
        used = max((session for session, _ in self.frames), default=0)
        self.frames += [
            (used + int(entry.session), entry.frame) for entry in smsc.server.journal if entry.direction == "out"
        ]


def message_id(frame: bytes) -> str:
    """The message_id of a response that has nothing behind it but what is not of interest here."""
    return frame[16:].partition(b"\0")[0].decode("ascii")


def exchange(run: Run) -> Callable[..., bytes]:
    """A function that asks one thing of a server and checks the status it answers with."""

    def ask(client: Raw, frame: bytes, status: int = 0, label: str = "") -> bytes:
        client.send(frame)
        command_id, _, sequence = struct.unpack_from(">III", frame, 4)
        while True:
            got = client.frame()
            if got[4:8] == struct.pack(">I", command_id | RESP) and got[12:16] == struct.pack(">I", sequence):
                break
            acknowledge(client, got)
        assert struct.unpack_from(">I", got, 8) == (status,), got.hex()
        if label:
            run.ids[label] = message_id(got)
        return got

    return ask


def acknowledge(client: Raw, frame: bytes) -> None:
    """Answer a request of the server."""
    command_id, _, sequence = struct.unpack_from(">III", frame, 4)
    assert command_id in (DELIVER, ENQUIRE_LINK), frame.hex()
    client.send(answer(command_id, 0, sequence, b"\0" if command_id == DELIVER else b""))


def receive(client: Raw, count: int) -> None:
    """Take and answer this many requests of the server."""
    for _ in range(count):
        acknowledge(client, client.frame())


def multi_body(*destinations: bytes) -> bytes:
    head = c("") + bytes((5, 0)) + c("ACME") + bytes((len(destinations),)) + b"".join(destinations)
    return head + bytes((0, 0, 0)) + c("") + c("") + bytes((1, 0, 0, 0, 5)) + b"multi"


def sme(address: bytes) -> bytes:
    return bytes((1, 1, 1)) + c(address)


def cancel_body(wanted: str) -> bytes:
    return c("") + c(wanted) + bytes((5, 0)) + c("smppd") + bytes((1, 1)) + c("447700900123")


def replace_body(wanted: str) -> bytes:
    return c(wanted) + bytes((5, 0)) + c("smppd") + c("") + c("") + bytes((1, 0, 3)) + b"new"


def query_body(wanted: str) -> bytes:
    return c(wanted) + bytes((5, 0)) + c("smppd")


def data_body(address: bytes) -> bytes:
    head = c("") + bytes((5, 0)) + c("ACME") + bytes((1, 1)) + c(address) + bytes((0, 1, 0))
    return head + tlv(0x0424, b"data")


def in_session(smsc: Live, run: Run) -> None:
    """One transceiver that uses everything."""
    ask = exchange(run)
    with smsc.client() as esme:
        ask(esme, request(BIND_TRX, 1, bind_body()))
        ask(esme, request(BIND_TRX, 2, bind_body()), RALYBND)
        ask(esme, request(ENQUIRE_LINK, 0xFFFFFFFF))
        ask(esme, request(SUBMIT, 3, submit_body(registered=1)), label="plain")
        receive(esme, 1)
        ask(esme, request(SUBMIT, 4, submit_body(registered=0x11, tail=tlv(0x0204, b"\x12\x34"))), label="notified")
        receive(esme, 2)
        ask(esme, request(SUBMIT, 5, submit_body(registered=1, to=(1, 1, b"33612345678"))), label="failed")
        receive(esme, 1)
        udh = submit_body(registered=1, esm_class=0x40, text=b"\5\0\3\1\2\1part", service_type=b"CMT")
        ask(esme, request(SUBMIT, 6, udh), label="part")
        receive(esme, 1)
        ask(esme, request(SUBMIT, 7, submit_body(priority=9)), RINVPRTFLG)
        ask(esme, request(SUBMIT, 8, submit_body(to=(1, 1, b"99"))), RINVDSTADR)
        ask(esme, request(SUBMIT, 9, submit_body(tail=b"\0\0\0")), RINVOPTPARSTREAM)
        ask(esme, request(SUBMIT, 10, submit_body(tail=tlv(0x0424, b"both"))), RINVMSGLEN)
        ask(esme, request(DATA, 11, data_body(b"447700900123")), label="data")
        receive(esme, 1)
        ask(esme, request(DATA, 12, data_body(b"99")), RINVDSTADR)
        friends = bytes((2,)) + c("friends")
        ask(esme, request(SUBMIT_MULTI, 13, multi_body(sme(b"4471"), sme(b"99"), friends)), label="multi")
        receive(esme, 1)
        ask(esme, request(SUBMIT_MULTI, 14, multi_body()), RINVNUMDESTS)
        ask(esme, request(SUBMIT, 15, submit_body(registered=1, schedule=b"000000010000000R")), label="later")
        later = run.ids["later"]
        ask(esme, request(QUERY, 16, query_body(later)))
        ask(esme, request(REPLACE, 17, replace_body(later)))
        ask(esme, request(CANCEL, 18, cancel_body(later)))
        receive(esme, 1)
        ask(esme, request(QUERY, 19, query_body(later)))
        ask(esme, request(QUERY, 20, query_body("42")), RQUERYFAIL)
        ask(esme, request(CANCEL, 21, cancel_body(later)), RCANCELFAIL)
        ask(esme, request(REPLACE, 22, replace_body(later)), RREPLACEFAIL)
        esme.ask(request(0x00010203, 23, b"whatever"), pdu(NACK, RINVCMDID, 23))
        esme.send(request(DELIVER, 24, submit_body()))
        esme.frame()
        mo = submit_body(source=(1, 1, b"447700900123"), to=(0, 0, b"ACME"), text=b"", tail=tlv(0x0424, MO_PAYLOAD))
        assert smsc.call(lambda: smsc.server.engine.deliver("mo", "smppclient1", mo))
        receive(esme, 1)
        ask(esme, request(UNBIND, 25))


def in_other_sessions(smsc: Live, run: Run) -> None:
    """Other binds, refusals, SMPP 3.3, broken streams, and the server's own unbind."""
    ask = exchange(run)
    with smsc.client() as esme:
        ask(esme, request(BIND_TX, 1, bind_body()))
        ask(esme, request(SUBMIT, 2, submit_body()), label="by a transmitter")
        ask(esme, request(UNBIND, 3))
    with smsc.client() as esme:
        ask(esme, request(BIND_RX, 1, bind_body()))
        ask(esme, request(SUBMIT, 2, submit_body()), RINVBNDSTS)
        ask(esme, request(UNBIND, 3))
    for bind in (BIND_TX, BIND_RX, BIND_TRX):
        with smsc.client() as esme:
            ask(esme, request(bind, 1, bind_body(password="nope")), RINVPASWD)
        with smsc.client() as esme:
            ask(esme, request(bind, 2, bind_body(system_id="stranger")), RINVSYSID)
    with smsc.client() as esme:
        ask(esme, request(SUBMIT, 1, submit_body()), RINVBNDSTS)
        ask(esme, request(ENQUIRE_LINK, 2))
        esme.ask(struct.pack(">IIII", 15, SUBMIT, 0, 3), pdu(NACK, RINVCMDLEN, 3))
    with smsc.client() as esme:
        ask(esme, request(BIND_TRX, 1, bind_body(version=0x33)))
        ask(esme, request(SUBMIT, 2, submit_body(registered=1)), label="3.3")
        receive(esme, 1)
        (connection,) = (one for one in smsc.context.connections if one.bound_as is not None)
        smsc.call(connection.unbind)
        unbind = esme.frame()
        assert unbind[4:8] == struct.pack(">I", UNBIND)
        esme.send(answer(UNBIND, 0, int.from_bytes(unbind[12:], "big")))
        esme.ended()


def in_a_5_0_session(smsc: Live, run: Run) -> None:
    """A server of SMPP 5.0 that asks now and then whether the ESME is there."""
    ask = exchange(run)
    with smsc.client() as esme:
        ask(esme, request(BIND_TRX, 1, bind_body(version=0x50)))
        receive(esme, 1)
        ask(esme, request(SUBMIT, 2, submit_body(registered=0)), label="5.0")
        ask(esme, request(BROADCAST, 3), RINVCMDLEN)


@pytest.fixture(scope="module")
def run() -> Run:
    """The whole script, once."""
    at_once = Delay(distribution="fixed", value=0.0)
    networks = {
        "good": Network(delay=at_once),
        "bad": Network(delay=at_once, outcome={"UNDELIV": 1.0}, error={"UNDELIV": 27}),
    }
    routes = [
        Route(name="uk", match=Match(destination_addr="44*"), network="good"),
        Route(name="fr", match=Match(destination_addr="33*"), network="bad"),
    ]
    run = Run()
    with Live(live_settings(network={**networks, "default": Network()}, route=routes)) as smsc:
        in_session(smsc, run)
        in_other_sessions(smsc, run)
        run.take(smsc)
    server = Server(smpp=["127.0.0.1:0"], http="", shutdown_grace=0.0, interface_version="5.0")
    timers = Timers(session_init=0, enquire_link=0.02, inactivity=0, response=0)
    with Live(live_settings(server=server, timers=timers)) as smsc:
        in_a_5_0_session(smsc, run)
        run.take(smsc)
    return run


@pytest.fixture(scope="module")
def capture_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the capture file is written."""
    return tmp_path_factory.mktemp("capture") / "smppd.pcap"


@pytest.fixture(scope="module")
def readings(run: Run, capture_path: Path) -> list[Reading]:
    """What Wireshark reads in it."""
    capture_path.write_bytes(capture(run.frames))
    pdus, malformed = read_capture(capture_path)
    assert malformed == []
    return pdus


def of_command(readings: Sequence[Reading], command_id: int, status: int | None = 0) -> list[Reading]:
    return [reading for reading in readings if reading.header[1:3] == [command_id, status]]


# What it must be.


def test_wireshark_finds_every_pdu_and_its_header(run: Run, readings: list[Reading]) -> None:
    headers = [struct.unpack_from(">IIII", frame) for _, frame in run.frames]
    assert [reading.header for reading in readings] == [
        [length, command_id, status if command_id & RESP else None, sequence]
        for length, command_id, status, sequence in headers
    ]
    assert [len(frame) for _, frame in run.frames] == [length for length, *_ in headers]


def test_wireshark_has_nothing_to_remark(readings: list[Reading]) -> None:
    assert [remark for reading in readings for remark in reading.remarks] == []


def test_the_script_has_brought_forth_everything_the_server_says(readings: list[Reading]) -> None:
    requests = {SUBMIT, DATA, SUBMIT_MULTI, QUERY, CANCEL, REPLACE, BIND_TX, BIND_RX, BIND_TRX, ENQUIRE_LINK, UNBIND}
    responses = {command_id | RESP for command_id in requests | {DELIVER, BROADCAST}} | {NACK}
    assert {reading.header[1] for reading in readings} == responses | {DELIVER, ENQUIRE_LINK, UNBIND}


def test_bind_responses(readings: list[Reading]) -> None:
    accepted = [reading for bind in (BIND_TX, BIND_RX, BIND_TRX) for reading in of_command(readings, bind | RESP)]
    assert [(reading.text("system_id"), reading.number("SC_interface_version")) for reading in accepted] == [
        ("smppd", 0x34),
        ("smppd", 0x34),
        ("smppd", 0x34),
        ("smppd", None),  # to an ESME of SMPP 3.3
        ("smppd", 0x50),
    ]
    for bind in (BIND_TX, BIND_RX, BIND_TRX):
        for status in (RINVPASWD, RINVSYSID):
            (refused,) = of_command(readings, bind | RESP, status)
            assert refused.text("system_id") is None


def test_message_ids(run: Run, readings: list[Reading]) -> None:
    accepted = [
        reading.text("message_id")
        for command_id in (SUBMIT, DATA, SUBMIT_MULTI)
        for reading in of_command(readings, command_id | RESP)
    ]
    assert sorted(map(str, accepted)) == sorted(run.ids.values())
    assert len(run.ids) == 10


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("plain", [(RECEIPT_TYPE, DELIVERED, None)]),
        ("notified", [(NOTIFICATION_TYPE, ENROUTE, None), (RECEIPT_TYPE, DELIVERED, None)]),
        ("failed", [(RECEIPT_TYPE, UNDELIVERABLE, 27)]),
        ("part", [(RECEIPT_TYPE, DELIVERED, None)]),
        ("data", [(RECEIPT_TYPE, DELIVERED, None)]),
        ("multi", [(RECEIPT_TYPE, DELIVERED, None)]),
        ("later", [(RECEIPT_TYPE, DELETED, None)]),
        ("by a transmitter", []),
    ],
)
def test_receipts(run: Run, readings: list[Reading], label: str, expected: list[tuple[int, int, int | None]]) -> None:
    receipts = [reading for reading in readings if reading.text("receipted_message_id") == run.ids[label]]
    assert [
        (reading.number("esm.submit.msg_type"), reading.number("message_state"), reading.number("network_error.code"))
        for reading in receipts
    ] == expected
    for reading in receipts:
        assert reading.octets("message").startswith(b"id:" + run.ids[label].encode())
        # Neither mode nor features, nor anything asked for in return.
        names = ("esm.submit.msg_mode", "esm.submit.features", "regdel.receipt", "regdel.acks", "regdel.notif")
        assert [reading.number(name) for name in names] == [0, 0, 0, 0, 0]
        assert reading.number("network_error.type") in (None, 3)
        assert (reading.number("user_message_reference") == 0x1234) == (label == "notified")


def test_a_receipt_for_3_3_has_its_id_in_the_text_only(run: Run, readings: list[Reading]) -> None:
    marker = b"id:" + run.ids["3.3"].encode()
    (receipt,) = (
        reading for reading in of_command(readings, DELIVER, None) if reading.octets("message").startswith(marker)
    )
    assert receipt.all("opt_param_tag") == []
    assert len(run.ids["3.3"]) == 8


def test_a_long_message_from_a_subscriber(readings: list[Reading]) -> None:
    (mo,) = (reading for reading in of_command(readings, DELIVER, None) if reading.number("esm.submit.msg_type") == 0)
    assert mo.octets("message_payload") == MO_PAYLOAD
    assert (mo.text("source_addr"), mo.text("destination_addr"), mo.number("sm_length")) == ("447700900123", "ACME", 0)


def test_query_responses(run: Run, readings: list[Reading]) -> None:
    on_its_way, cancelled = of_command(readings, QUERY | RESP)
    assert [
        (reading.text("message_id"), reading.number("message_state"), reading.number("error_code"))
        for reading in (on_its_way, cancelled)
    ] == [(run.ids["later"], ENROUTE, 0), (run.ids["later"], DELETED, 0)]
    assert on_its_way.text("final_date") is None
    said = datetime.strptime(cancelled.octets("final_date")[:12].decode(), "%y%m%d%H%M%S").replace(tzinfo=UTC)
    assert str(cancelled.text("final_date")).startswith(said.strftime("%b %e, %Y %H:%M:%S"))


def test_submit_multi_response(readings: list[Reading]) -> None:
    (response,) = of_command(readings, SUBMIT_MULTI | RESP)
    assert response.all("destination_addr") == ["99", "friends"]
    assert [int(status, 0) for status in response.all("error_status_code")] == [RINVDSTADR, RINVDLNAME]


def test_the_reader_notices_what_is_wrong(capture_path: Path) -> None:
    """So that the tests above mean something: a string without its end, a TLV that runs over, text given twice."""
    endless = pdu(SUBMIT | RESP, 0, 1, b"1000000000")
    overrun = request(DELIVER, 2, submit_body(tail=struct.pack(">HH", 0x001E, 20) + b"1"))
    twice = request(DELIVER, 3, submit_body(tail=tlv(0x0424, b"twice")))
    for broken in (endless, overrun, twice):
        path = capture_path.with_name("broken.pcap")
        path.write_bytes(capture([(1, broken)]))
        readings, malformed = read_capture(path)
        assert len(readings) == 1
        assert malformed or readings[0].remarks, broken.hex()
