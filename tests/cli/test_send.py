"""`smppd send` against a server, and against those who are none."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from smppd.cli.main import main
from smppd.settings import Delay, Match, Network, Route
from smppwire.pdus import SubmitSm
from smppwire.text import decode_text
from smppwire.udh import parse_udh
from tests.transport.support import BIND_TRX, RESP, SUBMIT, Live, account, bind_resp, live_settings, pdu

DESTINATION = "+447700900123"
ROOT = Path(__file__).parents[2]
AT_ONCE = Delay(distribution="fixed", value=0.0)
NEVER = Delay(distribution="fixed", value=86_400.0)

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def smsc() -> Iterator[Live]:
    """A server: 44 is delivered, 33 fails, 49 takes a day, anything else is refused."""
    networks = {
        "default": Network(delay=AT_ONCE),
        "bad": Network(delay=AT_ONCE, outcome={"UNDELIV": 1.0}, error={"UNDELIV": 12}),
        "slow": Network(delay=NEVER),
    }
    routes = [
        Route(name="uk", match=Match(destination_addr=["44*", "+44*"])),
        Route(name="fr", match=Match(destination_addr="33*"), network="bad"),
        Route(name="de", match=Match(destination_addr="49*"), network="slow"),
    ]
    accounts = [account(), account("other", "secret")]
    with Live(live_settings(network=networks, route=routes, account=accounts)) as live:
        yield live


def send(smsc: Live, *arguments: str) -> int:
    return main(["send", "--smpp", smsc.address, *arguments])


def records(smsc: Live) -> list[SubmitSm]:
    """What the server keeps of all messages, in the order of submission."""
    return smsc.call(lambda: [message.pdu for message in smsc.server.engine.messages.values()])


def test_one_message(smsc: Live, capsys: Capture) -> None:
    assert send(smsc, DESTINATION, "Hello {Zoé} €") == 0
    captured = capsys.readouterr()
    assert captured.out == "message_id 1000000000\nreceipt 1000000000: DELIVRD err:000\n"
    assert captured.err == ""
    (record,) = records(smsc)
    assert (record.source_addr_ton, record.source_addr_npi, record.source_addr) == (5, 0, b"smppd")
    assert (record.dest_addr_ton, record.dest_addr_npi, record.destination_addr) == (1, 1, DESTINATION.encode())
    assert (record.data_coding, record.esm_class, record.registered_delivery) == (0, 0, 1)
    assert decode_text(record.short_message, 0) == "Hello {Zoé} €"
    assert smsc.call(smsc.server.session_counts) == {}


def test_several_parts(smsc: Live, capsys: Capture) -> None:
    assert send(smsc, DESTINATION, "0123456789" * 40) == 0
    lines = capsys.readouterr().out.splitlines()
    submitted = [f"message_id {1000000000 + n} (part {n + 1} of 3)" for n in range(3)]
    delivered = [f"receipt {1000000000 + n}: DELIVRD err:000" for n in range(3)]
    # The receipt of one part may be here before the next is submitted; before its own message_id it makes no sense.
    assert [line for line in lines if line in submitted] == submitted
    assert sorted(line for line in lines if line not in submitted) == delivered
    assert all(
        lines.index(message) < lines.index(receipt) for message, receipt in zip(submitted, delivered, strict=True)
    )
    joined = b""
    for number, record in enumerate(records(smsc), 1):
        assert record.esm_class == 0x40
        udh, text = parse_udh(record.short_message)
        assert udh.concat is not None
        assert udh.concat[1:3] == (3, number)
        joined += text
    assert joined == b"0123456789" * 40


@pytest.mark.parametrize(
    ("options", "text", "data_coding"),
    [([], "Привет 😀", 8), (["--data-coding", "8"], "Hello", 8), (["--data-coding", "3"], "ÂÊÎ", 3)],
)
def test_alphabets(smsc: Live, options: list[str], text: str, data_coding: int) -> None:
    assert send(smsc, *options, DESTINATION, text) == 0
    (record,) = records(smsc)
    assert record.data_coding == data_coding
    assert decode_text(record.short_message, data_coding) == text


def test_other_sender_and_account(smsc: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMPP_SYSTEM_ID", "other")
    monkeypatch.setenv("SMPP_PASSWORD", "secret")
    assert send(smsc, "--from", "+447700900999", DESTINATION, "Hello") == 0
    (record,) = records(smsc)
    assert (record.source_addr_ton, record.source_addr_npi, record.source_addr) == (1, 1, b"+447700900999")
    assert smsc.call(lambda: smsc.server.counters.bind_attempts["other", "ESME_ROK"]) == 1


def test_no_receipt_is_asked_for(smsc: Live, capsys: Capture) -> None:
    assert send(smsc, "--no-receipt", DESTINATION, "Hello") == 0
    assert capsys.readouterr().out == "message_id 1000000000\n"
    assert [record.registered_delivery for record in records(smsc)] == [0]


def test_a_message_that_fails_is_a_failure(smsc: Live, capsys: Capture) -> None:
    assert send(smsc, "33612345678", "Hello") == 1
    assert capsys.readouterr().out.splitlines()[-1] == "receipt 1000000000: UNDELIV err:012"


def test_no_receipt_in_time(smsc: Live, capsys: Capture) -> None:
    assert send(smsc, "--wait", "0.05", "4915112345678", "Hello") == 1
    captured = capsys.readouterr()
    assert captured.out == "message_id 1000000000\n"
    assert captured.err == "smppd: no receipt within 0.05 seconds for 1000000000\n"
    assert smsc.call(smsc.server.session_counts) == {}


@pytest.mark.parametrize(
    ("credentials", "status"),
    [(["--password", "nope"], "ESME_RINVPASWD"), (["--system-id", "stranger"], "ESME_RINVSYSID")],
)
def test_a_refused_bind(smsc: Live, capsys: Capture, credentials: list[str], status: str) -> None:
    assert send(smsc, *credentials, DESTINATION, "Hello") == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"smppd: the SMSC refuses the bind: {status}\n")


def test_a_refused_message(smsc: Live, capsys: Capture) -> None:
    assert send(smsc, "99", "Hello") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(r"smppd: the SMSC refuses the submit_sm .*ESME_RINVDSTADR\n", captured.err)
    assert smsc.call(smsc.server.session_counts) == {}


def test_nobody_listens(capsys: Capture) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        host, port = nobody.getsockname()
        assert main(["send", "--smpp", f"{host}:{port}", DESTINATION, "Hello"]) == 1
    assert capsys.readouterr().err.startswith(f"smppd: no SMSC listens on {host}:{port}: ")


def test_a_text_that_the_alphabet_does_not_have(smsc: Live, capsys: Capture) -> None:
    assert send(smsc, "--data-coding", "0", DESTINATION, "Hello 😀") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("smppd: the text cannot be sent with data_coding 0: ")
    assert captured.err.count("\n") == 1
    assert records(smsc) == []


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["--password", "x" * 100, DESTINATION], "ESME_RINVPASWD"), (["4" * 100], "ESME_RINVDSTADR")],
)
def test_what_breaks_the_rules_is_sent_all_the_same(
    smsc: Live, capsys: Capture, arguments: list[str], status: str
) -> None:
    """To see how a message centre takes it is what such a command is for."""
    assert send(smsc, *arguments, "Hello") == 1
    assert capsys.readouterr().err.endswith(f"{status}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [DESTINATION],
        [DESTINATION, "Hello", "more"],
        ["--bogus", DESTINATION, "Hello"],
        ["--data-coding", "256", DESTINATION, "Hello"],
        ["--data-coding", "UCS-2", DESTINATION, "Hello"],
        ["--wait", "-1", DESTINATION, "Hello"],
        ["--wait", "nan", DESTINATION, "Hello"],
        ["--smpp", "nonsense", DESTINATION, "Hello"],
        ["--smpp", "127.0.0.1:99999", DESTINATION, "Hello"],
        [DESTINATION + "\0", "Hello"],
        ["--from", "smpp\0d", DESTINATION, "Hello"],
        ["--password", "pass\0word", DESTINATION, "Hello"],
        ["--system-id", "\0", DESTINATION, "Hello"],
        ["--from", "Ђ", DESTINATION, "Hello"],
    ],
)
def test_wrong_usage(capsys: Capture, arguments: list[str]) -> None:
    assert main(["send", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Usage: smppd send" in captured.err


# A message centre that goes away.


async def against(answers: dict[bytes, bytes], *arguments: str) -> tuple[int, str, str]:
    """Run `smppd send` in a process against a server that has one answer to a command_id, and closes without one."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while (reply := answers.get((frame := await read_frame(reader))[4:8])) is not None:
                writer.write(reply[:12] + frame[12:16] + reply[16:])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "import sys; from smppd.cli.main import main; sys.exit(main())",
            "send",
            "--smpp",
            f"127.0.0.1:{port}",
            *arguments,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'protocol'}"},
        )
        async with asyncio.timeout(20):
            output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(4)
    return head + await reader.readexactly(int.from_bytes(head, "big") - 4)


