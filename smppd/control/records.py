"""The frames of the journal as PDUs, with what is known of the session each came by.

A frame is decoded when somebody first looks, and the latest that were looked at are kept: a test asks again and again
about the same few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.behaviour.facts import Facts
from smppd.engine.message import from_data_sm, from_submit_multi
from smppd.engine.multipart import part_of
from smppwire.codec import decode
from smppwire.constants import HEADER_LENGTH, CommandId
from smppwire.errors import DecodeError, FramingError
from smppwire.pdus import DataSm, SmeAddress, SubmitMulti, SubmitSm, UnknownPdu
from smppwire.session import BINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from smppd.control.simulation import Simulation
    from smppd.engine.multipart import Part
    from smppd.observe.journal import JournalEntry
    from smppd.observe.roster import BindRecord
    from smppwire.pdus import Pdu

MAX_KEPT: Final = 8_192
"""Decoded PDUs that are kept, about a kilobyte each. Scenarios of tests record fewer, so that asking about them again
decodes nothing; whoever searches more pays 2 microseconds for each."""

MAX_SESSIONS: Final = 10_000
"""Sessions whose facts are kept, as many as the roster remembers."""

MAX_PARTS: Final = 255
"""Parts of one message: the octet that counts them holds no more. A sar_total_segments that is longer than it should be
may say anything."""

BIND_TYPES: Final = {
    CommandId.BIND_RECEIVER: "receiver",
    CommandId.BIND_TRANSMITTER: "transmitter",
    CommandId.BIND_TRANSCEIVER: "transceiver",
}


def command_id_of(frame: bytes) -> int:
    """The command_id in the header of a frame; 0, which no command has, when it is cut off before."""
    return int.from_bytes(frame[4:8], "big") if len(frame) >= HEADER_LENGTH else 0


def sequence_number_of(frame: bytes) -> int:
    """The sequence_number in the header of a frame; 0 when it is cut off before."""
    return int.from_bytes(frame[12:16], "big") if len(frame) >= HEADER_LENGTH else 0


class Record:
    """One frame of the journal: its octets, the PDU in it, and the session as rules would have seen it.

    `pdu` is None where the octets are none; `problem` says why then. A command that the specification does not know is
    a PDU (`UnknownPdu`).
    """

    __slots__ = ("_facts", "entry", "number", "pdu", "problem")

    def __init__(self, number: int, entry: JournalEntry, pdu: Pdu | None, problem: str, facts: Facts) -> None:
        self.number = number
        self.entry = entry
        self.pdu = pdu
        self.problem = problem
        self._facts = facts

    @property
    def facts(self) -> Facts:
        """What is known of the session when the PDU passed. Its times are real: the session's age is in real seconds.

        All PDUs of a bind share it: ask for it anew before each use.
        """
        facts = self._facts
        facts.wall = self.entry.time
        facts.now = max(facts.wall, facts.bound_at)
        return facts

    @property
    def command_id(self) -> int:
        """The command_id; 0 where the frame has no whole header."""
        return command_id_of(self.entry.frame)

    @property
    def text(self) -> str | None:
        """The decoded text without its user data header; None for a PDU that carries none."""
        pdu = self.pdu
        if pdu is None or isinstance(pdu, UnknownPdu):
            return None
        if not hasattr(pdu, "short_message") and not isinstance(pdu, DataSm):
            return None
        return self.facts.text(pdu)

    @property
    def message(self) -> SubmitSm | None:
        """What carries a text, with the fields of a submit_sm that are about it; None for a PDU that carries none."""
        pdu = self.pdu
        if isinstance(pdu, DataSm):
            return from_data_sm(pdu)
        # A deliver_sm and a submit_multi have all of these fields, under the same names.
        return pdu if hasattr(pdu, "esm_class") else None  # type: ignore[return-value]

    @property
    def part(self) -> Part | None:
        """Which part of a concatenated message this is; None for a PDU that is whole."""
        message = self.message
        part = None if message is None else part_of(message)
        return None if part is None or part.total > MAX_PARTS else part


class Records:
    """Makes records of what the journal holds. Everything belongs to the thread of the event loop."""

    def __init__(self, simulation: Simulation) -> None:
        """Read the journal of this server."""
        self._simulation = simulation
        self._kept: list[Record | None] = [None] * MAX_KEPT
        """Each record in the place that its number gives it, until another one takes it."""
        self._facts: dict[str, tuple[BindRecord, Facts]] = {}
        """The facts of a session's bind that was asked for last."""

    def of(self, number: int, entry: JournalEntry) -> Record:
        """The record of a frame of this number; it is kept for those who ask again."""
        place = number % MAX_KEPT
        record = self._kept[place]
        if record is None or record.number != number:
            record = self._kept[place] = self._read(number, entry)
        return record

    def forget(self) -> None:
        """Other frames have the numbers of those that were read from now on."""
        self._kept = [None] * MAX_KEPT
        self._facts.clear()

    def for_range(self, frames: int) -> Callable[[int, JournalEntry], Record]:
        """`of`, for whoever looks at so many frames: of too many to be kept none is.

        What is kept only to be pushed out again is work for the garbage collector, which holds the event loop.
        """
        return self.of if frames <= MAX_KEPT else self._glance

    def _glance(self, number: int, entry: JournalEntry) -> Record:
        record = self._kept[number % MAX_KEPT]
        return record if record is not None and record.number == number else self._read(number, entry)

    def account_of(self, number: int, entry: JournalEntry) -> str:
        """Whose session a frame came by, "" for nobody's that is known; cheaper than the whole record."""
        if command_id_of(entry.frame) in BINDS and entry.direction == "in":
            return self._glance(number, entry).facts.account
        bind = self._bind_of(entry)
        return "" if bind is None else bind.system_id

    def _read(self, number: int, entry: JournalEntry) -> Record:
        pdu, problem = None, ""
        try:
            pdu = decode(entry.frame)
        except (DecodeError, FramingError) as error:
            problem = str(error)
        return Record(number, entry, pdu, problem, self._facts_of(entry, pdu))

    def _facts_of(self, entry: JournalEntry, pdu: Pdu | None) -> Facts:
        """What a rule would have known; of a bind, who asks."""
        opened = self._simulation.roster.find(entry.session)
        command_id = command_id_of(entry.frame)
        if command_id in BINDS and entry.direction == "in":
            account = self._known_account(pdu)
            since = entry.time if opened is None else opened.opened_at
            version = getattr(pdu, "interface_version", 0)
            return Facts(
                account, BIND_TYPES[CommandId(command_id)], version, bound_at=since, now=entry.time, wall=entry.time
            )
        bind = self._bind_of(entry)
        if bind is None:
            since = entry.time if opened is None else opened.opened_at
            return Facts(bound_at=since, now=entry.time, wall=entry.time)
        known = self._facts.get(entry.session)
        if known is None or known[0] is not bind:
            if len(self._facts) >= MAX_SESSIONS:
                self._facts.clear()
            known = self._facts[entry.session] = bind, self._facts_of_bind(bind)
        return known[1]

    def _facts_of_bind(self, bind: BindRecord) -> Facts:
        system_id = bind.system_id
        return Facts(
            system_id,
            bind.bind_type,
            bind.version,
            bound_at=bind.bound_at,
            default_alphabet=bind.default_alphabet,
            route_of=lambda message: self._route_of(system_id, message),
        )

    def _bind_of(self, entry: JournalEntry) -> BindRecord | None:
        """The bind that a frame belongs to.

        What came in one read with the bind has the same time, and so is a little older than the bind: it belongs to
        the first one of its connection.
        """
        connection = self._simulation.roster.find(entry.session)
        if connection is None or not connection.binds:
            return None
        return connection.bind_at(entry.time) or connection.binds[0]

    def _known_account(self, pdu: Pdu | None) -> str:
        system_id: bytes = getattr(pdu, "system_id", b"") or b""
        account = self._simulation.context.accounts.get(system_id)
        return "" if account is None else account.system_id

    def _route_of(self, system_id: str, pdu: Pdu) -> str:
        """The name of the route that a message would take now; of several the first, "" for none."""
        if isinstance(pdu, SubmitMulti):
            first = next((each for each in pdu.dest_address if isinstance(each, SmeAddress)), None)
            if first is None:
                return ""
            pdu = from_submit_multi(pdu, first)
        if not isinstance(pdu, (SubmitSm, DataSm)):
            return ""
        route = self._simulation.engine.route_for(system_id, pdu)
        return "" if route is None else route.name
