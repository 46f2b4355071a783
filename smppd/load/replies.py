"""The subscriber's side of a conversation: answers to messages that come in, and respect for those who say STOP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from smppd.load.addresses import octets_of, parse_range
from smppd.load.compose import Shot, head_of, variants
from smppd.load.keys import Reply, listed
from smppd.load.templates import Vocabulary
from smppd.load.variables import MO_TEXT, Message
from smppwire.constants import TlvTag
from smppwire.errors import TextError
from smppwire.flags import has_udh, is_report
from smppwire.pdus import DataSm, DeliverSm
from smppwire.text import decode_text
from smppwire.udh import parse_udh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from random import Random

    from smppd.load.compose import Counts

Incoming: TypeAlias = DeliverSm | DataSm

_PUNCTUATION: Final = ".,;:!?\"'()-"
"""What may stick to the first word of a message."""


def text_of_mo(pdu: Incoming) -> str | None:
    """The text of an incoming message; None for receipts and for all parts but the first of a longer one."""
    if is_report(pdu.esm_class):
        return None
    octets = (pdu.short_message if isinstance(pdu, DeliverSm) else b"") or pdu.tlv(TlvTag.MESSAGE_PAYLOAD) or b""
    udh = None
    part = int.from_bytes(pdu.tlv(TlvTag.SAR_SEGMENT_SEQNUM) or b"\1", "big")
    if has_udh(pdu.esm_class):
        try:
            udh, octets = parse_udh(octets)
        except TextError:
            pass  # a receiver ignores such a header (3GPP TS 23.040, 9.2.3.24)
        else:
            part = udh.concat.seq if udh.concat is not None else part
    return decode_text(octets, pdu.data_coding, udh=udh) if part == 1 else None


def first_word(text: str) -> str:
    """The first word as it is compared: without punctuation around it, letter case aside."""
    words = text.split(maxsplit=1)
    return (words[0].strip(_PUNCTUATION) or words[0]).casefold() if words else ""


class OptOuts:
    """The numbers that get nothing more; ``numbers`` is the set of them, to look into for each message."""

    __slots__ = ("_counts", "_words", "numbers")

    def __init__(self, words: Iterable[str], numbers: Iterable[str], counts: Counts) -> None:
        """words: that stop. numbers: those who want nothing from the start, singly or in ranges."""
        self._words = frozenset(map(first_word, words))
        self.numbers = set(octets_of(map(parse_range, numbers)))
        self._counts = counts

    def heard(self, number: bytes, text: str) -> bool:
        """Take note of what a number sent; whether it was a stop word."""
        if first_word(text) not in self._words:
            return False
        if number not in self.numbers:
            self.numbers.add(number)
            self._counts.opted_out += 1
        return True


class Rule:
    """One ``[[reply]]``, ready to answer."""

    __slots__ = ("_keywords", "_message", "_pattern", "_random", "_reply", "_step", "_think", "_variants", "_weights")

    def __init__(
        self,
        reply: Reply,
        lists: Mapping[str, Sequence[str]],
        random: Random,
        place: tuple[int, int],
        next_reference: Callable[[], int],
        counts: Counts,
    ) -> None:
        """lists: the profile's variables. place: which of how many workers."""
        self._reply = reply
        self._keywords = frozenset(map(first_word, listed(reply.keyword)))
        self._pattern = re.compile(reply.match) if reply.match is not None else None
        vocabulary = Vocabulary(captures_of(reply.match), {}, lists)
        made = list(variants(reply, reply.name, vocabulary, next_reference, counts))
        self._variants = [variant for variant, _ in made]
        self._weights = [share for _, share in made]
        self._random = random
        self._message = Message(random)
        worker, self._step = place
        self._message.number = worker + 1
        times = listed(reply.think_time)
        self._think = times[0], times[-1]

    def captures(self, text: str) -> dict[str, str] | None:
        """What this rule takes from a text, or None when it does not match."""
        if self._pattern is not None:
            found = self._pattern.search(text)
            if found is None:
                return None
            groups = {str(number): value or "" for number, value in enumerate(found.groups(), 1)}
            return {MO_TEXT: text, **groups, **found.groupdict(default="")}
        return {MO_TEXT: text} if not self._keywords or first_word(text) in self._keywords else None

    def answer(self, pdu: Incoming, captures: Mapping[str, str], seconds: int) -> list[Shot]:
        """The answer to a message: its parts, due after the think time. seconds: Unix time."""
        message = self._message
        message.captures, message.seconds = captures, seconds
        message.destination, message.source = pdu.source_addr, pdu.destination_addr
        source = pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr
        head = head_of(self._reply.service_type, source, (pdu.source_addr_ton, pdu.source_addr_npi))
        shots: list[Shot] = []
        (variant,) = self._random.choices(self._variants, self._weights)
        variant.add(shots, message, head, self._random.uniform(*self._think))
        message.number += self._step
        return shots


def captures_of(pattern: str | None) -> list[str]:
    """The variables that a reply's pattern brings: the whole text, and its groups by number and name."""
    if pattern is None:
        return [MO_TEXT]
    compiled = re.compile(pattern)
    return [MO_TEXT, *map(str, range(1, compiled.groups + 1)), *compiled.groupindex]
