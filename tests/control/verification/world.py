"""A server that is not started, whose journal a test fills by hand; and conditions as people write them."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Coroutine
from typing import Any, TypeVar

from smppd.app import SmscServer
from smppd.control.records import Record
from smppd.control.verification.desk import VerificationDesk
from smppd.control.verification.matching import Matcher
from smppd.observe.journal import Direction
from smppd.observe.roster import BindRecord
from smppd.settings import Account, Journal, Settings, time_zone
from smppd.settings.checks import CHECKS
from smppd.settings.rules import When
from smppd.strict import StrictReader
from smppwire.codec import encode
from smppwire.pdus import Pdu, SubmitSm, SubmitSmResp
from smppwire.udh import concat_8bit

T = TypeVar("T")

BEGINNING = 1_767_225_600.0
"""2026-01-01T00:00:00Z, when the first connection of a world is opened."""


def when(**conditions: Any) -> When:
    """Conditions, read as the API reads them."""
    reader = StrictReader(lambda _: "", CHECKS)
    read = reader.read(When, {name.replace("__", "."): value for name, value in conditions.items()})
    assert not reader.problems, reader.problems
    return read


def matcher(namespace: str = "", **conditions: Any) -> Matcher:
    return Matcher(when(**conditions), time_zone("UTC"), namespace)


def submit(text: str | bytes = "hello", to: str = "33612345678", **fields: Any) -> SubmitSm:
    octets = text.encode("latin-1") if isinstance(text, str) else text
    return SubmitSm(
        source_addr=fields.pop("source", b"bank"), destination_addr=to.encode(), short_message=octets, **fields
    )


def part(text: str, seq: int, total: int, reference: int = 7, **fields: Any) -> SubmitSm:
    """A part of a concatenated message, told by its user data header."""
    return submit(concat_8bit(reference, total, seq) + text.encode("latin-1"), esm_class=0x40, **fields)


class World:
    """One server with a connection "1" on which smppclient1 is bound as a transceiver."""

    def __init__(self, *, pdus: int = 100_000) -> None:
        accounts = [Account(system_id=name, password="password") for name in ("smppclient1", "other")]
        settings = Settings(journal=Journal(pdus=pdus), account=accounts)
        self.server = SmscServer(settings, log_stream=io.StringIO(), environ={})
        self.journal = self.server.journal
        self.roster = self.server._context.roster
        self.now = BEGINNING
        self.bind("1")

    def bind(self, session: str, system_id: str = "smppclient1", alphabet: str = "gsm7") -> None:
        """Open a connection and bind it; nothing of that is recorded."""
        self.roster.opened(session, "127.0.0.1:1", self.now)
        bind = BindRecord(system_id, "transceiver", 0x34, 0x34, "", "", alphabet, self.now)
        self.roster.bound(session, bind)

    def put(self, *pdus: Pdu | bytes, session: str = "1", direction: Direction = "in", after: float = 0.001) -> int:
        """Record PDUs one by one; returns the number of the last."""
        for pdu in pdus:
            self.now += after
            frame = pdu if isinstance(pdu, bytes) else encode(pdu)
            self.journal.record(self.now, session, direction, frame)
        return self.journal.total - 1

    def exchange(self, pdu: Pdu, message_id: bytes = b"m1", status: int = 0, session: str = "1") -> int:
        """Record a submit_sm and its response; returns the number of the former."""
        number = self.put(pdu, session=session)
        body = None if status else message_id
        response = SubmitSmResp(pdu.sequence_number, command_status=status, message_id=body)
        self.put(response, session=session, direction="out")
        return number

    @property
    def desk(self) -> VerificationDesk:
        return self.server.control.verification

    def record(self, number: int) -> Record:
        return self.server.control.pdus.record(number)

    def records(self) -> list[Record]:
        """All that is recorded."""
        return [self.record(number) for number, _ in self.journal.read(0, self.journal.total).frames]


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)
