"""The account of delivery receipts: which message each belongs to, which are missing, doubled or strange."""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from smppd.load.recent import Recent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from smppd.load.tally import Tally

MOST_AWAITED: Final = 2_000_000
"""Receipts that are awaited at a time; each takes some 150 octets. The oldest are given up when there are more."""

PLAIN_COMPARED: Final = 4096
"""Ids of messages without receipts that are compared: some windows, and small enough for a processor's cache."""

SPELLINGS: Final = tuple((base, form) for base in (10, 16) for form in ("x", "X", "08x", "08X", "d", "010d"))
"""How a response may spell a number that the receipt spells otherwise: the base of the receipt, the format of the
response. Hexadecimal in one and decimal in the other is common; so are zeros in front in one of them only."""

_LONGEST_NUMBER: Final = 20
"""Digits of an id that is taken for a number: 64 bits have no more."""

_DIGITS: Final = {10: frozenset(b"0123456789"), 16: frozenset(b"0123456789abcdefABCDEF")}


class ReceiptSeen(NamedTuple):
    """A receipt as it was read.

    tlv_id: receipted_message_id without its NUL, None when it is absent. text_id: the id in the text, None when there
    is none. state: message_state, or the word in the text where there is no such TLV.
    """

    tlv_id: bytes | None
    text_id: bytes | None
    state: int | str


class Stray(NamedTuple):
    """A receipt for which no message is known yet.

    keys: every id by which it waits. at: when it came. passed: how many other workers did not know it either.
    """

    keys: tuple[bytes, ...]
    state: int | str
    at: float
    passed: int = 0


