"""Replies of subscribers: mobile originated messages that answer a message, from its destination to its source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from smppd.engine.esmes import Delivery
from smppd.engine.scheduler import Schedule
from smppwire.codec import encode
from smppwire.constants import HEADER_LENGTH
from smppwire.errors import EncodeError, TextError
from smppwire.pdus import DeliverSm
from smppwire.segmentation import segment

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from smppd.engine.esmes import EsmeState
    from smppd.engine.ledger import Ledger
    from smppd.engine.outbox import Outbox
    from smppd.engine.ports import Clock, Reply
    from smppwire.pdus import SubmitSm
    from smppwire.segmentation import Segment

MAX_WAITING: Final = 100_000
"""Replies that wait for their time: about 50 MB. Beyond that subscribers keep silent."""

LONGEST_TEXT: Final = 4096
"""Characters of a reply; what is longer is cut. In UCS-2 these are at most 125 parts, of 255 that there may be."""

LONGEST_ADDRESS: Final = 20
"""Octets of an address in deliver_sm (SMPP 3.4 section 5.2.8), the NUL aside."""

UCS2: Final = 8
"""data_coding of a text that the account's default alphabet does not have."""

REFERENCES: Final = 256
"""Parts of one text have a reference of 8 bits in common."""


class Waiting(NamedTuple):
    """A reply and what it answers."""

    esme: EsmeState
    pdu: SubmitSm
    reply: Reply


class Replies:
    """The replies of all subscribers."""

    def __init__(self, ledger: Ledger, outbox: Outbox, *, clock: Clock, wake: Callable[[], None]) -> None:
        """Queue replies in `outbox`; `wake` is called when there is a new one."""
        self._ledger = ledger
        self._outbox = outbox
        self._clock = clock
        self._wake = wake
        self._schedule: Schedule[Waiting] = Schedule()
        self._references: dict[EsmeState, int] = {}
        self.validity = 0.0
        """Seconds that a reply waits for its ESME."""
        self.count = 0
        """How many replies wait for their time."""

    def plan(self, esme: EsmeState, pdu: SubmitSm, reply: Reply) -> None:
        """A subscriber will answer a message that has just been accepted."""
        if self.count >= MAX_WAITING:
            return
        self.count += 1
        self._schedule.add(self._clock.now() + reply.delay, Waiting(esme, pdu, reply))
        self._wake()

    def forget(self, gone: Collection[EsmeState]) -> None:
        """Nobody answers these accounts any more."""
        self.count -= self._schedule.retain(lambda waiting: waiting.esme not in gone)
        for esme in gone:
            self._references.pop(esme, None)

    def next_due(self, *, exact: bool = False) -> float | None:
        """When the next reply is sent, in seconds of the engine's clock; see `Schedule.next_due`."""
        return self._schedule.next_due(exact=exact)

    def run(self, now: float, limit: int) -> bool:
        """Queue what is due, at most `limit` replies; True when there may be more.

        At the limit of messages they are refused, as any other is.
        """
        due = self._schedule.pop_due(now, limit)
        self.count -= len(due)
        for esme, pdu, reply in due:
            bodies = self._bodies(esme, pdu, reply)
            if self._ledger.live + len(bodies) > self._ledger.limit:
                continue
            self._ledger.live += len(bodies)
            for body in bodies:
                self._outbox.add(Delivery("mo", body, esme, None, now, now + self.validity))
        return len(due) == limit

    # -- handing over and taking back ---------------------------------------------------------------------------------

    @property
    def tickets(self) -> int:
        """How many replies have been planned."""
        return self._schedule.tickets

    def entries(self) -> Iterator[tuple[float, int, Waiting]]:
        """What waits for its time: when, under which ticket, and what; in no particular order."""
        return self._schedule.entries()

    @property
    def references(self) -> Mapping[EsmeState, int]:
        """The reference of each account's next reply in parts."""
        return self._references

    def put_back(self, due: float, ticket: int, waiting: Waiting) -> None:
        """Take back one of `entries`."""
        self.count += 1
        self._schedule.put_back(due, ticket, waiting)

    def go_on_from(self, tickets: int, references: Mapping[EsmeState, int]) -> None:
        """All entries are back."""
        self._schedule.go_on_from(tickets)
        self._references = dict(references)

    def _bodies(self, esme: EsmeState, pdu: SubmitSm, reply: Reply) -> list[bytes]:
        """The bodies of the deliver_sm of a reply; none when its addresses cannot stand in one."""
        reference = self._references.get(esme, 0)
        parts = _parts(reply.text[:LONGEST_TEXT], esme.dialect.default_alphabet, reference)
        if len(parts[0]) > 1:
            self._references[esme] = (reference + 1) % REFERENCES
        try:
            return [_body(pdu, reply, part, data_coding) for part, data_coding in zip(*parts, strict=True)]
        except EncodeError:
            return []


def _parts(text: str, default_alphabet: str, reference: int) -> tuple[list[Segment], list[int]]:
    """A text in parts, in the default alphabet if that has all of it, and the data_coding of each."""
    try:
        parts, data_coding = segment(text, reference=reference, default_alphabet=default_alphabet), 0
    except TextError:
        parts, data_coding = segment(text, data_coding=UCS2, reference=reference, errors="replace"), UCS2
    return parts, [data_coding] * len(parts)


def _body(pdu: SubmitSm, reply: Reply, part: Segment, data_coding: int) -> bytes:
    """The body of one deliver_sm. Raises EncodeError for an address that has a NUL in it."""
    deliver_sm = DeliverSm(
        source_addr_ton=pdu.dest_addr_ton,
        source_addr_npi=pdu.dest_addr_npi,
        source_addr=(reply.source_addr or pdu.destination_addr)[:LONGEST_ADDRESS],
        dest_addr_ton=pdu.source_addr_ton,
        dest_addr_npi=pdu.source_addr_npi,
        destination_addr=(reply.destination_addr or pdu.source_addr)[:LONGEST_ADDRESS],
        esm_class=part.esm_class,
        data_coding=data_coding,
        short_message=part.short_message,
    )
    return encode(deliver_sm)[HEADER_LENGTH:]
