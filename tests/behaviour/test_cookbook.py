"""docs/cookbook.md: every recipe is a complete configuration, and does what its heading says."""

import asyncio
import re
import socket
import struct
import sys
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from smppd.settings import Settings, load_settings
from smppwire.constants import CommandStatus
from smppwire.pdus import (
    BindTransceiverResp,
    DeliverSm,
    EnquireLink,
    GenericNack,
    QuerySm,
    SubmitSmResp,
    Tlv,
    Unbind,
)
from smppwire.receipt import parse_receipt
from tests.behaviour.support import ROOT
from tests.transport.stage import Esme, Stage, sms
from tests.transport.support import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    SUBMIT,
    Live,
    Raw,
    bind_body,
    field,
    request,
    run_virtually,
    submit_body,
)

TEXT = (ROOT / "docs" / "cookbook.md").read_text()
RECIPES = {
    title: dict(re.findall(r"^```(toml|python)\n(.*?)^```$", body, re.MULTILINE | re.DOTALL))
    for title, body in re.findall(r"^### ([^\n]+)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL)
}
"""By its title, the blocks of a recipe by their language."""

Act = Callable[[Stage], Coroutine[Any, Any, None]]
ACTS: dict[str, Act] = {}
CALLS: dict[str, Callable[[Live, Raw], None]] = {}

OK = 0
STATUS = CommandStatus


def cooked(title: str, place: Path, *overrides: str) -> Settings:
    """The settings of a recipe, read from a file as a user would have them."""
    file = place / "smppd.toml"
    file.write_text(RECIPES[title]["toml"])
    for name in re.findall(r"^`(\w+\.py)`", TEXT, re.MULTILINE):
        (place / name).write_text(RECIPES[title].get("python", ""))
    return load_settings(file, {}, ["server.smpp=127.0.0.1:0", "server.http=", "server.shutdown_grace=0.2", *overrides])


def on_stage(title: str) -> Callable[[Act], Act]:
    """What shows the effect of a recipe under the virtual clock."""

    def keep(act: Act) -> Act:
        assert title not in ACTS
        ACTS[title] = act
        return act

    return keep


def on_socket(title: str) -> Callable[[Callable[[Live, Raw], None]], Callable[[Live, Raw], None]]:
    """What shows the effect of a recipe over a real socket, in real time."""

    def keep(call: Callable[[Live, Raw], None]) -> Callable[[Live, Raw], None]:
        assert title not in CALLS
        CALLS[title] = call
        return call

    return keep


def submitted(esme: Esme, *destinations: str, **fields: Any) -> list[int]:
    """The command_statuses that answer messages to these destinations."""
    esme.received()
    esme.send(*(sms(destination, registered_delivery=0, **fields) for destination in destinations))
    return [pdu.command_status for pdu in esme.received() if isinstance(pdu, SubmitSmResp)]


def status(esme: Esme, destination: str = "447700900123", **fields: Any) -> int:
    (one,) = submitted(esme, destination, **fields)
    return one


def receipts(esme: Esme) -> list[Any]:
    return [
        parse_receipt(pdu.short_message)
        for pdu in esme.received()
        if isinstance(pdu, DeliverSm) and pdu.esm_class & 0x3C == 4
    ]


# -- refused ----------------------------------------------------------------------------------------------------------


@on_stage("Throttle for ten seconds every minute")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    throttled = []
    for _second in range(125):
        throttled.append(status(esme) == STATUS.ESME_RTHROTTLED)
        stage.advance(1)
    assert [second for second, is_throttled in enumerate(throttled) if is_throttled] == [
        *range(10),
        *range(60, 70),
        *range(120, 125),
    ]


@on_stage("Throttle whoever submits too fast to one destination")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    assert submitted(esme, *["4712"] * 7).count(STATUS.ESME_RTHROTTLED) == 2
    assert submitted(esme, *["4612"] * 7) == [OK] * 7
    stage.advance(1)
    assert submitted(esme, *["4712"] * 6).count(STATUS.ESME_RTHROTTLED) == 1


@on_stage("One message too many, and nothing for half a minute")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    assert submitted(esme, *["44"] * 103) == [OK] * 99 + [STATUS.ESME_RTHROTTLED] * 4
    stage.advance(29.9)
    assert status(esme) == STATUS.ESME_RTHROTTLED
    stage.advance(0.1)
    assert status(esme) == OK


@on_stage("Queue full now and then")
async def _(stage: Stage) -> None:
    counted = Counter(submitted(stage.bound(), *["44"] * 1000))
    assert counted.keys() == {OK, STATUS.ESME_RMSGQFUL}
    assert 25 < counted[STATUS.ESME_RMSGQFUL] < 80


@on_stage("Refuse twice, then accept")
async def _(stage: Stage) -> None:
    assert submitted(stage.bound(), *["44"] * 4) == [STATUS.ESME_RSYSERR] * 2 + [OK] * 2


@on_stage("A status of no specification")
async def _(stage: Stage) -> None:
    assert submitted(stage.bound(), "44791", "44781") == [0x401, OK]


@on_stage("Refuse links in texts")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    assert status(esme, text="see https://example.org") == STATUS.ESME_RSUBMITFAIL
    assert status(esme, short_message="see http://x".encode("utf-16-be"), data_coding=8) == STATUS.ESME_RSUBMITFAIL
    assert status(esme, text="see you") == OK


@on_stage("Refuse what lacks a vendor's TLV")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    assert status(esme) == STATUS.ESME_RMISSINGTLV
    assert status(esme, tlvs=(Tlv(0x1403, b"42"),)) == OK


@on_stage("Lose the second part of a long message")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    parts = [b"\5\0\3\7\3" + bytes((part,)) + b"text" for part in (1, 2, 3)]
    statuses = [status(esme, short_message=part, esm_class=0x40) for part in parts]
    assert statuses == [OK, STATUS.ESME_RMSGQFUL, OK]
    assert status(esme) == OK


@on_stage("Closed at night")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    closed = []
    for hour in range(24):  # the clock begins at noon UTC, which is 13 o'clock in Oslo
        closed += [(13 + hour) % 24] if status(esme) == STATUS.ESME_RSUBMITFAIL else []
        stage.advance(3600)
    assert sorted(closed) == [0, 1, 2, 3, 4, 5, 22, 23]


@on_stage("An outage, and its end")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    for seconds, expected in ((59, OK), (1, STATUS.ESME_RSYSERR), (179, STATUS.ESME_RSYSERR), (1, OK)):
        stage.advance(seconds)
        assert status(esme) == expected
        (response,) = esme.ask(QuerySm(message_id=b"1"))
        assert (response.command_status == STATUS.ESME_RSYSERR) == (expected != OK)


@on_stage("An outage that begins and ends with a message")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    assert submitted(esme, "44", "44") == [OK, OK]
    assert status(esme, "999", text="off") == OK
    assert submitted(esme, "44", "44") == [STATUS.ESME_RSYSERR] * 2
    assert status(esme, "999", text="on") == OK
    assert submitted(esme, "44", "44") == [OK, OK]


@on_stage("Refuse one kind of bind")
async def _(stage: Stage) -> None:
    esme = stage.connect()
    esme.feed(request(BIND_TRX, 1, bind_body()))
    assert esme.statuses() == [STATUS.ESME_RINVCMDID]
    stage.bound(BIND_TX)
    stage.bound(BIND_RX)


@on_stage("Refuse the first three binds")
async def _(stage: Stage) -> None:
    statuses = []
    for _try in range(4):
        esme = stage.connect()
        esme.feed(request(BIND_TRX, 1, bind_body()))
        statuses += esme.statuses()
    assert statuses == [STATUS.ESME_RSYSERR] * 3 + [OK]


@on_stage("RALYBND after a lost connection")
async def _(stage: Stage) -> None:
    def bind() -> int:
        esme = stage.connect()
        esme.feed(request(BIND_TRX, 1, bind_body()))
        (one,) = esme.statuses()
        return one

    esme = stage.bound()
    esme.connection.connection_lost(ConnectionResetError())
    assert bind() == STATUS.ESME_RALYBND
    stage.advance(59)
    assert bind() == STATUS.ESME_RALYBND
    stage.advance(2)
    assert bind() == OK


# -- answered late, otherwise or not at all ---------------------------------------------------------------------------


@on_stage("Answer late: 80, 15 and 5 in a hundred")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(*(sms(registered_delivery=0) for _ in range(1000)))
    shares = [len(esme.received())]
    for seconds in (0.01, 0.99, 4):
        stage.advance(seconds)
        shares.append(len(esme.received()))
    assert shares[0] == 0
    assert sum(shares) == 1000
    assert abs(shares[1] - 800) < 50
    assert abs(shares[2] - 150) < 45
    assert abs(shares[3] - 50) < 30


@on_stage("Never answer every hundredth")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    numbers = esme.send(*(sms(registered_delivery=0) for _ in range(250)))
    answered = [pdu.sequence_number for pdu in esme.received()]
    assert sorted(set(numbers) - set(answered)) == [numbers[99], numbers[199]]
    assert stage.server.engine.in_flight == 250


@on_stage("Answer twice")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(sms("44781"), sms("44791"))
    first, second, third = esme.received()
    assert first == second
    assert (first.sequence_number, third.sequence_number) == (2, 3)
    assert stage.server.engine.in_flight == 2


@on_stage("A wrong sequence number")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    numbers = esme.send(sms("44781"), sms("44791"))
    assert [pdu.sequence_number - number for pdu, number in zip(esme.received(), numbers, strict=True)] == [1, 0]


@on_stage("A generic_nack in place of the response")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    assert esme.ask(sms("44781")) == [GenericNack(2, STATUS.ESME_RINVCMDID)]


@on_stage("Slow binds")
async def _(stage: Stage) -> None:
    esme = stage.connect()
    esme.feed(request(BIND_TRX, 1, bind_body()))
    stage.advance(1.9)
    assert esme.received() == []
    stage.advance(6.1)
    (response,) = esme.received()
    assert isinstance(response, BindTransceiverResp)
    assert response.command_status == OK


@on_stage("Ignore enquire_link after a minute")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    stage.advance(59)
    assert len(esme.ask(EnquireLink())) == 1
    stage.advance(1)
    assert esme.ask(EnquireLink()) == []
    assert status(esme) == OK


# -- messages and receipts --------------------------------------------------------------------------------------------


@on_stage("Expire everything to a prefix")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(sms("88351"), sms("88361"))
    esme.received()
    stage.advance(2)
    assert {receipt.stat: receipt.err for receipt in receipts(esme)} == {"EXPIRED": "027", "DELIVRD": "000"}


@on_stage("One in ten cannot be delivered")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(*(sms("44") for _ in range(500)), *(sms("33") for _ in range(50)))
    esme.received()
    stage.advance(5)
    counted = Counter((receipt.stat, receipt.err) for receipt in receipts(esme))
    assert counted.keys() == {("DELIVRD", "000"), ("UNDELIV", "001")}
    assert 25 < counted["UNDELIV", "001"] < 80
    assert sum(counted.values()) == 550


@on_stage("Receipts hours later")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(*(sms() for _ in range(400)))
    esme.received()
    stage.advance(600)
    assert 150 < len(receipts(esme)) < 250
    stage.advance(5400)
    assert 130 < len(receipts(esme)) < 250
    stage.advance(86400)
    assert 0 < len(receipts(esme)) < 20


@on_stage("Receipts before the answer")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    esme.submit()
    stage.advance(1)
    (receipt,) = receipts(esme)
    stage.advance(2)
    (response,) = esme.received()
    assert isinstance(response, SubmitSmResp)
    assert response.message_id == receipt.id.encode()


@on_stage("Lose one percent of the receipts")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(*(sms() for _ in range(2000)))
    esme.received()
    stage.advance(10)
    assert 1960 < len(receipts(esme)) < 1995
    assert stage.server.engine.esmes["smppclient1"].waiting == 0


@on_stage("Receipts twice")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    esme.send(*(sms() for _ in range(100)))
    esme.received()
    stage.advance(10)
    counted = Counter(Counter(receipt.id for receipt in receipts(esme)).values())
    assert counted == {1: 90, 2: 10}


@on_stage("Two receipts that contradict each other")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    esme.submit()
    esme.received()
    stage.advance(10)
    first, second = receipts(esme)
    assert (first.id, first.stat) == (second.id, "DELIVRD")
    assert second.stat == "UNDELIV"


@on_stage("Answer in hexadecimal, report in decimal")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    esme.submit()
    (response,) = esme.received()
    assert isinstance(response, SubmitSmResp)
    stage.advance(10)
    (receipt,) = receipts(esme)
    assert response.message_id is not None
    assert re.fullmatch(r"\d{10}", receipt.id)
    assert int(response.message_id, 16) == int(receipt.id)


@on_stage("Receipts without TLVs, dates of another length")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    esme.submit()
    esme.received()
    stage.advance(10)
    (receipt,) = esme.received()
    assert isinstance(receipt, DeliverSm)
    assert receipt.tlvs == ()
    assert b"submit date:20260101120000" in receipt.short_message


# -- subscribers ------------------------------------------------------------------------------------------------------


def replies(esme: Esme) -> list[tuple[bytes, str]]:
    """(from, text) of what subscribers have said."""
    return [
        (pdu.source_addr, pdu.short_message.decode())
        for pdu in esme.received()
        if isinstance(pdu, DeliverSm) and not pdu.esm_class
    ]


@on_stage("Reply to a keyword")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    submitted(esme, "447700900001", text="Join chess")
    submitted(esme, "447700900002", text="Enjoy chess")
    stage.advance(1.9)
    assert replies(esme) == []
    stage.advance(0.1)
    assert replies(esme) == [(b"447700900001", "Welcome to chess!")]


@on_stage("A conversation of two steps")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    heard = []
    for text in ("Hi", "margherita", "Hi again"):
        submitted(esme, "447700900001", text=text)
        submitted(esme, "447700900002", text=text)
        stage.settle()
        heard += [text for _, text in replies(esme)]
    assert heard == ["Which pizza?", "One margherita, in half an hour.", "Which pizza?"]


@on_stage("Every message is echoed")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    for text in ("one", "two", "three"):
        submitted(esme, "4477", text=text)
    stage.advance(120)
    assert sorted(text for _, text in replies(esme)) == ["one", "three", "two"]


# -- connections ------------------------------------------------------------------------------------------------------


@on_stage("Disconnect after a hundred messages")
async def _(stage: Stage) -> None:
    for _connection in range(2):
        esme = stage.bound()
        assert submitted(esme, *["44"] * 150) == [OK] * 100
        assert esme.transport.eof
        await asyncio.sleep(0)


@on_stage("Unbind every hour")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    stage.advance(3599)
    assert esme.received() == []
    stage.advance(1.01)
    assert [type(pdu) for pdu in esme.received()] == [Unbind]


@on_stage("No congestion is not what we say")
async def _(stage: Stage) -> None:
    esme = stage.bound(version=0x50)
    (response,) = esme.ask(sms())
    assert response.tlv(0x0428) == bytes((90,))


@on_stage("Decide in Python")
async def _(stage: Stage) -> None:
    esme = stage.bound()
    assert submitted(esme, "44", "44", "45") == [OK, STATUS.ESME_RSUBMITFAIL, OK]
    assert status(esme, "44", text="another") == OK
    stage.advance(60)
    assert status(esme, "44") == OK
    assert stage.server.rules.hook_failures() == {}


@on_socket("Reset in the middle of a PDU")
def _(_live: Live, client: Raw) -> None:
    client.bind()
    for number in range(9):
        client.send(request(SUBMIT, 2 + number, submit_body()))
        field(client.frame(), SUBMIT)
    client.send(request(SUBMIT, 20, submit_body()))
    received = b""
    try:
        while octets := client.socket.recv(100):
            received += octets
        pytest.fail("closed in order")
    except ConnectionResetError:
        pass
    assert 0 < len(received) < int.from_bytes(received[:4].ljust(4, b"\xff"), "big")


@on_socket("One octet at a time")
def _(_live: Live, client: Raw) -> None:
    response = client.bind()
    # What comes fast is read together all the same; Linux says in how many segments it came.
    (segments,) = struct.unpack_from("I", client.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192), 152)
    assert segments == len(response)


