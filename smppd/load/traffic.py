"""The messages of a load profile, in the order in which they shall leave.

Everything follows from the profile, the seed, and which of how many workers asks: the same three give the same messages
(but for the time in their texts), however they are asked for, in small batches or in large ones.
"""

from __future__ import annotations

import time
from itertools import accumulate, count
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from smppd.load.addresses import Numbers, Rows, dealt, dealt_rows, parse_range, source_octets, source_type
from smppd.load.compose import Counts, Shot, Variant, head_of, variants
from smppd.load.csv_file import CsvError, read_table
from smppd.load.keys import listed
from smppd.load.profile import ProfileError
from smppd.load.replies import OptOuts, Rule, text_of_mo
from smppd.load.templates import Vocabulary
from smppd.load.variables import Message
from smppd.strict import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from smppd.load.keys import Profile
    from smppd.load.keys import Traffic as Keys
    from smppd.load.replies import Incoming

__all__ = ["Shot", "Traffic"]

MAX_SKIPPED: Final = 1000
"""Destinations in a row that may have opted out before a message is given up: a batch must come to an end."""


class Traffic:
    """What one worker sends."""

    def __init__(
        self,
        profile: Profile,
        *,
        random: Random,
        worker: int = 0,
        workers: int = 1,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """The share of worker number ``worker`` (from 0) of ``workers``.

        random: seeds all draws; workers may be given equal ones. clock: Unix time, for texts with a date in them.
        Raises ProfileError when a CSV file that was there when the profile was read cannot be read any more.
        """
        self.counts = Counts()
        self._clock = clock
        stop_words = profile.stop_words if profile.respect_stop else ()
        self._opt_outs = OptOuts(stop_words, profile.opted_out, self.counts)
        # A message in parts has few references (8 bits): workers begin far from each other.
        next_reference = count((worker << 8) // workers).__next__
        place = worker, workers
        seed = random.getrandbits(64)

        def generator(name: str) -> Random:
            """A generator of its own for each thing that draws, so that none depends on how often others do."""
            return Random(f"{seed}/{worker}/{name}")

        self._choices = generator("choices").choices
        self._kinds: list[_Kind] = []
        self._variants: list[tuple[_Kind, Variant]] = []
        weights: list[float] = []
        for keys in profile.traffic:
            kind = _Kind(keys, generator(f"traffic/{keys.name}"), place, self._opt_outs.numbers, self.counts)
            self._kinds.append(kind)
            vocabulary = Vocabulary((), kind.columns, profile.variables)
            for variant, share in variants(keys, keys.name, vocabulary, next_reference, self.counts):
                self._variants.append((kind, variant))
                weights.append(keys.weight * share)
        self._weights = list(accumulate(weights))
        self._rules = [
            Rule(one, profile.variables, generator(f"reply/{one.name}"), place, next_reference, self.counts)
            for one in profile.reply
        ]
        self._left: list[Shot] = []
        self._constant = self._find_constant()

    def batch(self, n: int) -> list[Shot]:
        """The next ``n`` PDUs; the parts of a longer message follow each other, if need be into the next batch.

        Fewer (maybe none) only when destinations have opted out and nobody else was found.
        """
        if self._constant is not None:
            return self._constant_batch(self._constant, n)
        seconds = int(self._clock())
        for kind in self._kinds:
            kind.message.seconds = seconds
        shots = self._left
        while (missing := n - len(shots)) > 0:
            for kind, variant in self._chosen(missing):
                head = kind.next()
                if head is not None:
                    variant.add(shots, kind.message, head)
            if n - len(shots) == missing:
                break
        self._left = shots[n:]
        del shots[n:]
        return shots

    def answer(self, pdu: Incoming) -> list[Shot]:
        """What to answer an incoming message with, after each shot's ``delay``; nothing to receipts and stop words."""
        text = text_of_mo(pdu)
        number = pdu.source_addr.lstrip(b"+")
        if text is None or not number:
            return []
        if self._opt_outs.heard(number, text):
            return []
        if number in self._opt_outs.numbers:
            self.counts.suppressed += 1
            return []
        for rule in self._rules:
            captures = rule.captures(text)
            if captures is not None:
                self.counts.mo_answered += 1
                return rule.answer(pdu, captures, int(self._clock()))
        self.counts.mo_unanswered += 1
        return []

    def _chosen(self, n: int) -> Sequence[tuple[_Kind, Variant]]:
        """Which kinds of message the next ``n`` are."""
        if len(self._variants) == 1:
            return self._variants * n
        return self._choices(self._variants, cum_weights=self._weights, k=n)

    def _find_constant(self) -> Shot | None:
        """The one PDU that this profile sends again and again, if it is such a profile."""
        if len(self._variants) > 1:
            return None
        ((kind, variant),) = self._variants
        if not (kind.is_constant and variant.is_constant):
            return None
        shots: list[Shot] = []
        head = kind.next()
        if head is not None:
            variant.add(shots, kind.message, head)
        return shots[0] if len(shots) == 1 else None

    def _constant_batch(self, shot: Shot, n: int) -> list[Shot]:
        if self._opt_outs.numbers and self._kinds[0].message.destination in self._opt_outs.numbers:
            self.counts.suppressed += n
            return []
        return [shot] * n


class _Kind:
    """One ``[[traffic]]``: the addresses of its messages, one after the other. place: which of how many workers."""

    def __init__(
        self, keys: Keys, random: Random, place: tuple[int, int], opted_out: set[bytes], counts: Counts
    ) -> None:
        worker, self._step = place
        self.message = Message(random)
        self.message.number = worker + 1 - self._step
        self._opted_out = opted_out
        self._counts = counts
        types = keys.dest_addr_ton, keys.dest_addr_npi
        self._sources = [
            (head_of(keys.service_type, _source(keys, address), types), source_octets(address))
            for address in listed(keys.source_addr)
        ]
        self.columns: Mapping[str, Sequence[str]] = {}
        """The columns of its CSV file, with a cell for each row."""
        self._pool = self._open_pool(keys, place, random if keys.order == "random" else None)

    def _open_pool(self, keys: Keys, place: tuple[int, int], order: Random | None) -> Numbers | Rows:
        if keys.csv is None:
            return Numbers(dealt([parse_range(text) for text in listed(keys.destination_addr)], *place), order)
        csv = keys.csv
        try:
            table = read_table(
                Path(csv.file), column=csv.column, header=csv.header, delimiter=csv.delimiter, limit=csv.limit
            )
        except CsvError as error:
            raise ProfileError([Problem(csv.file, "", "", str(error))]) from None
        mine = table.only(dealt_rows(table.destinations, *place))
        self.columns = mine.columns
        return Rows(mine.destinations, order)

    @property
    def is_constant(self) -> bool:
        """Whether all its messages have the same addresses."""
        return self._pool.size == 1 and len(self._sources) == 1

    def next(self) -> bytes | None:
        """Choose the addresses of the next message; returns the beginning of its body. None: nobody wants it."""
        message = self.message
        message.number += self._step
        message.destination, message.row = self._pool.draw()
        if message.destination in self._opted_out and not self._find_other():
            return None
        sources = self._sources
        head, message.source = sources[0] if len(sources) == 1 else sources[int(message.random() * len(sources))]
        return head

    def _find_other(self) -> bool:
        """Go on to a destination that has not opted out."""
        message = self.message
        for _ in range(min(self._pool.size, MAX_SKIPPED)):
            self._counts.suppressed += 1
            message.destination, message.row = self._pool.draw()
            if message.destination not in self._opted_out:
                return True
        return False


def _source(keys: Keys, address: str) -> tuple[int, int, bytes]:
    """TON, NPI and address of a sender: as the profile says, or as the address looks."""
    ton, npi = source_type(address)
    if keys.source_addr_ton is not None:
        ton = keys.source_addr_ton
    if keys.source_addr_npi is not None:
        npi = keys.source_addr_npi
    return ton, npi, source_octets(address)
