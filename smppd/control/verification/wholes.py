"""Concatenated messages among recorded PDUs: the text that their parts say together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.behaviour.facts import Facts
from smppd.control.verification.sightings import Sighting
from smppd.engine.multipart import join_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smppd.control.records import Record
    from smppwire.pdus import Pdu

MAX_OPEN: Final = 10_000
"""Messages whose parts are still coming, of one question. A part that never comes keeps its message open; beyond this
the one that began first is given up."""

Key = tuple[str, str, bytes, bytes, int, int, int]
"""Account, direction, source and destination address, kind, reference, total."""


class WholeFacts(Facts):
    """What is known of the PDU that completes a message, with the text of the whole."""

    __slots__ = ("whole",)

    def __init__(self, facts: Facts, whole: str) -> None:
        super().__init__(
            facts.account,
            facts.bind_type,
            facts.interface_version,
            bound_at=facts.bound_at,
            now=facts.now,
            wall=facts.wall,
            default_alphabet=facts.default_alphabet,
            route_of=facts.route_of,
        )
        self.whole = whole

    def text(self, pdu: Pdu) -> str:  # noqa: ARG002 - it is that of the whole, whichever part is shown
        """The text of all parts."""
        return self.whole


class Wholes:
    """Puts parts together, in the order in which they were recorded.

    Parts belong together that have the account, the direction, both addresses, the reference and the number of parts
    in common. One that comes twice takes the place of its earlier copy (3GPP TS 23.040 section 9.2.3.24.1), and a
    reference is free again once its message is complete.
    """

    def __init__(self, max_open: int = MAX_OPEN) -> None:
        self._open: dict[Key, dict[int, Record]] = {}
        self._max_open = max_open

    def take(self, record: Record) -> Sighting | None:
        """What a PDU completes: itself, a message of several parts, or nothing yet."""
        part = record.part
        if part is None:
            return Sighting(record)
        key = self._key(record, part.kind, part.reference, part.total)
        parts = self._open.setdefault(key, {})
        parts[part.seq] = record
        if len(parts) < part.total:
            if len(self._open) > self._max_open:
                del self._open[next(iter(self._open))]
            return None
        del self._open[key]
        return _joined(record, [parts[seq] for seq in sorted(parts)])

    def incomplete(self) -> Iterator[Sighting]:
        """The messages that lack parts, with the text of those that have come."""
        for (*_, total), parts in self._open.items():
            present = sorted(parts)
            missing = tuple(seq for seq in range(1, total + 1) if seq not in parts)
            yield _joined(max(parts.values(), key=_number), [parts[seq] for seq in present], missing)

    def _key(self, record: Record, kind: int, reference: int, total: int) -> Key:
        pdu, account = record.pdu, record.facts.account
        source, destination = getattr(pdu, "source_addr", b""), getattr(pdu, "destination_addr", b"")
        return account or record.entry.session, record.entry.direction, source, destination, kind, reference, total


def _number(record: Record) -> int:
    return record.number


def _joined(last: Record, parts: list[Record], missing: tuple[int, ...] = ()) -> Sighting:
    messages = [message for part in parts if (message := part.message) is not None]
    text = join_texts(messages, last.facts.default_alphabet)
    return Sighting(last, WholeFacts(last.facts, text), tuple(part.number for part in parts), missing)