class Receipts:
    """The receipts that are awaited, those that came too early, and the ids that were given out lately.

    A receipt is tried in this order: by its receipted_message_id, then by the id in its text, as they are; as a late
    one that was given up; as a doubled one. If it is none of these it waits, because its submit_sm_resp may still be on
    its way. When no response that could name its id is outstanding any more (``settle``), other spellings of the same
    number are tried, and then it is unknown. When most receipts have turned out to be respelled in one way, that way is
    tried first.

    One of several workers hands what it would call unknown to the next one (``strays``): an SMSC may send a receipt to
    any bind of an account. It is unknown when it has come round.
    """

    __slots__ = (
        "_awaited",
        "_early",
        "_given_up",
        "_issued",
        "_most_awaited",
        "_nameless",
        "_plain",
        "_respelled",
        "_spelling",
        "_tally",
        "_twins",
        "_workers",
        "strays",
    )

    def __init__(
        self, tally: Tally, issued: Recent | None = None, most_awaited: int = MOST_AWAITED, workers: int = 1
    ) -> None:
        self.strays: list[Stray] = []
        """Receipts that another worker may know; whoever hands them on clears the list."""
        self._workers = workers
        self._tally = tally
        self._awaited: dict[bytes, float] = {}
        self._twins: dict[bytes, list[float]] = {}  # further messages under an id that is awaited
        self._early: dict[bytes, Stray] = {}  # by each of its keys
        self._issued = issued or Recent()
        self._given_up = Recent()
        self._most_awaited = most_awaited
        self._nameless = 0
        self._plain: set[bytes] = set()
        self._respelled = dict.fromkeys(SPELLINGS, 0)
        self._spelling: tuple[int, str] | None = None

    @property
    def awaited(self) -> int:
        """Receipts that may still come."""
        return len(self._awaited) + sum(map(len, self._twins.values()))

    def accepted(self, ids: Sequence[bytes], intended: Sequence[float]) -> None:
        """Messages that want a receipt were accepted under these ids (b"" for none)."""
        counters, awaited, early = self._tally.counters, self._awaited, self._early
        is_known = self._issued.add
        counters.wanted_receipts += len(ids)
        for message_id, start in zip(ids, intended, strict=True):
            if not message_id:
                counters.missing_ids += 1
                self._nameless += 1
                continue
            if is_known(message_id):
                counters.duplicate_ids += 1
                self._tally.note("duplicate_ids", _shown(message_id))
            if message_id in awaited:
                self._twins.setdefault(message_id, []).append(start)
            else:
                awaited[message_id] = start
            if message_id in early:
                entry = early[message_id]
                self._forget_early(entry)
                counters.early_receipts += 1
                self._match(message_id, entry.state, entry.at)

    def named(self, ids: Sequence[bytes]) -> None:
        """Messages that want no receipt were accepted under these ids (b"" for none).

        This is on the hot path, so an id is only compared with those of the last ``PLAIN_COMPARED`` such messages: that
        finds an SMSC which gives out one id, or a few, for everything.
        """
        fresh = set(ids)
        if len(fresh) != len(ids) or b"" in fresh or not self._plain.isdisjoint(fresh):
            for message_id in ids:
                self._odd_name(message_id)
        self._plain |= fresh
        if len(self._plain) > PLAIN_COMPARED:
            self._plain = fresh

    def seen(self, batch: Iterable[ReceiptSeen | tuple[bytes | None, bytes | None, int | str]], now: float) -> None:
        """Final receipts that came now."""
        awaited = self._awaited
        for tlv_id, text_id, state in batch:
            if self._spelling is not None and self._match_learned(self._spelling, (tlv_id, text_id), state, now):
                continue
            if tlv_id in awaited:
                self._match(tlv_id, state, now)
            elif text_id in awaited:
                self._match(text_id, state, now)
            else:
                self._unmatched(Stray(tuple(dict.fromkeys(filter(None, (tlv_id, text_id)))), state, now))

    def adopt(self, strays: Iterable[Stray]) -> None:
        """Receipts that came to another worker, which does not know their messages."""
        for stray in strays:
            keys, state, at, _ = stray
            if self._spelling is not None and self._match_learned(self._spelling, keys, state, at):
                continue
            known = next((key for key in keys if key in self._awaited), None)
            if known is not None:
                self._match(known, state, at)
            else:
                self._unmatched(stray)

    def settle(self, horizon: float) -> None:
        """Judge the receipts that came before ``horizon``, when the oldest message in flight was written.

        Also gives up the oldest receipts when too many are awaited.
        """
        due = []
        for entry in self._early.values():
            if entry.at >= horizon:
                break
            due.append(entry)
        for entry in dict.fromkeys(due):
            self._forget_early(entry)
            self._judge(entry)
        exact = self._tally.counters.receipts - self._tally.counters.respelled_receipts
        commonest = max(SPELLINGS, key=self._respelled.__getitem__)
        self._spelling = commonest if self._respelled[commonest] > exact else None
        for message_id in list(islice(self._awaited, max(0, len(self._awaited) - self._most_awaited))):
            self._take(message_id)
            self._miss(message_id)
            self._given_up.add(message_id)

    def finish(self) -> None:
        """Nothing comes any more: what waits is unknown, what is awaited is missing."""
        self._workers = 1
        self.settle(math.inf)
        while self._awaited:
            message_id = next(iter(self._awaited))
            self._take(message_id)
            self._miss(message_id)
        self._tally.counters.missing_receipts += self._nameless
        self._nameless = 0

    def _odd_name(self, message_id: bytes) -> None:
        """An id among some of which one is missing or doubled."""
        counters = self._tally.counters
        if not message_id:
            counters.missing_ids += 1
        elif message_id in self._plain:
            counters.duplicate_ids += 1
            self._tally.note("duplicate_ids", _shown(message_id))
        self._plain.add(message_id)

    def _take(self, message_id: bytes) -> float:
        """A message that waits no longer: its intended time. The next one under the same id takes its place."""
        start = self._awaited.pop(message_id)
        if message_id in self._twins:
            twins = self._twins[message_id]
            self._awaited[message_id] = twins.pop(0)
            if not twins:
                del self._twins[message_id]
        return start

    def _match(self, message_id: bytes, state: int | str, at: float) -> None:
        """The receipt of an awaited message came at this time."""
        start = self._take(message_id)
        tally = self._tally
        tally.counters.receipts += 1
        tally.states[state] = tally.states.get(state, 0) + 1
        if start >= tally.since:
            tally.receipt.record(at - start)

    def _miss(self, message_id: bytes) -> None:
        self._tally.counters.missing_receipts += 1
        self._tally.note("missing_receipts", _shown(message_id))

    def _match_learned(
        self, spelling: tuple[int, str], keys: tuple[bytes | None, ...], state: int | str, now: float
    ) -> bool:
        """Whether a receipt belongs to a message by the spelling that most receipts have."""
        for key in keys:
            respelled = _respell(key, spelling) if key else None
            if respelled in self._awaited and respelled != key:
                self._match_respelled(respelled, spelling, state, now)
                return True
        return False

    def _match_respelled(self, message_id: bytes, spelling: tuple[int, str], state: int | str, at: float) -> None:
        self._respelled[spelling] += 1
        self._tally.counters.respelled_receipts += 1
        self._match(message_id, state, at)

    def _unmatched(self, stray: Stray) -> None:
        """A receipt that no awaited message has: late, doubled, early, or unknown."""
        counters = self._tally.counters
        keys, state = stray.keys, stray.state
        if self._spelling is not None:
            respelled = (_respell(key, self._spelling) for key in keys)
            keys = tuple(dict.fromkeys((*keys, *filter(None, respelled))))
        if not keys:
            self._unknown("without an id")
        elif any(self._given_up.discard(key) for key in keys):
            counters.missing_receipts -= 1
            counters.late_receipts += 1
            counters.receipts += 1
            self._tally.states[state] = self._tally.states.get(state, 0) + 1
        elif any(key in self._issued for key in keys) or keys[0] in self._early:
            self._doubled(keys[0])
        else:
            entry = stray._replace(keys=keys)
            for key in keys:
                self._early.setdefault(key, entry)

    def _judge(self, entry: Stray) -> None:
        """A receipt whose id no response has named, and none will."""
        for spelling, respelled in _respellings(entry.keys):
            if respelled in self._awaited:
                self._match_respelled(respelled, spelling, entry.state, entry.at)
                return
        if any(respelled in self._issued for _, respelled in _respellings(entry.keys)):
            self._doubled(entry.keys[0])
        elif entry.passed + 1 < self._workers:
            self.strays.append(entry._replace(passed=entry.passed + 1))
        else:
            self._unknown(_shown(entry.keys[0]))

    def _doubled(self, key: bytes) -> None:
        self._tally.counters.doubled_receipts += 1
        self._tally.note("doubled_receipts", _shown(key))

    def _unknown(self, what: str) -> None:
        self._tally.counters.unknown_receipts += 1
        self._tally.note("unknown_receipts", what)

    def _forget_early(self, entry: Stray) -> None:
        """A receipt waits no longer."""
        for each in entry.keys:
            if self._early.get(each) is entry:
                del self._early[each]


def _respellings(keys: Iterable[bytes]) -> Iterator[tuple[tuple[int, str], bytes]]:
    """Every other way to spell these ids, with the way."""
    for key in keys:
        for spelling in SPELLINGS:
            respelled = _respell(key, spelling)
            if respelled is not None and respelled != key:
                yield spelling, respelled


def _respell(key: bytes, spelling: tuple[int, str]) -> bytes | None:
    """A number as another format has it; None when it is no number."""
    base, form = spelling
    if len(key) > _LONGEST_NUMBER or not _DIGITS[base].issuperset(key):
        return None
    return format(int(key, base), form).encode()


def _shown(message_id: bytes) -> str:
    """An id in the list of offenders."""
    return f"message_id {message_id.decode('latin-1')!r}"
