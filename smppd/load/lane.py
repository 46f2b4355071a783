"""The account of one connection: which of its submit_sm have been answered."""

from __future__ import annotations

import math
from itertools import islice, repeat
from typing import TYPE_CHECKING, Final, NamedTuple

from smppd.load.result import MOST_OFFENDERS
from smppd.load.tally import LATE_AFTER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from smppd.load.receipts import Receipts
    from smppd.load.tally import Tally

SEQUENCE_MASK: Final = 0x7FFFFFFF
"""The highest sequence_number (SMPP 3.4, 3.2); after it comes 1."""

SMALLEST_RING: Final = 1 << 10
"""Slots of a lane whose window is small."""

MOST_EXPIRED: Final = 100_000
"""Messages of a lane that timed out and are remembered in case an answer comes after all."""

_NEVER, _PLAIN, _WANTS, _DONE = range(4)
"""What a slot of the ring knows of its sequence number: no message of ours, in flight, in flight and a receipt is
wanted, not in flight any more."""

_SETTLED: Final = bytes((_NEVER, _DONE))
_IN_FLIGHT: Final = (_PLAIN, _WANTS)
_ONE: Final = tuple(bytes((kind,)) for kind in range(4))
_KIND_OF_WISH: Final = bytes((_PLAIN,)) + bytes((_WANTS,)) * 255
_WHETHER_IN_FLIGHT: Final = bytes(kind in _IN_FLIGHT for kind in range(256))
_ALL_DONE: Final = bytes(_DONE if kind in _IN_FLIGHT else kind for kind in range(256))


class Message(NamedTuple):
    """A message that has left the ring. kind: ``_PLAIN`` or ``_WANTS``."""

    intended: float
    written: float
    kind: int


