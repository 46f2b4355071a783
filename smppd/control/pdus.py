"""The PDUs of the journal as people and programs look at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
from msgspec import Struct

from smppd.control.dissection import HIDDEN, DissectionView, dissected, hex_of
from smppd.control.failures import InvalidError, NotFoundError, quoted
from smppd.control.pages import DEFAULT_LIMIT, Page, cursor_for, position_in
from smppd.control.records import Records, command_id_of
from smppd.control.scan import SLICE, Pace, Scan, Turns
from smppd.control.times import iso
from smppd.control.verification.matching import Matcher
from smppd.engine.multipart import SAR
from smppd.settings.names import COMMANDS, tlv_kind
from smppd.settings.types import time_zone
from smppwire.constants import command_name, status_name, tlv_name
from smppwire.pdus import DistributionList, UnknownPdu
from smppwire.schema import PDUS, Kind, TlvKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from smppd.control.records import Record
    from smppd.control.simulation import Simulation
    from smppd.observe.journal import Direction, JournalEntry
    from smppd.settings.rules import When
    from smppwire.pdus import Pdu

KIND: Final = "pdus"
"""What cursors of lists of PDUs are called."""

MAX_DIGITS: Final = 18
"""Digits of the number of a PDU: no server records more."""


class TlvView(Struct, frozen=True, kw_only=True):
    """A TLV. value: a number or a text where the specification says that it is one, else the octets in hexadecimal."""

    tag: int
    name: str
    value: int | str
    hex: str


class PartView(Struct, frozen=True, kw_only=True):
    """A message's place in a concatenated one. by: "udh" (user data header) or "sar" (the three sar_ TLVs)."""

    part: int
    parts: int
    reference: int
    by: Literal["udh", "sar"]


class ResponseView(Struct, frozen=True, kw_only=True):
    """How a request was answered. number: of the PDU that did."""

    number: int
    time: str
    command: str
    command_status: str
    message_id: str = ""


class PduView(Struct, frozen=True, kw_only=True):
    """One recorded PDU.

    * number: its place in the journal. time: when it passed, real time in UTC.
    * account, bind_type: who was bound; "" for nobody. Of a bind: who asks, if that account exists.
    * source_addr, destination_addr, message_id: "" where the PDU has none.
    * text: decoded, without its user data header; null where the PDU carries none.
    * fields: the mandatory fields by the names of the specification; a password is not shown.
    * problem: what is wrong with octets that cannot be decoded; "" for nothing.
    * hex: the octets; null where it was not asked for, or a password stands in them.
    * response: the answer to a request, where it was asked for and recorded.
    """

    number: int
    time: str
    session: str
    direction: Literal["in", "out"]
    account: str
    bind_type: str
    command: str
    command_status: str
    sequence_number: int
    source_addr: str = ""
    destination_addr: str = ""
    message_id: str = ""
    text: str | None = None
    part: PartView | None = None
    fields: dict[str, Any] = {}
    tlvs: list[TlvView] = []
    problem: str = ""
    hex: str | None = None
    response: ResponseView | None = None


class PduDetail(PduView, frozen=True, kw_only=True):
    """One recorded PDU with its octets, and taken apart if that was asked for."""

    dissection: DissectionView | None = None


class PduPage(Page[PduView], frozen=True, kw_only=True):
    """PDUs in order. missed: PDUs that were forgotten before they could be looked at."""

    missed: int = 0


def view_of(record: Record, *, with_hex: bool = False, response: ResponseView | None = None) -> PduView:
    """How a record is shown."""
    entry, pdu, facts = record.entry, record.pdu, record.facts
    command_id = record.command_id
    shown: dict[str, Any] = {
        "number": record.number,
        "time": iso(entry.time),
        "session": entry.session,
        "direction": entry.direction,
        "account": facts.account,
        "bind_type": facts.bind_type,
        "command": command_name(command_id),
        "problem": record.problem,
        "hex": hex_of(entry.frame, sound=not record.problem) if with_hex else None,
        "response": response,
    }
    if pdu is None:
        return PduView(command_status="", sequence_number=0, **shown)
    return PduView(
        command_status=status_name(pdu.command_status),
        sequence_number=pdu.sequence_number,
        source_addr=_latin(pdu, "source_addr"),
        destination_addr=_latin(pdu, "destination_addr"),
        message_id=_latin(pdu, "message_id"),
        text=record.text,
        part=_part_of(record),
        fields=_fields_of(pdu),
        tlvs=[tlv_view(tag, value) for tag, value in pdu.tlvs],
        **shown,
    )


def response_view(record: Record) -> ResponseView:
    """How an answer is shown beside its request."""
    pdu = record.pdu
    return ResponseView(
        number=record.number,
        time=iso(record.entry.time),
        command=command_name(record.command_id),
        command_status="" if pdu is None else status_name(pdu.command_status),
        message_id="" if pdu is None else _latin(pdu, "message_id"),
    )


def _latin(pdu: Pdu, name: str) -> str:
    value: bytes | None = getattr(pdu, name, None)
    return "" if value is None else value.decode("latin-1")


def _part_of(record: Record) -> PartView | None:
    """The place among parts that a PDU names; None for a message that is whole."""
    part = record.part
    if part is None:
        return None
    by: Literal["udh", "sar"] = "sar" if part.kind == SAR else "udh"
    return PartView(part=part.seq, parts=part.total, reference=part.reference, by=by)


