"""The ESME of `smppd demo`: it submits what it should and notes what it saw, without judging."""

from __future__ import annotations

import json
import socket
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from smppd.cli import demo_esme
from smppd.cli.demo_esme import CAMPAIGN, LONG_TEXT, WINDOW, Observer, a2p_mix, main
from smppd.settings import Match, Route
from smppwire.codec import encode
from smppwire.constants import HEADER_LENGTH
from smppwire.pdus import DeliverSm
from smppwire.text import decode_text
from smppwire.udh import parse_udh
from tests.transport.support import Live, live_settings

LONG = "long UCS-2 text"
CREDENTIALS = ["smppclient1", "password"]


def esme(address: str, *rest: str) -> int:
    host, _, port = address.rpartition(":")
    return main([host, port, *rest])


def send_mo(smsc: Live) -> None:
    """A subscriber's message, which waits for the ESME to bind."""
    mo = DeliverSm(source_addr=b"447700900003", destination_addr=b"smppd", short_message=b"YES")
    assert smsc.call(lambda: smsc.server.engine.deliver("mo", "smppclient1", encode(mo)[HEADER_LENGTH:]))


def test_the_mix() -> None:
    mix = a2p_mix()
    assert Counter(kind for kind, *_ in mix) == {
        "one-time code": 1,
        "alert": 1,
        "reminder": 1,
        LONG: 3,
        "campaign": CAMPAIGN,
    }
    assert CAMPAIGN == 1000
    parts = [(octets, data_coding, esm_class) for kind, _, octets, data_coding, esm_class in mix if kind == LONG]
    assert all(data_coding == 8 and esm_class == 0x40 for _, data_coding, esm_class in parts)
    assert decode_text(b"".join(parse_udh(octets)[1] for octets, _, _ in parts), 8) == LONG_TEXT
    campaign = [(destination, octets) for kind, destination, octets, *_ in mix if kind == "campaign"]
    assert len({destination for destination, _ in campaign}) == len({octets for _, octets in campaign}) == CAMPAIGN


def test_a_run_against_a_server(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(demo_esme, "CAMPAIGN", 2 * WINDOW)
    with Live(live_settings()) as smsc:
        send_mo(smsc)
        assert esme(smsc.address, *CREDENTIALS, "30") == 0
        assert smsc.call(smsc.server.session_counts) == {}
        assert smsc.call(lambda: smsc.server.engine.esmes["smppclient1"].waiting) == 0
    seen = json.loads(capsys.readouterr().out)
    assert len(seen["submissions"]) == 6 + 2 * WINDOW
    for entry in seen["submissions"]:
        assert (entry["status"], len(entry["receipts"])) == (0, 1)
        assert 0 < entry["response_s"] <= entry["receipt_s"]
    assert seen["mobile_originated"] == [{"from": "447700900003", "text": "YES"}]
    assert seen["unknown_receipts"] == 0
    assert 0 < seen["submitted_s"] <= seen["all_s"]


def test_refused_messages_are_noted_and_time_runs_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo_esme, "CAMPAIGN", 1)
    uk_only = [Route(name="uk", match=Match(destination_addr="44*"))]
    with Live(live_settings(route=uk_only)) as smsc:
        assert esme(smsc.address, *CREDENTIALS, "0.2") == 0
    seen = json.loads(capsys.readouterr().out)
    outcomes = Counter((entry["kind"], entry["status"], len(entry["receipts"])) for entry in seen["submissions"])
    assert outcomes == {
        ("one-time code", 0, 1): 1,
        ("alert", 0, 1): 1,
        ("reminder", 0, 1): 1,
        (LONG, 0x0B, 0): 3,
        ("campaign", 0, 1): 1,
    }
    assert seen["mobile_originated"] == []


def test_a_refused_bind(capsys: pytest.CaptureFixture[str]) -> None:
    with Live(live_settings()) as smsc:
        assert esme(smsc.address, "smppclient1", "nope", "5") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("PDUError: ")
    assert "Invalid Password" in captured.err


def test_nobody_listens(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert esme("{}:{}".format(*nobody.getsockname()), *CREDENTIALS, "5") == 1
    assert capsys.readouterr().err == "ConnectionError: Connection refused\n"


def pdu(**fields: Any) -> SimpleNamespace:
    """As much of a PDU of smpplib as an Observer looks at; a receipt unless said otherwise."""
    usual = {"status": 0, "message_id": None, "esm_class": 4, "receipted_message_id": None, "short_message": b""}
    return SimpleNamespace(**{**usual, **fields})


def test_the_observer_tells_receipts_messages_and_strangers_apart() -> None:
    observer = Observer()
    observer.sent("alert", 7)
    observer.sent("alert", 8)
    assert observer.unanswered == 2
    observer.answered(pdu(sequence=8, message_id=b"b"))
    observer.answered(pdu(sequence=7, status=0x58))
    observer.received(pdu(receipted_message_id=b"b", short_message=b"stat:DELIVRD"))
    observer.received(pdu(receipted_message_id=b"stranger"))
    observer.received(pdu())
    observer.received(pdu(esm_class=0, source_addr=b"44", short_message=b"YES"))
    refused, accepted = observer.submissions
    assert (refused["status"], refused["receipts"]) == (0x58, [])
    assert (accepted["status"], accepted["receipts"]) == (0, ["stat:DELIVRD"])
    assert (observer.unanswered, observer.receipts, observer.unknown_receipts) == (0, 1, 2)
    assert observer.mobile_originated == [{"from": "44", "text": "YES"}]