BIND, SUBMITTED = BIND_TRX.to_bytes(4, "big"), SUBMIT.to_bytes(4, "big")


def test_the_session_ends_while_receipts_are_awaited() -> None:
    """The unbind comes right behind the response."""
    answers = {BIND: bind_resp(), SUBMITTED: pdu(SUBMIT | RESP, 0, 1, b"abc\0") + pdu(6, 0, 9)}
    status, output, errors = asyncio.run(against(answers, "--wait", "3600", DESTINATION, "Hello"))
    assert (status, output) == (1, "message_id abc\n")
    assert errors == "smppd: the SMSC has ended the session before the receipt for abc\n"


def test_the_session_ends_before_the_response() -> None:
    status, output, errors = asyncio.run(against({BIND: bind_resp()}, DESTINATION, "Hello"))
    assert (status, output) == (1, "")
    assert errors == "smppd: the connection ended before the response\n"


def test_the_session_ends_between_the_parts() -> None:
    answers = {BIND: bind_resp(), SUBMITTED: pdu(SUBMIT | RESP, 0, 1, b"abc\0") + pdu(6, 0, 9)}
    status, output, errors = asyncio.run(against(answers, DESTINATION, "0123456789" * 40))
    assert (status, output) == (1, "message_id abc (part 1 of 3)\n")
    assert errors in ("smppd: the SMSC has ended the session\n", "smppd: the connection is closed\n")