def _fields_of(pdu: Pdu) -> dict[str, Any]:
    if isinstance(pdu, UnknownPdu):
        return {"body": pdu.body.hex()}
    return {row.name: _shown(row.name, row.kind, getattr(pdu, row.name)) for row in PDUS[pdu.command_id].attributes}


def _shown(name: str, kind: Kind, value: Any) -> Any:
    """A field as JSON: numbers, texts of octets, octet strings in hexadecimal; null where a response leaves it out."""
    if value is None:
        return None
    if name == "password":
        return HIDDEN
    if kind is Kind.C_OCTETS:
        return value.decode("latin-1")
    if kind is Kind.OCTETS:
        return value.hex()
    if kind in (Kind.DESTINATIONS, Kind.UNSUCCESSFUL):
        return [
            {"dest_flag": 2 if isinstance(one, DistributionList) else 1} | _texts(one._asdict())
            if kind is Kind.DESTINATIONS
            else _texts(one._asdict())
            for one in value
        ]
    return value


def _texts(values: dict[str, Any]) -> dict[str, Any]:
    return {name: one.decode("latin-1") if isinstance(one, bytes) else one for name, one in values.items()}


def tlv_view(tag: int, octets: bytes) -> TlvView:
    """How a TLV is shown."""
    kind = tlv_kind(tag)
    value: int | str = octets.hex()
    if kind is TlvKind.INTEGER:
        value = int.from_bytes(octets, "big")
    elif kind is TlvKind.C_OCTETS:
        value = octets.removesuffix(b"\0").decode("latin-1")
    return TlvView(tag=tag, name=tlv_name(tag), value=value, hex=octets.hex())


class PduDesk:
    """The journal, read."""

    def __init__(self, simulation: Simulation) -> None:
        """Read the journal of this server."""
        self._simulation = simulation
        self.records = Records(simulation)
        """Shared with whoever else looks at recorded PDUs."""
        self._turns = Turns()

    def pace(self, seconds: float = SLICE) -> Pace:
        """The pace of one who looks through what is recorded; all of them together take one slice of a turn."""
        return Pace(self._simulation.context.monotonic, self._turns, seconds)

    def scan(self) -> Scan:
        """A walk through the journal."""
        return Scan(self._simulation.journal, self.pace())

    def ask(self, work: Callable[[], None]) -> None:
        """Have a slice of work on recorded PDUs done when it is its turn."""
        self._turns.ask(work)

    def get(self, number: str | int, *, dissect: bool = False) -> PduDetail:
        """One PDU with its octets; `dissect`: taken apart too.

        Raises NotFoundError when it never was, or is forgotten.
        """
        record = self.record(number)
        alphabet = record.facts.default_alphabet
        taken = dissected(record.entry.frame, alphabet, sound=not record.problem) if dissect else None
        shown = msgspec.structs.asdict(view_of(record, with_hex=True))
        return PduDetail(**shown, dissection=taken)

    def record(self, number: str | int) -> Record:
        """The record of one PDU. Raises NotFoundError as `get`."""
        text = str(number)
        if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS:
            page = self._simulation.journal.read(int(text), 1)
            if page.frames and page.frames[0][0] == int(text):
                return self.records.of(*page.frames[0])
        raise NotFoundError("PDU", text)

    async def list(
        self,
        when: When | None = None,
        *,
        account: str = "",
        session: str = "",
        direction: Direction | None = None,
        command: str = "",
        since: int = 0,
        newest: bool = False,
        limit: int = DEFAULT_LIMIT,
        cursor: str = "",
        with_hex: bool = False,
    ) -> PduPage:
        """The recorded PDUs for which everything holds that is given.

        Args:
            when: conditions as those of rules.
            account: system_id of who was bound.
            session: name of the session.
            direction: "in" from ESMEs, "out" to them.
            command: such as "submit_sm".
            since: the number from which on PDUs count.
            newest: the newest first.
            limit: at most so many.
            cursor: `next` of the page before.
            with_hex: the octets too.

        Raises InvalidError for a command or a cursor that is none.
        """
        journal = self._simulation.journal
        if command and command not in COMMANDS:
            raise InvalidError([("command", f"there is no command {quoted(command)}")])
        zone = time_zone(self._simulation.settings.server.timezone)
        matcher = None if when is None else Matcher(when, zone, namespace=account)
        wanted = COMMANDS.get(command)
        scan = self.scan()
        start, stop = since, journal.total
        if cursor:
            (place,) = position_in(KIND, cursor, int)
            start, stop = (start, min(stop, place)) if newest else (max(start, place), stop)

        record_of = self.records.for_range(stop - start)

        def concerns(number: int, entry: JournalEntry) -> bool:
            if (session and entry.session != session) or (direction is not None and entry.direction != direction):
                return False
            if wanted is not None and command_id_of(entry.frame) != wanted:
                return False
            if matcher is not None:
                return matcher.concerns(entry) and matcher.matches(record_of(number, entry))
            return not account or self.records.account_of(number, entry) == account

        items: list[PduView] = []
        blocks = scan.backward(start, stop) if newest else scan.forward(start, stop)
        async for block in blocks:
            for number, entry in block:
                if not concerns(number, entry):
                    continue
                if len(items) == limit:
                    last = items[-1].number
                    return PduPage(items=items, next=cursor_for(KIND, last if newest else last + 1), missed=scan.missed)
                items.append(view_of(record_of(number, entry), with_hex=with_hex))
        return PduPage(items=items, next=None, missed=scan.missed)
