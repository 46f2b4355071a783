"""From a text and an address to the body of a submit_sm: what varies between static pieces that were encoded before.

The order of the fields is that of SMPP 3.4, 4.4.1; the tests hold the octets against ``smppwire``, which is the truth.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from smppd.load.encodings import AUTO, BINARY, ENCODINGS
from smppd.load.keys import listed
from smppd.load.templates import Constant, Template, text_of
from smppd.tlvs import tlv_octets
from smppwire.errors import TextError
from smppwire.flags import wants_receipt
from smppwire.segmentation import segment
from smppwire.smpp_time import format_relative
from smppwire.text.data_coding import Alphabet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smppd.load.encodings import Encoding
    from smppd.load.keys import Submission
    from smppd.load.templates import AnyText, Drawn, Vocabulary
    from smppd.load.variables import Message
    from smppwire.segmentation import Method, Segment

REFERENCES: Final = {"udh8": 1 << 8, "udh16": 1 << 16, "sar": 1 << 16, "payload": 1}
"""How many references each method of making parts has."""

_LENGTHS: Final = [bytes((length,)) for length in range(256)]


class Shot(NamedTuple):
    """One submit_sm that is to be sent.

    body: everything after the header. wants_receipt: whether a receipt comes in any case. part: whether it is one part
    of a longer message. kind: the name of the ``[[traffic]]`` or ``[[reply]]`` it is from. delay: seconds from now
    until it shall leave (the think time of a reply; 0 for traffic).
    """

    body: bytes
    wants_receipt: bool
    part: bool
    kind: str
    delay: float = 0.0


class Counts:
    """What happened beside sending.

    opted_out: numbers that sent a stop word. suppressed: messages that were not sent for it. too_long: messages that no
    number of parts could carry. mo_answered, mo_unanswered: incoming messages with and without a rule that answers.
    """

    __slots__ = ("mo_answered", "mo_unanswered", "opted_out", "suppressed", "too_long")

    def __init__(self) -> None:
        self.opted_out = 0
        self.suppressed = 0
        self.too_long = 0
        self.mo_answered = 0
        self.mo_unanswered = 0

    def as_dict(self) -> dict[str, int]:
        """All of them by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def head_of(service_type: str, source: tuple[int, int, bytes], destination_type: tuple[int, int]) -> bytes:
    """The body up to the destination_addr; source: TON, NPI, address."""
    ton, npi, address = source
    return service_type.encode() + bytes((0, ton, npi)) + address + bytes((0, *destination_type))


def cut(encoding: Encoding, units: bytes, method: Method, reference: int) -> list[Segment]:
    """Encoded text in parts: one without a reference when it fits. Raises TextError when it needs too many."""
    if len(units) <= encoding.room and method == "payload":
        method = "udh8"
    packed = encoding.alphabet is Alphabet.GSM7_PACKED
    return segment(
        units,
        data_coding=encoding.data_coding,
        method=method,
        reference=reference % REFERENCES[method],
        default_alphabet=Alphabet.GSM7_PACKED if packed else Alphabet.GSM7,
    )