class Lane:
    """One connection.

    The last sequence numbers are slots of a ring: three arrays hold kind, intended time and time of writing. What is
    written or answered together is consecutive, so it moves in slices. A message that is still in flight when the ring
    has gone round is kept aside (``_strays``); that is rare, because the ring is twice the window, and grows.
    """

    __slots__ = (
        "_covered",
        "_expired",
        "_intended",
        "_kinds",
        "_last",
        "_mask",
        "_receipts",
        "_sent",
        "_span",
        "_strays",
        "_tally",
        "_written",
        "in_flight",
        "name",
    )

    def __init__(self, tally: Tally, receipts: Receipts, name: str, window: int) -> None:
        self.name = name
        self.in_flight = 0
        """Messages of this lane without an answer: slots of the window that are taken."""
        self._tally = tally
        self._receipts = receipts
        self._last = 0
        self._span = 0  # sequence numbers from the first to the last
        self._covered = 0  # of those, the ones that the ring knows about
        self._strays: dict[int, Message] = {}
        self._expired: dict[int, Message] = {}
        self._make_ring(max(SMALLEST_RING, 1 << (2 * window).bit_length()))

    # Sending.

    def sent_run(self, first: int, n: int, now: float, *, wants_receipt: bool) -> None:
        """Closed loop: ``n`` submit_sm with the sequence numbers ``first``, ``first`` + 1 ...; intended and sent now.

        A run does not reach beyond 0x7FFFFFFF: the next one begins at 1.
        """
        self._tally.counters.offered += n
        self._put(first, [now] * n, now, bytes((_WANTS if wants_receipt else _PLAIN,)) * n)

    def sent(self, first: int, intended: Sequence[float], now: float, wants_receipt: bool | bytes = False) -> None:
        """Open loop: message i has the sequence number ``first`` + i and was due at ``intended[i]``; all are sent now.

        wants_receipt: one answer for all, or an octet (0 or 1) for each message. Arrivals are counted elsewhere
        (``Ledger.offered``), when they are due. A run does not reach beyond 0x7FFFFFFF.
        """
        n = len(intended)
        if isinstance(wants_receipt, bytes):
            kinds = wants_receipt.translate(_KIND_OF_WISH)
        else:
            kinds = bytes((_WANTS if wants_receipt else _PLAIN,)) * n
        punctual = now - LATE_AFTER
        if n and min(intended) < punctual:
            self._tally.counters.late += sum(1 for time in intended if time < punctual)
        self._put(first, list(intended), now, kinds)

    def _put(self, first: int, intended: list[float], now: float, kinds: bytes) -> None:
        """Enter messages into the ring, in two pieces when they reach over its end."""
        done, n = 0, len(intended)
        self._tally.counters.sent += n
        self.in_flight += n
        while 2 * self.in_flight > self._mask + 1:
            self._grow()
        while done < n:
            slot = first & self._mask
            size = min(n - done, self._mask + 1 - slot)
            self._advance(first, first + size - 1)
            self._kinds[slot : slot + size] = kinds[done : done + size]
            self._intended[slot : slot + size] = intended[done : done + size]
            self._written[slot : slot + size] = repeat(now, size)
            first += size
            done += size

    def _advance(self, first: int, last: int) -> None:
        """The highest sequence number is ``last`` now: clear the slots up to it, and keep what is still in flight."""
        size = self._mask + 1
        if not self._span:
            self._last = (first - 1) & SEQUENCE_MASK
        step = (last - self._last) & SEQUENCE_MASK
        start, n = (self._last + 1) & self._mask, min(step, size)
        for piece in (range(start, min(start + n, size)), range(max(0, start + n - size))):
            if self._kinds[piece.start : piece.stop].strip(_SETTLED):
                self._set_aside(piece)
            self._kinds[piece.start : piece.stop] = bytes(len(piece))
        self._last = last
        self._covered = min(size, self._covered + step)
        self._span = min(SEQUENCE_MASK >> 1, self._span + step)

    def _set_aside(self, slots: range) -> None:
        """Keep what is in flight in these slots, which are needed for others."""
        for slot in slots:
            if self._kinds[slot] in _IN_FLIGHT:
                self._strays[self._sequence_of(slot)] = self._message(slot)

    def _grow(self) -> None:
        """Four times as many slots. What the ring knows of sequence numbers moves with them."""
        known = [(self._sequence_of(slot), kind, self._message(slot)) for slot, kind in enumerate(self._kinds) if kind]
        self._make_ring(4 * (self._mask + 1))
        for sequence, kind, message in known:
            slot = sequence & self._mask
            self._kinds[slot] = kind
            self._intended[slot], self._written[slot] = message.intended, message.written

    def _make_ring(self, size: int) -> None:
        """An empty ring of ``size`` slots, a power of two."""
        self._mask = size - 1
        self._kinds = bytearray(size)
        self._intended: list[float] = [0.0] * size
        self._written: list[float] = [0.0] * size

    def _sequence_of(self, slot: int) -> int:
        """The last sequence number that a slot stood for."""
        return (self._last - ((self._last - slot) & self._mask)) & SEQUENCE_MASK

    def _message(self, slot: int) -> Message:
        """What stands in a slot."""
        return Message(self._intended[slot], self._written[slot], self._kinds[slot])

    # Responses.

    def answered_run(self, first: int, n: int, now: float, ids: Sequence[bytes] | None = None) -> int:
        """``n`` responses with ESME_ROK and consecutive sequence numbers from ``first`` on.

        ids: the message_id of each, without its NUL; None will do for messages that want no receipt. Returns how many
        slots of the window are free again.
        """
        done = freed = 0
        size = self._mask + 1
        while done < n:
            sequence = (first + done) & SEQUENCE_MASK
            slot = sequence & self._mask
            behind = (self._last - sequence) & SEQUENCE_MASK
            kind = self._kinds[slot]
            if kind not in _IN_FLIGHT or behind >= size:
                freed += self._accept_odd(sequence, now, ids[done : done + 1] if ids else None)
                done += 1
                continue
            piece = self._kinds[slot : min(slot + min(n - done, behind + 1), size)]
            alike = len(piece) - len(piece.lstrip(_ONE[kind]))
            self._accept(slot, alike, kind, now, ids[done : done + alike] if ids else None)
            freed += alike
            done += alike
        return freed

    def answered(self, sequences: Sequence[int], now: float, ids: Sequence[bytes] | None = None) -> int:
        """Responses with ESME_ROK, in any order; consecutive runs, which are the rule, are taken as such.

        ids: as many; as for ``answered_run``. Returns how many slots of the window are free again.
        """
        n = len(sequences)
        if (
            n
            and sequences[-1] - sequences[0] == n - 1
            and list(sequences) == list(range(sequences[0], sequences[0] + n))
        ):
            return self.answered_run(sequences[0], n, now, ids)
        freed = start = 0
        while start < n:
            end, expected = start + 1, sequences[start] + 1
            while end < n and sequences[end] == expected:
                end += 1
                expected += 1
            freed += self.answered_run(sequences[start], end - start, now, ids[start:end] if ids else None)
            start = end
        return freed

    def refused(self, sequence: int, status: int, now: float) -> bool:
        """A response with another status, or a generic_nack. True when a slot of the window is free again."""
        slot = sequence & self._mask
        if self._kinds[slot] in _IN_FLIGHT and (self._last - sequence) & SEQUENCE_MASK <= self._mask:
            self._kinds[slot] = _DONE
            self.in_flight -= 1
            message, freed = self._message(slot), True
        else:
            found, freed = self._find_odd(sequence)
            if found is None:
                return False
            message = found
        self._tally.refused(status)
        self._tally.responded((message.intended,), (message.written,), now)
        return freed

    def _accept(self, slot: int, n: int, kind: int, now: float, ids: Sequence[bytes] | None) -> None:
        """ESME_ROK for ``n`` messages of a kind in consecutive slots."""
        end = slot + n
        self._kinds[slot:end] = _ONE[_DONE] * n
        self.in_flight -= n
        intended = self._intended[slot:end]
        self._tally.counters.ok += n
        self._tally.responded(intended, self._written[slot:end], now)
        self._name(kind, ids, intended, self._sequence_of(slot))

    def _accept_odd(self, sequence: int, now: float, ids: Sequence[bytes] | None) -> int:
        """ESME_ROK for a message that is not in the ring. Returns how many slots of the window it frees."""
        message, freed = self._find_odd(sequence)
        if message is not None:
            self._tally.counters.ok += 1
            self._tally.responded((message.intended,), (message.written,), now)
            self._name(message.kind, ids, (message.intended,), sequence)
        return freed

    def _name(self, kind: int, ids: Sequence[bytes] | None, intended: Sequence[float], first: int) -> None:
        """Accepted messages of a kind, from the sequence number ``first`` on, have these ids.

        None when nobody looked, which is as good as having none.
        """
        counters = self._tally.counters
        nameless = counters.missing_ids
        if kind == _WANTS:
            ids = ids or (b"",) * len(intended)
            self._receipts.accepted(ids, intended)
        elif ids is not None:
            self._receipts.named(ids)
        # Only the first ones are listed, and an SMSC that gives no ids at all is not to cost more than that.
        if ids is not None and nameless != counters.missing_ids and nameless < MOST_OFFENDERS:
            for sequence, message_id in enumerate(ids, first):
                if not message_id:
                    self._note("missing_ids", sequence & SEQUENCE_MASK)

    def _find_odd(self, sequence: int) -> tuple[Message | None, bool]:
        """A message that is answered and not in flight in the ring; True when it was in flight nevertheless.

        No message: the response is doubled or unknown, and is counted as that.
        """
        counters = self._tally.counters
        if (message := self._strays.pop(sequence, None)) is not None:
            self.in_flight -= 1
            return message, True
        if (message := self._expired.pop(sequence, None)) is not None:
            counters.timed_out -= 1
            counters.late_answers += 1
            return message, False
        if self._was_sent(sequence):
            counters.doubled_answers += 1
            self._note("doubled_answers", sequence)
        else:
            counters.unknown_answers += 1
            self._note("unknown_answers", sequence)
        return None, False

    def _was_sent(self, sequence: int) -> bool:
        """Whether a message had this number: exact within the ring; of what is older, every number counts."""
        behind = (self._last - sequence) & SEQUENCE_MASK
        if behind < self._covered:
            return self._kinds[sequence & self._mask] == _DONE
        return behind < self._span

    # Waiting in vain.

    def oldest(self) -> float:
        """When the oldest message in flight was written; infinity when there is none."""
        if self._strays:
            return next(iter(self._strays.values())).written
        return next((self._written[slot] for slot in self._slots_in_flight()), math.inf)

    def expire(self, limit: float) -> int:
        """What was written at ``limit`` or earlier and is in flight has timed out. Returns how many.

        An answer that still comes moves a message from ``timed_out`` to where it belongs, unless more than
        ``MOST_EXPIRED`` have timed out since: then it counts as doubled.
        """
        late = [sequence for sequence, message in self._strays.items() if message.written <= limit]
        expired = {sequence: self._strays.pop(sequence) for sequence in late}
        for slot in self._slots_in_flight():
            if self._written[slot] > limit:
                break
            expired[self._sequence_of(slot)] = self._message(slot)
            self._kinds[slot] = _DONE
        for sequence in expired:
            self._note("timed_out", sequence)
        self._tally.counters.timed_out += len(expired)
        self.in_flight -= len(expired)
        self._expired |= expired
        for sequence in list(islice(self._expired, max(0, len(self._expired) - MOST_EXPIRED))):
            del self._expired[sequence]
        return len(expired)

    def lost(self) -> int:
        """The connection ended: what is in flight will not be answered. Returns how many messages that were."""
        n = self.in_flight
        for sequence in islice(self._strays, MOST_OFFENDERS):
            self._note("connection_lost", sequence)
        for slot in islice(self._slots_in_flight(), MOST_OFFENDERS):
            self._note("connection_lost", self._sequence_of(slot))
        self._tally.counters.connection_lost += n
        self.in_flight = 0
        self._strays.clear()
        self._kinds = self._kinds.translate(_ALL_DONE)
        return n

    def _slots_in_flight(self) -> Iterator[int]:
        """The slots in flight, the oldest first."""
        start = (self._last + 1) & self._mask
        kinds = (self._kinds[start:] + self._kinds[:start]).translate(_WHETHER_IN_FLIGHT)
        place = kinds.find(1)
        while place >= 0:
            yield (start + place) & self._mask
            place = kinds.find(1, place + 1)

    def _note(self, kind: str, sequence: int) -> None:
        self._tally.note(kind, f"{self.name}, sequence_number {sequence}")
