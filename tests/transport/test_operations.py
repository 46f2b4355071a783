"""docs/operations.md against a running server: every operation, in every version, on every kind of bind."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from smppwire.constants import CommandId, CommandStatus, command_name
from smppwire.session import TRANSITIONS, Role, SessionState
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
    bind_body,
    c,
    live_settings,
    request,
    submit_body,
    tlv,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
VERSIONS = {"3.3": 0x33, "3.4": 0x34, "5.0": 0x50}
BINDS = {"tx": BIND_TX, "rx": BIND_RX, "trx": BIND_TRX}
SESSIONS = [(version, bind) for version in VERSIONS for bind in BINDS]
BROADCAST, QUERY_BROADCAST, CANCEL_BROADCAST = 0x111, 0x112, 0x113
FENCE = 0x7FFF0000

SOURCE = b"\x05\x00" + c("smppd")
TARGET = b"\x01\x01" + c("447700900123")
ID = c("1234567890")
AREAS = tlv(0x0606, b"\x00London") + tlv(0x0601, b"\x01\x00\x11") + tlv(0x0604, b"\x00\x01") + tlv(0x0605, b"\0\0\0")

BODIES = {
    BIND_TX: bind_body(),
    BIND_RX: bind_body(),
    BIND_TRX: bind_body(),
    OUTBIND: c("a") + c("b"),
    ENQUIRE_LINK: b"",
    SUBMIT: submit_body(),
    SUBMIT_MULTI: c("") + SOURCE + b"\x01\x01" + TARGET + b"\0\0\0" + c("") + c("") + b"\0\0\0\0\x02Hi",
    DATA: c("") + SOURCE + TARGET + b"\0\0\0" + tlv(0x0424, b"Hi"),
    DELIVER: submit_body(),
    QUERY: ID + SOURCE,
    CANCEL: c("") + ID + SOURCE + TARGET,
    REPLACE: ID + SOURCE + c("") + c("") + b"\0\0\x02Hi",
    ALERT: SOURCE + TARGET,
    BROADCAST: c("") + SOURCE + c("") + b"\0" + c("") + c("") + b"\0\0\0" + AREAS,
    QUERY_BROADCAST: ID + SOURCE,
    CANCEL_BROADCAST: c("") + ID + SOURCE,
    UNBIND: b"",
}
OTHERS = {
    "another command_id": 0x22,
    "a response to nothing": SUBMIT | RESP,
    "generic_nack": NACK,
}
OUT_OF_PLACE = {CommandStatus.ESME_RINVBNDSTS, CommandStatus.ESME_RALYBND, CommandStatus.ESME_RINVCMDID}


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with Live(live_settings(server={"interface_version": "5.0"})) as server:
        yield server


def connect(live: Live, session: tuple[str, str] | None) -> Raw:
    """A connection, bound like this; not bound for None."""
    client = live.client()
    if session is not None:
        version, bind = session
        client.bind(BINDS[bind], version=VERSIONS[version])
    return client


def cell(client: Raw, command_id: int, body: bytes) -> str:
    """What becomes of a request, as the page says it."""
    client.send(request(command_id, 77, body), request(ENQUIRE_LINK, FENCE))
    frame = client.frame()
    _, answer_id, status, sequence = struct.unpack_from(">IIII", frame)
    if sequence == FENCE:
        return "ignored"
    assert sequence == 77
    if client.frame()[4:8] != struct.pack(">I", RESP | ENQUIRE_LINK):
        raise AssertionError("a second answer")
    if answer_id != command_id | RESP:
        assert answer_id == NACK
        return f"*nack* {CommandStatus(status).name.removeprefix('ESME_')}"
    return CommandStatus(status).name.removeprefix("ESME_") if status in OUT_OF_PLACE else "yes"


def walk(live: Live, command_id: int, body: bytes) -> Iterator[str]:
    """The cells of one operation: not bound, then every kind of session."""
    for session in (None, *SESSIONS):
        with connect(live, session) as client:
            yield cell(client, command_id, body)


def line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def tables() -> list[list[str]]:
    """The tables of the page, as lists of their lines."""
    found: list[list[str]] = []
    before = ""
    for text in PAGE.read_text().splitlines():
        if text.startswith("|"):
            if not before.startswith("|"):
                found.append([])
            found[-1].append(text)
        before = text
    return found


def test_what_the_esme_may_send(live: Live) -> None:
    heads = ["operation", "not bound", *(f"{version} {bind}" for version, bind in SESSIONS)]
    rows = [
        line(*heads),
        "|" + "---|" * len(heads),
        *(line(command_name(command_id), *walk(live, command_id, body)) for command_id, body in BODIES.items()),
        *(line(name, *walk(live, command_id, b"")) for name, command_id in OTHERS.items()),
    ]
    assert tables()[0] == rows


def test_every_operation_is_in_the_table() -> None:
    assert set(BODIES) == {command_id for command_id in CommandId if not command_id & RESP}


def test_what_smppd_sends() -> None:
    states = [state for state in SessionState if TRANSITIONS[state]]
    requests = sorted({command_id for cells in TRANSITIONS.values() for side, command_id in cells if side is Role.SMSC})
    rows = [
        line("operation", *(state.value for state in states)),
        "|" + "---|" * (len(states) + 1),
        *(
            line(
                command_name(command_id),
                *("yes" if (Role.SMSC, command_id) in TRANSITIONS[state] else "" for state in states),
            )
            for command_id in requests
            if not command_id & RESP
        ),
    ]
    assert tables()[1] == rows