class Composer:
    """Makes messages of one kind that share all fields but addresses and text.

    next_reference: gives the reference of the next message in parts. counts: where messages are counted that cannot be
    sent.
    """

    __slots__ = ("_counts", "_forms", "_kind", "_method", "_next_reference", "_tail", "_wants_receipt")

    def __init__(
        self,
        submission: Submission,
        kind: str,
        registered_delivery: int,
        next_reference: Callable[[], int],
        counts: Counts,
    ) -> None:
        self._kind = kind
        self._wants_receipt = wants_receipt(registered_delivery)
        self._method: Method = submission.multipart.method
        self._next_reference = next_reference
        self._counts = counts
        self._tail = b"".join(tlv_octets(name, value) for name, value in submission.tlvs.items())
        self._forms = {
            encoding.name: _form(submission, encoding, registered_delivery) for encoding in ENCODINGS.values()
        }

    def add(self, shots: list[Shot], head: bytes, destination: bytes, drawn: Drawn, delay: float = 0.0) -> None:
        """Append the parts of one message; none when it is too long."""
        encoding, units = drawn
        middle, room = self._forms[encoding[0]]
        if len(units) > room:
            self._add_parts(shots, head + destination, drawn, delay)
            return
        body = b"".join((head, destination, middle, _LENGTHS[len(units)], units, self._tail))
        # Half the price of Shot(...), once per message.
        shots.append(tuple.__new__(Shot, (body, self._wants_receipt, False, self._kind, delay)))

    def _add_parts(self, shots: list[Shot], begin: bytes, drawn: Drawn, delay: float) -> None:
        encoding, units = drawn
        try:
            segments = cut(encoding, units, self._method, self._next_reference())
        except TextError:
            self._counts.too_long += 1
            return
        middle, _ = self._forms[encoding.name]
        for part in segments:
            # The first octet of the middle ends the destination, the second is esm_class.
            form = bytes((0, middle[1] | part.esm_class)) + middle[2:]
            tlvs = b"".join(_tlv(tag, value) for tag, value in part.tlvs)
            body = begin + form + _LENGTHS[len(part.short_message)] + part.short_message + tlvs + self._tail
            shots.append(Shot(body, self._wants_receipt, len(segments) > 1, self._kind, delay))


def _form(submission: Submission, encoding: Encoding, registered_delivery: int) -> tuple[bytes, int]:
    """What stands between destination_addr and sm_length, and the units that go in one part as they are."""
    data_coding = encoding.data_coding if submission.data_coding is None else submission.data_coding
    middle = b"".join(
        (
            bytes((0, submission.esm_class, submission.protocol_id, submission.priority_flag)),
            _relative(submission.schedule_delivery_time),
            _relative(submission.validity_period),
            bytes((registered_delivery, 0, data_coding, 0)),
        )
    )
    # Septets that are to be packed always take the way of long messages, which packs them.
    return middle, -1 if encoding.alphabet is Alphabet.GSM7_PACKED else encoding.room


def _relative(seconds: int) -> bytes:
    return format_relative(timedelta(seconds=seconds)) + b"\0" if seconds else b"\0"


def _tlv(tag: int, value: bytes) -> bytes:
    return tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


class Variant:
    """Messages of one kind in one encoding, with or without receipt, short or long: texts and what composes them."""

    __slots__ = ("_composer", "_texts")

    def __init__(self, texts: list[AnyText], composer: Composer) -> None:
        self._texts = texts
        self._composer = composer

    def add(self, shots: list[Shot], message: Message, head: bytes, delay: float = 0.0) -> None:
        """Append the parts of one message, whose addresses are known, to ``shots``."""
        texts = self._texts
        text = texts[0] if len(texts) == 1 else texts[int(message.random() * len(texts))]
        self._composer.add(shots, head, message.destination, text.constant or text.draw(message), delay)

    @property
    def is_constant(self) -> bool:
        """Whether all its messages have the same text."""
        return len(self._texts) == 1 and self._texts[0].constant is not None


def variants(
    submission: Submission, kind: str, vocabulary: Vocabulary, next_reference: Callable[[], int], counts: Counts
) -> Iterator[tuple[Variant, float]]:
    """What messages of one kind can be, and which part of them (0 to 1) each is; parts of 0 are left out."""
    asking = submission.registered_delivery_share / 100
    composers = [
        (Composer(submission, kind, submission.registered_delivery, next_reference, counts), asking),
        (Composer(submission, kind, 0, next_reference, counts), 1 - asking),
    ]
    long = submission.multipart.share / 100
    sizes = [(listed(submission.text), 1 - long), (listed(submission.multipart.text), long)]
    total = sum(submission.encodings.values())
    for name, percent in submission.encodings.items():
        for texts, size_share in sizes:
            for composer, receipt_share in composers:
                if share := percent / total * size_share * receipt_share:
                    yield Variant(_texts(submission, name, texts, vocabulary), composer), share


def _texts(submission: Submission, encoding: str, templates: list[str], vocabulary: Vocabulary) -> list[AnyText]:
    if encoding == BINARY.name:
        return [Constant(BINARY, bytes.fromhex(submission.hex or ""))]
    wanted = None if encoding == AUTO else ENCODINGS[encoding]
    return [text_of(Template(text, vocabulary), wanted) for text in templates]