@on_socket("A slow line")
def _(live: Live, client: Raw) -> None:
    client.send(request(BIND_TRX, 1, bind_body()))
    begin = live.call(live.loop.time)
    client.frame()
    assert live.call(live.loop.time) - begin > 0.02


# -- all of them ------------------------------------------------------------------------------------------------------


def test_every_recipe_is_tried() -> None:
    assert len(RECIPES) >= 20
    assert sorted(RECIPES) == sorted([*ACTS, *CALLS])


def test_every_recipe_is_a_configuration() -> None:
    assert [title for title, blocks in RECIPES.items() if "toml" not in blocks] == []


@pytest.mark.parametrize("title", sorted(ACTS))
def test_what_a_recipe_does(title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    timers = [f"timers.{name}=0" for name in ("session_init", "enquire_link", "inactivity", "response")]
    settings = cooked(title, tmp_path, "clock.mode=virtual", "clock.start=2026-01-01T12:00:00Z", *timers)

    async def run() -> None:
        stage = Stage(settings)
        try:
            await ACTS[title](stage)
        finally:
            stage.close()
            await asyncio.sleep(0)
        assert stage.events("internal error") == []

    run_virtually(run())
    sys.modules.pop("repeats", None)


@pytest.mark.parametrize("title", sorted(CALLS))
def test_what_a_recipe_does_to_a_socket(title: str, tmp_path: Path) -> None:
    with Live(cooked(title, tmp_path)) as live, live.client() as client:
        CALLS[title](live, client)
